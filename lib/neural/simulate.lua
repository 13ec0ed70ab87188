--- lamina.neural.simulate: a brain area whose tuning is known, to test what an analysis can find.
local assembly = require "lamina.neural.assembly"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local image = require "lamina.core.image"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stats = require "lamina.core.stats"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = schema.document("neural.simulate", {
  positional = { "stimuli" },
  stimuli = { type = "any", required = true, doc = "images N x 1 x S x S; with labels where there are object units" },
  simple = { type = "integer", default = 0, min = 0, doc = "how many simple cells" },
  complex = { type = "integer", default = 0, min = 0, doc = "how many complex cells" },
  object = { type = "integer", default = 0, min = 0, doc = "how many object-selective units" },
  repeats = { type = "integer", default = 10, min = 1, doc = "presentations of each stimulus" },
  rate = { type = "number", default = 5, above = 0, max = 100, doc = "each unit's mean count over the stimuli" },
  noise = { type = "string", default = "poisson", choices = { "poisson", "none" },
    doc = "counts vary like a Poisson process around the rate, or not at all" },
  seed = { type = "integer", doc = "of tuning and noise; the experiment's if absent" },
  name = { type = "string", default = "simulated", doc = "what print shows, and neural.join tells "
    .. "recordings apart by" },
})

-- n uniform numbers in [low, high) for a purpose.
local function draw(n, seed, purpose, low, high)
  return tensor.draw({ kind = "uniform", shape = { n }, seed = seed, purpose = "simulate." .. purpose, low = low,
    high = high, dtype = "float64" }):totable()
end

-- Gabor receptive fields somewhere in the image: n x 1 x S x S at a phase offset, and their parameters.
local function fields_of(n, size, seed, kind)
  local rows = { orientation = draw(n, seed, kind .. ".orientation", 0, 180),
    wavelength = draw(n, seed, kind .. ".wavelength", 0.15 * size, 0.35 * size),
    phase = draw(n, seed, kind .. ".phase", 0, 360), x = draw(n, seed, kind .. ".x", -0.2 * size, 0.2 * size),
    y = draw(n, seed, kind .. ".y", -0.2 * size, 0.2 * size) }
  local function bank(turn)
    local list = {}
    for i = 1, n do
      list[i] = { rows.orientation[i], rows.wavelength[i], rows.phase[i] + turn, 0.5 * rows.wavelength[i], 0.75,
        rows.x[i], rows.y[i] }
    end
    return image.gabors(size, tensor.tensor(list, { dtype = "float64" })):reshape { n, size * size }
  end
  return bank, rows
end

-- Drives (stimuli x n): relu(w . x) for simple cells, sqrt((w . x)^2 + (w' . x)^2) for complex ones.
local function gabor_drive(kind, n, flat, size, seed)
  local bank, rows = fields_of(n, size, seed, kind)
  local even = flat:matmul(bank(0):t())
  if kind == "simple" then return even:relu():to "float64", rows end
  local odd = flat:matmul(bank(90):t())
  return (even:square() + odd:square()):sqrt():to "float64", rows
end

-- Object units: each class has a random drive (one of them 1, the others below 0.5), lessened by distance from a wide
-- receptive field where the positions are known.
local function object_drive(n, set, seed)
  local classes = #set.classes
  local table_ = tensor.draw { kind = "uniform", shape = { classes, n }, seed = seed,
    purpose = "simulate.object.tuning", low = 0, high = 0.5, dtype = "float64" }
  local best = tensor.draw({ kind = "int", shape = { n }, seed = seed, purpose = "simulate.object.class", low = 1,
    high = classes, dtype = "int64" }):totable()
  for i, class in ipairs(best) do table_[class][i] = 1 end
  local drive = table_:index_select(set.y, { dim = 1 })
  local rows = { preferred = {}, x = draw(n, seed, "object.x", -0.15, 0.15),
    y = draw(n, seed, "object.y", -0.15, 0.15) }
  for i, class in ipairs(best) do rows.preferred[i] = set.classes[class] end
  if set.latent then
    local x, y = tensor.tensor(rows.x, { dtype = "float64" }), tensor.tensor(rows.y, { dtype = "float64" })
    local dx = set.latent.x:reshape { -1, 1 } - x:reshape { 1, -1 }
    local dy = set.latent.y:reshape { -1, 1 } - y:reshape { 1, -1 }
    drive = drive * ((dx:square() + dy:square()) * (-1 / (2 * 0.3 ^ 2))):exp()
  end
  return drive, rows
end

-- Appends the coordinates of n units of a kind.
local function describe(neuroid, kind, n, rows)
  local names = { "orientation", "wavelength", "phase", "x", "y", "preferred" }
  for i = 1, n do
    table.insert(neuroid.kind, kind)
    for _, name in ipairs(names) do
      local value = rows[name] and rows[name][i]
      table.insert(neuroid[name], value or (name == "preferred" and "" or 0 / 0))
    end
  end
end

local function drives_of(o, set, neuroid, position)
  local size = set.x:size(-1)
  local flat = set.x:reshape { #set, -1 }
  local parts = {}
  for _, kind in ipairs { "simple", "complex" } do
    if o[kind] > 0 then
      local drive, rows = gabor_drive(kind, o[kind], flat, size, o.seed)
      parts[#parts + 1] = drive
      describe(neuroid, kind, o[kind], rows)
    end
  end
  if o.object > 0 then
    if not set.y or not set.classes then
      errors.raise("argument", position, "neural.simulate: object units need stimuli with labels and classes, such "
        .. "as stimuli.objects { 200 }")
    end
    local drive, rows = object_drive(o.object, set, o.seed)
    parts[#parts + 1] = drive
    describe(neuroid, "object", o.object, rows)
  end
  return ops.concat(parts, { dim = 2 })
end

--- neural.simulate { stimuli, simple = 0, complex = 0, object = 0, repeats = 10, rate = 5, noise = "poisson", seed =,
-- name = }: an assembly of units of known tuning.
--   simple   half-rectified response of a Gabor filter at a random place, orientation, wavelength and phase
--   complex  energy of a quadrature pair of such filters: the same at every phase
--   object   tuned to the class of the object (one preferred class), falling off with distance over a wide receptive
--            field (sigma 0.3 of the image) where the stimuli say where their objects are
-- Each unit is scaled to `rate` counts per presentation on average; noise "poisson" draws every count from that rate
-- (rates above 500 are cut there). a.neuroid holds kind and the tuning parameters, a.rates the noise-free rates.
-- > set = stimuli.gratings { size = 16, orientation = arange(0, 150, 30), frequency = 4 }
-- > neural.simulate({ set, simple = 3, complex = 2, repeats = 10 }).responses.shape   --> { 6, 5, 10 }
function M.simulate(given, ...)
  local position = errors.position(2)
  schema.alone("neural.simulate", "neural.simulate { stimuli, simple = 3, repeats = 10 }", position, ...)
  local o = schema.check("neural.simulate", given, FIELDS, position)
  local set = stimuli.of(o.stimuli, position)
  local size = set.x:size(-1)
  if set.x:size(2) ~= 1 or set.x:size(3) ~= size then
    errors.raise("shape", position, "neural.simulate: images are %s, expected 1 x S x S",
      table.concat(set.x.shape, "x", 2))
  end
  if o.simple + o.complex + o.object == 0 then
    errors.raise("argument", position, "neural.simulate: no units; say simple =, complex = or object =")
  end
  o.seed = o.seed or tensor.seed()
  return tensor.no_grad(function()
    local neuroid = { kind = {}, orientation = {}, wavelength = {}, phase = {}, x = {}, y = {}, preferred = {} }
    local drives = drives_of(o, set, neuroid, position)
    local mean = drives:mean { dim = 1, keepdim = true }
    local rates = (drives * o.rate / ops.where(mean:gt(0), mean, tensor.ones { 1, dtype = "float64" })):clamp(0, 500)
    local shape = { rates:size(1), rates:size(2), o.repeats }
    local trials = rates:reshape { shape[1], shape[2], 1 }:expand(shape):contiguous()
    if o.noise == "poisson" then trials = stats.poisson(trials, { seed = o.seed, purpose = "simulate.noise" }) end
    local columns = { stimulus_id = set.id }
    for name, column in pairs(set.columns) do columns[name] = column end
    if set.y then columns.label = common.list(set.y) end
    neuroid.neuroid_id = common.count_up(shape[2])
    local made = assembly.make({ responses = trials, valid = tensor.ones(shape, { dtype = "bool" }),
      stimulus = columns, neuroid = neuroid, numbered = set.numbered, name = o.name }, o.name, position)
    made.rates = rates
    return made
  end)
end

return M
