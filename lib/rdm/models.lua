--- lamina.rdm.models: models of an RDM with something to fit: one of several, a weighted sum, a point between two.
--
-- A fit makes the mean likeness to the data's RDMs as large as it can be. For measures that are cosines of vectors
-- linear in dissimilarities (pearson, cosine and their whitened forms) that is least squares against the sum of the
-- data's vectors of unit length, and exact; for measures of ranks weights are fitted under pearson.
local common = require "lamina.neural.common"
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local tensor = require "lamina.core.tensor"

local M = {}

local Model = { __name = "rdm model" }
Model.__index = object.index("an RDM model", Model, "name")
Model.__tostring = function(self)
  return string.format("%s RDM model%s of %s", self.kind, self.name and " " .. self.name or "",
    common.plural(#self.set, "RDM"))
end

--- True for a model with something to fit.
function M.is(value) return getmetatable(value) == Model end

local RANKS = { spearman = true, rho_a = true, tau_a = true, tau_b = true }

-- ---- fitting on vectors -----------------------------------------------------------------------------------------

-- The models' vectors and the sum of the data's unit vectors.
local function targets(models, data, method)
  local x, z = core.vectors(models, data, RANKS[method] and "pearson" or method)
  local length = z:square():sum { dim = 2, keepdim = true }:sqrt()
  z = z / ops.where(ops.gt(length, 0), length, tensor.ones { 1, dtype = "float64" })
  return x, z:sum { dim = 1 }
end

local function unit(theta)
  local length = theta:square():sum():sqrt():item()
  return length > 0 and theta / length or theta
end

local fit = {}

function fit.selected(models, data, method)
  return core.compare(models, data, method):mean(2):argmax { dim = 1 }:item()
end

function fit.weighted(models, data, method, o)
  local x, y = targets(models, data, method)
  y = y / #data
  local k = #models
  if o.nonnegative then
    local length = x:square():sum { dim = 2, keepdim = true }:sqrt()
    if o.ridge > 0 then length = tensor.ones({ k, 1 }, { dtype = "float64" }) end -- the penalty is on plain weights
    length = ops.where(ops.gt(length, 0), length, tensor.ones { 1, dtype = "float64" })
    local a, b = (x / length):t(), y:reshape { -1, 1 } -- of one length, so that none is too small to be seen
    if o.ridge > 0 then
      a = ops.concat({ a, tensor.eye(k, { dtype = "float64" }) * math.sqrt(o.ridge) }, { dim = 1 })
      b = ops.concat({ b, tensor.zeros({ k, 1 }, { dtype = "float64" }) }, { dim = 1 })
    end
    return unit(require("lamina.core.fit").nnls(a:contiguous(), b):reshape { k } / length:reshape { k })
  end
  local gram = x:matmul(x:t()) + tensor.eye(k, { dtype = "float64" }) * o.ridge
  return unit(gram:solve(x:matmul(y:reshape { -1, 1 })):reshape { k })
end

-- The best point w a + (1 - w) b between two models, from products with the target u and v, and the models' own.
local function between(u, v, aa, ab, bb)
  local best, at = -math.huge, 0
  local det = aa * bb - ab * ab
  local p, q = (u * bb - v * ab) / det, (v * aa - u * ab) / det
  for _, w in ipairs { 0, 1, p / (p + q) } do
    if w == w and w >= 0 and w <= 1 then
      local length = w * w * aa + 2 * w * (1 - w) * ab + (1 - w) * (1 - w) * bb
      local value = length > 0 and (w * u + (1 - w) * v) / math.sqrt(length) or -math.huge
      if value > best then best, at = value, w end
    end
  end
  return best, at
end

local STEPS = 100 -- points between two models that are tried for measures of ranks

local function between_ranks(models, data, method, i)
  local rows = {}
  for step = 0, STEPS do
    rows[step + 1] = models[{ { i, i } }] * (step / STEPS) + models[{ { i + 1, i + 1 } }] * (1 - step / STEPS)
  end
  local value = core.compare(ops.concat(rows, { dim = 1 }), data, method):mean(2)
  local at = value:argmax { dim = 1 }:item()
  return value[at], (at - 1) / STEPS
end

function fit.interpolated(models, data, method)
  local best, place, share = -math.huge, 1, 0
  local x, y = targets(models, data, method)
  local gram, u = x:matmul(x:t()):totable(), x:matmul(y:reshape { -1, 1 }):reshape { -1 }:totable()
  for i = 1, #models - 1 do
    local value, w
    if RANKS[method] then
      value, w = between_ranks(models, data, method, i)
    else
      value, w = between(u[i], u[i + 1], gram[i][i], gram[i][i + 1], gram[i + 1][i + 1])
    end
    if value > best then best, place, share = value, i, w end
  end
  local theta = {}
  for i = 1, #models do theta[i] = i == place and share or i == place + 1 and 1 - share or 0 end
  return tensor.tensor(theta, { dtype = "float64" })
end

--- Fits on vectors that may have missing pairs: theta.
function M.fit_vectors(model, models, data, method) return fit[model.kind](models, data, method, model) end

--- What theta predicts, 1 x pairs, out of the models' vectors.
function M.predict_vectors(model, models, theta)
  if model.kind == "selected" then return models[{ { theta, theta } }] end
  return theta:reshape { 1, -1 }:matmul(models)
end

-- ---- what scripts see -------------------------------------------------------------------------------------------

--- m:fit(data[, method]): what fits the RDMs of `data` best under a measure of compare_rdms ("cosine" if absent): the
-- number of the RDM that is selected, or a weight for each RDM (a tensor, of length 1 where all RDMs are weighed).
-- > parts = rdm.from { tensor { { 1, 0, 0 }, { 0, 1, 0 } } }
-- > brain = rdm.from { tensor { { 3, 4, 0 } } }
-- > rdm.weighted({ parts }):fit(brain)   --> [0.6 0.8]
function Model:fit(data, method)
  local position = errors.position(2)
  local compare = require "lamina.rdm.compare"
  method = method or "cosine"
  schema.check("fit", { method = method }, { method = compare.method }, position)
  local set
  set, data = compare.align(self.set, data, position, "fit: the model's RDMs", "fit: data")
  return M.fit_vectors(self, set.vectors, data.vectors, method)
end

--- m:predict(theta): the RDM that the model predicts with these weights (what m:fit returned).
-- > parts = rdm.from { tensor { { 1, 0, 0 }, { 0, 1, 0 } } }
-- > rdm.weighted({ parts }):predict(tensor({ 0.6, 0.8 }, { dtype = "float64" })).vectors   --> [[0.6 0.8 0.]]
function Model:predict(theta)
  local position = errors.position(2)
  if self.kind == "selected" and (math.type(theta) ~= "integer" or theta < 1 or theta > #self.set) then
    errors.raise("argument", position, "predict: theta is %s, expected the number of one of the %d RDMs",
      tostring(theta), #self.set)
  end
  if self.kind ~= "selected" then
    if type(theta) == "table" then theta = tensor.tensor(theta, { dtype = "float64" }) end
    if not tensor.is_tensor(theta) or theta:count() ~= #self.set then
      errors.raise("argument", position, "predict: theta must be %d weights, one for each RDM", #self.set)
    end
  end
  return sets.make({ vectors = M.predict_vectors(self, self.set.vectors, theta), id = self.set.id,
    names = self.name and { self.name }, nan = true }, "predict", position)
end

local COMMON = {
  positional = { "set" },
  set = { type = "any", required = true, doc = "a set of RDMs" },
  name = { type = "string", doc = "what tables and figures call the model" },
}

local function make(kind, given, more, least, position, ...)
  local word = "rdm." .. kind
  schema.alone(word, word .. " { set, name = \"...\" }", position, ...)
  if sets.is(given) then given = { given } end
  local o = schema.check(word, given, more, position)
  if not sets.is(o.set) then
    errors.raise("argument", position, "%s: expected a set of RDMs (rdm.join makes one of several)", word)
  end
  if #o.set < least then
    errors.raise("argument", position, "%s: the set holds %d RDM, expected at least %d", word, #o.set, least)
  end
  return setmetatable({ kind = kind, set = o.set, name = o.name, nonnegative = o.nonnegative, ridge = o.ridge },
    Model)
end

schema.document("rdm.selected", COMMON)
schema.document("rdm.interpolated", COMMON)

--- rdm.selected { set, name = }: a model that is one of the RDMs of a set, whichever fits best.
-- > parts = rdm.from { tensor { { 1, 0, 0 }, { 0, 1, 0 } }, names = { "colour", "shape" } }
-- > rdm.selected({ parts }):fit(rdm.from { tensor { { 1, 5, 2 } } })   --> 2
function M.selected(given, ...) return make("selected", given, COMMON, 2, errors.position(2), ...) end

--- rdm.interpolated { set, name = }: a model that is a point on the line from one RDM of a set to the next.
-- > layers = rdm.from { tensor { { 1, 0, 0 }, { 0, 1, 0 } } }
-- > model = rdm.interpolated { layers }
-- > theta = model:fit(rdm.from { tensor { { 1, 1, 0 } } })
-- > model:predict(theta).vectors   --> [[0.5 0.5 0.]]
function M.interpolated(given, ...) return make("interpolated", given, COMMON, 2, errors.position(2), ...) end

local WEIGHTED = schema.document("rdm.weighted", {
  positional = COMMON.positional, set = COMMON.set, name = COMMON.name,
  nonnegative = { type = "boolean", default = true, doc = "no weight below 0 (squared distances of parts add up)" },
  ridge = { type = "number", default = 0, min = 0, doc = "penalty on the squared weights" },
})

--- rdm.weighted { set, nonnegative = true, ridge = 0, name = }: a model that is a weighted sum of the RDMs of a set.
-- Squared distances (squared_euclidean, mahalanobis) of scaled features add up so.
-- > parts = rdm.from { tensor { { 1, 0, 0 }, { 0, 1, 0 } }, names = { "colour", "shape" } }
-- > rdm.weighted({ parts }):fit(rdm.from { tensor { { 3, 4, 0 } } })   --> [0.6 0.8]
function M.weighted(given, ...) return make("weighted", given, WEIGHTED, 1, errors.position(2), ...) end

return M
