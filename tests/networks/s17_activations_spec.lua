-- SYSTEMS S17: activations: their formulas, which are monotone, their gradients, what stands in help.
local check = require "lamina.grad.check"
local core = require "lamina.core.tensor"
local help = require "lamina.help"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local function word(name) return words.find(name) end

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 5, purpose = purpose or "s17" }
end

local ACTIVATIONS = { "identity", "relu", "leaky_relu", "prelu", "elu", "selu", "softplus", "sigmoid", "tanh",
  "lecun_tanh", "hard_sigmoid", "hard_tanh", "softsign", "relu6", "power", "naka_rushton", "exp", "threshold", "gelu",
  "silu", "square", "abs" }
local DIPS = { gelu = true, silu = true, square = true, abs = true }

describe("S17 activations", function()
  local formulas = {
    selu = function(x) return 1.0507009873554805 * (x > 0 and x or 1.6732632423543772 * (math.exp(x) - 1)) end,
    lecun_tanh = function(x)
      local e = math.exp(4 * x / 3)
      return 1.7159 * (e - 1) / (e + 1)
    end,
    hard_sigmoid = function(x) return math.min(math.max(x / 6 + 0.5, 0), 1) end,
    hard_tanh = function(x) return math.min(math.max(x, -1), 1) end,
    softsign = function(x) return x / (1 + math.abs(x)) end,
    relu6 = function(x) return math.min(math.max(x, 0), 6) end,
    exp = math.exp,
    power = function(x) return x > 0 and x * x or 0 end,
    naka_rushton = function(x) return x > 0 and x * x / (1 + x * x) or 0 end,
    threshold = function(x) return x > 0 and 1 or 0 end,
    prelu = function(x) return x > 0 and x or x / 4 end,
  }
  local values = { -9, -3, -1, -0.1, 0, 0.1, 1, 3, 8 }
  for name, formula in pairs(formulas) do
    it("apply " .. name .. " to every element", function()
      local y = net_of({ #values }, word(name))(core.tensor { values }):detach():totable()[1]
      for i, x in ipairs(values) do
        assert.is_true(math.abs(formula(x) - y[i]) <= 1e-5 * math.max(1, math.abs(y[i])), name .. " of " .. x)
      end
    end)
  end

  it("are non-decreasing on 10^4 points where they are flagged monotone, and only there", function()
    local points = core.linspace(-12, 12, 10000)
    for _, dtype in ipairs { "float32", "float64" } do
      for _, name in ipairs(ACTIVATIONS) do
        local layer = word(name)
        local x = points:to(dtype):reshape { 10000, 1 }
        local y
        if name == "prelu" then
          y = ops.prelu(x, core.full({ 1 }, 0.25, { dtype = dtype }))
        else
          y = layer(x)
        end
        local falls = ops.lt(ops.diff(y, { dim = 1 }), 0):to("float32"):sum():item()
        assert.equal(layer.monotone, falls == 0, name)
        assert.equal(not DIPS[name], layer.monotone, name)
      end
    end
  end)

  it("have right gradients away from kinks", function()
    local x = core.tensor { -3.3, -1.7, -0.6, -0.2, 0.15, 0.4, 1.3, 2.4, 5.2, 7.5 }:reshape { 5, 2 }
    for _, name in ipairs(ACTIVATIONS) do
      local layer = word(name)
      if name == "prelu" then
        assert.is_true(check.gradcheck(ops.prelu, { x, core.tensor { 0.25, 0.1 } }, { order = 2 }).ok)
      elseif name ~= "threshold" then
        assert.is_true(check.gradcheck(function(t) return layer(t) end, { x }, { order = 2 }).ok, name)
      end
    end
    for _, gate in ipairs { "sigmoid", "tanh", "relu", "gelu", "silu", "identity" } do
      assert.is_true(check.gradcheck(function(t) return word "glu" (t, { gate }) end, { x }).ok, gate)
    end
    assert.is_true(check.gradcheck(function(t) return word "maxout" (t, { 2 }) end, { x }).ok)
  end)

  it("train prelu's slopes, one for each channel or one for all", function()
    for _, shared in ipairs { false, true } do
      local net = net_of({ 3, 2, 2 }, word "prelu" { 0.1, shared = shared })
      assert.equal(shared and 1 or 3, net:count())
      local x = draw { 4, 3, 2, 2 }
      net:forward(x, { training = true }):sum():backward()
      local want = ops.sum(ops.minimum(x, 0), { 1, 3, 4 })
      if shared then want = want:sum():reshape { 1 } end
      local off = (net:parameters()[1].tensor.grad - want):abs():max():item()
      assert.is_true(off < 1e-5)
    end
  end)

  it("give threshold the gradients of its surrogates", function()
    local k, points = 3, { -2, -0.3, -0.1, 0, 0.05, 0.2, 1 }
    local slopes = {
      fast_sigmoid = function(d) return 1 / (1 + k * math.abs(d)) ^ 2 end,
      sigmoid = function(d)
        local s = 1 / (1 + math.exp(-k * d))
        return k * s * (1 - s)
      end,
      arctan = function(d) return k / (1 + (math.pi * k * d) ^ 2) end,
      triangle = function(d) return k * math.max(0, 1 - k * math.abs(d)) end,
      box = function(d) return math.abs(d) <= 1 / (2 * k) and k or 0 end,
    }
    for name, slope in pairs(slopes) do
      local x = core.tensor { points }:requires_grad(true)
      local y = net_of({ #points }, word "threshold" { 0.5, surrogate = name, slope = k })(x)
      y:sum():backward()
      for i, v in ipairs(points) do
        assert.equal(v > 0.5 and 1 or 0, y:detach()[1][i])
        assert.is_true(math.abs(slope(v - 0.5) - x.grad[1][i]) < 1e-5, name .. " at " .. v)
      end
    end
  end)

  it("take the largest of pieces, and gate one half by the other", function()
    local x = core.tensor { { 1, 5, -2, -3 }, { 0, -1, 7, 8 } }
    assert.same({ { 5, -2 }, { 0, 8 } }, net_of({ 4 }, word "maxout")(x):totable())
    assert.same({ { 5 }, { 8 } }, net_of({ 4 }, word "maxout" { 4 })(x):totable())
    assert.same({ { -2, -15 }, { 0, -8 } }, net_of({ 4 }, word "glu" { "identity" })(x):totable())
    local map = draw { 2, 6, 3, 2 }
    local y, m = net_of({ 6, 3, 2 }, word "glu")(map), map:totable()
    local z = net_of({ 6, 3, 2 }, word "maxout" { 3 })(map):totable()
    for n = 1, 2 do
      for c = 1, 3 do
        for r = 1, 3 do
          local want = m[n][c][r][2] / (1 + math.exp(-m[n][c + 3][r][2]))
          assert.is_true(math.abs(want - y[n][c][r][2]) < 1e-6)
        end
      end
      for c = 1, 2 do
        assert.equal(math.max(m[n][3 * c - 2][2][1], m[n][3 * c - 1][2][1], m[n][3 * c][2][1]), z[n][c][2][1])
      end
    end
  end)

  it("say what does not fit", function()
    for _, case in ipairs {
      { { 5 }, word "maxout", "maxout: pieces = 2 does not divide the 5 channels of 5" },
      { { 5 }, word "glu", "glu: needs an even number of channels, got 5" },
      { { 4 }, word "glu" { "gate" }, "glu: option 'gate' is 'gate', expected one of 'sigmoid'" },
      { { 4 }, word "power" { 0 }, "power: option 'n' is 0, expected a number from 1e-06" },
      { { 4 }, word "threshold" { surrogate = "boxx" }, "(did you mean 'box'?)" },
    } do
      local ok, err = pcall(net_of, case[1], case[2])
      assert.is_false(ok, case[3])
      assert.matches(case[3], tostring(err), 1, true)
    end
  end)

  it("tell in help whether they are monotone", function()
    assert.matches("Monotone%.", help.text "relu")
    assert.matches("Not monotone%.", help.text "gelu")
    assert.is_false(word("glu").monotone)
  end)
end)
