-- The words linalg.*: the same ops as the methods, with help, options by name, and errors that name the op.
local lamina = require "lamina"
local linalg = lamina.linalg

local tensor, eye = lamina.tensor, lamina.eye

local function message_of(f) return tostring(select(2, lamina.try(f))) end

local function near(a, b, bound)
  assert.near(0, (a - b):abs():max():item(), bound or 1e-12)
end

describe("linalg", function()
  local a = tensor { { 4, 1 }, { 1, 3 }, dtype = "float64" }
  local b = tensor { 1, 2, dtype = "float64" }

  it("solves as a word and as a method", function()
    near(linalg.solve(a, b), tensor { 1 / 11, 7 / 11, dtype = "float64" })
    near(a:solve(b), linalg.solve(a, b), 0)
    near(a:cholesky():cholesky_solve(b), a:solve(b))
    near(linalg.inverse(a):matmul(a), eye(2, { dtype = "float64" }))
  end)

  it("takes options by name and gives several results", function()
    local u = linalg.cholesky(a, { upper = true })
    near(u:t():matmul(u), a)
    local p, l, v = linalg.lu(a)
    near(p:matmul(l):matmul(v), a)
    local q, r = a:qr { complete = true }
    near(q:matmul(r), a)
    local sign, logabs = a:slogdet()
    assert.near(math.log(11), (sign * logabs):item(), 1e-12)
    assert.near(11, a:det():item(), 1e-12)
    near(a:matrix_power(3), a:matmul(a):matmul(a))
  end)

  it("keeps float32 and its results are exact", function()
    local x = a:to "float32":solve(b:to "float32")
    assert.equal("float32", x.dtype)
    assert.is_false(x.close)
  end)

  it("names the op and what is wrong", function()
    assert.matches("cholesky: the matrix is not positive definite: its leading minor of order 2",
      message_of(function() (a - eye(2, { dtype = "float64" }) * 3.5):cholesky() end))
    assert.matches("unknown option 'uper' %(did you mean 'upper'%?%)",
      message_of(function() a:cholesky { uper = true } end))
    assert.matches("linalg has no word 'cholesk' %(did you mean 'cholesky'%?%)",
      message_of(function() return linalg.cholesk end))
  end)

  it("has gradients", function()
    local x = tensor { { 4, 1 }, { 1, 3 }, dtype = "float64" }:requires_grad(true)
    x:det():log():backward()
    near(x.grad, linalg.inverse(a):t())
  end)
end)
