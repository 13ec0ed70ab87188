-- s09_learning.lua: SYSTEMS S09. Sparse coding of natural images learns localised, oriented, bandpass bases
-- (Olshausen & Field 1996); principal components of the same patches, and bases learned from noise, are nothing of
-- the kind.
--
-- A basis counts as localised where a Gabor function explains 70 % of its variance and the function's envelope (full
-- width at half height, the geometric mean of its two axes) is no wider than half the patch (natural.lua).
--
-- Coefficients are compared where inference has converged (100 iterations at most, until E falls by less than 1e-4;
-- the schedule's 10 iterations serve learning), and entropies with coefficients at one variance, 0.1, that at which
-- learning holds them: coefficients of random bases would otherwise be told apart by their size.
--
-- Data: natural-images.
local p = experiment "s09-learning" { seed = 1, params = { bases = 192, size = 16, updates = 4000, fitted = 192,
  patches = 5000, noise_updates = 1000 },
  about = "Learning a sparse code of natural images; PCA and noise beside it" }

local natural = require "natural"

local images = natural.images()
if not images then
  print "natural-images is not there: nothing to learn from (--data DIR)"
  return
end

local x = sparse.patches { images, p.patches, size = p.size, step = 1 << 20 }
local variance = x:square():mean():item()

local function median(list) return tensor(list, { dtype = "float64" }):median():item() end

-- What the coefficients of the patches are like: kurtosis, entropy at a bin of 0.04, share of variance left over.
local function coefficients(code)
  local a = code:infer(x, { iterations = 100, tolerance = 1e-4 })
  local z = a:reshape({ -1 }):to "float64"
  local d = z - z:mean()
  local counts = {}
  local scaled = d * (math.sqrt(0.1) / d:square():mean():sqrt())
  for _, k in ipairs((scaled / 0.04):round():to("int64"):totable()) do counts[k] = (counts[k] or 0) + 1 end
  local keys, entropy = {}, 0
  for k in pairs(counts) do keys[#keys + 1] = k end
  table.sort(keys)
  for _, k in ipairs(keys) do entropy = entropy - counts[k] / #z * math.log(counts[k] / #z, 2) end
  return { a = a, kurtosis = (d:square():square():mean() / d:square():mean():square()):item(), entropy = entropy,
    residual = (x - code:reconstruct(a)):square():mean():item() / variance }
end

-- Gabor fits of the first `count` filters (n x size^2), and how many of them are localised.
local function fitted(filters, count)
  local out = { r2 = {}, size = {}, aspect = {}, bandwidth = {}, orientation = {}, good = 0, localised = 0,
    n = count }
  for i = 1, count do
    local localised, fit, size = natural.localised(filters[i], p.size)
    if fit.r2 >= 0.7 then
      out.good = out.good + 1
      table.insert(out.size, size)
      table.insert(out.aspect, math.min(fit.aspect, 1 / fit.aspect))
      table.insert(out.orientation, fit.orientation)
      if fit.bandwidth < math.huge then table.insert(out.bandwidth, fit.bandwidth) end
    end
    if localised then out.localised = out.localised + 1 end
  end
  return out
end

local code = sparse.code { bases = p.bases, size = p.size, preset = "nature" }
local random = coefficients(code)
code:learn { images, updates = p.updates }
local learned = coefficients(code)
print(code)
for name, c in pairs { random = random, learned = learned } do
  print(string.format("%-8s kurtosis %.2f, entropy %.2f bits, residual %.1f %%", name, c.kurtosis, c.entropy,
    100 * c.residual))
end
local fits = fitted(code.bases, math.min(p.fitted, p.bases))
local bins, occupied = {}, 0
for _, angle in ipairs(fits.orientation) do bins[(angle + 11.25) % 180 // 22.5] = true end
for _ in pairs(bins) do occupied = occupied + 1 end

local function result(metric, value, comparison, threshold, published)
  report { id = "S09", metric = metric, value = value, comparison = comparison, threshold = threshold,
    published = published }
end
result("gabor_fit_bases_percent", 100 * fits.good / fits.n, ">=", 75)
result("envelope_median_patch_fraction", median(fits.size), "<=", 0.5)
result("envelope_aspect_median", median(fits.aspect), "in", { 0.5, 1 })
result("orientation_bins_occupied", occupied, "==", 8)
result("sf_bandwidth_median_octaves", median(fits.bandwidth), "in", { 0.8, 1.8 })
result("coefficient_kurtosis", learned.kurtosis, ">=", 15, 20)
result("coefficient_kurtosis_ratio_to_random", learned.kurtosis / random.kurtosis, ">=", 2, 20 / 7)
result("coefficient_entropy_drop_bits", random.entropy - learned.entropy, ">=", 0.4, 0.6)
result("residual_variance_percent", 100 * learned.residual, "<=", 12, 10)

-- ---- Gaussian noise --------------------------------------------------------------------------------------------

local control = sparse.code { bases = p.bases, size = p.size, preset = "nature" }
control:learn { function(step)
  return randn { 100, p.size * p.size, seed = step } * math.sqrt(0.1)
end, updates = p.noise_updates }
local of_noise = fitted(control.bases, math.min(48, p.fitted))
result("noise_control_localised_percent", 100 * of_noise.localised / of_noise.n, "<", 10)

-- ---- principal components --------------------------------------------------------------------------------------

local components = natural.components(x)
local of_pca = fitted(components, math.min(p.fitted, #components))
print(string.format("principal components of the same patches: %d of %d localised", of_pca.localised, of_pca.n))

local flat = components:to "float32"
plot.images { code:filters(), columns = 16, normalise = "each",
  title = p.bases .. " basis functions learned from natural images" }:save "bases.svg"
local some = math.min(p.bases, 96)
plot.images { code:filters()[{ { 1, some } }], columns = 12, normalise = "each",
  title = some .. " of the " .. p.bases .. " basis functions" }:save "figure.png"
plot.images { flat[{ { 1, math.min(#flat, 96) } }]:reshape { -1, 1, p.size, p.size }, columns = 16,
  normalise = "each",
  title = "The first principal components of the same patches" }:save "components.svg"
plot.histogram { title = "Coefficients", xlabel = "coefficient", bins = 80, xlim = { -1.5, 1.5 },
  series = { { label = "random bases", values = random.a:reshape { -1 } },
    { label = "learned bases", values = learned.a:reshape { -1 } } } }:save "coefficients.svg"
