-- s34_data_hunger.lua: SYSTEMS S34. How the error on MNIST falls with the number of examples, for a convolutional
-- network and one of dense layers, and what a network of 1,000 parameters makes of 100 and of 10,000 of them.
--
-- All models get the same number of updates, and those that learn from many examples see each ten times. The error
-- falls as a power of the number of examples, a straight line of the logarithms, until it saturates (Hestness et al.
-- 2017). How fast the arithmetic runs is reported beside it, in place of the claim that graphics processors made such
-- networks possible. Needs --data DIR.
local p = experiment "s34-data-hunger" { seed = 1, params = { updates = 600, epochs = 10, repeats = 3,
  sizes = { 125, 250, 500, 1000, 2000, 4000, 8000, 16000 } } }

local base = require "lamina.core.base"

local function result(metric, value, comparison, threshold, label)
  report { id = "S34", metric = metric, value = value, comparison = comparison, threshold = threshold, label = label }
end

local digits = data.mnist()

local function lenet(seed)
  return model "LeNet" { seed = seed, input { 1, 28, 28 },
    area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
    area "IT" { dense { 120 }, relu, dense { 84 }, relu },
    readout "digit" { dense { 10 } } }
end

local function mlp(seed)
  return model "MLP" { seed = seed, input { 1, 28, 28 }, area "hidden" { dense { 77 }, relu },
    readout "digit" { dense { 10 } } }
end

local function tiny(seed) -- 550 in the convolution, 450 in the readout
  return model "tiny" { seed = seed, input { 1, 28, 28 },
    area "V1" { conv { 11, kernel = 7 }, relu, pool.max { 11 } },
    readout "digit" { dense { 10 } } }
end

local function curve_of(make, sizes)
  print(make(1).name .. ", " .. make(1):count() .. " parameters")
  return learning_curve { make = make, data = digits.train, test = digits.test, sizes = sizes,
    repeats = p.repeats, updates = p.updates, epochs = p.epochs,
    optimizer = function() return adam { rate = 2e-3, schedule = cosine {} } end }
end

-- ---- error by examples -----------------------------------------------------------------------------------------

local convolutional, dense_one = curve_of(lenet, p.sizes), curve_of(mlp, p.sizes)
local law = convolutional:power_law()
local other = dense_one:power_law()
print(string.format("LeNet: error = %.3g n^-%.3f, R2 = %.4f; MLP: n^-%.3f, R2 = %.4f", law.factor, law.exponent,
  law.r2, other.exponent, other.r2))
result("log_log_error_r2", law.r2, ">=", 0.95)

local few = curve_of(tiny, { 100, 1000, 10000 })
result("test_error_large_minus_small_n", few[3].mean - few[1].mean, "<", 0)
convolutional:csv "lenet.csv"

local series = { convolutional:series "LeNet, 61,706 parameters", dense_one:series "dense, 61,225 parameters",
  few:series "1,000 parameters" }
series.xlog, series.ylog, series.xlabel, series.ylabel = true, true, "examples", "test error"
plot.line(series):save "figure.svg"

-- ---- how fast --------------------------------------------------------------------------------------------------

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- The median time of a call of f, of 15 after two that do not count.
local function seconds(f)
  local times = {}
  for i = 1, 17 do
    local start = base.clock()
    f()
    if i > 2 then times[i - 2] = base.clock() - start end
  end
  return median(times)
end

local a, b = randn { 1024, 1024 }, randn { 1024, 1024 }
result("gemm_gflops", 2 * 1024 ^ 3 / seconds(function() a:matmul(b):release() end) / 1e9, nil, nil, "close")

local net, opt = lenet(1), sgd { rate = 1e-3, momentum = 0.9 }
local b64 = digits.train:batch(arange(1, 64))
opt:attach(net)
local training = seconds(function()
  for i = 1, 10 do opt:step(cross_entropy(net:forward(b64.x, { training = true, step = i }), b64.y)) end
end) / 10
local seeing = seconds(function()
  no_grad(function() for _ = 1, 10 do net(b64.x):release() end end)
end) / 10
print(string.format("LeNet: %.0f images/s while training, %.0f while seeing", 64 / training, 64 / seeing))
result("images_per_second", 64 / training, nil, nil, "close")
