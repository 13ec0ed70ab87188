--- A server on this machine that cuts, stalls, sends on and lies (http_server.c).
local base = require "lamina.core.base"
local command = require "support.command"

local M = {}

local server = command.path:gsub("[^/]*$", "tests/http_server")

--- Whether the server and what fetches from it are built.
M.is_built = base.exists(server) and base.exists((command.path:gsub("[^/]*$", "modules/fetch.so")))

--- Starts the server for so many requests to what lies in dir/served; returns its port. dir/asked has the requests.
function M.serve(dir, requests)
  os.execute(string.format("cd %s && rm -f port && (%s served %d >port 2>asked & ) && while [ ! -s port ]; do sleep "
    .. "0.02; done", command.quote(dir), command.quote(server), requests))
  return math.tointeger(tonumber((command.read(dir .. "/port"):gsub("%s", ""))))
end

return M
