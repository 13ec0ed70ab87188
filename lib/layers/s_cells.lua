--- s_cells { width, kernel =, r = 4, stride = 1, pad = 0, decay = 0.9, init = }: the S cells of the neocognitron
local convolution = require "lamina.convolution"
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

-- The fixed weights c of the inhibitory cell: they fall with the distance from the window's middle, and sum to 1 over
-- the window and all channels.
local function spread(o, channels)
  local list, total, kh, kw = {}, 0, o.kernel[1], o.kernel[2]
  for i = 1, kh do
    for k = 1, kw do
      local away = math.sqrt((i - (kh + 1) / 2) ^ 2 + (k - (kw + 1) / 2) ^ 2)
      list[#list + 1] = o.decay ^ away
      total = total + list[#list]
    end
  end
  for i, value in ipairs(list) do list[i] = value / (total * channels) end
  return core.tensor(list, { dtype = "float32" }):reshape { 1, 1, kh, kw }
end

-- The square root with a gradient of 0 at 0.
local function root(x)
  local positive = ops.gt(x, 0)
  return ops.where(positive, ops.sqrt(ops.where(positive, x, 1)), 0)
end

local function small(shape, info)
  return core.draw { kind = "uniform", shape = shape, seed = info.seed, purpose = info.name,
    high = 0.1 / info.fan_in }
end

local function none(shape) return core.zeros(shape) end

return layer.define {
  word = "s_cells",
  example = [[
net = model "m" { input { 2, 9, 9 }, area "S1" { s_cells { 4, kernel = 3, r = 4 } } }
net.S1.shape   --> { 4, 7, 7 }]],
  doc = "The S cells of the neocognitron (Fukushima 1980): excitation and a shunting inhibition that all cells at a "
    .. "place share, r relu((1 + sum a u) / (1 + 2 r / (1 + r) b v) - 1), v the root of sum c u^2 over the window, "
    .. "the weights c falling as decay^distance from its middle and summing to 1. A cell that has learned one "
    .. "pattern, a as c u and b as v / 2, answers 1 to it when it is strong, and the larger r, the more alike others "
    .. "must be. Output: width x oh x ow, as conv. Parameters: weight (a) [width, channels, kh, kw], small and "
    .. "positive at first, and inhibition (b) [width], 0 at first; both stay non-negative. self_organise {...} is "
    .. "how they learn without a teacher; they have gradients as well. C cells are pool.saturating {...}.",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of cell planes, the channels of the output" },
    kernel = { type = "pair", required = true, min = 1, doc = "size of the windows: n or { h, w }" },
    stride = { type = "pair", default = 1, min = 1, doc = "step between positions" },
    pad = convolution.pad,
    r = { type = "number", default = 4, above = 0, doc = "the efficiency of inhibition: how selective cells become" },
    decay = { type = "number", default = 0.9, above = 0, max = 1, doc = "how weights of the inhibitory cell fall "
      .. "with distance; 1: equal" },
    init = { type = { "string", "table", "function" }, doc = "first excitatory weights; uniform in 0 to 0.1 / inputs "
      .. "if absent" },
  },
  resolve = function(o, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    o.mode, o.dilation = "zero", 1
    local resolved, message = convolution.resolve(o, shape, 2)
    if not resolved then return nil, message end
    o.spread = spread(o, shape[1])
    return convolution.prepare(o)
  end,
  shape = function(o) return { o.width, o.out[1], o.out[2] } end,
  parameters = function(o, shape)
    local fan = shape[1] * layer.elements(o.kernel)
    return {
      { name = "weight", shape = { o.width, shape[1], o.kernel[1], o.kernel[2] }, fan_in = fan, inputs = 2,
        fan_out = o.width * layer.elements(o.kernel), init = o.init or small, constraint = "non_negative" },
      { name = "inhibition", shape = { o.width }, fan_in = fan, fan_out = o.width, init = none,
        constraint = "non_negative" },
    }
  end,
  apply = function(o, p, x)
    local v = root(convolution.run(o, ops.sum(ops.square(x), { dim = 2, keepdim = true }), o.spread:to(x.dtype)))
    local inhibition = ops.reshape(p.inhibition, { 1, -1, 1, 1 }) * v * (2 * o.r / (1 + o.r))
    return ops.relu((convolution.run(o, x, p.weight) + 1) / (inhibition + 1) - 1) * o.r
  end,
  cost = function(o, shape, out)
    return layer.elements(out) // o.width * (o.width * shape[1] + 1) * layer.elements(o.kernel)
  end,
}
