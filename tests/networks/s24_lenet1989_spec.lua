-- SYSTEMS S24 in small: the counts of LeNet-1989, biases for each unit, tables of connections.
local architecture = require "lamina.architecture"
local check = require "lamina.grad.check"
local collection = require "lamina.models"
local conv = require "lamina.layers.conv"
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local models = require "lamina.model"
local ops = require "lamina.core.ops"

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 24, purpose = purpose or "s24" }
end

local function weights(net)
  local p = {}
  for _, entry in ipairs(net:parameters()) do p[entry.name:match "[%w_]+$"] = entry.tensor end
  return p
end

describe("S24 LeNet-1989", function()
  it("has the paper's units, connections and parameters", function()
    local build = architecture.plan(collection.lenet1989)
    local units, connections = layer.elements(build.input), 0
    for _, node in ipairs(build.nodes) do
      if #node.parameters > 0 then
        units = units + layer.elements(node.output)
        connections = connections + node.cost + layer.elements(node.output)
      end
    end
    assert.equal(1256, units)
    assert.equal(64660, connections)
    assert.equal(9760, architecture.count(build))
  end)

  it("sees -1 beyond its input", function()
    local net = collection.lenet1989 {}
    local p = net:parameters()
    local x, w, b = draw { 2, 1, 16, 16 }, p[1].tensor:detach(), p[2].tensor:detach()
    local margin = ops.pad(x, { before = { 2, 2 }, dims = { 3, 4 }, value = -1 })
    local want = ops.tanh(ops.conv2d(margin, w, nil, { stride = 2 }) + b)
    assert.is_true((net:activations(x, "V1.tanh1")["V1.tanh1"] - want):abs():max():item() < 1e-6)
  end)

  it("begins uniform in 2.4 over the root of its inputs", function()
    for _, p in ipairs(collection.lenet1989({}):parameters()) do
      local fan = ({ H1 = 25, H2 = 200, H3 = 192, output = 30 })[p.name:match "%.(%w+)%."]
      local most = p.tensor:abs():max():item()
      local bound = p.name:find "bias" and 0 or 2.4 / math.sqrt(fan)
      assert.is_true(most <= bound + 1e-6 and most >= 0.9 * bound, p.name)
    end
  end)

  it("lets each map of H2 see eight of twelve, and each of H1 be seen by eight", function()
    local seen = {}
    for _, node in ipairs(architecture.plan(collection.lenet1989).nodes) do
      if node.short == "H2" then
        for _, list in ipairs(node.options.table) do
          assert.equal(8, #list)
          for _, channel in ipairs(list) do seen[channel] = (seen[channel] or 0) + 1 end
        end
      end
    end
    for channel = 1, 12 do assert.equal(8, seen[channel]) end
  end)
end)

describe("a bias for each unit", function()
  it("is added to the convolution, hand-worked on 2x2", function()
    local net = net_of({ 1, 3, 3 }, conv { 1, kernel = 2, bias = "unit" })
    local p = weights(net)
    assert.same({ 1, 2, 2 }, p.bias.shape)
    core.no_grad(function()
      p.weight:copy(core.tensor { { { { 1, 2 }, { 3, 4 } } } })
      p.bias:copy(core.tensor { { { 0, 100 }, { 200, 300 } } })
    end)
    local y = net(core.tensor { { { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } } } }):detach()
    assert.same({ { { { 5, 103 }, { 202, 305 } } } }, y:totable())
  end)

  it("goes with relu, with more axes and with gradients", function()
    local relu = require "lamina.layers.relu"
    for _, input in ipairs { { 2, 7 }, { 2, 5, 6 }, { 2, 4, 4, 5 } } do
      local net = net_of(input, conv { 3, kernel = 2, bias = "unit" }, relu)
      local p, x = weights(net), draw { 2, table.unpack(input) }
      core.no_grad(function() p.bias:copy(draw(p.bias.shape, "bias")) end)
      local plain = net_of(input, conv { 3, kernel = 2, bias = false })
      core.no_grad(function() weights(plain).weight:copy(p.weight) end)
      assert.is_true((net(x) - (plain(x) + p.bias):relu()):abs():max():item() < 1e-6)
      assert.is_true(check.gradcheck(net, { x }, { raise = false }).ok)
    end
  end)
end)

describe("a table of connections", function()
  local TABLE = { { 1, 3 }, { 2 }, { 3, 1, 2 }, { 2, 3 } }

  it("is a convolution whose other weights are 0", function()
    for _, case in ipairs { { { 3, 9 }, { 4, kernel = 3 } }, { { 3, 6, 7 }, { 4, kernel = { 3, 2 }, pad = 1,
      stride = { 1, 2 } } }, { { 3, 4, 4, 5 }, { 4, kernel = 2 } } } do
      local given = case[2]
      local whole = net_of(case[1], conv(given))
      given.table = TABLE
      local net = net_of(case[1], conv(given))
      local p, d, link = weights(net), weights(whole), 0
      assert.equal(8, p.weight:size(1))
      core.no_grad(function()
        d.weight:copy(core.zeros(d.weight.shape))
        d.bias:copy(p.bias)
        for i, list in ipairs(TABLE) do
          for _, channel in ipairs(list) do
            link = link + 1
            d.weight[i][channel]:copy(p.weight[link])
          end
        end
      end)
      local x = draw { 2, table.unpack(case[1]) }
      assert.is_true((net(x) - whole(x)):abs():max():item() < 1e-6)
      assert.is_true(check.gradcheck(net, { x }, { elements = 20, raise = false }).ok)
    end
  end)

  it("counts its parameters and multiply-adds", function()
    local net = net_of({ 3, 6, 6 }, conv { 4, kernel = 3, table = TABLE })
    assert.equal(8 * 9 + 4, net:count())
    assert.equal(8 * 9 * 16, net:cost({}).multiply_adds)
  end)

  it("is driven link by link, and takes the signs of cells", function()
    local words = require "lamina.model.words"
    local net = models.model "m" { models.input { 2, 8, 8 },
      words.area "V1" { cells = require("lamina.cells").dale { excitatory = 0.5 }, conv { 3, kernel = 3 } },
      words.area "V2" { conv { 4, kernel = 3, table = TABLE } } }
    local driven = net:driven("V1")[1]
    assert.equal("V2.conv1.weight", driven.name)
    assert.same({ 1, 3, 2, 3, 1, 2, 2, 3 }, driven.channels)
    local shown = driven:spread { 10, 20, 30 }
    assert.same({ 8, 1, 1 }, shown.shape)
    assert.same({ 10, 30, 20, 30, 10, 20, 20, 30 }, shown:reshape({ 8 }):totable())
    local signs
    for _, b in ipairs(net:buffers()) do signs = b.name == "V1.cells" and b.tensor or signs end
    local agree = driven.tensor:detach() * driven:spread(signs)
    assert.is_true(agree:min():item() >= 0 and agree:max():item() > 0)
    assert.is_true(net:holds())
  end)

  it("says what is wrong with it", function()
    for _, case in ipairs {
      { { table = { { 1 }, { 2 } } }, "conv: table has 2 entries for 4 filters" },
      { { table = { { 1 }, { 2 }, { 4 }, { 1 } } }, "table[3] names channel 4; the input has the channels 1 to 3" },
      { { table = { { 1 }, { 2 }, {}, { 1 } } }, "table[3] is no list of channels" },
      { { table = { { 1 }, { 2, 2 }, { 1 }, { 1 } } }, "table[2] names channel 2 twice" },
      { { table = TABLE, weight_norm = true }, "weight_norm does not go with table" },
      { { bias = "units" }, "option 'bias' is 'units', expected one of 'unit'" },
    } do
      case[1][1], case[1].kernel = 4, 3
      local ok, e = pcall(net_of, { 3, 8, 8 }, conv(case[1]))
      assert.is_false(ok)
      assert.matches(case[2], tostring(e), 1, true)
    end
    local ok, e = pcall(net_of, { 4, 8, 8 }, conv { 4, kernel = 3, groups = 2, table = TABLE })
    assert.is_false(ok)
    assert.matches("table and groups both say", tostring(e), 1, true)
  end)
end)
