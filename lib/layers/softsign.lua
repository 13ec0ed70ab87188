--- softsign
local layer = require "lamina.layer"

return layer.activation {
  word = "softsign", monotone = true,
  doc = "x / (1 + |x|), element by element, which goes to -1 and 1 (Bergstra et al. 2009).",
}
