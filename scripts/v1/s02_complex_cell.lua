-- s02_complex_cell.lua: SYSTEMS S02. Complex cells: the energy of a quadrature pair (Adelson & Bergen 1985), and the
-- largest of eight simple cells whose fields lie side by side (Hubel & Wiesel 1962).
--
-- The eight fields are spread from -wavelength to +wavelength across the bars, two sevenths of a wavelength apart.
-- What a bar between two of them finds depends on how far each field reaches: with an envelope of one and a half
-- wavelengths or more a cell a whole wavelength away still answers. Theirs is of two wavelengths.
local p = experiment "s02-complex-cell" { seed = 1, params = { side = 96, orientation = 60, orientations = 36,
  phases = 64 },
  about = "Complex cells: energy of a quadrature pair, MAX over shifted simple cells" }

local WAVELENGTH, SIGMA = 12, 6
local degrees, phases = linspace(0, 180 * (1 - 1 / p.orientations), p.orientations), {}
for k = 1, p.phases do phases[k] = 360 * (k - 1) / p.phases end

local function bank(o)
  o.size, o.orientation, o.wavelength = p.side, p.orientation, WAVELENGTH
  return stimuli.gabors(o)
end
local function cell(name, filters, ...)
  return model(name) { input { 1, p.side, p.side },
    area "V1" { conv { #filters, kernel = p.side, bias = false, init = function() return filters end }, ... } }
end

local simple = cell("simple", bank { phase = 0, sigma = SIGMA }, relu)
local energy = cell("energy", bank { phase = { 0, 90 }, sigma = SIGMA }, pool.energy)
local root = cell("root of the energy", bank { phase = { 0, 90 }, sigma = SIGMA }, pool.energy { root = true })

-- Eight fields across the bars, even ones, and the cell that follows the one that answers most, or all of them.
local CELLS, REACH = 8, 2 * WAVELENGTH
local shifted, angle = {}, math.rad(p.orientation)
for k = 1, CELLS do
  local across = WAVELENGTH * (2 * (k - 1) / (CELLS - 1) - 1)
  shifted[k] = bank { phase = 0, sigma = REACH, gamma = 1, x = across * math.sin(angle),
    y = across * math.cos(angle) }
end
shifted = ops.concat(shifted, { dim = 1 })
local largest = cell("largest of eight", shifted, relu, maxout { pieces = CELLS })
local sum = cell("sum of eight", shifted, relu, conv { 1, kernel = 1, init = function(shape, info)
  return info.name:match "bias$" and zeros(shape) or ones(shape) / CELLS
end })
local one = cell("one of them", bank { phase = 0, sigma = REACH, gamma = 1 }, relu)

-- ---- drifting gratings -----------------------------------------------------------------------------------------

local gratings = stimuli.gratings { size = p.side, orientation = degrees, frequency = p.side / WAVELENGTH,
  phase = phases }
local function cycle(net) return tuning.responses { net, gratings }:reshape { p.orientations, p.phases } end

local responses = { simple = cycle(simple), energy = cycle(energy), root = cycle(root), largest = cycle(largest),
  sum = cycle(sum) }
local function best(r) return r[r:mean({ dim = 2 }):argmax():item()] end
for _, name in ipairs { "simple", "energy", "root", "largest", "sum" } do
  print(string.format("%-8s F1/F0 %.4f", name, (tuning.modulation(best(responses[name])))))
end
local over = best(responses.energy)
local high, low = over:max():item(), over:min():item()
report { id = "S02", metric = "phase_modulation_index", value = (high - low) / (high + low), comparison = "<=",
  threshold = 0.02, what = "energy of a quadrature pair" }
report { id = "S02", metric = "f1_f0_complex", value = (tuning.modulation(over)), comparison = "<=", threshold = 0.05,
  what = "energy of a quadrature pair" }

-- ---- contrast reversed -----------------------------------------------------------------------------------------

local bars = stimuli.bars { size = p.side, orientation = p.orientation, width = 0.5 * WAVELENGTH / p.side,
  x = 0, y = linspace(-0.1, 0.1, 9), contrast = { 1, -1 } }
local bright, dark = {}, {}
for i, c in ipairs(bars.columns.contrast) do table.insert(c > 0 and bright or dark, i) end
local at_bright = tuning.responses { energy, bars:subset(bright) }:reshape { -1 }
local at_dark = tuning.responses { energy, bars:subset(dark) }:reshape { -1 }
report { id = "S02", metric = "contrast_reversal_change_percent",
  value = 100 * ((at_bright - at_dark):abs() / at_bright):max():item(), comparison = "<=", threshold = 1,
  what = "bright and dark bars at nine places, the largest change" }

-- ---- shifted bars ----------------------------------------------------------------------------------------------

local steps = linspace(-0.5, 0.5, 41, { dtype = "float64" })
local sets = {}
for i, step in ipairs(steps:totable()) do
  local across = step * WAVELENGTH / p.side
  sets[i] = stimuli.bars({ size = p.side, orientation = p.orientation, width = 0.25 * WAVELENGTH / p.side,
    x = across * math.sin(angle), y = across * math.cos(angle) }).x
end
local moved = ops.concat(sets, { dim = 1 })
local pooled = tuning.responses { largest, moved }:reshape { -1 }
local single = tuning.responses { one, moved }:reshape { -1 }
report { id = "S02", metric = "max_pooled_shifted_bar_response_percent",
  value = 100 * (pooled:min() / pooled:max()):item(),
  comparison = ">=", threshold = 80, what = "the lowest over shifts to half a wavelength either way" }
report { id = "S02", metric = "simple_even_shifted_bar_response_percent",
  value = 100 * (ops.maximum(single[1], single[#single]) / single:max()):item(), comparison = "<=", threshold = 5,
  what = "at half a wavelength either way" }

-- ---- orientation -----------------------------------------------------------------------------------------------

local function preferred(r) return tuning.fit({ "von_mises", x = degrees, y = r:mean { dim = 2 } }).preferred end
local function apart(a, b) return (a - b + 90) % 180 - 90 end
local worst = 0
for _, name in ipairs { "energy", "root", "largest", "sum" } do
  local off = apart(preferred(responses[name]), preferred(responses.simple))
  if math.abs(off) > math.abs(worst) then worst = off end
end
report { id = "S02", metric = "preferred_orientation_offset_deg", value = worst, comparison = "+-", threshold = { 0,
  2 },
  what = "the furthest of energy, its root, MAX and sum" }

local function share(t) return t / t:max() end
plot.line { title = "A simple and a complex cell through one cycle", xlabel = "phase of the grating (degrees)",
  ylabel = "response (of the largest)", zero = true,
  { x = phases, y = share(best(responses.simple)), label = "simple" },
  { x = phases, y = share(over), label = "energy" },
  { x = phases, y = share(best(responses.largest)), label = "MAX of eight" } }:save "phase.svg"
plot.line { title = "A bar moved across the field", xlabel = "shift (wavelengths)",
  ylabel = "response (of the largest)",
  zero = true, { x = steps, y = share(single), label = "one simple cell" },
  { x = steps, y = share(pooled), label = "MAX of eight" } }:save "shift.svg"
