-- SYSTEMS S28 in small: parameters, shortcuts without parameters, 1202 layers that take a step.
local architecture = require "lamina.architecture"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local lamina = require "lamina"
local loss = require "lamina.loss"
local ops = require "lamina.core.ops"

local function draw(shape) return core.draw { kind = "normal", shape = shape, seed = 28, purpose = "s28" } end

describe("S28 residual networks for small pictures", function()
  it("have the published parameters, the plain ones as many", function()
    for depth, wanted in pairs { [20] = 269722, [32] = 464154, [44] = 658586, [56] = 853018, [110] = 1727962,
      [1202] = 19421274 } do
      assert.equal(wanted, architecture.count((architecture.plan(collection["resnet" .. depth]))))
      assert.equal(wanted, architecture.count((architecture.plan(collection["plain" .. depth]))))
    end
  end)

  it("have shortcuts of every second pixel and channels of zeros", function()
    local net = collection.resnet20 { input = 8, width = 0.25 }
    local x = draw { 2, 3, 8, 8 }
    local seen = net:activations(x, { "V1", "V2.residual1.pad" })
    local before, around = seen.V1, seen["V2.residual1.pad"]
    assert.same({ 2, 8, 4, 4 }, around.shape)
    assert.same(before[{ {}, {}, { 1, 8, 2 }, { 1, 8, 2 } }]:totable(), around[{ {}, { 1, 4 }, {}, {} }]:totable())
    assert.equal(0, around[{ {}, { 5, 8 }, {}, {} }]:abs():max():item())
  end)

  it("take a step with 1202 layers and two pictures", function()
    local net = collection.resnet1202 { input = 8, width = 1 / 8, recompute = true }
    local optimizer = lamina.sgd { rate = 1e-3 }
    optimizer:attach(net)
    local before = net:digest()
    optimizer:step(loss.cross_entropy(net:forward(draw { 2, 3, 8, 8 }, { training = true }),
      core.tensor({ 1, 2 }, { dtype = "int64" })))
    assert.is_true(before ~= net:digest())
    assert.is_true(ops.all(ops.isfinite(net:parameters()[1].tensor:detach())):item())
  end)
end)
