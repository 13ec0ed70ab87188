--- transformer { heads, hidden, norm = "post", activation = relu, causal = false, memory =, padding =, dropout = 0 }
local attention = require "lamina.layers.attention"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local layer = require "lamina.layer"
local normalise = require "lamina.layers.norm"
local relu = require "lamina.layers.relu"
local sequence = require "lamina.sequence"

-- Layers around which the input goes, normalised before them or after the sum.
local function sublayer(scope, o, source, layers)
  local normal = normalise.layer { "features", eps = o.eps }
  if o.dropout > 0 then layers[#layers + 1] = dropout { o.dropout } end
  if o.norm == "pre" then table.insert(layers, 1, normal) end
  local sum = scope:node(require "lamina.layers.add", {}, { source, scope:chain(layers, source) })
  return o.norm == "pre" and sum or scope:chain({ normal }, sum)
end

local function attend(o, own)
  local given = { o.heads, dropout = o.dropout, bias = o.bias, init = o.init }
  for name, value in pairs(own) do given[name] = value end
  return attention(given)
end

local function expand(scope, o, source)
  if sequence.not_rows(source.output) then
    scope:fail("shape", "transformer: %s", sequence.not_rows(source.output))
  end
  local padding = not o.memory and o.padding or nil
  local x = sublayer(scope, o, source, { attend(o, { causal = o.causal, padding = padding, tokens = o.tokens }) })
  if o.memory then
    x = sublayer(scope, o, x, { attend(o, { memory = o.memory, padding = o.padding, tokens = o.tokens }) })
  end
  local forward = { dense { o.hidden, each = true, init = o.init }, o.activation }
  if o.dropout > 0 then forward[3] = dropout { o.dropout } end
  forward[#forward + 1] = dense { source.output[2], each = true, init = o.init }
  return sublayer(scope, o, x, forward)
end

return layer.define {
  word = "transformer", whole = true, expand = expand,
  example = [[
net = model "m" { input { 12, 16 }, area "V1" { transformer { heads = 4, hidden = 64 } } }
net.V1.shape   --> { 12, 16 }]],
  doc = "A block of the Transformer (Vaswani et al. 2017): attention, then two dense layers for each row, `hidden` "
    .. "units and an activation between them; the input goes around each and is added. norm = \"post\" normalises "
    .. "each sum (norm.layer \"features\"; the paper), \"pre\" what enters the layers (Xiong et al. 2020), after "
    .. "which a norm.layer \"features\" belongs behind the last block. With memory, a block of a decoder: attention "
    .. "to the rows that it names stands between the two. Input and output: time x features. Its layers are "
    .. "attention1, norm1, dense1 and so on.",
  positional = { "heads", "hidden" },
  options = {
    heads = { type = "integer", required = true, min = 1, doc = "heads of attention" },
    hidden = { type = "integer", required = true, min = 1, doc = "units between the two dense layers" },
    norm = { type = "string", default = "post", choices = { "post", "pre" }, doc = "where normalisation stands" },
    activation = { type = { "table" }, default = relu, doc = "the layer between the two dense ones" },
    causal = { type = "boolean", default = false, doc = "whether later rows are hidden from self-attention" },
    memory = { type = "string", doc = "the area or layer that a decoder's block attends to" },
    padding = { type = "integer", doc = "the token that marks rows of what is attended to as seen by none" },
    tokens = { type = "string", default = "input", doc = "what holds the tokens that padding is looked for in" },
    dropout = { type = "number", default = 0, min = 0, below = 1, doc = "probability of being left out: weights of "
      .. "attention, hidden units, what is added" },
    bias = { type = "boolean", default = true, doc = "whether attention has biases" },
    eps = { type = "number", default = 1e-5, min = 0, doc = "added to the variances" },
    init = { type = { "string", "table", "function" }, doc = "first weights; absent: attention's and dense's own" },
  },
}
