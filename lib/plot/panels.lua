--- lamina.plot.panels: several figures as the panels of one, with letters.
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local merged = require "lamina.merged"
local schema = require "lamina.schema"

local M = {}

local PANELS = schema.document("plot.panels", {
  columns = { type = "integer", min = 1, max = 12, doc = "panels side by side; default: 2, 1 for a single figure" },
  widths = { type = "table", doc = "the columns' widths in relation to one another, { 2, 1 }; default: all alike" },
  letters = { type = { "boolean", "table" }, default = true, doc = "a, b, c at the panels, none, or a list of them" },
  title = { type = "string", doc = "over all panels" },
  width = { type = "number", default = 85, min = 30, max = 400, doc = "width of the figure in mm" },
  height = { type = "number", min = 15, max = 400,
    doc = "height of panels whose axes have no shape of their own, mm" },
})

local FORM = "plot.panels { figure, figure, columns = 2, title = \"...\" }"

-- The figures among what the caller gave, by position, and the options.
local function parts_of(spec, at)
  if figure.is(spec) or type(spec) ~= "table" then spec = { spec } end
  local figures, given = {}, {}
  for key, value in pairs(spec) do
    if math.type(key) then figures[key] = value else given[key] = value end
  end
  for i, fig in ipairs(figures) do
    if not figure.is(fig) then
      errors.raise("argument", at, "plot.panels: entry %d is a %s, expected a figure such as plot.line { ... } "
        .. "returns", i, type(fig))
    end
  end
  if #figures == 0 then errors.raise("argument", at, "plot.panels takes figures: %s", FORM) end
  return figures, given
end

local function copy(panel, letter, height)
  local same = merged(panel)
  same.letter = letter
  if height and not (panel.kind or panel.aspect) then same.height, same.inner = height, nil end
  return same
end

-- A figure as one panel: its own where it has just one, else the whole figure nested, its first panel lettered.
local function panel_of(fig, letter, height)
  if #fig.panels == 1 and not fig.title then return copy(fig.panels[1], letter, height) end
  local inner = {}
  for i, panel in ipairs(fig.panels) do inner[i] = copy(panel, nil, height) end
  return { kind = "nested", letter = letter, figure = figure.new { panels = inner, columns = fig.columns,
    shares = fig.shares, title = fig.title } }
end

local function check_letters(letters, n, at)
  if type(letters) ~= "table" then return end
  if #letters ~= n then
    errors.raise("shape", at, "plot.panels: letters has %d entries, expected %d, one for each figure", #letters, n)
  end
  for i, letter in ipairs(letters) do
    if type(letter) ~= "string" then
      errors.raise("argument", at, "plot.panels: letters[%d] is a %s, expected a string", i, type(letter))
    end
  end
end

local function check_widths(widths, columns, at)
  if not widths then return end
  if #widths ~= columns then
    errors.raise("shape", at, "plot.panels: widths has %d entries, expected %d, one for each column", #widths,
      columns)
  end
  for i, share in ipairs(widths) do
    if type(share) ~= "number" or not (share > 0 and share < math.huge) then
      errors.raise("argument", at, "plot.panels: widths[%d] is %s, expected a number above 0", i, tostring(share))
    end
  end
end

-- a, b, ... z, aa, ab, ...
local function letter_of(i)
  local text = ""
  while i > 0 do
    i = i - 1
    text = string.char(97 + i % 26) .. text
    i = i // 26
  end
  return text
end

-- The tables of all figures in one: `panel` first ("b.a" for panel a of the figure b), then every column that any of
-- them has, in order of appearance.
local function joined(figures, names)
  local header, place, rows = { "panel" }, { panel = 1 }, {}
  for _, fig in ipairs(figures) do
    for _, column in ipairs(fig.table and fig.table[1] or {}) do
      if not place[column] then
        header[#header + 1] = column
        place[column] = #header
      end
    end
  end
  rows[1] = header
  for k, fig in ipairs(figures) do
    for i = 2, fig.table and #fig.table or 0 do
      local row = { names[k] }
      for c = 2, #header do row[c] = "" end
      for c, column in ipairs(fig.table[1]) do
        local value = fig.table[i][c]
        row[place[column]] = column == "panel" and names[k] .. "." .. tostring(value) or value
      end
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- Figures as the panels of one, row by row, lettered a, b, c: plot.panels { plot.line { ... }, plot.images { ... },
-- columns = 2, widths = { 2, 1 }, letters = true | false | { "A", "B" }, title =, width = 85, height = }. Axes of a
-- row and of a column stand in line; a figure of several panels keeps them together. The CSV holds the numbers of
-- all, with the panel's letter in its first column. Returns a figure, which can be a panel again.
-- > a, b = plot.line { { 1, 3, 2 } }, plot.histogram { randn { 100 } }
-- > plot.panels({ a, b, columns = 2 }):save "figure1.svg"
function M.panels(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.panels", FORM, at, ...)
  local figures, given = parts_of(spec, at)
  local options = schema.check("plot.panels", given, PANELS, at)
  local columns = math.min(options.columns or 2, #figures)
  check_letters(options.letters, #figures, at)
  check_widths(options.widths, columns, at)
  local panels, names = {}, {}
  for i, fig in ipairs(figures) do
    names[i] = type(options.letters) == "table" and options.letters[i] or letter_of(i)
    panels[i] = panel_of(fig, options.letters and names[i] or nil, options.height)
  end
  return figure.new { panels = panels, columns = columns, shares = options.widths, width = options.width,
    title = options.title, table = joined(figures, names), name = "plot.panels" }
end

return M
