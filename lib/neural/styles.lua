--- lamina.neural.styles: published recipes for a score, followed to the letter.
--
-- brain-score: brain-score/vision at c642dbe (August 2026), benchmarks of the kind MajajHong2015public.IT-pls. PLS
-- with 25 components, centred and not scaled; 10 divisions of the stimuli, 90 % to fit, every object_name in
-- proportion; Pearson's r of each neuroid, the median over neuroids, the mean over divisions; error = standard
-- deviation over divisions (divided by n) / sqrt(n). Ceiling: 10 random halves of the repetitions, Pearson's r of
-- their means, Spearman-Brown, median over neuroids, mean over halves. Ceiled: r^2 / c since pull request 2169
-- (January 2026); before that (r / c)^2. The divisions are drawn by our own generator: splits = { { train =, test =
-- }, ... } imports theirs.
local ceilings = require "lamina.neural.ceiling"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local maps = require "lamina.neural.maps"
local splits = require "lamina.neural.splits"
local stats = require "lamina.core.stats"

local M = {}

local function median(t) return stats.quantile(t, { 0.5 }) end

-- A row in Brain-Score's way: by_fold is divisions x neuroids (controls behind them).
local function brain_score(o, layer, group, by_fold, kept, close)
  local index = common.index(group.index)
  local scores = median(by_fold:index_select(index, { dim = 2 })):reshape { -1 }
  local r, n = scores:mean():item(), #scores
  local error = scores:std({ correction = 0 }):item() / math.sqrt(n)
  local a, places = o.responses, common.index(common.pick(kept.index, group.index))
  local halves = stats.split_half(a.responses, a.valid, 10, { seed = o.ceiling.seed, purpose = "split_half" })
  local c = median(halves:index_select(places, { dim = 2 })):mean():item()
  return { layer = layer.name, area = layer.area, group = group.value, features = layer.x:size(2), n = #group.index,
    r = r, low = r - 1.96 * error, high = r + 1.96 * error, error = error, ceiling = c,
    ceiled = r * math.abs(r) / c, ceiled_low = (r - 1.96 * error) * math.abs(r - 1.96 * error) / c,
    ceiled_high = (r + 1.96 * error) * math.abs(r + 1.96 * error) / c, label = close and "close" or "exact",
    selected = o.set.selected or nil }
end

--- Sets what o.style says in the options of predictivity. An option that the style decides and that is given as well
-- is an error, but for splits, which may be imported.
function M.apply(o, given, position)
  if o.style ~= "brain-score" then return end
  for _, name in ipairs { "mapping", "ceiling", "ceiled", "reliability", "measure", "over" } do
    if given[name] ~= nil then
      errors.raise("argument", position, "predictivity: style = \"brain-score\" decides %s; leave it out, or "
        .. "leave out "
        .. "the style", name)
    end
  end
  local stratified = rawget(o.responses.stimulus, "object_name") and "object_name" or nil
  o.mapping, o.reliability = maps.pls { 25 }, -1
  if o.splits == nil then o.splits = splits.shuffled { 10, test = 0.1, stratify = stratified, seed = o.seed } end
  o.ceiling, o.ceiled, o.aggregate = ceilings.split_half { 10, seed = o.seed }, "r^2 / c", brain_score
  if o.shuffle and o.shuffle ~= 0 or o.permutations > 0 then
    errors.raise("argument", position, "predictivity: style = \"brain-score\" has no shuffled control and no "
      .. "permutations")
  end
  o.style_name = "style brain-score (brain-score/vision c642dbe, August 2026): r is the median over neuroids of each "
    .. "division, mean over divisions; the interval is 1.96 times the standard deviation over divisions / sqrt(n)"
end

return M
