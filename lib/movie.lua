--- lamina.movie: how a model is shown a movie, frames x channels x rows x columns, and what it answers over time.
--
-- A model with steps takes frame t at step t. One with an axis of time, input { channels, frames, rows, columns },
-- sees as many frames at a time: a window that slides over the movie, frame by frame. Any other sees one frame at a
-- time. The answer at a time depends on what has been shown until then: that of a window belongs to its last frame,
-- so that the first is that of frame D where a window has D frames.
local carried = require "lamina.model.carried"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

--- The options that say how a model is shown movies.
M.fields = {
  movie = { type = "string", choices = { "steps", "frames", "window", "channels", "rows" }, doc = "how a model is "
    .. "shown movies: \"steps\", frame t at step t (if absent, of a model with steps); \"frames\", each by itself "
    .. "(of another one for images); \"window\", as many as its axis of time has (of one with input { channels, "
    .. "frames, rows, columns }); \"rows\", as many as its input has rows of numbers (of one with input { frames, "
    .. "numbers }); \"channels\", as many as its channels hold" },
  steps_per_frame = { type = "integer", min = 1, default = 1, doc = "of a model with steps: for how many of them "
    .. "each frame of a movie is shown" },
}

local text_of = layer.shape_text

-- The way that a model's input suggests; nil where none does.
local function suggested(net)
  if #net.input == 3 then return net.steps and "steps" or "frames" end
  return #net.input == 4 and "window" or #net.input == 2 and "rows" or nil
end

-- For each way: how many frames the model sees at a time, and the shape of the pictures it sees; nil and what is
-- wrong where it cannot be shown so. frame: channels x rows x columns of the movie's.
local ways = {}

function ways.steps(net)
  if not net.steps then return nil, "it has no steps" end
  if #net.input ~= 3 then return nil, "its input is no image" end
  return 1, net.input
end

function ways.frames(net)
  if #net.input ~= 3 then return nil, "its input is no image" end
  if net.steps == "input" then return nil, "it takes its steps from its input: movie = \"steps\"" end
  return 1, net.input
end

function ways.window(net)
  if #net.input ~= 4 then return nil, "its input is not channels x frames x rows x columns" end
  return net.input[2], { net.input[1], net.input[3], net.input[4] }
end

function ways.channels(net, frame)
  if #net.input ~= 3 or net.input[1] % frame[1] ~= 0 then
    return nil, string.format("its channels are not those of frames with %d each", frame[1])
  end
  return net.input[1] // frame[1], { frame[1], net.input[2], net.input[3] }
end

function ways.rows(net, frame)
  if #net.input ~= 2 or net.input[2] ~= layer.elements(frame) then
    return nil, string.format("its input is not frames x %d numbers", layer.elements(frame))
  end
  return net.input[1], frame
end

--- How a model is shown items of this shape: nil where they are no movies, or it takes them as they are; else a table
-- with kind, frames (how many a movie has), window (how many it sees at a time), image (the shape of the pictures
-- that it sees), hold (steps a frame) and count (how many times there are answers for). o: movie, steps_per_frame.
-- `word` names the caller in errors.
function M.way(net, item, o, word, position)
  local movies = #item == 4 and (o.movie or not layer.same_shape(item, net.input))
  local kind = movies and (o.movie or suggested(net)) or nil
  if not movies and (o.movie or o.steps_per_frame > 1) then
    errors.raise("argument", position, "%s: %s is for movies, frames x channels x rows x columns; the stimuli are %s",
      word, o.movie and "movie = \"" .. o.movie .. "\"" or "steps_per_frame", text_of(item))
  end
  if not kind then return nil end
  local window, image = ways[kind](net, { item[2], item[3], item[4] })
  if not window then
    errors.raise("shape", position, "%s: movies of %s cannot be shown to %s, which takes %s, by movie = \"%s\": %s",
      word, text_of(item), net.name, text_of(net.input), kind, image)
  end
  if o.steps_per_frame > 1 and kind ~= "steps" then
    errors.raise("argument", position, "%s: steps_per_frame is for a model that sees a movie step by step; %s sees "
      .. "it by movie = \"%s\"", word, net.name, kind)
  end
  if item[1] < window then
    errors.raise("shape", position, "%s: %s sees %d frames at a time, and the movies have %d", word, net.name, window,
      item[1])
  end
  local hold = o.steps_per_frame
  return { kind = kind, frames = item[1], window = window, image = image, hold = hold,
    count = kind == "steps" and item[1] * hold or item[1] - window + 1 }
end

--- A way in words, which with the shape of the movies determines it.
function M.text(way)
  if way.kind == "steps" then
    return way.hold > 1 and string.format("%d steps for each frame", way.hold) or "frame by step"
  end
  return way.kind == "frames" and "frame by frame" or string.format("windows of %d frames (%s)", way.window, way.kind)
end

--- The newest frame that the answer at time t depends on.
function M.frame(way, t)
  if way.kind == "steps" then return (t - 1) // way.hold + 1 end
  return t + way.window - 1
end

--- Begin and end of time t in ms, for `ms` of a frame.
function M.bin(way, t, ms)
  if way.kind == "steps" then return (t - 1) * ms / way.hold, t * ms / way.hold end
  return (t + way.window - 2) * ms, (t + way.window - 1) * ms
end

--- Frames a second of the movies of a set, by its column `rate`; nil where there is none. Raises where they differ.
function M.rate(set, word, position)
  local rates = set.columns and set.columns.rate
  if not rates then return nil end
  for i, rate in ipairs(rates) do
    if type(rate) ~= "number" or not (rate > 0 and rate < math.huge) then
      errors.raise("argument", position, "%s: the rate of movie %d of %s is %s, expected frames a second", word, i,
        set.name, tostring(rate))
    end
    if rate ~= rates[1] then
      errors.raise("argument", position, "%s: the movies of %s have different rates, %g and %g frames a second; show "
        .. "them in turn", word, set.name, rates[1], rate)
    end
  end
  return rates[1]
end

-- ---- showing ---------------------------------------------------------------------------------------------------

-- The windows that end a list of { movie, time } as a batch of the model's inputs.
local function windows(way, x, pairs_)
  local index, shape = {}, x.shape
  for _, pair in ipairs(pairs_) do
    for d = 0, way.window - 1 do index[#index + 1] = (pair[1] - 1) * way.frames + pair[2] + d end
  end
  local n, c, h, w = #pairs_, shape[3], shape[4], shape[5]
  local frames = x:reshape({ -1, c, h, w }):index_select(tensor.tensor(index, { dtype = "int64" }), { dim = 1 })
  if way.kind == "frames" then return frames end
  if way.kind == "channels" then return frames:reshape { n, way.window * c, h, w } end
  if way.kind == "rows" then return frames:reshape { n, way.window, c * h * w } end
  return frames:reshape({ n, way.window, c, h, w }):permute({ 1, 3, 2, 4, 5 }):contiguous()
end

-- What layers answer step by step: lists of rows x units by name, one for each time; false where a connection has
-- brought nothing yet.
local function by_steps(net, way, x, names, times, o)
  local asked, parts = {}, {}
  local function at(name, t) return name:find "@%d+$" and name or name .. "@" .. t end
  for _, name in ipairs(names) do
    for _, t in ipairs(times) do asked[#asked + 1] = at(name, t) end
  end
  if way.hold > 1 then x = x:repeat_interleave(way.hold, { dim = 2 }) end
  local found = net:activations(x, asked, { step = o.key or 0, run = way.count })
  for _, name in ipairs(names) do
    parts[name] = {}
    for k, t in ipairs(times) do
      local y = found[at(name, t)]
      parts[name][k] = y and o.take(y) or false
    end
  end
  for _, y in pairs(found) do y:release() end
  return parts
end

-- Stacks the answers at each time along the last axis, `fill` where there is none.
local function stacked(parts, fill, absent)
  local some
  for _, y in ipairs(parts) do some = some or y or nil end
  if not some then return nil end
  for k, y in ipairs(parts) do
    if not y then
      absent(k)
      parts[k] = tensor.full(some.shape, fill, { dtype = some.dtype })
    end
  end
  local all = ops.stack(parts, { dim = 3 })
  for _, y in ipairs(parts) do y:release() end
  return all
end

--- What layers answer to movies over time, movies x units x times by name (nil for a connection that has brought
-- nothing at any of the times): x, movies x frames x channels x rows x columns as the model is to see them; times, a
-- list from 1 to way.count. o: take(y), which makes rows x units of a layer's output for rows of a batch and is done
-- with y; batch, how many windows go through at a time; key, of what layers draw at random (then one window goes
-- through at a time); absent(name, k), which is told where a connection has brought nothing at times[k], and fill,
-- what stands there (NaN if absent). A model that carries its state on begins each batch anew.
function M.answers(net, way, x, names, times, o)
  local list, n, stateful = {}, x.shape[1], carried.any(net)
  if stateful then net:reset_state() end
  if way.kind == "steps" then
    for name, parts in pairs(by_steps(net, way, x, names, times, o)) do
      list[name] = stacked(parts, o.fill or 0 / 0, function(k) if o.absent then o.absent(name, k) end end)
    end
    return list
  end
  local all, most = {}, o.key and 1 or o.batch
  for i = 1, n do
    for _, t in ipairs(times) do all[#all + 1] = { i, t } end
  end
  for first = 1, #all, most do
    local some = table.move(all, first, math.min(first + most - 1, #all), 1, {})
    local shown = windows(way, x, some)
    if stateful then net:reset_state() end
    local key = o.key and ((o.key - 1 + some[1][1] - 1) * way.count + some[1][2]) or 0
    local found = net:activations(shown, names, { step = key })
    for _, name in ipairs(names) do
      list[name] = list[name] or {}
      if found[name] then table.insert(list[name], o.take(found[name])) end
    end
    for _, y in pairs(found) do y:release() end
    shown:release() -- not before: what a layer passes on as it is, is this
  end
  for name, parts in pairs(list) do
    local y = #parts > 1 and ops.concat(parts, { dim = 1 }) or parts[1]
    if #parts > 1 then for _, part in ipairs(parts) do part:release() end end
    list[name] = y and y:reshape({ n, #times, -1 }):permute({ 1, 3, 2 }):contiguous() or nil
  end
  return list
end

return M
