--- pad { 1 }, pad { { 1, 2 }, mode = "reflect" }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "pad", op = "pad",
  example = [[
net = model "m" { input { 1, 8, 8 }, area "V1" { pad { 2, mode = "reflect" }, conv { 4, kernel = 5 } } }
net.V1.shape   --> { 4, 8, 8 }]],
  doc = "Maps with a margin: zeros (or `value`), the map mirrored at its ends (reflect), its ends repeated "
    .. "(replicate), or the other end (circular). margin is n on every side, { h, w } above and below, left and "
    .. "right; after: another one below and to the right. With tensors, the op: pad(x, 2, { dims = { 3, 4 } }).",
  positional = { "margin" },
  options = {
    margin = { type = "pair", required = true, min = 0, doc = "pixels added: n or { height, width }" },
    after = { type = "pair", min = 0, doc = "pixels added below and to the right; as many as before if absent" },
    mode = { type = "string", default = "constant", choices = { "constant", "reflect", "replicate", "circular" },
      doc = "what is added" },
    value = { type = "number", default = 0, doc = "what \"constant\" adds" },
  },
  resolve = function(o, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    local top, left = layer.pair(o.margin)
    local bottom, right = layer.pair(o.after or o.margin)
    o.added = { top + bottom, left + right }
    o.call = { before = { top, left }, after = { bottom, right }, dims = { 3, 4 }, mode = o.mode, value = o.value }
    return o
  end,
  shape = function(o, shape) return { shape[1], shape[2] + o.added[1], shape[3] + o.added[2] } end,
  tensors = function(...) return ops.pad(...) end,
  apply = function(o, _, x) return ops.pad(x, o.call) end,
}
