-- x[key] and x[key] = value against a naive reference: nested loops over Lua tables.
local core = require "lamina.core.tensor"

local arange, tensor, zeros = core.arange, core.tensor, core.zeros

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err)
end

local function ints(list) return tensor(list, { dtype = "int64" }) end
local function bools(list) return tensor(list, { dtype = "bool" }) end

-- What an entry of a key chooses along an axis of n: a list of positions, and whether the axis goes.
local function positions(entry, n)
  if type(entry) == "number" then return { entry < 0 and n + 1 + entry or entry }, true end
  if core.is_tensor(entry) then
    local list = {}
    for i, value in ipairs(entry:totable()) do
      if value == true then list[#list + 1] = i
      elseif value ~= false then list[#list + 1] = value < 0 and n + 1 + value or value
      end
    end
    return list
  end
  local first, last, step, list = entry[1] or 1, entry[2] or n, entry[3] or 1, {}
  for i = first < 0 and n + 1 + first or first, last < 0 and n + 1 + last or last, step do list[#list + 1] = i end
  return list
end

-- The part of nested tables that a key names; visit(place, ...) is called for every place, in row-major order.
local function part(shape, key)
  local lists, gone = {}, {}
  for axis, n in ipairs(shape) do lists[axis], gone[axis] = positions(key[axis] or {}, n) end
  local places = {}
  local function walk(axis, linear)
    if axis > #shape then places[#places + 1] = linear return end
    for _, i in ipairs(lists[axis]) do walk(axis + 1, linear * shape[axis] + i - 1) end
  end
  walk(1, 0)
  local result = {}
  for axis in ipairs(shape) do
    if not gone[axis] then result[#result + 1] = #lists[axis] end
  end
  return result, places
end

-- Draws from a generator of its own, so that the cases are the same on every run.
local state = 7
local function below(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end

local function random_entry(n)
  local kind = below(7)
  if kind == 1 then return below(n) end
  if kind == 2 then return -below(n) end
  if kind == 3 then return {} end
  if kind == 4 then
    local a, b = below(n), below(n)
    return { math.min(a, b), math.max(a, b), below(3) }
  end
  if kind == 5 then
    local a, b = below(n), below(n)
    return { math.max(a, b), math.min(a, b), -below(3) }
  end
  local list = {}
  if kind == 6 then
    for i = 1, below(5) do list[i] = below(2) == 1 and below(n) or -below(n) end
    return ints(list)
  end
  for i = 1, n do list[i] = below(2) == 1 end
  return bools(list)
end

local function random_case()
  local shape, key, count = {}, {}, 1
  for axis = 1, below(4) do
    shape[axis] = below(5)
    count = count * shape[axis]
  end
  for axis = 1, below(#shape) do key[axis] = random_entry(shape[axis]) end
  return shape, key, count
end

local function flat(t) return core.is_tensor(t) and t:reshape(-1):totable() or { t } end

describe("a part of a tensor", function()
  it("is what nested loops read", function()
    for _ = 1, 400 do
      local shape, key, count = random_case()
      local x = arange(0, count - 1):reshape(shape)
      if below(3) == 1 then x = x:transpose(1, -1):contiguous():transpose(1, -1) end -- other strides
      local expected, places = part(shape, key)
      local got = x[key]
      assert.same(expected, core.is_tensor(got) and got.shape or {})
      assert.same(places, flat(got))
    end
  end)

  it("is written where it is read", function()
    for _ = 1, 400 do
      local shape, key, count = random_case()
      local x, expected = arange(0, count - 1):reshape(shape), {}
      if below(3) == 1 then x = x:transpose(1, -1):contiguous():transpose(1, -1) end
      for i = 1, count do expected[i] = i - 1 end
      local part_shape, places = part(shape, key)
      local scalar = below(3) == 1
      for i, place in ipairs(places) do expected[place + 1] = scalar and -5 or -i end
      if scalar then x[key] = -5
      elseif #places > 0 then x[key] = arange(-1, -#places, -1):reshape(part_shape)
      end
      assert.same(expected, x:contiguous():reshape(-1):totable())
    end
  end)

  it("takes tensors of positions of any shape, and one without axes", function()
    local x = arange(1, 12):reshape(4, 3)
    assert.same({ { { 4, 5, 6 }, { 1, 2, 3 } }, { { 10, 11, 12 }, { 10, 11, 12 } } },
      x[ints { { 2, 1 }, { 4, -1 } }]:totable())
    assert.same({ 7, 8, 9 }, x[ints(3)]:totable())
    assert.same({ { 3, 1 }, { 6, 4 }, { 9, 7 }, { 12, 10 } }, x[{ {}, ints { 3, 1 } }]:totable())
    x[ints { { 2, 1 }, { 4, 3 } }] = arange(-1, -2, -1):reshape(2, 1, 1)
    assert.same({ { -1, -1, -1 }, { -1, -1, -1 }, { -2, -2, -2 }, { -2, -2, -2 } }, x:totable())
  end)

  it("takes conditions over several axes", function()
    local x = arange(1, 12):reshape(2, 3, 2)
    assert.same({ 8, 9, 10, 11, 12 }, x[x:gt(7)]:totable())
    assert.same({ { 1, 2 }, { 11, 12 } }, x[bools { { true, false, false }, { false, false, true } }]:totable())
    assert.same({ 1, 3, 2 }, x[bools { false, true }].shape)
    assert.same({ 0, 2 }, x[x:gt(99)]:reshape(0, 2).shape)
    x[x:gt(7)] = 0
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0 }, x:reshape(-1):totable())
    x[x:eq(0)] = arange(10, 50, 10)
    assert.same({ 7, 10, 20, 30, 40, 50 }, x[2]:reshape(-1):totable())
    x[x:lt(0)] = 5 -- nothing
    assert.equal(178, x:sum():item())
  end)

  it("writes the last of values whose place repeats, and its own parts", function()
    local x = zeros { 3 }
    x[ints { 2, 2, 1 }] = tensor { 5, 6, 7 }
    assert.same({ 7, 6, 0 }, x:totable())
    local y = arange(1, 4)
    y[{ { 2, 4 } }] = y[{ { 1, 3 } }]
    assert.same({ 1, 1, 2, 3 }, y:totable())
    y[ints { 4, 3, 2, 1 }] = y
    assert.same({ 3, 2, 1, 1 }, y:totable())
  end)

  it("lets gradients through, added where positions repeat", function()
    local w = tensor({ { 1, 2 }, { 3, 4 }, { 5, 6 } }):requires_grad(true)
    local loss = (w[ints { 1, 1, 3 }] * tensor { { 1, 10 } }):sum() + w[w:gt(4)]:square():sum()
      + w[{ { 3, 1, -2 }, 2 }]:sum()
    loss:backward()
    assert.same({ { 2, 21 }, { 0, 0 }, { 1 + 10, 10 + 12 + 1 } }, w.grad:totable())
  end)

  it("says what a key must be", function()
    local x = zeros { 2, 3 }
    for pattern, key in pairs {
      ["index is 3 but must be from 1 to 2"] = 3, ["index is 0 but"] = 0,
      ["index must be an integer, not the number 1.5"] = 1.5,
      ["1 to 4 is outside axis 2, which has positions 1 to 3"] = { {}, { 1, 4 } },
      ["the entry for axis 1 is nil"] = { nil, 2 },
      ["the entry for axis 2 must be an integer, not true"] = { 1, true },
      ["a range is {first, last} or {first, last, step}, not 1 number;"] = { { 1 } },
      ["the step of a range must not be 0"] = { { 1, 2, 0 } }, ["positions count from 1"] = { { 0, 1 } },
      ["position 2 of the index tensor is 3, but axis 1 has positions 1 to 2"] = ints { 1, 3 },
      ["holds positions (int64) or a condition (bool), not float32"] = zeros { 2 },
      ["a condition of the shape 3 does not fit a tensor of the shape 2x3"] = bools { true, true, false },
      ["3 entries for a tensor with 2 axes"] = { 1, 1, 1 }, ["a key has no name 'rows'"] = { 1, rows = 2 },
    } do
      for _, f in ipairs { function() return x[key] end, function() x[key] = 1 end } do
        local text = message(f)
        assert.truthy(text:find(pattern, 1, true), text)
      end
    end
    assert.matches("a scalar has no axis to index", message(function() return zeros({})[1] end))
    assert.matches("a value of the shape 2 does not fit into the shape 3", message(function() x[1] = zeros { 2 } end))
    assert.matches("the value must be a number, not nil", message(function() x[1] = nil end))
    assert.matches("does not fit into the shape 6", message(function() x[x:eq(0)] = zeros { 2 } end))
  end)
end)

describe("going through a tensor", function()
  it("gives positions and items, with ipairs and with pairs", function()
    for _, each in ipairs { ipairs, pairs } do
      local seen = {}
      for i, row in each(arange(1, 6):reshape(3, 2)) do seen[i] = row:totable() end
      assert.same({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, seen)
      for i, x in each(arange(4, 6)) do seen[i] = x end
      assert.same({ 4, 5, 6 }, seen)
      for _ in each(zeros { 0, 3 }) do error "an empty tensor has an item" end
      assert.matches("a scalar has no items", message(each, zeros {}))
    end
  end)
end)

describe("a shape", function()
  it("is a list that knows its end, its equal and its text", function()
    local shape = zeros({ 4, 2, 3 }).shape
    assert.same({ 4, 2, 3, 3 }, { shape[1], shape[2], shape[3], shape[-1] })
    assert.equal("{ 4, 2, 3 }", tostring(shape))
    assert.equal("{}", tostring(zeros({}).shape))
    assert.is_true(shape == zeros({ 4, 2, 3 }).shape)
    assert.is_false(shape == zeros({ 4, 2 }).shape)
    assert.equal(3, #shape)
    assert.matches("axes count from 1", message(function() return shape[0] end))
    assert.matches("there is no axis %-4; the tensor has 3", message(function() return shape[-4] end))
    assert.matches("without a field 'x'", message(function() return shape.x end))
  end)
end)

describe("writing at places", function()
  -- The same with a loop: entries of x at index along the first axis.
  local function reference(x, index, y, add)
    local rows = x:totable()
    for i, at in ipairs(index) do
      for j, value in ipairs(y[i]) do rows[at][j] = (add and rows[at][j] or 0) + value end
    end
    return rows
  end

  it("copies and adds entries", function()
    local index, y = { 3, 1, 3 }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    for _, dtype in ipairs { "float32", "float64", "int64", "uint8" } do
      local x = function() return tensor({ { 9, 8 }, { 7, 6 }, { 5, 4 } }, { dtype = dtype }) end
      local values = tensor(y, { dtype = dtype })
      assert.same(reference(x(), index, y, true), x():index_add_(ints(index), values):totable())
      assert.same(reference(x(), index, y), x():index_copy_(ints(index), values, 1):totable())
      local wide = ints(index):unsqueeze(2):expand { 3, 2 }
      assert.same(reference(x(), index, y, true), x():scatter_add_(wide, values):totable())
      assert.same(reference(x(), index, y), x():scatter_(wide, values, 1):totable())
    end
    local cell = zeros({ 2, 2 }):scatter_add_(ints { { 2 }, { 1 } }, 7, 2)
    assert.same({ { 0, 7 }, { 7, 0 } }, cell:totable())
    assert.equal("-0.0", tostring(zeros({ 1 }):index_copy_(ints { 1 }, -0.0)[1]))
  end)

  it("checks its places and its value", function()
    local x = zeros { 2, 3 }
    assert.matches("index_add_: dim is 3 but must be", message(x.index_add_, x, ints { 1 }, 1, 3))
    assert.matches("index 4 at position 1 is outside 1 to 3", message(x.index_add_, x, ints { 4 }, 1, 2))
    assert.matches("index is float32 but must be int64", message(x.scatter_add_, x, zeros { 2, 3 }, 1))
    assert.matches("index is 3, which does not fit into 2x3", message(x.scatter_add_, x, ints { 1, 2, 1 }, 1))
    assert.matches("index must have one axis", message(x.index_copy_, x, ints { { 1 } }, 1))
    local whole = ints { 1 }
    assert.matches("would be cut to int64", message(whole.index_add_, whole, ints { 1 }, tensor { 0.5 }))
    assert.matches("mask is float32 but must be bool", message(x.masked_fill_, x, zeros { 3 }, 1))
    assert.same({ { 0, 5, 0 }, { 0, 5, 0 } }, x:masked_fill_(bools { false, true, false }, 5):totable())
  end)

  it("exists in place for the elementwise ops, but not for conditions", function()
    local x = tensor { -1, 4 }
    assert.same({ 1, 2 }, x:abs_():sqrt_():totable())
    assert.same({ 0, 0 }, x:zero():totable())
    assert.matches("no field or method 'gt_'", message(function() return x.gt_ end))
    local w = tensor({ 1 }):requires_grad(true)
    assert.matches("exp_: this tensor takes part in gradients", message(w.exp_, w))
    local wide = zeros({ 1 }):expand { 3 }
    assert.matches("an expanded tensor shares its elements", message(wide.index_add_, wide, ints { 1 }, 1))
    assert.matches("zero: an expanded tensor shares its elements", message(wide.zero, wide))
  end)
end)
