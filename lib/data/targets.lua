--- Targets: a tensor, a table of tensors by name, or none.
local errors = require "lamina.errors"
local tensor = require "lamina.core.tensor"

local M = {}

--- "10x1x28x28".
function M.shape(x) return table.concat(x.shape, "x") end

--- f of each target, in the same form.
function M.map(y, f)
  if y == nil or tensor.is_tensor(y) then return y and f(y) end
  local mapped = {}
  for name, t in pairs(y) do mapped[name] = f(t) end
  return mapped
end

--- "5000 int64", "{ category 5000 int64, position 5000x2 float32 }", "none".
function M.text(y)
  if y == nil then return "none" end
  if tensor.is_tensor(y) then return M.shape(y) .. " " .. y.dtype end
  local parts = {}
  for name, t in pairs(y) do parts[#parts + 1] = string.format("%s %s %s", name, M.shape(t), t.dtype) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- "3 of 60 targets missing (NaN)", of targets whose NaN means missing; nil where none is.
function M.missing_text(y)
  local gone, total = 0, 0
  M.map(y, function(t)
    total = total + t:count()
    if t.dtype:find "^float" then gone = gone + t:isnan():to "int64":sum():item() end
    return t
  end)
  return gone > 0 and string.format("%d of %d targets missing (NaN)", gone, total) or nil
end

--- Raises unless each target is a tensor with n entries. inputs: what the inputs are, for the message.
function M.check(y, n, inputs, word, position)
  local function check(t, what)
    if not tensor.is_tensor(t) then
      errors.raise("argument", position, "%s: %s is a %s, expected a tensor", word, what, type(t))
    end
    if t.ndim == 0 or #t ~= n then
      errors.raise("shape", position, "%s: %s and %s is %s; both need one entry per item", word, inputs, what,
        M.shape(t))
    end
  end
  if y == nil then return end
  if tensor.is_tensor(y) then return check(y, "y") end
  if next(y) == nil then errors.raise("argument", position, "%s: y is an empty table", word) end
  for name, t in pairs(y) do
    if type(name) ~= "string" then
      errors.raise("argument", position, "%s: y has an entry [%s]; several targets have names, as in "
        .. "{ category = labels, position = xy }", word, tostring(name))
    end
    check(t, "y." .. name)
  end
end

--- The first item whose label is not among 1..count, and the label; nil when all are.
function M.bad_label(y, count)
  if #y == 0 then return end
  local low, high = y:min():item(), y:max():item()
  if low >= 1 and high <= count then return end
  for i, label in ipairs(y:totable()) do
    if label < 1 or label > count then return i, label end
  end
end

--- Labels and the names of the classes from a list of names or numbers. Classes are in the order of `classes` where
-- it is given, else sorted: numbers by size, then names. what: whose they are, for messages.
function M.labels(list, classes, what, position)
  local place = {}
  if not classes then
    classes = {}
    for _, name in ipairs(list) do
      if not place[name] then
        place[name] = true
        classes[#classes + 1] = name
      end
    end
    table.sort(classes, function(a, b)
      if type(a) == type(b) then return a < b end
      return type(a) == "number"
    end)
  end
  local names, labels = {}, {}
  for k, name in ipairs(classes) do place[name], names[k] = k, tostring(name) end
  for i, name in ipairs(list) do
    labels[i] = place[name] or place[tostring(name)]
    if not labels[i] then
      errors.raise("argument", position, "%s: item %d is of class '%s', which is not among the classes %s", what, i,
        tostring(name), table.concat(names, ", "))
    end
  end
  return tensor.tensor(labels, { dtype = "int64" }), names
end

return M
