--- maximum { {...}, {...} }
local merge = require "lamina.model.merge"

return merge.fold("maximum", "maximum", "be compared", "The largest of branches that all see the same input, element "
  .. "by element: MAX pooling over scales, as in maximum { { templates {...} }, { templates {...} } }, where the "
  .. "branches' filters have different sizes (Riesenhuber & Poggio 1999). All branches must give one shape. With "
  .. "tensors, the op maximum: maximum(a, b).", [[
net = model "m" { input { 1, 16, 16 }, area "C1" { maximum { { templates { 4, kernel = 5, pad = "same" } },
  { templates { 4, kernel = 7, pad = "same" } } } } }
net.C1.shape   --> { 4, 16, 16 }]])
