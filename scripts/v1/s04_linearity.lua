-- s04_linearity.lua: SYSTEMS S04. Is a cell linear? Its line-weighting function, mapped with bars, predicts how it is
-- tuned to the spatial frequency of gratings if it is (Movshon, Thompson & Tolhurst 1978a, b).
--
-- The line-weighting function is the response to a bright bar less that to a dark one at each place: for a
-- half-rectified cell the linear profile. A complex cell answers both alike, which leaves nothing; for it the bright
-- bars alone count too, and the better of the two predictions is reported.
local p = experiment "s04-linearity" { seed = 1, params = { side = 64, orientation = 90, places = 64,
  frequencies = 40 },
  about = "Line-weighting functions and tuning to spatial frequency" }

local WAVELENGTH, SIGMA = 12, 5
local function cell(phases, ...)
  local bank = stimuli.gabors { size = p.side, orientation = p.orientation, wavelength = WAVELENGTH, phase = phases,
    sigma = SIGMA }
  return model "cell" { input { 1, p.side, p.side },
    area "V1" { conv { #bank, kernel = p.side, bias = false, init = function() return bank end }, ... } }
end

local places = (arange(1, p.places, { dtype = "float64" }) - 0.5) / p.places - 0.5
local frequencies = linspace(0.5, 14, p.frequencies, { dtype = "float64" })
local bars = { size = p.side, orientation = p.orientation, width = 1 / p.places, x = places }
local phases = {}
for k = 1, 16 do phases[k] = 22.5 * (k - 1) end
local gratings = stimuli.gratings { size = p.side, orientation = p.orientation, frequency = frequencies,
  phase = phases }

local function map(net, contrast)
  bars.contrast = contrast
  return tuning.responses { net, stimuli.bars(bars) }:reshape { -1 }
end

-- The amplitude of a profile's Fourier transform at each frequency (cycles per image).
local function spectrum(profile)
  local turn = frequencies:reshape { -1, 1 } * places:reshape { 1, -1 } * (2 * math.pi)
  return ((turn:cos():matmul(profile)):square() + (turn:sin():matmul(profile)):square()):sqrt()
end

local function pearson(a, b)
  local x, y = a - a:mean(), b - b:mean()
  local size = (x:square():sum() * y:square():sum()):sqrt():item()
  return size > 0 and (x * y):sum():item() / size or 0
end

-- What gratings show: the first harmonic of a simple cell, the mean of a complex one, whichever is larger.
local function measured(net)
  local cycle = tuning.responses { net, gratings }:reshape { p.frequencies, #phases }
  local ratio, f1, f0 = tuning.modulation(cycle)
  local best = f0:argmax():item()
  return ratio[best] > 1 and f1 or f0
end

local simple, complex = cell(40, relu), cell({ 0, 90 }, pool.energy)
local results = {}
for name, net in pairs { simple = simple, complex = complex } do
  local bright, dark = map(net, 1), map(net, -1)
  local curve = measured(net)
  local both, alone = spectrum(bright - dark), spectrum(bright)
  results[name] = { curve = curve, predicted = name == "simple" and both or alone, both = pearson(both, curve),
    alone = pearson(alone, curve) }
end
for _, name in ipairs { "simple", "complex" } do
  print(string.format("%-8s r %.4f with bright less dark bars, %.4f with bright bars alone", name, results[name].both,
    results[name].alone))
end
report { id = "S04", metric = "predicted_measured_sf_tuning_r_simple", value = results.simple.both, comparison = ">=",
  threshold = 0.98, what = "bright less dark bars" }
report { id = "S04", metric = "predicted_measured_sf_tuning_r_complex",
  value = math.max(results.complex.both, results.complex.alone), comparison = "<=", threshold = 0.6,
  what = "the better of bright less dark, and bright bars alone" }

local function share(t) return t / t:max() end
plot.line { title = "Predicted from bars and measured with gratings", xlabel = "spatial frequency (cycles per image)",
  ylabel = "response (of the largest)", zero = true,
  { x = frequencies, y = share(results.simple.curve), label = "simple, measured" },
  { x = frequencies, y = share(results.simple.predicted), label = "simple, predicted", dash = true },
  { x = frequencies, y = share(results.complex.curve), label = "complex, measured" },
  { x = frequencies, y = share(results.complex.predicted), label = "complex, predicted",
    dash = true } }:save "tuning.svg"
