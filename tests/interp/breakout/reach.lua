-- Every function of C, or of the language, that an untrusted script can come to: a line each, "PLACE.NAME", sorted;
-- then what it must not come to, wherever in the library it looks. Operations on tensors are one place.
local seen, found = {}, {}

local FORBIDDEN = { loadlib = true, searchpath = true, searchers = true, preload = true, getregistry = true,
  sethook = true, setupvalue = true, upvaluejoin = true, setuservalue = true }

-- Walks what is reachable from a value, metatables included; note: whether functions are listed.
local function walk(value, place, note)
  local kind = type(value)
  if kind == "function" and note and not seen[value] then found[#found + 1] = place end
  if kind ~= "table" and kind ~= "userdata" and kind ~= "function" or seen[value] then return end
  seen[value] = true
  if kind == "function" then return end
  local meta = getmetatable(value)
  if type(meta) == "table" then walk(meta, place .. "<meta>", note) end
  if kind ~= "table" then return end
  local names = {}
  for name in next, value do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do
    if FORBIDDEN[name] and rawget(value, name) ~= nil then print("FORBIDDEN " .. place .. "." .. name) end
    walk(name, place .. "[name]", note)
    walk(rawget(value, name), place .. "." .. tostring(name), note)
  end
end

walk(require "lamina.core.ops", "ops", false)
for name in next, require "lamina.core.ops" do -- which are methods, too
  if type(name) == "string" and name:find "^_" then found[#found + 1] = "ops." .. name end
end
local words, rooms = require "lamina.words", {}
for _, name in ipairs { "tensor", "base", "io", "optim", "linalg", "stats", "rdm", "fit", "image", "figure", "data",
  "profile", "fetch", "terminal", "bundle", "process", "command" } do
  local ok, room = pcall(require, "lamina.core." .. name)
  if ok then rooms[#rooms + 1] = { name, room } end
end
for _, room in ipairs(rooms) do walk(room[2], room[1], true) end
walk(io.stdout, "file", true)
walk(getmetatable "", "strings", true)
local standard = {}
for _, name in ipairs { "assert", "collectgarbage", "dofile", "error", "getmetatable", "ipairs", "load", "loadfile",
  "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable",
  "tonumber", "tostring", "type", "warn", "xpcall", "coroutine", "debug", "io", "math", "os", "package", "string",
  "table", "utf8" } do
  standard[name] = rawget(_G, name)
end
walk(standard, "_G", true)
-- the library, in Lua: its functions are too many to list
walk(words, "lamina.words", false)
for _, module in ipairs(require "lamina.core.command".modules()) do
  local ok, value = pcall(require, module == "init" and "lamina" or "lamina." .. module)
  if ok then walk(value, "lamina." .. module, false) end
end
for name in next, _G do -- what else is there is a word of the library's
  if standard[name] == nil and name ~= "_G" and name ~= "_VERSION" and name ~= "arg" then
    print("FORBIDDEN _G." .. tostring(name))
  end
end
walk(_G, "_G", false)
table.sort(found)
for _, place in ipairs(found) do print(place) end
