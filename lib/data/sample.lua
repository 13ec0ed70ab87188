--- Samplers: which items an epoch visits, drawn anew for each epoch.
local alike = require "lamina.alike"
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local tensor = require "lamina.core.tensor"

local M = {}

local Set = sets.methods

-- A set whose epochs are draws of n items. text: for print; draw(seed, epoch): n positions as an int64 tensor.
local function sampled(self, n, text, draw, position)
  if rawget(self, "sampler") then
    errors.raise("argument", position, "%s has a sampler already (%s)", self.name, self.sampler.text)
  end
  local parts = merged(self)
  parts.sampler = { n = n, text = text, draw = draw }
  return sets.make(parts)
end

local function uniforms(n, seed, epoch, purpose)
  return tensor.draw { kind = "uniform", shape = { n }, dtype = "float64", seed = seed, purpose = purpose,
    step = epoch }:totable()
end

-- The labels of a set; raises where it has none.
local function need_labels(self, word, position)
  local labels = sets.labels(self)
  if not labels then
    errors.raise("argument", position, "%s: %s has no labels to go by (its y is %s)%s", word, self.name,
      self.y == nil and "none" or "no int64 tensor with one axis",
      word == "balanced" and "; balanced { by = \"NAME\" } goes by a column or one of several targets" or "")
  end
  return labels
end

-- The positions of each class's items, as a list of lists { label =, positions... } in the order of the labels.
local function by_class(labels)
  local classes = alike(#labels, function(i) return labels[i] end)
  for _, class in ipairs(classes) do class.label = labels[class[1]] end
  table.sort(classes, function(a, b) return a.label < b.label end)
  return classes
end

-- For each item its label in one of several targets, or the number of its value in a column.
local function labels_by(self, name, position)
  local target = type(self.y) == "table" and self.y[name]
  if tensor.is_tensor(target) and target.dtype == "int64" and target.ndim == 1 then return target:totable() end
  local number, list, count = {}, {}, 0
  for i, value in ipairs(sets.column(self, name, "balanced", position)) do
    if value ~= value then
      errors.raise("argument", position, "balanced: item %d has no value in column '%s'", i, name)
    end
    if not number[value] then
      count = count + 1
      number[value] = count
    end
    list[i] = number[value]
  end
  return list
end

local BALANCED = schema.document("balanced", {
  n = { type = "integer", min = 1, doc = "how many draws make an epoch; as many as there are items if absent" },
  by = { type = "string", doc = "a column, or one of several targets, whose values are the classes" },
})

--- set:balanced { n =, by = }: the same set, of which each epoch visits every class equally often. n draws make an
-- epoch, as many as there are items if absent; counts differ by 1 where they must. Classes come in turn, each going
-- through its items in an order drawn for (seed, epoch) and beginning again when they are used up. The classes are
-- those of the labels y or, with by = "NAME", of one of several targets, or the values of a column.
-- > set = data.tensors { randn { 10, 4 }, tensor({ 1, 1, 1, 1, 1, 1, 1, 1, 2, 2 }, { dtype = "int64" }) }
-- > for b in set:balanced():batches { batch = 10 } do counts = b.y:bincount() end
-- > counts   --> [5 5]
function Set:balanced(given)
  local position = errors.position(2)
  local o = schema.check("balanced", given or {}, BALANCED, position)
  local labels = o.by and labels_by(self, o.by, position) or need_labels(self, "balanced", position)
  local classes, n = by_class(labels), o.n or self.n
  local text = string.format("balanced: %d draws an epoch, %d classes in turn", n, #classes)
  return sampled(self, n, text, function(seed, epoch)
    local orders, list = {}, {}
    for i = 1, n do
      local k, turn = (i - 1) % #classes + 1, (i - 1) // #classes
      local round, at = turn // #classes[k], turn % #classes[k]
      if at == 0 then
        orders[k] = tensor.draw { kind = "permutation", shape = { #classes[k] }, seed = seed,
          purpose = string.format("balanced.%d.%d", k, round), step = epoch }:totable()
      end
      list[i] = classes[k][orders[k][at + 1]]
    end
    local order = tensor.draw { kind = "permutation", shape = { n }, seed = seed, purpose = "balanced", step = epoch }
    return tensor.tensor(list, { dtype = "int64" }):index_select(order, { dim = 1 })
  end, position)
end

-- Positive sums so far, and where a number falls among them.
local function cumulative(weights)
  local sums, total = {}, 0.0
  for i, w in ipairs(weights) do
    total = total + w
    sums[i] = total
  end
  return sums, total
end

local function find(sums, value)
  local low, high = 1, #sums
  while low < high do
    local middle = (low + high) // 2
    if sums[middle] > value then high = middle else low = middle + 1 end
  end
  return low
end

local WEIGHTED = schema.document("weighted", { positional = { "weights" },
  weights = { type = { "table", "tensor", "string" }, required = true,
    doc = "one number of at least 0 for each item, or the column that holds them" },
  n = BALANCED.n })

--- set:weighted { weights, n = }: the same set, of which each epoch visits n items (as many as there are, if absent),
-- each drawn with replacement for (seed, epoch) with a probability in proportion to its weight.
-- > set = data.tensors { arange(1, 3):reshape { 3, 1 } }
-- > for b in set:weighted({ { 0, 0, 1 }, n = 4 }):batches { batch = 4 } do seen = b.x:flatten() end
-- > seen   --> [3 3 3 3]
function Set:weighted(given)
  local position = errors.position(2)
  if type(given) == "table" and #given > 1 and type(given[1]) == "number" then
    local named = { weights = {}, n = given.n }
    for i, w in ipairs(given) do named.weights[i] = w end
    given = named
  end
  local o = schema.check("weighted", given, WEIGHTED, position)
  local weights = o.weights
  if type(weights) == "string" then weights = sets.column(self, weights, "weighted", position) end
  if tensor.is_tensor(weights) then weights = weights:totable() end
  if #weights ~= self.n then
    errors.raise("shape", position, "weighted: %d weights for %d items", #weights, self.n)
  end
  for i, w in ipairs(weights) do
    if type(w) ~= "number" or not (w >= 0 and w < math.huge) then
      errors.raise("argument", position, "weighted: the weight of item %d is %s, expected a number of at least 0", i,
        tostring(w))
    end
  end
  local sums, total = cumulative(weights)
  if total <= 0 then errors.raise("argument", position, "weighted: all weights are 0") end
  local n, last = o.n or self.n, #weights
  while weights[last] == 0 do last = last - 1 end
  return sampled(self, n, string.format("weighted: %d draws an epoch", n), function(seed, epoch)
    local list = uniforms(n, seed, epoch, "weighted")
    for i, u in ipairs(list) do list[i] = math.min(find(sums, u * total), last) end
    return tensor.tensor(list, { dtype = "int64" })
  end, position)
end

local PER_CLASS = schema.document("per_class", { positional = { "k" },
  k = { type = "integer", required = true, min = 1, doc = "how many items of each class" },
  seed = { type = "integer", doc = "of the choice; the experiment's if absent" } })

--- set:per_class(k, seed): k items of each class, drawn for (seed, "per_class"), in the order of the set: the same
-- items every epoch. Raises where a class has fewer.
-- > set = data.tensors { randn { 20, 4 }, tensor({ 1, 2 }, { dtype = "int64" }):tile { 10 } }
-- > #set:per_class(3)   --> 6
function Set:per_class(k, seed)
  local position = errors.position(2)
  local o = schema.check("per_class", type(k) == "table" and k or { k, seed = seed }, PER_CLASS, position)
  local list = {}
  for place, items in ipairs(by_class(need_labels(self, "per_class", position))) do
    if #items < o.k then
      errors.raise("argument", position, "per_class: class %s has %d items, %d are asked for", self.classes
        and self.classes[items.label] or tostring(items.label), #items, o.k)
    end
    local order = tensor.draw { kind = "permutation", shape = { #items }, seed = o.seed or tensor.seed(),
      purpose = "per_class", step = place }:totable()
    for i = 1, o.k do list[#list + 1] = items[order[i]] end
  end
  table.sort(list)
  return self:subset(list)
end

return M
