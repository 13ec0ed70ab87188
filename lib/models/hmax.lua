--- HMAX: simple and complex cells in alternation, templates and maxima.
local architecture = require "lamina.architecture"
local average = require "lamina.layers.average"
local concat = require "lamina.layers.concat"
local conjunctions = require "lamina.layers.conjunctions"
local dense = require "lamina.layers.dense"
local identity = require "lamina.layers.identity"
local maximum = require "lamina.layers.maximum"
local pool = require "lamina.layers.pool"
local stimuli = require "lamina.stimuli"
local templates = require "lamina.layers.templates"
local tensor = require "lamina.core.tensor"
local words = require "lamina.model.words"

local input, area, readout, shared = words.input, words.area, words.readout, words.shared

local ANGLES = { 0, 45, 90, 135 }

-- A layer of S1 cells: filters of one size.
local function s1(filters)
  return templates { #filters, kernel = filters:size(3), pad = "same", mode = "replicate", match = "cosine",
    values = filters }
end

-- The areas of all bands, V1band1, ..., then V4band1, ...; and the names of the latter.
local function banded(o, items, bands, c1, s2)
  local names = {}
  for b, band in ipairs(bands) do
    items[#items + 1] = area("V1band" .. b) { from = "input", c1(band) }
  end
  for b in ipairs(bands) do
    names[b] = "V4band" .. b
    items[#items + 1] = area(names[b]) { from = "V1band" .. b, s2(b), pool.global { o.pooling } }
  end
  items[#items + 1] = area "IT" { from = names, combine = o.pooling == "max" and "maximum" or "average", identity }
  items[#items + 1] = readout "category" { dense { o.classes } }
  return items
end

-- Branches, one for each size, joined by the largest or the mean, and pooled over places.
local function c1_of(o, layers, window, step)
  local join = o.pooling == "max" and maximum or average
  return { #layers > 1 and join(layers) or layers[1], pool[o.pooling] { window, stride = step, ceil = true } }
end

local POOLING = { type = "string", default = "max", choices = { "max", "avg" },
  doc = "what C cells do: the largest of what they see, or (SUM in the paper) the mean" }

-- ---- 1999 --------------------------------------------------------------------------------------------------------

-- Sizes of filters (pixels), and the side and step of C1 windows, band by band.
local BANDS_1999 = {
  { sizes = { 7, 9 }, window = 4, step = 2 },
  { sizes = { 11, 13, 15 }, window = 6, step = 3 },
  { sizes = { 17, 19, 21 }, window = 9, step = 5 },
  { sizes = { 23, 25, 27, 29 }, window = 12, step = 6 },
}

-- Minus the second derivative of a Gaussian across each orientation, of sum 0 and norm 1: 4 x 1 x size x size.
local function second_derivatives(size)
  local sigma = size / 4
  local place = tensor.arange(1, size, { dtype = "float64" }) - (size + 1) / 2
  local x, y, list = place:reshape { 1, size }, place:reshape { size, 1 }, {}
  for i, angle in ipairs(ANGLES) do
    local a = angle * math.pi / 180
    local across = (x * math.sin(a) + y * math.cos(a)) / sigma
    local f = (1 - across:square()) * ((x:square() + y:square()) * (-0.5 / sigma ^ 2)):exp()
    f = f - f:mean()
    list[i] = (f / f:square():sum():sqrt()):unsqueeze(1)
  end
  return require("lamina.core.ops").stack(list, { dim = 1 }):to "float32"
end

local function make_1999(o)
  local items = { input(o.input) }
  return banded(o, items, BANDS_1999, function(band)
    local layers = {}
    for i, size in ipairs(band.sizes) do layers[i] = s1(second_derivatives(size)) end
    return c1_of(o, layers, band.window, band.step)
  end, function() return conjunctions { 2, dilation = 2, sigma = 1 } end)
end

-- ---- 2007 --------------------------------------------------------------------------------------------------------

-- Size, sigma and wavelength of the Gabor filters (pixels), two of which make a band (Serre et al. 2007, Table 1).
local FILTERS_2007 = {
  { 7, 2.8, 3.5 }, { 9, 3.6, 4.6 }, { 11, 4.5, 5.6 }, { 13, 5.4, 6.8 }, { 15, 6.3, 7.9 }, { 17, 7.3, 9.1 },
  { 19, 8.2, 10.3 }, { 21, 9.2, 11.5 }, { 23, 10.2, 12.7 }, { 25, 11.3, 14.1 }, { 27, 12.3, 15.4 },
  { 29, 13.4, 16.8 }, { 31, 14.6, 18.2 }, { 33, 15.8, 19.7 }, { 35, 17.0, 21.2 }, { 37, 18.2, 22.8 },
}
-- Steps between C1 windows of 8, 10, ... 22.
local STEPS_2007 = { pami = { 4, 5, 6, 7, 8, 9, 10, 11 }, pnas = { 3, 5, 7, 8, 10, 12, 13, 15 } }

local function make_2007(o, wide)
  local items, bands = { input(o.input) }, {}
  for b = 1, 8 do
    bands[b] = { filters = { FILTERS_2007[2 * b - 1], FILTERS_2007[2 * b] }, window = 6 + 2 * b,
      step = STEPS_2007[o.lineage][b] }
  end
  local s2 = {}
  for i, size in ipairs(o.sizes) do
    s2[i] = shared(templates { wide(o.templates), kernel = size, pad = "same", beta = o.beta * (4 / size) ^ 2,
      name = "s2_" .. size })
  end
  return banded(o, items, bands, function(band)
    local layers = {}
    for i, f in ipairs(band.filters) do
      local filters = stimuli.gabors { size = f[1], orientation = ANGLES, sigma = f[2], wavelength = f[3],
        gamma = 0.3, phase = 0 }
      layers[i] = s1(filters)
    end
    return c1_of(o, layers, band.window, band.step)
  end, function()
    local branches = {}
    for i in ipairs(s2) do branches[i] = { s2[i], name = "size" .. o.sizes[i] } end
    return concat(branches)
  end)
end

return {
  architecture.define { word = "hmax1999", name = "HMAX 1999", input = { 1, 160, 160 }, classes = 10,
    parameters = 2570,
    example = [[
net = models.hmax1999 { classes = 10 }
net.IT.shape, net:count()   --> { 256 } 2570]],
    doc = "HMAX with 256 composite features. S1: second derivatives of Gaussians of 4 orientations and 12 sizes, 7 "
      .. "to 29 pixels, whose responses are divided by the contrast below them. C1: the largest over places and "
      .. "sizes in 4 bands. S2: all 256 combinations of orientations at 2 x 2 places. C2 (area IT): the largest of "
      .. "each over all places and bands. Only the readout has weights that are learned; view-tuned units are "
      .. "templates {...} on IT. Riesenhuber & Poggio 1999.",
    options = { pooling = POOLING }, make = make_1999 },
  architecture.define { word = "hmax2007", name = "HMAX 2007", input = { 1, 128, 128 }, classes = 10,
    parameters = 10010,
    example = [[
net = models.hmax2007 { classes = 2, templates = 100 }   -- of each of four sizes
net.IT.shape, net:count()   --> { 400 } 802]],
    doc = "HMAX with templates taken from images. S1: Gabor filters of 4 orientations and 16 sizes, 7 to 37 pixels, "
      .. "whose responses are divided by the contrast below them. C1: the largest over places and two sizes, in 8 "
      .. "bands. S2: exp(-beta |X - P|^2) to patches P of C1 maps, the same in all bands; outside a map C1 is 0, and "
      .. "beta falls with the patch's area (Mutch & Lowe 2008). C2 (area IT): the largest over all places and bands. "
      .. "The patches are drawn at random until imprint { net, images } takes them from images; only the readout has "
      .. "weights that learn by gradients. Serre, Wolf, Bileschi, Riesenhuber & Poggio 2007.",
    options = {
      templates = { type = "integer", default = 250, min = 1, doc = "patches of each size, before width" },
      sizes = { type = "table", default = { 4, 8, 12, 16 }, doc = "sides of the patches, in places of C1" },
      beta = { type = "number", default = 0.5, above = 0, doc = "how sharply patches of 4 x 4 are tuned; those of "
        .. "n x n have beta (4 / n)^2" },
      lineage = { type = "string", default = "pami", choices = { "pami", "pnas" }, doc = "C1's steps: 4 5 6 ... 11 "
        .. "(half a window; Serre et al. 2007, PAMI) or 3 5 7 8 10 12 13 15 (PNAS)" },
      pooling = POOLING,
    },
    resolve = function(o)
      for i, size in ipairs(o.sizes) do
        if math.type(size) ~= "integer" or size < 1 then
          return nil, string.format("sizes[%d] is %s, expected a whole number of at least 1", i, tostring(size))
        end
      end
      if #o.sizes == 0 then return nil, "sizes is empty, expected sides of patches such as { 4, 8, 12, 16 }" end
      return o
    end,
    make = make_2007 },
}
