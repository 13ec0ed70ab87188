--- lamina.neural.untangling: how a layer's geometry separates classes ("untangling": DiCarlo & Cox 2007): accuracy
-- from few examples, distances within and between classes, invariance, selectivity, dimension, d' of two classes.
local classifiers = require "lamina.neural.classifiers"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local features = require "lamina.neural.features"
local mappings = require "lamina.neural.mapping"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local overs = require "lamina.neural.untangling_over"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = {
  stimuli = { type = "any", required = true, doc = "images with labels: a stimulus set or a data set" },
  samples = { type = "integer", default = 50, min = 2, doc = "images of each class that a linear classifier is "
    .. "fitted "
    .. "on; the others test it" },
  draws = { type = "integer", default = 5, min = 1, doc = "how often those are drawn anew" },
  over = { type = { "string", "table" }, doc = "columns of the stimuli (or what is latent in them), such as { "
    .. "\"x\", \"scale\", \"rotation\", \"contrast\" }: the accuracy at values of each that the classifier was "
    .. "not fitted at" },
  parts = { type = "integer", default = 4, min = 2, doc = "into how many parts of equal counts the images are "
    .. "divided by a column of `over` that has more different numbers than these" },
  pair = { type = "table", doc = "two classes, by name or number, whose d' is taken: { \"4\", \"9\" }" },
  mapping = { type = "any", doc = "one regression per class, the largest prediction wins; ridge { per = \"all\" } if "
    .. "absent" },
  classifier = { type = "any", doc = "svm {}, logistic {}, nearest_centroid {} or max_correlation {}, instead of a "
    .. "mapping" },
  seed = { type = "integer", doc = "of the draws; the experiment's if absent" },
}
for name, field in pairs(features.fields) do FIELDS[name] = field end
schema.document("neural.untangling", FIELDS)

local Untangling = { __name = "untangling" }
Untangling.__index = object.index("an untangling", Untangling, "pair")

--- untangling:find(layer): the row of a layer; nil where there is none.
-- > set = stimuli.objects { 60, size = 16, classes = 2, seed = 1 }
-- > u = neural.untangling { stimuli = set, features = { { "pixels", set.x } }, samples = 20, draws = 2 }
-- > u:find("pixels").features   --> 256
function Untangling:find(layer)
  for _, row in ipairs(self.rows) do
    if row.layer == layer then return row end
  end
end

local COLUMNS = { "layer", "area", "features", "accuracy", "accuracy_sd", "within", "between", "invariance",
  "selectivity", "dimension", "dprime" }

--- untangling:table(): the rows as a list of lists, the first one the names of the columns; accuracy_over_NAME and
-- invariance_over_NAME stand last, where there are such.
-- > set = stimuli.objects { 60, size = 16, classes = 2, seed = 1 }
-- > u = neural.untangling { stimuli = set, features = { { "pixels", set.x } }, samples = 20, draws = 2 }
-- > u:table()[1][1], u:table()[2][1]   --> layer pixels
function Untangling:table()
  local names, rows = table.move(COLUMNS, 1, #COLUMNS, 1, {}), {}
  for i, row in ipairs(self.rows) do
    rows[i] = setmetatable({}, { __index = row })
    for _, variable in ipairs(self.over) do
      local found = row.over[variable.name]
      rows[i]["accuracy_over_" .. variable.name] = found.accuracy
      rows[i]["invariance_over_" .. variable.name] = found.invariance
    end
  end
  for _, variable in ipairs(self.over) do
    names[#names + 1], names[#names + 2] = "accuracy_over_" .. variable.name, "invariance_over_" .. variable.name
  end
  return common.tabulate(names, rows)
end

--- untangling:results(): a list of { metric =, value =, label =, what = } for report, one for each layer, and after
-- it one for each variable of `over`.
-- > set = stimuli.objects { 60, size = 16, classes = 2, seed = 1 }
-- > u = neural.untangling { stimuli = set, features = { { "pixels", set.x } }, samples = 20, draws = 2 }
-- > u:results()[1].metric   --> untangling (pixels)
function Untangling:results()
  local list = {}
  for _, row in ipairs(self.rows) do
    list[#list + 1] = { metric = string.format("untangling (%s)", row.layer), value = row.accuracy, label = row.label,
      what = string.format("accuracy, sd over draws %.3f; within / between %.3f, selectivity %.3f, dimension %.1f",
      row.accuracy_sd, row.within / row.between, row.selectivity, row.dimension) }
    for _, variable in ipairs(self.over) do list[#list + 1] = overs.result(row, variable) end
  end
  return list
end

--- untangling:csv(path): writes the table as CSV, into the folder of the experiment. Returns the untangling.
-- > set = stimuli.objects { 60, size = 16, classes = 2, seed = 1 }
-- > u = neural.untangling { stimuli = set, features = { { "pixels", set.x } }, samples = 20, draws = 2 }
-- > u:csv "untangling.csv"
-- > data.csv("untangling.csv").layer[1]   --> pixels
function Untangling:csv(path)
  common.csv(path, self:table())
  return self
end

Untangling.__tostring = function(self)
  local rows = { { "layer", "area", "features", "accuracy", "within / between", "invariance", "selectivity",
    "dimension", self.pair and "d' " .. self.pair or "" } }
  for _, row in ipairs(self.rows) do
    rows[#rows + 1] = { row.layer, row.area, tostring(row.features), string.format("%.3f +- %.3f", row.accuracy,
      row.accuracy_sd), string.format("%.3f", row.within / row.between), string.format("%.3f", row.invariance),
      string.format("%.3f", row.selectivity), string.format("%.1f", row.dimension),
      row.dprime and string.format("%.2f", row.dprime) or "" }
  end
  return string.format("untangling: %d images, %d classes\n  accuracy: one against all, %s, fitted on %d images "
    .. "of each "
    .. "class, mean and SD of %d draws, on the others\n  distances: mean Euclidean distance of images of one "
    .. "class / of "
    .. "two; invariance: 1 - within / between\n  selectivity: the part of a unit's variance that lies between "
    .. "classes, mean over units; dimension: participation ratio\n%s%s", self.stimuli, self.classes, self.mapping,
    self.samples, self.draws, features.constant_text(self.rows, "units that do not vary, and have no selectivity"),
    common.columns(rows, { true, true })) .. overs.text(self)
end

-- ---- what is measured ------------------------------------------------------------------------------------------

-- For each draw { train =, test = }: `samples` images of each class, and the others.
local function draws_of(o, labels, position)
  local folds = {}
  for d = 1, o.draws do
    local taken, fold = {}, { train = {}, test = {} }
    for _, i in ipairs(common.permutation(#labels, o.seed, "untangling", d)) do
      local c = labels[i]
      taken[c] = (taken[c] or 0) + 1
      table.insert(taken[c] <= o.samples and fold.train or fold.test, i)
    end
    for c, n in pairs(taken) do
      if n <= o.samples then
        errors.raise("argument", position, "neural.untangling: option 'samples' is %d, and class %s has %s: take at "
          .. "most %d, so that one is left to test", o.samples, tostring(o.set.classes[c]), common.plural(n, "image"),
          n - 1)
      end
    end
    table.sort(fold.train)
    table.sort(fold.test)
    folds[d] = fold
  end
  return folds
end

-- Scores of the test images for every class (images x classes), from a classifier or from a regression per class.
local function scores_of(o, source, y, fold, labels, d)
  if o.classifier then
    local function part(list) return source.x:index_select(common.index(list), { dim = 1 }) end
    local m = o.classifier:fit(part(fold.train), common.pick(labels, fold.train))
    local scores, order = m:scores(part(fold.test)), {}
    for class = 1, #o.set.classes do order[class] = #m.classes + 1 end -- of a class without images: the least
    for place, class in ipairs(m.classes) do order[class] = place end
    local least = tensor.full({ #scores, 1 }, -math.huge, { dtype = scores.dtype })
    return ops.concat({ scores, least }, { dim = 2 }):index_select(common.index(order), { dim = 2 })
  end
  local count = o.mapping:inner_folds()
  return (o.mapping:held_out(source, y, fold, count > 0 and o.inner(fold.train, count, d) or {}))
end

-- The part of a fold's test images whose class has the largest score.
local function accuracy_of(o, source, y, fold, labels, d)
  local truth = o.set.y:index_select(common.index(fold.test), { dim = 1 })
  local guess = scores_of(o, source, y, fold, labels, d)
  return guess:argmax({ dim = 2 }):eq(truth):to "float64":mean():item(), guess, truth
end

-- Accuracy of each draw, and the mean d' of the pair along the direction that separates it.
local function classify(o, source, y, folds)
  local accuracies, dprimes = {}, {}
  local list = common.list(o.set.y)
  for d, fold in ipairs(folds) do
    local guess, truth
    accuracies[d], guess, truth = accuracy_of(o, source, y, fold, list, d)
    if o.pair then
      local along = guess[{ {}, o.pair[1] }] - guess[{ {}, o.pair[2] }]
      local a, b = along:masked_select(truth:eq(o.pair[1])), along:masked_select(truth:eq(o.pair[2]))
      dprimes[d] = ((a:mean() - b:mean()):abs() / ((a:var() + b:var()) / 2):sqrt()):item()
    end
  end
  local mean = tensor.tensor(accuracies, { dtype = "float64" })
  return mean:mean():item(), #accuracies > 1 and mean:std():item() or 0,
    o.pair and tensor.tensor(dprimes, { dtype = "float64" }):mean():item() or nil
end

-- Mean distances within and between classes.
local function distances(x, labels)
  local apart = x:cdist(x)
  local same = labels:reshape { -1, 1 }:eq(labels:reshape { 1, -1 }):to "float64"
  local n = #x
  local within_pairs = same:sum():item() - n
  return (apart * same):sum():item() / within_pairs, (apart * (1 - same)):sum():item() / (n * n - n - within_pairs)
end

-- The mean over units that vary of the part of their variance that lies between classes.
local function selectivity(x, y)
  local member = y:gt(0):to "float64"
  local count = member:sum({ dim = 1 }):reshape({ -1, 1 }):clamp(1, math.huge) -- a class may have no images
  local centred = x - x:mean { dim = 1, keepdim = true }
  local means = member:t():matmul(centred) / count
  local between, all = (means:square() * count):sum { dim = 1 }, centred:square():sum { dim = 1 }
  local varies = all:gt(0)
  local part = ops.where(varies, between / all, tensor.zeros { 1, dtype = "float64" })
  return part:sum():item() / math.max(1, varies:to "float64":sum():item())
end

-- (sum of variances of the principal components)^2 / sum of their squares.
local function dimension(x)
  local c = x - x:mean { dim = 1, keepdim = true }
  local gram = #c <= c:size(2) and c:matmul(c:t()) or c:t():matmul(c)
  local total = gram:diagonal():sum():item()
  return total > 0 and total ^ 2 / gram:square():sum():item() or 0
end

local function class_number(set, name, position)
  for c, known in ipairs(set.classes) do
    if known == name or tostring(known) == tostring(name) then
      if set.y:eq(c):any():item() then return c end
      errors.raise("argument", position, "neural.untangling: pair names '%s', of which there are no images",
        tostring(name))
    end
  end
  errors.raise("argument", position, "neural.untangling: pair names '%s', which is no class (there are %s)",
    tostring(name), table.concat(set.classes, ", "))
end

local function check(given, position)
  local o = schema.check("neural.untangling", given, FIELDS, position)
  o.set = stimuli.of(o.stimuli, position)
  if not o.set.y or not o.set.classes then
    errors.raise("argument", position, "neural.untangling: the stimuli have no labels with classes")
  end
  if o.classifier and (o.mapping or not classifiers.is(o.classifier)) then
    errors.raise("argument", position, o.mapping and "neural.untangling: mapping and classifier are both given: "
      .. "leave "
      .. "one out" or "neural.untangling: classifier is %s, expected svm {}, logistic {}, nearest_centroid {} or "
      .. "max_correlation {}", schema.kind(o.classifier))
  end
  o.mapping = o.mapping or mappings.ridge { per = "all" }
  if not mappings.is_mapping(o.mapping) then
    errors.raise("argument", position, "neural.untangling: mapping is %s, expected something like ridge {}",
      schema.kind(o.mapping))
  end
  o.seed = o.seed or tensor.seed()
  if o.pair then
    if #o.pair ~= 2 then
      errors.raise("argument", position, "neural.untangling: pair has %d classes, expected two", #o.pair)
    end
    o.pair_name = string.format("%s and %s", o.pair[1], o.pair[2])
    o.pair = { class_number(o.set, o.pair[1], position), class_number(o.set, o.pair[2], position) }
  end
  return o
end

--- neural.untangling { stimuli =, model =, layers = "all", features =, samples = 50, draws = 5, pair =, mapping =
-- ridge { per = "all" }, classifier =, input =, batch = 64, seed = }: for each layer (rows[i].layer, area,
-- features): accuracy of a linear classifier fitted on `samples` images of each class, accuracy_sd over draws;
-- within and between, mean Euclidean distances of two images of one class and of two classes; invariance, 1 - within
-- / between; selectivity, the part of a unit's variance between class means, mean over units that vary (constant:
-- how many do not, nil where all do); dimension, the participation ratio; dprime of the pair along the classifier's
-- direction, on images it was not fitted on. print shows them; u:find(layer), u:csv(path). With over = { "x",
-- "scale", ... } each of these columns of the stimuli is divided into its values, or parts; a classifier fitted on
-- images of all parts but one (`samples` of each class, or all that there are) is tested on that one: rows[i].over.x
-- has accuracy (mean over parts), each (of every part) and invariance, 1 - (mean distance of two images of one class
-- in different parts) / (of two classes in different parts).
-- > x = concat { randn { 30, 5 }, randn { 30, 5 } + 3 }
-- > set = data.tensors { x, concat { ones { 30 }, ones { 30 } * 2 }:to "int64", classes = { "face", "house" } }
-- > u = neural.untangling { stimuli = set, features = { IT = x }, samples = 20 }
-- > u:find("IT").accuracy > 0.9, u:find("IT").invariance > 0   --> true true
function M.untangling(given, ...)
  local position = errors.position(2)
  schema.alone("neural.untangling", "neural.untangling { model = net, stimuli = set }", position, ...)
  local o = check(given, position)
  local labels = common.list(o.set.y)
  local there = common.class_count(labels, o.set.classes, "neural.untangling", position)
  local folds, variables = draws_of(o, labels, position), overs.read(o, labels, position)
  o.inner = function(items, count, d)
    return require("lamina.neural.splits").kfold({ count, seed = o.seed }):inner(count, items, #labels,
      o.set.columns, d, labels)
  end
  return tensor.no_grad(function()
    local classes = tensor.arange(1, #o.set.classes):reshape { 1, -1 }
    local y = o.set.y:reshape { -1, 1 }:eq(classes):to "float64" * 2 - 1
    local rows = {}
    for i, layer in ipairs(features.collect(o, o.set, "neural.untangling", position)) do
      local source = mappings.source(layer.x, "neural.untangling: layer " .. layer.name, position, layer.shape)
      local x = layer.x:to "float64"
      local row = { layer = layer.name, area = layer.area, features = x:size(2),
        constant = features.constant(x), selectivity = selectivity(x, y), dimension = dimension(x),
        label = layer.x.close and "close" or "exact" }
      row.accuracy, row.accuracy_sd, row.dprime = classify(o, source, y, folds)
      row.within, row.between = distances(x, o.set.y)
      row.invariance = 1 - row.within / row.between
      overs.measure(row, variables, x, labels, function(fold, d)
        return (accuracy_of(o, source, y, fold, labels, d))
      end)
      rows[i] = row
    end
    return setmetatable({ rows = rows, over = variables, stimuli = #labels, classes = there,
      samples = o.samples, draws = o.draws, mapping = tostring(o.classifier or o.mapping), pair = o.pair_name },
      Untangling)
  end)
end

return M
