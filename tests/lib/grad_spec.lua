-- Gradients by name, custom functions, checkpointing, directions, gradcheck.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local derivatives = require "lamina.grad.derivatives"
local grads = require "lamina.grad"
local gradcheck = require("lamina.grad.check").gradcheck
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local grad, custom, checkpointed, on_gradient = grads.grad, grads.custom, grads.checkpointed, grads.on_gradient
local jvp, hvp, jacobian, hessian = derivatives.jvp, derivatives.hvp, derivatives.jacobian, derivatives.hessian

local function double(values) return core.tensor(values, { dtype = "float64" }) end
local function leaf(values) return double(values):requires_grad(true) end

local function failure(f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  return e
end

local function difference(a, b) return (a - b):abs():max():item() end

-- Bytes of the runtime that are live when nothing can be collected any more.
local function live()
  collectgarbage()
  collectgarbage()
  return base.memory().live
end

describe("grad", function()
  it("differentiates as often as it is asked to", function()
    local x = leaf { 1.5, -2 }
    local y = (x ^ 4):sum()
    local powers, wanted = { 3, 2, 1 }, { 4, 12, 24 }
    for i = 1, 3 do
      local g = grad(y, x, { create = true })
      assert.is_true(difference(g, x:detach() ^ powers[i] * wanted[i]) < 1e-12)
      y = g:sum()
    end
    assert.is_nil(x.grad)
  end)

  it("takes lists, results on the way and gradients to start from", function()
    local x, w = leaf { 1, 2 }, leaf { 3, 4 }
    local h = x * w
    local y = h * h
    local g = grad({ y, h }, { x, h }, { gradient = { double { 1, 10 }, double { 5, 7 } } })
    assert.same({ 2 * 3 * 3 + 5 * 3, 10 * 2 * 8 * 4 + 7 * 4 }, g[1]:totable())
    assert.same({ 2 * 3 + 5, 10 * 2 * 8 + 7 }, g[2]:totable())
  end)

  it("says what is wrong", function()
    local x, z = leaf { 1, 2 }, leaf { 1 }
    local y = (x * x):sum()
    assert.matches("do not depend on input 1 %(1%); unused = \"zeros\"", tostring(failure(grad, y, z)))
    y = (x * x):sum()
    assert.same({ 0 }, grad(y, { x, z }, { unused = "zeros" })[2]:totable())
    local e = failure(grad, y, x)
    assert.equal("state", e.kind)
    assert.matches("has been used by backward already %(call backward with keep = true", e.message)
    assert.matches("unknown option 'retain'", tostring(failure(grad, y, x, { retain = true })))
    assert.matches("expected a tensor or a list of tensors", tostring(failure(grad, y, 3)))
    assert.matches("needs a gradient to start from", tostring(failure(grad, x * 2, x)))
    assert.matches("depends on nothing that requires a gradient", tostring(failure(grad, double { 1 }, x)))
    y = (x * x):sum()
    grad(y, x, { keep = true })
    grad(y, x)
  end)

  it("lets a recorded backward go with its leaf", function()
    local before
    for i = 1, 4 do
      do
        local x = leaf { 1, 2, 3 }
        local y = (x * x * x):sum()
        y:backward { create = true }
        assert.same({ 3, 12, 27 }, x.grad:totable())
        local second = grad(x.grad:sum(), x, { keep = true })
        assert.same({ 6, 12, 18 }, second:totable())
      end
      before = before or live()
      if i > 1 then assert.equal(before, live()) end
    end
  end)

  it("shows the gradient on its way and takes another for it", function()
    local x, seen = leaf { 1, 2 }, nil
    local y = on_gradient(x * 3, function(g) seen = g:totable() end)
    local z = (y * y + y):sum()
    z:backward()
    assert.same({ 2 * 3 + 1, 2 * 6 + 1 }, seen)
    assert.same({ 21, 39 }, x.grad:totable())
    local halved = grad(on_gradient(x, function(g) return g * 0.5 end):sum(), x)
    assert.same({ 0.5, 0.5 }, halved:totable())
  end)
end)

describe("custom", function()
  local spike = custom {
    name = "spike",
    forward = function(ctx, v, slope)
      ctx.v, ctx.slope = v, slope
      return v:gt(0):to(v.dtype)
    end,
    backward = function(ctx, g) return g / (1 + ctx.v:abs() * ctx.slope) ^ 2 end, -- SuperSpike, Zenke & Ganguli 2018
  }

  it("uses the gradient that is given", function()
    local v = leaf { -1, 0.5, 2 }
    local s = spike(v, 10)
    assert.same({ 0, 1, 1 }, s:totable())
    s:sum():backward()
    assert.is_true(difference(v.grad, double { 1 / 121, 1 / 36, 1 / 441 }) < 1e-15)
    assert.is_false(core.no_grad(spike, v, 10):requires_grad())
    assert.is_false(spike(v:detach(), 10):requires_grad())
  end)

  it("aligns feedback: another matrix carries the gradient back", function()
    local w, b = leaf { { 1, 2 }, { 3, 4 } }, double { { 5, 6 }, { 7, 8 } }
    local layer = custom {
      name = "feedback alignment",
      forward = function(ctx, x, weight, back)
        ctx.x, ctx.back = x, back
        return x:matmul(weight)
      end,
      backward = function(ctx, g) return g:matmul(ctx.back), ctx.x:t():matmul(g) end,
    }
    local x = leaf { { 1, 1 } }
    layer(x, w, b):sum():backward()
    assert.same({ { 12, 14 } }, x.grad:totable())
    assert.same({ { 1, 1 }, { 1, 1 } }, w.grad:totable())
    assert.is_nil(b.grad)
  end)

  it("has a second derivative where backward is differentiable, of arguments and results", function()
    local cube = custom { name = "cube", forward = function(ctx, x)
      ctx.x, ctx.y = x, x * x * x
      return ctx.y
    end, backward = function(ctx, g) return g * ctx.y / ctx.x * 3 end }
    local report = gradcheck(cube, double { 0.7, -1.2, 2 }, { order = 2 })
    assert.is_true(report.ok)
    local x = leaf { 2 }
    local g = grad(cube(x):sum(), x, { create = true })
    assert.is_true(math.abs(grad(g:sum(), x):item() - 12) < 1e-12)
  end)

  it("has several results; nothing that flows is zeros", function()
    local both = custom { name = "both", forward = function(_, x) return x * 2, x * 3 end,
      backward = function(_, a, b) return a * 2 + b * 3 end }
    local x = leaf { 1, 1 }
    local _, three = both(x)
    assert.same({ 3, 3 }, grad(three:sum(), x):totable())
    local two
    two, three = both(x)
    assert.same({ 7, 7 }, grad((two + three * core.tensor({ 1 }, { dtype = "float64" }) * 1):sum() + two:sum(), x)
      :totable())
  end)

  it("is told apart from what is wrong in it, at its own line", function()
    local function at(returned, x)
      local f = custom { name = "wrong", forward = function(_, a) return a * 2 end, backward = returned }
      return failure(function() (f(x or leaf { 1, 2 }, 5) * 1):sum():backward() end)
    end
    local line = debug.getinfo(1, "l").currentline + 2
    local cases = {
      { "returned a gradient 3 float64 for argument 1, which is 2 float64", function() return core.zeros({ 3 },
        { dtype = "float64" }) end },
      { "returned a gradient 2 float32 for argument 1", function() return core.zeros { 2 } end },
      { "returned a number for argument 1, expected a tensor or nil", function() return 1 end },
      { "returned a gradient for argument 2, which was no tensor", function(_, g) return g, g end },
      { "returned 3 values, but the function was called with 2 arguments", function(_, g) return g, nil, g end },
      { "changed the gradient it was given in place", function(_, g) return g:mul_(2) end },
    }
    for i, case in ipairs(cases) do
      local e = at(case[2])
      assert.matches(case[1], e.message, 1, true)
      assert.equal("tests/lib/grad_spec.lua", e.file)
      assert.equal(i == 1 and line or debug.getinfo(case[2], "S").linedefined, e.line)
    end
    local e = at(function(_, g) return g:matmul(g:reshape { 1, 2 }) end)
    assert.equal("shape", e.kind)
    assert.equal(debug.getinfo(1, "l").currentline - 2, e.line)
    assert.equal("word", at(function() error("word", 0) end))
    assert.matches("forward returned a number as result 1",
      failure(custom { name = "f", forward = function() return 1 end, backward = print }, leaf { 1 }).message)
    assert.matches("option 'backward' is missing", failure(custom, { name = "f", forward = print }).message)
  end)

  it("notices what was changed in place, and no nested backward of the same graph", function()
    local f = custom { name = "f", forward = function(ctx, x, w) ctx.w = w; return x * w end, -- luacheck: ignore
      backward = function(ctx, g) return g * ctx.w end }
    local x, w = leaf { 1 }, double { 2 }
    local y = f(x, w):sum()
    w:fill(3)
    assert.matches("f: ctx.w was changed in place", failure(y.backward, y).message)
    local outer
    local nested = custom { name = "nested", forward = function(_, a) return a * 2 end,
      backward = function(_, g) return grad(outer, x, { keep = true }) * g end }
    outer = nested(x):sum()
    assert.matches("still running", failure(outer.backward, outer).message)
    local own = custom { name = "own", forward = function(_, a) return a * 2 end, backward = function(_, g)
      return core.with_grad(function()
        local z = leaf { 5 }
        return grad((z * z):sum(), z) * g
      end)
    end }
    assert.same({ 10 }, grad(own(x):sum(), x):totable())
    assert.is_nil(x.grad)
  end)

  it("lets go of what ctx holds, inputs and results too", function()
    local f = custom { name = "f", forward = function(ctx, x)
      ctx.x, ctx.y = x, x * 2
      return ctx.y
    end, backward = function(ctx, g) return g * ctx.y / ctx.x end }
    local before
    for i = 1, 4 do
      do
        local x = leaf { 1, 2 }
        f(x):sum() -- never used
        f(x):sum():backward { create = true }
        f(x):sum():backward()
      end
      f(leaf { 1 }):sum():backward() -- gives back what the registry still held
      local now = live()
      if i > 2 then assert.equal(before, now) end
      before = now
    end
  end)
end)

describe("checkpointed", function()
  local function mlp(n, width, shared)
    local layers = {}
    for i = 1, n do
      layers[i] = shared and layers[1]
        or (core.randn { width, width } * (1 / width ^ 0.5)):detach():requires_grad(true)
    end
    return layers
  end

  -- The loss and all gradients of n layers in stretches of `size` (nil: plain), as digests.
  local function digests(layers, x, size, create)
    core.draws { 7, 7, 7, 7 }
    math.randomseed(3)
    local function stretch(from, to)
      return function(h)
        for i = from, to do
          h = (h:matmul(layers[i]) + core.randn { 1 } * 0.1 + math.random()):tanh()
          h = ops.dropout(h, { p = 0.2, seed = 1, purpose = 3, step = i })
        end
        return h
      end
    end
    local h = x
    for from = 1, #layers, size or #layers do
      local f = stretch(from, math.min(from + (size or #layers) - 1, #layers))
      h = size and checkpointed(f, h) or f(h)
    end
    local loss = (h * h):sum() + (layers[1] * layers[1]):sum()
    local wrt = { x, layers[1], layers[#layers] }
    local found = grad(loss, wrt, { create = create })
    local out = { loss:digest(), core.randn({ 2 }):digest(), math.random() }
    if create then
      local g = grad((found[1] * found[1]):sum() + (found[2] * found[2]):sum(), wrt)
      for _, t in ipairs(g) do out[#out + 1] = t:digest() end
    end
    for _, t in ipairs(found) do out[#out + 1] = t:digest() end
    return out
  end

  it("gives the same bits, with draws, weights shared among stretches, and second derivatives", function()
    local x = core.randn({ 4, 8 }):requires_grad(true)
    for _, shared in ipairs { false, true } do
      local layers = mlp(6, 8, shared)
      local plain = digests(layers, x)
      for _, size in ipairs { 1, 2, 3, 4, 6 } do assert.same(plain, digests(layers, x, size)) end
      local twice = digests(layers, x, nil, true)
      for _, size in ipairs { 2, 6 } do assert.same(twice, digests(layers, x, size, true)) end
    end
  end)

  it("may be nested, have several results, and return what it was given", function()
    local x, w = leaf { 1, 2 }, leaf { 3, 4 }
    local function f(a)
      local b = checkpointed(function(c) return (c * w):exp() * 0.01 end, a * w)
      return b * w, a, a * 2
    end
    local function all(call)
      local p, q, r = call(f, x * 1)
      local y = (p * p + q * r):sum()
      local g = grad(y, { x, w })
      return { y:digest(), g[1]:digest(), g[2]:digest() }
    end
    assert.same(all(function(g, ...) return g(...) end), all(checkpointed))
    local same, other = checkpointed(function(a)
      local h = a * 2
      return h, h
    end, x)
    assert.same({ 6, 6 }, grad((same + other * 2):sum(), x):totable())
    local y = checkpointed(function(a) return a end, x)
    assert.same({ 1, 1 }, grad(y:sum(), x):totable())
    assert.same({ 2, 4 }, checkpointed(function(a) return a * 2 end, x:detach()):totable())
  end)

  it("needs memory that grows as the square root of the depth", function()
    local width, batch = 32, 64
    local function peak(n, size)
      local layers = mlp(1, width)
      local x = core.randn { batch, width }
      local function stretch(count)
        return function(h)
          for _ = 1, count do
            local before, product = h, h:matmul(layers[1])
            h = product:tanh()
            product:release()
            if not rawequal(before, x) then before:release() end
          end
          return h
        end
      end
      collectgarbage()
      base.reset_peak()
      local start, h = base.memory().live, x
      for _ = 1, n // size do
        local f, at = stretch(size), h
        h = checkpointed(function(a) return f(a * 1) end, at)
      end
      h:sum():backward()
      return base.memory().peak - start
    end
    local a, b, c = peak(16, 4), peak(64, 8), peak(256, 16)
    assert.is_true(b < 2.6 * a and c < 2.6 * b, string.format("%d, %d, %d bytes", a, b, c))
    assert.is_true(peak(256, 256) > 4 * c)
  end)

  it("says so when the function does something else the second time", function()
    local x, n = leaf { 1, 2 }, 0
    local function other(a)
      n = n + 1
      return n == 1 and a * 2 or (a * 2):sum()
    end
    local y = checkpointed(other, x):sum()
    assert.matches("result 1 was 2 float64, but scalar float64 when the function was run again",
      failure(y.backward, y).message)
    y = checkpointed(function(a)
      if core.recomputing() then error "on the way back" end
      return a * 2
    end, x):sum()
    assert.matches("on the way back", tostring(failure(y.backward, y)))
    assert.matches("must be a tensor", failure(checkpointed, function() return 1 end, x).message)
    assert.matches("expected a function", failure(checkpointed, x, x).message)
    assert.is_nil(x.grad)
  end)

  it("takes a model, dropout and all", function()
    local net = words.find "model" "m" { words.find "input" { 1, 6, 6 }, words.find "area" "A" {
      words.find "conv" { 3, kernel = 3 }, words.find "relu", words.find "dropout" { 0.5 } },
      words.find "readout" "r" { words.find "dense" { 4 } } }
    local x, found = core.randn { 3, 1, 6, 6 }, {}
    for i, call in ipairs { function(f, ...) return f(...) end, checkpointed } do
      for _, p in ipairs(net:parameters()) do p.tensor:zero_grad() end
      local y = call(function(a) return net:forward(a, { training = true, step = 3 }) end, x)
      ;(y * y):sum():backward()
      found[i] = {}
      for _, p in ipairs(net:parameters()) do table.insert(found[i], p.tensor.grad:digest()) end
    end
    assert.same(found[1], found[2])
  end)
end)

describe("directions", function()
  local w = core.randn({ 3, 2, 3, 3 }, { dtype = "float64" })
  local function f(x, b)
    local y = ops.avg_pool2d(ops.conv2d(x, w, b, { pad = 1 }):tanh(), { kernel = 2, stride = 2 })
    return ops.softmax(y:reshape { y:size(1), -1 }, -1), (y * y):mean()
  end
  local inputs = { core.randn({ 2, 2, 4, 4 }, { dtype = "float64" }), core.randn({ 3 }, { dtype = "float64" }) }
  local along = { core.randn({ 2, 2, 4, 4 }, { dtype = "float64" }), core.randn({ 3 }, { dtype = "float64" }) }

  it("agree with reverse mode and with differences", function()
    local ys, ts = jvp(f, inputs, along)
    local leaves = { inputs[1]:detach():requires_grad(true), inputs[2]:detach():requires_grad(true) }
    local outs, us = { f(table.unpack(leaves)) }, {}
    for i, y in ipairs(outs) do us[i] = core.randn(y.shape, { dtype = "float64" }) end
    local g = grad(outs, leaves, { gradient = us })
    local forward, reverse = 0, 0
    for i = 1, 2 do
      assert.equal(outs[i]:detach():digest(), ys[i]:digest())
      forward = forward + (us[i] * ts[i]):sum():item()
      reverse = reverse + (g[i] * along[i]):sum():item()
    end
    assert.is_true(math.abs(forward - reverse) <= 1e-10 * math.max(1, math.abs(forward)))
    local h = 1e-5
    local plus = { f(inputs[1] + along[1] * h, inputs[2] + along[2] * h) }
    local minus = { f(inputs[1] - along[1] * h, inputs[2] - along[2] * h) }
    for i = 1, 2 do assert.is_true(difference((plus[i] - minus[i]) / (2 * h), ts[i]) < 1e-8) end
  end)

  it("give Jacobians both ways, Hessians and their products", function()
    local a = double { { 1, 2, 3 }, { 4, 5, 6 } }
    local x = double { 0.5, -1, 2 }
    local linear = function(v) return a:matmul(v:reshape { 3, 1 }):reshape { 2 } end
    for _, mode in ipairs { "forward", "reverse", "auto" } do
      assert.same(a:totable(), jacobian(linear, x, { mode = mode }):totable())
    end
    local function curved(v, u) return (v * v * v * u):sum():exp() * 0.01 + v[1] * v[2] end
    local u = double { 0.1, 0.2, 0.3 }
    local hess = hessian(curved, { x, u })
    for i = 1, 2 do
      local rows = jacobian(function(p, q)
        local s, t = p:detach():requires_grad(true), q:detach():requires_grad(true)
        return grad(curved(s, t), i == 1 and s or t)
      end, { x, u })
      assert.same({ 3, 3 }, rows[1].shape) -- of constants: all zero
      assert.equal(0, rows[1]:abs():max():item())
    end
    assert.is_true(difference(hess[1][2], hess[2][1]:t()) < 1e-12)
    assert.is_true(difference(hess[1][1], hess[1][1]:t()) < 1e-12)
    local v = { double { 1, -2, 0.5 }, double { 0.3, 0.2, 0.1 } }
    local product = hvp(curved, { x, u }, v)
    for i = 1, 2 do
      local whole = hess[i][1]:matmul(v[1]:reshape { 3, 1 }) + hess[i][2]:matmul(v[2]:reshape { 3, 1 })
      assert.is_true(difference(product[i], whole:reshape { 3 }) < 1e-10)
    end
    assert.same({ { 2, 0 }, { 0, 2 } }, hessian(function(q) return (q * q):sum() end, double { 3, 4 }):totable())
    assert.same({ { 0, 0 }, { 0, 0 } }, hessian(function(q) return q:sum() end, double { 3, 4 }):totable())
    assert.same({ 0, 0 }, hvp(function(q) return q:sum() end, double { 3, 4 }, double { 1, 1 }):totable())
  end)

  it("say what does not fit", function()
    local x = double { 1, 2 }
    assert.matches("tangents 1 is 3 float64, its input 2 float64",
      failure(jvp, function(a) return a end, x, double { 1, 2, 3 }).message)
    assert.matches("expected one tensor with one element", failure(hessian, function(a) return a end, x).message)
    assert.matches("returned a number, expected tensors", failure(jacobian, function() return 1 end, x).message)
    assert.matches("expected a function", failure(hvp, 3, x, x).message)
  end)
end)

describe("gradcheck", function()
  it("names the worst element with both values", function()
    local wrong = custom { name = "wrong", forward = function(ctx, x) ctx.x = x; return x * x end, -- luacheck: ignore
      backward = function(ctx, g) return g * ctx.x * double { { 2, 2 }, { 2, 2.5 } } end }
    local x = double { { 1, 2 }, { 3, 4 } }
    local report = gradcheck(wrong, x, { raise = false })
    assert.is_false(report.ok)
    assert.same({ 2, 2 }, report.worst.element)
    assert.equal("input 1", report.worst.tensor)
    assert.is_true(math.abs(report.worst.analytic / report.worst.numeric - 1.25) < 1e-6)
    local e = failure(gradcheck, wrong, x)
    assert.equal("numeric", e.kind)
    assert.matches("input 1%[2, 2%]: analytic .* numeric .* error", e.message)
  end)

  it("sees second derivatives that are wrong", function()
    local constant = custom { name = "constant",
      forward = function(ctx, x) -- luacheck: ignore
        ctx.x = x
        return x * x
      end,
      backward = function(ctx, g) return g * ctx.x:detach() * 2 end }
    assert.is_true(gradcheck(constant, double { 1, 2 }).ok)
    assert.is_false(gradcheck(constant, double { 1, 2 }, { order = 2, raise = false }).ok)
  end)

  it("works on a model and leaves it, its bits and the script's draws as they were", function()
    local net = words.find "model" "m" { words.find "input" { 1, 5, 5 }, words.find "area" "A" {
      words.find "conv" { 2, kernel = 3 }, words.find "tanh" },
      words.find "readout" "r" { words.find "dense" { 3 } } }
    local x, digest = core.randn { 2, 1, 5, 5 }, net:digest()
    local draws = core.draws()
    local report = gradcheck(net, x, { elements = 20 })
    assert.is_true(report.ok)
    assert.equal(20 + 18 + 2 + 20 + 3, report.checked)
    assert.is_true(report.worst.error < 1e-8)
    assert.equal(digest, net:digest())
    assert.equal("float32", net:parameters()[1].tensor.dtype)
    assert.same(draws, core.draws())
    local w = core.randn({ 5, 2 }):requires_grad(true)
    local function outer(a) return (a:matmul(w) + core.randn { 2, 2 }):to(a.dtype):sin() end
    assert.is_true(gradcheck(outer, core.randn { 2, 5 }, { parameters = { w } }).ok)
    local function narrow(a) return a:to "float32" end
    assert.matches("result 1 is float32 although", failure(gradcheck, narrow, x).message)
  end)
end)
