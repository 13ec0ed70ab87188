--- add { {...}, {...} }
local merge = require "lamina.model.merge"

return merge.fold("add", "add", "be added", "The sum of branches that all see the same input, element by element: "
  .. "add { { conv { 8, kernel = 3, pad = 1 } }, identity }. A branch is a table of layers or one layer; all must "
  .. "give one shape. With tensors, the op: add(a, b).", "relu")
