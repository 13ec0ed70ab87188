-- SYSTEMS S34: the learning curve as a word, its power law against one that was made, parameter counts.
local core = require "lamina.core.tensor"

local function near(expected, actual, tolerance)
  assert.is_true(math.abs(expected - actual) <= (tolerance or 1e-12), tostring(actual))
end

local function refuses(f, text)
  local ok, err = pcall(f)
  assert.is_false(ok)
  assert.matches(text, tostring(err), 1, true)
end

local x = core.draw { kind = "normal", shape = { 400, 8 }, seed = 34, purpose = "x" }
local y = x:matmul(core.draw { kind = "normal", shape = { 8, 3 }, seed = 34, purpose = "teacher" }):argmax(2)
local all = data.tensors { x, y }
local training, test = all:take(300), all:take(100, 301)

local function make(seed) return model "small" { seed = seed, input { 8 }, readout "class" { dense { 3 } } } end

describe("S34 learning_curve", function()
  it("trains as train does on the first items of one order, and falls", function()
    local curve = learning_curve { make = make, data = training, test = test, sizes = { 10, 40, 300 }, repeats = 2,
      updates = 60, batch = 32, seed = 5, log = false, optimizer = function() return sgd { rate = 0.5 } end }
    local net = make(6)
    train { model = net, data = training:shuffle(6):take(40), batch = 32, epochs = 30, seed = 6, log = false,
      optimizer = sgd { rate = 0.5 } }
    near(evaluate { model = net, data = test }.error, curve[2].values[2])
    near((curve[2].values[1] + curve[2].values[2]) / 2, curve[2].mean)
    near(math.abs(curve[2].values[1] - curve[2].values[2]) / math.sqrt(2), curve[2].sd)
    assert.is_true(curve[3].mean < curve[1].mean)
    assert.same({ 60, 60, 60 }, { curve[1].updates, curve[2].updates, curve[3].updates })
    assert.equal(27, curve[1].parameters)
    local more = learning_curve { make = make, data = training, test = test, sizes = { 300 }, epochs = 9,
      updates = 60, batch = 32, log = false }
    assert.equal(90, more[1].updates)
    assert.matches("n     40: error ", tostring(curve), 1, true)
    assert.same("error_at_300", curve:results()[3].metric)
    assert.is_function(curve:plot().save)
    local again = learning_curve { make = make, data = training, test = test, sizes = { 10 }, repeats = 2,
      updates = 60, batch = 32, seed = 5, log = false, optimizer = function() return sgd { rate = 0.5 } end }
    assert.same(curve[1].values, again[1].values)
  end)

  it("finds the power law that is there, and no other", function()
    local seen = {}
    local curve = learning_curve { make = function(_, n) return n end, data = training, test = test, log = false,
      sizes = { 25, 50, 100, 200, 300 }, fit = function(n, set, seed) seen[#seen + 1] = { n, #set, seed } end,
      score = function(n) return n < 300 and 2 * n ^ -0.4 or 0.5 end, seed = 7 }
    local law = curve:power_law { to = 200 }
    near(0.4, law.exponent)
    near(2, law.factor, 1e-9)
    near(1, law.r2)
    assert.equal(4, law.n)
    assert.is_true(curve:power_law().r2 < 0.9)
    assert.same({ 50, 50, 7 }, seen[2])
    refuses(function() curve:power_law { from = 250 } end, "1 of the sizes lie in the range")
    refuses(function() curve:power_law { form = 250 } end, "did you mean 'from'")
  end)

  it("says what is wrong", function()
    local function with(o)
      local spec = { make = make, data = training, test = test, sizes = { 10 }, log = false }
      for name, value in pairs(o) do spec[name] = value end
      return function() learning_curve(spec) end
    end
    refuses(with { sizes = { 10, 500 } }, "sizes[2] is 500, expected a whole number from 1 to the 300 items")
    refuses(with { sizes = {} }, "sizes is empty")
    refuses(with { test = 3 }, "test is a number, expected a data set")
    refuses(with { score = "r" }, "expected 'error', 'loss' or a function")
    refuses(with { score = function() return "high" end, updates = 1 }, "score gave a string at n = 10")
    refuses(with { make = function() return 3 end }, "make: model is a number")
  end)

  it("has networks of the sizes that the script names", function()
    local function count(...)
      return model "m" { input { 1, 28, 28 }, ... }:count()
    end
    local digit = readout "d" { dense { 10 } }
    assert.equal(1000, count(area "V1" { conv { 11, kernel = 7 }, relu, pool.max { 11 } }, digit))
    assert.equal(61225, count(area "h" { dense { 77 }, relu }, digit))
    assert.equal(61706, count(area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
      area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
      area "IT" { dense { 120 }, relu, dense { 84 }, relu }, digit))
  end)
end)
