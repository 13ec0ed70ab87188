--- lamina.neural.assembly_files: the arrays of an assembly by name, out of .npz, .npy, .h5, .mat and .nc files.
--
-- Whatever the file, an array of one entry for each row of `responses` goes by its name, one of an entry for each
-- neuroid by a name that begins with neuroid_, one of an entry for each time bin by one that begins with time_bin. In
-- .h5 and .mat files the arrays may also stand in groups (structs) `stimulus` (or `presentation`), `neuroid` and
-- `time_bin`, under plain names. In netCDF files the variable's dimensions say which is which.
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local tensor = require "lamina.core.tensor"
local writing = require "lamina.neural.assembly_write"

local M = {}

-- The names that arrays of the groups have at the top.
local GROUPS = {
  stimulus = function(name) return name end,
  presentation = function(name) return name end,
  neuroid = writing.neuroid_name,
  time_bin = writing.time_name,
}

local function is_group(name, value)
  return GROUPS[name] and type(value) == "table" and #value == 0 and not tensor.is_tensor(value)
end

-- Moves what stands in the groups to the top, under the names that an .npz would have.
local function flattened(tree)
  local arrays = {}
  for name, value in pairs(tree) do
    if not is_group(name, value) then arrays[name] = value end
  end
  for name, value in pairs(tree) do
    if is_group(name, value) then
      for own, array in pairs(value) do arrays[GROUPS[name](own)] = array end
    end
  end
  return arrays
end

-- ---- MATLAB ----------------------------------------------------------------------------------------------------

-- MATLAB has no arrays of one axis: rows and columns become lists, cells of strings and char arrays too.
local function from_matlab(value)
  if tensor.is_tensor(value) then
    local shape = value.shape
    if #shape == 2 and (shape[1] == 1 or shape[2] == 1) then return value:reshape { -1 } end
    return value
  end
  if type(value) ~= "table" then return value end
  local list = {}
  for i, entry in ipairs(value) do
    if tensor.is_tensor(entry) and entry:count() == 1 then entry = entry:item() end
    if type(entry) == "string" then entry = entry:gsub("%s+$", "") end
    list[i] = entry
  end
  if #list > 0 then return list end
  for name, entry in pairs(value) do list[name] = from_matlab(entry) end
  return list
end

local function read_mat(path, position)
  local arrays = {}
  for name, value in pairs(require("lamina.data.mat").read(path, nil, position)) do
    local whole = name == "responses" or name == "valid"
    arrays[name] = whole and value or from_matlab(value)
  end
  return flattened(arrays)
end

-- ---- netCDF ----------------------------------------------------------------------------------------------------

local ROWS = { presentation = true, stimulus = true, image = true }
local UNITS = { neuroid = true, unit = true, neuron = true }
local REPEATS = { repetition = true, ["repeat"] = true }
local TIMES = { time_bin = true, time = true, time_step = true }

-- Which axis of a variable has one of these names.
local function axis_of(variable, names)
  for axis, dim in ipairs(variable.dims) do
    if names[dim] then return axis end
  end
end

-- The variable of the responses: the one of that name, or the only one with presentations and neuroids.
local function responses_of(nc, name, position)
  if name then return require("lamina.data.netcdf").variable(nc, name, position) end
  local found = {}
  for known, variable in pairs(nc.variables) do
    if axis_of(variable, ROWS) and axis_of(variable, UNITS) then found[#found + 1] = known end
  end
  table.sort(found)
  if #found == 1 then return nc.variables[found[1]] end
  local all = {}
  for known in pairs(nc.variables) do all[#all + 1] = known end
  table.sort(all)
  errors.raise("format", position, "%s: %s the dimensions presentation and neuroid; say which one holds the "
    .. "responses with variable = \"NAME\" (there are %s)", nc.name,
    #found == 0 and "no variable has" or "several variables have", #all > 0 and table.concat(all, ", ") or "none")
end

local function read_netcdf(path, name, position)
  local file <close> = require("lamina.hdf5").handle(path, position)
  local nc = require("lamina.data.netcdf").read(file)
  local variable = responses_of(nc, name, position)
  local rows, units, repeats = axis_of(variable, ROWS), axis_of(variable, UNITS), axis_of(variable, REPEATS)
  if not rows or not units or not tensor.is_tensor(variable.values) then
    errors.raise("format", position, "%s: variable '%s' has the dimensions %s, expected presentation and neuroid",
      nc.name, variable.name, table.concat(variable.dims, ", "))
  end
  local times = axis_of(variable, TIMES)
  local order, shape, kept = {}, variable.values.shape, {}
  for _, axis in ipairs { rows, units, repeats or 0, times or 0 } do
    if axis > 0 then order[#order + 1], kept[#kept + 1] = axis, shape[axis] end
  end
  for axis, dim in ipairs(variable.dims) do
    if axis ~= rows and axis ~= units and axis ~= repeats and axis ~= times then
      if shape[axis] ~= 1 then
        errors.raise("shape", position, "%s: variable '%s' has %d entries along '%s'; an assembly has presentations, "
          .. "neuroids, repetitions and time bins: take a mean over them, or one of them, of what data.netcdf reads",
          nc.name, variable.name, shape[axis], dim)
      end
      order[#order + 1] = axis
    end
  end
  local arrays = { responses = variable.values:permute(order):contiguous():reshape(kept),
    lamina = nc.attributes.lamina }
  if arrays.lamina then -- a:save wrote it: NaN stands for a missing trial
    local missing = arrays.responses:isnan()
    if missing:any():item() then arrays.valid = missing:logical_not() end
  end
  for known, coordinate in pairs(nc.coords) do
    local dim = #coordinate.dims == 1 and coordinate.dims[1]
    if dim == variable.dims[rows] then
      arrays[known] = coordinate.values
    elseif dim == variable.dims[units] then
      arrays[known:find "^neuroid_" and known or "neuroid_" .. known] = coordinate.values
    elseif times and dim == variable.dims[times] then
      arrays[writing.time_name(known == "time" and "time_bin" or known)] = coordinate.values
    end
  end
  if times and not arrays.time_bin_start and not arrays.time_bin then -- an axis of time without coordinates
    arrays.time_bin = tensor.arange(1, shape[times])
  end
  return arrays
end

-- ---- by the file's name ----------------------------------------------------------------------------------------

--- The arrays of a file by name; variable: which one of a netCDF file holds the responses.
function M.read(path, variable, position)
  local kind = path:lower():match "%.(%w+)$"
  if variable and kind ~= "nc" and kind ~= "nc4" then
    errors.raise("argument", position, "neural.assembly: variable = '%s' is for netCDF files; %s holds 'responses'",
      variable, path)
  end
  if kind == "nc" or kind == "nc4" then return read_netcdf(path, variable, position) end
  if kind == "mat" then return read_mat(path, position) end
  if kind == "npy" then return { responses = core_io.npy_read(path) } end
  if kind == "h5" or kind == "hdf5" then
    local hdf5 = require "lamina.hdf5"
    local file <close> = hdf5.handle(path, position)
    return flattened(hdf5.tree(file))
  end
  return core_io.npz_read(path)
end

return M
