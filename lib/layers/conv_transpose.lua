--- conv_transpose { width, kernel =, stride = 1, pad = 0, output_pad = 0, dilation = 1, groups = 1, bias = true }
local convolution = require "lamina.convolution"
local fit = require "lamina.fit"
local layer = require "lamina.layer"

-- The largest pad, at most what was given, that leaves something of every axis.
local function largest_pad(o, shape)
  local list = {}
  for i = 1, #o.pad do
    local whole = (shape[i + 1] - 1) * o.stride[i] + (o.kernel[i] - 1) * o.dilation[i] + 1 + o.output_pad[i]
    list[i] = math.min(o.pad[i], (whole - 1) // 2)
  end
  return list
end

local function resolve(o, shape)
  local n, message = convolution.resolve_sizes(o, shape)
  if not n then return nil, message end
  if not convolution.fit_groups(o, shape) then return nil, select(2, convolution.fit_groups(o, shape)) end
  for _, name in ipairs { "pad", "output_pad" } do
    local list
    list, message = convolution.spread(o, name, n, shape, 0)
    if not list then return nil, message end
    o[name] = list
  end
  o.out = {}
  for i = 1, n do
    if o.output_pad[i] >= o.stride[i] then
      return nil, string.format("output_pad %s must be smaller than stride %s: it chooses among the sizes that the "
        .. "stride skips", layer.shape_text(o.output_pad), layer.shape_text(o.stride))
    end
    o.out[i] = (shape[i + 1] - 1) * o.stride[i] - 2 * o.pad[i] + (o.kernel[i] - 1) * o.dilation[i] + 1
      + o.output_pad[i]
    if o.out[i] < 1 then
      return nil, string.format("pad %s leaves nothing of an input of %s; pad = %s would "
        .. "fit", layer.shape_text(o.pad),
        layer.shape_text(shape), fit.size(largest_pad(o, shape)))
    end
  end
  return o
end

local function sizes(default, doc)
  return { type = { "pair", "table" }, default = default, min = 0, doc = doc,
    expected = "a whole number, or one for each axis, such as { height, width }, of at least 0" }
end

return layer.define {
  word = "conv_transpose", op = "conv2d_grad_input",
  example = [[
net = model "m" { input { 8, 7, 7 }, area "decoder" { conv_transpose { 4, kernel = 2, stride = 2 } } }
net.decoder.shape   --> { 4, 14, 14 }]],
  doc = "Transposed convolution of channels x height x width (or x length, x depth x height x width): what the "
    .. "gradient of a convolution with the same options does, so that a stride makes maps larger (Zeiler et al. "
    .. "2010). Output: width x oh x ow, oh = (h - 1) stride - 2 pad + dilation (kernel - 1) + 1 + output_pad. "
    .. "Parameters: weight [width, channels / groups, kh, kw] and bias [width].",
  positional = { "width" },
  options = convolution.options {
    pad = sizes(0, "how much of the margin of the output is cut off"),
    output_pad = sizes(0, "rows and columns more at the end, below stride"), groups = convolution.groups,
  },
  resolve = resolve,
  shape = function(o) return { o.width, table.unpack(o.out) } end,
  parameters = function(o, shape)
    local channels, taps = shape[1] // o.groups, layer.elements(o.kernel)
    local list = { { name = "weight", shape = { o.width, channels, table.unpack(o.kernel) }, fan_in = channels * taps,
      fan_out = o.width // o.groups * taps, inputs = 2 } }
    if o.bias then
      list[2] = { name = "bias", shape = { o.width }, fan_in = channels * taps, fan_out = o.width, bias = true }
    end
    return list
  end,
  apply = function(o, p, x) return convolution.run_transposed(o, x, p.weight, p.bias) end,
  cost = function(o, shape) return layer.elements(shape) * o.width // o.groups * layer.elements(o.kernel) end,
}
