-- s45_sites.lua: SYSTEMS S45. Single sites are predicted from a network that learned a task: held-out responses of
-- sites that prefer objects follow the prediction image by image, and prefer the category it says (after Yamins et
-- al. 2014, figure 3A).
--
-- The sites are simulated: each has a preferred object and a wide receptive field, spikes vary from trial to trial,
-- and the network has never seen them; it learned to name objects from other images.
local p = experiment "s45-sites" { seed = 1,
  params = { train = 12000, images = 960, sites = 168, repeats = 10, epochs = 6 },
  about = "Held-out responses of single sites, predicted from the top layer of a network" }

local net = model "ventral" {
  input { 1, 32, 32 },
  area "V1" { conv { 12, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 24, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "IT" { conv { 48, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 128 }, relu },
  readout "category" { dense { 8 } },
}
local function view(x) return (x - 0.5) * 4 end
train { model = net, data = stimuli.objects { p.train, size = 32, seed = 1 }:map(view), loss = "cross_entropy",
  optimizer = adam { rate = 2e-3, schedule = cosine {} }, epochs = p.epochs, batch = 64 }

local scenes = stimuli.objects { p.images, size = 32, seed = 2 }
local sites = neural.simulate { scenes, object = p.sites, repeats = p.repeats, seed = 3 }
local score = predictivity { model = net, layers = { "V1", "V2", "IT" }, input = view, stimuli = scenes,
  responses = sites, mapping = ridge { alphas = logspace(-1, 6, 15) }, splits = kfold { 5 }, predictions = true }
print(score)
score:csv("sites.csv", "neuroids")

-- Means of responses by category: categories x sites.
local labels = scenes.y
local function by_category(y)
  local member = labels:reshape { 1, -1 }:eq(arange(1, #scenes.classes):reshape { -1, 1 }):to "float64"
  return member:matmul(y) / member:sum { dim = 2, keepdim = true }
end

-- A site is selective where category explains at least a tenth of the variance of its mean responses.
local y, guess = score.responses, score.predictions.IT
local means = by_category(y)
local explained = means:var { dim = 1, correction = 0 } / y:var { dim = 1, correction = 0 }
local same = means:argmax { dim = 1 }:eq(by_category(guess):argmax { dim = 1 })
local selective = explained:ge(0.1)
local count = selective:to "int64":sum():item()
local matched = selective:logical_and(same):to "int64":sum():item()
local row = score:find "IT"

-- The site of median r / c, its images in the order of categories, as in the figure.
local order = {}
for c = 1, #scenes.classes do
  for i = 1, #scenes do
    if labels[i] == c then order[#order + 1] = i end
  end
end
order = tensor(order, { dtype = "int64" })
local corrected = score.neuroids.r.IT / score.neuroids.ceiling
local site = corrected:argsort()[(#corrected + 1) // 2]
local function trace(of, name)
  return { x = arange(1, #scenes), y = of[{ {}, site }]:index_select(order, { dim = 1 }), label = name }
end
plot.line { trace(y, "recorded"), trace(guess, "predicted"), width = 170, xlabel = "held-out image, by category",
  title = string.format("The site of median prediction, r / c = %.2f", corrected[site]),
  ylabel = "spikes (mean of " .. p.repeats .. " trials)" }:save "figure.svg"

report { id = "S45", metric = "median_corrected_r", value = row.ceiled, comparison = ">=", threshold = 0.7,
  what = string.format("IT, median over %d sites of r / c; r %.3f, c %.3f", row.n, row.r, row.ceiling) }
report { id = "S45", metric = "category_peak_matched_percent", value = 100 * matched / count, comparison = ">=",
  threshold = 90, what = string.format("of %d sites whose category explains a tenth of their variance or "
    .. "more", count) }
