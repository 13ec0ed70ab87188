--- Losses: functions of (output, target) that give a tensor with one element, the mean over the batch.
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"

local M = {}

--- cross_entropy(logits, labels [, { label_smoothing = 0 }]): -log softmax(logits)[label], the mean over the batch.
-- logits: n x classes; labels: n, int64, from 1.
function M.cross_entropy(logits, labels, options)
  return ops.cross_entropy(logits, labels, { label_smoothing = options and options.label_smoothing or 0 })
end

--- mse(output, target): the mean of the squared differences over all elements; shapes equal.
function M.mse(output, target) return ops.mse(output, target) end

--- bce(logits, target): binary cross-entropy with sigmoid, log(1 + exp(x)) - target x, the mean over all elements.
-- target: a number or a tensor of the same shape, from 0 to 1.
function M.bce(logits, target) return ops.mean(ops.sub(ops.softplus(logits), ops.mul(logits, target))) end

local known = {
  cross_entropy = { call = M.cross_entropy, options = {
    label_smoothing = { type = "number", default = 0, min = 0, max = 1,
      doc = "how much of the target is spread over all classes (Szegedy et al. 2016)" } } },
  mse = { call = M.mse, options = {} },
  bce = { call = M.bce, options = {} },
}

--- The function (output, target) -> loss for what a script gives as `loss`: a name, { name, options... } or a
-- function. The second result is its name, or "loss". Raises at `position`.
function M.make(spec, position)
  if type(spec) == "function" then return spec, "loss" end
  local name, options = spec, {}
  if type(spec) == "table" then
    name = spec[1]
    for key, value in pairs(spec) do
      if key ~= 1 then options[key] = value end
    end
  end
  if type(name) ~= "string" then
    errors.raise("argument", position, "train: loss is a %s, expected \"cross_entropy\", \"mse\", \"bce\", "
      .. "{ \"cross_entropy\", label_smoothing = 0.1 } or a function(output, target)", type(name))
  end
  if not known[name] then
    local near = schema.nearest(name, { "cross_entropy", "mse", "bce" })
    errors.raise("argument", position, "train: unknown loss '%s' %s", name, near and
      string.format("(did you mean '%s'?)", near) or "(there are cross_entropy, mse and bce, or give a function)")
  end
  local entry, o = known[name], schema.check("loss " .. name, options, known[name].options, position)
  return function(output, target) return entry.call(output, target, o) end, name
end

return M
