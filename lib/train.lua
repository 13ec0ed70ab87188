--- train: learning on a goal, or several, written on loop.
local check = require "lamina.train.check"
local constraints = require "lamina.constraints"
local core = require "lamina.core.tensor"
local base = require "lamina.core.base"
local best_weights = require "lamina.train.best"
local errors = require "lamina.errors"
local evaluate = require "lamina.evaluate"
local loop = require "lamina.loop"
local ops = require "lamina.core.ops"
local optim_core = require "lamina.core.optim"
local penalties = require "lamina.penalty"
local provenance = require "lamina.model.provenance"
local rules = require "lamina.rules"
local schema = require "lamina.schema"

local M = {}

local FIELDS = {
  model = { type = "any", required = true, doc = "the model to train" },
  data = { type = "any", required = true, doc = "the data set to train on" },
  validate = { type = "any", doc = "a data set to look at after each epoch" },
  loss = { type = { "string", "table", "function" }, default = "cross_entropy",
    doc = "a name such as \"cross_entropy\" or \"mse\", { name, options }, a function(output, target), or one of "
      .. "these for each readout: { category = \"cross_entropy\", position = { \"mse\", weight = 0.1 } }" },
  penalty = { type = "table", doc = "{ l1 =, l2 =, group =, smooth =, activity =, of = }, or a list of these" },
  optimizer = { type = "any", doc = "adam { rate = 1e-3 } if absent" },
  rule = { type = "any", doc = "how areas learn: { V1 = \"oja\", digit = \"backprop\" }; areas without one keep "
    .. "their weights. Without it: what the areas' own option `rule` says, else backprop" },
  keep = { type = "string", doc = "which weights stay: those \"best\" on `validate` (the default with it), the "
    .. "\"last\", or those best at a goal, by its name" },
  constraints = { type = { "table", "string" }, doc = "what weights must be after every update: "
    .. "{ { \"norm\", max = 1, of = \"V1\" }, ... }" },
  top = { type = "integer", min = 1, doc = "for labels: also the validation's error where the k largest outputs "
    .. "count as right, valid_top5_error" },
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

local function bad_target(y)
  for name, t in pairs(core.is_tensor(y) and { y } or type(y) == "table" and y or {}) do
    if core.is_tensor(t) and t.dtype:match("^float") and not all_finite(t) then
      return "the data's targets" .. (type(name) == "string" and " '" .. name .. "'" or "")
    end
  end
end

-- Where the first value that is not finite came from, for a batch whose loss is not: "the data", the parameter or
-- the layer with its op, or the op in the loss. Runs the forward pass again, layer by layer, and the loss op by op.
local function culprit(run, b, ctx)
  local net = run.net
  if not all_finite(b.x) then return "the data" end
  local target = not run.o.data.missing and bad_target(b.y)
  if target then return target end
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
  local op = not found and core.no_grad(loop.first_bad_op, nil, function()
    run.goals:loss(net:forward(b.x, ctx), b.y)
  end)
  return found or "the loss (" .. run.goals:describe() .. ")" .. (op and ": " .. op or "")
end

-- What may help, by where the first value came from that is not finite.
local function remedy(source)
  if source:find "^the data" then return "" end
  if source:find "^the loss %(.*poisson.*%): log, of finite numbers" then -- of outputs below 0
    return "; the loss takes the logarithm of outputs, and some are below 0: end the model in softplus or relu, or "
      .. "give poisson its option log_input = true (the output is then the logarithm of the rate)"
  end
  return "; a smaller rate or clip = 1 may keep it finite"
end

local function raise_nonfinite(run, value, b, ctx)
  local source = culprit(run, b, ctx)
  local notes = { "  the weights are as they were before this step" .. remedy(source) }
  errors.raise_with(notes, "numeric", run.position, "train: the loss is %s at epoch %d, step %d; the first value "
    .. "that is not finite came from %s", loop.bad_text(value), b.epoch, b.step, source)
end

-- ---- the loop --------------------------------------------------------------------------------------------------

local Run = {}
Run.__index = Run

-- The columns of each goal for one batch.
local function goal_columns(run, result, outputs, each, b)
  local g = run.goals
  for k in ipairs(g.list) do
    if not g.single then result[g:column(k, "loss")] = each[k]:item() end
    local target, output = g:target(b.y, k), g:output(outputs, k)
    if evaluate.is_labels(target) and not g.list[k].loss.pairs then
      local wrong, guess = evaluate.wrong(output, target)
      guess:release()
      result[g:column(k, "error")] = wrong / #b
    end
  end
end

local function release_outputs(outputs)
  for _, t in pairs(core.is_tensor(outputs) and { outputs } or outputs) do t:release() end
end

-- The loss and what is added to it: a tensor to go backward from.
local function objective(run, loss, terms, result, trial)
  local extra = run.penalty and run.penalty:of_weights()
  for _, block in ipairs(terms.n and run.net.blocks or {}) do
    local sum, n = terms[block.name], terms.n[block.name]
    local term = sum and (n > 1 and ops.mul(sum, 1 / n) or sum)
    extra = term and extra and ops.add(extra, term) or term or extra
  end
  if not extra then return loss end
  result.penalty = extra:item()
  if not trial and (result.penalty ~= result.penalty or result.penalty == math.huge) then
    errors.raise("numeric", run.position, "train: the penalty is %s", loop.bad_text(result.penalty))
  end
  return ops.add(loss, extra)
end

-- What looks on in the forward pass: local rules, and penalties on activities: terms[area] is the sum of what the
-- time steps cost, terms.n[area] their number.
function Run:watcher(terms)
  local plan, penalty = self.rules, self.penalty
  if not plan and not (penalty and penalty.watched) then return nil end
  local n = {}
  terms.n = n
  return function(node, x, y)
    if plan then plan:watch(node, x, y) end
    local term = penalty and node == node.block.last and penalty:of_activity(node.block.name, y)
    if term then
      local name = node.block.name
      terms[name], n[name] = terms[name] and ops.add(terms[name], term) or term, (n[name] or 0) + 1
    end
  end
end

-- An update: that of the optimizer from the gradient of `value`, where there is one, and those of local rules. Ctrl-C
-- finds it done or not begun.
function Run:update(value, b, result)
  if not self.rules then return self.opt:gather(value) end
  base.uninterrupted(function()
    local changes = self.rules:propose(b)
    if value then self.opt:gather(value) end
    for name, change in pairs(self.rules:apply(changes)) do result[name .. "_change"] = change end
    if not value then optim_core.commit() end
  end)
end

-- A batch for a model that learns by local rules alone.
function Run:step_locally(b)
  local result = {}
  core.no_grad(function()
    release_outputs(self.net:forward(b.x, { training = true, step = b.step, watch = self:watcher {} }))
  end)
  self:update(nil, b, result)
  return result
end

-- The forward pass and the loss of a batch: a tensor to go backward from, and the columns of the history. trial: of
-- weights that are only tried, whose loss may be anything.
function Run:look(b, trial)
  local terms = {}
  local ctx = { training = true, step = b.step, watch = self:watcher(terms), stop = self.rules and self.rules.stops }
  local outputs = self.net:forward(b.x, ctx)
  local loss, each = self.goals:loss(outputs, b.y)
  local number = loss:item()
  if not trial and (number ~= number or number == math.huge or number == -math.huge) then
    raise_nonfinite(self, number, b, ctx)
  end
  local result = { loss = number }
  goal_columns(self, result, outputs, each, b)
  local value = objective(self, loss, terms, result, trial)
  release_outputs(outputs)
  return value, result
end

-- One batch: forward, loss, backward, update.
function Run:step(b)
  local value, result = self:look(b)
  self:update(value, b, result)
  value:release()
  return result
end

-- One batch for an optimizer that asks for the loss several times; the history is of the weights before the step.
function Run:step_searching(b)
  local first
  self.opt:step(function()
    local value, result = self:look(b, first ~= nil)
    first = first or result
    return value
  end)
  return first
end

local function is_own(name)
  return name == "loss" or name == "error" or name:match "_loss$" or name:match "_error$"
end

-- After each epoch: names for a training run, the validation, the best weights.
function Run:after(row)
  local moved = {}
  for name, value in pairs(row) do
    if is_own(name) then moved[name] = value end
  end
  for name, value in pairs(moved) do row[name], row["train_" .. name] = nil, value end
  row.rate = self.opt and self.opt.last_rate
  if not self.o.validate then return end
  if not self.averaged then return self:validate(row) end
  self.opt:swap()
  local ok, e = pcall(self.validate, self, row)
  self.opt:swap() -- also where the validation failed or was interrupted
  if not ok then error(e, 0) end
end

function Run:validate(row)
  local result = evaluate.run({ model = self.net, data = self.o.validate, loss = self.o.loss, batch = 256,
    top = self.o.top }, self.position)
  row.valid_loss, row.valid_error = result.loss, result.error
  if result.top then row["valid_top" .. self.o.top .. "_error"] = result.top.error end
  for name, part in pairs(result.goals or {}) do
    row["valid_" .. name .. "_loss"], row["valid_" .. name .. "_error"] = part.loss, part.error
    if part.top then row[string.format("valid_%s_top%d_error", name, self.o.top)] = part.top.error end
  end
  if self.best then self.best:look(self.net, row) end
end

function Run:go()
  local o, step = self.o, self.locally and self.step_locally or self.step
  if self.opt and self.opt.searches then step = self.step_searching end
  local undo, settings = self.rules and self.rules:begin(), self.opt and self.opt.o or {}
  local clip = settings.clip
  settings.clip = o.clip or clip -- of this run alone: the optimizer may serve others
  local ok, rows = pcall(loop.run, { data = o.data, batch = o.batch, epochs = o.epochs, shuffle = o.shuffle,
    seed = o.seed, checkpoint = o.checkpoint, resume = o.resume, log = o.log,
    state = { model = self.net, optimizer = self.opt, best = self.best, rules = self.rules },
    each = function(b) return step(self, b) end, after = function(row) return self:after(row) end }, self.position)
  settings.clip = clip
  if undo then undo() end
  if not ok then error(rows, 0) end
  return rows
end

-- What describes the run, beside its history.
local function settings_of(run)
  local o = run.o
  local list = { data = tostring(rawget(o.data, "name")) .. " "
    .. "" .. #o.data, loss = not run.locally and run.goals:describe() or "",
    batch = o.batch, epochs = o.epochs, shuffle = o.shuffle, seed = o.seed or core.seed(), keep = o.keep,
    clip = o.clip }
  for name, value in pairs(run.opt and run.opt:state().values.settings or {}) do
    list["optimizer." .. name] = value
  end
  list.optimizer = run.opt and run.opt.kind
  return list
end

local function make_run(given, position)
  check.rate(given, position)
  local o = schema.check("train", given, FIELDS, position)
  check.model(o, position)
  check.data(o, position)
  local run = setmetatable({ o = o, net = o.model, position = position }, Run)
  run.rules = rules.plan(o.model, o.rule, position)
  run.locally = run.rules and #run.rules.gradient == 0
  local g = (not run.locally or o.validate) and check.goals(o, position) or { single = true, list = {} }
  check.rest(o, g, run.locally, run.rules ~= nil, position)
  run.goals, run.opt = g, o.optimizer
  if o.constraints then constraints.of_train(o.model, o.constraints, position) end
  run.penalty = o.penalty and penalties.make(o.penalty, o.model, position)
  run.averaged = run.opt and run.opt.o.average ~= nil
  run.best = o.keep ~= "last" and best_weights.new(g, o.keep) or nil
  return run
end

--- train { model =, data =, validate =, loss = "cross_entropy", penalty =, constraints =, rule =, optimizer = adam
-- {}, epochs = 1,
-- batch = 64, shuffle = true, keep =, clip =, top =, checkpoint =, resume =, seed =, log = }: trains the model and
-- returns the history, one row per epoch: epoch, step, train_loss, train_error (over the epoch, while learning),
-- valid_loss, valid_error, penalty, rate, seconds. With goals for several readouts the losses are totals, and each
-- goal has columns of its own (train_category_loss, train_category_error, valid_category_loss, ...). With `validate`,
-- the weights that were best on it are put back at the end, and scores on these data are marked `selected` from then
-- on. Stops with an error at a loss that is NaN or infinite, before the weights are touched. With `checkpoint` and
-- `resume`, a run that was cut off goes on from its last whole epoch, bit for bit; where there is no checkpoint yet,
-- it says so and starts from the beginning. A checkpoint of another rate, batch or seed, or of more epochs, is
-- refused.
-- > x = randn { 200, 4 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }   -- class 2 where the first number is above 0
-- > net = model "m" { input { 4 }, readout "class" { dense { 2 } } }
-- > history = train { model = net, data = set, optimizer = adam { rate = 0.05 }, epochs = 10, log = false }
-- > evaluate({ model = net, data = set }).accuracy > 0.95   --> true
function M.train(given, ...)
  local position = errors.position(2)
  schema.alone("train", "train { model = net, data = set, epochs = 5 }", position, ...)
  local run = make_run(given, position)
  local o, net, opt, best = run.o, run.net, run.opt, run.best
  if opt then
    opt:attach(run.rules and run.rules.gradient or net)
  end
  local before = net:digest()
  local rows = run:go()
  if best and best.weights then
    net:take(best.weights, "the best weights", 2)
    o.validate.selected = true
  elseif run.averaged then
    opt:swap()
  end
  if opt then opt:zero() end
  provenance.note(net, before, settings_of(run), rows)
  return rows
end

return M
