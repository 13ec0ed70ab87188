--- lamina.tuning: what physiologists measure of a neuron's responses to stimuli.
--
--   local set = stimuli.gratings { size = 32, orientation = arange(0, 170, 10), frequency = 4, phase = { 0, 90 } }
--   local r = tuning.responses { net, set, layer = "V1" }          -- presentations x units
--   local curve = tuning.curve { r, set.columns.orientation }      -- mean of each orientation
--   local fit = tuning.fit { "von_mises", x = curve.x, y = curve.mean[{ {}, 1 }] }
--   print(fit)                                                     -- parameters with 95 % intervals
--   tuning.selectivity { curve.x, curve.mean }                     -- osi, dsi, circular variance, preferred
--
-- All of it for every unit in one word: tuning.describe { net, stimuli = set, quantity = "orientation", by =
-- "orientation" }. Measures: tuning.modulation (F1/F0), tuning.harmonics (over time), tuning.selectivity,
-- tuning.suppression; fits: tuning.fit, tuning.fit_gabor; receptive fields from noise: tuning.sta, tuning.stc, and
-- from spots and bars: tuning.map. All work alike on a simulated cell, on units of any network, and on a recording.
local core_fit = require "lamina.core.fit"
local curves = require "lamina.tuning.curves"
local errors = require "lamina.errors"
local least_squares = require "lamina.tuning.least_squares"
local describe = require "lamina.tuning.describe"
local mapping = require "lamina.tuning.mapping"
local measures = require "lamina.tuning.measures"
local responses = require "lamina.tuning.responses"
local reverse = require "lamina.tuning.reverse"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

M.responses, M.curve = responses.responses, measures.curve
M.modulation, M.selectivity, M.suppression = measures.modulation, measures.selectivity, measures.suppression
M.sta, M.stc = reverse.sta, reverse.stc
M.harmonics, M.map = measures.harmonics, mapping.map

local Fit = { __name = "tuning fit" }
Fit.__index = Fit

local function rounded(v) return string.format("%.4g", v) end

Fit.__tostring = function(self)
  local lines = { string.format("%s: R^2 %.3f, %d points", self.curve, self.r2, self.points) }
  for _, name in ipairs(self.names) do
    local low, high = self.low[name], self.high[name]
    lines[#lines + 1] = string.format("  %-14s %-10s%s", name, rounded(self[name]),
      low and string.format("  95 %% CI %s to %s", rounded(low), rounded(high)) or "")
  end
  return table.concat(lines, "\n")
end

-- The standard error and the normal interval of a parameter; none where its variance is unknown.
local function note(fit, name, variance)
  if not (variance >= 0 and variance < math.huge) then return end
  local se = math.sqrt(variance)
  fit.error[name], fit.low[name], fit.high[name] = se, fit[name] - 1.959963984540054 * se,
    fit[name] + 1.959963984540054 * se
end

-- The variance of f(p) by f's slopes (central differences) and the covariance of p.
local function carried(f, p, covariance)
  local slopes, q, variance = {}, table.move(p, 1, #p, 1, {}), 0
  for j = 1, #p do
    local step = 1e-4 * math.max(math.abs(p[j]), 1e-3)
    q[j] = p[j] + step
    local above = f(q)
    q[j] = p[j] - step
    slopes[j], q[j] = (above - f(q)) / (2 * step), p[j]
  end
  for i = 1, #p do
    for j = 1, #p do
      -- a parameter that f does not depend on may be undetermined
      if slopes[i] ~= 0 and slopes[j] ~= 0 then variance = variance + slopes[i] * slopes[j] * covariance[i][j] end
    end
  end
  return variance
end

-- Standard errors of the parameters and of what is derived from them.
local function intervals(fit, p, covariance, derived)
  if not covariance then return end
  for j, name in ipairs(fit.names) do
    if p[j] then note(fit, name, covariance[j][j]) end
  end
  for name, f in pairs(derived or {}) do note(fit, name, carried(f, p, covariance)) end
end

local KINDS = { "von_mises", "direction", "log_gaussian", "naka_rushton", "size" }

local FIT = schema.document("tuning.fit", {
  positional = { "curve" },
  curve = { type = "string", required = true, choices = KINDS, doc = "the function" },
  x = { type = { "table", "tensor" }, required = true, doc = "the stimulus: degrees, frequency, contrast, diameter" },
  y = { type = { "table", "tensor" }, required = true, doc = "the response to each" },
  errors = { type = { "table", "tensor" }, doc = "standard error of each response; points count by 1 / errors^2" },
})

local function read(o, position)
  local x, y = measures.list(o.x), measures.list(o.y)
  local sigma = o.errors and measures.list(o.errors)
  local needed = #curves[o.curve].names
  if #x ~= #y or (sigma and #sigma ~= #y) then
    errors.raise("shape", position, "tuning.fit: x has %d entries, y %d%s; they need as many", #x, #y,
      sigma and string.format(", errors %d", #sigma) or "")
  end
  local function finite(v) return v == v and math.abs(v) < math.huge end
  for i = 1, #x do
    if not (finite(x[i]) and finite(y[i])) then
      errors.raise("argument", position, "tuning.fit: point %d (%s, %s) is not finite; leave it out", i, x[i], y[i])
    end
    if curves[o.curve].positive and x[i] <= 0 then
      errors.raise("argument", position, "tuning.fit: x[%d] is %s; %s needs x above 0", i, x[i], o.curve)
    end
    if sigma and not (finite(sigma[i]) and sigma[i] > 0) then
      errors.raise("argument", position, "tuning.fit: errors[%d] is %s, expected a number above 0", i, sigma[i])
    end
  end
  if #x < needed then
    errors.raise("argument", position, "tuning.fit: %s has %d parameters and needs at least as many points, got %d",
      o.curve, needed, #x)
  end
  return x, y, sigma
end

local function explained(y, f)
  local mean, total, left = 0, 0, 0
  for i = 1, #y do mean = mean + y[i] / #y end
  for i = 1, #y do total, left = total + (y[i] - mean) ^ 2, left + (y[i] - f(i)) ^ 2 end
  return total > 0 and 1 - left / total or 0 / 0
end

--- tuning.fit { curve, x =, y =, errors = }: a curve fitted to responses by least squares. Curves:
--   "von_mises"     orientation, degrees (period 180): baseline, amplitude, preferred, kappa; bandwidth (half-width
--                   at half-height, degrees)
--   "direction"     direction, degrees (period 360): baseline, amplitude, opposite, preferred, kappa; bandwidth
--   "log_gaussian"  spatial or temporal frequency, any unit: baseline, amplitude, preferred, sigma (octaves);
--                   bandwidth (full width at half-height, octaves)
--   "naka_rushton"  contrast: baseline, rmax, c50, n
--   "size"          diameter, ratio of Gaussians: gain, centre, surround_gain, surround; preferred (the size with the
--                   largest response), suppression (1 - the response to a size without end over the largest)
-- The result has every parameter by name, .r2, .points (how many), .error, .low and .high (standard errors and 95 %
-- intervals from the curvature of the sum of squares; absent where the points do not determine a parameter), and
-- :at(x).
-- > f = tuning.fit { "von_mises", x = { 0, 30, 60, 90, 120, 150 }, y = { 3, 3, 14, 32, 14, 3 } }
-- > string.format("%.1f degrees, half-width %.1f", f.preferred, f.bandwidth)   --> 90.0 degrees, half-width 26.0
function M.fit(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.fit", "tuning.fit { \"von_mises\", x = x, y = y }", position, ...)
  local o = schema.check("tuning.fit", given, FIT, position)
  local curve = curves[o.curve]
  local x, y, sigma = read(o, position)
  local weight
  if sigma then
    weight = {}
    for i = 1, #y do weight[i] = 1 / sigma[i] end
  end
  local p, _, covariance = least_squares.fit { f = function(q, i) return curve.f(q, x[i]) end, y = y, n = #y,
    weight = weight, starts = curve.starts(x, y), inside = curve.inside }
  if curve.finish then curve.finish(p) end
  local fit = setmetatable({ curve = o.curve, points = #y, parameters = p, names = { table.unpack(curve.names) },
    error = {}, low = {}, high = {} }, Fit)
  for j, name in ipairs(curve.names) do fit[name] = p[j] end
  for name, f in pairs(curve.derived or {}) do
    fit.names[#fit.names + 1] = name
    fit[name] = f(p)
  end
  fit.r2 = explained(y, function(i) return curve.f(p, x[i]) end)
  intervals(fit, p, covariance, curve.derived)
  return fit
end

local curve_names = {}
for name, curve in pairs(curves) do curve_names[name] = curve.names end

--- tuning.describe { source, quantity =, by =, stimuli =, layer =, units =, phase =, rectify = false, fit = true,
-- time = }: how every unit is tuned to one quantity ("orientation", "direction", "spatial_frequency",
-- "temporal_frequency", "size", "contrast"). source is a function from images to rows of responses (a simulated
-- cell), a model (with layer, and units = "centre" of maps), an assembly (a recording; stimuli = the set with its
-- ids, or its own coordinates), or responses, N, N x units or N x units x repeats, as neural.noisy draws them. by: a
-- column of the stimuli, such as "orientation", or N numbers. The result prints as a table and has
--   x, mean, error, n   the curve, as tuning.curve
--   units               for each unit a table: fit (tuning.fit's, weighted by standard errors where all are known and
--                       above 0), its parameters by name, r2, and by quantity
--     orientation, direction   osi, circular_variance, vector (the orientation of the vector sum); of directions
--                              also dsi, dsi_vector, direction (of the vector sum of directions)
--     preferred                that of the fit, or without one of the vector sum, or best
--     size                     suppression, best (the size with the largest response); others best
--     phase = given            f1_f0 over the phases at the best stimulus
-- Movies are shown to any model as `activations` shows them, tuning.describe { net, stimuli = stimuli.drifting {
-- direction = arange(0, 330, 30) }, quantity = "direction", by = "direction", units = "centre" }; of the response
-- over time its mean counts, or time = "f1", "peak", "last", after `from` seconds, and where the stimuli have a
-- temporal frequency (the column `temporal`) f1_f0 is that over time at the best stimulus. Responses are rates: not
-- negative, or rectify = true takes those below 0 for 0 (over time, before all else).
-- > gabor = stimuli.gabors { size = 32, wavelength = 8, orientation = 45, phase = 0 }
-- > cell = function(x) return (x * gabor):sum({ 2, 3, 4 }):relu() end
-- > set = stimuli.gratings { size = 32, orientation = arange(0, 165, 15), frequency = 4, phase = arange(0, 330, 30) }
-- > d = tuning.describe { cell, stimuli = set, quantity = "orientation", by = "orientation", phase = "phase" }
-- > string.format("%.1f, F1/F0 %.2f", d.units[1].preferred, d.units[1].f1_f0)   --> 45.0, F1/F0 1.61
M.describe = describe.make { word = M.fit, names = curve_names }

--- fit:at(x): the fitted curve at a number, or at each of a list or tensor.
-- > f = tuning.fit { "von_mises", x = { 0, 30, 60, 90, 120, 150 }, y = { 3, 3, 14, 32, 14, 3 } }
-- > string.format("%.1f", f:at(90))   --> 32.1
function Fit:at(x)
  if self.curve == "gabor" then errors.raise("argument", 2, "a Gabor fit has no :at") end
  if type(x) == "number" then return curves[self.curve].f(self.parameters, x) end
  local list = {}
  for i, value in ipairs(measures.list(x)) do list[i] = curves[self.curve].f(self.parameters, value) end
  return list
end

local GABOR = schema.document("tuning.fit_gabor", {
  positional = { "field" },
  field = { type = { "tensor", "table" }, required = true,
    doc = "a receptive field or filter, H x W, or several, N x H x W or N x 1 x H x W" },
  starts = { type = "integer", default = 4, min = 1, max = 40, doc = "how many gratings it begins from" },
})

local GABOR_NAMES = { "amplitude", "x", "y", "orientation", "wavelength", "phase", "sigma", "along", "offset" }

-- What is derived from the parameters: the bandwidth in octaves at half-height, and the shape of the envelope.
local GABOR_DERIVED = { names = { "bandwidth", "aspect" },
  function(p)
    local peak, half = math.pi * p[7] / p[5], math.sqrt(math.log(2) / 2)
    return peak > half and math.log((peak + half) / (peak - half), 2) or math.huge
  end,
  function(p) return p[7] / p[8] end }

-- One field's fit from the runtime's numbers: its parameters and r2, and the rows of their covariance.
local function gabor_result(numbers, covariance, points)
  local p = table.move(numbers, 1, 9, 1, {})
  local fit = setmetatable({ curve = "gabor", points = points, parameters = p,
    names = { table.unpack(GABOR_NAMES) }, error = {}, low = {}, high = {}, r2 = numbers[10] }, Fit)
  for j, name in ipairs(GABOR_NAMES) do
    fit[name] = p[j]
    note(fit, name, covariance[j][j])
  end
  for j, f in ipairs(GABOR_DERIVED) do
    local name = GABOR_DERIVED.names[j]
    fit[name] = f(p)
    note(fit, name, carried(f, p, covariance))
    fit.names[#fit.names + 1] = name
  end
  return fit
end

--- tuning.fit_gabor { field, starts = 4 }: a Gabor function fitted to a receptive field or filter (H x W; Jones &
-- Palmer 1987): amplitude exp(-u^2 / (2 sigma^2) - v^2 / (2 along^2)) cos(2 pi u / wavelength + phase) + offset, u
-- across the bars at `orientation` (as stimuli.gabors: 0 horizontal), x and y pixels to the right of and below the
-- middle. As tuning.fit's result, and bandwidth in octaves (at half-height; infinite for a field without side
-- lobes), aspect (sigma / along). Several fields (N x H x W, or N x 1 x H x W as filters have) give a list of fits.
-- > f = tuning.fit_gabor(stimuli.gabors({ size = 15, orientations = 4 })[{ 3, 1 }])
-- > string.format("%.1f degrees, r2 %.2f", f.orientation, f.r2)   --> 45.0 degrees, r2 1.00
function M.fit_gabor(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.fit_gabor", "tuning.fit_gabor { field }", position, ...)
  if tensor.is_tensor(given) then given = { given } end
  local o = schema.check("tuning.fit_gabor", given, GABOR, position)
  local field = tensor.is_tensor(o.field) and o.field or tensor.tensor(o.field)
  if field.ndim == 4 and field:size(2) == 1 then field = field:squeeze(2) end
  local pixels = field.ndim >= 2 and field:size(-1) * field:size(-2) or 0
  if field.ndim ~= 2 and field.ndim ~= 3 or pixels < 9 then
    errors.raise("shape", position, "tuning.fit_gabor: the field is %s, expected H x W with at least 9 pixels, or N "
      .. "of them, N x H x W", table.concat(field.shape, "x"))
  end
  if not field:isfinite():all():item() then
    errors.raise("argument", position, "tuning.fit_gabor: the field holds numbers that are not finite")
  end
  local single = field.ndim == 2
  if single then field = field:unsqueeze(1) end
  local fits, covariance = core_fit.gabor(field:to("float64"):contiguous(), o.starts)
  local rows, list = covariance:totable(), {}
  for i, numbers in ipairs(fits:totable()) do list[i] = gabor_result(numbers, rows[i], pixels) end
  return single and list[1] or list
end

return M
