--- What the layer words rnn, lstm and gru share: layers of units over a sequence that is one item of the batch, time
-- x features, on the ops of the same names.
--
-- State between batches. A layer with stateful = true begins where the batch before it ended, without a way back for
-- gradients: back-propagation through time that is cut at the batches. Training and evaluation each have a state of
-- their own. It belongs to the run and not to the weights: net:save and net:clone leave it out, a checkpoint of
-- `train` or `loop` keeps it, net:reset_state() begins anew.
local carried_state = require "lamina.model.carried"
local core = require "lamina.core.tensor"
local dropout = require "lamina.layers.dropout"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local weights = require "lamina.weights"

local Model = {} -- the methods of models that this file has
local M = { methods = Model }

-- ---- parameters ------------------------------------------------------------------------------------------------

-- What the names of a layer's weights end in: "", "_2", "_reverse", "_2_reverse".
local function suffix(k, direction)
  return (k > 1 and "_" .. k or "") .. (direction == 2 and "_reverse" or "")
end

local function directions(o) return o.bidirectional and 2 or 1 end

-- The bias with forget_bias added where the forget gate, the second of four, has its part.
local function forgetful(o, p)
  return function(_, info)
    local own = { full = info.name, shape = p.shape, fan_in = p.fan_in, fan_out = p.fan_out, bias = true }
    local more = {}
    for i = 1, p.shape[1] do more[i] = (i - 1) // o.units == 1 and o.forget_bias or 0 end
    return weights.make(o.init, own, info.seed) + core.tensor(more, { dtype = "float32" })
  end
end

-- All are uniform in +-1 / sqrt(units) where nothing else is asked for, as in PyTorch.
local function add_parameters(list, o, gates, inputs, ending)
  local units = o.units
  local rows, fan = gates * units, o.init == "uniform" and units or inputs
  list[#list + 1] = { name = "weight" .. ending, shape = { rows, inputs }, fan_in = fan, fan_out = units,
    init = o.init == "orthogonal" and "glorot" or nil }
  list[#list + 1] = { name = "recurrent" .. ending, shape = { rows, units }, fan_in = units, fan_out = units,
    blocks = gates }
  if not o.bias then return end
  for _, name in ipairs { "bias", "recurrent_bias" } do
    local p = { name = name .. ending, shape = { rows }, fan_in = units, fan_out = units, bias = true }
    if name == "bias" and (o.forget_bias or 0) ~= 0 then p.init = forgetful(o, p) end
    list[#list + 1] = p
  end
end

local function parameters_of(gates)
  return function(o, shape)
    local list, inputs = {}, shape[2]
    for k = 1, o.layers do
      for direction = 1, directions(o) do add_parameters(list, o, gates, inputs, suffix(k, direction)) end
      inputs = o.units * directions(o)
    end
    return list
  end
end

-- ---- state -----------------------------------------------------------------------------------------------------

local function mode(ctx) return carried_state.mode(ctx.training) end

-- The states that a batch begins with, by layer; empty at the beginning.
local function carried(o, ctx, x)
  if not o.stateful then return {} end
  if core.recomputing() then
    errors.raise("argument", errors.position(2), "%s: a layer with stateful = true cannot be run again, as "
      .. "`checkpointed` does", ctx.node.name)
  end
  local states = ctx.node.states and ctx.node.states[mode(ctx)] or {}
  carried_state.check_count(ctx.node.name, "sequence", states[1] and states[1][1].shape[1], x.shape[1], 2)
  return states
end

local function carry(o, ctx, states)
  if not o.stateful or ctx.look then return end
  ctx.node.states = ctx.node.states or {}
  ctx.node.states[mode(ctx)] = states
end

--- net:reset_state(): a model or layers with stateful = true begin the next batch from zero. Returns the model.
-- > net = model "m" { input { 4 }, steps = 3, stateful = true, area "A" { dense { 3 }, relu },
-- >   lateral { "A", dense { 3 } } }
-- > first = net(ones { 1, 4 })
-- > net:reset_state()(ones { 1, 4 }):equal(first)   --> true
function Model:reset_state()
  for _, node in ipairs(self.nodes) do node.states = nil end
  carried_state.reset(self)
  return self
end

-- visit(name, list, i) for every tensor of the states.
local function each_state(net, visit)
  for _, node in ipairs(net.nodes) do
    for _, which in ipairs { "training", "evaluation" } do
      for k, state in ipairs(node.states and node.states[which] or {}) do
        for i in ipairs(state) do visit(string.format("%s@%s.%d.%d", node.name, which, k, i), state, i) end
      end
    end
  end
end

--- Adds the states to what a checkpoint keeps.
function M.with_states(net, tensors)
  each_state(net, function(name, state, i) tensors[name] = state[i] end)
  carried_state.each(net, function(name, t) tensors[name] = t end)
  return tensors
end

--- Takes the states out of what a checkpoint kept; returns the rest.
function M.take_states(net, tensors)
  local rest = {}
  net:reset_state()
  for full, t in pairs(tensors) do
    local name, which, k, i = full:match "^(.*)@(%a+)%.(%d+)%.(%d+)$"
    local node = name and net.nodes_by_name[name]
    if node then
      node.states = node.states or {}
      local states = node.states[which] or {}
      node.states[which] = states
      k, i = math.tointeger(k), math.tointeger(i)
      states[k] = states[k] or {}
      states[k][i] = t
    elseif not carried_state.take(net, full, t) then
      rest[full] = t
    end
  end
  return rest
end

-- ---- running ---------------------------------------------------------------------------------------------------

local function dropped(o, x, ctx, k)
  if k == 1 or o.dropout == 0 then return x end
  local own = setmetatable({ purpose = ctx.purpose .. ".dropout" .. k - 1 }, { __index = ctx })
  return dropout.apply({ p = o.dropout }, nil, x, own)
end

-- One layer in one direction over some steps: the states of all steps, and the last one (with its cell).
local function stretch(word, o, p, x, ending, reverse, start)
  local options = { reverse = reverse, nonlinearity = o.nonlinearity }
  local w, r = p["weight" .. ending], p["recurrent" .. ending]
  local b, rb = p["bias" .. ending], p["recurrent_bias" .. ending]
  if word == "lstm" then return ops.lstm(x, w, r, b, rb, start[1], start[2], options) end
  return ops[word](x, w, r, b, rb, start[1], options)
end

local function joined(list, dim)
  if #list == 1 then return list[1] end
  local whole = ops.concat(list, { dim = dim })
  for _, part in ipairs(list) do part:release() end
  return whole
end

-- The same over all steps, in stretches of `truncate` steps between which no gradient passes.
local function one_way(word, o, p, x, ending, reverse, start)
  local steps, every = x.shape[1], o.truncate
  if not every or every >= steps then return stretch(word, o, p, x, ending, reverse, start) end
  local parts, h, c = {}, nil, nil
  for from = 1, steps, every do
    local part = ops.slice(x, { dim = 1, start = from, stop = math.min(from + every - 1, steps) })
    local y, h_now, c_now = stretch(word, o, p, part, ending, reverse, start)
    parts[#parts + 1], start = y, { h_now:detach(), c_now and c_now:detach() }
    h, c = h_now, c_now
  end
  return joined(parts, 1), h, c
end

local function apply_of(word)
  return function(o, p, x, ctx)
    local before, after = carried(o, ctx, x), {}
    local sequence, ends = ops.transpose(x, { dim1 = 1, dim2 = 2 }), nil
    for k = 1, o.layers do
      local given = dropped(o, sequence, ctx, k)
      local ys, lasts = {}, {}
      for direction = 1, directions(o) do
        local y, h, c = one_way(word, o, p, given, suffix(k, direction), direction == 2, before[k] or {})
        ys[direction], lasts[direction] = y, h
        after[k] = o.stateful and { h:detach(), c and c:detach() } or nil
        if c then c:release() end
      end
      if not rawequal(given, sequence) then given:release() end
      sequence:release()
      sequence = joined(ys, 3)
      if ends then ends:release() end
      ends = joined(lasts, 2)
    end
    carry(o, ctx, after)
    local unused = o.steps == "last" and sequence or ends
    local y = o.steps == "last" and ends or ops.transpose(sequence, { dim1 = 1, dim2 = 2 })
    unused:release()
    if o.steps ~= "last" then sequence:release() end
    return y
  end
end

-- ---- the word --------------------------------------------------------------------------------------------------

local function resolve(o)
  if o.dropout > 0 and o.layers == 1 then
    return nil, string.format("dropout = %s stands between layers, but layers = 1 (after the last one: dropout { %s "
      .. "} as a layer of its own)", o.dropout, o.dropout)
  end
  if o.stateful and o.bidirectional then
    return nil, "stateful = true goes on where the batch before it ended, which bidirectional = true cannot"
  end
  if o.truncate and o.bidirectional then
    return nil, "truncate cuts the way back from later steps to earlier ones, of which bidirectional = true has two"
  end
  if (o.forget_bias or 0) ~= 0 and not o.bias then
    return nil, string.format("forget_bias = %s needs bias = true", o.forget_bias)
  end
  return o
end

local function shape_of(o, shape)
  if #shape ~= 2 then
    local hint = #shape == 1 and "; of a recurrent layer before it, steps = \"all\" gives every step" or ""
    return nil, string.format("needs an input of time x features, such as input { 100, 2 }, got %s%s",
      layer.shape_text(shape), hint)
  end
  local width = o.units * directions(o)
  return o.steps == "last" and { width } or { shape[1], width }
end

-- Channels, the first axis, are steps here.
local function channels(o, maps, shapes)
  for _, channel in ipairs(maps[1]) do
    if channel ~= 0 then
      errors.raise("argument", 5, "driven: a recurrent layer reads features over time, so that no weight belongs to "
        .. "one channel of %s", layer.shape_text(shapes[1]))
    end
  end
  local list = {}
  for i = 1, shape_of(o, shapes[1])[1] do list[i] = 0 end
  return list
end

local function options_of(own)
  local fields = {
    units = { type = "integer", required = true, min = 1, doc = "number of units, in each direction" },
    layers = { type = "integer", default = 1, min = 1,
      doc = "how many layers, each over the states of the one before" },
    bidirectional = { type = "boolean", default = false, doc = "a second set of units from the last step to the "
      .. "first; the two stand side by side" },
    steps = { type = "string", default = "last", choices = { "last", "all" }, doc = "what it gives: the state after "
      .. "the last step (of the units that run backwards: after the first), or those of all steps" },
    bias = { type = "boolean", default = true, doc = "whether biases are added: two, as in PyTorch" },
    dropout = { type = "number", default = 0, min = 0, below = 1, doc = "probability of being left out between the "
      .. "layers, while training" },
    stateful = { type = "boolean", default = false, doc = "whether a batch begins with the state that the last one "
      .. "ended with, without a gradient to it (net:reset_state() begins anew)" },
    truncate = { type = "integer", min = 1, doc = "steps after each of which gradients are cut (truncated "
      .. "back-propagation through time); the whole sequence if absent" },
    init = { type = { "string", "table", "function" }, default = "uniform", doc = "first weights: uniform (all in +-"
      .. "1 / sqrt(units), as in PyTorch), orthogonal (recurrent ones orthogonal gate by gate, others glorot, biases "
      .. "0), or what dense takes" },
  }
  for name, field in pairs(own) do fields[name] = field end
  return fields
end

--- Makes a word: { word =, gates =, doc =, options = its own options }.
function M.define(d)
  return layer.define {
    word = d.word, op = d.word, positional = { "units" }, varies = true,
    doc = d.doc .. " Input: time x features, an item being a whole sequence; output: units, or with steps = \"all\" "
      .. "time x units (twice as many where bidirectional). Parameters: weight [" .. d.rows .. ", features], "
      .. "recurrent [" .. d.rows .. ", units], bias and recurrent_bias [" .. d.rows .. "]; those of layer 2 end in _2"
      .. ", backward ones in _reverse.",
    options = options_of(d.options or {}),
    resolve = resolve, shape = shape_of, channels = channels,
    parameters = parameters_of(d.gates), apply = apply_of(d.word),
    cost = function(o, shape)
      local n = 0
      for k = 1, o.layers do
        local inputs = k == 1 and shape[2] or o.units * directions(o)
        n = n + shape[1] * directions(o) * d.gates * o.units * (inputs + o.units)
      end
      return n
    end,
  }
end

return M
