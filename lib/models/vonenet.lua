--- VOneNets: a model of V1 that is not learned, before the later areas of other networks.
local architecture = require "lamina.architecture"
local conv = require "lamina.layers.conv"
local cornet = require "lamina.models.cornet"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local resnet = require "lamina.models.resnet"
local vone = require "lamina.layers.vone"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

local OPTIONS = {
  cells = { type = "integer", default = 512, min = 2, doc = "cells of V1 at each place, half of them simple, before "
    .. "the factor width" },
  noise = vone.options.noise,
  degrees = vone.options.degrees,
  kernel = vone.options.kernel,
  gabor_seed = vone.options.gabor_seed,
}

-- V1, and the convolution that brings its maps to 64.
local function first(o, wide, names)
  local half = wide(o.cells // 2)
  names["V1.vone1.q0"], names["V1.vone1.q1"] = "vone_block.simple_conv_q0.weight", "vone_block.simple_conv_q1.weight"
  names["V1.bottleneck"] = "bottleneck"
  return area "V1" { vone { half, half, kernel = o.kernel, noise = o.noise, degrees = o.degrees,
    gabor_seed = o.gabor_seed }, conv { wide(64), kernel = 1, bias = false, init = "he", name = "bottleneck" } }
end

-- Names of the part behind, which the published code calls "model".
local function behind(names, theirs)
  for ours, name in pairs(theirs) do names[ours] = "model." .. name end
  return names
end

local function make_resnet(o, wide)
  local names, theirs = {}, { ["category.dense1"] = "fc" }
  local items = { input(o.input), first(o, wide, names) }
  local given, blocks = { stride_at = "3x3" }, { 3, 4, 6, 3 }
  local places = { { "V2", { 1 } }, { "V4", { 2 } }, { "IT", { 3, 4 } } }
  for _, place in ipairs(places) do
    local list = {}
    for _, i in ipairs(place[2]) do
      local own = resnet.stage({}, given, blocks[i], wide(64) * 2 ^ (i - 1) // 1, i == 1 and 1 or 2,
        resnet.bottleneck, "project")
      own.name = "layer" .. i
      list[#list + 1] = own
      resnet.name_stage(theirs, place[1] .. ".layer" .. i, i, blocks[i], 3)
    end
    items[#items + 1] = area(place[1])(list)
  end
  items[#items + 1] = readout "category" { pool.global "avg", dense { o.classes } }
  return items, behind(names, theirs)
end

local function make_cornet(o, wide)
  local names, theirs = {}, { ["category.dense1"] = "decoder.linear" }
  local items = { input(o.input), first(o, wide, names) }
  for i, of in ipairs { "V2", "V4", "IT" } do
    items[#items + 1] = area(of)(cornet.recurrent(of, wide(64) * 2 ^ i // 1, cornet.times[of], of .. ".", theirs))
  end
  items[#items + 1] = readout "category" { pool.global "avg", dense { o.classes } }
  return items, behind(names, theirs)
end

local function make_alexnet(o, wide)
  local names = {}
  local function maps(name, width, kernel, stride)
    return conv { wide(width), kernel = kernel, stride = stride, pad = kernel // 2, name = name }
  end
  local window = pool.max { 3, stride = 2, pad = 1 }
  return {
    input(o.input), first(o, wide, names),
    area "V2" { maps("conv2", 192, 5, 2), relu, window },
    area "V4" { maps("conv3", 384, 3, 1), relu, maps("conv4", 256, 3, 1), relu },
    area "IT" {
      maps("conv5", 256, 3, 1), relu, window, pool.adaptive { 7 },
      dropout { 0.5 }, dense { wide(4096), name = "fc6" }, relu,
      dropout { 0.5 }, dense { wide(4096), name = "fc7" }, relu,
    },
    readout "category" { dense { o.classes, name = "fc8" } },
  }, behind(names, { ["V2.conv2"] = "features.0", ["V4.conv3"] = "features.3", ["V4.conv4"] = "features.5",
    ["IT.conv5"] = "features.7", ["IT.fc6"] = "classifier.1", ["IT.fc7"] = "classifier.4",
    ["category.fc8"] = "classifier.6" })
end

local SOURCE = " V1 is a bank of Gabor filters with simple and complex cells and neuronal noise (help \"vone\"), of "
  .. "which only the convolution behind it is learned. It takes the weights of the published PyTorch code, its "
  .. "filters among them. Dapello, Marques, Schrimpf, Geiger, Cox & DiCarlo 2020."

local function vonenet(word, name, parameters, doc, make)
  return architecture.define { word = word, name = name, input = { 3, 224, 224 }, parameters = parameters,
    example = string.format([[
net = models.%s { classes = 10, input = 64, width = 0.125 }
net.V1.layers, net.V1.shape   --> { "V1.vone1", "V1.bottleneck" } { 8, 16, 16 }]], word),
    doc = doc .. SOURCE, options = OPTIONS, make = make }
end

return {
  vonenet("vone_resnet50", "VOneResNet-50", 25580264, "The VOneNet with ResNet-50 behind V1.", make_resnet),
  vonenet("vone_cornet_s", "VOneCORnet-S", 53402856, "The VOneNet with the later areas of CORnet-S.", make_cornet),
  vonenet("vone_alexnet", "VOneAlexNet", 74741800, "The VOneNet with the later layers of AlexNet.", make_alexnet),
}
