-- s45_sites.lua: SYSTEMS S45. Single sites are predicted from a network that learned a task: held-out responses of
-- sites that prefer a category follow the prediction image by image, and prefer the category it says (after Yamins et
-- al. 2014, figure 3A).
--
-- Data: mnist, natural-images (digits on natural backgrounds: digit_scenes.lua).
--
-- The sites are simulated: each has a preferred digit and a wide receptive field, spikes vary from trial to trial,
-- and the network has never seen them; it learned to name digits in other images.
-- Everything but the images is drawn from `seeds` seeds; gates are on the means, with the standard deviation beside
-- them. What the network sees (12,000 images, six times) was set when the images were drawn objects, and kept: its
-- training error on digits is 0.07.
local p = experiment "s45-sites" { seed = 1,
  params = { train = 12000, images = 960, sites = 168, repeats = 10, epochs = 6, seeds = 3 },
  about = "Held-out responses of single sites, predicted from the top layer of a network" }

local function view(x) return (x - 0.5) * 4 end
local pasted = require "digit_scenes" ()
local scenes = pasted("test", p.images, 2)
local labels = scenes.y

-- Means of responses by category: categories x sites.
local function by_category(y)
  local member = labels:reshape { 1, -1 }:eq(arange(1, #scenes.classes):reshape { -1, 1 }):to "float64"
  return member:matmul(y) / member:sum { dim = 2, keepdim = true }
end

-- A network and sites of a seed: the score, and how many category-selective sites prefer the category predicted.
-- A site is selective where category explains at least a tenth of the variance of its mean responses.
local function run(seed)
  local net = model "ventral" { seed = seed,
    input { 1, 32, 32 },
    area "V1" { conv { 12, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 24, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "IT" { conv { 48, kernel = 3, pad = 1 }, relu, pool.max { 2 }, dense { 128 }, relu },
    readout "digit" { dense { #scenes.classes } },
  }
  local training = pasted("train", p.train, 10 * seed - 9):map(view)
  train { model = net, data = training, loss = "cross_entropy", optimizer = adam { rate = 2e-3,
    schedule = cosine {} }, epochs = p.epochs, batch = 64, log = false }
  print(string.format("seed %d: training error %.3f, error on the images shown %.3f", seed,
    evaluate { model = net, data = training }.error, evaluate { model = net, data = scenes:map(view) }.error))
  local sites = neural.simulate { scenes, object = p.sites, repeats = p.repeats, seed = 2 + seed }
  local score = predictivity { model = net, layers = { "V1", "V2", "IT" }, input = view, stimuli = scenes,
    responses = sites, mapping = ridge { alphas = logspace(-1, 6, 15) }, splits = kfold { 5 }, predictions = true }
  print(score)
  local y, means = score.responses, by_category(score.responses)
  local explained = means:var { dim = 1, correction = 0 } / y:var { dim = 1, correction = 0 }
  local same = means:argmax { dim = 1 }:eq(by_category(score.predictions.IT):argmax { dim = 1 })
  local selective = explained:ge(0.1)
  local count = selective:to "int64":sum():item()
  return score, 100 * selective:logical_and(same):to "int64":sum():item() / count, count
end

local corrected_r, matched, counts, first = {}, {}, {}, nil
for seed = 1, p.seeds do
  local score, percent, count = run(seed)
  first = first or score
  corrected_r[seed], matched[seed], counts[seed] = score:find "IT".ceiled, percent, tostring(count)
end
first:csv("sites.csv", "neuroids")

-- The site of median r / c: a tenth of its images in the order of categories, as in the figure, and the means over
-- all images of each category with their standard errors.
local corrected = first.neuroids.r.IT / first.neuroids.ceiling
local site = corrected:argsort()[(#corrected + 1) // 2]
local every = math.max(1, p.images // 96)
local function column(of) return of[{ {}, site }]:totable() end
local function trace(of, name)
  local y, shown = column(of), {}
  for c = 1, #scenes.classes do
    local seen = 0
    for i = 1, #scenes do
      if labels[i] == c then
        seen = seen + 1
        if seen % every == 0 then shown[#shown + 1] = y[i] end
      end
    end
  end
  return { y = shown, label = name }
end
local function means(of, name)
  local curve = tuning.curve { column(of), labels:to "float64" }
  return { label = name, values = curve.mean:reshape { -1 }, errors = curve.error:reshape { -1 } }
end
local spikes = "spikes (mean of " .. p.repeats .. " trials)"
plot.panels { columns = 1, height = 42,
  plot.line { trace(first.responses, "recorded"), trace(first.predictions.IT, "predicted"),
    xlabel = every > 1 and "held-out image, by category (1 in " .. every .. ")" or "held-out image, by category",
    title = string.format("Site of median prediction, r / c = %.2f", corrected[site]), ylabel = spikes },
  plot.bars { labels = scenes.classes, series = { means(first.responses, "recorded"),
    means(first.predictions.IT, "predicted") }, xlabel = "digit", ylabel = spikes, title = "Means over all images" },
}:save "figure.svg"

local function mean_sd(list)
  local t = tensor(list, { dtype = "float64" })
  return t:mean():item(), #list > 1 and t:std():item() or 0
end
local r, r_sd = mean_sd(corrected_r)
local percent, percent_sd = mean_sd(matched)
report { id = "S45", metric = "median_corrected_r", value = r, comparison = ">=", threshold = 0.7,
  what = string.format("IT, median over sites of r / c, mean of %d seeds, SD %.3f", p.seeds, r_sd) }
report { id = "S45", metric = "category_peak_matched_percent", value = percent, comparison = ">=",
  threshold = 90, what = string.format("of the %s sites whose category explains a tenth of their variance or "
    .. "more, mean of %d seeds, SD %.1f", table.concat(counts, ", "), p.seeds, percent_sd) }
