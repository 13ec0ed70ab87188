--- threshold { 0, surrogate = "fast_sigmoid", slope = 10 }
local grad = require "lamina.grad"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

-- What stands for the derivative of the step at a distance d from it. Each encloses an area of 1 over d, but for
-- fast_sigmoid (2 / slope), which is 1 at the step as Zenke & Ganguli have it.
local surrogates = {
  fast_sigmoid = function(d, k) return ops.reciprocal(ops.square(ops.abs(d) * k + 1)) end,
  sigmoid = function(d, k)
    local s = ops.sigmoid(d * k)
    return s * (1 - s) * k
  end,
  arctan = function(d, k) return ops.reciprocal(ops.square(d * (math.pi * k)) + 1) * k end,
  triangle = function(d, k) return ops.relu(1 - ops.abs(d) * k) * k end,
  box = function(d, k) return ops.le(ops.abs(d) * (2 * k), 1):to(d.dtype) * k end,
}

local NAMES = { "fast_sigmoid", "sigmoid", "arctan", "triangle", "box" }

local step = grad.custom {
  name = "threshold",
  forward = function(ctx, x, o)
    ctx.distance, ctx.o = x - o.at, o
    return ops.gt(ctx.distance, 0):to(x.dtype)
  end,
  backward = function(ctx, g) return g * surrogates[ctx.o.surrogate](ctx.distance, ctx.o.slope) end,
}

return layer.define {
  word = "threshold", is_activation = true, monotone = true,
  example = [=[threshold(tensor { { -1, 0.5, 2 } }, { at = 1 })   --> [[0. 0. 1.]]]=],
  doc = "1 above the threshold, 0 up to it, element by element: a binary neuron, a spike. Its derivative is 0 "
    .. "almost everywhere; in its place gradients take a surrogate, with d = x - at and k = slope: fast_sigmoid "
    .. "1 / (1 + k |d|)^2 (Zenke & Ganguli 2018), sigmoid k s(k d) (1 - s(k d)), arctan k / (1 + (pi k d)^2) "
    .. "(Fang et al. 2021), triangle k max(0, 1 - k |d|) (Bellec et al. 2018), box k where |d| is at most 1 / (2"
    .. " k) (a straight-through estimator, Bengio et al. 2013).",
  positional = { "at" },
  options = {
    at = { type = "number", default = 0, doc = "the threshold" },
    surrogate = { type = "string", default = "fast_sigmoid", choices = NAMES, doc = "what gradients take" },
    slope = { type = "number", default = 10, above = 0, doc = "how narrow the surrogate is" },
  },
  shape = function(_, shape) return shape end,
  apply = function(o, _, x) return step(x, o) end,
}
