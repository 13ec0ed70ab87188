--- class_token
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local sequence = require "lamina.sequence"

return layer.define {
  word = "class_token",
  example = [[
net = model "m" { input { 16, 8 }, area "V1" { class_token, position } }
net.V1.shape   --> { 17, 8 }]],
  doc = "A learned row of features before the first one, into which attention gathers what a readout wants to know: "
    .. "take { 1 } reads it out (Devlin et al. 2019; Dosovitskiy et al. 2021). Parameter: weight [1, 1, features].",
  options = { init = { type = { "string", "table", "function" }, default = "zeros", doc = "first weights" } },
  shape = function(_, shape)
    if sequence.not_rows(shape) then return nil, sequence.not_rows(shape) end
    return { shape[1] + 1, shape[2] }
  end,
  channels = sequence.channels "class_token",
  parameters = function(_, shape)
    return { { name = "weight", shape = { 1, 1, shape[2] }, fan_in = shape[2], fan_out = shape[2] } }
  end,
  apply = function(_, p, x)
    return ops.concat({ ops.expand(p.weight, { shape = { x.shape[1], 1, x.shape[3] } }), x }, { dim = 2 })
  end,
}
