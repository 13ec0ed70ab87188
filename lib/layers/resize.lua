--- resize { 28 }, resize { size = { 28, 28 }, mode = "bilinear" }, resize { scale = 2 }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local resample = require "lamina.resample"

local function resolve(o, shape)
  if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
  if (o.size == nil) == (o.scale == nil) then
    return nil, "needs size = { height, width } or scale = 2, one of the two"
  end
  local h, w
  if o.size then
    h, w = layer.pair(o.size)
  else
    local sh, sw = layer.pair(o.scale)
    h, w = math.floor(shape[2] * sh), math.floor(shape[3] * sw)
  end
  if h < 1 or w < 1 then
    return nil, string.format("scale = %s leaves nothing of %s", tostring(o.scale), layer.shape_text(shape))
  end
  if o.antialias and o.mode ~= "bilinear" then
    return nil, string.format("antialias = true goes with mode = \"bilinear\", not \"%s\"", o.mode)
  end
  o.to = { h, w }
  return o
end

local function define(word, positional, doc, example)
  return layer.define {
    word = word, op = "resize2d", doc = doc, example = example, positional = { positional },
    options = {
      size = { type = "pair", min = 1, doc = "the new size: n or { height, width }" },
      scale = { type = { "number", "pair" }, above = 0, doc = "the new size by the old: 2, 0.5 or { 2, 3 }" },
      mode = { type = "string", default = "nearest", choices = { "nearest", "bilinear", "area" },
        doc = "where new pixels come from; area: means, for making smaller" },
      antialias = { type = "boolean", default = false, doc = "of bilinear: where maps become smaller, a mean over "
        .. "all that a new pixel covers and half of its neighbours do, as Pillow has it" },
    },
    resolve = resolve,
    shape = function(o, shape) return { shape[1], o.to[1], o.to[2] } end,
    apply = function(o, _, x)
      if x.shape[3] == o.to[1] and x.shape[4] == o.to[2] then return x end
      if o.antialias then return resample.resize(x, o.to[1], o.to[2]) end
      return ops.resize2d(x, { size = o.to, mode = o.mode })
    end,
  }
end

local resize = define("resize", "size", "Maps of another size: nearest pixel, bilinear between pixel centres (as "
  .. "PyTorch's interpolate without align_corners), or the mean of the area a new pixel covers. Takes size or scale.",
  'resize(zeros { 1, 3, 64, 64 }, { 32, mode = "bilinear" }).shape   --> { 1, 3, 32, 32 }')

--- The word `upsample` is the same with the scale first.
resize.upsample = define("upsample", "scale", "Maps made larger: upsample { 2 }, upsample { 2, mode = \"bilinear\" "
  .. "}. The same as resize, with the scale first.",
  "upsample(zeros { 1, 8, 7, 7 }, { 2 }).shape   --> { 1, 8, 14, 14 }")

return resize
