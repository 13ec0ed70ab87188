--- power { 2 }
local layer = require "lamina.layer"

return layer.activation {
  word = "power", op = "rectified_power", monotone = true,
  example = [=[power(tensor { { -1, 2, 3 } }, 2)   --> [[0. 4. 9.]]]=],
  doc = "max(x, 0) to the power n, element by element: the rectified power law of cortical cells (Heeger "
    .. "1992; Miller & Troyer 2002).",
  options = {
    n = { type = "number", default = 2, min = 1e-6, max = 1e6, doc = "the exponent" },
  },
  names = { "n" },
}
