--- gelu
local layer = require "lamina.layer"

return layer.activation("gelu",
  "x Phi(x), Phi the normal distribution function, element by element (Hendrycks & Gimpel 2016).")
