--- lamina.plot.polar: tuning to orientation or direction, round a circle.
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local merged = require "lamina.merged"
local scale = require "lamina.plot.scale"
local schema = require "lamina.schema"
local style = require "lamina.plot.style"
local words = require "lamina.plot.words"

local M = {}

local SERIES = {
  angle = { type = "any", doc = "degrees, counter-clockwise from the right" },
  r = { type = "any", doc = "the response at each angle, 0 or more" },
  low = { type = "any", doc = "lower ends of a band" },
  high = { type = "any", doc = "upper ends" },
  errors = { type = "any", doc = "half-lengths, instead of low and high" },
  label = { type = "string", doc = "name in the legend" },
  dash = { type = "boolean", default = false, doc = "a dashed line" },
}

local GENERAL = {
  period = { type = "integer", choices = { 180, 360 }, default = 360,
    doc = "180 for orientations: the curve is drawn again half a turn on" },
  rlim = { type = "number", above = 0, doc = "radius of the outermost ring; default: round, beyond all data" },
  rlabel = { type = "string", doc = "quantity and unit of the radius" },
  title = words.common.title, width = words.common.width,
}

local BOTH = merged(SERIES, GENERAL)
schema.document("plot.polar", BOTH)

local FORM = "plot.polar { angle = degrees, r = responses, rlabel = \"rate / Hz\" }"

-- What the caller gave as series and options: one series by its names, or a list of them.
local function read(spec, at)
  if type(spec) ~= "table" then
    errors.raise("argument", at, "plot.polar takes one table: %s", FORM)
  end
  local own, general, several = {}, {}, {}
  for key, value in pairs(spec) do
    if math.type(key) then several[key] = value
    elseif SERIES[key] then own[key] = value
    else general[key] = value end
  end
  local options = schema.check("plot.polar", general, BOTH, at)
  options.period = options.period or 360
  if #several == 0 then return { schema.check("plot.polar", own, SERIES, at) }, options end
  if next(own) then
    errors.raise("argument", at, "plot.polar: '%s' belongs inside the series when several are given", (next(own)))
  end
  for i, one in ipairs(several) do several[i] = schema.check("plot.polar", one, SERIES, at) end
  return several, options
end

local function check_radii(list, what, at)
  for i, v in ipairs(list or {}) do
    if not (v >= 0 and v < math.huge) then
      errors.raise("argument", at, "plot.polar: %s[%d] is %s, expected a number of at least 0", what, i, v)
    end
  end
end

-- One series with its numbers: angles rising within a turn, r, low, high.
local function numbers_of(series, period, at)
  local angle = words.numbers(series.angle, "plot.polar: angle", at)
  local r = words.numbers(series.r, "plot.polar: r", at)
  if not angle or not r then
    errors.raise("argument", at, "plot.polar: %s is missing: %s", angle and "r" or "angle", FORM)
  end
  words.same_length(angle, #r, "plot.polar: angle", at)
  local low, high = words.ends(series, r, "plot.polar", at)
  check_radii(r, "r", at)
  if low then
    for i = 1, #low do low[i] = math.max(0, low[i]) end
    check_radii(high, "high", at)
  end
  local order = {}
  for i = 1, #r do
    if not scale.finite(angle[i]) then
      errors.raise("argument", at, "plot.polar: angle[%d] is %s, expected degrees", i, angle[i])
    end
    order[i] = i
  end
  table.sort(order, function(a, b)
    local x, y = angle[a] % period, angle[b] % period
    if x ~= y then return x < y end
    return a < b
  end)
  return { angle = angle, r = r, low = low, high = high, order = order }
end

-- The points of a curve in the unit circle, `period` 180 twice round.
local function circle_points(one, list, most, period)
  if not list then return nil end
  local points = {}
  for turn = 0, 360 // period - 1 do
    for _, i in ipairs(one.order) do
      local angle = math.rad(one.angle[i] + turn * period)
      points[#points + 1] = { list[i] / most * math.cos(angle), list[i] / most * math.sin(angle) }
    end
  end
  return points
end

-- Rings at round values, the outermost at rlim or beyond all data.
local function grid_of(highest, options)
  local made = scale.new(0, highest, { zero = true, pad = 0, count = 3, limits = { 0, options.rlim } })
  local step = made.ticks[2] - made.ticks[1]
  local most = options.rlim or math.ceil(highest / step - 1e-9) * step
  made = scale.new(0, most, { zero = true, pad = 0, count = 3, limits = { 0, most } })
  local rings, labels, spokes = {}, {}, {}
  for i, tick in ipairs(made.ticks) do
    if tick > 0 then rings[#rings + 1], labels[#labels + 1] = tick / most, made.labels[i] end
  end
  if not (rings[#rings] and rings[#rings] > 1 - 1e-9) then rings[#rings + 1], labels[#labels + 1] = 1, "" end
  for k = 0, 7 do spokes[k + 1] = tostring(45 * k % options.period) .. "\u{b0}" end
  return { kind = "polar_grid", rings = rings, labels = labels, spokes = spokes }, most, made.note
end

--- Tuning round a circle: plot.polar { angle =, r =, errors = (or low =, high =), label =, dash = }, or a list of
-- such series; options period = 360 | 180 (orientations: drawn again half a turn on), rlim, rlabel, title, width.
-- Angles are degrees, counter-clockwise from the right, joined in their order round the circle. Returns a figure.
-- > angle = arange(0, 315, 45)
-- > fig = plot.polar { angle = angle, r = { 10, 30, 12, 4, 3, 5, 4, 6 }, rlabel = "rate (Hz)" }
-- > fig:save "direction.svg"
function M.polar(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.polar", FORM, at, ...)
  local several, options = read(spec, at)
  local highest, rows, labelled = 0, { { "series", "angle", "r", "low", "high" } }, false
  for k, series in ipairs(several) do
    local one = numbers_of(series, options.period, at)
    one.label, one.dash = series.label, series.dash
    several[k], labelled = one, labelled or one.label ~= nil
    for i, r in ipairs(one.r) do
      highest = math.max(highest, one.high and one.high[i] or r, r)
      rows[#rows + 1] = { one.label or tostring(k), one.angle[i], r, one.low and one.low[i] or "",
        one.high and one.high[i] or "" }
    end
  end
  local grid, most, note = grid_of(highest > 0 and highest or 1, options)
  local marks = { grid }
  for k, one in ipairs(several) do
    marks[k + 1] = { kind = "ring", curve = circle_points(one, one.r, most, options.period), label = one.label,
      low = circle_points(one, one.low, most, options.period), dash = one.dash, color = style.color(k),
      high = circle_points(one, one.high, most, options.period) }
  end
  local rlabel = note and (options.rlabel or "") .. " (" .. note .. ")" or options.rlabel
  local panel = { title = options.title, xlabel = rlabel, aspect = 1, marks = marks, legend = labelled,
    bare = true, rim = "135\u{b0}", hidden = { x = true, y = true }, xscale = { limits = { -1, 1 } },
    yscale = { limits = { -1, 1 } } }
  return figure.new { panels = { panel }, width = options.width, table = rows, name = "plot.polar" }
end

return M
