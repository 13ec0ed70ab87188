--- lamina.significance: Student's t and corrections for many tests.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local FAR = 1e-3 -- a tail below which the finite sums lose digits that its own series has

-- The chance of more than t, for t far above 0: I_x(dof / 2, 1 / 2) / 2 with x = dof / (dof + t^2) (Abramowitz &
-- Stegun 1964, 26.5.27), by the series 26.5.4, whose terms are all positive.
local function far_tail(t, dof)
  local a, x = dof / 2, dof / (dof + t * t)
  local even = dof % 2 == 0
  local factor = even and 0.5 or 1 / math.pi -- gamma(a + 1/2) / (gamma(a) gamma(1/2)), from a = 1 or 1/2 up
  for i = 1, even and dof // 2 - 1 or dof // 2 do
    factor = even and factor * (i + 0.5) / i or factor * i / (i - 0.5)
  end
  local sum, term, j = 0, 1, 0
  repeat
    sum = sum + term
    term = term * x * (a + 0.5 + j) / (a + 1 + j)
    j = j + 1
  until term < sum * 2 ^ -56
  return 0.5 * factor / a * x ^ a / math.sqrt(1 + dof / (t * t)) * sum
end

--- The distribution function of Student's t with a whole number of degrees of freedom (the finite sums of Abramowitz
-- & Stegun 1964, 26.7.3 and 26.7.4). The chance of more than t is that of less than -t, which keeps its digits where
-- it is small.
function M.student(t, dof)
  t = t + 0.0 -- a whole number would wrap around where it is squared
  if t ~= t then return t end
  if math.abs(t) == math.huge then return t > 0 and 1 or 0 end
  local angle = math.atan(t / math.sqrt(dof))
  local s, c2 = math.sin(angle), math.cos(angle) ^ 2
  local sum, term = 0, dof % 2 == 1 and math.cos(angle) or 1
  for k = dof % 2 == 1 and 1 or 0, dof - 2, 2 do
    sum = sum + term
    term = term * c2 * (k + 1) / (k + 2)
  end
  local inside = dof % 2 == 1 and 2 / math.pi * (angle + s * sum) or s * sum
  local below = 0.5 * (1 + inside)
  return below < FAR and far_tail(-t, dof) or below
end

--- The t that a probability of p lies below (p above 0 and below 1), by bisection.
function M.student_quantile(p, dof)
  local low, high = -1.0, 1.0
  while M.student(low, dof) > p do low = 2 * low end
  while M.student(high, dof) < p do high = 2 * high end
  for _ = 1, 200 do
    local middle = 0.5 * (low + high)
    if middle == low or middle == high then break end
    if M.student(middle, dof) < p then low = middle else high = middle end
  end
  return 0.5 * (low + high)
end

local FDR = schema.document("fdr", {
  positional = { "p" },
  p = { type = { "table", "tensor" }, required = true, doc = "p-values" },
  rate = { type = "number", default = 0.05, above = 0, below = 1, doc = "the share of false discoveries to accept" },
  method = { type = "string", default = "bh", choices = { "bh", "by", "bonferroni", "holm" },
    doc = "bh: Benjamini & Hochberg 1995, for independent or positively dependent tests; by: Benjamini & Yekutieli "
      .. "2001, for any; bonferroni, holm (1979, never weaker): the rate bounds the chance of a single false one" },
})

-- For the places `order` of p, by rising p: the corrected values by place.
local correct = {}

local function false_discoveries(p, order, factor)
  local n, found, least = #order, {}, 1
  for k = n, 1, -1 do
    least = math.min(least, p[order[k]] * n * factor / k)
    found[order[k]] = least
  end
  return found
end

function correct.bh(p, order) return false_discoveries(p, order, 1) end

function correct.by(p, order)
  local factor = 0
  for k = 1, #order do factor = factor + 1 / k end
  return false_discoveries(p, order, factor)
end

function correct.bonferroni(p, order)
  local found = {}
  for _, i in ipairs(order) do found[i] = math.min(1, p[i] * #order) end
  return found
end

function correct.holm(p, order)
  local found, most = {}, 0
  for k, i in ipairs(order) do
    most = math.max(most, math.min(1, p[i] * (#order - k + 1)))
    found[i] = most
  end
  return found
end

--- The corrections, for options, and what each is called.
M.methods = { "holm", "bonferroni", "bh", "by" }
M.says = { holm = "Holm", bonferroni = "Bonferroni", bh = "Benjamini & Hochberg", by = "Benjamini & Yekutieli" }

--- fdr { p, rate = 0.05, method = "bh" }: which of many tests to believe. Returns a list of booleans and the
-- corrected p-values (a list): a test is believed where that is at most the rate. A p-value that is NaN is no test:
-- it is not counted, not believed, and stays NaN.
-- > believed, corrected = fdr { { 0.001, 0.02, 0.04, 0.6 } }
-- > believed   --> { true, true, false, false }
function M.fdr(given, ...)
  local position = errors.position(2)
  schema.alone("fdr", "fdr { p, rate = 0.05 }", position, ...)
  if tensor.is_tensor(given) or type(given) == "table" and given.p == nil and type(given[1]) == "number" then
    local o = {}
    if tensor.is_tensor(given) then o.p = given:totable() else
      o.p = {}
      for key, value in pairs(given) do
        if math.type(key) then o.p[key] = value else o[key] = value end
      end
    end
    given = o
  end
  local o = schema.check("fdr", given, FDR, position)
  local p, order = common.list(o.p), {}
  for i, value in ipairs(p) do
    if type(value) ~= "number" or value < 0 or value > 1 then
      errors.raise("argument", position, "fdr: p-value %d is %s, expected a number from 0 to 1", i, tostring(value))
    end
    if value == value then order[#order + 1] = i end
  end
  table.sort(order, function(a, b) return p[a] < p[b] or p[a] == p[b] and a < b end)
  local corrected, believed = {}, {}
  for i in ipairs(p) do corrected[i], believed[i] = 0 / 0, false end
  for i, value in pairs(correct[o.method](p, order)) do corrected[i], believed[i] = value, value <= o.rate end
  return believed, corrected
end

return M
