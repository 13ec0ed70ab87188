--- lamina.neural.ceiling: how well any model could do, from how well a neuroid's repeats agree.
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"

local M = {}

local SplitHalf = { __name = "split_half" }
SplitHalf.__index = SplitHalf

SplitHalf.__tostring = function(self)
  return string.format("split-half reliability, %d random halves of the repeats, Spearman-Brown, seed %d",
    self.halves, self.seed)
end

local FIELDS = {
  positional = { "halves" },
  halves = { type = "integer", default = 10, min = 1, doc = "how many random halves are averaged" },
  seed = { type = "integer", doc = "of the halves; the experiment's if absent" },
}

--- split_half { 10, seed = }: the reliability of each neuroid's mean responses. The repeats are divided at random
-- into two halves, the same for all stimuli; the two halves' means are correlated over stimuli, r, and corrected to
-- the full number of repeats, 2 r / (1 + r) (Spearman 1910; Brown 1910); the mean over `halves` divisions is the
-- reliability. The ceiling is its square root: the largest Pearson r with the recorded means that a model can be
-- expected to reach, that of the neuroid's true tuning.
function M.split_half(given)
  local position = errors.position(2)
  local o = schema.check("split_half", given, FIELDS, position)
  return setmetatable({ halves = o.halves, seed = o.seed or tensor.seed() }, SplitHalf)
end

--- True for what split_half makes.
function M.is_ceiling(value) return getmetatable(value) == SplitHalf end

--- split_half { 10 }:estimate(assembly): two tensors, the reliability (float64, one for each neuroid; NaN where it
-- cannot be computed) and the ceiling, the square root of it (0 where the reliability is negative).
function SplitHalf:estimate(assembly)
  if not require("lamina.neural.assembly").is_assembly(assembly) then
    errors.raise("argument", 2, "estimate: expected an assembly (neural.assembly), got a %s", type(assembly))
  end
  local halves = stats.split_half(assembly.responses, assembly.valid, self.halves,
    { seed = self.seed, purpose = "split_half" })
  local reliability = halves:mean(1)
  return reliability, reliability:maximum(0):sqrt()
end

return M
