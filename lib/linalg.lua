--- lamina.linalg: linear algebra, over the last two axes of a tensor; axes before them are a batch.
--
--   linalg.solve(a, b)      or a:solve(b)        x with a x = b
--   linalg.cholesky(a)      or a:cholesky()      and so on: each is an op of the runtime, and a method of tensors
--
-- equations        solve, lstsq, triangular_solve, cholesky_solve, inverse
-- factorisations   cholesky, lu, qr
-- numbers          det, slogdet
-- functions        matrix_exp, matrix_power
-- spectra          svd, svdvals, eigh, eigvalsh, eig (a word only), pinv, matrix_rank, cond, matrix_norm, orth,
--                  null_space
--
-- float32 is computed in float64 and rounded once. Everything has a gradient, where it is differentiable. Results are
-- exact: the same bits with any number of threads and on any processor; but for spectra, which OpenBLAS computes and
-- which are therefore close, unless method = "exact" asks for the runtime's own. help "linalg.NAME" explains one.
-- > w, v = linalg.eigh(tensor { { 2, 1 }, { 1, 2 } })
-- > w   --> [1. 3.]
local core = require "lamina.core.linalg"
local ops = require "lamina.core.ops"

local M = {}

local NAMES = "solve lstsq triangular_solve cholesky_solve inverse cholesky lu qr det slogdet matrix_exp "
  .. "matrix_power svd svdvals eigh eigvalsh pinv matrix_rank cond matrix_norm orth null_space"

for name in NAMES:gmatch "%S+" do M[name] = ops[name] end

M.eig = core.eig

return M
