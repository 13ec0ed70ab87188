-- s28_cifar_resnet.lua: SYSTEMS S28. Residual networks for pictures of 32x32, of 20 to 1202 layers, with shortcuts
-- without parameters: the parameters of the paper's Table 6, a training step of 1202 layers on two pictures, and that
-- 110 layers learn. With recompute, the step of 1202 layers needs an eighth of the memory.
local p = experiment "s28-cifar-resnet" { seed = 1, params = { steps = 40, batch = 16, deepest = 1202 } }

local architecture = require "lamina.architecture"
local base = require "lamina.core.base"

local function result(metric, value, comparison, threshold, what)
  report { id = "S28", metric = metric, value = value, comparison = comparison, threshold = threshold, what = what }
end

local function count(depth) return architecture.count((architecture.plan(models["resnet" .. depth]))) end

result("resnet20_parameters", count(20), "==", 269722)
result("resnet32_parameters", count(32), "==", 464154)
result("resnet44_parameters", count(44), "==", 658586)
result("resnet56_parameters", count(56), "==", 853018)
result("resnet110_parameters", count(110), "==", 1727962)
result("resnet1202_parameters", count(1202), "==", 19421274)

-- ---- 1202 layers, two pictures -----------------------------------------------------------------------------------

local x, labels = randn { 2, 3, 32, 32 }, tensor({ 3, 8 }, { dtype = "int64" })

-- A step: the network after it, the loss, the most memory it needed beyond weights and gradients, and the seconds.
local function stepped(recompute)
  local net = models["resnet" .. p.deepest] { seed = 1, recompute = recompute }
  local optimizer = sgd { rate = 1e-3 }
  optimizer:attach(net)
  collectgarbage()
  base.reset_peak()
  local start, clock = base.memory().live, base.clock()
  local loss = cross_entropy(net:forward(x, { training = true, step = 1 }), labels)
  optimizer:step(loss)
  return net, loss:item(), base.memory().peak - start - 4 * net:count(), base.clock() - clock
end

local net, loss, most, seconds = stepped(false)
print(string.format("ResNet-%d: loss %.4f, %.0f MB, %.1f s", p.deepest, loss, most / 1e6, seconds))
local again, same, least, longer = stepped(true)
print(string.format("with recompute: loss %.4f, %.0f MB, %.1f s", same, least / 1e6, longer))
local finite = ops.all(ops.isfinite(net(x))):item() and loss == loss
result("resnet1202_batch_of_2_runs", finite and net:digest() == again:digest() and 1 or 0, "==", 1,
  "a training step without and with recompute, equal to the bit")
report { id = "S28", metric = "resnet1202_step_megabytes", value = most / 1e6, label = "close" }
report { id = "S28", metric = "resnet1202_step_recompute_megabytes", value = least / 1e6, label = "close" }

-- ---- 110 layers learn --------------------------------------------------------------------------------------------

-- Pictures of noise, one quarter of which is brighter: which?
local function quarters(n)
  local where, list = randint(1, 4, { n }), {}
  for i = 1, n do
    local k, quarter = where[i] - 1, ones { 3, 16, 16 }
    local corner = { before = { k // 2 * 16, k % 2 * 16 }, after = { 16 - k // 2 * 16, 16 - k % 2 * 16 },
      dims = { 2, 3 } }
    list[i] = quarter:pad(corner)
  end
  return ops.stack(list, { dim = 1 }) + randn { n, 3, 32, 32 }, where
end

local deep = models.resnet110 { classes = 4, width = 0.5, name = "ResNet-110" }
local optimizer, losses = sgd { rate = 0.02, momentum = 0.9 }, {}
optimizer:attach(deep)
for step = 1, p.steps do
  local pictures, where = quarters(p.batch)
  local value = cross_entropy(deep:forward(pictures, { training = true, step = step }), where)
  losses[step] = value:item()
  optimizer:step(value)
end
local function mean(first, last) return tensor(losses)[{ { first, last } }]:mean():item() end
local part = math.max(1, p.steps // 4)
print(string.format("ResNet-110: loss %.3f in the first %d steps, %.3f in the last", mean(1, part), part,
  mean(p.steps - part + 1, p.steps)))
plot.line { losses, xlabel = "training step", ylabel = "cross-entropy / nats", zero = true,
  title = "ResNet-110 learns which quarter is brighter" }:save "figure.svg"
result("resnet110_loss_last_over_first", mean(p.steps - part + 1, p.steps) / mean(1, part), nil, nil,
  "mean loss of the last quarter of the steps over that of the first; below 1: it learns")
