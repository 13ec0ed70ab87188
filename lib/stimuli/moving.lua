--- lamina.stimuli.moving: movies of drifting gratings, moving edges and random dots, in degrees of visual angle and
-- seconds.
--
-- A movie is x[i], frames x 1 x H x W, which activations and tuning show to any model (lib/movie.lua). Places count
-- in degrees from the middle, to the right and down; a direction of 0 is to the right, 90 up, 180 to the left, 270
-- down. A frame shows what is there at its beginning, (frame - 1) / rate seconds after the first.
local combinations = require "lamina.stimuli.combinations"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local RADIAN <const> = math.pi / 180
local MOST <const> = 1 << 31 -- pixels of all frames together
local many = { "number", "table", "tensor" }

-- The options of a word: those of every movie, and its own.
local function fields(word, own)
  own.size = { type = "integer", default = 32, min = 1, max = 4096, doc = "pixels on a side" }
  own.pixels_per_degree = { type = "number", default = 16, above = 0, doc = "pixels in a degree of visual angle" }
  own.duration = { type = "number", default = 1, above = 0, doc = "seconds" }
  own.rate = { type = "number", default = 60, above = 0, doc = "frames a second" }
  own.mean = { type = many, default = 0.5, doc = "luminance of the background" }
  return schema.document(word, own)
end

-- Rows of the options' combinations, the columns of the set, and the geometry: frames, times and places.
local function laid_out(word, o, names, position)
  local rows, columns = combinations.rows(o, names), {}
  for c, name in ipairs(names) do columns[name] = combinations.column(rows, c) end
  for _, name in ipairs { "pixels_per_degree", "duration", "rate" } do
    columns[name] = {}
    for i = 1, #rows do columns[name][i] = o[name] end
  end
  local frames = math.floor(o.duration * o.rate + 0.5)
  if frames < 1 then
    errors.raise("argument", position, "%s: %g seconds at %g frames a second are less than one frame", word,
      o.duration, o.rate)
  end
  if #rows * frames * o.size * o.size > MOST then
    errors.raise("memory", position, "%s: %d movies of %d frames of %d x %d are too many pixels at a time", word,
      #rows, frames, o.size, o.size)
  end
  local places = (tensor.arange(1, o.size, { dtype = "float64" }) - (o.size + 1) / 2) / o.pixels_per_degree
  return { rows = rows, columns = columns, frames = frames,
    time = (tensor.arange(1, frames, { dtype = "float64" }) - 1):reshape { 1, -1, 1, 1 } / o.rate,
    x = places:reshape { 1, 1, 1, -1 }, y = places:reshape { 1, 1, -1, 1 } }
end

-- Column c of rows from first to last, as n x 1 x 1 x 1.
local function column(list, first, last)
  return tensor.tensor(table.move(list, first, last, 1, {}), { dtype = "float64" }):reshape { -1, 1, 1, 1 }
end

-- The set of what draw(values, n) makes of some rows at a time: n x frames x H x W.
local function made(at, o, name, draw)
  local parts, some = {}, math.max(1, (1 << 22) // (at.frames * o.size * o.size))
  for first = 1, #at.rows, some do
    local last = math.min(first + some - 1, #at.rows)
    local values = setmetatable({}, { __index = function(_, key) return column(at.columns[key], first, last) end })
    parts[#parts + 1] = draw(values, first, last):to "float32"
  end
  local x = #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 })
  return require("lamina.stimuli").make { x = x:reshape { #at.rows, at.frames, 1, o.size, o.size },
    columns = at.columns, name = name }
end

-- Degrees along the direction of motion, from a centre.
local function along(at, v)
  local angle = v.direction * RADIAN
  return (at.x - v.x) * angle:cos() - (at.y - v.y) * angle:sin()
end

-- How much of a pixel lies inside, by the degrees to the border (positive inside).
local function covered(inside, o) return (inside * o.pixels_per_degree + 0.5):clamp(0, 1) end

local function check_contrast(o, word, low, position)
  for _, row in ipairs(combinations.rows(o, { "contrast" })) do
    if not (row[1] >= low and row[1] <= 1) then
      errors.raise("argument", position, "%s: contrast is %s, expected %d to 1", word, row[1], low)
    end
  end
end

local DIRECTION = { type = many, default = 0, doc = "of motion, degrees: 0 to the right, 90 up" }
local X = { type = many, default = 0, doc = "centre to the right of the middle, degrees" }
local Y = { type = many, default = 0, doc = "centre below the middle, degrees" }

local DRIFTING = fields("stimuli.drifting", { direction = DIRECTION, x = X, y = Y,
  frequency = { type = many, default = 2, doc = "cycles per degree" },
  temporal = { type = many, default = 4, doc = "cycles per second; 0 stands still" },
  phase = { type = many, default = 0, doc = "at the first frame, degrees" },
  contrast = { type = many, default = 1, doc = "Michelson contrast, 0 to 1" },
  diameter = { type = many, default = 0, doc = "of a round window, degrees; 0: none" },
  sigma = { type = many, default = 0, doc = "of a Gaussian window, degrees; 0: none" } })

--- stimuli.drifting { size = 32, pixels_per_degree = 16, duration = 1, rate = 60, direction = 0, frequency = 2,
-- temporal = 4, phase = 0, contrast = 1, mean = 0.5, diameter = 0, sigma = 0, x = 0, y = 0 }: movies of gratings that
-- drift: mean (1 + contrast cos(2 pi (frequency u - temporal t) + phase)), u the degrees from (x, y) along the
-- direction of motion (0 to the right, 90 up), t the seconds since the first frame. x is N x frames x 1 x H x W. Each
-- option from direction on is a number or a list; the set holds every combination, y varying fastest and the
-- direction slowest; set.columns tells them apart.
-- > set = stimuli.drifting { size = 16, duration = 0.5, rate = 20, direction = { 0, 180 } }
-- > set.x.shape   --> { 2, 10, 1, 16, 16 }
function M.drifting(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.drifting", "stimuli.drifting { direction = { 0, 90 } }", position, ...)
  local o = schema.check("stimuli.drifting", given or {}, DRIFTING, position)
  check_contrast(o, "stimuli.drifting", 0, position)
  local at = laid_out("stimuli.drifting", o, { "direction", "frequency", "temporal", "phase", "contrast", "mean",
    "diameter", "sigma", "x", "y" }, position)
  local one = tensor.ones({ 1 }, { dtype = "float64" })
  return made(at, o, "drifting gratings", function(v)
    local wave = ((v.frequency * along(at, v) - v.temporal * at.time) * (2 * math.pi) + v.phase * RADIAN):cos()
    local square = (at.x - v.x):square() + (at.y - v.y):square()
    local round = ops.where(v.diameter:gt(0), covered(v.diameter / 2 - square:sqrt(), o), one)
    local soft = ops.where(v.sigma:gt(0), (square * -0.5 / v.sigma:clamp(1e-9, math.huge):square()):exp(), one)
    return v.mean * (v.contrast * wave * round * soft + 1)
  end)
end

local EDGES = fields("stimuli.moving_edges", { direction = DIRECTION,
  speed = { type = many, default = 2, doc = "degrees per second" },
  start = { type = many, default = -1, doc = "where the edge is at the first frame, degrees along its direction from "
    .. "the middle" },
  contrast = { type = many, default = 1, doc = "-1 to 1: of what comes in; above 0 a bright edge (ON), below a dark "
    .. "one (OFF)" },
  x = X, y = Y })

--- stimuli.moving_edges { size = 32, pixels_per_degree = 16, duration = 1, rate = 60, direction = 0, speed = 2, start
-- = -1, contrast = 1, mean = 0.5, x = 0, y = 0 }: movies of a straight edge that sweeps over the picture: behind it
-- luminance is mean (1 + contrast), before it mean (1 - contrast); at t seconds it is start + speed t degrees from
-- (x, y), along its direction. Shapes and combinations as in stimuli.drifting.
-- > set = stimuli.moving_edges { size = 16, duration = 0.5, rate = 20, direction = { 0, 90, 180, 270 } }
-- > set.x.shape   --> { 4, 10, 1, 16, 16 }
function M.moving_edges(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.moving_edges", "stimuli.moving_edges { direction = { 0, 90 } }", position, ...)
  local o = schema.check("stimuli.moving_edges", given or {}, EDGES, position)
  check_contrast(o, "stimuli.moving_edges", -1, position)
  local at = laid_out("stimuli.moving_edges", o, { "direction", "speed", "start", "contrast", "mean", "x", "y" },
    position)
  return made(at, o, "moving edges", function(v)
    local behind = covered(v.start + v.speed * at.time - along(at, v), o)
    return v.mean * (v.contrast * (behind * 2 - 1) + 1)
  end)
end

-- ---- random dots -------------------------------------------------------------------------------------------------

local DOTS = fields("stimuli.random_dots", { direction = DIRECTION,
  coherence = { type = many, default = 1, doc = "the share of dots that move in the direction, 0 to 1; the others "
    .. "appear elsewhere at every frame" },
  speed = { type = many, default = 2, doc = "degrees per second" },
  density = { type = "number", default = 4, above = 0, doc = "dots per square degree" },
  diameter = { type = "number", default = 0.15, above = 0, doc = "of a dot, degrees" },
  contrast = { type = many, default = 1, doc = "-1 to 1, of the dots" },
  lifetime = { type = "number", default = math.huge, above = 0, doc = "seconds until a dot appears elsewhere; "
    .. "absent: it does not" },
  repeats = { type = "integer", default = 1, min = 1, doc = "movies of each combination, with other dots" },
  seed = { type = "integer", doc = "of all places; the experiment's if absent" } })

-- Where the dots of movie i are: frames of { x, y } pairs in degrees, within a square of `side`.
local function walked(row, o, at, i, side)
  local n = math.max(1, math.floor(o.density * side * side + 0.5))
  local draws = tensor.draw({ kind = "uniform", shape = { at.frames, n, 4 }, seed = o.seed, step = i,
    purpose = "stimuli.random_dots", dtype = "float64" }):totable()
  local angle, step = row.direction * RADIAN, row.speed / o.rate
  local dx, dy = math.cos(angle) * step, -math.sin(angle) * step
  local places, frames, life = {}, {}, math.floor(o.lifetime * o.rate + 0.5)
  for f = 1, at.frames do
    frames[f] = {}
    for k = 1, n do
      local u, before = draws[f][k], places[k]
      -- dots are as old as their number says, so that not all of them appear elsewhere at once
      local reborn = before == nil or u[3] >= row.coherence
        or o.lifetime < math.huge and (f + math.floor(draws[1][k][4] * life)) % math.max(life, 1) == 0
      if reborn then
        places[k] = { (u[1] - 0.5) * side, (u[2] - 0.5) * side }
      else -- what leaves comes in on the other side
        places[k] = { (before[1] + dx + side / 2) % side - side / 2, (before[2] + dy + side / 2) % side - side / 2 }
      end
      frames[f][k] = places[k]
    end
  end
  return frames
end

-- One frame: the largest share that any dot covers of each pixel, drawn where the dots are.
local function dotted(dots, o)
  local size, radius = o.size, o.diameter / 2 * o.pixels_per_degree
  local values = {}
  for i = 1, size * size do values[i] = 0 end
  for _, dot in ipairs(dots) do
    local cx, cy = dot[1] * o.pixels_per_degree + (size + 1) / 2, dot[2] * o.pixels_per_degree + (size + 1) / 2
    for row = math.max(1, math.floor(cy - radius)), math.min(size, math.ceil(cy + radius)) do
      for left = math.max(1, math.floor(cx - radius)), math.min(size, math.ceil(cx + radius)) do
        local away = math.sqrt((left - cx) ^ 2 + (row - cy) ^ 2)
        local share = math.min(math.max(radius - away + 0.5, 0), 1, 2 * radius)
        local place = (row - 1) * size + left
        if share > values[place] then values[place] = share end
      end
    end
  end
  return values
end

--- stimuli.random_dots { size = 32, pixels_per_degree = 16, duration = 1, rate = 60, direction = 0, coherence = 1,
-- speed = 2, density = 4, diameter = 0.15, contrast = 1, mean = 0.5, lifetime =, repeats = 1, seed = }: movies of
-- dots, of which a share (coherence) moves in one direction while the others appear elsewhere at every frame (Newsome
-- & Pare 1988; which dots do is drawn anew for each frame). Dots that leave come in on the other side. direction,
-- coherence, speed, contrast and mean are numbers or lists; the set holds every combination `repeats` times
-- (set.columns.repetition), repetitions varying fastest and the direction slowest. Movie i depends on the seed, i and
-- the options alone.
-- > set = stimuli.random_dots { size = 32, duration = 0.2, rate = 20, coherence = { 0.1, 0.5, 1 } }
-- > set.x.shape, set.columns.coherence   --> { 3, 4, 1, 32, 32 } { 0.1, 0.5, 1 }
function M.random_dots(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.random_dots", "stimuli.random_dots { direction = { 0, 90 } }", position, ...)
  local o = schema.check("stimuli.random_dots", given or {}, DOTS, position)
  check_contrast(o, "stimuli.random_dots", -1, position)
  o.seed, o.repetition = o.seed or tensor.seed(), {}
  for k = 1, o.repeats do o.repetition[k] = k end
  local names = { "direction", "coherence", "speed", "contrast", "mean", "repetition" }
  local at = laid_out("stimuli.random_dots", o, names, position)
  for _, share in ipairs(at.columns.coherence) do
    if not (share >= 0 and share <= 1) then
      errors.raise("argument", position, "stimuli.random_dots: coherence is %s, expected 0 to 1", share)
    end
  end
  local side = o.size / o.pixels_per_degree
  return made(at, o, "random dots", function(v, first, last)
    local movies = {}
    for i = first, last do
      local row, pictures = {}, {}
      for c, name in ipairs(names) do row[name] = at.rows[i][c] end
      for f, dots in ipairs(walked(row, o, at, i, side)) do pictures[f] = dotted(dots, o) end
      movies[#movies + 1] = tensor.tensor(pictures, { dtype = "float64" }):reshape { -1, o.size, o.size }
    end
    return v.mean * (v.contrast * ops.stack(movies, { dim = 1 }) + 1)
  end)
end

return M
