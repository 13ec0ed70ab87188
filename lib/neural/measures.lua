--- lamina.neural.measures: how well predictions fit responses, for each neuroid: correlation, explained variance,
-- likelihood, and what noise leaves to be explained.
local assemblies -- required at its first use: assemblies know scores
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"
local trials = require "lamina.neural.trials"

local M = {}

local LEAST = 1e-8 -- the least rate of which a Poisson likelihood is taken

local function nan_where_constant(y, value)
  return ops.where(y:var { dim = 1, correction = 0 }:gt(0), value, tensor.full({ 1 }, 0 / 0, { dtype = "float64" }))
end

--- measures.NAME(guess, y): of predictions and responses, both stimuli x neuroids: a number for each neuroid,
-- float64; NaN for one whose responses do not vary.
M.plain = {
  -- Pearson's r; 0 for a constant prediction, which explains nothing
  r = function(guess, y) return nan_where_constant(y, stats.pearson(guess, y)) end,
  -- 1 - var(y - guess) / var(y): an offset costs nothing
  ev = function(guess, y)
    return nan_where_constant(y, 1 - (y - guess):var { dim = 1, correction = 0 } / y:var { dim = 1, correction = 0 })
  end,
  -- 1 - sum of squared errors / sum of squares around the mean of y: an offset costs, too
  r2 = function(guess, y)
    local spread = (y - y:mean { dim = 1, keepdim = true }):square():sum { dim = 1 }
    return nan_where_constant(y, 1 - (y - guess):square():sum { dim = 1 } / spread)
  end,
  -- mean log likelihood of counts y under Poisson rates `guess`, above that of the mean rate, in bits per event; NaN
  -- where there is no event, and where responses are below 0, which are no counts; rates below LEAST count as that
  poisson = function(guess, y)
    guess = guess:clamp(LEAST, math.huge)
    local mean = y:mean { dim = 1, keepdim = true }
    local gain = (y * (guess / mean):log() - guess + mean):sum { dim = 1 } / math.log(2)
    local counts = y:min({ dim = 1 }):ge(0):logical_and(mean:reshape { -1 }:gt(0))
    return ops.where(counts, gain / y:sum { dim = 1 }, tensor.full({ 1 }, 0 / 0,
      { dtype = "float64" }))
  end,
}

--- "12 of 360" where predicted rates (guesses: tensors, or folds with such a guess) are below the least of which a
-- Poisson likelihood is taken, and count as that; nil where none is.
function M.low_rates(guesses)
  local low, all = 0, 0
  for _, guess in ipairs(guesses) do
    guess = not tensor.is_tensor(guess) and guess.guess or guess
    low, all = low + guess:lt(LEAST):to "int64":sum():item(), all + guess:count()
  end
  return low > 0 and string.format("%d of %d", low, all) or nil
end

--- What M.low_rates counts, in a table's notes.
M.low_text = string.format("predicted rates below %g, taken as that", LEAST)

--- What each measure says in a table's notes.
M.says = { r = "Pearson's r", ev = "explained variance, 1 - var(y - prediction) / var(y)",
  r2 = "1 - squared error / variance", poisson = "Poisson log likelihood above that of the mean rate, bits per "
    .. "event" }

--- The measures by name, for options.
M.names = { "r", "ev", "r2", "poisson" }

local FIELDS = {
  positional = { "prediction", "responses" },
  prediction = { type = "tensor", required = true, doc = "stimuli x neuroids, in the order of the responses" },
  responses = { type = "any", required = true, doc = "an assembly with repeats" },
}
schema.document("neural.scores", FIELDS)

local function check(given, position)
  assemblies = assemblies or require "lamina.neural.assembly"
  local o = schema.check("neural.scores", given, FIELDS, position)
  if not assemblies.is_assembly(o.responses) then
    errors.raise("argument", position, "neural.scores: responses is %s, expected an assembly (neural.assembly)",
      schema.shown(o.responses))
  end
  assemblies.one_time(o.responses, "neural.scores", position)
  local wanted = { o.responses.responses:size(1), o.responses.responses:size(2) }
  local shape = o.prediction.shape
  if #shape ~= 2 or shape[1] ~= wanted[1] or shape[2] ~= wanted[2] then
    errors.raise("shape", position, "neural.scores: prediction is %s, expected %dx%d, as the responses (stimuli x "
      .. "neuroids)", table.concat(shape, "x"), wanted[1], wanted[2])
  end
  local holes = common.holes(o.prediction)
  if holes > 0 then
    errors.raise("numeric", position, "neural.scores: the prediction holds NaN or infinite values (%d of %d): leave "
      .. "those stimuli or neuroids out of both (responses:at(stimuli, neuroids))", holes, o.prediction:count())
  end
  local least = o.responses:repeats():min():item()
  if least < 1 then
    errors.raise("argument", position, "neural.scores: some neuroid has no valid trial for some stimulus; keep "
      .. "those that have one, responses:complete()")
  end
  return o
end

local ORDER = { "r", "ev", "r2", "poisson", "noise", "explainable", "ev_corrected", "feve", "cc_norm" }

-- How each is computed: p is the prediction, m the mean of the repeats, y a trial.
local FORMULAS = { r = "Pearson's r of p and m", ev = "1 - var(m - p) / var(m)",
  r2 = "1 - mean (m - p)^2 / var(m)", poisson = "log likelihood of m above its mean rate, bits per event",
  noise = "variance of a stimulus's trials y, mean over stimuli",
  explainable = "1 - noise of m / var(m)", ev_corrected = "ev / explainable",
  feve = "1 - (mean (y - p)^2 - noise) / (var(y) - noise)",
  cc_norm = "cov(p, m) / sqrt(var(p) mean cov of two repeats)" }

-- A line for each measure: its median, least and largest value over the neuroids that have one.
local Scores = { __name = "neural scores" }
Scores.__index = object.index("neural.scores", Scores, "low")

Scores.__tostring = function(self)
  local rows = { { "measure", "median", "least", "largest", "neuroids", "of prediction p, means m and trials y" } }
  for i, name in ipairs(ORDER) do
    local values = {}
    for _, v in ipairs(self[name]:reshape { -1 }:totable()) do
      if v == v then values[#values + 1] = v end
    end
    table.sort(values)
    local n = #values
    local line = { name, "", "", "", tostring(n), FORMULAS[name] }
    if n > 0 then
      local median = (values[(n + 1) // 2] + values[n // 2 + 1]) / 2
      for k, v in ipairs { median, values[1], values[n] } do line[k + 1] = string.format("%.3f", v) end
    end
    rows[i + 1] = line
  end
  return string.format("scores of predictions: %d stimuli, %s, up to %s of each; %d of %d trials missing%s\n  over "
    .. "neuroids that have a value, nothing cut off%s\n%s",
    self.stimuli, common.plural(self.r:count(), "neuroid"), common.plural(self.repeats, "repeat"), self.missing,
    self.trials, self.missing > 0 and ", left out of means and noise" or "",
    self.low and string.format("; poisson: %s %s", self.low, M.low_text) or "",
    common.columns(rows, { true, false, false, false, false, true }))
end

--- scores:table(): a row for each neuroid as a list of lists, the first one the names of the columns: position, the
-- neuroids' coordinates, every measure.
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50), neuroid_id = { "a", "b" } } }
-- > neural.scores({ a:mean(), a }):table()[3][2]   --> b
function Scores:table()
  local names, columns, rows = { "position" }, {}, {}
  for _, name in ipairs(require("lamina.neural.assembly").names(self.coordinates)) do names[#names + 1] = name end
  for _, name in ipairs(ORDER) do columns[name] = self[name]:reshape({ -1 }):totable() end
  for i = 1, #columns.r do
    rows[i] = { position = i }
    for k = 2, #names do rows[i][names[k]] = self.coordinates[names[k]][i] end
    for _, name in ipairs(ORDER) do rows[i][name] = columns[name][i] end
  end
  return common.tabulate(table.move(ORDER, 1, #ORDER, #names + 1, names), rows)
end

--- scores:csv(path): writes the table as CSV, into the folder of the experiment. Returns the scores.
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50) } }
-- > neural.scores({ a:mean(), a }):csv "scores.csv"
-- > data.csv("scores.csv").position[2]   --> 2
function Scores:csv(path)
  common.csv(path, self:table())
  return self
end

--- neural.scores { prediction, responses }: every measure of predictions (stimuli x neuroids) against recorded
-- repeats, for each neuroid (float64):
--   r, ev, r2, poisson  against the mean responses (poisson: bits per event above the mean rate, NaN for a neuroid
--                       that has responses below 0; predicted rates below 1e-8 count as that, and print says how
--                       many)
--   noise, explainable  noise variance of a single trial; reliability of the means, 1 - noise of the mean / variance
--   ev_corrected        ev / explainable: the part of the explainable variance that is explained
--   feve                1 - (mean squared error of trials - noise) / (variance of trials - noise) (Cadena et al.
-- 2019)
--   cc_norm             cov(prediction, mean) / sqrt(var(prediction) signal power), the signal power being the mean
--                       covariance of two repeats (Schoppe et al. 2016)
-- Nothing is cut off: noise can put a corrected value above 1, or divide by less than 0 where nothing is explainable
-- (`explainable` says so). Some stimulus of each neuroid needs two valid trials. print shows the median, the least
-- and the largest of each, and how it is computed.
-- > trials = neural.noisy { rand { 50, 2 } * 20, repeats = 10 }
-- > a = neural.assembly { { responses = trials, stimulus_id = arange(1, 50) } }
-- > neural.scores({ a:mean(), a }).r   --> [1. 1.]
function M.scores(given, ...)
  local position = errors.position(2)
  schema.alone("neural.scores", "neural.scores { prediction, assembly }", position, ...)
  local o = check(given, position)
  return tensor.no_grad(function()
    local a, guess = o.responses, o.prediction:to "float64"
    local y = a:mean()
    local constant = {}
    for i, same in ipairs(ops.eq(y:max { dim = 1 }, y:min { dim = 1 }):totable()) do
      if same then constant[#constant + 1] = i end
    end
    if #constant > 0 then
      errors.raise("numeric", position, "neural.scores: the mean responses of neuroid%s %s do not vary over the "
        .. "stimuli, so there is nothing to explain: leave them out (responses:at(nil, positions), and the same "
        .. "columns of the prediction)", #constant == 1 and "" or "s", common.some(constant))
    end
    local noise, of_mean, spread = trials.variances(a)
    if not noise:isfinite():all():item() then
      errors.raise("argument", position, "neural.scores: too few repeats: some neuroid has no stimulus with two "
        .. "valid trials, so its noise is not known (predictivity { ceiling = false, ... } scores averages and "
        .. "single trials as they are)")
    end
    local found = {}
    for name, measure in pairs(M.plain) do found[name] = measure(guess, y) end
    found.noise, found.explainable = noise, 1 - of_mean / spread
    found.ev_corrected = found.ev / found.explainable
    local valid = a.valid:to "float64"
    local count = valid:sum { dim = { 1, 3 } }
    local x = ops.where(a.valid, a.responses, tensor.zeros { 1, dtype = "float64" })
    local error = ((x - guess:unsqueeze(3)) * valid):square():sum { dim = { 1, 3 } } / count
    local centre = (x:sum { dim = { 1, 3 } } / count):reshape { 1, -1, 1 }
    local total = ((x - centre) * valid):square():sum { dim = { 1, 3 } } / count
    found.feve = 1 - (error - noise) / (total - noise)
    local part = guess - guess:mean { dim = 1, keepdim = true }
    local along = (part * (y - y:mean { dim = 1, keepdim = true })):mean { dim = 1 }
    found.cc_norm = along / (part:square():mean { dim = 1 } * trials.signal_power(a) * ((#y - 1) / #y)):sqrt()
    found.coordinates = a.neuroid
    found.low = M.low_rates { guess }
    found.stimuli, found.repeats = #y, a.responses:size(3)
    found.missing, found.trials = assemblies.missing(a)
    return setmetatable(found, Scores)
  end)
end

return M
