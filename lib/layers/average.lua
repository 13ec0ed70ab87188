--- average { {...}, {...} }
local layer = require "lamina.layer"
local merge = require "lamina.model.merge"
local ops = require "lamina.core.ops"

local function mean(xs)
  local y = xs[1]
  for i = 2, #xs do y = ops.add(y, xs[i]) end
  return y * (1 / #xs)
end

return layer.define {
  word = "average", merges = true,
  example = [=[average(tensor { { 1, 2 } }, tensor { { 3, 6 } })   --> [[2. 4.]]]=],
  doc = "The mean of branches that all see the same input, element by element: the linear counterpart (SUM) of "
    .. "maximum {...}, MAX pooling over scales (Riesenhuber & Poggio 1999). All branches must give one shape. With "
    .. "tensors: average(a, b).",
  shape = function(_, shapes) return merge.same(shapes, "be averaged") end,
  apply = function(_, _, xs) return mean(xs) end,
  tensors = function(a, ...)
    if type(a) == "table" then return mean(a) end
    return mean { a, ... }
  end,
}
