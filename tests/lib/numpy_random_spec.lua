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
