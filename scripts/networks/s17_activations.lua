-- s17_activations.lua: SYSTEMS S17. Which activations never decrease, their gradients, and how many steps a network
-- of four convolutions takes to 2 % training error with relu and with tanh (Krizhevsky, Sutskever & Hinton 2012,
-- fig. 1).
local p = experiment "s17-activations" { seed = 1,
  params = { rate = 0.05, batch = 64, steps = 1500, watched = 2000 } }

local function result(metric, value, comparison, threshold)
  report { id = "S17", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

local activations = { relu, leaky_relu, elu, selu, softplus, sigmoid, tanh, lecun_tanh, hard_sigmoid, hard_tanh,
  softsign, relu6, power, naka_rushton, exp, threshold, identity, prelu, gelu, silu, square, abs }

local function apply(word, x)
  if word == prelu then return ops.prelu(x, full({ 1 }, 0.25, { dtype = x.dtype })) end
  return word(x)
end

-- Steps downwards on 10^4 points, in both precisions.
local violations = 0
for _, word in ipairs(activations) do
  for _, dtype in ipairs { "float32", "float64" } do
    local x = linspace(-12, 12, 10000):to(dtype):reshape { 10000, 1 }
    local falls = ops.diff(apply(word, x), { dim = 1 }):lt(0):to("float32"):sum():item()
    if word.monotone then violations = violations + falls end
  end
end
result("monotone_violations", violations, "==", 0)

local passed = 1
local away = tensor { -3.3, -1.7, -0.6, -0.2, 0.15, 0.4, 1.3, 2.4, 5.2, 7.5 }:reshape { 5, 2 } -- from every kink
local words = { function(x) return maxout(x) end, function(x) return glu(x) end }
for _, word in ipairs(activations) do
  if word ~= threshold then words[#words + 1] = function(x) return apply(word, x) end end
end
for _, f in ipairs(words) do
  if not gradcheck(f, { away }, { raise = false }).ok then passed = 0 end
end
result("gradcheck_passed", passed, "==", 1)

-- ---- steps to 2 % training error on MNIST ----------------------------------------------------------------------

local digits = data.mnist()
local watched = digits.train:take(p.watched)

local function steps_of(name, word)
  local net = model(name) {
    input { 1, 28, 28 },
    area "V1" { conv { 8, kernel = 3, pad = 1 }, word, pool.max { 2 } },
    area "V2" { conv { 16, kernel = 3, pad = 1 }, word, pool.max { 2 } },
    area "V4" { conv { 32, kernel = 3, pad = 1 }, word },
    area "IT" { conv { 32, kernel = 3, pad = 1 }, word, pool.max { 2 } },
    readout "digit" { dense { 10 } },
  }
  local optimizer = sgd { rate = p.rate, momentum = 0.9 }
  optimizer:attach(net)
  local step = 0
  for epoch = 1, 10 do
    for b in digits.train:batches { batch = p.batch, shuffle = true, epoch = epoch } do
      optimizer:step(cross_entropy(net:forward(b.x, { training = true, step = step }), b.y))
      step = step + 1
      if step % 10 == 0 and evaluate { model = net, data = watched }.error <= 0.02 then return step end
      if step >= p.steps then
        print(string.format("%s: more than 2 %% of the training items are still wrong after %d steps", name, step))
        return math.huge
      end
    end
  end
end

result("relu_steps_to_2_percent_training_error", steps_of("relu", relu))
result("tanh_steps_to_2_percent_training_error", steps_of("tanh", tanh))

local curves, at = {}, linspace(-4, 4, 161)
for i, case in ipairs { { "relu", relu }, { "tanh", tanh }, { "softplus", softplus }, { "gelu", gelu },
  { "naka_rushton", naka_rushton } } do
  curves[i] = { x = at:totable(), y = case[2](at):totable(), label = case[1] }
end
curves.xlabel, curves.ylabel = "input", "response"
plot.line(curves):save "figure.svg"
