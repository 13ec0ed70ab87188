-- SYSTEMS S03 in small: every number within what is asked of it, and its figures.
local experiment = require "support.experiment"

describe("S03", function()
  it("tuning is recovered from noisy neurons", function()
    experiment.run("v1/s03_tuning", { "--neurons", "40" })
  end)
end)
