-- loop and train: what they count, what they keep, how they resume, and what they say when numbers go wrong.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local evaluate = require("lamina.evaluate").evaluate
local io = require "lamina.core.io"
local loop = require("lamina.loop").loop
local models = require "lamina.model"
local optim = require "lamina.optim"
local train = require("lamina.train").train

local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local relu = require "lamina.layers.relu"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local folder = os.tmpname()
os.remove(folder)

setup(function() base.mkdir(folder) end)
teardown(function()
  for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
  base.remove(folder)
end)

local function draw(kind, shape, purpose) return core.draw { kind = kind, shape = shape, seed = 4,
  purpose = purpose } end

-- Two classes in the plane, on either side of the circle of radius 1.
local function circle(n, purpose)
  local x = draw("normal", { n, 2 }, purpose)
  local y = x:square():sum(2):gt(1.4):to "int64" + 1
  return dataset.tensors { x, y, classes = { "inside", "outside" }, name = "circle" }
end

local function small_net(seed, ...)
  return models.model "small" { seed = seed or 1, models.input { 2 }, models.area "A" { dense { 16 }, relu, ... },
    models.readout "side" { dense { 2 } } }
end

describe("loop", function()
  local set = dataset.tensors { core.arange(1, 10):to "float32":reshape { 10, 1 }, core.arange(1, 10) }

  it("visits every item in every epoch and weights means by items", function()
    local steps, items = {}, 0
    local history = loop { data = set, batch = 4, epochs = 2, log = false, each = function(b)
      steps[#steps + 1] = b.step
      items = items + #b
      return { value = b.x:mean() }
    end }
    assert.same({ 1, 2, 3, 4, 5, 6 }, steps)
    assert.equal(20, items)
    assert.equal(2, #history)
    assert.is_true(math.abs(history[2].value - 5.5) < 1e-6)
    assert.equal(6, history[2].step)
  end)

  it("keeps the order when it is told not to shuffle", function()
    local seen = {}
    loop { data = set, batch = 3, shuffle = false, log = false, each = function(b)
      for _, y in ipairs(b.y:totable()) do seen[#seen + 1] = y end
    end }
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, seen)
  end)

  it("tells each epoch's line to log, and stops when after says so", function()
    local lines = {}
    local history = loop { data = set, epochs = 5, each = function() return { d = 1 } end,
      after = function(row)
        row.extra = row.epoch * 2
        return row.epoch < 2
      end,
      log = function(line) lines[#lines + 1] = line end }
    assert.equal(2, #history)
    assert.equal(4, history[2].extra)
    assert.matches("epoch 2/5", lines[2], 1, true)
    assert.matches("extra", tostring(history), 1, true)
  end)

  it("stops at a value that is not finite and names it", function()
    local text, err = message(loop, { data = set, batch = 4, epochs = 3, log = false, each = function(b)
      return { d = 1, g = b.step == 5 and 0 / 0 or 1 }
    end })
    assert.equal("numeric", err.kind)
    assert.matches("'g' is NaN at epoch 2, step 5", text, 1, true)
  end)

  it("resumes with the same bits, its own draws included", function()
    local path = folder .. "/loop.safetensors"
    local function run(epochs, resume, interrupted)
      core.seed(7)
      local w = core.zeros { 3 }
      local opt = optim.sgd { rate = 0.1, momentum = 0.9 }
      opt:attach { w }
      loop { data = set, batch = 4, epochs = epochs, log = false, state = { w, opt }, checkpoint = path,
        resume = resume,
        each = function(b)
          if interrupted and b.epoch == 3 then error("power cut", 0) end
          local loss = (w - core.randn { 3 } * b.x:mean()):square():sum()
          opt:step(loss)
          return loss
        end }
      return w:detach():digest()
    end
    local whole = run(4, false)
    assert.is_false((pcall(run, 4, false, true)))
    assert.equal(whole, run(4, true))
  end)

  it("refuses wrong data and options", function()
    local each = function() end
    assert.matches("did you mean 'epochs'", message(loop, { data = set, each = each, epoch = 1 }), 1, true)
    assert.matches("expected a data set", message(loop, { data = core.zeros { 3 }, each = each }), 1, true)
    assert.matches("checkpoint", message(loop, { data = set, each = each, resume = true }), 1, true)
    assert.matches("no folder", message(loop, { data = set, each = each, checkpoint = "/no/such/x" }), 1, true)
  end)
end)

describe("a checkpoint", function()
  local function run(path, options)
    local lines = {}
    local settings = { model = small_net(), data = circle(40, "train"), epochs = 2, batch = 20, checkpoint = path,
      resume = true, optimizer = optim.adam { rate = 0.02 }, log = function(line) lines[#lines + 1] = line end }
    for name, value in pairs(options) do settings[name] = value end
    return train(settings), lines
  end

  it("that is not there yet is said to be missing", function()
    local path = folder .. "/none.safetensors"
    local rows, lines = run(path, {})
    assert.equal(2, #rows)
    assert.matches("there is no .*none.safetensors yet; the run starts from the beginning", lines[1])
    rows, lines = run(path, {})
    assert.equal(2, #rows)
    assert.equal(0, #lines)
  end)

  it("of more epochs, or of another rate, is refused", function()
    local path = folder .. "/longer.safetensors"
    run(path, {})
    assert.matches("the end of epoch 2, this run has epochs = 1", message(run, path, { epochs = 1 }), 1, true)
    assert.matches("adam { rate = 0.02 }, this run has rate = 0.01",
      message(run, path, { epochs = 3, optimizer = optim.adam { rate = 0.01 } }), 1, true)
    assert.equal(3, #run(path, { epochs = 3 }))
  end)
end)

describe("train", function()
  it("says that the rate is the optimizer's", function()
    assert.matches("optimizer = adam { rate = 3 }",
      message(train, { model = small_net(), data = circle(10, "train"), rate = 3 }), 1, true)
  end)

  it("learns, and keeps the weights that were best on the validation data", function()
    local net, valid = small_net(), circle(200, "valid")
    local history = train { model = net, data = circle(800, "train"), validate = valid, loss = "cross_entropy",
      optimizer = optim.adam { rate = 0.02, schedule = optim.cosine {} }, epochs = 12, batch = 32, log = false }
    assert.equal(12, #history)
    assert.equal(12 * 25, history[12].step)
    assert.is_true(history[12].train_loss < history[1].train_loss / 2)
    local best, loss = math.huge, math.huge
    for _, row in ipairs(history) do
      if row.valid_error < best or (row.valid_error == best and row.valid_loss < loss) then
        best, loss = row.valid_error, row.valid_loss
      end
    end
    local score = evaluate { model = net, data = valid }
    assert.equal(best, score.error)
    assert.is_true(math.abs(loss - score.loss) < 1e-6)
    assert.is_true(score.error < 0.1)
    assert.is_true(score.selected)
    assert.is_nil(evaluate({ model = net, data = circle(50, "test") }).selected)
    assert.matches("valid_error", tostring(history), 1, true)
  end)

  it("solves a linear regression as least squares does", function()
    local x = draw("normal", { 64, 1 }, "regression")
    local y = x * 3 - 0.5
    local net = models.model "line" { models.input { 1 }, models.readout "y" { dense { 1 } } }
    train { model = net, data = dataset.tensors { x, y }, loss = "mse", epochs = 200, batch = 64, log = false,
      optimizer = optim.sgd { rate = 0.3 } }
    assert.is_true(math.abs(net:parameters()[1].tensor:item() - 3) < 1e-4)
    assert.is_true(math.abs(net:parameters()[2].tensor:item() + 0.5) < 1e-4)
  end)

  it("gives the same weights for the same seed", function()
    local function run(seed)
      local net = small_net(1, dropout { 0.3 })
      train { model = net, data = circle(100, "train"), epochs = 2, batch = 16, seed = seed, log = false }
      return net:digest()
    end
    assert.equal(run(1), run(1))
    assert.are_not.equal(run(1), run(2))
  end)

  it("resumes from a checkpoint with the same bits", function()
    local path = folder .. "/train.safetensors"
    local function run(resume, cut)
      local net, set = small_net(1, dropout { 0.3 }), circle(100, "train")
      local count = 0
      local counted = setmetatable({ x = set.x, y = set.y, batch = function(_, indices)
        count = count + 1
        if cut and count > cut then error("power cut", 0) end
        return set:batch(indices)
      end }, { __len = function() return #set end })
      local history = train { model = net, data = counted, validate = circle(50, "valid"), epochs = 5, batch = 16,
        optimizer = optim.adam { rate = 0.02, schedule = optim.cosine {} }, log = false, checkpoint = path,
        resume = resume }
      return net:digest(), #history
    end
    local whole = run(false)
    base.remove(path)
    assert.is_false((pcall(run, true, 20))) -- in the middle of epoch 3
    local again, rows = run(true)
    assert.equal(whole, again)
    assert.equal(5, rows)
  end)

  it("names epoch, step and the first op of a loss that is not finite, and leaves the last checkpoint", function()
    local path = folder .. "/nan.safetensors"
    local net, set = small_net(), circle(64, "train")
    local weight = net.nodes_by_name["side.dense1"].params.weight
    local good
    local text, err = message(train, { model = net, data = set, epochs = 4, batch = 32, log = false,
      checkpoint = path,
      loss = function(output, target)
        if good == nil and base.exists(path) then
          good = net:digest()
          core.no_grad(function() weight:fill(3e38) end)
          output = net(set:batch({ 1, 2, 3 }).x)
          return output:sum() * 0 / 0
        end
        return output:cross_entropy(target)
      end })
    assert.equal("numeric", err.kind)
    assert.matches("the loss is NaN at epoch 2, step 3", text, 1, true)
    assert.matches("side.dense1 (linear)", text, 1, true)
    local kept = io.safetensors_read(path)
    local same = small_net(2)
    local tensors = {}
    for name, t in pairs(kept) do
      local own = name:match("^model/(.*)$")
      if own then tensors[own] = t end
    end
    same:take(tensors, "the checkpoint", 1)
    assert.equal(good, same:digest())
  end)

  it("blames the data where they are the cause", function()
    local set = circle(20, "train")
    set.x[3][1] = 0 / 0
    local text = message(train, { model = small_net(), data = set, batch = 20, log = false })
    assert.matches("came from the data", text, 1, true)
  end)

  it("finds wrong data before it starts", function()
    local net = small_net()
    local three = dataset.tensors { core.zeros { 4, 3 }, core.tensor({ 1, 2, 1, 2 }, { dtype = "int64" }) }
    assert.matches("the items of data are 3, but small takes 2", message(train, { model = net, data = three }), 1,
      true)
    local label = dataset.tensors { core.zeros { 2, 2 }, core.tensor({ 1, 5 }, { dtype = "int64" }) }
    assert.matches("the labels of data are from 1 to 5", message(train, { model = net, data = label }), 1, true)
    assert.matches("unknown loss 'cross_entrpy' (did you mean 'cross_entropy'?)",
      message(train, { model = net, data = circle(4, "train"), loss = "cross_entrpy" }), 1, true)
    assert.matches("did you mean 'optimizer'", message(train, { model = net, data = circle(4, "a"),
      optimiser = 1 }), 1,
      true)
  end)

  it("keeps memory flat from step to step", function()
    local net, set = small_net(), circle(640, "train")
    local live = {}
    collectgarbage() -- what other tests left behind
    train { model = net, data = set, batch = 32, epochs = 2, log = false, loss = function(output, target)
      live[#live + 1] = base.memory().live
      return output:cross_entropy(target)
    end }
    assert.is_true(live[40] - live[5] < 1024)
  end)
end)

describe("evaluate", function()
  it("counts what is wrong and where", function()
    local x = core.tensor { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0, 5, 0 } }
    local set = dataset.tensors { x, core.tensor({ 1, 2, 1, 3 }, { dtype = "int64" }), classes = { "a", "b", "c" } }
    local result = evaluate { model = function(b) return b end, data = set, batch = 3 }
    assert.equal(0.5, result.error)
    assert.equal(0.5, result.accuracy)
    assert.equal(2, result.wrong)
    assert.same({ { 1, 0, 1 }, { 0, 1, 0 }, { 0, 1, 0 } }, result.confusion:totable())
    -- -log softmax by hand: two rows log(e + 2) - 1, one log(e + 2), one log(e^5 + 2)
    local e = math.exp(1)
    local expected = (2 * (math.log(e + 2) - 1) + math.log(e + 2) + math.log(math.exp(5) + 2)) / 4
    assert.is_true(math.abs(result.loss - expected) < 1e-6)
    assert.matches("error 50.00 %", tostring(result), 1, true)
  end)
end)

describe("a history", function()
  local function wide()
    local row = { epoch = 1, step = 8, train_loss = 0.5, rate = 1e-3, seconds = 0.25 }
    for i = 1, 12 do row[string.format("train_goal%02d_loss", i)] = i / 4 end
    return require("lamina.history").new { row }
  end

  local function lines(text)
    local list = {}
    for line in (text .. "\n"):gmatch "(.-)\n" do list[#list + 1] = line end
    return list
  end

  it("is shown in tables that fit, each with the epoch", function()
    local history = wide()
    local shown, seen = lines(tostring(history)), {}
    for i, line in ipairs(shown) do
      assert.is_true(#line <= 118)
      if i % 3 == 1 then assert.matches("^epoch  ", line) end
      for name in line:gmatch "[%w_]+" do seen[name] = (seen[name] or 0) + 1 end
    end
    for _, name in ipairs(history:columns()) do
      assert.equal(name == "epoch" and (#shown + 1) // 3 or 1, seen[name], name)
    end
    assert.matches("  3%f[%s]", tostring(history)) -- the last goal's loss
  end)

  it("has an epoch's line go on below where it is long", function()
    local list = lines(require("lamina.history").line(wide()[1], 3))
    assert.matches("^epoch 1/3  step 8  train loss 0.5  ", list[1])
    assert.is_true(#list > 1)
    for i, line in ipairs(list) do
      assert.is_true(#line <= 118)
      assert.equal(i > 1, line:sub(1, 2) == "  ")
    end
    assert.matches("  rate 0.001  0.2 s$", list[#list])
  end)
end)
