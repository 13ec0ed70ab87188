--- search.random, search.evolution, search.bayesian: looking through a space of genotypes for the best score.
--
--   local found = search.evolution { space = s, score = function(g) return accuracy_of(g) end, evaluations = 60 }
--   found.best, found.value, found.history, print(found)
--
-- Proposal k is a function of the seed and of the scores of evaluations 1 to batch * floor((k - 1) / batch) alone.
-- Without `score` the words give a search to be driven from outside: search:ask() gives { index =, genotype =, seed =
-- } and search:tell(index, value) takes a score, in any order; up to `batch` may be out at the same time, and what is
-- proposed does not depend on which comes back first.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local histories = require "lamina.history"
local merged = require "lamina.merged"
local object = require "lamina.object"
local progress = require "lamina.progress"
local schema = require "lamina.schema"
local spaces = require "lamina.search.space"

local M = { space = spaces.space, range = spaces.range }

local Search = { __name = "search" }
Search.__index = object.index("a search", Search,
  "best value target seconds file score stopped gp fitted whole resumed path")

local function fields(own)
  local f = {
    space = { type = "any", required = true, doc = "what is searched: space { ... }" },
    score = { type = "function", doc = "score(g, { evaluation =, seed = }): a number for a genotype, and, if "
      .. "wanted, a table of more columns for the history; nil and a reason for one that failed. Without it the "
      .. "search is driven by ask and tell" },
    evaluations = { type = "integer", min = 1, doc = "how many; evaluations or seconds must be given" },
    seconds = { type = "number", above = 0, doc = "no evaluation begins after so many seconds" },
    goal = { type = "string", default = "max", choices = { "max", "min" }, doc = "whether high or low scores are "
      .. "good" },
    target = { type = "number", doc = "a score at which the search ends" },
    batch = { type = "integer", default = 1, min = 1, doc = "how many proposals are made from the same scores" },
    again = { type = "boolean", default = false, doc = "whether a genotype may be proposed again" },
    seed = { type = "integer", doc = "of the proposals; the experiment's if absent" },
    file = { type = "string", doc = "where the history is kept after each evaluation; a search that finds it "
      .. "there goes on from it. A relative path is one in the experiment's folder; where there is none, that of the "
      .. "working folder is gone on from" },
    progress = { type = "boolean", doc = "whether a line shows how far it is; on a terminal if absent" },
  }
  for name, field in pairs(own or {}) do f[name] = field end
  return f
end

-- ---- asking and telling ----------------------------------------------------------------------------------------

local function better(search, a, b)
  if search.goal == "min" then return a < b end
  return a > b
end

-- A score as methods see it: high is good, a failure is worst.
local function worth(search, entry)
  if entry.value == nil then return -math.huge end
  return search.goal == "min" and -entry.value or entry.value
end

-- Takes what is told, in the order of the proposals.
local function settle(search)
  while search.told[search.done + 1] do
    local entry = search.told[search.done + 1]
    search.done = search.done + 1
    entry.worth = worth(search, entry)
    if entry.value and (search.value == nil or better(search, entry.value, search.value)) then
      search.best, search.value = entry.genotype, entry.value
    end
    local row = { evaluation = search.done, value = entry.value, best = search.value, seconds = entry.seconds,
      note = entry.note }
    for name, value in pairs(entry.genotype) do row[name] = value end
    for name, value in pairs(entry.more or {}) do row[name] = value end
    search.history[search.done] = row
    search.entries[search.done] = entry
    if search.target and entry.value and not better(search, search.target, entry.value) then
      search.stopped = "target"
    end
  end
end

local function random(search, k)
  local chance = spaces.chance(search.seed, "random", k)
  for _ = 1, 1000 do
    local genes, g = spaces.draw(search.space, chance)
    if search.again or not search.seen[search.space:key(g)] then return genes, g end
  end
  local all = not search.again and search.space:all() -- nearly all are known: those that are left, in turn
  local left = {}
  for _, g in ipairs(all or {}) do
    if not search.seen[search.space:key(g)] then left[#left + 1] = g end
  end
  local g = left[chance:index(math.max(#left, 1))]
  if g then return spaces.genes(search.space, g), g end
end

--- search:ask(): the next proposal, { index =, genotype =, seed = } (seed: one of its own, for what the score draws);
-- nil when there is none: the evaluations are used up, the target is reached, or every genotype is known. Raises
-- where a whole batch is out and none has come back.
-- > s = search.random { space = space { x = range { 0, 10 } }, evaluations = 3 }
-- > for p in function() return s:ask() end do s:tell(p.index, p.genotype.x) end
-- > #s.history   --> 3
function Search:ask()
  local k = #self.proposals + 1
  if self.stopped or self.evaluations and k > self.evaluations then return nil end
  local needed = (k - 1) // self.batch * self.batch
  if self.done < needed then
    errors.raise("state", 2, "search: proposal %d needs the scores of the first %d, and %d %s told; batch = %d "
      .. "allows so many at a time", k, needed, self.done, self.done == 1 and "is" or "are", self.batch)
  end
  local genes, g = self.method.propose(self, k, needed)
  if not g then genes, g = random(self, k) end
  if not g then
    self.stopped = "every genotype is known"
    return nil
  end
  self.seen[self.space:key(g)] = true
  local p = { index = k, genotype = g, genes = genes, seed = (self.seed * 1000003 + k) & 0x7fffffff }
  self.proposals[k] = p
  local copy = merged(g)
  return { index = k, genotype = copy, seed = p.seed }
end

--- search:tell(index, value, more): the score of a proposal; value nil: it failed, and more is the reason; else more
-- may be a table of further columns for the history.
-- > s = search.random { space = space { x = { 1, 2 } }, evaluations = 2 }
-- > p = s:ask()
-- > s:tell(p.index, 0.5)
-- > s.value   --> 0.5
function Search:tell(index, value, more)
  local p = self.proposals[index]
  if not p then
    errors.raise("argument", 2, "search: there is no proposal %s; %d were asked for",
      tostring(index), #self.proposals)
  end
  if self.told[index] then errors.raise("argument", 2, "search: the score of proposal %d was told before", index) end
  if value ~= nil and (type(value) ~= "number" or value ~= value) then
    errors.raise("argument", 2, "search: the score of evaluation %d (%s) is %s, expected a number, or nil for "
      .. "one that failed", index, self.space:key(p.genotype), type(value) == "number" and "NaN"
      or "a " .. type(value))
  end
  local failed = value == nil
  local columns = not failed and type(more) == "table" and more or nil
  for name, cell in pairs(columns or {}) do
    if type(name) ~= "string" or type(cell) ~= "number" and type(cell) ~= "string" then
      errors.raise("argument", 2, "search: a column of evaluation %d is %s = a %s; columns have names and hold "
        .. "numbers or strings", index, tostring(name), type(cell))
    end
  end
  self.told[index] = { value = value, more = columns, note = failed and tostring(more or "failed") or nil,
    genotype = p.genotype, genes = p.genes, seconds = base.clock() - self.start }
  settle(self)
end

-- ---- keeping and going on --------------------------------------------------------------------------------------

local SAME = { "word", "seed", "goal", "batch", "again", "space" }

local function kept(search)
  local rows = {}
  for i, entry in ipairs(search.entries) do
    rows[i] = { key = search.space:key(entry.genotype), value = entry.value, note = entry.note, more = entry.more,
      seconds = entry.seconds }
  end
  return { word = search.word, seed = search.seed, goal = search.goal, batch = search.batch, again = search.again,
    options = search.method.describe(search), space = tostring(search.space), evaluations = rows }
end

local function keep(search)
  if search.path then core_io.text_write(search.path, core_io.json_encode(kept(search)) .. "\n") end
end

-- Takes up what a file holds.
local function resume(search, path, position)
  local function wrong(...)
    errors.raise("state", position, "%s: %s holds another search: %s; remove the file, or name another one",
      search.word, path, string.format(...))
  end
  local file, now = core_io.json_read(path), kept(search)
  if type(file) ~= "table" or type(file.evaluations) ~= "table" then wrong("it has no evaluations") end
  for _, name in ipairs(SAME) do
    if file[name] ~= now[name] then wrong("its %s is %s, not %s", name, tostring(file[name]), tostring(now[name])) end
  end
  if file.options ~= now.options then wrong("its options are %s, not %s", tostring(file.options), now.options) end
  for i, row in ipairs(file.evaluations) do
    local p = search:ask()
    if not p then break end
    local key = search.space:key(p.genotype)
    if key ~= row.key then wrong("its evaluation %d is of { %s }, not { %s }", i, tostring(row.key), key) end
    search:tell(p.index, row.value, row.value == nil and row.note or row.more)
    search.history[search.done].seconds = row.seconds
    search.entries[search.done].seconds = row.seconds
  end
  search.resumed = search.done
end

--- search:run(score): asks and scores until the budget is used up; returns the search.
-- > s = search.random { space = space { x = range { 0, 10 } }, evaluations = 5, progress = false }
-- > s:run(function(g) return g.x end)
-- > #s.history   --> 5
function Search:run(score)
  local bar = progress.new(self.evaluations or 1, self.progress)
  while not (self.seconds and base.clock() - self.start > self.seconds) do
    local p = self:ask()
    if not p then break end
    self:tell(p.index, score(p.genotype, { evaluation = p.index, seed = p.seed }))
    keep(self)
    if self.evaluations then
      bar:update(p.index, self.word, function() return "best " .. histories.cell("value", self.value) end)
    end
  end
  bar:clear()
  return self
end

--- search:csv(path): writes the history as CSV.
-- > found = search.random { space = space { x = range { 0, 10 } }, evaluations = 3, progress = false,
-- >   score = function(g) return g.x end }
-- > io.open(found:csv "history.csv"):read()   --> evaluation,value,best,x,seconds
function Search:csv(path) return self.history:csv(path) end

Search.__tostring = function(self)
  local head = string.format("%s: %d evaluations%s, seed %d, %s", self.word, self.done, self.resumed
    and string.format(" (%d of them from %s)", self.resumed, self.path) or "", self.seed, self.method.describe(self))
  if not self.best then return head .. "\nnothing has a score yet" end
  return string.format("%s\nbest %s: %s\n%s", head, histories.cell("value", self.value), self.space:key(self.best),
    tostring(self.history))
end

local function begin(word, method, o, position)
  if not spaces.is_space(o.space) then
    errors.raise("argument", position, "%s: option 'space' is a %s, expected space { ... }", word, type(o.space))
  end
  if not o.evaluations and not o.seconds then
    errors.raise("argument", position, "%s: how long? evaluations = 60, or seconds = 600", word)
  end
  local search = setmetatable({ word = word, method = method, o = o, space = o.space, goal = o.goal, batch = o.batch,
    again = o.again, seed = o.seed or core.seed(), evaluations = o.evaluations, seconds = o.seconds,
    target = o.target, progress = o.progress, history = histories.new(), entries = {},
    proposals = {}, told = {}, seen = {}, done = 0, start = base.clock() }, Search)
  search.path = o.file and require("lamina.experiment").path(o.file) or nil
  local found = search.path and (base.exists(search.path) and search.path or base.exists(o.file) and o.file)
  if found then resume(search, found, position) end
  if not o.score then return search end
  return search:run(o.score)
end

-- ---- the methods -----------------------------------------------------------------------------------------------

local function word(name, method, own)
  local full, options = "search." .. name, schema.document("search." .. name, fields(own))
  return function(given, ...)
    local position = errors.position(2)
    schema.alone(full, full .. " { space = s, score = f, evaluations = 60 }", position, ...)
    local o = schema.check(full, given, options, position)
    if method.check then method.check(o, position) end
    return begin(full, method, o, position)
  end
end

--- search.random { space =, score =, evaluations =, ... }: genotypes drawn at random, each evenly over the values of
-- every parameter, none twice (again = true: as they come). Returns a search: best (the genotype), value, history
-- (rows that print and save as a table), csv(path). Bergstra & Bengio 2012.
-- > found = search.random { space = space { x = range { 0, 10 } }, evaluations = 11, progress = false,
-- >   score = function(g) return -(g.x - 7) ^ 2 end }
-- > found.best.x   --> 7
M.random = word("random", { propose = random, describe = function() return "at random" end })

local function parent_of(search, needed, chance)
  local first, best = math.max(1, needed - search.o.population + 1), nil
  for _ = 1, search.o.sample do
    local entry = search.entries[first + chance:index(needed - first + 1) - 1]
    if not best or entry.worth > best.worth then best = entry end
  end
  return best
end

local evolution = {
  propose = function(search, k, needed)
    if k <= search.o.population or needed == 0 then return random(search, k) end
    local chance = spaces.chance(search.seed, "evolution", k)
    for _ = 1, 200 do
      local genes, g = spaces.mutate(search.space, parent_of(search, needed, chance).genes, chance)
      if g and (search.again or not search.seen[search.space:key(g)]) then return genes, g end
    end
  end,
  check = function(o, position)
    if o.sample > o.population then
      errors.raise("argument", position, "search.evolution: sample = %d is more than population = %d", o.sample,
        o.population)
    end
  end,
  describe = function(search)
    return string.format("population %d, sample %d", search.o.population, search.o.sample)
  end,
}

--- search.evolution { space =, score =, evaluations =, population = 100, sample = 25, ... }: regularised evolution
-- (Real, Aggarwal, Huang & Le 2019): `population` random genotypes; then again and again the best of `sample` ones
-- drawn from the population (with replacement) is changed in one parameter, the child is scored and joins, and the
-- oldest dies. A child that is known already is drawn anew (again = true: it is scored again). Returns a search; see
-- search.random.
-- > s = space { x = range { 0, 10 }, y = range { 0, 10 } }
-- > found = search.evolution { space = s, evaluations = 80, population = 20, sample = 5, progress = false,
-- >   score = function(g) return -(g.x - 7) ^ 2 - (g.y - 2) ^ 2 end }
-- > found.best   --> { x = 7, y = 2 }
M.evolution = word("evolution", evolution, {
  population = { type = "integer", default = 100, min = 2, doc = "how many live at a time (P)" },
  sample = { type = "integer", default = 25, min = 1, doc = "how many compete to be the parent (S)" },
})

local bayesian = {
  propose = function(search, k, needed)
    if k <= search.o.first or needed == 0 then return random(search, k) end
    return require("lamina.search.bayesian").propose(search, k, needed)
  end,
  describe = function(search)
    return string.format("%d at random, then expected improvement under a Gaussian process (%s)", search.o.first,
      search.o.kernel)
  end,
}

--- search.bayesian { space =, score =, evaluations =, first = 10, kernel = "matern", candidates = 1000, xi = 0, ...
-- }: Bayesian optimisation: `first` random genotypes; then that of the largest expected improvement over the best
-- score (by xi) under a Gaussian process with noise, fitted to all scores (Jones, Schonlau & Welch 1998; Snoek,
-- Larochelle & Adams 2012). The distance of genotypes is the root of a sum over parameters, each with a weight of its
-- own: squared differences of ordered values (from 0 to 1), 1 between different names, 1 where only one of the two
-- has the parameter. Weights and noise maximise the marginal likelihood with a prior (found anew when there are a
-- tenth more scores), amplitude and mean in closed form. Where the space has at most `candidates` genotypes all of
-- them are compared, else so many drawn at random and from around the best. With batch > 1, scores that are still
-- out count as what the process expects of them. Returns a search; see search.random.
-- > s = space { x = range { 0.0, 1.0 } }
-- > found = search.bayesian { space = s, evaluations = 15, first = 5, progress = false,
-- >   score = function(g) return -(g.x - 0.3) ^ 2 end }
-- > math.abs(found.best.x - 0.3) < 0.05   --> true
M.bayesian = word("bayesian", bayesian, {
  first = { type = "integer", default = 10, min = 2, doc = "how many are drawn at random first" },
  kernel = { type = "string", default = "matern", choices = { "matern", "gauss" },
    doc = "covariance over distance: Matern's with 5/2, or exp(-r^2 / 2)" },
  candidates = { type = "integer", default = 1000, min = 2, doc = "how many genotypes are compared" },
  xi = { type = "number", default = 0, min = 0, doc = "how much better than the best is asked for, in deviations" },
})

return M
