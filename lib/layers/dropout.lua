--- dropout { p }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "dropout",
  doc = "While training, sets each element to 0 with probability p and divides the others by 1 - p; otherwise does "
    .. "nothing. Which ones is a function of the seed, the layer's name and the step (Srivastava et al. 2014).",
  positional = { "p" },
  options = { p = { type = "number", default = 0.5, min = 0, max = 1, doc = "the probability of being left out" } },
  shape = function(_, shape) return shape end,
  apply = function(o, _, x, ctx)
    if not ctx.training or o.p == 0 then return x end
    return ops.dropout(x, { p = o.p, seed = ctx.seed, purpose = ctx.purpose, step = ctx.step })
  end,
}
