--- lamina.neural.reduce: fewer features before a map is fitted: principal components, random projections.
--
-- Both are fitted on training images alone (or on images of their own, `on`) and then applied to all. Components are
-- found from features read piece by piece, so that no second copy of them stands in memory.
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local linalg = require "lamina.core.linalg"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local PIECE = 1536 -- features, or images, that are read at a time
local TURNED = 64 -- components whose signs are set at a time

-- ---- principal components --------------------------------------------------------------------------------------

local Pca = { __name = "pca", is_reduction = true }
Pca.__index = Pca
Pca.__tostring = function(self)
  return string.format("PCA to %d components%s%s", self.components, self.whiten and ", whitened" or "",
    self.on and string.format(", fitted on %d images of their own", #self.on) or "")
end

local PCA = {
  positional = { "components" },
  components = { type = "integer", default = 1000, min = 1, doc = "the most that are kept; all where there are "
    .. "fewer" },
  whiten = { type = "boolean", default = false, doc = "whether every component gets variance 1" },
  on = { type = "tensor", doc = "features of other images (a row each) that it is fitted on, instead of the training "
    .. "images" },
}
schema.document("pca", PCA)

--- pca { 1000, whiten = false, on = }: principal components, for mappings as before = pca { 1000 }; by itself, m =
-- pca { 10 }:fit(x) (x n x p) has m.mean (p), m.components (k x p, the element of largest absolute value in each
-- positive), m.variance (k, divided by n - 1), m.ratio (of the whole variance), and m:transform(x) gives n x k,
-- float64. By the eigenvectors of the smaller of the two Gram matrices, exact; directions whose variance is below
-- 1e-12 of the first one's are rounding and are left out. NaN and infinite features are an error.
-- > x = randn({ 100, 2 }):matmul(tensor { { 3, 3 }, { 0.1, -0.1 } })
-- > m = pca({ 2 }):fit(x)
-- > m.ratio:gt(0.5), m:transform(x).shape   --> [true false] { 100, 2 }
function M.pca(given, ...)
  local position = errors.position(2)
  schema.alone("pca", "pca { 100, whiten = true }", position, ...)
  local o = schema.check("pca", given, PCA, position)
  return setmetatable({ components = o.components, whiten = o.whiten, on = o.on, position = position }, Pca)
end

local Fitted = { __name = "fitted reduction" }
Fitted.__index = Fitted
Fitted.__tostring = function(self)
  return string.format("fitted %s: %d features to %d", self.word, self.components:size(2), #self.components)
end

--- reduction:transform(x): x (n x p) in terms of the components: n x k, float64.
-- > x = randn { 30, 8 }
-- > pca({ 3 }):fit(x):transform(x).shape   --> { 30, 3 }
function Fitted:transform(x)
  if not tensor.is_tensor(x) or x.ndim < 2 or x:count() ~= #x * self.components:size(2) then
    errors.raise("shape", 2, "transform: x is a %s, expected a tensor with %d features in each row",
      tensor.is_tensor(x) and "tensor " .. table.concat(x.shape, "x") or type(x), self.components:size(2))
  end
  x = x:reshape { #x, -1 }:to "float64"
  if self.mean then x = x - self.mean end
  local z = x:matmul(self.components:t())
  return self.scale and z * self.scale or z
end

-- The k largest eigenvalues of a Gram matrix, falling, and their vectors as columns. Where many are wanted, and where
-- vectors found one by one are not good to rounding, of the whole decomposition.
local function largest(gram, k)
  local n = #gram
  if k <= n // 2 then
    local values, vectors = linalg.eigh_largest(gram, k)
    if values then return values, vectors end
  end
  local values, vectors = gram:eigh { method = "exact" }
  local order = {}
  for i = 1, k do order[i] = n + 1 - i end
  local index = common.index(order)
  return values:index_select(index, { dim = 1 }), vectors:index_select(index, { dim = 2 })
end

-- Makes the element of largest absolute value of each row positive, some rows at a time.
local function turn(rows)
  for first = 1, #rows, TURNED do
    local some = rows[{ { first, math.min(first + TURNED - 1, #rows) } }]
    local sizes = some:abs()
    local turned = some * some:gather(sizes:argmax { dim = 2, keepdim = true }, { dim = 2 }):sign()
    some:copy(turned)
    sizes:release()
    turned:release()
  end
  return rows
end

-- f(z, first, last) for pieces of x (n x p) as float64 less the mean of each feature: of all images in stretches of
-- features where it is wide, else of images. mean: that of the features, 1 x p; where it is wide, filled in as the
-- features go by for the first time.
local function each_piece(x, wide, mean, filled, f)
  local count = wide and x:size(2) or #x
  for first = 1, count, PIECE do
    local last = math.min(first + PIECE - 1, count)
    local view = wide and x[{ {}, { first, last } }] or x[{ { first, last } }]
    local part = view:to "float64"
    local own = wide and mean[{ {}, { first, last } }] or mean
    if not filled then own:copy(part:mean { dim = 1, keepdim = true }) end
    local z = part - own
    if x.dtype ~= "float64" then part:release() end
    core_io.forget(x)
    f(z, first, last)
    z:release()
  end
end

-- The mean of each feature, 1 x p, from images in stretches.
local function mean_of(x)
  local sum
  for first = 1, #x, PIECE do
    local part = x[{ { first, math.min(first + PIECE - 1, #x) } }]:to "float64":sum { dim = 1, keepdim = true }
    sum = sum and sum + part or part
  end
  return sum / #x
end

--- pca:fit(x): the components of x (n x p): a fitted reduction m with m.components (k x p), m.variance (of each),
-- m.ratio (the share of the whole that each has), m.mean and m:transform(x).
-- > m = pca({ 3 }):fit(randn { 30, 8 })
-- > m.components.shape, m.ratio.shape   --> { 3, 8 } { 3 }
function Pca:fit(x, ...)
  schema.last("pca:fit", "pca { 10, whiten = true }:fit(x); options belong to pca", errors.position(2), ...)
  x = self.on or x
  if not tensor.is_tensor(x) or x.ndim < 2 or #x < 2 or x:count() == 0 then
    errors.raise("shape", self.position, "pca: fitted on %s, expected at least two rows of features",
      tensor.is_tensor(x) and table.concat(x.shape, "x") or type(x))
  end
  x = x:reshape { #x, -1 }
  local n, p, holes = #x, x:size(2), common.holes(x)
  if holes > 0 then
    errors.raise("numeric", self.position, "pca: fitted on features that hold NaN or infinite values (%d of %d)",
      holes, x:count())
  end
  local wide = p > n
  local gram = tensor.zeros { math.min(n, p), math.min(n, p), dtype = "float64" }
  local mean = wide and tensor.zeros { 1, p, dtype = "float64" } or mean_of(x)
  each_piece(x, wide, mean, not wide, function(z) linalg.gram_add(gram, wide and z or z:t()) end)
  local whole = ops.diagonal(gram, {}):sum()
  if not whole:isfinite():item() then
    errors.raise("numeric", self.position, "pca: the squares of the features, less their means, add up to more than "
      .. "float64 holds: scale them first")
  end
  local values, vectors = largest(gram, math.min(self.components, n - 1, p))
  local kept = 0
  for _, value in ipairs(values:totable()) do
    if value > 1e-12 * values[1] then kept = kept + 1 end
  end
  if kept == 0 then
    errors.raise("numeric", self.position, "pca: the features do not vary over the %d images it is fitted on", n)
  end
  values = values[{ { 1, kept } }]
  vectors = vectors[{ {}, { 1, kept } }]
  local components = not wide and vectors:t():contiguous() or tensor.zeros { kept, p, dtype = "float64" }
  if wide then
    local weights = (vectors / values:sqrt()):t()
    each_piece(x, true, mean, true, function(z, first, last)
      components[{ {}, { first, last } }] = weights:matmul(z)
    end)
  end
  local variance = values / (n - 1)
  gram:release()
  return setmetatable({ word = "pca", mean = mean:reshape { -1 }, components = turn(components), variance = variance,
    ratio = values / whole, scale = self.whiten and 1 / variance:sqrt() or nil }, Fitted)
end

-- ---- random projections ----------------------------------------------------------------------------------------

local Projection = { __name = "random projection", is_reduction = true }
Projection.__index = Projection
Projection.__tostring = function(self)
  return string.format("random projection to %d dimensions, seed %d", self.dimensions, self.seed)
end

local PROJECTION = {
  positional = { "dimensions" },
  dimensions = { type = "integer", required = true, min = 1, doc = "how many; as many as features where there are "
    .. "fewer" },
  seed = { type = "integer", doc = "of the directions; the experiment's if absent" },
  sparse = { type = "boolean", default = false, doc = "whether directions are 0 but for one element in sqrt(p), "
    .. "those "
    .. "+1 or -1 times a constant (Li, Hastie & Church 2006); else normal" },
}
schema.document("random_projection", PROJECTION)

--- random_projection { 5000, seed =, sparse = false }: features times a random matrix whose entries have variance 1 /
-- dimensions, which keeps distances on average (Johnson & Lindenstrauss 1984), for mappings as before =
-- random_projection { 5000 }; by itself, m = random_projection { 100 }:fit(x), m:transform(x). The matrix depends on
-- the seed and the number of features alone.
-- > x = randn { 20, 1000 }
-- > random_projection({ 50, seed = 1 }):fit(x):transform(x).shape   --> { 20, 50 }
function M.random_projection(given, ...)
  local position = errors.position(2)
  schema.alone("random_projection", "random_projection { 5000, seed = 1 }", position, ...)
  local o = schema.check("random_projection", given, PROJECTION, position)
  return setmetatable({ dimensions = o.dimensions, seed = o.seed or tensor.seed(), sparse = o.sparse,
    position = position }, Projection)
end

--- projection:fit(x): the matrix for as many features as x has (of x nothing else counts): a fitted reduction m
-- with m.components (k x p) and m:transform(x).
-- > random_projection({ 5 }):fit(randn { 3, 40 }).components.shape   --> { 5, 40 }
function Projection:fit(x, ...)
  schema.last("random_projection:fit", "random_projection { 10, seed = 1 }:fit(x); options belong to "
    .. "random_projection", errors.position(2), ...)
  if not tensor.is_tensor(x) or x.ndim < 2 or x:count() == 0 then
    errors.raise("shape", errors.position(2), "random_projection:fit: x is %s, expected rows of features, n x p",
      tensor.is_tensor(x) and "a tensor " .. table.concat(x.shape, "x") or schema.shown(x))
  end
  local p = x:reshape({ #x, -1 }):size(2)
  local k = math.min(self.dimensions, p)
  local shape = { k, p }
  local rows
  if self.sparse then
    local one_in = math.sqrt(p)
    local u = tensor.draw { kind = "uniform", shape = shape, seed = self.seed, purpose = "random_projection",
      low = 0, high = 1, dtype = "float64" }
    rows = (u:lt(0.5 / one_in):to "float64" - u:gt(1 - 0.5 / one_in):to "float64") * math.sqrt(one_in / k)
  else
    rows = tensor.draw { kind = "normal", shape = shape, seed = self.seed, purpose = "random_projection",
      dtype = "float64" } / math.sqrt(k)
  end
  return setmetatable({ word = "random projection", components = rows }, Fitted)
end

-- ---- one after the other ---------------------------------------------------------------------------------------

local Chain = { __name = "reductions", is_reduction = true }
Chain.__index = Chain
Chain.__tostring = function(self)
  local names = {}
  for i, step in ipairs(self.steps) do names[i] = tostring(step) end
  return table.concat(names, " and ")
end

local FittedChain = { __name = "fitted reductions" }
FittedChain.__index = FittedChain
FittedChain.__tostring = Chain.__tostring

-- x as every step leaves it.
function FittedChain:transform(x)
  for _, step in ipairs(self.steps) do x = step:transform(x) end
  return x
end

-- Each step fitted on what those before it leave of x.
function Chain:fit(x)
  local steps = {}
  for i, step in ipairs(self.steps) do
    steps[i] = step:fit(x)
    if i < #self.steps then x = steps[i]:transform(x) end
  end
  return setmetatable({ steps = steps }, FittedChain)
end

local function is_reduction(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "is_reduction") == true
end

-- A list of reductions as one.
local function chain_of(word, list, position)
  for i, step in ipairs(list) do
    if not is_reduction(step) then
      errors.raise("argument", position, "%s: entry %d of before is a %s, expected pca { 1000 } or random_projection "
        .. "{ 5000 }", word, i, type(step))
    end
    if i > 1 and step.on then
      errors.raise("argument", position, "%s: entry %d of before is a pca fitted on features of other images (on), "
        .. "which the entries before it have not reduced: only the first can be", word, i)
    end
  end
  return #list == 1 and list[1] or setmetatable({ steps = table.move(list, 1, #list, 1, {}) }, Chain)
end

--- What stands as `before` of a mapping, checked: nil, pca, random_projection, or a list of these, one after the
-- other. word: the mapping's.
function M.check(word, before, position)
  if before == nil or is_reduction(before) then return before end
  if type(before) == "table" and not getmetatable(before) and #before > 0 then
    return chain_of(word, before, position)
  end
  errors.raise("argument", position, "%s: before is a %s, expected pca { 1000 }, random_projection { 5000 } or a "
    .. "list of these", word, type(before))
end

return M
