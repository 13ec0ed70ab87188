--- How a rate changes over the steps of a run: constant, cosine, step, linear, each with a warm-up, and warmup
-- itself.
--
-- A schedule is an object with :factor(step, plan), the factor on the rate; step counts from 0, and plan = { steps =,
-- per_epoch = } says how many updates there will be.
local errors = require "lamina.errors"
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

local function schedule(word, fields, needs, rule)
  fields.warmup = WARMUP
  schema.document(word, fields)
  return function(options)
    local o = schema.check(word, options or {}, fields, errors.position(2))
    return setmetatable({ word = word, o = o, needs = needs, rule = rule }, Schedule)
  end
end

--- The factor on the rate at a step.
function Schedule:factor(step, plan)
  if not plan and (self.needs or (self.o.warmup > 0 and self.o.warmup < 1)) then
    errors.raise("state", 2, "%s: the number of steps is not known; call opt:plan { steps =, per_epoch = } first",
      self.word)
  end
  local warmup = plan and share(self.o.warmup, plan) or self.o.warmup
  if step < warmup then return (step + 1) / (warmup + 1) end
  return self.rule(self.o, step, plan, warmup)
end

--- constant { warmup = 0 }: the rate as given, after the warm-up.
M.constant = schedule("constant", {}, false, function() return 1 end)

local WARMUP_WORD = schema.document("warmup", { positional = { "steps", "after" },
  steps = { type = "number", required = true, min = 0,
    doc = "how long the rise takes; below 1: a share of all steps" },
  after = { type = "table", doc = "the schedule that follows, such as cosine {}; constant if absent" },
})

--- warmup { 100, cosine {} }: a straight rise over so many steps, then the schedule that is given (constant without
-- one), over the steps that are left: the same as cosine { warmup = 100 }.
function M.warmup(options)
  local position = errors.position(2)
  local o = schema.check("warmup", options, WARMUP_WORD, position)
  local after = o.after or M.constant {}
  if not M.is_schedule(after) then
    errors.raise("argument", position, "warmup: option 'after' is a table, expected a schedule such as cosine {}")
  end
  local merged = {}
  for name, value in pairs(after.o) do merged[name] = value end
  merged.warmup = o.steps
  return setmetatable({ word = after.word, o = merged, needs = after.needs, rule = after.rule }, Schedule)
end

--- cosine { final = 0, warmup = 0 }: half a cosine from the rate down to final * rate at the last step (Loshchilov &
-- Hutter 2017).
M.cosine = schedule("cosine", {
  final = { type = "number", default = 0, min = 0, doc = "the rate at the end, as a part of the rate" },
}, true, function(o, step, plan, warmup)
  local part = math.min((step - warmup) / math.max(plan.steps - warmup, 1), 1)
  return o.final + (1 - o.final) * 0.5 * (1 + math.cos(math.pi * part))
end)

--- step { every = 1, factor = 0.1, warmup = 0 }: multiplies the rate by factor after every so many epochs.
M.step = schedule("step", {
  every = { type = "number", default = 1, above = 0, doc = "epochs between drops" },
  factor = { type = "number", default = 0.1, min = 0, doc = "what the rate is multiplied by at a drop" },
}, true, function(o, step, plan)
  local drops, factor = math.floor(step / (o.every * plan.per_epoch)), 1
  for _ = 1, drops do factor = factor * o.factor end
  return factor
end)

--- linear { final = 0, warmup = 0 }: a straight line from the rate to final * rate at the last step.
M.linear = schedule("linear", {
  final = { type = "number", default = 0, min = 0, doc = "the rate at the end, as a part of the rate" },
}, true, function(o, step, plan, warmup)
  local part = math.min((step - warmup) / math.max(plan.steps - warmup, 1), 1)
  return 1 + (o.final - 1) * part
end)

--- True for a schedule.
function M.is_schedule(value) return getmetatable(value) == Schedule end

--- The options of a schedule as text, by which a checkpoint knows it.
function M.text(value)
  if not value then return "none" end
  local parts = {}
  for name, option in pairs(value.o) do parts[#parts + 1] = string.format("%s = %s", name, tostring(option)) end
  table.sort(parts)
  return value.word .. " { " .. table.concat(parts, ", ") .. " }"
end

return M
