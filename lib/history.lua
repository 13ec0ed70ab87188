--- The course of a run: a list of rows { epoch =, step =, ..., seconds = } that prints as a table and that plot.curve
-- draws.
local object = require "lamina.object"

local M = {}

local History = { __name = "history" }
History.__index = object.index("a history", History)

-- Where the known columns stand; others come before the rate, by name.
local RANK = { evaluation = 0, value = 0.1, best = 0.2, epoch = 1, step = 2, train_loss = 3, train_error = 4,
  valid_loss = 5, valid_error = 6, rate = 8, seconds = 9 }
local OTHER = 7

--- A history of the given rows.
function M.new(rows) return setmetatable(rows or {}, History) end

--- history:columns(): the names of all columns, in the order in which they are shown.
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > set = data.tensors { randn { 20, 4 }, randint(1, 2, { 20 }) }
-- > history = train { model = net, data = set, log = false, epochs = 2 }
-- > history:columns(), #history   --> { "epoch", "step", "train_loss", "train_error", "rate", "seconds" } 2
function History:columns()
  local seen, names = {}, {}
  for _, row in ipairs(self) do
    for name in pairs(row) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  table.sort(names, function(a, b)
    local ra, rb = RANK[a] or OTHER, RANK[b] or OTHER
    if ra ~= rb then return ra < rb end
    return a < b
  end)
  return names
end

--- history:csv(path): writes the table as CSV, errors as parts of 1; a relative path is one in the experiment's
-- folder. Returns the path written.
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > set = data.tensors { randn { 20, 4 }, randint(1, 2, { 20 }) }
-- > history = train { model = net, data = set, log = false }
-- > history:csv "learning.csv"   --> learning.csv
function History:csv(path)
  local names = self:columns()
  local rows = { names }
  for i, row in ipairs(self) do
    rows[i + 1] = {}
    for k, name in ipairs(names) do rows[i + 1][k] = row[name] == nil and "" or row[name] end
  end
  return require("lamina.data.files").save_csv(path, rows)
end

--- One cell as text: errors in percent, other numbers with four significant digits.
function M.cell(name, value)
  if value == nil then return "" end
  if math.type(value) ~= "float" then return tostring(value) end
  if name:match("error$") then return string.format("%.2f %%", 100 * value) end
  if name == "seconds" then return string.format("%.1f", value) end
  return string.format("%.4g", value)
end

local WIDTH = 118 -- of what is printed

--- A row on one line, "epoch 2/3  step 1720  train_loss 0.061  ...", or on more where there is much to say.
function M.line(row, epochs)
  local parts = { string.format("epoch %d/%d", row.epoch, epochs) }
  for _, name in ipairs(M.new { row }:columns()) do
    if name == "seconds" then
      parts[#parts + 1] = M.cell(name, row[name]) .. " s"
    elseif name ~= "epoch" then
      parts[#parts + 1] = name:gsub("_", " ") .. " " .. M.cell(name, row[name])
    end
  end
  local lines, line = {}, nil
  for i, part in ipairs(parts) do
    if line and #line + 2 + #part > WIDTH and i < #parts then -- the seconds do not stand alone
      lines[#lines + 1] = line
      line = nil
    end
    line = line and line .. "  " .. part or (#lines > 0 and "  " or "") .. part
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

-- Rows of aligned cells as text: in several tables, one below the other and each with the first column, where the
-- lines would be too long.
local function in_tables(rows, widths)
  local tables, from = {}, 2
  repeat
    local columns, width = { 1 }, widths[1] or 0
    while from <= #widths and (#columns == 1 or width + 2 + widths[from] <= WIDTH) do
      columns[#columns + 1] = from
      width = width + 2 + widths[from]
      from = from + 1
    end
    local lines = {}
    for i, row in ipairs(rows) do
      local cells = {}
      for k, c in ipairs(columns) do
        local cell = row[c] or ""
        cells[k] = string.rep(" ", (widths[c] or 0) - #cell) .. cell
      end
      lines[i] = table.concat(cells, "  ")
    end
    tables[#tables + 1] = table.concat(lines, "\n")
  until from > #widths
  return table.concat(tables, "\n\n")
end

History.__tostring = function(self)
  local names = self:columns()
  local widths, rows = {}, { names }
  for i, row in ipairs(self) do
    rows[i + 1] = {}
    for k, name in ipairs(names) do rows[i + 1][k] = M.cell(name, row[name]) end
  end
  for _, row in ipairs(rows) do
    for k, cell in ipairs(row) do widths[k] = math.max(widths[k] or 0, #cell) end
  end
  return in_tables(rows, widths)
end

return M
