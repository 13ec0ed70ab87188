--- lamina.rdm.evaluate: models against the RDMs of subjects, with ceilings, intervals and tests.
-- Subjects and stimuli are both samples of more: the dual bootstrap (Schuett, Kipnis, Diedrichsen & Kriegeskorte
-- 2023) resamples both at once, subjects alone and stimuli alone, and corrects the first, which counts the noise of
-- single measurements too often: with S subjects and n stimuli
-- V = S/(S-1) V_subjects + n/(n-1) V_stimuli - nS/((n-1)(S-1)) (V_both - V_subjects - V_stimuli), not below either
-- corrected part, not above V_both. Differences of models and distances to the ceiling have variances of their own,
-- by the same rule. Models with something to fit are cross-validated inside every resample, twice, and the variance
-- that comes from how stimuli were dealt to folds is taken out: 2 V(mean of two) - V(one). Where stimuli come in
-- groups, these are what is drawn, counted (n) and dealt to folds.
local common = require "lamina.neural.common"
local compare = require "lamina.rdm.compare"
local core = require "lamina.core.rdm"
local cross = require "lamina.rdm.cross"
local errors = require "lamina.errors"
local models_of = require "lamina.rdm.models"
local ops = require "lamina.core.ops"
local results = require "lamina.rdm.results"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local significance = require "lamina.significance"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"

local M = {}

local REPEATS = 2 -- deals to folds in a resample
local LEAST = 50 -- resamples that an interval takes, or half of those asked for where these are fewer

local RSA = schema.document("rsa", {
  models = { type = "any", required = true, doc = "a set of RDMs (a model each), a model with something to fit "
    .. "(rdm.weighted ...), or a list of these" },
  data = { type = "any", required = true, doc = "the RDMs of subjects" },
  method = compare.method,
  bootstrap = { type = "integer", default = 1000, min = 0, max = 1000000, doc = "resamples; 0: no intervals, no "
    .. "tests" },
  over = { type = "string", default = "both", choices = { "both", "subjects", "stimuli" }, doc = "what is resampled: "
    .. "that to which the result is to generalise" },
  groups = { type = { "table", "tensor" }, doc = "a group for each stimulus (an object, a movie): groups are "
    .. "resampled whole, stand whole in a fold, and are what variances and degrees of freedom count (rsatoolbox "
    .. "0.3.2 counts stimuli)" },
  folds = { type = "integer", default = 5, min = 2, doc = "of stimuli, where a model has something to fit" },
  rate = { type = "number", default = 0.05, above = 0, below = 1, doc = "false discoveries among the tests (fdr)" },
  seed = { type = "integer", doc = "of resamples and folds; the experiment's if absent" },
})

-- ---- models ------------------------------------------------------------------------------------------------------

-- Adds the RDMs of one model, or each RDM of a set as a model.
local function add(o, value, at)
  local model = models_of.is(value) and value or nil
  local set = model and model.set or value
  if not sets.is(set) then
    errors.raise("argument", o.position, "rsa: model %d is a %s, expected a set of RDMs or a model (rdm.weighted "
      .. "...)",
      at, type(value))
  end
  set = compare.align(set, o.data, o.position, "rsa: models", "rsa: data")
  compare.check_variance(set, "rsa: models", o.position)
  local first = o.count + 1
  o.parts[#o.parts + 1], o.count = set.vectors, o.count + #set
  if model then
    o.entries[#o.entries + 1] = { model = model, first = first, last = o.count, name = model.name or "model " .. at }
    o.flexible = true
    return
  end
  for k = 1, #set do
    o.entries[#o.entries + 1] = { first = first + k - 1, last = first + k - 1,
      name = set.names and set.names[k] or "model " .. #o.entries + 1 }
  end
end

-- Leaves the pairs that any RDM lacks out of all, ceilings included, and counts them.
local function same_pairs(o)
  local hole = o.vectors:isnan():any({ dim = 1 }):logical_or(o.data.vectors:isnan():any { dim = 1 })
  o.missing = hole:to "int64":sum():item()
  o.pairs = #hole - o.missing
  if o.missing == 0 then return end
  local nan = tensor.full({ 1 }, 0 / 0, { dtype = "float64" })
  o.vectors = ops.where(hole, nan, o.vectors)
  o.data = sets.make({ vectors = ops.where(hole, nan, o.data.vectors), id = o.data.id, names = o.data.names,
    nan = true }, "rsa: data", o.position)
end

-- o.members: the stimuli of each group (nil without groups); o.group_of: the group of each; o.units: how many are
-- drawn from.
local function read_groups(o)
  o.units = o.data.n
  if not o.groups then return end
  local list = common.list(o.groups)
  if #list ~= o.data.n then
    errors.raise("shape", o.position, "rsa: there are %d groups for %d stimuli", #list, o.data.n)
  end
  o.members, o.group_of = common.by_value(list), {}
  o.units = #o.members
  for g, stimuli in ipairs(o.members) do
    for _, i in ipairs(stimuli) do o.group_of[i] = g end
  end
  local least = o.flexible and o.folds or o.bootstrap > 0 and o.over ~= "subjects" and 2 or 1
  if o.units < least then
    errors.raise("argument", o.position, "rsa: the stimuli are of %s, expected at least %d%s",
      common.plural(o.units, "group"), least, o.flexible and ", since each fold holds whole ones"
      or ", since whole ones are resampled")
  end
end

local function read(given, position)
  local o = schema.check("rsa", given, RSA, position)
  o.position, o.parts, o.entries, o.count = position, {}, {}, 0
  o.data = compare.as_set(o.data, "rsa: data", position)
  compare.check_variance(o.data, "rsa: data", position)
  local list = (sets.is(o.models) or models_of.is(o.models)) and { o.models } or o.models
  if type(list) ~= "table" or #list == 0 then
    errors.raise("argument", position, "rsa: models is empty")
  end
  for at, value in ipairs(list) do add(o, value, at) end
  o.vectors = ops.concat(o.parts, { dim = 1 })
  same_pairs(o)
  o.seed = o.seed or tensor.seed()
  if #o.data == 1 and o.over ~= "stimuli" and o.bootstrap > 0 then
    errors.raise("argument", position, "rsa: data hold one RDM: there are no subjects to resample; say over = "
      .. "\"stimuli\", and the result holds for this RDM alone")
  end
  if o.flexible and o.data.n < 3 * o.folds then
    errors.raise("argument", position, "rsa: %d stimuli in %d folds leave fewer than 3 in one: say folds = %d",
      o.data.n, o.folds, math.max(2, o.data.n // 3))
  end
  read_groups(o)
  return o
end

-- ---- resamples ---------------------------------------------------------------------------------------------------

-- Draws of n (from 1), resamples x n; where there are groups, of whole groups: lists of different lengths.
local function draw_stimuli(o)
  local n = o.data.n
  if not o.groups then
    return stats.bootstrap_indices(n, o.bootstrap, { seed = o.seed, purpose = "rsa.stimuli" }):totable()
  end
  local members = o.members
  local draws = stats.bootstrap_indices(#members, o.bootstrap, { seed = o.seed, purpose = "rsa.stimuli" }):totable()
  for r, row in ipairs(draws) do
    local whole = {}
    for _, g in ipairs(row) do table.move(members[g], 1, #members[g], #whole + 1, whole) end
    draws[r] = whole
  end
  return draws
end

-- How often each of n is in each resample: int64, resamples x n.
local function counts(draws, n)
  local rows = {}
  for r, draw in ipairs(draws) do
    local row = {}
    for i = 1, n do row[i] = 0 end
    for _, i in ipairs(draw) do row[i] = row[i] + 1 end
    rows[r] = row
  end
  return tensor.tensor(rows, { dtype = "int64" })
end

-- Resamples x 3 x (models + 2) of models as they are.
local function resample(o)
  local stimuli = draw_stimuli(o)
  local subjects = stats.bootstrap_indices(#o.data, o.bootstrap, { seed = o.seed,
    purpose = "rsa.subjects" }):totable()
  return core.bootstrap(o.vectors, o.data.vectors, counts(stimuli, o.data.n), counts(subjects, #o.data), o.method)
end

-- The same with models that are fitted: for each deal to folds, resamples x 3 x (models + 2).
local function resample_cross(o)
  local stimuli = draw_stimuli(o)
  local subjects = stats.bootstrap_indices(#o.data, o.bootstrap, { seed = o.seed,
    purpose = "rsa.subjects" }):totable()
  local all_stimuli, all_subjects = common.count_up(o.data.n), common.count_up(#o.data)
  local rdms, data = core.square(o.vectors), o.data:matrices()
  local rows, nan = {}, {}
  for i = 1, #o.entries + 2 do nan[i] = 0 / 0 end
  for deal = 1, REPEATS do
    rows[deal] = {}
    for r = 1, o.bootstrap do
      local row = {}
      for v, draws in ipairs { { stimuli[r], subjects[r] }, { all_stimuli, subjects[r] },
        { stimuli[r], all_subjects } } do
        local of = cross.deal(draws[1], o.folds, { seed = o.seed, step = (r * 3 + v) * REPEATS + deal },
          o.group_of)
        local some = data:index_select(common.index(draws[2]), { dim = 1 })
        row[v] = of and cross.evaluate(o.entries, rdms, some, draws[1], of, o.folds, o.method) or nan
      end
      rows[deal][r] = row
    end
    rows[deal] = tensor.tensor(rows[deal], { dtype = "float64" })
  end
  return rows
end

-- ---- variances ---------------------------------------------------------------------------------------------------

-- The covariance of models and ceilings in each kind of resample, 3 x (m + 2) x (m + 2), and how many were whole.
local function covariances(boot)
  local whole = boot:isfinite():all { dim = { 2, 3 } }
  local keep = {}
  for r, ok in ipairs(whole:reshape { -1 }:totable()) do
    if ok then keep[#keep + 1] = r end
  end
  if #keep < 3 then return nil, #keep end
  local x = boot:index_select(common.index(keep), { dim = 1 })
  local z = (x - x:mean { dim = 1, keepdim = true }):permute { 2, 3, 1 }:contiguous()
  return z:matmul(z:transpose(2, 3)) / (#keep - 1), #keep
end

--- The variance of something whose variances in the three kinds of resamples are both, by_subject, by_stimulus.
function M.corrected(over, both, by_subject, by_stimulus, subjects, stimuli)
  local s, n = subjects / math.max(1, subjects - 1), stimuli / (stimuli - 1)
  if over == "subjects" then return s * by_subject end
  if over == "stimuli" then return n * by_stimulus end
  local v = s * by_subject + n * by_stimulus - s * n * (both - by_subject - by_stimulus)
  return math.min(both, math.max(v, s * by_subject, n * by_stimulus))
end

--- Variances by the dual bootstrap: of each model, of each difference, of each model's distance to the lower ceiling
-- (and to the upper): lists. c: covariances as tables.
function M.variances(c, over, subjects, stimuli)
  local m = #c[1] - 2
  local function of(f)
    return M.corrected(over, f(c[1]), f(c[2]), f(c[3]), subjects, stimuli)
  end
  local own, difference, ceiling = {}, {}, {}
  for i = 1, m do
    own[i] = of(function(v) return v[i][i] end)
    difference[i], ceiling[i] = {}, {}
    for j = 1, m do
      difference[i][j] = i == j and 0 or of(function(v) return v[i][i] + v[j][j] - 2 * v[i][j] end)
    end
    for b = 1, 2 do
      ceiling[i][b] = of(function(v) return v[i][i] + v[m + b][m + b] - 2 * v[i][m + b] end)
    end
  end
  return own, difference, ceiling
end

local EPSILON = 2 ^ -52

--- p of a t-test: two-sided, or one-sided for above 0. NaN where what was taken out of a variance was more than it,
-- beyond what rounding leaves of 0.
function M.t_test(value, variance, dof, one_sided)
  if variance < -EPSILON then return 0 / 0 end
  local t = value / math.sqrt(math.max(variance, EPSILON))
  if one_sided then return significance.student(-t, dof) end
  return 2 * significance.student(-math.abs(t), dof)
end

-- ---- rsa ---------------------------------------------------------------------------------------------------------

-- The values of the models and the ceilings on all the data.
local function whole(o)
  local values
  if o.flexible then
    local rdms, data, all = core.square(o.vectors), o.data:matrices(), common.count_up(o.data.n)
    for deal = 1, 2 * REPEATS do -- several deals, so that the value hangs less on one
      local of = cross.deal(all, o.folds, { seed = o.seed, step = deal }, o.group_of)
      if not of then
        errors.raise("argument", o.position, "rsa: whole groups leave fewer than 3 stimuli in one of %d folds: say "
          .. "folds = %d, or give larger groups", o.folds, math.max(2, o.folds - 1))
      end
      local row = cross.evaluate(o.entries, rdms, data, all, of, o.folds, o.method)
      values = values or {}
      for i, value in ipairs(row) do values[i] = (values[i] or 0) + value / (2 * REPEATS) end
    end
  else
    values = core.compare(o.vectors, o.data.vectors, o.method):mean(2):totable()
    local ceiling = core.ceiling(o.data.vectors, o.method):totable()
    values[#values + 1], values[#values + 2] = ceiling[1], ceiling[2]
  end
  return values
end

-- The covariances, those that come from the deals to folds taken out.
local function uncertainty(o)
  if not o.flexible then
    local boot = resample(o)
    local c, kept = covariances(boot)
    return c, kept, boot
  end
  local deals = resample_cross(o)
  local mean, single = nil, nil
  for _, boot in ipairs(deals) do mean = mean and mean + boot or boot end
  local c, kept = covariances(mean / #deals)
  if not c then return nil, kept end
  for _, boot in ipairs(deals) do
    local one = covariances(boot)
    single = single and single + one or one
  end
  return (c * #deals - single / #deals) / (#deals - 1), kept, mean / #deals
end

local function infer(o, values, result)
  local c, kept, boot = uncertainty(o)
  result.resamples, result.dropped = kept, o.bootstrap - kept
  local subjects, stimuli, m = #o.data, o.units, #o.entries
  if not c or kept < math.min(LEAST, o.bootstrap // 2) then
    errors.raise("argument", o.position, "rsa: only %d of %d resamples hold enough different stimuli: of %d%s that "
      .. "are drawn with replacement some %d differ%s; bootstrap = 0 gives values without intervals", kept,
      o.bootstrap, stimuli, o.groups and " groups" or "",
      math.floor(stimuli * (1 - (1 - 1 / stimuli) ^ stimuli) + 0.5), o.flexible
      and string.format(", too few for %d folds of at least 3%s (folds = 2 takes fewest)", o.folds,
      o.groups and " stimuli" or "") or "")
  end
  local dof = o.over == "subjects" and subjects - 1 or o.over == "stimuli" and stimuli - 1
    or math.min(subjects, stimuli) - 1
  local own, difference, ceiling = M.variances(c:totable(), o.over, subjects, stimuli)
  local t = significance.student_quantile(0.975, dof)
  local zero, top, pairs_, flat = {}, {}, {}, {}
  for i, row in ipairs(result.rows) do
    row.se = own[i] >= -EPSILON and math.sqrt(math.max(own[i], 0)) or 0 / 0
    row.low, row.high = row.value - t * row.se, row.value + t * row.se
    row.p = M.t_test(row.value, own[i], dof, true)
    zero[i] = row.p
    if subjects > 1 then
      row.p_ceiling = M.t_test(row.value - values[m + 1], ceiling[i][1], dof)
      top[i] = row.p_ceiling
    end
    pairs_[i] = {}
    for j = 1, m do
      pairs_[i][j] = i == j and 1 or M.t_test(row.value - values[j], difference[i][j], dof)
      if j > i then flat[#flat + 1] = pairs_[i][j] end
    end
  end
  local function corrected(p) return #p > 0 and select(2, significance.fdr { p = p, rate = o.rate }) or {} end
  local q, q_top, q_pair, at = corrected(zero), corrected(top), corrected(flat), 0
  for i, row in ipairs(result.rows) do row.q, row.q_ceiling = q[i], q_top[i] end
  result.p_pair, result.q_pair = pairs_, {}
  for i = 1, m do result.q_pair[i] = { [i] = 1 } end
  for i = 1, m do
    for j = i + 1, m do
      at = at + 1
      result.q_pair[i][j], result.q_pair[j][i] = q_pair[at], q_pair[at]
    end
  end
  result.dof, result.draws = dof, boot
end

--- rsa { models =, data =, method = "tau_a", bootstrap = 1000, over = "both", groups =, folds = 5, rate = 0.05, seed
-- = }: how alike models and the RDMs of subjects are. The score's rows have model, value (the mean over subjects),
-- se, low and high (95 %, Student's t), p (above 0, one-sided), p_ceiling (differs from the lower ceiling), and q,
-- q_ceiling (the same corrected for the number of tests); score.lower and score.upper are the ceilings, score.p_pair
-- and score.q_pair matrices of p-values of differences between models. over = "both" generalises to other subjects
-- and other stimuli (dual bootstrap). Models with something to fit are cross-validated over stimuli (whole groups of
-- them), and then all values are means over the folds' held-out stimuli; resamples with too few different stimuli for
-- that are left out and counted, and se, interval and p are NaN where dealing to folds explains all variance. A value
-- below the lower ceiling leaves something to explain; one inside the band does not, at this noise.
-- > x = randn { 12, 20 }
-- > subjects = {}
-- > for i = 1, 5 do subjects[i] = rdm { x + randn { 12, 20 } } end
-- > models = rdm.join { rdm { x, names = { "right" } }, rdm { randn { 12, 20 }, names = { "other" } } }
-- > s = rsa { models = models, data = rdm.join(subjects), bootstrap = 100 }
-- > s:find("right").value > s:find("other").value   --> true
function M.rsa(given, ...)
  local position = errors.position(2)
  schema.alone("rsa", "rsa { models = rdms, data = rdms }", position, ...)
  local o = read(given, position)
  return tensor.no_grad(function()
    local values = whole(o)
    local rows = {}
    for i, entry in ipairs(o.entries) do
      rows[i] = { model = entry.name, value = values[i], fitted = entry.model ~= nil,
        label = o.vectors.close and "close" or "exact" }
    end
    local several = #o.data > 1
    local result = { rows = rows, lower = several and values[#rows + 1] or nil, upper = several and values[#rows + 2]
      or nil, method = o.method, over = o.over, subjects = #o.data, stimuli = o.data.n, bootstrap = o.bootstrap,
      groups = o.groups and o.units or nil,
      folds = o.flexible and o.folds or nil, rate = o.rate, seed = o.seed, pairs = o.pairs, missing = o.missing }
    if o.bootstrap > 0 then infer(o, values, result) end
    return results.make(result)
  end)
end

M.covariances = covariances

return M
