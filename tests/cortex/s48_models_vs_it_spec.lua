-- S48 in small: the published order of models, and the figure with the noise ceiling.
local command = require "support.command"
local experiment = require "support.experiment"

it("S48 orders the models as published, below the ceiling", function()
  if not experiment.has "kriegeskorte92" then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/s48_models_vs_it", { "--bootstrap", "20", "--images", "64", "--epochs", "1" },
    function(dir, out)
      assert.matches("noise ceiling 0.254 .- to 0.477", out)
      local lines = 0
      for line in command.read(dir .. "scores.csv"):gmatch "[^\n]+" do lines = lines + (line ~= "" and 1 or 0) end
      assert.equal(17, lines) -- the header, 7 stored models, 9 computed ones
    end)
  assert.equal(1, values.tau_a_order_strict)
end)
