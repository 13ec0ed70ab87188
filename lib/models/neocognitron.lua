--- The neocognitron: layers of S cells that learn without a teacher, and of C cells that tolerate shifts.
local architecture = require "lamina.architecture"
local crop = require "lamina.layers.crop"
local dense = require "lamina.layers.dense"
local pool = require "lamina.layers.pool"
local s_cells = require "lamina.layers.s_cells"
local words = require "lamina.model.words"

local input, area, readout = words.input, words.area, words.readout

-- C cells: windows of `size` places, or (pooling = "identity") the middle place of each alone.
local function c_cells(o, size, pad, out)
  if o.pooling == "window" then
    return { pool.saturating { size, stride = 1, pad = pad, decay = o.c_decay, mean = false } }
  end
  return { crop { out }, pool.saturating { 1, mean = false } }
end

local function make(o, wide)
  local side = o.input[2]
  local function s(r, pad) return s_cells { wide(24), kernel = 5, pad = pad, r = r, decay = o.s_decay } end
  return {
    input(o.input),
    area "V1" { s(4, 2), c_cells(o, 7, 0, side - 6) },
    area "V4" { s(1.5, 1), c_cells(o, 5, 1, side - 10) },
    area "IT" { s(1.5, 0), c_cells(o, side - 14, 0, 1) },
    readout "category" { dense { o.classes } },
  }
end

return {
  architecture.define { word = "neocognitron", name = "Neocognitron", input = { 1, 16, 16 }, classes = 10,
    parameters = 29722,
    example = [[
net = models.neocognitron {}
net.V1.shape, net.V4.shape, net.IT.shape   --> { 24, 10, 10 } { 24, 6, 6 } { 24, 1, 1 }]],
    doc = "The neocognitron for pictures of 16 x 16: three stages of S cells (24 planes each, windows of 5 x 5, r of "
      .. "4, 1.5 and 1.5) and C cells, of 10 x 10, 6 x 6 and 1 place. C cells weigh what they see by "
      .. "c_decay^distance, so that one strong S cell drives them, wherever in the window it is. self_organise { "
      .. "net, images } is how it learns; a readout is there for those who want one. Fukushima 1980.",
    options = {
      pooling = { type = "string", default = "window", choices = { "window", "identity" }, doc = "what a C cell "
        .. "sees: its window, or the S cell in its middle alone" },
      s_decay = { type = "number", default = 0.9, above = 0, max = 1, doc = "how the fixed weights c of inhibition "
        .. "fall with distance" },
      c_decay = { type = "number", default = 0.9, above = 0, max = 1, doc = "how the fixed weights d of C cells do" },
    },
    resolve = function(o)
      if o.input[2] ~= o.input[3] or o.input[2] < 15 then
        return nil, string.format("input is %d x %d, expected a square of at least 15", o.input[2], o.input[3])
      end
      return o
    end,
    make = make },
}
