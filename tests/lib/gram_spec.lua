-- neural.gram: what products of images give is what the features give: scores for every division, RDMs, CKA, PCA.
local lamina = require "lamina"
local ops = require "lamina.core.ops"

local neural, predictivity, kfold, try, randn = lamina.neural, lamina.predictivity, lamina.kfold, lamina.try,
  lamina.randn

local N, U = 48, 9
local wide, tall = randn { N, 5000, dtype = "float64" } + 3, randn { N, 7, dtype = "float64" } * 2 - 1
local brain = neural.assembly { { responses = (wide[{ {}, { 1, 30 } }]:matmul(randn { 30, U, dtype = "float64" }) / 5
  + tall:matmul(randn { 7, U, dtype = "float64" })):unsqueeze(3) + randn { N, U, 4, dtype = "float64" },
  stimulus_id = lamina.arange(1, N) } }
local features = { { "wide", wide }, { "tall", tall } }
local gram = neural.gram { features = features }

local function score(given, mapping)
  return predictivity { features = given, responses = brain, splits = kfold { 4, seed = 1 }, reliability = -1,
    mapping = mapping, bootstrap = 100, seed = 1 }
end

local function close_to(a, b, bound) assert.near(0, (a - b):abs():max():item(), bound or 1e-9) end

describe("neural.gram", function()
  it("gives the scores of the features, for every map that rotations leave as it is", function()
    for _, mapping in ipairs { lamina.ridge {}, lamina.ridge(30), lamina.ridge { choose = "loo" }, lamina.ols {},
      lamina.pls(5), lamina.ridge { 10, before = lamina.pca(6) }, lamina.ols { before = lamina.pca(4) } } do
      local from, own = score(gram, mapping), score(features, mapping)
      for _, name in ipairs { "wide", "tall" } do
        close_to(from.neuroids.r[name], own.neuroids.r[name], 1e-8)
      end
      assert.equal(5000, from.rows[1].features)
      assert.matches("reads a layer's features once", tostring(from))
    end
    assert.matches("reads a layer's features 4 times", tostring(score(features, lamina.pls(5))))
    assert.matches("reads a layer's features 24 times", tostring(score(features, lamina.ridge {}))) -- of 7 features
  end)

  it("gives their RDMs, CKA and principal components", function()
    for _, method in ipairs { "correlation", "squared_euclidean", "euclidean" } do
      local found = gram:rdm { method = method }
      assert.same({ "wide", "tall" }, found.names)
      for i, entry in ipairs(features) do
        close_to(found.vectors[i], lamina.rdm({ entry[2], method = method }).vectors[1], 1e-9)
      end
    end
    assert.equal(1, #gram:rdm "tall")
    for _, unbiased in ipairs { true, false } do
      local all = gram:cka { unbiased = unbiased }
      assert.near(lamina.cka { wide, tall, unbiased = unbiased }, all[{ 1, 2 }], 1e-10)
      assert.near(1, all[{ 2, 2 }], 1e-12)
    end
    local scores, variance, ratio = gram:pca { "tall", 4 }
    local m = lamina.pca(4):fit(tall)
    close_to(scores:abs(), m:transform(tall):abs(), 1e-9)
    close_to(variance, m.variance, 1e-9)
    close_to(ratio, m.ratio, 1e-11)
  end)

  it("pairs images by their ids, and keeps to a part of them", function()
    local order = {}
    for i = 1, N do order[i] = (i * 7) % N + 1 end
    local index = lamina.tensor(order, { dtype = "int64" })
    local set = lamina.stimuli.array { lamina.rand { N, 1, 2, 2 }, ids = order }
    local dealt = neural.gram { features = { wide = wide:index_select(index, { dim = 1 }) }, stimuli = set }
    local one = predictivity { features = dealt, stimuli = set, responses = brain, splits = kfold { 4, seed = 1 },
      reliability = -1, mapping = lamina.ols {} }
    close_to(one.neuroids.r.wide, score({ { "wide", wide } }, lamina.ols {}).neuroids.r.wide, 1e-8)
    local few = brain:at({ 3, 5, 8, 13, 21, 34, 40, 41, 42, 44, 45, 46 })
    local part = predictivity { features = dealt, stimuli = set, responses = few, splits = kfold { 3, seed = 1 },
      reliability = -1, mapping = lamina.ridge(1) }
    local same = predictivity { features = { wide = wide:index_select(lamina.tensor(few.stimulus.stimulus_id, {
      dtype = "int64" }), { dim = 1 }) }, responses = few, splits = kfold { 3, seed = 1 }, reliability = -1,
      mapping = lamina.ridge(1) }
    close_to(part.neuroids.r.wide, same.neuroids.r.wide, 1e-8)
  end)

  it("says which maps need the features themselves", function()
    for _, mapping in ipairs { lamina.lasso(0.1), lamina.nnls {}, lamina.one_to_one {}, lamina.ridge {
      standardise = true }, lamina.pls { 3, scale = true }, lamina.ridge { 1,
        before = lamina.random_projection(5) } } do
      assert.matches("needs the features themselves", tostring(select(2, try(score, gram, mapping))))
    end
    assert.matches("no layer 'wid' %(did you mean 'wide'%?%)", tostring(select(2, try(gram.rdm, gram, "wid"))))
    assert.matches("option 'stimuli' is missing", tostring(select(2, try(neural.gram, { features = {
      x = function(x) return x end } }))))
    local bad = tall + 0
    bad[{ 2, 3 }] = 0 / 0
    assert.matches("layer x holds NaN", tostring(select(2, try(neural.gram, { features = { x = bad } }))))
    local flat = ops.concat({ tall, tall * 0 + 1 }, { dim = 1 })
    assert.matches("do not vary", tostring(select(2, try(function()
      return neural.gram({ features = { x = flat } }):rdm {}
    end))))
    assert.matches("gram: products of 48 images in 2 layers, from one pass", tostring(gram))
  end)
end)
