--- lamina.neural.assembly: recorded (or simulated) responses with what is known about stimuli and neuroids.
--
-- An assembly holds responses as stimulus x neuroid x repeat (float64), a mask `valid` of the same shape that says
-- which trials count, and coordinates: a.stimulus.NAME (one entry for each stimulus, always with stimulus_id) and
-- a.neuroid.NAME (one for each neuroid). A missing trial is masked, never a number. Names follow Brain-Score's.
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local files = require "lamina.neural.assembly_files"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stats = require "lamina.core.stats"
local tables = require "lamina.neural.assembly_tables"
local tensor = require "lamina.core.tensor"

local M = {}

local Coordinates = { __name = "coordinates" }
Coordinates.__len = function(self) return rawget(self, "_count") end
Coordinates.__tostring = function(self)
  local names = M.names(self)
  return string.format("%d entries with %s", #self, #names > 0 and table.concat(names, ", ") or "no coordinates")
end

local Assembly = { __name = "assembly" }
Assembly.__index = object.index("an assembly", Assembly, "means counts rates")

--- The names of coordinates, sorted.
function M.names(coordinates)
  local names = {}
  for name in pairs(coordinates) do
    if name ~= "_count" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- Coordinates from lists of `count` entries each.
local function coordinates(lists, count, what, position)
  local made = { _count = count }
  for name, list in pairs(lists) do
    list = common.list(list)
    if #list ~= count then
      errors.raise("shape", position, "%s: coordinate '%s' has %d entries, expected %d", what, name, #list, count)
    end
    made[name] = list
  end
  return setmetatable(made, Coordinates)
end

-- Raises when two stimuli share an id.
local function check_ids(ids, what, position)
  local seen = {}
  for _, id in ipairs(ids) do
    local key = common.key(id)
    if seen[key] then
      errors.raise("argument", position, "%s: stimulus_id %s occurs more than once", what, key)
    end
    seen[key] = true
  end
end

--- An assembly from its parts: responses S x U x R, valid (bool, the same shape), stimulus and neuroid (lists by
-- name). numbered: whether the stimulus ids were made up by counting (those of images that came without any).
function M.make(parts, what, position)
  local responses = parts.responses
  local shape = responses.shape
  check_ids(common.list(parts.stimulus.stimulus_id), what, position)
  return setmetatable({ name = parts.name or what, responses = responses, valid = parts.valid,
    numbered = parts.numbered or false,
    stimulus = coordinates(parts.stimulus, shape[1], what, position),
    neuroid = coordinates(parts.neuroid or {}, shape[2], what, position) }, Assembly)
end

--- True for an assembly.
function M.is_assembly(value) return getmetatable(value) == Assembly end

-- ---- reading ---------------------------------------------------------------------------------------------------

-- The mask and the responses with zeros where they are masked. NaN is refused unless it is what `missing` says.
local function mask(responses, missing, what, position)
  local valid
  if missing == "nan" then
    valid = responses:isnan():logical_not()
  elseif type(missing) == "number" then
    valid = responses:ne(missing)
  elseif missing == nil then
    valid = tensor.ones(responses.shape, { dtype = "bool" })
  else
    errors.raise("argument", position, "%s: missing = '%s', expected a number or \"nan\"", what, tostring(missing))
  end
  local clean = ops.where(valid, responses, tensor.zeros { 1, dtype = "float64" })
  if not clean:isfinite():all():item() then
    errors.raise("numeric", position, "%s: responses hold NaN or infinite values; where NaN means a missing trial, "
      .. "say missing = \"nan\"", what)
  end
  return clean, valid
end

-- Stimuli in the order of their first presentation; for each, the presentations that show it.
local function presentations_of(ids)
  local order, of = {}, {}
  for p, id in ipairs(ids) do
    local key = common.key(id)
    if not of[key] then
      of[key] = {}
      order[#order + 1] = key
    end
    table.insert(of[key], p)
  end
  return order, of
end

-- The slot of each presentation among the repeats of its stimulus: by the repetition coordinate, else by order.
local function slots_of(lists, order, of, what, position)
  local slot, count = {}, 0
  if lists.repetition then
    local seen, values = {}, {}
    for _, value in ipairs(lists.repetition) do
      if not seen[value] then
        seen[value] = true
        values[#values + 1] = value
      end
    end
    table.sort(values)
    for i, value in ipairs(values) do seen[value] = i end
    for p, value in ipairs(lists.repetition) do slot[p] = seen[value] end
    count = #values
  else
    for _, key in ipairs(order) do
      for i, p in ipairs(of[key]) do slot[p] = i end
      count = math.max(count, #of[key])
    end
  end
  for _, key in ipairs(order) do
    local taken = {}
    for _, p in ipairs(of[key]) do
      if taken[slot[p]] then
        errors.raise("format", position, "%s: stimulus %s has two presentations with repetition %s", what, key,
          tostring(lists.repetition[p]))
      end
      taken[slot[p]] = true
    end
  end
  return slot, count
end

-- The coordinates that are the same in all presentations of a stimulus.
local function per_stimulus(lists, order, of)
  local kept = {}
  for name, list in pairs(lists) do
    local column, constant = {}, true
    for s, key in ipairs(order) do
      column[s] = list[of[key][1]]
      for _, p in ipairs(of[key]) do constant = constant and list[p] == column[s] end
    end
    if constant or name == "stimulus_id" then kept[name] = column end
  end
  return kept
end

-- presentation x neuroid to stimulus x neuroid x repeat.
local function gather(responses, lists, what, position)
  local order, of = presentations_of(lists.stimulus_id)
  local slot, repeats = slots_of(lists, order, of, what, position)
  local from, shown = {}, {}
  for i = 1, #order * repeats do from[i], shown[i] = 1, 0 end
  for s, key in ipairs(order) do
    for _, p in ipairs(of[key]) do
      local at = (s - 1) * repeats + slot[p]
      from[at], shown[at] = p, 1
    end
  end
  local units = responses:size(2)
  local cube = responses:index_select(common.index(from), { dim = 1 }):reshape { #order, repeats, units }
  local there = common.index(shown):reshape { #order, 1, repeats }:gt(0)
  return cube:permute { 1, 3, 2 }:contiguous(), there, per_stimulus(lists, order, of)
end

-- Sorts the arrays of a file into presentation (or stimulus) coordinates and neuroid coordinates.
local function sort_arrays(arrays, rows, units, what, position)
  local by_row, by_neuroid = {}, {}
  for name, array in pairs(arrays) do
    local list = common.list(array)
    if name ~= "responses" and type(list) == "table" and type(list[1]) ~= "table" then
      local neuroid = name:match "^neuroid_(.+)$"
      if neuroid and name ~= "neuroid_id" then name = neuroid end
      if neuroid then
        by_neuroid[name] = list
      elseif #list == rows then
        by_row[name] = list
      else
        errors.raise("shape", position, "%s: array '%s' has %d entries, expected %d (the rows of responses); arrays "
          .. "about the %d neuroids have names that begin with neuroid_", what, name, #list, rows, units)
      end
    end
  end
  if not by_row.stimulus_id then
    errors.raise("format", position, "%s: there is no array stimulus_id with one entry for each of the %d rows of "
      .. "responses", what, rows)
  end
  return by_row, by_neuroid
end

local function need_shape(responses, what, position)
  if responses.ndim ~= 2 and responses.ndim ~= 3 then
    errors.raise("shape", position, "%s: responses are %s, expected presentation x neuroid or stimulus x neuroid x "
      .. "repeat", what, table.concat(responses.shape, "x"))
  end
  return responses:to "float64"
end

-- An assembly from arrays by name.
local function from_arrays(arrays, o, what, position)
  if not tensor.is_tensor(arrays.responses) then
    errors.raise("format", position, "%s: there is no numeric array 'responses'", what)
  end
  local responses = need_shape(arrays.responses, what, position)
  arrays = tables.add(arrays, o, #responses, responses:size(2), what, position)
  local by_row, by_neuroid = sort_arrays(arrays, #responses, responses:size(2), what, position)
  if responses.ndim == 3 then
    local clean, valid = mask(responses, o.missing, what, position)
    return M.make({ responses = clean, valid = valid, stimulus = by_row, neuroid = by_neuroid }, what, position)
  end
  local cube, there, stimulus = gather(responses, by_row, what, position)
  local clean, valid = mask(ops.where(there, cube, tensor.zeros { 1, dtype = "float64" }), o.missing, what, position)
  return M.make({ responses = clean, valid = valid:logical_and(there), stimulus = stimulus, neuroid = by_neuroid },
    what, position)
end

-- Counts are not negative: a value below 0 that `missing` does not name most likely stands for a missing trial.
local function check_counts(clean, what, position)
  local least = clean:count() > 0 and clean:min():item() or 0
  if least >= 0 then return end
  errors.raise("argument", position, "%s: counts hold negative values (the least is %g); where it stands for a "
    .. "missing trial, say missing = %g (responses that may be negative are no counts: neural.assembly { { "
    .. "responses = x, stimulus_id = ids } })", what, least, least)
end

local function from_counts(o, position)
  local what = type(o.counts) == "string" and o.counts or "neural.assembly"
  local responses = type(o.counts) == "string" and core_io.npy_read(o.counts) or o.counts
  if not tensor.is_tensor(responses) then
    errors.raise("shape", position, "%s: counts must be an array of numbers, stimulus x neuroid x repeat, or "
      .. "presentation x neuroid", what)
  end
  local made = from_arrays({ responses = responses }, o, what, position)
  check_counts(made.responses, what, position)
  return made
end

local FIELDS = {
  positional = { "file" },
  file = { type = { "string", "table" }, doc = "an .npz, .h5, .mat or .nc file, or its arrays by name" },
  variable = { type = "string", doc = "which variable of a netCDF file; if absent, the one of neuroids" },
  counts = { type = { "string", "tensor" }, doc = "an .npy file, stimulus x neuroid x repeat or presentation x "
    .. "neuroid; none below 0" },
  stimuli = { type = { "string", "table" }, doc = "a CSV file (or lists by name) with a row for each row of the "
    .. "responses, or, where those have a stimulus_id, for each stimulus" },
  neuroids = { type = { "string", "table" }, doc = "a CSV file (or lists by name) with a row for each neuroid" },
  where = { type = "table", doc = "which rows of neuroids: { column = value }" },
  id = { type = "string", doc = "the column of stimuli that identifies a stimulus; stimulus_id if absent" },
  missing = { type = { "number", "string" }, doc = "what stands for a missing trial: a number, or \"nan\"" },
  name = { type = "string", doc = "what print shows" },
}

--- neural.assembly "file.npz", or neural.assembly { counts = "x.npy", stimuli = "stimuli.csv", neuroids =
-- "units.csv", where = { recording = "a" }, id = "index", missing = -1 }: recorded responses.
-- stimuli and neuroids may also stand beside a file: neural.assembly { "x.npz", neuroids = "units.csv" }.
-- npz: responses (presentation x neuroid, or stimulus x neuroid x repeat), stimulus_id and any other arrays with one
-- entry for each row; arrays named neuroid_X with one for each neuroid become a.neuroid.X. .h5 and .mat files hold
-- the same arrays, or have those about stimuli and neuroids in groups (structs) `stimulus` and `neuroid`; of a netCDF
-- file (.nc) the dimensions presentation and neuroid say which coordinate is which. Trials equal to `missing`
-- are masked; NaN is an error unless missing = "nan", and so is a negative count unless `missing` names it.
function M.assembly(given)
  local position = errors.position(2)
  local o = schema.check("neural.assembly", given, FIELDS, position)
  local made
  if o.file then
    local what = type(o.file) == "string" and o.file or "neural.assembly"
    local arrays = type(o.file) == "string" and files.read(o.file, o.variable, position) or o.file
    made = from_arrays(arrays, o, what, position)
  elseif o.counts and o.stimuli then
    made = from_counts(o, position)
  else
    errors.raise("argument", position, "neural.assembly: expected a file, or counts and stimuli")
  end
  made.name = o.name or made.name
  return made
end

-- ---- using -----------------------------------------------------------------------------------------------------

Assembly.__tostring = function(self)
  local shape = self.responses.shape
  local trials = self.valid:to "int64":sum():item()
  local total = shape[1] * shape[2] * shape[3]
  return table.concat({
    string.format("%s: %s, %s, up to %s; %d of %d trials missing", self.name, shape[1] == 1 and "1 stimulus"
      or shape[1] .. " stimuli", common.plural(shape[2], "neuroid"), common.plural(shape[3], "repeat"),
      total - trials, total),
    "  stimulus: " .. table.concat(M.names(self.stimulus), ", "),
    "  neuroid: " .. table.concat(M.names(self.neuroid), ", "),
  }, "\n")
end

--- a:mean(): mean responses over the valid repeats, stimulus x neuroid (float64), and how many repeats each is the
-- mean of (int64). Where there are none the mean is NaN and the count 0.
function Assembly:mean()
  if not self.means then self.means, self.counts = stats.masked_mean(self.responses, self.valid) end
  return self.means, self.counts
end

--- a:repeats(): the number of valid repeats of each stimulus for each neuroid (int64).
function Assembly:repeats() return (select(2, self:mean())) end

-- Whether a coordinate's value is what a selection asks for.
local function fits(wanted, value)
  if type(wanted) == "function" then return wanted(value) end
  if type(wanted) ~= "table" then return wanted == value end
  for _, one in ipairs(wanted) do
    if one == value then return true end
  end
  return false
end

local function chosen(lists, wanted)
  local keep = {}
  for i = 1, #lists do
    local good = true
    for name, value in pairs(wanted) do good = good and fits(value, lists[name][i]) end
    if good then keep[#keep + 1] = i end
  end
  return keep
end

-- The entries of all coordinates at these positions.
local function pick_all(lists, keep)
  local picked = {}
  for _, name in ipairs(M.names(lists)) do picked[name] = common.pick(lists[name], keep) end
  return picked
end

--- a:at(stimuli, neuroids): an assembly of the stimuli and neuroids at these positions (lists; nil: all).
function Assembly:at(stimuli, neuroids)
  stimuli = stimuli or common.count_up(#self.stimulus)
  neuroids = neuroids or common.count_up(#self.neuroid)
  local function cut(t)
    return t:index_select(common.index(stimuli), { dim = 1 }):index_select(common.index(neuroids), { dim = 2 })
  end
  return M.make({ responses = cut(self.responses), valid = cut(self.valid),
    stimulus = pick_all(self.stimulus, stimuli), neuroid = pick_all(self.neuroid, neuroids), name = self.name,
    numbered = self.numbered }, self.name, errors.position(2))
end

--- a:select { movie = { 1, 2 }, category = "natural", kind = function(v) return v ~= "noise" end }: the stimuli and
-- neuroids whose coordinates have these values (one, a list of them, or a test). A name that both have, and one that
-- neither has, is an error, and so is a selection that leaves nothing.
function Assembly:select(wanted)
  local position = errors.position(2)
  local of_stimulus, of_neuroid = {}, {}
  for name, value in pairs(wanted) do
    local s, n = rawget(self.stimulus, name), rawget(self.neuroid, name)
    if not s == not n or name == "_count" then
      local names = table.move(M.names(self.neuroid), 1, #M.names(self.neuroid), #M.names(self.stimulus) + 1,
        M.names(self.stimulus))
      local near = schema.nearest(tostring(name), names)
      errors.raise("argument", position, "select: %s '%s'%s", s and "stimuli and neuroids both have a coordinate"
        or "there is no coordinate", tostring(name), not s and near and " (did you mean '" .. near .. "'?)" or "")
    end
    if s then of_stimulus[name] = value else of_neuroid[name] = value end
  end
  local stimuli, neuroids = chosen(self.stimulus, of_stimulus), chosen(self.neuroid, of_neuroid)
  if #stimuli == 0 or #neuroids == 0 then
    errors.raise("argument", position, "select: no %s is left", #stimuli == 0 and "stimulus" or "neuroid")
  end
  return self:at(stimuli, neuroids)
end

--- a:complete(repeats): the part with the neuroids that have at least this many valid repeats (1 by default) of every
-- stimulus; an error where none is left.
function Assembly:complete(repeats)
  local least, keep = repeats or 1, {}
  for i, count in ipairs(self:repeats():min({ dim = 1 }):totable()) do
    if count >= least then keep[#keep + 1] = i end
  end
  if #keep == 0 then
    errors.raise("argument", 2, "complete: no neuroid has %d valid repeat%s of all %d stimuli", least,
      least == 1 and "" or "s", #self.stimulus)
  end
  return self:at(nil, keep)
end

--- For each stimulus of an assembly the position of its image in a stimulus set. Ids that were made up for the
-- images, 1..N in their order, are no match for ids that the recording came with: that is an error.
function M.match(a, set, what, where, position)
  if set.numbered and not a.numbered then
    errors.raise("argument", position, "%s came without stimulus ids, so 1 to %d were made up; %s has ids of its "
      .. "own, and which image is which cannot be told: give the images' ids (stimuli.array takes table = "
      .. "\"FILE.csv\", id = \"COLUMN\", or ids = a list; any set has set:with_ids(list))", where, #set, what)
  end
  return common.align(a.stimulus.stimulus_id, set.id, what, where, position)
end

--- a:paired(stimuli), or a:paired { stimuli, trials = true }: a data set of images x and responses y (float32, items
-- x neuroid), aligned by stimulus_id, for train { loss = "poisson", ... }: an item for each stimulus with the mean
-- over its valid repeats, or with `trials` for each presentation (its repeat in columns.repetition; items of one
-- image belong to one group, which set:split { by = true } keeps together). Where a neuroid has no valid trial y is
-- NaN, and the set says that NaN means missing (set.missing), which losses that look at each element leave out. A
-- stimulus without image, and a neuroid without any trial, is an error.
function Assembly:paired(given)
  return require("lamina.neural.paired").paired(self, given, errors.position(2))
end

-- The assembly's responses with `repeats` slots: masked ones are added.
local function padded(t, repeats)
  local shape = t.shape
  if shape[3] == repeats then return t end
  return ops.concat({ t, tensor.zeros({ shape[1], shape[2], repeats - shape[3] }, { dtype = t.dtype }) }, { dim = 3 })
end

--- neural.join { a, b, ... }: recordings of the same stimuli as one assembly, neuroids one recording after another.
-- Stimuli are matched by stimulus_id and stand in the order of the first; a stimulus that is not in all is an error.
-- Neuroid coordinates that not all have are dropped; a coordinate `recording` is added from the assemblies' names
-- where there is none.
function M.join(list)
  local position = errors.position(2)
  local first, repeats = list[1], 0
  if not M.is_assembly(first) then
    errors.raise("argument", position, "neural.join: expected a list of assemblies")
  end
  for _, a in ipairs(list) do repeats = math.max(repeats, a.responses:size(3)) end
  local responses, valid, neuroid, numbered = {}, {}, {}, true
  for k, a in ipairs(list) do
    local index = common.index(common.align(first.stimulus.stimulus_id, a.stimulus.stimulus_id, first.name, a.name,
      position))
    if #a.stimulus ~= #first.stimulus then
      errors.raise("shape", position, "neural.join: %s has %d stimuli, %s has %d", a.name, #a.stimulus, first.name,
        #first.stimulus)
    end
    numbered = numbered and a.numbered
    responses[k] = padded(a.responses:index_select(index, { dim = 1 }), repeats)
    valid[k] = padded(a.valid:index_select(index, { dim = 1 }), repeats)
    local names = M.names(a.neuroid)
    if not rawget(a.neuroid, "recording") then names[#names + 1] = "recording" end
    for _, name in ipairs(names) do
      neuroid[name] = neuroid[name] or {}
      for i = 1, #a.neuroid do table.insert(neuroid[name], a.neuroid[name] and a.neuroid[name][i] or a.name) end
    end
  end
  local total = 0
  for _, a in ipairs(list) do total = total + #a.neuroid end
  for name, column in pairs(neuroid) do
    if #column ~= total then neuroid[name] = nil end
  end
  return M.make({ responses = ops.concat(responses, { dim = 2 }), valid = ops.concat(valid, { dim = 2 }),
    stimulus = pick_all(first.stimulus, common.count_up(#first.stimulus)), neuroid = neuroid,
    numbered = numbered, name = string.format("%d recordings", #list) }, "neural.join", position)
end

return M
