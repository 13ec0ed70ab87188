-- The layer words rnn, lstm and gru: against plain tensor code step by step, parameters counted as PyTorch counts
-- them, first weights, state between batches, dropout, mistakes, a small task.
local base = require "lamina.core.base"
local checkpoint = require "lamina.checkpoint"
local core = require "lamina.core.tensor"

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 5, purpose = purpose or "recurrent layers" }
end

local function net_of(size, ...) return model "test" { seed = 3, input(size), area "A" { ... } } end

local function weights_of(net)
  local found = {}
  for _, p in ipairs(net:parameters()) do found[p.name:match "([^.]+)$"] = p.tensor end
  return found
end

local function near(a, b, limit)
  assert.same(a.shape, b.shape)
  local worst = (a:detach() - b:detach()):abs():max():item()
  assert.is_true(worst <= (limit or 2e-6), string.format("differs by %g", worst))
end

-- One step of each kind, from the formulas of the docs; s holds h (and c).
local step = {}
function step.rnn(a, b, s) return { h = (a + b):tanh() } end
function step.relu(a, b, s) return { h = (a + b):relu() } end
function step.lstm(a, b, s)
  local i, f, g, o = table.unpack((a + b):chunk(4, 2))
  local c = f:sigmoid() * s.c + i:sigmoid() * g:tanh()
  return { c = c, h = o:sigmoid() * c:tanh() }
end
function step.gru(a, b, s)
  local ra, za, na = table.unpack(a:chunk(3, 2))
  local rb, zb, nb = table.unpack(b:chunk(3, 2))
  local z = (za + zb):sigmoid()
  return { h = (1 - z) * (na + (ra + rb):sigmoid() * nb):tanh() + z * s.h }
end

-- All states of one layer in one direction: batch x time x units, and the last one.
local function plain(kind, x, w, ending, units, reverse)
  local n, steps = x.shape[1], x.shape[2]
  local s, list = { h = zeros { n, units }, c = zeros { n, units } }, {}
  for k = 1, steps do
    local t = reverse and steps + 1 - k or k
    local a = x:select(2, t):matmul(w["weight" .. ending]:t())
    local b = s.h:matmul(w["recurrent" .. ending]:t())
    if w["bias" .. ending] then
      a, b = a + w["bias" .. ending], b + w["recurrent_bias" .. ending]
    end
    s = step[kind](a, b, s)
    list[t] = s.h
  end
  return ops.stack(list, { dim = 2 }), s.h
end

describe("recurrent layers", function()
  for _, case in ipairs { { "rnn", rnn }, { "lstm", lstm }, { "gru", gru } } do
    local kind, word = case[1], case[2]
    it("do what their formulas say: " .. kind, function()
      local net, x = net_of({ 6, 3 }, word { 5 }), draw { 4, 6, 3 }
      local _, last = plain(kind, x, weights_of(net), "", 5)
      near(net(x), last)
      net = net_of({ 6, 3 }, word { 5, steps = "all", bias = false })
      near(net(x), (plain(kind, x, weights_of(net), "", 5)))
    end)

    it("may be several, and run both ways: " .. kind, function()
      local x = draw { 4, 6, 3 }
      local function expected(net)
        local w, sequence, ends = weights_of(net), x, nil
        for _, ending in ipairs { "", "_2" } do
          local y, h = plain(kind, sequence, w, ending, 5)
          local back, first = plain(kind, sequence, w, ending .. "_reverse", 5, true)
          sequence, ends = concat({ y, back }, 3), concat({ h, first }, 2)
        end
        return sequence, ends
      end
      local net = net_of({ 6, 3 }, word { 5, layers = 2, bidirectional = true, steps = "all" })
      near(net(x), (expected(net)))
      net = net_of({ 6, 3 }, word { 5, layers = 2, bidirectional = true })
      local y, z = net(x), select(2, expected(net))
      near(y, z)
      -- every weight gets the gradient that plain code gives it
      local list = {}
      for i, p in ipairs(net:parameters()) do list[i] = p.tensor end
      local seed = draw({ 4, 10 }, "seed")
      local ours, theirs = { grad((y * seed):sum(), list) }, { grad((z * seed):sum(), list) }
      if type(ours[1]) == "table" then ours, theirs = ours[1], theirs[1] end
      for i in ipairs(list) do near(ours[i], theirs[i], 2e-5) end
    end)
  end

  it("take relu as nonlinearity", function()
    local net, x = net_of({ 6, 3 }, rnn { 5, nonlinearity = "relu" }), draw { 4, 6, 3 }
    near(net(x), select(2, plain("relu", x, weights_of(net), "", 5)))
  end)

  -- sum(p.numel() for p in nn.LSTM(3, 7, 2, bidirectional=True).parameters()), and so on
  it("have as many parameters as PyTorch's, and print their sizes", function()
    assert.equal(1960, net_of({ 10, 3 }, lstm { 7, layers = 2, bidirectional = true }):count())
    assert.equal(84, net_of({ 10, 3 }, rnn { 7 }):count())
    assert.equal(252, net_of({ 10, 3 }, gru { 7 }):count())
    assert.equal(70, net_of({ 10, 3 }, rnn { 7, bias = false }):count())
    local text = tostring(net_of({ 10, 3 }, lstm { 7, layers = 2, bidirectional = true, steps = "all" }))
    assert.is_truthy(text:find("lstm1 +10x14 +1,960 +17,360")) -- 10 2 4 7 (3 + 7) + 10 2 4 7 (14 + 7)
  end)

  it("begin as PyTorch's do, or orthogonal", function()
    for _, p in ipairs(net_of({ 4, 40 }, gru { 16 }):parameters()) do
      local most = p.tensor:abs():max():item()
      assert.is_true(most <= 0.25 and most > 0.2, p.name)
    end
    local w = weights_of(net_of({ 4, 40 }, lstm { 16, init = "orthogonal", forget_bias = 1 }))
    for gate = 1, 4 do
      local u = w.recurrent:slice(1, 16 * gate - 15, 16 * gate)
      near(u:matmul(u:t()), eye(16), 1e-5)
      for other = 1, gate - 1 do
        local v = w.recurrent:slice(1, 16 * other - 15, 16 * other)
        assert.is_true((u - v):abs():max():item() > 0.1)
      end
    end
    assert.same({ 0, 16, 0, 0 }, w.bias:reshape { 4, 16 }:sum(2):totable())
    assert.equal(0, w.recurrent_bias:abs():max():item())
    local first = weights_of(net_of({ 4, 3 }, lstm { 5 })).bias
    near(weights_of(net_of({ 4, 3 }, lstm { 5, forget_bias = 2 })).bias, first + concat { zeros { 5 }, full({ 5 }, 2),
      zeros { 10 } })
    local dense_net = model "d" { input { 12 }, area "A" { dense { 30, init = "orthogonal" }, dense { 7,
      init = "orthogonal" } } }
    local a, b = dense_net:parameters()[1].tensor, dense_net:parameters()[3].tensor
    near(a:t():matmul(a), eye(12), 1e-5)
    near(b:matmul(b:t()), eye(7), 1e-5)
  end)

  it("leave units out between layers, while training only", function()
    local net, x = net_of({ 6, 3 }, gru { 20, layers = 2, dropout = 0.5 }), draw { 4, 6, 3 }
    local whole = net_of({ 6, 3 }, gru { 20, layers = 2 })
    near(net(x), whole(x), 0)
    local first = net:forward(x, { training = true, step = 1 })
    near(first, net:forward(x, { training = true, step = 1 }), 0)
    assert.is_true((first - net:forward(x, { training = true, step = 2 })):abs():max():item() > 1e-3)
    assert.is_true((first - net(x)):abs():max():item() > 1e-3)
  end)
end)

describe("state between batches", function()
  local x = draw { 4, 12, 3 }
  local function half(i) return x:slice(2, 6 * i - 5, 6 * i) end

  it("makes two halves what the whole is, without a gradient to the first", function()
    for _, word in ipairs { rnn, lstm, gru } do
      local options = { 5, layers = 2, stateful = true }
      local net, whole = net_of({ 6, 3 }, word(options)), net_of({ 12, 3 }, word { 5, layers = 2 })
      whole:take(net:snapshot(), "copy", 1)
      local a = half(1):clone():requires_grad(true)
      local first = net:forward(a, { training = true })
      local second = net:forward(half(2), { training = true })
      near(second, whole(x), 0)
      second:sum():backward()
      assert.is_nil(a.grad)
      assert.is_true((first - net(half(1))):abs():max():item() == 0) -- evaluation has a state of its own
      net:reset_state()
      near(net:forward(half(1), { training = true }), first, 0)
    end
  end)

  it("is kept by checkpoints, not by files or copies", function()
    local path = os.tmpname()
    local net = net_of({ 6, 3 }, lstm { 5, layers = 2, stateful = true })
    local fresh = net(half(1))
    checkpoint.save(path, { net = net }, {})
    local second = net(half(2))
    checkpoint.restore(checkpoint.load(path), { net = net })
    near(net(half(2)), second, 0)
    near(net:clone()(half(1)), fresh, 0)
    net:save(path)
    near(net_of({ 6, 3 }, lstm { 5, layers = 2, stateful = true }):load(path)(half(1)), fresh, 0)
    base.remove(path)
  end)
end)

describe("mistakes with recurrent layers", function()
  local function refused(pattern, f)
    local ok, e = pcall(f)
    assert.is_false(ok)
    assert.is_truthy(tostring(e):find(pattern, 1, true), tostring(e))
  end

  it("are told by name", function()
    refused("needs an input of time x features, such as input { 100, 2 }, got 3x8x8", function()
      net_of({ 3, 8, 8 }, rnn { 5 })
    end)
    refused("steps = \"all\" gives every step", function() net_of({ 6, 3 }, lstm { 5 }, lstm { 5 }) end)
    refused("dropout = 0.5 stands between layers", function() net_of({ 6, 3 }, gru { 5, dropout = 0.5 }) end)
    refused("bidirectional = true cannot", function() net_of({ 6, 3 }, gru { 5, stateful = true,
      bidirectional = true }) end)
    refused("forget_bias = 1 needs bias = true", function() net_of({ 6, 3 }, lstm { 5, bias = false,
      forget_bias = 1 }) end)
    refused("unknown option 'nonlinearity'", function() net_of({ 6, 3 }, lstm { 5, nonlinearity = "relu" }) end)
    refused("option 'steps' is 'first'", function() net_of({ 6, 3 }, rnn { 5, steps = "first" }) end)
    refused("option 'units' is missing", function() net_of({ 6, 3 }, rnn {}) end)
    refused("ops.gru takes weights of your own", function() gru(zeros { 2, 3, 4 }) end)
    local net = net_of({ 6, 3 }, rnn { 5, stateful = true })
    net(draw { 4, 6, 3 })
    refused("the batch has 1 sequence, but the state carried over is that of 4", function() net(draw { 1, 6, 3 }) end)
  end)
end)

-- Which of two marks came first, twelve steps before the end.
describe("a recurrent layer that learns", function()
  it("keeps what it saw", function()
    local y = core.draw { kind = "int", shape = { 200 }, low = 1, high = 2, seed = 1, purpose = "marks" }
    local x = zeros { 200, 12, 2 }
    for i, label in ipairs(y:totable()) do x[{ i, 1, label }] = 1 end
    x = x + draw({ 200, 12, 2 }, "noise") * 0.1
    local net = model "memory" { seed = 1, input { 12, 2 }, area "A" { gru { 8 } }, readout "y" { dense { 2 } } }
    train { model = net, data = data.tensors { x, y }, loss = "cross_entropy", epochs = 12, batch = 20, log = false,
      optimizer = adam { rate = 2e-2 } }
    assert.equal(0, evaluate { model = net, data = data.tensors { x, y } }.error)
  end)
end)
