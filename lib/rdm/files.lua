--- lamina.rdm.files: RDMs from .npy, .mat, HDF5 and .csv files, and to them.
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local tensor = require "lamina.core.tensor"

local M = {}

local LOAD = schema.document("rdm.load", {
  positional = { "file" },
  file = { type = "string", required = true, doc = "an .npy, .mat, .h5, .hdf5 or .csv file" },
  variable = { type = "string", doc = "which variable of a .mat file or dataset of an HDF5 file; the only one that "
    .. "holds RDMs if absent" },
  id = { type = { "table", "tensor" }, doc = "an id for each stimulus, in the order of the rows" },
  names = { type = "table", doc = "a name for each RDM" },
  measure = { type = "string", doc = "what the dissimilarities are, for print" },
  missing = { type = "string", choices = { "nan" }, doc = "\"nan\": NaN means a missing pair; else it is an error" },
})

-- Whether numbers could be RDMs by their shape.
local function fits(x)
  if not tensor.is_tensor(x) or x.ndim < 1 or x:count() < 3 then return false end
  local last = x.shape[x.ndim]
  if x.ndim >= 2 and x.shape[x.ndim - 1] == last then return last >= 3 end
  local n = math.floor((1 + math.sqrt(1 + 8 * last)) / 2)
  return n * (n - 1) // 2 == last and n >= 3
end

-- Every tensor of a tree (structs, arrays of structs, groups) that could be RDMs, with its path and, for a struct
-- with a field `name`, that name.
local function collect(value, path, found, name)
  if tensor.is_tensor(value) then
    if fits(value) then found[#found + 1] = { x = value, path = path, name = name } end
  elseif type(value) == "table" then
    local own = type(value.name) == "string" and value.name or name
    for i, item in ipairs(value) do collect(item, path, found, own or name) end
    local keys = {}
    for key in pairs(value) do
      if type(key) == "string" and key ~= "shape" and key ~= "color" then keys[#keys + 1] = key end
    end
    table.sort(keys)
    for _, key in ipairs(keys) do
      collect(value[key], path == "" and key or path .. "." .. key, found, own)
    end
  end
  return found
end

-- The RDMs of a tree of variables: those of `variable`, or all if there are several of one path (a struct array).
local function choose(tree, file, variable, position)
  local found = collect(tree, "", {})
  local paths, of = {}, {}
  for _, one in ipairs(found) do
    if not of[one.path] then
      of[one.path] = {}
      paths[#paths + 1] = one.path
    end
    table.insert(of[one.path], one)
  end
  if #paths == 0 then
    errors.raise("format", position, "rdm.load: %s holds nothing that has the shape of RDMs (n x n, RDMs x n x n, "
      .. "RDMs x pairs)", file)
  end
  local chosen = variable and of[variable]
  if not chosen and variable then
    for _, path in ipairs(paths) do -- RDMs for RDMs.RDM
      if not chosen and path:sub(1, #variable + 1) == variable .. "." then chosen = of[path] end
    end
  end
  if variable and not chosen then
    local near = schema.nearest(variable, paths)
    errors.raise("argument", position, "rdm.load: %s has no RDMs '%s'%s; it holds %s", file, variable,
      near and " (did you mean '" .. near .. "'?)" or "", common.some(paths, 12))
  end
  if not chosen and #paths > 1 then
    errors.raise("argument", position, "rdm.load: %s holds several: say which with variable = one of %s", file,
      common.some(paths, 12))
  end
  return chosen or of[paths[1]]
end

-- Vectors of all that was found, and their names where each has one.
local function join(found, what, position)
  local parts, names = {}, {}
  for i, one in ipairs(found) do
    parts[i] = sets.vectors(one.x, what, position)
    if parts[i]:size(2) ~= parts[1]:size(2) then
      errors.raise("shape", position, "%s: RDMs of different numbers of stimuli", what)
    end
    if #parts[i] == 1 and one.name then names[#names + 1] = one.name end
  end
  return #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 }), #names == #parts and names or nil
end

-- rsatoolbox keeps descriptors of RDMs and of patterns in groups; ids and names are taken where they are text.
local function descriptors(tree)
  local function text(group)
    if type(group) ~= "table" then return nil end
    for _, key in ipairs { "stimulus_id", "conds", "stimulus", "name", "index" } do
      local list = group[key]
      if type(list) == "table" and type(list[1]) == "string" then return list end
      if tensor.is_tensor(list) and list.ndim == 1 then return list:totable() end
    end
  end
  return text(tree.pattern_descriptors), text(tree.rdm_descriptors)
end

local readers = {}

function readers.npy(path) return { { x = core_io.npy_read(path) } } end

function readers.mat(path, o, position)
  return choose(require("lamina.data.mat").read(path, nil, position), path, o.variable, position)
end

function readers.h5(path, o, position)
  local hdf5 = require "lamina.hdf5"
  local file <close> = hdf5.handle(path, position)
  local tree = hdf5.tree(file)
  local id, names = descriptors(tree)
  local measure = fits(tree.dissimilarities) and file:attributes("/").dissimilarity_measure
  o.measure = o.measure or type(measure) == "string" and measure ~= "unknown" and measure or nil
  local variable = o.variable or (fits(tree.dissimilarities) and "dissimilarities") or nil
  return choose(tree, path, variable, position), id, names
end
readers.hdf5 = readers.h5

function readers.csv(path, _, position)
  local rows = {}
  for r, row in ipairs(core_io.csv_read(path, { header = false })) do
    rows[r] = {}
    for c, text in ipairs(row) do
      rows[r][c] = tonumber(text) or (text:lower() == "nan" and 0 / 0)
      if not rows[r][c] then
        errors.raise("format", position, "rdm.load: %s holds '%s' in row %d, expected a matrix of numbers", path,
          text,
          r)
      end
    end
  end
  return { { x = tensor.tensor(rows, { dtype = "float64" }) } }
end

--- rdm.load "hIT.npy", or rdm.load { "RDMs.mat", variable = "RDMs", id = ids, names =, missing = "nan" }: RDMs from
-- an .npy, .mat (every version), HDF5 or .csv file: n x n, RDMs x n x n (more leading axes are taken as one), RDMs x
-- pairs in MATLAB's order of squareform, or an array of structs with a field of that shape and a `name`. They must be
-- symmetric with zeros on the diagonal. Of rsatoolbox's own HDF5 files ids, names and the measure are read as well.
-- > rdm.from({ tensor { { 1, 2, 3 } } }):save "brain.npy"
-- > r = rdm.load { "brain.npy", id = { "face", "hand", "car" } }
-- > r:matrix(), r.id   --> [[0. 1. 2.] [1. 0. 3.] [2. 3. 0.]] { "face", "hand", "car" }
function M.load(given, ...)
  local position = errors.position(2)
  schema.alone("rdm.load", "rdm.load { \"x.npy\", id = ids }", position, ...)
  local o = schema.check("rdm.load", given, LOAD, position)
  local ending = (o.file:match "%.([^./]+)$" or ""):lower()
  if not readers[ending] then
    errors.raise("argument", position, "rdm.load: '%s' should end in .npy, .mat, .h5, .hdf5 or .csv", o.file)
  end
  local path = require("lamina.experiment").find(o.file)
  local found, id, names = readers[ending](path, o, position)
  local what = "rdm.load: " .. o.file
  local vectors, own = join(found, what, position)
  own = own or names
  if own and #own ~= #vectors then own = nil end
  return sets.make({ vectors = vectors, id = o.id or id, names = o.names or own, measure = o.measure,
    nan = o.missing == "nan" }, what, position)
end

local function labels(list)
  local text = {}
  for i, value in ipairs(list) do text[i] = tostring(value) end
  return text
end

--- See r:save.
function M.save(set, path, name_of, position)
  local ending = type(path) == "string" and (path:match "%.([^./]+)$" or ""):lower()
  local to = require("lamina.experiment").path
  if ending == "npy" then
    core_io.npy_write(to(path), set:matrices())
  elseif ending == "h5" or ending == "hdf5" then
    local names, index = {}, common.count_up(set.n)
    for k = 1, #set do names[k] = name_of(set, k) end
    require("lamina.hdf5").write(path, { dissimilarities = set.vectors, descriptors = {},
      rdm_descriptors = { name = names, index = tensor.arange(0, #set - 1):to "int64" },
      pattern_descriptors = { stimulus_id = labels(set.id or index),
        index = tensor.arange(0, set.n - 1):to "int64" } },
      { attributes = { ["/"] = { dissimilarity_measure = set.measure or "unknown" } } })
  elseif ending == "csv" and #set == 1 then
    core_io.csv_write(to(path), set:matrix(1):totable())
  else
    errors.raise("argument", position, "rdm: save writes .npy, .h5 and .hdf5 files, and .csv of a single RDM; got %s",
      tostring(path))
  end
  return set
end

return M
