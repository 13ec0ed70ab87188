-- SYSTEMS S04 in small: every number within what is asked of it, and its figures.
local experiment = require "support.experiment"

describe("S04", function()
  it("bars predict gratings for a linear cell only", function()
    experiment.run("v1/s04_linearity", { "--frequencies", "24" })
  end)
end)
