-- s36_untangling.lua: SYSTEMS S36. Object manifolds are untangled along the layers of a network that learned to
-- recognise digits at changing position, size, rotation and contrast (DiCarlo & Cox 2007; DiCarlo, Zoccolan & Rust
-- 2012).
--
-- Data: mnist. Invariance is 1 - (mean distance of two images of one digit) / (of two digits); selectivity the part
-- of a unit's variance that lies between digits; accuracy that of a linear classifier fitted on 50 images of each
-- digit.
local p = experiment "s36-untangling" { seed = 1, params = { train = 8000, images = 1000, epochs = 5, draws = 3 },
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

local train_set, shown = views(digits.train, p.train), views(digits.test, p.images)
local net = model "digits" {
  input { 1, 40, 40 },
  area "V1" { conv { 12, kernel = 5, pad = 2 }, norm.batch, relu, pool.max { 2 } },
  area "V2" { conv { 24, kernel = 5, pad = 2 }, norm.batch, relu, pool.max { 2 } },
  area "V4" { conv { 48, kernel = 3, pad = 1 }, norm.batch, relu, pool.max { 2 } },
  area "IT" { dense { 64 }, norm.batch, relu },
  readout "digit" { dense { 10 } },
}
train { model = net, data = train_set,
  loss = "cross_entropy", optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64 }
local u = neural.untangling { model = net, layers = { "V1", "V2", "V4", "IT" }, features = { pixels = function(x)
  return x:reshape { #x, -1 }
end }, stimuli = shown, samples = 50, draws = p.draws,
  mapping = ridge { alphas = logspace(0, 6, 7), per = "all" }, pair = { "4", "9" } }
print(u)
u:csv "untangling.csv"

local accuracy, rises, names = {}, 1, {}
for i, row in ipairs(u.rows) do
  names[i], accuracy[i] = row.layer, row.accuracy
  if i > 1 and row.accuracy <= u.rows[i - 1].accuracy then rises = 0 end
end
local first, top = u.rows[1], u.rows[#u.rows]
plot.bars { values = accuracy, labels = names, title = "Untangling of transformed digits",
  ylabel = "accuracy of a linear classifier", reference = 0.1, reference_label = "chance" }:save "figure.svg"

result("linear_accuracy_rises_every_stage", rises, "==", 1, "50 images of each digit: " .. table.concat(names, ", "))
result("top_minus_pixel_accuracy_points", 100 * (top.accuracy - first.accuracy), ">=", 25)
result("four_vs_nine_dprime_ratio", top.dprime / first.dprime, ">=", 2, string.format("d' %.2f in IT, %.2f in pixels",
  top.dprime, first.dprime))
result("within_class_invariance_change", top.invariance - first.invariance, ">", 0)
result("between_class_selectivity_change", top.selectivity - first.selectivity, ">=", 0)
