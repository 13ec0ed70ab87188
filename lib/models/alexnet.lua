--- AlexNet: as published in 2012, in two columns, and in the one column of 2014.
local architecture = require "lamina.architecture"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local norm = require "lamina.layers.norm"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

local DROPOUT = { type = "number", default = 0.5, min = 0, below = 1,
  doc = "the probability with which units of the two hidden dense layers are left out; 0: none" }
local STEM = { type = "string", default = "large", choices = { "large", "small" },
  doc = "the first convolution: \"large\" pictures have 11x11 with stride 4, \"small\" ones of about 32 pixels 5x5 "
    .. "with stride 1" }

-- The first convolution of large or small pictures.
local function stem(o, width, pad, init)
  local small = o.stem == "small"
  return conv { width, kernel = small and 5 or 11, stride = small and 1 or 4, pad = small and 2 or pad, init = init,
    name = "conv1" }
end

-- ---- 2012 ------------------------------------------------------------------------------------------------------

-- Layers that are there, in order.
local function list(...)
  local found = {}
  for i = 1, select("#", ...) do
    local entry = select(i, ...)
    if entry then found[#found + 1] = entry end
  end
  return found
end

-- First weights for biases of 0 and of 1.
local FIRST = {
  paper = { { "normal", std = 0.01 }, { "normal", std = 0.01, bias = 1 } },
  he = { "he", "he" },
}

local function make_2012(o, wide)
  local zero, one = table.unpack(FIRST[o.init])
  local function window() return pool.max { o.overlap and 3 or 2, stride = 2 } end
  local function drop() return o.dropout > 0 and dropout { o.dropout } end
  local function response() return o.lrn and norm.lrn end
  local function maps(name, width, kernel, groups, init)
    return conv { wide(width, o.groups), kernel = kernel, pad = kernel // 2, groups = groups, init = init,
      name = name }
  end
  local g = o.groups
  return {
    input(o.input),
    area "V1" (list(stem(o, wide(96, g), 0, zero), relu, response(), window())),
    area "V2" (list(maps("conv2", 256, 5, g, one), relu, response(), window())),
    area "V4" { maps("conv3", 384, 3, 1, zero), relu, maps("conv4", 384, 3, g, one), relu },
    area "IT" (list(maps("conv5", 256, 3, g, one), relu, window(),
      dense { wide(4096), init = one, name = "fc6" }, relu, drop(),
      dense { wide(4096), init = one, name = "fc7" }, relu, drop())),
    readout "category" { dense { o.classes, init = one, name = "fc8" } },
  }
end

local alexnet2012 = architecture.define {
  word = "alexnet2012", name = "AlexNet", input = { 3, 227, 227 }, parameters = 60965224,
  example = [[
net = models.alexnet2012 { classes = 10, width = 0.125 }
net.V1.shape, net.V2.shape, net.IT.shape   --> { 12, 27, 27 } { 32, 13, 13 } { 512 }]],
  doc = "AlexNet as published, in two columns: 96 filters of 11x11 with stride 4, local response normalisation, "
    .. "overlapping pooling, convolutions 2, 4 and 5 in two groups (one for each of two processors), dropout in the "
    .. "first two dense layers; weights normal with deviation 0.01, biases 1 in convolutions 2, 4, 5 and the dense "
    .. "layers. What the paper calls 224 pixels must be 227 for its 55x55 maps. Krizhevsky, Sutskever & Hinton 2012.",
  options = {
    groups = { type = "integer", default = 2, min = 1, doc = "columns of convolutions 2, 4 and 5; 1: each filter "
      .. "sees all channels" },
    lrn = { type = "boolean", default = true, doc = "whether local response normalisation follows convolutions 1 and "
      .. "2" },
    overlap = { type = "boolean", default = true, doc = "windows of 3 with stride 2; false: of 2 with stride 2" },
    dropout = DROPOUT, stem = STEM,
    init = { type = "string", default = "paper", choices = { "paper", "he" }, doc = "first weights: the paper's, "
      .. "which go with its width, or \"he\", which let narrow networks learn, too" },
  },
  make = make_2012,
}

-- ---- 2014 ------------------------------------------------------------------------------------------------------

local NAMES = { ["V1.conv1"] = "features.0", ["V2.conv2"] = "features.3", ["V4.conv3"] = "features.6",
  ["V4.conv4"] = "features.8", ["IT.conv5"] = "features.10", ["IT.fc6"] = "classifier.1", ["IT.fc7"] = "classifier.4",
  ["category.fc8"] = "classifier.6" }

local function make_2014(o, wide)
  local function maps(name, width, kernel)
    return conv { wide(width), kernel = kernel, pad = kernel // 2, name = name }
  end
  local function window() return pool.max { 3, stride = 2 } end
  return {
    input(o.input),
    area "V1" { stem(o, wide(64), 2), relu, window() },
    area "V2" { maps("conv2", 192, 5), relu, window() },
    area "V4" { maps("conv3", 384, 3), relu, maps("conv4", 256, 3), relu },
    area "IT" {
      maps("conv5", 256, 3), relu, window(), pool.adaptive { 6 },
      dropout { o.dropout }, dense { wide(4096), name = "fc6" }, relu,
      dropout { o.dropout }, dense { wide(4096), name = "fc7" }, relu,
    },
    readout "category" { dense { o.classes, name = "fc8" } },
  }, NAMES
end

local alexnet = architecture.define {
  word = "alexnet", name = "AlexNet", input = { 3, 224, 224 }, parameters = 61100840,
  example = [[
net = models.alexnet { classes = 10, width = 0.125 }
net.V1.shape, net.V2.shape, net.IT.shape   --> { 8, 27, 27 } { 24, 13, 13 } { 512 }]],
  doc = "AlexNet in one column, as most libraries have it: 64, 192, 384, 256 and 256 filters, no local response "
    .. "normalisation. It takes the weights of torchvision. models.alexnet2012 is the network of the paper. "
    .. "Krizhevsky 2014.",
  options = { dropout = DROPOUT, stem = STEM },
  make = make_2014,
}

return { alexnet2012, alexnet }
