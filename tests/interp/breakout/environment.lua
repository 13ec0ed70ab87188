-- What a script tries to be handed the library's own environment by the hint for a method that is missing: a forged
-- message places the error in the library, and what the hint calls is replaced. Prints "escaped" or "contained".
require "lamina.errors.hints"
require "lamina.help.objects"
local match, kept, captured = string.match, getmetatable, nil
string.match = function(s, p, ...)
  if type(p) == "string" and p:find("%s*:%s*x%f[^%w_]", 1, true) then return "_ENV" end
  return match(s, p, ...)
end
rawset(_G, "getmetatable", function(v)
  if type(v) == "table" and rawget(v, "package") and rawget(v, "debug") and v ~= _G then captured = v end
  return kept(v)
end)
for line = 1, 400 do
  for _, file in ipairs { "lib/errors.lua", "lib/errors/hints.lua", "environment.lua" } do
    pcall(try, function() error(file .. ":" .. line .. ": attempt to call a nil value (method 'x')", 0) end)
  end
end
string.match = match
rawset(_G, "getmetatable", kept)
print(captured and "escaped" or "contained")
