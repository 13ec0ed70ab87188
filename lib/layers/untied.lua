--- untied { width, kernel =, stride = 1, pad = 0, mode = "zero", dilation = 1, bias = true, init = }
local convolution = require "lamina.convolution"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

-- Columns of windows: n x (channels taps) x positions.
local function columns(o, x)
  local function two(list, absent) return { #list > 1 and list[1] or absent, list[#list] } end
  x = convolution.padded(o, x)
  if #o.kernel == 1 then x = ops.unsqueeze(x, 3) end
  return ops.unfold(x, { kernel = two(o.kernel, 1), stride = two(o.stride, 1), pad = two(o.pad, 0),
    dilation = two(o.dilation, 1) })
end

return layer.define {
  word = "untied",
  example = [[
net = model "m" { input { 1, 8, 8 }, area "V1" { untied { 4, kernel = 3, bias = false } } }
net.V1.shape, net:count()   --> { 4, 6, 6 } 1296]],
  doc = "A locally connected layer: the windows of a convolution with weights of their own at every position, as "
    .. "before weights were shared (LeCun 1989). Input channels x height x width or channels x length. Output: width "
    .. "x oh x ow, as conv. Parameters: weight [width oh ow, channels, kh, kw], a unit for each entry of the first "
    .. "axis, and bias [width oh ow].",
  positional = { "width" },
  options = convolution.options { pad = convolution.pad, mode = convolution.mode },
  resolve = function(o, shape) return convolution.resolve(o, shape, 2) end,
  shape = function(o) return { o.width, table.unpack(o.out) } end,
  parameters = function(o, shape)
    local units, fan = o.width * layer.elements(o.out), shape[1] * layer.elements(o.kernel)
    local list = { { name = "weight", shape = { units, shape[1], table.unpack(o.kernel) }, fan_in = fan,
      fan_out = o.width * layer.elements(o.kernel), inputs = 2 } }
    if o.bias then list[2] = { name = "bias", shape = { units }, fan_in = fan, fan_out = units, bias = true } end
    return list
  end,
  apply = function(o, p, x)
    local positions = layer.elements(o.out)
    local seen = ops.permute(columns(o, x), { 3, 1, 2 }) -- positions x n x taps
    local w = ops.permute(ops.reshape(p.weight, { o.width, positions, -1 }), { 2, 3, 1 }) -- positions x taps x width
    local y = ops.permute(ops.matmul(seen, w), { 2, 3, 1 })
    if p.bias then y = y + ops.reshape(p.bias, { 1, o.width, positions }) end
    return ops.reshape(ops.contiguous(y), { x:size(1), o.width, table.unpack(o.out) })
  end,
  cost = function(o, shape, out) return layer.elements(out) * shape[1] * layer.elements(o.kernel) end,
}
