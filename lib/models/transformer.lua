--- The Transformer: encoder, decoder, and both.
local architecture = require "lamina.architecture"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local embedding = require "lamina.layers.embedding"
local merged = require "lamina.merged"
local norm = require "lamina.layers.norm"
local position = require "lamina.layers.position"
local take = require "lamina.layers.take"
local transformer = require "lamina.layers.transformer"
local words = require "lamina.model.words"

local input, area, readout, shared = words.input, words.area, words.readout, words.shared

local OPTIONS = {
  layers = { type = "integer", default = 6, min = 1, doc = "blocks of the encoder, and as many of the decoder" },
  features = { type = "integer", default = 512, min = 1, doc = "features of a token, before the factor width" },
  heads = { type = "integer", default = 8, min = 1, doc = "heads of attention" },
  hidden = { type = "integer", default = 2048, min = 1, doc = "hidden units of a block, before the factor width" },
  norm = { type = "string", default = "post", choices = { "post", "pre" }, doc = "where normalisation stands" },
  dropout = { type = "number", default = 0.1, min = 0, below = 1, doc = "probability of being left out" },
  position = { type = "string", default = "sincos", choices = { "sincos", "learned", "none" },
    doc = "the code of positions" },
  padding = { type = "integer", doc = "the token that fills short sequences, which nothing attends to" },
  tied = { type = "boolean", default = true, doc = "one table of tokens for all embeddings and for the readout, as "
    .. "in the paper" },
}

local function with(more)
  local list = merged(OPTIONS)
  for name, field in pairs(more or {}) do list[name] = field end
  return list
end

-- The first layers of a stack: tokens, their positions.
local function enter(o, list, words_of)
  list[#list + 1] = words_of()
  if o.position ~= "none" then list[#list + 1] = position { o.position } end
  if o.dropout > 0 then list[#list + 1] = dropout { o.dropout } end
end

local function stack(o, wide, list, own)
  for _ = 1, o.layers do
    local given = { o.heads, wide(o.hidden), norm = o.norm, dropout = o.dropout, padding = o.padding }
    for name, value in pairs(own) do given[name] = value end
    list[#list + 1] = transformer(given)
  end
  if o.norm == "pre" then list[#list + 1] = norm.layer "features" end
  return list
end

-- What makes the embeddings, and the readout.
local function table_of(o, wide)
  local width = wide(o.features, o.heads)
  local function fresh()
    return embedding { o.classes, width, scaled = true, init = { "normal", std = width ^ -0.5 } }
  end
  if not o.tied then return fresh, function() return dense { o.classes, each = true } end end
  local one = fresh()
  return function() return shared(one) end, function() return shared(one, { inverse = true }) end
end

local function make_encoder(o, wide)
  local words_of, out = table_of(o, wide)
  local list = {}
  enter(o, list, words_of)
  return { input(o.input), area "encoder" (stack(o, wide, list, {})), readout "token" { out() } }
end

local function make_decoder(o, wide)
  local words_of, out = table_of(o, wide)
  local list = {}
  enter(o, list, words_of)
  return { input(o.input), area "decoder" (stack(o, wide, list, { causal = true })), readout "token" { out() } }
end

local function make_both(o, wide)
  local words_of, out = table_of(o, wide)
  local n, m = o.input[1], o.target or o.input[1]
  local encoder, decoder = {}, { from = "input", take { n + 1, n + m } }
  enter(o, encoder, words_of)
  enter(o, decoder, words_of)
  return {
    input { n + m },
    area "source" { take { 1, n } },
    area "encoder" (stack(o, wide, encoder, { tokens = "source" })),
    area "decoder" (stack(o, wide, decoder, { causal = true, memory = "encoder", tokens = "source" })),
    readout "token" { out() },
  }
end

local BASE = "6 blocks of 512 features, 8 heads and 2048 hidden units, sines and cosines for positions, "
  .. "normalisation after each sum; trained with adam { beta1 = 0.9, beta2 = 0.98, eps = 1e-9, schedule = "
  .. "inverse_root { 4000 } } and label_smoothing = 0.1. Vaswani et al. 2017."

return {
  architecture.define {
    word = "transformer", name = "Transformer", input = { 128 }, classes = 37000, parameters = 63082496,
    example = [[
net = models.transformer { classes = 10, input = 6, target = 4, width = 0.125 }
net(randint(1, 10, { 2, 10 })).shape   --> { 2, 4, 10 }]],
    doc = "The Transformer, encoder and decoder: the paper's base model (65 million parameters as it counts them). "
      .. "An input is the source's tokens (`input` of them) followed by the target's (`target`), those that are "
      .. "known when the next is asked for: it begins with a token for the start. The readout gives a number for "
      .. "each token at each place of the target. " .. BASE,
    options = with { target = { type = "integer", min = 1, doc = "tokens of the target; as many as input if "
      .. "absent" } },
    make = make_both,
  },
  architecture.define {
    word = "transformer_encoder", name = "Transformer encoder", input = { 128 }, classes = 37000,
    parameters = 37858304,
    example = [[
net = models.transformer_encoder { classes = 10, input = 5, width = 0.125 }
a, b = net(tensor { { 1, 2, 3, 4, 5 } }), net(tensor { { 1, 2, 3, 4, 9 } })   -- they differ in the last
a[{ 1, { 1, 4 } }]:equal(b[{ 1, { 1, 4 } }])   --> false]],
    doc = "The encoder of the Transformer alone: every token sees all. The readout gives a number for each "
      .. "token at each place. " .. BASE,
    options = with(), make = make_encoder,
  },
  architecture.define {
    word = "transformer_decoder", name = "Transformer decoder", input = { 128 }, classes = 37000,
    parameters = 37858304,
    example = [[
net = models.transformer_decoder { classes = 10, input = 5, width = 0.125 }
a, b = net(tensor { { 1, 2, 3, 4, 5 } }), net(tensor { { 1, 2, 3, 4, 9 } })   -- they differ in the last
a[{ 1, { 1, 4 } }]:equal(b[{ 1, { 1, 4 } }])   --> true]],
    doc = "The decoder of the Transformer alone: a token sees those before it (a language model). The "
      .. "readout gives a number for each token at each place: those of the next one. " .. BASE,
    options = with(), make = make_decoder,
  },
}
