-- Constraints: that each holds after every update under every optimiser, what they are against values by hand, which
-- are refused together.
local constraints = require "lamina.constraints"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local optim = require "lamina.optim"
local train = require("lamina.train").train

local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local relu = require "lamina.layers.relu"

local function draw(kind, shape, purpose) return core.draw { kind = kind, shape = shape, seed = 4,
  purpose = purpose } end

local set = dataset.tensors { draw("normal", { 24, 1, 6, 6 }, "x"), draw("normal", { 24, 3 }, "y") }

local function small() return models.model "small" { seed = 1, models.input { 1, 6, 6 },
  models.area "V1" { conv { 4, kernel = 3 }, relu }, models.readout "y" { dense { 3 } } } end

local function rows(net, name)
  for _, p in ipairs(net:parameters()) do
    if p.name == name then return p.tensor:detach():reshape { p.tensor:size(1), -1 }:to "float64" end
  end
end

local function row_sums(t) return t:sum(2):totable() end

describe("constraints", function()
  local mask = (draw("uniform", { 3, 64 }, "mask"):gt(0.5)):to "float32"
  local signs = draw("uniform", { 4, 1, 3, 3 }, "signs"):gt(0.5):to "float32" * 2 - 1
  local given = {
    { "sign", signs, of = "V1" }, { "norm", max = 0.4, of = "V1" }, { "non_negative", of = "y" },
    { "mask", mask, of = "y" }, { "sum", 1, method = "scale", of = "y" },
  }

  -- What the declaration says, looked at without its own code.
  local function look(net)
    local w, y = rows(net, "V1.conv1.weight"), rows(net, "y.dense1.weight")
    assert.is_true((w * signs:reshape { 4, 9 }:to "float64"):min():item() >= 0)
    for _, squares in ipairs(row_sums(w:square())) do assert.is_true(math.sqrt(squares) <= 0.4) end
    assert.is_true(y:min():item() >= 0)
    assert.equal(0, (y * (mask * -1 + 1):to "float64"):abs():max():item())
    for _, sum in ipairs(row_sums(y)) do assert.is_true(math.abs(sum - 1) < 1e-5) end
  end

  for name, make in pairs {
    sgd = function() return optim.sgd { rate = 0.3, momentum = 0.9 } end,
    adam = function() return optim.adam { rate = 0.1 } end,
    adamw = function() return optim.adamw { rate = 0.1, decay = 0.1 } end,
    rmsprop = function() return optim.rmsprop { rate = 0.1 } end,
    adagrad = function() return optim.adagrad { rate = 0.3 } end,
  } do
    it("hold after each of many updates by " .. name, function()
      local net, opt = small(), make()
      constraints.of_train(net, given, 1)
      assert.is_true(constraints.holds(net))
      opt:attach(net)
      local before = net:digest()
      for _ = 1, 25 do
        opt:step(ops.mse(net(set.x), set.y))
        look(net)
        assert.is_true(constraints.holds(net))
      end
      assert.are_not.equal(before, net:digest())
    end)
  end

  it("hold in train, at the end and in the moving average", function()
    local net = small()
    train { model = net, data = set, loss = "mse", constraints = given, epochs = 3, batch = 8, log = false,
      optimizer = optim.adam { rate = 0.1, average = 0.9 } }
    look(net)
  end)

  it("do what their formulas say", function()
    local function made(spec, values)
      local net = models.model "w" { seed = 1, models.input { 3 }, models.readout "y" { dense { 1 } } }
      core.no_grad(function() net:parameters()[1].tensor:copy(core.tensor { values }) end)
      constraints.constrain(net, nil, spec, 1)
      return net:parameters()[1].tensor:detach():totable()[1], net
    end
    local function near(expected, actual)
      for i, value in ipairs(expected) do assert.is_true(math.abs(value - actual[i]) < 1e-6) end
    end
    near({ 0.5, 0, 2 }, (made("non_negative", { 0.5, -1, 2 })))
    near({ 0, -1, 0 }, (made("non_positive", { 0.5, -1, 2 })))
    near({ 0, -1, 0 }, (made({ "sign", "negative" }, { 0.5, -1, 2 })))
    near({ 0.5, 0, -2 }, (made({ "sign", core.tensor { 1, 1, 0 }, by = "input" }, { 0.5, -1, -2 })))
    near({ 0, -1, -2 }, (made({ "sign", core.tensor { -1 }, by = "unit" }, { 0.5, -1, -2 })))
    near({ 0.6, 0, 0.8 }, (made({ "norm", max = 1 }, { 3, 0, 4 })))
    near({ 0.3, 0, 0.4 }, (made({ "norm", max = 1 }, { 0.3, 0, 0.4 })))
    near({ 1.2, 0, 1.6 }, (made({ "norm", equal = 2 }, { 0.3, 0, 0.4 })))
    near({ 0, 0, 0 }, (made({ "norm", equal = 2 }, { 0, 0, 0 })))
    near({ 0, 1, 2 }, (made({ "sum", 3 }, { 1, 2, 3 })))
    near({ 0, 1, 2 }, (made({ "sum", 3, method = "scale" }, { 0, 2, 4 })))
    near({ 1, 1, 1 }, (made({ "sum", 3, method = "scale" }, { -1, -2, 0 })))
    near({ 2.5, 0, 0.5 }, (made({ { "mask", core.tensor { 1, 0, 1 } }, { "sum", 3 } }, { 3, 7, 1 })))
    local values, net = made({ "distance", max = 1 }, { 1, 1, 1 })
    near({ 1, 1, 1 }, values)
    core.no_grad(function() net:parameters()[1].tensor:copy(core.tensor { { 4, 1, 5 } }) end)
    assert.is_false((constraints.holds(net)))
    constraints.hold(net.list)
    near({ 1.6, 1, 1.8 }, net:parameters()[1].tensor:detach():totable()[1])
    assert.is_true(constraints.holds(net))
  end)

  it("are left as they are, bit for bit, where they hold", function()
    for seed = 1, 40 do
      local net = models.model "w" { seed = seed, models.input { 37 }, models.readout "y" { dense { 5,
        init = { "normal", std = 3 } } } }
      for _, spec in ipairs { { "norm", equal = 0.7 }, { "norm", max = 0.3 }, { "sum", 0.2 } } do
        constraints.constrain(net, nil, seed % 2 == 0 and spec or { { "mask", draw("uniform", { 5, 37 },
          "m" .. seed):gt(0.3):to "float32" }, spec }, 1)
        assert.is_true(constraints.holds(net), spec[1])
        net.list[1].constraints = nil
      end
    end
  end)

  it("are refused where they cannot hold together, or name nothing", function()
    for _, case in ipairs {
      { { { "sum", 1 }, { "norm", max = 1 } }, "undo each other" },
      { { "non_negative", of = "V9" }, "of = \"V9\" means no weights" },
      { { "norn", max = 1 }, "there is no 'norn'" },
      { { "norm" }, "needs max or equal" },
      { { "norm", max = 1, equal = 1 }, "needs max or equal" },
      { { "mask", core.ones { 7 } }, "mask is 7, which does not spread over" },
      { { "sign", "plus" }, "expected \"positive\"" },
      { { { "sign", "positive" }, { "sum", 1 } }, "use method = \"scale\"" },
      { { { "non_positive" }, { "sum", 1, method = "scale" } }, "the sum has the other sign" },
      { { { "norm", equal = 1 }, { "distance", max = 1 } }, "change the length" },
      { { "sign", core.ones { 5 }, by = "input", of = "V1" }, "has 1 inputs" },
    } do
      local ok, err = pcall(constraints.of_train, small(), case[1], 1)
      assert.is_false(ok)
      assert.matches(case[2], tostring(err), 1, true)
    end
  end)
end)
