--- Where data sets are kept, and how their files come there: from the first address that gives the bytes that the
-- catalogue names. A file is written under another name, `.part`, and takes its own when its SHA-256 is right, so
-- what is there under its name is whole; a download that was cut off goes on where it stopped.
local base = require "lamina.core.base"
local errors = require "lamina.errors"

local M = {}

local STALL = math.tointeger(tonumber(base.getenv "LAMINA_FETCH_STALL" or "")) or 30 -- seconds without a byte
local PACKED_MORE = 65536 -- a packed file is at most so much larger than what it holds

--- The folder that holds the data sets: LAMINA_DATA, else lamina/data in the user's cache.
function M.root()
  local root = base.getenv "LAMINA_DATA"
  if root and root ~= "" then return (root:gsub("(.)/+$", "%1")) end
  return (require("lamina.experiment.folder").cache() or ".") .. "/data"
end

local function sha256_of(file, path)
  if file.unpacked then return require("lamina.core.fetch").unpacked(path, file.size) end
  return base.sha256_file(path)
end

local function size_of(path)
  local file = io.open(path, "rb")
  if not file then return 0 end
  local size = file:seek "end"
  file:close()
  return size
end

--- What a file of a data set is: "missing", "whole", or "damaged", with what is wrong.
function M.state(dir, file)
  local path = dir .. "/" .. file.name
  if not base.exists(path) then return "missing" end
  local hash, e = errors.try(sha256_of, file, path)
  if hash == file.sha256 then return "whole" end
  return "damaged", hash and "its SHA-256 is " .. hash or e.message
end

-- Tries one address; true where the file is whole now, else false and why.
local function from_address(file, path, address, progress)
  local part = path .. ".part"
  local limit = file.unpacked and file.size + PACKED_MORE or file.size
  local have = size_of(part)
  if have > limit then have = 0 end
  if have < limit then
    local result = require("lamina.core.fetch").get({ url = address, path = part, from = have, limit = limit,
      stall = STALL }, progress)
    if result.status == 416 then -- nothing lies behind what is there: it is whole, or another file
      result.error = nil
    end
    if result.error then
      if result.error:find "^more than" or size_of(part) == 0 then os.remove(part) end
      return false, result.error
    end
  end
  local hash, e = errors.try(sha256_of, file, part)
  if hash ~= file.sha256 then
    os.remove(part)
    return false, hash and string.format("what came is another file: its SHA-256 is %s, not %s", hash, file.sha256)
      or e.message
  end
  local ok, message = os.rename(part, path)
  if not ok then return false, message end
  return true
end

--- A number of bytes in words.
function M.size_text(n)
  if n < 1e6 then return string.format("%.1f kB", n / 1e3) end
  return string.format("%.1f MB", n / 1e6)
end

--- Brings a file of a data set into its folder. say(line) is told what is tried; progress(done, total) meanwhile.
-- Raises an 'io' error that names every address and what went wrong there.
function M.fetch(dir, file, say, progress)
  base.mkdir(dir)
  local path, notes = dir .. "/" .. file.name, {}
  for round = 1, 2 do -- a second time: what was cut off goes on, from another address as well
    for _, address in ipairs(file.from) do
      say(string.format("%s from %s", file.name, address))
      local ok, why = from_address(file, path, address, progress)
      if ok then return path end
      local note = string.format("  %s: %s", address, why)
      if note ~= notes[#notes] then notes[#notes + 1] = note end
    end
    if round == 1 and not base.exists(path .. ".part") then break end
  end
  notes[#notes + 1] = "  wanted in " .. dir
  errors.raise_with(notes, "io", {}, "%s could not be had", file.name)
end

--- The same, unless it is there whole; one that is damaged is replaced. Shows how far it is on a terminal.
function M.get(dir, file, say)
  local state, why = M.state(dir, file)
  if state == "whole" then return say("  here already: " .. file.name) end
  if state == "damaged" then
    say(string.format("  %s is damaged (%s) and is replaced", file.name, why))
    os.remove(dir .. "/" .. file.name)
  end
  local bar, name = require("lamina.progress").new(1000), require "lamina.plain"(file.name)
  M.fetch(dir, file, function(line)
    bar:clear()
    say("  " .. line)
  end, function(done, total)
    if total > 0 then bar:update(done * 1000 // total, name, function() return M.size_text(done) end) end
  end)
  bar:clear()
end

return M
