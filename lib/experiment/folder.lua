--- Where results go and where data lie: --out, --data, LAMINA_DATA and the cache.
local base = require "lamina.core.base"
local command = require "lamina.core.command"
local errors = require "lamina.errors"

local M = {}

-- ---- results ---------------------------------------------------------------------------------------------------

-- The status that a folder's results.json tells, or nil where there is none.
local function status_in(dir)
  local path = dir .. "/results.json"
  if not base.exists(path) then return nil end
  local io = require "lamina.core.io"
  local results = errors.try(function() return io.json_decode(io.text_read(path)) end)
  return type(results) == "table" and results.status or "unreadable"
end

-- --out: a new or an unfinished folder; one that holds finished results is refused.
local function given_folder(dir)
  if base.exists(dir) and not base.isdir(dir) then
    errors.raise_at(nil, "usage", "--out: '%s' is a file, expected a folder", dir)
  end
  local status = status_in(dir)
  if status and status ~= "failed" and status ~= "interrupted" then
    errors.raise_at(nil, "usage", "--out: '%s' holds results already, and they are never overwritten; name another "
      .. "folder", dir)
  end
  local made, e = errors.try(function()
    base.mkdir(dir)
    return true
  end)
  if not made then errors.raise_at(nil, e.kind, "--out: %s", e.message) end
  return dir
end

--- Makes the folder of an experiment: --out DIR, else runs/NAME-N with the next N. --out may name a folder that holds
-- the results of a run that failed or was interrupted, so that it can be resumed; never those of a finished one.
function M.make(name)
  if command.out then return given_folder(command.out) end
  base.mkdir "runs"
  local last = 0
  for _, entry in ipairs(base.list "runs") do
    if entry:sub(1, #name + 1) == name .. "-" then
      local n = entry:sub(#name + 2):match "^%d+$"
      if n then last = math.max(last, math.tointeger(tonumber(n)) or 0) end
    end
  end
  local dir
  repeat
    last = last + 1
    dir = string.format("runs/%s-%d", name, last)
  until base.mkdir_new(dir)
  return dir
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
