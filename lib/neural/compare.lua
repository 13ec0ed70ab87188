--- lamina.neural.compare: which of several models predicts better, tested in pairs over the same neuroids.
--
-- For every pair the difference of the two scores is taken neuroid by neuroid and averaged. Over neuroids (or
-- subjects, each by the mean of its neuroids) the test flips the signs of these differences at random: where
-- neither model is better, each sign is as likely (all flips where they are no more than the permutations, else
-- random ones; two-sided). Over stimuli it is the bootstrap of predictivity { over = "stimuli" }, whose resamples
-- are the same for every score of the same stimuli, splits and seed: p is twice the share of resamples on the other
-- side of 0.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local intervals = require "lamina.neural.intervals"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local scores = require "lamina.neural.score"
local significance = require "lamina.significance"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = {
  over = { type = { "string", "table" }, doc = "what is resampled and permuted: \"neuroids\" (if absent), "
    .. "\"subjects\", "
    .. "\"stimuli\" or a list of these" },
  subject = { type = "string", default = "subject", doc = "the coordinate that names a neuroid's subject" },
  group = { type = "any", doc = "only the neuroids whose value of the scores' `by` this is" },
  of = { type = "string", default = "measure", choices = { "measure", "ceiled" }, doc = "what is compared: the "
    .. "measure "
    .. "itself, or in relation to the ceiling by the scores' formula" },
  permutations = { type = "integer", default = 10000, min = 100, max = 1000000, doc = "sign flips" },
  bootstrap = { type = "integer", doc = "resamples for the intervals; those of the scores if absent" },
  correction = { type = "string", default = "holm", choices = significance.methods, doc = "of the p-values for the "
    .. "number of pairs (q), as in fdr" },
  seed = { type = "integer", doc = "of flips and resamples; the scores' if absent" },
}
schema.document("neural.compare", FIELDS)

local Comparison = { __name = "comparison" }
Comparison.__index = object.index("a comparison", Comparison)

local function p_text(p) return p < 0.001 and "< 0.001" or string.format("%.3f", p) end

Comparison.__tostring = function(self)
  local rows = { { "first", "second", "difference", "95 % CI", "p", "q" } }
  for i, row in ipairs(self.rows) do
    rows[i + 1] = { row.first, row.second, string.format("%.4f", row.difference),
      common.interval_text(row.low, row.high, 4), p_text(row.p), p_text(row.q) }
  end
  return string.format("comparison: %s of %s, paired over %s (first - second, mean over neuroids)\n  interval: "
    .. "bootstrap over %s (%d, seed %d)%s; p: %s, two-sided; q: corrected for %s (%s)\n%s", self.what,
    common.plural(#self.names, "model"), common.plural(self.n, "neuroid"), self.over, self.bootstrap, self.seed,
    self.n == 1 and self.rows[1].low ~= self.rows[1].low and ", of which there is none of one neuroid" or "",
    self.test,
    common.plural(#self.rows, "pair"), significance.says[self.correction], common.columns(rows, { true, true }))
end

--- comparison:find(first, second): the row of a pair, in either order; nil where there is none.
-- > good, bad = randn { 60, 5 }, randn { 60, 5 }
-- > a = neural.assembly { { responses = good:matmul(randn { 5, 8 }), stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { { "good", good }, { "bad", bad } }, responses = a, ceiling = false }
-- > neural.compare({ score }):find("good", "bad").difference > 0   --> true
function Comparison:find(first, second)
  for _, row in ipairs(self.rows) do
    if row.first == first and row.second == second or row.first == second and row.second == first then return row end
  end
end

--- comparison:results(): a list of { metric =, value =, label =, what = } for report, one for each pair.
-- > good, bad = randn { 60, 5 }, randn { 60, 5 }
-- > a = neural.assembly { { responses = good:matmul(randn { 5, 8 }), stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { { "good", good }, { "bad", bad } }, responses = a, ceiling = false }
-- > neural.compare({ score }):results()[1].metric   --> difference (good - bad)
function Comparison:results()
  local list = {}
  for i, row in ipairs(self.rows) do
    list[i] = { metric = string.format("difference (%s - %s)", row.first, row.second), value = row.difference,
      label = self.label, what = string.format("%s, 95 %% CI %s (over %s), n = %d, p = %.4g, q = %.4g",
      self.what, common.interval_text(row.low, row.high, 4), self.over, self.n, row.p, row.q) }
  end
  return list
end

local COLUMNS = { "first", "second", "difference", "low", "high", "p", "q", "n", "over", "bootstrap", "seed" }

--- comparison:table(): the pairs as a list of lists, the first one the names of the columns.
-- > good, bad = randn { 60, 5 }, randn { 60, 5 }
-- > a = neural.assembly { { responses = good:matmul(randn { 5, 8 }), stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { { "good", good }, { "bad", bad } }, responses = a, ceiling = false }
-- > neural.compare({ score }):table()[2][1]   --> good
function Comparison:table()
  return common.tabulate(COLUMNS, self.rows, { n = self.n, over = self.over, bootstrap = self.bootstrap,
    seed = self.seed })
end

--- comparison:csv(path): writes the table as CSV, into the folder of the experiment. Returns the comparison.
-- > good, bad = randn { 60, 5 }, randn { 60, 5 }
-- > a = neural.assembly { { responses = good:matmul(randn { 5, 8 }), stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { { "good", good }, { "bad", bad } }, responses = a, ceiling = false }
-- > neural.compare({ score }):csv "pairs.csv"
-- > data.csv("pairs.csv").second[1]   --> bad
function Comparison:csv(path)
  common.csv(path, self:table())
  return self
end

-- ---- what is compared ------------------------------------------------------------------------------------------

-- Adds the layers of a score that are asked for, each under a name of its own.
local function add(list, name, score, layer, position)
  local layers, seen = {}, {}
  for _, row in ipairs(score.rows) do
    if not seen[row.layer] then layers[#layers + 1] = row.layer end
    seen[row.layer] = true
  end
  if layer and not seen[layer] then
    errors.raise("argument", position, "neural.compare: option 'layer' is '%s', which is no layer of the score %s",
      tostring(layer), errors.nearest(tostring(layer), layers) and errors.hint(tostring(layer), layers):sub(2)
      or "(there are " .. common.some(layers, 8) .. ")")
  end
  for _, one in ipairs(layer and { layer } or layers) do
    list[#list + 1] = { score = score, layer = one,
      name = name and (#layers > 1 and not layer and name .. " " .. one or name) or one }
  end
end

local function read(given, position)
  local list, options = {}, {}
  if scores.is_score(given) then given = { given } end
  for key, value in pairs(given) do
    if math.type(key) == nil then options[key] = value end
  end
  for _, entry in ipairs(given) do
    if scores.is_score(entry) then
      add(list, nil, entry, nil, position)
    elseif type(entry) == "table" and scores.is_score(entry[2]) then
      add(list, tostring(entry[1]), entry[2], entry.layer, position)
    elseif type(entry) == "table" and scores.is_score(entry[1]) then
      add(list, nil, entry[1], entry.layer, position)
    else
      errors.raise("argument", position, "neural.compare: expected scores of predictivity, or { \"name\", score, "
        .. "layer = \"IT\" }; an entry is %s", schema.kind(entry))
    end
  end
  local o = schema.check("neural.compare", options, FIELDS, position)
  if #list < 2 then
    errors.raise("argument", position, "neural.compare: there is %d to compare, expected at least 2 (scores, or "
      .. "one of "
      .. "several layers)", #list)
  end
  return o, list
end

-- Raises where two scores do not belong together, and says in what they differ.
local function check_alike(o, list, position)
  local first, names = list[1].score, {}
  for _, entry in ipairs(list) do
    local other = entry.score
    if other.kind ~= "predictivity" then
      errors.raise("argument", position, "neural.compare: '%s' is a score of %s, expected predictivity", entry.name,
        other.kind)
    end
    if names[entry.name] then
      errors.raise("argument", position, "neural.compare: two entries are called '%s': name them, { \"name\", "
        .. "score }",
        entry.name)
    end
    names[entry.name] = true
    if o.of == "ceiled" and other.unceiled then
      errors.raise("argument", position, "neural.compare: of = \"ceiled\", but '%s' was scored with ceiling = false: "
        .. "leave `of` out to compare the measure itself", entry.name)
    end
    for _, field in ipairs { "measure", "formula", "splits", "total", "stimuli" } do
      if first[field] ~= other[field] then
        errors.raise("argument", position, "neural.compare: '%s' and '%s' differ in %s (%s; %s): models are "
          .. "compared on "
          .. "the same stimuli, neuroids and splits", list[1].name, entry.name, field, tostring(first[field]),
          tostring(other[field]))
      end
    end
    if table.concat(first.neuroids.index, ",") ~= table.concat(other.neuroids.index, ",") then
      errors.raise("argument", position, "neural.compare: '%s' and '%s' kept different neuroids (%d and %d): give "
        .. "both "
        .. "the same responses, ceiling and reliability", list[1].name, entry.name, #first.neuroids.index,
        #other.neuroids.index)
    end
    if o.over_set.stimuli and not other.neuroids.drawn then
      errors.raise("argument", position, "neural.compare: over stimuli needs scores made with predictivity { over = "
        .. "\"stimuli\", ... } (or a list with it): '%s' was not", entry.name)
    end
    if o.over_set.stimuli and (other.seed ~= first.seed or other.bootstrap ~= first.bootstrap) then
      errors.raise("argument", position, "neural.compare: '%s' and '%s' have different seeds or resamples: their "
        .. "stimuli were not drawn alike", list[1].name, entry.name)
    end
  end
end

-- The positions of the neuroids to compare, among those kept.
local function positions_of(o, score, position)
  local list = {}
  for i = 1, #score.neuroids.index do
    if o.group == nil or score.by and score.neuroids.coordinates[score.by][i] == o.group then list[#list + 1] = i end
  end
  if #list == 0 then
    errors.raise("argument", position, "neural.compare: no neuroid has %s = '%s'", score.by or "a coordinate `by` "
      .. "that",
      tostring(o.group))
  end
  return list
end

-- ---- tests -----------------------------------------------------------------------------------------------------

-- Signs, flips x n: all of them where there are no more than asked for, the first being none flipped.
local function signs(o, n)
  if n < 40 and 2 ^ n <= o.permutations then
    local rows = {}
    for k = 0, (1 << n) - 1 do
      rows[k + 1] = {}
      for i = 1, n do rows[k + 1][i] = (k >> (i - 1)) & 1 == 0 and 1 or -1 end
    end
    return tensor.tensor(rows, { dtype = "float64" }), true
  end
  return tensor.draw { kind = "int", shape = { o.permutations, n }, low = 0, high = 1, seed = o.seed,
    purpose = "neural.compare.signs" }:to "float64" * 2 - 1, false
end

-- Means over the members of each unit (a neuroid each, or the neuroids of a subject).
local function unit_means(d, members)
  if not members then return d end
  local list = {}
  for s, own in ipairs(members) do list[s] = d:index_select(common.index(own), { dim = 1 }):mean() end
  return ops.stack(list, { dim = 1 })
end

-- NaN where there is no difference to test.
local function flip_test(d, flips, all)
  if d:isnan():any():item() then return 0 / 0 end
  local value, null = d:mean():abs():item(), (flips:matmul(d:reshape { -1, 1 }) / #d):abs()
  local reached = null:ge(value * (1 - 1e-12)):to "int64":sum():item()
  return all and reached / #null or (1 + reached) / (1 + #null)
end

-- Of the resamples that have a value.
local function bootstrap_p(t)
  local n = t:isnan():logical_not():to "int64":sum():item()
  if n == 0 then return 0 / 0 end
  local below, above = t:le(0):to "int64":sum():item(), t:ge(0):to "int64":sum():item()
  return math.min(1, 2 * (1 + math.min(below, above)) / (1 + n))
end

local function value_of(o, entry, name, index)
  local held, dim = entry.score.neuroids, name == "drawn" and 2 or 1
  local t = held[name][entry.layer]:index_select(index, { dim = dim })
  if o.of == "measure" then return t end
  return scores.relate(entry.score.formula, t, held.ceiling:index_select(index, { dim = 1 }))
end

-- What is divided by a ceiling of 0 has no difference from anything.
local function check_ceilings(o, score, positions, position)
  if o.of ~= "ceiled" or not scores.related(score) then return end
  local bottom, ceiling = {}, score.neuroids.ceiling:totable()
  local ids = rawget(score.neuroids.coordinates, "neuroid_id")
  for _, i in ipairs(positions) do
    if ceiling[i] <= 0 then
      local at = score.neuroids.index[i]
      bottom[#bottom + 1] = ids and string.format("%d (%s)", at, tostring(ids[i])) or at
    end
  end
  if #bottom > 0 then
    errors.raise("numeric", position, "neural.compare: of = \"ceiled\": %d of %s have a reliability of 0 or less, "
      .. "and with it a ceiling of 0, by which nothing can be divided: neuroid%s %s. Score with a reliability "
      .. "above 0, which leaves them out, or compare the measure itself", #bottom,
      common.plural(#positions, "neuroid"), #bottom == 1 and "" or "s", common.some(bottom))
  end
end

-- Everything that the pairs share: how neuroids are drawn, how signs are flipped.
local function prepare(o, list, position)
  local score = list[1].score
  local positions = positions_of(o, score, position)
  local members
  if o.over_set.subjects then
    local subjects = rawget(score.neuroids.coordinates, o.subject)
    if not subjects then
      errors.raise("argument", position, "neural.compare: the neuroids have no coordinate '%s' that names their "
        .. "subject "
        .. "(subject = \"NAME\" takes another)", o.subject)
    end
    members = common.by_value(common.pick(subjects, positions))
    if #members < 2 then
      errors.raise("argument", position, "neural.compare: all neuroids are of one %s, and one cannot be resampled",
        o.subject)
    end
  end
  check_ceilings(o, score, positions, position)
  local shared = { index = common.index(positions), n = #positions, members = members,
    columns = intervals.columns(o, #positions, members, "neural.compare") }
  if not o.over_set.stimuli then
    shared.flips, shared.all = signs(o, members and #members or #positions)
  end
  return shared
end

local function pair(o, a, b, shared)
  local d = value_of(o, a, "r", shared.index) - value_of(o, b, "r", shared.index)
  local drawn = o.over_set.stimuli and value_of(o, a, "drawn", shared.index) - value_of(o, b, "drawn", shared.index)
  local means = intervals.resampled(drawn or d, shared.columns, o.bootstrap, intervals.means)
  local low, high = intervals.interval(means, intervals.alone(o, shared.n))
  return { first = a.name, second = b.name, difference = d:mean():item(), low = low, high = high,
    p = shared.flips and flip_test(unit_means(d, shared.members), shared.flips, shared.all) or bootstrap_p(means) }
end

--- neural.compare { a, b, ... , over =, of = "measure", group =, permutations = 10000, correction = "holm", seed = },
-- neural.compare { { "name", score, layer = "IT" }, ... }: which model predicts the same neuroids better. Takes
-- scores of predictivity on the same responses and splits; every layer of a score is an entry unless `layer` says
-- which. A comparison: c.rows[i] has first, second, difference (of the measure, or with of = "ceiled" in relation
-- to the ceiling; mean over neuroids, first - second), low, high (95 %, bootstrap), p and q (corrected for the
-- number of pairs). over = "neuroids" (sign flips) generalises to other neuroids of these subjects, "subjects" to
-- other subjects, "stimuli" to other stimuli; that needs scores made with predictivity { over = "stimuli" }. A
-- layer that was chosen for its score on the same data (the best one) makes the test too hopeful: choose it by
-- neural.commitment.
-- > good, bad = randn { 60, 5 }, randn { 60, 5 }
-- > a = neural.assembly { { responses = good:matmul(randn { 5, 8 }), stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { { "good", good }, { "bad", bad } }, responses = a, ceiling = false }
-- > neural.compare({ score }).rows[1].p < 0.05   --> true
function M.compare(given, ...)
  local position = errors.position(2)
  schema.alone("neural.compare", "neural.compare { a, b }", position, ...)
  if type(given) ~= "table" then
    errors.raise("argument", position, "neural.compare: expected a list of scores, got %s", schema.kind(given))
  end
  local o, list = read(given, position)
  local first = list[1].score
  o.seed, o.bootstrap = o.seed or first.seed, o.bootstrap or first.bootstrap
  o.over_set, o.over_text = intervals.over(o.over or { "neuroids" }, "neural.compare", position)
  check_alike(o, list, position)
  if o.over_set.stimuli then o.bootstrap = first.bootstrap end
  return tensor.no_grad(function()
    local shared, rows, p, names, close = prepare(o, list, position), {}, {}, {}, false
    for i, a in ipairs(list) do
      names[i] = a.name
      close = close or a.score.neuroids.r[a.layer].close
      for k = i + 1, #list do
        rows[#rows + 1] = pair(o, a, list[k], shared)
        p[#p + 1] = rows[#rows].p
      end
    end
    local q = select(2, significance.fdr { p = p, method = o.correction })
    for i, row in ipairs(rows) do row.q = q[i] end
    local units = shared.members and "subjects" or "neuroids"
    local test = not shared.flips and "bootstrap" or shared.all and string.format("all %d sign flips of %s",
      #shared.flips, units) or string.format("%d random sign flips of %s", o.permutations, units)
    return setmetatable({ kind = "comparison", rows = rows, names = names, n = shared.n, over = o.over_text,
      bootstrap = o.bootstrap,
      seed = o.seed, correction = o.correction, test = test, label = close and "close" or "exact",
      what = o.of == "measure" and first.measure or first.formula }, Comparison)
  end)
end

return M
