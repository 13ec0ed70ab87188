--- selu
local layer = require "lamina.layer"

return layer.activation {
  word = "selu", monotone = true,
  doc = "1.0507 x above 0, 1.0507 * 1.6733 (exp(x) - 1) below, element by element: keeps a mean of 0 and "
    .. "a variance of 1 from layer to layer with weights of init = \"lecun\" (Klambauer et al. 2017).",
}
