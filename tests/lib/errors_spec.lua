-- Error values, positions, try, the nearest name.
local command = require "support.command"
local errors = require "lamina.errors"

local function line() return debug.getinfo(2, "l").currentline end

describe("an error value", function()
  it("holds kind, message and the position of its raiser's caller", function()
    local function fails() errors.raise("shape", 2, "%s is %d", "size", 3) end
    local expected = line() + 1
    local value, e = errors.try(function() fails() end)
    assert.is_nil(value)
    assert.truthy(errors.is_error(e))
    assert.equal("shape", e.kind)
    assert.equal("size is 3", e.message)
    assert.equal(expected, e.line)
    assert.matches("errors_spec%.lua$", e.file)
    assert.equal(e.file .. ":" .. e.line .. ": size is 3", tostring(e))
  end)

  it("takes a position, and notes", function()
    local _, e = errors.try(errors.raise_with, { "  note one", "  note two" }, "io", { file = "a.lua", line = 4 },
      "100%% wrong")
    assert.equal("a.lua:4: 100%% wrong\n  note one\n  note two", tostring(e))
    assert.equal("a.lua:4", e.position)
    _, e = errors.try(errors.raise, "io", { file = "a.lua", line = 4 }, "%d %%", 7)
    assert.equal("a.lua:4: 7 %", tostring(e))
    _, e = errors.try(errors.raise_at, nil, "usage", "no place")
    assert.equal("no place", tostring(e))
    assert.is_nil(e.position)
  end)

  it("passes over lines of the library to the user's own", function()
    local expected = line() + 1
    local _, e = errors.try(function() require("lamina.schema").check("word", { x = 1 }, {}) end)
    assert.equal(expected, e.line)
    assert.matches("errors_spec%.lua$", e.file)
  end)

  it("comes from the runtime in the same form", function()
    local expected = line() + 1
    local _, e = errors.try(function() zeros({ 2, 3 }):reshape(7) end)
    assert.truthy(errors.is_error(e))
    assert.equal("shape", e.kind)
    assert.equal(expected, e.line)
    assert.matches("^reshape: ", e.message)
  end)
end)

describe("try", function()
  it("returns what the function returns", function()
    assert.same({ 1, nil, 3, n = 3 }, table.pack(errors.try(function(...) return ... end, 1, nil, 3)))
    assert.equal(0, select("#", errors.try(function() end)))
  end)

  it("takes Lua's own messages apart", function()
    local expected = line() + 1
    local _, e = errors.try(function() local t = nil; return t.x end)
    assert.equal(expected, e.line)
    assert.equal("attempt to index a nil value (local 't')", e.message)
    assert.equal("script", e.kind)
    _, e = errors.try(string.rep)
    assert.matches("bad argument #1", e.message)
    _, e = errors.try(error, { 1 })
    assert.matches("whose value is { 1 }$", e.message)
    _, e = errors.try(error)
    assert.matches("whose value is nil$", e.message)
  end)

  it("lets Ctrl-C through", function()
    local ok, e = pcall(errors.try, function() errors.raise("interrupt", 1, "interrupted") end)
    assert.falsy(ok)
    assert.equal("interrupt", e.kind)
  end)

  it("is a word", function()
    assert.equal("nil\tname\tundefined name 'nothing_like_it'\n",
      command.code("local v, e = try(function() return nothing_like_it end) print(v, e.kind, e.message)").out)
  end)
end)

describe("the text of an error", function()
  it("has a traceback for mistakes of the library only", function()
    local e = errors.from("lib/errors.lua:3: attempt to call a nil value", "stack traceback:\n\tsomewhere")
    assert.equal("internal", e.kind)
    local text, code = errors.describe(e, false, "lamina: ")
    assert.equal(1, code)
    assert.matches("mistake in Lamina itself", text)
    assert.matches("stack traceback", text)
    text = errors.describe(errors.from("own.lua:3: attempt to call a nil value", "stack traceback:\n\tx"), false, "")
    assert.equal("own.lua:3: attempt to call a nil value", text)
  end)

  it("tells the exit code", function()
    local function code_of(kind)
      return (select(2, errors.describe(errors.new { kind = kind, message = "" }, false, "")))
    end
    assert.same({ 2, 130, 1, 1 }, { code_of "usage", code_of "interrupt", code_of "io", code_of "syntax" })
  end)
end)

describe("the nearest name", function()
  it("is within a third of the letters", function()
    local names = { "stride", "kernel", "pad", "bias", "dilation" }
    assert.equal("stride", errors.nearest("strid", names))
    assert.equal("stride", errors.nearest("srtide", names))
    assert.equal("kernel", errors.nearest("Kernl", names))
    assert.equal("pad", errors.nearest("pdd", names))
    assert.equal("dilation", errors.nearest("dillatoin", names))
    assert.is_nil(errors.nearest("width", names))
    assert.is_nil(errors.nearest("x", { "yz" }))
    assert.is_nil(errors.nearest("name", {}))
  end)
end)
