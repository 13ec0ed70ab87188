--- Data sets: pairs of inputs x and targets y that can be cut into batches, split and chosen from.
--
--   local digits = data.mnist()                       -- digits.train, digits.valid, digits.test
--   local set = data.tensors { x, y, classes = { "cat", "dog" } }
--   for b in set:batches { batch = 64, shuffle = true } do ... b.x, b.y, #b ... end
--
-- Labels are int64 and count from 1; `classes` holds their names. Several targets stand in a table by name,
-- data.tensors { x, { category =, position = } }, as the goals of `train`. Anything with #, and :batch(indices) that
-- gives { x =, y = }, can stand in for a data set in train, loop and evaluate.
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

-- ---- batches ---------------------------------------------------------------------------------------------------

-- Targets are a tensor or a table of tensors by name: f of each of them.
local function map_targets(y, f)
  if y == nil then return nil end
  if tensor.is_tensor(y) then return f(y) end
  local mapped = {}
  for name, t in pairs(y) do mapped[name] = f(t) end
  return mapped
end

local Batch = { __name = "batch" }
Batch.__index = Batch
Batch.__len = function(self) return self.n end
Batch.__tostring = function(self) return string.format("batch of %d", self.n) end

--- Gives the batch's memory back now instead of when Lua's collector comes by.
function Batch:release()
  local function release(t) t:release() end
  map_targets(self.x, release)
  map_targets(self.y, release)
  map_targets(self.index, release)
end

--- A batch from its parts; n is the number of items.
function M.make_batch(parts) return setmetatable(parts, Batch) end

-- ---- data sets -------------------------------------------------------------------------------------------------

local Set = { __name = "data set" }
Set.__index = object.index("a data set", Set, "y classes groups id columns latent missing selected numbered release")
Set.__len = function(self) return self.n end

local function shape_of(x) return table.concat(x.shape, "x") end

local function targets_text(y)
  if y == nil then return "none" end
  if tensor.is_tensor(y) then return shape_of(y) .. " " .. y.dtype end
  local parts = {}
  for name, t in pairs(y) do parts[#parts + 1] = string.format("%s %s %s", name, shape_of(t), t.dtype) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

Set.__tostring = function(self)
  return string.format("%s: %d items, x %s %s, y %s%s", self.name, self.n, shape_of(self.x), self.x.dtype,
    targets_text(self.y), self.classes and string.format(", %d classes", #self.classes) or "")
end

--- The methods of data sets, for other sets of items that have x, y, n, name and :subset.
M.methods = Set

local function make(parts)
  parts.n = #parts.x
  return setmetatable(parts, Set)
end

-- The first item whose label is not among 1..count, and the label; nil when all are.
local function bad_label(y, count)
  if #y == 0 then return end
  local low, high = y:min():item(), y:max():item()
  if low >= 1 and high <= count then return end
  for i, label in ipairs(y:totable()) do
    if label < 1 or label > count then return i, label end
  end
end

local TENSORS = {
  positional = { "x", "y" },
  x = { type = "tensor", required = true, doc = "inputs, items along the first axis" },
  y = { type = { "tensor", "table" },
    doc = "targets: labels from 1 (int64), or numbers; or several by name, { category =, position = }" },
  classes = { type = "table", doc = "the classes' names; labels must be from 1 to their number" },
  groups = { type = "table", doc = "what items belong together in a split: one value for each item" },
  missing = { type = "boolean", default = false, doc = "NaN targets are values that were not measured: losses that "
    .. "look at each element leave them out" },
  name = { type = "string", default = "data", doc = "what messages call it" },
}

-- Each target has one entry per item.
local function check_targets(x, y, position)
  local function check(t, what)
    if not tensor.is_tensor(t) then
      errors.raise("argument", position, "data.tensors: %s is a %s, expected a tensor", what, type(t))
    end
    if x.ndim == 0 or t.ndim == 0 or #x ~= #t then
      errors.raise("shape", position, "data.tensors: x is %s and %s is %s; both need one entry per item",
        shape_of(x), what, shape_of(t))
    end
  end
  if y == nil then return end
  if tensor.is_tensor(y) then return check(y, "y") end
  if next(y) == nil then errors.raise("argument", position, "data.tensors: y is an empty table") end
  for name, t in pairs(y) do
    if type(name) ~= "string" then
      errors.raise("argument", position, "data.tensors: y has an entry [%s]; several targets have names, as in "
        .. "{ category = labels, position = xy }", tostring(name))
    end
    check(t, "y." .. name)
  end
end

--- data.tensors { x, y, classes =, groups =, missing =, name = }: a data set from tensors that are there already. y
-- may be a table of targets by name, or absent where nothing is to be learned from targets.
function M.tensors(given, ...)
  local position = errors.position(2)
  local o = schema.check("data.tensors", given, TENSORS, position)
  schema.alone("data.tensors", "data.tensors { x, y }", position, ...)
  check_targets(o.x, o.y, position)
  if o.groups and #o.groups ~= #o.x then
    errors.raise("shape", position, "data.tensors: groups has %d entries for %d items", #o.groups, #o.x)
  end
  if o.classes then
    if not tensor.is_tensor(o.y) or o.y.dtype ~= "int64" or o.y.ndim ~= 1 then
      errors.raise("dtype", position, "data.tensors: labels must be int64 with one axis, y is %s", targets_text(o.y))
    end
    local item, label = bad_label(o.y, #o.classes)
    if item then
      errors.raise("argument", position, "%s: label %d of item %d is out of range, expected 1 to %d", o.name, label,
        item, #o.classes)
    end
  end
  return make { x = o.x, y = o.y, classes = o.classes, groups = o.groups, name = o.name,
    missing = o.missing or nil }
end

local function as_indices(indices, level)
  if tensor.is_tensor(indices) then return indices end
  if type(indices) ~= "table" then
    errors.raise("argument", level + 1, "indices are a %s, expected a list or an int64 tensor", type(indices))
  end
  return tensor.tensor(indices, { dtype = "int64" })
end

--- set:batch(indices): the items at the given positions (a list or an int64 tensor, from 1) as a batch: b.x, b.y,
-- b.index, #b.
function Set:batch(indices)
  local index = as_indices(indices, 2)
  local function pick(t) return ops.index_select(t, index, { dim = 1 }) end
  return M.make_batch { x = pick(self.x), y = map_targets(self.y, pick), index = index, n = #index }
end

--- set:subset(indices, name): a data set of the items at the given positions.
function Set:subset(indices, name)
  local index = as_indices(indices, 2)
  local groups
  if self.groups then
    groups = {}
    for i, item in ipairs(index:totable()) do groups[i] = self.groups[item] end
  end
  local function pick(t) return ops.index_select(t, index, { dim = 1 }) end
  return make { x = pick(self.x), y = map_targets(self.y, pick), classes = self.classes, groups = groups,
    name = name or self.name, missing = self.missing, selected = self.selected }
end

-- Items first..last without copying them.
local function range(set, first, last, name)
  local groups = set.groups and table.move(set.groups, first, last, 1, {})
  local function part(t) return t[{ { first, last } }] end
  return make { x = part(set.x), y = map_targets(set.y, part), classes = set.classes, groups = groups,
    name = name or set.name, missing = set.missing, selected = set.selected }
end

local SPLIT = {
  parts = { type = "table", required = true, doc = "the share of each part, for instance { 0.8, 0.2 }" },
  by = { type = { "boolean", "table" }, default = false,
    doc = "true: items of one group stay together; or a list with the group of each item" },
  seed = { type = "integer", doc = "of the order; the experiment's if absent" },
}

-- Lists of positions, one for each unit that a split must not tear: single items, or groups in order of appearance.
local function units(set, by, position)
  local list, of = {}, {}
  local groups = by == true and set.groups or by
  if by == true and not groups then
    errors.raise("argument", position, "split: the data set %s has no groups", set.name)
  end
  if groups and #groups ~= set.n then
    errors.raise("shape", position, "split: by has %d entries for %d items", #groups, set.n)
  end
  for i = 1, set.n do
    local key = groups and groups[i] or i
    if not of[key] then
      of[key] = {}
      list[#list + 1] = of[key]
    end
    table.insert(of[key], i)
  end
  return list
end

--- set:split { 0.8, 0.2, by = true, seed = }: several data sets with about these shares of the items, in an order
-- drawn for (seed, "split"); with `by`, items of one group (a movie, a subject) stay together.
function Set:split(given)
  local position = errors.position(2)
  if type(given) ~= "table" then
    errors.raise("argument", position, "split: expected the share of each part, as in set:split { 0.8, 0.2 }, got %s",
      type(given) == "number" and tostring(given) or "a " .. type(given))
  end
  local named = { parts = {} }
  for key, value in pairs(given) do
    if math.type(key) == "integer" then named.parts[key] = value else named[key] = value end
  end
  local o = schema.check("split", named, SPLIT, position)
  local total = 0
  for k, part in ipairs(o.parts) do
    if type(part) ~= "number" or part <= 0 or part ~= part then
      errors.raise("argument", position, "split: the share of part %d is %s, expected a number above 0", k,
        tostring(part))
    end
    total = total + part
  end
  if #o.parts < 1 or total > 1 + 1e-9 then
    errors.raise("argument", position, "split: the shares add up to %g, expected at most 1", total)
  end
  local list = units(self, o.by, position)
  local order = tensor.draw { kind = "permutation", shape = { #list }, seed = o.seed or tensor.seed(),
    purpose = "split" }
  local at, done, results = 1, 0, {}
  order = order:totable()
  for k, part in ipairs(o.parts) do
    local items = {}
    local goal = done + part * self.n
    while at <= #order and (done + #list[order[at]] / 2 <= goal or (k == #o.parts and total > 1 - 1e-9)) do
      for _, item in ipairs(list[order[at]]) do items[#items + 1] = item end
      done = done + #list[order[at]]
      at = at + 1
    end
    table.sort(items)
    if #items == 0 then
      errors.raise("argument", position, "split: part %d (share %g) would be empty", k, part)
    end
    results[k] = self:subset(items)
  end
  return table.unpack(results)
end

local BATCHES = {
  batch = { type = "integer", default = 64, min = 1, doc = "items in a batch; the last one may be smaller" },
  shuffle = { type = "boolean", default = false, doc = "whether the order is drawn anew, keyed by seed and epoch" },
  epoch = { type = "integer", default = 1, min = 1, doc = "which order" },
  seed = { type = "integer", doc = "of the order; the experiment's if absent" },
}

--- The order in which an epoch visits n items: int64, a draw for (seed, "shuffle", epoch).
function M.order(n, seed, epoch)
  return tensor.draw { kind = "permutation", shape = { n }, seed = seed, purpose = "shuffle", step = epoch }
end

--- set:batches { batch =, shuffle = }: an iterator over batches: for b in set:batches { batch = 64, shuffle = true,
-- epoch = 1 } do ... end
function Set:batches(given)
  local o = schema.check("batches", given or {}, BATCHES, errors.position(2))
  return M.batches(self, o.batch, o.shuffle and M.order(self.n, o.seed or tensor.seed(), o.epoch))
end

--- The same for anything with # and :batch; `order` is an int64 tensor or nil for the natural order.
function M.batches(set, size, order)
  local n, at = #set, 1
  order = order or tensor.arange(1, n)
  return function()
    if at > n then return end
    local last = math.min(at + size - 1, n)
    local b = set:batch(order[{ { at, last } }])
    at = last + 1
    return b
  end
end

-- ---- folders -------------------------------------------------------------------------------------------------

--- data.folder("NAME", needs): the path of the folder of a data set, found through --data. needs: what it should
-- hold, for the message where it is not found.
function M.folder(name, needs)
  return require("lamina.experiment").data_root(name, errors.position(2), needs or "the folder " .. tostring(name))
end

-- ---- plain files -----------------------------------------------------------------------------------------------

local function named(word, path, position)
  if type(path) == "string" and path ~= "" then return path end
  errors.raise("argument", position, "data.%s: expected the name of a file, got a %s", word, type(path))
end

--- data.npy(path): the tensor in a NumPy file (a list of strings for one of text), in its own type. Like data.csv, it
-- looks in the experiment's folder first.
function M.npy(path)
  path = require("lamina.experiment").find(named("npy", path, errors.position(2)))
  return require("lamina.core.io").npy_read(path)
end

--- data.csv(path): the columns of a CSV file whose first row names them: lists by name.
function M.csv(path)
  path = require("lamina.experiment").find(named("csv", path, errors.position(2)))
  return require("lamina.core.io").csv_read(path, { header = true })
end

--- data.mat(path[, name]): the variables of a MATLAB file (versions 4, 5 and 7.3) by name, or one of them. Arrays are
-- tensors of MATLAB's shape, char arrays strings (or lists of rows), cells lists in MATLAB's order with a field
-- `shape`, structs tables, arrays of structs lists of tables, sparse matrices { shape, row, col, values }; what
-- cannot be read (function handles, objects) is { unread = what it is }. Looks in the experiment's folder first.
function M.mat(path, name)
  local position = errors.position(2)
  path = require("lamina.experiment").find(named("mat", path, position))
  return require("lamina.data.mat").read(path, name, position)
end

--- data.save_npy(path, t): writes a tensor as a NumPy file. A relative path is one in the experiment's folder.
-- Returns the path written.
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

--- data.save_csv(path, rows): writes a list of rows (lists; the first names the columns), or columns by name, as CSV.
-- A relative path is one in the experiment's folder. Returns the path written.
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

-- ---- MNIST -----------------------------------------------------------------------------------------------------

local MNIST = {
  standardise = { type = "boolean", default = true,
    doc = "subtract the mean and divide by the standard deviation of the training pixels" },
  validation = { type = "integer", default = 5000, min = 0, max = 59999,
    doc = "how many of the training file's last items are kept for validation" },
  dir = { type = "string", doc = "the folder with the four files; found through --data if absent" },
}

local function find_file(io, base, dir, name, position)
  for _, path in ipairs { dir .. "/" .. name, dir .. "/" .. name .. ".gz" } do
    if base.exists(path) then return path end
  end
  errors.raise("io", position, "data.mnist: %s/%s (or %s.gz) is missing; the folder needs the four files of MNIST: "
    .. "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, as they "
    .. "are or with .gz", dir, name, name)
end

local function read_part(dir, part, position)
  local io, base = require "lamina.core.io", require "lamina.core.base"
  local image_path = find_file(io, base, dir, part .. "-images-idx3-ubyte", position)
  local label_path = find_file(io, base, dir, part .. "-labels-idx1-ubyte", position)
  local images, labels = io.idx_read(image_path), io.idx_read(label_path)
  if images.ndim ~= 3 or images.dtype ~= "uint8" then
    errors.raise("format", position, "%s: holds a %s array of %s, expected uint8 images", image_path, images.dtype,
      shape_of(images))
  end
  if labels.ndim ~= 1 or #labels ~= #images then
    errors.raise("format", position, "%s: holds %s labels for %d images in %s", label_path, shape_of(labels), #images,
      image_path)
  end
  local y = labels:to "int64" + 1
  local item, label = bad_label(y, 10)
  if item then
    errors.raise("format", position, "%s: label %d of item %d is out of range, expected 0 to 9", label_path,
      label - 1,
      item)
  end
  return images, y
end

-- Pictures that are worked on at a time: what they take stays in the processor's caches.
local PIECE = 256

local function pieces(n)
  local first = 1 - PIECE
  return function()
    first = first + PIECE
    if first <= n then return { { first, math.min(first + PIECE - 1, n) } } end
  end
end

-- Mean and standard deviation of the pixels of the first n images, from those of pieces (Chan, Golub & LeVeque 1979).
local function moments(images, n)
  local count, mean, squares = 0, 0.0, 0.0
  for piece in pieces(n) do
    local x = images[piece]:to "float32"
    local k, m, v = x:count(), x:mean():item(), x:var({ correction = 0 }):item()
    local delta = m - mean
    mean = mean + delta * k / (count + k)
    squares = squares + v * k + delta * delta * count * k / (count + k)
    count = count + k
    x:release()
  end
  return mean, math.sqrt(squares / count)
end

-- uint8 n x h x w to float32 n x 1 x h x w: (pixel - mean) / std.
local function to_input(images, mean, std)
  local x = tensor.zeros { #images, 1, images:size(2), images:size(3) }
  for piece in pieces(#images) do
    local raw = images[piece]:to "float32"
    local shifted = raw - mean
    local scaled = shifted * (1 / std)
    x[piece] = scaled:unsqueeze(2)
    raw:release()
    shifted:release()
    scaled:release()
  end
  return x
end

--- data.mnist { standardise = true, validation = 5000, dir = }: handwritten digits (LeCun, Cortes & Burges): train
-- (55,000), valid (5,000) and test (10,000); x n x 1 x 28 x 28 float32, y labels 1..10 for the classes "0".."9". The
-- files are found in the folder `mnist` of --data DIR.
function M.mnist(given)
  local position = errors.position(2)
  local o = schema.check("data.mnist", given or {}, MNIST, position)
  local dir = o.dir or require("lamina.experiment").data_root("mnist", position,
    "the four files of MNIST: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    .. "t10k-labels-idx1-ubyte.gz")
  local images, y = read_part(dir, "train", position)
  if o.validation >= #images then
    errors.raise("argument", position, "data.mnist: validation = %d leaves nothing of %d items to train on",
      o.validation,
      #images)
  end
  local mean, std, n = 0, 255, #images - o.validation
  if o.standardise then mean, std = moments(images, n) end
  local x = to_input(images, mean, std)
  images:release()
  local test_images, test_y = read_part(dir, "t10k", position)
  local classes = {}
  for digit = 0, 9 do classes[digit + 1] = tostring(digit) end
  local whole = make { x = x, y = y, classes = classes, name = "mnist train" }
  return setmetatable({
    train = range(whole, 1, n),
    valid = o.validation > 0 and range(whole, n + 1, #x, "mnist valid") or nil,
    test = make { x = to_input(test_images, mean, std), y = test_y, classes = classes, name = "mnist test" },
    mean = mean / 255, std = std / 255,
  }, { __index = object.index("data.mnist {}", {}, "train valid test") })
end

return M
