-- S33: which layer stands for which area: best layers, ties and Spearman's rho, worked out by hand on features that
-- predict known neuroids.
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"

local function normal(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 3, purpose = "s33." .. purpose, dtype = "float64" }
end

local IMAGES, UNITS, NEUROIDS = 80, 6, 24

-- Three areas whose neuroids mix the units of feature sets A, B, C, with noise.
local function brain()
  local sets, parts, region, ids = {}, {}, {}, {}
  for i, name in ipairs { "A", "B", "C" } do
    sets[name] = normal({ IMAGES, UNITS }, name)
    local mixed = sets[name]:matmul(normal({ UNITS, NEUROIDS }, "mix" .. name))
    parts[i] = mixed:unsqueeze(3) + normal({ IMAGES, NEUROIDS, 4 }, "noise" .. name)
    for k = 1, NEUROIDS do region[(i - 1) * NEUROIDS + k] = "area" .. i end
  end
  for i = 1, IMAGES do ids[i] = "image" .. i end
  return sets, neural.assembly { { responses = ops.concat(parts, { dim = 2 }), stimulus_id = ids,
    neuroid_region = region } }
end

local function score_of(features)
  local sets, responses = brain()
  local given = {}
  for i, f in ipairs(features) do given[i] = { "layer" .. i, f(sets) } end
  return predictivity { features = given, responses = responses, by = "region", splits = kfold { 4 },
    ceiling = split_half { 4 } }
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err)
end

local function get(name) return function(sets) return sets[name] end end

describe("neural.correspondence", function()
  it("finds the layer of each area, and rho 1 where they follow it", function()
    local c = neural.correspondence(score_of { get "A", get "B", get "C" })
    assert.same({ "area1", "area2", "area3" }, c.areas)
    assert.same({ 3, 3 }, c.matrix.shape)
    assert.equal(1, c.rho)
    assert.equal(1, c.width)
    for i, row in ipairs(c.rows) do
      assert.equal(i, row.place)
      assert.same({ i }, row.tied)
      assert.equal("layer" .. i, row.layer)
      assert.is_true(c.matrix[i][i] > 0.6)
    end
    assert.match("best layer by area: Spearman's rho 1.000", tostring(c))
  end)

  it("has rho -1 backwards, and takes the order of the areas", function()
    local score = score_of { get "C", get "B", get "A" }
    assert.equal(-1, neural.correspondence(score).rho)
    assert.equal(1, neural.correspondence { score, areas = { "area3", "area2", "area1" } }.rho)
  end)

  it("counts layers that the data do not tell apart as ties", function()
    -- the same features turned: ridge predicts alike, but for rounding and its penalties
    local turn = ops.qr(normal({ UNITS, UNITS }, "turn"))
    local c = neural.correspondence(score_of { get "A", function(sets) return sets.A:matmul(turn) end, get "B",
      get "C" })
    assert.same({ 1, 2 }, c.rows[1].tied)
    assert.same({ 2, 1, 1 }, { c.rows[1].width, c.rows[2].width, c.rows[3].width })
    assert.equal(4 / 3, c.width)
    assert.equal("layer1", c.rows[1].first)
    assert.equal("layer2", c.rows[1].last)
  end)

  -- Layers that are equally good but for chance: each must be in the set of ties in 95 of 100 cases. An interval of
  -- its own difference to the layer that came out best leaves it out far more often.
  it("holds a layer that is as good as any with the confidence it states", function()
    local scores = require "lamina.neural.score"
    local layers, n, cases, whole = 15, 40, 60, { simultaneous = 0, pointwise = 0 }
    local region, rows = {}, {}
    for u = 1, n do region[u] = "area" end
    for k = 1, layers do rows[k] = { layer = "layer" .. k, group = "area" } end
    for case = 1, cases do
      local r, common = {}, normal({ n }, "common" .. case)
      for k = 1, layers do r["layer" .. k] = common + normal({ n }, case .. "." .. k) end
      local score = scores.make { kind = "predictivity", by = "region", rows = rows, bootstrap = 300, measure = "r",
        neuroids = { r = r, coordinates = { region = region } } }
      for ties in pairs(whole) do
        local width = neural.correspondence { score, ties = ties, seed = case }.rows[1].width
        whole[ties] = whole[ties] + width / (layers * cases)
      end
    end
    assert.is_true(whole.simultaneous > 0.92 and whole.simultaneous < 0.98, whole.simultaneous)
    assert.is_true(whole.pointwise < 0.9, whole.pointwise)
  end)

  it("draws stimuli as well where the score did", function()
    local sets, responses = brain()
    local score = predictivity { features = { { "layer1", sets.A }, { "layer2", sets.B } }, responses = responses,
      by = "region", splits = kfold { 4 }, over = { "neuroids", "stimuli" }, bootstrap = 200 }
    assert.match("bootstrap over neuroids and stimuli, 200", tostring(neural.correspondence(score)))
    assert.match("the score drew its stimuli 200 times", message(neural.correspondence, { score, bootstrap = 300 }))
  end)

  it("has no rho where one layer is best for all", function()
    local c = neural.correspondence(score_of { function(sets)
      return ops.concat({ sets.A, sets.B, sets.C }, { dim = 2 })
    end, function(sets) return sets.A * 0 + normal({ IMAGES, UNITS }, "other") end })
    assert.same({ 1, 1, 1 }, { c.rows[1].place, c.rows[2].place, c.rows[3].place })
    assert.is_true(c.rho ~= c.rho)
  end)

  it("answers mistakes", function()
    assert.match("expected the score of predictivity { by", message(neural.correspondence, { 3 }))
    local score = score_of { get "A", get "B" }
    assert.match("no neuroid kept has region = 'V9' %(there are area1, area2, area3%)", message(neural.correspondence,
      { score, areas = { "V9" } }))
  end)

  it("takes the resamples in which a neuroid drawn has a value, where most respond to one image alone", function()
    local sets, trials = {}, normal({ IMAGES, 3, 4 }, "sparse noise")
    for _, name in ipairs { "A", "B" } do sets[name] = normal({ IMAGES, UNITS }, name) end
    trials[{ {}, { 2, 3 }, {} }] = trials[{ {}, { 2, 3 }, {} }] * 0
    trials[{ 7, { 2, 3 }, {} }] = trials[{ 7, 1, {} }]:reshape { 1, 4 }:abs() + 1
    trials[{ {}, 1, {} }] = trials[{ {}, 1, {} }] * 0.1 + sets.A:matmul(normal({ UNITS, 1 }, "sparse mix"))
    local region = { "V4", "V4", "V4" }
    local score = predictivity { features = { { "noise", sets.B }, { "right", sets.A } }, by = "region",
      responses = neural.assembly { { responses = trials, stimulus_id = arange(1, IMAGES),
        neuroid_region = region } },
      splits = kfold { 4, seed = 1 }, reliability = -1, bootstrap = 200, over = { "neuroids", "stimuli" } }
    local holes = score.neuroids.drawn.right:isnan():to "int64":sum { dim = 1 }:totable()
    assert.is_true(holes[1] == 0 and holes[2] > 20)
    local row = neural.correspondence({ score, areas = { "V4" } }).rows[1]
    assert.same({ 1, 2 }, row.tied) -- some resamples of two that are silent but for an image say nothing of either
  end)
end)
