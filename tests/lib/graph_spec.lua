-- Models that are graphs: residual, add, multiply, concat, from, shared, cores, frozen areas; against tensor code
-- written out by hand, and against the shapes and parameter counts of published networks.
local core = require "lamina.core.tensor"
local models = require "lamina.model"
local ops = require "lamina.core.ops"

local add = require "lamina.layers.add"
local concat = require "lamina.layers.concat"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local identity = require "lamina.layers.identity"
local multiply = require "lamina.layers.multiply"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local sigmoid = require "lamina.layers.sigmoid"
local model, input, area, readout, shared = models.model, models.input, models.area, models.readout, models.shared

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 9, purpose = purpose or "graph_spec" }
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function assert_near(want, got, what)
  assert.same(want.shape, got.shape, what)
  local scale = math.max(want:detach():abs():max():item(), 1e-30)
  local off = (want:detach() - got:detach()):abs():max():item()
  assert.is_true(off <= 1e-5 * scale, string.format("%s: off by %g of %g", what, off, scale))
end

-- The output and all gradients of a model, of the loss sum(y^2) for its only output.
local function run(net, x)
  for _, p in ipairs(net:parameters()) do p.tensor:zero_grad() end
  local y = net:forward(x, { training = true })
  ops.sum(ops.square(y)):backward()
  local grads = {}
  for _, p in ipairs(net:parameters()) do grads[p.name] = p.tensor.grad end
  return y, grads
end

-- The same by hand: f gets copies of the parameters as leaves, by name, and x.
local function by_hand(net, x, f)
  local leaves = {}
  for _, p in ipairs(net:parameters()) do
    leaves[p.name] = p.tensor:detach():clone()
    leaves[p.name]:requires_grad(true)
  end
  local y = f(leaves, x)
  ops.sum(ops.square(y)):backward()
  local grads = {}
  for name, t in pairs(leaves) do grads[name] = t.grad end
  return y, grads
end

local function assert_same_as(net, x, f)
  local y, grads = run(net, x)
  local want, want_grads = by_hand(net, x, f)
  assert_near(want, y, "output")
  for _, p in ipairs(net:parameters()) do assert_near(want_grads[p.name], grads[p.name], "gradient of " .. p.name) end
end

local SAME = { stride = 1, pad = 1 }

describe("residual", function()
  local function net_of(last, shortcut)
    return model "m" { input { 3, 7, 6 }, seed = 2, area "V1" { residual {
      conv { 4, kernel = 3, pad = 1, stride = last.stride }, relu, conv { last.width, kernel = 3, pad = 1 },
      shortcut = shortcut, after = relu } } }
  end
  local x = draw { 2, 3, 7, 6 }
  local function body(p, input_, stride)
    local h = ops.conv2d(input_, p["V1.residual1.conv1.weight"], p["V1.residual1.conv1.bias"],
      { stride = stride, pad = 1 }):relu()
    return ops.conv2d(h, p["V1.residual1.conv2.weight"], p["V1.residual1.conv2.bias"], SAME)
  end

  it("adds its input", function()
    assert_same_as(net_of({ width = 3, stride = 1 }, "identity"), x, function(p, t)
      return (body(p, t, 1) + t):relu()
    end)
  end)

  it("projects where the shape changes, and only there", function()
    assert_same_as(net_of({ width = 5, stride = 2 }, "project"), x, function(p, t)
      local around = ops.conv2d(t, p["V1.residual1.shortcut.conv1.weight"], p["V1.residual1.shortcut.conv1.bias"],
        { stride = 2, pad = 0 })
      return (body(p, t, 2) + around):relu()
    end)
    local same = net_of({ width = 3, stride = 1 }, "project")
    assert.is_nil(same.nodes_by_name["V1.residual1.shortcut.conv1"])
  end)

  it("pads with channels of zeros (option A)", function()
    local net = net_of({ width = 5, stride = 2 }, "pad")
    assert.equal(4, #net:parameters())
    assert_same_as(net, x, function(p, t)
      local every = t[{ {}, {}, {}, {} }]:slice(3, 1, -1, 2):slice(4, 1, -1, 2)
      local zeros = core.zeros { 2, 2, 4, 3 }
      return (body(p, t, 2) + ops.concat({ every, zeros }, 2)):relu()
    end)
  end)

  it("takes layers as its shortcut, and is relu(shortcut) where the branch is zero", function()
    local net = model "m" { input { 3, 7, 6 }, area "V1" { residual {
      conv { 5, kernel = 1, init = "zeros" }, shortcut = { conv { 5, kernel = 1 } }, after = relu } } }
    local p = {}
    for _, entry in ipairs(net:parameters()) do p[entry.name] = entry.tensor end
    local around = ops.conv2d(x, p["V1.residual1.shortcut.conv1.weight"], p["V1.residual1.shortcut.conv1.bias"])
    assert.equal(around:relu():detach():digest(), net(x):detach():digest())
  end)

  it("names its layers, and stands for its output", function()
    local net = model "m" { input { 3, 7, 6 }, area "V1" {
      residual { conv { 3, kernel = 1 } }, residual { conv { 3, kernel = 1 }, conv { 3, kernel = 1 },
        after = relu } } }
    local names = {}
    for i, l in ipairs(net:layers()) do names[i] = l.name end
    assert.equal("V1.residual1.conv1 V1.residual1.add1 V1.residual2.conv1 V1.residual2.conv2 V1.residual2.add1 "
      .. "V1.residual2.relu1", table.concat(names, " "))
    local found = net:activations(x, { "V1.residual1", "V1.residual1.add1", "V1.residual2.relu1", "V1" })
    assert.equal(found["V1.residual1.add1"]:digest(), found["V1.residual1"]:digest())
    assert.equal(found["V1.residual2.relu1"]:digest(), found.V1:digest())
  end)
end)

describe("branches", function()
  local x = draw { 2, 3, 5, 4 }

  it("are added, multiplied and put side by side", function()
    local net = model "m" { input { 3, 5, 4 }, seed = 1, area "A" {
      add { { conv { 3, kernel = 3, pad = 1 }, relu }, identity, conv { 3, kernel = 1 } },
      multiply { { name = "gate", conv { 3, kernel = 1 }, sigmoid }, identity },
      concat { conv { 2, kernel = 1 }, { pool.max { 3, stride = 1, pad = 1 } } },
    } }
    assert.same({ 5, 5, 4 }, net.blocks[1].output)
    assert_same_as(net, x, function(p, t)
      local function c(input_, name, pad)
        return ops.conv2d(input_, p[name .. ".weight"], p[name .. ".bias"], { pad = pad })
      end
      local h = c(t, "A.add1.branch1.conv1", 1):relu() + t + c(t, "A.add1.branch3.conv1", 0)
      h = c(h, "A.multiply1.gate.conv1", 0):sigmoid() * h
      return ops.concat({ c(h, "A.concat1.branch1.conv1", 0), h:max_pool2d { kernel = 3, stride = 1, pad = 1 } }, 2)
    end)
  end)

  it("concatenate along any axis of an input", function()
    local net = model "m" { input { 2, 3, 4 }, area "A" { concat { identity, pool.max { 3, stride = 1, pad = 1 },
      dim = -1 } } }
    assert.same({ 2, 3, 8 }, net.blocks[1].output)
    assert.same({ 1, 2, 3, 8 }, net(draw { 1, 2, 3, 4 }).shape)
  end)

  it("are ops, too, when the word is called with tensors", function()
    local a, b = draw { 2, 3 }, draw({ 2, 3 }, "other")
    assert.equal((a + b):digest(), add(a, b):digest())
    assert.equal((a + b + a):digest(), add { a, b, a }:digest())
    assert.equal((a * b):digest(), multiply(a, b):digest())
    assert.equal(ops.concat({ a, b }, 2):digest(), concat({ a, b }, 2):digest())
    assert.equal(ops.concat({ a, b }, 2):digest(), concat({ a, b, dim = 2 }):digest())
    assert.equal(a:relu():digest(), relu(a):digest())
    local map = draw { 1, 2, 4, 4 }
    assert.equal(map:max_pool2d { kernel = 2 }:digest(), pool.max(map, { 2 }):digest())
    assert.matches("conv holds weights", message(conv, map), 1, true)
    assert.matches("needs an input of channels x height x width", message(pool.max, a, { 2 }), 1, true)
  end)
end)

describe("from", function()
  local net = model "m" { input { 2, 6, 6 }, seed = 1,
    area "V1" { conv { 3, kernel = 3, pad = 1 }, relu },
    area "ventral" { conv { 2, kernel = 1 }, relu },
    readout "early" { from = "V1.conv1", pool.global "avg" },
    area "dorsal" { from = "V1", conv { 2, kernel = 1 }, relu },
    area "IT" { from = { "ventral", "dorsal", "input" }, conv { 4, kernel = 1 } },
    area "sum" { from = { "ventral", "dorsal" }, combine = "add", identity },
    readout "late" { from = "IT", dense { 2 } },
    readout "total" { from = "sum", pool.global "avg" },
  }
  local x = draw { 3, 2, 6, 6 }

  it("reads areas, layers and the input, several at once", function()
    local y, a = net(x), net:activations(x)
    assert.equal(a["V1.conv1"]:mean({ dim = { 3, 4 } }):digest(), y.early:detach():digest())
    assert.equal(ops.concat({ a["ventral.relu1"], a["dorsal.relu1"], x }, 2):digest(), a["IT.from"]:digest())
    assert.equal((a["ventral.relu1"] + a["dorsal.relu1"]):digest(), a["sum.from"]:digest())
    assert.same({ 3, 2 }, y.late.shape)
    assert.equal(a["V1.relu1"]:relu():digest(), a["V1.conv1"]:relu():digest())
  end)

  it("runs only what the activations that are asked for need", function()
    local seen = {}
    local before = conv.apply
    conv.apply = function(o, p, t, ctx, activation)
      seen[#seen + 1] = ctx.node.name
      return before(o, p, t, ctx, activation)
    end
    local ok, err = pcall(net.activations, net, x, "ventral")
    conv.apply = before
    assert.is_true(ok, tostring(err))
    assert.same({ "V1.conv1", "ventral.conv1" }, seen)
  end)
end)

describe("shared", function()
  it("is one set of weights, whose gradients add", function()
    local f = shared(conv { 2, kernel = 3, pad = 1 })
    local net = model "m" { input { 2, 5, 5 }, seed = 3, area "A" { f, relu }, area "B" { f } }
    assert.equal(2, #net:parameters())
    assert.equal(2 * 2 * 9 + 2, net:count())
    assert.matches("B +conv1 +2x5x5 +0 +900 +%= A.conv1", tostring(net))
    assert_same_as(net, draw { 2, 2, 5, 5 }, function(p, t)
      local function c(input_) return ops.conv2d(input_, p["A.conv1.weight"], p["A.conv1.bias"], SAME) end
      return c(c(t):relu())
    end)
  end)

  it("may differ in what leaves the weights as they are, and holds for blocks", function()
    local c = conv { 3, kernel = 3, pad = 1 }
    local block = shared { conv { 3, kernel = 1, name = "in" }, relu, residual { conv { 3, kernel = 1 } } }
    local net = model "m" { input { 3, 6, 6 },
      area "A" { shared(c), shared(c, { stride = 2 }), block }, area "B" { block } }
    assert.same({ 3, 3, 3 }, net.blocks[2].output)
    assert.equal(84 + 12 + 12, net:count())
    local other = model "o" { input { 3, 6, 6 }, area "Z" { shared(c) } }
    assert.equal("Z.conv1.weight", other:parameters()[1].name)
  end)
end)

describe("a core", function()
  local net = model "whole" { input { 1, 8, 8 }, seed = 1,
    area "V1" { conv { 3, kernel = 3, pad = 1 }, relu },
    area "V2" { conv { 4, kernel = 3, pad = 1 }, relu, dropout { 0.5 } },
    area "side" { from = "V1", conv { 9, kernel = 1 } },
    readout "digit" { from = "V2", dense { 3 } },
  }
  local x = draw { 2, 1, 8, 8 }

  it("begins a model with another's areas and a copy of their weights", function()
    local enc = model "enc" { core = net:upto "V2", frozen = true, readout "n" { dense { 5 } } }
    assert.equal(net:activations(x, "V2").V2:digest(), enc:activations(x, "V2").V2:digest())
    assert.equal(net:count "V1" + net:count "V2", enc:count "frozen")
    assert.equal(256 * 5 + 5, enc:count "trainable")
    assert.is_false(enc:has "side")
    local y, grads = run(enc, x)
    assert.is_nil(grads["V1.conv1.weight"])
    assert.is_not_nil(grads["n.dense1.weight"])
    assert.equal(enc(x):detach():digest(), y:detach():digest()) -- dropout in a frozen area is off
    local free = model "free" { core = net:upto "V1", readout "n" { dense { 5 } } }
    core.no_grad(function() free.nodes[1].params.weight:mul_(2) end)
    assert.are_not.equal(net.nodes[1].params.weight:detach():digest(), free.nodes[1].params.weight:detach():digest())
  end)

  it("shares the weights where asked, and may end at a layer", function()
    local twin = model "twin" { core = shared(net:upto "V1.conv1"), readout "n" { dense { 5 } } }
    assert.equal(3 * 9 + 3 + 192 * 5 + 5, twin:count())
    assert.is_true(rawequal(net.nodes[1].params.weight, twin:parameters()[1].tensor))
    local frozen = model "frozen" { core = shared(net:upto "V1"), frozen = true, readout "n" { dense { 5 } } }
    assert.is_true(net.nodes[1].params.weight:requires_grad())
    assert.is_false(frozen:parameters()[1].tensor:requires_grad())
  end)

  it("is refused where it cannot be", function()
    assert.matches("belongs to the readout", message(net.upto, net, "digit"), 1, true)
    assert.matches("did you mean 'V2.conv1'", message(net.upto, net, "V2.con1"), 1, true)
    assert.matches("expected what net:upto gives", message(function()
      return model "m" { core = net, readout "n" { dense { 2 } } }
    end), 1, true)
    assert.matches("frozen = true goes with core", message(function()
      return model "m" { input { 3 }, frozen = true, readout "n" { dense { 2 } } }
    end), 1, true)
  end)
end)

describe("a model as a value", function()
  local function make()
    return model "m" { input { 2, 4, 4 }, seed = 1, area "V1" { residual { conv { 2, kernel = 3, pad = 1 } }, relu },
      area "V2" { frozen = true, dense { 3 } }, readout "r" { dense { 2 } } }
  end

  it("is cloned, compared and counted", function()
    local net = make()
    local copy = net:clone()
    assert.equal(net:digest(), copy:digest())
    assert.is_true(net:compare(copy).equal)
    assert.equal(net:count "frozen", copy:count "frozen")
    core.no_grad(function() copy.nodes_by_name["r.dense1"].params.bias:add_(0.25) end)
    local found = net:compare(copy)
    assert.equal("r.dense1.bias", found.first)
    assert.equal(1, found.different)
    assert.is_true(math.abs(found.rows[#found.rows].difference - 0.25) < 1e-6)
    assert.matches("1 of 6 differ; the first is r.dense1.bias", tostring(found), 1, true)
    assert.equal(38, net:count "V1")
    assert.equal(38 + 8, net:count "trainable")
    assert.equal(32 * 3 + 3, net:count "frozen")
    assert.equal(2, #net:parameters "V1")
    assert.equal(3, #net:parameters "bias$")
    assert.equal(4, #net:parameters(nil, { trainable = true }))
    assert.same({ 3 }, net:area "V2".shape)
    assert.is_true(net.V2.frozen)
  end)

  it("freezes and unfreezes by name", function()
    local net, x = make(), draw { 2, 2, 4, 4 }
    net:unfreeze "V2"
    net:freeze "V1.residual1"
    local _, grads = run(net, x)
    assert.is_nil(grads["V1.residual1.conv1.weight"])
    assert.is_not_nil(grads["V2.dense1.weight"])
    assert.matches("has no layer or area 'V9'", message(net.freeze, net, "V9"), 1, true)
  end)
end)

describe("a mistake in a graph", function()
  local cases = {
    { "a residual that changes the shape", function()
      return model "m" { input { 1, 8, 8 }, area "A" { residual { conv { 4, kernel = 3, pad = 1, stride = 2 } } } }
    end, "the layers turn 1x8x8 into 4x4x4, and the two cannot be added; shortcut = \"project\"" },
    { "a shortcut of another shape", function()
      return model "m" { input { 1, 8, 8 }, area "A" { residual { conv { 4, kernel = 1 }, shortcut = { conv { 3,
        kernel = 1 } } } } }
    end, "the layers give 4x8x8 and the shortcut 3x8x8" },
    { "branches that do not add", function()
      return model "m" { input { 1, 8, 8 }, area "A" { add { conv { 4, kernel = 3, stride = 2, pad = 1 },
        identity } } }
    end, "the branches give 4x4x4 and 1x8x8, which cannot be added; for branch 2, conv { 4, kernel = 1, stride = 2 "
      .. "}" },
    { "branches of other sizes side by side", function()
      return model "m" { input { 1, 8, 8 }, area "A" { concat { conv { 4, kernel = 3 }, identity } } }
    end, "4x6x6 and 1x8x8, which do not fit side by side along axis 1" },
    { "an axis that is none", function()
      return model "m" { input { 1, 8, 8 }, area "A" { concat { identity, identity, dim = 4 } } }
    end, "dim = 4 is no axis of 1x8x8" },
    { "a cycle without delay", function()
      return model "m" { input { 4 }, area "A" { from = "B", relu }, area "B" { relu } }
    end, "from = \"B\" comes after it, which would make a cycle without delay" },
    { "an option that is none", function()
      return model "m" { input { 4 }, area "A" { residual { relu, shortcu = "pad" } } }
    end, "residual: unknown option 'shortcu' (did you mean 'shortcut'?)" },
    { "an empty word of layers", function() return model "m" { input { 4 }, area "A" { residual {} } } end,
      "residual holds no layer" },
    { "an empty branch", function() return model "m" { input { 4 }, area "A" { add { {}, identity } } } end,
      "branch 1 holds no layer" },
    { "a branch with a name that is none", function()
      return model "m" { input { 4 }, area "A" { add { { name = 3, relu } } } }
    end, "branch 1: option 'name' is a number, expected a string" },
    { "a function in place of what it returns", function()
      return model "m" { input { 4 }, area "A" { relu, function() return relu end } }
    end, "entry 2 is a function (call it: block(16) gives the layers)" },
    { "shared weights on another shape", function()
      local f = shared(dense { 3 })
      return model "m" { input { 4 }, area "A" { f, f } }
    end, "shared: the weight of A.dense1 is 3x4, but for an input of 3 it would be 3x3" },
    { "something else that is shared", function() return shared(3) end, "shared: expected a layer" },
  }
  it("is found in calls", function()
    local net = model "n" { input { 4 }, area "A" { dense { 3 } } }
    local x = draw { 2, 4 }
    for _, call in ipairs {
      { net.freeze, "[", "freeze: '[' is no name of the model's, nor a Lua pattern" },
      { net.freeze, "V1*", "freeze: 'V1*' is no name of the model's; as a Lua pattern, in which a star repeats what "
        .. "stands before it, it would be '^V1.*$'" },
      { net.parameters, "V1.conv*", "'^V1%.conv.*$'" },
      { net.parameters, "*", "'^.*$'" },
      { net.parameters, "[", "parameters: '[' is no name" }, { net.freeze, 3, "expected the name of an area or "
        .. "layer" },
      { net.upto, nil, "expected the name of an area or layer, got nil" }, { net.upto, "input", "no layer or area" },
      { net.compare, 3, "expected another model" }, { net.count, "B", "no layer or area 'B'" },
      { net.driven, "B", "no layer or area 'B'" }, { net.area, "B", "no layer or area 'B'" },
    } do
      assert.matches(call[3], message(call[1], net, call[2]), 1, true)
    end
    assert.matches("got 3", message(net.activations, net, x, 3), 1, true)
    assert.matches("forward takes options in a table", message(net.forward, net, x, 3), 1, true)
    assert.matches("of a model with steps", message(net.forward, net, x, { steps = 2 }), 1, true)
    assert.matches("no layer or area 'V1'", message(function() return net.V1 end), 1, true)
    assert.is_nil(net.selected)
  end)

  for _, case in ipairs(cases) do
    it("is found: " .. case[1], function()
      local text, err = message(case[2])
      assert.matches(case[3], text, 1, true)
      assert.matches("graph_spec.lua", text, 1, true)
      assert.is_true(err.kind == "shape" or err.kind == "argument")
    end)
  end
end)
