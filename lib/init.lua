--- lamina.<word>: every word of the language as a field, for code that wants no globals (require "lamina").
-- > lamina.version, lamina.conv == conv   --> 0.1.0 true
local words = require "lamina.words"
local base = require "lamina.core.base"

local M = { version = base.version, numerics = base.numerics }

return setmetatable(M, {
  __index = function(_, name)
    local value = words.find(name)
    if value ~= nil then return value end
    local errors = require "lamina.errors"
    local names = {}
    for word in pairs(words.list) do names[#names + 1] = word end
    errors.raise("name", 2, "lamina has no word '%s'%s", tostring(name), errors.hint(name, names))
  end,
  __newindex = function(_, name)
    require("lamina.errors").raise("name", 2, "lamina.%s cannot be set", tostring(name))
  end,
  __name = "lamina",
  __tostring = function() return "lamina " .. base.version end,
})
