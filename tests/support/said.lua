-- What a function prints while it runs, and what it raises.
local try = require("lamina").try

local M = {}

--- The lines that f prints, as one text; an error of f goes on.
function M.by(f)
  local lines, globals = {}, debug.getregistry()[2] -- those of the library
  local kept = globals.print
  globals.print = function(line) lines[#lines + 1] = line end
  local ok, err = pcall(f)
  globals.print = kept
  assert(ok, err)
  return table.concat(lines, "\n")
end

--- The message of the error that f(...) raises.
function M.message(f, ...)
  local value, err = try(f, ...)
  assert(value == nil and err ~= nil, "no error was raised")
  return tostring(err)
end

return M
