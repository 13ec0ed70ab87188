--- vone { simple, complex, kernel = 25, stride = 4, degrees = 8, noise = "neuronal", ... }
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local safe = require "lamina.safe"

-- ---- the filters -------------------------------------------------------------------------------------------------

-- Edges of bins and how many cells of macaque V1 lie in each: orientation in degrees (De Valois, Yund & Hepler 1982),
-- spatial frequency in cycles per degree (De Valois, Albrecht & Thorell 1982), and the width and length of the
-- envelope in periods, as a joint table (Ringach 2002).
local ORIENTATIONS, ORIENTED = { -22.5, 22.5, 67.5, 112.5, 157.5 }, { 66, 49, 77, 54 }
local FREQUENCIES = { 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8, 11.2 }
local TUNED = { 4, 4, 8, 25, 32, 26, 28, 12, 8 }
local JOINT = { { 2, 0, 1, 0, 0 }, { 8, 9, 4, 1, 0 }, { 1, 2, 19, 17, 3 }, { 0, 0, 1, 7, 4 }, { 0, 0, 0, 0, 0 } }

local SIZES = {} -- edges, logarithms to base 10
for i = 0, 5 do SIZES[i + 1] = -1 + 1.2 * i / 5 end

local function sum(list)
  local total = 0
  for _, n in ipairs(list) do total = total + n end
  return total
end

-- The value below which a share u of a histogram lies, straight lines between the edges.
local function quantile(u, counts, edges)
  local total, below = sum(counts), 0
  for i, n in ipairs(counts) do
    local share = n / total
    if u <= below + share and share > 0 then return edges[i] + (edges[i + 1] - edges[i]) * (u - below) / share end
    below = below + share
  end
  return edges[#edges]
end

-- The bins of frequencies between the limits, edges as logarithms to base 2.
local function frequencies(o)
  local edges, counts, first = {}, {}, nil
  for i, f in ipairs(FREQUENCIES) do
    if f >= o.sf_min and f <= o.sf_max then
      first = first or i
      edges[#edges + 1] = math.log(f, 2)
      if #edges > 1 then counts[#counts + 1] = o.distribution == "uniform" and 1 or TUNED[i - 1] end
    end
  end
  return edges, counts
end

local function uniform(o, n, what)
  return core.draw { kind = "uniform", shape = { n }, dtype = "float64", seed = o.gabor_seed,
    purpose = "vone." .. what }:totable()
end

-- Two lists of numbers in (0, 1), normal scores of which correlate.
local function correlated(o, n)
  local function normal(what)
    return core.draw { kind = "normal", shape = { n }, dtype = "float64", seed = o.gabor_seed,
      purpose = "vone." .. what }
  end
  local a, b = normal "size", normal "frequency"
  local function shares(z) return ((ops.erf(z / math.sqrt(2)) + 1) / 2):totable() end
  return shares(a), shares(a * o.correlation + b * math.sqrt(1 - o.correlation ^ 2))
end

-- The width in periods, and the length that goes with it.
local function envelope(u, v)
  local rows = {}
  for i, row in ipairs(JOINT) do rows[i] = sum(row) end
  local width = quantile(u, rows, SIZES)
  local bin = 1
  for i = 1, #rows do
    if SIZES[i] < width and rows[i] > 0 then bin = i end
  end
  return width, quantile(v, JOINT[bin], SIZES)
end

-- Frequency (per pixel), orientation and phase (radians), envelope (pixels) and channel of each filter.
local function bank(o, channels)
  local n = o.simple + o.complex
  local edges, counts = frequencies(o)
  local turned, phase, channel = uniform(o, n, "orientation"), uniform(o, n, "phase"), uniform(o, n, "channel")
  local u, s = correlated(o, n)
  local v = uniform(o, n, "length")
  local flat = o.distribution == "uniform"
  if flat then u, s = uniform(o, n, "width"), uniform(o, n, "spatial") end
  local list = { f = {}, theta = {}, phase = {}, sx = {}, sy = {}, channel = {} }
  for i = 1, n do
    local theta = flat and 180 * turned[i] or quantile(turned[i], ORIENTED, ORIENTATIONS)
    local f = 2 ^ quantile(s[i], counts, edges)
    local width, length
    if flat then
      width, length = -1 + 1.2 * u[i], -1 + 1.2 * v[i]
    else
      width, length = envelope(u[i], v[i])
    end
    list.f[i], list.theta[i], list.phase[i] = f / o.pixels, math.rad(theta), 2 * math.pi * phase[i]
    list.sx[i], list.sy[i] = 10 ^ width / list.f[i], 10 ^ length / list.f[i]
    list.channel[i] = math.min(channels, math.floor(channels * channel[i]) + 1)
  end
  return list
end

-- Gabor filters, a quarter of a period further where `quadrature`: filters x channels x kernel x kernel. Rows are the
-- axis of orientation 0.
local function filters(o, shape, quadrature)
  local n, channels, k = shape[1], shape[2], shape[3]
  local b, grid = bank(o, channels), core.arange(-(k // 2), k // 2, { dtype = "float64" })
  local function each(list) return core.tensor(list, { dtype = "float64" }):reshape { n, 1, 1 } end
  local x, y = grid:reshape { 1, k, 1 }, grid:reshape { 1, 1, k }
  local theta, sx, sy = each(b.theta), each(b.sx), each(b.sy)
  local across = x * ops.cos(theta) + y * ops.sin(theta)
  local along = y * ops.cos(theta) - x * ops.sin(theta)
  local hill = ops.exp((ops.square(across / sx) + ops.square(along / sy)) * -0.5) / (sx * sy * (2 * math.pi))
  local wave = ops.cos(across * each(b.f) * (2 * math.pi) + each(b.phase) + (quadrature and math.pi / 2 or 0))
  local of = ops.one_hot(core.tensor(b.channel, { dtype = "int64" }), { classes = channels }):to "float64"
  return (ops.reshape(hill * wave, { n, 1, k, k }) * of:reshape { n, channels, 1, 1 }):to "float32"
end

-- ---- responses ---------------------------------------------------------------------------------------------------

local function noisy(o, y, ctx)
  if o.noise == "none" then return y end
  local draw = core.draw { kind = "normal", shape = y.shape, dtype = y.dtype, seed = ctx.seed,
    purpose = ctx.purpose .. ".noise", step = ctx.step }
  if o.noise == "gaussian" then return y + draw * o.noise_scale end
  local drive = y * o.noise_scale + o.noise_level
  return (drive + draw * ops.sqrt(ops.relu(drive) + 1e-4) - o.noise_level) / o.noise_scale
end

local function resolve(o, shape)
  if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
  if o.kernel % 2 == 0 then return nil, string.format("kernel = %d is even; a filter has a middle", o.kernel) end
  if o.simple + o.complex == 0 then return nil, "simple and complex are both 0" end
  if #frequencies(o) < 2 then
    return nil, string.format("no bin of frequencies lies between sf_min = %s and sf_max = %s (they are from 0.5 to "
      .. "11.2 cycles per degree)", o.sf_min, o.sf_max)
  end
  o.pixels = shape[2] / o.degrees
  return o
end

return layer.define {
  word = "vone", varies = true, draws = function(o) return o.noise ~= "none" end,
  example = [[
net = model "m" { input { 3, 64, 64 }, area "V1" { vone { simple = 32, complex = 32 } } }
net.V1.shape   --> { 64, 16, 16 }]],
  doc = "The primary visual cortex of VOneNets (Dapello, Marques, Schrimpf, Geiger, Cox & DiCarlo 2020): a bank of "
    .. "fixed Gabor filters, each on one colour channel, whose orientations, frequencies, sizes and phases are drawn "
    .. "from what was measured in macaque V1; simple cells are rectified, complex cells the root of the mean square "
    .. "of a filter and the same a quarter of a period further, both times `gain`. Then noise, in training and "
    .. "outside it, a function of seed and step: \"neuronal\" noise has a variance that grows with the response, as "
    .. "a Poisson process has. Last, relu. Output: simple + complex maps of 1 / stride the size. Buffers: q0 and q1 "
    .. "[simple + complex, channels, kernel, kernel].",
  positional = { "simple", "complex" },
  options = {
    simple = { type = "integer", default = 256, min = 0, doc = "simple cells at each place" },
    complex = { type = "integer", default = 256, min = 0, doc = "complex cells at each place" },
    kernel = { type = "integer", default = 25, min = 3, doc = "pixels on a side of a filter" },
    stride = { type = "integer", default = 4, min = 1, doc = "pixels from place to place" },
    degrees = { type = "number", default = 8, above = 0, doc = "degrees of visual angle that a picture's height "
      .. "takes" },
    gain = { type = "number", default = 25, above = 0, doc = "spikes for a filter's unit" },
    noise = { type = "string", default = "neuronal", choices = { "neuronal", "gaussian", "none" },
      doc = "what is added" },
    noise_scale = { type = "number", default = 0.35, above = 0, doc = "neuronal: spikes in a window for a unit of "
      .. "response; gaussian: the standard deviation" },
    noise_level = { type = "number", default = 0.07, min = 0, doc = "neuronal: spikes without a stimulus" },
    distribution = { type = "string", default = "neuronal", choices = { "neuronal", "uniform" },
      doc = "what the filters are drawn from: measured distributions, or equal shares" },
    correlation = { type = "number", default = 0.75, min = -1, max = 1, doc = "of size and frequency" },
    sf_min = { type = "number", default = 0, min = 0, doc = "the lowest frequency, in cycles per degree" },
    sf_max = { type = "number", default = 6, above = 0, doc = "the highest" },
    gabor_seed = { type = "integer", default = 0, doc = "of the draw of filters" },
  },
  resolve = resolve,
  shape = function(o, shape)
    return { o.simple + o.complex, (shape[2] - 1) // o.stride + 1, (shape[3] - 1) // o.stride + 1 }
  end,
  channels = function(o)
    local list = {}
    for i = 1, o.simple + o.complex do list[i] = 0 end
    return list
  end,
  buffers = function(o, shape)
    local size = { o.simple + o.complex, shape[1], o.kernel, o.kernel }
    return { { name = "q0", shape = size, value = function() return filters(o, size, false) end },
      { name = "q1", shape = size, value = function() return filters(o, size, true) end } }
  end,
  apply = function(o, p, x, ctx)
    local call = { stride = o.stride, pad = o.kernel // 2 }
    local first, parts, n = ops.conv2d(x, p.q0, call), {}, o.simple + o.complex
    if o.simple > 0 then parts[1] = ops.relu(ops.slice(first, { dim = 2, start = 1, stop = o.simple })) end
    if o.complex > 0 then
      local range = { dim = 2, start = o.simple + 1, stop = n }
      local second = ops.conv2d(x, ops.slice(p.q1, { dim = 1, start = o.simple + 1, stop = n }), call)
      local power = ops.square(ops.slice(first, range)) + ops.square(second)
      parts[#parts + 1] = safe.length(power / 2)
    end
    local y = (#parts == 2 and ops.concat(parts, { dim = 2 }) or parts[1]) * o.gain
    return ops.relu(noisy(o, y, ctx))
  end,
  cost = function(o, shape, out)
    return (o.simple + 2 * o.complex) * out[2] * out[3] * shape[1] * o.kernel ^ 2 // 1
  end,
}
