-- Hostile data files in a bundle: MATLAB's of version 5 and 7.3, npz, npy, PNG. Bombs are shown to take the memory
-- that they ask for with the walls off; of files that lie the readers tell, which would otherwise ask for what
-- the file claims. Behind the walls, in lamina verify, each ends with a message, and nothing else does.
local bags = require "support.bag"
local command = require "support.command"
local core = require "lamina.core.bundle"
local core_io = require "lamina.core.io"
local mat = require "support.mat"
local zip = require "support.zip"

local pack = string.pack
local dir

local SCRIPT = [[
experiment "reader" {}
local base = require "lamina.core.base"
local names = require("lamina.core.io").text_read "names.txt"
for name in names:gmatch "%S+" do
  local reader = assert(({ mat = data.mat, npz = data.npz, npy = data.npy, png = image.read })[name:match "%a+$"])
  local ok, e = pcall(reader, name)
  print(name, ok, base.memory().peak, ok and "" or e.message)
  if not ok then io.stderr:write(name, ": ", e.message, "\n") end
end
report { metric = "m", value = 1 }
]]

-- ---- bombs -----------------------------------------------------------------------------------------------------

-- A zlib stream of a text and so many zero bytes behind it.
local function deflated(head, zeros)
  local path, a, b = dir .. "/deflated.zip", 1, 0
  os.remove(path)
  core.zip_write(path, { { name = "x", text = head .. ("\0"):rep(zeros) } })
  local archive = command.read(path)
  local packed, _, names, extra = string.unpack("<I4I4I2I2", archive, 19)
  for i = 1, #head do
    a = (a + head:byte(i)) % 65521
    b = (b + a) % 65521
  end
  b = (b + zeros * a) % 65521 -- Adler-32 (RFC 1950)
  return "\x78\x9c" .. archive:sub(31 + names + extra, 30 + names + extra + packed) .. pack(">I4", b << 16 | a)
end

local function compressed(head, zeros)
  local stream = deflated(head, zeros)
  return pack("<I4I4", 15, #stream) .. stream
end

-- A matrix element that says it has so many more bytes than stand there.
local function longer(element, more) return pack("<I4I4", 14, #element - 8 + more) .. element:sub(9) end

local function zeros_bomb()
  local n = 3000000
  return mat.file { compressed(longer(mat.matrix("x", 6, { 1, n }, pack("<I4I4", 9, 8 * n)), 8 * n), 8 * n) }
end

-- Empty cells: bytes 0e 00 00 00 00 00 00 00 each, of which deflate makes next to nothing.
local function cells_bomb()
  local n = 200000
  local cells = pack("<I4I4", 14, 0):rep(n)
  return mat.file { compressed(longer(mat.matrix("x", 1, { 1, n }, ""), #cells) .. cells, 0) }
end

-- What lies at 512, behind MATLAB's own header.
local function seventy_three(hdf5_bytes)
  local head = "MATLAB 7.3 MAT-file, made by a test"
  return head .. (" "):rep(124 - #head) .. pack("<I2", 0x0200) .. "IM" .. ("\0"):rep(384) .. hdf5_bytes
end

local function hdf5_zeros(n)
  local path = dir .. "/zeros.h5"
  if not lamina.try(hdf5.write, path, { x = zeros { n } }, { compress = 9 }) then return nil end
  return command.read(path)
end

local function npz_bomb()
  core_io.npz_write(dir .. "/bomb", { x = zeros { 6000000 } }, { compress = true })
  return command.read(dir .. "/bomb")
end

local function png_bomb()
  core_io.png_write(dir .. "/bomb", zeros({ 5000, 5000 }, { dtype = "uint8" }))
  return command.read(dir .. "/bomb")
end

-- ---- lies ------------------------------------------------------------------------------------------------------

local function nested(depth)
  local element = mat.double("", { 1, 1 }, { 1 })
  for i = depth, 1, -1 do element = mat.matrix(i == 1 and "x" or "", 1, { 1, 1 }, element) end
  return mat.file { element }
end

-- A PNG file whose header says other sides.
local function resized(bytes, side)
  local head = "IHDR" .. pack(">I4I4", side, side) .. bytes:sub(25, 29)
  return bytes:sub(1, 12) .. head .. pack(">I4", zip.crc32(head)) .. bytes:sub(34)
end

-- name, bytes (a function), what is said with walls; `takes`: the least memory that it takes without.
local hostile = {
  { "zeros.mat", zeros_bomb, "out of memory: 24000000 bytes asked", takes = 24000000 },
  { "cells.mat", cells_bomb, "out of memory", takes = 60000000 },
  { "zeros73.mat", function()
    local bytes = hdf5_zeros(6000000)
    return bytes and seventy_three(bytes)
  end, "out of memory", takes = 24000000 },
  { "bomb.npz", npz_bomb, "out of memory", takes = 24000000 },
  { "bomb.png", png_bomb, "out of memory", takes = 25000000 },
  { "element.mat", function() return mat.file { pack("<I4I4", 14, 0x7ffffff8) .. ("\0"):rep(64) } end,
    "truncated: a variable needs 2147483640 bytes, 64 are left" },
  { "shape.mat", function()
    return mat.file { mat.matrix("x", 6, { 1 << 30, 1 << 30, 1 << 30 }, pack("<I4I4", 9, 8) .. ("\0"):rep(8)) }
  end, "the shape asks for more bytes than can be addressed" },
  { "numbers.mat", function()
    return mat.file { mat.matrix("x", 6, { 40000, 40000 }, pack("<I4I4", 9, 8) .. ("\0"):rep(8)) }
  end, "the shape asks for 12800000000 bytes, 8 are there" },
  { "negative.mat", function() return mat.file { mat.matrix("x", 6, { -1, 1 }, mat.element(9, "")) } end,
    "the shape holds -1, expected numbers of at least 0" },
  { "sparse.mat", function()
    return mat.file { mat.matrix("x", 5, { 2, 2 }, mat.element(5, pack("<i4", 1 << 30)) .. mat.element(5,
      pack("<i4i4i4", 0, 1 << 29, 1 << 30)) .. mat.element(9, "")) }
  end, "a sparse matrix of 1073741824 entries has 1 rows" },
  { "fields.mat", function()
    return mat.file { mat.matrix("x", 2, { 1, 1 }, mat.element(5, pack("<i4", 0), "<", true)
      .. mat.element(1, ("a"):rep(64))) }
  end, "field names of 0 bytes" },
  { "structs.mat", function()
    return mat.file { mat.matrix("x", 2, { 1 << 15, 1 << 15 }, mat.element(5, pack("<i4", 8), "<", true)
      .. mat.element(1, "")) }
  end, "1073741824 structs without fields" },
  { "deep.mat", function() return nested(3000) end, "cells and structs nested more than 64 deep" },
  { "stream.mat", function()
    local stream = deflated(mat.matrix("x", 6, { 1, 1 }, pack("<I4I4", 9, 1 << 31)), 0)
    return mat.file { pack("<I4I4", 15, #stream) .. stream }
  end, "truncated: the numbers needs 2147483648 bytes, 0 are left" },
  { "broken.mat", function() return mat.file { pack("<I4I4", 15, 24) .. "\x78\x9c" .. ("\xff"):rep(22) } end,
    "damaged compressed data" },
  { "cut73.mat", function()
    local bytes = hdf5_zeros(100)
    return bytes and seventy_three(bytes:sub(1, #bytes // 2))
  end, "cannot open: truncated file" },
  { "shape73.mat", function() -- the dataset says that it has 2^60 rows
    local bytes = hdf5_zeros(1234567)
    return bytes and seventy_three((bytes:gsub(pack("<I8", 1234567), (pack("<I8", 1 << 60):gsub("%%", "%%%%")))))
  end, "asks for 4611686018427387904 bytes, but the file has" },
  { "empty73.mat", function() return seventy_three(("\0"):rep(600)) end, "not an HDF5 file" },
  { "shape.npy", function()
    local head = "{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }\n"
    return "\x93NUMPY\1\0" .. pack("<I2", #head) .. head
  end, "the shape asks for more bytes than can be addressed" },
  { "size.npz", function()
    return zip.archive { { name = "x.npy", text = "\x93NUMPY", size = 0xfffffff0 } }
  end, "truncated: lies outside the file" },
  { "sides.png", function()
    core_io.png_write(dir .. "/bomb", zeros({ 2, 2 }, { dtype = "uint8" }))
    return resized(command.read(dir .. "/bomb"), 0x7fffffff)
  end, "damaged PNG: Invalid IHDR data" },
}

describe("hostile files", function()
  local folder, written = nil, {}

  setup(function()
    dir = command.folder()
    command.write(dir .. "/reader.lua", SCRIPT)
    command.write(dir .. "/names.txt", "")
    assert.equal(0, command.run("pack reader.lua", { dir = dir }).code)
    folder = bags.unpack(dir .. "/reader.lamina.zip", dir, "reader")
    for _, case in ipairs(hostile) do
      local bytes = case[2]()
      if bytes then
        command.write(folder .. "/data/work/" .. case[1], bytes)
        written[#written + 1] = case
      end
    end
  end)
  teardown(function() command.drop(dir) end)

  -- What the script says of each file, by name: { whether it could be read, the most memory until then, message }.
  local function read(names)
    command.write(folder .. "/data/work/names.txt", names)
    local result = command.run("--out out reader.lua", { dir = folder .. "/data/work" })
    os.execute("rm -rf " .. folder .. "/data/work/out")
    assert.equal(0, result.code, result.err)
    local found = {}
    for name, ok, peak, message in result.out:gmatch "(%S+)\t(%a+)\t(%d+)\t([^\n]*)\n" do
      found[name] = { ok == "true", math.tointeger(tonumber(peak)), message }
    end
    return found
  end

  it("take what they ask for, or are told to lie, with the walls off", function()
    local lies = {}
    for _, case in ipairs(written) do
      if case.takes then
        local found = read(case[1])[case[1]]
        assert.is_true(found[1], case[1] .. ": " .. found[3])
        assert.is_true(found[2] >= case.takes, case[1] .. ": " .. found[2])
      else
        lies[#lies + 1] = case[1]
      end
    end
    local found = read(table.concat(lies, "\n"))
    for _, case in ipairs(written) do
      local told = found[case[1]]
      if told then
        assert.is_false(told[1], case[1])
        assert.is_true(told[2] < 4000000, case[1] .. ": " .. told[2])
        assert.truthy(told[3]:find(case[1], 1, true) and told[3]:find(case[3], 1, true), told[3])
      end
    end
    assert.is_true(#lies >= 14)
  end)

  it("are contained in lamina verify", function()
    for first = 1, #written, 3 do -- verify shows the last 12 lines, of which sanitizers need a few
      local names = {}
      for i = first, math.min(first + 2, #written) do names[#names + 1] = written[i][1] end
      command.write(folder .. "/data/work/names.txt", table.concat(names, "\n"))
      bags.rebag(folder)
      local result = command.run("verify reader --memory 8M --wall-time 60", { dir = dir })
      assert.same({ 0, "" }, { result.code, result.err }, result.out)
      for i = first, first + #names - 1 do
        local name, said = written[i][1], written[i][3]
        local line = result.out:match("\n  | " .. name:gsub("%p", "%%%0") .. ": ([^\n]*)")
        assert.truthy(line and line:find(said, 1, true), name .. ": " .. tostring(line))
      end
      assert.matches("\nresult m +exact", result.out)
    end
  end)
end)
