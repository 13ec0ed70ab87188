--- lamina.merged: tables put together.

--- merged(...): a new table with the entries of all that are given; of entries of one name the last stands.
return function(...)
  local all = {}
  for i = 1, select("#", ...) do
    for name, value in pairs((select(i, ...))) do all[name] = value end
  end
  return all
end
