-- SYSTEMS S08 in small: every number within what is asked of it.
local experiment = require "support.experiment"

describe("S08", function()
  it("three ways to one code", function()
    experiment.run("sparse/s08_inference", { "--patches", "20", "--bases", "96", "--size", "8" })
  end)
end)
