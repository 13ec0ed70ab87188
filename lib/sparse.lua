--- lamina.sparse: sparse coding of images (Olshausen & Field 1996, 1997).
--
--   local images = sparse.whiten { data.npy "images.npy" }
--   local code = sparse.code { bases = 192, size = 16, preset = "nature" }
--   code:learn { images, updates = 4000 }
--   local a = code:infer(sparse.patches { images, 100, size = 16 })      -- patches x bases
--   print(code:energy(x, a):mean():item())
--
-- An image patch x is explained as a sum of basis functions, x = sum_i a_i phi_i + noise, with few a_i that matter.
-- The energy of a patch is E = 1/2 |x - a Phi|^2 + beta sigma sum_i S(a_i / sigma); coefficients a minimise it, and
-- bases follow the residual that is left, by the published steps or by the faster online rule. sparse.infer holds the
-- ways to minimise: conjugate gradients for every S; ISTA, FISTA, LCA and coordinate descent for S = |u|.
-- sparse.pursue is orthogonal matching pursuit: as few coefficients as an error takes.
-- > images = sparse.whiten { stimuli.noise({ 5, size = 64, exponent = 1 }).x:squeeze(2) }
-- > code = sparse.code { bases = 32, size = 8, preset = "nature" }
-- > code:learn { images, updates = 20 }
-- > code:infer(sparse.patches { images, 50, size = 8 }).shape   --> { 50, 32 }
local images = require "lamina.sparse.images"
local inference = require "lamina.sparse.inference"
local learning = require "lamina.sparse.learning"
local pursuit = require "lamina.sparse.pursuit"

local M = {}

M.whiten, M.patches = images.whiten, images.patches
M.energy, M.gradient, M.infer = inference.energy, inference.gradient, inference.infer
M.pursue = pursuit.pursue
M.code = learning.code

return M
