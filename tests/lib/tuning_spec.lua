-- What physiologists measure: fits against curves that are known, measures against closed forms, receptive fields
-- that are found again, stimuli against what they should show.
local lamina = require "lamina"

local neural, stimuli, tuning = lamina.neural, lamina.stimuli, lamina.tuning

local function raised(f, ...)
  local ok, e = lamina.try(f, ...)
  assert.is_nil(ok)
  return e.message
end

describe("tuning.fit", function()
  local function made(from, to, n, f)
    local x, y = {}, {}
    for i = 1, n do
      x[i] = from + (to - from) * (i - 1) / (n - 1)
      y[i] = f(x[i])
    end
    return x, y
  end

  it("finds the parameters of its own curves", function()
    local x, y = made(0, 170, 18, function(a) return 2
      + 20 * math.exp(2 * (math.cos(math.rad(2 * (a - 57))) - 1)) end)
    local fit = tuning.fit { "von_mises", x = x, y = y }
    assert.near(57, fit.preferred, 1e-4)
    assert.near(math.deg(math.acos(1 - math.log(2) / 2)) / 2, fit.bandwidth, 1e-4)
    assert.near(1, fit.r2, 1e-9)
    assert.near(2 + 20 / 2, fit:at(57 + fit.bandwidth), 1e-3)

    x, y = made(0, 345, 24, function(a)
      local c = math.cos(math.rad(a - 200))
      return 1 + 10 * math.exp(3 * (c - 1)) + 4 * math.exp(3 * (-c - 1))
    end)
    fit = tuning.fit { "direction", x = x, y = y }
    assert.near(200, fit.preferred, 1e-3)
    assert.near(4, fit.opposite, 1e-4)

    x, y = made(-3, 4, 15, function(a) return 1 + 8 * math.exp(-(a - 0.7) ^ 2 / (2 * 0.81)) end)
    for i = 1, #x do x[i] = 2 ^ x[i] end
    fit = tuning.fit { "log_gaussian", x = x, y = y }
    assert.near(0.7, math.log(fit.preferred, 2), 1e-6)
    assert.near(2 * math.sqrt(2 * math.log(2)) * 0.9, fit.bandwidth, 1e-5)

    x, y = made(0, 1, 11, function(c) return 1 + 30 * c ^ 2.2 / (c ^ 2.2 + 0.3 ^ 2.2) end)
    fit = tuning.fit { "naka_rushton", x = x, y = y }
    assert.near(0.3, fit.c50, 1e-5)
    assert.near(2.2, fit.n, 1e-4)
    assert.matches("c50", tostring(fit))
  end)

  it("states intervals that hold the truth about as often as they say", function()
    local x, inside, n = {}, 0, 120
    for i = 1, 18 do x[i] = 10 * (i - 1) end
    for k = 1, n do
      local z = lamina.randn({ 18, seed = k, dtype = "float64" }):totable()
      local y = {}
      for i = 1, 18 do y[i] = 5 + 10 * math.exp(2 * (math.cos(math.rad(2 * (x[i] - 80))) - 1)) + 0.5 * z[i] end
      local fit = tuning.fit { "von_mises", x = x, y = y }
      if fit.low.preferred <= 80 and fit.high.preferred >= 80 then inside = inside + 1 end
    end
    assert.is_true(inside >= 0.88 * n and inside < n, inside .. " of " .. n)
  end)

  it("says what cannot be fitted", function()
    assert.matches("x has 3 entries, y 2", raised(tuning.fit, { "von_mises", x = { 1, 2, 3 }, y = { 1, 2 } }))
    assert.matches("at least as many points, got 2", raised(tuning.fit, { "von_mises", x = { 1, 2 }, y = { 1, 2 } }))
    assert.matches("x%[1%] is 0", raised(tuning.fit, { "log_gaussian", x = { 0, 1, 2, 3 }, y = { 1, 2, 3, 4 } }))
    assert.matches("not finite", raised(tuning.fit, { "von_mises", x = { 0, 1, 2, 3 }, y = { 1, 0 / 0, 3, 4 } }))
    assert.matches("expected one of", raised(tuning.fit, { "gaussian", x = { 0 }, y = { 1 } }))
  end)

  it("fits a Gabor function to a filter", function()
    local bank = stimuli.gabors { size = 16, orientation = 33, wavelength = 6, phase = 50, x = 1.3, y = -2 }
    local fit = tuning.fit_gabor(bank[1][1])
    assert.near(33, fit.orientation, 0.5)
    assert.near(6, fit.wavelength, 0.05)
    assert.near(1.3, fit.x, 0.05)
    assert.near(-2, fit.y, 0.05)
    assert.is_true(fit.r2 > 0.999)
    assert.near(0.75, fit.aspect, 0.01)
    local noise = tuning.fit_gabor(lamina.randn { 12, 12, seed = 3 })
    assert.is_true(noise.r2 < 0.7, noise.r2)
    assert.matches("3x3x3x3", raised(tuning.fit_gabor, { lamina.randn { 3, 3, 3, 3 } }))
    assert.matches("2x2", raised(tuning.fit_gabor, { lamina.randn { 2, 2 } }))
    assert.matches("not finite", raised(tuning.fit_gabor, { lamina.zeros { 4, 4 } / 0 }))
  end)

  it("fits Gabor functions as the slow reference does, several at a time", function()
    local reference = require "support.gabor"
    local z = lamina.randn({ 4, 12, 10, seed = 11, dtype = "float64" })
    local bank = stimuli.gabors { size = 12, orientation = { 20, 75, 110, 160 }, wavelength = 5, phase = 40, x = 1 }
    local fields = bank[{ {}, 1, {}, { 1, 10 } }]:to "float64" + z * (0.1 * bank:abs():max():item())
    local fits = tuning.fit_gabor { fields, starts = 3 }
    assert.equal(4, #fits)
    for i, fit in ipairs(fits) do
      local list = fields[i]:contiguous():reshape({ -1 }):totable()
      local p, r2, covariance = reference.fit(list, 10, 12, 3)
      assert.near(r2, fit.r2, 1e-6)
      assert.truthy(fit.r2 >= r2 - 1e-12) -- it goes on where the reference stops
      for j, name in ipairs(reference.names) do
        assert.near(p[j], fit[name], 0.02 * math.sqrt(covariance[j][j]), name)
        assert.near(math.sqrt(covariance[j][j]), fit.error[name], 0.01 * fit.error[name], name)
      end
      local alone = tuning.fit_gabor { fields[i], starts = 3 }
      assert.equal(alone.r2, fit.r2)
      assert.same(alone.parameters, fit.parameters)
    end
  end)

  it("states intervals of a Gabor fit that hold the truth about as often as they say", function()
    local truth = { orientation = 30, wavelength = 6, phase = 50, x = 0.5, y = -0.5 }
    local clean = stimuli.gabors { size = 14, orientation = 30, wavelength = 6, phase = 50, x = 0.5, y = -0.5 }
    local n = 100
    local noise = lamina.randn({ n, 14, 14, seed = 4, dtype = "float64" })
    clean = clean[1][1]:to "float64"
    local exact = tuning.fit_gabor(clean)
    truth.bandwidth, truth.aspect = exact.bandwidth, exact.aspect
    local fits = tuning.fit_gabor { clean:unsqueeze(1) + noise * (0.1 * clean:abs():max():item()), starts = 2 }
    for name, value in pairs(truth) do
      local inside = 0
      for _, fit in ipairs(fits) do
        if fit.low[name] <= value and value <= fit.high[name] then inside = inside + 1 end
      end
      assert.is_true(inside >= 87 and inside < n, name .. " " .. inside) -- 95 expected, 2.2 their standard deviation
    end
  end)
end)

describe("measures", function()
  it("agree with closed forms", function()
    local sine, rectified = {}, {}
    for k = 0, 255 do
      sine[k + 1] = 3 + 2 * math.cos(2 * math.pi * k / 256 + 1)
      rectified[k + 1] = math.max(0, math.cos(2 * math.pi * k / 256))
    end
    local ratio, f1, f0 = tuning.modulation(sine)
    assert.near(2 / 3, ratio, 1e-12)
    assert.near(2, f1, 1e-12)
    assert.near(3, f0, 1e-12)
    assert.near(math.pi / 2, (tuning.modulation(rectified)), 1e-4)

    local x, r = {}, {}
    for k = 0, 35 do
      x[k + 1] = 10 * k
      r[k + 1] = 5 + 3 * math.cos(math.rad(2 * (10 * k - 40))) + 1 * math.cos(math.rad(10 * k - 40))
    end
    local s = tuning.selectivity { x, r }
    assert.near((16 - 4) / (16 + 4), s.osi, 1e-9)
    assert.near(1 - 3 / 2 / 5, s.circular_variance, 1e-9)
    assert.near(40, s.preferred, 1e-9)
    assert.near((9 - 7) / (9 + 7), s.dsi, 1e-9)
    local index, best = tuning.suppression({ 1, 2, 4, 8 }, { 1, 10, 8, 6 })
    assert.near(0.4, index, 1e-12)
    assert.equal(2, best)
    local curve = tuning.curve { { 1, 5, 3, 7 }, { 90, 0, 90, 0 } }
    assert.same({ 0, 90 }, curve.x)
    assert.same({ { 6 }, { 2 } }, curve.mean:totable())
    assert.same({ 2, 2 }, curve.n)
  end)

  it("find receptive fields again, of a linear and of an energy cell", function()
    local field = stimuli.gabors { size = 9, orientation = 30, wavelength = 5, phase = { 0, 90 } }
    local flat = field:reshape({ 2, -1 }):to "float64"
    local noise = stimuli.noise { 20000, size = 9, contrast = 0.2, seed = 5 }
    local drive = (noise.x:reshape({ #noise, -1 }):to "float64" - 0.5):matmul(flat:t()) * 40
    local rates = drive[{ {}, 1 }]:relu()
    local spikes = neural.noisy({ rates, repeats = 1, seed = 2 }):reshape { -1 }
    local sta = tuning.sta(noise, spikes)
    local function alike(a, b)
      a, b = a:reshape({ -1 }):to "float64", b:reshape({ -1 }):to "float64"
      return math.abs(((a * b):sum() / (a:norm() * b:norm())):item())
    end
    assert.same({ 1, 9, 9 }, sta.shape)
    assert.is_true(alike(sta, field[1]) > 0.95, alike(sta, field[1]))
    local other = neural.noisy({ drive:square():sum { dim = 2 } * 0.05, repeats = 1, seed = 3 }):reshape { -1 }
    local stc = tuning.stc { noise, other, keep = 2 }
    local plane = stc.excitatory:reshape { 2, -1 }
    local caught = (plane:matmul(flat:t())):square():sum { dim = 1 } -- each filter's share inside the plane found
    assert.is_true(caught:min():item() > 0.85, caught:min():item())
    assert.is_true(stc.values[1] > 0 and stc.values[2] > 2 * stc.values[3])
  end)
end)

describe("stimuli", function()
  it("are bars, edges, discs and plaids as described", function()
    local bar = stimuli.bars { size = 20, orientation = 90, width = 0.2, x = 0.1, contrast = { 1, -0.5 }, mean = 0.4 }
    assert.equal(2, #bar)
    local row = bar.x[{ 1, 1, 10, {} }]:totable()
    for c = 1, 20 do assert.near(c >= 11 and c <= 14 and 0.8 or 0.4, row[c], 1e-6) end
    assert.near(0.2, bar.x[{ 2, 1, 3, 12 }], 1e-6)
    local edge = stimuli.edges { size = 4, orientation = 0, contrast = 0.5 }
    assert.same({ 0.25, 0.25, 0.75, 0.75 }, edge.x[{ 1, 1, {}, 2 }]:totable())
    local ring = stimuli.discs { size = 100, diameter = 0.6, inner = 0.2 }
    local area = ((ring.x - 0.5) * 2):mean():item()
    assert.near(math.pi / 4 * (0.36 - 0.04), area, 1e-3)
    local plaid = stimuli.plaids { size = 16, orientation = 20, angle = 90, contrast = 0.3, mask_contrast = 0,
      frequency = 3 }
    local grating = stimuli.gratings { size = 16, orientation = 20, contrast = 0.3, frequency = 3 }
    assert.is_true((plaid.x - grating.x):abs():max():item() < 1e-6)
    assert.matches("at most 1", raised(stimuli.plaids, { contrast = 0.7, mask_contrast = 0.7 }))
    assert.matches("contrast is 2", raised(stimuli.bars, { contrast = 2 }))
  end)

  it("are noise with the spectrum, mean and contrast asked for", function()
    local noise = stimuli.noise { 40, size = 64, exponent = 1, contrast = 0.3, mean = 0.6, seed = 4 }
    local again = stimuli.noise { 40, size = 64, exponent = 1, contrast = 0.3, mean = 0.6, seed = 4 }
    assert.is_true(noise.x:equal(again.x))
    local z = noise.x:to "float64" / 0.6 - 1
    assert.near(0, z:mean():item(), 1e-6)
    assert.near(0.3, z[7]:square():mean():sqrt():item(), 1e-6)
    local power = lamina.fft.rfft2(z:squeeze(2)):square():sum({ dim = -1 }):mean { dim = 1 }
    local function at(k) return (power[{ k + 1, 1 }] + power[{ 1, k + 1 }]) / 2 end
    local slope = (math.log(at(16)) + math.log(at(15)) - math.log(at(3)) - math.log(at(4))) / 2
      / math.log(math.sqrt(16 * 15) / math.sqrt(12))
    assert.near(-2, slope, 0.35)
  end)
end)
