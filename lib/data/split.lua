--- set:split: a data set in parts for training, validation and test.
local alike = require "lamina.alike"
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local tensor = require "lamina.core.tensor"

local M = {}

local Set = sets.methods

local SPLIT = schema.document("split", {
  parts = { type = "table", required = true, doc = "the share of each part, for instance { 0.8, 0.2 }" },
  by = { type = { "boolean", "table", "string" }, default = false, doc = "items of one group stay together: true for "
    .. "the set's groups, the name of a column, or a list with the group of each item" },
  stratify = { type = { "boolean", "string" }, default = false, doc = "every part has the same share of each class "
    .. "(true), or of each value of the column named, as far as whole items allow" },
  seed = { type = "integer", doc = "of the order; the experiment's if absent" },
})

-- The value that keeps items together, for each item; nil: each stands alone.
local function groups_of(set, by, position)
  if not by then return nil end
  local groups = by
  if by == true then groups = set.groups end
  if type(by) == "string" then groups = sets.column(set, by, "split", position) end
  if not groups then errors.raise("argument", position, "split: the data set %s has no groups", set.name) end
  if #groups ~= set.n then
    errors.raise("shape", position, "split: by has %d entries for %d items", #groups, set.n)
  end
  return groups
end

-- Lists of positions, one for each unit that a split must not tear: single items, or groups in order of appearance.
local function units_of(items, groups)
  return (alike(items, function(i)
    if groups then return groups[i] end -- which may be false
    return i
  end))
end

-- The order of values: numbers by size, NaN behind them, then the others as texts.
local function before(a, b)
  local number = type(a) == "number"
  if number ~= (type(b) == "number") then return number end
  if number then return a < b or a == a and b ~= b end
  return tostring(a) < tostring(b)
end

-- The strata, each a list of units: one of all units, or one for each value of the column, sorted by value.
local function strata_of(set, o, position)
  local all, groups = {}, groups_of(set, o.by, position)
  for i = 1, set.n do all[i] = i end
  if not o.stratify then return { units_of(all, groups) } end
  local column = sets.column(set, o.stratify == true and "class" or o.stratify, "split", position)
  local units = units_of(all, groups)
  for _, unit in ipairs(units) do
    local value = column[unit[1]]
    for _, item in ipairs(unit) do
      if column[item] ~= value and (value == value or column[item] == column[item]) then -- NaN is NaN
        errors.raise("argument", position, "split: the group of item %d holds both '%s' and '%s', so its items "
          .. "cannot both stay together and be stratified", item, tostring(value), tostring(column[item]))
      end
    end
  end
  local strata = alike(units, function(unit) return column[unit[1]] end)
  table.sort(strata, function(s, t) return before(column[s[1][1]], column[t[1][1]]) end)
  return strata
end

-- Deals the units of one stratum, in a drawn order, to the parts: adds their items to the lists of `parts`.
local function deal(units, parts, shares, total, key)
  local order = tensor.draw { kind = "permutation", shape = { #units }, seed = key.seed, purpose = "split",
    step = key.step }:totable()
  local count, at, done, goal = 0, 1, 0, 0
  for _, unit in ipairs(units) do count = count + #unit end
  for k, share in ipairs(shares) do
    goal = key.step == 0 and done + share * count or goal + share * count
    while at <= #order and (done + #units[order[at]] / 2 <= goal or (k == #shares and total > 1 - 1e-9)) do
      for _, item in ipairs(units[order[at]]) do table.insert(parts[k], item) end
      done = done + #units[order[at]]
      at = at + 1
    end
  end
end

-- The shares, checked, and their sum.
local function check_shares(parts, position)
  local total = 0
  for k, part in ipairs(parts) do
    if type(part) ~= "number" or part <= 0 or part ~= part then
      errors.raise("argument", position, "split: the share of part %d is %s, expected a number above 0", k,
        tostring(part))
    end
    total = total + part
  end
  if #parts < 1 or total > 1 + 1e-9 then
    errors.raise("argument", position, "split: the shares add up to %g, expected at most 1", total)
  end
  return total
end

--- set:split { 0.8, 0.1, 0.1, by = "subject", stratify = true, seed = }: several data sets with about these shares of
-- the items, in an order drawn for (seed, "split"). With `by`, items of one group (a movie, a subject) stay together:
-- the name of a column, true for the set's groups, or a list. With `stratify`, each part has its share of every class
-- (or of every value of the column named).
-- > set = data.tensors { randn { 10, 4 }, columns = { subject = { 1, 1, 2, 2, 3, 3, 4, 4, 5, 5 } } }
-- > training, test = set:split { 0.8, 0.2, by = "subject" }
-- > #training, #test   --> 8 2
function Set:split(given)
  local position = errors.position(2)
  if type(given) ~= "table" then
    errors.raise("argument", position, "split: expected the share of each part, as in set:split { 0.8, 0.2 }, got %s",
      type(given) == "number" and tostring(given) or "a " .. type(given))
  end
  if rawget(self, "sampler") then
    errors.raise("argument", position, "split: the items of %s are drawn anew each epoch; split before "
      .. "that", self.name)
  end
  local named = { parts = {} }
  for key, value in pairs(given) do
    if math.type(key) == "integer" then named.parts[key] = value else named[key] = value end
  end
  local o = schema.check("split", named, SPLIT, position)
  local total, lists, results = check_shares(o.parts, position), {}, {}
  for k in ipairs(o.parts) do lists[k] = {} end
  local strata = strata_of(self, o, position)
  for k, units in ipairs(strata) do
    deal(units, lists, o.parts, total, { seed = o.seed or tensor.seed(), step = o.stratify and k or 0 })
  end
  for k, items in ipairs(lists) do
    if #items == 0 then
      errors.raise("argument", position, "split: part %d (share %g) would be empty", k, o.parts[k])
    end
    table.sort(items)
    results[k] = self:subset(items)
  end
  return table.unpack(results)
end

return M
