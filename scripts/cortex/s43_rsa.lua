-- s43_rsa.lua: SYSTEMS S43. Representational similarity analysis on the 92 images of Kriegeskorte et al. 2008: human
-- IT separates the animate from the inanimate, with a permutation null, a false discovery rate over models, an
-- arrangement of the images whose distances are the dissimilarities, and crossnobis, which is 0 on average where
-- nothing differs.
--
-- Data: kriegeskorte92.
--
-- The stored human IT RDM is the mean over 4 subjects x 2 sessions; the model RDMs are those that were published with
-- it.
local p = experiment "s43-rsa" { seed = 1, params = { permutations = 1000, simulations = 600 },
  about = "RSA of human IT: animacy, permutation test, MDS, crossnobis" }

local dir = data.folder("kriegeskorte92", "hIT_rdm_fig1.npy, hIT_rdms_subject_session.npy, model_rdm_*.npy, "
  .. "category_vectors.csv") .. "/"
local kinds = data.csv(dir .. "category_vectors.csv")
local function load(name, file) return rdm.load { dir .. file .. ".npy", names = { name } } end

local human = load("human IT", "hIT_rdm_fig1")
local sessions = rdm.load(dir .. "hIT_rdms_subject_session.npy")
local models = rdm.join {
  load("animacy", "model_rdm_animacy"), load("early visual", "model_rdm_EVA"),
  load("face, body, ...", "model_rdm_FaceBodyManmadeNatobj"), load("HMAX", "model_rdm_HMAX"),
  load("silhouette", "model_rdm_Silhouette"), load("Radon", "model_rdm_RADON"), load("V1", "model_rdm_V1") }

local off = (sessions:mean().vectors - human.vectors):abs():max():item()
print(string.format("stored human IT RDM less the mean of the %d: at most %.1e", #sessions, off))
report { id = "S43", metric = "stored_hit_equals_mean_of_8_rdms", value = off < 1e-6 and 1 or 0, comparison = "==",
  threshold = 1 }

local tau, test = compare_rdms { models, human, method = "tau_a", permutations = p.permutations }
report { id = "S43", metric = "animacy_tau_a", value = tau[1]:item(), comparison = "+-", threshold = { 0.3397,
  5e-5 } }
report { id = "S43", metric = "permutation_null_mean", value = test.null:mean():item(), comparison = "+-",
  threshold = { 0, 0.01 } }

local believed, q = fdr { p = test.p, rate = 0.01 }
for i, name in ipairs(models.names) do
  print(string.format("%-16s tau-a %.4f  p %.4f  corrected %.4f%s", name, tau[i]:item(), test.p[i], q[i],
    believed[i] and "  believed" or ""))
end

-- Known patterns of 6 conditions, of which the first two are the same, in correlated noise that is as strong as the
-- patterns; 4 runs. The precision is estimated from trials of its own, so that it is one and the same metric.
local conditions, channels, runs = 6, 12, 4
local patterns = randn({ conditions, channels }, { dtype = "float64" })
patterns[2]:copy(patterns[1])
local mixing = randn({ channels, channels }, { dtype = "float64" }) * 0.25 + eye(channels, { dtype = "float64" })
local function noise(n) return randn({ n, channels }, { dtype = "float64" }):matmul(mixing) end
local precision = linalg.inverse(noise(400):t():cov())
local names, run = {}, {}
for r = 1, runs do
  for c = 1, conditions do names[#names + 1], run[#run + 1] = c, r end
end
local truth = rdm { patterns, method = "mahalanobis", noise = precision }.vectors
local crossed, plain = {}, {}
for s = 1, p.simulations do
  local trials = patterns:tile { runs, 1 } + noise(runs * conditions)
  crossed[s] = rdm { trials, method = "crossnobis", conditions = names, folds = run, noise = precision }.vectors
  plain[s] = rdm { trials, method = "mahalanobis", conditions = names, noise = precision }.vectors
end
local function bias(list)
  local d = ops.concat(list, { dim = 1 }) - truth
  return d:mean(1), d:std(1) / math.sqrt(#list)
end
local mean, error_ = bias(crossed)
local z = (mean / error_):abs():max():item()
local plain_mean = bias(plain)
print(string.format("crossnobis: bias %.4f at most %.2f standard errors over %d pairs, %.4f where nothing differs; "
  .. "without cross-validation the bias is %.3f", mean:mean():item(), z, truth:size(2), mean[1],
  plain_mean:mean():item()))
-- Over 15 pairs the largest of so many z stays below 4 but once in a thousand; a biased estimate is far beyond it.
report { id = "S43", metric = "crossnobis_unbiased", value = z < 4 and 1 or 0, comparison = "==", threshold = 1 }

-- Figure 2 of the paper: images near each other have like patterns in human IT.
local points, fit = mds { human, method = "nonmetric" }
print(string.format("arrangement: stress %.3f after %d steps", fit.stress, fit.steps))
local series = { { label = "face" }, { label = "other body part" }, { label = "natural object" },
  { label = "artificial object" } }
for i, place in ipairs(points:totable()) do
  local kind = kinds.animate[i] == 1 and (kinds.face[i] == 1 and 1 or 2) or (kinds.natObj[i] == 1 and 3 or 4)
  local one = series[kind]
  one.x, one.y = one.x or {}, one.y or {}
  table.insert(one.x, place[1])
  table.insert(one.y, place[2])
end
series.title, series.xlabel, series.ylabel = "92 images as human IT sees them", "MDS axis 1 (arbitrary units)",
  "MDS axis 2 (arbitrary units)"
series.height = 75
plot.scatter(series):save "figure.svg"
plot.heatmap { human:ranked():matrix() / #human.vectors[1] * 100, label = "dissimilarity (1 - r), percentile",
  title = "Human IT (4 subjects)", xlabel = "image", ylabel = "image" }:save "rdm.png"
