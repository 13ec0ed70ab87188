--- lamina.neural.assembly: recorded (or simulated, or a model's) responses with what is known about them.
--
-- An assembly is what presentations of stimuli, neuroids and time bins have in common: a.responses, stimulus x
-- neuroid x repeat (and x time bin where there is more than one), a mask a.valid of the same shape that says which
-- trials count, and coordinates, lists by name: a.stimulus.NAME (one entry for each stimulus, always with
-- stimulus_id), a.presentation.NAME (one for each presentation: stimulus_id, repetition, and what differs between
-- presentations of one stimulus), a.neuroid.NAME, and a.time_bin.NAME where there is time (time_bin_start and
-- time_bin_end, in ms). A missing trial is masked, never a number. Names follow Brain-Score's.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local parts_of = require "lamina.neural.assembly_parts"
local stats = require "lamina.core.stats"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local Coordinates = { __name = "coordinates" }
Coordinates.__len = function(self) return rawget(self, "_count") end
Coordinates.__tostring = function(self)
  local names = M.names(self)
  return string.format("%d entries with %s", #self, #names > 0 and table.concat(names, ", ") or "no coordinates")
end

-- A coordinate of the script's own: a.neuroid.reliability = list, or a tensor.
Coordinates.__newindex = function(self, name, value)
  local list = common.list(value)
  local entries = type(list) == "table" and #list or nil
  if value ~= nil and entries ~= #self then
    errors.raise(entries and "shape" or "argument", 2, "coordinate '%s' is %s, expected a list or a tensor with %s",
      tostring(name), entries and "a list of " .. entries or "a " .. type(value), #self == 1 and "1 entry"
      or #self .. " entries, one for each")
  end
  rawset(self, name, list)
end

local Assembly = { __name = "assembly" }
for _, part in ipairs { "choose", "group", "split", "write" } do
  for name, method in pairs(require("lamina.neural.assembly_" .. part).methods) do Assembly[name] = method end
end
Assembly.__index = object.index("an assembly", Assembly, "means counts rates time_bin selected", {
  shape = "a.responses.shape is stimulus x neuroid x repeat, a:presentations().shape presentation x neuroid",
  values = "a:presentations() are its responses, a:mean() their means over repeats",
  coords = "a.stimulus, a.presentation, a.neuroid and a.time_bin hold the coordinates of each axis",
  dims = "its axes are stimulus and presentation, neuroid, and time_bin where there are time bins",
})

--- The axes of an assembly that have coordinates.
M.axes = { "stimulus", "presentation", "neuroid", "time_bin" }

--- The names of coordinates, sorted.
function M.names(coordinates)
  local names = {}
  for name in pairs(coordinates) do
    if name ~= "_count" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- Coordinates from lists of `count` entries each. shape (optional): of the responses, for messages.
local function coordinates(lists, count, what, position, shape)
  local made = { _count = count }
  for name, list in pairs(lists) do
    if name ~= "_count" then
      list = common.list(list)
      if #list ~= count then
        errors.raise("shape", position, "%s: coordinate '%s' has %d entries, expected %d%s", what, name, #list, count,
          shape and string.format(" (responses are %s: stimulus x neuroid x repeat%s)", table.concat(shape, "x"),
            shape[4] and " x time bin" or "") or "")
      end
      made[name] = list
    end
  end
  return setmetatable(made, Coordinates)
end

-- Raises when two stimuli share an id.
local function check_ids(ids, what, position)
  local seen = {}
  for i, id in ipairs(ids) do
    local key = common.key(id)
    if id ~= id or key == "" then
      errors.raise("argument", position, "%s: the stimulus_id of stimulus %d%s is %s: every stimulus needs an id",
        what, i, i > 1 and " (after " .. common.key(ids[i - 1]) .. ")" or "", id ~= id and "NaN" or "empty")
    end
    if seen[key] then
      errors.raise("argument", position, "%s: stimuli %d and %d have the same stimulus_id, %s: every stimulus needs "
        .. "one of its own (repeats of a stimulus are an axis, stimulus x neuroid x repeat, or rows of presentation "
        .. "x neuroid)", what, seen[key], i, key)
    end
    seen[key] = i
  end
end

-- Time bins begin before they end.
local function check_times(time, what, position)
  local start, stop = rawget(time, "time_bin_start"), rawget(time, "time_bin_end")
  for name, list in pairs { time_bin_start = start, time_bin_end = stop } do
    for i, value in ipairs(list) do
      if type(value) ~= "number" then
        errors.raise("argument", position, "%s: %s of time bin %d is a %s, expected a time in ms", what, name, i,
          type(value))
      end
    end
  end
  for i = 1, start and stop and #time or 0 do
    if start[i] >= stop[i] then
      errors.raise("argument", position, "%s: time bin %d begins at %g ms and ends at %g ms", what, i, start[i],
        stop[i])
    end
  end
end

-- A coordinate of presentations as one of stimuli; nil where presentations of one stimulus differ in it.
local function of_stimuli(list, places, repeats)
  local column, seen = {}, {}
  for p, place in ipairs(places) do
    local s = (place - 1) // repeats + 1
    if seen[s] and not parts_of.same(column[s], list[p]) then return nil end
    column[s], seen[s] = list[p], true
  end
  return column
end

-- The coordinates of presentations and of stimuli: each presentation has its stimulus and repetition; what all
-- presentations of a stimulus share is the stimulus's.
local function split_lists(parts, places, repeats)
  local lists, stimulus = { stimulus_id = {}, repetition = {} }, {}
  for _, name in ipairs(M.names(parts.stimulus)) do stimulus[name] = parts.stimulus[name] end
  for _, name in ipairs(M.names(parts.presentation or {})) do
    local list = parts.presentation[name]
    local own = name ~= "stimulus_id" and name ~= "repetition" and #list == #places
      and of_stimuli(list, places, #repeats)
    if own and #own == #stimulus.stimulus_id then stimulus[name] = own else lists[name] = list end
  end
  lists.stimulus_id, lists.repetition = {}, {}
  for p, place in ipairs(places) do
    lists.stimulus_id[p] = stimulus.stimulus_id[(place - 1) // #repeats + 1]
    lists.repetition[p] = repeats[(place - 1) % #repeats + 1]
  end
  return lists, stimulus
end

--- An assembly from its parts: responses S x U x R (x T); valid, bool of the same shape (absent: all are valid);
-- stimulus, neuroid and time_bin, lists by name; places: for each presentation its slot (s - 1) R + r (absent: every
-- slot is one), repetition: what the R slots are called (1 to R), counted: whether that was made up by counting,
-- presentation: lists by name of what differs between presentations. numbered: whether the stimulus ids were made up
-- by counting (those of images that came without any). lean: the mask of what is all valid takes no memory. selected:
-- whether the stimuli served a choice.
function M.make(parts, what, position)
  local shape = parts.responses.shape
  parts.stimulus.stimulus_id = common.list(parts.stimulus.stimulus_id)
  check_ids(parts.stimulus.stimulus_id, what, position)
  local places = parts.places or common.count_up(shape[1] * shape[3])
  local repeats = parts.repetition or common.count_up(shape[3])
  local valid, whole = parts.valid, not parts.valid
  local presentation, stimulus = split_lists(parts, places, repeats)
  if not valid then
    valid = parts.lean and tensor.ones({ 1 }, { dtype = "bool" }):expand(shape) or tensor.ones(shape, {
      dtype = "bool" })
  elseif valid:all():item() then
    whole = true
  end
  local made = setmetatable({ name = parts.name or what, responses = parts.responses, valid = valid, whole = whole,
    numbered = parts.numbered or false, places = places, slots = repeats, lean = parts.lean or false,
    counted = parts.counted == nil and parts.repetition == nil or parts.counted or false,
    selected = parts.selected or nil, stimulus = coordinates(stimulus, shape[1], what, position),
    presentation = coordinates(presentation, #places, what, position),
    neuroid = coordinates(parts.neuroid or {}, shape[2], what, position, shape) }, Assembly)
  if parts.time_bin then
    made.time_bin = coordinates(parts.time_bin, shape[4] or 1, what, position)
    check_times(made.time_bin, what, position)
  end
  return made
end

--- An assembly from presentations: x, presentation x neuroid (x time bin), valid (or nil), columns: lists by name
-- with an entry for each presentation; parts: neuroid, time_bin, name, numbered, lean.
function M.of_presentations(x, valid, columns, parts, what, position)
  local all = parts_of.of_presentations(x, valid, columns, what, position)
  for name, value in pairs(parts) do all[name] = value end
  if parts.counted then all.counted = true end
  return M.make(all, what, position)
end

--- True for an assembly.
function M.is_assembly(value) return getmetatable(value) == Assembly end

--- Raises for an assembly of several time bins where a word looks at one time.
function M.one_time(a, word, position)
  if a.responses.ndim < 4 then return a end
  errors.raise("argument", position, "%s: %s has %d time bins and this looks at one: choose one with a:select { "
    .. "time_bin_start = MS }, or their mean with a:average \"time_bin\"%s", word, a.name, a.responses:size(4),
    word == "predictivity" and "; responses = a:unroll() with by = \"time_bin_start\" gives a row for each" or "")
end

--- The responses of an assembly of one time as a matrix without gaps, for a word that takes items x features: mean
-- responses, stimulus x neuroid, or with `trials` presentation x neuroid; and the items' coordinates, lists by name.
-- Raises where a trial is missing.
function M.matrix(a, trials, word, position)
  M.one_time(a, word, position)
  local x, lists
  if trials then x, lists = a:presentations() else x, lists = a:mean(), a.stimulus end
  local gaps = x:isnan():to "int64":sum():item()
  if gaps > 0 then
    errors.raise("argument", position, "%s: %d of %d responses of %s are missing; a:complete() leaves out the "
      .. "neuroids "
      .. "that have gaps, a:average() takes means over repetitions first", word, gaps, x:count(), a.name)
  end
  return x, lists
end

-- ---- using -----------------------------------------------------------------------------------------------------

local function times_text(time)
  local start, stop = rawget(time, "time_bin_start"), rawget(time, "time_bin_end")
  local text = common.plural(#time, "time bin")
  if start and stop then text = string.format("%s from %g to %g ms", text, start[1], stop[#stop]) end
  return text
end

--- How many responses of an assembly's presentations (of neuroids, in time bins) are missing, and of how many. A
-- repeat that a stimulus never had, where others had more, is none of them.
function M.missing(a)
  local shape = a.responses.shape
  local total = #a.places * shape[2] * (shape[4] or 1)
  return a.whole and 0 or total - a.valid:to "int64":sum():item(), total
end

local MOST = 1 << 23 -- responses that print looks at; of more, and of one stimulus, it says nothing of what varies

-- Which neuroids give the same in all their valid trials: ids where these are known, else positions.
local function constant_neuroids(self)
  local x, shape, names = self.responses, self.responses.shape, {}
  if x:count() > MOST or shape[1] < 2 then return names end
  local none = tensor.full({ 1 }, math.huge, { dtype = x.dtype })
  local order = shape[4] and { 2, 1, 3, 4 } or { 2, 1, 3 }
  local function of_neuroids(t) return t:permute(order):reshape { shape[2], -1 } end
  local high = of_neuroids(self.whole and x or ops.where(self.valid, x, -none)):max { dim = 2 }
  local low = of_neuroids(self.whole and x or ops.where(self.valid, x, none)):min { dim = 2 }
  local ids = rawget(self.neuroid, "neuroid_id")
  for i, at in ipairs(ops.eq(high, low):nonzero():reshape({ -1 }):totable()) do names[i] = ids and ids[at] or at end
  return names
end

Assembly.__tostring = function(self)
  local shape, missing, total = self.responses.shape, M.missing(self)
  local lines = {
    string.format("%s: %s, %s, up to %s%s; %d of %d trials missing", self.name, shape[1] == 1 and "1 stimulus"
      or shape[1] .. " stimuli", common.plural(shape[2], "neuroid"), common.plural(shape[3], "repeat")
      .. (#self.places < shape[1] * shape[3] and string.format(" (%d presentations)", #self.places) or ""),
      self.time_bin and ", " .. times_text(self.time_bin) or "", missing, total),
    "  stimulus: " .. table.concat(M.names(self.stimulus), ", "),
  }
  local constant = constant_neuroids(self)
  if #constant > 0 then
    table.insert(lines, 2, string.format("  %d of %s do%s not vary over trials: %s", #constant,
      common.plural(shape[2], "neuroid"), #constant == 1 and "es" or "", common.some(constant)))
  end
  local own = M.names(self.presentation)
  if #own > 2 then lines[#lines + 1] = "  presentation: " .. table.concat(own, ", ") end
  lines[#lines + 1] = "  neuroid: " .. table.concat(M.names(self.neuroid), ", ")
  if self.time_bin then lines[#lines + 1] = "  time_bin: " .. table.concat(M.names(self.time_bin), ", ") end
  return table.concat(lines, "\n")
end

-- Means over the repeats of S x U x R, or with time of S x U x R x T.
local function means_of(self)
  local x, valid, shape = self.responses, self.valid, self.responses.shape
  if shape[3] == 1 and self.whole then
    return x:reshape { shape[1], shape[2], shape[4] }, tensor.ones({ 1 }, { dtype = "int64" })
      :expand { shape[1], shape[2], shape[4] }
  end
  if shape[4] then
    local wide = { shape[1], shape[2] * shape[4], shape[3] }
    x, valid = x:permute { 1, 2, 4, 3 }:reshape(wide), valid:permute { 1, 2, 4, 3 }:reshape(wide)
  end
  local mean, count = stats.masked_mean(x:to "float64", valid:contiguous())
  if not shape[4] then return mean, count end
  return mean:reshape { shape[1], shape[2], shape[4] }, count:reshape { shape[1], shape[2], shape[4] }
end

--- a:mean(): mean responses over the valid repeats, stimulus x neuroid (x time bin where there are several; float64),
-- and how many repeats each is the mean of (int64). Where there are none the mean is NaN and the count 0.
-- > trials = tensor { { { 1, 3 }, { 5, 5 } }, { { 2, 0 / 0 }, { 6, 8 } } }   -- stimulus x neuroid x repeat
-- > a = neural.assembly { { responses = trials, stimulus_id = { "face", "hand" } }, missing = "nan" }
-- > a:mean()   --> [[2. 5.] [2. 7.]] [[2 2] [1 2]]
function Assembly:mean(...)
  schema.last("mean", "a:mean() is the mean over repeats, a:average { \"neuroid\" } one along an axis",
    errors.position(2), ...)
  if not self.means then self.means, self.counts = means_of(self) end
  return self.means, self.counts
end

--- a:repeats(): the number of valid repeats of each stimulus for each neuroid (int64).
-- > trials = tensor { { { 1, 3 }, { 5, 5 } }, { { 2, 0 / 0 }, { 6, 8 } } }   -- stimulus x neuroid x repeat
-- > a = neural.assembly { { responses = trials, stimulus_id = { "face", "hand" } }, missing = "nan" }
-- > a:repeats()   --> [[2 2] [1 2]]
function Assembly:repeats() return (select(2, self:mean())) end

--- a:presentations(): the responses as presentation x neuroid (x time bin), NaN where a trial is missing, in the
-- order of a.presentation; and every coordinate of the presentations, those of their stimuli included, as lists by
-- name.
-- > a = neural.assembly { { responses = tensor { { { 1, 3 } }, { { 2, 4 } } }, stimulus_id = { "face", "hand" } } }
-- > responses, of = a:presentations()
-- > responses, of.stimulus_id   --> [[1.] [3.] [2.] [4.]] { "face", "face", "hand", "hand" }
function Assembly:presentations()
  local x, valid, columns = parts_of.presentations(self)
  if valid then x = ops.where(valid, x, tensor.full({ 1 }, 0 / 0, { dtype = x.dtype })) end
  return x, columns
end

-- ---- choosing -----------------------------------------------------------------------------------------------------

--- The entries of all coordinates at these positions.
function M.pick_all(lists, keep)
  if keep == nil then return lists end
  local picked = {}
  for _, name in ipairs(M.names(lists)) do picked[name] = common.pick(lists[name], keep) end
  return picked
end

--- The assembly of the presentations at these positions of its presentations; stimuli without any are gone.
function M.at_presentations(a, keep, position)
  local x, valid, columns = parts_of.presentations(a)
  return M.of_presentations(parts_of.take(x, 1, keep), valid and parts_of.take(valid, 1, keep),
    M.pick_all(setmetatable(columns, nil), keep), { neuroid = a.neuroid, time_bin = a.time_bin, name = a.name,
      numbered = a.numbered, lean = a.lean, counted = a.counted, selected = a.selected }, a.name, position)
end

--- The axis that has a coordinate: "stimulus", "presentation", "neuroid" or "time_bin". Raises for a name that none
-- has, with the nearest one, and for one that several have.
function M.axis_of(a, name, word, position)
  local found, all, listed, longer = {}, {}, {}, nil
  name = tostring(name)
  for _, axis in ipairs(M.axes) do
    for _, known in ipairs(a[axis] and M.names(a[axis]) or {}) do
      if not listed[known] then all[#all + 1] = known end
      listed[known] = true
      if #name > 3 and known:sub(1, #name + 1) == name .. "_" then longer = longer or known end
      if known == name and not (axis == "presentation" and found[1] == "stimulus") then found[#found + 1] = axis end
    end
  end
  if #found == 1 then return found[1] end
  if #found > 1 then
    errors.raise("argument", position, "%s: %s and %s both have a coordinate '%s'; say which is meant, as in %s = { "
      .. "%s = ... }", word, found[1], found[2], name, found[2], name)
  end
  local hint = longer and string.format(" (did you mean '%s'?)", longer) or errors.hint(name, all)
  if hint == "" and #all > 0 then hint = " (there are " .. common.some(all, 12) .. ")" end
  errors.raise("argument", position, "%s: there is no coordinate '%s'%s", word, name, hint)
end

-- ---- comparing and pairing -------------------------------------------------------------------------------------

-- The first coordinate in which two assemblies differ along an axis, in words; nil where there is none.
local function different(a, b, axis)
  if not a or not b then return a ~= b and "one has no " .. axis or nil end
  if #a ~= #b then return string.format("%d and %d along %s", #a, #b, axis) end
  local names = M.names(a)
  if table.concat(names, "\0") ~= table.concat(M.names(b), "\0") then
    return string.format("the coordinates of %s are %s, and %s", axis, table.concat(names, ", "),
      table.concat(M.names(b), ", "))
  end
  for _, name in ipairs(names) do
    for i, value in ipairs(a[name]) do
      if not parts_of.same(value, b[name][i]) then
        return string.format("%s %d of %s is %s, and %s", name, i, axis, tostring(value), tostring(b[name][i]))
      end
    end
  end
end

--- a:equal(other): whether two assemblies hold the same: every response that is not missing to the bit, the masks,
-- all coordinates in their order; where not, also what differs first. Their names do not count.
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 } }, stimulus_id = { "face", "hand" } } }
-- > b = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 5 } }, stimulus_id = { "face", "hand" } } }
-- > a:equal(a), a:equal(b)   --> true false the responses differ
function Assembly:equal(other)
  if not M.is_assembly(other) then return false, "the other is a " .. type(other) end
  for _, axis in ipairs(M.axes) do
    local why = different(self[axis], other[axis], axis)
    if why then return false, why end
  end
  local x, y = self.responses, other.responses
  if x.dtype ~= y.dtype or table.concat(x.shape, "x") ~= table.concat(y.shape, "x") then
    return false, string.format("responses are %s %s, and %s %s", table.concat(x.shape, "x"), x.dtype,
      table.concat(y.shape, "x"), y.dtype)
  end
  if not (self.whole and other.whole) and not self.valid:equal(other.valid) then return false, "the masks differ" end
  if not x:equal(y) then return false, "the responses differ" end
  return true
end

--- For each stimulus of an assembly the position of its image in a stimulus set. Ids that were made up for the
-- images, 1..N in their order, are no match for ids that the recording came with: that is an error.
function M.match(a, set, what, where, position, word)
  if set.numbered and not a.numbered then
    errors.raise("argument", position, "%s%s came without stimulus ids, so 1 to %d were made up; %s has ids of its "
      .. "own, and which image is which cannot be told: give the images' ids (stimuli.array takes table = "
      .. "\"FILE.csv\", id = \"COLUMN\", or ids = a list; any set has set:with_ids(list))", word
      and word .. ": " or "", where, #set, what)
  end
  return common.align(a.stimulus.stimulus_id, set.id, what, where, position, word)
end

--- a:paired(stimuli), or a:paired { stimuli, trials = true }: a data set of images x and responses y (float32, items
-- x neuroid), aligned by stimulus_id, for train { loss = "poisson", ... }: an item for each stimulus with the mean
-- over its valid repeats, or with `trials` for each presentation (its repeat in columns.repetition; items of one
-- image belong to one group, which set:split { by = true } keeps together). Where a neuroid has no valid trial y is
-- NaN, and the set says that NaN means missing (set.missing), which losses that look at each element leave out. A
-- stimulus without image, and a neuroid without any trial, is an error.
-- > set = stimuli.gratings { size = 16, orientation = { 0, 45, 90, 135 } }
-- > a = neural.simulate { set, simple = 5, repeats = 3 }
-- > pairs = a:paired(set)
-- > pairs.x.shape, pairs.y.shape, #a:paired { set, trials = true }   --> { 4, 1, 16, 16 } { 4, 5 } 12
function Assembly:paired(given)
  return require("lamina.neural.paired").paired(self, given, errors.position(2))
end

return M
