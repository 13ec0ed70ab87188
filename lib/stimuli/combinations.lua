--- lamina.stimuli.combinations: stimuli for every combination of the values of some options.
local common = require "lamina.neural.common"

local M = {}

-- The numbers that an option names: one number, a list, or a tensor.
local function numbers(value) return type(value) == "number" and { value } or common.list(value) end

--- Every combination of the values of the named options, the last varying fastest: a list of rows.
function M.rows(options, names)
  local rows = { {} }
  for _, name in ipairs(names) do
    local longer = {}
    for _, row in ipairs(rows) do
      for _, value in ipairs(numbers(options[name])) do
        local copy = table.move(row, 1, #row, 1, {})
        copy[#copy + 1] = value
        longer[#longer + 1] = copy
      end
    end
    rows = longer
  end
  return rows
end

--- Entry c of every row.
function M.column(rows, c)
  local column = {}
  for i, row in ipairs(rows) do column[i] = row[c] end
  return column
end

return M
