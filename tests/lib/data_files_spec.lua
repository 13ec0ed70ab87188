-- data.json, data.idx, data.safetensors and their writers, against files made byte by byte.
local base = require "lamina.core.base"
local command = require "tests.support.command"
local core = require "lamina.core.tensor"
local data = require "lamina.data"
local errors = require "lamina.errors"

local function fails(kind, text, f, ...)
  local value, err = errors.try(f, ...)
  assert.is_nil(value)
  assert.equal(kind, err.kind, err.message)
  assert.matches(text, err.message, 1, true)
end

describe("one file", function()
  local dir
  setup(function() dir = command.folder() end)
  teardown(function() command.drop(dir) end)
  local function put(name, bytes)
    command.write(dir .. "/" .. name, bytes)
    return dir .. "/" .. name
  end

  it("of JSON is read", function()
    local path = put("a b \u{e9}.json", '{"n": [1, 2.5, null, true, "\\u00e9"],'
      .. ' "o": {"k": null, "big": 9007199254740993}}')
    local value = data.json(path)
    assert.same({ 1, 2.5, data.null, true, "\u{e9}" }, value.n)
    assert.same({ big = 9007199254740993 }, value.o)
    assert.equal("null", tostring(data.null))
  end)

  it("of JSON is written, to be read back, the same bytes again", function()
    local value = { b = { 1, data.null, "x\ny" }, a = { deep = { { 0.1 } } }, c = false, nan = 0 / 0 }
    local path = data.save_json(dir .. "/out.json", value)
    assert.equal('{\n  "a": {\n    "deep": [\n      [0.1]\n    ]\n  },\n  "b": [\n    1,\n    null,\n    '
      .. '"x\\ny"\n  ],\n  "c": false,\n  "nan": null\n}\n', command.read(path))
    local digest = base.sha256_file(path)
    value.nan = nil
    assert.same(value, data.json(path))
    data.save_json(path, { c = false, nan = 1 / 0, b = value.b, a = value.a })
    assert.equal(digest, base.sha256_file(path))
  end)

  it("of JSON that is none, or cannot be written, is an error", function()
    fails("format", "cut.json:2: column", data.json, put("cut.json", '{"a":\n[1,'))
    fails("format", "twice", data.json, put("twice.json", '{"a": 1, "a": 2}'))
    fails("format", "maximum parsing depth", data.json, put("deep.json", ("["):rep(5000) .. ("]"):rep(5000)))
    fails("io", "No such file", data.json, dir .. "/none.json")
    fails("argument", "data.json: expected the name of a file, got a number", data.json, 3)
    fails("argument", "data.save_json: x.y: a tensor; write t:totable() instead", data.save_json, dir .. "/no.json",
      { x = { y = core.zeros { 2 } } })
    assert.is_false(base.exists(dir .. "/no.json"))
  end)

  it("of IDX is read, plain, packed or mapped", function()
    local bytes = string.pack(">BBBBI4I4", 0, 0, 0x0c, 2, 2, 3)
      .. string.pack(">i4i4i4i4i4i4", 1, -2, 3, 4, 5, 1 << 30)
    local x = data.idx(put("x.idx", bytes))
    assert.equal("int64", x.dtype)
    assert.same({ { 1, -2, 3 }, { 4, 5, 1 << 30 } }, x:totable())
    local u = put("u-ubyte", string.pack(">BBBBI4", 0, 0, 8, 1, 4) .. "\1\2\3\255")
    for _, map in ipairs { true, false } do
      assert.same({ 1, 2, 3, 255 }, data.idx { u, map = map }:totable())
    end
    assert.equal(0, select(3, os.execute("gzip -k '" .. u .. "'")))
    assert.same({ 1, 2, 3, 255 }, data.idx(u .. ".gz"):totable())
  end)

  it("of IDX that is damaged, or none, is an error", function()
    fails("format", "truncated", data.idx, put("short.idx", string.pack(">BBBBI4", 0, 0, 8, 1, 4) .. "\1"))
    fails("format", "more bytes than can be addressed", data.idx, put("huge.idx",
      string.pack(">BBBBI4I4", 0, 0, 14, 2, -1 >> 32, -1 >> 32)))
    fails("format", "not an IDX file", data.idx, put("text.idx", "hello, world"))
    fails("argument", "data.idx: unknown option 'mapp' (did you mean 'map'?)", data.idx, { "x.idx", mapp = true })
  end)

  -- A safetensors file: the length of the header, the header, the bytes.
  local function safetensors(header, bytes) return string.pack("<I8", #header) .. header .. bytes end

  it("of safetensors is read with its metadata, and written", function()
    local path = put("w.safetensors", safetensors('{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2,1],'
      .. '"data_offsets":[0,8]},"h":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]}}',
      string.pack("<ff", 1.5, -2) .. "\x80\x3f"))
    for _, map in ipairs { true, false } do
      local t, notes = data.safetensors { path, map = map }
      assert.same({ { 1.5 }, { -2 } }, t.w:totable())
      assert.same({ "float32", 1 }, { t.h.dtype, t.h[1] })
      assert.same({ k = "v" }, notes)
    end
    local out = data.save_safetensors(dir .. "/out.safetensors", { x = core.arange(1, 3) }, { by = "test" })
    local t, notes = data.safetensors(out)
    assert.same({ 1, 2, 3 }, t.x:totable())
    assert.same({ by = "test" }, notes)
  end)

  it("of safetensors that is damaged is an error", function()
    fails("format", "bad.safetensors", data.safetensors, put("bad.safetensors",
      safetensors('{"w":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,8]}}', ("\0"):rep(8))))
    fails("format", "long.safetensors", data.safetensors, put("long.safetensors", string.pack("<I8", -1) .. "{}"))
    fails("argument", "data.save_safetensors: expected tensors by name", data.save_safetensors, dir .. "/x",
      core.zeros { 2 })
  end)
end)
