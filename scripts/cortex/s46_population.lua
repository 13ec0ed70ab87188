-- s46_population.lua: SYSTEMS S46. Predicted populations (Yamins et al. 2014, figure 4): responses of a synthetic IT
-- are predicted from a model's layer on held-out images; the predicted population has the dissimilarities of the real
-- one, holds the same information for the same linear decoders, and makes the same confusions.
--
-- Data: mnist, natural-images (digits on natural backgrounds: digit_scenes.lua).
--
-- The synthetic IT (168 neurons) mixes the top layer of a teacher with another architecture and other first weights
-- that learned the same task, with noise; it tests the pipeline, not biology. Everything but the images shown is
-- drawn from `seeds` seeds; gates are on the means over them.
--
-- There are ten digits, and the row asks for confusions among eight classes. No eight are chosen: five times two
-- digits are left out (0 and 1, 2 and 3, ... 8 and 9), and r of the five matrices of 8 x 8 is averaged. That of all
-- ten, and that of its errors alone (without the diagonal, which makes r large by itself), are reported beside it.
--
-- Accuracies are compared over 14 tasks: the digit, its place along x and y and its size in thirds, and each digit
-- against all others. Over the first four alone r is 0.98, mean of three seeds (from what the run prints): the others
-- are easy, and do not make it.
--
-- Networks see 12,000 images eight times, which leaves them at a training error of 0.03 to 0.08; 6,000, enough for
-- drawn objects, leave the teacher at 0.20.
local p = experiment "s46-population" { seed = 1, params = { images = 12000, epochs = 8, stimuli = 2000, seeds = 3 },
  about = "RDM and decoding of predicted against recorded (synthetic) IT populations" }

local function view(x) return (x - 0.5) * 4 end
local scenes = require "digit_scenes" ()
local set = scenes("test", p.stimuli, 2)
local n, half = #set, #set // 2
local train_rows, test_rows = { { 1, half } }, { { half + 1, n } }
local function part(x, which) return x:reshape({ n, -1 })[which]:to "float64" end

-- ---- the synthetic population, and its prediction --------------------------------------------------------------

local function learn(net, training)
  train { model = net, data = training, loss = "cross_entropy", optimizer = adam { rate = 2e-3,
    schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
  print(string.format("%s: training error %.3f, error on the images shown %.3f", net.name,
    evaluate { model = net, data = training }.error, evaluate { model = net, data = set:map(view) }.error))
  return net
end

local function student(seed)
  return model "model" { seed = seed,
    input { 1, 32, 32 },
    area "V1" { conv { 16, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
    area "V2" { conv { 32, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "IT" { conv { 48, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 128 }, relu },
    readout "digit" { dense { #set.classes } },
  }
end

local function teacher(seed)
  return model "teacher" { seed = 1000 + seed,
    input { 1, 32, 32 },
    area "V1" { conv { 24, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "IT" { conv { 40, kernel = 5, pad = 2 }, relu, pool.avg { 2 }, conv { 40, kernel = 3, pad = 1 }, relu,
      pool.max { 2 }, dense { 96 }, relu },
    readout "digit" { dense { #set.classes } },
  }
end

local LAYERS = { "pixels", "V1", "V2", "IT" }

-- Of a seed: held-out responses of the synthetic IT, the layers of the model on the same images, and what a linear
-- map from each of them, fitted on the other half of the images, says of the responses.
local function population(seed)
  local training = scenes("train", p.images, 10 * seed - 9):map(view)
  local top = learn(teacher(seed), training):activations(view(set.x), { "IT" }).IT:reshape({ n, -1 }):to "float64"
  local mix = top:matmul(randn({ top:size(2), 168 }, { dtype = "float64" }))
  mix = (mix - mix:mean { dim = 1, keepdim = true }) / mix:std { dim = 1, keepdim = true }
  local responses = mix + randn(mix.shape, { dtype = "float64" }) * 0.25 -- what is left of the noise after repeats
  local layers = learn(student(seed), training):activations(view(set.x), { "V1", "V2", "IT" })
  layers.pixels = set.x
  local held, predicted = {}, {}
  for _, name in ipairs(LAYERS) do
    local map = ridge { alphas = logspace(0, 6, 13) }:fit(part(layers[name], train_rows),
      part(responses, train_rows))
    held[name] = part(layers[name], test_rows)
    predicted[name] = map:predict(held[name])
  end
  return part(responses, test_rows), held, predicted
end

-- ---- dissimilarities -------------------------------------------------------------------------------------------
-- Conditions: digit x left or right x above or below x small or large, means over held-out images.

local labels, latent, conditions = set.y:totable(), {}, {}
for _, name in ipairs { "x", "y", "scale" } do latent[name] = set.latent[name]:totable() end
local middle = set.latent.scale:quantile(0.5):item()
for i = half + 1, n do
  conditions[#conditions + 1] = string.format("%d %s %s %s", labels[i], latent.x[i] < 0 and "left" or "right",
    latent.y[i] < 0 and "above" or "below", latent.scale[i] < middle and "small" or "large")
end
local function rdm_of(x) return rdm { x, method = "correlation", conditions = conditions } end

-- rho of the RDM of what IT predicts, of that of the best layer itself, and which this is.
local function likeness(truth, held, predicted)
  local target, best, best_layer = rdm_of(truth), -1, ""
  local function rho(x) return (compare_rdms { rdm_of(x), target, method = "spearman" }) end
  print "layer    rho of predicted   rho of the layer itself"
  for _, name in ipairs(LAYERS) do
    local raw = rho(held[name])
    print(string.format("%-8s %16.3f   %23.3f", name, rho(predicted[name]), raw))
    if raw > best then best, best_layer = raw, name end
  end
  return rho(predicted.IT), best, best_layer
end

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
local tasks = { { "digit, 10", category }, { "position x, 3", third "x" }, { "position y, 3", third "y" },
  { "size, 3", third "scale" } }
for class, name in ipairs(set.classes) do
  tasks[#tasks + 1] = { "is it " .. name .. ", 2", held_labels(function(i) return labels[i] == class and 1 or 0 end) }
end

local function decoded(x, task)
  return decode { x, task, classifier = svm { C = 0.01 }, splits = kfold { 5, seed = 1 }, bootstrap = 100 }
end

local function correlation(a, b)
  return ops.stack({ a:reshape { -1 }:to "float64", b:reshape { -1 }:to "float64" }, { dim = 1 }):corrcoef()[1][2]
end

local function without_diagonal(m)
  local list = m:totable()
  local flat = {}
  for i, row in ipairs(list) do
    for k, value in ipairs(row) do
      if i ~= k then flat[#flat + 1] = value end
    end
  end
  return tensor(flat, { dtype = "float64" })
end

-- r of the confusions of two populations among eight digits, mean over the five choices.
local function among_eight(a, b)
  local sum = 0
  for left_out = 1, 9, 2 do
    local index, task = {}, {}
    for i, class in ipairs(category) do
      if class ~= left_out and class ~= left_out + 1 then
        index[#index + 1], task[#task + 1] = i, class
      end
    end
    index = tensor(index, { dtype = "int64" })
    local function confusion(x) return decoded(x:index_select(index, { dim = 1 }), task).confusion end
    sum = sum + correlation(confusion(a), confusion(b))
  end
  return sum / 5
end

-- Accuracies by task of the recorded, the predicted and the model's own population, and the confusions of ten digits.
local function read_out(populations)
  local accuracies, confusions = { {}, {}, {} }, {}
  print "task               recorded  predicted  model IT"
  for t, task in ipairs(tasks) do
    for k, x in ipairs(populations) do
      local score = decoded(x, task[2])
      accuracies[k][t] = score.accuracy
      if t == 1 then confusions[k] = score.confusion end
    end
    print(string.format("%-18s %8.3f  %9.3f  %8.3f", task[1], accuracies[1][t], accuracies[2][t], accuracies[3][t]))
  end
  return accuracies, confusions
end

local function run(seed)
  print("seed " .. seed)
  local truth, held, predicted = population(seed)
  local rho, raw, layer = likeness(truth, held, predicted)
  local accuracies, confusions = read_out { truth, predicted.IT, held.IT }
  return { rho = rho, gain = rho - raw, layer = layer, accuracies = accuracies,
    vector = correlation(tensor(accuracies[1]), tensor(accuracies[2])), eight = among_eight(truth, predicted.IT),
    ten = correlation(confusions[1], confusions[2]),
    errors = correlation(without_diagonal(confusions[1]), without_diagonal(confusions[2])) }
end

local runs = {}
for seed = 1, p.seeds do runs[seed] = run(seed) end

-- ---- what follows ----------------------------------------------------------------------------------------------

local function over_seeds(f)
  local values = {}
  for seed, found in ipairs(runs) do values[seed] = f(found) end
  local t = tensor(values, { dtype = "float64" })
  return t:mean():item(), #values > 1 and t:std():item() or 0
end

local function result(metric, key, comparison, threshold, what)
  local mean, sd = over_seeds(function(found) return found[key] end)
  report { id = "S46", metric = metric, value = mean, comparison = comparison, threshold = threshold,
    what = string.format("%smean of %d seeds, SD %.3f", what and what .. "; " or "", p.seeds, sd) }
end
local layers = {}
for seed, found in ipairs(runs) do layers[seed] = found.layer end
result("predicted_g_it_rdm_spearman_rho", "rho", ">=", 0.8)
result("predicted_minus_best_raw_layer_rho", "gain", ">", 0, "best layer: " .. table.concat(layers, ", "))
result("task_accuracy_vector_r", "vector", ">=", 0.9, #tasks .. " tasks")
result("confusion_matrix_r", "eight", ">=", 0.8, "eight digits, mean over five choices")
result("confusion_matrix_ten_digits_r", "ten")
result("confusion_errors_ten_digits_r", "errors", nil, nil, "without the diagonal")

local names, series = {}, { { label = "recorded" }, { label = "predicted" } }
for k, entry in ipairs(series) do
  entry.values, entry.errors = {}, p.seeds > 1 and {} or nil
  for t, task in ipairs(tasks) do
    names[t] = task[1]
    local mean, sd = over_seeds(function(found) return found.accuracies[k][t] end)
    entry.values[t] = mean
    if entry.errors then entry.errors[t] = sd end
  end
end
plot.bars { labels = names, series = series, title = "What linear decoders read out", width = 120,
  ylabel = "accuracy, SD over seeds", xlabel = "task, number of classes" }:save "figure.svg"
