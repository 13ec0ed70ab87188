--- The data that a bundle leaves out: where they lie, and bringing those that fetch.txt gives an address.
--
-- What is brought comes into bundles/DIGEST/NAME in the folder of data sets (LAMINA_DATA), NAME being the data set
-- and DIGEST that of the names and hashes of its files: another bundle with the same data finds them there, and none
-- can put a file of its own into a data set that trusted scripts read.
local base = require "lamina.core.base"
local errors = require "lamina.errors"
local plain = require "lamina.plain"
local process = require "lamina.core.process"
local shell = require "lamina.shell"
local store = require "lamina.data.store"

local M = {}

local function bad(format, ...) errors.raise_at(nil, "format", format, ...) end

-- Where --data has a file; nil where it has not.
local function supplied(e, roots)
  for _, text in ipairs(roots) do
    local name, path = text:match "^([%w_%.%-]+)=(.+)$"
    local places = { text .. "/" .. e.set .. "/" .. e.inner }
    if name and not base.isdir(text) then places = name == e.set and { path .. "/" .. e.inner } or {} end
    if text:gsub("/+$", ""):match "[^/]*$" == e.set then places[#places + 1] = text .. "/" .. e.inner end
    for _, place in ipairs(places) do
      if base.exists(place) then return place end
    end
  end
end

-- The data sets whose files are not all in the bag: { name =, files = entries of bundle.json }, by name.
local function absent_sets(b, d)
  local sets, by_name, known = {}, {}, {}
  for _, e in ipairs(d.inputs) do
    local there = base.exists(b.dir .. "/data/" .. e.name)
    if not e.inner and not there then bad("%s: %s is missing", b.dir, e.name) end
    if e.inner and not there then
      if not by_name[e.set] then
        by_name[e.set] = { name = e.set, files = {} }
        sets[#sets + 1] = by_name[e.set]
      end
      table.insert(by_name[e.set].files, e)
    end
    known["data/" .. e.name] = e
  end
  for _, name in ipairs(b.absent) do
    local e = known[name]
    if not e or not e.inner then
      bad("%s: fetch.txt names %s, which is no file of a data set; only those may lie elsewhere", b.dir, name)
    end
    if b.manifest[name] ~= e.sha256 then bad("%s: %s has another hash in the manifest", b.dir, name) end
  end
  table.sort(sets, function(x, y) return x.name < y.name end)
  return sets
end

-- Whether --data supplies every file of a set; a file that is not the bundle's is refused.
local function all_supplied(set, roots)
  for _, e in ipairs(set.files) do
    local place = supplied(e, roots)
    if not place then return false end
    if base.sha256_file(place) ~= e.sha256 then
      bad("%s: this is not what the bundle was made with: its SHA-256 is another (expected %s)", place, e.sha256)
    end
  end
  return true
end

-- Whether a folder holds every file of a set, whole.
local function holds(folder, set)
  for _, e in ipairs(set.files) do
    local path = folder .. "/" .. e.inner
    if not base.exists(path) or base.isdir(path) or base.sha256_file(path) ~= e.sha256 then return false end
  end
  return true
end

--- The folder that what is brought of a data set comes into. set: { name =, files = { { inner =, sha256 = }, ... } }.
function M.folder(set)
  local lines = {}
  for i, e in ipairs(set.files) do lines[i] = e.sha256 .. "  " .. e.inner end
  table.sort(lines)
  return string.format("%s/bundles/%s/%s", store.root(), base.sha256(table.concat(lines, "\n")):sub(1, 32), set.name)
end

-- ---- bringing --------------------------------------------------------------------------------------------------

-- What can be brought of a file: { url =, bytes = }; nil where it has no address that can be asked.
local function address(b, e)
  local from = b.fetch["data/" .. e.name]
  return from and from.url:find "^https?://" and from or nil
end

-- Brings the files of a set that are not there yet. left: how many bytes may still come.
local function bring(b, set, folder, left)
  for _, e in ipairs(set.files) do
    local from = address(b, e)
    if from.bytes and from.bytes > left then
      errors.raise_at(nil, "usage", "verify: --fetch: %s/%s would be %s, more than may come (--fetch-size)", e.set,
        e.inner, store.size_text(from.bytes))
    end
    local parent, name = (folder .. "/" .. e.inner):match "^(.*)/([^/]*)$"
    store.get(parent, { name = name, size = from.bytes or left, sha256 = e.sha256, from = { from.url } },
      function(line) print(plain(line)) end)
    left = left - process.size(parent .. "/" .. name)
  end
  return left
end

local function fetchable(b, set)
  for _, e in ipairs(set.files) do
    if not address(b, e) then return false end
  end
  return true
end

-- Says what is lacking, and how it can be had.
local function raise_lacking(b, sets, roots, path, fetching)
  local notes, all, bytes = {}, true, 0
  for _, set in ipairs(sets) do
    for _, e in ipairs(set.files) do
      local from = b.fetch["data/" .. e.name]
      if not supplied(e, roots) then
        notes[#notes + 1] = string.format("  %s/%s, SHA-256 %s%s", e.set, e.inner, e.sha256,
          from and ", from " .. from.url or "")
      end
      bytes = bytes + (from and from.bytes or 0)
    end
    all = all and fetchable(b, set)
  end
  local n = #notes
  if all and not fetching then
    notes[#notes + 1] = string.format("  lamina verify --fetch %s brings them%s into %s and checks them, or", path,
      bytes > 0 and " (" .. store.size_text(bytes) .. ")" or "", store.root())
  elseif fetching then
    notes[#notes + 1] = "  they have no address that can be asked (http or https), so"
  end
  notes[#notes + 1] = "  put them into a folder DIR under these names and say --data DIR"
  errors.raise_with(notes, "io", {}, "%d files of data are not in the bundle:", n)
end

--- The arguments of the run that name the data which the bag b, described by d, leaves out. o: data (folders), fetch
-- (bring what has an address), fetch_size (the most bytes that may come). path: the bundle, for the message that says
-- what is lacking. Every hash is checked.
function M.arguments(b, d, o, path)
  local roots, lacking, args, from_data = o.data or {}, {}, {}, false
  local left = o.fetch_size or math.maxinteger
  for _, set in ipairs(absent_sets(b, d)) do
    local folder, brought = store.root() .. "/" .. set.name, M.folder(set)
    if all_supplied(set, roots) then
      folder, from_data = nil, true
    elseif not holds(folder, set) then
      folder = brought
      if not holds(folder, set) then
        if o.fetch and fetchable(b, set) then left = bring(b, set, folder, left) else lacking[#lacking + 1] = set end
      end
    end
    if folder then table.move({ "--data", set.name .. "=" .. folder }, 1, 2, #args + 1, args) end
  end
  if #lacking > 0 then raise_lacking(b, lacking, roots, shell.quoted(path), o.fetch) end
  for i = 2, #args, 2 do
    local name, folder = args[i]:match "^(.-)=(.*)$"
    args[i] = name .. "=" .. process.real_path(folder)
  end
  for _, text in ipairs(from_data and roots or {}) do
    local name, folder = text:match "^([%w_%.%-]+)=(.+)$"
    local named = name and not base.isdir(text)
    args[#args + 1] = "--data"
    args[#args + 1] = named and name .. "=" .. process.real_path(folder) or process.real_path(text)
  end
  return args
end

return M
