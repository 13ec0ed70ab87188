--- A line search for the strong Wolfe conditions, by cubic interpolation (Nocedal & Wright 2006, algorithms 3.5 and
-- 3.6), with the limits and the order of PyTorch's, so that both take the same steps.
local M = {}

local ENOUGH = 1e-4 -- the part of the slope's promise that a step must keep
local TRIALS = 25

-- The lowest point of the cubic through two points with their slopes, kept within [low, high]; their middle where the
-- cubic has none.
local function cubic(a, b, low, high)
  low, high = low or math.min(a.t, b.t), high or math.max(a.t, b.t)
  local d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
  local square = d1 * d1 - a.slope * b.slope
  if not (square >= 0 and square < math.huge) then return (low + high) / 2 end
  local d2 = math.sqrt(square)
  local t
  if a.t <= b.t then
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
  else
    t = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
  end
  if t ~= t then return (low + high) / 2 end
  return math.min(math.max(t, low), high)
end

-- Steps ahead until two points enclose a good one (a bracket), or one is good enough itself.
local function bracket(at, start, t, o)
  local before, point = start, at(t)
  local trials = 0
  while point.f == math.huge and trials < TRIALS do -- too far for a finite value
    t, trials = t / 10, trials + 1
    point = at(t)
  end
  for trial = 0, TRIALS - 1 do
    if point.f > start.f + ENOUGH * point.t * start.slope or trial > 1 and point.f >= before.f then
      return before, point, trial
    end
    if math.abs(point.slope) <= -o.curvature * start.slope then return point, nil, trial end
    if point.slope >= 0 then return before, point, trial end
    local ahead = cubic(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
    before, point = point, at(ahead)
  end
  return start, point, TRIALS
end

-- A point between a and b that is not too near either, unless the last was not, either.
local function between(a, b, timid)
  local t = cubic(a, b)
  local low, high = math.min(a.t, b.t), math.max(a.t, b.t)
  local edge = 0.1 * (high - low)
  if math.min(high - t, t - low) >= edge then return t, false end
  if not (timid or t >= high or t <= low) then return t, true end
  return math.abs(t - high) < math.abs(t - low) and high - edge or low + edge, false
end

--- Looks along a direction. at(t) gives { t =, f =, slope =, ... } at the step t, f = math.huge where it is not
-- finite; start: the same at 0; t: the first step; o: curvature (how small the slope must become, as a part of the
-- first one), change (the smallest change of a parameter worth a trial), size (the largest element of the
-- direction). Returns the best point.
function M.search(at, start, t, o)
  local low, high, trial = bracket(at, start, t, o)
  if not high then return low end
  if low.f > high.f then low, high = high, low end
  local timid = false
  while trial < TRIALS and math.abs(high.t - low.t) * o.size >= o.change do
    local step
    step, timid = between(low, high, timid)
    local point = at(step)
    trial = trial + 1
    if point.f > start.f + ENOUGH * point.t * start.slope or point.f >= low.f then
      high = point
      if low.f > high.f then low, high = high, low end
    else
      local good = math.abs(point.slope) <= -o.curvature * start.slope
      if not good and point.slope * (high.t - low.t) >= 0 then high = low end
      low = point
      if good then return low end
    end
  end
  return low
end

return M
