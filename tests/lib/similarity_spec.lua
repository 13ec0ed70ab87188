-- CKA, SVCCA, PWCCA, Procrustes against NumPy and SciPy, their invariances, and loops.
local compare = require "lamina.rdm.compare"
local ops = require "lamina.core.ops"
local rdm = require "lamina.rdm"
local similarity = require "lamina.similarity"
local tensor = require "lamina.core.tensor"

local NUMPY = { -- made by tests/peers/similarity.py
  svcca = 0.4933913435527759, pwcca = 0.5265019317041195,
  disparity = 0.7159789400733382, linear = 0.44061012505910796, rbf = 0.5306753307987406,
}

local x, y = {}, {}
for i = 0, 11 do
  x[i + 1] = { math.sin(i), math.cos(2 * i), i / 6, math.sin(3 * i + 1) }
  y[i + 1] = { math.cos(i), math.sin(2 * i) + 0.5 * math.sin(i), i % 3, math.cos(i * i) }
end
x, y = tensor.tensor(x, { dtype = "float64" }), tensor.tensor(y, { dtype = "float64" })

local function draw(shape, purpose)
  return tensor.draw { kind = "normal", shape = shape, seed = 1, purpose = purpose, dtype = "float64" }
end

local function raises(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, message)
  assert.matches(message, tostring(err), 1, true)
end

it("CKA is NumPy's, and linear CKA the whitened cosine of RDMs", function()
  local linear = similarity.cka { x, y, unbiased = false }
  assert.near(NUMPY.linear, linear, 1e-12)
  assert.near(NUMPY.rbf, similarity.cka { x, y, kernel = "rbf", unbiased = false }, 1e-12)
  local a, b = rdm { x, method = "squared_euclidean" }, rdm { y, method = "squared_euclidean" }
  assert.near(linear, compare.compare_rdms { a, b, method = "whitened_cosine" }, 1e-12)
end)

it("unbiased CKA is a sum over different items, and near 0 for many features that have nothing in common", function()
  local k, l
  -- Song et al. 2012, equation 5, as U-statistics: sums over different i, j, q, r
  local function hsic(a, b)
    local n, two, three, four = 12, 0, 0, 0
    for i = 1, n do
      for j = 1, n do
        for q = 1, n do
          if i ~= j and j ~= q and i ~= q then three = three + a[i][j] * b[i][q] end
          for r = 1, n do
            if i ~= j and i ~= q and i ~= r and j ~= q and j ~= r and q ~= r then four = four + a[i][j] * b[q][r] end
          end
        end
        if i ~= j then two = two + a[i][j] * b[i][j] end
      end
    end
    local p2, p3 = n * (n - 1), n * (n - 1) * (n - 2)
    return two / p2 + four / (p3 * (n - 3)) - 2 * three / p3
  end
  local centred = {}
  for name, t in pairs { k = x, l = y } do
    local c = t - t:mean { dim = 1, keepdim = true }
    centred[name] = c:matmul(c:t()):totable()
  end
  k, l = centred.k, centred.l
  assert.near(hsic(k, l) / math.sqrt(hsic(k, k) * hsic(l, l)), similarity.cka { x, y }, 1e-10)
  local a, b = draw({ 20, 2000 }, "a"), draw({ 20, 2000 }, "b")
  assert.is_true(math.abs(similarity.cka { a, b }) < 0.15)
  assert.is_true(similarity.cka { a, b, unbiased = false } > 0.9)
end)

it("SVCCA, PWCCA and Procrustes are NumPy's and SciPy's", function()
  assert.near(NUMPY.svcca, similarity.svcca { x, y, variance = 1 }, 1e-10)
  assert.near(NUMPY.pwcca, similarity.pwcca { x, y, variance = 1 }, 1e-10)
  local distance, s = similarity.procrustes { x, y }
  assert.near(NUMPY.disparity, 1 - s * s, 1e-12)
  assert.near(2 - 2 * s, distance, 1e-12)
end)

it("what they do not see: rotation and scale, and for CCA every invertible map", function()
  local q = ops.qr(draw({ 4, 4 }, "q"), {})
  local turned, mapped = x:matmul(q) * 3 + 1, x:matmul(draw({ 4, 4 }, "m"))
  assert.near(1, similarity.cka { x, turned }, 1e-12)
  assert.near(1, similarity.cka { x, turned, kernel = "rbf" }, 1e-12)
  assert.near(0, (similarity.procrustes { x, turned }), 1e-10)
  assert.near(1, (similarity.svcca { x, mapped, variance = 1 }), 1e-10)
  assert.near(1, (similarity.pwcca { x, mapped, variance = 1 }), 1e-10)
  assert.is_true(similarity.cka { x, mapped } < 0.999)
  local wide = x:matmul(ops.qr(draw({ 30, 4 }, "w"), {}):t())
  assert.near(0, (similarity.procrustes { x, wide }), 1e-10)
  assert.near(1, (similarity.svcca { x, wide }), 1e-9)
end)

it("they say what is wrong", function()
  raises("cka: x holds 12 items and y 5", similarity.cka, { x, y[{ { 1, 5 } }] })
  raises("cka: 3 items, expected at least 4", similarity.cka, { x[{ { 1, 3 } }], y[{ { 1, 3 } }] })
  raises("procrustes: all items of x are the same", similarity.procrustes, { tensor.ones { 4, 2 }, y[{ { 1, 4 } }] })
  raises("any two such spaces correlate fully", similarity.svcca, { draw({ 5, 9 }, "a"), draw({ 5, 9 }, "b") })
  raises("option 'kernel' is 'poly'", similarity.cka, { x, y, kernel = "poly" })
end)
