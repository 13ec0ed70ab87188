-- s26_alexnet.lua: SYSTEMS S26. AlexNet as published: parameters and shapes by layer, the time of a forward pass, and
-- an eighth of its width with a first convolution for small pictures on digits of 32x32, with what it loses without
-- local response normalisation, overlapping pooling, dropout, and grouping (less data and epochs, the same for all).
-- Local response normalisation, pooling and dropout against cases worked by hand on 2x2. The figure: what the first
-- convolution of the narrow copy learned, and what accuracy changes by without each. Needs --data DIR.
--
-- The paper's first weights go with its width: with deviation 0.01, an eighth of it stays at chance. The narrow
-- copies begin with He's, and learn with adam; the paper's recipe is for its width.
local p = experiment "s26-alexnet" { seed = 1,
  params = { items = 45000, epochs = 2, seeds = 3, ablation_items = 4000, ablation_epochs = 3, batch = 64,
    rate = 1e-3 } }

local base = require "lamina.core.base"

local function result(metric, value, comparison, threshold, label, published)
  report { id = "S26", metric = metric, value = value, comparison = comparison, threshold = threshold, label = label,
    published = published }
end

-- ---- counts and shapes -------------------------------------------------------------------------------------------

local whole = models.alexnet2012 {}
print(whole)
result("parameters", whole:count(), "==", 60965224)
result("conv1_parameters", whole:count "V1.conv1", "==", 34944)
result("conv2_parameters", whole:count "V2.conv2", "==", 307456)
result("conv3_parameters", whole:count "V4.conv3", "==", 885120)
result("conv4_parameters", whole:count "V4.conv4", "==", 663936)
result("conv5_parameters", whole:count "IT.conv5", "==", 442624)
result("fc6_parameters", whole:count "IT.fc6", "==", 37752832)
result("fc7_parameters", whole:count "IT.fc7", "==", 16781312)
result("fc8_parameters", whole:count "category.fc8", "==", 4097000)
local sides = {}
for _, row in ipairs(whole:layers()) do sides[row.name] = row.shape[2] end
result("conv1_side", sides["V1.conv1"], "==", 55)
result("pool1_side", sides["V1.pool1"], "==", 27)
result("pool2_side", sides["V2.pool1"], "==", 13)
result("pool5_side", sides["IT.pool1"], "==", 6)

local picture = randn { 1, 3, 227, 227 }
local start = base.clock()
no_grad(function() whole(picture) end)
result("forward_seconds", base.clock() - start, "<=", 2, "close")
whole = nil

-- ---- hand-worked cases -------------------------------------------------------------------------------------------

-- Three channels of 2x2, n = 3, k = 1, alpha = 1, beta = 1: each a over 1 + its own square and its neighbours'.
local a = tensor { { { { 1, 2 }, { 0, -1 } }, { { 2, 0 }, { 1, 1 } }, { { 0, 1 }, { 3, 2 } } } }
local normalised = norm.lrn(a, { 3, k = 1, alpha = 1, beta = 1 })
local by_hand = tensor { { { { 1 / 6, 2 / 5 }, { 0, -1 / 3 } }, { { 2 / 6, 0 }, { 1 / 11, 1 / 7 } },
  { { 0, 1 / 2 }, { 3 / 11, 2 / 6 } } } }
result("lrn_hand_worked_case_passed", (normalised - by_hand):abs():max():item() < 1e-6 and 1 or 0, "==", 1)

-- The largest of 2x2; the mean; windows of 3 with stride 2 over a map of 2x2 with a margin of 1.
local map = tensor { { { { 1, 5 }, { -2, 3 } } } }
local pooled = pool.max(map, { 2 }):item() == 5 and pool.avg(map, { 2 }):item() == 1.75
  and pool.max(map, { 3, stride = 2, pad = 1 }):item() == 5 and pool.max(-map, { 2 }):item() == 2
result("pool_hand_worked_case_passed", pooled and 1 or 0, "==", 1)

-- Dropout with p = 0.5 on 2x2: each element is 0 or doubled while training, in half of the steps (400 +- 5 standard
-- deviations), and what it is otherwise.
local dropping = model "dropping" { input { 1, 2, 2 }, area "A" { dropout { 0.5 } } }
local fine, kept = (dropping(map) - map):abs():max():item() == 0, 0
for step = 1, 400 do
  local y = dropping:forward(map, { training = true, step = step })
  local doubled, gone = ops.eq(y, map * 2), ops.eq(y, 0)
  fine = fine and ops.all(ops.logical_or(doubled, gone)):item()
  kept = kept + doubled:to("int64"):sum():item()
end
result("dropout_hand_worked_case_passed", fine and math.abs(kept - 800) <= 100 and 1 or 0, "==", 1)

-- ---- an eighth of the width on digits ----------------------------------------------------------------------------

local digits = data.mnist { validation = 0 }

-- 28x28 in the middle of 32x32.
local function padded(set)
  return set:map(function(x) return x:pad(2, { dims = { 3, 4 }, value = -digits.mean / digits.std }) end)
end

local test = padded(digits.test)

-- Test accuracies in percent of networks of each seed with what `changes` says; and the first network.
local function accuracies(name, items, epochs, changes)
  local list, first = {}, nil
  for seed = 1, p.seeds do
    local given = { width = 1 / 8, input = { 1, 32, 32 }, stem = "small", classes = 10, init = "he", seed = seed,
      name = name .. "-" .. seed }
    for option, value in pairs(changes) do given[option] = value end
    local net = models.alexnet2012(given)
    train { model = net, data = padded(digits.train:take(items)), epochs = epochs, batch = p.batch, seed = seed,
      log = false, optimizer = adam { rate = p.rate, schedule = cosine {} } }
    list[seed] = 100 * (1 - evaluate { model = net, data = test }.error)
    first = first or net
    print(string.format("%s, seed %d: %.2f %%", name, seed, list[seed]))
  end
  return tensor(list), first
end

local function spread(list) return p.seeds > 1 and list:std():item() or 0 end

local full, narrow = accuracies("eighth", p.items, p.epochs, {})
result("eighth_width_accuracy_percent", full:mean():item(), ">=", 98)
result("eighth_width_accuracy_percent_sd", spread(full))

local with_all = accuracies("ablation-none", p.ablation_items, p.ablation_epochs, {})
result("ablation_none_accuracy_percent", with_all:mean():item())

local bars = { labels = {}, values = {}, errors = {}, title = "Accuracy without", ylabel = "change (points)" }

-- What a network loses without something: the mean over the seeds, and its deviation.
local function lost(without, label)
  local change = without - with_all
  table.insert(bars.labels, label)
  table.insert(bars.values, change:mean():item())
  table.insert(bars.errors, spread(change))
  return change:mean():item(), spread(change)
end

-- The same for networks with what `changes` says.
local function ablated(name, label, changes)
  return lost((accuracies("ablation-" .. name, p.ablation_items, p.ablation_epochs, changes)), label)
end

local lrn, lrn_sd = ablated("lrn", "normalisation", { lrn = false })
local overlap, overlap_sd = ablated("overlap", "overlap", { overlap = false })
local drop, drop_sd = ablated("dropout", "dropout", { dropout = 0 })
local groups, groups_sd = ablated("grouping", "grouping", { groups = 1 })
-- published: points of top-1 accuracy on ImageNet
result("ablation_lrn_accuracy_change_points", lrn, nil, nil, nil, -1.4)
result("ablation_lrn_accuracy_change_points_sd", lrn_sd)
result("ablation_overlap_pooling_accuracy_change_points", overlap, nil, nil, nil, -0.4)
result("ablation_overlap_pooling_accuracy_change_points_sd", overlap_sd)
result("ablation_dropout_accuracy_change_points", drop)
result("ablation_dropout_accuracy_change_points_sd", drop_sd)
result("ablation_grouping_accuracy_change_points", groups)
result("ablation_grouping_accuracy_change_points_sd", groups_sd)

plot.panels { columns = 2, widths = { 3, 2 }, plot.bars(bars),
  plot.images { narrow:find("V1.conv1").params.weight:detach(), columns = 3, normalise = "each", title = "Filters" } }
  :save "figure.svg"
