--- exp
local layer = require "lamina.layer"

return layer.activation {
  word = "exp", monotone = true,
  doc = "The exponential, element by element: rates of a Poisson neuron from a linear drive.",
}
