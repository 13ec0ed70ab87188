--- lamina doctor: what this machine and this build can do, and a test of the bits
local subcommand = require "lamina.subcommand"

return subcommand.define {
  name = "doctor",
  usage = "doctor",
  about = [[
Says what processor, kernels, threads and memory there are, tries each part that is loaded at its first use (figures,
linear algebra, HDF5, downloads, JPEG), says which walls stand around untrusted scripts and where data sets are looked
for, and runs a short computation, with each set of kernels that the processor has, whose result must be the same bits
on every machine.]],
  examples = { "lamina doctor" },
  codes = "0 all is well (parts may be absent), 1 something is wrong",
  run = function()
    local lines, wrong = require("lamina.doctor").look()
    print(table.concat(lines, "\n"))
    if wrong > 0 then print(string.format("%d thing%s wrong", wrong, wrong == 1 and " is" or "s are")) end
    return wrong == 0 and 0 or 1
  end,
}
