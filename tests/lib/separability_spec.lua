-- What areas separate, and Gabor energy.
local lamina = require "lamina"

local neural, stimuli = lamina.neural, lamina.stimuli

local function message_of(f, ...)
  local value, err = lamina.try(f, ...)
  assert.is_nil(value)
  return tostring(err)
end

describe("neural.separability", function()
  it("is perfect where the classes are told by a feature, and at chance for noise", function()
    local set = stimuli.objects { 120, size = 16, classes = 4, seed = 6 }
    local labels = set.y:reshape { -1, 1 }:eq(arange(1, 4):reshape { 1, -1 }):to "float32"
    local score = neural.separability { stimuli = set, features = { { "labels", labels }, { "noise",
      randn { 120, 5 } } } }
    assert.equal(1, score.rows[1].accuracy)
    assert.truthy(score.rows[2].accuracy < 0.45)
    assert.equal(0.25, score.chance)
    assert.matches("chance 0.250", tostring(score))
    assert.matches("the interval is a bootstrap over images (1000, seed", tostring(score), 1, true)
  end)

  it("draws whole groups where the splits hold these out: five times the same images tell nothing more", function()
    local x, class = lamina.randn { 18, 2, dtype = "float64" }, {}
    for i = 1, 18 do
      class[i] = i % 2 + 1
      x[i]:copy(x[i] + class[i])
    end
    local function score(times)
      local index, object, y = {}, {}, {}
      for i = 1, 18 * times do
        index[i] = (i - 1) // times + 1
        object[i], y[i] = "o" .. index[i], class[index[i]]
      end
      local own = x:index_select(lamina.tensor(index, { dtype = "int64" }), { dim = 1 })
      local set = lamina.data.tensors { own, lamina.tensor(y, { dtype = "int64" }), classes = { "face", "car" },
        columns = { object = object } }
      return neural.separability { stimuli = set, features = { x = own }, mapping = lamina.ridge(1e-6), seed = 2,
        splits = lamina.grouped { 18, by = "object" }, bootstrap = 200 }
    end
    local once, five = score(1), score(5)
    for _, field in ipairs { "accuracy", "low", "high" } do
      assert.near(once.rows[1][field], five.rows[1][field], 1e-12)
    end
    assert.is_true(once.rows[1].low < once.rows[1].accuracy and once.rows[1].accuracy < once.rows[1].high)
    assert.matches("the interval is a bootstrap over 18 groups by object (200, seed 2)", tostring(five), 1, true)
    assert.matches("n = 90, over 18 groups by object", five:results()[1].what, 1, true)
  end)
end)

describe("neural.gabor_energy", function()
  it("answers a grating of its orientation alike at every phase", function()
    local energy = neural.gabor_energy { orientations = 4, scales = 1, wavelengths = { 8 }, grid = 1 }
    local set = stimuli.gratings { size = 64, orientation = { 0, 45, 90 }, frequency = 8,
      phase = { 0, 50, 100, 150 } }
    local y = energy(set.x):reshape { 3, 4, 4 } -- orientation, phase, filter
    for k = 1, 3 do
      local own = y[k]:mean(1):totable()
      for f = 1, 4 do
        if f ~= k then assert.truthy(own[k] > 3 * own[f]) end
      end
      assert.truthy((y[{ k, {}, k }]:max():item() / y[{ k, {}, k }]:min():item()) < 1.05)
    end
    assert.matches("expected N x 1 x S x S", message_of(neural.gabor_energy {}, rand { 2, 1, 20, 20 }))
  end)

  it("has 768 features by default", function()
    assert.same({ 2, 768 }, neural.gabor_energy {}(rand { 2, 1, 64, 64 }).shape)
  end)
end)
