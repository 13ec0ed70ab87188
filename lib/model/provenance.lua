--- Where a model's weights come from: what net:save writes beside them. The digest of a training is a chain: each
-- `train` hashes the weights that it began with, its settings and its history, together with the digest before it.
local base = require "lamina.core.base"

local M = {}

local function option_text(values)
  local parts = {}
  for name, value in pairs(values) do parts[#parts + 1] = name .. "=" .. tostring(value) end
  table.sort(parts)
  return table.concat(parts, " ")
end

-- The numbers of a row of the history, but for the time it took.
local function row_text(row)
  local parts = {}
  for name, value in pairs(row) do
    if type(value) == "number" and name ~= "seconds" then
      parts[#parts + 1] = string.format("%s=%.17g", name, value)
    end
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

--- Notes a training in a model: the weights' digest before it, what describes it (a table of names and values), and
-- its history.
function M.note(net, before, settings, rows)
  local lines = { net.trained or "", before, option_text(settings) }
  for _, row in ipairs(rows) do lines[#lines + 1] = row_text(row) end
  net.trained = base.sha256(table.concat(lines, "\n"))
end

--- The metadata of a file of weights: `list` with versions, architecture and training added.
function M.metadata(net, list)
  local architecture = net.declaration.architecture
  list.lamina, list.numerics = base.version, tostring(base.numerics)
  list.architecture = architecture and require("lamina.core.io").json_encode(architecture) or nil
  list.training = net.trained
  return list
end

return M
