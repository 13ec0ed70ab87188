-- s10_pca.lua: SYSTEMS S10. Principal components of natural image patches are not localised (Olshausen & Field 1996,
-- Fig. 1), and at the same SNR the sparse code has fewer active coefficients.
--
-- The code is S09's. Localised is as there: a Gabor function explains 70 % of the variance, and its envelope is no
-- wider than half the patch (natural.lua).
--
-- What is counted. Field (1994, "What is the goal of sensory coding?") sets two goals side by side. A compact code,
-- which is what principal components are, leaves out the components of least variance and has all others active in
-- every image; a sparse code has as many units as before, of which few are active in any one image. So PCA's active
-- coefficients are its leading components, as many as the SNR takes, and the code's are those that are not 0 in its
-- sparse description of each patch. Both are held to one mean squared error over all patches, that at which the
-- code's own inference leaves them (S09's residual): PCA's truncation has no other, and the energy of sparse coding
-- has one noise level for all patches, too. How few of 192 bases that are not orthogonal explain a patch to that
-- level is a search without an exact answer; orthogonal matching pursuit (Pati et al. 1993) is the usual way, and
-- what it finds is an upper bound. Its level is set by halving, so that the mean error is the same to a thousandth.
--
-- Beside it, without a threshold, stand three other readings: every patch to the same SNR of its own, faint ones
-- included; components chosen anew for each patch by the same pursuit (a sparse code over PCA's dictionary); and
-- plain matching pursuit in both, patch by patch. Where components may be chosen too, 192 bases in 256 whitened
-- dimensions are no overcomplete code and save little or nothing.
-- Data: natural-images.
local p = experiment "s10-pca" { seed = 1, params = { bases = 192, size = 16, updates = 4000, fitted = 256,
  patches = 1000 },
  about = "Principal components of natural images: localisation, active coefficients" }

local natural = require "natural"

local images = natural.images()
if not images then
  print "natural-images is not there: nothing to learn from (--data DIR)"
  return
end
local x = sparse.patches { images, p.patches, size = p.size, step = 1 << 20 }

local code = sparse.code { bases = p.bases, size = p.size, preset = "nature" }
code:learn { images, updates = p.updates }

-- Of patches of their own, many of them.
local components = natural.components(sparse.patches { images, 20000, size = p.size, step = 1 << 21 })

-- ---- localisation ------------------------------------------------------------------------------------------------

local localised, count = 0, math.min(p.fitted, #components)
for i = 1, count do
  if natural.localised(components[i], p.size) then localised = localised + 1 end
end
report { id = "S10", metric = "pca_localised_percent", value = 100 * localised / count, comparison = "<=",
  threshold = 10, what = "the first " .. count }

-- ---- active coefficients -----------------------------------------------------------------------------------------

local energy = x:square():sum { dim = 2 }
local a = code:infer(x, { iterations = 100, tolerance = 1e-4 })
local left = ((x - code:reconstruct(a)):square():sum() / energy:sum()):item()
local unit = code.bases / code.bases:square():sum({ dim = 2, keepdim = true }):sqrt()
local pca = components:to "float32"

local function active(coefficients) return coefficients:ne(0):sum():item() / #x end

-- Orthogonal matching pursuit of every patch to one error, at which all together lose the share `left`.
local function pursued(dictionary)
  local low, high, found = 0, energy:max():item(), nil
  for _ = 1, 40 do
    local level = (low + high) / 2
    found = sparse.pursue { x, dictionary, residual = level }
    local lost = ((x - found:matmul(dictionary)):square():sum() / energy:sum()):item()
    if math.abs(lost / left - 1) < 1e-3 then break end
    if lost > left then high = level else low = level end
  end
  return active(found)
end

-- How many different elements of a dictionary (unit rows) plain matching pursuit (Mallat & Zhang 1993) takes, patch
-- by patch, until at most the share `left` of a patch's energy is left; mean over patches.
local function matched(dictionary)
  local residual, used = x, zeros { #x, #dictionary }
  for _ = 1, 4 * #dictionary do
    local open = residual:square():sum({ dim = 2 }):gt(energy * left)
    if not open:any():item() then break end
    local match = residual:matmul(dictionary:t())
    local best = match:abs():argmax { dim = 2 }
    local here = ops.one_hot(best, #dictionary):to "float32" * open:to("float32"):reshape { -1, 1 }
    used = used:maximum(here)
    residual = residual - (match * here):matmul(dictionary)
  end
  return active(used)
end

local power = x:matmul(pca:t()):square():sum { dim = 1 }
local leading = (power:cumsum { dim = 1 } / energy:sum()):lt(1 - left):sum():item() + 1
local sparsely = pursued(unit)
print(string.format("SNR %.1f dB: PCA has its first %d components active, the code %.1f coefficients",
  -10 * math.log(left, 10), leading, sparsely))
report { id = "S10", metric = "active_coefficients_percent_of_pca", value = 100 * sparsely / leading,
  comparison = "<=", threshold = 60,
  what = string.format("%.1f coefficients, %d leading components", sparsely, leading) }

local function beside(metric, ours, theirs, what)
  report { id = "S10", metric = metric, value = 100 * ours / theirs, what = what .. string.format(": %.1f of %.1f",
    ours, theirs) }
end
local each = active(sparse.pursue { x, unit, residual = energy * left })
beside("active_coefficients_percent_at_equal_snr_of_each_patch", each, leading, "against the leading components")
beside("active_coefficients_percent_of_chosen_components", sparsely, pursued(pca), "components chosen for each patch")
beside("active_coefficients_percent_by_matching_pursuit", matched(unit), matched(pca),
  "plain matching pursuit in both, each patch to the same SNR")

-- ---- the figure --------------------------------------------------------------------------------------------------

local shown = math.min(48, #unit, #pca)
plot.images { ops.concat({ unit[{ { 1, shown } }], pca[{ { 1, shown } }] }, { dim = 1 })
  :reshape { -1, 1, p.size, p.size }, columns = 12, normalise = "each",
  title = "Learned bases (rows 1 to 4), principal components (5 to 8)" }:save "figure.png"
