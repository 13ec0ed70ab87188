--- lamina.activations.shown: what a model is shown of a set's images: their channels, their size, their place in the
-- model's field of view, and how the numbers are scaled.
local core = require "lamina.core.image"
local errors = require "lamina.errors"
local movie = require "lamina.movie"
local resample = require "lamina.resample"
local tensor = require "lamina.core.tensor"

local M = {}

--- The options that say what a model is shown.
M.fields = {
  field = { type = "number", above = 0, doc = "the model's field of view: how many degrees of visual angle its input "
    .. "is wide" },
  degrees = { type = "number", above = 0, doc = "how many degrees of visual angle a stimulus is wide; with `field`: "
    .. "it is placed in the middle, on the background, or cut where it is larger" },
  background = { type = { "number", "table" }, default = 0.5, doc = "what surrounds a stimulus that is smaller than "
    .. "the field: luminance as the set's images have it, or a list of it for the channels; `input`, `mean` and "
    .. "`std` treat it as they treat the images" },
  method = { type = "string", default = "box", choices = { "box", "bilinear", "antialias" }, doc = "how images get "
    .. "another size (image.resize)" },
  mean = { type = { "number", "table" }, doc = "subtracted from what is shown: a number, or one for each channel" },
  std = { type = { "number", "table" }, doc = "what it is then divided by" },
  input = { type = "function", doc = "what becomes of a batch of the set's images before all that, and "
    .. "of the background" },
}

local text_of = require("lamina.layer").shape_text

local function resized(x, height, width, method)
  if x:size(x.ndim - 1) == height and x:size(x.ndim) == width then return x end
  if method == "antialias" then return resample.resize(x, height, width) end
  return core.resize(x, height, width, method)
end

-- Numbers for the channels as something that a batch can be computed with.
local function per_channel(value, channels, name, position, whose)
  local list = type(value) == "table" and value or { value }
  if #list ~= 1 and #list ~= channels then
    errors.raise("argument", position, "activations: %s has %d numbers, %s %d channels", name, #list,
      whose or "the input", channels)
  end
  for _, one in ipairs(list) do
    if type(one) ~= "number" or one ~= one or name == "std" and one <= 0 then
      errors.raise("argument", position, "activations: %s holds %s, expected a number%s", name, tostring(one),
        name == "std" and " above 0" or "")
    end
  end
  return tensor.tensor(list, { dtype = "float32" }):reshape { 1, #list, 1, 1 }
end

local function list_text(value) return type(value) == "table" and table.concat(value, ", ") or tostring(value) end

-- ---- steps: each { run = function(x), text = } ------------------------------------------------------------------

local function channels_step(have, want, position)
  if have == want then return nil end
  if have == 1 then
    return { text = string.format("grey on all %d channels", want),
      run = function(x) return x:expand { #x, want, x:size(3), x:size(4) } end }
  end
  if have == 3 and want == 1 then
    return { text = "colour as grey", run = function(x)
      return x[{ {}, { 1, 1 } }] * 0.299 + x[{ {}, { 2, 2 } }] * 0.587 + x[{ {}, { 3, 3 } }] * 0.114
    end }
  end
  errors.raise("shape", position, "activations: images have %d channels, the model takes %d; input = function(x) "
    .. "says how they become so", have, want)
end

-- A length as whole pixels, at least one and at most `most`.
local function pixels(length, most) return math.max(1, math.min(most, math.floor(length + 0.5))) end

-- What o.input makes of the background, one number for each channel of an image: a plain stimulus of it goes through
-- as the set's do. before: the shape of one of these.
local function after_input(o, before, position)
  local channels = #before >= 3 and before[#before - 2] or 1
  local level = per_channel(o.background, channels, "background", position, "the images")
  local plain = tensor.zeros { 1, table.unpack(before) } + (#before >= 3 and level or level:reshape { 1 })
  local y = o.input(plain):detach():to "float32"
  y = y:reshape { -1, y:size(y.ndim - 2), y:size(y.ndim - 1) * y:size(y.ndim) }
  local low, high = y:min({ dim = 3 }):min { dim = 1 }, y:max({ dim = 3 }):max { dim = 1 }
  if not low:equal(high) then -- nor is it where a NaN is
    errors.raise("argument", position, "activations: field and degrees place the images on a background, of which "
      .. "`input` makes no plain one (numbers from %g to %g%s): let input change numbers pixel by pixel (mean and "
      .. "std are for that), or show images that fill the field", low:min():item(), high:max():item(),
      y:isfinite():all():item() and "" or ", NaN or infinite ones among them")
  end
  return low:reshape { 1, -1, 1, 1 }
end

-- What surrounds images in the input, one number for each of its channels or one for all, and how that is told.
local function surround(o, item, before, input, position)
  local text = list_text(o.background)
  if not o.input then return per_channel(o.background, input[1], "background", position), text end
  local level = after_input(o, before, position)
  local join = channels_step(item[1], input[1], position)
  local numbers = {}
  for i, value in ipairs(level:reshape({ -1 }):totable()) do numbers[i] = string.format("%.9g", value) end
  return join and join.run(level) or level, text .. ", after input " .. table.concat(numbers, ", ")
end

-- Places h x w images in the field of an input H x W. before: the shape of one of the set's stimuli.
local function placing_step(o, item, before, input, position)
  local h, w, height, width = item[2], item[3], input[2], input[3]
  local scale = width * o.degrees / o.field / w -- pixels of the input for each of the image
  local seen_h, seen_w = pixels(height / scale, h), pixels(width / scale, w)
  local own_h, own_w = pixels(seen_h * scale, height), pixels(seen_w * scale, width)
  local top, left = (h - seen_h) // 2, (w - seen_w) // 2
  local down, right = (height - own_h) // 2, (width - own_w) // 2
  local cut, surrounded = seen_h < h or seen_w < w, own_h < height or own_w < width
  local background, background_text
  if surrounded then background, background_text = surround(o, item, before, input, position) end
  return { text = string.format("%g of %g degrees: %s%dx%d pixels%s%s", o.degrees, o.field,
      cut and string.format("the middle %dx%d of %dx%d as ", seen_h, seen_w, h, w) or "", own_h, own_w,
      (own_h ~= seen_h or own_w ~= seen_w) and " (" .. o.method .. ")" or "", surrounded
        and " on a background of " .. background_text or ""),
    run = function(x)
      local part = x
      if cut then part = x[{ {}, {}, { top + 1, top + seen_h }, { left + 1, left + seen_w } }]:contiguous() end
      local small = resized(part, own_h, own_w, o.method)
      if cut and not rawequal(small, part) then part:release() end
      part = small
      if not surrounded then return part end
      local canvas = tensor.zeros { #x, input[1], height, width } + background
      canvas[{ {}, {}, { down + 1, down + own_h }, { right + 1, right + own_w } }]:copy(part)
      if not rawequal(part, x) then part:release() end
      return canvas
    end }
end

local function size_step(o, item, before, input, position)
  if (o.field ~= nil) ~= (o.degrees ~= nil) then
    errors.raise("argument", position, "activations: %s = %g says nothing by itself; field is how many degrees the "
      .. "model sees, degrees how many a stimulus takes up: give both", o.field and "field" or "degrees",
      o.field or o.degrees)
  end
  if o.field then return placing_step(o, item, before, input, position) end
  local h, w, height, width = item[2], item[3], input[2], input[3]
  if h == height and w == width then return nil end
  if h * width ~= w * height then
    errors.raise("shape", position, "activations: images are %dx%d, the input %dx%d; to place them in it without "
      .. "distortion say field = the degrees that the model sees and degrees = those that an image is wide", h, w,
      height, width)
  end
  return { text = string.format("%dx%d resized to %dx%d (%s)", h, w, height, width, o.method),
    run = function(x) return resized(x, height, width, o.method) end }
end

local function scale_steps(o, input, steps, position)
  if o.mean then
    local mean = per_channel(o.mean, input[1], "mean", position)
    steps[#steps + 1] = { text = "less " .. list_text(o.mean), run = function(x) return x - mean end }
  end
  if o.std then
    local std = per_channel(o.std, input[1], "std", position)
    steps[#steps + 1] = { text = "divided by " .. list_text(o.std), run = function(x) return x / std end }
  end
end

local function is_image(shape) return #shape == 3 end

-- The steps for images of shape `item` towards those of shape `input`; the set's own numbers where there are none.
local function steps_for(o, net, item, before, input, position)
  local steps = {}
  if not is_image(input) or not is_image(item) then
    local wants = o.field or o.degrees or o.mean or o.std
    if wants then
      errors.raise("argument", position, "activations: %s is for images; %s takes %s and the stimuli are %s",
        o.field and "field" or o.degrees and "degrees" or o.mean and "mean" or "std", net.name, text_of(net.input),
        text_of(item))
    end
  else
    steps[1] = channels_step(item[1], input[1], position)
    steps[#steps + 1] = size_step(o, item, before, input, position)
    scale_steps(o, input, steps, position)
  end
  return steps
end

--- How a batch of the set's inputs becomes what the model takes: a function, and a text that describes it and, with
-- the shape of the images, determines it (but for o.input, whose results are to be hashed). item: the shape of one
-- image after o.input, before: before it; way: how it is shown where it is a movie (lib/movie.lua), whose frames are
-- treated one by one.
function M.maker(o, net, item, before, way, position)
  local frames = way and way.frames or nil
  local one = way and { item[2], item[3], item[4] } or item
  local input = way and way.image or net.input
  local steps = steps_for(o, net, one, before, input, position)
  local texts = {}
  for i, step in ipairs(steps) do texts[i] = step.text end
  local function run(x)
    local n = #x
    if frames then x = x:reshape { n * frames, one[1], one[2], one[3] } end
    local given = x
    local function become(y) -- what stood in between goes now and not when Lua's collector comes by
      if not rawequal(x, y) and not rawequal(x, given) then x:release() end
      x = y
    end
    for _, step in ipairs(steps) do become(step.run(x)) end
    if frames then become(x:reshape { n, frames, x:size(2), x:size(3), x:size(4) }) end
    become(x:contiguous())
    return x
  end
  if way then
    texts[#texts + 1] = movie.text(way)
  elseif not net:takes(is_image(one) and is_image(input) and input or item) then
    errors.raise("shape", position, "activations: %s takes %s, the stimuli are %s; input = function(x) says how they "
      .. "become so", net.name, text_of(net.input), text_of(item))
  end
  return run, table.concat(texts, ", ")
end

return M
