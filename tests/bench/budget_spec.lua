-- The budget in small: a narrow AlexNet, few images, all maps, and an exit code that tells.
local command = require "support.command"

local folder = debug.getinfo(1, "S").source:match "^@(.*)/" or "tests/bench"

it("all layers are fitted within a budget, and one that is too small is told", function()
  for budget, code in pairs { ["0.6"] = 0, ["0.04"] = 1 } do
    local result = command.run({ "budget.lua", "--images", "20", "--width", "0.1", "--budget", budget },
      { dir = folder })
    assert.equal(code, result.code, result.out .. result.err)
    for _, part in ipairs { "ordinary least squares", "PLS, 25", "ridge, 10", "21 layers to 168 neuroids",
      "RDMs and CKA", code == 0 and "within the budget" or "too much" } do
      assert.is_truthy(result.out:find(part, 1, true), result.out)
    end
  end
end)
