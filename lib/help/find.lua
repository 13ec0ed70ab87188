--- lamina.help.find: the names that help knows, and where a word that is none of them occurs.
local objects = require "lamina.help.objects"
local repeatable = require "lamina.core.repeatable"
local words = require "lamina.words"

local M = {}

local SHOWN = 10 -- places named at most

-- The words, and the fields of those that are modules ("data.csv").
local function add_words(names)
  for word, entry in pairs(words.list) do
    names[word] = true
    local value = not entry.field and word ~= "ops" and word ~= "lamina" and words.find(word)
    if type(value) == "table" and not rawget(value, "word") then
      for field in repeatable.stock_pairs(value) do
        if type(field) == "string" then names[word .. "." .. field] = true end
      end
    end
  end
end

-- The ops, and the methods of tensors and of the library's objects ("net:save").
local function add_methods(names)
  for _, op in ipairs(require("lamina.core.ops").list()) do
    if not op:find "_grad" and not op:find "_take$" then names[op] = true end
  end
  for name in repeatable.stock_pairs(objects.tensor_methods()) do
    local of = name:match "^(.*)_$"
    if not names[name] and not (of and names[of]) then names["tensor:" .. name] = true end
  end
  for kind in pairs(objects.kinds) do
    for _, method in ipairs(objects.methods(kind)) do names[method.doc:match "^%a+:[%w_]+" or kind] = true end
  end
end

local function sorted(names, known)
  local list = {}
  for name in pairs(names) do
    if known(name) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

-- Words, fields, ops, methods, losses and rules, whoever they are for.
local function all()
  local names = {}
  add_words(names)
  add_methods(names)
  for _, name in ipairs(require("lamina.loss").names) do names["losses." .. name] = true end
  for name in pairs(require "lamina.rules.known") do names[name] = true end
  return names
end

--- The names of what a script may use, sorted; text(name) is what help says of one. A field whose comment does not
-- call it by its name ("data.mnist") is for the library itself.
function M.public(text)
  return sorted(all(), function(name)
    local said = text(name)
    local word, field = name:match "^([%w_]+)%.([%w_]+)$"
    return said and (not word or words.list[field] or require("lamina.core.ops").doc(field)
      or said:find(name, 1, true) or said:find("^%w+%(")) ~= nil
  end)
end

--- All names that help explains, sorted.
function M.names(known)
  local names = all()
  for kind in pairs(objects.kinds) do names[kind] = true end
  for topic in pairs(objects.topics) do names[topic] = true end
  return sorted(names, known)
end

-- The pattern of a word, whatever the case of its letters, at the beginning of a word of the text.
local function pattern_of(term)
  return "%f[%w]" .. term:lower():gsub("%p", "%%%0")
end

--- What of `names` has every word of `term` in its name, then what has them in its text: a list, the best first.
-- text(name) is what help says of a name.
function M.places(term, names, text)
  local named, said, parts = {}, {}, {}
  if #term < 3 then return named end
  for part in term:lower():gmatch "%S+" do parts[#parts + 1] = part end
  for _, name in ipairs(names) do
    local in_name, in_text = true, nil
    for _, part in ipairs(parts) do in_name = in_name and name:lower():find(part, 1, true) ~= nil end
    if not in_name then
      local whole = name:lower() .. "\n" .. text(name):lower()
      in_text = true
      for _, part in ipairs(parts) do in_text = in_text and whole:find(pattern_of(part)) ~= nil end
    end
    if in_name then named[#named + 1] = name elseif in_text then said[#said + 1] = name end
  end
  return table.move(said, 1, #said, #named + 1, named)
end

--- "It occurs in help "a", "b", ...", or nil.
function M.line(term, names, text)
  local places, parts = M.places(term, names, text), {}
  for i = 1, math.min(#places, SHOWN) do parts[i] = '"' .. places[i] .. '"' end
  if #parts == 0 then return nil end
  return objects.wrapped("it occurs in help " .. table.concat(parts, ", ")
    .. (#places > SHOWN and string.format(" and %d more", #places - SHOWN) or ""), "  ")
end

return M
