-- Sparse coding by coordinate descent, matching pursuit and the online rule: scikit-learn's codes and dictionary, the
-- other methods, a dictionary that was planted.
local base = require "lamina.core.base"
local sparse = require "lamina.sparse"
local tensor = require "lamina.core.tensor"

local SKLEARN = { -- made by tests/peers/sparse.py
  lasso = { -11.635350773947156, 143.76921533077154, 237 },
  row = { -1.013719104712516, 0, 1.1387494950076322, 0, 0, 0.08536139723991655 },
  omp = { -11.84447446026935, 185.22087892803768 },
  dictionary = -1.2224658805966786,
  third = { 0.5607529378970167, 0.06667569475836346, 0.036678429840686574, 0.4585713283974555, -0.5535729319362365,
    -0.04966691302145669, 0.12707036844529387, 0.38002743607032397 },
}

local K, P, N, LAMBDA = 6, 8, 60, 0.15

local function made(rows, columns, f)
  local t = {}
  for i = 0, rows - 1 do
    t[i + 1] = {}
    for j = 0, columns - 1 do t[i + 1][j + 1] = f((i * columns + j) * 1.0) end
  end
  return tensor.tensor(t, { dtype = "float64" })
end

local D = made(K, P, function(i) return math.sin(i * i * 0.37 + 0.5) end)
D = D / D:square():sum({ dim = 2, keepdim = true }):sqrt()
local X = made(N, P, function(j) return math.sin(j * j * 0.11 + 1.0) end)

local function weighted(t)
  return (t * made(t:size(1), t:size(2), math.cos)):sum():item()
end

local function raises(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, message)
  assert.matches(message, tostring(err), 1, true)
end

describe("coordinate descent", function()
  local o = { x = X, bases = D, sparseness = "abs", beta = LAMBDA, method = "cd", tolerance = 1e-12 }

  it("finds scikit-learn's codes", function()
    local a = sparse.infer(o)
    assert.near(SKLEARN.lasso[1], weighted(a), 1e-7)
    assert.near(SKLEARN.lasso[2], a:abs():sum():item(), 1e-7)
    assert.equal(SKLEARN.lasso[3], a:ne(0):sum():item())
    for j, value in ipairs(SKLEARN.row) do assert.near(value, a[{ 2, j }], 1e-8) end
  end)

  it("finds what the other methods find, in float32, too, and says so in the trace", function()
    local x, bases = X:to "float32", D:to "float32"
    local a, trace = sparse.infer { x, bases, sparseness = "abs", beta = LAMBDA, method = "cd", trace = true }
    assert.equal("float32", a.dtype)
    assert.equal(1, #trace)
    local E = sparse.energy(x, bases, a, { sparseness = "abs", beta = LAMBDA }):sum():item()
    assert.near(E, trace[1], 1e-3)
    for _, method in ipairs { "ista", "fista", "lca" } do
      local _, other = sparse.infer { x, bases, sparseness = "abs", beta = LAMBDA, method = method, trace = true,
        iterations = 5000, tolerance = 1e-9 }
      assert.near(other[#other], E, 1e-3)
    end
  end)

  it("begins from a start, and is for |u| alone", function()
    local a = sparse.infer(o)
    local again = sparse.infer { X, D, sparseness = "abs", beta = LAMBDA, method = "cd", start = a, iterations = 1 }
    assert.is_true((again - a):abs():max():item() < 1e-10)
    raises("cd minimises sparseness = \"abs\" only", sparse.infer, { X, D, method = "cd" })
  end)
end)

describe("matching pursuit", function()
  it("is scikit-learn's", function()
    local a = sparse.pursue { X, D, most = 3 }
    assert.near(SKLEARN.omp[1], weighted(a), 1e-9)
    assert.near(SKLEARN.omp[2], a:abs():sum():item(), 1e-9)
  end)

  it("stops at the error asked for, one for all or one for each", function()
    local function left(a) return (X - a:matmul(D)):square():sum { dim = 2 } end
    local a = sparse.pursue { X, D, residual = 2.5 }
    local ends = left(a)
    for i = 1, N do
      local used = a[i]:ne(0):sum():item()
      assert.is_true(ends[i] <= 2.5 or used == K)
      if used > 1 then -- with one less it is not reached
        local x = X[{ { i, i } }]
        assert.is_true((x - sparse.pursue({ x, D, most = used - 1 }):matmul(D)):square():sum():item() > 2.5)
      end
    end
    local each = sparse.pursue { X, D, residual = tensor.full({ N }, 2.5) }
    assert.equal(a:digest(), each:digest())
    raises("residual is 3, expected a number or 60 numbers", sparse.pursue, { X, D, residual = tensor.zeros { 3 } })
    raises("expected N x pixels and K x pixels", sparse.pursue, { X, X:t() })
  end)
end)

describe("the online rule", function()
  local function batches(k) return X[{ { (k - 1) * 20 + 1, k * 20 } }] end

  it("learns scikit-learn's dictionary from the same patches", function()
    local code = sparse.code { bases = K, size = 3, sparseness = "abs", beta = LAMBDA, seed = 1 }
    code.bases = D
    code:learn { batches, rule = "online", updates = 2, forget = 2, tolerance = 1e-12, log = false }
    code:learn { batches, rule = "online", updates = 1, forget = 2, tolerance = 1e-12, log = false }
    assert.equal(3, code.updates)
    assert.near(SKLEARN.dictionary, weighted(code.bases), 1e-7)
    for p, value in ipairs(SKLEARN.third) do assert.near(value, code.bases[{ 3, p }], 1e-7) end
  end)

  -- 12 bases of 6 x 6, patches of 2 each: found again but for order and sign.
  it("finds a dictionary that was planted, with any number of threads the same", function()
    local planted = tensor.draw { kind = "normal", shape = { 12, 36 }, seed = 3, purpose = "planted" }
    planted = planted / planted:square():sum({ dim = 2, keepdim = true }):sqrt()
    local function drawn(step)
      local places = tensor.draw { kind = "uniform", shape = { 100, 12 }, seed = 4, step = step, purpose = "places" }
      local sizes = tensor.draw { kind = "normal", shape = { 100, 12 }, seed = 5, step = step, purpose = "sizes" }
      return (sizes * places:lt(2 / 12):to "float32"):matmul(planted)
    end
    local threads, digests = base.threads(), {}
    for _, count in ipairs { 1, 3 } do
      base.threads(count)
      local code = sparse.code { bases = 12, size = 6, sparseness = "abs", beta = 0.1, seed = 1 }
      code:learn { drawn, rule = "online", updates = 150, log = false }
      digests[#digests + 1] = code.bases:digest()
      local length = code.bases:square():sum({ dim = 2 }):sqrt()
      assert.is_true(length:max():item() < 1 + 1e-5)
      assert.is_true(code.bases:matmul(planted:t()):abs():max({ dim = 1 }):min():item() > 0.98)
    end
    base.threads(threads)
    assert.equal(digests[1], digests[2])
  end)

  it("puts patches in the place of bases that no patch uses", function()
    local code = sparse.code { bases = K, size = 3, sparseness = "abs", beta = LAMBDA, seed = 1 }
    code.bases = D * made(K, 1, function(i) return i < K - 1 and 1 or 0 end)
    code:learn { batches, rule = "online", updates = 1, log = false }
    local new = code.bases[{ { K, K } }]
    local cosine = X[{ { 1, 20 } }]:matmul(new:t()):reshape { -1 }
      / X[{ { 1, 20 } }]:square():sum({ dim = 2 }):sqrt()
    assert.near(1, cosine:max():item(), 1e-12)
  end)

  it("takes other sparseness by conjugate gradients, and refuses what is the other rule's", function()
    local code = sparse.code { bases = K, size = 3, seed = 1, beta = 0.1 }
    code.bases = D
    local before = code:energy(X, code:infer(X)):sum():item()
    code:learn { function() return X end, rule = "online", updates = 20, log = false }
    assert.is_true(code:energy(X, code:infer(X)):sum():item() < 0.9 * before)
    raises("'rate' belongs to rule = \"gradient\"", code.learn, code, { batches, rule = "online", rate = { 1 } })
    raises("'forget' belongs to rule = \"online\"", code.learn, code, { batches, forget = 3 })
    raises("rule", code.learn, code, { batches, rule = "onlin" })
  end)
end)
