-- Movies shown to any model: each way against frames cut by hand, tuning over time against closed forms, and units
-- whose selectivity for direction is known by construction.
local lamina = require "lamina"
local command = require "support.command"
local said = require "support.said"

local activations, stimuli, tuning = lamina.activations, lamina.stimuli, lamina.tuning
local model, input, area, readout = lamina.model, lamina.input, lamina.area, lamina.readout
local conv, relu, dense = lamina.conv, lamina.relu, lamina.dense
local message_of = said.message

local folder = command.folder()
teardown(function() command.drop(folder) end)

local SIZE, FRAMES = 8, 7
local x = lamina.rand { 3, FRAMES, 1, SIZE, SIZE, seed = 1 }
local movies = stimuli.array { x, rate = 40, ids = { "a", "b", "c" } }

local function with(more)
  local o = { stimuli = movies, cache = false, quiet = true }
  for key, value in pairs(more) do o[key] = value end
  return o
end

-- What is recorded at time t, as a flat tensor of all movies.
local function at(a, t) return a:select({ time_step = t }).responses:reshape { -1 } end

-- The largest difference between two tensors of as many elements.
local function apart(a, b)
  return (a:to("float64"):reshape { -1 } - b:to("float64"):reshape { -1 }):abs():max():item()
end

describe("a movie is shown", function()
  local flat = model "flat" { seed = 3, input { 1, SIZE, SIZE }, area "V1" { conv { 2, kernel = 3 }, relu },
    readout "out" { dense { 2 } } }

  it("frame by frame to a model for images", function()
    local a = activations(with { model = flat, layers = { "V1", "out" } })
    assert.same({ 0, 25, 50, 75, 100, 125, 150 }, a.time_bin.time_bin_start)
    assert.same({ 1, 2, 3, 4, 5, 6, 7 }, a.time_bin.frame)
    for t = 1, FRAMES do
      local one = flat:activations(x[{ {}, t }]:contiguous(), { "V1", "out" })
      assert.is_true(at(a:select { area = "V1" }, t):equal(one.V1:reshape { -1 }))
      assert.is_true(at(a:select { area = "out" }, t):equal(one.out:reshape { -1 }))
    end
    assert.is_true(a:equal(activations(with { model = flat, layers = { "V1", "out" }, batch = 2 })))
    local third = activations(with { model = flat, layers = "V1", steps = 3, step_ms = 10 })
    assert.same({ 20 }, third.time_bin.time_bin_start)
    assert.is_true(at(third, 3):equal(at(a:select { area = "V1" }, 3)))
  end)

  it("in windows to one with an axis of time, with frames as channels, or as rows", function()
    local deep = model "deep" { seed = 4, input { 1, 3, SIZE, SIZE }, area "V1" { conv { 2, kernel = { 3, 5, 5 } } } }
    local a = activations(with { model = deep })
    assert.same({ 3, 4, 5, 6, 7 }, a.time_bin.frame)
    assert.same({ 50, 75, 100, 125, 150 }, a.time_bin.time_bin_start)
    local channels = model "channels" { seed = 5, input { 3, SIZE, SIZE }, area "V1" { conv { 2, kernel = 5 } } }
    local b = activations(with { model = channels, movie = "channels" })
    local rows = model "rows" { seed = 6, input { 3, SIZE * SIZE }, area "V1" { lamina.gru { 4 } } }
    local c = activations(with { model = rows })
    for t = 1, 5 do
      local window = x[{ {}, { t, t + 2 } }]:contiguous()
      assert.is_true(at(a, t):equal(deep:activations(window:reshape { 3, 1, 3, SIZE, SIZE }, "V1").V1:reshape { -1 }))
      local stack = window:reshape { 3, 3, SIZE, SIZE }
      assert.is_true(at(b, t):equal(channels:activations(stack, "V1").V1:reshape { -1 }))
      assert.is_true(at(c, t):equal(rows:activations(window:reshape { 3, 3, SIZE * SIZE }, "V1").V1:reshape { -1 }))
    end
    -- Colour stays together: frames stand on their own axis, channels on theirs.
    local pictures = lamina.rand { 2, 4, 3, SIZE, SIZE, seed = 9 }
    local colour = model "colour" { seed = 7, input { 3, 2, SIZE, SIZE },
      area "V1" { conv { 2, kernel = { 2, 3, 3 } } } }
    local d = activations { model = colour, stimuli = pictures, cache = false, quiet = true }
    local own = lamina.ops.stack({ pictures[{ {}, 2 }], pictures[{ {}, 3 }] }, { dim = 3 })
    assert.is_true(at(d, 2):equal(colour:activations(own, "V1").V1:reshape { -1 }))
    assert.same({ 1, 2, 3 }, d.time_bin.time_step)
    assert.is_nil(rawget(d.time_bin, "time_bin_start")) -- nobody said how fast
  end)

  it("frame t at step t, each for as many steps as asked", function()
    local function recurrent(steps)
      return model "recurrent" { seed = 8, input { 1, SIZE, SIZE }, steps = steps,
        area "V1" { conv { 2, kernel = 3, pad = 1 }, relu },
        area "V2" { conv { 2, kernel = 3, pad = 1 } },
        lamina.feedback { from = "V2", to = "V1", conv { 2, kernel = 3, pad = 1 } } }
    end
    local a = activations(with { model = recurrent(3), layers = "all" })
    local every = recurrent(FRAMES):activations(x, "all", { steps = "all" })
    for t = 1, FRAMES do
      assert.is_true(at(a:select { layer = "V2.conv1" }, t):equal(every["V2.conv1@" .. t]:reshape { -1 }))
    end
    assert.is_false(a:select({ time_step = 1, layer = "feedback1.conv1" }).valid:any():item())
    assert.is_true(a:select({ time_step = 2, layer = "feedback1.conv1" }).whole)
    local held = activations(with { model = recurrent(3), layers = "V2", steps_per_frame = 2 })
    local slow = recurrent(2 * FRAMES):activations(x:repeat_interleave(2, { dim = 2 }), "V2", { steps = "all" })
    assert.same({ 1, 1, 2, 2 }, table.move(held.time_bin.frame, 1, 4, 1, {}))
    assert.equal(12.5, held.time_bin.time_bin_start[2])
    for t = 1, 2 * FRAMES do assert.is_true(at(held, t):equal(slow["V2@" .. t]:reshape { -1 })) end
    -- Each frame as a picture that stands for the model's own three steps.
    local still = activations(with { model = recurrent(3), layers = "V2", movie = "frames" })
    assert.is_true(at(still, 4):equal(recurrent(3):activations(x[{ {}, 4 }]:contiguous(), "V2").V2:reshape { -1 }))
  end)

  it("the same from the cache, in little memory, and with noise that no batch changes", function()
    local cached = with { model = flat, layers = "V1", cache = folder .. "/cache" }
    local first = activations(cached)
    assert.is_true(first:equal(activations(cached)))
    assert.is_true(first:equal(activations(with { model = flat, layers = "V1", memory = "60 kB" })))
    assert.is_false(first:equal(activations(with { model = flat, layers = "V1", cache = folder .. "/cache",
      steps = 2 })))
    local noisy = model "noisy" { seed = 1, input { 3, 16, 16 }, area "V1" { lamina.vone { simple = 2, complex = 2,
      kernel = 7, stride = 4, noise = "neuronal" } } }
    local y = lamina.rand { 2, 3, 3, 16, 16, seed = 2 }
    local a = activations { model = noisy, stimuli = y, cache = false, quiet = true }
    assert.is_true(a:equal(activations { model = noisy, stimuli = y, cache = false, quiet = true, batch = 2 }))
    local same = y:index_select(lamina.tensor({ 1, 1 }, { dtype = "int64" }), { dim = 1 })
    local b = activations { model = noisy, stimuli = same, cache = false, quiet = true }
    assert.is_false(b:at({ 1 }).responses:equal(b:at({ 2 }).responses)) -- drawn anew for each movie
  end)

  it("resized and placed frame by frame", function()
    local small = model "small" { seed = 3, input { 1, 4, 4 }, area "V1" { conv { 2, kernel = 3 } } }
    local a = activations(with { model = small })
    local half = stimuli.resize(x, 4)
    assert.is_true(half:equal(movies:resize(4).x))
    assert.is_true(at(a, 2):equal(small:activations(half[{ {}, 2 }]:contiguous(), "V1").V1:reshape { -1 }))
    assert.matches("3 movies of 7 frames 1x8x8, with rate", tostring(movies))
  end)

  it("or refused, with what is wrong", function()
    local deep = model "deep" { seed = 4, input { 1, 9, SIZE, SIZE }, area "V1" { conv { 2, kernel = { 3, 5, 5 } } } }
    assert.matches("deep sees 9 frames at a time, and the movies have 7", message_of(activations, with {
      model = deep }))
    assert.matches("cannot be shown to deep, which takes 1x9x8x8, by movie = \"frames\": its input is no image",
      message_of(activations, with { model = deep, movie = "frames" }))
    assert.matches("movie = \"steps\": it has no steps", message_of(activations, with { model = flat,
      movie = "steps" }))
    assert.matches("a model that sees a movie step by step; flat sees it by movie = \"frames\"",
      message_of(activations, with { model = flat, steps_per_frame = 2 }))
    assert.matches("movie = \"window\" is for movies, frames x channels x rows x columns; the stimuli are 1x8x8",
      message_of(activations, with { model = flat, stimuli = x[{ {}, 1 }]:contiguous(), movie = "window" }))
    assert.matches("expected \"last\", \"all\" or a step from 1 to 7", message_of(activations, with { model = flat,
      steps = 8 }))
    assert.matches("have a rate = FRAMES A SECOND", message_of(stimuli.array, { x }))
    assert.matches("movies are 3x8x8, expected N x frames x H x W", message_of(stimuli.array, {
      x[{ {}, 1 }]:contiguous():reshape { 3, 8, 8 }, rate = 5 }))
    local mixed = stimuli.make { x = x, columns = { rate = { 10, 20, 10 } } }
    assert.matches("different rates, 10 and 20 frames a second", message_of(activations, with { model = flat,
      stimuli = mixed }))
    assert.matches("movies .* are shown by activations", message_of(flat, x))
    local wide = stimuli.make { x = lamina.zeros { 2, 3, 1, 16, 16 } }
    assert.matches("the frames are 1x16x16, flat sees 1x8x8 %(set:resize%(8%) changes their size%)",
      message_of(tuning.responses, { flat, wide }))
  end)
end)

-- ---- tuning over time --------------------------------------------------------------------------------------------

-- A bank of spatio-temporal filters, filters x 1 x frames x rows x columns, from functions of (frame, row, column).
local function bank(filters, frames, side)
  local list = {}
  for k, f in ipairs(filters) do
    list[k] = {}
    for d = 1, frames do
      for r = 1, side do
        for c = 1, side do table.insert(list[k], f(d, r, c)) end
      end
    end
  end
  return lamina.tensor(list, { dtype = "float32" }):reshape { #filters, 1, frames, side, side }
end

describe("tuning of a unit that sees movies:", function()
  local SIDE, RATE, DEPTH, PPD = 15, 50, 28, 8 -- pixels, frames a second, frames that a filter sees, pixels a degree

  local function drifting(o)
    o.size, o.rate, o.pixels_per_degree, o.duration = SIDE, RATE, PPD, o.duration or 0.96
    return stimuli.drifting(o)
  end

  -- Space: a quadrature pair of Gabor functions, 1 cycle per degree, along x. Time: Adelson & Bergen's (1985)
  -- (kt)^n exp(-kt) (1 / n! - (kt)^2 / (n + 2)!), n = 3 and 5. With z = 1 / (1 + i w / k) their transforms are (z^4 -
  -- z^6) / k and (z^6 - z^8) / k: at w = k the slow one is 90 degrees behind, with half the amplitude. k is that of 5
  -- Hz here, and the slow one counts twice.
  local function space(phase)
    return function(r, c)
      local u, v = (c - 8) / PPD, (r - 8) / PPD
      return math.exp(-(u * u + v * v) / (2 * 0.35 ^ 2)) * math.cos(2 * math.pi * u + phase)
    end
  end
  local function time(n)
    local f, g = 1, 1
    for i = 1, n do f = f * i end
    for i = 1, n + 2 do g = g * i end
    return function(d)
      local kt = 2 * math.pi * 5 * (DEPTH - d) / RATE -- the window's last frame is the newest
      return kt ^ n * math.exp(-kt) * (1 / f - kt ^ 2 / g)
    end
  end
  local even, odd, fast, late = space(0), space(-math.pi / 2), time(3), time(5)
  local function slow(d) return 2 * late(d) end

  -- Two squared filters, summed: motion energy to the left or to the right; and one that tells nothing of direction.
  local function energy_model()
    local filters = bank({
      function(d, r, c) return odd(r, c) * fast(d) + even(r, c) * slow(d) end,
      function(d, r, c) return odd(r, c) * slow(d) - even(r, c) * fast(d) end,
      function(d, r, c) return odd(r, c) * fast(d) - even(r, c) * slow(d) end,
      function(d, r, c) return odd(r, c) * slow(d) + even(r, c) * fast(d) end,
      function(d, r, c) return even(r, c) * fast(d) end }, DEPTH, SIDE)
    return model "energy" { input { 1, DEPTH, SIDE, SIDE },
      area "V1" { conv { 5, kernel = { DEPTH, SIDE, SIDE }, bias = false, init = function() return filters end },
        lamina.square },
      area "MT" { conv { 3, kernel = 1, bias = false, init = function()
        return lamina.tensor({ { 1, 1, 0, 0, 0 }, { 0, 0, 1, 1, 0 }, { 0, 0, 0, 0, 1 } }):reshape { 3, 5, 1, 1, 1 }
      end } } }
  end

  it("motion energy, a convolution over three axes, is selective for direction", function()
    local net = energy_model()
    local set = drifting { direction = lamina.arange(0, 330, 30), frequency = 1, temporal = 5, contrast = 0.5,
      mean = 0.5 }
    local found = tuning.describe { net, stimuli = set, quantity = "direction", by = "direction", fit = false }
    assert.is_true(found.units[1].dsi > 0.98, found.units[1].dsi)
    assert.is_true(found.units[2].dsi > 0.98, found.units[2].dsi)
    assert.is_true(math.abs(found.units[3].dsi) < 1e-4, found.units[3].dsi)
    local curve = found.mean:totable()
    assert.is_true(curve[1][1] > 10 * curve[7][1] and curve[7][2] > 10 * curve[1][2]) -- to the right; to the left
    -- Energy hardly follows the cycle; one filter squared follows it twice.
    assert.is_true(found.units[1].f1_f0 < 0.2)
    -- The same of what `activations` records, and of a cell written as a function.
    local acts = activations { model = net, stimuli = set, layers = "MT", cache = false, quiet = true }
    assert.equal(48 - DEPTH + 1, acts.responses:size(4))
    local recorded = tuning.describe { acts, time = "mean", quantity = "direction", by = "direction", fit = false }
    assert.is_true(apart(recorded.mean, found.mean) <= 1e-12 * found.mean:max():item())
    assert.near(found.units[1].f1_f0, recorded.units[1].f1_f0, 1e-9)
    local function cell(movie) return tuning.responses { net, movie, time = "all" } end
    local written = tuning.describe { cell, stimuli = set, quantity = "direction", by = "direction", fit = false }
    assert.is_true(apart(written.mean, found.mean) <= 1e-12 * found.mean:max():item())
    local h = tuning.harmonics { acts, frequency = "temporal" }
    assert.same({ 12, 3 }, h.f1.shape)
    assert.near(recorded.units[1].f1_f0, h.f1_f0[{ 1, 1 }], 1e-9)
    assert.is_true(math.cos(math.rad(found.units[1].preferred)) > 0.999)
    assert.is_true(math.cos(math.rad(found.units[2].preferred)) < -0.999)
  end)

  it("the F1 of linear units is the closed form", function()
    local w = bank({ function(d, r, c) return even(r, c) * time(3)(d) end }, DEPTH, SIDE)
    local deep = model "deep" { input { 1, DEPTH, SIDE, SIDE },
      area "V1" { conv { 1, kernel = { DEPTH, SIDE, SIDE }, bias = false, init = function() return w end } } }
    local flat = model "flat" { input { 1, SIDE, SIDE }, area "V1" { conv { 1, kernel = SIDE, bias = false,
      init = function() return bank({ function(_, r, c) return even(r, c) end }, 1, SIDE):squeeze(3) end } } }
    local set = drifting { direction = { 0, 60 }, frequency = { 0.5, 1 }, temporal = { 2.5, 5 }, contrast = 0.4,
      mean = 0.6, duration = 1.6 }
    local f1 = { tuning.responses { deep, set, time = "f1" }:reshape({ -1 }):totable(),
      tuning.responses { flat, set, time = "f1" }:reshape({ -1 }):totable() }
    local f0 = tuning.responses { flat, set }:reshape({ -1 }):totable()
    local weights = w:reshape({ -1 }):totable()
    for i = 1, #set do
      local co = set.columns
      local angle = math.rad(co.direction[i])
      local deep_c, deep_s, flat_c, flat_s, total = 0, 0, 0, 0, 0
      for d = 1, DEPTH do
        for r = 1, SIDE do
          for c = 1, SIDE do
            local u = ((c - 8) * math.cos(angle) - (r - 8) * math.sin(angle)) / PPD
            local cycles = co.frequency[i] * u - co.temporal[i] * (d - 1) / RATE
            local v = weights[((d - 1) * SIDE + r - 1) * SIDE + c]
            deep_c = deep_c + v * math.cos(2 * math.pi * cycles)
            deep_s = deep_s + v * math.sin(2 * math.pi * cycles)
            if d == 1 then
              flat_c = flat_c + even(r, c) * math.cos(2 * math.pi * co.frequency[i] * u)
              flat_s = flat_s + even(r, c) * math.sin(2 * math.pi * co.frequency[i] * u)
              total = total + even(r, c)
            end
          end
        end
      end
      assert.near(0.6 * 0.4 * math.sqrt(deep_c ^ 2 + deep_s ^ 2), f1[1][i], 2e-6)
      assert.near(0.6 * 0.4 * math.sqrt(flat_c ^ 2 + flat_s ^ 2), f1[2][i], 2e-5)
      assert.near(0.6 * total, f0[i], 2e-5)
    end
  end)

  it("a unit that leaks is slow: its F1 falls with temporal frequency as the closed form", function()
    -- y(t) = w . x(t) + a y(t - 1), so that F1 is that of w over |1 - a exp(-i 2 pi f / rate)|.
    local a, field = 0.8, bank({ function(_, r, c) return even(r, c) end }, 1, SIDE):squeeze(3)
    local leaky = model "leaky" { input { 1, SIDE, SIDE }, steps = "input",
      area "LGN" { conv { 1, kernel = SIDE, bias = false, init = function() return field end } },
      area "V1" { lamina.identity },
      lamina.lateral { "V1", conv { 1, kernel = 1, bias = false, init = function() return lamina.full({ 1, 1, 1, 1 },
        a) end } } }
    local set = drifting { temporal = { 2, 5, 10 }, frequency = 1, contrast = 0.5, duration = 2 }
    local slow_f1 = tuning.responses { leaky, set, time = "f1", from = 1 }:reshape({ -1 }):totable()
    local drive = tuning.responses { leaky, set, layer = "LGN", time = "f1", from = 1 }:reshape({ -1 }):totable()
    for i, f in ipairs(set.columns.temporal) do
      local angle = 2 * math.pi * f / RATE
      local gain = 1 / math.sqrt((1 - a * math.cos(angle)) ^ 2 + (a * math.sin(angle)) ^ 2)
      assert.near(gain, slow_f1[i] / drive[i], 1e-4 * gain)
    end
    local found = tuning.describe { leaky, stimuli = set, quantity = "temporal_frequency", by = "temporal",
      time = "f1", from = 1, fit = false }
    assert.equal(2, found.units[1].best)
  end)

  it("a rectified linear unit has F1/F0 = pi / 2, by frames and by the phases of gratings", function()
    local field = bank({ function(_, r, c) return odd(r, c) end }, 1, SIDE):squeeze(3)
    local simple = model "simple" { input { 1, SIDE, SIDE }, area "V1" { conv { 1, kernel = SIDE, bias = false,
      init = function() return field - field:mean() end }, relu } }
    local set = drifting { direction = lamina.arange(0, 315, 45), frequency = 1, temporal = 1, duration = 1 }
    local unit = tuning.describe({ simple, stimuli = set, quantity = "direction", by = "direction", fit = false })
      .units[1]
    assert.near(math.pi / 2, unit.f1_f0, 0.01)
    assert.near(0, unit.dsi, 1e-4) -- a field in space alone knows no direction
    local swapped = tuning.selectivity { { 0, 90, 180, 270 }, { 4, 3, 0, 1 } }
    assert.near(math.sqrt(4 ^ 2 + 2 ^ 2) / 8, swapped.dsi_vector, 1e-12)
    assert.near(math.deg(math.atan(2, 4)), swapped.direction, 1e-9)
    local peak = tuning.responses { simple, set, time = "peak" }
    local all = tuning.responses { simple, set, time = "all" }
    assert.same({ 8, 1, 50 }, all.shape)
    assert.is_true(peak:equal(all:max { dim = 3 }))
    assert.is_true(tuning.responses({ simple, set, time = "last" }):equal(all[{ {}, {}, 50 }]))
    assert.is_true(apart(tuning.responses { simple, set, from = 0.4 }, all[{ {}, {}, { 21, 50 } }]:mean { dim = 3 })
      < 1e-12)
  end)

  it("says what is wrong", function()
    local net = energy_model()
    local set = drifting { direction = { 0, 180 }, frequency = 1, temporal = 5 }
    local plain = stimuli.make { x = set.x, columns = { direction = { 0, 180 } } }
    local function described(o)
      o.quantity, o.by, o.fit = "direction", "direction", false
      return tuning.describe(o)
    end
    assert.is_nil(described({ net, stimuli = plain }).units[1].f1_f0)
    assert.matches("time = \"f1\" needs to know how many responses there are in a second",
      message_of(described, { net, stimuli = plain, time = "f1" }))
    assert.matches("from = 2 leaves nothing of responses that last 0.42 s", message_of(described, { net,
      stimuli = set, from = 2 }))
    assert.matches("frequency is 'temporall', which the stimuli do not have %(did you mean 'temporal'%?%)",
      message_of(described, { net, stimuli = set, time = "f1", frequency = "temporall" }))
    assert.matches("1 Hz in 0.42 s at 50 a second: expected a whole cycle", message_of(described, { net,
      stimuli = set, time = "f1", frequency = 1 }))
    local acts = activations { model = net, stimuli = set, layers = "MT", cache = false, quiet = true }
    assert.matches("21 time bins; time = \"mean\", \"peak\", \"last\" or \"f1\" says what of them counts",
      message_of(described, { acts }))
    assert.matches("the stimuli of energy have no 'temporaly'", message_of(tuning.harmonics, { acts,
      frequency = "temporaly" }))
    assert.matches("option 'rate' is missing", message_of(tuning.harmonics, { { 1, 2, 3, 4 }, frequency = 1 }))
    local two = model "two" { input { 1, SIDE, SIDE }, area "V1" { conv { 1, kernel = 3 } },
      readout "a" { dense { 1 } }, readout "b" { from = "V1", dense { 1 } } }
    assert.matches("two has several outputs %(a, b%); layer = \"NAME\" says which", message_of(tuning.responses, {
      two, set }))
  end)
end)
