--- lamina.neural.assembly_write: assemblies as .npz and HDF5 files, which neural.assembly reads back as they were.
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

-- The arrays of a file by name.
local function arrays_of(a, position)
  local x, valid, columns = parts_of.presentations(a)
  local arrays = { lamina = { M.MARK } }
  if a.numbered then table.insert(arrays.lamina, "numbered") end
  if a.counted then table.insert(arrays.lamina, "counted") end
  if valid then
    x = ops.where(valid, x, tensor.full({ 1 }, 0 / 0, { dtype = x.dtype }))
    arrays.valid = valid:contiguous()
  end
  arrays.responses = x:contiguous()
  for name, list in pairs(columns) do
    if RESERVED[name] or name:find "^neuroid_" or name:find "^time_" then
      errors.raise("argument", position, "save: a coordinate of presentations is called '%s', which a file keeps for "
        .. "something else; give it another name", name)
    end
    arrays[name] = stored(list, #a.presentation, "presentations", name, position)
  end
  for name, list in next, a.neuroid do
    if name ~= "_count" then arrays[M.neuroid_name(name)] = stored(list, #a.neuroid, "neuroids", name, position) end
  end
  for name, list in next, a.time_bin or {} do
    if name ~= "_count" then arrays[M.time_name(name)] = stored(list, #a.time_bin, "time bins", name, position) end
  end
  return arrays
end

--- a:save "responses.npz", a:save "responses.h5": the assembly as a file of arrays: responses (presentation x
-- neuroid, or presentation x neuroid x time bin; NaN where a trial is missing), valid (where any is), stimulus_id,
-- repetition and the other coordinates of presentations, those of neuroids as neuroid_NAME, those of time bins as
-- time_bin_NAME. neural.assembly of that file is equal to what was saved. The file appears complete or not at all; a
-- relative path is one in the experiment's folder. Returns the path written.
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 } }, stimulus_id = { "face", "hand" } } }
-- > neural.assembly(a:save "responses.npz"):equal(a)   --> true
function Assembly:save(path)
  local position = errors.position(2)
  local ending = type(path) == "string" and path:lower():match "%.(%w+)$"
  if ending ~= "npz" and ending ~= "h5" and ending ~= "hdf5" then
    errors.raise("argument", position, "save: expected a name that ends in .npz or .h5, got %s",
      type(path) == "string" and "'" .. path .. "'" or "a " .. type(path))
  end
  local arrays, io = arrays_of(self, position), require "lamina.core.io"
  path = require("lamina.experiment").path(path)
  local _, err
  if ending == "npz" then
    _, err = errors.try(io.npz_write, path, arrays)
  else
    _, err = errors.try(io.hdf5_write, path, arrays, {})
  end
  if err ~= nil then errors.raise(err.kind, position, "%s", err.message) end
  return path
end

return M
