--- lamina.attention: what the heads of a model look at.
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local MAPS = schema.document("attention_maps", { positional = { "model", "x" },
  model = { type = "any", required = true, doc = "a model with layers of attention" },
  x = { type = "tensor", required = true, doc = "a batch of its inputs" } })

local function maps_of(o, position)
  local list = {}
  tensor.no_grad(function()
    o.model:forward(o.x, { watch = function(node, xs)
      if not node.layer.weights then return end
      list[#list + 1] = { name = node.name, area = node.block.name, memory = node.options.memory,
        weights = node.layer.weights(node.options, node.held, xs) }
    end })
  end)
  if #list == 0 then
    errors.raise("argument", position, "%s has no layer of attention", tostring(o.model.name))
  end
  return list
end

--- attention_maps { net, x }: the weights of every head of a model for a batch, in the order of its layers: a list of
-- { name = "V1.transformer1.attention1", area = "V1", memory =, weights = batch x heads x queries x keys }. A row of
-- weights adds up to 1.
-- > net = model "m" { input { 5, 8 }, area "V1" { attention { heads = 2 } } }
-- > attention_maps({ net, randn { 1, 5, 8 } })[1].weights.shape   --> { 1, 2, 5, 5 }
function M.attention_maps(given, ...)
  local position = errors.position(2)
  schema.alone("attention_maps", "attention_maps { model, x }", position, ...)
  return maps_of(schema.check("attention_maps", given, MAPS, position), position)
end

local ROLLOUT = schema.document("attention_rollout", { positional = { "model", "x" },
  model = { type = "any", required = true, doc = "a model with layers of self-attention, one behind the other" },
  x = { type = "tensor", required = true, doc = "a batch of its inputs" },
  own = { type = "number", default = 0.5, min = 0, max = 1, doc = "the share that goes around each layer" },
  heads = { type = "string", default = "mean", choices = { "mean", "max", "min" }, doc = "how heads are joined" } })

--- attention_rollout { net, x, own = 0.5, heads = "mean" }: how much each row of the output comes from each row of
-- the first layer's input: the product over layers of own I + (1 - own) A, A the weights joined over heads, its rows
-- adding up to 1 (Abnar & Zuidema 2020). batch x rows x rows; of a vision transformer with a class token, [{ {}, 1,
-- { 2, -1 } }] is what it looks at.
-- > net = model "m" { input { 5, 8 }, area "V1" { transformer { heads = 2, hidden = 16 } } }
-- > attention_rollout({ net, randn { 1, 5, 8 } }):sum(3)   --> [[1. 1. 1. 1. 1.]]
function M.attention_rollout(given, ...)
  local position = errors.position(2)
  schema.alone("attention_rollout", "attention_rollout { model, x }", position, ...)
  local o = schema.check("attention_rollout", given, ROLLOUT, position)
  local product
  for _, map in ipairs(maps_of(o, position)) do
    if not map.memory then
      local joined = ops[o.heads](map.weights, { dim = 2 })
      local rows = joined.shape[2]
      if product and product.shape[2] ~= rows then
        errors.raise("shape", position, "attention_rollout: %s looks at %d rows and the layers before it at %d; the "
          .. "rows must stay the same from layer to layer", map.name, rows, product.shape[2])
      end
      local mixed = joined * (1 - o.own) + tensor.eye(rows) * o.own
      mixed = mixed / ops.sum(mixed, { 3 }, { keepdim = true })
      product = product and ops.matmul(mixed, product) or mixed
    end
  end
  return product
end

return M
