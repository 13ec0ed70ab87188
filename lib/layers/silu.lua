--- silu
local layer = require "lamina.layer"

return layer.activation {
  word = "silu", monotone = false,
  doc = "x sigmoid(x), element by element (Hendrycks & Gimpel 2016).",
}
