-- s12_hmax2007.lua: SYSTEMS S12. HMAX with templates taken from images (Serre et al. 2007) has the published
-- parameters, and a linear readout of its C2 cells reads digits, moved or not, where one of pixels fails once they
-- move.
--
-- Digits of 28 x 28 pixels are shown on 64 x 64: enlarged to 48 and set in the middle of black, so that filters of 37
-- pixels find something and a digit moved by 4 of its own pixels stays whole. Templates are taken from the training
-- digits, 250 of each size. Readouts are ridge regressions onto the classes, whose penalty is chosen in inner folds
-- of the training digits. Shifted digits are moved by -4 to 4 pixels each way (keyed by the seed),
-- and readouts know none of them.
-- Data: mnist.
local p = experiment "s12-hmax2007" { seed = 1, params = { train = 1000, test = 2000, templates = 250, side = 64 },
  about = "HMAX 2007: its table, digits read from C2, shifted digits" }

-- ---- the published table -----------------------------------------------------------------------------------------

local SIGMA = { 2.8, 3.6, 4.5, 5.4, 6.3, 7.3, 8.2, 9.2, 10.2, 11.3, 12.3, 13.4, 14.6, 15.8, 17.0, 18.2 }
local LAMBDA = { 3.5, 4.6, 5.6, 6.8, 7.9, 9.1, 10.3, 11.5, 12.7, 14.1, 15.4, 16.8, 18.2, 19.7, 21.2, 22.8 }
local PNAS = { 3, 5, 7, 8, 10, 12, 13, 15 }

-- A filter by its formula, of sum 0 and norm 1; orientation of the bars in degrees.
local function gabor(size, orientation, sigma, lambda)
  local place = arange(1, size, { dtype = "float64" }) - (size + 1) / 2
  local x, y, angle = place:reshape { 1, -1 }, place:reshape { -1, 1 }, math.rad(orientation)
  local across = x * math.sin(angle) + y * math.cos(angle)
  local along = x * math.cos(angle) - y * math.sin(angle)
  local envelope = ((across:square() + along:square() * 0.3 ^ 2) * (-0.5 / sigma ^ 2)):exp()
  local wave = envelope * (across * (2 * math.pi / lambda)):cos()
  wave = wave - envelope * (wave:sum() / envelope:sum())
  return wave / wave:square():sum():sqrt()
end

-- Whether the filters and windows of a model are those of the table.
local function agrees(net, step_of)
  local same = true
  for band = 1, 8 do
    local area = "V1band" .. band
    for half = 1, 2 do
      local i = 2 * band - 2 + half
      local node = net:find(string.format("%s.maximum1.branch%d.templates1", area, half))
      local size = 5 + 2 * i
      same = same and node.options.kernel[1] == size and node.options.kernel[2] == size
      for k, orientation in ipairs { 0, 45, 90, 135 } do
        local off = node.buffers.weight[{ k, 1 }]:to "float64" - gabor(size, orientation, SIGMA[i], LAMBDA[i])
        same = same and off:abs():max():item() < 1e-6
      end
    end
    local window = net:find(area .. ".pool1").options
    same = same and window.kernel[1] == 6 + 2 * band and window.stride[1] == step_of(band)
  end
  return same
end

local net = models.hmax2007 { input = p.side, templates = p.templates }
local equal = agrees(net, function(band) return 3 + band end)
  and agrees(models.hmax2007 { input = p.side, lineage = "pnas", templates = 1 }, function(band)
    return PNAS[band]
  end)
report { id = "S12", metric = "parameter_table_equal", value = equal and 1 or 0, comparison = "==", threshold = 1 }

-- ---- digits ------------------------------------------------------------------------------------------------------

local digits = data.mnist { standardise = false }
local LARGE <const> = 48

-- Images on a larger black square, moved by whole pixels of the digits (a list of { right, down } for each image).
local function shown(x, moves)
  local room = (p.side - LARGE) // 2
  x = stimuli.resize(x, LARGE, "bilinear"):pad { before = { room, room },
    after = { room, room }, dims = { 3, 4 } }
  if not moves then return x end
  local rows = {}
  for i, move in ipairs(moves) do
    local dx, dy = math.floor(move[1] * LARGE / 28 + 0.5), math.floor(move[2] * LARGE / 28 + 0.5)
    rows[i] = x[i]:roll { shifts = { dy, dx }, dims = { 2, 3 } }
  end
  return ops.stack(rows, { dim = 1 })
end

local function first(set, n)
  local b = set:batch(arange(1, n))
  return b.x, b.y
end

local train_x, train_y = first(digits.train, p.train)
local test_x, test_y = first(digits.test, p.test)
local moves = randint(-4, 4, { p.test, 2 }):totable()
local sets = { train = shown(train_x), test = shown(test_x), moved = shown(test_x, moves) }
imprint { net, sets.train }

local function c2(x)
  local parts = {}
  for from = 1, #x, 64 do
    parts[#parts + 1] = net:activations(x[{ { from, math.min(from + 63, #x) } }], "IT").IT
  end
  return ops.concat(parts, { dim = 1 })
end
local function pixels(x) return x:reshape { #x, -1 } end

-- Share of correct answers of a ridge regression from features of the training digits onto the classes.
local function accuracies(features)
  local function targets(y) return y:reshape({ -1, 1 }):eq(arange(1, 10):reshape { 1, -1 }):to "float64" * 2 - 1 end
  local f = {}
  for name, x in pairs(sets) do f[name] = features(x):to "float64" end
  local fitted = ridge({ alphas = logspace(-4, 6, 21), per = "all" }):fit(f.train, targets(train_y))
  local found = {}
  for _, name in ipairs { "test", "moved" } do
    found[name] = 100 * fitted:predict(f[name]):argmax({ dim = 2 }):eq(test_y):to("float64"):mean():item()
  end
  return found
end

local of_c2, of_pixels = accuracies(c2), accuracies(pixels)
print(string.format("C2 + ridge: %.1f %%, moved %.1f %%; pixels + ridge: %.1f %%, moved %.1f %%", of_c2.test,
  of_c2.moved, of_pixels.test, of_pixels.moved))
report { id = "S12", metric = "c2_ridge_accuracy_percent", value = of_c2.test, comparison = ">=", threshold = 92,
  what = p.test .. " test digits" }
report { id = "S12", metric = "shifted_accuracy_gain_over_pixel_ridge_points", value = of_c2.moved - of_pixels.moved,
  comparison = ">=", threshold = 20 }

plot.bars { title = "Digits read from " .. p.train .. " examples", ylabel = "correct (%)", ylim = { 0, 100 },
  labels = { "C2", "pixels" },
  series = { { label = "as trained", values = { of_c2.test, of_pixels.test } },
    { label = "moved by up to 4 pixels", values = { of_c2.moved, of_pixels.moved } } } }:save "figure.svg"
