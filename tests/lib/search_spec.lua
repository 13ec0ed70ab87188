-- lbfgs and conjugate_gradient: PyTorch's traces, linear conjugate gradients, minima by closed forms, steps that
-- fail.
local core = require "lamina.core.tensor"
local optim = require "lamina.optim"

local peers = dofile "tests/peers/training.lua"

local function parameter(values) return core.tensor(values, { dtype = "float64" }):requires_grad(true) end

local function near(expected, actual, tolerance)
  assert.is_true(math.abs(expected - actual) <= tolerance * math.max(1, math.abs(expected)),
    string.format("%.17g is not %.17g", actual, expected))
end

local function valley(x)
  local n = #x
  local a, b = x[{ { 1, n - 1 } }], x[{ { 2, n } }]
  return ((b - a:square()):square() * 100 + (1 - a):square()):sum()
end

local function refuses(f, text)
  local ok, err = pcall(f)
  assert.is_false(ok)
  assert.matches(text, tostring(err), 1, true)
end

describe("lbfgs", function()
  for name, o in pairs { wolfe = { iterations = 5 }, short = { iterations = 3, history = 2 },
    none = { iterations = 4, rate = 0.002, search = "none" } } do
    it("follows PyTorch's trace: " .. name, function()
      local p, q = parameter { -1.2, 1 }, parameter { { 0.5 }, { -0.3 } }
      local opt = optim.lbfgs(o)
      opt:attach { p, q }
      for _, expected in ipairs(peers.lbfgs[name]) do
        local loss = opt:step(function() return valley(concat({ p, q:reshape { 2 } }, 1)) end)
        near(expected[1], loss, 1e-7)
        for i, value in ipairs { p:totable()[1], p:totable()[2], q:totable()[1][1], q:totable()[2][1] } do
          near(expected[i + 1], value, 1e-7)
        end
      end
    end)
  end
end)

-- A quadratic with the minimum `at`.
local function bowl()
  local a = core.tensor({ { 4, 1, 0, 0.5 }, { 1, 3, 0.2, 0 }, { 0, 0.2, 2, 0.3 }, { 0.5, 0, 0.3, 5 } },
    { dtype = "float64" })
  local b = core.tensor({ 1, -2, 0.5, 3 }, { dtype = "float64" })
  return a, b, function(x) return (x * a:matmul(x)):sum() * 0.5 - (b * x):sum() end
end

describe("conjugate_gradient", function()
  for _, formula in ipairs { "polak_ribiere", "fletcher_reeves", "hestenes_stiefel", "dai_yuan" } do
    it("is the linear method on a quadratic: " .. formula, function()
      local a, b, f = bowl()
      local x = parameter { 0.3, -0.1, 0.2, 0.4 }
      local hand = x:detach():clone()
      local r = b - a:matmul(hand)
      local d = r
      local opt = optim.conjugate_gradient { formula = formula, iterations = 1, evaluations = 100, curvature = 1e-12,
        change = 0, tolerance = 0 }
      opt:attach { x }
      for _ = 1, 4 do
        opt:step(function() return f(x) end)
        local ad = a:matmul(d)
        local t = (r * r):sum() / (d * ad):sum()
        hand, r, d = hand + d * t, r - ad * t, { r, d }
        d = r + d[2] * ((r * r):sum() / (d[1] * d[1]):sum())
        assert.is_true((x:detach() - hand):abs():max():item() < 1e-6)
      end
      assert.is_true((a:matmul(x:detach()) - b):abs():max():item() < 1e-6) -- as many steps as dimensions
    end)

    it("finds the bottom of Rosenbrock's valley: " .. formula, function()
      local x = parameter { -1.2, 1 }
      local opt = optim.conjugate_gradient { formula = formula, iterations = 1000, evaluations = 5000,
        tolerance = 1e-9, change = 0 }
      opt:attach { x }
      opt:step(function() return valley(x) end)
      assert.is_true((x:detach() - 1):abs():max():item() < 1e-7, tostring(x))
    end)
  end

  it("begins anew from the gradient after `restart` iterations", function()
    local function run(restart)
      local x = parameter { -1.2, 1 }
      local opt = optim.conjugate_gradient { restart = restart, iterations = 1 }
      opt:attach { x }
      local straight = {}
      for i = 1, 6 do
        opt:step(function() return valley(x) end)
        straight[i] = (opt.direction + opt.before):abs():max():item() == 0
      end
      return straight
    end
    assert.same({ true, false, false, true, false, false }, run(3))
    assert.same({ true, true, true, true, true, true }, run(1))
  end)
end)

describe("a search", function()
  local function each(f)
    for _, word in ipairs { "lbfgs", "conjugate_gradient" } do f(optim[word], word) end
  end

  it("goes on from a saved state bit for bit", function()
    each(function(word)
      local function run(cut)
        local x = parameter { -1.2, 1, 0.5 }
        local opt = word { iterations = 2 }
        opt:attach { x }
        for step = 1, 8 do
          if step == cut then
            local state = opt:state()
            opt = word { iterations = 2 }
            opt:attach { x }
            opt:restore(state)
          end
          opt:step(function() return valley(x) end)
        end
        return x:digest()
      end
      assert.equal(run(nil), run(4))
      assert.equal(run(nil), run(2))
      local x = parameter { 1, 2 }
      local one, two = word { iterations = 2 }, word { iterations = 3 }
      one:attach { x }
      two:attach { x }
      refuses(function() two:restore(one:state()) end, "iterations = 2 }, this run has iterations = 3")
    end)
  end)

  it("leaves everything as it was where the loss fails", function()
    each(function(word)
      local x = parameter { -1.2, 1 }
      local opt, calls = word { iterations = 3 }, 0
      opt:attach { x }
      opt:step(function() return valley(x) end)
      local before, steps = x:digest(), opt.steps
      refuses(function()
        opt:step(function()
          calls = calls + 1
          if calls == 2 then error "no more" end
          return valley(x)
        end)
      end, "no more")
      assert.equal(before, x:digest())
      assert.equal(steps, opt.steps)
      refuses(function() opt:step(function() return x:sum() / 0 end) end, "the loss is not finite")
      assert.equal(before, x:digest())
    end)
  end)

  it("comes back from where the loss is not finite", function()
    each(function(word)
      local x = parameter { 0.01 }
      local opt = word { iterations = 100, evaluations = 1000, rate = 50, tolerance = 1e-10, change = 0 }
      opt:attach { x }
      opt:step(function() return (x - (x * -1 + 3):log() * 2 - x:log()):sum() end) -- finite from 0 to 3
      local v = x:item()
      near(0, 1 + 2 / (3 - v) - 1 / v, 1e-8)
    end)
  end)

  it("says what is wrong", function()
    each(function(word, name)
      local x = parameter { 1 }
      local opt = word {}
      refuses(function() opt:step(function() return x:sum() end) end, "opt:attach")
      opt:attach { x }
      refuses(function() opt:step(x:sum()) end, name .. ": step takes a function that gives the loss")
      refuses(function() opt:step(function() return x * tensor { 1, 2 } end) end, "a tensor with one element")
      refuses(function() word { momentum = 0.9 } end, "unknown option 'momentum'")
      refuses(function() word({}):attach { x, tensor { 1.0 } } end, "must have one dtype")
    end)
  end)
end)

describe("train with a search", function()
  local function draw(shape, purpose)
    return core.draw { kind = "normal", shape = shape, seed = 6, purpose = purpose }
  end
  local x = draw({ 40, 3 }, "x")
  local y = x:matmul(tensor { { 1.5 }, { -2.0 }, { 0.5 } }) + draw({ 40, 1 }, "noise") * 0.1 + 0.25
  local set = data.tensors { x, y }
  local function line() return model "line" { seed = 2, input { 3 }, readout "y" { dense { 1 } } } end

  it("reaches the least squares of all data", function()
    for _, optimizer in ipairs { lbfgs { change = 1e-12 }, conjugate_gradient { change = 1e-12 } } do
      local net = line()
      local history = train { model = net, data = set, loss = "mse", optimizer = optimizer, epochs = 3, batch = 40,
        log = false }
      local a = ops.concat({ set.x, ones { 40, 1 } }, 2):to "float64"
      local best = ops.lstsq(a, set.y:to "float64")
      local p = net:parameters()
      local found = concat({ p[1].tensor:reshape { 3 }, p[2].tensor }, 1):detach():totable()
      for i, value in ipairs(best:reshape({ 4 }):totable()) do near(value, found[i], 1e-4) end
      assert.is_true(history[3].train_loss < history[1].train_loss / 10)
    end
  end)

  it("goes on from a checkpoint to the same bits", function()
    local folder = os.tmpname()
    os.remove(folder)
    require("lamina.core.base").mkdir(folder)
    for _, word in ipairs { lbfgs, conjugate_gradient } do
      local function go(epochs, path, resume)
        local net = model "m" { seed = 3, input { 3 }, area "A" { dense { 4 }, tanh, dropout { 0.2 } },
          readout "y" { dense { 1 } } }
        train { model = net, data = set, loss = { "huber", delta = 0.5 }, penalty = { l2 = 1e-3 }, batch = 20,
          optimizer = word { iterations = 3 }, epochs = epochs, log = false, checkpoint = path, resume = resume }
        return net:digest()
      end
      local path = folder .. "/" .. tostring(word == lbfgs)
      go(2, path)
      assert.equal(go(4), go(4, path, true))
    end
    os.execute("rm -r '" .. folder .. "'")
  end)

  it("refuses what must happen once in a step", function()
    refuses(function() train { model = line(), data = set, loss = "mse", optimizer = lbfgs {}, clip = 1 } end,
      "option 'clip' does not go with lbfgs")
    refuses(function()
      train { model = model "m" { input { 3 }, area "A" { dense { 2 } }, readout "y" { dense { 1 } } }, data = set,
        loss = "mse", optimizer = conjugate_gradient {}, rule = { A = "oja", y = "backprop" } }
    end, "option 'rule' does not go with conjugate_gradient")
  end)
end)
