--- train: gradient descent on a goal, written on loop.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local evaluate = require "lamina.evaluate"
local layer = require "lamina.layer"
local loop = require "lamina.loop"
local losses = require "lamina.loss"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local optim = require "lamina.optim"
local schema = require "lamina.schema"

local M = {}

local FIELDS = {
  model = { type = "any", required = true, doc = "the model to train" },
  data = { type = "any", required = true, doc = "the data set to train on" },
  validate = { type = "any", doc = "a data set to look at after each epoch" },
  loss = { type = { "string", "table", "function" }, default = "cross_entropy",
    doc = "\"cross_entropy\", \"mse\", \"bce\", { name, options }, or a function(output, target)" },
  optimizer = { type = "any", doc = "adam { rate = 1e-3 } if absent" },
  keep = { type = "string", choices = { "best", "last" },
    doc = "which weights stay: those best on `validate` (the default with it), or the last" },
  clip = { type = "number", min = 0, doc = "the largest norm of all gradients together" },
}
for _, name in ipairs { "batch", "epochs", "shuffle", "seed", "checkpoint", "resume", "log" } do
  FIELDS[name] = loop.fields[name]
end
schema.document("train", FIELDS)

-- ---- which op went wrong ---------------------------------------------------------------------------------------

local function all_finite(t)
  local finite = ops.isfinite(t)
  local all = ops.all(finite)
  local answer = all:item()
  finite:release()
  all:release()
  return answer == true or answer == 1
end

--- Where the first value that is not finite came from, for a batch whose loss is not: "the data", the parameter or
-- the layer with its op, or the op in the loss. Runs the forward pass again, layer by layer, and the loss op by op.
function M.culprit(net, b, ctx, loss, loss_name)
  if not all_finite(b.x) then return "the data" end
  if core.is_tensor(b.y) and b.y.dtype:match("^float") and not all_finite(b.y) then return "the data's targets" end
  for _, p in ipairs(net:parameters()) do
    if not all_finite(p.tensor) then return "the parameter " .. p.name end
  end
  local found
  core.no_grad(function()
    net:inspect(b.x, ctx, function(node, y)
      if not found and not all_finite(y) then
        found = string.format("%s (%s)", node.name, node.layer.op or node.layer.full)
      end
    end)
  end)
  local op = not found and core.no_grad(loop.first_bad_op, nil, function() loss(net:forward(b.x, ctx), b.y) end)
  return found or "the loss (" .. loss_name .. ")" .. (op and ": " .. op or "")
end

-- ---- best weights ----------------------------------------------------------------------------------------------

-- The weights with the lowest validation error (the lowest loss where there is no error, or between equal errors).
local Best = {}
Best.__index = Best

local function better(row, best)
  if not best.loss then return true end
  if row.valid_error and row.valid_error ~= best.error then return row.valid_error < best.error end
  return row.valid_loss < best.loss
end

function Best:look(net, row)
  if not better(row, self) then return end
  self.loss, self.error, self.epoch, self.weights = row.valid_loss, row.valid_error, row.epoch, net:snapshot()
end

function Best:state()
  return { tensors = self.weights or {}, values = { loss = self.loss, error = self.error, epoch = self.epoch } }
end

function Best:restore(state)
  self.loss, self.error, self.epoch = state.values.loss, state.values.error, state.values.epoch
  self.weights = next(state.tensors) and state.tensors or nil
end

-- ---- checks before anything is computed ------------------------------------------------------------------------

local function check_set(o, what, position)
  local set, net = o[what], o.model
  if type(set) ~= "table" or not set.batch then
    errors.raise("argument", position, "train: %s is a %s, expected a data set such as digits.train or data.tensors "
      .. "{ x, y }", what, core.is_tensor(set) and "tensor" or type(set))
  end
  if #set == 0 then errors.raise("argument", position, "train: %s holds no items", what) end
  if not core.is_tensor(set.x) then return end
  local shape = set.x.shape
  table.remove(shape, 1)
  if layer.shape_text(shape) ~= layer.shape_text(net.input) then
    errors.raise("shape", position, "train: the items of %s are %s, but %s takes %s", what, layer.shape_text(shape),
      net.name, layer.shape_text(net.input))
  end
end

-- With labels: the readout has a place for each.
local function check_labels(o, what, loss_name, position)
  local y, readout = o[what].y, o.model.readouts[1]
  if loss_name ~= "cross_entropy" or not core.is_tensor(y) then return end
  if not evaluate.is_labels(y) then
    errors.raise("dtype", position, "train: cross_entropy needs labels as int64 with one axis; those of %s are %s %s",
      what, layer.shape_text(y.shape), y.dtype)
  end
  local classes = readout and readout.output or o.model.blocks[#o.model.blocks].output
  local low, high = y:min():item(), y:max():item()
  if #classes ~= 1 or low < 1 or high > classes[1] then
    errors.raise("argument", position, "train: the labels of %s are from %d to %d, but readout %q gives %s%s", what,
      low, high, readout and readout.name or o.model.name, layer.shape_text(classes),
      #classes == 1 and string.format("; they must be from 1 to %d%s", classes[1],
      low == 0 and " (counted from 1: add 1 to labels that begin at 0)" or "") or "")
  end
end

-- The rate is the optimizer's; whoever gives it to train is told where it goes.
local function check_rate(given, position)
  if type(given) ~= "table" then return end
  for _, name in ipairs { "rate", "lr", "learning_rate" } do
    local value = rawget(given, name)
    if value ~= nil then
      errors.raise("argument", position, "train: unknown option '%s'; the rate is the optimizer's: optimizer = "
        .. "adam { rate = %s }", name, type(value) == "number" and string.format("%g", value) or "1e-3")
    end
  end
end

local function check(given, position)
  check_rate(given, position)
  local o = schema.check("train", given, FIELDS, position)
  if not models.is_model(o.model) then
    errors.raise("argument", position, "train: model is a %s, expected a model (loop runs anything else)",
      type(o.model))
  end
  if #o.model.readouts > 1 then
    errors.raise("argument", position, "train: %s has %d readouts; train takes one goal, use loop for several",
      o.model.name, #o.model.readouts)
  end
  local loss, loss_name = losses.make(o.loss, position)
  for _, what in ipairs { "data", "validate" } do
    if o[what] ~= nil then
      check_set(o, what, position)
      check_labels(o, what, loss_name, position)
    end
  end
  o.optimizer = o.optimizer or optim.adam {}
  if not optim.is_optimizer(o.optimizer) then
    errors.raise("argument", position, "train: optimizer is a %s, expected one such as adam { rate = 1e-3 }",
      type(o.optimizer))
  end
  o.keep = o.keep or (o.validate and "best" or "last")
  if o.keep == "best" and not o.validate then
    errors.raise("argument", position, "train: keep = \"best\" needs validate = a data set to judge by")
  end
  return o, loss, loss_name
end

-- ---- the loop --------------------------------------------------------------------------------------------------

local function raise_nonfinite(value, o, b, ctx, loss, loss_name, position)
  local source = M.culprit(o.model, b, ctx, loss, loss_name)
  local notes = { "  the weights are as they were before this step" .. (source:find "^the data" and ""
    or "; a smaller rate or clip = 1 may keep it finite") }
  errors.raise_with(notes, "numeric", position, "train: the loss is %s at epoch %d, step %d; the first value that is "
    .. "not finite came from %s", loop.bad_text(value), b.epoch, b.step, source)
end

-- The function that the loop calls with every batch: forward, loss, backward, update.
local function make_each(o, loss, loss_name, position)
  local net, opt = o.model, o.optimizer
  return function(b)
    local ctx = { training = true, step = b.step }
    local output = net:forward(b.x, ctx)
    local value = loss(output, b.y)
    local number = value:item()
    if number ~= number or number == math.huge or number == -math.huge then
      raise_nonfinite(number, o, b, ctx, loss, loss_name, position)
    end
    local result = { loss = number }
    if evaluate.is_labels(b.y) then
      local wrong, guess = evaluate.wrong(output, b.y)
      guess:release()
      result.error = wrong / #b
    end
    output:release()
    opt:zero()
    value:backward()
    value:release()
    opt:update()
    return result
  end
end

-- What happens after each epoch: names for a training run, the validation, the best weights.
local function make_after(o, best)
  return function(row)
    row.train_loss, row.train_error, row.loss, row.error = row.loss, row.error, nil, nil
    row.rate = o.optimizer.last_rate
    if not o.validate then return end
    local result = evaluate.run({ model = o.model, data = o.validate, loss = o.loss, batch = 256 }, 3)
    row.valid_loss, row.valid_error = result.loss, result.error
    if best then best:look(o.model, row) end
  end
end

--- train { model =, data =, validate =, loss = "cross_entropy", optimizer = adam {}, epochs = 1, batch = 64,
-- shuffle = true, keep =, clip =, checkpoint =, resume =, seed =, log = }: trains the model and returns the history,
-- one row per epoch: epoch, step, train_loss, train_error (over the epoch, while learning), valid_loss, valid_error,
-- rate, seconds. With `validate`, the weights that were best on it are put back at the end, and scores on these data
-- are marked `selected` from then on. Stops with an error at a loss that is NaN or infinite, before the weights are
-- touched. With `checkpoint` and `resume`, a run that was cut off goes on from its last whole epoch, bit for bit;
-- where there is no checkpoint yet, it says so and starts from the beginning. A checkpoint of another rate, batch or
-- seed, or of more epochs, is refused.
function M.train(given, ...)
  local position = errors.position(2)
  schema.alone("train", "train { model = net, data = set, epochs = 5 }", position, ...)
  local o, loss, loss_name = check(given, position)
  local net, opt = o.model, o.optimizer
  if o.clip then opt.o.clip = o.clip end
  opt:attach(net)
  local best = o.keep == "best" and setmetatable({}, Best) or nil
  local state = { model = net, optimizer = opt, best = best }
  local rows = loop.run({ data = o.data, batch = o.batch, epochs = o.epochs, shuffle = o.shuffle, seed = o.seed,
    checkpoint = o.checkpoint, resume = o.resume, log = o.log, state = state,
    each = make_each(o, loss, loss_name, position), after = make_after(o, best) }, position)
  if best and best.weights then
    net:take(best.weights, "the best weights", 2)
    o.validate.selected = true
  end
  opt:zero()
  return rows
end

return M
