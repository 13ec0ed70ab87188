--- Which module each word of the language comes from. A word is loaded when a script first names it.
--
-- Every file of lib/layers is a layer word by itself; the others stand in the list below, as module = "words". A word
-- is the module's field of that name; in `whole`, it is the module.
local command = require "lamina.core.command"

local M = {}

local whole = {
  data = "lamina.data", plot = "lamina.plot", stimuli = "lamina.stimuli", neural = "lamina.neural",
  ops = "lamina.core.ops", lamina = "lamina",
}

local fields = {
  ["lamina.model"] = "model input area readout",
  ["lamina.optim"] = "sgd adam adamw constant warmup cosine step linear",
  ["lamina.loss"] = "cross_entropy mse bce",
  ["lamina.train"] = "train",
  ["lamina.loop"] = "loop",
  ["lamina.evaluate"] = "evaluate",
  ["lamina.neural"] = "predictivity separability ridge kfold grouped split_half",
  ["lamina.experiment"] = "experiment report",
  ["lamina.help"] = "help",
  ["lamina.errors"] = "try",
  ["lamina.core.tensor"] = "tensor zeros ones full arange linspace logspace eye randn rand randint permutation "
    .. "no_grad",
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
    value = module
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
