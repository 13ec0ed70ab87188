-- Training loops ask the system for memory in their first steps only: from the third step on, everything that a step
-- needs is what the steps before it have left. Each loop runs in a command of its own, so that nothing else is kept.
local command = require "support.command"

-- Prints the allocations that went to the system after each of 12 calls of step().
local REPORT = [[
local base = require "lamina.core.base"
local list = {}
for i = 1, 12 do
  step()
  list[i] = base.memory().system
end
print(table.concat(list, " "), base.memory().cached)
]]

local LOOPS = {
  ["LeNet, by an optimiser"] = [[
    local net = model "LeNet" { input { 1, 28, 28 },
      area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
      area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
      area "IT" { dense { 120 }, relu }, readout "digit" { dense { 10 } } }
    local x, y, optimizer = randn { 64, 1, 28, 28 }, randint(1, 10, { 64 }), adam { rate = 1e-3 }
    optimizer:attach(net)
    step = function()
      local output = net:forward(x, { training = true, step = 1 })
      optimizer:step(cross_entropy(output, y))
    end]],
  ["a residual network with normalisation"] = [[
    local function block(width, stride)
      return residual { conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
        conv { width, kernel = 3, pad = 1, bias = false }, norm.batch, shortcut = "pad", after = relu }
    end
    local net = model "small" { input { 3, 32, 32 },
      area "V1" { conv { 16, kernel = 3, pad = 1, bias = false }, norm.batch, relu, block(16, 1), block(32, 2) },
      readout "class" { pool.global "avg", dense { 10 } } }
    local x, y, optimizer = randn { 32, 3, 32, 32 }, randint(1, 10, { 32 }), sgd { rate = 0.01, momentum = 0.9 }
    optimizer:attach(net)
    step = function()
      local output = net:forward(x, { training = true, step = 1 })
      optimizer:step(cross_entropy(output, y))
    end]],
  ["a recurrent network in tensors, by hand"] = [[
    local function leaf(...) return (randn { ... } * 0.1):requires_grad(true) end
    local weights = { leaf(64, 64), leaf(64, 64), leaf(64), leaf(64, 10) }
    local inward, back, bias, out = table.unpack(weights)
    local x, y = randn { 100, 32, 64 }, randint(1, 10, { 32 })
    step = function()
      local drive, h = x:matmul(inward) + bias, zeros { 32, 64 }
      for t = 1, 100 do h = (drive[t] + h:matmul(back)):tanh() end
      cross_entropy(h:matmul(out), y):backward()
      no_grad(function()
        for _, w in ipairs(weights) do
          w:sub_(w.grad * 0.01)
          w:zero_grad()
        end
      end)
    end]],
}

describe("a training loop's memory", function()
  for name, code in pairs(LOOPS) do
    it("comes from the system in the first three steps: " .. name, function()
      local result = command.run { "--threads", "1", "-e", "local step\n" .. code .. "\n" .. REPORT }
      assert.equal(0, result.code, result.err)
      local list = {}
      for number in result.out:gmatch "%d+" do list[#list + 1] = tonumber(number) end
      if list[13] == 0 then return pending "nothing is kept under a sanitizer" end
      for i = 4, 12 do assert.equal(list[3], list[i], result.out) end
    end)
  end
end)
