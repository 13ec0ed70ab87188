--- lamina.stimuli.paperclips: bent wires in three dimensions, seen from any side (Bülthoff & Edelman 1992).
local combinations = require "lamina.stimuli.combinations"
local errors = require "lamina.errors"
local lines = require "lamina.stimuli.strokes"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local RADIAN <const> = math.pi / 180

-- Directions of the pieces of wire from uniform numbers: each is a random one; of `TRIES` the first that makes a bend
-- of 45 to 135 degrees with the piece before.
local TRIES <const> = 16
local STRAIGHT <const> = math.cos(45 * RADIAN)

local function directions(draws, segments)
  local list, at = {}, 0
  for s = 1, segments do
    local chosen
    for _ = 1, TRIES do
      local z, turn = 2 * draws[at + 1] - 1, 2 * math.pi * draws[at + 2]
      at = at + 2
      local r = math.sqrt(math.max(0, 1 - z * z))
      local d, before = { r * math.cos(turn), r * math.sin(turn), z }, list[s - 1]
      local along = before and d[1] * before[1] + d[2] * before[2] + d[3] * before[3] or 0
      if not chosen or not chosen.good then chosen = { d = d, good = math.abs(along) <= STRAIGHT } end
    end
    list[s] = chosen.d
  end
  return list
end

-- The corners of clip k about the middle of its view from the front, whose width or height, whichever is larger, is
-- 1: a list of { x, y, z }.
local function clip(k, segments, seed)
  local draws = tensor.draw { kind = "uniform", shape = { segments * TRIES * 2 }, seed = seed, step = k,
    purpose = "stimuli.paperclips", dtype = "float64" }:totable()
  local corners, low, high = { { 0, 0, 0 } }, { 0, 0, 0 }, { 0, 0, 0 }
  for s, d in ipairs(directions(draws, segments)) do
    local c = {}
    for i = 1, 3 do
      c[i] = corners[s][i] + d[i]
      low[i], high[i] = math.min(low[i], c[i]), math.max(high[i], c[i])
    end
    corners[s + 1] = c
  end
  local extent = math.max(high[1] - low[1], high[2] - low[2], 1e-6)
  for _, c in ipairs(corners) do
    for i = 1, 3 do c[i] = (c[i] - (low[i] + high[i]) / 2) / extent end
  end
  return corners
end

-- Where a corner is seen: x to the right and y down, by turns about the vertical, the horizontal and the line of
-- sight.
local function seen(c, view)
  local a, b, t = view.depth * RADIAN, view.tilt * RADIAN, view.rotation * RADIAN
  local x, z = c[1] * math.cos(a) + c[3] * math.sin(a), c[3] * math.cos(a) - c[1] * math.sin(a)
  local y = c[2] * math.cos(b) - z * math.sin(b)
  x, y = x * math.cos(t) + y * math.sin(t), y * math.cos(t) - x * math.sin(t)
  return x * view.scale + view.x, y * view.scale + view.y
end

local NAMES = { "depth", "tilt", "rotation", "scale", "x", "y" }
local many = { "number", "table", "tensor" }

-- The strokes of a view.
local function strokes(view, corners)
  local path, x, y = {}, seen(corners[1], view)
  for s = 2, #corners do
    local nx, ny = seen(corners[s], view)
    path[s - 1] = { x, y, nx, ny }
    x, y = nx, ny
  end
  return path
end

local CLIPS = schema.document("stimuli.paperclips", {
  positional = { "clips" },
  clips = { type = { "integer", "table" }, default = 1, min = 1, doc = "how many, or a list of their numbers" },
  size = { type = "integer", default = 128, min = 8, max = 4096, doc = "pixels on a side" },
  segments = { type = "integer", default = 7, min = 2, max = 64, doc = "straight pieces of wire" },
  depth = { type = many, default = 0, doc = "turn about the vertical axis, degrees" },
  tilt = { type = many, default = 0, doc = "then about the horizontal axis, degrees" },
  rotation = { type = many, default = 0, doc = "then in the picture's plane, degrees, anticlockwise" },
  scale = { type = many, default = 0.6,
    doc = "width or height seen from the front, whichever is larger, a fraction of the side" },
  x = { type = many, default = 0, doc = "centre to the right of the middle, a fraction of the side" },
  y = { type = many, default = 0, doc = "centre below the middle, a fraction of the side" },
  thickness = { type = "number", default = 0.04, above = 0, max = 0.5, doc = "of the wire, a fraction of `scale`" },
  luminance = { type = "number", default = 1, min = 0, max = 1, doc = "of the wire" },
  background = { type = "number", default = 0, min = 0, max = 1, doc = "luminance behind it" },
  seed = { type = "integer", doc = "of the clips' shapes; the experiment's if absent" },
})

local function numbers(o, position)
  if type(o.clips) == "number" then
    local list = {}
    for k = 1, o.clips do list[k] = k end
    return list
  end
  for i, k in ipairs(o.clips) do
    if math.type(k) ~= "integer" or k < 1 then
      errors.raise("argument", position, "stimuli.paperclips: clips[%d] is %s, expected a whole number from 1", i,
        tostring(k))
    end
  end
  if #o.clips == 0 then errors.raise("argument", position, "stimuli.paperclips: clips is empty") end
  return o.clips
end

--- stimuli.paperclips { clips, size = 128, segments = 7, depth = 0, tilt = 0, rotation = 0, scale = 0.6, x = 0, y =
-- 0, thickness = 0.04, luminance = 1, background = 0, seed = }: bent wires in three dimensions, orthographically
-- seen, with bends of 45 to 135 degrees (the "paperclips" of Bülthoff & Edelman 1992; Logothetis et al. 1995).
-- depth, tilt, rotation, scale, x and y are numbers or lists; the set holds every combination for every clip, y
-- varying fastest and the clip slowest; set.columns tells them apart, and set.columns.clip is the clip's number. Clip
-- k depends on the seed, k and segments alone.
-- > set = stimuli.paperclips { 2, size = 32, depth = arange(0, 330, 30) }
-- > #set, set.columns.clip[13]   --> 24 2
function M.paperclips(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.paperclips", "stimuli.paperclips { 10, size = 128 }", position, ...)
  if type(given) == "number" then given = { given } end
  local o = schema.check("stimuli.paperclips", given, CLIPS, position)
  o.clips = numbers(o, position)
  for _, row in ipairs(combinations.rows(o, { "scale" })) do
    if not (row[1] > 0 and row[1] <= 4) then
      errors.raise("argument", position, "stimuli.paperclips: scale is %s, expected a number above 0, at most 4",
        row[1])
    end
  end
  local corners, paths, widths, columns = {}, {}, {}, { clip = {} }
  local rows = combinations.rows(o, { "clips", table.unpack(NAMES) })
  for c, name in ipairs(NAMES) do columns[name] = combinations.column(rows, c + 1) end
  for i, row in ipairs(rows) do
    local k, view = row[1], {}
    corners[k] = corners[k] or clip(k, o.segments, o.seed or tensor.seed())
    for c, name in ipairs(NAMES) do view[name] = row[c + 1] end
    columns.clip[i], paths[i], widths[i] = k, strokes(view, corners[k]), o.thickness * view.scale
  end
  local x = lines.drawn(paths, widths, o.size) * (o.luminance - o.background) + o.background
  return require("lamina.stimuli").make { x = x:to("float32"):unsqueeze(2), columns = columns, name = "paperclips" }
end

return M
