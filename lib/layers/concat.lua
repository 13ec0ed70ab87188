--- concat { {...}, {...}, dim = 1 }
local layer = require "lamina.layer"
local merge = require "lamina.model.merge"
local ops = require "lamina.core.ops"

-- What the op takes: a list and a dim, which concat { a, b, dim = 2 } holds in one table.
local function tensors(list, options)
  if type(list) ~= "table" then return ops.concat(list, options) end
  local plain, named = layer.split(list)
  if next(named) == nil then return ops.concat(plain, options) end
  return ops.concat(plain, named)
end

return layer.define {
  word = "concat", op = "concat", merges = true,
  example = [[
net = model "m" { input { 3, 8, 8 },
  area "V1" { concat { { conv { 4, kernel = 3, pad = 1 } }, { conv { 2, kernel = 1 } } } } }
net.V1.shape   --> { 6, 8, 8 }]],
  doc = "Branches that all see the same input, side by side: concat { { conv {...} }, { pool.max {...} } } has the "
    .. "channels of both (GoogLeNet's and DenseNet's join; Szegedy et al. 2015, Huang et al. 2017). dim is the axis "
    .. "of one input, without the batch; the others must agree. With tensors, the op, whose dim counts the batch "
    .. "axis: concat({ a, b }, 2).",
  options = { dim = { type = "integer", default = 1, doc = "the axis that grows; 1 is the channels, -1 the last" } },
  shape = function(o, shapes) return merge.joined(shapes, o.dim) end,
  channels = function(o, maps, shapes)
    local list = {}
    if o.dim ~= 1 and o.dim ~= -#shapes[1] then return maps[1] end
    for _, map in ipairs(maps) do table.move(map, 1, #map, #list + 1, list) end
    return list
  end,
  apply = function(o, _, xs) return ops.concat(xs, { dim = o.dim < 0 and o.dim or o.dim + 1 }) end,
  tensors = tensors,
}
