-- SYSTEMS S05 in small: every number within what is asked of it, and its figures.
local experiment = require "support.experiment"

describe("S05", function()
  it("a bank of Gabor filters is as designed", function()
    experiment.run("v1/s05_gabor_bank", { "--side", "96" })
  end)
end)
