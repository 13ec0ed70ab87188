-- s32_vit.lua: SYSTEMS S32. A vision transformer of 139,018 parameters learns handwritten digits, a convolutional
-- network of as many learns them from fewer labels, and attention rollout shows what the transformer looks at
-- (Dosovitskiy et al. 2021; Abnar & Zuidema 2020).
--
-- Both are trained alike: Adam, a cosine with a warm-up, the same batches. With 500 labels (50 of each digit), the
-- means over three seeds are compared. rollout.npy holds the rollout of the first test images, images x rows x rows,
-- the first row being the class token's.
local p = experiment "s32-vit" { seed = 1,
  params = { epochs = 6, rate = 1e-3, batch = 64, labels = 500, passes = 60, few_rate = 1e-3, seeds = 3, shown = 8,
    test = 10000 } }

local function result(metric, value, comparison, threshold)
  report { id = "S32", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

local function vit(seed) return models.vit_mini { seed = seed } end

-- 137,075 parameters.
local function cnn(seed)
  return model "CNN" { seed = seed,
    input { 1, 28, 28 },
    area "V1" { conv { 32, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 64, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "IT" { dense { 27 }, relu },
    readout "category" { dense { 10 } },
  }
end

local digits = data.mnist()
local test = digits.test:take(math.min(p.test, #digits.test))

local function fit(net, set, epochs, rate)
  train { model = net, data = set, loss = "cross_entropy", epochs = epochs, batch = p.batch,
    optimizer = adamw { rate = rate, decay = 0.01, schedule = cosine { warmup = 100 } } }
  return evaluate { model = net, data = test }.error
end

local net = vit(1)
result("parameters", net:count(), "==", 139018)
result("test_error_percent", 100 * fit(net, digits.train, p.epochs, p.rate), "<=", 3)

-- ---- few labels --------------------------------------------------------------------------------------------------

local gain = 0
for seed = 1, p.seeds do
  local few = digits.train:per_class(p.labels // 10, seed)
  local convolutional = fit(cnn(seed), few, p.passes, p.few_rate)
  local transformer = fit(vit(seed), few, p.passes, p.few_rate)
  print(string.format("%d labels, seed %d: CNN %.1f %% wrong, ViT-mini %.1f %%", p.labels, seed, 100 * convolutional,
    100 * transformer))
  gain = gain + 100 * (transformer - convolutional) / p.seeds
end
result("cnn_gain_over_vit_500_labels_points", gain, ">=", 3)

-- ---- what it looks at ---------------------------------------------------------------------------------------------

local images = test:take(p.shown):batch(permutation(p.shown)).x
local rollout = attention_rollout { net, images }
local path = data.save_npy("rollout.npy", rollout)
local rows = rollout[{ {}, 1, { 2, -1 } }]
local maps = image.resize { rows:reshape { p.shown, 1, 4, 4 }, 28, method = "bilinear" }
plot.images { ops.concat({ images, maps / maps:max() }, { dim = 1 }):clamp { low = 0 }, columns = p.shown,
  title = "Digits, and where the class token's information comes from" }:save "figure.svg"
local read = data.npy(path)
local sums = ops.sum(rollout, { 3 })
local whole = (sums - 1):abs():max():item() <= 1e-5 and rows:min():item() >= 0
result("attention_rollout_exported", whole and #read == p.shown and 1 or 0, "==", 1)
