--- square
local layer = require "lamina.layer"

return layer.activation("square", "x squared, element by element: the energy model's rectification.")
