--- Optimisers: sgd, adam, adamw, rmsprop, adagrad; lbfgs and conjugate_gradient are in optim/search.lua.
--
--   local opt = adam { rate = 1e-3, schedule = cosine {} }
--   opt:attach(net)      -- models, or lists of tensors; `train` does this
--   opt:step(loss)       -- clears the gradients, runs backward, updates every parameter in one pass
--
-- groups = { { of = "V1", rate = 1e-4 }, { of = "bias$", decay = 0 } } gives some parameters a rate or a decay of
-- their own; the last group that means a parameter counts. Constraints of parameters (lib/constraints.lua) hold after
-- every update.
local base = require "lamina.core.base"
local constraints = require "lamina.constraints"
local core = require "lamina.core.optim"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local parameters = require "lamina.optim.parameters"
local schedules = require "lamina.schedule"
local search = require "lamina.optim.search"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

for _, word in ipairs { "constant", "warmup", "cosine", "step", "linear", "exponential", "inverse_root", "one_cycle",
  "plateau" } do M[word] = schedules[word] end

-- ---- optimisers ------------------------------------------------------------------------------------------------

local Optimizer = { __name = "optimizer" }
Optimizer.__index = object.index("an optimizer", Optimizer, "planned last_rate norm first second mean")
Optimizer.__tostring = function(self)
  return string.format("%s { rate = %s }: %d parameters, %d steps done", self.kind, self.o.rate, #self.params,
    self.steps)
end

local COMMON = {
  decay = { type = "number", default = 0, min = 0, doc = "weight decay" },
  clip = { type = "number", min = 0,
    doc = "the largest norm of all gradients together; larger ones are scaled down" },
  clip_value = { type = "number", above = 0, doc = "the largest size of each element of a gradient" },
  check = { type = "boolean", default = false, doc = "stop at a NaN or an infinity in a gradient, with its name" },
  schedule = { type = "table", expected = "a schedule such as cosine {}",
    doc = "how the rate changes: cosine {}, step {}, linear {}, constant { warmup = }" },
  groups = { type = "table", doc = "{ { of = \"V1\", rate =, decay = }, ... }: rates and decays of some parameters" },
  accumulate = { type = "integer", default = 1, min = 1,
    doc = "losses whose mean gradient makes an update: batches too large for memory in parts" },
  average = { type = "number", min = 0, below = 1, doc = "keep an exponential moving average of the parameters with "
    .. "this memory, such as 0.999 (Polyak & Juditsky 1992); train ends with it" },
}

local function optimizer(kind, fields, states)
  for name, field in pairs(COMMON) do fields[name] = field end
  schema.document(kind, fields)
  return function(options, ...)
    local position = errors.position(2)
    schema.alone(kind, kind .. " { rate = 0.01 }", position, ...)
    local o = schema.check(kind, options or {}, fields, position)
    if o.schedule and not schedules.is_schedule(o.schedule) then
      errors.raise("argument", position, "%s: option 'schedule' is a table, expected a schedule such as cosine {}",
        kind)
    end
    if o.schedule and o.schedule.momentum_rule and (o.momentum or o.beta1 or 0) == 0 then
      errors.raise("argument", position, "%s: the schedule changes the momentum, which is 0 here; give it momentum = "
        .. "0.9", kind)
    end
    local list = states(o)
    if o.average then list[#list + 1] = "mean" end
    return setmetatable({ kind = kind, o = o, states = list, steps = 0, pending = 0, params = {}, names = {},
      seen = {},
      groups = parameters.check_groups(kind, o.groups, position), position = position }, Optimizer)
  end
end

--- sgd { rate = 0.01, momentum = 0, nesterov = false, decay = 0, schedule =, clip = }: gradient descent; with
-- momentum m: b = m b + g, p = p - rate b (nesterov: p - rate (g + m b)); decay is added to the gradient. As in
-- PyTorch.
-- > w = tensor({ 1, 2 }):requires_grad(true)
-- > opt = sgd { rate = 0.1 }
-- > opt:attach { w }
-- > opt:step(w:square():sum())
-- > w   --> [0.8 1.6]
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
-- > w = tensor({ 1, -2 }):requires_grad(true)
-- > opt = adam { rate = 0.1 }
-- > opt:attach { w }
-- > opt:step(w:square():sum())
-- > w:detach()   --> [0.9 -1.9]
M.adam = optimizer("adam", adam_fields(), both)

--- adamw: adam with decay taken from the weights directly, rate * decay of them at each step (Loshchilov & Hutter
-- 2019).
-- > w = tensor({ 1, -2 }):requires_grad(true)
-- > opt = adamw { rate = 0.1, decay = 0.1 }
-- > opt:attach { w }
-- > opt:step(w:square():sum())
-- > w:detach()   --> [0.89 -1.88]
M.adamw = optimizer("adamw", adam_fields(), both)

--- rmsprop { rate = 0.01, beta2 = 0.99, epsilon = 1e-8, momentum = 0, decay = 0, schedule =, clip = }: the gradient
-- over the root of its running mean square v = beta2 v + (1 - beta2) g^2 (Tieleman & Hinton 2012). As in PyTorch,
-- where beta2 is called alpha.
-- > w = tensor({ 1, -2 }):requires_grad(true)
-- > opt = rmsprop { rate = 0.01 }
-- > opt:attach { w }
-- > opt:step(w:square():sum())
-- > w:detach()   --> [0.90000004 -1.9]
M.rmsprop = optimizer("rmsprop", {
  rate = { type = "number", default = 0.01, above = 0, doc = "learning rate" },
  beta2 = { type = "number", default = 0.99, min = 0, below = 1, doc = "memory of the mean square" },
  epsilon = { type = "number", default = 1e-8, above = 0, doc = "added to the root of the mean square" },
  momentum = { type = "number", default = 0, min = 0, below = 1, doc = "how much of the last direction is kept" },
}, function(o) return o.momentum > 0 and both() or { "second" } end)

--- adagrad { rate = 0.01, epsilon = 1e-10, initial = 0, decay = 0, schedule =, clip = }: the gradient over the root
-- of the sum of all its squares so far, which begins at `initial` (Duchi, Hazan & Singer 2011).
-- > w = tensor({ 1, -2 }):requires_grad(true)
-- > opt = adagrad { rate = 0.1 }
-- > opt:attach { w }
-- > opt:step(w:square():sum())
-- > w:detach()   --> [0.9 -1.9]
M.adagrad = optimizer("adagrad", {
  rate = { type = "number", default = 0.01, above = 0, doc = "learning rate" },
  epsilon = { type = "number", default = 1e-10, above = 0, doc = "added to the root of the sum of squares" },
  initial = { type = "number", default = 0, min = 0, doc = "where the sums of squares begin" },
}, function() return { "second" } end)

-- The first values of a state of parameter p.
local function first_state(self, name, p)
  if name == "mean" then return p:detach():clone() end
  return tensor.full(p.shape, name == "second" and self.o.initial or 0, { dtype = p.dtype })
end

--- opt:attach(source, ...): tells the optimiser what to update: models, net:parameters(pattern), or lists of tensors.
-- Starts its state anew. Of a model, what is frozen is left out.
-- > net = model "m" { input { 4 }, area "V1" { dense { 3 } }, readout "r" { dense { 2 } } }
-- > opt = adam {}
-- > opt:attach(net:parameters "V1")
function Optimizer:attach(...)
  self.entries = parameters.read(2, ...)
  self.names, self.params, self.steps, self.pending, self.seen = {}, {}, 0, 0, {}
  for i, entry in ipairs(self.entries) do self.names[i], self.params[i] = entry.name, entry.tensor end
  if #self.params == 0 then errors.raise("argument", 2, "attach: there are no parameters") end
  self.buckets = parameters.buckets(self, self.position)
  for _, name in ipairs(self.states) do self[name] = {} end
  for i, p in ipairs(self.params) do
    p:requires_grad(true)
    for _, name in ipairs(self.states) do self[name][i] = first_state(self, name, p) end
  end
  return self
end

--- opt:plan { steps =, per_epoch = }: says how many updates there will be, and how many make an epoch, for schedules
-- that need it.
-- > opt = sgd { rate = 0.1, schedule = cosine {} }
-- > opt:attach { tensor({ 1 }):requires_grad(true) }
-- > opt:plan { steps = 100 }
-- > opt:rate()   --> 0.1
function Optimizer:plan(plan)
  self.planned = { steps = plan.steps, per_epoch = plan.per_epoch or plan.steps }
  return self
end

-- The factor of the schedule on every rate.
local function factor(self)
  return self.o.schedule and self.o.schedule:factor(self.steps, self.planned, self.seen) or 1
end

--- opt:observe(value): tells the schedule a number that should fall, such as the validation's loss after an epoch;
-- plateau {} needs it, others do not mind. A row of a history is looked at for the schedule's column.
-- > opt = sgd { rate = 0.1, schedule = plateau { patience = 0, factor = 0.5 } }
-- > opt:attach { tensor({ 1 }):requires_grad(true) }
-- > for _, loss in ipairs { 1, 2 } do opt:observe(loss) end
-- > opt:rate()   --> 0.05
function Optimizer:observe(value)
  local columns = schedules.columns(self.o.schedule)
  if not columns then return end
  if type(value) == "table" then
    local row, names = value, {}
    value = nil
    for _, column in ipairs(columns) do value = value or row[column] end
    for name in pairs(row) do names[#names + 1] = name end
    table.sort(names)
    if not value then
      errors.raise("argument", 2, "plateau: the history has no column '%s'; name one with of = (there are %s)",
        columns[1], table.concat(names, ", "))
    end
  end
  if type(value) ~= "number" then
    errors.raise("argument", 2, "observe: expected a number or a row of a history, got a %s", type(value))
  end
  self.o.schedule:observe(value, self.seen)
end

--- opt:rate(): the rate of the next update (of parameters without a group of their own).
-- > adam({ rate = 1e-3 }):rate()   --> 0.001
function Optimizer:rate() return self.o.rate * factor(self) end

--- opt:zero(): drops every gradient.
-- > w = tensor({ 1 }):requires_grad(true)
-- > opt = sgd { rate = 0.1 }
-- > opt:attach { w }
-- > w:square():sum():backward()
-- > opt:zero()
-- > w.grad   --> nil
function Optimizer:zero()
  self.pending = 0
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

-- The factor on the gradients, which are `scale` times what was gathered, that brings their common norm down to
-- `clip`; PyTorch's clip_grad_norm_.
local function clip_scale(self, scale)
  local norm = core.norm(self.params) * scale
  if norm ~= norm or norm == math.huge then raise_nonfinite(self) end
  self.norm = norm
  return scale * math.min(1, self.o.clip / (norm + 1e-6))
end

-- Moves the averages towards the parameters: with memory m, and less of it in the first steps.
local function move_means(self)
  local memory = math.min(self.o.average, (1 + self.steps) / (10 + self.steps))
  tensor.no_grad(function()
    for i, p in ipairs(self.params) do self.mean[i]:copy(self.mean[i] * memory + p * (1 - memory)) end
  end)
end

--- opt:update(): updates every parameter from its gradient. A parameter without one stays as it is.
-- > w = tensor({ 1 }):requires_grad(true)
-- > opt = sgd { rate = 0.1 }
-- > opt:attach { w }
-- > w:square():sum():backward()
-- > opt:update()
-- > w:detach()   --> [0.8]
function Optimizer:update()
  if ops.guard() then return end -- the first op that is not finite is looked for; nothing changes meanwhile
  parameters.need(self)
  local o, by = self.o, factor(self)
  local momentum = o.schedule and o.schedule:momentum(self.steps, self.planned)
  if o.check then raise_nonfinite(self) end
  local scale = 1 / math.max(self.pending, 1)
  if o.clip then scale = clip_scale(self, scale) end
  base.uninterrupted(function() -- Ctrl-C finds a step done, running statistics included, or not begun
    self.steps, self.last_rate, self.pending = self.steps + 1, o.rate * by, 0
    for _, bucket in ipairs(self.buckets) do
      core.step(bucket.params, { kind = self.kind, rate = bucket.rate * by, decay = bucket.decay,
        momentum = o.momentum and momentum or o.momentum, nesterov = o.nesterov,
        beta1 = o.beta1 and momentum or o.beta1, beta2 = o.beta2, epsilon = o.epsilon,
        step = self.steps, scale = scale, limit = o.clip_value, first = parameters.pick(self.first, bucket),
        second = parameters.pick(self.second, bucket) })
    end
    constraints.hold(self.entries)
    if o.average then move_means(self) end
    core.commit()
  end)
end

--- opt:gather(loss): zero, backward, and an update when `accumulate` losses are together.
-- > w = tensor({ 1, 2 }):requires_grad(true)
-- > opt = sgd { rate = 0.1, accumulate = 2 }
-- > opt:attach { w }
-- > for i = 1, 2 do opt:gather(w:sum()) end
-- > w:detach()   --> [0.9 1.9]
function Optimizer:gather(loss)
  if self.pending == 0 then self:zero() end
  loss:backward()
  if ops.guard() then return end
  base.uninterrupted(function()
    self.pending = self.pending + 1
    if self.pending >= self.o.accumulate then self:update() end
  end)
end

--- opt:flush(): an update from fewer losses than `accumulate`, where some are left; loop does this after each epoch.
-- > w = tensor({ 1, 2 }):requires_grad(true)
-- > opt = sgd { rate = 0.1, accumulate = 2 }
-- > opt:attach { w }
-- > opt:gather(w:sum())
-- > opt:flush()
-- > w:detach()   --> [0.9 1.9]
function Optimizer:flush()
  if self.pending > 0 then self:update() end
end

--- opt:step(loss): one training step on a loss (a tensor with one element, or a function that gives one): zero,
-- backward, update (with `accumulate` only each so many losses). A loss that is NaN or infinite is an error and
-- changes nothing. Returns the loss as a number.
-- > x, y = randn { 100, 3 }, randn { 100 }
-- > w = zeros({ 3 }):requires_grad(true)
-- > opt = adam { rate = 0.1 }
-- > opt:attach { w }
-- > for i = 1, 10 do loss = opt:step((x:matmul(w) - y):square():mean()) end
-- > opt.steps   --> 10
function Optimizer:step(loss)
  if type(loss) == "function" then loss = loss() end
  local value = tensor.is_tensor(loss) and loss:count() == 1 and loss:item()
  if not value then
    errors.raise("argument", 2, "%s: step takes a loss, a tensor with one element, got %s", self.kind,
      tensor.is_tensor(loss) and "a tensor of " .. table.concat(loss.shape, "x") or "a " .. type(loss))
  end
  if value ~= value or value == math.huge or value == -math.huge then
    errors.raise("numeric", 2, "%s: the loss is %s", self.kind, value ~= value and "NaN" or "infinite")
  end
  parameters.need(self)
  self:gather(loss)
  return value
end

--- opt:swap(): exchanges the parameters with their moving averages; again, and they are back.
-- > w = tensor({ 1 }):requires_grad(true)
-- > opt = sgd { rate = 0.1, average = 0.9 }
-- > opt:attach { w }
-- > opt:step(w:square():sum())
-- > opt:swap()   -- w is now the moving average; once more, and it is back
function Optimizer:swap()
  if not self.o.average then
    errors.raise("state", 2, "%s: there are no averages; give it average = 0.999", self.kind)
  end
  tensor.no_grad(function()
    for i, p in ipairs(self.params) do
      local now = p:detach():clone()
      p:copy(self.mean[i])
      self.mean[i]:copy(now)
    end
  end)
end

local SETTINGS = { "rate", "decay", "momentum", "nesterov", "beta1", "beta2", "epsilon", "initial", "clip",
  "clip_value", "accumulate", "average" }

-- The options that the updates depend on, by name.
local function settings_of(self)
  local settings = { schedule = schedules.text(self.o.schedule), groups = parameters.groups_text(self.groups) }
  for _, name in ipairs(SETTINGS) do settings[name] = self.o[name] end
  return settings
end

--- What a checkpoint keeps: { tensors = name -> tensor, values = name -> number }.
function Optimizer:state()
  local tensors = {}
  for _, state in ipairs(self.states) do
    for i, name in ipairs(self.names) do tensors[state .. "." .. name] = self[state][i] end
  end
  return { tensors = tensors, values = { steps = self.steps, kind = self.kind, settings = settings_of(self),
    seen = self.seen } }
end

--- Takes over what :state() gave; the optimiser must be attached to the same parameters and have the same options.
function Optimizer:restore(state)
  if state.values.kind ~= self.kind then
    errors.raise("format", 2, "the checkpoint holds the state of %s, the script uses %s", tostring(state.values.kind),
      self.kind)
  end
  local own = settings_of(self)
  local before = state.values.settings or own
  for _, name in ipairs { "schedule", "groups", table.unpack(SETTINGS) } do
    local kept = before[name]
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
  self.steps, self.seen = state.values.steps, state.values.seen or {}
end

M.lbfgs, M.conjugate_gradient = search.lbfgs, search.conjugate_gradient

--- True for an optimiser.
function M.is_optimizer(value) return getmetatable(value) == Optimizer or search.is_search(value) end

return M
