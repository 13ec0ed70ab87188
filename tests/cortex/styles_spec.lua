-- What a score says of itself: measures and formulas that suit each other, Brain-Score's recipe, predictions kept.
local lamina = require "lamina"
local stats = require "lamina.core.stats"

local neural, predictivity, try = lamina.neural, lamina.predictivity, lamina.try

describe("predictivity", function()
  local n, units = 120, 8
  local x = lamina.randn { n, 30, dtype = "float64" }
  local rates = x[{ {}, { 1, 10 } }]:matmul(lamina.randn { 10, units, dtype = "float64" }) / 3
  local trials = rates:unsqueeze(3) + lamina.randn { n, units, 10, dtype = "float64" } * 2
  local names = {}
  for i = 1, n do names[i] = i % 4 == 0 and "face" or "car" end
  local a = neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, n), object_name = names } }

  local function score(given)
    local o = { features = { x = x }, responses = a }
    for name, value in pairs(given) do o[name] = value end
    return predictivity(o)
  end

  it("follows Brain-Score's recipe: medians of divisions, their mean, r^2 / c", function()
    local s = score { style = "brain-score", seed = 4 }
    local row, folds = s.rows[1], lamina.shuffled({ 10, test = 0.1, stratify = "object_name", seed = 1,
      generator = "numpy" }):folds(n, { object_name = names })
    local y, medians = (a:mean()), {}
    for f, fold in ipairs(folds) do
      local train = lamina.tensor(fold.train, { dtype = "int64" })
      local test = lamina.tensor(fold.test, { dtype = "int64" })
      local fit = lamina.pls(25):fit(x:index_select(train, { dim = 1 }), y:index_select(train, { dim = 1 }))
      local r = stats.pearson(fit:predict(x:index_select(test, { dim = 1 })), y:index_select(test, { dim = 1 }))
      medians[f] = r:quantile(0.5):item()
      assert.equal(12, #fold.test)
    end
    local m = lamina.tensor(medians, { dtype = "float64" })
    assert.near(m:mean():item(), row.r, 1e-12)
    assert.near(m:std({ correction = 0 }):item() / math.sqrt(10), row.error, 1e-12)
    assert.near(row.r ^ 2 / row.ceiling, row.ceiled, 1e-12)
    local c = 0
    for _, half in ipairs(lamina.shuffled({ 10, test = 0.5, seed = 1, generator = "numpy" }):folds(10)) do
      local function mean(side) return trials:index_select(lamina.tensor(side, { dtype = "int64" }),
        { dim = 3 }):mean(3) end
      local r = stats.pearson(mean(half.train), mean(half.test))
      c = c + (2 * r / (1 + r)):quantile(0.5):item() / 10
    end
    assert.near(c, row.ceiling, 1e-12)
    assert.near(row.r ^ 2 / c ^ 2, score({ style = "brain-score", ceiled = "(r / c)^2" }).rows[1].ceiled, 1e-12)
    assert.matches("takes ceiled = \"r%^2 / c\"", tostring(select(2, try(score, { style = "brain-score",
      ceiled = "r / c" }))))
    assert.matches("style brain%-score %(brain%-score/vision c642dbe, August 2026%)", tostring(s))
    assert.matches("decides "
      .. "mapping", tostring(select(2, try(score, { style = "brain-score", mapping = lamina.ols {} }))))
  end)

  it("leaves a neuroid out of the divisions that do not test it, as xarray's medians do", function()
    local rare = lamina.zeros { n, 1, 10, dtype = "float64" }
    for _, i in ipairs { 8, 40, 77 } do rare[{ i, 1, {} }] = lamina.rand { 10, dtype = "float64" } + 1 end
    local b = neural.assembly { { responses = lamina.concat({ rare, trials }, { dim = 2 }),
      stimulus_id = lamina.arange(1, n), object_name = names } }
    local s = score { style = "brain-score", responses = b }
    local y, medians, flat = (b:mean()), {}, 0
    for f, fold in ipairs(lamina.shuffled({ 10, test = 0.1, stratify = "object_name", seed = 1,
      generator = "numpy" }):folds(n, { object_name = names })) do
      local train = lamina.tensor(fold.train, { dtype = "int64" })
      local test = lamina.tensor(fold.test, { dtype = "int64" })
      local fit = lamina.pls(25):fit(x:index_select(train, { dim = 1 }), y:index_select(train, { dim = 1 }))
      local truth = y:index_select(test, { dim = 1 })
      local r = stats.pearson(fit:predict(x:index_select(test, { dim = 1 })), truth)
      local first = truth[{ {}, 1 }]:var():item() == 0 and 2 or 1
      flat, medians[f] = flat + first - 1, r[{ { first, units + 1 } }]:quantile(0.5):item()
    end
    assert.is_true(flat > 0 and flat < 10)
    local m = lamina.tensor(medians, { dtype = "float64" })
    assert.near(m:mean():item(), s.rows[1].r, 1e-12)
    assert.near(m:std({ correction = 0 }):item() / math.sqrt(10), s.rows[1].error, 1e-12)
    assert.is_true(s.rows[1].ceiling > 0.5 and s.rows[1].ceiled > 0)
    assert.matches(flat .. " pairs? of a neuroid and a fold left out of the divisions' medians", tostring(s))
  end)

  it("gives the raw score of averages, without a ceiling", function()
    local whole, raw = score { style = "brain-score" }.rows[1], score { style = "brain-score", ceiling = false,
      responses = a:average() }
    local row = raw.rows[1]
    assert.same({ whole.r, whole.error, whole.low }, { row.r, row.error, row.low })
    for _, name in ipairs { "ceiling", "ceiled", "ceiled_low" } do assert.is_nil(row[name]) end
    assert.matches("August 2026%), raw: r is the median", tostring(raw))
    assert.matches("\n  ceiling: none %(ceiling = false%)", tostring(raw))
    assert.matches("decides ceiling", tostring(select(2, try(score, { style = "brain-score",
      ceiling = lamina.split_half { 5 } }))))
    assert.matches("a ceiling needs at least 2", tostring(select(2, try(score, { style = "brain-score",
      responses = a:average() }))))
  end)

  it("keeps predictions, and relates explained variance to c^2", function()
    local s = score { measure = "ev", mapping = lamina.ols {}, predictions = true, reliability = -1,
      splits = lamina.kfold { 6, seed = 1 } }
    assert.same({ n, units }, s.predictions.x.shape)
    assert.is_true(s.responses:equal((a:mean())))
    local folds, total = lamina.kfold({ 6, seed = 1 }):folds(n), lamina.zeros({ units }, { dtype = "float64" })
    for _, fold in ipairs(folds) do
      local test = lamina.tensor(fold.test, { dtype = "int64" })
      local y, guess = s.responses:index_select(test, { dim = 1 }), s.predictions.x:index_select(test, { dim = 1 })
      total = total + 1 - (y - guess):var { dim = 1 } / y:var { dim = 1 }
    end
    assert.near(0, (total / 6 - s.neuroids.r.x):abs():max():item(), 1e-12)
    local ceiled = s.neuroids.r.x / s.neuroids.ceiling:square()
    assert.near(ceiled:quantile(0.5):item(), s.rows[1].ceiled, 1e-12)
    assert.matches("ceiled = 'r / c' is not for measure = 'ev'", tostring(select(2, try(score, { measure = "ev",
      ceiled = "r / c" }))))
  end)

  it("takes every mapping and ceiling", function()
    for _, map in ipairs { lamina.ols {}, lamina.pls { 5 }, lamina.lasso { 0.05 }, lamina.nnls {},
      lamina.one_to_one {}, lamina.ridge { 1, before = lamina.pca(10) } } do
      local s = score { mapping = map, splits = lamina.kfold { 4, seed = 1 } }
      assert.is_true(s.rows[1].r > 0.1, tostring(map))
    end
    for _, word in ipairs { "leave_one_out", "oracle", "explainable_variance" } do
      assert.is_true(score({ mapping = lamina.ols {}, ceiling = neural[word] {} }).rows[1].ceiling > 0.7)
    end
  end)
end)
