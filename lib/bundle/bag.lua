--- BagIt 1.0 (RFC 8493): a folder whose payload lies in data/, with a list of its SHA-256 that `sha256sum -c` checks.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"

local M = {}

M.VERSION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

-- ---- names -----------------------------------------------------------------------------------------------------

local function encode(name)
  return (name:gsub("[%%\r\n]", function(c) return string.format("%%%02X", c:byte()) end))
end

local function decode(name)
  return (name:gsub("%%(%x%x)", function(hex)
    local c = string.char(tonumber(hex, 16))
    return (c == "%" or c == "\r" or c == "\n") and c or "%" .. hex
  end))
end

--- Whether a relative path stays inside the folder that it starts from.
function M.is_inside(path)
  if path == "" or path:sub(1, 1) == "/" or path:find "[%c\\]" then return false end
  for part in (path .. "/"):gmatch "(.-)/" do
    if part == "" or part == "." or part == ".." then return false end
  end
  return true
end

-- ---- writing ---------------------------------------------------------------------------------------------------

--- The text of a manifest of entries { name =, sha256 = }, sorted by name.
function M.manifest(entries)
  local lines = {}
  for i, entry in ipairs(entries) do lines[i] = entry.sha256 .. "  " .. encode(entry.name) .. "\n" end
  table.sort(lines, function(a, b) return a:sub(67) < b:sub(67) end)
  return table.concat(lines)
end

--- The text of fetch.txt for entries { url =, bytes =, name = }.
function M.fetch(entries)
  local lines = {}
  for i, entry in ipairs(entries) do
    lines[i] = string.format("%s %d %s\n", entry.url, entry.bytes, encode(entry.name))
  end
  table.sort(lines)
  return table.concat(lines)
end

--- The text of bag-info.txt: pairs of a label and what it says, in order.
function M.info(pairs_of)
  local lines = {}
  for i, pair in ipairs(pairs_of) do lines[i] = pair[1] .. ": " .. tostring(pair[2]):gsub("%s+", " ") .. "\n" end
  return table.concat(lines)
end

-- ---- reading ---------------------------------------------------------------------------------------------------

local function bad(format, ...) errors.raise_at(nil, "format", format, ...) end

--- The files under a folder, as paths relative to it, sorted. A link is refused, wherever it leads.
function M.files(folder, prefix, list, depth)
  list, prefix, depth = list or {}, prefix or "", depth or 0
  if depth > 32 then bad("%s: folders lie more than 32 deep", folder) end
  local process = require "lamina.core.process"
  for _, name in ipairs(base.list(folder)) do
    local path = folder .. "/" .. name
    if process.is_link(path) then bad("%s: a link, which no bag may hold", path) end
    if base.isdir(path) then
      M.files(path, prefix .. name .. "/", list, depth + 1)
    else
      list[#list + 1] = prefix .. name
    end
  end
  return list
end

-- name -> sha256 of a manifest's text.
local function parse_manifest(text, path)
  local list = {}
  for line in text:gmatch "[^\r\n]+" do
    local sum, name = line:match "^(%x+)%s+%*?(.+)$"
    name = name and decode(name)
    if not sum or #sum ~= 64 then bad("%s: '%s' is no line of a manifest", path, line:sub(1, 80)) end
    if not M.is_inside(name) then bad("%s: the name '%s' leads out of the bag", path, name) end
    if list[name] then bad("%s: '%s' stands twice", path, name) end
    list[name] = sum:lower()
  end
  return list
end

local function parse_fetch(text, path, manifest)
  local list = {}
  for line in text:gmatch "[^\r\n]+" do
    local url, bytes, name = line:match "^(%S+)%s+(%S+)%s+(.+)$"
    name = name and decode(name)
    if not url or not (bytes == "-" or bytes:match "^%d+$") then
      bad("%s: '%s' is no line of it", path, line:sub(1, 80))
    end
    if not manifest[name] then bad("%s: '%s' is not in the manifest", path, name) end
    list[name] = { url = url, bytes = math.tointeger(tonumber(bytes)) }
  end
  return list
end

-- The most bytes of a tag file, all of which is read before anything is known of the bag.
local MOST_TEXT = 64 << 20

-- The text of a file of the bag; nil where it is not there.
local function text_in(dir, name)
  local path = dir .. "/" .. name
  if not base.exists(path) then return nil end
  local size = base.isdir(path) and 0 or require("lamina.core.process").size(path)
  if size > MOST_TEXT then bad("%s: %d bytes; no file of its kind has more than %d", path, size, MOST_TEXT) end
  return core_io.text_read(path)
end

-- Compares the hashes of files with a manifest's; names what is wrong. may_lack(name): it need not be there.
local function check_sums(dir, manifest, what, may_lack)
  local names = {}
  for name in pairs(manifest) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = dir .. "/" .. name
    if not base.exists(path) then
      if not (may_lack and may_lack(name)) then bad("%s: %s is missing, which %s lists", dir, name, what) end
    elseif base.sha256_file(path) ~= manifest[name] then
      bad("%s: %s was changed or damaged: its SHA-256 is %s, %s says %s", dir, name, base.sha256_file(path), what,
        manifest[name])
    end
  end
end

-- What speaks of the list of tag files cannot stand in it. All others must: it is what a signature is of.
local UNLISTED = { ["tagmanifest-sha256.txt"] = true, ["tagmanifest-sha256.txt.sig"] = true, ["signer.pub"] = true }

--- Reads and checks the bag in a folder: every hash, every file listed, every listed file there (or in fetch.txt).
-- Raises a 'format' error that names the first thing that is wrong. Returns { dir =, manifest = name -> sha256,
-- fetch = name -> { url =, bytes = }, absent = names of fetch.txt that are not there, tagmanifest = its text }.
function M.read(dir)
  text_in(dir, "tagmanifest-sha256.txt.sig")
  text_in(dir, "signer.pub")
  local declared = text_in(dir, "bagit.txt")
  if not declared then bad("%s: this is no bag: it has no bagit.txt", dir) end
  local version = declared:match "^BagIt%-Version: (%d+%.%d+)"
  if version ~= "1.0" and version ~= "0.97" then
    bad("%s/bagit.txt: BagIt 1.0 is read, not '%s'", dir, version or "?")
  end
  local files = M.files(dir)
  local listed = text_in(dir, "manifest-sha256.txt")
  if not listed then bad("%s: the bag has no manifest-sha256.txt", dir) end
  local manifest = parse_manifest(listed, dir .. "/manifest-sha256.txt")
  local tags = text_in(dir, "tagmanifest-sha256.txt")
  if not tags then bad("%s: the bag has no tagmanifest-sha256.txt", dir) end
  local fetch = parse_fetch(text_in(dir, "fetch.txt") or "", dir .. "/fetch.txt", manifest)
  local tag_sums = parse_manifest(tags, dir .. "/tagmanifest-sha256.txt")
  for _, name in ipairs(files) do
    if name:sub(1, 5) == "data/" then
      if not manifest[name] then bad("%s: %s is in no manifest", dir, name) end
    elseif not (tag_sums[name] or UNLISTED[name]) then
      bad("%s: %s is not in tagmanifest-sha256.txt: it was added after the bundle was made", dir, name)
    end
  end
  local absent = {}
  check_sums(dir, tag_sums, "tagmanifest-sha256.txt")
  check_sums(dir, manifest, "manifest-sha256.txt", function(name)
    if fetch[name] then absent[#absent + 1] = name end
    return fetch[name] ~= nil
  end)
  return { dir = dir, manifest = manifest, fetch = fetch, absent = absent, tagmanifest = tags }
end

return M
