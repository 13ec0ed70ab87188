--- lamina.stimuli.drawn: bars, edges, discs and rings, plaids, and noise, drawn by formula.
--
-- Lengths and places are fractions of the image's side, orientations degrees as in stimuli.gratings (0 horizontal, 90
-- vertical), contrasts of a single shape are signed: above 0 brighter than the background, below 0 darker. A pixel
-- that a border crosses has the share of it that is covered, along the border's normal.
local combinations = require "lamina.stimuli.combinations"
local errors = require "lamina.errors"
local fft = require "lamina.fft"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local many = { "number", "table", "tensor" }
local SIDE = { type = "integer", default = 32, min = 1, max = 4096, doc = "pixels on a side" }
local MEAN = { type = many, default = 0.5, doc = "luminance of the background" }
local CONTRAST = { type = many, default = 1, doc = "-1 to 1: what the shape adds, a fraction of the background" }
local ORIENTATION = { type = many, default = 0, doc = "degrees; 0 horizontal, 90 vertical" }
local X = { type = many, default = 0, doc = "centre to the right of the middle" }
local Y = { type = many, default = 0, doc = "centre below the middle" }

-- The options' combinations as columns n x 1 x 1 (float64) by name, the set's columns, and the pixels' places x and
-- y.
local function laid_out(o, names)
  local rows, columns, t = combinations.rows(o, names), {}, {}
  for c, name in ipairs(names) do
    columns[name] = combinations.column(rows, c)
    t[name] = tensor.tensor(columns[name], { dtype = "float64" }):reshape { #rows, 1, 1 }
  end
  local places = (tensor.arange(1, o.size, { dtype = "float64" }) - 0.5) / o.size - 0.5
  return t, columns, places:reshape { 1, 1, o.size }, places:reshape { 1, o.size, 1 }
end

-- Places across and along an orientation, from a centre.
local function turned(t, x, y)
  local angle = t.orientation * (math.pi / 180)
  local s, c = angle:sin(), angle:cos()
  local dx, dy = x - t.x, y - t.y
  return dx * s + dy * c, dx * c - dy * s
end

-- How much of a pixel lies inside, by the distance to the border (positive inside), a fraction of the side.
local function covered(inside, size) return (inside * size + 0.5):clamp(0, 1) end

local function finish(values, columns, o, name)
  return require("lamina.stimuli").make { x = values:to("float32"):reshape { #values, 1, o.size, o.size },
    columns = columns, name = name }
end

local function check_contrast(o, word, position)
  for _, row in ipairs(combinations.rows(o, { "contrast" })) do
    if not (row[1] >= -1 and row[1] <= 1) then
      errors.raise("argument", position, "%s: contrast is %s, expected -1 to 1", word, row[1])
    end
  end
end

local BARS = schema.document("stimuli.bars", { size = SIDE, orientation = ORIENTATION,
  width = { type = many, default = 0.1, doc = "of the bar" },
  length = { type = many, default = 2, doc = "of the bar; 2: beyond the image" }, contrast = CONTRAST, mean = MEAN,
  x = X, y = Y })

--- stimuli.bars { size = 32, orientation = 0, width = 0.1, length = 2, x = 0, y = 0, contrast = 1, mean = 0.5 }:
-- bars, bright (contrast above 0) or dark, one in each image. Each option is a number or a list; the set holds every
-- combination, y varying fastest and orientation slowest, and set.columns tells them apart.
-- > #stimuli.bars { size = 32, orientation = { 0, 45, 90, 135 }, x = { -0.2, 0, 0.2 } }   --> 12
function M.bars(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.bars", "stimuli.bars { orientation = { 0, 90 } }", position, ...)
  local o = schema.check("stimuli.bars", given, BARS, position)
  check_contrast(o, "stimuli.bars", position)
  local t, columns, x, y = laid_out(o, { "orientation", "width", "length", "contrast", "mean", "x", "y" })
  local u, v = turned(t, x, y)
  local inside = covered(t.width / 2 - u:abs(), o.size) * covered(t.length / 2 - v:abs(), o.size)
  return finish(t.mean * (t.contrast * inside + 1), columns, o, "bars")
end

local EDGES = schema.document("stimuli.edges", { size = SIDE, orientation = ORIENTATION,
  contrast = CONTRAST, mean = MEAN, x = X, y = Y })

--- stimuli.edges { size = 32, orientation = 0, x = 0, y = 0, contrast = 1, mean = 0.5 }: a straight border through
-- (x, y), mean (1 + contrast) on one side (below a horizontal one, right of a vertical one) and mean (1 - contrast)
-- on the other; lists make every combination, as in stimuli.bars.
-- > set = stimuli.edges { size = 32, orientation = { 0, 90 }, contrast = { 0.2, 0.4, 0.8 } }
-- > #set, set.x:max()   --> 6 0.9
function M.edges(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.edges", "stimuli.edges { orientation = { 0, 90 } }", position, ...)
  local o = schema.check("stimuli.edges", given, EDGES, position)
  check_contrast(o, "stimuli.edges", position)
  local t, columns, x, y = laid_out(o, { "orientation", "contrast", "mean", "x", "y" })
  local u = turned(t, x, y)
  return finish(t.mean * (t.contrast * (covered(u, o.size) * 2 - 1) + 1), columns, o, "edges")
end

local DISCS = schema.document("stimuli.discs", { size = SIDE,
  diameter = { type = many, default = 0.5, doc = "outer diameter" },
  inner = { type = many, default = 0, doc = "diameter of the hole, 0 for a disc" },
  frequency = { type = many, default = 0, doc = "of a grating inside, cycles per image; 0: plain" },
  orientation = ORIENTATION, phase = { type = many, default = 0, doc = "of the grating, degrees" },
  contrast = CONTRAST, mean = MEAN, x = X, y = Y })

--- stimuli.discs { size = 32, diameter = 0.5, inner = 0, frequency = 0, orientation = 0, phase = 0, x = 0, y = 0,
-- contrast = 1, mean = 0.5 }: discs, or rings where inner > 0 (spots and annuli, for the surround), plain or filled
-- with a grating (frequency > 0), for size tuning; lists make every combination, as in stimuli.bars.
-- > #stimuli.discs { size = 32, diameter = { 0.1, 0.2, 0.4, 0.8 } }   --> 4
function M.discs(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.discs", "stimuli.discs { diameter = { 0.2, 0.4 } }", position, ...)
  local o = schema.check("stimuli.discs", given, DISCS, position)
  check_contrast(o, "stimuli.discs", position)
  local t, columns, x, y = laid_out(o, { "diameter", "inner", "frequency", "orientation", "phase", "contrast", "mean",
    "x", "y" })
  local u, v = turned(t, x, y)
  local radius = (u:square() + v:square()):sqrt()
  local inside = covered(t.diameter / 2 - radius, o.size)
    * (1 - ops.where(t.inner:gt(0), covered(t.inner / 2 - radius, o.size), tensor.zeros({ 1 },
      { dtype = "float64" })))
  local wave = ops.where(t.frequency:gt(0), (t.frequency * u * (2 * math.pi) + t.phase * (math.pi / 180)):cos(),
    tensor.ones({ 1 }, { dtype = "float64" }))
  return finish(t.mean * (t.contrast * inside * wave + 1), columns, o, "discs")
end

local PLAIDS = schema.document("stimuli.plaids", { size = SIDE, orientation = ORIENTATION,
  angle = { type = many, default = 90, doc = "of the second grating to the first, degrees" },
  frequency = { type = many, default = 4, doc = "cycles per image, of both" },
  phase = { type = many, default = 0, doc = "of the first, degrees" },
  mask_phase = { type = many, default = 0, doc = "of the second, degrees" },
  contrast = { type = many, default = 0.5, doc = "of the first, 0 to 1" },
  mask_contrast = { type = many, default = 0.5, doc = "of the second, 0 to 1" }, mean = MEAN })

--- stimuli.plaids { size = 32, orientation = 0, angle = 90, frequency = 4, phase = 0, mask_phase = 0, contrast = 0.5,
-- mask_contrast = 0.5, mean = 0.5 }: two gratings added; mask_contrast = 0 leaves the first. Contrasts that add up to
-- more than 1 would be darker than black and are refused. Lists make every combination, as in stimuli.bars.
-- > set = stimuli.plaids { size = 32, frequency = 4, angle = { 30, 60, 90 }, mask_contrast = { 0, 0.5 } }
-- > #set, set.columns.angle   --> 6 { 30, 30, 60, 60, 90, 90 }
function M.plaids(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.plaids", "stimuli.plaids { orientation = { 0, 90 } }", position, ...)
  local o = schema.check("stimuli.plaids", given, PLAIDS, position)
  for _, row in ipairs(combinations.rows(o, { "contrast", "mask_contrast" })) do
    if not (row[1] >= 0 and row[2] >= 0 and row[1] + row[2] <= 1) then
      errors.raise("argument", position, "stimuli.plaids: contrasts %s and %s, expected two from 0 that add up to at "
        .. "most 1", row[1], row[2])
    end
  end
  local t, columns, x, y = laid_out(o, { "orientation", "angle", "frequency", "phase", "mask_phase", "contrast",
    "mask_contrast", "mean" })
  local function wave(angle, phase)
    local turn = angle * (math.pi / 180)
    return ((x * turn:sin() + y * turn:cos()) * t.frequency * (2 * math.pi) + phase * (math.pi / 180)):cos()
  end
  local sum = t.contrast * wave(t.orientation, t.phase) + t.mask_contrast * wave(t.orientation + t.angle,
    t.mask_phase)
  return finish(t.mean * (sum + 1), columns, o, "plaids")
end

local NOISE = schema.document("stimuli.noise", { positional = { "n" },
  n = { type = "integer", required = true, min = 1, doc = "how many images" },
  size = SIDE, exponent = { type = "number", default = 0, min = 0, max = 4,
    doc = "amplitude falls as 1 / frequency^exponent: 0 white, 1 as natural images" },
  contrast = { type = "number", default = 0.2, above = 0, doc = "standard deviation of luminance over its mean" },
  mean = { type = "number", default = 0.5, above = 0, doc = "mean luminance" },
  seed = { type = "integer", doc = "the experiment's if absent" } })

--- stimuli.noise { n, size = 32, exponent = 0, contrast = 0.2, mean = 0.5, seed = }: images of Gaussian noise, white
-- (exponent 0) or with an amplitude spectrum of 1 / f^exponent (1: that of natural images, Field 1987), each with
-- exactly this mean and RMS contrast. Values are not cut off: beyond 0 and 1 for large contrasts. The images depend
-- on the seed and n alone.
-- > set = stimuli.noise { 10, size = 32, exponent = 1, contrast = 0.2 }   -- as natural images
-- > set.x:mean(), (set.x:std() / set.x:mean() * 100):round()   --> 0.5 20.
function M.noise(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.noise", "stimuli.noise { n = 100, size = 32 }", position, ...)
  local o = schema.check("stimuli.noise", given, NOISE, position)
  local z = tensor.draw { kind = "normal", shape = { o.n, o.size, o.size }, seed = o.seed or tensor.seed(),
    purpose = "stimuli.noise", dtype = "float64" }
  if o.exponent > 0 and o.size > 1 then
    local fx, fy = fft.rfftfreq(o.size):to "float64", fft.fftfreq(o.size):to "float64"
    local f = (fx:square():reshape { 1, -1 } + fy:square():reshape { -1, 1 }):sqrt()
    local gain = ops.where(f:gt(0), f:clamp(1e-9, 1) ^ -o.exponent, tensor.zeros({ 1 }, { dtype = "float64" }))
    z = fft.irfft2(fft.rfft2(z) * gain:unsqueeze(-1), { s = { o.size, o.size } })
  end
  z = z - z:mean { dim = { 2, 3 }, keepdim = true }
  local spread = z:square():mean({ dim = { 2, 3 }, keepdim = true }):sqrt():clamp(1e-300, math.huge)
  return finish((z / spread * o.contrast + 1) * o.mean, {}, o, "noise")
end

return M
