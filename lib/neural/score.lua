--- lamina.neural.score: what predictivity and separability return: rows of numbers that say how they were made.
local common = require "lamina.neural.common"

local measures = require "lamina.neural.measures"
local merged = require "lamina.merged"
local object = require "lamina.object"
local significance = require "lamina.significance"

local M = {}

--- How r may be put in relation to the ceiling c, by name.
M.formulas = { "r / c", "(r / c)^2", "r / c^2", "r^2 / c", "ev / c^2", "r2 / c^2", "none" }

-- Which formulas suit a measure; the first is the default.
local SUITS = { r = { "r / c", "(r / c)^2", "r / c^2", "r^2 / c", "none" }, ev = { "ev / c^2", "none" },
  r2 = { "r2 / c^2", "none" }, poisson = { "none" } }

--- The formula for a measure: the one asked for, or its default. One that does not suit it is an error.
function M.formula(asked, measure, position)
  if not asked then return SUITS[measure][1] end
  for _, formula in ipairs(SUITS[measure]) do
    if formula == asked then return asked end
  end
  require("lamina.errors").raise("argument", position, "predictivity: ceiled = '%s' is not for measure = '%s' (it "
    .. "takes %s): c is the largest r that can be expected, c^2 the largest explained variance", asked, measure,
    "'" .. table.concat(SUITS[measure], "', '") .. "'")
end

--- Whether a score (or a commitment) has values in relation to the ceiling, of which a table has a column.
function M.related(score) return not score.unceiled and score.formula ~= "none" end

--- A formula for each neuroid: r and c are float64 tensors. c is the square root of the reliability, so "(r / c)^2"
-- is the part of the explainable variance that is explained, and "r / c^2" is r over the reliability itself; a square
-- of r keeps its sign. "ev / c^2" and "r2 / c^2" relate explained variance and r2, given in r's place, "none" leaves
-- the measure as it is. Nothing is cut off: a value above 1 is shown. A neuroid with ceiling 0 gives NaN or infinity.
function M.relate(formula, r, c)
  if formula == "r / c" then return r / c end
  if formula == "(r / c)^2" then return r:square() * r:sign() / c:square() end
  if formula:find " / c^2$" then return r / c:square() end
  if formula == "none" then return r end
  return r:square() * r:sign() / c
end

local Score = { __name = "score" }
Score.__index = object.index("a score", Score,
  "by chance classes neuroids formula shuffles ceiling mapping splits title name style predictions responses "
  .. "measure folds seed over permutations constant passes unceiled unknown unmeasured fewer bottom sparse low")

--- A score from its parts; `kind` is "predictivity" or "separability".
function M.make(parts) return setmetatable(parts, Score) end

--- True for a score.
function M.is_score(value) return getmetatable(value) == Score end

local function number(value) return value == nil and "" or string.format("%.3f", value) end

local function row_name(row)
  return row.group ~= nil and string.format("%s, %s", row.layer, row.group) or row.layer
end

local function p_text(p) return p < 0.001 and "< 0.001" or string.format("%.3f", p) end

local function interval(row) return common.interval_text(row.low, row.high) end

-- ---- print -----------------------------------------------------------------------------------------------------

local function predictivity_table(score)
  local head = { "layer", "area" }
  if score.by then head[#head + 1] = score.by end
  for _, name in ipairs { "features", "n", score.measure, "95 % CI" } do head[#head + 1] = name end
  local related = M.related(score)
  if not score.unceiled then head[#head + 1] = "ceiling" end
  if related then head[#head + 1] = score.formula end
  if score.shuffles > 0 then head[#head + 1] = "shuffled" end
  local tested = (score.permutations or 0) > 0
  if tested then head[#head + 1], head[#head + 2] = "p", "q" end
  head[#head + 1] = "bits"
  local rows = { head }
  for i, row in ipairs(score.rows) do
    local line = { row.layer, row.area }
    if score.by then line[#line + 1] = tostring(row.group) end
    for _, cell in ipairs { tostring(row.features), tostring(row.n), number(row.r), interval(row) } do
      line[#line + 1] = cell
    end
    if not score.unceiled then line[#line + 1] = number(row.ceiling) end
    if related then line[#line + 1] = number(row.ceiled) end
    if score.shuffles > 0 then line[#line + 1] = number(row.shuffled) end
    if tested then line[#line + 1], line[#line + 2] = p_text(row.p), p_text(row.q) end
    line[#line + 1] = row.label .. (row.selected and ", selected" or "")
    rows[i + 1] = line
  end
  return common.columns(rows, { true, true, score.by ~= nil })
end

-- Which neuroids were left out, and why.
local function left_out(score)
  local parts = {}
  if not score.unceiled and not score.style then
    parts[1] = string.format("%d with reliability below %g", score.unreliable, score.threshold)
    if (score.unknown or 0) > 0 then
      parts[2] = string.format("%d whose reliability cannot be computed: %s", score.unknown,
        common.some(score.unmeasured))
    end
  end
  parts[#parts + 1] = string.format("%d without a valid trial for some stimulus%s", #score.silent,
    #score.silent > 0 and ": " .. common.some(score.silent) or "")
  if #score.constant > 0 then
    parts[#parts + 1] = string.format("%d that do%s not vary: %s", #score.constant, #score.constant == 1 and "es"
      or "", common.some(score.constant))
  end
  return table.concat(parts, ", ")
end

--- What print says of a score's ceiling (of predictivity, commitment).
function M.ceiling_text(score)
  if score.unceiled then
    return "none (ceiling = false): how much of the responses can be predicted at all is not known, and no neuroid "
      .. "is left out as unreliable"
  end
  return (score.style and "" or "square root of ") .. score.ceiling
end

--- What print says of the formula that puts values in relation to the ceiling (of predictivity, commitment).
function M.formula_text(score)
  if score.unceiled then return "none, for want of a ceiling" end
  if not M.related(score) then return "none (ceiled = \"none\"): nothing is put in relation to the ceiling" end
  local squared = score.formula == "r^2 / c" or score.formula == "(r / c)^2"
  return string.format("%s: of %s and %s ceiling c%s; %snothing cut off", score.formula, score.style and "a row's r"
    or "each neuroid's " .. score.measure, score.style and "its" or "own", squared
    and ", the square with the sign of r" or "", score.style and "" or "median over neuroids, ")
end

--- What print says of the stimuli and neuroids of a score (of predictivity, commitment).
function M.data_text(score)
  return string.format("%d stimuli%s; %d of %s (left out: %s)%s", score.stimuli, score.unused > 0
    and string.format(" (%d more have no responses)", score.unused) or "", score.kept,
    common.plural(score.total, "neuroid"), left_out(score), score.missing > 0
    and string.format("; %d of %d trials missing, left out of means and ceilings", score.missing, score.trials)
    or "")
end

--- What print says of a score's map, and of how often it reads a layer's features (of predictivity, commitment).
function M.map_text(score)
  return score.mapping .. (score.passes and string.format("; reads a layer's features %s", score.passes == 1
    and "once" or score.passes .. " times") or "")
end

-- Which rows have one neuroid, over which nothing can be resampled.
local function single(score)
  local names = {}
  for _, row in ipairs(score.rows) do
    if row.n == 1 then names[#names + 1] = row_name(row) end
  end
  return names
end

local function predictivity_notes(score)
  local lines = {
    "predictivity: " .. M.data_text(score),
    "  map: " .. M.map_text(score),
    "  splits: " .. score.splits,
    score.style and "  " .. score.style or string.format("  %s: %s on held-out images within a fold, mean over %d "
      .. "folds, "
      .. "median over neuroids; the interval is a bootstrap over %s (%d, seed %d)", score.measure,
      score.measure == "r" and "Pearson" or measures.says[score.measure], score.folds, score.over, score.bootstrap,
      score.seed),
    "  ceiling: " .. M.ceiling_text(score),
    "  formula: " .. M.formula_text(score),
  }
  if score.low then
    lines[#lines + 1] = string.format("  poisson, %s: %s", measures.low_text, common.some(score.low, 8))
  end
  if score.fewer then
    table.insert(lines, 3, string.format("  components, where there are no more: %s", common.some(score.fewer, 8)))
  end
  if score.shuffles > 0 then
    lines[#lines + 1] = string.format("  shuffled: the same with responses dealt to other stimuli, mean of %s",
      common.plural(score.shuffles, "median"))
  end
  if (score.permutations or 0) > 0 then
    lines[#lines + 1] = string.format("  p: the responses of each fold %s, %d times; q: corrected for %s (%s)",
      "dealt anew among its predictions" .. (score.whole and " by whole groups (of one group, shifted around)" or ""),
      score.permutations, common.plural(#score.rows, "row"), significance.says[score.correction])
  end
  if score.flat > 0 then
    lines[#lines + 1] = string.format("  %s of a neuroid and a fold left out of %s: the responses do "
      .. "not vary over its tested images", common.plural(score.flat, "pair"), score.style
      and "the divisions' medians" or "means over folds")
  end
  local alone = score.over == "neuroids" and not score.style and single(score) or {}
  if #alone > 0 then
    lines[#lines + 1] = string.format("  one neuroid, of which there is no interval over neuroids: %s (over = "
      .. "\"stimuli\" gives one)", common.some(alone, 8))
  end
  if (score.sparse or 0) > 0 then
    lines[#lines + 1] = string.format("  %s left out of the resamples of stimuli over which %s responses do not vary",
      common.plural(score.sparse, "neuroid"), score.sparse == 1 and "its" or "their")
  end
  if (score.bottom or 0) > 0 then
    lines[#lines + 1] = string.format("  %d of %s with a reliability of 0 or less: %s ceiling c is 0, and what is "
      .. "divided by it has no finite value", score.bottom, common.plural(score.kept, "neuroid"),
      score.bottom == 1 and "its" or "their")
  end
  local above = {}
  for _, row in ipairs(score.rows) do
    if (row.above or 0) > 0 then above[#above + 1] = string.format("%s %d of %d", row_name(row), row.above, row.n) end
  end
  if #above > 0 then lines[#lines + 1] = "  neuroids above their ceiling, not cut off: " .. common.some(above, 8) end
  return table.concat(lines, "\n")
end

local function separability_text(score)
  local first = score.rows[1]
  local rows = { { "layer", "area", "features", "accuracy", "95 % CI", "bits" } }
  for i, row in ipairs(score.rows) do
    rows[i + 1] = { row.layer, row.area, tostring(row.features), number(row.accuracy), interval(row),
      row.label .. (row.selected and ", selected" or "") }
  end
  return string.format("separability: %d images, %d classes, chance %.3f\n  map: one against all, %s\n  splits: %s\n"
    .. "  accuracy on held-out images; the interval is a bootstrap over %s (%d, seed %d)%s\n%s%s", score.stimuli,
    score.classes, score.chance, score.mapping, score.splits, score.over, score.bootstrap, score.seed,
    first and first.low ~= first.low and string.format("; of one tested %s there is none", first.n == 1 and "image"
    or "group") or "",
    require("lamina.neural.features").constant_text(score.rows, "features that do not vary, and tell nothing"),
    common.columns(rows, { true, true }))
end

Score.__tostring = function(self)
  if self.kind == "separability" then return separability_text(self) end
  return predictivity_notes(self) .. "\n" .. predictivity_table(self)
end

--- What report says of a row's ceiling (of predictivity, commitment).
function M.ceiled_text(score, row)
  if not row.ceiling then return "no ceiling" end
  if not M.related(score) then return string.format("ceiling %.3f, nothing put in relation to it", row.ceiling) end
  return string.format("ceiling %.3f, %s %.3f", row.ceiling, score.formula, row.ceiled)
end

-- ---- report, csv -----------------------------------------------------------------------------------------------

--- score:results(): a list of { metric =, value =, label =, what = } for report, one for each row.
-- > x = randn { 60, 2 }
-- > a = neural.assembly { { responses = x, stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { layer = x }, responses = a, ceiling = false }
-- > #score:results(), score:results()[1].metric   --> 1 predictivity (layer)
function Score:results()
  local list = {}
  for i, row in ipairs(self.rows) do
    local what = string.format("95 %% CI %s, n = %d", interval(row), row.n)
    local value = row.accuracy
    if self.kind == "separability" and self.over ~= "images" then what = what .. ", over " .. self.over end
    if self.kind == "predictivity" then
      value = row.r
      what = string.format("median %s over neuroids, %s (over %s), %s, %d folds, seed %d", self.measure, what,
        self.style and "divisions" or self.over, M.ceiled_text(self, row), self.folds, self.seed)
    end
    if row.p then what = string.format("%s, p = %.4g (q = %.4g)", what, row.p, row.q) end
    if row.selected then what = what .. ", selected" end
    list[i] = { metric = string.format("%s (%s)", self.kind, row_name(row)), value = value, label = row.label,
      what = what }
  end
  return list
end

local COLUMNS = {
  predictivity = { "layer", "area", "group", "features", "n", "r", "low", "high", "ceiling", "ceiled",
    "ceiled_low", "ceiled_high", "above", "formula", "shuffled", "shuffled_low", "shuffled_high", "p", "q", "label",
    "error", "measure", "stimuli", "splits", "seed" },
  separability = { "layer", "area", "features", "n", "accuracy", "low", "high", "chance", "label", "splits", "seed" },
}
-- What all rows of a score share.
local OF_SCORE = { "formula", "chance", "measure", "stimuli", "splits", "seed" }

-- A row for every layer and neuroid of a predictivity score: its coordinates, r, reliability, ceiling.
local function neuroid_table(score)
  local held = score.neuroids
  local known, shown, layers, groups = {}, {}, {}, {}
  for name in pairs(held.coordinates) do
    if name ~= "_count" then known[#known + 1] = name end
  end
  table.sort(known)
  for _, row in ipairs(score.rows) do
    if not shown[row.layer] then layers[#layers + 1] = row.layer end
    shown[row.layer] = true
    if score.by then groups[row.group] = true end
  end
  local rows = { table.move(known, 1, #known, 3, { "layer", "position" }) }
  local measured = score.unceiled and { score.measure }
    or { score.measure, "reliability", "ceiling", M.related(score) and score.formula or nil }
  table.move(measured, 1, #measured, #rows[1] + 1, rows[1])
  local reliability, ceiling = held.reliability:totable(), held.ceiling:totable()
  for _, layer in ipairs(layers) do
    local r, ceiled = held.r[layer]:totable(), M.relate(score.formula, held.r[layer], held.ceiling):totable()
    for i, position in ipairs(held.index) do
      if not score.by or groups[held.coordinates[score.by][i]] then
        local line = { layer, position }
        for _, name in ipairs(known) do line[#line + 1] = held.coordinates[name][i] end
        table.move({ r[i], reliability[i], ceiling[i], ceiled[i] }, 1, #measured, #line + 1, line)
        rows[#rows + 1] = line
      end
    end
  end
  return rows
end

--- score:table(): the rows as a list of lists, the first one the names of the columns, the last of which say how all
-- rows were made (measure, stimuli, splits, seed; error: of style = "brain-score"). score:table "neuroids" of a
-- predictivity score: a row for every layer and neuroid that was kept, with position (in the assembly), coordinates,
-- the measure by its name and, unless there is no ceiling, reliability, ceiling and the measure in relation to it.
-- > x = randn { 60, 2 }
-- > a = neural.assembly { { responses = x, stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { layer = x }, responses = a, ceiling = false }
-- > score:table()[2][1], #score:table "neuroids"   --> layer 3
function Score:table(of)
  if of == "neuroids" and self.neuroids then return neuroid_table(self) end
  if of ~= nil and of ~= "rows" then
    require("lamina.errors").raise("argument", 2, "score: there is no table of '%s' (there are rows%s)", tostring(of),
      self.neuroids and ", neuroids" or "")
  end
  local shared = {}
  for _, name in ipairs(OF_SCORE) do shared[name] = self[name] end
  return common.tabulate(COLUMNS[self.kind], self.rows, shared)
end

--- score:csv(path), score:csv(path, "neuroids"): writes the table (of rows; or of neuroids) as CSV, into the folder
-- of the experiment as figures go; returns the score.
-- > x = randn { 60, 2 }
-- > a = neural.assembly { { responses = x, stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { layer = x }, responses = a, ceiling = false }
-- > score:csv "score.csv"
function Score:csv(path, of)
  local rows = self:table(of)
  common.csv(path, rows)
  return self
end

--- score:plot { show = "both", title =, width =, height = }: the figure, as plot.layers(score) draws it.
-- > x = randn { 60, 2 }
-- > a = neural.assembly { { responses = x, stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { layer = x }, responses = a, ceiling = false }
-- > score:plot({ title = "one layer" }):save "score.svg"
function Score:plot(given)
  local spec = { self }
  for name, value in pairs(given or {}) do spec[name] = value end
  return require("lamina.plot").layers(spec)
end

--- score:find(layer, group): the row of a layer (and of a value of `by`); nil where there is none.
-- > x = randn { 60, 2 }
-- > a = neural.assembly { { responses = x, stimulus_id = arange(1, 60) } }
-- > score = predictivity { features = { layer = x, noise = randn { 60, 2 } }, responses = a, ceiling = false }
-- > score:find("layer").r > 0.99, score:find("noise").r < 0.5   --> true true
function Score:find(layer, group)
  for _, row in ipairs(self.rows) do
    if row.layer == layer and (group == nil or row.group == group) then return row end
  end
end

--- score:only(group): the score with the rows of one value of `by`, for a table or a figure of its own.
-- > x, ids = randn { 60, 2 }, arange(1, 60)
-- > a = neural.assembly { { responses = x, stimulus_id = ids, neuroid_region = { "V4", "IT" } } }
-- > score = predictivity { features = { layer = x }, responses = a, by = "region", ceiling = false }
-- > #score.rows, #score:only("IT").rows   --> 2 1
function Score:only(group)
  local parts = merged(self)
  parts.rows = {}
  for _, row in ipairs(self.rows) do
    if row.group == group then parts.rows[#parts.rows + 1] = row end
  end
  return M.make(parts)
end

return M
