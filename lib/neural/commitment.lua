--- lamina.neural.commitment: which layer of a model stands for an area, chosen inside the training images.
--
-- The field's usual way is to take the layer that predicts an area best and to report that score: the largest of many
-- noisy numbers, which is too good by the noise. Here every fold of the splits chooses its layer on its training
-- images alone, divided again by the same rule (groups stay whole), penalties chosen once more inside those; the
-- score is that of the chosen layers on the fold's own images, which had no part in any choice. Cawley & Talbot 2010.
local common = require "lamina.neural.common"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local intervals = require "lamina.neural.intervals"
local mappings = require "lamina.neural.mapping"
local measures = require "lamina.neural.measures"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local predictivity = require "lamina.neural.predictivity"
local schema = require "lamina.schema"
local scores = require "lamina.neural.score"
local stats = require "lamina.core.stats"

local M = {}

local FIELDS = { choose = { type = "integer", default = 3, min = 2, doc = "folds of each fold's training images that "
  .. "choose the layer" } }
for name, field in pairs(predictivity.fields) do
  if name ~= "style" then FIELDS[name] = field end
end
schema.document("neural.commitment", FIELDS)

local Commitment = { __name = "commitment" }
Commitment.__index = object.index("a commitment", Commitment, "by unceiled")

local function percent(share) return string.format("%.0f %%", 100 * share) end

local function chosen_text(row)
  local parts = {}
  for i = 1, math.min(3, #row.chosen) do
    parts[i] = string.format("%s %s", row.chosen[i].layer, percent(row.chosen[i].probability))
  end
  return table.concat(parts, ", ") .. (#row.chosen > 3 and string.format(", %d more", #row.chosen - 3) or "")
end

Commitment.__tostring = function(self)
  local rows, bounded, related = {}, not self.unceiled, scores.related(self)
  local function add(row, ceiling, ceiled, argmax)
    if bounded then row[#row + 1] = ceiling end
    if related then row[#row + 1] = ceiled end
    rows[#rows + 1] = table.move(argmax, 1, #argmax, #row + 1, row)
  end
  local function number(value) return value and string.format("%.3f", value) end
  local alone = ""
  add({ self.by or "neuroids", "layer", "in folds", "probability", "n", self.measure, "95 % CI" }, "ceiling",
    self.formula, { "argmax", self.measure .. ", selected", "optimism" })
  for _, row in ipairs(self.rows) do
    if row.low ~= row.low then alone = ", of which there is none of one neuroid" end
    add({ row.group ~= nil and tostring(row.group) or "all", row.layer, string.format("%d of %d", row.folds,
      self.folds), chosen_text(row), tostring(row.n), number(row.r), common.interval_text(row.low, row.high) },
      number(row.ceiling), number(row.ceiled), { row.argmax, number(row.argmax_r),
        string.format("%+.3f", row.optimism) })
  end
  return string.format("commitment: %d layers, chosen in each of %d folds on its training images (%d inner folds)\n"
    .. "  %s\n  map: %s\n  splits: %s\n  ceiling: %s\n  formula: %s\n  %s: of the chosen layers on held-out "
    .. "images, median over neuroids; interval: bootstrap over %s (%d, seed %d)%s\n  probability: of being chosen, "
    .. "over resampled neuroids, mean over folds; argmax: the layer of the largest held-out score, the usual choice, "
    .. "and by how much its score is better\n%s", #self.layers, self.folds, self.choose, scores.data_text(self.score),
    scores.map_text(self), self.splits, scores.ceiling_text(self), scores.formula_text(self), self.measure, self.over,
    self.bootstrap, self.seed, alone, common.columns(rows, { true, true, true, true,
      [related and 10 or bounded and 9 or 8] = true }))
end

--- commitment:results(): a list of { metric =, value =, label =, what = } for report, one for each row.
-- > set = stimuli.gratings { size = 16, orientation = arange(0, 170, 10), frequency = { 2, 3 } }
-- > r = neural.simulate { set, simple = 8, repeats = 4, rate = 20 }
-- > x = { pixels = set.x:flatten(2), noise = randn { 36, 5 } }
-- > c = neural.commitment { stimuli = set, responses = r, features = x, by = "kind", splits = kfold { 4 } }
-- > c:results()[1].metric   --> commitment (simple)
function Commitment:results()
  local list = {}
  for i, row in ipairs(self.rows) do
    list[i] = { metric = "commitment" .. (row.group ~= nil and string.format(" (%s)", row.group) or ""),
      value = row.r,
      label = row.label, what = string.format("%s of the layers chosen inside the training images (%s in %d of %d "
        .. "folds), 95 %% CI %s, n = %d, %s; argmax %s %.3f, seed %d", self.measure, row.layer, row.folds,
        self.folds, common.interval_text(row.low, row.high), row.n, scores.ceiled_text(self, row),
        row.argmax, row.argmax_r, self.seed) }
  end
  return list
end

local COLUMNS = { "group", "layer", "folds", "probability", "n", "r", "low", "high", "ceiling", "ceiled",
  "ceiled_low", "ceiled_high", "measure", "formula", "argmax",
  "argmax_r",
  "argmax_low", "argmax_high", "optimism", "label" }
local CHOICES = { "group", "layer", "folds", "probability" }

--- commitment:table(): the rows as a list of lists, the first one the names of the columns: the layer chosen in most
-- folds, in how many, how probably, the measure (r, low, high) of the chosen layers, the ceiling, and the argmax.
-- commitment:table "chosen": a row for every layer that was ever chosen: group, layer, folds, probability.
-- > set = stimuli.gratings { size = 16, orientation = arange(0, 170, 10), frequency = { 2, 3 } }
-- > r = neural.simulate { set, simple = 8, repeats = 4, rate = 20 }
-- > x = { pixels = set.x:flatten(2), noise = randn { 36, 5 } }
-- > c = neural.commitment { stimuli = set, responses = r, features = x, by = "kind", splits = kfold { 4 } }
-- > c:table()[1][2], c:table()[2][2], c:table("chosen")[2][3]   --> layer pixels 4
function Commitment:table(of)
  if of ~= nil and of ~= "rows" and of ~= "chosen" then
    errors.raise("argument", errors.position(2), "commitment: there is no table of '%s' (there are rows, chosen)",
      tostring(of))
  end
  local names = of == "chosen" and CHOICES or COLUMNS
  local rows = { names }
  local function add(row, group)
    local line = {}
    for c, name in ipairs(names) do
      local value = name == "group" and group or row[name]
      if value == nil and (name == "measure" or name == "formula") then value = self[name] end
      line[c] = value == nil and "" or value
    end
    rows[#rows + 1] = line
  end
  for _, row in ipairs(self.rows) do
    for _, entry in ipairs(of == "chosen" and row.chosen or { row }) do add(entry, row.group) end
  end
  return rows
end

--- commitment:csv(path), commitment:csv(path, "chosen"): writes the table (of rows; or of every layer chosen) as CSV,
-- into the folder of the experiment as figures go; returns the commitment.
-- > set = stimuli.gratings { size = 16, orientation = arange(0, 170, 10), frequency = { 2, 3 } }
-- > r = neural.simulate { set, simple = 8, repeats = 4, rate = 20 }
-- > x = { pixels = set.x:flatten(2), noise = randn { 36, 5 } }
-- > c = neural.commitment { stimuli = set, responses = r, features = x, by = "kind", splits = kfold { 4 } }
-- > c:csv("layers.csv", "chosen")
-- > io.open "layers.csv":read()   --> group,layer,folds,probability
function Commitment:csv(path, of)
  local rows = self:table(of)
  common.csv(path, rows)
  return self
end

--- commitment:find(group): the row of a value of `by`; without one the first row.
-- > set = stimuli.gratings { size = 16, orientation = arange(0, 170, 10), frequency = { 2, 3 } }
-- > r = neural.simulate { set, simple = 8, repeats = 4, rate = 20 }
-- > x = { pixels = set.x:flatten(2), noise = randn { 36, 5 } }
-- > c = neural.commitment { stimuli = set, responses = r, features = x, by = "kind", splits = kfold { 4 } }
-- > c:find("simple").layer   --> pixels
function Commitment:find(group)
  for _, row in ipairs(self.rows) do
    if group == nil or row.group == group then return row end
  end
end

-- Every fold's training images divided again, and those once more for penalties.
local function divide(o)
  local n, coordinates = #o.ids, o.responses.stimulus
  for f, fold in ipairs(o.folds) do
    fold.choosing = o.splits:inner(o.choose, fold.train, n, coordinates, 1000 + f)
    for k, part in ipairs(fold.choosing) do
      if #part.test < 3 then
        errors.raise("argument", o.position, "neural.commitment: fold %d leaves %s to choose a layer by in a part; a "
          .. "measure needs 3: take fewer folds, or choose = 2", f, common.plural(#part.test, "image"))
      end
      local count = o.mapping:inner_folds()
      part.inner = count > 0 and o.splits:inner(count, part.train, n, coordinates, 1000 * (f + 1) + k) or {}
    end
  end
end

-- The measure on the parts of each fold's training images: folds x U for one layer.
local function choosing_scores(o, layer)
  local source = mappings.layer_source(layer, o.mapping, "neural.commitment: layer " .. layer.name, o.position)
  local rows, y = {}, o.kept.mean
  for f, fold in ipairs(o.folds) do
    local each = {}
    for k, part in ipairs(fold.choosing) do
      local guess = o.mapping:held_out(source, y, part, part.inner)
      each[k] = measures.plain[o.measure](guess, y:index_select(common.index(part.test), { dim = 1 }))
    end
    rows[f] = intervals.mean_over_folds(ops.stack(each, { dim = 1 }))
  end
  return ops.stack(rows, { dim = 1 })
end

-- How often the choices and the scores read a layer's features.
local function passes_of(o, layer)
  local all = {}
  for _, fold in ipairs(o.folds) do
    all[#all + 1] = fold
    table.move(fold.choosing, 1, #fold.choosing, #all + 1, all)
  end
  return mappings.passes(layer, o.mapping, all)
end

-- NaN (a neuroid that does not vary there) counts as nothing explained.
local function plain(t) return ops.where(t:isnan(), core.zeros { 1, dtype = "float64" }, t) end

local function median(t) return stats.quantile(t, { 0.5 }):reshape { -1 } end

-- How often each layer is best over resampled neuroids, mean over folds. choosing: layers x folds x n.
local function probabilities(o, choosing, layers, purpose)
  local counts, folds, n = {}, choosing:size(2), choosing:size(3)
  for k = 1, layers do counts[k] = 0 end
  local draws = stats.bootstrap_indices(n, o.bootstrap, { seed = o.seed, purpose = purpose }):reshape { -1 }
  for f = 1, folds do
    local values = {}
    for k = 1, layers do
      values[k] = median(choosing[{ k, f }]:index_select(draws, { dim = 1 }):reshape { o.bootstrap, n })
    end
    for _, k in ipairs(ops.stack(values, { dim = 1 }):argmax { dim = 1 }:totable()) do
      counts[k] = counts[k] + 1 / (o.bootstrap * folds)
    end
  end
  return counts
end

-- Layers by their probability of being chosen, those that never were left out.
local function ranked(names, share, by_fold)
  local list = {}
  for k, name in ipairs(names) do
    if share[k] > 0 or by_fold[k] then
      list[#list + 1] = { layer = name, probability = share[k], folds = by_fold[k] or 0, place = k }
    end
  end
  table.sort(list, function(a, b)
    if a.folds ~= b.folds then return a.folds > b.folds end
    if a.probability ~= b.probability then return a.probability > b.probability end
    return a.place < b.place
  end)
  return list
end

-- One group of neuroids. choosing, tested: layers x folds x U.
local function make_row(o, group, names, choosing, tested, score)
  local index, n = common.index(group.index), #group.index
  choosing, tested = choosing:index_select(index, { dim = 3 }), tested:index_select(index, { dim = 3 })
  local medians = ops.stack((function()
    local list = {}
    for k = 1, #names do list[k] = median(plain(choosing[k])) end
    return list
  end)(), { dim = 1 })
  local by_fold, taken, places = {}, {}, medians:argmax { dim = 1 }:totable()
  for f, k in ipairs(places) do
    by_fold[k], taken[f] = (by_fold[k] or 0) + 1, tested[{ k, f }]
  end
  local own, ceiling = intervals.mean_over_folds(ops.stack(taken, { dim = 1 })),
    o.kept.ceiling:index_select(index, { dim = 1 })
  local columns = intervals.columns(o, n, group.members, "predictivity.bootstrap")
  local alone = intervals.alone(o, n)
  local low, high = intervals.interval(intervals.resampled(own, columns, o.bootstrap), alone)
  local ceiled = not o.ceiling.none and scores.relate(o.ceiled, own, ceiling)
  local ceiled_low, ceiled_high
  if ceiled then
    ceiled_low, ceiled_high = intervals.interval(intervals.resampled(ceiled, columns, o.bootstrap), alone)
  end
  local list = ranked(names, probabilities(o, plain(choosing), #names, "neural.commitment"), by_fold)
  local best
  for _, name in ipairs(names) do
    local row = score:find(name, group.value)
    if not best or row.r > best.r then best = row end
  end
  local r = median(own):item()
  return { group = group.value, layer = list[1].layer, folds = list[1].folds, probability = list[1].probability,
    chosen = list, places = places, each = own, n = n, r = r, low = low, high = high,
      ceiling = ceiled and median(ceiling):item() or nil,
    ceiled = ceiled and median(ceiled):item() or nil, ceiled_low = ceiled_low, ceiled_high = ceiled_high,
    argmax = best.layer, argmax_r = best.r, argmax_low = best.low, argmax_high = best.high,
    optimism = best.r - r, label = best.label }
end

-- The chosen layers as a score of one layer, "chosen", for comparisons and figures.
local function as_score(o, score, rows)
  local parts, made, order, each = {}, {}, {}, {}
  for name, value in next, score do parts[name] = value end
  for i, row in ipairs(rows) do
    made[i] = { layer = "chosen", area = "", group = row.group, features = "-", n = row.n, r = row.r, low = row.low,
      high = row.high, ceiling = row.ceiling, ceiled = row.ceiled, ceiled_low = row.ceiled_low,
      ceiled_high = row.ceiled_high, label = row.label }
    each[i] = row.each
    table.move(o.groups[i].index, 1, row.n, #order + 1, order)
  end
  local back = {}
  for at, i in ipairs(order) do back[i] = at end
  parts.rows, parts.neuroids = made, {}
  for name, value in next, score.neuroids do parts.neuroids[name] = value end
  parts.neuroids.r = { chosen = ops.concat(each, { dim = 1 }):index_select(common.index(back), { dim = 1 }) }
  parts.shuffles, parts.permutations = 0, 0
  return scores.make(parts)
end

--- neural.commitment { model =, stimuli =, responses =, by = "region", choose = 3, ... }: which layer stands for each
-- area, with predictivity's options. Each fold chooses on its own training images (in `choose` parts, by the same
-- splits, penalties chosen inside those), and its images test the choice. A commitment: c.rows[i] has group, layer
-- (chosen in most folds), folds (in how many), probability (of being chosen, over resampled neuroids), chosen (every
-- layer that ever was: layer, folds, probability), r, low, high, ceiling, ceiled (of the chosen layers, on images
-- that had no part in the choice), and the field's usual argmax beside it: argmax, argmax_r and optimism, by how
-- much that score, selected on the data that it is reported for, is larger. c.score is predictivity's score of all
-- layers.
-- > early, late = randn { 60, 3 }, randn { 60, 3 }
-- > a = neural.assembly { { responses = late:matmul(randn { 3, 4 }), stimulus_id = arange(1, 60) } }
-- > features = { early = early, late = late }
-- > c = neural.commitment { features = features, responses = a, ceiling = false, splits = kfold { 5 } }
-- > c.rows[1].layer, c.rows[1].folds   --> late 5
function M.commitment(given, ...)
  local position = errors.position(2)
  schema.alone("neural.commitment", "neural.commitment { model = net, stimuli = set, responses = assembly }",
    position,
    ...)
  local o = predictivity.check("neural.commitment", given, FIELDS, position)
  if o.over_set.stimuli then
    errors.raise("argument", position, "neural.commitment: over = \"stimuli\" is not for choices, which each fold "
      .. "makes for its own images: say \"neuroids\" or \"subjects\"")
  end
  predictivity.prepare(o)
  divide(o)
  for _, group in ipairs(o.groups) do
    group.members = o.over_set.subjects and common.by_value(common.pick(o.responses.neuroid[o.subject],
      common.pick(o.kept.index, group.index))) or nil
  end
  local names, choosing, tested, passes = {}, {}, {}, 0
  local score = predictivity.score(o, function(layer, found)
    names[#names + 1] = layer.name
    choosing[#names] = choosing_scores(o, layer)
    passes = math.max(passes, passes_of(o, layer))
    tested[#names] = found.by_fold[{ {}, { 1, #o.kept.index } }]
  end)
  if #names < 2 then
    errors.raise("argument", position, "neural.commitment: there is one layer, %s, and nothing to choose", names[1])
  end
  return core.no_grad(function()
    local rows = {}
    choosing, tested = ops.stack(choosing, { dim = 1 }), ops.stack(tested, { dim = 1 })
    for i, group in ipairs(o.groups) do rows[i] = make_row(o, group, names, choosing, tested, score) end
    return setmetatable({ kind = "commitment", rows = rows, layers = names, by = o.by, score = score,
      nested = as_score(o, score, rows), choose = o.choose, folds = #o.folds,
      mapping = score.mapping, passes = passes, splits = score.splits, ceiling = score.ceiling,
      unceiled = score.unceiled, measure = o.measure, formula = o.ceiled, over = o.over_text, bootstrap = o.bootstrap,
      seed = o.seed }, Commitment)
  end)
end

return M
