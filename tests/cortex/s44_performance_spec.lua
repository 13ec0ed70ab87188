-- S44 in small: the whole script on six networks that see next to nothing, for what it reports and its statistics.
local experiment = require "support.experiment"

it("S44 reports every metric, and HMAX below the best network", function()
  if not (experiment.has "mnist" and experiment.has "natural-images") then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/s44_performance", { "--models", "6", "--least", "64", "--most", "256",
    "--images", "120", "--teachers", "1", "--teacher_images", "256", "--teacher_epochs", "1", "--components", "8" },
    nil, true)
  local r = values.accuracy_it_ev_pearson_r
  assert.is_true(r >= -1 and r <= 1)
  -- Student's t of six pairs: 4 degrees of freedom, whose distribution has a closed form
  local t = math.abs(r) * math.sqrt(4 / (1 - r * r))
  local x = t / math.sqrt(4 + t * t)
  assert.near(1 - (1.5 * x - 0.5 * x ^ 3), values.accuracy_it_ev_p, 1e-9)
  assert.is_true(values.top_layer_best_for_it_p > 0 and values.top_layer_best_for_it_p <= 1)
  assert.is_true(values.hmax_minus_best_cnn_ev < 0)
end)
