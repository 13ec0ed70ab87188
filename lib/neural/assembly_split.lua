--- lamina.neural.assembly_split: an assembly in parts.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local leaks = require "lamina.neural.leaks"

local M = { methods = {} }
local Assembly = M.methods

--- a:split { 0.8, 0.2, by = "movie", stratify = "object_name", seed = }: several assemblies with about these shares
-- of the stimuli, in an order drawn for (seed, "split"), as set:split does it. All presentations of a stimulus stay
-- together; with `by` whole movies, objects or whatever coordinate is named do. Where a movie or an object comes to
-- stand in two parts without that having been asked for, a warning says so.
-- > a = neural.assembly { { responses = randn { 10, 3 }, stimulus_id = arange(1, 10) } }
-- > fit, test = a:split { 0.8, 0.2 }
-- > fit:mean().shape, test:mean().shape   --> { 8, 3 } { 2, 3 }
function Assembly:split(given)
  local position = errors.position(2)
  local parts, items = {}, {}
  local stand_in = { n = #self.stimulus, name = self.name, id = self.stimulus.stimulus_id, columns = {},
    subset = function(_, list)
      items[#items + 1] = list
      return list
    end }
  for name, list in next, self.stimulus do
    if name ~= "_count" then stand_in.columns[name] = list end
  end
  require("lamina.data.set").methods.split(stand_in, given)
  for k, list in ipairs(items) do parts[k] = self:at(list) end
  local folds = {}
  for k = 2, #items do folds[k - 1] = { train = items[1], test = items[k] } end
  leaks.warn(folds, self.stimulus, { given.by, given.stratify }, position)
  return table.unpack(parts)
end

--- a:fold(splits): for each fold of kfold, grouped or shuffled the training and the test part of an assembly: a list
-- of { train = assembly, test = assembly }.
-- > a = neural.assembly { { responses = randn { 10, 3 }, stimulus_id = arange(1, 10) } }
-- > folds = a:fold(kfold { 5 })
-- > #folds, folds[1].train:mean().shape, folds[1].test:mean().shape   --> 5 { 8, 3 } { 2, 3 }
function Assembly:fold(splits)
  local position = errors.position(2)
  local made = require("lamina.neural.splits").of(splits, "fold", position)
  if not made then
    errors.raise("argument", position, "fold: expected splits such as kfold { 5 } or grouped { 5, by = \"movie\" }, "
      .. "got a %s", type(splits))
  end
  local folds = {}
  for f, fold in ipairs(made:folds(#self.stimulus, self.stimulus)) do
    folds[f] = { train = self:at(common.list(fold.train)), test = self:at(common.list(fold.test)) }
  end
  return folds
end

return M
