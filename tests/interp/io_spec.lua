-- lamina.core.io: files of arrays, pictures, CSV and JSON as scripts see them. The formats themselves are tested in
-- tests/runtime/io.
local base, core, io = require "lamina.core.base", require "lamina.core.tensor", require "lamina.core.io"

local folder, count

local function path(name)
  count = count + 1
  return string.format("%s/%d-%s", folder, count, name)
end

local function fails(kind, pattern, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(kind, err.kind)
  assert.truthy(err.message:find(pattern, 1, true), err.message)
end

describe("lamina.core.io", function()
  setup(function()
    folder, count = os.tmpname(), 0
    os.remove(folder)
    base.mkdir(folder)
  end)

  teardown(function()
    for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
    base.remove(folder)
  end)

  it("reads what it writes: npy", function()
    local p, t = path "a.npy", core.tensor({ { 1, 2.5 }, { -3, 4 } }, { dtype = "float64" })
    io.npy_write(p, t)
    local back = io.npy_read(p)
    assert.equal("float64", back.dtype)
    assert.same({ { 1.0, 2.5 }, { -3.0, 4.0 } }, back:totable())
    assert.equal(t:digest(), back:digest())
    fails("io", "/nowhere.npy", io.npy_read, "/nowhere.npy")
    fails("argument", "npy_write: the array must be a tensor", io.npy_write, p, 7)
    fails("argument", "npy_read: path must be a string", io.npy_read, 7)
  end)

  it("reads what it writes: npz with tensors and texts", function()
    local p = path "a.npz"
    io.npz_write(p, { b = core.arange(1, 3), name = { "V1", "", "é" } }, { compress = true })
    local back = io.npz_read(p)
    assert.same({ 1, 2, 3 }, back.b:totable())
    assert.same({ "V1", "", "é" }, back.name)
    fails("argument", "npz_write: unknown option 'compres' (did you mean 'compress'?)", io.npz_write, p, {},
      { compres = true })
    fails("argument", "'x' must be a tensor or a list of strings, not a number", io.npz_write, p, { x = 1 })
    fails("argument", "npz_write: x: entry 2 of the list is no string", io.npz_write, p, { x = { "a", 2 } })
    assert.same({ "V1", "", "é" }, io.npz_read(p).name) -- what stood there still stands
  end)

  it("reads what it writes: safetensors with metadata", function()
    local p = path "a.safetensors"
    io.safetensors_write(p, { w = core.tensor { 1.5, -2 }, n = core.arange(1, 4) }, { engine = "lamina", note = "ü" })
    local back, metadata = io.safetensors_read(p)
    assert.same({ 1.5, -2.0 }, back.w:totable())
    assert.equal("int64", back.n.dtype)
    assert.same({ engine = "lamina", note = "ü" }, metadata)
    fails("argument", "metadata must be strings by name", io.safetensors_write, p, {}, { a = 1 })
  end)

  it("reads what it writes: idx", function()
    for _, name in ipairs { "a.idx", "a.idx.gz" } do
      local p, t = path(name), core.tensor({ { 1, 2, 3 }, { 4, 5, 255 } }, { dtype = "uint8" })
      io.idx_write(p, t)
      assert.equal(t:digest(), io.idx_read(p):digest())
    end
    local p = path "text.idx"
    io.text_write(p, "not an array")
    fails("format", p .. ": not an IDX file: it begins with 6e 6f 74 20", io.idx_read, p)
  end)

  it("reads several IDX files at a time, with their hashes", function()
    local paths, arrays = {}, {}
    for i = 1, 5 do
      paths[i] = path("several" .. i .. (i % 2 == 0 and ".idx.gz" or ".idx"))
      arrays[i] = core.arange(i, 40 * i):to "uint8"
      io.idx_write(paths[i], arrays[i])
    end
    local read, hashes = io.idx_read_all(paths)
    assert.same({ 5, 5 }, { #read, #hashes })
    for i, p in ipairs(paths) do
      assert.equal(arrays[i]:digest(), read[i]:digest())
      assert.equal(base.sha256_file(p), hashes[i])
    end
    assert.same({}, (io.idx_read_all {}))
    io.text_write(paths[2], "not an array")
    io.text_write(paths[4], "")
    fails("format", paths[2] .. ": not an IDX file", io.idx_read_all, paths)
    local nowhere = path "nowhere.idx"
    fails("io", nowhere .. ": cannot open", io.idx_read_all, { paths[1], nowhere, paths[2] })
    local many = {}
    for i = 1, 17 do many[i] = paths[1] end
    fails("argument", "17 files, at most 16", io.idx_read_all, many)
  end)

  it("reads what it writes: png", function()
    local p = path "a.png"
    io.png_write(p, core.tensor { { 0, 1 }, { 0.5, 0.25 } })
    assert.same({ { { 0, 255 }, { 128, 64 } } }, io.png_read(p):totable())
    assert.same({ 3, 2, 2 }, io.png_read(p, { channels = 3 }).shape)
    fails("argument", "channels is 2 but must be 1, 3 or 4", io.png_read, p, { channels = 2 })
    fails("argument", "floats must lie in [0, 1]", io.png_write, p, core.tensor { { 2 } })
  end)

  it("reads pictures of either format", function()
    local png, jpeg = path "a ü.png", path "a ü.jpg"
    local grey = core.tensor { { 0, 1 }, { 0.5, 0.25 } }
    io.png_write(png, grey)
    assert.same(io.png_read(png):totable(), io.picture_read(png):totable())
    local ok, err = pcall(io.jpeg_write, jpeg, grey, { quality = 100 })
    if not ok and err.kind == "missing" then return pending(err.message) end
    assert.same({ 3, 2, 2 }, io.picture_read(jpeg, { channels = 3, upright = true }).shape)
    local found = io.picture_read(jpeg):totable()[1]
    for i, row in ipairs(grey:totable()) do
      for j, value in ipairs(row) do assert.is_true(math.abs(found[i][j] - 255 * value) <= 2) end
    end
    fails("argument", "jpeg_write: quality is 101 but must be from 1 to 100", io.jpeg_write, jpeg, grey,
      { quality = 101 })
    fails("argument", "picture_read: unknown option 'uprigt' (did you mean 'upright'?)", io.picture_read, png,
      { uprigt = true })
    local p = path "a.gif"
    io.text_write(p, "GIF89a and so on")
    fails("format", p .. ": neither PNG nor JPEG", io.picture_read, p)
  end)

  it("maps files that need no conversion", function()
    local x = core.arange(1, 6):reshape { 2, 3 }
    local npy, tensors, idx = path "m.npy", path "m.safetensors", path "m.idx"
    io.npy_write(npy, x)
    io.safetensors_write(tensors, { x = x })
    io.idx_write(idx, x:to "uint8")
    for _, found in ipairs { io.npy_read(npy, { map = true }), io.safetensors_read(tensors, { map = true }).x,
      io.idx_read(idx, { map = true }):to "int64" } do
      assert.equal(x:digest(), found:digest())
    end
    local mapped = io.npy_read(npy, { map = true })
    mapped[1] = 7 -- a copy of its own: the file stays
    assert.equal(x:digest(), io.npy_read(npy):digest())
    fails("argument", "npy_read: map must be true or false", io.npy_read, npy, { map = 1 })
  end)

  it("writes text whole", function()
    local p = path "a.txt"
    io.text_write(p, "a\0b\n")
    assert.equal("a\0b\n", io.text_read(p))
    fails("io", "No space left on device", io.text_write, "/dev/full", "x")
    fails("io", folder .. "/no/such", io.text_write, folder .. "/no/such/file", "x")
  end)

  it("reads CSV as rows and as columns", function()
    local p = path "a.csv"
    io.text_write(p, 'id,x,label,gap\n1,2.5,"a,b",\n-7,1e3,c,4\n')
    assert.same({ { "id", "x", "label", "gap" }, { "1", "2.5", "a,b", "" }, { "-7", "1e3", "c", "4" } },
      io.csv_read(p))
    local columns, names = io.csv_read(p, { header = true })
    assert.same({ "id", "x", "label", "gap" }, names)
    assert.same({ 1, -7 }, columns.id)
    assert.equal("integer", math.type(columns.id[1]))
    assert.same({ 2.5, 1000.0 }, columns.x)
    assert.same({ "a,b", "c" }, columns.label)
    assert.is_true(columns.gap[1] ~= columns.gap[1] and columns.gap[2] == 4.0)
    assert.same({ "1", "-7" }, io.csv_read(p, { header = true, numbers = false }).id)
    io.text_write(p, "a,a\n1,2\n")
    fails("format", p .. ":1: two columns are named 'a'", io.csv_read, p, { header = true })
    io.text_write(p, "a,b\n1\n")
    fails("format", p .. ":2: a row of 1 fields; the first has 2", io.csv_read, p)
  end)

  it("reads CSV with gaps, types and other separators, and refuses what it cannot tell", function()
    local p = path "c ü.csv"
    io.text_write(p, "\xef\xbb\xbfid;x;note\r\n07;NA;NA\r\n8;2.5;\"a\nb\"\r\n")
    local options = { header = true, separator = ";", missing = { "NA" }, types = { id = "text" } }
    local columns, names = io.csv_read(p, options)
    assert.same({ "id", "x", "note" }, names)
    assert.same({ "07", "8" }, columns.id)
    assert.is_true(columns.x[1] ~= columns.x[1] and columns.x[2] == 2.5)
    assert.same({ "NA", "a\nb" }, columns.note)
    options.types = { id = "integer", x = "integer" }
    fails("format", "row 1 of column 'x' is 'NA': no whole number", io.csv_read, p, options)
    options.types = { note = "number" }
    fails("format", "row 2 of column 'note' is 'a b': no number", io.csv_read, p, options)
    options.types = { y = "number" }
    fails("argument", "has no column 'y'", io.csv_read, p, options)
    options.types = { x = "real" }
    fails("argument", "types 'integer', 'number' or 'text'", io.csv_read, p, options)
    io.text_write(p, "a;b\n1;2\n")
    fails("format", p .. ":1: one column, named 'a;b'; say separator = ';'", io.csv_read, p, { header = true })
    io.text_write(p, "a;b\n1,5;2\n3;4\n")
    fails("format", "row 1 of column 'a' is '1,5': a comma in a number", io.csv_read, p,
      { header = true, separator = ";" })
    assert.same({ "1,5", "3" }, io.csv_read(p, { header = true, separator = ";", types = { a = "text" } }).a)
    io.text_write(p, 'a,b\n"1,5",x\n"left, right",y\n')
    assert.same({ "1,5", "left, right" }, io.csv_read(p, { header = true }).a)
    fails("argument", "missing and types need header = true", io.csv_read, p, { missing = { "NA" } })
  end)

  it("writes CSV that reads back", function()
    local p = path "b.csv"
    io.csv_write(p, { { 1, 0.1, "x,y" }, { 2, 0 / 0, true } }, { header = { "n", "v", "s" } })
    assert.equal('n,v,s\n1,0.1,"x,y"\n2,nan,true\n', io.text_read(p))
    io.csv_write(p, { b = { 1, 2 }, a = { "u", "v" } })
    assert.equal("a,b\nu,1\nv,2\n", io.text_read(p))
    io.csv_write(p, { b = { 1, 2 }, a = { "u", "v" } }, { header = { "b", "a" }, separator = "\t" })
    assert.equal("b\ta\n1\tu\n2\tv\n", io.text_read(p))
    fails("argument", "row 2 has 1 fields; expected 2", io.csv_write, p, { { 1, 2 }, { 3 } })
    fails("argument", "column 'b' has 1 rows; the first has 2", io.csv_write, p, { a = { 1, 2 }, b = { 1 } })
    fails("argument", "a table is no field", io.csv_write, p, { { {} } })
    assert.equal("b\ta\n1\tu\n2\tv\n", io.text_read(p))
  end)

  it("encodes JSON the same way every time", function()
    local empty = setmetatable({}, { __json = "object" })
    local value = { z = { 1, 2.5, true }, a = "x\n\"é", n = { { k = 1 }, {} }, o = empty }
    assert.equal('{"a":"x\\n\\"é","n":[{"k":1},[]],"o":{},"z":[1,2.5,true]}', io.json_encode(value))
    assert.equal('{\n  "k": [1, 2],\n  "l": [\n    {\n      "m": 1.0\n    }\n  ]\n}',
      io.json_encode({ k = { 1, 2 }, l = { { m = 1.0 } } }, 2))
    assert.equal("[0.1,1e+300,-0.0,null,null,null]", io.json_encode { 0.1, 1e300, -0.0, 0 / 0, 1 / 0, io.null })
    local number = 0.1 + 0.2
    assert.equal(number, io.json_decode(io.json_encode(number)))
    assert.equal(math.mininteger, io.json_decode(io.json_encode(math.mininteger)))
  end)

  it("decodes JSON strictly", function()
    local value = io.json_decode '{"a": [1, 2.0, null, {"b": null, "c": "\\u00e9"}]}'
    assert.equal("integer", math.type(value.a[1]))
    assert.equal("float", math.type(value.a[2]))
    assert.equal(io.null, value.a[3])
    assert.equal("null", tostring(io.null))
    assert.is_nil(value.a[4].b)
    assert.equal("é", value.a[4].c)
    fails("format", "json:1: column", io.json_decode, '{"a":1,}')
    fails("format", "nested more than 100 deep", io.json_decode, ("["):rep(200) .. ("]"):rep(200))
    local p = path "bad.json"
    io.text_write(p, "{\n  oops\n}")
    fails("format", p .. ":2: column", io.json_read, p)
  end)

  it("says where a value has no JSON form", function()
    fails("argument", "a.b[2]: a function has no JSON form", io.json_encode, { a = { b = { 1, print } } })
    fails("argument", "a[1]: a tensor; write t:totable()", io.json_encode, { a = { core.ones { 2 } } })
    fails("argument", "a: a table with list entries and names", io.json_encode, { a = { 1, x = 2 } })
    fails("argument", "a: a string that is not UTF-8", io.json_encode, { a = "\xff" })
    local loop = {}
    loop.me = loop
    fails("argument", "does a table contain itself?", io.json_encode, loop)
  end)

  it("lists every file it read, once, in order", function()
    io.files_forget()
    local p, q = path "p.txt", path "q.npy"
    io.text_write(p, "x")
    io.npy_write(q, core.ones { 2 })
    assert.same({}, io.files_read())
    io.npy_read(q)
    io.text_read(p)
    io.npy_read(q)
    pcall(io.text_read, folder .. "/missing")
    io.files_note "given"
    assert.same({ q, p, "given" }, io.files_read())
    io.files_forget()
  end)

  it("gives back what it took, also after errors", function()
    collectgarbage()
    collectgarbage()
    local before = base.memory()
    for n = 1, 40 do
      base.fail_allocation(n)
      pcall(function()
        local p = path "oom.npz"
        io.npz_write(p, { t = core.ones { 20 }, s = { "a", "bb" } })
        io.npz_read(p)
        io.csv_write(p, { { 1, "x" } })
        io.csv_read(p, { header = true })
        io.safetensors_write(p, { t = core.ones { 3 } }, { k = "v" })
        io.safetensors_read(p)
        io.json_decode(io.json_encode { 1, { a = "b" } })
        base.list(folder)
      end)
      base.fail_allocation(0)
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before.live, base.memory().live)
    assert.equal(before.blocks, base.memory().blocks)
    for _, name in ipairs(base.list(folder)) do assert.is_nil(name:find "partial") end
  end)
end)
