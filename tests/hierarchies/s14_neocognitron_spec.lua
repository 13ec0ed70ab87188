-- S14 in small: one seed; its gates hold, and its figures are drawn.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S14 the neocognitron learns five digits without a teacher", function()
  experiment.run("hierarchies/s14_neocognitron", { "--seeds", "1", "--draws", "5" }, function(dir)
    for _, name in ipairs { "figure.svg", "s1.svg" } do assert.is_true(base.exists(dir .. name)) end
  end)
end)
