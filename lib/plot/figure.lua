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

--- A figure of panels.
-- spec: panels (list), columns (panels side by side, default 1), width in mm (default 85), title over all panels,
-- table = {header, row, ...} for the CSV, name (what printing shows).
function M.new(spec)
  return setmetatable({ panels = spec.panels, columns = spec.columns or 1, width = spec.width or 85,
    title = spec.title, table = spec.table, name = spec.name }, Figure)
end

-- The height of a panel in points. Axes of a fixed shape get just the height that their width asks for; with `inner`
-- (mm) the axes have that height and the text comes on top of it.
local function panel_height(canvas, panel, width)
  if panel.kind == "grid" then return grid.height(canvas, panel, width) end
  if panel.inner then
    local layout = axes.measure(canvas, panel, width, panel.inner * style.mm + 50)
    return layout.top + layout.bottom + panel.inner * style.mm
  end
  if not panel.aspect then return (panel.height or 52) * style.mm end
  local layout = axes.measure(canvas, panel, width, width * panel.aspect)
  return layout.top + layout.bottom + layout.inner * panel.aspect
end

-- Rows of cells {x, y, width, height, panel}, and width and height of the whole, in points.
local function page(canvas, fig)
  local width = fig.width * style.mm
  local cell = (width - 4) / fig.columns
  local cells, y = {}, 2 + (fig.title and 1.6 * style.size.title or 0)
  for first = 1, #fig.panels, fig.columns do
    local last = math.min(first + fig.columns - 1, #fig.panels)
    local height = 0
    for i = first, last do
      local column = i - first
      local gap = column > 0 and 4 or 0
      cells[i] = { x = 2 + column * cell + gap, y = y, panel = fig.panels[i], column = column, row = first,
        width = cell - gap }
      height = math.max(height, panel_height(canvas, fig.panels[i], cells[i].width))
    end
    for i = first, last do cells[i].height = height end
    y = y + height + 4
  end
  return cells, width, y
end

-- Axes stand in line: panels of a column share their left and right margins, panels of a row top and bottom.
local function align(cells)
  local margin = {}
  local function widest(key, layout, side)
    margin[key .. side] = math.max(margin[key .. side] or 0, layout[side])
  end
  for _, cell in ipairs(cells) do
    if cell.layout then
      for _, side in ipairs { "left", "right" } do widest("c" .. cell.column, cell.layout, side) end
      for _, side in ipairs { "top", "bottom" } do widest("r" .. cell.row, cell.layout, side) end
    end
  end
  for _, cell in ipairs(cells) do
    if cell.layout then
      for _, side in ipairs { "left", "right" } do cell.layout[side] = margin["c" .. cell.column .. side] end
      for _, side in ipairs { "top", "bottom" } do cell.layout[side] = margin["r" .. cell.row .. side] end
    end
  end
end

local function draw(fig, path, format)
  local canvas_of = require "lamina.core.figure".canvas
  local scratch <close> = canvas_of("svg", 10, 10) -- for measuring text before the size of the page is known
  local cells, width, height = page(scratch, fig)
  local canvas <close> = canvas_of(format, width, height, PNG_SCALE)
  if fig.title then
    canvas:text(4, 4, fig.title, style.size.title, 0, 1, 0, true)
  end
  for _, cell in ipairs(cells) do
    if cell.panel.kind ~= "grid" then
      cell.layout = axes.measure(canvas, cell.panel, cell.width, cell.height)
    end
  end
  align(cells)
  for _, cell in ipairs(cells) do
    if cell.layout then axes.draw(canvas, cell.panel, cell.layout, cell)
    else grid.draw(canvas, cell.panel, cell) end
  end
  canvas:save(path)
end

--- fig:save(path): writes the figure and, beside it, a CSV of the plotted numbers under the same name.
-- path: its ending is the format: .svg, .pdf or .png (200 dots per inch). A relative path belongs to the results
-- folder of the experiment, or to the working folder where there is none. Returns the figure.
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
  draw(self, experiment.path(path), format)
  if self.table then io.csv_write(experiment.path(stem .. ".csv"), self.table) end
  return self
end

function Figure:__tostring()
  return string.format("figure: %s, %d mm wide; fig:save \"name.svg\" writes it", self.name or "plot", self.width)
end

return M
