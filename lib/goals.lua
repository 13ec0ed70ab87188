--- Goals: what a model is trained on and judged by: a loss for each of its readouts.
--
--   loss = "cross_entropy"                                                    -- a model with one readout
--   loss = { category = "cross_entropy", position = { "mse", weight = 0.1 } } -- a goal by the name of each readout
--
-- With several goals, the data's targets are tables by the same names, data.tensors { x, { category =, position = }
-- }, and the loss is the sum of the goals' losses, each times its weight, in the order of the readouts. A goal that
-- is false leaves its readout alone. The loss of a goal in a history (train_position_loss) has been multiplied by its
-- weight, so that the columns sum to train_loss; evaluate multiplies by the weights of its own option `loss` alone.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local losses = require "lamina.loss"
local ops = require "lamina.core.ops"

local M = {}

--- Whether targets are class labels.
function M.is_labels(y) return core.is_tensor(y) and y.dtype == "int64" and y.ndim == 1 end

--- Whether what a script gives as `loss` is a table of goals.
function M.is_table(spec) return type(spec) == "table" and getmetatable(spec) == nil and spec[1] == nil end

local function quoted(names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = "'" .. name .. "'" end
  return table.concat(parts, ", ")
end

local function names_of(list)
  local names = {}
  for i, entry in ipairs(list) do names[i] = entry.name end
  return names
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

local Goals = { __name = "goals" }
Goals.__index = Goals

Goals.__tostring = function(self) return "goals " .. table.concat(names_of(self.list), ", ") end

-- Checks that the table's names are the readouts', all of them.
local function check_names(spec, readouts, net, word, position)
  local have, names = {}, names_of(readouts)
  for _, name in ipairs(names) do have[name] = true end
  for _, name in ipairs(sorted_keys(spec)) do
    if not have[name] then
      errors.raise("argument", position, "%s: the goal '%s' names no readout of %s (there %s %s)%s", word, name,
        net.name, #names == 1 and "is" or "are", #names > 0 and quoted(names) or "none", errors.hint(name, names))
    end
  end
  for _, name in ipairs(names) do
    if spec[name] == nil then
      errors.raise("argument", position, "%s: the readout '%s' of %s has no goal; give it one, or %s = false to "
        .. "leave it alone", word, name, net.name, name)
    end
  end
end

--- The goals for what a script gives as `loss`. net: the model (nil: a function with one output); missing: whether
-- the data's NaN targets are missing values. Raises at `position`, in the name of `word`.
function M.make(spec, net, missing, word, position)
  local readouts = net and net.outputs or {}
  if net and #readouts == 0 then
    errors.raise("argument", position, "%s: %s gives no output that a goal could look at; give it a readout", word,
      net.name)
  end
  local self = setmetatable({ list = {}, net = net, word = word }, Goals)
  if not M.is_table(spec) then
    if #readouts > 1 then
      errors.raise("argument", position, "%s: %s has %d readouts, and needs a goal for each: loss = { %s = ..., "
        .. "%s = ... }", word, net.name, #readouts, readouts[1].name, readouts[2].name)
    end
    self.list[1] = { name = readouts[1] and readouts[1].name, loss = losses.make(spec, position, missing, word) }
    self.single = true
    return self
  end
  if not net then errors.raise("argument", position, "%s: goals by name need a model with readouts", word) end
  check_names(spec, readouts, net, word, position)
  for _, readout in ipairs(readouts) do
    local own = spec[readout.name]
    if own ~= false then
      self.list[#self.list + 1] = { name = readout.name, loss = losses.make(own, position, missing, word) }
    end
  end
  if #self.list == 0 then errors.raise("argument", position, "%s: every goal is false; nothing is left", word) end
  return self
end

--- The output of goal k among what the model gave.
function Goals:output(outputs, k)
  if core.is_tensor(outputs) then return outputs end
  return outputs[self.list[k].name]
end

--- The target of goal k among the targets of a batch or a data set.
function Goals:target(y, k)
  if type(y) ~= "table" or core.is_tensor(y) then return y end
  return y[self.list[k].name]
end

--- Raises at `position` where the targets y of a data set (`what`) lack one of a goal, or where one tensor stands
-- for several goals.
function Goals:check_targets(y, what, position)
  if core.is_tensor(y) or type(y) ~= "table" then
    if #self.list > 1 then
      errors.raise("argument", position, "%s: %s has one target, but there are %d goals; give it targets by name: "
        .. "data.tensors { x, { %s = ..., %s = ... } }", self.word, what, #self.list, self.list[1].name,
        self.list[2].name)
    end
    return
  end
  for _, goal in ipairs(self.list) do
    if goal.name == nil or y[goal.name] == nil then
      errors.raise("argument", position, "%s: %s has no target '%s' (there are %s)", self.word, what,
        tostring(goal.name), quoted(sorted_keys(y)))
    end
  end
end

--- The loss of a batch: the total, a list with each goal's loss, and a list with what each mean is over.
function Goals:loss(outputs, y)
  local total, each, counts = nil, {}, {}
  for k, goal in ipairs(self.list) do
    each[k], counts[k] = goal.loss(self:output(outputs, k), self:target(y, k))
    if not core.is_tensor(each[k]) or each[k]:count() ~= 1 then
      errors.raise("argument", 2, "the loss%s gave %s, expected a tensor of one element, such as a mean over the "
        .. "batch",
        goal.name and " of " .. goal.name or "", core.is_tensor(each[k]) and "a tensor of the shape "
        .. tostring(each[k].shape) or each[k] == nil and "nothing" or "a " .. type(each[k]))
    end
    total = total and ops.add(total, each[k]) or each[k]
  end
  return total, each, counts
end

--- The name of goal k's columns in a history: "loss" for a lone goal, else "category_loss".
function Goals:column(k, what)
  return self.single and what or self.list[k].name .. "_" .. what
end

--- The names of the losses, for messages.
function Goals:describe()
  local parts = {}
  for i, goal in ipairs(self.list) do
    parts[i] = self.single and goal.loss.name or goal.name .. ": " .. goal.loss.name
  end
  return table.concat(parts, ", ")
end

return M
