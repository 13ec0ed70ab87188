--- glu, glu { "gelu" }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local GATES = { "sigmoid", "tanh", "relu", "gelu", "silu", "identity" }

return layer.define {
  word = "glu", monotone = false,
  example = [=[glu(tensor { { 1, 2, 0, 100 } })   --> [[0.5 2.]]]=],
  doc = "The first half of the channels times a gate, which is a function of the second half: a gated linear unit "
    .. "(Dauphin et al. 2017; with other functions Shazeer 2020). Output: channels / 2.",
  positional = { "gate" },
  options = { gate = { type = "string", default = "sigmoid", choices = GATES, doc = "the function of the gate" } },
  shape = function(_, shape)
    if #shape < 1 or shape[1] % 2 ~= 0 then
      return nil, string.format("needs an even number of channels, got %s", layer.shape_text(shape))
    end
    local out = table.move(shape, 1, #shape, 1, {})
    out[1] = shape[1] // 2
    return out
  end,
  apply = function(o, _, x)
    local half = x.shape[2] // 2
    local gate = ops.slice(x, { dim = 2, start = half + 1 })
    if o.gate ~= "identity" then gate = ops[o.gate](gate) end
    return ops.slice(x, { dim = 2, start = 1, stop = half }) * gate
  end,
}
