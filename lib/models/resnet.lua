--- Residual networks, and plain ones of the same depth: those for large pictures (18 to 152 layers) and those for
-- small ones (20 to 1202).
local architecture = require "lamina.architecture"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local norm = require "lamina.layers.norm"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

-- A convolution without a bias, since norm.batch follows.
local function maps(width, kernel, stride)
  return conv { width, kernel = kernel, stride = stride, pad = kernel // 2, bias = false, init = "he" }
end

-- The layers of a block: two convolutions of 3x3, or 1x1, 3x3 and 1x1 to four times the width.
local function basic(width, stride)
  return { maps(width, 3, stride), norm.batch, relu, maps(width, 3, 1), norm.batch }
end

local function bottleneck(width, stride, o)
  local first = o.stride_at == "1x1" and stride or 1
  return { maps(width, 1, first), norm.batch, relu, maps(width, 3, stride // first), norm.batch, relu,
    maps(4 * width, 1, 1), norm.batch }
end

-- A block with its shortcut, or without one in a plain network.
local function block(layers, shortcut)
  if not shortcut then
    layers[#layers + 1] = relu
    return layers
  end
  layers.shortcut, layers.after = shortcut, relu
  return residual(layers)
end

-- Adds `n` blocks to a list, the first of which has the stride.
local function stage(list, o, n, width, stride, kind, shortcut)
  for i = 1, n do list[#list + 1] = block(kind(width, i == 1 and stride or 1, o), shortcut) end
  return list
end

-- ---- names in PyTorch ------------------------------------------------------------------------------------------

-- What PyTorch calls the layers of a stage's blocks: layer1.0.conv1, layer1.0.bn1, layer1.0.downsample.0, ...
local function name_stage(names, of, number, blocks, convolutions)
  for i = 1, blocks do
    local ours, theirs = string.format("%s.residual%d.", of, i), string.format("layer%d.%d.", number, i - 1)
    for k = 1, convolutions do
      names[ours .. "conv" .. k], names[ours .. "norm" .. k] = theirs .. "conv" .. k, theirs .. "bn" .. k
    end
    names[ours .. "shortcut.conv1"], names[ours .. "shortcut.norm1"] = theirs .. "downsample.0",
      theirs .. "downsample.1"
  end
end

local function names_of(areas, blocks, convolutions, last)
  local names = { ["V1.conv1"] = "conv1", ["V1.norm1"] = "bn1", ["category.dense1"] = last }
  for i, of in ipairs(areas) do name_stage(names, of, i, blocks[i], convolutions) end
  return names
end

-- ---- for large pictures ----------------------------------------------------------------------------------------

local AREAS = { "V1", "V2", "V4", "IT" }

local function large(blocks, kind, shortcut)
  local names = shortcut and names_of(AREAS, blocks, kind == basic and 2 or 3, "fc") or nil
  return function(o, wide)
    local items = { input(o.input) }
    local list = { maps(wide(64), 7, 2), norm.batch, relu, pool.max { 3, stride = 2, pad = 1 } }
    for i, of in ipairs(AREAS) do
      stage(list, o, blocks[i], wide(64) * 2 ^ (i - 1) // 1, i == 1 and 1 or 2, kind, shortcut)
      if of == "IT" then list[#list + 1] = pool.global "avg" end
      items[#items + 1] = area(of)(list)
      list = {}
    end
    items[#items + 1] = readout "category" { dense { o.classes } }
    return items, names
  end
end

local STRIDE_AT = { type = "string", default = "3x3", choices = { "3x3", "1x1" },
  doc = "the convolution of a block that halves the map: 3x3 as in torchvision, or the first 1x1 as in the paper" }

local list = {}

-- An example that looks at the number of blocks of an area.
local function blocks_of(depth, of, n)
  return string.format([[
net = models.resnet%d { classes = 10, width = 0.125 }
net:has "%s.residual%d", net:has "%s.residual%d"   --> true false]], depth, of, n, of, n + 1)
end

-- An example that counts the layers of a plain network.
local function depth_of(depth)
  return string.format([[
net, n = models.plain%d { classes = 10, width = 0.125 }, 0
for _, l in ipairs(net:layers()) do if l.word == "conv" or l.word == "dense" then n = n + 1 end end
n   --> %d]], depth, depth)
end

local function add_large(depth, blocks, kind, parameters, plain_parameters)
  local what = kind == basic and "blocks of two 3x3 convolutions" or "blocks of 1x1, 3x3 and 1x1 convolutions"
  list[#list + 1] = architecture.define {
    word = "resnet" .. depth, name = "ResNet-" .. depth, input = { 3, 224, 224 }, parameters = parameters,
    example = blocks_of(depth, "V4", blocks[3]),
    doc = string.format("Residual network of %d layers: %s (%s) around which the input goes, by way of a projection "
      .. "where the shape changes. It takes the weights of torchvision. He, Zhang, Ren & Sun 2016.", depth, what,
      table.concat(blocks, ", ")),
    options = kind == bottleneck and { stride_at = STRIDE_AT } or nil,
    make = large(blocks, kind, "project"),
  }
  if plain_parameters then
    list[#list + 1] = architecture.define {
      word = "plain" .. depth, name = "plain-" .. depth, input = { 3, 224, 224 }, parameters = plain_parameters,
      example = depth_of(depth),
      doc = string.format("The plain network of %d layers: ResNet-%d without shortcuts. He, Zhang, Ren & Sun 2016.",
        depth, depth),
      make = large(blocks, kind, nil),
    }
  end
end

add_large(18, { 2, 2, 2, 2 }, basic, 11689512, 11515688)
add_large(34, { 3, 4, 6, 3 }, basic, 21797672, 21623848)
add_large(50, { 3, 4, 6, 3 }, bottleneck, 25557032)
add_large(101, { 3, 4, 23, 3 }, bottleneck, 44549160)
add_large(152, { 3, 8, 36, 3 }, bottleneck, 60192808)

-- ---- for small pictures ----------------------------------------------------------------------------------------

local SMALL = { "V1", "V2", "IT" }

local function small(n, shortcut)
  local names = shortcut and names_of(SMALL, { n, n, n }, 2, "linear") or nil
  return function(o, wide)
    local items, layers = { input(o.input) }, { maps(wide(16), 3, 1), norm.batch, relu }
    for i, of in ipairs(SMALL) do
      stage(layers, o, n, wide(16) * 2 ^ (i - 1) // 1, i == 1 and 1 or 2, basic, shortcut)
      if of == "IT" then layers[#layers + 1] = pool.global "avg" end
      items[#items + 1] = area(of)(layers)
      layers = {}
    end
    items[#items + 1] = readout "category" { dense { o.classes, init = "he" } }
    return items, names
  end
end

-- The plain network has as many parameters: option A's shortcuts have none.
local function add_small(n, parameters)
  local depth = 6 * n + 2
  list[#list + 1] = architecture.define {
    word = "resnet" .. depth, name = "ResNet-" .. depth, input = { 3, 32, 32 }, classes = 10, parameters = parameters,
    example = blocks_of(depth, "V1", n),
    doc = string.format("Residual network of %d layers for small pictures: three stages of %d blocks with 16, 32 and "
      .. "64 channels, shortcuts without parameters (option A: every second pixel, channels of zeros). It takes "
      .. "PyTorch weights named conv1, bn1, layer1 to layer3 and linear. He, Zhang, Ren & Sun 2016.", depth, n),
    make = small(n, "pad"),
  }
  list[#list + 1] = architecture.define {
    word = "plain" .. depth, name = "plain-" .. depth, input = { 3, 32, 32 }, classes = 10, parameters = parameters,
    example = depth_of(depth),
    doc = string.format("The plain network of %d layers for small pictures: ResNet-%d without shortcuts. He, Zhang, "
      .. "Ren & Sun 2016.", depth, depth),
    make = small(n, nil),
  }
end

add_small(3, 269722)
add_small(5, 464154)
add_small(7, 658586)
add_small(9, 853018)
add_small(18, 1727962)
add_small(200, 19421274)

-- For networks that have another first area (lib/models/vonenet.lua).
list.stage, list.name_stage, list.bottleneck = stage, name_stage, bottleneck

return list
