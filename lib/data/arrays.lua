--- data.tensors and data.arrays: data sets from arrays in memory and in files.
local errors = require "lamina.errors"
local io = require "lamina.core.io"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local targets = require "lamina.data.targets"
local tensor = require "lamina.core.tensor"

local M = {}

local COMMON = {
  classes = { type = "table", doc = "the classes' names; labels must be from 1 to their number" },
  missing = { type = "boolean", default = false, doc = "NaN targets are values that were not measured: losses that "
    .. "look at each element leave them out" },
}

local TENSORS = schema.document("data.tensors", {
  positional = { "x", "y" },
  x = { type = "tensor", required = true, doc = "inputs, items along the first axis" },
  y = { type = { "tensor", "table" },
    doc = "targets: labels from 1 (int64), or numbers; or several by name, { category =, position = }" },
  groups = { type = "table", doc = "what items belong together in a split: one value for each item" },
  columns = { type = "table", doc = "what is known of the items: lists by name, one value for each item" },
  name = { type = "string", default = "data", doc = "what messages call it" },
  classes = COMMON.classes, missing = COMMON.missing,
})

-- With names for the classes, y holds labels among them.
local function check_classes(word, name, y, classes, position)
  if not classes then return end
  if type(y) == "table" then
    errors.raise("argument", position, "%s: classes name the labels of a y that is one tensor, and y is %s; leave "
      .. "classes out", word, targets.text(y))
  end
  if not tensor.is_tensor(y) or y.dtype ~= "int64" or y.ndim ~= 1 then
    errors.raise("dtype", position, "%s: labels must be int64 with one axis, y is %s", word, targets.text(y))
  end
  local item, label = targets.bad_label(y, #classes)
  if item then
    errors.raise("argument", position, "%s: label %d of item %d is out of range, expected 1 to %d", name, label, item,
      #classes)
  end
end

local function check_lists(word, o, n, position)
  local function check(list, what)
    if type(list) ~= "table" or #list ~= n then
      errors.raise("shape", position, "%s: %s has %s entries for %d items", word, what,
        type(list) == "table" and #list or "no", n)
    end
  end
  if o.groups then check(o.groups, "groups") end
  for name, column in pairs(o.columns or {}) do check(column, "column '" .. tostring(name) .. "'") end
end

--- data.tensors { x, y, classes =, groups =, columns =, missing =, name = }: a data set from tensors that are there
-- already. y may be a table of targets by name, or absent where nothing is to be learned from targets.
-- > set = data.tensors { randn { 10, 4 }, randint(1, 2, { 10 }), classes = { "face", "house" } }
-- > #set, set.classes, set:batch({ 1, 2 }).x.shape   --> 10 { "face", "house" } { 2, 4 }
function M.tensors(given, ...)
  local position = errors.position(2)
  schema.alone("data.tensors", "data.tensors { x, y }", position, ...)
  local o = schema.check("data.tensors", given, TENSORS, position)
  targets.check(o.y, o.x.ndim > 0 and #o.x or -1, "x is " .. targets.shape(o.x), "data.tensors", position)
  check_lists("data.tensors", o, #o.x, position)
  check_classes("data.tensors", o.name, o.y, o.classes, position)
  return sets.make { x = o.x, y = o.y, classes = o.classes, groups = o.groups, columns = o.columns, name = o.name,
    missing = o.missing or nil }
end

-- ---- files -----------------------------------------------------------------------------------------------------

local ARRAYS = schema.document("data.arrays", {
  positional = { "file" },
  file = { type = "string", doc = "an .npz, .safetensors or HDF5 file in which x, y and groups are names; without it "
    .. "they are files themselves" },
  x = { type = { "string", "tensor" }, required = true, doc = "inputs, items along the first axis: a name in the "
    .. "file, an .npy or IDX file, or a tensor" },
  y = { type = { "string", "tensor", "table" }, doc = "targets, likewise; or several by name" },
  groups = { type = { "string", "table" }, doc = "what items belong together in a split, likewise" },
  first = { type = "integer", default = 1, min = 0, max = 1, doc = "the number of the first class in the file: "
    .. "labels that begin at 0 have 1 added" },
  map = { type = "boolean", default = true, doc = "leave the inputs in the file until a batch asks for them: map "
    .. "them into memory, or read an HDF5 dataset in parts; false: read all of them" },
  name = { type = "string", doc = "what messages call it; the file's name if absent" },
  classes = COMMON.classes, missing = COMMON.missing,
})

-- An HDF5 dataset read in parts: runs of items that follow one another are read together.
local function hdf5_source(file, name, shape)
  local item = table.move(shape, 2, #shape, 1, {})
  local source = { n = shape[1], shape = item, text = "HDF5, read in parts" }
  function source.rows(_, rows)
    local list, order, place, parts = rows:totable(), {}, {}, {}
    for i, row in ipairs(list) do order[i] = row end
    table.sort(order)
    local i, count = 1, 0
    while i <= #order do
      local first, last = order[i], order[i]
      while i <= #order and order[i] <= last + 1 do
        if not place[order[i]] then
          count = count + 1
          place[order[i]] = count
        end
        last, i = order[i], i + 1
      end
      parts[#parts + 1] = file:read(name, { { first, last } })
    end
    local all = #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 })
    for k, row in ipairs(list) do list[k] = place[row] end
    return ops.index_select(all, tensor.tensor(list, { dtype = "int64" }), { dim = 1 })
  end
  return source
end

-- A file of named arrays: names, and get(name), which returns an array, a list of texts, or a source.
local function open_archive(o, position)
  local path = o.file
  local function from(all)
    return { names = all, get = function(name) return all[name] end }
  end
  if path:match "%.npz$" then return from(io.npz_read(path)) end
  if path:match "%.safetensors$" then return from((io.safetensors_read(path, { map = o.map }))) end
  if not (path:match "%.h5$" or path:match "%.hdf5$") then
    errors.raise("argument", position, "data.arrays: %s: expected an .npz, .safetensors, .h5 or .hdf5 file with "
      .. "named arrays", path)
  end
  local file = require("lamina.hdf5").handle(path, position)
  local listed = file:list()
  return { names = listed, get = function(name, inputs)
    local info = listed[name:gsub("^/+", "")]
    if not info or info.kind ~= "dataset" then return nil end
    local shape = info.shape
    if inputs and o.map and shape and #shape > 0 and shape[1] > 0 then return hdf5_source(file, name, shape) end
    return file:read(name)
  end }
end

local function read_one(path, map, position)
  if path:match "%.npy$" then return io.npy_read(path, { map = map }) end
  if path:match "%.idx$" or path:match "ubyte$" or path:match "%.gz$" then return io.idx_read(path, { map = map }) end
  errors.raise("argument", position, "data.arrays: %s: expected an .npy file or an IDX file (.idx, -ubyte, .gz)",
    path)
end

-- The array that an option names, in the file or as a file; a list for texts. inputs: a source will do.
local function fetch(o, archive, value, what, position, inputs)
  if type(value) ~= "string" then return value end
  if not archive then return read_one(require("lamina.experiment").find(value), o.map, position) end
  local found = archive.get(value, inputs)
  if found ~= nil then return found end
  local names = {}
  for name in pairs(archive.names) do names[#names + 1] = name end
  table.sort(names)
  errors.raise("argument", position, "data.arrays: %s holds no '%s' for %s%s; there are %s", o.file, value, what,
    errors.hint(value, names), table.concat(names, ", "))
end

-- Targets as losses take them: whole numbers with one axis are labels, texts become labels.
local function as_target(value, o, position)
  if type(value) == "table" and not tensor.is_tensor(value) then
    return targets.labels(value, o.classes, "data.arrays", position)
  end
  local whole = tensor.is_tensor(value) and (value.dtype == "int64" or value.dtype == "uint8")
  if whole and value.ndim == 1 then return value:to "int64" + (1 - o.first) end
  return value
end

-- The inputs as a source: an array with the items along its first axis, or what a file gives in parts.
local function inputs_of(o, archive, position)
  local x = fetch(o, archive, o.x, "x", position, true)
  if type(x) == "table" and x.rows then return x, string.format("x is %dx%s", x.n, table.concat(x.shape, "x")) end
  if not tensor.is_tensor(x) or x.ndim == 0 then
    errors.raise("shape", position, "data.arrays: x is %s, expected an array with the items along its first axis",
      tensor.is_tensor(x) and "a single number" or "a list of texts")
  end
  return sets.array(x, o.map and "in a file" or "in memory"), "x is " .. targets.shape(x)
end

--- data.arrays { x = "images.npy", y = "labels.npy", first = 0 } or { "data.h5", x = "images", y = "labels" }: a data
-- set from arrays in files: .npy, IDX, .npz, .safetensors, HDF5. Inputs stay in the file until a batch asks for them
-- (.npy, IDX and .safetensors are mapped, HDF5 is read in parts), so that they may be larger than memory; the file
-- must stay as it is. Targets of whole numbers with one axis are labels, texts the names of classes. Inputs keep
-- their type.
-- > data.save_npy("images.npy", rand { 20, 1, 8, 8 })
-- > data.save_npy("labels.npy", randint(1, 3, { 20 }))
-- > set = data.arrays { x = "images.npy", y = "labels.npy" }
-- > #set, set:shape()   --> 20 { 1, 8, 8 }
function M.arrays(given, ...)
  local position = errors.position(2)
  schema.alone("data.arrays", "data.arrays { \"images.npy\", y = \"labels.npy\" }", position, ...)
  local o = schema.check("data.arrays", given, ARRAYS, position)
  if o.file then o.file = require("lamina.experiment").find(o.file) end
  local archive = o.file and open_archive(o, position)
  local source, text = inputs_of(o, archive, position)
  local y, classes = nil, o.classes
  if type(o.y) == "table" and not tensor.is_tensor(o.y) then
    y = {}
    for name, value in pairs(o.y) do
      y[name] = as_target(fetch(o, archive, value, "y." .. name, position), o, position)
    end
  elseif o.y ~= nil then
    local names
    y, names = as_target(fetch(o, archive, o.y, "y", position), o, position)
    classes = names or classes
  end
  targets.check(y, source.n, text, "data.arrays", position)
  local name = o.name or (o.file or type(o.x) == "string" and o.x or "data"):match "[^/]*$"
  check_classes("data.arrays", name, y, classes, position)
  local groups = fetch(o, archive, o.groups, "groups", position)
  if tensor.is_tensor(groups) then groups = groups:totable() end
  check_lists("data.arrays", { groups = groups }, source.n, position)
  return sets.make { source = source, y = y, classes = classes, groups = groups, name = name,
    missing = o.missing or nil }
end

return M
