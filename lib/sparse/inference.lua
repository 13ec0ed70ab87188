--- lamina.sparse.inference: coefficients that minimise the energy, for many patches at a time.
--
-- Everything rests on two products, b = x Phi' and G = Phi Phi', so that an iteration costs patches x bases^2.
local errors = require "lamina.errors"
local fit = require "lamina.core.fit"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

--- The sparseness functions S(u), with their first derivatives and a bound of the second from above 0.
M.penalties = {
  log = { value = function(u) return (u:square() + 1):log() end,
    slope = function(u) return u * 2 / (u:square() + 1) end,
    bend = function(u)
      local s = u:square() + 1
      return ((2 - u:square()) * 2 / s:square()):clamp(0, 2)
    end },
  abs = { value = function(u) return u:abs() end, slope = function(u) return u:sign() end,
    bend = function(u) return u * 0 end },
  exp = { value = function(u) return -(-u:square()):exp() end,
    slope = function(u) return u * 2 * (-u:square()):exp() end,
    bend = function(u) return ((1 - u:square() * 2) * 2 * (-u:square()):exp()):clamp(0, 2) end },
}

local METHODS = { "cg", "ista", "fista", "lca", "cd" }

local INFER = schema.document("sparse.infer", {
  positional = { "x", "bases" },
  x = { type = "tensor", required = true, doc = "patches x pixels" },
  bases = { type = "tensor", required = true, doc = "bases x pixels" },
  sparseness = { type = "string", default = "log", choices = { "log", "abs", "exp" },
    doc = "S(u): log(1 + u^2), |u| or -exp(-u^2)" },
  beta = { type = "number", default = 0.14, min = 0, doc = "weight of sparseness" },
  sigma = { type = "number", default = math.sqrt(0.1), above = 0, doc = "the scale of coefficients" },
  method = { type = "string", choices = METHODS,
    doc = "cg for any S; ista, fista, lca and cd for abs; cd is the "
    .. "fastest. Default: fista for abs, else cg" },
  iterations = { type = "integer", min = 1,
    doc = "at most (of cd: sweeps over a patch's coefficients); default 10 of cg, 1000 of the others" },
  tolerance = { type = "number", min = 0,
    doc = "ends when E of all patches falls by less than this share; default 0.01 "
    .. "of cg, 1e-7 of the others. Of cd: see its text; 1e-4" },
  rate = { type = "number", default = 0.1, above = 0, max = 1, doc = "of lca: the step over its time constant" },
  start = { type = "tensor",
    doc = "coefficients to begin from; default: x . phi / |phi|^2 for cg, 0 for the others" },
  trace = { type = "boolean", default = false,
    doc = "also return E after each iteration, summed over patches (of cd: at the end only)" },
})

--- Refuses patches, bases and coefficients that do not fit together.
function M.check_shapes(what, x, bases, a, position)
  if x.ndim ~= 2 or bases.ndim ~= 2 or x:size(2) ~= bases:size(2) then
    errors.raise("shape", position, "%s: patches are %s and bases %s, expected N x pixels and K x pixels", what,
      table.concat(x.shape, "x"), table.concat(bases.shape, "x"))
  end
  if a and (a.ndim ~= 2 or #a ~= #x or a:size(2) ~= #bases) then
    errors.raise("shape", position, "%s: coefficients are %s, expected %d x %d", what, table.concat(a.shape, "x"), #x,
      #bases)
  end
end

local function energy_of(o, residual, a)
  local S = M.penalties[o.sparseness]
  return residual:square():sum { dim = 2 } * 0.5 + S.value(a / o.sigma):sum { dim = 2 } * (o.beta * o.sigma)
end

local PART = { sparseness = INFER.sparseness, beta = INFER.beta, sigma = INFER.sigma }

local function parts(what, x, bases, a, given, position)
  local o = schema.check(what, given or {}, PART, position)
  M.check_shapes(what, x, bases, a, position)
  return o
end

--- sparse.energy(x, bases, a, { sparseness = "log", beta = 0.14, sigma = 0.316 }): the energy of each patch, 1/2 |x
-- - a Phi|^2 + beta sigma sum S(a / sigma) (Olshausen & Field 1996, eq. 2-4): N numbers.
-- > x, bases, a = tensor { { 1, 1 } }, eye(2), tensor { { 0.8, 0 } }
-- > sparse.energy(x, bases, a, { sparseness = "abs", beta = 0.2, sigma = 1 })   --> [0.68]
function M.energy(x, bases, a, options)
  local o = parts("sparse.energy", x, bases, a, options, errors.position(2))
  return energy_of(o, x - a:matmul(bases), a)
end

--- sparse.gradient(x, bases, a, options): the derivative of the energy by the coefficients, N x K: a G - b + beta
-- S'(a / sigma), b = x Phi', G = Phi Phi'. Options as in sparse.energy.
-- > x, bases, a = tensor { { 1, 1 } }, eye(2), tensor { { 0.5, 0.25 } }
-- > sparse.gradient(x, bases, a, { sparseness = "abs", beta = 0.25, sigma = 1 })   --> [[-0.25 -0.5]]
function M.gradient(x, bases, a, options)
  local o = parts("sparse.gradient", x, bases, a, options, errors.position(2))
  local S = M.penalties[o.sparseness]
  return a:matmul(bases:matmul(bases:t())) - x:matmul(bases:t()) + S.slope(a / o.sigma) * o.beta
end

-- E by way of b and G: 1/2 |x|^2 - a . b + 1/2 a G a + sparseness, with aG at hand.
local function energy_from(o, S, half, b, a, aG)
  return half + (a * (aG * 0.5 - b) + S.value(a / o.sigma) * (o.beta * o.sigma)):sum { dim = 2, keepdim = true }
end

-- Conjugate gradients (Polak & Ribiere), every patch along its own line: a Newton step with curvature from above 0,
-- halved where E would rise.
local function conjugate(o, b, G, half, a)
  local S = M.penalties[o.sparseness]
  local aG = a:matmul(G)
  local E = energy_from(o, S, half, b, a, aG)
  local before, direction, trace = nil, nil, {}
  for k = 1, o.iterations do
    local g = aG - b + S.slope(a / o.sigma) * o.beta
    local size = g:square():sum { dim = 2, keepdim = true }
    if k == 1 then
      direction = -g
    else
      local turn = ((g * (g - before.g)):sum { dim = 2, keepdim = true } / before.size:clamp(1e-30, 1e30)):clamp(0,
        1e6)
      direction = direction * turn - g
      local down = (direction * g):sum({ dim = 2, keepdim = true }):lt(0)
      direction = ops.where(down, direction, -g)
    end
    before = { g = g, size = size }
    local dG = direction:matmul(G)
    local slope = (direction * g):sum { dim = 2, keepdim = true }
    local bend = (direction * dG + direction:square() * S.bend(a / o.sigma) * (o.beta / o.sigma))
      :sum { dim = 2, keepdim = true }
    local step = -slope / bend:clamp(1e-30, 1e30)
    local next_a, next_G, next_E
    for _ = 1, 6 do
      next_a, next_G = a + direction * step, aG + dG * step
      next_E = energy_from(o, S, half, b, next_a, next_G)
      local worse = next_E:gt(E)
      if not worse:any():item() then break end
      step = ops.where(worse, step * 0.5, step)
    end
    local better = next_E:lt(E)
    a, aG = ops.where(better, next_a, a), ops.where(better, next_G, aG)
    local sum = E:sum():item()
    E = ops.where(better, next_E, E)
    local after = E:sum():item()
    trace[k] = after
    if sum - after <= o.tolerance * math.abs(sum) then break end
  end
  return a, trace
end

local function shrink(u, by) return ops.sign(u) * (u:abs() - by):relu() end

-- Proximal gradient descent (Daubechies, Defrise & De Mol 2004), with momentum (Beck & Teboulle 2009).
local function proximal(o, b, G, half, a, momentum)
  local S, trace = M.penalties.abs, {}
  local step = 1 / ops.eigvalsh(G:to "float64"):max():item()
  local y, t, last = a, 1, nil
  for k = 1, o.iterations do
    local next_a = shrink(y - (y:matmul(G) - b) * step, o.beta * step)
    if momentum then
      local after = (1 + math.sqrt(1 + 4 * t * t)) / 2
      y, t = next_a + (next_a - a) * ((t - 1) / after), after
    else
      y = next_a
    end
    a = next_a
    trace[k] = energy_from(o, S, half, b, a, a:matmul(G)):sum():item()
    if last and math.abs(last - trace[k]) <= o.tolerance * math.abs(last) then break end
    last = trace[k]
  end
  return a, trace
end

-- Locally competitive algorithm (Rozell, Johnson, Baraniuk & Olshausen 2008): tau du/dt = b - u - a (G - I).
local function competitive(o, b, G, half, start)
  local S, trace, last = M.penalties.abs, {}, nil
  local u, a = start, shrink(start, o.beta)
  for k = 1, o.iterations do
    u = u + (b - u - a:matmul(G) + a) * o.rate
    a = shrink(u, o.beta)
    trace[k] = energy_from(o, S, half, b, a, a:matmul(G)):sum():item()
    if last and math.abs(last - trace[k]) <= o.tolerance * math.abs(last) then break end
    last = trace[k]
  end
  return a, trace
end

-- Coordinate descent, every patch by itself (Friedman, Hastie & Tibshirani 2010; runtime/kernels/sparse.c).
local function descent(o, b, G, half)
  local a = fit.lasso(b, G, o.beta, o.tolerance, o.iterations, o.start)
  return a, o.trace and { energy_from(o, M.penalties.abs, half, b, a, a:matmul(G)):sum():item() } or {}
end

--- The same as sparse.infer for options that are checked already.
function M.run(o)
  local x, bases = o.x, o.bases
  local b, G = x:matmul(bases:t()), bases:matmul(bases:t())
  local half = x:square():sum { dim = 2, keepdim = true } * 0.5
  local a = o.start
  if o.method == "cg" then
    if not a then a = b / bases:square():sum({ dim = 2 }):clamp(1e-30, 1e30):reshape { 1, -1 } end
    return conjugate(o, b, G, half, a)
  end
  if o.method == "cd" then return descent(o, b, G, half) end
  a = a or b * 0
  if o.method == "lca" then return competitive(o, b, G, half, a) end
  return proximal(o, b, G, half, a, o.method == "fista")
end

--- sparse.infer { x, bases, sparseness = "log", beta = 0.14, sigma = 0.316, method =, iterations =, tolerance =,
-- rate = 0.1, start =, trace = false }: the coefficients (N x K) that minimise the energy of every patch (x, N x
-- pixels) under bases (K x pixels). method "cg": conjugate gradients, for every sparseness, 10 iterations or until E
-- falls by less than 1 % (the released code's numbers); "ista", "fista" (steps of 1 / the largest eigenvalue of Phi
-- Phi') and "lca" (dynamics of competing units; bases of norm 1 or less) for sparseness "abs", and "cd": coordinate
-- descent, each patch for itself until its optimality conditions hold (the gradient of the squared error is beta at a
-- coefficient that is not 0, at most beta elsewhere) to within `tolerance` times its largest |x . phi|; several
-- times faster than fista. With trace = true also the list of E after each iteration.
-- > x, bases = tensor { { 1, 0.1 } }, eye(2)
-- > sparse.infer { x, bases, sparseness = "abs", beta = 0.2, sigma = 1, method = "fista" }   --> [[0.8 0.]]
function M.infer(given, ...)
  local position = errors.position(2)
  schema.alone("sparse.infer", "sparse.infer { x, bases }", position, ...)
  local o = schema.check("sparse.infer", given, INFER, position)
  M.check_shapes("sparse.infer", o.x, o.bases, o.start, position)
  M.settle(o, "sparse.infer", position)
  return tensor.no_grad(function()
    local a, trace = M.run(o)
    if o.trace then return a, trace end
    return a
  end)
end

local TOLERANCE = { cg = 0.01, cd = 1e-4 }

--- Fills in what depends on the method, and refuses what does not fit.
function M.settle(o, what, position)
  o.method = o.method or (o.sparseness == "abs" and "fista" or "cg")
  if o.method ~= "cg" and o.sparseness ~= "abs" then
    errors.raise("argument", position, "%s: %s minimises sparseness = \"abs\" only; say method = \"cg\" for '%s'",
      what,
      o.method, o.sparseness)
  end
  o.iterations = o.iterations or (o.method == "cg" and 10 or 1000)
  o.tolerance = o.tolerance or TOLERANCE[o.method] or 1e-7
end

M.fields = INFER

return M
