--- learning_curve: how the error falls with the number of items that a model learns from.
--
--   local curve = learning_curve {
--     make = function(seed) return model "small" { seed = seed, ... } end,
--     data = digits.train, test = digits.test, sizes = { 125, 250, 500, 1000 }, repeats = 3, updates = 1000,
--   }
--   print(curve)                          -- a line for each size: mean and spread over the repeats
--   print(curve:power_law().exponent)     -- of error = factor * n^-exponent
local check = require "lamina.train.check"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local evaluate = require "lamina.evaluate"
local models = require "lamina.model"
local object = require "lamina.object"
local optim = require "lamina.optim"
local schema = require "lamina.schema"
local train = require "lamina.train"

local M = {}

local FIELDS = schema.document("learning_curve", {
  make = { type = "function", required = true, doc = "make(seed, n): a new model, to learn from n items" },
  data = { type = "any", required = true, doc = "the data set of which parts are taken" },
  test = { type = "any", required = true, doc = "the data set that judges" },
  sizes = { type = "table", required = true, doc = "how many items to learn from: a list of whole numbers" },
  repeats = { type = "integer", default = 1, min = 1,
    doc = "how often, each time with other items and first weights" },
  updates = { type = "integer", default = 1000, min = 1,
    doc = "about how many updates each model gets, whatever the number of items" },
  epochs = { type = "integer", default = 1, min = 1,
    doc = "passes over the items that each model makes at least, where that takes more updates" },
  batch = { type = "integer", default = 64, min = 1, doc = "items in a batch; all items where there are fewer" },
  loss = { type = { "string", "table", "function" }, default = "cross_entropy", doc = "as in train" },
  optimizer = { type = "function", doc = "optimizer(): a new one for each model; adam { schedule = cosine {} }" },
  fit = { type = "function", doc = "fit(net, set, seed): trains a model itself, instead of train" },
  score = { type = { "string", "function" }, default = "error",
    doc = "what is judged: error or loss of evaluate, or a function(net, test) that gives a number" },
  seed = { type = "integer", doc = "of the items and the first weights; the experiment's if absent" },
  log = { type = { "boolean", "function" }, default = true, doc = "whether each size is told as it is done" },
})

-- ---- the curve -------------------------------------------------------------------------------------------------

local Curve = { __name = "learning curve" }
Curve.__index = object.index("a learning curve", Curve)

local function row_text(row, name)
  return string.format("n %6d: %s %.4g%s  (%d parameters, %d updates, %.1f s)", row.n, name, row.mean,
    row.sd and string.format(" +- %.2g", row.sd) or "", row.parameters, row.updates, row.seconds)
end

Curve.__tostring = function(self)
  local lines = {}
  for i, row in ipairs(self) do lines[i] = row_text(row, self.score) end
  return table.concat(lines, "\n")
end

local RANGE = schema.document("learning curve:power_law", { from = { type = "number", doc = "the smallest size" },
  to = { type = "number", doc = "the largest size" } })

--- curve:power_law { from =, to = }: the straight line through the logarithms of mean score and number of items, by
-- least squares over the sizes from .. to (all if absent): { exponent =, factor =, r2 =, n = the number of sizes },
-- so that the score is about factor * n ^ -exponent.
-- > x = randn { 200, 8 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }
-- > function make(seed) return model "m" { seed = seed, input { 8 }, readout "r" { dense { 2 } } } end
-- > curve = learning_curve { make = make, data = set, test = set, sizes = { 8, 64 }, updates = 10, log = false }
-- > curve:power_law().n   --> 2
function Curve:power_law(options)
  local position = errors.position(2)
  local o = schema.check("power_law", options or {}, RANGE, position)
  local xs, ys = {}, {}
  for _, row in ipairs(self) do
    if row.n >= (o.from or 0) and row.n <= (o.to or math.huge) then
      if row.mean <= 0 or row.mean ~= row.mean then
        errors.raise("numeric", position, "power_law: the %s at n = %d is %g, which has no logarithm; leave it out "
          .. "with to =", self.score, row.n, row.mean)
      end
      xs[#xs + 1], ys[#ys + 1] = math.log(row.n), math.log(row.mean)
    end
  end
  if #xs < 2 then
    errors.raise("argument", position, "power_law: %d of the sizes lie in the range, two are needed", #xs)
  end
  local mx, my, xx, xy, yy = 0, 0, 0, 0, 0
  for i = 1, #xs do mx, my = mx + xs[i] / #xs, my + ys[i] / #xs end
  for i = 1, #xs do
    local dx, dy = xs[i] - mx, ys[i] - my
    xx, xy, yy = xx + dx * dx, xy + dx * dy, yy + dy * dy
  end
  local r2 = yy > 0 and xy * xy / (xx * yy) or 1
  return { exponent = -xy / xx, factor = math.exp(my - xy / xx * mx), r2 = r2, n = #xs }
end

--- curve:plot(): the mean score by the number of items, both axes logarithmic, with standard deviations. A figure;
-- plot.line takes several as curve:series(label).
-- > x = randn { 200, 8 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }
-- > function make(seed) return model "m" { seed = seed, input { 8 }, readout "r" { dense { 2 } } } end
-- > curve = learning_curve { make = make, data = set, test = set, sizes = { 8, 64 }, updates = 10, log = false }
-- > curve:plot():save "curve.svg"
function Curve:plot()
  return require("lamina.plot").line { self:series(), xlog = true, ylog = true, xlabel = "items to learn from",
    ylabel = self.score }
end

--- curve:series(label): the curve as plot.line takes it: { x =, y =, errors =, label = }.
-- > x = randn { 200, 8 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }
-- > function make(seed) return model "m" { seed = seed, input { 8 }, readout "r" { dense { 2 } } } end
-- > curve = learning_curve { make = make, data = set, test = set, sizes = { 8, 64 }, updates = 10, log = false }
-- > curve:series("small").x   --> { 8, 64 }
function Curve:series(label)
  local s = { x = {}, y = {}, label = label }
  for i, row in ipairs(self) do
    s.x[i], s.y[i] = row.n, row.mean
    if row.sd then
      s.errors = s.errors or {}
      s.errors[i] = row.sd
    end
  end
  return s
end

--- curve:csv(path): writes a row for each model: n, repeat, score, parameters. Returns the path.
-- > x = randn { 200, 8 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }
-- > function make(seed) return model "m" { seed = seed, input { 8 }, readout "r" { dense { 2 } } } end
-- > curve = learning_curve { make = make, data = set, test = set, sizes = { 8, 64 }, updates = 10, log = false }
-- > #data.csv(curve:csv "curve.csv").n   --> 2
function Curve:csv(path)
  local rows = { { "n", "repeat", self.score, "parameters" } }
  for _, row in ipairs(self) do
    for i, value in ipairs(row.values) do rows[#rows + 1] = { row.n, i, value, row.parameters } end
  end
  return require("lamina.data.files").save_csv(path, rows)
end

--- The rows that report(curve) notes: the mean score at each size.
function Curve:results()
  local list = {}
  for i, row in ipairs(self) do
    list[i] = { metric = string.format("%s_at_%d", self.score, row.n), value = row.mean,
      label = self.close and "close" or "exact", what = string.format("mean of %d", #row.values) }
  end
  return list
end

-- ---- running ---------------------------------------------------------------------------------------------------

local function check_options(o, position)
  for _, what in ipairs { "data", "test" } do
    if type(o[what]) ~= "table" or not o[what].batch or not o[what].take then
      errors.raise("argument", position, "learning_curve: %s is a %s, expected a data set such as digits.train", what,
        core.is_tensor(o[what]) and "tensor" or type(o[what]))
    end
  end
  if #o.sizes == 0 then errors.raise("argument", position, "learning_curve: sizes is empty") end
  for i, n in ipairs(o.sizes) do
    if math.type(n) ~= "integer" or n < 1 or n > #o.data then
      errors.raise("argument", position, "learning_curve: sizes[%d] is %s, expected a whole number from 1 to the %d "
        .. "items of data", i, tostring(n), #o.data)
    end
  end
  if type(o.score) == "string" and o.score ~= "error" and o.score ~= "loss" then
    errors.raise("argument", position, "learning_curve: option 'score' is '%s', expected 'error', 'loss' or a "
      .. "function", o.score)
  end
end

local function default_optimizer() return optim.adam { schedule = optim.cosine {} } end

-- Trains one model on n items and judges it: the score, the number of parameters and of updates, close or not.
local function one(o, n, seed, position)
  local net = o.make(seed, n)
  local set = o.data:shuffle(seed):take(n)
  local batch, updates = math.min(o.batch, n), 0
  local per_epoch = (n - 1) // batch + 1
  local epochs = math.max(o.epochs, (o.updates + per_epoch // 2) // per_epoch)
  if o.fit then
    o.fit(net, set, seed)
  else
    check.model({ model = net }, position, "learning_curve: make")
    train.train { model = net, data = set, loss = o.loss, batch = batch, epochs = epochs, seed = seed, log = false,
      optimizer = (o.optimizer or default_optimizer)() }
    updates = epochs * per_epoch
  end
  local parameters = models.is_model(net) and net:count() or 0
  if type(o.score) == "function" then return o.score(net, o.test), parameters, updates, false end
  local e = evaluate.run({ model = net, data = o.test, loss = o.loss, batch = 256 }, position)
  return e[o.score], parameters, updates, e.close
end

local function spread(values)
  local n, mean, sum = #values, 0, 0
  for _, v in ipairs(values) do mean = mean + v / n end
  for _, v in ipairs(values) do sum = sum + (v - mean) ^ 2 end
  return mean, n > 1 and math.sqrt(sum / (n - 1)) or nil
end

--- learning_curve { make =, data =, test =, sizes =, repeats = 1, updates = 1000, epochs = 1, batch = 64, loss =,
-- optimizer =, fit =, score = "error", seed =, log = }: trains a new model on so many items of `data`, for each size
-- and repeat, and judges it on `test`. The items of a repeat are drawn once, the smaller sizes being the first of the
-- larger ones. Gives a list with a row for each size: n, values (one for each repeat), mean, sd (standard deviation;
-- nil of one repeat), parameters, updates, seconds; :power_law(), :plot(), :csv().
-- > x = randn { 400, 8 }
-- > set = data.tensors { x, x[{ {}, 1 }]:gt(0):to "int64" + 1 }
-- > function make(seed) return model "m" { seed = seed, input { 8 }, readout "r" { dense { 2 } } } end
-- > curve = learning_curve { make = make, data = set, test = set, sizes = { 8, 200 }, updates = 100,
-- >   log = false, optimizer = function() return adam { rate = 0.02 } end }
-- > curve[2].n, curve[2].mean < curve[1].mean   --> 200 true
function M.learning_curve(given, ...)
  local position = errors.position(2)
  schema.alone("learning_curve", "learning_curve { make = f, data = set, test = set, sizes = {...} }", position, ...)
  local o = schema.check("learning_curve", given, FIELDS, position)
  check_options(o, position)
  local clock, seed = require("lamina.core.base").clock, o.seed or core.seed()
  local curve = setmetatable({ score = type(o.score) == "string" and o.score or "score", close = false }, Curve)
  for i, n in ipairs(o.sizes) do
    local row, start = { n = n, values = {} }, clock()
    for k = 1, o.repeats do
      local value, parameters, updates, close = one(o, n, seed + k - 1, position)
      if type(value) ~= "number" then
        errors.raise("argument", position, "learning_curve: score gave a %s at n = %d, expected a number",
          type(value), n)
      end
      row.values[k], row.parameters, row.updates = value, parameters, updates
      curve.close = curve.close or close or false
    end
    row.mean, row.sd = spread(row.values)
    row.seconds = clock() - start
    curve[i] = row
    if o.log then (type(o.log) == "function" and o.log or print)(row_text(row, curve.score)) end
  end
  return curve
end

return M
