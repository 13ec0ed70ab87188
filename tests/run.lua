-- Runs spec files with busted, inside the lamina command: lamina tests/run.lua [busted's options] FILE...
--
-- busted and what it stands on are stock Lua programs: they get an environment of their own, with stock pairs and
-- next and without strict globals, while the library under test sees what every script sees. Specs may use the words.
local repeatable = require "lamina.core.repeatable"
local words = require "lamina.words"

local foreign = setmetatable({ pairs = repeatable.stock_pairs, next = repeatable.stock_next },
  { __index = function(_, name)
    local value = rawget(_G, name)
    if value == nil then value = words.find(name) end
    return value
  end })
foreign._G = foreign

local packages = { busted = true, luassert = true, pl = true, say = true, mediator = true, cliargs = true }

table.insert(package.searchers, 2, function(name)
  if not packages[name:match "^[^%.]+"] then return nil end
  local path, message = package.searchpath(name, package.path)
  if not path then return message end
  return assert(loadfile(path, "t", foreign)), path
end)

local options = { [0] = "tests/run.lua", "--output=TAP", "--seed=1" }
for _, argument in ipairs(arg) do options[#options + 1] = argument end
foreign.arg = options
local runner = require "busted.runner"
runner { standalone = false }
