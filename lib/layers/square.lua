--- square
local layer = require "lamina.layer"

return layer.activation {
  word = "square", monotone = false,
  doc = "x squared, element by element: the energy model's rectification.",
}
