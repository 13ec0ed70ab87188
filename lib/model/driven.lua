--- Which weights an area's cells drive: those of every layer that its output reaches without passing through other
-- weights, by way of poolings, activations, normalisation, shortcuts, joins, feedback and laterals. A rule on what
-- leaves a cell, such as Dale's law, is a rule on these.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local layer = require "lamina.layer"

local M = {}

-- For each channel (the first axis) of a node's output, which channel of the area it carries; 0: none.
local function nothing(shape)
  local list = {}
  for i = 1, shape[1] do list[i] = 0 end
  return list
end

-- What two inputs that are added carry together.
local function united(node, maps)
  local sum = table.move(maps[1], 1, #maps[1], 1, {})
  for k = 2, #maps do
    for i, channel in ipairs(maps[k]) do
      if sum[i] ~= 0 and channel ~= 0 and sum[i] ~= channel then
        errors.raise("argument", 3, "driven: at %s channels %d and %d of the area come together in one, so that what "
          .. "it drives has no single source", node.name, sum[i], channel)
      end
      if sum[i] == 0 then sum[i] = channel end
    end
  end
  return sum
end

-- What a layer without weights on its input's channels passes on.
local function passed(node, maps, shapes)
  if node.layer.channels then return node.layer.channels(node.options, maps, shapes) end
  local through = node.layer.merges and united(node, maps) or maps[1]
  if #through == node.output[1] then return through end
  errors.raise("argument", 3, "driven: %s changes the number of channels from %d to %d, and the layer %s does not "
    .. "say how (`channels` in its definition)", node.name, #through, node.output[1], node.layer.full)
end

local function weight_of(node)
  for _, p in ipairs(node.parameters) do
    if p.inputs then return p end
  end
end

local function holds_any(map)
  for _, channel in ipairs(map) do
    if channel ~= 0 then return true end
  end
  return false
end

local function same(a, b)
  for i, channel in ipairs(a) do
    if b[i] ~= channel then return false end
  end
  return true
end

-- One sweep over the nodes; true where a map has changed.
local function sweep(net, source, maps)
  local changed = false
  for _, node in ipairs(net.order) do
    if node ~= source then
      local inputs, shapes = {}, {}
      for i, from in ipairs(node.sources) do
        inputs[i], shapes[i] = maps[from] or nothing(from.output), from.output
      end
      local map = weight_of(node) and nothing(node.output) or passed(node, inputs, shapes)
      changed = changed or not maps[node] or not same(maps[node], map)
      maps[node] = map
    end
  end
  return changed
end

-- The channels as the weight's axis of inputs counts them: one for each element where a dense layer reads a map, one
-- for each link of a table.
local function along_axis(node, map, p)
  if p.links then
    local list = {}
    for i, channel in ipairs(p.links) do list[i] = map[channel] end
    return list
  end
  local each = node.layer.flattens and layer.elements(node.input) // node.input[1] or 1
  if each == 1 then return map end
  local list = {}
  for i, channel in ipairs(map) do
    for k = 1, each do list[(i - 1) * each + k] = channel end
  end
  return list
end

local Driven = { __name = "driven weight" }
Driven.__index = Driven

Driven.__tostring = function(self)
  return string.format("%s, axis %d, driven by %s", self.name, self.dim, self.area)
end

--- driven:spread(values, otherwise = 0): a tensor that broadcasts against the weight and holds, where a channel c of
-- the area acts, values[c], elsewhere `otherwise`: values is a list or a tensor with a number for each channel.
-- > net = model "m" { input { 3 }, area "A" { dense { 2 } }, readout "r" { dense { 1 } } }
-- > net:driven("A")[1]:spread { 1, -1 }   --> [[1. -1.]]
function Driven:spread(values, otherwise)
  if core.is_tensor(values) then values = values:totable() end
  local shape = self.tensor.shape
  local rows, columns = self.groups > 1 and shape[1] or 1, shape[self.dim]
  local list = {}
  for row = 1, rows do
    local first = (row - 1) * self.groups // rows * columns
    list[row] = {}
    for i = 1, columns do list[row][i] = values[self.channels[first + i]] or otherwise or 0 end
  end
  local wide = { self.dim == 1 and columns or rows }
  for i = 2, #shape do wide[i] = i == self.dim and columns or 1 end
  return core.tensor(list, { dtype = self.tensor.dtype }):reshape(wide)
end

--- net:driven(area): the weights that the area's output drives: a list of { node =, name = "V2.conv1.weight", tensor
-- =, dim = the axis of the weight that runs over inputs, channels = for each place on that axis (with groups: for
-- each input channel) the channel of the area that acts there, 0 where none does, groups = }, each with
-- driven:spread(values). `area` may also be the name of a layer.
function M.of(net, area)
  local source = net:find(area)
  if not source then net:no_such(area, 2) end
  local maps, own = {}, {}
  for i = 1, source.output[1] do own[i] = i end
  maps[source] = own
  while sweep(net, source, maps) do end
  local list = {}
  for _, node in ipairs(net.nodes) do
    local p, map = weight_of(node), maps[node.sources[1]]
    if p and map and holds_any(map) then
      list[#list + 1] = setmetatable({ node = node, area = area, tensor = node.params[p.name], dim = p.inputs,
        name = (node.shared and node.shared.name or node.name) .. "." .. p.name, channels = along_axis(node, map, p),
        groups = node.options.groups or 1 }, Driven)
    end
  end
  return list
end

return M
