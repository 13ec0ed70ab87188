--- lamina.fft: Fourier transforms of any length.
--
--   local spectrum = fft.rfft(signal)            or signal:rfft()
--   local image = fft.irfft2(fft.rfft2(x))       every word but the frequencies and shifts is a method of tensors too
--
-- complex signals   fft ifft; fft2 ifft2; fftn ifftn           real ones   rfft irfft; rfft2 irfft2; rfftn irfftn
-- complex numbers   complex real imag complex_abs angle conj complex_mul
-- convolutions      fft_conv
-- where is what     fft.fftfreq fft.rfftfreq fft.fftshift fft.ifftshift
--
-- A complex tensor is a real one whose last axis has size 2 (real, imaginary), and `dim` does not count that axis.
-- Options: n (s for several axes), dim, norm = "backward", "ortho" or "forward", as in NumPy. All have gradients, and
-- are exact: the same bits with any number of threads and on any processor. help "fft.rfft" explains one.
-- > signal = (arange(0, 7) * (2 * math.pi * 2 / 8)):cos()   -- two periods in 8 samples
-- > fft.complex_abs(fft.rfft(signal)):round()   --> [0. 0. 4. 0. 0.]
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"

local M = {}

local NAMES = "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn complex real imag complex_abs "
  .. "angle conj complex_mul fft_conv"

for name in NAMES:gmatch "%S+" do M[name] = ops[name] end

local FREQUENCIES = {
  positional = { "n", "spacing" },
  n = { type = "integer", min = 1, required = true, doc = "the length of the signal" },
  spacing = { type = "number", default = 1, doc = "the time (or distance) between its samples" },
}

local function frequencies(word, given, spacing, half)
  local position = errors.position(3)
  if type(given) ~= "table" then given = { given, spacing } end
  local o = schema.check("fft." .. word, given, FREQUENCIES, position)
  if o.spacing == 0 then errors.raise("argument", position, "fft.%s: spacing is 0", word) end
  local list = {}
  for k = 0, half and o.n // 2 or o.n - 1 do
    local cycles = (half or 2 * k < o.n) and k or k - o.n
    list[k + 1] = cycles / (o.n * o.spacing)
  end
  return core.tensor(list, { dtype = "float64" })
end

schema.document("fft.fftfreq", FREQUENCIES)
schema.document("fft.rfftfreq", FREQUENCIES)

--- fft.fftfreq(n, spacing = 1): the frequency of each element of a transform of length n, in cycles per unit of the
-- spacing: 0, 1, ... and then the negative ones, over n spacing. float64.
-- > fft.fftfreq(4, 0.25)   --> [0. 1. -2. -1.]
function M.fftfreq(n, spacing) return frequencies("fftfreq", n, spacing, false) end

--- fft.rfftfreq(n, spacing = 1): the same for the n / 2 + 1 elements of a real signal's transform.
-- > fft.rfftfreq(8, 1 / 1000)   --> [0. 125. 250. 375. 500.]
function M.rfftfreq(n, spacing) return frequencies("rfftfreq", n, spacing, true) end

local SHIFT = {
  dim = { type = { "integer", "table" }, doc = "the axes; absent: all" },
  complex = { type = "boolean", default = false,
    doc = "whether the last axis is that of complex numbers, which stays" },
}

local function shifted(word, x, given, way)
  local position = errors.position(3)
  if not core.is_tensor(x) then
    errors.raise("argument", position, "fft.%s: expected a tensor, not a %s", word, type(x))
  end
  local o = schema.check("fft." .. word, given or {}, SHIFT, position)
  local signal = x.ndim - (o.complex and 1 or 0)
  local axes = type(o.dim) == "table" and o.dim or { o.dim }
  if o.dim == nil then for i = 1, signal do axes[i] = i end end
  for _, axis in ipairs(axes) do
    local at = math.type(axis) == "integer" and (axis < 0 and axis + signal + 1 or axis) or 0
    if at < 1 or at > signal then
      errors.raise("argument", position, "fft.%s: dim %s is not an axis of a signal with %d", word, tostring(axis),
        signal)
    end
    local n = x:size(at)
    if n > 1 then x = ops.roll(x, way > 0 and n // 2 or -(n // 2), { dims = at }) end
  end
  return x
end

schema.document("fft.fftshift", SHIFT)
schema.document("fft.ifftshift", SHIFT)

--- fft.fftshift(x, { dim =, complex = false }): frequency 0 in the middle: each axis (or those of dim) rolled by half
-- its size. For a complex tensor say complex = true. fft.fftshift(fft.fftfreq(8)) rises from -0.5 to 0.375.
-- > fft.fftshift(tensor { 0, 1, -2, -1 })   --> [-2. -1. 0. 1.]
function M.fftshift(x, options) return shifted("fftshift", x, options, 1) end

--- fft.ifftshift(x, { dim =, complex = false }): what undoes fft.fftshift, for odd sizes as well.
-- > fft.ifftshift(tensor { -2, -1, 0, 1 })   --> [0. 1. -2. -1.]
function M.ifftshift(x, options) return shifted("ifftshift", x, options, -1) end

return M
