-- Models over time, and normalisation in models: against PyTorch's outputs and gradients (tests/peers/graph.py),
-- against tensor code written out by hand, and one step against the feed-forward model, bit for bit.
local core = require "lamina.core.tensor"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local peers = dofile "tests/peers/graph.lua"

local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local identity = require "lamina.layers.identity"
local norm = require "lamina.layers.norm"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local resize = require "lamina.layers.resize"
local tanh = require "lamina.layers.tanh"
local upsample = require "lamina.layers.upsample"
local model, input, area, readout = models.model, models.input, models.area, models.readout
local feedback, lateral = models.feedback, models.lateral

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 9, purpose = purpose or "recurrent_spec" }
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function count_of(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

-- The sines that tests/peers/graph.py fills with.
local function wave(shape, phase, scale, offset)
  local list = {}
  for i = 1, count_of(shape) do list[i] = (offset or 0) + scale * math.sin(0.7 * (i - 1) + phase) end
  return core.tensor(list):reshape(shape)
end

local function fill(net)
  for _, p in ipairs(net:parameters()) do
    local phase = 0
    for i = 1, #p.name do phase = phase + p.name:byte(i) end
    local offset = p.name:find "%.norm%d*%.weight$" and 1 or 0
    core.no_grad(function() p.tensor:copy(wave(p.tensor.shape, phase % 97, 0.3, offset)) end)
  end
end

-- Within 1e-5 of the largest of the values, or of `least`.
local function assert_close(want, got, what, least)
  local flat, scale = got:detach():reshape({ -1 }):totable(), least or 0
  assert.equal(#want, #flat, what)
  for _, v in ipairs(want) do scale = math.max(scale, math.abs(v)) end
  for i, v in ipairs(want) do
    assert.is_true(math.abs(v - flat[i]) <= 1e-5 * scale, string.format("%s[%d]: %.9g is not %.9g", what, i, flat[i],
      v))
  end
end

local function check_against(peer, net, x)
  fill(net)
  local y = net:forward(x, { training = true })
  assert_close(peer.output, y, "output")
  y:square():mean():backward()
  local seen, largest = 0, 0
  for _, list in pairs(peer.gradients) do
    for _, v in ipairs(list) do largest = math.max(largest, math.abs(v)) end
  end
  for _, p in ipairs(net:parameters()) do
    -- a bias before normalisation has no gradient but the rounding of 216 terms that cancel: some 1e-6 of the largest
    local want, own = assert(peer.gradients[p.name], p.name), 0
    for _, v in ipairs(want) do own = math.max(own, math.abs(v)) end
    assert_close(want, p.tensor.grad, "gradient of " .. p.name, (own < 1e-12 * largest and 1e-1 or 1e-2) * largest)
    seen = seen + 1
  end
  for _ in pairs(peer.gradients) do seen = seen - 1 end
  assert.equal(0, seen)
  for _, b in ipairs(net:buffers()) do assert_close(peer.buffers[b.name], b.tensor, b.name) end
end

describe("PyTorch agrees on outputs, gradients and statistics of", function()
  it("residual blocks with batch normalisation", function()
    local function block(width, stride)
      return residual { conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
        conv { width, kernel = 3, pad = 1, bias = false }, norm.batch, shortcut = "project", after = relu }
    end
    local net = model "m" { input { 2, 5, 6 }, area "V1" { block(2, 1), block(3, 2) },
      readout "r" { pool.global "avg", dense { 2 } } }
    local x = wave({ 2, 2, 5, 6 }, 1, 1)
    check_against(peers.residual, net, x)
    assert_close(peers.residual.evaluated, net(x), "evaluated")
  end)

  it("group, instance and layer normalisation, and resizing", function()
    check_against(peers.normalised, model "m" { input { 2, 4, 5 }, area "A" {
      conv { 4, kernel = 3, pad = 1 }, norm.group { 2 }, resize { { 7, 6 }, mode = "bilinear" }, norm.instance,
      norm.layer, norm.layer "channels", upsample { 2 }, conv { 2, kernel = 3, stride = 3 } } }, wave({ 2, 2, 4, 5 },
        1, 1))
  end)

  it("feedback, a lateral that multiplies, and statistics per step", function()
    check_against(peers.serial, model "m" { input { 1, 6, 6 }, steps = 3,
      area "V1" { conv { 3, kernel = 3, pad = 1 }, norm.batch { per_step = true }, relu },
      area "V2" { pool.max { 2 }, conv { 2, kernel = 3, pad = 1 }, tanh },
      feedback { from = "V2", to = "V1", resize = "nearest", conv { 3, kernel = 3, pad = 1 } },
      lateral { "V1", combine = "multiply", conv { 3, kernel = 1 } },
      readout "r" { dense { 3 } },
    }, wave({ 2, 1, 6, 6 }, 1, 1))
  end)

  it("areas in parallel on a sequence, with a delay of 2 and a mean over steps", function()
    check_against(peers.parallel, model "m" { input { 1, 5, 5 }, steps = 4, update = "parallel",
      area "V1" { conv { 2, kernel = 3, pad = 1 }, tanh },
      area "V2" { conv { 3, kernel = 3, pad = 1 }, relu },
      feedback { from = "V2", to = "V2", name = "back", delay = 2, combine = "concat", conv { 2, kernel = 1 }, tanh },
      readout "r" { steps = "mean", pool.global "avg", dense { 2 } },
    }, wave({ 2, 4, 1, 5, 5 }, 1, 1))
  end)
end)

describe("steps", function()
  local function areas(steps, connections, more)
    local given = { input { 1, 8, 8 }, steps = steps, seed = 4,
      area "V1" { conv { 4, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
      area "V2" { conv { 6, kernel = 3, pad = 1 }, relu },
      readout "r" { pool.global "avg", dense { 3 } } }
    for _, c in ipairs(connections or {}) do given[#given + 1] = c end
    for name, value in pairs(more or {}) do given[name] = value end
    return model "m"(given)
  end
  local function connections()
    return { feedback { from = "V2", to = "V1", resize = "bilinear", conv { 4, kernel = 3, pad = 1 } },
      lateral { "V2", combine = "multiply", conv { 6, kernel = 1 } },
      feedback { from = "r", to = "V2", dense { 6 } } }
  end
  local x = draw { 3, 1, 8, 8 }

  it("of 1 are the feed-forward model, bit for bit", function()
    local plain, one = areas(nil), areas(1, connections())
    assert.equal(plain(x):detach():digest(), one(x):detach():digest())
    local many = areas(4, connections())
    assert.are_not.equal(plain(x):detach():digest(), many(x):detach():digest())
    assert.equal(plain(x):detach():digest(), many:forward(x, { steps = 1 }):detach():digest())
    plain(x):sum():backward()
    one(x):sum():backward()
    for _, p in ipairs(plain:parameters()) do
      assert.equal(p.tensor.grad:digest(), one:parameters("^" .. p.name:gsub("%.",
        "%%.") .. "$")[1].tensor.grad:digest())
    end
  end)

  it("give the same on a constant input as on a sequence of it, though the layers before feedback run once",
    function()
    local net = areas(3, connections())
    local frames = ops.stack({ x, x, x }, { dim = 2 })
    assert.equal(net(frames):detach():digest(), net(x):detach():digest())
    local calls, before = 0, conv.apply
    conv.apply = function(...)
      calls = calls + 1
      return before(...)
    end
    local ok, err = pcall(net, x)
    conv.apply = before
    assert.is_true(ok, tostring(err))
    assert.equal(1 + 3 + 2 + 2, calls) -- V1.conv1 once, V2.conv1 at each step, two connections from the second on
  end)

  it("join before an area's first activation, also where a function gave its layers", function()
    local function block() return { conv { 4, kernel = 3, pad = 1 }, relu } end
    local net = model "m" { input { 1, 8, 8 }, steps = 2, area "V1" { block(), pool.max { 2 } },
      area "V2" { residual { conv { 4, kernel = 3, pad = 1 }, after = relu } },
      feedback { from = "V2", to = "V1", resize = "nearest" }, feedback { from = "V2", to = "V2" },
      feedback { from = "V2", to = "V2.residual1" } }
    local names = {}
    for i, l in ipairs(net:layers()) do names[i] = l.name end
    assert.equal("V1.conv1 V1.feedback1 V1.relu1 V1.pool1 V2.feedback3 V2.residual1.conv1 V2.residual1.add1 "
      .. "V2.residual1.relu1 V2.feedback2", table.concat(names, " ", 1, 9))
  end)

  it("are what a loop by hand computes", function()
    local net = areas(3, connections())
    local p = {}
    for _, entry in ipairs(net:parameters()) do p[entry.name] = entry.tensor end
    local function c(t, name, pad) return ops.conv2d(t, p[name .. ".weight"], p[name .. ".bias"], { pad = pad }) end
    local v1, v2, r
    for t = 1, 3 do
      local d1 = c(x, "V1.conv1", 1)
      if t > 1 then d1 = d1 + c(v2:resize2d { size = { 8, 8 }, mode = "bilinear" }, "feedback1.conv1", 1) end
      v1 = d1:relu():max_pool2d { kernel = 2 }
      local d2 = c(v1, "V2.conv1", 1)
      if t > 1 then
        d2 = d2 * (c(v2, "lateral1.conv1", 0) + 1)
        d2 = d2 + ops.linear(r, p["feedback2.dense1.weight"], p["feedback2.dense1.bias"]):reshape { 3, 6, 1, 1 }
      end
      v2 = d2:relu()
      r = ops.linear(v2:mean { dim = { 3, 4 } }, p["r.dense1.weight"], p["r.dense1.bias"])
    end
    assert.equal(r:detach():digest(), net(x):detach():digest())
  end)

  it("name activations by time", function()
    local net = areas(3, connections())
    local all = net:activations(x, { "V1", "feedback1", "r" }, { steps = "all" })
    local last, second = net:activations(x, "V1"), net:activations(x, { "V1" }, { steps = 2 })
    assert.equal(all["V1@3"]:digest(), last.V1:digest())
    assert.equal(all["V1@2"]:digest(), second["V1@2"]:digest())
    assert.are_not.equal(all["V1@1"]:digest(), all["V1@2"]:digest())
    assert.is_nil(all["feedback1@1"])
    assert.same({ 3, 4, 8, 8 }, all["feedback1@2"].shape)
    assert.equal(net(x):detach():digest(), all["r@3"]:digest())
    assert.equal(all["V1@1"]:digest(), net:activations(x, { "V1@1" })["V1@1"]:digest())
    assert.matches("there is no step 4", message(net.activations, net, x, "V1@4"), 1, true)
    assert.matches("steps = 9; expected", message(net.activations, net, x, "V1", { steps = 9 }), 1, true)
  end)

  it("are layers of their own for what is predicted or decoded", function()
    local net = areas(3, connections())
    local set = require("lamina.data").tensors { x, core.zeros { 3 } }
    local list = require("lamina.neural.features").collect({ model = net, layers = { "V1@1", "V2.relu1@3", "V2" },
      batch = 2 }, set, "test")
    assert.equal("V1@1 V2.relu1@3 V2", list[1].name .. " " .. list[2].name .. " " .. list[3].name)
    assert.equal("V1 V2 V2", list[1].area .. " " .. list[2].area .. " " .. list[3].area)
    local found = net:activations(x, { "V1@1" })
    assert.equal(found["V1@1"]:reshape({ 3, -1 }):digest(), list[1].x:digest())
    local one = areas(1, connections())
    local all = require("lamina.neural.features").collect({ model = one, layers = "all", batch = 3 }, set, "test")
    assert.equal("r.dense1", all[#all].name) -- the connections have brought nothing
  end)

  it("are read out at the last, all or their mean", function()
    local function outputs(steps)
      local net = model "m" { input { 1, 8, 8 }, steps = 3, seed = 4, area "V1" { conv { 4, kernel = 3, pad = 1 },
        relu },
        lateral { "V1", conv { 4, kernel = 3, pad = 1 } },
        readout "r" { steps = steps, pool.global "avg", dense { 3 } } }
      return net(x):detach()
    end
    local all = outputs "all"
    assert.same({ 3, 3, 3 }, all.shape)
    assert.equal(outputs("last"):digest(), all:select(2, 3):clone():digest())
    assert_close(all:mean({ dim = 2 }):reshape({ -1 }):totable(), outputs "mean", "mean")
  end)

  it("reach the areas one after another when in parallel", function()
    local net = model "m" { input { 1, 4, 4 }, steps = 4, update = "parallel", seed = 1,
      area "V1" { conv { 2, kernel = 3, pad = 1, bias = false }, relu },
      area "V2" { conv { 2, kernel = 3, pad = 1, bias = false }, relu },
      area "V4" { conv { 2, kernel = 3, pad = 1, bias = false }, relu },
      area "IT" { conv { 2, kernel = 3, pad = 1, bias = false }, relu } }
    local found = net:activations(core.ones { 1, 1, 4, 4 }, { "V1", "V2", "V4", "IT" }, { steps = "all" })
    for k, name in ipairs { "V1", "V2", "V4", "IT" } do
      for t = 1, 4 do assert.equal(t >= k, found[name .. "@" .. t]:abs():max():item() > 0, name .. t) end
    end
  end)

  it("give the last area where there is no readout, whatever leads back from it", function()
    local net = model "m" { input { 4 }, steps = 2, seed = 1, area "A" { dense { 3 }, relu }, area "B" { dense { 2 },
      relu },
      lateral { "B", dense { 2 } }, feedback { from = "B", to = "A", dense { 3 } } }
    local y = net(draw { 5, 4 })
    assert.same({ 5, 2 }, y.shape)
    assert.equal(net:activations(draw { 5, 4 }, "B").B:digest(), y:detach():digest())
  end)

  it("learn from data sets of sequences", function()
    local net = model "m" { input { 4 }, steps = 3, seed = 1, area "A" { dense { 6 }, relu }, lateral { "A",
      dense { 6 } },
      readout "r" { dense { 2 } } }
    local items = draw { 40, 3, 4 }
    local y = (items[{ {}, 1, 1 }]:clone() * items[{ {}, 3, 2 }]:clone()):gt(0):to "int64" + 1
    local history = require("lamina.train").train { model = net, data = require("lamina.data").tensors { items, y },
      epochs = 60, batch = 40, log = false, seed = 1, optimizer = require("lamina.optim").adam { rate = 0.02 } }
    assert.is_true(history[60].train_loss < 0.5 * history[1].train_loss)
  end)

  it("take as many as the input has, where asked to", function()
    local net = areas("input", { lateral { "V1", resize = "nearest", conv { 4, kernel = 1 } } })
    assert.same({ 3, 3 }, net(ops.stack({ x, x }, { dim = 2 })).shape)
    assert.matches("takes a sequence", message(net, x), 1, true)
    local five = areas(5, { lateral { "V2", conv { 6, kernel = 1 } } })
    assert.matches("a sequence of 2 steps, but the model runs 5", message(five, ops.stack({ x, x }, { dim = 2 })), 1,
      true)
    assert.matches("n x steps x 1x8x8", message(five, draw { 3, 2, 8, 8 }), 1, true)
  end)

  it("show what each layer sees, by time", function()
    local net, seen = areas(2, connections()), {}
    net:forward(x, { watch = function(node, xs, y, t)
      seen[#seen + 1] = node.name .. "@" .. t
      if node.name == "V1.feedback1" then
        assert.equal(t == 1 and 1 or 2, #xs)
        assert.same(y.shape, xs[1].shape)
      end
    end })
    local text = " " .. table.concat(seen, " ") .. " "
    assert.matches(" V1.conv1@1 V1.feedback1@1 V1.relu1@1 ", text, 1, true)
    assert.matches(" V1.conv1@2 V1.feedback1@2 ", text, 1, true)
    assert.matches(" feedback1.conv1@2 ", text, 1, true)
    assert.is_nil(text:find(" feedback1.conv1@1 ", 1, true))
  end)

  it("let no gradient pass where it is to stop, with layers that run once, too", function()
    local net = areas(3, { feedback { from = "V2", to = "V2", conv { 6, kernel = 1 } } })
    local free = net(x)
    local y = net:forward(x, { stop = { [net:find "V1"] = true } })
    assert.equal(free:detach():digest(), y:detach():digest())
    y:sum():backward()
    assert.is_nil(net:parameters "V1"[1].tensor.grad)
    assert.is_true(net:parameters "V2"[1].tensor.grad:abs():max():item() > 0)
  end)

  it("draw dropout anew, the first as without time", function()
    local function net_of(steps)
      return model "m" { input { 50 }, steps = steps, area "A" { identity, dropout { 0.5 } },
        readout "r" { steps = "all", identity } }
    end
    local y = net_of(2):forward(core.ones { 2, 50 }, { training = true, step = 3 })
    local one = model "m" { input { 50 }, area "A" { identity, dropout { 0.5 } } }
    assert.equal(one:forward(core.ones { 2, 50 }, { training = true, step = 3 }):digest(), y:select(2,
      1):clone():digest())
    assert.are_not.equal(y:select(2, 1):clone():digest(), y:select(2, 2):clone():digest())
  end)

  it("keep their connections when printed, cloned, saved and built upon", function()
    local net = areas(3, connections())
    assert.matches("feedback1: V2 -> V1.feedback1, delay 1, add", tostring(net), 1, true)
    assert.matches("m: input 1x8x8, 3 steps, serial", tostring(net), 1, true)
    local copy = net:clone()
    assert.equal(net:digest(), copy:digest())
    assert.equal(net(x):detach():digest(), copy(x):detach():digest())
    local net2 = areas(3, { lateral { "V1", resize = "nearest", conv { 4, kernel = 3, pad = 1 } } })
    local top = model "top" { core = net2:upto "V1", readout "n" { dense { 2 } } }
    assert.equal(3, top.steps)
    assert.equal(net2:activations(x, "V1").V1:digest(), top:activations(x, "V1").V1:digest())
  end)

  it("hold no more tensors than they must", function()
    local net = areas(6, connections())
    local base = require "lamina.core.base"
    local function live()
      collectgarbage()
      collectgarbage()
      return base.memory().live
    end
    core.no_grad(function() net(x):release() end)
    local before = live()
    core.no_grad(function() net(x):release() end)
    collectgarbage "stop"
    local after = base.memory().live
    collectgarbage "restart"
    assert.is_true(after - before < 4096, string.format("%d bytes are left", after - before))
  end)
end)

describe("norm.batch", function()
  local x = draw { 4, 2, 3, 3 }

  it("follows the batch while training, and is saved, cloned and compared with the weights", function()
    local net = model "m" { input { 2, 3, 3 }, area "A" { norm.batch { momentum = 0.25 } } }
    local y = net:forward(x, { training = true })
    assert.is_true(y:detach():mean({ dim = { 1, 3, 4 } }):abs():max():item() < 1e-6)
    local mean, variance = net:buffers()[1].tensor, net:buffers()[2].tensor
    assert_close((x:mean { dim = { 1, 3, 4 } } * 0.25):totable(), mean, "mean")
    assert_close((x:var { dim = { 1, 3, 4 } } * 0.25 + 0.75):totable(), variance, "variance")
    local copy = net:clone()
    assert.equal(net:digest(), copy:digest())
    net:forward(x, { training = true })
    assert.are_not.equal(net:digest(), copy:digest())
    assert.equal("A.norm1.mean", net:compare(copy).first)
    local path = os.tmpname()
    net:save(path)
    copy:load(path)
    os.remove(path)
    assert.equal(net:digest(), copy:digest())
    assert.equal(net(x):detach():digest(), copy(x):detach():digest())
  end)

  it("stays as it is when frozen, by its option or with its area", function()
    for _, net in ipairs { model "m" { input { 2, 3, 3 }, area "A" { norm.batch { frozen = true } } },
      model "m" { input { 2, 3, 3 }, area "A" { frozen = true, norm.batch } },
      model "m" { input { 2, 3, 3 }, area "A" { norm.batch } }:freeze "A" } do
      local before = net:digest()
      local y = net:forward(x, { training = true })
      assert.equal(net(x):detach():digest(), y:detach():digest())
      assert.equal(before, net:digest())
    end
  end)

  it("normalises vectors, and refuses what it cannot", function()
    local net = model "m" { input { 3 }, area "A" { norm.batch { affine = false } } }
    assert.equal(0, #net:parameters())
    local y = net:forward(draw { 8, 3 }, { training = true })
    assert.is_true(math.abs(y:square():mean():item() - 1) < 1e-4)
    assert.matches("at least two", message(net.forward, net, draw { 1, 3 }, { training = true }), 1, true)
    assert.matches("did you mean 'momentum'", message(function()
      return model "m" { input { 3 }, area "A" { norm.batch { momentun = 0.1 } } }
    end), 1, true)
    assert.matches("steps = \"input\"", message(function()
      return model "m" { input { 3 }, steps = "input", area "A" { norm.batch { per_step = true } } }
    end), 1, true)
    assert.matches("does not divide the 4 channels", message(function()
      return model "m" { input { 4 }, area "A" { norm.group { 3 } } }
    end), 1, true)
  end)
end)

describe("a mistake in a connection", function()
  local function with(connection, first)
    local given = { input { 1, 8, 8 }, steps = 3, area "V1" { conv { 4, kernel = 3, pad = 1 }, relu },
      area "V2" { pool.max { 2 }, conv { 6, kernel = 1 }, relu } }
    given[#given + 1] = first
    given[#given + 1] = connection()
    return model "m"(given)
  end
  local cases = {
    { "without steps", function()
      return model "m" { input { 4 }, area "A" { dense { 4 }, relu }, lateral { "A", dense { 4 } } }
    end, "needs time steps: say how many in the model, such as steps = 5" },
    { "a delay without steps", function()
      return model "m" { input { 4 }, area "A" { dense { 4 } }, area "B" { delay = 2, relu } }
    end, "area \"B\" reads what lies 2 time steps back, but the model has no steps" },
    { "without delay", with, "makes a cycle without delay",
      function() return feedback { from = "V2", to = "V1", delay = 0, conv { 4, kernel = 1 } } end },
    { "from nowhere", with, "from = \"V3\" names no area or layer of the model",
      function() return feedback { from = "V3", to = "V1" } end },
    { "to nowhere", with, "to = \"V1.rely1\" names no area or layer of the model (did you mean 'V1.relu1'?)",
      function() return feedback { from = "V2", to = "V1.rely1" } end },
    { "of another size", with, "brings 4x4x4, but what it joins at V1.feedback1 is 4x8x8; resize = \"nearest\"",
      function() return feedback { from = "V2", to = "V1", conv { 4, kernel = 1 } } end },
    { "of other channels", with, "brings 6x8x8, but what it joins at V1.feedback1 is 4x8x8; conv { 4, kernel = 1 }",
      function() return feedback { from = "V2", to = "V1", resize = "nearest" } end },
    { "to a connection", with, "to = \"other\" is a connection", function()
      return feedback { from = "V2", to = "other", resize = "nearest", conv { 4, kernel = 1 } }
    end, lateral { "V1", name = "other", conv { 4, kernel = 1 }, relu } },
    { "without a target", with, "feedback: option 'to' is missing", function() return feedback { from = "V2" } end },
    { "without an area", with, "lateral: option 'at' is missing", function() return lateral { relu } end },
    { "of a method that is none", with, "'nearest', 'bilinear'",
      function() return feedback { from = "V2", to = "V1", resize = "cubic" } end },
    { "a name twice", with, "is already taken",
      function() return feedback { name = "V2", from = "V2", to = "V1", resize = "nearest", conv { 4,
        kernel = 1 } } end },
    { "channels without end", function()
      return model "m" { input { 2, 4, 4 }, steps = 2, area "A" { identity }, lateral { "A", combine = "concat" } }
    end, "grow with those it leaves, without end" },
  }
  for _, case in ipairs(cases) do
    it("is found: " .. case[1], function()
      local text, err = message(case[2], case[4], case[5])
      assert.matches(case[3], text, 1, true)
      assert.is_true(err.kind == "shape" or err.kind == "argument")
      assert.matches("recurrent_spec.lua", text, 1, true)
    end)
  end
end)

describe("what an area drives", function()
  it("is found through poolings, shortcuts, joins, feedback and laterals", function()
    local net = model "d" { input { 2, 8, 8 }, steps = 3,
      area "V1" { conv { 4, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
      area "V2" { norm.batch, residual { conv { 8, kernel = 3, pad = 1, groups = 2 }, after = relu },
        conv { 6, kernel = 1 }, relu },
      area "IT" { from = { "V2", "V1" }, pool.avg { 2 }, dense { 3 } },
      lateral { "V1", resize = "nearest", conv { 4, kernel = 3, pad = 1 } },
      feedback { from = "V1", to = "V2", combine = "concat", pool.max { 1 } },
      readout "r" { dense { 2 } },
    }
    local found = {}
    for _, d in ipairs(net:driven "V1") do found[d.name] = d end
    local names = {}
    for _, d in ipairs(net:driven "V1") do names[#names + 1] = d.name end
    assert.equal("V2.residual1.conv1.weight V2.conv1.weight IT.dense1.weight lateral1.conv1.weight",
      table.concat(names, " "))
    assert.same({ 1, 2, 3, 4, 1, 2, 3, 4 }, found["V2.conv1.weight"].channels)
    local it = found["IT.dense1.weight"].channels
    assert.equal(40, #it)
    assert.equal("0 0 1 1 4", table.concat({ it[1], it[24], it[25], it[28], it[40] }, " "))
    local names_of_it = {}
    for i, d in ipairs(net:driven "IT") do names_of_it[i] = d.name end
    assert.same({ "r.dense1.weight" }, names_of_it)
  end)

  it("is spread over the weights, group by group", function()
    local net = model "d" { input { 4, 3, 3 }, area "A" { identity }, area "B" { conv { 4, kernel = 3, groups = 2 } },
      readout "r" { from = "A", dense { 1 } } }
    local list = net:driven "A"
    local signs = list[1]:spread { 1, 2, 3, 4 }
    assert.same({ 4, 2, 1, 1 }, signs.shape)
    assert.same({ 1, 2, 1, 2, 3, 4, 3, 4 }, signs:reshape({ -1 }):totable())
    local dense_signs = list[2]:spread(core.tensor { 1, -1, 1, -1 })
    assert.same({ 1, 36 }, dense_signs.shape)
    assert.equal(-1, dense_signs:totable()[1][10])
  end)
end)
