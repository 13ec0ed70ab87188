--- lamina.plot.curves: figures of the library's own results: training curves and predictivity by layer.
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local marks = require "lamina.plot.marks"
local schema = require "lamina.schema"
local style = require "lamina.plot.style"
local words = require "lamina.plot.words"

local M = {}

-- ---- training curves ---------------------------------------------------------------------------------------------

local CURVE = schema.document("plot.curve", {
  positional = { "values" },
  values = { type = "any", required = true, doc = "what train or loop returned" },
  title = words.common.title, width = words.common.width,
  height = { type = "number", default = 32, min = 10, max = 400, doc = "height of the axes of a panel in mm" },
})

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
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > set = data.tensors { randn { 40, 4 }, randint(1, 2, { 40 }) }
-- > plot.curve(train { model = net, data = set, epochs = 3, log = false }):save "learning.svg"
function M.curve(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.curve", "plot.curve { history, title = \"...\" }", at, ...)
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

-- ---- scores by layer ---------------------------------------------------------------------------------------------

local LAYERS = schema.document("plot.layers", {
  title = words.common.title, width = words.common.width, ylim = words.common.ylim,
  labels = { type = "table", doc = "a name for each score (or group) when several are drawn" },
  show = { type = "string", choices = { "both", "raw", "ceiled" },
    doc = "r and its ceiling, r over its ceiling, or a panel for each; default: both for one score, raw for more and "
      .. "where there is no ceiling" },
  height = { type = "number", default = 32, min = 10, max = 400, doc = "height of the axes of a panel in mm" },
})

local function or_nan(value) return value or 0 / 0 end

-- A formula, "r / c", as an axis says it: "r / ceiling".
local function formula_label(formula)
  return ((formula or "r / c"):gsub("^r2", "R\u{b2}"):gsub("%f[%a]c%f[%A]", "ceiling"):gsub("%^2", "\u{b2}"))
end

-- A score's measure as an axis says it.
local MEASURES = { r = "Pearson r", ev = "explained variance", r2 = "R\u{b2}", poisson = "bits per event" }
local function measure_label(score) return MEASURES[score.measure or "r"] or score.measure end

-- The marks of one panel, from a score's rows: bars, and the ceiling, the chance level or the line at 1.
local function layer_marks(score, rows, ceiled)
  local value = score.kind == "separability" and "accuracy" or ceiled and "ceiled" or "r"
  local low, high = ceiled and "ceiled_low" or "low", ceiled and "ceiled_high" or "high"
  local bars = { kind = "bars", values = {}, low = {}, high = {} }
  local top = { kind = "ceiling", label = "noise ceiling", low = {}, high = {} }
  local labels, areas, bounded = {}, {}, false
  for i, row in ipairs(rows) do
    labels[i], areas[i] = row.layer, row.area or ""
    bars.values[i], bars.low[i], bars.high[i] = or_nan(row[value]), or_nan(row[low]), or_nan(row[high])
    top.low[i], top.high[i] = or_nan(row.ceiling), or_nan(row.ceiling)
    bounded = bounded or row.ceiling ~= nil
  end
  local colors, legend = words.group_colors(areas)
  bars.colors = colors
  local shown = { bars }
  if ceiled then shown[2] = { kind = "reference", y = 1, label = "at the ceiling" }
  elseif bounded then table.insert(shown, 1, top) end
  if score.chance then shown[#shown + 1] = { kind = "reference", y = score.chance, label = "chance" } end
  for _, entry in ipairs(#legend > 1 and legend or {}) do shown[#shown + 1] = entry end
  return shown, labels
end

local function value_label(score, ceiled)
  if score.kind == "separability" then return "accuracy" end
  return "median " .. (ceiled and formula_label(score.formula) or measure_label(score))
end

local function panel_of(shown, labels, score, ceiled)
  return { marks = shown, legend = true, xcategories = labels, yscale = { zero = true }, baseline = true,
    ylabel = value_label(score, ceiled) }
end

local function layer_panel(score, rows, ceiled)
  local shown, labels = layer_marks(score, rows, ceiled)
  return panel_of(shown, labels, score, ceiled)
end

-- A score as parts of one panel each: {score =, rows =, label =}. A score over groups of neuroids has one for each.
local function parts_of(score, at)
  local rows = type(score) == "table" and score.rows
  if type(rows) ~= "table" or type(rows[1]) ~= "table" then
    errors.raise("argument", at, "plot.layers takes the score that predictivity or neural.separability returned, "
      .. "got a %s", type(score))
  end
  if not score.by then return { { score = score, rows = rows } } end
  local parts, of = {}, {}
  for _, row in ipairs(rows) do
    if not of[row.group] then
      of[row.group] = { score = score, rows = {}, label = tostring(row.group), grouped = true }
      parts[#parts + 1] = of[row.group]
    end
    table.insert(of[row.group].rows, row)
  end
  return parts
end

-- ---- several scores in one panel -------------------------------------------------------------------------------

-- Whether two parts have the same layers, and (where it is drawn) the same ceilings.
local function same_layers(a, b, ceiled)
  if #a.rows ~= #b.rows then return false end
  for i, row in ipairs(a.rows) do
    local other = b.rows[i]
    if row.layer ~= other.layer or not ceiled and row.ceiling ~= other.ceiling then return false end
  end
  return true
end

-- How several scores stand in one panel: "bars" of one layer each, "series" side by side where they have the same
-- layers; nil where each needs a panel of its own.
local function together(parts, ceiled)
  local first, single, same = parts[1], true, true
  for _, part in ipairs(parts) do
    local score = part.score
    if part.grouped or value_label(score, ceiled) ~= value_label(first.score, ceiled)
      or score.chance ~= first.score.chance then return nil end
    single, same = single and #part.rows == 1, same and same_layers(first, part, ceiled)
  end
  return #parts > 1 and (single and "bars" or same and "series") or nil
end

-- The one row of each part, under the part's name.
local function named_rows(parts, names)
  local rows = {}
  for k, part in ipairs(parts) do
    rows[k] = setmetatable({ layer = names[k], area = "" }, { __index = part.rows[1] })
  end
  return rows
end

-- One panel of bars side by side, a colour for each score.
local function common_panel(parts, names, ceiled, how)
  local first = parts[1]
  if how == "bars" then
    local shown, labels = layer_marks(first.score, named_rows(parts, names), ceiled)
    for _, mark in ipairs(shown) do
      for k = 1, mark.kind == "bars" and #parts or 0 do mark.colors[k] = style.color(k) end
    end
    return panel_of(shown, labels, first.score, ceiled)
  end
  local shown, labels = {}, nil
  for k, part in ipairs(parts) do
    local marks_of_part, layers = layer_marks(part.score, part.rows, ceiled)
    for _, mark in ipairs(marks_of_part) do
      if mark.kind == "bars" then
        mark.colors, mark.color, mark.of, mark.at, mark.label = nil, style.color(k), #parts, k, names[k]
      end
      -- the ceiling and the chance level are those of all; a patch would give colours a second meaning
      if mark.kind == "bars" or k == 1 and mark.kind ~= "patch" then shown[#shown + 1] = mark end
    end
    labels = layers
  end
  return panel_of(shown, labels, first.score, ceiled)
end

local CSV = { "panel", "layer", "area", "value", "low", "high", "ceiling", "ceiled", "ceiled_low", "ceiled_high" }

local function csv_rows(part, label, out)
  for _, row in ipairs(part.rows) do
    local line = { label, row.layer, row.area or "", row.r or row.accuracy or "" }
    for c = 5, #CSV do line[c] = row[CSV[c]] or "" end
    out[#out + 1] = line
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
  if type(spec) ~= "table" or spec.rows then return { spec }, {} end
  local scores, options = {}, {}
  for key, value in pairs(spec) do
    if math.type(key) then scores[key] = value else options[key] = value end
  end
  return scores, options
end

-- Panels that stand over one another with the same layers name them once, at the bottom.
local function name_layers_once(panels)
  for i = 1, #panels - 1 do
    local names, below = panels[i].xcategories, panels[i + 1].xcategories
    local same, hidden = #names == #below, {}
    for k = 1, #names do
      same, hidden[k] = same and names[k] == below[k], ""
    end
    if same then panels[i].xcategories = hidden end
  end
end

-- Whether a part has values in relation to the ceiling.
local function related(part)
  return part.score.kind ~= "separability" and not part.score.unceiled and part.score.formula ~= "none"
end

-- What is shown of parts: false for the measure, true for it in relation to the ceiling.
local function shown_of(parts, options)
  local show = options.show or (#parts == 1 and "both" or "raw")
  for _, part in ipairs(parts) do
    if not related(part) then show = "raw" end
  end
  return show == "both" and { false, true } or { show == "ceiled" }
end

-- Panels of its own for each part.
local function own_panels(parts, names, options)
  local panels = {}
  for k, part in ipairs(parts) do
    local show = { show = options.show or (#parts == 1 and "both" or "raw") }
    for i, ceiled in ipairs(shown_of({ part }, show)) do
      local panel = layer_panel(part.score, part.rows, ceiled)
      panel.inner, panel.yscale.limits = options.height, options.ylim
      if i == 1 then panel.title = names[k] end
      panel.legend = #panels == 0 or i == 2
      panels[#panels + 1] = panel
    end
  end
  return panels
end

--- How well each layer does: bars coloured by area, with 95 % confidence intervals. A score of predictivity is shown
-- with its noise ceiling, a panel for each group of neuroids; one of neural.separability with the chance level.
-- Several scores stand side by side in one panel, a colour for each, where they have one layer each, or the same
-- layers and ceilings; otherwise each has a panel of its own.
-- plot.layers(score), or plot.layers { score, ..., labels = {...}, show = "both" | "raw" | "ceiled", title =,
-- width =, height = }. With one predictivity score and no groups, a second panel shows r in relation to the ceiling.
-- Returns a figure.
-- > set = stimuli.objects { 40, size = 16, classes = 2 }
-- > net = model "m" { input { 1, 16, 16 }, area "V1" { conv { 4, kernel = 5 }, relu, pool.max { 4 } } }
-- > score = neural.separability { model = net, stimuli = set, splits = kfold { 2 }, bootstrap = 100 }
-- > plot.layers(score):save "layers.svg"
function M.layers(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.layers", "plot.layers { score, title = \"...\" }", at, ...)
  local scores, given = split_scores(spec)
  local options = schema.check("plot.layers", given, LAYERS, at)
  local parts, panels, out = {}, {}, { CSV }
  for _, score in ipairs(scores) do
    for _, part in ipairs(parts_of(score, at)) do parts[#parts + 1] = part end
  end
  if #parts == 0 then errors.raise("argument", at, "plot.layers takes a score, got none") end
  words.same_length(options.labels, #parts, "plot.layers: labels", at)
  local names, common = {}, nil
  for k, part in ipairs(parts) do
    names[k] = options.labels and tostring(options.labels[k]) or part.label
    csv_rows(part, names[k] or tostring(k), out)
  end
  for _, ceiled in ipairs(shown_of(parts, options)) do
    common = together(parts, ceiled)
    if not common then break end
    for k, part in ipairs(parts) do
      names[k] = names[k] or common == "bars" and part.rows[1].layer or tostring(k)
    end
    panels[#panels + 1] = common_panel(parts, names, ceiled, common)
    panels[#panels].inner, panels[#panels].yscale.limits = options.height, options.ylim
  end
  if common then
    panels[1].title = options.title
  else
    panels = own_panels(parts, names, options)
    if #parts > 1 then one_range(panels) end
    if options.title and #parts == 1 then panels[1].title = options.title end
  end
  name_layers_once(panels)
  return figure.new { panels = panels, width = options.width, table = out, name = "plot.layers",
    title = not common and #parts > 1 and options.title or nil }
end

return M
