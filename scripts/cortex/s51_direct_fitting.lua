-- s51_direct_fitting.lua: SYSTEMS S51. A deep network fitted end to end to the responses of IT overfits where a
-- network of the same architecture that learned a task predicts them (the argument of goal-driven modelling: Yamins &
-- DiCarlo 2016).
--
-- Data: mnist, natural-images (digits on natural backgrounds: digit_scenes.lua).
--
-- The sites are simulated (digits, wide receptive fields, spikes over 20 trials). Direct: all weights and a readout
-- are fitted to the responses to 100 to 3,000 images under a Poisson loss. Task-driven: the same areas learned to
-- name digits in other images; ridge regression maps IT to the same responses. Both are tested on 600 other images.
-- Sites, networks and the task's images are drawn from `seeds` seeds; gates are on the means over them, and the gap
-- must shrink with each. The task's 6,000 images, five times, were set when they were drawn objects, and kept: the
-- training error on digits is 0.04.
local p = experiment "s51-direct-fitting" { seed = 1,
  params = { sizes = { 100, 300, 1000, 3000 }, tests = 600, sites = 60, train = 6000, epochs = 5, updates = 1500,
    seeds = 3 },
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
local pasted = require "digit_scenes" ()
local scenes = pasted("test", most + p.tests, 2)
local test = arange(most + 1, most + p.tests):totable()
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

-- One seed: a row for each number of images.
local function run(seed)
  local sites = neural.simulate { scenes, object = p.sites, repeats = 20, seed = 2 + seed }
  local recorded = sites:at(test):mean()
  local function network(name, last)
    local spec = with(last)
    spec.seed = seed
    return model(name)(spec)
  end
  local task = network("task", readout "digit" { dense { #scenes.classes } })
  local training = pasted("train", p.train, 10 * seed - 9):map(view)
  train { model = task, data = training, loss = "cross_entropy", optimizer = adam { rate = 2e-3,
    schedule = cosine {} }, epochs = p.epochs, batch = 64, seed = seed, log = false }
  print(string.format("seed %d: task, training error %.3f, error on the images shown %.3f", seed,
    evaluate { model = task, data = training }.error, evaluate { model = task, data = scenes:map(view) }.error))
  local features, held = outputs(task, view(scenes.x), "IT"), outputs(task, tested, "IT")
  local rows = {}
  for i, n in ipairs(p.sizes) do
    local list = arange(1, n):totable()
    local shown, y = scenes:subset(list), sites:at(list)
    local direct = network("direct " .. n, readout "sites" { dense { p.sites }, softplus })
    local batch = math.min(n, 50)
    train { model = direct, data = y:paired(shown):map(view), loss = "poisson", batch = batch, seed = seed,
      log = false,
      optimizer = adam { rate = 3e-3, schedule = cosine {} }, epochs = math.ceil(p.updates * batch / n) }
    local map = ridge({ alphas = logspace(-2, 6, 17) }):fit(features[{ { 1, n } }], (y:mean()), { seed = 1 })
    rows[i] = { n = n, direct_train = ev(outputs(direct, view(shown.x)), (y:mean())),
      direct_test = ev(outputs(direct, tested), recorded),
      task_train = ev(map:predict(features[{ { 1, n } }]), (y:mean())), task_test = ev(map:predict(held), recorded) }
    local row = rows[i]
    print(string.format("seed %d, %5d images: direct %.3f on them, %.3f on others; task-driven %.3f and %.3f", seed,
      n,
      row.direct_train, row.direct_test, row.task_train, row.task_test))
  end
  return rows
end

local runs = {}
for seed = 1, p.seeds do runs[seed] = run(seed) end

-- Mean and standard deviation over seeds of f(row) at the place i of the sizes.
local function over_seeds(i, f)
  local values = {}
  for seed, rows in ipairs(runs) do values[seed] = f(rows[i]) end
  local t = tensor(values, { dtype = "float64" })
  return t:mean():item(), #values > 1 and t:std():item() or 0
end

local function column(name)
  local list = {}
  for i = 1, #p.sizes do list[i] = over_seeds(i, function(row) return row[name] end) end
  return list
end
plot.line { { x = p.sizes, y = column "direct_train", label = "direct, fitted images", dash = true },
  { x = p.sizes, y = column "direct_test", label = "direct, other images" },
  { x = p.sizes, y = column "task_train", label = "task, fitted images", dash = true },
  { x = p.sizes, y = column "task_test", label = "task, other images" }, xlog = true, xlabel = "images fitted on",
  ylabel = "explained variance", title = "Direct fitting overfits" }:save "figure.svg"

local at, shrinks, crossover = #p.sizes, 1, nil
local function gap(row) return row.direct_train - row.direct_test end
local direct, driven = column "direct_test", column "task_test"
for i, n in ipairs(p.sizes) do
  if n == 300 then at = i end
  for _, rows in ipairs(runs) do
    if i > 1 and gap(rows[i]) >= gap(rows[i - 1]) then shrinks = 0 end
  end
  if not crossover and direct[i] > driven[i] then crossover = n end
end
local function result(metric, value, comparison, threshold, what)
  report { id = "S51", metric = metric, value = value, comparison = comparison, threshold = threshold, what = what }
end
local function mean_of(metric, f, comparison, threshold)
  local mean, sd = over_seeds(at, f)
  result(metric, mean, comparison, threshold, string.format("%d images, median over sites, mean of %d seeds, SD %.3f",
    p.sizes[at], p.seeds, sd))
end
mean_of("direct_train_ev", function(row) return row.direct_train end, ">=", 0.9)
mean_of("direct_train_test_ev_gap", gap, ">=", 0.4)
mean_of("task_driven_test_ev_gain", function(row) return row.task_test - row.direct_test end, ">=", 0.15)
result("gap_shrinks_with_images", shrinks, "==", 1, "with every seed")
report { id = "S51", metric = "crossover_images", value = crossover or math.huge,
  what = "the smallest number of images where direct fitting is ahead; infinity: at none of " .. table.concat(p.sizes,
  ", ") }
