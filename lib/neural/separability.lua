--- lamina.neural.separability: how well a linear classifier tells classes apart in each layer ("untangling": DiCarlo
-- & Cox 2007).
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local features = require "lamina.neural.features"
local mappings = require "lamina.neural.mapping"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local scores = require "lamina.neural.score"
local splits = require "lamina.neural.splits"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = schema.document("separability", {
  stimuli = { type = "any", required = true, doc = "images with labels: a stimulus set or a data set" },
  splits = { type = "any", doc = "kfold {}, grouped {}, or a list of { train = positions, test = positions }; "
    .. "kfold { 5 } if absent" },
  mapping = { type = "any", doc = "ridge { per = \"all\" } if absent" },
  bootstrap = { type = "integer", default = 1000, min = 100, doc = "resamples for the intervals" },
  seed = { type = "integer", doc = "of the bootstrap; the experiment's if absent" },
})
for name, field in pairs(features.fields) do FIELDS[name] = field end

-- Labels as targets, +1 for the class and -1 for the others: N x classes.
local function targets_of(set)
  local classes = tensor.arange(1, #set.classes):reshape { 1, -1 }
  return set.y:reshape { -1, 1 }:eq(classes):to "float64" * 2 - 1
end

local function check(given, position)
  local o = schema.check("neural.separability", given, FIELDS, position)
  o.set = stimuli.of(o.stimuli, position)
  if not o.set.y or not o.set.classes then
    errors.raise("argument", position, "neural.separability: the stimuli have no labels with classes")
  end
  o.mapping = o.mapping or mappings.ridge { per = "all" }
  if o.splits == nil then o.splits = splits.kfold { 5 } end
  local own = splits.of(o.splits, "neural.separability", position)
  if not own then
    errors.raise("argument", position, "neural.separability: splits is %s, expected kfold { 5 }, grouped { 5, by = "
      .. "\"NAME\" } or a list of { train = positions, test = positions }", schema.kind(o.splits))
  end
  o.splits = own
  if not mappings.is_mapping(o.mapping) then
    errors.raise("argument", position, "neural.separability: mapping is %s, expected something like ridge {}",
      schema.kind(o.mapping))
  end
  o.seed = o.seed or tensor.seed()
  return o
end

-- The images that are tested, in their order. One that is tested twice would count twice: that is an error.
local function tested_of(folds, position)
  local seen, list = {}, {}
  for _, fold in ipairs(folds) do
    for _, item in ipairs(fold.test) do
      if seen[item] then
        errors.raise("argument", position, "neural.separability: splits: image %d is tested more than once", item)
      end
      seen[item] = true
      list[#list + 1] = item
    end
  end
  table.sort(list)
  return list
end

-- For each tested image 1 where the classifier of its fold was right, else 0 (float64).
local function correct(o, layer, y, folds, tested, position)
  local source = mappings.layer_source(layer, o.mapping, "neural.separability: layer " .. layer.name, position)
  local parts, order = {}, {}
  for f, fold in ipairs(folds) do
    local index = common.index(fold.test)
    local guess = o.mapping:held_out(source, y, fold, fold.inner):argmax { dim = 2 }
    parts[f] = guess:eq(o.set.y:index_select(index, { dim = 1 })):to "float64"
    for _, item in ipairs(fold.test) do order[#order + 1] = item end
  end
  local back = {}
  for at, item in ipairs(order) do back[item] = at end
  return ops.concat(parts, { dim = 1 }):index_select(common.index(common.pick(back, tested)), { dim = 1 })
end

-- The groups of the tested images where the splits hold out whole ones: the number of each image's, and how many
-- there are; nil where images stand alone.
local function groups_of(o, tested)
  if not o.splits.by then return nil end
  local names, group = common.numbered(common.pick(o.set.columns[o.splits.by], tested))
  return common.index(group), #names
end

-- The interval of the accuracy when images, or whole groups of them, are drawn; right: 1 or 0 for each image.
local function interval(o, right, group, groups)
  local n = groups or #right
  local hits = group and right:index_add(group, { dim = 1, size = n }) or right
  local sizes = group and tensor.ones({ #right }, { dtype = "float64" }):index_add(group, { dim = 1, size = n })
  return features.interval(n, o.bootstrap, o.seed, "separability.bootstrap", function(draws)
    draws = draws:reshape { -1 }
    local function drawn(t) return t:index_select(draws, { dim = 1 }):reshape { o.bootstrap, n } end
    return sizes and drawn(hits):sum(2) / drawn(sizes):sum(2) or drawn(hits):mean(2)
  end)
end

--- neural.separability { stimuli =, model =, layers = "all", features =, splits = kfold { 5 }, mapping = ridge { per
-- = "all" }, bootstrap = 1000, input =, batch = 64, seed = }: accuracy of a linear classifier on held-out images
-- for each layer: one ridge regression per class to +1 and -1, the largest prediction wins, the penalty chosen
-- inside the training images. The score's rows have layer, area, accuracy, low, high, n, features, label;
-- score.chance is 1 / classes, of those that have images. Intervals draw images, or whole groups where the splits
-- hold these out.
-- > set = stimuli.objects { 60, size = 16, classes = 2, seed = 1 }
-- > told = set.y:reshape({ -1, 1 }):to "float32"
-- > score = separability { stimuli = set, features = { { "told", told }, { "noise", randn { 60, 5 } } } }
-- > score:find("told").accuracy, score.chance   --> 1.0 0.5
function M.separability(given, ...)
  local position = errors.position(2)
  schema.alone("separability", "separability { model = net, stimuli = set }", position, ...)
  local o = check(given, position)
  local n = #o.set
  local labels = common.list(o.set.y)
  local classes = common.class_count(labels, o.set.classes, "neural.separability", position)
  local folds = splits.folds_of("neural.separability", o.splits, n, o.set.columns, labels, o.set.classes)
  local tested = tested_of(folds, position)
  for f, fold in ipairs(folds) do
    local count = o.mapping:inner_folds()
    fold.inner = count > 0 and o.splits:inner(count, fold.train, n, o.set.columns, f, labels) or {}
  end
  return tensor.no_grad(function()
    local y, rows, group, groups = targets_of(o.set), {}, groups_of(o, tested)
    for i, layer in ipairs(features.collect(o, o.set, "neural.separability", position)) do
      local right = correct(o, layer, y, folds, tested, position)
      local low, high = interval(o, right, group, groups)
      rows[i] = { layer = layer.name, area = layer.area, features = layer.features, n = #tested,
        accuracy = right:mean():item(), low = low, high = high, label = (layer.kernel or layer.x).close
          and "close" or "exact",
        selected = o.set.selected or nil, constant = not layer.kernel and features.constant(layer.x) or nil }
    end
    return scores.make { kind = "separability", rows = rows, stimuli = n, classes = classes,
      chance = 1 / classes, mapping = mappings.text(o.mapping, folds), splits = tostring(o.splits),
      over = groups and string.format("%s by %s", common.plural(groups, "group"), o.splits.by) or "images",
      bootstrap = o.bootstrap, seed = o.seed }
  end)
end

return M
