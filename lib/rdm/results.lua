--- lamina.rdm.results: what rsa returns: rows of numbers that say how they were made.
local common = require "lamina.neural.common"
local object = require "lamina.object"

local M = {}

local Result = { __name = "rsa score" }
Result.__index = object.index("an rsa score", Result,
  "lower upper folds groups resamples dropped p_pair q_pair dof draws title name")

--- An rsa score from its parts.
function M.make(parts) return setmetatable(parts, Result) end

local function number(value, form)
  return value == nil and "" or value ~= value and "unknown" or string.format(form or "%.3f", value)
end

local function p_text(value)
  if not value then return "" end
  if value ~= value then return "unknown" end
  return value < 0.001 and "< 0.001" or string.format("%.3f", value)
end

Result.__tostring = function(self)
  local tested = self.bootstrap > 0
  local rows = { { "model", self.method } }
  for _, name in ipairs(tested and { "SE", "95 % CI", "p > 0", "q", "p ceiling", "q", "bits" } or { "bits" }) do
    rows[1][#rows[1] + 1] = name
  end
  for i, row in ipairs(self.rows) do
    local line = { row.model .. (row.fitted and " (fitted)" or ""), number(row.value) }
    if tested then
      local interval = row.se == row.se and string.format("%.3f to %.3f", row.low, row.high) or "unknown"
      for _, cell in ipairs { number(row.se), interval, p_text(row.p),
        p_text(row.q), p_text(row.p_ceiling), p_text(row.q_ceiling) } do
        line[#line + 1] = cell
      end
    end
    line[#line + 1] = row.label
    rows[i + 1] = line
  end
  local head = string.format("rsa: %s against %s of %d stimuli, mean %s", common.plural(#self.rows, "model"),
    common.plural(self.subjects, "subject"), self.stimuli, self.method)
  if self.lower then
    head = head .. string.format("; noise ceiling %.3f (lower, the others' pool) to %.3f (upper, everybody's)",
      self.lower, self.upper)
  end
  head = head .. require("lamina.rdm.compare").missing_text(self)
  if self.folds then
    head = head .. string.format("\n  held-out stimuli, %d folds%s", self.folds, self.groups and " of whole groups"
      or "")
  end
  if tested then
    head = head .. string.format("\n  intervals and tests: %s over %s (%d resamples%s), Student's t with %d "
      .. "degrees of freedom, seed %d; q: corrected for the number of tests (Benjamini & Hochberg)",
      self.over == "both" and "dual bootstrap" or "bootstrap",
      (self.over == "both" and "subjects and stimuli" or self.over) .. (self.groups and self.over ~= "subjects"
      and string.format(", these in %d groups", self.groups) or ""), self.resamples,
      self.dropped > 0 and string.format(" of %d; the others drew too few different stimuli%s",
        self.resamples + self.dropped, self.folds and " for " .. self.folds .. " folds" or "") or "",
      self.dof, self.seed)
  end
  return head .. "\n" .. common.columns(rows, { true })
end

--- score:find(model): the row of a model; nil where there is none.
-- > x = randn { 12, 20 }
-- > brain = rdm.join { rdm { x + randn { 12, 20 } }, rdm { x + randn { 12, 20 } } }
-- > s = rsa { models = rdm { x, names = { "V1" } }, data = brain, bootstrap = 100 }
-- > s:find("V1").model   --> V1
function Result:find(model)
  for _, row in ipairs(self.rows) do
    if row.model == model then return row end
  end
end

--- score:results(): a list of { metric =, value =, label =, what = } for report, one for each model.
-- > x = randn { 12, 20 }
-- > brain = rdm.join { rdm { x + randn { 12, 20 } }, rdm { x + randn { 12, 20 } } }
-- > s = rsa { models = rdm { x, names = { "V1" } }, data = brain, bootstrap = 100 }
-- > s:results()[1].metric   --> tau_a (V1)
function Result:results()
  local list = {}
  for i, row in ipairs(self.rows) do
    local what = string.format("mean over %s", common.plural(self.subjects, "subject"))
    if row.low and row.low == row.low then
      what = what .. string.format(", 95 %% CI %.3f to %.3f", row.low, row.high)
    end
    if self.lower then what = what .. string.format(", ceiling %.3f to %.3f", self.lower, self.upper) end
    list[i] = { metric = string.format("%s (%s)", self.method, row.model), value = row.value, label = row.label,
      what = what }
  end
  return list
end

local COLUMNS = { "model", "value", "se", "low", "high", "p", "q", "p_ceiling", "q_ceiling", "label" }

--- score:table(): the rows as a list of lists, the first one the names of the columns.
-- > x = randn { 12, 20 }
-- > brain = rdm.join { rdm { x + randn { 12, 20 } }, rdm { x + randn { 12, 20 } } }
-- > s = rsa { models = rdm { x, names = { "V1" } }, data = brain, bootstrap = 100 }
-- > s:table()[1][1], s:table()[2][1]   --> model V1
function Result:table()
  local rows = { table.move(COLUMNS, 1, #COLUMNS, 1, {}) }
  table.move({ "lower", "upper" }, 1, 2, #COLUMNS + 1, rows[1])
  for i, row in ipairs(self.rows) do
    local line = {}
    for c, name in ipairs(COLUMNS) do line[c] = row[name] or "" end
    line[#line + 1], line[#line + 2] = self.lower or "", self.upper or ""
    rows[i + 1] = line
  end
  return rows
end

--- score:csv(path): writes the table as CSV, into the folder of the experiment as figures go; returns the score.
-- > x = randn { 12, 20 }
-- > brain = rdm.join { rdm { x + randn { 12, 20 } }, rdm { x + randn { 12, 20 } } }
-- > s = rsa { models = rdm { x, names = { "V1" } }, data = brain, bootstrap = 100 }
-- > s:csv "rsa.csv"
-- > io.open "rsa.csv":read():sub(1, 20)   --> model,value,se,low,h
function Result:csv(path)
  common.csv(path, self:table())
  return self
end

--- score:plot { title =, width =, height =, sort = true }: the figure: a bar for each model with its 95 % interval,
-- and the noise ceiling as a band; the best first unless sort = false.
-- > x = randn { 12, 20 }
-- > brain = rdm.join { rdm { x + randn { 12, 20 } }, rdm { x + randn { 12, 20 } } }
-- > s = rsa { models = rdm { x, names = { "V1" } }, data = brain, bootstrap = 100 }
-- > s:plot({ title = "RSA" }):save "rsa.svg"
function Result:plot(given)
  local plot = require "lamina.plot"
  given = given or {}
  local order = common.count_up(#self.rows)
  if given.sort ~= false then
    table.sort(order, function(a, b)
      local x, y = self.rows[a].value, self.rows[b].value
      return x > y or x == y and a < b
    end)
  end
  local labels, values, low, high = {}, {}, {}, {}
  for k, i in ipairs(order) do
    local row = self.rows[i]
    labels[k], values[k], low[k], high[k] = row.model, row.value, row.low, row.high
  end
  local NAMES = { tau_a = "Kendall's tau-a", tau_b = "Kendall's tau-b", spearman = "Spearman's rho",
    pearson = "Pearson's r", rho_a = "Spearman's rho-a", cosine = "cosine", whitened_cosine = "whitened cosine",
    whitened_pearson = "whitened r" }
  local fig = plot.bars { labels = labels, values = values, low = low[1] and low, high = high[1] and high,
    ceiling = self.lower and { low = self.lower, high = self.upper } or nil, title = given.title,
    ylabel = "likeness of RDMs, " .. NAMES[self.method], width = given.width, height = given.height }
  if not given.height then fig.panels[1].inner = 45 end -- mm of the axes alone: names of models stand below them
  return fig
end

return M
