--- lamina.neural.mapping: from features to responses: ridge regression over a path of penalties, exact.
--
-- For centred features X (n x p) and responses Y the weights minimise |Y - X W|^2 + alpha |W|^2: alpha is in the
-- units of a sum of squares, as in scikit-learn's Ridge, and the intercept is not penalised. The smaller of the two
-- Gram matrices, X'X (p x p) or XX' (n x n), is written once as Q T Q' with T tridiagonal, by Householder
-- reflections; each penalty is then one tridiagonal solve, so thirty cost little more than one. The penalty is chosen
-- inside the training images, by the squared error on held-out parts of them; of equal errors the larger penalty
-- wins. Where images are many, X'X is formed once for each part, and a fold's is the sum of the others'.
-- Hoerl & Kennard 1970; Saunders, Gammerman & Vovk 1998 (dual form).
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local fitted = require "lamina.neural.fitted"
local linalg = require "lamina.core.linalg"
local merged = require "lamina.merged"
local ops = require "lamina.core.ops"
local reduce = require "lamina.neural.reduce"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local CHUNK = 4096 -- features at a time when a kernel is summed: part of the numerics

-- ---- features --------------------------------------------------------------------------------------------------

local Source, columns, standard, centre = fitted.Source, fitted.columns, fitted.standard, fitted.centre

M.source = fitted.source
M.layer_source = fitted.layer_source
M.passes = fitted.passes

-- Sums a b' over column chunks, for rows a (and b) of x after `change`.
local function kernel_of(x, change, a_rows, b_rows)
  local sum
  for first = 1, x:size(2), CHUNK do
    local last = math.min(first + CHUNK - 1, x:size(2))
    local a = change(columns(x, first, last, a_rows), first, last)
    local b = b_rows and change(columns(x, first, last, b_rows), first, last) or a
    local part = a:matmul(b:t())
    sum = sum and sum + part or part
  end
  return sum
end

-- The N x N kernel of all images, once. Taking the mean over all images away first changes nothing after the training
-- mean has been taken away as well; it only keeps large means from eating digits.
function Source:kernel()
  if not self.k then
    self.k = kernel_of(self.x, function(part) return part - part:mean { dim = 1, keepdim = true } end)
  end
  return self.k
end

-- Centred kernels of training images, and of test against training images.
local function centred_kernels(self, train, test)
  local rows = self:kernel():index_select(train, { dim = 1 })
  local among = rows:index_select(train, { dim = 2 })
  local cross = rows:index_select(test, { dim = 2 }):t()
  local by_image = among:mean { dim = 1, keepdim = true }
  local overall = by_image:mean { dim = 2, keepdim = true }
  return among - by_image - by_image:t() + overall,
    cross - cross:mean { dim = 2, keepdim = true } - by_image + overall
end

-- The same with features standardised on the training images.
local function standard_kernels(self, train, test)
  local function change(part, first, last)
    local mean, scale = standard(columns(self.x, first, last, train), self.x.dtype, true)
    return (part - mean) * scale
  end
  return kernel_of(self.x, change, train), kernel_of(self.x, change, test, train)
end

-- The tridiagonal form of a Gram matrix, which it takes: T's d and f; turn(b) and back(b) are Q' b and Q b. Q itself
-- is formed where it is asked for, and where more rows are turned than it has: a question of shape.
local function tridiagonal(gram)
  local n = #gram
  local v, t, d, f = linalg.tridiagonal(gram)
  gram:release()
  local form = { d = d, f = f }
  function form.q()
    form.whole = form.whole or linalg.reflect(v, t)
    return form.whole
  end
  function form.turn(b) return linalg.reflect(v, t, b, true) end
  function form.back(b) return linalg.reflect(v, t, b) end
  function form.rows(rows) -- times Q
    if form.whole or #rows > n then return rows:matmul(form.q()) end
    return form.turn(rows:t()):t()
  end
  return form
end

local function dual_system(self, train, test, standardise)
  local kernels = standardise and standard_kernels or centred_kernels
  local among, cross = kernels(self, train, test)
  local form = tridiagonal(among)
  return { form = form, dual = true, right = form.turn, project = function() return form.rows(cross) end }
end

local function primal_system(self, train, test, standardise)
  local x = columns(self.x, 1, self.p, train)
  local mean, scale = standard(x, self.x.dtype, standardise)
  x = x - mean
  if scale then x = x * scale end
  local form = tridiagonal(x:t():matmul(x))
  local function project()
    if rawequal(test, train) then return form.rows(x) end
    local held = columns(self.x, 1, self.p, test) - mean
    return form.rows(scale and held * scale or held)
  end
  return { form = form, mean = mean, scale = scale, project = project,
    right = function(y) return form.turn(x:t():matmul(y)) end }
end

--- What predictions for `test` images from `train` images (int64 positions) need, for any responses and penalty:
-- prediction = project() (T + alpha I)^-1 right(y), y centred, with form, T's d and f among it, and, unless it is
-- dual, mean and scale of the features. Which Gram matrix is a question of shape alone.
function Source:system(train, test, standardise)
  return (self.p <= #train and primal_system or dual_system)(self, train, test, standardise)
end

-- ---- parts -----------------------------------------------------------------------------------------------------

-- Whether the inner folds test every training image once and train on the others, and a matrix for each of them takes
-- no more memory than two copies of the features.
local function is_parted(source, inner, train)
  if #inner < 2 or source.p * #inner > 2 * #train then return false end
  local part, count = {}, 0
  for f, fold in ipairs(inner) do
    for _, i in ipairs(fold.test) do
      if part[i] then return false end
      part[i], count = f, count + 1
    end
  end
  if count ~= #train then return false end
  for _, i in ipairs(train) do
    if not part[i] then return false end
  end
  for f, fold in ipairs(inner) do
    if #fold.train ~= count - #fold.test then return false end
    local met = {}
    for _, i in ipairs(fold.train) do
      if not part[i] or part[i] == f or met[i] then return false end
      met[i] = true
    end
  end
  return true
end

local Parts = {}
Parts.__index = Parts

-- What the inner folds and all training images have in common: each part's products with itself and with the
-- responses, and its sums, of features less their mean over all training images. A fold's are those of the other
-- parts together, less what its own mean explains: Z'Z - s s' / n.
local function parts_of(source, y, inner, train)
  local x, p, sum = source.x, source.p, nil
  local _, y_mean = centre(y, train)
  local self = setmetatable({ source = source, rows = {}, sums = {}, products = {}, responses = {}, counts = {} },
    Parts)
  for f, fold in ipairs(inner) do
    self.rows[f], self.counts[f] = common.index(fold.test), #fold.test
    local part = columns(x, 1, p, self.rows[f]):sum { dim = 1, keepdim = true }
    sum = sum and sum + part or part
  end
  self.mean = sum / #train
  local grams = {}
  for f, rows in ipairs(self.rows) do
    local z, of_y = columns(x, 1, p, rows) - self.mean, y:index_select(rows, { dim = 1 }) - y_mean
    local zt = z:t()
    grams[f] = zt:matmul(z):reshape { 1, p * p }
    self.products[f], self.sums[f] = zt:matmul(of_y), z:sum { dim = 1, keepdim = true }
    self.responses[f] = of_y:sum { dim = 1, keepdim = true }
  end
  self.grams = ops.concat(grams, { dim = 1 })
  for _, gram in ipairs(grams) do gram:release() end
  return self
end

-- The sum over parts but for `left` (may be nil).
local function sum_without(list, left)
  local sum
  for f, part in ipairs(list) do
    if f ~= left then sum = sum and sum + part or part end
  end
  return sum
end

-- The system (as Source:system gives it) of all parts but for `left` (nil: of all), tested on `test`.
function Parts:system(left, test)
  local source, p, n, taken = self.source, self.source.p, 0, {}
  for f, count in ipairs(self.counts) do
    taken[f] = f == left and 0 or 1
    n = n + taken[f] * count
  end
  local sums, of_y = sum_without(self.sums, left), sum_without(self.responses, left)
  local own = sums:t():matmul(sums / n)
  local all = tensor.tensor({ taken }, { dtype = "float64" }):matmul(self.grams):reshape { p, p }
  local form = tridiagonal(all - own)
  own:release()
  all:release()
  local mean = self.mean + sums / n
  return { form = form, mean = mean,
    right = function() return form.turn(sum_without(self.products, left) - sums:t():matmul(of_y / n)) end,
    project = function() return form.rows(columns(source.x, 1, p, test) - mean) end }
end

-- ---- ridge -----------------------------------------------------------------------------------------------------

local Ridge = { __name = "ridge", is_mapping = true, rotates = true, kernels = true }
Ridge.__index = Ridge

local WAYS = { loo = "by leaving one training image out", gcv = "by generalised cross-validation" }

Ridge.__tostring = function(self)
  if #self.alphas == 1 then
    return string.format("ridge, penalty %g%s", self.alphas[1], self.before and ", after " .. tostring(self.before)
      or "")
  end
  return string.format("ridge, %d penalties from %g to %g, chosen per %s %s%s%s", #self.alphas,
    self.alphas[#self.alphas], self.alphas[1], self.per == "all" and "layer" or "neuroid",
    WAYS[self.choose] or string.format("in %s inner folds", self.inner),
    self.standardise and ", features standardised" or "", self.before and ", after " .. tostring(self.before) or "")
end

local RIDGE = {
  positional = { "alphas" },
  alphas = { type = { "tensor", "table", "number" }, doc = "penalties, all > 0; logspace(-2, 7, 30) if absent" },
  inner = { type = "integer", default = 5, min = 2, doc = "folds of the training images that choose the penalty" },
  standardise = { type = "boolean", default = false,
    doc = "whether features get mean 0 and variance 1 on the training images; else mean 0 only" },
  per = { type = "string", default = "neuroid", choices = { "neuroid", "all" },
    doc = "a penalty for each neuroid, or one for all of them (the sum of their errors in units of variance)" },
  choose = { type = "string", default = "folds", choices = { "folds", "loo", "gcv" }, doc = "by what the penalty is "
    .. "chosen: errors on inner folds, on each training image left out (in closed form, the intercept fitted "
    .. "anew), or "
    .. "generalised cross-validation (Golub, Heath & Wahba 1979)" },
  before = { type = "any", doc = "pca { 1000 } or random_projection { 5000 }, or a list of these, "
    .. "one after the other: what features are reduced by first" },
}

local function read_alphas(value, position)
  if value == nil then value = tensor.logspace(-2, 7, 30, { dtype = "float64" }) end
  local list = type(value) == "number" and { value } or table.move(common.list(value), 1, #value, 1, {})
  if #list == 0 then errors.raise("argument", position, "ridge: alphas is empty") end
  for _, alpha in ipairs(list) do
    if type(alpha) ~= "number" or not (alpha > 0 and alpha < math.huge) then
      errors.raise("argument", position, "ridge: penalty %s, expected a number above 0", tostring(alpha))
    end
  end
  table.sort(list, function(a, b) return a > b end)
  return list
end

schema.document("ridge", RIDGE)

--- ridge { alphas = logspace(-2, 7, 30), inner = 5, standardise = false, per = "neuroid", choose = "folds", before =
-- }: linear regression with a penalty alpha on the sum of squared weights (loss: sum of squared errors + alpha |w|^2;
-- the intercept is free). A single alpha is used as it is; of several, one is chosen inside the training images. For
-- predictivity as mapping = ridge {}; by itself, m = ridge {}:fit(x, y) is a fitted map, and m:predict(x) what it
-- gives.
-- > x = randn { 100, 3 }
-- > m = ridge({}):fit(x, x:matmul(tensor { 1, 2, 3 }))
-- > m:predict(tensor { { 1, 1, 1 } }):flatten():round()   --> [6.]
function M.ridge(given, ...)
  local position = errors.position(2)
  schema.alone("ridge", "ridge { 10, inner = 5 }", position, ...)
  local o = schema.check("ridge", given, RIDGE, position)
  return setmetatable({ alphas = read_alphas(o.alphas, position), inner = o.inner, standardise = o.standardise,
    per = o.per, choose = o.choose, before = reduce.check("ridge", o.before, position), position = position }, Ridge)
end

--- True for what ridge makes, and the other words of lib/neural/maps.lua.
function M.is_mapping(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "is_mapping") == true
end

--- A mapping as it was used on these folds, in words: with as many inner folds as their training images could be
-- divided into.
function M.text(mapping, folds)
  local low, high = math.huge, 0
  for _, fold in ipairs(folds) do low, high = math.min(low, #fold.inner), math.max(high, #fold.inner) end
  if mapping:inner_folds() == 0 or #folds == 0 then return tostring(mapping) end
  local used = merged(mapping)
  used.inner = low == high and low or string.format("%d to %d", low, high)
  return tostring(setmetatable(used, getmetatable(mapping)))
end

--- mapping:inner_folds(): into how many folds the training images are divided to choose by; 0: nothing is chosen so.
-- > ridge({}):inner_folds(), ridge({ 10 }):inner_folds()   --> 5 0
function Ridge:inner_folds() return #self.alphas > 1 and self.choose == "folds" and self.inner or 0 end

local function solve(system, alpha, right)
  return linalg.tridiagonal_solve(system.form.d, system.form.f, alpha, right)
end

-- projected (T + alpha I)^-1 right: the solve takes the side that has fewer columns.
local function product(system, alpha, projected, right)
  if #projected < right:size(2) then
    system.across = system.across or projected:t():contiguous()
    return solve(system, alpha, system.across):t():matmul(right)
  end
  return projected:matmul(solve(system, alpha, right))
end

-- Squared errors by penalty (A x T), summed over the inner folds.
local function path_errors(self, source, y, inner, parts)
  local sums
  for f, fold in ipairs(inner) do
    local train, test = common.index(fold.train), common.index(fold.test)
    local system = parts and parts:system(f, test) or source:system(train, test, self.standardise)
    local centred, mean = centre(y, train)
    local right, truth = system.right(centred), y:index_select(test, { dim = 1 }) - mean
    local projected, rows = system.project(), {}
    for a, alpha in ipairs(self.alphas) do
      local guess = product(system, alpha, projected, right)
      local missed = guess - truth
      local square = missed:square()
      rows[a] = square:sum(1)
      guess:release()
      missed:release()
      square:release()
    end
    local part = ops.stack(rows, { dim = 1 })
    sums = sums and sums + part or part
  end
  return sums
end

-- The same of training images left out one at a time, without fitting anew: with the hat matrix H, the intercept's
-- 1 / n in it, an image's error is (y - H y) / (1 - H_ii). For generalised cross-validation H_ii is their mean.
local function left_out_errors(self, source, y, train)
  local system = source:system(train, train, self.standardise)
  local centred = centre(y, train)
  local right, rows, n = system.right(centred), {}, #train
  local q = system.dual and system.form.q()
  local projected = system.project()
  local across = (q or projected):t():contiguous()
  for a, alpha in ipairs(self.alphas) do
    local missed = centred - product(system, alpha, projected, right)
    local hat = (projected * solve(system, alpha, across):t()):sum(2) + 1 / n
    if self.choose == "gcv" then hat = hat:mean(1) end
    rows[a] = (missed / (1 - hat):reshape { -1, 1 }):square():sum(1)
  end
  return ops.stack(rows, { dim = 1 })
end

-- The place in self.alphas for each target. Penalties fall, so the first of equal errors is the largest.
local function choose(self, source, y, inner, train, parts)
  local targets = y:size(2)
  local places = {}
  if #self.alphas == 1 then
    for t = 1, targets do places[t] = 1 end
    return places
  end
  local sums = self.choose == "folds" and path_errors(self, source, y, inner, parts)
    or left_out_errors(self, source, y, train)
  if self.per == "neuroid" then return sums:argmin { dim = 1 }:totable() end
  local spread = y:var { dim = 1, correction = 0 }
  local weight = ops.where(ops.gt(spread, 0), 1 / spread, spread)
  local place = (sums * weight):sum(2):argmin { dim = 1 }:item()
  for t = 1, targets do places[t] = place end
  return places
end

-- The solved weights in the tridiagonal basis, each target with its own penalty.
local function solve_each(self, system, right, places)
  local by_place, order = {}, {}
  for t, place in ipairs(places) do
    by_place[place] = by_place[place] or {}
    table.insert(by_place[place], t)
  end
  local parts = {}
  for place, alpha in ipairs(self.alphas) do
    if by_place[place] then
      for _, t in ipairs(by_place[place]) do order[#order + 1] = t end
      local some = right:index_select(common.index(by_place[place]), { dim = 2 })
      parts[#parts + 1] = solve(system, alpha, some)
    end
  end
  local back = {}
  for at, t in ipairs(order) do back[t] = at end
  local joined = #parts == 1 and parts[1] or ops.concat(parts, { dim = 2 })
  return joined:index_select(common.index(back), { dim = 2 })
end

-- Places, and the system of all training images.
local function choose_and_solve(self, source, y, inner, rows, test)
  local train = common.index(rows)
  local parts = not self.standardise and is_parted(source, inner, rows) and parts_of(source, y, inner, train)
  local places = choose(self, source, y, inner, train, parts)
  local system = parts and parts:system(nil, test) or source:system(train, test or train, self.standardise)
  local centred, mean = centre(y, train)
  return system, solve_each(self, system, system.right(centred), places), mean, places
end

--- ridge:held_out(source, y, fold, inner): predictions (test images x targets, float64) for one fold, and the penalty
-- chosen for each target. y is N x T, float64; inner is a list of folds of the training images.
-- > x, source = randn { 40, 3 }, require("lamina.neural.mapping").source
-- > y, half = x:matmul(tensor { { 1 }, { 2 }, { 3 } }):to "float64", arange(1, 20):totable()
-- > guess = ridge(0.01):held_out(source(x, "x"), y, { train = half, test = { 30, 40 } }, {})
-- > guess:allclose(y[{ { 30, 40, 10 } }], { atol = 0.1 })   --> true
function Ridge:held_out(source, y, fold, inner)
  source = source:reduced(self.before, fold.train)
  local system, solved, mean, places = choose_and_solve(self, source, y, inner, fold.train, common.index(fold.test))
  return system.project():matmul(solved) + mean, common.pick(self.alphas, places)
end

Ridge.predict = fitted.not_fitted "ridge"

--- ridge:fit(x, y, { folds =, seed = }): the map itself on all of x (n x p) and y (n x T or n): a fitted map m with
-- m.weights (p x T), m.intercept (T), m.alphas (one for each target), m.constant (positions of targets that do not
-- vary: weights of 0), all of them tensors, and m:predict(x). Penalties are chosen by kfold
-- over the rows.
-- > x = randn { 100, 3 }
-- > m = ridge({ alphas = { 1e-6 } }):fit(x, x:matmul(tensor { 1, 2, 3 }))
-- > m.weights:flatten():round()   --> [1. 2. 3.]
function Ridge:fit(x, y, given)
  local position = errors.position(2)
  local inner
  y, inner = fitted.check("ridge", self, x, y, given, position)
  local rows = common.count_up(#x)
  local whole = M.source(x, "ridge:fit: x", position)
  local source = whole:reduced(self.before, rows)
  local system, solved, y_mean, places = choose_and_solve(self, source, y, inner, rows)
  local weights, mean, scale = system.form.back(solved), system.mean, system.scale
  if system.dual then -- w = X' (K + alpha I)^-1 y
    local full = columns(source.x, 1, source.p)
    mean, scale = standard(full, source.x.dtype, self.standardise)
    full = full - mean
    weights = (scale and full * scale or full):t():matmul(weights)
  end
  if scale then weights = weights * scale:t() end
  local intercept = (y_mean - mean:matmul(weights)):reshape { -1 }
  return fitted.fit({ word = "ridge", weights = weights, intercept = intercept, before = whole.reduced_by,
    alphas = tensor.tensor(common.pick(self.alphas, places), { dtype = "float64" }) }, y)
end

return M
