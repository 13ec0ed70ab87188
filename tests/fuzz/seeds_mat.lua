-- Makes the seeds of fuzz_mat: lamina tests/fuzz/seeds_mat.lua FOLDER writes small MATLAB files of every kind there.
package.path = "tests/?.lua;" .. package.path
local made = require "support.mat"

local pack, element, matrix = string.pack, made.element, made.matrix
local folder = ...

local function write(name, bytes)
  local out = assert(io.open(folder .. "/" .. name .. ".mat", "wb"))
  out:write(bytes)
  out:close()
end

local inner = matrix("", 4, { 1, 2 }, element(16, "hi")) .. made.double("", { 1, 2 }, { 1, 2 })
write("numbers", made.file { made.double("a", { 2, 2 }, { 1, 2, 3, 4 }), matrix("z", 6, { 1, 2 },
  element(9, pack("<dd", 1, 2)) .. element(2, "\3\4"), 0x800),
  matrix("l", 9, { 1, 3 }, element(2, "\0\1\1"), 0x200) })
write("big", made.file({ made.double("a", { 2, 2 }, { 1, 2, 3, 4 }, ">"), made.double("b", { 1, 3 }, { 1, 2, 3 }, ">",
  true) }, ">"))
write("cells", made.file { matrix("c", 1, { 1, 2 }, inner), matrix("st", 2, { 1, 1 }, element(5, pack("<i4", 4))
  .. element(1, "p\0\0\0p\0\0\0") .. inner), matrix("sa", 2, { 1, 2 }, element(5, pack("<i4", 4))
  .. element(1, "p\0\0\0") .. inner) })
write("sparse", made.file { matrix("s", 5, { 3, 2 }, element(5, pack("<i4i4", 0, 2))
  .. element(5, pack("<i4i4i4", 0, 1, 2)) .. element(9, pack("<dd", 7, 8))) })
write("text", made.file { matrix("t", 4, { 1, 3 }, element(4, pack("<I2I2I2", 97, 0xd83e, 0xdde0))),
  matrix("r", 4, { 2, 2 }, element(16, "acbd")), matrix("f", 16, { 1, 1 }, inner),
  element(14, element(6, pack("<I4I4", 17, 0)) .. element(1, "o") .. element(1, "MCOS") .. element(1, "string")) })
write("compressed", made.file { made.packed })
write("four", made.four("x", 0, { 2, 2 }, pack("<dddd", 1, 2, 3, 4)) .. made.four("t", 51, { 1, 2 }, "hi")
  .. made.four("s", 2, { 3, 3 }, pack("<ddddddddd", 1, 2, 4, 1, 1, 2, 5, 6, 0))
  .. made.four("z", 0, { 1, 1 }, pack("<dd", 1, 2), 1))
