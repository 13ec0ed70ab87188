--- Metrics: numbers that say how good outputs are, for loops of one's own; evaluate gives them for a data set.
--
--   local m = metrics.confusion(net(x), labels)          -- classes x classes, int64: true class by given class
--   print(m:per_class())                                 -- recall, precision, F1 and items of each class
--   metrics.top(net(x), labels, 5)                       -- the share of items whose label is among the 5 largest
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"

local M = {}

local function check_labels(word, outputs, labels)
  if not core.is_tensor(outputs) or not core.is_tensor(labels) or labels.dtype ~= "int64" or labels.ndim ~= 1 then
    errors.raise("argument", 3, "%s: expected outputs (items x classes, or the given classes as int64) and labels "
      .. "(int64, from 1)", word)
  end
  if #outputs ~= #labels then
    errors.raise("shape", 3, "%s: there are %d outputs and %d labels", word, #outputs, #labels)
  end
end

-- ---- top k -----------------------------------------------------------------------------------------------------

--- How many rows of `output` have the label among their k largest values (of equal ones, the first count as larger).
function M.count_top(output, labels, k)
  local column = ops.unsqueeze(labels, { dim = 2 })
  local own = ops.gather(output, column, { dim = 2 })
  local place = ops.unsqueeze(core.arange(1, output:size(2)), { dim = 1 })
  local ahead = ops.logical_or(ops.gt(output, own), ops.logical_and(ops.eq(output, own), ops.lt(place, column)))
  return ops.sum(ops.cast(ops.lt(ops.sum(ahead, 2), k), "int64")):item()
end

--- metrics.top(outputs, labels [, k]): the share of items whose label is among the k (1 if absent) largest outputs.
-- > scores = tensor { { 3, 2, 1 }, { 1, 2, 3 } }
-- > metrics.top(scores, tensor({ 2, 1 }, { dtype = "int64" }), 2)   --> 0.5
function M.top(outputs, labels, k)
  check_labels("metrics.top", outputs, labels)
  k = k or 1
  if outputs.ndim ~= 2 then
    errors.raise("shape", 2, "metrics.top: outputs have %d axes, expected items x classes", outputs.ndim)
  end
  if math.type(k) ~= "integer" or k < 1 or k > outputs:size(2) then
    errors.raise("argument", 2, "metrics.top: k is %s, expected a whole number from 1 to %d", tostring(k),
      outputs:size(2))
  end
  return core.no_grad(M.count_top, outputs, labels, k) / #labels
end

-- ---- confusion -------------------------------------------------------------------------------------------------

local Confusion = { __name = "confusion" }
Confusion.__index = object.index("a confusion matrix", Confusion, "names")

local PerClass = { __name = "per class" }
PerClass.__index = PerClass

--- A confusion matrix of so many classes, empty. counts is the tensor of classes x classes.
function M.new(classes)
  return setmetatable({ classes = classes, counts = core.zeros({ classes, classes }, { dtype = "int64" }), n = 0 },
    Confusion)
end

--- confusion:add(outputs, labels): counts further items. Returns the matrix.
-- > table1 = metrics.confusion(tensor { { 2, 1 }, { 0, 3 } }, tensor({ 1, 2 }, { dtype = "int64" }))
-- > table1:add(tensor { { 5, 4 } }, tensor({ 2 }, { dtype = "int64" })).counts   --> [[1 0] [1 1]]
function Confusion:add(outputs, labels)
  check_labels("confusion:add", outputs, labels)
  local c = self.classes
  local guess = outputs.ndim == 2 and ops.argmax(outputs:detach(), { dim = 2 }) or outputs
  for what, t in pairs { label = labels, ["given class"] = guess } do
    if #t > 0 and (t:min():item() < 1 or t:max():item() > c) then
      errors.raise("argument", 2, "confusion:add: there is a %s of %d, expected from 1 to %d", what,
        t:min():item() < 1 and t:min():item() or t:max():item(), c)
    end
  end
  local cell = ops.add(ops.mul(ops.sub(labels, 1), c), guess)
  self.counts = ops.add(self.counts, ops.reshape(ops.bincount(cell, nil, { least = c * c }), { c, c }))
  self.n = self.n + #labels
  return self
end

--- metrics.confusion(outputs, labels [, classes]): the confusion matrix: how many items of each class (rows) were
-- given each class (columns). outputs: items x classes, whose largest value is the class given, or the classes
-- themselves (int64); then `classes` says how many there are. :add(outputs, labels) counts more; :accuracy(),
-- :balanced(), :kappa(), :per_class(); counts is the tensor.
-- > scores, labels = tensor { { 2, 1 }, { 0, 3 }, { 5, 4 } }, tensor({ 1, 2, 2 }, { dtype = "int64" })
-- > metrics.confusion(scores, labels).counts   --> [[1 0] [1 1]]
function M.confusion(outputs, labels, classes)
  check_labels("metrics.confusion", outputs, labels)
  classes = classes or outputs.ndim == 2 and outputs:size(2)
    or #labels > 0 and math.max(outputs:max():item(), labels:max():item())
  if not classes then errors.raise("argument", 2, "metrics.confusion: there are no items; say how many classes") end
  return M.new(classes):add(outputs, labels)
end

local function sums(self)
  local counts = self.counts:totable()
  local right, given, own = {}, {}, {}
  for i = 1, self.classes do
    right[i], given[i], own[i] = counts[i][i], 0, 0
    for k = 1, self.classes do
      own[i], given[i] = own[i] + counts[i][k], given[i] + counts[k][i]
    end
  end
  return right, given, own
end

--- confusion:accuracy(): the share of items that were given their class.
-- > guess, labels = tensor({ 1, 2, 1, 1 }, { dtype = "int64" }), tensor({ 1, 2, 2, 1 }, { dtype = "int64" })
-- > metrics.confusion(guess, labels, 2):accuracy()   --> 0.75
function Confusion:accuracy()
  local right, n = sums(self), 0
  for _, count in ipairs(right) do n = n + count end
  return n / self.n
end

--- confusion:balanced(): the mean recall over the classes that have items.
-- > guess, labels = tensor({ 1, 2, 1, 1 }, { dtype = "int64" }), tensor({ 1, 2, 1, 2 }, { dtype = "int64" })
-- > metrics.confusion(guess, labels, 3):balanced()   --> 0.75
function Confusion:balanced()
  local right, _, own = sums(self)
  local sum, n = 0, 0
  for i, count in ipairs(right) do
    if own[i] > 0 then sum, n = sum + count / own[i], n + 1 end
  end
  return sum / n
end

--- confusion:kappa(): how far agreement exceeds that of chance, 1 where all agree (Cohen 1960).
-- > guess, labels = tensor({ 1, 2, 1, 1 }, { dtype = "int64" }), tensor({ 1, 2, 2, 1 }, { dtype = "int64" })
-- > metrics.confusion(guess, labels, 2):kappa()   --> 0.5
function Confusion:kappa()
  local _, given, own = sums(self)
  local chance = 0
  for i = 1, self.classes do chance = chance + given[i] / self.n * own[i] / self.n end
  return (self:accuracy() - chance) / (1 - chance)
end

--- confusion:per_class(): lists with an entry for each class: recall (the share of its items that were given it),
-- precision (the share of what was given it that is of it), f1 (their harmonic mean), items. NaN where there is
-- nothing to divide by.
-- > guess, labels = tensor({ 1, 2, 1, 1 }, { dtype = "int64" }), tensor({ 1, 2, 2, 1 }, { dtype = "int64" })
-- > metrics.confusion(guess, labels, 2):per_class().recall   --> { 1.0, 0.5 }
function Confusion:per_class()
  local right, given, own = sums(self)
  local list = setmetatable({ recall = {}, precision = {}, f1 = {}, items = own }, PerClass)
  for i = 1, self.classes do
    list.recall[i], list.precision[i] = right[i] / own[i], right[i] / given[i]
    list.f1[i] = 2 * right[i] / (own[i] + given[i])
  end
  return list
end

Confusion.__tostring = function(self)
  local lines, width = {}, #tostring(self.n)
  for i, row in ipairs(self.counts:totable()) do
    local cells = {}
    for k, count in ipairs(row) do cells[k] = string.format("%" .. width .. "d", count) end
    lines[i] = string.format("%3d  %s", i, table.concat(cells, " "))
  end
  return string.format("%d items of %d classes: true class by given class\n%s", self.n, self.classes,
    table.concat(lines, "\n"))
end

PerClass.__tostring = function(self)
  local lines = { "class  items  recall  precision     F1" }
  for i, items in ipairs(self.items) do
    lines[i + 1] = string.format("%5d %6d %7.3f %10.3f %6.3f", i, items, self.recall[i], self.precision[i],
      self.f1[i])
  end
  return table.concat(lines, "\n")
end

-- ---- numbers ---------------------------------------------------------------------------------------------------

--- metrics.r2(outputs, targets): for each unit 1 - sum of squared errors / sum of squares about the targets' mean,
-- and the mean over units; as a list and a number. NaN for a unit whose targets do not vary.
-- > r2, mean = metrics.r2(tensor { { 1 }, { 2 }, { 3 } }, tensor { { 1 }, { 2 }, { 4 } })
-- > mean   --> 0.7857142857142857
function M.r2(outputs, targets)
  if not core.is_tensor(outputs) or not core.is_tensor(targets) or outputs:count() ~= targets:count()
    or #outputs ~= #targets then
    errors.raise("argument", 2, "metrics.r2: expected outputs and targets of one shape, items x units")
  end
  return core.no_grad(function()
    local n = #outputs
    local y, t = outputs:detach():reshape({ n, -1 }):to "float64", targets:reshape({ n, -1 }):to "float64"
    local left = ops.sum(ops.square(ops.sub(y, t)), 1)
    local all = ops.sum(ops.square(ops.sub(t, ops.mean(t, 1, { keepdim = true }))), 1)
    local each = ops.sub(1, ops.div(left, all))
    return each:totable(), ops.mean(each):item()
  end)
end

return M
