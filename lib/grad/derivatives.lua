--- Derivatives of functions: directions, Jacobians, Hessians.
--
-- All are made of reverse passes. The derivative along a direction t is that of the reverse pass: with g(u) = J^T u,
-- which is linear in u, d<g(u), t>/du = J t, whatever u is (Townsend 2017). Every op with a second derivative has it
-- so.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local grads = require "lamina.grad"
local schema = require "lamina.schema"

local M = {}

local list_of, shape_text = grads.list_of, grads.shape_text

-- Leaves with the values of the inputs, so that nothing outside is touched; those that are not floating stay.
local function leaves_of(inputs)
  local leaves = {}
  for i, x in ipairs(inputs) do
    leaves[i] = x:detach()
    if x.dtype:find "^float" then leaves[i]:requires_grad(true) end
  end
  return leaves
end

local function need_function(word, f, position)
  local meta = getmetatable(f)
  if type(f) == "function" or type(meta) == "table" and rawget(meta, "__call") then return end
  errors.raise("argument", position, "%s: expected a function of tensors, got a %s", word, type(f))
end

-- What f gives, as a list.
local function outputs_of(word, position, f, xs)
  local ys = table.pack(f(table.unpack(xs)))
  if ys.n == 0 then
    errors.raise("argument", position, "%s: the function returned nothing, expected tensors", word)
  end
  for i = 1, ys.n do
    if not core.is_tensor(ys[i]) then
      errors.raise("argument", position, "%s: the function returned a %s, expected tensors", word, type(ys[i]))
    end
  end
  return ys
end

-- Directions: as many as tensors, each of the shape and dtype of its own.
local function directions_of(word, name, value, like, position)
  local list = list_of(string.format("%s: %s", word, name), value, position)
  if #list ~= #like then
    errors.raise("argument", position, "%s: %d %s for %d inputs", word, #list, name, #like)
  end
  for i, t in ipairs(list) do
    if shape_text(t.shape) ~= shape_text(like[i].shape) or t.dtype ~= like[i].dtype then
      errors.raise("shape", position, "%s: %s %d is %s %s, its input %s %s", word, name, i, shape_text(t.shape),
        t.dtype, shape_text(like[i].shape), like[i].dtype)
    end
  end
  return list
end

local function zeros_like(x) return core.zeros(x.shape, { dtype = x.dtype }) end

-- Those of a list that depend on something, and where they stood.
local function dependent(list)
  local some, places = {}, {}
  for i = 1, #list do
    if list[i] and list[i]:requires_grad() then
      some[#some + 1] = list[i]
      places[#some] = i
    end
  end
  return some, places
end

local function detached(t) return t and t:requires_grad() and t:detach() or t end

-- The sum of <a[i], b[i]>; nil where no a depends on anything.
local function inner(a, b)
  local total
  for i = 1, #b do
    if a[i] and a[i]:requires_grad() then
      local term = (a[i] * b[i]):sum()
      total = total and total + term or term
    end
  end
  return total
end

-- The floating leaves, and the entries of `list` at their places.
local function floating(xs, list)
  local some, entries = {}, {}
  for i, x in ipairs(xs) do
    if x:requires_grad() then
      some[#some + 1] = x
      entries[#some] = list and list[i]
    end
  end
  return some, entries
end

-- J^T u of the outputs, as a function of u: the gradients and the u, both recorded.
local function pullback(ys, xs)
  local some, places = dependent(ys)
  local us = {}
  for i, y in ipairs(some) do us[i] = zeros_like(y):requires_grad(true) end
  if #some == 0 then return {}, us, places end
  return { core.gradients(some, xs, { gradient = us, create = true }) }, us, places
end

--- jvp(f, inputs, tangents): f's results and their derivatives along a direction: J t. f is called with the inputs (a
-- tensor or a list); the tangents have their shapes. Returns the results and the derivatives, as tensors where f
-- returns one, as lists where it returns several.
-- > y, dy = jvp(function(x) return x:square() end, tensor { 1, 2 }, tensor { 1, 0 })
-- > dy   --> [2. 0.]
function M.jvp(f, inputs, tangents)
  local position = errors.position(2)
  need_function("jvp", f, position)
  local given = list_of("jvp: inputs", inputs, position)
  local ts = directions_of("jvp", "tangents", tangents, given, position)
  return core.with_grad(function()
    local xs = leaves_of(given)
    local ys, out = outputs_of("jvp", position, f, xs), {}
    local some, along = floating(xs, ts)
    local gs, us, places = pullback(ys, some)
    local s = inner(gs, along)
    local found = s and { core.gradients(s, us) } or {}
    for k, place in ipairs(places) do out[place] = found[k] or nil end
    for i = 1, ys.n do
      ys[i], out[i] = detached(ys[i]), out[i] or zeros_like(ys[i])
    end
    if ys.n == 1 then return ys[1], out[1] end
    ys.n = nil
    return ys, out
  end)
end

-- f's one number at leaves of the inputs, and its recorded gradient.
local function recorded_gradient(word, position, f, given)
  local xs = leaves_of(given)
  local ys = outputs_of(word, position, f, xs)
  if ys.n ~= 1 or ys[1]:count() ~= 1 then
    errors.raise("shape", position, "%s: the function returned %s, expected one tensor with one element", word,
      ys.n == 1 and "a tensor " .. shape_text(ys[1].shape) or ys.n .. " tensors")
  end
  if not ys[1]:requires_grad() then return xs, {} end
  local some = floating(xs)
  local found, gs, k = { core.gradients(ys[1], some, { create = true }) }, {}, 0
  for i, x in ipairs(xs) do
    if x:requires_grad() then
      k = k + 1
      gs[i] = found[k] or nil
    end
  end
  return xs, gs
end

--- hvp(f, inputs, vectors): the Hessian of f, a function with one number as its result, times vectors of the inputs'
-- shapes, without the Hessian itself. One input gives a tensor, a list a list.
-- > hvp(function(x) return x:pow(3):sum() end, tensor { 1, 2 }, tensor { 1, 1 })   --> [6. 12.]
function M.hvp(f, inputs, vectors)
  local position = errors.position(2)
  need_function("hvp", f, position)
  local given, one = list_of("hvp: inputs", inputs, position)
  local vs = directions_of("hvp", "vectors", vectors, given, position)
  return core.with_grad(function()
    local xs, gs = recorded_gradient("hvp", position, f, given)
    local s, out, some = inner(gs, vs), {}, floating(xs)
    local found, k = s and { core.gradients(s, some) } or {}, 0
    for i, x in ipairs(xs) do
      if x:requires_grad() then k = k + 1 end
      out[i] = x:requires_grad() and found[k] or zeros_like(x)
    end
    return one and out[1] or out
  end)
end

local function joined(a, b)
  local shape = table.move(a, 1, #a, 1, {})
  return table.move(b, 1, #b, #shape + 1, shape)
end

-- The rows d y[k] / d x of all elements k of a recorded y, for each of xs: tensors of y's shape and then x's.
local function rows_of(y, xs)
  local rows, n = {}, y:count()
  for i, x in ipairs(xs) do rows[i] = core.zeros({ n, x:count() }, { dtype = x.dtype }) end
  for k = 1, y:requires_grad() and n or 0 do
    local u = core.zeros({ n }, { dtype = y.dtype })
    u[k] = 1
    local found = { core.gradients(y, xs, { gradient = u:reshape(y.shape), keep = true }) }
    for i, x in ipairs(xs) do
      if found[i] then rows[i][k] = detached(found[i]):reshape { x:count() } end
    end
  end
  for i, x in ipairs(xs) do rows[i] = rows[i]:reshape(joined(y.shape, x.shape)) end
  return rows
end

-- The same by columns, through directions: cheaper where there are fewer inputs than outputs.
local function columns_of(y, xs)
  local gs, us = pullback({ y, n = 1 }, xs)
  local out = {}
  for i, x in ipairs(xs) do
    local n = x:count()
    local columns = core.zeros({ n, y:count() }, { dtype = x.dtype })
    for k = 1, gs[i] and gs[i]:requires_grad() and n or 0 do
      local t = core.zeros({ n }, { dtype = x.dtype })
      t[k] = 1
      local found = core.gradients((gs[i] * t:reshape(x.shape)):sum(), us, { keep = true })
      if found then columns[k] = found:reshape { y:count() } end
    end
    out[i] = columns:t():contiguous():reshape(joined(y.shape, x.shape))
  end
  return out
end

local JACOBIAN = { mode = { type = "string", choices = { "reverse", "forward", "auto" }, default = "auto",
  doc = "a pass for each element of the result, for each element of the inputs, or whichever is fewer" } }
schema.document("jacobian", JACOBIAN)

--- jacobian(f, inputs, { mode = "auto" }): the derivatives of every element of f's result with respect to every
-- element of the inputs, as a tensor with the result's axes and then the input's. A list of inputs gives a list.
-- > jacobian(function(x) return x:square() end, tensor { 1, 2 })   --> [[2. 0.] [0. 4.]]
function M.jacobian(f, inputs, options)
  local position = errors.position(2)
  need_function("jacobian", f, position)
  local o = schema.check("jacobian", options or {}, JACOBIAN, position)
  local given, one = list_of("jacobian: inputs", inputs, position)
  return core.with_grad(function()
    local xs = leaves_of(given)
    local ys, n = outputs_of("jacobian", position, f, xs), 0
    if ys.n ~= 1 then
      errors.raise("argument", position, "jacobian: the function returned %d tensors, expected one", ys.n)
    end
    for i, x in ipairs(xs) do
      if not x:requires_grad() then
        errors.raise("dtype", position, "jacobian: input %d is %s, expected float32 or float64", i, x.dtype)
      end
      n = n + x:count()
    end
    local forward = o.mode == "forward" or o.mode == "auto" and n < ys[1]:count()
    local out = (forward and columns_of or rows_of)(ys[1], xs)
    return one and out[1] or out
  end)
end

--- hessian(f, inputs): the second derivatives of f, a function with one number as its result: a tensor with the
-- input's axes twice. A list of inputs gives a list of lists, h[i][j] with the axes of input i and then those of
-- input j.
-- > hessian(function(x) return x:pow(3):sum() end, tensor { 1, 2 })   --> [[6. 0.] [0. 12.]]
function M.hessian(f, inputs)
  local position = errors.position(2)
  need_function("hessian", f, position)
  local given, one = list_of("hessian: inputs", inputs, position)
  return core.with_grad(function()
    local xs, gs = recorded_gradient("hessian", position, f, given)
    local h = {}
    for i, x in ipairs(xs) do
      if not x:requires_grad() then
        errors.raise("dtype", position, "hessian: input %d is %s, expected float32 or float64", i, x.dtype)
      end
      h[i] = rows_of(gs[i] or zeros_like(x), xs)
    end
    return one and h[1][1] or h
  end)
end

M.need_function = need_function

return M
