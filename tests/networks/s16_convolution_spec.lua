-- SYSTEMS S16: convolution over one to three axes against plain loops, transposed against its adjoint, margins.
local check = require "lamina.grad.check"
local conv = require "lamina.layers.conv"
local conv_transpose = require "lamina.layers.conv_transpose"
local core = require "lamina.core.tensor"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local untied = require "lamina.layers.untied"

local function net_of(input, ...)
  return models.model "test" { models.input(input), models.area "A" { ... } }
end

local function draw(shape, purpose)
  return core.draw { kind = "normal", shape = shape, seed = 17, purpose = purpose or "s16" }
end

local function weights(net)
  local p = {}
  for _, entry in ipairs(net:parameters()) do p[entry.name:match "[%w_]+$"] = entry.tensor:detach() end
  return p
end

local function off(a, b) return (a - b):abs():max():item() end

-- x[n, c, d, h, w] for places that may lie in the margin.
local function at(x, n, c, place, mode)
  local node = x[n][c]
  for axis, i in ipairs(place) do
    local size = #node
    if i < 1 or i > size then
      if mode == "zero" then return 0 end
      if mode == "circular" then i = (i - 1) % size + 1 end
      if mode == "replicate" then i = math.min(math.max(i, 1), size) end
      if mode == "reflect" then i = i < 1 and 2 - i or 2 * size - i end
    end
    node = node[i]
    if axis == #place then return node end
  end
end

-- Calls f with every list of numbers from 0 to sizes[i] - 1.
local function each(sizes, f, list, i)
  list, i = list or {}, i or 1
  if i > #sizes then return f(list) end
  for v = 0, sizes[i] - 1 do
    list[i] = v
    each(sizes, f, list, i + 1)
  end
end

local function element(t, place)
  for _, i in ipairs(place) do t = t[i + 1] end
  return t
end

-- The largest difference of a layer's output and the definition. o: lists for each axis.
local function against_loops(y, x, w, bias, o)
  local worst, xs, ys, ws = 0, x:totable(), y:totable(), w:totable()
  local axes = #o.kernel
  local own, out = w:size(2), y:size(2)
  local places = table.move(y.shape, 3, 2 + axes, 1, {})
  local positions = 1
  for _, n in ipairs(places) do positions = positions * n end
  for n = 1, y:size(1) do
    for c = 1, out do
      local first, index = (c - 1) // (out // o.groups) * own, 0
      each(places, function(p)
        index = index + 1
        local unit = o.untied and (c - 1) * positions + index or c
        local sum = bias and bias[unit] or 0
        for k = 1, own do
          each(o.kernel, function(tap)
            local place = {}
            for i = 1, axes do place[i] = p[i] * o.stride[i] - o.pad[i] + tap[i] * o.dilation[i] + 1 end
            sum = sum + element(ws[unit][k], tap) * at(xs, n, first + k, place, o.mode)
          end)
        end
        worst = math.max(worst, math.abs(sum - element(ys[n][c], p)))
      end)
    end
  end
  return worst
end

local CASES = {
  { { 3, 9 }, { 4, kernel = 3 }, pad = { 0 } },
  { { 4, 8 }, { 6, kernel = 4, stride = 2, pad = "same", groups = 2 }, pad = { 1 } },
  { { 2, 7 }, { 2, kernel = 2, dilation = 3, pad = 2, mode = "circular", bias = false }, pad = { 2 } },
  { { 2, 6, 7 }, { 3, kernel = { 3, 2 }, stride = { 2, 1 }, pad = { 1, 1 }, mode = "reflect" }, pad = { 1, 1 } },
  { { 3, 6, 5 }, { 3, kernel = 4, pad = "same", mode = "replicate", groups = 3 }, pad = { 1, 1 } },
  { { 2, 5, 7 }, { 3, kernel = 2, stride = 2, pad = "same" }, pad = { 0, 0 } },
  { { 2, 4, 5, 6 }, { 3, kernel = { 2, 3, 2 } }, pad = { 0, 0, 0 } },
  { { 4, 5, 4, 6 }, { 4, kernel = { 3, 2, 3 }, stride = { 2, 1, 2 }, pad = { 1, 0, 2 }, dilation = { 1, 2, 1 },
    groups = 2 }, pad = { 1, 0, 2 } },
  { { 1, 4, 4, 4 }, { 2, kernel = 3, pad = 1, mode = "circular" }, pad = { 1, 1, 1 } },
  { { 2, 5, 3, 4 }, { 2, kernel = 2, stride = 2, pad = "same", bias = false }, pad = { 0, 0, 0 } },
}

local function spread(value, n, usual)
  if type(value) == "table" then return value end
  local list = {}
  for i = 1, n do list[i] = value or usual end
  return list
end

local function geometry(case)
  local given, n = case[2], #case[1] - 1
  return { kernel = spread(given.kernel, n), stride = spread(given.stride, n, 1), pad = case.pad,
    dilation = spread(given.dilation, n, 1), groups = given.groups or 1, mode = given.mode or "zero" }
end

describe("S16 convolution", function()
  for i, case in ipairs(CASES) do
    it("over " .. #case[1] - 1 .. " axes is the definition's, case " .. i, function()
      local net = net_of(case[1], conv(case[2]))
      local x = draw { 2, table.unpack(case[1]) }
      local y, p = net(x):detach(), weights(net)
      assert.same(table.move(y.shape, 2, y.ndim, 1, {}), net:layers()[1].shape)
      assert.is_true(against_loops(y, x, p.weight, p.bias, geometry(case)) < 1e-5)
      assert.is_true(check.gradcheck(net, { x }, { elements = 20, raise = false }).ok)
    end)
  end

  it("keeps ceil(size / stride) positions with same, for every kernel and stride", function()
    for kernel = 1, 5 do
      for stride = 1, 3 do
        for size = 5, 8 do
          local net = net_of({ 1, size, size + 1 }, conv { 1, kernel = kernel, stride = stride, pad = "same" })
          assert.same({ 1, math.ceil(size / stride), math.ceil((size + 1) / stride) }, net:layers()[1].shape)
        end
      end
    end
  end)

  it("commutes with shifts, to the bit, under circular margins", function()
    local net = net_of({ 3, 8, 9 }, conv { 4, kernel = 5, pad = 2, mode = "circular" })
    local x = draw { 2, 3, 8, 9 }
    for _, by in ipairs { { 1, 0 }, { 3, -2 }, { -1, 5 } } do
      local a, b = net(x:roll(by, { 3, 4 })), net(x):roll(by, { 3, 4 })
      assert.equal(a:digest(), b:digest())
    end
  end)

  it("fuses a relu that follows", function()
    for _, shape in ipairs { { 2, 9 }, { 2, 4, 5, 6 } } do
      local relu = require "lamina.layers.relu"
      local plain, fused = net_of(shape, conv { 3, kernel = 2 }), net_of(shape, conv { 3, kernel = 2 }, relu)
      local x = draw { 2, table.unpack(shape) }
      assert.equal(plain(x):relu():digest(), fused(x):digest())
    end
  end)

  it("is depthwise with as many groups as channels", function()
    local net = net_of({ 3, 6, 6 }, conv { 3, kernel = 3, groups = 3, bias = false })
    local x, w = draw { 2, 3, 6, 6 }, weights(net).weight
    for c = 1, 3 do
      local own = ops.slice(x, { dim = 2, start = c, stop = c })
      local one = ops.conv2d(own, ops.slice(w, { dim = 1, start = c, stop = c }))
      assert.is_true(off(ops.slice(net(x):detach(), { dim = 2, start = c, stop = c }), one) < 1e-6)
    end
  end)
end)

it("S16 stands in residual blocks over one and three axes", function()
  local residual = require "lamina.layers.residual"
  for _, shape in ipairs { { 2, 9 }, { 2, 5, 6, 7 } } do
    for _, kind in ipairs { "project", "pad" } do
      local net = net_of(shape, residual { shortcut = kind,
        conv { 4, kernel = 3, stride = 2, pad = 1, bias = false } })
      local x = draw { 2, table.unpack(shape) }
      local y, w = net(x):detach(), {}
      for _, entry in ipairs(net:parameters()) do w[entry.name] = entry.tensor:detach() end
      local around = x
      for dim = 3, x.ndim do around = ops.slice(around, { dim = dim, step = 2 }) end
      if kind == "project" then
        local flat = around:reshape { 2, 2, -1, 1 }
        around = ops.conv2d(flat, w["A.residual1.shortcut.conv1.weight"]:reshape { 4, 2, 1, 1 },
          w["A.residual1.shortcut.conv1.bias"]):reshape(y.shape)
      else
        around = ops.pad(around, { after = 2, before = 0, dims = { 2 } })
      end
      local plain = net_of(shape, conv { 4, kernel = 3, stride = 2, pad = 1, bias = false })
      core.no_grad(function() plain:parameters()[1].tensor:copy(w["A.residual1.conv1.weight"]) end)
      assert.is_true(off(y, plain(x):detach() + around) < 1e-5)
    end
  end
end)

describe("S16 transposed convolution", function()
  local cases = {
    { { 4, 5 }, { 6, kernel = 3, stride = 2, pad = 1, output_pad = 1, groups = 2 }, { 6, 10 } },
    { { 3, 4, 5 }, { 2, kernel = { 3, 4 }, stride = { 2, 1 }, pad = { 1, 2 }, dilation = { 1, 2 } }, { 2, 7, 7 } },
    { { 4, 3, 4 }, { 2, kernel = 2, stride = 3, output_pad = { 2, 0 }, groups = 2 }, { 2, 10, 11 } },
    { { 2, 3, 4, 3 }, { 3, kernel = { 2, 3, 2 }, stride = { 2, 1, 2 }, pad = { 0, 1, 1 }, output_pad = { 1, 0, 0 } },
      { 3, 7, 4, 4 } },
    { { 4, 2, 3, 3 }, { 4, kernel = 3, stride = 2, pad = 1, dilation = { 2, 1, 1 }, groups = 2 }, { 4, 5, 5, 5 } },
  }

  for i, case in ipairs(cases) do
    it("is the adjoint of the convolution, case " .. i, function()
      local given = { bias = false }
      for k, v in pairs(case[2]) do given[k] = v end
      local net = net_of(case[1], conv_transpose(given))
      local y = draw { 2, table.unpack(case[1]) }
      local back = net(y):detach()
      assert.same({ 2, table.unpack(case[3]) }, back.shape)
      -- the convolution with the same weight, its two channel axes exchanged within each group
      local w, groups, width = weights(net).weight, given.groups or 1, given[1]
      given[1], given.output_pad = case[1][1], nil
      local forth = net_of(case[3], conv(given))
      local v, own = forth:parameters()[1].tensor, case[1][1] // groups
      core.no_grad(function()
        for g = 0, groups - 1 do
          for a = 1, width // groups do
            for b = 1, own do v[g * own + b][a]:copy(w[g * (width // groups) + a][b]) end
          end
        end
      end)
      local x = draw({ 2, table.unpack(case[3]) }, "other")
      local left = (forth(x):detach():to "float64" * y:to "float64"):sum():item()
      local right = (x:to "float64" * back:to "float64"):sum():item()
      assert.is_true(math.abs(left - right) < 1e-4 * (1 + math.abs(left)), left .. " " .. right)
      assert.is_true(check.gradcheck(net_of(case[1], conv_transpose(case[2])), { y }, { elements = 20,
        raise = false }).ok)
    end)
  end

  it("adds each input times the kernel, and a bias", function()
    local net = net_of({ 1, 2, 2 }, conv_transpose { 1, kernel = 2, stride = 2 })
    local p = {}
    for _, entry in ipairs(net:parameters()) do p[entry.name:match "%w+$"] = entry.tensor end
    core.no_grad(function()
      p.weight:copy(core.tensor { { { { 1, 2 }, { 3, 4 } } } })
      p.bias:copy(core.tensor { 0.5 })
    end)
    local y = net(core.tensor { { { { 1, 10 }, { 0, -1 } } } }):detach():totable()
    assert.same({ { { { 1.5, 2.5, 10.5, 20.5 }, { 3.5, 4.5, 30.5, 40.5 }, { 0.5, 0.5, -0.5, -1.5 },
      { 0.5, 0.5, -2.5, -3.5 } } } }, y)
  end)
end)

describe("S16 untied weights", function()
  for i, case in ipairs {
    { { 3, 9 }, { 4, kernel = 3, stride = 2 }, pad = { 0 } },
    { { 2, 5, 6 }, { 3, kernel = { 3, 2 }, pad = { 1, 0 }, stride = { 2, 1 } }, pad = { 1, 0 } },
    { { 2, 4, 4 }, { 2, kernel = 3, pad = "same", mode = "circular", bias = false }, pad = { 1, 1 } },
  } do
    it("are a convolution with weights of each place, case " .. i, function()
      local net = net_of(case[1], untied(case[2]))
      local x = draw { 2, table.unpack(case[1]) }
      local y, p, o = net(x):detach(), weights(net), geometry(case)
      o.untied = true
      assert.is_true(against_loops(y, x, p.weight, p.bias, o) < 1e-5)
      assert.is_true(check.gradcheck(net, { x }, { elements = 20, raise = false }).ok)
    end)
  end
end)

it("S16 says what does not fit", function()
  for _, case in ipairs {
    { { 8 }, conv { 2, kernel = 3 }, "needs an input of channels x height x width, channels x length or channels" },
    { { 2, 8, 8 }, conv { 2, kernel = { 3, 3, 3 } },
      "conv: kernel has 3 numbers for the 2 axes behind the channels of 2x8x8" },
    { { 2, 8 }, conv { 2, kernel = { 3, 3 } }, "kernel has 2 numbers for the 1 axis behind the channels of 2x8" },
    { { 2, 4, 4, 4 }, conv { 2, kernel = 5 },
      "a kernel of 5x5x5 does not fit into an input of 2x4x4x4 with pad 0x0x0" },
    { { 2, 8, 8 }, conv { 2, kernel = { 3, 0 } }, "option 'kernel' holds 0" },
    { { 2, 8, 8 }, conv { 2, kernel = 3, mode = "mirror" }, "option 'mode' is 'mirror', expected one of 'zero'" },
    { { 2, 8, 8 }, conv_transpose { 2, kernel = 3, output_pad = 1 },
      "output_pad 1x1 must be smaller than stride 1x1" },
    { { 2, 1, 1 }, conv_transpose { 2, kernel = 3, pad = 2 }, "pad 2x2 leaves nothing of an input of 2x1x1" },
    { { 2, 8, 8 }, conv_transpose { 3, kernel = 3, groups = 2 }, "groups = 2 divides neither or only one" },
    { { 2, 4, 4, 4 }, untied { 2, kernel = 3 }, "channels x height x width or channels x length, got 2x4x4x4" },
  } do
    local ok, err = pcall(net_of, case[1], case[2])
    assert.is_false(ok, case[3])
    assert.matches(case[3], tostring(err), 1, true)
  end
end)
