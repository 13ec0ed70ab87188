--- lamina.rdm.compare: how alike RDMs are, and how alike they could be.
local common = require "lamina.neural.common"
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local moments = require "lamina.rdm.moments"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local tensor = require "lamina.core.tensor"

local M = {}

--- The measures of likeness by name, of which there are ceilings, fits and resamples, too.
M.methods = { "pearson", "cosine", "whitened_pearson", "whitened_cosine", "spearman", "rho_a", "tau_a", "tau_b" }

--- What rsatoolbox, SciPy and the literature call the measures, for those who ask for them so.
M.called = { kendall = "tau_a", kendall_tau = "tau_a", kendalltau = "tau_b", ["tau-a"] = "tau_a", ["tau-b"] = "tau_b",
  ["rho-a"] = "rho_a", corr = "pearson", correlation = "pearson", cosine_cov = "whitened_cosine",
  corr_cov = "whitened_pearson", cosine_sim = "cosine" }

--- The option that names one.
M.method = { type = "string", default = "tau_a", choices = M.methods, called = M.called,
  doc = "pearson, cosine, whitened_pearson, whitened_cosine, spearman, rho_a, tau_a or tau_b" }

-- A set as it was given: a set, or numbers that rdm.from understands.
local function as_set(value, what, position)
  if sets.is(value) then return value end
  if tensor.is_tensor(value) then
    return sets.make({ vectors = sets.vectors(value, what, position), nan = false }, what, position)
  end
  errors.raise("argument", position, "%s is a %s, expected a set of RDMs (rdm, rdm.load, rdm.from make them)", what,
    type(value))
end

--- Both sets with their stimuli in the order of the second: aligned by id where both have ids, else by position.
function M.align(a, b, position, what_a, what_b)
  a, b = as_set(a, what_a, position), as_set(b, what_b, position)
  if a.id and b.id then
    local word, own = what_a:match "^(.-): (.*)$"
    local aligned, e = errors.try(a.aligned, a, b.id, what_b:match ": (.*)$", own, word)
    if e then errors.raise(e.kind, position, "%s", e.message) end
    a = aligned
  elseif a.n ~= b.n then
    errors.raise("shape", position, "%s is of %d stimuli and %s of %d: give both stimulus ids, and take those that "
      .. "both have with r:at(positions)", what_a, a.n, what_b:match ": (.*)$", b.n)
  end
  return a, b
end

-- Raises for an RDM without any variance, naming it: its correlation has no meaning.
local function check_variance(set, what, position)
  local nan = set.vectors:isnan()
  local most = ops.where(nan, tensor.full({ 1 }, -math.huge, { dtype = "float64" }), set.vectors):max { dim = 2 }
  local least = ops.where(nan, tensor.full({ 1 }, math.huge, { dtype = "float64" }), set.vectors):min { dim = 2 }
  local flat = {}
  for k, same in ipairs(ops.ge(least, most):reshape { -1 }:totable()) do
    if same then flat[#flat + 1] = set.names and set.names[k] or k end
  end
  if #flat > 0 then
    errors.raise("numeric", position, "%s: all dissimilarities of RDM %s are the same (or missing): there is nothing "
      .. "to compare", what, common.some(flat))
  end
end

-- ---- whitening by a covariance of the stimuli -------------------------------------------------------------------

-- Vectors whose dot products are those of dissimilarities in the metric of noise that has covariance sigma over
-- stimuli: second moments of least norm, G = -D/2 + u 1' + 1 u' with G S^-1 1 = 0, then L^-1 G L^-T with S = L L'.
local function whitened(set, sigma, centred)
  local x = set.vectors
  if centred then x = x - x:mean { dim = 2, keepdim = true } end
  local g = core.square(x) * -0.5
  local n, rows = set.n, {}
  local lower = sigma:cholesky()
  local one = tensor.ones({ n, 1 }, { dtype = "float64" })
  local w = sigma:solve(one)
  local a = w:sum():item()
  for k = 1, #set do
    local gw = g[k]:matmul(w)
    local u = gw * (-1 / a) + (w:t():matmul(gw)):item() / (2 * a * a)
    local moment = g[k] + u + u:t()
    local half = ops.triangular_solve(lower, moment, {})
    rows[k] = ops.triangular_solve(lower, half:t():contiguous(), {}):reshape { 1, -1 }
  end
  return ops.concat(rows, { dim = 1 })
end

-- The covariance that was given, n x n; variances are its diagonal.
local function covariance_of(sigma, n, position)
  if sigma.ndim == 1 then sigma = ops.diag_embed(sigma) end
  sigma = sigma:to "float64"
  if sigma.ndim ~= 2 or sigma:size(1) ~= n or sigma:size(2) ~= n then
    errors.raise("shape", position, "compare_rdms: covariance is %s, expected %d x %d (or %d variances)",
      table.concat(sigma.shape, "x"), n, n, n)
  end
  return sigma
end

local function with_covariance(a, b, sigma, method, position)
  if a.missing + b.missing > 0 then
    errors.raise("argument", position, "compare_rdms: pairs are missing, and a covariance of the stimuli is given; "
      .. "whitening by it needs whole RDMs")
  end
  sigma = covariance_of(sigma, a.n, position)
  local x, y = whitened(a, sigma, method == "whitened_pearson"), whitened(b, sigma, method == "whitened_pearson")
  local function unit(t) return t / t:square():sum { dim = 2, keepdim = true }:sqrt() end
  return unit(x):matmul(unit(y):t())
end

-- ---- compare_rdms -----------------------------------------------------------------------------------------------

-- What compare_rdms alone has: measures of second moments need whole RDMs of different stimuli, which no resample is.
local METHODS = table.move(moments.methods, 1, #moments.methods, #M.methods + 1, { table.unpack(M.methods) })

local COMPARE = schema.document("compare_rdms", {
  positional = { "a", "b" },
  a = { type = "any", required = true, doc = "a set of RDMs" },
  b = { type = "any", required = true, doc = "another of the same stimuli" },
  method = { type = "string", default = "tau_a", choices = METHODS, called = M.called, doc = "pearson, cosine, "
    .. "whitened_pearson, whitened_cosine, spearman, rho_a, tau_a, tau_b, bures, bures_metric or neg_riem_dist" },
  covariance = { type = "tensor", doc = "of the stimuli's noise (n x n, or n variances), for the whitened measures "
    .. "and neg_riem_dist; independent and equal if absent" },
  permutations = { type = "integer", min = 1, max = 1000000, doc = "how often the stimuli of each of a are dealt "
    .. "anew "
    .. "for a null distribution" },
  seed = { type = "integer", doc = "of the permutations; the experiment's if absent" },
})

-- What compare_rdms says of a comparison: its second result.
local Compared = {}
Compared.__tostring = function(self)
  return string.format("%s over %d pairs of stimuli%s%s", self.method, self.pairs, M.missing_text(self), self.p
    and string.format("; p from %d permutations: %s", #self.null, table.concat(self.p:totable(), ", ")) or "")
end

-- How many pairs are in every RDM of both sets, and how many are not.
local function count_pairs(a, b)
  if a.missing + b.missing == 0 then return a.vectors:size(2), 0 end
  local hole = a.vectors:isnan():any { dim = 1 }:logical_or(b.vectors:isnan():any { dim = 1 })
  local missing = hole:to "int64":sum():item()
  return a.vectors:size(2) - missing, missing
end

--- Orders of n stimuli, permutations x n, int64.
function M.orders(n, count, seed, purpose)
  local rows = {}
  for k = 1, count do
    rows[k] = tensor.draw { kind = "permutation", shape = { n }, seed = seed, purpose = purpose, step = k }
  end
  return ops.stack(rows, { dim = 1 })
end

-- The likeness by vectors of dissimilarities, and what deals the stimuli of a anew for it.
local function by_vectors(a, b, o, position)
  check_variance(a, "compare_rdms: a", position)
  check_variance(b, "compare_rdms: b", position)
  local function dealt(orders) return core.permute(a.vectors, b.vectors, orders, o.method) end
  if not o.covariance then return core.compare(a.vectors, b.vectors, o.method), dealt end
  if not o.method:find "^whitened" then
    errors.raise("argument", position, "compare_rdms: a covariance belongs to whitened_pearson, whitened_cosine and "
      .. "neg_riem_dist, not to %s", o.method)
  end
  return with_covariance(a, b, o.covariance, o.method, position), dealt
end

-- The same by second moments.
local function by_moments(a, b, o, position)
  if a.missing + b.missing > 0 then
    errors.raise("argument", position, "compare_rdms: %d of %d pairs are missing in some RDM, and %s needs whole "
      .. "RDMs", select(2, count_pairs(a, b)), a.vectors:size(2), o.method)
  end
  for k, set in ipairs { a, b } do
    if not set.vectors:isfinite():all():item() then
      errors.raise("numeric", position, "compare_rdms: %s holds infinite dissimilarities, and %s needs squared "
        .. "distances", k == 1 and "a" or "b", o.method)
    end
  end
  local sigma = o.covariance
  if sigma and o.method ~= "neg_riem_dist" then
    errors.raise("argument", position, "compare_rdms: a covariance belongs to whitened_pearson, whitened_cosine and "
      .. "neg_riem_dist, not to %s", o.method)
  end
  return moments.compare(a, b, o.method, sigma and covariance_of(sigma, a.n, position), position)
end

--- compare_rdms { a, b, method = "tau_a", covariance =, permutations =, seed = }: how alike the RDMs of two sets are:
-- a number where both hold one, else a tensor, a's RDMs x b's. Sets with stimulus ids are aligned by them. A pair of
-- stimuli that is missing (NaN) in any RDM is left out of all; the second result says how many, { pairs =, missing =
-- }. With permutations it also has null (permutations x a's RDMs, the mean likeness with b's when the stimuli are
-- dealt anew) and p, one-sided, for each of a: (1 + how many of the null reach the value) / (1 + permutations).
-- pearson, spearman, cosine; whitened_pearson and whitened_cosine weigh dissimilarities by the covariance that noise
-- gives them (whitened_cosine of whole RDMs is linear CKA); rho_a, tau_a: for RDMs with ties; tau_b. The default,
-- tau_a, is recommended for models that predict ties.
--
-- Of squared distances (squared_euclidean, crossnobis), and of whole RDMs alone, are compared the second moments, as
-- rsatoolbox does: bures, the similarity tr (A^1/2 B A^1/2)^1/2 / (tr A tr B)^1/2 of both around the stimuli's mean,
-- 1 for equal shapes; bures_metric, the squared distance tr A + tr B - 2 tr (A^1/2 B A^1/2)^1/2, 0 for equal RDMs
-- (the null reaches it where it is not above it); neg_riem_dist, minus the Riemannian distance of B from the nearest
-- p A + q S, with p, q > 0 and S the covariance of the noise: 0 for what differs by scale and noise alone. It takes
-- positive definite moments (at least n - 1 channels). rsa and rdm_ceiling, which pool and resample, have the others.
-- > x = randn { 12, 20 }
-- > a, b = rdm { x }, rdm { x + 0.5 * randn { 12, 20 } }
-- > compare_rdms { a, a }, compare_rdms { a, b, method = "spearman" } > 0.5   --> 1.0 true
function M.compare_rdms(given, ...)
  local position = errors.position(2)
  schema.alone("compare_rdms", "compare_rdms { a, b, method = \"tau_a\" }", position, ...)
  local o = schema.check("compare_rdms", given, COMPARE, position)
  local a, b = M.align(o.a, o.b, position, "compare_rdms: a", "compare_rdms: b")
  if o.permutations and o.covariance then
    errors.raise("argument", position, "compare_rdms: permutations need exchangeable stimuli: take no covariance")
  end
  return tensor.no_grad(function()
    local value, dealt = (moments.is(o.method) and by_moments or by_vectors)(a, b, o, position)
    local pairs_, missing = count_pairs(a, b)
    local info = setmetatable({ pairs = pairs_, missing = missing, method = o.method }, Compared)
    if o.permutations then
      info.null = dealt(M.orders(a.n, o.permutations, o.seed or tensor.seed(), "compare_rdms.permutations"))
      local reaches = o.method == "bures_metric" and ops.le or ops.ge
      local reached = reaches(info.null, value:mean(2):reshape { 1, -1 }):to "float64":sum(1)
      info.p = (reached + 1) / (o.permutations + 1)
    end
    if #a == 1 and #b == 1 then value = value:item() end
    return value, info
  end)
end

-- ---- ceilings ---------------------------------------------------------------------------------------------------

local CEILING = schema.document("rdm_ceiling", {
  positional = { "data" },
  data = { type = "any", required = true, doc = "an RDM for each subject" },
  method = M.method,
})

local Ceiling = { __name = "rdm ceiling" }
Ceiling.__index = object.index("a ceiling of RDMs", Ceiling)

Ceiling.__tostring = function(self)
  return string.format("noise ceiling of %d RDMs (%s): %.3f (lower, the others' pool) to %.3f (upper, everybody's)%s",
    self.n, self.method, self.lower, self.upper, M.missing_text(self))
end

--- ceiling:results(): a list of { metric =, value =, label =, what = } for report: the lower ceiling, the upper one.
-- > subjects = rdm.from { rand { 3, 45 } }
-- > rdm_ceiling({ subjects }):results()[1].metric   --> lower ceiling (tau_a)
function Ceiling:results()
  local list = {}
  for i, name in ipairs { "lower", "upper" } do
    list[i] = { metric = string.format("%s ceiling (%s)", name, self.method), value = self[name], label = self.label,
      what = string.format("of %d RDMs%s", self.n, M.missing_text(self)) }
  end
  return list
end

--- What print says of pairs that are missing in some RDM, of what has pairs and missing.
function M.missing_text(of)
  return of.missing > 0 and string.format("; %d of %d pairs, missing in some RDM, left out of all", of.missing,
    of.pairs + of.missing) or ""
end

--- rdm_ceiling { data, method = "tau_a" }: how well a model could do: { lower =, upper =, n =, method =, pairs =,
-- missing = } (pairs that are missing in some RDM are left out of all). The upper
-- ceiling is the mean likeness of each subject to the RDM pooled from all, which no model can pass by much; the lower
-- to that pooled from the others (Nili et al. 2014). The pool is the mean of RDMs of unit root mean square (cosine)
-- or of standard scores (pearson), or of ranks (spearman, rho_a, tau_a, tau_b, for which it is close to the best).
-- Sessions of a subject are averaged first: r:averaged(subjects).
-- > x = randn { 10, 30 }
-- > subjects = {}
-- > for i = 1, 3 do subjects[i] = rdm { x + randn { 10, 30 } } end
-- > c = rdm_ceiling { rdm.join(subjects), method = "pearson" }
-- > c.n, c.lower < c.upper   --> 3 true
function M.rdm_ceiling(given, ...)
  local position = errors.position(2)
  schema.alone("rdm_ceiling", "rdm_ceiling { data, method = \"tau_a\" }", position, ...)
  if tensor.is_tensor(given) or sets.is(given) then given = { given } end
  local o = schema.check("rdm_ceiling", given, CEILING, position)
  local data = as_set(o.data, "rdm_ceiling: data", position)
  if #data < 2 then
    errors.raise("argument", position, "rdm_ceiling: data hold %d RDM, expected at least 2 subjects: a ceiling says "
      .. "how "
      .. "well subjects predict each other", #data)
  end
  check_variance(data, "rdm_ceiling: data", position)
  local both = core.ceiling(data.vectors, o.method):totable()
  local pairs_, missing = count_pairs(data, data)
  return setmetatable({ lower = both[1], upper = both[2], n = #data, method = o.method, pairs = pairs_,
    missing = missing, label = data.vectors.close and "close" or "exact" }, Ceiling)
end

M.as_set, M.check_variance = as_set, check_variance

return M
