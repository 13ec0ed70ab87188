--- Pairs of images and recorded responses to learn from: a:paired(stimuli).
local assemblies = require "lamina.neural.assembly"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

-- Neuroids that were never recorded teach nothing.
local function check_recorded(a, position)
  local trials = a.valid:to("int64"):sum({ 1, 3 }):totable()
  local empty = {}
  for i, n in ipairs(trials) do
    if n == 0 then empty[#empty + 1] = i end
  end
  if #empty > 0 then
    errors.raise("argument", position, "%s: %s no valid trial at all (%s); leave them out with at or select", a.name,
      #empty == 1 and "1 neuroid has" or #empty .. " neuroids have", common.some(empty))
  end
end

-- Each presentation that has a valid trial: its stimulus, and the responses with NaN where a trial is masked.
local function by_trial(a)
  local shape = a.responses.shape
  local nan = ops.where(a.valid, a.responses, tensor.full({ 1 }, 0 / 0, { dtype = "float64" }))
  local rows = nan:permute({ 1, 3, 2 }):contiguous():reshape { shape[1] * shape[3], shape[2] }
  local shown = a.valid:permute({ 1, 3, 2 }):contiguous():reshape({ shape[1] * shape[3], shape[2] }):any(2):totable()
  local keep, stimulus, repetition = {}, {}, {}
  for i, there in ipairs(shown) do
    if there == true or there == 1 then
      keep[#keep + 1], stimulus[#stimulus + 1] = i, (i - 1) // shape[3] + 1
      repetition[#repetition + 1] = (i - 1) % shape[3] + 1
    end
  end
  return rows:index_select(common.index(keep), { dim = 1 }), stimulus, repetition
end

local PAIRED = schema.document("assembly:paired", {
  positional = { "stimuli" },
  stimuli = { type = "any", required = true, doc = "the images: a stimulus set, a data set or a tensor" },
  trials = { type = "boolean", default = false, doc = "an item for each presentation, instead of the mean over "
    .. "repeats" },
})

--- What a:paired gives; see lib/neural/assembly.lua. Raises at `position`.
function M.paired(a, given, position)
  local options = type(given) == "table" and getmetatable(given) == nil and given.x == nil
  local o = schema.check("paired", options and given or { given }, PAIRED, position)
  assemblies.one_time(a, "paired", position)
  local set = stimuli.of(o.stimuli, position)
  local index = assemblies.match(a, set, a.name, set.name, position, "paired")
  check_recorded(a, position)
  local y, order, repetition, groups
  if o.trials then
    y, order, repetition = by_trial(a)
    groups = common.pick(a.stimulus.stimulus_id, order)
  else
    y, order = a:mean(), common.count_up(#a.stimulus)
  end
  local columns = {}
  for _, name in ipairs(assemblies.names(a.stimulus)) do columns[name] = common.pick(a.stimulus[name], order) end
  columns.repetition = repetition
  return stimuli.make { x = set.x:index_select(common.index(common.pick(index, order)), { dim = 1 }),
    y = y:to "float32", id = not o.trials and a.stimulus.stimulus_id or nil, numbered = a.numbered,
    columns = columns, groups = groups, name = a.name, missing = y:isnan():any():item() or nil }
end

return M
