-- Bad input: what a user is told, how the command ends, and that nothing is left half written.
--
-- Every case is a small script run by the command, as a user would. A mistake in a script ends with exit code 1 and a
-- message that begins with the script's name and line; wrong usage ends with 2 and one line. No message may show the
-- chain of calls, an address or bytes that are no text.
local base = require "lamina.core.base"
local command = require "support.command"
local core_io = require "lamina.core.io"

local dir

-- What every answer owes to its reader, whatever it is about.
local function decent(result)
  assert.is_nil(result.err:find("stack traceback", 1, true), result.err)
  assert.is_nil(result.err:find "0x%x%x%x%x", result.err)
  assert.is_nil(result.err:find("mistake in Lamina itself", 1, true), result.err)
  assert.truthy(utf8.len(result.err), "the message is not text")
end

local function contains(text, part)
  if not text:find(part, 1, true) then error(string.format("expected %q in:\n%s", part, text), 0) end
end

-- Runs a script; o: args, and command.run's options.
local function run(text, o)
  o = o or {}
  command.write(dir .. "/bad.lua", text)
  local arguments = { "bad.lua" }
  for i, word in ipairs(o.args or {}) do arguments[i + 1] = word end
  o.dir = dir
  local result = command.run(arguments, o)
  decent(result)
  return result
end

-- A script that must fail at a line of its own, with these parts in what it says, and leave the folder as it was.
local function fails(text, line, parts, o)
  command.write(dir .. "/bad.lua", text)
  local before = table.concat(base.list(dir), " ")
  local result = run(text, o)
  assert.equal(1, result.code, result.err .. "\nfrom: " .. text)
  contains(result.err, "lamina: bad.lua:" .. line .. ": ")
  for _, part in ipairs(parts) do contains(result.err, part) end
  assert.equal(before, table.concat(base.list(dir), " "), "files have appeared")
  return result
end

-- Each case: the script, then what the message must hold. The mistake is in the script's last line.
local function all_fail(head, cases)
  local line = select(2, head:gsub("\n", "\n")) + 1
  for _, case in ipairs(cases) do fails(head .. case[1], line, { table.unpack(case, 2) }) end
end

local NET = [[
local net = model "tiny" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu, pool.max { 2 } },
  readout "digit" { dense { 10 } } }
local function set(y, x) return data.tensors { x or randn { #y, 1, 8, 8 }, tensor(y, { dtype = "int64" }) } end
]]

describe("bad input", function()
  before_each(function() dir = command.folder() end)
  after_each(function() command.drop(dir) end)

  -- ---- files -------------------------------------------------------------------------------------------------

  -- A sound file of each format that a damaged one is made from.
  local function sound(name)
    local path = dir .. "/" .. name
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
        command.write(dir .. "/cut." .. format, whole:sub(1, n))
        local result = fails(string.format("require('lamina.core.io').%s_read 'cut.%s'", format, format), 1,
          { "cut." .. format .. ": " })
        assert.truthy(result.err:find "truncated" or result.err:find "not a zip archive", result.err)
      end
    end
  end)

  it("knows a compressed file that ends too early or is damaged", function()
    sound "a.idx"
    assert.truthy(os.execute("gzip -k " .. command.quote(dir .. "/a.idx")))
    local packed = command.read(dir .. "/a.idx.gz")
    command.write(dir .. "/cut.idx.gz", packed:sub(1, -9))
    fails("require('lamina.core.io').idx_read 'cut.idx.gz'", 1, { "cut.idx.gz: " })
    command.write(dir .. "/cut.idx.gz", packed:sub(1, 12))
    fails("require('lamina.core.io').idx_read 'cut.idx.gz'", 1, { "cut.idx.gz: ", "truncated" })
  end)

  it("knows a wrong magic number, and shows it", function()
    for _, format in ipairs { "npy", "png", "idx" } do
      command.write(dir .. "/wrong." .. format, "XXXXXXXX" .. sound("a." .. format):sub(9))
      fails(string.format("require('lamina.core.io').%s_read 'wrong.%s'", format, format), 1,
        { "wrong." .. format .. ": not a", "it begins with 58 58 58 58, not with " })
    end
    command.write(dir .. "/wrong.npz", ("no archive "):rep(50))
    fails("require('lamina.core.io').npz_read 'wrong.npz'", 1, { "wrong.npz: not a zip archive" })
    command.write(dir .. "/wrong.safetensors", ("no tensors "):rep(50))
    fails("require('lamina.core.io').safetensors_read 'wrong.safetensors'", 1,
      { "wrong.safetensors: not a safetensors file" })
  end)

  it("names the line of a text file that is wrong", function()
    command.write(dir .. "/ragged.csv", "a,b\n1,2\n3\n")
    fails("require('lamina.core.io').csv_read 'ragged.csv'", 1, { "ragged.csv:3: a row of 1 fields; the first has 2" })
    command.write(dir .. "/quote.csv", 'a,b\n1,"2\n')
    fails("require('lamina.core.io').csv_read 'quote.csv'", 1, { "quote.csv:2: the quote that begins here" })
    command.write(dir .. "/bytes.csv", "a,b\n\xff,2\n")
    fails("require('lamina.core.io').csv_read 'bytes.csv'", 1, { "bytes.csv:2: byte ff: not UTF-8 text" })
    fails([[require("lamina.core.io").json_decode '{ "a": [1, 2']], 1, { "json:1: column", "not JSON" })
    fails([[require("lamina.core.io").json_decode '{ "a": 1, }']], 1, { "json:1: column", "not JSON" })
  end)

  it("says where a data set was looked for and how to name its place", function()
    local result = fails("data.mnist()", 1, { "the data set 'mnist' was not found", "train-images-idx3-ubyte.gz",
      "--data DIR (DIR/mnist holds them) or --data mnist=DIR" },
      { args = { "--data", "." }, env = "HOME=" .. dir .. " XDG_CACHE_HOME= LAMINA_DATA=" })
    contains(result.err, "not there: ./mnist")
    base.mkdir(dir .. "/mnist")
    fails("data.mnist()", 1, { "data.mnist: ./mnist/train-images-idx3-ubyte", "is missing", "four files of MNIST" },
      { args = { "--data", "." } })
  end)

  it("checks what the files of a data set hold", function()
    local folder = dir .. "/mnist"
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

  -- ---- data that does not fit the model ----------------------------------------------------------------------

  it("refuses images of another size than the model's input", function()
    all_fail(NET, {
      { "train { model = net, data = set({ 1, 2 }, randn { 2, 1, 9, 9 }) }",
        "train: the items of data are 1x9x9, but tiny takes 1x8x8" },
      { "train { model = net, data = set { 1 }, validate = set({ 1 }, randn { 1, 3, 8, 8 }) }",
        "train: the items of validate are 3x8x8, but tiny takes 1x8x8" },
      { "evaluate { model = net, data = set({ 1, 2 }, randn { 2, 1, 9, 9 }) }",
        "tiny: the input is 2x1x9x9, expected a batch of 1x8x8" },
      { "net(randn { 8, 8 })", "tiny: the input is 8x8, expected a batch of 1x8x8" },
      { "net 'image.png'", "tiny: expected a batch of inputs as a tensor, got a string" },
    })
  end)

  it("refuses labels out of range", function()
    all_fail(NET, {
      { "train { model = net, data = set { 1, 0 } }",
        "labels of data are from 0 to 1", "must be from 1 to 10", "add 1 to labels that begin at 0" },
      { "train { model = net, data = set { 1, 11 } }", "from 1 to 11, but readout \"digit\" gives 10",
        "must be from 1 to 10" },
      { "train { model = net, data = data.tensors { randn { 2, 1, 8, 8 }, tensor { 1, 2 } } }",
        "cross_entropy needs labels as int64 with one axis; those of data are 2 float32" },
      { "evaluate { model = net, data = set { 1, 2, 11 } }",
        "cross_entropy: the label of item 3 is 11, but logits has classes 1 to 10" },
      { "data.tensors { randn { 2, 3 }, tensor({ 1, 3 }, { dtype = 'int64' }), classes = { 'cat', 'dog' } }",
        "data: label 3 of item 2 is out of range, expected 1 to 2" },
      { "randn { 2, 10 }:cross_entropy(tensor({ 0, 1 }, { dtype = 'int64' }))",
        "cross_entropy: the label of item 1 is 0, but logits has classes 1 to 10" },
      { "randn { 2, 10 }:cross_entropy(tensor { 1.5, 1 })",
        "cross_entropy: labels is float32 but must be int64 (convert with :to \"int64\")" },
    })
  end)

  it("refuses an empty data set, a zero batch and what is no data set", function()
    all_fail(NET .. "local none = data.tensors { zeros { 0, 1, 8, 8 }, zeros { 0, dtype = 'int64' } }\n", {
      { "train { model = net, data = none }", "train: data holds no items" },
      { "train { model = net, data = set { 1 }, validate = none }", "train: validate holds no items" },
      { "evaluate { model = net, data = none }", "evaluate: data holds no items" },
      { "train { model = net, data = set { 1 }, batch = 0 }",
        "train: option 'batch' is 0, expected a whole number of at least 1" },
      { "train { model = net, data = set { 1 }, epochs = -1 }",
        "train: option 'epochs' is -1, expected a whole number of at least 0" },
      { "train { model = net, data = set { 1 }, batch = '64' }", "train: option 'batch' is '64', expected a whole" },
      { "train { model = net, data = randn { 3 } }", "train: data is a tensor, expected a data set such as" },
      { "train { model = net }", "train: option 'data' is missing" },
      { "train { model = 3, data = set { 1 } }", "train: model is a number, expected a model" },
      { "train(net)", "train: expected a table of options, got a model" },
      { "train { model = net, data = set { 1 }, optimizer = 'adam' }",
        "train: optimizer is a string, expected one such as adam { rate = 1e-3 }" },
      { "data.tensors { randn { 2, 3 }, randn { 3 } }", "data.tensors: x is 2x3 and y is 3; both need one entry" },
    })
  end)

  -- ---- a loss that is not finite -----------------------------------------------------------------------------

  it("names epoch, step and the first op of a loss that is NaN or infinite", function()
    fails(NET .. "local x = randn { 4, 1, 8, 8 } x[2] = 0 / 0\n" .. "train { model = net, data = set({ 1, 2, 3, 4 }, x) }",
      5, { "train: the loss is NaN at epoch 1, step 1", "came from the data", "weights are as they were" })
    fails(NET .. "train { model = net, data = set { 1, 2, 3, 4 }, optimizer = sgd { rate = 1e30 }, epochs = 9,\n"
      .. "  batch = 2, log = false }", 4, { "train: the loss is NaN at epoch 1, step 2", "digit.dense1 (linear)",
      "a smaller rate or clip = 1" })
    fails(NET .. "train { model = net, data = set { 1, 2 }, loss = function(o) return (o * 0):log():sum() end }", 4,
      { "train: the loss is infinite at epoch 1, step 1", "came from the loss (loss): log, of finite numbers" })
    fails("local w = randn { 3, 3 }:requires_grad(true)\nloop { data = data.tensors { randn { 4, 3 }, randn { 4 } }, "
      .. "batch = 2, each = function(b) return (b.x:matmul(w) * 0):log():sum() end }", 2,
      { "loop: 'loss' is infinite at epoch 1, step 1", "the first op that was not finite is log, of finite numbers" })
  end)

  it("changes no weight while it looks for the op", function()
    local result = run([[
local w = ones { 3, 3 }:requires_grad(true)
local opt = sgd { rate = 1 } :attach { w }
local x, calls = randn { 2, 3 }, 0
local ok, err = try(loop, { data = data.tensors { x, randn { 2 } }, log = false, each = function(b)
  calls = calls + 1
  if calls == 2 then opt:step(b.x:matmul(w):sum()) end
  return (randn { 2 } * 0):log():sum()
end })
print(err.kind, calls, w:sum():item(), lamina.ops.guard())
]])
    assert.equal("numeric\t2\t9.0\tfalse\n", result.out)
  end)

  local RESUMED = NET .. [[
local fails, resume = ...
local step = 0
local history = train { model = net, data = set { 1, 2, 3, 4 }, epochs = 4, batch = 2, checkpoint = "run.safetensors",
  resume = resume == "true", log = false, loss = function(o, y)
    step = step + 1
    local loss = o:cross_entropy(y)
    return step == tonumber(fails) and loss * (1 / 0) or loss
  end }
print(#history, net:digest())
]]

  it("keeps the last good checkpoint, from which the run goes on", function()
    local whole = run(RESUMED, { args = { "0" } })
    assert.equal(0, whole.code, whole.err)
    os.remove(dir .. "/run.safetensors")
    local cut = run(RESUMED, { args = { "6" } })
    assert.equal(1, cut.code)
    contains(cut.err, "train: the loss is infinite at epoch 3, step 6")
    contains(cut.err, "run.safetensors holds the end of epoch 2; resume = true goes on from it")
    assert.same({ "bad.lua", "run.safetensors" }, base.list(dir))
    local resumed = run(RESUMED, { args = { "0", "true" } })
    assert.equal(0, resumed.code, resumed.err)
    assert.equal(whole.out, resumed.out)
  end)

  it("tells a checkpoint from anything else", function()
    sound "run.safetensors"
    fails(RESUMED, 6, { "run.safetensors is not a checkpoint of a training run" }, { args = { "0", "true" } })
    command.write(dir .. "/run.safetensors", "junk")
    fails(RESUMED, 6, { "run.safetensors: truncated" }, { args = { "0", "true" } })
    fails(NET .. "train { model = net, data = set { 1 }, checkpoint = 'none/run.safetensors' }", 4,
      { "checkpoint: there is no folder 'none'" })
  end)

  -- ---- names and options -------------------------------------------------------------------------------------

  it("names the nearest option, layer, word, method and global", function()
    all_fail(NET, {
      { "train { model = net, data = set { 1 }, epoch = 3 }", "train: unknown option 'epoch' (did you mean 'epochs'?)" },
      { "adam { ratee = 3 }", "adam: unknown option 'ratee' (did you mean 'rate'?)" },
      { "train { model = net, data = set { 1 }, loss = 'crossentropy' }",
        "train: unknown loss 'crossentropy' (did you mean 'cross_entropy'?)" },
      { "modle 'm' {}", "undefined name 'modle' (did you mean 'model'?)" },
      { "area 'V1' { reluu }", "undefined name 'reluu' (did you mean 'relu'?)" },
      { "pool.maxx { 2 }", "pool has no word 'maxx' (did you mean 'max'?)" },
      { "data.mnst()", "data has no word 'mnst' (did you mean 'mnist'?)" },
      { "plot.curv {}", "plot has no word 'curv' (did you mean 'curve'?)" },
      { "neural.assemby 'x.npz'", "neural has no word 'assemby' (did you mean 'assembly'?)" },
      { "print(ops.matmull)", "ops has no word 'matmull' (did you mean 'matmul'?)" },
      { "print(lamina.cnov)", "lamina has no word 'cnov' (did you mean 'conv'?)" },
      { "randn { 2 }:matmull(1)", "a tensor has no field or method 'matmull' (did you mean 'matmul'?)" },
      { "zeros { 2, dtyp = 'float32' }", "zeros: unknown option 'dtyp' (did you mean 'dtype'?)" },
      { "zeros { 2, dtype = 'float23' }", "zeros: unknown dtype 'float23' (did you mean 'float32'?)" },
      { "randn { 2 }:sum { dims = 1 }", "sum: unknown option 'dims' (did you mean 'dim'?)" },
      { "require 'no.such'", "module 'no.such' not found", "not there: ./no/such.lua" },
    })
  end)

  it("refuses a model that cannot be, with the shapes so far", function()
    local function area(text) return 'model "m" { input { 1, 8, 8 }, area "V1" { ' .. text .. " } }" end
    all_fail("local cnov = nil\n", {
      { area "conv { 4, kernel = 9 }", "conv: a kernel of 9x9 does not fit into an input of 1x8x8", "shapes so far: input 1x8x8" },
      { area "pool.max { 20 }", "pool.max: a window of 20x20 does not fit into an input of 1x8x8" },
      { area "conv { 4, kernel = '3' }", "conv: option 'kernel' is '3', expected a whole number" },
      { area "conv { -4, kernel = 3 }", "conv: option 'width' is -4, expected a whole number of at least 1" },
      { area "conv { 4 }", "conv: option 'kernel' is missing, expected a whole number" },
      { area "cnov, conv { 4, kernel = 3 }", "area \"V1\": entry 1 is nil", "expected a layer such as conv" },
      { area "relu, pool", "area \"V1\": entry 2 is a table, expected a layer such as conv" },
      { area "3", "area \"V1\": entry 1 is a number, expected a layer such as conv" },
      { area "", "area \"V1\" holds no layer" },
      { area "dense { 4 }, conv { 3, kernel = 3 }", "conv: needs an input of channels x height x width, got 4",
        "shapes so far: input 1x8x8 -> V1.dense1 4" },
      { area "dropout { 1.5 }", "dropout: option 'p' is 1.5, expected a number" },
      { "model { input { 1, 8, 8 } }", "model: expected a name, as in model \"LeNet\"" },
      { 'model "m" { area "V1" { relu } }', "area \"V1\": the model needs an input before it" },
      { 'model "m" { input { 1, -8, 8 } }', "input: size 2 is -8, expected a whole number of at least 1" },
      { 'model "m" { input { 1, 8, 8 }, readout "x" { from = "V2", dense { 3 } } }',
        "readout \"x\": from = \"V2\" names no area before it (there is none yet)" },
    })
  end)

  -- ---- tensors -----------------------------------------------------------------------------------------------

  it("refuses wrong types, sizes and positions", function()
    all_fail("local x = randn { 2, 3 }\n", {
      { "x = x + 'a'", "add: b must be a tensor, not the string 'a'" },
      { "x = x + nil", "add: b must be a tensor, not nil" },
      { "x:matmul(3)", "matmul: b must be a tensor, not the number 3" },
      { "x:matmul(randn { 4, 2 })", "matmul: a is 2x3 and b is 4x2: the last axis of a (3) must equal" },
      { "x = x + randn { 4 }", "add: shapes 2x3 and 4 do not fit together" },
      { "print(x[3])", "index is 3 but must be from 1 to 2" },
      { "print(x[0])", "index is 0 but must be from 1 to 2" },
      { "print(x[1.5])", "index must be an integer, not the number 1.5" },
      { "print(x[{ 1, 1, 1 }])", "index: 3 entries for a tensor with 2 axes" },
      { "print(x[{ { 2, 5 } }])", "slice: 2 to 5 is outside axis 1, which has positions 1 to 2" },
      { "x[1] = 'a'", "the value assigned must be a number, not the string 'a'" },
      { "x[1] = randn { 4 }", "4 cannot become 3" },
      { "x:sum(3)", "sum: dim 3 is not an axis of a tensor with 2 (1 to 2, or -1 to -2)" },
      { "x:sum('a')", "sum: 'dim' must be an axis such as 1 or a list of axes such as { 1, 2 }, not a string" },
      { "x:item()", "item: the tensor is 2x3; only one element" },
      { "print(x > 0)", "x:gt(y)" },
      { "zeros { -1 }", "zeros: a size must not be negative: -1" },
      { "zeros { 1.5 }", "zeros: the shape must be an integer, not the number 1.5" },
      { "zeros { 1 << 40, 1 << 40 }", "zeros: a tensor 1099511627776x1099511627776 of float32 is too large" },
      { "tensor { { 1, 2 }, { 3 } }", "tensor: the table is ragged" },
      { "tensor { 'a' }", "tensor: an entry is a string where a number should be" },
      { "randn { 1, 1, 4, 4 }:conv2d(randn { 1, 1, 5, 5 })", "conv2d: the kernel of weight 1x1x5x5",
        "larger than input 1x1x4x4" },
      { "randn { 1, 1, 4, 4 }:conv2d(randn { 1, 1, 3, 3 }, nil, { stride = 0 })",
        "conv2d: 'stride' is 0 but must be from 1 to 1048576" },
      { "randn { 1, 1, 4, 4 }:max_pool2d(5)", "max_pool2d: the window 5x5 is larger than the plane 4x4" },
      { "randn { 0, 3 }:max()", "max: x is 0x3 and has no element" },
    })
  end)

  it("refuses a released tensor and gradients used wrongly", function()
    all_fail("local x = randn { 2 }:requires_grad(true) local l = (x * x):sum()\n", {
      { "l:release() print(l + 1)", "add: a is a tensor that has been released" },
      { "l:backward() l:backward()", "backward: this graph has been used by backward already", "keep = true" },
      { "l:add_(1)", "add: this tensor takes part in gradients; write inside no_grad" },
      { "x:add_(1)", "add: this tensor takes part in gradients; write inside no_grad" },
      { "no_grad(function() x:mul_(2) end) l:backward()", "changed" },
      { "x:backward()", "backward: a tensor 2 needs a gradient to start from" },
      { "l:detach():backward()", "backward: this tensor depends on nothing that requires a gradient" },
      { "zeros { 2, dtype = 'int64' }:requires_grad(true)", "only float32 and float64 have gradients, not int64" },
    })
  end)

  -- ---- the script itself -------------------------------------------------------------------------------------

  it("answers a syntax error at its line", function()
    fails("local a = 1\nlocal b = = 2", 2, { "unexpected symbol near '='", "    local b = = 2" })
    fails("print('a\n", 1, { "unfinished string near ''a'" })
    fails("for i = 1, 3 do\n  print(i)\n", 3, { "'end' expected (to close 'for' at line 1)" })
  end)

  it("runs nothing of a file that is no script", function()
    local function refused(content, part)
      command.write(dir .. "/junk.lua", content)
      local result = command.run({ "junk.lua" }, { dir = dir })
      decent(result)
      assert.equal(1, result.code)
      contains(result.err, "lamina: junk.lua: ")
      contains(result.err, part)
    end
    refused("\127ELF\2\1\1\0\0\0", "this is no text: it holds a byte of 0; a script is Lua source")
    refused("\xd4\xc3\xb2\xa1 print", "this is no text: it is not UTF-8; a script is Lua source")
    refused(string.dump(function() end), "attempt to load a binary chunk (compiled Lua); a script is Lua source")
  end)

  it("shows what was raised, at its line, whatever it is", function()
    fails("error { code = 3, why = 'none' }", 1, { "an error was raised whose value is { code = 3, why = none }" })
    fails("error(nil)", 1, { "an error was raised whose value is nil" })
    fails("error(true)", 1, { "an error was raised whose value is true" })
    fails("error(setmetatable({}, { __tostring = function() return 'mine' end }))", 1, { "whose value is mine" })
    fails("local f\nf = function(n) return 1 + f(n + 1) end f(1)", 2, { "stack overflow (does a function call itself" })
    fails("local co = coroutine.wrap(function()\n  zeros { -1 }\nend)\nco()", 2, { "zeros: a size must not be negative" })
    fails("coroutine.wrap(function()\n  error 'inside'\nend)()", 2, { "inside" })
    fails("local t = {}\nt.x.y = 1", 2, { "attempt to index a nil value (field 'x')" })
    fails("local t = ('x'):rep(1 << 40)", 1, { "resulting string too large" })
    local result = run("local ok, err = try(error, { code = 3 }) print(ok, err.kind, err.message)")
    assert.equal("nil\tscript\tan error was raised whose value is { code = 3 }\n", result.out)
  end)

  -- ---- the command line --------------------------------------------------------------------------------------

  local EXPERIMENT = 'local p = experiment "e" { params = { rate = 0.1, epochs = 3, flag = false, sizes = { 1, 2 } } }\n'

  it("refuses wrong options of the command with exit code 2", function()
    local cases = {
      { { "--seed", "abc" }, "--seed must be a whole number from 0 on, got 'abc'" },
      { { "--seed", "99999999999999999999" }, "--seed is too large" },
      { { "--threads", "0" }, "--threads must be a whole number from 1 to 1024, got '0'" },
      { { "--memory", "10Q" }, "--memory must be a size such as 512M or 2G, got '10Q'" },
      { { "--data", "none" }, "--data: there is no folder 'none'" },
      { { "--rat", "3" }, "unknown option '--rat' (did you mean '--rate'?)" },
      { { "--rate", "abc" }, "--rate must be a number, got 'abc'" },
      { { "--rate", "nan" }, "--rate must be a number, got 'nan'" },
      { { "--rate=" }, "--rate must be a number, got ''" },
      { { "--rate" }, "--rate needs a value, a number" },
      { { "--epochs", "1.5" }, "--epochs must be a whole number, got '1.5'" },
      { { "--flag=maybe" }, "--flag must be true or false, got 'maybe'" },
      { { "--sizes", "1,x" }, "--sizes must be a list with commas, got '1,x'" },
      { { "stray" }, "unexpected argument 'stray'" },
    }
    for _, case in ipairs(cases) do
      local result = run(EXPERIMENT, { args = case[1] })
      assert.equal(2, result.code, result.err)
      contains(result.err, "lamina: " .. case[2])
      assert.same({ "bad.lua" }, base.list(dir))
    end
  end)

  it("refuses a script that cannot be read with exit code 2", function()
    for name, why in pairs { ["none.lua"] = "No such file or directory", ["."] = "Is a directory" } do
      local result = command.run({ name }, { dir = dir })
      assert.equal(2, result.code)
      assert.equal(string.format("lamina: cannot read the script '%s': %s\n", name, why), result.err)
    end
  end)

  it("never writes over results", function()
    local first = run(EXPERIMENT .. "report { metric = 'x', value = 1 }", { args = { "--out", "kept" } })
    assert.equal(0, first.code, first.err)
    local results = command.read(dir .. "/kept/results.json")
    local log = command.read(dir .. "/kept/log.txt")
    local second = run(EXPERIMENT, { args = { "--out", "kept" } })
    assert.equal(2, second.code)
    contains(second.err, "--out: 'kept' holds results already, and they are never overwritten; name another folder")
    assert.equal(results, command.read(dir .. "/kept/results.json"))
    assert.equal(log, command.read(dir .. "/kept/log.txt"))
  end)

  it("refuses --out that is no folder or cannot be made", function()
    command.write(dir .. "/file", "mine")
    local result = run(EXPERIMENT, { args = { "--out", "file" } })
    assert.equal(2, result.code)
    contains(result.err, "--out: 'file' is a file, expected a folder")
    result = run(EXPERIMENT, { args = { "--out", "file/sub" } })
    assert.equal(1, result.code)
    contains(result.err, "--out: file/sub: cannot make the folder file: a file of that name is there")
    result = run(EXPERIMENT, { args = { "--out", "/proc/none" } })
    assert.equal(1, result.code)
    contains(result.err, "--out: /proc/none: cannot make the folder")
    assert.equal("mine", command.read(dir .. "/file"))
  end)

  it("writes the results of an experiment that failed, with its error", function()
    local result = run(EXPERIMENT .. "report { metric = 'x' }", { args = { "--out", "o" } })
    assert.equal(1, result.code)
    contains(result.err, "bad.lua:2: report: option 'value' is missing, expected a value (a number, or a tensor")
    local document = core_io.json_decode(command.read(dir .. "/o/results.json"))
    assert.equal("failed", document.status)
    contains(document.error, "bad.lua:2: report: option 'value' is missing")
  end)

  -- ---- a full disk -------------------------------------------------------------------------------------------

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
      local result = run("local path = ...\n" .. call, { args = { folder .. "/" .. name }, before = o and o.before })
      assert.equal(1, result.code, name)
      contains(result.err, "lamina: bad.lua:2: ")
      contains(result.err, name .. ": cannot write: " .. reason)
      assert.equal("old", command.read(folder .. "/" .. name), name)
      assert.same({ name }, base.list(folder))
      os.remove(folder .. "/" .. name)
    end
  end

  it("leaves nothing half written where files may not grow", function()
    base.mkdir(dir .. "/small")
    writers_fail(dir .. "/small", "File too large", { before = "ulimit -f 16" })
  end)

  it("leaves nothing half written on a full disk", function()
    local disk = dir .. "/disk"
    base.mkdir(disk)
    local line = "mount -t tmpfs -o size=64k tmpfs " .. command.quote(disk) .. " 2>" .. command.quote(dir .. "/why")
    if not os.execute(line) then return end -- needs root; the test above has the same reach
    local ok, message = pcall(writers_fail, disk, "No space left on device")
    os.execute("umount " .. command.quote(disk))
    assert(ok, message)
  end)

  it("keeps the old checkpoint where the new one does not fit", function()
    assert.equal(0, run(RESUMED, { args = { "0" } }).code)
    local old = command.read(dir .. "/run.safetensors")
    local result = run(RESUMED:gsub("epochs = 4", "epochs = 2"), { args = { "0" }, before = "ulimit -f 2" })
    assert.equal(1, result.code)
    contains(result.err, "lamina: bad.lua:6: ")
    contains(result.err, "run.safetensors: cannot write: File too large")
    assert.equal(old, command.read(dir .. "/run.safetensors"))
    assert.same({ "bad.lua", "run.safetensors" }, base.list(dir))
  end)

  it("fails where results.json cannot be written, and leaves no part of it", function()
    local text = EXPERIMENT .. "for i = 1, 30 do report { metric = 'm', value = i, what = ('x'):rep(20) } end"
    local result = run(text, { args = { "--out", "o" }, before = "ulimit -f 12" })
    assert.equal(1, result.code)
    contains(result.err, "o/results.json: cannot write: File too large")
    assert.same({ "log.txt" }, base.list(dir .. "/o"))
  end)

  -- ---- the memory budget -------------------------------------------------------------------------------------

  it("names the op and the bytes that the memory budget has no room for", function()
    local head = "local a = randn { 1000, 1000 }\n"
    local args = { args = { "--memory", "6M" } }
    fails(head .. "local b = a:matmul(a)", 2, { "matmul: ", "out of memory: 4000000 bytes asked", "of 6291456 in use",
      "--memory SIZE sets the budget" }, args)
    fails(head .. "local b = a + 1", 2, { "add: ", "out of memory: 4000000 bytes asked" }, args)
    fails(head .. "local b = zeros { 1000, 1000 }", 2, { "zeros: ", "out of memory: 4000000 bytes asked" }, args)
    fails("local a = zeros { 1 << 18, 1 << 18 }", 1, { "zeros: ", "out of memory: 274877906944 bytes asked",
      "(memory of the machine)" })
    core_io.npy_write(dir .. "/big.npy", zeros { 1000, 1000 })
    fails("require('lamina.core.io').npy_read 'big.npy'", 1, { "big.npy: ", "out of memory: 4000000 bytes asked" },
      { args = { "--memory", "1M" } })
  end)

  it("goes on after running out of memory inside try", function()
    local result = run([[
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
