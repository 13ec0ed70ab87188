-- s50_layers_areas.lua: SYSTEMS S50. Layers of a model against areas of a brain: where the brain is made of mixes of
-- the layers themselves, every area finds its layer; on the 92 images, deeper layers are less and less like the
-- stored V1 model. (Yamins & DiCarlo 2016, figure 2.)
--
-- Data: mnist, natural-images (digits on natural backgrounds: digit_scenes.lua), kriegeskorte92.
--
-- The networks learned digits, not photographs: their likeness to human IT by depth is reported, not asked. It is the
-- mean over `trained` networks of other first weights and training images (training error 0.10 to 0.13).
local p = experiment "s50-layers-areas" { seed = 1, params = { seeds = 10, trained = 3, images = 12000, epochs = 6 },
  about = "Layers of a model against areas of a brain" }

local AREAS = { "V1", "V2", "V4", "IT" }
local function network(seed)
  return model "ventral" { seed = seed,
    input { 1, 32, 32 },
    area "V1" { conv { 16, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 24, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "V4" { conv { 32, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "IT" { dense { 64 }, relu },
    readout "digit" { dense { 10 } },
  }
end

local scenes = require "digit_scenes" ()
local function view(x) return (x - 0.5) * 4 end
local function learned(seed)
  local net, training = network(seed), scenes("train", p.images, seed):map(view)
  train { model = net, data = training, loss = "cross_entropy", optimizer = adam { rate = 2e-3,
    schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
  print(string.format("network %d: training error %.3f", seed, evaluate { model = net, data = training }.error))
  return net
end

local function rdms_of(net, x, method)
  local found, list = net:activations(x, AREAS), {}
  for i, name in ipairs(AREAS) do list[i] = rdm { found[name]:reshape { #x, -1 }, method = method,
    names = { name } } end
  return rdm.join(list)
end

-- ---- a brain whose areas are mixes of the layers ----------------------------------------------------------------
-- 168 neurons an area, each a random mix of the features of one layer, with noise of half the mix's size that stays
-- after repeats are averaged; 60 images. Random mixes keep distances (not correlations over features), so those are
-- compared.

local right = 0
for seed = 1, p.seeds do
  local net = network(seed)
  local x = view(scenes("test", 60, 1000 + seed).x)
  local found, areas = net:activations(x, AREAS), {}
  for i, name in ipairs(AREAS) do
    local f = found[name]:reshape({ #x, -1 }):to "float64"
    local mix = f:matmul(randn({ f:size(2), 168 }, { dtype = "float64" }))
    local noise = randn({ #x, 168 }, { dtype = "float64" }) * (0.5 * mix:std { dim = 1 }:mean():item())
    areas[i] = rdm { mix + noise, method = "squared_euclidean", names = { name } }
  end
  local tau = compare_rdms { rdms_of(net, x, "squared_euclidean"), rdm.join(areas), method = "tau_a" } -- layer x area
  local best, good = tau:argmax({ dim = 1 }):totable(), true
  for i = 1, #AREAS do good = good and best[i] == i end
  right = right + (good and 1 or 0)
  if seed == 1 then print("layers (rows) and areas of one brain\n" .. tostring(tau)) end
end
report { id = "S50", metric = "diagonal_recovered_seeds", value = right, comparison = "==", threshold = 10 }

-- ---- the 92 images ---------------------------------------------------------------------------------------------

local dir = data.folder("kriegeskorte92", "hIT_rdm_fig1.npy, model_rdm_V1.npy and images/") .. "/"
local targets = rdm.join { rdm.load { dir .. "model_rdm_V1.npy", names = { "V1 model" } },
  rdm.load { dir .. "hIT_rdm_fig1.npy", names = { "human IT" } } }
local images = stimuli.resize(stimuli.folder({ dir .. "images", channels = 1, size = 64 }).x, 32)
local depth = rdm.ranks(tensor({ { 1, 2, 3, 4 } }, { dtype = "float64" }))
local function rho(tau, column)
  return ops.concat({ depth, rdm.ranks(tau[{ {}, column }]:reshape { 1, -1 }) }, { dim = 1 }):corrcoef()[1][2]
end
local taus, rhos = {}, { {}, {} }
for seed = 1, p.trained do
  taus[seed] = compare_rdms { rdms_of(learned(seed), view(images), "correlation"), targets, method = "tau_a" }
  for column = 1, 2 do rhos[column][seed] = rho(taus[seed], column) end
end
local all = ops.stack(taus, { dim = 1 })
local tau, sd = all:mean { dim = 1 }, p.trained > 1 and all:std { dim = 1 } or all:mean { dim = 1 } * 0
print "layer   V1 model         human IT"
for i, name in ipairs(AREAS) do
  print(string.format("%-6s  %.4f (%.4f)  %.4f (%.4f)", name, tau[i][1], sd[i][1], tau[i][2], sd[i][2]))
end
local function result(metric, column, comparison, threshold)
  local t = tensor(rhos[column], { dtype = "float64" })
  report { id = "S50", metric = metric, value = t:mean():item(), comparison = comparison, threshold = threshold,
    what = string.format("mean of %d networks, SD %.3f", p.trained, p.trained > 1 and t:std():item() or 0) }
end
result("v1_tau_a_depth_spearman", 1, "<=", -0.5)
result("hit_tau_a_depth_spearman", 2)
local function bars(label, column)
  return { label = label, values = tau[{ {}, column }], errors = sd[{ {}, column }] }
end
plot.bars { labels = AREAS, series = { bars("V1 model", 1), bars("human IT", 2) }, xlabel = "layer",
  title = "Layers and areas, 92 images", ylabel = "Kendall's tau-a, SD over networks" }:save "figure.svg"
