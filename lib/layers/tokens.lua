--- tokens
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local sequence = require "lamina.sequence"

return layer.define {
  word = "tokens",
  example = [[tokens(zeros { 1, 64, 4, 4 }).shape   --> { 1, 16, 64 }]],
  doc = "Maps as a sequence: a row of features for each pixel, row by row of the picture: 64x4x4 becomes 16x64. "
    .. "After conv { 64, kernel = 7, stride = 7 } these are the patches of a vision transformer (Dosovitskiy et "
    .. "al. 2021).",
  shape = function(_, shape)
    if #shape < 2 then return nil, "needs an input of channels x height x width, got " .. layer.shape_text(shape) end
    return { layer.elements(shape) // shape[1], shape[1] }
  end,
  channels = sequence.channels "tokens",
  apply = function(_, _, x)
    return ops.transpose(x.ndim == 3 and x or ops.flatten(x, 3), { dim1 = 2, dim2 = 3 })
  end,
}
