-- SYSTEMS S06 in small: every number within what is asked of it.
local experiment = require "support.experiment"

describe("S06", function()
  it("flat spectra from 1/f noise", function()
    experiment.run("sparse/s06_whitening", { "--images", "3", "--side", "256" })
  end)
end)
