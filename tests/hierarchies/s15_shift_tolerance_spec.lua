-- S15 in small: one seed; its gates hold, and its figure is drawn.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S15 tolerance of shifts grows from stage to stage", function()
  experiment.run("hierarchies/s15_shift_tolerance", { "--seeds", "1" }, function(dir)
    assert.is_true(base.exists(dir .. "figure.svg"))
  end)
end)
