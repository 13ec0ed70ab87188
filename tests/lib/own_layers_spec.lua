-- Layers of a script's own, in the script or in a file beside it; pad and crop; published networks by their counts.
local command = require "support.command"
local builder = require "lamina.model.build"
local core = require "lamina.core.tensor"
local models = require "lamina.model"
local ops = require "lamina.core.ops"

local conv = require "lamina.layers.conv"
local crop = require "lamina.layers.crop"
local dense = require "lamina.layers.dense"
local layer = require("lamina.layer").layer
local norm = require "lamina.layers.norm"
local pad = require "lamina.layers.pad"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local model, input, area, readout, shared = models.model, models.input, models.area, models.readout, models.shared

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function draw(shape) return core.draw { kind = "normal", shape = shape, seed = 3,
  purpose = "own_layers_spec" } end

-- y = (x - running mean) weight: parameters, a buffer, options.
local function centred()
  return layer { word = "centred", doc = "Less a running mean, times a weight.", positional = { "first" },
    options = { first = { type = "number", default = 1, min = 0, doc = "the first weight" } },
    shape = function(_, shape)
      if #shape == 1 then return shape end
      return nil, "needs a vector"
    end,
    parameters = function(o, shape)
      return { { name = "weight", shape = shape, init = { "constant", value = o.first } } }
    end,
    buffers = function(_, shape) return { { name = "mean", shape = shape } } end,
    apply = function(_, p, x, ctx)
      if ctx.training then core.no_grad(function() p.mean:copy(x:mean(1)) end) end
      return (x - p.mean) * p.weight
    end,
    cost = function(_, shape) return shape[1] end }
end

describe("a layer of one's own", function()
  it("has names, parameters, buffers, gradients, cost and copies as others do", function()
    local c = centred()
    local net = model "m" { input { 3 }, seed = 1, area "A" { c { 2 }, c, relu }, readout "r" { dense { 2 } } }
    assert.equal("A.centred1.weight", net:parameters()[1].name)
    assert.equal("A.centred2.mean", net:buffers()[2].name)
    assert.same({ 2, 2, 2 }, net:parameters()[1].tensor:detach():totable())
    assert.matches("centred1 +3 +3 +3", tostring(net))
    local x = draw { 4, 3 }
    local y = net:forward(x, { training = true })
    y:sum():backward()
    local p = {}
    for _, entry in ipairs(net:parameters()) do p[entry.name] = entry.tensor:detach():clone():requires_grad(true) end
    local h = (x - x:mean(1)) * p["A.centred1.weight"]
    h = ((h - h:detach():mean(1)) * p["A.centred2.weight"]):relu()
    local want = ops.linear(h, p["r.dense1.weight"], p["r.dense1.bias"])
    want:sum():backward()
    assert.equal(want:detach():digest(), y:detach():digest())
    for _, entry in ipairs(net:parameters()) do
      assert.equal(p[entry.name].grad:digest(), entry.tensor.grad:digest(), entry.name)
    end
    local copy = net:clone()
    assert.equal(net:digest(), copy:digest())
    assert.equal(net(x):detach():digest(), copy(x):detach():digest())
  end)

  it("is told its mistakes by name and line", function()
    local cases = {
      { function() return layer { word = "x", shap = 1 } end, "layer: unknown option 'shap' (did you mean "
        .. "'shape'?)" },
      { function() return layer { word = "x", shape = 1 } end, "layer: option 'shape' is a number, expected a "
        .. "function" },
      { function() return layer { word = "a b" } end, "option 'word' is a b" },
      { function() return layer { word = "x" } end, "'x' needs shape and apply" },
      { function() return layer "x" end, "expected a table such as layer {" },
      { function() return model "m" { input { 2 }, area "A" { centred() { firs = 1 } } } end,
        "centred: unknown option 'firs' (did you mean 'first'?)" },
      { function() return model "m" { input { 2 }, area "A" { centred() { -1 } } } end,
        "centred: option 'first' is -1, expected a number of at least 0" },
      { function() return model "m" { input { 2, 3, 3 }, area "A" { centred() } } end, "centred: needs a vector" },
      { function()
        local bad = layer { word = "bad", shape = function(_, s) return s end, apply = function(_, _,
          x) return x:sum() end }
        return model "m" { input { 2 }, area "A" { bad } }(draw { 3, 2 })
      end, "bad: apply gave scalar for a batch whose `shape` says 3x2" },
      { function()
        local bad = layer { word = "bad", shape = function() return { 0.5 } end, apply = function(_, _,
          x) return x end }
        return model "m" { input { 2 }, area "A" { bad } }
      end, "bad: shape returned a size of 0.5" },
      { function()
        local bad = layer { word = "bad", shape = function(_, s) return s end, apply = function(_, _, x) return x end,
          parameters = function() return { { shape = { 2 } } } end }
        return model "m" { input { 2 }, area "A" { bad } }
      end, "bad: parameters[1] is no { name = \"weight\", shape = { ... } }" },
    }
    for _, case in ipairs(cases) do
      local text = message(case[1])
      assert.matches(case[2], text, 1, true)
      assert.matches("own_layers_spec.lua", text, 1, true)
    end
  end)

  it("may be made of other layers, or join branches", function()
    local twice = layer { word = "twice", options = { width = { type = "integer", required = true } },
      positional = nil,
      expand = function(scope, o, source)
        return scope:chain({ conv { o.width, kernel = 1 }, relu, conv { o.width, kernel = 1 } }, source)
      end }
    local largest = layer { word = "largest", merges = true,
      shape = function(_, shapes) return shapes[1] end,
      apply = function(_, _, xs) return xs[1]:maximum(xs[2]) end }
    local net = model "m" { input { 1, 4, 4 }, area "A" { twice { width = 3, relu } } }
    assert.equal("A.twice1.conv2.weight", net:parameters()[3].name)
    local both = model "m" { input { 2 }, area "A" { largest { { dense { 2 } }, relu } } }
    local x = draw { 3, 2 }
    local found = both:activations(x)
    assert.equal(found["A.largest1.branch1.dense1"]:maximum(x:relu()):digest(), both(x):detach():digest())
  end)

  it("may lie in a file beside the script", function()
    local folder = command.folder()
    command.write(folder .. "/gain.lua", [[
return layer { word = "gain", doc = "Times a factor.", positional = { "factor" },
  options = { factor = { type = "number", required = true, doc = "what it is multiplied by" } },
  shape = function(_, shape) return shape end, apply = function(o, _, x) return x * o.factor end }]])
    command.write(folder .. "/use.lua", [[
local gain = require "gain"
local net = model "m" { input { 2 }, area "A" { gain { 3 } } }
print(net(tensor { { 1, 2 } }):sum():item(), net:layers()[1].name)
help(gain)]])
    local result = command.run({ "use.lua" }, { dir = folder })
    command.drop(folder)
    assert.equal(0, result.code, result.err)
    assert.matches("9%.?0?\tA.gain1", result.out)
    assert.matches("gain: Times a factor.", result.out, 1, true)
  end)
end)

describe("pad and crop", function()
  local x = draw { 2, 1, 4, 5 }

  it("are slices and margins", function()
    local function run(spec) return model "m" { input { 1, 4, 5 }, area "A" { spec } }(x) end
    local y = run(pad { { 1, 2 }, after = 0 })
    assert.same({ 2, 1, 5, 7 }, y.shape)
    assert.equal(x:digest(), y[{ {}, {}, { 2, 5 }, { 3, 7 } }]:clone():digest())
    assert.equal(0, y[{ {}, {}, { 1, 1 }, {} }]:abs():sum():item())
    local mirrored = run(pad { 1, mode = "reflect" })
    assert.equal(x[{ 1, 1, 2, 2 }], mirrored[{ 1, 1, 1, 1 }])
    assert.equal(x:digest(), run(crop { { 4, 5 } }):digest())
    assert.equal(x[{ {}, {}, { 2, 3 }, { 2, 4 } }]:clone():digest(), run(crop { { 2, 3 } }):clone():digest())
    assert.equal(x[{ {}, {}, { 3, 4 }, { 1, 2 } }]:clone():digest(), run(crop { 2, at = { 3, 1 } }):clone():digest())
  end)

  it("refuse what cannot be", function()
    local function declare(spec) return function() return model "m" { input { 1, 4, 5 }, area "A" { spec } } end end
    assert.matches("6x6 is more than the input 1x4x5 has", message(declare(crop { 6 })), 1, true)
    assert.matches("2x2 from 4, 1 on reaches beyond 1x4x5", message(declare(crop { 2, at = { 4, 1 } })), 1, true)
    assert.matches("option 'margin' is -1", message(declare(pad { -1 })), 1, true)
  end)
end)

-- ---- published networks ----------------------------------------------------------------------------------------

-- The parameters of a declaration, without drawing them.
local function parameters_of(items)
  local build = builder.build { name = "count", items = items, count = #items, position = {}, update = "serial" }
  local n = 0
  for _, node in ipairs(build.nodes) do
    for _, p in ipairs(node.shared and {} or node.parameters) do
      local size = 1
      for _, s in ipairs(p.shape) do size = size * s end
      n = n + size
    end
  end
  return n
end

local function stage(make, count, width, stride)
  local list = {}
  for i = 1, count do list[i] = make(width, i == 1 and stride or 1) end
  return list
end

local function basic(width, stride, shortcut)
  return residual { conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
    conv { width, kernel = 3, pad = 1, bias = false }, norm.batch, shortcut = shortcut or "project", after = relu }
end

local function bottleneck(width, stride)
  return residual { conv { width, kernel = 1, bias = false }, norm.batch, relu,
    conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
    conv { 4 * width, kernel = 1, bias = false }, norm.batch, shortcut = "project", after = relu }
end

local function resnet(make, counts)
  return parameters_of { input { 3, 224, 224 },
    area "stem" { conv { 64, kernel = 7, stride = 2, pad = 3, bias = false }, norm.batch, relu,
      pool.max { 3, stride = 2, pad = 1 } },
    area "a" { stage(make, counts[1], 64, 1) }, area "b" { stage(make, counts[2], 128, 2) },
    area "c" { stage(make, counts[3], 256, 2) }, area "d" { stage(make, counts[4], 512, 2) },
    readout "class" { pool.global "avg", dense { 1000 } } }
end

describe("published networks", function()
  it("ResNet-18, 34, 50 have the parameters of He et al. 2016", function()
    assert.equal(11689512, resnet(basic, { 2, 2, 2, 2 }))
    assert.equal(21797672, resnet(basic, { 3, 4, 6, 3 }))
    assert.equal(25557032, resnet(bottleneck, { 3, 4, 6, 3 }))
  end)

  it("CIFAR ResNet-20 with option A has 269,722", function()
    local function a(width, stride) return basic(width, stride, "pad") end
    assert.equal(269722, parameters_of { input { 3, 32, 32 },
      area "stem" { conv { 16, kernel = 3, pad = 1, bias = false }, norm.batch, relu },
      area "a" { stage(a, 3, 16, 1) }, area "b" { stage(a, 3, 32, 2) }, area "c" { stage(a, 3, 64, 2) },
      readout "class" { pool.global "avg", dense { 10 } } })
  end)

  -- Kubilius et al. 2019: one set of convolutions used `times` times, with normalisation of its own at each time.
  it("CORnet-S, its convolutions shared over time, has 53,416,616", function()
    local function block(width, times)
      local first = conv { 4 * width, kernel = 1, bias = false }
      local second = conv { 4 * width, kernel = 3, stride = 2, pad = 1, bias = false }
      local third = conv { width, kernel = 1, bias = false }
      local list = { conv { width, kernel = 1, bias = false } }
      for t = 1, times do
        list[#list + 1] = residual { shared(first), norm.batch, relu, shared(second, { stride = t == 1 and 2 or 1 }),
          norm.batch, relu, shared(third), norm.batch, after = relu,
          shortcut = t == 1 and { conv { width, kernel = 1, stride = 2, bias = false }, norm.batch } or "identity" }
      end
      return list
    end
    assert.equal(53416616, parameters_of { input { 3, 224, 224 },
      area "V1" { conv { 64, kernel = 7, stride = 2, pad = 3, bias = false }, norm.batch, relu,
        pool.max { 3, stride = 2, pad = 1 }, conv { 64, kernel = 3, pad = 1, bias = false }, norm.batch, relu },
      area "V2" { block(128, 2) }, area "V4" { block(256, 4) }, area "IT" { block(512, 2) },
      readout "class" { pool.global "avg", dense { 1000 } } })
  end)
end)

describe("net:cost", function()
  it("counts multiply-adds and bytes", function()
    local net = model "m" { input { 1, 8, 8 }, area "A" { conv { 2, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
      readout "r" { dense { 3 } } }
    local cost = net:cost { batch = 5 }
    assert.equal(5 * (2 * 64 * 9 + 32 * 3), cost.multiply_adds)
    assert.equal(4 * net:count(), cost.parameters)
    assert.equal(5 * 4 * (128 + 32 + 3), cost.activations) -- the convolution and its relu are one
    assert.matches("batch of 5: 0.00624 million multiply-adds forward", tostring(cost), 1, true)
    assert.matches("unknown option 'bach'", message(net.cost, net, { bach = 2 }), 1, true)
  end)
end)

describe("loading in part", function()
  it("takes what both name and says what was missing and extra", function()
    local path = os.tmpname()
    local a = model "a" { input { 4 }, seed = 1, area "A" { dense { 3 }, norm.batch }, readout "old" { dense { 2 } } }
    local b = model "b" { input { 4 }, seed = 2, area "A" { dense { 3 }, norm.batch }, readout "new" { dense { 5 } } }
    a:save(path)
    assert.matches("new.dense1.weight is missing", message(b.load, b, path), 1, true)
    local same, report = b:load(path, { partial = true })
    assert.is_true(rawequal(same, b))
    assert.equal("A.dense1.weight A.dense1.bias A.norm1.weight A.norm1.bias A.norm1.mean A.norm1.variance",
      table.concat(report.taken, " "))
    assert.same({ "new.dense1.weight", "new.dense1.bias" }, report.missing)
    assert.same({ "old.dense1.bias", "old.dense1.weight" }, report.extra)
    assert.equal(a:parameters "A"[1].tensor:detach():digest(), b:parameters "A"[1].tensor:detach():digest())
    local c = model "c" { input { 4 }, area "A" { dense { 7 } } }
    assert.matches("A.dense1.weight is 3x4, expected 7x4", message(c.load, c, path, { partial = true }), 1, true)
    os.remove(path)
  end)
end)
