--- Gradients beyond x:backward(): asked for by name, written by hand, computed again instead of kept.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local schema = require "lamina.schema"

local M = {}

-- A tensor or a list of tensors, as a list; whether it was one.
local function list_of(what, value, position)
  if core.is_tensor(value) then return { value }, true end
  if type(value) ~= "table" or getmetatable(value) then
    errors.raise("argument", position, "%s is a %s, expected a tensor or a list of tensors", what, type(value))
  end
  for i, t in ipairs(value) do
    if not core.is_tensor(t) then
      errors.raise("argument", position, "%s: entry %d is a %s, expected a tensor", what, i, type(t))
    end
  end
  if #value == 0 then errors.raise("argument", position, "%s is an empty list, expected tensors", what) end
  return value, false
end

M.list_of = list_of

--- What messages call a shape: 2x3, scalar.
function M.shape_text(shape) return #shape == 0 and "scalar" or table.concat(shape, "x") end

-- ---- grad ------------------------------------------------------------------------------------------------------

local GRAD = {
  gradient = { type = { "tensor", "table" },
    doc = "what flows into the outputs: a tensor, or a list with one for each (false: 1); an output with one element "
      .. "needs none" },
  create = { type = "boolean", default = false,
    doc = "record the pass, so that the gradients can be differentiated in turn; keeps the graph" },
  keep = { type = "boolean", default = false, doc = "keep the graph for another pass" },
  unused = { type = "string", choices = { "error", "zeros" }, default = "error",
    doc = "what becomes of an input that the outputs do not depend on" },
}
schema.document("grad", GRAD)

--- grad(outputs, inputs, { create = false, keep = false, gradient =, unused = "error" }): the gradients of the
-- outputs (a tensor, or the sum over a list) with respect to the inputs: leaves that require a gradient, or results
-- on the way. One input gives its gradient, a list a list. No .grad changes. The graph is spent unless keep or
-- create.
-- > x = tensor({ 1, 2, 3 }):requires_grad(true)
-- > grad(x:pow(3):sum(), x)   --> [3. 12. 27.]
function M.grad(outputs, inputs, options)
  local position = errors.position(2)
  local o = schema.check("grad", options or {}, GRAD, position)
  local ys = list_of("grad: outputs", outputs, position)
  local xs, one = list_of("grad: inputs", inputs, position)
  local found = { core.gradients(ys, xs, { keep = o.keep, create = o.create, gradient = o.gradient }) }
  for i, x in ipairs(xs) do
    if not found[i] and o.unused == "error" then
      errors.raise("state", position, "grad: the outputs do not depend on input %d (%s); unused = \"zeros\" gives "
        .. "zeros for it%s", i, M.shape_text(x.shape), x:requires_grad() and "" or ", and only a tensor marked with "
        .. ":requires_grad(true) before the computation has a gradient")
    end
    found[i] = found[i] or core.zeros(x.shape, { dtype = x.dtype })
  end
  return one and found[1] or found
end

-- ---- custom ----------------------------------------------------------------------------------------------------

local CUSTOM = {
  name = { type = "string", required = true, doc = "what messages call it" },
  forward = { type = "function", required = true,
    doc = "function(ctx, ...): computes the results (1 to 3 tensors); what backward needs goes into ctx" },
  backward = { type = "function", required = true,
    doc = "function(ctx, gradient, ...): from the gradients of the results those of the arguments, nil for what is "
      .. "no tensor or needs none" },
}
schema.document("custom", CUSTOM)

local Custom = { __name = "custom function" }
Custom.__index = Custom
Custom.__tostring = function(self) return "custom function " .. self.name end

local MOST = 3 -- results: LM_MAX_OUT of the runtime

-- The results of forward, checked, and whether one of the arguments requires a gradient.
local function run_forward(self, ctx, position, ...)
  local outs = table.pack(core.no_grad(self.forward, ctx, ...))
  if outs.n < 1 or outs.n > MOST then
    errors.raise("argument", position, "%s: forward returned %d values, expected 1 to %d tensors", self.name, outs.n,
      MOST)
  end
  for i = 1, outs.n do
    if not core.is_tensor(outs[i]) then
      errors.raise("argument", position, "%s: forward returned a %s as result %d, expected a tensor", self.name,
        type(outs[i]), i)
    end
  end
  return outs
end

Custom.__call = function(self, ...)
  local position, args, needs, any = errors.position(2), table.pack(...), {}, false
  for i = 1, args.n do
    needs[i] = core.is_tensor(args[i]) and args[i]:requires_grad()
    any = any or needs[i]
  end
  local ctx = { needs = needs }
  local outs = run_forward(self, ctx, position, ...)
  if not any or not core.grad_enabled() then return table.unpack(outs, 1, outs.n) end
  local tensors = {}
  for i = 1, args.n do tensors[i] = core.is_tensor(args[i]) and args[i] end
  return core.custom_record(self.name, tensors, args.n, outs, ctx, self.backward)
end

--- custom { name =, forward = function(ctx, ...) ... end, backward = function(ctx, gradient, ...) ... end }: a
-- function whose gradient is written by hand: surrogate gradients, feedback alignment, a formula that is better than
-- the one the tape finds. The result is called like any function. forward runs unrecorded and puts what backward
-- needs into ctx (tensors as fields of ctx itself, which are then watched for changes in place); ctx.needs[i] tells
-- whether argument i requires a gradient. backward gets the gradient of each result (zeros where nothing flows) and
-- returns one for each argument in order. Its own derivative exists where it is written in differentiable ops of the
-- arguments and results in ctx; gradcheck(f, inputs, { order = 2 }) tells whether it is right.
-- > spike = custom { name = "spike",
-- >   forward = function(ctx, x) ctx.x = x return x:gt(0):to "float32" end,
-- >   backward = function(ctx, g) return g / (1 + ctx.x:abs()):square() end }   -- a surrogate gradient
-- > x = tensor({ -1, 0.5 }):requires_grad(true)
-- > grad(spike(x):sum(), x)   --> [0.25 0.44444445]
function M.custom(given, ...)
  local position = errors.position(2)
  schema.alone("custom", "custom { name = \"spike\", forward = function(ctx, x) ... end, backward = ... }", position,
    ...)
  local o = schema.check("custom", given, CUSTOM, position)
  return setmetatable({ name = o.name, forward = o.forward, backward = o.backward }, Custom)
end

local watcher = M.custom {
  name = "on_gradient",
  forward = function(ctx, x, f)
    ctx.f = f
    return x
  end,
  backward = function(ctx, g)
    local changed = ctx.f(g)
    if changed == nil then return g end
    return changed
  end,
}

--- on_gradient(x, f): x, with f(g) called in backward with the gradient that flows to it (all of it: where x is used
-- several times, the sum). What f returns goes on in its place; nothing: g itself.
-- > x = tensor({ 1, 2 }):requires_grad(true)
-- > y = on_gradient(x, function(g) return -g end)   -- reverses what flows back
-- > grad((y * 3):sum(), x)   --> [-3. -3.]
function M.on_gradient(x, f)
  local position = errors.position(2)
  if not core.is_tensor(x) then
    errors.raise("argument", position, "on_gradient: expected a tensor, got a %s", type(x))
  end
  if type(f) ~= "function" then
    errors.raise("argument", position, "on_gradient: expected a function of the gradient, got a %s", type(f))
  end
  return watcher(x, f)
end

-- ---- checkpointed ----------------------------------------------------------------------------------------------

--- checkpointed(f, ...): f(...), but what f's ops keep for backward is dropped and computed again when backward
-- comes: a stretch then costs its arguments instead of everything in it, and one more forward pass. n layers in
-- sqrt(n) stretches need memory for about 2 sqrt(n) of them. The result and all gradients have the same bits as
-- without, also those of tensors that f takes from outside: random draws are repeated, running statistics are
-- updated once, and sums keep their order. f may be a model or a layer; it returns 1 to 3 tensors and must compute
-- the same when it is called again.
-- > x = tensor({ 1, 2 }):requires_grad(true)
-- > y = checkpointed(function(x) return x:exp():sin() end, x)
-- > grad(y:sum(), x):allclose(x:exp():cos() * x:exp())   --> true
function M.checkpointed(f, ...)
  local position = errors.position(2)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and rawget(meta, "__call")) then
    errors.raise("argument", position, "checkpointed: expected a function, got a %s", type(f))
  end
  if not core.grad_enabled() then return f(...) end
  local args, first = table.pack(...), true
  local draws, random = core.draws(), core.random_mark()
  return core.fold(function()
    if first then
      first = false
      return f(table.unpack(args, 1, args.n))
    end
    local now, at = core.draws(), core.random_mark(random)
    core.draws(draws)
    local found = table.pack(pcall(f, table.unpack(args, 1, args.n)))
    core.draws(now)
    core.random_mark(at)
    if not found[1] then error(found[2], 0) end
    return table.unpack(found, 2, found.n)
  end)
end

return M
