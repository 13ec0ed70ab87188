-- A Gabor function fitted to a field in plain Lua, slopes by differences: what the runtime's fit is held against.
--
-- The library's own fit until it moved to C.
local least_squares = require "lamina.tuning.least_squares"

local M = {}

local DEGREE, TURN = math.pi / 180, 2 * math.pi

M.names = { "amplitude", "x", "y", "orientation", "wavelength", "phase", "sigma", "along", "offset" }

-- Rotated coordinates: u across the bars, v along them; the conventions of stimuli.gabors.
local function value(p, x, y)
  local s, c = math.sin(p[4] * DEGREE), math.cos(p[4] * DEGREE)
  local dx, dy = x - p[2], y - p[3]
  local u, v = dx * s + dy * c, dx * c - dy * s
  local inside = u * u / (2 * p[7] * p[7]) + v * v / (2 * p[8] * p[8])
  if inside > 700 then return p[9] end
  return p[9] + p[1] * math.exp(-inside) * math.cos(TURN * u / p[5] + p[6] * DEGREE)
end

-- Where the energy of the field lies: its centre and spread.
local function moments(z, w, h)
  local total, mx, my = 0, 0, 0
  for i = 1, #z do
    local e = z[i] * z[i]
    total, mx, my = total + e, mx + e * ((i - 1) % w), my + e * ((i - 1) // w)
  end
  if total == 0 then return (w - 1) / 2, (h - 1) / 2, 1 end
  mx, my = mx / total, my / total
  local spread = 0
  for i = 1, #z do
    spread = spread + z[i] * z[i] * (((i - 1) % w - mx) ^ 2 + ((i - 1) // w - my) ^ 2)
  end
  return mx, my, math.max(math.sqrt(spread / total / 2), 0.7)
end

-- The gratings that the field holds most of: a list of { orientation, wavelength, phase }, the strongest first.
local function strongest(z, w, h, mx, my, count)
  local found = {}
  local side = math.max(w, h)
  for k = 0, 11 do
    local angle = 15 * k
    local s, c = math.sin(angle * DEGREE), math.cos(angle * DEGREE)
    for step = 1, 8 do
      local wavelength = side * 1.8 * 0.72 ^ (step - 1)
      if wavelength >= 2 then
        local re, im = 0, 0
        for i = 1, #z do
          local turn = TURN * (((i - 1) % w - mx) * s + ((i - 1) // w - my) * c) / wavelength
          re, im = re + z[i] * math.cos(turn), im + z[i] * math.sin(turn)
        end
        found[#found + 1] = { angle, wavelength, math.atan(-im, re) / DEGREE, re * re + im * im }
      end
    end
  end
  table.sort(found, function(a, b)
    if a[4] ~= b[4] then return a[4] > b[4] end
    return a[1] < b[1] or a[1] == b[1] and a[2] < b[2]
  end)
  local kept = {}
  for _, one in ipairs(found) do
    local apart = true
    for _, other in ipairs(kept) do
      local turn = math.abs(one[1] - other[1]) % 180
      if math.min(turn, 180 - turn) < 25 and math.abs(math.log(one[2] / other[2], 2)) < 0.6 then apart = false end
    end
    if apart then kept[#kept + 1] = one end
    if #kept == count then break end
  end
  return kept
end

-- Sizes above 0, phases and orientations within a turn, an amplitude above 0.
local function tidy(p)
  if p[1] < 0 then p[1], p[6] = -p[1], p[6] + 180 end
  p[4] = p[4] % 360
  if p[4] >= 180 then p[4], p[6] = p[4] - 180, -p[6] end
  p[6] = p[6] % 360
  p[7], p[8] = math.abs(p[7]), math.abs(p[8])
end

--- M.fit(z, w, h, starts): z a list of h rows of w numbers one after the other; the parameters in the order of
-- M.names (positions in pixels from the middle), the share of variance explained, and their covariance.
function M.fit(z, w, h, starts)
  local mx, my, spread = moments(z, w, h)
  local mean, largest = 0, 0
  for i = 1, #z do mean, largest = mean + z[i] / #z, math.max(largest, math.abs(z[i])) end
  local list = {}
  for _, one in ipairs(strongest(z, w, h, mx, my, starts)) do
    for _, stretch in ipairs { 0.8, 1.4 } do
      list[#list + 1] = { largest, mx, my, one[1], one[2], one[3], spread * 0.8, spread * stretch, 0 }
    end
  end
  local side = math.max(w, h)
  local p, sum, covariance = least_squares.fit {
    f = function(q, i) return value(q, (i - 1) % w, (i - 1) // w) end, y = z, n = #z, starts = list, steps = 60,
    tolerance = 1e-6,
    inside = function(q)
      q[5] = math.min(math.max(q[5], 1.5), 8 * side)
      q[7] = math.min(math.max(math.abs(q[7]), 0.3), 4 * side)
      q[8] = math.min(math.max(math.abs(q[8]), 0.3), 4 * side)
      q[2], q[3] = math.min(math.max(q[2], -side), 2 * side), math.min(math.max(q[3], -side), 2 * side)
    end,
  }
  tidy(p)
  p[2], p[3] = p[2] - (w - 1) / 2, p[3] - (h - 1) / 2
  local variance = 0
  for i = 1, #z do variance = variance + (z[i] - mean) ^ 2 end
  return p, variance > 0 and 1 - sum / variance or 0 / 0, covariance
end

return M
