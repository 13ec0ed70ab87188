--- lamina.neural.noisy: repeated presentations of neurons whose mean responses are known.
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"

local M = {}

local FIELDS = schema.document("neural.noisy", {
  positional = { "rates" },
  rates = { type = { "tensor", "table" }, required = true, doc = "mean responses, any shape" },
  repeats = { type = "integer", default = 10, min = 1, doc = "presentations of each" },
  noise = { type = "string", default = "poisson", choices = { "poisson", "gaussian" }, doc = "how trials vary" },
  sd = { type = "number", default = 1, min = 0, doc = "of Gaussian noise" },
  seed = { type = "integer", doc = "of the noise; the experiment's if absent" },
  purpose = { type = "string", default = "neural.noisy", doc = "tells draws of one seed apart" },
})

--- neural.noisy { rates, repeats = 10, noise = "poisson", sd = 1, seed =, purpose = }: trials of neurons with these
-- mean responses (any shape): the same shape with an axis of `repeats` after it, float64. "poisson" draws spike
-- counts (rates are not negative), "gaussian" adds noise of standard deviation sd.
-- > trials = neural.noisy { tensor { 2, 10, 50 }, repeats = 1000 }
-- > trials.shape, trials:mean({ dim = 2 }):round()   --> { 3, 1000 } [2. 10. 50.]
function M.noisy(given, ...)
  local position = errors.position(2)
  schema.alone("neural.noisy", "neural.noisy { rates, repeats = 10 }", position, ...)
  if tensor.is_tensor(given) then given = { given } end
  local o = schema.check("neural.noisy", given, FIELDS, position)
  local rates = tensor.is_tensor(o.rates) and o.rates:to "float64" or tensor.tensor(o.rates, { dtype = "float64" })
  local shape = table.move(rates.shape, 1, rates.ndim, 1, {})
  shape[#shape + 1] = o.repeats
  if not rates:isfinite():all():item() or (o.noise == "poisson" and not rates:ge(0):all():item()) then
    errors.raise("argument", position, "neural.noisy: rates must be finite%s",
      o.noise == "poisson" and " and not negative" or "")
  end
  local trials, seed = rates:unsqueeze(-1):expand(shape):contiguous(), o.seed or tensor.seed()
  if o.noise == "poisson" then return stats.poisson(trials, { seed = seed, purpose = o.purpose }) end
  return trials + tensor.draw { kind = "normal", shape = shape, seed = seed, purpose = o.purpose, std = o.sd,
    dtype = "float64" }
end

return M
