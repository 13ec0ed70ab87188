-- s23_objectives.lua: SYSTEMS S23. Objectives and optimisers: minima that are known in closed form, Adam by hand, and
-- a network of 300 hidden units on MNIST (LeCun, Bottou, Bengio & Haffner 1998: 4.7 % with the means of its time).
--
-- Each objective is given a problem small enough to be solved on paper; each optimiser a bowl whose bottom is that of
-- a linear system. Distances are in double precision. MNIST needs --data DIR; --digits false leaves it out.
local p = experiment "s23-objectives" { seed = 1, params = { epochs = 10, batch = 128, rate = 1e-3, seeds = 3,
  digits = true } }

local function result(metric, value, comparison, threshold, published)
  report { id = "S23", metric = metric, value = value, comparison = comparison, threshold = threshold,
    published = published }
end

local function double(values) return tensor(values, { dtype = "float64" }) end
local function labels(values) return tensor(values, { dtype = "int64" }) end

local worst = 0
local function found(name, error)
  print(string.format("  %-44s %.2g", name, error))
  worst = math.max(worst, error)
end

local function distance(a, b) return (a - b):abs():max():item() end

-- ---- objectives --------------------------------------------------------------------------------------------------

-- Goes down f from `start` and compares g (of where it ends) with `expected`.
local function minimum(name, start, f, expected, g, optimizer)
  local x = double(start):requires_grad(true)
  local opt = optimizer or lbfgs { iterations = 500, evaluations = 2000, tolerance = 1e-13, change = 0 }
  opt:attach { x }
  if optimizer then opt:plan { steps = 20000 } end
  for _ = 1, optimizer and 20000 or 3 do
    opt:step(function() return f(x) end)
  end
  local at = x:detach()
  found(name, distance(g and g(at) or at, double(expected)))
end

-- A step shrinks to nothing: for minima at a kink.
local function shrinking() return sgd { rate = 0.05, schedule = cosine {} } end

local function softmax(x) return ops.softmax(x, { dim = 2 }) end
local function rows(x, n) return x:expand { n, x:size(2) } end

print "objectives: distance of what is found from what is known"
local values = double { { 0.5, 2 }, { 1, -1 }, { 3, 0.25 }, { 1.5, 4 }, { 7, 1 } }
minimum("mse: the mean", { { 0, 0 } }, function(x) return mse(rows(x, 5), values) end, { { 2.6, 1.25 } })
minimum("l1: the median", { { 0, 0 } }, function(x) return losses.l1(rows(x, 5), values) end, { { 1.5, 1 } }, nil,
  shrinking())
minimum("huber: one outlier pulls with delta", { { 3 } }, function(x)
  return losses.huber(rows(x, 3), double { { 0 }, { 0 }, { 10 } }, { delta = 1 })
end, { { 0.5 } })

local seen = labels { 1, 1, 1, 2, 2, 3, 3, 3, 3, 3 } -- 0.3, 0.2, 0.5
local function of_classes(o) return function(x) return cross_entropy(rows(x, 10), seen, o) end end
minimum("cross-entropy: the frequencies", { { 1, 0, -1 } }, of_classes {}, { { 0.3, 0.2, 0.5 } }, softmax)
minimum("cross-entropy: smoothed labels", { { 1, 0, -1 } }, of_classes { label_smoothing = 0.3 },
  { { 0.31, 0.24, 0.45 } }, softmax)
minimum("cross-entropy: weights of classes", { { 1, 0, -1 } }, of_classes { classes = { 1, 3, 0.6 } },
  { { 1 / 4, 1 / 2, 1 / 4 } }, softmax)
local soft = double { { 0.1, 0.6, 0.3 } }
minimum("cross-entropy: soft targets", { { 1, 0, -1 } }, function(x) return cross_entropy(x, soft) end,
  { { 0.1, 0.6, 0.3 } }, softmax)
minimum("kl: the distribution", { { 1, 0, -1 } }, function(x) return losses.kl(x, soft) end, { { 0.1, 0.6, 0.3 } },
  softmax)
local yes = double { { 1 }, { 0 }, { 0 }, { 0 }, { 1 } }
minimum("bce: the log odds", { { 0 } }, function(x) return bce(rows(x, 5), yes) end, { { math.log(2 / 3) } })
minimum("bce: positives that count thrice", { { 0 } }, function(x) return bce(rows(x, 5), yes, { positive = 3 }) end,
  { { math.log(6 / 3) } })
local counts = double { { 0 }, { 3 }, { 1 }, { 4 } }
minimum("poisson: the mean count", { { 1 } }, function(x)
  return losses.poisson(rows(x, 4), counts, { epsilon = 1e-12 })
end, { { 2 } })
minimum("poisson: its logarithm", { { 0 } }, function(x)
  return losses.poisson(rows(x, 4), counts, { log_input = true })
end, { { math.log(2) } })
for power, at in ipairs { 0.5, 0.5 } do -- w^2 + max(0, 1 - w)^power, and the same for -1
  minimum("hinge: against a penalty, power " .. power, { { 0.1 } }, function(x)
    return losses.hinge(concat({ x, -x }, 1), double { { 1 }, { -1 } }, { power = power }) + x:square():sum()
  end, { { at } })
end
minimum("hinge: classes, against a penalty", { { 0.1, 0 } }, function(x)
  return losses.hinge(x, labels { 1 }) + x:square():sum()
end, { { 0.25, -0.25 } }) -- the mean over 2 classes: max(0, 1 - a + b) / 2, and a^2 + b^2
local direction = double { { 1, 2, -2 } }
minimum("cosine: the direction", { { 1, 0, 0 } }, function(x) return losses.cosine(x, direction) end,
  { { 1 / 3, 2 / 3, -2 / 3 } }, function(x) return x / x:square():sum():sqrt() end)
local profile = double { { 1 }, { 2 }, { 4 }, { 1 } }
minimum("correlation: the profile, up to place and size", { { 0 }, { 1 }, { 0 }, { -1 } }, function(x)
  return losses.correlation(x, profile)
end, { { -1 }, { 0 }, { 2 }, { -1 } }, function(x)
  local c = x - x:mean()
  return c * (6 / c:square():sum()):sqrt()
end)
minimum("contrastive: one pair meets, one keeps the margin", { { 0.2, 0.1 }, { 1, 0.5 } }, function(x)
  local at = double { { 0, 0 } }
  return losses.contrastive(concat({ at, x[{ { 1, 1 } }] }, 1), labels { 1, 1 })
    + losses.contrastive(concat({ at, x[{ { 2, 2 } }] }, 1), labels { 1, 2 }, { margin = 2 })
end, { { 0, 2 } }, function(x) return x:square():sum(2):sqrt():reshape { 1, 2 } end)
minimum("triplet: against a penalty", { { 0.3, 0.4 } }, function(x)
  return losses.triplet(concat({ double { { 0, 0 }, { 1, 0 } }, x }, 1), labels { 1, 1, 2 }, { mining = "hard" })
    + x:square():sum() * 0.5
end, { { 0 } }, function(x) -- the slope by hand: of (|p| - |x| + 1) and (1 - |x - p| + 1), each a half, and x
  local y, r = x - double { { 1, 0 } }, x:square():sum():sqrt()
  local slope = x - x / r * 0.5 - y / y:square():sum():sqrt() * 0.5
  return slope:abs():max():reshape { 1, 1 }
end)
local point = double { { 2, -0.75 } }
minimum("l1 penalty: the soft threshold", { { 1, -1 } }, function(x)
  return (x - point):square():sum() * 0.5 + x:abs():sum() * 0.5
end, { { 1.5, -0.25 } })
minimum("l1 penalty: what it sets to 0", { { 1 } }, function(x)
  return (x - 0.3):square():sum() * 0.5 + x:abs():sum() * 0.5
end, { { 0 } }, nil, shrinking())

-- Penalties of train, on a linear model y = w x whose weight they shrink.
local function shrunk(penalty, responses)
  local net = model "shrunk" { input { 1 }, area "A" { dense { 1, bias = false } }, readout "y" { identity } }
  local x = tensor { { 1.0 }, { -1.0 } }
  net:parameters()[1].tensor:detach():fill(1)
  local spec = responses and { activity = penalty } or penalty
  train { model = net, data = data.tensors { x, x * 2 }, loss = "mse", penalty = spec, batch = 2, epochs = 5,
    log = false, optimizer = lbfgs { iterations = 50, tolerance = 1e-9, change = 0 } }
  return net:parameters()[1].tensor:detach():item()
end
-- (w - 2)^2 + the penalty: 0.5 |w|, 0.5 w^2, and the same of the two responses, whose mean sizes are |w| and w^2
found("l1 of train", math.abs(shrunk { l1 = 0.5 } - 1.75))
found("l2 of train", math.abs(shrunk { l2 = 0.5 } - 4 / 3))
found("group of train", math.abs(shrunk { group = 0.5 } - 1.75))
found("l1 of activity", math.abs(shrunk({ l1 = 0.5, of = "A" }, true) - 1.75))
found("l2 of activity", math.abs(shrunk({ l2 = 0.5, of = "A" }, true) - 4 / 3))

-- Two goals: 0.75 (x - 1)^2 + 0.25 (x - 3)^2.
local both = { 0.75, 0.25 }
minimum("two goals with weights", { { 0 } }, function(x)
  return mse(x, double { { 1 } }) * both[1] + mse(x, double { { 3 } }) * both[2]
end, { { 1.5 } })

-- ---- optimisers --------------------------------------------------------------------------------------------------

print "optimisers: distance from the bottom of a bowl, A x = b"
local a = double { { 3, 1, 0, 0.5 }, { 1, 2, 0.2, 0 }, { 0, 0.2, 1, 0.3 }, { 0.5, 0, 0.3, 4 } }
local b = double { { 1 }, { -2 }, { 0.5 }, { 3 } }
local bottom = linalg.solve(a, b)
local down = cosine {}
for _, case in ipairs {
  { "sgd", sgd { rate = 0.2, schedule = down } }, { "momentum", sgd { rate = 0.1, momentum = 0.9, schedule = down } },
  { "nesterov", sgd { rate = 0.1, momentum = 0.9, nesterov = true, schedule = down } },
  { "rmsprop", rmsprop { rate = 0.02, schedule = down } }, { "adam", adam { rate = 0.05, schedule = down } },
  { "adamw", adamw { rate = 0.05, schedule = down } }, { "adagrad", adagrad { rate = 0.5 } },
  { "sgd, one cycle", sgd { rate = 0.2, momentum = 0.9, schedule = one_cycle { momentum = { 0.95, 0.85 } } } },
  { "lbfgs", lbfgs { iterations = 1, tolerance = 0, change = 0 } },
  { "conjugate_gradient", conjugate_gradient { iterations = 1, tolerance = 0, change = 0 } },
} do
  local x = zeros({ 4, 1 }, { dtype = "float64" }):requires_grad(true)
  local opt, steps = case[2], case[2].searches and 60 or 4000
  opt:attach { x }
  opt:plan { steps = steps }
  for _ = 1, steps do
    opt:step(function() return (x * a:matmul(x)):sum() * 0.5 - (b * x):sum() end)
  end
  found(case[1], distance(x:detach(), bottom))
end
result("analytic_minima_error", worst, "<=", 1e-6)

-- ---- Adam by hand ------------------------------------------------------------------------------------------------

local apart = 0
for _, dtype in ipairs { "float32", "float64" } do
  local x = tensor({ 2.0, -3.0, 0.5 }, { dtype = dtype }):requires_grad(true)
  local opt = adam { rate = 0.1 }
  opt:attach { x }
  local hand, m, v = { 2.0, -3.0, 0.5 }, { 0, 0, 0 }, { 0, 0, 0 }
  local slope = { function(w) return 2 * (w - 1) end, function(w) return 0.5 * w end, function(w) return w * w end }
  for t = 1, 10 do
    opt:step((x[1] - 1):square() + x[2]:square() * 0.25 + x[3] * x[3] * x[3] / 3)
    for i = 1, 3 do
      local g = slope[i](hand[i])
      m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
      local m_hat, v_hat = m[i] / (1 - 0.9 ^ t), v[i] / (1 - 0.999 ^ t)
      hand[i] = hand[i] - 0.1 * m_hat / (math.sqrt(v_hat) + 1e-8)
      if dtype == "float64" then apart = math.max(apart, math.abs(hand[i] - x[i]:item())) end
    end
  end
  print(dtype .. ": Adam after 10 steps, by hand " .. string.format("%.9f %.9f %.9f", table.unpack(hand)), x:detach())
end
result("adam_hand_trace_error", apart, "<=", 1e-7)

-- ---- 784-300-10 --------------------------------------------------------------------------------------------------

if p.digits then
  local digits, errors_, sum, squares = data.mnist(), {}, 0, 0
  for seed = 1, p.seeds do
    local net = model "MLP" { seed = seed, input { 1, 28, 28 }, area "hidden" { dense { 300 }, relu },
      readout "digit" { dense { 10 } } }
    if seed == 1 then print(net) end
    local history = train { model = net, data = digits.train, validate = digits.valid, seed = seed, epochs = p.epochs,
      batch = p.batch, loss = { "cross_entropy", label_smoothing = 0.1 },
      optimizer = adam { rate = p.rate, schedule = cosine {} } }
    errors_[seed] = 100 * evaluate { model = net, data = digits.test }.error
    sum, squares = sum + errors_[seed], squares + errors_[seed] ^ 2
    if seed == 1 then plot.curve(history):save "figure.svg" end
  end
  local mean = sum / p.seeds
  print(string.format("test error %.2f %% (standard deviation %.2f over %d seeds)", mean,
    math.sqrt(math.max(0, squares / p.seeds - mean ^ 2) * p.seeds / math.max(p.seeds - 1, 1)), p.seeds))
  result("mlp_test_error_percent", mean, "<=", 2.2, 4.7)
end
