-- Fitting recorded neurons: the factorised readout against its sum written out, pairs of images and responses with
-- trials that are missing, a readout found again from its own noisy responses.
local core = require "lamina.core.tensor"
local losses = require "lamina.loss"
local ops = require "lamina.core.ops"

local function draw(kind, shape, purpose) return core.draw { kind = kind, shape = shape, seed = 6,
  purpose = purpose } end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function parameter(net, name)
  for _, p in ipairs(net:parameters()) do if p.name == name then return p.tensor end end
  error("no " .. name)
end

describe("factorized", function()
  it("is the sum over places and channels", function()
    local net = model "f" { seed = 1, input { 3, 4, 5 }, readout "n" { factorized { 2 } } }
    assert.equal(2 * (3 + 20 + 1), net:count())
    local function fill(name) parameter(net, name):copy(draw("normal", parameter(net, name).shape, name)) end
    core.no_grad(function() for _, p in ipairs(net:parameters()) do fill(p.name) end end)
    local f, s = parameter(net, "n.factorized1.feature"):totable(), parameter(net, "n.factorized1.space"):totable()
    local b, x = parameter(net, "n.factorized1.bias"):totable(), draw("normal", { 3, 3, 4, 5 }, "x")
    local y, xs = net(x):totable(), x:totable()
    for item = 1, 3 do
      for n = 1, 2 do
        local sum = b[n]
        for c = 1, 3 do
          for i = 1, 4 do
            for k = 1, 5 do sum = sum + f[n][c] * s[n][i][k] * xs[item][c][i][k] end
          end
        end
        assert.is_true(math.abs(sum - y[item][n]) < 1e-4)
      end
    end
  end)

  it("begins as the mean over places, and stays at 0 or above where it is told to", function()
    local x = draw("normal", { 6, 2, 3, 3 }, "x")
    for _, case in ipairs { { false, true, true }, { "space", true, false }, { "both", false, false },
      { true, false, false } } do
      local net = model "f" { seed = 1, input { 2, 3, 3 }, readout "n" { factorized { 4, non_negative = case[1],
        bias = false } } }
      local mean = x:mean { 3, 4 }
      assert.is_true((net(x) - mean:matmul(parameter(net, "n.factorized1.feature"):t())):abs():max():item() < 1e-5)
      train { model = net, data = data.tensors { x, draw("normal", { 6, 4 }, "y") }, loss = "mse", epochs = 30,
        optimizer = adam { rate = 0.1 }, log = false }
      assert.is_true(net:holds())
      assert.equal(case[2], parameter(net, "n.factorized1.feature"):min():item() < 0)
      assert.equal(case[3], parameter(net, "n.factorized1.space"):min():item() < 0)
    end
  end)

  it("says what it needs", function()
    assert.matches("needs an input of channels x height x width, got 7",
      message(function() return model "f" { input { 7 }, readout "n" { factorized { 2 } } } end), 1, true)
    assert.matches("one of 'space', 'both'",
      message(function() return model "f" { input { 1, 2, 2 }, readout "n" { factorized { 2,
        non_negative = "all" } } } end), 1, true)
  end)
end)

describe("pairs of images and responses", function()
  local images = stimuli.of { x = rand { 3, 1, 4, 4 }, id = { "c", "a", "b" } }
  local recorded = neural.assembly { { responses = tensor({ { { 1, 3 }, { -1, 5 } }, { { -1, -1 }, { 2, 4 } },
    { { 7, -1 }, { 0, 1 } } }, { dtype = "float64" }), stimulus_id = { "a", "b", "c" } }, missing = -1 }

  it("hold the mean over the valid repeats, and NaN where there is none", function()
    local set = recorded:paired(images)
    local y = set.y:totable()
    assert.same({ 2, 5 }, y[1])
    assert.is_true(y[2][1] ~= y[2][1])
    assert.same({ 3, 7, 0.5 }, { y[2][2], y[3][1], y[3][2] })
    assert.is_true(set.missing)
    assert.is_true(set:subset({ 2, 3 }).missing)
    assert.equal(images.x[2]:digest(), set.x[1]:digest())
  end)

  it("hold every trial where it is asked for, repeats of an image in one group", function()
    local set = recorded:paired { images, trials = true }
    assert.equal(6, #set)
    assert.same({ 1, 2, 1, 2, 1, 2 }, set.columns.repetition)
    assert.same({ "a", "a", "b", "b", "c", "c" }, set.groups)
    local y = set.y:totable()
    assert.is_true(y[1][1] == 1 and y[1][2] ~= y[1][2] and y[2][1] == 3 and y[2][2] == 5)
    assert.equal(images.x[1]:digest(), set.x[6]:digest())
    local one, two = set:split { 0.67, 0.33, by = true, seed = 1 }
    assert.equal(6, #one + #two)
    assert.equal(0, #one % 2)
  end)

  it("refuse a neuroid without any trial", function()
    local silent = neural.assembly { { responses = tensor({ { { 1 }, { -1 } }, { { 2 }, { -1 } } },
      { dtype = "float64" }), stimulus_id = { "a", "b" } }, missing = -1 }
    assert.matches("1 neuroid has no valid trial at all (2)", message(silent.paired, silent, images), 1, true)
  end)

  it("train on what was measured alone, as a loop written by hand does, bit for bit", function()
    local function make() return model "e" { seed = 2, input { 1, 4, 4 },
      readout "neurons" { factorized { 2 }, softplus } } end
    local net, hand, set = make(), make(), recorded:paired(images)
    local history = train { model = net, data = set, loss = "poisson", epochs = 3, batch = 3, shuffle = false,
      optimizer = sgd { rate = 0.1 }, log = false, validate = set, keep = "last" }
    local opt = sgd { rate = 0.1 }
    opt:attach(hand)
    local there = core.tensor { { 1, 1 }, { 0, 1 }, { 1, 1 } }
    local target = core.tensor { { 2, 5 }, { 0, 3 }, { 7, 0.5 } }
    for _ = 1, 3 do
      local y = hand(set.x)
      opt:step(ops.where(there:gt(0), y - target * (y + 1e-8):log(), 0):sum() / 5)
    end
    assert.equal(hand:digest(), net:digest())
    assert.is_true(history[3].valid_loss < history[1].valid_loss)
    -- evaluate weights batches by what was measured in them
    local whole = evaluate { model = net, data = set, loss = "poisson" }
    local parts = evaluate { model = net, data = set, loss = "poisson", batch = 1 }
    assert.is_true(math.abs(whole.loss - parts.loss) < 1e-6)
    assert.matches("the data's targets", message(train, { model = make(), loss = "mse", log = false,
      data = data.tensors { set.x, set.y } }), 1, true)
  end)
end)

describe("an encoding model", function()
  it("finds a factorised readout again from noisy counts", function()
    local x = draw("normal", { 1200, 1, 8, 8 }, "images")
    local truth = model "truth" { seed = 9, input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3, pad = 1 }, relu },
      readout "neurons" { factorized { 6, non_negative = "both" }, softplus } }
    core.no_grad(function() -- each neuron sees one place
      local space = core.zeros { 6, 8, 8 }
      for n = 1, 6 do space[n][{ { n, n + 1 }, { 2, 4 } }] = 1 end
      parameter(truth, "neurons.factorized1.space"):copy(space)
      parameter(truth, "neurons.factorized1.feature"):copy(parameter(truth, "neurons.factorized1.feature") * 5)
    end)
    local rate = truth(x):detach()
    local noise = draw("normal", { 1200, 6 }, "noise")
    local counts = (rate + noise * rate:sqrt() * 0.5):round():clamp(0)
    local enc = model "encoding" { seed = 3, core = truth:upto "V1", frozen = true,
      readout "neurons" { factorized { 6, non_negative = "both" }, softplus } }
    local frozen = parameter(enc, "V1.conv1.weight"):digest()
    local fit, test = data.tensors({ x, counts }):split { 0.8, 0.2, seed = 1 }
    train { model = enc, data = fit, loss = "poisson", penalty = { l1 = 1e-4, of = "neurons" }, epochs = 40,
      optimizer = adam { rate = 0.05, schedule = cosine {} }, log = false }
    assert.equal(frozen, parameter(enc, "V1.conv1.weight"):digest())
    local known = 1 - losses.correlation(enc(test.x), truth(test.x)):item()
    assert.is_true(known > 0.97, "correlation with the true rates " .. known)
  end)
end)
