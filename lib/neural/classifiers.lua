--- lamina.neural.classifiers: linear classifiers: support vectors, logistic regression, nearest centroid, maximum
-- correlation.
-- svm minimises |w|^2 / 2 + C sum max(0, 1 - y w'x)^2 for each class against all others (scikit-learn's LinearSVC:
-- the bias is a weight of a feature that is always 1); logistic |W|^2 / 2 + C sum of -log softmax (its
-- LogisticRegression, multinomial: the bias is free). Both are smooth and convex, and Newton's method with conjugate
-- gradients takes them to their minimum: the result does not depend on an order of steps or a learning rate. Of more
-- features than items only the span of the items matters, and is all that is computed with; svm then takes products
-- of items alone, and each of its Newton steps solves the equations of the support vectors exactly (Chapelle 2007,
-- Training a support vector machine in the primal), so that it ends after a few. So do the steps of svm on up to
-- MOST_WIDE features, whose own equations are solved exactly.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local MOST_STEPS, MOST_INNER = 100, 1000
-- Up to so many features (with their 1) svm solves the equations of a Newton step by a Cholesky decomposition, not by
-- conjugate gradients: a few large operations for many small ones.
local MOST_WIDE = 128

local function dot(a, b) return (a * b):sum():item() end

-- Solves H d = -g by conjugate gradients to a relative residual.
local function direction(hessian, g, tolerance)
  local d, r = g * 0, -g
  local p, rr = r, dot(r, r)
  local stop = tolerance * tolerance * rr
  for _ = 1, MOST_INNER do
    if rr <= stop then break end
    local hp = hessian(p)
    local curvature = dot(p, hp)
    if curvature <= 0 then break end
    local alpha = rr / curvature
    d, r = d + p * alpha, r - hp * alpha
    local new = dot(r, r)
    p, rr = r + p * (new / rr), new
  end
  return d
end

-- The minimum of a smooth convex function from w. of(w): value, gradient, product with the Hessian, and what solves
-- H d = -g in place of conjugate gradients (nil, or giving nil: they do). Returns w and whether the gradient came
-- below tolerance times the first one.
local function newton(of, w, tolerance)
  local value, g, hessian, solve = of(w)
  local first = math.sqrt(dot(g, g))
  for _ = 1, MOST_STEPS do
    local size = math.sqrt(dot(g, g))
    if size <= tolerance * math.max(first, 1e-300) then return w, true end
    local d = solve and solve(g) or direction(hessian, g, math.min(0.1, size / first))
    local slope, step, moved = dot(g, d), 1, false
    for _ = 1, 60 do
      local next_w = w + d * step
      local next_value, next_g, next_hessian, next_solve = of(next_w)
      if next_value <= value + 1e-4 * step * slope then
        moved = next_value < value or dot(next_g, next_g) < size * size
        w, value, g, hessian, solve = next_w, next_value, next_g, next_hessian, next_solve
        break
      end
      step = step / 2
    end
    if not moved then return w, math.sqrt(dot(g, g)) <= 1e-6 * math.max(first, 1e-300) end
  end
  return w, false
end

local function with_ones(x) return ops.concat({ x, tensor.ones({ #x, 1 }, { dtype = "float64" }) }, { dim = 2 }) end

-- ---- fits: items x features, labels 1 .. k -> weights k x p, bias k x 1, settled ----------------------------------

local fits = {}

-- One class against the others: +1 and -1.
local function hinge(x, y, c)
  return function(w)
    local slack = (1 - y * x:matmul(w)):relu()
    local inside = ops.gt(slack, 0):to "float64"
    local value = 0.5 * dot(w, w) + c * slack:square():sum():item()
    local g = w - x:t():matmul(y * slack) * (2 * c)
    local function solve(gradient) -- H = 1 + 2 c X'X of the items inside the margin
      local h = x:t():matmul(inside * x) * (2 * c) + tensor.eye(x:size(2), { dtype = "float64" })
      local factor, e = errors.try(ops.cholesky, h)
      if e and e.kind ~= "numeric" then error(e, 0) end
      return factor and -factor:cholesky_solve(gradient) -- without: C is so large that H is singular but for rounding
    end
    return value, g, function(v) return v + x:t():matmul(inside * x:matmul(v)) * (2 * c) end,
      x:size(2) <= MOST_WIDE and solve or nil
  end
end

-- Up to so many items the equations of support vectors are solved directly.
local MOST_DIRECT = 2000

-- Whether svm computes with products of items: a question of shape alone.
local function by_products(x) return x:size(2) > #x and #x <= MOST_DIRECT end

-- One class against the others from the products z z' of items with their 1: w = z' beta. A point holds beta, the
-- items' f = z w, the value of what is minimised, its gradient z' r by r, and products (K r).
local function point(products, y, c, beta, f)
  local slack = (1 - y * f):relu()
  local r = beta - y * slack * (2 * c)
  local across = products:matmul(r)
  return { beta = beta, f = f, slack = slack, across = across,
    value = 0.5 * dot(beta, f) + c * slack:square():sum():item(), size = math.sqrt(math.max(0, dot(r, across))) }
end

-- Where the gradient would vanish if the support vectors stayed those of `at`: beta is 0 for all others.
local function newton_point(products, y, c, at)
  local index = ops.gt(at.slack, 0):reshape { -1 }:nonzero():reshape { -1 }
  if #index == 0 then return at.beta * 0 end
  local own = products:index_select(index, { dim = 1 }):index_select(index, { dim = 2 })
  own = own + tensor.eye(#index, { dtype = "float64" }) * (1 / (2 * c))
  local solved = ops.cholesky(own):cholesky_solve(y:index_select(index, { dim = 1 }))
  return solved:index_add(index, { dim = 1, size = #y })
end

-- The minimum, as newton has it: beta, and whether the gradient came below tolerance times the first one.
local function support_vectors(products, y, c, tolerance)
  local at = point(products, y, c, y * 0, y * 0)
  local first = math.max(at.size, 1e-300)
  for _ = 1, MOST_STEPS do
    if at.size <= tolerance * first then return at.beta, true end
    local d = newton_point(products, y, c, at) - at.beta
    local df, slope, step, better = products:matmul(d), dot(d, at.across), 1, nil
    for _ = 1, 60 do
      local there = point(products, y, c, at.beta + d * step, at.f + df * step)
      if there.value <= at.value + 1e-4 * step * slope then
        better = (there.value < at.value or there.size < at.size) and there
        break
      end
      step = step / 2
    end
    if not better then return at.beta, at.size <= 1e-6 * first end
    at = better
  end
  return at.beta, false
end

-- For each class a row of solve(y), the minimum for y = +1 of the class and -1 of all others; did all of them settle?
-- Of two classes the second's is the first's with the other sign, bit for bit, and is not computed again.
local function against_others(labels, k, solve)
  local rows, settled = {}, true
  for class = 1, k == 2 and 1 or k do
    local row, ok = solve(labels:eq(class):to "float64" * 2 - 1)
    rows[class], settled = row:t(), settled and ok
  end
  if k == 2 then rows[2] = 0 - rows[1] end -- 0 stays 0
  return ops.concat(rows, { dim = 1 }), settled
end

local function svm_by_products(self, x, labels, k)
  local products = x:matmul(x:t()) + 1
  local beta, settled = against_others(labels, k, function(y)
    return support_vectors(products, y, self.C, self.tolerance)
  end)
  return beta:matmul(x), beta:sum { dim = 2, keepdim = true }, settled
end

function fits.svm(self, x, number, k)
  local labels = tensor.tensor(number, { dtype = "float64" }):reshape { -1, 1 }
  if by_products(x) then return svm_by_products(self, x, labels, k) end
  local z, p = with_ones(x), x:size(2)
  local all, settled = against_others(labels, k, function(y)
    return newton(hinge(z, y, self.C), tensor.zeros({ p + 1, 1 }, { dtype = "float64" }), self.tolerance)
  end)
  return all[{ {}, { 1, p } }], all[{ {}, { p + 1, p + 1 } }], settled
end

function fits.logistic(self, x, number, k)
  local z, c = with_ones(x), self.C
  local truth = tensor.tensor(number, { dtype = "float64" }):reshape { -1, 1 }
    :eq(tensor.arange(1, k, { dtype = "float64" }):reshape { 1, -1 }):to "float64"
  local free = tensor.ones({ 1, z:size(2) }, { dtype = "float64" })
  free[1][z:size(2)] = 0 -- the bias has no penalty
  local function of(w)
    local logits = z:matmul(w:t())
    local logp = ops.log_softmax(logits, { dim = 2 })
    local p = logp:exp()
    local value = 0.5 * dot(w * free, w) - c * (truth * logp):sum():item()
    local g = w * free + (p - truth):t():matmul(z) * c
    return value, g, function(v)
      local a = z:matmul(v:t())
      local r = p * (a - (p * a):sum { dim = 2, keepdim = true })
      return v * free + r:t():matmul(z) * c
    end
  end
  local w, settled = newton(of, tensor.zeros({ k, z:size(2) }, { dtype = "float64" }), self.tolerance)
  local p = x:size(2)
  return w[{ {}, { 1, p } }], w[{ {}, { p + 1, p + 1 } }], settled
end

-- Means of the classes: k x p.
local function centroids(x, number, k)
  local one = tensor.tensor(number, { dtype = "float64" }):reshape { 1, -1 }
    :eq(tensor.arange(1, k, { dtype = "float64" }):reshape { -1, 1 }):to "float64"
  return one:matmul(x) / one:sum { dim = 2, keepdim = true }
end

function fits.nearest_centroid(_, x, number, k)
  local m = centroids(x, number, k)
  return m, m:square():sum { dim = 2, keepdim = true } * -0.5, true -- x'm - m'm / 2 is largest where |x - m| is least
end

local function unit_rows(m)
  m = m - m:mean { dim = 2, keepdim = true }
  local length = m:square():sum { dim = 2, keepdim = true }:sqrt()
  return m / ops.where(ops.gt(length, 0), length, tensor.ones { 1, dtype = "float64" })
end

function fits.max_correlation(_, x, number, k)
  return unit_rows(centroids(x, number, k)), tensor.zeros({ k, 1 }, { dtype = "float64" }), true
end

-- ---- what scripts see -------------------------------------------------------------------------------------------

local Classifier = { __name = "classifier" }
Classifier.__index = object.index("a classifier", Classifier, "C tolerance")
Classifier.__tostring = function(self)
  local parts = { (self.kind:gsub("_", " ")) }
  if self.C then parts[1] = string.format("%s, C = %g", parts[1], self.C) end
  if self.standardise then parts[2] = "features standardised on training items" end
  return table.concat(parts, ", ")
end

local Fitted = { __name = "fitted classifier" }
Fitted.__index = object.index("a fitted classifier", Fitted)
Fitted.__tostring = function(self)
  return string.format("fitted %s: %s, %d classes%s", tostring(self.classifier), common.plural(self.p, "feature"),
    #self.classes, self.settled and "" or ", not settled")
end

--- True for what svm, logistic, nearest_centroid and max_correlation make.
function M.is(value) return getmetatable(value) == Classifier end

local STANDARDISE = { type = "boolean", default = true,
  doc = "whether features get mean 0 and variance 1 on the training items (a constant one becomes 0)" }

local PENALISED = {
  positional = { "C" },
  C = { type = "number", default = 1, above = 0, doc = "weight of the errors against that of |w|^2 / 2" },
  standardise = STANDARDISE,
  tolerance = { type = "number", default = 1e-8, above = 0, doc = "the gradient ends below this share of the first" },
}
local PLAIN = { standardise = STANDARDISE }

local function maker(kind, fields)
  schema.document(kind, fields)
  return function(given, ...)
    local position = errors.position(2)
    local form = kind .. (fields.C and " { 1, standardise = false }" or " { standardise = false }")
    schema.alone(kind, form, position, ...)
    local o = schema.check(kind, given, fields, position)
    o.kind = kind
    return setmetatable(o, Classifier)
  end
end

--- svm { C = 1, standardise = true, tolerance = 1e-8 }: a linear support vector machine with squared hinge loss, one
-- class against all others; the largest score wins. For decode as classifier = svm {}; by itself, m = svm {}:fit(x,
-- labels) is a fitted classifier, m:predict(x) its labels.
-- > x = tensor { { 0, 0 }, { 0, 1 }, { 5, 5 }, { 5, 6 } }
-- > m = svm({}):fit(x, { "face", "face", "house", "house" })
-- > m:predict(tensor { { 1, 0 }, { 6, 6 } })   --> { "face", "house" }
M.svm = maker("svm", PENALISED)

--- logistic { C = 1, standardise = true, tolerance = 1e-8 }: multinomial logistic regression with a penalty on the
-- squared weights.
-- > x = tensor { { 0, 0 }, { 0, 1 }, { 5, 5 }, { 5, 6 } }
-- > m = logistic({}):fit(x, { "face", "face", "house", "house" })
-- > m:predict(tensor { { 1, 0 }, { 6, 6 } })   --> { "face", "house" }
M.logistic = maker("logistic", PENALISED)

--- nearest_centroid { standardise = true }: the class whose mean is nearest.
-- > m = nearest_centroid({}):fit(tensor { { 0, 1 }, { 1, 0 }, { 5, 6 }, { 6, 5 } }, { 0, 0, 1, 1 })
-- > m:predict(tensor { { 1, 1 }, { 4, 5 } })   --> { 0, 1 }
M.nearest_centroid = maker("nearest_centroid", PLAIN)

--- max_correlation { standardise = true }: the class whose mean pattern over features correlates best with an item's
-- (Meyers, Freedman, Kreiman, Miller & Poggio 2008).
-- > patterns = tensor { { 1, 2, 3 }, { 3, 2, 1 } }
-- > m = max_correlation({ standardise = false }):fit(patterns, { "up", "down" })
-- > m:predict(tensor { { 10, 30, 80 } })   --> { "up" }
M.max_correlation = maker("max_correlation", PLAIN)

-- Labels as numbers 1 .. k by order of appearance, and the names.
local function read_labels(labels, n, position)
  local list = common.list(labels)
  if type(list) ~= "table" or #list ~= n then
    errors.raise("shape", position, "fit: there are %s labels for %d items",
      type(list) == "table" and tostring(#list) or "no", n)
  end
  local names, number = common.numbered(list)
  if #names < 2 then
    errors.raise("argument", position, "fit: all %d items have the same label, expected at least 2 classes", n)
  end
  return number, names
end

local function read_x(x, what, position)
  if not tensor.is_tensor(x) or x.ndim < 2 then
    errors.raise(tensor.is_tensor(x) and "shape" or "argument", position, "%s: x is a %s, expected a tensor, items x "
      .. "features", what, tensor.is_tensor(x) and "tensor with one axis" or type(x))
  end
  x = x:reshape { #x, -1 }:to "float64"
  local holes = x:isfinite():logical_not():to "int64":sum():item()
  if holes > 0 then
    errors.raise("numeric", position, "%s: %d of %d features are NaN or infinite: leave such items or features out",
      what, holes, x:count())
  end
  return x
end

--- c:fit(x, labels): a fitted classifier from items x (n x features) and a label for each.
-- > m = svm({}):fit(tensor { { 0 }, { 1 }, { 5 }, { 6 } }, { "low", "low", "high", "high" })
-- > m.classes   --> { "low", "high" }
function Classifier:fit(x, labels, ...)
  local position = errors.position(2)
  schema.last(self.kind .. ":fit", self.kind .. "(options):fit(x, labels); options belong to " .. self.kind, position,
    ...)
  return tensor.no_grad(function()
    x = read_x(x, self.kind .. ":fit", position)
    local number, names = read_labels(labels, #x, position)
    local shift, scale
    if self.standardise then
      shift = x:mean { dim = 1, keepdim = true }
      local std = x:std { dim = 1, keepdim = true, correction = 0 }
      -- a constant feature has only rounding for a deviation
      local varies = ops.gt(std, shift:abs() * 1e-12)
      scale = ops.where(varies, 1 / ops.where(varies, std, tensor.ones { 1, dtype = "float64" }),
        tensor.zeros { 1, dtype = "float64" })
      x = (x - shift) * scale
    end
    local span
    if x:size(2) > #x and (self.kind == "logistic" or self.kind == "svm" and not by_products(x)) then
      local q, r = ops.qr(x:t():contiguous(), {})
      span, x = q, r:t():contiguous()
    end
    local weights, bias, settled = fits[self.kind](self, x, number, #names)
    if span then weights = weights:matmul(span:t()) end
    return setmetatable({ classifier = self, kind = self.kind, classes = names, weights = weights, bias = bias,
      shift = shift, scale = scale, p = weights:size(2), settled = settled }, Fitted)
  end)
end

--- m:scores(x): a score for each item and class, items x #m.classes; the largest is the label.
-- > m = svm({}):fit(tensor { { 0 }, { 1 }, { 5 }, { 6 } }, { "low", "low", "high", "high" })
-- > m:scores(tensor { { 0.5 }, { 7 } }):gt(0)   --> [[true false] [false true]]
function Fitted:scores(x)
  local position = errors.position(2)
  x = read_x(x, self.kind .. ":scores", position)
  if x:size(2) ~= self.p then
    errors.raise("shape", position, "%s: x has %s, the classifier was fitted on %d", self.kind,
      common.plural(x:size(2), "feature"), self.p)
  end
  return tensor.no_grad(function()
    if self.shift then x = (x - self.shift) * self.scale end
    if self.kind == "max_correlation" then x = unit_rows(x) end
    return x:matmul(self.weights:t()) + self.bias:reshape { 1, -1 }
  end)
end

--- m:predict(x): the label of each item, a list.
-- > m = svm({}):fit(tensor { { 0 }, { 1 }, { 5 }, { 6 } }, { "low", "low", "high", "high" })
-- > m:predict(tensor { { 0.5 }, { 7 } })   --> { "low", "high" }
function Fitted:predict(x)
  local names = {}
  for i, k in ipairs(self:scores(x):argmax { dim = 2 }:totable()) do names[i] = self.classes[k] end
  return names
end

return M
