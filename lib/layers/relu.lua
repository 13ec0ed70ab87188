--- relu
local layer = require "lamina.layer"

return layer.activation("relu", "max(x, 0), element by element.")
