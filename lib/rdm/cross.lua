--- lamina.rdm.cross: models with something to fit, on stimuli that they were not fitted on.
--
-- The stimuli of a sample (each whole, however often it was drawn) are dealt to folds; what a model predicts for the
-- pairs among the stimuli of a fold was fitted on the pairs among all others. No pair is ever on both sides.
local common = require "lamina.neural.common"
local core = require "lamina.core.rdm"
local models = require "lamina.rdm.models"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

-- The RDMs (k x n x n) among stimuli that may occur several times: a stimulus against itself is missing.
local function among(square, list)
  local index = common.index(list)
  local part = square:index_select(index, { dim = 2 }):index_select(index, { dim = 3 })
  local at = index:to "float64"
  local same = at:reshape { -1, 1 }:eq(at:reshape { 1, -1 }):reshape { 1, #list, #list }
  return core.condense(ops.where(same, tensor.full({ 1 }, 0 / 0, { dtype = "float64" }), part))
end

-- The draws of a sample that belong to a fold, and the others. of: fold of each stimulus.
local function divide(draws, of, fold)
  local inside, others = {}, {}
  for _, s in ipairs(draws) do table.insert(of[s] == fold and inside or others, s) end
  return inside, others
end

--- The folds of the stimuli that are in a sample: fold of each, or nil where a fold would hold fewer than 3. group_of
-- (optional): the group of each stimulus, all of which go to one fold, the one that has the fewest so far.
function M.deal(draws, folds, key, group_of)
  local seen, unique = {}, {}
  for _, s in ipairs(draws) do
    if not seen[s] then unique[#unique + 1] = s end
    seen[s] = true
  end
  if #unique < 3 * folds then return nil end
  table.sort(unique)
  local units = common.by_value(group_of and common.pick(group_of, unique) or unique)
  local of, sizes = {}, {}
  for fold = 1, folds do sizes[fold] = 0 end
  for place, u in ipairs(common.permutation(#units, key.seed, "rsa.folds", key.step)) do
    local to = (place - 1) % folds + 1
    for fold = 1, folds do
      if sizes[fold] < sizes[to] then to = fold end
    end
    for _, at in ipairs(units[u]) do of[unique[at]] = to end
    sizes[to] = sizes[to] + #units[u]
  end
  for fold = 1, folds do
    if sizes[fold] < 3 then return nil end
  end
  return of
end

--- The mean over folds of each model's likeness to the subjects, and of the ceilings: a list of #entries + 2 numbers.
-- entries: { model = (nil: the RDM as it is), first =, last = } rows of `rdms` (k x n x n); data: subjects x n x n.
function M.evaluate(entries, rdms, data, draws, of, folds, method)
  local sums = {}
  for i = 1, #entries + 2 do sums[i] = 0 end
  for fold = 1, folds do
    local inside, others = divide(draws, of, fold)
    local test, truth = among(rdms, inside), among(data, inside)
    local train, known = among(rdms, others), among(data, others)
    local rows = {}
    for i, entry in ipairs(entries) do
      local held = test[{ { entry.first, entry.last } }]
      if entry.model then
        local theta = models.fit_vectors(entry.model, train[{ { entry.first, entry.last } }], known, method)
        held = models.predict_vectors(entry.model, held, theta)
      end
      rows[i] = held
    end
    local like = core.compare(ops.concat(rows, { dim = 1 }), truth, method):mean(2):totable()
    for i = 1, #entries do sums[i] = sums[i] + like[i] / folds end
    local ceiling = core.ceiling(truth, method):totable()
    for i = 1, 2 do sums[#entries + i] = sums[#entries + i] + ceiling[i] / folds end
  end
  return sums
end

return M
