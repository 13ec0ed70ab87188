--- Optimisers that look for the best step along a direction: lbfgs and conjugate_gradient. They ask for the loss
-- several times in a step, so a step takes a function that gives it:
--
--   local opt = lbfgs { iterations = 20 }
--   opt:attach(net)
--   opt:step(function() return mse(net(x), y) end)
--
-- They are for losses that are a function of the parameters alone: all data, or large batches. In `train` each batch
-- is a step; with batch = #set it is the whole set.
local base = require "lamina.core.base"
local constraints = require "lamina.constraints"
local core = require "lamina.core.optim"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local parameters = require "lamina.optim.parameters"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"
local wolfe = require "lamina.optim.wolfe"

local M = {}

local Search = { __name = "optimizer" }
Search.__index = object.index("an optimizer", Search, "planned last_rate norm direction before")
Search.__tostring = function(self)
  return string.format("%s { rate = %s }: %d parameters, %d iterations done", self.kind, self.o.rate, #self.params,
    self.steps)
end

-- ---- all parameters as one vector ------------------------------------------------------------------------------

local function flat_of(list)
  local parts = {}
  for i, t in ipairs(list) do parts[i] = t:reshape { -1 } end
  return ops.concat(parts, 1)
end

local function flat_gradient(self)
  local list = {}
  for i, p in ipairs(self.params) do list[i] = p.grad or tensor.zeros(p.shape, { dtype = p.dtype }) end
  return flat_of(list):detach()
end

local function put(self, x)
  tensor.no_grad(function()
    local from = 1
    for _, p in ipairs(self.params) do
      local n = p:count()
      p:copy(x:slice(1, from, from + n - 1):reshape(p.shape))
      from = from + n
    end
  end)
end

local function dot(a, b) return ops.sum(ops.mul(a, b)):item() end

local function largest(a) return ops.max(ops.abs(a)):item() end

-- ---- directions ------------------------------------------------------------------------------------------------

local directions = {}

-- Two loops over the last changes of the parameters (s) and of the gradient (y) (Nocedal 1980).
function directions.lbfgs(self, g)
  local list = self.changes
  if self.direction then
    local y, s = g - self.before, self.direction * self.length
    local ys = dot(y, s)
    if ys > 1e-10 then
      if #list == self.o.history then table.remove(list, 1) end
      list[#list + 1] = { y = y, s = s, ys = ys }
      self.scale = ys / dot(y, y)
    end
  end
  local q, part = -g, {}
  for i = #list, 1, -1 do
    part[i] = dot(list[i].s, q) / list[i].ys
    q = q - list[i].y * part[i]
  end
  q = q * self.scale
  for i = 1, #list do q = q + list[i].s * (part[i] - dot(list[i].y, q) / list[i].ys) end
  return q
end

local formulas = {
  polak_ribiere = function(g, b) return math.max(0, dot(g, g - b) / dot(b, b)) end,
  fletcher_reeves = function(g, b) return dot(g, g) / dot(b, b) end,
  hestenes_stiefel = function(g, b, d)
    local y = g - b
    return math.max(0, dot(g, y) / dot(d, y))
  end,
  dai_yuan = function(g, b, d) return dot(g, g) / dot(d, g - b) end,
}

-- The gradient and a part of the last direction; the gradient alone where that would not lead down, and each so many
-- iterations.
function directions.conjugate_gradient(self, g)
  local restart = self.o.restart or g:count()
  if not self.direction or self.since >= restart then
    self.since = 1
    return -g
  end
  local beta = formulas[self.o.formula](g, self.before, self.direction)
  local d = self.direction * beta - g
  self.since = self.since + 1
  local slope = dot(d, g)
  if slope >= 0 or slope ~= slope then
    self.since = 1
    return -g
  end
  return d
end

-- How far the first trial along the direction goes.
local function first_length(self, g, slope)
  if self.steps == 1 then return math.min(1, 1 / ops.sum(ops.abs(g)):item()) * self.o.rate end
  if self.kind == "lbfgs" then return self.o.rate end
  return self.length * self.slope / slope -- as much is gained as by the last step
end

-- ---- options ---------------------------------------------------------------------------------------------------

local function common(fields)
  fields.iterations = { type = "integer", default = 20, min = 1, doc = "the most iterations of a step" }
  fields.evaluations = { type = "integer", min = 1,
    doc = "the most times that a step asks for the loss; 1.25 times the iterations if absent" }
  fields.tolerance = { type = "number", default = 1e-7, min = 0,
    doc = "a step ends where no element of the gradient is larger" }
  fields.change = { type = "number", default = 1e-9, min = 0,
    doc = "a step ends where neither the loss nor a parameter changes more" }
  return fields
end

local function searcher(kind, fields)
  schema.document(kind, common(fields))
  return function(options, ...)
    local position = errors.position(2)
    schema.alone(kind, kind .. " { rate = 1 }", position, ...)
    local o = schema.check(kind, options or {}, fields, position)
    o.evaluations, o.accumulate = o.evaluations or o.iterations * 5 // 4, 1
    return setmetatable({ kind = kind, o = o, steps = 0, params = {}, names = {}, position = position,
      searches = true }, Search)
  end
end

--- lbfgs { rate = 1, iterations = 20, evaluations =, history = 100, search = "wolfe", curvature = 0.9, tolerance =
-- 1e-7, change = 1e-9 }: the quasi-Newton method with limited memory (Liu & Nocedal 1989): directions from the last
-- `history` changes of the gradient, steps by a line search for the strong Wolfe conditions, or of the length `rate`
-- with search = "none". As in PyTorch. opt:step takes a function that gives the loss.
-- > w = tensor({ 5, -3 }):requires_grad(true)
-- > opt = lbfgs {}
-- > opt:attach { w }
-- > opt:step(function() return (w - 1):square():sum() end)
-- > w:detach()   --> [1. 1.]
M.lbfgs = searcher("lbfgs", {
  rate = { type = "number", default = 1, above = 0, doc = "the first step length that is tried" },
  history = { type = "integer", default = 100, min = 1, doc = "how many changes are remembered" },
  search = { type = "string", default = "wolfe", choices = "wolfe none", doc = "how the step length is found" },
  curvature = { type = "number", default = 0.9, above = 0, below = 1,
    doc = "how small the slope along the direction must become, as a part of what it was" },
})

--- conjugate_gradient { formula = "polak_ribiere", rate = 1, iterations = 20, evaluations =, restart =, curvature =
-- 0.1, tolerance = 1e-7, change = 1e-9 }: nonlinear conjugate gradients with a line search for the strong Wolfe
-- conditions. formula: polak_ribiere (1969; not below 0), fletcher_reeves (1964), hestenes_stiefel (1952; not below
-- 0) or dai_yuan (1999). restart: begin anew from the gradient each so many iterations; the number of parameters if
-- absent. opt:step takes a function that gives the loss.
-- > w = tensor({ 5, -3 }):requires_grad(true)
-- > opt = conjugate_gradient {}
-- > opt:attach { w }
-- > opt:step(function() return (w - 1):square():sum() end)
-- > w:detach()   --> [1. 1.]
M.conjugate_gradient = searcher("conjugate_gradient", {
  rate = { type = "number", default = 1, above = 0, doc = "the first step, in units of the gradient" },
  formula = { type = "string", default = "polak_ribiere",
    choices = "polak_ribiere fletcher_reeves hestenes_stiefel dai_yuan",
    doc = "how much of the last direction is kept" },
  restart = { type = "integer", min = 1, doc = "iterations until the direction is the gradient again" },
  curvature = { type = "number", default = 0.1, above = 0, below = 1,
    doc = "how small the slope along the direction must become, as a part of what it was" },
})

-- ---- what every optimiser can do ---------------------------------------------------------------------------------

local function forget(self)
  self.steps, self.since, self.length, self.slope, self.scale = 0, 0, 0, 0, 1
  self.changes, self.direction, self.before = {}, nil, nil
end

--- opt:attach(source, ...): tells the optimiser what to update, as with sgd. All parameters have one dtype.
function Search:attach(...)
  self.entries = parameters.read(2, ...)
  self.names, self.params = {}, {}
  for i, entry in ipairs(self.entries) do self.names[i], self.params[i] = entry.name, entry.tensor end
  if #self.params == 0 then errors.raise("argument", 2, "attach: there are no parameters") end
  for i, p in ipairs(self.params) do
    if p.dtype ~= self.params[1].dtype then
      errors.raise("dtype", 2, "%s: %s is %s and %s %s; all parameters must have one dtype", self.kind, self.names[1],
        self.params[1].dtype, self.names[i], p.dtype)
    end
    p:requires_grad(true)
  end
  forget(self)
  return self
end

--- opt:plan {...}: taken, and not needed: the lengths of steps are searched for.
function Search:plan() return self end

--- opt:flush(): nothing is ever left to do.
function Search:flush() end

--- opt:observe(value): taken, and not needed.
function Search:observe() end

--- opt:rate(): the first step length that is tried.
function Search:rate() return self.o.rate end

--- opt:zero(): drops every gradient.
function Search:zero()
  for _, p in ipairs(self.params) do p:zero_grad() end
end

-- The loss at x and its gradient as one vector. A loss that is not finite is math.huge, with a gradient of 0.
local function evaluate(self, f, x)
  if x then put(self, x) end
  self:zero()
  local loss = f()
  if not tensor.is_tensor(loss) or loss:count() ~= 1 then
    errors.raise("argument", 3, "%s: the function of a step must give the loss, a tensor with one element, not %s",
      self.kind, tensor.is_tensor(loss) and "a tensor of " .. table.concat(loss.shape, "x") or "a " .. type(loss))
  end
  local value = loss:item()
  if ops.guard() then return value end
  if value ~= value or value == math.huge or value == -math.huge then
    return math.huge, tensor.zeros({ self.count }, { dtype = self.params[1].dtype })
  end
  loss:backward()
  self.asked = self.asked + 1
  return value, flat_gradient(self)
end

-- One step along d from x: the loss and the gradient where it ends, and its length.
local function move(self, f, x, start, length, d)
  local o = self.o
  local function at(t)
    local value, g = evaluate(self, f, x + d * t)
    return { t = t, f = value, g = g, slope = value < math.huge and dot(g, d) or math.huge }
  end
  if o.search == "none" then return at(length) end
  return wolfe.search(at, start, length, { curvature = o.curvature, change = o.change, size = largest(d) })
end

-- The iterations of one step. Returns the loss before it.
local function iterate(self, f)
  local o, x = self.o, flat_of(self.params):detach():clone()
  self.count, self.asked = x:count(), 0
  local value, g = evaluate(self, f)
  local first = value
  if ops.guard() then return first end
  if value == math.huge then errors.raise("numeric", 3, "%s: the loss is not finite", self.kind) end
  self.norm = math.sqrt(dot(g, g))
  for i = 1, largest(g) > o.tolerance and o.iterations or 0 do
    local d, last = directions[self.kind](self, g), value
    local slope = dot(g, d)
    self.steps = self.steps + 1
    local length = first_length(self, g, slope)
    self.before, self.direction, self.slope, self.length = g, d, slope, length
    if slope > -o.change then break end
    local point = move(self, f, x, { t = 0, f = value, g = g, slope = slope }, length, d)
    if point.f == math.huge then
      errors.raise("numeric", 3, "%s: the loss is not finite after a step of length %g; a smaller rate may help",
        self.kind, point.t)
    end
    value, g, self.length = point.f, point.g, point.t
    x = x + d * point.t
    if largest(g) <= o.tolerance or self.asked >= o.evaluations or i == o.iterations
      or largest(d) * math.abs(point.t) <= o.change or math.abs(value - last) < o.change then break end
  end
  put(self, x)
  return first
end

local MEMORY = { "steps", "since", "length", "slope", "scale", "direction", "before" }

--- opt:step(f): up to `iterations` steps down the loss that the function f() gives; f is called several times, with
-- the parameters at different places, and must give the same value at the same place. Returns the loss before the
-- step. Where f fails, or Ctrl-C stops it, the parameters are as they were.
function Search:step(f)
  if type(f) ~= "function" then
    errors.raise("argument", 2, "%s: step takes a function that gives the loss, opt:step(function() return loss "
      .. "end), since it asks for it several times; got a %s", self.kind, tensor.is_tensor(f) and "tensor" or type(f))
  end
  parameters.need(self)
  local kept, changes = {}, table.move(self.changes, 1, #self.changes, 1, {})
  local x = flat_of(self.params):detach():clone()
  for _, name in ipairs(MEMORY) do kept[name] = self[name] end
  local ok, first = pcall(iterate, self, f)
  if not ok then
    for _, name in ipairs(MEMORY) do self[name] = kept[name] end
    self.changes = changes
    base.uninterrupted(put, self, x)
    error(first, 0)
  end
  if ops.guard() then return first end
  base.uninterrupted(function()
    self.last_rate = self.length
    constraints.hold(self.entries)
    core.commit()
  end)
  self:zero()
  return first
end

-- ---- checkpoints -----------------------------------------------------------------------------------------------

local SETTINGS = { "rate", "history", "search", "curvature", "formula", "restart", "iterations", "evaluations",
  "tolerance", "change" }

--- What a checkpoint keeps: { tensors =, values = }.
function Search:state()
  local values = { kind = self.kind, settings = {}, ys = {} }
  local tensors = { direction = self.direction, before = self.before }
  for _, name in ipairs(SETTINGS) do values.settings[name] = self.o[name] end
  for _, name in ipairs(MEMORY) do
    if type(self[name]) == "number" then values[name] = self[name] end
  end
  for i, change in ipairs(self.changes) do
    tensors["y." .. i], tensors["s." .. i], values.ys[i] = change.y, change.s, change.ys
  end
  return { tensors = tensors, values = values }
end

--- Takes over what :state() gave; the optimiser must be attached to the same parameters and have the same options.
function Search:restore(state)
  local values = state.values
  if values.kind ~= self.kind then
    errors.raise("format", 2, "the checkpoint holds the state of %s, the script uses %s", tostring(values.kind),
      self.kind)
  end
  for _, name in ipairs(SETTINGS) do
    if values.settings[name] ~= self.o[name] then
      errors.raise("argument", 2, "resume: the checkpoint was made with %s { %s = %s }, this run has %s = %s",
        self.kind, name, tostring(values.settings[name]), name, tostring(self.o[name]))
    end
  end
  for _, name in ipairs(MEMORY) do
    if type(self[name]) == "number" then self[name] = values[name] end
  end
  self.direction, self.before, self.changes = state.tensors.direction, state.tensors.before, {}
  for i, ys in ipairs(values.ys) do
    self.changes[i] = { y = state.tensors["y." .. i], s = state.tensors["s." .. i], ys = ys }
  end
end

--- True for such an optimiser.
function M.is_search(value) return getmetatable(value) == Search end

return M
