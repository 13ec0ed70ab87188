-- range_spec.lua: numbers at the ends of their range, options under both their names, tables that hold themselves.

local function message_of(f) local _, err = try(f) return assert(err, "no error").message end
local function doubles(values) return tensor(values, { dtype = "float64" }) end

local function near(expected, value)
  assert.is_true(math.abs(value - expected) <= 4e-16 * expected, string.format("%.17g, not %.17g", value, expected))
end

describe("lengths", function()
  it("are right where squares are too large or too small for numbers", function()
    for _, scale in ipairs { 1e200, 1e300, 1e-200, 1e-300 } do -- a triangle of 3, 4 and 5
      local x = doubles { 3 * scale, 4 * scale }
      near(5 * scale, x:norm():item())
      near(5 * scale, x:reshape { 1, 2 }:complex_abs():item())
      near(5 * scale, x:reshape { 1, 2 }:cdist(zeros { 1, 2, dtype = "float64" }):item())
    end
    assert.is_true(math.abs(tensor { 3e30, 4e30 }:norm():item() / 5e30 - 1) < 2e-7)
    assert.is_true(math.abs(tensor { { 3e30, 4e30 } }:cdist(zeros { 1, 2 }):item() / 5e30 - 1) < 2e-7)
    -- 3^3 + 4^3 + 5^3 = 6^3, and each row by its own size
    local rows = doubles { { 3e150, 4e150, 5e150 }, { 3e-150, 4e-150, 5e-150 }, { 3, 4, 5 } }:norm { p = 3, dim = 2 }
    for i, expected in ipairs { 6e150, 6e-150, 6 } do
      assert.is_true(math.abs(rows[i] / expected - 1) < 1e-14)
    end
    assert.equal(0, doubles { 0, 0 }:norm():item())
    assert.equal(math.huge, doubles { math.huge, 1 }:norm():item())
  end)

  it("have the slope x / |x| there, too", function()
    local x = doubles { 3e200, 4e200 }:requires_grad(true)
    x:norm():backward()
    near(0.6, x.grad[1])
    near(0.8, x.grad[2])
  end)
end)

describe("solutions beyond the range of numbers", function()
  it("are an error, and those within it are found", function()
    local eye = eye(2, { dtype = "float64" })
    for _, f in ipairs { linalg.inverse, function(a) return linalg.solve(a, ones { 2, dtype = "float64" }) end } do
      assert.truthy(message_of(function() f(eye * 1e-320) end):find("leaves the range of float64", 1, true))
    end
    near(1e300, linalg.inverse(eye * 1e-300)[{ 1, 1 }])
    for _, driver in ipairs { "qr", "svd" } do -- the length of the column is 3e308
      local a, b = ones { 9, 1, dtype = "float64" } * 1e308, ones { 9, dtype = "float64" }
      local x = linalg.lstsq(a, b, { driver = driver })
      assert.is_true(math.abs(x[1] / 1e-308 - 1) < 1e-14)
    end
    local nan = linalg.inverse(doubles { { 1, 0 }, { 0, 0 / 0 } }) -- what is no number stays none
    assert.is_true(nan:isnan():any():item())
  end)
end)

describe("arange", function()
  it("wants finite numbers", function()
    assert.equal("arange: start is nan but must be a finite number", message_of(function() arange(0 / 0, 1) end))
    assert.equal("arange: stop is inf but must be a finite number", message_of(function() arange(1, 1 / 0) end))
    assert.equal("arange: step is nan but must be a finite number", message_of(function() arange(0, 1, 0 / 0) end))
  end)
end)

describe("axes", function()
  it("are called dim by every op, and dims where PyTorch does", function()
    local x = arange(1, 6):reshape { 2, 3 }
    for _, name in ipairs { "dim", "dims" } do
      assert.same({ 3, 1, 2, 6, 4, 5 }, x:roll(1, { [name] = 2 }):reshape { -1 }:totable())
      assert.same({ 3, 2, 1, 6, 5, 4 }, x:flip { [name] = 2 }:reshape { -1 }:totable())
      assert.same({ 3, 2 }, x:permute({ [name] = { 2, 1 } }).shape)
      assert.same({ 2, 5 }, x:pad(1, { [name] = 2 }).shape)
    end
    assert.equal("flip: 'dim' and 'dims' are one option; give it once",
      message_of(function() x:flip { dim = 1, dims = 2 } end))
  end)

  it("are the first one where gather and scatter name none, as for scatter_add_", function()
    local x, at = tensor { { 1, 2 }, { 3, 4 } }, tensor({ { 2, 1 } }, { dtype = "int64" })
    assert.same({ 3, 2 }, x:gather(at):reshape { -1 }:totable())
    assert.same({ 0, 8, 7, 0 }, zeros { 2, 2 }:scatter(at, tensor { { 7, 8 } }):reshape { -1 }:totable())
    assert.same({ 0, 8, 7, 0 }, zeros { 2, 2 }:scatter_(at, tensor { { 7, 8 } }):reshape { -1 }:totable())
    assert.same({ 0, 8, 7, 0 }, zeros { 2, 2 }:scatter_add_(at, tensor { { 7, 8 } }):reshape { -1 }:totable())
  end)
end)

describe("a histogram of one value", function()
  it("has bins of half a unit to both sides, as NumPy's", function()
    assert.same({ 0, 3 }, tensor { 1, 1, 1 }:histogram { bins = 2 }:totable())
    assert.same({ 0, 1 }, tensor { 1, 2, 3 }:histogram { bins = 2, low = 1, high = 1 }:totable())
  end)
end)

describe("a table of layers that holds itself", function()
  it("is a mistake, not a loop", function()
    local own, deep = { relu }, { relu }
    own[2], deep[2] = own, residual(deep)
    for _, layers in ipairs { own, { residual(own) }, { shared(own) }, deep } do
      local text = message_of(function() model "m" { input { 1, 4, 4 }, area "V1"(layers) } end)
      assert.truthy(text:find("does a table of layers hold itself?", 1, true), text)
    end
  end)
end)

describe("on_gradient", function()
  it("knows a tensor that was released", function()
    local x = ones { 2 }:requires_grad(true)
    local y = on_gradient(x * 2, function(g)
      local twice = g * 2
      twice:release()
      return twice
    end):sum()
    assert.equal("on_gradient: backward returned a tensor that has been released for argument 1",
      message_of(function() y:backward() end))
  end)
end)
