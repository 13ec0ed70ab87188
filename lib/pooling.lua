--- Pooling: windows over maps, how many there are, what lies in them, and what each kind of pooling makes of one.
--
-- A kind takes the windows as n x channels x elements x positions (elements row by row) and gives n x channels x
-- positions. Elements of the margin are 0 and known by `o.valid`.
local core = require "lamina.core.tensor"
local fit = require "lamina.fit"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local pair = layer.pair

local M = {}

-- ---- geometry --------------------------------------------------------------------------------------------------

--- The options of every word with windows.
function M.options(extra)
  local fields = {
    kernel = { type = "pair", required = true, min = 1, doc = "size of the window: n or { h, w }" },
    stride = { type = "pair", min = 1, doc = "step between windows, which may be smaller than the window; the "
      .. "window's size if absent" },
    pad = { type = "pair", default = 0, min = 0, doc = "margin around the input" },
    dilation = { type = "pair", default = 1, min = 1, doc = "step between the window's elements" },
    ceil = { type = "boolean", default = false, doc = "whether a last window that reaches beyond the margin counts, "
      .. "where it begins before it" },
  }
  for name, field in pairs(extra or {}) do fields[name] = field end
  return fields
end

-- Windows along an axis, and how far the last reaches beyond the margin.
local function along(size, kernel, stride, pad, dilation, ceil)
  local extent = (kernel - 1) * dilation + 1
  local room = size + 2 * pad - extent
  local n = room // stride + 1
  if ceil and room % stride ~= 0 and n * stride < size + pad then n = n + 1 end
  return n, math.max(0, (n - 1) * stride - room)
end

--- Fills in the options for an input; `resolve` of the words with windows.
function M.resolve(o, shape)
  if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
  local kh, kw = pair(o.kernel)
  local sh, sw = pair(o.stride or o.kernel)
  local ph, pw = pair(o.pad)
  local dh, dw = pair(o.dilation)
  if 2 * ph > kh or 2 * pw > kw then
    return nil, string.format("pad %dx%d is more than half of the window %dx%d; pad = %s would fit", ph, pw, kh, kw,
      fit.size { math.min(ph, kh // 2), math.min(pw, kw // 2) })
  end
  local oh, beyond_h = along(shape[2], kh, sh, ph, dh, o.ceil)
  local ow, beyond_w = along(shape[3], kw, sw, pw, dw, o.ceil)
  if oh < 1 or ow < 1 then
    local spread = dh * dw > 1 and string.format(" with dilation %dx%d", dh, dw) or ""
    return nil, string.format("a window of %dx%d%s does not fit into an input of %s; %s", kh, kw, spread,
      layer.shape_text(shape), fit.window({ shape[2], shape[3] }, { kh, kw }, { 2 * ph, 2 * pw }, { dh, dw }, true))
  end
  o.kernel, o.stride, o.pad, o.dilation, o.out = { kh, kw }, { sh, sw }, { ph, pw }, { dh, dw }, { oh, ow }
  o.beyond = beyond_h + beyond_w > 0 and { ph + beyond_h, pw + beyond_w } or nil
  o.margin = o.beyond ~= nil or ph + pw > 0
  o.plain = o.beyond == nil and dh == 1 and dw == 1
  o.call = { kernel = o.kernel, stride = o.stride, pad = o.pad, count_pad = o.count_pad }
  return o
end

--- The output's shape for resolved options.
function M.shape(o, shape) return { shape[1], o.out[1], o.out[2] } end

-- ---- windows ---------------------------------------------------------------------------------------------------

local function columns(x, o)
  local pad = o.pad
  if o.beyond then x, pad = ops.pad(x, { before = o.pad, after = o.beyond, dims = { 3, 4 } }), 0 end
  local cols = ops.unfold(x, { kernel = o.kernel, stride = o.stride, pad = pad, dilation = o.dilation })
  return ops.reshape(cols, { x:size(1), x:size(2), o.kernel[1] * o.kernel[2], o.out[1] * o.out[2] })
end

--- The windows of x, and the mask of those elements that lie in the input (nil: all do); with_margin: in the input or
-- in its margin.
function M.windows(x, o, with_margin)
  if not o.margin then return columns(x, o) end
  local inside = core.ones({ 1, 1, x:size(3), x:size(4) })
  if with_margin then inside = ops.pad(inside, { before = o.pad, dims = { 3, 4 }, value = 1 }) end
  local at = not with_margin and o or { kernel = o.kernel, stride = o.stride, dilation = o.dilation, out = o.out,
    pad = { 0, 0 }, beyond = o.beyond and { o.beyond[1] - o.pad[1], o.beyond[2] - o.pad[2] } }
  return columns(x, o), ops.ne(core.no_grad(function() return columns(inside, at) end), 0)
end

--- n x channels x positions as maps.
function M.maps(y, o, x) return ops.reshape(y, { x:size(1), x:size(2), o.out[1], o.out[2] }) end

local DIM = { dim = 3 }
local KEEP = { dim = 3, keepdim = true }

-- How many elements of each window count.
local function counts(w, valid)
  if not valid then return w:size(3) end
  return ops.sum(valid:to(w.dtype), DIM)
end

local function only(w, valid) return valid and ops.where(valid, w, -math.huge) or w end

-- ---- kinds -----------------------------------------------------------------------------------------------------

--- The largest element.
function M.max(w, valid) return ops.max(only(w, valid), DIM) end

--- The mean of the elements that count.
function M.avg(w, valid) return ops.sum(w, DIM) / counts(w, valid) end

--- (sum |x|^p)^(1/p), or of the mean; p is a number, or a tensor 1 x channels x 1 x 1. Divided by the largest before
-- the power, so that none overflows. The gradient of a window of zeros is 0.
function M.lp(w, valid, p, mean)
  local size = ops.abs(w)
  local largest = ops.max(size, KEEP):detach()
  local some = ops.ne(largest, 0)
  local scale = ops.where(some, largest, 1)
  local part = size / scale
  local positive = ops.gt(part, 0)
  local powers = ops.where(positive, ops.pow(ops.where(positive, part, 1), p), 0)
  local total = ops.sum(powers, KEEP)
  if mean then total = total / (valid and ops.unsqueeze(counts(w, valid), 3) or w:size(3)) end
  local root = scale * ops.pow(ops.where(some, total, 1), 1 / p)
  return ops.sum(ops.where(some, root, 0), DIM)
end

--- log(mean(exp(beta x))) / beta, or of the sum; beta is a number or a tensor 1 x channels x 1 x 1.
function M.logsumexp(w, valid, beta, mean)
  local y = ops.logsumexp(only(w * beta, valid), KEEP)
  if mean then y = y - (valid and ops.log(ops.unsqueeze(counts(w, valid), 3)) or math.log(w:size(3))) end
  return ops.sum(y / beta, DIM)
end

--- sum of softmax(beta x) x; beta as above.
function M.softmax(w, valid, beta)
  return ops.sum(ops.softmax(only(w * beta, valid), DIM) * w, DIM)
end

--- One element, drawn with a probability proportional to max(x, 0) by u, uniform in 0 to 1 for each window; without u
-- the mean of such draws. 0 where no element is above 0.
function M.stochastic(w, _, u)
  local rates = ops.relu(w)
  if not u then
    local total = ops.sum(rates, DIM)
    local none = ops.le(total, 0)
    return ops.sum(ops.square(rates), DIM) / ops.where(none, 1, total)
  end
  local index = core.no_grad(function()
    local up_to = ops.cumsum(rates:detach(), DIM)
    local total = ops.slice(up_to, { dim = 3, start = w:size(3) })
    local passed = ops.sum(ops.le(up_to, u * total):to "int64", KEEP)
    local last = ops.sum(ops.lt(up_to, total):to "int64", KEEP) -- where rounding brings u * total up to total
    return ops.minimum(passed, last) + 1
  end)
  return ops.sum(ops.gather(rates, index, DIM), DIM)
end

--- Fukushima's C-cell: weights d of the window's elements (a tensor 1 x 1 x elements x 1).
function M.saturating(w, d, alpha, inhibition)
  local sum = ops.sum(ops.relu(w) * d, DIM)
  if inhibition then
    sum = ops.relu((sum + 1) / (ops.mean(sum, { dim = 2, keepdim = true }) + 1) - 1)
  end
  return sum / (sum + alpha)
end

-- ---- bins ------------------------------------------------------------------------------------------------------

-- The first and last element of each of n bins over an axis: from floor((i - 1) size / n) + 1 to ceil(i size / n).
local function bins(size, n)
  local list = {}
  for i = 1, n do list[i] = { (i - 1) * size // n + 1, (i * size + n - 1) // n } end
  return list
end

-- The largest of each bin along an axis; a shorter bin repeats its last element.
local function bin_max(x, dim, n)
  local shape, list, longest, index = x.shape, bins(x.shape[dim], n), 0, {}
  for _, bin in ipairs(list) do longest = math.max(longest, bin[2] - bin[1] + 1) end
  for _, bin in ipairs(list) do
    for k = 1, longest do index[#index + 1] = math.min(bin[1] + k - 1, bin[2]) end
  end
  shape[dim] = n
  table.insert(shape, dim + 1, longest)
  local taken = ops.index_select(x, core.tensor(index, { dtype = "int64" }), { dim = dim })
  return ops.max(ops.reshape(taken, shape), { dim = dim + 1 })
end

-- The means of bins as a matrix n x size.
local function bin_means(size, n, dtype)
  local rows = {}
  for i, bin in ipairs(bins(size, n)) do
    rows[i] = {}
    for k = 1, size do rows[i][k] = k >= bin[1] and k <= bin[2] and 1 / (bin[2] - bin[1] + 1) or 0 end
  end
  return core.tensor(rows, { dtype = dtype })
end

--- The mean ("avg") or largest ("max") of h x w bins that cover each map and may share rows and columns.
function M.adaptive(x, kind, h, w)
  if kind == "max" then return bin_max(bin_max(x, 3, h), 4, w) end
  local y = ops.matmul(x, ops.transpose(bin_means(x:size(4), w, x.dtype), 1, 2))
  return ops.matmul(bin_means(x:size(3), h, x.dtype), y)
end

return M
