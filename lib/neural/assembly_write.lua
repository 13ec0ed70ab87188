--- lamina.neural.assembly_write: assemblies as .npz, HDF5 and netCDF files, which neural.assembly reads back as they
-- were.
local errors = require "lamina.errors"
local lazy = require "lamina.lazy"
local ops = require "lamina.core.ops"
local parts_of = require "lamina.neural.assembly_parts"
local tensor = require "lamina.core.tensor"

local M = { methods = {} }
local Assembly = M.methods

--- What the entry `lamina` of a file says first.
M.MARK = "assembly 1"

local KINDS = { string = "texts", boolean = "true and false", number = "numbers" }

-- A coordinate as a file holds it: a tensor of numbers or of true and false, or a list of texts.
local function stored(list, n, axis, name, position)
  if lazy.is(list) then list = lazy.all(list) end
  if #list ~= n then
    errors.raise("shape", position, "save: coordinate '%s' of %s has %d entries, expected %d", name, axis, #list, n)
  end
  local kind, whole = type(list[1]), true
  for i, value in ipairs(list) do
    if type(value) ~= kind or not KINDS[kind] then
      errors.raise("argument", position, "save: coordinate '%s' of %s holds a %s at entry %d%s; a file holds "
        .. "numbers, "
        .. "texts, or true and false", name, axis, type(value), i, i > 1 and " after " .. KINDS[kind] or "")
    end
    whole = whole and math.type(value) == "integer"
  end
  if kind == "string" then return list end
  return tensor.tensor(list, { dtype = kind == "boolean" and "bool" or whole and "int64" or "float64" })
end

--- The name in a file of a coordinate of neuroids or time bins.
function M.neuroid_name(name) return name == "neuroid_id" and name or "neuroid_" .. name end
function M.time_name(name) return name:find "^time_" and name or "time_bin_" .. name end

local RESERVED = { responses = true, valid = true, lamina = true }

-- The coordinates of the three axes, as a file holds them: lists by the name of the axis and their own.
local function coordinates_of(a, columns, position)
  local found = { presentation = {}, neuroid = {}, time_bin = {} }
  local function add(axis, lists, n, called)
    for name, list in next, lists do
      if name ~= "_count" then found[axis][name] = stored(list, n, called, name, position) end
    end
  end
  add("presentation", columns, #a.presentation, "presentations")
  add("neuroid", a.neuroid, #a.neuroid, "neuroids")
  if a.time_bin then add("time_bin", a.time_bin, #a.time_bin, "time bins") end
  for name in pairs(found.presentation) do
    if RESERVED[name] or name:find "^neuroid_" or name:find "^time_" then
      errors.raise("argument", position, "save: a coordinate of presentations is called '%s', which a file keeps for "
        .. "something else; give it another name", name)
    end
  end
  return found
end

-- What a file says of itself.
local function marks_of(a)
  local marks = { M.MARK }
  if a.numbered then table.insert(marks, "numbered") end
  if a.counted then table.insert(marks, "counted") end
  return marks
end

-- The responses by presentations, NaN where a trial is missing, which of them are there (nil: all), and coordinates.
local function parts_to_write(a, position)
  local x, valid, columns = parts_of.presentations(a)
  if valid then x = ops.where(valid, x, tensor.full({ 1 }, 0 / 0, { dtype = x.dtype })) end
  return x:contiguous(), valid, coordinates_of(a, columns, position)
end

-- The arrays of a file by name.
local function arrays_of(a, position)
  local x, valid, coordinates = parts_to_write(a, position)
  local arrays = { lamina = marks_of(a), responses = x, valid = valid and valid:contiguous() }
  for name, list in pairs(coordinates.presentation) do arrays[name] = list end
  for name, list in pairs(coordinates.neuroid) do arrays[M.neuroid_name(name)] = list end
  for name, list in pairs(coordinates.time_bin) do arrays[M.time_name(name)] = list end
  return arrays
end

-- ---- netCDF ----------------------------------------------------------------------------------------------------

local DIMS = { "presentation", "neuroid", "time_bin" }
local IS_DIM = { presentation = true, neuroid = true, time_bin = true }

-- The names that coordinates have in a netCDF file, where all axes share one set of names, by axis and their own. A
-- neuroid's goes by its own, as Brain-Score has it, unless that is taken, or reads back as another.
local function netcdf_names(coordinates, position)
  local taken, names = { responses = true }, { presentation = {}, neuroid = {}, time_bin = {} }
  local function take(axis, own, name)
    if taken[name] or IS_DIM[name] and name ~= axis then
      errors.raise("argument", position, "save: a coordinate of %ss is called '%s', and a netCDF file has that name "
        .. "for something else; give it another name", axis:gsub("_", " "), own)
    end
    if name:find "[%s/]" then
      errors.raise("argument", position, "save: a coordinate of %ss is called '%s', and names in a netCDF file have "
        .. "neither spaces nor '/'; give it another name", axis:gsub("_", " "), own)
    end
    taken[name], names[axis][own] = true, name
  end
  for _, axis in ipairs(DIMS) do
    local list = {}
    for own in pairs(coordinates[axis]) do list[#list + 1] = own end
    table.sort(list)
    for _, own in ipairs(list) do
      local name = axis == "time_bin" and M.time_name(own) or own
      local as_read = name == "neuroid_id" or not name:find "^neuroid_"
      if axis == "neuroid" and (taken[name] or name ~= axis and IS_DIM[name] or not as_read) then
        name = M.neuroid_name(own)
      end
      take(axis, own, name)
    end
  end
  return names
end

-- Adds the dimension of an axis of n entries: its coordinate of its own name, or a data set without meaning, as
-- netCDF has it.
local function add_dimension(contents, attributes, dim, n, id)
  local own = attributes[dim] or {}
  own.CLASS, own._Netcdf4Dimid, own.DIMENSION_LIST = "DIMENSION_SCALE", tensor.tensor(id, { dtype = "int64" }), nil
  own.NAME = dim
  if not contents[dim] then
    contents[dim] = tensor.zeros { n }
    own.NAME = string.format("This is a netCDF dimension but not a netCDF variable.%10d", n)
  end
  attributes[dim] = own
end

-- The data sets of a netCDF-4 file by name, and the attributes that make them variables of dimensions.
local function netcdf_of(a, position)
  local x, _, coordinates = parts_to_write(a, position)
  if a.time_bin and x.ndim == 2 then x = x:unsqueeze(3) end -- one time bin
  local names = netcdf_names(coordinates, position)
  local contents, attributes, listed = { responses = x }, { ["/"] = { lamina = marks_of(a) } }, {}
  for axis, own in pairs(names) do
    for coordinate, name in pairs(own) do
      local list = coordinates[axis][coordinate]
      attributes[name] = { DIMENSION_LIST = { axis } }
      if tensor.is_tensor(list) and list.dtype == "bool" then -- as xarray writes it
        list, attributes[name].dtype = list:to "uint8", "bool"
      end
      contents[name] = list
      if name ~= axis then listed[#listed + 1] = name end
    end
  end
  table.sort(listed)
  local dims = table.move(DIMS, 1, x.ndim, 1, {})
  attributes.responses = { DIMENSION_LIST = dims, coordinates = table.concat(listed, " ") }
  for i, dim in ipairs(dims) do add_dimension(contents, attributes, dim, x:size(i), i - 1) end
  return contents, attributes
end

-- ---- the method ------------------------------------------------------------------------------------------------

local WRITERS = {}

function WRITERS.npz(io, path, a, position) return errors.try(io.npz_write, path, arrays_of(a, position)) end

function WRITERS.h5(io, path, a, position) return errors.try(io.hdf5_write, path, arrays_of(a, position), {}) end
WRITERS.hdf5 = WRITERS.h5

function WRITERS.nc(io, path, a, position)
  local contents, attributes = netcdf_of(a, position)
  return errors.try(io.hdf5_write, path, contents, { attributes = attributes })
end
WRITERS.nc4 = WRITERS.nc

--- a:save "responses.npz", a:save "responses.h5": the assembly as a file of arrays: responses (presentation x
-- neuroid, or presentation x neuroid x time bin; NaN where a trial is missing), valid (where any is), stimulus_id,
-- repetition and the other coordinates of presentations, those of neuroids as neuroid_NAME, those of time bins as
-- time_bin_NAME. a:save "responses.nc": netCDF-4, as Brain-Score packages assemblies and xarray opens them
-- (xarray.open_dataarray): the variable responses of the dimensions presentation, neuroid and time_bin, NaN where a
-- trial is missing, and all coordinates by their own names (a neuroid's as neuroid_NAME where a presentation's has
-- it). neural.assembly of that file is equal to what was saved. The file appears complete or not at all; a relative
-- path is one in the experiment's folder. Returns the path written.
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 } }, stimulus_id = { "face", "hand" } } }
-- > neural.assembly(a:save "responses.npz"):equal(a)   --> true
function Assembly:save(path)
  local position = errors.position(2)
  local write = type(path) == "string" and WRITERS[path:lower():match "%.(%w+)$"]
  if not write then
    errors.raise("argument", position, "save: expected a name that ends in .npz, .h5 or .nc, got %s",
      require("lamina.schema").shown(path))
  end
  path = require("lamina.experiment").path(path)
  local _, err = write(require "lamina.core.io", path, self, position)
  if err ~= nil then errors.raise(err.kind, position, "%s", err.message) end
  return path
end

return M
