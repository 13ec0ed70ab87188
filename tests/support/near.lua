-- Holds the elements of a tensor to a list of numbers, each within a tolerance (1e-10 if absent).
local assert = require "luassert"

return function(expected, t, tolerance)
  local flat = t:reshape { -1 }:totable()
  assert.equal(#expected, #flat)
  for i, value in ipairs(expected) do assert.near(value, flat[i], tolerance or 1e-10) end
end
