--- Experiments: a name, a seed, parameters, an output folder, and results.json.
--
--   local p = experiment "lenet-mnist" { seed = 1, params = { rate = 3e-3, epochs = 3 } }
--   report { metric = "test_error", value = 0.0098, threshold = 0.011 }
--
-- The folder holds run.json (what was begun: script, seed, parameters, process), log.txt (what was printed, with the
-- time in UTC) and, at the end, results.json: engine and numerics version, seed, parameters, SHA-256 of the script,
-- of every file read and of the final weights, processor, threads, and the reported results. It is written whatever
-- the end is; `status` is done, failed or interrupted (ended, where a stock Lua does not tell which). A new folder in
-- runs/ goes again where the script failed before anything came of it.
local base = require "lamina.core.base"
local command = require "lamina.core.command"
local compatible = require "lamina.compatible"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local folder = require "lamina.experiment.folder"
local params = require "lamina.experiment.params"
local rows = require "lamina.experiment.report"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local current       -- the experiment that has begun and not ended
local plain_folder  -- where a script without an experiment writes

-- ---- hashes of what was read -----------------------------------------------------------------------------------

local derived = {}  -- files that hold what can be computed again

--- Says of a file that what it holds was computed from what the run has read, as the entries of a cache are: it is no
-- input, and results.json does not list it.
function M.derived(path) derived[path] = true end

-- Hashes files soon after they are read, so that one that changes later does not go unnoticed.
local function hash_files()
  if not current then return end
  local known, own = current.hashes, current.dir .. "/"
  for _, path in ipairs(core_io.files_read()) do
    if path:sub(-1) == "/" then
      current.folders[path] = true
    elseif not known[path] and not derived[path] and path:sub(1, #own) ~= own and path ~= command.script then
      known[path] = errors.try(base.sha256_file, path) or "unreadable"
    end
  end
end

--- Notes a file that the script has read, for results.json. hash: of what was read, where the reader took it.
function M.record_file(path, hash)
  core_io.files_note(path)
  if current and hash then current.hashes[path] = hash end
  hash_files()
end

--- Notes the weights whose digest results.json is to hold: an object with `name` and :digest(), asked at the end; or
-- a name and a digest. A later one of the same name takes the place of an earlier one.
function M.record_weights(object, digest)
  if not current then return end
  local name = type(object) == "string" and object or object.name
  current.weights[name] = digest or object
  hash_files()
end

-- ---- the log ---------------------------------------------------------------------------------------------------

local stock_print = print

local function log(text)
  local file = current and current.log
  if not file then return end
  local stamp = base.utc()
  for line in (text .. "\n"):gmatch "(.-)\n" do file:write(stamp, " ", line, "\n") end
  local ok, message = file:flush()
  if not ok then
    current.log = nil
    file:close()
    errors.raise("io", 2, "%s/log.txt: cannot write: %s", current.dir, message)
  end
end

--- print(...), which an experiment's log also receives.
local function logged_print(...)
  stock_print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = tostring(parts[i]) end
  log(table.concat(parts, "\t"))
  if current then current.new = false end
end

local function open_log()
  local path = current.dir .. "/log.txt"
  local file, message = io.open(path, "ab")
  if not file then errors.raise_at(nil, "io", "%s", message) end
  current.log = file
  rawset(_G, "print", logged_print)
end

--- The name and the SHA-256 of the script; nil where there is none, as at the prompt.
function M.script_record()
  local path = command.script
  local text = path and command.sources[path == "-" and "standard input" or path]
  if not text then return nil end
  return { path = path:match "[^/]*$", sha256 = base.sha256(text) }
end

-- ---- beginning -------------------------------------------------------------------------------------------------

local FIELDS = schema.document("experiment", {
  seed = { type = "integer", default = 1, min = 0, doc = "of every random number; --seed replaces it" },
  params = { type = "table", default = {}, doc = "what may be changed from the command line, with defaults" },
  lamina = { type = "string", doc = "the versions of Lamina that the script is for, such as \">=1.0\"" },
  about = { type = "string", doc = "a line or two: what is done and what is expected" },
})

local function asked_for_help()
  for _, argument in ipairs(command.args) do
    if argument == "--help" or argument == "-h" then return true end
  end
end

local function set_seed(seed)
  tensor.seed(seed)
  math.randomseed(seed)
end

-- os.exit ends the experiment first.
local function guard_exit()
  local stock_exit = os.exit
  rawset(os, "exit", function(code, close)
    local good = code == nil or code == true or code == 0
    local e = not good and errors.new { kind = "script", message = "os.exit(" .. tostring(code) .. ")" } or nil
    if e then e.asked = true end -- the script ends as it means to
    M.finish(e)
    stock_exit(code, close)
  end)
end

local exit_guarded = false

-- The units of the parameters that have one, by name.
local function units_of(specs)
  local units = {}
  for name, spec in pairs(specs) do units[name] = spec.unit end
  return next(units) and units or nil
end

local function begin(name, given, position)
  local o = schema.check(string.format("experiment %q", name), given, FIELDS, position)
  if o.lamina then compatible.check(o.lamina, position) end
  if current then
    errors.raise("state", position, "experiment %q: the experiment %q has already begun; %s", name, current.name,
      require("lamina.strict").prompt and "%reset ends it, and so does %load FILE before it runs the file"
        or "a script has one")
  end
  local specs = params.declared(o.params, position)
  if command.stock then require("lamina.experiment.stock").take(position) end
  if asked_for_help() then
    params.resolve(specs, {}, command.sets, true) -- `lamina sweep` asks so whether its values may be
    stock_print(params.help(name, o, specs, command.script))
    error(errors.new { kind = "exit", message = "", code = 0 }, 0)
  end
  local values = params.resolve(specs, command.args, command.sets)
  local seed = command.seed or o.seed
  local record = { experiment = name, seed = seed, params = setmetatable(values, { __json = "object" }),
    units = units_of(specs), script = M.script_record(), lamina = base.version, numerics = base.numerics,
    started = base.utc(), pid = base.pid(), pid_since = base.process(), host = base.hostname() }
  local dir, resumed, new = folder.make(name, record)
  current = { name = name, seed = seed, params = values, units = record.units, hashes = {}, folders = {},
    weights = {}, results = {}, reported = {}, started = record.started, clock = base.clock(), dir = dir,
    trainings = 0, new = new }
  set_seed(current.seed)
  open_log()
  if command.stock then -- a stock Lua: it ends when the state is closed, after which the log could not be written
    current.ending = setmetatable({}, { __gc = function() M.finish() end })
  end
  if not exit_guarded then
    exit_guarded = true
    guard_exit()
  end
  if resumed then print("resume: " .. resumed) end
  log(string.format("experiment %s, seed %d, %slamina %s, numerics %d", name, current.seed,
    next(values) and tostring(params.view(values)) .. ", " or "", base.version, base.numerics))
  hash_files()
  return params.view(values)
end

--- experiment "NAME" { seed = 1, params = { rate = 3e-3 }, about = }: begins it and returns the parameters, with the
-- values of the command line. Sets the seed, makes the output folder (--out DIR, else runs/NAME-1, -2, ...). Raises
-- for an argument that the script does not declare (exit code 2), and for --out with finished results.
-- A parameter's type is that of its default: 3 a whole number, 3.0 any number, a string, true or false, or a list.
-- What else holds for it stands beside the default: min, max (included), above, below (excluded), choices, unit, doc:
--   rate = { 3e-3, above = 0, max = 1, doc = "learning rate" }
--   window = { 70.0, min = 0, unit = "ms" }     (--window 62.5 or --window 62.5ms)
--   loss = { choices = { "mse", "poisson" } }   (the first is the default)
-- > p = experiment "tuning" { seed = 1, params = { rate = 3e-3, cells = { 20, min = 1 } } }
-- > p.rate, p.cells   --> 0.003 20
function M.experiment(name, ...)
  local at = errors.position(2)
  if type(name) ~= "string" or not name:match "^[%w][%w_%.%-]*$" then
    errors.raise("argument", at, "experiment: expected a name of letters, digits, '-', '_' and '.', as in experiment "
      .. "\"lenet-mnist\" { seed = 1 }, got %s", type(name) == "string" and "'" .. name .. "'" or "a " .. type(name))
  end
  require("lamina.model.words").name_alone("experiment", at, ...)
  return function(given)
    return begin(name, given, errors.position(2))
  end
end

-- ---- reporting -------------------------------------------------------------------------------------------------

local SCORE = {
  positional = { "score" },
  score = { type = "any", required = true, doc = "a score" },
  name = { type = "string", doc = "what is put before the metric of each of its results" },
}

local MOST_LINES = 8 -- a longer score is noted without a line for each row

-- Warns of a metric that the run has reported before: tables of runs have one column for it.
local function warn_of_twice(row, position)
  local key = row.id and row.id .. " " .. row.metric or row.metric
  if current.reported[key] and not current.told_of_twice then
    current.told_of_twice = true -- once in a run: it may report a thousand times
    errors.warn(position, "report: '%s' was reported before; of values of one name lamina runs shows the last, and "
      .. "--several mean or all more; report { score, name = \"ridge\" } puts a name before the metrics of a score",
      row.metric)
  end
  current.reported[key] = true
end

local function add(spec, position, quiet)
  local row = rows.row(spec, position)
  if current then
    warn_of_twice(row, position)
    current.results[#current.results + 1] = row
  end
  if not quiet then print(rows.line(row)) end
end

-- A score among what report is given, and the name that is put before its metrics.
local function score_of(given, position)
  local function is_score(value) return type(value) == "table" and getmetatable(value) and value.results ~= nil end
  if is_score(given) then return given end
  if type(given) ~= "table" or getmetatable(given) or not is_score(given[1]) then return nil end
  local o = schema.check("report", given, SCORE, position)
  return o.score, o.name
end

--- report { metric =, value =, threshold =, comparison =, id =, label =, published =, what = } notes a result and
-- prints it; report(score) notes those of a score, which gives them as rows through score:results(), and report {
-- score, name = "ridge" } puts a name before their metrics, so that several scores are told apart. comparison is one
-- of <=, <, >=, >, ==, +- (threshold { value, tolerance }), in (threshold { low, high }); label is exact or close;
-- published is what the source reports.
-- > report { metric = "orientation bandwidth", value = 38, threshold = { 20, 60 }, comparison = "in" }
function M.report(given, ...)
  local position = errors.position(2)
  schema.alone("report", "report { metric = \"accuracy\", value = 0.9 }, once for each", position, ...)
  hash_files()
  local score, name = score_of(given, position)
  if score then
    local results = score:results()
    for _, row in ipairs(results) do
      if name then row.metric = name .. " " .. row.metric end
      add(row, position, #results > MOST_LINES)
    end
    if #results > MOST_LINES then print(string.format("%d results noted: %s", #results, score.kind or "score")) end
  else
    if type(given) ~= "table" then
      errors.raise("argument", position, "report: expected { metric =, value = } or a score, got a %s", type(given))
    end
    add(given, position)
  end
end

-- ---- places ----------------------------------------------------------------------------------------------------

--- The path of a file in the experiment's folder, whose parent is made; without an experiment in --out, else as is.
function M.path(filename)
  local dir = current and current.dir or plain_folder
  if not dir then
    dir = command.out or "."
    if dir ~= "." then base.mkdir(dir) end
    plain_folder = dir
  end
  if filename:sub(1, #dir + 1) == dir .. "/" then return folder.inside(".", filename) end
  return folder.inside(dir, filename)
end

--- The path of a file to read: in the folder of the experiment where it is there, else as given.
function M.find(filename)
  local dir = current and current.dir or plain_folder or command.out
  if dir and filename:sub(1, 1) ~= "/" and base.exists(dir .. "/" .. filename) then return dir .. "/" .. filename end
  return filename
end

--- The seed of the experiment, or of the script.
function M.seed() return current and current.seed or tensor.seed() end

--- Says that a training begins: however the run ends, its folder stays.
function M.keep_folder()
  if current then current.new = false end
end

--- Where the next training of a run that keeps checkpoints by itself (`lamina run`, --resume) keeps its own: a file
-- of the experiment's folder, and whether to go on from it where it is there. nil where runs are not kept so.
function M.next_checkpoint()
  if not current or not command.managed then return nil end
  current.trainings = current.trainings + 1
  return string.format("checkpoints/%d.safetensors", current.trainings), command.resume
end

--- The name of the experiment that is running; nil where there is none.
function M.name() return current and current.name end

--- The folder of a data set (see --data). Where it is nowhere, raises at `position`, telling where it was looked for
-- and what the folder should hold; without `needs`, returns nil and the list of places.
function M.data_root(name, position, needs)
  local found, tried = folder.find_data(name)
  if found or not needs then return found, tried end
  local notes = { "  needed: " .. needs }
  for _, place in ipairs(tried) do notes[#notes + 1] = "  not there: " .. place end
  notes[#notes + 1] = string.format("  say where it is: --data DIR (DIR/%s holds them) or --data %s=DIR", name, name)
  errors.raise_with(notes, "io", position, "the data set '%s' was not found", name)
end

-- ---- the end ---------------------------------------------------------------------------------------------------

local function list_of_files()
  hash_files()
  local list = {}
  for path, hash in pairs(current.hashes) do list[#list + 1] = { path = path, sha256 = hash } end
  return list
end

local function list_of_folders()
  local list = {}
  for path in pairs(current.folders) do list[#list + 1] = path end
  return #list > 0 and list or nil
end

local function list_of_weights()
  local list = {}
  for name, value in pairs(current.weights) do
    local digest = value
    if type(value) ~= "string" then digest = errors.try(value.digest, value) end
    list[#list + 1] = { name = name, sha256 = digest }
  end
  return list
end

local function document(e)
  local status = not e and (command.stock and "ended" or "done") or e.kind == "interrupt" and "interrupted"
    or "failed"
  return {
    lamina = base.version, numerics = base.numerics, experiment = current.name, status = status,
    error = e and tostring(e) or nil, seed = current.seed,
    params = setmetatable(current.params, { __json = "object" }), units = current.units,
    script = M.script_record(), files = list_of_files(),
    folders = list_of_folders(),
    weights = list_of_weights(), started = current.started, ended = base.utc(),
    seconds = base.clock() - current.clock, processor = base.cpu(), threads = base.threads(), isa = base.isa(),
    results = current.results,
  }
end

-- One SHA-256 of what a run promises to give again everywhere: the final weights and the rows of `report`, those that
-- are exact with their value, those that are close without. The lines are hashed as they stand here.
local function digest_of(values)
  local lines = {}
  for _, w in ipairs(values.weights) do lines[#lines + 1] = string.format("weights %s %s", w.name, w.sha256) end
  table.sort(lines)
  for _, r in ipairs(values.results) do
    lines[#lines + 1] = string.format("result %s %s %s", r.id or "-", r.metric,
      r.label == "exact" and string.format("%.17g", r.value) or "close")
  end
  return base.sha256(table.concat(lines, "\n"))
end

-- Whether a run failed before anything came of it: it printed, trained, reported and wrote nothing. Its folder is
-- withdrawn; the error is told by the command.
local function is_false_start(e)
  return e and current.new and e.kind ~= "interrupt" and not e.asked and #current.results == 0
end

local digest_due = command.digest

--- Ends the experiment: writes results.json, closes the log and, with the command's --digest, prints the digest of
-- weights and results as the last line. e: the error that ended the script, or nil. The command calls it after the
-- script; more calls do nothing.
function M.finish(e)
  if not current and not e and digest_due then
    digest_due = false
    errors.raise("usage", {}, "--digest: the script declares no experiment, whose weights and results it would be of")
  end
  if not current or e and e.kind == "exit" then return end
  local ended, values, path = current, document(e), current.dir .. "/results.json"
  local false_start = is_false_start(e)
  local shown = command.passing and "results.json" or path
  errors.try(log, e and "error: " .. tostring(e) or "results: " .. shown)
  if current.log then current.log:close() end
  if command.trace then require("lamina.trace").finish() end
  current = nil
  if false_start and folder.withdraw(ended.dir) then return end
  plain_folder = ended.dir
  core_io.text_write(path, core_io.json_encode(values, 2) .. "\n")
  if not e and not command.passing then stock_print("results: " .. path) end
  if not e and digest_due then stock_print("digest: " .. digest_of(values)) end
  digest_due = false
end

return M
