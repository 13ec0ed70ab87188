--- lamina.tuning.describe: one quantity's tuning of every unit: curve, measures and fit.
local errors = require "lamina.errors"
local measures = require "lamina.tuning.measures"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sources = require "lamina.tuning.sources"

local M = {}

-- What each quantity's tuning is fitted by.
local CURVES = { orientation = "von_mises", direction = "direction", spatial_frequency = "log_gaussian",
  temporal_frequency = "log_gaussian", size = "size", contrast = "naka_rushton" }
local QUANTITIES = { "orientation", "direction", "spatial_frequency", "temporal_frequency", "size", "contrast" }

-- The measures of each quantity, for printing.
local SHOWN = { orientation = { "preferred", "bandwidth", "osi", "circular_variance" },
  direction = { "preferred", "bandwidth", "dsi", "osi" }, spatial_frequency = { "preferred", "bandwidth" },
  temporal_frequency = { "preferred", "bandwidth" }, size = { "preferred", "suppression" },
  contrast = { "c50", "rmax", "n" } }

local DESCRIBE = schema.document("tuning.describe", sources.join {
  quantity = { type = "string", required = true, choices = QUANTITIES, doc = "what is varied" },
  by = { type = { "string", "table", "tensor" }, required = true,
    doc = "its value for each stimulus: a column's name, or N numbers" },
  phase = { type = { "string", "table", "tensor" }, doc = "the phase of each stimulus, for F1/F0 at the best one" },
  rectify = { type = "boolean", default = false, doc = "take responses below 0 for 0" },
  fit = { type = "boolean", default = true, doc = "fit the quantity's curve" },
})

local MOST = 20 -- units that printing shows

local Described = { __name = "tuning description" }
Described.__index = Described

local function text(unit, name)
  local value = unit[name]
  if value == nil then return "" end
  local low = unit.fit and unit.fit[name] == value and unit.fit.low[name]
  return low and string.format("%.4g (%.4g to %.4g)", value, low, unit.fit.high[name]) or string.format("%.4g", value)
end

Described.__tostring = function(self)
  local names = {}
  for _, name in ipairs(SHOWN[self.quantity]) do names[#names + 1] = name end
  names[#names + 1] = self.units[1].f1_f0 and "f1_f0" or nil
  names[#names + 1] = self.units[1].r2 and "r2" or nil
  local table_of, widths = { { "unit", table.unpack(names) } }, {}
  for u = 1, math.min(#self.units, MOST) do
    table_of[u + 1] = { tostring(u) }
    for k, name in ipairs(names) do table_of[u + 1][k + 1] = text(self.units[u], name) end
  end
  for _, row in ipairs(table_of) do
    for k, cell in ipairs(row) do widths[k] = math.max(widths[k] or 0, #cell) end
  end
  local lines = { string.format("tuning to %s: %d unit%s, %d values from %.4g to %.4g%s",
    self.quantity:gsub("_", " "), #self.units, #self.units == 1 and "" or "s", #self.x, self.x[1], self.x[#self.x],
    self.units[1].fit and "; fits with 95 % intervals" or "") }
  for _, row in ipairs(table_of) do
    for k, cell in ipairs(row) do row[k] = string.rep(" ", widths[k] - #cell) .. cell end
    lines[#lines + 1] = table.concat(row, "  ")
  end
  if #self.units > MOST then lines[#lines + 1] = string.format("... and %d more", #self.units - MOST) end
  return table.concat(lines, "\n")
end

-- F1/F0 of each unit over the phases of the stimuli at which its curve is largest.
local function modulations(rows, by, phases, curve)
  local out, means = {}, curve.mean:t():contiguous():totable()
  for u, mean in ipairs(means) do
    local best = 1
    for k = 2, #mean do if mean[k] > mean[best] then best = k end end
    local sums, counts, order = {}, {}, {}
    for i, x in ipairs(by) do
      local phase = phases[i]
      if x == curve.x[best] then
        if not sums[phase] then sums[phase], counts[phase], order[#order + 1] = 0, 0, phase end
        for _, v in ipairs(rows[i][u]) do
          if v == v then sums[phase], counts[phase] = sums[phase] + v, counts[phase] + 1 end
        end
      end
    end
    table.sort(order)
    local cycle = {}
    for k, phase in ipairs(order) do cycle[k] = sums[phase] / counts[phase] end
    out[u] = #cycle >= 3 and measures.modulation(cycle) or 0 / 0
  end
  return out
end

-- F1/F0 of each unit over time, of the stimuli at which its curve is largest: the mean F1 over the mean F0.
local function modulations_over_time(harmonics, by, curve)
  local out, f1, f0 = {}, harmonics.f1:totable(), harmonics.f0:totable()
  for u, mean in ipairs(curve.mean:t():contiguous():totable()) do
    local best, first, zeroth = 1, 0, 0
    for k = 2, #mean do if mean[k] > mean[best] then best = k end end
    for i, x in ipairs(by) do
      for k, v in ipairs(x == curve.x[best] and f1[i][u] or {}) do
        if v == v then first, zeroth = first + v, zeroth + f0[i][u][k] end
      end
    end
    out[u] = first / zeroth
  end
  return out
end

-- The standard errors of a unit's points where every one is known and above 0, for weights.
local function usable(errors_of)
  for _, v in ipairs(errors_of) do
    if not (v > 0 and v < math.huge) then return nil end
  end
  return errors_of
end

-- What is read off the curve of one quantity: lists by name.
local function measured(quantity, curve)
  if quantity == "orientation" or quantity == "direction" then
    local s = measures.selectivity { curve.x, curve.mean, period = quantity == "direction" and 360 or 180 }
    return { osi = s.osi, dsi = s.dsi, dsi_vector = s.dsi_vector, direction = s.direction,
      circular_variance = s.circular_variance, vector = s.preferred }
  end
  local index, best = measures.suppression(curve.x, curve.mean)
  return { best = best, suppression = quantity == "size" and index or nil }
end

local function check_rates(r, position)
  if not r:isnan():logical_or(r:ge(0)):all():item() then
    errors.raise("argument", position, "tuning.describe: responses are rates and must not be negative; rectify = "
      .. "true takes those below 0 for 0")
  end
end

local function describe_unit(fit, o, curve, u)
  local unit = {}
  if not o.fit then return unit end
  local mean, spread = {}, {}
  for k = 1, #curve.x do mean[k], spread[k] = curve.means[k][u], curve.errors[k][u] end
  unit.fit = fit { CURVES[o.quantity], x = curve.x, y = mean, errors = usable(spread) }
  unit.r2 = unit.fit.r2
  for _, name in ipairs(unit.fit.names) do unit[name] = unit.fit[name] end
  return unit
end

--- M.make(fit): the word, with tuning.fit given.
function M.make(fit)
  return function(given, ...)
    local position = errors.position(2)
    schema.alone("tuning.describe", "tuning.describe { source, stimuli = set, by = \"orientation\" }", position, ...)
    local o = schema.check("tuning.describe", given, DESCRIBE, position)
    local r, columns, harmonics = sources.read(o, "tuning.describe", position)
    if o.rectify then r = ops.where(r:gt(0), r, r * 0) end
    check_rates(r, position)
    local by = sources.column(o.by, columns, #r, "tuning.describe: by", position)
    local curve = measures.curve { r, by }
    curve.means, curve.errors = curve.mean:totable(), curve.error:totable()
    if o.fit and #curve.x < #fit.names[CURVES[o.quantity]] then
      errors.raise("argument", position, "tuning.describe: %d different values of %s, and %s needs at least %d; fit "
        .. "= false leaves the fit out", #curve.x, o.quantity, CURVES[o.quantity], #fit.names[CURVES[o.quantity]])
    end
    local lists = measured(o.quantity, curve)
    if o.phase then
      local phases = sources.column(o.phase, columns, #r, "tuning.describe: phase", position)
      lists.f1_f0 = modulations(r:totable(), by, phases, curve)
    elseif harmonics then
      lists.f1_f0 = modulations_over_time(harmonics, by, curve)
    end
    local units = {}
    for u = 1, r:size(2) do
      units[u] = describe_unit(fit.word, o, curve, u)
      for name, list in pairs(lists) do units[u][name] = list[u] end
      units[u].preferred = units[u].preferred or units[u].direction or units[u].vector or units[u].best
    end
    return setmetatable({ quantity = o.quantity, x = curve.x, mean = curve.mean, error = curve.error, n = curve.n,
      units = units }, Described)
  end
end

return M
