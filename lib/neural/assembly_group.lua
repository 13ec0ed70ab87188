--- lamina.neural.assembly_group: responses brought together by a coordinate, averaged, put in order.
local alike = require "lamina.alike"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local parts_of = require "lamina.neural.assembly_parts"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = { methods = {} }
local Assembly = M.methods

local function assemblies() return require "lamina.neural.assembly" end

-- ---- reductions ------------------------------------------------------------------------------------------------

local function float(x) return x:to "float64" end

local function number(value) return tensor.full({ 1 }, value, { dtype = "float64" }) end

-- Each takes values along an axis, with zeros where they are masked, the mask and the counts of the valid ones along
-- it, and gives what they are together: of use where at least `least` values are valid.
local reductions = {
  mean = function(x, _, count, dim) return x:sum { dim = dim, keepdim = true } / count end,
  sum = function(x, _, _, dim) return x:sum { dim = dim, keepdim = true } end,
  count = function(_, _, count) return count end,
  min = function(x, valid, _, dim)
    return ops.where(valid, x, number(math.huge)):min { dim = dim, keepdim = true }
  end,
  max = function(x, valid, _, dim)
    return ops.where(valid, x, number(-math.huge)):max { dim = dim, keepdim = true }
  end,
  std = function(x, valid, count, dim)
    local off = (x - x:sum { dim = dim, keepdim = true } / count) * float(valid)
    return (off:square():sum { dim = dim, keepdim = true } / (count - 1)):sqrt()
  end,
  median = function(x, valid, count, dim)
    local sorted = (ops.sort(ops.where(valid, x, number(math.huge)), { dim = dim }))
    local low, high = (count + 1):mul(0.5):floor(), (count + 2):mul(0.5):floor()
    local function at(place)
      return sorted:gather(place:clamp(1, sorted:size(dim)):to "int64", { dim = dim })
    end
    return (at(low) + at(high)) * 0.5
  end,
}
local LEAST = { std = 2, count = 0 }

--- Values of one axis together: x and its mask (nil: all valid), for each group (a list of positions along the axis).
-- Returns the values with an entry for each group, float64, and the mask of those that have one.
function M.reduce(x, valid, dim, groups, with)
  local parts, masks, least = {}, {}, LEAST[with] or 1
  for g, list in ipairs(groups) do
    local some = float(parts_of.take(x, dim, list))
    local there = valid and parts_of.take(valid, dim, list) or tensor.ones({ 1 }, {
      dtype = "bool" }):expand(some.shape)
    local count = float(there):sum { dim = dim, keepdim = true }
    masks[g] = count:ge(least)
    parts[g] = parts_of.masked(reductions[with](parts_of.masked(some, valid and there), there, count, dim), masks[g])
  end
  return ops.concat(parts, { dim = dim }), ops.concat(masks, { dim = dim })
end

-- ---- groups ----------------------------------------------------------------------------------------------------

local function key_of(lists, names, i)
  local parts = {}
  for k, name in ipairs(names) do parts[k] = common.key(lists[name][i]) end
  return table.concat(parts, "\0")
end

-- The positions that have the same values of the coordinates `names`, in the order of their first.
local function groups_of(lists, names, count)
  return (alike(count, function(i) return key_of(lists, names, i) end))
end

-- The coordinates that all of a group share.
local function shared(lists, groups)
  local kept = {}
  for name, list in next, lists do
    if name ~= "_count" then
      local column, constant = {}, true
      for g, group in ipairs(groups) do
        column[g] = list[group[1]]
        for _, i in ipairs(group) do constant = constant and parts_of.same(list[i], column[g]) end
      end
      if constant then kept[name] = column end
    end
  end
  return kept
end

-- What a group is called: the values that make it one.
local function called(lists, names, group)
  if #names == 1 then return lists[names[1]][group[1]] end
  local parts = {}
  for k, name in ipairs(names) do parts[k] = common.key(lists[name][group[1]]) end
  return table.concat(parts, ", ")
end

local function without(names, left_out)
  local kept = {}
  for _, name in ipairs(names) do
    if name ~= left_out then kept[#kept + 1] = name end
  end
  return kept
end

-- Presentations of one group become one; where repetition is among the names, each group has its repeats.
local function group_presentations(a, names, with, position)
  local x, valid, columns = parts_of.presentations(a)
  local groups = groups_of(columns, names, #a.presentation)
  local named, kept = without(names, "repetition"), shared(columns, groups)
  if #named == 0 then named = names end
  local repeats = #named < #names and kept.repetition or nil
  kept.repetition = repeats
  if not kept.stimulus_id or not repeats and #parts_of.distinct(kept.stimulus_id) < #groups then
    kept.stimulus_id = {}
    for g, group in ipairs(groups) do kept.stimulus_id[g] = called(columns, named, group) end
  end
  local y, there = M.reduce(x, valid, 1, groups, with)
  return assemblies().of_presentations(y, not there:all():item() and there or nil, kept,
    { neuroid = a.neuroid, time_bin = a.time_bin, name = a.name, numbered = a.numbered, selected = a.selected },
      a.name, position)
end

-- Neuroids (dim 2) or time bins (dim 4) of one group become one.
local function group_along(a, dim, lists, groups, kept, with, position)
  local x, valid, shape = a.responses, not a.whole and a.valid or nil, a.responses.shape
  if #lists == 1 and dim == 4 then dim = 3 end -- one time bin has no axis
  local y, there
  if dim == 3 then y, there = x:to "float64", valid else y, there = M.reduce(x, valid, dim, groups, with) end
  if dim == 4 and #groups == 1 then
    y, there = y:reshape { shape[1], shape[2], shape[3] }, there:reshape { shape[1], shape[2], shape[3] }
  end
  local parts = { responses = y, valid = there, stimulus = a.stimulus, presentation = a.presentation,
    places = a.places, repetition = a.slots, counted = a.counted, neuroid = a.neuroid, time_bin = a.time_bin,
    name = a.name, numbered = a.numbered, selected = a.selected }
  parts[dim == 2 and "neuroid" or "time_bin"] = kept
  return assemblies().make(parts, a.name, position)
end

local function extremes(kept, time, groups)
  for name, pick in pairs { time_bin_start = math.min, time_bin_end = math.max } do
    if rawget(time, name) then
      kept[name] = {}
      for g, group in ipairs(groups) do
        local value = time[name][group[1]]
        for _, i in ipairs(group) do value = pick(value, time[name][i]) end
        kept[name][g] = value
      end
    end
  end
end

-- The groups of an axis that is not that of presentations, and their coordinates.
local function group_axis(a, axis, groups, names, with, position)
  local lists = a[axis]
  local kept = shared(lists, groups)
  if axis == "time_bin" then
    extremes(kept, lists, groups)
  elseif rawget(lists, "neuroid_id") and not kept.neuroid_id and #names > 0 then
    kept.neuroid_id = {}
    for g, group in ipairs(groups) do kept.neuroid_id[g] = called(lists, names, group) end
  end
  return group_along(a, axis == "neuroid" and 2 or 4, lists, groups, kept, with, position)
end

local WITH = { type = "string", default = "mean", choices = { "mean", "sum", "count", "min", "max", "std", "median" },
  doc = "what a group becomes, of its trials that are not missing (a sum is of fewer where some are missing; with "
    .. "none it is missing, not 0); std: with n - 1" }

local GROUP = schema.document("assembly:group", {
  positional = { "by" },
  by = { type = { "string", "table" }, required = true, doc = "a coordinate, or a list of them, all of one axis" },
  with = WITH,
})

--- a:group "object_name", a:group { "region", with = "median" }, a:group { { "object_name", "repetition" } }: the
-- presentations, neuroids or time bins that have the same value of a coordinate (of several) become one, whose
-- response is their mean, sum, count, min, max, std or median; missing trials are left out, and what has none left is
-- missing (its count is 0). A sum is of the trials that are there, fewer where some are missing: with = "count" says
-- of how many. The coordinates that all of a group share stay. A group of presentations becomes a stimulus whose
-- stimulus_id is the group's value; with repetition among the coordinates each group keeps its repeats. A group of
-- time bins begins with the first and ends with the last.
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 }, { 7, 8 } }, stimulus_id = { 1, 2, 3 },
-- >   object = { "face", "hand", "face" } } }
-- > g = a:group "object"
-- > g:mean(), g.stimulus.stimulus_id   --> [[4. 5.] [3. 4.]] { "face", "hand" }
function Assembly:group(given, ...)
  local position = errors.position(2)
  schema.alone("group", "a:group { { \"object_name\", \"repetition\" }, with = \"mean\" }", position, ...)
  local o = schema.check("group", given, GROUP, position)
  local names = type(o.by) == "table" and o.by or { o.by }
  local axis
  for _, name in ipairs(names) do
    local own = assemblies().axis_of(self, name, "group", position)
    if own == "stimulus" then own = "presentation" end
    if axis and axis ~= own then
      errors.raise("argument", position, "group: '%s' is a coordinate of %ss and '%s' one of %ss; group by one axis "
        .. "after the other", names[1], axis:gsub("_", " "), name, (own:gsub("_", " ")))
    end
    axis = own
  end
  if not axis then errors.raise("argument", position, "group: by is an empty list, expected coordinates") end
  if axis == "presentation" then return group_presentations(self, names, o.with, position) end
  return group_axis(self, axis, groups_of(self[axis], names, #self[axis]), names, o.with, position)
end

-- The means over repeats, as a:mean() has them.
local function means(a, position)
  local mean, count = a:mean()
  local shape = { mean:size(1), mean:size(2), 1, mean.ndim == 3 and mean:size(3) or nil }
  local there = count:gt(0)
  if there:all():item() then there = nil end
  return assemblies().make({ responses = parts_of.masked(mean, there):reshape(shape), neuroid = a.neuroid,
    valid = there and there:reshape(shape), stimulus = a.stimulus, time_bin = a.time_bin, name = a.name,
    numbered = a.numbered, lean = a.lean, selected = a.selected }, a.name, position)
end

local AVERAGE = schema.document("assembly:average", {
  positional = { "over" },
  over = { type = "string", default = "repetition", choices = { "repetition", "neuroid", "time_bin" },
    doc = "what there is one of afterwards" },
  with = WITH,
})

--- a:average(), a:average "time_bin", a:average { "neuroid", with = "median" }: one repeat of every stimulus, one
-- neuroid, or one time bin (from the begin of the first to the end of the last) in place of all: the mean of the
-- trials that are not missing, or what `with` says; what has none is missing (a sum, too; its count is 0).
-- > trials = tensor { { { 1, 3 }, { 5, 5 } }, { { 2, 4 }, { 6, 8 } } }   -- stimulus x neuroid x repeat
-- > a = neural.assembly { { responses = trials, stimulus_id = { "face", "hand" } } }
-- > a:average():presentations(), a:average("neuroid"):mean()   --> [[2. 5.] [3. 7.]] [[3.5] [5.]] [[2] [2]]
function Assembly:average(given, ...)
  local position = errors.position(2)
  schema.alone("average", "a:average { \"neuroid\", with = \"median\" }", position, ...)
  local o = schema.check("average", given, AVERAGE, position)
  if o.over == "repetition" and o.with == "mean" then return means(self, position) end
  if o.over == "repetition" then return group_presentations(self, { "stimulus_id" }, o.with, position) end
  if not self[o.over] then errors.raise("argument", position, "average: %s has no time bins", self.name) end
  return group_axis(self, o.over, { common.count_up(#self[o.over]) }, {}, o.with, position)
end

-- The coordinates of neuroids in each of their time bins, bin after bin.
local function in_each_bin(a, position)
  local kept, names = {}, assemblies().names
  for _, name in ipairs(names(a.neuroid)) do
    kept[name] = {}
    for _ = 1, #a.time_bin do table.move(a.neuroid[name], 1, #a.neuroid, #kept[name] + 1, kept[name]) end
  end
  for _, name in ipairs(names(a.time_bin)) do
    if kept[name] then
      errors.raise("argument", position, "unroll: neuroids and time bins of %s both have a coordinate '%s'", a.name,
        name)
    end
    kept[name] = {}
    for t = 1, #a.time_bin do
      for _ = 1, #a.neuroid do table.insert(kept[name], a.time_bin[name][t]) end
    end
  end
  return kept
end

--- a:unroll(): each neuroid in each time bin as a neuroid of its own, bin after bin, with the time bin's coordinates
-- beside its own: for words that look at one time. predictivity { features =, responses = a:unroll(), by =
-- "time_bin_start" } gives a row for each layer and time bin, all with the same folds, from one pass over the
-- features, each with the ceiling of its time (pls finds its components for all bins together: a:select { ... } one
-- to have them by themselves). A neuroid's bins are not independent of each other: a score without `by`, and
-- neural.compare without `group`, take over = "subjects", subject = "neuroid_id", and draw each with all its bins.
-- > trials = randn { 5, 2, 4, 3 }   -- stimulus x neuroid x repeat x time bin
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 5), time_bin_start = { 70, 80, 90 },
-- >   time_bin_end = { 80, 90, 100 }, neuroid_region = { "V4", "IT" } } }
-- > u = a:unroll()
-- > u.responses.shape, u.neuroid.region[6], u.neuroid.time_bin_start[6]   --> { 5, 6, 4 } IT 90
function Assembly:unroll(...)
  local position = errors.position(2)
  schema.last("unroll", "a:unroll() takes all time bins, a:select { time_bin_start = 70 } one of them", position, ...)
  if not self.time_bin then errors.raise("argument", position, "unroll: %s has no time bins", self.name) end
  local shape = self.responses.shape
  local function flat(t)
    if not shape[4] then return t end
    return t:permute({ 1, 4, 2, 3 }):reshape { shape[1], shape[4] * shape[2], shape[3] }
  end
  return assemblies().make({ responses = flat(self.responses), valid = not self.whole and flat(self.valid) or nil,
    stimulus = self.stimulus, presentation = self.presentation, places = self.places, repetition = self.slots,
    counted = self.counted, neuroid = in_each_bin(self, position), name = self.name, numbered = self.numbered,
    lean = self.lean, selected = self.selected }, self.name, position)
end

-- ---- order -----------------------------------------------------------------------------------------------------

-- Positions by the values of a list: numbers, then texts, then missing numbers; what is equal stays in its order.
local function ordered(list, descending)
  local order = common.count_up(#list)
  local function rank(v) return v ~= v and 3 or type(v) == "number" and 1 or 2 end
  table.sort(order, function(i, j)
    local a, b = list[i], list[j]
    local ra, rb = rank(a), rank(b)
    if ra ~= rb then return ra < rb end
    if ra == 2 then a, b = tostring(a), tostring(b) end
    if ra == 3 or a == b then return i < j end
    if descending then return a > b end
    return a < b
  end)
  return order
end

local SORT = schema.document("assembly:sort", {
  positional = { "by" },
  by = { type = "string", required = true, doc = "a coordinate" },
  descending = { type = "boolean", default = false, doc = "the largest first" },
})

--- a:sort "stimulus_id", a:sort { "depth", descending = true }: the same assembly with the stimuli, presentations,
-- neuroids or time bins in the order of a coordinate. Numbers stand before texts, missing ones at the end; what is
-- equal stays in its order.
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 } }, stimulus_id = { "face", "hand" },
-- >   neuroid_depth = { 300, 120 } } }
-- > a:sort("depth"):mean()   --> [[2. 1.] [4. 3.]] [[1 1] [1 1]]
function Assembly:sort(given, ...)
  local position = errors.position(2)
  schema.alone("sort", "a:sort { \"depth\", descending = true }", position, ...)
  local o = schema.check("sort", given, SORT, position)
  local axis = assemblies().axis_of(self, o.by, "sort", position)
  local order = ordered(self[axis][o.by], o.descending)
  if axis == "presentation" then return assemblies().at_presentations(self, order, position) end
  return self:at(axis == "stimulus" and order or nil, axis == "neuroid" and order or nil,
    axis == "time_bin" and order or nil)
end

return M
