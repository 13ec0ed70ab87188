--- sigmoid
local layer = require "lamina.layer"

return layer.activation {
  word = "sigmoid", monotone = true,
  doc = "1 / (1 + exp(-x)), element by element.",
}
