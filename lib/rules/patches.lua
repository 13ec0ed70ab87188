--- What a layer saw and how its units answered, as rows for local learning rules.
local ops = require "lamina.core.ops"

local M = {}

-- Every patch that a convolution's filters see: n x channels x h x w to (n oh ow) x (channels kh kw).
local function unfolded(o, x)
  local n, channels, h, w = table.unpack(x.shape)
  local oh = (h + 2 * o.pad[1] - (o.kernel[1] - 1) * o.dilation[1] - 1) // o.stride[1] + 1
  local ow = (w + 2 * o.pad[2] - (o.kernel[2] - 1) * o.dilation[2] - 1) // o.stride[2] + 1
  if o.pad[1] > 0 then x = ops.unslice(x, { dim = 3, start = 1 + o.pad[1], size = h + 2 * o.pad[1] }) end
  if o.pad[2] > 0 then x = ops.unslice(x, { dim = 4, start = 1 + o.pad[2], size = w + 2 * o.pad[2] }) end
  local taps = {}
  for i = 1, o.kernel[1] do
    local top = 1 + (i - 1) * o.dilation[1]
    local rows = ops.slice(x, { dim = 3, start = top, stop = top + (oh - 1) * o.stride[1], step = o.stride[1] })
    for k = 1, o.kernel[2] do
      local left = 1 + (k - 1) * o.dilation[2]
      taps[#taps + 1] = ops.slice(rows, { dim = 4, start = left, stop = left + (ow - 1) * o.stride[2],
        step = o.stride[2] })
    end
  end
  -- taps x n x channels x oh x ow to n x oh x ow x channels x taps
  local all = ops.permute(ops.stack(taps, { dim = 1 }), { 2, 4, 5, 3, 1 })
  return ops.reshape(ops.contiguous(all), { n * oh * ow, channels * #taps })
end

--- The inputs of a convolution or dense layer: rows x inputs, in the order of its weight.
function M.inputs(node, x)
  if node.layer.full == "conv" then return unfolded(node.options, x) end
  return x.ndim > 2 and ops.flatten(x, 2) or x
end

--- The answers of its units: rows x units; of maps a row for each position, in the same order.
function M.answers(y)
  if y.ndim == 2 then return y end
  return ops.reshape(ops.contiguous(ops.permute(y, { 1, 3, 4, 2 })), { -1, y:size(2) })
end

return M
