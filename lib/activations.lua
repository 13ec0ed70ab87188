--- lamina.activations: a model's responses, recorded as an experimenter records neurons.
--
--   local acts = activations { model = models.alexnet { weights = "alexnet.safetensors" }, stimuli = stimuli.folder
--     "images", layers = { "V1", "V2", "V4", "IT" } }
--   print(acts)                                            -- an assembly: presentation x neuroid (x time step)
--   print(predictivity { features = acts, responses = neural.assembly "recording.npz" })
--
-- Stimuli go through the model a few at a time, so that any number of them fits into the memory allowed, and what
-- comes out goes into a file of the cache (lib/activations/cache.lua), from which larger results are mapped.
local base = require "lamina.core.base"
local carried = require "lamina.model.carried"
local assemblies = require "lamina.neural.assembly"
local cache = require "lamina.activations.cache"
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local layers = require "lamina.activations.layers"
local models = require "lamina.model"
local movie = require "lamina.movie"
local ops = require "lamina.core.ops"
local planning = require "lamina.activations.plan"
local progress = require "lamina.progress"
local schema = require "lamina.schema"
local shown = require "lamina.activations.shown"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = {
  model = { type = "any", required = true, doc = "a model" },
  stimuli = { type = "any", required = true, doc = "a stimulus set, a data set (data.images reads its pictures as "
    .. "they "
    .. "are asked for), a tensor of images or movies, or the name of a folder of pictures" },
  layers = { type = { "string", "table" }, default = "areas", doc = "\"areas\" (the last layer of each), \"all\", "
    .. "the "
    .. "name of an area or layer, a Lua pattern on the names of layers, or a list of these" },
  steps = { type = { "integer", "string" }, doc = "of a model with steps, and of movies: \"last\" (of images, if "
    .. "absent), \"all\" (of movies, if absent; the assembly then has time bins), or one of them" },
  step_ms = { type = "number", above = 0, doc = "how many ms a time step stands for: gives time_bin_start and "
    .. "time_bin_end; of movies, if absent, by their frames a second (set.columns.rate)" },
  batch = { type = "integer", default = 64, min = 1, doc = "images at a time, at most (of movies: frames "
    .. "or windows, in one movie at least); no result depends on it" },
  memory = { type = { "number", "string" }, default = "2 GB", doc = "how much may be used beside the model and its "
    .. "stimuli: bytes, or a text such as \"500 MB\"" },
  cache = { type = { "boolean", "string" }, default = true, doc = "whether results are kept and found again, or the "
    .. "folder where; otherwise activations/ in LAMINA_CACHE (~/.cache/lamina)" },
  quiet = { type = "boolean", default = false, doc = "whether the plan is not printed" },
  name = { type = "string", doc = "what print shows; the model's name if absent" },
}
for name, field in pairs(shown.fields) do FIELDS[name] = field end
for name, field in pairs(movie.fields) do FIELDS[name] = field end
schema.document("activations", FIELDS)

-- ---- stimuli ---------------------------------------------------------------------------------------------------

-- Something with # and :batch, its items not loaded where they are in files.
local function set_of(given, net, position)
  if type(given) == "string" then
    local found = base.exists(given .. "/stimuli.csv") and given .. "/stimuli.csv" or nil
    local colour = #net.input == 3 and net.input[1] == 3
    return dataset.images { given, table = found, channels = colour and 3 or 1 }
  end
  local ok = type(given) == "table" and type(given.batch) == "function"
  return ok and given or stimuli.of(given, position)
end

local function batch_of(set, first, last)
  local index = {}
  for i = first, last do index[#index + 1] = i end
  return set:batch(index)
end

-- The coordinates of the stimuli.
local function columns_of(set)
  local columns = {}
  for name, list in pairs(set.latent or {}) do columns[name] = common.list(list) end
  for name, list in pairs(set.columns or {}) do columns[name] = list end
  if set.classes and not columns.class and tensor.is_tensor(set.y) and set.y.dtype == "int64" and set.y.ndim == 1 then
    columns.class = common.pick(set.classes, set.y:totable())
  end
  columns.repetition = nil
  columns.stimulus_id = set.id or common.count_up(#set)
  return columns
end

-- ---- one batch -------------------------------------------------------------------------------------------------

-- What the model is shown of images as the set has them, after o.input.
local function after_input(o, x, position)
  if not o.input then return x end
  local y = o.input(x)
  if not tensor.is_tensor(y) or y.ndim < 2 or #y ~= #x then
    errors.raise("shape", position, "activations: input must give a tensor with an entry for each image of the batch")
  end
  return y:detach()
end

-- Raises for a number that is none, naming layer and stimulus.
local function check_finite(job, y, one, first)
  local fine = y:isfinite()
  local all = fine:all()
  fine:release()
  if all:item() then return end
  for i = 1, #y do
    if not y[i]:isfinite():all():item() then
      errors.raise("numeric", job.position, "activations: %s of %s holds NaN or infinite values for stimulus %s",
        one.name, job.net.name, common.key(job.columns.stimulus_id[first + i - 1]))
    end
  end
end

-- The names to ask the model for a layer: one for each step that is recorded.
local function names_of(job, one)
  if job.o.steps == "last" or one.step then return { one.name } end
  local names = {}
  for i, t in ipairs(job.times) do names[i] = one.name .. "@" .. t end
  return names
end

-- Gives memory back now: Lua's collector may come by when several batches have passed.
local function release(list)
  for _, t in pairs(list) do t:release() end
end

-- A layer's activations of a batch, images x neuroids x steps; NaN where a connection has brought nothing yet, which
-- job.missing notes.
local function of_layer(job, one, found, first, n)
  local parts = {}
  for k, name in ipairs(names_of(job, one)) do
    local y = found[name]
    if y then
      y = y:to("float32"):reshape { n, one.count }
      check_finite(job, y, one, first)
    else
      y = tensor.full({ n, one.count }, 0 / 0)
      job.missing[name] = { first = one.first, count = one.count, step = k }
    end
    parts[k] = y
  end
  if #parts == 1 then return parts[1] end
  local all = ops.stack(parts, { dim = 3 })
  release(parts)
  return all
end

-- The layers' activations of a batch of images, images x neuroids x steps each.
local function of_images(job, x, first)
  local asked, parts = {}, {}
  for _, one in ipairs(job.layers) do table.move(names_of(job, one), 1, #names_of(job, one), #asked + 1, asked) end
  local found = job.net:activations(x, asked, { step = job.draws and first or 0 })
  for i, one in ipairs(job.layers) do parts[i] = of_layer(job, one, found, first, #x) end
  release(found)
  return parts
end

-- The same of movies.
local function of_movies(job, x, first)
  local names, parts, place, n, times = {}, {}, {}, #x, #job.times
  for i, one in ipairs(job.layers) do names[i], place[one.name] = one.name, one end
  local function absent(name, k)
    local one = place[name]
    job.missing[name .. "@" .. k] = { first = one.first, count = one.count, step = k }
  end
  local found = movie.answers(job.net, job.way, x, names, job.times, { batch = job.o.batch,
    key = job.draws and first or nil, absent = absent, fill = 0,
    take = function(y) return y:to("float32"):reshape { #y, -1 } end })
  for i, one in ipairs(job.layers) do
    local y = found[one.name]
    if y then
      check_finite(job, y, one, first)
    else
      y = tensor.zeros { n, one.count, times }
      for k = 1, times do absent(one.name, k) end
    end
    parts[i] = y:reshape { n, one.count, times > 1 and times or nil }
  end
  return parts
end

-- images x neuroids (x steps) of the images first to last.
local function record(job, first, last)
  local b = batch_of(job.set, first, last)
  local given = after_input(job.o, b.x, job.position)
  local x = job.show(given)
  if x.dtype ~= "float32" then x = x:to "float32" end
  if job.stateful then job.net:reset_state() end
  local parts = (job.way and of_movies or of_images)(job, x, first)
  release { x, given }
  if #parts == 1 then return parts[1] end
  local y = ops.concat(parts, { dim = 2 })
  release(parts)
  return y
end

-- ---- the plan --------------------------------------------------------------------------------------------------

-- How many steps the model runs, and which of them are recorded.
local function times_of(job, item)
  local o, net, way = job.o, job.net, job.way
  o.steps = o.steps or (way and "all" or "last")
  if not net.steps and not way then
    if o.steps ~= "last" or o.step_ms then
      errors.raise("argument", job.position, "activations: %s is for models with steps, and for movies; %s has none",
        o.steps ~= "last" and "steps = " .. tostring(o.steps) or "step_ms", net.name)
    end
    return nil
  end
  local count = way and way.count or #item == #net.input + 1 and item[1] or net.steps
  if o.steps == "last" then return { count } end
  if o.steps == "all" then return common.count_up(count) end
  if math.type(o.steps) ~= "integer" or o.steps < 1 or o.steps > count then
    errors.raise("argument", job.position, "activations: steps = %s; expected \"last\", \"all\" or a step from 1 "
      .. "to %d",
      tostring(o.steps), count)
  end
  return { o.steps }
end

local function check_layer_steps(job)
  for _, one in ipairs(job.layers) do
    if one.step and not job.way then
      job.net:check_layers(one.name, "activations", "layers", job.position, job.net.steps or 1)
    end
    if one.step and job.times and #job.times > 1 and not (job.way and job.way.kind ~= "steps") then
      errors.raise("argument", job.position, "activations: '%s' is one step, and steps = \"all\" asks for each; name "
        .. "the layer as '%s'", one.name, one.plain)
    end
  end
end

local function draws_of(net)
  for _, node in ipairs(net.nodes) do
    if node.layer.draws and node.layer.draws(node.options) then return true end
  end
  return false
end

-- ---- what is printed -------------------------------------------------------------------------------------------

local function say(job, format, ...)
  if not job.o.quiet then print(string.format("activations: " .. format, ...)) end
end

local function head_text(job)
  local names = {}
  for i, one in ipairs(job.layers) do names[i] = one.name end
  return string.format("%s, %s (%s): %d neuroids%s x %s = %s%s", job.net.name, common.plural(#names, "layer"),
    common.some(names, 4), job.total, job.times and #job.times > 1 and " x " .. #job.times .. " steps" or "",
    job.n == 1 and "1 stimulus" or job.n .. " stimuli", planning.size_text(job.bytes),
    job.text ~= "" and "; " .. job.text or "")
end

-- ---- results ---------------------------------------------------------------------------------------------------

-- The mask of what a connection had not brought yet: neuroids x steps as a view of every presentation; nil where
-- there is none.
local function mask_of(job, missing)
  if #missing == 0 then return nil end
  local steps = job.times and #job.times or 1
  local gone = tensor.zeros({ job.total, steps }, { dtype = "float32" })
  for _, part in ipairs(missing) do
    gone[{ { part.first, part.first + part.count - 1 }, { part.step, part.step } }]:copy(
      tensor.ones { part.count, 1 })
  end
  local valid = gone:eq(0):reshape { 1, job.total, 1, steps > 1 and steps or nil }
  return valid:expand { job.n, job.total, 1, steps > 1 and steps or nil }
end

local function time_coordinates(job)
  if not job.times then return nil end
  local time, way, ms = { time_step = job.times }, job.way, job.o.step_ms
  if way then
    time.frame = {}
    for i, t in ipairs(job.times) do time.frame[i] = movie.frame(way, t) end
    ms = ms and ms * way.hold or job.rate and 1000 / job.rate
  end
  if ms then
    time.time_bin_start, time.time_bin_end = {}, {}
    for i, t in ipairs(job.times) do
      if way then
        time.time_bin_start[i], time.time_bin_end[i] = movie.bin(way, t, ms)
      else
        time.time_bin_start[i], time.time_bin_end[i] = (t - 1) * ms, t * ms
      end
    end
  end
  return time
end

-- The assembly of a result.
local function assembled(job, x, missing)
  local shape = x.shape
  local valid = mask_of(job, missing)
  if valid then x = ops.where(valid:reshape(shape), x, tensor.zeros { 1 }) end
  local stimulus = job.columns
  return assemblies.make({ responses = x:reshape { shape[1], shape[2], 1, shape[3] }, valid = valid, lean = true,
    stimulus = stimulus, neuroid = job.neuroid, time_bin = time_coordinates(job), name = job.o.name or job.net.name,
    numbered = job.set.id == nil or job.set.numbered or false, selected = rawget(job.set, "selected") },
      "activations",
    job.position)
end

local function missing_list(job)
  local list = {}
  for _, part in pairs(job.missing) do list[#list + 1] = part end
  table.sort(list, function(a, b) return a.first < b.first or a.first == b.first and a.step < b.step end)
  return list
end

-- All batches in turn: each is given to `put`, with the place of its first image. Where one has taken more than the
-- plan says, the next ones are smaller.
local function stream(job, put)
  local on
  if job.o.quiet then on = false end
  local bar = progress.new(job.n, on)
  local first, batch, live = 1, job.batch, base.memory().live
  local most = job.memory - (job.folder and 0 or job.bytes)
  while first <= job.n do
    local last = math.min(first + batch - 1, job.n)
    base.reset_peak()
    local y = record(job, first, last)
    put(y, first, last)
    y:release()
    local taken = base.memory().peak - live
    if taken > most and batch > 1 then batch = math.max(1, math.floor(batch * most / taken)) end
    bar:update(last, job.net.name, function() return string.format("%d of %d", last, job.n) end)
    first = last + 1
  end
  bar:clear()
end

local function in_memory(job)
  local x = tensor.zeros(job.shape)
  stream(job, function(y, first, last) x[{ { first, last } }]:copy(y) end)
  return assembled(job, x, missing_list(job))
end

-- A result of the cache: mapped where it would take more than half of the memory allowed.
local function from_file(job, path, missing)
  local map = job.bytes > job.memory / 2
  return assembled(job, core_io.npy_read(path, { map = map }), missing)
end

local function about(job)
  local names = {}
  for i, one in ipairs(job.layers) do names[i] = one.name end
  return { model = job.net.name, weights = job.net:digest(), layers = names, stimuli = job.set.name, shown = job.text,
    missing = setmetatable(missing_list(job), { __json = "array" }), made = base.utc() }
end

local function into_file(job)
  local writer <close> = job.writer
  local path = job.folder .. "/" .. job.key .. ".npy"
  stream(job, function(y) writer:put(y) end)
  cache.finish(writer, job.folder, job.key, job.shape, about(job))
  return from_file(job, path, missing_list(job))
end

-- ---- the key ---------------------------------------------------------------------------------------------------

-- Every stimulus as the model's preparation finds it, hashed one by one, and so whatever the size of batches; nil
-- where they are `close`, and other bits on another machine.
local function stimulus_lines(job)
  local lines = {}
  for first = 1, job.n, job.o.batch do
    local last = math.min(first + job.o.batch - 1, job.n)
    local x = after_input(job.o, batch_of(job.set, first, last).x, job.position)
    if x.close then return nil end
    for i = 1, #x do
      local one = x[i]
      lines[#lines + 1] = one:digest()
      one:release() -- a view would keep the batch alive
    end
    x:release()
  end
  return table.concat(lines, "\n")
end

-- The key of the result; none where it cannot be told what the model computes.
local function find_key(job)
  if job.o.cache == false then return end
  local model_text, why = cache.model_text(job.net)
  local folder = cache.folder(job.o.cache)
  if not model_text or not folder then
    job.uncached = why or "neither LAMINA_CACHE nor HOME says where"
    return
  end
  local hashes = stimulus_lines(job)
  if not hashes then
    job.uncached = planning.CLOSE
    return
  end
  local lines = { model_text, "shown " .. job.text, hashes, "steps " .. (job.times
    and table.concat(job.times, " ") or "none") }
  for _, one in ipairs(job.layers) do lines[#lines + 1] = "layer " .. one.name end
  job.key, job.folder = cache.key(lines), folder
end

-- ---- the word --------------------------------------------------------------------------------------------------

local function prepare(given, position)
  local o = schema.check("activations", given, FIELDS, position)
  models.need(o.model, "activations", position)
  local job = { o = o, net = o.model, record = record, position = position, missing = {},
    memory = planning.bytes_of(o.memory, position) }
  job.set = set_of(o.stimuli, job.net, position)
  job.n = #job.set
  if job.n == 0 then errors.raise("argument", position, "activations: there are no stimuli") end
  job.columns = columns_of(job.set)
  local one = batch_of(job.set, 1, 1).x
  local before, item = one.shape, after_input(o, one, position).shape
  table.remove(before, 1)
  table.remove(item, 1)
  job.layers = layers.wanted(job.net, o.layers, position)
  job.neuroid, job.total = layers.coordinates(job.layers)
  job.way = movie.way(job.net, item, o, "activations", position)
  job.rate = job.way and not o.step_ms and movie.rate(job.set, "activations", position) or nil
  job.show, job.text = shown.maker(o, job.net, item, before, job.way, position)
  job.times = times_of(job, item)
  check_layer_steps(job)
  job.draws, job.stateful = draws_of(job.net), carried.any(job.net)
  job.shape = { job.n, job.total, job.times and #job.times > 1 and #job.times or nil }
  job.bytes = 4 * job.n * job.total * (job.times and #job.times or 1)
  return job
end

--- activations { model = net, stimuli = set, layers = "areas", steps = "last", memory = "2 GB", cache = true, field
-- =, degrees =, ... }: what a model's layers give for stimuli, as an assembly (float32) of presentations x neuroids,
-- with the neuroids' layer, area, channel, row, column and neuroid_id, and the stimuli's columns, which every word of
-- `neural` takes: predictivity { features = acts, responses = recorded }, rdm { acts:select { layer = "IT" } },
-- acts:at(...). Of a model with steps, steps = "all" gives time bins with time_step (and with step_ms =
-- time_bin_start and time_bin_end).
--
-- Movies (stimuli.drifting and the others that move, stimuli.array with a rate, a tensor N x frames x channels x rows
-- x columns) are shown to any model: frame t at step t of a model with steps, which then runs as many; a window that
-- slides over the frames to one with an axis of time, input { channels, frames, rows, columns } (a convolution over
-- three axes); frame by frame to any other one; movie = says it otherwise. What is recorded has a time bin for each
-- step or frame (of a window: its last frame, .frame), with time_bin_start and time_bin_end in ms by the frame rate.
--
-- Images get the model's channels and, where their shape is the same, its size; field and degrees place them in its
-- field of view on a grey background, which `input`, mean and std change as they change the images. What they
-- become, how many go through at a time and the memory that it takes is
-- printed first (what weights were trained on has to be said: those of ImageNet mostly want mean = { 0.485, 0.456,
-- 0.406 }, std = { 0.229, 0.224, 0.225 } and stimuli.folder { "images", channels = 3 }); where not even one fits, the
-- error says what would. Results are kept by content in a folder of files that may be looked at, moved or removed:
-- they are found again, to the bit, for the same numerics, model, weights, stimuli and layers, unless cache = false;
-- models with layers of the script's own are not. Results larger than half of `memory` are mapped from there.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu },
-- >   area "IT" { dense { 6 } } }
-- > set = stimuli.gratings { size = 8, orientation = { 0, 45, 90, 135 }, frequency = 2 }
-- > acts = activations { model = net, stimuli = set, cache = false }
-- > acts:select({ layer = "IT" }).responses.shape   --> { 4, 6, 1 }
function M.activations(given, ...)
  local position = errors.position(2)
  schema.alone("activations", "activations { model = net, stimuli = set }", position, ...)
  local job = prepare(given, position)
  return tensor.no_grad(function()
    find_key(job)
    if job.key then
      local entry, why = cache.find(job.folder, job.key, job.shape)
      if entry then
        say(job, "%s; from the cache: %s", head_text(job), entry.path)
        return from_file(job, entry.path, entry.missing)
      end
      if why then say(job, "%s/%s.npy: %s; it is computed anew", job.folder, job.key, why) end
    end
    planning.plan(job)
    say(job, "%s; %s at a time, about %s of %s; %s", head_text(job), common.plural(job.batch, job.way and "movie"
      or "image"), planning.size_text(job.fixed + job.batch * job.per_image + (job.folder and 0 or job.bytes)),
      planning.size_text(job.memory),
      job.folder and "kept in " .. job.folder .. "/" .. job.key .. ".npy" or job.uncached
      and "not kept: " .. job.uncached or "not kept")
    if job.folder then return into_file(job) end
    return in_memory(job)
  end)
end

return M
