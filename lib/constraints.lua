--- Constraints: what weights must be after every update, whatever made it.
--
--   train { constraints = { { "norm", max = 1, of = "V1" }, { "non_negative", of = "neurons" } }, ... }
--   conv { 16, kernel = 5, constraint = "non_negative" }
--   net:constrain("V1", { "mask", m })
--
--   "non_negative", "non_positive"   weights below (above) 0 become 0
--   { "sign", "positive" | "negative" | s, by = "weight" }   the same by weight: s holds 1, -1, or 0 where a weight
--       is free, and has the weight's shape or one that spreads over it; by = "input": one number for each input unit
--       (channel), by = "unit": for each unit that the weights lead to
--   { "mask", m }                    weights where m is 0 are 0
--   { "sum", value, method = "shift" | "scale" }   the weights of each unit sum to value: the same is added to each
--       (Miller & MacKay 1994, subtractive), or all are multiplied (for weights of one sign; from a sum of 0, or of
--       the other sign, they begin anew, all equal)
--   { "norm", max = } or { "norm", equal = }   the Euclidean length of each unit's weights; a unit whose weights are
--       all 0 stays so
--   { "distance", max = }            how far each unit's weights may be from where they were when this was asked
--
-- A unit is an entry of the weight's first axis. Several constraints of one weight are made to hold in the order in
-- which they stand above, which is such that the later ones keep what the earlier ones did; those that could not hold
-- together are refused. A weight that meets a constraint is not touched, so that making it hold again changes no bit.
local choose = require "lamina.choose"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"

local M = {}

local Constraint = { __name = "constraint" }
Constraint.__index = Constraint

Constraint.__tostring = function(self) return self.text end

-- ---- making them hold; each takes a weight and gives what it should be ------------------------------------------

-- A weight as units x all that leads to them, in double; and the way back.
local function rows_of(w) return ops.reshape(w:to "float64", { w:size(1), -1 }) end

local function back(rows, w) return ops.reshape(rows, w.shape):to(w.dtype) end

-- What rounding may leave: a part of a length in float32 and float64.
local function slack(w) return w.dtype == "float64" and 1e-10 or 2.0 ^ -21 end

local function sum_rows(t) return ops.sum(t, { 2 }, { keepdim = true }) end

local function length_rows(t) return ops.sqrt(sum_rows(ops.square(t))) end

local hold = {}

function hold.sign(self, w) return ops.minimum(ops.maximum(w, self.low), self.high) end

function hold.non_negative(_, w) return ops.maximum(w, 0) end

function hold.non_positive(_, w) return ops.minimum(w, 0) end

function hold.mask(self, w) return ops.where(self.keep, w, 0) end

-- 1 where a weight may differ from 0.
local function support(list, w)
  local rows = core.ones({ w:size(1), w:count() // w:size(1) }, { dtype = "float64" })
  for _, c in ipairs(list or {}) do
    if c.kind == "mask" then rows = rows * rows_of(ops.expand(c.tensors.mask, w.shape)) end
  end
  return rows
end

function hold.sum(self, w, list)
  local rows, value = rows_of(w), self.o.value
  local total, free = sum_rows(rows), support(list, w)
  local count = ops.maximum(sum_rows(free), 1)
  local off = ops.gt(ops.abs(total - value), (sum_rows(ops.abs(rows)) + math.abs(value)) * slack(w))
  local made
  if self.o.method == "shift" then
    made = rows + free * ((value - total) / count)
  else
    local fit = ops.gt(total * value, 0)
    made = ops.where(fit, rows * (value / ops.where(fit, total, 1)), free * (value / count))
  end
  return back(ops.where(off, made, rows), w)
end

function hold.norm(self, w)
  local rows, o = rows_of(w), self.o
  local length = length_rows(rows)
  local goal, off
  if o.max then
    goal, off = o.max * (1 - slack(w)), ops.gt(length, o.max)
  else
    goal = o.equal
    off = ops.logical_and(ops.gt(ops.abs(length - goal), goal * slack(w)), ops.gt(length, 0))
  end
  return back(ops.where(off, rows * (goal / ops.where(off, length, 1)), rows), w)
end

function hold.distance(self, w)
  local from = rows_of(self.tensors.from)
  local way = rows_of(w) - from
  local length = length_rows(way)
  local off = ops.gt(length, self.o.max + (length_rows(from) + self.o.max) * slack(w))
  return back(from + ops.where(off, way * (self.o.max / ops.where(off, length, 1)), way), w)
end

-- ---- from what a script writes ---------------------------------------------------------------------------------

local SPECS = {
  non_negative = {}, non_positive = {},
  sign = { positional = { "value" },
    value = { type = { "string", "tensor" }, required = true, doc = "\"positive\", \"negative\", or 1, -1 and 0 as a "
      .. "tensor" },
    by = { type = "string", default = "weight", choices = { "weight", "input", "unit" },
      doc = "what the tensor's entries stand for" } },
  mask = { positional = { "mask" }, mask = { type = "tensor", required = true, doc = "0 where weights are 0" } },
  sum = { positional = { "value" }, value = { type = "number", required = true, doc = "what the weights sum to" },
    method = { type = "string", default = "shift", choices = { "shift", "scale" },
      doc = "how they are brought there" } },
  norm = { max = { type = "number", above = 0, doc = "the largest length" },
    equal = { type = "number", above = 0, doc = "the length" } },
  distance = { max = { type = "number", required = true, min = 0, doc = "the largest distance" } },
}

local RANK = { sign = 1, non_negative = 1, non_positive = 1, mask = 2, sum = 3, norm = 4, distance = 5 }
local NAMES = { "non_negative", "non_positive", "sign", "mask", "sum", "norm", "distance" }

for _, name in ipairs(NAMES) do schema.document("constraint " .. name, SPECS[name]) end

local function shape_text(shape) return table.concat(shape, "x") end

-- A tensor of numbers spread to a weight's shape, as { shape } of its dtype.
local function spread(t, item, what, position)
  local shape = item.tensor.shape
  local ok, wide = pcall(function() return ops.expand(t:to(item.tensor.dtype), shape) end)
  if not ok then
    errors.raise("shape", position, "constraint: %s is %s, which does not spread over %s, %s", what,
      shape_text(t.shape), item.name, shape_text(shape))
  end
  return ops.contiguous(wide):detach():clone()
end

-- One number for each input unit (channel), along the weight's input axis; after a flatten each channel stands for
-- all its positions.
local function along_inputs(t, item, position)
  local shape, axis = item.tensor.shape, item.p and item.p.inputs or 2
  local n = shape[axis]
  if t.ndim ~= 1 or #shape < 2 or n % #t ~= 0 then
    errors.raise("shape", position, "constraint: sign by input has %s entries, but %s has %d inputs",
      shape_text(t.shape), item.name, n or 0)
  end
  local each = ops.reshape(ops.expand(ops.reshape(t, { #t, 1 }), { #t, n // #t }), { n })
  local wide = {}
  for i = 1, #shape do wide[i] = i == axis and n or 1 end
  return ops.reshape(each, wide)
end

local function along_units(t, item, position)
  local shape = item.tensor.shape
  if t.ndim ~= 1 or #t ~= shape[1] then
    errors.raise("shape", position, "constraint: sign by unit has %s entries, but %s has %d units",
      shape_text(t.shape), item.name, shape[1])
  end
  local wide = { #t }
  for i = 2, #shape do wide[i] = 1 end
  return ops.reshape(t, wide)
end

local function make_sign(self, item, position)
  local value, by = self.o.value, self.o.by
  if type(value) == "string" then
    if value ~= "positive" and value ~= "negative" then
      errors.raise("argument", position, "constraint: sign is '%s', expected \"positive\", \"negative\" or a tensor",
        value)
    end
    value = core.full({ 1 }, value == "positive" and 1 or -1)
  elseif by == "input" then
    value = along_inputs(value, item, position)
  elseif by == "unit" then
    value = along_units(value, item, position)
  end
  self.tensors.sign = spread(value, item, "sign", position)
end

-- What is worked out from the tensors that are kept.
local function prepare(self)
  if self.kind == "sign" then
    local s = self.tensors.sign
    self.low = ops.where(ops.gt(s, 0), 0, -math.huge):to(s.dtype)
    self.high = ops.where(ops.lt(s, 0), 0, math.huge):to(s.dtype)
  elseif self.kind == "mask" then
    self.keep = ops.ne(self.tensors.mask, 0)
  end
end

-- The constraint of one parameter for { kind, options... }.
local function make(spec, item, position)
  local kind, options = spec, {}
  if type(spec) == "table" and getmetatable(spec) == nil then
    kind = spec[1]
    for key, value in pairs(spec) do
      if math.type(key) == "integer" and key > 1 then options[key - 1] = value end
      if type(key) ~= "number" and key ~= "of" then options[key] = value end
    end
  end
  if type(kind) ~= "string" or not SPECS[kind] then
    errors.raise("argument", position, "constraint: %s, expected one of %s", type(kind) == "string"
      and string.format("there is no '%s'", kind) or "got a " .. type(kind),
      table.concat(NAMES, ", ") .. (type(kind) == "string" and errors.hint(kind, NAMES) or ""))
  end
  local o = schema.check("constraint " .. kind, options, SPECS[kind], position)
  if kind == "norm" and (o.max == nil) == (o.equal == nil) then
    errors.raise("argument", position, "constraint: norm needs max or equal, one of them")
  end
  local self = setmetatable({ kind = kind, o = o, tensors = {}, text = kind .. " of " .. item.name }, Constraint)
  if kind == "sign" then make_sign(self, item, position) end
  if kind == "mask" then self.tensors.mask = spread(o.mask, item, "mask", position) end
  prepare(self)
  return self
end

-- ---- which go together -----------------------------------------------------------------------------------------

local function is_sign(c) return RANK[c.kind] == 1 end

-- Why two constraints cannot hold together; nil where they can. a comes first by rank.
local function clash(a, b)
  if a.kind == "sum" and b.kind == "norm" then return "they would undo each other" end
  if a.kind == "norm" and b.kind == "distance" and a.o.equal then return "the distance would change the length" end
  if is_sign(a) and b.kind == "sum" then
    if b.o.method == "shift" then return "shifting changes signs; use method = \"scale\"" end
    if a.kind == "sign" and type(a.o.value) ~= "string" then
      return "weights of both signs cannot be scaled to a sum"
    end
    local negative = a.kind == "non_positive" or a.o.value == "negative"
    if b.o.value ~= 0 and (b.o.value < 0) ~= negative then return "the sum has the other sign" end
  end
end

local function check_clashes(list, item, position)
  for i, a in ipairs(list) do
    for k = i + 1, #list do
      local why = clash(a, list[k])
      if why then
        errors.raise("argument", position, "constraint: %s and %s cannot both hold for %s: %s", a.kind, list[k].kind,
          item.name, why)
      end
    end
  end
end

local function apply(list, w)
  core.no_grad(function()
    for _, c in ipairs(list) do
      local made = hold[c.kind](c, w, list)
      w:copy(made)
      made:release()
    end
  end)
end

-- Adds a constraint to a parameter's list, by rank; one sum, norm or distance stands for an earlier one.
local function add(item, c, position)
  local list = {}
  for _, other in ipairs(item.entry.constraints or {}) do
    if RANK[c.kind] < 3 or other.kind ~= c.kind then list[#list + 1] = other end
  end
  local at = #list + 1
  while at > 1 and RANK[list[at - 1].kind] > RANK[c.kind] do at = at - 1 end
  table.insert(list, at, c)
  check_clashes(list, item, position)
  if c.kind == "distance" then
    local before = table.move(list, 1, #list - 1, 1, {})
    apply(before, item.tensor)
    c.tensors.from = item.tensor:detach():clone()
  end
  for _, other in ipairs(list) do
    if other.kind == "distance" and other ~= c and RANK[c.kind] < 3 then apply({ c }, other.tensors.from) end
  end
  item.entry.constraints = list
  apply(list, item.tensor)
end

-- ---- what others call ------------------------------------------------------------------------------------------

--- Constrains the weights that `of` means (see lib/choose.lua) by a spec or a list of specs. Raises at `position`.
function M.constrain(net, of, spec, position)
  local list = type(spec) == "table" and getmetatable(spec) == nil and type(spec[1]) == "table" and spec or { spec }
  for _, one in ipairs(list) do
    local whose = type(one) == "table" and getmetatable(one) == nil and one.of or of
    for _, item in ipairs(choose.parameters(net, whose, "constraint", position, choose.is_weight, "weights")) do
      add(item, make(one, item, position), position)
    end
  end
end

--- The constraints of train: a list of specs with `of`, and specs by area, layer or pattern.
function M.of_train(net, spec, position)
  if type(spec) == "string" then return M.constrain(net, nil, spec, position) end
  if type(spec[1]) == "string" then
    return M.constrain(net, spec.of, spec, position)
  end
  for key, one in pairs(spec) do
    if type(key) == "string" then M.constrain(net, key, one, position) else M.constrain(net, nil, one, position) end
  end
end

--- Makes the constraints of all entries (of optimisers and rules) hold.
function M.hold(entries)
  for _, entry in ipairs(entries) do
    local list = (entry.owner or entry).constraints
    if list then apply(list, entry.tensor) end
  end
end

--- Whether all constraints of a model hold now, bit for bit: making them hold would change nothing. Else false and
-- the constraint that does not.
function M.holds(net)
  for _, entry in ipairs(net.list) do
    for _, c in ipairs(entry.constraints or {}) do
      local copy = entry.tensor:detach():clone()
      apply({ c }, copy)
      if ops.any(ops.ne(copy, entry.tensor:detach())):item() then return false, c.text end
    end
  end
  return true
end

--- The tensors that a model's constraints stand on, by name, as a file or a checkpoint keeps them.
function M.tensors(net)
  local tensors = {}
  for _, entry in ipairs(net.list) do
    for i, c in ipairs(entry.constraints or {}) do
      for name, t in pairs(c.tensors) do
        tensors[string.format("%s.constraint%d.%s", entry.name, i, name)] = t
      end
    end
  end
  return tensors
end

--- After the tensors of M.tensors have been written: what follows from them.
function M.refresh(net)
  for _, entry in ipairs(net.list) do
    for _, c in ipairs(entry.constraints or {}) do prepare(c) end
  end
end

return M
