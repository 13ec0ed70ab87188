--- lamina.data.netcdf: netCDF-4 files, which are HDF5 with named dimensions, as xarray and Brain-Score write them.
--
-- A dimension is a dataset of the class DIMENSION_SCALE; a variable names its dimensions by references to them
-- (DIMENSION_LIST). A variable of the name of its own dimension is a coordinate, and so is one that the attribute
-- `coordinates` of another (or of the file) names. Values equal to _FillValue or missing_value are missing: NaN in
-- floating-point variables; where there is a scale_factor or add_offset the values are float64, unpacked. Arrays of
-- single characters are strings along their last axis.
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

local File = { __name = "netcdf file" }
File.__index = object.index("a netcdf file", File, "name dims variables coords attributes")

-- Attributes of HDF5 and of netCDF's own book-keeping, which say nothing to a user.
local HIDDEN = { CLASS = true, NAME = true, DIMENSION_LIST = true, REFERENCE_LIST = true, _Netcdf4Dimid = true,
  _Netcdf4Coordinates = true, _NCProperties = true, _nc3_strict = true, DIMENSION_LABELS = true }

local function visible(attributes)
  local kept = {}
  for name, value in pairs(attributes) do
    if not HIDDEN[name] then kept[name] = value end
  end
  return kept
end

-- ---- values ----------------------------------------------------------------------------------------------------

-- True where values are missing; nil where none can be.
local function missing_in(values, attributes)
  local mask
  for _, name in ipairs { "_FillValue", "missing_value" } do
    local marks = attributes[name]
    if tensor.is_tensor(marks) then marks = marks:reshape({ -1 }):totable() end
    for _, mark in ipairs(type(marks) == "table" and marks or { marks }) do
      if type(mark) == "number" and mark == mark then
        local here = values:eq(mark)
        mask = mask and mask:logical_or(here) or here
      end
    end
  end
  return mask
end

-- Numbers with missing ones as NaN, unpacked; small integers that xarray marked as bool are bool.
local function decoded(values, attributes)
  if attributes.dtype == "bool" and values.dtype ~= "bool" then return values:ne(0) end
  local scale, offset = attributes.scale_factor, attributes.add_offset
  local packed = type(scale) == "number" or type(offset) == "number"
  local float = values.dtype == "float32" or values.dtype == "float64"
  local mask = values.dtype ~= "bool" and missing_in(values, attributes) or nil
  if mask and not mask:any():item() then mask = nil end
  if not float and (packed or mask) then values = values:to "float64" end
  if packed then
    values = values:to "float64"
    if type(scale) == "number" then values = values * scale end
    if type(offset) == "number" then values = values + offset end
  end
  if mask then values = ops.where(mask, tensor.full({ 1 }, 0 / 0, { dtype = values.dtype }), values) end
  return values
end

-- An array of single characters as strings along its last axis.
local function joined(list, shape)
  local width, texts = shape[#shape], {}
  for i = 1, #list // math.max(width, 1) do
    texts[i] = (table.concat(list, "", (i - 1) * width + 1, i * width):gsub("%z+$", ""))
  end
  if #shape == 1 then return texts[1] or "" end
  if #shape > 2 then texts.shape = table.move(shape, 1, #shape - 1, 1, {}) end
  return texts
end

-- ---- dimensions ------------------------------------------------------------------------------------------------

local function last_name(path) return path:match "([^/]+)$" or path end

-- The names of a variable's dimensions.
local function dims_of(file, path, info, attributes, scales)
  local dims, list = {}, attributes.DIMENSION_LIST
  for axis = 1, #(info.shape or {}) do
    local target = type(list) == "table" and list[axis] or nil
    if type(target) == "table" then target = target[1] end
    if target == nil and scales[path] and #info.shape == 1 then target = path end
    dims[axis] = type(target) == "string" and last_name(target) or string.format("dim_%d", axis)
  end
  if type(list) == "string" and #dims == 1 then dims[1] = last_name(list) end
  return dims
end

local Variable = { __name = "netcdf variable" }
Variable.__index = object.index("a netcdf variable", Variable, "name values dims attributes")
Variable.__tostring = function(self)
  local values = self.values
  local kind = tensor.is_tensor(values) and values.dtype or type(values) == "string" and "string" or "strings"
  return string.format("%s (%s) %s", self.name, table.concat(self.dims, ", "), kind)
end

-- The axis that single characters were along is gone.
local function read_variable(file, path, info, attributes, scales)
  local dims = dims_of(file, path, info, attributes, scales)
  local values = file:read(path)
  local single = info.dtype == "string" and type(values) == "table" and #dims > 0 and #values > 0
  for i = 1, single and #values or 0 do
    if #values[i] > 1 then
      single = false
      break
    end
  end
  local wide = single and (attributes._Encoding ~= nil or dims[#dims]:find "^string%d+$" or dims[#dims]:find "strlen")
  if wide then
    values = joined(values, info.shape)
    dims[#dims] = nil
  end
  if tensor.is_tensor(values) then values = decoded(values, attributes) end
  return setmetatable({ name = path, values = values, dims = dims, attributes = visible(attributes) }, Variable)
end

-- The words of `coordinates` attributes.
local function add_named(named, attributes)
  if type(attributes.coordinates) ~= "string" then return end
  for name in attributes.coordinates:gmatch "%S+" do named[name] = true end
end

-- ---- files -----------------------------------------------------------------------------------------------------

--- The contents of an open HDF5 file as netCDF.
function M.read(file)
  local listed, found = file:list(), {}
  local made = { name = file.name, dims = {}, variables = {}, coords = {} }
  made.attributes = visible(file:attributes())
  local scales, named = {}, {}
  add_named(named, made.attributes)
  for path, info in pairs(listed) do
    if info.kind == "dataset" then
      local attributes = file:attributes(path)
      found[path] = attributes
      add_named(named, attributes)
      if attributes.CLASS == "DIMENSION_SCALE" then
        scales[path] = true
        made.dims[last_name(path)] = info.shape and info.shape[1] or 0
      end
    end
  end
  for path, attributes in pairs(found) do
    local hollow = type(attributes.NAME) == "string" and attributes.NAME:find "^This is a netCDF dimension but not"
    if not hollow then
      local variable = read_variable(file, path, listed[path], attributes, scales)
      local coordinate = scales[path] or named[last_name(path)]
      made[coordinate and "coords" or "variables"][path] = variable
    end
  end
  made.attributes.coordinates = nil
  return setmetatable(made, File)
end

local function lines_of(title, entries, lines)
  local names = {}
  for name in pairs(entries) do names[#names + 1] = name end
  table.sort(names)
  lines[#lines + 1] = "  " .. title
  for _, name in ipairs(names) do
    local entry = entries[name]
    lines[#lines + 1] = "    " .. (type(entry) == "number" and name .. ": " .. entry or tostring(entry))
  end
end

File.__tostring = function(self)
  local lines = { self.name .. ":" }
  lines_of("dimensions", self.dims, lines)
  lines_of("coordinates", self.coords, lines)
  lines_of("variables", self.variables, lines)
  return table.concat(lines, "\n")
end

--- The variable of a name, with the nearest one in the message where there is none.
function M.variable(nc, name, position)
  if nc.variables[name] then return nc.variables[name] end
  local all = {}
  for known in pairs(nc.variables) do all[#all + 1] = known end
  table.sort(all)
  local near = errors.nearest(name, all)
  errors.raise("argument", position, "%s: there is no variable '%s'%s; it holds %s", nc.name, name,
    near and " (did you mean '" .. near .. "'?)" or "", #all > 0 and table.concat(all, ", ") or "none")
end

return M
