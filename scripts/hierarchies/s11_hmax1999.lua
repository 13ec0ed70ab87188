-- s11_hmax1999.lua: SYSTEMS S11. A view-tuned unit on HMAX tolerates rotation in depth, size and position, and loses
-- much of its range of sizes where cells add up instead of taking the largest (Riesenhuber & Poggio 1999).
--
-- As in the paper, images are 160 x 160, a clip at its trained view is 64 pixels large, and a view-tuned unit is a
-- Gaussian around the answer of all C2 cells to that view. Its tolerance is how far the clip may be turned, scaled or
-- moved, step by step from the trained view, and still drive the unit more than the best of 60 other clips does
-- (which are shown as large as the trained view); 1.3 octaves up and 30 % of the image sideways the clip reaches the
-- image's border, and the search ends. Only the order of responses counts, so that the Gaussian's width is free: it
-- is such that the other clips, on average over their distances, drive a unit to exp(-2). SUM means that C1 and C2
-- cells take the mean of what they see; everything else is the same.
local p = experiment "s11-hmax1999" { seed = 1, params = { clips = 8, distractors = 60, turn = 3, octave = 0.125,
  shift = 0.025 },
  about = "HMAX 1999: view-tuned units, depth, size, position; MAX against SUM" }

local SIDE <const>, SCALE <const> = 160, 0.4

-- From -limit to limit in steps, 0 among them; up: another limit above 0.
local function steps(by, limit, up)
  local list = {}
  for k = -((limit / by + 1e-9) // 1), (up or limit) / by + 1e-9 do list[#list + 1] = k * by end
  return list
end

local function numbers(from, n)
  local list = {}
  for k = 1, n do list[k] = from + k - 1 end
  return list
end

local function clips(list, o)
  o[1], o.size, o.scale = list, SIDE, o.scale or SCALE
  return stimuli.paperclips(o)
end

local own, others = numbers(1, p.clips), numbers(p.clips + 1, p.distractors)
local scales, octaves = {}, steps(p.octave, 2.5, math.log(1 / SCALE, 2))
for i, octave in ipairs(octaves) do scales[i] = SCALE * 2 ^ octave end
local turns, shifts = steps(p.turn, 60), steps(p.shift, (1 - SCALE) / 2)

-- C2 of a set of clips, a few images at a time.
local function c2(net, set)
  local parts = {}
  for first = 1, #set, 16 do
    parts[#parts + 1] = net:activations(set.x[{ { first, math.min(first + 15, #set) } }], "IT").IT
  end
  return ops.concat(parts, { dim = 1 })
end

-- Responses of the units of all clips to sets of their own clips (clips x steps), and to the best distractor (a
-- list).
local function responses(net, sets)
  local trained, distractors = c2(net, clips(own, {})), c2(net, clips(others, {}))
  local apart = (distractors:unsqueeze(2) - trained:unsqueeze(1)):square():sum({ dim = 3 }):mean():item()
  local units = model "view-tuned units" { input { 256 }, area "IT" {
    templates { p.clips, values = trained, beta = 2 / apart } } }
  local best = units(distractors):max({ dim = 1 }):totable()
  local found = {}
  for name, set in pairs(sets) do
    local answers = units(c2(net, set)):reshape { p.clips, -1, p.clips }
    local rows = {}
    for k = 1, p.clips do rows[k] = answers[{ k, {}, k }] end
    found[name] = ops.stack(rows, { dim = 1 }):totable()
  end
  return found, best
end

-- How far from the trained view, down and up, a unit stays above its best distractor.
local function reach(answers, best, at)
  local middle
  for i, value in ipairs(at) do
    if math.abs(value) < 1e-9 then middle = i end
  end
  local low, high = middle, middle
  while low > 1 and answers[low - 1] > best do low = low - 1 end
  while high < #at and answers[high + 1] > best do high = high + 1 end
  return at[low], at[high]
end

local function range(answers, best, at)
  local total = 0
  for k = 1, p.clips do
    local low, high = reach(answers[k], best[k], at)
    total = total + (high - low) / p.clips
  end
  return total
end

local by_max = models.hmax1999 { pooling = "max" }
local by_sum = models.hmax1999 { pooling = "avg" }
local sizes = clips(own, { scale = scales })
local found, best = responses(by_max, { depth = clips(own, { depth = turns }), size = sizes,
  place = clips(own, { x = shifts }) })
local summed, best_summed = responses(by_sum, { size = sizes })

local peaks = 1
for k = 1, p.clips do
  local top = tensor(found.depth[k]):argmax():item()
  if math.abs(turns[top]) > 1e-9 then peaks = 0 end
end
local octave_range = range(found.size, best, octaves)
local sum_range = range(summed.size, best_summed, octaves)
print(string.format("size range: MAX %.2f octaves, SUM %.2f octaves", octave_range, sum_range))
report { id = "S11", metric = "vtu_peaks_at_trained_view", value = peaks, comparison = "==", threshold = 1,
  what = "all clips, among turns in depth" }
report { id = "S11", metric = "depth_rotation_tolerance_deg", value = range(found.depth, best, turns) / 2,
  comparison = ">=", threshold = 20, what = "mean of the clips, half of the range" }
report { id = "S11", metric = "size_range_octaves", value = octave_range, comparison = ">=", threshold = 2,
  published = 3 }
report { id = "S11", metric = "translation_range_percent", value = 100 * range(found.place, best, shifts),
  comparison = ">=", threshold = 25, what = "sideways, as far as the clip stays whole" }
report { id = "S11", metric = "sum_pooling_size_range_cut_percent", value = 100 * (1 - sum_range / octave_range),
  comparison = ">=", threshold = 30 }

local function mean(answers)
  local t = tensor(answers)
  return t:mean { dim = 1 }
end
local function panel(at, title, label, answers, level)
  local flat = {}
  for i in ipairs(at) do flat[i] = level end
  return plot.line { title = title, xlabel = label, ylabel = "response", zero = true,
    { x = at, y = mean(answers), label = "trained clip" }, { x = at, y = flat, label = "best other" } }
end
local level = tensor(best):mean():item()
plot.panels { panel(turns, "Rotation in depth", "rotation (degrees)", found.depth, level),
  panel(octaves, "Size", "size (octaves)", found.size, level),
  panel(shifts, "Position", "shift (fraction of the image)", found.place, level),
  panel(octaves, "Size, SUM", "size (octaves)", summed.size, tensor(best_summed):mean():item()),
  title = "A view-tuned unit on HMAX, mean of " .. p.clips .. " clips", width = 120 }:save "figure.svg"
