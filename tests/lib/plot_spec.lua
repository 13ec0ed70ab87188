-- Figures: numbers in the CSV, scales against known values, pictures against the edge of the page.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local plot = require "lamina.plot"
local scale = require "lamina.plot.scale"
local style = require "lamina.plot.style"
local tensor = require "lamina.core.tensor"

local folder = os.tmpname() .. ".plots"

local function bytes_of(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function lines_of(path)
  local lines = {}
  for line in bytes_of(path):gmatch "[^\r\n]+" do lines[#lines + 1] = line end
  return lines
end

-- Saves a figure as PNG and checks that no ink touches the edge of the page: nothing is cut off.
local function check_page(fig, name)
  local path = folder .. "/" .. name .. ".png"
  assert.equal(fig, fig:save(path))
  local image = core_io.png_read(path, { channels = 3 })
  local height, width = image:size(2), image:size(3)
  local least = math.min(image[{ {}, 1, {} }]:min():item(), image[{ {}, height, {} }]:min():item(),
    image[{ {}, {}, 1 }]:min():item(), image[{ {}, {}, width }]:min():item())
  assert.equal(255, least, name .. " has ink at the edge of the page")
  assert.truthy(image:min():item() < 128, name .. " is empty")
end

describe("scale", function()
  it("finds round ticks", function()
    assert.same({ "0.0", "0.2", "0.4", "0.6", "0.8", "1.0" }, scale.new(0, 1, { count = 5, pad = 0 }).labels)
    assert.same({ "0", "20", "40", "60", "80" }, scale.new(0, 93, { count = 5, pad = 0 }).labels)
    assert.same({ "\u{2212}2", "0", "2" }, scale.new(-3, 3, { count = 4, pad = 0 }).labels)
    assert.same({ "1", "2", "3" }, scale.new(1, 3, { count = 9, pad = 0, integer = true }).labels)
  end)

  it("writes large and small numbers with a common power", function()
    local made = scale.new(0, 3e6, { count = 3, pad = 0 })
    assert.same({ "0", "1", "2", "3" }, made.labels)
    assert.equal("\u{d7}10\u{2076}", made.note)
    assert.equal("\u{d7}10\u{207b}\u{2074}", scale.new(0, 3e-4, { count = 3, pad = 0 }).note)
  end)

  it("has powers of ten on a logarithmic axis", function()
    local made = scale.new(1e-2, 1e3, { count = 6, pad = 0, log = true })
    assert.same({ 1e-2, 1e-1, 1, 10, 100, 1000 }, made.ticks)
    assert.equal("10\u{207b}\u{b2}", made.labels[1])
    assert.near(0.4, scale.at(made, 1), 1e-12)
    assert.same({ "2", "5", "10", "20" }, scale.new(2, 30, { count = 6, pad = 0, log = true }).labels)
    -- Between two of 1, 2, 5: even steps, at the places of their logarithms.
    made = scale.new(2.2, 2.8, { count = 3, pad = 0, log = true })
    assert.same({ "2.2", "2.4", "2.6", "2.8" }, made.labels)
    assert.near(math.log(2.4 / 2.2) / math.log(2.8 / 2.2), scale.at(made, made.ticks[2]), 1e-12)
    assert.truthy(#scale.new(6, 6, { count = 3, log = true }).ticks > 1)
  end)

  it("has room where all values are alike, and where there are none", function()
    local made = scale.new(5, 5, { count = 4 })
    assert.truthy(made.low < 5 and made.high > 5)
    assert.near(0.5, scale.at(made, 5), 1e-12)
    for _, span in ipairs { 0.7, 2.9, 3, 5.8, 99 } do
      assert.truthy(#scale.new(-span, span, { count = 2, limits = { -span, span } }).ticks > 1)
    end
    assert.truthy(#scale.new(nil, nil, { count = 4 }).ticks > 1)
  end)
end)

describe("colour maps", function()
  -- Relative luminance of a 3-byte colour (IEC 61966-2-1), independent of the maps' own formula.
  local function luminance(bytes)
    local sum, weights = 0, { 0.2126, 0.7152, 0.0722 }
    for k = 1, 3 do
      local v = bytes:byte(k) / 255
      sum = sum + weights[k] * (v <= 0.04045 and v / 12.92 or ((v + 0.055) / 1.055) ^ 2.4)
    end
    return sum
  end

  it("ink and grey grow lighter all the way", function()
    for _, name in ipairs { "ink", "grey" } do
      local map = style.map(name)
      for i = 8, 255, 8 do assert.truthy(luminance(map[i]) > luminance(map[i - 8]), name .. " " .. i) end
      assert.truthy(luminance(map[0]) < 0.03 and luminance(map[255]) > 0.75)
    end
  end)

  it("signed is lightest at 0 and as dark on both sides", function()
    local map = style.map "signed"
    assert.truthy(luminance(map[128]) > 0.85)
    for i = 0, 120, 8 do assert.near(luminance(map[i]), luminance(map[255 - i]), 0.06) end
    assert.truthy(map[0]:byte(3) > map[0]:byte(1)) -- blue below
    assert.truthy(map[255]:byte(1) > map[255]:byte(3)) -- red above
  end)

  it("shade clamps and marks NaN", function()
    local map = style.map "grey"
    assert.equal("\0\0\0", style.shade(map, -5, 0, 1))
    assert.equal("\255\255\255", style.shade(map, 7, 0, 1))
    assert.equal("\xd8\xd8\xd8", style.shade(map, 0 / 0, 0, 1))
  end)
end)

describe("plot", function()
  it("takes one table, and shows the form where something comes after it", function()
    local x, history = { 1, 2, 3 }, { { epoch = 1 } }
    local calls = { line = { x, x }, scatter = { x, { title = "t" } }, bars = { { labels = { "a" } }, 1 },
      histogram = { x, 5 }, heatmap = { { x, x }, { title = "t" } }, images = { { { x } }, 2 },
      curve = { history, { title = "t" } }, layers = { history, 1 } }
    for word, arguments in pairs(calls) do
      local value, e = try(plot[word], table.unpack(arguments))
      assert.is_nil(value)
      assert.equal("argument", e.kind)
      assert.matches("^plot%." .. word .. " takes one table, and .* came after it: plot%." .. word .. " {", e.message)
    end
    assert.truthy(plot.histogram(x, nil))
  end)

  it("takes x and y without names", function()
    local x, y = tensor.tensor { 1, 2, 3 }, { 4, 5, 7 }
    local bare, named = os.tmpname(), os.tmpname()
    plot.line({ x, y, title = "t" }):save(bare .. ".svg")
    plot.line({ x = x, y = y, title = "t" }):save(named .. ".svg")
    assert.same(lines_of(named .. ".csv"), lines_of(bare .. ".csv"))
    for _, path in ipairs { bare, named } do
      for _, ending in ipairs { "", ".svg", ".csv" } do os.remove(path .. ending) end
    end
    local _, e = try(plot.line, { x, y, x })
    assert.matches("^plot%.line: 3 lists of numbers, expected { x, y }", e.message)
  end)

  setup(function() base.mkdir(folder) end)
  teardown(function()
    for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
    base.remove(folder)
  end)

  it("line writes its numbers as CSV and leaves a gap at NaN", function()
    local fig = plot.line { { x = { 1, 2, 4 }, y = { 0.5, 0 / 0, 0.25 }, low = { 0.25, 0, 0 }, high = { 1, 1, 1 },
      label = "V1" }, { y = { 1, 2 } }, xlabel = "time / s", ylabel = "rate / Hz", title = "Two series" }
    check_page(fig, "line")
    local lines = lines_of(folder .. "/line.csv")
    assert.equal("series,x,y,low,high", lines[1])
    assert.equal("V1,1,0.5,0.25,1", lines[2])
    assert.equal("2,2,2,,", lines[6])
    assert.equal(6, #lines)
  end)

  it("saves the same bytes again, in all formats", function()
    local fig = plot.line { 1, 3, 2 }
    for _, format in ipairs { "svg", "pdf", "png" } do
      fig:save(folder .. "/one." .. format):save(folder .. "/two." .. format)
      assert.equal(bytes_of(folder .. "/one." .. format), bytes_of(folder .. "/two." .. format))
    end
  end)

  it("bars take errors, groups and every form of ceiling", function()
    local labels, values = { "pixels", "V1", "a very long name of a layer", "IT" }, { 0.1, -0.2, 0.5, 0 / 0 }
    for i, ceiling in ipairs { 0.8, { low = 0.7, high = 0.9 }, { 0.5, 0.6, { low = 0.7, high = 0.8 }, 0.9 } } do
      local fig = plot.bars { labels = labels, values = values, errors = { 0.1, 0.1, 0.2, 0 }, ceiling = ceiling,
        groups = { "pixels", "V1", "V2", "IT" }, ylabel = "Pearson r", reference = 0.3, reference_label = "chance" }
      check_page(fig, "bars" .. i)
    end
    local lines = lines_of(folder .. "/bars3.csv")
    assert.equal("pixels,,0.1,0.0,0.2,0.5,0.5", lines[2])
    assert.equal(",0.7,0.8", lines[4]:sub(-8))
  end)

  it("histogram counts every finite value once", function()
    local values, counted = {}, 0
    for i = 1, 100 do values[i] = (i * 37 % 101) / 10 end
    values[101], values[102] = 0 / 0, 1 / 0
    check_page(plot.histogram { values, bins = 7, xlabel = "r" }, "histogram")
    local lines = lines_of(folder .. "/histogram.csv")
    for i = 2, #lines do
      local low, high, count = lines[i]:match "^1,([^,]+),([^,]+),(%d+)$"
      local naive = 0
      for k = 1, 100 do
        local inside = values[k] >= tonumber(low) and (values[k] < tonumber(high) or i == #lines)
        naive = naive + (inside and 1 or 0)
      end
      assert.equal(naive, tonumber(count))
      counted = counted + naive
    end
    assert.equal(100, counted)
    assert.equal(8, #lines)
  end)

  it("scatter and logarithmic axes", function()
    check_page(plot.scatter { x = { 1, 10, 1e4 }, y = { 1, 2, 3 }, errors = { 0.5, 0.5, 0.5 }, xlog = true,
      xlabel = "penalty", ylabel = "r" }, "scatter")
    assert.error_matches(function() plot.line { x = { 0, 1 }, y = { 1, 2 }, xlog = true } end, "needs more than 0")
  end)

  it("heat map puts row 1 at the top", function()
    local fig = plot.heatmap { { { 0, 1 }, { 1, 0.5 } }, map = "grey", label = "dissimilarity", rows = { "a", "b" } }
    check_page(fig, "heat")
    assert.same({ "row,column,value", "a,1,0", "a,2,1", "b,1,1", "b,2,0.5" }, lines_of(folder .. "/heat.csv"))
    local image = core_io.png_read(folder .. "/heat.png", { channels = 1 })
    local h, w = image:size(2), image:size(3)
    assert.equal(0, image[{ 1, h // 4, w // 4 }]) -- upper left cell: the least value, black
    assert.equal(255, image[{ 1, h // 4, w // 2 + w // 8 }])
  end)

  it("images: one for each, channels side by side, three channels in colour", function()
    check_page(plot.images { tensor.randn { 12, 1, 7, 5 }, columns = 6, title = "Filters" }, "images")
    check_page(plot.images { tensor.rand { 4, 3, 6, 6 }, titles = { "a", "b", "c", "a much longer title" } }, "rgb")
    check_page(plot.images { tensor.randn { 2, 4, 3, 3 }, normalise = "all" }, "channels")
    assert.equal(1 + 2 * 4 * 9, #lines_of(folder .. "/channels.csv"))
    assert.error_matches(function() plot.images { tensor.randn { 3, 3 } } end, "images of 2 axes")
  end)

  it("refuses unknown options and lengths that differ", function()
    assert.error_matches(function() plot.line { x = { 1 }, y = { 1 }, xlable = "t" } end, "xlable.*xlabel")
    assert.error_matches(function() plot.line { 1, 2, heigth = 3 } end, "heigth.*height")
    assert.error_matches(function() plot.line { y = { 1 }, lable = "V1" } end, "lable.*label")
    assert.error_matches(function() plot.histogram { 1, 2, bin = 3 } end, "bin.*bins")
    assert.error_matches(function() plot.line { x = { 1, 2 }, y = { 1 } } end, "x has 2 entries, expected 1")
    assert.error_matches(function() plot.bars { labels = { "a" }, values = { 1 }, low = { 0 } } end,
      "belong together")
    assert.error_matches(function() plot.bars { labels = { "a" }, values = { "1" } } end, "expected a number")
    assert.error_matches(function() plot.line({ 1, 2 }):save "x.gif" end, "%.svg, %.pdf or %.png")
  end)

  it("curve draws what train returned, errors in percent", function()
    local history = require("lamina.history").new {
      { epoch = 1, step = 10, train_loss = 2.0, train_error = 0.5, valid_loss = 1.5, valid_error = 0.25,
        seconds = 1.0 },
      { epoch = 2, step = 20, train_loss = 1.0, train_error = 0.25, valid_loss = 1.25, valid_error = 0.125,
        seconds = 1.0 },
    }
    check_page(plot.curve(history), "curve")
    check_page(plot.curve { history, title = "Learning" }, "curve2")
    local lines = lines_of(folder .. "/curve.csv")
    assert.same({ "series,epoch,value", "train_loss,1,2.0", "train_loss,2,1.0" }, { lines[1], lines[2], lines[3] })
    assert.equal(9, #lines)
    assert.truthy(table.concat(lines, "\n"):find("valid_error,2,0.125", 1, true))
    assert.error_matches(function() plot.curve { 1, 2 } end, "plot.curve")
    assert.error_matches(function() plot.curve(require("lamina.history").new()) end, "no epochs yet")
  end)

  it("layers draws scores, their groups and their ceilings", function()
    local rows = {}
    for i, layer in ipairs { "pixels", "V1.conv1", "IT.dense1" } do
      for _, group in ipairs { "simple", "object" } do
        rows[#rows + 1] = { layer = layer, area = i == 1 and "" or layer:match "^%w+", group = group, r = i / 8,
          low = i / 16, high = i / 4, ceiling = 0.75, ceiled = i / 6 }
      end
    end
    check_page(plot.layers { kind = "predictivity", formula = "r / c", by = "group", rows = rows }, "groups")
    local lines = lines_of(folder .. "/groups.csv")
    assert.equal(1 + 6, #lines)
    assert.equal("simple,V1.conv1,V1,0.25,0.125,0.5,0.75,", lines[3]:match "^.-0%.75,")
    check_page(plot.layers { { kind = "predictivity", formula = "(r / c)^2", rows = { rows[1], rows[3] } },
      title = "One score" }, "one")
    check_page(plot.layers { kind = "separability", chance = 0.5, rows = {
      { layer = "V1", area = "V1", accuracy = 0.75, low = 0.7, high = 0.8 } } }, "separability")
    assert.error_matches(function() plot.layers(3) end, "plot.layers takes the score")
  end)
end)
