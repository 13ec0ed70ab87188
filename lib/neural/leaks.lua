--- lamina.neural.leaks: whether what a map has been fitted on tells of what it is tested on.
--
-- Stimuli are told apart by their stimulus_id, so that repeats of one never stand on both sides of a fold, unless
-- presentations are divided by something else. Frames of one movie, and images of one object, are different stimuli
-- that are alike: where they do, a warning says so.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"

local M = {}

local ALIKE = { movie = "frames of one movie are alike", video = "frames of one video are alike",
  clip = "frames of one clip are alike", object = "the map has met these objects before",
  stimulus = "repeats of one stimulus are alike" }

-- The coordinates of movies, objects and stimuli, sorted: movie, movie_id, movie_name, ...
local function names_of(coordinates)
  local names = {}
  for name in next, coordinates do
    local base = name:gsub("_id$", ""):gsub("_name$", "")
    if ALIKE[base] then names[#names + 1] = { name = name, why = ALIKE[base] } end
  end
  table.sort(names, function(a, b) return a.name < b.name end)
  return names
end

--- The values of a coordinate (a list) that stand both in train and in test of some fold, in their order.
function M.shared(folds, list)
  local shared, seen = {}, {}
  for _, fold in ipairs(folds) do
    local trained = {}
    for _, i in ipairs(fold.train) do trained[common.key(list[i])] = true end
    for _, i in ipairs(fold.test) do
      local key = common.key(list[i])
      if trained[key] and not seen[key] then
        seen[key] = true
        shared[#shared + 1] = list[i]
      end
    end
  end
  return shared
end

-- How many different values a list has.
local function count_of(list)
  local seen, n = {}, 0
  for _, value in ipairs(list) do
    local key = common.key(value)
    if not seen[key] then seen[key], n = true, n + 1 end
  end
  return n
end

-- The labels (numbers, or names) whose items all have one value of a coordinate: hold that out, and nothing of them
-- is left to train on. And whether there are others.
local function torn_off(labels, list)
  local of, spread, order, single = {}, {}, {}, {}
  for i, label in ipairs(labels) do
    local key, value = common.key(label), common.key(list[i])
    if of[key] == nil then order[#order + 1], of[key] = label, value end
    spread[key] = spread[key] or of[key] ~= value
  end
  for _, label in ipairs(order) do
    if not spread[common.key(label)] then single[#single + 1] = label end
  end
  return single, #single < #order
end

-- What can be done about groups on both sides, in words; nil where the groups are what is asked for.
local function advice(name, list, labels, names)
  local n = math.min(5, count_of(list))
  if n < 2 then return "there is no other to hold out" end
  local text = string.format("by = \"%s\" (as in grouped { %d, by = \"%s\" }) holds whole ones out", name, n, name)
  if not labels then return text end
  local single, others = torn_off(labels, list)
  if not others then return nil end
  if #single == 0 then return text end
  for i, label in ipairs(single) do single[i] = names and names[label] or label end
  return string.format("%s, for which the items of %s, each of one %s alone, would have to go", text,
    common.some(single, 3), name)
end

--- Warns, once for each place in a script, of movies and objects on both sides of a fold. by: the coordinates that
-- the splits go by, of which nothing is said; labels (optional, one for each item): what is to be told apart. Nothing
-- is said either of a coordinate of which no label has two values (the labels themselves, say): with a value held out
-- whole, labels would be gone. names (optional): what labels that are numbers are called.
function M.warn(folds, coordinates, by, position, labels, names)
  for _, entry in ipairs(names_of(coordinates or {})) do
    local asked = false
    for _, name in pairs(by) do asked = asked or name == entry.name end
    local shared = not asked and M.shared(folds, coordinates[entry.name]) or {}
    local text = #shared > 0 and advice(entry.name, coordinates[entry.name], labels, names)
    if text then
      errors.warn(position, "splits: %s %s stands in training and test images at once, and %s: %s", entry.name,
        common.some(shared, 3), entry.why, text)
    end
  end
end

return M
