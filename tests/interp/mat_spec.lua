-- MATLAB files of version 4 and 5: files made here byte by byte, those of scipy's own tests with what scipy reads in
-- them, and files with damaged bytes.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local lamina = require "lamina"
local support = require "support.mat"

local pack, element, matrix, file = string.pack, support.element, support.matrix, support.file

local folder = os.tmpname() .. ".mat"
base.mkdir(folder)

local function write(name, bytes)
  local path = folder .. "/" .. name
  local out = assert(io.open(path, "wb"))
  out:write(bytes)
  out:close()
  return path
end

local function read(bytes, name) return core_io.mat_read(write("x.mat", bytes), name) end

local function refused(bytes, part)
  local value, err = lamina.try(read, bytes)
  assert.is_nil(value)
  assert.equal("format", err.kind)
  assert.truthy(tostring(err):find(part, 1, true), tostring(err))
end

local function flat(t) return t:reshape { -1 }:totable() end

describe("MATLAB files made here", function()
  it("give doubles in MATLAB's shape, whatever they are stored as", function()
    for _, order in ipairs { "<", ">" } do
      for _, small in ipairs { false, true } do
        local v = read(support.file({ support.double("a", { 2, 3 }, { 1, 2, 3, 4, 5, 6 }, order, small) }, order))
        assert.same({ 2, 3 }, v.a.shape)
        assert.equal("float64", v.a.dtype)
        assert.same({ 1, 3, 5, 2, 4, 6 }, flat(v.a))
      end
    end
  end)

  it("give every type of numbers", function()
    local cases = { { 8, 1, "i1", -3, "int64" }, { 9, 2, "I1", 200, "uint8" }, { 10, 3, "i2", -300, "int64" },
      { 11, 4, "I2", 60000, "int64" }, { 12, 5, "i4", -70000, "int64" }, { 13, 6, "I4", 4000000000, "int64" },
      { 14, 12, "i8", -2 ^ 40 | 0, "int64" }, { 15, 13, "I8", 2 ^ 40 | 0, "int64" }, { 7, 7, "f", 0.5, "float32" },
      { 6, 9, "d", 0.1, "float64" } }
    for _, case in ipairs(cases) do
      local class, stored, code, value, dtype = table.unpack(case)
      local v = read(file { matrix("x", class, { 1, 1 }, element(stored, pack("<" .. code, value))) })
      assert.equal(dtype, v.x.dtype)
      assert.equal(value, v.x:item())
    end
    refused(file { matrix("big", 15, { 1, 1 }, element(13, pack("<i8", -1))) },
      "variable 'big': element 1 is 18446744073709551615, more than int64 can hold")
  end)

  it("give complex, logical, sparse, text, cells and structs", function()
    local complex = matrix("z", 6, { 1, 2 }, element(9, pack("<dd", 1, 2)) .. element(9, pack("<dd", 3, 4)), 0x800)
    local logical = matrix("l", 9, { 1, 2 }, element(2, "\0\5"), 0x200)
    local sparse = matrix("s", 5, { 3, 2 }, element(5, pack("<i4i4", 0, 2)) .. element(5, pack("<i4i4i4", 0, 1, 2))
      .. element(9, pack("<dd", 7, 8)))
    local text = matrix("t", 4, { 1, 3 }, element(4, pack("<I2I2I2", 97, 0xd83e, 0xdde0)))
    local rows = matrix("r", 4, { 2, 2 }, element(16, "acbd"))
    local one = matrix("", 6, { 1, 1 }, element(9, pack("<d", 1)))
    local cell = matrix("c", 1, { 1, 2 }, one .. matrix("", 4, { 1, 1 }, element(16, "x")))
    local struct = matrix("st", 2, { 1, 1 }, element(5, pack("<i4", 4)) .. element(1, "a\0\0\0b\0\0\0a\0\0\0")
      .. one .. element(14, "") .. one)
    local v = read(file { complex, logical, sparse, text, rows, cell, struct })
    assert.same({ { { 1, 3 }, { 2, 4 } } }, v.z:totable())
    assert.same({ false, true }, flat(v.l))
    assert.same({ 3, 2 }, v.s.shape)
    assert.same({ { 1, 3 }, { 1, 2 }, { 7, 8 } }, { v.s.row:totable(), v.s.col:totable(), v.s.values:totable() })
    assert.equal("a\u{1f9e0}", v.t)
    assert.same({ "ab", "cd" }, v.r)
    assert.equal(2, #v.c)
    assert.same({ 1, 2 }, v.c.shape)
    assert.equal("x", v.c[2])
    assert.equal(1, v.st.a:item())
    assert.same({ 0, 0 }, v.st.b.shape)
    assert.equal(1, v.st._1_a:item())
  end)

  it("of version 4 give numbers, text and sparse matrices", function()
    local v = read(support.four("x", 0, { 2, 2 }, pack("<dddd", 1, 2, 3, 4))
      .. support.four("t", 51, { 1, 2 }, "hi")
      .. support.four("s", 2, { 3, 3 }, pack("<ddddddddd", 1, 2, 4, 1, 1, 2, 5, 6, 0))
      .. support.four("i", 30, { 1, 1 }, pack("<i2", -7))
      .. support.four("z", 0, { 1, 1 }, pack("<dd", 1, 2), 1))
    assert.same({ { 1, 3 }, { 2, 4 } }, v.x:totable())
    assert.equal("hi", v.t)
    assert.same({ 4, 2 }, v.s.shape)
    assert.same({ 5, 6 }, v.s.values:totable())
    assert.equal(-7, v.i:item())
    assert.same({ { { 1, 2 } } }, v.z:totable())
    assert.equal(3, read(support.four("x", 1000, { 1, 1 }, pack(">d", 3), 0, ">")).x:item())
  end)

  it("are read by variable, and listed", function()
    local bytes = file { support.double("a", { 1, 1 }, { 1 }), matrix("f", 16, { 1, 1 }, "") }
    local one = read(bytes, "a")
    assert.equal(1, one.a:item())
    assert.is_nil(one.f)
    assert.equal("a function handle", read(bytes).f.unread)
    local listed = core_io.mat_list(write("x.mat", bytes))
    assert.same({ class = "double", shape = { 1, 1 } }, listed.a)
    assert.equal("function_handle", listed.f.class)
    local sparse = matrix("s", 5, { 3, 2 }, element(5, pack("<i4i4", 0, 2)) .. element(5, pack("<i4i4i4", 0, 1, 2))
      .. element(2, "\1\1"), 0x200)
    assert.same({ class = "logical", shape = { 3, 2 } }, core_io.mat_list(write("s.mat", file { sparse })).s)
    local s = read(file { sparse }).s
    assert.same({ "bool", { true, true } }, { s.values.dtype, s.values:totable() })
    local path = write("x.mat", bytes)
    local value, err = lamina.try(lamina.data.mat, path, "aa")
    assert.is_nil(value)
    assert.truthy(tostring(err):find("there is no variable 'aa' (did you mean 'a'?)", 1, true), tostring(err))
    assert.equal(1, lamina.data.mat(path, "a"):item())
    value, err = lamina.try(lamina.data.mat, path, "f")
    assert.is_nil(value)
    assert.truthy(tostring(err):find("variable 'f' is a function handle", 1, true), tostring(err))
  end)

  it("that claim too much are refused", function()
    refused(file { matrix("x", 6, { 1 << 30, 1 << 30 }, element(9, pack("<d", 1))) },
      "variable 'x': the shape asks for")
    refused(file { matrix("x", 1, { 1 << 20, 4 }, "") }, "variable 'x': truncated: 4194304 cells in 0 bytes")
    refused(file { matrix("x", 2, { 1 << 20, 1 }, element(5, pack("<i4", 1)) .. element(1, "")) },
      "1048576 structs without fields")
    refused(file { matrix("x", 5, { 2, 1 }, element(5, pack("<i4", 2)) .. element(5, pack("<i4i4", 0, 1))
      .. element(9, pack("<d", 1))) }, "entry 1 of a sparse matrix is in row 3 of 2")
    refused(file { matrix("x", 99, { 1, 1 }, "") }, "unknown class 99")
    refused("not a MATLAB file at all" .. ("."):rep(120), "not a MATLAB file")
    local deep = matrix("", 6, { 1, 1 }, element(9, pack("<d", 1)))
    for i = 1, 70 do deep = matrix(i == 70 and "x" or "", 1, { 1, 1 }, deep) end
    refused(file { deep }, "nested more than 64 deep")
  end)
end)

-- ---- scipy's files ---------------------------------------------------------------------------------------------

local root = (os.getenv "LAMINA_DATA" or "../shared/data") .. "/fixtures/mat"

local same -- (expected, value, where)

local function same_numbers(expected, t, where)
  local shape = {}
  for i, n in ipairs(expected.shape) do shape[i] = n end
  local values = expected.values_column_major
  local complex = type(values) == "table" and type(values[1]) == "table"
  local got = t.shape
  if complex then assert.equal(2, table.remove(got), where) end
  if #shape == 2 and #got == 2 and t:count() == 0 then return end
  assert.same(shape, got, where)
  if type(values) ~= "table" then return end
  local axes = {}
  for i = #got, 1, -1 do axes[#axes + 1] = i end
  if complex then axes[#axes + 1] = #got + 1 end
  local list = t:permute(axes):contiguous():reshape(complex and { -1, 2 } or { -1 }):totable()
  for i, value in ipairs(values) do
    local have = list[i]
    if complex then
      assert.equal(value[1], have[1], where)
      assert.equal(value[2], have[2], where)
    else
      if type(have) == "boolean" then have = have and 1 or 0 end
      if type(value) == "boolean" then value = value and 1 or 0 end
      if value == "NaN" then assert.is_true(have ~= have, where) else assert.equal(value, have, where) end
    end
  end
end

local function same_sparse(expected, v, where)
  assert.same(expected.shape, v.shape, where)
  local have, want = {}, {}
  local rows, cols, values = v.row:totable(), v.col:totable(), v.values:totable()
  local function key(r, c, x)
    if type(x) == "table" then x = x[1] .. "+" .. x[2] .. "i" elseif x == true then x = 1 end
    return string.format("%d,%d", r, c) .. "=" .. tostring(x):gsub("%.0", "")
  end
  for i = 1, #rows do have[i] = key(rows[i] - 1, cols[i] - 1, values[i]) end
  for i = 1, #expected.row do want[i] = key(expected.row[i], expected.col[i], expected.data[i]) end
  table.sort(have)
  table.sort(want)
  assert.same(want, have, where)
end

local function same_struct(expected, v, where)
  local elements = expected.elements_column_major
  local list = #elements == 1 and { v } or v
  assert.equal(#elements, #list, where)
  for i, element_ in ipairs(elements) do
    for _, field in ipairs(expected.fields) do same(element_[field], list[i][field], where .. "." .. field) end
  end
end

function same(expected, v, where)
  if expected.kind == "numeric" then
    same_numbers(expected, v, where)
  elseif expected.kind == "char" then
    assert.same(expected.rows, type(v) == "string" and (v == "" and {} or { v }) or v, where)
  elseif expected.kind == "cell" and (expected.elements_column_major[1] or {}).kind == "none" then
    assert.same({}, v, where) -- a struct without fields
  elseif expected.kind == "cell" then
    assert.equal(#expected.elements_column_major, #v, where)
    assert.same(expected.shape, v.shape, where)
    for i, cell in ipairs(expected.elements_column_major) do same(cell, v[i], where .. "{" .. i .. "}") end
  elseif expected.kind == "sparse" then
    same_sparse(expected, v, where)
  elseif expected.kind == "struct" then
    same_struct(expected, v, where)
  else
    assert.is_string(v.unread, where .. ": " .. tostring(expected.kind))
  end
end

describe("the files of scipy's tests", function()
  if not base.exists(root .. "/expected.json") then
    it("are compared with what scipy reads", function()
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
      local v, err = lamina.try(core_io.mat_read, root .. "/" .. name)
      if not want.ok then
        assert.is_nil(v)
        assert.equal("format", err.kind)
        return
      end
      assert.is_nil(err, tostring(err))
      assert.equal(want.version, core_io.mat_version(root .. "/" .. name))
      for variable, what in pairs(want.variables) do
        if variable ~= "None" then same(what, v[variable], variable) end
      end
    end)
  end
end)
