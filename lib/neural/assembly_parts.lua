--- lamina.neural.assembly_parts: from presentations to stimuli with their repeats, and back.
--
-- A recording comes as presentation x neuroid (x time bin); what asks about stimuli wants stimulus x neuroid x repeat
-- (x time bin). Stimuli stand in the order of their first presentation; the repeat, or slot, of a presentation is the
-- rank of its `repetition` among all values of that coordinate, or, where there is none, its turn among the
-- presentations of its stimulus. Slots that no presentation fills are masked.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

local function zero(like) return tensor.zeros({ 1 }, { dtype = like.dtype }) end

--- Whether two values of a coordinate are the same; a missing number (NaN) is the same as another.
function M.same(a, b) return a == b or a ~= a and b ~= b end

--- The rows of t at a list of positions along an axis: t itself for all of them, a view of it for a run of them.
function M.take(t, dim, list)
  local n, run = t:size(dim), #list > 0
  for i = 2, #list do
    if list[i] ~= list[i - 1] + 1 then
      run = false
      break
    end
  end
  if not run then return t:index_select(common.index(list), { dim = dim }) end
  if #list == n then return t end
  local index = {}
  for axis = 1, dim - 1 do index[axis] = {} end
  index[dim] = { list[1], list[#list] }
  return t[index]
end

--- Values zero where they are masked; valid may be nil: nothing is.
function M.masked(x, valid)
  if not valid then return x end
  return ops.where(valid, x, zero(x))
end

-- ---- to stimuli ------------------------------------------------------------------------------------------------

-- Stimuli in the order of their first presentation; for each, the presentations that show it.
local function presentations_of(ids)
  local order, of = {}, {}
  for k, list in ipairs(common.by_value(ids)) do
    order[k] = common.key(ids[list[1]])
    of[order[k]] = list
  end
  return order, of
end

--- The different values of a list, in ascending order: numbers before texts.
function M.distinct(list)
  local seen, values = {}, {}
  for _, value in ipairs(list) do
    if not seen[value] then
      seen[value] = true
      values[#values + 1] = value
    end
  end
  table.sort(values, function(a, b)
    if type(a) == type(b) and type(a) ~= "boolean" then return a < b end
    if type(a) == "number" or type(b) == "number" then return type(a) == "number" end
    return tostring(a) < tostring(b)
  end)
  return values
end

-- The slot of each presentation, and what each slot is called.
local function slots_of(repetition, order, of, what, position)
  local slot, called = {}, {}
  if repetition then
    local place = {}
    called = M.distinct(repetition)
    for i, value in ipairs(called) do place[value] = i end
    for p, value in ipairs(repetition) do slot[p] = place[value] end
  else
    for _, key in ipairs(order) do
      for i, p in ipairs(of[key]) do slot[p], called[i] = i, i end
    end
  end
  for _, key in ipairs(order) do
    local taken = {}
    for _, p in ipairs(of[key]) do
      if taken[slot[p]] then
        errors.raise("format", position, "%s: stimulus %s has two presentations with repetition %s", what, key,
          tostring(repetition[p]))
      end
      taken[slot[p]] = true
    end
  end
  return slot, called
end

-- Coordinates that are the same in all presentations of a stimulus, with an entry for each stimulus, and the others.
local function by_stimulus(columns, order, of)
  local stimulus, presentation = {}, {}
  for name, list in pairs(columns) do
    local column, constant = {}, true
    for s, key in ipairs(order) do
      column[s] = list[of[key][1]]
      for _, p in ipairs(of[key]) do constant = constant and M.same(list[p], column[s]) end
    end
    if name == "stimulus_id" or constant and name ~= "repetition" then
      stimulus[name] = column
    elseif name ~= "repetition" then
      presentation[name] = list
    end
  end
  return stimulus, presentation
end

-- presentation x neuroid (x time) to stimulus x neuroid x repeat (x time); from: for each slot its presentation.
local function gather(x, from, stimuli, repeats)
  local shape = x.shape
  if repeats == 1 and stimuli == shape[1] and M.take(x, 1, from) == x then
    return x:reshape { stimuli, shape[2], 1, shape[3] }
  end
  local cube = x:index_select(common.index(from), { dim = 1 })
    :reshape { stimuli, repeats, shape[2], shape[3] }
  return cube:permute(shape[3] and { 1, 3, 2, 4 } or { 1, 3, 2 }):contiguous()
end

--- The parts of an assembly (see assembly.make) from presentations: x is presentation x neuroid (x time bin), valid
-- (nil: all) of the same shape, columns the presentations' coordinates: lists by name, stimulus_id among them.
function M.of_presentations(x, valid, columns, what, position)
  local order, of = presentations_of(columns.stimulus_id)
  local slot, called = slots_of(columns.repetition, order, of, what, position)
  local repeats, from, shown, places = #called, {}, {}, {}
  for i = 1, #order * repeats do from[i], shown[i] = 1, 0 end
  for s, key in ipairs(order) do
    for _, p in ipairs(of[key]) do
      local at = (s - 1) * repeats + slot[p]
      from[at], shown[at], places[p] = p, 1, at
    end
  end
  local stimulus, presentation = by_stimulus(columns, order, of)
  local parts = { responses = gather(x, from, #order, repeats), stimulus = stimulus, presentation = presentation,
    places = places, repetition = called, counted = columns.repetition == nil }
  if valid then parts.valid = gather(valid, from, #order, repeats) end
  if #places < #order * repeats then
    local there = common.index(shown):reshape({ #order, 1, repeats, x.ndim == 3 and 1 or nil }):gt(0)
    parts.valid = parts.valid and parts.valid:logical_and(there)
      or there:expand(parts.responses.shape):contiguous()
  end
  parts.responses = M.masked(parts.responses, parts.valid)
  return parts
end

-- ---- to presentations ------------------------------------------------------------------------------------------

-- stimulus x neuroid x repeat (x time) as presentation x neuroid (x time).
local function flat(t, places)
  local shape = t.shape
  if shape[3] == 1 then
    return M.take(t:reshape { shape[1], shape[2], shape[4] }, 1, places)
  end
  local rows = t:permute(shape[4] and { 1, 3, 2, 4 } or { 1, 3, 2 })
    :reshape { shape[1] * shape[3], shape[2], shape[4] }
  return M.take(rows, 1, places)
end

--- The presentations of an assembly: responses presentation x neuroid (x time bin), their mask (nil: all valid), and
-- every coordinate that they have, that of their stimuli included, as lists by name.
function M.presentations(a)
  local repeats, columns = a.responses:size(3), {}
  local stimulus = {}
  for p, place in ipairs(a.places) do stimulus[p] = (place - 1) // repeats + 1 end
  for name, list in next, a.stimulus do
    if name ~= "_count" then columns[name] = common.pick(list, stimulus) end
  end
  for name, list in next, a.presentation do
    if name ~= "_count" then columns[name] = list end
  end
  return flat(a.responses, a.places), not a.whole and flat(a.valid, a.places) or nil, columns
end

--- The responses in float64, NaN where a trial is missing.
function M.with_gaps(a)
  local r = a.responses:to "float64"
  if a.whole then return r end
  return ops.where(a.valid, r, tensor.full({ 1 }, 0 / 0, { dtype = "float64" }))
end

--- How many time bins there are in a second; nil where they do not say when they begin, or are not evenly spaced.
function M.bins_a_second(a)
  local start = rawget(a, "time_bin") and rawget(a.time_bin, "time_bin_start")
  if not start or #start < 2 then return nil end
  local step = (start[#start] - start[1]) / (#start - 1)
  for i = 2, #start do
    if step <= 0 or math.abs(start[i] - start[i - 1] - step) > 1e-3 * step then return nil end
  end
  return 1000 / step
end

return M
