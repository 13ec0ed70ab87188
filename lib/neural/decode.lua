--- lamina.neural.decode: what can be read out of a population: accuracy of a linear classifier on held-out items.
local assemblies = require "lamina.neural.assembly"
local classifiers = require "lamina.neural.classifiers"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local features = require "lamina.neural.features"
local intervals = require "lamina.neural.intervals"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local splits = require "lamina.neural.splits"
local tensor = require "lamina.core.tensor"

local M = {}

local Decoded = { __name = "decoding score" }
Decoded.__index = object.index("a decoding score", Decoded, "p null permutations stimuli groups constant")

local function p_text(p) return p < 0.001 and "p < 0.001" or string.format("p = %.3f", p) end

local function stimuli_text(n) return n == 1 and "1 stimulus" or n .. " stimuli" end

-- What is drawn: "stimuli", "items", "16 groups by object".
local function over_text(self)
  return self.groups and string.format("%s by %s", common.plural(self.groups, "group"), self.over) or self.over
end

-- The interval in words, or why there is none, or none that says much.
local function interval_text(self)
  if self.low ~= self.low then
    if self.groups then
      return string.format("no interval: all tested items are of one %s, and a bootstrap over whole groups needs "
        .. "two", self.over)
    end
    if self.stimuli then
      return string.format("no interval: %s of one stimulus, and a bootstrap over stimuli needs two (without "
        .. "stimulus_id it is over items)", self.n == 1 and "the tested item is" or "all tested items are")
    end
    return "no interval: one item is tested, and a bootstrap over items needs two"
  end
  local flat = self.accuracy == 0 or self.accuracy == 1
  return string.format("95 %% CI %.3f to %.3f (bootstrap over %s, %d, seed %d%s)", self.low, self.high,
    over_text(self), self.bootstrap, self.seed, flat and string.format("; every item was %s, so that it has no width",
    self.accuracy == 1 and "right" or "wrong") or "")
end

-- The null in words. A deal that leaves a class to test and none of it to fit on has no accuracy.
local function null_text(self)
  local lost = self.permutations - #self.null
  local left = lost > 0 and string.format(", %d of which left a fold without a class that it tests and are not "
    .. "counted", lost) or ""
  return string.format("labels dealt anew %d times%s: %s", self.permutations, left, #self.null == 0 and "no p"
    or string.format("at most %.3f, %s", self.null:max():item(), p_text(self.p)))
end

Decoded.__tostring = function(self)
  local lines = { string.format("decode: %s%s of %s, %d classes, chance %.3f", common.plural(self.n, "tested item"),
    self.stimuli and string.format(" (%s)", stimuli_text(self.stimuli)) or "",
    common.plural(self.features, "feature"), #self.classes, self.chance),
    "  classifier: " .. self.classifier, "  splits: " .. self.splits,
    string.format("accuracy %.3f, %s", self.accuracy, interval_text(self)) }
  if self.constant then
    table.insert(lines, 2, string.format("  %d of %s do%s not vary over the items, and tell%s nothing", self.constant,
      common.plural(self.features, "feature"), self.constant == 1 and "es" or "", self.constant == 1 and "s" or ""))
  end
  if self.p then
    lines[#lines + 1] = null_text(self)
  end
  return table.concat(lines, "\n")
end

--- score:results(): a list of { metric =, value =, label =, what = } for report.
-- > x = concat { randn { 20, 5 }, randn { 20, 5 } + 9 }
-- > score = decode { x, concat { zeros { 20 }, ones { 20 } }, bootstrap = 100 }
-- > score:results()[1].metric, score:results()[1].value   --> decoding 1.0
function Decoded:results()
  return { { metric = "decoding", value = self.accuracy, label = self.label,
    what = string.format("95 %% CI %s over %s, n = %d%s, chance %.3f", common.interval_text(self.low, self.high),
      over_text(self), self.n, self.stimuli and " of " .. stimuli_text(self.stimuli) or "", self.chance) } }
end

local COLUMNS = { "accuracy", "low", "high", "over", "chance", "n", "stimuli", "groups", "features", "p",
  "permutations", "classifier", "splits", "bootstrap", "seed", "label" }

--- score:table(): the score as a list of lists, the names of the columns and one row. score:table "confusion": a row
-- for each true class, a column for each class given.
-- > x = concat { randn { 20, 5 }, randn { 20, 5 } + 9 }
-- > score = decode { x, concat { zeros { 20 }, ones { 20 } }, bootstrap = 100 }
-- > score:table()[2][1], score:table("confusion")[2]   --> 1.0 { 0.0, 20, 0 }
function Decoded:table(of)
  if of == nil or of == "rows" then return common.tabulate(COLUMNS, { self }) end
  if of ~= "confusion" then
    errors.raise("argument", errors.position(2), "decode: there is no table of '%s' (there are rows, confusion)",
      tostring(of))
  end
  local rows = { { "class" } }
  for i, class in ipairs(self.classes) do
    rows[1][i + 1] = tostring(class)
    rows[i + 1] = table.move(self.confusion[i]:totable(), 1, #self.classes, 2, { class })
  end
  return rows
end

--- score:csv(path), score:csv(path, "confusion"): writes the table as CSV, into the folder of the experiment. Returns
-- the score.
-- > x = concat { randn { 20, 5 }, randn { 20, 5 } + 9 }
-- > score = decode { x, concat { zeros { 20 }, ones { 20 } }, bootstrap = 100 }
-- > score:csv("confusion.csv", "confusion")
-- > io.open("confusion.csv"):read()   --> class,0.0,1.0
function Decoded:csv(path, of)
  common.csv(path, self:table(of))
  return self
end

local FIELDS = schema.document("decode", {
  positional = { "x", "labels" },
  x = { type = { "tensor", "table" }, required = true, doc = "items x features (responses of a population; the "
    .. "axes behind the first are features), or an assembly, whose presentations are the items" },
  labels = { type = { "table", "tensor", "string" }, required = true, doc = "what each item shows; of an assembly "
    .. "the "
    .. "name of a coordinate" },
  classifier = { type = "any", doc = "svm {}, logistic {}, nearest_centroid {} or max_correlation {}; svm {} if "
    .. "absent" },
  splits = { type = "any", doc = "kfold { 5 } (folds hold classes evenly), grouped { 5, by = \"NAME\" } with "
    .. "columns, or "
    .. "a list of { train = positions, test = positions }; if absent kfold { 5 }, of an assembly with repeats "
    .. "grouped { 5, by = \"stimulus_id\" }" },
  columns = { type = "table", doc = "lists with an entry for each item, for grouped; stimulus_id among them says "
    .. "which items are repeats of one stimulus" },
  permutations = { type = "integer", default = 0, min = 0, max = 100000, doc = "how often the labels are dealt anew "
    .. "for a null distribution: among stimuli or groups where the interval resamples these and each has one label, "
    .. "else among items" },
  bootstrap = { type = "integer", default = 1000, min = 100, doc = "resamples for the interval: of stimuli, "
    .. "each with all its repeats, where stimulus_id is known (and the classes are not the stimuli themselves), else "
    .. "of items; of whole groups where the splits hold these out and each has one label" },
  seed = { type = "integer", doc = "of permutations and bootstrap; the experiment's if absent" },
})

-- The presentations of an assembly as items; their coordinates as columns and, by name, as labels.
local function from_assembly(o, position)
  local a = o.x
  local x, columns = assemblies.matrix(a, true, "decode", position)
  if type(o.labels) == "string" then
    local name = o.labels
    local axis = assemblies.axis_of(a, name, "decode", position)
    if axis ~= "stimulus" and axis ~= "presentation" then
      errors.raise("argument", position, "decode: '%s' is a coordinate of %ss; labels are one of presentations", name,
        (axis:gsub("_", " ")))
    end
    o.labels, o.label_name = columns[name], name
  end
  o.x, o.columns = x, o.columns or columns
end

-- The splits of an assembly's presentations: by stimulus_id, so that no classifier is tested on another repeat of
-- what it has met, every class spread evenly where each stimulus has one; nil where there are no repeats, or a class
-- is one stimulus alone.
local function by_stimulus(o)
  local stimuli = common.by_value(o.columns.stimulus_id)
  if #o.columns.stimulus_id ~= #o.labels or #stimuli == #o.labels then return nil end
  local seen, twice, whole = {}, {}, true
  for _, list in ipairs(stimuli) do
    local first = common.key(o.labels[list[1]])
    for _, i in ipairs(list) do
      local key = common.key(o.labels[i])
      if seen[key] and seen[key] ~= list then twice[key] = true end
      seen[key], whole = list, whole and key == first
    end
  end
  for key in pairs(seen) do
    if not twice[key] then return nil end
  end
  return splits.grouped { math.min(5, #stimuli), by = "stimulus_id", stratify = whole and o.label_name or nil }
end

-- Responses that are no numbers are told by item, before anything is fitted.
local function check_finite(x, position)
  local bad = ops.any(x:reshape({ #x, -1 }):isfinite():logical_not(), { dim = 2 }):nonzero():reshape { -1 }
  if #bad == 0 then return end
  errors.raise("numeric", position, "decode: x holds %d NaN or infinite of %d responses (of item%s %s): leave such "
    .. "items or features out, x:index_select(keep, { dim = 1 })", x:isfinite():logical_not():to "int64":sum():item(),
    x:count(), #bad == 1 and "" or "s", common.some(bad:totable()))
end

local function read(given, position)
  local o = schema.check("decode", given, FIELDS, position)
  o.classifier = o.classifier or classifiers.svm {}
  if not classifiers.is(o.classifier) then
    errors.raise("argument", position, "decode: classifier is %s, expected svm {}, logistic {}, nearest_centroid "
      .. "{} or max_correlation {}", schema.kind(o.classifier))
  end
  if assemblies.is_assembly(o.x) then from_assembly(o, position) end
  if not tensor.is_tensor(o.x) or type(o.labels) == "string" then
    errors.raise("argument", position, "decode: expected items x features (a tensor) and a list of labels, or an "
      .. "assembly and the name of a coordinate")
  end
  o.labels = common.list(o.labels)
  if #o.labels ~= #o.x then
    errors.raise("shape", position, "decode: there are %d labels for %d items", #o.labels, #o.x)
  end
  check_finite(o.x, position)
  if o.x.ndim ~= 2 and o.x:count() > 0 then o.x = o.x:reshape { #o.x, -1 } end
  local default = o.splits == nil and (assemblies.is_assembly(given[1] or given.x) and o.columns.stimulus_id
    and by_stimulus(o) or splits.kfold { 5 })
  local own = splits.of(default or o.splits, "decode", position)
  if not own then
    errors.raise("argument", position, "decode: splits is %s, expected kfold { 5 }, grouped { 5, by = \"NAME\" } "
      .. "or a list of { train = positions, test = positions }", schema.kind(o.splits))
  end
  o.splits, o.seed = own, o.seed or tensor.seed()
  return o
end

-- How many features do not vary over the items, and so tell nothing; an error where none does.
local function count_constant(x, position)
  x = x:reshape { #x, -1 }
  local count = ops.eq(x:max { dim = 1 }, x:min { dim = 1 }):to "int64":sum():item()
  if count == x:size(2) then
    errors.raise("numeric", position, "decode: x holds %s, and %s over the %s: there is nothing to decode from",
      common.plural(count, "feature"), count == 1 and "it does not vary" or "none varies",
      common.plural(#x, "item"))
  end
  return count > 0 and count or nil
end

-- For each fold: the numbers of the classes given to its test items.
local function run(o, folds, number, position)
  local given = {}
  for f, fold in ipairs(folds) do
    local seen, train = {}, {}
    for k, i in ipairs(fold.train) do
      train[k] = number[i]
      seen[number[i]] = true
    end
    for _, i in ipairs(fold.test) do
      if not seen[number[i]] then
        errors.raise("argument", position, "decode: fold %d tests class %s, of which it trains on no item: %s", f,
          tostring(o.labels[i]), o.splits.by and string.format("the splits hold every %s out whole, and all items of "
          .. "that class are of one; go by another coordinate, or leave the class out", o.splits.by)
          or "take fewer folds, or more items of it")
      end
    end
    local m = o.classifier:fit(o.x:index_select(common.index(fold.train), { dim = 1 }), train)
    given[f] = m:predict(o.x:index_select(common.index(fold.test), { dim = 1 }))
  end
  return given
end

-- The stimulus of each item as a key, and whether each has one label; nil where it is not known, and where the
-- classes are the stimuli themselves: there the items are the sample, and the stimuli are not.
local function stimuli_of(o, number, position)
  local ids = o.columns and o.columns.stimulus_id and common.list(o.columns.stimulus_id)
  if not ids then return nil end
  if #ids ~= #number then
    errors.raise("shape", position, "decode: columns.stimulus_id has %d entries for %d items", #ids, #number)
  end
  local keys, class, owner, whole, themselves = {}, {}, {}, true, true
  for i, id in ipairs(ids) do
    local key, k = common.key(id), number[i]
    keys[i], class[key], owner[k] = key, class[key] or k, owner[k] or key
    whole, themselves = whole and class[key] == k, themselves and owner[k] == key
  end
  if whole and themselves then return nil end
  return keys, whole
end

-- The group of each item as a key, where the splits hold out whole groups of one label each, with all the repeats of
-- their stimuli (keys; nil where these are not known): such groups are the sample. nil where it is not so.
local function groups_of(o, number, keys)
  local by, list, class, home = o.splits.by, {}, {}, {}
  if not by or by == "stimulus_id" then return nil end
  for i, value in ipairs(common.list(o.columns[by])) do
    local key, stimulus = common.key(value), keys and keys[i] or i
    list[i], class[key], home[stimulus] = key, class[key] or number[i], home[stimulus] or key
    if class[key] ~= number[i] or home[stimulus] ~= key then return nil end
  end
  return list
end

-- For each tested item, in the order of the folds, the number of what is resampled with it (its stimulus, where keys
-- tells it, else itself), and how many of these there are.
local function units_of(folds, keys)
  local units, of, count = {}, {}, 0
  for _, fold in ipairs(folds) do
    for _, i in ipairs(fold.test) do
      local key = keys and keys[i] or i
      if not of[key] then count, of[key] = count + 1, count + 1 end
      units[#units + 1] = of[key]
    end
  end
  return units, count
end

-- The interval of the accuracy when units are drawn with all their tested items; right: 1 or 0 for each item.
local function interval(o, right, units, count)
  local hits, sizes = {}, {}
  for u = 1, count do hits[u], sizes[u] = 0, 0 end
  for k, u in ipairs(units) do hits[u], sizes[u] = hits[u] + right[k], sizes[u] + 1 end
  return features.interval(count, o.bootstrap, o.seed, "decode.bootstrap", function(draws)
    draws = draws:reshape { -1 }
    local function sum(list)
      local drawn = tensor.tensor(list, { dtype = "float64" }):index_select(draws, { dim = 1 })
      return drawn:reshape({ o.bootstrap, count }):sum(2)
    end
    return sum(hits) / sum(sizes)
  end)
end

local function accuracy(folds, given, number)
  local right, n = 0, 0
  for f, fold in ipairs(folds) do
    for k, i in ipairs(fold.test) do
      right, n = right + (given[f][k] == number[i] and 1 or 0), n + 1
    end
  end
  return right / n, n
end

-- The null: labels dealt anew among all items, or among the stimuli or groups that keys names; everything else the
-- same. Of the deals in which every fold is fitted on all classes that it tests, as it is with the labels themselves.
local function null_of(o, folds, number, keys, position)
  local values = {}
  local members = common.by_value(keys or common.count_up(#number))
  for k = 1, o.permutations do
    local order, dealt = common.permutation(#members, o.seed, "decode.permutations", k), {}
    for to, from in ipairs(order) do
      for _, i in ipairs(members[to]) do dealt[i] = number[members[from][1]] end
    end
    local given, e = errors.try(run, o, folds, dealt, position)
    if e and e.kind ~= "argument" then error(e, 0) end
    values[#values + 1] = given and accuracy(folds, given, dealt) or nil
  end
  return tensor.tensor(values, { dtype = "float64" })
end

--- decode { x, labels, classifier = svm {}, splits = kfold { 5 }, permutations = 0, bootstrap = 1000, seed = }: how
-- well a linear classifier tells from the responses x of held-out items what they show: a score with accuracy, low
-- and high (95 %; NaN where one stimulus or one item is tested, of which nothing can be resampled), chance (the
-- share of the largest class), n, classes, confusion (true class x given class, int64), constant (how many features
-- do not vary, nil where all do) and, with permutations, null (accuracies when the labels are dealt anew, of the
-- deals that leave every fold all classes that it tests) and p. Where x is an assembly, or columns hold
-- stimulus_id, the interval is a bootstrap over stimuli (score.over, score.stimuli), each drawn with all its
-- repeats, which are not independent of each other, and labels are dealt among stimuli (where each has one); else
-- over items, as where the classes are the stimuli themselves. Where the splits hold out whole groups (grouped { 5,
-- by = "object" }) and each has one label, groups are drawn and labels dealt among them (score.groups, how many;
-- score.over, the name). What is tested several times is drawn whole. Splits of one's own may test an item several
-- times and train elsewhere, at another position of the object, say. decode { assembly, "object_name" }: its
-- presentations are the items, a coordinate the labels, and where stimuli are repeated the splits are grouped { 5,
-- by = "stimulus_id" } if absent (kfold { 5 } where a class is one stimulus alone).
-- > x = concat { randn { 20, 5 }, randn { 20, 5 } + 3 }
-- > labels = concat { zeros { 20 }, ones { 20 } }
-- > score = decode { x, labels, bootstrap = 100 }
-- > score.accuracy > 0.9, score.chance   --> true 0.5
function M.decode(given, ...)
  local position = errors.position(2)
  schema.alone("decode", "decode { x, labels, classifier = svm {} }", position, ...)
  local o = read(given, position)
  return tensor.no_grad(function()
    local names, number = common.numbered(o.labels)
    if #names < 2 then
      errors.raise("argument", position, "decode: labels%s: %s '%s', and there is nothing to tell apart: expected at "
        .. "least 2 classes", o.label_name and " = '" .. o.label_name .. "'" or "", #number == 1
        and "the only item has" or string.format("all %d items have", #number), tostring(names[1]))
    end
    local constant = count_constant(o.x, position)
    local folds = splits.folds_of("decode", o.splits, #o.x, o.columns, number, names)
    local found = run(o, folds, number, position)
    local share, n = accuracy(folds, found, number)
    local counts, right, sizes, most = {}, {}, {}, 0
    for a = 1, #names do
      counts[a], sizes[a] = {}, 0
      for b = 1, #names do counts[a][b] = 0 end
    end
    for f, fold in ipairs(folds) do
      for k, i in ipairs(fold.test) do
        local row = counts[number[i]]
        row[found[f][k]] = row[found[f][k]] + 1
        right[#right + 1] = found[f][k] == number[i] and 1 or 0
        sizes[number[i]] = sizes[number[i]] + 1
        most = math.max(most, sizes[number[i]])
      end
    end
    local keys, whole = stimuli_of(o, number, position)
    local groups, _, stimuli = groups_of(o, number, keys), units_of(folds, keys)
    local units, count = units_of(folds, groups or keys)
    local low, high = interval(o, right, units, count)
    local score = { accuracy = share, low = low, high = high, chance = most / n, n = n, classes = names,
      over = groups and o.splits.by or keys and "stimuli" or "items", stimuli = keys and stimuli or nil,
      groups = groups and count or nil,
      confusion = tensor.tensor(counts, { dtype = "int64" }), classifier = tostring(o.classifier),
      splits = tostring(o.splits), seed = o.seed, bootstrap = o.bootstrap, features = o.x:size(2),
      constant = constant, label = o.x.close and "close" or "exact" }
    if o.permutations > 0 then
      score.null, score.permutations = null_of(o, folds, number, groups or whole and keys, position), o.permutations
      score.p = intervals.p_value(share, score.null)
    end
    return setmetatable(score, Decoded)
  end)
end

return M
