-- quickstart.lua: a small model of the ventral stream learns objects and is compared with (simulated) neurons.
--
-- lamina scripts/quickstart.lua takes about half a minute; pictures, tables and results.json go to runs/quickstart-1.
local p = experiment "quickstart" { seed = 1, params = { classes = 8, images = 8000, epochs = 10, rate = 3e-3 } }

-- Stimuli: one object an image, at any place, size, rotation and contrast, brighter or darker than the background.
local function objects(n, seed)
  local set = stimuli.objects { n, classes = p.classes, seed = seed }
  set.x = (set.x - 0.5) * 4 -- the background becomes 0, as for an adapted eye
  return set
end
local training, validation, test = objects(p.images, 1), objects(600, 2), objects(600, 3)
print(training)
plot.images {
  training.x[{ { 1, 24 } }], columns = 8, map = "grey", normalise = "all", title = "Stimuli",
}:save "stimuli.svg"

-- The model, area by area, and what it costs.
local net = model "ventral" {
  input { 1, 32, 32 },
  area "V1" { conv { 8, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "IT" { conv { 32, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 64 }, relu },
  readout "category" { dense { p.classes } },
}
print(net)

-- It learns which object it sees, and is tested on images that it has never seen.
local history = train {
  model = net, data = training, validate = validation,
  loss = "cross_entropy", optimizer = adam { rate = p.rate, schedule = cosine {} },
  epochs = p.epochs, batch = 64,
}
local result = evaluate { model = net, data = test }
print("new images:", result)
plot.curve(history):save "learning.svg"
plot.images { net:parameters "V1.conv1.weight"[1].tensor, columns = 8, title = "V1 filters" }:save "filters.svg"

-- Untangling: how well can a linear classifier tell the objects apart, from the pixels through V1 and V2 to IT?
local pixels = { pixels = function(x) return x end }
local untangling = neural.separability {
  model = net, layers = { "V1", "V2", "IT" }, features = pixels, stimuli = test, splits = kfold { 5 },
}
print(untangling)
plot.layers { untangling, title = "Separability of the objects" }:save "separability.svg"

-- Neurons of known tuning: simple cells, complex cells, and units selective for an object. Every image is shown six
-- times, and the spike counts vary from one time to the next.
local neurons = neural.simulate { test, simple = 40, complex = 40, object = 40, repeats = 6, rate = 1.5 }

-- How well does each layer predict them, on held-out images, and how well could any model?
local score = predictivity {
  model = net, layers = "all", features = pixels, stimuli = test, responses = neurons, by = "kind",
  mapping = ridge {}, splits = kfold { 5 }, ceiling = split_half { 10 },
}
print(score)
plot.layers {
  score, labels = { "Simple cells", "Complex cells", "Object-selective units" }, title = "Predictivity by layer",
}:save "layers.svg"

-- The numbers for results.json.
report { metric = "test_error", value = result.error, threshold = 0.2 }
report(untangling)
report(score)
