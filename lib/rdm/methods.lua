--- lamina.rdm.methods: the dissimilarities themselves: from means of conditions, from folds, from single trials.
--
-- What `o` holds of the options of rdm: method, per_channel, prior, prior_weight, weighting; ids and number (the
-- condition of each row), fold_of and fold_number, precision (of the noise; nil: none), precisions (one for each
-- fold; nil: none), position.
local common = require "lamina.neural.common"
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

local BLOCK = 2560 -- conditions at a time, by as many others: what is in memory beside the RDM
local CHANNELS = 4096 -- of float32 responses that are float64 at a time

-- ---- means of conditions -----------------------------------------------------------------------------------------

-- A matrix that averages rows: groups x rows.
local function averager(number, count, rows)
  local weights, sizes = {}, {}
  for g = 1, count do sizes[g] = 0 end
  for _, i in ipairs(rows) do sizes[number[i]] = sizes[number[i]] + 1 end
  for g = 1, count do
    weights[g] = {}
    for k, i in ipairs(rows) do weights[g][k] = number[i] == g and 1 / sizes[g] or 0 end
  end
  return tensor.tensor(weights, { dtype = "float64" }), sizes
end

--- Means of the rows of each condition: conditions x channels, float64, of the rows named; `what` says of what in the
-- error where a condition has none.
function M.means(x, number, count, rows, what, ids, position)
  local matrix, sizes = averager(number, count, rows)
  local empty = {}
  for g = 1, count do
    if sizes[g] == 0 then empty[#empty + 1] = ids[g] end
  end
  if #empty > 0 then
    errors.raise("argument", position, "rdm: %s has no trial of %s; unbalanced = true takes pairs of single trials "
      .. "instead of the means of folds, and any numbers of them", what, common.some(empty))
  end
  return matrix:matmul(x:index_select(common.index(rows), { dim = 1 }):to "float64")
end

-- ---- products ---------------------------------------------------------------------------------------------------

-- An RDM row of squared distances, from products of z with itself, in blocks of conditions, none below the diagonal;
-- sizes: squared lengths.
local function fill(vectors, row, z, sizes)
  local n = #z
  for first = 1, n, BLOCK do
    local rows = z[{ { first, math.min(first + BLOCK - 1, n) } }]
    for column = first, n, BLOCK do
      local block = rows:matmul(z[{ { column, math.min(column + BLOCK - 1, n) } }]:t())
      core.fill(vectors, row, first, column, block, sizes)
      block:release()
    end
  end
end

-- An RDM row of 1 - the cosine of rows (less their mean, where centred); one without length is an error naming its
-- stimulus.
local function cosines(vectors, row, x, centred, o)
  local length = core.cosine(vectors, row, x, centred)
  if not ops.gt(length, 0):all():item() then
    local flat = {}
    for i, value in ipairs(length:totable()) do
      if value ~= value or value <= 0 then flat[#flat + 1] = o.ids and common.key(o.ids[i]) or "row " .. i end
    end
    errors.raise("numeric", o.position, "rdm: %s of %s %s over channels, so %s has no meaning there: leave such "
      .. "stimuli out, or take method = \"euclidean\"", "the responses", common.some(flat), centred and "do not vary"
      or "are all 0", o.method)
  end
end

-- Squared distances between rows, less common means first, which keep digits: |a|^2 + |b|^2 - 2 a'b, in float64, from
-- CHANNELS of float32 at a time. What this leaves of rounding is some 1e-16 of |a|^2 + |b|^2 (a and b less the mean),
-- times how much sums of so many products add to it; float32 products would leave 1e-7.
local function squared(vectors, row, x, o)
  local p = x:size(2)
  local most = x.dtype == "float64" and p or CHANNELS
  local row_of, part = vectors[row], p > most and tensor.zeros({ 1, vectors:size(2) }, { dtype = "float64" })
  for first = 1, p, most do
    local z = x[{ {}, { first, math.min(first + most - 1, p) } }]:to "float64"
    z = z - z:mean { dim = 1, keepdim = true }
    fill(part or vectors, part and 1 or row, z, z:square():sum(2))
    if part then row_of:copy(row_of + part[1]) end
  end
  if o.per_channel then row_of:copy(row_of / p) end
end

local function poisson_product(a, b, o)
  local function rates(t)
    local r = (t + o.prior * o.prior_weight) / (1 + o.prior_weight)
    if not ops.gt(r, 0):all():item() then
      errors.raise("argument", o.position, "rdm: poisson needs rates of at least 0 (counts, or spikes per second); "
        .. "the least is %g", t:min():item())
    end
    return r
  end
  local x, y = rates(a), rates(b)
  return x:matmul(y:log():t())
end

-- D_ij = k_ii + k_jj - k_ij - k_ji of a product k that need not be symmetric.
local function symmetric(k, channels, o)
  local own = ops.diagonal(k, {}):reshape { -1, 1 }
  local d = own + own:t() - k - k:t()
  if o.per_channel then d = d / channels end
  return core.condense(d:reshape { 1, #d, #d })
end

-- ---- methods ----------------------------------------------------------------------------------------------------

local function precise(o, channels, position)
  local p = o.precision
  if p and (p.ndim ~= 2 or p:size(1) ~= channels or p:size(2) ~= channels) then
    errors.raise("shape", position, "rdm: noise is %s, expected a precision of %d x %d channels",
      table.concat(p.shape, "x"), channels, channels)
  end
  return p
end

--- Fill a row of vectors from x, conditions x channels.
local simple = {}
M.simple = simple

function simple.correlation(vectors, row, x, o) cosines(vectors, row, x, true, o) end

function simple.cosine(vectors, row, x, o) cosines(vectors, row, x, false, o) end

simple.squared_euclidean = squared

function simple.euclidean(vectors, row, x, o)
  squared(vectors, row, x, o)
  vectors[row]:copy(vectors[row]:sqrt())
end

function simple.mahalanobis(vectors, row, x, o)
  local p = precise(o, x:size(2), o.position)
  if not p then return squared(vectors, row, x, o) end
  local z = x:to "float64"
  z = z - z:mean { dim = 1, keepdim = true }
  vectors[row]:copy(symmetric(z:matmul(p):matmul(z:t()), x:size(2), o):reshape { -1 })
end

function simple.poisson(vectors, row, x, o)
  x = x:to "float64"
  vectors[row]:copy(symmetric(poisson_product(x, x, o), x:size(2), o):reshape { -1 })
end

-- The folds as lists of rows, and their names.
local function rows_by_fold(folds)
  local names, rows = {}, {}
  for i, fold in ipairs(folds) do
    local key = common.key(fold)
    if not rows[key] then
      rows[key] = {}
      names[#names + 1] = key
    end
    table.insert(rows[key], i)
  end
  return names, rows
end

-- Leave one fold out: products of the means of the others with those of the fold, averaged over folds.
local function crossed(x, o, product)
  local names, rows = rows_by_fold(o.fold_of)
  if #names < 2 then
    errors.raise("argument", o.position, "rdm: %s is cross-validated and needs at least 2 folds (trials of each "
      .. "condition), got %d", o.method, #names)
  end
  local sum
  for _, name in ipairs(names) do
    local inside, others = rows[name], {}
    for _, other in ipairs(names) do
      if other ~= name then table.move(rows[other], 1, #rows[other], #others + 1, others) end
    end
    local test = M.means(x, o.number, #o.ids, inside, "fold " .. name, o.ids, o.position)
    local train = M.means(x, o.number, #o.ids, others, "what is left without fold " .. name, o.ids, o.position)
    local part = symmetric(product(train, test), x:size(2), o)
    sum = sum and sum + part or part
  end
  return sum / #names
end

-- The folds in ascending order: numbers, else texts.
local function sorted_folds(folds)
  local names, rows = rows_by_fold(folds)
  local numbers = true
  for _, fold in ipairs(folds) do numbers = numbers and type(fold) == "number" end
  table.sort(names, function(a, b)
    if numbers then return tonumber(a) < tonumber(b) end
    return a < b
  end)
  return names, rows
end

-- All pairs of folds, each in the metric of the mean of their covariances: o.precisions holds a precision of the
-- means of each fold.
local function by_pairs_of_folds(x, o)
  local names, rows = sorted_folds(o.fold_of)
  if #o.precisions ~= #names or #names < 2 then
    errors.raise("argument", o.position, "rdm: noise holds %s for %s, expected one for each, in ascending order of "
      .. "the folds, of at least 2", common.plural(#o.precisions, "precision"), common.plural(#names, "fold"))
  end
  local means, covariances, sum, count = {}, {}, nil, 0
  for f, name in ipairs(names) do
    means[f] = M.means(x, o.number, #o.ids, rows[name], "fold " .. name, o.ids, o.position)
    covariances[f] = ops.inverse(precise({ precision = o.precisions[f] }, x:size(2), o.position))
  end
  for a = 1, #names do
    for b = a + 1, #names do
      local p = ops.inverse((covariances[a] + covariances[b]) / 2)
      local part = symmetric(means[a]:matmul(p):matmul(means[b]:t()), x:size(2), o)
      sum, count = sum and sum + part or part, count + 1
    end
  end
  return sum / count
end

--- Cross-validated squared Mahalanobis distances of trials x channels: 1 x pairs.
function M.crossnobis(x, o)
  if o.precisions then return by_pairs_of_folds(x, o) end
  local p = precise(o, x:size(2), o.position)
  return crossed(x, o, function(train, test) return (p and train:matmul(p) or train):matmul(test:t()) end)
end

--- Cross-validated Kullback-Leibler divergences of rates, trials x channels: 1 x pairs.
function M.crossed_poisson(x, o)
  return crossed(x:to "float64", o, function(train, test) return poisson_product(train, test, o) end)
end

-- ---- single trials ----------------------------------------------------------------------------------------------

local PRODUCTS = { correlation = "correlation", euclidean = "dot", squared_euclidean = "dot",
  mahalanobis = "precision",
  crossnobis = "precision", poisson = "poisson" }

--- Dissimilarities from pairs of single trials, over the channels that both have: 1 x pairs.
function M.from_trials(x, o)
  local product = PRODUCTS[o.method]
  if not product then
    errors.raise("argument", o.position, "rdm: there is no unbalanced form of %s", o.method)
  end
  local p = precise(o, x:size(2), o.position)
  if product == "precision" and not p then product = "dot" end
  local d = core.unbalanced(x:to "float64", common.index(o.number), o.fold_of and common.index(o.fold_number) or nil,
    product == "precision" and p or nil, { product = product, conditions = #o.ids, prior = o.prior,
      weight = o.prior_weight, equal = o.weighting == "equal" })
  if product ~= "correlation" and not o.per_channel then d = d * x:size(2) end
  if o.method == "euclidean" then d = ops.maximum(d, tensor.zeros { 1, dtype = "float64" }):sqrt() end
  return d
end

return M
