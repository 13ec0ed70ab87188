--- How a rate changes over the steps of a run: constant, cosine, step, linear, exponential, inverse_root, plateau,
-- each with a warm-up, one_cycle, and warmup itself.
--
-- A schedule is an object with :factor(step, plan, seen), the factor on the rate; step counts from 0, and plan = {
-- steps =, per_epoch = } says how many updates there will be. seen is the optimizer's memory of what it was told by
-- :observe(value, seen), for plateau.
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local schema = require "lamina.schema"

local M = {}

local Schedule = { __name = "schedule" }
Schedule.__index = Schedule
Schedule.__tostring = function(self) return self.word .. " schedule" end

local function share(count, plan)
  if count < 1 then return count * plan.steps end
  return count
end

local WARMUP = { type = "number", default = 0, min = 0,
  doc = "steps over which the rate rises from near 0 in a straight line; below 1: a share of all steps" }

local function schedule(word, fields, needs, rule, rise)
  fields.warmup = WARMUP
  if rise then fields.warmup = { type = "number", default = rise, min = 0, doc = WARMUP.doc } end
  schema.document(word, fields)
  return function(options, ...)
    local position = errors.position(2)
    schema.alone(word, word .. " {}", position, ...)
    local o = schema.check(word, options or {}, fields, position)
    return setmetatable({ word = word, o = o, needs = needs, rule = rule }, Schedule)
  end
end

--- The factor on the rate at a step.
function Schedule:factor(step, plan, seen)
  if not plan and (self.needs or (self.o.warmup > 0 and self.o.warmup < 1)) then
    errors.raise("state", 2, "%s: the number of steps is not known; call opt:plan { steps =, per_epoch = } first",
      self.word)
  end
  local warmup = plan and share(self.o.warmup, plan) or self.o.warmup
  if step < warmup then return (step + 1) / (warmup + 1) end
  return self.rule(self.o, step, plan, warmup, seen)
end

--- What momentum (beta1 of adam) is at a step; nil where the schedule leaves it as it is.
function Schedule:momentum(step, plan) return self.momentum_rule and self.momentum_rule(self.o, step, plan) end

--- Takes note of a value that is to fall, such as the loss after an epoch, in the table `seen`.
function Schedule:observe(value, seen)
  if self.observe_rule then self.observe_rule(self.o, value, seen) end
end

--- constant { warmup = 0 }: the rate as given, after the warm-up.
-- > opt = sgd { rate = 0.1, schedule = constant { warmup = 10 } }
-- > opt:attach { tensor({ 1 }):requires_grad(true) }
-- > opt:plan { steps = 100 }
-- > opt:rate()   --> 0.009090909090909092
M.constant = schedule("constant", {}, false, function() return 1 end)

local WARMUP_WORD = schema.document("warmup", { positional = { "steps", "after" },
  steps = { type = "number", required = true, min = 0,
    doc = "how long the rise takes; below 1: a share of all steps" },
  after = { type = "table", doc = "the schedule that follows, such as cosine {}; constant if absent" },
})

--- warmup { 100, cosine {} }: a straight rise over so many steps, then the schedule that is given (constant without
-- one), over the steps that are left: the same as cosine { warmup = 100 }.
-- > opt = sgd { rate = 0.1, schedule = warmup { 100, cosine {} } }
function M.warmup(options, ...)
  local position = errors.position(2)
  schema.alone("warmup", "warmup { 100, cosine {} }", position, ...)
  local o = schema.check("warmup", options, WARMUP_WORD, position)
  local after = o.after or M.constant {}
  if not M.is_schedule(after) then
    errors.raise("argument", position, "warmup: option 'after' is a table, expected a schedule such as cosine {}")
  end
  local own = merged(after.o, { warmup = o.steps })
  return setmetatable({ word = after.word, o = own, needs = after.needs, rule = after.rule,
    momentum_rule = after.momentum_rule, observe_rule = after.observe_rule }, Schedule)
end

--- cosine { final = 0, cycles = 1, warmup = 0 }: half a cosine from the rate down towards final * rate, which the
-- step after the last would have, as with PyTorch's CosineAnnealingLR and Keras's CosineDecay, stepped once a batch:
-- step k of n (from 0) has cos(pi k / n). Or so many of them, one after the other (Loshchilov & Hutter 2017).
-- > opt = sgd { rate = 0.1, schedule = cosine { warmup = 5 } }
-- > opt:attach { tensor({ 1 }):requires_grad(true) }
-- > opt:plan { steps = 100 }
-- > opt:rate()   --> 0.016666666666666666
M.cosine = schedule("cosine", {
  cycles = { type = "integer", default = 1, min = 1, doc = "how often the rate starts from the top" },
  final = { type = "number", default = 0, min = 0, doc = "the rate at the end, as a part of the rate" },
}, true, function(o, step, plan, warmup)
  local part = math.min((step - warmup) / math.max(plan.steps - warmup, 1), 1)
  if part < 1 then part = part * o.cycles % 1 end
  return o.final + (1 - o.final) * 0.5 * (1 + math.cos(math.pi * part))
end)

--- step { every = 1, factor = 0.1, warmup = 0 }: multiplies the rate by factor after every so many epochs, or after
-- those in a list, step { at = { 30, 60, 80 } }.
-- > opt = sgd { rate = 0.1, schedule = step { at = { 30, 60, 80 } } }
M.step = schedule("step", {
  every = { type = "number", default = 1, above = 0, doc = "epochs between drops" },
  at = { type = "table", doc = "the epochs after which the rate drops, instead" },
  factor = { type = "number", default = 0.1, min = 0, doc = "what the rate is multiplied by at a drop" },
}, true, function(o, step, plan)
  local drops, factor = math.floor(step / (o.every * plan.per_epoch)), 1
  if o.at then
    drops = 0
    for _, epoch in ipairs(o.at) do
      if step >= epoch * plan.per_epoch then drops = drops + 1 end
    end
  end
  for _ = 1, drops do factor = factor * o.factor end
  return factor
end)

--- linear { final = 0, warmup = 0 }: a straight line from the rate towards final * rate, which the step after the
-- last would have, as with PyTorch's LinearLR: step k of n (from 0) has gone k / n of the way.
-- > opt = sgd { rate = 0.1, schedule = linear { final = 0.01 } }
M.linear = schedule("linear", {
  final = { type = "number", default = 0, min = 0, doc = "the rate at the end, as a part of the rate" },
}, true, function(o, step, plan, warmup)
  local part = math.min((step - warmup) / math.max(plan.steps - warmup, 1), 1)
  return 1 + (o.final - 1) * part
end)

--- exponential { factor = 0.95, warmup = 0 }: multiplies the rate by factor after every epoch.
-- > opt = sgd { rate = 0.1, schedule = exponential { factor = 0.9 } }
M.exponential = schedule("exponential", {
  factor = { type = "number", default = 0.95, above = 0, doc = "what the rate is multiplied by after an epoch" },
}, true, function(o, step, plan) return o.factor ^ math.floor(step / plan.per_epoch) end)

--- inverse_root { warmup = 4000 }: after the warm-up the rate falls as 1 / sqrt(step), as for the first Transformers
-- (Vaswani et al. 2017).
-- > opt = adam { rate = 1e-3, schedule = inverse_root { warmup = 10 } }
-- > opt:attach { tensor({ 1 }):requires_grad(true) }
-- > opt:plan { steps = 100 }
-- > opt:rate()   --> 9.090909090909092e-05
M.inverse_root = schedule("inverse_root", {}, false, function(_, step, _, warmup)
  return math.sqrt((warmup + 1) / (step + 1))
end, 4000)

-- ---- one cycle -------------------------------------------------------------------------------------------------

local function half_cosine(from, to, part) return to + (from - to) / 2 * (1 + math.cos(math.pi * part)) end

-- From a to b while the rate rises, then to c.
local function cycle(o, step, plan, a, b, c)
  local top, last = o.rise * plan.steps - 1, plan.steps - 1
  if step <= top then return half_cosine(a, b, step / top) end
  return half_cosine(b, c, math.min((step - top) / math.max(last - top, 1), 1))
end

local new_cycle = schedule("one_cycle", {
  rise = { type = "number", default = 0.3, above = 0, below = 1, doc = "the part of all steps in which it rises" },
  first = { type = "number", default = 0.04, min = 0, doc = "where it begins, as a part of the rate" },
  final = { type = "number", default = 4e-6, min = 0, doc = "where it ends, as a part of the rate" },
  momentum = { type = "table",
    doc = "{ high, low }: momentum, or adam's beta1, falls from high to low while the rate rises, and comes back" },
}, true, function(o, step, plan) return cycle(o, step, plan, o.first, 1, o.final) end)

--- one_cycle { rise = 0.3, first = 0.04, final = 4e-6, momentum = { 0.95, 0.85 } }: from first * rate up to the rate
-- and down to final * rate, in half cosines (Smith & Topin 2019), as in PyTorch; momentum goes the other way, and
-- stays as it is where it is not given.
-- > opt = sgd { rate = 0.1, momentum = 0.95, schedule = one_cycle { momentum = { 0.95, 0.85 } } }
function M.one_cycle(options, ...)
  local position = errors.position(2)
  local made = new_cycle(options, ...)
  local m = made.o.momentum
  if m then
    for i = 1, 2 do
      if type(m[i]) ~= "number" or m[i] <= 0 or m[i] >= 1 then
        errors.raise("argument", position, "one_cycle: option 'momentum' must be two numbers between 0 and 1, such "
          .. "as { 0.95, 0.85 }")
      end
    end
    made.momentum_rule = function(o, step, plan) return cycle(o, step, plan, m[1], m[2], m[1]) end
  end
  return made
end

-- ---- plateau ---------------------------------------------------------------------------------------------------

local new_plateau = schedule("plateau", {
  factor = { type = "number", default = 0.1, min = 0, below = 1, doc = "what the rate is multiplied by" },
  patience = { type = "integer", default = 10, min = 0, doc = "epochs without a better value that are put up with" },
  threshold = { type = "number", default = 1e-4, min = 0,
    doc = "how much better counts, as a part of the best value" },
  cooldown = { type = "integer", default = 0, min = 0, doc = "epochs after a drop that do not count" },
  least = { type = "number", default = 0, min = 0, doc = "the lowest rate, as a part of the rate" },
  of = { type = "string",
    doc = "the column of the history that should fall; valid_loss, train_loss or loss if absent" },
}, false, function(_, _, _, _, seen) return seen and seen.scale or 1 end)

local function observe(o, value, seen)
  if not seen.best or value < seen.best - o.threshold * math.abs(seen.best) then
    seen.best, seen.bad = value, 0
  else
    seen.bad = seen.bad + 1
  end
  if (seen.wait or 0) > 0 then seen.wait, seen.bad = seen.wait - 1, 0 end
  if seen.bad > o.patience then
    seen.scale = math.max((seen.scale or 1) * o.factor, o.least)
    seen.wait, seen.bad = o.cooldown, 0
  end
end

--- plateau { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, least = 0, of =, warmup = 0 }: multiplies
-- the rate by factor when a column of the history has not become better for more than `patience` epochs. train and
-- loop tell it each epoch; in a loop of your own, opt:observe(value) does.
-- > opt = sgd { rate = 0.1, schedule = plateau { patience = 5, of = "valid_loss" } }
function M.plateau(options, ...)
  local made = new_plateau(options, ...)
  made.observe_rule = observe
  return made
end

--- A schedule whose factor grows from 1 to `whole` over `steps` steps, each times the same.
function M.range(whole, steps)
  return setmetatable({ word = "range", o = { warmup = 0 }, rule = function(_, step)
    return whole ^ (step / (steps - 1))
  end }, Schedule)
end

--- The names of the columns that a schedule looks at, the first that is there; nil where it looks at none.
function M.columns(value)
  if not value or not value.observe_rule then return nil end
  return value.o.of and { value.o.of } or { "valid_loss", "train_loss", "loss" }
end

--- True for a schedule.
function M.is_schedule(value) return getmetatable(value) == Schedule end

--- The options of a schedule as text, by which a checkpoint knows it.
function M.text(value)
  if not value then return "none" end
  local parts = {}
  for name, option in pairs(value.o) do
    local text = type(option) == "table" and "{ " .. table.concat(option, ", ") .. " }" or tostring(option)
    parts[#parts + 1] = string.format("%s = %s", name, text)
  end
  table.sort(parts)
  return value.word .. " { " .. table.concat(parts, ", ") .. " }"
end

return M
