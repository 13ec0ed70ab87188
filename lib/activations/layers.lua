--- lamina.activations.layers: which layers are recorded, and the coordinates of their neuroids.
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local lazy = require "lamina.lazy"
local schema = require "lamina.schema"

local M = {}

-- ---- which -----------------------------------------------------------------------------------------------------

local function entry(net, name)
  local plain, at = name:match "^(.-)@(%d+)$"
  local node = net:find(plain or name)
  return node and { name = name, plain = plain or name, node = node, step = at and math.tointeger(at) or nil,
    area = node.block.name, shape = node.output }
end

-- The layers whose names a Lua pattern finds, in the model's order.
local function matching(net, pattern, position)
  if not require("lamina.pattern").is_whole(pattern) then
    errors.raise("argument", position, "activations: option 'layers' names '%s', which is no layer or area of %s, "
      .. "nor a Lua pattern", pattern, net.name)
  end
  local found = {}
  for _, node in ipairs(net.nodes) do
    if node.name:find(pattern) then found[#found + 1] = entry(net, node.name) end
  end
  return found
end

local function of_name(net, name, position)
  if type(name) ~= "string" then
    errors.raise("argument", position, "activations: option 'layers' holds %s, expected names of layers or areas, or "
      .. "Lua patterns", schema.shown(name))
  end
  if name == "all" then return matching(net, "", position) end
  if name == "areas" then
    local areas = {}
    for _, block in ipairs(net.blocks) do
      if block.kind == "area" then areas[#areas + 1] = entry(net, block.name) end
    end
    return #areas > 0 and areas or matching(net, "", position)
  end
  local exact = entry(net, name)
  if exact then return { exact } end
  local found = matching(net, name, position)
  if #found == 0 then
    local _, err = errors.try(net.no_such, net, name, position, "activations: option 'layers'")
    errors.raise("argument", position, "%s; no layer's name fits it as a Lua pattern, either", err.message)
  end
  return found
end

--- The layers that `given` asks for: "all", "areas" (the last layer of each), the name of an area or of a word of
-- layers (its last layer), of a layer, a Lua pattern on the names of layers, or a list of these; each once. A list of
-- { name =, node =, area =, shape =, step = }.
function M.wanted(net, given, position)
  local list, seen = {}, {}
  for _, name in ipairs(type(given) == "table" and given or { given }) do
    for _, one in ipairs(of_name(net, name, position)) do
      if not seen[one.name] then
        seen[one.name] = true
        list[#list + 1] = one
      end
    end
  end
  if #list == 0 then net:check_layers({}, "activations", "layers", position) end
  return list
end

-- ---- coordinates -----------------------------------------------------------------------------------------------

-- Channel, row, column (and depth) of element k of a layer's output. Maps are channels x rows x columns, volumes
-- channels x depth x rows x columns, sequences rows x channels; a plain vector is one channel an element.
local function place(shape, k)
  k = k - 1
  if #shape == 1 then return k + 1, 1, 1, 1 end
  if #shape == 2 then return k % shape[2] + 1, k // shape[2] + 1, 1, 1 end
  local w, h = shape[#shape], shape[#shape - 1]
  local d = #shape == 4 and shape[2] or 1
  return k // (w * h * d) + 1, k // w % h + 1, k % w + 1, k // (w * h) % d + 1
end

--- The coordinates of all neuroids, layer after layer, as lazy lists: neuroid_id ("V1.conv1.7"), layer, area,
-- channel, row, column, and depth where a layer has volumes; and their number. Each layer gets first, count.
function M.coordinates(list)
  local total, volumes = 0, false
  for _, one in ipairs(list) do
    one.first, one.count = total + 1, layer.elements(one.shape)
    total, volumes = total + one.count, volumes or #one.shape == 4
  end
  local last = list[1]
  local function layer_of(i) -- the last layer asked for is most often the next one's, too
    if i >= last.first and i < last.first + last.count then return last end
    local low, high = 1, #list
    while low < high do
      local middle = (low + high + 1) // 2
      if list[middle].first <= i then low = middle else high = middle - 1 end
    end
    last = list[low]
    return last
  end
  local function of_place(which)
    return lazy.list(total, function(i)
      local one = layer_of(i)
      return (select(which, place(one.shape, i - one.first + 1)))
    end)
  end
  return {
    neuroid_id = lazy.list(total, function(i)
      local one = layer_of(i)
      return string.format("%s.%d", one.name, i - one.first + 1)
    end),
    layer = lazy.list(total, function(i) return layer_of(i).name end),
    area = lazy.list(total, function(i) return layer_of(i).area end),
    channel = of_place(1), row = of_place(2), column = of_place(3), depth = volumes and of_place(4) or nil,
  }, total
end

return M
