-- s30_search.lua: SYSTEMS S30. Architecture search: random search, regularised evolution (Real, Aggarwal, Huang & Le
-- 2019) and Bayesian optimisation over small convolutional networks for digits.
--
-- All valid architectures of the space are trained once (2,000 digits at 14 x 14, one epoch) and tabulated; then each
-- method looks through the table from 100 seeds. The table is architectures.json in the folder of the run; a copy in
-- the working folder is read instead of training again.
local p = experiment "s30-search" { seed = 1, params = { seeds = 100, evaluations = 60, images = 2000, rate = 3e-3 } }

local stages = require "lamina.search.stages"

local function result(metric, value, comparison, threshold)
  report { id = "S30", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

local MAPS = { 14, 7, 3 } -- side of the maps that stage 1, 2, 3 see

local architectures = stages.space(function(g)
  return g.kernel <= MAPS[g.depth], "the kernel is larger than the map"
end)

-- ---- the table -------------------------------------------------------------------------------------------------

local function network(g, seed)
  return stages.network(g, { input = { 1, 28, 28 }, seed = seed, classes = 10, eye = area "eye" { pool.avg { 2 } } })
end

local digits = data.mnist()
local learned, held_out = digits.train:take(p.images), digits.valid:take(math.min(p.images, digits.valid.n))

local function accuracy(g, info)
  local net = network(g, info.seed)
  train { model = net, data = learned, loss = "cross_entropy", optimizer = adam { rate = p.rate }, epochs = 1,
    batch = 32, log = false }
  return 1 - evaluate { model = net, data = held_out }.error, { parameters = net:count() }
end

print(architectures)
local size = architectures:size()
local trained = search.random { space = architectures, score = accuracy, evaluations = size,
  file = "architectures.json" }
trained:csv "architectures.csv"

local known, sorted = {}, {}
for i, entry in ipairs(trained.entries) do
  known[architectures:key(entry.genotype)], sorted[i] = entry.value, entry.value
end
table.sort(sorted)
local top = sorted[#sorted - math.ceil(size / 100) + 1] -- that of the last of the best hundredth
print(string.format("%d architectures: accuracy from %.3f to %.3f, median %.3f, top 1 %% from %.3f", size, sorted[1],
  sorted[#sorted], sorted[(#sorted + 1) // 2], top))

-- ---- the searches ----------------------------------------------------------------------------------------------

local METHODS = { { "random", {} }, { "evolution", { population = 20, sample = 5 } }, { "bayesian", {} } }
local invalid = 0

local function run(method, seed, more)
  local o = { space = architectures, seed = seed, progress = false, score = function(g)
    if not architectures:check(g) then invalid = invalid + 1 end
    return known[architectures:key(g)] or 0
  end }
  for _, part in ipairs { method[2], more } do
    for name, value in pairs(part) do o[name] = value end
  end
  return search[method[1]](o)
end

-- By method: the best score after each evaluation (seeds x evaluations), and the mean number of evaluations to the
-- top.
local best, reached = {}, {}
for _, method in ipairs(METHODS) do
  local rows, total = {}, 0
  for seed = 1, p.seeds do
    rows[seed] = {}
    local found = run(method, seed, { evaluations = p.evaluations })
    for k, row in ipairs(found.history) do rows[seed][k] = row.best end
    local first
    for k, value in ipairs(rows[seed]) do
      if not first and value >= top then first = k end
    end
    total = total + (first or run(method, seed, { evaluations = size, target = top }).done)
  end
  best[method[1]], reached[method[1]] = tensor(rows, { dtype = "float64" }), total / p.seeds
end

-- The part of 20,000 ways to give the seeds' differences signs whose mean is at least the one found.
local function sign_test(difference)
  local n = difference:size(1)
  local signs = randint(0, 1, { 20000, n }):to "float64" * 2 - 1
  local means = signs:matmul(difference) / n
  return (1 + means:ge(difference:mean() - 1e-12):to("float64"):sum():item()) / 20001
end

local function last(t) return t[{ {}, -1 }] end

for _, name in ipairs { "evolution", "bayesian" } do
  local gain = last(best[name]) - last(best.random)
  result(name .. "_mean_best_gain_over_random", gain:mean():item(), ">", 0)
  result(name .. "_vs_random_p", sign_test(gain), "<", 0.01)
end
for _, name in ipairs { "evolution", "bayesian" } do
  print(string.format("evaluations to the top 1 %%: random %.1f, %s %.1f", reached.random, name, reached[name]))
  result(name .. "_top1_percent_evaluations_ratio", reached[name] / reached.random, "<=", 0.5)
end
result("invalid_genotypes_emitted", invalid, "==", 0)

-- ---- the figure ------------------------------------------------------------------------------------------------

local LABELS = { random = "random", evolution = "regularised evolution", bayesian = "Bayesian optimisation" }
local lines = { title = "Architecture search: best so far", xlabel = "evaluation", ylabel = "best accuracy / %" }
for i, method in ipairs(METHODS) do
  local t, x = best[method[1]] * 100, {}
  for k = 1, p.evaluations do x[k] = k end
  local mean, error = t:mean { dim = 1 }, t:std { dim = 1 } * (1.96 / math.sqrt(p.seeds))
  lines[i] = { x = x, y = mean:totable(), low = (mean - error):totable(), high = (mean + error):totable(),
    label = LABELS[method[1]] }
end
plot.line(lines):save "search.svg"
plot.line(lines):save "search.png"
