--- lamina.neural.criteria: is a model a model of an area hierarchy? The three criteria of Yamins & DiCarlo (2016),
-- each with its evidence: stimulus-computable, mappable, predictive.
local assemblies = require "lamina.neural.assembly"
local ceilings = require "lamina.neural.ceiling"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local mappings = require "lamina.neural.mapping"
local models = require "lamina.model"
local object = require "lamina.object"
local predictivity = require "lamina.neural.predictivity"
local schema = require "lamina.schema"
local scores = require "lamina.neural.score"
local splits = require "lamina.neural.splits"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = {
  model = { type = "any", required = true, doc = "a model, or a list of { \"name\", function of images } from "
    .. "the input "
    .. "on, for what is no network" },
  domain = { type = "any", required = true, doc = "images of the domain, a stimulus set: those that are shown, "
    .. "and what "
    .. "unseen ones are made from" },
  areas = { type = "table", required = true, doc = "the areas of the brain from the periphery on, each with its "
    .. "layers: "
    .. "{ { \"V1\", layers = { \"V1\" } }, { \"IT\", layers = { \"IT\" } } }" },
  data = { type = "table", required = true, doc = "an assembly for every area, by name, with ids of the domain's "
    .. "images" },
  input = { type = "function", doc = "what the model is shown, from images of any size; if absent, they are "
    .. "resized to "
    .. "the domain's size" },
  images = { type = "integer", default = 1000, min = 10, doc = "how many arbitrary images the first criterion "
    .. "shows" },
  least = { type = "number", default = 0.5, doc = "the noise-corrected explained variance (median over neuroids) "
    .. "that "
    .. "the third criterion asks for in every area" },
  mapping = { type = "any", doc = "ridge {} if absent" },
  splits = { type = "any", doc = "kfold { 5 } if absent" },
  ceiling = { type = "any", doc = "split_half { 10 } if absent; false: none, for data without repeats, of which "
    .. "`least` is then asked of the explained variance itself" },
  reliability = { type = "number", default = 0.3, min = -1, max = 1, doc = "neuroids below this are left out" },
  batch = { type = "integer", default = 64, min = 1, doc = "images at a time" },
  seed = { type = "integer", doc = "of the arbitrary images, the bootstrap and the splits; the experiment's if "
    .. "absent" },
}
schema.document("criteria", FIELDS)

local Criteria = { __name = "criteria" }
Criteria.__index = object.index("criteria", Criteria)

local function verdict(pass) return pass and "passes" or "FAILS" end

Criteria.__tostring = function(self)
  local lines = {
    string.format("computable: %s: %s", verdict(self.computable.pass), self.computable.text),
    string.format("mappable: %s: %s", verdict(self.mappable.pass), self.mappable.text),
    string.format("predictive: %s: %s", verdict(self.predictive.pass), self.predictive.text),
  }
  local rows = { { "  area", "best layer", "n", self.predictive.measure, "95 % CI",
    "neuroids above " .. self.least } }
  for _, row in ipairs(self.predictive.areas) do
    rows[#rows + 1] = { "  " .. row.area, row.layer, tostring(row.n), string.format("%.3f", row.ev),
      common.interval_text(row.low, row.high), string.format("%.0f %%", 100 * row.above) }
  end
  if #rows > 1 then
    lines[#lines + 1] = common.columns(rows, { true, true })
    table.move(self.predictive.notes, 1, #self.predictive.notes, #lines + 1, lines)
  end
  return table.concat(lines, "\n")
end

--- c:results(): a list of { metric =, value =, label =, what = } for report: each criterion (1 where it passes, else
-- 0), and for each area its explained variance.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > set = stimuli.gratings { size = 8, orientation = arange(0, 171, 9), frequency = { 1, 2 } }
-- > c = criteria { model = net, domain = set, areas = { { "V1", layers = { "V1" } } }, images = 20,
-- >   data = { V1 = neural.simulate { set, simple = 4, repeats = 4 } } }
-- > c:results()[1].metric, c:results()[1].value, c:results()[4].metric   --> computable 1 predictive (V1)
function Criteria:results()
  local list = {}
  for i, name in ipairs { "computable", "mappable", "predictive" } do
    list[i] = { metric = name, value = self[name].pass and 1 or 0, what = self[name].text }
  end
  for _, row in ipairs(self.predictive.areas) do
    list[#list + 1] = { metric = string.format("predictive (%s)", row.area), value = row.ev,
      label = row.score.rows[1].label, what = string.format("%s of %s, 95 %% CI %s, n = %d%s, seed %d",
      self.predictive.measure, row.layer, common.interval_text(row.low, row.high), row.n,
      row.selected and ", selected" or "", row.score.seed) }
  end
  return list
end

local COLUMNS = { "area", "layer", "ev", "low", "high", "n", "above", "selected", "least", "measure" }

--- c:table(): the areas as a list of lists, the first one the names of the columns; above: the part of the neuroids
-- whose explained variance is at least `least`.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > set = stimuli.gratings { size = 8, orientation = arange(0, 171, 9), frequency = { 1, 2 } }
-- > c = criteria { model = net, domain = set, areas = { { "V1", layers = { "V1" } } }, images = 20,
-- >   data = { V1 = neural.simulate { set, simple = 4, repeats = 4 } } }
-- > c:table()[1][3], c:table()[2][2]   --> ev V1
function Criteria:table()
  return common.tabulate(COLUMNS, self.predictive.areas, { selected = false, least = self.least,
    measure = self.predictive.measure })
end

--- c:csv(path): writes the table as CSV, into the folder of the experiment. Returns the criteria.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > set = stimuli.gratings { size = 8, orientation = arange(0, 171, 9), frequency = { 1, 2 } }
-- > c = criteria { model = net, domain = set, areas = { { "V1", layers = { "V1" } } }, images = 20,
-- >   data = { V1 = neural.simulate { set, simple = 4, repeats = 4 } } }
-- > c:csv "areas.csv"
-- > data.csv("areas.csv").area[1]   --> V1
function Criteria:csv(path)
  common.csv(path, self:table())
  return self
end

-- ---- 1: computable ---------------------------------------------------------------------------------------------

-- Batches of arbitrary images: of the domain, at sizes that were not shown, noise, and plain ones.
local function arbitrary(o)
  local x, size = o.set.x, o.set.x:size(-1)
  local share = math.max(1, o.images // 5)
  local kinds = {}
  local order = common.permutation(#x, o.seed, "criteria.domain")
  local function some(n, first)
    local list = {}
    for i = 1, n do list[i] = order[(first + i - 2) % #x + 1] end
    return x:index_select(common.index(list), { dim = 1 })
  end
  local shape = { share, x:size(2), x:size(3), x:size(4) }
  local smaller, larger = math.max(1, (3 * size) // 4), (3 * size) // 2
  kinds[1] = { "images of the domain", some(share, 1) }
  kinds[2] = { string.format("of %d pixels", smaller), stimuli.resize(some(share, share + 1), smaller) }
  kinds[3] = { string.format("of %d pixels", larger), stimuli.resize(some(share, 2 * share + 1), larger, "bilinear") }
  kinds[4] = { "uniform noise", tensor.draw { kind = "uniform", shape = shape, seed = o.seed,
    purpose = "criteria.noise", low = 0, high = 1 } }
  local rest = o.images - 4 * share
  local levels = tensor.linspace(0, 1, rest):reshape { rest, 1, 1, 1 }
  kinds[5] = { "plain grey", levels:expand { rest, shape[2], shape[3], shape[4] }:contiguous() }
  return kinds
end

-- The layers' outputs for a batch, as { name, tensor }.
local function outputs(o, x)
  local list = {}
  x = o.input(x)
  if not o.net then
    for i, entry in ipairs(o.model) do list[i] = { entry[1], entry[2](x) } end
    return list
  end
  local names = {}
  for i, node in ipairs(o.net:layers()) do names[i] = node.name end
  local found = o.net:activations(x, names)
  for _, name in ipairs(names) do list[#list + 1] = found[name] and { name, found[name] } or nil end
  return list
end

-- What is wrong with a batch's outputs, or nil.
local function fault(o, x)
  local first, e = errors.try(outputs, o, x)
  if e then
    local text = tostring(e)
    return "an error: " .. (text:match "^[^\n]*" or text)
  end
  local second = outputs(o, x)
  for i, entry in ipairs(first) do
    local name, y = entry[1], entry[2]
    if not tensor.is_tensor(y) or y.ndim < 1 or #y ~= #x then return name .. " does not answer every image" end
    if not y:isfinite():all():item() then return name .. " gives NaN or infinite values" end
    if not y:equal(second[i][2]) then return name .. " answers the same images differently" end
  end
end

local function computable(o)
  local total, answered, faults = 0, 0, {}
  for _, kind in ipairs(arbitrary(o)) do
    local wrong
    for first = 1, #kind[2], o.batch do
      local last = math.min(first + o.batch - 1, #kind[2])
      local found = fault(o, kind[2][{ { first, last } }])
      total = total + last - first + 1
      if not found then answered = answered + last - first + 1 end
      wrong = wrong or found
    end
    if wrong then faults[#faults + 1] = kind[1] .. ": " .. wrong end
  end
  local text = string.format("finite, repeatable answers to %d of %d arbitrary images", answered, total)
  if #faults > 0 then text = text .. " (" .. table.concat(faults, "; ") .. ")" end
  return { pass = answered == total, answered = answered, images = total, faults = faults, text = text }
end

-- ---- 2: mappable -----------------------------------------------------------------------------------------------

-- Where each name of a layer, a word of layers ("V1.residual1") or an area lies in the model: its first place and its
-- last.
local function places_of(o)
  local first, last, names = {}, {}, {}
  local list = o.net and o.net:layers() or {}
  if not o.net then
    for i, entry in ipairs(o.model) do list[i] = { name = entry[1], area = entry[1] } end
  end
  for i, node in ipairs(list) do
    local own = { node.area, node.name }
    for dot in node.name:gmatch "()%." do own[#own + 1] = node.name:sub(1, dot - 1) end
    for _, name in ipairs(own) do
      if not first[name] then first[name], names[#names + 1] = i, name end
      last[name] = i
    end
  end
  return first, last, names
end

local function mappable(o)
  local first, last, names = places_of(o)
  local faults, owner, before, before_name = {}, {}, 0, nil
  for _, area in ipairs(o.areas) do
    local low, high = math.huge, 0
    for _, given in ipairs(area.layers) do
      local layer = o.net and tostring(given):gsub("@%d+$", "") or given -- V1@3 lies where V1 does
      if not first[layer] then
        local near = errors.hint(layer, names)
        faults[#faults + 1] = string.format("%s is mapped to '%s', which is no layer or area of the model%s", area[1],
          tostring(given), near ~= "" and near or " (there are " .. common.some(names, 8) .. ")")
      else
        for at = first[layer], last[layer] do
          if owner[at] and owner[at] ~= area[1] then
            faults[#faults + 1] = string.format("%s and %s share %s", owner[at], area[1], layer)
            break
          end
          owner[at] = area[1]
        end
        low, high = math.min(low, first[layer]), math.max(high, last[layer])
      end
    end
    if #area.layers == 0 then
      faults[#faults + 1] = area[1] .. " has no layer"
    elseif high > 0 then
      if low < before then
        faults[#faults + 1] = string.format("%s lies before %s in the model", area[1], before_name)
      end
      before, before_name = high, area[1]
    end
  end
  local parts = {}
  for i, area in ipairs(o.areas) do parts[i] = area[1] .. " = " .. table.concat(area.layers, ", ") end
  local text = table.concat(parts, "; ")
  if #faults > 0 then text = text .. " (" .. table.concat(faults, "; ") .. ")" end
  return { pass = #faults == 0, faults = faults, text = text }
end

-- ---- 3: predictive ---------------------------------------------------------------------------------------------

-- The best of an area's own layers for its recordings. The choice among several marks the row `selected`.
local function one_area(o, area)
  local options = { stimuli = o.set, responses = o.data[area[1]], mapping = o.mapping, splits = o.splits,
    ceiling = o.ceiling, reliability = not o.ceiling.none and o.reliability or nil, measure = "ev", batch = o.batch,
    seed = o.seed }
  if o.net then
    options.model, options.layers, options.input = o.net, area.layers, o.input
  else
    options.features = {}
    for _, layer in ipairs(area.layers) do
      for _, entry in ipairs(o.model) do
        if entry[1] == layer then
          table.insert(options.features, { layer, function(x) return entry[2](o.input(x)) end })
        end
      end
    end
  end
  local score, e = errors.try(predictivity.predictivity, options)
  if e and (e.kind == "interrupt" or e.kind == "memory" or e.kind == "internal") then error(e, 0) end
  if e then errors.raise(e.kind, o.position, "criteria: area '%s': %s", area[1], e.message) end
  local best, bounded = score.rows[1], not score.unceiled
  local ev, low, high = "r", "low", "high"
  if bounded then ev, low, high = "ceiled", "ceiled_low", "ceiled_high" end
  for _, row in ipairs(score.rows) do
    if row[ev] > best[ev] then best = row end
  end
  local each = score.neuroids.r[best.layer]
  if bounded then each = each / score.neuroids.ceiling:square() end
  return { area = area[1], layer = best.layer, ev = best[ev], low = best[low], high = best[high], n = best.n,
    above = each:ge(o.least):to "float64":mean():item(), each = each, score = score,
    selected = #score.rows > 1 or best.selected or nil }
end

-- How the areas' scores were made, in words.
local function notes_of(rows)
  local score, notes = rows[1].score, {}
  for i, row in ipairs(rows) do
    notes[i] = string.format("  %s: best of %s%s; %s", row.area, common.plural(#row.score.rows, "layer"), row.selected
      and ", selected on these images" or "", scores.data_text(row.score))
  end
  notes[#notes + 1] = "  map: " .. scores.map_text(score)
  notes[#notes + 1] = "  splits: " .. score.splits
  notes[#notes + 1] = "  ceiling c: " .. scores.ceiling_text(score)
  notes[#notes + 1] = string.format("  interval: bootstrap over %s (%d, seed %d)", score.over, score.bootstrap,
    score.seed)
  return notes
end

local function predictive(o, ready)
  if not ready.mappable.pass or not ready.computable.pass then
    return { pass = false, areas = {}, text = "not asked: " .. (ready.computable.pass
      and "the areas have no layers of their own in order" or "the model does not answer every image") }
  end
  local rows, short = {}, {}
  for i, area in ipairs(o.areas) do
    rows[i] = one_area(o, area)
    local enough = rows[i].ev >= o.least -- not so for NaN
    if not enough then short[#short + 1] = area[1] end
  end
  local bounded = not o.ceiling.none
  local text = string.format("held-out explained variance%s, median over neuroids, %s", bounded
    and " over the explainable one" or " (of all variance, noise included: ceiling = false)",
    #short == 0 and string.format("at least %g in every area", o.least)
      or string.format("below %g in %s", o.least, table.concat(short, ", ")))
  return { pass = #short == 0, areas = rows, text = text, notes = notes_of(rows),
    measure = bounded and "EV / c^2" or "EV" }
end

-- ---- the word --------------------------------------------------------------------------------------------------

local AREAS = "{ { \"V1\", layers = { \"V1\" } }, { \"IT\", layers = { \"IT\" } } }, from the periphery on"

local AREA = { positional = { "name" },
  name = { type = "string", required = true, doc = "the area's, by which `data` has its recordings" },
  layers = { type = { "string", "table" }, doc = "the layers of the model that it is" } }

local function check_areas(o, position)
  if #o.areas == 0 then
    local name = next(o.areas)
    errors.raise("argument", position, "criteria: areas %s, expected a list: areas = %s", name == nil and "is empty"
      or string.format("has a name, '%s', and a table of names has no order", tostring(name)), AREAS)
  end
  local areas, known, names = {}, {}, {}
  for i, area in ipairs(o.areas) do
    if type(area) ~= "table" or type(area[1]) ~= "string" then
      errors.raise("argument", position, "criteria: areas: entry %d is %s, expected { \"V1\", layers = { "
        .. "\"V1\" } }", i, schema.kind(area))
    end
    schema.check("criteria: areas: entry " .. i, area, AREA, position)
    if known[area[1]] then
      errors.raise("argument", position, "criteria: areas: '%s' is there twice (entries %d and %d), expected one "
        .. "entry with all its layers", area[1], known[area[1]], i)
    end
    known[area[1]], names[i] = i, area[1]
    areas[i] = { area[1], layers = type(area.layers) == "table" and area.layers or { area.layers } }
    if not assemblies.is_assembly(o.data[area[1]]) then
      errors.raise("argument", position, "criteria: data has no assembly for the area '%s'%s", area[1],
        o.data[area[1]] ~= nil and ", but " .. schema.kind(o.data[area[1]]) or "")
    end
  end
  for name in pairs(o.data) do
    if not known[name] then
      errors.raise("argument", position, "criteria: data is there for '%s', which is none of the areas%s; leave it "
        .. "out, or add { \"%s\", layers = ... } to areas", tostring(name),
        errors.hint(tostring(name), names), tostring(name))
    end
  end
  o.areas = areas
end

--- criteria { model =, domain =, areas =, data =, input =, images = 1000, least = 0.5, mapping = ridge {}, splits =
-- kfold { 5 }, ceiling = split_half { 10 }, seed = }: the three criteria for a model of a sensory hierarchy (Yamins &
-- DiCarlo 2016), each { pass =, text = } with its evidence:
--   computable  every layer gives finite and repeatable answers to arbitrary images: of the domain, at sizes not
--               shown, noise, plain ones (answered, images, faults)
--   mappable    every area has layers of its own that the model has, no layer in two areas, in the areas' order
--               (faults)
--   predictive  for every area the best of its layers explains at least `least` of the explainable variance of
--               held-out responses, median over neuroids (areas[i]: area, layer, ev, low, high, n, above, each); not
--               asked where one of the others fails. ceiling = false, for data without repeats: of all their variance
-- c.pass is true where all three hold.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu }, area "IT" { dense { 6 } } }
-- > set = stimuli.gratings { size = 8, orientation = arange(0, 171, 9), frequency = { 1, 2 } }
-- > c = criteria { model = net, domain = set, areas = { { "V1", layers = { "V1" } } }, images = 20,
-- >   data = { V1 = neural.simulate { set, simple = 4, repeats = 4 } } }
-- > c.computable.pass   --> true
function M.criteria(given, ...)
  local position = errors.position(2)
  schema.alone("criteria", "criteria { model = net, domain = set, areas = {...}, data = {...} }", position, ...)
  local o = schema.check("criteria", given, FIELDS, position)
  o.set = stimuli.of(o.domain, position)
  o.net = models.is_model(o.model) and o.model or nil
  if not o.net and type(o.model) ~= "table" then
    errors.raise("argument", position, "criteria: model is %s, expected a model or a list of { \"name\", "
      .. "function }", schema.kind(o.model))
  end
  check_areas(o, position)
  o.position = position
  o.seed = o.seed or tensor.seed()
  o.mapping, o.splits = o.mapping or mappings.ridge {}, o.splits or splits.kfold { 5, seed = o.seed }
  o.ceiling = ceilings.of(o.ceiling, o.seed)
  local size = o.set.x:size(-1)
  o.input = o.input or function(x) return x:size(-1) == size and x or stimuli.resize(x, size) end
  local found = tensor.no_grad(function() return { computable = computable(o), mappable = mappable(o) } end)
  found.predictive = predictive(o, found)
  found.least = o.least
  found.pass = found.computable.pass and found.mappable.pass and found.predictive.pass
  return setmetatable(found, Criteria)
end

return M
