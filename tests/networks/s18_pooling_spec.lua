-- SYSTEMS S18: pooling, each kind against plain loops, its limits, gradients, and the frequencies of what is drawn.
local check = require "lamina.grad.check"
local core = require "lamina.core.tensor"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local pool = require "lamina.layers.pool"

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 7, purpose = purpose or "s18" }
end

-- What lies in each window, by the definition: the elements inside the input, and how many there are with the margin.
local function windows(map, o)
  local h, w, list = #map, #map[1], {}
  local extent, room = (o.kernel - 1) * o.dilation + 1, nil
  local function count(size)
    room = size + 2 * o.pad - extent
    if not o.ceil then return room // o.stride + 1 end
    local n = math.ceil(room / o.stride) + 1
    if (n - 1) * o.stride >= size + o.pad then n = n - 1 end
    return n
  end
  for oy = 0, count(h) - 1 do
    for ox = 0, count(w) - 1 do
      local inside, with_margin = {}, 0
      for ky = 0, o.kernel - 1 do
        for kx = 0, o.kernel - 1 do
          local y, x = oy * o.stride - o.pad + ky * o.dilation, ox * o.stride - o.pad + kx * o.dilation
          if y < h + o.pad and x < w + o.pad then with_margin = with_margin + 1 end
          if y >= 0 and y < h and x >= 0 and x < w then inside[#inside + 1] = map[y + 1][x + 1] end
        end
      end
      list[#list + 1] = { inside = inside, with_margin = with_margin }
    end
  end
  return list, count(h), count(w)
end

local function sum(list, f)
  local total = 0
  for _, v in ipairs(list) do total = total + f(v) end
  return total
end

local function same(v) return v end

local KINDS = {
  max = function(w) return math.max(table.unpack(w.inside)) end,
  avg = function(w) return sum(w.inside, same) / w.with_margin end,
  lp = function(w) return sum(w.inside, function(v) return math.abs(v) ^ 3 end) ^ (1 / 3) end,
  logsumexp = function(w)
    return math.log(sum(w.inside, function(v) return math.exp(2 * v) end) / #w.inside) / 2
  end,
  softmax = function(w)
    return sum(w.inside, function(v) return v * math.exp(2 * v) end)
      / sum(w.inside, function(v) return math.exp(2 * v) end)
  end,
  stochastic = function(w)
    local total = sum(w.inside, function(v) return math.max(v, 0) end)
    return total == 0 and 0 or sum(w.inside, function(v) return math.max(v, 0) ^ 2 end) / total
  end,
}

local OPTIONS = { lp = { p = 3 }, logsumexp = { beta = 2 }, softmax = { beta = 2 } }

local GEOMETRIES = {
  { kernel = 2, stride = 2, pad = 0, dilation = 1, ceil = false },
  { kernel = 3, stride = 2, pad = 1, dilation = 1, ceil = false },
  { kernel = 3, stride = 2, pad = 0, dilation = 1, ceil = true },
  { kernel = 2, stride = 3, pad = 1, dilation = 2, ceil = true },
  { kernel = 3, stride = 1, pad = 1, dilation = 2, ceil = false },
  { kernel = 4, stride = 3, pad = 2, dilation = 1, ceil = true },
}

describe("S18 pooling", function()
  for kind, formula in pairs(KINDS) do
    it("pool." .. kind .. " agrees with loops over windows of every kind", function()
      for g, o in ipairs(GEOMETRIES) do
        local given = { o.kernel, stride = o.stride, pad = o.pad, dilation = o.dilation, ceil = o.ceil }
        for name, value in pairs(OPTIONS[kind] or {}) do given[name] = value end
        local x = draw { 2, 2, 8, 7 }
        local net = net_of({ 2, 8, 7 }, pool[kind](given))
        local y = net(x)
        for n = 1, 2 do
          for c = 1, 2 do
            local list, h, w = windows(x[n][c]:totable(), o)
            assert.same({ 2, h, w }, net:layers()[1].shape)
            local flat = y[n][c]:reshape({ h * w }):totable()
            for i, window in ipairs(list) do
              local want = formula(window)
              assert.is_true(math.abs(want - flat[i]) <= 2e-5 * math.max(1, math.abs(want)),
                string.format("%s, geometry %d, window %d: %g is not %g", kind, g, i, flat[i], want))
            end
          end
        end
      end
    end)
  end

  it("goes from the window's mean to its largest", function()
    local x = draw({ 4, 3, 6, 6 }):abs() * 20
    local mean, largest = pool.avg(x, { 2 }), pool.max(x, { 2 })
    local function off(a, b) return (a - b):abs():max():item() end
    local one = pool.lp(x, { 2, p = 1 })
    assert.is_true(((one - mean * 4):abs() / (mean * 4)):max():item() < 1e-6)
    local large = pool.lp(x, { 2, p = 64 })
    assert.is_true(((large - largest):abs() / largest):max():item() <= 0.03)
    assert.is_true(off(pool.softmax(x / 20, { 2, beta = 1e-4 }), mean / 20) < 1e-3)
    assert.is_true(off(pool.softmax(x / 20, { 2, beta = 1e5 }), largest / 20) < 1e-3)
    assert.is_true(off(pool.logsumexp(x / 20, { 2, beta = 1e-3 }), mean / 20) < 1e-3)
    assert.is_true(off(pool.logsumexp(x / 20, { 2, beta = 1e4 }), largest / 20) < 1e-3)
    local mixed = pool.lp(x, { 2, p = 2, mean = true })
    assert.is_true(off(mixed, pool.avg(x:square(), { 2 }):sqrt()) < 1e-4)
  end)

  it("has no overflow in large powers and no NaN at zeros", function()
    local x = core.tensor({ { { { 1e30, 0 }, { 3, 1e-30 } } } }):requires_grad(true)
    local y = pool.lp(x, { 2, p = 50 })
    assert.is_true(math.abs(y:item() / 1e30 - 1) < 1e-6)
    y:sum():backward()
    assert.is_true(math.abs(x.grad:max():item() - 1) < 1e-6)
    local zeros = core.zeros({ 1, 1, 2, 2 }):requires_grad(true)
    pool.lp(zeros, { 2 }):sum():backward()
    assert.equal(0, zeros.grad:abs():max():item())
    assert.is_true(ops.isnan(pool.lp(core.full({ 1, 1, 2, 2 }, 0 / 0), { 2 })):item())
  end)

  it("draws elements by their share, keyed by the step", function()
    local rates, count = { 1, 2, 0, 5 }, 4000
    local x = core.tensor { { { rates[1], rates[2] }, { rates[3], rates[4] } } }:reshape { 1, 1, 2, 2 }
    local batch = ops.contiguous(ops.expand(x, { count, 1, 2, 2 }))
    local net = net_of({ 1, 2, 2 }, pool.stochastic { 2 })
    local function run(step) return net:forward(batch, { training = true, step = step }) end
    local seen = {}
    for _, v in ipairs(run(1):reshape({ count }):totable()) do seen[v] = (seen[v] or 0) + 1 end
    assert.is_nil(seen[0])
    local chi2 = 0
    for _, rate in ipairs { 1, 2, 5 } do
      local want = count * rate / 8
      chi2 = chi2 + ((seen[rate] or 0) - want) ^ 2 / want
    end
    assert.is_true(math.exp(-chi2 / 2) > 0.01, "chi squared " .. chi2) -- 2 degrees of freedom
    assert.equal(run(1):digest(), run(1):digest())
    assert.are_not.equal(run(1):digest(), run(2):digest())
    local off = core.full({ 3, 1, 2, 2 }, -1)
    assert.equal(0, net:forward(off, { training = true, step = 1 }):abs():max():item())
  end)

  it("gives the gradient to the element that was drawn", function()
    local net = net_of({ 2, 4, 4 }, pool.stochastic { 2 })
    local x = draw({ 3, 2, 4, 4 }):abs():requires_grad(true)
    local y = net:forward(x, { training = true, step = 3 })
    y:sum():backward()
    assert.equal(24, x.grad:sum():item())
    assert.is_true((pool.avg(x.grad * x:detach(), { 2 }) * 4 - y:detach()):abs():max():item() < 1e-6)
  end)

  it("saturates as C-cells do", function()
    local x = draw { 2, 3, 5, 5 }
    local y = pool.saturating(x, { 3, stride = 2, alpha = 0.4, decay = 0.7 })
    local d, total = {}, 0
    for i = 1, 9 do
      d[i] = 0.7 ^ math.sqrt(((i - 1) // 3 - 1) ^ 2 + ((i - 1) % 3 - 1) ^ 2)
      total = total + d[i]
    end
    for n = 1, 2 do
      for oy = 0, 1 do
        local s = {}
        for c = 1, 3 do
          s[c] = 0
          for i = 1, 9 do
            s[c] = s[c] + d[i] / total * math.max(x[n][c][2 * oy + (i - 1) // 3 + 1][3 + (i - 1) % 3], 0)
          end
        end
        for c = 1, 3 do
          local z = math.max((1 + s[c]) / (1 + (s[1] + s[2] + s[3]) / 3) - 1, 0)
          assert.is_true(math.abs(z / (0.4 + z) - y[n][c][oy + 1][2]) < 1e-5)
        end
      end
    end
    local plain = pool.saturating(core.full({ 1, 2, 3, 3 }, 2), { 3, inhibition = false })
    assert.is_true(math.abs(plain:max():item() - 2 / 2.5) < 1e-6)
  end)

  it("adds the energy of quadrature pairs, which does not depend on their phase", function()
    local x = core.tensor { 3, 4, 5, 12 }:reshape { 1, 4, 1, 1 }
    assert.same({ 25, 169 }, pool.energy(x):reshape({ 2 }):totable())
    assert.same({ 5, 13 }, pool.energy(x, { root = true }):reshape({ 2 }):totable())
    assert.same({ 34, 160 }, pool.energy(x, { pairs = "halves" }):reshape({ 2 }):totable())
    local phase = core.linspace(0, 6, 16)
    local pair = ops.stack({ phase:cos(), phase:sin() }, { dim = 2 }):reshape { 16, 2, 1, 1 }
    assert.is_true((pool.energy(pair) - 1):abs():max():item() < 1e-6)
    local map = draw { 2, 2, 4, 4 }
    local want = pool.avg(map:square(), { 2 }):sum { 2 }
    assert.is_true((pool.energy(map, { 2 }):reshape { 2, 2, 2 } - want):abs():max():item() < 1e-5)
  end)

  it("covers maps of any size with the bins asked for", function()
    for _, case in ipairs { { 7, 5, 3, 2 }, { 4, 6, 2, 3 }, { 3, 2, 5, 2 }, { 10, 1, 4, 1 } } do
      local h, w, oh, ow = table.unpack(case)
      local x = draw { 2, 2, h, w }
      local mean, largest = pool.adaptive(x, { { oh, ow } }), pool.adaptive(x, { { oh, ow }, "max" })
      for i = 1, oh do
        for k = 1, ow do
          local total, count, best = 0, 0, -math.huge
          for r = math.floor((i - 1) * h / oh) + 1, math.ceil(i * h / oh) do
            for c = math.floor((k - 1) * w / ow) + 1, math.ceil(k * w / ow) do
              total, count, best = total + x[2][1][r][c], count + 1, math.max(best, x[2][1][r][c])
            end
          end
          assert.is_true(math.abs(total / count - mean[2][1][i][k]) < 1e-5)
          assert.equal(best, largest[2][1][i][k])
        end
      end
    end
  end)

  it("has right gradients", function()
    local x = core.arange(1, 60):to "float32":reshape { 1, 2, 5, 6 }
    x = ops.sin(x * 1.7) * 2 + x * 0.01 -- no two alike
    for _, given in ipairs {
      { "max", { 3, stride = 2, pad = 1, ceil = true } }, { "avg", { 2, dilation = 2 } },
      { "avg", { 3, stride = 2, pad = 1, ceil = true, count_pad = false } },
      { "lp", { 3, stride = 2, pad = 1, p = 2.5 } },
      { "lp", { 2, p = 2, mean = true, ceil = true } }, { "logsumexp", { 3, stride = 2, pad = 1, beta = 0.7 } },
      { "softmax", { 3, stride = 2, pad = 1, beta = 0.7 } }, { "stochastic", { 2, stride = 1 } },
      { "saturating", { 3, stride = 1, alpha = 0.5 } }, { "energy", { 2, root = true } },
      { "adaptive", { { 3, 4 } } }, { "adaptive", { { 3, 4 }, "max" } }, { "global", { "avg" } },
      { "global", { "max" } },
    } do
      local report = check.gradcheck(function(t) return pool[given[1]](t, given[2]) end, { x }, { raise = false })
      assert.is_true(report.ok, given[1] .. ": " .. tostring(report))
    end
  end)

  it("learns p and beta, one for each channel", function()
    local x = draw({ 3, 2, 4, 4 }):abs()
    for _, kind in ipairs { "lp", "logsumexp", "softmax" } do
      local given = { 2, pad = 1, learn = true, p = kind == "lp" and 3 or nil, beta = kind ~= "lp" and 3 or nil }
      local net = net_of({ 2, 4, 4 }, pool[kind](given))
      assert.equal(2, net:count())
      given.learn = nil
      assert.is_true((net(x) - pool[kind](x, given)):abs():max():item() < 1e-5)
      local report = check.gradcheck(net, { x }, { raise = false })
      assert.is_true(report.ok, kind .. ": " .. tostring(report))
    end
  end)

  it("says what does not fit", function()
    for _, case in ipairs {
      { { 3, 4, 4 }, pool.energy, "pool.energy: needs an even number of channels, got 3x4x4" },
      { { 2, 4, 4 }, pool.lp { 2, p = 1, learn = true }, "pool.lp: learn = true begins at a p above 1, not at 1" },
      { { 2, 4, 4 }, pool.softmax { 2, beta = 0, learn = true }, "a beta above 0" },
      { { 2, 4, 4 }, pool.max { 3, dilation = 3 }, "a window of 3x3 with dilation 3x3 does not fit" },
      { { 2, 4, 4 }, pool.max { 2, pad = 2 }, "more than half of the window" },
      { { 8 }, pool.adaptive { 2 }, "channels x height x width" },
      { { 2, 4, 4 }, pool.adaptive, "pool.adaptive: option 'size' is missing" },
      { { 2, 4, 4 }, pool.logsumexp { 2, beta = 0 }, "option 'beta' is 0, expected a number above 0" },
    } do
      local ok, err = pcall(net_of, case[1], case[2])
      assert.is_false(ok, case[3])
      assert.matches(case[3], tostring(err), 1, true)
    end
    local ok, err = pcall(pool.lp, draw { 1, 2, 4, 4 }, { 2, learn = true })
    assert.is_false(ok)
    assert.matches("pool.lp holds weights", tostring(err), 1, true)
  end)
end)
