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

local NUMPY = { -- made by tests/peers/linalg.py
  svdvals = { 17.436984282741232, 2.202867477135057, 0.31456954972769646 },
  q = {
    { -0.12216944435630528, 0.564276492686879, 0.4778184825674984 },
    { -0.48867777742522095, 0.2317564166392534, 0.5187743525018513 },
    { -0.8551861104941366, -0.10076365940837118, -0.44368859095553176 },
    { 0.12216944435630524, 0.7859565433852949, -0.5529042441138184 } },
  r = {
    { -8.18535277187245, -9.529216659791809, -11.606097213848996 },
    { 0.0, 1.481225793303057, 3.647644470583036 },
    { 0.0, 0.0, -0.9965928350693511 } },
  exp = {
    { 1892793.8019720193, 2319804.3484406346, 2921688.794293476 },
    { 4267596.877969618, 5230361.132662509, 6587401.226410254 },
    { 7065281.732625874, 8659197.695576448, 10905868.064126875 } },
  lstsq = { 0.7054794520547858, -1.602739726027385, 0.9657534246575297 },
  eigvalsh = { -2.855625595195174, -0.52402356980156, 19.379649164996728 },
}

-- OpenBLAS's LAPACK where it is there, and the runtime's own always: each against the definition, and one another.
local here = lamina.try(function() return lamina.ones { 1, 1 }:svdvals() end)
local methods = here and { "exact", "lapack" } or { "exact" }
local with_lapack = here and it or pending

describe("linalg's spectra", function()
  local function orthonormal(q)
    near(q:t():matmul(q), eye(q:size(2), { dtype = "float64" }), 1e-12)
  end
  local shapes = { { 1, 1 }, { 5, 3 }, { 3, 5 }, { 40, 40 }, { 70, 20 } }

  for _, method in ipairs(methods) do
    it("multiply back, " .. method, function()
      for _, shape in ipairs(shapes) do
        local x = lamina.randn { shape[1], shape[2], dtype = "float64" }
        local u, s, vt = x:svd { method = method }
        near((u * s):matmul(vt), x, 1e-12)
        orthonormal(u)
        orthonormal(vt:t())
        near(x:svdvals { method = method }, s, 1e-12)
        local full, _, right = x:svd { full = true, method = method }
        orthonormal(full)
        orthonormal(right)
        near(x:matmul(x:pinv { method = method }):matmul(x), x, 1e-11)
        local a = x:matmul(x:t())
        local w, v = a:eigh { method = method }
        near(a:matmul(v), v * w, 1e-10)
        orthonormal(v)
        near(a:eigvalsh { method = method }, w, 1e-10)
        assert.equal(method == "lapack", s.close and w.close and x:pinv { method = method }.close)
      end
    end)

    it("find eigenvalues of the largest and the smallest numbers, " .. method, function()
      local root = math.sqrt(2)
      for _, size in ipairs { 2.0 ^ 1022, 2.0 ^ 600, 2.0 ^ -600, 2.0 ^ -1060 } do
        local rows = { { 1, 1, 0 }, { 1, 1, 1 }, { 0, 1, 1 } }
        local a = tensor(rows, { dtype = "float64" }) * size
        local w, v = a:eigh { method = method }
        for i, want in ipairs { 1 - root, 1, 1 + root } do
          if want * size < math.huge then assert.near(want, w[i] / size, size < 1e-300 and 1e-3 or 1e-14) end
        end
        near(v:square(), tensor({ { 0.25, 0.5, 0.25 }, { 0.5, 0, 0.5 }, { 0.25, 0.5, 0.25 } }, { dtype = "float64" }),
          1e-14)
      end
    end)

    it("know ranks, conditions, norms and spaces, " .. method, function()
      local x = lamina.randn { 8, 3, dtype = "float64" }:matmul(lamina.randn { 3, 6, dtype = "float64" })
      local o = { method = method }
      assert.equal(3, x:matrix_rank(o):item())
      local basis, null = x:orth(o), x:null_space(o)
      assert.same({ 8, 3 }, basis.shape)
      assert.same({ 6, 3 }, null.shape)
      near(basis:matmul(basis:t():matmul(x)), x, 1e-12)
      near(x:matmul(null), lamina.zeros { 8, 3, dtype = "float64" }, 1e-12)
      local d = tensor { { 3, 0 }, { 0, -4 } }
      assert.near(4 / 3, d:cond(o):item(), 1e-6)
      assert.equal(math.huge, zeros { 2, 2 }:cond(o):item())
      assert.near(3 / 4, d:cond({ p = "-2", method = method }):item(), 1e-6)
      assert.near(25 / 12, d:cond({ p = "fro", method = method }):item(), 1e-6) -- 5 sqrt(1 / 9 + 1 / 16)
      assert.near(49 / 12, d:cond({ p = "nuc", method = method }):item(), 1e-6)
      for ord, want in pairs { fro = 5, nuc = 7, ["2"] = 4, ["-2"] = 3, ["1"] = 4, ["-inf"] = 3 } do
        assert.near(want, d:matrix_norm { ord = ord, method = method }:item(), 1e-6)
      end
      assert.matches("svd: the matrix holds a NaN", message_of(function() (d / 0 * 0):svd(o) end))
    end)
  end

  it("hold for matrices that are hard on them, exact", function()
    local n = 40
    local function built(f)
      local rows = {}
      for i = 1, n do
        rows[i] = {}
        for j = 1, n do rows[i][j] = f(i, j) end
      end
      return tensor(rows, { dtype = "float64" })
    end
    local hard = {
      zeros = built(function() return 0 end),
      ones = built(function() return 1 end),
      identity = eye(n, { dtype = "float64" }),
      hilbert = built(function(i, j) return 1 / (i + j - 1) end),
      falling = built(function(i, j) return 2.0 ^ (-i - j) * math.cos(i * j) end),
      rising = built(function(i, j) return 2.0 ^ (i + j) * math.cos(i * j) end),
      kahan = built(function(i, j) return j < i and 0 or 0.8 ^ (i - 1) * (i == j and 1 or -0.6) end),
      bidiagonal = built(function(i, j) return (i == j and i ~= 20 and 1 or j == i + 1 and 2) or 0 end),
      nilpotent = built(function(i, j) return j == i + 1 and 1 or 0 end),
      pairs = built(function(i, j) return i == j and (i % 2 == 0 and 3 or -3) or 0 end),
      huge = built(function(i, j) return 1e300 * math.sin(i + 3 * j * j) end),
      tiny = built(function(i, j) return 1e-300 * math.sin(i + 3 * j * j) end),
    }
    for name, x in pairs(hard) do
      local u, s, vt = x:svd { method = "exact" }
      local largest = s[1] > 0 and s[1] or 1
      assert.is_true(((u * (s / largest)):matmul(vt) - x / largest):abs():max():item() < 1e-13, name)
      orthonormal(u)
      orthonormal(vt:t())
      assert.is_true(s[n] >= 0 and (s[{ { 1, n - 1 } }] - s[{ { 2, n } }]):min():item() >= 0, name)
      near(x:svdvals { method = "exact" } / largest, s / largest, 1e-14)
    end
    local ones = hard.nilpotent:svdvals { method = "exact" }
    near(ones[{ { 1, n - 1 } }], lamina.ones { n - 1, dtype = "float64" }, 1e-14)
    assert.equal(0, ones[n])
  end)

  it("give NumPy's values", function() -- numpy.linalg of this matrix
    local x = tensor { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 10 }, { -1, 0, 2 }, dtype = "float64" }
    near(x:svdvals { method = "exact" }, tensor(NUMPY.svdvals, { dtype = "float64" }), 1e-13)
    local q, r = x:qr()
    near(q, tensor(NUMPY.q, { dtype = "float64" }), 1e-14)
    near(r, tensor(NUMPY.r, { dtype = "float64" }), 1e-13)
    near(x[{ { 1, 3 } }]:matrix_exp() / 1e6, tensor(NUMPY.exp, { dtype = "float64" }) / 1e6, 1e-7)
    near(x:lstsq(tensor { 1, 0, 2, 1, dtype = "float64" }), tensor(NUMPY.lstsq, { dtype = "float64" }), 1e-13)
    near(x[{ { 1, 3 } }]:eigvalsh { method = "exact" }, tensor(NUMPY.eigvalsh, { dtype = "float64" }), 1e-13)
  end)

  it("give conditions in other norms", function() -- the inverse of a is [[2, -1], [-3, 2]]
    local a = tensor { { 2, 1 }, { 3, 2 }, dtype = "float64" }
    local singular = tensor { { 1, 2 }, { 2, 4 }, dtype = "float64" }
    for p, want in pairs { ["1"] = 5 * 5, inf = 5 * 5, ["-1"] = 3 * 3, ["-inf"] = 3 * 3 } do
      assert.near(want, a:cond({ p = p }):item(), 1e-12)
      local both = tensor({ { { 1, 2 }, { 2, 4 } }, { { 2, 1 }, { 3, 2 } } }, { dtype = "float64" }):cond { p = p }
      assert.equal(math.huge, both[1])
      assert.near(want, both[2], 1e-12)
      assert.is_false(both.close)
    end
    assert.near(18, a:cond({ p = "fro", method = "exact" }):item(), 1e-12)
    assert.is_true(singular:cond({ p = "fro", method = "exact" }):item() > 1e15)
    assert.matches("cond: a is 2x3 but must be square for p = '1'",
      message_of(function() lamina.ones { 2, 3 }:cond { p = "1" } end))
  end)

  with_lapack("have complex eigenvalues", function()
    local a = lamina.randn { 6, 6, dtype = "float64" }
    local w, v = linalg.eig(a)
    assert.is_true(w.close)
    assert.same({ 6, 6, 2 }, v.shape)
    local re, im, x, y = w:real(), w:imag(), v:real(), v:imag()
    near(a:matmul(x), x * re - y * im, 1e-12)
    near(a:matmul(y), x * im + y * re, 1e-12)
    near((x * x + y * y):sum(1), lamina.ones { 6, dtype = "float64" }, 1e-12)
    near(linalg.eig(tensor { { 0, -1 }, { 1, 0 } }), tensor { { 0, 1 }, { 0, -1 } }, 1e-6)
    assert.matches("eig: a is 2x3 but must", message_of(function() linalg.eig(lamina.ones { 2, 3 }) end))
    local learned = tensor { { 2, 1 }, { 1, 3 } }:requires_grad(true)
    assert.matches("eig: a needs a gradient, which eig does not have: .*detach",
      message_of(function() linalg.eig(learned) end))
    near(linalg.eig(learned:detach()):imag(), lamina.zeros { 2 }, 0)
  end)

  it("say what is missing without OpenBLAS", function()
    local command = require "support.command"
    local pipe = io.popen("LAMINA_MODULES=/nowhere " .. command.quote(command.path)
      .. " -e 'print(ones { 2, 2 }:svdvals())' 2>&1")
    local text = pipe:read "a"
    pipe:close()
    assert.matches("svdvals: this needs the LAPACK module %(OpenBLAS%), which is not here", text)
  end)

  -- Eigenvalues of 0 to rounding once kept the QL steps from ending.
  it("finds the eigenvalues of products of few columns", function()
    for n = 101, 121, 2 do
      local x = lamina.randn { n, n // 2, dtype = "float64" }
      local a = x:matmul(x:t())
      local w, v = a:eigh { method = "exact" }
      assert.is_true((a:matmul(v) - v * w:reshape { 1, -1 }):abs():max():item() < 1e-12 * w[n])
      assert.is_true(w[{ { 1, n - n // 2 } }]:abs():max():item() < 1e-12 * w[n])
    end
  end)
end)
