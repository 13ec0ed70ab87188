--- What train looks at before anything is computed: the model, the data against it, the goals against both.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local goals = require "lamina.goals"
local layer = require "lamina.layer"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local optim = require "lamina.optim"

local M = {}

local function check_set(o, what, position, word)
  local set, net = o[what], o.model
  if type(set) ~= "table" or not set.batch then
    errors.raise("argument", position, "%s: %s is a %s, expected a data set such as digits.train or data.tensors "
      .. "{ x, y }", word, what, core.is_tensor(set) and "tensor" or type(set))
  end
  if #set == 0 then errors.raise("argument", position, "%s: %s holds no items", word, what) end
  local shape = not rawget(set, "levels") and core.is_tensor(set.x) and set.x.shape
  if shape then
    table.remove(shape, 1)
  elseif type(set.shape) == "function" then
    shape = set:shape() -- what its batches hold, after augmentation
  else
    return
  end
  if not net:takes(shape) then
    errors.raise("shape", position, "%s: the items of %s are %s, but %s takes %s", word, what,
      layer.shape_text(shape), net.name, layer.shape_text(net.input))
  end
end

-- Whether targets are a probability of each class.
local function is_soft(y)
  if y.ndim ~= 2 or not y.dtype:find "^float" then return false end
  return y:min():item() >= 0 and ops.max(ops.abs(ops.sub(ops.sum(y, 2), 1))):item() < 1e-3
end

-- With labels: the readout has a place for each.
local function check_labels(y, goal, net, what, position, word)
  if not goal.loss.labels or not core.is_tensor(y) then return end
  if is_soft(y) then return end
  if not goals.is_labels(y) then
    errors.raise("dtype", position, "%s: cross_entropy needs labels as int64 with one axis; those of %s are %s "
      .. "%s%s", word, what, layer.shape_text(y.shape), y.dtype, y.ndim == 1 and " (y:to \"int64\" converts them)"
      or y.ndim == 2 and " (soft targets are a probability of each class; these rows do not sum to 1)" or "")
  end
  local readout = goal.name and net.blocks_by_name[goal.name]
  local classes = readout and readout.output or net.outputs[1].output
  local low, high = y:min():item(), y:max():item()
  if #classes ~= 1 or low < 1 or high > classes[1] then
    errors.raise("argument", position, "%s: the labels of %s are from %d to %d, but readout %q gives %s%s", word,
      what, low, high, readout and readout.name or net.name, layer.shape_text(classes),
      #classes == 1 and string.format("; they must be from 1 to %d%s", classes[1],
      low == 0 and " (counted from 1: add 1 to labels that begin at 0)" or "") or "")
  end
end

local function check_targets(o, g, what, position, word)
  local y = o[what].y
  if y == nil then
    if core.is_tensor(o[what].x) then
      errors.raise("argument", position, "%s: %s has no targets y to compare the outputs with", word, what)
    end
    return
  end
  g:check_targets(y, what, position)
  for k, goal in ipairs(g.list) do
    local name = what .. ((g.single or core.is_tensor(y)) and "" or "." .. goal.name)
    check_labels(g:target(y, k), goal, o.model, name, position, word)
  end
end

--- The rate is the optimizer's; whoever gives it to train is told where it goes.
function M.rate(given, position)
  if type(given) ~= "table" then return end
  for _, name in ipairs { "rate", "lr", "learning_rate" } do
    local value = rawget(given, name)
    if value ~= nil then
      errors.raise("argument", position, "train: unknown option '%s'; the rate is the optimizer's: optimizer = "
        .. "adam { rate = %s }", name, type(value) == "number" and string.format("%g", value) or "1e-3")
    end
  end
end

--- That there is a model to train. word: in whose name messages are given, train if absent; so below.
function M.model(o, position, word)
  models.need(o.model, word or "train", position, " (loop runs anything else)")
end

--- The data sets, checked against the model.
function M.data(o, position, word)
  check_set(o, "data", position, word or "train")
  if o.validate ~= nil then check_set(o, "validate", position, word or "train") end
end

--- The goals, checked against the model and the data.
function M.goals(o, position, word)
  word = word or "train"
  local g = goals.make(o.loss, o.model, o.data.missing, word, position)
  check_targets(o, g, "data", position, word)
  if o.validate ~= nil then check_targets(o, g, "validate", position, word) end
  return g
end

-- Optimizers that ask for the loss several times in a step do not go with what must happen once in it.
local function check_search(o, ruled, position)
  if not o.optimizer.searches then return end
  for name, given in pairs { clip = o.clip ~= nil, rule = ruled } do
    if given then
      errors.raise("argument", position, "train: option '%s' does not go with %s, which asks for the loss several "
        .. "times in a step; take an optimizer such as adam {}", name, o.optimizer.kind)
    end
  end
end

--- The optimizer, and which weights stay at the end. locally: only local rules are at work, without an optimizer;
-- ruled: some are.
function M.rest(o, g, locally, ruled, position)
  if locally then
    for _, name in ipairs { "optimizer", "clip", "penalty" } do
      if o[name] ~= nil then
        errors.raise("argument", position, "train: option '%s' is for areas under \"backprop\", and rule names none",
          name)
      end
    end
  else
    o.optimizer = o.optimizer or optim.adam {}
  end
  if not locally and not optim.is_optimizer(o.optimizer) then
    errors.raise("argument", position, "train: optimizer is a %s, expected one such as adam { rate = 1e-3 }",
      type(o.optimizer))
  end
  if not locally then check_search(o, ruled, position) end
  o.keep = o.keep or (o.validate and "best" or "last")
  local names = { "best", "last" }
  for _, goal in ipairs(g.single and {} or g.list) do names[#names + 1] = goal.name end
  local known = false
  for _, name in ipairs(names) do known = known or name == o.keep end
  if not known then
    errors.raise("argument", position, "train: option 'keep' is '%s', expected one of '%s'%s", o.keep,
      table.concat(names, "', '"), errors.hint(o.keep, names))
  end
  if o.keep ~= "last" and not o.validate then
    errors.raise("argument", position, "train: keep = \"%s\" needs validate = a data set to judge by", o.keep)
  end
end

return M
