--- lamina runs: list, compare and plot what runs gave
local errors = require "lamina.errors"
local plain = require "lamina.plain"
local subcommand = require "lamina.subcommand"

local function usage(format, ...) errors.raise_at(nil, "usage", "runs: " .. format, ...) end

-- The runs that "NAME=VALUE" holds for, as texts or as numbers.
local function filtered(table_of, runs, text)
  local name, wanted = text:match "^([^=]+)=(.*)$"
  if not name then usage("--where must be NAME=VALUE, got '%s'", text) end
  table_of.check_column(runs, name, "runs: --where")
  local list = {}
  for _, run in ipairs(runs) do
    local value = table_of.value(run, name)
    local same = tostring(value) == wanted or tonumber(wanted) ~= nil and value == tonumber(wanted)
    if same then list[#list + 1] = run end
  end
  return list
end

-- The way in which one value is taken of several, checked.
local function several(table_of, way)
  for _, known in ipairs(table_of.WAYS) do
    if way == known then return way end
  end
  usage("--several must be one of %s, got '%s'%s", table.concat(table_of.WAYS, ", "), way,
    errors.hint(way, table_of.WAYS))
end

-- Says that there is more than is shown.
local function tell_of_several(table_of, runs)
  local name, n, run = table_of.repeated(runs)
  if not name then return end
  io.stderr:write(plain(string.format("lamina: runs: '%s' was reported %d times in %s: the last value is shown "
    .. "(--several mean, min, max or all)", name, n, run.dir)), "\n")
end

local function sort(table_of, runs, name, descending)
  table_of.check_column(runs, name, "runs: --sort")
  local place = {}
  for i, run in ipairs(runs) do place[run] = i end
  table.sort(runs, function(a, b)
    local x, y = table_of.value(a, name), table_of.value(b, name)
    if x == y then return place[a] < place[b] end
    if x == nil or y == nil then return y == nil end
    if type(x) ~= type(y) or type(x) ~= "number" then x, y = tostring(x), tostring(y) end
    if descending then return x > y end
    return x < y
  end)
end

-- Mean and standard deviation of a metric at each value of a parameter, over the runs that have both.
local function curve(table_of, runs, metric, over)
  local groups, xs = {}, {}
  for _, run in ipairs(runs) do
    local x, y = table_of.value(run, over), table_of.value(run, metric)
    if type(x) == "number" and type(y) == "number" then
      if not groups[x] then
        groups[x] = {}
        xs[#xs + 1] = x
      end
      table.insert(groups[x], y)
    end
  end
  if #xs == 0 then usage("--plot: no run has numbers for both '%s' and '%s'", metric, over) end
  table.sort(xs)
  local c = { x = xs, y = {}, low = {}, high = {} }
  for i, x in ipairs(xs) do
    local sum, square, n = 0, 0, #groups[x]
    for _, y in ipairs(groups[x]) do sum = sum + y end
    local mean = sum / n
    for _, y in ipairs(groups[x]) do square = square + (y - mean) * (y - mean) end
    local spread = n > 1 and math.sqrt(square / (n - 1)) or 0
    c.y[i], c.low[i], c.high[i] = mean, mean - spread, mean + spread
  end
  return c
end

local function plot(table_of, runs, o)
  if not o.over then usage "--plot METRIC needs --over NAME, a parameter (or seed)" end
  table_of.check_column(runs, o.plot, "runs: --plot")
  table_of.check_column(runs, o.over, "runs: --over")
  local c = curve(table_of, runs, o.plot, o.over)
  local file = o.file or "runs.svg"
  if o.xlog and c.x[1] <= 0 then usage("--xlog: '%s' is %g in a run, which has no logarithm", o.over, c.x[1]) end
  require("lamina.plot").line { x = c.x, y = c.y, low = c.low, high = c.high, ylabel = o.plot, xlog = o.xlog,
    xlabel = table_of.with_unit(runs, o.over),
    title = string.format("%d runs: mean and standard deviation", table_of.count(runs)) }:save(file)
  print(file)
end

local function csv(file, header, rows)
  local list = { header }
  table.move(rows, 1, #rows, 2, list)
  require("lamina.core.io").csv_write(file, list)
  print(file)
end

return subcommand.define {
  name = "runs",
  usage = "runs [FOLDER ...] [options]",
  about = [[
Lists the runs below the folders (runs/ if none is named): status, the parameters that differ between them, seed,
what they reported, seconds. A status is done, failed, interrupted, running, or killed: its process has gone without a
word, and lamina run SCRIPT --resume goes on with it. A file that holds no run's results is named, and its run is
listed as unreadable.]],
  positional = { "folders..." },
  complete = { files = "" },
  options = {
    { "--compare", doc = "side by side: a line for each parameter, result and digest of weights, marked where they "
      .. "differ" },
    { "--where", value = "NAME=VALUE", many = true, doc = "only runs where a parameter, result, seed or status is "
      .. "this (may be given again)" },
    { "--sort", value = "NAME", doc = "by a parameter or a result, the smallest first" },
    { "--descending", doc = "with --sort: the largest first" },
    { "--several", value = "WAY", doc = "what is shown of a metric that a run reported several times, as for each "
      .. "seed or step: last (default), first, mean, min, max, or all: a line for each value, whose number is the "
      .. "column nth" },
    { "--all", doc = "every parameter, not only those that differ" },
    { "--csv", value = "FILE", doc = "write the table as CSV" },
    { "--plot", value = "METRIC", doc = "draw a result over a parameter: mean and standard deviation of the runs at "
      .. "each value" },
    { "--over", value = "NAME", doc = "the parameter along x; with --several all it may be nth" },
    { "--xlog", doc = "with --over: on a logarithmic axis" },
    { "--file", short = "-o", value = "FILE", doc = "where the picture goes: .svg, .pdf or .png (default: "
      .. "runs.svg)" },
  },
  examples = {
    "lamina runs runs/exp-sweep --sort test_error",
    "lamina runs --where rate=0.01 --csv runs.csv",
    "lamina runs runs/exp-sweep --plot test_error --over rate --xlog -o error.svg",
    "lamina runs runs/exp-1 runs/exp-2 --several all --csv seeds.csv",
    "lamina runs runs/exp-sweep --several all --plot loss --over nth",
  },
  codes = "0 fine, 1 there are no such runs, 2 wrong usage",
  run = function(o)
    local table_of = require "lamina.runs.table"
    local folders = #o.folders > 0 and o.folders or { "runs" }
    local runs = table_of.read(folders)
    for _, run in ipairs(runs) do
      if run.problem then io.stderr:write("lamina: runs: ", run.problem, "\n") end
    end
    if not o.several then tell_of_several(table_of, runs) end
    local each = several(table_of, o.several or "last") == "all"
    if not (each and o.compare) then runs = table_of.take(runs, o.several or "last") end
    for _, text in ipairs(#runs > 0 and o.where or {}) do runs = filtered(table_of, runs, text) end
    if #runs == 0 then
      print("no runs in " .. table.concat(folders, ", ") .. (o.where and " that are so" or ""))
      return 1
    end
    if o.sort then sort(table_of, runs, o.sort, o.descending) end
    if o.plot then return plot(table_of, runs, o) end
    local header, rows
    if o.compare then
      header, rows = table_of.side_by_side(runs, each)
    else
      header, rows = table_of.cells(runs, o.all)
    end
    if o.csv then return csv(o.csv, header, rows) end
    print(plain(table.concat(table_of.lines(header, rows), "\n"), true)) -- runs of others, too
  end,
}
