-- s16_convolution.lua: SYSTEMS S16. Convolution by its fast paths against windows times a matrix, its gradient, its
-- adjoint, circular shifts, and its speed.
local p = experiment "s16-convolution" { seed = 1, params = { configurations = 240 } }

local base = require "lamina.core.base"

local function result(metric, value, comparison, threshold, label)
  report { id = "S16", metric = metric, value = value, comparison = comparison, threshold = threshold, label = label }
end

local function one(low, high) return randint(low, high, { 1 }):item() end

-- A configuration drawn at random: shapes of input and weight, and the op's options.
local function drawn()
  while true do
    local groups = one(1, 3)
    local o = { stride = { one(1, 3), one(1, 3) }, pad = { one(0, 3), one(0, 3) }, groups = groups,
      dilation = { one(1, 2), one(1, 2) } }
    local x = { one(1, 3), groups * one(1, 6), one(5, 18), one(5, 18) }
    local w = { groups * one(1, 6), x[2] // groups, one(1, 5), one(1, 5) }
    local fits = true
    for i = 1, 2 do fits = fits and x[i + 2] + 2 * o.pad[i] >= (w[i + 2] - 1) * o.dilation[i] + 1 end
    if fits then return x, w, o end
  end
end

-- The same sums as a product of matrices: im2col and GEMM, group by group.
local function by_matrix(x, w, o)
  local parts, own, out = {}, w:size(2), w:size(1) // o.groups
  for g = 0, o.groups - 1 do
    local columns = ops.unfold(ops.slice(x, { dim = 2, start = g * own + 1, stop = (g + 1) * own }),
      { kernel = { w:size(3), w:size(4) }, stride = o.stride, pad = o.pad, dilation = o.dilation })
    local rows = ops.slice(w, { dim = 1, start = g * out + 1, stop = (g + 1) * out }):reshape { out, -1 }
    parts[g + 1] = ops.matmul(rows, columns)
  end
  return ops.concat(parts, { dim = 2 })
end

local worst, slope, adjoint = 0, 0, 1
for i = 1, p.configurations do
  local xs, ws, o = drawn()
  if i % 10 == 0 then -- one that is large enough for the paths of large convolutions (3 x 3: Winograd)
    local c, f = 16 * one(1, 4), 16 * one(1, 4)
    xs, ws, o = { 2, c, 24, 24 }, { f, c, 3, 3 }, { stride = one(1, 2), pad = one(0, 1), groups = 1 }
  end
  local x, w = randn(xs), randn(ws)
  local y = ops.conv2d(x, w, nil, o)
  local other = by_matrix(x, w, o):reshape(y.shape)
  worst = math.max(worst, ((y - other):abs():max() / other:abs():max()):item())
  if i <= 30 and i % 10 ~= 0 then
    local checked = gradcheck(function(a, b) return ops.conv2d(a, b, nil, o) end, { x, w },
      { elements = 20, raise = false })
    slope = math.max(slope, checked.worst.error)
  end
  x, w = x:to "float64", w:to "float64"
  local z = randn(y.shape):to "float64"
  local back = ops.conv2d_grad_input(z, w, { stride = o.stride, pad = o.pad, dilation = o.dilation, groups = o.groups,
    size = { xs[3], xs[4] } })
  local left, right = (ops.conv2d(x, w, nil, o) * z):sum():item(), (x * back):sum():item()
  local size = (ops.conv2d(x, w, nil, o) * z):abs():sum():item()
  if math.abs(left - right) > 1e-12 * size then adjoint = 0 end
end
result("random_configurations", p.configurations, ">=", 200)
result("direct_gemm_relative_error", worst, "<=", 1e-5)
result("gradcheck_error", slope, "<=", 1e-6)
result("adjoint_identity_holds", adjoint, "==", 1)

local circular = model "circular" { input { 3, 16, 20 }, area "A" {
  conv { 8, kernel = 5, pad = 2, mode = "circular" } } }
local x, off = randn { 4, 3, 16, 20 }, 0
for _, by in ipairs { { 1, 0 }, { 5, -3 }, { -7, 9 } } do
  off = math.max(off, (circular(x:roll(by, { 3, 4 })) - circular(x):roll(by, { 3, 4 })):abs():max():item())
end
result("circular_shift_equivariance_difference", off, "==", 0)

-- 64 channels, 32 x 32. The loops over filters, channels and rows and columns of the kernel stand here; their
-- innermost two, over the map, are vectorised passes of the runtime, which makes the ratio smaller than loops
-- throughout would.
x = randn { 1, 64, 32, 32 }
local w = randn { 64, 64, 3, 3 }
local margin = x:pad(1, { dims = { 3, 4 } })
local values = w:totable()

local function timed(f, times)
  local start = base.clock()
  for _ = 1, times do f() end
  return (base.clock() - start) / times
end

local windows = {}
for c = 1, 64 do
  windows[c] = {}
  for ky = 1, 3 do
    windows[c][ky] = {}
    for kx = 1, 3 do
      windows[c][ky][kx] = margin[1][c]:slice({ dim = 1, start = ky, stop = ky + 31 }):slice({ dim = 2, start = kx,
        stop = kx + 31 }):contiguous()
    end
  end
end

local looped = zeros { 64, 32, 32 }
local function loops(filters)
  for o = 1, filters do
    local y = looped[o]
    for c = 1, 64 do
      for ky = 1, 3 do
        for kx = 1, 3 do y:add_(windows[c][ky][kx] * values[o][c][ky][kx]) end
      end
    end
  end
end

local slow = timed(function() loops(64) end, 1)
assert((ops.conv2d(x, w, nil, { pad = 1 }) - looped):abs():max():item() < 1e-3)
timed(function() ops.conv2d(x, w, nil, { pad = 1 }) end, 20)
local fast = timed(function() ops.conv2d(x, w, nil, { pad = 1 }) end, 100)
result("speedup_over_naive_loops", slow / fast, ">=", 10, "close")

-- The same for fewer filters of the 64.
local line = { { x = {}, y = {}, label = "loops" }, { x = {}, y = {}, label = "conv2d" } }
for k, filters in ipairs { 4, 8, 16, 32, 64 } do
  local some = w[{ { 1, filters } }]:contiguous()
  local function direct() ops.conv2d(x, some, nil, { pad = 1 }) end
  timed(direct, 5)
  line[1].x[k], line[1].y[k] = filters, 1e3 * (filters == 64 and slow or timed(function() loops(filters) end, 1))
  line[2].x[k], line[2].y[k] = filters, 1e3 * (filters == 64 and fast or timed(direct, 100))
end
line.xlabel, line.ylabel, line.xlog, line.ylog = "filters", "time (ms)", true, true
line.title = "64 channels of 32 x 32"
plot.line(line):save "figure.svg"
