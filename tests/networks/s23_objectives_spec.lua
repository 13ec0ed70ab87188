-- SYSTEMS S23: minima on paper, Adam by hand, a small network that learns; a loop of one's own that is cut and goes
-- on.
local function double(values) return tensor(values, { dtype = "float64" }) end

local function lowest(start, f)
  local x = double(start):requires_grad(true)
  local opt = lbfgs { iterations = 200, evaluations = 1000, tolerance = 1e-12, change = 0 }
  opt:attach { x }
  opt:step(function() return f(x) end)
  return x:detach()
end

local function near(expected, x) assert.is_true((x - double(expected)):abs():max():item() < 1e-8, tostring(x)) end

describe("S23 objectives", function()
  it("have their minima where they should", function()
    local t = double { { 0.5, 2 }, { 1, -1 }, { 3, 0.5 } }
    near({ { 1.5, 0.5 } }, lowest({ { 0, 0 } }, function(x) return mse(x:expand { 3, 2 }, t) end))
    near({ { 0.5 } }, lowest({ { 3 } }, function(x)
      return losses.huber(x:expand { 3, 1 }, double { { 0 }, { 0 }, { 10 } })
    end))
    local seen = tensor({ 1, 1, 2, 3 }, { dtype = "int64" })
    near({ { 0.45, 0.275, 0.275 } }, ops.softmax(lowest({ { 1, 0, -1 } }, function(x)
      return cross_entropy(x:expand { 4, 3 }, seen, { label_smoothing = 0.3 })
    end), { dim = 2 }))
    near({ { math.log(3) } }, lowest({ { 0 } }, function(x)
      return bce(x:expand { 2, 1 }, double { { 1 }, { 0 } }, { positive = 3 })
    end))
    near({ { 0.5 } }, lowest({ { 0.1 } }, function(x)
      return losses.hinge(concat({ x, -x }, 1), double { { 1 }, { -1 } }) + x:square():sum()
    end))
    local apart = lowest({ { 1, 0.5 } }, function(x)
      return losses.contrastive(concat({ double { { 0, 0 } }, x }, 1), tensor({ 1, 2 }, { dtype = "int64" }),
        { margin = 2 })
    end)
    assert.is_true(math.abs(apart:square():sum():item() - 4) < 1e-8)
  end)
end)

describe("S23 training", function()
  local core = require "lamina.core.tensor"
  local x = core.draw { kind = "normal", shape = { 300, 10 }, seed = 4, purpose = "s23" }
  local y = x:matmul(core.draw { kind = "normal", shape = { 10, 3 }, seed = 4, purpose = "teacher" }):argmax(2)
  local set = data.tensors { x, y }

  local function net(share)
    return model "MLP" { seed = 3, input { 10 }, area "hidden" { dense { 30 }, relu, dropout { share or 0.2 } },
      readout "class" { dense { 3 } } }
  end

  it("learns with every optimiser", function()
    for _, optimizer in ipairs { sgd { rate = 0.5 }, sgd { rate = 0.05, momentum = 0.9, nesterov = true },
      rmsprop { rate = 3e-3 }, adam { rate = 0.01 }, adamw { rate = 0.01, decay = 0.01 }, adagrad { rate = 0.1 },
      lbfgs { iterations = 4 }, conjugate_gradient { iterations = 4 } } do
      local whole = optimizer.searches -- these look for the minimum of one function: all items, nothing dropped
      local history = train { model = net(whole and 0), data = set, optimizer = optimizer, epochs = 8, seed = 2,
        batch = whole and 300 or 50, log = false }
      assert.is_true(history[8].train_loss < history[1].train_loss / 2, optimizer.kind)
    end
  end)

  it("leaves frozen areas and patterns as they are", function()
    local m = net()
    m:freeze "hidden"
    local before = m:parameters "hidden"[1].tensor:digest()
    train { model = m, data = set, epochs = 1, log = false }
    assert.equal(before, m:parameters "hidden"[1].tensor:digest())
    m:unfreeze "hidden"
    local classes = m:parameters "class"[1].tensor:digest()
    m:freeze "^class"
    train { model = m, data = set, epochs = 1, log = false }
    assert.is_true(before ~= m:parameters "hidden"[1].tensor:digest())
    assert.equal(classes, m:parameters "class"[1].tensor:digest())
  end)

  it("goes on in a loop of one's own from what checkpoint kept", function()
    local path = os.tmpname()
    local function go(from, to, resume)
      local m = net()
      local opt = adam { rate = 0.01, average = 0.9, accumulate = 2, clip = 1, schedule = plateau { patience = 0 } }
      opt:attach(m)
      if resume then checkpoint.restore(checkpoint.load(path), { net = m, opt = opt }) end
      for epoch = from, to do
        local sum = 0
        for b in set:batches { batch = 64, shuffle = true, epoch = epoch, seed = 1 } do
          sum = sum + opt:step(cross_entropy(m:forward(b.x, { training = true, step = epoch * 10 }), b.y))
        end
        opt:flush()
        opt:observe(sum)
      end
      checkpoint.save(path, { net = m, opt = opt }, { epoch = to })
      opt:swap()
      return m:digest()
    end
    local whole = go(1, 6)
    go(1, 3)
    assert.equal(3, checkpoint.load(path).values.epoch)
    assert.equal(whole, go(4, 6, true))
    os.remove(path)
  end)
end)
