--- residual { layers..., shortcut = "identity", after = relu }
local layer = require "lamina.layer"
local merge = require "lamina.model.merge"
local ops = require "lamina.core.ops"

-- Option A of He et al. 2016: every stride-th pixel, and channels of zeros after those of the input.
local padded = layer.define {
  word = "shortcut",
  doc = "Every `stride`-th pixel in both directions, and channels of zeros up to `width`: no parameters.",
  options = {
    stride = { type = "integer", required = true, min = 1, doc = "step between pixels" },
    width = { type = "integer", required = true, min = 1, doc = "channels of the output" },
  },
  shape = function(o, shape)
    local out = { o.width }
    for i = 2, #shape do out[i] = (shape[i] - 1) // o.stride + 1 end
    return out
  end,
  channels = function(o, maps)
    local list = table.move(maps[1], 1, #maps[1], 1, {})
    for i = #list + 1, o.width do list[i] = 0 end
    return list
  end,
  apply = function(o, _, x)
    local y = x
    for dim = 3, o.stride > 1 and x.ndim or 0 do
      local rows = y
      y = ops.slice(rows, { dim = dim, step = o.stride })
      if dim > 3 then rows:release() end
    end
    local wide = ops.unslice(y, { dim = 2, start = 1, size = o.width })
    if not rawequal(y, x) then y:release() end
    return wide
  end,
}

-- The step that takes every size of `from` to that of `to`; nil where none does.
local function stride_between(from, to)
  if #from ~= #to then return nil end
  if #from < 2 then return 1 end
  local s = (from[2] + to[2] - 1) // to[2]
  for i = 2, #from do
    if (from[i] - 1) // s + 1 ~= to[i] then return nil end
  end
  return s
end

local function unequal(scope, from, to, why)
  scope:fail("shape", "residual: the layers turn %s into %s, and %s", layer.shape_text(from), layer.shape_text(to),
    why)
end

-- The layers of a projection: a convolution of one pixel (or a dense layer), normalised where the block is.
local function projection(scope, o, from, to, stride)
  local normalised, init = false, o.init
  for _, node in ipairs(scope:layers()) do
    normalised = normalised or node.layer.full == "norm.batch"
    init = init or node.parameters[1] and node.options.init
  end
  local word = require(#from > 1 and "lamina.layers.conv" or "lamina.layers.dense")
  local given = { to[1], bias = not normalised, init = init }
  if #from > 1 then given.kernel, given.stride = 1, stride end
  local list = { word(given) }
  if normalised then list[2] = require("lamina.layers.norm").batch end
  return list
end

local function shortcut(scope, o, source, to)
  local from, kind = source.output, o.shortcut
  if type(kind) == "table" then
    local items = layer.is_spec(kind) and { kind } or layer.is_word(kind) and { kind } or kind
    return scope:chain(items, source, "shortcut")
  end
  if layer.same_shape(from, to) then return source end
  if kind == "identity" then
    unequal(scope, from, to, "the two cannot be added; shortcut = \"project\" (weights) or \"pad\" (zeros) brings "
      .. "the input to that shape, or " .. merge.advice(to, from) .. " at the end of the layers")
  end
  local stride = stride_between(from, to)
  if not stride then
    unequal(scope, from, to, string.format("no stride of a shortcut does that; give it as layers, shortcut = "
      .. "{ ... }, whose output is %s", layer.shape_text(to)))
  end
  if kind == "project" then return scope:chain(projection(scope, o, from, to, stride), source, "shortcut") end
  if to[1] < from[1] then
    unequal(scope, from, to, "shortcut = \"pad\" can only add channels; use \"project\"")
  end
  return scope:chain({ padded { stride = stride, width = to[1], name = "pad" } }, source)
end

return layer.define {
  word = "residual",
  example = [[
net = model "m" { input { 8, 8, 8 }, area "V2" { residual {
  conv { 16, kernel = 3, stride = 2, pad = 1 }, norm.batch, relu,
  conv { 16, kernel = 3, pad = 1 }, norm.batch, shortcut = "project", after = relu } } }
net.V2.shape   --> { 16, 4, 4 }]],
  doc = "Layers with a way around them: F(x) + shortcut(x), then the layers of `after` (He et al. 2016). shortcut: "
    .. "\"identity\" adds the input, whose shape the layers must keep; \"project\" adds a convolution of kernel 1 "
    .. "and the stride that fits where the shape changes (followed by norm.batch where the layers hold one, else "
    .. "with a bias; option B), and the input where it does not; \"pad\" adds every stride-th pixel with channels of "
    .. "zeros (option A, no weights); a table of layers adds what they make of the input. shortcut is the word's own "
    .. "name in the layers' names: V1.residual1.shortcut.conv1.",
  options = {
    shortcut = { type = { "string", "table" }, default = "identity", choices = { "identity", "project", "pad" },
      doc = "\"identity\", \"project\", \"pad\" or a table of layers" },
    after = { type = { "table" }, doc = "a layer, or a table of layers, after the sum" },
    init = { type = { "string", "table", "function" }, doc = "first weights of a projection; those of the layers if "
      .. "absent" },
  },
  expand = function(scope, o, source)
    local body = scope:chain(scope.items, source)
    local around = shortcut(scope, o, source, body.output)
    if not layer.same_shape(around.output, body.output) then
      scope:fail("shape", "residual: the layers give %s and the shortcut %s, which cannot be added; at the end of "
        .. "the shortcut, %s", layer.shape_text(body.output), layer.shape_text(around.output),
        merge.advice(around.output, body.output))
    end
    local sum = scope:node(require "lamina.layers.add", {}, { body, around })
    if not o.after then return sum end
    return scope:chain((layer.is_word(o.after) or layer.is_spec(o.after)) and { o.after } or o.after, sum)
  end,
}
