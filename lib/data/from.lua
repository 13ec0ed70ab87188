--- data.from and data.table: data sets from a function of the script, and from the columns of a CSV file.
local columns_of = require "lamina.data.columns"
local errors = require "lamina.errors"
local io = require "lamina.core.io"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local tensor = require "lamina.core.tensor"

local M = {}

local FROM = schema.document("data.from", {
  positional = { "n", "item" },
  n = { type = "integer", required = true, min = 1, doc = "how many items there are" },
  item = { type = "function", required = true, doc = "item(i) returns the input of item i and its target, x, y; "
    .. "each a "
    .. "tensor or a number (a whole number is a label), y also a table of such by name" },
  classes = { type = "table", doc = "the classes' names" },
  groups = { type = "table", doc = "what items belong together in a split: one value for each item" },
  columns = { type = "table", doc = "what is known of the items: lists by name" },
  name = { type = "string", default = "data", doc = "what messages call it" },
})

-- Values of several items as one tensor with the items along its first axis.
local function joined(list, what, items, position)
  local first = list[1]
  for i, value in ipairs(list) do
    local ok = tensor.is_tensor(value) and tensor.is_tensor(first) and value.dtype == first.dtype
      and table.concat(value.shape, "x") == table.concat(first.shape, "x")
      or type(value) == "number" and math.type(value) == math.type(first)
    if not ok then
      local function text(v)
        return tensor.is_tensor(v) and string.format("%s %s", table.concat(v.shape, "x"), v.dtype)
          or math.type(v) or "a " .. type(v)
      end
      errors.raise("shape", position, "data.from: %s of item %d is %s, that of item %d is %s; all must be tensors "
        .. "of one "
        .. "shape and type, or numbers", what, items[i], text(value), items[1], text(first))
    end
  end
  if tensor.is_tensor(first) then return ops.stack(list, { dim = 1 }) end
  return tensor.tensor(list, { dtype = math.type(first) == "integer" and "int64" or "float32" })
end

-- The targets of several items: a tensor, tensors by name, or nil where there are none.
local function joined_targets(ys, items, position)
  if next(ys) == nil then return nil end
  if type(ys[1]) ~= "table" or tensor.is_tensor(ys[1]) then return joined(ys, "y", items, position) end
  local y = {}
  for name in pairs(ys[1]) do
    local list = {}
    for i, one in ipairs(ys) do list[i] = type(one) == "table" and one[name] or false end
    y[name] = joined(list, "y." .. tostring(name), items, position)
  end
  return y
end

--- data.from { n, function(i) return x, y end }: a data set whose items a function makes, on the main thread and
-- when a batch asks for them; i is from 1 to n. The function should give the same for the same i: what it draws at
-- random would differ from run to run unless it is keyed (randn { ..., seed = }).
-- > set = data.from { 50, function(i) return randn { 4, seed = i }, i % 2 + 1 end, classes = { "even", "odd" } }
-- > set:batch({ 1, 2, 3 }).y   --> [2 1 2]
function M.from(given, ...)
  local position = errors.position(2)
  schema.alone("data.from", "data.from { item = f, n = 100 }", position, ...)
  local o = schema.check("data.from", given, FROM, position)
  for _, what in ipairs { "groups" } do
    if o[what] and #o[what] ~= o.n then
      errors.raise("shape", position, "data.from: %s has %d entries for %d items", what, #o[what], o.n)
    end
  end
  local source = { n = o.n, text = "made by a function", rows = function(_, rows)
    local xs, ys, items = {}, {}, rows:totable()
    for i, item in ipairs(items) do xs[i], ys[i] = o.item(item) end
    return joined(xs, "x", items, position), joined_targets(ys, items, position)
  end }
  return sets.make { source = source, classes = o.classes, groups = o.groups, columns = o.columns, name = o.name }
end

local TABLE = schema.document("data.table", {
  positional = { "file" },
  file = { type = "string", required = true, doc = "a CSV file whose first row names the columns" },
  x = { type = { "string", "table" }, required = true, doc = "the columns of numbers that are the inputs" },
  labels = { type = "string", doc = "the column with each row's class" },
  y = { type = { "string", "table" }, doc = "targets: a column, a list of columns of numbers, or a table of such by "
    .. "name" },
  classes = { type = "table", doc = "the classes in order; sorted if absent" },
  groups = { type = "string", doc = "the column that says what belongs together in a split" },
  missing = { type = "boolean", default = false, doc = "targets may have gaps (NaN)" },
  separator = { type = "string", doc = "what stands between fields; ',' if absent" },
  gaps = { type = "table", doc = "texts that stand for a missing number, such as { \"NA\" }" },
  name = { type = "string", doc = "what messages call it; the file's name if absent" },
})

--- data.table { "trials.csv", x = { "size", "contrast" }, labels = "choice" }: a data set from the columns of a CSV
-- file: x float32, N x columns; labels, or y (numbers N x columns, or several targets by name); all columns are in
-- set.columns.
-- > data.save_csv("trials.csv", { size = { 1, 2, 4 }, contrast = { 1, 1, 0 }, side = { "left", "right", "left" } })
-- > set = data.table { "trials.csv", x = { "size", "contrast" }, labels = "side" }
-- > #set, set:shape(), set.classes   --> 3 { 2 } { "left", "right" }
function M.table(given, ...)
  local position = errors.position(2)
  schema.alone("data.table", "data.table { \"x.csv\", x = { \"a\", \"b\" }, y = \"c\" }", position, ...)
  local o = schema.check("data.table", given, TABLE, position)
  local path = require("lamina.experiment").find(o.file)
  local columns = io.csv_read(path, { header = true, separator = o.separator, missing = o.gaps })
  local y, classes = columns_of.targets(columns, { labels = o.labels, y = o.y, classes = o.classes,
    missing = o.missing,
    where = path, word = "data.table" }, position)
  local x = columns_of.inputs(columns, o.x, path, "data.table", position)
  return sets.make { x = x, y = y, classes = classes, columns = columns, missing = o.missing or nil,
    name = o.name or path:match "[^/]*$",
    groups = o.groups and columns_of.column(columns, o.groups, path, "data.table", position) }
end

return M
