--- hard_tanh
local layer = require "lamina.layer"

return layer.activation {
  word = "hard_tanh", monotone = true,
  doc = "x kept within -1 and 1, element by element (Collobert 2004).",
}
