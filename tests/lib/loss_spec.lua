-- Losses against PyTorch's values and gradients (tests/peers/training.py), missing targets against the mean by hand.
local core = require "lamina.core.tensor"
local losses = require "lamina.loss"

local peers = dofile "tests/peers/training.lua"

local function double(values) return core.tensor(values, { dtype = "float64" }) end

local function near(expected, actual, what)
  assert.is_true(math.abs(expected - actual) <= 1e-12 * math.max(1, math.abs(expected)),
    string.format("%s: %.17g is not %.17g", what, actual, expected))
end

local function each_near(expected, actual, what)
  for i, row in ipairs(expected) do
    for k, value in ipairs(row) do near(value, actual[i][k], what) end
  end
end

describe("losses", function()
  local t, labels = double(peers.t), core.tensor(peers.labels, { dtype = "int64" })
  local signs = core.tensor(peers.t):gt(0):to "float64" * 2 - 1
  for name, case in pairs {
    mse = { "mse", target = t }, l1 = { "l1", target = t }, huber = { { "huber", delta = 0.7 }, target = t },
    bce = { "bce", target = double(peers.p) }, kl = { "kl", target = double(peers.p) },
    poisson = { "poisson", target = t, y = peers.rates },
    poisson_log = { { "poisson", log_input = true }, target = t },
    poisson_full = { { "poisson", log_input = true, full = true }, target = t },
    hinge = { { "hinge", margin = 0.8 }, target = labels }, hinge_signs = { "hinge", target = signs },
    cosine = { "cosine", target = t }, correlation = { "correlation", target = t },
    cross_entropy = { { "cross_entropy", classes = peers.weights, label_smoothing = 0.1 }, target = labels },
  } do
    it("give PyTorch's value and gradient: " .. name, function()
      local y = double(case.y or peers.y):requires_grad(true)
      local value = losses.make(case[1])(y, case.target)
      near(peers.losses[name].value, value:item(), name)
      value:backward()
      each_near(peers.losses[name].gradient, y.grad:totable(), name)
    end)
  end

  it("leave missing targets out of the mean and of the gradient", function()
    local nan = 0 / 0
    local target = double { { 1, nan }, { nan, nan }, { 3, 0 } }
    for name, f in pairs {
      mse = function(y, x) return (y - x) ^ 2 end, l1 = function(y, x) return math.abs(y - x) end,
      poisson = function(y, x) return y - x * math.log(y + 1e-8) end,
      bce = function(y, x) return math.log(1 + math.exp(y)) - y * x end,
      hinge = function(y, x) return math.max(0, 1 - y * x) end,
      huber = function(y, x) local d = math.abs(y - x) return d <= 1 and d * d / 2 or d - 0.5 end,
    } do
      local y = double { { 0.5, 2 }, { 3, 4 }, { 0.25, 1.5 } }:requires_grad(true)
      local value, n = losses.make({ name, missing = true })(y, target)
      near((f(0.5, 1) + f(0.25, 3) + f(1.5, 0)) / 3, value:item(), name)
      assert.equal(3, n)
      value:backward()
      local g = y.grad:totable()
      assert.same({ 0, 0, 0 }, { g[1][2], g[2][1], g[2][2] })
      assert.is_true(g[1][1] ~= 0)
      -- where nothing is there, nothing is asked
      assert.equal(0, losses.make({ name, missing = true })(y, target * nan):item())
      assert.is_true(losses.make(name)(y, target):item() ~= losses.make(name)(y, target):item(), name) -- NaN
    end
  end)

  it("correlate over the items that are there", function()
    local nan = 0 / 0
    local value = losses.make { "correlation", missing = true }
    local y, x = double { { 1 }, { 2 }, { 4 }, { 9 } }, double { { 3 }, { 1 }, { 2 }, { nan } }
    local three = losses.make "correlation"(y[{ { 1, 3 } }], x[{ { 1, 3 } }])
    near(three:item(), value(y, x):item(), "correlation")
    assert.equal(1, losses.make "correlation"(y, double { { 2 }, { 2 }, { 2 }, { 2 } }):item())
  end)

  it("take a weight, and say what is wrong", function()
    local y = double(peers.y)
    near(0.25 * peers.losses.mse.value, losses.make { "mse", weight = 0.25 }(y, t):item(), "weight")
    for _, case in ipairs {
      { "poison", "unknown loss 'poison' (did you mean 'poisson'?)" },
      { { "huber", dleta = 2 }, "did you mean 'delta'" },
      { { "mse", weight = -1 }, "weight" },
      { { "kl", missing = true }, "missing" },
      { 3, "expected a name" },
    } do
      local ok, err = pcall(losses.make, case[1])
      assert.is_false(ok)
      assert.matches(case[2], tostring(err), 1, true)
    end
    local ok, err = pcall(losses.l1, y, double { { 1, 2 } })
    assert.is_false(ok)
    assert.matches("the output is 4x3 and the target 1x2", tostring(err), 1, true)
  end)
end)
