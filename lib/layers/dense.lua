--- dense { width, bias = true, each = false, init = }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local sequence = require "lamina.sequence"
local weight_norm = require "lamina.weight_norm"

local count = layer.elements

-- How many inputs an output sees.
local function inputs(o, shape) return o.each and shape[#shape] or count(shape) end

return layer.define {
  word = "dense", op = "linear",
  example = [[
net = model "m" { input { 1, 28, 28 }, area "IT" { dense { 100 }, relu } }
net.IT.shape, net:count()   --> { 100 } 78500]],
  doc = "Every output sees every input: y = x W' + b. An input with more than one axis is flattened first, or "
    .. "with each = true seen row by row. Output: width; with each, time x width. Parameters: weight [width, inputs] "
    .. "and bias [width].",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of units" },
    bias = { type = "boolean", default = true, doc = "whether a bias is added" },
    init = { type = { "string", "table", "function" }, default = "uniform",
      doc = "first weights: uniform, he, lecun, glorot, orthogonal, zeros, { \"normal\", std = } or a function" },
    each = { type = "boolean", default = false, doc = "of an input with several axes: the same weights for each of "
      .. "its rows (the last axis), instead of all elements together; so after attention, or lstm with steps = "
      .. "\"all\"" },
    weight_norm = weight_norm.option,
  },
  fuses = "relu", flattens = true,
  shape = function(o, shape)
    if not o.each then return { o.width } end
    local out = table.move(shape, 1, #shape, 1, {})
    out[#out] = o.width
    return out
  end,
  channels = sequence.channels "dense with each = true",
  parameters = function(o, shape)
    local n = inputs(o, shape)
    local list = { { name = "weight", shape = { o.width, n }, fan_in = n, fan_out = o.width,
      inputs = not (o.each and #shape > 1) and 2 or nil } }
    if o.bias then list[2] = { name = "bias", shape = { o.width }, fan_in = n, fan_out = o.width, bias = true } end
    return weight_norm.parameters(o, list)
  end,
  apply = function(o, p, x, _, activation)
    local flat = x.ndim > 2 and not o.each and ops.flatten(x, 2) or x
    local y = ops.linear(flat, weight_norm.weight(o, p), p.bias, activation or "none")
    if not rawequal(flat, x) then flat:release() end
    return y
  end,
  cost = function(o, shape) return o.width * count(shape) end,
}
