-- s48_models_vs_it.lua: SYSTEMS S48. Which models explain human IT (Khaligh-Razavi & Kriegeskorte 2014): stored and
-- computed models against the RDMs of four subjects, with the noise ceiling, the dual bootstrap, and how categorical
-- each model is.
--
-- Data: kriegeskorte92. Networks trained on small drawn objects stand in for the paper's, which were trained on
-- photographs.
--
-- The gates compare the published model RDMs with the stored human RDM (the mean of 8); the figure shows means over
-- subjects (their two sessions averaged), which are lower, beside the ceiling of the same subjects.
local p = experiment "s48-models-vs-it" { seed = 1, params = { bootstrap = 1000, images = 4000, epochs = 5 },
  about = "Stored and computed models against human IT, with its noise ceiling" }

local dir = data.folder("kriegeskorte92", "hIT_rdm_fig1.npy, hIT_rdms_subject_session.npy, model_rdm_*.npy, images/")
  .. "/"
local function load(name, file) return rdm.load { dir .. file .. ".npy", names = { name } } end

local human = load("human IT", "hIT_rdm_fig1")
local subjects = rdm.load(dir .. "hIT_rdms_subject_session.npy"):averaged { "BE", "BE", "KO", "KO", "SN", "SN", "TI",
  "TI" }
local stored = rdm.join {
  load("animacy", "model_rdm_animacy"), load("human early visual", "model_rdm_EVA"),
  load("face/body/object", "model_rdm_FaceBodyManmadeNatobj"), load("HMAX", "model_rdm_HMAX"),
  load("silhouette", "model_rdm_Silhouette"), load("Radon", "model_rdm_RADON"), load("V1 model", "model_rdm_V1") }

local tau = compare_rdms({ stored, human, method = "tau_a" }):reshape({ -1 }):totable()
local strict = 1
for i = 2, #tau do
  if tau[i] >= tau[i - 1] then strict = 0 end
end
report { id = "S48", metric = "tau_a_order_strict", value = strict, comparison = "==", threshold = 1 }
report { id = "S48", metric = "tau_a_hit_animacy", value = tau[1], comparison = "+-", threshold = { 0.340, 0.0005 } }
report { id = "S48", metric = "tau_a_hit_eva", value = tau[2], comparison = "+-", threshold = { 0.241, 0.0005 } }
report { id = "S48", metric = "tau_a_hit_face_body_manmade_natural", value = tau[3], comparison = "+-",
  threshold = { 0.201, 0.0005 } }
report { id = "S48", metric = "tau_a_hit_hmax", value = tau[4], comparison = "+-", threshold = { 0.149, 0.0005 } }
report { id = "S48", metric = "tau_a_hit_silhouette", value = tau[5], comparison = "+-", threshold = { 0.084,
  0.0005 } }
report { id = "S48", metric = "tau_a_hit_radon", value = tau[6], comparison = "+-", threshold = { 0.041, 0.0005 } }
report { id = "S48", metric = "tau_a_hit_v1", value = tau[7], comparison = "+-", threshold = { 0.026, 0.0005 } }

-- ---- models computed from the images ---------------------------------------------------------------------------

local images = stimuli.folder { dir .. "images", channels = 1, size = 64 }
local function view(x) return (stimuli.resize(x, 32) - 0.5) * 4 end
local function network()
  return model "objects" {
    input { 1, 32, 32 },
    area "V1" { conv { 16, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
    area "V2" { conv { 32, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "IT" { conv { 48, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 64 }, relu },
    readout "object" { dense { 8 } },
  }
end
local parts, names = {}, {}
local function add(name, x)
  parts[#parts + 1], names[#names + 1] = rdm { x:reshape { #x, -1 }, method = "correlation" }, name
end
add("pixels", images.x)
add("Gabor energy", neural.gabor_energy {}(images.x))
local outline = ops.gt((images.x - 128 / 255):abs(), 0.02):to "float32" -- the images stand on a grey of 128
add("own silhouette", stimuli.resize(outline, 32))

local net = network()
local function layers(kind)
  local found = net:activations(view(images.x), { "V1", "V2", "IT" })
  for _, name in ipairs { "V1", "V2", "IT" } do add(kind .. " " .. name, found[name]) end
end
layers "untrained"
train { model = net, data = stimuli.objects { p.images, size = 32, seed = 1 }:map(view), loss = "cross_entropy",
  optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
layers "trained"
local own = rdm.join(parts):named(names)

-- ---- against the subjects --------------------------------------------------------------------------------------

local all = rdm.join { stored, own }
local score = rsa { models = all, data = subjects, method = "tau_a", bootstrap = p.bootstrap }
print(score)
score:csv "scores.csv"
local categories = compare_rdms { all, stored:of "animacy", method = "tau_a" }
print "\nhow categorical: likeness to animacy (human IT itself: see the last line)"
for i, name in ipairs(all.names) do print(string.format("  %-20s %6.3f", name, categories[i]:item())) end
print(string.format("  %-20s %6.3f", "human IT", compare_rdms { human, stored:of "animacy", method = "tau_a" }))
score:plot { title = "Models and human IT (4 subjects, 92 images)", width = 120, height = 80 }:save "figure.svg"
