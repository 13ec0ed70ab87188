--- gelu
local layer = require "lamina.layer"

return layer.activation {
  word = "gelu", monotone = false,
  doc = "x Phi(x), Phi the normal distribution function, element by element (Hendrycks & Gimpel 2016).",
}
