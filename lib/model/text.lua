--- What print(net) shows: areas, layers, output shapes, parameters, multiply-adds; connections and what is shared.
local layer = require "lamina.layer"

local M = {}

--- 61706 as 61,706.
function M.grouped(n)
  local text = string.format("%d", n)
  local rest
  repeat
    text, rest = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
  until rest == 0
  return text
end

local grouped = M.grouped

local function parameters_of(node)
  local n = 0
  for _, p in ipairs(node.shared and {} or node.parameters) do n = n + layer.elements(p.shape) end
  return n
end

local function marks(node)
  local list = {}
  if node.shared then list[#list + 1] = "= " .. node.shared.name end
  if node.frozen and #node.parameters + #node.buffer_list > 0 then list[#list + 1] = "frozen" end
  return table.concat(list, ", ")
end

-- Rows of what holds nothing and changes nothing (the place where a connection enters) are left out.
local function hidden(row) return not row.group and row.short == "from" and row.layer.full == "identity" end

local function block_rows(rows, block)
  local first, parameters, adds = true, 0, 0
  for _, row in ipairs(block.rows) do
    if not hidden(row) then
      local count = row.group and "" or grouped(parameters_of(row))
      rows[#rows + 1] = { first and block.name or "", string.rep("  ", row.depth) .. row.short,
        layer.shape_text(row.output), count, row.group and "" or grouped(row.cost), row.group and "" or marks(row) }
      first = false
    end
    if not row.group then parameters, adds = parameters + parameters_of(row), adds + row.cost end
  end
  return parameters, adds
end

local function from_text(from)
  if type(from) ~= "table" then return from end
  return table.concat(from, " + ")
end

-- "V2 -> V1, delay 1" and what else a reader needs to draw the graph.
local function edges(net)
  local lines = {}
  for _, block in ipairs(net.blocks) do
    local c = block.connection
    if c then
      lines[#lines + 1] = string.format("  %s: %s -> %s, delay %d, %s", block.name, c.from, c.place.name, c.delay,
        c.combine)
    elseif block.from then
      local delay = block.nodes[1].delays[1] or 0
      lines[#lines + 1] = string.format("  %s reads %s%s", block.name, from_text(block.from), delay > 0
        and string.format(", delay %d", delay) or "")
    end
  end
  return lines
end

local function aligned(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(cell)) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = string.rep(" ", widths[i] - utf8.len(cell))
      cells[i] = (i <= 2 or i == 6) and cell .. pad or pad .. cell
    end
    lines[#lines + 1] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  return lines
end

--- The text of a model.
function M.of(net)
  local rows = { { "area", "layer", "output", "parameters", "multiply-adds", "" } }
  local total, adds = 0, 0
  for _, block in ipairs(net.blocks) do
    local n, cost = block_rows(rows, block)
    total, adds = total + n, adds + cost
  end
  rows[#rows + 1] = { "total", "", "", grouped(total), grouped(adds), "" }
  local head = string.format("%s: input %s", net.name, layer.shape_text(net.input))
  if net.steps then
    head = head .. (net.steps == "input" and ", as many steps as the input has" or string.format(", %d step%s",
      net.steps, net.steps == 1 and "" or "s")) .. string.format(", %s%s%s; multiply-adds of one step", net.update,
      net.stateful and ", stateful" or "", net.truncate and ", gradients over " .. net.truncate .. " steps" or "")
  end
  local lines = table.move(aligned(rows), 1, #rows, 2, { head })
  local found = edges(net)
  return table.concat(table.move(found, 1, #found, #lines + 1, lines), "\n")
end

return M
