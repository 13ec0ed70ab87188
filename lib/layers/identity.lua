--- identity
local layer = require "lamina.layer"

return layer.define {
  word = "identity", monotone = true,
  example = [[
net = model "m" { input { 2, 8, 8 }, area "V1" { concat { { identity }, { abs } } } }
net.V1.shape   --> { 4, 8, 8 }]],
  doc = "Gives its input unchanged: a branch that skips the others, or a place with a name.",
  shape = function(_, shape) return shape end,
  apply = function(_, _, x) return x end,
}
