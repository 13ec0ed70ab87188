-- SYSTEMS S41 in small: every map finds neurons that are linear in the features, PLS with every component is least
-- squares, nothing is found in responses dealt to other images, and explained variance is corrected for noise.
local lamina = require "lamina"
local mapping = require "lamina.neural.mapping"
local measures = require "lamina.neural.measures"

local randn = lamina.randn

local function held_out(map, x, y, train)
  local fold = { train = {}, test = {} }
  for i = 1, #x do table.insert(i <= train and fold.train or fold.test, i) end
  return map:held_out(mapping.source(x, "x"), y, fold, {})
end

describe("S41 linear mapping", function()
  local x, w = randn { 400, 20, dtype = "float64" }, randn { 20, 5, dtype = "float64" }
  local y = x:matmul(w)

  it("finds linear neurons with OLS, ridge, PLS and LASSO", function()
    for _, map in ipairs { lamina.ols {}, lamina.ridge(1e-3), lamina.ridge { choose = "gcv" }, lamina.pls(20),
      lamina.lasso(1e-3) } do
      local ev = measures.plain.ev(held_out(map, x, y, 300), y[{ { 301, 400 } }])
      assert.is_true(ev:min():item() >= 0.99, tostring(map))
    end
  end)

  it("finds nothing in responses dealt to other images", function()
    local dealt = y:index_select(lamina.permutation(400), { dim = 1 })
    local ev = measures.plain.ev(held_out(lamina.ridge { choose = "gcv" }, x, dealt, 300), dealt[{ { 301, 400 } }])
    assert.is_true(ev:quantile(0.5):item() <= 0.02)
  end)

  it("corrects explained variance for noise as large as the signal", function()
    local rates = y / y:std { dim = 1, keepdim = true }
    local trials = rates:unsqueeze(3) + randn { 400, 5, 6, dtype = "float64" }
    local a = lamina.neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, 400) } }
    local found = lamina.neural.scores { rates, a }
    assert.near(1, found.ev_corrected:mean():item(), 0.05)
    assert.near(1, found.feve:mean():item(), 0.05)
    assert.near(1, found.cc_norm:mean():item(), 0.03)
    assert.near(1, found.noise:mean():item(), 0.1)
    assert.near(6 / 7, found.explainable:mean():item(), 0.03)
    assert.is_true(found.ev:mean():item() < 0.9)
  end)
end)
