-- sparse.lua: how fast a sparse code of natural images is learned, beside scikit-learn's MiniBatchDictionaryLearning
-- at equal reconstruction error and sparsity: 192 bases of 16x16, two threads. Three parts:
--
--   build/lamina tests/bench/sparse.lua --data DIR --out FOLDER --part learn
--   python tests/bench/peer_sparse.py FOLDER SECONDS           (peers.lock; SECONDS of its own learning)
--   build/lamina tests/bench/sparse.lua --data DIR --out FOLDER-2 --folder FOLDER --part compare
--
-- Both minimise 1/2 |x - a Phi|^2 + 0.14 |a|_1 for bases of length at most 1, begin from the same bases, take the
-- same patches in the same order, and keep their bases at growing times; patches are ready in memory before the clock
-- starts. Here learns rule "online" (`--rule gradient`: the published one). The third part codes the same held-out
-- patches with every one of the bases by the same solver, to 1e-5, and says for each time of scikit-learn's when ours
-- first had its objective, and when they first needed no more coefficients at its residual.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local path = require "lamina.experiment".path
local p = experiment "bench-sparse" { seed = 1, params = { part = "learn", rule = "online", updates = 2000,
  pool = 40000, bases = 192, size = 16, patches = 1000, tolerance = 0.1, folder = "" },
  about = "Learning a sparse code, beside scikit-learn" }

base.threads(2)
local LAMBDA, TARGET = 0.14, 20
local folder = data.folder("natural-images", "olshausen_whitened.npy")
local images = data.npy(folder .. "/olshausen_whitened.npy")
images = (images * math.sqrt(0.1 / images:square():mean():item())):to "float32"

local function learn()
  local code = sparse.code { bases = p.bases, size = p.size, sparseness = "abs", beta = LAMBDA }
  local pool = sparse.patches { images, p.pool, size = p.size }
  core_io.npy_write(path "patches.npy", pool)
  core_io.npy_write(path "bases.npy", code.bases)
  local batch = p.rule == "online" and 200 or 100
  local function patches(step)
    local from = (step - 1) * batch % (p.pool // batch * batch)
    return pool[{ { from + 1, from + batch } }]
  end
  code:infer(patches(1), { method = "cd" }) -- the first call of all finds no memory yet
  local due, kept, seconds, rows = 0.01, 0, 0, { { "file", "updates", "seconds" } }
  while code.updates < p.updates do
    local count = p.rule == "online" and 1 or math.min(25, p.updates - code.updates)
    local third = math.min(3, code.updates * 3 // p.updates + 1)
    local start = base.clock()
    code:learn { patches, rule = p.rule, updates = count, batch = batch, log = false,
      rate = p.rule == "gradient" and { ({ 5, 2.5, 1 })[third] } or nil,
      tolerance = p.rule == "online" and p.tolerance or nil }
    seconds = seconds + base.clock() - start
    if seconds >= due or code.updates == p.updates then
      kept = kept + 1
      core_io.npy_write(path("lamina_" .. kept .. ".npy"), code.bases)
      rows[#rows + 1] = { "lamina_" .. kept .. ".npy", code.updates, seconds }
      print(string.format("%5d updates, %7.3f s", code.updates, seconds))
      due = math.max(due * 1.15, seconds)
    end
  end
  core_io.csv_write(path "lamina.csv", rows)
end

-- The objective a patch, the share of variance left over and the mean number of coefficients that are not 0.
local function measured(bases, x, lambda)
  local a = sparse.infer { x, bases, sparseness = "abs", beta = lambda, method = "cd", tolerance = 1e-5 }
  local rest = (x - a:matmul(bases)):square()
  return { objective = (rest:sum({ dim = 2 }) * 0.5 + a:abs():sum { dim = 2 } * lambda):mean():item(),
    residual = rest:mean():item() / x:square():mean():item(),
    active = a:ne(0):to("float64"):sum({ dim = 2 }):mean():item() }
end

-- How many coefficients our bases take at the peer's residual: lambda is changed until they leave as much.
local function active_at(state, residual, x)
  local low, high, found = 0.5 * LAMBDA, 2 * LAMBDA, nil
  for _ = 1, 12 do
    local lambda = math.sqrt(low * high)
    found = measured(state.bases, x, lambda)
    if found.residual > residual then high = lambda else low = lambda end
  end
  return found.active
end

-- Seconds to the first state of ours for which good(state) holds; a state is never left again for a worse one.
local function first(ours, good)
  for _, state in ipairs(ours) do
    if good(state) then return state.seconds end
  end
end

-- Where ours were first as good as the peer: in the objective, and in the number of coefficients at its residual.
local function told(ours, peer, x)
  local by_objective = first(ours, function(state) return state.objective <= peer.objective end)
  local by_sparsity = first(ours, function(state)
    return state.objective <= 1.01 * peer.objective and active_at(state, peer.residual, x) <= peer.active
  end)
  local function ratio(seconds)
    return seconds and string.format("%.3f s, %.1f times", seconds, peer.seconds / seconds) or "not reached"
  end
  print(string.format("scikit-learn %6.2f s, objective %.4f, residual %.2f %%, %.1f active. Lamina to that objective "
    .. "%s; to that sparsity at that residual %s", peer.seconds, peer.objective, 100 * peer.residual, peer.active,
    ratio(by_objective), ratio(by_sparsity)))
  return math.min(by_objective and peer.seconds / by_objective or 0, by_sparsity and peer.seconds / by_sparsity or 0)
end

local function compare()
  local x = sparse.patches { images, p.patches, size = p.size, step = 1 << 20 }
  local sides, rows = {}, { { "side", "updates", "seconds", "objective", "residual", "active" } }
  for _, side in ipairs { "lamina", "sklearn" } do
    sides[side] = {}
    local table_of = core_io.csv_read(p.folder .. "/" .. side .. ".csv", { header = true })
    for i, file in ipairs(table_of.file) do
      local bases = data.npy(p.folder .. "/" .. file):to "float32"
      bases = bases / bases:square():sum({ dim = 2, keepdim = true }):sqrt():clamp(1e-12, 1e12)
      local state = measured(bases, x, LAMBDA)
      state.seconds, state.bases = table_of.seconds[i], bases
      sides[side][i], rows[#rows + 1] = state, { side, table_of.updates[i], state.seconds, state.objective,
        state.residual, state.active }
    end
  end
  core_io.csv_write(path "sparse.csv", rows)
  local function series(side)
    local s = { x = {}, y = {}, label = side == "lamina" and "Lamina" or "scikit-learn" }
    for i, row in ipairs(sides[side]) do s.x[i], s.y[i] = row.seconds, row.objective end
    return s
  end
  plot.line { series "lamina", series "sklearn", xlog = true, xlabel = "seconds of learning",
    ylabel = "objective on held-out patches" }:save "figure.svg"
  local last
  for _, peer in ipairs(sides.sklearn) do last = told(sides.lamina, peer, x) end
  print(string.format("%s: at scikit-learn's end %.1f times, target %d", last >= TARGET and "reached" or "missed",
    last, TARGET))
end

if p.part == "learn" then learn() else compare() end
