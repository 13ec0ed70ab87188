--- tanh
local layer = require "lamina.layer"

return layer.activation("tanh", "The hyperbolic tangent, element by element.")
