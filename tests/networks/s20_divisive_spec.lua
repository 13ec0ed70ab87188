-- SYSTEMS S20: divisive normalisation by its formula, R = gamma D^n / (sigma^n + sum w D^n).
local core = require "lamina.core.tensor"

local function response(o, drives)
  local net = model "V1" { input { #drives }, area "V1" { norm.divisive(o) } }
  return net(core.tensor(drives):reshape { 1, #drives }):detach():totable()[1]
end

local function near(expected, actual)
  assert.is_true(math.abs(expected - actual) < 1e-5 * math.abs(expected), tostring(actual))
end

describe("S20 divisive normalisation", function()
  it("is its formula over a uniform pool", function()
    local d, sigma, n, gamma = { 0.5, 1, 2, 0 }, 0.3, 2, 60
    local mean = 0
    for _, v in ipairs(d) do mean = mean + v ^ n / #d end
    for i, r in ipairs(response({ sigma = sigma, n = n, gamma = gamma }, d)) do
      if d[i] > 0 then near(gamma * d[i] ^ n / (sigma ^ n + mean), r) else assert.equal(0, r) end
    end
  end)

  it("is half its largest response where the contrast is sigma", function()
    local o = { sigma = 0.15, n = 2, gamma = 10 }
    near(5, response(o, { 0.15, 0.15, 0.15 })[1])
    near(10 * 100 / (100 + 0.0225), response(o, { 10, 10, 10 })[1])
  end)

  it("keeps the shape of tuning at every contrast, and lets a mask shift contrast only", function()
    local tuning, o = { 1, 0.6, 0.1, 0 }, { sigma = 0.2, n = 2, gamma = 1 }
    local function at(contrast, mask)
      local drives = {}
      for i, t in ipairs(tuning) do
        drives[i] = math.sqrt((contrast * t) ^ 2 + (mask * tuning[#tuning + 1 - i]) ^ 2)
      end
      return response(o, drives)
    end
    local low, high = at(0.1, 0), at(1, 0)
    near(low[2] / low[1], high[2] / high[1])
    near(low[3] / low[1], high[3] / high[1])
    assert.is_true(at(0.1, 0.5)[1] < low[1] / 2)              -- the mask suppresses a weak stimulus
    assert.is_true(at(1000, 0.5)[1] > 0.999 * at(1000, 0)[1]) -- and not a strong one
  end)
end)
