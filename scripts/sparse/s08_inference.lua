-- s08_inference.lua: SYSTEMS S08. Three ways to the same coefficients, for S = |u|: ISTA, FISTA and the locally
-- competitive algorithm; how many iterations the first two take; and sparse codes that were planted, found again.
--
-- Data: natural-images (whitened); without it patches of 1/f noise, whitened, take their place.
local p = experiment "s08-inference" { seed = 1, params = { patches = 100, bases = 192, size = 12 },
  about = "Sparse inference: ISTA, FISTA, LCA; planted codes" }

local images = require "natural".images()
if not images then
  print "natural-images is not there: whitened 1/f noise in its place (--data DIR)"
  images = sparse.whiten { stimuli.noise({ 4, size = 128, exponent = 1 }).x }
end
local x = sparse.patches({ images, p.patches, size = p.size }):to "float64"
local bases = randn { p.bases, p.size ^ 2 // 1, dtype = "float64" }
bases = bases / bases:square():sum({ dim = 2, keepdim = true }):sqrt()
local o = { x = x, bases = bases, sparseness = "abs", beta = 0.1, iterations = 20000, tolerance = 1e-9, trace = true }

local function objective(method)
  o.method = method
  local _, trace = sparse.infer(o)
  print(string.format("%-6s %5d iterations, objective %.8g", method, #trace, trace[#trace]))
  return trace[#trace], trace
end
local ista, slow = objective "ista"
local fista, fast = objective "fista"
local lca = objective "lca"
local low, high = math.min(ista, fista, lca), math.max(ista, fista, lca)
report { id = "S08", metric = "l1_objective_disagreement_percent", value = 100 * (high - low) / low,
  comparison = "<=",
  threshold = 0.1 }

local function reach(trace)
  for k, value in ipairs(trace) do
    if value <= low * (1 + 1e-3) then return k end
  end
end
report { id = "S08", metric = "fista_ista_iteration_ratio", value = reach(fast) / reach(slow), comparison = "<=",
  threshold = 1 / 3, what = string.format("%d and %d iterations to within 0.1 %%", reach(fast), reach(slow)) }

-- ---- planted codes ---------------------------------------------------------------------------------------------

local n = 200
local places = rand({ n, p.bases }):argsort { dim = 2 }
local chosen = places[{ {}, { 1, 3 } }]:contiguous()
local values = (rand { n, 3, dtype = "float64" } + 0.5) * ((randint(0, 1, { n, 3 }) * 2 - 1):to "float64")
local planted = zeros({ n, p.bases }, { dtype = "float64" }):scatter(chosen, values, { dim = 2 })
local mixed = planted:matmul(bases) + randn { n, p.size ^ 2 // 1, dtype = "float64" } * 0.01
local found = sparse.infer { mixed, bases, sparseness = "abs", beta = 0.05, iterations = 3000, tolerance = 1e-9 }
local there, said = planted:abs():gt(0), found:abs():gt(0.1)
local hits = there:logical_and(said):sum():item()
report { id = "S08", metric = "planted_support_f1",
  value = 2 * hits / (there:sum():item() + said:sum():item()), comparison = ">=", threshold = 0.95,
  what = "200 codes of 3 among " .. p.bases .. " bases, coefficients above 0.1" }

local function gaps(trace)
  local k, y = {}, {}
  for i = 1, math.min(#trace, 400) do k[i], y[i] = i, math.max(trace[i] / low - 1, 1e-8) end
  return k, y
end
local k1, y1 = gaps(slow)
local k2, y2 = gaps(fast)
plot.line { title = "Ways to the same code", xlabel = "iteration", ylabel = "objective above the best (share)",
  ylog = true,
  { x = k1, y = y1, label = "ISTA" }, { x = k2, y = y2, label = "FISTA" } }:save "convergence.svg"
