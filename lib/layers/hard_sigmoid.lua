--- hard_sigmoid
local layer = require "lamina.layer"

return layer.activation {
  word = "hard_sigmoid", monotone = true,
  doc = "slope x + 1/2 kept within 0 and 1, element by element (Courbariaux, Bengio & David 2015, with a "
    .. "slope of 0.2).",
  options = {
    slope = { type = "number", default = 1 / 6, min = 0, doc = "the slope at 0" },
  },
  names = { "slope" },
}
