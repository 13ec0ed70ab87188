--- lamina.rdm.moments: how alike RDMs are by their second moments: Bures similarity and metric, Riemannian distance.
--
-- Squared distances D give the stimuli's second moment G, the products of the points whose distances they are: around
-- their mean, G = -J D J / 2 with J = I - 1 1' / n (Bures), or from the first stimulus, g_ij = (d_1i + d_1j - d_ij)
-- / 2 (Riemann, n - 1 stimuli). With trace tr and matrix root,
--   bures          tr (A^1/2 B A^1/2)^1/2 / (tr A tr B)^1/2, from 0 to 1, whatever their sizes
--   bures_metric   tr A + tr B - 2 tr (A^1/2 B A^1/2)^1/2: a squared distance, 0 for equal RDMs
--   neg_riem_dist  minus the least, over p, q > 0, of the root of the sum of squared logarithms of the eigenvalues of
--                  p A + q S against B, S being the covariance of the noise: 0 where B is A scaled, with noise added
-- These are the definitions of rsatoolbox 0.3.2 to the letter, its search for p and q (the downhill simplex of Nelder
-- & Mead 1965 from p = q = 1, as SciPy runs it, to 1e-4) included. Eigenvalues are the runtime's own: exact.
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

--- The methods by name.
M.methods = { "bures", "bures_metric", "neg_riem_dist" }

--- Whether this is one.
function M.is(method)
  for _, name in ipairs(M.methods) do
    if name == method then return true end
  end
  return false
end

local EXACT, EPSILON = { method = "exact" }, 2 ^ -52

local function name_of(set, k) return set.names and set.names[k] or k end

-- ---- Bures -------------------------------------------------------------------------------------------------------

-- The second moments of a set around the mean of the stimuli, k x n x n, and their traces; none may be nothing.
local function centred(set, what, position)
  local g = core.square(set.vectors) * -0.5
  local mean = g:mean { dim = 2, keepdim = true }
  g = g - mean - mean:transpose(2, 3) + mean:mean { dim = 3, keepdim = true }
  local traces = ops.diagonal(g, { dim1 = 2, dim2 = 3 }):sum { dim = 2 }:totable()
  for k, trace in ipairs(traces) do
    if trace <= 0 or trace ~= trace then
      errors.raise("numeric", position, "%s: the dissimilarities of RDM %s add up to %.4g: bures compares squared "
        .. "distances, whose sum is above 0", what, name_of(set, k), trace * set.n)
    end
  end
  return g, traces
end

-- The roots of symmetric matrices (k x n x n), what is below 0 counting as 0, and for each whether nothing is, by
-- more than rounding.
local function roots(g)
  local w, v = ops.eigh(g, EXACT)
  local noise = w:abs():max { dim = 2, keepdim = true } * (w:size(2) * EPSILON)
  local whole = ops.ge(w, -noise):all { dim = 2 }:totable()
  w = ops.where(ops.gt(w, noise), w, noise * 0):sqrt()
  return (v * w:unsqueeze(-2)):matmul(v:transpose(-2, -1)), whole
end

-- A function of the number of an RDM of a and an order of its stimuli (nil: as they are): its likeness with each of
-- b. tr (A^1/2 B A^1/2)^1/2 is the sum of the singular values of A^1/2 B^1/2, which keeps twice the digits where B
-- has a root; rsatoolbox takes roots of eigenvalues.
local function bures(a, b, metric, position)
  local ga, ta = centred(a, "compare_rdms: a", position)
  local gb, tb = centred(b, "compare_rdms: b", position)
  local root_a = roots(ga)
  local root_b, whole = roots(gb)
  return function(k, order)
    local half, row = root_a[k], {}
    if order then half = half:index_select(order, { dim = 1 }):index_select(order, { dim = 2 }) end
    for j = 1, #b do
      local shared = whole[j] and ops.svdvals(half:matmul(root_b[j]), EXACT)
        or ops.eigvalsh(half:matmul(gb[j]):matmul(half), EXACT):clamp { low = 0 }:sqrt()
      shared = shared:sum():item()
      row[j] = metric and ta[k] + tb[j] - 2 * shared or shared / math.sqrt(ta[k] * tb[j])
    end
    return row
  end
end

-- ---- the downhill simplex ----------------------------------------------------------------------------------------

local TOLERANCE, NEARBY = 1e-4, 0.00025

-- Its first corners, best first: the start (zeros) and a step along each axis.
local function corners(f, n)
  local list = {}
  for k = 0, n do
    local x = {}
    for i = 1, n do x[i] = i == k and NEARBY or 0 end
    list[k + 1] = { x = x, f = f(x) }
  end
  return list
end

-- Sorted by value, equal ones in the order they had.
local function sort(list)
  for i = 2, #list do
    local corner, at = list[i], i
    while at > 1 and list[at - 1].f > corner.f do list[at], at = list[at - 1], at - 1 end
    list[at] = corner
  end
end

local function settled(list)
  for k = 2, #list do
    if math.abs(list[k].f - list[1].f) > TOLERANCE then return false end
    for i, x in ipairs(list[k].x) do
      if math.abs(x - list[1].x[i]) > TOLERANCE then return false end
    end
  end
  return true
end

-- One step: the worst corner reflected, and then stretched or drawn in, or all drawn to the best. value gives nil
-- where it may not be asked any more, and the step ends.
local function step(list, value)
  local last, n = #list, #list - 1
  local worst, middle = list[last], {}
  for i = 1, n do
    middle[i] = 0
    for k = 1, n do middle[i] = middle[i] + list[k].x[i] end
    middle[i] = middle[i] / n
  end
  local function at(reach) -- the worst corner's image: reach 1 is its reflection, -0.5 half the way to the middle
    local x = {}
    for i = 1, n do x[i] = (1 + reach) * middle[i] - reach * worst.x[i] end
    return { x = x, f = value(x) }
  end
  local image = at(1)
  if not image.f then return end
  if image.f < list[1].f then
    local far = at(2)
    if far.f then list[last] = far.f < image.f and far or image end
    return
  elseif image.f < list[n].f then
    list[last] = image
    return
  end
  local outside = image.f < worst.f
  local near = at(outside and 0.5 or -0.5)
  if not near.f then return end
  if outside and near.f <= image.f or not outside and near.f < worst.f then
    list[last] = near
    return
  end
  for k = 2, last do
    local x = list[k].x
    for i = 1, n do x[i] = list[1].x[i] + 0.5 * (x[i] - list[1].x[i]) end
    list[k].f = value(x) or list[k].f
  end
end

--- The least value that the downhill simplex of Nelder & Mead finds of f, a function of a list of n numbers, from
-- zeros: SciPy's, with its coefficients, tolerances (1e-4) and limit (200 n values of f).
function M.downhill(f, n)
  local asked, steps = n + 1, 1
  local function value(x)
    if asked == 200 * n then return nil end
    asked = asked + 1
    return f(x)
  end
  local list = corners(f, n)
  sort(list)
  while asked < 200 * n and steps < 200 * n and not settled(list) do
    step(list, value)
    steps = steps + 1
    sort(list)
  end
  return list[1].f
end

-- ---- Riemann -----------------------------------------------------------------------------------------------------

-- The second moments of a set from the first stimulus: k x (n - 1) x (n - 1).
local function from_first(set)
  local d = core.square(set.vectors)
  local inner, first = d[{ {}, { 2, -1 }, { 2, -1 } }], d[{ {}, { 2, -1 }, { 1, 1 } }]
  return (first + first:transpose(2, 3) - inner) * 0.5
end

-- A covariance of n stimuli as that of their differences from the first, n - 1.
local function less_first(s)
  local rest, one = { 2, -1 }, { 1, 1 }
  return s[{ rest, rest }] - s[{ rest, one }] - s[{ one, rest }] + s[{ one, one }]
end

-- L^-1 m L^-T.
local function seen_from(lower, m)
  local half = ops.triangular_solve(lower, m, {})
  return ops.triangular_solve(lower, half:t():contiguous(), {})
end

local function not_positive(set, k, what, position)
  errors.raise("numeric", position, "%s: the second moment of RDM %s is not positive definite: neg_riem_dist "
    .. "compares squared distances of points in general position, of at least as many channels as stimuli less one",
    what, name_of(set, k))
end

-- The distance from p A + q S to B, least over p and q; nil where there is none.
local function distance(a, s, lower)
  local near_a, near_s = seen_from(lower, a), seen_from(lower, s)
  local function far(theta)
    local w = ops.eigvalsh(near_a * math.exp(theta[1]) + near_s * math.exp(theta[2]), EXACT)
    local d = w:log():square():sum():sqrt():item()
    return d == d and d or math.huge
  end
  local least = M.downhill(far, 2)
  return least < math.huge and least or nil
end

local function riemann(a, b, sigma, position)
  local ga, gb, lower = from_first(a), from_first(b), {}
  for k = 1, #b do
    local factor, e = errors.try(ops.cholesky, gb[k])
    if e and e.kind ~= "numeric" then error(e, 0) end
    if not factor then not_positive(b, k, "compare_rdms: b", position) end
    lower[k] = factor
  end
  local s = less_first(sigma or tensor.eye(a.n, { dtype = "float64" }))
  return function(k, order)
    local g, row = order and from_first(a:of(k):at(order:totable()))[1] or ga[k], {}
    for j = 1, #b do
      local least = distance(g, s, lower[j]) or not_positive(a, k, "compare_rdms: a", position)
      row[j] = -least
    end
    return row
  end
end

-- ---- comparing ---------------------------------------------------------------------------------------------------

--- How alike the RDMs of sets a and b (aligned, nothing missing) are, a's x b's. sigma: the covariance of the noise
-- (n x n; neg_riem_dist), equal and independent if absent. The second result deals the stimuli of a anew: given
-- orders (permutations x n), the mean likeness with b's, permutations x a's.
function M.compare(a, b, method, sigma, position)
  local row = method == "neg_riem_dist" and riemann(a, b, sigma, position)
    or bures(a, b, method == "bures_metric", position)
  local nothing = (a.vectors[1][1] + b.vectors[1][1] + (sigma and sigma[1][1] or 0)) * 0 -- close where one of them is
  local function all(count, of)
    local rows = {}
    for k = 1, count do rows[k] = of(k) end
    return tensor.tensor(rows, { dtype = "float64" }) + nothing
  end
  return all(#a, row), function(orders)
    return all(#orders, function(p)
      local means = {}
      for k = 1, #a do
        local sum, values = 0, row(k, orders[p])
        for _, value in ipairs(values) do sum = sum + value end
        means[k] = sum / #values
      end
      return means
    end)
  end
end

return M
