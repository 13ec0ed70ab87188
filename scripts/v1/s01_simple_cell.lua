-- s01_simple_cell.lua: SYSTEMS S01. Two simple cells: a half-rectified Gabor field, and Hubel & Wiesel's wiring
-- (1962), seven geniculate cells with concentric fields in a row that converge on a cortical cell with a threshold.
--
-- Drifting gratings: 36 orientations x 64 phases of a cycle. F1/F0 of a half-rectified sine is pi / 2.
local p = experiment "s01-simple-cell" { seed = 1, params = { side = 48, orientation = 60, orientations = 36,
  phases = 64 },
  about = "Simple cells: a Gabor field, and a row of geniculate inputs" }

local WAVELENGTH = 12 -- pixels
local degrees, phases = linspace(0, 180 * (1 - 1 / p.orientations), p.orientations), {}
for k = 1, p.phases do phases[k] = 360 * (k - 1) / p.phases end

local function gratings(wavelength)
  return stimuli.gratings { size = p.side, orientation = degrees, frequency = p.side / wavelength, phase = phases }
end

-- Responses as orientations x phases.
local function cycle(cell, wavelength)
  return tuning.responses { cell, gratings(wavelength) }:reshape { p.orientations, p.phases }
end

-- A cell whose field is a Gabor function.
local field = stimuli.gabors { size = p.side, orientation = p.orientation, wavelength = WAVELENGTH, phase = 0 }
local gabor = model "simple cell" { input { 1, p.side, p.side },
  area "V1" { conv { 1, kernel = p.side, bias = false, init = function() return field end }, relu } }

-- Concentric on-centre fields, the centre's Gaussian less the surround's, in a row along the cell's axis.
local CENTRE, SURROUND, INPUTS, APART = 2, 4, 7, 4
local function row_of_fields()
  local at = arange(1, p.side, { dtype = "float64" }) - (p.side + 1) / 2
  local x, y = at:reshape { 1, -1 }, at:reshape { -1, 1 }
  local function gaussian(cx, cy, sigma)
    return (((x - cx):square() + (y - cy):square()) * (-1 / (2 * sigma ^ 2))):exp() / (2 * math.pi * sigma ^ 2)
  end
  local fields, angle = {}, math.rad(p.orientation)
  for k = 1, INPUTS do
    local along = (k - (INPUTS + 1) / 2) * APART
    local cx, cy = along * math.cos(angle), -along * math.sin(angle)
    fields[k] = gaussian(cx, cy, CENTRE) - gaussian(cx, cy, SURROUND)
  end
  return ops.stack(fields, { dim = 1 }):to("float32"):unsqueeze(2)
end

-- The grating to which these fields answer most, and how much one of them does.
local best = math.sqrt(math.log(SURROUND ^ 2 / CENTRE ^ 2) / (2 * math.pi ^ 2 * (SURROUND ^ 2 - CENTRE ^ 2)))
local function transfer(sigma) return math.exp(-2 * (math.pi * sigma * best) ^ 2) end
local drive = 0.5 * (transfer(CENTRE) - transfer(SURROUND))
local wired = model "wired simple cell" { input { 1, p.side, p.side },
  area "LGN" { conv { INPUTS, kernel = p.side, bias = false, init = row_of_fields }, relu },
  area "V1" { conv { 1, kernel = 1, init = function(shape, info)
    return info.name:match "bias$" and full(shape, -0.5 * INPUTS * drive) or ones(shape) -- threshold: half the most
  end }, relu } }

local by_field, by_row = cycle(gabor, WAVELENGTH), cycle(wired, 1 / best)
local ratio = tuning.modulation(by_field)
local means = by_field:mean { dim = 2 }
local preferred = means:argmax():item()
report { id = "S01", metric = "f1_f0_gabor", value = ratio[preferred], comparison = "+-", threshold = { 1.571, 0.01 },
  what = "at the preferred orientation; Skottun 1991: simple above 1" }

local fitted = tuning.fit { "von_mises", x = degrees, y = by_field:mean { dim = 2 } }
local fit = tuning.fit { "von_mises", x = degrees, y = by_row:mean { dim = 2 } }
print(fitted)
print(fit)
local function apart(a, b) return (a - b + 90) % 180 - 90 end
report { id = "S01", metric = "dog_preferred_orientation_offset_deg", value = apart(fit.preferred, p.orientation),
  comparison = "+-", threshold = { 0, 5 } }
report { id = "S01", metric = "dog_orientation_hwhm_deg", value = fit.bandwidth, comparison = "<=", threshold = 40 }

local function share(t) return t / t:max() end
plot.line { title = "Simple cells: a Gabor field, a row of seven inputs",
  xlabel = "orientation of the grating (degrees)",
  ylabel = "mean response (of the largest)",
  { x = degrees, y = share(means), label = "Gabor field" },
  { x = degrees, y = share(by_row:mean { dim = 2 }), label = "row of seven" } }:save "orientation.svg"
plot.line { title = "Through one cycle of the best grating", xlabel = "phase (degrees)",
  ylabel = "response (of the largest)",
  { x = phases, y = share(by_field[preferred]), label = "Gabor field" },
  { x = phases, y = share(by_row[by_row:mean({ dim = 2 }):argmax():item()]),
    label = "row of seven" } }:save "phase.svg"
