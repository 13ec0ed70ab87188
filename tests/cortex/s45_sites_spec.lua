-- S45 in small: one short training, few sites; the prediction follows most of them.
local experiment = require "support.experiment"

it("S45 predicts single sites from the top layer", function()
  if not (experiment.has "mnist" and experiment.has "natural-images") then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/s45_sites", { "--train", "4000", "--epochs", "4", "--images", "320",
    "--sites", "24", "--seeds", "1" }, nil, true)
  assert.is_true(values.median_corrected_r > 0.3)
  assert.is_true(values.category_peak_matched_percent > 50)
end)
