--- dense { width, bias = true, init = }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local weight_norm = require "lamina.weight_norm"

local count = layer.elements

return layer.define {
  word = "dense", op = "linear",
  doc = "Every output sees every input: y = x W' + b. An input with more than one axis is flattened first. Output: "
    .. "width. Parameters: weight [width, inputs] and bias [width].",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of units" },
    bias = { type = "boolean", default = true, doc = "whether a bias is added" },
    init = { type = { "string", "table", "function" }, default = "uniform",
      doc = "first weights: uniform, he, lecun, glorot, orthogonal, zeros, { \"normal\", std = } or a function" },
    weight_norm = weight_norm.option,
  },
  fuses = "relu", flattens = true,
  shape = function(o) return { o.width } end,
  parameters = function(o, shape)
    local n = count(shape)
    local list = { { name = "weight", shape = { o.width, n }, fan_in = n, fan_out = o.width, inputs = 2 } }
    if o.bias then list[2] = { name = "bias", shape = { o.width }, fan_in = n, fan_out = o.width, bias = true } end
    return weight_norm.parameters(o, list)
  end,
  apply = function(o, p, x, _, activation)
    local flat = x.ndim > 2 and ops.flatten(x, 2) or x
    local y = ops.linear(flat, weight_norm.weight(o, p), p.bias, activation or "none")
    if not rawequal(flat, x) then flat:release() end
    return y
  end,
  cost = function(o, shape) return o.width * count(shape) end,
}
