--- pool.max { 2 }, pool.avg { 2 }, pool.global "avg" or "max"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local pair = layer.pair

local function resolve(o, shape)
  if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
  local kh, kw = pair(o.kernel)
  local sh, sw = pair(o.stride or o.kernel)
  local ph, pw = pair(o.pad)
  if 2 * ph > kh or 2 * pw > kw then
    return nil, string.format("pad %dx%d is more than half of the window %dx%d", ph, pw, kh, kw)
  end
  o.kernel, o.stride, o.pad = { kh, kw }, { sh, sw }, { ph, pw }
  o.call = { kernel = o.kernel, stride = o.stride, pad = o.pad, count_pad = o.count_pad }
  return o
end

local function out_shape(o, shape)
  local h = layer.positions(shape[2], o.kernel[1], o.stride[1], o.pad[1])
  local w = layer.positions(shape[3], o.kernel[2], o.stride[2], o.pad[2])
  if h < 1 or w < 1 then
    return nil, string.format("a window of %dx%d does not fit into an input of %s", o.kernel[1], o.kernel[2],
      layer.shape_text(shape))
  end
  return { shape[1], h, w }
end

local function window(kind, op, doc, extra)
  local options = {
    kernel = { type = "pair", required = true, min = 1, doc = "size of the window: n or { h, w }" },
    stride = { type = "pair", min = 1, doc = "step between windows; the window's size if absent" },
    pad = { type = "pair", default = 0, min = 0, doc = "margin around the input" },
  }
  for name, field in pairs(extra or {}) do options[name] = field end
  return layer.define {
    word = "pool", full = "pool." .. kind, op = op, doc = doc, positional = { "kernel" }, options = options,
    resolve = resolve, shape = out_shape,
    apply = function(o, _, x) return ops[op](x, o.call) end,
  }
end

local M = {}

M.max = window("max", "max_pool2d", "The largest value of each window, channel by channel.")

M.avg = window("avg", "avg_pool2d", "The mean of each window, channel by channel.", {
  count_pad = { type = "boolean", default = true, doc = "whether the margin's zeros count in the mean" },
})

M.global = layer.define {
  word = "pool", full = "pool.global",
  doc = "The mean or the largest value of each channel over the whole image. Output: channels.",
  positional = { "kind" },
  options = { kind = { type = "string", default = "avg", choices = { "avg", "max" }, doc = "which of the two" } },
  shape = function(_, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    return { shape[1] }
  end,
  apply = function(o, _, x)
    if o.kind == "avg" then return ops.mean(x, { dim = { 3, 4 } }) end
    return ops.max(x, { dim = { 3, 4 } })
  end,
}

return M
