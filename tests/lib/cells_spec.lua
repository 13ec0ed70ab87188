-- Dale's law: which weights it governs and how they begin, against the declaration and the moments of the draw; and
-- that constraints live through copies, files, cores and checkpoints.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local ops = require "lamina.core.ops"
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

local function weight(net, name)
  for _, p in ipairs(net:parameters()) do if p.name == name then return p.tensor:detach() end end
  error("no " .. name)
end

local function signs_of(net, area)
  for _, b in ipairs(net:buffers()) do if b.name == area .. ".cells" then return b.tensor:totable() end end
end

local function recurrent(seed)
  return model "recurrent" { seed = seed or 1, steps = 3,
    input { 1, 8, 8 },
    area "V1" { cells = dale { excitatory = 0.8 }, conv { 10, kernel = 3, pad = 1 }, relu },
    area "V2" { cells = dale { 0.5 }, conv { 6, kernel = 3, pad = 1 }, relu },
    lateral { "V1", conv { 10, kernel = 1 } },
    feedback { from = "V2", to = "V1", conv { 10, kernel = 3, pad = 1 } },
    readout "early" { from = "V1", dense { 3 } },
    readout "digit" { from = "V2", dense { 4 } } }
end

-- Every weight of input channel c has the sign of cell c (or is 0).
local function obeys(net, name, area)
  local w, signs = weight(net, name), signs_of(net, area)
  local per = w:size(2) // #signs
  local rows = w:reshape { w:size(1), #signs, -1 }
  assert.equal(w:count(), rows:count())
  assert.is_true(per >= 1)
  for c, sign in ipairs(signs) do
    assert.is_true((rows:select(2, c) * sign):min():item() >= 0, name)
  end
end

local function look(net)
  obeys(net, "V2.conv1.weight", "V1")
  obeys(net, "lateral1.conv1.weight", "V1")
  obeys(net, "early.dense1.weight", "V1")
  obeys(net, "feedback1.conv1.weight", "V2")
  obeys(net, "digit.dense1.weight", "V2")
  assert.is_true(net:holds())
end

local set = dataset.tensors { draw("normal", { 24, 1, 8, 8 }, "x"),
  { early = draw("normal", { 24, 3 }, "e"), digit = draw("normal", { 24, 4 }, "d") } }
local GOALS = { early = "mse", digit = "mse" }

describe("dale", function()
  it("has the share of excitatory cells, drawn from the seed", function()
    local n = 0
    for _, sign in ipairs(signs_of(recurrent(), "V1")) do n = n + (sign > 0 and 1 or 0) end
    assert.equal(8, n)
    assert.same(signs_of(recurrent(3), "V1"), signs_of(recurrent(3), "V1"))
    assert.not_same(signs_of(recurrent(3), "V1"), signs_of(recurrent(4), "V1"))
  end)

  it("governs what leaves its cells and nothing else, from the start and after every epoch", function()
    local net = recurrent()
    look(net)
    local first = weight(net, "V1.conv1.weight")
    assert.is_true(first:min():item() < 0 and first:max():item() > 0)
    train { model = net, data = set, loss = GOALS, epochs = 4, batch = 8, log = false,
      optimizer = adam { rate = 0.05 } }
    look(net)
    assert.is_true(weight(net, "V1.conv1.weight"):min():item() < 0)
  end)

  it("begins with a mean drive of 0 and the mean square of the plain draw", function()
    local function wide(cells) return model "wide" { seed = 2, input { 40 },
      area "A" { cells = cells, dense { 40 }, relu }, readout "y" { dense { 400, bias = false } } } end
    local w, plain = weight(wide(dale {}), "y.dense1.weight"), weight(wide(), "y.dense1.weight")
    local deviation = plain:square():mean():item() ^ 0.5
    assert.is_true(math.abs(w:mean():item()) < 0.02 * deviation)
    assert.is_true(math.abs(w:square():mean():item() / plain:square():mean():item() - 1) < 0.03)
    local skewed = weight(wide(dale { balance = false }), "y.dense1.weight")
    assert.is_true(skewed:mean():item() > 0.4 * deviation) -- 0.6 of the mean size, sqrt(3) / 2 of the deviation
  end)

  it("finds its channels behind a concat, a flatten and in groups", function()
    local net = model "branches" { seed = 1, input { 2, 4, 4 },
      area "A" { cells = dale { 0.5 }, conv { 4, kernel = 1 }, relu },
      area "B" { from = "input", conv { 3, kernel = 1 }, relu },
      area "C" { from = { "B", "A" }, conv { 5, kernel = 3 } },
      area "G" { from = "A", conv { 6, kernel = 3, groups = 2 }, relu },
      readout "y" { from = { "A", "B" }, flatten, dense { 2 } } }
    local signs = signs_of(net, "A")
    local c = weight(net, "C.conv1.weight")
    assert.is_true(c:slice(2, 1, 3):min():item() < 0 and c:slice(2, 1, 3):max():item() > 0)
    local g, y = weight(net, "G.conv1.weight"), weight(net, "y.dense1.weight"):reshape { 2, 7, 16 }
    for k, sign in ipairs(signs) do
      assert.is_true((c:select(2, 3 + k) * sign):min():item() >= 0)
      assert.is_true((y:select(2, k) * sign):min():item() >= 0)
      local group = (k - 1) // 2
      local own = g:slice(1, 3 * group + 1, 3 * group + 3):select(2, (k - 1) % 2 + 1)
      assert.is_true((own * sign):min():item() >= 0)
    end
    assert.is_true(y:slice(2, 5, 7):min():item() < 0)
  end)

  it("says what is wrong", function()
    for _, case in ipairs {
      { function() return dale { excitatory = 2 } end, "from 0 to 1" },
      { function() return model "m" { input { 2 }, area "A" { cells = 0.8, dense { 2 } } } end,
        "expected dale { excitatory = 0.8 }" },
    } do
      local ok, err = pcall(case[1])
      assert.is_false(ok)
      assert.matches(case[2], tostring(err), 1, true)
    end
  end)
end)

describe("constraints live through", function()
  local mask = draw("uniform", { 4, 6 * 64 }, "mask"):gt(0.3):to "float32"

  local function constrained(seed)
    return recurrent(seed):constrain("digit", { "mask", mask }):constrain("V1.conv1", { "norm", max = 0.5 })
  end

  local function look_all(net)
    look(net)
    assert.equal(0, (weight(net, "digit.dense1.weight") * (mask * -1 + 1)):abs():max():item())
    local rows = weight(net, "V1.conv1.weight"):reshape { 10, 9 }:to "float64"
    assert.is_true(rows:square():sum(2):max():item() <= 0.25)
  end

  local function learn(net, o)
    o = o or {}
    train { model = net, data = set, loss = GOALS, epochs = o.epochs or 2, batch = 8, log = false,
      optimizer = adam { rate = 0.05 }, checkpoint = o.checkpoint, resume = o.resume }
    return net
  end

  it("copies", function()
    local net = learn(constrained())
    local copy = net:clone()
    assert.equal(net:digest(), copy:digest())
    look_all(learn(copy))
    assert.is_true(net:holds())
  end)

  it("files, into a model of another seed and without them", function()
    local net = learn(constrained())
    local path = net:save(folder .. "/net.safetensors")
    local other = recurrent(9)
    assert.not_same(signs_of(net, "V1"), signs_of(other, "V1"))
    other:load(path)
    assert.equal(net:digest(), other:digest())
    assert.same(signs_of(net, "V1"), signs_of(other, "V1"))
    look_all(learn(other))
  end)

  it("cores", function()
    local net = learn(constrained())
    local built = model "more" { core = net:upto "V2", seed = 5, readout "digit" { dense { 4 } },
      readout "early" { from = "V1", dense { 3 } } }
    assert.same(signs_of(net, "V1"), signs_of(built, "V1"))
    obeys(learn(built), "V2.conv1.weight", "V1")
    assert.is_true(built:holds())
  end)

  it("checkpoints: a run that was cut goes on to the same bits", function()
    local path = folder .. "/run.safetensors"
    local whole = learn(constrained(), { epochs = 4 }):digest()
    learn(constrained(), { epochs = 2, checkpoint = path })
    local again = learn(constrained(), { epochs = 4, checkpoint = path, resume = true })
    assert.equal(whole, again:digest())
    look_all(again)
  end)

  it("options of areas and layers", function()
    local net = model "o" { seed = 1, input { 4 },
      area "A" { constraint = "non_negative", dense { 5, constraint = { "norm", equal = 2 } }, relu },
      readout "y" { dense { 2, constraint = { { "sign", "negative" }, { "norm", max = 0.1 } } } } }
    local set_y = dataset.tensors { draw("normal", { 12, 4 }, "a"), draw("normal", { 12, 2 }, "b") }
    train { model = net, data = set_y, loss = "mse", epochs = 3, log = false, optimizer = sgd { rate = 0.2 } }
    assert.is_true(net:holds())
    local a, y = weight(net, "A.dense1.weight"):to "float64", weight(net, "y.dense1.weight")
    assert.is_true(a:min():item() >= 0 and y:max():item() <= 0)
    assert.is_true(ops.abs(a:square():sum(2):sqrt() - 2):max():item() < 1e-5)
    core.no_grad(function() net:parameters()[1].tensor:fill(-1) end)
    local fine, which = net:holds()
    assert.is_false(fine)
    assert.equal("non_negative of A.dense1.weight", which)
  end)
end)
