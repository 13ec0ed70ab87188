--- What runs there are, and what they gave: the table that `lamina runs` prints, compares and plots.
local alike = require "lamina.alike"
local base = require "lamina.core.base"
local errors = require "lamina.errors"
local folder = require "lamina.experiment.folder"

local M = {}

-- Folders that hold a run, at any depth of at most three below one that is given.
local function gather(dir, depth, list)
  local run = folder.look(dir)
  if run.status then
    list[#list + 1] = run
    return
  end
  if depth == 0 or not base.isdir(dir) then return end
  for _, name in ipairs(base.list(dir)) do
    if base.isdir(dir .. "/" .. name) then gather(dir .. "/" .. name, depth - 1, list) end
  end
end

local function shown(value)
  if type(value) == "table" then
    local parts = {}
    for i, item in ipairs(value) do parts[i] = tostring(item) end
    return table.concat(parts, ",")
  end
  if math.type(value) == "float" then return string.format("%.6g", value) end
  return tostring(value)
end

-- What a run reported: by metric, the n values in their order.
local function reported_of(results)
  local lists, order = {}, {}
  for _, row in ipairs(results and results.results or {}) do
    local name = row.id and row.id .. " " .. row.metric or row.metric
    if not lists[name] then
      order[#order + 1] = name
      lists[name] = { n = 0 }
    end
    local list = lists[name]
    list.n = list.n + 1
    list[list.n] = row.value -- nil for what JSON has no number for
  end
  return lists, order
end

-- ---- several values of one name ----------------------------------------------------------------------------------

-- A loop over numbers; nil where one of them is none.
local function folded(f)
  return function(list)
    local value = list[1]
    for i = 1, list.n do
      if type(list[i]) ~= "number" then return nil end
      if i > 1 then value = f(value, list[i], i) end
    end
    return value
  end
end

-- One value for several, by the name of the way.
local ONE = {
  last = function(list) return list[list.n] end,
  first = function(list) return list[1] end,
  mean = folded(function(mean, item, i) return mean + (item - mean) / i end),
  min = folded(function(a, b) return math.min(a, b) end),
  max = folded(function(a, b) return math.max(a, b) end),
}

--- What may be taken of a metric that a run reported several times.
M.WAYS = { "last", "first", "mean", "min", "max", "all" }

-- The run's k-th values, as a run of its own whose number is nth.
local function only(run, k)
  local line = setmetatable({ metrics = {}, nth = k }, { __index = run })
  for name, list in pairs(run.reported) do line.metrics[name] = list[k] end
  return line
end

--- The runs with one value for each metric: of several values of one name the last, the first, their mean, the
-- smallest or the largest (none where one of them is no number, as NaN in a file). "all": as many lines of a run as
-- it has values of one name, the k-th with the k-th values, k in the column nth; what was reported once stands in the
-- first.
function M.take(runs, way)
  local lines = {}
  for _, run in ipairs(runs) do
    local most = 1
    for name, list in pairs(run.reported) do
      most = math.max(most, list.n)
      run.metrics[name] = ONE[way] and ONE[way](list)
    end
    if way == "all" then
      for k = 1, most do lines[#lines + 1] = only(run, k) end
    else
      lines[#lines + 1] = run
    end
  end
  return lines
end

--- How many runs the lines are of.
function M.count(lines)
  return #alike(lines, function(line) return line.dir end)
end

--- The first metric that a run reported several times: its name, how many values there are, and the run; nil if
-- there is none.
function M.repeated(runs)
  for _, run in ipairs(runs) do
    for _, name in ipairs(run.order) do
      local n = run.reported[name].n
      if n > 1 then return name, n, run end
    end
  end
end

-- ---- reading -----------------------------------------------------------------------------------------------------

--- The runs below the folders, each { dir =, status =, experiment =, seed =, params =, units =, metrics =,
-- reported =, order =, seconds =, started = }, in the order of the folders' names with numbers by value. metrics
-- holds the last value of each metric (M.take: others), reported the list of all.
function M.read(dirs)
  local found, list = {}, {}
  for _, dir in ipairs(dirs) do
    if not base.isdir(dir) then errors.raise_at(nil, "usage", "there is no folder '%s'", dir) end
    gather(dir:gsub("(.)/+$", "%1"), 3, found)
  end
  for i, run in ipairs(found) do
    local source = run.results and run.results.params and run.results or run.begun or {}
    local reported, order = reported_of(run.results)
    list[i] = { dir = run.dir, status = run.status, experiment = source.experiment, seed = source.seed,
      params = source.params or {}, units = source.units or {}, metrics = {}, reported = reported,
      order = order, started = source.started, problem = run.problem, seconds = run.results and run.results.seconds,
      error = run.results and run.results.error, weights = run.results and run.results.weights or {} }
  end
  M.take(list, "last")
  local function key(dir) return (dir:gsub("%d+", function(n) return string.format("%09d", n) end)) end
  table.sort(list, function(a, b) return key(a.dir) < key(b.dir) end)
  return list
end

-- The names that any run has in a field, sorted; metrics in the order in which they were reported.
local function names_of(runs, field)
  local seen, list = {}, {}
  for _, run in ipairs(runs) do
    local own = {}
    if field == "metrics" then
      own = run.order
    else
      for name in pairs(run[field]) do own[#own + 1] = name end
      table.sort(own)
    end
    for _, name in ipairs(own) do
      if not seen[name] then
        seen[name] = true
        list[#list + 1] = name
      end
    end
  end
  if field ~= "metrics" then table.sort(list) end
  return list
end

-- The parameters that differ between runs.
local function varying(runs)
  local list = {}
  for _, name in ipairs(names_of(runs, "params")) do
    local first = shown(runs[1].params[name])
    for _, run in ipairs(runs) do
      if shown(run.params[name]) ~= first then
        list[#list + 1] = name
        break
      end
    end
  end
  return list
end

local OWN = { seed = true, seconds = true, status = true, experiment = true, nth = true }

--- The value of a column of a run: a parameter, a metric, seed, seconds, status, experiment or nth; nil where it has
-- none.
function M.value(run, name)
  local value = run.metrics[name]
  if value == nil then value = run.params[name] end
  if value == nil and OWN[name] then value = run[name] end
  return value
end

--- Raises unless a column of this name is in any of the runs.
function M.check_column(runs, name, option)
  for _, run in ipairs(runs) do
    if M.value(run, name) ~= nil then return end
  end
  local names = names_of(runs, "metrics")
  table.move(names_of(runs, "params"), 1, #names_of(runs, "params"), #names + 1, names)
  errors.raise_at(nil, "usage", "%s: no run has '%s'%s", option, name, errors.hint(name, names))
end

--- A parameter's name with its unit, "window (ms)". Where the runs have several, the name alone.
function M.with_unit(runs, name)
  local unit
  for _, run in ipairs(runs) do
    local own = run.params[name] ~= nil and (run.units[name] or "")
    if own and unit and own ~= unit then return name end
    unit = own or unit
  end
  return unit and unit ~= "" and string.format("%s (%s)", name, unit) or name
end

-- A parameter of a run as text; with its unit where the name of the column does not have it.
local function parameter(run, name, titled)
  local value, unit = run.params[name], run.units[name]
  if value == nil then return "" end
  return shown(value) .. (unit and titled == name and " " .. unit or "")
end

--- Header and rows, as texts: the folder, the status, the parameters that differ (all: every one), seed, nth if the
-- runs are lines of M.take(runs, "all"), metrics and seconds.
function M.cells(runs, all)
  local params, metrics = all and names_of(runs, "params") or varying(runs), names_of(runs, "metrics")
  local header = { "run", "status" }
  for i, name in ipairs(params) do header[i + 2] = M.with_unit(runs, name) end
  header[#header + 1] = "seed"
  if runs[1].nth then header[#header + 1] = "nth" end
  table.move(metrics, 1, #metrics, #header + 1, header)
  header[#header + 1] = "seconds"
  local rows = {}
  for i, run in ipairs(runs) do
    local row = { run.dir, run.status }
    for k, name in ipairs(params) do row[#row + 1] = parameter(run, name, header[k + 2]) end
    row[#row + 1] = run.seed and tostring(run.seed) or ""
    if run.nth then row[#row + 1] = tostring(run.nth) end
    for _, name in ipairs(metrics) do row[#row + 1] = run.metrics[name] ~= nil and shown(run.metrics[name]) or "" end
    row[#row + 1] = run.seconds and string.format("%.1f", run.seconds) or ""
    rows[i] = row
  end
  return header, rows
end

-- The largest number of values of a metric in any of the runs.
local function most(runs, name)
  local n = 0
  for _, run in ipairs(runs) do n = math.max(n, run.reported[name] and run.reported[name].n or 0) end
  return n
end

-- All the values of a metric as one text.
local function text_of(list)
  local parts = {}
  for k = 1, list and list.n or 0 do parts[k] = shown(list[k]) end
  return table.concat(parts, " ")
end

--- Header and rows of runs side by side: a row for each parameter, metric (each: for each of its values) and weight
-- digest, a column for each run, and a mark where they differ, be it in values of a metric that are not shown.
function M.side_by_side(runs, each)
  local header, rows = { "" }, {}
  for i, run in ipairs(runs) do header[i + 1] = run.dir end
  header[#header + 1] = ""
  local function add(name, get)
    local row, differs, first = { name }, false, nil
    for i, run in ipairs(runs) do
      local value, behind = get(run)
      row[i + 1] = value ~= nil and shown(value) or ""
      if i == 1 then first = behind end
      differs = differs or row[i + 1] ~= row[2] or behind ~= first
    end
    row[#row + 1] = differs and "differs" or ""
    rows[#rows + 1] = row
  end
  for _, name in ipairs { "experiment", "status", "seed" } do add(name, function(run) return run[name] end) end
  for _, name in ipairs(names_of(runs, "params")) do
    local title = M.with_unit(runs, name)
    add(title, function(run) return parameter(run, name, title) end)
  end
  for _, name in ipairs(names_of(runs, "metrics")) do
    if each then
      for k = 1, most(runs, name) do
        local function value(run) return run.reported[name] and run.reported[name][k] end
        add(k > 1 and name .. " #" .. k or name, value)
      end
    else
      add(name, function(run) return run.metrics[name], text_of(run.reported[name]) end)
    end
  end
  local seen = {}
  for _, run in ipairs(runs) do
    for _, weights in ipairs(run.weights) do
      if not seen[weights.name] then
        seen[weights.name] = true
        add("weights of " .. weights.name, function(other)
          for _, w in ipairs(other.weights) do
            if w.name == weights.name and w.sha256 then return w.sha256:sub(1, 16) end
          end
        end)
      end
    end
  end
  add("seconds", function(run) return run.seconds and string.format("%.1f", run.seconds) end)
  return header, rows
end

--- Cells as lines in columns; numbers stand to the right.
function M.lines(header, rows)
  local width, numeric, lines = {}, {}, {}
  for c, name in ipairs(header) do
    width[c], numeric[c] = utf8.len(name) or #name, true
    for _, row in ipairs(rows) do
      width[c] = math.max(width[c], utf8.len(row[c]) or #row[c])
      numeric[c] = numeric[c] and (row[c] == "" or tonumber(row[c]) ~= nil)
    end
  end
  local function line(cells)
    local parts = {}
    for c, text in ipairs(cells) do
      local pad = string.rep(" ", width[c] - (utf8.len(text) or #text))
      parts[c] = numeric[c] and pad .. text or text .. pad
    end
    return (table.concat(parts, "  "):gsub("%s+$", ""))
  end
  lines[1] = line(header)
  for i, row in ipairs(rows) do lines[i + 1] = line(row) end
  return lines
end

return M
