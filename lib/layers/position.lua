--- position, position { "learned" }
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local sequence = require "lamina.sequence"

-- sin and cos of time / longest^(2 i / features), in turn along the features; time counts from 0.
local function waves(time, features, longest)
  local half = (features + 1) // 2
  local rate = ops.exp(core.arange(0, half - 1, { dtype = "float64" }) * (-2 * math.log(longest) / features))
  local angle = ops.outer(core.arange(0, time - 1, { dtype = "float64" }), rate)
  local both = ops.stack({ ops.sin(angle), ops.cos(angle) }, { dim = 3 }):reshape { time, 2 * half }
  return ops.slice(both, { dim = 2, start = 1, stop = features }):to "float32":contiguous()
end

return layer.define {
  word = "position",
  example = [[
net = model "m" { input { 12, 16 }, area "V1" { position { "learned" } } }
net:count()   --> 192]],
  doc = "Adds to each row of a sequence a code of its position. sincos: sin and cos of t / 10000^(2 i / features) in "
    .. "turn, t from 0 (Vaswani et al. 2017, section 3.5): no parameters. learned: parameter weight [1, time, "
    .. "features], first normal with standard deviation 0.02 (Dosovitskiy et al. 2021).",
  positional = { "kind" },
  options = {
    kind = { type = "string", default = "sincos", choices = { "sincos", "learned" }, doc = "which code" },
    longest = { type = "number", default = 10000, above = 1, doc = "of sincos: the longest wave, over 2 pi" },
    init = { type = { "string", "table", "function" }, default = { "normal", std = 0.02 },
      doc = "first weights of a learned one" },
  },
  shape = function(_, shape)
    if sequence.not_rows(shape) then return nil, sequence.not_rows(shape) end
    return shape
  end,
  channels = sequence.channels "position",
  parameters = function(o, shape)
    if o.kind ~= "learned" then return {} end
    return { { name = "weight", shape = { 1, shape[1], shape[2] }, fan_in = shape[2], fan_out = shape[2] } }
  end,
  apply = function(o, p, x)
    if p.weight then return ops.add(x, p.weight) end
    local time, features = x.shape[2], x.shape[3]
    if not o.code then o.code = waves(time, features, o.longest) end
    return ops.add(x, x.dtype == "float32" and o.code or o.code:to(x.dtype))
  end,
}
