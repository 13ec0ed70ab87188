--- lamina.search.stages: a search space of small convolutional networks, and the networks that its genotypes name.
--
-- A network is one to three stages of a convolution, perhaps batch normalisation, an activation and a pooling of
-- 2 x 2; from the second stage on there may be a way around the convolution. Filters, kernel and the kinds are the
-- same in all stages. A pooling of maxima and a monotone activation may change places: their order counts with means
-- alone.
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local elu = require "lamina.layers.elu"
local models = require "lamina.model"
local norm = require "lamina.layers.norm"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local spaces = require "lamina.search.space"
local tanh = require "lamina.layers.tanh"
local words = require "lamina.model.words"

local M = {}

local ACTIVATION = { relu = relu, tanh = tanh, elu = elu }

--- stages.space(valid): the space, of depth, filters, kernel, activation, pooling, order, norm and skip: 810
-- genotypes, or those of which valid(g), as for the word `space`, is true.
function M.space(valid)
  return spaces.space {
    depth = spaces.range { 1, 3 }, filters = { 8, 16, 32 }, kernel = { 3, 5, 7 },
    activation = { "relu", "tanh", "elu" },
    pooling = { "max", "avg" },
    order = { "activation first", "pooling first", when = function(g) return g.pooling == "avg" end },
    norm = { "none", "batch" },
    skip = { false, true, when = function(g) return g.depth > 1 end },
    valid = valid,
  }
end

-- Area "stage1", "stage2", ... of a genotype.
local function stage(g, i)
  local filters = { conv { g.filters, kernel = g.kernel, pad = "same", bias = g.norm == "none" } }
  if g.norm == "batch" then filters[2] = norm.batch end
  local list = i > 1 and g.skip and { residual(filters) } or filters
  local activation, smaller = ACTIVATION[g.activation], pool[g.pooling] { 2 }
  local first = g.order == "pooling first"
  list[#list + 1] = first and smaller or activation
  list[#list + 1] = first and activation or smaller
  return words.area("stage" .. i)(list)
end

--- stages.network(g, o): the model of a genotype with areas "stage1", ... and a readout "digit" of o.classes. o.input
-- is the shape of what it sees, o.seed that of its first weights, o.eye an area in front, if there is to be one.
function M.network(g, o)
  local given = { words.input(o.input), o.eye, seed = o.seed }
  for i = 1, g.depth do given[#given + 1] = stage(g, i) end
  given[#given + 1] = words.readout "digit" { dense { o.classes } }
  return models.model "candidate"(given)
end

return M
