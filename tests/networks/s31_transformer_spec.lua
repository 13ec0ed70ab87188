-- SYSTEMS S31: the parts of a Transformer by hand, what a mask and positions do, and a small one that learns to copy.
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local function tokens(shape, purpose)
  local draw = core.draw { kind = "uniform", shape = shape, seed = 4, purpose = purpose, low = 0, high = 8 }
  return ops.add(ops.floor(draw), 1)
end

local SMALL = { classes = 9, layers = 2, features = 16, heads = 4, hidden = 32, dropout = 0 }

local function small(word, more)
  local given = {}
  for key, value in pairs(SMALL) do given[key] = value end
  for key, value in pairs(more) do given[key] = value end
  return collection[word](given)
end

describe("S31 Transformer", function()
  it("weighs values by the softmax of scaled products, worked by hand", function()
    -- one query of (2, 0) and keys (1, 0), (0, 1): scores 2 / sqrt(2) and 0
    local q = core.tensor { { { 2, 0 } } }
    local k, v = core.tensor { { { 1, 0 }, { 0, 1 } } }, core.tensor { { { 10, 1 }, { 20, 5 } } }
    local first = math.exp(math.sqrt(2)) / (math.exp(math.sqrt(2)) + 1)
    local y = ops.attention(q, k, v):totable()[1][1]
    assert.near(10 * first + 20 * (1 - first), y[1], 1e-5)
    assert.near(first + 5 * (1 - first), y[2], 1e-5)
    assert.same({ 10, 1 }, ops.attention(q, k, v, { causal = true }):totable()[1][1])
  end)

  it("has the paper's base network", function()
    -- 512 x 512 x 4 + biases, 512 x 2048 x 2 + biases, two norms; the decoder has attention and a norm more
    local attention, forward, normal = 4 * 512 * 513, 512 * 2048 * 2 + 2560, 1024
    local encoder, decoder = attention + forward + 2 * normal, 2 * attention + forward + 3 * normal
    assert.equal(6 * (encoder + decoder) + 37000 * 512, collection("transformer")[1].parameters)
    assert.equal(6 * encoder + 37000 * 512, collection("transformer_encoder")[1].parameters)
  end)

  it("does not know the order of tokens without positions", function()
    local x, order = tokens({ 2, 6 }, "order"), core.tensor({ 3, 6, 1, 5, 2, 4 }, { dtype = "int64" })
    for position, equal in pairs { none = true, sincos = false } do
      local net = small("transformer_encoder", { input = 6, position = position })
      local y = ops.index_select(net(x), order, { dim = 2 })
      local off = (net(ops.index_select(x, order, { dim = 2 })) - y):abs():max():item()
      assert.equal(equal, off < 1e-5, position)
    end
  end)

  it("lets nothing of later tokens through the causal mask", function()
    local net = small("transformer_decoder", { input = 8 })
    local a, b = tokens({ 2, 8 }, "a"), tokens({ 2, 8 }, "b")
    local mixed = ops.concat({ a[{ {}, { 1, 3 } }], b[{ {}, { 4, 8 } }] }, { dim = 2 })
    local off = (net(a) - net(mixed)):abs()
    assert.equal(0, off[{ {}, { 1, 3 } }]:max():item())
    assert.is_true(off[{ {}, { 4, 8 } }]:max():item() > 0)
  end)

  it("learns to copy", function()
    local net = small("transformer", { input = 3, layers = 1, features = 32, hidden = 64 })
    local optimizer = words.find "adam" { rate = 3e-3, beta2 = 0.98 }
    optimizer:attach(net)
    local function batch(n, purpose)
      local source = tokens({ n, 3 }, purpose)
      return ops.concat({ source, core.full({ n, 1 }, 9), source[{ {}, { 1, 2 } }] }, { dim = 2 }), source
    end
    for step = 1, 120 do
      local x, source = batch(32, "step" .. step)
      local y = ops.reshape(net:forward(x, { training = true, step = step }), { -1, 9 })
      optimizer:step(ops.cross_entropy(y, ops.cast(ops.reshape(source, { -1 }), "int64")))
    end
    local x, source = batch(100, "test")
    local right = ops.eq(ops.cast(ops.argmax(net(x), { dim = 3 }), "float32"), source)
    assert.is_true(ops.mean(ops.cast(right, "float32")):item() > 0.95)
  end)
end)
