--- gradcheck: gradients against finite differences, in double precision.
local core = require "lamina.core.tensor"
local derivatives = require "lamina.grad.derivatives"
local errors = require "lamina.errors"
local grads = require "lamina.grad"
local schema = require "lamina.schema"

local M = {}

local FIELDS = {
  order = { type = "integer", default = 1, min = 1, max = 2,
    doc = "1: the gradient; 2: also the gradient of the gradient" },
  step = { type = "number", default = 1e-5, above = 0,
    doc = "of the differences, times the element where that is above 1" },
  tolerance = { type = "number", default = 1e-6, above = 0,
    doc = "the largest difference, relative to the larger of 1 and the derivative" },
  elements = { type = "integer", default = 100, min = 1,
    doc = "how many elements of each tensor are looked at; which ones is drawn where it has more" },
  parameters = { type = "table", doc = "further tensors to check, which f takes from outside; of a model: its own" },
  raise = { type = "boolean", default = true, doc = "whether a failure is an error; otherwise report.ok is false" },
}
schema.document("gradcheck", FIELDS)

-- ---- the report ------------------------------------------------------------------------------------------------

local Report = { __name = "gradcheck report" }
Report.__index = Report

local function place_text(where)
  if #where.element == 0 then return where.tensor end
  return string.format("%s[%s]", where.tensor, table.concat(where.element, ", "))
end

Report.__tostring = function(self)
  local lines = { string.format("gradcheck: %s; %d of %d elements, derivatives up to order %d, tolerance %g",
    self.ok and "agrees" or "does NOT agree", self.checked, self.total, self.order, self.tolerance) }
  local w = self.worst
  if w then
    lines[2] = string.format("  worst: %s: analytic %.12g, numeric %.12g, error %.3g%s", place_text(w), w.analytic,
      w.numeric, w.error, w.order == 2 and " (second derivative)" or "")
  end
  return table.concat(lines, "\n")
end

-- ---- the function in double precision ----------------------------------------------------------------------------

-- The tensors to check: { name =, tensor = (a float64 leaf) }, and all arguments of f.
local function take_inputs(inputs)
  local args, checked = {}, {}
  for i, x in ipairs(inputs) do
    args[i] = x:detach()
    if x.dtype:find "^float" then
      args[i] = x:detach():clone():to "float64":detach():requires_grad(true)
      checked[#checked + 1] = { name = "input " .. i, tensor = args[i] }
    end
  end
  return args, checked
end

-- Named tensors of a model or of a list; the rest of what a model computes with.
local function named_tensors(f, given, position)
  local list, others = given or {}, {}
  local is_model = type(f) == "table" and f.parameters
  if is_model and not given then list = f:parameters() end
  if given and given.parameters then list = given:parameters() end
  local named = {}
  for i, entry in ipairs(list) do
    local t = core.is_tensor(entry) and entry or type(entry) == "table" and entry.tensor
    if not t or not t.dtype:find "^float" then
      errors.raise("argument", position, "gradcheck: parameter %d is a %s, expected a floating tensor", i,
        type(entry))
    end
    named[i] = { name = type(entry) == "table" and entry.name or "parameter " .. i, tensor = t }
  end
  local owner = is_model and f or given and given.parameters and given
  if owner and owner.buffers then
    for _, entry in ipairs(owner:buffers()) do others[#others + 1] = entry.tensor end
  end
  return named, others
end

-- Calls f with the tensors exchanged for double copies; they are back afterwards, whatever happens.
local function in_double(tensors, f)
  local copies, state = {}, {}
  for i, t in ipairs(tensors) do
    state[i] = t:requires_grad()
    copies[i] = t:detach():clone():to "float64":detach()
    core.exchange(t, copies[i])
  end
  local found = table.pack(pcall(f))
  for i, t in ipairs(tensors) do
    core.exchange(t, copies[i])
    t:requires_grad(state[i])
  end
  if not found[1] then error(found[2], 0) end
  return table.unpack(found, 2, found.n)
end

-- ---- comparing -------------------------------------------------------------------------------------------------

-- A weight for every element of what is projected, so that none can hide: sum(t w), w in [0.5, 1.5).
local function project(list)
  local total
  for _, t in ipairs(list) do
    local w = core.rand(t.shape, { dtype = "float64" }) + 0.5
    local term = (t * w):sum()
    total = total and total + term or term
  end
  return total
end

-- The number whose derivatives are checked. Every call makes the same random draws.
local function objective(c, order)
  core.draws(c.draws)
  local outs = table.pack(c.f(table.unpack(c.args)))
  local floats = {}
  local function gather(value)
    if core.is_tensor(value) and value.dtype:find "^float" then floats[#floats + 1] = value end
  end
  for i = 1, outs.n do
    gather(outs[i])
    if type(outs[i]) == "table" then -- of a model with several readouts
      for _, value in pairs(outs[i]) do gather(value) end
    end
  end
  if #floats == 0 then
    errors.raise("argument", c.position, "gradcheck: the function returned no floating tensor")
  end
  for i, t in ipairs(floats) do
    if t.dtype ~= "float64" then
      errors.raise("dtype", c.position, "gradcheck: result %d is %s although every input is float64; convert with "
        .. ":to(x.dtype) inside the function, or name the tensors that it takes from outside in 'parameters'", i,
        t.dtype)
    end
  end
  core.draws { 0, 0, 0, 0 }
  local first = project(floats)
  if order == 1 or not first:requires_grad() then return first end
  local found, some = { core.gradients(first, c.tensors, { create = true }) }, {}
  for i = 1, #c.tensors do
    if found[i] then some[#some + 1] = found[i] end
  end
  return #some > 0 and project(some) or nil
end

local function value_at(c, order)
  local value = objective(c, order)
  return value and value:item() or 0
end

-- The derivative along one element by differences of the fourth order.
local function numeric(c, order, flat, i)
  local old = flat[i]
  local h, v = c.o.step * math.max(1, math.abs(old)), {}
  for _, k in ipairs { -2, -1, 1, 2 } do
    flat[i] = old + k * h
    local ok, value = pcall(value_at, c, order)
    flat[i] = old
    if not ok then error(value, 0) end
    v[k] = value
  end
  return (v[-2] - 8 * v[-1] + 8 * v[1] - v[2]) / (12 * h)
end

-- Which elements of a tensor: all, or some drawn ones in order.
local function chosen(c, n)
  if n <= c.o.elements then return nil, n end
  core.draws { 0, 0, 0, 0 }
  local some = core.permutation(n)[{ { 1, c.o.elements } }]:totable()
  table.sort(some)
  return some, #some
end

local function subscripts(shape, i)
  local out = {}
  i = i - 1
  for axis = #shape, 1, -1 do
    out[axis] = i % shape[axis] + 1
    i = i // shape[axis]
  end
  return out
end

local function compare(c, order, entry, gradient, report)
  local t = entry.tensor
  local flat = t:detach():reshape { t:count() }
  local analytic = gradient and gradient:detach():reshape { t:count() }
  local some, n = chosen(c, t:count())
  for k = 1, n do
    local i = some and some[k] or k
    local a, b = analytic and analytic[i] or 0, numeric(c, order, flat, i)
    local e = math.abs(a - b) / math.max(1, math.abs(b))
    if not report.worst or e > report.worst.error or e ~= e then
      report.worst = { tensor = entry.name, element = subscripts(t.shape, i), analytic = a, numeric = b, error = e,
        order = order }
    end
    report.ok = report.ok and e <= c.o.tolerance
  end
  return n
end

local function run(c)
  local report = setmetatable({ ok = true, checked = 0, total = 0, order = c.o.order, tolerance = c.o.tolerance },
    Report)
  for order = 1, c.o.order do
    local value = objective(c, order)
    local found = value and value:requires_grad() and { core.gradients(value, c.tensors) } or {}
    for i, entry in ipairs(c.entries) do
      local n = compare(c, order, entry, found[i], report)
      if order == 1 then report.checked, report.total = report.checked + n, report.total + entry.tensor:count() end
    end
  end
  return report
end

--- gradcheck(f, inputs, { order = 1, tolerance = 1e-6, elements = 100, parameters =, raise = true }): compares the
-- gradients of f, a function of tensors or a model, with differences of the fourth order in double precision, element
-- by element, for the inputs (a tensor or a list), the parameters of a model, and those named. Inputs and parameters
-- are converted meanwhile; random draws inside f are the same at every call. Returns a report: ok, worst { tensor,
-- element, analytic, numeric, error }, checked, total; where the two part by more than the tolerance, an error that
-- says it. Differences are wrong at kinks (relu at 0): choose inputs away from them.
-- > gradcheck(function(x) return x:tanh():sum() end, randn { 4, seed = 1 }).ok   --> true
function M.gradcheck(f, inputs, options)
  local position = errors.position(2)
  derivatives.need_function("gradcheck", f, position)
  local o = schema.check("gradcheck", options or {}, FIELDS, position)
  local given = grads.list_of("gradcheck: inputs", inputs, position)
  local args, entries = take_inputs(given)
  local named, others = named_tensors(f, o.parameters, position)
  local exchanged, draws = {}, core.draws()
  for _, entry in ipairs(named) do
    entries[#entries + 1] = entry
    exchanged[#exchanged + 1] = entry.tensor
  end
  for _, t in ipairs(others) do exchanged[#exchanged + 1] = t end
  if #entries == 0 then
    errors.raise("dtype", position, "gradcheck: there is no floating tensor to check")
  end
  local ok, report = pcall(in_double, exchanged, function()
    local tensors = {}
    for i, entry in ipairs(entries) do tensors[i] = entry.tensor:requires_grad(true) end
    return core.with_grad(run, { f = f, o = o, args = args, entries = entries, tensors = tensors, draws = draws,
      position = position })
  end)
  core.draws(draws)
  if not ok then error(report, 0) end
  if not report.ok and o.raise then errors.raise("numeric", position, "%s", tostring(report)) end
  return report
end

return M
