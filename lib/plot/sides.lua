--- lamina.plot.sides: categories and pictures beside the axes of a matrix.
--
-- panel.sides = {n =, runs = {{first, last, color}, ...} (neighbours of one category), icons = {{at, rgb, rows,
-- columns}, ...} (at: the row in whose middle a picture stands), square = also below the x axis}. From the axes
-- outwards come the coloured strip, the pictures, and then what axes.lua draws.
local errors = require "lamina.errors"
local style = require "lamina.plot.style"
local tiles = require "lamina.plot.tiles"

local M = {}

local STRIP, GAP = 4, 2 -- width of the strip, room beside it and beside the pictures, points
local LARGEST = 15 -- no picture is drawn larger

-- Neighbours of one category, and a colour for each category in order of appearance.
local function runs_of(categories)
  local runs, colors, order = {}, {}, {}
  for i, name in ipairs(categories) do
    local last = runs[#runs]
    if not colors[name] then
      order[#order + 1] = name
      colors[name] = style.color(#order)
    end
    if last and last.name == name then last.last = i
    else runs[#runs + 1] = { first = i, last = i, name = name, color = colors[name] } end
  end
  return runs, order, colors
end

-- One picture for each run, from a table of pictures by category.
local function icons_by_category(icons, runs, at)
  local made, list, known = {}, {}, {}
  for _, run in ipairs(runs) do known[run.name] = true end
  for name in pairs(icons) do
    if not known[name] then
      errors.raise("argument", at, "plot.heatmap: icons has a picture for '%s', which is no category", tostring(name))
    end
  end
  for _, run in ipairs(runs) do
    if icons[run.name] ~= nil then
      made[run.name] = made[run.name] or tiles.picture(icons[run.name], "plot.heatmap: icons." .. run.name, at)
      local icon = made[run.name]
      list[#list + 1] = { at = (run.first + run.last) / 2, rgb = icon.rgb, rows = icon.rows, columns = icon.columns }
    end
  end
  return list
end

local function icons_by_row(icons, n, at)
  local pictures, list = tiles.nested(icons, "plot.heatmap: icons", at), {}
  if #pictures ~= n then
    errors.raise("shape", at, "plot.heatmap: icons has %d pictures, expected %d, one for each row%s", #pictures, n,
      #pictures == 0 and " (or one for each category by its name, with categories)" or "")
  end
  for i, value in ipairs(pictures) do
    list[i] = tiles.picture(value, "plot.heatmap: icons[" .. i .. "]", at)
    list[i].at = i
  end
  return list
end

--- Gives a panel of a matrix of n x m cells its sides, with legend and lines between categories, from the options
-- categories and icons.
function M.add(panel, options, n, m, at)
  local categories, icons = options.categories, options.icons
  if not categories and icons == nil then return end
  local made = { n = n, square = n == m, runs = {}, icons = {} }
  local order, colors
  if categories then
    if n ~= m then
      errors.raise("shape", at, "plot.heatmap: categories are for a square matrix, this one has %d x %d cells", n, m)
    end
    if #categories ~= n then
      errors.raise("shape", at, "plot.heatmap: categories has %d entries, expected %d, one for each row",
        #categories, n)
    end
    local names = {}
    for i, name in ipairs(categories) do names[i] = tostring(name) end
    made.runs, order, colors = runs_of(names)
    local dividers = {}
    for k = 2, #made.runs do dividers[k - 1] = made.runs[k].first - 0.5 end
    panel.marks[#panel.marks + 1] = { kind = "dividers", at = dividers }
    for _, name in ipairs(order) do
      panel.marks[#panel.marks + 1] = { kind = "patch", label = name, color = colors[name] }
    end
    panel.legend = true
  end
  if type(icons) == "table" and #icons == 0 and categories then made.icons = icons_by_category(icons, made.runs, at)
  elseif icons ~= nil then made.icons = icons_by_row(icons, n, at) end
  panel.sides = made
  panel.hidden = { x = made.square and not panel.xcategories, y = not panel.ycategories }
end

-- How many rows lie between the two pictures that are nearest to each other.
local function nearest_of(made)
  local nearest = made.n
  for k = 2, #made.icons do nearest = math.min(nearest, made.icons[k].at - made.icons[k - 1].at) end
  return nearest
end

--- The room that the sides of a panel take beside its axes, in points: {x =, y =, icon = size of a picture}.
function M.measure(panel, width)
  local made = panel.sides
  if not made then return { x = 0, y = 0 } end
  local strip = #made.runs > 0 and STRIP + GAP or 0
  local icon = #made.icons > 0 and math.min(LARGEST, 0.68 * width * nearest_of(made) / made.n) or 0
  local room = strip + (icon > 0 and icon + GAP or 0)
  return { x = made.square and room or 0, y = room, icon = icon, strip = strip }
end

-- A picture of the given size in its middle, its aspect kept.
local function draw_icon(canvas, icon, x, y, size)
  local longest = math.max(icon.rows, icon.columns)
  local w, h = size * icon.columns / longest, size * icon.rows / longest
  canvas:image(icon.rgb, icon.rows, icon.columns, x - w / 2, y - h / 2, w, h)
end

--- Draws the sides; box as in axes.lua, room from M.measure.
function M.draw(canvas, panel, box, room)
  local made = panel.sides
  if not made then return end
  for _, run in ipairs(made.runs) do
    canvas:color(run.color[1], run.color[2], run.color[3])
    local top, bottom = box.y(run.first - 0.5), box.y(run.last + 0.5)
    canvas:rectangle(box.left - GAP - STRIP, top, STRIP, bottom - top):fill()
    if made.square then
      local left, right = box.x(run.first - 0.5), box.x(run.last + 0.5)
      canvas:rectangle(left, box.bottom + GAP, right - left, STRIP):fill()
    end
  end
  local off = room.strip + GAP + room.icon / 2
  local size = math.min(room.icon, nearest_of(made) * math.abs(box.y(2) - box.y(1))) -- none lies over another
  for _, icon in ipairs(made.icons) do
    draw_icon(canvas, icon, box.left - off, box.y(icon.at), size)
    if made.square then draw_icon(canvas, icon, box.x(icon.at), box.bottom + off, size) end
  end
end

return M
