-- s22_autodiff.lua: SYSTEMS S22. Derivatives: of every op against differences, forwards against backwards, the same
-- bits again, and memory that grows with depth in a straight line.
--
-- Forward mode is here what it is in a textbook: pairs of a value and its derivative along a direction, with the
-- product rule written out for each operation of a small convolutional network. Of every op by itself the derivative
-- along a direction, <u, J t>, is that of the reverse pass (jvp), against <J' u, t>.
local p = experiment "s22-autodiff" { seed = 1, params = { depths = { 8, 16, 32, 64, 96, 128 }, width = 64,
  batch = 1024 } }

local base = require "lamina.core.base"

local function result(metric, value, comparison, threshold, label)
  report { id = "S22", metric = metric, value = value, comparison = comparison, threshold = threshold, label = label }
end

local function floating(t) return t.dtype:find "^float" ~= nil end

-- ---- every op --------------------------------------------------------------------------------------------------

local function dot(a, b) return (a * b):sum():item() end

-- The largest |<u, J t> - <J' u, t>| of a case, relative to the larger of 1 and either, for random u and t.
local function case_difference(case)
  local ts, us, xs, forward, reverse = {}, {}, {}, 0, 0
  for i, x in ipairs(case.inputs) do
    ts[i] = floating(x) and randn(x.shape, { dtype = "float64" }) or zeros(x.shape, { dtype = x.dtype })
    xs[i] = floating(x) and x:clone():requires_grad(true) or x
  end
  local _, along = jvp(case.call, case.inputs, ts)
  if type(along) == "userdata" then along = { along } end
  local outputs, loss = { case.call(table.unpack(xs)) }, nil
  for i, y in ipairs(outputs) do
    if floating(y) and y:requires_grad() then
      us[i] = randn(y.shape, { dtype = "float64" })
      forward = forward + dot(us[i], along[i])
      loss = loss and loss + (y * us[i]):sum() or (y * us[i]):sum()
    end
  end
  if not loss then return 0 end
  loss:backward()
  for i, x in ipairs(xs) do
    if floating(x) and x.grad then reverse = reverse + dot(x.grad, ts[i]) end
  end
  return math.abs(forward - reverse) / math.max(1, math.abs(forward), math.abs(reverse))
end

local passed, apart, n_ops, n_cases, worst = 1, 0, 0, 0, 0
for _, name in ipairs(ops.list()) do
  if ops.doc(name).differentiable then
    n_ops = n_ops + 1
    for _, case in ipairs(ops.cases(name)) do
      local any = false
      for _, x in ipairs(case.inputs) do any = any or floating(x) end
      if any then
        local found = gradcheck(case.call, case.inputs, { raise = false, elements = 1000 })
        if not found.ok then
          passed = 0
          print(name, case.text, found)
        end
        n_cases, worst = n_cases + 1, math.max(worst, found.worst and found.worst.error or 0)
        apart = math.max(apart, case_difference(case))
      end
    end
  end
end
print(string.format("%d cases of %d ops; the largest error against differences is %.2g", n_cases, n_ops, worst))
result("every_op_gradcheck_passed", passed, "==", 1)

-- ---- forward mode ------------------------------------------------------------------------------------------------

local dual = {}

function dual.matmul(a, b) return { a[1]:matmul(b[1]), a[2]:matmul(b[1]) + a[1]:matmul(b[2]) } end

function dual.add(a, b) return { a[1] + b[1], a[2] + b[2] } end

function dual.mul(a, b) return { a[1] * b[1], a[2] * b[1] + a[1] * b[2] } end

function dual.conv(a, w)
  return { ops.conv2d(a[1], w[1]), ops.conv2d(a[2], w[1]) + ops.conv2d(a[1], w[2]) }
end

function dual.tanh(a)
  local y = a[1]:tanh()
  return { y, a[2] * (1 - y * y) }
end

function dual.flatten(a) return { a[1]:flatten(2), a[2]:flatten(2) } end

function dual.log_softmax(a)
  local y = ops.log_softmax(a[1], { dim = 2 })
  return { y, a[2] - (y:exp() * a[2]):sum(2, { keepdim = true }) }
end

function dual.mean(a) return { a[1]:mean(), a[2]:mean() } end

local plain = { matmul = function(a, b) return a:matmul(b) end, add = function(a, b) return a + b end,
  mul = function(a, b) return a * b end, conv = function(a, w) return ops.conv2d(a, w) end,
  tanh = function(a) return a:tanh() end, flatten = function(a) return a:flatten(2) end,
  log_softmax = function(a) return ops.log_softmax(a, { dim = 2 }) end, mean = function(a) return a:mean() end }

-- A small network, written once for both: convolution, a gate, a shared kernel, a readout, the cross-entropy.
local function network(o, x, w, v, b, target)
  local h = o.tanh(o.conv(x, w))
  h = o.mul(h, o.tanh(h))
  h = o.tanh(o.conv(h, v))
  h = o.tanh(o.conv(h, v)) -- the same kernel again
  local y = o.log_softmax(o.add(o.matmul(o.flatten(h), b), o.matmul(o.flatten(h), b)))
  return o.mean(o.mul(y, target))
end

local function normal(...) return randn({ ... }, { dtype = "float64" }) end

-- 9x8 pictures; 7x6 after the first convolution, 6x4 and 5x2 after the others
local leaves = { normal(4, 2, 9, 8), normal(3, 2, 3, 3), normal(3, 3, 2, 3), normal(30, 5) * 0.2 }
local target = ops.softmax(normal(4, 5), { dim = 2 })
for _ = 1, 20 do
  local pairs_, xs, directions = {}, {}, {}
  for i, x in ipairs(leaves) do
    directions[i] = randn(x.shape, { dtype = "float64" })
    pairs_[i], xs[i] = { x, directions[i] }, x:clone():requires_grad(true)
  end
  local forward = network(dual, pairs_[1], pairs_[2], pairs_[3], pairs_[4], { target, target * 0 })
  network(plain, xs[1], xs[2], xs[3], xs[4], target):backward()
  local reverse = 0
  for i, x in ipairs(xs) do reverse = reverse + dot(x.grad, directions[i]) end
  apart = math.max(apart, math.abs(forward[2]:item() - reverse))
end
result("forward_reverse_difference", apart, "<=", 1e-10)

-- ---- the same bits again -----------------------------------------------------------------------------------------

local images = randn { 256, 1, 12, 12 }

local function trained()
  local net = model "again" { seed = 5, input { 1, 12, 12 },
    area "V1" { conv { 8, kernel = 3, pad = 1 }, norm.batch, relu, pool.max { 2 } },
    area "V2" { conv { 8, kernel = 3 }, relu, dropout { 0.3 } },
    readout "class" { dense { 4 } } }
  local x = images
  local y = x:flatten(2)[{ {}, { 1, 4 } }]:contiguous():argmax(2)
  train { model = net, data = data.tensors { x, y }, optimizer = adam { rate = 0.01 }, epochs = 3, batch = 32,
    log = false }
  return net:digest()
end

local first, same = trained(), 1
for _ = 1, 3 do
  if trained() ~= first then same = 0 end
end
result("rerun_bit_identical", same, "==", 1)

-- ---- memory ------------------------------------------------------------------------------------------------------

-- Layers from .. to. What Lua will not look at again is let go of at once, not when its collector comes.
local function stretch(x, weights, from, to)
  local h = x
  for i = from, to do
    local before, product = h, h:matmul(weights[i])
    h = product:tanh()
    product:release()
    if not rawequal(before, x) then before:release() end
  end
  return h
end

-- A training step of a network of as many layers as weights; in `segments` checkpointed stretches, where given.
local function step(x, weights, segments)
  local h, depth = x, #weights
  if not segments then h = stretch(h, weights, 1, depth) end
  for s = 1, segments or 0 do
    local from, to = (s - 1) * depth // segments + 1, s * depth // segments
    h = checkpointed(function(y) return stretch(y, weights, from, to) end, h)
  end
  h:square():mean():backward()
end

-- The megabytes that a step takes at its peak, beyond parameters and gradients.
local function peak(depth, segments)
  local weights = {}
  for i = 1, depth do weights[i] = (randn { p.width, p.width } / math.sqrt(p.width)):requires_grad(true) end
  local x = randn { p.batch, p.width }
  step(x, weights, segments) -- the first step makes the gradients
  collectgarbage()
  collectgarbage()
  local before = base.memory().live
  base.reset_peak()
  step(x, weights, segments)
  return (base.memory().peak - before) / 2 ^ 20
end

local depths, whole, parts = p.depths, {}, {}
for i, depth in ipairs(depths) do
  whole[i], parts[i] = peak(depth), peak(depth, math.floor(math.sqrt(depth) + 0.5))
  print(string.format("%4d layers: %6.2f MB, in sqrt(n) stretches %6.2f MB", depth, whole[i], parts[i]))
end

-- The straight line nearest to the peaks, and how far they lie from it.
local n, mean_x, mean_y, xx, xy = #depths, 0, 0, 0, 0
for i = 1, n do mean_x, mean_y = mean_x + depths[i] / n, mean_y + whole[i] / n end
for i = 1, n do
  xx, xy = xx + (depths[i] - mean_x) ^ 2, xy + (depths[i] - mean_x) * (whole[i] - mean_y)
end
local off = 0
for i = 1, n do
  local line = mean_y + xy / xx * (depths[i] - mean_x)
  local percent = 100 * (whole[i] / line - 1)
  if math.abs(percent) > math.abs(off) then off = percent end
end
result("peak_memory_linearity_deviation_percent", off, "+-", { 0, 10 }, "close")

plot.line({ { x = depths, y = whole, label = "all kept" }, { x = depths, y = parts, label = "in sqrt(n) stretches" },
  xlabel = "layers", ylabel = "memory of a step (MB)", zero = true }):save "figure.svg"
