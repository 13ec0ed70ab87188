-- Optimisers against their published formulas, schedules against values worked out by hand.
local core = require "lamina.core.tensor"
local optim = require "lamina.optim"

local function parameter(values) return core.tensor(values, { dtype = "float64" }):requires_grad(true) end

-- The loss sum(a (p - b)^2) / 2, whose gradient is a (p - b).
local function quadratic(p, a, b) return ((p - b):square() * (a / 2)):sum() end

local function near(expected, actual, tolerance)
  assert.is_true(math.abs(expected - actual) <= (tolerance or 1e-12), string.format("%.17g is not %.17g", actual,
    expected))
end

describe("optimizers", function()
  it("descend a quadratic as the closed form says", function()
    local p = parameter { 5, -3 }
    local opt = optim.sgd { rate = 0.1 }
    opt:attach { p }
    for _ = 1, 10 do opt:step(quadratic(p, 2, 1)) end
    -- p - b shrinks by 1 - rate a at every step
    near(1 + 4 * 0.8 ^ 10, p:totable()[1])
    near(1 - 4 * 0.8 ^ 10, p:totable()[2])
  end)

  it("follow momentum and Adam element by element", function()
    local p, q = parameter { 2 }, parameter { 2 }
    local sgd, adam = optim.sgd { rate = 0.05, momentum = 0.9, decay = 0.1 }, optim.adam { rate = 0.05 }
    sgd:attach { p }
    adam:attach { q }
    local x, b, y, m, v = 2, 0, 2, 0, 0
    for t = 1, 20 do
      sgd:step(quadratic(p, 3, 1))
      adam:step(quadratic(q, 3, 1))
      b = 0.9 * b + 3 * (x - 1) + 0.1 * x
      x = x - 0.05 * b
      local g = 3 * (y - 1)
      m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
      y = y - 0.05 * (m / (1 - 0.9 ^ t)) / (math.sqrt(v / (1 - 0.999 ^ t)) + 1e-8)
    end
    near(x, p:totable()[1], 1e-12)
    near(y, q:totable()[1], 1e-12)
  end)

  it("take decay from the weights directly in adamw", function()
    local p = parameter { 2 }
    local opt = optim.adamw { rate = 0.1, decay = 0.5 }
    opt:attach { p }
    opt:step(quadratic(p, 0, 0)) -- no gradient: only the decay acts
    near(2 * (1 - 0.05), p:totable()[1])
  end)

  it("scale gradients down to the clip", function()
    local p = parameter { 3, 4 }
    local opt = optim.sgd { rate = 1, clip = 1 }
    opt:attach { p }
    opt:step(quadratic(p, 1, 0)) -- the gradient is (3, 4), its norm 5
    near(5, opt.norm)
    near(3 - 0.6, p:totable()[1], 1e-6)
    near(4 - 0.8, p:totable()[2], 1e-6)
  end)

  it("update a parameter once though it is listed twice, and leave one without a gradient", function()
    local p, q = parameter { 1 }, parameter { 7 }
    local opt = optim.sgd { rate = 0.5 }
    opt:attach { p, p, q }
    opt:step(quadratic(p, 1, 0))
    near(0.5, p:totable()[1])
    near(7, q:totable()[1])
  end)

  it("refuse a loss that is not finite, and change nothing", function()
    local p = parameter { 1 }
    local opt = optim.adam {}
    opt:attach { p }
    local ok, err = pcall(opt.step, opt, (p / 0):sum())
    assert.is_false(ok)
    assert.equal("numeric", err.kind)
    assert.equal(0, opt.steps)
    near(1, p:totable()[1])
  end)

  it("name the gradient that is not finite", function()
    local p, q = parameter { 1 }, parameter { 0 }
    local opt = optim.sgd { check = true }
    opt:attach { { name = "V1.weight", tensor = p }, { name = "V2.weight", tensor = q } }
    local ok, err = pcall(opt.step, opt, (p * q:sqrt()):sum()) -- the derivative of sqrt at 0
    assert.is_false(ok)
    assert.matches("gradient of V2.weight", tostring(err), 1, true)
  end)

  it("follow PyTorch's traces", function()
    local peers = dofile "tests/peers/training.lua"
    for name, opt in pairs {
      sgd = optim.sgd { rate = 0.05, momentum = 0.9, nesterov = true, decay = 0.1 },
      adam = optim.adam { rate = 0.05, decay = 0.1 }, adamw = optim.adamw { rate = 0.05, decay = 0.1 },
      rmsprop = optim.rmsprop { rate = 0.05, beta2 = 0.9, decay = 0.1 },
      rmsprop_momentum = optim.rmsprop { rate = 0.05, beta2 = 0.9, momentum = 0.8 },
    } do
      local p = parameter { 2, -3, 0.5 }
      local a = core.tensor({ 3, 0.4, -1 }, { dtype = "float64" })
      local b = core.tensor({ 1, -1, 2 }, { dtype = "float64" })
      opt:attach { p }
      for step, expected in ipairs(peers.traces[name]) do
        opt:step((a * (p - b):square() * 0.5 + (p * step):sin()):sum())
        for i, value in ipairs(p:totable()) do near(expected[i], value, 1e-10) end
      end
    end
  end)

  it("follow PyTorch's trace of adagrad, whose rate falls as 1 / (1 + 0.1 t) there", function()
    local peers = dofile "tests/peers/training.lua"
    local p = parameter { 2, -3, 0.5 }
    local a, b = core.tensor({ 3, 0.4, -1 }, { dtype = "float64" }), core.tensor({ 1, -1, 2 }, { dtype = "float64" })
    local opt = optim.adagrad { rate = 0.5, initial = 0.2, decay = 0.1 }
    opt:attach { p }
    for step, expected in ipairs(peers.traces.adagrad) do
      opt.buckets[1].rate = 0.5 / (1 + 0.1 * (step - 1))
      opt:step((a * (p - b):square() * 0.5 + (p * step):sin()):sum())
      for i, value in ipairs(p:totable()) do near(expected[i], value, 1e-10) end
    end
  end)

  it("give groups a rate and a decay of their own", function()
    local p, q, r = parameter { 1 }, parameter { 1 }, parameter { 1 }
    local opt = optim.sgd { rate = 0.5, decay = 0.25, groups = { { of = { "V1", "V2" }, rate = 0.1 },
      { of = "bias$", decay = 0 }, { of = "^V2", rate = 0 } } }
    opt:attach { { name = "V1.bias", tensor = p }, { name = "V2.weight", tensor = q }, { name = "IT.w", tensor = r } }
    opt:step(quadratic(p, 1, 0) + quadratic(q, 1, 0) + quadratic(r, 1, 0))
    near(1 - 0.1, p:totable()[1])
    near(1, q:totable()[1])
    near(1 - 0.5 * 1.25, r:totable()[1])
    local ok, err = pcall(function() optim.sgd({ groups = { { of = "V7", rate = 1 } } }):attach { p } end)
    assert.is_false(ok)
    assert.matches("of = \"V7\" means no parameter", tostring(err), 1, true)
  end)

  it("gather losses for one update, and the rest at a flush", function()
    local p, q = parameter { 4 }, parameter { 4 }
    local parts, whole = optim.sgd { rate = 0.1, accumulate = 2 }, optim.sgd { rate = 0.1 }
    parts:attach { p }
    whole:attach { q }
    parts:step(quadratic(p, 1, 0))
    near(4, p:totable()[1])
    parts:step(quadratic(p, 3, 1))
    whole:step((quadratic(q, 1, 0) + quadratic(q, 3, 1)) * 0.5)
    assert.equal(p:totable()[1], q:totable()[1])
    parts:step(quadratic(p, 1, 0))
    parts:flush()
    parts:flush()
    whole:step(quadratic(q, 1, 0))
    assert.equal(p:totable()[1], q:totable()[1])
    assert.equal(2, parts.steps)
  end)

  it("bound each element of a gradient", function()
    local p = parameter { 3, -0.25 }
    local opt = optim.sgd { rate = 1, clip_value = 0.5 }
    opt:attach { p }
    opt:step(quadratic(p, 1, 0))
    near(2.5, p:totable()[1])
    near(0, p:totable()[2])
  end)

  it("average the parameters, and swap", function()
    local p = parameter { 1 }
    local opt = optim.sgd { rate = 0.5, average = 0.9 }
    opt:attach { p }
    local mean, value = 1, 1
    for t = 1, 60 do
      opt:step(quadratic(p, 1, 0) + p:sum())
      value = value - 0.5 * (value + 1)
      local memory = math.min(0.9, (1 + t) / (10 + t))
      mean = memory * mean + (1 - memory) * value
    end
    opt:swap()
    near(mean, p:totable()[1])
    opt:swap()
    near(value, p:totable()[1])
  end)

  it("update several models at once", function()
    local dense, models = require "lamina.layers.dense", require "lamina.model"
    local function net(name) return models.model(name) { seed = 1, models.input { 2 },
      models.readout "y" { dense { 1 } } } end
    local a, b, c = net "a", net "b", net "c"
    local opt, alone = optim.adam { rate = 0.1 }, optim.adam { rate = 0.1 }
    opt:attach(a, b)
    alone:attach(c)
    assert.same({ "y.dense1.weight", "y.dense1.bias", "2.y.dense1.weight", "2.y.dense1.bias" }, opt.names)
    local x = core.ones { 3, 2 }
    for _ = 1, 3 do
      opt:step(a(x):square():sum() + b(x):square():sum())
      alone:step(c(x):square():sum())
    end
    assert.equal(c:digest(), a:digest())
    assert.equal(c:digest(), b:digest())
  end)

  it("go on from a saved state bit for bit", function()
    local function run(stop)
      local p = parameter { 2, 3 }
      local opt = optim.adam { rate = 0.1, schedule = optim.cosine {} }
      opt:attach { p }
      opt:plan { steps = 10 }
      for step = 1, 10 do
        if step == stop then
          local state = opt:state()
          local kept = { tensors = {}, values = state.values }
          for name, t in pairs(state.tensors) do kept.tensors[name] = t:clone() end
          opt = optim.adam { rate = 0.1, schedule = optim.cosine {} }
          opt:attach { p }
          opt:plan { steps = 10 }
          opt:restore(kept)
        end
        opt:step(quadratic(p, 2, 1))
      end
      return p:digest()
    end
    assert.equal(run(nil), run(6))
  end)

  it("say what is wrong with their options", function()
    for _, case in ipairs {
      { optim.adam, { rte = 1 }, "did you mean 'rate'" },
      { optim.sgd, { momentum = 2 }, "momentum" },
      { optim.adam, { rate = "fast" }, "rate" },
      { optim.adam, { schedule = {} }, "schedule" },
    } do
      local ok, err = pcall(case[1], case[2])
      assert.is_false(ok)
      assert.matches(case[3], tostring(err), 1, true)
    end
    local searches, loss = require "lamina.optim.search", core.tensor { 1 }
    for kind, f in pairs {
      sgd = function() optim.sgd {}:update() end,
      adam = function() optim.adam {}:step(loss) end,
      lbfgs = function() searches.lbfgs {}:step(function() return loss end) end,
    } do
      local ok, err = pcall(f)
      assert.is_false(ok)
      assert.matches("optim_spec.lua:" .. debug.getinfo(f, "S").linedefined .. ": " .. kind
        .. ": nothing to update yet; call opt:attach(net) first", tostring(err), 1, true)
    end
  end)
end)

describe("schedules", function()
  local plan = { steps = 100, per_epoch = 10 }

  it("give the values of their formulas", function()
    local cosine = optim.cosine { final = 0.1 }
    near(1, cosine:factor(0, plan))
    near(0.55, cosine:factor(50, plan))
    near(0.1, cosine:factor(100, plan))
    local step = optim.step { every = 2, factor = 0.5 }
    near(1, step:factor(19, plan))
    near(0.5, step:factor(20, plan))
    near(0.25, step:factor(59, plan))
    local linear = optim.linear {}
    near(0.75, linear:factor(25, plan))
    near(1, optim.constant {}:factor(99, nil))
  end)

  it("follow PyTorch's one cycle, momentum included, and its plateau", function()
    local peers = dofile "tests/peers/training.lua"
    local cycle = optim.one_cycle { momentum = { 0.95, 0.8 } }
    for name, opt in pairs { one_cycle = optim.sgd { rate = 0.05, momentum = 0.9, schedule = cycle },
      one_cycle_adam = optim.adam { rate = 0.05, schedule = cycle } } do
      local p = parameter { 2, -3, 0.5 }
      local a = core.tensor({ 3, 0.4, -1 }, { dtype = "float64" })
      local b = core.tensor({ 1, -1, 2 }, { dtype = "float64" })
      opt:attach { p }
      opt:plan { steps = 20 }
      for step, expected in ipairs(peers.traces[name]) do
        opt:step((a * (p - b):square() * 0.5 + (p * step):sin()):sum())
        for i, value in ipairs(p:totable()) do near(expected[i], value, 1e-10) end
      end
    end
    for name, o in pairs { plateau = { patience = 1, factor = 0.5, threshold = 0.01 },
      plateau_cooldown = { patience = 0, factor = 0.3, threshold = 0, cooldown = 2, least = 0.02 } } do
      local p = parameter { 1 }
      local opt = optim.sgd { rate = 1, schedule = optim.plateau(o) }
      opt:attach { p }
      for i, value in ipairs(peers.values) do
        if i % 2 == 0 then opt:observe(value) else opt:observe { loss = value } end
        near(peers.traces[name][i], opt:rate())
      end
    end
  end)

  it("fall by epochs, with the root, in cycles", function()
    near(0.9 ^ 3, optim.exponential { factor = 0.9 }:factor(39, plan))
    local root = optim.inverse_root { warmup = 24 }
    near(0.2, root:factor(4, plan))
    near(1, root:factor(24, plan))
    near(0.5, root:factor(99, plan))
    local twice = optim.cosine { cycles = 2 }
    near(0.5, twice:factor(25, plan))
    near(1, twice:factor(50, plan))
    near(0, twice:factor(100, plan))
    local at = optim.step { at = { 2, 5 }, factor = 0.5 }
    for step, expected in pairs { [0] = 1, [19] = 1, [20] = 0.5, [49] = 0.5, [50] = 0.25 } do
      near(expected, at:factor(step, plan))
    end
  end)

  it("say what they miss", function()
    for _, case in ipairs {
      { function() optim.sgd { schedule = optim.one_cycle { momentum = { 0.9, 0.8 } } } end, "which is 0 here" },
      { function() optim.one_cycle { momentum = { 0.9 } } end, "two numbers between 0 and 1" },
      { function() optim.sgd({ schedule = optim.plateau {} }):observe { d = 1, g = 2 } end,
        "no column 'valid_loss'; name one with of = (there are d, g)" },
      { function() optim.sgd({ schedule = optim.plateau {} }):observe "low" end, "expected a number" },
    } do
      local ok, err = pcall(case[1])
      assert.is_false(ok)
      assert.matches(case[2], tostring(err), 1, true)
    end
  end)

  it("rise in a straight line during the warm-up", function()
    local warm = optim.cosine { warmup = 4 }
    near(0.2, warm:factor(0, plan))
    near(0.8, warm:factor(3, plan))
    near(1, warm:factor(4, plan))
    near(0.5, optim.cosine { warmup = 0.2 }:factor(60, plan))
    near(0.5, optim.warmup { 3 }:factor(1, plan))
    for step = 0, 100, 7 do
      near(warm:factor(step, plan), optim.warmup({ 4, optim.cosine {} }):factor(step, plan))
    end
    local drops = optim.warmup { 0.05, optim.step { every = 2, factor = 0.5 } }
    near(0.5, drops:factor(2, plan))
    near(0.5, drops:factor(20, plan))
  end)

  it("ask for the number of steps when they need it", function()
    local p = parameter { 1 }
    local opt = optim.sgd { schedule = optim.cosine {} }
    opt:attach { p }
    local ok, err = pcall(opt.step, opt, quadratic(p, 1, 0))
    assert.is_false(ok)
    assert.matches("opt:plan", tostring(err), 1, true)
  end)
end)
