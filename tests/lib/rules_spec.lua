-- Local rules against updates worked out by hand, principal components, and selectivity; which areas learn, and how;
-- checkpoints.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local train = require("lamina.train").train

local folder = os.tmpname()
os.remove(folder)

setup(function() base.mkdir(folder) end)
teardown(function()
  for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
  base.remove(folder)
end)

local function draw(kind, shape, purpose) return core.draw { kind = kind, shape = shape, seed = 4,
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

local function unsupervised(x) return dataset.tensors { x } end

-- Inputs whose principal components are the columns of a rotation, with the standard deviations given.
local function cloud(n, deviations)
  local d = #deviations
  local raw = draw("normal", { d, d }, "axes"):to("float64"):totable()
  local axes = {}
  for i, v in ipairs(raw) do -- Gram-Schmidt
    for k = 1, i - 1 do
      local dot = 0
      for j = 1, d do dot = dot + v[j] * axes[k][j] end
      for j = 1, d do v[j] = v[j] - dot * axes[k][j] end
    end
    local length = 0
    for j = 1, d do length = length + v[j] ^ 2 end
    for j = 1, d do v[j] = v[j] / math.sqrt(length) end
    axes[i] = v
  end
  local along = draw("normal", { n, d }, "along") * core.tensor { deviations }
  return along:matmul(core.tensor(axes)), axes
end

local function cosine(a, b)
  local ab, aa, bb = 0, 0, 0
  for i = 1, #a do ab, aa, bb = ab + a[i] * b[i], aa + a[i] ^ 2, bb + b[i] ^ 2 end
  return ab / math.sqrt(aa * bb)
end

describe("a local rule", function()
  it("is given what its layer saw and answered, and its change is added", function()
    local net = model "n" { seed = 1, input { 2, 5, 4 },
      area "V1" { conv { 3, kernel = { 3, 2 }, stride = { 2, 1 }, pad = { 1, 0 } }, relu },
      readout "y" { dense { 2 } } }
    local x = draw("normal", { 3, 2, 5, 4 }, "x")
    local w0 = parameter(net, "V1.conv1.weight"):detach():clone()
    local expected = net:activations(x, "V1").V1:permute({ 1, 3, 4, 2 }):contiguous():reshape { -1, 3 }
    local calls = 0
    local rule = local_rule { "look", rate = 0.5, gain = 2, state = { count = 3 }, update = function(w, rows, y, s, o)
      calls = calls + 1
      s.count = s.count + 1
      assert.same({ 3, 12 }, w.shape)
      assert.same({ 3 * 3 * 3, 12 }, rows.shape)
      assert.equal(expected:digest(), y:contiguous():digest())
      -- the patches are those with which the weights make the answers
      local b = parameter(net, "V1.conv1.bias"):detach()
      local again = (rows:matmul(w:t()) + b):relu()
      assert.is_true((again - y):abs():max():item() < 1e-5)
      assert.equal(0.5, o.rate)
      assert.equal(2, o.gain)
      assert.equal(4, s.count)
      return w * 0 + o.rate, core.full({ 3 }, 0.25)
    end }
    local history = train { model = net, data = unsupervised(x), rule = { V1 = rule }, shuffle = false, log = false }
    assert.equal(1, calls)
    assert.equal((w0 + 0.5):digest(), parameter(net, "V1.conv1.weight"):detach():digest())
    assert.is_true(history[1].V1_change > 0)
    assert.is_nil(history[1].train_loss)
  end)

  it("makes BCM's update as worked out by hand", function()
    local net = model "n" { seed = 1, input { 2 }, area "V1" { dense { 1, bias = false } } }
    core.no_grad(function() parameter(net, "V1.dense1.weight"):copy(core.tensor { { 0.5, -1 } }) end)
    local x = core.tensor { { 2, 1 }, { 4, -1 } } -- y = 0, 3; theta = 0.9 + 0.1 * 4.5 = 1.35
    train { model = net, data = unsupervised(x), rule = { "bcm", rate = 0.1, memory = 0.9 }, log = false }
    -- y (y - theta) = 0, 4.95; change = 0.1 * (4.95 * (4, -1)) / 2
    local w = parameter(net, "V1.dense1.weight"):totable()[1]
    assert.is_true(math.abs(w[1] - (0.5 + 0.99)) < 1e-6 and math.abs(w[2] - (-1 - 0.2475)) < 1e-6)
  end)

  it("of the script gives the same bits as the one with a name", function()
    local function run(rule)
      local net = model "n" { seed = 1, input { 6 }, area "V1" { dense { 4 }, relu } }
      train { model = net, data = unsupervised(draw("normal", { 64, 6 }, "x")), rule = { V1 = rule }, epochs = 3,
        batch = 16, log = false }
      return net:digest()
    end
    local own = local_rule { "bcm", rate = 1e-2, state = { theta = 1 }, update = function(_, x, y, s, o)
      s.theta = 0.99 * s.theta + (1 - 0.99) * y:square():mean { 1 }
      return o.rate * ((y * (y - s.theta)):t():matmul(x) / x:size(1))
    end }
    assert.equal(run { "bcm", rate = 1e-2 }, run(own))
  end)

  it("Oja's finds the first principal component, with length 1", function()
    local x, axes = cloud(600, { 2, 1, 0.7, 0.5, 0.3, 0.2 })
    local net = model "oja" { seed = 3, input { 6 }, area "V1" { dense { 1, bias = false } } }
    train { model = net, data = unsupervised(x), rule = { V1 = { "oja", rate = 0.02 } }, epochs = 150, batch = 600,
      log = false }
    -- the sample's own component, by the power method in double
    local c = x:to("float64"):t():matmul(x:to "float64")
    local v = core.tensor({ axes[1] }, { dtype = "float64" }):t()
    for _ = 1, 200 do
      v = c:matmul(v)
      v = v / v:square():sum():item() ^ 0.5
    end
    local w = parameter(net, "V1.dense1.weight"):totable()[1]
    assert.is_true(math.abs(cosine(w, v:reshape({ 6 }):totable())) >= 0.999)
    local length = 0
    for _, value in ipairs(w) do length = length + value ^ 2 end
    assert.is_true(math.abs(length - 1) < 1e-2)
  end)

  it("Sanger's finds the components in order", function()
    local x, axes = cloud(4000, { 3, 1.7, 1, 0.3 })
    local net = model "gha" { seed = 3, input { 4 }, area "V1" { dense { 3, bias = false } } }
    train { model = net, data = unsupervised(x), rule = { "sanger", rate = 0.02 }, epochs = 60, batch = 500,
      log = false }
    for i, w in ipairs(parameter(net, "V1.dense1.weight"):totable()) do
      assert.is_true(math.abs(cosine(w, axes[i])) > 0.99, "component " .. i)
    end
  end)

  it("BCM's makes a unit selective for one of two inputs", function()
    -- the fixed points of a unit with two independent inputs of equal probability: answers 2 and 0, theta = 2
    local rows = {}
    for i = 1, 200 do rows[i] = i % 2 == 0 and { 1, 0.2 } or { 0.2, 1 } end
    local net = model "bcm" { seed = 5, input { 2 }, area "V1" { dense { 1, bias = false } } }
    core.no_grad(function() parameter(net, "V1.dense1.weight"):copy(core.tensor { { 0.4, 0.3 } }) end)
    local set = unsupervised(core.tensor(rows))
    train { model = net, data = set, rule = { "bcm", rate = 0.05, memory = 0.9 }, epochs = 400, batch = 50,
      log = false }
    local y = net(core.tensor { { 1, 0.2 }, { 0.2, 1 } }):reshape({ 2 }):totable()
    assert.is_true(math.abs(y[1] - 2) < 0.02 and math.abs(y[2]) < 0.02, y[1] .. " " .. y[2])
  end)

  it("Hebb's keeps its constraint after every update", function()
    local net = model "hebb" { seed = 1, input { 6 }, area "V1" { dense { 4, bias = false,
      constraint = { { "norm", equal = 1 }, "non_negative" } }, relu } }
    local held = 0
    train { model = net, data = unsupervised(draw("uniform", { 64, 6 }, "x")), rule = "hebb", epochs = 3, batch = 8,
      log = function() held = held + (net:holds() and 1 or 0) end }
    assert.equal(3, held)
    assert.is_true(parameter(net, "V1.dense1.weight"):min():item() >= 0)
  end)
end)

describe("rules by area", function()
  local x = draw("normal", { 48, 6 }, "x")
  local labels = (x:slice(2, 1, 1):gt(0):to "int64" + 1):reshape { 48 }
  local set = dataset.tensors { x, labels }

  local function three(o)
    o = o or {}
    return model "three" { seed = 2, input { 6 }, area "V1" { rule = o.V1, dense { 8 }, relu },
      area "V2" { rule = o.V2, dense { 8 }, relu }, readout "side" { dense { 2 } } }
  end

  local function digests(net)
    local list = {}
    for _, name in ipairs { "V1", "V2", "side" } do list[name] = parameter(net, name .. ".dense1.weight"):digest() end
    return list
  end

  local function changed(before, net)
    local names = {}
    for name, digest in pairs(digests(net)) do
      if digest ~= before[name] then names[#names + 1] = name end
    end
    table.sort(names)
    return table.concat(names, " ")
  end

  local function run(net, rule, o)
    local before = digests(net)
    local settings = { model = net, data = set, rule = rule, log = false, batch = 16 }
    for key, value in pairs(o or {}) do settings[key] = value end
    train(settings)
    return changed(before, net)
  end

  it("change the areas that they name, and no others", function()
    assert.equal("V1 side", run(three(), { V1 = "oja", side = "backprop" }))
    assert.equal("V1", run(three(), { V1 = "oja" }))
    assert.equal("side", run(three(), { side = "backprop" }))
    assert.equal("V1 V2 side", run(three { V1 = "oja" }, nil))
    assert.equal("V2 side", run(three { V1 = "oja" }, { V1 = false, V2 = "backprop", side = "backprop" }))
    assert.equal("V1 V2 side", run(three(), "backprop"))
  end)

  it("let backprop train what is given to it as a loop written by hand does, bit for bit", function()
    local net, hand = three(), three()
    run(net, { side = "backprop" }, { optimizer = adam { rate = 0.01 }, epochs = 3, seed = 3 })
    local opt = adam { rate = 0.01 }
    opt:attach(hand:parameters "side")
    for epoch = 1, 3 do
      for b in set:batches { batch = 16, shuffle = true, epoch = epoch, seed = 3 } do
        opt:step(hand(b.x):cross_entropy(b.y))
      end
    end
    assert.equal(hand:digest(), net:digest())
  end)

  it("keep gradients out of areas under a local rule, unless it lets them through", function()
    local rule = { V1 = "backprop", V2 = "oja", side = "backprop" }
    local text = message(run, three(), rule)
    assert.matches("no gradient reaches V1.dense1.weight", text, 1, true)
    assert.matches("V2 by oja", text, 1, true)
    rule.V2 = { "oja", through = true }
    assert.equal("V1 V2 side", run(three(), rule))
    -- what does not learn by its gradient has none, and can have one again afterwards
    local net = three()
    run(net, { side = "backprop" })
    assert.is_nil(parameter(net, "V1.dense1.weight").grad)
    assert.equal("V1 V2 side", run(net, nil))
  end)

  it("go on from a checkpoint with the same bits, wherever the run was cut", function()
    local function go(epochs, o)
      local net = three()
      run(net, { V1 = { "bcm", rate = 0.01, memory = 0.9 }, V2 = "sanger", side = "backprop" }, { epochs = epochs,
        optimizer = adam { rate = 0.01 }, checkpoint = o and o.path, resume = o and o.resume,
        constraints = { { "norm", max = 1, of = "V1" } } })
      return net:digest()
    end
    local whole = go(5)
    for cut = 1, 4 do
      local path = string.format("%s/cut%d.safetensors", folder, cut)
      go(cut, { path = path })
      assert.equal(whole, go(5, { path = path, resume = true }))
    end
    local path = folder .. "/cut2.safetensors"
    assert.matches("V1.dense1 learns by bcm, in this run by oja",
      message(run, three(), { V1 = "oja", V2 = "sanger", side = "backprop" }, { epochs = 6, checkpoint = path,
        resume = true, optimizer = adam { rate = 0.01 } }), 1, true)
  end)

  it("keep memory flat from step to step", function()
    local live = {}
    local look = local_rule { "look", update = function(w)
      live[#live + 1] = base.memory().live
      return w * 0
    end }
    local net = model "flat" { seed = 1, input { 1, 16, 16 }, area "V1" { conv { 8, kernel = 5 }, relu } }
    collectgarbage()
    train { model = net, data = unsupervised(draw("normal", { 256, 1, 16, 16 }, "m")), rule = look, epochs = 3,
      batch = 8, log = false }
    -- a batch's patches take 8 x 144 x 25 x 4 bytes; what is not given back at once waits for the collector
    assert.is_true(live[96] - live[10] < 12 * 8 * 144 * 25 * 4, live[96] - live[10])
  end)

  it("see every step of a recurrent model", function()
    local rows = {}
    local look = local_rule { "look", update = function(w, seen, y)
      rows[#rows + 1] = { #seen, #y }
      return w * 0
    end }
    local net = model "r" { seed = 1, steps = 3, input { 1, 4, 4 },
      area "V1" { conv { 2, kernel = 3, pad = 1 }, relu }, lateral { "V1", conv { 2, kernel = 1 } },
      readout "y" { dense { 1 } } }
    train { model = net, data = unsupervised(draw("normal", { 5, 1, 4, 4 }, "s")), log = false,
      rule = { V1 = look, lateral1 = look } }
    -- the lateral brings something from the second step on; its layer is asked first or last, but with all its rows
    table.sort(rows, function(a, b) return a[1] > b[1] end)
    assert.same({ { 240, 240 }, { 160, 160 } }, rows)
  end)

  it("say what is wrong", function()
    local function update(w) return w end
    for _, case in ipairs {
      { { V9 = "oja" }, "has no area 'V9'" },
      { { V1 = "ojja" }, "there is no rule 'ojja' (did you mean 'oja'?)" },
      { { V1 = { "oja", rte = 1 } }, "did you mean 'rate'" },
      { { V1 = 3 }, "expected a rule" },
      { { V1 = local_rule { "bad", update = function() return 3 end } }, "update gave a number for the weight of "
        .. "V1.dense1, expected a tensor of 8x6" },
      { { V1 = local_rule { "bad", update = function(w) return w / 0 end } }, "holds a NaN or an infinity" },
      { { V1 = local_rule { "bad", update = function(w) return w, w end } }, "for the bias of V1.dense1" },
      { {}, "names no area that could learn" },
    } do
      assert.matches(case[2], message(run, three(), case[1]), 1, true)
    end
    assert.matches("'optimizer' is for areas under \"backprop\"", message(run, three(), { V1 = "oja" },
      { optimizer = adam {} }), 1, true)
    assert.matches("option 'update' is missing", message(local_rule, { "x" }), 1, true)
    assert.matches("state.a is a string", message(local_rule, { "x", state = { a = "b" }, update = update }), 1, true)
    local net = model "g" { input { 2, 4, 4 }, area "V1" { conv { 2, kernel = 3, groups = 2 } } }
    assert.matches("groups = 2", message(train, { model = net, data = unsupervised(core.zeros { 2, 2, 4, 4 }),
      rule = "oja" }), 1, true)
    local flat = model "p" { input { 1, 4, 4 }, area "V1" { pool.max { 2 } }, readout "y" { dense { 1 } } }
    assert.matches("'V1' has no convolution or dense layer", message(train, { model = flat, rule = { V1 = "oja" },
      data = unsupervised(core.zeros { 2, 1, 4, 4 }) }), 1, true)
    assert.matches("has no targets", message(train, { model = three(), data = unsupervised(x) }), 1, true)
  end)
end)
