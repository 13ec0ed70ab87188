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
