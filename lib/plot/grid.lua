--- lamina.plot.grid: a panel of many small images, such as the filters of a layer.
--
-- A panel of kind "grid": {tiles = {{rgb, rows, columns, title}, ...}, across = tiles in a row, title, note,
-- colorbar}. Tiles are all of one size and keep their aspect; cells keep sharp edges.
local axes = require "lamina.plot.axes"
local scale = require "lamina.plot.scale"
local style = require "lamina.plot.style"

local M = {}

local GAP, LEADING = 3, 1.25
local LARGEST = 26 * style.mm -- no tile is drawn wider than this
local BAR_HEIGHT, BAR_ROOM = 5, 18
local LETTER = 12 -- the room of a panel's letter before its title

-- The size of one tile and of the whole, in points, for a panel `width` points wide.
local function arrange(panel, width)
  local across = math.min(panel.across, #panel.tiles)
  local first = panel.tiles[1]
  local w = math.min(LARGEST, (width - 4 - (across - 1) * GAP) / across)
  local h = w * first.rows / first.columns
  local titles = 0
  for _, tile in ipairs(panel.tiles) do
    if tile.title then titles = 1.3 * style.size.note end
  end
  local down = (#panel.tiles + across - 1) // across
  return { across = across, down = down, width = w, height = h, titles = titles,
    total_width = across * w + (across - 1) * GAP, total_height = down * (h + titles) + (down - 1) * GAP }
end

local function title_lines(canvas, panel, width)
  if not panel.title then return {} end
  return axes.wrap(canvas, panel.title, style.size.title, width - (panel.letter and LETTER or 0) - 4, true)
end

-- The height of the title, or of the panel's letter where that stands alone.
local function heading(lines, panel)
  if #lines > 0 then return #lines * LEADING * style.size.title + 2 end
  return panel.letter and LEADING * style.size.letter or 0
end

--- The height in points that the panel takes at a width.
function M.height(canvas, panel, width)
  local at, lines = arrange(panel, width), title_lines(canvas, panel, width)
  return at.total_height + 8 + heading(lines, panel) +
    (panel.note and LEADING * style.size.note + 3 or 0) + (panel.colorbar and BAR_ROOM or 0)
end

local function draw_bar(canvas, bar, x, y, width)
  local map, bytes = style.map(bar.map), {}
  for i = 0, 255 do bytes[#bytes + 1] = map[i] end
  canvas:image(table.concat(bytes), 1, 256, x, y, width, BAR_HEIGHT)
  local made = scale.new(bar.low, bar.high, { limits = { bar.low, bar.high }, count = math.max(2, width // 40) })
  canvas:color(0, 0, 0):pen(style.width.axis)
  for i, tick in ipairs(made.ticks) do
    local at = x + scale.at(made, tick) * width
    canvas:move_to(at, y + BAR_HEIGHT):line_to(at, y + BAR_HEIGHT + 2):stroke()
    canvas:text(at, y + BAR_HEIGHT + 4, made.labels[i], style.size.tick, 0.5, 1)
  end
  if made.note then canvas:text(x + width + 12, y + BAR_HEIGHT + 4, made.note, style.size.tick, 0, 1) end
end

--- Draws the panel into outer = {x, y, width, height} in points.
function M.draw(canvas, panel, outer)
  local at = arrange(panel, outer.width)
  local x0, y = outer.x + (outer.width - at.total_width) / 2, outer.y + 4
  canvas:color(0, 0, 0)
  local lines = title_lines(canvas, panel, outer.width)
  local title_x = panel.letter and math.max(x0, outer.x + LETTER) or x0
  for i, line in ipairs(lines) do
    local top = y + (i - 1) * LEADING * style.size.title
    canvas:text(title_x, top, line, style.size.title, 0, 1, 0, true)
  end
  y = y + heading(lines, panel)
  for i, tile in ipairs(panel.tiles) do
    local column, row = (i - 1) % at.across, (i - 1) // at.across
    local x = x0 + column * (at.width + GAP)
    local top = y + row * (at.height + at.titles + GAP)
    if tile.title then
      canvas:color(0, 0, 0)
      local shown = axes.fit(canvas, tile.title, style.size.note, at.width)
      canvas:text(x + at.width / 2, top, shown, style.size.note, 0.5, 1)
    end
    canvas:image(tile.rgb, tile.rows, tile.columns, x, top + at.titles, at.width, at.height)
  end
  y = y + at.total_height + 4
  canvas:color(0, 0, 0)
  if panel.colorbar then
    local length = math.min(math.max(60, at.total_width - 30), outer.width - 34)
    draw_bar(canvas, panel.colorbar, x0 + 8, y, length)
    y = y + BAR_ROOM
  end
  if panel.note then canvas:text(x0, y + 1, panel.note, style.size.note, 0, 1) end
end

return M
