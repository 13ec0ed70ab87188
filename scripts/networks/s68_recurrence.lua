-- s68_recurrence.lua: SYSTEMS S68. Back-propagation through time in plain recurrent networks, LSTM and GRU. Adding
-- two marked numbers among 100 (Hochreiter & Schmidhuber 1997), digits read row by row, and how fast a plain
-- network's gradient fades (Bengio, Simard & Frasconi 1994). The digits need --data DIR; --digits false leaves them
-- out.
local p = experiment "s68-recurrence" { seed = 1,
  params = { length = 100, updates = 2000, batch = 64, units = 64, rate = 5e-3, epochs = 3, digits = true } }

local function result(metric, value, comparison, threshold)
  report { id = "S68", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

-- ---- the gradient is right: 50 steps against finite differences -------------------------------------------------

local passed = true
for word, gates in pairs { rnn = 1, lstm = 4, gru = 3 } do
  local found = gradcheck(ops[word], { randn { 50, 2, 2 }, randn { gates * 3, 2 }, randn { gates * 3, 3 } * 0.5,
    randn { gates * 3 }, randn { gates * 3 } }, { raise = false })
  print(word, found)
  passed = passed and found.ok
end
result("gradcheck_t50_passed", passed and 1 or 0, "==", 1)

-- ---- the adding problem ------------------------------------------------------------------------------------------

-- A column of numbers in [0, 1) and one of marks, of which each half of the sequence has one; the marked ones' sum.
local function problems(n)
  local half, numbers = p.length // 2, rand { n, p.length }
  local marks = concat({ ops.one_hot(randint(1, half, { n }), { classes = half }),
    ops.one_hot(randint(1, p.length - half, { n }), { classes = p.length - half }) }, 2):to "float32"
  return ops.stack({ numbers, marks }, { dim = 3 }), (numbers * marks):sum(2, { keepdim = true })
end

local tests, answers = problems(2000) -- the variance of the answers is 1/6: what knowing nothing costs

local function adding(name, word)
  local net = model(name) { input { p.length, 2 }, area "A" { word { p.units } }, readout "sum" { dense { 1 } } }
  local optimizer = adam { rate = p.rate, clip = 1 }
  optimizer:attach(net)
  for step = 1, p.updates do
    local x, y = problems(p.batch)
    local loss = mse(net:forward(x, { training = true, step = step }), y)
    optimizer:step(loss)
    if step % 500 == 0 then print(name, step, loss:item()) end
  end
  return no_grad(function() return mse(net(tests), answers):item() end)
end

result("lstm_adding_mse", adding("lstm", lstm), "<=", 0.01)
result("gru_adding_mse", adding("gru", gru), "<=", 0.01)
result("vanilla_adding_mse", adding("vanilla", rnn), ">=", 0.1)

-- ---- the gradient fades ------------------------------------------------------------------------------------------

-- The size of the gradient of the last state by what came in `lag` steps before: its logarithm on a straight line.
local function decay()
  local net = model "fading" { input { p.length, 2 }, area "A" { rnn { p.units } } }
  local x = randn { 200, p.length, 2 }:requires_grad(true)
  net(x):backward(randn { 200, p.units })
  local size = x.grad:square():sum { 1, 3 }:sqrt():log():totable()
  local n, mean_t, mean_s, tt, ts, ss = p.length, 0, 0, 0, 0, 0
  for t = 1, n do mean_t, mean_s = mean_t + t / n, mean_s + size[t] / n end
  for t = 1, n do
    local a, b = t - mean_t, size[t] - mean_s
    tt, ts, ss = tt + a * a, ts + a * b, ss + b * b
  end
  local lag = {}
  for t = 1, n do lag[t] = n - t end
  plot.line({ x = lag, y = x.grad:square():sum { 1, 3 }:sqrt():totable(), xlabel = "steps back", ylog = true,
    ylabel = "size of the gradient", title = "Gradients of a plain network" }):save "figure.svg"
  print(string.format("a step back takes the gradient to %.3f of its size", math.exp(-ts / tt)))
  return ts * ts / (tt * ss)
end

result("vanilla_gradient_decay_r2", decay(), ">=", 0.95)

-- ---- digits, row by row -----------------------------------------------------------------------------------------

local rows = layer { word = "rows", doc = "The rows of a picture of one channel as the steps of a sequence.",
  shape = function(_, shape)
    if #shape == 3 and shape[1] == 1 then return { shape[2], shape[3] } end
    return nil, "needs pictures of one channel"
  end,
  apply = function(_, _, x) return x:squeeze(2) end }

if p.digits then
  local digits = data.mnist()
  local net = model "digits" {
    input { 1, 28, 28 }, area "A" { rows, lstm { 128 } }, readout "digit" { dense { 10 } },
  }
  print(net)
  train { model = net, data = digits.train, validate = digits.valid, loss = "cross_entropy", epochs = p.epochs,
    batch = 64, optimizer = adam { rate = 2e-3, schedule = cosine {}, clip = 1 } }
  result("lstm_rows_test_error_percent", 100 * evaluate { model = net, data = digits.test }.error, "<=", 3)
end
