--- rbf { width, centres =, learn = false }
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

-- The centres that the option gives, as a tensor; nil and a message where they do not fit.
local function given(o, n)
  local ok, t = true, o.centres
  if type(t) == "table" then ok, t = pcall(core.tensor, t) end
  if not ok or t.ndim ~= 2 then return nil, "centres is no list of `width` lists of numbers, nor such a tensor" end
  if t:size(1) ~= o.width or t:size(2) ~= n then
    return nil, string.format("centres is %s, expected %dx%d: a row for each unit, with a number for each input",
      layer.shape_text(t.shape), o.width, n)
  end
  return t:to "float32"
end

-- Codes of +1 and -1, drawn at random.
local function codes(shape, info)
  local u = core.draw { kind = "uniform", shape = shape, seed = info.seed, purpose = info.name, low = -1, high = 1 }
  return ops.where(ops.lt(u, 0), core.full(shape, -1), 1)
end

return layer.define {
  word = "rbf",
  example = [[
net = model "m" { input { 84 }, readout "digit" { rbf { 10 } } }
net(zeros { 5, 84 }).shape   --> { 5, 10 }]],
  doc = "Radial basis units: minus the squared distance of the input to each unit's centre, so that the largest "
    .. "output is that of the nearest centre, and cross_entropy on it is the criterion of LeCun et al. 1998 without "
    .. "their class of rubbish. An input with more than one axis is flattened first. Output: width. Centres, "
    .. "[width, inputs], are as given, or codes of +1 and -1 drawn at random; they are a buffer, with learn = true "
    .. "a parameter.",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of units" },
    centres = { type = { "tensor", "table" }, doc = "a row for each unit; drawn if absent" },
    learn = { type = "boolean", default = false, doc = "whether the centres are learned" },
  },
  flattens = true,
  resolve = function(o, shape)
    if not o.centres then return o end
    local centres, message = given(o, layer.elements(shape))
    if not centres then return nil, message end
    o.first = function() return centres end
    return o
  end,
  shape = function(o) return { o.width } end,
  parameters = function(o, shape)
    local n = layer.elements(shape)
    return o.learn and { { name = "centres", shape = { o.width, n }, fan_in = n, fan_out = o.width, inputs = 2,
      init = o.first or codes } } or {}
  end,
  buffers = function(o, shape)
    return not o.learn and { { name = "centres", shape = { o.width, layer.elements(shape) },
      value = o.first or codes } } or {}
  end,
  apply = function(_, p, x)
    local flat = x.ndim > 2 and ops.flatten(x, 2) or x
    local apart = ops.unsqueeze(flat, 2) - ops.unsqueeze(p.centres, 1)
    return -ops.sum(ops.square(apart), { dim = 3 })
  end,
  cost = function(o, shape) return o.width * layer.elements(shape) end,
}
