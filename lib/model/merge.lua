--- What the words that join branches have in common: add, multiply, concat.
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local M = {}

-- "16x8x8 and 32x4x4"
local function listed(shapes)
  local parts = {}
  for i, shape in ipairs(shapes) do parts[i] = layer.shape_text(shape) end
  return #parts == 1 and parts[1] or table.concat(parts, ", ", 1, #parts - 1) .. " and " .. parts[#parts]
end

--- What would bring a shape to another one, in words.
function M.advice(from, to)
  if #from ~= 3 or #to ~= 3 then
    return string.format("a layer that gives %s would fit, such as %s", layer.shape_text(to), #to == 1
      and string.format("dense { %d }", to[1]) or string.format("conv { %d, ... }", to[1]))
  end
  local same_size = from[2] == to[2] and from[3] == to[3]
  local channels = from[1] ~= to[1] and string.format("conv { %d, kernel = 1 }", to[1]) or nil
  local s = (from[2] + to[2] - 1) // to[2]
  if same_size then return channels .. " would fit" end
  if from[2] > to[2] and (from[2] - 1) // s + 1 == to[2] and (from[3] - 1) // s + 1 == to[3] then
    return string.format("conv { %d, kernel = 1, stride = %d } would fit", to[1], s)
  end
  return string.format("resize { size = { %d, %d } }%s would fit", to[2], to[3],
    channels and " and " .. channels or "")
end

--- The one shape of all branches; nil and a message where they differ. doing: "be added".
function M.same(shapes, doing)
  for i = 2, #shapes do
    if not layer.same_shape(shapes[1], shapes[i]) then
      return nil, string.format("the branches give %s, which cannot %s; for branch %d, %s", listed(shapes), doing, i,
        M.advice(shapes[i], shapes[1]))
    end
  end
  return shapes[1]
end

--- The shape of branches side by side along axis `dim` of an input; nil and a message where the others differ.
function M.joined(shapes, dim)
  local first = shapes[1]
  local axis = dim < 0 and #first + 1 + dim or dim
  if axis < 1 or axis > #first then
    return nil, string.format("dim = %d is no axis of %s (axes count from 1, without the batch)", dim,
      layer.shape_text(first))
  end
  local sum = table.move(first, 1, #first, 1, {})
  for i = 2, #shapes do
    local shape, target = shapes[i], table.move(first, 1, #first, 1, {})
    if #shape == #first then target[axis] = shape[axis] end
    if not layer.same_shape(shape, target) then
      return nil, string.format("the branches give %s, which do not fit side by side along axis %d: all other axes "
        .. "must agree; for branch %d, %s", listed(shapes), axis, i, M.advice(shape, target))
    end
    sum[axis] = sum[axis] + shape[axis]
  end
  return sum
end

--- A word that joins branches of one shape by an op of two tensors, from left to right. fuses: an activation that the
-- op can do in the same pass.
function M.fold(word, op, doing, doc, example, fuses)
  local function fold(xs, activation)
    local y = xs[1]
    if #xs == 1 and activation then return ops[activation](y) end
    for i = 2, #xs do
      local last = y
      if i == #xs and activation then
        y = ops[op](last, xs[i], { activation = activation })
      else
        y = ops[op](last, xs[i])
      end
      if i > 2 then last:release() end
    end
    return y
  end
  return layer.define {
    word = word, op = op, doc = doc, example = example, merges = true, fuses = fuses,
    shape = function(_, shapes) return M.same(shapes, doing) end,
    apply = function(_, _, xs, _, activation) return fold(xs, activation) end,
    tensors = function(a, ...)
      if type(a) == "table" then return fold(a) end
      return ops[op](a, ...)
    end,
  }
end

return M
