--- Lists whose entries are computed when they are asked for: the coordinates of millions of neuroids take no memory.
--
-- A lazy list is read like any other: list[i], #list, ipairs(list), table.concat(list).
local M = {}

local Lazy = { __name = "list" }
Lazy.__len = function(self) return rawget(self, "_n") end
Lazy.__index = function(self, i)
  if math.type(i) ~= "integer" or i < 1 or i > rawget(self, "_n") then return nil end
  return rawget(self, "_at")(i)
end

--- A list of n entries, at(i) being entry i.
function M.list(n, at) return setmetatable({ _n = n, _at = at }, Lazy) end

--- True for a lazy list.
function M.is(value) return getmetatable(value) == Lazy end

--- The entries of a lazy list at the positions of `index`, a list that stays as it is.
function M.pick(list, index)
  local at = rawget(list, "_at")
  return M.list(#index, function(i) return at(index[i]) end)
end

--- The entries as a table of their own.
function M.all(list)
  local made, at = {}, rawget(list, "_at")
  for i = 1, #list do made[i] = at(i) end
  return made
end

return M
