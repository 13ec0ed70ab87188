--- What runs there are, and what they gave: the table that `lamina runs` prints, compares and plots.
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

-- The last value of each metric that a run reported, by name.
local function metrics_of(results)
  local values, order = {}, {}
  for _, row in ipairs(results and results.results or {}) do
    local name = row.id and row.id .. " " .. row.metric or row.metric
    if values[name] == nil then order[#order + 1] = name end
    values[name] = row.value
  end
  return values, order
end

--- The runs below the folders, each { dir =, status =, experiment =, seed =, params =, units =, metrics =, order =,
-- seconds =, started = }, in the order of the folders' names with numbers by value.
function M.read(dirs)
  local found, list = {}, {}
  for _, dir in ipairs(dirs) do
    if not base.isdir(dir) then errors.raise_at(nil, "usage", "there is no folder '%s'", dir) end
    gather(dir:gsub("(.)/+$", "%1"), 3, found)
  end
  for i, run in ipairs(found) do
    local source = run.results and run.results.params and run.results or run.begun or {}
    local metrics, order = metrics_of(run.results)
    list[i] = { dir = run.dir, status = run.status, experiment = source.experiment, seed = source.seed,
      params = source.params or {}, units = source.units or {}, metrics = metrics, order = order,
      started = source.started, problem = run.problem, seconds = run.results and run.results.seconds,
      error = run.results and run.results.error, weights = run.results and run.results.weights or {} }
  end
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

--- The value of a column of a run: a parameter, a metric, seed, seconds, status or experiment; nil where it has none.
function M.value(run, name)
  local value = run.metrics[name]
  if value == nil then value = run.params[name] end
  if value == nil and (name == "seed" or name == "seconds" or name == "status" or name == "experiment") then
    value = run[name]
  end
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

--- Header and rows, as texts: the folder, the status, the parameters that differ (all: every one), seed, metrics and
-- seconds.
function M.cells(runs, all)
  local params, metrics = all and names_of(runs, "params") or varying(runs), names_of(runs, "metrics")
  local header = { "run", "status" }
  for i, name in ipairs(params) do header[i + 2] = M.with_unit(runs, name) end
  header[#header + 1] = "seed"
  table.move(metrics, 1, #metrics, #header + 1, header)
  header[#header + 1] = "seconds"
  local rows = {}
  for i, run in ipairs(runs) do
    local row = { run.dir, run.status }
    for k, name in ipairs(params) do row[#row + 1] = parameter(run, name, header[k + 2]) end
    row[#row + 1] = run.seed and tostring(run.seed) or ""
    for _, name in ipairs(metrics) do row[#row + 1] = run.metrics[name] ~= nil and shown(run.metrics[name]) or "" end
    row[#row + 1] = run.seconds and string.format("%.1f", run.seconds) or ""
    rows[i] = row
  end
  return header, rows
end

--- Header and rows of runs side by side: a row for each parameter, metric and weight digest, a column for each run,
-- and a mark where they differ.
function M.side_by_side(runs)
  local header, rows = { "" }, {}
  for i, run in ipairs(runs) do header[i + 1] = run.dir end
  header[#header + 1] = ""
  local function add(name, get)
    local row, differs = { name }, false
    for i, run in ipairs(runs) do
      local value = get(run)
      row[i + 1] = value ~= nil and shown(value) or ""
      differs = differs or row[i + 1] ~= row[2]
    end
    row[#row + 1] = differs and "differs" or ""
    rows[#rows + 1] = row
  end
  for _, name in ipairs { "experiment", "status", "seed" } do add(name, function(run) return run[name] end) end
  for _, name in ipairs(names_of(runs, "params")) do
    local title = M.with_unit(runs, name)
    add(title, function(run) return parameter(run, name, title) end)
  end
  for _, name in ipairs(names_of(runs, "metrics")) do add(name, function(run) return run.metrics[name] end) end
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
