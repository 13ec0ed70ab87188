--- Strict globals: a name that nothing defined is an error, with the nearest one that is.
--
-- A script's main part may make globals; a function may not make new ones (they would be misspelt locals more often
-- than not). Lamina's words cannot be overwritten by accident; `local` may always take their names. At the prompt
-- every line may make globals.
local compatible = require "lamina.compatible"
local errors = require "lamina.errors"
local words = require "lamina.words"

local M = {}

local declared = {} -- globals that were set to nil by the main part; reading them is fine

--- True while lines are typed: then functions, too, may make globals.
M.prompt = false

local function all_names()
  local list = {}
  for name in pairs(_G) do
    if type(name) == "string" then list[#list + 1] = name end
  end
  for name in pairs(words.list) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function read(_, name)
  local value = words.find(name)
  if value ~= nil or declared[name] then return value end
  local now = compatible.words[name] and compatible.successor(name, errors.position(2))
  if now then return words.find(now) end
  if M.prompt and (name == "exit" or name == "quit") then
    errors.raise("name", 2, "undefined name '%s' (Ctrl-D leaves the prompt)", name)
  end
  local at = debug.getinfo(2, "Sl")
  if at and at.source:sub(1, 5) == "=lib/" then -- not the user's mistake
    local where = { file = at.source:sub(2), line = at.currentline }
    errors.raise("internal", where, "undefined name '%s'", tostring(name))
  end
  local habit = require("lamina.errors.hints").name(name)
  errors.raise("name", 2, "undefined name '%s'%s", tostring(name), habit and " (" .. habit .. ")"
    or errors.hint(name, all_names()))
end

-- Whether the code at this level of the stack is the main part of a chunk, or C.
local function in_main(level)
  local info = debug.getinfo(level + 1, "S")
  return not info or info.what ~= "Lua"
end

local function write(globals, name, value)
  if name == "lamina" and type(value) == "string" then -- lamina = ">=1.0": the versions that the script is for
    compatible.check(value, errors.position(2))
    return
  end
  if words.list[name] then
    errors.raise("name", 2, "'%s' is one of Lamina's words; write `local %s = ...` to use the name for something "
      .. "else", tostring(name), tostring(name))
  end
  if not M.prompt and not declared[name] and not in_main(2) then
    errors.raise("name", 2, "a function sets the global '%s', which the script's main part does not; "
      .. "write `local %s = ...`", tostring(name), tostring(name))
  end
  declared[name] = true
  rawset(globals, name, value)
end

--- Takes a global away, as if nothing had ever set it.
function M.forget(name)
  declared[name] = nil
  rawset(_G, name, nil)
end

--- Puts it into force.
function M.on()
  setmetatable(_G, { __index = read, __newindex = write, __metatable = "strict globals" })
end

return M
