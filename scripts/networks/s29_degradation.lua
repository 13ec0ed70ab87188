-- s29_degradation.lua: SYSTEMS S29. Plain networks of 56 and 110 layers learn worse than one of 20, residual ones do
-- not (He et al. 2016, Figures 1 and 6): 8 channels in the first stage, 2,000 digits of 14x14, loss of the last
-- epoch of training. 20 and 56 layers from three seeds, 110 from one. And how large the gradient of the first layer
-- of ResNet-110 is at the beginning beside that of the last. Needs --data DIR.
local p = experiment "s29-degradation" { seed = 1,
  params = { epochs = 8, seeds = 3, seeds110 = 1, items = 2000, batch = 64, rate = 0.01 } }

local function result(metric, value, comparison, threshold, what)
  report { id = "S29", metric = metric, value = value, comparison = comparison, threshold = threshold, what = what }
end

local digits = data.mnist { validation = 0 }
local chosen = digits.train:take(p.items):load(500)
local training = data.tensors { image.resize { chosen.x, 14 }, chosen.y, classes = chosen.classes }

local function made(kind, depth, seed)
  return models[kind .. depth] { input = { 1, 14, 14 }, width = 0.5, seed = seed,
    name = string.format("%s-%d-%d", kind, depth, seed) }
end

-- ---- the gradient at the beginning -------------------------------------------------------------------------------

local ratios = {}
for seed = 1, math.max(p.seeds, 1) do
  local net, b = made("resnet", 110, seed), training:batch(arange(1, math.min(128, p.items)))
  cross_entropy(net:forward(b.x, { training = true }), b.y):backward()
  local function size(name)
    return net:parameters(name)[1].tensor.grad:square():sum():sqrt():item()
  end
  ratios[seed] = size "V1.conv1" / size "category.dense1"
end
result("resnet110_init_gradient_norm_ratio", tensor(ratios):mean():item(), "in", { 1e-2, 1e2 },
  "norm of the gradient of the first convolution over that of the last layer, mean over the seeds")

-- ---- training ----------------------------------------------------------------------------------------------------

local function percent(values) return string.format("%.1f %%", 100 * values) end

-- The training loss of the last epoch for each seed, and the loss by epoch of the first.
local function trained(kind, depth, seeds)
  local losses, curve = {}, {}
  for seed = 1, seeds do
    local history = train { model = made(kind, depth, seed), data = training, epochs = p.epochs, batch = p.batch,
      seed = seed, log = false,
      optimizer = sgd { rate = p.rate, momentum = 0.9, decay = 1e-4, schedule = cosine {} } }
    local last = history[#history]
    losses[seed] = last.train_loss
    for i, row in ipairs(seed == 1 and history or {}) do curve[i] = row.train_loss end
    print(string.format("%s-%d, seed %d: loss %.4f, error %s", kind, depth, seed, last.train_loss,
      percent(last.train_error)))
  end
  return tensor(losses), curve
end

local losses, curves = {}, { plain = {}, resnet = {} }
for _, depth in ipairs { 20, 56, 110 } do
  local seeds = depth == 110 and p.seeds110 or p.seeds
  for _, kind in ipairs(seeds > 0 and { "plain", "resnet" } or {}) do
    local found, curve = trained(kind, depth, seeds)
    losses[kind .. depth] = found
    table.insert(curves[kind], { y = curve, label = (kind == "plain" and "plain-" or "ResNet-") .. depth })
    result(kind .. depth .. "_training_loss", found:mean():item())
    if seeds > 1 then result(kind .. depth .. "_training_loss_sd", found:std():item()) end
  end
end

local function mean(name) return losses[name]:mean():item() end
result("plain56_minus_plain20_training_loss", mean "plain56" - mean "plain20", ">", 0, "mean over the seeds")
result("residual56_residual20_training_loss_ratio", mean "resnet56" / mean "resnet20", "<=", 1.05,
  "mean over the seeds")

local function panel(list, title)
  list.xlabel, list.ylabel, list.ylog, list.title = "epoch", "training loss (nats)", true, title
  return plot.line(list)
end

plot.panels { panel(curves.plain, "Plain networks"), panel(curves.resnet, "Residual networks"), columns = 1,
  height = 45 }:save "figure.svg"
