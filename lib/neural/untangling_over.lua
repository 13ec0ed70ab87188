--- lamina.neural.untangling_over: what a linear classifier fitted at some positions, sizes, rotations, contrasts is
-- worth at others (DiCarlo & Cox 2007: one plane should tell the objects apart over all that they may look like).
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local tensor = require "lamina.core.tensor"

local M = {}

-- The images of each part of a variable, in the order of its values, and what the parts are called. Each value is a
-- part; numbers of more than `most` different values are divided by size into `most` parts of equal counts, equal
-- values staying together.
local function parts_of(values, most)
  local order, numbers = common.count_up(#values), true
  for _, value in ipairs(values) do numbers = numbers and type(value) == "number" end
  table.sort(order, function(a, b)
    local x, y = values[a], values[b]
    if not numbers then x, y = tostring(x), tostring(y) end
    return x < y or x == y and a < b
  end)
  local distinct = #common.by_value(values)
  local parts, of, first = {}, nil, 1
  for rank, i in ipairs(order) do
    if rank > 1 and values[i] ~= values[order[rank - 1]] then first = rank end
    local key = (not numbers or distinct <= most) and first or (first - 1) * most // #values
    if key ~= of then
      of = key
      parts[#parts + 1] = {}
    end
    table.insert(parts[#parts], i)
  end
  for _, part in ipairs(parts) do
    local low, high = values[part[1]], values[part[#part]]
    part.name = low == high and tostring(low) or string.format("%.4g to %.4g", low, high)
    table.sort(part)
  end
  return parts
end

-- Every part tested once: `samples` images of each class of the other parts to fit on, or all where there are fewer.
local function folds_of(o, variable, labels, position)
  for p, part in ipairs(variable.parts) do
    local inside, taken, fold = {}, {}, { train = {}, test = part }
    for _, i in ipairs(part) do inside[i] = true end
    for _, i in ipairs(common.permutation(#labels, o.seed, "untangling." .. variable.name, p)) do
      local c = labels[i]
      if not inside[i] and (taken[c] or 0) < o.samples then
        taken[c] = (taken[c] or 0) + 1
        table.insert(fold.train, i)
      end
    end
    for _, i in ipairs(part) do
      if (taken[labels[i]] or 0) < 2 then
        errors.raise("argument", position, "neural.untangling: over = \"%s\": class %s has %s outside %s, too few "
          .. "to fit a classifier on: every class must occur at several values of %s", variable.name,
          tostring(o.set.classes[labels[i]]), common.plural(taken[labels[i]] or 0, "image"), part.name, variable.name)
      end
    end
    table.sort(fold.train)
    variable.folds[p] = fold
  end
end

-- Raises for a name that is there twice, and for values of which some are NaN: they belong to no part.
local function check_values(name, values, variables, position)
  for _, other in ipairs(variables) do
    if other.name == name then
      errors.raise("argument", position, "neural.untangling: over names '%s' twice", name)
    end
  end
  local holes = {}
  for i, value in ipairs(values) do
    if value ~= value then holes[#holes + 1] = i end
  end
  if #holes > 0 then
    errors.raise("numeric", position, "neural.untangling: over = \"%s\": it is NaN for %d of %s (%s), which belong "
      .. "to no part: leave them out, set:subset(positions)", name, #holes, common.plural(#values, "image"),
      common.some(holes))
  end
end

--- The variables that `over` names (a column or latent variable of the stimuli, or a list of them): a list of
-- { name, parts, folds }.
function M.read(o, labels, position)
  local names = type(o.over) == "string" and { o.over } or o.over or {}
  local variables = {}
  for k, name in ipairs(names) do
    local values = o.set.columns and o.set.columns[name] or o.set.latent and o.set.latent[name]
    if not values then
      local known = {}
      for _, columns in ipairs { o.set.columns or {}, o.set.latent or {} } do
        for column in pairs(columns) do known[#known + 1] = tostring(column) end
      end
      table.sort(known)
      errors.raise("argument", position, "neural.untangling: over = '%s' is no column of the stimuli%s (there are "
        .. "%s)", tostring(name), errors.hint(tostring(name), known), #known > 0 and table.concat(known, ", ") or
        "none")
    end
    values = common.list(values)
    check_values(name, values, variables, position)
    local variable = { name = name, parts = parts_of(values, o.parts), folds = {} }
    if #variable.parts < 2 then
      errors.raise("argument", position, "neural.untangling: over = \"%s\": it does not vary over the images",
        name)
    end
    folds_of(o, variable, labels, position)
    variables[k] = variable
  end
  return variables
end

-- 1 where two images have different entries of a list, else 0: n x n.
local function differ(list)
  local t = tensor.tensor(list, { dtype = "float64" })
  return t:reshape { -1, 1 }:ne(t:reshape { 1, -1 }):to "float64"
end

-- 1 - (mean distance of two images of one class, of different parts) / (of two classes, of different parts).
local function invariance(apart, other_class, variable)
  local of = {}
  for p, part in ipairs(variable.parts) do
    for _, i in ipairs(part) do of[i] = p end
  end
  local between = differ(of)
  local within = between * (1 - other_class)
  between = between * other_class
  local function mean(which) return (apart * which):sum():item() / which:sum():item() end
  return 1 - mean(within) / mean(between)
end

--- Adds row.over[name] = { accuracy =, each =, invariance = } for every variable. x: the layer's features; score:
-- (fold, key) -> the accuracy on its test images.
function M.measure(row, variables, x, labels, score)
  if #variables == 0 then return end
  local apart, other_class = x:cdist(x), differ(labels)
  row.over = {}
  for k, variable in ipairs(variables) do
    local each, sum = {}, 0
    for p, fold in ipairs(variable.folds) do
      each[p] = score(fold, 1000 * k + p)
      sum = sum + each[p]
    end
    row.over[variable.name] = { accuracy = sum / #each, each = each,
      invariance = invariance(apart, other_class, variable) }
  end
end

--- A row's accuracy over a variable, for report.
function M.result(row, variable)
  local found = row.over[variable.name]
  return { metric = string.format("untangling over %s (%s)", variable.name, row.layer), value = found.accuracy,
    label = row.label, what = string.format("accuracy at values it was not fitted at, mean of %d parts, least %.3f; "
      .. "invariance %.3f", #found.each, math.min(table.unpack(found.each)), found.invariance) }
end

--- Rows of text: the accuracy and the invariance over each variable, and what the parts are.
function M.text(self)
  if #self.over == 0 then return "" end
  local rows, lines = { { "layer" } }, {}
  for _, variable in ipairs(self.over) do
    rows[1][#rows[1] + 1], rows[1][#rows[1] + 2] = "over " .. variable.name, "invariance"
    local names = {}
    for p, part in ipairs(variable.parts) do names[p] = part.name end
    lines[#lines + 1] = string.format("  over %s: fitted on as many images of the other parts, tested on %s",
      variable.name, common.some(names, 8))
  end
  for i, row in ipairs(self.rows) do
    rows[i + 1] = { row.layer }
    for _, variable in ipairs(self.over) do
      local found = row.over[variable.name]
      table.insert(rows[i + 1], string.format("%.3f (least %.3f)", found.accuracy,
        math.min(table.unpack(found.each))))
      table.insert(rows[i + 1], string.format("%.3f", found.invariance))
    end
  end
  return "\n" .. table.concat(lines, "\n") .. "\n" .. common.columns(rows, { true })
end

return M
