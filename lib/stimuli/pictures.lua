--- lamina.stimuli.pictures: what is made of other images: patches, scrambled phases, bands of frequencies, one mean
-- and contrast. Each takes a stimulus set, a data set, a tensor N x C x H x W or the name of a folder of pictures,
-- and keeps ids, labels and columns.
local errors = require "lamina.errors"
local fft = require "lamina.fft"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local IMAGES = { type = "any", required = true, doc = "a stimulus set, a data set, a tensor N x C x H x W, or the "
  .. "name of a folder of pictures" }
local SEED = { type = "integer", doc = "the experiment's if absent" }

-- The set that an option names.
local function set_of(value, position)
  local stimuli = require "lamina.stimuli"
  if type(value) == "string" then return stimuli.folder { value } end
  return stimuli.of(value, position)
end

local function double(x) return x:to "float64" end

-- Radial frequency of the transform of H x W images, cycles per shorter side.
local function radial(h, w)
  local fy, fx = double(fft.fftfreq(h)), double(fft.rfftfreq(w))
  return (fx:square():reshape { 1, -1 } + fy:square():reshape { -1, 1 }):sqrt() * math.min(h, w)
end

local function part(complex, which) return ops.select(complex, { dim = -1, index = which }) end

-- ---- phases ------------------------------------------------------------------------------------------------------

local SCRAMBLED = schema.document("stimuli.scrambled", { positional = { "images" }, images = IMAGES,
  amount = { type = "number", default = 1, min = 0, max = 1, doc = "of the random phases that is added: 0 none" },
  seed = SEED })

-- Random phases of n images, n x 1 x H x (W / 2 + 1), as real noise has them: 0 at the mean and where a frequency is
-- its own mirror image.
local function phases(n, h, w, seed)
  local noise = tensor.draw { kind = "normal", shape = { n, 1, h, w }, seed = seed, purpose = "stimuli.scrambled",
    dtype = "float64" }
  local f = fft.rfft2(noise)
  local angle = ops.atan2(part(f, 2), part(f, 1))
  local own = tensor.ones({ h, w // 2 + 1 }, { dtype = "float64" })
  for _, row in ipairs(h % 2 == 0 and { 1, h // 2 + 1 } or { 1 }) do
    for _, column in ipairs(w % 2 == 0 and { 1, w // 2 + 1 } or { 1 }) do own[{ row, column }] = 0 end
  end
  return angle * own
end

--- stimuli.scrambled { images, amount = 1, seed = }: images with random phases added to their own, amplitudes and
-- mean as they were (Honey, Kirchner & VanRullen 2008): their spectrum without their shapes. amount below 1 adds that
-- share of each phase. All channels of an image get the same. Values are not cut off at 0 and 1. Image i depends on
-- the seed, i and the images' size.
-- > set = stimuli.objects { 4, size = 32 }
-- > set.x[1]:mean(), stimuli.scrambled({ set }).x[1]:mean()   --> 0.456268 0.456268
function M.scrambled(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.scrambled", "stimuli.scrambled { images, seed = 1 }", position, ...)
  local o = schema.check("stimuli.scrambled", given, SCRAMBLED, position)
  local set = set_of(o.images, position)
  return set:map(function(x)
    local h, w, seed, parts = x:size(3), x:size(4), o.seed or tensor.seed(), {}
    local angle = phases(#x, h, w, seed) * o.amount
    for first = 1, #x, 64 do
      local last = math.min(first + 63, #x)
      local f, a = fft.rfft2(double(x[{ { first, last } }])), angle[{ { first, last } }]
      local c, s, re, im = a:cos(), a:sin(), part(f, 1), part(f, 2)
      parts[#parts + 1] = fft.irfft2(ops.stack({ re * c - im * s, re * s + im * c }, { dim = -1 }),
        { s = { h, w } }):to "float32"
    end
    return ops.concat(parts, { dim = 1 })
  end)
end

-- ---- frequencies -------------------------------------------------------------------------------------------------

local BANDPASS = schema.document("stimuli.bandpass", { positional = { "images" }, images = IMAGES,
  low = { type = "number", default = 0, min = 0, doc = "lowest frequency, cycles per shorter side" },
  high = { type = "number", default = math.huge, above = 0, doc = "highest frequency, cycles per shorter side" },
  flank = { type = "number", default = 0.5, min = 0, max = 8, doc = "octaves over which each end falls from 1 to 0, "
    .. "half of them beyond it; 0: at once" } })

-- A ramp from 0 to 1 around an edge, half a cosine wide `flank` octaves.
local function ramp(f, edge, flank)
  if flank == 0 then return f:ge(edge):to "float64" end
  local octaves = (f:clamp(1e-9, math.huge) / edge):log2()
  return 0.5 - ((octaves / flank + 0.5):clamp(0, 1) * math.pi):cos() * 0.5
end

--- stimuli.bandpass { images, low = 0, high =, flank = 0.5 }: the frequencies of images between low and high, in
-- cycles per shorter side; the mean stays. Each end falls as half a cosine over `flank` octaves, through 1/2 at low
-- and high.
-- > low = stimuli.bandpass { stimuli.gratings { size = 32, frequency = { 2, 8 } }, high = 4 }   -- cycles per image
-- > low.x:flatten(2):std(2)   --> [0.35372618 0.]
function M.bandpass(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.bandpass", "stimuli.bandpass { images, low = 2, high = 8 }", position, ...)
  local o = schema.check("stimuli.bandpass", given, BANDPASS, position)
  if o.low >= o.high then
    errors.raise("argument", position, "stimuli.bandpass: low = %g is not below high = %g", o.low, o.high)
  end
  return set_of(o.images, position):map(function(x)
    local h, w = x:size(3), x:size(4)
    local f = radial(h, w)
    local gain = tensor.ones({ h, w // 2 + 1 }, { dtype = "float64" })
    if o.low > 0 then gain = gain * ramp(f, o.low, o.flank) end
    if o.high < math.huge then gain = gain * (1 - ramp(f, o.high, o.flank)) end
    gain = ops.where(f:eq(0), 1, gain):unsqueeze(-1)
    local parts = {}
    for first = 1, #x, 64 do
      local some = double(x[{ { first, math.min(first + 63, #x) } }])
      parts[#parts + 1] = fft.irfft2(fft.rfft2(some) * gain, { s = { h, w } }):to "float32"
    end
    return ops.concat(parts, { dim = 1 })
  end)
end

-- ---- luminance and contrast --------------------------------------------------------------------------------------

local NORMALISED = schema.document("stimuli.normalised", { positional = { "images" }, images = IMAGES,
  mean = { type = { "number", "boolean" }, default = 0.5, doc = "luminance of every image; false: as it is" },
  contrast = { type = { "number", "boolean" }, default = 0.2, doc = "RMS contrast, the standard deviation over the "
    .. "mean; false: as it is" },
  clip = { type = "boolean", default = false, doc = "whether values below 0 and above 1 are cut off" } })

--- stimuli.normalised { images, mean = 0.5, contrast = 0.2, clip = false }: images of one mean luminance and one RMS
-- contrast, all channels of an image together. An image without contrast becomes its mean; so does one whose mean is
-- 0 or less where only its contrast is set, which is refused.
-- > set = stimuli.normalised { stimuli.noise { 3, size = 16, contrast = 0.4 }, contrast = 0.1 }
-- > set.x:mean(), (set.x:std() / set.x:mean() * 100):round()   --> 0.5 10.
function M.normalised(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.normalised", "stimuli.normalised { images, mean = 0.5 }", position, ...)
  local o = schema.check("stimuli.normalised", given, NORMALISED, position)
  for _, name in ipairs { "mean", "contrast" } do
    if o[name] == true or type(o[name]) == "number" and not (o[name] >= 0 and o[name] < math.huge) then
      errors.raise("argument", position, "stimuli.normalised: %s is %s, expected a number of at least 0, or false",
        name, tostring(o[name]))
    end
  end
  return set_of(o.images, position):map(function(x)
    local all = { dim = { 2, 3, 4 }, keepdim = true }
    local value = double(x)
    local mean = value:mean(all)
    local apart = value - mean
    local spread = apart:square():mean(all):sqrt()
    if not o.mean and o.contrast and mean:le(0):any():item() then
      errors.raise("numeric", position, "stimuli.normalised: an image has a mean of 0 or less, over which there is "
        .. "no contrast; give a mean")
    end
    local to = o.mean or mean
    local wanted = o.contrast and spread * 0 + to * o.contrast
      or spread / ops.where(mean:gt(0), mean, 1) * to -- the contrast stays where the mean changes
    local y = apart / ops.where(spread:gt(1e-12), spread, math.huge) * wanted + to
    return (o.clip and y:clamp(0, 1) or y):to "float32"
  end)
end

-- ---- patches -----------------------------------------------------------------------------------------------------

local PATCHES = schema.document("stimuli.patches", { positional = { "images", "n" }, images = IMAGES,
  n = { type = "integer", required = true, min = 1, doc = "how many" },
  size = { type = "integer", default = 32, min = 1, doc = "pixels on a side" },
  border = { type = "integer", default = 0, min = 0, doc = "pixels at the images' borders that are left out" },
  least = { type = "number", default = 0, min = 0, doc = "the standard deviation below which one is drawn again" },
  seed = SEED })
local TRIES <const> = 100

--- stimuli.patches { images, n, size = 32, border = 0, least = 0, seed = }: n square patches at random places of
-- random images, such as natural images in a folder. Ids are 1..n; set.columns.image (the image's id), row and column
-- (from 1, of the upper left pixel) tell where each is from, and labels come along. A patch that varies less than
-- `least` is drawn again, up to 100 times. Patch k depends on the seed, k and the images.
-- > set = stimuli.patches { stimuli.noise { 4, size = 64, exponent = 1 }, 100, size = 12 }
-- > set.x.shape, set.columns.image[1]   --> { 100, 1, 12, 12 } 2
function M.patches(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.patches", "stimuli.patches { images, n = 1000, size = 12 }", position, ...)
  local o = schema.check("stimuli.patches", given, PATCHES, position)
  local set = set_of(o.images, position)
  local h, w, seed = set.x:size(3) - 2 * o.border, set.x:size(4) - 2 * o.border, o.seed or tensor.seed()
  if h < o.size or w < o.size then
    errors.raise("shape", position, "stimuli.patches: images of %d x %d hold no patch of %d x %d inside a border of "
      .. "%d", set.x:size(3), set.x:size(4), o.size, o.size, o.border)
  end
  local parts, columns, from = {}, { image = {}, row = {}, column = {} }, {}
  for k = 1, o.n do
    local draws = tensor.draw({ kind = "uniform", shape = { TRIES, 3 }, seed = seed, step = k, dtype = "float64",
      purpose = "stimuli.patches" }):totable()
    for t = 1, TRIES do
      local u = draws[t]
      local i = math.min(math.floor(u[1] * set.n) + 1, set.n)
      local top = math.floor(u[2] * (h - o.size + 1)) + o.border + 1
      local left = math.floor(u[3] * (w - o.size + 1)) + o.border + 1
      local cut = set.x[{ i, {}, { top, top + o.size - 1 }, { left, left + o.size - 1 } }]
      parts[k], columns.image[k], columns.row[k], columns.column[k], from[k] = cut, set.id[i], top, left, i
      if o.least == 0 or (cut - cut:mean()):square():mean():sqrt():item() >= o.least then break end
    end
  end
  local y = set.y and set.y:index_select(tensor.tensor(from, { dtype = "int64" }), { dim = 1 })
  return require("lamina.stimuli").make { x = ops.stack(parts, { dim = 1 }), y = y, classes = set.classes,
    columns = columns, name = "patches of " .. set.name }
end

return M
