-- s50_layers_areas.lua: SYSTEMS S50. Layers of a model against areas of a brain: where the brain is made of mixes of
-- the layers themselves, every area finds its layer; on the 92 images, deeper layers are less and less like the
-- stored V1 model. (Yamins & DiCarlo 2016, figure 2.)
--
-- The network learned small drawn objects, not photographs: its likeness to human IT by depth is reported, not asked.
local p = experiment "s50-layers-areas" { seed = 1, params = { seeds = 10, images = 4000, epochs = 5 },
  about = "Layers of a model against areas of a brain" }

local AREAS = { "V1", "V2", "V4", "IT" }
local function network(seed)
  return model "ventral" { seed = seed,
    input { 1, 32, 32 },
    area "V1" { conv { 16, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 24, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "V4" { conv { 32, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "IT" { dense { 64 }, relu },
    readout "object" { dense { 8 } },
  }
end

local function learn(net, seed, epochs)
  train { model = net, data = stimuli.objects({ p.images, size = 32, seed = seed }):map(function(x)
    return (x - 0.5) * 4
  end), loss = "cross_entropy", optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = epochs, batch = 64,
    log = false }
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
  local x = (stimuli.objects({ 60, size = 32, seed = 1000 + seed }).x - 0.5) * 4
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
local net = network(1)
learn(net, 1, p.epochs)
local tau = compare_rdms { rdms_of(net, (images - 0.5) * 4, "correlation"), targets, method = "tau_a" }
print "layer   V1 model   human IT"
for i, name in ipairs(AREAS) do print(string.format("%-6s  %8.4f   %8.4f", name, tau[i][1], tau[i][2])) end
local depth = tensor({ { 1, 2, 3, 4 } }, { dtype = "float64" })
local function rho(column)
  local ranks = rdm.ranks(tau[{ {}, column }]:reshape { 1, -1 })
  return ops.concat({ rdm.ranks(depth), ranks }, { dim = 1 }):corrcoef()[1][2]
end
report { id = "S50", metric = "v1_tau_a_depth_spearman", value = rho(1), comparison = "<=", threshold = -0.5 }
report { id = "S50", metric = "hit_tau_a_depth_spearman", value = rho(2) }
plot.bars { labels = AREAS, series = { { label = "V1 model", values = tau[{ {}, 1 }] },
  { label = "human IT", values = tau[{ {}, 2 }] } }, title = "Layers and areas, 92 images", xlabel = "layer",
  ylabel = "Kendall's tau-a" }:save "figure.svg"
