--- What a layer saw and how its units answered, as rows for local learning rules.
local convolution = require "lamina.convolution"
local ops = require "lamina.core.ops"

local M = {}

-- Every patch that a convolution's filters see: n x channels x h x w to (n oh ow) x (channels kh kw).
local function unfolded(o, x)
  local columns = ops.unfold(convolution.padded(o, x), { kernel = o.kernel, stride = o.stride, pad = o.pad,
    dilation = o.dilation })
  local turned = ops.permute(columns, { 1, 3, 2 })
  local rows = ops.contiguous(turned)
  local flat = ops.reshape(rows, { rows:size(1) * rows:size(2), rows:size(3) })
  columns:release()
  turned:release()
  rows:release()
  return flat
end

--- The inputs of a convolution or dense layer: rows x inputs, in the order of its weight.
function M.inputs(node, x)
  if node.layer.full == "conv" then return unfolded(node.options, x) end
  return x.ndim > 2 and ops.flatten(x, 2) or x
end

--- The answers of its units: rows x units; of maps a row for each position, in the same order.
function M.answers(y)
  if y.ndim == 2 then return y end
  local turned = ops.permute(y, { 1, 3, 4, 2 })
  local rows = ops.contiguous(turned)
  local flat = ops.reshape(rows, { -1, y:size(2) })
  turned:release()
  rows:release()
  return flat
end

return M
