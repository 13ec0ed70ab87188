-- lamina doctor and lamina help, as a user meets them.
local base = require "lamina.core.base"
local command = require "support.command"

describe("lamina doctor", function()
  it("finds the bits of this version of the numbers, with every set of kernels there is", function()
    local result = command.run { "doctor" }
    assert.equal(0, result.code, result.out)
    assert.matches("ok +lamina +" .. base.version:gsub("%p", "%%%0") .. ", numerics " .. base.numerics, result.out)
    assert.matches("ok +bits +a short computation gives the bits that it gives everywhere", result.out)
    assert.matches("ok +bits of generic +the same", result.out)
    for _, name in ipairs { "processor", "kernels", "threads", "figures", "linear algebra", "HDF5", "downloads",
      "prompt", "JPEG", "sandbox", "data", "terminal" } do
      assert.matches("\n%u* *%l* +" .. name .. "  ", result.out)
    end
  end)

  it("says what is wrong", function()
    local result = command.run({ "-e", [[
      local doctor = require "lamina.doctor"
      doctor.expected[require("lamina.core.base").numerics] = string.rep("0", 64)
      local lines, wrong = doctor.look()
      print(wrong, table.concat(lines, "\n"))
    ]] }, { env = "LAMINA_DATA=/nowhere" })
    assert.matches("^%d", result.out)
    assert.matches("WRONG +data +LAMINA_DATA names '/nowhere', which is no folder", result.out)
    assert.matches("WRONG +bits +a short computation gives %x+, not 0000000000000000", result.out)
  end)
end)

describe("lamina help", function()
  it("says what help says at the prompt", function()
    local text = command.run({ "help", "relu" }).out
    assert.matches("^relu: ", text)
    assert.equal(command.run({ "-e", 'help "relu"' }).out, text)
    assert.matches("^Lamina: models of sensory cortex", command.run({ "help" }).out)
    assert.matches("conv { kernel = %.%.%. }", command.run({ "help", "kernel" }).out)
  end)

  it("searches, and says where nothing is known", function()
    assert.matches("cross_entropy", command.run({ "help", "--search", "entropy" }).out)
    local none = command.run { "help", "reluu" }
    assert.equal(1, none.code)
    assert.matches("nothing is known of 'reluu' %(did you mean 'relu'%?%)", none.out)
    assert.equal(1, command.run({ "help", "--search", "xyzzyx" }).code)
  end)
end)
