--- dropout { p }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

-- A layer's name as the 32-bit number that keys its draws: FNV-1a, as for every other purpose.
local function purpose(name)
  local hash = 2166136261
  for i = 1, #name do hash = ((hash ~ name:byte(i)) * 16777619) & 0xffffffff end
  return hash
end

local drop = layer.define {
  word = "dropout",
  example = [[
net = model "m" { input { 100 }, area "V1" { dropout { 0.5 } } }
net(ones { 1, 100 }):max()   --> 1.
net:forward(ones { 1, 100 }, { training = true }):max()   --> 2.]],
  doc = "While training, sets each element to 0 with probability p and divides the others by 1 - p; otherwise does "
    .. "nothing. Which ones is a function of the seed, the layer's name and the step (Srivastava et al. 2014).",
  positional = { "p" }, varies = true,
  options = { p = { type = "number", default = 0.5, min = 0, below = 1, doc = "the probability of being left out" } },
  shape = function(_, shape) return shape end,
  apply = function(o, _, x, ctx)
    if not ctx.training or o.p == 0 then return x end
    return ops.dropout(x, { p = o.p, seed = ctx.seed, purpose = purpose(ctx.purpose), step = ctx.step })
  end,
}

--- The key of a layer's draws.
drop.purpose = purpose

return drop
