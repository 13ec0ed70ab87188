--- conv { width, kernel =, stride = 1, pad = 0, dilation = 1, groups = 1, bias = true, init = }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local weight_norm = require "lamina.weight_norm"

local pair = layer.pair

-- The padding that keeps ceil(size / stride) positions; nil where it is not the same on both sides.
local function same(size, kernel, stride, dilation)
  local extent = (kernel - 1) * dilation + 1
  local total = math.max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
  if total % 2 == 0 then return total // 2 end
end

local function resolve(o, shape)
  if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
  if shape[1] % o.groups ~= 0 or o.width % o.groups ~= 0 then
    return nil, string.format("groups = %d divides neither or only one of %d input and %d output channels",
      o.groups, shape[1], o.width)
  end
  local kh, kw = pair(o.kernel)
  local sh, sw = pair(o.stride)
  local dh, dw = pair(o.dilation)
  local ph, pw
  if o.pad == "same" then
    ph, pw = same(shape[2], kh, sh, dh), same(shape[3], kw, sw, dw)
    if not ph or not pw then
      return nil, string.format("pad = \"same\" would need unequal sides here (input %s, kernel %dx%d, stride %dx%d)"
        .. "; use an odd kernel with stride 1, or give pad as a number", layer.shape_text(shape), kh, kw, sh, sw)
    end
  elseif o.pad == "valid" then
    ph, pw = 0, 0
  elseif type(o.pad) == "string" then
    return nil, string.format("option 'pad' is '%s', expected a number, { height, width }, \"same\" or \"valid\"",
      o.pad)
  else
    ph, pw = pair(o.pad)
  end
  o.kernel, o.stride, o.dilation, o.pad = { kh, kw }, { sh, sw }, { dh, dw }, { ph, pw }
  o.plain = { stride = o.stride, pad = o.pad, dilation = o.dilation, groups = o.groups }
  o.fused = { stride = o.stride, pad = o.pad, dilation = o.dilation, groups = o.groups, activation = "relu" }
  return o
end

local function out_shape(o, shape)
  local h = layer.positions(shape[2], o.kernel[1], o.stride[1], o.pad[1], o.dilation[1])
  local w = layer.positions(shape[3], o.kernel[2], o.stride[2], o.pad[2], o.dilation[2])
  if h < 1 or w < 1 then
    return nil, string.format("a kernel of %dx%d does not fit into an input of %s with pad %dx%d",
      o.kernel[1], o.kernel[2], layer.shape_text(shape), o.pad[1], o.pad[2])
  end
  return { o.width, h, w }
end

return layer.define {
  word = "conv", op = "conv2d",
  doc = "Two-dimensional convolution (cross-correlation, as in every deep-learning library) of channels x height x "
    .. "width with `width` filters. Output: width x oh x ow, oh = floor((h + 2 pad - dilation (kernel - 1) - 1) / "
    .. "stride) + 1. Parameters: weight [width, channels / groups, kh, kw] and bias [width].",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of filters, the channels of the output" },
    kernel = { type = "pair", required = true, min = 1, doc = "size of the filters: n or { h, w }" },
    stride = { type = "pair", default = 1, min = 1, doc = "step between positions" },
    pad = { type = { "pair", "string" }, default = 0, min = 0,
      doc = "zeros around the input: n, { h, w }, \"same\" or \"valid\"" },
    dilation = { type = "pair", default = 1, min = 1, doc = "step between the filter's elements" },
    groups = { type = "integer", default = 1, min = 1, doc = "parts of the channels that do not see each other" },
    bias = { type = "boolean", default = true, doc = "whether a bias is added" },
    init = { type = { "string", "table", "function" }, default = "uniform",
      doc = "first weights: uniform, he, lecun, glorot, orthogonal, zeros, { \"normal\", std = } or a function" },
    weight_norm = weight_norm.option,
  },
  fuses = "relu",
  resolve = resolve,
  shape = out_shape,
  parameters = function(o, shape)
    local kh, kw, channels = o.kernel[1], o.kernel[2], shape[1] // o.groups
    local list = { { name = "weight", shape = { o.width, channels, kh, kw }, fan_in = channels * kh * kw,
      fan_out = o.width // o.groups * kh * kw, inputs = 2 } }
    if o.bias then
      list[2] = { name = "bias", shape = { o.width }, fan_in = channels * kh * kw, fan_out = o.width, bias = true }
    end
    return weight_norm.parameters(o, list)
  end,
  apply = function(o, p, x, _, activation)
    return ops.conv2d(x, weight_norm.weight(o, p), p.bias, activation and o.fused or o.plain)
  end,
  cost = function(o, shape, out)
    return out[1] * out[2] * out[3] * (shape[1] // o.groups) * o.kernel[1] * o.kernel[2]
  end,
}
