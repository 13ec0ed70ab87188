-- What versions a script asks for, and names that have a successor.
local base = require "lamina.core.base"
local command = require "support.command"
local compatible = require "lamina.compatible"

describe("a requirement on the version", function()
  it("holds or does not, as versions are ordered", function()
    local cases = {
      { ">=1.0", "1.0.0", true }, { ">=1.0", "0.9.9", false }, { ">=1.2 <2", "1.10.0", true },
      { ">=1.2,<2", "2.0.0", false }, { ">1.2.3", "1.2.3", false }, { "<=1.2", "1.2.0", true },
      { "==1.2.3", "1.2.3", true }, { "~=1.2.3", "1.2.3", false }, { "1.4", "1.9.2", true },
      { "1.4", "1.3.9", false }, { "1.4", "2.0.0", false },
      { ">=0.1", "0.1.0", true }, { ">= 1.2 < 2", "1.10.0", true }, { ">= 1.2, < 2", "2.0.0", false },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[3], compatible.satisfies(case[1], case[2]), case[1] .. " of " .. case[2])
    end
    for _, wrong in ipairs { "", "new", ">=", ">=1.x", "=>1.0", "1.2.3.4" } do
      assert.is_nil(compatible.satisfies(wrong, "1.0.0"), wrong)
    end
  end)

  it("stands in the experiment or on a line of its own, and is kept to", function()
    local function code(text) return command.run { "-e", text } end
    assert.equal("1\n", code('lamina = ">=0.1" print(1)').out)
    local wrong = code('lamina = ">=99" print(1)')
    assert.equal(1, wrong.code)
    assert.equal(string.format("lamina: (command line):1: this script asks for lamina >=99, and this is lamina %s "
      .. "(numerics %d)\n    lamina = \">=99\" print(1)\n", base.version, base.numerics), wrong.err)
    assert.matches('lamina = \'soon\': expected a requirement such as ">=1.0"', code('lamina = "soon"').err)
    local dir = command.folder()
    command.write(dir .. "/s.lua", 'experiment "e" { lamina = ">=99" }\n')
    local result = command.run({ "s.lua" }, { dir = dir })
    assert.matches("s.lua:1: this script asks for lamina >=99", result.err)
    assert.is_false(base.exists(dir .. "/runs"))
    command.drop(dir)
  end)
end)

describe("a name that has a successor", function()
  it("keeps working, with one warning that names it", function()
    local result = command.run { "-e", [[
      require("lamina.compatible").words.rectify = { now = "relu", since = "0.2" }
      print(rawequal(rectify, relu), rawequal(rectify, relu))
    ]] }
    assert.equal("true\ttrue\n", result.out)
    assert.equal("lamina: warning: (command line):2: the word 'rectify' is now 'relu' (since 0.2); the old name "
      .. "still works\n", result.err)
  end)

  it("may be that of an option", function()
    local result = command.run { "-e", [[
      local schema = require "lamina.schema"
      local fields = { rate = { type = "number", was = "lr_old", default = 1 } }
      print(schema.check("w", { lr_old = 3 }, fields).rate, schema.check("w", { lr_old = 4 }, fields).rate)
      print(try(schema.check, "w", { lr_old = 3, rate = 2 }, fields))
    ]] }
    assert.matches("^3\t4\nnil\t[^\n]*unknown option 'lr_old'", result.out)
    assert.equal("lamina: warning: (command line):3: the option of w 'lr_old' is now 'rate'; the old name still "
      .. "works\n", result.err)
  end)
end)
