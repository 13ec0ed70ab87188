--- Weight normalisation (Salimans & Kingma 2016), the option weight_norm of conv and dense: the weight of each unit
-- is gain v / |v|, its length a parameter of its own. gain begins as |v|, so that the layer begins as without it.
local ops = require "lamina.core.ops"
local weights = require "lamina.weights"

local M = {}

-- The length of each unit's weights; 1 for one whose weights are all 0.
local function lengths(w)
  local squares = ops.sum(ops.square(ops.reshape(w, { w:size(1), -1 })), { dim = 2 })
  return ops.sqrt(ops.where(ops.ne(squares, 0), squares, 1))
end

--- The option.
M.option = { type = "boolean", default = false,
  doc = "weight normalisation: weights gain v / |v| for each unit, the length gain a parameter (Salimans & Kingma "
    .. "2016)" }

--- Adds the parameter gain to a layer's list whose first is the weight, where the option is set; returns the list.
function M.parameters(o, list)
  if not o.weight_norm then return list end
  local w = list[1]
  list[#list + 1] = { name = "gain", shape = { w.shape[1] }, fan_in = w.fan_in, fan_out = w.fan_out, bias = true,
    init = function(_, info)
      local name = info.name:gsub("gain$", w.name)
      return lengths(weights.make(o.init, { full = name, shape = w.shape, fan_in = w.fan_in, fan_out = w.fan_out },
        info.seed))
    end }
  return list
end

--- The weight that a layer computes with. A unit whose v is 0 stays 0.
function M.weight(o, p)
  local v = p.weight
  if not o.weight_norm then return v end
  local wide = { v:size(1) }
  for i = 2, v.ndim do wide[i] = 1 end
  return v * ops.reshape(p.gain / lengths(v), wide)
end

return M
