-- SYSTEMS S28 and S29 in small: parameters, shortcuts without parameters, 1202 layers that take a step, the gradient
-- of the first of 110 layers.
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

describe("S29 the gradient at the beginning", function()
  it("of the first layer of ResNet-110 is neither lost nor huge; without shortcuts it is", function()
    local function ratio(net)
      local labels = {}
      for i = 1, 16 do labels[i] = i % 10 + 1 end
      loss.cross_entropy(net:forward(draw { 16, 1, 14, 14 }, { training = true }),
        core.tensor(labels, { dtype = "int64" })):backward()
      local function size(name) return net:parameters(name)[1].tensor.grad:square():sum():sqrt():item() end
      return size "V1.conv1" / size "category.dense1"
    end
    local deep = ratio(collection.resnet110 { input = { 1, 14, 14 }, width = 0.25 })
    assert.is_true(deep >= 1e-2 and deep <= 1e2, tostring(deep))
    assert.is_true(ratio(collection.plain110 { input = { 1, 14, 14 }, width = 0.25 }) > 1e2)
  end)
end)
