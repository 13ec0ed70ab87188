--- abs
local layer = require "lamina.layer"

return layer.activation {
  word = "abs", monotone = false,
  doc = "The absolute value, element by element: full-wave rectification.",
}
