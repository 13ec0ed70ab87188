--- lamina.data.mat: MATLAB's files for data.mat: versions 4 and 5 by the runtime's reader, 7.3 as HDF5.
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"

local M = {}

-- The variable of a name out of the names that there are.
local function check_name(path, names, name, position)
  if type(name) ~= "string" then
    errors.raise("argument", position, "data.mat: the name of a variable is a %s, expected a string", type(name))
  end
  table.sort(names)
  for _, known in ipairs(names) do
    if known == name then return end
  end
  local near = errors.nearest(name, names)
  local shown = table.concat(names, ", ", 1, math.min(#names, 12)) .. (#names > 12 and ", ..." or "")
  errors.raise("argument", position, "data.mat: %s: there is no variable '%s'%s; it holds %s", path, name,
    near and " (did you mean '" .. near .. "'?)" or "", #names > 0 and shown or "none")
end

local function names_of(listed)
  local names = {}
  for name in pairs(listed) do names[#names + 1] = name end
  return names
end

-- Versions 4 and 5, and 7.3, by the same two questions: the names, and the variables of some of them.
local function of_version(path, position)
  if core_io.mat_version(path) ~= "7.3" then
    return function() return names_of(core_io.mat_list(path)) end, function(names)
      if not names then return core_io.mat_read(path) end
      return core_io.mat_read(path, names[1])
    end
  end
  local file = require("lamina.hdf5").handle(path, position)
  local mat73 = require "lamina.data.mat73"
  return function() return mat73.names(file) end, function(names)
    local values = mat73.read(file, names or mat73.names(file), position)
    file:close()
    return values
  end
end

--- Every variable of a file, or one; see data.mat.
function M.read(path, name, position)
  local list, read = of_version(path, position)
  if name == nil then return read() end
  check_name(path, list(), name, position)
  local value = read({ name })[name]
  if type(value) == "table" and value.unread then
    errors.raise("format", position, "data.mat: %s: variable '%s' is %s; save it in MATLAB as numbers, text, a cell "
      .. "array or a struct", path, name, value.unread)
  end
  return value
end

return M
