--- Convolutions over one, two or three axes: their geometry, margins, and how the runtime's two-dimensional ones do
-- the work.
--
-- One axis is a map of one row. Three axes: each output plane is a two-dimensional convolution of the planes that it
-- sees, whose channels are (channel, plane of the kernel) in that order; so the order of sums is that of conv2d with
-- channels x kernel depth channels. A transposed convolution over three axes adds what each plane gives to the planes
-- of the output in the order of (plane of the kernel, plane of the input).
local core = require "lamina.core.tensor"
local fit = require "lamina.fit"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local M = {}

-- ---- options ---------------------------------------------------------------------------------------------------

local EXPECTED = "a whole number, or one for each axis, such as { height, width }, of at least "

local function sizes(fields)
  fields.type = { "pair", "table" }
  fields.expected = EXPECTED .. fields.min
  return fields
end

--- Options that all convolutions share; more is added.
function M.options(more)
  local fields = {
    width = { type = "integer", required = true, min = 1, doc = "number of filters, the channels of the output" },
    kernel = sizes { required = true, min = 1, doc = "size of the filters: n or { h, w }" },
    stride = sizes { default = 1, min = 1, doc = "step between positions" },
    dilation = sizes { default = 1, min = 1, doc = "step between the filter's elements" },
    bias = { type = "boolean", default = true, doc = "whether a bias is added" },
    init = { type = { "string", "table", "function" }, default = "uniform",
      doc = "first weights: uniform, he, lecun, glorot, orthogonal, zeros, { \"normal\", std = } or a function" },
  }
  for name, field in pairs(more) do fields[name] = field end
  return fields
end

--- The option groups.
M.groups = { type = "integer", default = 1, min = 1, doc = "parts of the channels that do not see each other" }

--- The options pad and mode.
M.pad = { type = { "pair", "table", "string" }, default = 0, min = 0,
  expected = EXPECTED .. "0, or \"same\" or \"valid\"",
  doc = "margin around the input: n, { h, w }, \"same\" (positions = ceil(size / stride); where the margins cannot "
    .. "be equal, one more at the end) or \"valid\" (none)" }
M.mode = { type = "string", default = "zero", choices = { "zero", "reflect", "replicate", "circular" },
  doc = "what the margin holds: zeros, the input mirrored at its ends, its ends repeated, or its other end" }

--- An option as a list with a number for each of n axes; nil and a message where it is none. least: its smallest.
function M.spread(o, name, n, shape, least)
  local value, list = o[name], {}
  if type(value) ~= "table" then value = { value } end
  if #value ~= 1 and #value ~= n or type(o[name]) == "table" and #value ~= n then
    return nil, string.format("%s has %d number%s for the %d ax%s behind the channels of %s", name, #value,
      #value == 1 and "" or "s", n, n == 1 and "is" or "es", layer.shape_text(shape))
  end
  for i = 1, n do
    local given = value[#value == 1 and 1 or i]
    local size = math.tointeger(given)
    if not size or size < least then
      return nil, string.format("option '%s' holds %s, expected whole numbers of at least %d", name, tostring(given),
        least)
    end
    list[i] = size
  end
  return list
end

--- How many axes an input has behind its channels; nil and a message where no convolution fits. most: 3 if absent.
function M.axes(shape, most)
  local n = #shape - 1
  if n >= 1 and n <= (most or 3) then return n end
  return nil, string.format("needs an input of channels x height x width%s, got %s%s", most == 2 and " or channels x "
    .. "length" or ", channels x length or channels x depth x height x width", layer.shape_text(shape),
    n < 1 and layer.of_vectors or "")
end

--- Whether groups divides both numbers of channels; nil and a message where it does not.
function M.fit_groups(o, shape)
  if shape[1] % o.groups == 0 and o.width % o.groups == 0 then return true end
  return nil, string.format("groups = %d divides neither or only one of %d input and %d output channels; groups = %s "
    .. "would fit", o.groups, shape[1], o.width, fit.divisor(o.groups, shape[1], o.width))
end

--- Fills in kernel, stride and dilation as lists for an input.
function M.resolve_sizes(o, shape, most)
  local n, message = M.axes(shape, most)
  for _, name in ipairs { "kernel", "stride", "dilation" } do
    if not n then break end
    local list
    list, message = M.spread(o, name, n, shape, 1)
    if not list then return nil, message end
    o[name] = list
  end
  return n, message
end

-- Margins before and after each axis.
local function margins(o, n, shape)
  local before, after = {}, {}
  if type(o.pad) == "string" and o.pad ~= "same" and o.pad ~= "valid" then
    return nil, string.format("option 'pad' is '%s', expected a number, { height, width }, \"same\" or \"valid\"",
      o.pad)
  end
  local given = {}
  if type(o.pad) ~= "string" then
    local message
    given, message = M.spread(o, "pad", n, shape, 0)
    if not given then return nil, message end
  end
  for i = 1, n do
    local total = 2 * (given[i] or 0)
    if o.pad == "same" then
      local size, extent = shape[i + 1], (o.kernel[i] - 1) * o.dilation[i] + 1
      total = math.max(((size + o.stride[i] - 1) // o.stride[i] - 1) * o.stride[i] + extent - size, 0)
    end
    before[i], after[i] = total // 2, total - total // 2
  end
  return before, after
end

-- The nearest kernel or margin for an input that is too small.
local function what_fits(o, shape, before, after)
  local sides, pad = {}, {}
  for i = 1, #before do sides[i], pad[i] = shape[i + 1], before[i] + after[i] end
  return fit.window(sides, o.kernel, pad, o.dilation)
end

--- Fills in everything that depends on the input. o.pad becomes what the op adds, o.before and o.after what is added
-- by itself before it (nil: nothing).
function M.resolve(o, shape, most)
  local n, message = M.resolve_sizes(o, shape, most)
  if not n then return nil, message end
  if o.groups and not M.fit_groups(o, shape) then return nil, select(2, M.fit_groups(o, shape)) end
  local before, after = margins(o, n, shape)
  if not before then return nil, after end
  local equal, out = o.mode == "zero", {}
  for i = 1, n do
    equal = equal and before[i] == after[i]
    local extent = (o.kernel[i] - 1) * o.dilation[i] + 1
    out[i] = (shape[i + 1] + before[i] + after[i] - extent) // o.stride[i] + 1
    if out[i] < 1 then
      return nil, string.format("a kernel of %s%s does not fit into an input of %s with pad %s; %s",
        layer.shape_text(o.kernel), o.dilation[i] > 1 and " with dilation " .. layer.shape_text(o.dilation) or "",
        layer.shape_text(shape), layer.shape_text(before), what_fits(o, shape, before, after))
    end
  end
  o.out, o.pad = out, before
  if not equal then
    o.before, o.after, o.pad = before, after, {}
    for i = 1, n do o.pad[i] = 0 end
  end
  return o
end

--- x with the margins that the op does not add.
function M.padded(o, x)
  if not o.before then return x end
  local dims = {}
  for i = 1, #o.before do dims[i] = i + 2 end
  return ops.pad(x, { before = o.before, after = o.after, dims = dims,
    mode = o.mode == "zero" and "constant" or o.mode })
end

-- ---- forward ---------------------------------------------------------------------------------------------------

-- Options of conv2d for the last two axes of n; of one axis, for a map of one row.
local function last_two(o, activation)
  local n = #o.kernel
  local function two(list, absent) return { n > 1 and list[n - 1] or absent, list[n] } end
  return { stride = two(o.stride, 1), pad = two(o.pad, 0), dilation = two(o.dilation, 1), groups = o.groups,
    activation = activation }
end

--- Makes the tables of options that `run` calls conv2d with.
function M.prepare(o)
  o.plain, o.fused = last_two(o), last_two(o, "relu")
  return o
end

-- For each output plane the input planes that it sees, behind one another (from 1).
local function planes_seen(o)
  local list = {}
  for i = 0, o.out[1] - 1 do
    for k = 0, o.kernel[1] - 1 do list[#list + 1] = i * o.stride[1] + k * o.dilation[1] + 1 end
  end
  return core.tensor(list, { dtype = "int64" })
end

local function deep(o, x, weight, bias, call)
  if o.pad[1] > 0 then x = ops.pad(x, { before = { o.pad[1] }, dims = { 3 } }) end
  local n, c, h, w, od, kd = x:size(1), x:size(2), x:size(4), x:size(5), o.out[1], o.kernel[1]
  local seen = ops.index_select(x, planes_seen(o), { dim = 3 })
  seen = ops.permute(ops.reshape(seen, { n, c, od, kd, h, w }), { 1, 3, 2, 4, 5, 6 })
  local flat = ops.reshape(ops.contiguous(seen), { n * od, c * kd, h, w })
  local filters = ops.reshape(weight, { weight:size(1), weight:size(2) * kd, o.kernel[2], o.kernel[3] })
  local y = ops.conv2d(flat, filters, bias, call)
  y = ops.reshape(y, { n, od, y:size(2), y:size(3), y:size(4) })
  return ops.contiguous(ops.permute(y, { 1, 3, 2, 4, 5 }))
end

-- A map of one row.
local function row(t) return ops.unsqueeze(t, 3) end

--- The convolution of a batch; activation: "relu" or nil.
function M.run(o, x, weight, bias, activation)
  local call = activation and o.fused or o.plain
  x = M.padded(o, x)
  if #o.kernel == 2 then return ops.conv2d(x, weight, bias, call) end
  if #o.kernel == 1 then return ops.squeeze(ops.conv2d(row(x), row(weight), bias, call), 3) end
  return deep(o, x, weight, bias, call)
end

-- ---- transposed ------------------------------------------------------------------------------------------------

-- The weight as the gradient op wants it: width, inputs / groups, ... to inputs, width / groups, ...
local function turned(o, weight)
  local shape, order = weight.shape, { 1, 3, 2 }
  local out, own = shape[1] // o.groups, shape[2]
  local split, wide = { o.groups, out, own }, { o.groups * own, out }
  for i = 3, #shape do split[i + 1], wide[i], order[i + 1] = shape[i], shape[i], i + 1 end
  return ops.reshape(ops.contiguous(ops.permute(ops.reshape(weight, split), order)), wide)
end

local function transposed_call(o, size)
  local call, n = last_two(o), #o.kernel
  call.size, call.activation = { n > 1 and size[n - 1] or 1, size[n] }, nil
  return call
end

-- Which planes of the output the planes of the input reach, and which of them lie in it: positions from 1 in (plane
-- of the kernel, plane of the input), and in the output.
local function planes_reached(o, depth, size)
  local from, to = {}, {}
  for k = 0, o.kernel[1] - 1 do
    for i = 0, depth - 1 do
      local at = i * o.stride[1] + k * o.dilation[1] - o.pad[1]
      if at >= 0 and at < size then
        from[#from + 1], to[#to + 1] = k * depth + i + 1, at + 1
      end
    end
  end
  return core.tensor(from, { dtype = "int64" }), core.tensor(to, { dtype = "int64" })
end

local function deep_transposed(o, x, weight)
  local n, c, d, kd = x:size(1), x:size(2), x:size(3), o.kernel[1]
  local planes = ops.reshape(ops.contiguous(ops.permute(x, { 1, 3, 2, 4, 5 })), { n * d, c, x:size(4), x:size(5) })
  local filters = ops.reshape(weight, { c, weight:size(2) * kd, o.kernel[2], o.kernel[3] })
  local y = ops.conv2d_grad_input(planes, filters, transposed_call(o, o.out))
  local h, w, out = y:size(3), y:size(4), y:size(2) // kd
  y = ops.permute(ops.reshape(y, { n, d, out, kd, h, w }), { 1, 3, 4, 2, 5, 6 })
  y = ops.reshape(ops.contiguous(y), { n, out, kd * d, h, w })
  local from, to = planes_reached(o, d, o.out[1])
  return ops.index_add(ops.index_select(y, from, { dim = 3 }), to, { dim = 3, size = o.out[1] })
end

--- The transposed convolution of a batch: the adjoint of the convolution, weight width x inputs / groups x kernel.
function M.run_transposed(o, x, weight, bias)
  local w = turned(o, weight)
  local y
  if #o.kernel == 3 then
    y = deep_transposed(o, x, w)
  elseif #o.kernel == 2 then
    y = ops.conv2d_grad_input(x, w, transposed_call(o, o.out))
  else
    y = ops.squeeze(ops.conv2d_grad_input(row(x), row(w), transposed_call(o, o.out)), 3)
  end
  if not bias then return y end
  local wide = { 1, -1 }
  for i = 1, #o.kernel do wide[i + 2] = 1 end
  return y + ops.reshape(bias, wide)
end

return M
