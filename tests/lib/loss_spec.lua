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

local function refuses(f, text)
  local ok, err = pcall(f)
  assert.is_false(ok)
  assert.matches(text, tostring(err), 1, true)
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
    soft = { "cross_entropy", target = double(peers.p) },
    soft_weighted = { { "cross_entropy", classes = peers.weights, label_smoothing = 0.2 }, target = double(peers.p) },
    bce_positive = { { "bce", positive = peers.weights }, target = double(peers.p) },
    hinge_squared = { { "hinge", margin = 0.8, power = 2 }, target = labels },
    triplet_all = { { "triplet", margin = 1.5 }, target = labels },
    triplet_hard = { { "triplet", margin = 1.5, mining = "hard" }, target = labels },
    contrastive = { { "contrastive", margin = 2 }, target = labels },
  } do
    it("give PyTorch's value and gradient: " .. name, function()
      local y = double(case.y or peers.y):requires_grad(true)
      local value = losses.make(case[1])(y, case.target)
      near(peers.losses[name].value, value:item(), name)
      value:backward()
      each_near(peers.losses[name].gradient, y.grad:totable(), name)
    end)
  end

  it("give PyTorch's value and gradient of a triplet of batches", function()
    local y = double(peers.y):requires_grad(true)
    local value = losses.triplet(y, t, double(peers.p), { margin = 1.5 })
    near(peers.losses.triplet.value, value:item(), "triplet")
    value:backward()
    each_near(peers.losses.triplet.gradient, y.grad:totable(), "triplet")
  end)

  it("compare pairs that are given as they do those of a batch", function()
    local y = double(peers.y)
    local first = core.tensor({ 1, 1, 1, 2, 2, 3 }, { dtype = "int64" })
    local second = core.tensor({ 2, 3, 4, 3, 4, 4 }, { dtype = "int64" })
    local a, b = y:index_select(first, { dim = 1 }), y:index_select(second, { dim = 1 })
    local same = labels:index_select(first, { dim = 1 }):eq(labels:index_select(second, { dim = 1 }))
    for _, given in ipairs { same, same:to "float32" } do
      near(peers.losses.contrastive.value, losses.contrastive(a, b, given, { margin = 2 }):item(), "pairs")
    end
    assert.equal(0, losses.triplet(y, core.tensor({ 1, 1, 1, 1 }, { dtype = "int64" })):item())
    for _, f in ipairs { losses.contrastive, losses.triplet } do
      refuses(function() f(y, t) end, "labels must be int64, one for each of the 4 items")
    end
    refuses(function() losses.triplet(y, t, t[1]) end, "embeddings of one shape")
    refuses(function() losses.contrastive(y, t, t) end, "a value for each of the 4 pairs")
  end)

  it("say which factors do not fit", function()
    refuses(function() losses.bce(double(peers.y), double(peers.p), { positive = { 1, 2 } }) end,
      "bce: positive holds 2 factors for 3 units")
    refuses(function() losses.cross_entropy(double(peers.y), labels, { classes = { 1, 2 } }) end,
      "classes holds 2 weights for 3 classes")
    refuses(function() losses.cross_entropy(double(peers.y), double { { 1, 0 } }) end, "target 1x2")
  end)

  it("check the options of a call of their own", function()
    for name, call in pairs {
      ["cross_entropy: unknown option 'smoothing' (there are"] = function()
        losses.cross_entropy(double(peers.y), labels, { smoothing = 0.1 })
      end,
      ["cross_entropy: option 'label_smoothing' is 2"] = function()
        losses.cross_entropy(double(peers.y), labels, { label_smoothing = 2 })
      end,
      ["huber: unknown option 'dleta' (did you mean 'delta'?)"] = function()
        losses.huber(double(peers.y), t, { dleta = 2 })
      end,
      ["mse: unknown option 'weight'"] = function() losses.mse(double(peers.y), t, { weight = 2 }) end,
      ["cosine: unknown option 'missing' (it takes no options)"] = function()
        losses.cosine(double(peers.y), t, { missing = true })
      end,
      ["triplet: option 'mining' is 'some'"] = function()
        losses.triplet(double(peers.y), labels, { mining = "some" })
      end,
      ["contrastive: unknown option 'margn' (did you mean 'margin'?)"] = function()
        losses.contrastive(t, t, labels:eq(1), { margn = 2 })
      end,
    } do refuses(call, name) end
  end)

  it("add up", function()
    local sum = losses.make { "mse", { "l1", weight = 0.5 }, { { "huber", delta = 0.7 }, { "cosine", weight = 2 } } }
    local p = peers.losses
    near(p.mse.value + 0.5 * p.l1.value + p.huber.value + 2 * p.cosine.value,
      sum(double(peers.y), t):item(), "sum")
    assert.equal("mse + l1 + huber + cosine", sum.name)
    refuses(function() losses.make({ { "mse" }, { "l1" }, weight = 2 }, nil, nil, "train") end,
      "loss is a list, which has no option 'weight'")
  end)

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
