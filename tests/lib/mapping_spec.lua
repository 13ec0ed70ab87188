-- Mappings against scikit-learn's and SciPy's numbers (tests/peers/mapping.py), against each other; their messages.
local lamina = require "lamina"
local core_io = require "lamina.core.io"
local fitting = require "lamina.core.fit"
local mapping = require "lamina.neural.mapping"

local kfold, logspace = lamina.kfold, lamina.logspace
local randn, zeros, ones, arange, tensor = lamina.randn, lamina.zeros, lamina.ones, lamina.arange, lamina.tensor
local stored = core_io.npz_read "tests/fixtures/neural/mapping.npz"

local message_of = require("support.said").message

-- max |a - b| <= 1e-6 max |b|
local function agrees(ours, theirs, what, tolerance)
  local off = (ours:to "float64" - theirs:to "float64"):abs():max():item()
  local scale = theirs:abs():max():item()
  assert(off <= (tolerance or 1e-6) * scale, string.format("%s: off by %g of %g", what, off, scale))
end

local function each(f)
  for _, name in ipairs { "tall", "wide", "many" } do
    f(name, stored[name .. ".x"], stored[name .. ".y"], function(what) return stored[name .. "." .. what] end)
  end
end

local function same_fit(fit, of, word, what)
  agrees(fit.weights, of(word .. ".coef"), what .. " " .. word)
  agrees(fit.intercept, of(word .. ".intercept"), what .. " " .. word .. " intercept")
end

describe("mappings", function()
  it("agree with scikit-learn's Ridge, LinearRegression, PLSRegression, Lasso and ElasticNet", function()
    each(function(name, x, y, of)
      local k = math.min(4, x:size(2))
      same_fit(lamina.ridge(3):fit(x, y), of, "ridge", name)
      same_fit(lamina.ols({}):fit(x, y), of, "ols", name)
      for _, algorithm in ipairs { "covariance", "nipals" } do
        same_fit(lamina.pls({ k, algorithm = algorithm }):fit(x, y), of, "pls", name .. " " .. algorithm)
        local tight = lamina.pls { k, algorithm = algorithm, tol = 1e-20, iterations = 100000 }
        same_fit(tight:fit(x, y), of, "pls_tight", name .. " " .. algorithm)
      end
      same_fit(lamina.pls({ math.min(3, x:size(2)), scale = true }):fit(x, y), of, "pls_scaled", name)
      same_fit(lamina.lasso({ 0.05, tol = 1e-14 }):fit(x, y), of, "lasso", name)
      same_fit(lamina.lasso({ 0.05, tol = 1e-14, positive = true }):fit(x, y), of, "lasso_positive", name)
      same_fit(lamina.elastic_net({ 0.2, ratio = 0.3, tol = 1e-14 }):fit(x, y), of, "elastic", name)
    end)
  end)

  it("choose scikit-learn's penalty by leaving one out (RidgeCV), for each target", function()
    each(function(name, x, y, of)
      local fit = lamina.ridge({ alphas = logspace(-2, 4, 13, { dtype = "float64" }), choose = "loo" }):fit(x, y)
      same_fit(fit, of, "ridgecv", name)
      for t, alpha in ipairs(of "ridgecv.alphas":totable()) do assert.near(1, fit.alphas[t] / alpha, 1e-9) end
    end)
  end)

  it("agree with SciPy's nnls", function()
    each(function(name, x, y, of)
      local fit = lamina.nnls({}):fit(x, y)
      agrees(fit.weights, of "nnls.coef", name .. " nnls")
      assert.is_true(fit.weights:min():item() >= 0)
    end)
  end)

  it("agree with scikit-learn's PCA up to sign", function()
    each(function(name, x, _, of)
      local m = lamina.pca({ math.min(4, x:size(2)) }):fit(x)
      agrees(m.components:abs(), of "pca.components":abs(), name .. " components")
      agrees(m.variance, of "pca.variance", name .. " variance")
      agrees(m.ratio, of "pca.ratio", name .. " ratio")
      agrees(m:transform(x):abs(), of "pca.scores":abs(), name .. " scores")
    end)
  end)

  it("give scikit-learn's PLS weights with their signs, and both algorithms the same components", function()
    each(function(name, x, y, of)
      local a, b = x - x:mean { dim = 1, keepdim = true }, y - y:mean { dim = 1, keepdim = true }
      local k = math.min(4, x:size(2))
      local fast = { fitting.pls(a, b, k, 1e-6, 500, false) }
      local slow = { fitting.pls(a, b, k, 1e-6, 500, true) }
      agrees(fast[1], of "pls.weights", name .. " weights")
      for i = 1, 4 do agrees(fast[i], slow[i], name .. " result " .. i, 1e-9) end
      assert.equal(k, fast[5])
      agrees(a:matmul(fast[2]:t()):t():matmul(a:matmul(fast[2]:t())):diagonal(),
        a:matmul(fast[2]:t()):square():sum(1), name .. " scores are uncorrelated", 1e-12)
    end)
  end)
end)

describe("PLS", function()
  it("with every component is least squares", function()
    local x, y = randn { 50, 12, dtype = "float64" }, randn { 50, 4, dtype = "float64" }
    agrees(lamina.pls(12):fit(x, y).weights, lamina.ols({}):fit(x, y).weights, "full rank", 1e-9)
  end)

  it("stops where nothing is left, and takes no more components than there are", function()
    local x = randn { 20, 3, dtype = "float64" }:matmul(randn { 3, 8, dtype = "float64" })
    local y = x[{ {}, { 1, 2 } }]
    local fit = lamina.pls(25):fit(x, y)
    assert.near(0, (fit:predict(x) - y):abs():max():item(), 1e-6)
    agrees(lamina.pls(5):fit(x, ones { 20, 1, dtype = "float64" }):predict(x), ones { 20, 1 }, "a constant", 1e-12)
  end)

  it("chooses the number of components inside the training images", function()
    local x = randn { 80, 30, dtype = "float64" }
    local y = x[{ {}, { 1, 1 } }] + randn { 80, 1, dtype = "float64" } * 2
    local map = lamina.pls { { 2, 30 } }
    local fit = map:fit(x, y, { seed = 3 })
    assert.equal(2, fit.chosen[1])
    assert.matches("PLS, 2, 30 components, one of 2 chosen per layer in 5 inner folds", tostring(map))
  end)

  it("tells of components that had not settled", function()
    local map = lamina.pls { 2, iterations = 2, tol = 1e-30 }
    map:fit(randn { 30, 6, dtype = "float64" }, randn { 30, 5, dtype = "float64" })
    assert.matches("2 fits stopped before they had settled", tostring(map))
  end)
end)

describe("features that vary by rounding alone", function()
  local n, half = 200, 150
  local held = { { half + 1, n } }
  -- 0.1, and by a unit in the last place more in some rows; in one that is held out the unit is active
  local function dead(seed)
    local x = zeros { n, 1 } + 0.1
    x = x + lamina.randint(0, 1, { n, 1 }, { seed = seed }):to "float32" * 2.0 ^ -27
    x[{ n, 1 }] = 0.5
    return x
  end
  local y = randn({ n, 3 }, { seed = 9 }):to "float64"

  it("count as constant: a dead unit that an image wakes does not blow predictions up", function()
    local x = lamina.ops.concat({ dead(1), dead(2), dead(3) }, { dim = 2 })
    assert.is_true(x[{ { 1, half } }]:std({ dim = 1 }):min():item() > 0) -- the test would show nothing otherwise
    local mean = y[{ { 1, half } }]:mean { dim = 1, keepdim = true }
    for _, map in ipairs { lamina.ols {}, lamina.pls { 3 }, lamina.pls { 3, algorithm = "nipals" },
      lamina.pls { 3, scale = true }, lamina.ridge { 1e-3, standardise = true }, lamina.one_to_one {},
      lamina.lasso { 1e-3, standardise = true } } do
      local guess = map:fit(x[{ { 1, half } }], y[{ { 1, half } }]):predict(x[held])
      assert((guess - mean):abs():max():item() < 1e-2, tostring(map))
    end
    local double = x:to "float64" -- where the same differences are no rounding
    local blown = lamina.ols({}):fit(double[{ { 1, half } }], y[{ { 1, half } }]):predict(double[held])
    assert.is_true((blown - mean):abs():max():item() > 1e3)
  end)

  it("are no direction, where they are the difference of two that vary", function()
    local a = lamina.rand({ n, 1 }, { seed = 4 })
    local b = a + lamina.randint(0, 1, { n, 1 }, { seed = 5 }):to "float32" * 2.0 ^ -25
    b[{ n, 1 }] = 0
    local x = lamina.ops.concat({ a, b }, { dim = 2 })
    for _, map in ipairs { lamina.ols {}, lamina.pls { 2 }, lamina.pls { 2, algorithm = "nipals" },
      lamina.pls { 2, scale = true } } do
      local m = map:fit(x[{ { 1, half } }], y[{ { 1, half } }])
      assert(m.weights:abs():max():item() < 10, tostring(map))
      local double = map:fit(x[{ { 1, half } }]:to "float64", y[{ { 1, half } }])
      assert.is_true(double.weights:abs():max():item() > 1e4)
    end
  end)

  it("are told column by column: large features beside small ones, constant ones, whole numbers", function()
    local small = randn({ n, 3 }, { seed = 6 })
    local truth = small:to("float64"):matmul(tensor({ { 1 }, { 2 }, { 3 } }, { dtype = "float64" }))
    for _, large in ipairs { randn({ n, 1 }, { seed = 7 }) * 1000 + 1e8, zeros { n, 1 } + 1e8 } do
      local x = lamina.ops.concat({ large, small }, { dim = 2 })
      for _, map in ipairs { lamina.ols {}, lamina.pls { 4 }, lamina.pls { 4, algorithm = "nipals" } } do
        agrees(map:fit(x, truth).weights, tensor { { 0 }, { 1 }, { 2 }, { 3 } }, tostring(map), 1e-3)
      end
    end
    local counts = lamina.arange(0, n - 1):reshape { n, 1 } % 10 + 1000000000
    assert.equal("int64", counts.dtype)
    for _, map in ipairs { lamina.ols {}, lamina.one_to_one {} } do
      agrees(map:fit(counts, counts:to "float64" * 2 - 2e9).weights, tensor { { 2 } }, tostring(map), 1e-9)
    end
    -- one that varies little, but by more than rounding, among many that do not: the line through it stays
    local wide = zeros { 20, 500 } + 0.1
    wide[{ {}, 1 }] = wide[{ {}, 1 }] + randn({ 20 }, { seed = 8 }) * 1e-6
    local some = y[{ { 1, 20 } }]
    local off, up = wide[{ {}, { 1, 1 } }]:to "float64", some - some:mean { dim = 1, keepdim = true }
    off = off - off:mean { dim = 1, keepdim = true }
    local line = off:t():matmul(up) / off:square():sum()
    local weights = lamina.ols({}):fit(wide, some).weights
    agrees(weights[{ { 1, 1 } }], line, "a column that varies little", 1e-9)
    assert.equal(0.0, weights[{ { 2, 500 } }]:abs():max():item())
  end)
end)

describe("LASSO and elastic net", function()
  it("leave every weight 0 from the least such penalty on, and satisfy their conditions below", function()
    local x, y = randn { 40, 60, dtype = "float64" }, randn { 40, 3, dtype = "float64" }
    local a, b = x - x:mean { dim = 1, keepdim = true }, y - y:mean { dim = 1, keepdim = true }
    local most = a:t():matmul(b):abs():max():item() / 40
    assert.equal(0, lamina.lasso(most * 1.0001):fit(x, y).weights:abs():max():item())
    local alpha = 0.3 * most
    local w = lamina.lasso({ alpha, tol = 1e-14 }):fit(x, y).weights
    local g = a:t():matmul(b - a:matmul(w)) / 40
    assert.near(0, (g:abs():clamp(alpha, math.huge) - alpha):max():item(), 1e-7)
    assert.near(0, (w:abs():gt(0):to "float64" * (g - w:sign() * alpha)):abs():max():item(), 1e-7)
  end)

  it("choose a penalty: a large one for noise, a small one for clean sparse responses", function()
    local x = randn { 60, 20, dtype = "float64" }
    local y = lamina.ops.concat(x[{ {}, { 3, 3 } }] * 2, randn { 60, 1, dtype = "float64" }, { dim = 2 })
    local fit = lamina.lasso({}):fit(x, y, { seed = 1 })
    assert.equal(0.001, tonumber(string.format("%.6g", fit.chosen[1])))
    assert.is_true(fit.chosen[2] > 0.1)
    assert.near(2, fit.weights[3][1], 0.01)
  end)
end)

describe("NNLS", function()
  it("gives least squares where that is positive, and refuses dependent columns", function()
    local x = randn { 30, 5, dtype = "float64" }:abs()
    local w = arange(1, 5):to "float64":reshape { 5, 1 }
    agrees(lamina.nnls({}):fit(x, x:matmul(w)).weights, w, "positive weights", 1e-10)
    local twice = lamina.ops.concat(x, x[{ {}, { 1, 1 } }], { dim = 2 })
    local fit = lamina.nnls({}):fit(twice, x:matmul(w))
    assert.near(0, (fit:predict(twice) - x:matmul(w)):abs():max():item(), 1e-9)
  end)
end)

describe("one_to_one and space_feature", function()
  it("find the feature of largest |r|, as a loop does", function()
    local x, y = randn { 30, 7, dtype = "float64" }, randn { 30, 4, dtype = "float64" }
    local w = lamina.one_to_one({}):fit(x, y).weights
    local r = lamina.ops.concat(x, y, { dim = 2 }):t():corrcoef()
    for t = 1, 4 do
      local best, at = 0, 0
      for j = 1, 7 do
        if math.abs(r[j][7 + t]) > best then best, at = math.abs(r[j][7 + t]), j end
      end
      local slope = r[at][7 + t] * (y[{ {}, t }]:std():item() / x[{ {}, at }]:std():item())
      for j = 1, 7 do assert.near(j == at and slope or 0, w[j][t], 1e-10) end
    end
  end)

  it("recover a place times a preference, and need maps", function()
    local x, s, c = randn { 90, 3, 4, 5, dtype = "float64" }, randn { 1, 20, dtype = "float64" },
      randn { 3, 1, dtype = "float64" }
    local w = (c * s):reshape { 60, 1 }
    local fit = lamina.space_feature({ 1e-8, iterations = 30 }):fit(x, x:reshape { 90, 60 }:matmul(w))
    agrees(fit.weights, w, "weights", 1e-6)
    assert.same({ 2, 1 }, fit:predict(x[{ { 1, 2 } }]).shape)
    assert.matches("space_feature: space_feature:fit: x has 6 features, expected channels x height x width",
      message_of(function() lamina.space_feature(1):fit(randn { 9, 6 }, randn { 9, 1 }) end))
  end)
end)

describe("held-out predictions", function()
  it("of every mapping are those of a fit on the training images, reductions included", function()
    local x, y = randn { 40, 3, 2, 4, dtype = "float64" }, randn { 40, 3, dtype = "float64" }
    local train, test = arange(1, 30):totable(), arange(31, 40):totable()
    for _, map in ipairs { lamina.ols {}, lamina.pls(3), lamina.pls { 3, scale = true }, lamina.lasso(0.1),
      lamina.elastic_net { 0.1, standardise = true }, lamina.nnls { standardise = true }, lamina.one_to_one {},
      lamina.space_feature(2), lamina.ridge(2), lamina.ridge { 2, before = lamina.pca(5) },
      lamina.ols { before = lamina.random_projection { 6, seed = 2 } }, lamina.pls { 2, before = lamina.pca { 6,
        whiten = true } }, lamina.ridge { 2, before = { lamina.random_projection { 12, seed = 2 }, lamina.pca(4) } },
      } do
      local guess = map:held_out(mapping.source(x, "x"), y, { train = train, test = test }, {})
      local fit = map:fit(x[{ { 1, 30 } }], y[{ { 1, 30 } }])
      agrees(guess, fit:predict(x[{ { 31, 40 } }]), tostring(map), 1e-9)
    end
  end)

  it("after several reductions are those of the reductions by hand, one after the other", function()
    local x, y = randn { 40, 24, dtype = "float64" }, randn { 40, 3, dtype = "float64" }
    local train = x[{ { 1, 30 } }]
    local projection = lamina.random_projection({ 12, seed = 2 }):fit(train)
    local components = lamina.pca(4):fit(projection:transform(train))
    local function reduced(part) return components:transform(projection:transform(part)) end
    local map = lamina.ridge { 2, before = { lamina.random_projection { 12, seed = 2 }, lamina.pca(4) } }
    local fit = map:fit(train, y[{ { 1, 30 } }])
    local plain = lamina.ridge(2):fit(reduced(train), y[{ { 1, 30 } }])
    agrees(plain:predict(reduced(x[{ { 31, 40 } }])), fit:predict(x[{ { 31, 40 } }]), "by hand", 1e-12)
    assert.equal("ridge, penalty 2, after random projection to 12 dimensions, seed 2 and PCA to 4 components",
      tostring(map))
    assert.equal("ridge, penalty 2, after PCA to 4 components", tostring(lamina.ridge { 2, before = {
      lamina.pca(4) } }))
  end)

  it("by leaving one out agree with leaving one out", function()
    local x, y = randn { 18, 25, dtype = "float64" }, randn { 18, 2, dtype = "float64" }
    for _, p in ipairs { 5, 25 } do
      local part = x[{ {}, { 1, p } }]:contiguous()
      local alphas, sums = { 0.1, 1, 10, 100 }, {}
      for i, alpha in ipairs(alphas) do
        local total = zeros { 2, dtype = "float64" }
        for _, fold in ipairs(kfold({ 18, seed = 1 }):folds(18)) do
          local guess = lamina.ridge(alpha):held_out(mapping.source(part, "x"), y, fold, {})
          total = total + (guess - y[{ { fold.test[1], fold.test[1] } }]):square():reshape { 2 }
        end
        sums[i] = total:totable()
      end
      local fit = lamina.ridge({ alphas = alphas, choose = "loo" }):fit(part, y)
      for t = 1, 2 do
        local best = 1
        for i = 2, 4 do
          if sums[i][t] < sums[best][t] then best = i end
        end
        assert.equal(alphas[best], fit.alphas[t])
      end
    end
  end)
end)

-- Ridge by its definition: centred features, (X'X + alpha I) W = X'Y by a general solver, the fold's penalty of least
-- squared error on its inner folds.
local function plain_ridge(x, y, train, test, inner, alphas)
  local function rows(t, list) return t:index_select(lamina.tensor(list, { dtype = "int64" }), { dim = 1 }) end
  local function predict(some, held, alpha)
    local a, b = rows(x, some), rows(y, some)
    local a_mean, b_mean = a:mean { dim = 1, keepdim = true }, b:mean { dim = 1, keepdim = true }
    a, b = a - a_mean, b - b_mean
    local w = (a:t():matmul(a) + alpha * lamina.eye(x:size(2), { dtype = "float64" })):solve(a:t():matmul(b))
    return (rows(x, held) - a_mean):matmul(w) + b_mean
  end
  local best, chosen = {}, {}
  for _, alpha in ipairs(alphas) do
    local sum = zeros { y:size(2), dtype = "float64" }
    for _, fold in ipairs(inner) do
      sum = sum + (predict(fold.train, fold.test, alpha) - rows(y, fold.test)):square():sum(1)
    end
    for t, error in ipairs(sum:totable()) do
      if not best[t] or error < best[t] then best[t], chosen[t] = error, alpha end
    end
  end
  local guess = {}
  for t, alpha in ipairs(chosen) do guess[t] = predict(train, test, alpha)[{ {}, { t, t } }] end
  return lamina.ops.concat(guess, { dim = 2 }), chosen
end

describe("ridge in inner folds", function()
  local alphas = { 1000, 100, 10, 1, 0.1 }
  local test = arange(81, 100):totable()
  local all = arange(1, 80):totable()

  -- features p: one matrix for each of the 5 parts where 5 p <= 2 n, else one for each fold
  local function holds(p, inner, train, dtype)
    local x = randn { 100, p, dtype = dtype } + 30
    local y = x:to "float64":matmul(randn { p, 3, dtype = "float64" })
      + randn { 100, 3, dtype = "float64" } * tensor { 0.1, 10, 60 }
    local guess, chosen = lamina.ridge({ alphas = alphas }):held_out(mapping.source(x, "x"), y, { train = train,
      test = test }, inner)
    local plain, by = plain_ridge(x:to "float64", y, train, test, inner, alphas)
    assert.same(by, chosen)
    agrees(guess, plain, p .. " features", 1e-9)
  end

  it("is ridge by its definition, with few features and with many", function()
    for _, p in ipairs { 1, 7, 32, 33, 60 } do
      for _, dtype in ipairs { "float32", "float64" } do
        holds(p, kfold({ 5, seed = 3 }):folds(80), all, dtype)
      end
    end
  end)

  it("is so where inner folds leave images out, test them twice or train on a part of the others", function()
    local folds = kfold({ 4, seed = 3 }):folds(80)
    holds(7, { folds[1], folds[2], folds[3] }, all, "float64")
    holds(7, { folds[1], folds[2], folds[3], folds[1] }, all, "float64")
    local fewer = table.move(folds[1].train, 1, 40, 1, {})
    holds(7, { { train = fewer, test = folds[1].test }, folds[2], folds[3], folds[4] }, all, "float64")
    local twice = table.move(folds[1].train, 1, 59, 1, {})
    twice[60] = twice[59]
    holds(7, { { train = twice, test = folds[1].test }, folds[2], folds[3], folds[4] }, all, "float64")
  end)

  it("keeps its digits where one part's features lie far from the others'", function()
    local x, y = randn { 60, 4, dtype = "float64" }, randn { 60, 2, dtype = "float64" }
    local folds = {}
    for f = 1, 3 do
      folds[f] = { test = arange(20 * f - 19, 20 * f):totable(), train = {} }
      for i = 1, 60 do
        if (i - 1) // 20 + 1 ~= f then table.insert(folds[f].train, i) end
      end
    end
    x = x + (arange(1, 60):gt(40):to "float64" * 1e4):reshape { 60, 1 }
    local rows = arange(1, 60):totable()
    local guess, chosen = lamina.ridge({ alphas = alphas }):held_out(mapping.source(x, "x"), y, { train = rows,
      test = { 1, 50 } }, folds)
    local plain, by = plain_ridge(x, y, rows, { 1, 50 }, folds, alphas)
    assert.same(by, chosen)
    agrees(guess, plain, "far apart", 1e-7)
  end)
end)

describe("reductions", function()
  -- Features and images are read in pieces of 1536.
  it("give the right singular vectors of centred features, wide or tall, in one piece or several", function()
    for _, shape in ipairs { { 12, 1536 }, { 12, 1537 }, { 12, 3100 }, { 1536, 6 }, { 1537, 6 }, { 3100, 6 } } do
      for _, dtype in ipairs { "float32", "float64" } do
        local x = randn { shape[1], shape[2], dtype = dtype } + 5
        local m, z = lamina.pca(3):fit(x), x:to "float64"
        z = z - z:mean { dim = 1, keepdim = true }
        local _, s, vt = z:svd { method = "exact" }
        agrees(m.components:abs(), vt[{ { 1, 3 } }]:abs(), "components of " .. shape[1], 1e-9)
        agrees(m.variance, (s:square() / (shape[1] - 1))[{ { 1, 3 } }], "variance of " .. shape[1], 1e-11)
        agrees(m.ratio, s:square()[{ { 1, 3 } }] / s:square():sum(), "ratio of " .. shape[1], 1e-11)
        agrees(m.mean, x:to "float64":mean(1), "mean of " .. shape[1], 1e-13)
        for k = 1, 3 do
          local row = m.components[k]
          assert.equal(row:abs():max():item(), row:max():item())
        end
      end
    end
  end)

  it("refuse to find components of no features, and of those whose squares overflow", function()
    assert.matches("pca: fitted on 4x0, expected at least two rows", message_of(function()
      lamina.pca(2):fit(zeros { 4, 0 })
    end))
    for _, shape in ipairs { { 4, 9 }, { 9, 4 } } do
      assert.matches("pca: the squares of the features.* add up to more than float64 holds", message_of(function()
        lamina.pca(2):fit(randn { shape[1], shape[2], dtype = "float64" } * 1e200)
      end))
    end
  end)

  it("tell numbers whose sum overflows from those that are not finite", function()
    local common = require "lamina.neural.common"
    local x = zeros { 5, 40 } + 3e38
    assert.equal(0, common.holes(x))
    x[{ 2, 3 }] = math.huge
    x[{ 4, 4 }] = -math.huge
    x[{ 5, 1 }] = 0 / 0
    assert.equal(3, common.holes(x))
  end)

  it("keep distances: PCA with all components exactly, projections on average", function()
    local x = randn { 12, 30, dtype = "float64" }
    local z = lamina.pca(1000):fit(x):transform(x)
    assert.same({ 12, 11 }, z.shape)
    agrees(z:square():sum(), (x - x:mean { dim = 1, keepdim = true }):square():sum(), "variance", 1e-10)
    for _, sparse in ipairs { false, true } do
      local wide = randn { 6, 900, dtype = "float64" }
      local p = lamina.random_projection({ 600, seed = 1, sparse = sparse }):fit(wide):transform(wide)
      for i = 1, 6 do
        local part = (p[i]:square():sum() / wide[i]:square():sum()):item()
        assert.is_true(math.abs(part - 1) < 0.25, "length of " .. part)
      end
    end
  end)

  it("say what does not fit", function()
    for _, case in ipairs {
      { function() lamina.ridge { 1, before = 5 } end, "ridge: before is a number, expected pca" },
      { function() lamina.ols { before = {} } end, "ols: before is a table, expected pca" },
      { function() lamina.ols { before = { lamina.pca(2), 3 } } end, "ols: entry 2 of before is a number, expected" },
      { function() lamina.ols { before = { lamina.pca(3), lamina.pca { 2, on = ones { 4, 3 } } } } end,
        "ols: entry 2 of before is a pca fitted on features of other images" },
      { function() lamina.pca(2):fit(ones { 4, 3 }) end, "the features do not vary over the 4 images" },
      { function() lamina.pls { {} } end, "pls: components is empty" },
      { function() lamina.pls { { 1.5 } } end, "components = 1.5, expected whole numbers above 0" },
      { function() lamina.lasso(0) end, "lasso: penalty 0, expected a number above 0" },
      { function() lamina.elastic_net { 1, ratio = 0 } end, "option 'ratio' is 0" },
      { function() lamina.ols({}):fit(randn { 5, 2 }, zeros { 4 }) end, "ols:fit: x has 5 rows and y has 4" },
      { function() lamina.nnls({}):fit(randn { 3, 2 }, lamina.full({ 3 }, 0 / 0)) end,
        "nnls:fit: y holds NaN or infinite values %(3 of 3%)" },
      { function() lamina.pls({}):predict(randn { 3, 2 }) end, "pls: nothing is fitted yet; m = pls {}:fit" },
      { function() lamina.ridge { components = 3 } end, "standardise%); 'components' is an option of pls" },
      { function() lamina.pls { choose = "gcv" } end, "'choose' is an option of ridge" },
      { function() lamina.ridge { choose = "aic" } end, "option 'choose' is 'aic', expected one of" },
    } do assert.matches(case[2], message_of(case[1])) end
  end)
end)

describe("shuffled", function()
  it("tests a part of the images, every class in proportion, anew each time", function()
    local labels = {}
    for i = 1, 40 do labels[i] = i <= 20 and "a" or i <= 30 and "b" or "c" end
    local folds = lamina.shuffled({ 6, test = 0.2, stratify = "kind", seed = 2 }):folds(40, { kind = labels })
    assert.equal(6, #folds)
    local texts = {}
    for _, fold in ipairs(folds) do
      assert.equal(8, #fold.test)
      local counts, seen = { a = 0, b = 0, c = 0 }, {}
      for _, i in ipairs(fold.test) do counts[labels[i]], seen[i] = counts[labels[i]] + 1, true end
      assert.same({ a = 4, b = 2, c = 2 }, counts)
      for _, i in ipairs(fold.train) do assert.is_nil(seen[i]) end
      assert.equal(40, #fold.train + #fold.test)
      texts[table.concat(fold.test, " ")] = true
    end
    local different = 0
    for _ in pairs(texts) do different = different + 1 end
    assert.equal(6, different)
    assert.matches("shuffled: the stimuli have no coordinate 'kin' %(did you mean 'kind'", message_of(function()
      lamina.shuffled({ stratify = "kin" }):folds(40, { kind = labels })
    end))
  end)
end)
