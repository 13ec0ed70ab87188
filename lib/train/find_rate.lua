--- find_rate: how large a rate a model stands, by a short run in which the rate grows at every step (Smith 2017).
local check = require "lamina.train.check"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local object = require "lamina.object"
local optim = require "lamina.optim"
local schedules = require "lamina.schedule"
local schema = require "lamina.schema"

local M = {}

local FIELDS = schema.document("find_rate", {
  model = { type = "any", required = true, doc = "the model to look at; it is left as it was" },
  data = { type = "any", required = true, doc = "the data set to train on" },
  loss = { type = { "string", "table", "function" }, default = "cross_entropy", doc = "as in train" },
  optimizer = { type = "any", doc = "whose rate is looked for; it is not touched. adam {} if absent" },
  low = { type = "number", default = 1e-6, above = 0, doc = "the first rate" },
  high = { type = "number", default = 1, above = 0, doc = "the last rate" },
  steps = { type = "integer", default = 100, min = 10, doc = "steps from low to high, each times the same factor" },
  batch = { type = "integer", default = 64, min = 1, doc = "items in a batch" },
  smooth = { type = "number", default = 0.9, min = 0, below = 1, doc = "memory of the moving average of the losses" },
  diverged = { type = "number", default = 4, above = 1,
    doc = "the run ends where the smoothed loss is so many times its lowest value" },
  seed = { type = "integer", doc = "of the order of the data; the experiment's if absent" },
})

local Found = { __name = "rates" }
Found.__index = object.index("rates", Found, "steepest lowest")
Found.__tostring = function(self)
  return string.format("%d rates from %.3g to %.3g: the loss falls fastest at %.3g and is lowest at %.3g; try %.2g",
    #self.rates, self.rates[1], self.rates[#self.rates], self.steepest, self.lowest, self.rate)
end

--- rates:plot(): the smoothed loss over the rate. A figure.
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > set = data.tensors { randn { 64, 4 }, randint(1, 2, { 64 }) }
-- > found = find_rate { model = net, data = set, loss = "cross_entropy", steps = 20, batch = 16 }
-- > found:plot():save "rates.svg"
function Found:plot()
  return require("lamina.plot").line { x = self.rates, y = self.smooth, xlog = true, xlabel = "rate",
    ylabel = "loss (moving average)" }
end

-- Means with memory m, each divided by the weight that it has gathered so far.
local function smoothed(losses, m)
  local list, sum, weight = {}, 0, 0
  for i, value in ipairs(losses) do
    sum, weight = m * sum + (1 - m) * value, m * weight + (1 - m)
    list[i] = sum / weight
  end
  return list
end

-- Where the smoothed loss falls fastest over the logarithm of the rate, up to its lowest point, and that point.
local function places(smooth)
  local low, steep, slope = 1, 1, 0
  for i, value in ipairs(smooth) do
    if value < smooth[low] then low = i end
  end
  for i = 2, low do
    local before, after = smooth[i - 1], smooth[math.min(i + 1, #smooth)]
    if after - before < slope then steep, slope = i, after - before end
  end
  return steep, low
end

-- An optimizer like the given one, its rate rising from low to high.
local function rising(given, o)
  local options = merged(given.o)
  local groups = options.groups and {}
  for i, group in ipairs(options.groups or {}) do
    groups[i] = {}
    for name, value in pairs(group) do
      groups[i][name] = name == "rate" and value / given.o.rate * o.low or value
    end
  end
  options.rate, options.groups, options.average, options.accumulate = o.low, groups, nil, nil
  options.schedule = schedules.range(o.high / o.low, o.steps)
  return optim[given.kind](options)
end

-- The batches of one epoch after another.
local function endless(o, seed)
  local epoch, following = 0, nil
  return function()
    local b = following and following()
    if not b then
      epoch = epoch + 1
      local order = dataset.order(#o.data, seed, epoch)
      following = dataset.batches(o.data, o.batch, order, { seed = seed, epoch = epoch })
      b = following()
    end
    return b
  end
end

-- The losses and rates until the end, or until the loss has grown too much or is no longer finite.
local function run(o, goals, opt)
  local rates, losses, next_batch, best = {}, {}, endless(o, o.seed or core.seed()), math.huge
  for step = 1, o.steps do
    local b = next_batch()
    local loss = goals:loss(o.model:forward(b.x, { training = true, step = step }), b.y)
    local value = loss:item()
    if value ~= value or math.abs(value) == math.huge then break end
    rates[step], losses[step] = opt:rate(), value
    local smooth = smoothed(losses, o.smooth)[step]
    best = math.min(best, smooth)
    if step > 10 and smooth > o.diverged * best then break end
    local ok, e = pcall(opt.step, opt, loss)
    if not ok and not (errors.is_error(e) and e.kind == "numeric") then error(e, 0) end
    if not ok then break end
    b:release()
  end
  return rates, losses
end

--- find_rate { model =, data =, loss = "cross_entropy", optimizer = adam {}, low = 1e-6, high = 1, steps = 100, batch
-- = 64, smooth = 0.9, diverged = 4, seed = }: trains for so many steps while the rate grows from low to high, and
-- says where the loss falls fastest. The model is put back as it was; rates of groups grow with it. Gives rates,
-- losses, smooth (lists), steepest and lowest (rates), rate (a good first choice: steepest, but at most a tenth of
-- lowest), and :plot().
-- > x = randn { 200, 4 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }
-- > net = model "m" { input { 4 }, readout "class" { dense { 2 } } }
-- > found = find_rate { model = net, data = set, batch = 32, steps = 40 }
-- > found.rate > 1e-6 and found.rate < 1   --> true
function M.find_rate(given, ...)
  local position = errors.position(2)
  schema.alone("find_rate", "find_rate { model = net, data = set }", position, ...)
  local o = schema.check("find_rate", given, FIELDS, position)
  if o.high <= o.low then
    errors.raise("argument", position, "find_rate: option 'high' is %g, expected more than low = %g", o.high, o.low)
  end
  check.model(o, position, "find_rate")
  check.data(o, position, "find_rate")
  local goals = check.goals(o, position, "find_rate")
  o.optimizer = o.optimizer or optim.adam {}
  if not optim.is_optimizer(o.optimizer) or o.optimizer.searches then
    errors.raise("argument", position, "find_rate: optimizer is %s, expected one that has a rate, such as sgd {}",
      optim.is_optimizer(o.optimizer) and o.optimizer.kind or "a " .. type(o.optimizer))
  end
  local kept, draws = o.model:snapshot(), core.draws()
  local opt = rising(o.optimizer, o)
  opt:attach(o.model)
  local ok, rates, losses = pcall(run, o, goals, opt)
  opt:zero()
  o.model:take(kept, "the weights as they were", 2)
  core.draws(draws)
  if not ok then error(rates, 0) end
  if #rates < 10 then
    errors.raise("numeric", position, "find_rate: the loss was no longer finite after %d steps; begin with a lower "
      .. "rate than low = %g", #rates, o.low)
  end
  local smooth = smoothed(losses, o.smooth)
  local steep, low = places(smooth)
  return setmetatable({ rates = rates, losses = losses, smooth = smooth, steepest = rates[steep], lowest = rates[low],
    rate = math.min(rates[steep], rates[low] / 10) }, Found)
end

return M
