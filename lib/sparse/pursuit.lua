--- lamina.sparse.pursuit: as few coefficients as an error takes.
local errors = require "lamina.errors"
local fit = require "lamina.core.fit"
local inference = require "lamina.sparse.inference"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local PURSUE = schema.document("sparse.pursue", {
  positional = { "x", "bases" },
  x = { type = "tensor", required = true, doc = "patches x pixels" },
  bases = { type = "tensor", required = true, doc = "bases x pixels" },
  residual = { type = { "number", "tensor" }, default = 0, min = 0,
    doc = "the |x - a Phi|^2 at which a patch is explained: one for all, or a number for each" },
  most = { type = "integer", min = 1, doc = "how many coefficients a patch may have; as many as there are bases" },
})

--- sparse.pursue { x, bases, residual = 0, most = }: coefficients (N x K) by orthogonal matching pursuit (Pati,
-- Rezaiifar & Krishnaprasad 1993): for each patch of x (N x pixels) bases (K x pixels, of any length) are taken one
-- by one, that with the largest projection on what is left first, and the coefficients of those taken are least
-- squares, until the squared error |x - a Phi|^2 is at most `residual` or `most` are taken. All others are exactly 0.
-- > x, bases = tensor { { 3, 0.2, 1 } }, eye(3)
-- > sparse.pursue { x, bases, most = 2 }   --> [[3. 0. 1.]]
function M.pursue(given, ...)
  local position = errors.position(2)
  schema.alone("sparse.pursue", "sparse.pursue { x, bases }", position, ...)
  local o = schema.check("sparse.pursue", given, PURSUE, position)
  local x, bases, left = o.x, o.bases, o.residual
  inference.check_shapes("sparse.pursue", x, bases, nil, position)
  if tensor.is_tensor(left) and (left.ndim ~= 1 or #left ~= #x) then
    errors.raise("shape", position, "sparse.pursue: residual is %s, expected a number or %d numbers",
      table.concat(left.shape, "x"), #x)
  end
  return tensor.no_grad(function()
    left = tensor.is_tensor(left) and left:to "float64" or tensor.full({ #x }, left, { dtype = "float64" })
    local energy = x:to("float64"):square():sum { dim = 2 }
    return fit.pursuit(x:matmul(bases:t()), bases:matmul(bases:t()), energy, left, o.most or #bases)
  end)
end

return M
