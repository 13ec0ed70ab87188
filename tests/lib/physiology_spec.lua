-- Tuning and receptive fields of the three kinds of things that have them, by the same words: a simulated cell, units
-- of a network that was trained, and a recording; each held against what is known or computed by hand.
local lamina = require "lamina"

local neural, stimuli, tuning = lamina.neural, lamina.stimuli, lamina.tuning

local SIZE, FRAMES = 15, 6

-- A receptive field: a Gabor function of unit length as a row.
local function field(given)
  return stimuli.gabors(given):reshape({ -1, SIZE * SIZE }):to "float64"
end

local function rows(x) return x:reshape({ #x, -1 }):to "float64" end

-- Simulated cells: functions from images to a row for each, in spikes a second.
local even, odd = field { size = SIZE, orientation = 60, wavelength = 5, phase = 0, sigma = 2.2 },
  field { size = SIZE, orientation = 60, wavelength = 5, phase = 90, sigma = 2.2 }
local function simple(x) return (rows(x) - 0.5):matmul(even:t()):relu() * 20 end
local function complex(x)
  local d = rows(x) - 0.5
  return (d:matmul(even:t()):square() + d:matmul(odd:t()):square()) * 8
end

-- A network with a layer of simple units and pooling, trained to tell the tilt of gratings.
local function trained(channels, set, label)
  local net = lamina.model "small" { lamina.input { channels, SIZE, SIZE },
    lamina.area "V1" { lamina.conv { 4, kernel = 7, pad = 3 }, lamina.relu },
    lamina.readout "tilt" { lamina.pool.global "avg", lamina.dense { 2 } } }
  local y = {}
  for i, value in ipairs(set.columns[label]) do y[i] = value % 180 < 90 and 1 or 2 end
  set = stimuli.make { x = set.x, y = lamina.tensor(y, { dtype = "int64" }), columns = set.columns,
    classes = { "left", "right" } }
  lamina.train { model = net, data = set, loss = "cross_entropy", optimizer = lamina.adam { rate = 0.01 }, epochs = 2,
    batch = 32, log = false }
  return net
end

-- The recording of a cell: Poisson counts of ten repeats, its stimuli in another order than the set's.
local function recorded(cell, set)
  local order, n = {}, #set
  for i = 1, n do order[i] = (i * 7) % n == 0 and n or (i * 7) % n end
  local shown = set:with_ids(order)
  local counts = neural.noisy { cell(set.x), repeats = 10, seed = 3 }
  local back, id = {}, {}
  for i, k in ipairs(order) do back[k] = i end
  for k = 1, n do id[k] = k end
  local r = counts:index_select(lamina.tensor(back, { dtype = "int64" }), { dim = 1 })
  return neural.assembly { { responses = r, stimulus_id = id } }, shown, counts
end

local function unit_of(word, given)
  local found = word(given)
  return found.units[1], found
end

describe("tuning of a cell, a network's units and a recording:", function()
  setup(function() require("lamina.core.tensor").seed(5) end)

  local set = stimuli.gratings { size = SIZE, orientation = lamina.arange(0, 165, 15), frequency = 3,
    phase = { 0, 90, 180, 270 } }

  it("orientation", function()
    local unit = unit_of(tuning.describe, { complex, stimuli = set, quantity = "orientation", by = "orientation",
      phase = "phase" })
    assert.near(60, unit.preferred, 0.5)
    assert.near(60, unit.vector, 0.5)
    assert.truthy(unit.osi > 0.95 and unit.f1_f0 < 0.05, unit.f1_f0)
    assert.truthy(unit.fit.low.preferred < unit.preferred and unit.preferred < unit.fit.high.preferred)
    unit = unit_of(tuning.describe, { simple, stimuli = set, quantity = "orientation", by = "orientation",
      phase = "phase" })
    assert.truthy(unit.f1_f0 > 1.4, unit.f1_f0)

    local a, shown, counts = recorded(complex, set)
    local recording, whole = unit_of(tuning.describe, { a, stimuli = shown, quantity = "orientation",
      by = "orientation" })
    assert.near(60, recording.preferred, 3)
    local plain = tuning.describe { counts, by = set.columns.orientation, quantity = "orientation" }
    assert.truthy(whole.mean:allclose(plain.mean, { rtol = 1e-12 }))
    assert.equal(40, whole.n[1]) -- four phases, ten repeats
  end)

  it("orientation of a network, against loops over its weights", function()
    local net = trained(1, set, "orientation")
    local found = tuning.describe { net, stimuli = set, layer = "V1", units = "centre", quantity = "orientation",
      by = "orientation", fit = false }
    assert.equal(4, #found.units)
    local w, b
    for _, p in ipairs(net:parameters()) do
      if p.name == "V1.conv1.weight" then w = p.tensor:detach():to("float64"):totable() end
      if p.name == "V1.conv1.bias" then b = p.tensor:detach():to("float64"):totable() end
    end
    local images = set.x:to("float64"):totable()
    for u = 1, 4 do
      local means = {}
      for i, image in ipairs(images) do
        local sum, middle = b[u], SIZE // 2 + 1
        for r = 1, 7 do
          for c = 1, 7 do sum = sum + w[u][1][r][c] * image[1][middle + r - 4][middle + c - 4] end
        end
        local k = (i - 1) // 4 + 1
        means[k] = (means[k] or 0) + math.max(0, sum) / 4
      end
      local best = 1
      for k = 1, 12 do
        assert.near(means[k], found.mean[{ k, u }], 1e-5)
        if means[k] > means[best] then best = k end
      end
      local across = means[(best + 5) % 12 + 1]
      if means[best] > 1e-3 then
        assert.near((means[best] - across) / (means[best] + across), found.units[u].osi, 1e-3)
      end
    end
  end)

  it("spatial frequency, contrast and size", function()
    local frequencies = stimuli.gratings { size = SIZE, orientation = 60, frequency = { 1, 1.5, 2, 2.5, 3, 4, 5, 6 },
      phase = { 0, 90, 180, 270 } }
    local unit = unit_of(tuning.describe, { complex, stimuli = frequencies, quantity = "spatial_frequency",
      by = "frequency" })
    -- Wavelength 5 of 15 pixels: 3 cycles an image; its tuning is Gaussian over frequency, not over octaves.
    assert.equal(3, unit.best)
    assert.near(3, unit.preferred, 0.25)
    local a, shown = recorded(complex, frequencies)
    assert.near(unit.preferred, unit_of(tuning.describe, { a, stimuli = shown, quantity = "spatial_frequency",
      by = "frequency" }).preferred, 0.3)

    -- A cell that saturates as Naka and Rushton's, and one whose surround divides.
    local contrasts = stimuli.gratings { size = SIZE, orientation = 60, frequency = 3,
      contrast = { 0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1 } }
    local top = complex(contrasts.x):max():item()
    local function saturating(x)
      local drive = complex(x) * (1 / top) -- the squared contrast
      return drive / (drive + 0.3 ^ 2) * 50 + 1
    end
    unit = unit_of(tuning.describe, { saturating, stimuli = contrasts, quantity = "contrast", by = "contrast" })
    assert.near(0.3, unit.c50, 1e-3)
    assert.near(2, unit.n, 0.01)
    local b, seen = recorded(saturating, contrasts)
    local recording = unit_of(tuning.describe, { b, stimuli = seen, quantity = "contrast", by = "contrast" })
    assert.truthy(recording.fit.low.c50 < 0.3 and recording.fit.high.c50 > 0.3, tostring(recording.fit))

    local sizes = stimuli.discs { size = SIZE, diameter = { 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1 }, frequency = 3,
      orientation = 60 }
    local function surrounded(x)
      local energy = (rows(x) - 0.5):square():sum { dim = 2, keepdim = true }
      return complex(x) / (energy * 0.5 + 1)
    end
    unit = unit_of(tuning.describe, { surrounded, stimuli = sizes, quantity = "size", by = "diameter" })
    local responses = surrounded(sizes.x):reshape({ -1 }):totable()
    local index, best = tuning.suppression(sizes.columns.diameter, responses)
    assert.equal(best, unit.best)
    assert.near(index, unit.suppression, 1e-9)
    assert.truthy(index > 0.1 and unit.preferred < 1)
  end)

  -- Drifting gratings as images whose channels are frames.
  local function drifting(directions, speeds)
    local x, columns = {}, { direction = {}, temporal_frequency = {} }
    for _, d in ipairs(directions) do
      for _, f in ipairs(speeds) do
        local phases = {}
        for t = 1, FRAMES do phases[t] = -360 * f * (t - 1) / 24 end
        x[#x + 1] = stimuli.gratings { size = SIZE, orientation = d, frequency = 3, phase = phases }.x:squeeze(2)
        table.insert(columns.direction, d)
        table.insert(columns.temporal_frequency, f)
      end
    end
    return stimuli.make { x = lamina.ops.stack(x, { dim = 1 }), columns = columns }
  end

  -- Motion energy: a quadrature pair in space and time.
  local motion = {}
  for k, shift in ipairs { 0, 90 } do
    local frames = {}
    for t = 1, FRAMES do
      frames[t] = field { size = SIZE, orientation = 60, wavelength = 5, sigma = 2.2,
        phase = shift - 360 * 4 * (t - 1) / 24 }
    end
    motion[k] = lamina.ops.concat(frames, { dim = 2 })
  end
  local function energy(x)
    local d = rows(x) - 0.5
    return (d:matmul(motion[1]:t()):square() + d:matmul(motion[2]:t()):square()) * 0.5
  end

  it("direction and temporal frequency", function()
    local directions = lamina.arange(0, 330, 30):totable()
    local around = drifting(directions, { 4 })
    local unit = unit_of(tuning.describe, { energy, stimuli = around, quantity = "direction", by = "direction" })
    assert.near(60, unit.preferred, 0.5)
    local list = energy(around.x):reshape({ -1 }):totable()
    assert.near((list[3] - list[9]) / (list[3] + list[9]), unit.dsi, 1e-9)
    assert.truthy(unit.dsi > 0.3, unit.dsi)
    local a, shown = recorded(energy, around)
    local recording = unit_of(tuning.describe, { a, stimuli = shown, quantity = "direction", by = "direction" })
    assert.near(60, recording.preferred, 5)

    local faster = drifting({ 60 }, { 0.5, 1, 2, 3, 4, 5, 6, 8, 10 })
    unit = unit_of(tuning.describe, { energy, stimuli = faster, quantity = "temporal_frequency",
      by = "temporal_frequency" })
    assert.near(4, unit.best, 1)
    local net = trained(FRAMES, around, "direction")
    local found = tuning.describe { net, stimuli = around, layer = "V1", units = "centre", quantity = "direction",
      by = "direction", fit = false }
    local r = tuning.responses { net, around, layer = "V1", units = "centre" }:totable()
    for u = 1, 4 do
      local best = 1
      for k = 1, 12 do if r[k][u] > r[best][u] then best = k end end
      local back = r[(best + 5) % 12 + 1][u]
      local dsi = (r[best][u] - back) / (r[best][u] + back)
      if dsi == dsi then assert.near(dsi, found.units[u].dsi, 1e-9) end
    end
  end)

  it("receptive fields, from spots and from bars", function()
    local places = {}
    for k = 1, SIZE do places[k] = (k - 0.5) / SIZE - 0.5 end
    local spots = stimuli.discs { size = SIZE, diameter = 1 / SIZE, contrast = { 1, -1 }, x = places, y = places }
    local found = tuning.map { simple, stimuli = spots }
    assert.same({ 1, SIZE, SIZE }, found.map.shape)
    local function alike(a, b)
      a, b = a:reshape { -1 }:to "float64", b:reshape { -1 }:to "float64"
      return ((a * b):sum() / (a:norm() * b:norm())):item()
    end
    assert.truthy(alike(found.map, even) > 0.99, alike(found.map, even))
    assert.near(0, found.centre[1].x, 0.02)
    local fit = tuning.fit_gabor(found.map)[1]
    assert.near(60, fit.orientation, 2)
    assert.near(5, fit.wavelength, 0.2)
    local a, shown = recorded(function(x) return simple(x) * 5 end, spots)
    local recording = tuning.map { a, stimuli = shown }
    assert.truthy(alike(recording.map, even) > 0.8, alike(recording.map, even))
    local net = trained(1, set, "orientation")
    local maps = tuning.map { net, stimuli = spots, layer = "V1", units = "centre" }
    assert.same({ 4, SIZE, SIZE }, maps.map.shape)
    -- Beyond the kernel's 7 pixels nothing moves a unit.
    assert.equal(0, maps.map[{ {}, { 1, 4 }, {} }]:abs():max():item())

    local bars = stimuli.bars { size = SIZE, orientation = 90, width = 1 / SIZE, x = places, contrast = { 1, -1 } }
    local profile = tuning.map { function(x) return simple(x) end, stimuli = bars }
    local sums = even:reshape({ SIZE, SIZE }):sum({ dim = 1 })
    assert.same({ 1, 1, SIZE }, profile.map.shape)
    assert.truthy(alike(profile.map, sums) > 0.99)
  end)

  it("preferred size and suppression of a fit are those of its curve", function()
    local x, y = {}, {}
    local function curve(v)
      local e = lamina.tensor({ v / 1.5, v / 4 }, { dtype = "float64" }):erf():totable()
      return 40 * e[1] ^ 2 / (1 + 1.2 * e[2] ^ 2)
    end
    for k = 1, 12 do x[k], y[k] = 0.5 * k, curve(0.5 * k) end
    local fit = tuning.fit { "size", x = x, y = y }
    local best, at = 0, 0
    for k = 1, 4000 do
      local v = curve(k * 0.002)
      if v > best then best, at = v, k * 0.002 end
    end
    assert.near(at, fit.preferred, 0.01)
    assert.near(1 - 40 / 2.2 / best, fit.suppression, 1e-4)
    assert.truthy(fit.low.preferred <= fit.preferred and fit.high.suppression >= fit.suppression)
  end)

  it("harmonics over time", function()
    local series = {}
    for k = 0, 199 do
      local t = k / 100
      series[k + 1] = 5 + 3 * math.cos(2 * math.pi * 4 * t - 1) + 2 * math.sin(2 * math.pi * 8 * t)
    end
    local h = tuning.harmonics { series, rate = 100, frequency = 4 }
    assert.near(5, h.f0, 1e-9)
    assert.near(3, h.f1, 1e-9)
    assert.near(math.deg(1), h.phase, 1e-9)
    assert.near(2, h.f2, 1e-9)
    assert.near(0.6, h.f1_f0, 1e-9)
    local two = tuning.harmonics { { series, series }, rate = 100, frequency = { 4, 8 }, from = 0.5 }
    assert.same({ 2 }, two.f1.shape)
    assert.near(3, two.f1[1], 1e-9)
    assert.near(2, two.f1[2], 1e-9)
    assert.error_matches(function() tuning.harmonics { series, rate = 100, frequency = 0.3 } end, "a whole cycle")
    assert.error_matches(function() tuning.harmonics { series, rate = 100, frequency = 60 } end, "of two responses")
  end)

  it("Gaussian neurons and missing repeats", function()
    local rates = lamina.tensor({ 1, 5, 9, 5 }, { dtype = "float64" }):reshape { 4, 1 }
    local trials = neural.noisy { rates, repeats = 400, noise = "gaussian", sd = 2, seed = 1 }
    local curve = tuning.curve { trials, { 0, 45, 90, 135 } }
    for k, want in ipairs { 1, 5, 9, 5 } do
      assert.near(want, curve.mean[{ k, 1 }], 0.4)
      assert.near(0.1, curve.error[{ k, 1 }], 0.01)
    end
    local gaps = lamina.tensor({ { { 1, 3, 0 / 0 } }, { { 4, 0 / 0, 0 / 0 } } }, { dtype = "float64" })
    curve = tuning.curve { gaps, { 1, 2 } }
    assert.same({ { 2 }, { 4 } }, curve.mean:totable())
    assert.near(1, curve.error[{ 1, 1 }], 1e-12) -- standard deviation of 1 and 3 over the root of 2
    assert.truthy(curve.error[{ 2, 1 }] ~= curve.error[{ 2, 1 }])
    assert.same({ 2, 1 }, curve.n)
  end)

  it("says what is wrong", function()
    assert.error_matches(function() tuning.describe { simple, quantity = "orientation", by = "orientation" } end,
      "option 'stimuli' is missing")
    assert.error_matches(function()
      tuning.describe { simple, stimuli = set, quantity = "orientation", by = "orientatoin" }
    end, "which the stimuli do not have.*did you mean 'orientation'")
    assert.error_matches(function()
      tuning.describe { { 1, -2, 3, 4 }, quantity = "orientation", by = { 0, 45, 90, 135 } }
    end, "must not be negative; rectify = true")
    assert.error_matches(function()
      tuning.describe { { 1, 2, 3 }, quantity = "orientation", by = { 0, 45, 90 } }
    end, "needs at least 4; fit = false")
    assert.error_matches(function() tuning.map { { 1, 2 }, x = { 0, 0 }, y = { 1, 1 } } end, "one place")
    assert.error_matches(function() tuning.map { { 1, 2 }, x = { 0, 1 }, contrast = { 0, 0 } } end, "no stimulus is")
  end)
end)
