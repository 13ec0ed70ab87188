-- lamina.core.base: threads, memory, hashing, clocks and the file system.
local base = require "lamina.core.base"

local function fails(kind, pattern, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(kind, err.kind)
  assert.truthy(err.message:find(pattern, 1, true), err.message)
end

describe("lamina.core.base", function()
  it("sets the number of threads", function()
    local before = base.threads()
    assert.equal(3, base.threads(3))
    assert.equal(3, base.threads())
    base.threads(before)
    fails("argument", "threads: the number is 0 but must be from 1 to 1024", base.threads, 0)
    fails("argument", "threads: the number must be an integer", base.threads, "2")
  end)

  it("counts memory and keeps a budget", function()
    local core = require "lamina.core.tensor"
    local before = base.memory()
    local t = core.zeros { 1000 }
    local now = base.memory()
    assert.is_true(now.live >= before.live + 4000 and now.peak >= now.live and now.blocks > before.blocks)
    t:release()
    base.set_budget(now.live + 100000)
    assert.equal(now.live + 100000, base.memory().budget)
    fails("memory", "bytes asked", core.zeros, { 1000, 1000 })
    base.set_budget(0)
    core.zeros({ 1000, 1000 }):release()
    base.trim()
    assert.equal(0, base.memory().cached)
    fails("argument", "must not be negative", base.set_budget, -1)
  end)

  it("makes the n-th allocation fail", function()
    local core = require "lamina.core.tensor"
    local x = core.zeros { 10 }
    base.fail_allocation(1)
    fails("memory", "injected failure", x.detach, x)
    assert.equal(10, x:detach():count())
    base.fail_allocation(1) -- where tensors are made, garbage is collected and the call tried once more
    assert.equal(10, core.zeros({ 10 }):count())
    base.fail_allocation(0)
  end)

  it("tells versions and the processor", function()
    assert.truthy(base.version:match "^%d+%.%d+%.%d+$")
    assert.equal("integer", math.type(base.numerics))
    local has = {}
    for _, isa in ipairs(base.isas()) do has[isa] = true end
    assert.is_true(has[base.isa()])
    if not os.getenv "LAMINA_ISA" then assert.equal(base.isas()[1], base.isa()) end
    assert.is_true(#base.cpu() > 0)
  end)

  it("hashes as FIPS 180-4 says", function()
    local abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert.equal(abc, base.sha256 "abc")
    local path = os.tmpname()
    require("lamina.core.io").text_write(path, "abc")
    assert.equal(abc, base.sha256_file(path))
    base.remove(path)
    fails("io", path, base.sha256_file, path)
  end)

  it("measures time", function()
    local start = base.clock()
    assert.is_true(base.clock() >= start)
    assert.truthy(base.utc():match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$")
    assert.is_true(base.columns() >= 20)
    assert.is_false(base.isatty(999))
  end)

  it("writes out what could steer a terminal: every character, and bytes that are none", function()
    local function steers(code)
      return code < 32 or code >= 127 and code < 160 or code == 0x200E or code == 0x200F
        or code >= 0x202A and code <= 0x202E or code >= 0x2066 and code <= 0x2069
    end
    local function coded(text) return (text:gsub(".", function(c) return string.format("\\x%02x", c:byte()) end)) end
    local text, plain, lines = {}, {}, {} -- longer than what is read at once, and characters lie over its ends
    for code = 0, 0x10FFFF do
      if code < 0x3000 or code % 997 == 0 and (code < 0xD800 or code > 0xDFFF) then
        local c = utf8.char(code)
        text[#text + 1], plain[#plain + 1] = c, steers(code) and coded(c) or c
        lines[#lines + 1] = c == "\n" and c or plain[#plain]
      end
    end
    assert.equal(table.concat(plain), base.plain(table.concat(text)))
    assert.equal(table.concat(lines), base.plain(table.concat(text), true))
    assert.equal(table.concat(plain, "", 4000), require "lamina.plain"(table.concat(text, "", 4000)))
    -- a byte too many, cut off, overlong, a surrogate, beyond the last
    for _, bad in ipairs { "\x80", "\xe2\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
      "\xff" } do
      assert.equal("a" .. coded(bad) .. "b", base.plain("a" .. bad .. "b"))
      assert.equal("a" .. coded(bad), base.plain("a" .. bad))
    end
    for at = 4090, 4099 do -- characters at the end of what is read at once
      assert.equal(("x"):rep(at) .. "\u{1F9E0}" .. coded "\u{202E}",
        base.plain(("x"):rep(at) .. "\u{1F9E0}\u{202E}"))
    end
    assert.same({ "", "7" }, { base.plain "", require "lamina.plain"(7) })
    fails("argument", "plain: text must be a string", base.plain, {})
  end)

  it("measures no longer than Ctrl-C may wait", function()
    assert.is_true(base.flops("float64", 1000) > 0)
    for _, operations in ipairs { 0, -1, 10000000001, math.maxinteger } do
      local _, e = lamina.try(base.flops, "float32", operations)
      assert.matches("a number from 1 to 10000000000 expected", e.message)
    end
  end)

  it("makes, lists and removes folders", function()
    local root = os.tmpname()
    os.remove(root)
    assert.is_false(base.exists(root))
    base.mkdir(root .. "/a/b")
    base.mkdir(root .. "/a/b")
    require("lamina.core.io").text_write(root .. "/a/Z", "")
    assert.is_true(base.isdir(root .. "/a"))
    assert.is_false(base.isdir(root .. "/a/Z"))
    assert.same({ "Z", "b" }, base.list(root .. "/a"))
    fails("io", root .. "/a", base.remove, root .. "/a")
    for _, name in ipairs { "/a/Z", "/a/b", "/a", "" } do base.remove(root .. name) end
    assert.is_false(base.exists(root))
    fails("io", root, base.list, root)
    fails("argument", "the path is empty", base.mkdir, "")
    fails("argument", "0 byte", base.exists, "a\0b")
  end)
end)
