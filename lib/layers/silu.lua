--- silu
local layer = require "lamina.layer"

return layer.activation("silu", "x sigmoid(x), element by element (Hendrycks & Gimpel 2016).")
