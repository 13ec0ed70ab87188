-- SYSTEMS S25 in small: the counts of LeNet-1 and LeNet-5 layer by layer, radial basis units, channels scaled.
local architecture = require "lamina.architecture"
local check = require "lamina.grad.check"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local dense = require "lamina.layers.dense"
local layer = require "lamina.layer"
local models = require "lamina.model"
local rbf = require "lamina.layers.rbf"
local scale = require "lamina.layers.scale"

local function counts(build)
  local list = {}
  for _, node in ipairs(build.nodes) do
    local name = node.name:match "%.([CSF]%d)" or node.block.name
    for _, p in ipairs(node.parameters) do list[name] = (list[name] or 0) + layer.elements(p.shape) end
  end
  return list
end

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 25, purpose = purpose or "s25" }
end

describe("S25 LeNet-5", function()
  it("has the paper's parameters, layer by layer", function()
    local build = architecture.plan(collection.lenet5)
    assert.same({ C1 = 156, S2 = 12, C3 = 1516, S4 = 32, C5 = 48120, F6 = 10164 }, counts(build))
    assert.equal(60000, architecture.count(build))
  end)

  it("has 61,706 in its common form", function()
    assert.same({ C1 = 156, C3 = 2416, C5 = 48120, F6 = 10164, category = 850 },
      counts(architecture.plan(collection.lenet5, { form = "common" })))
  end)

  it("sees three maps six times, four nine times, all once, each map ten times", function()
    local sizes, seen = {}, {}
    for _, node in ipairs(architecture.plan(collection.lenet5).nodes) do
      for _, list in ipairs(node.short == "C3" and node.options.table or {}) do
        sizes[#list] = (sizes[#list] or 0) + 1
        for _, channel in ipairs(list) do seen[channel] = (seen[channel] or 0) + 1 end
      end
    end
    assert.same({ [3] = 6, [4] = 9, [6] = 1 }, sizes)
    assert.same({ 10, 10, 10, 10, 10, 10 }, seen)
  end)

  it("has ten different pictures as codes, of +1 and -1", function()
    local centres = collection.lenet5({}):buffers()[1].tensor
    assert.same({ 10, 84 }, centres.shape)
    for i = 1, 10 do
      for k = i + 1, 10 do assert.is_true((centres[i] - centres[k]):abs():sum():item() >= 2 * 8) end
    end
    assert.is_true((centres:abs() - 1):abs():max():item() == 0)
  end)

  it("takes pictures of 28 pixels, other classes and widths", function()
    local net = collection.lenet5 { input = 28, pad = 2, classes = 4 }
    assert.same({ 3, 4 }, net(draw { 3, 1, 28, 28 }).shape)
    assert.same({ 2, 10 }, collection.lenet5({ width = 0.5, table = "dense" })(draw { 2, 1, 32, 32 }).shape)
    local ok, e = pcall(collection.lenet5, { width = 0.5 })
    assert.is_false(ok)
    assert.matches("models.lenet5: table = \"sparse\" is the paper's table", tostring(e), 1, true)
  end)
end)

describe("S25 LeNet-1", function()
  it("has 2,578 parameters and about 100,000 connections", function()
    local build, connections = architecture.plan(collection.lenet1), 0
    assert.same({ C1 = 104, S2 = 8, C3 = 512, S4 = 24, category = 1930 }, counts(build))
    for _, node in ipairs(build.nodes) do connections = connections + node.cost end
    assert.is_true(connections > 9e4 and connections < 1.1e5)
    assert.equal(3246, architecture.count((architecture.plan(collection.lenet1,
      { table = "dense", subsampling = "average" }))))
  end)
end)

describe("radial basis units", function()
  it("give minus the squared distance, hand-worked", function()
    local net = net_of({ 2 }, rbf { 3, centres = { { 0, 0 }, { 1, -1 }, { 3, 4 } } })
    assert.same({ { -25, -29, 0 }, { 0, -2, -25 } }, net(core.tensor { { 3, 4 }, { 0, 0 } }):detach():totable())
    assert.equal(0, net:count())
    assert.equal(1, #net:buffers())
  end)

  it("have codes of +1 and -1, the same for the same seed, or centres that are learned", function()
    local net = net_of({ 2, 3 }, rbf { 5 })
    local codes = net:buffers()[1].tensor
    assert.same({ 5, 6 }, codes.shape)
    assert.equal(0, (codes:abs() - 1):abs():max():item())
    assert.is_true(math.abs(codes:sum():item()) < 30)
    assert.equal(net_of({ 2, 3 }, rbf { 5 }):digest(), net:digest())
    local learned = net_of({ 4 }, dense { 3 }, rbf { 2, learn = true })
    assert.equal(15 + 6, learned:count())
    assert.is_true(check.gradcheck(learned, { draw { 2, 4 } }, { raise = false }).ok)
    assert.is_true(check.gradcheck(net, { draw { 2, 2, 3 } }, { raise = false }).ok)
  end)

  it("are saved and loaded with their centres", function()
    local path, net = os.tmpname(), net_of({ 3 }, rbf { 2, centres = { { 1, 2, 3 }, { 4, 5, 6 } } })
    net:save(path)
    local other = net_of({ 3 }, rbf { 2 }):load(path)
    os.remove(path)
    assert.equal(net:digest(), other:digest())
  end)

  it("say what is wrong", function()
    for given, message in pairs {
      ["rbf: centres is 1x2, expected 2x3"] = { 2, centres = { { 1, 2 } } },
      ["centres is no list of `width` lists"] = { 2, centres = { 1, 2, 3 } },
    } do
      local ok, e = pcall(net_of, { 3 }, rbf(message))
      assert.is_false(ok)
      assert.matches(given, tostring(e), 1, true)
    end
  end)
end)

describe("scale", function()
  it("is a weight and a bias for each channel, hand-worked on 2x2", function()
    local net = net_of({ 2, 2, 2 }, scale { 0.5 })
    local p = net:parameters()
    assert.equal(4, net:count())
    core.no_grad(function()
      p[1].tensor:copy(core.tensor { 2, -1 })
      p[2].tensor:copy(core.tensor { 10, 0.5 })
    end)
    local y = net(core.tensor { { { { 1, 2 }, { 3, 4 } }, { { 1, 2 }, { 3, 4 } } } }):detach()
    assert.same({ { { { 12, 14 }, { 16, 18 } }, { { -0.5, -1.5 }, { -2.5, -3.5 } } } }, y:totable())
    assert.is_true(check.gradcheck(net, { draw { 2, 2, 2, 2 } }, { raise = false }).ok)
    assert.equal(0.5, net_of({ 3 }, scale { 0.5, bias = false }):parameters()[1].tensor:detach():totable()[2])
    assert.equal(3, net_of({ 3 }, scale { bias = false }):count())
  end)
end)
