--- flatten
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "flatten",
  example = [[
net = model "m" { input { 8, 4, 4 }, area "V1" { flatten } }
net.V1.shape   --> { 128 }]],
  doc = "All axes of one input as one: 16x5x5 becomes 400, the last axis fastest.",
  shape = function(_, shape) return { layer.elements(shape) } end,
  channels = function(_, maps, shapes)
    local list, each = {}, layer.elements(shapes[1]) // shapes[1][1]
    for i = 1, #maps[1] * each do list[i] = maps[1][(i - 1) // each + 1] end
    return list
  end,
  apply = function(_, _, x)
    if x.ndim == 2 then return x end
    return ops.flatten(x, 2)
  end,
}
