-- S43 in small: its gates hold with fewer permutations and simulations, and its figures are drawn.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S43 finds animacy in human IT, and crossnobis unbiased", function()
  if not experiment.has "kriegeskorte92" then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/s43_rsa", { "--permutations", "100", "--simulations", "100" },
    function(dir)
      for _, name in ipairs { "figure.svg", "figure.csv", "rdm.png" } do assert.is_true(base.exists(dir .. name)) end
    end)
  assert.near(0.33966, values.animacy_tau_a, 1e-5)
end)
