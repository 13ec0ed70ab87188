-- edges_spec.lua: inputs without elements, without axes, of mixed types, and what is wrong inside ops made of ops.

local function message_of(f) local _, err = try(f) return assert(err, "no error").message end

describe("ops of nothing", function()
  it("send gradients back through axes of size 1 beside axes of size 0", function()
    for _, shape in ipairs { { 6, 3, 0 }, { 5, 2, 4, 0 }, { 0, 7 } } do
      local x = zeros(shape):requires_grad(true)
      x:unsqueeze(#shape):sum():backward()
      assert.same(shape, x.grad.shape)
    end
    assert.same({ 2, 3, 0, 5 }, zeros { 0 }:reshape { 2, 3, 0, 5 }.shape)
    assert.same({ 0, 3 }, zeros { 0 }:reshape { -1, 3 }.shape)
    local x, y = zeros { 3, 0 }:requires_grad(true), ones { 2, 0 }
    x:inner(y):sum():backward()
    assert.same({ 3, 0 }, x.grad.shape)
  end)

  it("refuse to reshape to more elements than there can be", function()
    for _, shape in ipairs { { 2^32 // 1 | 0, 2^32 // 1 | 0 }, { -2, -3 }, { 4, 2 } } do
      assert.truthy(message_of(function() return ones { 6 }:reshape(shape) end):find("cannot become", 1, true))
    end
  end)

  it("are normalised to nothing over a batch without channels", function()
    for _, shape in ipairs { { 3, 0 }, { 5, 0, 1 }, { 2, 0, 3, 3 }, { 7, 0, 1, 1 } } do
      local x = zeros(shape):requires_grad(true)
      local y = x:batch_norm()
      assert.same(shape, y.shape)
      y:sum():backward()
      assert.same(shape, x.grad.shape)
    end
  end)
end)

describe("pooling", function()
  it("refuses planes without pixels, which padding alone would fill", function()
    for _, shape in ipairs { { 1, 3, 0, 3 }, { 1, 3, 3, 0 }, { 2, 1, 0, 0 } } do
      for _, pool in ipairs { "max_pool2d", "avg_pool2d" } do
        local x = zeros(shape)
        local message = message_of(function() return x[pool](x, 2, { pad = 1 }) end)
        assert.truthy(message:find("nothing to pool", 1, true), message)
      end
    end
    assert.same({ 0, 3, 2, 2 }, zeros { 0, 3, 4, 4 }:max_pool2d(2).shape)
  end)
end)

describe("quantiles", function()
  it("name an axis that is not there", function()
    assert.truthy(message_of(function() return tensor(3.5):median { dim = 1 } end):find("no axis", 1, true))
    assert.truthy(message_of(function() return randn { 3 }:median { dim = 5 } end):find("not an axis", 1, true))
    assert.truthy(message_of(function() return zeros { 0, 3 }:median { dim = 1 } end):find("no element", 1, true))
  end)
end)

describe("gradients beside integers and booleans", function()
  it("are those of the same numbers as floats", function()
    local exponent = tensor { 2.0, 0.5, 1 }:requires_grad(true)
    tensor({ 3, 4, 0 }, { dtype = "int64" }):pow(exponent):sum():backward()
    local want = { 9 * math.log(3), 2 * math.log(4), 0 }
    for i = 1, 3 do assert.near(want[i], exponent.grad[i], 1e-5) end
    local a = tensor { 1.0, -2 }:requires_grad(true)
    a:atan2(tensor { true, false }):sum():backward()
    assert.near(0.5, a.grad[1], 1e-6) -- b / (a^2 + b^2)
    assert.near(0, a.grad[2], 1e-6)
  end)
end)

describe("samplers", function()
  it("take labels of any size, and name the items without one", function()
    local function labelled(list)
      return data.tensors { zeros { #list, 1 }, tensor(list, { dtype = "int64" }) }
    end
    for _, list in ipairs { { 0, 0, 0, 1 }, { -3, -3, -3, 2 }, { 1, 1, 1, 2 ^ 40 // 1 | 0 } } do
      local set = labelled(list)
      local counts = {}
      for b in set:balanced():batches { batch = 4 } do
        for _, label in ipairs(b.y:totable()) do counts[label] = (counts[label] or 0) + 1 end
      end
      assert.same({ [list[1]] = 2, [list[4]] = 2 }, counts)
      assert.same({ list[1], list[4] }, set:per_class(1).y:totable())
    end
    local err = message_of(function() labelled({ 0, 0, 7 }):per_class(2) end)
    assert.truthy(err:find("class 7 has 1 items", 1, true), err)
    local holes = data.tensors { x = zeros { 2, 1 }, columns = { day = { 0 / 0, 1 } } }
    err = message_of(function() holes:balanced { by = "day" } end)
    assert.truthy(err:find("item 1 has no value in column 'day'", 1, true), err)
  end)
end)
