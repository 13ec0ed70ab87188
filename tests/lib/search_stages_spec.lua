-- The space of small convolutional networks: its size counted by hand, and what the networks are made of.
local stages = require "lamina.search.stages"

-- Parameters of a network of 3 x 3 kernels over one channel: convolutions without a bias before batch normalisation,
-- which has two numbers for each channel.
local function parameters(depth, filters, normalised, classes, side)
  local sum, from = 0, 1
  for _ = 1, depth do
    sum = sum + filters * from * 9 + (normalised and 2 or 1) * filters
    from, side = filters, side // 2
  end
  return sum + classes * (filters * side * side + 1)
end

describe("lamina.search.stages", function()
  it("has as many genotypes as the conditions leave", function()
    local per_depth = 3 * 3 * 3 * (1 + 2) * 2 -- filters, kernel, activation, maxima or means in two orders, norm
    assert.equal(per_depth * (1 + 2 + 2), stages.space():size())
    assert.equal(per_depth, stages.space(function(g) return g.depth == 1, "deep" end):size())
  end)

  it("makes the networks that genotypes name", function()
    for _, case in ipairs { { 1, 8, "none" }, { 2, 16, "batch" }, { 3, 8, "batch" } } do
      local depth, filters, kind = table.unpack(case)
      for _, skip in ipairs { false, true } do
        local g = { depth = depth, filters = filters, kernel = 3, activation = "elu", pooling = "avg",
          order = "pooling first", norm = kind, skip = skip }
        local net = stages.network(g, { input = { 1, 16, 16 }, seed = 3, classes = 4 })
        assert.equal(parameters(depth, filters, kind == "batch", 4, 16), net:count()) -- a way around has none
        assert.same({ 5, 4 }, net:forward(randn { 5, 1, 16, 16 }).shape)
      end
    end
  end)

  it("puts an eye in front, and keeps the order of pooling and activation", function()
    local g = { depth = 1, filters = 8, kernel = 5, activation = "tanh", pooling = "avg", norm = "none",
      order = "pooling first" }
    local eye = area "eye" { pool.avg { 2 } }
    local net = stages.network(g, { input = { 1, 8, 8 }, seed = 1, classes = 2, eye = eye })
    local x = randn { 3, 1, 8, 8 }
    local seen = net:activations(x, { "eye", "stage1" })
    assert.equal(x:avg_pool2d { kernel = 2 }:digest(), seen.eye:digest())
    local weight, bias = net:parameters()[1].tensor, net:parameters()[2].tensor
    local filtered = seen.eye:conv2d(weight, bias, { pad = 2 })
    local want = filtered:avg_pool2d { kernel = 2 }:tanh()
    assert.is_true((want - seen.stage1):abs():max():item() < 1e-6)
    local other = filtered:tanh():avg_pool2d { kernel = 2 }
    assert.is_true((other - seen.stage1):abs():max():item() > 1e-3)
  end)
end)
