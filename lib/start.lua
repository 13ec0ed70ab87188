--- What happens before the first line of a script: strict globals, with the words behind them.
require("lamina.strict").on()
require "lamina.core.tensor" -- the type of every tensor, whichever module makes it
local command = require "lamina.core.command"
if command.script and command.script ~= "-" then
  local folder = command.script:match "^(.*)/[^/]*$" or "."
  package.path = string.format("%s/?.lua;%s/?/init.lua;%s", folder, folder, package.path)
end
if command.seed then
  require("lamina.core.tensor").seed(command.seed)
  math.randomseed(command.seed)
end
return true
