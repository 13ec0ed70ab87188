-- s36_untangling.lua: SYSTEMS S36. Object manifolds are untangled along the layers of a network that learned to
-- recognise digits at changing position, size, rotation and contrast (DiCarlo & Cox 2007; DiCarlo, Zoccolan & Rust
-- 2012).
--
-- Data: mnist. Invariance is 1 - (mean distance of two images of one digit) / (of two digits); selectivity the part
-- of a unit's variance that lies between digits; accuracy that of a linear support vector machine (one digit against
-- all others) fitted on 50 images of each digit. Networks of `seeds` seeds; gates are on the means over them, and
-- accuracy must rise at every stage of each. Told besides, without a gate, of the first: the accuracy at a position,
-- size, rotation or contrast that the classifier was not fitted at (on 25 images of each digit at other ones), of
-- digits that vary in it alone.
local p = experiment "s36-untangling" { seed = 1, params = { train = 8000, images = 1000, epochs = 5, draws = 3,
  seeds = 3 },
  about = "Untangling of digits under transformation, from pixels to the top layer" }

local function result(metric, value, comparison, threshold, what)
  report { id = "S36", metric = metric, value = value, comparison = comparison, threshold = threshold, what = what }
end

local digits = data.mnist { standardise = false }
local vary = augment { affine = { rotate = 45, translate = 0.15, scale = { 0.5, 1.1 } }, contrast = { 0.3, 1 },
  noise = 0.05 }

-- The first n digits of a set, each in a view of its own on a 40 x 40 field.
local function views(set, n)
  local index = arange(1, n)
  local b = set:batch(index)
  local x = vary(ops.pad(b.x, 6, { dims = { 3, 4 } }), { seed = 1, epoch = 1 })
  return data.tensors { x, b.y, classes = set.classes }
end

-- Images (n x 1 x 40 x 40) turned by `degrees` about the middle, bilinear.
local function turned(x, degrees)
  local cos, sin, side = math.cos(math.rad(degrees)), math.sin(math.rad(degrees)), x:size(3)
  local flat, out = ops.pad(x, 1, { dims = { 3, 4 } }):reshape { #x, -1 }, nil
  local rows, columns = table.unpack(meshgrid { arange(1, side), arange(1, side) })
  local dy, dx = rows:to "float64" - (side + 1) / 2, columns:to "float64" - (side + 1) / 2
  local y = (cos * dy - sin * dx + (side + 1) / 2):clamp(0, side + 0.999)
  local z = (sin * dy + cos * dx + (side + 1) / 2):clamp(0, side + 0.999)
  for _, corner in ipairs { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } } do
    local top, left = y:floor(), z:floor()
    local weight = (1 - (y - top - corner[1]):abs()) * (1 - (z - left - corner[2]):abs())
    local index = ((top + corner[1]) * (side + 2) + left + corner[2] + 1):to "int64":reshape { -1 }
    local part = flat:index_select(index, { dim = 2 }) * weight:reshape({ 1, -1 }):to "float32"
    out = out and out + part or part
  end
  return out:reshape(x.shape)
end

-- Digits that vary in one thing: the i-th has the level i % 4 + 1 of it.
local function varied(set, n, levels, change)
  local b, parts, value = set:batch(arange(1, n)), {}, {}
  local middle = ops.pad(b.x, 6, { dims = { 3, 4 } })
  for k = 1, 4 do parts[k] = change(middle, levels[k]) end
  local at = arange(1, n) % 4
  local x = parts[1] * at:eq(0):to "float32":reshape { n, 1, 1, 1 }
  for k = 2, 4 do x = x + parts[k] * at:eq(k - 1):to "float32":reshape { n, 1, 1, 1 } end
  for i, k in ipairs(at:totable()) do value[i] = levels[k + 1] end
  return x, b.y, value
end

local VARIABLES = {
  { "position", { -5, -2, 2, 5 }, function(x, shift) -- pixels, to the right and down
    return x:roll { shifts = { shift, shift }, dims = { 3, 4 } }
  end },
  { "size", { 0.55, 0.75, 0.95, 1.1 }, function(x, size)
    return augment { affine = { scale = { size, size } } }(x)
  end },
  { "rotation", { -40, -15, 15, 40 }, turned },
  { "contrast", { 0.3, 0.5, 0.7, 1 }, function(x, contrast) return x * contrast end },
}

local train_set, shown = views(digits.train, p.train), views(digits.test, p.images)
local function pixels(x) return x:reshape { #x, -1 } end

local function untangled(seed)
  local net = model "digits" { seed = seed,
    input { 1, 40, 40 },
    area "V1" { conv { 12, kernel = 5, pad = 2 }, norm.batch, relu, pool.max { 2 } },
    area "V2" { conv { 24, kernel = 5, pad = 2 }, norm.batch, relu, pool.max { 2 } },
    area "V4" { conv { 48, kernel = 3, pad = 1 }, norm.batch, relu, pool.max { 2 } },
    area "IT" { dense { 64 }, norm.batch, relu },
    readout "digit" { dense { 10 } },
  }
  train { model = net, data = train_set, seed = seed, log = false,
    loss = "cross_entropy", optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64 }
  local u = neural.untangling { model = net, layers = { "V1", "V2", "V4", "IT" }, features = { pixels = pixels },
    stimuli = shown, samples = 50, draws = p.draws, classifier = svm {}, pair = { "4", "9" } }
  print(u)
  return u, net
end

-- By layer, the accuracy at values of each variable that the classifier was not fitted at.
local function over_variables(net)
  local series, layers = {}, {}
  for v, variable in ipairs(VARIABLES) do
    local name = variable[1]
    local x, y, value = varied(digits.test, p.images // 2, variable[2], variable[3])
    local u = neural.untangling { model = net, layers = { "V1", "V2", "V4", "IT" }, features = { pixels = pixels },
      stimuli = data.tensors { x, y, classes = shown.classes, columns = { [name] = value } }, samples = 25, draws = 1,
      classifier = svm {}, over = name }
    print(u)
    u:csv("over_" .. name .. ".csv")
    series[v] = { label = name, values = {} }
    for i, row in ipairs(u.rows) do layers[i], series[v].values[i] = row.layer, row.over[name].accuracy end
  end
  plot.bars { series = series, labels = layers, title = "Separability at values that were not fitted",
    ylabel = "accuracy of a linear SVM", reference = 0.1, reference_label = "chance" }:save "over.svg"
end

local runs, rises = {}, 1
for seed = 1, p.seeds do
  local net
  runs[seed], net = untangled(seed)
  if seed == 1 then over_variables(net) end
  for i = 2, #runs[seed].rows do
    if runs[seed].rows[i].accuracy <= runs[seed].rows[i - 1].accuracy then rises = 0 end
  end
end
runs[1]:csv "untangling.csv"

-- Mean and standard deviation over seeds of f(first row, top row, all rows).
local function over_seeds(f)
  local values = {}
  for seed, u in ipairs(runs) do values[seed] = f(u.rows[1], u.rows[#u.rows], u.rows) end
  local t = tensor(values, { dtype = "float64" })
  return t:mean():item(), #values > 1 and t:std():item() or 0
end
local accuracy, low, high, names = {}, {}, {}, {}
for i, row in ipairs(runs[1].rows) do
  local mean, sd = over_seeds(function(_, _, rows) return rows[i].accuracy end)
  names[i], accuracy[i], low[i], high[i] = row.layer, mean, mean - sd, mean + sd
end
plot.bars { values = accuracy, low = low, high = high, labels = names, title = "Untangling of transformed digits",
  ylabel = "accuracy of a linear SVM (mean +- SD)", reference = 0.1, reference_label = "chance" }:save "figure.svg"
local function mean_of(metric, f, comparison, threshold)
  local mean, sd = over_seeds(f)
  result(metric, mean, comparison, threshold, string.format("mean of %d seeds, SD %.3g", p.seeds, sd))
end

result("linear_accuracy_rises_every_stage", rises, "==", 1, "50 images of each digit: " .. table.concat(names, ", "))
local function change(name) return function(first, top) return top[name] - first[name] end end
mean_of("top_minus_pixel_accuracy_points", function(first, top) return 100 * (top.accuracy - first.accuracy) end,
  ">=",
  25)
mean_of("four_vs_nine_dprime_ratio", function(first, top) return top.dprime / first.dprime end, ">=", 2)
mean_of("within_class_invariance_change", change "invariance", ">", 0)
mean_of("between_class_selectivity_change", change "selectivity", ">=", 0)
