--- lamina.data.mat73: MATLAB files of version 7.3, which are HDF5: axes stand in the opposite order, cells and the
-- fields of struct arrays are references into the group #refs#, and attributes tell the class. The values are those
-- that data.mat gives for other versions.
local errors = require "lamina.errors"
local tensor = require "lamina.core.tensor"

local M = {}

local DEPTH = 64

-- MATLAB's order of the axes; complex: the last axis holds the two parts and stays.
local function turned(t, complex)
  local axes, n = {}, t.ndim - (complex and 1 or 0)
  for i = n, 1, -1 do axes[#axes + 1] = i end
  if complex then axes[#axes + 1] = n + 1 end
  if n < 2 then return t end
  return t:permute(axes):contiguous()
end

local function numbers_of(value) return tensor.is_tensor(value) and value:reshape({ -1 }):totable() or {} end

-- UTF-16 code units as UTF-8; halves of a character without the other become U+FFFD.
local function text_of(units)
  local parts, i = {}, 1
  while i <= #units do
    local unit, low = units[i], units[i + 1]
    if unit >= 0xd800 and unit < 0xdc00 and low and low >= 0xdc00 and low < 0xe000 then
      unit, i = 0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00), i + 1
    elseif unit >= 0xd800 and unit < 0xe000 or unit < 0 or unit > 0x10ffff then
      unit = 0xfffd
    end
    parts[#parts + 1] = utf8.char(unit)
    i = i + 1
  end
  return table.concat(parts)
end

local function chars(t)
  if t.ndim < 2 then return text_of(numbers_of(t)) end
  local rows = turned(t)
  if rows.ndim > 2 then return { unread = "a char array of more than two axes" } end
  if rows:count() == 0 then return "" end
  local list = {}
  for i, units in ipairs(rows:to("int64"):totable()) do list[i] = text_of(units) end
  return #list == 1 and list[1] or list
end

-- An empty array stores its shape in place of its values.
local function empty(class, shape)
  if class == "char" then return "" end
  if class == "cell" or class == "struct" then return { shape = shape } end
  local dtype = class == "logical" and "bool" or class == "single" and "float32" or class == "uint8" and "uint8"
    or class:find "int" and "int64" or "float64"
  return tensor.zeros(shape, { dtype = dtype })
end

-- ---- values by class -------------------------------------------------------------------------------------------

local read -- (reader, path, depth)

local function numeric(reader, path, class)
  local info = reader.listed[path]
  local complex = info.dtype:find "^complex" ~= nil
  local t = turned(reader.file:read(path), complex)
  if class == "logical" then t = t:ne(0) end
  return t
end

-- What a dataset of references points at, in MATLAB's order (columns first, which is the file's).
local function referenced(reader, path, depth)
  local refs = reader.file:read(path)
  local info, shape = reader.listed[path], {}
  for i = #info.shape, 1, -1 do shape[#shape + 1] = info.shape[i] end
  local list = {}
  for i, target in ipairs(type(refs) == "string" and { refs } or refs) do
    list[i] = read(reader, (tostring(target):gsub("^/+", "")), depth)
  end
  return list, shape
end

local function cells(reader, path, depth)
  local list, shape = referenced(reader, path, depth)
  list.shape = shape
  return list
end

-- The names directly in a group, sorted.
local function members(reader, path)
  local names = {}
  for known in pairs(reader.listed) do
    local name = known:sub(1, #path + 1) == path .. "/" and known:sub(#path + 2)
    if name and not name:find "/" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- The fields of a struct; where they are all references without a class, those of an array of structs.
local function struct(reader, path, depth)
  local names, array = members(reader, path), nil
  for _, name in ipairs(names) do
    local field = path .. "/" .. name
    local loose = reader.listed[field].dtype == "reference" and not reader.file:attributes(field).MATLAB_class
    if array == nil then array = loose elseif array ~= loose then array = false end
  end
  local made = {}
  for _, name in ipairs(names) do
    local field = path .. "/" .. name
    if not array then
      made[name] = read(reader, field, depth)
    else
      local list, shape = referenced(reader, field, depth)
      made.shape = shape
      for i, value in ipairs(list) do
        made[i] = made[i] or {}
        made[i][name] = value
      end
    end
  end
  return made
end

local function sparse(reader, path, attributes, depth)
  local rows, names = attributes.MATLAB_sparse, {}
  for _, name in ipairs(members(reader, path)) do names[name] = true end
  local starts = names.jc and numbers_of(reader.file:read(path .. "/jc")) or { 0 }
  local row, col = {}, {}
  local at = names.ir and numbers_of(reader.file:read(path .. "/ir")) or {}
  for c = 1, #starts - 1 do
    for k = starts[c] + 1, math.min(starts[c + 1], #at) do
      row[k], col[k] = at[k] + 1, c
    end
  end
  local values = names.data and read(reader, path .. "/data", depth) or tensor.zeros { 0, dtype = "float64" }
  if attributes.MATLAB_class == "logical" then values = values:ne(0) end
  if #row ~= #values then
    errors.raise("format", reader.position, "data.mat: %s: variable '%s': a sparse matrix of %d entries has %d "
      .. "values", reader.file.name, path, #row, #values)
  end
  return { shape = { rows, #starts - 1 }, row = tensor.tensor(row, { dtype = "int64" }),
    col = tensor.tensor(col, { dtype = "int64" }), values = values }
end

local function read_new(reader, path, depth)
  local info = reader.listed[path]
  if not info then
    errors.raise("format", reader.position, "data.mat: %s: a reference leads to '%s', which is not there",
      reader.file.name, path)
  end
  local attributes = reader.file:attributes(path)
  local class = attributes.MATLAB_class
  if attributes.MATLAB_empty and attributes.MATLAB_empty ~= 0 and info.kind == "dataset" then
    return empty(class or "double", numbers_of(reader.file:read(path)))
  end
  if attributes.MATLAB_sparse then return sparse(reader, path, attributes, depth) end
  if class == "function_handle" then return { unread = "a function handle" } end
  if attributes.MATLAB_object_decode then
    return { unread = string.format("an object of class '%s', whose form MATLAB does not publish", tostring(class)) }
  end
  if info.kind == "group" then return struct(reader, path, depth) end
  if info.kind ~= "dataset" then return { unread = "a " .. info.kind } end
  if class == "char" then return chars(reader.file:read(path)) end
  if info.dtype == "reference" then return cells(reader, path, depth) end
  if info.dtype:find "int" or info.dtype:find "float" or info.dtype:find "complex" or info.dtype == "bool" then
    return numeric(reader, path, class)
  end
  return reader.file:read(path)
end

-- Each object is read once, whatever points at it; one that lies within itself is an error.
function read(reader, path, depth)
  local known = reader.known[path]
  if known == nil then
    if depth > DEPTH or reader.open[path] then
      errors.raise("format", reader.position, "data.mat: %s: '%s' lies within itself", reader.file.name, path)
    end
    reader.open[path] = true
    known = read_new(reader, path, depth + 1)
    reader.open[path] = nil
    reader.known[path] = known
  end
  return known
end

--- The names of the variables of an open file.
function M.names(file)
  local names = {}
  for path in pairs(file:list()) do
    if not path:find "[/#]" then names[#names + 1] = path end
  end
  return names
end

--- Those of an open file's variables as a table by name.
function M.read(file, names, position)
  local reader = { file = file, listed = file:list(), known = {}, open = {}, position = position }
  local made = {}
  for _, name in ipairs(names) do made[name] = read(reader, name, 0) end
  return made
end

return M
