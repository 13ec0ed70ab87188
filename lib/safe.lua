--- Quotients and lengths of tensors that stay finite, gradients included, where they would be 0 / 0.
local ops = require "lamina.core.ops"

local M = {}

--- a / b, and 0 where b is 0.
function M.ratio(a, b)
  local none = ops.eq(b, 0)
  return ops.where(none, 0, ops.div(a, ops.where(none, 1, b)))
end

--- The square root, whose gradient at 0 is 0: a length from a sum of squares.
function M.length(squares)
  local none = ops.eq(squares, 0)
  return ops.where(none, 0, ops.sqrt(ops.where(none, 1, squares)))
end

return M
