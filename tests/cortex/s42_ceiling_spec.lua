-- SYSTEMS S42 in small: reliabilities that are known come back from each estimator, with and without missing trials,
-- and what cannot have a ceiling is an error.
local lamina = require "lamina"

local neural, randn, tensor = lamina.neural, lamina.randn, lamina.tensor

describe("S42 noise ceilings", function()
  local noise = tensor({ 0.5, 1, 2 }, { dtype = "float64" }):reshape { 1, 3, 1 }
  local rates = randn { 20000, 3, 1, dtype = "float64" }
  local trials = rates + randn { 20000, 3, 6, dtype = "float64" } * noise
  local ids = lamina.arange(1, 20000)
  local estimators = { lamina.split_half { 4 }, neural.leave_one_out {}, neural.oracle {},
    neural.explainable_variance {} }

  it("recover reliabilities that are known", function()
    local a = neural.assembly { { responses = trials, stimulus_id = ids } }
    local known = 1 / (1 + noise:reshape { 3 }:square() / 6)
    for _, ceiling in ipairs(estimators) do
      local reliability, c = ceiling:estimate(a)
      assert.is_true((reliability - known):abs():max():item() <= 0.02, tostring(ceiling))
      assert.near(0, (c - reliability:sqrt()):abs():max():item(), 1e-12)
    end
  end)

  it("respect missing trials", function()
    local gone = lamina.rand { 20000, 3, 6 }:lt(0.3)
    local holes = lamina.ops.where(gone, lamina.full({ 1 }, 0 / 0, { dtype = "float64" }), trials)
    local a = neural.assembly { { responses = holes, stimulus_id = ids }, missing = "nan" }
    local wild = neural.assembly { { responses = lamina.ops.where(gone, tensor({ -1e6 }, { dtype = "float64" }),
      trials), stimulus_id = ids }, missing = -1e6 }
    for _, ceiling in ipairs(estimators) do
      local r, same = ceiling:estimate(a), ceiling:estimate(wild)
      assert.is_true(r:equal(same))
      assert.is_true(r[1] > 0.9 and r[3] > 0.4 and r[3] < 0.6, tostring(ceiling))
    end
  end)

  it("agree with a loop: each repeat with the mean of the others", function()
    local x = { { 1, 2, 4 }, { 3, 5, 4 }, { 9, 7, 8 }, { 2, 1, 2 } }
    local a = neural.assembly { { responses = tensor(x, { dtype = "float64" }):reshape { 4, 1, 3 },
      stimulus_id = { 1, 2, 3, 4 } } }
    local function r_of(p, q)
      local n, mp, mq = #p, 0, 0
      for i = 1, n do mp, mq = mp + p[i] / n, mq + q[i] / n end
      local pp, qq, pq = 0, 0, 0
      for i = 1, n do
        pp, qq, pq = pp + (p[i] - mp) ^ 2, qq + (q[i] - mq) ^ 2, pq + (p[i] - mp) * (q[i] - mq)
      end
      return pq / math.sqrt(pp * qq)
    end
    local mean, all_p, all_q = 0, {}, {}
    for k = 1, 3 do
      local p, q = {}, {}
      for i = 1, 4 do
        p[i], q[i] = x[i][k], (x[i][1] + x[i][2] + x[i][3] - x[i][k]) / 2
        all_p[#all_p + 1], all_q[#all_q + 1] = p[i], q[i]
      end
      mean = mean + r_of(p, q) / 3
    end
    local _, _, raw = neural.leave_one_out({}):estimate(a)
    assert.near(mean, raw:item(), 1e-12)
    _, _, raw = neural.oracle({}):estimate(a)
    assert.near(r_of(all_p, all_q), raw:item(), 1e-12)
  end)

  it("need two repeats", function()
    local once = neural.assembly { { responses = rates, stimulus_id = ids, }, name = "once" }
    for _, ceiling in ipairs(estimators) do
      local _, err = lamina.try(ceiling.estimate, ceiling, once)
      assert.matches("once has 1 repeat of each stimulus; a ceiling needs at least 2", tostring(err))
    end
  end)
end)
