-- it_decoding.lua: objects read out of macaque IT, over time and across positions (Zhang, Meyers, Bichot, Serre,
-- Poggio & Desimone 2011; the analysis of Meyers 2013): seven objects at three positions, 132 neurons that were not
-- all recorded together, so pseudo-trials are dealt anew for each neuron, in many draws.
--
-- Data: it-zhang-desimone2011.
--
-- A maximum-correlation classifier is trained on z-scored spike counts and tested on other trials, at the same
-- position or at another. The figure of 0.80 belongs to trials in the order of the files, whose counts are z-scored
-- over all of them: trained on the 40 trials of an object at two positions, tested on the 20 at the third. Everything
-- else here is stricter: trials are dealt anew for each neuron, and only training trials say how to z-score. Each
-- cell (neuron, object, position) has 20 repeats, seven of them 19: 13 train, 6 test. The null deals the labels of
-- the training trials anew.
local p = experiment "it-decoding" { seed = 1, params = { draws = 50, shuffles = 200 },
  about = "7-way object decoding from pseudo-populations of macaque IT, over time and across positions" }

local TRAIN, TEST = 13, 6 -- trials
local STEP, BINS = 5, 20  -- 10-ms bins in a step of 50 ms; steps from -500 to 500 ms
local dir = data.folder("it-zhang-desimone2011", "spikes_10ms.npy, objects.txt and positions.txt") .. "/"
local spikes = data.npy(dir .. "spikes_10ms.npy") -- neuron x object x position x repeat x bin; 255: no trial
local neurons, objects, positions, repeats = table.unpack(spikes.shape)


-- Cells as stimuli: object (slowly) x position, then neuron x repeat.
local cells = spikes:permute { 2, 3, 1, 4, 5 }:reshape { objects * positions, neurons, repeats, -1 }
local valid = ops.ne(cells[{ {}, {}, {}, 1 }], 255)
local function counts(first, last) -- spikes from 10-ms bin `first` to `last`
  local part = cells[{ {}, {}, {}, { first, last } }]:to "float64"
  return part:sum(4) * valid:to "float64"
end

local draws = {}
for k = 1, p.draws do draws[k] = neural.pseudopopulation { valid, parts = { TRAIN, TEST }, step = k } end
print(draws[1])

-- The pseudo-trials of a part by position (0: all), and their objects.
local rows, labels = { {}, {} }, { {}, {} }
for part = 1, 2 do
  for at = 0, positions do rows[part][at], labels[part][at] = {}, {} end
  for i, cell in ipairs(draws[1].stimulus[part]) do
    local object, at = (cell - 1) // positions + 1, (cell - 1) % positions + 1
    for _, to in ipairs { 0, at } do
      table.insert(rows[part][to], i)
      table.insert(labels[part][to], object)
    end
  end
  for at = 0, positions do rows[part][at] = tensor(rows[part][at], { dtype = "int64" }) end
end

local classifier = max_correlation {}
local function share(given, wanted)
  local right = 0
  for i, object in ipairs(wanted) do right = right + (given[i] == object and 1 or 0) end
  return right / #wanted
end

-- Accuracies of one draw: train at each of `from`, test at each of `to`; deal: how training labels are dealt anew.
local function decode_draw(draw, x, from, to, deal)
  local train, test, result = draw:take(1, x), draw:take(2, x), {}
  for _, a in ipairs(from) do
    local own = labels[1][a]
    if deal then
      local order, dealt = permutation(#own):totable(), {}
      for i, k in ipairs(order) do dealt[i] = own[k] end
      own = dealt
    end
    local m = classifier:fit(train:index_select(rows[1][a], { dim = 1 }), own)
    result[a] = {}
    for _, b in ipairs(to) do
      result[a][b] = share(m:predict(test:index_select(rows[2][b], { dim = 1 })), labels[2][b])
    end
  end
  return result
end

-- ---- counts of 100 to 400 ms -----------------------------------------------------------------------------------

local window = counts(61, 90)
local trials = window:permute { 1, 3, 2 }:reshape { objects, positions, repeats, neurons } -- a missing one counts 0
local scored = trials:reshape { -1, neurons }
local spread_of = scored:std { dim = 1, keepdim = true, correction = 0 }
scored = ((scored - scored:mean { dim = 1, keepdim = true }) / ops.where(ops.gt(spread_of, 0), spread_of,
  ones { 1, dtype = "float64" })):reshape(trials.shape)
local plain = max_correlation { standardise = false }

-- Trained at two positions, tested at the third; deal: the labels of the training trials are dealt anew.
local function third_position(deal)
  local sum = 0
  for test = 1, positions do
    local train, own, wanted = {}, {}, {}
    for at = 1, positions do
      if at ~= test then train[#train + 1] = at end
    end
    local x = scored:index_select(tensor(train, { dtype = "int64" }), { dim = 2 }):reshape { -1, neurons }
    for i = 1, #x do own[i] = (i - 1) // (repeats * 2) + 1 end
    for i = 1, objects * repeats do wanted[i] = (i - 1) // repeats + 1 end
    if deal then
      local dealt = {}
      for i, k in ipairs(permutation(#own):totable()) do dealt[i] = own[k] end
      own = dealt
    end
    local m = plain:fit(x, own)
    sum = sum + share(m:predict(scored[{ {}, test }]:reshape { -1, neurons }), wanted) / positions
  end
  return sum
end
local all, places = { 0 }, { 1, 2, 3 }
local kept, by_place = 0, zeros { 3, 3, dtype = "float64" }
for _, draw in ipairs(draws) do
  kept = kept + decode_draw(draw, window, all, all)[0][0] / p.draws
  local one = decode_draw(draw, window, places, places)
  local matrix = {}
  for a = 1, 3 do matrix[a] = { one[a][1], one[a][2], one[a][3] } end
  by_place = by_place + tensor(matrix, { dtype = "float64" }) / p.draws
end
local null, null_place = {}, {}
for k = 1, p.shuffles do
  local draw = draws[(k - 1) % p.draws + 1]
  null[k] = third_position(true)
  null_place[k] = decode_draw(draw, window, { 1 }, { 2 }, true)[1][2]
end
table.sort(null)
table.sort(null_place)
local matrix = by_place:totable()
local same, other, least = 0, 0, 1
for a = 1, 3 do
  for b = 1, 3 do
    if a == b then same = same + matrix[a][b] / 3 else
      other, least = other + matrix[a][b] / 6, math.min(least, matrix[a][b])
    end
  end
end
local function p_of(list, value)
  local reached = 0
  for _, v in ipairs(list) do reached = reached + (v >= value and 1 or 0) end
  return (1 + reached) / (1 + #list)
end
print(string.format("7 objects, chance %.3f; labels dealt anew: mean %.3f, at most %.3f", 1 / objects,
  tensor(null):mean():item(), null[#null]))
print(string.format("same position %.3f, another position %.3f (least %.3f), shuffled at most %.3f", same, other,
  least,
  null_place[#null_place]))
local third = third_position()
report { metric = "object_decoding_accuracy", value = third, comparison = "+-", threshold = { 0.80, 0.005 },
  what = "7-way, trained at two positions, tested at the third, counts of 100 to 400 ms", published = 0.80 }
report { metric = "known_positions_accuracy", value = kept, comparison = ">", threshold = 0.80,
  what = "trained and tested at all positions, pseudo-trials of one position each" }
report { metric = "object_decoding_p", value = p_of(null, third), comparison = "<", threshold = 0.01,
  what = "against labels dealt anew" }
report { metric = "other_position_accuracy", value = other, comparison = ">=", threshold = 2 / objects,
  what = "trained at one position, tested at another: at least twice chance" }
report { metric = "other_position_p", value = p_of(null_place, least), comparison = "<", threshold = 0.01,
  what = "the worst of six pairs of positions against labels dealt anew" }
report { metric = "same_minus_other_position", value = same - other, comparison = ">", threshold = 0,
  what = "tolerance is not complete" }

-- ---- over time -------------------------------------------------------------------------------------------------

local time, near, far, band = {}, {}, {}, {}
for bin = 1, BINS do
  local x = counts((bin - 1) * STEP + 1, bin * STEP)
  local s, o, sq_s, sq_o, shuffled = 0, 0, 0, 0, {}
  for k, draw in ipairs(draws) do
    local one, own, away = decode_draw(draw, x, places, places), 0, 0
    for a = 1, 3 do
      for b = 1, 3 do
        if a == b then own = own + one[a][b] / 3 else away = away + one[a][b] / 6 end
      end
    end
    s, o, sq_s, sq_o = s + own, o + away, sq_s + own * own, sq_o + away * away
    shuffled[k] = decode_draw(draw, x, { 1 }, { 2 }, true)[1][2]
  end
  table.sort(shuffled)
  local n = p.draws
  local function spread(sum, square) return math.sqrt(math.max(0, square / n - (sum / n) ^ 2)) end
  time[bin] = -500 + (bin - 0.5) * 10 * STEP
  near[bin], far[bin] = { s / n, spread(s, sq_s) }, { o / n, spread(o, sq_o) }
  band[bin] = shuffled[math.max(1, math.ceil(0.95 * n))]
  print(string.format("%5.0f ms  same %.3f  other %.3f  shuffled (95th of %d) %.3f", time[bin], near[bin][1],
    far[bin][1], n, band[bin]))
end
local function series(list, label)
  local one = { x = time, y = {}, low = {}, high = {}, label = label }
  for i, v in ipairs(list) do one.y[i], one.low[i], one.high[i] = v[1], v[1] - v[2], v[1] + v[2] end
  return one
end
local before, after = 0, 0
for bin = 1, BINS do
  if time[bin] < 0 then before = before + far[bin][1] / 10 end
  after = math.max(after, far[bin][1])
end
report { metric = "before_stimulus_accuracy", value = before, comparison = "+-", threshold = { 1 / objects, 0.02 },
  what = "another position, mean of -500 to 0 ms: chance" }
report { metric = "peak_other_position_accuracy", value = after, comparison = ">", threshold = 1.5 / objects,
  what = "another position, the best 50 ms" }
plot.line { series(near, "same position"), series(far, "another position"),
  { x = time, y = band, label = "shuffled labels, 95th percentile", dash = true },
  title = "Objects read out of macaque IT", xlabel = "time from stimulus onset (ms)", ylabel = "accuracy, 7 objects",
  reference = 1 / objects, zero = true }:save "figure.svg"
local short = { "upper", "middle", "lower" } -- as in positions.txt
plot.heatmap { by_place, rows = short, columns = short, label = "accuracy", low = 0, high = 1,
  title = "Objects across positions", ylabel = "trained", xlabel = "tested", width = 70 }:save "positions.svg"
