--- augment: pictures changed at random on their way to a model, the same changes for the same (seed, epoch, item).
--
-- An augmentation is a list of steps for the runtime (runtime/image/augment.h), in one fixed order, so that a table
-- of options says everything: resize, crop, random_crop, resized_crop, flip, affine, blur, brightness, contrast,
-- noise, clip, cutout, standardise. set:augment(...) twice gives any other order.
local core = require "lamina.core.data"
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local object = require "lamina.object"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local tensor = require "lamina.core.tensor"

local M = {}

local ORDER = { "resize", "crop", "random_crop", "resized_crop", "flip", "affine", "blur", "brightness", "contrast",
  "noise", "clip", "cutout", "standardise" }

local FIELDS = schema.document("augment", {
  resize = { type = { "integer", "table" }, doc = "pixels on a side, or { height, width, method = \"box\" }" },
  crop = { type = { "integer", "table" }, doc = "the middle part: pixels on a side, or { height, width }" },
  random_crop = { type = { "integer", "table" }, doc = "a part at a random place: pixels on a side, or { height, "
    .. "width, pad = 0, fill = 0 }; pad adds pixels of `fill` on every side first" },
  resized_crop = { type = { "integer", "table" }, doc = "a random part made this large: pixels on a side, or { "
    .. "height, "
    .. "width, area = { 0.08, 1 }, ratio = { 3/4, 4/3 }, method = \"bilinear\" }" },
  flip = { type = { "boolean", "number", "table" }, doc = "left to right with this probability (true: 0.5), or "
    .. "{ horizontal = 0.5, vertical = 0 }" },
  affine = { type = "table", doc = "{ rotate = 0, translate = 0, scale = 1, shear = 0, fill = 0 }: at most so many "
    .. "degrees, parts of the side (one, or { x, y }), { low, high } times the size, degrees; bilinear" },
  blur = { type = { "number", "table" }, doc = "sigma of a Gaussian in pixels, or { low, high }" },
  brightness = { type = { "number", "table" }, doc = "times { low, high }; a number b is { 1 - b, 1 + b }" },
  contrast = { type = { "number", "table" }, doc = "the distance from the picture's mean times { low, high }; a "
    .. "number c is { 1 - c, 1 + c }" },
  noise = { type = "number", min = 0, doc = "standard deviation of Gaussian noise, pixel by pixel" },
  clip = { type = { "boolean", "table" }, doc = "cut values off at { low, high } (true: { 0, 1 })" },
  cutout = { type = { "integer", "table" }, doc = "a square of this many pixels on a side at a random place is set "
    .. "to `fill`; or { height, width, fill = 0 }" },
  standardise = { type = "table", doc = "{ mean =, std = }: (x - mean) / std, numbers or a list with one for each "
    .. "channel" },
})

-- ---- options to steps ------------------------------------------------------------------------------------------

local size = { type = "integer", min = 1, max = 65536, doc = "pixels" }
local range = { type = { "number", "table" }, doc = "{ low, high }" }
local METHOD = { type = "string", choices = { "box", "bilinear" }, doc = "how pixels are made" }

local PARTS = {
  resize = { height = size, width = size, method = METHOD },
  crop = { height = size, width = size },
  random_crop = { height = size, width = size, pad = { type = "integer", default = 0, min = 0, max = 65536 },
    fill = { type = "number", default = 0 } },
  resized_crop = { height = size, width = size, area = range, ratio = range, method = METHOD },
  cutout = { height = size, width = size, fill = { type = "number", default = 0 } },
  flip = { horizontal = { type = "number", default = 0.5, min = 0, max = 1 },
    vertical = { type = "number", default = 0, min = 0, max = 1 } },
  affine = { rotate = { type = "number", default = 0, min = 0, max = 180 },
    translate = { type = { "number", "table" }, default = 0, min = 0, max = 1 }, scale = range,
    shear = { type = "number", default = 0, min = 0, max = 80 }, fill = { type = "number", default = 0 } },
  standardise = { mean = { type = { "number", "table" }, required = true },
    std = { type = { "number", "table" }, required = true } },
}
for _, fields in pairs(PARTS) do
  if fields.height then fields.positional = { "height", "width" } end
end

-- { low, high } from such a table, or what `single` makes of a number.
local function low_high(what, value, single, position)
  if type(value) == "number" then return single(value) end
  local low, high = value[1], value[2]
  if #value ~= 2 or type(low) ~= "number" or type(high) ~= "number" or low ~= low or high ~= high or low > high then
    errors.raise("argument", position, "%s: expected { low, high } with low <= high", what)
  end
  return low, high
end

local function same(v) return v, v end

-- A number, or a list of them, as a list of `n` or as many as there are.
local function list_of(what, value, position)
  local list = type(value) == "table" and value or { value }
  for i = 1, math.max(#list, 1) do
    if type(list[i]) ~= "number" then
      errors.raise("argument", position, "%s: entry %d is a %s, expected a number", what, i, type(list[i]))
    end
  end
  return list
end

local function sized(kind, value, position)
  local o = schema.check("augment: " .. kind, value, PARTS[kind], position)
  if not o.height then errors.raise("argument", position, "augment: %s: the size is missing", kind) end
  return o, { kind = kind, height = o.height, width = o.width or o.height, pad = o.pad, fill = o.fill,
    method = o.method }
end

local make = {}

for _, kind in ipairs { "resize", "crop", "random_crop", "cutout" } do
  make[kind] = function(value, position)
    local _, step = sized(kind, value, position)
    return step
  end
end

function make.resized_crop(value, position)
  local o, step = sized("resized_crop", value, position)
  step.method = o.method or "bilinear"
  step.low, step.high = low_high("augment: resized_crop: area", o.area or { 0.08, 1 }, same, position)
  step.low2, step.high2 = low_high("augment: resized_crop: ratio", o.ratio or { 3 / 4, 4 / 3 }, same, position)
  return step
end

function make.flip(value, position)
  if value == false then return nil end
  if value == true then value = 0.5 end
  local o = schema.check("augment: flip", type(value) == "table" and value or { horizontal = value }, PARTS.flip,
    position)
  return { kind = "flip", low = o.horizontal, high = o.vertical }
end

function make.affine(value, position)
  local o = schema.check("augment: affine", value, PARTS.affine, position)
  local shift = list_of("augment: affine: translate", o.translate, position)
  local step = { kind = "affine", rotate = o.rotate, translate_x = shift[1], translate_y = shift[2] or shift[1],
    shear = o.shear, fill = o.fill }
  step.low, step.high = low_high("augment: affine: scale", o.scale or 1, same, position)
  return step
end

function make.standardise(value, position)
  local o = schema.check("augment: standardise", value, PARTS.standardise, position)
  return { kind = "standardise", mean = list_of("augment: standardise: mean", o.mean, position),
    std = list_of("augment: standardise: std", o.std, position) }
end

function make.noise(value) return { kind = "noise", low = value } end

function make.clip(value, position)
  if value == false then return nil end
  local step = { kind = "clip" }
  step.low, step.high = low_high("augment: clip", value == true and { 0, 1 } or value, same, position)
  return step
end

for kind, single in pairs { blur = same, brightness = function(v) return 1 - v, 1 + v end,
  contrast = function(v) return 1 - v, 1 + v end } do
  make[kind] = function(value, position)
    local step = { kind = kind }
    step.low, step.high = low_high("augment: " .. kind, value, single, position)
    return step
  end
end

-- ---- augmentations ---------------------------------------------------------------------------------------------

local function shown(value)
  if type(value) ~= "table" then return tostring(value) end
  local names, parts = {}, {}
  for i, v in ipairs(value) do parts[i] = shown(v) end
  for name in pairs(value) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. " = " .. shown(value[name]) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local Augmentation = { __name = "augmentation" }
Augmentation.__index = object.index("an augmentation", Augmentation, "")
Augmentation.__tostring = function(self) return "augment: " .. self.text end

-- Copies of the steps, each with a purpose of its own; place: how many augmentations come before it in a set.
local function placed(self, place)
  local list = {}
  for i, step in ipairs(self.steps) do
    local copy = merged(step)
    copy.purpose = string.format("augment.%s.%d", step.kind, place)
    list[i] = copy
  end
  return list
end

local CALL = { epoch = { type = "integer", default = 1, min = 0 }, seed = { type = "integer" },
  items = { type = { "table", "tensor" } } }

--- aug(x, { epoch = 1, seed =, items = }): pictures x, N x C x H x W or N x H x W, augmented as the items with these
-- numbers (1..N if absent) in this epoch; float32 N x C x H x W, uint8 scaled to 0..1.
Augmentation.__call = function(self, x, given)
  local position = errors.position(2)
  local o = schema.check("augment", given or {}, CALL, position)
  if not tensor.is_tensor(x) or x.ndim < 3 or x.ndim > 4 then
    errors.raise("argument", position, "augment: expected pictures N x C x H x W, got a %s", tensor.is_tensor(x)
      and "tensor " .. table.concat(x.shape, "x") or type(x))
  end
  local items = o.items or tensor.arange(1, #x)
  if not tensor.is_tensor(items) then items = tensor.tensor(items, { dtype = "int64" }) end
  return M.run(placed(self, 1), x, items, { seed = o.seed or tensor.seed(), epoch = o.epoch })
end

--- The steps of an augmentation on a tensor of pictures whose items are numbered `items`.
function M.run(steps, x, items, where)
  if #items ~= #x then errors.raise("shape", 2, "augment: %d items for %d pictures", #items, #x) end
  return core.batch { source = { x = x:contiguous() }, steps = steps, seed = where.seed,
    epoch = where.epoch, rows = tensor.arange(1, #x), items = items }
end

--- augment { random_crop = 28, flip = true, ... }: an augmentation, for set:augment(aug) or aug(x). Its steps come in
-- this order, whatever the order they are written in: resize, crop, random_crop, resized_crop, flip, affine, blur,
-- brightness, contrast, noise, clip, cutout, standardise. What is drawn depends on (seed, epoch, item) alone.
-- > aug = augment { random_crop = 28, flip = true, contrast = 0.2 }
-- > aug(rand { 4, 1, 32, 32 }).shape   --> { 4, 1, 28, 28 }
function M.augment(given, ...)
  local position = errors.position(2)
  schema.alone("augment", "augment { random_crop = 28, flip = true }", position, ...)
  if getmetatable(given) == Augmentation then return given end
  local o = schema.check("augment", given, FIELDS, position)
  local steps, texts = {}, {}
  for _, kind in ipairs(ORDER) do
    local step = o[kind] ~= nil and make[kind](o[kind], position) or nil
    if step then
      steps[#steps + 1] = step
      texts[#texts + 1] = kind .. " = " .. shown(o[kind])
    end
  end
  if #steps == 0 then
    errors.raise("argument", position, "augment: no step is given (there are %s)", table.concat(ORDER, ", "))
  end
  return setmetatable({ steps = steps, text = table.concat(texts, ", ") }, Augmentation)
end

local Set = sets.methods

--- set:augment { random_crop = 28, flip = true }: the same set whose batches are augmented (help "augment"),
-- anew in every epoch and by loader threads; inputs become float32, uint8 scaled to 0..1.
-- > set = data.tensors { rand { 10, 1, 32, 32 }, randint(1, 2, { 10 }) }
-- > set:augment({ random_crop = 28, flip = true }):shape()   --> { 1, 28, 28 }
function Set:augment(given)
  local aug = M.augment(given)
  local place = 1
  for _, step in ipairs(self.steps or {}) do place = place + (step.list and 1 or 0) end
  local list = placed(aug, place)
  return sets.with_step(self, { list = list, text = "augment: " .. aug.text,
    run = function(x, rows, where) return M.run(list, x, rows, where) end })
end

return M
