--- lamina.neural.intervals: how sure a score is: bootstraps over neuroids, stimuli and subjects, and permutations.
--
-- What is resampled says to what a score generalises: to other neuroids of the same animals, to other stimuli of the
-- same kind, to other animals. Several at once are crossed, each dimension drawn by itself, as Brain-Score's
-- bootstrap_error does; neuroids are drawn within the subjects that were drawn. Ceilings go with their neuroids; they
-- are not estimated anew for resampled stimuli.
--
-- A resample of the stimuli counts image i n_i times: the measure of a fold is taken with these weights over its
-- tested images, and the fold counts with the sum of them over its size, so that one whose images were all drawn once
-- counts as it does in the score. Where splits are by group, groups are drawn whole.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"

local M = {}

local DIMENSIONS = { neuroids = true, stimuli = true, subjects = true }
local COLUMNS = 512 -- neuroids at a time: it bounds memory, not numbers

--- The option `over` as a set { neuroids = true, ... } and as text. Raises where it is no dimension.
function M.over(value, word, position)
  local list, set, names = type(value) == "table" and value or { value }, {}, {}
  for _, name in ipairs(list) do
    if not DIMENSIONS[name] then
      errors.raise("argument", position, "%s: over = '%s', expected \"neuroids\", \"stimuli\", \"subjects\" or a "
        .. "list "
        .. "of them%s", word, tostring(name), errors.hint(tostring(name), { "neuroids", "stimuli", "subjects" }))
    end
    if not set[name] then names[#names + 1] = name end
    set[name] = true
  end
  if #names == 0 then errors.raise("argument", position, "%s: over is empty", word) end
  return set, table.concat(names, " and ")
end

--- Resampled positions of n neuroids: resamples x n (int64); a list of tensors where subjects are drawn (members:
-- positions of each subject), which differ in length; nil where neuroids stay as they are.
function M.columns(o, n, members, purpose)
  local set = o.over_set
  if not set.subjects then
    return set.neuroids and stats.bootstrap_indices(n, o.bootstrap, { seed = o.seed, purpose = purpose }) or nil
  end
  local subjects = stats.bootstrap_indices(#members, o.bootstrap, { seed = o.seed, purpose = purpose .. ".subjects" })
    :totable()
  local within = set.neuroids and tensor.draw { kind = "uniform", shape = { o.bootstrap, #members * n }, low = 0,
    high = 1, seed = o.seed, purpose = purpose, dtype = "float64" }
  local list = {}
  for b, drawn in ipairs(subjects) do
    local row, positions = within and within[b]:totable(), {}
    for _, s in ipairs(drawn) do
      local own = members[s]
      for i = 1, #own do
        positions[#positions + 1] = row and own[1 + math.floor(row[#positions + 1] * #own)] or own[i]
      end
    end
    list[b] = common.index(positions)
  end
  return list
end

--- The mean of each row (B x U) over the neuroids that have a value there, not NaN; NaN where none has.
function M.means(t)
  local there = t:isnan():logical_not()
  if there:all():item() then return t:mean { dim = 2 } end
  local count = there:to "float64":sum { dim = 2 }
  return ops.where(there, t, tensor.zeros { 1, dtype = "float64" }):sum { dim = 2 } / count
end

--- The median of each row over the neuroids that have a value there; NaN where none has.
function M.medians(t)
  if not t:isnan():any():item() then return stats.quantile(t, { 0.5 }):reshape { -1 } end
  local list = {}
  for b, row in ipairs(t:totable()) do
    local known = {}
    for _, value in ipairs(row) do
      if value == value then known[#known + 1] = value end
    end
    list[b] = #known > 0 and stats.quantile(tensor.tensor(known, { dtype = "float64" }), { 0.5 }):item() or 0 / 0
  end
  return tensor.tensor(list, { dtype = "float64" })
end

--- A statistic of every resample (float64, B): values is U, or B x U where stimuli were drawn (NaN where a neuroid
-- does not vary over those that were); columns as M.columns gives them; of(t) is the statistic along the last axis,
-- M.medians if absent.
function M.resampled(values, columns, resamples, of)
  of = of or M.medians
  local drawn = values.ndim == 2
  if columns == nil then return of(drawn and values or values:reshape { 1, -1 }) end
  if tensor.is_tensor(columns) then
    if drawn then return of(values:gather(columns, { dim = 2 })) end
    return of(values:index_select(columns:reshape { -1 }, { dim = 1 }):reshape { resamples, -1 })
  end
  local list = {}
  for b, index in ipairs(columns) do
    list[b] = of((drawn and values[b] or values):index_select(index, { dim = 1 }):reshape { 1, -1 })
  end
  return ops.concat(list, { dim = 1 })
end

--- The 2.5 and 97.5 percentiles of resampled statistics, of those that there are; NaN where there is none, or where
-- only neuroids are drawn and there is one, which every resample holds (alone).
function M.interval(t, alone)
  if alone then return 0 / 0, 0 / 0 end
  t = t:reshape { -1 }
  local there = t:isnan():logical_not()
  if there:any():item() and not there:all():item() then t = t:masked_select(there) end
  return table.unpack(stats.quantile(t, { 0.025, 0.975 }):totable())
end

--- Whether nothing is drawn but the neuroids, and there is one.
function M.alone(o, n) return n == 1 and not o.over_set.stimuli and not o.over_set.subjects end

-- ---- stimuli ---------------------------------------------------------------------------------------------------

--- How often each of n stimuli is in each resample: resamples x n (float64); groups (optional, one for each) whole.
function M.stimulus_weights(o, n, groups)
  local members = groups and common.by_value(groups)
  local units = members and #members or n
  local draws = stats.bootstrap_indices(units, o.bootstrap, { seed = o.seed, purpose = "predictivity.stimuli" })
  local rows = tensor.arange(0, o.bootstrap - 1):reshape { -1, 1 } * units
  local counts = tensor.ones({ o.bootstrap * units }, { dtype = "float64" })
    :index_add((draws + rows:to "int64"):reshape { -1 }, { dim = 1, size = o.bootstrap * units })
    :reshape { o.bootstrap, units }
  if not members then return counts end
  local of = {}
  for unit, list in ipairs(members) do
    for _, i in ipairs(list) do of[i] = unit end
  end
  return counts:index_select(common.index(of), { dim = 2 })
end

local function nan() return tensor.full({ 1 }, 0 / 0, { dtype = "float64" }) end

-- The measures from weighted sums s (of y, g and their products), both sides centred on the mean of y.
local from_sums = {}

local function spreads(s)
  local my, mg = s.y / s.w, s.g / s.w
  local yy, gg = s.yy / s.w - my:square(), s.gg / s.w - mg:square()
  -- what rounding leaves of a constant is none
  yy = ops.where(ops.gt(yy, s.yy / s.w * 1e-13), yy, nan())
  gg = ops.where(ops.gt(gg, s.gg / s.w * 1e-13), gg, gg * 0)
  return yy, gg, s.yg / s.w - my * mg
end

function from_sums.r(s)
  local yy, gg, yg = spreads(s)
  local scale = (yy * gg):sqrt()
  return ops.where(ops.eq(scale, 0), scale, yg / scale)
end

function from_sums.ev(s)
  local yy, gg, yg = spreads(s)
  return 1 - (yy + gg - 2 * yg) / yy
end

function from_sums.r2(s) return 1 - (s.yy + s.gg - 2 * s.yg) / s.w / (spreads(s)) end

-- here y and g are as they are, yg holds y log g
function from_sums.poisson(s)
  local gain = (s.yg - s.y * (s.y / s.w):log() - s.g + s.y) / math.log(2)
  return ops.where(ops.gt(s.y, 0), gain / s.y, nan())
end

local function sums_of(weights, y, g, measure)
  local s = { w = weights:sum { dim = 2, keepdim = true } }
  if measure == "poisson" then
    g = g:clamp(1e-8, math.huge)
    s.y, s.g, s.yg = weights:matmul(y), weights:matmul(g), weights:matmul(y * g:log())
    return s
  end
  local centre = y:mean { dim = 1, keepdim = true }
  y, g = y - centre, g - centre
  s.y, s.g, s.yy, s.gg, s.yg = weights:matmul(y), weights:matmul(g), weights:matmul(y:square()),
    weights:matmul(g:square()), weights:matmul(y * g)
  return s
end

--- The measure of every neuroid in every resample of the stimuli: resamples x U. held: a list of { test = positions,
-- guess =, y = } for the folds; weights: M.stimulus_weights. Folds none of whose images were drawn, and those over
-- whose drawn images a neuroid does not vary, are left out of its mean; NaN where none is left.
function M.over_stimuli(held, weights, measure)
  local u, parts = held[1].y:size(2), {}
  for first = 1, u, COLUMNS do
    local last = math.min(first + COLUMNS - 1, u)
    local sum, total
    for _, fold in ipairs(held) do
      local w = weights:index_select(common.index(fold.test), { dim = 2 })
      local found = from_sums[measure](sums_of(w, fold.y[{ {}, { first, last } }]:contiguous(),
        fold.guess[{ {}, { first, last } }]:contiguous(), measure))
      local share = w:mean { dim = 2, keepdim = true }
      local there = found:isfinite():to "float64" * share
      local part = ops.where(found:isfinite(), found, tensor.zeros { 1, dtype = "float64" }) * there
      sum, total = sum and sum + part or part, total and total + there or there
    end
    parts[#parts + 1] = sum / total
  end
  return #parts == 1 and parts[1] or ops.concat(parts, { dim = 2 })
end

-- ---- permutations ----------------------------------------------------------------------------------------------

--- The mean over folds (rows of `each`, folds x U), without those where a neuroid's responses do not vary (NaN).
function M.mean_over_folds(each)
  local there = each:isnan():logical_not()
  local count = there:to "float64":sum { dim = 1 }
  return ops.where(there, each, tensor.zeros { 1, dtype = "float64" }):sum { dim = 1 } / count
end

-- A fold's images, n of them, in an order of chance; members: the positions of each of its groups (nil: none), which
-- change places whole, one image after the other, and are shifted around by a random step where there is one.
local function dealt(n, members, key)
  if not members then
    key.kind, key.shape = "permutation", { n }
    return tensor.draw(key)
  elseif #members == 1 then
    key.kind, key.shape, key.low, key.high = "int", { 1 }, 0, n - 1
    return (tensor.arange(0, n - 1):to "int64" + tensor.draw(key)) % n + 1
  end
  key.kind, key.shape = "permutation", { #members }
  local to, from, order = {}, {}, {}
  for place, g in ipairs(tensor.draw(key):totable()) do
    table.move(members[place], 1, #members[place], #to + 1, to)
    table.move(members[g], 1, #members[g], #from + 1, from)
  end
  for k, at in ipairs(to) do order[at] = from[k] end
  return common.index(order)
end

--- A null distribution, permutations x U: the responses of every fold's tested images are dealt anew among its
-- predictions, all neuroids together. Where splits are by group (groups: that of every image), whole groups change
-- places, as images of one movie are alike, so that these count once; where a fold tests one group its responses are
-- shifted around by a random step, and neighbours stay neighbours. Nothing is fitted anew.
function M.permuted(o, held, measure, groups)
  local rows, members = {}, {}
  for f, fold in ipairs(held) do members[f] = groups and common.by_value(common.pick(groups, fold.test)) or nil end
  for k = 1, o.permutations do
    local each = {}
    for f, fold in ipairs(held) do
      local order = dealt(#fold.test, members[f], { seed = o.seed, purpose = "predictivity.permutations",
        step = k * #held + f })
      each[f] = measure(fold.guess, fold.y:index_select(order, { dim = 1 }))
    end
    rows[k] = M.mean_over_folds(ops.stack(each, { dim = 1 }))
  end
  return ops.stack(rows, { dim = 1 })
end

--- p of a statistic, one-sided, from a null distribution: (1 + how many reach it) / (1 + how many there are).
-- Of those that have a value; NaN where there is none.
function M.p_value(value, null)
  null = null:reshape { -1 }
  null = null:masked_select(null:isnan():logical_not())
  if value ~= value or null:count() == 0 then return 0 / 0 end
  return (1 + ops.ge(null, value):to "int64":sum():item()) / (1 + null:count())
end

return M
