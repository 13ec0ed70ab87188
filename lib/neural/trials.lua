--- lamina.neural.trials: what repeats tell: noise variance, left-out repeats, corrected scores. Masks are respected
-- everywhere; a masked trial is never a number.
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

local function zeros() return tensor.zeros { 1, dtype = "float64" } end

--- Pearson's r of a and b over the entries of `dims` that `valid` (float64, 0 or 1) counts; NaN for fewer than three,
-- or where one does not vary.
function M.masked_pearson(a, b, valid, dims)
  local n = valid:sum { dim = dims, keepdim = true }
  local function centred(t)
    t = ops.where(valid:gt(0), t, zeros())
    return (t - t:sum { dim = dims, keepdim = true } / n) * valid
  end
  a, b = centred(a), centred(b)
  local r = (a * b):sum { dim = dims, keepdim = true } / (a:square():sum { dim = dims, keepdim = true }:sqrt()
    * b:square():sum { dim = dims, keepdim = true }:sqrt())
  return ops.where(n:ge(3), r, tensor.full({ 1 }, 0 / 0, { dtype = "float64" }))
end

--- Responses with zeros where masked, the mask as float64, sums over repeats and how many there are (S x U x 1).
local function parts(a)
  local valid = a.valid:to "float64"
  local x = ops.where(a.valid, a.responses, zeros())
  return x, valid, x:sum { dim = 3, keepdim = true }, valid:sum { dim = 3, keepdim = true }
end

--- For each trial the mean over the other valid repeats of its stimulus, and which trials have one (float64 mask).
function M.others(a)
  local x, valid, sum, n = parts(a)
  local there = valid * n:ge(2):to "float64"
  local mean = (sum - x) / ops.where(n:ge(2), n - 1, tensor.ones { 1, dtype = "float64" })
  return mean, there
end

--- For each neuroid: the noise variance of a single trial (the variance over repeats, n - 1, pooled over stimuli that
-- have two repeats or more), that of the recorded means (noise times the mean of 1 / n), and the variance of the
-- means over stimuli (n - 1). float64, U; NaN where there are not enough repeats or stimuli.
function M.variances(a)
  local x, valid, sum, n = parts(a)
  local safe = ops.where(n:gt(0), n, tensor.ones { 1, dtype = "float64" })
  local mean = sum / safe
  local off = ((x - mean) * valid):square():sum { dim = { 1, 3 } }
  local freedom = (n - 1):clamp(0, math.huge):sum { dim = { 1, 3 } }
  local noise = off / freedom
  local shown = n:gt(0):to "float64"
  local stimuli = shown:sum { dim = { 1, 3 } }
  local of_mean = noise * (shown / safe):sum { dim = { 1, 3 } } / stimuli
  local centre = (mean * shown):sum { dim = 1, keepdim = true } / shown:sum { dim = 1, keepdim = true }
  local spread = ((mean - centre) * shown):square():sum { dim = { 1, 3 } } / (stimuli - 1)
  return noise, of_mean, spread
end

--- The signal power of each neuroid (Schoppe, Harper, Willmore, King & Schnupp 2016, equation 1): (var(sum of the
-- repeats) - sum of their variances) / (N (N - 1)), which is the mean covariance of two repeats over stimuli (n - 1).
-- Where trials are missing a pair of repeats counts by the stimuli that have both, less one. float64, U; NaN where no
-- pair has two stimuli.
function M.signal_power(a)
  local x, valid, sum, n = parts(a)
  local shown = n:sum { dim = { 1, 3 }, keepdim = true }:clamp(1, math.huge)
  x = ((x - sum:sum { dim = 1, keepdim = true } / shown) * valid):permute { 2, 3, 1 } -- U x N x S
  valid = valid:permute { 2, 3, 1 }
  local both = valid:matmul(valid:transpose(2, 3)) -- U x N x N: how many stimuli have both repeats
  local there = valid:transpose(2, 3)
  local of_first = x:matmul(there) -- the sum of a repeat over the stimuli that another has, too
  local safe = both:clamp(1, math.huge)
  local products = x:matmul(x:transpose(2, 3)) - of_first * of_first:transpose(2, 3) / safe
  local other = 1 - tensor.eye(x:size(2), { dtype = "float64" })
  local freedom = (both - 1):clamp(0, math.huge) * other
  return (products * freedom:gt(0):to "float64"):sum { dim = { 2, 3 } } / freedom:sum { dim = { 2, 3 } }
end

--- The reliability of the mean of `n` repeats from r, the correlation of one repeat with the mean of m others. With
-- signal-to-noise ratio s, r^2 = s^2 / ((1 + s) (s + 1 / m)); the reliability is s / (s + 1 / n). r of 0 or less
-- gives r itself. r, m and n are float64 tensors.
function M.reliability_from(r, m, n)
  local square = r:square()
  local a, b, c = 1 - square, square * (1 + 1 / m), square / m
  local s = (b + (b:square() + 4 * a * c):sqrt()) / (2 * a)
  local found = ops.where(r:lt(1), s / (s + 1 / n), tensor.ones { 1, dtype = "float64" })
  return ops.where(r:gt(0), found, r)
end

--- How many valid repeats a neuroid's stimuli have, as the harmonic mean over stimuli that have any (float64, U).
function M.repeats(a)
  local n = a.valid:to "float64":sum { dim = 3 }
  local shown = n:gt(0):to "float64"
  return shown:sum { dim = 1 } / (shown / n:clamp(1, math.huge)):sum { dim = 1 }
end

return M
