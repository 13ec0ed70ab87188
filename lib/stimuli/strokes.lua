--- lamina.stimuli.strokes: pictures made of straight strokes.
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

local function column(list) return tensor.tensor(list, { dtype = "float64" }):reshape { #list, 1, 1 } end

-- The distance of every pixel to one stroke of each image: n x size x size.
local function distance(ends, x, y)
  local ax, ay, bx, by = column(ends[1]), column(ends[2]), column(ends[3]), column(ends[4])
  local dx, dy = bx - ax, by - ay
  local length = (dx:square() + dy:square()):clamp(1e-12, math.huge)
  local along = (((x - ax) * dx + (y - ay) * dy) / length):clamp(0, 1)
  return ((x - ax - along * dx):square() + (y - ay - along * dy):square()):sqrt()
end

local function drawn(paths, widths, size)
  local places = (tensor.arange(1, size, { dtype = "float64" }) - 0.5) / size - 0.5
  local x, y = places:reshape { 1, 1, -1 }, places:reshape { 1, -1, 1 }
  local most, nearest = 0, nil
  for _, path in ipairs(paths) do most = math.max(most, #path) end
  for s = 1, most do
    local ends = { {}, {}, {}, {} }
    for i, path in ipairs(paths) do
      local stroke = path[math.min(s, #path)]
      for c = 1, 4 do ends[c][i] = stroke[c] end
    end
    local d = distance(ends, x, y)
    nearest = nearest and nearest:minimum(d) or d
  end
  local wide = column(widths) * size
  return (wide / 2 - nearest * size + 0.5):clamp(0, 1):minimum(wide)
end

--- How much of each pixel the strokes of each image cover, along the strokes' normal: n x size x size, float64.
-- paths[i] is a list of strokes { x1, y1, x2, y2 } and widths[i] their width, in fractions of the side from the
-- middle, y down.
function M.drawn(paths, widths, size)
  local parts = {}
  for first = 1, #paths, 64 do
    local last = math.min(first + 63, #paths)
    parts[#parts + 1] = drawn(table.move(paths, first, last, 1, {}), table.move(widths, first, last, 1, {}), size)
  end
  return ops.concat(parts, { dim = 1 })
end

return M
