--- relu6
local layer = require "lamina.layer"

return layer.activation {
  word = "relu6", monotone = true,
  doc = "x kept within 0 and 6, element by element (Krizhevsky 2010).",
}
