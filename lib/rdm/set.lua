--- lamina.rdm.set: sets of representational dissimilarity matrices (RDMs), what each is of, and their parts.
--
-- r.vectors is rdms x pairs, float64: the row-wise upper triangle, as MATLAB's squareform and rsatoolbox order it.
-- r.id holds an id for each stimulus (or nothing: then RDMs are matched by position), r.names one for each RDM.
-- A dissimilarity that is missing is NaN, and r.missing says how many are; r.holes says how many of the r.looked
-- responses that it comes from were, r.gone how many of r.trials trials, of the others of which means were taken.
-- r.constant says how many of r.constant_of channels (of all RDMs together) do not vary over conditions, and of one
-- RDM r.constant_names which they are; nil where all vary.
local common = require "lamina.neural.common"
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local Rdms = { __name = "rdms" }
local KEPT = { "measure", "channels", "folds", "holes", "looked", "gone", "trials", "shrunk", "constant",
  "constant_of", "constant_names", "sums" }
local MAY_BE = "id names " .. table.concat(KEPT, " ")
Rdms.__index = object.index("a set of RDMs", Rdms, MAY_BE, {
  dissimilarities = "r.vectors are RDMs x pairs, r:matrices() RDMs x stimuli x stimuli",
  shape = "r.vectors.shape is RDMs x pairs, r.n the number of stimuli",
})

--- True for a set of RDMs.
function M.is(value) return getmetatable(value) == Rdms end

-- Raises when an id stands twice, naming it.
local function check_ids(ids, n, what, position)
  if #ids ~= n then
    errors.raise("shape", position, "%s: there are %d ids for %d stimuli", what, #ids, n)
  end
  local seen, twice = {}, {}
  for _, id in ipairs(ids) do
    local key = common.key(id)
    if seen[key] == 1 then twice[#twice + 1] = key end
    seen[key] = (seen[key] or 0) + 1
  end
  if #twice > 0 then
    errors.raise("argument", position, "%s: stimulus ids that occur more than once: %s; every stimulus needs one of "
      .. "its own", what, common.some(twice))
  end
end

--- A set from vectors (rdms x pairs, float64) and what is known: id, names, measure, channels. NaN is refused unless
-- parts.nan says that it means missing.
function M.make(parts, what, position)
  local vectors = parts.vectors
  local pairs_ = vectors:size(2)
  local n = math.floor((1 + math.sqrt(1 + 8 * pairs_)) / 2)
  local total, missing = vectors:sum():item(), 0 -- a sum is a number only if all are; counting takes longer
  if total ~= total then missing = vectors:isnan():to "int64":sum():item() end
  if missing > 0 and not parts.nan then
    errors.raise("numeric", position, "%s: %d of %d dissimilarities are NaN; where NaN means a missing pair, say "
      .. "missing = \"nan\", and comparisons leave those pairs out and say how many", what, missing, vectors:count())
  end
  if parts.id then
    parts.id = common.list(parts.id)
    check_ids(parts.id, n, what, position)
  end
  if parts.names and #parts.names ~= #vectors then
    errors.raise("shape", position, "%s: there are %d names for %d RDMs", what, #parts.names, #vectors)
  end
  local set = { vectors = vectors, n = n, id = parts.id, names = parts.names, missing = missing }
  for _, name in ipairs(KEPT) do set[name] = parts[name] end
  return setmetatable(set, Rdms)
end

-- Matrices (k x n x n) to vectors, once they are known to be symmetric with zeros on the diagonal.
local function condense(x, what, position)
  local off = (x - x:transpose(2, 3)):abs()
  off = ops.where(off:isnan(), tensor.zeros { 1, dtype = "float64" }, off)
  local size = ops.where(x:isnan(), tensor.zeros { 1, dtype = "float64" }, x):abs():max():item()
  if off:max():item() > 1e-6 * size then
    errors.raise("argument", position, "%s: the matrix is not symmetric (largest difference of an element and its "
      .. "mirror image: %g); rdm { x } computes dissimilarities from responses", what, off:max():item())
  end
  local diagonal = ops.diagonal(x, { dim1 = 2, dim2 = 3 })
  diagonal = ops.where(diagonal:isnan(), tensor.zeros { 1, dtype = "float64" }, diagonal):abs():max():item()
  if diagonal > 1e-6 * size then
    errors.raise("argument", position, "%s: the diagonal holds %g, expected 0: a similarity matrix s becomes "
      .. "dissimilarities by 1 - s", what, diagonal)
  end
  return core.condense(x)
end

--- Vectors from numbers in any of the layouts that are in use: n x n, k x n x n (more leading axes are taken as one),
-- k x pairs, or pairs. Two axes of the same size are one matrix.
function M.vectors(x, what, position)
  x = x:to "float64"
  local last = x.shape[x.ndim]
  if x.ndim >= 2 and last == x.shape[x.ndim - 1] then
    if last < 3 then
      errors.raise("shape", position, "%s: RDMs of %s, expected at least 3", what, common.plural(last, "stimulus"))
    end
    return condense(x:reshape { -1, last, last }, what, position)
  end
  local flat = x:reshape { -1, last }
  local n = math.floor((1 + math.sqrt(1 + 8 * last)) / 2)
  if n * (n - 1) // 2 ~= last or n < 3 then
    errors.raise("shape", position, "%s: numbers of shape %s are no RDM: expected n x n, RDMs x n x n, or RDMs x "
      .. "pairs with n (n - 1) / 2 pairs", what, table.concat(x.shape, "x"))
  end
  return flat
end

local function name_of(self, k) return self.names and self.names[k] or tostring(k) end

local DIVIDED = "no part of a distance, though of the number of channels that divides it"

-- What channels that do not vary are to each measure.
local CONSTANT = { correlation = "a part that all patterns share, which changes each correlation",
  cosine = "a part that all patterns share, which changes each cosine where it is not 0",
  euclidean = DIVIDED, squared_euclidean = DIVIDED, mahalanobis = DIVIDED, crossnobis = DIVIDED, poisson = DIVIDED }

-- "  2 of 168 channels do not vary over conditions (n4, n17): ..."
local function constant_text(self)
  local effect = CONSTANT[self.measure]
  if effect == DIVIDED and self.sums then effect = "no part of a distance" end
  return string.format("  %d of %s%s do%s not vary over conditions%s%s", self.constant,
    common.plural(self.constant_of, "channel"), self.constant_of ~= self.channels and ", counted for each RDM," or "",
    self.constant == 1 and "es" or "", self.constant_names and " (" .. common.some(self.constant_names) .. ")" or "",
    effect and ": " .. effect or "")
end

Rdms.__len = function(self) return #self.vectors end

Rdms.__tostring = function(self)
  local k = #self.vectors
  local lines = { string.format("%s of %s%s", k == 1 and "1 RDM" or k .. " RDMs", common.plural(self.n, "stimulus")
    :gsub("stimuluss", "stimuli"), self.measure and ": " .. self.measure or "") }
  if self.channels then lines[1] = lines[1] .. ", " .. common.plural(self.channels, "channel") end
  if self.names then lines[2] = "  " .. common.some(self.names, 8) end
  if self.shrunk then
    lines[#lines + 1] = string.format("  noise estimated from the trials, shrunk by %.3f", self.shrunk)
  end
  if self.gone then
    lines[#lines + 1] = string.format("  %d of %d trials missing, left out of the means", self.gone, self.trials)
  end
  if self.holes then
    lines[#lines + 1] = string.format("  %d of %d responses missing: each dissimilarity is over the channels that "
      .. "both have", self.holes, self.looked)
  end
  if self.constant then lines[#lines + 1] = constant_text(self) end
  if self.missing > 0 then
    lines[#lines + 1] = string.format("  %d of %d dissimilarities missing", self.missing, self.vectors:count())
  end
  return table.concat(lines, "\n")
end

-- A set like this one with other vectors and what goes with them.
local function like(self, vectors, id, names, position)
  local parts = { vectors = vectors, id = id, names = names, nan = true }
  for _, name in ipairs(KEPT) do parts[name] = self[name] end
  return M.make(parts, "rdm", position)
end

--- r:matrices(): the RDMs as k x n x n tensors with zeros on the diagonal.
-- > r = rdm { randn { 5, 20 } }
-- > r:matrices().shape   --> { 1, 5, 5 }
function Rdms:matrices() return core.square(self.vectors) end

--- r:matrix(k): RDM k (a number, or its name; 1 if absent) as an n x n tensor.
-- > r = rdm.from { tensor { { 1, 2, 3 } } }
-- > r:matrix()   --> [[0. 1. 2.] [1. 0. 3.] [2. 3. 0.]]
function Rdms:matrix(k)
  return core.square(self:of(k or 1).vectors):reshape { self.n, self.n }
end

-- The position of an RDM given by number or name.
local function find(self, k, position)
  if math.type(k) == "integer" and k >= 1 and k <= #self then return k end
  for i, name in ipairs(self.names or {}) do
    if name == k then return i end
  end
  local near = type(k) == "string" and schema.nearest(k, self.names or {})
  errors.raise("argument", position, "rdm: there is no RDM %s among the %d%s", tostring(k), #self,
    near and " (did you mean '" .. near .. "'?)" or "")
end

--- r:of(k), r:of { 1, "EVA", ... }: the set of these RDMs, by number or name.
-- > r = rdm.from { tensor { { 1, 2, 3 }, { 3, 2, 1 } }, names = { "BE", "KO" } }
-- > r:of("KO").vectors   --> [[3. 2. 1.]]
function Rdms:of(wanted, ...)
  local position = errors.position(2)
  schema.last("of", "r:of { 1, 2 } takes several", position, ...)
  local list, names = {}, self.names and {}
  for i, k in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    list[i] = find(self, k, position)
    if names then names[i] = self.names[list[i]] end
  end
  return like(self, self.vectors:index_select(common.index(list), { dim = 1 }), self.id, names, position)
end

-- Positions of stimuli: what is a text in the list is the id of one.
local function positions(self, list, position)
  local place, found = {}, {}
  for i, id in ipairs(self.id or {}) do place[common.key(id)] = i end
  for k, value in ipairs(list) do
    found[k] = value
    if type(value) == "string" then
      found[k] = place[value]
      if not found[k] then
        errors.raise("argument", position, "rdm: at holds the id '%s', which %s", value, self.id
          and "no stimulus has: the ids are " .. common.some(self.id, 5) or "means nothing to RDMs without ids")
      end
    end
  end
  return found
end

--- r:at(list): the RDMs among the stimuli at these positions, or with these ids where they are texts, in that order.
-- > r = rdm.from { tensor { { 1, 2, 3, 4, 5, 6 } } }   -- of four stimuli
-- > r:at({ 1, 2, 4 }).vectors   --> [[1. 3. 5.]]
function Rdms:at(list, ...)
  local position = errors.position(2)
  schema.last("at", "r:at { 1, 2, 4 } takes stimuli in one list", position, ...)
  list = positions(self, common.list(list), position)
  local seen = {}
  for _, i in ipairs(list) do
    if math.type(i) ~= "integer" or i < 1 or i > self.n or seen[i] then
      errors.raise("argument", position, "rdm: at holds %s%s, expected different positions from 1 to %d", tostring(i),
        seen[i] and " twice" or "", self.n)
    end
    seen[i] = true
  end
  if #list < 3 then
    errors.raise("argument", position, "rdm: at leaves %d of %d stimuli, expected at least 3", #list, self.n)
  end
  local index = common.index(list)
  local part = self:matrices():index_select(index, { dim = 2 }):index_select(index, { dim = 3 })
  return like(self, core.condense(part), self.id and common.pick(self.id, list), self.names, position)
end

--- r:aligned(ids, what): the same RDMs with their stimuli in the order of these ids. An id that r lacks, and one of r
-- that is not among them, is an error naming both; what says whose ids they are.
-- > r = rdm.from { tensor { { 0, 1, 2 }, { 1, 0, 3 }, { 2, 3, 0 } }, id = { "face", "hand", "car" } }
-- > r:aligned({ "car", "face", "hand" }, "the model"):matrix()   --> [[0. 2. 3.] [2. 0. 1.] [3. 1. 0.]]
function Rdms:aligned(ids, what, own, word)
  local position = errors.position(2)
  what, own, word = what or "the other RDMs", own or "these", word or "rdm"
  if not self.id then
    errors.raise("argument", position, "rdm: these RDMs have no stimulus ids to be aligned by; rdm.from { x, id = "
      .. "list } gives them some")
  end
  local there, missing, wanted, extra = {}, {}, {}, {}
  for i, id in ipairs(self.id) do there[common.key(id)] = i end
  local order = {}
  for i, id in ipairs(ids) do
    local key = common.key(id)
    wanted[key] = true
    order[i] = there[key]
    if not order[i] then missing[#missing + 1] = key end
  end
  for _, id in ipairs(self.id) do
    if not wanted[common.key(id)] then extra[#extra + 1] = common.key(id) end
  end
  if #missing > 0 or #extra > 0 then
    local parts = {}
    if #missing > 0 then parts[1] = string.format("%s hold %s", what, common.some(missing)) end
    if #extra > 0 then parts[#parts + 1] = string.format("%s hold %s", own, common.some(extra)) end
    errors.raise("argument", position, "%s: the RDMs are of different stimuli: %s, which the others lack (take those "
      .. "that both have with r:at(ids), or r:at(positions))", word, table.concat(parts, ", and "))
  end
  return self:at(order)
end

--- r:mean(): the mean RDM of the set.
-- > r = rdm.from { tensor { { 1, 2, 3 }, { 3, 2, 1 } } }
-- > r:mean().vectors   --> [[2. 2. 2.]]
function Rdms:mean()
  return like(self, self.vectors:mean { dim = 1, keepdim = true }, self.id, { "mean" }, errors.position(2))
end

--- r:ranked(): each RDM's dissimilarities as mean ranks, from 1.
-- > r = rdm.from { tensor { { 0.3, 0.1, 0.3 } } }
-- > r:ranked().vectors   --> [[2.5 1. 2.5]]
function Rdms:ranked()
  return like(self, core.ranks(self.vectors), self.id, self.names, errors.position(2))
end

--- r:named { "BE", "KO", ... }: the same RDMs with these names.
-- > r = rdm.from({ tensor { { 1, 2, 3 }, { 3, 2, 1 } } }):named { "BE", "KO" }
-- > r:matrix "KO"   --> [[0. 3. 2.] [3. 0. 1.] [2. 1. 0.]]
function Rdms:named(names) return like(self, self.vectors, self.id, names, errors.position(2)) end

--- r:with_ids(list): the same RDMs with these stimulus ids, in the order of the rows.
-- > r = rdm.from({ tensor { { 1, 2, 3 } } }):with_ids { "face", "hand", "car" }
-- > r.id   --> { "face", "hand", "car" }
function Rdms:with_ids(list) return like(self, self.vectors, list, self.names, errors.position(2)) end

--- r:averaged(groups): the means of the RDMs that share a group; groups is a list with a name for each RDM.
-- > r = rdm.from { tensor { { 1, 2, 3 }, { 3, 2, 1 }, { 5, 5, 5 }, { 7, 7, 7 } } }   -- four sessions
-- > r:averaged({ "BE", "BE", "KO", "KO" }).vectors   --> [[2. 2. 2.] [6. 6. 6.]]
function Rdms:averaged(groups)
  local position = errors.position(2)
  if type(groups) ~= "table" or #groups ~= #self then
    errors.raise("argument", position, "rdm: averaged takes a list with a group for each of the %d RDMs", #self)
  end
  local order, of = {}, {}
  for i, group in ipairs(groups) do
    if not of[group] then
      of[group] = {}
      order[#order + 1] = group
    end
    table.insert(of[group], i)
  end
  local parts = {}
  for g, group in ipairs(order) do
    parts[g] = self.vectors:index_select(common.index(of[group]), { dim = 1 }):mean { dim = 1, keepdim = true }
    order[g] = tostring(group)
  end
  return like(self, ops.concat(parts, { dim = 1 }), self.id, order, position)
end

--- r:save(path): .npy (rdms x n x n), .h5 or .hdf5 as rsatoolbox lays them out (its load_rdm reads them, ids and
-- names as bytes), or .csv of one RDM (a row for each stimulus); relative paths belong to the experiment's folder.
-- Returns the set.
-- > r = rdm.from { tensor { { 1, 2, 3 } } }
-- > r:save "brain.npy"
-- > rdm.load("brain.npy"):matrix()   --> [[0. 1. 2.] [1. 0. 3.] [2. 3. 0.]]
function Rdms:save(path)
  return require("lamina.rdm.files").save(self, path, name_of, errors.position(2))
end

return M
