-- Runs the scripts that reproduce rows of the list of experiments: what ./run reproduce runs.
--
--   lamina tests/reproduce/reproduce.lua LAMINA [options] ROW...
--
-- Each script runs in a process of its own, --jobs of them at a time; a shell's xargs starts them and gives a line
-- when one ends. What they print and what they save goes to runs/reproduce-N/.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"
local lines_of = require "lamina.experiment.report"

local page = require "page"
local rows = require "rows"

local USAGE = "usage: ./run reproduce ROW... | --all | --list   (./run help tells more)"

local function refuse(format, ...)
  io.stderr:write("reproduce: ", string.format(format, ...), "\n", USAGE, "\n")
  os.exit(2)
end

-- ---- arguments ---------------------------------------------------------------------------------------------------

local FLAGS = { ["--all"] = "all", ["--list"] = "list", ["--quick"] = "quick", ["--keep"] = "keep",
  ["--write"] = "write" }
local VALUES = { ["--jobs"] = "jobs", ["--json"] = "json", ["--out"] = "out", ["--scripts"] = "scripts",
  ["--data"] = "data" }

local function options(list)
  local o, i = { ids = {}, data = {}, scripts = "scripts", jobs = "1" }, 2
  while i <= #list do
    local name, given = list[i]:match "^(%-%-%a+)=(.*)$"
    name = name or list[i]
    local id = name:match "^[Ss]?(%d%d)$"
    if FLAGS[name] then
      o[FLAGS[name]] = true
    elseif VALUES[name] then
      if not given then i, given = i + 1, list[i + 1] end
      if not given then refuse("%s needs a value", name) end
      if name == "--data" then table.insert(o.data, given) else o[VALUES[name]] = given end
    elseif id then
      table.insert(o.ids, "S" .. id)
    else
      refuse("'%s' is neither a row, such as S16, nor one of --all, --list, --data DIR, --quick, --jobs N, --keep, "
        .. "--write, --json FILE, --out DIR", name)
    end
    i = i + 1
  end
  o.jobs = math.tointeger(tonumber(o.jobs)) or 0
  if o.jobs < 1 then refuse("--jobs must be a whole number from 1 on") end
  if not (o.all or o.list) and #o.ids == 0 then refuse("which rows? Name them, or say --all") end
  if o.all and #o.ids > 0 then refuse("--all runs every row; name none beside it") end
  o.write = o.write or o.all and not o.quick
  return o
end

-- ---- running -----------------------------------------------------------------------------------------------------

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function folder_for(o)
  if o.out then
    if base.exists(o.out) and #base.list(o.out) > 0 then
      refuse("--out: '%s' is not empty, and results are never overwritten; name another folder", o.out)
    end
    base.mkdir(o.out)
    return o.out
  end
  base.mkdir "runs"
  local n = 1
  while not base.mkdir_new("runs/reproduce-" .. n) do n = n + 1 end
  return "runs/reproduce-" .. n
end

local function spec_of(script) return string.format("tests/%s/%s_spec.lua", script.room, script.name) end

-- The command of a script's full form, or of its quick one.
local function command_of(o, lamina, script, out)
  local parts = { quoted(lamina) }
  if o.jobs > 1 then table.insert(parts, "--threads " .. math.max(1, base.threads() // o.jobs)) end
  if o.quick then
    table.insert(parts, "tests/run.lua " .. quoted(spec_of(script)))
  else
    table.insert(parts, quoted(script.path) .. " --out " .. quoted(out .. "/" .. script.name))
    for _, dir in ipairs(o.data) do table.insert(parts, "--data " .. quoted(dir)) end
  end
  return table.concat(parts, " ")
end

-- The job of a script: does nothing once one has failed or missed a gate (without --keep), and ends in a line.
local function job(o, lamina, script, out)
  local stop, stem = quoted(out .. "/stop"), out .. "/" .. script.name
  return string.format("[ -e %s ] && exit 0\nbegun=$(date +%%s.%%N)\n%s >%s 2>&1\nstatus=$?\n%s"
    .. "echo \"%s $status $begun $(date +%%s.%%N)\"\n", stop, command_of(o, lamina, script, out),
    quoted(stem .. ".log"), o.keep and "" or string.format("{ [ $status = 0 ] && ! grep -qs '\"pass\": *false' %s; }"
    .. " || : >%s\n", quoted(stem .. "/results.json"), stop), script.name)
end

-- Runs all; calls each(script, status, log, seconds) when one ends.
local function run_all(o, lamina, scripts, out, each)
  local by, names = {}, {}
  for i, script in ipairs(scripts) do
    by[script.name], names[i] = script, quoted(script.name)
    io_core.text_write(out .. "/" .. script.name .. ".sh", job(o, lamina, script, out))
  end
  local line = string.format("printf '%%s\\n' %s | xargs -P %d -I '{}' sh %s/'{}'.sh", table.concat(names, " "),
    o.jobs, quoted(out))
  local pipe = assert(io.popen(line, "r"))
  for ended in pipe:lines() do
    local name, status, from, to = ended:match "^(%S+) (%d+) (%S+) (%S+)$"
    if name then each(by[name], math.tointeger(status), out .. "/" .. name .. ".log", to - from) end
  end
  pipe:close()
  for _, script in ipairs(scripts) do os.remove(out .. "/" .. script.name .. ".sh") end
  os.remove(out .. "/stop")
end

local function tail(path, n)
  local lines = {}
  for line in io_core.text_read(path):gmatch "[^\n]+" do lines[#lines + 1] = "    " .. line end
  return table.concat(lines, "\n", math.max(1, #lines - n + 1))
end

-- The results of a script that has ended well, or nil and why there are none.
local function results_of(folder, status)
  local path = folder .. "/results.json"
  if status ~= 0 then return nil, "ended with status " .. status end
  if not base.exists(path) then return nil, "wrote no results.json: it declares no experiment" end
  local read = io_core.json_decode(io_core.text_read(path))
  if #read.results == 0 then return nil, "reported nothing" end
  return read
end

-- ---- the verb ----------------------------------------------------------------------------------------------------

local function print_list(o, scripts)
  local path = o.scripts .. "/README.md"
  local lines = base.exists(path) and page.lines(io_core.text_read(path), "results") or {}
  for _, script in ipairs(scripts) do
    for _, id in ipairs(script.ids) do
      local s = page.summary(lines[id])
      print(string.format("%s  %-44s %s", id, script.path, s and string.format("%d of %d pass%s", s.passed, s.gates,
        s.seconds and string.format(", %d s", s.seconds) or "") or "not yet run"))
    end
  end
end

local function write_page(o, runs, scripts)
  local path = o.scripts .. "/README.md"
  local text = base.exists(path) and io_core.text_read(path) or "# Scripts\n"
  for _, run in ipairs(runs) do
    local why
    run.picture, why = page.picture(run.folder, run.name, o.scripts .. "/pictures")
    if why then print(string.format("%s: %s", run.name, why)) end
  end
  io_core.text_write(path, page.updated(text, runs, scripts))
  print("written: " .. path)
end

local function main(list)
  local lamina, o = list[1], options(list)
  local scripts = rows.scripts(o.scripts)
  if o.list then return print_list(o, scripts) end
  local picked, missing = scripts, nil
  if not o.all then picked, missing = rows.pick(scripts, o.ids) end
  if not picked then refuse("no script reproduces %s; ./run reproduce --list tells which rows have one", missing) end
  local bad, passed, gates, runs, collected = 0, 0, 0, {}, {}
  local out = folder_for(o)

  local function fail(script, why, log)
    bad = bad + 1
    print(string.format("%s: %s\n%s", script.name, why, tail(log, 15)))
  end

  local function ended(script, status, log, seconds)
    if o.quick then
      if status ~= 0 then return fail(script, "its quick form, " .. spec_of(script) .. ", fails", log) end
      print(string.format("%s: the quick form passes, %.1f s", script.name, seconds))
      return
    end
    local read, why = results_of(out .. "/" .. script.name, status)
    if not read then return fail(script, why, log) end
    print(string.format("%s (%s): %.1f s", script.name, table.concat(script.ids, ", "), read.seconds))
    for _, r in ipairs(read.results) do
      print("  " .. lines_of.line(r))
      if r.pass ~= nil then gates, passed = gates + 1, passed + (r.pass and 1 or 0) end
      r.script, r.seconds = script.path, read.seconds
      collected[#collected + 1] = r
    end
    runs[#runs + 1] = { name = script.name, room = script.room, ids = script.ids, about = script.about,
      results = read.results, seconds = read.seconds, folder = out .. "/" .. script.name }
  end

  run_all(o, lamina, picked, out, ended)
  if o.write and #runs > 0 then write_page(o, runs, scripts) end
  if o.json then io_core.text_write(o.json, io_core.json_encode({ results = collected }, 2) .. "\n") end
  local done = o.quick and #picked - bad or #runs
  print(string.format("%d of %d scripts ran%s; what they printed is in %s", done, #picked,
    o.quick and "" or string.format(", %d of %d gates pass", passed, gates), out))
  if done < #picked or passed < gates then os.exit(1) end
end

main(arg)
