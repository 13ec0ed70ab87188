--- lamina.neural.maps: linear maps from features to responses besides ridge: least squares, partial least squares,
-- LASSO and elastic net, non-negative least squares, one feature for each neuroid, a place times features.
--
-- Each is fitted on centred training images; where several settings are given (components, penalties), one is chosen
-- inside the training images by the squared error on held-out parts of them, for each neuroid or for all. Of equal
-- errors the simpler map wins: fewer components, the larger penalty.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local fit = require "lamina.core.fit"
local fitted = require "lamina.neural.fitted"
local ops = require "lamina.core.ops"
local reduce = require "lamina.neural.reduce"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local UNIT = tensor.ones { 1, 1, dtype = "float64" }
local NONE = UNIT - 1

-- ---- what they share -------------------------------------------------------------------------------------------

-- A class of mappings. solve(self, x, y, source, rounding) fits centred x (n x p; rounding is design's) and y (n x
-- T), float64, and returns a function that gives the weights (p x T) of setting number i, and the most that a setting
-- can count to, where it is a number of something. self.settings is the list of what is chosen from.
local function class(word, solve, describe)
  local Map = { __name = word, is_mapping = true, solve = solve, word = word }
  Map.__index = Map
  Map.predict = fitted.not_fitted(word)
  Map.__tostring = function(self)
    local chosen = ""
    if #self.settings > 1 then
      chosen = string.format(", one of %d chosen per %s in %s inner folds", #self.settings,
        self.per == "all" and "layer" or "neuroid", self.inner)
    end
    local late = self.late > 0 and string.format(" (%d fits stopped before they had settled: raise iterations or "
      .. "tol)",
      self.late) or ""
    return describe(self) .. chosen .. (self.before and ", after " .. tostring(self.before) or "") .. late
  end
  return Map
end

local Base = {}

--- mapping:inner_folds(): into how many folds the training images are divided to choose by; 0: nothing is chosen.
function Base:inner_folds() return #self.settings > 1 and self.inner or 0 end

-- Training columns, centred and scaled as the map wants (0 where they vary by rounding alone): x, mean, scale, and,
-- where features are float32, the squared length of the rounding errors that each column came with (1 x p).
local function design(self, source, train)
  local x = fitted.columns(source.x, 1, source.p, train)
  local mean, std, varies = fitted.moments(x, source.x.dtype, 1)
  local scale = self.scale and 1 / ops.where(varies, std, UNIT) or nil
  x = x - mean
  if scale then x = x * scale end
  if not varies:all():item() then x = ops.where(varies, x, NONE) end
  if source.x.dtype ~= "float32" then return x, mean, scale end
  local rounding = (mean:square() + std:square()) * (#x * 2.0 ^ -48) -- half a unit in the last place each
  if scale then rounding = rounding * scale:square() end
  return x, mean, scale, ops.where(varies, rounding, NONE)
end

-- Weights of every target at its place among the settings: p x T.
local function gathered(weights, places)
  local by_place, order, parts = {}, {}, {}
  for t, place in ipairs(places) do
    by_place[place] = by_place[place] or {}
    table.insert(by_place[place], t)
  end
  for place, targets in pairs(by_place) do
    if #targets == #places then return weights(place) end
    parts[#parts + 1] = weights(place):index_select(common.index(targets), { dim = 2 })
    table.move(targets, 1, #targets, #order + 1, order)
  end
  local back = {}
  for at, t in ipairs(order) do back[t] = at end
  return ops.concat(parts, { dim = 2 }):index_select(common.index(back), { dim = 2 })
end

-- Squared errors of each setting (settings x T), summed over the inner folds.
local function inner_errors(self, source, y, inner)
  local sums
  for _, fold in ipairs(inner) do
    local train, test = common.index(fold.train), common.index(fold.test)
    local x, mean, scale, rounding = design(self, source, train)
    local centred, y_mean = fitted.centre(y, train)
    local weights = self:solve(x, centred, source, rounding)
    local held = fitted.columns(source.x, 1, source.p, test) - mean
    if scale then held = held * scale end
    local truth, rows = y:index_select(test, { dim = 1 }) - y_mean, {}
    for i = 1, #self.settings do rows[i] = (held:matmul(weights(i)) - truth):square():sum(1) end
    local part = ops.stack(rows, { dim = 1 })
    sums = sums and sums + part or part
  end
  return sums
end

-- The place among the settings for each target.
local function choose(self, source, y, inner)
  local targets, places = y:size(2), {}
  if #self.settings == 1 then
    for t = 1, targets do places[t] = 1 end
    return places
  end
  local sums = inner_errors(self, source, y, inner)
  if self.per ~= "all" then return sums:argmin { dim = 1 }:totable() end
  local spread = y:var { dim = 1, correction = 0 }
  local weight = ops.where(ops.gt(spread, 0), 1 / spread, spread)
  local place = (sums * weight):sum(2):argmin { dim = 1 }:item()
  for t = 1, targets do places[t] = place end
  return places
end

-- Weights in terms of the features as they are, intercept, and the setting that each target got: of what there was
-- less than asked for, as much as there was.
local function solve_all(self, source, y, rows, inner)
  local places = choose(self, source, y, inner)
  local train = common.index(rows)
  local x, mean, scale, rounding = design(self, source, train)
  local centred, y_mean = fitted.centre(y, train)
  local weights_of, most = self:solve(x, centred, source, rounding)
  local weights, chosen = gathered(weights_of, places), common.pick(self.settings, places)
  for t, setting in ipairs(most and chosen or {}) do chosen[t] = math.min(setting, most) end
  if scale then weights = weights * scale:t() end
  return weights, (y_mean - mean:matmul(weights)):reshape { -1 }, chosen, most
end

-- Notes on a source how many components its maps have, where they are fewer than the most asked for.
local function note_fewer(source, chosen, most, asked)
  if not most or most >= asked then return end
  local low, high = source.fewest or math.huge, source.most or 0
  for _, c in ipairs(chosen) do low, high = math.min(low, c), math.max(high, c) end
  source.fewest, source.most = low, high
end

--- mapping:held_out(source, y, fold, inner): predictions (test images x targets, float64) for one fold, and what was
-- chosen for each target. y is N x T, float64; inner is a list of folds of the training images.
-- > x, source = randn { 40, 3 }, require("lamina.neural.mapping").source
-- > y, half = x:matmul(tensor { { 1 }, { 2 }, { 3 } }):to "float64", arange(1, 20):totable()
-- > guess = ols({}):held_out(source(x, "x"), y, { train = half, test = { 30, 40 } }, {})
-- > guess:allclose(y[{ { 30, 40, 10 } }], { atol = 1e-4 })   --> true
function Base:held_out(source, y, fold, inner)
  local whole = source
  source = source:reduced(self.before, fold.train)
  local weights, intercept, chosen, most = solve_all(self, source, y, fold.train, inner)
  note_fewer(whole, chosen, most, self.settings[#self.settings])
  local held = fitted.columns(source.x, 1, source.p, common.index(fold.test))
  return held:matmul(weights) + intercept, chosen
end

--- mapping:fit(x, y, { folds =, seed = }): the map itself on all of x (n x p) and y (n x T or n): a fitted map m with
-- m.weights (p x T), m.intercept (T), m.chosen (the setting of each target), m.constant (targets that do
-- not vary: weights of 0) and m:predict(x).
-- > x = randn { 100, 3 }
-- > ols({}):fit(x, x:matmul(tensor { 1, 2, 3 })).weights:flatten():round()   --> [1. 2. 3.]
function Base:fit(x, y, given)
  local position = errors.position(2)
  local inner
  y, inner = fitted.check(self.word, self, x, y, given, position)
  local rows = common.count_up(#x)
  local whole = fitted.source(x, self.word .. ":fit: x", position)
  local source = whole:reduced(self.before, rows)
  local weights, intercept, chosen = solve_all(self, source, y, rows, inner)
  return fitted.fit({ word = self.word, weights = weights, intercept = intercept, before = whole.reduced_by,
    chosen = chosen }, y)
end

-- A mapping of a class from checked options.
local function make(Map, o, settings, position)
  for name, method in pairs(Base) do Map[name] = Map[name] or method end
  local made = { settings = settings, inner = o.inner or 5, per = o.per or "neuroid", late = 0, position = position,
    before = reduce.check(Map.word, o.before, position), scale = o.scale or o.standardise }
  for name, value in pairs(o) do
    if made[name] == nil then made[name] = value end
  end
  return setmetatable(made, Map)
end

local SHARED = {
  before = { type = "any", doc = "pca { 1000 } or random_projection { 5000 }, or a list of these, "
    .. "one after the other: what features are reduced by first" },
  inner = { type = "integer", default = 5, min = 2, doc = "folds of the training images that choose a setting" },
  per = { type = "string", default = "neuroid", choices = { "neuroid", "all" },
    doc = "whether a setting is chosen for each neuroid, or for all of them (errors in units of variance)" },
  standardise = { type = "boolean", default = false,
    doc = "whether features get variance 1 on the training images (divided by n - 1)" },
}

-- The fields of a word: some of the shared ones and its own.
local function fields(word, names, own)
  for name in names:gmatch "%S+" do own[name] = own[name] or SHARED[name] end
  return schema.document(word, own)
end

-- Numbers above 0 out of a number, list or tensor, the largest first.
local function falling(word, value, position)
  local list = type(value) == "number" and { value } or table.move(common.list(value), 1, #value, 1, {})
  if #list == 0 then errors.raise("argument", position, "%s: alphas is empty", word) end
  for _, alpha in ipairs(list) do
    if type(alpha) ~= "number" or not (alpha > 0 and alpha < math.huge) then
      errors.raise("argument", position, "%s: penalty %s, expected a number above 0", word, tostring(alpha))
    end
  end
  table.sort(list, function(a, b) return a > b end)
  return list
end

-- ---- least squares ---------------------------------------------------------------------------------------------

-- Directions in which x is no longer than its rounding are none: of a weight on them could come any prediction.
local Ols = class("ols", function(_, x, y, _, rounding)
  local u, s, vt = x:svd { method = "exact" }
  local least = s[{ { 1, 1 } }] * (math.max(#x, x:size(2)) * 2.0 ^ -52)
  if rounding then least = least:maximum(vt:square():matmul(rounding:t()):reshape { -1 }:sqrt()) end
  local inverse = ops.where(ops.gt(s, least), 1 / s, NONE):reshape { -1, 1 }
  local w = vt:t():matmul(u:t():matmul(y) * inverse)
  return function() return w end
end, function() return "ordinary least squares (of least norm where features outnumber images)" end)

Ols.rotates = true

local OLS = fields("ols", "before", {})

--- ols { before = }: ordinary least squares, by singular values: where features outnumber images or depend on each
-- other, the weights of least norm, as scikit-learn's LinearRegression. Where float32 features vary by their rounding
-- alone, they count as constant. By itself, m = ols {}:fit(x, y).
-- > x = randn { 60, 3 }
-- > m = ols({}):fit(x, x:matmul(tensor { 1, 2, 3 }) + 5)
-- > m.weights:flatten():round(), m.intercept:round()   --> [1. 2. 3.] [5.]
function M.ols(given, ...)
  local position = errors.position(2)
  schema.alone("ols", "ols { before = pca { 100 } }", position, ...)
  return make(Ols, schema.check("ols", given or {}, OLS, position), { 0 }, position)
end

-- ---- partial least squares -------------------------------------------------------------------------------------

local Pls = class("pls", function(self, x, y, _, rounding)
  local most = math.min(#x, x:size(2))
  local wanted = math.min(self.settings[#self.settings], most)
  local spread
  if self.scale then
    spread = y:std { dim = 1, keepdim = true }
    spread = ops.where(ops.gt(spread, 0), spread, UNIT)
    y = y / spread
  end
  local _, rotations, _, targets, found, late = fit.pls(x, y, wanted, self.tol, self.iterations,
    self.algorithm == "nipals", rounding)
  self.late = self.late + late
  return function(i)
    local c = math.min(self.settings[i], found)
    if c == 0 then return tensor.zeros { x:size(2), y:size(2), dtype = "float64" } end
    local w = rotations[{ { 1, c } }]:t():matmul(targets[{ { 1, c } }])
    return spread and w * spread or w
  end, found
end, function(self)
  return string.format("PLS%s, %s components%s", self.algorithm == "nipals" and " (NIPALS)" or "",
    table.concat(self.settings, ", "), self.scale and ", scaled" or "")
end)

Pls.rotates = true

local PLS = fields("pls", "before inner", {
  positional = { "components" },
  components = { type = { "integer", "table" }, default = 25, min = 1, doc = "how many; or a list, of which one is "
    .. "chosen. Where there are fewer features or images, as many as those" },
  scale = { type = "boolean", default = false, doc = "whether features and targets get variance 1 first (divided "
    .. "by n - 1)" },
  tol = { type = "number", default = 1e-6, above = 0, doc = "squared change of the weights that ends a component" },
  iterations = { type = "integer", default = 500, min = 1, doc = "the most steps for one component" },
  algorithm = { type = "string", default = "covariance", choices = { "covariance", "nipals" }, doc = "on the "
    .. "covariance of features and responses, or NIPALS as it is written down, slower: the same components" },
  per = { type = "string", default = "all", choices = { "neuroid", "all" }, doc = SHARED.per.doc },
})

--- pls { 25, scale = false, tol = 1e-6, iterations = 500, algorithm = "covariance" }: partial least squares of all
-- neuroids at once, with the components, starts and stops of scikit-learn's PLSRegression (Wold 1975; fast form:
-- Dayal & MacGregor 1997). pls { { 5, 10, 25 } } chooses the number inside the training images. Components end with
-- the rank of the features, of which float32's rounding is no part. By itself, m = pls {}:fit(x, y).
-- > x = randn { 60, 8 }
-- > y = x:matmul(randn { 8, 2 })
-- > m = pls({ 8 }):fit(x, y)
-- > m:predict(x):allclose(y, { atol = 1e-3 })   --> true
function M.pls(given, ...)
  local position = errors.position(2)
  schema.alone("pls", "pls { 25, scale = true }", position, ...)
  local o = schema.check("pls", given or {}, PLS, position)
  local list = type(o.components) == "table" and table.move(o.components, 1, #o.components, 1, {}) or { o.components }
  for _, c in ipairs(list) do
    if math.type(c) ~= "integer" or c < 1 then
      errors.raise("argument", position, "pls: components = %s, expected whole numbers above 0", tostring(c))
    end
  end
  if #list == 0 then errors.raise("argument", position, "pls: components is empty") end
  table.sort(list)
  return make(Pls, o, list, position)
end

-- ---- LASSO and elastic net -------------------------------------------------------------------------------------

-- Penalties of one fit: as given, or the settings as fractions of the least penalty that leaves no weight.
local function penalties_of(self, x, y)
  if not self.relative then return self.settings end
  local most = x:t():matmul(y):abs():max():item() / (#x * self.ratio)
  local list = {}
  for i, part in ipairs(self.settings) do list[i] = math.max(part * most, 1e-300) end
  return list
end

local function solve_elastic(self, x, y)
  local w, late = fit.elastic_net(x, y, penalties_of(self, x, y), self.ratio, self.tol, self.iterations,
    self.positive)
  self.late = self.late + late
  return function(i) return w[i] end
end

local function describe_elastic(self)
  local range = #self.settings == 1 and string.format("penalty %g", self.settings[1])
    or string.format("%d penalties from %g to %g", #self.settings, self.settings[#self.settings], self.settings[1])
  return string.format("%s, %s%s%s%s", self.word == "lasso" and "LASSO" or string.format("elastic net (L1 part %g)",
    self.ratio), range, self.relative and " of the least that leaves no weight" or "",
    self.positive and ", weights >= 0" or "", self.scale and ", features standardised" or "")
end

local Lasso = class("lasso", solve_elastic, describe_elastic)
local Elastic = class("elastic_net", solve_elastic, describe_elastic)

local function elastic_fields(word, own)
  own.positional = { "alphas" }
  own.alphas = { type = { "tensor", "table", "number" }, doc = "penalties, all > 0, in scikit-learn's units; if "
    .. "absent, 20 from 1 down to 0.001 of the least penalty that leaves every weight 0" }
  own.tol = { type = "number", default = 1e-9, above = 0, doc = "the duality gap, in units of y'y, that ends a fit" }
  own.iterations = { type = "integer", default = 10000, min = 1, doc = "the most sweeps over the features" }
  own.positive = { type = "boolean", default = false, doc = "whether weights are kept from going below 0" }
  return fields(word, "before inner per standardise", own)
end

local LASSO = elastic_fields("lasso", {})
local ELASTIC = elastic_fields("elastic_net", { ratio = { type = "number", default = 0.5, above = 0, max = 1,
  doc = "the part of the penalty that is L1" } })

local function elastic(Map, given, all, position)
  local o = schema.check(Map.word, given or {}, all, position)
  o.ratio = o.ratio or 1
  local relative = o.alphas == nil
  local list = falling(Map.word, o.alphas or tensor.logspace(0, -3, 20, { dtype = "float64" }), position)
  o.alphas = nil
  local made = make(Map, o, list, position)
  made.relative = relative
  return made
end

--- lasso { alphas, tol = 1e-9, iterations = 10000, positive = false, inner = 5, per = "neuroid", standardise = false
-- }: |y - x w|^2 / (2 n) + alpha |w|_1 (Tibshirani 1996), scikit-learn's Lasso, by coordinate descent; the intercept
-- is free. Of several penalties one is chosen inside the training images. By itself, m = lasso { 0.1 }:fit(x, y).
-- > x = randn { 60, 5 }
-- > m = lasso({ 0.1 }):fit(x, x:matmul(tensor { 2, 0, 0, 0, -1 }))
-- > m.weights:flatten():abs():gt(0.1)   --> [true false false false true]
function M.lasso(given, ...)
  local position = errors.position(2)
  schema.alone("lasso", "lasso { 0.1, inner = 5 }", position, ...)
  return elastic(Lasso, given, LASSO, position)
end

--- elastic_net { alphas, ratio = 0.5, ... }: |y - x w|^2 / (2 n) + alpha (ratio |w|_1 + (1 - ratio) |w|^2 / 2) (Zou &
-- Hastie 2005), scikit-learn's ElasticNet with l1_ratio = ratio; options as for lasso.
-- > x = randn { 60, 5 }
-- > m = elastic_net({ alphas = 0.1, ratio = 0.9 }):fit(x, x:matmul(tensor { 2, 0, 0, 0, -1 }))
-- > m.weights:flatten():abs():gt(0.1)   --> [true false false false true]
function M.elastic_net(given, ...)
  local position = errors.position(2)
  schema.alone("elastic_net", "elastic_net { 0.1, ratio = 0.5 }", position, ...)
  return elastic(Elastic, given, ELASTIC, position)
end

-- ---- weights that are not negative -----------------------------------------------------------------------------

local Nnls = class("nnls", function(self, x, y)
  local w, late = fit.nnls(x, y)
  self.late = self.late + late
  return function() return w end
end, function(self) return "non-negative least squares" .. (self.scale and ", features standardised" or "") end)

local NNLS = fields("nnls", "before standardise", {})

--- nnls { standardise = false }: least squares with weights of at least 0 and a free intercept (Lawson & Hanson
-- 1974). By itself, m = nnls {}:fit(x, y).
-- > x = randn { 60, 3 }
-- > m = nnls({}):fit(x, x:matmul(tensor { 2, -1, 1 }))
-- > m.weights:min():item(), m.weights:flatten():gt(0)   --> 0.0 [true false true]
function M.nnls(given, ...)
  local position = errors.position(2)
  schema.alone("nnls", "nnls { standardise = true }", position, ...)
  return make(Nnls, schema.check("nnls", given or {}, NNLS, position), { 0 }, position)
end

-- ---- one feature for each neuroid ------------------------------------------------------------------------------

local OneToOne = class("one_to_one", function(_, x, y)
  local spread = x:square():sum { dim = 1 }:reshape { -1, 1 }
  local safe = ops.where(ops.gt(spread, 0), spread, UNIT)
  local along = x:t():matmul(y)
  local best = (along:square() / safe):argmax { dim = 1, keepdim = true } -- the largest r^2, as y is the same
  local slope = (along / safe):gather(best, { dim = 1 })
  local w = tensor.zeros { x:size(2), y:size(2), dtype = "float64" }:scatter(best, slope, { dim = 1 })
  return function() return w end
end, function() return "one to one: the feature of largest |r| for each neuroid, and a line" end)

local ONE = fields("one_to_one", "before", {})

--- one_to_one {}: for each neuroid the single feature that correlates best with it over the training images (in
-- absolute value; of equal ones the first), and the least-squares line through it. By itself, m = one_to_one
-- {}:fit(x, y).
-- > x = tensor { { 0, 3 }, { 1, 1 }, { 2, 4 }, { 3, 1 } }
-- > m = one_to_one({}):fit(x, tensor { 1, 3, 5, 7 })
-- > m:predict(x):flatten()   --> [1. 3. 5. 7.]
function M.one_to_one(given, ...)
  local position = errors.position(2)
  schema.alone("one_to_one", "one_to_one { before = pca { 100 } }", position, ...)
  return make(OneToOne, schema.check("one_to_one", given or {}, ONE, position), { 0 }, position)
end

-- ---- a place times features ------------------------------------------------------------------------------------

local TARGETS = 16 -- how many neuroids are solved for side by side: it bounds memory, not numbers

-- (Z'Z + alpha I)^-1 Z'y for every target: z T x n x k, y T x n; T x k.
local function ridges(z, y, alpha)
  local k = z:size(3)
  local across = z:transpose(2, 3)
  local gram = across:matmul(z) + tensor.eye(k, { dtype = "float64" }) * alpha
  return gram:cholesky():cholesky_solve(across:matmul(y:unsqueeze(3))):squeeze(3)
end

-- x (n x C x S) for some targets, y n x T: weights (C S) x T.
local function place_times_features(self, x, y, alpha)
  local n, channels, places, targets = x:size(1), x:size(2), x:size(3), y:size(2)
  local by_place, by_channel = x:reshape { n * channels, places }, x:transpose(2, 3):contiguous()
    :reshape { n * places, channels }
  local across = y:t():contiguous()
  local space, feature = tensor.full({ targets, places }, 1 / math.sqrt(places), { dtype = "float64" }), nil
  for _ = 1, self.iterations do
    local seen = by_place:matmul(space:t()):reshape { n, channels, targets }:permute { 3, 1, 2 }:contiguous()
    feature = ridges(seen, across, alpha)
    local length = feature:square():sum { dim = 2, keepdim = true }:sqrt()
    feature = feature / ops.where(ops.gt(length, 0), length, tensor.ones { 1, 1, dtype = "float64" })
    local preferred = by_channel:matmul(feature:t()):reshape { n, places, targets }:permute { 3, 1, 2 }:contiguous()
    space = ridges(preferred, across, alpha)
    length = space:square():sum { dim = 2, keepdim = true }:sqrt()
    local safe = ops.where(ops.gt(length, 0), length, tensor.ones { 1, 1, dtype = "float64" })
    space, feature = space / safe, feature * length
  end
  return (feature:unsqueeze(3) * space:unsqueeze(2)):reshape { targets, channels * places }:t()
end

local SpaceFeature = class("space_feature", function(self, x, y, source)
  local shape = source.shape
  if #shape ~= 3 then
    errors.raise("shape", self.position, "space_feature: %s has %s, expected channels x height x width (a layer "
      .. "of maps; "
      .. "features that are flat have no places)", source.what, #shape == 1 and common.plural(shape[1], "feature")
      or table.concat(shape, "x"))
  end
  local maps = x:reshape { #x, shape[1], shape[2] * shape[3] }
  return function(i)
    local parts = {}
    for first = 1, y:size(2), TARGETS do
      local last = math.min(first + TARGETS - 1, y:size(2))
      parts[#parts + 1] = place_times_features(self, maps, y[{ {}, { first, last } }], self.settings[i])
    end
    return #parts == 1 and parts[1] or ops.concat(parts, { dim = 2 })
  end
end, function(self)
  return string.format("space x feature, %s, %d rounds", #self.settings == 1 and string.format("penalty %g",
    self.settings[1]) or string.format("%d penalties from %g to %g", #self.settings, self.settings[#self.settings],
    self.settings[1]), self.iterations)
end)

local SPACE = fields("space_feature", "inner per", {
  positional = { "alphas" },
  alphas = { type = { "tensor", "table", "number" }, doc = "penalties, all > 0; logspace(-1, 5, 7) if absent" },
  iterations = { type = "integer", default = 10, min = 1, doc = "rounds of solving for features, then for space" },
})

--- space_feature { alphas, iterations = 10, inner = 5, per = "neuroid" }: for layers of maps (channels x height x
-- width), a neuroid's weights are a place times a preference, w[c, h, w] = feature[c] space[h, w] (Klindt, Ecker,
-- Euler & Bethge 2017): C + H W numbers instead of C H W. Solved in turns, from a mean over all places: features by
-- ridge regression for a given space of length 1, then space for given features of length 1, with the same penalty.
-- > space_feature { alphas = 10, iterations = 5 }   --> space x feature, penalty 10, 5 rounds
function M.space_feature(given, ...)
  local position = errors.position(2)
  schema.alone("space_feature", "space_feature { alphas = 10, iterations = 5 }", position, ...)
  local o = schema.check("space_feature", given or {}, SPACE, position)
  local list = falling("space_feature", o.alphas or tensor.logspace(-1, 5, 7, { dtype = "float64" }), position)
  o.alphas = nil
  return make(SpaceFeature, o, list, position)
end

return M
