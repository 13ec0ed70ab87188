--- lamina.rdm.noise: the covariance of noise over channels, shrunk, and its inverse.
--
-- Residuals are trials less the mean of their condition. "shrinkage" keeps the variances and shrinks the correlations
-- towards 0 by the amount that Schaefer & Strimmer (2005) estimate; "ledoit_wolf" shrinks towards a multiple of the
-- identity (Ledoit & Wolf 2004); "diagonal" keeps variances alone; "full" shrinks nothing.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

M.kinds = { "shrinkage", "ledoit_wolf", "diagonal", "full" }

-- The sample covariance with correlations shrunk. r: residuals (trials x channels), dof: degrees of freedom.
local function shrink_correlations(r, dof)
  local n = #r
  local sum = r:t():matmul(r)
  local covariance = sum / dof
  local variance = ops.diagonal(covariance, {}):reshape { 1, -1 }
  local scale = variance:sqrt()
  local squares = r:square()
  local mean = sum / scale / scale:t() / (n - 1)
  local mean2 = squares:t():matmul(squares) / variance / variance:t() / (n - 1)
  local spread = (mean2 - mean:square()) * (n / dof ^ 2)
  local function off_diagonal(t) return (t:sum() - ops.diagonal(t, {}):sum()):item() end
  local lambda = math.max(0, math.min(1, off_diagonal(spread) / off_diagonal(mean:square())))
  local keep = tensor.eye(#covariance, { dtype = "float64" }) * lambda + (1 - lambda)
  return covariance * keep, lambda
end

local function shrink_to_identity(r, dof)
  local n, p = #r, r:size(2)
  local s, squares = r:t():matmul(r) / n, r:square()
  local b2 = (squares:t():matmul(squares) / n - s:square()):sum():item() / n
  local m = ops.diagonal(s, {}):sum():item() / p
  local eye = tensor.eye(p, { dtype = "float64" })
  local d2 = (s - eye * m):square():sum():item()
  b2 = math.min(b2, d2)
  return (eye * (b2 / d2 * m) + s * ((d2 - b2) / d2)) * (n / dof), b2 / d2
end

local ROUNDING = 1e-13 -- of a channel's largest response: residuals below are what rounding leaves of none

-- Names of the channels whose residuals do not vary: positions, and their ids where these are known. sizes: the
-- channels' largest responses.
local function silent(variance, sizes, ids)
  local names, least = {}, (sizes * ROUNDING):square():totable()
  for c, v in ipairs(variance:totable()) do
    if v ~= v or v <= least[c] then
      names[#names + 1] = ids and string.format("%d: %s", c, common.key(ids[c])) or c
    end
  end
  return names
end

--- The noise covariance of residuals (trials x channels), its inverse (the precision), and by how much it was shrunk.
-- dof: degrees of freedom; sizes: the largest response of each channel, without its sign. Channels without variance
-- are an error that names them, by ids (optional) as well.
function M.estimate(residuals, kind, dof, sizes, position, ids)
  if dof < 2 then
    errors.raise("argument", position, "rdm: %d trials leave %d degrees of freedom for the noise, expected at least "
      .. "2: "
      .. "give more trials of each condition, or noise = a precision", #residuals, dof)
  end
  local variance = residuals:square():sum(1) / dof
  local flat = silent(variance, sizes, ids)
  if #flat > 0 then
    errors.raise("numeric", position, "rdm: %s without noise variance (%s), which method = \"mahalanobis\" and "
      .. "\"crossnobis\" cannot weigh: leave such channels out%s, or say noise = \"none\", which weighs all alike",
      common.plural(#flat, "channel"), common.some(flat), ids and ", as in a:select { neuroid_id = function(id) "
      .. "return ... end }" or "")
  end
  local covariance, shrunk
  if kind == "shrinkage" then
    covariance, shrunk = shrink_correlations(residuals, dof)
  elseif kind == "ledoit_wolf" then
    covariance, shrunk = shrink_to_identity(residuals, dof)
  elseif kind == "diagonal" then
    covariance, shrunk = ops.diag_embed(variance), 1
  else
    if dof < residuals:size(2) then
      errors.raise("numeric", position, "rdm: the noise covariance of %d channels from %d degrees of freedom has no "
        .. "inverse; noise = \"shrinkage\" gives it one", residuals:size(2), dof)
    end
    covariance, shrunk = residuals:t():matmul(residuals) / dof, 0
  end
  return covariance, ops.inverse(covariance), shrunk
end

return M
