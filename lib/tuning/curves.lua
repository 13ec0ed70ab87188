--- lamina.tuning.curves: the curves that physiologists fit to responses. Each has its names, starting points and what
-- follows from its parameters.
local tensor = require "lamina.core.tensor"

local M = {}

local DEGREE = math.pi / 180
local LN2 = math.log(2)

local function extremes(y)
  local low, high, at = y[1], y[1], 1
  for i, value in ipairs(y) do
    if value > high then high, at = value, i end
    if value < low then low = value end
  end
  return low, high, at
end

local function within(p, j, low, high) p[j] = math.min(math.max(p[j], low), high) end

-- The middle of a circle of `period` degrees where responses are largest, by their vector sum.
local function circular_mean(x, y, period)
  local low, c, s = extremes(y), 0, 0
  for i, angle in ipairs(x) do
    c = c + (y[i] - low) * math.cos(2 * math.pi * angle / period)
    s = s + (y[i] - low) * math.sin(2 * math.pi * angle / period)
  end
  return math.atan(s, c) / (2 * math.pi) * period % period
end

-- Half-width at half-height of exp(kappa (cos(turns) - 1)), in degrees of a period; the widest there is where the
-- curve never falls to half.
local function half_width(kappa, period)
  local cosine = 1 - LN2 / kappa
  return cosine > -1 and math.acos(cosine) / (2 * math.pi) * period or period / 2
end

M.von_mises = {
  doc = "responses against orientation in degrees: baseline + amplitude exp(kappa (cos(2 (x - preferred)) - 1)) "
    .. "(Swindale 1998); bandwidth is its half-width at half-height in degrees",
  names = { "baseline", "amplitude", "preferred", "kappa" },
  f = function(p, x) return p[1] + p[2] * math.exp(p[4] * (math.cos(2 * DEGREE * (x - p[3])) - 1)) end,
  starts = function(x, y)
    local low, high, at = extremes(y)
    local list = {}
    for _, kappa in ipairs { 0.7, 2.5, 9 } do
      list[#list + 1] = { low, high - low, circular_mean(x, y, 180), kappa }
      list[#list + 1] = { low, high - low, x[at] % 180, kappa }
    end
    return list
  end,
  inside = function(p)
    within(p, 4, 1e-3, 1e3)
    within(p, 2, 0, math.huge)
  end,
  finish = function(p) p[3] = p[3] % 180 end,
  derived = { bandwidth = function(p) return half_width(p[4], 180) end },
}

M.direction = {
  doc = "responses against direction in degrees: two peaks half a turn apart, baseline + amplitude exp(kappa (cos("
    .. "x - preferred) - 1)) + opposite exp(kappa (cos(x - preferred - 180) - 1)); bandwidth is a half-width in "
    .. "degrees",
  names = { "baseline", "amplitude", "opposite", "preferred", "kappa" },
  f = function(p, x)
    local c = math.cos(DEGREE * (x - p[4]))
    return p[1] + p[2] * math.exp(p[5] * (c - 1)) + p[3] * math.exp(p[5] * (-c - 1))
  end,
  starts = function(x, y)
    local low, high, at = extremes(y)
    local list = {}
    for _, kappa in ipairs { 1, 4, 12 } do
      for _, opposite in ipairs { 0.05, 0.7 } do
        list[#list + 1] = { low, high - low, opposite * (high - low), x[at], kappa }
        list[#list + 1] = { low, high - low, opposite * (high - low), circular_mean(x, y, 360), kappa }
      end
    end
    return list
  end,
  inside = function(p)
    within(p, 5, 1e-3, 1e3)
    within(p, 2, 0, math.huge)
    within(p, 3, 0, math.huge)
  end,
  finish = function(p)
    if p[3] > p[2] then p[2], p[3], p[4] = p[3], p[2], p[4] + 180 end
    p[4] = p[4] % 360
  end,
  derived = { bandwidth = function(p) return half_width(p[5], 360) end },
}

M.log_gaussian = {
  doc = "responses against a positive quantity such as spatial frequency: baseline + amplitude exp(-log2(x / "
    .. "preferred)^2 / (2 sigma^2)), sigma in octaves; bandwidth is the full width at half-height in octaves",
  names = { "baseline", "amplitude", "preferred", "sigma" },
  positive = true,
  f = function(p, x) return p[1] + p[2] * math.exp(-(math.log(x / p[3], 2)) ^ 2 / (2 * p[4] ^ 2)) end,
  starts = function(x, y)
    local low, high, at = extremes(y)
    local list = {}
    for _, sigma in ipairs { 0.4, 0.9, 2 } do
      list[#list + 1] = { low, high - low, x[at], sigma }
      list[#list + 1] = { 0, high, x[at], sigma }
    end
    return list
  end,
  inside = function(p)
    within(p, 3, 1e-300, math.huge)
    within(p, 4, 1e-2, 1e2)
    within(p, 2, 0, math.huge)
  end,
  derived = { bandwidth = function(p) return 2 * math.sqrt(2 * LN2) * p[4] end },
}

M.naka_rushton = {
  doc = "responses against contrast: baseline + rmax x^n / (x^n + c50^n) (Naka & Rushton 1966; Albrecht & Hamilton "
    .. "1982)",
  names = { "baseline", "rmax", "c50", "n" },
  f = function(p, x)
    if x <= 0 then return p[1] end
    return p[1] + p[2] / (1 + (p[3] / x) ^ p[4])
  end,
  starts = function(x, y)
    local low, high = extremes(y)
    local list, middle = {}, x[(#x + 1) // 2]
    for _, n in ipairs { 1, 2.5, 5 } do
      for _, share in ipairs { 0.5, 1, 2 } do
        list[#list + 1] = { low, (high - low) * 1.1, math.max(middle * share, 1e-6), n }
      end
    end
    return list
  end,
  inside = function(p)
    within(p, 3, 1e-12, math.huge)
    within(p, 4, 1e-2, 50)
  end,
}

-- The error function, through the runtime's own (the same bits everywhere).
local function erf(u) return tensor.tensor({ u }, { dtype = "float64" }):erf():item() end

-- The largest response of the ratio of Gaussians and the size that has it: sizes in equal ratios, then thirds.
local function best_size(p)
  local low, high, best, at = 1e-3 * p[2], 8 * math.max(p[2], p[4]), -math.huge, 1
  local steps = 48
  for k = 0, steps do
    local value = M.size.f(p, low * (high / low) ^ (k / steps))
    if value > best then best, at = value, k end
  end
  local a, b = low * (high / low) ^ (math.max(at - 1, 0) / steps), low * (high / low) ^ (math.min(at + 1, steps)
    / steps)
  for _ = 1, 40 do
    local c, d = a + (b - a) / 3, b - (b - a) / 3
    if M.size.f(p, c) < M.size.f(p, d) then a = c else b = d end
  end
  return (a + b) / 2, M.size.f(p, (a + b) / 2)
end

M.size = {
  doc = "responses against the diameter of a stimulus, the ratio of two Gaussian mechanisms (Cavanaugh, Bair & "
    .. "Movshon 2002): gain E(x / centre) / (1 + surround_gain E(x / surround)), E(u) = erf(u)^2; preferred "
    .. "is the size with the largest response, suppression 1 - the response to a size without end over that",
  names = { "gain", "centre", "surround_gain", "surround" },
  f = function(p, x)
    local centre, surround = erf(x / p[2]), erf(x / p[4])
    return p[1] * centre * centre / (1 + p[3] * surround * surround)
  end,
  starts = function(x, y)
    local _, high, at = extremes(y)
    local list = {}
    for _, gain in ipairs { 0.2, 1, 4 } do
      list[#list + 1] = { high * (1 + gain / 2), math.max(x[at] / 2, 1e-6), gain, 1.5 * x[#x] }
      list[#list + 1] = { high, math.max(x[at], 1e-6), gain, math.max(2 * x[at], 1e-6) }
    end
    return list
  end,
  inside = function(p)
    within(p, 1, 0, math.huge)
    within(p, 2, 1e-9, math.huge)
    within(p, 3, 0, 1e6)
    within(p, 4, p[2], math.huge)
  end,
  derived = {
    preferred = function(p) return (best_size(p)) end,
    suppression = function(p)
      local _, best = best_size(p)
      return 1 - p[1] / (1 + p[3]) / best
    end,
  },
}

return M
