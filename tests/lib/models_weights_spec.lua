-- Weights that others publish: narrow variants of torchvision's networks with random weights, and PyTorch's outputs,
-- as tests/peers/collection.py wrote them; and what is said of files that do not fit.
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local io_core = require "lamina.core.io"
local layer = require "lamina.layer"
local lamina = require "lamina"
local ops = require "lamina.core.ops"

local FOLDER = "tests/fixtures/models/"
local expected = io_core.safetensors_read(FOLDER .. "outputs.safetensors")

-- The picture of collection.py.
local function picture()
  local list = {}
  for i = 0, 2 * 3 * 67 * 67 - 1 do list[i + 1] = i * 7919 % 1009 / 504.5 - 1 end
  return core.tensor(list):reshape { 2, 3, 67, 67 }
end

local CASES = {
  alexnet = { "alexnet", width = 1 / 64 }, vgg11 = { "vgg11", width = 1 / 64 },
  vgg16_bn = { "vgg16", width = 1 / 64, batch_norm = true }, resnet18 = { "resnet18", width = 1 / 32 },
  resnet50 = { "resnet50", width = 1 / 64 },
}

local function made(name, weights)
  local case = CASES[name]
  return collection[case[1]] { width = case.width, batch_norm = case.batch_norm, classes = 5, input = 67,
    weights = weights }
end

-- A file of a fixture's tensors that `change` has had its way with.
local function changed(name, change, metadata)
  local tensors, path = io_core.safetensors_read(FOLDER .. name .. ".safetensors"), os.tmpname()
  io_core.safetensors_write(path, change(tensors) or tensors, metadata or {})
  return path
end

local function refused(name, change)
  local path = changed(name, change)
  local ok, e = pcall(made, name, path)
  os.remove(path)
  assert.is_false(ok)
  return (tostring(e):gsub(path:gsub("%p", "%%%0"), "FILE"))
end

describe("published weights", function()
  for name in pairs(CASES) do
    it("of " .. name .. " give PyTorch's outputs", function()
      local net = made(name, FOLDER .. name .. ".safetensors")
      local y, want = net(picture()):detach(), expected[name]
      local off = (y - want):abs():max():item()
      assert.is_true(off <= 1e-4 * want:abs():max():item(), off)
    end)
  end

  it("may be named with module. before them", function()
    local path = changed("resnet18", function(tensors)
      local list = {}
      for name, t in pairs(tensors) do list["module." .. name] = t end
      return list
    end)
    local net = made("resnet18", path)
    os.remove(path)
    assert.equal(made("resnet18", FOLDER .. "resnet18.safetensors"):digest(), net:digest())
  end)

  it("may be our own, with what made them", function()
    local path = os.tmpname()
    local net = made "resnet18"
    core.no_grad(function() net:parameters()[1].tensor:add_(1) end)
    net:save(path)
    local _, metadata = io_core.safetensors_read(path)
    local again = made("resnet18", path)
    os.remove(path)
    assert.equal(net:digest(), again:digest())
    assert.equal(lamina.version, metadata.lamina)
    assert.equal(tostring(lamina.numerics), metadata.numerics)
    local architecture = io_core.json_decode(metadata.architecture)
    assert.equal("resnet18", architecture.word)
    assert.equal(1 / 32, architecture.options.width)
    assert.same({ 3, 67, 67 }, architecture.options.input)
  end)

  it("keep the digest of how they were learned", function()
    local function trained(seed)
      local net = collection.resnet20 { input = 8, width = 1 / 8, classes = 2, seed = 1 }
      local x = core.draw { kind = "normal", shape = { 8, 3, 8, 8 }, seed = 3, purpose = "digest" }
      local set = lamina.data.tensors { x, core.tensor({ 1, 2, 1, 2, 1, 2, 1, 2 }, { dtype = "int64" }) }
      lamina.train { model = net, data = set, batch = 4, seed = seed, log = false }
      return net, set
    end
    local net, set = trained(1)
    local path, first = os.tmpname(), net:training()
    net:save(path)
    local _, metadata = io_core.safetensors_read(path)
    local again = collection.resnet20({ input = 8, width = 1 / 8, classes = 2 }):load(path)
    os.remove(path)
    assert.equal(first, metadata.training)
    assert.equal(first, again:training())
    assert.equal(first, trained(1):training())
    assert.is_true(first ~= trained(2):training())
    lamina.train { model = again, data = set, batch = 4, seed = 1, log = false }
    assert.is_true(first ~= again:training())
  end)

  it("stacked time step by time step", function()
    local define = require("lamina.architecture").define
    local words = require "lamina.model.words"
    local entry = define { word = "stepped", name = "stepped", input = { 2, 3, 3 }, classes = 2, parameters = 0,
      doc = "A test.", make = function(o)
        return { words.input(o.input), steps = 2,
          words.area "V1" { require("lamina.layers.norm").batch { per_step = true } },
          words.readout "category" { require "lamina.layers.dense" { o.classes } },
        }, { ["V1.norm1"] = { "V1.norm1_0", "V1.norm1_1" }, ["category.dense1"] = "decoder.linear" }
      end }
    local path, tensors = os.tmpname(), { ["module.decoder.linear.weight"] = lamina.ones { 2, 18 },
      ["module.decoder.linear.bias"] = lamina.zeros { 2 } }
    for t = 0, 1 do
      for i, part in ipairs { "weight", "bias", "running_mean", "running_var" } do
        tensors["module.V1.norm1_" .. t .. "." .. part] = lamina.full({ 2 }, 10 * i + t)
      end
    end
    io_core.safetensors_write(path, tensors, {})
    local net = entry { weights = path }
    os.remove(path)
    assert.same({ { 40, 40 }, { 41, 41 } }, net:buffers()[2].tensor:totable())
    assert.same({ { 20, 20 }, { 21, 21 } }, net:parameters()[2].tensor:detach():totable())
  end)

  it("that do not fit are told one by one", function()
    local text = refused("resnet18", function(t)
      t["bn1.weight"], t["layer2.0.downsample.1.running_var"] = nil, nil
      t["layer1.1.conv2.weight"] = lamina.zeros { 2, 2, 5, 5 }
      t.head = lamina.zeros { 2 }
    end)
    assert.matches("FILE does not fit models.resnet18: bn1.weight (V1.norm1.weight) is missing; "
      .. "layer2.0.downsample.1.running_var (V2.residual1.shortcut.norm1.variance) is missing; "
      .. "layer1.1.conv2.weight (V1.residual2.conv2.weight) is 2x2x5x5, expected 2x2x3x3; "
      .. "head is extra: no layer has that name", text, 1, true)
  end)

  it("with another number of classes are told so", function()
    local text = refused("alexnet", function(t)
      t["classifier.6.weight"], t["classifier.6.bias"] = lamina.zeros { 9, 64 }, lamina.zeros { 9 }
    end)
    assert.matches("classifier.6.weight (category.fc8.weight) is 9x64, expected 5x64", text, 1, true)
    assert.matches("only the readout differs", text, 1, true)
  end)

  it("of another network are told whole", function()
    local ok, e = pcall(collection.vgg11, { width = 1 / 64, classes = 5, input = 67,
      weights = FOLDER .. "resnet18.safetensors" })
    assert.is_false(ok)
    assert.matches("and %d+ more\n", tostring(e))
    assert.matches("  features.0.weight (V1.conv1.weight) is missing", tostring(e), 1, true)
    assert.matches("  fc.bias is extra", tostring(e), 1, true)
  end)

  it("that are no file are told so", function()
    local ok, e = pcall(collection.resnet18, { weights = "nowhere.safetensors" })
    assert.is_false(ok)
    assert.matches("nowhere.safetensors", tostring(e), 1, true)
  end)

  it("of PyTorch's plain tensors keep their layout", function()
    local t = io_core.safetensors_read(FOLDER .. "alexnet.safetensors")
    local net = made("alexnet", FOLDER .. "alexnet.safetensors")
    assert.is_true(layer.same_shape(t["features.3.weight"].shape, net:parameters("V2")[1].tensor.shape))
    assert.is_true(ops.all(ops.eq(t["features.3.weight"], net:parameters("V2")[1].tensor:detach())):item())
  end)
end)
