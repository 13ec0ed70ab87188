--- Which module each word of the language comes from. A word is loaded when a script first names it.
--
-- Every file of lib/layers is a layer word by itself; the others stand in the list below, as module = "words". A word
-- is the module's field of that name; in `whole`, it is the module.
local command = require "lamina.core.command"

local errors = require "lamina.errors"

local M = {}

local whole = {
  data = "lamina.data", image = "lamina.image", plot = "lamina.plot", stimuli = "lamina.stimuli",
  neural = "lamina.neural", ops = "lamina.core.ops", lamina = "lamina", losses = "lamina.loss",
  linalg = "lamina.linalg", hdf5 = "lamina.hdf5", metrics = "lamina.metrics",
  search = "lamina.search",
  checkpoint = "lamina.checkpoint", fft = "lamina.fft", models = "lamina.models",
  rdm = "lamina.rdm", tuning = "lamina.tuning", sparse = "lamina.sparse",
}

local fields = {
  ["lamina.activations"] = "activations",
  ["lamina.model"] = "model",
  ["lamina.layer"] = "layer",
  ["lamina.model.words"] = "input area readout feedback lateral shared",
  ["lamina.optim"] = "sgd adam adamw rmsprop adagrad",
  ["lamina.optim.search"] = "lbfgs conjugate_gradient",
  ["lamina.schedule"] = "constant warmup cosine step linear exponential inverse_root one_cycle plateau",
  ["lamina.loss"] = "cross_entropy mse bce",
  ["lamina.cells"] = "dale",
  ["lamina.train"] = "train",
  ["lamina.train.find_rate"] = "find_rate",
  ["lamina.learning_curve"] = "learning_curve",
  ["lamina.rules"] = "local_rule",
  ["lamina.loop"] = "loop",
  ["lamina.profile"] = "profile",
  ["lamina.imprint"] = "imprint",
  ["lamina.tolerance"] = "tolerance",
  ["lamina.self_organise"] = "self_organise",
  ["lamina.evaluate"] = "evaluate",
  ["lamina.search"] = "space range",
  ["lamina.neural"] = "predictivity separability criteria ridge ols pls lasso elastic_net nnls one_to_one "
    .. "space_feature pca random_projection kfold grouped shuffled split_half",
  ["lamina.neural.classifiers"] = "svm logistic nearest_centroid max_correlation",
  ["lamina.neural.decode"] = "decode",
  ["lamina.rdm.compare"] = "compare_rdms rdm_ceiling",
  ["lamina.rdm.evaluate"] = "rsa",
  ["lamina.rdm.mds"] = "mds",
  ["lamina.significance"] = "fdr",
  ["lamina.similarity"] = "cka svcca pwcca procrustes",
  ["lamina.grad"] = "grad custom checkpointed on_gradient",
  ["lamina.grad.derivatives"] = "jvp hvp jacobian hessian",
  ["lamina.grad.check"] = "gradcheck",
  ["lamina.attention"] = "attention_maps attention_rollout",
  ["lamina.experiment"] = "experiment report",
  ["lamina.data.augment"] = "augment",
  ["lamina.help"] = "help",
  ["lamina.errors"] = "try",
  ["lamina.core.tensor"] = "tensor zeros ones full zeros_like ones_like full_like arange linspace logspace eye "
    .. "randn rand randn_like rand_like randint permutation bernoulli choice no_grad "
    .. "print_options meshgrid",
}

--- word -> { module =, field = } (field absent: the module is the word).
M.list = {}

for word, module in pairs(whole) do M.list[word] = { module = module } end
for module, names in pairs(fields) do
  for word in names:gmatch "%S+" do M.list[word] = { module = module, field = word } end
end
for _, module in ipairs(command.modules()) do
  local word = module:match "^layers%.([%w_]+)$"
  if word then M.list[word] = { module = "lamina." .. module } end
end

local cache = {}

-- Makes reading a field that a module of words lacks an error with the nearest one, as for an undefined name.
local function seal(word, module)
  if type(module) ~= "table" or getmetatable(module) then return module end
  return setmetatable(module, { __index = function(_, name)
    if type(name) ~= "string" then -- word:name { ... } hands the module itself to the function
      errors.raise("name", 2, "%s is no list: its words are called with a dot, %s.name { ... }, not with a colon",
        word, word)
    end
    local names = {}
    for known in pairs(module) do
      if type(known) == "string" then names[#names + 1] = known end
    end
    table.sort(names)
    local habit = require("lamina.errors.hints").member(word, name)
    local near = errors.nearest(name, names)
    errors.raise("name", 2, "%s has no word '%s' (%s)", word, name, habit
      or near and string.format("did you mean '%s'?", near)
      or #names <= 12 and "there are " .. table.concat(names, ", ")
      or string.format("help %q lists them", word))
  end })
end

--- The value of a word, loaded now if it has not been yet; nil for a name that is no word.
function M.find(name)
  local value = cache[name]
  if value ~= nil then return value end
  local entry = M.list[name]
  if not entry then return nil end
  local module = require(entry.module)
  if entry.field then
    value = module[entry.field]
  else
    value = seal(name, module)
  end
  cache[name] = value
  return value
end

--- The word whose value this is, among those loaded; nil where none is.
function M.name_of(value)
  for word, known in pairs(cache) do
    if known == value then return word end
  end
end

return M
