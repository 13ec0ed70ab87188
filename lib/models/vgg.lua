--- VGG: deep stacks of 3x3 convolutions.
local architecture = require "lamina.architecture"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local norm = require "lamina.layers.norm"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

local WIDTHS = { 64, 128, 256, 512, 512 }
local AREAS = { "V1", "V2", "V4", "V4", "IT" } -- of the five stages

-- Adds a stage's convolutions and its pooling to an area's layers, and to names what PyTorch calls them; `at` is the
-- number of the next layer there.
local function stage(list, names, of, n, width, batch_norm, at)
  local count = list.convolutions or 0
  for i = 1, n do
    list[#list + 1] = conv { width, kernel = 3, pad = 1, init = "he" }
    names[string.format("%s.conv%d", of, count + i)] = "features." .. at
    if batch_norm then
      list[#list + 1] = norm.batch
      names[string.format("%s.norm%d", of, count + i)] = "features." .. at + 1
    end
    list[#list + 1] = relu
    at = at + (batch_norm and 3 or 2)
  end
  list[#list + 1] = pool.max { 2 }
  list.convolutions = count + n
  return at + 1
end

local FIRST = { "normal", std = 0.01 }

local function make(stages)
  return function(o, wide)
    local names = { ["IT.fc1"] = "classifier.0", ["IT.fc2"] = "classifier.3", ["category.fc3"] = "classifier.6" }
    local lists, items, at = {}, { input(o.input) }, 0
    for i, of in ipairs(AREAS) do
      lists[of] = lists[of] or {}
      at = stage(lists[of], names, of, stages[i], wide(WIDTHS[i]), o.batch_norm, at)
    end
    for _, layer in ipairs { pool.adaptive { 7 }, dense { wide(4096), init = FIRST, name = "fc1" }, relu,
      dropout { o.dropout }, dense { wide(4096), init = FIRST, name = "fc2" }, relu, dropout { o.dropout } } do
      table.insert(lists.IT, layer)
    end
    for _, of in ipairs { "V1", "V2", "V4", "IT" } do
      lists[of].convolutions = nil
      items[#items + 1] = area(of)(lists[of])
    end
    items[#items + 1] = readout "category" { dense { o.classes, init = FIRST, name = "fc3" } }
    return items, names
  end
end

local list = {}

local function add(depth, stages, parameters)
  list[#list + 1] = architecture.define {
    word = "vgg" .. depth, name = "VGG-" .. depth, input = { 3, 224, 224 }, parameters = parameters,
    example = string.format([[
net, n = models.vgg%d { classes = 10, input = 32, width = 0.125 }, 0
for _, l in ipairs(net:layers()) do if l.word == "conv" or l.word == "dense" then n = n + 1 end end
n   --> %d]], depth, depth),
    doc = string.format("Stack of %d layers with small kernels: five stages of 3x3 convolutions (%s), each ending "
      .. "in pooling over 2x2, and three dense layers. It takes the weights of torchvision, with batch_norm = true "
      .. "those of its vgg%d_bn. Simonyan & Zisserman 2015.", depth, table.concat(stages, ", "), depth),
    options = {
      batch_norm = { type = "boolean", default = false, doc = "whether norm.batch follows every convolution" },
      dropout = { type = "number", default = 0.5, min = 0, below = 1, doc = "the probability with which units of the "
        .. "two hidden dense layers are left out" },
    },
    make = make(stages),
  }
end

add(11, { 1, 1, 2, 2, 2 }, 132863336)
add(13, { 2, 2, 2, 2, 2 }, 133047848)
add(16, { 2, 2, 3, 3, 3 }, 138357544)
add(19, { 2, 2, 4, 4, 4 }, 143667240)

return list
