--- lamina.sparse.online: the online rule of dictionary learning (Mairal, Bach, Ponce & Sapiro 2010).
--
-- Given the coefficients of all patches so far, the bases that explain them best follow from two sums alone, A = sum
-- a'a and B = sum a'x: 1/2 tr(D'AD) - tr(D'B) is least. An update adds a batch to both sums and goes once over the
-- bases, each to its own minimum (their algorithm 2), so that every update uses all patches seen. Earlier batches
-- count less, since their coefficients are those of earlier bases: that of update s among t counts (s / t)^forget.
local base = require "lamina.core.base"
local fit = require "lamina.core.fit"
local inference = require "lamina.sparse.inference"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

-- A basis whose mean square coefficient is at most this share of the average one's is not used.
local UNUSED = 1e-6

local function unit(rows) return rows / rows:square():sum({ dim = 2, keepdim = true }):sqrt():clamp(1e-30, 1e30) end

-- Bases that no patch uses become patches of the batch, drawn by (seed, update).
local function replaced(code, bases, power, x)
  local idle = power:le(power:mean() * UNUSED)
  if not idle:any():item() then return bases end
  local draws = tensor.draw { kind = "uniform", shape = { #bases }, seed = code.seed, step = code.updates,
    purpose = "sparse.replaced", dtype = "float64" }
  local others = ops.index_select(x, (draws * #x):to "int64" + 1, { dim = 1 })
  return ops.where(idle:reshape { -1, 1 }, unit(others), bases)
end

--- One update of the code from patches x; o.forget and o.tolerance as in learn.
function M.update(code, x, o)
  local abs = code.sparseness == "abs"
  local a = inference.run { x = x, bases = code.bases, sparseness = code.sparseness, beta = code.beta,
    sigma = code.sigma, method = abs and "cd" or "cg", iterations = abs and 1000 or 10,
    tolerance = o.tolerance or (abs and 0.1 or 0.01) }
  local past, across = code.past, a:t()
  local A, B, count = across:matmul(a), across:matmul(x), 1
  if past then
    count = past.count + 1
    local weight = (1 - 1 / count) ^ o.forget
    A, B = past.A * weight + A, past.B * weight + B
  end
  local bases = replaced(code, fit.descend(code.bases, A, B, UNUSED), A:diagonal(), x)
  base.uninterrupted(function()
    code.bases, code.past, code.updates = bases, { A = A, B = B, count = count }, code.updates + 1
  end)
end

return M
