-- What comes of two element types, and of a type and a Lua number: the whole table, with the values.
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"

local tensor = core.tensor

local RANK = { bool = 0, uint8 = 1, int64 = 2, float32 = 3, float64 = 4 }
local TYPES = { "bool", "uint8", "int64", "float32", "float64" }

local function larger(a, b) return RANK[a] >= RANK[b] and a or b end
local function is_float(dtype) return RANK[dtype] >= 3 end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err)
end

-- Two elements of each type, small enough that every result is exact in every type.
local VALUES = { bool = { true, false }, uint8 = { 6, 3 }, int64 = { -4, 3 }, float32 = { 2.5, -3 },
  float64 = { 0.25, 3 } }

local function number(x) return x == true and 1 or x == false and 0 or x end

local function made(dtype) return tensor(VALUES[dtype], { dtype = dtype }) end

-- The rule of help "dtypes", and the arithmetic of Lua.
local RULES = {
  add = { function(a, b) return a + b end, function(t) return t == "bool" and "int64" or t end },
  sub = { function(a, b) return a - b end, function(t) return t == "bool" and "int64" or t end },
  mul = { function(a, b) return a * b end, function(t) return t == "bool" and "int64" or t end },
  maximum = { math.max, function(t) return t end },
  minimum = { math.min, function(t) return t end },
  div = { function(a, b) return a / b end, function(t) return is_float(t) and t or "float32" end },
  pow = { function(a, b) return a ^ b end, function(t) return is_float(t) and t or "float32" end },
  eq = { function(a, b) return a == b end, function() return "bool" end },
  ne = { function(a, b) return a ~= b end, function() return "bool" end },
  lt = { function(a, b) return a < b end, function() return "bool" end },
  le = { function(a, b) return a <= b end, function() return "bool" end },
  gt = { function(a, b) return a > b end, function() return "bool" end },
  ge = { function(a, b) return a >= b end, function() return "bool" end },
  logical_and = { function(a, b) return a ~= 0 and b ~= 0 end, function() return "bool" end },
  logical_or = { function(a, b) return a ~= 0 or b ~= 0 end, function() return "bool" end },
}

-- A value as its type holds it.
local function held(x, dtype)
  if dtype == "bool" then return x == true or x ~= false and x ~= 0 end
  if type(x) == "boolean" then x = number(x) end
  if dtype == "uint8" then return math.tointeger(x) & 255 end
  if dtype == "int64" then return math.tointeger(x) end
  return dtype == "float32" and string.unpack("f", string.pack("f", x)) or x
end

local function close(a, b) return a == b or a ~= a and b ~= b or math.abs(a - b) <= 1e-6 * math.abs(b) end

describe("two types", function()
  for name, rule in pairs(RULES) do
    it("give what the table says: " .. name, function()
      for _, ta in ipairs(TYPES) do
        for _, tb in ipairs(TYPES) do
          local got, dtype = ops[name](made(ta), made(tb)), rule[2](larger(ta, tb))
          assert.equal(dtype, got.dtype, ta .. " " .. name .. " " .. tb)
          for i, value in ipairs(got:totable()) do
            local expected = held(rule[1](number(VALUES[ta][i]), number(VALUES[tb][i])), dtype)
            if type(expected) == "boolean" then assert.equal(expected, value)
            else assert.is_true(close(value, expected), string.format("%s %s %s: %s for %s", ta, name, tb, value,
              expected))
            end
          end
        end
      end
    end)
  end

  it("join in where, concat and stack", function()
    for _, ta in ipairs(TYPES) do
      for _, tb in ipairs(TYPES) do
        assert.equal(larger(ta, tb), ops.where(tensor { true, false }, made(ta), made(tb)).dtype)
      end
    end
  end)
end)

describe("a type and a number of Lua", function()
  it("give the type, unless it cannot hold the number", function()
    for _, case in ipairs { { "bool", 1, "int64" }, { "bool", 0.5, "float32" }, { "uint8", 1, "uint8" },
      { "uint8", 255, "uint8" }, { "uint8", 256, "int64" }, { "uint8", -1, "int64" }, { "uint8", 0.5, "float32" },
      { "int64", 3, "int64" }, { "int64", 3.0, "int64" }, { "int64", 0.5, "float32" }, { "float32", 3, "float32" },
      { "float32", 0.5, "float32" }, { "float64", 3, "float64" }, { "float64", 1e300, "float64" } } do
      local x = made(case[1])
      assert.equal(case[3], (x + case[2]).dtype, case[1] .. " + " .. case[2])
      assert.equal(case[3], (case[2] + x).dtype, case[2] .. " + " .. case[1])
    end
    assert.same({ "float32", "float32", "float64" },
      { (made "int64" / 2).dtype, (made "int64" ^ 2).dtype, (made "float64" / 2).dtype })
    assert.equal("bool", made("uint8"):gt(2.5).dtype)
    assert.same({ true, true }, made("uint8"):gt(2.5):totable())
  end)
end)

-- The bit operators, where the runtime has their ops, against Lua's own.
describe("bits", function()
  if not ops.doc "bitwise_and" then return end
  local a, b = { 12, -1, 7, math.mininteger }, { 10, 5, -8, 3 }
  local function both(f)
    local list = {}
    for i in ipairs(a) do list[i] = f(a[i], b[i]) end
    return list
  end

  it("of int64 are those of Lua", function()
    local x, y = tensor(a, { dtype = "int64" }), tensor(b, { dtype = "int64" })
    assert.same(both(function(u, v) return u & v end), (x & y):totable())
    assert.same(both(function(u, v) return u | v end), (x | y):totable())
    assert.same(both(function(u, v) return u ~ v end), (x ~ y):totable())
    assert.same(both(function(u) return ~u end), (~x):totable())
    assert.same({ 12 & 3, -1 & 3, 7 & 3, math.mininteger & 3 }, (x & 3):totable())
    assert.same({ 48, 24 }, (tensor({ 12, 6 }, { dtype = "int64" }) << 2):totable())
    assert.same({ 3, 1 }, (tensor({ 12, 6 }, { dtype = "int64" }) >> 2):totable())
  end)

  it("of bool are and, or, exclusive or, not", function()
    local x, y = tensor { true, true, false, false }, tensor { true, false, true, false }
    assert.same({ true, false, false, false }, (x & y):totable())
    assert.same({ true, true, true, false }, (x | y):totable())
    assert.same({ false, true, true, false }, (x ~ y):totable())
    assert.same({ false, false, true, true }, (~x):totable())
    local z = tensor { 1, 5, 3, 9 }
    assert.same({ 5, 3 }, z[z:gt(1) & z:lt(9)]:totable())
  end)

  it("of floats are refused", function()
    assert.matches("bitwise_and", message(function() return tensor { 1.5 } & tensor { 1 } end))
  end)

  it("leave // to the op that rounds down", function()
    if not ops.doc "floor_divide" then return end
    local x = tensor({ 7, -7 }, { dtype = "int64" })
    assert.same({ 7 // 2, -7 // 2 }, (x // 2):totable())
    assert.same({ 3, -4 }, (tensor { 7, -7 } // 2):totable())
  end)
end)

describe("integers", function()
  local most, least = math.maxinteger, math.mininteger

  it("wrap around at the ends of their type", function()
    local x = tensor({ most, least }, { dtype = "int64" })
    assert.same({ least, least + 1 }, (x + 1):totable())
    assert.same({ most - 1, most }, (x - 1):totable())
    assert.same({ -2, 0 }, (x * 2):totable())
    assert.same({ -most, least }, (-x):totable())
    assert.same({ 0, 4 }, (tensor({ 250, 254 }, { dtype = "uint8" }) + 6):totable())
    assert.same({ 251, 255 }, (tensor({ 1, 5 }, { dtype = "uint8" }) - tensor({ 6 }, { dtype = "uint8" })):totable())
    assert.equal(least, tensor({ most, 1 }, { dtype = "int64" }):sum():item())
  end)

  it("have a remainder with the sign of the divisor, 0 for the divisor 0", function()
    local a = tensor({ 7, -7, 7, -7, 5, least }, { dtype = "int64" })
    local b = tensor({ 3, 3, -3, -3, 0, -1 }, { dtype = "int64" })
    assert.same({ 7 % 3, -7 % 3, 7 % -3, -7 % -3, 0, 0 }, (a % b):totable())
  end)

  it("come from floats by cutting, at most the end of the range", function()
    local x = tensor({ 2.9, -2.9, 1e30, -1e30, 0 / 0, 300 }, { dtype = "float64" })
    assert.same({ 2, -2, most, least, 0, 300 }, x:to("int64"):totable())
    assert.same({ 2, 0, 255, 0, 0, 255 }, x:to("uint8"):totable())
    assert.same({ true, true, true, true, true, false },
      tensor({ 2, -2, 0.5, 0 / 0, math.huge, 0 }):to("bool"):totable())
    assert.same({ 255, 0 }, tensor({ 300, -1 }, { dtype = "int64" }):to("uint8"):totable())
    assert.equal("int64", tensor({ 1.5 }):to(tensor({ 1 }, { dtype = "int64" })).dtype)
  end)

  it("are summed as int64, and have no mean", function()
    for _, dtype in ipairs { "bool", "uint8", "int64" } do
      local x = core.ones { 300, dtype = dtype }
      assert.same({ "int64", 300 }, { x:sum().dtype, x:sum():item() })
      assert.equal("int64", x:prod().dtype)
      assert.equal(dtype, x:max().dtype)
      assert.matches("mean: x is " .. dtype .. " but must be float32 or float64", message(x.mean, x))
    end
  end)

  it("keep their type in place, where nothing is cut", function()
    local x = tensor({ 1, 2 }, { dtype = "uint8" })
    assert.same({ "uint8", 3 }, { x:add_(2).dtype, x[1] })
    assert.matches("add_: the result is float32, which would be cut to uint8", message(x.add_, x, 0.5))
    assert.equal("float32", tensor({ 1 }):add_(tensor({ 2 }, { dtype = "float64" })).dtype)
  end)
end)
