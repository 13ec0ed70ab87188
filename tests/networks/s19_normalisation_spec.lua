-- SYSTEMS S19 and S20: normalisation: statistics, identities, LRN literally, weight normalisation, Heeger's division.
local check = require "lamina.grad.check"
local conv = require "lamina.layers.conv"
local core = require "lamina.core.tensor"
local sets = require "lamina.data"
local dense = require "lamina.layers.dense"
local models = require "lamina.model"
local norm = require "lamina.layers.norm"
local ops = require "lamina.core.ops"

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 11, purpose = purpose or "s19" }
end

local function off(a, b) return (a - b):abs():max():item() end

local function named(net)
  local p = {}
  for _, entry in ipairs(net:parameters()) do p[entry.name:match "[%w_]+$"] = entry.tensor end
  return p
end

describe("S19 normalisation", function()
  it("gives batches a mean of 0 and a variance of 1", function()
    local x = draw { 16, 4, 5, 6 } * 3 + 2
    local y = net_of({ 4, 5, 6 }, norm.batch):forward(x, { training = true }):detach()
    assert.is_true(ops.mean(y, { dim = { 1, 3, 4 } }):abs():max():item() < 1e-5)
    assert.is_true(off(ops.mean(y:square(), { dim = { 1, 3, 4 } }), core.ones { 4 }) < 1e-3)
  end)

  it("is one thing where groups meet layers and instances", function()
    local x, input = draw { 3, 6, 4, 5 }, { 6, 4, 5 }
    assert.is_true(off(norm.group(x, { 1, affine = false }), norm.layer(x, { affine = false })) < 1e-5)
    assert.is_true(off(norm.group(x, { 6, affine = false }), norm.instance(x)) < 1e-6)
    assert.equal(12, net_of(input, norm.group { 3 }):count())
  end)

  it("folds into a convolution", function()
    local net = net_of({ 3, 8, 8 }, conv { 5, kernel = 3, pad = 1 }, norm.batch)
    for step = 1, 5 do net:forward(draw({ 8, 3, 8, 8 }, "batch" .. step) * 2 + 1, { training = true }) end
    local p, b = named(net), {}
    for _, entry in ipairs(net:buffers()) do b[entry.name:match "%w+$"] = entry.tensor end
    local w, bias
    for _, entry in ipairs(net:parameters()) do
      if entry.name == "A.conv1.weight" then w = entry.tensor:detach() end
      if entry.name == "A.conv1.bias" then bias = entry.tensor:detach() end
    end
    local scale = p.weight:detach() / (b.variance + 1e-5):sqrt()
    local folded = ops.conv2d(draw { 2, 3, 8, 8 }, w * scale:reshape { 5, 1, 1, 1 },
      (bias - b.mean) * scale + p.bias:detach(), { pad = 1 })
    assert.is_true(off(net(draw { 2, 3, 8, 8 }):detach(), folded) < 1e-5)
  end)

  it("norm.lrn is a / (2 + 1e-4 sum of 5 a^2)^0.75, alpha not divided", function()
    for _, n in ipairs { 1, 5, 9 } do
      local x = draw { 2, 7, 2, 3 } * 100
      local y = norm.lrn(x, { n })
      for c = 1, 7 do
        local total = 0
        for k = math.max(1, c - n // 2), math.min(7, c + n // 2) do total = total + x[2][k][2][3] ^ 2 end
        local want = x[2][c][2][3] / (2 + 1e-4 * total) ^ 0.75
        assert.is_true(math.abs(want - y[2][c][2][3]) < 1e-5 * math.abs(want))
      end
    end
    local vector = draw { 2, 6 }
    assert.same(norm.lrn(vector:reshape { 2, 6, 1, 1 }):reshape({ 12 }):totable(),
      norm.lrn(vector):reshape({ 12 }):totable())
    assert.is_true(check.gradcheck(function(t) return norm.lrn(t, { 3, alpha = 0.4, k = 1 }) end, { vector },
      { order = 2 }).ok)
  end)

  it("weight_norm begins as the layer without it, and holds each unit's length apart", function()
    for _, case in ipairs {
      { { 4, 6, 6 }, conv, { 3, kernel = 3, groups = 1 } }, { { 4, 6, 6 }, conv, { 4, kernel = 3, groups = 2 } },
      { { 7 }, dense, { 5, init = "he" } },
    } do
      local given = case[3]
      local plain = net_of(case[1], case[2](given))
      given.weight_norm = true
      local net = net_of(case[1], case[2](given))
      local x = draw { 2, table.unpack(case[1]) }
      assert.is_true(off(plain(x):detach(), net(x):detach()) < 1e-5)
      assert.equal(plain:count() + given[1], net:count())
      local p = named(net)
      core.no_grad(function()
        p.weight:mul_(3)
        p.bias:mul_(2)
        p.gain:mul_(2)
      end)
      assert.is_true(off(plain(x):detach() * 2, net(x):detach()) < 1e-4)
      assert.is_true(check.gradcheck(net, { x }, { raise = false }).ok)
    end
  end)

  it("weight_norm does not divide by a length of 0", function()
    local net = net_of({ 3 }, dense { 2, init = "zeros", weight_norm = true })
    local y = net(draw { 4, 3 })
    y:sum():backward()
    assert.equal(0, y:detach():abs():max():item())
    assert.is_false(ops.any(ops.isnan(named(net).weight.grad)):item())
  end)
end)

describe("S20 divisive normalisation", function()
  it("is gamma D^n / (sigma^n + the pool), over channels, space and both", function()
    local x = draw { 2, 3, 4, 5 }
    local m = x:totable()
    local function e(n, c, i, k)
      local row = m[n][c][i]
      return row and row[k] and math.max(row[k], 0) ^ 2.5 or 0
    end
    local function pool_of(kind, n, c, i, k)
      local total, first, last = 0, kind == "space" and c or 1, kind == "space" and c or 3
      local count = last - first + 1
      for channel = first, last do
        if kind == "channels" then
          total = total + e(n, channel, i, k) / count
        else
          local sum, weight = 0, 0
          for di = -1, 1 do
            for dk = -2, 2 do
              local w = math.exp(-(di * di + dk * dk) / (2 * 1.5 ^ 2))
              sum, weight = sum + w * e(n, channel, i + di, k + dk), weight + w
            end
          end
          total = total + sum / weight / count
        end
      end
      return total
    end
    for _, kind in ipairs { "channels", "space", "both" } do
      local given = { pool = kind, n = 2.5, sigma = 0.6, gamma = 3 }
      if kind ~= "channels" then given.kernel, given.spread = { 3, 5 }, 1.5 end
      local y = norm.divisive(x, given)
      given.learn = true
      local net = net_of({ 3, 4, 5 }, norm.divisive(given))
      assert.is_true(off(y, net(x):detach()) < 1e-5)
      assert.is_true(check.gradcheck(net, { x }, { raise = false }).ok, kind)
      for c = 1, 3 do
        for i = 1, 4 do
          for k = 1, 5 do
            local want = 3 * e(2, c, i, k) / (0.6 ^ 2.5 + pool_of(kind, 2, c, i, k))
            assert.is_true(math.abs(want - y[2][c][i][k]) < 1e-5 * math.max(1, want), kind)
          end
        end
      end
    end
  end)

  it("pools over whole maps, and over vectors", function()
    local x = draw { 2, 3, 4, 5 }
    local e = x:relu():square()
    local mean = ops.mean(e, { dim = { 3, 4 }, keepdim = true })
    assert.is_true(off(norm.divisive(x, { pool = "space" }), e / (mean + 1)) < 1e-5)
    assert.is_true(off(norm.divisive(x, { pool = "both", drive = "abs" }),
      x:square() / (ops.mean(x:square(), { dim = { 2, 3, 4 }, keepdim = true }) + 1)) < 1e-5)
    local v = draw { 4, 6 }
    local f = v:relu():square()
    assert.is_true(off(norm.divisive(v), f / (ops.mean(f, { dim = 2, keepdim = true }) + 1)) < 1e-5)
  end)

  it("has a contrast response with its half at sigma for a uniform pool", function()
    for _, sigma in ipairs { 0.1, 0.3 } do
      local contrast = core.logspace(-3, 1, 40)
      local x = ops.contiguous(ops.expand(contrast:reshape { 40, 1 }, { 40, 8 }))
      local r = norm.divisive(x, { sigma = sigma, n = 2 })
      for i = 1, 40 do
        local c = contrast[i]
        assert.is_true(math.abs(r[i][3] - c ^ 2 / (sigma ^ 2 + c ^ 2)) < 1e-5)
      end
    end
  end)

  it("keeps learned weights from going below 0", function()
    local net = net_of({ 3 }, norm.divisive { learn = true })
    assert.is_true(require("lamina.constraints").holds(net))
    local train = require("lamina.train").train
    train { model = net, data = sets.tensors { draw { 8, 3 }, draw({ 8, 3 }, "target") * -5 }, loss = "mse",
      epochs = 3,
      batch = 4, optimizer = require("lamina.optim").sgd { rate = 1 }, log = false }
    assert.is_true(named(net).weight:min():item() >= 0)
  end)

  it("says what does not fit", function()
    for _, case in ipairs {
      { { 4 }, norm.divisive { pool = "space" }, "needs channels x height x width, got 4" },
      { { 4 }, norm.divisive { kernel = 3 }, "it goes with pool = \"space\" or \"both\"" },
      { { 2, 6, 6 }, norm.divisive { pool = "both", kernel = 4 }, "kernel 4x4 has no pixel in its middle" },
      { { 2, 6, 6 }, norm.divisive { pool = "space", learn = true }, "learn = true needs the size" },
      { { 4 }, norm.lrn { 4 }, "norm.lrn: n = 4 has no channel in its middle; use 3 or 5" },
      { { 4 }, norm.divisive { sigma = 0 }, "option 'sigma' is 0, expected a number above 0" },
    } do
      local ok, err = pcall(net_of, case[1], case[2])
      assert.is_false(ok, case[3])
      assert.matches(case[3], tostring(err), 1, true)
    end
  end)
end)
