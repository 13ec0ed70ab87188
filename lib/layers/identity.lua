--- identity
local layer = require "lamina.layer"

return layer.define {
  word = "identity", monotone = true,
  doc = "Gives its input unchanged: a branch that skips the others, or a place with a name.",
  shape = function(_, shape) return shape end,
  apply = function(_, _, x) return x end,
}
