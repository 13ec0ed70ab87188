--- Lua patterns that a user gives: whether they are any. string.find raises for a malformed one only where it comes
-- to the place, so that trying it out on a text does not tell.
local M = {}

-- The position behind the set that opens at `at`, "[^%]x]"; nil where it does not close.
local function set_end(pattern, at)
  at = pattern:sub(at + 1, at + 1) == "^" and at + 2 or at + 1
  repeat
    if at > #pattern then return nil end
    at = at + (pattern:sub(at, at) == "%" and 2 or 1)
  until pattern:sub(at, at) == "]"
  return at + 1
end

-- The position behind what begins with the % at `at`; nil where it is malformed. captures: how many have begun.
local function escape_end(pattern, at, captures)
  local kind = pattern:sub(at + 1, at + 1)
  if kind == "" or kind == "b" and at + 3 > #pattern or kind == "f" and pattern:sub(at + 2, at + 2) ~= "[" then
    return nil
  end
  if kind:find "%d" and (kind == "0" or tonumber(kind) > captures) then return nil end
  return at + (kind == "b" and 4 or 2)
end

--- Whether a text is a whole Lua pattern.
function M.is_whole(pattern)
  local at, open, captures = 1, 0, 0
  while at and at <= #pattern do
    local c = pattern:sub(at, at)
    if c == "[" then
      at = set_end(pattern, at)
    elseif c == "%" then
      at = escape_end(pattern, at, captures)
    else
      if c == "(" then open, captures = open + 1, captures + 1 end
      if c == ")" then open = open - 1 end
      if open < 0 then return false end
      at = at + 1
    end
  end
  return at ~= nil and open == 0
end

return M
