--- lamina.plot.range: the span of data that a mark needs along x and y.
local scale = require "lamina.plot.scale"

local M = {}

--- An empty range: {x = {low =, high =}, y = {low =, high =}}, with the ends nil while there is nothing.
function M.new() return { x = {}, y = {} } end

--- Widens one axis of a range to hold v; NaN, infinity and nil do not count.
function M.widen(axis, v)
  if not scale.finite(v) then return end
  axis.low = axis.low and math.min(axis.low, v) or v
  axis.high = axis.high and math.max(axis.high, v) or v
end

--- Widens one axis to hold every number of a list (nil: none).
function M.widen_all(axis, values)
  for i = 1, values and #values or 0 do M.widen(axis, values[i]) end
end

return M
