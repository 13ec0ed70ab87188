--- Search spaces: named parameters with the values that each may take, which of them count when, and which
-- combinations are valid.
--
-- A genotype is a table of values by name. It holds only those parameters that count: one whose `when` says no is
-- absent. Inside, a genotype also remembers the values of absent ones (its genes), so that a parameter that comes to
-- count again has the value it had.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local object = require "lamina.object"
local schema = require "lamina.schema"

local M = {}

-- ---- chance ----------------------------------------------------------------------------------------------------

local Chance = {}
Chance.__index = Chance

local BLOCK = 64

--- A stream of uniform numbers that is a function of seed, purpose and step alone.
function M.chance(seed, purpose, step)
  return setmetatable({ seed = seed, purpose = "search." .. purpose, step = step, at = BLOCK, block = 0 }, Chance)
end

--- The next number, in [0, 1).
function Chance:number()
  if self.at == BLOCK then
    self.block, self.at = self.block + 1, 0
    self.values = core.draw({ kind = "uniform", shape = { BLOCK }, seed = self.seed, step = self.step,
      purpose = self.purpose .. "." .. self.block, dtype = "float64" }):totable()
  end
  self.at = self.at + 1
  return self.values[self.at]
end

--- A whole number from 1 to n.
function Chance:index(n) return math.min(n, 1 + math.floor(self:number() * n)) end

-- ---- parameters ------------------------------------------------------------------------------------------------

local Range = { __name = "range" }

local RANGE = schema.document("range", {
  step = { type = "number", above = 0, doc = "only low, low + step, ...; 1 between whole numbers" },
  log = { type = "boolean", default = false, doc = "drawn evenly on a logarithmic scale" },
  whole = { type = "boolean", doc = "whether only whole numbers; so if both ends are, and there is no log or step" },
  when = { type = "function", doc = "when(g): whether the parameter counts in a genotype" },
})

--- range { low, high, step =, log =, whole =, when = }: the numbers from low to high, both included, as values of a
-- parameter of a search space: range { 1, 3 } are the whole numbers 1, 2, 3; range { 1e-4, 1e-1, log = true } rates.
-- > s = space { depth = range { 1, 3 }, size = range { 3, 7, step = 2 } }
-- > s:size()   --> 9
function M.range(given)
  local position = errors.position(2)
  if type(given) ~= "table" then
    errors.raise("argument", position, "range: a loop over numbers is `for i = 1, n do`; arange(1, n) is a tensor "
      .. "of them; a search space takes range { low, high }, got a %s", type(given))
  end
  local options = {}
  for name, value in pairs(given) do
    if type(name) == "string" then options[name] = value end
  end
  local o = schema.check("range", options, RANGE, position)
  local low, high = given[1], given[2]
  if #given ~= 2 or type(low) ~= "number" or type(high) ~= "number" or low >= high or low ~= low
    or high ~= high or high == math.huge or low == -math.huge then
    errors.raise("argument", position, "range: expected two numbers, the lower first: range { 1, 3 }")
  end
  if o.log and low <= 0 then errors.raise("argument", position, "range: log = true needs numbers above 0, not "
    .. "%g", low) end
  local both = math.type(low) == "integer" and math.type(high) == "integer"
  if o.whole == nil then o.whole = both and not o.log and not o.step end
  if o.whole and not both then
    errors.raise("argument", position, "range: whole = true needs whole numbers at both ends, written without a "
      .. "point")
  end
  return setmetatable({ low = low, high = high, step = o.step or o.whole and 1 or nil, log = o.log, whole = o.whole,
    when = o.when }, Range)
end

local function wrong(position, name, ...)
  errors.raise("argument", position, "space: parameter '%s': %s", name, string.format(...))
end

local PLAIN = { string = true, number = true, boolean = true }

-- A list of values: ordered where they are numbers that grow.
local function listed(name, given, position)
  local p = { name = name, values = {}, when = given.when, ordered = given.ordered, at = {} }
  for key in pairs(given) do
    if type(key) == "string" and key ~= "when" and key ~= "ordered" then
      wrong(position, name, "unknown option '%s' (there are when, ordered)", key)
    end
  end
  local grows = true
  for i, value in ipairs(given) do
    if not PLAIN[type(value)] then
      wrong(position, name, "value %d is a %s; values are strings, numbers or booleans", i, type(value))
    end
    if p.at[value] then wrong(position, name, "the value %s stands there twice", tostring(value)) end
    p.values[i], p.at[value] = value, i
    grows = grows and type(value) == "number" and (i == 1 or value > given[i - 1])
  end
  if #p.values == 0 then wrong(position, name, "it has no values; { 8, 16, 32 } gives it three") end
  if p.ordered == nil then p.ordered = grows end
  return p
end

-- A range with steps is a list, too.
local function stepped(name, range)
  local p = { name = name, values = {}, when = range.when, ordered = true, at = {} }
  for i = 0, math.floor((range.high - range.low) / range.step + 1e-9) do
    local value = range.low + i * range.step
    p.values[i + 1], p.at[value] = value, i + 1
  end
  return p
end

local function parameter(name, given, position)
  local p
  if getmetatable(given) == Range then
    local count = given.step and (given.high - given.low) / given.step
    p = count and count <= 10000 and not given.log and stepped(name, given)
      or { name = name, low = given.low, high = given.high, log = given.log, whole = given.whole, when = given.when }
  elseif type(given) == "table" and getmetatable(given) == nil then
    p = listed(name, given, position)
  else
    wrong(position, name, "expected a list of values or range { low, high }, got a %s", type(given))
  end
  if p.when ~= nil and type(p.when) ~= "function" then
    wrong(position, name, "when is a %s, expected a function of the genotype", type(p.when))
  end
  return p
end

-- ---- one parameter's value -------------------------------------------------------------------------------------

-- Where a value lies between the ends of its range, from 0 to 1, and back.
local function unit(p, value)
  if p.log then return math.log(value / p.low) / math.log(p.high / p.low) end
  return (value - p.low) / (p.high - p.low)
end

local function from_unit(p, u)
  local value = p.log and p.low * (p.high / p.low) ^ u or p.low + (p.high - p.low) * u
  value = math.max(p.low, math.min(p.high, value))
  return p.whole and math.tointeger(math.floor(value + 0.5)) or value
end

local function draw_one(p, chance)
  if p.values then return p.values[chance:index(#p.values)] end
  if p.whole and not p.log then return p.low + chance:index(p.high - p.low + 1) - 1 end
  return from_unit(p, chance:number())
end

local REACH = 0.2 -- standard deviation of a step along a range, in parts of it

-- Another value: any other of a list, one nearby in a range.
local function other(p, value, chance)
  if p.values then
    if #p.values == 1 then return value end
    local i = chance:index(#p.values - 1)
    return p.values[i >= p.at[value] and i + 1 or i]
  end
  for _ = 1, 100 do
    local normal = math.sqrt(-2 * math.log(1 - chance:number())) * math.cos(2 * math.pi * chance:number())
    local u = unit(p, value) + REACH * normal
    local new = u >= 0 and u <= 1 and from_unit(p, u) or value
    if new ~= value then return new end
  end
  return draw_one(p, chance)
end

local function holds(p, value)
  if p.values then return p.at[value] ~= nil end
  return type(value) == "number" and value >= p.low and value <= p.high and (not p.whole or value % 1 == 0)
end

-- ---- spaces ----------------------------------------------------------------------------------------------------

local Space = { __name = "space" }
Space.__index = object.index("a space", Space, "valid")

--- True for a space.
function M.is_space(value) return getmetatable(value) == Space end

local RESERVED = { evaluation = true, value = true, best = true, seconds = true, note = true }

--- space { depth = range { 1, 3 }, filters = { 8, 16, 32 }, order = { "first", "last", when = f }, valid = f }: a
-- search space: for each name a range or a list of values (numbers that grow are taken as ordered; ordered = true or
-- false says otherwise). when(g) says whether a parameter counts, from the values of others: skip = { true, false,
-- when = function(g) return g.depth >= 2 end }; a genotype without it does not hold its name. valid(g) returns
-- whether a genotype may be; those that may not are never proposed.
--
-- space:draw { n, seed = } gives a list of random genotypes, space:all() every valid one, space:size() their number
-- (nil where a parameter is continuous), space:check(g) whether a genotype is one of them, or false and why not;
-- space:key(g) is its name. search.random, search.evolution and search.bayesian look through it.
-- > s = space { depth = range { 1, 3 }, filters = { 8, 16, 32 },
-- >   skip = { true, false, when = function(g) return g.depth >= 2 end } }
-- > s:size()   --> 15
function M.space(given, ...)
  local position = errors.position(2)
  schema.alone("space", "space { depth = range { 1, 3 }, filters = { 8, 16 } }", position, ...)
  if type(given) ~= "table" or getmetatable(given) then
    errors.raise("argument", position, "space: expected a table of parameters, such as space { depth = range { "
      .. "1, 3 } }, got a %s", type(given))
  end
  local names, parameters = {}, {}
  for name in pairs(given) do
    if type(name) ~= "string" or not name:match "^[%a_][%w_]*$" then
      errors.raise("argument", position, "space: parameters have names, as in filters = { 8, 16 }; [%s] is none",
        tostring(name))
    end
    if RESERVED[name] then
      errors.raise("argument", position, "space: '%s' is a column of the history; call the parameter otherwise", name)
    end
    if name ~= "valid" then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 0 then errors.raise("argument", position, "space: there are no parameters") end
  for i, name in ipairs(names) do
    parameters[i] = parameter(name, given[name], position)
    parameters[name] = parameters[i]
  end
  if given.valid ~= nil and type(given.valid) ~= "function" then
    errors.raise("argument", position, "space: valid is a %s, expected a function of the genotype", type(given.valid))
  end
  return setmetatable({ parameters = parameters, names = names, valid = given.valid, position = position }, Space)
end

-- The genotype of genes: what counts. `when` may read others, which are decided as they are read.
local function express(space, genes)
  local state, g = {}, {}
  local seen
  local function counts(p)
    local known = state[p.name]
    if known == "open" then
      errors.raise("argument", space.position, "space: whether '%s' counts depends on itself", p.name)
    end
    if known ~= nil then return known end
    state[p.name] = "open"
    local yes = not p.when or p.when(seen) and true or false
    state[p.name] = yes
    return yes
  end
  seen = setmetatable({}, { __index = function(_, name)
    local p = space.parameters[name]
    if type(name) ~= "string" or not p then
      errors.raise("argument", space.position, "space: a `when` reads '%s', which is no parameter%s", tostring(name),
        errors.hint(tostring(name), space.names))
    end
    if counts(p) then return genes[name] end
    return nil
  end })
  for _, p in ipairs(space.parameters) do
    if counts(p) then g[p.name] = genes[p.name] end
  end
  return g
end

-- Whether a genotype may be, and why not.
local function permitted(space, g)
  if not space.valid then return true end
  local ok, why = space.valid(g)
  if ok then return true end
  return false, why or "valid(g) says no"
end

--- Genes, and the genotype that they make; nil where it is not valid.
function M.express(space, genes)
  local g = express(space, genes)
  if permitted(space, g) then return g end
end

local TRIES = 10000

--- Random genes of a valid genotype, and the genotype.
function M.draw(space, chance)
  for _ = 1, TRIES do
    local genes = {}
    for _, p in ipairs(space.parameters) do genes[p.name] = draw_one(p, chance) end
    local g = M.express(space, genes)
    if g then return genes, g end
  end
  errors.raise("argument", space.position, "space: none of %d genotypes drawn at random is valid; valid(g) refuses "
    .. "nearly all, and a smaller space would serve better", TRIES)
end

--- Genes with one parameter that counts changed, and their valid genotype; nil where 100 changes gave none.
function M.mutate(space, genes, chance)
  local g, list = express(space, genes), {}
  for _, p in ipairs(space.parameters) do
    if g[p.name] ~= nil and not (p.values and #p.values == 1) then list[#list + 1] = p end
  end
  for _ = 1, #list > 0 and 100 or 0 do
    local p, child = list[chance:index(#list)], {}
    for name, value in pairs(genes) do child[name] = value end
    child[p.name] = other(p, genes[p.name], chance)
    local new = M.express(space, child)
    if new then return child, new end
  end
end

--- The genes of a genotype; those of parameters that do not count are the first values.
function M.genes(space, g)
  local genes = {}
  for _, p in ipairs(space.parameters) do
    local value = g[p.name]
    if value == nil and p.values then value = p.values[1] end
    if value == nil then value = p.low end
    genes[p.name] = value
  end
  return genes
end

--- space:key(g): a genotype as text, "depth = 2, filters = 16": equal texts are equal genotypes.
-- > s = space { depth = range { 1, 3 }, filters = { 8, 16 } }
-- > s:key { depth = 2, filters = 16 }   --> depth = 2, filters = 16
function Space:key(g)
  local parts = {}
  for _, name in ipairs(self.names) do
    if g[name] ~= nil then
      local value = g[name]
      parts[#parts + 1] = name .. " = " .. (type(value) == "string" and string.format("%q", value) or tostring(value))
    end
  end
  return table.concat(parts, ", ")
end

--- space:check(g): true for a valid genotype of the space, else false and why it is none.
-- > s = space { depth = range { 1, 3 } }
-- > s:check { depth = 2 }, s:check { depth = 9 }   --> true false 9 is no value of 'depth'
function Space:check(g)
  if type(g) ~= "table" then return false, "it is a " .. type(g) .. ", not a table" end
  for name, value in pairs(g) do
    local p = self.parameters[name]
    if not p then return false, "there is no parameter '" .. tostring(name) .. "'" end
    if not holds(p, value) then return false, string.format("%s is no value of '%s'", tostring(value), name) end
  end
  local meant = express(self, M.genes(self, g))
  for _, name in ipairs(self.names) do
    if g[name] == nil and meant[name] ~= nil then return false, "'" .. name .. "' is missing" end
    if g[name] ~= nil and meant[name] == nil then return false, "'" .. name .. "' does not count in it" end
  end
  return permitted(self, g)
end

local MOST = 1000000

--- space:all(): every valid genotype, in the order of their parameters' values; nil where a parameter is continuous
-- or there are more than a million combinations.
-- > space({ depth = range { 1, 2 } }):all()   --> { { depth = 1 }, { depth = 2 } }
function Space:all()
  local combinations = 1
  for _, p in ipairs(self.parameters) do combinations = combinations * (p.values and #p.values or math.huge) end
  if combinations > MOST then return nil end
  local list, seen, genes = {}, {}, {}
  local function from(i)
    local p = self.parameters[i]
    if not p then
      local g = express(self, genes)
      local key = self:key(g)
      if not seen[key] and permitted(self, g) then list[#list + 1] = g end
      seen[key] = true
      return
    end
    for _, value in ipairs(p.values) do
      genes[p.name] = value
      from(i + 1)
    end
  end
  from(1)
  return list
end

--- space:size(): how many valid genotypes there are; nil where space:all() gives none.
-- > space({ depth = range { 1, 3 }, filters = { 8, 16, 32 } }):size()   --> 9
function Space:size()
  if self.count == nil then self.count = self:all() and #self:all() or false end
  return self.count or nil
end

local DRAW = schema.document("space:draw", { positional = { "n" },
  n = { type = "integer", default = 1, min = 1, doc = "how many" },
  seed = { type = "integer", doc = "the experiment's if absent" } })

--- space:draw { n, seed = }: a list of n random genotypes.
-- > s = space { depth = range { 1, 3 }, filters = { 8, 16, 32 } }
-- > #s:draw { 5, seed = 1 }   --> 5
function Space:draw(given)
  local o = schema.check("draw", given, DRAW)
  local list = {}
  for i = 1, o.n do
    local _, g = M.draw(self, M.chance(o.seed or core.seed(), "draw", i))
    list[i] = g
  end
  return list
end

--- A genotype as a list of numbers, and a list of 1 for parameters that count and 0 for others: ordered values from 0
-- to 1, names by their place in the list, so that a squared difference, at most 1, is their distance.
function M.encode(space, g)
  local numbers, active = {}, {}
  for i, p in ipairs(space.parameters) do
    local value = g[p.name]
    active[i] = value == nil and 0 or 1
    if value == nil then
      numbers[i] = 0
    elseif not p.values then
      numbers[i] = unit(p, value)
    elseif p.ordered then
      numbers[i] = #p.values > 1 and (p.at[value] - 1) / (#p.values - 1) or 0
    else
      numbers[i] = p.at[value]
    end
  end
  return numbers, active
end

Space.__tostring = function(self)
  local lines = {}
  for i, p in ipairs(self.parameters) do
    local values = {}
    for k, value in ipairs(p.values or {}) do values[k] = tostring(value) end
    lines[i] = string.format("  %s: %s%s", p.name, p.values and (#values > 12 and #values .. " values from "
      .. values[1] .. " to " .. values[#values] or table.concat(values, ", ")) or string.format("from %s to %s%s",
      p.low, p.high, p.log and ", logarithmic" or ""), p.when and " (conditional)" or "")
  end
  local size = self:size()
  return string.format("space of %d parameters%s\n%s", #self.parameters, size and string.format(", %d %sgenotypes",
    size, self.valid and "valid " or "") or "", table.concat(lines, "\n"))
end

return M
