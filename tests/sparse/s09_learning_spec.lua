-- SYSTEMS S09 in small: bases that made patches are found again; energies by loops; what is refused.
local lamina = require "lamina"

local sparse, tensor = lamina.sparse, lamina.tensor

describe("sparse", function()
  it("energy is its formula", function()
    local x, bases = tensor({ { 1, 2 } }, { dtype = "float64" }), tensor({ { 1, 0 }, { 0.5, 1 } },
      { dtype = "float64" })
    local a = tensor({ { 0.3, -0.2 } }, { dtype = "float64" })
    local r1, r2 = 1 - (0.3 - 0.1), 2 - (-0.2)
    local function asked(S) return 0.5 * (r1 ^ 2 + r2 ^ 2) + 0.2 * 0.4 * (S(0.3 / 0.4) + S(-0.2 / 0.4)) end
    for name, S in pairs { log = function(u) return math.log(1 + u * u) end, abs = math.abs,
      exp = function(u) return -math.exp(-u * u) end } do
      local E = sparse.energy(x, bases, a, { sparseness = name, beta = 0.2, sigma = 0.4 })
      assert.near(asked(S), E[1], 1e-12)
    end
  end)

  it("inference never ends above where it began, with every method", function()
    local x, bases = lamina.randn { 30, 16, seed = 1 }, lamina.randn { 24, 16, seed = 2 }
    bases = bases / bases:square():sum({ dim = 2, keepdim = true }):sqrt()
    for _, o in ipairs { { "cg", "log" }, { "cg", "exp" }, { "cg", "abs" }, { "ista", "abs" }, { "fista", "abs" },
      { "lca", "abs" } } do
      local method, sparseness = o[1], o[2]
      local a = sparse.infer { x, bases, method = method, sparseness = sparseness, beta = 0.3 }
      local now = sparse.energy(x, bases, a, { sparseness = sparseness, beta = 0.3 })
      local start = method == "cg" and x:matmul(bases:t()) or lamina.zeros { 30, 24 }
      local before = sparse.energy(x, bases, start, { sparseness = sparseness, beta = 0.3 })
      assert.is_true(now:le(before + 1e-4):all():item(), method .. " " .. sparseness)
    end
  end)

  it("learning finds bases that made the patches", function()
    local n, size = 6, 4
    local made = lamina.randn { n, size * size, seed = 3 }
    made = made / made:square():sum({ dim = 2, keepdim = true }):sqrt()
    local code = sparse.code { bases = n, size = size, beta = 0.05, seed = 4 }
    code:learn { function(step)
      local on = lamina.rand { 100, n, seed = 2 * step }:lt(0.2):to "float32"
      return (on * lamina.randn { 100, n, seed = 2 * step + 1 }):matmul(made)
    end, updates = 800, rate = { 2, 1 }, log = false }
    local unit = code.bases / code.bases:square():sum({ dim = 2, keepdim = true }):sqrt()
    local nearest = made:matmul(unit:t()):abs():max { dim = 2 }
    assert.is_true(nearest:min():item() > 0.95, nearest:min():item())
    assert.equal(800, code.updates)
    assert.matches("800 updates", tostring(code))
  end)

  it("says what does not fit", function()
    local x, bases = lamina.randn { 3, 16 }, lamina.randn { 4, 9 }
    local function raised(f, ...)
      local ok, e = lamina.try(f, ...)
      assert.is_nil(ok)
      return e.message
    end
    assert.matches("3x16 and bases 4x9", raised(sparse.infer, { x, bases }))
    assert.matches("fista minimises", raised(sparse.infer, { x, lamina.randn { 4, 16 }, method = "fista" }))
    assert.matches("hold no patch", raised(sparse.patches, { lamina.randn { 2, 20, 20 }, 5 }))
  end)
end)
