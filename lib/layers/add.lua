--- add { {...}, {...} }
local merge = require "lamina.model.merge"

return merge.fold("add", "add", "be added", "The sum of branches that all see the same input, element by element: "
  .. "add { { conv { 8, kernel = 3, pad = 1 } }, identity }. A branch is a table of layers or one layer; all must "
  .. "give one shape. With tensors, the op: add(a, b).", [[
net = model "m" { input { 3, 8, 8 },
  area "V1" { add { { conv { 4, kernel = 3, pad = 1 } }, { conv { 4, kernel = 1 } } } } }
net.V1.shape   --> { 4, 8, 8 }]], "relu")
