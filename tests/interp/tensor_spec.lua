-- Tensors as Lua values: writing in place, gradients, memory.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"

local tensor, zeros = core.tensor, core.zeros

-- The message of the error that f raises.
local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err)
end

describe("writing in place", function()
  it("leaves gradients switched on when it fails", function()
    local x = zeros { 3 }
    message(function() x[9] = 1 end)
    assert.is_true(core.grad_enabled())
    message(function() x:add_(zeros { 7 }) end)
    assert.is_true(core.grad_enabled())
    message(function() core.no_grad(error, "wrong") end)
    assert.is_true(core.grad_enabled())
  end)

  it("refuses a value whose gradient would be lost", function()
    local w = tensor({ 3 }):requires_grad(true)
    local x = zeros { 1 }
    local words = "takes part in gradients"
    assert.matches(words, message(function() x[1] = w[1] end))
    assert.matches(words, message(function() x:copy(w) end))
    assert.matches(words, message(function() x:add_(w) end))
    core.no_grad(function() x[1] = w[1] end)
    assert.equal(3, x:item())
    x:add_(w:detach())
    assert.equal(6, x:item())
  end)

  it("is noticed by backward, through a view as well", function()
    for _, write in ipairs { function(x) x:fill(2) end, function(x) x[1] = 2 end, function(x) x:mul_(2) end,
      function(x) x:copy(zeros { 2 }) end, function(x) x:zero() end, function(x) x:exp_() end,
      function(x) x[x:gt(3)] = 1 end, function(x) x[tensor({ 2, 1 }, { dtype = "int64" })] = zeros { 2 } end,
      function(x) x:index_add_(tensor({ 2 }, { dtype = "int64" }), 1) end,
      function(x) x:masked_fill_(x:gt(3), 1) end, function(x) x[{ { 2, 2 } }]:fill(2) end } do
      local w, x = tensor({ 1, 2 }):requires_grad(true), tensor { 3, 4 }
      local loss = (w * x):sum()
      write(x)
      assert.matches("changed in place", message(loss.backward, loss))
    end
  end)
end)

describe("backward", function()
  it("refuses what is no gradient instead of ignoring it", function()
    local x = tensor({ 1 }):requires_grad(true)
    local loss = (x * x):sum()
    assert.matches("must be a tensor", message(loss.backward, loss, true))
    assert.matches("must be a tensor", message(loss.backward, loss, 1))
    assert.is_nil(x.grad)
    loss:backward()
    assert.equal(2, x.grad:item())
  end)

  it("gives float32 gradients to float32 leaves beside float64 ones", function()
    local a = tensor({ 2 }):requires_grad(true)
    local b = tensor({ 3 }, { dtype = "float64" }):requires_grad(true)
    local loss = (a * b):sum()
    loss:backward()
    assert.equal("float32", a.grad.dtype)
    assert.equal("float64", b.grad.dtype)
  end)
end)

describe("tensors from tables", function()
  it("must not be ragged, beside an empty row either", function()
    assert.matches("ragged", message(tensor, { {}, { 1, 2 } }))
    assert.same({ 2, 0 }, tensor({ {}, {} }).shape)
  end)
end)

describe("integers", function()
  local big = 9007199254740993 -- 2^53 + 1 is no double

  it("keep all their bits beside Lua integers", function()
    local x = tensor({ big }, { dtype = "int64" })
    assert.is_true(x:eq(big):item())
    assert.is_false(x:eq(big - 1):item())
    assert.equal(big + 2, (x + 2):item())
    assert.equal(2 * big, (2 * x):item())
  end)

  it("make ranges that are exact", function()
    assert.same({ big, big + 2, big + 4 }, core.arange(big, big + 5, 2):totable())
    assert.same({ big, big - 3 }, core.arange(big, big - 5, -3):totable())
    assert.same({ 5 }, core.arange(5, 5):totable())
    assert.equal(0, core.arange(5, 4):count())
    assert.same({ math.maxinteger - 1, math.maxinteger }, core.arange(math.maxinteger - 1, math.maxinteger):totable())
  end)

  it("are not cut silently in place", function()
    local x = tensor({ 1, 2, 3 }, { dtype = "int64" })
    assert.matches("would be cut to int64", message(function() x:mul_(0.5) end))
    assert.matches("would be cut to int64", message(function() x:div_(2) end))
    assert.same({ 2, 4, 6 }, x:mul_(2):totable())
  end)
end)

describe("draws", function()
  it("refuse ranges and steps that do not fit", function()
    assert.matches("range", message(core.randint, math.mininteger, math.maxinteger, { 2 }))
    assert.matches("range", message(core.randint, 2 ^ 60 | 0, (2 ^ 60 | 0) + 3, { 2 }))
    assert.matches("step", message(core.draw, { kind = "normal", shape = { 2 }, purpose = "p", step = -1 }))
    assert.matches("step", message(core.draw, { kind = "normal", shape = { 2 }, purpose = "p", step = 2 ^ 40 }))
  end)

  it("keep seeds of 64 bits apart", function()
    local old = core.seed()
    local function drawn(seed)
      core.seed(seed)
      return core.draw({ kind = "normal", shape = { 4 }, purpose = "p" }):digest()
    end
    assert.are_not.equal(drawn(2 ^ 60 | 0), drawn((2 ^ 60 | 0) + 1))
    core.seed(old)
  end)
end)

describe("memory", function()
  -- What f uses at most beyond what is live before it, in bytes.
  local function most(f)
    collectgarbage()
    base.reset_peak()
    local before = base.memory().live
    f()
    return base.memory().peak - before
  end

  it("of results that the tape keeps is known to the collector", function()
    local x = zeros({ 4 << 20 }):requires_grad(true) -- 16 MB
    assert.is_true(most(function()
      for _ = 1, 60 do x:exp() end
    end) < 300e6)
  end)

  it("is asked back before a new tensor is refused", function()
    collectgarbage()
    base.set_budget(base.memory().live + (100 << 20))
    local ok, err = pcall(function()
      for _ = 1, 10 do
        zeros { 10 << 20 }
        core.rand({ 10 << 20 }):clone()
      end
    end)
    base.set_budget(0)
    assert.is_true(ok, tostring(err))
  end)
end)
