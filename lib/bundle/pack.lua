--- Making a bundle: runs an experiment (or takes a finished run) and packs script, modules, inputs and results.
--
-- NAME.lamina.zip holds one folder, NAME, a BagIt bag; its payload is
--   data/work/      the script, the modules it required and the files it read, as they lay below the working folder
--   data/inputs/    what came from data sets (--data), by data set
--   data/results/   what the run wrote
--   data/bundle.json and data/ro-crate-metadata.json: how it was run, what it read, what it gave
local bag = require "lamina.bundle.bag"
local base = require "lamina.core.base"
local core = require "lamina.core.bundle"
local core_io = require "lamina.core.io"
local crate = require "lamina.bundle.crate"
local errors = require "lamina.errors"
local keys = require "lamina.bundle.keys"
local process = require "lamina.core.process"

local M = {}

M.FORMAT = "lamina bundle 1"
M.TOLERANCE = 1e-6

local function fail(kind, format, ...) errors.raise_at(nil, kind, "pack: " .. format, ...) end

-- ---- where things lie ------------------------------------------------------------------------------------------

local function absolute(path) return process.real_path(path) or fail("usage", "there is no '%s'", path) end

-- The folder that the script runs in, and the script's path from there: the present one where the script lies below
-- it, else the script's own.
local function places(script)
  local here, real = absolute ".", process.real_path(script)
  if not real or base.isdir(real) then fail("usage", "there is no script '%s'", script) end
  if script:sub(1, 1) ~= "/" and bag.is_inside((script:gsub("^%./", ""))) then
    return here, (script:gsub("^%./", ""))
  end
  return real:match "^(.*)/[^/]*$", real:match "[^/]*$"
end

-- The roots of data sets: of --data, LAMINA_DATA and the cache, as the run sees them: { path =, name = } (name: of
-- the data set that the folder itself is).
local function data_roots(given)
  local roots = {}
  local function add(path, name)
    roots[#roots + 1] = { path = (path:gsub("(.)/+$", "%1")), name = name }
  end
  for _, text in ipairs(given) do
    local name, path = text:match "^([%w_%.%-]+)=(.+)$"
    if name and not base.isdir(text) then add(absolute(path), name) else add(absolute(text)) end
  end
  local environment = base.getenv "LAMINA_DATA"
  if environment and environment ~= "" then add(environment) end
  local cache = require("lamina.experiment.folder").cache()
  if cache then add(cache .. "/data") end
  return roots
end

-- The data set and the path inside it of a file that was read; nil where it is in no data set.
local function in_data_set(path, roots)
  for _, root in ipairs(roots) do
    if path:sub(1, #root.path + 1) == root.path .. "/" then
      local rest = path:sub(#root.path + 2)
      if root.name then return root.name, rest end
      local name, inner = rest:match "^([^/]+)/(.+)$"
      if name then return name, inner end
      return root.path:match "[^/]*$", rest -- a root that is one data set's own folder
    end
  end
end

-- ---- running ---------------------------------------------------------------------------------------------------

-- The options that a run needs beside the script's own.
local function run_script(o, cwd, script, scratch)
  local out = scratch .. "/run"
  local args = { "--trace", "--passing-out", "--out", out }
  for _, text in ipairs(o.data or {}) do
    local name, path = text:match "^([%w_%.%-]+)=(.+)$"
    local is_named = name and not base.isdir(text)
    table.move({ "--data", is_named and name .. "=" .. absolute(path) or absolute(text) }, 1, 2, #args + 1, args)
  end
  for _, name in ipairs { "seed", "threads", "memory", "lua_memory" } do
    if o[name] then table.move({ "--" .. name:gsub("_", "-"), tostring(o[name]) }, 1, 2, #args + 1, args) end
  end
  args[#args + 1] = script
  table.move(o.passed, 1, #o.passed, #args + 1, args)
  local code = process.lamina(args, { dir = cwd })
  if code ~= 0 then
    errors.raise_with({}, code == 130 and "interrupt" or code == 2 and "usage" or "script", {},
      "pack: the script did not end well (exit code %d): nothing was packed", code)
  end
  return out
end

local function read_results(run)
  local path = run .. "/results.json"
  if not base.exists(path) then
    fail("usage", "%s has no results.json: the script declares no experiment \"NAME\" {...}, whose run a bundle "
      .. "holds", run)
  end
  local results = core_io.json_read(path)
  if type(results) ~= "table" or results.status ~= "done" then
    fail("usage", "%s: the run has status '%s'; only a run that is done can be packed", path,
      tostring(type(results) == "table" and results.status))
  end
  return results
end

-- ---- gathering -------------------------------------------------------------------------------------------------

local Gather = {}
Gather.__index = Gather

function Gather:add(list, name, path, more)
  if self.names[name] then return self.names[name] end
  local entry = { name = name, path = path, sha256 = base.sha256_file(path), bytes = process.size(path) }
  for key, value in pairs(more or {}) do entry[key] = value end
  self.names[name] = entry
  list[#list + 1] = entry
  return entry
end

-- Where a path that the run read goes in the bundle: list, name, more.
function Gather:place(path)
  local set, inner = in_data_set(path, self.roots)
  if set then
    local how = self.o.address[set] and "fetch" or self.o.left[set] and "left" or "held"
    local url = self.o.address[set] and self.o.address[set]:gsub("/*$", "/")
      .. inner:gsub("[^%w%-%._~/]", function(c) return string.format("%%%02X", c:byte()) end)
    return self.inputs, "inputs/" .. set .. "/" .. inner, { how = how, url = url, set = set, inner = inner }
  end
  local relative = path:gsub("^%./", ""):gsub("/%./", "/"):gsub("//+", "/")
  if not bag.is_inside(relative) then
    fail("usage", "the run read '%s', which another lab will not have under that name; name it relative to the "
      .. "working folder (below it), or read it as a data set from --data", path)
  end
  return relative:match "%.lua$" and self.code or self.inputs, "work/" .. relative, { how = "held" }
end

function Gather:read(path, recorded)
  local list, name, more = self:place(path)
  local real = path:sub(1, 1) == "/" and path or self.cwd .. "/" .. path
  local entry = self:add(list, name, real, more)
  if recorded and entry.sha256 ~= recorded then
    fail("state", "%s has changed since the run read it; run again", path)
  end
end

function Gather:everything(results, run)
  for _, file in ipairs(results.files or {}) do
    if file.sha256 ~= "unreadable" and file.path ~= self.script then self:read(file.path, file.sha256) end
  end
  for _, folder in ipairs(results.folders or {}) do
    local real = folder:sub(1, 1) == "/" and folder or self.cwd .. "/" .. folder
    for _, name in ipairs(base.list(real)) do
      if not base.isdir(real .. name) and not process.is_link(real .. name) then self:read(folder .. name) end
    end
  end
  for _, name in ipairs(bag.files(run)) do
    if name ~= "run.json" then -- which says where and as which process it ran
      self:add(self.outputs, "results/" .. name, run .. "/" .. name)
    end
  end
end

-- ---- writing ---------------------------------------------------------------------------------------------------

local function described(list)
  local out = {}
  for i, e in ipairs(list) do
    out[i] = { name = e.name, sha256 = e.sha256, bytes = e.bytes, how = e.how, url = e.url, set = e.set,
      inner = e.inner }
  end
  return out
end

-- What data/bundle.json says.
local function description(g, results, o)
  return core_io.json_encode({ format = M.FORMAT, lamina = results.lamina, numerics = results.numerics,
    experiment = results.experiment, script = g.script, script_sha256 = g.entry.sha256, seed = results.seed,
    params = setmetatable(results.params or {}, { __json = "object" }), tolerance = o.tolerance or M.TOLERANCE,
    code = described(g.code), inputs = described(g.inputs), results = described(g.outputs) }, 2) .. "\n"
end

local function text_entry(name, text)
  return { name = name, text = text, sha256 = base.sha256(text), bytes = #text }
end

-- The bag's files in the order of the archive: entries { name =, text = or path = }, tag files first.
local function bag_entries(g, results, o)
  local payload = { text_entry("bundle.json", description(g, results, o)),
    text_entry("ro-crate-metadata.json", crate.text { results = results, script = g.entry, code = g.code,
      inputs = g.inputs, outputs = g.outputs }) }
  local listed, fetched, held, bytes = {}, {}, {}, 0
  for _, list in ipairs { payload, { g.entry }, g.code, g.inputs, g.outputs } do
    for _, e in ipairs(list) do
      if e.how ~= "left" then
        local entry = { name = "data/" .. e.name, text = e.text, path = e.path, sha256 = e.sha256, bytes = e.bytes,
          url = e.url }
        listed[#listed + 1], bytes = entry, bytes + e.bytes
        if e.how == "fetch" then fetched[#fetched + 1] = entry else held[#held + 1] = entry end
      end
    end
  end
  local tags = { text_entry("bagit.txt", bag.VERSION), text_entry("bag-info.txt", bag.info {
    { "Bagging-Date", results.ended:sub(1, 10) }, { "Bag-Software-Agent", "lamina " .. base.version },
    { "External-Identifier", results.experiment },
    { "External-Description", string.format("The experiment '%s' with code, inputs and results; lamina verify runs "
      .. "it again and compares", results.experiment) },
    { "Payload-Oxum", string.format("%d.%d", bytes, #listed) } }),
    text_entry("manifest-sha256.txt", bag.manifest(listed)) }
  if #fetched > 0 then tags[#tags + 1] = text_entry("fetch.txt", bag.fetch(fetched)) end
  local tagmanifest = bag.manifest(tags)
  tags[#tags + 1] = { name = "tagmanifest-sha256.txt", text = tagmanifest }
  if o.secret then
    tags[#tags + 1] = { name = "tagmanifest-sha256.txt.sig", text = core.sign(o.secret, tagmanifest) }
    tags[#tags + 1] = { name = "signer.pub", text = keys.public_pem(core.sign_public(o.secret)) }
  end
  return table.move(held, 1, #held, #tags + 1, tags), #fetched
end

local function write_archive(path, top, entries)
  local list = {}
  for i, e in ipairs(entries) do list[i] = { name = top .. "/" .. e.name, text = e.text, path = e.path } end
  core.zip_write(path, list)
end

-- ---- options ---------------------------------------------------------------------------------------------------

local function addresses(list)
  local out = {}
  for _, text in ipairs(list or {}) do
    local name, url = text:match "^([%w_%.%-]+)=(%a[%w+.-]*://%S+)$"
    if not name then
      fail("usage", "--fetch must be NAME=ADDRESS, as in --fetch mnist=https://host/mnist, got '%s'", text)
    end
    out[name] = url
  end
  return out
end

local function set_of(list)
  local out = {}
  for _, name in ipairs(list or {}) do out[name] = true end
  return out
end

local function check_names(g, o)
  local known = {}
  for _, e in ipairs(g.inputs) do known[e.set or ""] = true end
  for _, option in ipairs { { "--fetch", o.address }, { "--leave", o.left } } do
    for name in pairs(option[2]) do
      if not known[name] then
        fail("usage", "%s %s: the run read nothing of a data set of that name", option[1], name)
      end
    end
  end
end

--- Packs. o: script, output, run (a finished run's folder), data, seed, threads, memory, lua_memory, passed (options
-- of the script), fetch, leave, sign, tolerance. Returns the path of the bundle, the number of its files, and of
-- those that fetch.txt lists.
function M.pack(o)
  o.address, o.left = addresses(o.fetch), set_of(o.leave)
  o.secret = o.sign and keys.read_secret(o.sign)
  local output = o.output or o.script:match "([^/]*)$":gsub("%.lua$", "") .. ".lamina.zip"
  local top = output:match "([^/]*)$":gsub("%.zip$", ""):gsub("%.lamina$", "")
  if not bag.is_inside(top) then fail("usage", "-o: '%s' is no name for a file", output) end
  if base.exists(output) then
    fail("usage", "%s is there already, and is not overwritten; name another with -o", output)
  end
  local cwd, script = places(o.script)
  local scratch = process.scratch()
  local ok, count, fetched = xpcall(function()
    local run = o.run or run_script(o, cwd, script, scratch)
    local results = read_results(run)
    local g = setmetatable({ o = o, cwd = cwd, script = script, roots = data_roots(o.data or {}), names = {},
      code = {}, inputs = {}, outputs = {} }, Gather)
    g.entry = g:add({}, "work/" .. script, cwd .. "/" .. script)
    if results.script and results.script.sha256 ~= g.entry.sha256 then
      fail("state", "%s is not the script of that run: its SHA-256 is another", o.script)
    end
    g:everything(results, run)
    check_names(g, o)
    local entries, n = bag_entries(g, results, o)
    write_archive(output, top, entries)
    return #entries, n
  end, function(e) return errors.from(e, debug.traceback("", 2)) end)
  process.remove_tree(scratch)
  if not ok then error(count, 0) end
  return output, count, fetched
end

return M
