--- lamina.similarity: how alike two representations of the same items are: CKA, SVCCA, PWCCA, Procrustes.
-- Each takes responses x (items x features) and y (the same items x other features), or sets of both, whose features
-- need not correspond. Columns are centred. What is invariant: CKA and Procrustes to rotations and to one scale for
-- all, (SV, PW)CCA to every invertible map within the directions that are kept.
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local PAIR = {
  positional = { "x", "y" },
  x = { type = { "tensor", "table" }, required = true, doc = "items x features (more axes are taken as features), or "
    .. "an assembly: its mean responses" },
  y = { type = { "tensor", "table" }, required = true, doc = "the same items x features; of two assemblies the "
    .. "stimuli "
    .. "are matched by stimulus_id" },
}

local function fields(more)
  return merged(PAIR, more)
end

-- Assemblies as matrices whose rows are those of the same stimuli.
local function matrices(o, word, position)
  local assemblies, common = require "lamina.neural.assembly", require "lamina.neural.common"
  local x, y = o.x, o.y
  for _, side in ipairs { "x", "y" } do
    if assemblies.is_assembly(o[side]) then
      o[side] = assemblies.matrix(o[side], false, word, position)
    elseif not tensor.is_tensor(o[side]) then
      errors.raise("argument", position, "%s: %s is a table, expected a tensor or an assembly", word, side)
    end
  end
  if assemblies.is_assembly(x) and assemblies.is_assembly(y) then
    local ids, others = x.stimulus.stimulus_id, y.stimulus.stimulus_id
    local rows = common.align(ids, others, "x (" .. x.name .. ")", "y (" .. y.name .. ")", position, word)
    common.align(others, ids, "y (" .. y.name .. ")", "x (" .. x.name .. ")", position, word)
    o.y = o.y:index_select(common.index(rows), { dim = 1 })
  end
end

local function read(word, given, spec, least, position)
  local o = schema.check(word, given, spec, position)
  matrices(o, word, position)
  for _, side in ipairs { "x", "y" } do
    local t = o[side]
    if t.ndim < 2 then
      errors.raise("shape", position, "%s: %s has one axis, expected items x features", word, side)
    end
    t = t:reshape { #t, -1 }:to "float64"
    local holes = t:isfinite():logical_not():to "int64":sum():item()
    if holes > 0 then
      errors.raise("numeric", position, "%s: %s holds NaN or infinite values (%d of %d): leave such items or "
        .. "features out", word, side, holes, t:count())
    end
    o[side] = t - t:mean { dim = 1, keepdim = true }
    if o[side]:square():sum():item() == 0 then
      errors.raise("numeric", position, "%s: all items of %s are the same: there is nothing to compare", word, side)
    end
  end
  if #o.x ~= #o.y then
    errors.raise("shape", position, "%s: x holds %d items and y %d: both must be of the same items, in the same "
      .. "order",
      word, #o.x, #o.y)
  end
  if #o.x < least then
    errors.raise("argument", position, "%s: %d items, expected at least %d", word, #o.x, least)
  end
  return o
end

-- ---- CKA ---------------------------------------------------------------------------------------------------------

local CKA = schema.document("cka", fields {
  kernel = { type = "string", default = "linear", choices = { "linear", "rbf" }, doc = "of the items" },
  sigma = { type = "number", default = 1, above = 0, doc = "rbf: the width, in units of the median distance of "
    .. "items" },
  unbiased = { type = "boolean", default = true, doc = "the estimate whose bias does not grow with the features "
    .. "(Song et al. 2012); it may be below 0" },
})

local function kernel_of(x, o)
  if o.kernel == "linear" then return x:matmul(x:t()) end
  local squares = ops.cdist(x, x, { squared = true })
  local among = require("lamina.core.rdm").condense(squares:reshape { 1, #x, #x })
  local median = require("lamina.core.stats").quantile(among:sqrt(), { 0.5 }):reshape({ -1 })[1]
  return (squares * (-0.5 / (o.sigma * median) ^ 2)):exp()
end

local function hsic(k, l, unbiased)
  local n = #k
  if not unbiased then
    local function centred(t)
      local rows = t:mean { dim = 1, keepdim = true }
      return t - rows - rows:t() + rows:mean()
    end
    return (centred(k) * centred(l)):sum():item()
  end
  local hollow = 1 - tensor.eye(n, { dtype = "float64" })
  k, l = k * hollow, l * hollow
  local a, b = k:sum(1), l:sum(1)
  return ((k * l):sum():item() + a:sum():item() * b:sum():item() / ((n - 1) * (n - 2))
    - 2 / (n - 2) * (a * b):sum():item()) / (n * (n - 3))
end

--- The alignment of two kernels of the same items, n x n.
function M.alignment(k, l, unbiased)
  return hsic(k, l, unbiased) / math.sqrt(hsic(k, k, unbiased) * hsic(l, l, unbiased))
end

--- cka { x, y, kernel = "linear", sigma = 1, unbiased = true }: centred kernel alignment (Kornblith, Norouzi, Lee &
-- Hinton 2019), a number, 1 for representations that are the same but for rotation and scale. With unbiased = false
-- it grows with the number of features, whatever they hold; of linear kernels it is then the whitened cosine of the
-- two RDMs.
-- > x = randn { 50, 10 }
-- > cka { x, x * 3 }   --> 0.9999999999999991
function M.cka(given, ...)
  local position = errors.position(2)
  schema.alone("cka", "cka { x, y }", position, ...)
  local o = read("cka", given, CKA, 4, position)
  return tensor.no_grad(function()
    return M.alignment(kernel_of(o.x, o), kernel_of(o.y, o), o.unbiased)
  end)
end

-- ---- canonical correlations ---------------------------------------------------------------------------------------

local CCA = fields {
  variance = { type = "number", default = 0.99, above = 0, max = 1, doc = "of each side that the kept directions "
    .. "hold" },
}

-- An orthonormal basis (items x k) of the leading directions of x, which hold this share of its variance, and x among
-- them. Directions that hold less than rounding leaves are no directions.
local function leading(x, share)
  local u, s = ops.svd(x, { method = "exact" })
  local list, sum, total, keep = s:totable(), 0, s:square():sum():item(), 0
  for _, value in ipairs(list) do
    if value <= 1e-10 * list[1] or sum >= share * total * (1 - 1e-12) then break end
    sum, keep = sum + value * value, keep + 1
  end
  return u[{ {}, { 1, keep } }], s[{ { 1, keep } }]
end

local function correlations(word, given, position)
  local o = read(word, given, CCA, 3, position)
  local a, sa = leading(o.x, o.variance)
  local b = leading(o.y, o.variance)
  if a:size(2) >= #a - 1 or b:size(2) >= #b - 1 then
    errors.raise("argument", position, "%s: %d items span no more than the %d and %d directions that are kept, and "
      .. "any "
      .. "two such spaces correlate fully: give more items, or a smaller variance", word, #a, a:size(2), b:size(2))
  end
  local u, s = ops.svd(a:t():matmul(b), { method = "exact" })
  return s:clamp { high = 1 }, a:matmul(u), a * sa:reshape { 1, -1 }
end

schema.document("svcca", CCA)
schema.document("pwcca", CCA)

--- svcca { x, y, variance = 0.99 }: the mean of the canonical correlations between the leading singular directions of
-- x and y (Raghu, Gilmer, Yosinski & Sohl-Dickstein 2017), and the correlations themselves, largest first.
-- > x = randn { 50, 5 }
-- > likeness, correlations = svcca { x, x:matmul(randn { 5, 5 }), variance = 1 - 1e-9 }
-- > likeness > 0.999, correlations.shape   --> true { 5 }
function M.svcca(given, ...)
  local position = errors.position(2)
  schema.alone("svcca", "svcca { x, y }", position, ...)
  return tensor.no_grad(function()
    local s = correlations("svcca", given, position)
    return s:mean():item(), s
  end)
end

--- pwcca { x, y, variance = 0.99 }: the same weighed by how much of x each canonical direction carries (Morcos, Raghu
-- & Bengio 2018); not symmetric.
-- > x = randn { 50, 5 }
-- > pwcca { x, x * 2 + 1 } > 0.999, pwcca { x, randn { 50, 5 } } < 0.7   --> true true
function M.pwcca(given, ...)
  local position = errors.position(2)
  schema.alone("pwcca", "pwcca { x, y }", position, ...)
  return tensor.no_grad(function()
    local s, variates, x = correlations("pwcca", given, position)
    local weight = variates:t():matmul(x):abs():sum(2)
    weight = weight[{ { 1, #s } }]
    return ((weight * s):sum() / weight:sum()):item(), s
  end)
end

-- ---- Procrustes ---------------------------------------------------------------------------------------------------

schema.document("procrustes", PAIR)

--- procrustes { x, y }: orthogonal Procrustes: of representations of unit size, the squared distance that the best
-- rotation (and reflection) leaves, 2 - 2 s, from 0 to 2, and the similarity s, the sum of the singular values of x'y
-- (Williams, Kunz, Kornblith & Linderman 2021).
-- > x, angle = randn { 30, 2 }, 0.7
-- > turn = tensor { { math.cos(angle), -math.sin(angle) }, { math.sin(angle), math.cos(angle) } }
-- > distance, similarity = procrustes { x, 3 * x:matmul(turn) }
-- > math.abs(distance) < 1e-5, similarity > 0.9999   --> true true
function M.procrustes(given, ...)
  local position = errors.position(2)
  schema.alone("procrustes", "procrustes { x, y }", position, ...)
  local o = read("procrustes", given, PAIR, 3, position)
  return tensor.no_grad(function()
    local function unit(t)
      t = t / t:square():sum():sqrt()
      if t:size(2) <= #t then return t end
      local _, r = ops.qr(t:t():contiguous(), {}) -- only the span of the items matters
      return r:t()
    end
    local s = math.min(1, ops.svdvals(unit(o.x):t():matmul(unit(o.y)), { method = "exact" }):sum():item())
    return 2 - 2 * s, s
  end)
end

return M
