-- Layers against plain loops in Lua, shapes and costs against numbers worked out by hand.
local core = require "lamina.core.tensor"
local models = require "lamina.model"
local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local dropout = require "lamina.layers.dropout"
local flatten = require "lamina.layers.flatten"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape)
  return core.draw { kind = "normal", shape = shape, seed = 5, purpose = "layers_spec" }
end

-- Cross-correlation of one image (nested tables) by its definition.
local function naive_conv(x, w, b, stride, pad, dilation, groups)
  local y, per = {}, #w / groups
  local height, width = #x[1], #x[1][1]
  for o = 1, #w do
    y[o] = {}
    local first = ((o - 1) // per) * #w[1]
    for oy = 0, (height + 2 * pad - (#w[1][1] - 1) * dilation - 1) // stride do
      y[o][oy + 1] = {}
      for ox = 0, (width + 2 * pad - (#w[1][1][1] - 1) * dilation - 1) // stride do
        local sum = b and b[o] or 0
        for c = 1, #w[1] do
          for ky = 1, #w[1][1] do
            for kx = 1, #w[1][1][1] do
              local row = x[first + c][oy * stride - pad + (ky - 1) * dilation + 1]
              sum = sum + w[o][c][ky][kx] * (row and row[ox * stride - pad + (kx - 1) * dilation + 1] or 0)
            end
          end
        end
        y[o][oy + 1][ox + 1] = sum
      end
    end
  end
  return y
end

local function assert_near(expected, actual, path)
  if type(expected) == "table" then
    assert.equal(#expected, #actual, path)
    for i = 1, #expected do assert_near(expected[i], actual[i], path .. "." .. i) end
  else
    assert.is_true(math.abs(expected - actual) < 1e-4, string.format("%s: %g is not %g", path, actual, expected))
  end
end

describe("conv", function()
  local cases = {
    { { 4, kernel = 3 }, stride = 1, pad = 0, dilation = 1, groups = 1 },
    { { 4, kernel = 3, stride = 2, pad = 1 }, stride = 2, pad = 1, dilation = 1, groups = 1 },
    { { 4, kernel = 3, pad = 2, dilation = 2, groups = 2 }, stride = 1, pad = 2, dilation = 2, groups = 2 },
    { { 6, kernel = { 3, 3 }, pad = "same", bias = false }, stride = 1, pad = 1, dilation = 1, groups = 1 },
    { { 2, kernel = 2, pad = "valid", stride = 3 }, stride = 3, pad = 0, dilation = 1, groups = 1 },
  }
  for i, case in ipairs(cases) do
    it("agrees with the definition, case " .. i, function()
      local net = net_of({ 2, 7, 6 }, conv(case[1]))
      local x = draw { 2, 2, 7, 6 }
      local p = {}
      for _, entry in ipairs(net:parameters()) do p[entry.name] = entry.tensor:detach():totable() end
      local y = net(x)
      for n = 1, 2 do
        assert_near(naive_conv(x[n]:totable(), p["A.conv1.weight"], p["A.conv1.bias"], case.stride, case.pad,
          case.dilation, case.groups), y[n]:detach():totable(), "y")
      end
      assert.equal(table.concat(net:layers()[1].shape, "x"), table.concat(y[1].shape, "x"))
    end)
  end

  it("counts multiply-adds and parameters", function()
    local net = net_of({ 4, 8, 8 }, conv { 6, kernel = 3, pad = 1, groups = 2 })
    assert.equal(6 * 2 * 9 + 6, net:count())
    assert.equal(6 * 64 * 2 * 9, net.nodes[1].cost)
  end)

  it("refuses what cannot be", function()
    for _, case in ipairs {
      { { 2, 8, 8 }, { 4, kernel = 9 }, "does not fit" },
      { { 2, 8, 8 }, { 3, kernel = 3, groups = 2 }, "groups" },
      { { 2, 8, 8 }, { 4, kernel = 3, pad = { 1, 1, 1 } }, "pad has 3 numbers" },
      { { 2, 8, 8 }, { 4, kernel = 3, pad = "some" }, "pad" },
      { { 2, 8, 8 }, { 4 }, "kernel" },
      { { 2, 8, 8 }, { kernel = 3 }, "width" },
      { { 2, 8, 8 }, { 4, 3, kernel = 3 }, "too many values" },
      { { 2, 8, 8 }, { 4, kernel = 3, stride = 0 }, "stride" },
      { { 2, 8, 8 }, { 4, kernel = 3, init = "best" }, "init" },
      { { 16 }, { 4, kernel = 3 }, "channels x height x width" },
    } do
      local ok, err = pcall(net_of, case[1], conv(case[2]))
      assert.is_false(ok, case[3])
      assert.matches(case[3], tostring(err), 1, true)
    end
  end)
end)

describe("dense", function()
  it("is x W' + b on the flattened input", function()
    local net = net_of({ 2, 2, 3 }, dense { 4 })
    local x = draw { 3, 2, 2, 3 }
    local w, b = net:parameters()[1].tensor:detach():totable(), net:parameters()[2].tensor:detach():totable()
    local flat, y = x:reshape({ 3, 12 }):totable(), net(x):detach():totable()
    for n = 1, 3 do
      for o = 1, 4 do
        local sum = b[o]
        for i = 1, 12 do sum = sum + w[o][i] * flat[n][i] end
        assert.is_true(math.abs(sum - y[n][o]) < 1e-5)
      end
    end
    assert.equal(48, net.nodes[1].cost)
  end)
end)

describe("pool", function()
  local x = core.arange(1, 16):to "float32":reshape { 1, 1, 4, 4 }

  it("takes the largest or the mean of each window", function()
    assert.same({ { { 6, 8 }, { 14, 16 } } }, net_of({ 1, 4, 4 }, pool.max { 2 })(x)[1]:totable())
    assert.same({ { { 3.5, 5.5 }, { 11.5, 13.5 } } }, net_of({ 1, 4, 4 }, pool.avg { 2 })(x)[1]:totable())
    assert.same({ { { 11, 12 }, { 15, 16 } } }, net_of({ 1, 4, 4 }, pool.max { 3, stride = 1 })(x)[1]:totable())
  end)

  it("leaves the margin out of the mean where asked", function()
    assert.same({ { { 1, 2.5, 4 }, { 7, 8.5, 10 }, { 13, 14.5, 16 } } },
      net_of({ 1, 4, 4 }, pool.avg { 2, pad = 1, count_pad = false })(x)[1]:totable())
  end)

  it("pools the whole image", function()
    assert.same({ 8.5 }, net_of({ 1, 4, 4 }, pool.global "avg")(x)[1]:totable())
    assert.same({ 16 }, net_of({ 1, 4, 4 }, pool.global { "max" })(x)[1]:totable())
  end)
end)

describe("activations", function()
  local values = { -3, -1, -0.1, 0, 0.1, 1, 3 }
  local formulas = {
    relu = function(x) return math.max(x, 0) end,
    tanh = function(x) return (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)) end,
    sigmoid = function(x) return 1 / (1 + math.exp(-x)) end,
    softplus = function(x) return math.log(1 + math.exp(x)) end,
    silu = function(x) return x / (1 + math.exp(-x)) end,
    square = function(x) return x * x end,
    abs = math.abs,
    leaky_relu = function(x) return x > 0 and x or 0.01 * x end,
    elu = function(x) return x > 0 and x or math.exp(x) - 1 end,
  }
  for name, formula in pairs(formulas) do
    it("apply " .. name .. " to every element", function()
      local y = net_of({ 7 }, (require("lamina.layers." .. name)))(core.tensor { values }):totable()[1]
      for i, x in ipairs(values) do assert.is_true(math.abs(formula(x) - y[i]) < 1e-5) end
    end)
  end

  it("take their options", function()
    local leaky = require "lamina.layers.leaky_relu"
    assert.is_true(math.abs(-0.6 - net_of({ 1 }, leaky { 0.2 })(core.tensor { { -3 } }):item()) < 1e-6)
  end)

  it("compute gelu as x times the normal distribution function", function()
    -- Phi(1) = 0.841344746068543 (tables of the normal distribution)
    local y = net_of({ 2 }, (require "lamina.layers.gelu"))(core.tensor { { 1, -1 } }):totable()[1]
    assert.is_true(math.abs(y[1] - 0.841344746) < 1e-5)
    assert.is_true(math.abs(y[2] + 0.158655254) < 1e-5)
  end)
end)

describe("dropout", function()
  local net = net_of({ 1000 }, dropout { 0.25 })
  local x = core.ones { 4, 1000 }

  it("does nothing outside training", function()
    assert.equal(x:digest(), net(x):digest())
  end)

  it("keeps the mean and is keyed by the step", function()
    local function run(step) return net:forward(x, { training = true, step = step }) end
    assert.equal(run(1):digest(), run(1):digest())
    assert.are_not.equal(run(1):digest(), run(2):digest())
    local y, zero = run(1):reshape({ 4000 }):totable(), 0
    for _, v in ipairs(y) do
      assert.is_true(v == 0 or math.abs(v - 4 / 3) < 1e-6)
      if v == 0 then zero = zero + 1 end
    end
    assert.is_true(math.abs(zero / 4000 - 0.25) < 0.03) -- 4 standard deviations
  end)
end)

describe("flatten", function()
  it("puts all axes in one, the last fastest", function()
    local x = core.arange(1, 8):to "float32":reshape { 1, 2, 2, 2 }
    assert.same({ { 1, 2, 3, 4, 5, 6, 7, 8 } }, net_of({ 2, 2, 2 }, relu, flatten)(x):totable())
  end)
end)

describe("norm.layer \"channels\"", function()
  it("normalises across the channels at each place, whatever the number of axes", function()
    for _, shape in ipairs { { 3 }, { 3, 4 }, { 3, 2, 5 }, { 3, 2, 3, 4 } } do
      local x = draw { 2, table.unpack(shape) }
      local y = net_of(shape, require("lamina.layers.norm").layer { "channels" })(x)
      assert.same(x.shape, y.shape)
      local flat, got = x:reshape({ 2, 3, -1 }):totable(), y:reshape({ 2, 3, -1 }):totable()
      for n = 1, 2 do
        for i = 1, #flat[n][1] do
          local a, b, c = flat[n][1][i], flat[n][2][i], flat[n][3][i]
          local mean = (a + b + c) / 3
          local deviation = math.sqrt(((a - mean) ^ 2 + (b - mean) ^ 2 + (c - mean) ^ 2) / 3 + 1e-5)
          for k = 1, 3 do assert_near((flat[n][k][i] - mean) / deviation, got[n][k][i], "channel " .. k) end
        end
      end
    end
  end)
end)
