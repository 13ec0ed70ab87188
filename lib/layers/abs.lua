--- abs
local layer = require "lamina.layer"

return layer.activation("abs", "The absolute value, element by element: full-wave rectification.")
