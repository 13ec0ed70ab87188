-- The marks of physiology and of vector fields, and where marks and ticks stand: read back from the SVG and the CSV.
local base = require "lamina.core.base"
local plot = require "lamina.plot"
local style = require "lamina.plot.style"
local tensor = require "lamina.core.tensor"

local folder = os.tmpname() .. ".marks"

-- Saves a figure as SVG; returns its paths as {width (of the stroke, nil if filled), color, points = {{x, y}, ...}},
-- and the rows of its CSV as lists of numbers or texts, without the header.
local function saved(fig)
  fig:save(folder .. "/fig.svg")
  local paths, rows = {}, {}
  for line in io.lines(folder .. "/fig.svg") do
    local look, d = line:match '^<path style="([^"]*)" d="([^"]*)"'
    if d and look ~= "stroke:none;" then -- those are letters
      d = d:gsub("Z M [^MLZ]*", "Z ") -- Cairo begins anew where a closed path began
      local path = { width = tonumber(look:match "stroke%-width:([%d.]+)"), points = {},
        color = look:match "rgb%([^)]*%)" }
      for x, y in d:gmatch "[ML] ([-%d.]+) ([-%d.]+)" do
        path.points[#path.points + 1] = { tonumber(x), tonumber(y) }
      end
      paths[#paths + 1] = path
    end
  end
  for line in io.lines(folder .. "/fig.csv") do
    local row = {}
    for cell in (line .. ","):gmatch "([^,]*)," do row[#row + 1] = tonumber(cell) or cell end
    rows[#rows + 1] = row
  end
  table.remove(rows, 1)
  return paths, rows
end

local function strokes(paths, width, points)
  local list = {}
  for _, path in ipairs(paths) do
    if path.width == width and (not points or #path.points == points) then list[#list + 1] = path.points end
  end
  return list
end

describe("figures", function()
  setup(function() base.mkdir(folder) end)
  teardown(function()
    for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
    base.remove(folder)
  end)

  it("put points and ticks where their numbers say", function()
    local paths = saved(plot.line { x = { 0, 1, 4 }, y = { 0, 1, 4 } })
    local curve = strokes(paths, style.width.line, 3)[1]
    assert.near(4, (curve[3][1] - curve[1][1]) / (curve[2][1] - curve[1][1]), 1e-3)
    assert.near(4, (curve[3][2] - curve[1][2]) / (curve[2][2] - curve[1][2]), 1e-3)
    local across, up = {}, {}
    for _, tick in ipairs(strokes(paths, style.width.axis, 2)) do
      if tick[1][1] == tick[2][1] then across[#across + 1] = tick[1][1] else up[#up + 1] = tick[1][2] end
    end
    -- x from 0 to 4 in steps of 0.5: the first tick under the first point, the last under the last.
    assert.equal(9, #across)
    assert.equal(9, #up)
    assert.near(curve[1][1], across[1], 0.01)
    assert.near(curve[2][1], across[3], 0.01)
    assert.near(curve[3][1], across[9], 0.01)
    assert.near(curve[3][2], up[9], 0.01)
    assert.truthy(up[9] < up[1]) -- upwards
  end)

  it("put powers of ten at equal distances on a logarithmic axis", function()
    local curve = strokes(saved(plot.line { x = { 1, 10, 1000 }, y = { 0, 0, 1 }, xlog = true }), style.width.line,
      3)[1]
    assert.near(3, (curve[3][1] - curve[1][1]) / (curve[2][1] - curve[1][1]), 1e-3)
  end)

  it("polar: radius and angle of every point", function()
    local paths, rows = saved(plot.polar { angle = { 0, 90, 180 }, r = { 1, 2, 4 }, errors = { 0, 1, 1 } })
    local curve = strokes(paths, style.width.line, 3)[1]
    local spokes = strokes(paths, style.width.edge, 2)
    local centre = spokes[1][1]
    assert.equal(8, #spokes)
    assert.near(centre[2], curve[1][2], 0.01) -- 0 degrees to the right
    assert.near(centre[1], curve[2][1], 0.01) -- 90 upwards
    assert.near(2, (centre[2] - curve[2][2]) / (curve[1][1] - centre[1]), 1e-3)
    assert.near(4, (centre[1] - curve[3][1]) / (curve[1][1] - centre[1]), 1e-3)
    assert.same({ "1", 180, 4, 3, 5 }, { tostring(rows[3][1]), table.unpack(rows[3], 2) })
    -- The outermost ring is round and holds the longest error bar.
    assert.truthy(spokes[1][2][1] - centre[1] >= 5 / 4 * (centre[1] - curve[3][1]) - 0.01)
  end)

  it("polar: orientations are drawn a second time, half a turn on", function()
    local paths = saved(plot.polar { angle = { 30, 120 }, r = { 2, 1 }, period = 180 })
    local curve = strokes(paths, style.width.line, 4)[1]
    local centre = { (curve[1][1] + curve[3][1]) / 2, (curve[1][2] + curve[3][2]) / 2 }
    assert.near(30, math.deg(math.atan(centre[2] - curve[1][2], curve[1][1] - centre[1])), 0.05)
    assert.near(centre[1], (curve[2][1] + curve[4][1]) / 2, 0.01)
    assert.error_matches(function() plot.polar { angle = { 0 }, r = { -1 } } end, "r%[1%] is %-1")
    assert.error_matches(function() plot.polar { angle = { 0, 1 }, r = { 1 } } end, "angle has 2 entries")
    assert.error_matches(function() plot.polar { angle = { 0 }, r = { 1 }, rlable = "x" } end, "rlable.*rlabel")
    assert.error_matches(function() plot.polar { angle = { 0 } } end, "r is missing")
    assert.error_matches(function() plot.polar { angle = { 0 }, r = { 1 }, period = 90 } end, "180, 360")
  end)

  it("raster: each spike once, rates by hand", function()
    local trials = { { 0.01, 0.015, 0.09 }, tensor.tensor({ 0.05 }, { dtype = "float64" }), {}, { 0.1, 0.3 } }
    local paths, rows = saved(plot.raster { trials, window = { 0, 0.1 }, bin = 0.02 })
    local spikes, rate = {}, {}
    for _, row in ipairs(rows) do
      if row[1] == "spike" then spikes[#spikes + 1] = { row[3], row[4] } else rate[#rate + 1] = row end
    end
    assert.same({ { 1, 0.01 }, { 1, 0.015 }, { 1, 0.09 }, { 2, 0.05 }, { 4, 0.1 } }, spikes)
    -- Counts a bin: 2 0 0 0 1; 0 0 1 0 0; none; 0 0 0 0 1 (the window's end belongs to the last bin).
    local expected, error = { 2 / 4 / 0.02, 0, 1 / 4 / 0.02, 0, 2 / 4 / 0.02 }, {}
    error[1] = math.sqrt((1.5 ^ 2 + 3 * 0.5 ^ 2) / 3 / 4) / 0.02
    for b = 1, 5 do
      assert.near(expected[b], rate[b][5], 1e-9)
      assert.near(0.02 * (b - 0.5), rate[b][4], 1e-9)
    end
    assert.near(error[1], rate[1][6], 1e-9)
    local lines = strokes(paths, style.width.error)[1] -- all spikes of the group in one path, two points each
    assert.equal(10, #lines)
    assert.near(lines[9][1] - lines[1][1], 0.09 / 0.005 * (lines[3][1] - lines[1][1]), 0.2)
    assert.truthy(lines[9][2] > lines[1][2]) -- trial 4 below trial 1
  end)

  it("raster: groups, and what is wrong", function()
    local _, rows = saved(plot.raster { trials = { { 0.1 }, { 0.2 } }, groups = { "a", "b" }, psth = false,
      window = { 0, 1 }, stimulus = { 0.1, 0.2 } })
    assert.equal("b", rows[#rows][2])
    assert.error_matches(function() plot.raster { { {}, {} } } end, "no trial has a spike")
    assert.error_matches(function() plot.raster { { { 0.1 } }, window = { 1, 0 } } end, "the earlier time first")
    assert.error_matches(function() plot.raster { { { 0.1 }, { 0.2 } }, groups = { "a" } } end, "has 1 entries")
    assert.error_matches(function() plot.raster { { { 0 / 0 } } } end, "spike 1 of trial 1 is at")
    assert.error_matches(function() plot.raster { { { 0, 1e6 } } } end, "take wider ones")
  end)

  it("contour: a circle's line is a circle", function()
    local rows, x = {}, {}
    for i = 1, 41 do x[i] = (i - 21) / 10 end
    for i = 1, 41 do
      rows[i] = {}
      for j = 1, 41 do rows[i][j] = x[i] ^ 2 + x[j] ^ 2 end
    end
    local _, lines = saved(plot.contour { rows, x = x, y = x, levels = { 1, 2.25 } })
    local length = { [1] = 0, [2.25] = 0 }
    for _, s in ipairs(lines) do
      assert.near(math.sqrt(s[1]), math.sqrt(s[2] ^ 2 + s[3] ^ 2), 2e-3)
      length[s[1]] = length[s[1]] + math.sqrt((s[4] - s[2]) ^ 2 + (s[5] - s[3]) ^ 2)
    end
    assert.near(2 * math.pi, length[1], 0.01)
    assert.near(3 * math.pi, length[2.25], 0.01)
  end)

  it("contour: saddles are joined by their mean, NaN leaves a hole", function()
    local _, lines = saved(plot.contour { { { 1, 0 }, { 0, 1 } }, levels = { 0.4 } })
    -- The mean, 0.5, is above: the corners at 1 are joined, and each line cuts off one at 0, (2, 1) or (1, 2).
    assert.equal(2, #lines)
    for _, s in ipairs(lines) do
      assert.near(0.4, math.abs(s[4] - s[2]), 1e-9)
      assert.near(0, (s[2] + s[4]) / 2 + (s[3] + s[5]) / 2 - 3, 1e-9)
    end
    _, lines = saved(plot.contour { { { 1, 0 }, { 0, 1 } }, levels = { 0.6 } })
    for _, s in ipairs(lines) do assert.near(0, s[2] + s[4] - s[3] - s[5], 1e-9) end -- (1, 1) and (2, 2) cut off
    _, lines = saved(plot.contour { { { 0, 1, 2 }, { 0, 1, 0 / 0 } }, levels = { 0.5, 1.5 } })
    assert.same({ { 0.5, 1.5, 1, 1.5, 2 } }, lines)
    assert.error_matches(function() plot.contour { { { 1, 1 }, { 1, 1 } } } end, "there is no contour")
    assert.error_matches(function() plot.contour { { { 1, 2 }, { 1 } } } end, "expected a full matrix")
    assert.error_matches(function() plot.contour { { { 1, 2 }, { 3, 4 } }, x = { 2, 1 } } end, "expected rising")
    assert.error_matches(function() plot.contour { { { 1, 2 }, { 3, 4 } }, levels = 0 } end, "a count from 1 to 100")
  end)

  it("quiver: arrows begin and end where they should", function()
    local paths, rows = saved(plot.quiver { x = { 0, 2, 4 }, y = { 0, 0, 0 }, u = { 1, 0, 0 / 0 },
      v = { 0, 0.5, 0 } })
    assert.same({ 2, 0, 0, 0.5, "" }, rows[2])
    local shafts = strokes(paths, style.width.error, 2)
    local tips = {}
    for _, path in ipairs(paths) do
      if not path.width and #path.points == 3 then tips[#tips + 1] = path.points[1] end
    end
    -- The longest, 1, reaches the nearest neighbour, 2 away; one scale for both directions. NaN draws nothing.
    local unit = (tips[1][1] - shafts[1][1][1]) / 2
    assert.near(shafts[1][1][1] + 2 * unit, shafts[2][1][1], 0.01)
    assert.near(unit, shafts[2][1][2] - tips[2][2], 0.02)
    assert.near(tips[2][1], shafts[2][1][1], 0.01)
    assert.equal(3, #shafts) -- two arrows and the legend's
    assert.error_matches(function() plot.quiver { x = { 0 }, y = { 0 }, u = { 1, 2 }, v = { 0 } } end,
      "u has 2 entries, expected 1")
    assert.error_matches(function() plot.quiver { x = { 0 }, y = { 0 }, u = { 1 } } end, "v")
  end)

  it("are the same bytes again", function()
    local fig = plot.panels { plot.polar { angle = { 0, 90, 180 }, r = { 1, 2, 4 } }, plot.raster { { { 0.1 } } },
      plot.contour { { { 1, 0 }, { 0, 1 } } }, plot.heatmap { { { 0, 1 }, { 1, 0 } }, categories = { "a", "b" } } }
    for _, format in ipairs { "svg", "png", "pdf" } do
      local bytes = {}
      for k = 1, 2 do
        fig:save(folder .. "/same." .. format)
        local file = assert(io.open(folder .. "/same." .. format, "rb"))
        bytes[k] = file:read "a"
        file:close()
      end
      assert.truthy(bytes[1] == bytes[2], format)
    end
  end)

  it("the cyclic map is of one lightness and closes", function()
    local map, least, most = style.map "cyclic", 1, 0
    for i = 0, 255 do
      local sum = 0
      for k, weight in ipairs { 0.2126, 0.7152, 0.0722 } do
        sum = sum + weight * (map[i]:byte(k) / 255) ^ 2.2
      end
      least, most = math.min(least, sum), math.max(most, sum)
    end
    assert.truthy(most / least < 1.35, most / least)
    for k = 1, 3 do assert.near(map[0]:byte(k), map[255]:byte(k), 2) end
  end)
end)
