-- Channels that do not vary over conditions: what they are to each dissimilarity, that they are counted and told, and
-- that noise estimated from trials is not divided by what rounding leaves of none.
local lamina = require "lamina"
local said = require "support.said"

local neural, randn, rdm, tensor = lamina.neural, lamina.randn, lamina.rdm, lamina.tensor

local N, P = 7, 6
local varied = randn { N, P - 2, dtype = "float64", seed = 3 }

-- The same with channels 2 and 5 constant.
local function with_constants(a, b)
  local function column(v) return lamina.full({ N, 1 }, v, { dtype = "float64" }) end
  return lamina.ops.concat({ varied[{ {}, { 1, 1 } }], column(a), varied[{ {}, { 2, 3 } }], column(b),
    varied[{ {}, { 4, 4 } }] }, { dim = 2 })
end

local function off(a, b) return (a.vectors - b.vectors):abs():max():item() end

describe("channels that do not vary", function()
  local x = with_constants(0.1, 0)

  it("are counted over all conditions, however late they vary", function()
    for _, n in ipairs { 64, 65, 200 } do
      local y = randn { n, 5, dtype = "float64", seed = 4 }
      y[{ {}, 2 }] = 3
      y[{ {}, 4 }] = 3
      y[{ n, 4 }] = 3 * (1 + 2e-13)
      assert.matches("1 of 5 channels does not vary over conditions (2): ", tostring(rdm { y }), 1, true)
      y[{ n, 2 }] = 4
      assert.not_matches("vary", tostring(rdm { y }), 1, true)
    end
  end)

  it("are what print says of them, by method", function()
    local function of(method, y, more)
      local o = { y, method = method }
      for name, value in pairs(more or {}) do o[name] = value end
      return rdm(o)
    end
    local told = "  2 of 6 channels do not vary over conditions (2, 5): "
    for method, effect in pairs { correlation = "a part that all patterns share, which changes each correlation",
      cosine = "a part that all patterns share, which changes each cosine where it is not 0" } do
      local r = of(method, x)
      assert.matches(told .. effect, tostring(r), 1, true)
      assert.is_true(off(r, of(method, varied)) > 1e-3)
    end
    assert.is_true(off(of("cosine", with_constants(0, 0)), of("cosine", varied)) < 1e-12)
    for _, method in ipairs { "squared_euclidean", "mahalanobis", "poisson" } do
      local more = method == "mahalanobis" and { noise = "none" } or {}
      local y, z = x, varied
      if method == "poisson" then y, z = x:abs(), varied:abs() end
      local r, less = of(method, y, more), of(method, z, more)
      assert.equal(told .. "no part of a distance, though of the number of channels that divides it",
        tostring(r):match "\n(.*)$")
      assert.is_true((r.vectors * P - less.vectors * (P - 2)):abs():max():item() < 1e-12)
      more.per_channel = false
      r = of(method, y, more)
      assert.equal(told .. "no part of a distance", tostring(r):match "\n(.*)$")
      assert.is_true(off(r, of(method, z, more)) < 1e-12)
    end
  end)

  it("are counted: nil where all vary, by id where there are ids, in all RDMs together", function()
    local r = rdm { varied }
    assert.same({ 0, 4 }, { r.constant or 0, r.constant_of })
    assert.is_nil(tostring(r):find("vary", 1, true))
    r = rdm { x }
    assert.same({ 2, 6, { 2, 5 } }, { r.constant, r.constant_of, r.constant_names })
    local a = neural.assembly { { responses = x:reshape { N, P, 1 }, stimulus_id = lamina.arange(1, N),
      neuroid_neuroid_id = { "a", "b", "c", "d", "e", "f" } } }
    assert.same({ "b", "e" }, rdm({ a }).constant_names)
    local both = rdm { { x, with_constants(1, 2) * 0 + tensor({ 1, 1, 1, 1, 1, 2 }, { dtype = "float64" }) } }
    assert.same({ 8, 12 }, { both.constant, both.constant_of })
    assert.is_nil(both.constant_names)
    assert.matches("8 of 12 channels, counted for each RDM, do not vary", tostring(both), 1, true)
    local joined = rdm.join { r, rdm { varied } }
    assert.same({ 2, 10 }, { joined.constant, joined.constant_of })
    assert.same(2, r:at({ 1, 2, 3 }).constant)
    assert.matches("1 of 4 channels does not vary over conditions (2)", tostring(rdm { x[{ {}, { 1, 4 } }] }), 1,
      true)
  end)

  it("are found beside missing responses, and where means of equal trials differ by rounding", function()
    local holed = x:clone()
    holed[{ 1, 2 }], holed[{ 3, 1 }] = 0 / 0, 0 / 0
    local r = rdm { holed, missing = "nan" }
    assert.same({ 2, { 2, 5 }, 2 }, { r.constant, r.constant_names, r.holes })
    local gone = x:clone()
    gone[{ {}, 1 }]:copy(gone[{ {}, 1 }] * (0 / 0)) -- of which nothing is known
    assert.same({ 2, 5 }, rdm({ gone, missing = "nan" }).constant_names)
    local trials = lamina.full({ N, P, 7 }, 0.1, { dtype = "float64" }) * 1
    trials[{ {}, 1 }]:copy(varied[{ {}, { 1, 1 } }]:expand { N, 7 })
    for s = 1, N - 1 do trials[{ s, {}, { 1, s } }]:copy(trials[{ s, {}, { 1, s } }] * (0 / 0)) end
    local a = neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, N) }, missing = "nan" }
    assert.equal(P - 1, rdm({ a, method = "euclidean" }).constant)
  end)

  it("are an error where the noise is estimated, also of unequal numbers of trials", function()
    local conditions, rows = {}, 0
    for s = 1, N do
      for _ = 1, 2 * s + 3 do rows, conditions[rows + 1] = rows + 1, "s" .. s end
    end
    local y = randn { rows, 4, dtype = "float64", seed = 1 }
    for _, value in ipairs { 0, 0.1, 0.3, 1.7, 100.1, -1e-3 } do
      y[{ {}, 2 }]:copy(y[{ {}, 2 }] * 0 + value)
      for _, method in ipairs { "mahalanobis", "crossnobis" } do
        assert.matches("rdm: 1 channel without noise variance (2), which method = \"mahalanobis\" and \"crossnobis\" "
          .. "cannot weigh: leave such channels out, or say noise = \"none\"",
          said.message(rdm, { y, conditions = conditions, method = method }), 1, true)
      end
      local r = rdm { y, conditions = conditions, method = "crossnobis", noise = "none", unbalanced = true }
      assert.same({ 1, { 2 } }, { r.constant, r.constant_names })
    end
    y[{ {}, 2 }]:copy(randn { rows, dtype = "float64", seed = 2 } * 1e-6 + 1) -- little noise is noise
    assert.equal(0, rdm({ y, conditions = conditions, method = "mahalanobis" }).constant or 0)
  end)
end)
