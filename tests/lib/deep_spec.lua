-- Deep networks: memory over depth, with and without the option recompute, whose results have the same bits.
local base = require "lamina.core.base"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local lamina = require "lamina"
local loss = require "lamina.loss"

local function batch(shape, n)
  local x = core.draw { kind = "normal", shape = { n, table.unpack(shape) }, seed = 5, purpose = "deep" }
  local labels = {}
  for i = 1, n do labels[i] = i end
  return x, core.tensor(labels, { dtype = "int64" })
end

-- What a training step needs beyond the parameters and their gradients, in bytes; and its bits: loss, gradients,
-- buffers.
local function step(net, n)
  local x, y = batch(net.input, n or 4)
  collectgarbage()
  collectgarbage()
  base.reset_peak()
  local before = base.memory().live
  local value = loss.cross_entropy(net:forward(x, { training = true, step = 3 }), y)
  value:backward()
  local peak, digests = base.memory().peak - before - 4 * net:count(), { value:digest() }
  for _, p in ipairs(net:parameters()) do digests[#digests + 1] = p.tensor.grad:digest() end
  for _, b in ipairs(net:buffers()) do digests[#digests + 1] = b.tensor:digest() end
  return peak, table.concat(digests)
end

local function peak(depth, recompute)
  return (step(collection["resnet" .. depth] { input = 16, width = 0.25, recompute = recompute }, 8))
end

describe("deep networks", function()
  it("need memory that grows with depth, and with recompute as its square root", function()
    local all, some = {}, {}
    for i, depth in ipairs { 20, 56, 110 } do all[i], some[i] = peak(depth, false), peak(depth, true) end
    local text = string.format("%d %d %d, with recompute %d %d %d", all[1], all[2], all[3], some[1], some[2], some[3])
    -- from 20 layers to 56 and 110: 2.8 and 5.5 times as many, whose roots are 1.7 and 2.3
    assert.is_true(all[2] > 2.2 * all[1] and all[2] < 3 * all[1], text)
    assert.is_true(all[3] > 4.2 * all[1] and all[3] < 5.8 * all[1], text)
    assert.is_true(some[2] < 2 * some[1] and some[3] < 2.7 * some[1], text)
    assert.is_true(some[3] < 0.45 * all[3], text)
  end)

  it("have the same bits with recompute, in any number of stretches", function()
    for name, given in pairs { resnet20 = { input = 8, width = 0.25 }, plain20 = { input = 8, width = 0.25 },
      alexnet2012 = { input = 32, width = 1 / 32, stem = "small", classes = 10 } } do
      local _, bits = step(collection[name](given))
      for _, recompute in ipairs { true, 1, 2, 5, 1000 } do
        given.recompute = recompute
        local net = collection[name](given)
        local _, again = step(net)
        assert.equal(bits, again, name .. " " .. tostring(recompute))
        assert.is_true(#net.plan.last.stretches >= 1)
      end
      given.recompute = nil
    end
  end)

  it("may branch and have several readouts with recompute", function()
    local function net_of(recompute)
      local words = require "lamina.model.words"
      local conv, relu, dense = lamina.conv, lamina.relu, lamina.dense
      return require("lamina.model").model "m" { recompute = recompute,
        words.input { 2, 8, 8 },
        words.area "V1" { conv { 3, kernel = 3 }, relu, conv { 3, kernel = 3, pad = 1 }, relu },
        words.area "V2" { lamina.concat { { conv { 2, kernel = 3 } }, { conv { 3, kernel = 3 }, relu } } },
        words.readout "a" { from = "V1", dense { 4 } },
        words.area "IT" { from = { "V2", "V2.concat1.branch1.conv1" }, dense { 5 }, relu },
        words.readout "b" { dense { 4 } },
      }
    end
    local function bits(recompute)
      local net = net_of(recompute)
      local x, y = batch(net.input, 4)
      local out = net:forward(x, { training = true })
      local both = loss.cross_entropy(out.a, y) + loss.cross_entropy(out.b, y)
      both:backward()
      local list = {}
      for i, p in ipairs(net:parameters()) do list[i] = p.tensor.grad:digest() end
      return list
    end
    assert.same(bits(nil), bits(true))
    assert.same(bits(nil), bits(6))
  end)

  it("are trained, evaluated and looked at with recompute", function()
    local given = { input = 8, width = 0.25, recompute = true }
    local x, y = batch({ 3, 8, 8 }, 8)
    local set = lamina.data.tensors { x, y }
    local function trained()
      local net = collection.resnet20(given)
      lamina.train { model = net, data = set, epochs = 2, batch = 4, log = false, seed = 1 }
      return net
    end
    local net = trained()
    given.recompute = nil
    local plain = trained()
    assert.equal(plain:digest(), net:digest())
    assert.equal(plain(x):digest(), net(x):digest())
    assert.same({ 8, 4, 8, 8 }, net:activations(x, "V1")["V1"].shape)
    assert.equal(net:clone().recompute, true)
    assert.is_string(net:training())
    assert.equal(64, #net:training())
    assert.is_nil(collection.resnet20(given):training())
  end)

  it("go back twice on one pass", function()
    local net = collection.resnet20 { input = 8, width = 0.25, recompute = true }
    local x, y = batch(net.input, 4)
    local value = loss.cross_entropy(net:forward(x, { training = true }), y)
    local w = net:parameters()[1].tensor
    local first = lamina.grad(value, w, { keep = true })
    assert.equal(first:digest(), lamina.grad(value, w):digest())
  end)

  it("refuse recompute with steps", function()
    local ok, e = pcall(function()
      return lamina.model "m" { steps = 3, recompute = true, lamina.input { 2 },
        lamina.readout "r" { lamina.dense { 2 } } }
    end)
    assert.is_false(ok)
    assert.matches("model \"m\": recompute goes with a model without steps", tostring(e), 1, true)
  end)
end)
