--- leaky_relu { 0.01 }
local layer = require "lamina.layer"

return layer.activation("leaky_relu", "x above 0, slope x below, element by element (Maas et al. 2013).", {
  slope = { type = "number", default = 0.01, doc = "the slope below 0" },
}, { "slope" })
