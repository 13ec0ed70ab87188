-- s03_tuning.lua: SYSTEMS S03. What the analysis of tuning finds in 200 neurons whose tuning is known: 100 simple
-- and 100 complex ones with von Mises tuning to orientation and log-Gaussian tuning to spatial frequency, Poisson
-- counts, ten presentations of one second, at most 30 spikes a second.
local p = experiment "s03-tuning" { seed = 1, params = { neurons = 200, repeats = 10, peak = 30 },
  about = "Tuning recovered from noisy neurons, simple and complex told apart" }

local n, half = p.neurons, p.neurons // 2
local function drawn(low, high) return (rand { n } * (high - low) + low):to("float64"):totable() end
local preferred, kappa = drawn(0, 180), drawn(1, 6)
local best, sigma, spontaneous = drawn(-1, 3), drawn(0.5, 1.2), drawn(0, 3)

local degrees, frequencies, phases = {}, {}, {}
for k = 0, 17 do degrees[k + 1] = 10 * k end
for k = 0, 14 do frequencies[k + 1] = 2 ^ (-3 + 0.5 * k) end
for k = 0, 15 do phases[k + 1] = 22.5 * k end

-- Mean counts over repeats, and their standard errors (of Poisson counts, not below that of one spike in all).
local function measured(rates, purpose)
  local mean = neural.noisy({ rates, repeats = p.repeats, purpose = purpose }):mean { dim = 3 }
  return mean:totable(), (mean:clamp(1 / p.repeats, 1e9) / p.repeats):sqrt():totable()
end

local by_degrees, by_frequency, by_phase = {}, {}, {}
for i = 1, n do
  by_degrees[i], by_frequency[i], by_phase[i] = {}, {}, {}
  local gain = p.peak - spontaneous[i]
  for k, x in ipairs(degrees) do
    by_degrees[i][k] = spontaneous[i] + gain * math.exp(kappa[i] * (math.cos(math.rad(2 * (x - preferred[i]))) - 1))
  end
  for k, x in ipairs(frequencies) do
    by_frequency[i][k] = spontaneous[i] + gain * math.exp(-(math.log(x, 2) - best[i]) ^ 2 / (2 * sigma[i] ^ 2))
  end
  for k, x in ipairs(phases) do -- a simple cell follows the phase, a complex one hardly does
    local wave = math.cos(math.rad(x - 2 * preferred[i]))
    by_phase[i][k] = i <= half and spontaneous[i] + gain * math.max(wave, 0) or spontaneous[i] + gain * (1
      + 0.1 * wave) / 1.1
  end
end

local counts, errors_of = measured(by_degrees, "orientation")
local sf_counts, sf_errors = measured(by_frequency, "frequency")
local cycles = tensor(measured(by_phase, "phase"), { dtype = "float64" })
local off, off_sf, off_width = {}, {}, {}
for i = 1, n do
  local fit = tuning.fit { "von_mises", x = degrees, y = counts[i], errors = errors_of[i] }
  local sf = tuning.fit { "log_gaussian", x = frequencies, y = sf_counts[i], errors = sf_errors[i] }
  off[i] = math.abs((fit.preferred - preferred[i] + 90) % 180 - 90)
  off_sf[i] = math.abs(math.log(sf.preferred, 2) - best[i])
  local width = math.deg(math.acos(1 - math.log(2) / kappa[i])) / 2
  off_width[i] = 100 * math.abs(fit.bandwidth / width - 1)
end
local function median(list) return tensor(list, { dtype = "float64" }):median():item() end
report { id = "S03", metric = "orientation_median_error_deg", value = median(off), comparison = "<=", threshold = 3 }
report { id = "S03", metric = "sf_median_error_octaves", value = median(off_sf), comparison = "<=", threshold = 0.1 }
report { id = "S03", metric = "bandwidth_median_error_percent", value = median(off_width), comparison = "<=",
  threshold = 15, what = "half-width at half-height of tuning to orientation" }

local ratio = tuning.modulation(cycles):totable()
local right = 0
for i = 1, n do
  if (ratio[i] > 1) == (i <= half) then right = right + 1 end
end
report { id = "S03", metric = "simple_complex_classified_correct_percent", value = 100 * right / n, comparison = ">=",
  threshold = 98, what = "by F1/F0 = 1" }

plot.histogram { title = "Simple and complex cells by F1/F0", xlabel = "F1/F0", bins = 24,
  series = { { label = "simple", values = { table.unpack(ratio, 1, half) } },
    { label = "complex", values = { table.unpack(ratio, half + 1) } } } }:save "modulation.svg"
local shown, x, y = 1, {}, {}
local fit = tuning.fit { "von_mises", x = degrees, y = counts[shown], errors = errors_of[shown] }
for k = 0, 180 do x[k + 1], y[k + 1] = k, fit:at(k) end
plot.line { title = "One neuron and its fit", xlabel = "orientation (degrees)", ylabel = "spikes per second",
  zero = true,
  { x = degrees, y = counts[shown], errors = errors_of[shown], label = "mean and standard error" },
  { x = x, y = y, label = "von Mises" } }:save "fit.svg"
