--- Vision transformers.
local architecture = require "lamina.architecture"
local class_token = require "lamina.layers.class_token"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local gelu = require "lamina.layers.gelu"
local norm = require "lamina.layers.norm"
local position = require "lamina.layers.position"
local take = require "lamina.layers.take"
local tokens = require "lamina.layers.tokens"
local transformer = require "lamina.layers.transformer"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

local AREAS = { "V1", "V2", "V4", "IT" }

-- The blocks of area i: as equal a share as may be, the later ones having one more.
local function share(layers, i) return layers * i // #AREAS - layers * (i - 1) // #AREAS end

-- torchvision's names of block number `at`, ours being block `i` of an area.
local function name_block(names, of, i, at)
  local ours = string.format("%s.transformer%d.", of, i)
  local theirs = string.format("encoder.layers.encoder_layer_%d.", at)
  names[ours .. "norm1"], names[ours .. "norm2"] = theirs .. "ln_1", theirs .. "ln_2"
  names[ours .. "dense1"], names[ours .. "dense2"] = theirs .. "mlp.0", theirs .. "mlp.3"
  for part, name in pairs { weight = "in_proj_weight", bias = "in_proj_bias", out_weight = "out_proj.weight",
    out_bias = "out_proj.bias" } do
    names[ours .. "attention1." .. part] = theirs .. "self_attention." .. name
  end
end

local function names_of(layers)
  local names, at = { ["V1.patches"] = "conv_proj", ["V1.class_token1.weight"] = "class_token",
    ["V1.position1.weight"] = "encoder.pos_embedding", ["IT.norm1"] = "encoder.ln",
    ["category.dense1"] = "heads.head" }, 0
  for i, of in ipairs(AREAS) do
    for k = 1, share(layers, i) do
      name_block(names, of, k, at)
      at = at + 1
    end
  end
  return names
end

local function make(o, wide)
  local width = wide(o.features, o.heads)
  local items = { input(o.input) }
  local list = { conv { width, kernel = o.patch, stride = o.patch, name = "patches" }, tokens, class_token,
    position "learned" }
  if o.dropout > 0 then list[#list + 1] = dropout { o.dropout } end
  for i, of in ipairs(AREAS) do
    for _ = 1, share(o.layers, i) do
      list[#list + 1] = transformer { o.heads, wide(o.hidden), norm = "pre", activation = gelu, eps = o.eps,
        dropout = o.dropout }
    end
    if of == "IT" then
      list[#list + 1] = norm.layer { "features", eps = o.eps }
      list[#list + 1] = take { 1 }
    end
    items[#items + 1] = area(of)(list)
    list = {}
  end
  items[#items + 1] = readout "category" { dense { o.classes } }
  return items, names_of(o.layers)
end

local function vit(given)
  local d = given.defaults
  given.make, given.defaults = make, nil
  given.options = {
    patch = { type = "integer", default = d.patch, min = 1, doc = "pixels on a side of a patch" },
    layers = { type = "integer", default = d.layers, min = 4, doc = "blocks, a quarter of them in each area" },
    features = { type = "integer", default = d.features, min = 1, doc = "features of a patch, before the factor "
      .. "width" },
    heads = { type = "integer", default = d.heads, min = 1, doc = "heads of attention" },
    hidden = { type = "integer", default = d.hidden, min = 1, doc = "hidden units of a block, before the factor "
      .. "width" },
    dropout = { type = "number", default = 0, min = 0, below = 1, doc = "probability of being left out" },
    eps = { type = "number", default = d.eps, min = 0, doc = "added to the variances of normalisation" },
  }
  given.doc = given.doc .. " Patches of the picture are rows of features (a convolution whose stride is its kernel), "
    .. "before them a learned row from which the class is read, and learned positions; then blocks of attention and "
    .. "two dense layers, normalised before each. attention_rollout tells what it looks at. Dosovitskiy et al. 2021."
  return architecture.define(given)
end

return {
  vit { word = "vit_mini", name = "ViT-mini", input = { 1, 28, 28 }, classes = 10, parameters = 139018,
    example = [[
net = models.vit_mini {}
net:count(), net.V1.shape, net.IT.shape   --> 139018 { 17, 64 } { 64 }]],
    doc = "A vision transformer for pictures of 28 x 28: patches of 7, 4 blocks of 64 features, 4 heads, 128 hidden "
      .. "units.",
    defaults = { patch = 7, layers = 4, features = 64, heads = 4, hidden = 128, eps = 1e-6 } },
  vit { word = "vit_b16", name = "ViT-B/16", input = { 3, 224, 224 }, parameters = 86567656,
    example = [[
net = models.vit_b16 { classes = 10, width = 0.125 }   -- 14 x 14 patches, and the row of the class
net.V1.shape   --> { 197, 96 }]],
    doc = "ViT-B/16: patches of 16, 12 blocks of 768 features, 12 heads, 3072 hidden units. It takes the weights of "
      .. "torchvision.",
    defaults = { patch = 16, layers = 12, features = 768, heads = 12, hidden = 3072, eps = 1e-6 } },
}
