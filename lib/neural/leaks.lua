--- lamina.neural.leaks: whether what a map has been fitted on tells of what it is tested on.
--
-- Stimuli are told apart by their stimulus_id, so that repeats of one never stand on both sides of a fold. Frames of
-- one movie, and images of one object, are different stimuli that are alike: where they do, a warning says so.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"

local M = {}

local ALIKE = { movie = "frames of one movie are alike", video = "frames of one video are alike",
  clip = "frames of one clip are alike", object = "the map has met these objects before" }

-- The coordinates of movies and objects, sorted: movie, movie_id, movie_name, ...
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

--- Warns, once for each place in a script, of movies and objects on both sides of a fold. by: the coordinates that
-- the splits go by, of which nothing is said.
function M.warn(folds, coordinates, by, position)
  for _, entry in ipairs(names_of(coordinates or {})) do
    local asked = false
    for _, name in pairs(by) do asked = asked or name == entry.name end
    local shared = not asked and M.shared(folds, coordinates[entry.name]) or {}
    if #shared > 0 then
      errors.warn(position, "splits: %s %s stands in training and test images at once, and %s: by = \"%s\" (as in "
        .. "grouped { 5, by = \"%s\" }) holds whole ones out", entry.name, common.some(shared, 3), entry.why,
        entry.name, entry.name)
    end
  end
end

return M
