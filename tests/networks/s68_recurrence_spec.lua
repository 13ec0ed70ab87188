-- SYSTEMS S68: back-propagation through time, whole and cut; state from batch to batch; activations by time.
local core = require "lamina.core.tensor"

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 68, purpose = purpose or "s68" }
end

local function near(a, b, tolerance)
  assert.is_true((a - b):abs():max():item() <= (tolerance or 1e-6), tostring(a) .. tostring(b))
end

local function refuses(f, text)
  local ok, err = pcall(f)
  assert.is_false(ok)
  assert.matches(text, tostring(err), 1, true)
end

local function gradients_of(net)
  local list = {}
  for i, entry in ipairs(net:parameters()) do
    list[i] = entry.tensor.grad:clone()
    entry.tensor:zero_grad()
  end
  return list
end

-- An area with feedback over two steps, a lateral connection, and a look at the input of the step before.
local function loopy(o)
  local spec = { seed = 7, steps = o.steps or "input", input { 3 },
    area "V1" { dense { 4 }, tanh }, area "V2" { from = "V1", dense { 5 }, tanh },
    area "late" { from = "input", delay = 1, dense { 2 } },
    feedback { from = "V2", to = "V1", delay = 2, dense { 4 } }, lateral { "V2", dense { 5 } },
    readout "y" { from = { "V2", "late" }, combine = "concat", dense { 2 } } }
  for name, value in pairs(o) do spec[name] = value end
  return model "loopy" (spec)
end

local x = draw { 6, 12, 3 }
local function part(i, n) return x:slice(2, (i - 1) * n + 1, i * n) end

describe("S68 gradients through time", function()
  for word, gates in pairs { rnn = 1, lstm = 4, gru = 3 } do
    it("are those of differences over 20 steps: " .. word, function()
      local found = gradcheck(ops[word], { draw { 20, 2, 2 }, draw { gates * 3, 2 }, draw { gates * 3, 3 } * 0.5,
        draw { gates * 3 }, draw { gates * 3 } }, { raise = false, elements = 30 })
      assert.is_true(found.ok, tostring(found))
    end)
  end

  it("are cut after every stretch, and the values stay: rnn, lstm, gru", function()
    for _, word in ipairs { rnn, lstm, gru } do
      for _, layers in ipairs { 1, 2 } do
        local function net(steps, o)
          o[1], o.layers = 5, layers
          return model "m" { seed = 3, input { steps, 3 }, area "A" { word(o) } }
        end
        local whole, cut, hand = net(12, {}), net(12, { truncate = 5 }), { net(5, { stateful = true }),
          net(2, { stateful = true }) }
        near(whole(x), cut(x), 0)
        cut(x):square():sum():backward()
        -- the last stretch alone, begun with the state of those before
        hand[1]:forward(x:slice(2, 1, 5))
        hand[1]:forward(x:slice(2, 6, 10))
        hand[2].nodes[1].states = hand[1].nodes[1].states
        hand[2]:forward(x:slice(2, 11, 12)):square():sum():backward()
        local a, b = gradients_of(cut), gradients_of(hand[2])
        for i = 1, #a do near(a[i], b[i], 1e-5) end
        whole(x):square():sum():backward()
        assert.is_true((gradients_of(whole)[1] - a[1]):abs():max():item() > 1e-4)
      end
    end
  end)

  it("are cut in a model with feedback as in one that carries its state", function()
    local whole, cut, hand = loopy {}, loopy { truncate = 4 }, loopy { stateful = true }
    near(whole(x), cut(x), 0)
    local a = x:clone():requires_grad(true)
    cut(a):square():sum():backward()
    for i = 1, 3 do
      local y = hand(part(i, 4))
      if i == 3 then y:square():sum():backward() end
    end
    local g, h = gradients_of(cut), gradients_of(hand)
    for i = 1, #g do near(g[i], h[i], 1e-5) end
    -- only the last four steps, and the input before them that `late` ... does not see through the last one
    assert.equal(0, a.grad:slice(2, 1, 8):abs():max():item())
    assert.is_true(a.grad:slice(2, 9, 12):abs():max():item() > 0)
    whole(x):square():sum():backward()
    assert.is_true((gradients_of(whole)[1] - g[1]):abs():max():item() > 1e-4)
  end)
end)

describe("S68 state between batches", function()
  it("makes three thirds what the whole is", function()
    for _, update in ipairs { "serial", "parallel" } do
      local whole, net = loopy { update = update }, loopy { stateful = true, update = update }
      for round = 1, 2 do
        local y
        for i = 1, 3 do y = net(part(i, 4)) end
        near(whole(x), y, 0)
        for i = 1, 12 do y = net:forward(part(i, 1), { training = true }) end -- a state of its own
        near(whole(x), y, 0)
        if round == 1 then net:reset_state() end
      end
    end
  end)

  it("is kept by checkpoints, not by copies", function()
    local path, net = os.tmpname(), loopy { stateful = true }
    local first = net(part(1, 4))
    checkpoint.save(path, { net = net })
    local second = net(part(2, 4))
    near(first, net:clone()(part(1, 4)), 0)
    checkpoint.restore(checkpoint.load(path), { net = net })
    near(second, net(part(2, 4)), 0)
    os.remove(path)
  end)

  it("is told where it cannot be", function()
    refuses(function() loopy { stateful = true }(x):sum() model "m" { stateful = true, input { 2 },
      readout "y" { dense { 1 } } } end, "stateful is for a model over time")
    refuses(function() model "m" { truncate = 3, input { 2 }, readout "y" { dense { 1 } } } end, "truncate is for")
    local net = loopy { stateful = true }
    net(x)
    refuses(function() net(x[{ { 1, 2 } }]) end, "the batch has 2 items, but the state carried over is that of 6")
    refuses(function() model "m" { input { 6, 2 }, area "A" { lstm { 3, bidirectional = true, truncate = 2 } } } end,
      "truncate cuts the way back")
    assert.matches("stateful, gradients over 3 steps", tostring(loopy { stateful = true, truncate = 3 }), 1, true)
  end)
end)

it("S68 activations carry their time, and norms of each step statistics of their own", function()
  local net = model "n" { seed = 1, steps = 3, input { 1, 6, 6 },
    area "V1" { conv { 2, kernel = 3, pad = 1 }, relu },
    area "V2" { conv { 2, kernel = 3, pad = 1 }, norm.batch { per_step = true }, relu },
    lateral { "V1", conv { 2, kernel = 3, pad = 1 } }, readout "y" { pool.global "avg", dense { 2 } } }
  local pictures = draw { 8, 1, 6, 6 }
  local all = net:activations(pictures, { "V1" }, { steps = "all" })
  for t = 1, 3 do assert.same({ 8, 2, 6, 6 }, all["V1@" .. t].shape) end
  near(all["V1@3"], net:activations(pictures, "V1").V1, 0)
  near(all["V1@2"], net:activations(pictures, { "V1@2" })["V1@2"], 0)
  assert.same({ 3, 2 }, net:buffers()[1].tensor.shape)
  net:forward(pictures, { training = true })
  local means = net:buffers()[1].tensor
  assert.is_true((means[1] - means[2]):abs():max():item() > 1e-4)
end)
