-- SYSTEMS S01 in small: every number within what is asked of it, and its figures.
local experiment = require "support.experiment"

describe("S01", function()
  it("simple cells follow the phase of a grating and keep the orientation they are wired for", function()
    experiment.run("v1/s01_simple_cell", { "--orientations", "18", "--side", "40" })
  end)
end)
