--- lamina.neural.energy: a front end of complex cells, against which models are measured.
local errors = require "lamina.errors"
local image = require "lamina.core.image"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local STRIDE = 2 -- pixels between the places where energies are taken; they vary more slowly than the image

local FIELDS = schema.document("neural.gabor_energy", {
  orientations = { type = "integer", default = 12, min = 1, doc = "how many, evenly over 180 degrees" },
  wavelengths = { type = "table", default = { 4 }, doc = "of the filters, in pixels of the image at each scale" },
  scales = { type = "integer", default = 4, min = 1, doc = "the image at full size, 1/2, 1/4, ..." },
  grid = { type = "integer", default = 4, min = 1, doc = "energies are averaged over grid x grid parts" },
})

-- Quadrature pairs: even filters first, then odd ones in the same order.
local function filters(o, size)
  local rows = {}
  for _, phase in ipairs { 0, 90 } do
    for _, wavelength in ipairs(o.wavelengths) do
      for k = 0, o.orientations - 1 do
        rows[#rows + 1] = { 180 * k / o.orientations, wavelength, phase, 0.5 * wavelength, 0.75, 0, 0 }
      end
    end
  end
  return image.gabors(size, tensor.tensor(rows, { dtype = "float64" }))
end

-- sqrt(even^2 + odd^2), averaged over the parts of the grid.
local function energies(x, bank, pairs_, grid)
  local pad = bank:size(3) // 2
  local both = x:conv2d(bank, nil, { pad = pad, stride = STRIDE })
  local even, odd = both[{ {}, { 1, pairs_ } }], both[{ {}, { pairs_ + 1, 2 * pairs_ } }]
  local energy = (even:square() + odd:square()):sqrt()
  return image.resize(energy, grid, grid, "box"):reshape { #x, -1 }
end

--- neural.gabor_energy { orientations = 12, wavelengths = { 4 }, scales = 4, grid = 4 }: a function from images
-- (N x 1 x S x S) to features (N x p, float32): the energies sqrt(even^2 + odd^2) of quadrature pairs of Gabor
-- filters (sigma half a wavelength, aspect 0.75, no response to luminance) at several orientations, averaged over a
-- grid of positions. A wavelength of 4 pixels on the image at full size, 1/2, 1/4 and 1/8 is S/4, S/8, S/16 and S/32
-- cycles per image: an octave apart. By default 12 x 4 x 16 = 768 features. Each image first loses its mean. Adelson
-- & Bergen 1985.
-- > energy = neural.gabor_energy { orientations = 4, scales = 2, grid = 2 }
-- > energy(rand { 3, 1, 32, 32 }).shape   --> { 3, 32 }
function M.gabor_energy(given, ...)
  local position = errors.position(2)
  schema.alone("neural.gabor_energy", "neural.gabor_energy { orientations = 12, scales = 4 }", position, ...)
  local o = schema.check("neural.gabor_energy", given, FIELDS, position)
  local longest = 0
  for _, wavelength in ipairs(o.wavelengths) do longest = math.max(longest, wavelength) end
  local bank = filters(o, 2 * math.ceil(1.25 * longest) + 1)
  local pairs_ = o.orientations * #o.wavelengths
  return function(x)
    local size = x:size(-1)
    if x.ndim ~= 4 or x:size(2) ~= 1 or x:size(3) ~= size or size % (2 ^ (o.scales - 1)) ~= 0 then
      errors.raise("shape", position, "neural.gabor_energy: images are %s, expected N x 1 x S x S with S "
        .. "divisible by %d", table.concat(x.shape, "x"), 2 ^ (o.scales - 1))
    end
    return tensor.no_grad(function()
      x = x:to "float32"
      x = x - x:mean { dim = { 2, 3, 4 }, keepdim = true }
      local parts = {}
      for scale = 1, o.scales do
        local side = size // math.tointeger(2 ^ (scale - 1))
        parts[scale] = energies(scale == 1 and x or image.resize(x, side, side, "box"), bank, pairs_, o.grid)
      end
      return ops.concat(parts, { dim = 2 })
    end)
  end
end

return M
