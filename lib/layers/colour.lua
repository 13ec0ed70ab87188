--- colour { "opponent" }, colour { "grey", from = "rgb" }
local colour = require "lamina.colour"
local layer = require "lamina.layer"

return layer.define {
  word = "colour",
  example = [=[
red = tensor { 1, 0, 0 }:reshape { 1, 3, 1, 1 }
colour(red, { from = "rgb", to = "lab" }):flatten()   --> [53.24079 80.09246 67.20319]]=],
  doc = "Maps of colours in another space: rgb (sRGB, 0 to 1), linear (light), xyz, lms (cones), lab, opponent "
    .. "(luminance, red - green, blue - yellow), ycbcr, hsv or grey (one channel). lib/colour.lua says what each is.",
  positional = { "to" },
  options = {
    to = { type = "string", required = true, choices = colour.spaces, doc = "the space of the output" },
    from = { type = "string", default = "rgb", choices = colour.spaces, doc = "that of the input" },
  },
  shape = function(o, shape)
    if layer.not_maps(shape) then return nil, layer.not_maps(shape) end
    if shape[1] ~= colour.channels(o.from) then
      return nil, string.format("%s has %d channels, got %s", o.from, colour.channels(o.from),
        layer.shape_text(shape))
    end
    return { colour.channels(o.to), shape[2], shape[3] }
  end,
  channels = function(o, maps)
    if o.from == o.to then return maps[1] end
    local list = {}
    for i = 1, colour.channels(o.to) do list[i] = 0 end
    return list
  end,
  apply = function(o, _, x) return colour.convert(x, o.from, o.to) end,
}
