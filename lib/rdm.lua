--- lamina.rdm: representational similarity analysis (Kriegeskorte, Mur & Bandettini 2008).
--
--   local brain = rdm.load { "hIT.npy", id = ids }
--   local models = rdm.join { rdm { features, id = ids, names = { "IT" } }, rdm.load { "EVA.npy", id = ids } }
--   print(compare_rdms { models, brain, method = "tau_a" })
--   print(rsa { models = models, data = brain, method = "tau_a" })     -- with ceilings, intervals and tests
--
-- rdm            dissimilarities from responses
-- rdm.load       RDMs from .npy, .mat, HDF5 and .csv files; r:save writes them
-- rdm.from       RDMs from numbers in memory; rdm.join: several sets as one
-- rdm.categories a model RDM of categories
-- rdm.selected, rdm.weighted, rdm.interpolated   models with something to fit
-- compare_rdms, rdm_ceiling, rsa                 comparing, how well a model could do, inference
-- mds            stimuli as points whose distances are the dissimilarities
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local files = require "lamina.rdm.files"
local make = require "lamina.rdm.make"
local models = require "lamina.rdm.models"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local tensor = require "lamina.core.tensor"

local M = {}

M.load = files.load
M.is_rdms = sets.is
M.selected, M.weighted, M.interpolated = models.selected, models.weighted, models.interpolated

--- rdm.ranks(x): mean ranks of the last axis, from 1; equal values share the mean of their ranks, NaN stays NaN.
-- > rdm.ranks(tensor { 3, 1, 1 })   --> [3. 1.5 1.5]
function M.ranks(x) return require("lamina.core.rdm").ranks(x) end

local FROM = schema.document("rdm.from", {
  positional = { "x" },
  x = { type = { "tensor", "table" }, required = true, doc = "n x n, RDMs x n x n, RDMs x pairs or pairs" },
  id = { type = { "table", "tensor" }, doc = "an id for each stimulus" },
  names = { type = "table", doc = "a name for each RDM" },
  measure = { type = "string", doc = "what the dissimilarities are, for print" },
  missing = { type = "string", choices = { "nan" }, doc = "\"nan\": NaN means a missing pair; else it is an error" },
})

--- rdm.from { x, id =, names =, missing = "nan" }: RDMs from numbers: n x n, RDMs x n x n (more leading axes are
-- taken as one), or RDMs x pairs in the order of MATLAB's squareform. Matrices must be symmetric with zeros on the
-- diagonal.
-- > r = rdm.from { tensor { { 0, 1, 2 }, { 1, 0, 3 }, { 2, 3, 0 } }, id = { "face", "hand", "car" } }
-- > r.vectors, r.id   --> [[1. 2. 3.]] { "face", "hand", "car" }
function M.from(given, ...)
  local position = errors.position(2)
  schema.alone("rdm.from", "rdm.from { x, id = ids }", position, ...)
  local o = schema.check("rdm.from", given, FROM, position)
  local x = tensor.is_tensor(o.x) and o.x or tensor.tensor(o.x, { dtype = "float64" })
  return sets.make({ vectors = sets.vectors(x, "rdm.from", position), id = o.id, names = o.names, measure = o.measure,
    nan = o.missing == "nan" }, "rdm.from", position)
end

-- What all sets say alike of themselves; nil where they differ.
local function shared(list, field)
  for _, set in ipairs(list) do
    if set[field] ~= list[1][field] then return nil end
  end
  return list[1][field]
end

-- The sum of a count over the sets that have it; nil where none has.
local function total(list, field)
  local sum
  for _, set in ipairs(list) do
    if set[field] then sum = (sum or 0) + set[field] end
  end
  return sum
end

--- rdm.join { a, b, ... }: the RDMs of several sets as one, their stimuli in the order of the first. Sets with ids
-- are aligned by them; a stimulus that is not in all is an error that names it.
-- > a = rdm.from { tensor { { 1, 2, 3 } }, id = { "face", "hand", "car" } }
-- > b = rdm.from { tensor { { 1, 2, 3 } }, id = { "car", "hand", "face" } }
-- > rdm.join({ a, b }).vectors   --> [[1. 2. 3.] [3. 2. 1.]]
function M.join(list, ...)
  local position = errors.position(2)
  schema.alone("rdm.join", "rdm.join { a, b }", position, ...)
  if type(list) ~= "table" or not sets.is(list[1]) then
    errors.raise("argument", position, "rdm.join: expected a list of sets of RDMs")
  end
  local parts, names, named = {}, {}, true
  for i, set in ipairs(list) do
    if not sets.is(set) then errors.raise("argument", position, "rdm.join: entry %d is no set of RDMs", i) end
    if list[1].id and set.id then
      set = set:aligned(list[1].id, "the first RDMs")
    elseif set.n ~= list[1].n then
      errors.raise("shape", position, "rdm.join: set %d is of %d stimuli, the first of %d", i, set.n, list[1].n)
    end
    parts[i] = set.vectors
    named = named and set.names ~= nil
    for k = 1, #set do names[#names + 1] = set.names and set.names[k] or "" end
  end
  return sets.make({ vectors = ops.concat(parts, { dim = 1 }), id = list[1].id, names = named and names or nil,
    measure = shared(list, "measure"), channels = shared(list, "channels"), holes = total(list, "holes"),
    looked = total(list, "looked"), gone = total(list, "gone"), trials = total(list, "trials"),
    constant = total(list, "constant"), constant_of = total(list, "constant_of"), sums = shared(list, "sums"),
    nan = true }, "rdm.join", position)
end

local CATEGORIES = schema.document("rdm.categories", {
  positional = { "labels" },
  labels = { type = { "table", "tensor" }, required = true, doc = "the category of each stimulus" },
  id = { type = { "table", "tensor" }, doc = "an id for each stimulus" },
  names = { type = "table", doc = "the name of the RDM" },
})

--- rdm.categories { labels, id =, names = { "animacy" } }: the RDM of a category model: 0 between stimuli of the same
-- label, 1 between others.
-- > rdm.categories({ { "face", "face", "house" } }).vectors   --> [[0. 1. 1.]]
function M.categories(given, ...)
  local position = errors.position(2)
  schema.alone("rdm.categories", "rdm.categories { labels, id = ids }", position, ...)
  if type(given) == "table" and given.labels == nil and type(given[1]) ~= "table"
    and not tensor.is_tensor(given[1]) then
    given = { given } -- a plain list of labels
  end
  local o = schema.check("rdm.categories", given, CATEGORIES, position)
  local number, of, count = {}, {}, 0
  for i, label in ipairs(common.list(o.labels)) do
    if not of[label] then
      count = count + 1
      of[label] = count
    end
    number[i] = of[label]
  end
  if #number < 3 then errors.raise("argument", position, "rdm.categories: %d labels, expected at least 3",
    #number) end
  local t = tensor.tensor(number, { dtype = "float64" })
  local x = t:reshape { -1, 1 }:ne(t:reshape { 1, -1 }):to "float64"
  return sets.make({ vectors = sets.vectors(x, "rdm.categories", position), id = o.id, names = o.names,
    measure = "category" }, "rdm.categories", position)
end

--- rdm { x, method = "correlation", conditions =, folds =, noise =, id =, names =, time =, unbalanced =, missing =,
-- remove_mean = }:
-- representational dissimilarities of responses x (conditions x channels; trials x channels with `conditions`; a list
-- of those; an assembly). correlation: 1 - Pearson's r; cosine: 1 - cosine; squared_euclidean and euclidean;
-- mahalanobis: squared, in the metric of the noise; crossnobis: its cross-validated form, whose expectation is 0
-- where there is no difference, and which may be negative; poisson: the symmetrised Kullback-Leibler divergence of
-- rates (cross-validated where folds are given). Squared distances and poisson are means over channels, as in
-- rsatoolbox: divided by the number of channels, so that euclidean, their root, is less than the distance by the root
-- of that number; per_channel = false gives sums. They are computed in float64, also of float32 responses, so that
-- small distances between large responses keep their digits. mahalanobis and crossnobis estimate the noise from the
-- trials (noise = "shrinkage"), with as many degrees of freedom as there are trials less conditions: rsatoolbox's
-- prec_from_unbalanced (its prec_from_measurements counts more unless given this dof); mahalanobis of single rows
-- needs noise = a precision. Cross-validated poisson is the mean over folds (rsatoolbox 0.3.2 returns that of the
-- last fold alone). Of trials that miss channels, correlation and the precision are of the channels that both of a
-- pair have (rsatoolbox 0.3.2 goes by all of them). Channels that do not vary over conditions are kept, counted
-- (r.constant of r.constant_of, by name in r.constant_names) and told by print: to correlation and cosine they are a
-- part that all patterns share, to distances nothing but a channel to divide by, and where the noise is estimated an
-- error, since it cannot weigh them. Returns a set of RDMs; print says what it holds, and how much was missing.
-- > x = tensor({ { 0, 0 }, { 3, 0 }, { 0, 4 } }, { dtype = "float64" })   -- conditions x channels
-- > rdm({ x, method = "euclidean", per_channel = false }).vectors   --> [[3. 4. 5.]]
local function call(_, given, ...)
  local position = errors.position(2)
  schema.alone("rdm", "rdm { x, method = \"correlation\" }", position, ...)
  if tensor.is_tensor(given) then given = { given } end
  return make.rdm(given, position)
end

local ELSEWHERE = { compare = "compare_rdms { a, b, method = \"tau_a\" } is the word",
  ceiling = "rdm_ceiling { r } is the word", mds = "mds { r } is a word of its own",
  rsa = "rsa { models =, data = } is a word of its own" }

return setmetatable(M, { __call = call, __name = "rdm", __index = object.index("rdm", {}, nil, ELSEWHERE) })
