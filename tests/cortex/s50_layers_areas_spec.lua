-- S50: each of four areas made of mixes of a layer finds that layer, in all ten brains.
local experiment = require "support.experiment"

it("S50 gives every area its layer", function()
  for _, name in ipairs { "kriegeskorte92", "mnist", "natural-images" } do
    if not experiment.has(name) then return pending "no data (LAMINA_DATA)" end
  end
  local values = experiment.run("cortex/s50_layers_areas", { "--images", "64", "--epochs", "1", "--trained", "1" },
    nil, true)
  assert.equal(10, values.diagonal_recovered_seeds)
end)
