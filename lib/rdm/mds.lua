--- lamina.rdm.mds: stimuli as points whose distances are the dissimilarities (multidimensional scaling).
--
-- Classical scaling (Torgerson 1952): eigenvectors of the doubly centred squares. Metric scaling: SMACOF (de Leeuw
-- 1977), X <- B(X) X / n, which never raises the stress. Non-metric (Kruskal 1964): the same with the dissimilarities
-- replaced, before each step, by the increasing function of them that is next to the distances.
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local tensor = require "lamina.core.tensor"

local M = {}

local MDS = schema.document("mds", {
  positional = { "rdm" },
  rdm = { type = "any", required = true, doc = "a set of RDMs, of which the first is taken" },
  dimensions = { type = "integer", default = 2, min = 1, doc = "of the points" },
  method = { type = "string", default = "metric", choices = { "classical", "metric", "nonmetric" },
    doc = "what the distances are to agree with: the dissimilarities, or their order" },
  starts = { type = "integer", default = 4, min = 1, doc = "arrangements to begin with: the classical one, then "
    .. "random "
    .. "ones; the best end is kept" },
  steps = { type = "integer", default = 500, min = 1, doc = "at most, from each start" },
  tolerance = { type = "number", default = 1e-7, min = 0, doc = "stops when a step lowers the stress by less than "
    .. "this "
    .. "share" },
  seed = { type = "integer", doc = "of the random starts; the experiment's if absent" },
})

-- The classical arrangement, and the eigenvalues, largest first.
local function classical(d, dimensions)
  local n = #d
  local s = d:square() * -0.5
  local by_row = s:mean { dim = 1, keepdim = true }
  s = s - by_row - by_row:t() + by_row:mean()
  local values, vectors = ops.eigh((s + s:t()) * 0.5, { method = "exact" })
  local columns, list = {}, values:totable()
  for k = 1, dimensions do
    local v = vectors[{ {}, { n + 1 - k, n + 1 - k } }]
    local largest = v:abs():reshape { -1 }:argmax { dim = 1 }:item()
    local sign = v:reshape { -1 }[largest] < 0 and -1 or 1
    columns[k] = v * (sign * math.sqrt(math.max(0, list[n + 1 - k])))
  end
  local falling = {}
  for k = 1, n do falling[k] = list[n + 1 - k] end
  return ops.concat(columns, { dim = 2 }), falling
end

-- The increasing sequence that is next to y (pool adjacent violators).
local function isotonic(y)
  local value, size, blocks = {}, {}, 0
  for i = 1, #y do
    blocks = blocks + 1
    value[blocks], size[blocks] = y[i], 1
    while blocks > 1 and value[blocks - 1] > value[blocks] do
      local both = size[blocks - 1] + size[blocks]
      value[blocks - 1] = (value[blocks - 1] * size[blocks - 1] + value[blocks] * size[blocks]) / both
      size[blocks - 1], blocks = both, blocks - 1
    end
  end
  local out = {}
  for b = 1, blocks do
    for _ = 1, size[b] do out[#out + 1] = value[b] end
  end
  return out
end

-- The places of dissimilarities by rising value, and the runs of equal ones: { first, last }.
local function rising(dissimilar)
  local order, runs, first = {}, {}, 1
  for i = 1, #dissimilar do order[i] = i end
  table.sort(order, function(a, b) return dissimilar[a] < dissimilar[b] or dissimilar[a] == dissimilar[b]
    and a < b end)
  for place = 2, #order + 1 do
    if place > #order or dissimilar[order[place]] ~= dissimilar[order[first]] then
      if place - first > 1 then runs[#runs + 1] = { first, place - 1 } end
      first = place
    end
  end
  return order, runs
end

-- Disparities: the increasing function of the dissimilarities next to the distances; ties are free to part.
local function disparities(order, runs, distances)
  local y = distances:reshape { -1 }:totable()
  for _, run in ipairs(runs) do
    local tied = table.move(order, run[1], run[2], 1, {})
    table.sort(tied, function(a, b) return y[a] < y[b] or y[a] == y[b] and a < b end)
    table.move(tied, 1, #tied, run[1], order)
  end
  local sorted, hat = {}, {}
  for place, i in ipairs(order) do sorted[place] = y[i] end
  for place, value in ipairs(isotonic(sorted)) do hat[order[place]] = value end
  return tensor.tensor({ hat }, { dtype = "float64" })
end

-- From one start to its end: the points, and the stress (Kruskal's first).
local function descend(x, target, o, order, runs)
  local n, last = #x, math.huge
  local size = target:square():sum():sqrt():item()
  for step = 1, o.steps do
    local distances = core.condense(ops.cdist(x, x, {}):reshape { 1, n, n })
    local hat = target
    if o.method == "nonmetric" then
      hat = disparities(order, runs, distances)
      hat = hat * (size / hat:square():sum():sqrt():item())
    end
    local stress = ((hat - distances):square():sum() / distances:square():sum()):sqrt():item()
    if step > 1 and last - stress < o.tolerance * last then return x, stress, step end
    last = stress
    local safe = ops.where(ops.gt(distances, 0), distances, tensor.ones { 1, dtype = "float64" })
    local ratio = core.square(ops.where(ops.gt(distances, 0), hat / safe, distances)):reshape { n, n }
    x = (ratio:sum(2):reshape { -1, 1 } * x - ratio:matmul(x)) / n
  end
  return x, last, o.steps
end

--- mds { rdm, dimensions = 2, method = "metric", starts = 4, steps = 500, tolerance = 1e-7, seed = }: points (stimuli
-- x dimensions, float64) whose distances are as near to the dissimilarities as they can be, and a table with stress
-- (Kruskal's first: the root of the squared misfit over the squared distances; 0 is perfect) and steps; for
-- "classical" with eigenvalues, largest first, of which those of the other dimensions say what is lost. "nonmetric"
-- keeps only the order of the dissimilarities, which equal ones need not keep.
-- > square = tensor { { 0, 0 }, { 0, 1 }, { 1, 1 }, { 1, 0 } }
-- > points, fit = mds { rdm { square, method = "euclidean", per_channel = false } }
-- > points.shape, points:cdist(points)[{ 1, {} }], fit.stress < 1e-3   --> { 4, 2 } [0. 1. 1.41421356 1.] true
function M.mds(given, ...)
  local position = errors.position(2)
  schema.alone("mds", "mds { rdm, dimensions = 2 }", position, ...)
  if sets.is(given) then given = { given } end
  local o = schema.check("mds", given, MDS, position)
  if not sets.is(o.rdm) then
    errors.raise("argument", position, "mds: rdm is a %s, expected a set of RDMs", type(o.rdm))
  end
  local target, n = o.rdm.vectors[{ { 1, 1 } }], o.rdm.n
  if target:isnan():any():item() then
    errors.raise("argument", position, "mds: dissimilarities are missing; take the stimuli that have all, r:at "
      .. "(positions)")
  end
  if o.dimensions >= n then
    errors.raise("argument", position, "mds: %d dimensions for %d stimuli, expected fewer", o.dimensions, n)
  end
  if target:min():item() < 0 then -- crossnobis: an estimate below 0 is no distance
    target = ops.maximum(target, tensor.zeros { 1, dtype = "float64" })
  end
  local points, eigenvalues = classical(core.square(target):reshape { n, n }, o.dimensions)
  if o.method == "classical" then return points, { eigenvalues = eigenvalues } end
  local order, runs = {}, {}
  if o.method == "nonmetric" then order, runs = rising(target:reshape { -1 }:totable()) end
  local best, info = nil, { stress = math.huge }
  for start = 1, o.starts do
    local from = points
    if start > 1 then
      from = tensor.draw { kind = "normal", shape = { n, o.dimensions }, dtype = "float64", seed = o.seed
        or tensor.seed(), purpose = "mds", step = start } * target:mean():item()
    end
    local x, stress, steps = descend(from, target, o, order, runs)
    if stress < info.stress then best, info = x, { stress = stress, steps = steps, start = start } end
  end
  return best - best:mean { dim = 1, keepdim = true }, info
end

return M
