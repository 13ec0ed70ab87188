-- The IT recordings in small: decoding at 0.80 across positions, chance before the stimulus, the figures.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("objects are read out of macaque IT at positions that were not trained", function()
  if not experiment.has "it-zhang-desimone2011" then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/it_decoding", { "--draws", "4", "--shuffles", "101" }, function(dir)
    for _, name in ipairs { "figure.svg", "positions.svg" } do assert.is_true(base.exists(dir .. name)) end
  end)
  assert.near(0.7976, values.object_decoding_accuracy, 5e-4)
end)
