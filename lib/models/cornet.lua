--- CORnet-Z, CORnet-RT and CORnet-S: small networks with an area for each of V1, V2, V4 and IT.
local architecture = require "lamina.architecture"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local identity = require "lamina.layers.identity"
local layer = require "lamina.layer"
local norm = require "lamina.layers.norm"
local ops = require "lamina.core.ops"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local words = require "lamina.model.words"

local input, area, readout, shared = words.input, words.area, words.readout, words.shared
local feedback = words.feedback

local AREAS = { "V1", "V2", "V4", "IT" }

local function category(o, init) return readout "category" { pool.global "avg", dense { o.classes, init = init } } end

-- ---- Z -----------------------------------------------------------------------------------------------------------

local function make_z(o, wide)
  local items, names = { input(o.input) }, { ["category.dense1"] = "decoder.linear" }
  for i, of in ipairs(AREAS) do
    local k = i == 1 and 7 or 3
    items[#items + 1] = area(of) {
      conv { wide(32 * 2 ^ i // 1), kernel = k, stride = i == 1 and 2 or 1, pad = k // 2, init = "glorot" }, relu,
      pool.max { 3, stride = 2, pad = 1 } }
    names[of .. ".conv1"] = of .. ".conv"
  end
  items[#items + 1] = category(o, "glorot")
  return items, names
end

-- ---- RT ----------------------------------------------------------------------------------------------------------

-- What an area's first layers give before anything has come in, at the first step: nothing, whatever their biases.
local onset = layer.define {
  word = "onset", varies = true,
  doc = "Zeros at the first time step, the input after that: nothing has arrived yet.",
  shape = function(_, shape) return shape end,
  apply = function(_, _, x, ctx)
    if ctx.time > 1 then return x end
    return ops.mul(x, 0)
  end,
}

local function make_rt(o, wide)
  local items = { input(o.input), steps = o.times, update = "parallel" }
  local names = { ["category.dense1"] = "decoder.linear" }
  for i, of in ipairs(AREAS) do
    local k, width = i == 1 and 7 or 3, wide(32 * 2 ^ i // 1, o.groups)
    local list = { conv { width, kernel = k, stride = i == 1 and 4 or 2, pad = k // 2, name = "conv_input" },
      norm.group { o.groups, name = "norm_input" }, relu }
    if i > 1 then list[#list + 1] = onset end
    list[#list + 1] = { name = "recurrent",
      conv { width, kernel = 3, pad = 1, bias = false }, norm.group { o.groups }, relu }
    items[#items + 1] = area(of)(list)
    items[#items + 1] = feedback { from = of, to = of .. ".recurrent.conv1", name = of .. "_state", identity }
    for ours, theirs in pairs { conv_input = "conv_input", norm_input = "norm_input", ["recurrent.conv1"] = "conv1",
      ["recurrent.norm1"] = "norm1" } do
      names[of .. "." .. ours] = of .. "." .. theirs
    end
  end
  items[#items + 1] = category(o)
  return items, names
end

-- ---- S -----------------------------------------------------------------------------------------------------------

-- A convolution without a bias, drawn as the published code does: by its outputs.
local function maps(width, kernel, stride, name)
  return conv { width, kernel = kernel, stride = stride, pad = kernel // 2, bias = false, name = name,
    init = { "normal", std = math.sqrt(2 / (kernel * kernel * width)) } }
end

-- The bottleneck of an area, run `times` times with one set of convolutions and normalisation of each time's own; the
-- first time halves the map.
local function recurrent(of, width, times, prefix, names)
  local first, second, third = maps(4 * width, 1, 1), maps(4 * width, 3, 2), maps(width, 1, 1)
  local list = { maps(width, 1, 1, "conv_input") }
  names[of .. ".conv_input"] = prefix .. "conv_input"
  for t = 1, times do
    list[#list + 1] = residual { name = "step" .. t,
      shared(first), norm.batch, relu, t == 1 and shared(second) or shared(second, { stride = 1 }), norm.batch, relu,
      shared(third), norm.batch, after = relu,
      shortcut = t == 1 and { maps(width, 1, 2, "skip"), norm.batch } or "identity" }
    for k = 1, 3 do
      local ours = string.format("%s.step%d.", of, t)
      names[ours .. "norm" .. k] = string.format("%snorm%d_%d", prefix, k, t - 1)
      if t == 1 then names[ours .. "conv" .. k] = prefix .. "conv" .. k end
    end
  end
  names[of .. ".step1.shortcut.skip"], names[of .. ".step1.shortcut.norm1"] = prefix .. "skip", prefix .. "norm_skip"
  return list
end

local TIMES = { V2 = 2, V4 = 4, IT = 2 }

local function make_s(o, wide)
  local names = { ["category.dense1"] = "decoder.linear" }
  for _, name in ipairs { "conv1", "norm1", "conv2", "norm2" } do names["V1." .. name] = "V1." .. name end
  local width = wide(64)
  local items = { input(o.input), area "V1" { maps(width, 7, 2), norm.batch, relu,
    pool.max { 3, stride = 2, pad = 1 }, maps(width, 3, 1), norm.batch, relu } }
  for i = 2, 4 do
    local of = AREAS[i]
    items[#items + 1] = area(of)(recurrent(of, width * 2 ^ (i - 1) // 1, TIMES[of], of .. ".", names))
  end
  items[#items + 1] = category(o)
  return items, names
end

local SOURCE = " It takes the weights of the published PyTorch code. Kubilius, Schrimpf, Nayebi, Bear, Yamins & "
  .. "DiCarlo 2018."

return { recurrent = recurrent, times = TIMES,
  architecture.define {
    word = "cornet_z", name = "CORnet-Z", input = { 3, 224, 224 }, parameters = 2071656,
    example = [[
net = models.cornet_z {}
net:count(), net.V1.shape, net.IT.shape   --> 2071656 { 64, 56, 56 } { 512, 7, 7 }]],
    doc = "CORnet-Z, the smallest of the family: a convolution, relu and max pooling in each area." .. SOURCE,
    make = make_z,
  },
  architecture.define {
    word = "cornet_rt", name = "CORnet-RT", input = { 3, 224, 224 }, parameters = 5208936,
    example = [[
net = models.cornet_rt { classes = 10, input = 64, width = 0.125 }
seen = net:activations(randn { 2, 3, 64, 64 }, "IT", { steps = "all" })
early, late = seen["IT@3"], seen["IT@4"]   -- of two pictures
early[1]:equal(early[2]), late[1]:equal(late[2])   --> true false]],
    doc = "CORnet-RT, recurrent: each area adds its own last state to what comes in, and passes on what it gives one "
      .. "step later, over 5 steps: IT is first driven by the picture at the fourth." .. SOURCE,
    options = {
      times = { type = "integer", default = 5, min = 1, doc = "time steps" },
      groups = { type = "integer", default = 32, min = 1, doc = "groups of normalisation" },
    },
    make = make_rt,
  },
  architecture.define {
    word = "cornet_s", name = "CORnet-S", input = { 3, 224, 224 }, parameters = 53416616,
    example = [[
net = models.cornet_s { classes = 10, input = 64, width = 0.125 }
net:has "V4.step4", net:has "V4.step5", net.V4.shape   --> true false { 32, 4, 4 }]],
    doc = "CORnet-S: bottlenecks that run 2, 4 and 2 times in V2, V4 and IT, with one set of convolutions and "
      .. "normalisation of each time's own; net:activations \"V4.step2\" is what V4 gives at its second." .. SOURCE,
    make = make_s,
  },
}
