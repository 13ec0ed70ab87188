--- softplus
local layer = require "lamina.layer"

return layer.activation {
  word = "softplus", monotone = true,
  doc = "log(1 + exp(x)), element by element: a smooth relu that stays above 0.",
}
