--- relu
local layer = require "lamina.layer"

return layer.activation {
  word = "relu", monotone = true,
  doc = "max(x, 0), element by element.",
}
