-- Classifiers against scikit-learn (tests/peers/classifiers.py) and plain loops, decoding, pseudopopulations.
local classifiers = require "lamina.neural.classifiers"
local core_io = require "lamina.core.io"
local decode = require "lamina.neural.decode"
local pseudo = require "lamina.neural.pseudo"
local tensor = require "lamina.core.tensor"

local peer = core_io.json_read "tests/fixtures/classifiers.json"

local function t(list) return tensor.tensor(list, { dtype = "float64" }) end

local function same(a, b)
  b = tensor.is_tensor(b) and b or t(b)
  local off = (a:reshape { -1 } - b:reshape { -1 }):abs():max():item() / b:abs():max():item()
  assert.is_true(off <= 1e-6, "off by " .. off)
end

local function raises(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, message)
  assert.matches(message, tostring(err), 1, true)
end

local function draw(shape, purpose)
  return tensor.draw { kind = "normal", shape = shape, seed = 2, purpose = purpose, dtype = "float64" }
end

describe("classifiers", function()
  -- Up to 2000 items svm takes products of items, of more the span of them: the same minimum, where w = 2 C sum y
  -- slack x.
  it("reach the minimum of an svm with 2000 items and more, of more features than items", function()
    local p, c = 2010, 0.01
    local all, number = draw({ 2001, p }, "many"), {}
    for i = 1, 2001 do number[i] = all[{ i, 1 }] + all[{ i, 2 }] > 0 and 1 or 2 end
    for _, n in ipairs { 2000, 2001 } do
      local x, labels = all[{ { 1, n } }]:contiguous(), table.move(number, 1, n, 1, {})
      local m = classifiers.svm({ C = c, standardise = false }):fit(x, labels)
      assert.is_true(m.settled)
      local y = t(labels):eq(m.classes[1]):to "float64" * 2 - 1
      local pull = y * (1 - y * m:scores(x)[{ {}, 1 }]):relu() * (2 * c)
      local w = m.weights[1]
      assert.is_true((x:t():matmul(pull) - w):abs():max():item() <= 1e-7 * w:abs():max():item())
      assert.near(pull:sum():item(), m.bias[{ 1, 1 }], 1e-7)
    end
  end)

  for name, case in pairs(peer) do
    local x, new = t(case.x), t(case.new)

    it("are scikit-learn's LinearSVC, LogisticRegression and NearestCentroid: " .. name, function()
      local svm = classifiers.svm({ C = 0.7, standardise = false }):fit(x, case.y)
      same(svm.weights, case.svm.weights)
      same(svm.bias, case.svm.bias)
      local log = classifiers.logistic({ C = 0.7, standardise = false }):fit(x, case.y)
      same(log.weights, case.logistic.weights)
      same(log:scores(new):log_softmax { dim = 2 }, case.logistic.scores)
      assert.is_true(svm.settled and log.settled)
      assert.same(case.nearest_centroid,
        classifiers.nearest_centroid({ standardise = false }):fit(x, case.y):predict(new))
    end)

    it("reach a point where the gradient vanishes, of any errors' weight: " .. name, function()
      local y = case.y
      for _, c in ipairs { 1e-4, 0.3, 1e4 } do
        local m = classifiers.svm({ C = c, standardise = false, tolerance = 1e-10 }):fit(x, y)
        assert.is_true(m.settled)
        for k, class in ipairs(m.classes) do
          local sum, bias, first = m.weights[k] * 1, m.bias[{ k, 1 }], 0
          for i = 1, #x do
            local sign = y[i] == class and 1 or -1
            local slack = math.max(0, 1 - sign * ((x[i] * m.weights[k]):sum():item() + m.bias[{ k, 1 }]))
            sum, bias, first = sum - x[i] * (2 * c * sign * slack), bias - 2 * c * sign * slack, first + 2 * c
          end
          assert.is_true(math.max(sum:abs():max():item(), math.abs(bias)) <= 1e-8 * math.max(1, first))
        end
      end
    end)

    it("correlate with mean patterns, standardised on the training items: " .. name, function()
      local m = classifiers.max_correlation({}):fit(x, case.y)
      local z = (x - x:mean { dim = 1, keepdim = true }) / x:std { dim = 1, keepdim = true, correction = 0 }
      local w = (new - x:mean { dim = 1, keepdim = true }) / x:std { dim = 1, keepdim = true, correction = 0 }
      local rows, means = z:totable(), {}
      for k = 1, 3 do
        means[k] = {}
        for j = 1, x:size(2) do
          local sum, n = 0, 0
          for i, label in ipairs(case.y) do
            if label == k then sum, n = sum + rows[i][j], n + 1 end
          end
          means[k][j] = sum / n
        end
      end
      local stats, like = require "lamina.core.stats", {}
      for i = 1, #new do
        like[i] = {}
        for k = 1, 3 do like[i][k] = stats.pearson(w[i], t(means[k])):item() end
      end
      same(m:scores(new), like)
    end)
  end

  it("ignore a constant feature, and keep labels as they were given", function()
    local x = t { { 1, 7, 0.1 }, { 2, 7, 0.1 }, { 8, 7, 0.1 }, { 9, 7, 0.1 } }
    for _, word in ipairs { "svm", "logistic", "nearest_centroid" } do
      local m = classifiers[word]({}):fit(x, { "a", "a", "b", "b" })
      assert.same({ "a", "b" }, m:predict(t { { 0, 7, 0.1 }, { 10, 7, 0.1 } }))
      assert.equal(0, m.weights[1][2])
    end
  end)

  it("say what is wrong", function()
    local x = draw({ 4, 3 }, "x")
    raises("there are 3 labels for 4 items", classifiers.svm({}).fit, classifiers.svm {}, x, { 1, 2, 1 })
    raises("all 4 items have the same label", classifiers.svm({}).fit, classifiers.svm {}, x, { 1, 1, 1, 1 })
    raises("3 of 3 features are NaN or infinite", classifiers.svm({}).fit, classifiers.svm {}, t { { 0 / 0, 1 / 0,
      0 / 0 } },
      { 1 })
    raises("option 'C' is -1", classifiers.svm, { C = -1 })
    local m = classifiers.svm({}):fit(x, { 1, 2, 1, 2 })
    raises("x has 2 features, the classifier was fitted on 3", m.predict, m, draw({ 2, 2 }, "y"))
  end)
end)

describe("decode", function()
  local means, labels = draw({ 3, 8 }, "means"), {}
  local x = draw({ 90, 8 }, "noise")
  for i = 1, 90 do
    labels[i] = ({ "cat", "dog", "owl" })[(i - 1) % 3 + 1]
    x[i]:copy(x[i] + means[(i - 1) % 3 + 1] * 1.5)
  end

  it("reads out held-out items, with a null at chance", function()
    for _, word in ipairs { "svm", "logistic", "nearest_centroid", "max_correlation" } do
      local score = decode.decode { x, labels, classifier = classifiers[word] {}, permutations = word == "svm" and 19
        or 0, seed = 1 }
      assert.is_true(score.accuracy > 0.8 and score.low <= score.accuracy and score.accuracy <= score.high)
      assert.equal(90, score.confusion:sum():item())
      assert.near(score.accuracy, score.confusion:diagonal():sum():item() / 90, 1e-12)
      assert.near(1 / 3, score.chance, 1e-12)
      if score.p then
        assert.equal(1 / 20, score.p)
        assert.near(1 / 3, score.null:mean():item(), 0.1)
      end
    end
  end)

  it("takes divisions of one's own", function()
    local first, last = {}, {}
    for i = 1, 45 do first[i], last[i] = i, 45 + i end
    local score = decode.decode { x, labels, classifier = classifiers.max_correlation {},
      splits = { { train = first, test = last } } }
    assert.equal(45, score.n)
  end)

  it("says what is wrong", function()
    raises("there are 2 labels for 90 items", decode.decode, { x, { 1, 2 } })
    raises("classifier is a string", decode.decode, { x, labels, classifier = "svm" })
    raises("fold 1 tests class owl, of which it trains on no item", decode.decode, { x, labels,
      splits = { { train = { 1, 2, 4, 5 }, test = { 3 } } } })
  end)
end)

describe("pseudopopulations", function()
  local valid = tensor.ones({ 3, 4, 6 }, { dtype = "bool" })
  valid[2][3][6] = false

  it("take each valid trial once, by neuroid", function()
    local p = pseudo.pseudopopulation { valid, parts = { 3, 2 }, seed = 1 }
    local code = tensor.arange(1, 72, { dtype = "float64" }):reshape { 3, 4, 6 } -- tells cell and trial
    local seen, a, b = {}, p:take(1, code), p:take(2, code)
    assert.same({ 9, 4 }, a.shape)
    assert.same({ 6, 4 }, b.shape)
    assert.same({ 1, 1, 1, 2, 2, 2, 3, 3, 3 }, p.stimulus[1])
    for part, x in ipairs { a, b } do
      for i, row in ipairs(x:totable()) do
        for u, v in ipairs(row) do
          assert.equal(p.stimulus[part][i], (v - 1) // 24 + 1)
          assert.equal(u, (v - 1) // 6 % 4 + 1)
          assert.is_nil(seen[v])
          assert.is_false(v == (1 * 4 + 2) * 6 + 6) -- the trial that is missing
          seen[v] = true
        end
      end
    end
    local again = pseudo.pseudopopulation { valid, parts = { 3, 2 }, seed = 1 }
    assert.equal(a:digest(), again:take(1, code):digest())
    local other = pseudo.pseudopopulation { valid, parts = { 3, 2 }, seed = 1, step = 1 }
    assert.is_false(a:equal(other:take(1, code)))
  end)

  it("say which cell has too few trials", function()
    raises("neuroid 3 has 5 valid trials of stimulus 2, and the parts need 6", pseudo.pseudopopulation,
      { valid, parts = { 4, 2 } })
  end)
end)
