--- take { 1 }, take { 1, 12 }
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

return layer.define {
  word = "take",
  example = [[
net = model "m" { input { 16, 8 }, area "V1" { class_token }, readout "class" { take { 1 }, dense { 3 } } }
net(zeros { 2, 16, 8 }).shape   --> { 2, 3 }]],
  doc = "Some rows of a sequence (entries of the first axis): take { 1 } is the first one, without that axis, take { "
    .. "1, 12 } those from 1 to 12, take { 13, -1 } those from 13 to the last. Counted from 1, from the end where "
    .. "negative.",
  positional = { "first", "last" },
  options = {
    first = { type = "integer", required = true, doc = "the first row, or the only one" },
    last = { type = "integer", doc = "the last row; absent: one row alone" },
  },
  resolve = function(o, shape)
    local n = shape[1]
    local function place(i) return i < 0 and n + 1 + i or i end
    local first, last = place(o.first), place(o.last or o.first)
    if first < 1 or last > n or first > last then
      return nil, string.format("rows %d to %d of %s, which has rows 1 to %d",
        first, last, layer.shape_text(shape), n)
    end
    o.from, o.to = first, last
    return o
  end,
  shape = function(o, shape)
    local rest = table.move(shape, 2, #shape, 1, {})
    if o.last then table.insert(rest, 1, o.to - o.from + 1) end
    return rest
  end,
  channels = function(o, maps, shapes)
    if o.last then return table.move(maps[1], o.from, o.to, 1, {}) end
    local list = {}
    for i = 1, shapes[1][2] or 1 do list[i] = maps[1][o.from] end
    return list
  end,
  apply = function(o, _, x)
    if not o.last then return ops.select(x, { dim = 2, index = o.from }) end
    return ops.slice(x, { dim = 2, start = o.from, stop = o.to })
  end,
}
