--- lamina.plot.style: sizes, colours and colour maps of every figure.
--
-- Figures are made for print at one column (85 mm): text of 7 and 8 points, no grid, axes left and below. Colours of
-- series are those of Okabe and Ito (2008), told apart by readers of every kind of colour vision. Colour maps are
-- drawn in OKLab (Ottosson 2020), where equal steps look equal: `ink` runs from dark violet to light yellow with
-- lightness in proportion to the value, `signed` from blue over near-white at 0 to red, `cyclic` round the hues at
-- one lightness (angles: preferred orientation, phase), `grey` from black to white.
local M = {}

--- Points per millimetre.
M.mm = 72 / 25.4

--- Text sizes in points.
M.size = { tick = 7, label = 8, title = 8, legend = 7, note = 6.5, letter = 9 }

--- Line widths in points.
M.width = { axis = 0.7, line = 1.2, error = 0.8, edge = 0.5 }

M.black = { 0, 0, 0 }
M.axis = { 0.15, 0.15, 0.15 }
M.grey = { 0.55, 0.55, 0.55 }
M.ceiling = { 0.80, 0.80, 0.80 }

--- Okabe and Ito's colours, black and yellow (weak on white) left to the end.
M.palette = {
  { 0 / 255, 114 / 255, 178 / 255 }, -- blue
  { 230 / 255, 159 / 255, 0 / 255 }, -- orange
  { 0 / 255, 158 / 255, 115 / 255 }, -- bluish green
  { 213 / 255, 94 / 255, 0 / 255 }, -- vermilion
  { 86 / 255, 180 / 255, 233 / 255 }, -- sky blue
  { 204 / 255, 121 / 255, 167 / 255 }, -- reddish purple
  { 0.35, 0.35, 0.35 }, -- grey in the place of black
  { 240 / 255, 228 / 255, 66 / 255 }, -- yellow
}

--- The i-th colour of the palette, which repeats.
function M.color(i) return M.palette[(i - 1) % #M.palette + 1] end

-- OKLab to linear sRGB (Ottosson 2020, "A perceptual color space for image processing").
local function oklab_to_linear(L, a, b)
  local l = L + 0.3963377774 * a + 0.2158037573 * b
  local m = L - 0.1055613458 * a - 0.0638541728 * b
  local s = L - 0.0894841775 * a - 1.2914855480 * b
  l, m, s = l * l * l, m * m * m, s * s * s
  return 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s
end

local function inside(r, g, b)
  local slack = 1e-4
  return r >= -slack and r <= 1 + slack and g >= -slack and g <= 1 + slack and b >= -slack and b <= 1 + slack
end

local function encode(v) -- linear light to a byte of sRGB
  v = math.min(1, math.max(0, v))
  v = v <= 0.0031308 and 12.92 * v or 1.055 * v ^ (1 / 2.4) - 0.055
  return math.floor(255 * v + 0.5)
end

-- The byte triple of a lightness, chroma and hue in degrees; chroma gives way where sRGB has no such colour.
local function oklch(L, chroma, hue)
  local c, s = math.cos(math.rad(hue)), math.sin(math.rad(hue))
  local r, g, b = oklab_to_linear(L, chroma * c, chroma * s)
  while chroma > 0 and not inside(r, g, b) do
    chroma = math.max(0, chroma - 0.002)
    r, g, b = oklab_to_linear(L, chroma * c, chroma * s)
  end
  return string.char(encode(r), encode(g), encode(b))
end

local function ink(t) return oklch(0.22 + 0.72 * t, 0.10 + 0.06 * t, 305 - 200 * t) end

local function signed(t)
  local away = math.abs(2 * t - 1)
  return oklch(0.965 - 0.53 * away, 0.14 * math.min(1, 1.3 * away), t < 0.5 and 252 or 29)
end

local function grey(t)
  local v = math.floor(255 * t + 0.5)
  return string.char(v, v, v)
end

-- Of one lightness all the way round, so that no angle stands out; both ends are the same colour.
local function cyclic(t) return oklch(0.70, 0.12, 30 + 360 * t) end

local makers = { ink = ink, signed = signed, cyclic = cyclic, grey = grey }
local tables = {}

--- The 256 colours of a map ("ink", "signed", "cyclic", "grey") as 3-byte strings, [0] to [255].
function M.map(name)
  if not tables[name] then
    local made = {}
    for i = 0, 255 do made[i] = makers[name](i / 255) end
    tables[name] = made
  end
  return tables[name]
end

--- The names of the maps.
M.maps = { "ink", "signed", "cyclic", "grey" }

--- A value's colour in a map that runs from low to high; a NaN is light grey.
function M.shade(map, value, low, high)
  if value ~= value then return "\xd8\xd8\xd8" end
  local t = high > low and (value - low) / (high - low) or 0.5
  t = math.min(1, math.max(0, t))
  return map[math.floor(255 * t + 0.5)]
end

return M
