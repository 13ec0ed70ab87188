--- Losses on how far apart items lie: contrastive and triplet. Given labels, they look at the pairs or triples of the
-- batch, so that `train` can use them: a readout then gives an embedding of any width.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local safe = require "lamina.safe"

local M = {}

local MARGIN = { type = "number", default = 1, min = 0, doc = "how far apart items of different kinds should be" }

M.contrastive_options = { margin = MARGIN }
M.triplet_options = { margin = MARGIN,
  mining = { type = "string", default = "all", choices = "all hard",
    doc = "all: every triple of the batch; hard: for each item the farthest of its kind and the nearest other" } }

local function shape_text(t) return table.concat(t.shape, "x") end

local function check_rows(name, ...)
  local first = ...
  for _, t in ipairs { ... } do
    if t.ndim ~= 2 or shape_text(t) ~= shape_text(first) then
      errors.raise("shape", 3, "%s: expected embeddings of one shape, items x units, got %s and %s", name,
        shape_text(first), shape_text(t))
    end
  end
end

local function check_labels(name, output, labels)
  if not core.is_tensor(labels) or labels.dtype ~= "int64" or labels.ndim ~= 1 or #labels ~= #output then
    errors.raise("shape", 3, "%s: labels must be int64, one for each of the %d items, got %s", name, #output,
      core.is_tensor(labels) and labels.dtype .. " " .. shape_text(labels) or "a " .. type(labels))
  end
end

-- Which pairs of the batch have the same label: n x n, and the same without each item's pair with itself.
local function alike(labels)
  local same = ops.eq(ops.unsqueeze(labels, { dim = 2 }), ops.unsqueeze(labels, { dim = 1 }))
  local own = ops.cast(core.eye(#labels), "bool")
  return same, ops.logical_and(same, ops.logical_not(own))
end

local function squares_between(a, b) return ops.sum(ops.square(ops.sub(a, b)), 2) end

-- d^2 / 2 for pairs that belong together, max(0, margin - d)^2 / 2 for others.
local function pull_and_push(squares, together, margin)
  local short = ops.square(ops.relu(ops.sub(margin, safe.length(squares))))
  return ops.mul(ops.where(together, squares, short), 0.5)
end

--- losses.contrastive: see lib/loss.lua.
function M.contrastive(output, labels, options, more)
  if core.is_tensor(options) then
    check_rows("contrastive", output, labels)
    if options.ndim ~= 1 or #options ~= #output then
      errors.raise("shape", 2, "contrastive: same must hold a value for each of the %d pairs, got %s", #output,
        shape_text(options))
    end
    local together = options.dtype == "bool" and options or ops.ne(options, 0)
    return ops.mean(pull_and_push(squares_between(output, labels), together, more and more.margin or 1))
  end
  check_labels("contrastive", output, labels)
  local n = #output
  local same = alike(labels)
  local each = pull_and_push(ops.cdist(output, output, { squared = true }), same, options and options.margin or 1)
  return ops.div(ops.sum(each), math.max(n * (n - 1), 1)) -- an item with itself adds 0
end

-- PyTorch's distance of pairs adds this to each difference, so that there is a slope where items are equal.
local EPSILON = 1e-6

local function distances(a, b) return ops.sqrt(ops.sum(ops.square(ops.add(ops.sub(a, b), EPSILON)), 2)) end

-- The farthest item of the same label and the nearest of another, for each item that has both.
local function hard_triples(d, same, own, margin)
  local far = ops.max(ops.where(own, d, -math.huge), { dim = 2 })
  local near = ops.min(ops.where(same, math.huge, d), { dim = 2 })
  local both = ops.logical_and(ops.isfinite(far), ops.isfinite(near))
  local over = ops.relu(ops.add(ops.sub(ops.where(both, far, 0), ops.where(both, near, 0)), margin))
  return ops.sum(ops.where(both, over, 0)), ops.sum(ops.cast(both, "int64")):item()
end

-- Every anchor, other of its label, and item of another label.
local function all_triples(d, same, own, margin)
  local over = ops.relu(ops.add(ops.sub(ops.unsqueeze(d, { dim = 3 }), ops.unsqueeze(d, { dim = 2 })), margin))
  local there = ops.logical_and(ops.unsqueeze(own, { dim = 3 }), ops.unsqueeze(ops.logical_not(same), { dim = 2 }))
  return ops.sum(ops.where(there, over, 0)), ops.sum(ops.cast(there, "int64")):item()
end

--- losses.triplet: see lib/loss.lua.
function M.triplet(output, labels, options, more)
  if core.is_tensor(options) then
    check_rows("triplet", output, labels, options)
    local over = ops.sub(distances(output, labels), distances(output, options))
    return ops.mean(ops.relu(ops.add(over, more and more.margin or 1)))
  end
  check_labels("triplet", output, labels)
  local o = options or {}
  local same, own = alike(labels)
  local d = ops.cdist(output, output)
  local sum, count = (o.mining == "hard" and hard_triples or all_triples)(d, same, own, o.margin or 1)
  return ops.div(sum, math.max(count, 1))
end

return M
