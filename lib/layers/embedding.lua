--- embedding { vocabulary, width }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local sequence = require "lamina.sequence"

-- The tokens of x as one axis of positions.
local function positions(x) return ops.cast(ops.reshape(x, { -1 }), "int64") end

return layer.define {
  word = "embedding",
  example = [[
net = model "m" { input { 12 }, area "V1" { embedding { 1000, width = 16 } } }   -- 12 tokens
net.V1.shape   --> { 12, 16 }]],
  doc = "A learned row of features for each token: input time, whole numbers from 1 to `vocabulary` (int64 or as "
    .. "floats); output time x width. scaled: times sqrt(width), as the Transformer has it (Vaswani et al. 2017). "
    .. "inverse: the other way, time x width to a number for each token, rows times the same weights: local words = "
    .. "embedding { 1000, 64 }, area \"A\" { shared(words), ... }, readout \"token\" { shared(words, { inverse = "
    .. "true }) }. Parameter: weight [vocabulary, width], first normal; { \"normal\", std = width ^ -0.5 } goes "
    .. "with scaled.",
  positional = { "vocabulary", "width" },
  options = {
    vocabulary = { type = "integer", required = true, min = 1, doc = "how many tokens there are" },
    width = { type = "integer", required = true, min = 1, doc = "features of a token" },
    scaled = { type = "boolean", default = false, doc = "whether the rows are multiplied by sqrt(width)" },
    inverse = { type = "boolean", default = false, doc = "whether features become a number for each token" },
    init = { type = { "string", "table", "function" }, default = { "normal", std = 1 }, doc = "first weights" },
  },
  shape = function(o, shape)
    if o.inverse then
      local message = sequence.not_rows(shape)
      if not message and shape[2] == o.width then return { shape[1], o.vocabulary } end
      return nil, message or string.format("inverse = true needs rows of %d features, got %s", o.width,
        layer.shape_text(shape))
    end
    if #shape == 1 then return { shape[1], o.width } end
    return nil, "needs an input of tokens such as input { 12 }, got " .. layer.shape_text(shape)
  end,
  channels = sequence.channels "embedding",
  parameters = function(o)
    return { { name = "weight", shape = { o.vocabulary, o.width }, fan_in = o.vocabulary, fan_out = o.width } }
  end,
  cost = function(o, shape) return o.inverse and shape[1] * o.width * o.vocabulary or 0 end,
  apply = function(o, p, x)
    if o.inverse then return ops.linear(x, p.weight) end
    local rows = ops.index_select(p.weight, positions(x), { dim = 1 })
    if o.scaled then rows = ops.mul(rows, math.sqrt(o.width)) end
    return ops.reshape(rows, { x.shape[1], x.shape[2], o.width })
  end,
}
