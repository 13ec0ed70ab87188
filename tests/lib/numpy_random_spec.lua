-- NumPy's stream and scikit-learn's divisions, as tests/peers/splits.py stored them.
local core_io = require "lamina.core.io"
local lamina = require "lamina"
local numpy_random = require "lamina.neural.numpy_random"

local peer = core_io.json_read "tests/fixtures/neural/splits.json"

local function sorted(list)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  return copy
end

describe("RandomState", function()
  it("draws NumPy's bits", function()
    local state = numpy_random.state(1)
    for i, bits in ipairs(peer.bits) do assert.equal(bits, state:bits(), i) end
  end)
end)

describe("shuffled { generator = \"numpy\" }", function()
  it("makes scikit-learn's divisions, image for image", function()
    for _, case in ipairs(peer.cases) do
      local splits = lamina.shuffled { case.splits, test = 1 - case.train, seed = case.seed, generator = "numpy",
        stratify = case.kind == "stratified" and "kind" or nil }
      for f, fold in ipairs(splits:folds(case.n, { kind = case.labels })) do
        assert.same(case.folds[f].train, fold.train)
        assert.same(case.folds[f].test, fold.test)
        assert.is_true(#sorted(fold.train) + #fold.test == case.n)
      end
    end
  end)

  it("refuses what scikit-learn refuses, and says whose divisions they are", function()
    local splits = lamina.shuffled { 2, stratify = "kind", seed = 1, generator = "numpy" }
    local function message(labels) return tostring(select(2, lamina.try(splits.folds, splits, #labels, {
      kind = labels }))) end
    assert.matches("kind = c has one image", message { "a", "a", "b", "b", "c" })
    assert.matches("1 to test are fewer than the 2 values of kind", message { "a", "a", "b", "b" })
    assert.equal("shuffled: 2 random divisions, 0.1 of the images tested, every kind in proportion, scikit-learn's, "
      .. "random_state 1", tostring(splits))
  end)
end)

describe("grouped { stratify = ... }", function()
  local splits_of = require "lamina.neural.splits"

  it("deals groups of several classes as scikit-learn's StratifiedGroupKFold does, group for group", function()
    for _, case in ipairs(peer.grouped) do
      local list, order = {}, {}
      for i, group in ipairs(case.groups) do -- sorted, as scikit-learn has them
        if group ~= case.groups[i - 1] then
          list[#list + 1], order[#order + 1] = {}, #list + 1
        end
        table.insert(list[#list], i)
      end
      assert.same(case.folds, splits_of.evenly(list, case.splits, order, case.labels))
    end
  end)

  it("spreads classes over whole groups, of training images as well, and leaves no fold empty", function()
    local case = peer.grouped[1]
    local n, coordinates = #case.labels, { scene = case.groups, kind = case.labels }
    local splits = lamina.grouped { 5, by = "scene", stratify = "kind", seed = 4 }
    local total = { 0, 0, 0 }
    for _, kind in ipairs(case.labels) do total[kind + 1] = total[kind + 1] + 1 end
    local all = splits:folds(n, coordinates)
    for f, fold in ipairs(all) do
      assert.equal(n, #fold.train + #fold.test)
      local seen, count = {}, { 0, 0, 0 }
      for _, i in ipairs(fold.train) do seen[case.groups[i]] = true end
      for _, i in ipairs(fold.test) do
        assert.is_nil(seen[case.groups[i]])
        count[case.labels[i] + 1] = count[case.labels[i] + 1] + 1
      end
      for k = 1, 3 do assert.is_true(math.abs(count[k] / total[k] - 0.2) < 0.1, k .. ": " .. count[k]) end
      for _, inner in ipairs(splits:inner(3, fold.train, n, coordinates, f)) do
        assert.is_true(#inner.test > 10)
        local trained = {}
        for _, i in ipairs(inner.train) do trained[case.groups[i]] = true end
        for _, i in ipairs(inner.test) do assert.is_nil(trained[case.groups[i]]) end
      end
    end
    local scenes, kinds = {}, {}
    for i = 1, 40 do scenes[i], kinds[i] = math.min((i - 1) // 4, 4), i % 2 end -- one large group, four small ones
    for _, folds in ipairs { 4, 5 } do
      for _, fold in ipairs(lamina.grouped({ folds, by = "scene", stratify = "kind" }):folds(40, { scene = scenes,
        kind = kinds })) do
        assert.is_true(#fold.test >= 4)
      end
    end
  end)
end)
