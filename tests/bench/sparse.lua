-- sparse.lua: how fast a sparse code of natural images is learned, beside scikit-learn's MiniBatchDictionaryLearning
-- at equal reconstruction error and sparsity: 192 bases of 16x16, batches of 100 patches, two threads. Three parts:
--
--   build/lamina tests/bench/sparse.lua --data DIR --out FOLDER --part learn
--   python tests/bench/peer_sparse.py FOLDER SECONDS           (peers.lock; SECONDS of its own learning)
--   build/lamina tests/bench/sparse.lua --data DIR --out FOLDER-2 --folder FOLDER --part compare
--
-- Both minimise 1/2 |x - a Phi|^2 + 0.14 |a|_1 for bases of norm 1, and both keep their bases at growing times. The
-- third part codes the same held-out patches with every one of them by the same solver (FISTA to 1e-6), and says when
-- each side reached which objective, with the residual and the sparsity there.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local path = require "lamina.experiment".path
local p = experiment "bench-sparse" { seed = 1, params = { part = "learn", updates = 4000, batch = 100, bases = 192,
  size = 16, patches = 1000, folder = "" },
  about = "Learning a sparse code, beside scikit-learn" }

base.threads(2)
local LAMBDA = 0.14
local folder = data.folder("natural-images", "olshausen_whitened.npy")
local images = data.npy(folder .. "/olshausen_whitened.npy")
images = (images * math.sqrt(0.1 / images:square():mean():item())):to "float32"

local function learn()
  local code = sparse.code { bases = p.bases, size = p.size, sparseness = "abs", beta = LAMBDA }
  core_io.npy_write(path "images.npy", images)
  local next_kept, kept, seconds, rows = 25, 0, 0, { { "file", "updates", "seconds" } }
  while code.updates < p.updates do
    local count = math.min(next_kept, p.updates) - code.updates
    local start = base.clock()
    -- The schedule's three rates over all updates, in pieces between the times at which the bases are kept.
    local third = math.min(3, code.updates * 3 // p.updates + 1)
    count = math.min(count, math.ceil(third * p.updates / 3) - code.updates)
    code:learn { images, updates = count, batch = p.batch, rate = { ({ 5, 2.5, 1 })[third] }, log = false }
    seconds = seconds + base.clock() - start
    if code.updates >= next_kept or code.updates == p.updates then
      kept = kept + 1
      core_io.npy_write(path("lamina_" .. kept .. ".npy"), code.bases)
      rows[#rows + 1] = { "lamina_" .. kept .. ".npy", code.updates, seconds }
      print(string.format("%5d updates, %7.2f s", code.updates, seconds))
      next_kept = math.ceil(next_kept * 1.5)
    end
  end
  core_io.csv_write(path "lamina.csv", rows)
end

-- The objective a patch, the share of variance left over and the mean number of coefficients that are not 0.
local function measured(bases, x)
  bases = bases:to "float32"
  bases = bases / bases:square():sum({ dim = 2, keepdim = true }):sqrt():clamp(1e-12, 1e12)
  local a = sparse.infer { x, bases, sparseness = "abs", beta = LAMBDA, iterations = 1000, tolerance = 1e-6 }
  local rest = (x - a:matmul(bases)):square()
  return (rest:sum({ dim = 2 }) * 0.5 + a:abs():sum { dim = 2 } * LAMBDA):mean():item(),
    rest:mean():item() / x:square():mean():item(), a:ne(0):to("float64"):sum({ dim = 2 }):mean():item()
end

local function compare()
  local x = sparse.patches { images, p.patches, size = p.size, step = 1 << 20 }
  local sides, rows = {}, { { "side", "updates", "seconds", "objective", "residual", "active" } }
  for _, side in ipairs { "lamina", "sklearn" } do
    sides[side] = {}
    local table_of = core_io.csv_read(p.folder .. "/" .. side .. ".csv", { header = true })
    for i, file in ipairs(table_of.file) do
      local objective, residual, active = measured(data.npy(p.folder .. "/" .. file), x)
      local row = { seconds = table_of.seconds[i], objective = objective, residual = residual, active = active }
      sides[side][i], rows[#rows + 1] = row, { side, table_of.updates[i], row.seconds, objective, residual, active }
      print(string.format("%-8s %6d updates %8.2f s: objective %.4f, residual %.2f %%, %.1f active", side,
        table_of.updates[i], row.seconds, objective, 100 * residual, active))
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
  -- For every state of the peer the first of ours that is at least as good, and how much sooner it was there.
  for _, peer in ipairs(sides.sklearn) do
    for _, ours in ipairs(sides.lamina) do
      if ours.objective <= peer.objective then
        print(string.format("objective %.4f: scikit-learn %.2f s, Lamina %.2f s, %.1f times; residual %.2f and %.2f "
          .. "%%, active %.1f and %.1f", peer.objective, peer.seconds, ours.seconds, peer.seconds / ours.seconds,
          100 * peer.residual, 100 * ours.residual, peer.active, ours.active))
        break
      end
    end
  end
end

if p.part == "learn" then learn() else compare() end
