-- s05_gabor_bank.lua: SYSTEMS S05. A bank of Gabor filters: 8 orientations x 5 scales x 2 phases.
--
-- The half-height bandwidth of a Gabor function, in octaves, is log2 of (pi sigma / wavelength + h) / (pi sigma /
-- wavelength - h), h = sqrt(ln 2 / 2). Filters have norm 1 and no response to luminance; for the sum of their squared
-- transfer functions each is scaled to the same largest gain, as a bank that is to pass all frequencies alike. The
-- pass annulus lies between the second lowest and the second highest scale: beyond, the sum falls off for want of
-- neighbours.
local p = experiment "s05-gabor-bank" { seed = 1, params = { side = 128, orientations = 8, scales = 5 },
  about = "A bank of Gabor filters: bandwidths, peaks, the ripple of their sum" }

local half = math.sqrt(math.log(2) / 2)
local function octaves(ratio) return math.log((math.pi * ratio + half) / (math.pi * ratio - half), 2) end
report { id = "S05", metric = "bandwidth_formula_octaves_sigma_lambda_0p56", value = octaves(0.56), comparison = "+-",
  threshold = { 1.004, 0.0005 } }
report { id = "S05", metric = "bandwidth_formula_octaves_sigma_lambda_0p80", value = octaves(0.8), comparison = "+-",
  threshold = { 0.689, 0.0005 } }

local RATIO, GAMMA, SHORTEST, APART = 0.56, 0.75, 4, math.sqrt(2)
local wavelengths = {}
for k = 1, p.scales do wavelengths[k] = SHORTEST * APART ^ (k - 1) end

-- The filters of one phase, scale by scale, and their squared transfer functions (frequency 0 in the middle).
local filters, columns = {}, { orientation = {}, wavelength = {} }
for _, phase in ipairs { 0, 90 } do
  for _, wavelength in ipairs(wavelengths) do
    local bank, table_ = stimuli.gabors { size = p.side - 1, orientations = p.orientations, wavelength = wavelength,
      phase = phase, sigma = RATIO * wavelength, gamma = GAMMA }
    filters[#filters + 1] = bank
    for i, orientation in ipairs(table_.orientation) do
      table.insert(columns.orientation, orientation)
      table.insert(columns.wavelength, table_.wavelength[i])
    end
  end
end
filters = ops.concat(filters, { dim = 1 })

-- ---- what gratings say -----------------------------------------------------------------------------------------

-- Amplitudes over phase of all filters to a grating of each orientation and wavelength: one matrix product.
local flat = filters:reshape { #filters, -1 }
local function amplitudes(orientation, frequency)
  local set = stimuli.gratings { size = p.side - 1, orientation = orientation, frequency = frequency, phase = { 0,
    90 } }
  local r = tuning.responses { function(x) return (x - 0.5):reshape({ #x, -1 }):matmul(flat:t()) end, set }
  r = r:reshape { -1, 2, #filters }
  return r:square():sum({ dim = 2 }):sqrt()
end

local own = (p.side - 1) * (1 / tensor(columns.wavelength, { dtype = "float64" }))
local worst = 0
for i = 1, #filters, 3 do
  local f = own[i] * 2 ^ linspace(-1.5, 1.5, 241, { dtype = "float64" })
  local curve = amplitudes(columns.orientation[i], f)[{ {}, i }]
  local list, frequencies = (curve / curve:max()):totable(), f:totable()
  local low, high
  for k = 2, #list do -- where the curve crosses one half, between two frequencies by a straight line
    local a, b = list[k - 1], list[k]
    local function crossing()
      return frequencies[k - 1] * (frequencies[k] / frequencies[k - 1]) ^ ((0.5 - a) / (b - a))
    end
    if not low and a < 0.5 and b >= 0.5 then low = crossing() end
    if a >= 0.5 and b < 0.5 then high = crossing() end
  end
  worst = math.max(worst, math.abs(math.log(high / low, 2) / octaves(RATIO) - 1))
end
report { id = "S05", metric = "bandwidth_measured_error_percent", value = 100 * worst, comparison = "<=",
  threshold = 5,
  what = "with gratings, every third filter" }

local grid_orientations, grid_frequencies = {}, {}
for k = 1, p.orientations do grid_orientations[k] = 180 * (k - 1) / p.orientations end
for k, wavelength in ipairs(wavelengths) do grid_frequencies[k] = (p.side - 1) / wavelength end
local best = amplitudes(grid_orientations, grid_frequencies):argmax({ dim = 1 }):totable()
local right = 1
for i, at in ipairs(best) do
  local orientation = grid_orientations[(at - 1) // p.scales + 1]
  local wavelength = wavelengths[(at - 1) % p.scales + 1]
  if orientation ~= columns.orientation[i] or wavelength ~= columns.wavelength[i] then right = 0 end
end
report { id = "S05", metric = "orientation_sf_peaks_on_design_grid", value = right, comparison = "==", threshold = 1,
  what = #filters .. " filters, gratings of all designed orientations and frequencies" }

-- ---- the whole bank --------------------------------------------------------------------------------------------

local power = fft.fft2(ops.stack({ filters:squeeze(2), filters:squeeze(2) * 0 },
  { dim = -1 })):square():sum { dim = -1 }
power = power / power:max { dim = { 2, 3 }, keepdim = true }
local total = fft.fftshift(power:sum { dim = 1 })
local f = fft.fftshift(fft.fftfreq(p.side - 1))
local radius = (f:square():reshape { 1, -1 } + f:square():reshape { -1, 1 }):sqrt()

-- The largest deviation from the mean between the frequencies of two scales, in percent.
local function ripple(lowest, highest)
  local within = radius:ge(1 / wavelengths[lowest]):logical_and(radius:le(1 / wavelengths[highest]))
  local passed = total[within]
  return 100 * math.max((passed:max() / passed:mean() - 1):item(), (1 - passed:min() / passed:mean()):item())
end
report { id = "S05", metric = "power_sum_ripple_percent", value = ripple(p.scales - 1, 2), comparison = "+-",
  threshold = { 0, 15 }, what = "where a scale has neighbours on both sides" }
print(string.format("from the lowest to the highest scale, where the bank begins to fall off: %.1f %%",
  ripple(p.scales, 1)))

plot.heatmap { (total / total:max()):to "float32", label = "summed power (of the largest)", aspect = 1,
  title = "Gabor bank in the frequency plane", xlabel = "horizontal frequency (index)",
  ylabel = "vertical frequency (index)" }:save "power.svg"
plot.images { filters[{ { 33, 40 } }], columns = 8, normalise = "each",
  title = "The coarsest scale, even" }:save "filters.svg"
