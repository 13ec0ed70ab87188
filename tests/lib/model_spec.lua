-- Declaring models: names, shapes, errors at the right line, first weights, saving, activations.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local models = require "lamina.model"

local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local model, input, area, readout = models.model, models.input, models.area, models.readout

local function lenet(seed)
  return model "LeNet" {
    input { 1, 28, 28 }, seed = seed,
    area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
    area "IT" { dense { 120 }, relu, dense { 84 }, relu },
    readout "digit" { dense { 10 } },
  }
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function draw(shape) return core.draw { kind = "normal", shape = shape, seed = 9, purpose = "model_spec" } end

local folder = os.tmpname()
os.remove(folder)

setup(function() base.mkdir(folder) end)
teardown(function()
  for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
  base.remove(folder)
end)

describe("a model", function()
  it("has the parameters and multiply-adds of LeNet-5", function()
    local net = lenet(1)
    assert.equal(61706, net:count()) -- 156 + 2416 + 48120 + 10164 + 850
    local text = tostring(net)
    assert.matches("LeNet: input 1x28x28", text, 1, true)
    assert.matches("V1 +conv1 +6x28x28 +156 +117,600", text)
    assert.matches("total +61,706 +416,520", text)
  end)

  it("names layers by area, word and number, and parameters by their layer", function()
    local net = lenet(1)
    local names = {}
    for i, entry in ipairs(net:layers()) do names[i] = entry.name end
    assert.equal("V1.conv1 V1.relu1 V1.pool1 V2.conv1 V2.relu1 V2.pool1 IT.dense1 IT.relu1 IT.dense2 IT.relu2 "
      .. "digit.dense1", table.concat(names, " "))
    local found = {}
    for i, p in ipairs(net:parameters "^V2") do found[i] = p.name end
    assert.same({ "V2.conv1.weight", "V2.conv1.bias" }, found)
  end)

  it("gives the same whether activations are asked for or not, fused or not", function()
    local net, x = lenet(1), draw { 3, 1, 28, 28 }
    local plain = net(x)
    local found = net:activations(x)
    assert.equal(plain:detach():digest(), found["digit.dense1"]:digest())
    assert.equal(found["V1.conv1"]:relu():digest(), found["V1.relu1"]:digest())
    assert.equal(found["V1.relu1"]:max_pool2d { kernel = 2 }:digest(), found["V1.pool1"]:digest())
    assert.is_true(found["V1.conv1"]:min():item() < 0)
    local areas = net:activations(x, { "V1", "IT", "V2.conv1" })
    assert.equal(found["V1.pool1"]:digest(), areas.V1:digest())
    assert.equal(found["IT.relu2"]:digest(), areas.IT:digest())
    assert.equal(found["V2.conv1"]:digest(), areas["V2.conv1"]:digest())
    assert.is_nil(areas["V1.conv1"])
    assert.is_false(areas.V1:requires_grad())
    assert.matches("did you mean 'V1.conv1'", message(net.activations, net, x, "V1.con1"), 1, true)
  end)

  it("does not release what the caller gave, nor the output, when layers change nothing", function()
    local net = model "pass" { input { 3 }, area "A" { dropout { 0.5 } }, area "B" { dropout { 0.5 } } }
    local x = draw { 2, 3 }
    local before = x:digest()
    assert.equal(before, net(x):digest())
    assert.equal(before, net:activations(x, "A").A:digest())
    assert.equal(before, x:digest())
  end)

  it("lets readouts read from any area", function()
    local net = model "two" {
      input { 4 }, area "A" { dense { 3 }, relu }, area "B" { dense { 2 } },
      readout "late" { dense { 1 } }, readout "early" { from = "A", dense { 5 } },
    }
    local y = net(draw { 2, 4 })
    assert.same({ 2, 1 }, y.late.shape)
    assert.same({ 2, 5 }, y.early.shape)
  end)
end)

describe("first weights", function()
  it("depend on the seed and the parameter's name only", function()
    local a, b = lenet(1), lenet(1)
    assert.equal(a:digest(), b:digest())
    assert.are_not.equal(a:digest(), lenet(2):digest())
    local more = model "more" {
      input { 1, 28, 28 }, seed = 1,
      area "V1" { conv { 6, kernel = 5, pad = 2 }, conv { 6, kernel = 1 }, relu, pool.max { 2 } },
      area "V2" { conv { 16, kernel = 5 } },
    }
    assert.equal(a.nodes_by_name["V1.conv1"].params.weight:detach():digest(),
      more.nodes_by_name["V1.conv1"].params.weight:detach():digest())
    assert.equal(a.nodes_by_name["V2.conv1"].params.weight:detach():digest(),
      more.nodes_by_name["V2.conv1"].params.weight:detach():digest())
  end)

  it("have the stated spread", function()
    local function weight(init)
      return model "m" { input { 400 }, seed = 3, area "A" { dense { 500, init = init } } }:parameters()
    end
    local n = 400 * 500
    local p = weight "uniform"
    assert.is_true(p[1].tensor:detach():abs():max():item() <= 1 / 20)
    assert.is_true(math.abs(p[1].tensor:detach():var():item() * 3 * 400 - 1) < 6 / math.sqrt(n))
    assert.is_true(p[2].tensor:detach():abs():max():item() > 0.045)
    for init, variance in pairs { he = 2 / 400, lecun = 1 / 400, glorot = 2 / 900 } do
      p = weight(init)
      assert.is_true(math.abs(p[1].tensor:detach():var():item() / variance - 1) < 8 / math.sqrt(n))
      assert.equal(0, p[2].tensor:detach():abs():max():item())
    end
    assert.equal(0.5, weight({ "constant", value = 0.5 })[1].tensor:detach():min():item())
    local given = weight(function(shape) return core.full(shape, 2) end)
    assert.equal(2, given[1].tensor:detach():max():item())
  end)
end)

describe("a mistake in a declaration", function()
  it("is told at its line, with the nearest name and the shapes so far", function()
    local function wrong()
      return model "LeNet" {
        input { 1, 28, 28 },
        area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
        area "V2" { conv { 16, kernel = 5, strid = 2 }, relu, pool.max { 2 } },
      }
    end
    local line = debug.getinfo(wrong, "S").linedefined + 4
    local text, err = message(wrong)
    assert.equal("argument", err.kind)
    assert.equal(line, err.line)
    assert.matches("model_spec.lua:" .. line .. ": conv: unknown option 'strid' (did you mean 'stride'?)", text, 1,
      true)
    assert.matches("\n  shapes so far: input 1x28x28 -> V1 6x14x14", text, 1, true)
    local shown = require("lamina.errors").describe(err, false, "")
    assert.matches("\n    area \"V2\" { conv { 16, kernel = 5, strid = 2 }, relu, pool.max { 2 } },\n  shapes", shown,
      1, true)
  end)

  local cases = {
    { "the area of another name", function()
      return model "m" { input { 1, 8, 8 }, area "A" { relu }, readout "r" { from = "B", relu } }
    end, "from = \"B\" names no area" },
    { "no input", function() return model "m" { area "A" { relu } } end, "needs an input" },
    { "two inputs", function() return model "m" { input { 1 }, input { 1 }, area "A" { relu } } end,
      "has an input already" },
    { "a name twice", function() return model "m" { input { 1 }, area "A" { relu }, area "A" { relu } } end,
      "already taken" },
    { "a layer's name twice", function()
      return model "m" { input { 4 }, area "A" { dense { 2, name = "x" }, dense { 2, name = "x" } } }
    end, "is taken by another layer" },
    { "a layer outside an area", function() return model "m" { input { 1 }, relu } end, "entry 2 is the layer relu" },
    { "something else in an area", function() return model "m" { input { 1 }, area "A" { relu, 3 } } end,
      "entry 2 is a number" },
    { "a hole in an area", function() return model "m" { input { 1 }, area "A" { relu, nil, relu } } end,
      "entry 2 is nil" },
    { "an empty area", function() return model "m" { input { 1 }, area "A" {} } end, "holds no layer" },
    { "an option of the model", function() return model "m" { input { 1 }, area "A" { relu }, sed = 1 } end,
      "did you mean 'seed'" },
    { "a size of 0", function() return input { 1, 0 } end, "size 2 is 0" },
    { "shapes that do not fit", function()
      return model "m" { input { 1, 8, 8 }, area "A" { pool.max { 2 } }, area "B" { conv { 2, kernel = 5 } } }
    end, "shapes so far: input 1x8x8 -> A 1x4x4" },
    { "a dense layer before a convolution", function()
      return model "m" { input { 1, 8, 8 }, area "A" { dense { 3 }, conv { 2, kernel = 5 } } }
    end, "-> A.dense1 3" },
  }
  for _, case in ipairs(cases) do
    it("is found: " .. case[1], function() assert.matches(case[3], message(case[2]), 1, true) end)
  end

  it("is found when a batch has another size", function()
    local text, err = message(lenet(1), draw { 2, 1, 32, 32 })
    assert.equal("shape", err.kind)
    assert.matches("the input is 2x1x32x32, expected a batch of 1x28x28", text, 1, true)
  end)
end)

describe("saving", function()
  it("gives back the same bits", function()
    local a, b, path = lenet(1), lenet(2), folder .. "/net.safetensors"
    a:save(path)
    b:load(path)
    assert.equal(a:digest(), b:digest())
  end)

  it("names what is missing, extra and of another shape, and changes nothing", function()
    local path = folder .. "/other.safetensors"
    model "other" { input { 4 }, area "A" { dense { 3 }, dense { 2, bias = false } } }:save(path)
    local net = model "mine" { input { 4 }, area "A" { dense { 5 }, relu, dense { 2 } } }
    local before = net:digest()
    local text = message(net.load, net, path)
    assert.matches("A.dense1.weight is 3x4, expected 5x4", text, 1, true)
    assert.matches("A.dense2.bias is missing", text, 1, true)
    assert.equal(before, net:digest())
    local small = model "small" { input { 4 }, area "A" { dense { 3 } } }
    assert.matches("A.dense2.weight is not a parameter of this model", message(small.load, small, path), 1, true)
  end)
end)
