--- maximum { {...}, {...} }
local merge = require "lamina.model.merge"

return merge.fold("maximum", "maximum", "be compared", "The largest of branches that all see the same input, element "
  .. "by element: MAX pooling over scales, as in maximum { { templates {...} }, { templates {...} } }, where the "
  .. "branches' filters have different sizes (Riesenhuber & Poggio 1999). All branches must give one shape. With "
  .. "tensors, the op maximum: maximum(a, b).")
