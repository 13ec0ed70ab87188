--- lamina.plot.words: line, scatter, bars and histogram.
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local merged = require "lamina.merged"
local scale = require "lamina.plot.scale"
local schema = require "lamina.schema"
local style = require "lamina.plot.style"

local M = {}

--- The options that every plot with axes takes.
M.common = {
  title = { type = "string", doc = "what the figure shows" },
  xlabel = { type = "string", doc = "quantity and unit along x" },
  ylabel = { type = "string", doc = "quantity and unit along y" },
  xlim = { type = "table", doc = "{low, high} of x; default: all the data" },
  ylim = { type = "table", doc = "{low, high} of y; default: all the data" },
  width = { type = "number", default = 85, min = 30, max = 400, doc = "width of the figure in mm" },
  height = { type = "number", min = 20, max = 400,
    doc = "height of a panel in mm; default: 58, less in a narrow panel" },
}

--- M.common together with more fields.
function M.fields(more)
  return merged(M.common, more)
end

--- A list of numbers from a list or a tensor of one axis; nil stays nil. `what` names it in the error, which
-- is raised at position `at`.
function M.numbers(value, what, at)
  if value == nil then return nil end
  if type(value) == "userdata" and value.totable then value = value:totable() end
  if type(value) ~= "table" then
    errors.raise("argument", at, "%s is a %s, expected a list of numbers or a tensor", what, type(value))
  end
  for i = 1, #value do
    if type(value[i]) ~= "number" then
      errors.raise("argument", at, "%s[%d] is a %s, expected a number", what, i, type(value[i]))
    end
  end
  return value
end

--- Raises unless rows is a full matrix of numbers, of one row and column at least.
function M.matrix(rows, word, at)
  for i, row in ipairs(rows) do
    if type(row) ~= "table" or type(rows[1]) ~= "table" or #row ~= #rows[1] or #row == 0 then
      errors.raise("shape", at, "%s: row %d differs in length from row 1, expected a full matrix", word, i)
    end
    M.numbers(row, word .. ": row " .. i, at)
  end
  if #rows == 0 then errors.raise("shape", at, "%s: the matrix is empty", word) end
end

--- Options whose values stand in the table itself, word { 1, 2, 3, title = "..." }, or are all there is,
-- word(tensor): the same with the values under `name`. Anything else is returned as it is.
function M.lone_list(spec, name)
  if type(spec) == "userdata" then return { [name] = spec } end
  if type(spec) ~= "table" or type(spec[1]) ~= "number" then return spec end
  local options = { [name] = {} }
  for key, value in pairs(spec) do
    if math.type(key) then options[name][key] = value else options[key] = value end
  end
  return options
end

--- Raises unless list has n entries (nil passes).
function M.same_length(list, n, what, at)
  if list and #list ~= n then
    errors.raise("shape", at, "%s has %d entries, expected %d, one for each value", what, #list, n)
  end
end

local function count_up(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

--- The ends of error bars from low and high (ends), or errors (a half-length for each value).
function M.ends(spec, values, what, at)
  local low, high = M.numbers(spec.low, what .. ": low", at), M.numbers(spec.high, what .. ": high", at)
  local half = M.numbers(spec.errors, what .. ": errors", at)
  M.same_length(low, #values, what .. ": low", at)
  M.same_length(high, #values, what .. ": high", at)
  M.same_length(half, #values, what .. ": errors", at)
  if (low == nil) ~= (high == nil) then
    errors.raise("argument", at, "%s: low and high belong together, only one is given", what)
  end
  if half and low then
    errors.raise("argument", at, "%s: give errors (half-lengths) or low and high (ends), not both", what)
  end
  if half then
    low, high = {}, {}
    for i, value in ipairs(values) do low[i], high[i] = value - half[i], value + half[i] end
  end
  return low, high
end

local SERIES = {
  x = { type = "any", doc = "positions; default 1, 2, 3, ..." },
  y = { type = "any", doc = "values" },
  low = { type = "any", doc = "lower ends of a band or of error bars" },
  high = { type = "any", doc = "upper ends" },
  errors = { type = "any", doc = "half-lengths, instead of low and high" },
  label = { type = "string", doc = "name in the legend" },
  dash = { type = "boolean", default = false, doc = "a dashed line" },
}

-- One series into a mark; adds its rows to the CSV.
local function make_series(word, kind, spec, index, rows, at)
  local y = M.numbers(spec.y, word .. ": y", at)
  if not y then errors.raise("argument", at, "%s: y is missing, the values to draw", word) end
  local x = M.numbers(spec.x, word .. ": x", at) or count_up(#y)
  M.same_length(x, #y, word .. ": x", at)
  local low, high = M.ends(spec, y, word, at)
  for i = 1, #y do
    rows[#rows + 1] = { spec.label or tostring(index), x[i], y[i], low and low[i] or "", high and high[i] or "" }
  end
  return { kind = kind, x = x, y = y, low = low, high = high, label = spec.label, dash = spec.dash,
    color = style.color(index), points = kind == "line" and #y <= 24 }
end

local function data_range(marks)
  local low, high
  for _, mark in ipairs(marks) do
    for _, list in ipairs { mark.x, mark.y } do
      for _, v in ipairs(list) do
        if scale.finite(v) then low, high = math.min(low or v, v), math.max(high or v, v) end
      end
    end
  end
  return low, high
end

local XY = M.fields {
  xlog = { type = "boolean", default = false, doc = "logarithmic x axis" },
  ylog = { type = "boolean", default = false, doc = "logarithmic y axis" },
  zero = { type = "boolean", default = false, doc = "keep 0 inside the y axis" },
  diagonal = { type = "boolean", default = false, doc = "draw the line y = x" },
  reference = { type = "number", doc = "draw a dashed line at this y" },
  aspect = { type = { "number", "string" }, doc = "height over width of the axes; \"equal\": a unit of x is as long "
    .. "as one of y, so that distances are right (mds)" },
}

local XY_AND_SERIES = {} -- so that a misspelt name is compared with all of them
for name, field in pairs(SERIES) do XY_AND_SERIES[name] = field end
for name, field in pairs(XY) do XY_AND_SERIES[name] = field end
schema.document("plot.line", XY_AND_SERIES)
schema.document("plot.scatter", XY_AND_SERIES)

local XY_FORM = "plot.line { x = x, y = y, title = \"...\" }"

local function check_log(word, marks, options, at)
  for _, axis in ipairs { "x", "y" } do
    for _, mark in ipairs(options[axis .. "log"] and marks or {}) do
      for _, list in ipairs { mark[axis], axis == "y" and mark.low or nil } do
        for i, v in ipairs(list) do
          if scale.finite(v) and v <= 0 then
            errors.raise("argument", at, "%s: %s[%d] is %s, %slog needs more than 0", word, axis, i, v, axis)
          end
        end
      end
    end
  end
end

local function is_numbers(value)
  return type(value) == "userdata" or type(value) == "table" and type(value[1]) == "number"
end

-- The limits of one axis that hold all its points and error bars, with a margin.
local function limits_of(marks, keys)
  local low, high
  for _, mark in ipairs(marks) do
    for _, key in ipairs(keys) do
      for _, v in ipairs(mark[key] or {}) do
        if scale.finite(v) then low, high = math.min(low or v, v), math.max(high or v, v) end
      end
    end
  end
  low, high = low or 0, high or 1
  local margin = high > low and (high - low) * 0.06 or 0.5
  return { low - margin, high + margin }
end

-- Limits made wider about their middle until they are `least` long, where the caller left them open.
local function widened(limits, given, least)
  local short = given and 0 or math.max(0, least - (limits[2] - limits[1])) / 2
  return { limits[1] - short, limits[2] + short }
end

-- The shape of the axes and their limits: as asked; "equal" makes units of x and y equally long.
local function shape_of(word, options, marks, at)
  local aspect = options.aspect
  if not aspect or type(aspect) == "number" and aspect >= 0.05 and aspect <= 20 then
    return aspect, options.xlim, options.ylim
  end
  if aspect ~= "equal" then
    errors.raise("argument", at, "%s: option 'aspect' is %s, expected a number from 0.05 to 20 or \"equal\"", word,
      tostring(aspect))
  end
  if options.xlog or options.ylog or options.zero then
    errors.raise("argument", at, "%s: aspect = \"equal\" goes without xlog, ylog and zero", word)
  end
  local x, y = options.xlim or limits_of(marks, { "x" }), options.ylim or limits_of(marks, { "y", "low", "high" })
  local longest = math.max(x[2] - x[1], y[2] - y[1])
  x, y = widened(x, options.xlim, longest / 3), widened(y, options.ylim, longest / 3)
  return (y[2] - y[1]) / (x[2] - x[1]), x, y
end

-- plot.line and plot.scatter: word, kind of mark, what the caller gave.
local function xy_plot(word, kind, spec, at)
  spec = M.lone_list(spec, "y")
  if type(spec) ~= "table" then
    errors.raise("argument", at, "%s takes a table such as { x = ..., y = ... }, got a %s", word, type(spec))
  end
  if is_numbers(spec[1]) then -- { y } or { x, y }
    if #spec > 2 then
      errors.raise("argument", at, "%s: %d lists of numbers, expected { x, y } or a list of series { x =, y = }",
        word, #spec)
    end
    local named = {}
    for key, value in pairs(spec) do named[key == 1 and #spec == 1 and "y" or ({ "x", "y" })[key] or key] = value end
    spec = named
  end
  local several, own, general = {}, {}, {}
  for i, series in ipairs(spec) do several[i] = schema.check(word, series, SERIES, at) end
  for key, value in pairs(spec) do
    if SERIES[key] and math.type(key) == nil then own[key] = value
    elseif type(key) ~= "number" then general[key] = value end
  end
  local options = schema.check(word, general, XY_AND_SERIES, at)
  if #several == 0 then several[1] = schema.check(word, own, SERIES, at)
  elseif next(own) then
    errors.raise("argument", at, "%s: '%s' belongs inside the series when several are given", word, (next(own)))
  end
  local marks, rows, labelled = {}, { { "series", "x", "y", "low", "high" } }, false
  for i, series in ipairs(several) do
    marks[i] = make_series(word, kind, series, i, rows, at)
    labelled = labelled or series.label ~= nil
  end
  check_log(word, marks, options, at)
  local aspect, xlim, ylim = shape_of(word, options, marks, at)
  if options.reference then table.insert(marks, 1, { kind = "reference", y = options.reference }) end
  if options.diagonal then
    local low, high = data_range(marks)
    if low then table.insert(marks, 1, { kind = "reference", diagonal = { low, high } }) end
  end
  local panel = { title = options.title, xlabel = options.xlabel, ylabel = options.ylabel, height = options.height,
    aspect = aspect, marks = marks, legend = labelled, xscale = { log = options.xlog, limits = xlim },
    yscale = { log = options.ylog, limits = ylim, zero = options.zero }, baseline = options.zero }
  return figure.new { panels = { panel }, width = options.width, table = rows, name = word }
end

--- Lines, each with an optional band: plot.line { x =, y =, low =, high =, label = }, or { x, y, title = ... };
-- several as a list of such tables { x =, y = }; or just plot.line(values). Options: title, xlabel, ylabel, xlim,
-- ylim, xlog, ylog, zero, reference, width, height (mm). Points that are NaN or infinite leave a gap. Returns a
-- figure.
-- > x = arange(0, 180, 10)
-- > rate = (((x - 90) * (math.pi / 90)):cos() - 1):exp() * 20 + 5
-- > fig = plot.line { x = x, y = rate, low = rate - 2, high = rate + 2, xlabel = "degrees", ylabel = "rate (Hz)" }
-- > fig:save "tuning.svg"
function M.line(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.line", XY_FORM, at, ...)
  return xy_plot("plot.line", "line", spec, at)
end

--- Points, each with an optional error bar: plot.scatter { x =, y = }; series and options as in plot.line, and
-- diagonal for the line y = x. aspect = "equal" makes distances right, as a map (mds) needs.
-- > fig = plot.scatter { x = { 0.2, 0.4, 0.7 }, y = { 0.25, 0.35, 0.8 }, diagonal = true, xlabel = "r, model A",
-- >   ylabel = "r, model B" }
-- > fig:save "models.svg"
function M.scatter(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.scatter", (XY_FORM:gsub("line", "scatter")), at, ...)
  return xy_plot("plot.scatter", "scatter", spec, at)
end

-- ---- bars --------------------------------------------------------------------------------------------------------

local BARS = schema.document("plot.bars", M.fields {
  labels = { type = "table", required = true, doc = "a name under each bar" },
  values = { type = "any", doc = "heights of the bars" },
  low = { type = "any", doc = "lower ends of the error bars" },
  high = { type = "any", doc = "upper ends of the error bars" },
  errors = { type = "any", doc = "half-lengths, instead of low and high" },
  ceiling = { type = "any", doc = "a number, {low =, high =}, or a list with one of these for each bar" },
  groups = { type = "table", doc = "a group name for each bar, shown by its colour" },
  series = { type = "table", doc = "several bars a label: { label =, values =, low =, high =, ceiling = }, ..." },
  reference = { type = "number", doc = "draw a dashed line at this y (chance)" },
  reference_label = { type = "string", doc = "what the dashed line is, for the legend" },
})

local ONE = { label = { type = "string" } }
for _, key in ipairs { "values", "low", "high", "errors", "ceiling" } do ONE[key] = BARS[key] end

-- A ceiling as a mark: one band over the axis or one for each bar.
function M.ceiling(given, n, what, at)
  if given == nil then return nil end
  local function pair(v)
    if type(v) == "number" then return v, v end
    if type(v) == "table" and type(v.low) == "number" and type(v.high) == "number" then return v.low, v.high end
  end
  local mark = { kind = "ceiling", label = "noise ceiling", low = {}, high = {} }
  mark.low[1], mark.high[1] = pair(given)
  if mark.low[1] then
    mark.whole = true
    return mark
  end
  if type(given) == "userdata" and given.totable then given = given:totable() end
  if type(given) ~= "table" then
    errors.raise("argument", at, "%s: ceiling is a %s, expected a number, {low =, high =} or a list of these",
      what, type(given))
  end
  M.same_length(given, n, what .. ": ceiling", at)
  for i = 1, n do
    mark.low[i], mark.high[i] = pair(given[i])
    if not mark.low[i] then
      errors.raise("argument", at, "%s: ceiling[%d] is a %s, expected a number or {low =, high =}", what, i,
        type(given[i]))
    end
  end
  return mark
end

--- A colour for each group in order of first appearance, and a legend entry for each.
function M.group_colors(groups)
  local colors, marks, seen, count = {}, {}, {}, 0
  for i, name in ipairs(groups) do
    if not seen[name] then
      local plain = name == "pixels" or name == "input" or name == ""
      if not plain then count = count + 1 end
      seen[name] = plain and style.grey or style.color(count)
      if name ~= "" then marks[#marks + 1] = { kind = "patch", label = name, color = seen[name] } end
    end
    colors[i] = seen[name]
  end
  return colors, marks
end

local function make_bars(options, several, at)
  local marks, rows, n = {}, { { "label", "series", "value", "low", "high", "ceiling_low", "ceiling_high" } },
    #options.labels
  for k, series in ipairs(several) do
    local values = M.numbers(series.values, "plot.bars: values", at)
    if not values then errors.raise("argument", at, "plot.bars: values are missing, the bars' heights") end
    M.same_length(values, n, "plot.bars: values", at)
    local low, high = M.ends(series, values, "plot.bars", at)
    local ceiling = M.ceiling(series.ceiling, n, "plot.bars", at)
    marks[#marks + 1] = { kind = "bars", values = values, low = low, high = high, color = style.color(k), at = k,
      of = #several, label = series.label }
    if ceiling then
      ceiling.at, ceiling.of = k, #several
      if k > 1 then ceiling.label = nil end
      table.insert(marks, 1, ceiling)
    end
    for i = 1, n do
      local j = ceiling and (ceiling.whole and 1 or i)
      rows[#rows + 1] = { tostring(options.labels[i]), series.label or "", values[i], low and low[i] or "",
        high and high[i] or "", j and ceiling.low[j] or "", j and ceiling.high[j] or "" }
    end
  end
  return marks, rows
end

--- Bars with error bars and a noise ceiling.
-- plot.bars { labels = {...}, values = {...}, low =, high = (ends of the error bars) or errors = (half-lengths),
-- ceiling = number | {low =, high =} | one for each bar, groups = {...} (colours), reference = chance at };
-- or series = {{label =, values =, ...}, ...} for several bars a label. Options: title, xlabel, ylabel, ylim, width,
-- height. A value that is NaN is written as n/a. Returns a figure.
-- > fig = plot.bars { labels = { "V1", "V4", "IT" }, values = { 0.3, 0.45, 0.6 }, errors = { 0.02, 0.03, 0.02 },
-- >   ceiling = { low = 0.7, high = 0.75 }, ylabel = "r" }
-- > fig:save "areas.svg"
function M.bars(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.bars", "plot.bars { labels = names, values = numbers, title = \"...\" }", at, ...)
  local options = schema.check("plot.bars", spec, BARS, at)
  local n = #options.labels
  local own = {}
  for key in pairs(ONE) do own[key] = options[key] end
  if options.series and own.values then
    errors.raise("argument", at, "plot.bars: give values or series, not both")
  end
  local several = { own }
  for i, series in ipairs(options.series or {}) do
    several[i] = schema.check("plot.bars: series", series, ONE, at)
    several[i].ceiling = several[i].ceiling or (i == 1 and options.ceiling or nil)
  end
  local marks, rows = make_bars(options, several, at)
  if options.groups then
    M.same_length(options.groups, n, "plot.bars: groups", at)
    local colors, legend = M.group_colors(options.groups)
    for _, mark in ipairs(marks) do
      if mark.kind == "bars" then mark.colors = colors end
    end
    for _, entry in ipairs(legend) do marks[#marks + 1] = entry end
  end
  if options.reference then
    marks[#marks + 1] = { kind = "reference", y = options.reference, label = options.reference_label }
  end
  local labels = {}
  for i, label in ipairs(options.labels) do labels[i] = tostring(label) end
  local panel = { title = options.title, xlabel = options.xlabel, ylabel = options.ylabel, height = options.height,
    marks = marks, legend = true, xcategories = labels, yscale = { limits = options.ylim, zero = true },
    baseline = true }
  return figure.new { panels = { panel }, width = options.width, table = rows, name = "plot.bars" }
end

-- ---- histogram ---------------------------------------------------------------------------------------------------

local HISTOGRAM = schema.document("plot.histogram", M.fields {
  positional = { "values" },
  values = { type = "any", doc = "the numbers to count" },
  series = { type = "table", doc = "several: a list of { label =, values = }" },
  bins = { type = "integer", min = 1, max = 1000, doc = "default: Freedman and Diaconis's rule, 5 to 60" },
  reference = { type = "number", doc = "draw a dashed vertical line at this value" },
})

-- Freedman and Diaconis (1981): a bin is 2 * (interquartile range) / cube root of n wide.
local function bins_of(sorted)
  local n = #sorted
  local iqr = sorted[math.max(1, math.ceil(0.75 * n))] - sorted[math.max(1, math.ceil(0.25 * n))]
  local span = sorted[n] - sorted[1]
  if iqr <= 0 or span <= 0 then return 10 end
  return math.max(5, math.min(60, math.ceil(span / (2 * iqr / n ^ (1 / 3)))))
end

local function finite_sorted(values)
  local kept = {}
  for _, v in ipairs(values) do
    if scale.finite(v) then kept[#kept + 1] = v end
  end
  table.sort(kept)
  return kept
end

-- Edges low..high in equal bins, and how many of values fall into each; the last bin holds its right edge.
local function count_bins(values, low, high, bins)
  local edges, counts = {}, {}
  for i = 0, bins do edges[i + 1] = low + (high - low) * i / bins end
  for i = 1, bins do counts[i] = 0 end
  for _, v in ipairs(values) do
    if v >= low and v <= high then
      local i = math.min(bins, math.max(1, math.floor((v - low) / (high - low) * bins) + 1))
      counts[i] = counts[i] + 1
    end
  end
  return edges, counts
end

--- How often values occur: plot.histogram { values, bins =, ... }, plot.histogram(values), or series = a list of
-- { label =, values = } over common bins. Options: title, xlabel, ylabel (default "count"), xlim, bins, reference,
-- width, height. Values that are NaN or infinite are left out and counted in the axis label. Returns a figure.
-- > fig = plot.histogram { randn { 500 }, bins = 20, xlabel = "preferred phase", reference = 0 }
-- > fig:save "phases.svg"
function M.histogram(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.histogram", "plot.histogram { values, bins = 20, title = \"...\" }", at, ...)
  spec = M.lone_list(spec, "values")
  local options = schema.check("plot.histogram", spec, HISTOGRAM, at)
  local several, all, left_out = options.series or { { values = options.values } }, {}, 0
  for k, series in ipairs(several) do
    local values = M.numbers(series.values, "plot.histogram: values", at)
    if not values then errors.raise("argument", at, "plot.histogram: values are missing, the numbers to count") end
    several[k] = { label = series.label, values = finite_sorted(values) }
    left_out = left_out + #values - #several[k].values
    for _, v in ipairs(several[k].values) do all[#all + 1] = v end
  end
  if #all == 0 then errors.raise("argument", at, "plot.histogram: there are no finite values to count") end
  table.sort(all)
  local limits = options.xlim or {}
  local low, high = limits[1] or all[1], limits[2] or all[#all]
  if high <= low then low, high = low - 0.5, high + 0.5 end
  local bins = options.bins or bins_of(all)
  local marks, rows, labelled = {}, { { "series", "low", "high", "count" } }, false
  for k, series in ipairs(several) do
    local edges, counts = count_bins(series.values, low, high, bins)
    marks[k] = { kind = "histogram", edges = edges, counts = counts, color = style.color(k), label = series.label }
    labelled = labelled or series.label ~= nil
    for i = 1, bins do rows[#rows + 1] = { series.label or tostring(k), edges[i], edges[i + 1], counts[i] } end
  end
  if options.reference then marks[#marks + 1] = { kind = "reference", x = options.reference } end
  local xlabel = options.xlabel
  if left_out > 0 then
    xlabel = string.format("%s%d not finite, left out", xlabel and xlabel .. "; " or "", left_out)
  end
  local panel = { title = options.title, xlabel = xlabel, ylabel = options.ylabel or "count", height = options.height,
    marks = marks, legend = labelled, xscale = { pad = 0.02 }, yscale = { zero = true, limits = options.ylim,
      integer = true } }
  return figure.new { panels = { panel }, width = options.width, table = rows, name = "plot.histogram" }
end

return M
