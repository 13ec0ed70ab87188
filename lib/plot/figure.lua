--- lamina.plot.figure: panels on a page, saved as SVG, PDF or PNG with their numbers as CSV beside them.
--
-- A figure holds descriptions, not drawings: every save lays it out anew, so one figure can be saved in several
-- formats. The CSV is the record of what was plotted; pictures depend on the fonts of the machine, the CSV does not.
local axes = require "lamina.plot.axes"
local errors = require "lamina.errors"
local grid = require "lamina.plot.grid"
local style = require "lamina.plot.style"

local M = {}

local Figure = {}
Figure.__index = Figure
Figure.__name = "figure"

local FORMATS = { svg = true, pdf = true, png = true }
local PNG_SCALE = 200 / 72 -- 200 dots per inch
local EDGE, COLUMN_GAP, ROW_GAP = 2, 4, 4 -- points

--- A figure of panels.
-- spec: panels (list; a panel of kind "nested" holds a whole figure), columns (panels side by side, default 1),
-- shares (of the width, one for each column; default equal), width in mm (default 85), title over all panels, table =
-- {header, row, ...} for the CSV, name (what printing shows).
function M.new(spec)
  return setmetatable({ panels = spec.panels, columns = spec.columns or 1, shares = spec.shares,
    width = spec.width or 85, title = spec.title, table = spec.table, name = spec.name }, Figure)
end

--- Whether value is a figure.
function M.is(value) return getmetatable(value) == Figure end

local page

-- The cells of a nested figure, which stands to the right of its letter.
local function nested(canvas, panel, x, y, width)
  local inset = panel.letter and 1.25 * style.size.letter or 0
  return page(canvas, panel.figure, x + inset, y, width - inset)
end

-- The height of axes that name none: that of a figure of one column, less where the panel is narrow.
local function usual_height(width) return math.min(58 * style.mm, math.max(34 * style.mm, 0.85 * width)) end

-- The height of a panel in points. Axes of a fixed shape get just the height that their width asks for; with `inner`
-- (mm) the axes have that height and the text comes on top of it.
local function panel_height(canvas, panel, width)
  if panel.kind == "nested" then
    local _, height = nested(canvas, panel, 0, 0, width)
    return height
  end
  if panel.kind == "grid" then return grid.height(canvas, panel, width) end
  if panel.inner then
    local layout = axes.measure(canvas, panel, width, panel.inner * style.mm + 50)
    return layout.top + layout.bottom + panel.inner * style.mm
  end
  if not panel.aspect then return panel.height and panel.height * style.mm or usual_height(width) end
  local layout = axes.measure(canvas, panel, width, width * panel.aspect)
  return layout.top + layout.bottom + layout.inner * panel.aspect
end

-- Where columns begin and how wide they are, in points from 0, by the figure's shares of `width`.
local function columns_of(fig, width)
  local starts, widths, sum, at = {}, {}, 0, 0
  for k = 1, fig.columns do sum = sum + (fig.shares and fig.shares[k] or 1) end
  for k = 1, fig.columns do
    local whole = width * (fig.shares and fig.shares[k] or 1) / sum
    local gap = k > 1 and COLUMN_GAP or 0
    starts[k], widths[k] = at + gap, whole - gap
    at = at + whole
  end
  return starts, widths
end

-- Cells {x, y, width, height, panel} of a figure whose corner is at (x, y), and the height of the whole, in points.
function page(canvas, fig, x, top, width)
  local starts, widths = columns_of(fig, width)
  local cells, y = {}, top + (fig.title and 1.6 * style.size.title or 0)
  for first = 1, #fig.panels, fig.columns do
    local last, height = math.min(first + fig.columns - 1, #fig.panels), 0
    for i = first, last do
      local column = i - first + 1
      cells[i] = { x = x + starts[column], y = y, panel = fig.panels[i], column = column, row = first,
        width = widths[column] }
      height = math.max(height, panel_height(canvas, fig.panels[i], cells[i].width))
    end
    for i = first, last do cells[i].height = height end
    y = y + height + ROW_GAP
  end
  return cells, y - top - ROW_GAP
end

-- Axes stand in line: panels of a column share their left and right margins, panels of a row top and bottom.
local function align(cells)
  local margin = {}
  local function widest(key, layout, side)
    margin[key .. side] = math.max(margin[key .. side] or 0, layout[side])
  end
  for _, cell in ipairs(cells) do
    if cell.layout and not cell.panel.rim then
      for _, side in ipairs { "left", "right" } do widest("c" .. cell.column, cell.layout, side) end
      for _, side in ipairs { "top", "bottom" } do widest("r" .. cell.row, cell.layout, side) end
    end
  end
  for _, cell in ipairs(cells) do
    if cell.layout and not cell.panel.rim then
      for _, side in ipairs { "left", "right" } do cell.layout[side] = margin["c" .. cell.column .. side] end
      for _, side in ipairs { "top", "bottom" } do cell.layout[side] = margin["r" .. cell.row .. side] end
    end
  end
end

-- Draws the cells of a figure and its title above the first.
local function paint(canvas, fig, cells)
  if fig.title then
    canvas:text(cells[1].x + 2, cells[1].y - 1.6 * style.size.title + 2, fig.title, style.size.title, 0, 1, 0, true)
  end
  for _, cell in ipairs(cells) do
    if not cell.panel.kind then cell.layout = axes.measure(canvas, cell.panel, cell.width, cell.height) end
  end
  align(cells)
  for _, cell in ipairs(cells) do
    if cell.layout then axes.draw(canvas, cell.panel, cell.layout, cell)
    elseif cell.panel.kind == "grid" then grid.draw(canvas, cell.panel, cell)
    else paint(canvas, cell.panel.figure, (nested(canvas, cell.panel, cell.x, cell.y, cell.width))) end
    if cell.panel.letter then
      canvas:color(0, 0, 0)
      canvas:text(cell.x, cell.y + 4, cell.panel.letter, style.size.letter, 0, 1, 0, true)
    end
  end
end

local function draw(fig, path, format)
  local canvas_of = require "lamina.core.figure".canvas
  local width = fig.width * style.mm
  local scratch <close> = canvas_of("svg", 10, 10) -- for measuring text before the size of the page is known
  local cells, height = page(scratch, fig, EDGE, EDGE, width - 2 * EDGE)
  local canvas <close> = canvas_of(format, width, height + 2 * EDGE + 2, PNG_SCALE)
  paint(canvas, fig, cells)
  canvas:save(path)
end

--- Draws a figure into a file, without its CSV; format is svg, pdf or png.
M.draw = draw

local written = setmetatable({}, { __mode = "k" }) -- figure -> where it was saved last

--- The file that a figure was saved in last; nil where it has not been, or where that file is gone.
function M.saved(fig)
  local path = written[fig]
  return path and require("lamina.core.base").exists(path) and path or nil
end

--- fig:save(path): writes the figure and, beside it, a CSV of the plotted numbers under the same name.
-- path: its ending is the format: .svg, .pdf or .png (200 dots per inch). A relative path belongs to the results
-- folder of the experiment, or to the working folder where there is none. Returns the figure.
-- > plot.line({ arange(1, 10), arange(1, 10):square() }):save "squares.svg"
function Figure:save(path)
  local at = errors.position(2)
  if type(path) ~= "string" then
    errors.raise("argument", at, "save: path is a %s, expected a name such as \"learning.svg\"", type(path))
  end
  local stem, ending = path:match "^(.*)%.([^./]+)$"
  local format = ending and ending:lower()
  if not FORMATS[format] then
    errors.raise("argument", at, "save: '%s' should end in .svg, .pdf or .png, which chooses the format", path)
  end
  local experiment = require "lamina.experiment"
  local io = require "lamina.core.io"
  written[self] = experiment.path(path)
  draw(self, written[self], format)
  if self.table then io.csv_write(experiment.path(stem .. ".csv"), self.table) end
  return self
end

function Figure:__tostring()
  return string.format("figure: %s, %d mm wide; fig:save \"name.svg\" writes it", self.name or "plot", self.width)
end

return M
