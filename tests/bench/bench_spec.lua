-- The arithmetic of the benchmarks: fitted exponents, medians, and which targets count as missed.
local folder = debug.getinfo(1, "S").source:match "^@(.*)/" or "tests/bench"
package.path = folder .. "/?.lua;" .. package.path

local machine = require "machine"
local scaling = require "scaling"
local targets = require "targets"
local workloads = require "workloads"

describe("scaling", function()
  it("finds the exponent of a power, and the least-squares slope of what is none", function()
    local x, y = { 1, 2, 4, 8 }, {}
    for i, value in ipairs(x) do y[i] = 3 * value ^ 1.7 end
    assert.near(1.7, scaling.exponent(x, y), 1e-12)
    -- log2 y = 0, 1, 1, 2 over log2 x = 0, 1, 2, 3: the slope is sum(dx dy) / sum(dx^2) = 3 / 5
    assert.near(0.6, scaling.exponent(x, { 1, 2, 2, 4 }), 1e-12)
  end)

  it("makes a step for each size that trains", function()
    for _, axis in ipairs(scaling.axes) do
      local step = scaling.step { batch = 2, side = 8, depth = 1, width = 4, [axis.name] = axis.sizes[1] }
      step()
    end
  end)
end)

describe("samples", function()
  it("count where the peak beside them is near its best, and the same before and after", function()
    assert.is_true(machine.is_calm(0.95, 1, 1))
    assert.is_true(machine.is_calm(0.81, 0.85, 1))
    assert.is_false(machine.is_calm(0.79, 0.85, 1)) -- below 0.8 of the best
    assert.is_false(machine.is_calm(0.85, 0.96, 1)) -- more than a tenth apart
    assert.is_false(machine.is_calm(0.96, 0.85, 1))
  end)

  it("have a median", function()
    assert.equal(2, machine.median { 3, 1, 2 })
    assert.equal(2.5, machine.median { 4, 1, 2, 3 })
  end)
end)

describe("targets", function()
  it("name what is below them, and nothing else", function()
    assert.same({ "missed: a: ratio 1.40, target 1.50", "missed: b: peak 0.60, target 0.70" }, targets.check {
      { workload = "a", ratio = 1.4, target = { ratio = 1.5 } },
      { workload = "b", peak = 0.6, target = { peak = 0.7 } },
      { workload = "c", ratio = 1.5, target = { ratio = 1.5 } }, { workload = "d", ratio = 0.1 },
      { workload = "not measured", target = { ratio = 1.5 } } })
  end)

  it("hold for the mean of the convolutions", function()
    local function two(ratio)
      return targets.check { { workload = "conv a", ratio = 1 }, { workload = "conv b", ratio = ratio },
        { workload = "convex", ratio = 0.01 } }
    end
    assert.same({ "missed: conv *: geometric mean of 2 ratios 1.41, target 1.50" }, two(2))
    assert.same({}, two(2.25))
  end)

  it("are there for products, convolutions and training steps", function()
    local count = { matmul = 0, conv = 0, train = 0, infer = 0 }
    for _, w in ipairs(workloads.list) do
      if w.target then count[w.kind] = count[w.kind] + 1 end
      if w.name == "train LeNet, batch 1" then assert.equal(5, w.target.ratio) end
    end
    assert.is_true(count.matmul >= 21 and count.conv >= 28 and count.train >= 10 and count.infer == 0)
  end)
end)
