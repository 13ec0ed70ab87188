-- s51_direct_fitting.lua: SYSTEMS S51. A deep network fitted end to end to the responses of IT overfits where a
-- network of the same architecture that learned a task predicts them (the argument of goal-driven modelling: Yamins &
-- DiCarlo 2016).
--
-- The sites are simulated (objects, wide receptive fields, spikes over 20 trials). Direct: all weights and a readout
-- are fitted to the responses to 100 to 3,000 images under a Poisson loss. Task-driven: the same areas learned to
-- name objects in other images; ridge regression maps IT to the same responses. Both are tested on 600 other images.
local p = experiment "s51-direct-fitting" { seed = 1,
  params = { sizes = { 100, 300, 1000, 3000 }, tests = 600, sites = 60, train = 6000, epochs = 5, updates = 1500 },
  about = "Direct fitting of a deep network to responses against task-driven features and ridge" }

local function areas()
  return input { 1, 32, 32 },
    area "V1" { conv { 12, kernel = 5, pad = 2 }, norm.batch, relu, pool.max { 2 } },
    area "V2" { conv { 24, kernel = 5, pad = 2 }, norm.batch, relu, pool.max { 2 } },
    area "IT" { conv { 48, kernel = 3, pad = 1 }, norm.batch, relu, pool.max { 2 }, dense { 128 }, norm.batch, relu }
end
local function view(x) return (x - 0.5) * 4 end
local function with(readout_)
  local i, v1, v2, it = areas()
  return { i, v1, v2, it, readout_ }
end

local most = p.sizes[#p.sizes]
local scenes = stimuli.objects { most + p.tests, size = 32, seed = 2 }
local sites = neural.simulate { scenes, object = p.sites, repeats = 20, seed = 3 }
local test = arange(most + 1, most + p.tests):totable()
local recorded = sites:at(test):mean()
local tested = view(scenes:subset(test).x)

local measures = require "lamina.neural.measures"
local function ev(guess, y) return measures.plain.ev(guess:to "float64", y):quantile(0.5):item() end

-- The network's output for many images, in parts.
local function outputs(net, x, layer)
  local parts = {}
  for first = 1, #x, 100 do
    local part = x[{ { first, math.min(first + 99, #x) } }]
    parts[#parts + 1] = no_grad(function() return layer and net:activations(part, { layer })[layer] or net(part) end)
  end
  return ops.concat(parts, { dim = 1 })
end

local task = model "task" (with(readout "category" { dense { 8 } }))
train { model = task, data = stimuli.objects { p.train, size = 32, seed = 1 }:map(view), loss = "cross_entropy",
  optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64 }
local features, held = outputs(task, view(scenes.x), "IT"), outputs(task, tested, "IT")

local rows = {}
for i, n in ipairs(p.sizes) do
  local list = arange(1, n):totable()
  local shown, y = scenes:subset(list), sites:at(list)
  local direct = model("direct " .. n) (with(readout "sites" { dense { p.sites }, softplus }))
  local batch = math.min(n, 50)
  train { model = direct, data = y:paired(shown):map(view), loss = "poisson", batch = batch,
    optimizer = adam { rate = 3e-3, schedule = cosine {} }, epochs = math.ceil(p.updates * batch / n) }
  local map = ridge({ alphas = logspace(-2, 6, 17) }):fit(features[{ { 1, n } }], (y:mean()), { seed = 1 })
  rows[i] = { n = n, direct_train = ev(outputs(direct, view(shown.x)), (y:mean())),
    direct_test = ev(outputs(direct, tested), recorded),
    task_train = ev(map:predict(features[{ { 1, n } }]), (y:mean())), task_test = ev(map:predict(held), recorded) }
  local row = rows[i]
  print(string.format("%5d images: direct %.3f on them, %.3f on others; task-driven %.3f and %.3f", n,
    row.direct_train, row.direct_test, row.task_train, row.task_test))
end

local function column(name)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row[name] end
  return list
end
plot.line { { x = p.sizes, y = column "direct_train", label = "direct, fitted images", dash = true },
  { x = p.sizes, y = column "direct_test", label = "direct, other images" },
  { x = p.sizes, y = column "task_train", label = "task, fitted images", dash = true },
  { x = p.sizes, y = column "task_test", label = "task, other images" }, xlog = true, xlabel = "images fitted on",
  ylabel = "explained variance", title = "Direct fitting overfits" }:save "figure.svg"

local at, shrinks, crossover = nil, 1, nil
for i, row in ipairs(rows) do
  if row.n == 300 or not at and i == #rows then at = row end
  local before = rows[i - 1]
  if before and row.direct_train - row.direct_test >= before.direct_train - before.direct_test then shrinks = 0 end
  if not crossover and row.direct_test > row.task_test then crossover = row.n end
end
local function result(metric, value, comparison, threshold, what)
  report { id = "S51", metric = metric, value = value, comparison = comparison, threshold = threshold, what = what }
end
result("direct_train_ev", at.direct_train, ">=", 0.9, "median over sites, against mean responses")
result("direct_train_test_ev_gap", at.direct_train - at.direct_test, ">=", 0.4)
result("task_driven_test_ev_gain", at.task_test - at.direct_test, ">=", 0.15)
result("gap_shrinks_with_images", shrinks, "==", 1)
report { id = "S51", metric = "crossover_images", value = crossover or math.huge,
  what = "the smallest number of images where direct fitting is ahead; infinity: at none of " .. table.concat(p.sizes,
  ", ") }
