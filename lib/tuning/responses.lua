--- lamina.tuning.responses: what a model's units or a function answer to stimuli, to movies over time.
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local measures = require "lamina.tuning.measures"
local models = require "lamina.model"
local movie = require "lamina.movie"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

--- The options that say which units of a model, how movies are shown, and what of a response over time counts.
M.fields = {
  layer = { type = "string", doc = "of a model: a layer or area; its output if absent" },
  units = { type = "string", default = "all", choices = { "all", "centre" },
    doc = "of maps: every unit, or the one in the middle of each channel" },
  batch = { type = "integer", default = 64, min = 1, doc = "of a model or function: images at a time" },
  time = { type = "string", choices = { "mean", "peak", "last", "f1" }, doc = "what of a response over time counts: "
    .. "its mean (F0; that of movies, if absent), its largest value, its last, or \"f1\", its amplitude at the "
    .. "temporal frequency of the stimulus" },
  from = { type = "number", default = 0, min = 0, doc = "seconds left out at the beginning of a response over time" },
  frequency = { type = { "string", "number", "table", "tensor" }, default = "temporal", doc = "the stimuli's "
    .. "temporal frequency in Hz, for f1 and F1/F0: a column's name, one number, or N" },
}
for name, field in pairs(movie.fields) do M.fields[name] = field end

-- ---- answers ---------------------------------------------------------------------------------------------------

-- Rows of units; of maps perhaps only the middle ones.
local function rows_of(y, units)
  if units == "centre" then
    for axis = 3, y.ndim do y = ops.slice(y, { dim = axis, start = y:size(axis) // 2 + 1, stop = y:size(axis) // 2
      + 1 }) end
  end
  return y:reshape({ #y, -1 }):to "float64"
end

-- What a layer, or the output, gives for a batch of images.
local function layer_of(model, x, o, word, position)
  if o.layer then return model:activations(x, { o.layer })[o.layer] end
  local y = model(x)
  if tensor.is_tensor(y) then return y end
  local names = {}
  for name in pairs(y) do names[#names + 1] = name end
  table.sort(names)
  errors.raise("argument", position, "%s: %s has several outputs (%s); layer = \"NAME\" says which", word, model.name,
    table.concat(names, ", "))
end

-- A function's answer to a batch, N x units, or to movies also N x units x times (then over time).
local function of_function(f, x, word, position)
  local y = f(x)
  if not tensor.is_tensor(y) or y.ndim < 1 or #y ~= #x then
    errors.raise("shape", position, "%s: the function must give a tensor with a row for each image", word)
  end
  if x.ndim == 5 and y.ndim == 3 then return y:to "float64" end
  return rows_of(y, "all")
end

-- The name by which a model's output can be recorded.
local function output_of(net, word, position)
  if #net.outputs == 1 then return net.outputs[1].name end
  local names = {}
  for i, block in ipairs(net.outputs) do names[i] = block.name end
  errors.raise("argument", position, "%s: %s has several outputs (%s); layer = \"NAME\" says which", word, net.name,
    table.concat(names, ", "))
end

-- A model's answers to a batch of movies, N x units x times.
local function of_movies(net, way, x, o, word, position)
  local name, times = o.layer or output_of(net, word, position), {}
  for t = 1, way.count do times[t] = t end
  local found = movie.answers(net, way, x, { name }, times, { batch = o.batch,
    take = function(y) return rows_of(y, o.units) end })[name]
  if not found then
    errors.raise("argument", position, "%s: %s of %s has brought nothing in the %d steps of the movies", word, name,
      net.name, way.count)
  end
  return found
end

-- How a model is shown a set of movies; nil where it is none, or a function's.
local function way_of(model, set, o, word, position)
  if type(model) == "function" or set.x.ndim ~= 5 then return nil end
  local item = table.move(set.x.shape, 2, 5, 1, {})
  local way = movie.way(model, item, o, word, position)
  for axis = 1, way and 3 or 0 do
    if way.image[axis] ~= item[axis + 1] then
      errors.raise("shape", position, "%s: the frames are %s, %s sees %s (set:resize(%d) changes their size)", word,
        table.concat(item, "x", 2), model.name, table.concat(way.image, "x"), way.image[3])
    end
  end
  return way
end

-- What a model's units or a function answer to a stimulus set: N x units, or over time N x units x times with the
-- times in a second (nil where the set does not say).
local function answered(model, set, o, word, position)
  if not models.is_model(model) and type(model) ~= "function" then
    errors.raise("argument", position, "%s: expected a model or a function, got a %s", word, type(model))
  end
  local parts, way = {}, way_of(model, set, o, word, position)
  if o.layer and type(model) ~= "function" then
    model:check_layers(o.layer, word, "layer", position, not way and (model.steps or 1) or nil)
  end
  local batch = way and math.max(1, o.batch // way.frames) or o.batch
  tensor.no_grad(function()
    for b in dataset.batches(set, batch) do
      parts[#parts + 1] = way and of_movies(model, way, b.x, o, word, position)
        or type(model) == "function" and of_function(model, b.x, word, position)
        or rows_of(layer_of(model, b.x, o, word, position), o.units)
    end
  end)
  local r = #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 })
  if r.ndim < 3 then return r end
  local rate = movie.rate(set, word, position)
  if way then return r, rate and rate * way.hold end
  return r, rate and rate * math.max(1, r.shape[3] // set.x.shape[2]) -- a function's, perhaps several a frame
end

-- ---- over time -------------------------------------------------------------------------------------------------

-- The temporal frequencies of n stimuli; nil where the columns have none and none were asked for.
local function frequencies(o, columns, n, must, word, position)
  local value = o.frequency
  if type(value) == "number" then
    local list = {}
    for i = 1, n do list[i] = value end
    return list
  end
  if type(value) == "string" and columns[value] == nil and not must then return nil end
  return require("lamina.tuning.sources").column(value, columns, n, word .. ": frequency", position)
end

local function need_rate(rate, what, word, position)
  if rate then return end
  errors.raise("argument", position, "%s: %s needs to know how many responses there are in a second: movies with a "
    .. "rate (stimuli.array { x, rate = 30 }), or time bins of an assembly with begin and end", word, what)
end

--- Responses over time, N x units x ... x times, as one number each, by o.time (mean if absent) after o.from seconds.
-- rate: times a second, or nil; columns: what is known of the N stimuli.
function M.reduced(r, rate, o, columns, word, position)
  local how, last = o.time or "mean", r.shape[r.ndim]
  if how == "f1" then
    need_rate(rate, "time = \"f1\"", word, position)
    return measures.harmonics_of(r, { rate = rate, from = o.from, frequency = frequencies(o, columns, #r, true, word,
      position) }, word, position).f1
  end
  if o.from > 0 then
    need_rate(rate, "from", word, position)
    local first = math.floor(o.from * rate + 0.5)
    if first >= last then
      errors.raise("argument", position, "%s: from = %g leaves nothing of responses that last %g s", word, o.from,
        last / rate)
    end
    r = ops.slice(r, { dim = r.ndim, start = first + 1, stop = last })
  end
  if how == "mean" then return r:nanmean { dim = -1 } end
  if how == "last" then return ops.select(r, { dim = r.ndim, index = r.shape[r.ndim] }) end
  return (r:max { dim = -1 })
end

--- F1 and F0 of responses over time, N x units (x repeats) each; nil where the stimuli have no temporal frequency, or
-- one of which there is no whole cycle, or no rate is known.
function M.harmonics(r, rate, o, columns, word, position)
  local list = rate and frequencies(o, columns, #r, false, word, position)
  local seconds = rate and r.shape[r.ndim] / rate - o.from
  for _, f in ipairs(list or {}) do
    if not (f > 0 and f <= rate / 2 and f * seconds >= 1 - 1e-9) then return nil end
  end
  if not list then return nil end
  local h = measures.harmonics_of(r, { rate = rate, from = o.from, frequency = list }, word, position)
  return h.f1, h.f0
end

--- What a model or a function answers to a set: N x units x times with the times in a second where it is over time,
-- else N x units.
M.answered = answered

-- ---- the word --------------------------------------------------------------------------------------------------

local RESPONSES = { positional = { "model", "stimuli" },
  model = { type = "any", required = true,
    doc = "a model, or a function from images to a tensor with a row for each" },
  stimuli = { type = "any", required = true, doc = "a stimulus set, a data set, images N x C x H x W or movies N x "
    .. "frames x C x H x W" } }
for name, field in pairs(M.fields) do RESPONSES[name] = field end
RESPONSES.time = { type = "string", choices = { "mean", "peak", "last", "f1", "all" }, doc = M.fields.time.doc
  .. "; \"all\": every time, N x units x times" }
schema.document("tuning.responses", RESPONSES)

--- tuning.responses { model, stimuli, layer =, units = "all", batch = 64, time =, from = 0, frequency =, movie = }:
-- what a model's units, or a function, answer to stimuli: N x units, float64. units = "centre" takes the unit in the
-- middle of each channel. Movies are shown as `activations` shows them (a function is given N x frames x C x H x W
-- and may answer N x units x times); time = "all" gives N x units x times, for tuning.harmonics, otherwise one number
-- for each movie: the mean over time, or "peak", "last" or "f1".
-- > net = model "m" { input { 1, 32, 32 }, area "V1" { conv { 8, kernel = 7 }, relu } }
-- > set = stimuli.gratings { size = 32, orientation = arange(0, 150, 30), frequency = 4 }
-- > tuning.responses({ net, set, layer = "V1", units = "centre" }).shape   --> { 6, 8 }
function M.responses(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.responses", "tuning.responses { model, stimuli, layer = \"V1\" }", position, ...)
  local o = schema.check("tuning.responses", given, RESPONSES, position)
  local set = stimuli.of(o.stimuli, position)
  local r, rate = answered(o.model, set, o, "tuning.responses", position)
  if r.ndim < 3 or o.time == "all" then return r end
  return M.reduced(r, rate, o, set.columns, "tuning.responses", position)
end

return M
