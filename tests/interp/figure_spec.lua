-- The canvas: pixels and files against what was asked for.
local figure = require "lamina.core.figure"
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"

local folder = os.tmpname() .. ".figures"

local function bytes_of(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- One drawing with everything in it.
local function draw(format, path)
  local c = figure.canvas(format, 60, 40, 2)
  c:color(1, 0, 0):rectangle(10, 10, 20, 20):fill()
  c:color(0, 0, 0):text(5, 38, "\u{3bc} = \u{2212}1", 8)
  c:image("\0\0\255\0\255\0", 1, 2, 40, 10, 10, 10)
  c:pen(1, true):dash(2, 1):move_to(0, 35):line_to(60, 35):stroke():dash()
  c:push():rectangle(0, 0, 5, 5):clip():circle(5, 5, 3):fill():pop()
  c:save(path)
end

describe("canvas", function()
  setup(function() base.mkdir(folder) end)
  teardown(function()
    for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
    base.remove(folder)
  end)

  it("paints the pixels that were asked for", function()
    draw("png", folder .. "/a.png")
    local image = core_io.png_read(folder .. "/a.png", { channels = 3 }):totable()
    assert.equal(80, #image[1])
    assert.equal(120, #image[1][1])
    local function pixel(x, y) return { image[1][y * 2][x * 2], image[2][y * 2][x * 2], image[3][y * 2][x * 2] } end
    assert.same({ 255, 0, 0 }, pixel(20, 20)) -- the rectangle
    assert.same({ 255, 255, 255 }, pixel(35, 20)) -- paper
    assert.same({ 0, 0, 255 }, pixel(42, 15)) -- the image's first cell
    assert.same({ 0, 255, 0 }, pixel(48, 15)) -- and its second
    assert.same({ 255, 255, 255 }, pixel(7, 7)) -- outside the clip
    assert.same({ 0, 0, 0 }, pixel(4, 4)) -- inside the clip and the circle
  end)

  it("gives the same bytes for the same drawing, whatever was drawn before", function()
    for _, format in ipairs { "svg", "pdf", "png" } do
      draw(format, folder .. "/first." .. format)
      draw("svg", folder .. "/between.svg")
      draw(format, folder .. "/second." .. format)
      assert.equal(bytes_of(folder .. "/first." .. format), bytes_of(folder .. "/second." .. format))
    end
    assert.truthy(bytes_of(folder .. "/first.svg"):find("<svg", 1, true))
    assert.equal("%PDF", bytes_of(folder .. "/first.pdf"):sub(1, 4))
  end)

  it("holds many images in one SVG, each under its own name", function()
    local c = figure.canvas("svg", 60, 40)
    for k = 1, 30 do c:image("\0\0\0", 1, 1, k, 1, 1, 1) end
    c:save(folder .. "/many.svg")
    local text, names, count = bytes_of(folder .. "/many.svg"), {}, 0
    for name in text:gmatch "<image id=\"image(%d+)\"" do
      assert.falsy(names[name])
      names[name], count = true, count + 1
    end
    assert.equal(30, count)
    for name in text:gmatch "href=\"#image(%d+)\"" do assert.truthy(names[name], "image" .. name) end
  end)

  it("measures text in proportion", function()
    local c = figure.canvas("svg", 10, 10)
    local one, ascent, descent = c:extents("m", 8)
    assert.near(3 * one, (c:extents("mmm", 8)), 1e-6)
    assert.near(2 * one, (c:extents("m", 16)), 0.02 * one)
    assert.truthy((c:extents("m", 8, true)) > one)
    assert.truthy(ascent > 4 and ascent < 12 and descent > 0 and descent < 4)
  end)

  it("refuses what cannot be drawn", function()
    assert.error_matches(function() figure.canvas("gif", 10, 10) end, "'gif', expected 'svg', 'pdf' or 'png'")
    assert.error_matches(function() figure.canvas("png", 0, 10) end, "expected more than 0")
    assert.error_matches(function() figure.canvas("png", 1e4, 10, 100) end, "at most 32767 pixels")
    local c = figure.canvas("svg", 10, 10)
    assert.error_matches(function() c:line_to(0 / 0, 1) end, "line_to: x is %-?nan, expected a finite number")
    assert.error_matches(function() c:image("abc", 2, 1, 0, 0, 1, 1) end, "expected 3 bytes a cell")
    assert.error_matches(function() c:dash(0) end, "expected more than 0")
  end)

  it("is used up by save, and a failed save leaves no file", function()
    local c = figure.canvas("svg", 10, 10)
    assert.error_matches(function() c:save(folder .. "/no/such/place.svg") end, "place.svg")
    assert.error_matches(function() c:fill() end, "saved already")
    assert.falsy(base.exists(folder .. "/no"))
  end)

  it("says what is missing where there is no program that draws", function()
    local pipe = io.popen("readlink /proc/$PPID/exe")
    local lamina = pipe:read "l"
    pipe:close()
    local script = [[require("lamina.core.figure").canvas("svg", 1, 1)]]
    pipe = io.popen(string.format("LAMINA_MODULES=%s '%s' -e '%s' 2>&1", folder, lamina, script))
    local said = pipe:read "a"
    local _, _, code = pipe:close()
    assert.equal(1, code)
    assert.truthy(said:find("figures need the program lamina-figure (Cairo)", 1, true), said)
    assert.truthy(said:find(folder .. "/lamina-figure", 1, true), said)
  end)
end)
