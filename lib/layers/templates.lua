--- templates { width, kernel =, match = "gaussian", beta = 1, values =, learn = false, ... }: the S cells of HMAX
local convolution = require "lamina.convolution"
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local TINY <const> = 1e-12 -- squared length below which a window holds nothing

-- The geometry of a vector, which is one window: nothing to slide.
local function of_vector(o, shape)
  for _, name in ipairs { "kernel", "stride", "dilation", "pad" } do
    local value = o[name]
    local plain = name == "kernel" and value == nil or value == (name == "pad" and 0 or 1)
    if not plain then
      return nil, string.format("%s is for maps; templates for a vector of %s take none", name,
        layer.shape_text(shape))
    end
  end
  o.vector = true
  return o
end

local function weight_shape(o, shape)
  if o.vector then return { o.width, shape[1] } end
  return { o.width, shape[1], table.unpack(o.kernel) }
end

-- The templates that the option gives, as float32; nil and a message where they do not fit.
local function given(o, shape)
  local ok, t = true, o.values
  if not core.is_tensor(t) then ok, t = pcall(core.tensor, t) end
  if not ok then return nil, "values is no tensor, nor a table of numbers that makes one" end
  local want = weight_shape(o, shape)
  if not layer.same_shape(t.shape, want) then
    return nil, string.format("values are %s, expected %s: a template for each unit", layer.shape_text(t.shape),
      layer.shape_text(want))
  end
  return t:to "float32"
end

local function resolve(o, shape)
  local message
  if #shape == 1 then
    o, message = of_vector(o, shape)
  elseif o.kernel == nil then
    return nil, "needs the size of the templates, kernel = n, for an input of " .. layer.shape_text(shape)
  else
    o, message = convolution.resolve(o, shape)
    if o then convolution.prepare(o) end
  end
  if not o or o.values == nil then return o, message end
  local values
  values, message = given(o, shape)
  if not values then return nil, message end
  o.first = function() return values end
  return o
end

local function drawn(shape, info)
  return core.draw { kind = "uniform", shape = shape, seed = info.seed, purpose = info.name }
end

-- For every window: its product with each template, its squared length, and the templates' (1 x width x 1 x 1).
local function products(o, w, x)
  if o.vector then
    return ops.matmul(x, ops.transpose(w, 1, 2)), ops.sum(ops.square(x), { dim = 2, keepdim = true }),
      ops.reshape(ops.sum(ops.square(w), { dim = 2 }), { 1, -1 })
  end
  local wide, one = { 1, -1 }, { 1, 1 }
  for i = 1, #o.kernel do wide[i + 2], one[i + 2] = 1, o.kernel[i] end
  local power = ops.sum(ops.square(x), { dim = 2, keepdim = true })
  local lengths = ops.reshape(ops.sum(ops.square(ops.flatten(w, 2)), { dim = 2 }), wide)
  return convolution.run(o, x, w), convolution.run(o, power, core.ones(one, { dtype = x.dtype })), lengths
end

-- |cosine| of the angle between window and template, or with signed = true the cosine; 0 for an empty window.
local function cosine(o, w, x)
  local along, power, lengths = products(o, w, x)
  local some = ops.gt(power, TINY)
  local size = ops.sqrt(ops.where(some, power, 1)) * ops.sqrt(ops.clamp(lengths, TINY, math.huge))
  local y = ops.where(some, along / size, 0)
  return o.signed and y or ops.abs(y)
end

local function gaussian(o, w, x)
  if o.vector then -- without the cancellation of |X|^2 - 2 X . P + |P|^2
    local apart = ops.unsqueeze(x, 2) - ops.unsqueeze(w, 1)
    return ops.exp(ops.sum(ops.square(apart), { dim = 3 }) * -o.beta)
  end
  local along, power, lengths = products(o, w, x)
  return ops.exp(ops.relu(power - along * 2 + lengths) * -o.beta)
end

return layer.define {
  word = "templates",
  example = [[
net = model "m" { input { 4, 8, 8 }, area "S2" { templates { 10, kernel = 4, match = "gaussian" } } }
net.S2.shape   --> { 10, 5, 5 }]],
  doc = "Units that compare each window of the input with a template P: the S cells of HMAX. match = \"gaussian\": "
    .. "exp(-beta |X - P|^2), from 0 to 1 (S2 cells and view-tuned units; Serre et al. 2007); \"cosine\": |X . P| / "
    .. "(|X| |P|), the response of a filter divided by the contrast below it, with signed = true without the bars "
    .. "(S1 cells; Riesenhuber & Poggio 1999). Input: maps, or a vector without `kernel`. Output: width x oh x ow as "
    .. "conv, or width. The templates [width, channels, kh, kw] are `values`, such as stimuli.gabors {...}, or drawn "
    .. "uniformly in 0 to 1 until imprint {...} takes them from images; they are a buffer, with learn = true a "
    .. "parameter.",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of templates, the channels of the output" },
    kernel = { type = { "pair", "table" }, min = 1, doc = "size of the templates: n or { h, w }" },
    stride = { type = { "pair", "table" }, default = 1, min = 1, doc = "step between positions" },
    dilation = { type = { "pair", "table" }, default = 1, min = 1, doc = "step between a template's elements" },
    pad = convolution.pad, mode = convolution.mode,
    match = { type = "string", default = "gaussian", choices = { "gaussian", "cosine" }, doc = "how they compare" },
    beta = { type = "number", default = 1, above = 0, doc = "of gaussian: how sharply they are tuned" },
    signed = { type = "boolean", default = false, doc = "of cosine: whether the opposite contrast is negative" },
    values = { type = { "tensor", "table" }, doc = "the templates; drawn if absent" },
    learn = { type = "boolean", default = false, doc = "whether the templates are learned" },
  },
  resolve = resolve,
  shape = function(o)
    if o.vector then return { o.width } end
    return { o.width, table.unpack(o.out) }
  end,
  parameters = function(o, shape)
    local n = layer.elements(shape) // (o.vector and 1 or layer.elements(shape) // shape[1])
      * (o.vector and 1 or layer.elements(o.kernel))
    return o.learn and { { name = "weight", shape = weight_shape(o, shape), fan_in = n, fan_out = o.width, inputs = 2,
      init = o.first or drawn } } or {}
  end,
  buffers = function(o, shape)
    return not o.learn and { { name = "weight", shape = weight_shape(o, shape), value = o.first or drawn } } or {}
  end,
  apply = function(o, p, x)
    if o.match == "cosine" then return cosine(o, p.weight, x) end
    return gaussian(o, p.weight, x)
  end,
  cost = function(o, shape, out)
    if o.vector then return o.width * shape[1] end
    return layer.elements(out) // o.width * (o.width * shape[1] + 1) * layer.elements(o.kernel)
  end,
}
