-- Calls of the runtime's own functions, as an untrusted script can make them past the words, with what no word would
-- hand them: each is answered with an error. What stands here once wrote or read where it must not.
local core = require "lamina.core.tensor"
local rdm = require "lamina.core.rdm"

local function raises(message, f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  local text = type(e) == "table" and e.message or e
  assert.truthy(text:find(message, 1, true), text)
end

describe("custom_record", function()
  it("wants tables, a function, and as many as there may be", function()
    local x, f = ones { 2 }, function(_, g) return g end
    raises("table expected", core.custom_record, "f", 7, 1, { x }, {}, f)
    raises("table expected", core.custom_record, "f", { x }, 1, "outs", {}, f)
    raises("table expected", core.custom_record, "f", { x }, 1, { x }, 0.5, f)
    raises("function expected", core.custom_record, "f", { x }, 1, { x }, {}, nil)
    raises("-1 arguments", core.custom_record, "f", { x }, -1, { x }, {}, f)
    raises("4294967297 arguments", core.custom_record, "f", { x }, (1 << 32) + 1, { x }, {}, f)
    raises("0 results", core.custom_record, "f", { x }, 1, {}, {}, f)
    local many = {}
    for i = 1, 200 do many[i] = ones { 1 } end
    raises("200 results, expected 1 to", core.custom_record, "f", { x }, 1, many, {}, f)
  end)
end)

describe("choice", function()
  it("of more items than can be ordered raises; with replacement it needs no order", function()
    for _, n in ipairs { 1 << 61, (1 << 61) + 1, 1 << 62, math.maxinteger } do
      raises("their order needs more memory", choice, n, 1)
      local drawn = choice(n, 3, { replace = true })
      for i = 1, 3 do assert.is_true(drawn[i] >= 1 and drawn[i] <= n) end
    end
    raises("memory", choice, 1 << 50, 1)
  end)
end)

describe("rdm.fill", function()
  it("keeps what it writes inside", function()
    local pairs_of, block = zeros({ 1, 6 }, { dtype = "float64" }), ones({ 2, 2 }, { dtype = "float64" })
    local sizes = ones({ 4 }, { dtype = "float64" })
    rdm.fill(pairs_of, 1, 1, 3, block, sizes)
    for _, at in ipairs { math.maxinteger, math.mininteger, 0, 4, 1 << 62 } do
      assert.is_false(pcall(rdm.fill, pairs_of, at, 1, 3, block, sizes))
      assert.is_false(pcall(rdm.fill, pairs_of, 1, at, 1, block, sizes))
      assert.is_false(pcall(rdm.fill, pairs_of, 1, 1, at, block, sizes))
    end
  end)
end)
