--- lamina.plot.fields: contour lines of a matrix, and arrows.
local errors = require "lamina.errors"
local field_marks = require "lamina.plot.field_marks"
local figure = require "lamina.plot.figure"
local scale = require "lamina.plot.scale"
local schema = require "lamina.schema"
local style = require "lamina.plot.style"
local tiles = require "lamina.plot.tiles"
local words = require "lamina.plot.words"

local M = {}

-- ---- contour lines -----------------------------------------------------------------------------------------------

local CONTOUR = schema.document("plot.contour", words.fields {
  positional = { "values" },
  values = { type = "any", doc = "rows x columns" },
  x = { type = "any", doc = "the position of each column, rising; default 1, 2, 3, ..." },
  y = { type = "any", doc = "the position of each row, rising, drawn upwards; default 1, 2, ... downwards" },
  levels = { type = "any", doc = "values at which lines are drawn, or how many; default: about 7 round ones" },
  map = { type = "string", choices = style.maps, doc = "default: signed where values have both signs, else ink" },
  label = { type = "string", doc = "quantity and unit of the colour bar" },
  aspect = { type = "number", min = 0.05, max = 20, doc = "height over width of the axes; default: the data's" },
})

local function positions(given, n, what, at)
  local list = words.numbers(given, what, at)
  if not list then
    list = {}
    for i = 1, n do list[i] = i end
    return list
  end
  words.same_length(list, n, what, at)
  for i = 1, n do
    if not scale.finite(list[i]) or i > 1 and list[i] <= list[i - 1] then
      errors.raise("argument", at, "%s[%d] is %s, expected rising finite numbers", what, i, list[i])
    end
  end
  return list
end

local function levels_of(given, low, high, at)
  local count = 7
  if type(given) == "number" then
    count = math.tointeger(given)
    if not count or count < 1 or count > 100 then
      errors.raise("argument", at, "plot.contour: levels is %s, expected a count from 1 to 100, or a list", given)
    end
  elseif given ~= nil then
    local list = words.numbers(given, "plot.contour: levels", at)
    if #list == 0 then errors.raise("argument", at, "plot.contour: levels is an empty list") end
    for i, v in ipairs(list) do
      if not scale.finite(v) then errors.raise("argument", at, "plot.contour: levels[%d] is %s", i, v) end
    end
    return list
  end
  if high <= low then
    errors.raise("argument", at, "plot.contour: every value is %s, there is no contour", low)
  end
  local list = {}
  for _, tick in ipairs(scale.new(low, high, { pad = 0, count = count + 1 }).ticks) do
    if tick > low and tick < high then list[#list + 1] = tick end
  end
  if #list == 0 then list[1] = (low + high) / 2 end
  return list
end

-- Which sides of a cell the line crosses, by the corners above the level (1 upper left, 2 upper right, 4 lower right,
-- 8 lower left): pairs of top 1, right 2, bottom 3, left 4. A saddle (5, 10) is joined by the cell's mean.
local SIDES = { [1] = { 4, 1 }, [2] = { 1, 2 }, [3] = { 4, 2 }, [4] = { 2, 3 }, [6] = { 1, 3 }, [7] = { 4, 3 },
  [8] = { 3, 4 }, [9] = { 3, 1 }, [11] = { 3, 2 }, [12] = { 2, 4 }, [13] = { 2, 1 }, [14] = { 1, 4 } }
local SADDLES = { [5] = { [true] = { 4, 3, 2, 1 }, [false] = { 4, 1, 2, 3 } },
  [10] = { [true] = { 1, 4, 3, 2 }, [false] = { 1, 2, 3, 4 } } }

-- The segments of one level, marching over the cells of the matrix; cells with a NaN are left out.
local function march(rows, x, y, level)
  local segments = {}
  for i = 1, #rows - 1 do
    for j = 1, #rows[1] - 1 do
      local a, b, c, d = rows[i][j], rows[i][j + 1], rows[i + 1][j + 1], rows[i + 1][j]
      local above = (a >= level and 1 or 0) + (b >= level and 2 or 0) + (c >= level and 4 or 0)
        + (d >= level and 8 or 0)
      local sides = SIDES[above] or SADDLES[above] and SADDLES[above][(a + b + c + d) / 4 >= level]
      if sides and a == a and b == b and c == c and d == d then
        local function along(from, to, p, q) return from + (to - from) * (level - p) / (q - p) end
        local function point(side)
          if side == 1 then return along(x[j], x[j + 1], a, b), y[i] end
          if side == 2 then return x[j + 1], along(y[i], y[i + 1], b, c) end
          if side == 3 then return along(x[j], x[j + 1], d, c), y[i + 1] end
          return x[j], along(y[i], y[i + 1], a, d)
        end
        for k = 1, #sides, 2 do
          local x0, y0 = point(sides[k])
          local x1, y1 = point(sides[k + 1])
          segments[#segments + 1] = { x0, y0, x1, y1 }
        end
      end
    end
  end
  return segments
end

-- The colour of a level; grey where that would be lost on white, as the signed map's is at 0.
local function line_color(map, level, from, to)
  local bytes = style.shade(style.map(map), level, from, to)
  local c = { bytes:byte(1) / 255, bytes:byte(2) / 255, bytes:byte(3) / 255 }
  return c[1] + c[2] + c[3] > 2.55 and style.grey or c
end

--- Contour lines of a matrix, coloured by their level: plot.contour { matrix, x =, y = (positions of columns and
-- rows), levels = (a list, or how many), map =, label = (of the colour bar), title, xlabel, ylabel, aspect, width }.
-- Lines are straight within a cell (marching squares), and grey where their colour is near white. Without y row 1 is
-- at the top, as in plot.heatmap; with y the axis points upwards. The CSV holds every segment. Returns a figure.
-- > x, y = table.unpack(meshgrid({ linspace(-2, 2, 21), linspace(-2, 2, 21) }, "xy"))
-- > fig = plot.contour { (-(x:square() + y:square())):exp(), levels = 5, label = "response" }
-- > fig:save "field.svg"
function M.contour(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.contour", "plot.contour { matrix, levels = 5, title = \"...\" }", at, ...)
  if type(spec) == "userdata" or type(spec) == "table" and tiles.depth(spec) == 2 then spec = { spec } end
  local options = schema.check("plot.contour", spec, CONTOUR, at)
  local rows = tiles.nested(options.values, "plot.contour: values", at)
  words.matrix(rows, "plot.contour", at)
  if #rows < 2 or #rows[1] < 2 then
    errors.raise("shape", at, "plot.contour: the matrix is %d x %d, expected at least 2 x 2", #rows, #rows[1])
  end
  local x = positions(options.x, #rows[1], "plot.contour: x", at)
  local y = positions(options.y, #rows, "plot.contour: y", at)
  local low, high = tiles.range_of(rows)
  if not low then errors.raise("argument", at, "plot.contour: no value is finite") end
  local levels = levels_of(options.levels, low, high, at)
  local map = options.map or (low < 0 and high > 0 and "signed" or "ink")
  local from, to = tiles.color_range(map, low, high)
  local marks, lines = {}, { { "level", "x0", "y0", "x1", "y1" } }
  for k, level in ipairs(levels) do
    marks[k] = { kind = "contour", segments = march(rows, x, y, level), color = line_color(map, level, from, to) }
    for _, s in ipairs(marks[k].segments) do lines[#lines + 1] = { level, s[1], s[2], s[3], s[4] } end
  end
  local aspect = options.aspect or math.min(3, math.max(0.2, (y[#y] - y[1]) / (x[#x] - x[1])))
  local panel = { title = options.title, xlabel = options.xlabel, ylabel = options.ylabel, aspect = aspect,
    downwards = options.y == nil, xscale = { limits = options.xlim or { x[1], x[#x] } },
    yscale = { limits = options.ylim or { y[1], y[#y] } }, marks = marks,
    colorbar = { map = map, low = from, high = to, label = options.label } }
  return figure.new { panels = { panel }, width = options.width, table = lines, name = "plot.contour" }
end

-- ---- arrows ------------------------------------------------------------------------------------------------------

local QUIVER = schema.document("plot.quiver", words.fields {
  x = { type = "any", required = true, doc = "where each arrow begins" },
  y = { type = "any", required = true, doc = "where each arrow begins, upwards" },
  u = { type = "any", required = true, doc = "its part along x" },
  v = { type = "any", required = true, doc = "its part along y" },
  scale = { type = "number", above = 0, doc = "length on the axes of an arrow of length 1; default: the longest just "
    .. "reaches its nearest neighbour" },
  unit = { type = "string", doc = "unit of u and v, for the legend, which shows the longest arrow's length" },
  color = { type = "any", doc = "a number for each arrow, shown by its colour, with a colour bar" },
  map = { type = "string", choices = style.maps, default = "ink", doc = "the colour map of `color`" },
  label = { type = "string", doc = "quantity and unit of the colour bar" },
  aspect = { type = "number", min = 0.05, max = 20,
    doc = "height over width of the axes; default: one scale for both" },
})

-- The longest arrow, and the distance of the two nearest beginnings.
local function lengths(x, y, u, v)
  local longest, nearest, points = 0, math.huge, {}
  for i = 1, #x do
    if scale.finite(u[i]) and scale.finite(v[i]) then longest = math.max(longest, math.sqrt(u[i] ^ 2 + v[i] ^ 2)) end
    points[i] = { x[i], y[i] }
  end
  table.sort(points, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  for i, p in ipairs(points) do
    for k = i + 1, #points do
      local q = points[k]
      if q[1] - p[1] >= nearest then break end
      local d = math.sqrt((q[1] - p[1]) ^ 2 + (q[2] - p[2]) ^ 2)
      if d > 0 then nearest = math.min(nearest, d) end
    end
  end
  return longest, nearest < math.huge and nearest or 1
end

-- Height over width of axes on which both directions have one scale.
local function shape_of(mark, options)
  local range = field_marks.arrows.extent(mark)
  local function span(axis, limits)
    limits = limits or {}
    return (limits[2] or range[axis].high or 1) - (limits[1] or range[axis].low or 0)
  end
  local across, up = span("x", options.xlim), span("y", options.ylim)
  return across > 0 and up > 0 and math.min(3, math.max(0.2, up / across)) or nil
end

local function shades(values, map)
  local low, high = math.huge, -math.huge
  for _, v in ipairs(values) do
    if scale.finite(v) then low, high = math.min(low, v), math.max(high, v) end
  end
  if low > high then low, high = 0, 1 end
  low, high = tiles.color_range(map, low, high)
  local colors = {}
  for i, v in ipairs(values) do
    local bytes = style.shade(style.map(map), v, low, high)
    colors[i] = { bytes:byte(1) / 255, bytes:byte(2) / 255, bytes:byte(3) / 255 }
  end
  return colors, low, high
end

--- Arrows from (x, y) along (u, v): plot.quiver { x =, y =, u =, v =, scale =, unit =, color = (a number for each),
-- map =, label =, title, xlabel, ylabel, xlim, ylim, aspect, width }: optic flow, motion, shifts of gain. An arrow of
-- length 1 is `scale` long on the axes, and the legend says how long the longest is. NaN draws none. Returns a
-- figure.
-- > x, y = table.unpack(meshgrid({ linspace(-1, 1, 5), linspace(-1, 1, 5) }, "xy"))
-- > fig = plot.quiver { x = x:flatten(), y = y:flatten(), u = x:flatten(), v = y:flatten() }   -- expansion
-- > fig:save "flow.svg"
function M.quiver(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.quiver", "plot.quiver { x = x, y = y, u = u, v = v }", at, ...)
  local options = schema.check("plot.quiver", spec, QUIVER, at)
  local lists = {}
  for _, name in ipairs { "x", "y", "u", "v", "color" } do
    local list = options[name]
    if list ~= nil and type(list) == "userdata" and list.ndim and list.ndim > 1 then list = list:reshape { -1 } end
    lists[name] = words.numbers(list, "plot.quiver: " .. name, at)
    words.same_length(lists[name], #lists.x, "plot.quiver: " .. name, at)
  end
  local x, y, u, v = lists.x, lists.y, lists.u, lists.v
  for i = 1, #x do
    if not (scale.finite(x[i]) and scale.finite(y[i])) then
      errors.raise("argument", at, "plot.quiver: arrow %d begins at (%s, %s)", i, x[i], y[i])
    end
  end
  if #x == 0 then errors.raise("argument", at, "plot.quiver: there are no arrows") end
  local longest, nearest = lengths(x, y, u, v)
  local size = options.scale or (longest > 0 and nearest / longest or 1)
  local mark = { kind = "arrows", x = x, y = y, u = u, v = v, scale = size, color = style.color(1),
    label = longest > 0 and "longest: " .. scale.short(longest) .. (options.unit and " " .. options.unit or "")
      or nil }
  local panel = { title = options.title, xlabel = options.xlabel, ylabel = options.ylabel, marks = { mark },
    legend = true, xscale = { limits = options.xlim }, yscale = { limits = options.ylim }, height = options.height }
  if lists.color then
    local low, high
    mark.colors, low, high = shades(lists.color, options.map)
    mark.color = style.axis
    panel.colorbar = { map = options.map, low = low, high = high, label = options.label }
  end
  local rows = { { "x", "y", "u", "v", "color" } }
  for i = 1, #x do rows[i + 1] = { x[i], y[i], u[i], v[i], lists.color and lists.color[i] or "" } end
  panel.aspect = options.aspect or not options.height and shape_of(mark, options) or nil
  return figure.new { panels = { panel }, width = options.width, table = rows, name = "plot.quiver" }
end

return M
