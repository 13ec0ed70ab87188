--- Penalties: what is added to the loss for the size or the shape of weights and of activities.
--
--   penalty = { l1 = 1e-3, of = "neurons" }
--   penalty = { { l2 = 1e-4 }, { smooth = 0.1, of = "V1" }, { activity = { l1 = 1e-5, of = "V1" } } }
--
--   l1      l1 * sum |w|
--   l2      l2 * sum w^2 (the gradient of decay = d in an optimizer is that of l2 = d / 2)
--   group   group * sum of the Euclidean lengths of groups: of each spatial filter of a convolution (one for each
--           pair of output and input channel), else of what leads to each unit (Yuan & Lin 2006)
--   smooth  smooth * sum (L * w)^2 over spatial filters and masks, L the Laplacian { .5 1 .5; 1 -6 1; .5 1 .5 } with
--           zeros around, for receptive fields without noise (Cadena et al. 2019)
--   activity = { l1 =, l2 =, of = }   the same sums over the responses of an area, the mean over the batch (and
--           over the time steps)
--
-- `of` is an area, a readout, a layer, a pattern on parameter names, or a list of these; all weights where it is
-- absent. Weights are parameters with two axes or more that do not normalise; bias = true takes the others in, too.
local choose = require "lamina.choose"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local safe = require "lamina.safe"
local schema = require "lamina.schema"

local M = {}

local AMOUNT = { type = "number", min = 0 }

local function amount(doc) return { type = AMOUNT.type, min = AMOUNT.min, doc = doc } end

local FIELDS = schema.document("penalty", {
  l1 = amount "times the sum of absolute weights", l2 = amount "times the sum of squared weights",
  group = amount "times the sum of the lengths of groups of weights",
  smooth = amount "times the sum of squares of the Laplacian of spatial weights",
  activity = { type = "table", doc = "{ l1 =, l2 =, of = }: on the responses of an area" },
  of = { type = { "string", "table" }, doc = "whose: an area, readout, layer or pattern, or a list; all if absent" },
  bias = { type = "boolean", default = false, doc = "whether parameters with one axis count, too" },
})

local ACTIVITY = schema.document("penalty activity", {
  l1 = amount "times the sum of absolute responses, the mean over the batch",
  l2 = amount "times the sum of squared responses, the mean over the batch",
  of = { type = { "string", "table" }, doc = "the area, or a list; all areas if absent" },
})

-- ---- the terms -------------------------------------------------------------------------------------------------

local terms = {}

function terms.l1(w) return ops.sum(ops.abs(w)) end

function terms.l2(w) return ops.sum(ops.square(w)) end

function terms.group(w)
  local groups = w.ndim == 4 and ops.flatten(w, 3) or w.ndim > 2 and ops.flatten(w, 2) or w
  return ops.sum(safe.length(ops.sum(ops.square(groups), groups.ndim)))
end

function terms.smooth(w)
  local shape = w.shape
  local laplace = core.tensor({ { 0.5, 1, 0.5 }, { 1, -6, 1 }, { 0.5, 1, 0.5 } }, { dtype = w.dtype })
  local planes = ops.reshape(w, { -1, 1, shape[#shape - 1], shape[#shape] })
  return ops.sum(ops.square(ops.conv2d(planes, laplace:reshape { 1, 1, 3, 3 }, nil, { pad = { 1, 1 } })))
end

local NAMES = { "l1", "l2", "group", "smooth" }

local function is_spatial(item)
  local shape = item.tensor.shape
  return choose.is_weight(item) and #shape >= 3 and (shape[#shape] > 1 or shape[#shape - 1] > 1)
end

-- ---- from what a script writes ---------------------------------------------------------------------------------

local Penalty = { __name = "penalty" }
Penalty.__index = Penalty

local function add_weights(self, net, o, position)
  for _, name in ipairs(NAMES) do
    if o[name] and o[name] > 0 then
      local keep, kind = choose.is_weight, "weights"
      if o.bias and name ~= "smooth" and name ~= "group" then keep, kind = nil, "parameters" end
      if name == "smooth" then keep, kind = is_spatial, "spatial weights" end
      for _, item in ipairs(choose.parameters(net, o.of, "penalty", position, keep, kind)) do
        self.weights[#self.weights + 1] = { term = name, amount = o[name], tensor = item.tensor }
      end
    end
  end
end

local function add_activity(self, net, given, position)
  local o = schema.check("penalty: activity", given, ACTIVITY, position)
  if not (o.l1 or o.l2) then
    errors.raise("argument", position, "penalty: activity names no amount, such as activity = { l1 = 1e-4, of = "
      .. "\"V1\" }")
  end
  local names = type(o.of) == "table" and o.of or { o.of }
  if #names == 0 then
    for _, block in ipairs(net.blocks) do
      if block.kind == "area" then names[#names + 1] = block.name end
    end
  end
  for _, name in ipairs(names) do
    if not net.blocks_by_name[name] then
      local known = {}
      for _, block in ipairs(net.blocks) do known[#known + 1] = block.name end
      errors.raise("argument", position, "penalty: activity: %s has no area '%s'%s", net.name, tostring(name),
        errors.hint(tostring(name), known))
    end
    self.active[name] = self.active[name] or {}
    table.insert(self.active[name], { l1 = o.l1, l2 = o.l2 })
    self.watched = true
  end
end

--- The penalty for what a script gives: a table, or a list of tables. Raises at `position`.
function M.make(spec, net, position)
  local self = setmetatable({ weights = {}, active = {} }, Penalty)
  if type(spec) ~= "table" then
    errors.raise("argument", position, "penalty: expected a table such as { l1 = 1e-3, of = \"V1\" } or a list of "
      .. "them, got a %s", type(spec))
  end
  for _, one in ipairs(#spec > 0 and spec or { spec }) do
    local o = schema.check("penalty", one, FIELDS, position)
    if not (o.l1 or o.l2 or o.group or o.smooth or o.activity) then
      errors.raise("argument", position, "penalty: names no amount, such as { l1 = 1e-3 }")
    end
    add_weights(self, net, o, position)
    if o.activity then add_activity(self, net, o.activity, position) end
  end
  return self
end

--- What the weights add to the loss now: a tensor with one element, or nil where only activities are looked at.
function Penalty:of_weights()
  local total
  for _, part in ipairs(self.weights) do
    local term = ops.mul(terms[part.term](part.tensor), part.amount)
    total = total and ops.add(total, term) or term
  end
  return total
end

--- What the responses y (a batch) of the area `name` add; nil where nothing looks at it.
function Penalty:of_activity(name, y)
  local total
  for _, part in ipairs(self.active[name] or {}) do
    for _, kind in ipairs { "l1", "l2" } do
      if part[kind] and part[kind] > 0 then
        local term = ops.mul(terms[kind](y), part[kind] / #y)
        total = total and ops.add(total, term) or term
      end
    end
  end
  return total
end

return M
