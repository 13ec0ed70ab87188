--- lamina.image: single pictures: read, written, resized.
local core = require "lamina.core.image"
local errors = require "lamina.errors"
local io = require "lamina.core.io"
local schema = require "lamina.schema"

local M = {}

local READ = schema.document("image.read", { positional = { "path" },
  path = { type = "string", required = true, doc = "a PNG or JPEG file; the first bytes tell which" },
  channels = { type = "integer", default = 0, min = 0, max = 4, doc = "1 grey, 3 colour, 4 colour and "
    .. "alpha; 0: as the file has" },
  upright = { type = "boolean", default = false, doc = "turn a JPEG as its EXIF orientation says" } })

--- image.read "face.jpg", image.read { "face.jpg", channels = 3, upright = true }: a PNG or JPEG picture as a float32
-- tensor C x H x W, 0 to 1. Gamma, colour profiles and background colours change nothing; without `channels` the
-- tensor has those of the file, alpha included; colour becomes grey with the weights of ITU-R BT.601.
-- > image.write { "picture.png", zeros { 3, 8, 8 } }
-- > image.read({ "picture.png", channels = 1 }).shape   --> { 1, 8, 8 }
function M.read(given)
  local position = errors.position(2)
  local o = schema.check("image.read", given, READ, position)
  if o.channels == 2 then
    errors.raise("argument", position, "image.read: channels is 2, expected 1, 3 or 4 (or 0, as the file has)")
  end
  local path = require("lamina.experiment").find(o.path)
  local raw = io.picture_read(path, { channels = o.channels, upright = o.upright })
  return raw:to "float32" * (1 / (raw.dtype == "uint8" and 255 or 65535))
end

local WRITE = schema.document("image.write", { positional = { "path", "picture" },
  path = { type = "string", required = true, doc = "a name that ends in .png, .jpg or .jpeg" },
  picture = { type = "tensor", required = true, doc = "H x W or C x H x W: floats from 0 to 1, or uint8" },
  quality = { type = "integer", default = 95, min = 1, max = 100, doc = "of a JPEG" } })

--- image.write { "face.png", x, quality = 95 }: writes a picture H x W or C x H x W (1, 3 or 4 channels; JPEG 1 or
-- 3) as PNG or JPEG, as its name says. A relative path is one in the experiment's folder. Returns the path written.
-- > image.write { "noise.png", rand { 16, 16, seed = 1 } }   --> noise.png
function M.write(given)
  local position = errors.position(2)
  local o = schema.check("image.write", given, WRITE, position)
  local ending = (o.path:match "%.(%a+)$" or ""):lower()
  if ending ~= "png" and ending ~= "jpg" and ending ~= "jpeg" then
    errors.raise("argument", position, "image.write: %s: the name must end in .png, .jpg or .jpeg", o.path)
  end
  local path = require("lamina.experiment").path(o.path)
  if ending == "png" then io.png_write(path, o.picture) else io.jpeg_write(path, o.picture,
    { quality = o.quality }) end
  return path
end

local RESIZE = schema.document("image.resize", { positional = { "x", "size" },
  x = { type = "tensor", required = true, doc = "pictures, the last two axes their height and width" },
  size = { type = { "integer", "table" }, min = 1, required = true, doc = "pixels on a side, or { height, width }" },
  method = { type = "string", default = "box", choices = { "box", "bilinear", "antialias" }, doc = "how pixels "
    .. "are made: means over areas, between the four nearest, or means weighted by a triangle (Pillow's "
    .. "bilinear)" } })

--- image.resize { x, size, method = "box" }: pictures made size x size pixels, or { height, width }.
-- > image.resize({ rand { 3, 64, 64 }, size = 32 }).shape   --> { 3, 32, 32 }
function M.resize(given)
  local position = errors.position(2)
  local o = schema.check("image.resize", given, RESIZE, position)
  local plain = o.method == "antialias" and "bilinear" or o.method
  local step = require("lamina.data.images").resize_step(o.size, plain, "image.resize", position)
  if o.method == "antialias" then return require("lamina.resample").resize(o.x, step.height, step.width) end
  return core.resize(o.x, step.height, step.width, o.method)
end

local colour = require "lamina.colour"

local COLOUR = schema.document("image.colour", { positional = { "x", "to" },
  x = { type = "tensor", required = true, doc = "a picture C x H x W, or a batch of them" },
  to = { type = "string", required = true, choices = colour.spaces, doc = "the space of the result" },
  from = { type = "string", default = "rgb", choices = colour.spaces, doc = "that of x" } })

--- image.colour { x, "lab", from = "rgb" }: pictures in another colour space: rgb (sRGB, 0 to 1), linear, xyz, lms,
-- lab, opponent, ycbcr, hsv or grey. Differentiable; as a layer: colour { "opponent" }.
-- > red = tensor { 1, 0, 0 }:reshape { 3, 1, 1 }
-- > image.colour({ red, "opponent" }).shape   --> { 3, 1, 1 }
function M.colour(given)
  local position = errors.position(2)
  local o = schema.check("image.colour", given, COLOUR, position)
  local want = colour.channels(o.from)
  if o.x.ndim < 3 or o.x.shape[o.x.ndim - 2] ~= want then
    errors.raise("shape", position, "image.colour: x is %s; %s has %d channel%s, the third axis from the end",
      table.concat(o.x.shape, "x"), o.from, want, want == 1 and "" or "s")
  end
  return colour.convert(o.x, o.from, o.to)
end

return M
