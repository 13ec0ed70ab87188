-- quickstart.lua: a small model of the ventral stream learns objects, and is compared with (simulated) neurons.
--
-- Run it with  lamina scripts/quickstart.lua ; figures, tables and results.json go to runs/quickstart-1.
local p = experiment "quickstart" { seed = 1, params = { classes = 8, images = 8000, epochs = 12, rate = 3e-3 } }

-- Stimuli: one object per image, anywhere, of any size, rotation, contrast and polarity, with pixel noise.
local function objects(n, seed)
  local set = stimuli.objects { n, classes = p.classes, seed = seed }
  set.x = (set.x - 0.5) * 4 -- the background is 0, as for an adapted eye
  return set
end
local training, validation, test = objects(p.images, 1), objects(600, 2), objects(600, 3)
print(training)
plot.images { training.x[{ { 1, 24 } }], columns = 8, normalise = "all", title = "Stimuli" }:save "stimuli.svg"

-- The model, area by area.
local net = model "ventral" {
  input { 1, 32, 32 },
  area "V1" { conv { 8, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "IT" { conv { 32, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 64 }, relu },
  readout "object" { dense { p.classes } },
}
print(net)

-- Learning: which object is it?
local history = train {
  model = net, data = training, validate = validation,
  loss = "cross_entropy", optimizer = adam { rate = p.rate, schedule = cosine {} },
  epochs = p.epochs, batch = 64,
}
local result = evaluate { model = net, data = test }
print("unseen images:", result)
plot.curve(history):save "learning.svg"
plot.images { net:parameters "V1.conv1.weight"[1].tensor, columns = 8, title = "V1 filters" }:save "filters.svg"

-- Untangling: how well a linear classifier tells the objects apart, from the pixels to IT.
local pixels = { pixels = function(x) return x end }
local untangling = neural.separability { model = net, layers = { "V1", "V2", "IT" }, features = pixels, stimuli = test }
print(untangling)
plot.layers { untangling, title = "Separability of objects" }:save "separability.svg"

-- Neurons whose tuning we know: simple and complex cells, and units selective for an object. Each image is shown 10
-- times, and the spike counts vary from one time to the next.
local neurons = neural.simulate { test, simple = 40, complex = 40, object = 40, repeats = 10 }
local score = predictivity {
  model = net, layers = "all", features = pixels, stimuli = test, responses = neurons, by = "kind",
  mapping = ridge {}, splits = kfold { 5 }, ceiling = split_half { 10 },
}
print(score)
score:csv "predictivity.csv"
plot.layers { score, title = "Predictivity by layer" }:save "layers.svg"

-- What goes into results.json.
report { metric = "test_error", value = result.error }
report(untangling)
report(score)
