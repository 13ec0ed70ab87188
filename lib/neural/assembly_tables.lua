--- lamina.neural.assembly_tables: coordinates of stimuli and neuroids that stand in CSV files, beside the responses.
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local writing = require "lamina.neural.assembly_write"

local M = {}

-- What a table is called in messages.
local function called(source, what) return type(source) == "string" and source or "the table of " .. what end

-- For each presentation the row of its stimulus.
local function rows_of(shown, ids, what, where, position)
  local seen, wanted, place, order = {}, {}, {}, {}
  for _, id in ipairs(shown) do
    if not seen[common.key(id)] then wanted[#wanted + 1] = id end
    seen[common.key(id)] = true
  end
  for i, row in ipairs(common.align(wanted, ids, what, where, position, "neural.assembly")) do
    place[common.key(wanted[i])] = row
  end
  for i, id in ipairs(shown) do order[i] = place[common.key(id)] end
  return order
end

-- The columns of a CSV file (or a table of lists), rows chosen by `where`.
local function read_columns(source, where, what, position)
  local columns = type(source) == "string" and core_io.csv_read(source, { header = true }) or source
  local _, first = next(columns)
  local keep = {}
  for i = 1, first and #first or 0 do
    local fits = true
    for name, value in pairs(where or {}) do
      if not columns[name] then
        errors.raise("argument", position, "%s: where names '%s', which is no column of %s", what, name,
          called(source, "neuroids"))
      end
      fits = fits and columns[name][i] == value
    end
    if fits then keep[#keep + 1] = i end
  end
  local chosen = {}
  for name, list in pairs(columns) do chosen[name] = common.pick(common.list(list), keep) end
  return chosen, #keep
end

--- The arrays of an assembly by name, and with them the columns of o.times, o.stimuli and o.neuroids (those rows that
-- o.where chooses). The rows of stimuli are matched to the arrays' stimulus_id; where there is none, they are the
-- `rows` of the responses, in their order. units: how many neuroids there are.
function M.add(arrays, o, rows, units, what, position)
  local all = merged(arrays)
  if o.where and not o.neuroids then
    errors.raise("argument", position, "%s: where chooses rows of neuroids, and there is no neuroids = \"units.csv\"",
      what)
  end
  if o.neuroids then
    local columns, n = read_columns(o.neuroids, o.where, what, position)
    if n ~= units then
      errors.raise("shape", position, "%s: %d neuroids have responses, but %s has %d rows%s", what, units,
        called(o.neuroids, "neuroids"), n, o.where and " that fit `where`" or "")
    end
    for name, list in pairs(columns) do all["neuroid_" .. name] = list end
  end
  for name, list in pairs(o.times and read_columns(o.times, nil, what, position) or {}) do
    all[writing.time_name(name)] = list
  end
  if not o.stimuli then return all end
  local columns, n = read_columns(o.stimuli, nil, what, position)
  local id = o.id or "stimulus_id"
  if not columns[id] then
    errors.raise("argument", position, "%s: %s has no column '%s'; say which one identifies a stimulus with id = "
      .. "\"NAME\"", what, called(o.stimuli, "stimuli"), id)
  end
  local shown = arrays.stimulus_id and common.list(arrays.stimulus_id)
  if not shown and n ~= rows then
    errors.raise("shape", position, "%s: the responses have %d rows and no stimulus_id, but %s has %d rows; it needs "
      .. "one for each row of the responses, in their order", what, rows, called(o.stimuli, "stimuli"), n)
  end
  local order = shown and rows_of(shown, columns[id], what, called(o.stimuli, "stimuli"), position)
    or common.count_up(n)
  for name, list in pairs(columns) do all[name] = common.pick(list, order) end
  all.stimulus_id = shown or common.pick(columns[id], order)
  return all
end

return M
