--- Compatibility: which versions of Lamina a script asks for, and names that have a successor.
--
-- experiment "lenet" { lamina = ">=0.1 <2" }      -- or, for a script without an experiment, a line `lamina =
-- ">=0.1"`
--
-- A version is MAJOR.MINOR.PATCH, of which parts may be left out (1.2 is 1.2.0). A requirement is one or more of
-- >=, >, <=, <, ==, ~= with a version, separated by spaces or commas, all of which must hold; a version alone stands
-- for >= it and below the next major one. A name that was given up keeps working for as long as its major version
-- lives, with one warning in a run that names its successor.
local base = require "lamina.core.base"
local errors = require "lamina.errors"

local M = {}

-- "1.2" -> { 1, 2, 0 }, or nil.
local function parse(text)
  local a, b, c = text:match "^(%d+)%.?(%d*)%.?(%d*)$"
  if not a then return nil end
  return { math.tointeger(tonumber(a)), math.tointeger(tonumber(b)) or 0, math.tointeger(tonumber(c)) or 0 }
end

local function compare(a, b)
  for i = 1, 3 do
    if a[i] ~= b[i] then return a[i] < b[i] and -1 or 1 end
  end
  return 0
end

local HOLDS = {
  [">="] = function(order) return order >= 0 end,
  [">"] = function(order) return order > 0 end,
  ["<="] = function(order) return order <= 0 end,
  ["<"] = function(order) return order < 0 end,
  ["=="] = function(order) return order == 0 end,
  ["~="] = function(order) return order ~= 0 end,
}

--- Whether a version (this one's if absent) is what a requirement asks for; nil where the requirement is none.
function M.satisfies(requirement, version)
  local own, any, holds = parse(version or base.version), false, true
  for part in requirement:gsub("([<>=~])%s+", "%1"):gmatch "[^%s,]+" do
    local mark, text = part:match "^([<>=~]*)(.*)$"
    local wanted = parse(text)
    if not wanted then return nil end
    any = true
    if mark == "" then
      holds = holds and compare(own, wanted) >= 0 and compare(own, { wanted[1] + 1, 0, 0 }) < 0
    elseif HOLDS[mark] then
      holds = holds and HOLDS[mark](compare(own, wanted))
    else
      return nil
    end
  end
  if any then return holds end
end

--- Raises at a position unless this is a version of Lamina that the script asks for.
function M.check(requirement, position)
  local holds = type(requirement) == "string" and M.satisfies(requirement)
  if holds == nil or type(requirement) ~= "string" then
    errors.raise("argument", position, "lamina = %s: expected a requirement such as \">=1.0\" or \">=1.2 <2\"",
      type(requirement) == "string" and "'" .. requirement .. "'" or "a " .. type(requirement))
  end
  if not holds then
    errors.raise("state", position, "this script asks for lamina %s, and this is lamina %s (numerics %d)",
      requirement, base.version, base.numerics)
  end
end

-- ---- names that have a successor -------------------------------------------------------------------------------

--- Words that were given up: old name -> { now = "new name", since = "version" }. Kept until the next major version.
M.words = {}

local told = {} -- what has been warned of in this run

--- Warns, once in a run, that a name of a kind ("word", "option of conv") has a successor.
function M.warn(kind, old, now, since, position)
  local key = kind .. " " .. old
  if told[key] then return end
  told[key] = true
  local at = position and position.file and string.format("%s:%d: ", position.file, position.line) or ""
  io.stderr:write(string.format("lamina: warning: %s%s '%s' is now '%s'%s; the old name still works\n", at, kind, old,
    now, since and " (since " .. since .. ")" or ""))
end

--- The word that stands for a name that was given up, with the warning; nil for any other name. position: of its use.
function M.successor(name, position)
  local entry = M.words[name]
  if not entry then return nil end
  M.warn("the word", name, entry.now, entry.since, position)
  return entry.now
end

return M
