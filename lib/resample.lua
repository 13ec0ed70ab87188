--- lamina.resample: pictures made smaller without aliases, or larger, by weights along each axis.
--
-- A new pixel is a mean over the old ones around its centre, weighted by a triangle as wide as two new pixels (two
-- old ones, where the picture grows): what Pillow's bilinear filter and PyTorch's interpolate with antialias = true
-- do.
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"

local M = {}

--- The weights along one axis: new x old, each row adding up to 1.
function M.weights(old, new)
  local scale, rows = old / new, {}
  local reach = math.max(scale, 1)
  for i = 1, new do
    local centre, row, total = (i - 0.5) * scale, {}, 0
    for j = 1, old do
      row[j] = math.max(0, 1 - math.abs(j - 0.5 - centre) / reach)
      total = total + row[j]
    end
    for j = 1, old do row[j] = row[j] / total end
    rows[i] = row
  end
  return core.tensor(rows, { dtype = "float64" })
end

--- The last two axes of x made height x width. Differentiable.
function M.resize(x, height, width)
  local h, w = x.shape[x.ndim - 1], x.shape[x.ndim]
  local y = x
  if w ~= width then y = ops.matmul(y, M.weights(w, width):to(x.dtype):t()) end
  if h ~= height then y = ops.matmul(M.weights(h, height):to(x.dtype), y) end
  return y
end

return M
