--- factorized { n, non_negative = false, bias = true, init = }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

-- Feature weights that are not negative: uniform in 0 to 2 / channels.
local function positive(shape, info)
  return tensor.draw { kind = "uniform", shape = shape, seed = info.seed, purpose = info.name, low = 0,
    high = 2 / info.fan_in }
end

return layer.define {
  word = "factorized",
  example = [[
net = model "encoding" { input { 1, 16, 16 }, area "V1" { conv { 8, kernel = 5 }, relu },
  readout "neurons" { factorized { 100 }, softplus } }
net(zeros { 1, 1, 16, 16 }).shape, net:parameters "neurons"[1].tensor.shape   --> { 1, 100 } { 100, 8 }]],
  doc = "A readout of maps for n neurons, each with a place and a preference: y = sum over positions of space times "
    .. "(sum over channels of feature times x) (+ bias), a product of two small sets of weights instead of one large "
    .. "one (Klindt, Ecker, Euler & Bethge 2017). Input: channels x height x width; output: n. Parameters: feature "
    .. "[n, channels], space [n, height, width], which begins as a mean over all positions, and bias [n]. "
    .. "non_negative keeps space, or space and feature, from going below 0. Penalties that suit it: l1 of both, "
    .. "smooth of space.",
  positional = { "width" },
  options = {
    width = { type = "integer", required = true, min = 1, doc = "number of neurons" },
    non_negative = { type = { "boolean", "string" }, default = false, choices = { "space", "both" },
      doc = "\"space\" or \"both\" (true): which weights are kept at 0 or above" },
    bias = { type = "boolean", default = true, doc = "whether a bias is added" },
    init = { type = { "string", "table", "function" }, doc = "first feature weights; uniform if absent" },
  },
  shape = function(o, shape)
    if #shape ~= 3 then
      return nil, string.format("needs an input of channels x height x width, got %s", layer.shape_text(shape))
    end
    return { o.width }
  end,
  parameters = function(o, shape)
    local channels, h, w = shape[1], shape[2], shape[3]
    local both = o.non_negative == true or o.non_negative == "both"
    local list = {
      { name = "feature", shape = { o.width, channels }, fan_in = channels, fan_out = o.width,
        init = o.init or both and positive or "uniform", constraint = both and "non_negative" or nil },
      { name = "space", shape = { o.width, h, w }, fan_in = h * w, fan_out = o.width,
        init = { "constant", value = 1 / (h * w) }, constraint = o.non_negative and "non_negative" or nil },
    }
    if o.bias then
      list[3] = { name = "bias", shape = { o.width }, fan_in = channels, fan_out = o.width, bias = true,
        init = "zeros" }
    end
    return list
  end,
  apply = function(o, p, x)
    local n, channels, h, w = x:size(1), x:size(2), x:size(3), x:size(4)
    local places = ops.reshape(p.space, { o.width, h * w })
    local seen = ops.matmul(ops.reshape(x, { n * channels, h * w }), ops.transpose(places, 1, 2))
    local weighted = ops.mul(ops.reshape(seen, { n, channels, o.width }), ops.transpose(p.feature, 1, 2))
    local y = ops.sum(weighted, 2)
    if not p.bias then return y end
    return ops.add(y, p.bias)
  end,
  cost = function(o, shape) return o.width * shape[1] * (shape[2] * shape[3] + 1) end,
}
