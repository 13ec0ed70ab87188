--- Checking a bundle: its hashes, its signature, and its results, against a run of its script in the sandbox.
local bag = require "lamina.bundle.bag"
local base = require "lamina.core.base"
local compare = require "lamina.bundle.compare"
local core = require "lamina.core.bundle"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local inputs = require "lamina.bundle.inputs"
local keys = require "lamina.bundle.keys"
local pack = require "lamina.bundle.pack"
local params = require "lamina.experiment.params"
local process = require "lamina.core.process"
local trace = require "lamina.trace"

local M = {}

-- What is no result: it holds times, or says what the others say.
local NOTES = { ["log.txt"] = true, ["trace.tsv"] = true, ["results.json"] = true }

local function bad(format, ...) errors.raise_at(nil, "format", format, ...) end

-- ---- opening ---------------------------------------------------------------------------------------------------

-- The folder of the bag: a folder as it is, an archive unpacked into scratch.
local function open(path, scratch, limits)
  if base.isdir(path) then return (path:gsub("(.)/+$", "%1")) end
  local dir = scratch .. "/bag"
  base.mkdir(dir)
  core.zip_unpack(path, dir, limits.bytes, limits.files)
  local names = base.list(dir)
  if #names ~= 1 or not base.isdir(dir .. "/" .. names[1]) then
    bad("%s: this is no bundle: it holds %d things, expected one folder, a bag", path, #names)
  end
  return dir .. "/" .. names[1]
end

-- Who signed: { key =, fingerprint = }, nil where nobody did. Raises where the signature is not that of the bag.
local function signature(b)
  local signed, signer = b.dir .. "/tagmanifest-sha256.txt.sig", b.dir .. "/signer.pub"
  if not base.exists(signed) then return nil end
  local text = core_io.text_read(signed)
  if #text ~= 64 or not base.exists(signer) then bad("%s: the signature is damaged", b.dir) end
  local key = keys.read_public(signer)
  if not core.sign_check(text, key, b.tagmanifest) then
    bad("%s: the signature is wrong: the bundle was changed after it was signed, or not signed by this key", b.dir)
  end
  return { key = key, fingerprint = keys.fingerprint(key) }
end

local function check_key(b, path)
  local wanted = keys.read_public(path)
  local by = signature(b)
  if not by then bad("%s: the bundle is not signed, and --key asks for a signature", b.dir) end
  if by.key ~= wanted then
    bad("%s: signed by another key (%s) than %s (%s)", b.dir, by.fingerprint, path, keys.fingerprint(wanted))
  end
  return by
end

local function is_list(value) return type(value) == "table" end

-- The name of an experiment.
local function is_name(text)
  return type(text) == "string" and #text <= 200 and text:find "^[%w][%w_%.%-]*$" ~= nil
end

-- An entry of data/bundle.json: a file's name below data/, its hash, and of a data set's file where it lies there.
local function is_entry(e)
  if not is_list(e) or type(e.name) ~= "string" or not bag.is_inside(e.name) or type(e.sha256) ~= "string" then
    return false
  end
  if e.inner == nil then return true end
  return type(e.inner) == "string" and bag.is_inside(e.inner) and type(e.set) == "string"
    and e.set:find "^[%w_%.%-]+$" ~= nil and bag.is_inside(e.set) and e.name == "inputs/" .. e.set .. "/" .. e.inner
end

-- A bundle that allows more is not asked for its own verdict.
local MOST_TOLERANCE = 0.01

-- The most bytes of data/bundle.json and of a results.json, which are read before anything is compared.
local MOST_JSON = 64 << 20

-- data/bundle.json, its fields checked: what it says decides what is run.
local function description(b)
  local path = b.dir .. "/data/bundle.json"
  if not base.exists(path) then bad("%s: this bag is no bundle of lamina: it has no data/bundle.json", b.dir) end
  if process.size(path) > MOST_JSON then bad("%s: damaged: it has more than %d bytes", path, MOST_JSON) end
  local d = core_io.json_read(path)
  if type(d) ~= "table" or d.format ~= pack.FORMAT then
    bad("%s: this lamina reads bundles of the format '%s', not '%s'", path, pack.FORMAT,
      tostring(type(d) == "table" and d.format))
  end
  local fine = is_name(d.experiment) and type(d.script) == "string" and bag.is_inside(d.script)
    and d.script:sub(1, 1) ~= "-" and b.manifest["data/work/" .. d.script] and math.type(d.seed) == "integer"
    and is_list(d.params) and type(d.tolerance) == "number" and is_list(d.inputs) and is_list(d.results)
    and is_list(d.code)
  if not fine then bad("%s: damaged: a field is missing or is not what it should be", path) end
  if not (d.tolerance >= 0 and d.tolerance <= MOST_TOLERANCE) then
    bad("%s: the bundle calls results close that differ by %g; more than %g is for you to say, with --tolerance",
      path, d.tolerance, MOST_TOLERANCE)
  end
  for name in pairs(d.params) do
    if type(name) ~= "string" or not name:match "^[%a_][%w_]*$" then
      bad("%s: a parameter without a proper name", path)
    end
    if params.is_reserved(name) then
      bad("%s: a parameter called '%s', which is an option of the command: refused", path, name)
    end
  end
  for _, list in ipairs { d.inputs, d.results, d.code } do
    for _, e in ipairs(list) do
      if not is_entry(e) then bad("%s: damaged: an entry without a proper name or hash", path) end
    end
  end
  return d
end

-- ---- running ---------------------------------------------------------------------------------------------------

local function parameter_text(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, v in ipairs(value) do parts[i] = tostring(v) end
  return table.concat(parts, ",")
end

local function arguments(b, d, o, out, data)
  local args = { "--untrusted", "--read", ".", "--trace", "--passing-out", "--out", out, "--seed", tostring(d.seed) }
  local function add(...) for _, word in ipairs { ... } do args[#args + 1] = word end end
  add(table.unpack(data))
  local held = process.real_path(b.dir .. "/data/inputs")
  if held then add("--data", held) end
  for _, name in ipairs { "threads", "memory", "lua_memory", "wall_time", "cpu_time", "file_size", "output_size",
    "processes", "all_threads", "print_size" } do
    if o[name] then add("--" .. name:gsub("_", "-"), tostring(o[name])) end
  end
  add("--", "./" .. d.script) -- what comes after -- is the script's: no parameter is an option of the engine
  local names = {}
  for name in pairs(d.params) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do add("--" .. name .. "=" .. parameter_text(d.params[name])) end
  return args
end

local SAID, LINE = 16384, 400 -- bytes at the end that are looked at, and the most of one line

-- The last n lines of a file that a script wrote, each behind a mark, so that none looks like a line of the verdict.
local function tail(path, n)
  local file, lines = io.open(path, "rb"), {}
  if not file then return lines end
  local size = file:seek "end"
  file:seek("set", math.max(0, size - SAID))
  local text = file:read(SAID) or ""
  file:close()
  for line in text:gmatch "[^\n]+" do
    lines[#lines + 1] = "  | " .. (#line > LINE and line:sub(1, LINE) .. " ..." or line)
  end
  return table.move(lines, math.max(1, #lines - n + 1), #lines, 1, {})
end

-- A run made elsewhere instead: its folder, which must hold results of this script with this seed.
local function finished(d, dir)
  local path = dir .. "/results.json"
  if not base.exists(path) then
    errors.raise_at(nil, "io", "verify: --run %s: there is no results.json in it", dir)
  end
  local results = core_io.json_read(path)
  local script = type(results) == "table" and results.script
  if not script or script.sha256 ~= d.script_sha256 or results.seed ~= d.seed then
    errors.raise_at(nil, "usage", "verify: --run %s: this is no run of the bundle's script with seed %d", dir, d.seed)
  end
  return dir, results.status == "done" and 0 or 1, {}
end

-- Runs it; returns the folder of its results and how it ended.
local function run(b, d, o, scratch, data)
  local out = scratch .. "/run"
  base.mkdir(out)
  local code = process.lamina(arguments(b, d, o, out, data), { dir = b.dir .. "/data/work",
    out = not o.verbose and "/dev/null" or nil, err = scratch .. "/err" })
  if code == 130 then errors.raise_at(nil, "interrupt", "interrupted") end
  return out, code, tail(scratch .. "/err", 12)
end

-- ---- comparing -------------------------------------------------------------------------------------------------

local function row(report, what, verdict, note, counts)
  report[#report + 1] = { what = what, verdict = verdict, note = note, counts = counts ~= false }
end

-- A name as a line of the verdict shows it: in quotes unless it is plain letters and signs, as any kind of space in
-- it could look like more columns.
local function shown(name)
  name = tostring(name)
  return name:find "[^%w%p]" and "'" .. name .. "'" or name
end

-- results.json as far as it is one: a list of named weights and a list of results with a number or none.
local function read_results(dir)
  local path = dir .. "/results.json"
  local there = base.exists(path) and not base.isdir(path) and process.size(path) <= MOST_JSON
  local results = there and errors.try(core_io.json_read, path)
  if type(results) ~= "table" then return nil end
  for _, name in ipairs { "weights", "results" } do
    local list = results[name] or {}
    if not is_list(list) then return nil end
    for _, e in ipairs(list) do
      if not is_list(e) or e.value ~= nil and type(e.value) ~= "number" then return nil end
    end
  end
  return results
end

local function compare_weights(report, a, b)
  local here = {}
  for _, w in ipairs(b and b.weights or {}) do here[w.name] = w.sha256 end
  for _, w in ipairs(a.weights or {}) do
    local found = here[w.name]
    local verdict = not found and "missing" or found == w.sha256 and "exact" or "different"
    row(report, "weights " .. shown(w.name), verdict, verdict == "exact" and tostring(w.sha256):sub(1, 16)
      or not found and "this run has none of that name" or nil)
  end
end

-- The rows of `report`, told apart by id, metric and how often they came before.
local function keyed(results)
  local list, seen = {}, {}
  for _, r in ipairs(results and results.results or {}) do
    local name = (r.id and shown(r.id) .. " " or "") .. shown(r.metric)
    seen[name] = (seen[name] or 0) + 1
    list[#list + 1] = { name = seen[name] > 1 and name .. " (" .. seen[name] .. ")" or name, value = r.value }
  end
  return list
end

local function compare_rows(report, a, b, tolerance)
  local here = {}
  for _, r in ipairs(keyed(b)) do here[r.name] = r end
  for _, r in ipairs(keyed(a)) do
    local other = here[r.name]
    if not other then
      row(report, "result " .. r.name, "missing", "this run did not report it")
    elseif r.value == nil or other.value == nil then -- NaN is no number of JSON
      row(report, "result " .. r.name, r.value == other.value and "exact" or "different", "not a number")
    else
      local verdict, note = compare.numbers(r.value, other.value, tolerance)
      row(report, "result " .. r.name, verdict, note)
    end
    here[r.name] = nil
  end
  for _, r in ipairs(keyed(b)) do
    if here[r.name] then
      row(report, "result " .. r.name, "different", "the bundle does not hold it, this run reported it")
    end
  end
end

local function parting(b, out)
  local there, here = b.dir .. "/data/results/trace.tsv", out .. "/trace.tsv"
  for _, path in ipairs { there, here } do
    if not base.exists(path) or base.isdir(path) then return nil end
  end
  if compare.oversize(there, here, compare.TEXT) then return nil end
  return trace.compare(core_io.text_read(there), core_io.text_read(here))
end

local function compare_all(b, d, out, tolerance)
  local report = {}
  local stated, given = b.dir .. "/data/results", out .. "/results.json"
  local a = read_results(stated)
  if not a then bad("%s: the bundle holds no proper data/results/results.json", b.dir) end
  local c = base.exists(given) and not base.isdir(given) and not compare.oversize(stated .. "/results.json", given)
    and read_results(out) or nil
  compare_weights(report, a, c)
  compare_rows(report, a, c, tolerance)
  for _, e in ipairs(d.results) do
    local name = e.name:match "^results/(.+)$"
    if name and not NOTES[name] then
      local verdict, note = compare.files(b.dir .. "/data/" .. e.name, out .. "/" .. name, tolerance)
      row(report, shown(name), verdict, note, not (verdict == "different" and compare.is_drawing(name)))
    end
  end
  if #report == 0 then bad("%s: the bundle states no weights and no results, so nothing can be compared", b.dir) end
  return report, parting(b, out)
end

-- ---- the whole -------------------------------------------------------------------------------------------------

-- The folder that an archive was unpacked into is no name for a message.
local function renamed(e, scratch, path)
  local from = (scratch .. "/bag/"):gsub("%p", "%%%0")
  local function named(text) return (tostring(text):gsub(from .. "[^/:]*", function() return path end)) end
  e.message = named(e.message)
  for i, note in ipairs(e.notes or {}) do e.notes[i] = named(note) end
  return e
end

local function check(path, o, scratch)
  local dir = open(path, scratch, { bytes = o.unpacked, files = o.unpacked_files })
  local b = bag.read(dir)
  local by = o.key and check_key(b, o.key) or signature(b)
  local d = description(b)
  local data = o.run and {} or inputs.arguments(b, d, o, path)
  local result = { experiment = d.experiment, signer = by, numerics = d.numerics, lamina = d.lamina, files = 0 }
  for _ in pairs(b.manifest) do result.files = result.files + 1 end
  result.files = result.files - #b.absent
  if o.only_hashes then return result end
  local out, code, said
  if o.run then out, code, said = finished(d, o.run) else out, code, said = run(b, d, o, scratch, data) end
  result.code, result.said = code, said
  result.tolerance = o.tolerance or d.tolerance
  result.rows, result.parting = compare_all(b, d, out, result.tolerance)
  result.verdict = code == 0 and "exact" or "different"
  for _, r in ipairs(result.rows) do
    if r.counts then result.verdict = compare.worse(result.verdict, r.verdict) end
  end
  return result
end

--- Checks the bundle at a path, an archive or a folder. o: key, data, fetch, fetch_size, run (the folder of a run
-- to compare with, instead of running), tolerance, only_hashes, verbose, unpacked, unpacked_files, and the limits of
-- the run. Returns
-- { experiment =, files =, signer =, rows = { { what =, verdict =, note = }, ... }, parting =, verdict =, code =,
-- said = }. Raises for a bundle that is damaged, forged or lacks data.
function M.verify(path, o)
  local scratch, budget, machine = process.scratch(), base.memory().budget, base.memory().machine
  base.set_budget(o.memory or machine // 2) -- what is compared was written by others: a bomb is no tensor
  local ok, result = xpcall(check, function(e) return errors.from(e, debug.traceback("", 2)) end, path, o, scratch)
  base.set_budget(budget)
  process.remove_tree(scratch)
  if not ok then error(renamed(result, scratch, path), 0) end
  return result
end

return M
