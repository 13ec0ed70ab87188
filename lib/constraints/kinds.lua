--- The kinds of constraints: what each makes of a weight, its options, and the tensors that it stands on. See
-- lib/constraints.lua.
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

hold.cells = hold.sign

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

-- The nearest rows that sum to value with no entry below 0, and 0 where `free` is 0: what is taken from each entry is
-- such that those which stay above 0 sum to value (Held, Wolfe & Crowder 1974). The largest k entries stay, k the
-- last for which the k-th is above (sum of the first k - value) / k.
local function onto_simplex(rows, free, value)
  local n = rows:size(2)
  local open = ops.where(ops.ne(free, 0), rows, -math.huge)
  local sorted = ops.sort(open, { dim = 2, descending = true })
  local usable = ops.isfinite(sorted)
  local over = (ops.cumsum(ops.where(usable, sorted, 0), { dim = 2 }) - value)
    / core.arange(1, n):to("float64"):reshape { 1, n }
  local stays = ops.logical_and(usable, ops.gt(sorted, over))
  local count = ops.maximum(sum_rows(stays:to "float64"), 1):to "int64"
  return ops.where(ops.ne(free, 0), ops.maximum(rows - ops.gather(over, count, { dim = 2 }), 0), 0)
end

local function has(list, kind)
  for _, c in ipairs(list or {}) do
    if c.kind == kind then return true end
  end
  return false
end

function hold.sum(self, w, list)
  local rows, value = rows_of(w), self.o.value
  local total, free = sum_rows(rows), support(list, w)
  local count = ops.maximum(sum_rows(free), 1)
  local off = ops.gt(ops.abs(total - value), (sum_rows(ops.abs(rows)) + math.abs(value)) * slack(w))
  local made
  if self.o.method == "shift" and has(list, "non_negative") then
    made = onto_simplex(rows, free, value)
  elseif self.o.method == "shift" then
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

--- In which order they are made to hold.
M.rank = { cells = 1, sign = 1, non_negative = 1, non_positive = 1, mask = 2, sum = 3, norm = 4, distance = 5 }

--- Which tensor a kind keeps.
M.tensor_of = { sign = "sign", mask = "mask", distance = "from" }

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

--- Works out what follows from the tensors that are kept; after these have been given other values, once more.
function Constraint:prepare()
  if self.kind == "sign" or self.kind == "cells" then
    local s = self.kind == "sign" and self.tensors.sign or self.derive()
    self.low = ops.where(ops.gt(s, 0), 0, -math.huge):to(s.dtype)
    self.high = ops.where(ops.lt(s, 0), 0, math.huge):to(s.dtype)
  elseif self.kind == "mask" then
    self.keep = ops.ne(self.tensors.mask, 0)
  end
end

--- What it makes of a weight; list: all constraints of the weight.
function Constraint:of(w, list) return hold[self.kind](self, w, list) end

--- The constraint { kind, text, o, tensors } of one parameter without its tensors.
function M.new(kind, o, item)
  return setmetatable({ kind = kind, o = o, tensors = {}, text = kind .. " of " .. item.name }, Constraint)
end

--- The constraint of one parameter for a name or { name, options... }. Raises at `position`.
function M.make(spec, item, position)
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
      and string.format("there is no '%s'", kind) or kind == nil and "the table does not begin with its kind"
      or "got a " .. type(kind),
      table.concat(NAMES, ", ") .. (type(kind) == "string" and errors.hint(kind, NAMES) or ""))
  end
  local o = schema.check("constraint " .. kind, options, SPECS[kind], position)
  if kind == "norm" and (o.max == nil) == (o.equal == nil) then
    errors.raise("argument", position, "constraint: norm needs max or equal, one of them")
  end
  local self = M.new(kind, o, item)
  if kind == "sign" then make_sign(self, item, position) end
  if kind == "mask" then self.tensors.mask = spread(o.mask, item, "mask", position) end
  self:prepare()
  return self
end

return M
