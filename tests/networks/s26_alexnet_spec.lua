-- SYSTEMS S26 in small: AlexNet's parameters and shapes by layer; normalisation, pooling and dropout by hand on 2x2.
local architecture = require "lamina.architecture"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local dropout = require "lamina.layers.dropout"
local layer = require "lamina.layer"
local models = require "lamina.model"
local norm = require "lamina.layers.norm"
local ops = require "lamina.core.ops"
local pool = require "lamina.layers.pool"

local function by_layer(build)
  local counts, shapes = {}, {}
  for _, node in ipairs(build.nodes) do
    shapes[node.name] = layer.shape_text(node.output)
    for _, p in ipairs(node.parameters) do
      counts[node.short] = (counts[node.short] or 0) + layer.elements(p.shape)
    end
  end
  return counts, shapes
end

describe("S26 AlexNet", function()
  it("has the paper's parameters and shapes", function()
    local build = architecture.plan(collection.alexnet2012)
    local counts, shapes = by_layer(build)
    assert.same({ conv1 = 34944, conv2 = 307456, conv3 = 885120, conv4 = 663936, conv5 = 442624, fc6 = 37752832,
      fc7 = 16781312, fc8 = 4097000 }, counts)
    assert.equal(60965224, architecture.count(build))
    assert.equal("96x55x55", shapes["V1.conv1"])
    assert.equal("96x27x27", shapes["V1.pool1"])
    assert.equal("256x13x13", shapes["V2.pool1"])
    assert.equal("256x6x6", shapes["IT.pool1"])
  end)

  it("can be without what it is made of", function()
    local function words_of(given)
      local seen = {}
      for _, node in ipairs(architecture.plan(collection.alexnet2012, given).nodes) do
        seen[node.layer.full] = (seen[node.layer.full] or 0) + 1
      end
      return seen
    end
    assert.equal(2, words_of({})["norm.lrn"])
    assert.is_nil(words_of({ lrn = false })["norm.lrn"])
    assert.equal(2, words_of({}).dropout)
    assert.is_nil(words_of({ dropout = 0 }).dropout)
    local _, shapes = by_layer(architecture.plan(collection.alexnet2012, { overlap = false }))
    assert.equal("96x27x27", shapes["V1.pool1"])
    local counts = by_layer(architecture.plan(collection.alexnet2012, { groups = 1 }))
    assert.equal(256 * 96 * 25 + 256, counts.conv2)
  end)

  it("learns with the stem for small pictures", function()
    local net = collection.alexnet2012 { width = 1 / 32, input = { 1, 32, 32 }, stem = "small", classes = 10,
      init = "he" }
    assert.same({ 4, 32, 32 }, net:activations(core.zeros { 1, 1, 32, 32 }, "V1.conv1")["V1.conv1"]:select({ dim = 1,
      index = 1 }).shape)
  end)
end)

describe("S26 by hand on 2x2", function()
  it("norm.lrn over three channels", function()
    local a = core.tensor { { { { 1, 2 }, { 0, -1 } }, { { 2, 0 }, { 1, 1 } }, { { 0, 1 }, { 3, 2 } } } }
    local want = core.tensor { { { { 1 / 6, 2 / 5 }, { 0, -1 / 3 } }, { { 2 / 6, 0 }, { 1 / 11, 1 / 7 } },
      { { 0, 1 / 2 }, { 3 / 11, 2 / 6 } } } }
    assert.is_true((norm.lrn(a, { 3, k = 1, alpha = 1, beta = 1 }) - want):abs():max():item() < 1e-6)
    for _, beta in ipairs { 0.5, 0.75, 0.8 } do -- roots where they are the power, and the power
      local y = norm.lrn(a, { 3, k = 1, alpha = 1, beta = beta })
      assert.near(2 / 5 ^ beta, y[{ 1, 1, 1, 2 }], 1e-6)
      assert.near(3 / 11 ^ beta, y[{ 1, 3, 2, 1 }], 1e-6)
    end
  end)

  it("norm.lrn over more channels than a matrix is made for", function()
    local x = core.draw { kind = "normal", shape = { 2, 600, 2, 2 }, seed = 26, purpose = "s26" }
    local y, squares = norm.lrn(x, { 5, k = 1, alpha = 1, beta = 0.75 }), x:square()
    for _, c in ipairs { 1, 2, 300, 599, 600 } do
      local sum = squares[{ {}, { math.max(1, c - 2), math.min(600, c + 2) }, {}, {} }]:sum(2)
      local want = x:select { dim = 2, index = c } / ops.pow(sum + 1, 0.75)
      assert.is_true((y:select { dim = 2, index = c } - want):abs():max():item() < 1e-5)
    end
  end)

  it("pooling", function()
    local map = core.tensor { { { { 1, 5 }, { -2, 3 } } } }
    assert.equal(5, pool.max(map, { 2 }):item())
    assert.equal(1.75, pool.avg(map, { 2 }):item())
    assert.equal(5, pool.max(map, { 3, stride = 2, pad = 1 }):item())
    assert.equal(2, pool.max(-map, { 2 }):item())
  end)

  it("dropout", function()
    local map = core.tensor { { { { 1, 5 }, { -2, 3 } } } }
    local net = models.model "d" { models.input { 1, 2, 2 }, models.area "A" { dropout { 0.5 } } }
    assert.same(map:totable(), net(map):totable())
    local kept = 0
    for step = 1, 400 do
      local y = net:forward(map, { training = true, step = step })
      local doubled = ops.eq(y, map * 2)
      assert.is_true(ops.all(ops.logical_or(doubled, ops.eq(y, 0))):item())
      kept = kept + doubled:to("int64"):sum():item()
    end
    assert.is_true(math.abs(kept - 800) <= 100) -- five standard deviations of 1,600 draws
  end)
end)
