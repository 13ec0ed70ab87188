--- lamina sweep: run a script with many parameters and seeds
local base = require "lamina.core.base"
local errors = require "lamina.errors"
local quoted = require("lamina.shell").quoted
local subcommand = require "lamina.subcommand"

local function usage(format, ...) errors.raise_at(nil, "usage", "sweep: " .. format, ...) end

local function folder_of(o, element) return string.format("%s/%04d", o.out, element.number) end

-- ---- claims ------------------------------------------------------------------------------------------------------
-- A process that works on an element holds the folder OUT/claims/NUMBER, so that none is worked on twice, also by
-- processes on several machines that share the disk.

local function claim_path(o, element) return string.format("%s/claims/%04d", o.out, element.number) end

-- Whether the holder of a claim has gone; on another machine nobody can tell.
local function is_stale(path)
  local io = require "lamina.core.io"
  local holder = errors.try(function() return io.json_decode(io.text_read(path .. "/holder.json")) end)
  if type(holder) ~= "table" or holder.host ~= base.hostname() then return false end
  return base.process(holder.pid) ~= holder.pid_since
end

local function release(path)
  errors.try(base.remove, path .. "/holder.json")
  errors.try(base.remove, path)
end

local function claim(path)
  if not base.mkdir_new(path) then
    if not is_stale(path) then return false end
    release(path)
    if not base.mkdir_new(path) then return false end
  end
  local io = require "lamina.core.io"
  io.text_write(path .. "/holder.json", io.json_encode { pid = base.pid(), pid_since = base.process(),
    host = base.hostname() })
  return true
end

-- ---- running -----------------------------------------------------------------------------------------------------

-- Runs one element in a process of its own; true where it ended well.
local function run_element(o, element)
  local dir = folder_of(o, element)
  local words = { quoted(base.executable()), "run", quoted(o.script), "--resume", "--out", quoted(dir), "--seed",
    tostring(element.seed), "--threads", tostring(o.threads) }
  for _, set in ipairs(element.sets) do table.move({ "--set", quoted(set) }, 1, 2, #words + 1, words) end
  for _, data in ipairs(o.data or {}) do table.move({ "--data", quoted(data) }, 1, 2, #words + 1, words) end
  for _, word in ipairs(o.passed) do words[#words + 1] = quoted(word) end
  local log = quoted(dir .. ".out")
  local ok, how, code = os.execute(table.concat(words, " ") .. " >" .. log .. " 2>&1")
  if how == "signal" and code == 2 or code == 130 then
    errors.raise_at(nil, "interrupt", "interrupted")
  end
  return ok == true, code
end

local function line_of(element)
  return string.format("%s seed=%d", table.concat(element.sets, " "), element.seed):gsub("^%s+", "")
end

-- The error that an element's process has written, else its last line, behind a colon.
local function last_words(o, element)
  local text = errors.try(require("lamina.core.io").text_read, folder_of(o, element) .. ".out") or ""
  local line = text:match "%f[^\n\0](lamina: [^\n]+)" or text:match "([^\n]+)\n*$"
  return line and ": " .. line or ""
end

-- Processes that work beside each other try an element once: the first notes the sweep's own name with it.
local function tried_before(o, element)
  local path = claim_path(o, element) .. ".tried"
  return o.lane and errors.try(require("lamina.core.io").text_read, path) == o.lane
end

local function note_trial(o, element)
  if o.lane then require("lamina.core.io").text_write(claim_path(o, element) .. ".tried", o.lane) end
end

-- Works through elements that nobody else works on; returns how many failed.
local function work(o, elements)
  local failed = 0
  for _, element in ipairs(elements) do
    local path = claim_path(o, element)
    local status = require("lamina.experiment.folder").look(folder_of(o, element)).status
    if status ~= "done" and not tried_before(o, element) and claim(path) then
      local start = base.clock()
      note_trial(o, element)
      local done, ok, code = pcall(run_element, o, element)
      release(path)
      if not done then error(ok, 0) end
      if not ok then failed = failed + 1 end
      print(string.format("%s  %s  %s  %.1f s", folder_of(o, element), line_of(element), ok and "done"
        or string.format("failed (exit code %s)%s", tostring(code), last_words(o, element)), base.clock() - start))
      io.stdout:flush()
    end
  end
  return failed
end

-- The same command line again, as a lane that works beside others.
local function lane_command(o)
  local name = string.format("%s-%d-%d", base.hostname(), base.pid(), base.process())
  local words = { quoted(base.executable()), "sweep", "--lane", quoted(name) }
  for _, word in ipairs(require("lamina.core.command").args) do words[#words + 1] = quoted(word) end
  return table.concat(words, " ")
end

local function in_lanes(o)
  local lanes, failed = {}, false
  for i = 1, o.jobs do lanes[i] = assert(io.popen(lane_command(o), "r")) end
  for _, lane in ipairs(lanes) do -- what the others say waits in their pipes meanwhile
    for line in lane:lines() do print(line) end
    failed = not lane:close() or failed
  end
  return failed
end

local function write_summary(o)
  local table_of = require "lamina.runs.table"
  local header, rows = table_of.cells(table_of.read { o.out })
  local list = { header }
  table.move(rows, 1, #rows, 2, list)
  require("lamina.core.io").csv_write(o.out .. "/summary.csv", list)
  local done = 0
  for _, row in ipairs(rows) do done = done + (row[2] == "done" and 1 or 0) end
  return done
end

-- The number of the element that this process is to run: --element, or that of the array of jobs it belongs to.
local function array_element(o, count)
  local text = o.element or base.getenv "SLURM_ARRAY_TASK_ID"
  local number = text and math.tointeger(tonumber(text))
  if not number then
    usage("--array runs one element: SLURM_ARRAY_TASK_ID (sbatch --array=1-%d) or --element N says which", count)
  end
  if number < 1 or number > count then usage("element %d: there are %d, counted from 1", number, count) end
  return number
end

-- Whether every element is done; the last is looked at first, as it most often is not.
local function all_done(o, elements)
  for i = #elements, 1, -1 do
    if require("lamina.experiment.folder").look(folder_of(o, elements[i])).status ~= "done" then return false end
  end
  return true
end

-- One element of an array of jobs. The summary is written by whoever finds all done, which the last to end does;
-- where two end at once both may, and that gives the same bytes, in a file that appears whole. Where a shared disk
-- shows neither the other's end yet nobody does: what is printed says how it is had.
local function run_array(o, elements)
  local failed = work(o, { elements[array_element(o, #elements)] })
  if all_done(o, elements) then
    print(string.format("%d of %d runs are done: %s/summary.csv", write_summary(o), #elements, o.out))
  else
    print(string.format("not all of the %d runs are done; what they gave, at any time: lamina runs %s --csv %s",
      #elements, quoted(o.out), quoted(o.out .. "/summary.csv")))
  end
  return failed == 0 and 0 or 1
end

local definition -- of this subcommand

local function check(o)
  if not base.exists(o.script) then usage("there is no script '%s'", o.script) end
  if o.random and not o.samples then usage "--random needs --samples N, how many draws" end
  if o.samples and not o.random then usage "--samples needs --random NAME=LOW..HIGH" end
  if not (o.grid or o.random) and o.repeat_seeds == 1 then
    usage("nothing varies: --grid NAME=V1,V2, --random NAME=LOW..HIGH or --repeat-seeds N%s",
      subcommand.near_passed(definition, o.passed))
  end
  o.out = o.out or "runs/" .. o.script:match "([^/]*)$":gsub("%.lua$", "") .. "-sweep"
end

-- What is passed on to the script, as --set NAME=VALUE; options of the command are left out.
local function sets_passed(o)
  local list, i = {}, 1
  while o.passed[i] do
    local name, value = o.passed[i]:match "^%-%-([^=]+)=?(.*)$"
    local after = o.passed[i + 1]
    if name and not o.passed[i]:find("=", 1, true) then
      local given = after and after:sub(1, 2) ~= "--"
      value, i = given and after or "true", i + (given and 1 or 0)
    end
    local reserved = not name or require("lamina.experiment.params").is_reserved(name)
    if not reserved then list[#list + 1] = name .. "=" .. value end
    i = i + 1
  end
  return list
end

-- Has the script say, before anything runs, whether it takes the values of every element and what is passed on: with
-- --help it ends where its experiment begins, when it has looked at what --set gives.
local function check_values(o, elements)
  local words, seen = { quoted(base.executable()), "run", quoted(o.script) }, {}
  for _, element in ipairs(elements) do
    for _, set in ipairs(element.sets) do
      if not seen[set] then table.move({ "--set", quoted(set) }, 1, 2, #words + 1, words) end
      seen[set] = true
    end
  end
  for _, set in ipairs(sets_passed(o)) do table.move({ "--set", quoted(set) }, 1, 2, #words + 1, words) end
  words[#words + 1] = "--help"
  local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1 >/dev/null", "r"))
  local said = pipe:read "a"
  local _, how, code = pipe:close()
  if how == "signal" and code == 2 or code == 130 then errors.raise_at(nil, "interrupt", "interrupted") end
  local problem = code == 2 and said:match "lamina: ([^\n]+)"
  if problem then usage("%s; nothing was run%s", problem, subcommand.near_passed(definition, o.passed)) end
end

-- The plan of the sweep is kept in its folder, and one begun with another plan is refused.
local function keep_plan(o, elements)
  local io = require "lamina.core.io"
  local lines = {}
  for i, element in ipairs(elements) do lines[i] = string.format("%04d %s", element.number, line_of(element)) end
  local text, path = table.concat(lines, "\n") .. "\n", o.out .. "/plan.txt"
  base.mkdir(o.out .. "/claims")
  if base.exists(path) then
    if io.text_read(path) ~= text then
      usage("'%s' holds another sweep (its plan.txt differs); name another folder with --out", o.out)
    end
    return
  end
  io.text_write(path, text)
end

definition = {
  name = "sweep",
  usage = "sweep SCRIPT [--grid NAME=V1,V2 ...] [--random NAME=LOW..HIGH ...] [options] [-- options of the script]",
  about = [[
Runs a script's experiment with every combination of the values of a grid, with parameters drawn at random, or both,
each with several seeds; every run in a folder of its own below --out. Runs that are done are left alone and those
that were cut off are gone on with, so the same command, given again after anything, finishes the sweep. Writes
plan.txt, the list of runs, and summary.csv, what they gave; `lamina runs FOLDER` shows and plots it.]],
  positional = { "script" },
  complete = { files = "lua" },
  passes = true,
  options = {
    { "--grid", value = "NAME=V1,V2", many = true, params = true, doc = "values of a parameter (V1;V2 where they "
      .. "hold commas, as lists do); with several grids every combination" },
    { "--random", value = "NAME=LOW..HIGH", many = true, params = true, doc = "a parameter drawn at random: uniform, "
      .. "evenly on a logarithmic scale with :log at the end, or one of V1,V2,...; whole numbers where LOW and HIGH "
      .. "are written as such (1..9; 1.0..9.0 draws any number)" },
    { "--samples", value = "N", type = "integer", min = 1, doc = "how many draws (of each combination of the grid)" },
    { "--repeat-seeds", value = "N", type = "integer", min = 1, default = 1,
      doc = "runs of each, with seeds S, S + 1, ..." },
    { "--seed", value = "S", type = "integer", min = 0, default = 1,
      doc = "of the draws, and of the first run of each" },
    { "--jobs", value = "N", type = "integer", min = 1, max = 256, default = 1,
      doc = "runs at a time, each on its share of the threads" },
    { "--threads", value = "N", type = "integer", min = 1, max = 1024,
      doc = "threads of each run (default: the cores, divided by --jobs)" },
    { "--array", doc = "run one element, that of SLURM_ARRAY_TASK_ID or --element, as job arrays do; the one after "
      .. "which all are done writes summary.csv, as lamina runs OUT --csv OUT/summary.csv does at any time" },
    { "--element", value = "N", type = "integer", min = 1, doc = "with --array: which (default: "
      .. "SLURM_ARRAY_TASK_ID)" },
    { "--list", doc = "only list the runs" },
    { "--lane", value = "NAME", doc = "work beside other processes of this name, which share the sweep's runs, "
      .. "without a summary" },
    { "--data", value = "DIR", many = true, doc = "where data sets lie (may be given again)" },
    { "--out", value = "DIR", doc = "the folder of the sweep (default: runs/SCRIPT-sweep)" },
  },
  examples = {
    "lamina sweep exp.lua --grid rate=1e-2,1e-3 --repeat-seeds 5 --jobs 2",
    "lamina sweep exp.lua --random rate=1e-4..1e-1:log --samples 20 -- --epochs 5",
    "sbatch --array=1-10 --wrap 'lamina sweep exp.lua --grid rate=1e-2,1e-3 --repeat-seeds 5 --array'",
  },
  codes = "0 every run is done, 1 one failed, 2 wrong usage, 130 interrupted",
  run = function(o)
    check(o)
    local elements = require("lamina.runs.elements").of(o)
    if o.list then
      for _, element in ipairs(elements) do print(string.format("%04d  %s", element.number, (line_of(element)))) end
      return 0
    end
    o.threads = o.threads or math.max(1, base.threads() // o.jobs)
    if not (o.lane or o.array) then check_values(o, elements) end
    keep_plan(o, elements)
    if o.array then
      return run_array(o, elements)
    end
    if o.lane then return work(o, elements) == 0 and 0 or 1 end
    local failed = o.jobs > 1 and in_lanes(o) or o.jobs == 1 and work(o, elements) > 0
    local done = write_summary(o)
    print(string.format("%d of %d runs are done: %s/summary.csv", done, #elements, o.out))
    return not failed and done == #elements and 0 or 1
  end,
}

return subcommand.define(definition)
