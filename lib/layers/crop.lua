--- crop { 24 }, crop { { 24, 32 }, at = { 1, 5 } }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "crop",
  example = [[crop(zeros { 1, 3, 32, 32 }, { 24 }).shape   --> { 1, 3, 24, 24 }]],
  doc = "A part of the maps: `size` pixels from the middle (the upper left of the two middles where there are two), "
    .. "or from row and column `at`, counted from 1.",
  positional = { "size" },
  options = {
    size = { type = "pair", required = true, min = 1, doc = "rows and columns that stay: n or { height, width }" },
    at = { type = "pair", min = 1, doc = "the first row and column; the middle if absent" },
  },
  resolve = function(o, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    local h, w = layer.pair(o.size)
    if h > shape[2] or w > shape[3] then
      return nil, string.format("%dx%d is more than the input %s has; pad makes maps larger", h, w,
        layer.shape_text(shape))
    end
    local top, left = (shape[2] - h) // 2 + 1, (shape[3] - w) // 2 + 1
    if o.at then top, left = layer.pair(o.at) end
    if top + h - 1 > shape[2] or left + w - 1 > shape[3] then
      return nil, string.format("%dx%d from %d, %d on reaches beyond %s", h, w, top, left, layer.shape_text(shape))
    end
    o.rows, o.columns = { dim = 3, start = top, stop = top + h - 1 }, { dim = 4, start = left, stop = left + w - 1 }
    o.size = { h, w }
    return o
  end,
  shape = function(o, shape) return { shape[1], o.size[1], o.size[2] } end,
  apply = function(o, _, x) return ops.slice(ops.slice(x, o.rows), o.columns) end,
}
