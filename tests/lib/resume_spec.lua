-- Runs that are cut and go on, with everything in them that has a state: statistics, dropout, momentum, averages,
-- gathered gradients, constraints, local rules, goals, the best weights.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"

local folder = os.tmpname()
os.remove(folder)

setup(function() base.mkdir(folder) end)
teardown(function()
  for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
  base.remove(folder)
end)

local function draw(kind, shape, purpose) return core.draw { kind = kind, shape = shape, seed = 8,
  purpose = purpose } end

local function scene(n, purpose)
  local x = draw("normal", { n, 1, 6, 6 }, purpose)
  local flat = x:reshape { n, 36 }
  return data.tensors { x, { side = flat:select(2, 1):gt(0):to "int64" + 1,
    where = flat:slice(2, 2, 3):contiguous() } }
end

local function make()
  return model "all" { seed = 4, input { 1, 6, 6 },
    area "V1" { rule = { "oja", rate = 1e-3 }, conv { 6, kernel = 3, constraint = { "norm", max = 1 } }, relu },
    area "V2" { cells = dale { 0.5 }, conv { 4, kernel = 3, pad = 1, bias = false }, norm.batch, relu,
      dropout { 0.2 } },
    readout "side" { dense { 2 } }, readout "where" { from = "V1", dense { 2 } } }
end

local function go(epochs, o)
  local net = make()
  local history = train { model = net, data = scene(60, "train"), validate = scene(40, "valid"), epochs = epochs,
    batch = 8, log = false, loss = { side = "cross_entropy", where = { "huber", weight = 0.5 } },
    penalty = { { l2 = 1e-3 }, { activity = { l1 = 1e-3, of = "V2" } } }, keep = o.keep or "last",
    constraints = { where = { "distance", max = 0.5 } },
    optimizer = o.optimizer(), checkpoint = o.path, resume = o.resume }
  return net:digest(), history
end

describe("a run that was cut", function()
  for name, optimizer in pairs {
    adam = function()
      return adam { rate = 0.02, accumulate = 3, average = 0.9, groups = { { of = "bias$", decay = 0.01 } } }
    end,
    rmsprop = function() return rmsprop { rate = 0.01, momentum = 0.9, clip = 1, schedule = step { every = 2 } } end,
    plateau = function()
      return sgd { rate = 0.05, momentum = 0.9, schedule = plateau { patience = 0, factor = 0.3, threshold = 0.05 } }
    end,
    adagrad = function() return adagrad { rate = 0.05, schedule = constant { warmup = 12 } } end,
  } do
    it("goes on to the same bits wherever it was cut: " .. name, function()
      for _, keep in ipairs { "last", "side" } do
        local whole, course = go(4, { optimizer = optimizer, keep = keep })
        for cut = 1, 3 do
          local path = string.format("%s/%s-%s-%d", folder, name, keep, cut)
          go(cut, { optimizer = optimizer, keep = keep, path = path })
          local again, rows = go(4, { optimizer = optimizer, keep = keep, path = path, resume = true })
          assert.equal(whole, again)
          for i, row in ipairs(course) do
            for column, value in pairs(row) do
              if column ~= "seconds" then assert.equal(value, rows[i][column], column) end
            end
          end
        end
      end
    end)
  end

  it("is refused with other groups", function()
    local path = folder .. "/groups"
    go(1, { path = path, optimizer = function() return sgd { groups = { { of = "V2", rate = 0.1 } } } end })
    local ok, err = pcall(go, 2, { path = path, resume = true, optimizer = function() return sgd {} end })
    assert.is_false(ok)
    assert.matches("groups = { V2: rate 0.1", tostring(err), 1, true)
  end)

  it("is refused with a bound on gradients, or a schedule, that it did not have", function()
    local path = folder .. "/clip"
    local function with(o) return function() return sgd(o) end end
    go(1, { path = path, optimizer = with { schedule = cosine {} } })
    for text, o in pairs { ["clip = nil }, this run has clip = 1"] = { schedule = cosine {}, clip = 1 },
      ["this run has schedule = none"] = {},
      ["this run has schedule = cosine { cycles = 1, final = 0.5"] = { schedule = cosine { final = 0.5 } } } do
      local ok, err = pcall(go, 2, { path = path, resume = true, optimizer = with(o) })
      assert.is_false(ok)
      assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    end
  end)

  it("may keep things whose names hold a slash, or are the beginning of others", function()
    local path, set = folder .. "/names", scene(8, "train")
    local function run(epochs, state)
      loop { data = set, batch = 8, epochs = epochs, state = state, checkpoint = path, resume = true, log = false,
        each = function()
          for _, t in pairs(state) do t:add_(1) end
          return 0
        end }
    end
    run(1, { ["a/b"] = tensor { 1.0 }, a = tensor { 10.0 } })
    local state = { ["a/b"] = tensor { 0.0 }, a = tensor { 0.0 } }
    run(2, state)
    assert.equal(3, state["a/b"]:item())
    assert.equal(12, state.a:item())
  end)
end)

describe("train and its optimizer", function()
  local function small() return model "m" { input { 2 }, readout "r" { dense { 1 } } } end
  local set = data.tensors { draw("normal", { 8, 2 }, "x"), draw("normal", { 8, 1 }, "y") }

  it("leaves the optimizer's own bound on gradients as it was", function()
    local opt = sgd { rate = 0.1, clip = 2 }
    train { model = small(), data = set, loss = "mse", optimizer = opt, clip = 1e-3, log = false }
    assert.equal(2, opt.o.clip)
  end)

  it("leaves the weights, not their averages, where the validation fails", function()
    local valid = data.tensors { set.x, set.y }
    valid.batch = function() error "no more" end
    local net, opt = small(), sgd { rate = 0.1, average = 0.9 }
    local first = net:parameters()[1].tensor:clone()
    local ok = pcall(train, { model = net, data = set, validate = valid, loss = "mse", optimizer = opt, log = false })
    assert.is_false(ok)
    local moved = (net:parameters()[1].tensor - first):abs():max():item()
    local averaged = (opt.mean[1] - first):abs():max():item()
    assert.is_true(moved > averaged and averaged > 0)
  end)
end)
