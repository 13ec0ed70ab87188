--- Optimisers (sgd, adam, adamw) and schedules of their rate (constant, cosine, step, warmup).
--
--   local opt = adam { rate = 1e-3, schedule = cosine {} }
--   opt:attach(net)      -- or a list of tensors; `train` does this
--   opt:step(loss)       -- clears the gradients, runs backward, updates every parameter in one pass
local core = require "lamina.core.optim"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

-- ---- schedules: an object with :factor(step, plan); step counts from 0, plan = { steps =, per_epoch = }
-- -------------

local Schedule = { __name = "schedule" }
Schedule.__index = Schedule
Schedule.__tostring = function(self) return self.word .. " schedule" end

local function share(count, plan)
  if count < 1 then return count * plan.steps end
  return count
end

local WARMUP = { type = "number", default = 0, min = 0,
  doc = "steps over which the rate rises from near 0 in a straight line; below 1: a share of all steps" }

local function schedule(word, fields, needs, rule)
  fields.warmup = WARMUP
  schema.document(word, fields)
  return function(options)
    local o = schema.check(word, options or {}, fields, errors.position(2))
    return setmetatable({ word = word, o = o, needs = needs, rule = rule }, Schedule)
  end
end

--- The factor on the rate at a step.
function Schedule:factor(step, plan)
  if not plan and (self.needs or (self.o.warmup > 0 and self.o.warmup < 1)) then
    errors.raise("state", 2, "%s: the number of steps is not known; call opt:plan { steps =, per_epoch = } first",
      self.word)
  end
  local warmup = plan and share(self.o.warmup, plan) or self.o.warmup
  if step < warmup then return (step + 1) / (warmup + 1) end
  return self.rule(self.o, step, plan, warmup)
end

--- constant { warmup = 0 }: the rate as given, after the warm-up.
M.constant = schedule("constant", {}, false, function() return 1 end)

--- warmup { 100 }: a straight rise over so many steps, then constant.
function M.warmup(options)
  local o = schema.check("warmup", options, { positional = { "steps" },
    steps = { type = "number", required = true, min = 0, doc = "how long the rise takes" } }, errors.position(2))
  return M.constant { warmup = o.steps }
end

--- cosine { final = 0, warmup = 0 }: half a cosine from the rate down to final * rate at the last step (Loshchilov &
-- Hutter 2017).
M.cosine = schedule("cosine", {
  final = { type = "number", default = 0, min = 0, doc = "the rate at the end, as a part of the rate" },
}, true, function(o, step, plan, warmup)
  local part = math.min((step - warmup) / math.max(plan.steps - warmup, 1), 1)
  return o.final + (1 - o.final) * 0.5 * (1 + math.cos(math.pi * part))
end)

--- step { every = 1, factor = 0.1, warmup = 0 }: multiplies the rate by factor after every so many epochs.
M.step = schedule("step", {
  every = { type = "number", default = 1, min = 0, doc = "epochs between drops" },
  factor = { type = "number", default = 0.1, min = 0, doc = "what the rate is multiplied by at a drop" },
}, true, function(o, step, plan)
  local drops, factor = math.floor(step / (o.every * plan.per_epoch)), 1
  for _ = 1, drops do factor = factor * o.factor end
  return factor
end)

--- linear { final = 0, warmup = 0 }: a straight line from the rate to final * rate at the last step.
M.linear = schedule("linear", {
  final = { type = "number", default = 0, min = 0, doc = "the rate at the end, as a part of the rate" },
}, true, function(o, step, plan, warmup)
  local part = math.min((step - warmup) / math.max(plan.steps - warmup, 1), 1)
  return 1 + (o.final - 1) * part
end)

-- ---- optimisers ------------------------------------------------------------------------------------------------

local Optimizer = { __name = "optimizer" }
Optimizer.__index = object.index("an optimizer", Optimizer, "planned last_rate norm first second")
Optimizer.__tostring = function(self)
  return string.format("%s { rate = %s }: %d parameters, %d steps done", self.kind, self.o.rate, #self.params,
    self.steps)
end

local COMMON = {
  decay = { type = "number", default = 0, min = 0, doc = "weight decay" },
  clip = { type = "number", min = 0,
    doc = "the largest norm of all gradients together; larger ones are scaled down" },
  check = { type = "boolean", default = false, doc = "stop at a NaN or an infinity in a gradient, with its name" },
  schedule = { type = "table", doc = "how the rate changes: cosine {}, step {}, linear {}, constant { warmup = }" },
}

local function optimizer(kind, fields, states)
  for name, field in pairs(COMMON) do fields[name] = field end
  schema.document(kind, fields)
  return function(options)
    local position = errors.position(2)
    local o = schema.check(kind, options or {}, fields, position)
    if o.schedule and getmetatable(o.schedule) ~= Schedule then
      errors.raise("argument", position, "%s: option 'schedule' is a table, expected a schedule such as cosine {}",
        kind)
    end
    return setmetatable({ kind = kind, o = o, states = states(o), steps = 0, params = {}, names = {} }, Optimizer)
  end
end

--- sgd { rate = 0.01, momentum = 0, nesterov = false, decay = 0, schedule =, clip = }: gradient descent; with
-- momentum m: b = m b + g, p = p - rate b (nesterov: p - rate (g + m b)); decay is added to the gradient. As in
-- PyTorch.
M.sgd = optimizer("sgd", {
  rate = { type = "number", default = 0.01, above = 0, doc = "learning rate" },
  momentum = { type = "number", default = 0, min = 0, below = 1, doc = "how much of the last direction is kept" },
  nesterov = { type = "boolean", default = false, doc = "look ahead along the momentum (Nesterov 1983)" },
}, function(o) return o.momentum > 0 and { "first" } or {} end)

local function adam_fields()
  return {
    rate = { type = "number", default = 1e-3, above = 0, doc = "learning rate" },
    beta1 = { type = "number", default = 0.9, min = 0, max = 1, doc = "memory of the mean gradient" },
    beta2 = { type = "number", default = 0.999, min = 0, max = 1, doc = "memory of the mean square" },
    epsilon = { type = "number", default = 1e-8, min = 0, doc = "added to the root of the mean square" },
  }
end

local function both() return { "first", "second" } end

--- adam { rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0, schedule =, clip = } (Kingma & Ba
-- 2015). decay is added to the gradient.
M.adam = optimizer("adam", adam_fields(), both)

--- adamw: adam with decay taken from the weights directly, rate * decay of them at each step (Loshchilov & Hutter
-- 2019).
M.adamw = optimizer("adamw", adam_fields(), both)

-- A model, a list of { name =, tensor = }, or a list of tensors: always as names and tensors.
local function read_parameters(source, level)
  if type(source) == "table" and source.parameters then source = source:parameters(nil, { trainable = true }) end
  if type(source) ~= "table" then
    errors.raise("argument", level + 1, "attach: expected a model or a list of parameters, got a %s", type(source))
  end
  local names, params, seen = {}, {}, {}
  for i, entry in ipairs(source) do
    local value = tensor.is_tensor(entry) and entry or type(entry) == "table" and entry.tensor
    if not value then
      errors.raise("argument", level + 1, "attach: entry %d is a %s, expected a tensor or { name =, tensor = }", i,
        type(entry))
    end
    if not seen[value] then
      seen[value] = true
      params[#params + 1] = value
      names[#params] = type(entry) == "table" and entry.name or tostring(i)
    end
  end
  return names, params
end

--- opt:attach(source): tells the optimiser what to update: a model, net:parameters(pattern), or a list of tensors.
-- Starts its state anew.
function Optimizer:attach(source)
  self.names, self.params = read_parameters(source, 2)
  if #self.params == 0 then errors.raise("argument", 2, "attach: there are no parameters") end
  self.steps = 0
  for _, name in ipairs(self.states) do self[name] = {} end
  for i, p in ipairs(self.params) do
    p:requires_grad(true)
    for _, name in ipairs(self.states) do self[name][i] = tensor.zeros(p.shape, { dtype = p.dtype }) end
  end
  return self
end

--- opt:plan { steps =, per_epoch = }: says how many steps there will be, and how many make an epoch, for schedules
-- that need it.
function Optimizer:plan(plan)
  self.planned = { steps = plan.steps, per_epoch = plan.per_epoch or plan.steps }
  return self
end

--- opt:rate(): the rate of the next update.
function Optimizer:rate()
  if not self.o.schedule then return self.o.rate end
  return self.o.rate * self.o.schedule:factor(self.steps, self.planned)
end

--- opt:zero(): drops every gradient.
function Optimizer:zero()
  for _, p in ipairs(self.params) do p:zero_grad() end
end

local function raise_nonfinite(self)
  local i = core.nonfinite(self.params)
  if i then
    errors.raise("numeric", 3, "%s: the gradient of %s holds a NaN or an infinity (step %d)", self.kind,
      self.names[i],
      self.steps + 1)
  end
end

-- The factor on the gradients that brings their common norm down to `clip`; PyTorch's clip_grad_norm_.
local function clip_scale(self)
  local norm = core.norm(self.params)
  if norm ~= norm or norm == math.huge then raise_nonfinite(self) end
  self.norm = norm
  return math.min(1, self.o.clip / (norm + 1e-6))
end

--- opt:update(): updates every parameter from its gradient. A parameter without one stays as it is.
function Optimizer:update()
  if ops.guard() then return end -- the first op that is not finite is looked for; nothing changes meanwhile
  if #self.params == 0 then
    errors.raise("state", 2, "%s: nothing to update yet; call opt:attach(net) first", self.kind)
  end
  local o, rate = self.o, self:rate()
  if o.check then raise_nonfinite(self) end
  local scale = o.clip and clip_scale(self) or 1
  self.steps, self.last_rate = self.steps + 1, rate
  core.step(self.params, { kind = self.kind, rate = rate, decay = o.decay, momentum = o.momentum,
    nesterov = o.nesterov,
    beta1 = o.beta1, beta2 = o.beta2, epsilon = o.epsilon, step = self.steps, scale = scale, first = self.first,
    second = self.second })
end

--- opt:step(loss): one training step on a loss (a tensor with one element): zero, backward, update. A loss that is
-- NaN or infinite is an error and changes nothing.
function Optimizer:step(loss)
  local value = loss:item()
  if value ~= value or value == math.huge or value == -math.huge then
    errors.raise("numeric", 2, "%s: the loss is %s", self.kind, value ~= value and "NaN" or "infinite")
  end
  self:zero()
  loss:backward()
  self:update()
end

local SETTINGS = { "rate", "decay", "momentum", "nesterov", "beta1", "beta2", "epsilon", "clip" }

-- The options that the updates depend on, by name.
local function settings_of(self)
  local settings = { schedule = self.o.schedule and self.o.schedule.word or "none" }
  for _, name in ipairs(SETTINGS) do settings[name] = self.o[name] end
  return settings
end

--- What a checkpoint keeps: { tensors = name -> tensor, values = name -> number }.
function Optimizer:state()
  local tensors = {}
  for _, state in ipairs(self.states) do
    for i, name in ipairs(self.names) do tensors[state .. "." .. name] = self[state][i] end
  end
  return { tensors = tensors, values = { steps = self.steps, kind = self.kind, settings = settings_of(self) } }
end

--- Takes over what :state() gave; the optimiser must be attached to the same parameters and have the same options.
function Optimizer:restore(state)
  if state.values.kind ~= self.kind then
    errors.raise("format", 2, "the checkpoint holds the state of %s, the script uses %s", tostring(state.values.kind),
      self.kind)
  end
  local own = settings_of(self)
  for name, kept in pairs(state.values.settings or own) do
    if kept ~= own[name] then
      errors.raise("argument", 2, "resume: the checkpoint was made with %s { %s = %s }, this run has %s = %s",
        self.kind, name, tostring(kept), name, tostring(own[name]))
    end
  end
  for _, kind in ipairs(self.states) do
    for i, name in ipairs(self.names) do
      local kept = state.tensors[kind .. "." .. name]
      if not kept then errors.raise("format", 2, "the checkpoint has no optimizer state for %s", name) end
      self[kind][i]:copy(kept)
    end
  end
  self.steps = state.values.steps
end

--- True for an optimiser.
function M.is_optimizer(value) return getmetatable(value) == Optimizer end

return M
