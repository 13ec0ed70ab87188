--- data.folder, data.npy, data.csv and their kin: plain files, read and written.
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

-- ---- folders -------------------------------------------------------------------------------------------------

--- data.folder("NAME", needs): the path of the folder of a data set, found through --data. needs: what it should
-- hold, for the message where it is not found.
-- > folder, err = try(data.folder, "session7", "rates.npy")   -- its path where --data DIR has DIR/session7
-- > err.kind   --> io
function M.folder(name, needs)
  needs = needs or "the folder " .. tostring(name)
  local root = require("lamina.experiment").data_root(name, errors.position(2), needs)
  return root
end

-- ---- plain files -----------------------------------------------------------------------------------------------

local function named(word, path, position)
  if type(path) == "string" and path ~= "" then return path end
  errors.raise("argument", position, "data.%s: expected the name of a file, got a %s", word, type(path))
end

local MAP = { type = "boolean", default = false, doc = "map the file into memory: what needs no conversion "
  .. "costs nothing until it is touched; the file must stay as it is meanwhile" }

-- The options of a word that takes { path, map = } or the path alone, with the path found.
local function mapped(word, given, schema_of, position, ...)
  schema.alone("data." .. word, string.format("data.%s { \"x.%s\", map = true }", word, word), position, ...)
  if type(given) ~= "table" then given = { named(word, given, position) } end
  local o = schema.check("data." .. word, given, schema_of, position)
  o.path = require("lamina.experiment").find(o.path)
  return o
end

local NPY = schema.document("data.npy", { positional = { "path" },
  path = { type = "string", required = true, doc = "the file" }, map = MAP })

--- data.npy "x.npy", data.npy { "x.npy", map = true }: the tensor in a NumPy file (a list of strings for one of
-- text), in its own type. Like data.csv, it looks in the experiment's folder first.
-- > data.save_npy("rates.npy", tensor { 1, 2, 3 })
-- > data.npy "rates.npy"   --> [1. 2. 3.]
function M.npy(given, ...)
  local position = errors.position(2)
  local o = mapped("npy", given, NPY, position, ...)
  if o.path:find "%.npz$" then
    errors.raise("argument", position, "data.npy: %s is an .npz file, of several arrays; data.npz reads it", o.path)
  end
  return require("lamina.core.io").npy_read(o.path, { map = o.map })
end

local IDX = schema.document("data.idx", { positional = { "path" },
  path = { type = "string", required = true, doc = "the file, plain or compressed by gzip" }, map = MAP })

--- data.idx "images-idx3-ubyte.gz", data.idx { "x.idx", map = true }: the tensor in an IDX file, the format of MNIST,
-- plain or compressed by gzip: uint8, float32 and float64 in their own type, other integers as int64. Looks in the
-- experiment's folder first.
-- > file = io.open("counts.idx1-ubyte", "wb")
-- > file:write(string.pack(">BBBBI4BBB", 0, 0, 8, 1, 3, 7, 8, 9)):close()   -- one axis of three bytes
-- > data.idx "counts.idx1-ubyte"   --> [7 8 9]
function M.idx(given, ...)
  local o = mapped("idx", given, IDX, errors.position(2), ...)
  return require("lamina.core.io").idx_read(o.path, { map = o.map })
end

local SAFETENSORS = schema.document("data.safetensors", { positional = { "path" },
  path = { type = "string", required = true, doc = "the file" }, map = MAP })

--- data.safetensors "x.safetensors", data.safetensors { "x.safetensors", map = true }: every tensor of a safetensors
-- file by its name, and its metadata, strings by name. float16, bfloat16 and the float8 types come as float32. Looks
-- in the experiment's folder first.
-- > data.save_safetensors("net.safetensors", { weight = ones { 2, 3 } }, { note = "by hand" })
-- > tensors, metadata = data.safetensors "net.safetensors"
-- > tensors.weight.shape, metadata.note   --> { 2, 3 } by hand
function M.safetensors(given, ...)
  local o = mapped("safetensors", given, SAFETENSORS, errors.position(2), ...)
  return require("lamina.core.io").safetensors_read(o.path, { map = o.map })
end

--- data.json "x.json": the value of a JSON file (RFC 8259): objects are tables by name, arrays lists. null is nil in
-- an object, data.null in a list. Looks in the experiment's folder first.
-- > data.save_json("setup.json", { screen = { width = 40, distance = 57 } })
-- > data.json("setup.json").screen.distance   --> 57
function M.json(path)
  path = require("lamina.experiment").find(named("json", path, errors.position(2)))
  return require("lamina.core.io").json_read(path)
end

--- data.null: what stands for null in the lists of data.json and data.save_json.
M.null = require("lamina.core.io").null

--- data.npz "x.npz": every array of a NumPy .npz file by its name: tensors, and lists of strings. Looks in the
-- experiment's folder first.
-- > data.save_npz("session.npz", { rates = tensor { 1, 2 }, area = { "V1", "V4" } })
-- > data.npz("session.npz").area   --> { "V1", "V4" }
function M.npz(path)
  path = require("lamina.experiment").find(named("npz", path, errors.position(2)))
  return require("lamina.core.io").npz_read(path)
end

local CSV = schema.document("data.csv", { positional = { "path" },
  path = { type = "string", required = true, doc = "the file" },
  separator = { type = "string", doc = "what stands between fields; ',' if absent" },
  missing = { type = "table", doc = "texts that stand for nothing, such as { \"NA\" }; an empty field always does" },
  types = { type = "table", doc = "what columns are, by name: \"integer\", \"number\" or \"text\"; else their fields "
    .. "tell" } })

--- data.csv "x.csv", data.csv { "x.csv", separator = ";", missing = { "NA" }, types = { id = "text" } }: the columns
-- of a CSV file whose first row names them: lists by name. A column of numbers holds numbers, NaN where one is
-- missing.
-- > data.save_csv("units.csv", { id = { 1, 2 }, area = { "V1", "V4" } })
-- > data.csv("units.csv").area   --> { "V1", "V4" }
function M.csv(given, ...)
  local position = errors.position(2)
  schema.alone("data.csv", "data.csv { \"x.csv\", separator = \";\" }", position, ...)
  if type(given) ~= "table" then given = { named("csv", given, position) } end
  local o = schema.check("data.csv", given, CSV, position)
  return (require("lamina.core.io").csv_read(require("lamina.experiment").find(o.path), { header = true,
    separator = o.separator, missing = o.missing, types = o.types }))
end

--- data.mat(path[, name]): the variables of a MATLAB file (versions 4, 5 and 7.3) by name, or one of them. Arrays are
-- tensors of MATLAB's shape, char arrays strings (or lists of rows), cells lists in MATLAB's order with a field
-- `shape`, structs tables, arrays of structs lists of tables, sparse matrices { shape, row, col, values }; what
-- cannot be read (function handles, objects) is { unread = what it is }. Looks in the experiment's folder first.
-- > file = io.open("rates.mat", "wb")   -- as MATLAB's save -v4 writes a row of three numbers
-- > file:write(string.pack("<i4i4i4i4i4zddd", 0, 1, 3, 0, 6, "rates", 4, 8, 15)):close()
-- > data.mat("rates.mat").rates, data.mat("rates.mat", "rates").shape   --> [[4. 8. 15.]] { 1, 3 }
function M.mat(path, name)
  local position = errors.position(2)
  path = require("lamina.experiment").find(named("mat", path, position))
  return require("lamina.data.mat").read(path, name, position)
end

--- data.hdf5(path[, dataset]): the values of one dataset of an HDF5 file ("group/x"), or every dataset by name, as
-- tables within tables for groups; what the values are, help "hdf5" says. For a file that is larger than memory, see
-- hdf5.open. Looks in the experiment's folder first.
-- > hdf5.write("session.h5", { rates = tensor { 1, 2, 3 }, stimulus = { angle = tensor { 0, 90 } } })
-- > data.hdf5("session.h5").stimulus.angle, data.hdf5("session.h5", "rates")   --> [0. 90.] [1. 2. 3.]
function M.hdf5(path, dataset)
  local position = errors.position(2)
  path = require("lamina.experiment").find(named("hdf5", path, position))
  local hdf5 = require "lamina.hdf5"
  local file <close> = hdf5.handle(path, position)
  if dataset ~= nil then return file:read(dataset) end
  return hdf5.tree(file)
end

--- data.netcdf(path): a netCDF-4 file: dims (sizes by name), coords and variables by name, each with values (tensor,
-- string or list of strings), dims (the names of its axes) and attributes, and the file's attributes. _FillValue and
-- missing_value become NaN, scale_factor and add_offset are applied. Looks in the experiment's folder first.
-- > hdf5.write("rates.nc", { rates = tensor { 1, 2, 3 } }, { attributes = { rates = { units = "Hz" } } })
-- > rates = data.netcdf("rates.nc").variables.rates
-- > rates.values, rates.attributes.units   --> [1. 2. 3.] Hz
function M.netcdf(path)
  local position = errors.position(2)
  path = require("lamina.experiment").find(named("netcdf", path, position))
  local file <close> = require("lamina.hdf5").handle(path, position)
  return require("lamina.data.netcdf").read(file)
end

--- data.save_npy(path, t): writes a tensor as a NumPy file. A relative path is one in the experiment's folder.
-- Returns the path written.
-- > data.save_npy("rates.npy", randn { 20, 5 })   --> rates.npy
function M.save_npy(path, t)
  local position = errors.position(2)
  named("save_npy", path, position)
  if not tensor.is_tensor(t) then
    errors.raise("argument", position, "data.save_npy: expected a tensor, as in data.save_npy(\"x.npy\", x), got a "
      .. "%s", type(t))
  end
  path = require("lamina.experiment").path(path)
  require("lamina.core.io").npy_write(path, t)
  return path
end

--- data.save_npz(path, { name = tensor or list of strings }): writes a NumPy .npz file, the names sorted. A relative
-- path is one in the experiment's folder. Returns the path written.
-- > data.save_npz("session.npz", { rates = tensor { 1, 2 }, area = { "V1", "V4" } })   --> session.npz
function M.save_npz(path, arrays)
  local position = errors.position(2)
  named("save_npz", path, position)
  if type(arrays) ~= "table" then
    errors.raise("argument", position, "data.save_npz: expected tensors by name, as in data.save_npz(\"x.npz\", "
      .. "{ x = x }), got a %s", tensor.is_tensor(arrays) and "tensor" or type(arrays))
  end
  path = require("lamina.experiment").path(path)
  require("lamina.core.io").npz_write(path, arrays)
  return path
end

--- data.save_safetensors(path, { name = tensor }[, { key = string }]): writes tensors, and metadata, as a safetensors
-- file; equal contents give equal bytes. A relative path is one in the experiment's folder. Returns the path written.
-- > data.save_safetensors("net.safetensors", { weight = ones { 2, 3 } })   --> net.safetensors
function M.save_safetensors(path, tensors, metadata)
  local position = errors.position(2)
  named("save_safetensors", path, position)
  if type(tensors) ~= "table" then
    errors.raise("argument", position, "data.save_safetensors: expected tensors by name, as in "
      .. "data.save_safetensors(\"x.safetensors\", { x = x }), got a %s", tensor.is_tensor(tensors) and "tensor"
      or type(tensors))
  end
  path = require("lamina.experiment").path(path)
  require("lamina.core.io").safetensors_write(path, tensors, metadata)
  return path
end

--- data.save_json(path, value): writes numbers, strings, booleans, lists, tables by name and data.null as JSON,
-- indented, names sorted. NaN and the infinities become null. A relative path is one in the experiment's folder.
-- Returns the path written.
-- > data.save_json("setup.json", { rate = 120, monkeys = { "A", "B" } })   --> setup.json
function M.save_json(path, value)
  local position = errors.position(2)
  named("save_json", path, position)
  local io = require "lamina.core.io"
  local text, err = errors.try(io.json_encode, value, 2)
  if not text then
    errors.raise(err.kind, position, "%s", (err.message:gsub("^json_encode", "data.save_json")))
  end
  path = require("lamina.experiment").path(path)
  io.text_write(path, text .. "\n")
  return path
end

--- data.save_csv(path, rows): writes a list of rows (lists; the first names the columns), or columns by name, as CSV.
-- A relative path is one in the experiment's folder. Returns the path written.
-- > data.save_csv("units.csv", { { "id", "area" }, { 1, "V1" }, { 2, "V4" } })   --> units.csv
function M.save_csv(path, rows)
  local position = errors.position(2)
  named("save_csv", path, position)
  if type(rows) ~= "table" then
    errors.raise("argument", position, "data.save_csv: expected a list of rows or columns by name, got a %s",
      type(rows))
  end
  path = require("lamina.experiment").path(path)
  require("lamina.core.io").csv_write(path, rows)
  return path
end

return M
