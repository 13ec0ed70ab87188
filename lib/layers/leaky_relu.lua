--- leaky_relu { 0.01 }
local layer = require "lamina.layer"

return layer.activation {
  word = "leaky_relu", monotone = true,
  doc = "x above 0, slope x below, element by element (Maas et al. 2013); monotone while the slope is not"
    .. " below 0.",
  options = {
    slope = { type = "number", default = 0.01, doc = "the slope below 0" },
  },
  names = { "slope" },
}
