--- lamina.plot.tiles: matrices as coloured pixels.
local errors = require "lamina.errors"
local scale = require "lamina.plot.scale"
local style = require "lamina.plot.style"

local M = {}

--- Nested lists from a tensor or nested lists; `what` names the value in the error.
function M.nested(value, what, at)
  if type(value) == "userdata" and value.totable then return value:totable() end
  if type(value) == "table" then return value end
  errors.raise("argument", at, "%s is a %s, expected a tensor or nested lists of numbers", what, type(value))
end

--- The number of axes of nested lists.
function M.depth(value)
  local n = 0
  while type(value) == "table" do
    n = n + 1
    value = value[1]
  end
  return n
end

--- The least and the largest finite number of a matrix, together with low and high where they are given.
function M.range_of(rows, low, high)
  for _, row in ipairs(rows) do
    for _, v in ipairs(row) do
      if scale.finite(v) then low, high = math.min(low or v, v), math.max(high or v, v) end
    end
  end
  return low, high
end

--- The ends of the colours for data from low to high; the signed map is symmetric about 0.
function M.color_range(map, low, high)
  low, high = low or 0, high or 1
  if map == "signed" then
    local most = math.max(math.abs(low), math.abs(high))
    low, high = -most, most
  end
  if high <= low then high = low + 1 end
  return low, high
end

--- A matrix as bytes of red, green and blue, row by row.
function M.shade(rows, map, low, high)
  local colors, bytes = style.map(map), {}
  for _, row in ipairs(rows) do
    for _, v in ipairs(row) do bytes[#bytes + 1] = style.shade(colors, v, low, high) end
  end
  return table.concat(bytes)
end

--- One plane (by the map) or three (red, green and blue over the common range) as bytes of red, green and blue.
function M.paint(planes, map, low, high)
  if #planes == 1 then return M.shade(planes[1], map, low, high) end
  local bytes = {}
  for r = 1, #planes[1] do
    for c = 1, #planes[1][1] do
      for k = 1, 3 do
        local t = (planes[k][r][c] - low) / (high - low)
        if t ~= t then t = 0.5 end
        bytes[#bytes + 1] = string.char(math.floor(255 * math.min(1, math.max(0, t)) + 0.5))
      end
    end
  end
  return table.concat(bytes)
end

--- A picture on its own range as {rgb, rows, columns}: H x W and 1 x H x W in grey, 3 x H x W in colour. `what` names
-- it in the error.
function M.picture(value, what, at)
  local list = M.nested(value, what, at)
  local axes = M.depth(list)
  local planes = axes == 2 and { list } or list
  if axes < 2 or axes > 3 or (#planes ~= 1 and #planes ~= 3) then
    errors.raise("shape", at, "%s has %d axes, expected a picture H x W, 1 x H x W or 3 x H x W", what, axes)
  end
  local low, high
  for _, plane in ipairs(planes) do
    for _, row in ipairs(plane) do
      if type(row) ~= "table" or #row ~= #planes[1][1] or #row == 0 or #plane ~= #planes[1] then
        errors.raise("shape", at, "%s: its rows differ in length", what)
      end
    end
    low, high = M.range_of(plane, low, high)
  end
  low, high = M.color_range("grey", low, high)
  return { rgb = M.paint(planes, "grey", low, high), rows = #planes[1], columns = #planes[1][1] }
end

return M
