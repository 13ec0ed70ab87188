-- Metrics against counts by hand, and the finder of rates against a loss whose course is known.
local core = require "lamina.core.tensor"

local function refuses(f, text)
  local ok, err = pcall(f)
  assert.is_false(ok)
  assert.matches(text, tostring(err), 1, true)
end

local function near(expected, actual) assert.is_true(math.abs(expected - actual) < 1e-12, actual .. "") end

local function whole(values) return core.tensor(values, { dtype = "int64" }) end

describe("metrics", function()
  local labels = whole { 1, 1, 1, 2, 2, 3, 3, 3, 3, 1 }
  local given = whole { 1, 2, 1, 2, 2, 3, 1, 3, 2, 1 }

  it("count a confusion matrix and what follows from it", function()
    local m = metrics.confusion(given, labels, 4)
    assert.same({ { 3, 1, 0, 0 }, { 0, 2, 0, 0 }, { 1, 1, 2, 0 }, { 0, 0, 0, 0 } }, m.counts:totable())
    near(0.7, m:accuracy())
    near((3 / 4 + 1 + 1 / 2) / 3, m:balanced())
    near((0.7 - (0.4 * 0.4 + 0.2 * 0.4 + 0.4 * 0.2)) / (1 - 0.32), m:kappa())
    local each = m:per_class()
    near(3 / 4, each.recall[1])
    near(3 / 4, each.precision[1])
    near(1 / 2, each.precision[2])
    near(2 * 1 * 0.5 / 1.5, each.f1[2])
    near(2 * 0.5 * 1 / 1.5, each.f1[3])
    assert.same({ 4, 2, 4, 0 }, each.items)
    assert.is_true(each.recall[4] ~= each.recall[4])
    assert.matches("    2      2   1.000      0.500  0.667", tostring(each), 1, true)
    assert.matches("10 items of 4 classes", tostring(m), 1, true)
    -- in parts, and from outputs
    local parts = metrics.confusion(given[{ { 1, 4 } }], labels[{ { 1, 4 } }], 4)
    parts:add(given[{ { 5, 10 } }], labels[{ { 5, 10 } }])
    assert.same(m.counts:totable(), parts.counts:totable())
    local outputs = ops.one_hot(given, { classes = 4 }):to "float32" * 3 - 1
    assert.same(m.counts:totable(), metrics.confusion(outputs, labels).counts:totable())
  end)

  it("count the k largest", function()
    local x = core.draw { kind = "normal", shape = { 50, 6 }, seed = 3, purpose = "metrics" }
    local y = core.draw { kind = "int", shape = { 50 }, seed = 3, purpose = "y", low = 1, high = 6 }
    local rows, own = x:totable(), y:totable()
    for k = 1, 6 do
      local n = 0
      for i, row in ipairs(rows) do
        local ahead = 0
        for _, value in ipairs(row) do ahead = ahead + (value > row[own[i]] and 1 or 0) end
        n = n + (ahead < k and 1 or 0)
      end
      near(n / 50, metrics.top(x, y, k))
    end
    near(metrics.top(x, y), metrics.confusion(x, y):accuracy())
  end)

  it("say how much of the targets' variance is met", function()
    local t = core.tensor({ { 1, 2 }, { 2, 2 }, { 3, 5 }, { 6, 3 } }, { dtype = "float64" })
    local y = core.tensor({ { 1, 3 }, { 3, 3 }, { 3, 3 }, { 5, 3 } }, { dtype = "float64" })
    local each, mean = metrics.r2(y, t)
    near(1 - 2 / 14, each[1])
    near(0, each[2] - (1 - 6 / 6))
    near((each[1] + each[2]) / 2, mean)
  end)

  it("are what evaluate and train tell", function()
    local x = core.draw { kind = "normal", shape = { 60, 5 }, seed = 3, purpose = "x" }
    local y = x[{ {}, { 1, 4 } }]:contiguous():argmax(2)
    local net = model "m" { seed = 1, input { 5 }, readout "c" { dense { 4 } } }
    local set = data.tensors { x, y }
    local history = train { model = net, data = set, validate = set, keep = "last", epochs = 2, log = false, top = 2 }
    local e, m = evaluate { model = net, data = set, top = 2, batch = 7 }, metrics.confusion(net(x), y)
    assert.same(m.counts:totable(), e.confusion:totable())
    assert.same(m:per_class().precision, e.precision)
    near(m:balanced(), e.balanced)
    near(1 - metrics.top(net(x):detach(), y, 2), e.top.error)
    near(e.top.error, history[2].valid_top2_error)
    assert.matches("class  items  recall", tostring(e.classes), 1, true)
  end)

  it("refuse what they cannot count", function()
    refuses(function() metrics.confusion(given, labels:to "float32") end, "labels (int64, from 1)")
    refuses(function() metrics.confusion(given, labels, 2) end, "from 1 to 2")
    refuses(function() metrics.confusion(given, labels[{ { 1, 3 } }]) end, "there are 10 outputs and 3 labels")
    refuses(function() metrics.top(core.zeros { 10, 3 }, labels, 4) end, "from 1 to 3")
    refuses(function() metrics.top(given, labels) end, "items x classes")
    refuses(function() metrics.r2(given, labels[{ { 1, 3 } }]) end, "one shape")
  end)
end)

describe("find_rate", function()
  local x = core.draw { kind = "normal", shape = { 64, 4 }, seed = 5, purpose = "x" }
  local set = data.tensors { x, x:matmul(core.ones { 4, 1 }) }
  local function net()
    return model "m" { seed = 1, input { 4 }, area "A" { norm.batch }, readout "y" { dense { 1 } } }
  end

  it("finds where gradient descent is quick and where it breaks, and leaves the model as it was", function()
    local m = model "m" { seed = 1, input { 4 }, readout "y" { dense { 1 } } }
    local before, draws = m:digest(), core.draws()
    local found = find_rate { model = m, data = set, loss = "mse", optimizer = sgd {}, low = 1e-4, high = 10,
      batch = 64, steps = 60 }
    assert.equal(before, m:digest())
    assert.same(draws, core.draws())
    near(1e-4, found.rates[1])
    near(1e-4 * 1e5 ^ (1 / 59), found.rates[2])
    -- the batch is the whole set: gradient descent by hand
    local a = ops.concat({ x, core.ones { 64, 1 } }, 2):to "float64"
    local w = m:parameters()
    w = ops.concat({ w[1].tensor:reshape { 4, 1 }, w[2].tensor:reshape { 1, 1 } }, 1):detach():to "float64"
    for step = 1, 40 do
      local error = a:matmul(w) - set.y:to "float64"
      local loss = error:square():mean():item()
      assert.is_true(math.abs(loss - found.losses[step]) < 1e-4 * loss + 1e-10)
      w = w - a:t():matmul(error) * (2 / 64 * found.rates[step])
    end
    assert.is_true(found.steepest > 1e-2 and found.steepest < found.lowest, tostring(found))
    assert.is_true(found.rates[#found.rates] < 10, tostring(found))
    assert.is_true(found.rate <= found.lowest / 10 and found.rate <= found.steepest)
    assert.matches("the loss falls fastest at", tostring(found), 1, true)
    assert.is_function(found:plot().save)
  end)

  it("takes the optimizer's options and lets rates of groups grow along", function()
    local m = net() -- with statistics, which come back too
    local before = m:digest()
    local opt = adam { rate = 0.5, average = 0.9, schedule = cosine {}, groups = { { of = "A", rate = 0.05 } } }
    local found = find_rate { model = m, data = set, loss = "mse", optimizer = opt, steps = 20, batch = 16 }
    assert.is_true(#found.rates >= 10)
    assert.equal(before, m:digest())
    assert.equal(0.5, opt.o.rate)
    assert.equal(0, opt.steps)
  end)

  it("says what is wrong", function()
    refuses(function() find_rate { model = net(), data = set, loss = "mse", optimizer = lbfgs {} } end,
      "expected one that has a rate")
    refuses(function() find_rate { model = net(), data = set, loss = "mse", low = 1, high = 0.1 } end,
      "more than low")
    refuses(function() find_rate { model = 3, data = set } end, "find_rate: model is a number")
    refuses(function() find_rate { model = net(), data = set } end, "find_rate: cross_entropy needs labels")
  end)
end)
