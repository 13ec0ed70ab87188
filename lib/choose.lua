--- Which of a model's parameters a script means by `of`: those of an area, a readout or a layer by its name, those
-- whose full name ("V1.conv1.weight") a Lua pattern finds, or a list of these.
local errors = require "lamina.errors"
local patterns = require "lamina.pattern"

local M = {}

local function all_of(net)
  local list = {}
  for i, entry in ipairs(net.list) do
    list[i] = { name = entry.name, tensor = entry.tensor, entry = entry, node = entry.node, p = entry.parameter }
  end
  return list
end

--- Raises, in the name of `word`, for what is no Lua pattern, and for a star as shells have it: in "V1*" it would
-- repeat the 1, and V2 would be found.
function M.check_pattern(pattern, word, position)
  if not patterns.is_whole(pattern) then
    errors.raise("argument", position, "%s: '%s' is no name of the model's, nor a Lua pattern", word, pattern)
  end
  local plain = pattern:gsub("%%.", "")
  if not (plain:find "^%*" or plain:find "[%w_]%*") then return end
  errors.raise("argument", position, "%s: '%s' is no name of the model's; as a Lua pattern, in which a star repeats "
    .. "what stands before it, it would be '^%s$'", word, pattern, (pattern:gsub("%.", "%%."):gsub("%*", ".*")))
end

-- Whether a parameter is meant by one name or pattern.
local function meant(net, item, of)
  if net:has(of) then return item.node.block.name == of or (item.node.name .. "."):sub(1, #of + 1) == of .. "." end
  local ok, found = pcall(string.find, item.name, of)
  return ok and found ~= nil
end

local function names_in(net)
  local names = {}
  for _, block in ipairs(net.blocks) do names[#names + 1] = block.name end
  for _, entry in ipairs(net.list) do names[#names + 1] = entry.name end
  return names
end

--- The parameters that `of` means (nil: all), in the model's order: a list of { name =, tensor =, entry =, node =,
-- p = }, where p is how the layer declared it and entry the one of net:parameters(). keep(item) may leave
-- some out; kind says in messages what is left ("weights"). Nothing found is an error at `position`, in the name of
-- `word`.
function M.parameters(net, of, word, position, keep, kind)
  local wanted, list = type(of) == "table" and of or { of }, {}
  for _, name in ipairs(wanted) do
    if type(name) == "string" and not net:has(name) then M.check_pattern(name, word .. ": of", position) end
  end
  local all = all_of(net)
  for _, item in ipairs(all) do
    local take = #wanted == 0
    for _, name in ipairs(wanted) do take = take or meant(net, item, name) end
    if take and (not keep or keep(item)) then list[#list + 1] = item end
  end
  for _, name in ipairs(#list == 0 and wanted or {}) do
    errors.raise("argument", position, "%s: of = \"%s\" means no %s of %s%s", word, tostring(name),
      kind or "parameters", net.name, net:has(name) and " (there is such an area or layer, but it has none)"
      or errors.hint(tostring(name), names_in(net)))
  end
  if #list == 0 then errors.raise("argument", position, "%s: %s has no %s", word, net.name, kind or "parameters") end
  return list
end

--- Whether a parameter p of a node is a weight: it has two axes or more, and what it does is not to normalise. (What
-- norm.layer scales by may have three.)
function M.weighs(node, p) return #p.shape >= 2 and not p.bias and not node.layer.full:find "^norm" end

--- The same of an item of M.parameters.
function M.is_weight(item) return M.weighs(item.node, item.p) end

return M
