--- lamina.alike: what of a list is alike.

local NAN = {} -- stands for NaN, which is no key of a table

--- alike(items, key): the items with equal key(item) together, those whose key is NaN as well, in the order in which
-- the keys first appear; items may be a number n, for 1 to n. Returns the groups, each a list of items in their
-- order; for each item the number of its group; and the numbers of the groups by key.
return function(items, key)
  local count = type(items) == "number"
  local groups, number, of = {}, {}, {}
  for i = 1, count and items or #items do
    local item = count and i or items[i]
    local k = key(item)
    if k ~= k then k = NAN end
    local at = of[k]
    if not at then
      at = #groups + 1
      groups[at], of[k] = {}, at
    end
    number[i] = at
    table.insert(groups[at], item)
  end
  return groups, number, of
end
