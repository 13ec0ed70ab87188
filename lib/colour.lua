--- lamina.colour: colour spaces, of pictures and batches of them: the channels are the third axis from the end.
--
-- Everything goes by way of "rgb", which is sRGB from 0 to 1 (IEC 61966-2-1, white point D65).
--
--   linear     light: red, green and blue without the display's curve
--   xyz        CIE 1931 X, Y, Z, white having Y = 1
--   lms        long, middle and short cones, from xyz (Hunt-Pointer-Estevez, D65)
--   lab        CIE 1976 L* (0 to 100), a*, b*
--   opponent   luminance (R + G + B) / 3, red - green R - G, blue - yellow B - (R + G) / 2, of rgb as it is
--   ycbcr      Y (0 to 1), Cb and Cr (-0.5 to 0.5) of ITU-R BT.601, as in JPEG
--   hsv        hue, saturation, value, 0 to 1
--   grey       one channel: Y of ycbcr; back to rgb, three equal ones
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"

local M = {}

M.spaces = { "rgb", "linear", "xyz", "lms", "lab", "opponent", "ycbcr", "hsv", "grey" }

--- How many channels a space has.
function M.channels(space) return space == "grey" and 1 or 3 end

-- ---- sums of channels
-- ----------------------------------------------------------------------------------------------

local function apart(x)
  local list, dim = {}, x.ndim - 2
  for i = 1, x.shape[dim] do list[i] = ops.slice(x, { dim = dim, start = i, stop = i }) end
  return list, dim
end

local function joined(list, dim) return ops.concat(list, { dim = dim }) end

-- Each row of the matrix gives a channel.
local function mixed(x, matrix)
  local c, dim = apart(x)
  local out = {}
  for i, row in ipairs(matrix) do out[i] = c[1] * row[1] + c[2] * row[2] + c[3] * row[3] end
  return joined(out, dim)
end

local function inverse(matrix)
  return ops.inverse(core.tensor(matrix, { dtype = "float64" })):totable()
end

local XYZ = { { 0.4124564, 0.3575761, 0.1804375 }, { 0.2126729, 0.7151522, 0.0721750 },
  { 0.0193339, 0.1191920, 0.9503041 } }
local LMS = { { 0.4002, 0.7076, -0.0808 }, { -0.2263, 1.1653, 0.0457 }, { 0, 0, 0.9182 } }
local OPPONENT = { { 1 / 3, 1 / 3, 1 / 3 }, { 1, -1, 0 }, { -0.5, -0.5, 1 } }
local GREY = { { 0.299, 0.587, 0.114 } }
local YCBCR = { GREY[1], { -0.299 / 1.772, -0.587 / 1.772, 0.5 }, { 0.5, -0.587 / 1.402, -0.114 / 1.402 } }
local WHITE = { 0.95047, 1, 1.08883 }

local function linear(matrix, to, from)
  return { to = function(x) return mixed(to and to(x) or x, matrix) end,
    from = function(x)
      local y = mixed(x, inverse(matrix))
      return from and from(y) or y
    end }
end

-- ---- curves
-- --------------------------------------------------------------------------------------------------------

-- x^p above `low`, of values that are at least that, so that no gradient comes from the other side.
local function power(x, low, p) return ops.pow(ops.maximum(x, low), p) end

local function to_light(x)
  return ops.where(ops.le(x, 0.04045), x / 12.92, power((x + 0.055) / 1.055, 0.0904, 2.4))
end

local function from_light(x)
  return ops.where(ops.le(x, 0.0031308), x * 12.92, power(x, 0.0031, 1 / 2.4) * 1.055 - 0.055)
end

local EDGE = 6 / 29

local function to_lab(x)
  local c, dim = apart(linear(XYZ, to_light).to(x))
  for i, white in ipairs(WHITE) do
    local t = c[i] / white
    c[i] = ops.where(ops.le(t, EDGE ^ 3), t / (3 * EDGE ^ 2) + 4 / 29, power(t, 0.008, 1 / 3))
  end
  return joined({ c[2] * 116 - 16, (c[1] - c[2]) * 500, (c[2] - c[3]) * 200 }, dim)
end

local function from_lab(x)
  local c, dim = apart(x)
  local y = (c[1] + 16) / 116
  local list = { y + c[2] / 500, y, y - c[3] / 200 }
  for i, white in ipairs(WHITE) do
    local t = list[i]
    list[i] = ops.where(ops.le(t, EDGE), (t - 4 / 29) * (3 * EDGE ^ 2), ops.pow(t, 3)) * white
  end
  return linear(XYZ, nil, from_light).from(joined(list, dim))
end

-- ---- hue
-- -----------------------------------------------------------------------------------------------------------

local function to_hsv(x)
  local c, dim = apart(x)
  local r, g, b = c[1], c[2], c[3]
  local top = ops.maximum(ops.maximum(r, g), b)
  local range = top - ops.minimum(ops.minimum(r, g), b)
  local grey, dark = ops.le(range, 0), ops.le(top, 0)
  local by = ops.where(grey, 1, range)
  local sector = ops.where(ops.ge(r, top), (g - b) / by,
    ops.where(ops.ge(g, top), (b - r) / by + 2, (r - g) / by + 4))
  local hue = ops.where(grey, 0, sector) / 6
  hue = ops.where(ops.lt(hue, 0), hue + 1, hue)
  return joined({ hue, ops.where(dark, 0, range / ops.where(dark, 1, top)), top }, dim)
end

-- value - value saturation max(0, min(k, 4 - k, 1)), k = (n + 6 hue) mod 6 (n = 5, 3, 1)
local function from_hsv(x)
  local c, dim = apart(x)
  local out = {}
  for i, n in ipairs { 5, 3, 1 } do
    local k = ops.mod(c[1] * 6 + n, 6)
    local part = ops.clamp(ops.minimum(k, 4 - k), { low = 0, high = 1 })
    out[i] = c[3] - c[3] * c[2] * part
  end
  return joined(out, dim)
end

local function same(x) return x end

local known = {
  rgb = { to = same, from = same },
  linear = { to = to_light, from = from_light },
  xyz = linear(XYZ, to_light, from_light),
  lms = { to = function(x) return mixed(linear(XYZ, to_light).to(x), LMS) end,
    from = function(x) return linear(XYZ, nil, from_light).from(mixed(x, inverse(LMS))) end },
  lab = { to = to_lab, from = from_lab },
  opponent = linear(OPPONENT),
  ycbcr = linear(YCBCR),
  hsv = { to = to_hsv, from = from_hsv },
  grey = { to = function(x) return mixed(x, GREY) end,
    from = function(x) return joined({ x, x, x }, x.ndim - 2) end },
}

--- A tensor from one space to another.
function M.convert(x, from, to)
  if from == to then return x end
  return known[to].to(known[from].from(x))
end

return M
