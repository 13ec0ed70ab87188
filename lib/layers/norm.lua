--- norm.batch, norm.layer, norm.group { 32 }, norm.instance, norm.lrn, norm.divisive { pool = "channels" }
local divisive = require "lamina.divisive"
local fit = require "lamina.fit"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local optim = require "lamina.core.optim"
local tensor = require "lamina.core.tensor"

local ONE, ZERO = { "constant", value = 1 }, "zeros"

local function eps_field() return { type = "number", default = 1e-5, min = 0, doc = "added to the variance" } end

local function affine_field()
  return { type = "boolean", default = true, doc = "whether a weight (first 1) and a bias (first 0) follow" }
end

-- Weight and bias of a shape.
local function affine_parameters(o, shape)
  if not o.affine then return {} end
  local n = layer.elements(shape)
  return { { name = "weight", shape = shape, fan_in = n, fan_out = n, init = ONE },
    { name = "bias", shape = shape, fan_in = n, fan_out = n, init = ZERO, bias = true } }
end

local function same(_, shape) return shape end

local function cost(_, shape) return layer.elements(shape) end

-- The output of an op that also gives its statistics.
local function first(y, mean, variance)
  mean:release()
  variance:release()
  return y
end

-- The options of the op; `activation` is that of the layer that follows, where it is done in the same pass.
local function with(eps, activation, more)
  local o = more or {}
  o.eps, o.activation = eps, activation
  return o
end

local M = {}

-- ---- batch -----------------------------------------------------------------------------------------------------

-- A set of statistics (and of weights) for every time step, where asked for.
local function per_channel(o, shape)
  if o.per_step then return { o.steps, shape[1] } end
  return { shape[1] }
end

local function resolve_batch(o, shape, info)
  if #shape < 1 then return nil, "needs an input with channels" end
  if not o.per_step then return o end
  if info.steps == "input" then
    return nil, "per_step = true needs a number of steps, but the model has steps = \"input\""
  end
  o.steps = info.steps or 1
  return o
end

local function at_step(o, t, time)
  if not t or not o.per_step then return t end
  return ops.select(t, { dim = 1, index = math.min(time, o.steps) })
end

-- running = keep running + share batch
local function follow(running, keep, share, batch)
  local now = batch:detach()
  local part = now * share
  running:mul_(keep):add_(part)
  part:release()
  now:release()
end

-- running = (1 - momentum) running + momentum of the batch, the variance divided by one element less.
local function update(o, running_mean, running_variance, mean, variance, count)
  optim.note(running_mean, running_variance) -- a step that is interrupted puts them back
  tensor.no_grad(function()
    follow(running_mean, 1 - o.momentum, o.momentum, mean)
    follow(running_variance, 1 - o.momentum, o.momentum * count / (count - 1), variance)
  end)
end

M.batch = layer.define {
  word = "norm", full = "norm.batch", op = "batch_norm",
  example = [[
net = model "m" { input { 3, 8, 8 }, area "V1" { norm.batch } }
y = net:forward(randn { 16, 3, 8, 8 } * 5 + 2, { training = true })
y:std():round()   --> 1.]],
  doc = "Each channel less its mean, divided by its standard deviation, times a weight plus a bias (Ioffe & Szegedy "
    .. "2015). While training, mean and variance are those of the batch (over items and pixels), and running ones "
    .. "follow them, running = (1 - momentum) running + momentum batch, the variance divided by one element less; "
    .. "otherwise the running ones are used. They are the buffers mean and variance, saved with the weights. "
    .. "per_step: weights and statistics of its own for each time step of the model (as CORnet-S has).",
  options = {
    eps = eps_field(), affine = affine_field(),
    momentum = { type = "number", default = 0.1, above = 0, max = 1, doc = "how fast the running statistics follow" },
    frozen = { type = "boolean", default = false, doc = "use the running statistics in training, too, as they are" },
    per_step = { type = "boolean", default = false, doc = "one set of weights and statistics per time step" },
  },
  fuses = "relu", resolve = resolve_batch, shape = same, cost = cost,
  parameters = function(o, shape) return affine_parameters(o, per_channel(o, shape)) end,
  buffers = function(o, shape)
    local size = per_channel(o, shape)
    return { { name = "mean", shape = size, value = 0 }, { name = "variance", shape = size, value = 1 } }
  end,
  apply = function(o, p, x, ctx, activation)
    local time = ctx.time or 1
    local weight, bias = at_step(o, p.weight, time), at_step(o, p.bias, time)
    local running_mean, running_variance = at_step(o, p.mean, time), at_step(o, p.variance, time)
    if not ctx.training or o.frozen then
      return first(ops.batch_norm(x, weight, bias, running_mean, running_variance, with(o.eps, activation)))
    end
    local y, mean, variance = ops.batch_norm(x, weight, bias, with(o.eps, activation))
    if not ctx.look and not tensor.recomputing() then
      update(o, running_mean, running_variance, mean, variance, x:count() // x.shape[2])
    end
    return first(y, mean, variance)
  end,
}

-- ---- within an item --------------------------------------------------------------------------------------------

-- The axes with the channels last, and back again.
local function channels_last(axes)
  local there, back = { 1 }, { 1, axes + 1 }
  for i = 2, axes do there[i], back[i + 1] = i + 1, i end
  there[axes + 1] = 2
  return there, back
end

M.layer = layer.define {
  word = "norm", full = "norm.layer", optional = true, op = "layer_norm",
  example = [[
net = model "m" { input { 6, 8 }, area "V1" { norm.layer { "features" } } }
net(randn { 1, 6, 8 } + 10):mean(3):abs():max():lt(1e-5)   --> true]],
  doc = "All elements of an item less their mean, divided by their standard deviation, times a weight plus a bias "
    .. "for each element (Ba, Kiros & Hinton 2016). dim = \"channels\": across the channels of each pixel, with a "
    .. "weight and a bias for each channel; \"features\": along the last axis, each row of a sequence by itself.",
  positional = { "dim" },
  options = {
    dim = { type = "string", default = "all", choices = { "all", "channels", "features" },
      doc = "what is normalised together" },
    eps = eps_field(), affine = affine_field(),
  },
  fuses = "relu", shape = same, cost = cost,
  parameters = function(o, shape)
    return affine_parameters(o, o.dim == "all" and shape or { shape[o.dim == "channels" and 1 or #shape] })
  end,
  apply = function(o, p, x, _, activation)
    local axes = o.dim == "features" and 1 or x.ndim - 1
    if o.dim ~= "channels" or axes == 1 then
      return first(ops.layer_norm(x, p.weight, p.bias, with(o.eps, activation, { axes = axes })))
    end
    local there, back = channels_last(axes)
    local last = ops.permute(x, { dims = there })
    local y = first(ops.layer_norm(last, p.weight, p.bias, with(o.eps, activation, { axes = 1 })))
    local maps = ops.permute(y, { dims = back })
    last:release()
    y:release()
    return maps
  end,
}

local function apply_groups(groups, o, p, x, activation)
  return first(ops.group_norm(x, p.weight, p.bias, with(o.eps, activation, { groups = groups })))
end

M.group = layer.define {
  word = "norm", full = "norm.group", optional = true, op = "group_norm",
  example = [[
net = model "m" { input { 8, 6, 6 }, area "V1" { norm.group { 4 } } }
net:count()   --> 16]],
  doc = "Groups of neighbouring channels of an item less their mean, divided by their standard deviation, times a "
    .. "weight plus a bias for each channel (Wu & He 2018): independent of the batch.",
  positional = { "groups" },
  options = {
    groups = { type = "integer", required = true, min = 1, doc = "how many groups the channels make" },
    eps = eps_field(), affine = affine_field(),
  },
  resolve = function(o, shape)
    if shape[1] % o.groups == 0 then return o end
    return nil, string.format("groups = %d does not divide the %d channels of %s; groups = %s would fit", o.groups,
      shape[1], layer.shape_text(shape), fit.divisor(o.groups, shape[1]))
  end,
  fuses = "relu", shape = same, cost = cost,
  parameters = function(o, shape) return affine_parameters(o, { shape[1] }) end,
  apply = function(o, p, x, _, activation) return apply_groups(o.groups, o, p, x, activation) end,
}

M.instance = layer.define {
  word = "norm", full = "norm.instance", optional = true, op = "group_norm",
  example = [[
x = randn { 2, 3, 8, 8 } * 5 + 2
norm.instance(x):mean({ dim = { 3, 4 } }):abs():max():lt(1e-5)   --> true]],
  doc = "Each channel of an item less its mean, divided by its standard deviation over the pixels (Ulyanov, Vedaldi "
    .. "& Lempitsky 2016); with affine = true times a weight plus a bias.",
  options = {
    eps = eps_field(),
    affine = { type = "boolean", default = false, doc = "whether a weight (first 1) and a bias (first 0) follow" },
  },
  shape = function(_, shape)
    if layer.elements(shape) > shape[1] then return shape end
    return nil, string.format("needs more than one pixel, got %s", layer.shape_text(shape))
  end,
  fuses = "relu", cost = cost,
  parameters = function(o, shape) return affine_parameters(o, { shape[1] }) end,
  apply = function(o, p, x, _, activation) return apply_groups(x.shape[2], o, p, x, activation) end,
}

-- ---- by division -----------------------------------------------------------------------------------------------

M.lrn, M.divisive = divisive.lrn, divisive.divisive

return M
