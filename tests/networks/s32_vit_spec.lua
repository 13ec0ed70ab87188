-- SYSTEMS S32: ViT-mini's parameters by hand, its patches, its rollout, and that it learns.
local attention = require "lamina.attention"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local function draw(shape) return core.draw { kind = "normal", shape = shape, seed = 6, purpose = "s32" } end

describe("S32 ViT-mini", function()
  local net = collection.vit_mini { seed = 1 }

  it("has 139,018 parameters", function()
    local block = 4 * 64 * 65 + 2 * 64 * 128 + 128 + 64 + 2 * 2 * 64
    assert.equal(7 * 7 * 64 + 64 + 64 + 17 * 64 + 4 * block + 2 * 64 + 65 * 10, net:count())
    assert.equal(139018, net:count())
    assert.equal(86567656, collection("vit_b16")[1].parameters)
  end)

  it("sees patches of 7 x 7 one by one", function()
    local x = core.zeros { 1, 1, 28, 28 }
    local y = net:activations(x, "V1.tokens1")["V1.tokens1"]
    x[{ 1, 1, { 8, 14 }, { 15, 21 } }] = 1 -- second row, third column: patch 7
    local changed = net:activations(x, "V1.tokens1")["V1.tokens1"]
    local off = ops.max((changed - y):abs(), { dim = 3 })[1]:totable()
    for i, value in ipairs(off) do assert.equal(i == 7, value > 0) end
  end)

  it("tells where what the class token holds comes from", function()
    local rollout = attention.attention_rollout { net, draw { 3, 1, 28, 28 } }
    assert.same({ 3, 17, 17 }, rollout.shape)
    assert.is_true(rollout:min():item() > 0)
    assert.is_true((ops.sum(rollout, { 3 }) - 1):abs():max():item() < 1e-5)
  end)

  it("learns a few pictures by heart", function()
    local optimizer = words.find "adam" { rate = 2e-3 }
    optimizer:attach(net)
    local x, y = draw { 10, 1, 28, 28 }, core.arange(1, 10, { dtype = "int64" })
    for step = 1, 25 do
      optimizer:step(ops.cross_entropy(net:forward(x, { training = true, step = step }), y))
    end
    assert.same(y:totable(), ops.argmax(net(x), { dim = 2 }):totable())
  end)
end)
