--- conv { width, kernel =, stride = 1, pad = 0, mode = "zero", dilation = 1, groups = 1, table =, bias =, init = }
local convolution = require "lamina.convolution"
local layer = require "lamina.layer"
local links = require "lamina.links"
local ops = require "lamina.core.ops"
local weight_norm = require "lamina.weight_norm"

-- The parameter of the bias: one number for each filter, or for each unit.
local function bias_of(o, fan)
  local shape = { o.width }
  if o.bias == "unit" then table.move(o.out, 1, #o.out, 2, shape) end
  return { name = "bias", shape = shape, fan_in = fan, fan_out = layer.elements(shape), bias = true }
end

local function weight_of(o, p)
  if o.table then return links.dense(o, p.weight) end
  return weight_norm.weight(o, p)
end

return layer.define {
  word = "conv", op = "conv2d",
  example = [[
net = model "m" { input { 3, 32, 32 }, area "V1" { conv { 16, kernel = 5, stride = 2, pad = 2 }, relu } }
net.V1.shape, net:count()   --> { 16, 16, 16 } 1216]],
  doc = "Convolution (cross-correlation, as in every deep-learning library) of channels x height x width with "
    .. "`width` filters; also of channels x length, and of channels x depth x height x width. Output: width x oh x "
    .. "ow, oh = floor((h + 2 pad - dilation (kernel - 1) - 1) / stride) + 1. Parameters: weight [width, channels / "
    .. "groups, kh, kw] and bias [width], with bias = \"unit\" [width, oh, ow]. groups = channels is a depthwise "
    .. "convolution; table says which channels each filter sees.",
  positional = { "width" },
  options = convolution.options { pad = convolution.pad, mode = convolution.mode, groups = convolution.groups,
    table = links.option, weight_norm = weight_norm.option,
    bias = { type = { "boolean", "string" }, default = true, choices = { "unit" }, expected = "true, false or 'unit'",
      doc = "whether a bias is added: one for each filter, or \"unit\": one for each position of each (LeCun "
        .. "1989)" } },
  fuses = "relu",
  resolve = function(o, shape)
    local resolved, message = convolution.resolve(o, shape)
    if resolved then resolved, message = links.resolve(resolved, shape) end
    return resolved and convolution.prepare(resolved), message
  end,
  shape = function(o) return { o.width, table.unpack(o.out) } end,
  parameters = function(o, shape)
    local channels, taps = shape[1] // o.groups, layer.elements(o.kernel)
    local list = { o.table and links.parameter(o) or { name = "weight",
      shape = { o.width, channels, table.unpack(o.kernel) }, fan_in = channels * taps,
      fan_out = o.width // o.groups * taps, inputs = 2 } }
    if o.bias then list[2] = bias_of(o, list[1].fan_in) end
    return weight_norm.parameters(o, list)
  end,
  apply = function(o, p, x, _, activation)
    if o.bias ~= "unit" then return convolution.run(o, x, weight_of(o, p), p.bias, activation) end
    local y = convolution.run(o, x, weight_of(o, p)) + p.bias
    return activation and ops.relu(y) or y
  end,
  cost = function(o, shape, out)
    local seen = o.table and o.link_count or o.width * (shape[1] // o.groups)
    return layer.elements(out) // o.width * seen * layer.elements(o.kernel)
  end,
}
