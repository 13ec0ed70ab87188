-- SYSTEMS S21: competition of responses and of weights.
local check = require "lamina.grad.check"
local compete = require "lamina.layers.compete"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local dense = require "lamina.layers.dense"
local models = require "lamina.model"
local train = require("lamina.train").train

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 13, purpose = purpose or "s21" }
end

describe("S21 competition of responses", function()
  it("leaves exactly k, the largest, also where values are equal", function()
    for k = 1, 7 do
      for _, x in ipairs { draw { 6, 7 }, core.zeros { 6, 7 }, core.ones { 6, 7 } } do
        local y = compete.k_winners(x, { k, binary = true })
        assert.same(core.full({ 6 }, k):totable(), y:sum({ 2 }):totable())
        local kept = compete.k_winners(x, { k })
        for i = 1, 6 do
          local least, most = math.huge, -math.huge
          for j = 1, 7 do
            if y[i][j] == 1 then
              least = math.min(least, x[i][j])
              assert.equal(x[i][j], kept[i][j])
            else
              most = math.max(most, x[i][j])
              assert.equal(0, kept[i][j])
            end
          end
          assert.is_true(least >= most)
        end
      end
    end
  end)

  it("is among channels at each place, or among all units", function()
    local x = draw { 2, 3, 4, 5 }
    local y = compete.winner(x, { binary = true })
    assert.equal(1, y:sum({ 2 }):min():item())
    assert.equal(1, y:sum({ 2 }):max():item())
    assert.is_true(((y * x):sum({ 2 }) - x:max({ 2 })):abs():max():item() == 0)
    local all = compete.k_winners(x, { 4, "all", binary = true })
    assert.same({ 4, 4 }, all:sum({ 2, 3, 4 }):totable())
    assert.same({ 2, 3, 4, 5 }, compete.winner(x, { "all" }).shape)
  end)

  it("shares by softmax", function()
    local x = draw { 3, 4, 2, 2 }
    local y = compete.softmax(x, { 2.5 })
    local total = 0
    for c = 1, 4 do total = total + math.exp(2.5 * x[3][c][1][2]) end
    for c = 1, 4 do assert.is_true(math.abs(math.exp(2.5 * x[3][c][1][2]) / total - y[3][c][1][2]) < 1e-6) end
    assert.is_true((compete.softmax(x, { 3, "all" }):sum { 2, 3, 4 } - 1):abs():max():item() < 1e-5)
  end)

  it("has gradients that follow the winners", function()
    local x = draw { 3, 6 }
    for _, f in ipairs { function(t) return compete.winner(t) end, function(t) return compete.k_winners(t, { 3 }) end,
      function(t) return compete.softmax(t, { 2 }) end } do
      assert.is_true(check.gradcheck(f, { x }).ok)
    end
  end)

  it("says what does not fit", function()
    local ok, err = pcall(net_of, { 4, 3, 3 }, compete.k_winners { 5 })
    assert.is_false(ok)
    assert.matches("compete.k_winners: k = 5 is more than the 4 units that compete (the channels of 4x3x3)",
      tostring(err), 1, true)
  end)
end)

describe("S21 competition of weights", function()
  local function held(w, ...)
    local net = net_of({ #w[1] }, dense { #w, bias = false })
    core.no_grad(function() net:parameters()[1].tensor:copy(core.tensor(w)) end)
    for _, c in ipairs { ... } do net:constrain("A", c) end
    return net, net:parameters()[1].tensor:detach()
  end

  it("keeps a sum by subtraction without going below 0, by the nearest such weights", function()
    local _, w = held({ { 0.5, 0.9, 0.1, 0 }, { 2, -1, 0.3, 0.2 } }, "non_negative", { "sum", 1 })
    -- (1.5 - 1) / 4 = 0.125 would bring 0.1 and 0 below 0; the others give (1.4 - 1) / 2 = 0.2 each
    local want = { { 0.3, 0.7, 0, 0 }, { 1, 0, 0, 0 } }
    for i = 1, 2 do
      for k = 1, 4 do assert.is_true(math.abs(want[i][k] - w[i][k]) < 1e-6) end
    end
    local net, many = held(draw({ 5, 40 }):totable(), "non_negative", { "sum", 2 })
    assert.is_true((many:to("float64"):sum { 2 } - 2):abs():max():item() <= 1e-6)
    assert.is_true(many:min():item() >= 0)
    assert.is_true(require("lamina.constraints").holds(net))
  end)

  it("keeps masked weights at 0", function()
    local mask = core.tensor { { 1, 0, 1, 1 } }
    local _, w = held({ { 0.5, 0.9, 0.1, 0.6 } }, "non_negative", { "mask", mask }, { "sum", 1 })
    for k, v in ipairs { 0.4333333, 0, 0.0333333, 0.5333333 } do assert.is_true(math.abs(v - w[1][k]) < 1e-6) end
  end)

  it("refuses a sum below 0 of weights that may not be", function()
    local ok, err = pcall(held, { { 1, 2 } }, "non_negative", { "sum", -1 })
    assert.is_false(ok)
    assert.matches("the sum has the other sign", tostring(err), 1, true)
  end)

  -- Two groups of 10 inputs: each shares a signal, and a weaker one is common to all.
  local function two_groups()
    local n = 400
    local own, common = draw({ n, 2, 1 }, "groups"), draw({ n, 1, 1 }, "common")
    local x = own * 0.7 + common * 0.4 + draw({ n, 2, 10 }, "noise") * 0.6
    return dataset.tensors { x:reshape { n, 20 } }
  end

  local function shares(constraints)
    local net = net_of({ 20 }, dense { 1, bias = false, init = function(shape)
      return (draw(shape, "first") * 0.1 + 1) / 20
    end })
    train { model = net, data = two_groups(), rule = { "hebb", rate = 0.02 }, constraints = constraints, epochs = 30,
      batch = 100, log = false }
    local w = net:parameters()[1].tensor:detach()
    assert.is_true(math.abs(w:sum():item() - 1) <= 1e-6)
    return w:reshape({ 2, 10 }):sum({ 2 }):totable()
  end

  it("is won by one of two groups when subtractive, and shared when multiplicative", function()
    local won = shares { { "non_negative" }, { "sum", 1 } }
    assert.is_true(math.max(won[1], won[2]) >= 0.9, table.concat(won, " "))
    local graded = shares { { "sum", 1, method = "scale" } }
    assert.is_true(math.max(graded[1], graded[2]) < 0.75, table.concat(graded, " "))
  end)

  it("scales all weights of a unit towards its target response", function()
    local x = draw({ 50, 4 }):abs()
    local function run(rule, epochs)
      local net = net_of({ 4 }, dense { 3, bias = false, init = function(shape)
        return draw(shape, "first"):abs() + 0.1
      end })
      local w = net:parameters()[1].tensor:detach():clone()
      train { model = net, data = dataset.tensors { x }, rule = rule, epochs = epochs, batch = 50, log = false }
      return w, net:parameters()[1].tensor:detach()
    end
    local w, after = run({ "scaling", rate = 0.01, target = 2 }, 1)
    local y = x:matmul(w:t()):mean { 1 }
    local want = w + 0.01 * w * (2 - y):reshape { 3, 1 }
    assert.is_true((want - after):abs():max():item() < 1e-6)
    w, after = run({ "scaling", rate = 0.1, target = 2 }, 200)
    assert.is_true((x:matmul(after:t()):mean { 1 } - 2):abs():max():item() < 1e-4)
    local factor = after / w
    assert.is_true((factor - factor:mean({ 2 }):reshape { 3, 1 }):abs():max():item() < 1e-4)
    w, after = run({ "scaling", rate = 0, hebb = 0.05 }, 1)
    local grown = w + 0.05 * x:matmul(w:t()):t():matmul(x) / 50
    assert.is_true((grown - after):abs():max():item() < 1e-5)
  end)
end)
