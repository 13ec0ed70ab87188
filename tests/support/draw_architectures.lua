-- Draws random architectures (see tests/support/architectures.lua): proposes one layer after another and keeps what
-- the library accepts and what stays small.
local layer = require "lamina.layer"
local net = require "support.architectures"

local M = {}

local MOST = 700 -- elements that one item may have at any layer

-- ---- chance ----------------------------------------------------------------------------------------------------

local Chance = {}
Chance.__index = Chance

function Chance:number()
  self.n = self.n + 1
  return (net.element(self.key, self.n) + 1) / 2
end

function Chance:integer(low, high) return low + math.floor(self:number() * (high - low + 1)) end

function Chance:of(list) return list[self:integer(1, #list)] end

function Chance:likely(p) return self:number() < p end

-- One of { weight, value } pairs in a list.
function Chance:weighted(list)
  local sum = 0
  for _, entry in ipairs(list) do sum = sum + entry[1] end
  local at = self:number() * sum
  for _, entry in ipairs(list) do
    at = at - entry[1]
    if at < 0 then return entry[2] end
  end
  return list[#list][2]
end

-- A whole number, or one for each axis.
function Chance:sizes(axes, low, high)
  if axes == 1 or self:likely(0.6) then return self:integer(low, high) end
  local list = {}
  for i = 1, axes do list[i] = self:integer(low, high) end
  return list
end

local function named(c, word, options, more)
  c.layers = c.layers + 1
  local d = more or {}
  d.word, d.name, d.options = word, word .. c.layers, options or {}
  return d
end

-- ---- layers ----------------------------------------------------------------------------------------------------

local SMOOTH = { "tanh", "sigmoid", "softplus", "gelu", "silu", "elu", "selu", "softsign", "lecun_tanh" }
local KINKED = { "relu", "relu6", "leaky_relu", "prelu", "hard_tanh", "hard_sigmoid", "abs", "power", "naka_rushton",
  "square" }

local OPTIONS = {
  leaky_relu = function(c) return { slope = c:of { 0.01, 0.2 } } end,
  elu = function(c) return { alpha = c:of { 1, 0.5 } } end,
  prelu = function(c) return { shared = c:likely(0.3) } end,
  power = function(c) return { n = c:of { 1.5, 2 } } end,
  naka_rushton = function(c) return { sigma = c:of { 0.5, 1 }, n = c:of { 2, 3 } } end,
}

local function activation(c, smooth)
  local word = smooth and c:of(SMOOTH) or c:likely(0.35) and "relu" or c:of(c:likely(0.5) and SMOOTH or KINKED)
  return named(c, word, OPTIONS[word] and OPTIONS[word](c))
end

local function divisor(c, n)
  local list = {}
  for i = 1, n do
    if n % i == 0 then list[#list + 1] = i end
  end
  return c:of(list)
end

local MODES = { "zero", "reflect", "replicate", "circular" }

local function convolution(c, shape, keep)
  local axes = #shape - 1
  local groups = c:likely(0.25) and divisor(c, shape[1]) or 1
  local o = { width = groups * c:integer(1, math.max(1, 8 // groups)), groups = groups,
    kernel = c:sizes(axes, 1, axes == 3 and 3 or 5), bias = c:likely(0.5), weight_norm = c:likely(0.1),
    mode = c:likely(0.3) and c:of(MODES) or nil }
  if keep then
    o.pad, o.width, o.groups = "same", keep, keep % groups == 0 and groups or 1
    return named(c, "conv", o)
  end
  o.stride, o.dilation = c:sizes(axes, 1, 2), c:likely(0.25) and c:sizes(axes, 1, 2) or nil
  o.pad = c:weighted { { 2, "same" }, { 1, "valid" }, { 3, c:sizes(axes, 0, 2) } }
  return named(c, "conv", o)
end

local function transposed(c, shape)
  local axes = #shape - 1
  local groups = c:likely(0.3) and divisor(c, shape[1]) or 1
  return named(c, "conv_transpose", { width = groups * c:integer(1, 3), kernel = c:sizes(axes, 1, 4), groups = groups,
    stride = c:sizes(axes, 1, 2), pad = c:sizes(axes, 0, 1), output_pad = c:integer(0, 1), bias = c:likely(0.5),
    dilation = c:likely(0.2) and 2 or nil })
end

local function untied(c, shape)
  return named(c, "untied", { width = c:integer(1, 4), kernel = c:sizes(#shape - 1, 1, 3), pad = c:integer(0, 1),
    stride = c:sizes(#shape - 1, 1, 2), mode = c:likely(0.3) and c:of(MODES) or nil, bias = c:likely(0.5) })
end

local POOLS = {
  { 4, function() return "max", {} end },
  { 3, function(c) return "avg", { count_pad = c:likely(0.5) } end },
  { 2, function(c) return "lp", { p = c:of { 1.5, 2, 3 }, mean = c:likely(0.5), learn = c:likely(0.4) } end },
  { 1, function(c) return "logsumexp", { beta = c:of { 0.5, 2 }, mean = c:likely(0.5), learn = c:likely(0.4) } end },
  { 1, function(c) return "softmax", { beta = c:of { 0.5, 2 }, learn = c:likely(0.4) } end },
  { 1, function(c) return "saturating", { decay = c:of { 1, 0.7 }, inhibition = c:likely(0.5) } end },
  { 1, function(c) return "energy", { pairs = c:of { "neighbours", "halves" } } end },
}

local function pooling(c, shape)
  if c:likely(0.15) then
    return named(c, "pool.adaptive", { size = c:sizes(2, 1, 4), kind = c:of { "avg", "max" } })
  end
  local kind, o = c:weighted(POOLS)(c)
  o.kernel = c:sizes(2, kind == "energy" and 1 or 2, 3)
  if c:likely(0.6) then o.stride = c:sizes(2, 1, 2) end
  if c:likely(0.3) then o.pad = 1 end
  if c:likely(0.2) then o.dilation = 2 end
  if c:likely(0.3) then o.ceil = true end
  return named(c, "pool." .. kind, o)
end

local NORMS = {
  { 4, function(c) return "batch", { affine = c:likely(0.7), momentum = c:of { 0.1, 0.3 } } end },
  { 2, function(c) return "layer", { affine = c:likely(0.7) } end },
  { 2, function(c) return "layer", { dim = "channels", affine = c:likely(0.7) } end },
  { 2, function(c, n) return "group", { groups = divisor(c, n), affine = c:likely(0.7) } end },
  { 2, function(c) return "instance", { affine = c:likely(0.5) } end },
  { 1, function(c) return "lrn", { n = c:of { 3, 5 }, alpha = c:of { 0.1, 1 } } end },
  { 1, function(c) return "divisive", { pool = "channels", drive = c:of { "relu", "abs" } } end },
  { 1, function(c)
    return "divisive", { pool = c:of { "space", "both" }, kernel = c:of { 3, 5 }, spread = c:likely(0.5) and 1 or nil,
      learn = c:likely(0.5) }
  end },
}

local function norm(c, shape)
  local kind, o = c:weighted(NORMS)(c, shape[1])
  return named(c, "norm." .. kind, o)
end

local function other(c, shape)
  local h, w = shape[2] or 1, shape[3] or 1
  local kind = c:integer(1, 7)
  if kind == 1 then return named(c, "glu", { gate = c:of { "sigmoid", "tanh", "relu", "gelu", "silu" } }) end
  if kind == 2 then return named(c, "maxout", { pieces = 2 }) end
  if kind == 3 then
    local softly = c:likely(0.5)
    return named(c, softly and "compete.softmax" or "compete.k_winners", softly and { beta = 2 }
      or { k = c:integer(1, shape[1]) })
  end
  if kind == 4 then
    local mode = c:of { "nearest", "bilinear", "area" }
    return named(c, "resize", { mode = mode, size = { math.max(1, h + c:integer(-3, 3)),
      math.max(1, w + c:integer(-3, 3)) } })
  end
  if kind == 5 then
    return named(c, "pad", { margin = c:sizes(2, 0, 2), after = c:sizes(2, 0, 2),
      mode = c:of { "constant", "reflect", "replicate", "circular" }, value = c:of { 0, 0.5 } })
  end
  if kind == 6 then return named(c, "crop", { size = { math.max(1, h - 2), math.max(1, w - 1) } }) end
  return named(c, "upsample", { scale = 2, mode = c:of { "nearest", "bilinear" } })
end

local function recurrent(c)
  local word = c:of { "rnn", "lstm", "gru" }
  return named(c, word, { units = c:integer(2, 5), layers = c:integer(1, 2), bidirectional = c:likely(0.4),
    steps = c:likely(0.7) and "all" or "last", bias = c:likely(0.8),
    nonlinearity = word == "rnn" and c:of { "tanh", "relu" } or nil })
end

-- ---- chains and branches ---------------------------------------------------------------------------------------

-- The shape that a chain gives; nil where it cannot be or is too large.
local function shape_after(items, input)
  local ok, made = pcall(net.build, { name = "try", input = input, areas = { { name = "A", items = items } } })
  if not ok then return nil end
  for _, entry in ipairs(made:layers()) do
    if layer.elements(entry.shape) > MOST then return nil end
  end
  return made:layers()[#made:layers()].shape
end

local chain

local function branches(c, shape, depth)
  local kind, list = c:of { "add", "multiply", "concat" }, {}
  for i = 1, 2 do
    list[i] = chain(c, shape, c:integer(1, 2), depth)
    if kind ~= "concat" or c:likely(0.5) then list[i][#list[i] + 1] = convolution(c, shape, shape[1]) end
  end
  if c:likely(0.3) then list[#list] = { named(c, "identity") } end
  return named(c, kind, nil, { branches = list })
end

local function residual(c, shape, depth)
  local kind = c:of { "identity", "project", "pad", "own" }
  local items = chain(c, shape, c:integer(1, 3), depth)
  if kind == "identity" then items[#items + 1] = convolution(c, shape, shape[1]) end
  local own = kind == "own" and { convolution(c, shape) } or nil
  return named(c, "residual", nil, { items = items, shortcut = own or kind,
    after = c:likely(0.6) and activation(c) or nil })
end

local function proposal(c, shape, depth)
  local axes = #shape - 1
  if axes == 0 then
    return c:likely(0.5) and activation(c) or named(c, "dense", { width = c:integer(2, 8),
      weight_norm = c:likely(0.2) })
  end
  local deeper = depth > 0 and axes == 2
  return c:weighted {
    { 6, function() return convolution(c, shape) end }, { 1, function() return transposed(c, shape) end },
    { axes < 3 and 0.7 or 0, function() return untied(c, shape) end },
    { axes == 2 and 4 or 0, function() return pooling(c, shape) end }, { 4, function() return norm(c, shape) end },
    { 5, function() return activation(c) end }, { axes == 2 and 3 or 0.5, function() return other(c, shape) end },
    { axes == 1 and 4 or 0, function() return recurrent(c) end },
    { deeper and 3 or 0, function() return residual(c, shape, depth - 1) end },
    { deeper and 3 or 0, function() return branches(c, shape, depth - 1) end },
    { c.flat and 1 or 0, function() return named(c, "dense", { width = c:integer(2, 8) }) end },
  } ()
end

-- A bias before a normalisation that takes it away again has no gradient but rounding.
local function without_bias(items)
  for i, d in ipairs(items) do
    local next_word = items[i + 1] and items[i + 1].word or ""
    if d.options.bias and next_word:find "^norm" then d.options.bias = false end
  end
end

chain = function(c, shape, count, depth)
  local items = {}
  for _ = 1, 40 * count do
    if #items >= count then break end
    items[#items + 1] = proposal(c, items.shape or shape, depth)
    without_bias(items)
    local made = shape_after(items, shape)
    if made then items.shape = made else items[#items] = nil end
  end
  items.shape = nil
  if #items == 0 then items[1] = activation(c) end
  return items
end

-- ---- architectures ---------------------------------------------------------------------------------------------

local INPUTS = {
  image = function(c) return { c:integer(1, 4), c:integer(5, 11), c:integer(5, 11) } end,
  sequence = function(c) return { c:integer(2, 6), c:integer(4, 9) } end,
  volume = function(c) return { c:integer(1, 3), c:integer(3, 5), c:integer(3, 6), c:integer(3, 6) } end,
  feedback = function(c) return { c:integer(1, 3), c:integer(5, 8), c:integer(5, 8) } end,
}

local function plain(c, a, count)
  c.flat = c:likely(0.3)
  a.areas[1] = { name = "A", items = chain(c, a.input, count, 2) }
  c.flat = false
  if c:likely(0.5) then
    local shape = shape_after(a.areas[1].items, a.input)
    local from = c:likely(0.4) and #shape == 3 and "input" or "A"
    a.areas[2] = { name = "B", from = from, items = chain(c, from == "A" and shape or a.input, c:integer(1, 3), 1) }
    if from == "input" then -- joined with A as vectors
      for _, block in ipairs(a.areas) do
        block.items[#block.items + 1] = named(c, "dense", { width = 4 })
      end
      a.areas[3] = { name = "C", from = { "A", "B" }, combine = c:of { "concat", "add", "multiply" },
        items = chain(c, { 4 }, 2, 0) }
    end
  end
  if c:likely(0.6) then a.readout = { items = { named(c, "dense", { width = c:integer(2, 5) }) } } end
end

local function connection(c, a, kind, from, to)
  local target = shape_after(a.areas[to].items, to == 1 and a.input or a.areas[1].shape)
  local d = { kind = kind, name = "c" .. #a.connections + 1, delay = a.steps > 2 and c:likely(0.3) and 2 or 1,
    combine = c:of { "add", "multiply", "concat" } }
  local source = a.areas[from].name
  if kind == "lateral" then d.at = source else d.from, d.to = source, a.areas[to].name end
  if kind == "feedback" then d.resize = c:of { "nearest", "bilinear" } end
  d.items = { convolution(c, { a.areas[from].shape[1], 4, 4 }, target[1]) }
  if c:likely(0.5) then d.items[2] = activation(c, true) end
  a.connections[#a.connections + 1] = d
end

-- Two areas whose maps keep their channels behind their first activation, so that what comes back fits.
local function looped(c, a)
  a.steps, a.update = c:integer(2, 4), c:of { "serial", "parallel" }
  a.sequence = c:likely(0.4)
  a.connections = {}
  local shape = a.input
  for i, name in ipairs { "A", "B" } do
    local items = { convolution(c, shape) }
    if c:likely(0.5) then
      items[2], items[1].options.bias = named(c, "norm.batch", { per_step = c:likely(0.5) }), false
    end
    items[#items + 1] = activation(c)
    if c:likely(0.5) then items[#items + 1] = pooling(c, shape) end
    a.areas[i] = { name = name, items = items, shape = shape_after(items, shape) }
    shape = a.areas[i].shape
    if not shape then return end
  end
  connection(c, a, "feedback", 2, 1)
  if c:likely(0.5) then connection(c, a, "lateral", 2, 2) end
  if c:likely(0.3) then connection(c, a, "lateral", 1, 1) end
  a.readout = { steps = c:of { "last", "mean", "all" }, items = { named(c, "pool.global"),
    named(c, "dense", { width = 3 }) } }
end

local function attempt(c, name, family)
  local a = { name = name, family = family, batch = c:integer(2, 3), training = c:likely(0.7), areas = {} }
  a.input = INPUTS[family](c)
  if family == "feedback" then looped(c, a) else plain(c, a, c:integer(4, family == "image" and 9 or 7)) end
  for _, block in ipairs(a.areas) do block.shape = nil end
  local ok, made = pcall(net.build, a)
  if not ok or #made:parameters() == 0 then return nil end
  for _, entry in ipairs(made:layers()) do
    if layer.elements(entry.shape) > MOST then return nil end
  end
  return a, made
end

local FAMILIES = { "image", "image", "feedback", "image", "sequence", "image", "feedback", "image", "feedback",
  "volume" }

--- Architecture number i of a seed.
function M.one(seed, i)
  local family = FAMILIES[(i - 1) % #FAMILIES + 1]
  for try = 1, 1000 do
    local c = setmetatable({ key = net.key(string.format("%d %d %d", seed, i, try)), n = 0, layers = 1 }, Chance)
    local a, made = attempt(c, string.format("%s%d", family, i), family)
    if a then
      a.parameters, a.shapes = net.fill(made), {}
      for _, block in ipairs(made.blocks) do a.shapes[block.name] = block.output end
      return a
    end
  end
  error("no architecture in 1000 attempts")
end

return M
