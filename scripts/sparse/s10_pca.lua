-- s10_pca.lua: SYSTEMS S10. Principal components of natural image patches are not localised (Olshausen & Field 1996,
-- Fig. 1); that the sparse code explains a patch with far fewer active coefficients than they do is not confirmed.
--
-- The code is S09's. Localised is as there: a Gabor function explains 70 % of the variance, and its envelope is no
-- wider than half the patch. Both dictionaries explain each patch to the same SNR, that at which the code's own
-- inference leaves patches on average (its residual, S09's 9 %), with as few coefficients as matching pursuit finds
-- (Mallat & Zhang 1993; for principal components these are the largest projections), so that both choose anew for
-- every patch. The threshold of 60 % is missed: at this SNR the code needs as many coefficients (105 %). 192 bases in
-- 256 whitened dimensions are no overcomplete code, and choosing among orthogonal components is as good. Against the
-- leading components, the same for all patches, it needs two thirds; that number is reported beside it, without a
-- threshold.
-- Data: natural-images.
local p = experiment "s10-pca" { seed = 1, params = { bases = 192, size = 16, updates = 4000, fitted = 256,
  patches = 1000 },
  about = "Principal components of natural images: localisation, active coefficients" }

local folder = try(data.folder, "natural-images", "olshausen_whitened.npy")
if not folder then
  print "natural-images is not there: nothing to learn from (--data DIR)"
  return
end
local images = data.npy(folder .. "/olshausen_whitened.npy")
images = images * math.sqrt(0.1 / images:square():mean():item())
local x = sparse.patches { images, p.patches, size = p.size, step = 1 << 20 }

local code = sparse.code { bases = p.bases, size = p.size, preset = "nature" }
code:learn { images, updates = p.updates }

-- Components of patches of their own, many of them, the largest variance first.
local many = sparse.patches({ images, 20000, size = p.size, step = 1 << 21 }):to "float64"
many = many - many:mean { dim = 1, keepdim = true }
local _, vectors = ops.eigh(many:t():matmul(many) / #many)
local components = ops.flip(vectors, { dims = { 2 } }):t():contiguous()

-- ---- localisation ------------------------------------------------------------------------------------------------

local localised, count = 0, math.min(p.fitted, #components)
for i = 1, count do
  local f = components[i]:reshape { p.size, p.size }
  local fit = tuning.fit_gabor { f / f:abs():max(), starts = 3 }
  local size = 2 * math.sqrt(2 * math.log(2) * fit.sigma * fit.along) / p.size
  if fit.r2 >= 0.7 and size <= 0.5 then localised = localised + 1 end
end
report { id = "S10", metric = "pca_localised_percent", value = 100 * localised / count, comparison = "<=",
  threshold = 10, what = "the first " .. count }

-- ---- active coefficients -----------------------------------------------------------------------------------------

local energy = x:square():sum { dim = 2 }
local a = code:infer(x, { iterations = 100, tolerance = 1e-4 })
local left = ((x - code:reconstruct(a)):square():sum() / energy:sum()):item()

-- How many different elements of a dictionary (unit rows) matching pursuit takes, patch by patch, until at most the
-- share `left` of a patch's energy is left; mean over patches.
local function active(dictionary)
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
  return used:sum():item() / #x
end

local unit = code.bases / code.bases:square():sum({ dim = 2, keepdim = true }):sqrt()
local of_code, of_pca = active(unit), active(components:to "float32")
local power = x:matmul(components:to("float32"):t()):square():sum { dim = 1 }
local leading = (power:cumsum { dim = 1 } / energy:sum()):lt(1 - left):sum():item() + 1
print(string.format("SNR %.1f dB: the code needs %.1f coefficients, PCA %.1f chosen for each patch, or the first %d",
  -10 * math.log(left, 10), of_code, of_pca, leading))
report { id = "S10", metric = "active_coefficients_percent_of_pca", value = 100 * of_code / of_pca, comparison = "<=",
  threshold = 60, what = "matching pursuit in both" }
report { id = "S10", metric = "active_coefficients_percent_of_leading_components", value = 100 * of_code / leading }

plot.images { components[{ { 1, math.min(#components, 96) } }]:to("float32"):reshape { -1, 1, p.size, p.size },
  columns = 16, normalise = "each", title = "The first principal components of natural images" }:save "figure.svg"
