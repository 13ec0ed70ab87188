-- Ridge regression against scikit-learn's numbers and the closed form; the penalty it chooses, and its messages.
local lamina = require "lamina"
local mapping = require "lamina.neural.mapping"
local near = require "support.near"

local arange, eye, kfold, randn, ridge, tensor = lamina.arange, lamina.eye, lamina.kfold, lamina.randn,
  lamina.ridge, lamina.tensor

local message_of = require("support.said").message

local function matrix(rows, columns, cell)
  local t = {}
  for i = 0, rows - 1 do
    t[i + 1] = {}
    for j = 0, columns - 1 do t[i + 1][j + 1] = cell(i, j) end
  end
  return tensor(t, { dtype = "float64" })
end

local function features(n, p)
  return matrix(n, p, function(i, j) return ((i * 7 + j * 3) % 11 + (i * j) % 5) / 4 end)
end

local function targets(n, t)
  return matrix(n, t, function(i, k) return ((i * 5 + k * 3) % 7) / 2 - (i * k % 3) end)
end

describe("ridge", function()
  -- scikit-learn 1.x, Ridge(alpha).fit(X, Y): coef_ and intercept_ for features() and targets()
  it("agrees with scikit-learn where images outnumber features", function()
    local fit = ridge({ 0.5 }):fit(features(8, 3), targets(8, 2))
    near({ 0.14060816753091712, 0.6498823428381713, 0.23933590602148574, 0.7119718941614598, -0.6502963856363951,
      0.11609836736790699 }, fit.weights:t():contiguous())
    near({ -0.4110927432865641, 0.6638455528353111 }, fit.intercept)
    near({ 0.04142522729622484, 0.26957028332299726, 0.02527897354706455, 0.2452196658534647, -0.28031320890713374,
      0.020133131450032066 }, ridge(10):fit(features(8, 3), targets(8, 2)).weights:t():contiguous())
  end)

  it("agrees with scikit-learn where features outnumber images", function()
    local fit = ridge({ 10 }):fit(features(5, 7), targets(5, 2))
    near({ 0.07484780304198158, 0.26045996439606256, -0.06490230167682078, -0.10355071681619925, 0.24241226750283795,
      0.09023416115241917, -0.07786516505321694, 0.012618258736873764, -0.1784150656359473, 0.07390398464051058,
      0.07721601748572432, -0.2187666135277122, 0.00696646783620504, 0.11227590936873254 },
      fit.weights:t():contiguous())
    near({ 0.856479970093974, 0.9821011189960568 }, fit.intercept)
  end)

  it("standardises as StandardScaler does, in both forms", function()
    for _, case in ipairs {
      { 8, 3, { 0.789734314877908, 0.42312359108708686, 1.9988989893289733, 0.3356643000349254 } },
      { 5, 7, { 0.37811365201428937, 1.5041922514992545, 2.5463832659567878, -0.23053232260575762 } } } do
      local x, y = features(case[1], case[2]), targets(case[1], 2)
      local fit = ridge({ alphas = 2, standardise = true }):fit(x, y)
      near(case[3], fit:predict(x[{ { 1, 2 } }] + 0.25), 1e-9)
    end
  end)

  it("predicts held-out rows as the closed form does, for every shape and penalty", function()
    for _, p in ipairs { 5, 40 } do
      local x, y = randn { 30, p, dtype = "float64" } + 3, randn { 30, 4, dtype = "float64" } - 1
      local train, test = arange(1, 24), arange(25, 30)
      for _, alpha in ipairs { 0.01, 3, 500 } do
        local guess = ridge(alpha):held_out(mapping.source(x, "x"), y,
          { train = train:totable(), test = test:totable() }, {})
        local a, b = x[{ { 1, 24 } }], y[{ { 1, 24 } }]
        local mean = a:mean { dim = 1, keepdim = true }
        local c = a - mean
        local gram = c:t():matmul(c) + eye(p, { dtype = "float64" }) * alpha
        local w = gram:cholesky():cholesky_solve(c:t():matmul(b - b:mean { dim = 1, keepdim = true }))
        local truth = (x[{ { 25, 30 } }] - mean):matmul(w) + b:mean { dim = 1, keepdim = true }
        assert.near(0, (guess - truth):abs():max():item(), 1e-9)
      end
    end
  end)

  it("chooses the penalty by held-out error: small for clean responses, the largest for pure noise", function()
    local x = randn { 60, 8, dtype = "float64" }
    local clean, noise = x:matmul(randn { 8, 1, dtype = "float64" }), randn { 60, 1, dtype = "float64" }
    local y = lamina.ops.concat(clean, noise, { dim = 2 })
    local fit = ridge({ alphas = { 1e-3, 1, 1e5 } }):fit(x, y, { seed = 1 })
    assert.equal(1e-3, fit.alphas[1])
    assert.equal(1e5, fit.alphas[2])
    local shared = ridge({ alphas = { 1e-3, 1, 1e5 }, per = "all" }):fit(x, y, { seed = 1 })
    assert.equal(shared.alphas[1], shared.alphas[2])
  end)

  it("chooses the penalty that an explicit search finds", function()
    local x, y = randn { 40, 12, dtype = "float64" }, randn { 40, 3, dtype = "float64" }
    y = y + x[{ {}, { 1, 3 } }] * 0.7
    local folds = kfold({ 4, seed = 2 }):folds(40)
    local alphas = { 0.1, 1, 10, 100, 1000 }
    local best, least = {}, {}
    for _, alpha in ipairs(alphas) do
      local sums = { 0, 0, 0 }
      for _, fold in ipairs(folds) do
        local guess = ridge(alpha):held_out(mapping.source(x, "x"), y, fold, {})
        local missed = guess - y:index_select(tensor(fold.test, { dtype = "int64" }), { dim = 1 })
        for t, value in ipairs(missed:square():sum(1):totable()) do sums[t] = sums[t] + value end
      end
      for t = 1, 3 do
        if not least[t] or sums[t] < least[t] then best[t], least[t] = alpha, sums[t] end
      end
    end
    local _, chosen = ridge({ alphas = alphas }):held_out(mapping.source(x, "x"), y,
      { train = arange(1, 40):totable(), test = { 1 } }, folds)
    assert.same(best, chosen)
  end)

  it("refuses penalties that are not above 0, and features that are not finite", function()
    assert.matches("penalty 0", message_of(ridge, { 0 }))
    assert.matches("unknown option 'alpha' %(did you mean 'alphas'%?%)", message_of(ridge, { alpha = 1 }))
    local x = randn { 6, 2, dtype = "float64" }
    x[{ 2, 1 }] = 0 / 0
    assert.matches("NaN or infinite", message_of(function() ridge(1):fit(x, targets(6, 1)) end))
    assert.matches("x is 6x0: it holds no features", message_of(function()
      ridge(1):fit(features(6, 0), targets(6, 1))
    end))
  end)

  it("refuses lists for tensors, rows of another width, and predictions before a fit", function()
    local fitted = ridge(1):fit(features(8, 3), targets(8, 2))
    assert.same({ 2, 2 }, fitted:predict(features(2, 3)).shape)
    assert.matches("x is a table, expected a tensor", message_of(function() ridge(1):fit({ { 1 } }, { 1 }) end))
    assert.matches("3 features in each row", message_of(function() fitted:predict(features(2, 4)) end))
    assert.matches("nothing is fitted yet", message_of(function() ridge(1):predict(features(2, 3)) end))
    assert.matches("did you mean 'weights'", message_of(function() return fitted.weight end))
    assert.matches("the number of images", message_of(function() kfold({ 5 }):folds(features(2, 3)) end))
  end)
end)
