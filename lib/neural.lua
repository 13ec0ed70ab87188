--- lamina.neural: models against neurons.
--
--   local v1 = neural.assembly "v1.npz"
--   local score = predictivity {
--     model = net, stimuli = stimuli.folder "images", responses = v1,
--     mapping = ridge { alphas = logspace(-2, 7, 30) }, splits = grouped { 10, by = "movie" },
--     ceiling = split_half { 10 },
--   }
--   print(score)
--
-- neural.assembly      recorded responses with their coordinates: of stimuli, presentations, neuroids, time bins;
--                      a:select, a:group, a:average, a:unroll, a:sort, a:split, a:save
-- neural.join          several recordings as one, along neuroids or presentations
-- neural.simulate      units of known tuning, with noise
-- neural.noisy        trials of neurons whose mean responses are known
-- neural.gabor_energy  a front end of complex cells
-- predictivity         how well each layer predicts responses
-- neural.pseudopopulation  neuroids that were not recorded together, made up trial by trial
-- decode               what a linear classifier reads out of a population
-- neural.untangling    the geometry of classes in each layer, what a classifier is worth at other positions, sizes
-- criteria             computable, mappable, predictive: is it a model of these areas?
-- neural.correspondence  which layer stands for which area, and which others might
-- neural.commitment    which layer stands for which area, chosen inside the training images
-- neural.compare       which of several models predicts better, tested in pairs
-- neural.gram          products of images in each layer: ridge, PLS, RDMs, CKA, ... from one pass over the features
-- neural.separability  how well classes can be told apart
-- ridge, ols, pls, lasso, elastic_net, nnls, one_to_one, space_feature: the map
-- pca, random_projection: fewer features before it
-- neural.scores       every measure of predictions against repeats
-- kfold, grouped: the splits
-- split_half, neural.leave_one_out, neural.oracle, neural.explainable_variance: the ceiling
local assembly = require "lamina.neural.assembly"
local ceiling = require "lamina.neural.ceiling"
local commitment = require "lamina.neural.commitment"
local compare = require "lamina.neural.compare"
local correspondence = require "lamina.neural.correspondence"
local criteria = require "lamina.neural.criteria"
local energy = require "lamina.neural.energy"
local gram = require "lamina.neural.gram"
local mapping = require "lamina.neural.mapping"
local maps = require "lamina.neural.maps"
local measures = require "lamina.neural.measures"
local noisy = require "lamina.neural.noisy"
local predictivity = require "lamina.neural.predictivity"
local pseudo = require "lamina.neural.pseudo"
local reading = require "lamina.neural.assembly_read"
local reduce = require "lamina.neural.reduce"
local separability = require "lamina.neural.separability"
local simulate = require "lamina.neural.simulate"
local splits = require "lamina.neural.splits"
local untangling = require "lamina.neural.untangling"

local M = {}

M.assembly = reading.assembly
M.join = require("lamina.neural.assembly_join").join
M.is_assembly = assembly.is_assembly
M.simulate = simulate.simulate
M.noisy = noisy.noisy
M.gabor_energy = energy.gabor_energy
M.predictivity = predictivity.predictivity
M.criteria = criteria.criteria
M.commitment = commitment.commitment
M.compare = compare.compare
M.correspondence = correspondence.correspondence
M.gram = gram.gram
M.separability = separability.separability
M.untangling = untangling.untangling
M.ridge = mapping.ridge
for _, word in ipairs { "ols", "pls", "lasso", "elastic_net", "nnls", "one_to_one", "space_feature" } do
  M[word] = maps[word]
end
M.pca = reduce.pca
M.random_projection = reduce.random_projection
M.kfold = splits.kfold
M.grouped = splits.grouped
M.shuffled = splits.shuffled
for _, word in ipairs { "split_half", "leave_one_out", "oracle", "explainable_variance" } do
  M[word] = ceiling[word]
end
M.scores = measures.scores
M.pseudopopulation = pseudo.pseudopopulation

return M
