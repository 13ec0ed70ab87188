--- lamina.plot.scale: from data to positions: ranges, round tick values and how they are written.
local M = {}

local MINUS, TIMES = "\u{2212}", "\u{d7}"
local SUPERSCRIPT = { ["0"] = "\u{2070}", ["1"] = "\u{b9}", ["2"] = "\u{b2}", ["3"] = "\u{b3}", ["4"] = "\u{2074}",
  ["5"] = "\u{2075}", ["6"] = "\u{2076}", ["7"] = "\u{2077}", ["8"] = "\u{2078}", ["9"] = "\u{2079}",
  ["-"] = "\u{207b}" }

--- 10 to an integer power in print: 10⁻³.
function M.power(exponent) return "10" .. string.format("%d", exponent):gsub(".", SUPERSCRIPT) end

--- Whether v is a number that can be drawn.
function M.finite(v) return v ~= nil and v == v and v ~= math.huge and v ~= -math.huge end

local function decade(v) -- the exponent of the power of ten at or below v
  local e = math.floor(math.log(v, 10))
  if 10.0 ^ (e + 1) <= v * (1 + 1e-12) then e = e + 1 end
  return e
end

-- The smallest of 1, 2, 5 times a power of ten that cuts span into about count pieces, a quarter more at most.
local function round_step(span, count)
  local rough = span / count
  local unit = 10.0 ^ decade(rough)
  for _, factor in ipairs { 1, 2, 5, 10 } do
    if factor * unit >= 0.8 * rough then return factor * unit end
  end
end

local function write(value, decimals)
  local text = string.format("%." .. decimals .. "f", value)
  if tonumber(text) == 0 then text = text:gsub("^-", "") end
  return (text:gsub("^-", MINUS))
end

local function linear_ticks(scale, count)
  local step
  repeat -- two ticks at least, or nobody could read the axis
    step = round_step(scale.high - scale.low, count)
    if scale.integer then step = math.max(1, step) end
    count = 1.5 * count
  until math.floor(scale.high / step + 1e-6) > math.ceil(scale.low / step - 1e-6) or step == 1 and scale.integer
  local largest = math.max(math.abs(scale.low), math.abs(scale.high))
  local exponent = 0
  if largest >= 1e5 or largest < 1e-3 then exponent = decade(largest) end
  local shrink = 10.0 ^ exponent
  local decimals = math.max(0, -decade(step / shrink))
  local first = math.ceil(scale.low / step - 1e-6)
  local last = math.floor(scale.high / step + 1e-6)
  for i = first, last do
    scale.ticks[#scale.ticks + 1] = i * step
    scale.labels[#scale.labels + 1] = write(i * step / shrink, decimals)
  end
  if exponent ~= 0 then scale.note = TIMES .. M.power(exponent) end
end

local function log_ticks(scale, count)
  local first, last = math.ceil(scale.low - 1e-9), math.floor(scale.high + 1e-9)
  local step = math.max(1, math.ceil((last - first) / count))
  for e = first, last, step do
    scale.ticks[#scale.ticks + 1] = 10.0 ^ e
    scale.labels[#scale.labels + 1] = M.power(e)
  end
  if #scale.ticks >= 2 then return end
  scale.ticks, scale.labels = {}, {} -- less than a decade: 1, 2, 5 times a power
  for e = math.floor(scale.low), math.floor(scale.high) do
    for _, factor in ipairs { 1, 2, 5 } do
      local v = factor * 10.0 ^ e
      local at = math.log(v, 10)
      if at >= scale.low - 1e-9 and at <= scale.high + 1e-9 then
        scale.ticks[#scale.ticks + 1] = v
        scale.labels[#scale.labels + 1] = write(v, math.max(0, -e))
      end
    end
  end
  if #scale.ticks >= 2 then return end
  local even = { low = 10.0 ^ scale.low, high = 10.0 ^ scale.high, ticks = {}, labels = {} } -- less than that, too
  linear_ticks(even, count)
  scale.ticks, scale.labels, scale.note = even.ticks, even.labels, even.note
end

--- A scale over the data range low..high (nil: no data).
-- options: log; limits {low, high} fixed by the caller; zero: keep 0 inside; pad: share of the span left free at each
-- end (default 0.04; an end that is 0 because of `zero` gets none); count: most intervals between ticks; integer.
-- Returns {low, high, ticks, labels, note, log}; at(v) is the position from 0 to 1.
function M.new(low, high, options)
  local scale = { ticks = {}, labels = {}, log = options.log, integer = options.integer }
  if not low then low, high = options.log and 1 or 0, options.log and 10 or 1 end
  if options.zero and not options.log then low, high = math.min(low, 0), math.max(high, 0) end
  local limits = options.limits or {}
  if options.log then
    low, high = math.log(low, 10), math.log(high, 10)
    limits = { limits[1] and math.log(limits[1], 10), limits[2] and math.log(limits[2], 10) }
  end
  if high - low <= 1e-12 * math.max(math.abs(low), math.abs(high)) then
    local room = low == 0 and 1 or 0.1 * math.abs(low)
    low, high = low - room, high + room
  end
  local pad = (options.pad or 0.04) * (high - low)
  scale.low = limits[1] or ((options.zero and low == 0) and 0 or low - pad)
  scale.high = limits[2] or ((options.zero and high == 0) and 0 or high + pad)
  if options.log then log_ticks(scale, options.count) else linear_ticks(scale, options.count) end
  return scale
end

--- The position of v on a scale, 0 at its low end and 1 at its high end.
function M.at(scale, v)
  if scale.log then v = math.log(v, 10) end
  return (v - scale.low) / (scale.high - scale.low)
end

--- A number in a few characters, for labels: 3 significant digits.
function M.short(v)
  if v ~= v then return "n/a" end
  return (string.format("%.3g", v):gsub("^-", MINUS))
end

return M
