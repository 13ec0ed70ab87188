--- conjunctions { 2, dilation = 1, sigma = 1 }: all products of one channel at each place of a window
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local MOST <const> = 65536 -- channels of the output

local function resolve(o, shape)
  if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
  local kh, kw = layer.pair(o.kernel)
  local dh, dw = layer.pair(o.dilation)
  local types = shape[1] ^ (kh * kw)
  if types > MOST then
    return nil, string.format("%d channels at %d places make %.0f conjunctions, more than %d", shape[1], kh * kw,
      types, MOST)
  end
  local oh, ow = shape[2] - (kh - 1) * dh, shape[3] - (kw - 1) * dw
  if oh < 1 or ow < 1 then
    return nil, string.format("a window of %dx%d with dilation %dx%d does not fit into an input of %s", kh, kw, dh,
      dw, layer.shape_text(shape))
  end
  o.kernel, o.dilation, o.out, o.types = { kh, kw }, { dh, dw }, { oh, ow }, types // 1 | 0
  return o
end

return layer.define {
  word = "conjunctions",
  example = [[
net = model "m" { input { 4, 8, 8 }, area "V2" { conjunctions { 2 } } }   -- 4 orientations
net.V2.shape   --> { 256, 7, 7 }]],
  doc = "Units that want one channel at each place of a window, all of them at once: for every way to choose a "
    .. "channel for each of the kernel's places, the product of those inputs. Output: channels ^ (kh kw) x oh x ow; "
    .. "of 4 orientations and a kernel of 2 the 256 types of S2 cells of HMAX (Riesenhuber & Poggio 1999), the "
    .. "choice at the last place varying fastest. With sigma each factor is exp(-(x - 1)^2 / (2 sigma^2)), so that "
    .. "a unit is a Gaussian around inputs of 1, as there; without it the factor is the input. No parameters.",
  positional = { "kernel" },
  options = {
    kernel = { type = "pair", default = 2, min = 1, doc = "size of the window: n or { h, w }" },
    dilation = { type = "pair", default = 1, min = 1, doc = "step between the window's places" },
    sigma = { type = "number", above = 0, doc = "width of the tuning of each factor around 1; absent: none" },
  },
  resolve = resolve,
  shape = function(o) return { o.types, o.out[1], o.out[2] } end,
  apply = function(o, _, x)
    if o.sigma then x = ops.exp(ops.square(x - 1) * (-0.5 / o.sigma ^ 2)) end
    local n, c, h, w = x:size(1), x:size(2), o.out[1], o.out[2]
    local y
    for i = 0, o.kernel[1] - 1 do
      for k = 0, o.kernel[2] - 1 do
        local top, left = i * o.dilation[1] + 1, k * o.dilation[2] + 1
        local part = ops.slice(ops.slice(x, { dim = 3, start = top, stop = top + h - 1 }), { dim = 4, start = left,
          stop = left + w - 1 })
        part = ops.contiguous(part)
        if y then
          y = ops.reshape(ops.unsqueeze(y, 3) * ops.unsqueeze(part, 2), { n, -1, h, w })
        else
          y = ops.reshape(part, { n, c, h, w })
        end
      end
    end
    return y
  end,
  cost = function(o) return o.types * o.out[1] * o.out[2] end,
}
