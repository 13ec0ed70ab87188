-- SYSTEMS S22: derivatives by hand, a backward pass of one's own, the cases of every op, the same bits again.
local function near(expected, actual) assert.is_true(math.abs(expected - actual) < 1e-12, tostring(actual)) end

local function leaf(values) return tensor(values, { dtype = "float64" }):requires_grad(true) end

describe("S22 autodiff", function()
  it("sums what comes to a shared parameter, and stops where it is told", function()
    local w, x = leaf { 3.0 }, leaf { 2.0 }
    local y = w * (w * x):tanh() + w:detach() * x -- w in three places, in the last as a constant
    y:sum():backward()
    local t = (math.exp(6) - math.exp(-6)) / (math.exp(6) + math.exp(-6))
    near(t + 3 * 2 * (1 - t * t), w.grad:item())
    near(3 * 3 * (1 - t * t) + 3, x.grad:item())
  end)

  it("takes a backward pass of one's own: the feedback of a fixed matrix", function()
    local back = tensor({ { 1, -1 }, { 0.5, 2 }, { 0, 1 } }, { dtype = "float64" })
    local align = custom { name = "aligned", forward = function(c, x, w)
      c.x = x
      return x:matmul(w:t())
    end, backward = function(c, g) return g:matmul(back:t()), g:t():matmul(c.x) end }
    local x, w = leaf { { 1, 2, 3 } }, leaf { { 0.1, 0.2, 0.3 }, { 0.4, 0.5, 0.6 } }
    local y = align(x, w)
    near(1.4, y:totable()[1][1])
    y:backward(tensor({ { 1, 2 } }, { dtype = "float64" }))
    assert.same({ { -1, 4.5, 2 } }, x.grad:totable())
    assert.same({ { 1, 2, 3 }, { 2, 4, 6 } }, w.grad:totable())
  end)

  it("gives the same derivative along a direction forwards and backwards", function()
    -- y = log(sum(exp(A x))): J = softmax(A x)' A
    local a = tensor({ { 1, -0.5 }, { 0.25, 2 }, { 0, 1 } }, { dtype = "float64" })
    local x = tensor({ { 0.3 }, { -0.7 } }, { dtype = "float64" })
    local t = tensor({ { 2 }, { 1 } }, { dtype = "float64" })
    local function f(u) return a:matmul(u):exp():sum():log() end
    local _, along = jvp(f, x, t)
    local z, total, slope = a:matmul(x):totable(), 0, 0
    local rows = a:totable()
    for i = 1, 3 do
      total = total + math.exp(z[i][1])
      slope = slope + math.exp(z[i][1]) * (rows[i][1] * 2 + rows[i][2])
    end
    near(slope / total, along:item())
    x:requires_grad(true)
    near(slope / total, (grad(f(x), x) * t):sum():item())
  end)

  it("knows the cases of every op, and what they compute", function()
    local cases = ops.cases "conv2d"
    assert.is_true(#cases > 3)
    for _, case in ipairs(cases) do
      assert.equal("float64", case.inputs[1].dtype)
      assert.is_true(gradcheck(case.call, case.inputs, { raise = false }).ok, case.text)
    end
    local sum = ops.cases "add"[1]
    assert.equal((sum.inputs[1] + sum.inputs[2]):digest(), sum.call(table.unpack(sum.inputs)):digest())
    for _, name in ipairs(ops.list()) do assert.is_true(#ops.cases(name) > 0, name) end
    for _, wrong in ipairs { function() ops.cases "conv7d" end, function() sum.call(sum.inputs[1]) end,
      function() sum.call(1, 2) end } do
      assert.is_false(pcall(wrong))
    end
    assert.matches("there is no op 'conv7d'", tostring(select(2, pcall(ops.cases, "conv7d"))), 1, true)
    assert.matches("the case has 2 inputs, got 1", tostring(select(2, pcall(sum.call, sum.inputs[1]))), 1, true)
  end)

  it("gives the same gradients again, bit for bit", function()
    local function digest()
      local x = require("lamina.core.tensor").draw { kind = "normal", shape = { 40, 3, 9, 9 }, seed = 2,
        purpose = "again" }
      local net = model "n" { seed = 2, input { 3, 9, 9 }, area "A" { conv { 5, kernel = 3 }, norm.batch, relu,
        dropout { 0.5 } }, readout "y" { dense { 3 } } }
      net:forward(x, { training = true, step = 1 }):square():mean():backward()
      local parts = {}
      for i, entry in ipairs(net:parameters()) do parts[i] = entry.tensor.grad:digest() end
      return table.concat(parts)
    end
    assert.equal(digest(), digest())
  end)
end)
