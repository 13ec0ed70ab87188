--- Columns of a table of metadata as targets, labels, groups and ids.
local errors = require "lamina.errors"
local targets = require "lamina.data.targets"
local tensor = require "lamina.core.tensor"

local M = {}

--- The column `name`; raises where there is none, with the names there are. where: the file.
function M.column(columns, name, where, word, position)
  if columns[name] then return columns[name] end
  local names = {}
  for known in pairs(columns) do names[#names + 1] = known end
  table.sort(names)
  errors.raise("argument", position, "%s: %s has no column '%s'%s; there are %s", word, where, tostring(name),
    errors.hint(name, names), #names > 0 and table.concat(names, ", ") or "none")
end

local function is_missing(value) return value == nil or value == "" or value ~= value end

-- Columns of numbers as a float32 tensor, N x k.
local function numbers(columns, names, o, position)
  local rows = {}
  for c, name in ipairs(names) do
    for i, value in ipairs(M.column(columns, name, o.where, o.word, position)) do
      if type(value) ~= "number" or is_missing(value) and not o.missing then
        errors.raise("argument", position, "%s: %s: row %d of column '%s' is %s, expected a "
          .. "number%s", o.word, o.where, i,
          name, type(value) == "string" and value ~= "" and "'" .. value .. "'" or "missing",
          is_missing(value) and not o.no_missing and "; missing = true allows gaps in targets" or "")
      end
      rows[i] = rows[i] or {}
      rows[i][c] = value
    end
  end
  return tensor.tensor(rows, { dtype = "float32" })
end

--- Columns of numbers, one name or a list, as inputs N x k float32; a missing number is an error.
function M.inputs(columns, names, where, word, position)
  return numbers(columns, type(names) == "string" and { names } or names, { where = where, word = word,
    no_missing = true }, position)
end

-- One target from a column (text, or whole numbers with labels = true: labels; numbers: N x 1) or a list of columns.
local function target(columns, given, o, position)
  if type(given) == "table" then return numbers(columns, given, o, position) end
  local column = M.column(columns, given, o.where, o.word, position)
  if not o.labels and type(column[1]) == "number" then return numbers(columns, { given }, o, position) end
  for i, value in ipairs(column) do
    if is_missing(value) then
      errors.raise("argument", position, "%s: %s: row %d of column '%s' names no class", o.word, o.where, i, given)
    end
  end
  return targets.labels(column, o.classes, o.word, position)
end

--- The targets that `labels` (a column of classes) and `y` (a column, a list of columns of numbers, or a table of
-- such by name) ask for, and the names of the classes. o: { labels =, y =, classes =, missing =, where =, word = }.
function M.targets(columns, o, position)
  local base = { where = o.where, word = o.word, missing = o.missing, classes = o.classes }
  if o.labels and o.y then
    errors.raise("argument", position, "%s: labels and y both say what the targets are; several targets stand in y, "
      .. "as in y = { category = \"class\", position = { \"x\", \"y\" } }", o.word)
  end
  if o.labels then
    base.labels = true
    return target(columns, o.labels, base, position)
  end
  if o.y == nil then return nil end
  if type(o.y) == "string" or #o.y > 0 then return target(columns, o.y, base, position) end
  local y = {}
  for name, given in pairs(o.y) do y[name] = target(columns, given, base, position) end
  if next(y) == nil then errors.raise("argument", position, "%s: y is an empty table", o.word) end
  return y
end

return M
