--- elu { 1 }
local layer = require "lamina.layer"

return layer.activation {
  word = "elu", monotone = true,
  doc = "x above 0, alpha (exp(x) - 1) below, element by element (Clevert et al. 2016).",
  options = {
    alpha = { type = "number", default = 1, min = 0, doc = "how far below 0 it goes" },
  },
  names = { "alpha" },
}
