-- Tensors made in Lua: from tables, in the shape of others, from draws.
local core = require "lamina.core.tensor"

local tensor, zeros, ones, full, eye = core.tensor, core.zeros, core.ones, core.full, core.eye

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err)
end

local function says(pattern, f, ...)
  local text = message(f, ...)
  assert.truthy(text:find(pattern, 1, true), text)
end

describe("the makers of tensors", function()
  it("take one table, their options in it", function()
    assert.same({ { 1, 0 }, { 0, 1 } }, eye { 2 }:totable())
    assert.same({ { 1, 0, 0 }, { 0, 1, 0 } }, eye { 2, 3, dtype = "int64" }:totable())
    assert.same({ 1, 2, 3 }, core.arange { 1, 3 }:totable())
    assert.equal("float64", core.arange { 0, 1, 0.5, dtype = "float64" }.dtype)
    assert.same({ 0, 0.5, 1 }, core.linspace { 0, 1, 3 }:totable())
    assert.same({ 1, 10, 100 }, core.logspace { 0, 2, 3, dtype = "float64" }:totable())
    assert.same({ 2, 3 }, core.randint { 1, 4, { 2, 3 } }.shape)
    assert.same({ 5 }, core.permutation { 5 }.shape)
    assert.equal("float32", core.bernoulli { 0.5, { 3 }, dtype = "float32" }.dtype)
    assert.same({ 4 }, core.choice { 2, 4, replace = true }.shape)
    says("arange: unknown option 'step' (there are: dtype)", core.arange, { 1, 3, step = 2 })
    says("randint: unknown option 'low' (it takes none)", core.randint, { 3, low = 0 })
    says("eye: the number of rows must be an integer, not nil", core.eye, {})
    says("full: the value is missing, as in full({ 2, 3 }, 0.5)", full, { 2, 2, value = 5 })
  end)

  it("take finite ends, however far apart", function()
    for _, name in ipairs { "linspace", "logspace" } do
      says(name .. ": first is nan but must be a finite number", core[name], 0 / 0, 1, 3)
      says(name .. ": last is inf but must be a finite number", core[name], 0, 1 / 0, 3)
      says(name .. ": first is -inf but must be a finite number", core[name], -1 / 0, 0, 1)
    end
    local wide = core.linspace(-1.6e308, 1.6e308, 5, { dtype = "float64" })
    assert.same({ -1.6e308, -0.8e308, 0, 0.8e308, 1.6e308 }, wide:totable())
    assert.same({ 1, 1 / 0 }, core.logspace(0, 400, 2):totable())
  end)
end)

describe("a tensor from a table", function()
  it("has the table's shape, at any depth", function()
    local nested, shape = 7, {}
    for depth = 1, 8 do
      nested, shape[depth] = { nested }, 1
      assert.same(shape, tensor(nested).shape)
      assert.same(nested, tensor(nested):totable())
    end
    says("nested more than 8 deep", tensor, { nested })
    assert.same({ 2, 1, 3 }, tensor({ { { 1, 2, 3 } }, { { 4, 5, 6 } } }).shape)
    assert.same({ { 0 }, { 2, 0 }, {} }, { tensor({}).shape, tensor({ {}, {} }).shape, tensor(3).shape })
  end)

  it("is float32 from numbers and bool from booleans", function()
    assert.equal("float32", tensor({ 1, 2 }).dtype)
    assert.equal("float32", tensor({ 1, 2.5 }).dtype)
    assert.equal("bool", tensor({ { true }, { false } }).dtype)
    assert.equal("bool", tensor(true).dtype)
    assert.same({ 1, 0 }, tensor({ true, false }, { dtype = "int64" }):totable())
    assert.equal("float64", tensor({ 1, dtype = "float64" }).dtype)
    says("entry {2} is 16777217, which float32 does not hold exactly", tensor, { 1, 16777217 })
    assert.same({ 16777216, 16777220 }, tensor({ 16777216, 16777220 }):totable())
    assert.same({ 16777216 }, tensor({ 16777217.0 }):totable()) -- a float rounds, as everywhere
    assert.same({ math.maxinteger }, tensor({ math.maxinteger }, { dtype = "int64" }):totable())
  end)

  it("names the entry that is wrong", function()
    says("entry {2} has 1 element where the first of its kind has 2", tensor, { { 1, 2 }, { 3 } })
    says("the table is ragged: entry {2} is a number where the first entry of its kind is a table of 1", tensor,
      { { 1 }, 2 })
    says("the table is ragged: entry {2, 1} is a table where the first entry of its kind is a number", tensor,
      { { 1 }, { { 2 } } })
    says("entry {2, 1, 2} is a string where a number should be", tensor, { { { 1, 2 } }, { { 3, "4" } } })
    says("entry {2} is nil where a number should be", tensor, { 1, nil, 3 })
    says("mixes booleans and numbers", tensor, { 1, true })
    says("entry {1} is a tensor where a number should be (ops.stack", tensor, { zeros { 2 } })
    says("a table of numbers has no name 'x'", tensor, { { 1, x = 2 } })
    says("this is a tensor already (x:clone() copies)", tensor, zeros { 1 })
    says("the numbers stand in a table: tensor { 1, 2 }, not tensor(1, 2)", tensor, 1, 2)
    says("the dtype stands in a table, as in { dtype = \"int64\" }", tensor, { 1 }, "int64")
  end)
end)

describe("a tensor like another", function()
  it("takes its shape and its dtype", function()
    local x = tensor({ { 1, 2, 3 } }, { dtype = "int64" })
    for name, value in pairs { zeros_like = 0, ones_like = 1 } do
      assert.same({ { value, value, value } }, core[name](x):totable())
      assert.equal("int64", core[name](x).dtype)
      assert.equal("float64", core[name](x, { dtype = "float64" }).dtype)
    end
    assert.same({ { 7, 7, 7 } }, core.full_like(x, 7):totable())
    assert.equal("float32", core.randn_like(x).dtype)
    assert.equal("float64", core.rand_like(zeros { 2, dtype = "float64" }).dtype)
    assert.same({ 1, 3 }, core.rand_like(x).shape)
    says("zeros_like: x must be a tensor, not the number 3", core.zeros_like, 3)
    says("ones_like: unknown option 'dtyp' (did you mean 'dtype'?)", core.ones_like, x, { dtyp = 1 })
  end)

  it("of one value may be boolean, or an integer of 64 bits", function()
    assert.equal("bool", full({ 2 }, true).dtype)
    assert.same({ math.maxinteger }, full({ 1 }, math.maxinteger, { dtype = "int64" }):totable())
    assert.same({ { 1, 0, 0 }, { 0, 1, 0 } }, eye(2, 3):totable())
    assert.same({ { 1, 0 }, { 0, 1 } }, eye(2):totable())
    assert.same({ 0, 3 }, eye(0, 3).shape)
    says("full: the value must be a number, not the string 'x'", full, { 2 }, "x")
  end)
end)

describe("draws", function()
  it("of bernoulli have the chance they were given", function()
    local x = core.bernoulli(0.3, { 40000 })
    assert.equal("bool", x.dtype)
    assert.is_true(math.abs(x:sum():item() - 12000) < 5 * math.sqrt(40000 * 0.3 * 0.7)) -- five standard deviations
    assert.same({ true, false }, core.bernoulli(tensor { 1, 0 }):totable())
    assert.equal("float32", core.bernoulli(0.5, 3, { dtype = "float32" }).dtype)
    says("bernoulli: the chance 1.5 is not from 0 to 1", core.bernoulli, 1.5, { 2 })
    says("bernoulli: the chance", core.bernoulli, tensor { 0 / 0 })
  end)

  it("of choice take every item at most once", function()
    for n = 0, 6 do
      local list = core.choice(n, n):totable()
      table.sort(list)
      for i = 1, n do assert.equal(i, list[i]) end
    end
    local x = tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    for _, row in ipairs(core.choice(x, 2)) do assert.equal(1, row[2] - row[1]) end
    says("choice: 4 of 3 items cannot be taken (replace = true takes an item again)", core.choice, 3, 4)
    says("choice: there is no item to choose from", core.choice, 0, 1, { replace = true })
    assert.equal(50, core.choice(3, 50, { replace = true }):count())
  end)

  it("of choice follow the weights", function()
    local n = 30000
    local x = core.choice(3, n, { replace = true, weights = { 1, 0, 3 } })
    local first = x:eq(1):sum():item()
    assert.equal(0, x:eq(2):sum():item())
    assert.is_true(math.abs(first - n / 4) < 5 * math.sqrt(n * 0.25 * 0.75))
    -- without replacement: the first of two is item 1 with 1/2, or item 2 or 3 with 1/4 each
    local firsts = 0
    for _ = 1, 2000 do
      local pair = core.choice(3, 2, { weights = tensor { 2, 1, 1 } }):totable()
      assert.are_not.equal(pair[1], pair[2])
      if pair[1] == 1 then firsts = firsts + 1 end
    end
    assert.is_true(math.abs(firsts - 1000) < 5 * math.sqrt(500))
    says("choice: 2 of 1 items with a weight above 0 cannot be taken", core.choice, 3, 2, { weights = { 1, 0, 0 } })
    says("choice: all weights are 0", core.choice, 2, 1, { weights = { 0, 0 } })
    says("choice: weight 2 is -1 but must be a finite number", core.choice, 2, 1, { weights = { 1, -1 } })
    says("choice: weights must be a list or tensor of 3 numbers", core.choice, 3, 1, { weights = { 1 } })
  end)

  it("are the same again after the same seed, whatever else was drawn", function()
    local old = core.seed()
    local function drawn(before)
      core.seed(11)
      before()
      return core.choice(10, 10):digest() .. core.bernoulli(0.5, 64):digest()
    end
    assert.equal(drawn(function() end), drawn(function() core.randn { 3 } core.permutation(4) end))
    core.seed(old)
  end)

  it("with a seed of their own depend on that alone", function()
    local old = core.seed()
    core.seed(3)
    local before = core.draws()
    local normal, uniform = core.randn { 4, seed = 7 }, core.rand({ 4 }, { seed = 7 })
    assert.same(before, core.draws()) -- the script's draws go on as they would have
    core.seed(9)
    core.randn { 2 }
    assert.equal(normal:digest(), core.randn({ 4 }, { seed = 7 }):digest())
    assert.equal(uniform:digest(), core.rand { 4, seed = 7 }:digest())
    assert.are_not.equal(normal:digest(), core.randn { 4, seed = 8 }:digest())
    core.seed(7)
    assert.are_not.equal(normal:digest(), core.randn { 4 }:digest())
    says("randn: seed must be an integer, not the string 'x'", core.randn, { 4, seed = "x" })
    says("zeros: unknown option 'seed'", core.zeros, { 4, seed = 1 })
    core.seed(old)
  end)

  it("count on when a list of counts is set, an older one of four too", function()
    local old = core.seed()
    core.seed(3)
    local first = core.bernoulli(0.5, 64):digest()
    core.draws { 0, 0, 0, 0 }
    assert.equal(first, core.bernoulli(0.5, 64):digest())
    assert.same({ 0, 0, 0, 0, 1, 0 }, core.draws())
    core.seed(old)
  end)

  it("refuse a dtype that holds no fraction", function()
    says("randn: a random draw gives float32 or float64, not int64", core.randn, { 2, dtype = "int64" })
    says("rand: a random draw gives float32 or float64, not bool", core.rand, { 2, dtype = "bool" })
    assert.same({ 1, 1 }, ones({ 2 }):totable())
  end)
end)
