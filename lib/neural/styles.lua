--- lamina.neural.styles: published recipes for a score, followed to the letter.
--
-- brain-score: brain-score/vision at c642dbe (August 2026), benchmarks of the kind MajajHong2015public.IT-pls. PLS
-- with 25 components, centred and not scaled; 10 divisions of the stimuli, 90 % to fit, every object_name in
-- proportion, by scikit-learn's StratifiedShuffleSplit with random_state = 1 (without an object_name its
-- ShuffleSplit), which are made here image for image over the stimuli in the order of the assembly (Brain-Score
-- averages repetitions first, which reorders stimuli by their coordinates); Pearson's r of each neuroid, the median
-- over neuroids, the mean over divisions; error = standard deviation over divisions (divided by n) / sqrt(n).
-- Ceiling: 10 random halves of the repetitions by ShuffleSplit with random_state = 1, Pearson's r of their means,
-- Spearman-Brown (2 r / (1 + r), of negative r as well), median over neuroids, mean over halves. A neuroid whose
-- responses do not vary over the tested stimuli has no r, and is left out of that division's median. Ceiled: r^2 / c
-- since pull request 2169 (January 2026); ceiled = "(r / c)^2" is the formula before it. splits = { { train =, test =
-- }, ... } imports other divisions.
local ceilings = require "lamina.neural.ceiling"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local maps = require "lamina.neural.maps"
local numpy_random = require "lamina.neural.numpy_random"
local ops = require "lamina.core.ops"
local splits = require "lamina.neural.splits"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"
local trials = require "lamina.neural.trials"

local M = {}

-- The numbers of a list that are not NaN, as xarray leaves these out of its medians and means.
local function known(list)
  local found = {}
  for _, value in ipairs(list) do
    if value == value then found[#found + 1] = value end
  end
  return #found > 0 and found or { 0 / 0 }
end

-- The median of each row of a matrix, as a tensor of those that there are.
local function medians(t)
  local list = {}
  for i, row in ipairs(t:totable()) do
    list[i] = stats.quantile(tensor.tensor(known(row), { dtype = "float64" }), { 0.5 }):item()
  end
  return tensor.tensor(known(list), { dtype = "float64" })
end

-- Spearman-Brown corrected r of Brain-Score's halves of the repetitions: halves x U.
local function consistency(a)
  local rows = {}
  for h, half in ipairs(numpy_random.shuffle_split(a.responses:size(3), 10, 0.5, 1)) do
    local means, there = {}, nil
    for i, side in ipairs { half.train, half.test } do
      local slots = common.index(side)
      local mean, count = stats.masked_mean(a.responses:index_select(slots, { dim = 3 }), a.valid:index_select(slots,
        { dim = 3 }))
      means[i], there = mean, there and there * count:gt(0):to "float64" or count:gt(0):to "float64"
    end
    local r = trials.masked_pearson(means[1], means[2], there, { 1 }):reshape { -1 }
    rows[h] = 2 * r / (1 + r)
  end
  return ops.stack(rows, { dim = 1 })
end

-- A row in Brain-Score's way: by_fold is divisions x neuroids (controls behind them).
local function brain_score(o, layer, group, by_fold, kept, close)
  local index = common.index(group.index)
  local scores = medians(by_fold:index_select(index, { dim = 2 }))
  local r, n = scores:mean():item(), #by_fold
  local error = scores:std({ correction = 0 }):item() / math.sqrt(n)
  local row = { layer = layer.name, area = layer.area, group = group.value, features = layer.features,
    n = #group.index, r = r, low = r - 1.96 * error, high = r + 1.96 * error, error = error, label = close and "close"
    or "exact", selected = o.set.selected or nil }
  if o.ceiling.none then return row end
  o.halves = o.halves or consistency(o.responses)
  local c = medians(o.halves:index_select(common.index(common.pick(kept.index, group.index)), { dim = 2 })):mean()
    :item()
  local function relate(value)
    return o.ceiled == "(r / c)^2" and value * math.abs(value) / (c * c) or value * math.abs(value) / c
  end
  row.ceiling, row.ceiled, row.ceiled_low, row.ceiled_high = c, relate(r), relate(row.low), relate(row.high)
  return row
end

--- Sets what o.style says in the options of predictivity. An option that the style decides and that is given as well
-- is an error, but for splits, which may be imported, and ceiling = false, the raw score of averages.
function M.apply(o, given, position)
  if o.style ~= "brain-score" then return end
  for _, name in ipairs { "mapping", "ceiling", "reliability", "measure", "over" } do
    if given[name] ~= nil and not (name == "ceiling" and given.ceiling == false) then
      errors.raise("argument", position, "predictivity: style = \"brain-score\" decides %s; leave it out, or "
        .. "leave out "
        .. "the style", name)
    end
  end
  local stratified = rawget(o.responses.stimulus, "object_name") and "object_name" or nil
  o.mapping, o.reliability = maps.pls { 25 }, -1
  if given.ceiled ~= nil and given.ceiled ~= "(r / c)^2" and given.ceiled ~= "r^2 / c" then
    errors.raise("argument", position, "predictivity: style = \"brain-score\" takes ceiled = \"r^2 / c\" (since "
      .. "January 2026, the default) or \"(r / c)^2\" (before), not '%s'", given.ceiled)
  end
  if o.splits == nil then
    o.splits = splits.shuffled { 10, test = 0.1, stratify = stratified, seed = 1, generator = "numpy" }
  end
  local bounded = given.ceiling ~= false -- of averages the raw score
  o.ceiling, o.aggregate = bounded and ceilings.split_half { 10, seed = 1 }, brain_score
  o.ceiled = bounded and (o.ceiled or "r^2 / c") or o.ceiled
  if o.shuffle and o.shuffle ~= 0 or o.permutations > 0 then
    errors.raise("argument", position, "predictivity: style = \"brain-score\" has no shuffled control and no "
      .. "permutations")
  end
  o.ceiling_text = "split-half consistency, 10 halves of the repetitions (scikit-learn's ShuffleSplit, "
    .. "random_state 1), "
    .. "Spearman-Brown, median over neuroids, mean over halves"
  o.style_name = "style brain-score (brain-score/vision c642dbe, August 2026), " .. (bounded and "ceiled " .. o.ceiled
    or "raw") .. ": r is "
    .. "the median over neuroids of each "
    .. "division, mean over divisions; the interval is 1.96 times the standard deviation over divisions / sqrt(n)"
end

return M
