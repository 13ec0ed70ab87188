-- s15_shift_tolerance.lua: SYSTEMS S15. Each stage of the neocognitron tolerates shifts more than the one before, and
-- owes it to its C cells (Fukushima 1980).
--
-- The network is that of S14, which learns in the same way. A layer's similarity is the cosine between its answers to
-- a digit and to the digit moved by so many pixels, mean over digits 0 to 4 and four directions (0 where it answers
-- nothing). The stability of C3 is S14's: how many percent of the digits moved by 2 pixels keep the C3 cell that
-- wins. Without pooling each C cell sees one S cell, that in the middle of its window; such a network learns and is
-- tested in the same way. The metrics are the worst of three seeds.
local p = experiment "s15-shift-tolerance" { seed = 1, params = { presentations = 20, seeds = 3 },
  about = "Neocognitron: similarity against shift, stage by stage; without pooling" }

local digits = stimuli.digits { { 0, 1, 2, 3, 4 }, size = 16, scale = 0.75, thickness = 0.13 }
digits = digits:map(function(x) return x:gt(0.5):to "float32" end)
local LAYERS, NAMES = { "V1.s_cells1", "V1", "V4", "IT" }, { "S1", "C1", "C2", "C3" }

local function measured(pooling, seed)
  local net = models.neocognitron { seed = seed, pooling = pooling }
  self_organise { net, digits, presentations = p.presentations, rate = { 1, 16, 16 }, column = { 5, 5, 2 },
    order = "stages" }
  local function winners(x) return net:activations(x, "IT").IT:reshape({ #x, -1 }):argmax { dim = 2 } end
  local still, kept = winners(digits.x), 0
  for _, by in ipairs { { 0, 2 }, { 0, -2 }, { 2, 0 }, { -2, 0 } } do
    kept = kept + winners(digits.x:roll(by, { 3, 4 })):eq(still):to("float64"):mean():item() * 25
  end
  return tolerance { net, digits, layers = LAYERS, shifts = { 0, 1, 2, 3, 4 }, edge = "zero" }, kept
end

local strict, least, shown, alone = 1, math.huge, nil, nil
for seed = 1, p.seeds do
  local pooled, stable = measured("window", seed)
  local single, unstable = measured("identity", seed)
  for i = 2, #LAYERS do
    if pooled.similarity[{ i, 3 }] <= pooled.similarity[{ i - 1, 3 }] then strict = 0 end
  end
  least = math.min(least, stable - unstable)
  print(string.format("seed %d, with pooling, C3 stable %.0f %%:\n%s\nwithout, %.0f %%:\n%s", seed, stable, pooled,
    unstable, single))
  shown, alone = shown or pooled, alone or single
end
report { id = "S15", metric = "similarity_2px_order_strict", value = strict, comparison = "==", threshold = 1,
  what = "every seed" }
report { id = "S15", metric = "identity_pooling_c3_stability_drop_points", value = least, comparison = ">=",
  threshold = 40, what = "the smallest over seeds" }

local figure = { title = "Similarity against shift", xlabel = "shift (pixels)", ylabel = "similarity (cosine)",
  zero = true }
for i, name in ipairs(NAMES) do figure[i] = { x = shown.shifts, y = shown.similarity[i], label = name } end
figure[5] = { x = alone.shifts, y = alone.similarity[4], label = "C3 without pooling" }
plot.line(figure):save "figure.svg"
