--- lamina.neural.assembly_choose: parts of an assembly, by the values of coordinates or by position.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local parts_of = require "lamina.neural.assembly_parts"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = { methods = {} }
local Assembly = M.methods

local function assemblies() return require "lamina.neural.assembly" end

-- ---- by position -----------------------------------------------------------------------------------------------

-- The presentations of the stimuli at these positions, in the order of those where it is another than before: which
-- presentations, and their places once slots that are used no more are gone; and the slots that stay.
local function places_at(self, stimuli)
  local repeats, at, used, kept, slot = #self.slots, {}, {}, {}, {}
  for new, old in ipairs(stimuli) do at[old] = new end
  local list = {}
  for p, place in ipairs(self.places) do
    local new = at[(place - 1) // repeats + 1]
    if new then
      list[#list + 1] = { p = p, s = new, r = (place - 1) % repeats + 1 }
      used[(place - 1) % repeats + 1] = true
    end
  end
  for r = 1, repeats do
    if used[r] then
      kept[#kept + 1] = r
      slot[r] = #kept
    end
  end
  local ascending = true
  for i = 2, #stimuli do ascending = ascending and stimuli[i] > stimuli[i - 1] end
  if not ascending then table.sort(list, function(a, b) return a.s < b.s or a.s == b.s and a.p < b.p end) end
  local which, places = {}, {}
  for i, entry in ipairs(list) do which[i], places[i] = entry.p, (entry.s - 1) * #kept + slot[entry.r] end
  return which, places, kept
end

-- The part of an assembly at positions of its axes; nil: all of them.
local function part(self, stimuli, neuroids, times, position)
  local parts = { responses = self.responses, valid = not self.whole and self.valid or nil, name = self.name,
    numbered = self.numbered, lean = self.lean, counted = self.counted, selected = self.selected,
      places = self.places,
    repetition = self.slots, presentation = self.presentation,
    stimulus = assemblies().pick_all(self.stimulus, stimuli), neuroid = assemblies().pick_all(self.neuroid, neuroids),
    time_bin = self.time_bin and assemblies().pick_all(self.time_bin, times) }
  local function cut(dim, list)
    parts.responses = parts_of.take(parts.responses, dim, list)
    parts.valid = parts.valid and parts_of.take(parts.valid, dim, list)
  end
  if stimuli then
    local which, places, kept = places_at(self, stimuli)
    parts.presentation, parts.places, parts.repetition = assemblies().pick_all(self.presentation, which), places,
      common.pick(self.slots, kept)
    cut(1, stimuli)
    cut(3, kept)
  end
  if neuroids then cut(2, neuroids) end
  if times and parts.responses.ndim == 4 then
    cut(4, times)
    if #times == 1 then
      local shape = parts.responses.shape
      parts.responses = parts.responses:reshape { shape[1], shape[2], shape[3] }
      parts.valid = parts.valid and parts.valid:reshape { shape[1], shape[2], shape[3] }
    end
  end
  return assemblies().make(parts, self.name, position)
end

local NOUNS = { stimuli = "stimulus", neuroids = "neuroid", times = "time bin" }

-- Where a mask is true.
local function where(mask, n, axis, position)
  if #mask ~= n then
    errors.raise("shape", position, "at: the mask of %s has %d entries, expected %d, one for each %s", axis, #mask, n,
      NOUNS[axis])
  end
  local list = {}
  for i = 1, n do
    if mask[i] then list[#list + 1] = i end
  end
  return list
end

-- What a:at is given for an axis of n entries as a list of positions; nil: all of them.
local function positions(given, n, axis, position)
  if given == nil then return nil end
  local list, shape = given, ""
  if tensor.is_tensor(given) then
    shape = table.concat(given.shape, "x")
    list = given.ndim > 0 and given:count() == #given and given:reshape({ -1 }):totable()
  elseif type(given) == "number" then
    list = { given }
  end
  if type(list) ~= "table" or getmetatable(list) == nil and next(list) ~= nil and list[1] == nil then
    errors.raise("argument", position, "at: %s is %s, expected positions from 1 to %d (a number, a list or a tensor "
      .. "with one axis), or a mask with true or false for each %s", axis, shape ~= "" and "a tensor " .. shape
      or type(given) == "table" and "a table without [1]" or "a " .. type(given), n, NOUNS[axis])
  end
  local mask = type(list[1]) == "boolean"
  if mask then list = where(list, n, axis, position) end
  if #list == 0 then
    errors.raise("argument", position, "at: %s is %s, and no %s would be left (nil takes all)", axis,
      mask and "a mask that is true nowhere" or "an empty list", NOUNS[axis])
  end
  local whole = {}
  for i, value in ipairs(list) do
    whole[i] = type(value) == "number" and math.tointeger(value) or nil
    if not whole[i] or whole[i] < 1 or whole[i] > n then
      errors.raise("argument", position, "at: %s holds %s, expected positions from 1 to %d", axis,
        type(value) == "number" and tostring(value) or "a " .. type(value), n)
    end
  end
  return whole
end

--- a:at(stimuli, neuroids, times): the part at positions of these axes (lists, tensors with one axis, single numbers,
-- or masks: true or false for each entry; nil: all). Positions count from 1 and may stand in any order; those that
-- are not there, and what leaves nothing, are an error. So neuroids are chosen by their reliability:
-- a:at(nil, (split_half { 10 }:estimate(a)):gt(0.7)).
-- > a = neural.assembly { { responses = tensor { { 1, 2, 3 }, { 4, 5, 6 } }, stimulus_id = { "face", "hand" } } }
-- > a:at(2, { 3, 1 }):mean()   --> [[6. 4.]] [[1 1]]
function Assembly:at(stimuli, neuroids, times)
  local position = errors.position(2)
  local shape = self.responses.shape
  return part(self, positions(stimuli, shape[1], "stimuli", position),
    positions(neuroids, shape[2], "neuroids", position), positions(times, shape[4] or 1, "times", position), position)
end

-- ---- by coordinates --------------------------------------------------------------------------------------------

-- Whether a coordinate's value is what a selection asks for.
local function fits(wanted, value)
  if type(wanted) == "function" then return wanted(value) end
  if type(wanted) ~= "table" then return wanted == value end
  for _, one in ipairs(wanted) do
    if one == value then return true end
  end
  return false
end

-- The positions whose coordinates are what is wanted; nil where nothing is.
local function chosen(lists, wanted)
  if next(wanted) == nil then return nil end
  local keep = {}
  for i = 1, #lists do
    local good = true
    for name, value in pairs(wanted) do good = good and fits(value, lists[name][i]) end
    if good then keep[#keep + 1] = i end
  end
  return keep
end

local function shown(value) return type(value) == "string" and "'" .. value .. "'" or tostring(value) end

-- Of one condition of a selection: what is wrong with it where it holds nowhere, in words.
local function unmet(lists, name, wanted, noun)
  local list = lists[name]
  for i = 1, #lists do
    if fits(wanted, list[i]) then return nil end
  end
  if type(wanted) == "function" then return string.format("the test of %s holds for no %s", name, noun) end
  local first = wanted
  if type(wanted) == "table" then first = wanted[1] end
  if first == nil then return string.format("%s is an empty list", name) end
  local names, known, there = {}, {}, {}
  for _, value in ipairs(list) do
    if value == value then there[#there + 1] = value end -- NaN is a missing one
  end
  for i, value in ipairs(parts_of.distinct(there)) do names[i], known[i] = tostring(value), shown(value) end
  if #known == 0 then return string.format("%s is missing in every %s", name, noun) end
  return string.format("no %s has %s = %s%s; there %s %s", noun, name, shown(first), errors.hint(tostring(first),
    names), #known == 1 and "is" or "are", common.some(known, 8))
end

-- Raises for a selection that leaves nothing of an axis.
local function nothing_left(lists, wanted, axis, position)
  local noun, names, reasons = axis:gsub("_", " "), {}, {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do reasons[#reasons + 1] = unmet(lists, name, wanted[name], noun) end
  if #reasons == 0 then
    reasons[1] = string.format("each of %s fits some, but none fits them all", table.concat(names, ", "))
  end
  errors.raise("argument", position, "select: no %s is left: %s", noun, table.concat(reasons, "; "))
end

-- What is wanted, by axis.
local function by_axis(self, given, position)
  local wanted = { stimulus = {}, presentation = {}, neuroid = {}, time_bin = {} }
  for name, value in pairs(given) do
    local nested = wanted[name] and type(value) == "table" and #value == 0 and next(value) ~= nil
    if nested and name == "time_bin" and not self.time_bin then
      errors.raise("argument", position, "select: %s has no time bins", self.name)
    end
    for inner, one in pairs(nested and value or {}) do
      if not rawget(self[name], inner) or inner == "_count" then
        errors.raise("argument", position, "select: %s has no coordinate '%s'%s", name, tostring(inner),
          errors.hint(tostring(inner), assemblies().names(self[name])))
      end
      wanted[name][inner] = common.list(one)
    end
    if not nested then wanted[assemblies().axis_of(self, name, "select", position)][name] = common.list(value) end
  end
  return wanted
end

--- a:select { movie = { 1, 2 }, category = "natural", kind = function(v) return v ~= "noise" end }: the stimuli,
-- presentations, neuroids and time bins whose coordinates have these values (one, a list of them, or a test).
-- time_bin_start = 70 is one time bin, repetition = { 1, 2 } some of the repeats. A name that two axes have is asked
-- for as neuroid = { name = value }. A name that none has is an error, and so is a selection that leaves nothing. A
-- coordinate of one's own is set with its name, a list or tensor with an entry for each: a.neuroid.reliability =
-- split_half { 10 }:estimate(a), and then a:select { reliability = function(r) return r > 0.7 end }.
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }, stimulus_id = { 1, 2, 3 },
-- >   object = { "face", "hand", "face" }, neuroid_region = { "V4", "IT" } } }
-- > a:select({ object = "face", region = "IT" }):mean()   --> [[2.] [6.]] [[1] [1]]
function Assembly:select(given, ...)
  local position = errors.position(2)
  schema.last("select", "a:select { region = \"IT\", category = \"face\" } fits both", position, ...)
  if type(given) ~= "table" then
    errors.raise("argument", position, "select: expected coordinates and their values, as in a:select { category = "
      .. "\"face\" }, got a %s", type(given))
  end
  local wanted = by_axis(self, given, position)
  local keep = {}
  for _, axis in ipairs(assemblies().axes) do
    keep[axis] = self[axis] and chosen(self[axis], wanted[axis])
    if keep[axis] and #keep[axis] == 0 then
      nothing_left(self[axis], wanted[axis], axis, position)
    end
  end
  local from = self
  if keep.presentation then
    from = assemblies().at_presentations(self, keep.presentation, position)
    keep.stimulus = chosen(from.stimulus, wanted.stimulus)
    if keep.stimulus and #keep.stimulus == 0 then
      errors.raise("argument", position, "select: no stimulus is left: those that fit have none of the presentations "
        .. "that do")
    end
  end
  if not (keep.stimulus or keep.neuroid or keep.time_bin) then return from end
  return part(from, keep.stimulus, keep.neuroid, keep.time_bin, position)
end

--- a:complete(repeats): the part with the neuroids that have at least this many valid repeats (1 by default) of every
-- stimulus, in every time bin; an error where none is left.
-- > trials = tensor { { { 1, 3 }, { 5, 5 } }, { { 2, 0 / 0 }, { 6, 8 } } }   -- stimulus x neuroid x repeat
-- > a = neural.assembly { { responses = trials, stimulus_id = { "face", "hand" } }, missing = "nan" }
-- > a:complete(2):mean()   --> [[5.] [7.]] [[2] [2]]
function Assembly:complete(repeats, ...)
  local position, least, keep = errors.position(2), repeats or 1, {}
  schema.last("complete", "a:complete(3)", position, ...)
  if type(least) ~= "number" or least % 1 ~= 0 or least < 1 then
    errors.raise("argument", position, "complete: repeats is %s, expected a whole number of at least 1, as in "
      .. "a:complete(3)", schema.shown(least))
  end
  local counts = self:repeats():min({ dim = 1 })
  if counts.ndim == 2 then counts = counts:min({ dim = 2 }) end
  for i, count in ipairs(counts:totable()) do
    if count >= least then keep[#keep + 1] = i end
  end
  if #keep == 0 then
    errors.raise("argument", position, "complete: no neuroid has %d valid repeat%s of all %d stimuli", least,
      least == 1 and "" or "s", #self.stimulus)
  end
  return self:at(nil, keep)
end

return M
