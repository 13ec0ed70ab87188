-- s46_population.lua: SYSTEMS S46. Predicted populations (Yamins et al. 2014, figure 4): responses of a synthetic IT
-- are predicted from a model's layer on held-out images; the predicted population has the dissimilarities of the real
-- one, holds the same information for the same linear decoders, and makes the same confusions.
-- The synthetic IT (168 neurons) mixes the top layer of a teacher with another architecture and other first weights
-- that learned the same task, with noise; it tests the pipeline, not biology.
local p = experiment "s46-population" { seed = 1, params = { images = 6000, epochs = 8, stimuli = 2000 },
  about = "RDM and decoding of predicted against recorded (synthetic) IT populations" }

local function view(x) return (x - 0.5) * 4 end
local function objects(n, seed)
  return stimuli.objects { n, size = 32, seed = seed, scale = { 0.3, 0.7 }, position = 0.2 }
end
local function learn(net)
  train { model = net, data = objects(p.images, 1):map(view), loss = "cross_entropy",
    optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
  return net
end
local net = learn(model "model" { seed = 1,
  input { 1, 32, 32 },
  area "V1" { conv { 16, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
  area "V2" { conv { 32, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "IT" { conv { 48, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 128 }, relu },
  readout "object" { dense { 8 } },
})
local teacher = learn(model "teacher" { seed = 7,
  input { 1, 32, 32 },
  area "V1" { conv { 24, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "IT" { conv { 40, kernel = 5, pad = 2 }, relu, pool.avg { 2 }, conv { 40, kernel = 3, pad = 1 }, relu,
    pool.max { 2 }, dense { 96 }, relu },
  readout "object" { dense { 8 } },
})

-- ---- the synthetic population, and its prediction --------------------------------------------------------------

local set = objects(p.stimuli, 2)
local n, half = #set, #set // 2
local top = teacher:activations(view(set.x), { "IT" }).IT:reshape({ n, -1 }):to "float64"
local mix = top:matmul(randn({ top:size(2), 168 }, { dtype = "float64" }))
mix = (mix - mix:mean { dim = 1, keepdim = true }) / mix:std { dim = 1, keepdim = true }
local responses = mix + randn(mix.shape, { dtype = "float64" }) * 0.25 -- what is left of the noise after repeats

local layers = net:activations(view(set.x), { "V1", "V2", "IT" })
layers.pixels = set.x
local train_rows, test_rows = { { 1, half } }, { { half + 1, n } }
local function part(x, which) return x:reshape({ n, -1 })[which]:to "float64" end
local truth = part(responses, test_rows)
local predicted = {}
for _, name in ipairs { "pixels", "V1", "V2", "IT" } do
  local map = ridge { alphas = logspace(0, 6, 13) }:fit(part(layers[name], train_rows), part(responses, train_rows))
  predicted[name] = map:predict(part(layers[name], test_rows))
end

-- ---- dissimilarities -------------------------------------------------------------------------------------------
-- Conditions: object x left or right x above or below x small or large, means over held-out images.

local latent, conditions = {}, {}
for _, name in ipairs { "x", "y", "scale" } do latent[name] = set.latent[name]:totable() end
local labels = set.y:totable()
for i = half + 1, n do
  conditions[#conditions + 1] = string.format("%d %s %s %s", labels[i], latent.x[i] < 0 and "left" or "right",
    latent.y[i] < 0 and "above" or "below", latent.scale[i] < 0.5 and "small" or "large")
end
local function rdm_of(x) return rdm { x, method = "correlation", conditions = conditions } end
local function rho(x) return (compare_rdms { rdm_of(x), rdm_of(truth), method = "spearman" }) end
local best_raw, best_layer = -1, ""
print "layer    rho of predicted   rho of the layer itself"
for _, name in ipairs { "pixels", "V1", "V2", "IT" } do
  local raw = rho(part(layers[name], test_rows))
  print(string.format("%-8s %16.3f   %23.3f", name, rho(predicted[name]), raw))
  if raw > best_raw then best_raw, best_layer = raw, name end
end
local own = rho(predicted.IT)
report { id = "S46", metric = "predicted_g_it_rdm_spearman_rho", value = own, comparison = ">=", threshold = 0.8 }
report { id = "S46", metric = "predicted_minus_best_raw_layer_rho", value = own - best_raw, comparison = ">",
  threshold = 0,
  what = "best layer: " .. best_layer }

-- ---- the same decoders on both populations ---------------------------------------------------------------------

local function held_labels(f)
  local list = {}
  for i = half + 1, n do list[#list + 1] = f(i) end
  return list
end
local function third(name) -- a label for the lower, middle and upper third of a quantity
  local sorted = table.move(latent[name], 1, n, 1, {})
  table.sort(sorted)
  local low, high = sorted[n // 3], sorted[2 * n // 3]
  return held_labels(function(i) return latent[name][i] < low and 1 or latent[name][i] < high and 2 or 3 end)
end
local category = held_labels(function(i) return labels[i] end)
local tasks = { { "category, 8", category }, { "position x, 3", third "x" }, { "position y, 3", third "y" },
  { "size, 3", third "scale" } }
for class = 1, 8 do
  tasks[#tasks + 1] = { set.classes[class] .. ", 2", held_labels(function(i) return labels[i] == class and 1
    or 0 end) }
end
local accuracies, confusions = { {}, {}, {} }, {}
print "task               recorded  predicted  model IT"
for t, task in ipairs(tasks) do
  for k, x in ipairs { truth, predicted.IT, part(layers.IT, test_rows) } do
    local score = decode { x, task[2], classifier = svm { C = 0.01 }, splits = kfold { 5, seed = 1 },
      bootstrap = 100 }
    accuracies[k][t] = score.accuracy
    if t == 1 then confusions[k] = score.confusion end
  end
  print(string.format("%-18s %8.3f  %9.3f  %8.3f", task[1], accuracies[1][t], accuracies[2][t], accuracies[3][t]))
end
local function correlation(a, b)
  return ops.stack({ a:reshape { -1 }:to "float64", b:reshape { -1 }:to "float64" }, { dim = 1 }):corrcoef()[1][2]
end
report { id = "S46", metric = "task_accuracy_vector_r", value = correlation(tensor(accuracies[1]),
  tensor(accuracies[2])),
  comparison = ">=", threshold = 0.9 }
report { id = "S46", metric = "confusion_matrix_r", value = correlation(confusions[1], confusions[2]),
  comparison = ">=",
  threshold = 0.8 }

local names = {}
for t, task in ipairs(tasks) do names[t] = task[1] end
plot.bars { labels = names, series = { { label = "recorded", values = accuracies[1] },
  { label = "predicted", values = accuracies[2] } }, title = "What linear decoders read out", width = 120,
  ylabel = "accuracy (number of classes beside the task)" }:save "figure.svg"
