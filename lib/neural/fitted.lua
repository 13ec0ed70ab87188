--- lamina.neural.fitted: what the mappings share: training columns, their means, and fitted maps with weights.
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local splits = require "lamina.neural.splits"
local tensor = require "lamina.core.tensor"

local M = {}

local Source = { __name = "features" }
Source.__index = Source

-- Whose features are not finite: " of s002, s007", by the names of the rows of x; "" where these are not known.
local function bad_rows(x, names)
  if not names or #names ~= #x then return "" end
  local bad = {}
  for _, i in ipairs(ops.any(x:isfinite():logical_not(), { dim = 2 }):nonzero():reshape { -1 }:totable()) do
    bad[#bad + 1] = names[i]
  end
  return ", those of stimulus " .. common.some(bad)
end

--- Features that maps are fitted on: x is N x p (or N x ..., whose shape maps of places use), a floating type. `what`
-- names it in messages; shape (optional) is that of one image's features where x is flat, names (optional) are ids of
-- the images, for messages.
function M.source(x, what, position, shape, names)
  shape = shape or table.move(x.shape, 2, x.ndim, 1, {})
  if x:count() == 0 then
    errors.raise("shape", position, "%s is %s: it holds no features", what, table.concat(x.shape, "x"))
  end
  if x.ndim ~= 2 then x = x:reshape { #x, -1 } end
  local holes = common.holes(x)
  if holes > 0 then
    errors.raise("numeric", position, "%s holds NaN or infinite features (%d of %d%s)", what, holes, x:count(),
      bad_rows(x, names))
  end
  return setmetatable({ x = x, n = #x, p = x:size(2), close = x.close, what = what, shape = shape }, Source)
end

-- Whether a mapping gives the same where the features are rotated, so that their Gram matrix is enough.
local function rotates(mapping)
  local before = mapping.before
  return mapping.rotates and not (mapping.standardise or mapping.scale)
    and (before == nil or getmetatable(before).__name == "pca" and not before.on)
end

--- The features of a layer as features.collect gives it, for a mapping: those of neural.gram are products of images,
-- which only some mappings can do with.
function M.layer_source(layer, mapping, what, position, names)
  if not layer.kernel then return M.source(layer.x, what, position, layer.shape, names) end
  if not rotates(mapping) then
    errors.raise("argument", position, "%s: %s needs the features themselves, not their products (neural.gram is for "
      .. "ridge, ols and pls, without standardised features, also after pca)", what, tostring(mapping))
  end
  if mapping.kernels and not mapping.before then
    return setmetatable({ k = layer.kernel, n = #layer.kernel, p = math.huge, close = layer.kernel.close, what = what,
      shape = layer.shape }, Source)
  end
  return M.source(layer.x, what, position)
end

--- How often a mapping reads a layer of p features for these folds: once where the products of images are enough.
function M.passes(layer, mapping, folds)
  local fits = 0
  for _, fold in ipairs(folds) do fits = fits + 1 + #fold.inner end
  if layer.kernel then return 1 end
  if mapping.kernels and rotates(mapping) and not mapping.before
    and layer.features > #folds[1].train then return 1 end
  return fits
end

--- The methods of sources, for mappings that keep more about them.
M.Source = Source

-- source:reduced(before, train): the source as `before` (pca, random_projection; nil: nothing) leaves it, fitted on
-- the training images alone. Kept for the same training images.
function Source:reduced(before, train)
  if not before then return self end
  if self.reducing ~= before or self.reduced_on ~= train then
    local map = before:fit(self.x:index_select(common.index(train), { dim = 1 }))
    self.reducing, self.reduced_by, self.reduced_on = before, map, train
    self.less = M.source(map:transform(self.x), self.what)
  end
  return self.less
end

--- Columns first ... last of x as float64, of those rows. What was looked at of a mapped file leaves memory again.
function M.columns(x, first, last, rows)
  local part = (first > 1 or last < x:size(2)) and x[{ {}, { first, last } }] or x
  if rows then part = part:index_select(rows, { dim = 1 }) end
  part = part:to "float64"
  core_io.forget(x)
  return part
end

--- Mean and standard deviation of training columns, and which of them vary (1 x p, boolean). correction: as for std.
-- dtype: that of the features before they were columns. A column does not vary where its standard deviation is within
-- the rounding of such features: the unit of a dead layer, say, whose inputs reach it through other sums.
function M.moments(part, dtype, correction)
  local mean = part:mean { dim = 1, keepdim = true }
  local std = part:std { dim = 1, keepdim = true, correction = correction }
  return mean, std, ops.gt(std, mean:abs() * (dtype == "float32" and 2.0 ^ -22 or #part * 2.0 ^ -52))
end

--- Mean and (where asked for) 1 / standard deviation of training columns, 1 for those that do not vary.
function M.standard(part, dtype, standardise)
  if not standardise then return part:mean { dim = 1, keepdim = true } end
  local mean, std, varies = M.moments(part, dtype, 0)
  return mean, 1 / ops.where(varies, std, tensor.ones { 1, 1, dtype = "float64" })
end

--- The rows `train` (int64) of y less their mean, and the mean.
function M.centre(y, train)
  local part = y:index_select(train, { dim = 1 })
  local mean = part:mean { dim = 1, keepdim = true }
  return part - mean, mean
end

-- ---- fitted maps -----------------------------------------------------------------------------------------------

local Fit = { __name = "fitted map" }
Fit.__index = object.index("a fitted map", Fit, "alphas components chosen shape")
Fit.__tostring = function(self)
  local text = string.format("fitted %s: %s, %s", self.word, common.plural(#self.weights, "feature"),
    common.plural(#self.intercept, "target"))
  if #self.constant == 0 then return text end
  return string.format("%s; %d of them do%s not vary, and %s mean alone: %s", text, #self.constant,
    #self.constant == 1 and "es" or "", #self.constant == 1 and "is predicted by its" or "are predicted by their",
    common.some(self.constant:totable()))
end

-- The targets whose weights mean nothing, because they do not vary: int64.
local function constant_targets(y)
  local list = {}
  for t, same in ipairs(ops.eq(y:max { dim = 1 }, y:min { dim = 1 }):totable()) do
    if same then list[#list + 1] = t end
  end
  return tensor.tensor(list, { dtype = "int64" })
end

--- A fitted map from its parts: word, weights (p x T), intercept (T) and what was chosen. y: the targets (n x T) that
-- it was fitted on; those that do not vary stand in m.constant (int64), have weights of 0, and print names them.
function M.fit(parts, y)
  parts.constant = constant_targets(y)
  if #parts.constant > 0 then -- rounding of means leaves no weights
    local varies = ops.ne(y:max { dim = 1 }, y:min { dim = 1 })
    parts.weights = ops.where(varies, parts.weights, tensor.zeros { 1, dtype = "float64" })
    parts.intercept = ops.where(varies, parts.intercept, y[1])
  end
  return setmetatable(parts, Fit)
end

--- m:predict(x): what a fitted map gives for x (n x p, or n x ... with p numbers a row): n x T, float64.
function Fit:predict(x)
  if self.before then
    if not tensor.is_tensor(x) or x.ndim < 2 then
      errors.raise("argument", 2, "predict: x is a %s, expected a tensor n x p", type(x))
    end
    x = self.before:transform(x:reshape { #x, -1 })
  end
  local p = #self.weights
  if not tensor.is_tensor(x) or x.ndim < 2 or x:count() ~= #x * p then
    errors.raise("shape", 2, "predict: x is a %s, expected a tensor with %s in each row",
      tensor.is_tensor(x) and "tensor " .. table.concat(x.shape, "x") or type(x), common.plural(p, "feature"))
  end
  return x:reshape { #x, p }:to "float64":matmul(self.weights) + self.intercept
end

local FIT = {
  folds = { type = "integer", min = 2, doc = "folds that choose what is chosen; the mapping's if absent" },
  seed = { type = "integer", doc = "of the folds; the experiment's if absent" } }
for _, word in ipairs { "ridge", "ols", "pls", "lasso", "elastic_net", "nnls", "one_to_one", "space_feature" } do
  schema.document(word .. ":fit", FIT)
end

--- x and y of WORD:fit(x, y, { folds =, seed = }), checked: y as n x T float64, and the folds that choose (an empty
-- list where nothing is chosen). Raises at `position`.
function M.check(word, mapping, x, y, given, position)
  for name, t in pairs { x = { x, 2, "n x p" }, y = { y, 1, "n x T, or n" } } do
    local is = tensor.is_tensor(t[1])
    if not is or t[1].ndim < t[2] then
      errors.raise(is and "shape" or "argument", position, "%s:fit: %s is a %s, expected a tensor (%s)%s", word,
        name, is and "tensor with one axis" or type(t[1]), t[3],
        type(t[1]) == "table" and "; tensor(list) makes one" or "")
    end
  end
  local o = schema.check(word .. ":fit", given or {}, FIT, position)
  if y.ndim == 1 then y = y:reshape { #y, 1 } end
  if #x ~= #y then errors.raise("shape", position, "%s:fit: x has %d rows and y has %d", word, #x, #y) end
  y = y:to "float64"
  if not y:isfinite():all():item() then
    errors.raise("numeric", position, "%s:fit: y holds NaN or infinite values (%d of %d); leave those rows out, "
      .. "or fit "
      .. "each target on the rows it has", word, y:isfinite():logical_not():to "int64":sum():item(), y:count())
  end
  local own = mapping:inner_folds()
  local inner = own > 0 and splits.kfold { o.folds or math.max(2, own), seed = o.seed }:folds(#x) or {}
  return y, inner
end

--- The error of predicting with what is not fitted yet.
function M.not_fitted(word)
  return function()
    errors.raise("state", 2, "%s: nothing is fitted yet; m = %s {}:fit(x, y) gives a map, and m:predict(x2) its "
      .. "predictions", word, word)
  end
end

return M
