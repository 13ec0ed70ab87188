--- conv { width, kernel =, stride = 1, pad = 0, mode = "zero", dilation = 1, groups = 1, bias = true, init = }
local convolution = require "lamina.convolution"
local layer = require "lamina.layer"
local weight_norm = require "lamina.weight_norm"

return layer.define {
  word = "conv", op = "conv2d",
  doc = "Convolution (cross-correlation, as in every deep-learning library) of channels x height x width with "
    .. "`width` filters; also of channels x length, and of channels x depth x height x width. Output: width x oh x "
    .. "ow, oh = floor((h + 2 pad - dilation (kernel - 1) - 1) / stride) + 1. Parameters: weight [width, channels / "
    .. "groups, kh, kw] and bias [width]. groups = channels is a depthwise convolution.",
  positional = { "width" },
  options = convolution.options { pad = convolution.pad, mode = convolution.mode, groups = convolution.groups,
    weight_norm = weight_norm.option },
  fuses = "relu",
  resolve = function(o, shape)
    local resolved, message = convolution.resolve(o, shape)
    return resolved and convolution.prepare(resolved), message
  end,
  shape = function(o) return { o.width, table.unpack(o.out) } end,
  parameters = function(o, shape)
    local channels, taps = shape[1] // o.groups, layer.elements(o.kernel)
    local list = { { name = "weight", shape = { o.width, channels, table.unpack(o.kernel) }, fan_in = channels * taps,
      fan_out = o.width // o.groups * taps, inputs = 2 } }
    if o.bias then
      list[2] = { name = "bias", shape = { o.width }, fan_in = channels * taps, fan_out = o.width, bias = true }
    end
    return weight_norm.parameters(o, list)
  end,
  apply = function(o, p, x, _, activation)
    return convolution.run(o, x, weight_norm.weight(o, p), p.bias, activation)
  end,
  cost = function(o, shape, out)
    return layer.elements(out) * (shape[1] // o.groups) * layer.elements(o.kernel)
  end,
}
