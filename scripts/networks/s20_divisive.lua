-- s20_divisive.lua: SYSTEMS S20. Divisive normalisation (Heeger 1992; Carandini & Heeger 2012): contrast responses,
-- an orthogonal mask, and tuning whose width does not depend on contrast.
--
-- 36 units prefer orientations 5 degrees apart. A grating of contrast c drives each by c times its tuning; two
-- gratings that are superimposed add their energies. All units form one uniform pool, in which the tuning curves,
-- squared, have a mean of 1.
local p = experiment "s20-divisive" { seed = 1, params = { sigma = 0.15, n = 2, gamma = 60, mask = 0.3 } }

local UNITS = 36

local function result(metric, value, comparison, threshold)
  report { id = "S20", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

-- Tuning of all units for a grating of an orientation in degrees.
local function tuning(orientation)
  local list, total = {}, 0
  for i = 1, UNITS do
    list[i] = math.exp(3 * (math.cos(2 * math.rad(orientation - (i - 1) * 180 / UNITS)) - 1))
    total = total + list[i] ^ p.n
  end
  local scale = (UNITS / total) ^ (1 / p.n)
  for i = 1, UNITS do list[i] = list[i] * scale end
  return list
end

local pool_ = norm.divisive { sigma = p.sigma, n = p.n, gamma = p.gamma }
local net = model "V1" { input { UNITS }, area "V1" { pool_ } }

-- Responses of all units to gratings { { contrast, orientation }, ... }, shown together.
local function responses(gratings)
  local drive = {}
  for i = 1, UNITS do drive[i] = 0 end
  for _, g in ipairs(gratings) do
    for i, t in ipairs(tuning(g[2])) do drive[i] = drive[i] + (g[1] * t) ^ 2 end
  end
  for i = 1, UNITS do drive[i] = math.sqrt(drive[i]) end
  return net(tensor { drive })[1]:totable()
end

-- r_max c^n / (c50^n + c^n) by least squares: a grid of c50 and n, then finer ones around the best.
local function fitted(contrasts, rates)
  local mean, total = 0, 0
  for _, r in ipairs(rates) do mean = mean + r / #rates end
  for _, r in ipairs(rates) do total = total + (r - mean) ^ 2 end
  local best = { error = math.huge, log_c50 = math.log(0.1), n = 2.25 }
  local wide, steep = math.log(100), 1.75
  for _ = 1, 6 do
    local log_c50, n = best.log_c50, best.n
    for i = -10, 10 do
      for k = -10, 10 do
        local c50, power = math.exp(log_c50 + wide * i / 10), n + steep * k / 10
        local rr, rs, error = 0, 0, 0
        for j, c in ipairs(contrasts) do
          local s = c ^ power / (c50 ^ power + c ^ power)
          rr, rs = rr + s * s, rs + s * rates[j]
        end
        for j, c in ipairs(contrasts) do
          error = error + (rates[j] - rs / rr * c ^ power / (c50 ^ power + c ^ power)) ^ 2
        end
        if error < best.error then
          best = { error = error, log_c50 = math.log(c50), n = power, r_max = rs / rr, r2 = 1 - error / total }
        end
      end
    end
    wide, steep = wide / 6, steep / 6
  end
  return best
end

local contrasts, alone, masked = {}, {}, {}
for i = 1, 25 do
  contrasts[i] = 0.01 * 100 ^ ((i - 1) / 24)
  alone[i] = responses({ { contrasts[i], 0 } })[1]
  masked[i] = responses({ { contrasts[i], 0 }, { p.mask, 90 } })[1]
end
local a, m = fitted(contrasts, alone), fitted(contrasts, masked)
result("naka_rushton_r2", a.r2, ">=", 0.99)
result("c50_deviation_from_sigma_percent", 100 * (math.exp(a.log_c50) / p.sigma - 1), "+-", { 0, 5 })
result("orthogonal_mask_log_c50_shift", m.log_c50 - a.log_c50, ">", 0)
result("orthogonal_mask_rmax_change_percent", 100 * math.abs(m.r_max / a.r_max - 1), "<=", 5)

-- Half width at half height of one unit's tuning curve, in degrees.
local function width(contrast)
  local peak, before = responses({ { contrast, 0 } })[1], nil
  for orientation = 0, 90, 0.5 do
    local r = responses({ { contrast, orientation } })[1]
    if r < peak / 2 then return orientation - 0.5 * (peak / 2 - r) / (before - r) end
    before = r
  end
end

local narrow, broad = math.huge, 0
for _, contrast in ipairs { 0.05, 0.1, 0.2, 0.5, 1 } do
  narrow, broad = math.min(narrow, width(contrast)), math.max(broad, width(contrast))
end
result("tuning_width_contrast_change_percent", 100 * (broad / narrow - 1), "+-", { 0, 5 })

plot.line({ { x = contrasts, y = alone, label = "alone" },
  { x = contrasts, y = masked, label = "with a mask at 90 deg" },
  xlog = true, xlabel = "contrast", ylabel = "response" }):save "figure.svg"
