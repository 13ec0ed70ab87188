--- Objects whose misspelt fields and methods are told: net:sav "x" is an error that names save, not a call of nil.
--
-- A field that an object may or may not have is listed as optional and is nil where it is absent; so is a name
-- that is like none of the object's, for whoever asks an unknown value what it can do.
local errors = require "lamina.errors"

local M = {}

-- The names of a table's fields, those it inherits included, without metamethods and private ones.
local function add_names(list, from)
  while type(from) == "table" do
    local key = next(from)
    while key ~= nil do
      if type(key) == "string" and key:sub(1, 1) ~= "_" then list[#list + 1] = key end
      key = next(from, key)
    end
    local meta = getmetatable(from)
    from = meta and rawget(meta, "__index")
  end
end

--- The __index of a class: its methods; nil for the names in `optional` (a text with spaces between them); an error
-- at the user's line for a name that is nearly a method, a field of the object, or an optional one. what: the word
-- for such an object in messages; methods: a table; elsewhere (optional): by the names of fields that other libraries
-- have, what there is here instead, for an error that says so.
function M.index(what, methods, optional, elsewhere)
  local absent = {}
  for name in (optional or ""):gmatch "%S+" do absent[name] = true end
  return function(self, name)
    local value = methods[name]
    if value ~= nil or type(name) ~= "string" or absent[name] or name:sub(1, 1) == "_" then return value end
    if elsewhere and elsewhere[name] then
      errors.raise("name", 2, "%s has no field '%s': %s", what, name, elsewhere[name])
    end
    local names = {}
    add_names(names, methods)
    for known in next, self do
      if type(known) == "string" and known:sub(1, 1) ~= "_" then names[#names + 1] = known end
    end
    for known in next, absent do names[#names + 1] = known end
    table.sort(names)
    local near = errors.nearest(name, names)
    if near then
      errors.raise("name", 2, "%s has no field or method '%s' (did you mean '%s'?)", what, name, near)
    end
  end
end

return M
