-- Panels with letters, and categories and pictures beside a matrix: read back from pixels and CSV.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local plot = require "lamina.plot"
local tensor = require "lamina.core.tensor"

local folder = os.tmpname() .. ".panels"

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

local function pixels(fig, name)
  local path = folder .. "/" .. name .. ".png"
  fig:save(path)
  local image = core_io.png_read(path, { channels = 3 })
  local height, width = image:size(2), image:size(3)
  local least = math.min(image[{ {}, 1, {} }]:min():item(), image[{ {}, height, {} }]:min():item(),
    image[{ {}, {}, 1 }]:min():item(), image[{ {}, {}, width }]:min():item())
  assert.equal(255, least, name .. " has ink at the edge of the page")
  return image
end

-- Whether any pixel of the rectangle (from, to of rows and columns) has exactly this colour.
local function holds(image, rows, columns, color)
  local part = image[{ {}, rows, columns }]:to "float64"
  local off = 0
  for k = 1, 3 do off = off + (part[k] - color[k]):abs() end
  return off:min():item() == 0
end

describe("plot.panels", function()
  setup(function() base.mkdir(folder) end)
  teardown(function()
    for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
    base.remove(folder)
  end)

  local function two()
    return plot.line { 1, 3, 2, title = "One" }, plot.bars { labels = { "x" }, values = { 4 } }
  end

  it("has one CSV with the panel's letter first and the columns of all", function()
    local a, b = two()
    pixels(plot.panels { a, b, title = "Two" }, "two")
    local lines = lines_of(folder .. "/two.csv")
    assert.equal("panel,series,x,y,low,high,label,value,ceiling_low,ceiling_high", lines[1])
    assert.equal("a,1,1,1,,,,,,", lines[2])
    assert.equal("b,,,,,,x,4,,", lines[5])
    assert.equal(5, #lines)
  end)

  it("takes letters of one's own, and none", function()
    local a, b = two()
    local with = pixels(plot.panels { a, b, letters = { "A", "B" } }, "letters")
    local without = pixels(plot.panels { a, b, letters = false }, "plain")
    assert.equal("A,1,1,1,,,,,,", lines_of(folder .. "/letters.csv")[2])
    -- A letter stands at the panel's upper left corner, 6 to 13 points from the top; axes are lower, to the right.
    assert.truthy(with[{ {}, { 14, 38 }, { 1, 28 } }]:min():item() < 64)
    assert.equal(255, without[{ {}, { 14, 38 }, { 1, 28 } }]:min():item())
  end)

  it("keeps the label of an axis off the panel's letter", function()
    local function panels(label)
      return plot.panels { plot.bars { labels = { "normalisation", "overlap" }, values = { -2.4, 1 },
        title = "Left out", ylabel = label }, plot.line { 1, 2 }, widths = { 3, 2 } }
    end
    local corner = { {}, { 1, 38 }, { 1, 45 } }
    local short, long = pixels(panels "y", "short"), pixels(panels "change of accuracy (points)", "long")
    assert.is_true(short[corner]:equal(long[corner]))
    assert.is_true(long[{ {}, { 45, 300 }, { 1, 20 } }]:min():item() < 128) -- the label is there
  end)

  it("gives columns their shares of the width, and panels in panels their place", function()
    local a, b = two()
    local image = pixels(plot.panels { a, plot.panels { b, b, columns = 1 }, widths = { 2, 1 } }, "nested")
    assert.equal(670, image:size(3)) -- 85 mm at 200 dots per inch: 669.3 pixels
    local lines = lines_of(folder .. "/nested.csv")
    assert.equal("panel,series,x,y,low,high,label,value,ceiling_low,ceiling_high", lines[1])
    assert.equal("a,1,1,1,,,,,,", lines[2])
    assert.equal("b.a,,,,,,x,4,,", lines[5])
    assert.equal("b.b,,,,,,x,4,,", lines[6])
  end)

  it("says what is wrong", function()
    local a, b = two()
    assert.error_matches(function() plot.panels { a, 3 } end, "plot.panels: entry 2 is a number, expected a figure")
    assert.error_matches(function() plot.panels {} end, "plot.panels takes figures")
    assert.error_matches(function() plot.panels { a, b, widths = { 1 } } end, "widths has 1 entries, expected 2")
    assert.error_matches(function() plot.panels { a, b, widths = { 1, -1 } } end, "widths%[2%] is %-1, expected")
    assert.error_matches(function() plot.panels { a, b, letters = { "a" } } end, "letters has 1 entries, expected 2")
    assert.error_matches(function() plot.panels { a, b, column = 2 } end, "column.*columns")
  end)
end)

describe("plot.scatter with an aspect", function()
  it("makes units of x and y equally long, or takes the shape it is given", function()
    local panel = plot.scatter({ x = { 0, 4, 2 }, y = { 1, 3, 2 }, aspect = "equal" }).panels[1]
    local x, y = panel.xscale.limits, panel.yscale.limits
    assert.is_true(x[1] < 0 and x[2] > 4 and y[1] < 1 and y[2] > 3)
    assert.is_true(math.abs((y[2] - y[1]) / (x[2] - x[1]) - panel.aspect) < 1e-12)
    assert.is_true(math.abs(panel.aspect - 0.5) < 1e-12)
    assert.equal(0.7, plot.scatter({ x = { 0, 4 }, y = { 1, 3 }, aspect = 0.7 }).panels[1].aspect)
    assert.error_matches(function() plot.scatter { x = { 0, 4 }, y = { 1, 3 }, aspect = "square" } end,
      "option 'aspect' is square, expected a number from 0.05 to 20 or \"equal\"")
    assert.error_matches(function() plot.scatter { x = { 1, 4 }, y = { 1, 3 }, xlog = true, aspect = "equal" } end,
      "goes without xlog")
  end)
end)

describe("plot.heatmap of an RDM", function()
  it("is that of its matrix, with or without a table", function()
    local rdm = require "lamina.rdm"
    local r = rdm.from { { { 0, 1, 2 }, { 1, 0, 4 }, { 2, 4, 0 } } }
    local wanted = plot.heatmap { r:matrix() }.table
    assert.same(wanted, plot.heatmap(r).table)
    assert.same(wanted, plot.heatmap { r, categories = { "a", "a", "b" } }.table)
    assert.error_matches(function() plot.heatmap(rdm.join { r, r }) end,
      "plot.heatmap: the set holds 2 RDMs; draw one of them: plot.heatmap { r:matrix%(1%) }")
  end)
end)

describe("plot.heatmap with categories", function()
  setup(function() base.mkdir(folder) end)
  teardown(function()
    for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
    base.remove(folder)
  end)

  local names = { "face", "face", "hand", "hand" }
  local blue, orange = { 0, 114, 178 }, { 230, 159, 0 }

  it("draws a strip of each category's colour along its rows and columns", function()
    local image = pixels(plot.heatmap { tensor.zeros { 4, 4 }, low = 0, high = 1, categories = names }, "strips")
    local h, w = image:size(2), image:size(3)
    local middle = { h // 8, h // 2 - 20 }
    assert.truthy(holds(image, middle, { 1, 30 }, blue))
    assert.falsy(holds(image, middle, { 1, 30 }, orange))
    assert.truthy(holds(image, { h // 2 + 20, h - 40 }, { 1, 30 }, orange))
    assert.truthy(holds(image, { h - 60, h }, { w // 2, w - 120 }, orange))
    assert.falsy(holds(image, { h - 60, h }, { w // 2, w - 120 }, blue))
  end)

  it("puts a picture in the middle of its category", function()
    local red = tensor.tensor { { { 1, 1 }, { 1, 1 } }, { { 0, 0 }, { 0, 0 } }, { { 0, 0 }, { 0, 0 } } }
    local image = pixels(plot.heatmap { tensor.zeros { 4, 4 }, low = 0, high = 1, categories = names,
      icons = { hand = red } }, "icons")
    local h = image:size(2)
    assert.falsy(holds(image, { 1, h // 2 }, { 1, 60 }, { 255, 0, 0 }))
    assert.truthy(holds(image, { h // 2, h }, { 1, 60 }, { 255, 0, 0 }))
    local rows = pixels(plot.heatmap { tensor.zeros { 3, 3 }, icons = tensor.rand { 3, 5, 5 } }, "rows")
    assert.truthy(rows:size(2) > 0)
  end)

  it("says what is wrong", function()
    local m = tensor.zeros { 4, 4 }
    assert.error_matches(function() plot.heatmap { m, categories = { "a" } } end,
      "categories has 1 entries, expected 4")
    assert.error_matches(function() plot.heatmap { tensor.zeros { 2, 3 }, categories = { "a", "b" } } end,
      "categories are for a square matrix")
    assert.error_matches(function() plot.heatmap { m, categories = names, icons = { foot = m } } end,
      "icons has a picture for 'foot', which is no category")
    assert.error_matches(function() plot.heatmap { m, icons = tensor.zeros { 3, 2, 2 } } end,
      "icons has 3 pictures, expected 4")
    assert.error_matches(function() plot.heatmap { m, icons = tensor.zeros { 4, 2, 2, 2 } } end,
      "expected a picture H x W")
  end)
end)
