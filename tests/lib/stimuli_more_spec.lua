-- Moving stimuli, Kanizsa figures, scenes, and what is made of pictures: against formulas, one pixel or one number at
-- a time.
local lamina = require "lamina"

local fft, ops, stimuli = lamina.fft, lamina.ops, lamina.stimuli

local message_of = require("support.said").message

-- Degrees of a pixel from the middle.
local function degrees(pixel, size, per) return (pixel - (size + 1) / 2) / per end

describe("stimuli.drifting", function()
  it("is its formula in degrees and seconds", function()
    local set = stimuli.drifting { size = 12, pixels_per_degree = 6, duration = 0.1, rate = 50, direction = { 0, 90 },
      frequency = 1.5, temporal = 3, phase = 40, contrast = 0.6, mean = 0.4, x = 0.1 }
    assert.same({ 2, 5, 1, 12, 12 }, set.x.shape)
    assert.same({ 0, 90 }, set.columns.direction)
    assert.same({ 50, 50 }, set.columns.rate)
    for i, direction in ipairs { 0, 90 } do
      for frame = 1, 5 do
        local row, column = 3, 2 + frame
        local u = direction == 0 and degrees(column, 12, 6) - 0.1 or -degrees(row, 12, 6)
        local t = (frame - 1) / 50
        local want = 0.4 * (1 + 0.6 * math.cos(2 * math.pi * (1.5 * u - 3 * t) + math.rad(40)))
        assert.near(want, set.x[{ i, frame, 1, row, column }], 1e-6)
      end
    end
  end)

  it("moves in its direction, and stays inside its window", function()
    local set = stimuli.drifting { size = 32, pixels_per_degree = 16, duration = 0.1, rate = 20, frequency = 1,
      temporal = 1.25, diameter = 1.5 }
    local a, b = set.x[{ 1, 1, 1 }], set.x[{ 1, 2, 1 }]
    assert.near(0, (a[{ {}, { 12, 19 } }] - b[{ {}, { 13, 20 } }])[{ { 14, 19 } }]:abs():max():item(), 1e-6)
    assert.equal(0.5, a[{ 1, 1 }])
    assert.equal(0.5, a[{ 16, 3 }])
  end)

  it("says what is wrong", function()
    assert.matches("less than one frame", message_of(stimuli.drifting, { duration = 0.001 }))
    assert.matches("contrast is 2", message_of(stimuli.drifting, { contrast = 2 }))
    assert.matches("too many pixels", message_of(stimuli.drifting, { size = 4096, duration = 100 }))
  end)
end)

describe("stimuli.moving_edges", function()
  it("are bright behind and dark before the edge", function()
    local set = stimuli.moving_edges { size = 20, pixels_per_degree = 10, duration = 0.4, rate = 10, speed = 3,
      start = -0.5, contrast = { 0.5, -0.5 }, direction = 180 }
    for frame = 1, 4 do
      local edge = -0.5 + 3 * (frame - 1) / 10 -- degrees to the left
      for column = 1, 20 do
        local left = -degrees(column, 20, 10)
        local share = math.min(math.max((edge - left) * 10 + 0.5, 0), 1)
        assert.near(0.5 * (1 + 0.5 * (2 * share - 1)), set.x[{ 1, frame, 1, 7, column }], 1e-6)
        assert.near(1 - set.x[{ 1, frame, 1, 7, column }], set.x[{ 2, frame, 1, 7, column }], 1e-6)
      end
    end
  end)
end)

describe("stimuli.random_dots", function()
  local function movie(o)
    o.size, o.pixels_per_degree, o.duration, o.rate, o.seed = 32, 8, 0.2, 20, o.seed or 3
    o.speed, o.density = 2.5, 2 -- one pixel a frame
    return stimuli.random_dots(o).x[{ 1, {}, 1 }]
  end

  it("all move where coherence is 1, and anew elsewhere where it is 0", function()
    local together = movie { coherence = 1, direction = 0, diameter = 0.2 }
    assert.near(0, (together[2][{ {}, { 4, 30 } }] - together[1][{ {}, { 3, 29 } }]):abs():max():item(), 1e-6)
    local apart = movie { coherence = 0 }
    local function overlap(a, b) return ((a - 0.5) * (b - 0.5)):sum():item() end
    assert.is_true(overlap(apart[2][{ {}, { 4, 30 } }], apart[1][{ {}, { 3, 29 } }])
      < 0.5 * overlap(apart[1], apart[1]))
    assert.equal(movie { coherence = 0.5 }:digest(), movie { coherence = 0.5 }:digest())
    assert.not_equal(movie { coherence = 0.5 }:digest(), movie { coherence = 0.5, seed = 4 }:digest())
  end)

  it("are as many and as long-lived as asked", function()
    local x = movie { coherence = 1, lifetime = 0.05 }
    assert.not_equal(x[1]:roll({ 1 }, { 2 }):digest(), x[2]:digest())
    local one = stimuli.random_dots { size = 64, pixels_per_degree = 8, duration = 0.05, rate = 20, density = 0.5,
      diameter = 0.5, contrast = 1, mean = 0.5, seed = 1 }.x
    local covered = ((one - 0.5) * 2):sum():item() -- 32 dots of area pi 2^2, less what overlaps or is cut off
    assert.is_true(covered > 0.6 * 32 * math.pi * 4 and covered < 1.05 * 32 * math.pi * 4, covered)
    local set = stimuli.random_dots { coherence = { 0.1, 0.5 }, repeats = 2, duration = 0.05 }
    assert.same({ 1, 2, 1, 2 }, set.columns.repetition)
    assert.matches("coherence is 2", message_of(stimuli.random_dots, { coherence = 2 }))
  end)
end)

describe("stimuli.kanizsa", function()
  it("cuts sectors towards the figure, or outwards, or none", function()
    local set = stimuli.kanizsa { kind = { "illusory", "rotated", "discs", "real" }, size = 100, side = 0.5,
      support = 0.4 }
    assert.same({ "illusory", "rotated", "discs", "real" }, set.classes)
    assert.same({ 1, 2, 3, 4 }, set.y:totable())
    -- corners lie at 25 and 75, radius 10; a dark inducer is 0, the background 0.5
    local function at(k, row, column) return set.x[{ k, 1, row, column }] end
    for k, want in ipairs { { 0.5, 0 }, { 0, 0.5 }, { 0, 0 }, { 0.5, 0 } } do
      assert.near(want[1], at(k, 30, 30), 1e-6) -- towards the middle
      assert.near(want[2], at(k, 22, 22), 1e-6) -- outwards
      assert.near(0, at(k, 30, 21), 1e-6) -- beside
      assert.near(k == 4 and 0 or 0.5, at(k, 25, 50), 0.25) -- between two inducers: the outline alone
      assert.equal(0.5, at(k, 50, 50))
    end
    local function dark(k) return ((0.5 - set.x[k]) * 2):sum():item() end
    assert.near(dark(1), dark(2), 2)
    assert.near(4 * math.pi * 100, dark(3), 5)
    assert.near(0.75 * dark(3), dark(1), 5)
  end)

  it("turns, and has as many corners as asked", function()
    local set = stimuli.kanizsa { size = 64, rotation = { 0, 90, 180 }, corners = 4 }
    assert.near(0, (set.x[1] - set.x[2]):abs():max():item(), 1e-6)
    local three = stimuli.kanizsa { size = 64, corners = 3, rotation = { 0, 180, 120 } }
    assert.near(0, (three.x[1]:flip { dims = { 2, 3 } } - three.x[2]):abs():max():item(), 1e-6)
    assert.near(0, (three.x[1] - three.x[3]):abs():max():item(), 1e-5)
    assert.matches("support is 1.5", message_of(stimuli.kanizsa, { support = 1.5 }))
    assert.matches("did you mean 'illusory'", message_of(stimuli.kanizsa, { kind = { "ilusory" } }))
  end)
end)

describe("stimuli of pictures", function()
  local set = stimuli.noise { 4, size = 16, exponent = 1, seed = 2 }
  set.x = ops.concat { set.x, lamina.rand { 4, 1, 16, 16, seed = 1 } * 0.2 }:reshape { 2, 4, 16, 16 }
    :permute { 2, 1, 3, 4 }:contiguous()

  it("scrambled keep their amplitudes, lose their phases", function()
    local s = stimuli.scrambled { set, seed = 1 }
    local function amplitude(x) return fft.rfft2(x:to "float64"):square():sum({ dim = -1 }):sqrt() end
    assert.near(0, (amplitude(s.x) - amplitude(set.x)):abs():max():item(), 1e-4)
    assert.near(0, (s.x:mean { dim = { 3, 4 } } - set.x:mean { dim = { 3, 4 } }):abs():max():item(), 1e-5)
    local a, b = s.x[1]:reshape { 1, -1 }, set.x[1]:reshape { 1, -1 }
    assert.is_true(math.abs(ops.concat({ a, b }, { dim = 1 }):corrcoef()[{ 1, 2 }]) < 0.95)
    local none = stimuli.scrambled { set, amount = 0 }
    assert.near(0, (none.x - set.x):abs():max():item(), 1e-5)
    assert.equal(s.x:digest(), stimuli.scrambled({ set, seed = 1 }).x:digest())
    assert.same(set.id, s.id)
    local half = stimuli.scrambled { set, amount = 0.5, seed = 1 }
    assert.near(0, (amplitude(half.x) - amplitude(set.x)):abs():max():item(), 1e-4)
    local odd = lamina.rand { 2, 1, 9, 15, seed = 3 }
    assert.near(0, (amplitude(stimuli.scrambled({ odd, seed = 1 }).x) - amplitude(odd)):abs():max():item(), 1e-4)
  end)

  it("bandpassed keep what lies within", function()
    local waves = stimuli.gratings { size = 64, frequency = { 2, 8, 20 }, orientation = 30, contrast = 0.5 }
    local whole = stimuli.gratings { size = 64, frequency = { 2, 8, 20 }, orientation = 90, contrast = 0.5 }
    local y = stimuli.bandpass { whole, low = 4, high = 16 }
    assert.near(0, (y.x[2] - whole.x[2]):abs():max():item(), 1e-5)
    assert.near(0, (y.x[1] - 0.5):abs():max():item(), 1e-5)
    assert.near(0, (y.x[3] - 0.5):abs():max():item(), 1e-5)
    local edge = stimuli.bandpass { whole, low = 8 }
    assert.near(0, (edge.x[2] - 0.5 - (whole.x[2] - 0.5) / 2):abs():max():item(), 1e-5)
    assert.near(0, (stimuli.bandpass { waves }.x - waves.x):abs():max():item(), 1e-5)
    assert.matches("low = 5 is not below high = 4", message_of(stimuli.bandpass, { waves, low = 5, high = 4 }))
  end)

  it("normalised have one mean and contrast", function()
    local y = stimuli.normalised { set, mean = 0.4, contrast = 0.25 }.x:to "float64"
    local mean = y:mean { dim = { 2, 3, 4 }, keepdim = true }
    assert.near(0, (mean - 0.4):abs():max():item(), 1e-6)
    assert.near(0, ((y - mean):square():mean { dim = { 2, 3, 4 } }:sqrt() - 0.1):abs():max():item(), 1e-6)
    local as = stimuli.normalised { set, mean = false, contrast = false }
    assert.near(0, (as.x - set.x):abs():max():item(), 1e-6)
    local dimmed = stimuli.normalised { set, mean = set.x[1]:mean():item() / 2, contrast = false }
    assert.near(0, (dimmed.x[1] - set.x[1] / 2):abs():max():item(), 1e-6)
    assert.equal(0.5, stimuli.normalised({ lamina.ones { 1, 1, 4, 4 } }).x:max():item())
    assert.equal(1, stimuli.normalised({ set, contrast = 3, clip = true }).x:max():item())
    assert.matches("mean of 0 or less", message_of(stimuli.normalised, { lamina.zeros { 1, 1, 4, 4 }, mean = false }))
    assert.matches("contrast is %-1", message_of(stimuli.normalised, { set, contrast = -1 }))
  end)

  it("patches are where their columns say", function()
    local p = stimuli.patches { set, 20, size = 5, border = 2, seed = 4 }
    assert.same({ 20, 2, 5, 5 }, p.x.shape)
    for k = 1, 20 do
      local i, row, column = p.columns.image[k], p.columns.row[k], p.columns.column[k]
      assert.is_true(row >= 3 and row <= 10 and column >= 3 and column <= 10)
      assert.equal(set.x[{ i, {}, { row, row + 4 }, { column, column + 4 } }]:contiguous():digest(), p.x[k]:digest())
    end
    assert.equal(p.x[{ { 1, 3 } }]:digest(), stimuli.patches({ set, 3, size = 5, border = 2, seed = 4 }).x:digest())
    local half = lamina.zeros { 1, 1, 8, 16 }
    half[{ {}, {}, {}, { 9, 16 } }] = lamina.rand { 1, 1, 8, 8, seed = 1 }
    local lively = stimuli.patches { half, 20, size = 4, least = 0.1, seed = 1 }
    for k = 1, 20 do assert.is_true(lively.columns.column[k] > 5) end
    assert.matches("hold no patch", message_of(stimuli.patches, { set, 3, size = 20 }))
  end)
end)

describe("stimuli.scenes", function()
  local digits = stimuli.digits { { 0, 7 }, size = 24 }

  it("are the figure on its background, at its place", function()
    local plain = stimuli.scenes { digits, background = 0.25, luminance = 0.75, position = 0 }
    assert.near(0, (plain.x - (digits.x * 0.5 + 0.25)):abs():max():item(), 1e-6)
    assert.same({ 1, 2 }, plain.y:totable())
    local twice = stimuli.scenes { digits, n = 5, background = 0, position = 0.2, scale = 0.5, size = 48, seed = 3 }
    assert.same({ 1, 2, 1, 2, 1 }, twice.y:totable())
    for i = 1, 5 do -- the middle of mass of 0 is that of its figure, so that it tells where it is
      if twice.y[i] == 1 then
        local a = twice.x[{ i, 1 }]:to "float64"
        local places = (lamina.arange(1, 48, { dtype = "float64" }) - 0.5) / 48 - 0.5
        assert.near(twice.latent.x[i], ((a:sum { dim = 1 } * places):sum() / a:sum()):item(), 2e-3)
        assert.near(twice.latent.y[i], ((a:sum { dim = 2 } * places):sum() / a:sum()):item(), 2e-3)
      end
    end
    local turned = stimuli.scenes { digits, background = 0, position = 0, rotation = 90 }
    assert.near(0, (turned.x[{ 1, 1 }] - digits.x[{ 1, 1 }]:t():flip { dims = { 1 } }):abs():max():item(), 1e-5)
  end)

  it("blend as the absolute difference", function()
    local behind = lamina.rand { 3, 1, 24, 24, seed = 4 }
    local function made(figures, background, blend)
      return stimuli.scenes { figures, background = background, blend = blend, n = 6, luminance = { 0.3, 0.9 },
        scale = { 0.5, 1 }, rotation = { -45, 45 }, seed = 5 }
    end
    local figure, back = made(digits, 0).x, made(digits.x * 0, behind).x -- the same draws, the other left out
    local found = made(digits, behind, "difference").x
    assert.near(0, (found - (back - figure):abs()):abs():max():item(), 1e-6)
    assert.is_true((found - made(digits, behind, "over").x):abs():max():item() > 0.1)
    assert.matches("blend", message_of(stimuli.scenes, { digits, blend = "screen" }))
  end)

  it("hide the share that they say", function()
    for _, occluder in ipairs { "blobs", "edge" } do
      local o = { digits, background = 0, position = 0, occlusion = 0.4, occluder = occluder, cover = 0.5, seed = 2 }
      local set = stimuli.scenes(o)
      for i = 1, 2 do
        local hidden = set.x[i]:eq(0.5):to "float32"
        local share = ((hidden * digits.x[i]):sum() / digits.x[i]:sum()):item()
        assert.near(share, set.latent.occlusion[i], 0.02)
        assert.near(0.4, share, 0.05)
      end
      assert.equal(set.x:digest(), stimuli.scenes(o).x:digest())
    end
  end)

  it("stand on parts of images", function()
    local back = lamina.rand { 3, 1, 40, 30, seed = 1 }
    local set = stimuli.scenes { lamina.zeros { 4, 1, 16, 16 }, background = back, seed = 1 }
    assert.is_true(set.x:min():item() >= 0 and set.x:std():item() > 0.2)
    assert.matches("smaller than the scenes", message_of(stimuli.scenes, { digits, size = 64, background = back }))
    assert.matches("scale is { 0, 0 }", message_of(stimuli.scenes, { digits, scale = 0 }))
  end)

  it("take windows out of images of three channels, for as many scenes as are asked for", function()
    local k, c, h, w, size, n = 2, 3, 9, 12, 5, 4100
    local back = (lamina.arange(0, k * c * h * w - 1) / (k * c * h * w)):reshape { k, c, h, w }
    local set = stimuli.scenes { lamina.zeros { 1, 1, 5, 5 }, n = n, background = back, seed = 1 }
    assert.same({ n, c, size, size }, set.x.shape)
    local seen = { images = {}, rows = {}, columns = {} }
    for _, i in ipairs { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000, 1001, 2000, 4096, 4097, n } do
      local first = math.floor(set.x[{ i, 1, 1, 1 }] * k * c * h * w + 0.5)
      local image, row, column = first // (c * h * w) + 1, first % (c * h * w) // w + 1, first % w + 1
      assert.is_true(row <= h - size + 1 and column <= w - size + 1)
      local window = back[{ image, {}, { row, row + size - 1 }, { column, column + size - 1 } }]
      assert.near(0, (set.x[i] - window):abs():max():item(), 1e-6)
      seen.images[image], seen.rows[row], seen.columns[column] = true, true, true
    end
    assert.is_true(seen.images[1] and seen.images[2] and next(seen.rows, next(seen.rows)) ~= nil)
    assert.is_true(next(seen.columns, next(seen.columns)) ~= nil)
  end)
end)
