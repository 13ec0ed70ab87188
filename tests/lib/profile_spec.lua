-- profile: what it counts, against counts known beforehand.
local command = require "support.command"

local function net_of()
  return model "P" { input { 4 }, area "A" { dense { 3, name = "first" }, relu }, readout "r" { dense { 2 } } }
end

-- The sum of a field over the rows that a test accepts.
local function total(p, field, accepts)
  local sum = 0
  for _, row in ipairs(p.rows) do
    if accepts(row) then sum = sum + row[field] end
  end
  return sum
end

describe("profile", function()
  it("counts calls by op, layer and pass", function()
    local net, x = net_of(), randn { 5, 4 }
    local p = profile(function()
      for _ = 1, 3 do net(x):sum():backward() end
      return x:exp(), 7
    end)
    local function calls(op, layer, pass)
      return total(p, "calls", function(r) return r.op == op and r.layer == layer and r.pass == pass end)
    end
    assert.equal(3, calls("linear", "A.first", "forward")) -- with the relu, one op
    assert.equal(3, calls("linear", "A.first", "backward"))
    assert.equal(3, calls("linear", "r.dense1", "forward"))
    assert.equal(3, calls("sum", "", "forward"))
    assert.equal(1, calls("exp", "", "forward"))
    assert.equal(0, calls("exp", "", "backward"))
    assert.equal(7, p.results[2])
    assert.equal(2, p.results.n)
  end)

  it("adds up: own seconds within the time of all, own bytes within what was asked for", function()
    local x = randn { 200, 300 }
    local p = profile(function() return (x:exp() + x):sum() end)
    local seconds = total(p, "seconds", function() return true end)
    assert.is_true(seconds > 0 and seconds <= p.seconds)
    local bytes = total(p, "bytes", function(r) return r.op == "exp" end)
    assert.is_true(bytes >= 240000 and bytes < 250000, bytes)
    assert.is_true(p.peak >= 480000)
    local share = 0
    for _, row in ipairs(p:by "op") do share = share + row.share end
    assert.is_true(math.abs(share - seconds / p.seconds) < 1e-9)
  end)

  it("changes no bit of what is computed", function()
    local x = randn { 7, 4 }
    local net = net_of()
    local plain, measured = net(x)
    profile(function() measured = net(x) end)
    assert.is_true(plain:equal(measured))
  end)

  it("prints ops and layers, the longest first", function()
    local net = net_of()
    local p = profile(function() net(randn { 5, 4 }) end)
    assert.matches("^op +calls +forward ms +backward ms +share +memory\n", tostring(p))
    assert.matches("\nlayer +calls", tostring(p))
    assert.matches("A%.first", tostring(p))
    local rows = p:by "op"
    for i = 2, #rows do assert.is_true(rows[i - 1].seconds >= rows[i].seconds) end
  end)

  it("passes on what the function raises, and ends", function()
    local _, e = try(profile, function() zeros { 2 }:reshape(3) end)
    assert.matches("reshape", e.message)
    assert.is_true(#profile(function() zeros { 2 }:exp() end).rows > 0)
  end)

  it("refuses what is no function, another grouping, and one within another", function()
    local _, e = try(profile, 3)
    assert.equal("profile takes a function and its arguments, profile(function() ... end), not a number", e.message)
    _, e = try(function() profile(function() end):by "size" end)
    assert.equal('profile: by(size); expected "op" or "layer"', e.message)
    _, e = try(profile, function() profile(function() end) end)
    assert.equal("a profile is running already", e.message)
  end)

  it("counts the optimizer, and what a layer's ops do in the backward pass", function()
    local result = command.run { "-e", [[
      local net = model "P" { input { 1, 8, 8 }, area "A" { conv { 2, kernel = 3 } }, readout "r" { dense { 2 } } }
      local o = sgd { rate = 0.1 }
      o:attach(net)
      local p = profile(function()
        local l = cross_entropy(net(randn { 4, 1, 8, 8 }), randint(1, 2, { 4 }))
        o:step(l)
      end)
      local seen = {}
      for _, row in ipairs(p.rows) do seen[row.op .. " " .. row.layer .. " " .. row.pass] = row.calls end
      print(seen["optimizer  forward"], seen["conv2d_grad_weight A.conv1 backward"])
    ]] }
    assert.equal("", result.err)
    assert.equal("1\t1\n", result.out)
  end)
end)
