-- Options: types, defaults, ranges, and what a mistake is answered with.
local errors = require "lamina.errors"
local schema = require "lamina.schema"

local FIELDS = {
  positional = { "width", "height" },
  width = { type = "integer", required = true, min = 1, doc = "columns" },
  height = { type = "integer", min = 1 },
  rate = { type = "number", default = 0.5, above = 0, below = 1 },
  kernel = { type = "pair", default = 3, min = 1, max = 9 },
  pad = { type = { "pair", "string" }, default = 0, min = 0 },
  mode = { type = "choice", choices = { "same", "valid" }, default = "same" },
  kind = { type = "string", choices = "avg max" },
  bias = { type = "boolean", default = false },
  each = { type = "function" },
  x = { type = "tensor" },
  extra = { type = "any" },
}

local function message(spec, fields)
  local value, e = errors.try(schema.check, "word", spec, fields or FIELDS, { file = "s.lua", line = 2 })
  assert.is_nil(value)
  assert.equal("argument", e.kind)
  assert.equal("s.lua:2: ", tostring(e):match "^s%.lua:2: ")
  return e.message
end

describe("schema.check", function()
  it("fills in defaults and takes positional values", function()
    local o = schema.check("word", { 16, rate = 0.25 }, FIELDS)
    assert.same({ width = 16, rate = 0.25, kernel = 3, pad = 0, mode = "same", bias = false }, o)
    o = schema.check("word", { 4.0, 2, kernel = { 3, 5 }, pad = "same", kind = "max" }, FIELDS)
    assert.equal("integer", math.type(o.width))
    assert.equal(2, o.height)
    assert.same({ 3, 5 }, o.kernel)
    assert.equal("same", o.pad)
    assert.equal("max", o.kind)
  end)

  it("takes a lone value for the first positional option", function()
    assert.equal(7, schema.check("word", 7, FIELDS).width)
  end)

  it("takes functions, callable tables and tensors", function()
    local callable = setmetatable({}, { __call = function() end })
    local t = zeros { 2 }
    local o = schema.check("word", { 1, each = callable, x = t, extra = {} }, FIELDS)
    assert.equal(callable, o.each)
    assert.equal(t, o.x)
    assert.equal(print, schema.check("word", { 1, each = print }, FIELDS).each)
  end)

  it("leaves the given table and the fields alone", function()
    local given = { 3 }
    schema.check("word", given, FIELDS)
    assert.same({ 3 }, given)
  end)

  it("names an unknown option and the nearest", function()
    assert.equal("word: unknown option 'widht' (did you mean 'width'?)", message { widht = 3 })
    assert.equal("word: unknown option 'qqqqq' (there are a)", message({ qqqqq = 3 }, { a = { type = "any" } }))
    assert.equal("word: unknown option 'q' (it takes no options)", message({ q = 3 }, {}))
  end)

  it("names a wrong type or value and what was expected", function()
    local cases = {
      { { 0 }, "option 'width' is 0, expected a whole number of at least 1" },
      { { 1.5 }, "option 'width' is 1.5, expected a whole number of at least 1" },
      { { "3" }, "option 'width' is '3', expected a whole number of at least 1" },
      { { 1, rate = 1 }, "option 'rate' is 1, expected a number above 0 and below 1" },
      { { 1, rate = 0 }, "option 'rate' is 0, expected a number above 0 and below 1" },
      { { 1, rate = 0 / 0 }, "option 'rate' is nan, expected a number above 0 and below 1" },
      { { 1, kernel = { 1, 10 } },
        "option 'kernel' is { 1, 10 }, expected a whole number or two, { height, width } from 1 to 9" },
      { { 1, kernel = { 1, 2, 3 } },
        "option 'kernel' is { 1, 2, 3 }, expected a whole number or two, { height, width } from 1 to 9" },
      { { 1, mode = "sam" }, "option 'mode' is 'sam', expected one of 'same', 'valid' (did you mean 'same'?)" },
      { { 1, mode = 3 }, "option 'mode' is 3, expected one of 'same', 'valid'" },
      { { 1, kind = "min" }, "option 'kind' is 'min', expected one of 'avg', 'max'" },
      { { 1, bias = 1 }, "option 'bias' is 1, expected true or false" },
      { { 1, each = {} }, "option 'each' is a table, expected a function" },
      { { 1, x = { 1 } }, "option 'x' is { 1 }, expected a tensor" },
      { { 1, pad = true },
        "option 'pad' is true, expected a whole number or two, { height, width } of at least 0 or a string" },
    }
    for _, case in ipairs(cases) do assert.equal("word: " .. case[2], message(case[1])) end
  end)

  it("names what is missing, given twice, or too much", function()
    assert.equal("word: option 'width' is missing, expected a whole number of at least 1 (columns)", message {})
    assert.equal("word: option 'width' is given twice: by name and as value 1", message { 3, width = 4 })
    assert.equal("word: too many values without a name: at most 2 (width, height)", message { 1, 2, 3 })
    assert.equal("word: unexpected value [1]; its options are named: a", message({ 5 }, { a = { type = "any" } }))
    assert.equal("word: expected a table of options, got 'x'", message("x", { a = { type = "any" } }))
  end)

  it("does not take the list of positional names for an option", function()
    assert.matches("unknown option 'positional'", message { 1, positional = 2 })
  end)

  it("names the caller's line where no position is given", function()
    local expected = debug.getinfo(1, "l").currentline + 1
    local _, e = errors.try(function() schema.check("word", {}, FIELDS) end)
    assert.equal(expected, e.line)
  end)
end)
