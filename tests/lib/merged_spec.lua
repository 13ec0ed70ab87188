-- Tables put together are new ones; the later entry stands.
local merged = require "lamina.merged"

describe("lamina.merged", function()
  it("joins entries, the last of one name", function()
    local a, b = { x = 1, y = 2, "first" }, { y = 3, z = 4 }
    assert.same({ x = 1, y = 3, z = 4, "first" }, merged(a, b))
    assert.same({ x = 1, y = 2, z = 4, "first" }, merged(b, a))
    assert.same({ x = 1, y = 2, "first" }, a)
    assert.same({ y = 3, z = 4 }, b)
  end)

  it("copies one table, without what stands behind it", function()
    local a = setmetatable({ x = 1 }, { __index = { y = 2 } })
    local copy = merged(a)
    assert.same({ x = 1 }, copy)
    assert.is_nil(getmetatable(copy))
    assert.are_not.equal(a, copy)
    assert.same({}, merged())
  end)
end)
