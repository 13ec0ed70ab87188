-- What is said of an architecture that cannot be built: the line, the layer, the shapes, and what would fit; and what
-- is said to fit does.
local command = require "support.command"
local fit = require "lamina.fit"

-- The error of `model "m" { input {...}, area "V1" {...} }`; nil where it can be built.
local function refusal(input, layers)
  local result = command.code(string.format("model 'm' { input { %s }, area 'V1' { %s } }", input, layers))
  return result.err ~= "" and result.err or nil
end

describe("what would fit", function()
  for _, case in ipairs {
    { "1, 8, 8", "conv { 4, kernel = 9%s }", "kernel = 8 or pad = 1" },
    { "1, 4, 9", "conv { 4, kernel = 7, pad = 1%s }", "kernel = { 6, 7 } or pad = { 2, 1 }", pads = false },
    { "2, 5", "conv { 4, kernel = 4, dilation = 3%s }", "kernel = 2 or pad = 3" },
    { "2, 3, 4, 5", "conv { 4, kernel = 5%s }", "kernel = { 3, 4, 5 } or pad = { 1, 1, 0 }" },
    { "2, 3, 3", "pool.max { 4%s }", "kernel = 3 or pad = 1" },
    { "2, 2, 2", "pool.avg { 7%s }", "kernel = 2 or pad = 3" },
    { "2, 1, 9", "untied { 3, kernel = 3%s }", "kernel = { 1, 3 } or pad = { 1, 0 }" },
  } do
    it("of " .. case[2], function()
      local e = refusal(case[1], case[2]:format "")
      assert.matches("; " .. case[3] .. " would fit\n", e, 1, true)
      assert.matches("^lamina: %(command line%):1: ", e)
      assert.matches("\n  layer: V1.%w+1\n  shapes so far: input ", e)
      local kernel, pad = case[3]:match "^kernel = (.-) or pad = (.-)$"
      assert.is_nil(refusal(case[1], (case[2]:gsub("%d+%%s", kernel .. "%%s"):gsub("kernel = %d+", "kernel = "
        .. "" .. kernel)
        :format "")))
      if case.pads ~= false then assert.is_nil(refusal(case[1], case[2]:format(", pad = " .. pad))) end
    end)
  end

  it("does not ask for a margin of more than half a window", function()
    assert.matches("; kernel = 1 would fit\n", refusal("2, 1, 1", "pool.max { 2, dilation = 3 }"), 1, true)
    assert.is_nil(refusal("2, 1, 1", "pool.max { 1, dilation = 3 }"))
  end)

  it("of groups, pieces and transposed margins", function()
    for _, case in ipairs {
      { "6, 8, 8", "conv { 9, kernel = 3, groups = 2 }", "groups = 1 or 3 would fit" },
      { "4, 8, 8", "conv { 8, kernel = 3, groups = 16 }", "groups = 4 would fit" },
      { "6, 8, 8", "norm.group { 4 }", "groups = 3 or 6 would fit" },
      { "6, 8, 8", "maxout { 5 }", "pieces = 3 or 6 would fit" },
      { "2, 1, 1", "conv_transpose { 2, kernel = 3, pad = 2 }", "pad = 1 would fit" },
      { "2, 9, 9", "pool.max { 3, pad = 2 }", "pad = 1 would fit" },
    } do
      assert.matches("; " .. case[3] .. "\n", refusal(case[1], case[2]), 1, true)
    end
  end)

  it("names the layer within words of layers, at the line of the script", function()
    local code = "local function block(n)\n  return residual { conv { n, kernel = 3, pad = 1 }, relu,\n"
      .. "    conv { n, kernel = 11 } }\nend\nmodel 'm' { input { 3, 8, 8 },\n  area 'V1' { block(3) } }"
    local e = command.code(code).err
    assert.matches("^lamina: %(command line%):3: conv: a kernel of 11x11", e)
    assert.matches("\n  layer: V1.residual1.conv2\n  shapes so far: input 3x8x8 -> ", e, 1, true)
    e = refusal("3, 8, 8", "residual { conv { 4, kernel = 3, pad = 1 } }")
    assert.matches("\n  layer: V1.residual1\n", e, 1, true)
  end)

  it("names the layer of an architecture of the collection", function()
    local e = command.code("\nmodels.alexnet { input = 40 }").err
    assert.matches("^lamina: %(command line%):2: pool.max: a window of 3x3 does not fit into an input of 256x1x1", e)
    assert.matches("\n  layer: IT.pool1\n", e, 1, true)
  end)

  it("says that maps are needed", function()
    assert.matches("got 10: what needs maps stands before dense", refusal("1, 8, 8", "dense { 10 }, pool.max { 2 }"))
    assert.matches("got 10: what needs maps stands before dense", refusal("1, 8, 8", "dense { 10 }, conv { 2, "
      .. "kernel = 3 }"))
  end)

  it("finds divisors and multiples", function()
    assert.equal("2 or 4", fit.divisor(3, 8, 12))
    assert.equal("1", fit.divisor(5, 7, 9))
    assert.equal(6, fit.multiple(7, 3))
    assert.equal(3, fit.multiple(0, 3))
    assert.equal("{ 3, 5 }", fit.size { 3, 5 })
  end)
end)
