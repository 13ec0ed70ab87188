--- Data sets: items that have inputs x and mostly targets y, by number.
--
-- A set holds its inputs as a tensor (set.x), or as the grey levels of pictures (set.levels, { x =, mean =, std = })
-- that a batch standardises and set.x all at once when somebody asks for it, or knows where they come from
-- (set.source: pictures in files, a mapped array, a function) and gives them a batch at a time; then set.rows, where
-- it is there, says which items of the source are the set's, and set.steps what is done to a batch on the way:
-- { augment = ... } by the runtime, { map = f } by the script. A source has n, shape (of one item), rows(index) and,
-- for loader threads, `pictures` or `x`. Targets are tensors and stay in memory; only a function's come with the
-- batch.
local core = require "lamina.core.data"
local errors = require "lamina.errors"
local image = require "lamina.core.image"
local merged = require "lamina.merged"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local targets = require "lamina.data.targets"
local tensor = require "lamina.core.tensor"

local M = {}

-- ---- batches ---------------------------------------------------------------------------------------------------

local Batch = { __name = "batch" }
Batch.__index = Batch
Batch.__len = function(self) return self.n end
Batch.__tostring = function(self) return string.format("batch of %d", self.n) end

--- Gives the batch's memory back now instead of when Lua's collector comes by.
function Batch:release()
  local function release(t) t:release() end
  for _, value in pairs { self.x, self.y, self.index } do targets.map(value, release) end
end

--- A batch from its parts; n is the number of items.
function M.make_batch(parts) return setmetatable(parts, Batch) end

-- ---- sets ------------------------------------------------------------------------------------------------------

local Set = { __name = "data set" }
local field = object.index("a data set", Set, "x y classes groups id columns latent missing selected numbered "
  .. "release source rows steps sampler levels")

local function standardised(levels) return image.level_standardise(levels.x, levels.mean, levels.std) end

-- The grey levels of a set whose inputs nobody has asked for as a whole, or put in their place; else nil.
local function levels_of(set) return rawget(set, "x") == nil and rawget(set, "levels") or nil end

Set.__index = function(self, name)
  local levels = name == "x" and rawget(self, "levels")
  if not levels then return field(self, name) end
  local x = standardised(levels)
  rawset(self, "x", x)
  rawset(self, "levels", nil)
  return x
end
Set.__len = function(self) return self.n end

--- The methods of data sets, for other sets of items that have x, y, n, name and :subset.
M.methods = Set

--- A source from an array: a tensor with the items along its first axis. text: where it lies, for print.
function M.array(x, text)
  local shape = x.shape
  table.remove(shape, 1)
  return { n = #x, shape = shape, x = x, text = x.dtype .. " " .. text,
    rows = function(_, index) return ops.index_select(x, index, { dim = 1 }) end }
end

--- A set from its parts: x or source, and where there are any y, classes, groups, id, columns, missing, name, rows,
-- steps, sampler, selected; or levels in place of x.
function M.make(parts)
  if parts.sampler and levels_of(parts) then parts.x, parts.levels = standardised(parts.levels), nil end
  if parts.sampler and parts.x then parts.source, parts.x = M.array(parts.x, "in memory"), nil end
  local x = parts.x or parts.levels and parts.levels.x
  parts.n = parts.sampler and parts.sampler.n or parts.rows and #parts.rows or x and #x or parts.source.n
  return setmetatable(parts, Set)
end

--- True for a data set made here; stimulus sets and others are not.
function M.is_set(value) return getmetatable(value) == Set end

local function inputs_text(set)
  if levels_of(set) then return string.format("%dx%s float32", set.n, table.concat(set:shape(), "x")) end
  if set.x then return targets.shape(set.x) .. " " .. set.x.dtype end
  local shape = table.concat(set:shape(), "x")
  return shape .. " each, " .. set.source.text
end

Set.__tostring = function(self)
  local line = string.format("%s: %d items, x %s, y %s%s", self.name, self.n, inputs_text(self),
    targets.text(self.y), self.classes and string.format(", %d classes", #self.classes) or "")
  local lines = { line }
  local gone = self.missing and targets.missing_text(self.y)
  if gone then lines[2] = "  " .. gone end
  if self.classes and #self.classes <= 12 then
    lines[#lines + 1] = "  classes: " .. table.concat(self.classes, ", ")
  end
  local names = {}
  for name in pairs(self.columns or {}) do names[#names + 1] = name end
  table.sort(names)
  if #names > 0 then lines[#lines + 1] = "  columns: " .. table.concat(names, ", ") end
  for _, step in ipairs(self.steps or {}) do lines[#lines + 1] = "  " .. step.text end
  if self.sampler then lines[#lines + 1] = "  " .. self.sampler.text end
  if self.selected then lines[#lines + 1] = "  selected: these data were used for a choice" end
  return table.concat(lines, "\n")
end

-- Positions as an int64 tensor. level: of the caller whose line an error names.
local function as_index(indices, level)
  if tensor.is_tensor(indices) then return indices end
  if type(indices) ~= "table" then
    errors.raise("argument", level + 1, "indices are a %s, expected a list or an int64 tensor", type(indices))
  end
  return tensor.tensor(indices, { dtype = "int64" })
end

local function pick(t, index) return ops.index_select(t, index, { dim = 1 }) end

-- The pictures at `index`, standardised.
local function some_levels(levels, index)
  local raw = pick(levels.x, index)
  local x = standardised { x = raw, mean = levels.mean, std = levels.std }
  raw:release()
  return x
end

-- The source of a set, whose inputs may be in memory.
local function source_of(set) return set.source or M.array(set.x, "in memory") end

--- set:shape(): the shape of one item as a batch gives it, a list.
-- > data.tensors({ rand { 10, 3, 32, 32 } }):shape()   --> { 3, 32, 32 }
function Set:shape()
  local levels = levels_of(self)
  if levels then return { 1, levels.x:size(2), levels.x:size(3) } end
  if self.x then
    local shape = self.x.shape
    table.remove(shape, 1)
    return shape
  end
  if not self.item then
    local b = self:batch { 1 }
    self.item = b.x.shape
    table.remove(self.item, 1)
    b:release()
  end
  return table.move(self.item, 1, #self.item, 1, {})
end

-- The positions in the set of a sampler's draws of an epoch; kept, because an epoch asks batch by batch.
local function draws(set, seed, epoch)
  local s = set.sampler
  if s.seed ~= seed or s.epoch ~= epoch or not s.drawn then
    s.drawn, s.seed, s.epoch = s.draw(seed, epoch), seed, epoch
  end
  return s.drawn
end

--- The items behind positions of a set: the positions after its sampler, and the rows of its source.
function M.rows_of(set, index, where)
  if set.sampler then index = pick(draws(set, where.seed, where.epoch), index) end
  return index, set.rows and pick(set.rows, index) or index
end

--- Runs the steps of a set from number `first` over a batch's inputs. rows: the items' numbers in the source.
function M.run_steps(set, x, rows, where, first)
  for k = first or 1, #(set.steps or {}) do
    local step, before = set.steps[k], x
    x = step.run(x, rows, where)
    if step.map and (not tensor.is_tensor(x) or x.ndim == 0 or #x ~= #rows) then
      errors.raise("shape", step.position, "map: the function must give a tensor with one entry for each of the %d "
        .. "items, not %s", #rows, tensor.is_tensor(x) and targets.shape(x) or "a " .. type(x))
    end
    if not rawequal(before, x) and not step.map then before:release() end
  end
  return x
end

--- The augmentations at the head of a set's steps, which the runtime does while it reads, and the number of the first
-- step after them; nil where the inputs do not come through it.
function M.leading(set)
  local source, steps = set.source, set.steps or {}
  if not (source.pictures or source.x and steps[1] and steps[1].list) then return nil end
  local list, k = table.move(source.steps or {}, 1, #(source.steps or {}), 1, {}), 1
  while steps[k] and steps[k].list do
    table.move(steps[k].list, 1, #steps[k].list, #list + 1, list)
    k = k + 1
  end
  return list, k
end

-- The inputs of the items at `rows` after all steps, and the targets where the source makes them.
local function inputs(set, rows, where)
  local list, rest = M.leading(set)
  if not list then
    local x, y = set.source:rows(rows)
    return M.run_steps(set, x, rows, where), y
  end
  local x = core.batch { source = set.source, steps = list, rows = rows, seed = where.seed, epoch = where.epoch }
  return M.run_steps(set, x, rows, where, rest)
end

--- set:batch(indices): the items at the given positions (a list or an int64 tensor, from 1) as a batch: b.x, b.y,
-- b.index, #b. What is drawn at random (augmentation, samplers) is drawn for epoch 1, or for { epoch =, seed = } as a
-- second value.
-- > set = data.tensors { arange(1, 5):reshape { 5, 1 } }
-- > b = set:batch { 5, 1 }
-- > b.x:flatten(), #b   --> [5 1] 2
function Set:batch(indices, where)
  local index, levels = as_index(indices, 2), levels_of(self)
  if levels or self.x then
    local x = levels and some_levels(levels, index) or pick(self.x, index)
    return M.make_batch { x = x, y = targets.map(self.y, function(t) return pick(t, index) end),
      index = index, n = #index }
  end
  where = { epoch = where and where.epoch or 1, seed = where and where.seed or tensor.seed() }
  local positions, rows = M.rows_of(self, index, where)
  local x, y = inputs(self, rows, where)
  return M.make_batch { x = x, y = y or targets.map(self.y, function(t) return pick(t, positions) end), index = index,
    n = #index }
end

-- ---- parts of sets ---------------------------------------------------------------------------------------------

-- The fields of a set whose items are those of `self` at `list`, without its inputs.
local function chosen(self, list, index, name)
  local function entries(from)
    if not from then return nil end
    local part = {}
    for i, at in ipairs(list) do part[i] = from[at] end
    return part
  end
  local columns = self.columns and {}
  for key, column in pairs(self.columns or {}) do columns[key] = entries(column) end
  return { y = targets.map(self.y, function(t) return pick(t, index) end), classes = self.classes,
    groups = entries(self.groups), id = entries(self.id), columns = columns, name = name or self.name,
    missing = self.missing, selected = self.selected, source = self.source, steps = self.steps,
    numbered = self.numbered, threads = self.threads }
end

local function no_sampler(self, word, position)
  if self.sampler then
    errors.raise("argument", position, "%s: the items of %s are drawn anew each epoch (%s); choose among them before "
      .. "that", word, self.name, self.sampler.text)
  end
end

--- set:subset(indices, name): a data set of the items at the given positions.
-- > set = data.tensors { arange(1, 5):reshape { 5, 1 } }
-- > set:subset({ 2, 4 }):load().x:flatten()   --> [2 4]
function Set:subset(indices, name)
  local position = errors.position(2)
  no_sampler(self, "subset", position)
  local index = as_index(indices, 2)
  local parts, levels = chosen(self, index:totable(), index, name), levels_of(self)
  if levels then
    parts.levels = { x = pick(levels.x, index), mean = levels.mean, std = levels.std }
  elseif self.x then
    parts.x = pick(self.x, index)
  else
    parts.source = source_of(self)
    parts.rows = self.rows and pick(self.rows, index) or index
  end
  return M.make(parts)
end

--- Items first..last of a set, without copying tensors.
function M.range(set, first, last, name)
  local function part(t) return t[{ { first, last } }] end
  local function entries(from) return from and table.move(from, first, last, 1, {}) end
  local levels = levels_of(set)
  return M.make { x = not levels and part(set.x) or nil,
    levels = levels and { x = part(levels.x), mean = levels.mean, std = levels.std },
    y = targets.map(set.y, part), classes = set.classes, groups = entries(set.groups), name = name or set.name,
    missing = set.missing, selected = set.selected }
end

--- set:take(n, first): the n items from number `first` (1) on.
-- > set = data.tensors { arange(1, 5):reshape { 5, 1 } }
-- > set:take(2).x:flatten(), set:take(2, 4).x:flatten()   --> [1 2] [4 5]
function Set:take(n, first)
  local position = errors.position(2)
  first = first or 1
  if math.type(n) ~= "integer" or math.type(first) ~= "integer" or n < 0 or first < 1 or first + n - 1 > self.n then
    errors.raise("argument", position, "take: %s items from item %s on, but the set has %d", tostring(n),
      tostring(first), self.n)
  end
  local list = {}
  for i = 1, n do list[i] = first + i - 1 end
  return self:subset(list)
end

-- What set:where's function sees of item i: its columns, and index, id, label, class, group.
local function row_of(self, i, labels)
  local row = {}
  for name, column in pairs(self.columns or {}) do row[name] = column[i] end
  row.index, row.id, row.group = i, self.id and self.id[i], self.groups and self.groups[i]
  if labels then row.label, row.class = labels[i], self.classes and self.classes[labels[i]] end
  return row
end

-- Whether a value is the wanted one, or one of a list of them, or passes a function.
local function fits(value, wanted)
  if type(wanted) == "function" then return wanted(value) and true or false end
  if type(wanted) ~= "table" then return value == wanted end
  for _, one in ipairs(wanted) do
    if value == one then return true end
  end
  return false
end

--- The labels of a set as a list; nil where its targets are no labels.
function M.labels(set)
  return tensor.is_tensor(set.y) and set.y.dtype == "int64" and set.y.ndim == 1 and set.y:totable() or nil
end

--- The values of a column of a set; "class" names its classes and "group" its groups. Raises for an unknown one,
-- with the names there are.
function M.column(set, name, word, position)
  local columns = set.columns or {}
  if columns[name] then return columns[name] end
  if name == "group" and set.groups then return set.groups end
  if name == "id" and set.id then return set.id end
  local labels = M.labels(set)
  if name == "class" and labels then
    local list = {}
    for i, label in ipairs(labels) do list[i] = set.classes and set.classes[label] or label end
    return list
  end
  local names = {}
  for known in pairs(columns) do names[#names + 1] = known end
  if labels then names[#names + 1] = "class" end
  if set.groups then names[#names + 1] = "group" end
  table.sort(names)
  errors.raise("argument", position, "%s: %s has no column '%s'%s", word, set.name, tostring(name),
    #names > 0 and errors.hint(name, names) .. "; there are " .. table.concat(names, ", ") or ": it has none")
end

--- set:where { category = "face" }: the items for which it holds: a value, a list of values or a function of the
-- value, for each column named ("class" is the class's name). set:where(f): those for which f(row) is true; row has
-- the columns as fields, and index, id, label, class, group.
-- > set = stimuli.gratings { size = 16, orientation = { 0, 45, 90 }, frequency = { 2, 4 } }
-- > #set:where { orientation = { 0, 90 }, frequency = 4 }   --> 2
function Set:where(given)
  local position = errors.position(2)
  local list = {}
  if type(given) == "function" then
    local labels = M.labels(self)
    for i = 1, self.n do
      if given(row_of(self, i, labels)) then list[#list + 1] = i end
    end
  elseif type(given) == "table" and next(given) ~= nil then
    local columns = {}
    for name in pairs(given) do columns[name] = M.column(self, name, "where", position) end
    for i = 1, self.n do
      local all = true
      for name, wanted in pairs(given) do all = all and fits(columns[name][i], wanted) end
      if all then list[#list + 1] = i end
    end
  else
    errors.raise("argument", position, "where: expected columns and their values, as in set:where { category = "
      .. "\"face\" }, or a function")
  end
  if #list == 0 then errors.raise("argument", position, "where: no item of %s is left", self.name) end
  return self:subset(list)
end

--- set:shuffle(seed): the same items in an order drawn for (seed, "order"); the seed is the experiment's if absent.
-- > set = data.tensors { arange(1, 6):reshape { 6, 1 } }
-- > set:shuffle(1):batch({ 1, 2, 3, 4, 5, 6 }).x:flatten():sort()   --> [1 2 3 4 5 6] [1 3 6 2 5 4]
function Set:shuffle(seed)
  return self:subset(tensor.draw { kind = "permutation", shape = { self.n }, seed = seed or tensor.seed(),
    purpose = "order" })
end

--- A set with one more step.
function M.with_step(self, step)
  local parts = merged(self)
  parts.source, parts.x, parts.levels, parts.item = source_of(self), nil, nil, nil
  parts.steps = table.move(self.steps or {}, 1, #(self.steps or {}), 1, {})
  parts.steps[#parts.steps + 1] = step
  return M.make(parts)
end

--- set:map(f): the same set whose batches have the inputs f(x, where); f takes and gives a tensor with one entry for
-- each item of the batch; where.epoch and where.seed tell where it stands. It is called with every batch.
-- > set = data.tensors({ ones { 4, 2 } }):map(function(x) return x * 2 end)
-- > set:batch({ 1 }).x   --> [[2. 2.]]
function Set:map(f)
  local position = errors.position(2)
  if type(f) ~= "function" then
    errors.raise("argument", position, "map: expected a function of a batch's inputs, got a %s", type(f))
  end
  return M.with_step(self, { map = true, text = "map: a function of the script", position = position,
    run = function(x, _, where) return f(x, where) end })
end

--- set:load(batch): the same items with inputs and targets in memory; what is drawn at random is drawn for epoch 1.
-- They are read `batch` (256) at a time.
-- > set = data.from { 10, function(i) return full({ 2 }, i), 1 end }
-- > set:load().x.shape   --> { 10, 2 }
function Set:load(batch)
  local xs, ys, at = {}, {}, 1
  while at <= self.n do
    local last = math.min(at + (batch or 256) - 1, self.n)
    local b = self:batch(tensor.arange(at, last))
    xs[#xs + 1], ys[#ys + 1], at = b.x, b.y or false, last + 1
  end
  local function joined(list) return #list == 1 and list[1] or ops.concat(list, { dim = 1 }) end
  local y = ys[1]
  if tensor.is_tensor(y) then
    y = joined(ys)
  elseif y then
    y = {}
    for name in pairs(ys[1]) do
      local parts = {}
      for k, one in ipairs(ys) do parts[k] = one[name] end
      y[name] = joined(parts)
    end
  end
  local parts = merged(self)
  parts.x, parts.y, parts.source, parts.rows, parts.steps, parts.item = joined(xs), y or nil, nil, nil, nil, nil
  if self.sampler then parts.groups, parts.columns, parts.id = nil, nil, nil end
  parts.sampler, parts.levels = nil, nil
  return M.make(parts)
end

return M
