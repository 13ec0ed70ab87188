--- lamina.experiment.stock: what stands behind a script that a stock Lua runs, `lua5.4 exp.lua --seed 3 --rate 0.1`.
-- The command `lamina` reads its own options before the script begins; here they are read when its experiment does:
-- --seed, --out, --data, --set and --resume. All others are parameters.
local command = require "lamina.core.command"
local errors = require "lamina.errors"

local M = {}

local function usage(format, ...) errors.raise_at(nil, "usage", format, ...) end

local HOST_GLOBALS <const> = 2 -- LUA_RIDX_GLOBALS; _G is the library's own here

local VALUED = {
  seed = function(text)
    local seed = math.tointeger(tonumber(text))
    if not seed or seed < 0 then usage("--seed must be a whole number from 0 on, got '%s'", text) end
    command.seed = seed
  end,
  out = function(text) command.out = text end,
  data = function(text) table.insert(command.data, text) end,
  set = function(text)
    if not text:find "^[^=]+=" then usage("--set must be NAME=VALUE, as in --set rate=0.01, got '%s'", text) end
    table.insert(command.sets, text)
  end,
}

--- Takes the arguments of the script that calls at `position`, where it is what the stock Lua was told to run; those
-- of any other program are its own. Raises a 'usage' error.
function M.take(position)
  local list, i = rawget(debug.getregistry()[HOST_GLOBALS], "arg"), 1
  if type(list) ~= "table" or list[0] ~= position.file then return end
  while list[i] do
    local name, text = tostring(list[i]):match "^%-%-([%w_%-]+)=?(.*)$"
    local option = VALUED[name]
    if option and not tostring(list[i]):find("=", 1, true) then
      i, text = i + 1, list[i + 1]
      if not text then usage("--%s needs a value", name) end
    end
    if option then
      option(text)
    elseif name == "resume" then
      command.resume = true
    elseif name and name ~= "help" and require("lamina.experiment.params").is_reserved(name) then
      usage("--%s is an option of the command lamina, which a stock Lua does not have", name)
    else
      table.insert(command.args, tostring(list[i]))
    end
    i = i + 1
  end
end

return M
