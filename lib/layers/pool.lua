--- pool.max { 2 }, pool.avg { 2 }, pool.lp { 2, p = 3 }, pool.logsumexp { 2 }, pool.softmax { 2 }, pool.stochastic {
-- 2 }, pool.saturating { 5 }, pool.energy, pool.global "avg" or "max", pool.adaptive { 7 }
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local pooling = require "lamina.pooling"

-- A word with windows; given has kind, doc, options, apply and what else a layer may have.
local function window(given)
  given.word, given.full, given.positional = "pool", "pool." .. given.kind, { "kernel" }
  given.kind, given.options = nil, pooling.options(given.options)
  given.resolve, given.shape = given.resolve or pooling.resolve, given.shape or pooling.shape
  return layer.define(given)
end

local M = {}

M.max = window {
  kind = "max", op = "max_pool2d",
  example = [=[pool.max(tensor { { { { 1, 2 }, { 3, 4 } } } }, { 2 })   --> [[[[4.]]]]]=],
  doc = "The largest value of each window, channel by channel.",
  apply = function(o, _, x)
    if o.plain then return ops.max_pool2d(x, o.call) end
    return pooling.maps(pooling.max(pooling.windows(x, o)), o, x)
  end,
}

M.avg = window {
  kind = "avg", op = "avg_pool2d",
  example = [=[pool.avg(tensor { { { { 1, 2 }, { 3, 4 } } } }, { 2 })   --> [[[[2.5]]]]]=],
  doc = "The mean of each window, channel by channel.",
  options = {
    count_pad = { type = "boolean", default = true, doc = "whether the margin's zeros count in the mean" },
  },
  apply = function(o, _, x)
    if o.plain then return ops.avg_pool2d(x, o.call) end
    return pooling.maps(pooling.avg(pooling.windows(x, o, o.count_pad)), o, x)
  end,
}

-- ---- with a number that may be learned -------------------------------------------------------------------------

local LEARN = { type = "boolean", default = false, doc = "whether it is learned, one for each channel" }

local function learned(name, first)
  return function(o, shape)
    if not o.learn then return {} end
    return { { name = name, shape = { shape[1] }, fan_in = shape[1], fan_out = shape[1],
      init = { "constant", value = first(o) } } }
  end
end

local function per_channel(t) return ops.reshape(t, { 1, -1, 1, 1 }) end

M.lp = window {
  kind = "lp", optional = true,
  example = [=[pool.lp(tensor { { { { 3, 0 }, { 0, 4 } } } }, { 2, p = 2 })   --> [[[[5.]]]]]=],
  doc = "(sum |x|^p)^(1/p) over each window, channel by channel: the sum of absolute values for p = 1, the length "
    .. "for 2, close to the largest for large p (Hyvärinen & Köster 2007; Sermanet et al. 2012). With learn = true p "
    .. "is 1 + softplus(order), order a parameter for each channel (Gulcehre et al. 2014).",
  options = {
    p = { type = "number", default = 2, min = 1e-3, max = 1e6, doc = "the order of the norm" },
    mean = { type = "boolean", default = false, doc = "the mean of |x|^p in place of the sum" }, learn = LEARN,
  },
  resolve = function(o, shape)
    if o.learn and o.p <= 1 then return nil, string.format("learn = true begins at a p above 1, not at %g", o.p) end
    return pooling.resolve(o, shape)
  end,
  parameters = learned("order", function(o) return math.log(math.exp(math.min(o.p - 1, 700)) - 1) end),
  apply = function(o, p, x)
    local w, valid = pooling.windows(x, o)
    local order = o.learn and per_channel(ops.softplus(p.order) + 1) or o.p
    return pooling.maps(pooling.lp(w, valid, order, o.mean), o, x)
  end,
}

local function beta(o, p) return o.learn and per_channel(ops.exp(p.log_beta)) or o.beta end

local log_beta = learned("log_beta", function(o) return math.log(o.beta) end)

M.logsumexp = window {
  kind = "logsumexp", optional = true,
  example = [=[
x = tensor { { { { 0, 0 }, { 0, 10 } } } }
pool.logsumexp(x, { 2, beta = 0.01 })   --> [[[[2.5953054]]]]
pool.logsumexp(x, { 2, beta = 100 })   --> [[[[9.986137]]]]]=],
  doc = "log(mean(exp(beta x))) / beta over each window, channel by channel: from the mean (beta towards 0) to the "
    .. "largest (beta large) (Boyd & Vandenberghe 2004; Pinheiro & Collobert 2015). With learn = true beta is "
    .. "exp(log_beta), a parameter for each channel.",
  options = {
    beta = { type = "number", default = 1, above = 0, doc = "how sharp" },
    mean = { type = "boolean", default = true, doc = "false: the sum in place of the mean" }, learn = LEARN,
  },
  parameters = log_beta,
  apply = function(o, p, x)
    local w, valid = pooling.windows(x, o)
    return pooling.maps(pooling.logsumexp(w, valid, beta(o, p), o.mean), o, x)
  end,
}

M.softmax = window {
  kind = "softmax", optional = true,
  example = [=[
x = tensor { { { { 0, 0 }, { 0, 4 } } } }
pool.softmax(x, { 2, beta = 0 }), pool.softmax(x, { 2, beta = 10 })   --> [[[[1.]]]] [[[[4.]]]]]=],
  doc = "The mean of each window with weights softmax(beta x), channel by channel: the mean for beta = 0, the "
    .. "largest for large beta (Riesenhuber & Poggio 1999; Boureau, Ponce & LeCun 2010). With learn = true beta is "
    .. "exp(log_beta), a parameter for each channel.",
  options = { beta = { type = "number", default = 1, min = 0, doc = "how sharp" }, learn = LEARN },
  resolve = function(o, shape)
    if o.learn and o.beta == 0 then return nil, "learn = true begins at a beta above 0" end
    return pooling.resolve(o, shape)
  end,
  parameters = log_beta,
  apply = function(o, p, x)
    local w, valid = pooling.windows(x, o)
    return pooling.maps(pooling.softmax(w, valid, beta(o, p)), o, x)
  end,
}

-- ---- others ----------------------------------------------------------------------------------------------------

M.stochastic = window {
  kind = "stochastic", varies = true,
  example = [=[pool.stochastic(tensor { { { { 1, 0 }, { 0, 3 } } } }, { 2 })   --> [[[[2.5]]]]]=],
  doc = "While training, one element of each window, drawn with a probability proportional to it (Zeiler & Fergus "
    .. "2013); otherwise the mean of such draws, sum x^2 / sum x. Elements below 0 count as 0, so it follows a relu. "
    .. "Which ones is a function of the seed, the layer's name and the step.",
  apply = function(o, _, x, ctx)
    local w, valid = pooling.windows(x, o)
    local u = ctx.training and core.draw { kind = "uniform", shape = { x:size(1), x:size(2), 1, w:size(4) },
      seed = ctx.seed, purpose = ctx.purpose, step = ctx.step, dtype = x.dtype } or nil
    return pooling.maps(pooling.stochastic(w, valid, u), o, x)
  end,
}

-- Weights of the window's elements that fall with the distance from its middle; of a mean, they sum to 1.
local function weights(o, dtype)
  local list, total = {}, 0
  for i = 1, o.kernel[1] do
    for k = 1, o.kernel[2] do
      local away = math.sqrt((i - (o.kernel[1] + 1) / 2) ^ 2 + (k - (o.kernel[2] + 1) / 2) ^ 2)
      list[#list + 1] = o.decay ^ away
      total = total + list[#list]
    end
  end
  for i, value in ipairs(list) do list[i] = o.mean and value / total or value end
  return core.tensor(list, { dtype = dtype }):reshape { 1, 1, -1, 1 }
end

M.saturating = window {
  kind = "saturating",
  example = [[
net = model "m" { input { 3, 9, 9 }, area "C1" { pool.saturating { 5, stride = 2 } } }
net.C1.shape   --> { 3, 3, 3 }]],
  doc = "The C-cell of the neocognitron (Fukushima 1980): s = sum of d(v) x(v) over each window, the weights d "
    .. "falling as decay^distance from its middle; z = max((1 + s) / (1 + mean of s over channels) "
    .. "- 1, 0); output z / (alpha + z), from 0 to 1. Elements below 0 count as 0.",
  options = {
    alpha = { type = "number", default = 0.5, above = 0, doc = "where the output is half of its largest" },
    decay = { type = "number", default = 1, above = 0, max = 1, doc = "how weights fall with distance; 1: equal" },
    mean = { type = "boolean", default = true, doc = "weights that sum to 1; false: decay^distance, so that one "
      .. "strong cell in the window is enough" },
    inhibition = { type = "boolean", default = true, doc = "whether the other channels inhibit; false: z = s" },
  },
  apply = function(o, _, x)
    local w = pooling.windows(x, o)
    return pooling.maps(pooling.saturating(w, weights(o, x.dtype), o.alpha, o.inhibition), o, x)
  end,
}

-- One channel of each pair, and the other.
local function quadrature(x, pairing)
  local half = x:size(2) // 2
  if pairing == "neighbours" then
    return ops.slice(x, { dim = 2, start = 1, step = 2 }), ops.slice(x, { dim = 2, start = 2, step = 2 })
  end
  return ops.slice(x, { dim = 2, start = 1, stop = half }), ops.slice(x, { dim = 2, start = half + 1 })
end

-- The square root with a gradient of 0 at 0.
local function root(x)
  local positive = ops.ne(x, 0)
  return ops.where(positive, ops.sqrt(ops.where(positive, x, 1)), 0)
end

M.energy = window {
  kind = "energy",
  example = [=[
even_odd = tensor { 3, 4 }:reshape { 1, 2, 1, 1 }   -- a quadrature pair
pool.energy(even_odd, { root = true }):flatten()   --> [5.]]=],
  doc = "The energy of quadrature pairs (Adelson & Bergen 1985): a^2 + b^2 for each pair of channels, then the mean "
    .. "of each window where kernel is more than 1; with root = true the square root of that. Output: channels / 2. "
    .. "pairs: \"neighbours\" are channels 1 and 2, 3 and 4, ...; \"halves\" the first and the second half.",
  options = {
    kernel = { type = "pair", default = 1, min = 1, doc = "size of the window: n or { h, w }" },
    pairs = { type = "string", default = "neighbours", choices = { "neighbours", "halves" }, doc = "which channels" },
    root = { type = "boolean", default = false, doc = "whether the square root follows" },
  },
  resolve = function(o, shape)
    if #shape == 3 and shape[1] % 2 ~= 0 then
      return nil, string.format("needs an even number of channels, got %s", layer.shape_text(shape))
    end
    return pooling.resolve(o, shape)
  end,
  shape = function(o, shape) return { shape[1] // 2, o.out[1], o.out[2] } end,
  apply = function(o, _, x)
    local a, b = quadrature(x, o.pairs)
    local y = ops.square(a) + ops.square(b)
    if o.kernel[1] * o.kernel[2] > 1 or not o.plain or o.stride[1] * o.stride[2] > 1 then
      y = pooling.maps(pooling.avg(pooling.windows(y, o)), o, y)
    end
    return o.root and root(y) or y
  end,
}

local KIND = { type = "string", default = "avg", choices = { "avg", "max" }, doc = "which of the two" }

M.global = layer.define {
  word = "pool", full = "pool.global",
  example = [[pool.global(ones { 2, 8, 5, 5 }, { "avg" }).shape   --> { 2, 8 }]],
  doc = "The mean or the largest value of each channel over the whole image. Output: channels.",
  positional = { "kind" },
  options = { kind = KIND },
  shape = function(_, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    return { shape[1] }
  end,
  apply = function(o, _, x)
    if o.kind == "avg" then return ops.mean(x, { dim = { 3, 4 } }) end
    return ops.max(x, { dim = { 3, 4 } })
  end,
}

M.adaptive = layer.define {
  word = "pool", full = "pool.adaptive",
  example = [[pool.adaptive(zeros { 1, 8, 13, 17 }, { 7 }).shape   --> { 1, 8, 7, 7 }]],
  doc = "The mean or the largest value of size x size bins that cover each map whatever its size: bin i of n reaches "
    .. "from row floor((i - 1) h / n) + 1 to ceil(i h / n), and columns likewise (PyTorch's adaptive pooling). "
    .. "Output: channels x size.",
  positional = { "size", "kind" },
  options = {
    size = { type = "pair", required = true, min = 1, doc = "bins: n or { height, width }" }, kind = KIND,
  },
  shape = function(o, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    local h, w = layer.pair(o.size)
    return { shape[1], h, w }
  end,
  apply = function(o, _, x)
    local h, w = layer.pair(o.size)
    if h == x:size(3) and w == x:size(4) then return x end
    return pooling.adaptive(x, o.kind, h, w)
  end,
}

return M
