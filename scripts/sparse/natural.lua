-- natural.lua: what the scripts beside it share of natural images.
--
-- require "natural" gives
--   images()            the whitened images of Olshausen & Field (1996) at variance 0.1; nil where they are not
--   components(x)       the principal components of patches (n x size^2), one in each row, the largest variance first
--   localised(f, size)  whether a filter (size^2 numbers) is localised, its fit, and the envelope's part of the patch
local M = {}

function M.images()
  local folder = try(data.folder, "natural-images", "olshausen_whitened.npy")
  if not folder then return nil end
  local images = data.npy(folder .. "/olshausen_whitened.npy")
  return images * math.sqrt(0.1 / images:square():mean():item())
end

function M.components(x)
  x = x:to "float64"
  x = x - x:mean { dim = 1, keepdim = true }
  local _, vectors = ops.eigh(x:t():matmul(x) / #x)
  return ops.flip(vectors, { dims = { 2 } }):t():contiguous()
end

-- A filter is localised where a Gabor function explains 70 % of its variance and the function's envelope (full width
-- at half height, the geometric mean of its two axes) is no wider than half the patch.
function M.localised(f, size)
  f = f:reshape { size, size }
  local fit = tuning.fit_gabor { f / f:abs():max(), starts = 3 }
  local envelope = 2 * math.sqrt(2 * math.log(2) * fit.sigma * fit.along) / size
  return fit.r2 >= 0.7 and envelope <= 0.5, fit, envelope
end

return M
