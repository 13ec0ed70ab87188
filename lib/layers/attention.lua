--- attention { heads, units =, causal = false, memory =, padding =, dropout = 0, bias = true, init = }
local core = require "lamina.core.tensor"
local dropout = require "lamina.layers.dropout"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local sequence = require "lamina.sequence"

local function resolve(o, shapes)
  local own, memory = shapes[1], o.memory and shapes[2] or shapes[1]
  local message = sequence.not_rows(own) or sequence.not_rows(memory)
  if message then return nil, message end
  o.units = o.units or own[2]
  if o.units % o.heads ~= 0 then
    return nil, string.format("heads = %d does not divide the %d units; heads = %s would fit", o.heads, o.units,
      require("lamina.fit").divisor(o.heads, o.units))
  end
  if o.padding and not layer.same_shape(shapes[#shapes], { memory[1] }) then
    return nil, string.format("padding looks at %s, which is %s; it must be the %d tokens of what is attended to",
      o.tokens, layer.shape_text(shapes[#shapes]), memory[1])
  end
  return o
end

local function add(list, o, name, rows, inputs, fan_out)
  local bias = name:gsub("weight", "bias")
  list[#list + 1] = { name = name, shape = { rows, inputs }, fan_in = inputs, fan_out = fan_out }
  if o.bias then
    list[#list + 1] = { name = bias, shape = { rows }, fan_in = inputs, fan_out = rows, bias = true }
  end
end

local function parameters(o, shapes)
  local list, own = {}, shapes[1][2]
  add(list, o, "weight", o.memory and o.units or 3 * o.units, own, o.units)
  if o.memory then add(list, o, "memory_weight", 2 * o.units, shapes[2][2], o.units) end
  add(list, o, "out_weight", own, o.units, own)
  return list
end

-- Queries and keys with values: what the op takes as q and k.
local function projected(o, p, xs)
  local q = ops.linear(xs[1], p.weight, p.bias)
  return q, o.memory and ops.linear(xs[2], p.memory_weight, p.memory_bias) or nil
end

-- Which keys may be seen: batch x 1 x 1 x keys; nil: all.
local function seen(o, xs)
  if not o.padding then return nil end
  local given = xs[#xs]
  return ops.reshape(ops.ne(given, o.padding), { given.shape[1], 1, 1, given.shape[2] })
end

return layer.define {
  word = "attention",
  example = [[
net = model "m" { input { 10, 16 }, area "V1" { attention { heads = 4 } } }   -- a sequence of 10 rows
net.V1.shape   --> { 10, 16 }]],
  doc = "Multi-head attention (Vaswani et al. 2017): queries, keys and values are linear in the rows of features; "
    .. "each head gives the values' mean, weighted by softmax(q k' / sqrt(units / heads)), and a linear map joins "
    .. "the heads. Input and output: time x features. memory names an earlier area or layer whose rows give keys and "
    .. "values: cross-attention. causal: a row sees those before it and itself. padding is the token that fills "
    .. "short sequences: rows where `tokens` holds it are seen by none. Parameters: weight [3 units, features], the "
    .. "rows of queries, keys and values in turn, and bias (as PyTorch's in_proj; with memory, weight [units, "
    .. "features] and memory_weight [2 units, features of it]), out_weight [features, units] and out_bias. "
    .. "attention_maps gives the weights of a model's heads. The op: ops.attention.",
  op = "attention", positional = { "heads" }, varies = true,
  options = {
    heads = { type = "integer", required = true, min = 1, doc = "how many heads share the units" },
    units = { type = "integer", min = 1, doc = "of queries, keys and values; as many as features if absent" },
    causal = { type = "boolean", default = false, doc = "whether later rows are hidden" },
    memory = { type = "string", doc = "the area or layer that gives keys and values; absent: self-attention" },
    padding = { type = "integer", doc = "the token that marks rows to be seen by none" },
    tokens = { type = "string", default = "input", doc = "what holds the tokens that padding is looked for in" },
    dropout = { type = "number", default = 0, min = 0, below = 1, doc = "the probability of a weight being left out, "
      .. "while training" },
    bias = { type = "boolean", default = true, doc = "whether biases are added" },
    init = { type = { "string", "table", "function" }, default = "glorot", doc = "first weights" },
  },
  reads = function(o)
    local names = {}
    names[#names + 1] = o.memory
    if o.padding then names[#names + 1] = o.tokens end
    return names
  end,
  resolve = resolve, parameters = parameters,
  shape = function(_, shapes) return shapes[1] end,
  channels = sequence.channels "attention",
  apply = function(o, p, xs, ctx)
    local q, k = projected(o, p, xs)
    local drops = ctx.training and o.dropout or 0
    local y = ops.attention(q, k, nil, seen(o, xs), { heads = o.heads, causal = o.causal, dropout = drops,
      seed = ctx.seed, purpose = dropout.purpose(ctx.purpose), step = ctx.step })
    local out = ops.linear(y, p.out_weight, p.out_bias)
    q:release()
    if k then k:release() end
    y:release()
    return out
  end,
  -- The weights of every head: batch x heads x queries x keys.
  weights = function(o, p, xs)
    local q, k = projected(o, p, xs)
    local function heads(t, first)
      local own = ops.slice(t, { dim = 3, start = first + 1, stop = first + o.units })
      return ops.permute(ops.reshape(own, { t.shape[1], t.shape[2], o.heads, -1 }), { 1, 3, 2, 4 })
    end
    local keys = k and heads(k, 0) or heads(q, o.units)
    local scores = ops.matmul(heads(q, 0), ops.transpose(keys)) * (1 / math.sqrt(o.units // o.heads))
    local hidden = seen(o, xs)
    if hidden then scores = ops.masked_fill(scores, ops.logical_not(hidden), -math.huge) end
    if o.causal then
      local later = ops.triu(core.ones { scores.shape[3], scores.shape[4] }, { offset = 1 })
      scores = ops.masked_fill(scores, ops.cast(later, "bool"), -math.huge)
    end
    return ops.softmax(scores)
  end,
  cost = function(o, shapes)
    local own, memory = shapes[1], o.memory and shapes[2] or shapes[1]
    return own[1] * o.units * 2 * own[2] + 2 * memory[1] * o.units * memory[2] + 2 * own[1] * memory[1] * o.units
  end,
}
