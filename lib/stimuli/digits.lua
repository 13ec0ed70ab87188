--- lamina.stimuli.digits: the ten digits, drawn with strokes.
local combinations = require "lamina.stimuli.combinations"
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local strokes = require "lamina.stimuli.strokes"
local tensor = require "lamina.core.tensor"

local M = {}

-- Digits in a box 0.6 wide and 1 high about the middle, y down: lists of corners { x, y, ... }, and arcs { cx =, cy
-- =, rx =, ry =, from =, to = } in degrees, 0 to the right and 90 down.
local GLYPHS = {
  [0] = { { cx = 0, cy = 0, rx = 0.3, ry = 0.5, from = 0, to = 360 } },
  { { -0.15, -0.35, 0, -0.5, 0, 0.5 } },
  { { cx = 0, cy = -0.22, rx = 0.28, ry = 0.28, from = 180, to = 390 }, { 0.242, -0.08, -0.3, 0.5, 0.3, 0.5 } },
  { { cx = -0.02, cy = -0.26, rx = 0.26, ry = 0.24, from = 190, to = 450 },
    { cx = -0.02, cy = 0.24, rx = 0.3, ry = 0.26, from = 270, to = 530 } },
  { { 0.12, 0.5, 0.12, -0.5, -0.3, 0.2, 0.3, 0.2 } },
  { { 0.26, -0.5, -0.22, -0.5, -0.26, -0.05 }, { cx = -0.02, cy = 0.19, rx = 0.3, ry = 0.31, from = 220, to = 510 } },
  { { 0.2, -0.5, -0.22, 0.05 }, { cx = 0, cy = 0.22, rx = 0.28, ry = 0.28, from = 0, to = 360 } },
  { { -0.3, -0.5, 0.3, -0.5, -0.1, 0.5 } },
  { { cx = 0, cy = -0.26, rx = 0.24, ry = 0.24, from = 0, to = 360 },
    { cx = 0, cy = 0.24, rx = 0.3, ry = 0.26, from = 0, to = 360 } },
  { { 0.22, -0.05, -0.2, 0.5 }, { cx = 0, cy = -0.22, rx = 0.28, ry = 0.28, from = 0, to = 360 } },
}

local STEP <const> = 22.5 -- degrees of an arc that one stroke spans at most

-- The corners of a part of a glyph.
local function corners(part)
  if not part.cx then return part end
  local n, list = math.ceil((part.to - part.from) / STEP), {}
  for k = 0, n do
    local a = math.rad(part.from + (part.to - part.from) * k / n)
    list[2 * k + 1], list[2 * k + 2] = part.cx + part.rx * math.cos(a), part.cy + part.ry * math.sin(a)
  end
  return list
end

-- The strokes of a digit at a place, size and angle.
local function path_of(view)
  local angle, path = math.rad(view.rotation), {}
  local s, c = math.sin(angle) * view.scale, math.cos(angle) * view.scale
  local function at(x, y) return x * c + y * s + view.x, y * c - x * s + view.y end
  for _, part in ipairs(GLYPHS[view.digits]) do
    local list = corners(part)
    for i = 1, #list - 3, 2 do
      local x1, y1 = at(list[i], list[i + 1])
      local x2, y2 = at(list[i + 2], list[i + 3])
      path[#path + 1] = { x1, y1, x2, y2 }
    end
  end
  return path
end

local many = { "number", "table", "tensor" }
local NAMES = { "digits", "rotation", "scale", "thickness", "x", "y" }
local DIGITS = schema.document("stimuli.digits", {
  positional = { "digits" },
  digits = { type = many, default = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, doc = "which, a number or a list" },
  size = { type = "integer", default = 32, min = 4, max = 4096, doc = "pixels on a side" },
  rotation = { type = many, default = 0, doc = "degrees, anticlockwise" },
  scale = { type = many, default = 0.7, doc = "height, a fraction of the side" },
  thickness = { type = many, default = 0.12, doc = "of the strokes, a fraction of the height" },
  x = { type = many, default = 0, doc = "centre to the right of the middle, a fraction of the side" },
  y = { type = many, default = 0, doc = "centre below the middle, a fraction of the side" },
  luminance = { type = "number", default = 1, min = 0, max = 1, doc = "of the strokes" },
  background = { type = "number", default = 0, min = 0, max = 1, doc = "luminance behind them" },
})

local function check(o, rows, position)
  for _, row in ipairs(rows) do
    local digit, scale, thickness = math.tointeger(row[1]), row[3], row[4]
    if not digit or digit < 0 or digit > 9 then
      errors.raise("argument", position, "stimuli.digits: digits holds %s, expected 0 to 9", tostring(row[1]))
    end
    row[1] = digit
    for name, value in pairs { scale = scale, thickness = thickness } do
      if not (value > 0 and value <= 4) then
        errors.raise("argument", position, "stimuli.digits: %s is %s, expected a number above 0, at most 4", name,
          value)
      end
    end
  end
  return o
end

--- stimuli.digits { digits = { 0, ..., 9 }, size = 32, rotation = 0, scale = 0.7, thickness = 0.12, x = 0, y = 0,
-- luminance = 1, background = 0 }: digits drawn with strokes, one in each image, with labels y and `classes` (the
-- digits that are asked for, in that order). Each option of digits to y is a number or a list; the set holds every
-- combination, y varying fastest and the digit slowest, and set.columns tells them apart (set.columns.digit).
-- stimuli.scenes puts them on backgrounds.
-- > stimuli.digits({ digits = { 0, 1, 2 }, size = 32 }).classes   --> { "0", "1", "2" }
function M.digits(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.digits", "stimuli.digits { 100, size = 32 }", position, ...)
  if type(given) == "number" then given = { given } end
  local o = schema.check("stimuli.digits", given or {}, DIGITS, position)
  local rows, columns, classes, of = combinations.rows(o, NAMES), {}, {}, {}
  check(o, rows, position)
  local paths, widths, y = {}, {}, {}
  for i, row in ipairs(rows) do
    local view = {}
    for c, name in ipairs(NAMES) do view[name] = row[c] end
    paths[i], widths[i] = path_of(view), view.scale * view.thickness
    if not of[row[1]] then
      classes[#classes + 1] = tostring(row[1])
      of[row[1]] = #classes
    end
    y[i] = of[row[1]]
  end
  for c, name in ipairs(NAMES) do columns[name] = combinations.column(rows, c) end
  columns.digit, columns.digits = columns.digits, nil
  local x = strokes.drawn(paths, widths, o.size) * (o.luminance - o.background) + o.background
  return require("lamina.stimuli").make { x = x:to("float32"):unsqueeze(2), y = tensor.tensor(y, { dtype = "int64" }),
    classes = classes, columns = columns, name = "digits" }
end

return M
