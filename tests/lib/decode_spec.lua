-- Classifiers against scikit-learn (tests/peers/classifiers.py) and plain loops, decoding, pseudopopulations.
local classifiers = require "lamina.neural.classifiers"
local core_io = require "lamina.core.io"
local decode = require "lamina.neural.decode"
local ops = require "lamina.core.ops"
local pseudo = require "lamina.neural.pseudo"
local stats = require "lamina.core.stats"
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
    for i, sum in ipairs((all[{ {}, 1 }] + all[{ {}, 2 }]):totable()) do number[i] = sum > 0 and 1 or 2 end
    for _, n in ipairs { 2000, 2001 } do
      local x, labels = all[{ { 1, n } }]:contiguous(), table.move(number, 1, n, 1, {})
      local m = classifiers.svm({ C = c, standardise = false }):fit(x, labels)
      assert.is_true(m.settled)
      local y = t(labels):eq(m.classes[1]):to "float64" * 2 - 1
      local pull = y * (1 - y * m:scores(x)[{ {}, 1 }]):relu() * (2 * c)
      assert.is_true(m.weights[2]:equal(-m.weights[1]) and m.bias[2]:equal(-m.bias[1]))
      local w = m.weights[1]
      assert.is_true((x:t():matmul(pull) - w):abs():max():item() <= 1e-7 * w:abs():max():item())
      assert.near(pull:sum():item(), m.bias[{ 1, 1 }], 1e-7)
    end
  end)

  -- Of 128 features with their 1 and fewer svm solves the equations of each Newton step, of more it takes conjugate
  -- gradients: columns of zeros change neither the minimum nor anything else.
  it("reach the same minimum of an svm by either solution of Newton's equations, also where C is huge", function()
    local x, number = draw({ 160, 12 }, "narrow"), {}
    for i = 1, 160 do number[i] = x[{ i, 1 }] + 0.7 * x[{ (i * 7) % 160 + 1, 2 }] > 0 and "a" or "b" end
    local wide = ops.concat({ x, t({ { 0 } }):expand { 160, 130 } }, { dim = 2 })
    for _, c in ipairs { 1e-3, 1, 100 } do
      local a = classifiers.svm({ C = c, standardise = false, tolerance = 1e-10 }):fit(x, number)
      local b = classifiers.svm({ C = c, standardise = false, tolerance = 1e-10 }):fit(wide, number)
      assert.is_true(a.settled and b.settled)
      same(a.weights, b.weights[{ {}, { 1, 12 } }])
      same(a.bias, b.bias)
      assert.equal(0, b.weights[{ {}, { 13, 142 } }]:abs():max():item())
    end
    local twice = ops.concat({ x, x }, { dim = 2 })
    local least = classifiers.svm({ C = 100, standardise = false }):fit(x, number):predict(x)
    local hard, agreed = classifiers.svm({ C = 1e18, standardise = false }):fit(twice, number), 0
    assert.is_true(hard.weights:isfinite():all():item())
    for i, class in ipairs(hard:predict(twice)) do agreed = agreed + (class == least[i] and 1 or 0) end
    assert.is_true(agreed >= 156, agreed .. " of 160 as where C is 100")
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
      local like = {}
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

  -- Two items of each class, far apart, of which each fold is fitted on one: of six ways to deal the labels two leave
  -- a class without an item to fit on, two are all right and two all wrong.
  it("counts the deals that leave each fold the classes that it tests", function()
    local function two(permutations, seed)
      return decode.decode { t { { 0 }, { 0.1 }, { 5 }, { 5.1 } }, { "a", "a", "b", "b" }, seed = seed,
        permutations = permutations, classifier = classifiers.nearest_centroid {}, bootstrap = 100, splits = {
          { train = { 1, 3 }, test = { 2, 4 } }, { train = { 2, 4 }, test = { 1, 3 } } } }
    end
    local s = two(300, 1)
    local ones, n = s.null:sum():item(), #s.null
    assert.near(200, n, 25)
    assert.near(n / 2, ones, 25)
    assert.equal(ones, s.null:eq(1):to "int64":sum():item())
    assert.equal((1 + ones) / (1 + n), s.p)
    assert.matches(string.format("labels dealt anew 300 times, %d of which left a fold without a class that it "
      .. "tests and are not counted: at most 1.000, p = ", 300 - n), tostring(s), 1, true)
    local seed = 1
    while #two(1, seed).null > 0 do seed = seed + 1 end
    local none = two(1, seed)
    assert.is_true(none.p ~= none.p)
    assert.matches("not counted: no p$", tostring(none))
  end)

  -- Twelve objects of two classes, once and with five views each that are all the same: nothing more is known.
  describe("of whole groups of one label", function()
    local splits = require "lamina.neural.splits"
    local once = draw({ 12, 3 }, "objects")
    for i = 1, 12, 2 do once[i]:copy(once[i] + 1) end
    local function score(views, more)
      local index, object, label, id = {}, {}, {}, {}
      for i = 1, 12 * views do
        index[i], object[i] = (i - 1) // views + 1, "o" .. (i - 1) // views
        label[i], id[i] = index[i] % 2 == 1 and "face" or "car", i
      end
      local o = { once:index_select(tensor.tensor(index, { dtype = "int64" }), { dim = 1 }), label, seed = 3,
        columns = { object = object, stimulus_id = id }, splits = splits.grouped { 12, by = "object" },
        classifier = classifiers.nearest_centroid {}, permutations = 50, bootstrap = 200 }
      if more then more(o, object, label, id) end
      return decode.decode(o)
    end

    it("draws these and deals labels among them", function()
      local one, five = score(1), score(5)
      for _, field in ipairs { "accuracy", "low", "high", "p" } do assert.near(one[field], five[field], 1e-12) end
      assert.is_true(one.low < one.accuracy and one.accuracy < one.high)
      same(one.null, five.null)
      assert.same({ "object", 12, 60, 60 }, { five.over, five.groups, five.stimuli, five.n })
      assert.matches("60 tested items (60 stimuli) of 3", tostring(five), 1, true)
      assert.matches("(bootstrap over 12 groups by object, 200, seed 3)", tostring(five), 1, true)
      assert.matches("over 12 groups by object, n = 60 of 60 stimuli", five:results()[1].what, 1, true)
    end)

    it("goes by stimuli where a group has several labels, or a stimulus stands in several groups", function()
      local several = score(5, function(o, object)
        for i = 1, 60 do object[i] = "o" .. (i - 1) // 10 end
        o.splits = splits.grouped { 6, by = "object" }
      end)
      assert.same({ "stimuli", 60 }, { several.over, several.stimuli })
      assert.is_nil(several.groups)
      local shared = score(5, function(_, _, _, id)
        for i = 1, 60 do id[i] = (i - 1) % 5 + (i - 1) // 5 % 2 * 5 end
      end)
      assert.same({ "stimuli", 10 }, { shared.over, shared.stimuli })
    end)

    it("has no interval of one", function()
      local one = score(5, function(o)
        local fold = { train = {}, test = { 1, 2, 3, 4, 5 } }
        for i = 6, 60 do fold.train[#fold.train + 1] = i end
        o.splits = { fold, by = "object" }
      end)
      assert.is_true(one.low ~= one.low)
      assert.matches("no interval: all tested items are of one object, and a bootstrap over whole groups needs two",
        tostring(one), 1, true)
    end)
  end)

  it("takes all axes behind the first for features", function()
    local function of(shape)
      return decode.decode { x:reshape(shape), labels, bootstrap = 100, seed = 1,
        classifier = classifiers.nearest_centroid {} }
    end
    local flat, deep = of { 90, 8 }, of { 90, 2, 4 }
    assert.same({ 8, 8 }, { flat.features, deep.features })
    assert.equal(flat.accuracy, deep.accuracy)
    local one = decode.decode { x[{ {}, 1 }], labels, bootstrap = 100, classifier = classifiers.nearest_centroid {} }
    assert.equal(1, one.features)
  end)

  -- Stimuli of two classes, one number each, and repeats that say the same: a classifier that cuts at 0 is right with
  -- probability P(z > -1), of which ten repeats tell no more than one.
  describe("of stimuli with repeats", function()
    local KNOWN, S, R = 0.84134474606854293, 50, 10
    local fold = { train = { 1, 2 }, test = {} }
    for i = 1, S * R do fold.test[i] = i + 2 end

    local function drawn(k, repeats)
      local z = tensor.draw { kind = "normal", shape = { S }, seed = k, purpose = "stimuli", dtype = "float64" }
      local rows, classes, ids = { { -1 }, { 1 } }, { "a", "b" }, { "first", "second" }
      for s, v in ipairs(z:totable()) do
        for _ = 1, repeats(s) do
          rows[#rows + 1] = { s % 2 == 0 and v + 1 or v - 1 }
          classes[#classes + 1], ids[#ids + 1] = s % 2 == 0 and "b" or "a", s
        end
      end
      return t(rows), classes, ids
    end

    local function score(k, columns, more)
      local made, classes, ids = drawn(k, function() return R end)
      local given = { made, classes, classifier = classifiers.nearest_centroid { standardise = false },
        splits = { fold }, columns = columns and { stimulus_id = ids } or nil, bootstrap = 200, seed = k }
      for name, value in pairs(more or {}) do given[name] = value end
      return decode.decode(given)
    end

    it("has an interval that covers the truth as often as it says, where over items it does not", function()
      local sets, over = 60, { stimuli = { 0, 0 }, items = { 0, 0 } }
      for k = 1, sets do
        for _, columns in ipairs { true, false } do
          local s = score(k, columns)
          assert.equal(columns and "stimuli" or "items", s.over)
          assert.equal(columns and S or nil, s.stimuli)
          local held = over[s.over]
          held[1] = held[1] + (s.low <= KNOWN and KNOWN <= s.high and 1 or 0)
          held[2] = held[2] + (s.high - s.low) / sets
        end
      end
      -- 95 % of 60 are 57, with a standard deviation of 1.7; over items the intervals are sqrt(10) times too narrow
      assert.is_true(over.stimuli[1] >= 52, "covered " .. over.stimuli[1])
      assert.is_true(over.items[1] <= 36, "covered " .. over.items[1])
      assert.near(math.sqrt(R), over.stimuli[2] / over.items[2], 0.25)
    end)

    it("draws each with all its repeats, however many, as a loop does", function()
      local made, classes, ids = drawn(3, function(s) return s % 4 + 1 end)
      local test, hits, sizes = {}, {}, {}
      local rows = made:totable()
      for i = 3, #rows do
        test[i - 2] = i
        local s = ids[i]
        hits[s] = (hits[s] or 0) + (rows[i][1] > 0 == (classes[i] == "b") and 1 or 0)
        sizes[s] = (sizes[s] or 0) + 1
      end
      local s = decode.decode { made, classes, classifier = classifiers.nearest_centroid { standardise = false },
        splits = { { train = { 1, 2 }, test = test } }, columns = { stimulus_id = ids }, bootstrap = 150, seed = 8 }
      local values = {}
      local draws = stats.bootstrap_indices(S, 150, { seed = 8, purpose = "decode.bootstrap" }):totable()
      for b, draw_of in ipairs(draws) do
        local h, n = 0, 0
        for _, u in ipairs(draw_of) do h, n = h + hits[u], n + sizes[u] end
        values[b] = h / n
      end
      local ends = stats.quantile(t(values), { 0.025, 0.975 }):totable()
      assert.near(ends[1], s.low, 1e-12)
      assert.near(ends[2], s.high, 1e-12)
      assert.matches(string.format("decode: %d tested items (50 stimuli) of 1 feature", #test), tostring(s), 1, true)
      assert.matches("(bootstrap over stimuli, 150, seed 8)", tostring(s), 1, true)
      assert.matches(string.format("over stimuli, n = %d of 50 stimuli", #test), s:results()[1].what, 1, true)
    end)

    it("deals labels among stimuli, so that the null is as wide as chance makes it", function()
      local both = { train = {}, test = {} } -- stimuli 1 and 2, 5 and 6, ... and the others, one of each class
      for i = 1, S * R do table.insert((i - 1) // R % 4 < 2 and both.train or both.test, i + 2) end
      local function null(columns)
        return score(5, columns, { splits = { both }, permutations = 60 }).null:std():item()
      end
      local wide, narrow = null(true), null(false)
      assert.near(0.5 / math.sqrt(S / 2), wide, 0.04)
      assert.near(0.5 / math.sqrt(S * R / 2), narrow, 0.015)
    end)

    it("goes by items where the stimuli are the classes, and wants an id for each", function()
      local made, ids = drawn(4, function() return R end)
      for i = 1, #made do ids[i] = (i - 1) // 6 end
      local s = decode.decode { made, ids, classifier = classifiers.nearest_centroid {}, bootstrap = 100,
        columns = { stimulus_id = ids }, splits = require("lamina.neural.splits").kfold { 3 } }
      assert.same({ "items" }, { s.over, s.stimuli })
      raises("decode: columns.stimulus_id has 2 entries for 90 items", decode.decode,
        { x, labels, columns = { stimulus_id = { 1, 2 } } })
    end)

    it("draws an item that is tested twice whole", function()
      local twice = { train = { 1, 2 }, test = table.move(fold.test, 1, #fold.test, 1, {}) }
      local once = score(6, false)
      local again = score(6, false, { splits = { fold, twice } })
      assert.equal(2 * once.n, again.n)
      assert.near(once.low, again.low, 1e-12)
      assert.near(once.high, again.high, 1e-12)
    end)
  end)

  it("has no interval of one stimulus, or of one item, and says why", function()
    local ids, one, fold = {}, {}, { train = {}, test = {} }
    for i = 1, 90 do
      ids[i], one[i] = i <= 60 and i % 20 or "held", "same"
      table.insert(i <= 60 and fold.train or fold.test, i)
    end
    local function score(columns, test)
      return decode.decode { x, labels, splits = { { train = fold.train, test = test or fold.test } },
        bootstrap = 100, columns = columns and { stimulus_id = columns } }
    end
    local s = score(ids)
    assert.is_true(s.low ~= s.low and s.high ~= s.high)
    assert.equal(1, s.stimuli)
    assert.matches(string.format("accuracy %.3f, no interval: all tested items are of one stimulus, and a bootstrap "
      .. "over stimuli needs two (without stimulus_id it is over items)", s.accuracy), tostring(s), 1, true)
    assert.matches("95 % CI none over stimuli, n = 30 of 1 stimulus", s:results()[1].what, 1, true)
    local without = score()
    assert.equal(s.accuracy, without.accuracy)
    assert.is_true(without.low < without.accuracy and without.accuracy < without.high)
    local single = score(nil, { 61 })
    assert.is_true(single.low ~= single.low)
    assert.matches("no interval: one item is tested, and a bootstrap over items needs two", tostring(single), 1, true)
    assert.matches("no interval: the tested item is of one stimulus", tostring(score(ids, { 61 })), 1, true)
    assert.matches("no interval: all tested items are of one stimulus", tostring(score(one)), 1, true)
  end)

  it("says of an interval of no width that every item was right, or wrong", function()
    local far, sides = ops.concat({ draw({ 20, 2 }, "left") - 50, draw({ 20, 2 }, "right") + 50 }, { dim = 1 }), {}
    for i = 1, 40 do sides[i] = i <= 20 and "left" or "right" end
    local s = decode.decode { far, sides, bootstrap = 100 }
    assert.same({ 1, 1, 1 }, { s.accuracy, s.low, s.high })
    assert.matches("; every item was right, so that it has no width)", tostring(s), 1, true)
  end)

  it("counts features that do not vary", function()
    local y = ops.concat({ x, t({ { 3 } }):expand { 90, 2 } }, { dim = 2 })
    local s = decode.decode { y, labels, bootstrap = 100 }
    assert.equal(2, s.constant)
    assert.matches("\n  2 of 10 features do not vary over the items, and tell nothing\n", tostring(s), 1, true)
    local plain = decode.decode { x, labels, bootstrap = 100 }
    assert.same({ plain.accuracy, nil }, { s.accuracy, plain.constant })
    raises("decode: x holds 2 features, and none varies over the 90 items", decode.decode,
      { y[{ {}, { 9, 10 } }], labels })
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
    raises("decode: labels: all 90 items have 'cat', and there is nothing to tell apart: expected at least 2 classes",
      decode.decode, { x, (function(list) for i = 1, 90 do list[i] = "cat" end return list end) {} })
    raises("decode: option 'splits': kfold: 5 folds, but there are only 3 images", decode.decode,
      { x[{ { 1, 3 } }], { 1, 2, 1 } })
    local holed = x:clone()
    holed[{ 7, 2 }] = 0 / 0
    raises("decode: x holds 1 NaN or infinite of 720 responses (of item 7): leave such items or features out",
      decode.decode, { holed, labels })
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
