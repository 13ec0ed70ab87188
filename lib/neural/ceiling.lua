--- lamina.neural.ceiling: how well any model could do, from how well a neuroid's repeats agree.
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"
local trials = require "lamina.neural.trials"

local M = {}

-- A class of ceilings: estimate(self, assembly) gives the reliability of the means (float64, U) and whatever else.
local function class(name, text, reliability)
  local Ceiling = { __name = name, is_ceiling = true }
  Ceiling.__index = Ceiling
  Ceiling.__tostring = text

  --- CEILING:estimate(assembly): two tensors, the reliability of each neuroid's mean responses (float64; NaN where it
  -- cannot be computed) and the ceiling, the square root of it (0 where the reliability is negative); a third where
  -- the ceiling has more to say (leave_one_out, oracle: the correlation of single trials with the others; split_half:
  -- of how many divisions the reliability is the mean, int64).
  function Ceiling:estimate(assembly, ...)
    schema.last("estimate", "split_half { 10, seed = 1 }:estimate(a); options belong to the ceiling",
      errors.position(2), ...)
    if not require("lamina.neural.assembly").is_assembly(assembly) then
      errors.raise("argument", 2, "estimate: expected an assembly (neural.assembly), got %s", schema.kind(assembly))
    end
    require("lamina.neural.assembly").one_time(assembly, name, errors.position(2))
    local slots = assembly.responses:size(3)
    if slots < 2 then
      errors.raise("argument", errors.position(2), "%s: %s has %d repeat of each stimulus; a ceiling needs at "
        .. "least 2, since it is how well repeats agree. predictivity { ceiling = false, ... } scores averages and "
        .. "single trials as they are", name, assembly.name, slots)
    end
    local found, raw = reliability(self, assembly)
    return found, found:maximum(0):sqrt(), raw
  end
  return Ceiling
end

local None = { __name = "no ceiling", is_ceiling = true, none = true }
None.__index = None
None.__tostring = function() return "none (ceiling = false)" end

local function unknown(a) return tensor.full({ a.responses:size(2) }, 0 / 0, { dtype = "float64" }) end

-- Nothing is known of how well repeats agree: NaN for every neuroid.
function None.estimate(_, assembly) return unknown(assembly), unknown(assembly) end

--- What the option `ceiling` of a word stands for: split_half { 10 } where it is absent, no ceiling where it is
-- false.
function M.of(value, seed)
  if value == nil then return M.split_half { 10, seed = seed } end
  return value == false and setmetatable({}, None) or value
end

--- True for what split_half, leave_one_out, oracle and explainable_variance make, and for no ceiling.
function M.is_ceiling(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "is_ceiling") == true
end

local SplitHalf = class("split_half", function(self)
  return string.format("split-half reliability, %d random halves of the repeats, Spearman-Brown, seed %d",
    self.halves, self.seed)
end, function(self, assembly)
  local each = stats.split_half(assembly.responses, assembly.valid, self.halves,
    { seed = self.seed, purpose = "split_half" })
  local there = each:isfinite()
  local count = there:to "int64":sum { dim = 1 }
  local sum = ops.where(there, each, tensor.zeros { 1, dtype = "float64" }):sum { dim = 1 }
  return sum / count, count
end)

local FIELDS = {
  positional = { "halves" },
  halves = { type = "integer", default = 10, min = 1, doc = "how many random halves are averaged" },
  seed = { type = "integer", doc = "of the halves; the experiment's if absent" },
}
schema.document("split_half", FIELDS)

--- split_half { 10, seed = }: the reliability of each neuroid's mean responses. The repeats are divided at random
-- into two halves, the same for all stimuli; the two halves' means are correlated over stimuli, r, and corrected to
-- the full number of repeats, 2 r / (1 + r) (Spearman 1910; Brown 1910); the mean over `halves` divisions is the
-- reliability. The ceiling is its square root: the largest Pearson r with the recorded means that a model can be
-- expected to reach, that of the neuroid's true tuning. Where repeats are missing, a division may leave a neuroid
-- fewer than three stimuli with trials on both sides, or no variance over them: it is left out of that neuroid's
-- mean, and where every division is, the reliability is NaN. split_half { 10 }:estimate(assembly) gives reliability,
-- ceiling and how many divisions counted.
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50) } }
-- > split_half({ 10 }):estimate(a):gt(0.8)   --> [true true]
function M.split_half(given, ...)
  local position = errors.position(2)
  schema.alone("split_half", "split_half { 10, seed = 1 }", position, ...)
  local o = schema.check("split_half", given, FIELDS, position)
  return setmetatable({ halves = o.halves, seed = o.seed or tensor.seed() }, SplitHalf)
end

local LeaveOneOut = class("leave_one_out", function()
  return "reliability from each repeat against the mean of the others"
end, function(_, a)
  local others, there = trials.others(a)
  local r = trials.masked_pearson(a.responses, others, there, { 1 })
  local known = r:isfinite()
  local count = known:to "float64":sum { dim = { 1, 3 } }
  r = ops.where(known, r, tensor.zeros { 1, dtype = "float64" }):sum { dim = { 1, 3 } } / count
  local n = trials.repeats(a)
  return trials.reliability_from(r, (n - 1):clamp(1, math.huge), n), r
end)

--- neural.leave_one_out {}: the reliability of each neuroid's mean responses from each repetition left out in turn: r
-- of that repetition with the mean of the others over stimuli, averaged over repetitions. For a signal-to-noise ratio
-- s of one trial and m others, r^2 = s^2 / ((1 + s) (s + 1 / m)), which gives s, and s / (s + 1 / n) is the
-- reliability of the mean of n. leave_one_out {}:estimate(assembly): reliability, ceiling, and r itself.
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50) } }
-- > neural.leave_one_out({}):estimate(a):gt(0.8)   --> [true true]
function M.leave_one_out(given, ...)
  local position = errors.position(2)
  schema.alone("neural.leave_one_out", "neural.leave_one_out {}", position, ...)
  schema.check("neural.leave_one_out", given or {}, {}, position)
  return setmetatable({}, LeaveOneOut)
end

local Oracle = class("oracle", function() return "reliability from the jackknife oracle" end, function(_, a)
  local others, there = trials.others(a)
  local r = trials.masked_pearson(a.responses, others, there, { 1, 3 }):reshape { -1 }
  local n = trials.repeats(a)
  return trials.reliability_from(r, (n - 1):clamp(1, math.huge), n), r
end)

--- neural.oracle {}: the same from the jackknife oracle: r of all single trials with the mean of the other trials of
-- their stimulus, all repetitions together (neuralpredictors' oracle_corr_jackknife, which estimate gives third).
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50) } }
-- > neural.oracle({}):estimate(a):gt(0.8)   --> [true true]
function M.oracle(given, ...)
  local position = errors.position(2)
  schema.alone("neural.oracle", "neural.oracle {}", position, ...)
  schema.check("neural.oracle", given or {}, {}, position)
  return setmetatable({}, Oracle)
end

local Explainable = class("explainable_variance", function()
  return "explainable variance, 1 - noise variance of the means / variance of the means"
end, function(_, a)
  local _, of_mean, spread = trials.variances(a)
  return 1 - of_mean / spread
end)

--- neural.explainable_variance {}: the reliability as the part of the variance of a neuroid's means over stimuli that
-- is not noise: 1 - (variance over repeats / number of repeats) / (variance over stimuli of the means), noise pooled
-- over stimuli, both divided by n - 1.
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50) } }
-- > neural.explainable_variance({}):estimate(a):gt(0.8)   --> [true true]
function M.explainable_variance(given, ...)
  local position = errors.position(2)
  schema.alone("neural.explainable_variance", "neural.explainable_variance {}", position, ...)
  schema.check("neural.explainable_variance", given or {}, {}, position)
  return setmetatable({}, Explainable)
end

return M
