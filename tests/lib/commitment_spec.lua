-- neural.commitment: the layer of each area, chosen inside the training images: against the choice written out with
-- plain fits, and what it does to scores of noise.
local lamina = require "lamina"
local measures = require "lamina.neural.measures"
local ops = require "lamina.core.ops"

local neural, kfold, grouped, try, tensor, randn = lamina.neural, lamina.kfold, lamina.grouped, lamina.try,
  lamina.tensor, lamina.randn

local N, U = 90, 10
local first, second = randn { N, 5, dtype = "float64" }, randn { N, 5, dtype = "float64" }
local movies, region = {}, {}
for i = 1, N do movies[i] = (i - 1) // 9 end
for u = 1, 2 * U do region[u] = u <= U and "A" or "B" end
local rates = ops.concat({ first:matmul(randn { 5, U, dtype = "float64" }),
  second:matmul(randn { 5, U, dtype = "float64" }) }, { dim = 2 })
local brain = neural.assembly { { responses = rates:unsqueeze(3) + randn { N, 2 * U, 4, dtype = "float64" } * 3,
  stimulus_id = lamina.arange(1, N), movie = movies, neuroid_region = region } }

local function options(more)
  local o = { features = { { "one", first }, { "two", second }, { "both", ops.concat({ first, second },
    { dim = 2 }) } },
    responses = brain, mapping = lamina.ols {}, splits = kfold { 4, seed = 2 }, by = "region", reliability = -1,
    bootstrap = 200, seed = 5 }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

local function rows(t, list) return t:index_select(tensor(list, { dtype = "int64" }), { dim = 1 }) end

-- the measure of plain fits on these divisions, mean over them: U
local function plain_score(x, y, folds)
  local each = {}
  for f, fold in ipairs(folds) do
    each[f] = measures.plain.r(lamina.ols({}):fit(rows(x, fold.train), rows(y, fold.train)):predict(rows(x,
      fold.test)),
      rows(y, fold.test))
  end
  return ops.stack(each, { dim = 1 })
end

describe("neural.commitment", function()
  it("chooses in each fold what its training images say, and scores that on its own", function()
    local c = neural.commitment(options())
    local splits, y = kfold { 4, seed = 2 }, (brain:mean())
    for _, area in ipairs { "A", "B" } do
      local row, own = c:find(area), area == "A" and { 1, U } or { U + 1, 2 * U }
      local taken = {}
      for f, fold in ipairs(splits:folds(N, brain.stimulus)) do
        local best, most
        for k, entry in ipairs(options().features) do
          local inner = splits:inner(3, fold.train, N, brain.stimulus, 1000 + f)
          local value = plain_score(entry[2], y, inner):mean(1)[{ own }]:quantile(0.5):item()
          if not most or value > most then best, most = k, value end
        end
        assert.equal(best, row.places[f])
        taken[f] = plain_score(options().features[best][2], y, { fold })[1][{ own }]
      end
      assert.near(ops.stack(taken, { dim = 1 }):mean(1):quantile(0.5):item(), row.r, 1e-9)
      assert.equal(c.score:find(row.argmax, area).r, row.argmax_r)
      assert.near(row.argmax_r - row.r, row.optimism, 1e-12)
      local sum = 0
      for _, entry in ipairs(row.chosen) do sum = sum + entry.probability end
      assert.near(1, sum, 1e-9)
    end
    assert.equal("one", c:find "A".layer)
    assert.equal("two", c:find "B".layer)
    assert.matches("region +layer +in folds +probability", tostring(c))
    assert.equal(2, #c:results())
  end)

  it("is written as a table", function()
    local c, path = neural.commitment(options()), os.tmpname()
    assert.equal(c, c:csv(path))
    local read = lamina.data.csv(path)
    os.remove(path)
    assert.same({ "A", "B" }, read.group)
    for i, row in ipairs(c.rows) do
      for _, name in ipairs { "layer", "folds", "probability", "r", "ceiled", "argmax", "argmax_r", "optimism" } do
        assert.equal(row[name], read[name][i])
      end
      assert.equal("r / c", read.formula[i])
    end
    local all, n = c:table "chosen", 1
    for _, row in ipairs(c.rows) do
      for _, entry in ipairs(row.chosen) do
        n = n + 1
        assert.same({ row.group, entry.layer, entry.folds, entry.probability }, all[n])
      end
    end
    assert.equal(n, #all)
    assert.matches("commitment: there is no table of 'layers' %(there are rows, chosen%)",
      tostring(select(2, lamina.try(c.table, c, "layers"))))
  end)

  it("has no column of values in relation to the ceiling with ceiled = \"none\"", function()
    local c = neural.commitment(options { ceiled = "none" })
    assert.matches("ceiling +argmax", tostring(c))
    assert.matches("ceiling +bits", tostring(c.score))
    local related = neural.commitment(options())
    assert.matches("ceiling +r / c +argmax", tostring(related))
    assert.matches("ceiling +r / c +bits", tostring(related.score))
  end)

  it("gives the chosen layers as a score, for comparisons", function()
    local c = neural.commitment(options())
    assert.same({ 2 * U }, c.nested.neuroids.r.chosen.shape)
    local all = c.nested.neuroids.r.chosen
    assert.near(c:find "B".r, all[{ { U + 1, 2 * U } }]:quantile(0.5):item(), 1e-12)
    local pair = neural.compare { { "nested", c.nested }, { "two", c.score, layer = "two" } }
    assert.near((all - c.score.neuroids.r.two):mean():item(), pair.rows[1].difference, 1e-12)
    assert.matches("chosen", tostring(c.nested))
  end)

  it("takes away what the best of many noises seems to be worth", function()
    local noises = {}
    for k = 1, 20 do noises[k] = { "n" .. k, randn { N, 4, dtype = "float64" } } end
    local c = neural.commitment(options { features = noises, by = false or nil })
    local row = c:find()
    assert.is_true(row.argmax_r > 0.03 and row.optimism > 0.02, row.argmax_r .. " " .. row.optimism)
    assert.is_true(math.abs(row.r) < row.argmax_r)
    assert.is_true(row.probability < 0.9 and #row.chosen > 1)
  end)

  it("keeps groups whole in every division", function()
    local splits, seen = grouped { 5, by = "movie", seed = 1 }, 0
    local map = setmetatable({ held_out = function(_, source, y, fold, inner)
      for _, part in ipairs { fold, table.unpack(inner) } do
        local of = {}
        for _, i in ipairs(part.train) do of[movies[i]] = true end
        for _, i in ipairs(part.test) do assert.is_nil(of[movies[i]]) end
        seen = seen + 1
      end
      return lamina.ridge({ alphas = { 1, 10 } }):held_out(source, y, fold, inner)
    end, inner_folds = function() return 2 end }, { is_mapping = true, __tostring = function() return "spy" end })
    neural.commitment(options { splits = splits, mapping = map })
    assert.equal(3 * (5 + 5 * 3) * 3, seen)
  end)

  it("says what it cannot do", function()
    local function message(more) return tostring(select(2, try(neural.commitment, options(more)))) end
    assert.matches("one layer, one, and nothing to choose", message { features = { { "one", first } } })
    assert.matches("over = \"stimuli\" is not for choices", message { over = "stimuli" })
    assert.matches("unknown option 'style'", message { style = "brain-score" })
    assert.matches("2 images to choose a layer by", message { splits = { { train = { 1, 2, 3, 4, 5, 6, 7, 8 },
      test = { 20, 21, 22 } } } })
  end)
end)
