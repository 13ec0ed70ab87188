-- SYSTEMS S02 in small: every number within what is asked of it, and its figures.
local experiment = require "support.experiment"

describe("S02", function()
  it("complex cells do not follow the phase, nor the sign of contrast", function()
    experiment.run("v1/s02_complex_cell", { "--orientations", "18", "--phases", "16" })
  end)
end)
