-- Several goals: against loops written out by hand, bit for bit; names that do not fit; penalties by hand.
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local evaluate = require("lamina.evaluate").evaluate
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local optim = require "lamina.optim"
local train = require("lamina.train").train

local dense = require "lamina.layers.dense"
local conv = require "lamina.layers.conv"
local relu = require "lamina.layers.relu"

local function draw(kind, shape, purpose) return core.draw { kind = kind, shape = shape, seed = 4,
  purpose = purpose } end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function scene(n, purpose)
  local x = draw("normal", { n, 6 }, purpose)
  local category = (x:slice(2, 1, 1):gt(0):to "int64" + 1):reshape { n }
  return dataset.tensors { x, { category = category,
    position = x:slice(2, 2, 3):contiguous() }, name = "scene" }
end

local function two_readouts(seed)
  return models.model "two" { seed = seed or 1, models.input { 6 }, models.area "V1" { dense { 8 }, relu },
    models.area "IT" { dense { 8 }, relu }, models.readout "category" { dense { 2 } },
    models.readout "position" { from = "V1", dense { 2 } } }
end

local GOALS = { category = "cross_entropy", position = { "mse", weight = 0.1 } }

describe("several goals", function()
  it("give the weights of a loop written by hand, bit for bit", function()
    local net, hand, set = two_readouts(), two_readouts(), scene(96, "train")
    local history = train { model = net, data = set, loss = GOALS, epochs = 2, batch = 32, log = false,
      optimizer = optim.adam { rate = 0.01 }, seed = 3 }
    local opt = optim.adam { rate = 0.01 }
    opt:attach(hand)
    local sums = { total = 0, category = 0, position = 0, wrong = 0 }
    for epoch = 1, 2 do
      for key in pairs(sums) do sums[key] = 0 end
      for b in set:batches { batch = 32, shuffle = true, epoch = epoch, seed = 3 } do
        local out = hand(b.x)
        local category, position = ops.cross_entropy(out.category, b.y.category), ops.mse(out.position, b.y.position)
        local total = category + position * 0.1
        sums.total, sums.category = sums.total + total:item(), sums.category + category:item()
        sums.position = sums.position + position:item() * 0.1
        sums.wrong = sums.wrong + out.category:argmax(2):ne(b.y.category):to("int64"):sum():item()
        opt:step(total)
      end
    end
    assert.equal(hand:digest(), net:digest())
    local last = history[2]
    assert.is_true(math.abs(sums.total / 3 - last.train_loss) < 1e-12)
    assert.is_true(math.abs(sums.category / 3 - last.train_category_loss) < 1e-12)
    assert.is_true(math.abs(sums.position / 3 - last.train_position_loss) < 1e-7)
    assert.is_true(math.abs(sums.wrong / 96 - last.train_category_error) < 1e-12)
    assert.is_nil(last.train_position_error)
  end)

  it("are judged one by one, and the best weights by the goal that is named", function()
    local net, valid = two_readouts(), scene(64, "valid")
    local history = train { model = net, data = scene(96, "train"), validate = valid, loss = GOALS, epochs = 6,
      batch = 32, log = false, keep = "category", optimizer = optim.adam { rate = 0.05 } }
    local best = history[1]
    for _, row in ipairs(history) do
      local less = row.valid_category_error - best.valid_category_error
      if less < 0 or less == 0 and row.valid_category_loss < best.valid_category_loss then best = row end
    end
    local result = evaluate { model = net, data = valid, loss = GOALS, batch = 10 }
    assert.equal(best.valid_category_error, result.goals.category.error)
    assert.is_true(math.abs(best.valid_position_loss - result.goals.position.loss) < 1e-6)
    assert.is_true(math.abs(best.valid_loss - result.loss) < 1e-6)
    assert.is_true(valid.selected)
    assert.matches("category: loss .*error .*wrong", tostring(result))
    local names = {}
    for i, row in ipairs(result:results()) do names[i] = row.metric end
    assert.same({ "loss", "category_error", "category_loss", "position_loss" }, names)
    -- without `loss` the goals follow from the targets
    local plain = evaluate { model = net, data = valid }
    assert.equal(result.goals.category.error, plain.goals.category.error)
    assert.is_true(math.abs(plain.goals.position.loss * 0.1 - result.goals.position.loss) < 1e-6)
  end)

  it("leave a readout alone whose goal is false", function()
    local net = two_readouts()
    local before = net.nodes_by_name["position.dense1"].params.weight:digest()
    train { model = net, data = scene(64, "train"), loss = { category = "cross_entropy", position = false },
      log = false }
    assert.equal(before, net.nodes_by_name["position.dense1"].params.weight:digest())
  end)

  it("say which names do not fit", function()
    local set = scene(8, "train")
    local one = dataset.tensors { set.x, set.y.category }
    for _, case in ipairs {
      { { loss = { category = "cross_entropy", positon = "mse" } }, "did you mean 'position'" },
      { { loss = { category = "cross_entropy" } }, "the readout 'position' of two has no goal" },
      { { loss = "cross_entropy" }, "two has 2 readouts, and needs a goal for each" },
      { { loss = GOALS, data = one }, "data has one target, but there are 2 goals" },
      { { loss = GOALS, data = dataset.tensors { set.x, { category = set.y.category } } },
        "data has no target 'position' (there are 'category')" },
      { { loss = GOALS, keep = "categry" }, "'categry', expected one of 'best', 'last', 'category', 'position'" },
      { { loss = GOALS, keep = "category" }, "needs validate" },
      { { loss = { category = false, position = false } }, "every goal is false" },
      { { loss = { category = "cross_entropy", position = "msee" } }, "unknown loss 'msee'" },
      { { loss = { category = "cross_entropy", position = "cross_entropy" } }, "those of data.position are 8x2" },
    } do
      local o = { model = two_readouts(), data = set, log = false }
      for key, value in pairs(case[1]) do o[key] = value end
      assert.matches(case[2], message(train, o), 1, true)
    end
    assert.matches("y.position is 7x2", message(dataset.tensors, { set.x, { category = set.y.category,
      position = core.zeros { 7, 2 } } }), 1, true)
  end)

  it("travel through splits and subsets of the data", function()
    local a, b = scene(20, "train"):split { 0.5, 0.5, seed = 1 }
    assert.equal(10, #a.y.category)
    assert.same({ 10, 2 }, b.y.position.shape)
    assert.matches("category 10 int64, position 10x2 float32", tostring(a), 1, true)
  end)
end)

describe("evaluate", function()
  it("counts the largest k, and each class", function()
    local x = core.tensor { { 3, 2, 1 }, { 3, 2, 1 }, { 3, 2, 1 }, { 1, 1, 1 } }
    local set = dataset.tensors { x, core.tensor({ 1, 2, 3, 2 }, { dtype = "int64" }) }
    local result = evaluate { model = function(b) return b end, data = set, top = 2, batch = 3 }
    assert.equal(0.75, result.error)
    assert.equal(0.25, result.top.error) -- the tie counts in order of the classes
    assert.same({ 1, 0, 0 }, result.per_class)
    assert.matches("top-2 error 25.00 %", tostring(result), 1, true)
  end)
end)

describe("penalties", function()
  local function net_of() return models.model "p" { seed = 2, models.input { 1, 6, 6 },
    models.area "V1" { conv { 2, kernel = 3 }, relu }, models.readout "y" { dense { 2 } } } end
  local function weight(net, name)
    for _, p in ipairs(net:parameters()) do if p.name == name then return p.tensor end end
  end
  local set = dataset.tensors { draw("normal", { 8, 1, 6, 6 }, "x"), draw("normal", { 8, 2 }, "y") }

  -- The column `penalty` of one epoch with one batch, which is what the first weights cost.
  local function cost(penalty)
    local net = net_of()
    return train { model = net, data = set, loss = "mse", penalty = penalty, batch = 8, log = false }[1].penalty,
      net_of()
  end

  it("are the sums that they say", function()
    local l1, net = cost { l1 = 0.5, of = "y" }
    local sum, squares, conv_weight = 0, 0, weight(net, "V1.conv1.weight"):reshape { 2, 3, 3 }:totable()
    for _, row in ipairs(weight(net, "y.dense1.weight"):totable()) do
      for _, w in ipairs(row) do sum = sum + math.abs(w) end
    end
    assert.is_true(math.abs(0.5 * sum - l1) < 1e-5)
    local lengths, rough = 0, 0
    for _, f in ipairs(conv_weight) do
      local own = 0
      local function at(i, k) return f[i] and f[i][k] or 0 end
      for i = 1, 3 do
        for k = 1, 3 do
          own = own + f[i][k] ^ 2
          local lap = -6 * at(i, k) + at(i - 1, k) + at(i + 1, k) + at(i, k - 1) + at(i, k + 1)
            + 0.5 * (at(i - 1, k - 1) + at(i - 1, k + 1) + at(i + 1, k - 1) + at(i + 1, k + 1))
          rough = rough + lap ^ 2
        end
      end
      lengths, squares = lengths + math.sqrt(own), squares + own
    end
    local both = cost { { l2 = 2, of = "V1" }, { group = 0.1, of = "V1.conv1" }, { smooth = 0.01 } }
    assert.is_true(math.abs(2 * squares + 0.1 * lengths + 0.01 * rough - both) < 1e-5)
  end)

  it("group the weights of each pair of channels", function()
    local function two() return models.model "p" { seed = 2, models.input { 1, 6, 6 },
      models.area "V1" { conv { 2, kernel = 3 }, relu }, models.area "V2" { conv { 3, kernel = 3 }, relu },
      models.readout "y" { dense { 2 } } } end
    local lengths = 0
    for _, filters in ipairs(weight(two(), "V2.conv1.weight"):totable()) do
      for _, filter in ipairs(filters) do
        local own = 0
        for _, row in ipairs(filter) do
          for _, w in ipairs(row) do own = own + w ^ 2 end
        end
        lengths = lengths + math.sqrt(own)
      end
    end
    local row = train { model = two(), data = set, loss = "mse", batch = 8, log = false,
      penalty = { group = 0.5, of = "V2.conv1" } }[1]
    assert.is_true(math.abs(0.5 * lengths - row.penalty) < 1e-5)
  end)

  it("look at activities, the mean over the batch and the steps", function()
    local both, net = cost { activity = { l1 = 0.3, l2 = 0.1, of = "V1" } }
    local y = net:activations(set.x, "V1").V1
    assert.is_true(math.abs(both - (0.3 * y:abs():sum():item() + 0.1 * y:square():sum():item()) / 8) < 1e-4)
    local quiet, loud = net_of(), net_of()
    for _, one in ipairs { { quiet, { activity = { l1 = 0.5, of = "V1" } } }, { loud } } do
      train { model = one[1], data = set, loss = "mse", penalty = one[2], epochs = 20, log = false,
        optimizer = optim.sgd { rate = 0.05 } }
    end
    local function mean(one) return one:activations(set.x, "V1").V1:mean():item() end
    assert.is_true(mean(quiet) < 0.2 * mean(loud))
    local function steps_of(n)
      local model = models.model "r" { seed = 2, steps = n, models.input { 3 },
        models.area "A" { dense { 4 }, relu }, models.readout "y" { dense { 2 } } }
      return train { model = model, data = dataset.tensors { draw("normal", { 8, 3 }, "x"), set.y }, loss = "mse",
        penalty = { activity = { l1 = 1 } }, log = false }[1].penalty
    end
    assert.is_true(math.abs(steps_of(3) - steps_of(1)) < 1e-6)
  end)

  it("pull as decay does", function()
    local a, b = net_of(), net_of()
    train { model = a, data = set, loss = "mse", penalty = { l2 = 0.05, bias = true }, log = false,
      optimizer = optim.sgd { rate = 0.1 }, epochs = 5 }
    train { model = b, data = set, loss = "mse", log = false, optimizer = optim.sgd { rate = 0.1, decay = 0.1 },
      epochs = 5 }
    for i, p in ipairs(a:parameters()) do
      assert.is_true((p.tensor - b:parameters()[i].tensor):abs():max():item() < 1e-6)
    end
  end)

  it("say what is wrong", function()
    for _, case in ipairs {
      { { l1 = 1, of = "V9" }, "of = \"V9\" means no weights of p" },
      { { of = "V1" }, "names no amount" },
      { { l3 = 1 }, "did you mean 'l1'" },
      { { smooth = 1, of = "y" }, "means no spatial weights" },
      { { activity = { l1 = 1, of = "V9" } }, "has no area 'V9'" },
    } do
      assert.matches(case[2], message(train, { model = net_of(), data = set, loss = "mse", penalty = case[1] }), 1,
        true)
    end
  end)
end)

describe("losses in train", function()
  it("take soft targets, sums, and embeddings of any width", function()
    local set = scene(64, "train")
    local hard = dataset.tensors { set.x, set.y.category }
    local soft = dataset.tensors { set.x, ops.cast(ops.one_hot(set.y.category, { classes = 2 }), "float32") }
    local function net(width) return models.model "net" { seed = 1, models.input { 6 }, models.readout "y" {
      dense { width } } } end
    local function go(width, data, loss)
      local m = net(width)
      local history = train { model = m, data = data, validate = data, keep = "last", loss = loss, epochs = 3,
        batch = 16, log = false, optimizer = optim.adam { rate = 0.01 } }
      return m, history
    end
    local a, b = go(2, hard, "cross_entropy"), go(2, soft, "cross_entropy")
    for _, row in ipairs(a:compare(b).rows) do assert.is_true(row.difference < 1e-6) end
    local _, history = go(2, soft, { "mse", { "l1", weight = 0.5 } })
    assert.is_true(history[3].valid_loss < history[1].valid_loss)
    for _, loss in ipairs { "triplet", { "triplet", mining = "hard" }, { "contrastive", margin = 2 } } do
      local m, rows = go(1, hard, loss) -- one unit for two labels
      assert.is_true(rows[3].train_loss < rows[1].train_loss and rows[3].train_error == nil)
      assert.is_nil(evaluate { model = m, data = hard, loss = loss }.error)
    end
  end)
end)
