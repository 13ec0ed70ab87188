--- sigmoid
local layer = require "lamina.layer"

return layer.activation("sigmoid", "1 / (1 + exp(-x)), element by element.")
