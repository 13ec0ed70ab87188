-- Memory: garbage tensors, Lua running out of its own memory anywhere, errors where nobody can catch them.
local base = require "lamina.core.base"
local command = require "support.command"
local core = require "lamina.core.tensor"

local MB = 1 << 20

-- What f uses at most beyond what is live before it, in bytes.
local function most(f)
  collectgarbage()
  base.trim()
  base.reset_peak()
  local before = base.memory().live
  f()
  return base.memory().peak - before
end

describe("garbage tensors", function()
  local function garbage(live, size, total)
    local kept = core.zeros { math.max(live // 4, 1) }
    for _ = 1, total // size do core.zeros { size // 4 } end
    return kept
  end

  it("stay within twice what is live, of which the command itself counts 4 MB", function()
    local cases = { { 0, MB // 256 }, { 0, MB // 16 }, { 0, MB }, { 2 * MB, MB // 16 }, { 10 * MB, MB // 4 },
      { MB, 8 * MB }, { 100 * MB, MB }, { 100 * MB, 30 * MB } }
    for _, case in ipairs(cases) do
      local live, size = table.unpack(case)
      local used = most(function() garbage(live, size, 300 * MB) end)
      -- live are also the piece that is being made and the one before it; the allocator rounds sizes up, and a tensor
      -- takes about 300 bytes besides its numbers
      local in_use = live + 2 * size
      local bound = (in_use + math.max(in_use, 4 * MB) + size) * (1.03 + 300 / size)
      assert.is_true(used <= bound, string.format("%d live, in pieces of %d: %d", live, size, used))
    end
  end)

  it("do so in a coroutine, in a finalizer's company, and from ops", function()
    local used = most(function()
      local co = coroutine.wrap(function()
        for _ = 1, 10 do
          garbage(MB, MB, 30 * MB)
          setmetatable({}, { __gc = function() core.ones { 1000 }:exp() end })
          coroutine.yield()
        end
      end)
      for _ = 1, 10 do co() end
    end)
    assert.is_true(used <= 8 * MB, used)
    local x = core.zeros { MB }
    used = most(function() for _ = 1, 100 do x:add(1):mul(2) end end)
    assert.is_true(used <= 24 * MB, used)
  end)
end)

describe("Lua's own memory", function()
  -- How the command ends with so many bytes for Lua; it must end by itself, with a message where it fails.
  local function run(bytes, script, o)
    local arguments = { "--threads", "1", "--lua-memory", tostring(bytes) }
    local prompt = o and o.prompt
    for _, word in ipairs(prompt and { "-i", "-e", "" } or { "-e", script }) do arguments[#arguments + 1] = word end
    local result = command.run(arguments, { input = prompt and script or "" })
    assert.is_true(result.code == 0 or result.code == 1, string.format("%d bytes: code %s\n%s", bytes, result.code,
      result.err))
    if result.code == 1 then assert.matches("^lamina: .*memory", result.err) end
    return result
  end

  it("may end anywhere while the command starts", function()
    local started
    for i = 0, 45 do
      local bytes = 2000 * 11 ^ (i / 20) // 1 | 0 -- 2 kB to 440 kB, each 12.7 % more
      local result = run(bytes, "print(zeros { 2 }:sum():item())")
      if started then assert.equal(0, result.code, result.err) end -- more is never worse
      if result.code == 0 then
        assert.equal("0.0\n", result.out)
        started = started or bytes
      end
    end
    assert.truthy(started)
  end)

  it("may end while a script runs, and the script may go on", function()
    local result = run(2 * MB, "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end")
    assert.equal(1, result.code)
    assert.equal("lamina: not enough memory\n  that is Lua's own memory, of tables and strings; --lua-memory SIZE "
      .. "sets its limit, as in --lua-memory 8G\n", result.err)
    result = run(2 * MB, "print(select(2, try(function() return ('x'):rep(10 << 20) end)).kind) print 'on'")
    assert.equal("memory\non\n", result.out)
  end)

  -- Fills what there is and keeps it, so that whatever follows has next to nothing.
  local FULL = "local kept = {} pcall(function() while true do kept[#kept + 1] = ('x'):rep(20) .. #kept end end) "
    .. "for _ = 1, %d do kept[#kept] = nil end "

  it("may end while an error is handled", function()
    for spare = 0, 400, 40 do
      local result = command.run({ "--lua-memory", "1M", "-e", FULL:format(spare) .. "error 'boom'" })
      assert.equal(1, result.code, result.err)
      assert.matches("^lamina: ", result.err)
      result = command.run({ "--lua-memory", "1M", "-e", FULL:format(spare) .. "zeros { -1 }" })
      assert.equal(1, result.code, result.err)
      result = command.run({ "--lua-memory", "1M", "-e", FULL:format(spare)
        .. "coroutine.wrap(function() error { 'boom' } end)()" })
      assert.equal(1, result.code, result.err)
    end
  end)

  it("may end in a finalizer, which is told as a warning", function()
    local result = run(2 * MB, "setmetatable({}, { __gc = function() local t = {} while true do "
      .. "t[#t + 1] = ('x'):rep(1000) .. #t end end }) collectgarbage() print 'on'")
    assert.equal("on\n", result.out)
    assert.matches("^lamina: warning: error in .*memory", result.err)
  end)

  it("may end at the prompt, which goes on", function()
    local result = run(2 * MB, "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end\nprint 'on'\n",
      { prompt = true })
    assert.equal("on\n", result.out)
    assert.matches("^error: not enough memory", result.err)
  end)

  it("is limited by an option that is checked", function()
    local result = command.run { "--lua-memory", "much", "-e", "print(1)" }
    assert.equal(2, result.code)
    assert.matches("%-%-lua%-memory must be a size such as 512M or 2G, got 'much'", result.err)
  end)
end)

describe("an error that nobody can catch", function()
  it("is a warning, and the script goes on", function()
    local result = command.code("setmetatable({}, { __gc = function() local t = nil return t.x end }) "
      .. "collectgarbage() print 'on' setmetatable({}, { __gc = function() error 'at the end' end })")
    assert.equal(0, result.code)
    assert.equal("on\n", result.out)
    assert.matches("lamina: warning: error in .*attempt to index a nil value", result.err)
    assert.matches("lamina: warning: error in .*at the end", result.err)
  end)
end)

describe("every way to raise", function()
  -- Each gives an error value with a kind, a message and the line of the user who made the mistake.
  local WAYS = {
    ["a call of nil"] = "local f = nil; f()", ["error"] = "error('x')", ["error of a table"] = "error({})",
    ["an op"] = "zeros { -1 }", ["a method"] = "zeros({ 2 }):reshape(3)", ["an index"] = "local x = zeros({ 2 })[9]",
    ["a word"] = "conv { 3, kernell = 3 } model 'm' { input { 1 }, area 'a' { conv { 3, kernell = 1 } } }",
    ["a name"] = "return undefined_name", ["an operator"] = "return zeros { 2 } + {}",
    ["a comparison"] = "return zeros { 2 } < 1", ["a library function"] = "string.rep()",
    ["a sort"] = "table.sort({ 1, 2, 3 }, function() error 'x' end)",
    ["a metamethod"] = "return setmetatable({}, { __add = function() error 'x' end }) + 1",
    ["a close"] = "do local x <close> = setmetatable({}, { __close = function() error 'x' end }) end",
    ["a coroutine"] = "coroutine.wrap(function() error 'x' end)()",
    ["an op in a coroutine"] = "coroutine.wrap(function() zeros { -1 } end)()",
    ["a coroutine of a coroutine"] = "coroutine.wrap(function() coroutine.wrap(function() zeros { -1 } end)() end)()",
    ["a gsub"] = "return (('x'):gsub('x', function() error 'x' end))",
    ["a tostring"] = "return tostring(setmetatable({}, { __tostring = function() error 'x' end }))",
    ["require"] = "require 'not.there'", ["load"] = "assert(load('x = = 1'))()", ["assert"] = "assert(false, 'x')",
    ["pairs"] = "for _ in pairs({ [print] = 1 }) do end", ["dead coroutines"] =
      "local co = coroutine.wrap(function() end) co() co()", ["no_grad"] = "no_grad(function() error 'x' end)",
  }

  for name, code in pairs(WAYS) do
    it("ends as an error value: " .. name, function()
      local chunk = assert(load(code, "=user.lua", "t"))
      local _, e = require("lamina.errors").try(chunk)
      assert.is_true(require("lamina.errors").is_error(e), tostring(e))
      assert.is_string(e.kind)
      assert.is_string(e.message)
      assert.equal("user.lua", e.file, tostring(e))
      assert.equal(1, e.line)
      assert.are_not.equal("internal", e.kind)
    end)
  end

  it("names its line in a coroutine that is resumed by hand", function()
    local co = coroutine.create(assert(load("\n\nzeros { -1 }", "=user.lua", "t")))
    local ok, e = coroutine.resume(co)
    assert.is_false(ok)
    assert.equal("user.lua:3: zeros: a size must not be negative: -1", tostring(e))
  end)
end)
