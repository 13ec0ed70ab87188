-- Writes the seeds of the fuzzers, tiny files of every kind a reader takes: lamina tests/fuzz/seeds.lua FOLDER, where
-- FOLDER is tests/fuzz/corpus. The same bytes each time.
local base, core, io = require "lamina.core.base", require "lamina.core.tensor", require "lamina.core.io"

local root = arg[1] or "tests/fuzz/corpus"

local function path(format, name)
  base.mkdir(root .. "/" .. format)
  return root .. "/" .. format .. "/" .. name
end

local function text(format, name, content) io.text_write(path(format, name), content) end

local function values(shape, dtype)
  local n = 1
  for _, extent in ipairs(shape) do n = n * extent end
  local t = core.arange(1, n):reshape(shape)
  return dtype == "bool" and t:gt(n // 2) or t:to(dtype)
end

-- The header and data of a .npy file of version 1 with this description.
local function npy(descr, fortran, shape, data, version)
  local head = string.format("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
  local size = version and version > 1 and string.pack("<I4", #head) or string.pack("<I2", #head)
  return "\x93NUMPY" .. string.char(version or 1, 0) .. size .. head .. data
end

for _, dtype in ipairs { "float32", "float64", "int64", "uint8", "bool" } do
  io.npy_write(path("npy", dtype .. ".npy"), values({ 2, 3 }, dtype))
end
text("npy", "half_big.npy", npy(">f2", "False", "(3,)", "\x3c\x00\x7c\x01\x80\x01"))
text("npy", "fortran.npy", npy("<i2", "True", "(2, 3)", "\1\0\2\0\3\0\4\0\5\0\6\0"))
text("npy", "complex.npy", npy("<c8", "True", "(1, 2)", ("\0\0\x80\x3f"):rep(4), 2))
text("npy", "unicode.npy", npy("<U2", "False", "(2,)", "a\0\0\0b\0\0\0\xe9\0\0\0\0\0\0\0", 3))
text("npy", "bytes.npy", npy("|S3", "False", "(2,)", "abcd\0\0"))
text("npy", "unsigned.npy", npy(">u8", "False", "()", "\0\0\0\0\0\0\1\0"))
text("npy", "objects.npy", npy("|O", "False", "(1,)", "\x80\4N."))

io.npz_write(path("npz", "stored.npz"), { a = values({ 2, 2 }, "float32"), s = { "x", "é" } })
io.npz_write(path("npz", "deflated.npz"), { a = values({ 3, 2 }, "int64"), b = values({ 1 }, "bool") },
  { compress = true })

require("lamina.core.bundle").zip_write(path("zip", "two.zip"), { { name = "b/one", text = "1" },
  { name = "b/sub/two", text = ("2"):rep(40) } })

io.safetensors_write(path("safetensors", "two.safetensors"), { w = values({ 2, 3 }, "float32"),
  b = values({ 2 }, "int64") }, { engine = "lamina" })
local head = '{"h":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"x":{"dtype":"F8_E4M3","shape":[1],'
  .. '"data_offsets":[4,5]}}'
text("safetensors", "narrow.safetensors", string.pack("<I8", #head) .. head .. "\x80\x3f\x00\xc0\x38")

io.idx_write(path("idx", "digits.idx"), values({ 2, 2, 2 }, "uint8"))
io.idx_write(path("idx", "digits.idx.gz"), values({ 2, 2, 2 }, "uint8"))
for _, dtype in ipairs { "float32", "float64", "int64" } do
  io.idx_write(path("idx", dtype .. ".idx"), values({ 3 }, dtype))
end

for _, channels in ipairs { 1, 3, 4 } do
  io.png_write(path("png", channels .. ".png"), values({ channels, 3, 4 }, "uint8"))
end
for _, channels in ipairs { 1, 3 } do
  io.jpeg_write(path("jpeg", channels .. ".jpg"), values({ channels, 9, 10 }, "uint8"), { quality = 50 })
end
-- the same picture, which an EXIF block says lies on its side
local jpeg = io.text_read(path("jpeg", "3.jpg"))
local exif = "Exif\0\0MM\0\42\0\0\0\8\0\1\1\18\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
text("jpeg", "turned.jpg", jpeg:sub(1, 2) .. "\xff\xe1" .. string.pack(">I2", #exif + 2) .. exif .. jpeg:sub(3))

text("csv", "table.csv", 'id,x,label,gap\n1,2.5,"a ""b"",\nc",\n-7,1e3,d,4\n')
text("csv", "crlf.csv", "\xef\xbb\xbfa;b\r\n1;2\r\n\r\n3;nan\r\n")
text("csv", "tabs.csv", "é\tb\n1\t\n")
text("json", "values.json", '{"a": [1, -2.5e3, true, null, {"b": "\\u00e9\\n"}], "c": {}, "d": []}')
text("json", "deep.json", ("["):rep(60) .. "9223372036854775807" .. ("]"):rep(60))

-- MATLAB files
package.path = "tests/?.lua;" .. package.path
local made = require "support.mat"
local pack, element, matrix = string.pack, made.element, made.matrix
local inner = matrix("", 4, { 1, 2 }, element(16, "hi")) .. made.double("", { 1, 2 }, { 1, 2 })
text("mat", "numbers.mat", made.file { made.double("a", { 2, 2 }, { 1, 2, 3, 4 }), matrix("z", 6, { 1, 2 },
  element(9, pack("<dd", 1, 2)) .. element(2, "\3\4"), 0x800),
  matrix("l", 9, { 1, 3 }, element(2, "\0\1\1"), 0x200) })
text("mat", "big.mat", made.file({ made.double("a", { 2, 2 }, { 1, 2, 3, 4 }, ">"),
  made.double("b", { 1, 3 }, { 1, 2, 3 }, ">", true) }, ">"))
text("mat", "cells.mat", made.file { matrix("c", 1, { 1, 2 }, inner), matrix("st", 2, { 1, 1 },
  element(5, pack("<i4", 4)) .. element(1, "p\0\0\0p\0\0\0") .. inner),
  matrix("sa", 2, { 1, 2 }, element(5, pack("<i4", 4)) .. element(1, "p\0\0\0") .. inner) })
text("mat", "sparse.mat", made.file { matrix("s", 5, { 3, 2 }, element(5, pack("<i4i4", 0, 2))
  .. element(5, pack("<i4i4i4", 0, 1, 2)) .. element(9, pack("<dd", 7, 8))) })
text("mat", "text.mat", made.file { matrix("t", 4, { 1, 3 }, element(4, pack("<I2I2I2", 97, 0xd83e, 0xdde0))),
  matrix("r", 4, { 2, 2 }, element(16, "acbd")), matrix("f", 16, { 1, 1 }, inner),
  element(14, element(6, pack("<I4I4", 17, 0)) .. element(1, "o") .. element(1, "MCOS") .. element(1, "string")) })
text("mat", "compressed.mat", made.file { made.packed })
text("mat", "four.mat", made.four("x", 0, { 2, 2 }, pack("<dddd", 1, 2, 3, 4)) .. made.four("t", 51, { 1, 2 }, "hi")
  .. made.four("s", 2, { 3, 3 }, pack("<ddddddddd", 1, 2, 4, 1, 1, 2, 5, 6, 0))
  .. made.four("z", 0, { 1, 1 }, pack("<dd", 1, 2), 1))

-- HDF5, as lamina writes it; what other libraries write lies in tests/fixtures/hdf5, which its fuzzer takes, too
local ok, failure = pcall(io.hdf5_write, path("hdf5", "tensors.h5"), { x = values({ 2, 3 }, "float32"),
  g = { n = values({ 3 }, "int64"), b = values({ 2 }, "bool") } }, { attributes = { x = { unit = "mV" } } })
if ok then
  io.hdf5_write(path("hdf5", "packed.h5"), { x = values({ 4, 4 }, "uint8"), t = { "a", "é" } }, { compress = 1 })
else
  print("no seeds of HDF5: " .. tostring(failure))
end

-- what lamina-hdf5 may answer: a table of a tensor, a text and a shape; a list with a shape, of an unread thing
local function name(s) return pack("<I1i8", 1, #s) .. s end
text("tree", "table.bin", pack("<I1", 4) .. name "x" .. pack("<I1I1I1i8i8", 1, 11, 2, 2, 1) .. pack("<ff", 0.5, 1)
  .. name "text" .. pack("<I1i8", 2, 3) .. "a\0b" .. name "shape" .. pack("<I1I1i8", 5, 1, 7)
  .. name "none" .. "\0\0")
text("tree", "list.bin", pack("<I1I1i8", 3, 1, 1) .. pack("<I1I1i8", 1, 6, 5) .. "thing" .. "\0")
text("tree", "halves.bin", pack("<I1I1I1i8", 1, 9, 1, 3) .. "\0\x3c\0\x7c\1\x80")

print("seeds: " .. root)
