--- lecun_tanh
local layer = require "lamina.layer"

return layer.activation {
  word = "lecun_tanh", monotone = true,
  doc = "1.7159 tanh(2 x / 3), element by element, which is 1 at 1 and -1 at -1 (LeCun et al. 1998).",
}
