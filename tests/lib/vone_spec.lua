-- The V1 of VOneNets: filters by their formula, simple and complex cells, noise, what the filters are drawn from.
local core = require "lamina.core.tensor"
local model = require "lamina.model"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local function vone(o, input)
  o.name = "bank"
  return model.model "v" { model.input(input or { 2, 32, 32 }), model.area "V1" { words.find "vone"(o) } }
end

local function buffer(net, name) return net.nodes_by_name["V1.bank"].buffers[name] end

-- By least squares: how well a filter is A exp(-..) cos(2 pi f x' + phase), phase 0 and a quarter together.
local function energy(q0, q1) return ops.sqrt(ops.square(q0) + ops.square(q1)) end

describe("vone", function()
  it("has pairs of filters a quarter of a period apart, each on one channel", function()
    local net = vone { 20, 12, kernel = 31, noise = "none" }
    local q0, q1 = buffer(net, "q0"), buffer(net, "q1")
    assert.same({ 32, 2, 31, 31 }, q0.shape)
    local hill = energy(q0, q1)
    local used = { 0, 0 }
    for i = 1, 32 do
      local empty = 0
      for channel = 1, 2 do
        local map = hill[i][channel]
        if map:max():item() == 0 then empty = empty + 1 else
          used[channel] = used[channel] + 1
          -- the envelope is a Gaussian around the middle: largest there, the same at opposite pixels
          assert.equal(map:max():item(), map[16][16])
          assert.near(map[{ 12, 19 }], map[{ 20, 13 }], 1e-7)
        end
      end
      assert.equal(1, empty)
    end
    assert.is_true(used[1] > 5 and used[2] > 5)
  end)

  it("has a Gaussian of the height 1 / (2 pi sx sy), whose logarithm falls as a square", function()
    local net = vone { 4, 4, kernel = 31, noise = "none" }
    local hill = ops.sum(energy(buffer(net, "q0"), buffer(net, "q1")), { 2 })
    for i = 1, 8 do
      local map = hill[i]
      local function log(r, c) return math.log(map[{ 16 + r, 16 + c }]) end
      local top = log(0, 0)
      -- a quadratic form: q(2 v) = 4 q(v), q(u + v) + q(u - v) = 2 q(u) + 2 q(v)
      local u, v = top - log(1, 0), top - log(0, 1)
      assert.near(4 * u, top - log(2, 0), 1e-3 + 1e-3 * u)
      assert.near(4 * v, top - log(0, 2), 1e-3 + 1e-3 * v)
      assert.near(2 * u + 2 * v, 2 * top - log(1, 1) - log(1, -1), 1e-3 + 1e-3 * (u + v))
      local cross = (log(1, -1) - log(1, 1)) / 2 -- u v - w^2 / 4 is 1 / (4 sx^2 sy^2)
      local determinant = 4 * u * v - cross * cross
      assert.near(math.exp(top), math.sqrt(determinant) / (2 * math.pi), 1e-3 * math.exp(top) + 1e-6)
    end
  end)

  it("rectifies simple cells and takes the root of a mean square for complex ones", function()
    local net = vone { 3, 2, kernel = 9, stride = 4, gain = 10, noise = "none" }
    local x = core.draw { kind = "normal", shape = { 1, 2, 32, 32 }, seed = 2, purpose = "vone" }
    local y, q0, q1 = net(x):totable()[1], buffer(net, "q0"), buffer(net, "q1")
    local window = x[{ 1, {}, { 5, 13 }, { 13, 21 } }] -- row 3, column 5 of the output: middle at 9, 17
    for i = 1, 5 do
      local a, b = (window * q0[i]):sum():item(), (window * q1[i]):sum():item()
      local want = i <= 3 and math.max(a, 0) or math.sqrt((a * a + b * b) / 2)
      assert.near(10 * want, y[i][3][5], 1e-4 * math.max(1, 10 * want))
    end
  end)

  it("adds noise whose variance is the response, by seed and step", function()
    local x = core.draw { kind = "normal", shape = { 16, 2, 32, 32 }, seed = 2, purpose = "vone" }
    local quiet = vone { 4, 4, kernel = 9, gain = 400, noise = "none" }
    local loud = vone { 4, 4, kernel = 9, gain = 400, noise_scale = 1, noise_level = 0 }
    local mean, y = quiet(x), loud(x)
    assert.same(y:totable(), loud(x):totable())
    assert.is_false(pcall(assert.same, y:totable(), loud:forward(x, { step = 2 }):totable()))
    local strong = ops.cast(ops.gt(mean, 30), "float32") -- far from the rectifier
    local z = (y - mean) / ops.sqrt(mean + 1e-4) * strong
    local n = strong:sum():item()
    assert.is_true(n > 1000)
    assert.near(0, z:sum():item() / n, 5 / math.sqrt(n))
    assert.near(1, ops.square(z):sum():item() / n, 8 / math.sqrt(n))
    assert.is_true(ops.min(y):item() >= 0)
  end)

  it("gives gradients where nothing is seen", function()
    local net, x = vone { 2, 2, kernel = 5, noise = "none" }, core.zeros { 1, 2, 32, 32 }
    x:requires_grad(true)
    net(x):sum():backward()
    assert.equal(0, ops.isnan(x.grad):to("float32"):sum():item())
  end)

  it("says what does not fit", function()
    for _, case in ipairs {
      { { 2, 2, kernel = 8 }, "vone: kernel = 8 is even" },
      { { 0, 0 }, "vone: simple and complex are both 0" },
      { { 2, 2, sf_min = 9, sf_max = 10 }, "vone: no bin of frequencies lies between sf_min = 9 and sf_max = 10" },
      { { 2, 2, noise = "poisson" }, "expected one of 'neuronal', 'gaussian', 'none'" },
    } do
      local ok, e = pcall(vone, case[1])
      assert.is_false(ok)
      assert.matches(case[2], tostring(e), 1, true)
    end
  end)
end)

describe("VOneNets", function()
  it("run with every network behind them", function()
    local collection = require "lamina.models"
    for _, word in ipairs { "vone_resnet50", "vone_cornet_s", "vone_alexnet" } do
      local net = collection[word] { width = 1 / 32, input = 64, classes = 3, kernel = 9 }
      assert.same({ 2, 3 }, net(core.zeros { 2, 3, 64, 64 }).shape)
    end
  end)
end)
