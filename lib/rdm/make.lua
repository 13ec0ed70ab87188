--- lamina.rdm.make: dissimilarities from responses: `rdm { x, method = "correlation" }`.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local methods = require "lamina.rdm.methods"
local noise = require "lamina.rdm.noise"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local tensor = require "lamina.core.tensor"

local M = {}

local METHODS = { "correlation", "cosine", "euclidean", "squared_euclidean", "mahalanobis", "crossnobis", "poisson" }
-- What rsatoolbox and SciPy call them.
local CALLED = { pearson = "correlation", corr = "correlation", sqeuclidean = "squared_euclidean",
  poisson_cv = "poisson" }

local FIELDS = schema.document("rdm", {
  positional = { "x" },
  x = { type = "any", required = true, doc = "responses: conditions x channels, or trials x channels with "
    .. "`conditions`; a list of such tensors (a subject each); or an assembly (an RDM for each of its time bins)" },
  method = { type = "string", default = "correlation", choices = METHODS, called = CALLED,
    doc = "the dissimilarity" },
  conditions = { type = { "table", "tensor" }, doc = "what each row shows; rows that show the same are averaged" },
  folds = { type = { "table", "tensor" }, doc = "the fold (run, session, repeat) of each row, for crossnobis and "
    .. "cross-validated poisson; if absent, the n-th trial of each condition is in fold n" },
  noise = { type = { "tensor", "string", "table" }, doc = "the precision of the noise over channels, or how it is "
    .. "estimated from the trials: \"shrinkage\" (of correlations, rsatoolbox's shrinkage_diag; default of "
    .. "mahalanobis and crossnobis where there are trials), \"ledoit_wolf\" (its shrinkage_eye), \"diagonal\", "
    .. "\"full\"; \"none\": all channels alike, as in squared_euclidean. Needed where there are no trials. For "
    .. "crossnobis also a list of precisions, of the means of each fold (in ascending order): all pairs of folds are "
    .. "then taken, each in the metric of its two covariances' mean" },
  remove_mean = { type = "boolean", default = false, doc = "whether each row first loses its mean over channels (of "
    .. "squared_euclidean, euclidean, mahalanobis and crossnobis; the noise is estimated as it was)" },
  unbalanced = { type = "boolean", default = false, doc = "means over pairs of trials and the channels that both "
    .. "have, instead of products of condition means: for NaN and unequal numbers of trials" },
  weighting = { type = "string", default = "number", choices = { "number", "equal" },
    doc = "of pairs of trials, if unbalanced: by the channels both have, or alike" },
  missing = { type = "string", choices = { "nan" }, doc = "\"nan\": NaN in x means missing (makes it unbalanced)" },
  per_channel = { type = "boolean", default = true, doc = "squared distances, and poisson, are divided by the "
    .. "number of channels (euclidean: the root of that mean)" },
  prior = { type = "number", default = 1, above = 0, doc = "poisson: the rate that is expected before any data" },
  prior_weight = { type = "number", default = 0.1, min = 0, doc = "poisson: how many trials the prior counts for" },
  id = { type = { "table", "tensor" }, doc = "stimulus ids, in the order of the rows of x, where there are no "
    .. "conditions" },
  names = { type = "table", doc = "a name for each RDM" },
  time = { type = "integer", min = 1, doc = "which axis of x is time: an RDM for each time (a movie)" },
  bins = { type = "table", doc = "with time: lists of time points { { 1, 2 }, { 3, 4 } }, averaged to an RDM each" },
})

-- ---- trials and conditions --------------------------------------------------------------------------------------

-- Conditions in order of appearance: ids, and for each row the number of its condition.
local function group(list, n, what, position)
  list = common.list(list)
  if #list ~= n then
    errors.raise("shape", position, "rdm: there are %d %s for %d rows of x", #list, what, n)
  end
  return common.numbered(list)
end

-- The fold of each row where none is given: the n-th trial of a condition is in fold n.
local function count_folds(number)
  local seen, folds = {}, {}
  for i, c in ipairs(number) do
    seen[c] = (seen[c] or 0) + 1
    folds[i] = seen[c]
  end
  return folds
end

-- ---- the word ---------------------------------------------------------------------------------------------------

-- What the rows of x show, and their folds where the method is cross-validated.
local function read_rows(o, n)
  local list = o.conditions or o.id or common.count_up(n)
  o.ids, o.number = group(list, n, o.conditions and "conditions" or "ids", o.position)
  if not o.conditions and #o.ids < n then
    local twice = {}
    for _, rows in ipairs(common.by_value(o.number)) do
      if #rows > 1 then twice[#twice + 1] = common.key(o.ids[o.number[rows[1]]]) end
    end
    errors.raise("argument", o.position, "rdm: option 'id' holds %s more than once (%d of %d are different); where "
      .. "rows are trials of a condition, give the list as conditions, and their mean is taken", common.some(twice),
      #o.ids, n)
  end
  o.has_id = o.conditions ~= nil or o.id ~= nil
  o.fold_of, o.fold_number = nil, nil
  if o.method == "crossnobis" or o.folds then
    o.fold_of = o.folds and common.list(o.folds) or count_folds(o.number)
    local _, numbers = group(o.fold_of, n, "folds", o.position)
    o.fold_number = numbers
  end
end

-- The precision of the noise: given, estimated from the trials, or none.
local function read_noise(o, x)
  o.precision, o.precisions, o.shrunk = nil, nil, nil
  if o.method ~= "mahalanobis" and o.method ~= "crossnobis" then
    if o.noise and o.noise ~= "none" then
      errors.raise("argument", o.position, "rdm: noise belongs to mahalanobis and crossnobis, not to %s", o.method)
    end
    return
  end
  if tensor.is_tensor(o.noise) then
    o.precision = o.noise:to "float64"
    return
  elseif type(o.noise) == "table" then
    o.precisions = {}
    for f, p in ipairs(o.noise) do
      if not tensor.is_tensor(p) then
        errors.raise("argument", o.position, "rdm: entry %d of noise is a %s, expected a precision (channels x "
          .. "channels)", f, type(p))
      end
      o.precisions[f] = p:to "float64"
    end
    return
  end
  if not o.noise and #o.ids == #x then
    errors.raise("argument", o.position, "rdm: %s weighs the noise, which cannot be estimated where every condition "
      .. "has one row: give noise = a precision (channels x channels) or trials with `conditions`; noise = \"none\" "
      .. "takes none", o.method)
  end
  local kind = o.noise or "shrinkage"
  if kind == "none" then return end
  local known = false
  for _, name in ipairs(noise.kinds) do known = known or name == kind end
  if not known then
    errors.raise("argument", o.position, "rdm: option 'noise' is '%s', expected a precision or one of %s, none", kind,
      table.concat(noise.kinds, ", "))
  end
  if #o.ids == #x then
    errors.raise("argument", o.position, "rdm: noise = \"%s\" is estimated from repeated trials, and every condition "
      .. "has one row; give noise = a precision", kind)
  end
  if o.nan then
    errors.raise("argument", o.position, "rdm: the noise cannot be estimated from trials with missing values; leave "
      .. "out the %s that have them%s, or give noise = a precision, or noise = \"none\"", o.of_assembly
      and "neuroids" or "channels", o.of_assembly and " (a:complete(" .. o.of_assembly .. "))" or "")
  end
  local rows = x:to "float64"
  local mean = methods.means(rows, o.number, #o.ids, common.count_up(#x), "x", o.ids, o.position)
  local residuals = rows - mean:index_select(common.index(o.number), { dim = 1 })
  local _
  _, o.precision, o.shrunk = noise.estimate(residuals - residuals:mean { dim = 1, keepdim = true }, kind,
    #x - #o.ids, rows:abs():max { dim = 1 }, o.position, o.neuroids)
end

local function check_x(x, what, position)
  if not tensor.is_tensor(x) then
    errors.raise("argument", position, "%s is a %s, expected a tensor, a list of tensors or an assembly%s", what,
      type(x), type(x) == "string" and "; rdm.load reads files" or "")
  end
  if x.ndim < 2 then
    errors.raise("shape", position, "%s has one axis, expected conditions x channels", what)
  end
  if not x.dtype:find "^float" then x = x:to "float64" end
  return x.ndim == 2 and x or x:reshape { #x, -1 }
end

local ROUNDING = 1e-13 -- of a channel's largest response: what the means of equal trials may differ by
local FEW = 64 -- rows over which nearly every channel varies

-- The number of responses that are missing or infinite.
local function count_holes(x)
  local total = x:sum():item()
  if total - total == 0 then return 0 end -- a sum is finite only if all are; counting takes longer
  return x:isfinite():logical_not():to "int64":sum():item()
end

-- Positions of the channels (columns) that vary by no more than a share of their largest response over the rows of
-- x, NaN and infinities left aside where there are holes.
local function steady(x, share, holes)
  local high, low = x, x
  if holes > 0 then
    local there, most = x:isfinite(), tensor.full({ 1 }, math.huge, { dtype = x.dtype })
    high, low = ops.where(there, x, -most), ops.where(there, x, most)
  end
  high, low = high:max({ dim = 1 }):to "float64", low:min({ dim = 1 }):to "float64"
  local same = ops.le(high - low, ops.maximum(high:abs(), low:abs()) * share) -- not: none there, -inf - inf
  return ops.where(high:isfinite(), same:to "int64", tensor.zeros { 1, dtype = "int64" }):nonzero():reshape { -1 }
end

-- Counts the channels that do not vary: constant of constant_of, and the positions of those of the latest x.
local function count_constant(x, o, holes)
  local found
  if holes == 0 and #x > FEW then -- those alone that do not vary over the first rows, with room for rounding
    found = steady(x[{ { 1, FEW } }], 2 * ROUNDING, 0)
    if #found > 0 then found = found[steady(x:index_select(found, { dim = 2 }), ROUNDING, 0)] end
  else
    found = steady(x, ROUNDING, holes)
  end
  o.constant, o.constant_of = (o.constant or 0) + #found, (o.constant_of or 0) + x:size(2)
  o.constant_at = found
end

-- The names of the channels that do not vary: ids where these are known, else positions.
local function constant_names(o)
  local names = {}
  for i, c in ipairs(o.constant_at:totable()) do
    names[i] = o.neuroids and o.neuroids[c] or c
  end
  return names
end

local DISTANCES = { squared_euclidean = true, euclidean = true, mahalanobis = true, crossnobis = true }

-- Raises for a list of precisions, and for remove_mean, where they have no meaning.
local function check_more(o, holes)
  local what = type(o.noise) == "table" and not tensor.is_tensor(o.noise) and o.method ~= "crossnobis"
    and "noise = a list of precisions, one for each fold, belongs to crossnobis, not to " .. o.method
    or o.remove_mean and not DISTANCES[o.method] and "remove_mean belongs to squared_euclidean, euclidean, "
    .. "mahalanobis and crossnobis, not to " .. o.method
  if not what and (o.unbalanced or holes > 0) then
    what = o.remove_mean and "remove_mean takes rows of all channels: not unbalanced, nor with missing values"
      or type(o.noise) == "table" and not tensor.is_tensor(o.noise) and "noise = a list of precisions takes means of "
      .. "folds: not unbalanced, nor with missing values"
  end
  if what then errors.raise("argument", o.position, "rdm: %s", what) end
end

-- One RDM (1 x pairs).
local function one(x, o)
  x = check_x(x, "rdm: x", o.position)
  read_rows(o, #x)
  if #o.ids < 3 then
    errors.raise("argument", o.position, "rdm: there are %d conditions, expected at least 3", #o.ids)
  end
  local holes = count_holes(x)
  if holes > 0 and not (o.missing == "nan" or o.unbalanced) then
    local noisy = o.method == "crossnobis" or o.method == "mahalanobis"
    errors.raise("numeric", o.position, o.of_assembly and "rdm: %d of %d trials are missing, and %s takes them one "
      .. "by one: a:complete(%s) leaves out the neuroids that miss any; missing = \"nan\" compares stimuli over the "
      .. "neuroids that both have%s" or "rdm: %d of %d responses are NaN or infinite; where NaN means missing, say "
      .. "missing = \"nan\": dissimilarities are then over the channels that both have", holes, x:count(), o.method,
      o.of_assembly, noisy and ", with noise = \"none\" or a precision" or "")
  end
  check_more(o, holes)
  o.nan, o.holes, o.looked = holes > 0, (o.holes or 0) + holes, (o.looked or 0) + x:count()
  count_constant(x, o, holes)
  read_noise(o, x)
  if o.remove_mean then
    x = x:to "float64"
    x = x - x:mean { dim = 2, keepdim = true }
  end
  if o.unbalanced or o.nan then return methods.from_trials(x, o) end
  if o.method == "crossnobis" then return methods.crossnobis(x, o) end
  if o.method == "poisson" and o.folds then return methods.crossed_poisson(x, o) end
  if #o.ids < #x then x = methods.means(x, o.number, #o.ids, common.count_up(#x), "x", o.ids, o.position) end
  local vectors = tensor.zeros({ 1, #x * (#x - 1) // 2 }, { dtype = "float64" })
  methods.simple[o.method](vectors, 1, x, o)
  return vectors
end

-- What the time bins of an assembly are called: "70 to 90 ms" where they say so.
local function bins_of(a)
  local start, stop, names = rawget(a.time_bin, "time_bin_start"), rawget(a.time_bin, "time_bin_end"), {}
  for t = 1, #a.time_bin do
    names[t] = start and stop and string.format("%g to %g ms", start[t], stop[t]) or "t" .. t
  end
  return names
end

-- An assembly as rows, conditions and folds: mean responses, or every trial where the method is cross-validated or
-- weighs the noise.
local function unpack_assembly(a, o)
  local shape = a.responses.shape
  local trials = o.method == "crossnobis" or o.method == "mahalanobis" or o.folds or o.unbalanced
  if not trials then
    local mean = a:mean()
    local gone, total = require("lamina.neural.assembly").missing(a)
    if gone > 0 then o.gone, o.trials = gone, total end
    if mean.ndim == 3 then o.time, o.time_names = 3, o.time_names or bins_of(a) end
    o.id, o.neuroids = o.id or a.stimulus.stimulus_id, rawget(a.neuroid, "neuroid_id")
    local empty = mean:isnan():to "int64":sum():item()
    if empty > 0 and o.missing ~= "nan" then
      errors.raise("numeric", o.position, "rdm: %d of %d stimuli x neuroids have no valid trial; say missing = "
        .. "\"nan\" "
        .. "to compare stimuli by the neuroids that have both", empty, mean:count())
    end
    return mean
  end
  local ids, folds, rows = {}, {}, {}
  local valid = a.valid:to "int64":sum(2) -- stimulus x repeat: how many neuroids have the trial, at any time
  if valid.ndim == 3 then valid = valid:sum(3) end
  local there = valid:totable()
  for s = 1, shape[1] do
    for r = 1, shape[3] do
      if there[s][r] > 0 then
        rows[#rows + 1] = (s - 1) * shape[3] + r
        ids[#ids + 1], folds[#folds + 1] = a.stimulus.stimulus_id[s], r
      end
    end
  end
  local nan = tensor.full({ 1 }, 0 / 0, { dtype = "float64" })
  local x = ops.where(a.valid, a.responses, nan):permute(shape[4] and { 1, 3, 2, 4 } or { 1, 3, 2 })
    :reshape { shape[1] * shape[3], shape[2], shape[4] }
  if shape[4] then o.time, o.time_names = 3, bins_of(a) end
  o.of_assembly, o.neuroids = shape[3], rawget(a.neuroid, "neuroid_id")
  o.conditions, o.folds = ids, (o.folds or o.method == "crossnobis") and folds or nil
  return x:index_select(common.index(rows), { dim = 1 })
end

-- The responses at each time (or in each bin of times), and a name for each.
local function split_time(x, o)
  local n = x:size(o.time)
  local bins, parts, names = o.bins or {}, {}, {}
  for t = 1, o.bins and 0 or n do bins[t] = { t } end
  for b, bin in ipairs(bins) do
    for _, t in ipairs(bin) do
      if math.type(t) ~= "integer" or t < 1 or t > n then
        errors.raise("argument", o.position, "rdm: bins hold the time %s, expected whole numbers from 1 to %d",
          tostring(t), n)
      end
    end
    parts[b] = x:index_select(common.index(bin), { dim = o.time }):mean { dim = o.time }
    names[b] = #bin == 1 and "t" .. bin[1] or string.format("t%d to t%d", bin[1], bin[#bin])
  end
  return parts, names
end

-- Entries of a list are tensors of the same stimuli.
local function check_entry(entry, k, position)
  if require("lamina.neural.assembly").is_assembly(entry) then
    errors.raise("argument", position, "rdm: entry %d of x is an assembly, expected a tensor: rdm.join { rdm { a }, "
      .. "rdm { b } } holds an RDM of each, matched by stimulus_id", k)
  end
end

--- See lamina.rdm.
function M.rdm(given, position)
  local o = schema.check("rdm", given, FIELDS, position)
  o.position = position
  local x = o.x
  if require("lamina.neural.assembly").is_assembly(x) then x = unpack_assembly(x, o) end
  local names = o.names
  if o.time then
    if not tensor.is_tensor(x) or x.ndim < 3 or o.time > x.ndim or o.time == 1 then
      errors.raise("shape", position, "rdm: time = %d needs a tensor of at least 3 axes, trials x channels x time",
        o.time)
    end
    local parts, called = split_time(x, o)
    x, names = parts, names or not o.bins and o.time_names or called
  elseif o.bins then
    errors.raise("argument", position, "rdm: bins need time = the axis that they divide")
  end
  local list = type(x) == "table" and not tensor.is_tensor(x) and x or { x }
  local parts, first = {}, nil
  for k, one_x in ipairs(list) do
    check_entry(one_x, k, position)
    parts[k] = tensor.no_grad(function() return one(one_x, o) end)
    first = first or o.ids
    if #o.ids ~= #first then
      errors.raise("argument", position, "rdm: entry %d of x is of %d stimuli, the first of %d", k, #o.ids, #first)
    end
  end
  if #parts == 0 then errors.raise("argument", position, "rdm: x is an empty list") end
  local channels = tensor.is_tensor(list[1]) and list[1]:count() // #list[1] or nil
  local set = sets.make({ vectors = #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 }),
    id = o.has_id and first or nil, names = names, measure = o.method, channels = channels, nan = o.holes > 0,
    holes = o.holes > 0 and o.holes or nil, looked = o.looked, gone = o.gone, trials = o.trials, shrunk = o.shrunk,
    constant = o.constant > 0 and o.constant or nil, constant_of = o.constant_of, constant_names = #parts == 1
    and o.constant > 0 and constant_names(o) or nil, sums = not o.per_channel or nil }, "rdm", position)
  return set
end

return M
