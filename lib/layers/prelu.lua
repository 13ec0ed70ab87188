--- prelu, prelu { shared = true }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "prelu", op = "prelu", is_activation = true, monotone = true,
  doc = "x above 0, a learned slope times x below, element by element (He et al. 2015). Parameter: weight, one slope "
    .. "for each channel, or a single one (shared = true). Monotone while no slope is below 0, which constraint = "
    .. "\"non_negative\" keeps. With tensors: ops.prelu(x, weight).",
  positional = { "first" },
  options = {
    first = { type = "number", default = 0.25, doc = "the first slopes" },
    shared = { type = "boolean", default = false, doc = "one slope for all channels" },
  },
  shape = function(_, shape) return shape end,
  parameters = function(o, shape)
    local n = o.shared and 1 or shape[1]
    return { { name = "weight", shape = { n }, fan_in = n, fan_out = n, init = { "constant", value = o.first } } }
  end,
  apply = function(_, p, x) return ops.prelu(x, p.weight) end,
  cost = function(_, shape) return layer.elements(shape) end,
}
