--- Losses: functions of (output, target, options) that give a tensor with one element, the mean over the batch.
--
-- In train, evaluate and the goals of a model, a loss is written as its name, as { name, options... } or as a
-- function(output, target):
--
--   loss = "cross_entropy"
--   loss = { "huber", delta = 0.5 }
--   loss = { { "mse" }, { "correlation", weight = 0.5 } }                         -- the sum of several
--   loss = { category = "cross_entropy", position = { "mse", weight = 0.1 } }     -- goals: see lib/goals.lua
--
-- Every named loss takes `weight`, a factor, and those that look at each element by itself take `missing = true`:
-- targets that are NaN are values that were not measured; they add nothing, and the mean is over those that were.
-- > train_loss = { { "mse" }, { "correlation", weight = 0.5 } }   -- as the option loss of train
-- > losses.huber(tensor { 0, 10 }, tensor { 0, 0 }, { delta = 1 })   --> 4.75
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local pairs_of = require "lamina.loss.pairs"
local safe = require "lamina.safe"
local schema = require "lamina.schema"

local M = {}

local direct = {} -- the options of each loss where it is called by itself, without the weight
local Checked = {} -- the metatable of options that M.make has checked

-- The options of a call of a loss, checked where a script calls it by itself, as losses.huber(y, t, { delta = 2 }).
local function settled(name, options)
  if options == nil or getmetatable(options) == Checked then return options or {} end
  return schema.check(name, options, direct[name], errors.position(3))
end

-- ---- what the losses share -------------------------------------------------------------------------------------

local function shape_text(t) return t.ndim == 0 and "scalar" or table.concat(t.shape, "x") end

local function same_shape(name, output, target)
  if not core.is_tensor(target) then return end
  if shape_text(output) ~= shape_text(target) then
    errors.raise("shape", 3, "%s: the output is %s and the target %s; their shapes must be equal", name,
      shape_text(output), shape_text(target))
  end
end

-- The mean over all elements of elementwise(output, target); with missing targets over those that are there, whose
-- number is then the second result.
local function mean_over(name, elementwise, output, target, options)
  same_shape(name, output, target)
  local partial = options.missing and core.is_tensor(target) and target.dtype:find "^float"
  if not partial then
    return ops.mean(elementwise(output, target))
  end
  local absent = ops.isnan(target)
  local n = target:count() - ops.sum(ops.cast(absent, "int64")):item()
  local each = elementwise(output, ops.where(absent, 0, target))
  return ops.div(ops.sum(ops.where(absent, 0, each)), math.max(n, 1)), n
end

-- ---- the losses ------------------------------------------------------------------------------------------------

local function class_weights(weights, logits, position)
  local t = core.is_tensor(weights) and weights or core.tensor(weights, { dtype = logits.dtype })
  if t.ndim ~= 1 or #t ~= logits:size(2) then
    errors.raise("shape", position, "cross_entropy: classes holds %s weights for %d classes", shape_text(t),
      logits:size(2))
  end
  return t.dtype == logits.dtype and t or t:to(logits.dtype)
end

-- Targets that are a probability of each class: - sum over classes of weight * p log softmax, the mean over the
-- batch.
local function soft_cross_entropy(logits, target, smoothing, weight)
  same_shape("cross_entropy", logits, target)
  local classes = logits:size(2)
  if smoothing > 0 then target = ops.add(ops.mul(target, 1 - smoothing), smoothing / classes) end
  local each = ops.mul(target, ops.log_softmax(logits, { dim = 2 }))
  if weight then each = ops.mul(each, weight) end
  return ops.div(ops.sum(each), -#logits)
end

--- cross_entropy(logits, labels [, { label_smoothing = 0, classes = }]): -log softmax(logits)[label], the mean over
-- the batch. logits: n x classes; labels: n, int64, from 1, or soft targets: n x classes, a probability of each
-- class. classes: a weight for each class; with labels the mean is then weighted, as in PyTorch.
-- > scores, class = tensor { { 2, 0, 0 } }, tensor({ 1 }, { dtype = "int64" })
-- > losses.cross_entropy(scores, class, { label_smoothing = 0.1 })   --> 0.37287816
-- > cross_entropy(tensor { { 2, 0 }, { 0, 2 } }, tensor({ 1, 2 }, { dtype = "int64" }))   --> 0.12692805
function M.cross_entropy(logits, labels, options)
  options = settled("cross_entropy", options)
  local smoothing = options.label_smoothing or 0
  local weight = options.classes and class_weights(options.classes, logits, 2)
  if core.is_tensor(labels) and labels.ndim == 2 and labels.dtype:find "^float" then
    return soft_cross_entropy(logits, labels, smoothing, weight)
  end
  if not weight then return ops.cross_entropy(logits, labels, { label_smoothing = smoothing }) end
  local logs = ops.log_softmax(logits, { dim = 2 })
  local own = ops.index_select(weight, labels, { dim = 1 })
  local picked = ops.squeeze(ops.gather(logs, ops.unsqueeze(labels, { dim = 2 }), { dim = 2 }), { dim = 2 })
  local total = ops.sum(own)
  local loss = ops.neg(ops.div(ops.sum(ops.mul(picked, own)), total))
  if smoothing > 0 then
    local spread = ops.neg(ops.div(ops.sum(ops.mul(logs, weight)), ops.mul(total, logits:size(2))))
    loss = ops.add(ops.mul(loss, 1 - smoothing), ops.mul(spread, smoothing))
  end
  return loss
end

--- mse(output, target): the mean of the squared differences over all elements; shapes equal.
-- > losses.mse(tensor { 1, 2 }, tensor { 1, 0 / 0 }, { missing = true })   --> 0. 1
-- > mse(tensor { 1, 2 }, tensor { 1, 4 })   --> 2.
function M.mse(output, target, options)
  options = settled("mse", options)
  if not options.missing then return ops.mse(output, target) end
  return mean_over("mse", function(y, t) return ops.square(ops.sub(y, t)) end, output, target, options)
end

--- losses.l1(output, target): the mean of the absolute differences.
-- > losses.l1(tensor { 1, 2 }, tensor { 1, 4 })   --> 1.
function M.l1(output, target, options)
  options = settled("l1", options)
  return mean_over("l1", function(y, t) return ops.abs(ops.sub(y, t)) end, output, target, options)
end

--- losses.huber(output, target [, { delta = 1 }]): d^2 / 2 for differences d up to delta, delta (|d| - delta / 2)
-- beyond: the mean (Huber 1964).
-- > losses.huber(tensor { 0.5, 10 }, tensor { 0, 0 }, { delta = 1 })   --> 4.8125
function M.huber(output, target, options)
  options = settled("huber", options)
  local delta = options.delta or 1
  return mean_over("huber", function(y, t)
    local size = ops.abs(ops.sub(y, t))
    local inner = ops.clamp(size, { high = delta })
    return ops.mul(inner, ops.sub(size, ops.mul(inner, 0.5)))
  end, output, target, options)
end

--- bce(logits, target [, { positive = 1 }]): binary cross-entropy with sigmoid, log(1 + exp(x)) - target x, the mean
-- over all elements. target: a number or a tensor of the same shape, from 0 to 1. positive: a factor on what targets
-- of 1 cost, a number or a tensor of one for each unit, PyTorch's pos_weight.
-- > losses.bce(tensor { 0, 0 }, tensor { 1, 0 })   --> 0.6931472
-- > bce(tensor { 0, 3 }, tensor { 1, 1 })   --> 0.37086725
function M.bce(logits, target, options)
  options = settled("bce", options)
  local positive = options.positive
  if type(positive) == "table" then positive = core.tensor(positive, { dtype = logits.dtype }) end
  if core.is_tensor(positive) and (positive.ndim ~= 1 or #positive ~= logits:size(logits.ndim)) then
    errors.raise("shape", 2, "bce: positive holds %s factors for %d units", shape_text(positive),
      logits:size(logits.ndim))
  end
  return mean_over("bce", function(x, t)
    if not positive or positive == 1 then return ops.sub(ops.softplus(x), ops.mul(x, t)) end
    local factor = ops.add(ops.mul(ops.sub(positive, 1), t), 1)
    return ops.add(ops.mul(ops.sub(1, t), x), ops.mul(factor, ops.softplus(ops.neg(x))))
  end, logits, target, options)
end

--- losses.poisson(rate, count [, { log_input = false, full = false, epsilon = 1e-8 }]): the negative log-likelihood
-- of counts under a Poisson distribution, rate - count log(rate + epsilon), the mean over all elements, without the
-- term log(count!) that no weight changes. log_input: the output is the logarithm of the rate: exp(x) - count x.
-- full: with Stirling's approximation of log(count!) for counts above 1, as in PyTorch.
-- > losses.poisson(tensor { 2, 2 }, tensor { 2, 0 })   --> 1.3068528
function M.poisson(output, target, options)
  local o = settled("poisson", options)
  return mean_over("poisson", function(y, t)
    local each = o.log_input and ops.sub(ops.exp(y), ops.mul(t, y))
      or ops.sub(y, ops.mul(t, ops.log(ops.add(y, o.epsilon or 1e-8))))
    if not o.full then return each end
    local n = ops.maximum(t, 1)
    local stirling = ops.add(ops.sub(ops.mul(n, ops.log(n)), n), ops.mul(ops.log(ops.mul(n, 2 * math.pi)), 0.5))
    return ops.add(each, ops.where(ops.gt(t, 1), stirling, 0))
  end, output, target, o)
end

--- losses.kl(logits, target): the Kullback-Leibler divergence of softmax(logits) from the probabilities `target`
-- (n x classes, rows that sum to 1): sum over classes of t (log t - log softmax), the mean over the batch.
-- > losses.kl(tensor { { 0, 0 } }, tensor { { 1, 0 } })   --> 0.6931472
function M.kl(logits, target, options)
  settled("kl", options)
  same_shape("kl", logits, target)
  local known = ops.gt(target, 0)
  local entropy = ops.mul(target, ops.log(ops.where(known, target, 1)))
  local cross = ops.mul(target, ops.log_softmax(logits, { dim = logits.ndim }))
  return ops.div(ops.sum(ops.sub(entropy, cross)), #logits)
end

-- Labels: for each item the mean over classes of max(0, margin - own + other)^power, the own class left out of the
-- sum.
local function multiclass_hinge(output, labels, margin, power)
  local n, classes = output:size(1), output:size(2)
  local own = ops.gather(output, ops.unsqueeze(labels, { dim = 2 }), { dim = 2 })
  local over = ops.relu(ops.add(ops.sub(output, own), margin))
  if power == 2 then over = ops.square(over) end
  -- the own class always adds exactly the margin
  return ops.div(ops.sub(ops.sum(over), margin ^ power * n), n * classes)
end

--- losses.hinge(output, target [, { margin = 1, power = 1 }]): with labels (int64, from 1) the mean over items and
-- classes of max(0, margin - own + other), PyTorch's multi-margin loss (Crammer & Singer 2001); with targets of -1
-- and 1 the mean of max(0, margin - target output). power = 2 squares each term.
-- > losses.hinge(tensor { { 2, 0.5, 0 } }, tensor({ 1 }, { dtype = "int64" }))   --> 0.
function M.hinge(output, target, options)
  options = settled("hinge", options)
  local margin, power = options.margin or 1, options.power or 1
  if target.dtype == "int64" and target.ndim == 1 and output.ndim == 2 then
    return multiclass_hinge(output, target, margin, power)
  end
  return mean_over("hinge", function(y, t)
    local over = ops.relu(ops.sub(margin, ops.mul(t, y)))
    return power == 2 and ops.square(over) or over
  end, output, target, options)
end

local function rows_of(t) return t.ndim == 2 and t or ops.flatten(t, 2) end

--- losses.cosine(output, target): 1 minus the cosine of the angle between each item's output and its target, the
-- mean over the batch; 1 where one of them is 0.
-- > losses.cosine(tensor { { 1, 0 } }, tensor { { 0, 2 } })   --> 1.
function M.cosine(output, target, options)
  settled("cosine", options)
  same_shape("cosine", output, target)
  local y, t = rows_of(output), rows_of(target)
  local both = ops.sum(ops.mul(y, t), 2)
  local sizes = ops.mul(safe.length(ops.sum(ops.square(y), 2)), safe.length(ops.sum(ops.square(t), 2)))
  return ops.sub(1, ops.mean(safe.ratio(both, sizes)))
end

--- losses.correlation(output, target): 1 minus Pearson's correlation of each unit's outputs with its targets over
-- the items of the batch, the mean over units; a unit that does not vary counts as uncorrelated. It depends on the
-- batch: use large ones.
-- > rates = randn { 50, 3 }
-- > losses.correlation(rates * 2 + 1, rates):abs():lt(1e-5)   --> true
function M.correlation(output, target, options)
  options = settled("correlation", options)
  same_shape("correlation", output, target)
  local y, t, present = rows_of(output), rows_of(target), nil
  local n = #y
  if options.missing then
    local absent = ops.isnan(t)
    present = ops.cast(ops.logical_not(absent), y.dtype)
    n = ops.maximum(ops.sum(present, { 1 }, { keepdim = true }), 1)
    t, y = ops.where(absent, 0, t), ops.mul(y, present)
  end
  local function centred(x)
    local c = ops.sub(x, ops.div(ops.sum(x, { 1 }, { keepdim = true }), n))
    return present and ops.mul(c, present) or c
  end
  y, t = centred(y), centred(t)
  local sizes = ops.mul(safe.length(ops.sum(ops.square(y), 1)), safe.length(ops.sum(ops.square(t), 1)))
  return ops.sub(1, ops.mean(safe.ratio(ops.sum(ops.mul(y, t), 1), sizes)))
end

--- losses.contrastive(output, labels [, { margin = 1 }]): over all pairs of items in the batch the mean of d^2 / 2
-- where their labels are equal, max(0, margin - d)^2 / 2 where they differ; d is the Euclidean distance (Hadsell,
-- Chopra & LeCun 2006). losses.contrastive(a, b, same [, options]): the same over the pairs a[i], b[i], of which
-- `same` (n, bool) says whether they belong together.
-- > features = tensor { { 0, 0 }, { 0, 0 }, { 3, 4 } }
-- > losses.contrastive(features, tensor({ 1, 1, 2 }, { dtype = "int64" }))   --> 0.
function M.contrastive(output, labels, same, options)
  if core.is_tensor(same) then return pairs_of.contrastive(output, labels, same, settled("contrastive", options)) end
  return pairs_of.contrastive(output, labels, settled("contrastive", same))
end

--- losses.triplet(anchor, positive, negative [, { margin = 1 }]): the mean of max(0, d(anchor, positive) - d(anchor,
-- negative) + margin), d the Euclidean distance, as PyTorch's triplet margin loss. losses.triplet(output, labels [, {
-- margin = 1, mining = "all" }]): the mean over all triples of the batch whose first two have one label and the third
-- another; mining = "hard": of each item only that with the farthest of its label and the nearest other (Hermans,
-- Beyer & Leibe 2017). 0 where the batch holds no triple.
-- > anchor, positive, negative = tensor { { 0, 0 } }, tensor { { 0, 1 } }, tensor { { 3, 4 } }
-- > losses.triplet(anchor, positive, negative, { margin = 8 })   --> 4.0000005
function M.triplet(anchor, positive, negative, options)
  if core.is_tensor(negative) then
    return pairs_of.triplet(anchor, positive, negative, settled("triplet", options))
  end
  return pairs_of.triplet(anchor, positive, settled("triplet", negative))
end

-- ---- by name ---------------------------------------------------------------------------------------------------

local MISSING = { type = "boolean", doc = "whether NaN targets are values that were not measured, and add nothing" }
local EPSILON = { type = "number", default = 1e-8, above = 0, doc = "added to the rate inside the logarithm" }

local known = {
  cross_entropy = { labels = true, options = {
    label_smoothing = { type = "number", default = 0, min = 0, max = 1,
      doc = "how much of the target is spread over all classes (Szegedy et al. 2016)" },
    classes = { type = { "table", "tensor" }, doc = "a weight for each class" } } },
  mse = { options = { missing = MISSING } },
  l1 = { options = { missing = MISSING } },
  huber = { options = { missing = MISSING,
    delta = { type = "number", default = 1, above = 0, doc = "where the square becomes a straight line" } } },
  bce = { options = { missing = MISSING,
    positive = { type = { "number", "table", "tensor" }, default = 1,
      doc = "a factor on what targets of 1 cost, or one for each unit" } } },
  poisson = { options = { missing = MISSING, epsilon = EPSILON,
    log_input = { type = "boolean", default = false, doc = "the output is the logarithm of the rate" },
    full = { type = "boolean", default = false, doc = "add Stirling's approximation of log(count!)" } } },
  kl = { options = {} },
  hinge = { options = { missing = MISSING,
    margin = { type = "number", default = 1, min = 0, doc = "how far on its side an output should be" },
    power = { type = "integer", default = 1, min = 1, max = 2, doc = "2: the squares of what is missing" } } },
  cosine = { options = {} },
  correlation = { options = { missing = MISSING } },
  contrastive = { pairs = true, options = pairs_of.contrastive_options },
  triplet = { pairs = true, options = pairs_of.triplet_options },
}

--- The names of all losses, sorted.
M.names = {}
for name, entry in pairs(known) do
  M.names[#M.names + 1] = name
  direct[name] = {}
  for key, field in pairs(entry.options) do direct[name][key] = field end
  entry.options.weight = { type = "number", default = 1, min = 0, doc = "a factor on the loss" }
  schema.document("losses." .. name, entry.options)
end
table.sort(M.names)

local Loss = { __name = "loss" }
Loss.__index = Loss
Loss.__tostring = function(self) return "loss " .. self.name end

--- loss(output, target): its value, and over how many things the mean is (for joining batches).
Loss.__call = function(self, output, target)
  local value, count = self.f(output, target, self.o)
  if self.weight ~= 1 then value = ops.mul(value, self.weight) end
  return value, count or #output
end

local function spec_error(position, word, got)
  errors.raise("argument", position, "%s: loss is a %s, expected a name (%s), { \"cross_entropy\", "
    .. "label_smoothing = 0.1 } or a function(output, target)", word, got, table.concat(M.names, ", "))
end

-- The sum of several losses on the same output and target, each with its weight.
local function sum_of(spec, position, missing, word)
  local list, names, labels, paired = {}, {}, false, false
  for i, one in ipairs(spec) do
    list[i] = M.make(one, position, missing, word)
    names[i], labels, paired = list[i].name, labels or list[i].labels, paired or list[i].pairs
  end
  for key in pairs(spec) do
    if math.type(key) ~= "integer" then
      errors.raise("argument", position, "%s: loss is a list, which has no option '%s'; its entries have", word, key)
    end
  end
  local function total(output, target)
    local sum
    for _, loss in ipairs(list) do
      local value = loss(output, target)
      sum = sum and ops.add(sum, value) or value
    end
    return sum
  end
  return setmetatable({ name = table.concat(names, " + "), f = total, weight = 1, o = {}, labels = labels,
    pairs = paired }, Loss)
end

--- The loss object for what a script gives as one loss: a name, { name or function, options... }, a function or a
-- list of these, whose sum it is. It is called with (output, target); it has name, weight, labels (whether it needs
-- class labels) and pairs (whether labels only say which items belong together). missing: whether
-- NaN targets are missing values where the loss's own options do not say. Raises at `position`, in the name of
-- `word`.
function M.make(spec, position, missing, word)
  word = word or "train"
  if type(spec) == "table" and getmetatable(spec) == nil and (type(spec[1]) == "table" or #spec > 1) then
    return sum_of(spec, position, missing, word)
  end
  local name, options = spec, {}
  if type(spec) == "table" and getmetatable(spec) == nil then
    name = spec[1]
    for key, value in pairs(spec) do
      if key ~= 1 then options[key] = value end
    end
  end
  if type(name) == "function" then
    local o = schema.check("loss", options, { weight = known.mse.options.weight }, position)
    return setmetatable({ name = "loss", f = name, weight = o.weight, o = {} }, Loss)
  end
  if type(name) ~= "string" then spec_error(position, word, type(name)) end
  local entry = known[name]
  if not entry then
    errors.raise("argument", position, "%s: unknown loss '%s'%s", word, name, schema.nearest(name, M.names)
      and string.format(" (did you mean '%s'?)", schema.nearest(name, M.names))
      or string.format(" (there are %s, or give a function)", table.concat(M.names, ", ")))
  end
  local o = schema.check("loss " .. name, options, entry.options, position)
  if o.missing == nil and entry.options.missing then o.missing = missing or false end
  return setmetatable({ name = name, f = M[name], weight = o.weight, o = setmetatable(o, Checked),
    labels = entry.labels, pairs = entry.pairs }, Loss)
end

return M
