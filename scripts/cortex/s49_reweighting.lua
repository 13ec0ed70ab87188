-- s49_reweighting.lua: SYSTEMS S49. Remixing and reweighting (Khaligh-Razavi & Kriegeskorte 2014): squared RDMs of
-- layers are weighed without negative weights to fit a brain's; before that, linear readouts of categories (animacy,
-- face, body) may be added to the layers. Planted weights are found again, readouts help where the brain has category
-- axes, and do nothing where labels are shuffled.
--
-- Data: kriegeskorte92 for human IT. The layers and brains of the gates see no images: categories within categories
-- are what readouts need, and digits have none. On human IT the gain is reported with its interval: layers of a
-- network that learned small drawn objects tell animate images apart at 0.6, and no readout of them gets any weight.
--
-- Everything is nested: readouts of training images come from inner folds that did not train them, weights are fitted
-- on pairs of training images, and what is scored are pairs of held-out images.
local p = experiment "s49-reweighting" { seed = 1, params = { seeds = 8, stimuli = 120, images = 4000, epochs = 5 },
  about = "Remixing and reweighting of layers to fit a brain's RDM" }

local INNER = 4

-- ---- the method ------------------------------------------------------------------------------------------------

local function among(list) return tensor(list, { dtype = "int64" }) end
local function pick(x, list) return x:index_select(among(list), { dim = 1 }) end
local function pick_labels(labels, list)
  local own = {}
  for i, at in ipairs(list) do own[i] = labels[at] end
  return own
end

-- The score of each image on each readout: of test images by machines trained on all training images, of training
-- images by machines that inner folds trained without them.
local function readouts(x, labels, train, test)
  local machine, columns = svm { C = 1, standardise = false }, { {}, {} }
  for _, label in ipairs(labels) do
    local function score(from, to)
      local m = machine:fit(pick(x, from), pick_labels(label, from))
      local s = m:scores(pick(x, to))
      return m.classes[1] == 1 and s[{ {}, { 1, 1 } }] or s[{ {}, { 2, 2 } }]
    end
    local held, order = {}, {}
    for _, fold in ipairs(kfold({ INNER }):folds(#train)) do
      local from, to = {}, {}
      for i, k in ipairs(fold.train) do from[i] = train[k] end
      for i, k in ipairs(fold.test) do
        to[i], order[#order + 1] = train[k], k
      end
      held[#held + 1] = score(from, to)
    end
    local back = {}
    for at, k in ipairs(order) do back[k] = at end
    table.insert(columns[1], pick(ops.concat(held, { dim = 1 }), back))
    table.insert(columns[2], score(train, test))
  end
  return columns
end

local function squared(list)
  local parts = {}
  for i, x in ipairs(list) do parts[i] = rdm { x:reshape { #x, -1 }, method = "squared_euclidean" } end
  return rdm.join(parts)
end

-- The held-out likeness of the weighed layers with a brain's RDM, without and with readouts, by fold.
local function compare(layers, x, labels, brain, folds)
  local plain, mixed = {}, {}
  x = (x - x:mean { dim = 1, keepdim = true }) / math.sqrt(x:size(2))
  if x:size(2) > #x then -- machines see products of images alone: as many features as images hold them
    local _, r = linalg.qr(x:t():contiguous())
    x = r:t():contiguous()
  end
  for f, fold in ipairs(folds) do
    local train, test = {}, {}
    for _, x_layer in ipairs(layers) do
      train[#train + 1], test[#test + 1] = pick(x_layer, fold.train), pick(x_layer, fold.test)
    end
    local truth, target = brain:at(fold.test), brain:at(fold.train)
    local function held_out(a, b)
      local theta = rdm.weighted(squared(a)):fit(target, "pearson")
      return (compare_rdms { rdm.weighted(squared(b)):predict(theta), truth, method = "tau_a" })
    end
    plain[f] = held_out(train, test)
    local columns = readouts(x, labels, fold.train, fold.test)
    for k = 1, #labels do train[#train + 1], test[#test + 1] = columns[1][k], columns[2][k] end
    mixed[f] = held_out(train, test)
  end
  return plain, mixed
end

local function mean(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v / #list end
  return sum
end

-- ---- a brain of known make -------------------------------------------------------------------------------------

local planted, found = {}, {}
for s = 1, p.seeds do
  local layers, weights = {}, rand { 5, dtype = "float64" }
  for k = 1, 5 do layers[k] = randn({ 60, 8 * k }, { dtype = "float64" }) end
  local parts = squared(layers)
  local truth = weights:reshape({ 1, 5 }):matmul(parts.vectors)
  local noise = randn(truth.shape, { dtype = "float64" }) * (0.3 * truth:std():item())
  local brain = rdm.from { (truth + noise):clamp { low = 0 } }
  local theta = rdm.weighted(parts):fit(brain, "cosine")
  for k = 1, 5 do
    planted[#planted + 1], found[#found + 1] = weights[k] / weights:square():sum():sqrt():item(), theta[k]
  end
  if s == 1 then print("planted", weights / weights:square():sum():sqrt(), "found", theta) end
end
local r = tensor({ planted, found }, { dtype = "float64" }):corrcoef()[1][2]
report { id = "S49", metric = "planted_weight_recovery_r", value = r, comparison = ">=", threshold = 0.95 }

-- Images of three nested categories; layers hold them weakly among much else, the brain strongly.
local function simulate(seed, shuffled)
  local n, labels = p.stimuli, { {}, {}, {} }
  for i = 1, n do
    local kind = (i - 1) % 6 -- 0, 1 faces; 2 bodies; the rest inanimate
    labels[1][i], labels[2][i], labels[3][i] = kind < 3 and 1 or 0, kind < 2 and 1 or 0, kind == 2 and 1 or 0
  end
  local signal = tensor(labels, { dtype = "float64" }):t()
  local function draw(shape, step)
    return randn(shape, { dtype = "float64", seed = 100 * seed + step })
  end
  local nuisance = draw({ n, 40 }, 1)
  local layers = { nuisance[{ {}, { 1, 20 } }], nuisance[{ {}, { 21, 40 } }],
    nuisance:matmul(draw({ 40, 60 }, 2)) * 0.15 + signal:matmul(draw({ 3, 60 }, 3)) * 0.6 + draw({ n, 60 }, 4) * 0.5 }
  local patterns = signal:matmul(draw({ 3, 80 }, 5)) * 1.2 + nuisance:matmul(draw({ 40, 80 }, 6)) * 0.1
    + draw({ n, 80 }, 7) * 0.5
  if shuffled then
    local order, dealt = permutation(n):totable(), { {}, {}, {} }
    for k = 1, 3 do dealt[k] = pick_labels(labels[k], order) end
    labels = dealt
  end
  local brain = rdm { patterns, method = "squared_euclidean" }
  return layers, layers[3], labels, brain
end
local function gain(shuffled)
  local gains, before, after = {}, 0, 0
  for seed = 1, p.seeds do
    local layers, x, labels, brain = simulate(seed, shuffled)
    local plain, mixed = compare(layers, x, labels, brain, kfold({ 5, seed = seed }):folds(p.stimuli))
    gains[seed] = mean(mixed) - mean(plain)
    before, after = before + mean(plain) / p.seeds, after + mean(mixed) / p.seeds
  end
  print(string.format("%s labels: held-out tau-a %.3f, with readouts %.3f", shuffled and "shuffled" or "true", before,
    after))
  return mean(gains), before, after
end
local true_gain, true_before, true_after = gain(false)
local false_gain, false_before, false_after = gain(true)
report { id = "S49", metric = "remix_tau_a_gain", value = true_gain, comparison = ">=", threshold = 0.05 }
report { id = "S49", metric = "remix_tau_a_gain_shuffled_labels", value = false_gain, comparison = "+-",
  threshold = { 0, 0.02 } }

-- ---- human IT --------------------------------------------------------------------------------------------------

local dir = data.folder("kriegeskorte92", "hIT_rdms_subject_session.npy, category_vectors.csv and images/") .. "/"
local kinds = data.csv(dir .. "category_vectors.csv")
local human = rdm.load(dir .. "hIT_rdms_subject_session.npy"):mean()
local images = stimuli.folder { dir .. "images", channels = 1, size = 64 }
local function view(x) return (stimuli.resize(x, 32) - 0.5) * 4 end
local net = model "objects" {
  input { 1, 32, 32 },
  area "V1" { conv { 16, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
  area "V2" { conv { 32, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "IT" { conv { 48, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 64 }, relu },
  readout "object" { dense { 8 } },
}
train { model = net, data = stimuli.objects { p.images, size = 32, seed = 1 }:map(view), loss = "cross_entropy",
  optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
local acts = net:activations(view(images.x), { "V1", "V2", "IT" })
local layers = { neural.gabor_energy {}(images.x) }
for i, name in ipairs { "V1", "V2", "IT" } do layers[i + 1] = acts[name] end
for i, x in ipairs(layers) do -- one scale for all, so that a weight says how much a layer counts
  x = x:reshape { #x, -1 }:to "float64"
  layers[i] = x / x:var { dim = 1 }:mean():sqrt()
end
local plain, mixed = compare(layers, ops.concat(layers, { dim = 2 }), { kinds.animate, kinds.face, kinds.body },
  human,
  kfold({ 10, seed = 1 }):folds(92))
local gains = {}
for f = 1, #plain do gains[f] = mixed[f] - plain[f] end
local t = tensor(gains, { dtype = "float64" })
local half = 2.262157 * t:std():item() / math.sqrt(#gains) -- Student's t, 9 degrees of freedom
print(string.format("human IT: held-out tau-a %.3f, with readouts %.3f; gain %.3f, 95 %% CI over folds %.3f to %.3f",
  mean(plain), mean(mixed), mean(gains), mean(gains) - half, mean(gains) + half))
report { id = "S49", metric = "human_it_tau_a_gain", value = mean(gains) }
report { id = "S49", metric = "human_it_tau_a_gain_ci_low", value = mean(gains) - half }
report { id = "S49", metric = "human_it_tau_a_gain_ci_high", value = mean(gains) + half }
plot.bars { labels = { "category axes", "shuffled labels", "human IT" }, series = {
  { label = "layers weighed", values = { true_before, false_before, mean(plain) } },
  { label = "with readouts", values = { true_after, false_after, mean(mixed) } } },
  title = "Reweighting and remixing, held-out images", ylabel = "Kendall's tau-a",
    xlabel = "brain" }:save "figure.svg"
