-- SYSTEMS S29 in small: the gradient of the first of 110 layers, and what shortcuts are for.
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local loss = require "lamina.loss"

local function draw(shape) return core.draw { kind = "normal", shape = shape, seed = 29, purpose = "s29" } end

describe("S29", function()
  it("the gradient of the first layer of ResNet-110 is neither lost nor huge; without shortcuts it is", function()
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
