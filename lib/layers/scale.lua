--- scale, scale { bias = false }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "scale",
  example = [[
net = model "m" { input { 6, 28, 28 }, area "S2" { pool.avg { 2 }, scale } }
net:count()   --> 12]],
  doc = "Each channel times a weight plus a bias. After pool.avg it is the subsampling layer of LeNet-1 and LeNet-5 "
    .. "(LeCun et al. 1998), whose sum of four is taken up by the weight. Parameters: weight [channels], first "
    .. "`value`, and bias [channels], first 0.",
  positional = { "value" },
  options = {
    value = { type = "number", default = 1, doc = "the first weights" },
    bias = { type = "boolean", default = true, doc = "whether a bias is added" },
  },
  shape = function(_, shape)
    if #shape >= 1 then return shape end
    return nil, "needs an input with channels"
  end,
  parameters = function(o, shape)
    local c = shape[1]
    local list = { { name = "weight", shape = { c }, fan_in = 1, fan_out = 1,
      init = { "constant", value = o.value } } }
    if o.bias then
      list[2] = { name = "bias", shape = { c }, fan_in = 1, fan_out = 1, init = "zeros", bias = true }
    end
    return list
  end,
  apply = function(_, p, x)
    local wide = { 1, -1 }
    for i = 3, x.ndim do wide[i] = 1 end
    local y = x * ops.reshape(p.weight, wide)
    return p.bias and y + ops.reshape(p.bias, wide) or y
  end,
  cost = function(_, shape) return layer.elements(shape) end,
}
