-- v1_models.lua: five models against recorded neurons of macaque V1: pixels, Gabor energy, LeNet, and ResNet-20
-- before and after it learned a task.
--
-- Data: v1-henaff2021 (Henaff, Bai, Charlton, Nauhaus, Simoncelli & Goris 2021, Nat Commun 12:5982): 180 units of two
-- animals, 400 frames of ten movies and cross-fades, 24 to 60 repeats. Frames of one movie are nearly alike: whole
-- movies are held out, and penalties and layers are chosen by whole movies inside the training movies. The layer of
-- each network is chosen so in every fold (neural.commitment); the usual argmax over held-out scores stands beside
-- it. Units below a split-half reliability of 0.3 are left out. Models are compared in pairs over units by sign
-- flips, all ten pairs corrected (Holm).
--
-- LeNet learned handwritten digits (mnist); ResNet-20 (He et al. 2016, three stages of 16, 32 and 64 channels)
-- learned to tell drawn objects: neither has seen a photograph, as no photographs with labels are at hand. What is
-- asked here is which model's features predict these cells, and how surely; not which architecture could.
local p = experiment "v1-models" { seed = 1, params = { recordings = { "ay2_u003", "ay2_u007", "ay4_u001", "ay4_u005",
  "ay4_u006" }, digits = 20000, images = 8000, epochs = 6, penalties = 15, permutations = 1000 },
  about = "Pixels, Gabor energy, LeNet and ResNet-20, untrained and trained, against macaque V1" }

local dir = data.folder("v1-henaff2021", "RECORDING_counts.npy, units.csv, stimuli.csv and images_64.npy") .. "/"
local recordings = {}
for i, name in ipairs(p.recordings) do
  recordings[i] = neural.assembly { counts = dir .. name .. "_counts.npy", stimuli = dir .. "stimuli.csv",
    id = "index", neuroids = dir .. "units.csv", where = { recording = name }, missing = -1, name = name }
end
local v1 = neural.join(recordings):select { category = { "natural", "synthetic" } }
local movies = stimuli.array { dir .. "images_64.npy", table = dir .. "stimuli.csv", id = "index" }
print(v1)

-- ---- the networks -----------------------------------------------------------------------------------------------

local function learn(net, set, epochs)
  train { model = net, data = set, loss = "cross_entropy", optimizer = adam { rate = 2e-3, schedule = cosine {} },
    epochs = epochs, batch = 64, log = false }
  return net
end

local function digit_view(x) return (stimuli.resize(x, 28) - 0.5) * 4 end
local lenet = model "LeNet" {
  input { 1, 28, 28 },
  area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
  area "IT" { dense { 120 }, relu, dense { 84 }, relu },
  readout "digit" { dense { 10 } },
}
local digits = data.mnist()
learn(lenet, digits.train:take(p.digits), 2)
print(string.format("LeNet: test error %.3f", evaluate { model = lenet, data = digits.test }.error))

local function object_view(x) return (stimuli.resize(x, 32) - 0.5) * 4 end
local function objects(n, seed) return stimuli.objects({ n, size = 32, seed = seed }):map(object_view) end
local function resnet() return models.resnet20 { classes = 8, input = { 1, 32, 32 }, seed = 2 } end
local untrained, trained = resnet(), learn(resnet(), objects(p.images, 1), p.epochs)
print(string.format("ResNet-20: test error %.3f", evaluate { model = trained, data = objects(1000, 2) }.error))

-- The outputs of its first convolution and of its nine blocks.
local function blocks(net)
  local names = {}
  for _, node in ipairs(net:layers()) do
    if node.name:match "^[^.]+%.relu1$" or node.name:match "%.relu2$" then names[#names + 1] = node.name end
  end
  return names
end

-- ---- scores -----------------------------------------------------------------------------------------------------

local function options(more)
  local o = { stimuli = movies, responses = v1, mapping = ridge { alphas = logspace(-2, 7, p.penalties) },
    splits = grouped { 10, by = "movie" }, ceiling = split_half { 10 }, reliability = 0.3 }
  for name, value in pairs(more) do o[name] = value end
  return o
end

local entries, choices, rows = {}, {}, {}
local front = { pixels = function(x) return stimuli.resize(x, 16) end, ["Gabor energy"] = neural.gabor_energy {} }
for _, name in ipairs { "pixels", "Gabor energy" } do
  local score = predictivity(options { features = { { name, front[name] } }, permutations = p.permutations })
  print(score)
  score:csv(name .. ".csv", "neuroids")
  entries[#entries + 1], rows[#rows + 1] = { name, score }, score.rows[1]
end
for _, entry in ipairs { { "LeNet, digits", lenet, "all", digit_view },
  { "ResNet-20, untrained", untrained, blocks(untrained), object_view },
  { "ResNet-20, objects", trained, blocks(trained), object_view } } do
  local c = neural.commitment(options { model = entry[2], layers = entry[3], input = entry[4] })
  print(entry[1] .. "\n" .. tostring(c))
  c.score:csv(entry[1] .. ".csv")
  choices[#choices + 1] = c.score
  entries[#entries + 1], rows[#rows + 1] = { entry[1], c.nested }, c.nested.rows[1]
end
local compared = neural.compare(entries)
print(compared)

local bars = { labels = {}, values = {}, low = {}, high = {}, ceiling = rows[1].ceiling,
  ylabel = "median r, held-out movies", height = 90, title = string.format("Macaque V1, %d units", rows[1].n) }
for i, row in ipairs(rows) do
  bars.labels[i], bars.values[i], bars.low[i], bars.high[i] = entries[i][1], row.r, row.low, row.high
end
plot.bars(bars):save "figure.svg"
plot.bars(bars):save "figure.png"
choices.labels = { "LeNet, digits", "ResNet-20, untrained", "ResNet-20, objects" }
choices.title = "Macaque V1 by layer (held-out movies)"
plot.layers(choices):save "layers.svg"

for i, row in ipairs(rows) do
  report { metric = "r (" .. entries[i][1] .. ")", value = row.r, label = row.label, what = string.format(
    "median over %d units, 95 %% CI %.3f to %.3f, ceiling %.3f, r / c %.3f, held-out movies", row.n, row.low,
      row.high,
    row.ceiling, row.ceiled) }
end
report(compared)
