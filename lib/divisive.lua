--- Normalisation by division: norm.lrn (AlexNet's) and norm.divisive (Heeger's).
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local M = {}

local function same(_, shape) return shape end

-- ---- local response normalisation ------------------------------------------------------------------------------

-- Sums over n neighbouring channels of planes: up to 512 channels by a product with a matrix of ones near its
-- diagonal, which is then faster than windows.
local function neighbours(o, planes)
  local channels = planes:size(2)
  if channels > 512 then
    return ops.avg_pool2d(planes, { kernel = { o.n, 1 }, stride = 1, pad = { o.n // 2, 0 } }) * o.n
  end
  local at = core.arange(1, channels):to(planes.dtype)
  local near = ops.le(ops.abs(ops.unsqueeze(at, 1) - ops.unsqueeze(at, 2)), o.n // 2):to(planes.dtype)
  local maps = ops.unsqueeze(planes, 3)
  return ops.squeeze(ops.conv2d(maps, ops.reshape(near, { channels, channels, 1, 1 })), 3)
end

-- x / u^beta; roots in place of the power where they give it.
local function divided(x, u, beta)
  if beta == 0.75 then return x * ops.rsqrt(u * ops.sqrt(u)) end
  if beta == 0.5 then return x * ops.rsqrt(u) end
  return x / (beta == 1 and u or ops.pow(u, beta))
end

--- norm.lrn
M.lrn = layer.define {
  word = "norm", full = "norm.lrn",
  example = [=[
x = tensor { 1, 100, 1 }:reshape { 1, 3, 1, 1 }
norm.lrn(x, { n = 3, alpha = 1, k = 1, beta = 0.5 }):flatten()   --> [0.009999 0.99985003 0.009999]]=],
  doc = "a / (k + alpha sum of a^2 over n neighbouring channels)^beta, the channel itself in their middle and "
    .. "channels beyond the ends left out: local response normalisation as Krizhevsky, Sutskever & Hinton 2012 write "
    .. "it. alpha is not divided by n, as many libraries do: their alpha is n times this one.",
  positional = { "n" },
  options = {
    n = { type = "integer", default = 5, min = 1, doc = "how many channels: an odd number" },
    alpha = { type = "number", default = 1e-4, min = 0, doc = "the weight of the squares" },
    beta = { type = "number", default = 0.75, min = 0, doc = "the exponent" },
    k = { type = "number", default = 2, above = 0, doc = "what is added to the squares" },
  },
  resolve = function(o, shape)
    if #shape < 1 then return nil, "needs an input with channels" end
    if o.n % 2 == 1 then return o end
    return nil, string.format("n = %d has no channel in its middle; use %d or %d", o.n, o.n - 1, o.n + 1)
  end,
  shape = same,
  cost = function(_, shape) return 2 * layer.elements(shape) end,
  apply = function(o, _, x)
    local planes = ops.reshape(x, { x:size(1), x:size(2), -1 })
    local y = divided(planes, neighbours(o, ops.square(planes)) * o.alpha + o.k, o.beta)
    return ops.reshape(y, x.shape)
  end,
}

-- ---- divisive normalisation ------------------------------------------------------------------------------------

local function resolve(o, shape)
  if #shape ~= 1 and #shape ~= 3 then
    return nil, string.format("needs channels, or channels x height x width, got %s", layer.shape_text(shape))
  end
  if #shape == 1 and o.pool ~= "channels" then
    return nil, string.format("pool = \"%s\" needs channels x height x width, got %s", o.pool,
      layer.shape_text(shape))
  end
  if o.kernel and o.pool == "channels" then
    return nil, "kernel is the size of a pool over space; it goes with pool = \"space\" or \"both\""
  end
  if o.learn and not o.kernel and o.pool ~= "channels" then
    return nil, "learn = true needs the size of the pool over space: kernel = 5"
  end
  local kh, kw = layer.pair(o.kernel or 1)
  if kh % 2 == 0 or kw % 2 == 0 then
    return nil, string.format("kernel %dx%d has no pixel in its middle; use odd sizes", kh, kw)
  end
  o.window = { kh, kw }
  return o
end

-- The weights of the pool over space, which sum to 1: equal, or normal with a deviation of `spread` pixels.
local function window(o)
  local list, total, kh, kw = {}, 0, o.window[1], o.window[2]
  for i = 1, kh do
    for k = 1, kw do
      local away = (i - (kh + 1) / 2) ^ 2 + (k - (kw + 1) / 2) ^ 2
      list[#list + 1] = o.spread and math.exp(-away / (2 * o.spread ^ 2)) or 1
      total = total + list[#list]
    end
  end
  for i, value in ipairs(list) do list[i] = value / total end
  return list
end

-- The first weights: the fixed ones, spread over the channels that each pool takes.
local function weights(o, channels, dtype)
  local inputs = o.pool == "space" and 1 or channels
  local w = core.tensor(window(o), { dtype = dtype }):reshape { 1, 1, o.window[1], o.window[2] } / inputs
  return ops.contiguous(ops.expand(w, { channels, inputs, o.window[1], o.window[2] }))
end

local function pooled(o, p, e)
  local channels = e:size(2)
  local call = { pad = { o.window[1] // 2, o.window[2] // 2 }, groups = o.pool == "space" and channels or 1 }
  if o.learn then return ops.conv2d(e, p.weight, nil, call) end
  if o.pool ~= "space" then e = ops.mean(e, { dim = 2, keepdim = true }) end
  if o.pool == "channels" then return e end
  if not o.kernel then return ops.mean(e, { dim = { 3, 4 }, keepdim = true }) end
  call.groups = e:size(2)
  local w = core.tensor(window(o), { dtype = e.dtype }):reshape { 1, 1, o.window[1], o.window[2] }
  return ops.conv2d(e, ops.contiguous(ops.expand(w, { call.groups, 1, o.window[1], o.window[2] })), nil, call)
end

local function parameters(o, shape)
  if not o.learn then return {} end
  local c = shape[1]
  local inputs = o.pool == "space" and 1 or c
  local fan = inputs * o.window[1] * o.window[2]
  return {
    { name = "gamma", shape = { c }, fan_in = c, fan_out = c, init = { "constant", value = o.gamma } },
    { name = "log_sigma", shape = { c }, fan_in = c, fan_out = c, bias = true,
      init = function(s) return core.full(s, math.log(o.sigma)) end },
    { name = "weight", shape = { c, inputs, o.window[1], o.window[2] }, fan_in = fan, fan_out = fan,
      init = function() return weights(o, c) end, constraint = "non_negative" },
  }
end

local function per_channel(t) return ops.reshape(t, { 1, -1, 1, 1 }) end

--- norm.divisive
M.divisive = layer.define {
  word = "norm", full = "norm.divisive", optional = true,
  example = [=[
x = tensor { 1, 2, 0 }:reshape { 1, 3, 1, 1 }   -- three channels at one place
norm.divisive(x, { n = 2, sigma = 1 }):flatten()   --> [0.37500003 1.5000001 0.]]=],
  doc = "gamma D^n / (sigma^n + sum of w D^n over a pool), D = max(x, 0): divisive normalisation (Heeger 1992; "
    .. "Carandini & Heeger 2012). The pool of a unit is all channels at its place, its channel over space, or both; "
    .. "its weights sum to 1: equal over channels, over space equal or normal (spread) in a window of `kernel` "
    .. "pixels beyond whose map all is silent, or equal over the whole map without kernel. learn = true makes gamma, "
    .. "log_sigma (one for each channel) and the weights parameters that begin there, the weights not below 0.",
  options = {
    n = { type = "number", default = 2, min = 1e-3, max = 100, doc = "the exponent" },
    sigma = { type = "number", default = 1, above = 0, doc = "the constant of half saturation" },
    gamma = { type = "number", default = 1, doc = "the largest response to a uniform drive" },
    pool = { type = "string", default = "channels", choices = { "channels", "space", "both" }, doc = "what a unit is "
      .. "divided by" },
    kernel = { type = "pair", min = 1, doc = "size of the pool over space: n or { h, w }, odd; the whole map if "
      .. "absent" },
    spread = { type = "number", above = 0, doc = "standard deviation of the pool over space, pixels; equal weights "
      .. "if absent" },
    drive = { type = "string", default = "relu", choices = { "relu", "abs" }, doc = "what becomes of x below 0" },
    learn = { type = "boolean", default = false, doc = "whether gamma, sigma and the weights are learned" },
  },
  resolve = resolve, shape = same, parameters = parameters,
  apply = function(o, p, x)
    local drive = o.drive == "abs" and ops.abs(x) or x
    local e = ops.rectified_power(x.ndim == 2 and ops.reshape(drive, { x:size(1), -1, 1, 1 }) or drive, { n = o.n })
    local half = o.learn and per_channel(ops.exp(p.log_sigma * o.n)) or o.sigma ^ o.n
    local y = e * (o.learn and per_channel(p.gamma) or o.gamma) / (pooled(o, p, e) + half)
    return ops.reshape(y, x.shape)
  end,
  cost = function(o, shape)
    local inputs = (o.pool ~= "space" and o.learn) and shape[1] or 1
    return layer.elements(shape) * (inputs * o.window[1] * o.window[2] + 1)
  end,
}

return M
