-- s13_hmax_it.lua: SYSTEMS S13. HMAX misses human IT: neither the stored RDMs of HMAX and of a model of V1 on 92
-- images (Kriegeskorte et al. 2008) nor that of our own C2 cells comes near the RDM of human IT.
--
-- Our own HMAX sees the 92 images in grey at 128 x 128, with the picture's margin continued beyond its border; its
-- templates are patches of natural images (Shouval's, 250 of each size), or of the 92 images themselves where those
-- are not there, which it then says. The RDM is 1 - Pearson's r between C2 vectors. Rank correlations are Kendall's
-- tau-a with the mean RDM of 4 subjects x 2 sessions; 0.2539 is the lower end of the noise ceiling over the subjects.
-- Data: kriegeskorte92, natural-images.
local p = experiment "s13-hmax-it" { seed = 1, params = { templates = 250, side = 128 },
  about = "HMAX, stored and our own, against human IT" }

local dir = data.folder("kriegeskorte92", "hIT_rdm_fig1.npy, model_rdm_*.npy, images/") .. "/"
local function load(name, file) return rdm.load { dir .. file .. ".npy", names = { name } } end
local human = load("human IT", "hIT_rdm_fig1")

local images = stimuli.folder { dir .. "images", channels = 1, size = p.side }
local natural = try(data.folder, "natural-images", "shouval/")
local patches = natural and stimuli.folder { natural .. "/shouval", channels = 1, size = p.side } or images
print(natural and #patches .. " natural images give the templates"
  or "natural-images is not there: the 92 images themselves give the templates (--data DIR)")

local net = models.hmax2007 { input = p.side, templates = p.templates }
imprint { net, patches }
local layers, parts = { "V1band1", "V1band8", "IT" }, {}
for first = 1, #images, 8 do
  local found = net:activations(images.x[{ { first, math.min(first + 7, #images) } }], layers)
  for _, name in ipairs(layers) do
    parts[name] = parts[name] or {}
    table.insert(parts[name], found[name]:reshape { #found[name], -1 })
  end
end
local function own(name, layer)
  return rdm { ops.concat(parts[layer], { dim = 1 }), method = "correlation", names = { name } }
end

local all = rdm.join { load("V1 model", "model_rdm_V1"), load("HMAX, natural patches", "model_rdm_HMAXnatImPatch"),
  load("HMAX", "model_rdm_HMAX"), own("own C1, finest", "V1band1"), own("own C1, coarsest", "V1band8"),
  own("own C2", "IT"), load("animacy", "model_rdm_animacy") }
local tau = compare_rdms({ all, human, method = "tau_a" }):reshape({ -1 }):totable()
for i, name in ipairs(all.names) do print(string.format("%-24s tau-a %.4f", name, tau[i])) end

report { id = "S13", metric = "tau_a_hit_v1", value = tau[1], comparison = "+-", threshold = { 0.0261, 0.0005 } }
report { id = "S13", metric = "tau_a_hit_hmax_natural_patch", value = tau[2], comparison = "+-",
  threshold = { 0.0665, 0.0005 } }
report { id = "S13", metric = "tau_a_hit_hmax", value = tau[3], comparison = "+-", threshold = { 0.1494, 0.0005 } }
report { id = "S13", metric = "tau_a_hit_own_hmax", value = tau[6], comparison = "<", threshold = 0.2539 }

plot.bars { title = "Models and human IT, 92 images", labels = all.names, values = tau,
  ylabel = "likeness to human IT (tau-a)" }:save "figure.svg"
plot.heatmap { own("own C2", "IT"):ranked():matrix() / #human.vectors[1] * 100, xlabel = "image", ylabel = "image",
  label = "dissimilarity (1 - r), percentile", title = "Our own HMAX, C2" }:save "rdm.png"
