--- tanh
local layer = require "lamina.layer"

return layer.activation {
  word = "tanh", monotone = true,
  doc = "The hyperbolic tangent, element by element.",
}
