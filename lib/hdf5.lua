--- lamina.hdf5: HDF5 files (.h5), opened, read in parts, written.
--
--   local file = hdf5.open "recording.h5"
--   print(file)                                            -- what it holds
--   local x = file:read "session/spikes"                   -- a whole dataset
--   local part = file:read("session/spikes", { { 1, 100 }, {}, 3 })   -- as indices of a tensor
--   for block, first in file:rows("session/spikes", 1000) do ... end  -- more than fits into memory, 1000 rows a time
--   hdf5.write("out.h5", { x = x, session = { labels = { "a", "b" } } }, { compress = 4 })
--
-- Numbers become tensors: float16 and float32 float32, float64 float64, uint8 uint8, h5py's bool bool, other integers
-- int64 (one above 2^63 - 1 is an error), complex a last axis of 2. Strings are a string or a list (row-major, with a
-- field `shape` where there is more than one axis), compounds tables of their fields, runs of variable length lists,
-- references the paths of what they point at, opaque things strings of their bytes; what is not read is { unread =
-- what it is }. Every layout and the filters of libhdf5 and LZF are read; data that lie in other files never are.
--
-- data.hdf5 reads a file, or one dataset, in one call.
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local object = require "lamina.object"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local File = { __name = "hdf5 file" }
File.__index = object.index("an hdf5 file", File, "name")

-- ---- asking ----------------------------------------------------------------------------------------------------

-- What has no axes, or one entry, as a Lua number, boolean or string; anything else as it is.
local function plain(value)
  if tensor.is_tensor(value) and value.ndim <= 1 and value:count() == 1 then return value:reshape({ 1 })[1] end
  if type(value) ~= "table" or #value ~= 1 or value.shape then return value end
  if type(value[1]) == "string" then return value[1] end
  return value
end

local function sorted(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- Raises for a name that the file does not have, with the nearest one that it has.
local function missing(file, name, err, position)
  if err.kind ~= "argument" or not err.message:find("there is no", 1, true) then
    errors.raise(err.kind, position, "%s", err.message)
  end
  local names = sorted(file:list())
  local near = errors.nearest(name, names)
  local shown = table.concat(names, ", ", 1, math.min(#names, 12)) .. (#names > 12 and ", ..." or "")
  errors.raise("argument", position, "%s%s; it holds %s", err.message,
    near and " (did you mean '" .. near .. "'?)" or "", #names > 0 and shown or "nothing")
end

local function ask(file, position, method, name, ...)
  if type(name) ~= "string" or name == "" then
    errors.raise("argument", position, "%s: expected the path of an object, as in file:%s \"group/data\", got a %s",
      file.name, method, type(name))
  end
  local handle = file._handle
  local value, err = errors.try(handle[method], handle, name, ...)
  if err ~= nil then missing(file, name, err, position) end
  return value
end

--- file:list(): every object of the file by its path: { kind = "group", "dataset", "type", "soft link" or "external
-- link"; of a dataset dtype, shape (nil where it has no elements), layout, chunks and filters; of a soft link its
-- target }.
-- > hdf5.write("session.h5", { rates = zeros { 3 } })
-- > file = hdf5.open "session.h5"
-- > file:list()["rates"].dtype   --> float32
function File:list()
  self._listed = self._listed or self._handle:list()
  return self._listed
end

--- file:attributes(path): the attributes of an object by name ("/", and nil, is the file itself). What has one entry
-- is a Lua number or string, other numbers are tensors, references the paths of what they point at.
-- > hdf5.write("session.h5", { rates = zeros { 3 } }, { attributes = { ["/"] = { subject = "A" } } })
-- > file = hdf5.open "session.h5"
-- > file:attributes("/")   --> { subject = "A" }
function File:attributes(path)
  local attributes = ask(self, errors.position(2), "attributes", path or "/")
  for name, value in pairs(attributes) do attributes[name] = plain(value) end
  return attributes
end

-- ---- reading ---------------------------------------------------------------------------------------------------

-- The first and the last position that an entry of an index names, along an axis of n.
local function bounds(entry, n, axis, name, position)
  local first, last = 1, n
  if math.type(entry) == "integer" then
    first, last = entry, entry
  elseif type(entry) == "table" and #entry == 2 then
    first, last = entry[1], entry[2]
  elseif type(entry) ~= "table" or #entry ~= 0 then
    errors.raise("argument", position, "%s: entry %d of the index is %s, expected a position, { first, last } or {}",
      name, axis, type(entry) == "table" and "a list of " .. #entry or tostring(entry))
  end
  if math.type(first) ~= "integer" or math.type(last) ~= "integer" then
    errors.raise("argument", position, "%s: entry %d of the index holds something else than whole numbers",
      name, axis)
  end
  local from, to = first < 0 and first + n + 1 or first, last < 0 and last + n + 1 or last
  if from < 1 or to > n or from > to + 1 then
    errors.raise("argument", position, "%s: %d to %d is out of range along axis %d, which has %d", name, first, last,
      axis, n)
  end
  return from, to
end

-- What is read, without the axes at whose place one position was asked for.
local function squeezed(value, index)
  if not tensor.is_tensor(value) then return value end
  local shape, kept = value.shape, {}
  for axis = 1, #shape do
    if math.type(index[axis]) ~= "integer" then kept[#kept + 1] = shape[axis] end
  end
  return #kept == #shape and value or value:reshape(kept)
end

local function shape_of(file, name, position)
  local info = file:list()[(name:gsub("^/+", ""))]
  if info and info.kind == "dataset" then return info.shape end
  ask(file, position, "attributes", name) -- says what is wrong with the name
  errors.raise("argument", position, "%s: '%s' is a %s; a part of it cannot be read", file.name, name,
    info and info.kind or "link")
end

--- file:read(path[, index]): a dataset, or the part that an index as of a tensor names: { { 1, 100 }, {}, 3 } is
-- entries 1 to 100 of the first axis, all of the second, the third of the last (which goes). Numbers become a tensor
-- (float16 and float32 float32, float64 float64, uint8 uint8, h5py's bool bool, other integers int64; complex: a last
-- axis of 2), strings a string or a list, compounds a table of fields, references the paths of what they point at.
-- > hdf5.write("session.h5", { rates = arange(1, 6):reshape { 3, 2 } })
-- > file = hdf5.open "session.h5"
-- > file:read("rates", { { 2, 3 }, 1 })   --> [3 5]
function File:read(path, index)
  local position = errors.position(2)
  if index == nil then return ask(self, position, "read", path) end
  if type(path) ~= "string" then return ask(self, position, "read", path) end
  if type(index) ~= "table" then index = { index } end
  local shape = shape_of(self, path, position)
  if not shape or #index > #shape then
    errors.raise("argument", position, "%s: '%s' has %d axes, the index has %d entries", self.name, path,
      shape and #shape or 0, #index)
  end
  local start, count = {}, {}
  for axis, n in ipairs(shape) do
    local from, to = bounds(index[axis] or {}, n, axis, path, position)
    start[axis], count[axis] = from, to - from + 1
  end
  return squeezed(ask(self, position, "read", path, start, count), index)
end

--- file:rows(path, n): an iterator over a dataset in blocks of n entries of its first axis (the last may have fewer):
-- for block, first in file:rows("x", 1000) do ... end, where `first` is the block's place. Memory is taken for one
-- block at a time.
-- > hdf5.write("session.h5", { rates = ones { 10, 2 } })
-- > n = 0
-- > for block in hdf5.open("session.h5"):rows("rates", 4) do n = n + #block end
-- > n   --> 10
function File:rows(path, n)
  local position = errors.position(2)
  if math.type(n) ~= "integer" or n < 1 then
    errors.raise("argument", position, "rows: %s entries at a time, expected a whole number of at least 1",
      tostring(n))
  end
  local shape = shape_of(self, path, position)
  local total, at = shape and shape[1] or 0, 1
  return function()
    if at > total then return nil end
    local first = at
    at = math.min(first + n, total + 1)
    return self:read(path, { { first, at - 1 } }), first
  end
end

--- file:close(): ends it now instead of when Lua's collector comes by.
-- > hdf5.write("session.h5", { rates = zeros { 3 } })
-- > file = hdf5.open "session.h5"
-- > file:close()
function File:close()
  self._handle:close()
  self._listed = nil
end
File.__close = File.close

File.__tostring = function(self)
  local lines = { self.name .. ":" }
  local listed = self:list()
  for _, name in ipairs(sorted(listed)) do
    local info = listed[name]
    local what = info.kind
    if info.kind == "dataset" then
      what = string.format("%s %s%s", info.shape and (#info.shape > 0 and table.concat(info.shape, "x") or "scalar")
        or "empty", info.dtype, info.filters and ", " .. table.concat(info.filters, ", ") or "")
    elseif info.target then
      what = "-> " .. info.target
    end
    lines[#lines + 1] = string.format("  %-32s %s", name, what)
  end
  return table.concat(lines, "\n")
end

--- Opens a file for the library: an error is raised at `position`.
function M.handle(path, position)
  local handle, err = errors.try(core_io.hdf5_open, path)
  if not handle then errors.raise(err.kind, position, "%s", err.message) end
  return setmetatable({ name = path, _handle = handle }, File)
end

--- hdf5.open(path): an HDF5 file to be read in parts; print shows what it holds. A program of its own reads it, so
-- that a damaged file is an error and never the end of the session. It looks in the experiment's folder first.
-- > hdf5.write("session.h5", { rates = randn { 100, 20 } })
-- > file = hdf5.open "session.h5"
-- > file:list()["rates"].shape   --> { 100, 20 }
function M.open(path)
  local position = errors.position(2)
  if type(path) ~= "string" or path == "" then
    errors.raise("argument", position, "hdf5.open: expected the name of a file, got a %s", type(path))
  end
  local file = M.handle(require("lamina.experiment").find(path), position)
  local _, err = errors.try(file.list, file)
  if err ~= nil then errors.raise(err.kind, position, "%s", err.message) end
  return file
end

-- ---- whole files -----------------------------------------------------------------------------------------------

--- The datasets of an open file as tables within tables, by the groups that they are in.
function M.tree(file)
  local root = {}
  for _, path in ipairs(sorted(file:list())) do
    local info, at = file:list()[path], root
    local group, name = path:match "^(.*)/([^/]+)$"
    for part in (group or ""):gmatch "[^/]+" do at = at[part] end
    if info.kind == "group" then at[name or path] = {} end
    if info.kind == "dataset" then at[name or path] = file:read(path) end
  end
  return root
end

local WRITE = schema.document("hdf5.write", {
  attributes = { type = "table", doc = "by object: { [\"session/x\"] = { unit = \"ms\" } }; \"/\" is the file" },
  compress = { type = "integer", default = 0, min = 0, max = 9, doc = "the level of gzip; 0: none" },
})

--- hdf5.write(path, { name = value }, { attributes =, compress = 0 }): writes an HDF5 file, which appears complete or
-- not at all. A table becomes a group, a tensor a dataset of its dtype (bool as h5py writes it), a string or a list
-- of strings UTF-8 strings, a number or boolean a dataset without axes. Equal contents give equal bytes. An attribute
-- DIMENSION_LIST of a dataset, a list of names of datasets of one axis, one for each of its axes, becomes references,
-- as dimension scales have them (and REFERENCE_LIST of those that attributes name, back); CLASS and NAME have texts
-- of a fixed length. A relative path is one in the experiment's folder. Returns the path written.
-- > hdf5.write("session.h5", { rates = ones { 3, 2 }, units = { ids = { "a", "b" } } }, { compress = 4 })
-- > file = hdf5.open "session.h5"
-- > file:read "rates", file:read "units/ids"   --> [[1. 1.] [1. 1.] [1. 1.]] { "a", "b" }
function M.write(path, contents, given)
  local position = errors.position(2)
  if type(path) ~= "string" or path == "" or type(contents) ~= "table" or tensor.is_tensor(contents) then
    errors.raise("argument", position, "hdf5.write: expected a path and a table, as in hdf5.write(\"x.h5\", "
      .. "{ x = x })")
  end
  local o = schema.check("hdf5.write", given or {}, WRITE, position)
  path = require("lamina.experiment").path(path)
  local _, err = errors.try(core_io.hdf5_write, path, contents, { attributes = o.attributes, compress = o.compress })
  if err ~= nil then errors.raise(err.kind, position, "%s", err.message) end
  return path
end

return M
