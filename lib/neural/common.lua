--- lamina.neural.common: what the neural words share: stimulus identity, index tensors, tables of text.
local alike = require "lamina.alike"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local lazy = require "lamina.lazy"
local tensor = require "lamina.core.tensor"

local M = {}

--- How a stimulus_id is compared: 3, 3.0 and "3" are the same stimulus.
function M.key(id)
  if math.type(id) == "float" and math.tointeger(id) then id = math.tointeger(id) end
  return tostring(id)
end

--- An int64 tensor of positions.
function M.index(list) return tensor.tensor(list, { dtype = "int64" }) end

--- A Lua list from a list or a tensor with one axis.
function M.list(value)
  if tensor.is_tensor(value) then return value:totable() end
  return value
end

--- { 1, 2, ..., n }
function M.count_up(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

--- The entries of `list` at the positions of `index`.
function M.pick(list, index)
  if lazy.is(list) then return lazy.pick(list, index) end
  local picked = {}
  for i, at in ipairs(index) do picked[i] = list[at] end
  return picked
end

--- The positions of each value of a list, by order of the values' first appearance.
function M.by_value(values)
  return (alike(#values, function(i) return M.key(values[i]) end))
end

--- Labels (or other values) as numbers 1 .. k in the order in which they first appear: the different labels, for each
-- item the number of its own, and the numbers by key.
function M.numbered(labels)
  local groups, number, of = alike(#labels, function(i) return M.key(labels[i]) end)
  local names = {}
  for k, group in ipairs(groups) do names[k] = labels[group[1]] end
  return names, number, of
end

--- How many classes the labels (numbers of `classes`) are of; an error where that is one, and nothing to tell apart.
function M.class_count(labels, classes, word, position)
  local count = #M.by_value(labels)
  if count < 2 then
    errors.raise("argument", position, "%s: all %d images are of class %s, and there is nothing to tell apart: "
      .. "expected at least 2 classes", word, #labels, tostring(classes[labels[1]]))
  end
  return count
end

--- A keyed permutation of 1..n as a list.
function M.permutation(n, seed, purpose, step)
  if n == 0 then return {} end
  local order = tensor.draw { kind = "permutation", shape = { n }, seed = seed, purpose = purpose, step = step or 0 }
  return order:totable()
end

--- "a, b, c and 7 more"
function M.some(names, most)
  most = most or 5
  local shown = {}
  for i = 1, math.min(most, #names) do shown[i] = tostring(names[i]) end
  local text = table.concat(shown, ", ")
  if #names > most then text = string.format("%s and %d more", text, #names - most) end
  return text
end

--- The entries of a list as texts.
function M.texts(list)
  local texts = {}
  for i, value in ipairs(list) do texts[i] = tostring(value) end
  return texts
end

--- Rows that have fields as a list of lists, the first one `names`; what a row lacks is taken from `shared`
-- (optional), or is empty.
function M.tabulate(names, rows, shared)
  local list = { names }
  for i, row in ipairs(rows) do
    list[i + 1] = {}
    for c, name in ipairs(names) do
      local value = row[name]
      if value == nil and shared then value = shared[name] end
      list[i + 1][c] = value == nil and "" or value
    end
  end
  return list
end

--- Writes a list of lists as CSV, into the folder of the experiment as figures go.
function M.csv(path, rows)
  require("lamina.core.io").csv_write(require("lamina.experiment").path(path), rows)
end

--- "1 neuroid", "3 neuroids"
function M.plural(n, noun) return string.format("%d %s%s", n, noun, n == 1 and "" or "s") end

-- The place of each id by its text without zeros before its digits: "007" is 7, as a table of numbers has it. nil
-- where two ids are then the same.
local function without_zeros(ids)
  local place = {}
  for i, id in ipairs(ids) do
    local key = M.key(id):match "^0*(%d+)$"
    if key and place[key] then return nil end
    if key then place[key] = i end
  end
  return place
end

-- "the ids there are a, b, c", or those of `have` that nobody wanted, where there are such among others.
local function ids_there(wanted, have)
  local asked, other = {}, {}
  for _, id in ipairs(wanted) do asked[M.key(id)] = true end
  for _, id in ipairs(have) do
    if not asked[M.key(id)] then other[#other + 1] = M.key(id) end
  end
  if #other > 0 and #other < #have then return "the ids there that match nothing: " .. M.some(other, 3) end
  return "the ids there are " .. M.some(have, 3)
end

--- For each of `wanted` (stimulus ids) its position among `have`. An id that `have` lacks, and one that it holds
-- twice, is an error that names it; `what` and `where` say whose ids they are, `word` (optional) who asks. Where some
-- are lacking, ids of digits are the same with zeros before them ("007") and without.
function M.align(wanted, have, what, where, position, word)
  local head = word and word .. ": " or ""
  local place, twice, missing, index = {}, {}, {}, {}
  for i, id in ipairs(have) do
    local key = M.key(id)
    if place[key] then twice[#twice + 1] = key end
    place[key] = i
  end
  if #twice > 0 then
    errors.raise("argument", position, "%s%s: stimulus_id occurs more than once: %s; every stimulus needs one of its "
      .. "own", head, where, M.some(twice))
  end
  local loose
  for i, id in ipairs(wanted) do
    index[i] = place[M.key(id)]
    if not index[i] then
      if loose == nil then loose = without_zeros(wanted) and without_zeros(have) or false end
      index[i] = loose and loose[M.key(id):match "^0*(%d+)$"]
      if not index[i] then missing[#missing + 1] = M.key(id) end
    end
  end
  if #missing > 0 then
    errors.raise("argument", position, "%s%s hold stimuli that %s lack: %s (%d of %d); %s. Stimuli are matched by "
      .. "stimulus_id: mend the ids, or leave out what the others lack", head, what, where, M.some(missing), #missing,
      #wanted, ids_there(wanted, have))
  end
  return index
end

local PIECE = 1 << 24 -- numbers that are looked at together

--- How many numbers of x (N x p) are NaN or infinite. Some rows at a time, which leave memory again where x is a
-- mapped file: it may be larger than memory. Where the sum is finite, all are, and none is looked at by itself.
function M.holes(x)
  local rows, holes = math.max(1, PIECE // math.max(1, x:size(2))), 0
  for first = 1, #x, rows do
    local part = x[{ { first, math.min(first + rows - 1, #x) } }]
    local sum = part:sum():item()
    if sum - sum ~= 0 then holes = holes + part:isfinite():logical_not():to "int64":sum():item() end
    core_io.forget(x)
  end
  return holes
end

--- "0.812 to 0.934", of so many digits (3 if absent); "none" where nothing could be resampled: low is NaN.
function M.interval_text(low, high, digits)
  if low ~= low then return "none" end
  local form = string.format("%%.%df to %%.%df", digits or 3, digits or 3)
  return string.format(form, low, high)
end

-- The number of characters of a UTF-8 text.
local function width_of(text) return utf8.len(text) or #text end

--- Rows of text as aligned lines; `left` is the set of columns that are aligned to the left.
function M.columns(rows, left)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do widths[c] = math.max(widths[c] or 0, width_of(cell)) end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for c, cell in ipairs(row) do
      local gap = string.rep(" ", widths[c] - width_of(cell))
      cells[c] = left[c] and cell .. gap or gap .. cell
    end
    lines[i] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

return M
