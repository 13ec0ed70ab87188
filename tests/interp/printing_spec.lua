-- How tensors print: in NumPy's layout (its own strings are stored), with settings.
local command = require "support.command"
local core = require "lamina.core.tensor"

local arange, rand, tensor, zeros = core.arange, core.rand, core.tensor, core.zeros

-- The text without its last line, which NumPy has not.
local function body(t) return (tostring(t):gsub("\n[^\n]*$", "")) end

-- NumPy turns to exponents where the largest is more than 1000 times the smallest; here only where decimals would
-- not do.
local PLAINER = {
  ["[1.00000000e-01 3.33333333e-01 2.00000000e+05]"] = "[     0.1             0.33333333 200000.        ]",
  ["[1.2345678e+07 5.0000000e-01]"] = "[12345678.         0.5]",
}

describe("a printed tensor", function()
  it("looks as in NumPy", function()
    local cases = require "interp.printing_numpy"
    assert.is_true(#cases > 25)
    for _, case in ipairs(cases) do assert.equal(PLAINER[case[2]] or case[2], body(case[1])) end
  end)

  it("ends in its shape and dtype", function()
    assert.equal("[0. 0.]\n2 float32", tostring(zeros { 2 }))
    assert.equal("3.5  scalar float64", tostring(tensor(3.5, { dtype = "float64" })))
    assert.equal("nan  scalar float32", tostring(tensor(0 / 0)))
    assert.equal("true  scalar bool", tostring(tensor(true)))
    assert.equal("-9223372036854775808  scalar int64", tostring(tensor(math.mininteger, { dtype = "int64" })))
    assert.equal("[]\n3x0x2 uint8", tostring(zeros { 3, 0, 2, dtype = "uint8" }))
    local x = zeros { 2 }
    x:release()
    assert.equal("tensor (released)", tostring(x))
  end)

  it("keeps its lines within the width and its columns aligned", function()
    for _, shape in ipairs { { 300 }, { 9, 30 }, { 2, 3, 50 }, { 2, 2, 2, 2, 2, 40 }, { 2000 }, { 60, 60 } } do
      for _, scale in ipairs { 1, 1e-7, 1e12 } do
        for line in tostring((rand(shape) - 0.5) * scale):gmatch "[^\n]+" do
          assert.is_true(#line <= 100, line)
        end
      end
    end
    local lines = {}
    for line in body(arange(1, 200):reshape(20, 10)):gmatch "[^\n]+" do lines[#lines + 1] = #line:gsub("%]+$", "") end
    for _, n in ipairs(lines) do assert.equal(lines[2], n) end
  end)

  it("obeys print_options, which are checked", function()
    local old = core.print_options()
    assert.same({ decimals = 8, edge = 3, threshold = 1000, width = 100 }, old)
    core.print_options { decimals = 2, threshold = 5, edge = 1, width = 40 }
    assert.equal("[0.33 0.67]", body(tensor { 1 / 3, 2 / 3 }))
    assert.equal("[1 ... 9]", body(arange(1, 9)))
    core.print_options { threshold = 1000 }
    for line in tostring(arange(1, 99)):gmatch "[^\n]+" do assert.is_true(#line <= 40, line) end
    assert.equal(1000, core.print_options(old).threshold)
    for pattern, o in pairs { ["width is 2 but must be from 20 to 10000"] = { width = 2 },
      ["unknown option 'decimal' %(did you mean 'decimals'%?%)"] = { decimal = 3 },
      ["decimals must be an integer, not the string '3'"] = { decimals = "3" },
      ["a table of options was expected, not the number 3"] = 3 } do
      local ok, err = pcall(core.print_options, o)
      assert.is_false(ok)
      assert.matches(pattern, tostring(err))
    end
    assert.same(old, core.print_options())
  end)

  it("is a word", function()
    assert.equal("[0.3]\n1 float32\n", command.code("print_options { decimals = 1 } print(tensor { 1 / 3 })").out)
  end)
end)
