-- The words fft.*: values that NumPy gives, shifts and frequencies, the convolution theorem, complex numbers.
local lamina = require "lamina"
local fft = lamina.fft
local tensor, randn = lamina.tensor, lamina.randn

local function message_of(f) return tostring(select(2, lamina.try(f))) end
local function near(a, b, bound) assert.near(0, (a - b):abs():max():item(), bound or 1e-12) end
local function f64(list) return tensor(list, { dtype = "float64" }) end

describe("fft", function()
  it("gives NumPy's values", function() -- numpy.fft of [1, 2, 4, 8, 16, 3]
    near(fft.rfft(f64 { 1, 2, 4, 8, 16, 3 }), f64 { { 34, 0 }, { -14.5, 11.258330249197702 },
      { -3.5, -9.526279441628825 }, { 8, 0 } })
    near(f64 { { 1, 2 }, { 0, -1 }, { 3, 0.5 } }:fft(), f64 { { 4, 1.5 },
      { -1.7990381056766578, 4.848076211353316 }, { 0.7990381056766578, -0.34807621135331623 } })
  end)

  it("knows frequencies and shifts", function()
    near(fft.fftfreq(5, 0.1), f64 { 0, 2, 4, -4, -2 })
    near(fft.fftfreq { 4 }, f64 { 0, 0.25, -0.5, -0.25 })
    near(fft.rfftfreq(6), f64 { 0, 1 / 6, 2 / 6, 0.5 })
    near(fft.fftshift(fft.fftfreq(5)), f64 { -0.4, -0.2, 0, 0.2, 0.4 })
    local x = randn { 4, 5, 2 }
    near(fft.ifftshift(fft.fftshift(x, { complex = true }), { complex = true }), x, 0)
    near(fft.ifftshift(fft.fftshift(x, { dim = { 2 } }), { dim = 2 }), x, 0)
    assert.equal(x[{ 1, 1, 1 }], fft.fftshift(x, { complex = true })[{ 3, 3, 1 }])
  end)

  it("turns convolution into multiplication", function()
    local x, k = randn { 50, dtype = "float64" }, randn { 7, dtype = "float64" }
    local product = fft.complex_mul(x:rfft { n = 56 }, k:rfft { n = 56 }):irfft { n = 56 }
    local sum = lamina.zeros { 56, dtype = "float64" }
    for i = 1, 7 do
      for t = 1, 50 do sum[i + t - 1] = sum[i + t - 1] + x[t] * k[i] end
    end
    near(product, sum)
  end)

  it("convolves", function() -- against the sum itself
    local function direct(x, k) -- of one axis
      local sum = lamina.zeros { #x + #k - 1, dtype = "float64" }
      for i = 1, #k do
        for t = 1, #x do sum[i + t - 1] = sum[i + t - 1] + x[t] * k[i] end
      end
      return sum
    end
    for _, sizes in ipairs { { 1, 1 }, { 9, 4 }, { 4, 9 }, { 23, 8 } } do
      local n, m = sizes[1], sizes[2]
      local x, k = randn { n, dtype = "float64" }, randn { m, dtype = "float64" }
      local full, short = direct(x, k), math.min(n, m)
      near(x:fft_conv(k), full)
      near(fft.fft_conv(x, k, { mode = "same" }), full[{ { (m - 1) // 2 + 1, (m - 1) // 2 + n } }])
      near(x:fft_conv(k, { mode = "valid" }), full[{ { short, math.max(n, m) } }])
      near(x:to("float32"):fft_conv(k:to "float32"):to "float64", full, 1e-5)
    end
    local rows, k = randn { 3, 6, dtype = "float64" }, randn { 1, 4, dtype = "float64" }
    local each = rows:fft_conv(k, { dim = 2 }) -- broadcast over the rows
    assert.same({ 3, 9 }, each.shape)
    for i = 1, 3 do near(each[i], direct(rows[i], k[1])) end
    local plane, y = randn { 5, 4, dtype = "float64" }, randn { 2, 3, dtype = "float64" }
    local sum = lamina.zeros { 6, 6, dtype = "float64" }
    for i = 1, 5 do
      for j = 1, 4 do
        local part = sum[{ { i, i + 1 }, { j, j + 2 } }]
        sum[{ { i, i + 1 }, { j, j + 2 } }] = part + plane[{ i, j }] * y
      end
    end
    near(plane:fft_conv(y), sum)
    near(plane:fft_conv(y, { mode = "valid" }), sum[{ { 2, 5 }, { 3, 4 } }])
    assert.is_false(plane:fft_conv(y).close)
    assert.matches("fft_conv: x is 5x4 and y 9; expected as many axes",
      message_of(function() plane:fft_conv(randn { 9, dtype = "float64" }) end))
    assert.matches("mode = 'valid' needs one of them",
      message_of(function() plane:fft_conv(randn { 9, 1, dtype = "float64" }, { mode = "valid" }) end))
    assert.matches("axis 2 is named twice", message_of(function() plane:fft_conv(y, { dim = { 2, 2 } }) end))
    local none = lamina.zeros { 0, 2, dtype = "float64" }
    assert.matches("axis 1 is empty", message_of(function() plane:fft_conv(none) end))
  end)

  it("has complex numbers", function()
    local z = fft.complex(f64 { 3, 0, -1 }, f64 { 4, 2, 0 })
    near(z:complex_abs(), f64 { 5, 2, 1 })
    near(fft.angle(z), f64 { math.atan(4, 3), math.pi / 2, math.pi })
    near(fft.complex_mul(z, z:conj()):real(), f64 { 25, 4, 1 })
    near(z:conj():imag(), f64 { -4, -2, 0 })
    near(fft.complex(f64 { 1, 2 }), f64 { { 1, 0 }, { 2, 0 } })
  end)

  it("names what is wrong", function()
    assert.matches("fft: x is 3 but must be complex: .*rfft transforms a real signal",
      message_of(function() f64 { 1, 2, 3 }:fft() end))
    assert.matches("unknown word 'ortha' %(did you mean 'ortho'%?%)",
      message_of(function() f64 { 1, 2, 3 }:rfft { norm = "ortha" } end))
    assert.matches("fft.fftfreq: .*n", message_of(function() fft.fftfreq(0) end))
    assert.matches("fft.fftshift: dim 3 is not an axis",
      message_of(function() fft.fftshift(randn { 2, 2 }, { dim = 3 }) end))
  end)
end)
