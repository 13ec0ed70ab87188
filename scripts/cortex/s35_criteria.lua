-- s35_criteria.lua: SYSTEMS S35. Of five models of the ventral stream only a network that learned a task meets the
-- three criteria of Yamins & DiCarlo (2016): stimulus-computable, mappable, predictive. The others are a table of
-- answers, a network whose areas are mapped out of order, an untrained wide network, and HMAX.
--
-- Data: mnist, natural-images (digits on natural backgrounds: digit_scenes.lua).
--
-- The brain is simulated from known tuning: V1 of simple cells, IT of units that prefer digits wherever they are.
-- The models never see its responses but through the linear map that every model gets. Predictive asks for a quarter
-- of the explainable variance in every area, the script's first threshold (a later version had 0.4, chosen after a
-- look at HMAX; no verdict hangs on it: any from 0.04 to 0.51 gives the same with every seed). HMAX misses it in IT
-- (0.02); the likely reason is that its C2 cells, with templates from 200 such scenes, answer to the backgrounds as
-- they do to the digits. The trained and the untrained network are made and judged from `seeds` seeds; the gates ask
-- for all. The trained ones see 12,000 images six times (8,000 when the images were drawn objects), as S45's of the
-- same form: training error 0.07.
local p = experiment "s35-criteria" { seed = 1,
  params = { train = 12000, epochs = 6, images = 800, arbitrary = 1000, neurons = 60, seeds = 3, least = 0.25 },
  about = "Computable, mappable, predictive: five models against a simulated ventral stream" }

local function result(metric, value, comparison, threshold, what)
  report { id = "S35", metric = metric, value = value, comparison = comparison, threshold = threshold, what = what }
end

-- ---- the brain -------------------------------------------------------------------------------------------------

local pasted = require "digit_scenes" ()
local scenes = pasted("test", p.images, 2):with_ids(arange(1, p.images))
local function recorded(given)
  given[1], given.repeats, given.seed = scenes, 20, 3
  local a = neural.simulate(given)
  return neural.assembly { { responses = a.responses, stimulus_id = scenes.id } }
end
local brain = { V1 = recorded { simple = p.neurons, rate = 10 }, IT = recorded { object = p.neurons } }

-- ---- the models ------------------------------------------------------------------------------------------------

local function view(x) return ((x:size(-1) == 32 and x or stimuli.resize(x, 32, "bilinear")) - 0.5) * 4 end
local function network(name, width, seed)
  return model(name) { seed = seed,
    input { 1, 32, 32 },
    area "V1" { conv { 12 * width, kernel = 5, pad = 2 }, relu },
    area "V2" { pool.max { 2 }, conv { 24 * width, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "IT" { conv { 48 * width, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 128 * width }, relu },
    readout "digit" { dense { #scenes.classes } },
  }
end
local cnns, wides = {}, {}
for seed = 1, p.seeds do
  cnns[seed], wides[seed] = network("task", 1, seed), network("untrained", 2, seed)
  local training = pasted("train", p.train, 10 * seed - 9):map(view)
  train { model = cnns[seed], data = training, loss = "cross_entropy", optimizer = adam { rate = 2e-3,
    schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
  print(string.format("seed %d: training error %.3f", seed, evaluate { model = cnns[seed], data = training }.error))
end

-- What a layer's output is called upon by its image: only images that are in the table have an answer.
local answers, rows = {}, scenes.x:reshape { #scenes, -1 }
local function key(x) return string.format("%.9g %.9g", x:sum():item(), x:square():sum():item()) end
for i = 1, #scenes do answers[key(rows[i])] = i end
local function looked_up(area)
  local stored = brain[area]:mean()
  return function(x)
    local index = {}
    for i = 1, #x do
      index[i] = answers[key(x[i]:reshape { -1 })] or error("no answer in the table for this image", 0)
    end
    return stored:index_select(tensor(index, { dtype = "int64" }), { dim = 1 })
  end
end

local function grey(x) return x:size(-1) == 32 and x or stimuli.resize(x, 32, "bilinear") end
local c1, c2 = require "hmax"(9, pasted("train", 200, 9).x) -- patches of such scenes

-- ---- the criteria ----------------------------------------------------------------------------------------------

local function areas(v1, it) return { { "V1", layers = { v1 } }, { "IT", layers = { it } } } end
local function ask(name, model_, map, input_)
  local c = criteria { model = model_, domain = scenes, areas = map, data = brain, images = p.arbitrary,
    least = p.least,
    input = input_, mapping = ridge { alphas = logspace(-2, 7, 10) } }
  print(name .. "\n" .. tostring(c) .. "\n")
  return c
end

local table_ = ask("table of answers", { { "V1", looked_up "V1" }, { "IT", looked_up "IT" } }, areas("V1", "IT"))
local shuffled_map = ask("task-trained, areas out of order", cnns[1], areas("IT", "V1"), view)
local hmax = ask("HMAX", { { "C1", c1 }, { "C2", c2 } }, areas("C1", "C2"), grey)
local untrained, trained = {}, {}
for seed = 1, p.seeds do
  untrained[seed] = ask("untrained and twice as wide, seed " .. seed, wides[seed], areas("V1", "IT"), view)
  trained[seed] = ask("task-trained, seed " .. seed, cnns[seed], areas("V1", "IT"), view)
end

local function yes(value) return value and 1 or 0 end
local function ev(c, area) return c.predictive.areas[area or 2].ev end

-- Of a list of criteria: mean and standard deviation of an area's explained variance, and whether all fulfil f.
local function over_seeds(list, area)
  local values = {}
  for i, c in ipairs(list) do values[i] = ev(c, area) end
  local t = tensor(values, { dtype = "float64" })
  return t:mean():item(), #list > 1 and t:std():item() or 0, t
end
local function all(list, f)
  for _, c in ipairs(list) do
    if not f(c) then return 0 end
  end
  return 1
end
local function says(list, area)
  local mean, sd = over_seeds(list, area)
  return string.format("%.3f (SD %.3f)", mean, sd)
end

local names, means, low, high = { "task-trained", "HMAX", "untrained" }, {}, {}, {}
for i, list in ipairs { trained, { hmax }, untrained } do
  means[i], low[i], high[i] = over_seeds(list), list[1].predictive.areas[2].low, list[1].predictive.areas[2].high
  for _, c in ipairs(list) do
    low[i], high[i] = math.min(low[i], c.predictive.areas[2].low), math.max(high[i], c.predictive.areas[2].high)
  end
end
plot.bars { labels = names, values = means, low = low, high = high, reference = p.least,
  reference_label = "asked for", ylabel = "explained variance of IT / explainable", title = "The third criterion" }
  :save "figure.svg"

result("lookup_table_fails_computable", yes(not table_.computable.pass), "==", 1, table_.computable.faults[1])
result("shuffled_area_map_fails_mappable", yes(not shuffled_map.mappable.pass), "==", 1, shuffled_map.mappable.text)
result("untrained_fails_predictive", all(untrained, function(c)
  return c.computable.pass and c.mappable.pass and not c.predictive.pass
end), "==", 1, untrained[1].predictive.text)
local ratio = over_seeds(untrained) / over_seeds(trained)
result("untrained_trained_ev_ratio", ratio, "<", 0.5, string.format("IT, means of %d seeds: %s over %s", p.seeds,
  says(untrained), says(trained)))
result("cnn_computable", all(trained, function(c) return c.computable.pass end), "==", 1)
result("cnn_mappable", all(trained, function(c) return c.mappable.pass end), "==", 1)
result("cnn_predictive", all(trained, function(c) return c.predictive.pass end), "==", 1, string.format(
  "%d seeds: V1 %s, IT %s", p.seeds, says(trained, 1), says(trained)))
result("hmax_computable", yes(hmax.computable.pass), "==", 1)
result("hmax_mappable", yes(hmax.mappable.pass), "==", 1)
result("hmax_fails_predictive", yes(not hmax.predictive.pass), "==", 1, string.format("V1 %.3f, IT %.3f",
  ev(hmax, 1), ev(hmax)))
