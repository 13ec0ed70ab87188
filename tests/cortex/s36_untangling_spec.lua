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

  it("says what does not fit", function()
    for _, case in ipairs {
      { { samples = 80 }, "class a has 80 images, and samples = 80 leaves none to test" },
      { { pair = { "a", "z" } }, "pair names 'z', which is no class %(there are a, b, c%)" },
      { { pair = { "a" } }, "pair has 1 classes, expected two" },
      { { mapping = 3 }, "mapping is a number" },
      { { classifier = lamina.svm {}, mapping = lamina.ridge(1) }, "mapping and classifier are both given" },
      { { classifier = 3 }, "classifier is a number" } } do
      local _, err = try(look, { { "x", noise } }, case[1])
      assert.matches(case[2], tostring(err))
    end
  end)
end)
