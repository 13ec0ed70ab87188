--- lamina.plot.curves: figures of the library's own results: training curves and predictivity by layer.
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local marks = require "lamina.plot.marks"
local schema = require "lamina.schema"
local style = require "lamina.plot.style"
local words = require "lamina.plot.words"

local M = {}

-- ---- training curves ---------------------------------------------------------------------------------------------

local CURVE = {
  positional = { "values" },
  values = { type = "any", required = true, doc = "what train or loop returned" },
  title = words.common.title, width = words.common.width,
  height = { type = "number", default = 32, min = 10, max = 400, doc = "height of the axes of a panel in mm" },
}

local NOT_DRAWN = { epoch = true, step = true, rate = true, seconds = true }
local SPLIT = { train = "training", valid = "validation" }

-- What the columns of a history show: panels in order, each with its columns. train_x and valid_x share a panel;
-- columns of other names share one.
local function panels_of(columns)
  local panels, by_name = {}, {}
  for _, column in ipairs(columns) do
    local split, quantity = column:match "^(%a+)_(.+)$"
    if not SPLIT[split] then split, quantity = nil, "value" end
    if not NOT_DRAWN[column] then
      if not by_name[quantity] then
        by_name[quantity] = { quantity = quantity, columns = {} }
        panels[#panels + 1] = by_name[quantity]
      end
      table.insert(by_name[quantity].columns, { name = column, label = SPLIT[split] or column:gsub("_", " "),
        second = split == "valid" })
    end
  end
  return panels
end

local function curve_panel(history, shown, rows)
  local percent = shown.quantity:match "error$"
  local lines = {}
  for i, column in ipairs(shown.columns) do
    local mark = { kind = "line", x = {}, y = {}, label = column.label, color = style.color(i),
      points = #history <= 24 }
    for k, row in ipairs(history) do
      local y = row[column.name]
      mark.x[k], mark.y[k] = row.epoch or k, y and (percent and 100 * y or y) or 0 / 0
      rows[#rows + 1] = { column.name, mark.x[k], y or "" }
    end
    lines[i] = mark
  end
  local name = shown.quantity:gsub("_", " ")
  return { marks = lines, legend = true, xlabel = "epoch", ylabel = percent and name .. " / %" or name,
    xscale = { integer = true }, yscale = { zero = true } }
end

--- A training curve: loss and error (in percent) against epoch for training and validation, a panel for each.
-- plot.curve(history) or plot.curve { history, title =, width =, height = }; history is what train or loop returned.
-- The training values are means over an epoch, while the weights were changing. Returns a figure.
function M.curve(spec)
  local at = errors.position(2)
  if type(spec) == "table" and type(spec.columns) == "function" then spec = { spec } end
  local options = schema.check("plot.curve", spec, CURVE, at)
  local history = options.values
  if type(history) ~= "table" or type(history.columns) ~= "function" then
    errors.raise("argument", at, "plot.curve takes the history that train returned, got a %s", type(history))
  end
  if #history == 0 then errors.raise("argument", at, "plot.curve: the history has no epochs yet") end
  local rows, panels = { { "series", "epoch", "value" } }, {}
  for i, shown in ipairs(panels_of(history:columns())) do
    panels[i] = curve_panel(history, shown, rows)
    panels[i].inner = options.height
    panels[i].legend = i == 1 or #panels[i].marks > 2 or panels[i].marks[1].label ~= panels[1].marks[1].label
  end
  if #panels == 0 then errors.raise("argument", at, "plot.curve: the history holds nothing to draw but epochs") end
  for i = 1, #panels - 1 do panels[i].xlabel = nil end
  panels[1].title = options.title
  return figure.new { panels = panels, width = options.width, table = rows, name = "plot.curve" }
end

-- ---- predictivity by layer ---------------------------------------------------------------------------------------

local LAYERS = {
  title = words.common.title, width = words.common.width, ylim = words.common.ylim,
  labels = { type = "table", doc = "a name for each score, when several are given" },
  show = { type = "string", choices = { "both", "raw", "ceiled" },
    doc = "r and its ceiling, r over its ceiling, or a panel for each; default: both for one score, raw for more" },
  height = { type = "number", default = 32, min = 10, max = 400, doc = "height of the axes of a panel in mm" },
}

local function ends_of(ceiling)
  if type(ceiling) == "table" then return ceiling.low, ceiling.high end
  return ceiling, ceiling
end

-- One panel of bars from the rows of a score; `ceiled` divides by the ceiling.
local function layer_panel(rows, ceiled)
  local bars = { kind = "bars", values = {}, low = {}, high = {} }
  local top = { kind = "ceiling", label = "noise ceiling", low = {}, high = {} }
  local labels, areas = {}, {}
  for i, row in ipairs(rows) do
    local low, high = ends_of(row.ceiling)
    local by = ceiled and row.ceiled and row.r and row.r ~= 0 and row.ceiled / row.r or 1
    labels[i], areas[i] = row.layer, row.area or ""
    bars.values[i] = (ceiled and row.ceiled or row.r) or 0 / 0
    bars.low[i], bars.high[i] = (row.low or 0 / 0) * by, (row.high or 0 / 0) * by
    top.low[i], top.high[i] = low or 0 / 0, high or 0 / 0
  end
  local colors, legend = words.group_colors(areas)
  bars.colors = colors
  local shown = { bars }
  if ceiled then shown[2] = { kind = "reference", y = 1, label = "at the ceiling" }
  else table.insert(shown, 1, top) end
  if #legend > 1 then
    for _, entry in ipairs(legend) do shown[#shown + 1] = entry end
  end
  return { marks = shown, legend = true, xcategories = labels, yscale = { zero = true }, baseline = true,
    ylabel = ceiled and "r / ceiling" or "Pearson r" }
end

local function score_rows(score, at)
  local rows = type(score) == "table" and (score.layers or score.rows or score)
  if type(rows) ~= "table" or type(rows[1]) ~= "table" or rows[1].r == nil then
    errors.raise("argument", at, "plot.layers takes the score that predictivity returned, got a %s", type(score))
  end
  return rows
end

local function csv_rows(rows, label, out)
  for _, row in ipairs(rows) do
    local low, high = ends_of(row.ceiling)
    out[#out + 1] = { label, row.layer, row.area or "", row.r or "", row.low or "", row.high or "", low or "",
      high or "", row.ceiled or "" }
  end
end

-- Gives all panels the range that holds the values of all, so that bars can be compared across panels.
local function one_range(panels)
  local low, high = 0, 0
  for _, panel in ipairs(panels) do
    for _, mark in ipairs(panel.marks) do
      local range = marks[mark.kind].extent(mark).y
      low, high = math.min(low, range.low or low), math.max(high, range.high or high)
    end
  end
  for _, panel in ipairs(panels) do table.insert(panel.marks, { kind = "room", low = low, high = high }) end
end

-- The scores among what the caller gave, by position, and the options.
local function split_scores(spec)
  if type(spec) ~= "table" or spec.layers or spec.rows or (spec[1] and spec[1].r) then return { spec }, {} end
  local scores, options = {}, {}
  for key, value in pairs(spec) do
    if math.type(key) then scores[key] = value else options[key] = value end
  end
  return scores, options
end

--- How well each layer predicts the responses: bars coloured by area, 95 % confidence intervals, the noise ceiling.
-- plot.layers(score), or plot.layers { score, ..., labels = {...}, show = "both" | "raw" | "ceiled", title =,
-- width =, height = }; a score is what predictivity returns. With several scores each has a panel. Returns a figure.
function M.layers(spec)
  local at = errors.position(2)
  local scores, given = split_scores(spec)
  local options = schema.check("plot.layers", given, LAYERS, at)
  words.same_length(options.labels, #scores, "plot.layers: labels", at)
  local show = options.show or (#scores == 1 and "both" or "raw")
  local panels, out = {}, { table.pack("score", "layer", "area", "r", "low", "high", "ceiling_low", "ceiling_high",
    "ceiled") }
  for k, score in ipairs(scores) do
    local rows, label = score_rows(score, at), options.labels and options.labels[k]
    csv_rows(rows, label or tostring(k), out)
    for _, ceiled in ipairs(show == "both" and { false, true } or { show == "ceiled" }) do
      local panel = layer_panel(rows, ceiled)
      panel.inner, panel.yscale.limits = options.height, options.ylim
      panel.title = not ceiled and label or (show == "ceiled" and label) or nil
      panel.legend = #panels == 0 or (ceiled and show == "both")
      panels[#panels + 1] = panel
    end
  end
  if #scores > 1 then one_range(panels) end
  for i = 1, #panels - 1 do
    local hidden = {}
    for k = 1, #panels[i].xcategories do hidden[k] = "" end
    if #panels[i].xcategories == #panels[i + 1].xcategories then panels[i].xcategories = hidden end
  end
  if options.title and #scores == 1 then panels[1].title = options.title end
  return figure.new { panels = panels, width = options.width, table = out, name = "plot.layers",
    title = #scores > 1 and options.title or nil }
end

return M
