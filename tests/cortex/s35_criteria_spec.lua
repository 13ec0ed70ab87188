-- SYSTEMS S35 in small: a table of answers is not computable, a shuffled map of areas not mappable, features of
-- another kind not predictive; features that the simulated neurons are made of pass all three.
local lamina = require "lamina"

local criteria, neural, stimuli, try = lamina.criteria, lamina.neural, lamina.stimuli, lamina.try

describe("S35 criteria", function()
  local scenes = stimuli.objects({ 150, size = 24, seed = 1 }):with_ids(lamina.arange(1, 150))
  local function pixels(x) return stimuli.resize(x, 12):reshape { #x, -1 } end
  local energy = neural.gabor_energy { orientations = 4, scales = 1 }
  local function recorded(features)
    local x = features(scenes.x):to "float64"
    local rates = x:matmul(lamina.randn { x:size(2), 6, dtype = "float64" })
    rates = rates / rates:std { dim = 1, keepdim = true }
    local trials = rates:unsqueeze(3) + lamina.randn { 150, 6, 8, dtype = "float64" } * 0.3
    return neural.assembly { { responses = trials, stimulus_id = scenes.id } }
  end
  local data = { A = recorded(pixels), B = recorded(energy) }
  local map = lamina.ridge { alphas = lamina.logspace(-4, 4, 9) }
  local function ask(model, areas)
    return criteria { model = model, domain = scenes, data = data, images = 50, mapping = map,
      areas = areas or { { "A", layers = { "pixels" } }, { "B", layers = { "energy" } } } }
  end

  it("pass where they hold, with their evidence", function()
    local c = ask { { "pixels", pixels }, { "energy", energy } }
    assert.is_true(c.pass)
    assert.equal(50, c.computable.answered)
    assert.equal("pixels", c.predictive.areas[1].layer)
    assert.is_true(c.predictive.areas[1].ev > 0.5 and c.predictive.areas[2].ev > 0.5)
    assert.matches("^computable: passes: finite, repeatable answers to 50 of 50", tostring(c))
    assert.matches("predictive: passes", tostring(c))
  end)

  it("fail a table of answers, which knows its own images only", function()
    local known = {}
    for i = 1, #scenes do known[scenes.x[i]:sum():item()] = i end
    local c = ask { { "pixels", function(x)
      local index = {}
      for i = 1, #x do index[i] = assert(known[x[i]:sum():item()], "not in the table") end
      return pixels(scenes.x:index_select(lamina.tensor(index, { dtype = "int64" }), { dim = 1 }))
    end }, { "energy", energy } }
    assert.is_false(c.computable.pass)
    assert.is_true(c.computable.answered <= 10)
    assert.matches("not in the table", c.computable.text)
    assert.is_false(c.predictive.pass)
  end)

  it("fail NaN and answers that change", function()
    local turn = 0
    local c = ask { { "pixels", function(x) return pixels(x) * (0 / 0) end }, { "energy", function(x)
      turn = turn + 1
      return energy(x) + turn
    end } }
    assert.matches("pixels gives NaN or infinite values", c.computable.text)
    c = ask { { "pixels", pixels }, { "energy", function(x)
      turn = turn + 1
      return energy(x) + turn
    end } }
    assert.matches("energy answers the same images differently", c.computable.text)
  end)

  it("fail maps out of order, shared, of no layer", function()
    local model = { { "pixels", pixels }, { "energy", energy } }
    for _, case in ipairs {
      { { { "A", layers = { "energy" } }, { "B", layers = { "pixels" } } }, "B lies before A in the model" },
      { { { "A", layers = { "pixels" } }, { "B", layers = { "pixels" } } }, "A and B share pixels" },
      { { { "A", layers = { "pixel" } }, { "B", layers = { "energy" } } }, "'pixel', which is no layer" },
      { { { "A", layers = {} }, { "B", layers = { "energy" } } }, "A has no layer" } } do
      local c = ask(model, case[1])
      assert.is_false(c.mappable.pass)
      assert.matches(case[2], c.mappable.text)
      assert.matches("not asked", c.predictive.text)
    end
  end)

  it("fail features that do not predict", function()
    local function none(x) return x:mean({ dim = { 2, 3, 4 } }):reshape { #x, 1 } end
    local c = ask { { "pixels", pixels }, { "energy", none } }
    assert.is_true(c.computable.pass and c.mappable.pass)
    assert.is_false(c.predictive.pass)
    assert.matches("below 0.5 in B", c.predictive.text)
  end)

  it("say what is missing", function()
    local _, err = try(criteria, { model = { { "pixels", pixels } }, domain = scenes, data = {},
      areas = { { "A", layers = { "pixels" } } } })
    assert.matches("criteria: data has no assembly for the area 'A'", tostring(err))
  end)
end)
