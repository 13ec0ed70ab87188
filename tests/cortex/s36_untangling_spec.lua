-- SYSTEMS S36 in small: the measures of untangling on features whose geometry is known.
local lamina = require "lamina"

local neural, try = lamina.neural, lamina.try

describe("S36 untangling", function()
  local labels = {}
  for i = 1, 240 do labels[i] = (i - 1) % 3 + 1 end
  local y = lamina.tensor(labels, { dtype = "int64" })
  local set = lamina.data.tensors { lamina.zeros { 240, 1, 4, 4 }, y, classes = { "a", "b", "c" } }
  local means = lamina.eye(3, { dtype = "float64" }):index_select(y, { dim = 1 })
  local noise = lamina.randn { 240, 3, dtype = "float64" }
  local function look(features, given)
    local o = { features = features, stimuli = set, samples = 30, pair = { "a", "b" }, draws = 2,
      mapping = lamina.ridge { alphas = { 1, 100 }, per = "all" } }
    for name, value in pairs(given or {}) do o[name] = value end
    if o.classifier and not (given or {}).mapping then o.mapping = nil end
    return neural.untangling(o)
  end

  it("rises as classes come apart", function()
    local u = look { { "tangled", means * 0.5 + noise }, { "apart", means * 8 + noise } }
    local tangled, apart = u:find "tangled", u:find "apart"
    assert.is_true(apart.accuracy > 0.99 and tangled.accuracy < 0.7)
    assert.is_true(apart.invariance > 0.5 and math.abs(tangled.invariance) < 0.2)
    assert.is_true(apart.selectivity > 0.9 and tangled.selectivity < 0.2)
    assert.is_true(apart.dprime > 4 * tangled.dprime)
    assert.matches("untangling: 240 images, 3 classes", tostring(u))
    assert.equal("layer", u:table()[1][1])
  end)

  it("agrees with loops: distances, selectivity, participation ratio", function()
    local x = (means + noise)[{ { 1, 12 } }]:contiguous()
    local few = lamina.data.tensors { lamina.zeros { 12, 1, 4, 4 }, y[{ { 1, 12 } }], classes = { "a", "b", "c" } }
    local row = look({ { "x", x } }, { stimuli = few, samples = 2, mapping = lamina.ridge(1) }).rows[1]
    local t, within, between, pairs_in, pairs_out = x:totable(), 0, 0, 0, 0
    for i = 1, 12 do
      for j = 1, i - 1 do
        local d = 0
        for k = 1, 3 do d = d + (t[i][k] - t[j][k]) ^ 2 end
        if labels[i] == labels[j] then
          within, pairs_in = within + math.sqrt(d), pairs_in + 1
        else
          between, pairs_out = between + math.sqrt(d), pairs_out + 1
        end
      end
    end
    assert.near(within / pairs_in, row.within, 1e-9)
    assert.near(between / pairs_out, row.between, 1e-9)
    assert.near(1 - (within / pairs_in) / (between / pairs_out), row.invariance, 1e-9)
    local share = 0
    for k = 1, 3 do
      local mean, by, all, part = 0, { 0, 0, 0 }, 0, 0
      for i = 1, 12 do
        mean = mean + t[i][k] / 12
        by[labels[i]] = by[labels[i]] + t[i][k] / 4
      end
      for i = 1, 12 do all = all + (t[i][k] - mean) ^ 2 end
      for c = 1, 3 do part = part + 4 * (by[c] - mean) ^ 2 end
      share = share + part / all / 3
    end
    assert.near(share, row.selectivity, 1e-9)
    local w = (x - x:mean { dim = 1, keepdim = true }):svdvals():square()
    assert.near((w:sum():square() / w:square():sum()):item(), row.dimension, 1e-9)
  end)

  it("reads out by a classifier: the same labels as its own fit gives", function()
    local x = means * 2 + noise
    local u = look({ { "x", x } }, { classifier = lamina.svm {}, draws = 1, seed = 4 })
    local taken, train, test = {}, {}, {}
    for _, i in ipairs(require "lamina.neural.common".permutation(240, 4, "untangling", 1)) do
      local c = labels[i]
      taken[c] = (taken[c] or 0) + 1
      table.insert(taken[c] <= 30 and train or test, i)
    end
    local function rows(list) return x:index_select(lamina.tensor(list, { dtype = "int64" }), { dim = 1 }) end
    local function of(list)
      local names = {}
      for k, i in ipairs(list) do names[k] = labels[i] end
      return names
    end
    table.sort(train)
    local right, truth = 0, of(test)
    for k, label in ipairs(lamina.svm({}):fit(rows(train), of(train)):predict(rows(test))) do
      right = right + (label == truth[k] and 1 or 0)
    end
    assert.near(right / #test, u.rows[1].accuracy, 1e-12)
    assert.is_true(u.rows[1].dprime > 1)
    assert.matches("svm, C = 1", tostring(u))
  end)

  -- images of three classes in two variables: where (four numbers) and kind (texts)
  local where, kind = {}, {}
  for i = 1, 240 do where[i], kind[i] = (i * 7) % 40 / 10, i % 5 < 2 and "low" or "high" end
  local placed = lamina.data.tensors { lamina.zeros { 240, 1, 4, 4 }, y, classes = { "a", "b", "c" },
    columns = { where = where, kind = kind, same = lamina.ones({ 240 }):totable() } }

  it("over a variable is what a classifier fitted at its other values gets right, in a loop", function()
    local x = means * 1.5 + noise
    local u = look({ { "x", x } }, { stimuli = placed, over = { "where", "kind" },
      classifier = lamina.nearest_centroid {}, draws = 1, samples = 60 })
    local function by_hand(part_of)
      local sum, parts = 0, {}
      for i = 1, 240 do parts[part_of(i)] = true end
      local count = 0
      for part in pairs(parts) do
        local train, test, right = {}, {}, 0
        for i = 1, 240 do table.insert(part_of(i) == part and test or train, i) end
        local function rows(list) return x:index_select(lamina.tensor(list, { dtype = "int64" }), { dim = 1 }) end
        local names = {}
        for k, i in ipairs(train) do names[k] = labels[i] end
        for k, label in ipairs(lamina.nearest_centroid({}):fit(rows(train), names):predict(rows(test))) do
          right = right + (label == labels[test[k]] and 1 or 0)
        end
        sum, count = sum + right / #test, count + 1
      end
      return sum / count, count
    end
    local quarter, four = by_hand(function(i) return where[i] // 1 end) -- 0 to 3.9, each tenth equally often
    assert.near(quarter, u.rows[1].over.where.accuracy, 1e-12)
    assert.same({ 4, 4 }, { four, #u.rows[1].over.where.each })
    assert.near((by_hand(function(i) return kind[i] end)), u.rows[1].over.kind.accuracy, 1e-12)
    local t, sums, counts = x:totable(), { 0, 0 }, { 0, 0 }
    for i = 1, 240 do
      for j = 1, i - 1 do
        if kind[i] ~= kind[j] then
          local side = labels[i] == labels[j] and 1 or 2
          sums[side] = sums[side] + math.sqrt((t[i][1] - t[j][1]) ^ 2 + (t[i][2] - t[j][2]) ^ 2
            + (t[i][3] - t[j][3]) ^ 2)
          counts[side] = counts[side] + 1
        end
      end
    end
    assert.near(1 - sums[1] / counts[1] / (sums[2] / counts[2]), u.rows[1].over.kind.invariance, 1e-9)
    assert.matches("over where: fitted on as many images of the other parts, tested on 0 to 0.9, 1 to 1.9, 2 to 2.9, "
      .. "3 to 3.9", tostring(u), 1, true)
    local columns, row = table.unpack(u:table())
    assert.equal("accuracy_over_where", columns[12])
    local reported = u:results()
    assert.same({ 3, "untangling (x)", "untangling over where (x)", u.rows[1].over.where.accuracy,
      "untangling over kind (x)", u.rows[1].over.kind.accuracy }, { #reported, reported[1].metric,
        reported[2].metric, reported[2].value, reported[3].metric, reported[3].value })
    assert.equal(u.rows[1].over.where.accuracy, row[12])
  end)

  it("over a variable tells a layer whose answer to a class moves with it from one that answers alike", function()
    local at = lamina.tensor(where, { dtype = "float64" }):reshape { 240, 1 }:floor()
    local moving = lamina.concat({ means * 8 * at:eq(0):to "float64", means * 8 * at:eq(1):to "float64",
      means * 8 * at:eq(2):to "float64", means * 8 * at:eq(3):to "float64" }, { dim = 2 })
    moving = moving + lamina.randn { 240, 12, dtype = "float64" }
    local u = look({ { "moving", moving }, { "alike", means * 8 + noise } }, { stimuli = placed, over = "where",
      classifier = lamina.svm {}, samples = 40 })
    local moves, same = u:find "moving", u:find "alike"
    assert.is_true(moves.accuracy > 0.9 and same.accuracy > 0.9)          -- told apart where all places were shown
    assert.is_true(moves.over.where.accuracy < 0.6 and same.over.where.accuracy > 0.95) -- but not at a new place
    assert.is_true(math.abs(moves.over.where.invariance) < 0.1 and same.over.where.invariance > 0.5)
  end)

  it("of some of the classes is as if there were no others", function()
    local x = means * 1.5 + noise
    local some, position = {}, {}
    for i = 1, 240 do
      if labels[i] ~= 2 then some[#some + 1], position[#position + 1] = i, labels[i] == 1 and 1 or 2 end
    end
    local index = lamina.tensor(some, { dtype = "int64" })
    local left = x:index_select(index, { dim = 1 })
    local images = lamina.zeros { #some, 1, 4, 4 }
    for _, given in ipairs { { classifier = lamina.svm {} }, { mapping = lamina.ridge { alphas = { 1 } } } } do
      local function of(names, numbers, pair)
        given.stimuli = lamina.data.tensors { images, numbers, classes = names }
        given.pair = pair
        return look({ { "x", left } }, given)
      end
      local three = of({ "a", "b", "c" }, y:index_select(index, { dim = 1 }), { "a", "c" })
      local two = of({ "a", "c" }, lamina.tensor(position, { dtype = "int64" }), { "a", "c" })
      assert.equal(2, three.classes)
      local apart = neural.separability { stimuli = given.stimuli, features = { x = left }, bootstrap = 100 }
      assert.same({ 2, 0.5 }, { apart.classes, apart.chance })
      for _, field in ipairs { "accuracy", "selectivity", "dprime", "within", "between" } do
        assert.near(two.rows[1][field], three.rows[1][field], 1e-9)
      end
      assert.matches("pair names 'b', of which there are no images", select(2, pcall(of, { "a", "b", "c" },
        y:index_select(index, { dim = 1 }), { "a", "b" })).message)
    end
  end)

  it("has nothing to tell of one class", function()
    local lone = lamina.data.tensors { noise, y * 0 + 2, classes = { "a", "b", "c" } }
    for _, word in ipairs { "untangling", "separability" } do
      local _, err = try(neural[word], { stimuli = lone, features = { x = noise } })
      assert.matches("neural." .. word .. ": all 240 images are of class b, and there is nothing to tell apart",
        tostring(err), 1, true)
    end
  end)

  it("says what does not fit", function()
    local holed = { table.unpack(where) }
    holed[7], holed[9] = 0 / 0, 0 / 0
    local holes = lamina.data.tensors { lamina.zeros { 240, 1, 4, 4 }, y, classes = { "a", "b", "c" },
      columns = { where = holed } }
    local by_class = lamina.data.tensors { lamina.zeros { 240, 1, 4, 4 }, y, classes = { "a", "b", "c" },
      columns = { class = labels } }
    for _, case in ipairs {
      { { samples = 80 }, "option 'samples' is 80, and class a has 80 images: take at most 79" },
      { { pair = { "a", "z" } }, "pair names 'z', which is no class %(there are a, b, c%)" },
      { { pair = { "a" } }, "pair has 1 classes, expected two" },
      { { mapping = 3 }, "mapping is a number" },
      { { classifier = lamina.svm {}, mapping = lamina.ridge(1) }, "mapping and classifier are both given" },
      { { classifier = 3 }, "classifier is a number" },
      { { over = "where" }, "over = 'where' is no column of the stimuli %(there are none%)" },
      { { over = { "kinds" }, stimuli = placed },
        "over = 'kinds' is no column of the stimuli %(did you mean 'kind'%?%) %(there are kind, same, where" },
      { { over = "same", stimuli = placed }, "over = \"same\": it does not vary over the images" },
      { { over = "where", parts = 1, stimuli = placed },
        "option 'parts' is 1, expected a whole number of at least 2" },
      { { over = { "where", "where" }, stimuli = placed }, "over names 'where' twice" },
      { { over = "where", stimuli = holes }, "over = \"where\": it is NaN for 2 of 240 images %(7, 9%), which belong "
        .. "to no part" },
      { { over = "class", stimuli = by_class }, "over = \"class\": class a has 0 images outside 1, too few to fit a "
        .. "classifier on: every class must occur at several values of class" } } do
      local _, err = try(look, { { "x", noise } }, case[1])
      assert.matches(case[2], tostring(err))
    end
  end)
end)
