-- HDF5, netCDF-4 and MATLAB 7.3: files that h5py and xarray wrote (tests/peers/hdf5.py), files written here, the test
-- files of other readers with what h5py reads in them, and damaged files.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local lamina = require "lamina"

local data, hdf5, try = lamina.data, lamina.hdf5, lamina.try
local arange, tensor, zeros = lamina.arange, lamina.tensor, lamina.zeros

local here = "tests/fixtures/hdf5/"
local folder = os.tmpname() .. ".hdf5"
base.mkdir(folder)

-- What needs libhdf5 is passed over, with a message, in a build without it.
local _, lacking = try(core_io.hdf5_open, here .. "types.h5")
if lacking and lacking.kind == "missing" then
  describe("HDF5", function()
    it("is read", function() pending(lacking.message) end)
  end)
  return
end

local function message_of(f, ...)
  local value, err = try(f, ...)
  assert.is_nil(value)
  return err.message, err.kind
end

local function flat(t) return t:reshape({ -1 }):totable() end

local function bytes_of(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

describe("HDF5 files of h5py", function()
  it("give numbers of every width and byte order", function()
    local numbers = data.hdf5(here .. "types.h5").numbers
    for code, dtype in pairs { i1 = "int64", i2 = "int64", i4 = "int64", i8 = "int64", u1 = "uint8", u2 = "int64",
      u4 = "int64", f2 = "float32", f4 = "float32", f8 = "float64" } do
      for _, order in ipairs { "le_", "be_" } do
        local t = numbers[order .. code]
        assert.equal(dtype, t.dtype, code)
        assert.same({ 2, 3 }, t.shape)
        for i, value in ipairs(flat(t)) do assert.equal(i - 1, value) end
      end
    end
    assert.same({ true, false, true }, numbers.bool:totable())
    assert.same({ { 1, 2 }, { 3, -4 } }, numbers.complex64:totable())
    assert.equal("float32", numbers.complex64.dtype)
    assert.same({ { { 1, 2 } }, { { 3, -4 } } }, numbers.complex128_be:totable())
    assert.same({ 0.5, -2 }, numbers.long_double:totable())
  end)

  it("give strings, and what is neither number nor string", function()
    local file <close> = hdf5.open(here .. "types.h5")
    assert.same({ "ab", "", "cde" }, file:read "texts/fixed")
    local variable = file:read "texts/variable"
    assert.same({ "a", "β", "\u{1f9e0}", "", shape = { 2, 2 } }, variable)
    assert.equal("only é", file:read "texts/one")
    local people = file:read "other/compound"
    assert.same({ "Ada", "Alan" }, people.name)
    assert.same({ 36, 41 }, people.age:totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, people.place:totable())
    local runs = file:read "other/vlen"
    assert.same({ 1, 2, 3 }, runs[1]:totable())
    assert.equal(0, #runs[2])
    assert.same({ 0, 2 }, file:read("other/enum"):totable())
    assert.same({ "/texts/one", "/numbers" }, file:read "other/reference")
    assert.equal("a reference to a region of a dataset", file:read("other/region")[1].unread)
    assert.same({ "\0\1" }, file:read "other/opaque")
    assert.equal("only é", file:read "other/soft")
  end)

  it("give every layout, filter, fill value, and empty ones", function()
    local layouts = data.hdf5(here .. "types.h5").layouts
    for _, name in ipairs { "chunked", "gzip" } do
      assert.same({ 50, 4 }, layouts[name].shape)
      for i, value in ipairs(flat(layouts[name])) do assert.equal(i - 1, value) end
    end
    for i, value in ipairs(layouts.lzf:totable()) do assert.equal((i - 1) % 8, value) end
    assert.same({ -5, -5, -5, -5, -5, -5 }, flat(layouts.fill))
    for i, value in ipairs(layouts.scaleoffset:totable()) do assert.equal(i - 1, value) end
    assert.same({ 0, 3 }, layouts.none.shape)
    assert.equal(2.5, layouts.scalar:item())
    assert.same({ 0 }, layouts.null.shape)
    assert.equal("float32", layouts.null.dtype)
  end)

  it("are listed with their attributes", function()
    local file <close> = hdf5.open(here .. "types.h5")
    local gzip = file:list()["layouts/gzip"]
    assert.same({ kind = "dataset", dtype = "float64", shape = { 50, 4 }, layout = "chunked", chunks = { 7, 3 },
      filters = { "shuffle (2)", "deflate (1)", "fletcher32 (3)" } }, gzip)
    assert.equal("external link", file:list()["other/outside"].kind)
    assert.equal("types", file:attributes().title)
    local attributes = file:attributes "layouts/gzip"
    assert.equal("ms", attributes.unit)
    assert.equal(0.5, attributes.rate)
    assert.same({ 1, 2 }, attributes.span:totable())
    assert.same({ "a", "b" }, attributes.names)
    assert.truthy(tostring(file):find("layouts/gzip +50x4 float64, shuffle"))
  end)

  it("are read in parts", function()
    local file <close> = hdf5.open(here .. "types.h5")
    for _, name in ipairs { "layouts/chunked", "layouts/gzip" } do
      assert.same({ { 37, 38 }, { 41, 42 } }, file:read(name, { { 10, 11 }, { 2, 3 } }):totable())
      assert.same({ 3, 7 }, file:read(name, { { 1, 2 }, -1 }):totable())
      assert.same({ 196, 197, 198, 199 }, file:read(name, -1):totable())
      local seen, blocks = 0, 0
      for block, first in file:rows(name, 8) do
        for i, value in ipairs(flat(block)) do assert.equal((first - 1) * 4 + i - 1, value) end
        seen, blocks = seen + #block, blocks + 1
      end
      assert.same({ 50, 7 }, { seen, blocks })
    end
    assert.same({ "", "cde" }, file:read("texts/fixed", { { 2, 3 } }))
    assert.truthy(message_of(file.read, file, "layouts/gzip", { { 1, 51 } }):find(
      "1 to 51 is out of range along axis 1", 1, true))
    assert.truthy(message_of(file.read, file, "layouts/gzip", { 1, 1, 1 }):find("2 axes, the index has 3", 1, true))
  end)

  it("say what is wrong", function()
    local path = here .. "types.h5"
    assert.truthy(message_of(data.hdf5, path, "texts/fixd"):find(
      "there is no 'texts/fixd' (did you mean 'texts/fixed'?)", 1, true))
    assert.truthy(message_of(data.hdf5, path, "texts"):find("'texts' is a group, not a dataset", 1, true))
    assert.truthy(message_of(data.hdf5, path, "other/outside"):find("a link to another file", 1, true))
    local text, kind = message_of(data.hdf5, here .. "../../run.lua")
    assert.truthy(text:find("not an HDF5 file", 1, true))
    assert.equal("format", kind)
    text, kind = message_of(hdf5.open, "no such file.h5")
    assert.truthy(text:find("no such file.h5: cannot open", 1, true))
    assert.equal("io", kind)
    local classic = folder .. "/classic.nc"
    write(classic, "CDF\1" .. ("\0"):rep(40))
    assert.truthy(message_of(data.netcdf, classic):find("classic netCDF file", 1, true))
    local file = hdf5.open(path)
    file:close()
    assert.truthy(message_of(file.read, file, "texts/one"):find("the file is closed", 1, true))
  end)

  it("are a clear message where libhdf5 is not there", function()
    local result = require("support.command").code('data.hdf5("x.h5")', { before = "echo x > x.h5",
      env = "LAMINA_MODULES=/nowhere" })
    assert.equal(1, result.code)
    assert.truthy(result.err:find("need the program lamina-hdf5, which this build lacks: install libhdf5-dev", 1,
      true), result.err)
  end)

  it("give strings in parts without end of memory", function()
    local list = {}
    for i = 1, 2000 do list[i] = ("s"):rep(i % 50) end
    local path = hdf5.write(folder .. "/strings.h5", { s = list })
    local file <close> = hdf5.open(path)
    for block, first in file:rows("s", 300) do
      for i, text in ipairs(block) do assert.equal(list[first + i - 1], text) end
    end
  end)

  it("never open other files, nor take more than they hold", function()
    local file <close> = hdf5.open(here .. "outside.h5")
    assert.truthy(message_of(file.read, file, "raw"):find("lie in other files", 1, true))
    assert.truthy(message_of(file.read, file, "virtual"):find("lie in other files", 1, true))
    assert.same({ 0, 1, 2, 3, 4, 5 }, file:read("own"):totable())
    assert.truthy(message_of(file.read, file, "vast"):find("asks for 8796093022208 bytes", 1, true))
    assert.same({ 0, 0 }, file:read("vast", { { 7, 8 } }):totable())
    assert.truthy(message_of(file.read, file, "huge"):find(
      "'huge': element 2 is 9223372036854775808, more than int64 can hold", 1, true))
    assert.equal(6, #file:read "x") -- the handle lives on
  end)
end)

describe("hdf5.write", function()
  local contents = { x = arange(1, 6):reshape { 2, 3 }, flag = tensor({ true, false }, { dtype = "bool" }),
    label = "né", n = 3, rate = 0.5, none = zeros { 0, 2 },
    group = { names = { "a", "", "ccc" }, deep = { y = tensor({ 1, 2 }, { dtype = "uint8" }) } } }

  it("writes what data.hdf5 reads, compressed or not, in the same bytes each time", function()
    for _, level in ipairs { 0, 6 } do
      local path = folder .. "/w" .. level .. ".h5"
      local o = { compress = level, attributes = { ["/"] = { title = "t" }, ["group/names"] = { unit = { "a", "b" },
        size = 3, span = tensor { 1.5, 2 } } } }
      assert.equal(path, hdf5.write(path, contents, o))
      local v = data.hdf5(path)
      assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, v.x:totable())
      assert.equal("int64", v.x.dtype)
      assert.same({ true, false }, v.flag:totable())
      assert.equal("né", v.label)
      assert.equal(3, v.n:item())
      assert.equal(0.5, v.rate:item())
      assert.same({ 0, 2 }, v.none.shape)
      assert.same({ "a", "", "ccc" }, v.group.names)
      assert.equal("uint8", v.group.deep.y.dtype)
      local file <close> = hdf5.open(path)
      assert.equal("t", file:attributes().title)
      local attributes = file:attributes "group/names"
      assert.same({ "a", "b" }, attributes.unit)
      assert.equal(3, attributes.size)
      assert.same({ 1.5, 2 }, attributes.span:totable())
      assert.same(level > 0 and { "shuffle (2)", "deflate (1)" } or nil, file:list().x.filters)
      hdf5.write(folder .. "/again.h5", contents, o)
      assert.is_true(bytes_of(path) == bytes_of(folder .. "/again.h5"))
    end
  end)

  it("writes large datasets that are read in parts", function()
    local x = arange(1, 600000):reshape { 3000, 200 }
    local path = hdf5.write(folder .. "/large.h5", { x = x }, { compress = 1 })
    local file <close> = hdf5.open(path)
    assert.is_true(file:read("x"):eq(x):all():item())
    assert.is_true(file:read("x", { { 1001, 2500 } }):eq(x[{ { 1001, 2500 } }]):all():item())
  end)

  it("keeps the shape of a list of strings, and refuses what HDF5 cannot hold", function()
    local path = folder .. "/lists.h5"
    hdf5.write(path, { words = { "a", "b", "c", "d", "e", "f", shape = { 2, 3 } } })
    assert.same({ "a", "b", "c", "d", "e", "f", shape = { 2, 3 } }, data.hdf5(path, "words"))
    local ring, deep = {}, {}
    ring.again = ring
    local inner = deep
    for _ = 1, 100 do
      inner.next = {}
      inner = inner.next
    end
    for words, what in pairs { ["hold themselves"] = ring, ["64 levels"] = deep,
      ["'a/b' cannot be a name"] = { ["a/b"] = zeros { 1 } },
      ["a list of 1 and names"] = { x = { "a", unit = "ms" } },
      ["a list of 2 is that many"] = { x = { "a", "b", shape = { 2, 2 } } } } do
      assert.truthy(message_of(hdf5.write, path, what):find(words, 1, true), words)
    end
  end)

  it("leaves the old file where it fails", function()
    local path = folder .. "/old.h5"
    write(path, "old")
    assert.truthy(message_of(hdf5.write, path, { x = print }):find("a function cannot be written", 1, true))
    assert.truthy(message_of(hdf5.write, path, { x = { 1, 2 } }):find("numbers go into a tensor", 1, true))
    assert.truthy(message_of(hdf5.write, path, { x = zeros { 1 } }, { attributes = { y = { a = 1 } } }):find(
      "attributes for 'y', which the contents do not have", 1, true))
    assert.truthy(message_of(hdf5.write, path, { x = zeros { 1 } }, { compres = 1 }):find(
      "did you mean 'compress'", 1, true))
    assert.equal("old", bytes_of(path))
    assert.truthy(message_of(hdf5.write, folder, { x = zeros { 1 } }):find("it is a folder", 1, true))
  end)
end)

describe("netCDF-4 files of xarray", function()
  it("give dimensions, coordinates, variables and attributes by name", function()
    local nc = data.netcdf(here .. "assembly.nc")
    assert.same({ presentation = 6, neuroid = 4, time_bin = 1 }, nc.dims)
    local responses = nc.variables.responses
    assert.same({ "presentation", "neuroid", "time_bin" }, responses.dims)
    assert.equal("M", responses.attributes.monkey)
    assert.same({ "V1", "V1", "IT", "IT" }, nc.coords.area.values)
    assert.same({ "neuroid" }, nc.coords.area.dims)
    assert.same({ true, false, true, true }, nc.coords.good.values:totable())
    assert.same({ "time_bin" }, nc.coords.time_bin.dims)
    local values = flat(responses.values)
    for i, value in ipairs(values) do
      if i == 7 then assert.is_true(value ~= value) else assert.equal(i - 1, value) end
    end
  end)

  it("unpack values, mark missing ones and join characters", function()
    local nc = data.netcdf(here .. "packed.nc")
    local t = flat(nc.variables.t.values)
    assert.same({ 0, 0.5, 2 }, { t[1], t[2], t[4] })
    assert.is_true(t[3] ~= t[3])
    assert.same({ "ab", "c" }, nc.variables.letters.values)
    assert.same({ "x" }, nc.variables.letters.dims)
    assert.same({ 10, 20 }, nc.coords.x.values:totable())
  end)
end)

describe("MATLAB 7.3 files", function()
  local path = here .. "matlab73.mat"
  it("give the values of other versions", function()
    assert.equal("7.3", core_io.mat_version(path))
    assert.same({ { 0, 2, 4 }, { 1, 3, 5 } }, data.mat(path, "x"):totable())
    assert.same({ { 1, 2 } }, data.mat(path, "small"):totable())
    assert.same({ { true, false } }, data.mat(path, "flag"):totable())
    assert.equal("héllo", data.mat(path, "word"))
    assert.same({ { { 1, 2 } }, { { 3, -1 } } }, data.mat(path, "z"):totable())
    assert.same({ 0, 3 }, data.mat(path, "nothing").shape)
    local cells = data.mat(path, "cells")
    assert.same({ 1, 2 }, cells.shape)
    assert.equal(7, cells[1]:item())
    assert.equal("q", cells[2])
    local s = data.mat(path, "s")
    assert.equal(0.25, s.depth:item())
    assert.equal("L", s.label)
    local many = data.mat(path, "many")
    assert.equal(7, many[1].id:item())
    assert.equal("q", many[2].id)
    local sparse = data.mat(path, "sp")
    assert.same({ 3, 2 }, sparse.shape)
    assert.same({ { 3, 1 }, { 1, 2 }, { 5, 6 } }, { sparse.row:totable(), sparse.col:totable(),
      sparse.values:totable() })
  end)

  it("say what is wrong", function()
    assert.truthy(message_of(data.mat, path, "wrd"):find(
      "there is no variable 'wrd' (did you mean 'word'?)", 1, true))
    assert.truthy(message_of(data.mat, path, "endless"):find("lies within itself", 1, true))
  end)
end)

describe("neural.assembly", function()
  local responses = arange(1, 12):reshape({ 6, 2 }):to "float64"
  local ids, areas = { "a", "b", "c", "a", "b", "c" }, { "V1", "IT" }

  local function same(a)
    assert.same({ 3, 2, 2 }, a.responses.shape)
    assert.same({ 1, 7 }, a.responses[{ 1, 1, {} }]:totable())
    assert.same({ "a", "b", "c" }, a.stimulus.stimulus_id)
    assert.same(areas, a.neuroid.area)
  end

  it("reads HDF5, with names as in an .npz or with groups", function()
    same(lamina.neural.assembly(hdf5.write(folder .. "/a.h5", { responses = responses, stimulus_id = ids,
      neuroid_area = areas })))
    same(lamina.neural.assembly(hdf5.write(folder .. "/b.h5", { responses = responses,
      stimulus = { stimulus_id = ids }, neuroid = { area = areas } })))
  end)

  it("reads MATLAB files", function()
    local support = require "support.mat"
    local function text(s) return support.matrix("", 4, { 1, #s }, support.element(16, s)) end
    local function cell(name, list)
      local items = {}
      for i, s in ipairs(list) do items[i] = text(s) end
      return support.matrix(name, 1, { #list, 1 }, table.concat(items))
    end
    write(folder .. "/a.mat", support.file { support.double("responses", { 6, 2 },
      { 1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12 }), cell("stimulus_id", ids), cell("neuroid_area", areas) })
    same(lamina.neural.assembly(folder .. "/a.mat"))
  end)

  it("reads netCDF as xarray writes it", function()
    local a = lamina.neural.assembly { here .. "assembly.nc", missing = "nan" }
    assert.same({ 3, 4, 2 }, a.responses.shape)
    assert.same({ 0, 12 }, a.responses[{ 1, 1, {} }]:totable())
    assert.same({ "V1", "V1", "IT", "IT" }, a.neuroid.area)
    assert.is_false(a.valid[{ 2, 3, 1 }])
    assert.truthy(message_of(lamina.neural.assembly, { here .. "assembly.nc", variable = "respones" }):find(
      "did you mean 'responses'", 1, true))
  end)
end)

-- ---- damaged files ---------------------------------------------------------------------------------------------

describe("a damaged HDF5 file", function()
  it("is an error or a value, and the session goes on", function()
    local path, good, bad, crashes = folder .. "/damaged.h5", 0, 0, 0
    local contents = { x = arange(1, 20):reshape { 5, 4 }, t = { "a", "b" }, g = { y = zeros { 3 } } }
    hdf5.write(path, contents, { compress = 1 })
    local bytes = bytes_of(path)
    local function look(wrong)
      write(path, wrong)
      local value, err = try(data.hdf5, path)
      if value ~= nil then good = good + 1 return end
      bad = bad + 1
      assert.is_true(err.kind == "format" or err.kind == "argument", tostring(err))
      -- of crashes, only those within libhdf5 are none of ours, and they are rare
      assert.is_nil(err.message:find("defect of lamina", 1, true), err.message)
      if err.message:find("libhdf5 crashed", 1, true) then crashes = crashes + 1 end
    end
    -- most of the file is room that nothing uses yet: of what is written, every third byte; among them none on which
    -- libhdf5 1.10.8 computes without end, which takes seconds each time
    local written = 0
    for at = 0, #bytes - 1 do
      if bytes:byte(at + 1) ~= 0 then
        written = written + 1
        if written % 3 == 0 then
          look(bytes:sub(1, at) .. string.char(bytes:byte(at + 1) ~ 0xff) .. bytes:sub(at + 2))
        end
      end
    end
    for at = 0, #bytes - 1, 701 do look(bytes:sub(1, at)) end
    assert.is_true(good > 20 and bad > 50, good .. " " .. bad)
    assert.is_true(crashes <= 3, crashes .. " crashes of libhdf5")
    assert.equal(2, #data.hdf5(here .. "types.h5", "numbers/complex64"))
  end)

  it("is not blamed for a crash of the program that reads it", function()
    local file = hdf5.open(here .. "types.h5")
    file:list()
    -- this process's children, the eldest first: the last is the shell that looks, the one before it the program
    if not os.execute [[set -- $(cat /proc/$PPID/task/$PPID/children 2>/dev/null)
        while [ $# -gt 2 ]; do shift; done; kill -SEGV $1 2>/dev/null]] then
      return pending "this kernel does not name a process's children"
    end
    local _, err = try(file.read, file, "numbers/complex64")
    local said = err.message:find("defect of lamina", 1, true) or err.message:find("status 1)", 1, true) -- sanitizers
    assert.truthy(said, err.message)
  end)
end)

-- ---- the files of other readers ----------------------------------------------------------------------------------

local root = (os.getenv "LAMINA_DATA" or "../shared/data") .. "/fixtures/hdf5"

local function trimmed(text) return (text:gsub("[%z ]+$", "")) end

local function same_values(want, value, where)
  local list = lamina.tensor and type(value) ~= "table" and type(value) ~= "string" and flat(value)
  for i, expected in ipairs(want.values_c_order or {}) do
    local have = list[i]
    if have == true then have = 1 elseif have == false then have = 0 end
    if expected == true then expected = 1 elseif expected == false then expected = 0 end
    if expected == "NaN" then
      assert.is_true(have ~= have, where)
    elseif expected == "Inf" or expected == "-Inf" then
      assert.equal(expected == "Inf" and math.huge or -math.huge, have, where)
    else
      assert.equal(expected, have, where)
    end
  end
  if not want.strings or want.strings[1] == "ndarray" then return end
  local texts = type(value) == "string" and { value } or value
  for i, expected in ipairs(want.strings) do assert.equal(trimmed(expected), trimmed(texts[i]), where) end
end

local function same_dataset(file, name, want)
  local info = file:list()[name]
  assert.is_table(info, name)
  assert.equal(want.layout, info.layout, name)
  local shape = type(want.shape) == "table" and want.shape or nil
  if shape then
    assert.equal(#shape, #info.shape, name)
    for i, n in ipairs(shape) do assert.equal(n, info.shape[i], name) end
  end
  for i, id in ipairs(want.filters) do assert.truthy(info.filters[i]:find("(" .. id .. ")", 1, true), name) end
  local value, err = try(file.read, file, name)
  if want.read_error then
    assert.is_nil(value)
    assert.truthy(err.message:find("which this machine's libhdf5 lacks", 1, true), err.message)
    return
  end
  assert.is_nil(err, tostring(err))
  same_values(want, value, name)
end

describe("the test files of other HDF5 readers", function()
  if not base.exists(root .. "/expected.json") then
    it("are compared with what h5py reads", function()
      pending("no folder " .. root .. "; set LAMINA_DATA to the folder of the data sets")
    end)
    return
  end
  local expected = core_io.json_read(root .. "/expected.json")
  local names = {}
  for name in pairs(expected) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it("such as " .. name, function()
      local want = expected[name]
      local file, err = try(hdf5.open, root .. "/" .. name)
      if not want.ok then
        assert.is_nil(file)
        assert.truthy(err.message:find("already open for write", 1, true), err.message)
        return
      end
      assert.is_nil(err, tostring(err))
      for _, group in ipairs(want.groups) do assert.equal("group", file:list()[group].kind, group) end
      for dataset, what in pairs(want.datasets) do same_dataset(file, dataset, what) end
      file:close()
    end)
  end
end)
