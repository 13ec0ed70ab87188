-- s06_whitening.lua: SYSTEMS S06. Whitening: the gain f exp(-(f / f0)^4), f0 = 200 cycles per picture at 512 pixels,
-- makes the spectrum of 1/f noise flat between 10 and 100 cycles.
local p = experiment "s06-whitening" { seed = 1, params = { images = 6, side = 512 },
  about = "Whitening of images whose amplitude falls as 1/f" }

local f0 = 200 / 512 * p.side
local noise = stimuli.noise { p.images, size = p.side, exponent = 1 }
local white = sparse.whiten { noise.x, f0 = f0, variance = false }

-- Amplitude spectra, averaged over images and over rings of one cycle per image.
local function power(x) return fft.rfft2(x:to "float64"):square():sum { dim = -1 } end
local fy, fx = fft.fftfreq(p.side) * p.side, fft.rfftfreq(p.side) * p.side
local f = (fx:square():reshape { 1, -1 } + fy:square():reshape { -1, 1 }):sqrt()
local function rings(x)
  local mean, x_log, y_log = power(x):mean { dim = 1 }, {}, {}
  for k = 0, 40 do
    local low = 10 * 10 ^ (k / 41) * p.side / 512
    local inside = f:ge(low):logical_and(f:lt(low * 10 ^ (1 / 41)))
    x_log[k + 1], y_log[k + 1] = f[inside]:mean():log():item(), 0.5 * mean[inside]:mean():log():item()
  end
  return x_log, y_log
end
local function slope(x, y)
  local n, mx, my, above, below = #x, 0, 0, 0, 0
  for i = 1, n do mx, my = mx + x[i] / n, my + y[i] / n end
  for i = 1, n do above, below = above + (x[i] - mx) * (y[i] - my), below + (x[i] - mx) ^ 2 end
  return above / below
end
local x, before = rings(noise.x:squeeze(2))
local _, after = rings(white)
print(string.format("slope of log amplitude before %.3f, after %.3f", slope(x, before), slope(x, after)))
report { id = "S06", metric = "log_log_amplitude_slope", value = slope(x, after), comparison = "+-", threshold = { 0,
  0.1 },
  what = "10 to 100 cycles per image" }

-- The gain that was applied, from an image that holds every frequency equally.
local impulse = zeros { 1, p.side, p.side }
impulse[{ 1, 1, 1 }] = 1
local applied = power(sparse.whiten { impulse, f0 = f0, variance = false })[1]:sqrt()
local formula = f * (-(f / f0):square():square()):exp()
report { id = "S06", metric = "gain_formula_error",
  value = ((applied - formula):abs():max() / formula:max()):item(), comparison = "<=", threshold = 1e-5,
  what = "largest difference over all frequencies, of the largest gain" }

local cycles, level, flat = {}, {}, {}
for i = 1, #x do cycles[i], level[i], flat[i] = math.exp(x[i]), math.exp(before[i] - before[1]),
  math.exp(after[i] - after[1]) end
plot.line { title = "1/f noise before and after whitening", xlabel = "frequency (cycles per image)",
  ylabel = "amplitude (of the first)", xlog = true, ylog = true, { x = cycles, y = level, label = "before" },
  { x = cycles, y = flat, label = "after" } }:save "spectrum.svg"
