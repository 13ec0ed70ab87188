--- lamina.stimuli.illusory: Kanizsa figures and their controls.
local combinations = require "lamina.stimuli.combinations"
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local many = { "number", "table", "tensor" }
local KINDS = { "illusory", "rotated", "discs", "real" }
local FIELDS = schema.document("stimuli.kanizsa", {
  kind = { type = { "string", "table" }, default = "illusory", choices = KINDS, doc = "\"illusory\" (sectors cut out "
    .. "towards the figure), \"rotated\" (the same sectors turned outwards), \"discs\" (whole), \"real\" (discs, and "
    .. "the figure drawn over them in the sectors' luminance with an outline); or a list" },
  corners = { type = "integer", default = 4, min = 3, max = 12, doc = "of the figure: 3 a triangle, 4 a square" },
  size = { type = "integer", default = 64, min = 8, max = 4096, doc = "pixels on a side" },
  side = { type = many, default = 0.5, doc = "length of the figure's sides, a fraction of the image's" },
  support = { type = many, default = 0.5, doc = "the share of each side that inducers cover, 0 to 1" },
  rotation = { type = many, default = 0, doc = "of the whole, degrees, anticlockwise" },
  contrast = { type = many, default = -1, doc = "-1 to 1: of the inducers; below 0 they are dark" },
  line = { type = "number", default = 0.02, above = 0, max = 0.2, doc = "width of the outline of \"real\"" },
  mean = { type = many, default = 0.5, doc = "luminance of the background" },
  x = { type = many, default = 0, doc = "centre to the right of the middle" },
  y = { type = many, default = 0, doc = "centre below the middle" },
})
local NAMES = { "side", "support", "rotation", "contrast", "mean", "x", "y" }

local function column(list) return tensor.tensor(list, { dtype = "float64" }):reshape { #list, 1, 1 } end

-- Signed distance to the polygon's border along its nearest side (positive inside) of places (dx, dy) from its
-- middle.
local function inside(dx, dy, v, corners)
  local apothem, nearest = v.side / (2 * math.tan(math.pi / corners)), nil
  for k = 1, corners do -- outward normals; the first side lies below, so that a square stands upright
    local a = math.pi / 2 + 2 * math.pi * (k - 1) / corners - v.rotation * (math.pi / 180)
    local d = apothem - (dx * a:cos() + dy * a:sin())
    nearest = nearest and nearest:minimum(d) or d
  end
  return nearest
end

local function drawn(kind, v, o, dx, dy)
  local function covered(d) return (d * o.size + 0.5):clamp(0, 1) end
  local radius = v.side * v.support / 2
  local out, far = nil, v.side / (2 * math.sin(math.pi / o.corners))
  for k = 1, o.corners do
    local a = math.pi / 2 + math.pi * (2 * k - 1) / o.corners - v.rotation * (math.pi / 180)
    local cx, cy = far * a:cos(), far * a:sin()
    local disc = covered(radius - ((dx - cx):square() + (dy - cy):square()):sqrt())
    if kind == "illusory" or kind == "real" then disc = disc * (1 - covered(inside(dx, dy, v, o.corners))) end
    if kind == "rotated" then disc = disc * (1 - covered(inside(cx * 2 - dx, cy * 2 - dy, v, o.corners))) end
    out = out and out:maximum(disc) or disc
  end
  if kind == "real" then
    local edge = inside(dx, dy, v, o.corners):abs()
    out = out:maximum((o.line / 2 * o.size - edge * o.size + 0.5):clamp(0, math.min(1, o.line * o.size)))
  end
  return v.mean * (v.contrast * out + 1)
end

local function check_ranges(o, position)
  local limits = { side = { 0, 2 }, support = { 0, 1 }, contrast = { -1, 1 }, mean = { 0, 1 } }
  for _, name in ipairs { "side", "support", "contrast", "mean" } do
    for _, row in ipairs(combinations.rows(o, { name })) do
      local low, high = table.unpack(limits[name])
      if not (type(row[1]) == "number" and row[1] >= low and row[1] <= high) then
        errors.raise("argument", position, "stimuli.kanizsa: %s is %s, expected %g to %g", name, tostring(row[1]),
          low, high)
      end
    end
  end
  for _, kind in ipairs(o.kind) do
    local known = false
    for _, name in ipairs(KINDS) do known = known or kind == name end
    if not known then
      errors.raise("argument", position, "stimuli.kanizsa: kind is '%s', expected one of '%s'%s", tostring(kind),
        table.concat(KINDS, "', '"), errors.hint(tostring(kind), KINDS))
    end
  end
end

--- stimuli.kanizsa { kind = "illusory", corners = 4, size = 64, side = 0.5, support = 0.5, rotation = 0, contrast =
-- -1, mean = 0.5, x = 0, y = 0 }: Kanizsa figures (Kanizsa 1955): discs at the corners of a square (or triangle, ...)
-- with sectors cut out, so that a figure with contours is seen where nothing is drawn; and controls without it:
-- "rotated", the same sectors facing outwards, "discs", and "real", the figure with a drawn outline. Places and
-- lengths are fractions of the image's side. kind and the options from side on, but for `line`, may be lists; the set
-- holds every combination, y varying fastest and kind slowest. Labels y are the kinds, `classes` their names.
-- > set = stimuli.kanizsa { kind = { "illusory", "rotated" }, size = 32, rotation = { 0, 45 } }
-- > set.classes, set.y   --> { "illusory", "rotated" } [1 1 2 2]
function M.kanizsa(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.kanizsa", "stimuli.kanizsa { kind = \"illusory\" }", position, ...)
  if type(given) == "string" then given = { kind = given } end
  local o = schema.check("stimuli.kanizsa", given or {}, FIELDS, position)
  if type(o.kind) == "string" then o.kind = { o.kind } end
  check_ranges(o, position)
  local rows, columns, v = combinations.rows(o, NAMES), { kind = {} }, {}
  for c, name in ipairs(NAMES) do
    columns[name] = {}
    v[name] = column(combinations.column(rows, c))
  end
  local places = (tensor.arange(1, o.size, { dtype = "float64" }) - 0.5) / o.size - 0.5
  local dx, dy = places:reshape { 1, 1, -1 } - v.x, places:reshape { 1, -1, 1 } - v.y
  local parts, y = {}, {}
  for k, kind in ipairs(o.kind) do
    parts[k] = drawn(kind, v, o, dx, dy):to "float32"
    for _, row in ipairs(rows) do
      y[#y + 1] = k
      table.insert(columns.kind, kind)
      for c, name in ipairs(NAMES) do table.insert(columns[name], row[c]) end
    end
  end
  return require("lamina.stimuli").make { x = require("lamina.core.ops").concat(parts, { dim = 1 }):unsqueeze(2),
    y = tensor.tensor(y, { dtype = "int64" }), classes = o.kind, columns = columns, name = "Kanizsa figures" }
end

return M
