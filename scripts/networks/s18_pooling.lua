-- s18_pooling.lua: SYSTEMS S18. The limits of poolings, what stochastic pooling draws, and gradients.
experiment "s18-pooling" { seed = 1 }

local function result(metric, value, comparison, threshold)
  report { id = "S18", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

local function most(t) return t:abs():max():item() end

local x = rand { 16, 4, 12, 12 }
local mean, largest = pool.avg(x, { 2 }), pool.max(x, { 2 })
local one = pool.lp(x, { 2, p = 1 })
result("lp1_equals_window_mean_times_n", most((one - mean * 4) / (mean * 4)) < 1e-6 and 1 or 0, "==", 1)
result("lp64_deviation_from_max_percent", 100 * most((pool.lp(x, { 2, p = 64 }) - largest) / largest), "<=", 3)
result("softmax_beta_zero_limit_error", most(pool.softmax(x, { 2, beta = 1e-4 }) - mean), "<=", 1e-3)
result("softmax_beta_infinity_limit_error", most(pool.softmax(x, { 2, beta = 1e5 }) - largest), "<=", 1e-3)

-- Windows of the rates 1, 2, 0 and 5: how often each is drawn, by chi squared with 2 degrees of freedom.
local count, rates = 20000, { 1, 2, 5 }
local windows = tensor({ 1, 2, 0, 5 }):reshape({ 1, 1, 2, 2 }):expand({ count, 1, 2, 2 }):contiguous()
local net = model "stochastic" { input { 1, 2, 2 }, area "A" { pool.stochastic { 2 } } }
local drawn = net:forward(windows, { training = true, step = 1 })
local chi2 = 0
for _, rate in ipairs(rates) do
  local want = count * rate / 8
  chi2 = chi2 + (drawn:eq(rate):to("float32"):sum():item() - want) ^ 2 / want
end
result("stochastic_frequency_chi2_p", drawn:eq(0):any():item() and 0 or math.exp(-chi2 / 2), ">", 0.01)

local passed = 1
local points = permutation(120):to "float32":reshape { 1, 4, 5, 6 } * 0.05 - 3.02 -- no two alike, none at a kink
for _, case in ipairs {
  { pool.max, { 3, stride = 2, pad = 1, ceil = true } }, { pool.avg, { 3, stride = 2, pad = 1 } },
  { pool.lp, { 3, stride = 2, p = 2.5 } }, { pool.logsumexp, { 3, stride = 2, beta = 0.7 } },
  { pool.softmax, { 3, stride = 2, beta = 0.7 } }, { pool.stochastic, { 3, stride = 2 } },
  { pool.saturating, { 3, stride = 1 } }, { pool.energy, { 2, root = true } }, { pool.global, { "avg" } },
  { pool.global, { "max" } }, { pool.adaptive, { { 3, 4 } } }, { pool.adaptive, { { 3, 4 }, "max" } },
} do
  local checked = gradcheck(function(t) return case[1](t, case[2]) end, { points }, { raise = false })
  if not checked.ok then
    print(case[1], checked)
    passed = 0
  end
end
for _, layer_ in ipairs { pool.lp { 2, p = 3, learn = true }, pool.softmax { 2, learn = true },
  pool.logsumexp { 2, learn = true } } do
  local learned = model "learned" { input { 4, 5, 6 }, area "A" { layer_ } }
  if not gradcheck(learned, { points }, { raise = false }).ok then passed = 0 end
end
result("gradcheck_passed", passed, "==", 1)

-- From the mean to the maximum of the window 1, 2, 0, 5, by softmax pooling and by the p-norm.
local window, betas, soft, norms = windows[{ { 1, 1 } }], {}, {}, {}
for i = 1, 41 do
  betas[i] = 10 ^ ((i - 21) / 10)
  soft[i] = pool.softmax(window, { 2, beta = betas[i] }):item()
  norms[i] = betas[i] >= 1 and pool.lp(window, { 2, p = betas[i] }):item() or 0 / 0
end
plot.line({ { x = betas, y = soft, label = "softmax, by beta" }, { x = betas, y = norms, label = "p-norm, by p" },
  xlog = true, xlabel = "beta or p", ylabel = "pooled response" }):save "figure.svg"
