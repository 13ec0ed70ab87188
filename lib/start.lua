--- What happens before the first line of a script: strict globals with the words behind them, modules beside the
-- script found by `require`, the seed of the command line.
local command = require "lamina.core.command"

require("lamina.strict").on()

-- Files of Lua that `require` finds: never bytecode, and noted as read (which loadfile does).
package.searchers[3] = function(name)
  local path, message = package.searchpath(name, package.path)
  if not path then return message end
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  return chunk, path
end

if command.script and command.script ~= "-" then
  local folder = command.script:match "^(.*)/[^/]*$" or "."
  local others = package.path ~= "" and ";" .. package.path or "" -- none for a script that is not trusted
  package.path = string.format("%s/?.lua;%s/?/init.lua%s", folder, folder, others)
end

if command.digest then require "lamina.experiment" end -- which prints it at the end

if command.seed then
  require("lamina.core.tensor").seed(command.seed)
  math.randomseed(command.seed)
end
