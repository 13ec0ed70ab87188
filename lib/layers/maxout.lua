--- maxout { 2 }
local fit = require "lamina.fit"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

-- x with its channels as channels x pieces.
local function in_pieces(o, x)
  local shape = x.shape
  shape[2] = shape[2] // o.pieces
  table.insert(shape, 3, o.pieces)
  return ops.reshape(x, shape)
end

return layer.define {
  word = "maxout", monotone = true,
  example = [=[maxout(tensor { { 1, 5, 2, -1 } }, { pieces = 2 })   --> [[5. 2.]]]=],
  doc = "The largest of each `pieces` channels in a row: with the layer before it, any convex function of the input "
    .. "(Goodfellow et al. 2013). Output: channels / pieces. Monotone in each of its inputs.",
  positional = { "pieces" },
  options = { pieces = { type = "integer", default = 2, min = 2, doc = "how many channels compete for one" } },
  shape = function(o, shape)
    if #shape < 1 or shape[1] % o.pieces ~= 0 then
      return nil, string.format("pieces = %d does not divide the %s channels of %s%s", o.pieces, shape[1] or "no",
        layer.shape_text(shape), shape[1] and "; pieces = " .. fit.divisor(o.pieces, shape[1]) .. " would fit" or "")
    end
    local out = table.move(shape, 1, #shape, 1, {})
    out[1] = shape[1] // o.pieces
    return out
  end,
  apply = function(o, _, x) return ops.max(in_pieces(o, x), { dim = 3 }) end,
}
