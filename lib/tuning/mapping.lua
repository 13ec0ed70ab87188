--- lamina.tuning.mapping: receptive fields from responses to spots or bars at many places (sparse noise).
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local sources = require "lamina.tuning.sources"
local tensor = require "lamina.core.tensor"

local M = {}

local MAP = schema.document("tuning.map", sources.join {
  x = { type = { "string", "table", "tensor" }, default = "x", doc = "where each stimulus stood, to the right: a "
    .. "column's name, or N numbers" },
  y = { type = { "string", "table", "tensor" }, default = "y", doc = "where each stimulus stood, downwards" },
  contrast = { type = { "string", "table", "tensor" }, default = "contrast",
    doc = "above 0 brighter than the background, below 0 darker" },
})

-- The different values of a list, rising, and the place of each among them.
local function places_of(list)
  local values, place = {}, {}
  for _, v in ipairs(list) do
    if not place[v] then values[#values + 1], place[v] = v, true end
  end
  table.sort(values)
  for i, v in ipairs(values) do place[v] = i end
  return values, place
end

-- Sums and counts of responses, units x y x x, for contrasts of one sign.
local function gather(rows, at, units, ny, nx)
  local sums, counts = {}, {}
  for u = 1, units do
    sums[u], counts[u] = {}, {}
    for k = 1, ny * nx do sums[u][k], counts[u][k] = 0, 0 end
  end
  for i, place in pairs(at) do
    for u = 1, units do
      for _, v in ipairs(rows[i][u]) do
        if v == v then sums[u][place], counts[u][place] = sums[u][place] + v, counts[u][place] + 1 end
      end
    end
  end
  local any = false
  for u = 1, units do
    for k = 1, ny * nx do
      any = any or counts[u][k] > 0
      sums[u][k] = counts[u][k] > 0 and sums[u][k] / counts[u][k] or 0 / 0
    end
  end
  return any and tensor.tensor(sums, { dtype = "float64" }):reshape { units, ny, nx } or nil
end

-- Where the energy of a unit's map about its median lies, and how far it spreads (the square root of its mean squared
-- distance along each axis).
local function centre_of(map, x, y)
  local flat = {}
  for _, row in ipairs(map) do
    for _, v in ipairs(row) do if v == v then flat[#flat + 1] = v end end
  end
  table.sort(flat)
  local middle = flat[(#flat + 1) // 2] or 0
  local total, mx, my, wx, wy = 0, 0, 0, 0, 0
  local function each(visit)
    for i, row in ipairs(map) do
      for j, v in ipairs(row) do if v == v then visit((v - middle) ^ 2, x[j], y[i]) end end
    end
  end
  each(function(e, px, py) total, mx, my = total + e, mx + e * px, my + e * py end)
  if total == 0 then return { x = 0 / 0, y = 0 / 0, width = 0 / 0, height = 0 / 0 } end
  mx, my = mx / total, my / total
  each(function(e, px, py) wx, wy = wx + e * (px - mx) ^ 2, wy + e * (py - my) ^ 2 end)
  return { x = mx, y = my, width = math.sqrt(wx / total), height = math.sqrt(wy / total) }
end

--- tuning.map { source, stimuli =, x = "x", y = "y", contrast = "contrast", layer =, units = }: receptive fields from
-- responses to spots (stimuli.discs) or bars (stimuli.bars) that stand at many places one at a time, bright, dark or
-- both: sparse noise (Jones & Palmer 1987; for bars the line-weighting function of Movshon et al. 1978). source is a
-- function, a model, an assembly or responses, as in tuning.describe. The result has
--   x, y      the places, rising
--   on, off   the mean response to bright and to dark stimuli at each place, units x y x x (absent where there were
--             none; NaN where a place was not tested)
--   map       on - off where both are there, else the one there is less its mean over places (off with a minus)
--   centre    for each unit { x =, y =, width =, height = }: where the energy of the map about its median lies, and
--             its root mean squared distance along each axis
-- tuning.fit_gabor(result.map) fits a Gabor function to every unit's.
-- > set = stimuli.discs { size = 15, diameter = 0.2, x = { 0, 0.2 }, y = { 0, 0.2 }, contrast = { -1, 1 } }
-- > m = tuning.map { function(x) return x[{ {}, 1, 8, 11 }] end, stimuli = set }   -- a unit that sees one pixel
-- > m.map   --> [[[0. 1.] [0. 0.]]]
function M.map(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.map", "tuning.map { source, stimuli = set }", position, ...)
  local o = schema.check("tuning.map", given, MAP, position)
  local r, columns = sources.read(o, "tuning.map", position)
  local lists = {}
  for _, name in ipairs { "x", "y", "contrast" } do
    local value = o[name]
    if given[name] == nil and columns[name] == nil then lists[name] = {} -- all at one place, all bright
      for i = 1, #r do lists[name][i] = name == "contrast" and 1 or 0 end
    else lists[name] = sources.column(value, columns, #r, "tuning.map: " .. name, position) end
  end
  local x, x_place = places_of(lists.x)
  local y, y_place = places_of(lists.y)
  if #x * #y < 2 then
    errors.raise("argument", position, "tuning.map: every stimulus stands at one place, there is nothing to map")
  end
  local bright, dark = {}, {}
  for i, contrast in ipairs(lists.contrast) do
    local place = (y_place[lists.y[i]] - 1) * #x + x_place[lists.x[i]]
    if contrast > 0 then bright[i] = place elseif contrast < 0 then dark[i] = place end
  end
  local rows = r:totable()
  local on, off = gather(rows, bright, r:size(2), #y, #x), gather(rows, dark, r:size(2), #y, #x)
  if not on and not off then
    errors.raise("argument", position, "tuning.map: no stimulus is brighter or darker than the background")
  end
  local function less_mean(t) return t - t:nanmean { dim = { 2, 3 }, keepdim = true } end
  local map = on and off and on - off or on and less_mean(on) or -less_mean(off)
  local centre = {}
  for u, one in ipairs(map:totable()) do centre[u] = centre_of(one, x, y) end
  return { x = x, y = y, on = on, off = off, map = map, centre = centre }
end

return M
