-- Bad files, a full disk and too little memory: what a user is told, and that nothing is left half written.
local base = require "lamina.core.base"
local bad = require "support.bad"
local command = require "support.command"
local core_io = require "lamina.core.io"

local fails, contains, NET = bad.fails, bad.contains, bad.NET

describe("bad files", function()
  before_each(bad.begin)
  after_each(bad.finish)

  -- ---- files ----------------------------------------------------------------------------------------------------

  -- A sound file of each format that a damaged one is made from.
  local function sound(name)
    local path = bad.dir .. "/" .. name
    local makers = {
      npy = function() core_io.npy_write(path, randn { 30, 40 }) end,
      npz = function() core_io.npz_write(path, { x = randn { 30, 40 }, y = randn { 2 } }) end,
      png = function() core_io.png_write(path, rand { 3, 20, 20 }) end,
      safetensors = function() core_io.safetensors_write(path, { w = randn { 300 } }) end,
      idx = function() core_io.idx_write(path, zeros { 30, 40, dtype = "uint8" }) end,
    }
    makers[name:match "[^.]*$"]()
    return command.read(path)
  end

  local formats = { "npy", "npz", "png", "safetensors", "idx" }

  it("names a data file that is missing, and why", function()
    for _, format in ipairs { "npy", "npz", "png", "safetensors", "idx", "csv", "text" } do
      fails(string.format("require('lamina.core.io').%s_read 'none.%s'", format, format), 1,
        { "none." .. format .. ": cannot open: No such file or directory" })
      fails(string.format("require('lamina.core.io').%s_read '.'", format), 1, { ".: cannot read: " })
      fails(string.format("require('lamina.core.io').%s_read(7)", format), 1,
        { format .. "_read: path must be a string, not the number 7" })
    end
  end)

  it("knows a truncated file, wherever it ends", function()
    for _, format in ipairs(formats) do
      local whole = sound("a." .. format)
      for _, n in ipairs { 0, 3, #whole // 2, #whole - 1 } do
        command.write(bad.dir .. "/cut." .. format, whole:sub(1, n))
        local result = fails(string.format("require('lamina.core.io').%s_read 'cut.%s'", format, format), 1,
          { "cut." .. format .. ": " })
        assert.truthy(result.err:find "truncated" or result.err:find "not a zip archive", result.err)
      end
    end
  end)

  it("knows a compressed file that ends too early or is damaged", function()
    sound "a.idx"
    assert.truthy(os.execute("gzip -k " .. command.quote(bad.dir .. "/a.idx")))
    local packed = command.read(bad.dir .. "/a.idx.gz")
    command.write(bad.dir .. "/cut.idx.gz", packed:sub(1, -9))
    fails("require('lamina.core.io').idx_read 'cut.idx.gz'", 1, { "cut.idx.gz: " })
    command.write(bad.dir .. "/cut.idx.gz", packed:sub(1, 12))
    fails("require('lamina.core.io').idx_read 'cut.idx.gz'", 1, { "cut.idx.gz: ", "truncated" })
  end)

  it("knows a wrong magic number, and shows it", function()
    for _, format in ipairs { "npy", "png", "idx" } do
      command.write(bad.dir .. "/wrong." .. format, "XXXXXXXX" .. sound("a." .. format):sub(9))
      fails(string.format("require('lamina.core.io').%s_read 'wrong.%s'", format, format), 1,
        { "wrong." .. format .. ": not a", "it begins with 58 58 58 58, not with " })
    end
    command.write(bad.dir .. "/wrong.npz", ("no archive "):rep(50))
    fails("require('lamina.core.io').npz_read 'wrong.npz'", 1, { "wrong.npz: not a zip archive" })
    command.write(bad.dir .. "/wrong.safetensors", ("no tensors "):rep(50))
    fails("require('lamina.core.io').safetensors_read 'wrong.safetensors'", 1,
      { "wrong.safetensors: not a safetensors file" })
  end)

  it("names the line of a text file that is wrong", function()
    command.write(bad.dir .. "/ragged.csv", "a,b\n1,2\n3\n")
    fails("require('lamina.core.io').csv_read 'ragged.csv'", 1,
      { "ragged.csv:3: a row of 1 fields; the first has 2" })
    command.write(bad.dir .. "/quote.csv", 'a,b\n1,"2\n')
    fails("require('lamina.core.io').csv_read 'quote.csv'", 1, { "quote.csv:2: the quote that begins here" })
    command.write(bad.dir .. "/bytes.csv", "a,b\n\xff,2\n")
    fails("require('lamina.core.io').csv_read 'bytes.csv'", 1, { "bytes.csv:2: byte ff: not UTF-8 text" })
    fails([[require("lamina.core.io").json_decode '{ "a": [1, 2']], 1, { "json:1: column", "not JSON" })
    fails([[require("lamina.core.io").json_decode '{ "a": 1, }']], 1, { "json:1: column", "not JSON" })
  end)

  it("says where a data set was looked for and how to name its place", function()
    local result = fails("data.mnist()", 1, { "the data set 'mnist' was not found", "train-images-idx3-ubyte.gz",
      "--data DIR (DIR/mnist holds them) or --data mnist=DIR" },
      { args = { "--data", "." }, env = "HOME=" .. bad.dir .. " XDG_CACHE_HOME= LAMINA_DATA=" })
    contains(result.err, "not there: ./mnist")
    base.mkdir(bad.dir .. "/mnist")
    fails("data.mnist()", 1, { "data.mnist: ./mnist/train-images-idx3-ubyte", "is missing", "four files of MNIST" },
      { args = { "--data", "." } })
  end)

  it("checks what the files of a data set hold", function()
    local folder = bad.dir .. "/mnist"
    base.mkdir(folder)
    local function write(labels, images)
      for _, part in ipairs { "train", "t10k" } do
        core_io.idx_write(folder .. "/" .. part .. "-images-idx3-ubyte", images or zeros { 4, 8, 8, dtype = "uint8" })
        core_io.idx_write(folder .. "/" .. part .. "-labels-idx1-ubyte", tensor(labels, { dtype = "uint8" }))
      end
    end
    local function refused(...)
      fails("data.mnist { validation = 1 }", 1, { ... }, { args = { "--data", "mnist" } })
    end
    write { 0, 1, 11, 2 }
    refused("train-labels-idx1-ubyte: label 11 of item 3 is out of range, expected 0 to 9")
    write { 0, 1, 2 }
    refused("train-labels-idx1-ubyte: holds 3 labels for 4 images")
    write({ 0, 1, 2, 3 }, zeros { 4, 64, dtype = "uint8" })
    refused("train-images-idx3-ubyte: holds a uint8 array of 4x64, expected uint8 images")
  end)

  -- ---- a full disk ----------------------------------------------------------------------------------------------

  local WRITERS = {
    ["a.npy"] = "require('lamina.core.io').npy_write(path, zeros { 400, 100 })",
    ["a.npz"] = "require('lamina.core.io').npz_write(path, { x = randn { 400, 100 } })",
    ["a.safetensors"] = "require('lamina.core.io').safetensors_write(path, { x = randn { 400, 100 } })",
    ["a.idx"] = "require('lamina.core.io').idx_write(path, zeros { 400, 400, dtype = 'uint8' })",
    ["a.png"] = "require('lamina.core.io').png_write(path, rand { 3, 200, 300 })",
    ["a.csv"] = "require('lamina.core.io').csv_write(path, { { ('x'):rep(100000) } })",
    ["figure.png"] = "plot.images(rand { 16, 1, 64, 64 }):save(path)",
    ["figure.svg"] = "plot.images(rand { 16, 1, 64, 64 }):save(path)",
  }

  -- Every writer over an old file in `folder`: fails with the reason, the old file stays, nothing else appears.
  local function writers_fail(folder, reason, o)
    for name, call in pairs(WRITERS) do
      command.write(folder .. "/" .. name, "old")
      local result = bad.run("local path = ...\n" .. call,
        { args = { folder .. "/" .. name }, before = o and o.before })
      assert.equal(1, result.code, name)
      contains(result.err, "lamina: bad.lua:2: ")
      contains(result.err, name .. ": cannot write: " .. reason)
      assert.equal("old", command.read(folder .. "/" .. name), name)
      assert.same({ name }, base.list(folder))
      os.remove(folder .. "/" .. name)
    end
  end

  it("leaves nothing half written where files may not grow", function()
    base.mkdir(bad.dir .. "/small")
    writers_fail(bad.dir .. "/small", "File too large", { before = "ulimit -f 16" })
  end)

  it("leaves nothing half written on a full disk", function()
    local disk = bad.dir .. "/disk"
    base.mkdir(disk)
    local line = string.format("mount -t tmpfs -o size=64k tmpfs %s 2>/dev/null", command.quote(disk))
    if not os.execute(line) then return end -- needs root; the test above has the same reach
    local ok, message = pcall(writers_fail, disk, "No space left on device")
    os.execute("umount " .. command.quote(disk))
    assert(ok, message)
  end)

  it("keeps the old checkpoint where the new one does not fit", function()
    assert.equal(0, bad.run(bad.RESUMED, { args = { "0" } }).code)
    local old = command.read(bad.dir .. "/run.safetensors")
    local result = bad.run(bad.RESUMED:gsub("epochs = 4", "epochs = 2"), { args = { "0" }, before = "ulimit -f 2" })
    assert.equal(1, result.code)
    contains(result.err, "lamina: bad.lua:6: ")
    contains(result.err, "run.safetensors: cannot write: File too large")
    assert.equal(old, command.read(bad.dir .. "/run.safetensors"))
    assert.same({ "bad.lua", "run.safetensors" }, base.list(bad.dir))
  end)

  it("fails where results.json cannot be written, and leaves no part of it", function()
    local text = bad.EXPERIMENT .. "for i = 1, 30 do report { metric = 'm', value = i, what = ('x'):rep(20) } end"
    local result = bad.run(text, { args = { "--out", "o" }, before = "ulimit -f 5" })
    assert.equal(1, result.code)
    contains(result.err, "o/results.json: cannot write: File too large")
    assert.same({ "log.txt", "run.json" }, base.list(bad.dir .. "/o")) -- run.json: what --resume goes on from
  end)

  -- ---- the memory budget ----------------------------------------------------------------------------------------

  it("names the op and the bytes that the memory budget has no room for", function()
    local head = "local a = randn { 1000, 1000 }\n"
    local args = { args = { "--memory", "6M" } }
    fails(head .. "local b = a:matmul(a)", 2, { "matmul: ", "out of memory: 4000000 bytes asked", "of 6291456 in use",
      "--memory SIZE sets the budget" }, args)
    fails(head .. "local b = a + 1", 2, { "add: ", "out of memory: 4000000 bytes asked" }, args)
    fails(head .. "local b = zeros { 1000, 1000 }", 2, { "zeros: ", "out of memory: 4000000 bytes asked" }, args)
    fails("local a = zeros { 1 << 18, 1 << 18 }", 1, { "zeros: ", "out of memory: 274877906944 bytes asked",
      "(memory of the machine)" })
    core_io.npy_write(bad.dir .. "/big.npy", zeros { 1000, 1000 })
    fails("require('lamina.core.io').npy_read 'big.npy'", 1, { "big.npy: ", "out of memory: 4000000 bytes asked" },
      { args = { "--memory", "1M" } })
  end)

  it("goes on after running out of memory inside try", function()
    local result = bad.run([[
local a = ones { 1000, 1000 }
local ok, err = try(function() return a:matmul(a) end)
print(ok, err.kind, err.line, err.message:match "^%w+")
print(a:sum():item(), (ones { 100, 100 }:matmul(ones { 100, 100 })):sum():item())
]], { args = { "--memory", "6M" } })
    assert.equal("nil\tmemory\t2\tmatmul\n1000000.0\t1000000.0\n", result.out)
    assert.equal(0, result.code, result.err)
  end)

  it("ends training with the op where the budget is too small", function()
    fails(NET .. "train { model = net, data = set { 1, 2, 3, 4 }, log = false }", 4,
      { "out of memory: ", "bytes asked", "smaller batches" }, { args = { "--memory", "40K" } })
  end)
end)
