-- The formula that a score prints is the one it computes, for every measure, ceiling and way to relate the two: the
-- printed words are read, and their value recomputed from the parts.
local lamina = require "lamina"
local tensor = require "lamina.core.tensor"

local neural, predictivity, try = lamina.neural, lamina.predictivity, lamina.try

-- What suits a measure, written out here once more.
local SUITS = { r = { "r / c", "(r / c)^2", "r / c^2", "r^2 / c", "none" }, ev = { "ev / c^2", "none" },
  r2 = { "r2 / c^2", "none" }, poisson = { "none" } }
local CEILINGS = { split_half = lamina.split_half { 6, seed = 2 }, leave_one_out = neural.leave_one_out {},
  oracle = neural.oracle {}, explainable_variance = neural.explainable_variance {} }

-- The value of a printed formula. signed: a square keeps the sign of its base.
local function value_of(formula, parts, signed)
  local text = formula:gsub("(%b())%^2", "square%1"):gsub("(%w+)%^2", "square(%1)")
  local env = { square = function(v) return signed and v * math.abs(v) or v * v end }
  for name, value in pairs(parts) do env[name] = value end
  return assert(load("return " .. text, formula, "t", env))()
end

local function median(list)
  list = table.move(list, 1, #list, 1, {})
  table.sort(list)
  return (list[(#list + 1) // 2] + list[#list // 2 + 1]) / 2
end

-- The printed table's cells by column: columns stand two spaces apart, formulas hold single ones.
local function printed(score)
  local head, line = tostring(score):match "\n(layer[^\n]+)\n([^\n]+)"
  local names, cells, k = {}, {}, 0
  for name in (head .. "  "):gmatch "(%S.-)%s%s+" do
    if name ~= "area" then names[#names + 1] = name end -- which tensors lack
  end
  for cell in (line .. "  "):gmatch "(%S.-)%s%s+" do
    k = k + 1
    cells[names[k]] = cell
  end
  assert.equal(#names, k)
  return cells
end

local function column(rows, name)
  for k, title in ipairs(rows[1]) do
    if title == name then
      local list = {}
      for i = 2, #rows do list[i - 1] = rows[i][k] end
      return list
    end
  end
end

describe("the formula of a score", function()
  local n, units = 48, 5
  local x = tensor.draw { kind = "normal", shape = { n, 8 }, seed = 3, purpose = "x", dtype = "float64" }
  local weights = tensor.draw { kind = "normal", shape = { 8, units }, seed = 3, purpose = "w",
    dtype = "float64" }
  local rates = x[{ {}, { 1, 8 } }]:matmul(weights):exp():clamp(0.2, 40)
  local trials = neural.noisy { rates, repeats = 6, seed = 5 }:to "float64"
  -- the last neuroid answers to nothing that the features hold: its r may lie below 0
  local order = tensor.draw { kind = "permutation", shape = { n }, seed = 9, purpose = "deal" }
  local dealt = trials[{ {}, { units, units } }]:index_select(order, { dim = 1 })
  trials = lamina.concat({ trials[{ {}, { 1, units - 1 } }], dealt }, { dim = 2 })
  local a = neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, n) } }

  local function score(given)
    local o = { features = { x = x[{ {}, { 1, 6 } }] }, responses = a, mapping = lamina.ols {}, reliability = -1,
      splits = lamina.kfold { 4, seed = 1 }, bootstrap = 100, seed = 11 }
    for name, value in pairs(given) do o[name] = value end
    return predictivity(o)
  end

  -- Holds every number that depends on the formula to the printed words; gives the least measure of a neuroid.
  local function hold(s, measure, formula)
    local cells, rows, row = printed(s), s:table "neuroids", s.rows[1]
    local parts, c = column(rows, measure), column(rows, "ceiling")
    assert.equal(units, row.n)
    assert.near(median(parts), tonumber(cells[measure]), 5e-4)
    assert.near(median(c), tonumber(cells.ceiling), 5e-4)
    local said = tostring(s):match "\n  formula: ([^\n]+)"
    assert.equal(formula, said:match "^[^:]+ / [^:]+" or said:match "^none")
    assert.equal(formula, column(s:table(), "formula")[1])
    assert.equal(measure, column(s:table(), "measure")[1])
    if formula == "none" then
      assert.near(row.r, row.ceiled, 0)
      assert.is_nil(column(rows, "none"))
      assert.matches("ceiling [%d.]+, nothing put in relation to it, 4 folds, seed 11", s:results()[1].what)
      return math.min(table.unpack(parts))
    end
    local signed, each, above = said:find("with the sign of r", 1, true) ~= nil, {}, 0
    local columned = column(rows, formula)
    for i = 1, units do
      each[i] = value_of(formula, { [measure] = parts[i], c = c[i] }, signed)
      above = above + (each[i] > 1 and 1 or 0)
      assert.near(each[i], columned[i], 1e-12 * math.max(1, math.abs(each[i])))
    end
    assert.near(median(each), row.ceiled, 1e-12)
    assert.near(median(each), tonumber(cells[formula]), 5e-4)
    assert.equal(above, row.above)
    local told = string.format("ceiling %.3f, %s %.3f", row.ceiling, formula, row.ceiled)
    assert.truthy(s:results()[1].what:find(told, 1, true))
    return math.min(table.unpack(parts))
  end

  it("is what is computed: every measure, ceiling and formula that suits", function()
    local runs, least = 0, math.huge
    for measure, formulas in pairs(SUITS) do
      for word, ceiling in pairs(CEILINGS) do
        for _, formula in ipairs(formulas) do
          local s = score { measure = measure, ceiling = ceiling, ceiled = formula }
          local low = hold(s, measure, formula)
          if measure == "r" then least = math.min(least, low) end
          assert.matches("\n  ceiling: square root of [^\n]*" .. (word == "split_half" and "split%-half" or ""),
            tostring(s))
          runs = runs + 1
        end
        local s = score { measure = measure, ceiling = ceiling } -- and the default is the first of them
        hold(s, measure, formulas[1])
      end
    end
    assert.equal(40, runs)
    assert.is_true(least < 0, "some neuroid's r below 0 shows what a square does to its sign")
  end)

  it("is none without a ceiling, and refused where it does not suit", function()
    for measure, formulas in pairs(SUITS) do
      local s = score { measure = measure, ceiling = false }
      assert.matches("\n  formula: none, for want of a ceiling\n", tostring(s))
      assert.same({ nil, nil }, { s.rows[1].ceiling, s.rows[1].ceiled })
      local suits = {}
      for _, formula in ipairs(formulas) do suits[formula] = true end
      for _, other in ipairs { "r / c", "(r / c)^2", "r / c^2", "r^2 / c", "ev / c^2", "r2 / c^2" } do
        if not suits[other] then
          local _, err = try(score, { measure = measure, ceiled = other })
          assert.truthy(tostring(err):find(string.format("ceiled = '%s' is not for measure = '%s' (it takes '%s'",
            other, measure, formulas[1]), 1, true), tostring(err))
        end
      end
    end
  end)

  it("is of the row's own numbers in Brain-Score's style", function()
    for _, formula in ipairs { "r^2 / c", "(r / c)^2" } do
      local s = predictivity { features = { x = x }, responses = a, style = "brain-score", ceiled = formula }
      local row = s.rows[1]
      assert.near(value_of(formula, { r = row.r, c = row.ceiling }, true), row.ceiled, 1e-12)
      assert.near(row.ceiled, tonumber(printed(s)[formula]), 5e-4)
      local told = "\n  formula: " .. formula .. ": of a row's r and its ceiling c, the square with the sign of r; "
        .. "nothing cut off\n"
      assert.truthy(tostring(s):find(told, 1, true))
    end
  end)

  it("is named by commitment and by comparisons", function()
    for measure, formula in pairs { r = "(r / c)^2", ev = "ev / c^2", r2 = "r2 / c^2" } do
      local options = { features = { { "good", x }, { "poor", x[{ {}, { 1, 2 } }] } }, responses = a,
        mapping = lamina.ols {}, reliability = -1, splits = lamina.kfold { 4, seed = 1 }, bootstrap = 100,
        measure = measure, ceiled = formula }
      local c = neural.commitment(options)
      assert.truthy(tostring(c):find("\n  formula: " .. formula .. ": of each neuroid's " .. measure, 1, true))
      assert.truthy(c:results()[1].what:find(", " .. formula .. " ", 1, true))
      assert.equal(formula, neural.compare({ predictivity(options), of = "ceiled" }).what)
    end
  end)
end)
