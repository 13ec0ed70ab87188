--- LeCun's networks for handwritten digits: of 1989, LeNet-1 and LeNet-5.
local architecture = require "lamina.architecture"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local lecun_tanh = require "lamina.layers.lecun_tanh"
local pad = require "lamina.layers.pad"
local pool = require "lamina.layers.pool"
local rbf = require "lamina.layers.rbf"
local scale = require "lamina.layers.scale"
local tanh = require "lamina.layers.tanh"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

-- Uniform in +-2.4 / sqrt(fan_in), as LeCun's group began its networks.
local FIRST = { "uniform", scale = 2.4 }

-- ---- 1989 ------------------------------------------------------------------------------------------------------

-- Twelve maps in three groups of four, each of which sees two of the three groups below it.
local function thirds(width, channels)
  local list, part = {}, channels // 3
  for i = 1, width do
    local group, seen = (i - 1) * 3 // width, {}
    for k = 0, 2 * part - 1 do seen[k + 1] = (group * part + k) % channels + 1 end
    table.sort(seen)
    list[i] = seen
  end
  return list
end

local function make_1989(o, wide)
  local maps = wide(12, 3)
  local function margin() return pad { 2, value = -1 } end
  local function detector(name, seen)
    return conv { maps, kernel = 5, stride = 2, bias = "unit", table = seen, init = FIRST, name = name }
  end
  return {
    input(o.input),
    area "V1" { margin(), detector("H1"), tanh },
    area "V2" { margin(), detector("H2", thirds(maps, maps)), tanh },
    area "IT" { dense { wide(30), init = FIRST, name = "H3" }, tanh },
    readout "category" { dense { o.classes, init = FIRST, name = "output" }, tanh },
  }
end

local lenet1989 = architecture.define {
  word = "lenet1989", name = "LeNet-1989", input = { 1, 16, 16 }, classes = 10, parameters = 9760,
  example = [[
net = models.lenet1989 {}
net:count(), net.V1.shape, net.V2.shape   --> 9760 { 12, 8, 8 } { 12, 4, 4 }]],
  doc = "The first convolutional network trained on real data: zip codes, by back-propagation. Two layers of 12 "
    .. "feature maps with kernels of 5x5 and stride 2, one weight for all positions and a bias for each (H1, H2), "
    .. "the second seeing 8 of the 12 maps below it, 30 units, 10 outputs, all tanh: 1,256 units with the input's, "
    .. "64,660 connections. Pictures are in -1 to 1, beyond them lies -1; targets are -1 and 1. Which 8 maps the "
    .. "paper does not say: here two of three groups of four. LeCun, Boser, Denker et al. 1989.",
  make = make_1989,
}

-- ---- LeNet-1 and LeNet-5 ---------------------------------------------------------------------------------------

local SUBSAMPLING = { type = "string", choices = { "trained", "average", "max" },
  doc = "windows of 2x2: their mean times a weight plus a bias for each map and a squashing function (\"trained\", "
    .. "as in the paper), the mean, or the largest" }
local TABLE = { type = "string", choices = { "sparse", "dense" },
  doc = "which maps the second convolution's filters see: those of the paper's table, or all" }

-- The layers after a convolution: squashing and subsampling.
local function squashed(o)
  if o.subsampling == "trained" then return { lecun_tanh, pool.avg { 2 }, scale, lecun_tanh } end
  return { lecun_tanh, pool[o.subsampling == "max" and "max" or "avg"] { 2 } }
end

-- The paper's table goes with the paper's numbers of maps.
local function check_table(o)
  if o.table == "sparse" and o.width ~= 1 then
    return nil, "table = \"sparse\" is the paper's table for the paper's maps, which goes with width = 1; use table "
      .. "= \"dense\""
  end
  return o
end

-- LeNet-1's: within each half of the maps, two of the four below.
local LENET1 = { { 1 }, { 1, 2 }, { 1, 2 }, { 2 }, { 1, 2 }, { 1, 2 },
  { 3 }, { 3, 4 }, { 3, 4 }, { 4 }, { 3, 4 }, { 3, 4 } }

local lenet1 = architecture.define {
  word = "lenet1", name = "LeNet-1", input = { 1, 28, 28 }, classes = 10, parameters = 2578,
  example = [[
dense = models.lenet1 { table = "dense", subsampling = "average" }
models.lenet1({}):count(), dense:count()   --> 2578 3246]],
  doc = "Small network for digits: 4 and 12 feature maps with kernels of 5x5, each followed by subsampling over "
    .. "2x2, and 10 outputs: about 2,600 parameters and 100,000 connections. With table = \"dense\" and subsampling "
    .. "= \"average\" it has 3,246. LeCun, "
    .. "Boser, Denker et al. 1990; LeCun, Bottou, Bengio & Haffner 1998.",
  options = {
    table = { type = TABLE.type, choices = TABLE.choices, default = "sparse", doc = TABLE.doc },
    subsampling = { type = SUBSAMPLING.type, choices = SUBSAMPLING.choices, default = "trained",
      doc = SUBSAMPLING.doc },
  },
  resolve = check_table,
  make = function(o, wide)
    return {
      input(o.input),
      area "V1" { conv { wide(4), kernel = 5, init = FIRST, name = "C1" }, { name = "S2",
        table.unpack(squashed(o)) } },
      area "IT" { conv { wide(12), kernel = 5, init = FIRST, table = o.table == "sparse" and LENET1 or nil,
        name = "C3" }, { name = "S4", table.unpack(squashed(o)) } },
      readout "category" { dense { o.classes, init = FIRST, name = "output" } },
    }
  end,
}

-- Table I of LeCun et al. 1998: three neighbours, four neighbours, four that are not neighbours, all six.
local LENET5 = {
  { 1, 2, 3 }, { 2, 3, 4 }, { 3, 4, 5 }, { 4, 5, 6 }, { 1, 5, 6 }, { 1, 2, 6 },
  { 1, 2, 3, 4 }, { 2, 3, 4, 5 }, { 3, 4, 5, 6 }, { 1, 4, 5, 6 }, { 1, 2, 5, 6 }, { 1, 2, 3, 6 },
  { 1, 2, 4, 5 }, { 2, 3, 5, 6 }, { 1, 3, 4, 6 }, { 1, 2, 3, 4, 5, 6 },
}

-- The digits on 7x12 pixels, after Figure 3 of the paper: the codes of the output units.
local DIGITS = {
  "..###.. .##.##. ##...## ##...## ##...## ##...## ##...## ##...## ##...## ##...## .##.##. ..###..",
  "...##.. ..###.. .####.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. .######",
  ".#####. ##...## #.....# .....## .....## ....##. ...##.. ..##... .##.... ##..... #...... #######",
  "####### .....## .....## ....##. ...##.. ..####. ....##. .....## ......# #.....# ##...## .#####.",
  ".....#. ....##. ...###. ..####. ..#.##. .##.##. .#..##. ##..##. ####### ....##. ....##. ....##.",
  "####### ##..... ##..... ##..... ######. ##...## .....## ......# ......# #.....# ##...## .#####.",
  "..####. .##.... ##..... ##..... ######. ##...## #.....# #.....# #.....# ##...## .##.##. ..###..",
  "####### .....## .....## ....##. ....##. ...##.. ...##.. ..##... ..##... .##.... .##.... .#.....",
  ".#####. ##...## #.....# ##...## .#####. .#####. ##...## #.....# #.....# #.....# ##...## .#####.",
  ".#####. ##...## #.....# #.....# ##...## .###### .....## .....## .....## ....##. ...##.. .####..",
}

-- +1 where a digit is black, -1 elsewhere.
local function codes()
  local rows = {}
  for i, text in ipairs(DIGITS) do
    rows[i] = {}
    for mark in text:gmatch "[.#]" do table.insert(rows[i], mark == "#" and 1 or -1) end
  end
  return rows
end

local PAPER = { table = "sparse", subsampling = "trained", output = "rbf" }
local COMMON = { table = "dense", subsampling = "average", output = "dense" }

local function resolve_lenet5(o)
  for name, value in pairs(o.form == "paper" and PAPER or COMMON) do
    if o[name] == nil then o[name] = value end
  end
  return check_table(o)
end

-- The output: units whose centres are pictures of the digits (random codes for other classes or widths), or dense.
local function output(o, wide)
  if o.output == "dense" then return dense { o.classes, init = FIRST, name = "output" } end
  local drawn = o.classes == 10 and wide(84) == 84
  return rbf { o.classes, centres = drawn and codes() or nil, name = "output" }
end

local lenet5 = architecture.define {
  word = "lenet5", name = "LeNet-5", input = { 1, 32, 32 }, classes = 10, parameters = 60000,
  example = [[
net = models.lenet5 {}
net:count(), net.V1.shape, net.V2.shape, net.IT.shape   --> 60000 { 6, 14, 14 } { 16, 5, 5 } { 84 }]],
  doc = "Network for digits: 6 and 16 feature maps with kernels of 5x5, each followed by subsampling over 2x2, the "
    .. "second seeing 3 to 6 of the first (C1, S2, C3, S4), 120 maps that see all (C5), 84 units (F6), and 10 "
    .. "radial basis units whose fixed centres are pictures of the digits: 60,000 parameters. form = \"common\" is "
    .. "what libraries call LeNet-5: 61,706 parameters. LeCun, Bottou, Bengio & Haffner 1998.",
  options = {
    form = { type = "string", default = "paper", choices = { "paper", "common" }, doc = "\"common\": dense table, "
      .. "the mean as subsampling, a dense output; each can be said by itself" },
    table = TABLE, subsampling = SUBSAMPLING,
    output = { type = "string", choices = { "rbf", "dense" }, doc = "the output units" },
    pad = { type = "integer", default = 0, min = 0, doc = "a margin of zeros around the input: 2 for pictures of 28 "
      .. "pixels" },
  },
  resolve = resolve_lenet5,
  make = function(o, wide)
    return {
      input(o.input),
      area "V1" { conv { wide(6), kernel = 5, pad = o.pad, init = FIRST, name = "C1" }, { name = "S2",
        table.unpack(squashed(o)) } },
      area "V2" { conv { wide(16), kernel = 5, init = FIRST, table = o.table == "sparse" and LENET5 or nil,
        name = "C3" }, { name = "S4", table.unpack(squashed(o)) } },
      area "IT" { conv { wide(120), kernel = 5, init = FIRST, name = "C5" }, lecun_tanh,
        dense { wide(84), init = FIRST, name = "F6" }, lecun_tanh },
      readout "category" { output(o, wide) },
    }
  end,
}

return { lenet1989, lenet1, lenet5 }
