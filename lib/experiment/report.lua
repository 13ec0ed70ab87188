--- The rows of results.json's `results`: { id, metric, value, threshold, comparison, pass, label,
-- published, what }.
local errors = require "lamina.errors"
local schema = require "lamina.schema"

local M = {}

local FIELDS = schema.document("report", {
  metric = { type = "string", required = true, doc = "what was measured: test_error" },
  value = { type = "any", required = true, doc = "a number, or a tensor of one element" },
  id = { type = "string", doc = "the row of the list of experiments that this reproduces" },
  threshold = { type = { "number", "table" }, doc = "what it is held against" },
  comparison = { type = "string", choices = "<= < >= > == +- in",
    doc = "how; +- takes { value, tolerance }, in takes { low, high }; default <=" },
  label = { type = "string", choices = "exact close",
    doc = "exact: the same bits on every machine; close: nearly the same" },
  published = { type = { "number", "string" }, doc = "what the source reports, for the table of reproductions" },
  what = { type = "string", doc = "a line on the data, the unit and the conditions" },
})

local function is_pair(t)
  return type(t) == "table" and #t == 2 and type(t[1]) == "number" and type(t[2]) == "number"
end

local tests = {
  ["<="] = function(v, t) return v <= t end,
  ["<"] = function(v, t) return v < t end,
  [">="] = function(v, t) return v >= t end,
  [">"] = function(v, t) return v > t end,
  ["=="] = function(v, t) return v == t end,
  ["+-"] = function(v, t) return math.abs(v - t[1]) <= t[2] end,
  ["in"] = function(v, t) return v >= t[1] and v <= t[2] end,
}

local function check_threshold(o, position)
  if o.threshold == nil then
    if o.comparison then
      errors.raise("argument", position, "report: comparison '%s' needs a threshold", o.comparison)
    end
    return
  end
  o.comparison = o.comparison or (type(o.threshold) == "table" and "+-" or "<=")
  local wants_pair = o.comparison == "+-" or o.comparison == "in"
  if wants_pair ~= is_pair(o.threshold) or not wants_pair and type(o.threshold) ~= "number" then
    local pair = o.comparison == "+-" and "two numbers, { value, tolerance }" or "two numbers, { low, high }"
    errors.raise("argument", position, "report: threshold for '%s' must be %s", o.comparison,
      wants_pair and pair or "a number")
  end
end

--- One row from what a script gives.
function M.row(spec, position)
  local o = schema.check("report", spec, FIELDS, position)
  if type(o.value) == "userdata" then
    if o.value:count() ~= 1 then
      errors.raise("argument", position, "report: value is a tensor of %d elements, expected one", o.value:count())
    end
    o.label = o.label or (o.value.close and "close" or "exact")
    o.value = o.value:item()
  end
  if type(o.value) ~= "number" then
    errors.raise("argument", position, "report: option 'value' is a %s, expected a number", type(o.value))
  end
  check_threshold(o, position)
  o.label = o.label or "exact"
  if require("lamina.core.command").stock then o.label = "close" end -- the host's own numbers are
  if o.comparison then o.pass = o.value == o.value and tests[o.comparison](o.value, o.threshold) end
  return o
end

local function threshold_text(o)
  if o.comparison == "+-" then return string.format("%s +- %s", o.threshold[1], o.threshold[2]) end
  if o.comparison == "in" then return string.format("from %s to %s", o.threshold[1], o.threshold[2]) end
  return o.comparison .. " " .. tostring(o.threshold)
end

--- The line that report prints.
function M.line(o)
  local name = o.id and o.id .. " " .. o.metric or o.metric
  local value = math.type(o.value) == "float" and string.format("%.6g", o.value) or tostring(o.value)
  local verdict = ""
  if o.comparison then
    verdict = string.format(": %s, asked %s", o.pass and "passes" or "FAILS", threshold_text(o))
  end
  return string.format("%s = %s (%s)%s", name, value, o.label, verdict)
end

return M
