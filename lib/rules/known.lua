--- The local rules that have names: hebb, oja, sanger, bcm, scaling. n is the number of rows of a batch.
local ops = require "lamina.core.ops"

local THROUGH = { type = "boolean", default = false,
  doc = "whether gradients pass through its areas to those before" }

local function options(own)
  own.rate = own.rate or { type = "number", default = 1e-3, min = 0, doc = "learning rate" }
  own.through = THROUGH
  return own
end

local M = {}

-- The mean of y x' over rows: units x inputs.
local function correlation(x, y) return y:t():matmul(x) / x:size(1) end

--- hebb: w grows by rate * mean(y x) (Hebb 1949). Nothing holds it back: give the area a constraint such as
-- { "norm", max = 1 }, or decay, which takes decay * w away.
-- > net = model "m" { input { 4 }, area "V1" { dense { 2, bias = false, constraint = { "norm", max = 1 } } } }
-- > h = train { model = net, data = data.tensors { rand { 100, 4 } }, rule = { V1 = "hebb" }, log = false }
-- > net:holds()   --> true
M.hebb = {
  options = options { decay = { type = "number", default = 0, min = 0, doc = "what is taken from the weights" } },
  update = function(w, x, y, _, o)
    local change = correlation(x, y)
    return o.rate * (o.decay > 0 and change - w * o.decay or change)
  end,
}

--- oja: rate * (mean(y x) - mean(y^2) w), for each unit by itself (Oja 1982). A linear unit's weight becomes the
-- first principal component of its inputs (uncentred), of length 1.
-- > x = randn { 500, 2 } * tensor { 3, 1 }   -- most of the variance lies along the first axis
-- > net = model "m" { input { 2 }, area "V1" { dense { 1, bias = false } } }
-- > rule = { V1 = { "oja", rate = 0.01 } }
-- > h = train { model = net, data = data.tensors { x }, rule = rule, epochs = 20, log = false }
-- > net:parameters("V1")[1].tensor:detach():abs():round()   --> [[1. 0.]]
M.oja = {
  options = options {},
  update = function(w, x, y, _, o)
    local power = ops.mean(y:square(), { 1 }):reshape { -1, 1 }
    return o.rate * (correlation(x, y) - power * w)
  end,
}

-- The lower triangle of a square matrix, the diagonal included.
local function lower(t)
  local n = t:size(1)
  local place = require("lamina.core.tensor").arange(1, n)
  return ops.where(ops.ge(place:reshape { n, 1 }, place:reshape { 1, n }), t, 0)
end

--- sanger: rate * (mean(y x) - lower(mean(y y')) w), the generalised Hebbian algorithm (Sanger 1989). The units'
-- weights become the principal components of the inputs, in order.
-- > x = randn { 500, 3 } * tensor { 3, 2, 1 }   -- their principal components are the axes
-- > net = model "m" { input { 3 }, area "V1" { dense { 2, bias = false } } }
-- > rule = { V1 = { "sanger", rate = 0.01 } }
-- > h = train { model = net, data = data.tensors { x }, rule = rule, epochs = 20, log = false }
-- > net:parameters("V1")[1].tensor:detach():abs():round()   --> [[1. 0. 0.] [0. 1. 0.]]
M.sanger = {
  options = options {},
  update = function(w, x, y, _, o)
    return o.rate * (correlation(x, y) - lower(correlation(y, y)):matmul(w))
  end,
}

--- bcm: rate * mean(y (y - theta) x), where theta, one for each unit, follows its mean y^2: theta = memory theta +
-- (1 - memory) mean(y^2) (Bienenstock, Cooper & Munro 1982; the quadratic form of Intrator & Cooper 1992). scaled
-- divides by theta, which keeps it stable at larger rates (Law & Cooper 1994).
-- > x = eye(2):repeat_interleave(100, 1)   -- two patterns, equally often
-- > net = model "m" { input { 2 }, area "V1" { dense { 1, bias = false, constraint = "non_negative" } } }
-- > rule = { V1 = { "bcm", rate = 0.05, memory = 0.9 } }
-- > h = train { model = net, data = data.tensors { x }, rule = rule, epochs = 50, log = false }
-- > net(eye(2)):round()   --> [[0.] [2.]]
M.bcm = {
  options = options {
    memory = { type = "number", default = 0.99, min = 0, below = 1, doc = "how slowly the threshold follows" },
    theta = { type = "number", default = 1, min = 0, doc = "where the thresholds begin" },
    scaled = { type = "boolean", default = false, doc = "divide by the threshold (Law & Cooper 1994)" },
  },
  state = function(o) return { theta = o.theta } end,
  update = function(_, x, y, s, o)
    s.theta = o.memory * s.theta + (1 - o.memory) * ops.mean(y:square(), { 1 })
    local drive = y * (y - s.theta)
    if o.scaled then drive = drive / ops.maximum(s.theta, 1e-12) end
    return o.rate * correlation(x, drive)
  end,
}

--- scaling: rate * (target - mean(y)) w, synaptic scaling (Turrigiano et al. 1998; van Rossum, Bi & Turrigiano 2000):
-- all weights of a unit grow or shrink by the same factor until its mean response, followed with memory, is target.
-- hebb adds a Hebbian part, hebb * mean(y x), so that inputs compete for what scaling leaves.
-- > net = model "m" { input { 4 }, area "V1" { dense { 1, bias = false, constraint = "non_negative" } } }
-- > rule = { V1 = { "scaling", rate = 0.1, target = 5 } }
-- > h = train { model = net, data = data.tensors { ones { 100, 4 } }, rule = rule, epochs = 100, log = false }
-- > net(ones { 1, 4 }):round()   --> [[5.]]
M.scaling = {
  options = options {
    target = { type = "number", default = 1, doc = "the mean response that is sought" },
    memory = { type = "number", default = 0, min = 0, below = 1, doc = "how slowly the mean response is followed" },
    hebb = { type = "number", default = 0, min = 0, doc = "the rate of a Hebbian part" },
  },
  state = function(o) return { mean = o.target } end,
  update = function(w, x, y, s, o)
    s.mean = o.memory * s.mean + (1 - o.memory) * ops.mean(y, { 1 })
    local change = o.rate * w * (o.target - s.mean):reshape { -1, 1 }
    return o.hebb > 0 and change + o.hebb * correlation(x, y) or change
  end,
}

return M
