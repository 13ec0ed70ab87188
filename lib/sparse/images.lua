--- lamina.sparse.images: whitening, and patches drawn from images.
local errors = require "lamina.errors"
local fft = require "lamina.fft"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

-- Images as n x H x W of float64.
local function stack(value, what, position)
  if not tensor.is_tensor(value) then
    errors.raise("argument", position, "%s: images are a %s, expected a tensor n x H x W", what, type(value))
  end
  if value.ndim == 2 then value = value:unsqueeze(1) end
  if value.ndim == 4 and value:size(2) == 1 then value = value:squeeze(2) end
  if value.ndim ~= 3 then
    errors.raise("shape", position, "%s: images are %s, expected n x H x W", what, table.concat(value.shape, "x"))
  end
  return value:to "float64"
end

local WHITEN = schema.document("sparse.whiten", {
  positional = { "images" },
  images = { type = "tensor", required = true, doc = "n x H x W (or n x 1 x H x W)" },
  f0 = { type = "number", above = 0, doc = "cycles per image of the low-pass; 0.4 of the shorter side if absent" },
  variance = { type = { "number", "boolean" }, default = 0.1, above = 0,
    doc = "to which all images together are scaled; false: as the filter leaves them" },
})

--- sparse.whiten { images, f0 = 0.4 min(H, W), variance = 0.1 }: images whose amplitude spectrum falls as 1 / f made
-- flat: the gain f exp(-(f / f0)^4) of radial frequency f in cycles per image (Olshausen & Field 1997, eq. 16; f0 =
-- 200 cycles of 512 in the paper). A tensor n x H x W, float32, of mean 0 and, all images together, this variance.
-- > images = stimuli.noise({ 5, size = 64, exponent = 1 }).x:squeeze(2)
-- > white = sparse.whiten { images, variance = 0.1 }
-- > white.shape, string.format("%.3f", white:var():item())   --> { 5, 64, 64 } 0.100
function M.whiten(given, ...)
  local position = errors.position(2)
  schema.alone("sparse.whiten", "sparse.whiten { images }", position, ...)
  if tensor.is_tensor(given) then given = { given } end
  local o = schema.check("sparse.whiten", given, WHITEN, position)
  local x = stack(o.images, "sparse.whiten", position)
  local h, w = x:size(2), x:size(3)
  local f0 = o.f0 or 0.4 * math.min(h, w)
  local fy, fx = fft.fftfreq(h) * h, fft.rfftfreq(w) * w
  local f = (fx:square():reshape { 1, -1 } + fy:square():reshape { -1, 1 }):sqrt()
  local gain = f * (-(f / f0):square():square()):exp()
  local y = fft.irfft2(fft.rfft2(x) * gain:unsqueeze(-1), { s = { h, w } })
  if o.variance then y = y * math.sqrt(o.variance / y:square():mean():item()) end
  return y:to "float32"
end

local PATCHES = schema.document("sparse.patches", {
  positional = { "images", "n" },
  images = { type = "tensor", required = true, doc = "n x H x W" },
  n = { type = "integer", required = true, min = 1, doc = "how many patches" },
  size = { type = "integer", default = 16, min = 1, doc = "pixels on a side" },
  border = { type = "integer", default = 4, min = 0, doc = "pixels at the images' borders that are left out" },
  seed = { type = "integer", doc = "of the places; the experiment's if absent" },
  step = { type = "integer", default = 0, min = 0, doc = "which draw: tells the batches of a training apart" },
})

--- sparse.patches { images, n, size = 16, border = 4, seed =, step = 0 }: n square patches at random places of random
-- images, n x size^2, float32. Keyed by seed and step.
-- > images = stimuli.noise({ 5, size = 64, exponent = 1 }).x:squeeze(2)
-- > sparse.patches({ images, 100, size = 12 }).shape   --> { 100, 144 }
function M.patches(given, ...)
  local position = errors.position(2)
  schema.alone("sparse.patches", "sparse.patches { images, n = 1000 }", position, ...)
  local o = schema.check("sparse.patches", given, PATCHES, position)
  local x = stack(o.images, "sparse.patches", position):to "float32"
  return M.drawn(x, o, position)
end

--- The same for images that are n x H x W of float32 already.
function M.drawn(x, o, position)
  local count, h, w = table.unpack(x.shape)
  local high, wide = h - 2 * o.border - o.size + 1, w - 2 * o.border - o.size + 1
  if high < 1 or wide < 1 then
    errors.raise("shape", position,
      "sparse.patches: images of %d x %d hold no patch of %d x %d inside a border of %d", h,
      w, o.size, o.size, o.border)
  end
  local draws = tensor.draw({ kind = "uniform", shape = { 3, o.n }, seed = o.seed or tensor.seed(), step = o.step,
    purpose = "sparse.patches", dtype = "float64" })
  local function whole(row, below) return (draws[row] * below):to "int64" end
  local first = (whole(1, count) * h + whole(2, high) + o.border) * w + whole(3, wide) + o.border
  local inside = tensor.arange(0, o.size - 1, { dtype = "int64" })
  local offsets = (inside:reshape { -1, 1 } * w + inside:reshape { 1, -1 }):reshape { 1, -1 }
  local places = (first:reshape { -1, 1 } + offsets + 1):reshape { -1 }
  return ops.index_select(x:contiguous():reshape { -1 }, places, { dim = 1 }):reshape { o.n, o.size * o.size }
end

return M
