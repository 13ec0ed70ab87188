--- lamina.neural.predictivity: how well each layer predicts recorded responses, on images that the map has not seen.
--
-- For each fold the map is fitted on the training images (its penalty chosen inside them) and Pearson's r between
-- prediction and recorded mean response is taken over the held-out images, for each neuroid; r is the mean over
-- folds. (Not pooled over folds: every fold has its own intercept, which makes pooled r negative where nothing is
-- predicted.) A row's r is the median over neuroids, its interval a bootstrap over neuroids.
local assembly = require "lamina.neural.assembly"
local ceilings = require "lamina.neural.ceiling"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local features = require "lamina.neural.features"
local folds = require "lamina.neural.folds"
local grams = require "lamina.neural.gram"
local intervals = require "lamina.neural.intervals"
local mappings = require "lamina.neural.mapping"
local measures = require "lamina.neural.measures"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local scores = require "lamina.neural.score"
local significance = require "lamina.significance"
local splits = require "lamina.neural.splits"
local stats = require "lamina.core.stats"
local stimuli = require "lamina.stimuli"
local styles = require "lamina.neural.styles"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = {
  stimuli = { type = "any", doc = "images whose ids are those of the responses; may be absent where all features are "
    .. "tensors, which then have a row for each stimulus of the responses, in their order" },
  responses = { type = "any", required = true, doc = "an assembly; of several time bins a:unroll(), with by = "
    .. "\"time_bin_start\"" },
  mapping = { type = "any", doc = "ridge {} if absent" },
  splits = { type = "any", doc = "kfold {}, grouped {}, shuffled {}, or a list of { train = positions, test = "
    .. "positions } among the stimuli of the responses, with by = \"NAME\" beside them where whole groups are held "
    .. "out; kfold { 10 } if absent" },
  ceiling = { type = "any", doc = "split_half { 10 } if absent; false: none, for responses that are averages or "
    .. "single trials: the measure stays as it is, and nobody is left out for low reliability" },
  reliability = { type = "number", default = 0.3, min = -1, max = 1,
    doc = "neuroids whose reliability, by the ceiling's rule, is below this are left out" },
  measure = { type = "string", default = "r", choices = measures.names, doc = "of prediction and recorded means on "
    .. "held-out images: Pearson's r, explained variance, r2 (which an offset lowers), or the Poisson log "
    .. "likelihood, of counts (predicted rates below 1e-8 count as that, and are counted)" },
  ceiled = { type = "string", choices = scores.formulas, doc = "how the measure is put in relation to the ceiling "
    .. "c; if absent \"r / c\", for ev \"ev / c^2\", for r2 \"r2 / c^2\", for poisson and without a ceiling "
    .. "\"none\"" },
  style = { type = "string", choices = { "brain-score" }, doc = "a published recipe to the letter, which sets "
    .. "mapping, "
    .. "splits, ceiling and what is averaged: see above" },
  predictions = { type = "boolean", default = false, doc = "whether score.predictions[layer] keeps what was "
    .. "predicted "
    .. "for each held-out image (stimuli x neuroids kept; NaN where an image was never tested, the mean where "
    .. "often)" },
  by = { type = "string", doc = "a coordinate of the neuroids: a row for each of its values" },
  shuffle = { type = { "integer", "boolean" }, default = 0, min = 0,
    doc = "a control besides: how often the responses are dealt to other stimuli at random (true: once)" },
  bootstrap = { type = "integer", default = 1000, min = 100, doc = "resamples for the intervals" },
  over = { type = { "string", "table" }, default = "neuroids", doc = "what the intervals resample, and so what the "
    .. "score generalises to: \"neuroids\", \"stimuli\", \"subjects\", or a list of these (crossed)" },
  subject = { type = "string", default = "subject", doc = "the coordinate of the neuroids that names their subject, "
    .. "for over = \"subjects\"" },
  permutations = { type = "integer", default = 0, min = 0, max = 100000, doc = "how often the held-out responses are "
    .. "dealt anew among the predictions of their fold, for a p-value of each row; nothing is fitted anew" },
  correction = { type = "string", default = "holm", choices = significance.methods, doc = "of these p-values for the "
    .. "number of rows (q), as in fdr" },
  seed = { type = "integer", doc = "of bootstrap, permutations and control; the experiment's if absent" },
}
for name, field in pairs(features.fields) do FIELDS[name] = field end
schema.document("predictivity", FIELDS)

--- The options, for words that take them, too.
M.fields = FIELDS

local function fail(o, kind, position, format, ...) errors.raise(kind, position, "%s: " .. format, o.word, ...) end

-- The responses' own stimuli, without images: for features that are there already.
local function no_images(o, position)
  local own, selected = assembly.is_assembly(o.features) and { o.features } or o.features, nil
  if grams.is(own) and not o.model then own = {} end
  for name, value in pairs(own or { images = false }) do
    local given = type(name) == "number" and type(value) == "table" and not getmetatable(value) and value[2]
      or value
    if o.model or not tensor.is_tensor(given) and not assembly.is_assembly(given) then
      fail(o, "argument", position, "option 'stimuli' is missing, the images whose ids are those of the responses "
        .. "(only features that are tensors, assemblies or of neural.gram do without: features = { name = x })")
    end
    selected = selected or assembly.is_assembly(given) and given.selected or nil
  end
  local a = o.responses
  return setmetatable({ subset = function(self) return self end, id = a.stimulus.stimulus_id, numbered = a.numbered,
    name = a.name, selected = selected }, { __len = function() return #a.stimulus end })
end

-- A neuroid by its position and, where it has one, its neuroid_id.
local function neuroid_name(a, i)
  local ids = rawget(a.neuroid, "neuroid_id")
  return ids and string.format("%d (%s)", i, tostring(ids[i])) or tostring(i)
end

-- Without a ceiling there is nothing that reliability or a ratio to it could go by.
local function check_unceiled(o, given, position)
  if not o.ceiling.none then return end
  local asked = given.reliability and given.reliability > -1 and "reliability = " .. given.reliability
    or given.ceiled and given.ceiled ~= "none" and string.format("ceiled = \"%s\"", given.ceiled)
  if asked then
    fail(o, "argument", position, "%s goes by how well repeats agree, and ceiling = false says "
      .. "that nothing is known of it: leave one of the two out", asked)
  end
end

-- The coordinates of the neuroids, for messages.
local function known_names(a)
  local names = assembly.names(a.neuroid)
  return #names > 0 and table.concat(names, ", ") or "none"
end

-- A likelihood of counts needs counts.
local function check_counts(o, position)
  if o.measure ~= "poisson" then return end
  local a, below = o.responses, {}
  local least = a.responses:min({ dim = 3 }):min { dim = 1 } -- masked trials hold 0
  for i, value in ipairs(least:totable()) do
    if value < 0 then below[#below + 1] = neuroid_name(a, i) end
  end
  if #below == 0 then return end
  fail(o, "argument", position, "measure = \"poisson\" is the likelihood of counts, and responses "
    .. "below 0 are no counts: %s has some in neuroid%s %s (the least is %g). Take \"r\", \"ev\" or \"r2\"; where a "
    .. "negative number stands for a missing trial, neural.assembly { ..., missing = %g } says so", a.name,
    #below == 1 and "" or "s", common.some(below), least:min():item(), least:min():item())
end

--- Options of `word`, checked; fields: those of predictivity, and more.
function M.check(word, given, fields, position)
  local o = schema.check(word, given, fields, position)
  o.word = word
  if not assembly.is_assembly(o.responses) then
    fail(o, "argument", position, "responses is %s, expected an assembly (neural.assembly { { "
      .. "responses = x, stimulus_id = ids } } makes one of a tensor)", schema.shown(o.responses))
  end
  o.position = position
  assembly.one_time(o.responses, word, position)
  styles.apply(o, given, position)
  o.ceiling = ceilings.of(o.ceiling)
  o.mapping = o.mapping or mappings.ridge {}
  o.default_splits = o.splits == nil
  o.splits = o.splits == nil and splits.kfold { 10 } or splits.of(o.splits, word, position) or o.splits
  for _, part in ipairs { { "mapping", mappings.is_mapping, "ridge {}" }, { "splits", splits.is_splits,
    "kfold { 10 }, grouped { 10, by = \"movie\" } or { { train = positions, test = positions }, ... }" },
    { "ceiling", ceilings.is_ceiling, "split_half { 10 }, or false for none" } } do
    if not part[2](o[part[1]]) then
      fail(o, "argument", position, "%s is %s, expected something like %s", part[1],
        schema.shown(o[part[1]]), part[3])
    end
  end
  check_unceiled(o, given, position)
  check_counts(o, position)
  o.ceiled = o.ceiling.none and "none" or scores.formula(o.ceiled, o.measure, position)
  if o.by and not rawget(o.responses.neuroid, o.by) then
    fail(o, "argument", position, "by = '%s' is no coordinate of the neuroids (there are %s)",
      o.by, known_names(o.responses))
  end
  o.over_set, o.over_text = intervals.over(o.over, word, position)
  if o.over_set.subjects and not rawget(o.responses.neuroid, o.subject) then
    fail(o, "argument", position, "over = \"subjects\" needs a coordinate of the neuroids that "
      .. "names their subject; there is no '%s' (subject = \"NAME\" takes another: there are %s)", o.subject,
      known_names(o.responses))
  end
  o.shuffle = o.shuffle == true and 1 or o.shuffle or 0
  o.seed = o.seed or tensor.seed()
  o.set = o.stimuli == nil and no_images(o, position) or stimuli.of(o.stimuli, position)
  return o
end

-- Says why no neuroid is left. count: how many valid repeats each mean is of.
local function none_left(o, kept, count, position)
  local reasons = {}
  local function add(n, format, ...)
    if n > 0 then reasons[#reasons + 1] = n .. " " .. string.format(format, ...) end
  end
  add(kept.unreliable, "%s a reliability below %g", kept.unreliable == 1 and "has" or "have", o.reliability)
  if kept.unknown > 0 then
    local repeated = count:max({ dim = 2 }):ge(2):to "int64":sum():item()
    add(kept.unknown, "%s no reliability that could be computed: %d of %d stimuli have 2 or more valid repeats, "
      .. "and how well repeats agree is a correlation over stimuli (ceiling = false scores such responses as they "
      .. "are)", kept.unknown == 1 and "has" or "have", repeated, #count)
  end
  add(#kept.silent, "%s no valid trial for some stimulus: %s", #kept.silent == 1 and "has" or "have",
    common.some(kept.silent))
  add(#kept.constant, "%s not vary over stimuli: %s", #kept.constant == 1 and "does" or "do",
    common.some(kept.constant))
  fail(o, "argument", position, "no neuroid is left of %d: %s", #o.responses.neuroid,
    table.concat(reasons, "; "))
end

-- Which neuroids are kept: those that answered every stimulus in some trial, vary over stimuli, and are reliable.
local function keep_neuroids(o, position)
  local a = o.responses
  local reliability, ceiling = o.ceiling:estimate(a)
  local means, count = a:mean()
  local least, spread = count:min { dim = 1 }:totable(), (means:max { dim = 1 } - means:min { dim = 1 }):totable()
  local kept = { index = {}, silent = {}, unreliable = 0, unknown = 0, constant = {}, unmeasured = {} }
  for i, value in ipairs(reliability:totable()) do
    if least[i] < 1 then
      table.insert(kept.silent, neuroid_name(a, i))
    elseif spread[i] == 0 then
      table.insert(kept.constant, neuroid_name(a, i))
    elseif not o.ceiling.none and value ~= value then
      kept.unknown = kept.unknown + 1
      table.insert(kept.unmeasured, neuroid_name(a, i))
    elseif value < o.reliability then
      kept.unreliable = kept.unreliable + 1
    else
      table.insert(kept.index, i)
    end
  end
  if #kept.index == 0 then none_left(o, kept, count, position) end
  local index = common.index(kept.index)
  kept.reliability = reliability:index_select(index, { dim = 1 })
  kept.ceiling = ceiling:index_select(index, { dim = 1 })
  kept.mean = means:index_select(index, { dim = 2 })
  return kept
end

-- The responses, and after them those of each control: the rows dealt out anew, all neuroids together.
local function with_controls(y, count, seed)
  local parts = { y }
  for k = 1, count do
    local order = tensor.draw { kind = "permutation", shape = { #y }, seed = seed, purpose = "predictivity.shuffle",
      step = k }
    parts[k + 1] = y:index_select(order, { dim = 1 })
  end
  return count > 0 and ops.concat(parts, { dim = 2 }) or y
end

-- The measure of every target for one layer (mean over folds), whether it is close, the measure by fold, and the
-- predictions and responses of the neuroids themselves by fold.
local function score_layer(o, layer, y, n, kept)
  local source = mappings.layer_source(layer, o.mapping, o.word .. ": layer " .. layer.name, o.position,
    o.responses.stimulus.stimulus_id)
  local by_fold, held = {}, {}
  for f, fold in ipairs(o.folds) do
    local guess = o.mapping:held_out(source, y, fold, fold.inner)
    local truth = y:index_select(common.index(fold.test), { dim = 1 })
    by_fold[f] = measures.plain[o.measure](guess, truth)
    held[f] = { test = fold.test, guess = guess[{ {}, { 1, n } }], y = truth[{ {}, { 1, n } }] }
    if kept then kept(fold.test, guess) end
  end
  local each = ops.stack(by_fold, { dim = 1 })
  return intervals.mean_over_folds(each), source.close or each.close, each, held, source
end

-- Collects predictions of n neuroids for images that may be tested once, often or never: a function that takes those
-- of a fold, and one that gives the means.
local function collector(images, n)
  local sum, count = tensor.zeros { images, n, dtype = "float64" }, tensor.zeros { images, 1, dtype = "float64" }
  return function(test, guess)
    local index = common.index(test)
    sum = sum + guess[{ {}, { 1, n } }]:index_add(index, { dim = 1, size = images })
    count = count + tensor.ones({ #test, 1 }, { dtype = "float64" }):index_add(index, { dim = 1, size = images })
  end, function() return sum / count end
end

-- Which positions among the kept neuroids belong to each value of the coordinate `by`.
local function groups_of(o, kept)
  if not o.by then return { { value = nil, index = common.count_up(#kept.index) } } end
  local list, values = {}, common.pick(o.responses.neuroid[o.by], kept.index)
  local nameless = {}
  for at, value in ipairs(values) do
    if value ~= value then nameless[#nameless + 1] = kept.index[at] end
  end
  if #nameless > 0 then
    fail(o, "argument", o.position, "by = \"%s\": it is NaN for %d of %s kept (%s), which belong to no group: leave "
      .. "them out, a:select { %s = function(v) return v == v end }", o.by, #nameless,
      common.plural(#values, "neuroid"), common.some(nameless), o.by)
  end
  for k, index in ipairs(common.by_value(values)) do
    list[k] = { value = values[index[1]], index = index }
  end
  return list
end

local function median(t) return stats.quantile(t, { 0.5 }):item() end

-- How a group's neuroids are drawn: see intervals.columns. Drawn once for all layers, so that these are paired.
local function columns_of(o, kept, group)
  if group.columns == nil then
    local members = o.over_set.subjects and common.by_value(common.pick(o.responses.neuroid[o.subject],
      common.pick(kept.index, group.index)))
    if members and #members < 2 then
      fail(o, "argument", o.position, "over = \"subjects\": all neuroids kept%s are of one %s, and one cannot be "
        .. "resampled", group.value ~= nil and " of " .. tostring(group.value) or "", o.subject)
    end
    group.columns = intervals.columns(o, #group.index, members, "predictivity.bootstrap") or false
  end
  return group.columns or nil
end

-- One row: a layer and a group of neuroids. found: what score_layer and what is made of it gave.
local function make_row(o, layer, group, kept, found)
  if o.aggregate then return o.aggregate(o, layer, group, found.by_fold, kept, found.close) end
  local index = common.index(group.index)
  local own, ceiling = found.r:index_select(index, { dim = 1 }), kept.ceiling:index_select(index, { dim = 1 })
  local columns = columns_of(o, kept, group)
  local drawn = found.drawn and found.drawn:index_select(index, { dim = 2 }) or own
  local function interval_of(values)
    return intervals.interval(intervals.resampled(values, columns, o.bootstrap), intervals.alone(o, #group.index))
  end
  local low, high = interval_of(drawn)
  local row = { layer = layer.name, area = layer.area, group = group.value, features = layer.features,
    n = #group.index, r = median(own), low = low, high = high, label = found.close and "close" or "exact",
    selected = o.set.selected or nil }
  if not o.ceiling.none then
    local ceiled = scores.relate(o.ceiled, own, ceiling)
    row.ceiling, row.ceiled = median(ceiling), median(ceiled)
    row.ceiled_low, row.ceiled_high = interval_of(scores.relate(o.ceiled, drawn, ceiling))
    row.above = o.ceiled ~= "none" and ceiled:gt(1):logical_and(ceiled:isfinite()):to "int64":sum():item()
      or nil
  end
  if found.controls then
    local medians = stats.quantile(found.controls:index_select(index, { dim = 2 }), { 0.5 }):reshape { -1 }
    row.shuffled, row.shuffled_low, row.shuffled_high = medians:mean():item(), medians:min():item(),
      medians:max():item()
  end
  if found.null then
    row.p = intervals.p_value(row.r, stats.quantile(found.null:index_select(index, { dim = 2 }), { 0.5 }))
  end
  return row
end

-- A neuroid whose responses vary, but over the tested images of no fold, has no score.
local function check_scored(o, kept, r, position)
  local without = {}
  for i, bad in ipairs(r:isnan():totable()) do
    if bad then without[#without + 1] = neuroid_name(o.responses, kept.index[i]) end
  end
  if #without > 0 then
    fail(o, "numeric", position, "the responses of neuroid%s %s do not vary over the tested images "
      .. "of any fold, so nothing can be said of them: leave them out (responses:at(nil, positions)) or take fewer "
      .. "folds", #without == 1 and "" or "s", common.some(without))
  end
end

-- q: the rows' p-values corrected for how many there are.
local function correct_rows(o, rows)
  local p = {}
  for i, row in ipairs(rows) do p[i] = row.p end
  local q = select(2, significance.fdr { p = p, method = o.correction })
  for i, row in ipairs(rows) do row.q = q[i] end
end

--- Adds to checked options what all layers share: ids, kept (neuroids), folds, groups, shown (the images in the
-- order of the responses).
function M.prepare(o)
  local a, position = o.responses, o.position
  o.ids = a.stimulus.stimulus_id
  local index = o.stimuli == nil and common.count_up(#o.ids)
    or assembly.match(a, o.set, "responses (" .. a.name .. ")", "stimuli (" .. o.set.name .. ")", position, o.word)
  o.place, o.shown = common.index(index), o.set:subset(index)
  o.kept = keep_neuroids(o, position)
  o.folds, o.groups = folds.of(o, o.ids), groups_of(o, o.kept)
  o.weights = o.over_set.stimuli and intervals.stimulus_weights(o, #o.ids, o.splits.by
    and a.stimulus[o.splits.by] or nil)
  return o
end

-- Everything that is found for one layer: r (of the neuroids), by_fold, controls, drawn, null, close.
local function find_layer(o, layer, y, of_layer)
  local n, take, taken = #o.kept.index, nil, nil
  if o.predictions then take, taken = collector(#o.ids, n) end
  local all, close, by_fold, held, source = score_layer(o, layer, y, n, take)
  if source.fewest then
    table.insert(of_layer.fewer, string.format("%s %s", layer.name, source.fewest == source.most and source.most
      or source.fewest .. " to " .. source.most))
  end
  local low = o.measure == "poisson" and measures.low_rates(held)
  if low then table.insert(of_layer.low, layer.name .. " " .. low) end
  local found = { r = all[{ { 1, n } }]:contiguous(), close = close, by_fold = by_fold }
  check_scored(o, o.kept, found.r, o.position)
  if o.shuffle > 0 then found.controls = all[{ { n + 1, n * (o.shuffle + 1) } }]:reshape { o.shuffle, n } end
  if o.weights then of_layer.drawn[layer.name] = intervals.over_stimuli(held, o.weights, o.measure) end
  found.drawn = of_layer.drawn[layer.name]
  if o.permutations > 0 then
    found.null = intervals.permuted(o, held, measures.plain[o.measure],
      o.splits.by and o.responses.stimulus[o.splits.by] or nil)
    of_layer.p[layer.name] = (found.null:ge(found.r):to "float64":sum { dim = 1 } + 1) / (o.permutations + 1)
  end
  of_layer.r[layer.name], of_layer.predicted[layer.name] = found.r, taken and taken()
  return found
end

-- How many neuroids have no value in some resample of the stimuli.
local function sparse_of(drawn)
  local found
  for _, values in pairs(drawn) do
    local holes = values:isnan():any { dim = 1 }
    found = found and found:logical_or(holes) or holes
  end
  return found:to "int64":sum():item()
end

--- The score of prepared options. each (optional): called with every layer and what was found for it, for what needs
-- its features as well.
function M.score(o, each)
  return tensor.no_grad(function()
    local kept, rows, of_layer = o.kept, {}, { r = {}, drawn = {}, p = {}, predicted = {}, fewer = {}, low = {} }
    local missing, trials = assembly.missing(o.responses)
    local y, passes = with_controls(kept.mean, o.shuffle, o.seed), 0
    for _, layer in ipairs(features.collect(o, o.shown, o.word, o.position)) do
      local found = find_layer(o, layer, y, of_layer)
      for _, group in ipairs(o.groups) do rows[#rows + 1] = make_row(o, layer, group, kept, found) end
      passes = math.max(passes, mappings.passes(layer, o.mapping, o.folds))
      if each then each(layer, found) end
    end
    if o.permutations > 0 then correct_rows(o, rows) end
    return scores.make { kind = "predictivity", rows = rows, formula = o.ceiled, by = o.by, shuffles = o.shuffle,
      stimuli = #o.ids, unused = math.max(#o.set - #o.ids, o.more or 0), kept = #kept.index,
      total = #o.responses.neuroid,
      unreliable = kept.unreliable, unknown = kept.unknown, unmeasured = kept.unmeasured,
      sparse = o.weights and sparse_of(of_layer.drawn) or nil, unceiled = o.ceiling.none or nil, missing = missing,
      trials = trials, bottom = not o.ceiling.none and not o.style_name
        and kept.ceiling:eq(0):to "int64":sum():item() or nil,
      silent = kept.silent, constant = kept.constant,
      flat = folds.constant(kept.mean, o.folds), over = o.over_text, permutations = o.permutations,
      correction = o.correction, whole = o.splits.by ~= nil, threshold = o.reliability, passes = passes,
      mapping = mappings.text(o.mapping, o.folds), fewer = #of_layer.fewer > 0 and of_layer.fewer or nil,
      low = #of_layer.low > 0 and of_layer.low or nil,
      splits = tostring(o.splits), ceiling = o.ceiling_text or tostring(o.ceiling), bootstrap = o.bootstrap,
        measure = o.measure,
      style = o.style_name, folds = #o.folds, seed = o.seed, predictions = o.predictions
        and of_layer.predicted or nil,
      responses = o.predictions and kept.mean or nil,
      neuroids = { index = kept.index, reliability = kept.reliability, ceiling = kept.ceiling, r = of_layer.r,
        drawn = o.weights and of_layer.drawn or nil, p = o.permutations > 0 and of_layer.p or nil,
        coordinates = o.responses:at(nil, kept.index).neuroid } }
  end)
end

--- predictivity { model =, layers = "all", features =, stimuli =, responses =, mapping = ridge {}, splits = kfold {
-- 10 }, ceiling = split_half { 10 }, reliability = 0.3, ceiled = "r / c", by =, shuffle = 0, bootstrap = 1000, over
-- = "neuroids", permutations = 0, correction = "holm", input =, batch = 64, seed = }: a score with a row for every
-- layer (and every value of the neuroid coordinate `by`): score.rows[i].layer, area, group, r, low, high (95 %
-- interval), ceiling, ceiled, ceiled_low, ceiled_high, above (how many neuroids lie above their ceiling: nothing is
-- cut off), n, features, shuffled, p, q, label. Intervals resample neuroids; over = "stimuli", "subjects" or a list
-- of them says what else the score shall hold for. permutations give p (that the median is as large where
-- predictions and responses belong to different images of a fold; whole groups change places, and where a fold tests
-- one group its images are shifted around, so that neighbours stay neighbours) and q, corrected for the number of
-- rows; nothing is fitted anew, so p is of these predictions, and somewhat small for a claim about the model: with
-- few images, of data without any relation more than 5 % have p <= 0.05. Neuroids whose responses do not vary are
-- left out by name, missing trials counted (score.missing of score.trials). ceiling = false scores responses without
-- repeats (averages, single trials): no ceiling, ceiled and above, and nobody is left out for low reliability, which
-- nothing is known of. print(score) shows the table and says how it was made; score:results() is for report,
-- score:csv(path) writes the table, score:csv(path, "neuroids") one with a row for every layer and neuroid;
-- score.neuroids holds r, reliability and ceiling of every neuroid kept (score.neuroids.r[layer] is a tensor). style
-- = "brain-score": PLS of 25 components, 10 random divisions (90 % to fit, every object_name in proportion where
-- there is one), Pearson's r, median over neuroids, mean over divisions, error = standard deviation /
-- sqrt(divisions); ceiling: split-half, 10 halves, median; ceiled: r^2 / c, as since January 2026 (ceiled = "(r /
-- c)^2": before); divisions and halves are scikit-learn's with random_state = 1, of the stimuli in the order of the
-- assembly (Brain-Score's average_repetition reorders them by their coordinates: its own averaged assembly, or
-- a:sort, gives its divisions); ceiling = false: the raw score, of averages. splits may also be a list of { train =
-- positions, test = positions } among the stimuli of the responses (lists or tensors, from 1); by, stratify and seed
-- beside them say how the inner folds that choose a penalty are made: { { train =, test = }, ..., by = "movie" }
-- keeps movies whole in these as well, and does not take divisions that tear one apart. Stimuli are matched to
-- responses by stimulus_id. All layers come from one pass over the images, or from a few where they are more than
-- `memory`. Features computed elsewhere need none: predictivity { features = { mine = data.npy "x.npy" }, responses
-- = assembly }; features = activations { ... } are the layers that it holds, matched by stimulus_id.
-- > x = randn { 60, 5 }
-- > trials = neural.noisy { x:matmul(randn { 5, 4 }), noise = "gaussian", repeats = 6 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { layer = x }, responses = a, bootstrap = 100 }
-- > score:find("layer").r > 0.8, score:find("layer").ceiled > 0.9   --> true true
function M.predictivity(given, ...)
  local position = errors.position(2)
  schema.alone("predictivity", "predictivity { model = net, stimuli = set, responses = assembly }", position, ...)
  return M.score(M.prepare(M.check("predictivity", given, FIELDS, position)))
end

return M
