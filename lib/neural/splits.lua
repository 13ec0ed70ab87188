--- lamina.neural.splits: how images are divided into those that a map is fitted on and those that test it.
--
-- kfold deals images, grouped whole groups (the frames of one movie are nearly alike: a map that has seen one frame
-- has seen the others). Both can divide any part of the images again, which is how a penalty is chosen inside the
-- training images with the same care.
local alike = require "lamina.alike"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local numpy_random = require "lamina.neural.numpy_random"
local leaks = require "lamina.neural.leaks"
local own = require "lamina.neural.splits_own"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local Splits = { __name = "splits" }
Splits.__index = Splits

Splits.__tostring = function(self)
  if self.own then
    return string.format("%s given by the script%s; inner folds by %s%s, seed %d",
      common.plural(#self.own, "division"), self.by and ", by " .. self.by or "", self.by and "whole groups"
      or "images", self.stratify and ", every " .. self.stratify .. " spread evenly" or "", self.seed)
  end
  if self.test then
    return string.format("shuffled: %d random divisions, %g of the images tested%s, %s %d", self.n, self.test,
      self.stratify and ", every " .. self.stratify .. " in proportion" or "", self.generator == "numpy"
      and "scikit-learn's, random_state" or "seed", self.seed)
  end
  local evenly = self.stratify and ", every " .. self.stratify .. " spread evenly" or ""
  if not self.by then return string.format("kfold: %d folds of images%s, seed %d", self.n, evenly, self.seed) end
  return string.format("grouped by %s: %d folds of whole groups%s, seed %d", self.by, self.n, evenly, self.seed)
end

local KFOLD = {
  positional = { "folds" },
  folds = { type = "integer", default = 10, min = 2, doc = "how many folds" },
  stratify = { type = "string", doc = "a coordinate of the stimuli whose values are spread evenly over the folds, "
    .. "the "
    .. "inner ones that choose a penalty or a layer as well" },
  seed = { type = "integer", doc = "of the order in which images are dealt; the experiment's if absent" },
}

local GROUPED = {
  positional = { "folds" },
  folds = KFOLD.folds, seed = KFOLD.seed, stratify = KFOLD.stratify,
  by = { type = "string", required = true, doc = "the coordinate of the stimuli that names an image's group" },
}

local SHUFFLED = {
  positional = { "splits" },
  splits = { type = "integer", default = 10, min = 1, doc = "how many divisions" },
  test = { type = "number", default = 0.1, above = 0, below = 1, doc = "the part of the images that is tested" },
  stratify = { type = "string", doc = "a coordinate of the stimuli whose values are tested in proportion" },
  generator = { type = "string", default = "keyed", choices = { "keyed", "numpy" }, doc = "our own draws; or "
    .. "those of "
    .. "NumPy's RandomState(seed), which makes the divisions of scikit-learn's StratifiedShuffleSplit (with "
    .. "stratify) "
    .. "or ShuffleSplit with train_size = 1 - test and random_state = seed, image for image" },
  seed = KFOLD.seed,
}

schema.document("kfold", KFOLD)
schema.document("shuffled", SHUFFLED)
schema.document("grouped", GROUPED)

--- kfold { 10, stratify =, seed = }: images in a keyed order, dealt to the folds in turn. For predictivity and
-- separability as splits = kfold { 10 }; by itself, kfold { 10 }:folds(n) gives the divisions of n images, a list of
-- { train = positions, test = positions }.
-- > folds = kfold({ 5 }):folds(10)
-- > #folds, #folds[1].test   --> 5 2
function M.kfold(given, ...)
  local position = errors.position(2)
  schema.alone("kfold", "kfold { 10, seed = 1 }", position, ...)
  local o = schema.check("kfold", given, KFOLD, position)
  return setmetatable({ n = o.folds, stratify = o.stratify, seed = o.seed or tensor.seed(), position = position },
    Splits)
end

--- grouped { 10, by = "movie", stratify =, seed = }: every group of images whole in one fold. With as many folds as
-- groups each group is left out once, in the order of their first images; with fewer, groups in a keyed order go to
-- the fold that has the fewest images so far. More folds than groups is an error. With stratify every value is spread
-- evenly over the folds; where groups have images of several values, as evenly as whole groups allow, dealt as
-- scikit-learn's StratifiedGroupKFold deals them (groups of equal variety in our keyed order).
-- > folds = grouped({ 3, by = "movie" }):folds(6, { movie = { 1, 1, 2, 2, 3, 3 } })
-- > folds[2].test   --> { 3, 4 }
function M.grouped(given, ...)
  local position = errors.position(2)
  schema.alone("grouped", "grouped { 10, by = \"movie\" }", position, ...)
  local o = schema.check("grouped", given, GROUPED, position)
  return setmetatable({ n = o.folds, by = o.by, stratify = o.stratify, seed = o.seed or tensor.seed(),
    position = position }, Splits)
end

--- shuffled { 10, test = 0.1, stratify = "object_name", seed =, generator = "keyed" }: independent random
-- divisions, as Brain-Score has them: each tests that part of the images (at least one), others may be tested again
-- or never. With stratify every value of that coordinate is tested in proportion (at least one image of a value
-- that has two), the rest dealt by largest remainder. Inner folds are kfold, with the same strata.
-- > folds = shuffled({ 5, test = 0.2 }):folds(20)
-- > #folds, #folds[1].test, #folds[1].train   --> 5 4 16
function M.shuffled(given, ...)
  local position = errors.position(2)
  schema.alone("shuffled", "shuffled { 10, test = 0.1 }", position, ...)
  local o = schema.check("shuffled", given, SHUFFLED, position)
  return setmetatable({ n = o.splits, test = o.test, stratify = o.stratify, seed = o.seed or tensor.seed(),
    generator = o.generator, position = position }, Splits)
end

--- Splits as predictivity and separability take them: what kfold and grouped make stays itself; a list of
-- { train = positions, test = positions } (lists or tensors, counted from 1) becomes splits that divide just so.
-- Images may stand in neither. A penalty is still chosen inside the training images, by kfold over them, or by
-- what stands beside the divisions: { { train =, test = }, ..., by = "movie", stratify = "kind", seed = }, whole
-- groups of `by`, which no division may tear apart. nil for anything else.
function M.of(value, what, position)
  if M.is_splits(value) then return value end
  local o = own.read(value, what, position)
  if not o then return nil end
  o.seed = o.seed or tensor.seed()
  return setmetatable(o, Splits)
end

--- True for what kfold and grouped make.
function M.is_splits(value) return getmetatable(value) == Splits end

-- The units that may not be torn, as lists of positions in order of appearance, and their names.
local function units(items, groups)
  local function name_of(item) return groups and common.key(groups[item]) or item end
  local list, names = alike(items, name_of), {}
  for k, unit in ipairs(list) do names[k] = name_of(unit[1]) end
  return list, names
end

-- Raises when a group stands on both sides of a fold. It cannot happen as the folds are made; it is what they
-- promise.
local function check_leak(fold, groups)
  local seen = {}
  for _, item in ipairs(fold.train) do seen[groups and common.key(groups[item]) or item] = true end
  for _, item in ipairs(fold.test) do
    assert(not seen[groups and common.key(groups[item]) or item], "a group is in training and test images at once")
  end
end

-- Units to n folds: a list of lists of items.
local function deal(list, n, order, whole)
  local folds = {}
  for f = 1, n do folds[f] = {} end
  for turn, u in ipairs(order) do
    local to = (turn - 1) % n + 1
    if whole then
      for f = 1, n do
        if #folds[f] < #folds[to] then to = f end
      end
    end
    for _, item in ipairs(list[u]) do table.insert(folds[to], item) end
  end
  for f = 1, n do table.sort(folds[f]) end
  return folds
end

-- Positions of each value, values sorted as NumPy sorts them: numbers by size (NaN last), texts by their bytes, as
-- which all are taken where they are not of one kind.
local function sorted_classes(values)
  local classes = common.by_value(values)
  local numbers = true
  for _, value in ipairs(values) do numbers = numbers and type(value) == "number" end
  table.sort(classes, function(a, b)
    local x, y = values[a[1]], values[b[1]]
    if numbers then return x < y or x == x and y ~= y end
    return tostring(x) < tostring(y)
  end)
  return classes
end

-- The standard deviation of n numbers (divided by n), of which the k-th is at(k).
local function deviation(n, at)
  local sum, squares = 0, 0
  for k = 1, n do sum = sum + at(k) end
  for k = 1, n do squares = squares + (at(k) - sum / n) ^ 2 end
  return math.sqrt(squares / n)
end

-- How many items of each class (in the classes' order) every unit has, and how many all have.
local function class_counts(list, labels)
  local values, unit, counts, total = {}, {}, {}, {}
  for u, items in ipairs(list) do
    counts[u] = {}
    for _, item in ipairs(items) do values[#values + 1], unit[#unit + 1] = labels[item], u end
  end
  for c, places in ipairs(sorted_classes(values)) do
    total[c] = #places
    for u = 1, #list do counts[u][c] = 0 end
    for _, at in ipairs(places) do counts[unit[at]][c] = counts[unit[at]][c] + 1 end
  end
  return counts, total
end

--- Units of several classes to n folds, as scikit-learn's StratifiedGroupKFold deals groups: those whose counts of
-- classes differ most first (of equal ones in `order`), each to the fold with which the classes' shares of the folds
-- are spread least, of equal ones to that of the fewest items; no fold stays empty. list: the items of each unit;
-- labels: the class of each item. A list of lists of items.
function M.evenly(list, n, order, labels)
  local counts, total = class_counts(list, labels)
  local folds, held, sizes, rank, sorted = {}, {}, {}, {}, table.move(order, 1, #order, 1, {})
  for f = 1, n do
    folds[f], held[f], sizes[f] = {}, {}, 0
    for c = 1, #total do held[f][c] = 0 end
  end
  for place, u in ipairs(order) do
    rank[u] = { deviation(#total, function(c) return counts[u][c] end), place }
  end
  table.sort(sorted, function(a, b)
    local x, y = rank[a], rank[b]
    return x[1] > y[1] or x[1] == y[1] and x[2] < y[2]
  end)
  local empty = n
  for at, u in ipairs(sorted) do
    local best, least = nil, math.huge
    for f = 1, n do
      local sum = #list - at + 1 <= empty and sizes[f] > 0 and math.huge or 0 -- the last ones fill what is empty
      for c = 1, #total do
        sum = sum + deviation(n, function(k) return (held[k][c] + (k == f and counts[u][c] or 0)) / total[c] end)
      end
      local value = sum / #total
      local equal = best and math.abs(value - least) <= 1e-8 + 1e-5 * least
      if value < least or equal and sizes[f] < sizes[best] then best, least = f, value end
    end
    empty = sizes[best] == 0 and empty - 1 or empty
    for c = 1, #total do held[best][c] = held[best][c] + counts[u][c] end
    sizes[best] = sizes[best] + #list[u]
    table.move(list[u], 1, #list[u], #folds[best] + 1, folds[best])
  end
  for f = 1, n do table.sort(folds[f]) end
  return folds
end

-- Whether some unit has items of several classes.
local function is_mixed(list, labels)
  for _, items in ipairs(list) do
    for _, item in ipairs(items) do
      if common.key(labels[item]) ~= common.key(labels[items[1]]) then return true end
    end
  end
  return false
end

-- The same order, class by class: dealt in turn, every class is spread evenly over the folds.
local function by_class(order, list, labels)
  local values, sorted = {}, {}
  for place, u in ipairs(order) do values[place] = labels[list[u][1]] end
  for _, class in ipairs(sorted_classes(values)) do
    for _, place in ipairs(class) do sorted[#sorted + 1] = order[place] end
  end
  return sorted
end

-- Folds of `items`, n of them; `purpose` and `step` key the order; labels (optional) are spread evenly.
local function divide(self, items, n, groups, purpose, step, labels)
  local list = units(items, groups)
  if n > #list then
    local fewer = self.by and string.format("grouped { %d, by = \"%s\" }", #list, self.by)
      or string.format("kfold { %d }; of a mapping's own folds, inner = %d", #list, #list)
    errors.raise("argument", self.position, "%s: %d folds, but there %s only %s%s", self.by and "grouped" or "kfold",
      n, #list == 1 and "is" or "are", common.plural(#list, self.by and "group" or "image"), #list > 1
      and string.format(": take %d folds or fewer (splits = %s)", #list, fewer) or ", and one cannot be divided")
  end
  local order = (groups and n == #list) and common.count_up(n)
    or common.permutation(#list, self.seed, purpose, step)
  local mixed = labels and groups and is_mixed(list, labels)
  if labels and not mixed then order = by_class(order, list, labels) end
  local folds = {}
  for f, test in ipairs(mixed and M.evenly(list, n, order, labels) or deal(list, n, order, groups ~= nil)) do
    local held, train = {}, {}
    for _, item in ipairs(test) do held[item] = true end
    for _, item in ipairs(items) do
      if not held[item] then train[#train + 1] = item end
    end
    folds[f] = { train = train, test = test }
    check_leak(folds[f], groups)
  end
  return folds
end

-- The values of a coordinate that the splits go by, one for each of n images.
local function values_of(self, by, n, coordinates)
  local groups = coordinates and coordinates[by]
  if not groups then
    local names = {}
    for name in pairs(coordinates or {}) do
      if name ~= "_count" then names[#names + 1] = name end
    end
    table.sort(names)
    local near = schema.nearest(by, names)
    errors.raise("argument", self.position, "%s: the stimuli have no coordinate '%s' %s", self.own and "splits"
      or self.test and "shuffled" or self.by and "grouped" or "kfold", by,
      near and string.format("(did you mean '%s'?)", near) or "(there are " .. table.concat(names, ", ") .. ")")
  end
  assert(#groups == n, "one group for each stimulus")
  return groups
end

local function groups_of(self, n, coordinates) return self.by and values_of(self, self.by, n, coordinates) end

-- The values of `stratify` for each image, or what the caller gives.
local function strata_of(self, n, coordinates, groups, labels)
  if not self.stratify then return not groups and labels or nil end
  return values_of(self, self.stratify, n, coordinates)
end

-- How many images of each class are tested: `count` in all, in proportion, the rest by largest remainder.
local function shares(classes, count, n)
  local given, rest = {}, {}
  local left = count
  for c, list in ipairs(classes) do
    local exact = count * #list / n
    given[c] = math.max(math.floor(exact), #list > 1 and 1 or 0)
    rest[c] = { at = c, part = exact - given[c] }
    left = left - given[c]
  end
  table.sort(rest, function(a, b) return a.part > b.part or a.part == b.part and a.at < b.at end)
  for _, entry in ipairs(rest) do
    if left > 0 and given[entry.at] < #classes[entry.at] - 1 then
      given[entry.at], left = given[entry.at] + 1, left - 1
    end
  end
  return given
end

-- scikit-learn's divisions.
local function divide_as_sklearn(self, n, values)
  local train = 1 - self.test
  if not values then return numpy_random.shuffle_split(n, self.n, train, self.seed) end
  local classes, fitted = sorted_classes(values), math.floor(train * n)
  for _, list in ipairs(classes) do
    if #list < 2 then
      errors.raise("argument", self.position, "shuffled: %s = %s has one image; scikit-learn's stratified divisions "
        .. "need two of each", self.stratify, tostring(values[list[1]]))
    end
  end
  if math.min(fitted, n - fitted) < #classes then
    errors.raise("argument", self.position, "shuffled: %d images to fit and %d to test are fewer than the %d "
      .. "values of "
      .. "%s, which scikit-learn's stratified divisions refuse", fitted, n - fitted, #classes, self.stratify)
  end
  return numpy_random.stratified_shuffle_split(classes, n, self.n, train, self.seed)
end

-- Independent random divisions of n images.
local function divide_often(self, n, coordinates)
  local values = self.stratify and values_of(self, self.stratify, n, coordinates)
  if self.generator == "numpy" then return divide_as_sklearn(self, n, values) end
  local all = values or {}
  if not values then
    for i = 1, n do all[i] = 1 end
  end
  local classes = units(common.count_up(n), all)
  local count = math.max(1, math.floor(n * self.test + 0.5))
  if n - count < 2 then
    errors.raise("argument", self.position, "shuffled: %g of %s leaves %d to fit on", self.test,
      common.plural(n, "image"), n - count)
  end
  local tested, folds = shares(classes, count, n), {}
  for f = 1, self.n do
    local order = common.permutation(n, self.seed, "splits.shuffled", f)
    local place, fold = {}, { train = {}, test = {} }
    for at, item in ipairs(order) do place[item] = at end
    for c, list in ipairs(classes) do
      local mixed = table.move(list, 1, #list, 1, {})
      table.sort(mixed, function(a, b) return place[a] < place[b] end)
      for i, item in ipairs(mixed) do table.insert(i <= tested[c] and fold.test or fold.train, item) end
    end
    table.sort(fold.train)
    table.sort(fold.test)
    folds[f] = fold
  end
  return folds
end

--- splits:folds(n, coordinates): for n images, a list of { train = positions, test = positions }; every image is
-- tested once. coordinates: lists by name, one entry for each image; where one of movies or objects stands on both
-- sides of a fold, and the splits do not go by it, a warning says so. labels (optional, one for each image): kfold
-- spreads every class evenly over the folds; names (optional): what labels that are numbers are called.
-- > folds = kfold({ 5 }):folds(10)
-- > #folds[1].train, #folds[1].test   --> 8 2
function Splits:folds(n, coordinates, labels, names)
  if math.type(n) ~= "integer" or n < 1 then
    errors.raise("argument", 2, "folds: n is %s, expected the number of images, as in kfold { 5 }:folds(#set)",
      type(n) == "number" and tostring(n) or "a " .. type(n))
  end
  local folds
  if self.own then
    folds = own.folds(self, n, groups_of(self, n, coordinates))
    strata_of(self, n, coordinates) -- of inner folds, which come later or never
  elseif self.test then
    folds = divide_often(self, n, coordinates)
  else
    local groups = groups_of(self, n, coordinates)
    folds = divide(self, common.count_up(n), self.n, groups, "splits", 0, strata_of(self, n, coordinates, groups,
      labels))
  end
  leaks.warn(folds, coordinates, { self.by, self.stratify }, self.position, labels, names)
  return folds
end

--- The folds of splits for a word, as splits:folds(...) gives them; what is wrong with them is told of that word.
function M.folds_of(word, self, ...)
  local folds, e = errors.try(self.folds, self, ...)
  if not e then return folds end
  if e.kind == "argument" then e.message = string.format("%s: option 'splits': %s", word, e.message) end
  error(e, 0)
end

--- splits:inner(count, items, n, coordinates, fold): the images `items` divided again into `count` folds by the same
-- rule (into as many as there are groups where these are fewer); `fold` keys the order.
-- > splits = kfold { 5 }
-- > #splits:inner(3, { 1, 2, 3, 5, 6, 8 }, 10)   --> 3
function Splits:inner(count, items, n, coordinates, fold, labels)
  local groups = groups_of(self, n, coordinates)
  local most = #units(items, groups)
  if most < 2 then
    errors.raise("argument", self.position, "%s: a fold trains on %s, too few to choose a penalty by",
      self.by and "grouped" or "kfold", common.plural(most, self.by and "group" or "image"))
  end
  return divide(self, items, math.min(count, most), groups, "splits.inner", fold, strata_of(self, n, coordinates,
    groups, labels))
end

return M
