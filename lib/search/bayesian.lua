--- lamina.search.bayesian: a Gaussian process over genotypes, and the proposal of the largest expected improvement.
--
-- With distances r2 = sum_d w_d D_d, correlation R of r, and noise l: K = s2 (R + l I), y ~ N(m, K). m and s2 are
-- those that maximise the likelihood for given w and l, which leaves -n/2 log s2 - 1/2 log det(R + l I); w and l are
-- found by coordinate ascent on a logarithmic grid, with normal priors on their logarithms. Everything is in float64.
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"
local spaces = require "lamina.search.space"

local M = {}

local function matrix(rows) return core.tensor(rows, { dtype = "float64" }) end

--- Genotypes as { numbers, active }: float64 tensors n x parameters.
function M.encoded(space, list)
  local numbers, active = {}, {}
  for i, g in ipairs(list) do numbers[i], active[i] = spaces.encode(space, g) end
  return { numbers = matrix(numbers), active = matrix(active), n = #list }
end

--- Distances between two lists for each parameter: n x m x parameters; squared differences up to 1 where both have
-- the parameter, 1 where one of them has, 0 where none has.
function M.distances(a, b)
  local function across(name) return ops.unsqueeze(a[name], 2), ops.unsqueeze(b[name], 1) end
  local x, z = across "numbers"
  local p, q = across "active"
  return ops.minimum(ops.square(x - z), 1) * (p * q) + ops.square(p - q)
end

local function correlation(kernel, d, w)
  local r2 = ops.matmul(d, w)
  if kernel == "gauss" then return ops.exp(r2 * -0.5) end
  local r = ops.sqrt(r2 * 5)
  return (r + r2 * (5 / 3) + 1) * ops.exp(r * -1)
end

-- ---- fitting ---------------------------------------------------------------------------------------------------

local function weights(theta, count)
  local w = {}
  for i = 1, count do w[i] = math.exp(theta[i]) end
  return matrix(w)
end

local PRIOR = { mean = 0, deviation = 1.5 } -- of the logarithm of a weight
local NOISE = { mean = math.log(1e-2), deviation = 2, low = math.log(1e-6), high = math.log(2) }

--- The process for given parameters theta (logarithms of the weights and of the noise); its `quality` is the
-- logarithm of likelihood and prior, up to a constant.
function M.process(kernel, d, y, theta)
  local n, count = y:size(1), d:size(3)
  local k = correlation(kernel, d, weights(theta, count)) + core.eye(n, { dtype = "float64" }) * math.exp(theta[count
    + 1])
  local l = ops.cholesky(k)
  local one = core.ones({ n }, { dtype = "float64" })
  local of_one, of_y = ops.cholesky_solve(l, one), ops.cholesky_solve(l, y)
  local mean = ops.sum(of_y):item() / ops.sum(of_one):item()
  local alpha = of_y - of_one * mean
  local s2 = math.max(ops.sum((y - mean) * alpha):item() / n, 1e-12)
  local quality = -n / 2 * math.log(s2) - ops.sum(ops.log(ops.diagonal(l))):item()
  for i = 1, count do quality = quality - ((theta[i] - PRIOR.mean) / PRIOR.deviation) ^ 2 / 2 end
  quality = quality - ((theta[count + 1] - NOISE.mean) / NOISE.deviation) ^ 2 / 2
  return { l = l, alpha = alpha, mean = mean, s2 = s2, theta = theta, quality = quality, noise = math.exp(theta[count
    + 1]) }
end

-- Steps along each parameter in turn, as long as they help.
local function ascend(kernel, d, y, best, step)
  for i = 1, #best.theta do
    for _, sign in ipairs { 1, -1 } do
      local helped = false
      for _ = 1, 3 do
        local theta = table.move(best.theta, 1, #best.theta, 1, {})
        theta[i] = theta[i] + sign * step
        local low, high = i == #theta and NOISE.low or -6, i == #theta and NOISE.high or 5
        if theta[i] < low or theta[i] > high then break end
        local tried = M.process(kernel, d, y, theta)
        if tried.quality <= best.quality then break end
        best, helped = tried, true
      end
      if helped then break end
    end
  end
  return best
end

--- A process fitted to scores y (n) at distances d (n x n x parameters), beginning at theta (nil: the priors' means).
function M.fit(kernel, d, y, theta)
  if not theta then
    theta = {}
    for i = 1, d:size(3) do theta[i] = PRIOR.mean end
    theta[#theta + 1] = NOISE.mean
  end
  local best = M.process(kernel, d, y, theta)
  for _, step in ipairs { 1.5, 0.5 } do best = ascend(kernel, d, y, best, step) end
  return best
end

--- Mean and standard deviation of the process (of the scores without noise) at m places with distances d (m x n x
-- parameters) to the n it was fitted to.
function M.predict(kernel, gp, d)
  local r = correlation(kernel, d, weights(gp.theta, d:size(3)))
  local mean = ops.matmul(r, gp.alpha) + gp.mean
  local v = ops.triangular_solve(gp.l, ops.contiguous(ops.transpose(r, 1, 2)))
  local variance = (1 - ops.sum(ops.square(v), { dim = 1 })) * gp.s2
  return mean, ops.sqrt(ops.maximum(variance, 1e-18))
end

--- The expected improvement over `best`: (mean - best) Phi(z) + deviation phi(z), z = (mean - best) / deviation.
function M.improvement(mean, deviation, best)
  local z = (mean - best) / deviation
  local below = (ops.erf(z * math.sqrt(0.5)) + 1) * 0.5
  local density = ops.exp(ops.square(z) * -0.5) * (1 / math.sqrt(2 * math.pi))
  return (mean - best) * below + deviation * density
end

-- ---- proposing -------------------------------------------------------------------------------------------------

local AROUND = 5 -- the best so many are changed in one parameter

-- All genotypes of a space that is small enough, with their genes; else an empty list. Made once.
local function whole(search)
  if search.whole then return search.whole end
  local space, size = search.space, search.space:size()
  search.whole = {}
  for i, g in ipairs(size and size <= search.o.candidates and space:all() or {}) do
    search.whole[i] = { genes = spaces.genes(space, g), genotype = g, key = space:key(g) }
  end
  return search.whole
end

-- Genotypes to compare: all, or a sample; with their genes.
local function candidates(search, k, needed)
  local list, chance, known = {}, spaces.chance(search.seed, "candidates", k), {}
  local function add(genes, g)
    local key = g and search.space:key(g)
    if not g or known[key] or search.seen[key] and not search.again then return end
    known[key] = true
    list[#list + 1] = { genes = genes, genotype = g }
  end
  for _, place in ipairs(whole(search)) do
    if search.again or not search.seen[place.key] then list[#list + 1] = place end
  end
  if #search.whole > 0 then return list end
  local order = table.move(search.entries, 1, needed, 1, {})
  table.sort(order, function(a, b) return a.worth > b.worth end)
  for i = 1, search.o.candidates do
    if i % 2 == 1 then
      add(spaces.draw(search.space, chance))
    else
      add(spaces.mutate(search.space, order[1 + i // 2 % math.min(AROUND, #order)].genes, chance))
    end
  end
  return list
end

-- The genotypes with scores, and these as deviations from their mean; failures count as the lowest score.
local function known_of(search, needed)
  local list, y, lowest = {}, {}, math.huge
  for i = 1, needed do
    list[i], y[i] = search.entries[i].genotype, search.entries[i].worth
    if y[i] > -math.huge then lowest = math.min(lowest, y[i]) end
  end
  if lowest == math.huge then return nil end
  local mean, square, best = 0, 0, -math.huge
  for i, v in ipairs(y) do
    y[i] = math.max(v, lowest)
    mean = mean + y[i] / #y
  end
  for _, v in ipairs(y) do square = square + (v - mean) ^ 2 / #y end
  if square == 0 then return nil end
  for i, v in ipairs(y) do
    y[i] = (v - mean) / math.sqrt(square)
    best = math.max(best, y[i])
  end
  return list, matrix(y), best
end

-- A process that also knows what it expects of the proposals that are out.
local function with_pending(search, gp, kernel, list, y, k, needed)
  if k - 1 == needed then return gp, M.encoded(search.space, list) end
  local old, all = M.encoded(search.space, list), table.move(list, 1, #list, 1, {})
  for i = needed + 1, k - 1 do all[#all + 1] = search.proposals[i].genotype end
  local own = M.encoded(search.space, all)
  local mean = M.predict(kernel, gp, M.distances(own, old))
  local filled = ops.concat({ y, ops.slice(mean, { dim = 1, start = needed + 1 }) }, { dim = 1 })
  return M.process(kernel, M.distances(own, own), filled, gp.theta), own
end

local GROWTH = 1.1 -- weights and noise are fitted anew when there are so many times the scores of the last time

--- The genes and the genotype of proposal k, from the first `needed` scores; nil where they say nothing.
function M.propose(search, k, needed)
  local list, y, best = known_of(search, needed)
  if not list then return nil end
  return core.no_grad(function()
    local kernel, own = search.o.kernel, M.encoded(search.space, list)
    if not search.gp or needed >= GROWTH * search.fitted then
      search.gp = M.fit(kernel, M.distances(own, own), y, search.gp and search.gp.theta)
      search.fitted = needed
    end
    local gp = search.gp
    if search.fitted ~= needed then gp = M.process(kernel, M.distances(own, own), y, gp.theta) end
    gp, own = with_pending(search, gp, kernel, list, y, k, needed)
    local places, genotypes = candidates(search, k, needed), {}
    if #places == 0 then return nil end
    for i, place in ipairs(places) do genotypes[i] = place.genotype end
    local mean, deviation = M.predict(kernel, gp, M.distances(M.encoded(search.space, genotypes), own))
    local gain = M.improvement(mean, deviation, best + search.o.xi)
    local chosen = places[ops.argmax(gain, { dim = 1 }):item()]
    return chosen.genes, chosen.genotype
  end)
end

return M
