-- SYSTEMS S07 in small: every number within what is asked of it.
local experiment = require "support.experiment"

describe("S07", function()
  it("the gradient is that of the energy", function()
    experiment.run("sparse/s07_energy", { "--patches", "2", "--bases", "12" })
  end)
end)
