--- Where results go and where data lie: --out, --data, LAMINA_DATA and the cache.
local base = require "lamina.core.base"
local command = require "lamina.core.command"
local errors = require "lamina.errors"

local M = {}

-- ---- results ---------------------------------------------------------------------------------------------------

-- What the fields of run.json and results.json are, where they are there.
local TYPES = { status = "string", experiment = "string", seed = "number", params = "table", units = "table",
  results = "table", weights = "table", started = "string", seconds = "number", error = "string" }
local ROW, WEIGHTS = { metric = "string", id = "string" }, { name = "string", sha256 = "string" }

-- How a table differs from the types of its fields, in words; nil where it does not.
local function wrong(value, types, what)
  if type(value) ~= "table" then return string.format("%s is a %s, expected an object", what, type(value)) end
  for name, wanted in pairs(types) do
    local field = value[name]
    if field ~= nil and type(field) ~= wanted then
      return string.format("'%s' of %s is a %s, expected a %s", name, what, type(field), wanted)
    end
  end
end

local function problem_of(value)
  local problem = wrong(value, TYPES, "the file")
  for i, row in ipairs(not problem and value.results or {}) do
    problem = problem or wrong(row, ROW, "result " .. i)
      or not row.metric and "result " .. i .. " has no metric" or nil
  end
  for i, weights in ipairs(not problem and value.weights or {}) do
    problem = problem or wrong(weights, WEIGHTS, "entry " .. i .. " of weights")
  end
  return problem
end

-- What a file holds; { status = "unreadable", problem = } where that is not what a run writes.
local function read_json(path)
  if not base.exists(path) then return nil end
  local io = require "lamina.core.io"
  local value, e = errors.try(function() return io.json_decode(io.text_read(path)) end)
  local problem = e and tostring(e.message) or problem_of(value)
  if not problem then return value end
  if problem:sub(1, #path) ~= path then problem = path .. ": " .. problem end
  return { status = "unreadable", problem = problem }
end

--- What is known of the run in a folder: what run.json and results.json hold, and its status: done, failed,
-- interrupted, running, killed (its process has gone without a word), unreadable (`problem` says which file and why),
-- or nil where the folder holds no run.
function M.look(dir)
  local results, begun = read_json(dir .. "/results.json"), read_json(dir .. "/run.json")
  local status = results and (results.status or "unreadable")
  if not status and begun then
    local here = begun.host == base.hostname()
    local since = here and math.type(begun.pid) == "integer" and base.process(begun.pid)
    status = (not here or since and since == begun.pid_since) and "running" or "killed"
  end
  return { dir = dir, results = results, begun = begun, status = status,
    problem = results and results.problem or begun and begun.problem }
end

local UNFINISHED = { failed = true, interrupted = true, killed = true }

local function usage(format, ...) errors.raise_at(nil, "usage", format, ...) end

local function shown(value) return type(value) == "table" and table.concat(value, ",") or tostring(value) end

-- How what a folder was begun with differs from this run, in words; nil where it does not. The script may have
-- changed.
local function difference(begun, record)
  if begun.experiment ~= record.experiment then return "the experiment " .. tostring(begun.experiment) end
  if begun.seed ~= record.seed then return "seed " .. tostring(begun.seed) end
  local given = begun.params or {}
  for name, value in pairs(record.params) do
    if shown(given[name]) ~= shown(value) then return name .. " = " .. shown(given[name]) end
  end
end

local function script_changed(run, record)
  local old, now = run.begun and run.begun.script, record.script
  return old ~= nil and now ~= nil and old.sha256 ~= now.sha256
end

-- A line on the run that is gone on with.
local function resumed_line(run, record)
  local line = string.format("%s, which was %s", run.dir, run.status)
  if script_changed(run, record) then
    line = line .. "; the script has changed since, so the results are not those of either version alone"
  end
  return line
end

-- What is known of the run in a folder; with --resume, a process that has just been killed has a moment to be gone.
local function settled(dir)
  local run = M.look(dir)
  for _ = 1, 20 do
    if run.status ~= "running" or not command.resume or run.begun.pid == base.pid() then break end
    os.execute "sleep 0.1"
    run = M.look(dir)
  end
  return run
end

-- --out: a new or an unfinished folder; one that holds finished results is refused.
local function given_folder(dir, record)
  if base.exists(dir) and not base.isdir(dir) then
    usage("--out: '%s' is a file, expected a folder", dir)
  end
  local run, resumed = settled(dir), nil
  if run.status == "running" and run.begun.pid ~= base.pid() then
    usage("--out: a run is going on in '%s' (process %s on %s)", dir, tostring(run.begun.pid),
      tostring(run.begun.host))
  end
  if command.resume and run.status == "done" then
    local other = run.begun and difference(run.begun, record)
    if other then usage("--resume: '%s' is done, with %s; name another folder with --out", dir, other) end
    print(string.format("%s is done already%s", dir,
      script_changed(run, record) and ", by another version of the script" or ""))
    error(errors.new { kind = "exit", message = "", code = 0 }, 0)
  end
  if run.status and not UNFINISHED[run.status] and run.status ~= "running" then
    usage("--out: '%s' holds results already, and they are never overwritten; name another folder", dir)
  end
  if command.resume and run.begun then
    local other = difference(run.begun, record)
    if other then usage("--resume: '%s' was begun with %s; name another folder with --out", dir, other) end
    resumed = resumed_line(run, record)
  end
  if not command.resume and UNFINISHED[run.status] and base.exists(dir .. "/checkpoints") then
    io.stderr:write(string.format("lamina: warning: --out: '%s' holds a run that %s; it begins anew (--resume goes "
      .. "on with one)\n", dir, run.status == "failed" and "failed" or "was " .. run.status))
  end
  local made, e = errors.try(function()
    base.mkdir(dir)
    return true
  end)
  if not made then errors.raise_at(nil, e.kind, "--out: %s", e.message) end
  return dir, resumed
end

-- The numbers N of folders runs/NAME-N, the largest first.
local function numbers(name)
  local list = {}
  for _, entry in ipairs(base.list "runs") do
    local n = entry:sub(1, #name + 1) == name .. "-" and entry:sub(#name + 2):match "^%d+$"
    list[#list + 1] = n and math.tointeger(tonumber(n)) or nil
  end
  table.sort(list, function(a, b) return a > b end)
  return list
end

-- The last run of this experiment that did not end and was begun as this one is.
local function unfinished(name, record)
  for _, n in ipairs(numbers(name)) do
    local run = M.look(string.format("runs/%s-%d", name, n))
    if UNFINISHED[run.status] and run.begun and not difference(run.begun, record) then return run end
  end
end

local function new_folder(name)
  local last = numbers(name)[1] or 0
  local dir
  repeat
    last = last + 1
    dir = string.format("runs/%s-%d", name, last)
  until base.mkdir_new(dir)
  return dir
end

--- Makes the folder of an experiment and notes in its run.json what is begun (record: experiment, seed, params,
-- script, pid, host, ...): --out DIR, else runs/NAME-N with the next N. --out may name a folder that holds the
-- results of a run that failed, was interrupted or killed; never those of a finished one. With --resume it is the
-- last such run with the same seed and parameters; a line on it is the second result. The third: whether the folder
-- is a new one of runs/.
function M.make(name, record)
  local dir, resumed, new
  if command.out then
    dir, resumed = given_folder(command.out, record)
  else
    base.mkdir "runs"
    local run = command.resume and unfinished(name, record)
    dir, resumed, new = run and run.dir or new_folder(name), run and resumed_line(run, record), not run
  end
  if command.resume and not resumed then resumed = "there is no unfinished run of this kind; " .. dir .. " begins" end
  local io = require "lamina.core.io"
  io.text_write(dir .. "/run.json", io.json_encode(record, 2) .. "\n")
  return dir, resumed, new
end

--- Removes a new folder of runs/ that holds nothing but what the beginning of a run wrote; whether it is gone.
function M.withdraw(dir)
  for _, name in ipairs(base.list(dir)) do
    if name ~= "run.json" and name ~= "log.txt" then return false end
  end
  for _, name in ipairs { "/run.json", "/log.txt", "" } do os.remove(dir .. name) end
  return not base.exists(dir)
end

--- dir/filename, with the folders that it needs; an absolute filename stays as it is.
function M.inside(dir, filename)
  local path = filename
  if filename:sub(1, 1) ~= "/" and dir ~= "." then path = dir .. "/" .. filename end
  local parent = path:match "^(.+)/[^/]*$"
  if parent and not base.isdir(parent) then base.mkdir(parent) end
  return path
end

-- ---- data ------------------------------------------------------------------------------------------------------

local function trimmed(dir) return #dir > 1 and dir:gsub("/+$", "") or dir end

-- A root holds data-set folders; a folder of the data set's own name is one itself.
local function in_root(root, name, tried)
  root = trimmed(root)
  local inner = root .. "/" .. name
  if base.isdir(inner) then return inner end
  if base.isdir(root) and root:match "[^/]*$" == name then return root end
  tried[#tried + 1] = inner
end

local function from_options(name, tried)
  for _, given in ipairs(command.data) do
    local key, dir = given:match "^([%w_%.%-]+)=(.+)$"
    if key and not base.isdir(given) then
      if key == name then return trimmed(dir) end
    else
      local found = in_root(given, name, tried)
      if found then return found end
    end
  end
end

--- The folder of what can be made or fetched again: the environment variable LAMINA_CACHE, else lamina/ in
-- XDG_CACHE_HOME, else ~/.cache/lamina; nil where none of them is said.
function M.cache()
  local own = base.getenv "LAMINA_CACHE"
  if own and own ~= "" then return trimmed(own) end
  local xdg, home = base.getenv "XDG_CACHE_HOME", base.getenv "HOME"
  if xdg and xdg ~= "" then return trimmed(xdg) .. "/lamina" end
  return home and home ~= "" and trimmed(home) .. "/.cache/lamina" or nil
end

--- The folder of a data set: --data NAME=DIR, --data DIR, the environment variable LAMINA_DATA, then data/ in the
-- cache (~/.cache/lamina/data). nil and the list of places where it is not.
function M.find_data(name)
  local tried = {}
  local found = from_options(name, tried)
  if found then return found end
  local root = base.getenv "LAMINA_DATA"
  if root and root ~= "" then
    found = in_root(root, name, tried)
    if found then return found end
  end
  local cache = M.cache()
  if cache then found = in_root(cache .. "/data", name, tried) end
  return found, tried
end

return M
