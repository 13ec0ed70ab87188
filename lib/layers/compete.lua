--- compete.winner, compete.k_winners { 10 }, compete.softmax { 1 }
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local AMONG = { type = "string", default = "channels", choices = { "channels", "all" },
  doc = "who competes: the channels at each place, or all units of an item" }

local function same(_, shape) return shape end

-- x with those that compete along axis 2.
local function rivals(o, x) return o.among == "all" and x.ndim > 2 and ops.flatten(x, 2) or x end

local function winners(o, x, k)
  local flat = rivals(o, x)
  local values, index = ops.topk(flat, { k = k, dim = 2 })
  if o.binary then values = core.ones(values.shape, { dtype = x.dtype }) end
  local y = ops.scatter(core.zeros(flat.shape, { dtype = x.dtype }), index, values, { dim = 2 })
  return ops.reshape(y, x.shape)
end

local BINARY = { type = "boolean", default = false, doc = "winners are 1 in place of their value (no gradient then)" }

local M = {}

M.winner = layer.define {
  word = "compete", full = "compete.winner", monotone = false,
  example = [=[compete.winner(tensor { { 0.2, 0.9, 0.4 } }, { binary = true })   --> [[0. 1. 0.]]]=],
  doc = "The largest of those that compete stays as it is, all others are 0: winner takes all (Feldman & Ballard "
    .. "1982). Of equal ones the first wins. Gradients follow the winner.",
  positional = { "among" }, options = { among = AMONG, binary = BINARY },
  shape = same,
  apply = function(o, _, x) return winners(o, x, 1) end,
}

M.k_winners = layer.define {
  word = "compete", full = "compete.k_winners", monotone = false,
  example = [=[compete.k_winners(tensor { { 0.2, 0.9, 0.4 } }, { 2 })   --> [[0. 0.9 0.4]]]=],
  doc = "The k largest of those that compete stay as they are, all others are 0: exactly k winners (Majani, Erlanson "
    .. "& Abu-Mostafa 1989; Makhzani & Frey 2014). Of equal ones the first win. Gradients follow the winners.",
  positional = { "k", "among" },
  options = { k = { type = "integer", required = true, min = 1, doc = "how many win" }, among = AMONG,
    binary = BINARY },
  resolve = function(o, shape)
    local n = o.among == "all" and layer.elements(shape) or shape[1]
    if o.k <= n then return o end
    return nil, string.format("k = %d is more than the %d units that compete (%s of %s)", o.k, n,
      o.among == "all" and "all" or "the channels", layer.shape_text(shape))
  end,
  shape = same,
  apply = function(o, _, x) return winners(o, x, o.k) end,
}

M.softmax = layer.define {
  word = "compete", full = "compete.softmax", monotone = false,
  example = [=[compete.softmax(tensor { { 0, 0, 0, 0 } })   --> [[0.25 0.25 0.25 0.25]]]=],
  doc = "exp(beta x) divided by its sum over those that compete: shares that sum to 1, equal for beta = 0, all to "
    .. "the winner for large beta (Bridle 1990).",
  positional = { "beta", "among" },
  options = { beta = { type = "number", default = 1, min = 0, doc = "how sharp the competition is" }, among = AMONG },
  shape = same,
  apply = function(o, _, x) return ops.reshape(ops.softmax(rivals(o, x) * o.beta, { dim = 2 }), x.shape) end,
}

return M
