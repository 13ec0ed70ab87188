--- lamina.neural.correspondence: which layer of a model stands for which area of the brain, and how sure that is.
local common = require "lamina.neural.common"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
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
  bootstrap = { type = "integer", default = 1000, min = 100, doc = "resamples of the neuroids" },
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

-- Which layers are not told from the best one: those whose mean difference to it over resampled neuroids has an
-- interval that reaches 0.
local function tied(o, r, best, area)
  local layers, n = r:size(1), r:size(2)
  local difference = ops.index_select(r, common.index { best }, { dim = 1 }) - r
  local draws = core.draw { kind = "int", shape = { o.bootstrap * n }, low = 1, high = n, seed = o.seed,
    purpose = "correspondence." .. area }
  local list, low = {}, (1 - o.confidence) / 2
  for i = 1, layers do
    local means = difference[i]:index_select(draws, { dim = 1 }):reshape({ o.bootstrap, n }):mean { dim = 2 }
    if i == best or stats.quantile(means, { low }):item() <= 0 then list[#list + 1] = i end
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

Correspondence.__tostring = function(self)
  local rows = { { "area", "best layer", "place", self.measure, "tied", "tied layers" } }
  for i, row in ipairs(self.rows) do
    rows[i + 1] = { row.area, row.layer, string.format("%d of %d", row.place, #self.layers), string.format("%.3f",
      row.score), tostring(row.width), row.first == row.last and row.first or row.first .. " to " .. row.last }
  end
  return string.format("correspondence: %d areas, %d layers; best layer by area: Spearman's rho %.3f\n"
    .. "  tied: layers whose mean difference to the best one, over neuroids, has a %g %% interval (bootstrap, %d) "
    .. "that reaches 0\n%s", #self.areas, #self.layers, self.rho, 100 * self.confidence, self.bootstrap,
    common.columns(rows, { true, true, false, false, false, true }))
end

local function check(given, position)
  if scores.is_score(given) then given = { given } end
  local o = schema.check("neural.correspondence", given, FIELDS, position)
  if not scores.is_score(o.score) or o.score.kind ~= "predictivity" or not o.score.by then
    errors.raise("argument", position, "neural.correspondence: expected the score of predictivity { by = "
      .. "\"region\", ... }, with the neuroids' coordinate that names their area")
  end
  o.seed = o.seed or core.seed()
  return o
end

--- neural.correspondence(score), neural.correspondence { score, areas = { "V1", "V2", "V4", "IT" }, confidence =
-- 0.95, bootstrap = 1000, seed = }: which layer of a model predicts which area best, from predictivity { by =
-- "region", ... }. c.matrix is areas x layers (medians over neuroids); c.rows[i] has area, layer, place (of the best
-- layer, from 1), score, tied (the places of all layers that the data do not tell from the best one), width (how
-- many) and first and last of them; c.rho is Spearman's rho of the best layer's place with the area's: 1 where the
-- layers follow the areas, NaN where one layer is best for all; c.width the mean width. A width of many layers says
-- that the model has no single one that corresponds to the area.
function M.correspondence(given, ...)
  local position = errors.position(2)
  schema.alone("neural.correspondence", "neural.correspondence { score, areas = { \"V1\", \"IT\" } }", position, ...)
  local o = check(given, position)
  local layers, areas, index = parts_of(o.score)
  local rows, medians, places, total = {}, {}, {}, 0
  for i, area in ipairs(o.areas or areas) do
    if not index[area] then
      errors.raise("argument", position, "neural.correspondence: no neuroid kept has %s = '%s' (there are %s)",
        o.score.by, tostring(area), table.concat(areas, ", "))
    end
    local each = {}
    for k, name in ipairs(layers) do
      each[k] = o.score.neuroids.r[name]:index_select(common.index(index[area]), { dim = 1 })
    end
    local r = ops.stack(each, { dim = 1 })
    medians[i] = median(r)
    local best = ops.argmax(medians[i], { dim = 1 }):item()
    local list = tied(o, r, best, area)
    rows[i] = { area = area, layer = layers[best], place = best, score = medians[i][best], n = #index[area],
      tied = list, width = #list, first = layers[list[1]], last = layers[list[#list]] }
    places[i], total = best, total + #list
  end
  local order = common.count_up(#rows)
  return setmetatable({ areas = o.areas or areas, layers = layers, matrix = ops.stack(medians, { dim = 1 }),
    rows = rows, rho = spearman(order, places), width = total / #rows, measure = o.score.measure or "r",
    confidence = o.confidence, bootstrap = o.bootstrap }, Correspondence)
end

return M
