--- multiply { {...}, {...} }
local merge = require "lamina.model.merge"

return merge.fold("multiply", "mul", "be multiplied", "The product of branches that all see the same input, element "
  .. "by element: a gate, as in multiply { { conv {...}, sigmoid }, identity }. All branches must give one shape. "
  .. "With tensors, the op mul: multiply(a, b).",
  "multiply(tensor { { 1, 5 } }, tensor { { 3, 2 } })   --> [[3. 10.]]")
