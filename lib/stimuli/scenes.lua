--- lamina.stimuli.scenes: figures on backgrounds, at changing position, size and angle, and behind something.
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local range = { "number", "table" }
local FIELDS = schema.document("stimuli.scenes", {
  positional = { "figures" },
  figures = { type = "any", required = true, doc = "images of bright figures on black (stimuli.digits, paperclips, "
    .. "data.mnist { standardise = false }, a folder): how bright is how opaque" },
  n = { type = "integer", min = 1, doc = "how many scenes; figures are taken in turn. Absent: one for each" },
  size = { type = "integer", min = 4, max = 4096, doc = "pixels on a side; that of the figures if absent" },
  background = { type = "any", default = "noise", doc = "\"noise\" (1 / f), a luminance or { low, high }, or images "
    .. "(a set, a tensor, a folder), of which a random part of `size` is taken" },
  noise = { type = "number", default = 0.3, min = 0, doc = "RMS contrast of \"noise\"" },
  luminance = { type = range, default = 1, doc = "of the figure: a number or { low, high }" },
  blend = { type = "string", default = "over", choices = { "over", "difference" }, doc = "\"over\": the figure hides "
    .. "what is behind it; \"difference\": the absolute difference of both, as in MNIST-M (Ganin & Lempitsky 2015)" },
  position = { type = "number", default = 0.2, min = 0, max = 1, doc = "the largest shift each way, a fraction of "
    .. "the side" },
  scale = { type = range, default = 1, doc = "the figure's image over the scene: a number or { low, high }" },
  rotation = { type = range, default = 0, doc = "degrees, anticlockwise: a number or { low, high }" },
  occlusion = { type = range, default = 0, doc = "the hidden share of the figure: a number or { low, high }" },
  occluder = { type = "string", default = "blobs", choices = { "blobs", "edge" },
    doc = "what hides it: blobs over all of the scene, or all on one side of a straight edge" },
  cover = { type = range, default = 0.5, doc = "luminance of the occluder: a number or { low, high }" },
  seed = { type = "integer", doc = "of all that varies; the experiment's if absent" },
})
local LATENT = { "x", "y", "scale", "rotation", "luminance", "occlusion" }
local LIMITS = { luminance = { 0, 1 }, scale = { 1e-3, 16 }, rotation = { -1e6, 1e6 }, occlusion = { 0, 1 },
  cover = { 0, 1 } }

-- The two ends of a range.
local function ends(o, name, position)
  local value = o[name]
  local low, high = value, value
  if type(value) == "table" then low, high = value[1], value[2] end
  local limits = LIMITS[name]
  local numbers = type(low) == "number" and type(high) == "number"
  if not numbers or not (low <= high and low >= limits[1] and high <= limits[2]) then
    errors.raise("argument", position, "stimuli.scenes: %s is { %s, %s }, expected a number or { low, high } between "
      .. "%g and %g", name, tostring(low), tostring(high), limits[1], limits[2])
  end
  return low, high
end

-- What varies in n scenes: lists of numbers by name, each scene's from draws of its own.
local function drawn(o, n, position)
  local u = tensor.draw { kind = "uniform", shape = { n, 10 }, seed = o.seed, purpose = "stimuli.scenes",
    dtype = "float64" }
  local v = { x = (u[{ {}, 1 }] * 2 - 1) * o.position, y = (u[{ {}, 2 }] * 2 - 1) * o.position, left = u[{ {}, 8 }],
    top = u[{ {}, 9 }], which = u[{ {}, 10 }] }
  for i, name in ipairs { "scale", "rotation", "luminance", "occlusion", "cover" } do
    local low, high = ends(o, name, position)
    v[name] = u[{ {}, 2 + i }] * (high - low) + low
  end
  return v
end

-- f(part) of the scenes { first, last }, PART at most at a time, joined: what is made on the way stays small.
local PART = 1000
local function in_parts(n, f)
  local list = {}
  for first = 1, n, PART do list[#list + 1] = f { first, math.min(first + PART - 1, n) } end
  return #list == 1 and list[1] or ops.concat(list, { dim = 1 })
end

local function wide(t) return t:reshape { -1, 1, 1 } end

-- Pixels of x (n x H x W) at places sx, sy (n x S x S, from 1), between pixels by straight lines, 0 outside.
local function sampled(x, sx, sy)
  local n, h, w = table.unpack(x.shape)
  local flat, left, top = x:reshape { n, h * w }, sx:floor(), sy:floor()
  local fx, fy, sum = sx - left, sy - top, nil
  for i = 0, 1 do
    for k = 0, 1 do
      local cx, cy = left + k, top + i
      local inside = cx:ge(1):logical_and(cx:le(w)):logical_and(cy:ge(1)):logical_and(cy:le(h))
      local place = (cy:clamp(1, h) - 1) * w + cx:clamp(1, w)
      local value = flat:gather(place:to("int64"):reshape { n, -1 }, { dim = 2 }):reshape(sx.shape)
      local weight = (k == 1 and fx or 1 - fx) * (i == 1 and fy or 1 - fy)
      local term = ops.where(inside, value * weight, 0)
      sum = sum and sum + term or term
    end
  end
  return sum
end

-- Figures (n x H x W) shifted, scaled and turned into scenes of S x S.
local function placed(x, v, size)
  local h, w = x:size(2), x:size(3)
  local places = (tensor.arange(1, size, { dtype = "float64" }) - 0.5) / size - 0.5
  local dx = places:reshape { 1, 1, -1 } - wide(v.x)
  local dy = places:reshape { 1, -1, 1 } - wide(v.y)
  local angle = wide(v.rotation) * (math.pi / 180)
  local s, c, scale = angle:sin(), angle:cos(), wide(v.scale)
  local ux, uy = (dx * c - dy * s) / scale, (dx * s + dy * c) / scale
  return sampled(x, (ux + 0.5) * w + 0.5, (uy + 0.5) * h + 0.5):clamp(0, 1)
end

-- n x S x S of which the largest values hide first.
local function hiding(o, n, size)
  local stimuli = require "lamina.stimuli"
  if o.occluder == "blobs" then
    return stimuli.noise({ n, size = size, exponent = 2, contrast = 1, mean = 1, seed = o.seed + 1 }).x:squeeze(2)
      :to "float64"
  end
  local angle = wide(tensor.draw { kind = "uniform", shape = { n }, seed = o.seed, dtype = "float64",
    purpose = "stimuli.scenes.edge" } * (2 * math.pi))
  local places = tensor.arange(1, size, { dtype = "float64" })
  return places:reshape { 1, 1, -1 } * angle:cos() + places:reshape { 1, -1, 1 } * angle:sin()
end

-- Where scenes are covered (n x S x S, 0 or 1), so that a share of the figure is; and that share.
local function covers(o, alpha, share)
  local n, size = alpha:size(1), alpha:size(2)
  if share:max():item() == 0 then return nil, share * 0 end
  local field, mass = hiding(o, n, size):reshape { n, -1 }, alpha:reshape { n, -1 }
  local order = field:argsort { dim = 2, descending = true }
  local passed = mass:gather(order, { dim = 2 }):cumsum { dim = 2 }
  local total = passed[{ {}, { -1, -1 } }]
  local hidden = passed:le(share:reshape { -1, 1 } * total):to "float64"
  -- back in the order of places
  local back = order:argsort { dim = 2 }
  local mask = hidden:gather(back, { dim = 2 })
  local found = (mask * mass):sum { dim = 2 } / ops.where(total:gt(0), total, 1):reshape { -1 }
  return mask:reshape(alpha.shape), found
end

-- Backgrounds, n x C x S x S.
local function behind(o, n, v, position)
  local stimuli, size, value = require "lamina.stimuli", o.size, o.background
  if value == "noise" then
    return stimuli.noise({ n, size = size, exponent = 1, contrast = math.max(o.noise, 1e-9), seed = o.seed }).x
      :to("float64"):clamp(0, 1)
  end
  local luminances = type(value) == "table" and getmetatable(value) == nil and type(value[1]) == "number"
  if type(value) == "number" or luminances then
    local low, high = ends({ luminance = value }, "luminance", position)
    return (v.which * (high - low) + low):reshape { -1, 1, 1, 1 }:expand { n, 1, size, size }
  end
  local set = type(value) == "string" and stimuli.folder { value } or stimuli.of(value, position)
  local channels, h, w = set.x:size(2), set.x:size(3), set.x:size(4)
  if h < size or w < size then
    errors.raise("shape", position, "stimuli.scenes: backgrounds are %d x %d, smaller than the scenes of %d x %d; "
      .. "set:resize makes them larger", h, w, size, size)
  end
  local along = tensor.arange(0, size - 1, { dtype = "float64" })
  local planes = tensor.arange(0, channels - 1, { dtype = "float64" }):reshape { 1, -1, 1, 1 }
  local pixels = set.x:reshape { -1 }
  return in_parts(n, function(part)
    local function floor(u, count) return (u[{ part }] * count):floor():reshape { -1, 1, 1, 1 } end
    local row = floor(v.top, h - size + 1) + along:reshape { 1, 1, -1, 1 }
    local column = floor(v.left, w - size + 1) + along:reshape { 1, 1, 1, -1 }
    local plane = floor(v.which, set.n):minimum(set.n - 1) * channels + planes
    local index = ((plane * h + row) * w + column + 1):to "int64" -- scenes x C x S x S, among all pixels
    return pixels:index_select(index:reshape { -1 }, { dim = 1 }):reshape(index.shape):to "float64"
  end)
end

--- stimuli.scenes { figures, n =, size =, background = "noise", noise = 0.3, luminance = 1, blend = "over",
-- position = 0.2, scale = 1, rotation = 0, occlusion = 0, occluder = "blobs", cover = 0.5, seed = }: figures on
-- backgrounds, shifted, scaled, turned and partly hidden at random; scene i shows figure i, and after the last the
-- first again. Figures are bright on black (the largest of their channels says how opaque), painted with `luminance`
-- over what is behind them, or, with blend = "difference", as the absolute difference of figure and background
-- (MNIST-M: Ganin & Lempitsky 2015, Unsupervised domain adaptation by backpropagation, section 4); backgrounds are
-- 1 / f noise, plain, or parts of images. Labels and ids of figures come along: y, classes, set.columns.figure.
-- set.latent.x, .y (fractions of the side), .scale, .rotation (degrees), .luminance and .occlusion (the share that is
-- hidden) are float64 tensors. All is drawn from the seed.
-- > set = stimuli.scenes { stimuli.digits { digits = { 0, 1 }, size = 28 }, n = 10, size = 48, occlusion = 0.3 }
-- > set.x.shape, set.classes   --> { 10, 1, 48, 48 } { "0", "1" }
function M.scenes(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.scenes", "stimuli.scenes { figures, n = 100 }", position, ...)
  local o = schema.check("stimuli.scenes", given, FIELDS, position)
  local stimuli = require "lamina.stimuli"
  local figures = type(o.figures) == "string" and stimuli.folder { o.figures } or stimuli.of(o.figures, position)
  local n = o.n or figures.n
  o.size, o.seed = o.size or math.max(figures.x:size(3), figures.x:size(4)), o.seed or tensor.seed()
  local v, turn, columns = drawn(o, n, position), {}, { figure = {} }
  for i = 1, n do
    turn[i] = (i - 1) % figures.n + 1
    columns.figure[i] = figures.id[turn[i]]
  end
  local index = tensor.tensor(turn, { dtype = "int64" })
  local alpha = in_parts(n, function(part)
    local x = figures.x:index_select(index[{ part }], { dim = 1 }):to("float64"):max { dim = 2 }
    return placed(x, { x = v.x[{ part }], y = v.y[{ part }], scale = v.scale[{ part }],
      rotation = v.rotation[{ part }] }, o.size)
  end)
  local mask, hidden = covers(o, alpha, v.occlusion)
  local a, back = alpha:unsqueeze(2), behind(o, n, v, position)
  local figure = a * v.luminance:reshape { -1, 1, 1, 1 }
  local scene = o.blend == "over" and back * (1 - a) + figure or (back - figure):abs()
  if mask then
    local m = mask:unsqueeze(2)
    scene = scene * (1 - m) + m * v.cover:reshape { -1, 1, 1, 1 }
  end
  local latent = {}
  for _, name in ipairs(LATENT) do latent[name] = v[name]:contiguous() end
  latent.occlusion = hidden
  return stimuli.make { x = scene:to "float32", y = figures.y and figures.y:index_select(index, { dim = 1 }),
    classes = figures.classes, columns = columns, latent = latent, name = "scenes of " .. figures.name }
end

return M
