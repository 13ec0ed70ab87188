-- s21_competition.lua: SYSTEMS S21. Competition of responses (k winners) and of weights: a Hebbian unit that sees two
-- groups of correlated inputs, its summed weight kept by subtraction or by multiplication (Miller & MacKay 1994).
local p = experiment "s21-competition" { seed = 1, params = { rate = 0.02, epochs = 60 } }

local function result(metric, value, comparison, threshold)
  report { id = "S21", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

local exact = 1
for k = 1, 16 do
  for _, x in ipairs { randn { 50, 16 }, zeros { 50, 16 }, ones { 50, 16 },
    randint(0, 3, { 50, 16 }):to "float32" } do
    local active = compete.k_winners(x, { k, binary = true }):sum { 2 }
    if active:min():item() ~= k or active:max():item() ~= k then exact = 0 end
  end
  local maps = compete.k_winners(randn { 10, 4, 4, 4 }, { k, "all", binary = true }):sum { 2, 3, 4 }
  if maps:min():item() ~= k or maps:max():item() ~= k then exact = 0 end
end
result("k_active_exact", exact, "==", 1)

-- Each of two groups of 10 shares a signal; a weaker one is common to both.
local n = 500
local signals = randn { n, 2, 1 } * 0.7 + randn { n, 1, 1 } * 0.4 + randn { n, 2, 10 } * 0.6
local inputs = data.tensors { signals:reshape { n, 20 } }

local drift, held = 0, {}
local function share(name, constraints)
  local net = model(name) { input { 20 }, area "A" { dense { 1, bias = false, init = function(shape)
    return (randn(shape) * 0.1 + 1) / 20
  end } } }
  local weight = net:parameters()[1].tensor
  train { model = net, data = inputs, rule = { "hebb", rate = p.rate }, constraints = constraints, epochs = p.epochs,
    batch = 50, log = false }
  drift = math.max(drift, math.abs(weight:detach():to("float64"):sum():item() - 1))
  held[#held + 1] = { y = weight:detach():reshape({ 20 }):totable(), label = name }
  local groups = weight:detach():reshape({ 2, 10 }):sum({ 2 }):totable()
  print(string.format("%s: groups hold %.3f and %.3f of the weight", name, groups[1], groups[2]))
  return math.max(groups[1], groups[2]) / (groups[1] + groups[2])
end

local subtractive = share("subtractive", { { "non_negative" }, { "sum", 1 } })
local multiplicative = share("multiplicative", { { "sum", 1, method = "scale" } })
result("weight_sum_drift", drift, "<=", 1e-6)
result("subtractive_winning_group_weight_percent", 100 * subtractive, ">=", 90)
result("multiplicative_share_graded", multiplicative < 0.9 and 1 or 0, "==", 1)

held.xlabel, held.ylabel = "input, of two groups of ten", "weight"
plot.line(held):save "figure.svg"
