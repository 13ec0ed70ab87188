-- What is alike stands together, in the order of first appearance.
local alike = require "lamina.alike"

describe("lamina.alike", function()
  it("groups items by a key", function()
    local groups, number, of = alike({ "cab", "dog", "cow", "ant", "doe" }, function(s) return s:sub(1, 1) end)
    assert.same({ { "cab", "cow" }, { "dog", "doe" }, { "ant" } }, groups)
    assert.same({ 1, 2, 1, 3, 2 }, number)
    assert.same({ c = 1, d = 2, a = 3 }, of)
  end)

  it("takes NaN for one key", function()
    local groups, number = alike({ 0 / 0, 1, 0 / 0, false, 1 }, function(v) return v end)
    assert.same({ 1, 2, 1, 3, 2 }, number)
    assert.same({ 2, 2, 1 }, { #groups[1], #groups[2], #groups[3] })
  end)

  it("groups the numbers up to n", function()
    local groups, number = alike(7, function(i) return i % 3 end)
    assert.same({ { 1, 4, 7 }, { 2, 5 }, { 3, 6 } }, groups)
    assert.same({ 1, 2, 3, 1, 2, 3, 1 }, number)
    assert.same({ {}, {}, {} }, { alike(0, tostring) })
    assert.same({ {}, {}, {} }, { alike({}, tostring) })
  end)
end)
