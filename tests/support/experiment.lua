-- Runs a script of scripts/ as a user does, in a folder of its own, and reads what it reported.
local base = require "lamina.core.base"
local command = require "support.command"
local io = require "lamina.core.io"

local M = {}

local here = base.cwd and base.cwd() or os.getenv "PWD"
local root = os.getenv "LAMINA_DATA" or "../shared/data"
if root:sub(1, 1) ~= "/" then root = here .. "/" .. root end

--- Whether a data set is there; the tests that need one are pending without it.
function M.has(name) return base.exists(root .. "/" .. name) end

--- Runs scripts/NAME.lua with arguments; returns the values by metric, and the files of its folder are given to
-- look(folder, printed) before they go. Every result with a threshold must pass, unless `loose` (a form too small for
-- it, whose numbers the test looks at itself).
function M.run(name, arguments, look, loose)
  local dir = command.folder()
  local line = { "--out", "out", here .. "/scripts/" .. name .. ".lua", "--data", root }
  table.move(arguments or {}, 1, #(arguments or {}), #line + 1, line)
  local done = command.run(line, { dir = dir })
  assert(done.code == 0, done.err .. done.out)
  local file = io.json_decode(command.read(dir .. "/out/results.json"))
  assert(file.status == "done", file.status)
  local values = {}
  for _, row in ipairs(file.results) do
    values[row.metric] = row.value
    if row.threshold ~= nil and not loose then assert(row.pass, row.metric .. " = " .. tostring(row.value)) end
  end
  if look then look(dir .. "/out/", done.out) end
  command.drop(dir)
  return values
end

return M
