--- lamina.plot.spikes: spike trains as a raster, with the rate over time below it.
local alike = require "lamina.alike"
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local schema = require "lamina.schema"
local style = require "lamina.plot.style"
local words = require "lamina.plot.words"

local M = {}

local RASTER = schema.document("plot.raster", {
  positional = { "trials" },
  trials = { type = "table", required = true, doc = "a list or tensor of spike times in seconds for each trial" },
  window = { type = "table", doc = "{from, to} in seconds; default: whole bins that hold every spike" },
  bin = { type = "number", default = 0.01, above = 0, doc = "width of a bin of the rate in seconds" },
  groups = { type = "table", doc = "the condition of each trial: colours, and a rate for each" },
  psth = { type = "boolean", default = true, doc = "the rate over time below the raster" },
  stimulus = { type = "table", doc = "{on, off} in seconds: dashed lines" },
  title = words.common.title, width = words.common.width,
  height = { type = "number", default = 26, min = 8, max = 400, doc = "height of the axes of a panel in mm" },
})

local FORM = "plot.raster { { 0.012, 0.034 }, { 0.027 }, bin = 0.01 }"

local function pair(list, what, at)
  if not list then return nil end
  for k = 1, 2 do
    if type(list[k]) ~= "number" or list[k] ~= list[k] then
      errors.raise("argument", at, "plot.raster: %s[%d] is %s, expected two times in seconds", what, k,
        tostring(list[k]))
    end
  end
  if list[2] <= list[1] then
    errors.raise("argument", at, "plot.raster: %s is {%s, %s}, expected the earlier time first", what, list[1],
      list[2])
  end
  return list
end

-- The trials' times, checked, and the window and number of bins.
local function read(options, at)
  local trials, low, high = {}, math.huge, -math.huge
  for i, times in ipairs(options.trials) do
    trials[i] = words.numbers(times, "plot.raster: trial " .. i, at)
    for k, t in ipairs(trials[i]) do
      if not (t > -math.huge and t < math.huge) then
        errors.raise("argument", at, "plot.raster: spike %d of trial %d is at %s, expected seconds", k, i, t)
      end
      low, high = math.min(low, t), math.max(high, t)
    end
  end
  if #trials == 0 then errors.raise("argument", at, "plot.raster: there are no trials: %s", FORM) end
  local window = pair(options.window, "window", at)
  if not window then
    if low > high then
      errors.raise("argument", at, "plot.raster: no trial has a spike; say the window = {from, to} to draw it so")
    end
    window = { math.floor(low / options.bin + 1e-9) * options.bin, (math.floor(high / options.bin + 1e-9) + 1)
      * options.bin }
  end
  local bins = math.max(1, math.floor((window[2] - window[1]) / options.bin + 0.5))
  if bins > 20000 then
    errors.raise("argument", at, "plot.raster: %d bins of %g s, expected at most 20000: take wider ones", bins,
      options.bin)
  end
  return trials, window, bins
end

-- The groups in order of appearance, each with its trials.
local function groups_of(options, trials)
  if not options.groups then
    local all = {}
    for i = 1, #trials do all[i] = i end
    return { { trials = all } }
  end
  local list, names = {}, options.groups
  for k, of_name in ipairs(alike(#names, function(i) return tostring(names[i]) end)) do
    list[k] = { name = tostring(names[of_name[1]]), trials = of_name }
  end
  return list
end

-- The rate in each bin, spikes a second: mean over trials and its standard error; bins are [from, to), but the last
-- one holds the window's end.
local function rates(group, trials, window, bins)
  local width = (window[2] - window[1]) / bins
  local sum, squares, n = {}, {}, #group.trials
  for b = 1, bins do sum[b], squares[b] = 0, 0 end
  for _, i in ipairs(group.trials) do
    local counts = {}
    for _, t in ipairs(trials[i]) do
      if t >= window[1] and t <= window[2] then
        local b = math.min(bins, math.floor((t - window[1]) / width) + 1)
        counts[b] = (counts[b] or 0) + 1
      end
    end
    for b, count in pairs(counts) do sum[b], squares[b] = sum[b] + count, squares[b] + count * count end
  end
  local rate, spread = {}, {}
  for b = 1, bins do
    local mean = sum[b] / n
    rate[b] = mean / width
    spread[b] = n > 1 and math.sqrt(math.max(0, (squares[b] - n * mean * mean) / (n - 1)) / n) / width or 0 / 0
  end
  return rate, spread, width
end

-- The rate as steps, with a band of one standard error where there is more than one trial.
local function steps(rate, spread, window, width)
  local mark = { kind = "line", x = {}, y = {}, low = {}, high = {} }
  for b = 1, #rate do
    for k = 0, 1 do
      local i = 2 * b - 1 + k
      mark.x[i], mark.y[i] = window[1] + (b - 1 + k) * width, rate[b]
      mark.low[i], mark.high[i] = math.max(0, rate[b] - spread[b]), rate[b] + spread[b]
    end
  end
  if spread[1] ~= spread[1] then mark.low, mark.high = nil, nil end
  return mark
end

-- The two panels' marks, from the groups, and the rows of the CSV.
local function draw_groups(groups, trials, window, bins, rows)
  local above, below, row = {}, {}, 0
  for g, group in ipairs(groups) do
    local c = style.color(g)
    local mark = { kind = "spikes", x = {}, y = {}, color = c, label = group.name }
    for _, i in ipairs(group.trials) do
      row = row + 1
      for _, t in ipairs(trials[i]) do
        if t >= window[1] and t <= window[2] then
          mark.x[#mark.x + 1], mark.y[#mark.y + 1] = t, row
          rows[#rows + 1] = { "spike", group.name or "", i, t, "", "" }
        end
      end
    end
    above[g] = mark
    local rate, spread, width = rates(group, trials, window, bins)
    below[g] = steps(rate, spread, window, width)
    below[g].color, below[g].label = c, group.name
    for b = 1, bins do
      rows[#rows + 1] = { "rate", group.name or "", "", window[1] + (b - 0.5) * width, rate[b],
        spread[b] == spread[b] and spread[b] or "" }
    end
  end
  return above, below
end

--- Spikes as a raster, a row for each trial (trial 1 at the top, groups together), and below it the rate over time
-- with a band of one standard error over trials: plot.raster { trials, window = { 0, 0.5 }, bin = 0.01, groups =
-- (a name for each trial), stimulus = { on, off }, psth = true, title =, width =, height = (of the axes, mm) }.
-- trials: a list of lists (or tensors) of spike times in seconds. The CSV holds every spike and every rate. Returns a
-- figure.
-- > trials = { { 0.05, 0.11, 0.3 }, { 0.06, 0.12 }, { 0.04, 0.2, 0.31 } }   -- spike times in seconds
-- > fig = plot.raster { trials, window = { 0, 0.5 }, bin = 0.05, stimulus = { 0.05, 0.25 } }
-- > fig:save "raster.svg"
function M.raster(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.raster", FORM, at, ...)
  if type(spec) == "table" and spec.trials == nil and type(spec[1]) ~= "nil" and type(spec[1]) ~= "number" then
    local inner = type(spec[1]) == "table" and spec[1][1]
    if type(inner) == "number" or spec[2] ~= nil or type(spec[1]) == "userdata" then -- the trials themselves
      local named = { trials = {} }
      for key, value in pairs(spec) do
        if math.type(key) then named.trials[key] = value else named[key] = value end
      end
      spec = named
    end
  end
  local options = schema.check("plot.raster", spec, RASTER, at)
  local trials, window, bins = read(options, at)
  words.same_length(options.groups, #trials, "plot.raster: groups", at)
  pair(options.stimulus, "stimulus", at)
  local rows = { { "kind", "group", "trial", "time", "rate", "error" } }
  local groups = groups_of(options, trials)
  local above, below = draw_groups(groups, trials, window, bins, rows)
  local raster = { title = options.title, ylabel = "trial", inner = options.height, marks = above, downwards = true,
    legend = options.groups ~= nil, yscale = { limits = { 0.5, #trials + 0.5 }, integer = true },
    xscale = { limits = window }, xlabel = not options.psth and "time / s" or nil }
  local psth = { ylabel = "rate / Hz", xlabel = "time / s", inner = options.height, marks = below, legend = false,
    yscale = { zero = true }, xscale = { limits = window } }
  for _, time in ipairs(options.stimulus or {}) do
    above[#above + 1], below[#below + 1] = { kind = "reference", x = time }, { kind = "reference", x = time }
  end
  return figure.new { panels = options.psth and { raster, psth } or { raster }, width = options.width, table = rows,
    name = "plot.raster" }
end

return M
