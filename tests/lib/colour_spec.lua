-- Colour spaces against published values, each way and back; resizing with anti-aliasing against PyTorch 2.15's
-- interpolate(mode = "bilinear", antialias = True).
local check = require "lamina.grad.check"
local colour = require "lamina.colour"
local core = require "lamina.core.tensor"
local image = require "lamina.image"
local model = require "lamina.model"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local function pixel(...) return core.tensor({ ... }, { dtype = "float64" }):reshape { 3, 1, 1 } end

local function values(t) return t:reshape({ -1 }):totable() end

local function near(want, got, bound, what)
  for i, value in ipairs(want) do assert.near(value, got[i], bound, what .. " " .. i) end
end

describe("colours", function()
  it("are those of the standards", function()
    -- CIE: the primaries of sRGB; white; middle grey. HSV: Python's colorsys.
    near({ 53.2408, 80.0925, 67.2032 }, values(image.colour { pixel(1, 0, 0), "lab" }), 2e-3, "red")
    near({ 87.7347, -86.1827, 83.1793 }, values(image.colour { pixel(0, 1, 0), "lab" }), 2e-3, "green")
    near({ 32.2970, 79.1875, -107.8602 }, values(image.colour { pixel(0, 0, 1), "lab" }), 2e-3, "blue")
    near({ 100, 0, 0 }, values(image.colour { pixel(1, 1, 1), "lab" }), 2e-2, "white")
    near({ 0.95047, 1, 1.08883 }, values(image.colour { pixel(1, 1, 1), "xyz" }), 1e-4, "white")
    near({ 0.214041, 0.214041, 0.214041 }, values(image.colour { pixel(0.5, 0.5, 0.5), "linear" }), 1e-6, "half")
    near({ 1, 1, 1 }, values(image.colour { pixel(1, 1, 1), "lms" }), 1e-3, "white")
    near({ 0.595238, 0.777778, 0.9 }, values(image.colour { pixel(0.2, 0.5, 0.9), "hsv" }), 1e-6, "blue")
    near({ 0.944444, 0.857143, 0.7 }, values(image.colour { pixel(0.7, 0.1, 0.3), "hsv" }), 1e-6, "red")
    near({ 0.261905, 0.875, 0.8 }, values(image.colour { pixel(0.4, 0.8, 0.1), "hsv" }), 1e-6, "green")
    near({ 0, 0, 0.3 }, values(image.colour { pixel(0.3, 0.3, 0.3), "hsv" }), 1e-9, "grey")
    near({ 0.299, -0.168736, 0.5 }, values(image.colour { pixel(1, 0, 0), "ycbcr" }), 1e-6, "red")
    near({ 0.4, 0.3, 0.45 }, values(image.colour { pixel(0.4, 0.1, 0.7), "opponent" }), 1e-9, "violet")
    near({ 0.299 * 0.4 + 0.587 * 0.1 + 0.114 * 0.7 }, values(image.colour { pixel(0.4, 0.1, 0.7), "grey" }), 1e-9,
      "violet")
  end)

  it("come back", function()
    local x = core.draw { kind = "uniform", shape = { 2, 3, 5, 4 }, seed = 3, purpose = "colour", low = 0, high = 1,
      dtype = "float64" }
    for _, space in ipairs(colour.spaces) do
      if space ~= "grey" then
        local back = image.colour { image.colour { x, space }, "rgb", from = space }
        assert.is_true((back - x):abs():max():item() < 1e-6, space)
      end
    end
  end)

  it("have gradients", function()
    local x = core.tensor({ 0.21, 0.5, 0.01, 0.62, 0.77, 0.02, 0.4, 0.9, 0.005 }, { dtype = "float64" })
      :reshape { 3, 3, 1 }
    for _, space in ipairs(colour.spaces) do
      assert.is_true(check.gradcheck(function(t) return colour.convert(t, "rgb", space) end, { x }).ok, space)
    end
    local black = core.zeros({ 3, 1, 1 }):requires_grad(true)
    for _, space in ipairs(colour.spaces) do
      black:zero_grad()
      colour.convert(black, "rgb", space):sum():backward()
      assert.equal(0, ops.isnan(black.grad):to("float32"):sum():item(), space)
    end
  end)

  it("are a layer", function()
    local net = model.model "c" { model.input { 3, 2, 2 }, model.area "A" { words.find "colour" { "grey" } } }
    assert.same({ 1, 2, 2 }, net.A.shape)
    local ok, e = pcall(function()
      return model.model "c" { model.input { 1, 2, 2 }, model.area "A" { words.find "colour" { "lab" } } }
    end)
    assert.is_false(ok)
    assert.matches("colour: rgb has 3 channels, got 1x2x2", tostring(e), 1, true)
    ok, e = pcall(image.colour, { core.zeros { 2, 2 }, "lab" })
    assert.is_false(ok)
    assert.matches("image.colour: x is 2x2; rgb has 3 channels, the third axis from the end", tostring(e), 1, true)
  end)
end)

describe("anti-aliasing", function()
  local list = {}
  for i = 0, 83 do list[i + 1] = (i * 37 + 13) % 29 / 10 end
  local x = core.tensor(list):reshape { 1, 2, 6, 7 }
  local small = { 1.580357, 1.232353, 1.616964, 1.235714, 1.201471, 1.764286, 1.3125, 1.482353, 1.141964, 1.382143,
    1.536765, 1.108036 }
  local tall = { 0.519048, 1.764, 1.148, 1.580952, 1.178571, 1.664, 1.048, 1.480952, 1.804762, 1.530667, 0.914667,
    1.347619, 1.671428, 1.397333, 0.781333, 1.214286, 1.538095, 1.264, 1.402, 1.15, 1.404762, 1.130667, 2.022667,
    1.085714, 1.271429, 0.997333, 1.889333, 0.952381, 1.759524, 1.154, 1.756, 0.819048, 2.280952, 1.344, 1.656,
    0.719048 }

  it("is PyTorch's", function()
    near(small, values(image.resize { x, { 2, 3 }, method = "antialias" }), 1e-5, "small")
    near(tall, values(image.resize { x, { 9, 4 }, method = "antialias" }[{ 1, 2 }]), 1e-5, "tall")
    local net = model.model "r" { model.input { 2, 6, 7 }, model.area "A" {
      words.find "resize" { { 2, 3 }, mode = "bilinear", antialias = true } } }
    near(small, values(net(x)), 1e-5, "layer")
  end)

  it("goes with bilinear", function()
    local ok, e = pcall(function()
      return model.model "r" { model.input { 2, 6, 7 }, model.area "A" {
        words.find "resize" { { 2, 3 }, antialias = true } } }
    end)
    assert.is_false(ok)
    assert.matches('resize: antialias = true goes with mode = "bilinear", not "nearest"', tostring(e), 1, true)
  end)
end)
