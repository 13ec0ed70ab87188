--- lamina.neural.correspondence: which layer of a model stands for which area of the brain, and how sure that is.
local common = require "lamina.neural.common"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local intervals = require "lamina.neural.intervals"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local scores = require "lamina.neural.score"
local stats = require "lamina.core.stats"

local M = {}

local FIELDS = schema.document("neural.correspondence", {
  positional = { "score" },
  score = { type = "any", required = true, doc = "what predictivity { by = \"region\", ... } returned: a row for "
    .. "every layer and area" },
  areas = { type = "table", doc = "the areas from the periphery on; in the order of the score's rows if absent" },
  confidence = { type = "number", default = 0.95, above = 0, below = 1, doc = "of the intervals that decide ties" },
  ties = { type = "string", default = "simultaneous", choices = { "simultaneous", "pointwise" }, doc = "whether the "
    .. "confidence is that the set of tied layers holds the best one, or of each layer's difference by itself, as if "
    .. "there were no others" },
  bootstrap = { type = "integer", min = 100, doc = "resamples of the neuroids; those of the score if absent" },
  seed = { type = "integer", doc = "of the resamples; the experiment's if absent" },
})

local Correspondence = { __name = "correspondence" }
Correspondence.__index = object.index("a correspondence", Correspondence, "rho")

-- Layers, areas and the positions of each area's neuroids, in the order of the score.
local function parts_of(score)
  local layers, areas, seen = {}, {}, {}
  for _, row in ipairs(score.rows) do
    if not seen[row.layer] then layers[#layers + 1] = row.layer end
    seen[row.layer] = true
    local group = tostring(row.group)
    if not seen["group " .. group] then areas[#areas + 1] = group end
    seen["group " .. group] = true
  end
  local index = {}
  for at, value in ipairs(score.neuroids.coordinates[score.by]) do
    local group = tostring(value)
    index[group] = index[group] or {}
    table.insert(index[group], at)
  end
  return layers, areas, index
end

local function median(t) return stats.quantile(t, { 0.5 }):reshape { -1 } end

-- Means over an area's neuroids for every layer and resample, layers x B: neuroids are drawn anew, and the stimuli as
-- well where the score did so. Resamples in which no neuroid drawn has a value are left out; nil where that leaves
-- fewer than 2.
local function resampled(o, r, layers, index, area)
  local held, n, list = o.score.neuroids, r:size(2), {}
  local columns = stats.bootstrap_indices(n, o.bootstrap, { seed = o.seed, purpose = "correspondence." .. area })
  for k, name in ipairs(layers) do
    local values = held.drawn and held.drawn[name]:index_select(index, { dim = 2 }) or r[k]
    list[k] = intervals.resampled(values, columns, o.bootstrap, intervals.means)
  end
  local means, whole = ops.stack(list, { dim = 1 }), {}
  for b, hole in ipairs(means:isnan():any({ dim = 1 }):totable()) do
    if not hole then whole[#whole + 1] = b end
  end
  if #whole < 2 then return nil end
  return #whole == o.bootstrap and means or means:index_select(common.index(whole), { dim = 2 })
end

-- Which layers are not told from the best one. "simultaneous": a layer is out where some other is better by more than
-- chance allows for the largest of all differences to it, each in units of its standard error over resamples; so the
-- layer that is truly best stays in with the confidence (Hsu 1981, multiple comparisons with the best).
-- "pointwise": 0 is left of the interval of its own difference to the layer that came out best. Of one neuroid, where
-- stimuli are not drawn, no layer is told from another.
local function tied(o, r, best, layers, index, area)
  if #index == 1 and not o.score.neuroids.drawn then return common.count_up(#layers) end -- nothing to resample
  local means = resampled(o, r, layers, index, area)
  if not means then return common.count_up(#layers) end
  local mean, list = r:mean { dim = 2, keepdim = true }, {}
  for k = 1, #layers do
    local drawn = means - means[{ { k, k } }]
    local stays
    if o.ties == "pointwise" then
      stays = stats.quantile(drawn[best], { (1 - o.confidence) / 2 }):item() <= 0
    else
      local difference, error = mean - mean[{ { k, k } }], drawn:std { dim = 2, keepdim = true }
      error = ops.where(ops.gt(error, 0), error, core.full({ 1 }, 1e-300, { dtype = "float64" }))
      local critical = stats.quantile(((drawn - difference) / error):max { dim = 1 }, { o.confidence }):item()
      stays = (difference / error):max():item() <= critical
    end
    if k == best or stays then list[#list + 1] = k end
  end
  return list
end

-- Spearman's rho of two lists: Pearson's of their mean ranks. NaN where one does not vary.
local function spearman(a, b)
  local function ranks(list)
    local made = {}
    for i, v in ipairs(list) do
      local below, same = 0, 0
      for _, w in ipairs(list) do
        if w < v then below = below + 1 elseif w == v then same = same + 1 end
      end
      made[i] = below + (same + 1) / 2
    end
    return made
  end
  local x, y, n = ranks(a), ranks(b), #a
  local xy, xx, yy, mean = 0, 0, 0, (n + 1) / 2
  for i = 1, n do
    xy, xx, yy = xy + (x[i] - mean) * (y[i] - mean), xx + (x[i] - mean) ^ 2, yy + (y[i] - mean) ^ 2
  end
  return xy / math.sqrt(xx * yy)
end

-- The bits of a score's rows together.
local function label_of(score)
  for _, row in ipairs(score.rows) do
    if row.label == "close" then return "close" end
  end
  return "exact"
end

Correspondence.__tostring = function(self)
  local rows = { { "area", "best layer", "place", self.measure, "tied", "tied layers" } }
  for i, row in ipairs(self.rows) do
    rows[i + 1] = { row.area, row.layer, string.format("%d of %d", row.place, #self.layers), string.format("%.3f",
      row.score), tostring(row.width), row.first == row.last and row.first or row.first .. " to " .. row.last }
  end
  local rho = self.rho ~= self.rho and (#self.areas == 1 and "has no value of one area"
    or "has no value, one layer is best for all") or string.format("%.3f", self.rho)
  local alone = {}
  for _, row in ipairs(self.over == "neuroids" and self.rows or {}) do
    if row.n == 1 then alone[#alone + 1] = row.area end
  end
  return string.format("correspondence: %s, %s; best layer by area: Spearman's rho %s\n"
    .. "  %s\n  tied: layers whose mean difference to the best one has a %g %% interval that reaches 0 (bootstrap "
    .. "over %s, %d, seed %d; %s)\n%s%s", common.plural(#self.areas, "area"), common.plural(#self.layers, "layer"),
    rho, scores.data_text(self.of), 100 * self.confidence, self.over, self.bootstrap,
    self.seed, self.ties == "pointwise" and "each by itself" or "all together: the set holds the best layer with "
      .. "this confidence", #alone > 0 and string.format("  one neuroid in %s, of which a bootstrap over neuroids "
      .. "says nothing: all layers stay tied (a score with over = { \"neuroids\", \"stimuli\" } tells more)\n",
      common.some(alone, 8)) or "", common.columns(rows, { true, true, false, false, false, true }))
end

--- correspondence:results(): a list of { metric =, value =, label =, what = } for report, one for each area.
-- > early, late = randn { 60, 2 }, randn { 60, 2 }
-- > a = neural.assembly { { responses = concat({ early, late }, { dim = 2 }), stimulus_id = arange(1, 60),
-- >   neuroid_region = { "V4", "V4", "IT", "IT" } } }
-- > score = predictivity { features = { early = early, late = late }, responses = a, by = "region", ceiling = false }
-- > neural.correspondence(score):results()[1].metric   --> correspondence (V4)
function Correspondence:results()
  local list = {}
  for i, row in ipairs(self.rows) do
    list[i] = { metric = string.format("correspondence (%s)", row.area), value = row.score, label = self.label,
      what = string.format("%s of %s, layer %d of %d, tied with %d (%s to %s, %g %%), n = %d, seed %d", self.measure,
      row.layer, row.place, #self.layers, row.width - 1, row.first, row.last, 100 * self.confidence, row.n,
      self.seed) }
  end
  return list
end

local COLUMNS = { "area", "layer", "place", "layers", "score", "n", "width", "first", "last", "measure", "confidence",
  "ties", "bootstrap", "seed" }

--- correspondence:table(): the rows as a list of lists, the first one the names of the columns.
-- > early, late = randn { 60, 2 }, randn { 60, 2 }
-- > a = neural.assembly { { responses = concat({ early, late }, { dim = 2 }), stimulus_id = arange(1, 60),
-- >   neuroid_region = { "V4", "V4", "IT", "IT" } } }
-- > score = predictivity { features = { early = early, late = late }, responses = a, by = "region", ceiling = false }
-- > neural.correspondence(score):table()[3][2]   --> late
function Correspondence:table()
  return common.tabulate(COLUMNS, self.rows, { layers = #self.layers, measure = self.measure, ties = self.ties,
    confidence = self.confidence, bootstrap = self.bootstrap, seed = self.seed })
end

--- correspondence:csv(path): writes the table as CSV, into the folder of the experiment. Returns the correspondence.
-- > early, late = randn { 60, 2 }, randn { 60, 2 }
-- > a = neural.assembly { { responses = concat({ early, late }, { dim = 2 }), stimulus_id = arange(1, 60),
-- >   neuroid_region = { "V4", "V4", "IT", "IT" } } }
-- > score = predictivity { features = { early = early, late = late }, responses = a, by = "region", ceiling = false }
-- > neural.correspondence(score):csv "areas.csv"
-- > data.csv("areas.csv").layer[1]   --> early
function Correspondence:csv(path)
  common.csv(path, self:table())
  return self
end

local function check(given, position)
  if scores.is_score(given) then given = { given } end
  local o = schema.check("neural.correspondence", given, FIELDS, position)
  if not scores.is_score(o.score) or o.score.kind ~= "predictivity" or not o.score.by then
    errors.raise("argument", position, "neural.correspondence: expected the score of predictivity { by = "
      .. "\"region\", ... }, with the neuroids' coordinate that names their area")
  end
  o.seed = o.seed or core.seed()
  if o.score.neuroids.drawn and o.bootstrap and o.bootstrap ~= o.score.bootstrap then
    errors.raise("argument", position, "neural.correspondence: bootstrap = %d, but the score drew its stimuli %d "
      .. "times: leave it out", o.bootstrap, o.score.bootstrap)
  end
  o.bootstrap = o.bootstrap or o.score.bootstrap
  return o
end

--- neural.correspondence(score), neural.correspondence { score, areas = { "V1", "V2", "V4", "IT" }, confidence =
-- 0.95, ties = "simultaneous", bootstrap =, seed = }: which layer of a model predicts which area best, from
-- predictivity { by = "region", ... }. c.matrix is areas x layers (medians over neuroids); c.rows[i] has area,
-- layer, place (of the best layer, from 1), score, tied (the places of all layers that the data do not tell from
-- the best one), width (how many) and first and last of them; c.rho is Spearman's rho of the best layer's place
-- with the area's: 1 where the layers follow the areas, NaN where one layer is best for all; c.width the mean
-- width. Ties are told by a bootstrap over neuroids, and over stimuli as well where the score is of predictivity {
-- over = { "neuroids", "stimuli" } }. A width of many layers says that the model has no single one that corresponds
-- to the area.
-- > early, late = randn { 60, 2 }, randn { 60, 2 }
-- > a = neural.assembly { { responses = concat({ early, late }, { dim = 2 }), stimulus_id = arange(1, 60),
-- >   neuroid_region = { "V4", "V4", "IT", "IT" } } }
-- > features = { early = early, late = late }
-- > score = predictivity { features = features, responses = a, by = "region", ceiling = false }
-- > neural.correspondence({ score, areas = { "V4", "IT" } }).rows[2].layer   --> late
function M.correspondence(given, ...)
  local position = errors.position(2)
  schema.alone("neural.correspondence", "neural.correspondence { score, areas = { \"V1\", \"IT\" } }", position, ...)
  local o = check(given, position)
  local layers, areas, index = parts_of(o.score)
  local rows, medians, places, total, named = {}, {}, {}, 0, {}
  if o.areas and #o.areas == 0 then
    errors.raise("argument", position, "neural.correspondence: option 'areas' is an empty list, expected values of "
      .. "%s (there are %s)", o.score.by, common.some(areas, 8))
  end
  for i, area in ipairs(o.areas or areas) do
    if not index[area] then
      local near = errors.hint(tostring(area), common.texts(areas))
      errors.raise("argument", position, "neural.correspondence: option 'areas' names '%s', and no neuroid kept has "
        .. "%s = '%s'%s", tostring(area), o.score.by, tostring(area), near ~= "" and near or " (there are "
        .. common.some(areas, 8) .. ")")
    end
    if named[area] then
      errors.raise("argument", position, "neural.correspondence: option 'areas' names '%s' twice, as %d and as %d",
        tostring(area), named[area], i)
    end
    named[area] = i
    local each = {}
    for k, name in ipairs(layers) do
      each[k] = o.score.neuroids.r[name]:index_select(common.index(index[area]), { dim = 1 })
    end
    local r = ops.stack(each, { dim = 1 })
    medians[i] = median(r)
    local best = ops.argmax(medians[i], { dim = 1 }):item()
    local list = tied(o, r, best, layers, common.index(index[area]), area)
    rows[i] = { area = area, layer = layers[best], place = best, score = medians[i][best], n = #index[area],
      tied = list, width = #list, first = layers[list[1]], last = layers[list[#list]] }
    places[i], total = best, total + #list
  end
  local order = common.count_up(#rows)
  return setmetatable({ areas = o.areas or areas, layers = layers, matrix = ops.stack(medians, { dim = 1 }),
    rows = rows, rho = spearman(order, places), width = total / #rows, measure = o.score.measure or "r",
    confidence = o.confidence, ties = o.ties, bootstrap = o.bootstrap, seed = o.seed,
    of = o.score, label = label_of(o.score), over = o.score.neuroids.drawn and "neuroids and stimuli" or "neuroids" },
    Correspondence)
end

return M
