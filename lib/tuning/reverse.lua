--- lamina.tuning.reverse: receptive fields from responses to noise, by reverse correlation.
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

-- Stimuli as rows without their mean, responses as columns.
local function matrices(what, stimuli, responses, position)
  local x = tensor.is_tensor(stimuli) and stimuli or type(stimuli) == "table" and stimuli.x
  if not tensor.is_tensor(x) or x.ndim < 2 then
    errors.raise("argument", position, "%s: expected stimuli (a set, or a tensor with a row for each), got a %s",
      what,
      type(stimuli))
  end
  local r = tensor.is_tensor(responses) and responses or tensor.tensor(responses, { dtype = "float64" })
  local single = r.ndim == 1
  r = r:to "float64"
  if single then r = r:reshape { -1, 1 } end
  if r.ndim ~= 2 or #r ~= #x then
    errors.raise("shape", position, "%s: %d stimuli, but responses %s; expected a row for each", what, #x,
      table.concat(r.shape, "x"))
  end
  local flat = x:reshape({ #x, -1 }):to "float64"
  return flat - flat:mean { dim = 1, keepdim = true }, r, single, table.move(x.shape, 2, x.ndim, 1, {})
end

--- tuning.sta(stimuli, responses): the spike-triggered average, the mean of the stimuli weighted by the responses
-- less the mean of all stimuli: sum r (s - mean s) / sum r (de Boer & Kuyper 1968; Chichilnisky 2001). Stimuli: a
-- set or N x ...; responses: N, or N x units. The result has a stimulus's shape, with an axis of units before it
-- where responses have one. NaN for a unit that never responded.
-- > set, gabor = stimuli.noise { 2000, size = 8 }, stimuli.gabors({ size = 8, orientations = 1 })[1]
-- > sta = tuning.sta(set, (set.x * gabor):sum({ 2, 3, 4 }):relu())
-- > sta.shape, (sta * gabor):sum() / sta:square():sum():sqrt()   --> { 1, 8, 8 } 0.9801296
function M.sta(stimuli, responses)
  local s, r, single, shape = matrices("tuning.sta", stimuli, responses, errors.position(2))
  local sum = r:t():matmul(s) / r:sum({ dim = 1 }):reshape { -1, 1 }
  if not single then table.insert(shape, 1, r:size(2)) end
  return sum:reshape(shape)
end

local STC = schema.document("tuning.stc", {
  positional = { "stimuli", "responses" },
  stimuli = { type = "any", required = true, doc = "a set, or a tensor with a row for each" },
  responses = { type = { "tensor", "table" }, required = true, doc = "spike counts of one unit: N numbers" },
  keep = { type = "integer", default = 4, min = 1, doc = "how many filters at each end of the spectrum" },
})

--- tuning.stc { stimuli, responses, keep = 4 }: the spike-triggered covariance, of the part of the stimuli
-- orthogonal to the spike-triggered average, less the covariance of all stimuli (Schwartz et al. 2006): a table with
-- values (its eigenvalues, the largest first; above 0: the variance along that filter is larger where there are
-- spikes), excitatory and suppressive (`keep` filters of either end, each with a stimulus's shape), and sta.
-- > s = randn { 4000, 5 }
-- > c = tuning.stc { s, s[{ {}, 2 }]:square(), keep = 1 }   -- energy along the second axis
-- > c.excitatory:abs():round()   --> [[0. 1. 0. 0. 0.]]
function M.stc(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.stc", "tuning.stc { stimuli, responses }", position, ...)
  local o = schema.check("tuning.stc", given, STC, position)
  local s, r, single, shape = matrices("tuning.stc", o.stimuli, o.responses, position)
  if not single and r:size(2) ~= 1 then
    errors.raise("shape", position, "tuning.stc: responses of %d units; it takes those of one", r:size(2))
  end
  local total = r:sum():item()
  if total ~= total or total <= 0 then errors.raise("argument", position, "tuning.stc: the unit never responded") end
  local n, p = s:size(1), s:size(2)
  local sta = r:t():matmul(s) / total
  local along = sta / sta:norm():clamp(1e-300, math.huge)
  local rest = s - s:matmul(along:t()):matmul(along)
  local triggered = (rest * r):t():matmul(rest) / total
  local values, vectors = ops.eigh(triggered - rest:t():matmul(rest) / n)
  local keep = math.min(o.keep, p)
  local function filters(first, last, step)
    local list = {}
    for k = first, last, step do list[#list + 1] = ops.select(vectors, { dim = 2, index = k }) end
    return ops.stack(list, { dim = 1 }):reshape { #list, table.unpack(shape) }
  end
  return { values = ops.flip(values, { dims = { 1 } }), excitatory = filters(p, p - keep + 1, -1),
    suppressive = filters(1, keep, 1), sta = sta:reshape(shape) }
end

return M
