-- Bad input: what a user is told, and how the command ends.
--
-- Every case is a small script run by the command, as a user would. A mistake in a script ends with exit code 1 and a
-- message that begins with the script's name and line; wrong usage ends with 2 and one line.
local base = require "lamina.core.base"
local bad = require "support.bad"
local command = require "support.command"
local core_io = require "lamina.core.io"

local fails, contains, NET = bad.fails, bad.contains, bad.NET

describe("bad input", function()
  before_each(bad.begin)
  after_each(bad.finish)

  -- ---- data that does not fit the model -------------------------------------------------------------------------

  it("refuses images of another size than the model's input", function()
    bad.all_fail(NET, {
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
    bad.all_fail(NET, {
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
    bad.all_fail(NET .. "local none = data.tensors { zeros { 0, 1, 8, 8 }, zeros { 0, dtype = 'int64' } }\n", {
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

  -- ---- a loss that is not finite --------------------------------------------------------------------------------

  it("names epoch, step and the first op of a loss that is NaN or infinite", function()
    fails(NET .. "local x = randn { 4, 1, 8, 8 } x[2] = 0 / 0\n"
      .. "train { model = net, data = set({ 1, 2, 3, 4 }, x) }", 5,
      { "train: the loss is NaN at epoch 1, step 1", "came from the data", "weights are as they were" })
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
    local result = bad.run([[
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

  it("keeps the last good checkpoint, from which the run goes on", function()
    local whole = bad.run(bad.RESUMED, { args = { "0" } })
    assert.equal(0, whole.code, whole.err)
    os.remove(bad.dir .. "/run.safetensors")
    local cut = bad.run(bad.RESUMED, { args = { "6" } })
    assert.equal(1, cut.code)
    contains(cut.err, "train: the loss is infinite at epoch 3, step 6")
    contains(cut.err, "run.safetensors holds the end of epoch 2; resume = true goes on from it")
    assert.same({ "bad.lua", "run.safetensors" }, base.list(bad.dir))
    local resumed = bad.run(bad.RESUMED, { args = { "0", "true" } })
    assert.equal(0, resumed.code, resumed.err)
    assert.equal(whole.out, resumed.out)
  end)

  it("tells a checkpoint from anything else", function()
    core_io.safetensors_write(bad.dir .. "/run.safetensors", { w = randn { 3 } })
    fails(bad.RESUMED, 6, { "run.safetensors is not a checkpoint of a training run" }, { args = { "0", "true" } })
    command.write(bad.dir .. "/run.safetensors", "junk")
    fails(bad.RESUMED, 6, { "run.safetensors: truncated" }, { args = { "0", "true" } })
    fails(NET .. "train { model = net, data = set { 1 }, checkpoint = 'none/run.safetensors' }", 4,
      { "checkpoint: there is no folder 'none'" })
  end)

  -- ---- names and options ----------------------------------------------------------------------------------------

  it("names the nearest option, layer, word, method and global", function()
    bad.all_fail(NET, {
      { "train { model = net, data = set { 1 }, epoch = 3 }",
        "train: unknown option 'epoch' (did you mean 'epochs'?)" },
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
      { "zeros { 2, dtype = 'double' }", "zeros: unknown dtype 'double' (did you mean 'float64'?)" },
      { "zeros { 2 }:to 'int32'", "to: unknown dtype 'int32' (did you mean 'int64'?)" },
      { "print(arange(1, 6)[{ 1, 2 }])", "index: 2 entries for a tensor with 1 axis (x[{ { 1, 2 } }] takes a range, "
        .. "first to last)" },
      { "grad(ones { 1 }, ones { 1 }, { create_graph = true })", "grad: unknown option 'create_graph' (did you mean "
        .. "'create'?)" },
      { "randn { 2 }:sum { dims = 1 }", "sum: unknown option 'dims' (did you mean 'dim'?)" },
      { "require 'no.such'", "module 'no.such' not found", "not there: ./no/such.lua" },
    })
  end)

  it("refuses a model that cannot be, with the shapes so far", function()
    local function area(text) return 'model "m" { input { 1, 8, 8 }, area "V1" { ' .. text .. " } }" end
    bad.all_fail("local cnov = nil\n", {
      { area "conv { 4, kernel = 9 }", "conv: a kernel of 9x9 does not fit into an input of 1x8x8",
        "shapes so far: input 1x8x8" },
      { area "pool.max { 20 }", "pool.max: a window of 20x20 does not fit into an input of 1x8x8" },
      { area "conv { 4, kernel = '3' }", "conv: option 'kernel' is '3', expected a whole number" },
      { area "conv { -4, kernel = 3 }", "conv: option 'width' is -4, expected a whole number of at least 1" },
      { area "conv { 4 }", "conv: option 'kernel' is missing, expected a whole number" },
      { area "cnov, conv { 4, kernel = 3 }", "area \"V1\": entry 1 is nil", "expected a layer such as conv" },
      { area "relu, pool", "area \"V1\": entry 2 is the word pool itself" },
      { area "3", "area \"V1\": entry 1 is a number, expected a layer such as conv" },
      { area "", "area \"V1\" holds no layer" },
      { area "dense { 4 }, conv { 3, kernel = 3 }",
        "conv: needs an input of channels x height x width, channels x length or",
        "shapes so far: input 1x8x8 -> V1.dense1 4" },
      { area "dropout { 1.5 }", "dropout: option 'p' is 1.5, expected a number" },
      { "model { input { 1, 8, 8 } }", "model: expected a name, as in model \"LeNet\"" },
      { 'model "m" { area "V1" { relu } }', "area \"V1\": the model needs an input before it" },
      { 'model "m" { input { 1, -8, 8 } }', "input: size 2 is -8, expected a whole number of at least 1" },
      { 'model "m" { input { 1, 8, 8 }, readout "x" { from = "V2", dense { 3 } } }',
        "readout \"x\": from = \"V2\" names no area before it (there is none yet)" },
    })
  end)

  -- ---- tensors --------------------------------------------------------------------------------------------------

  it("refuses wrong types, sizes and positions", function()
    bad.all_fail("local x = randn { 2, 3 }\n", {
      { "x = x + 'a'", "add: b must be a tensor, not the string 'a'" },
      { "x = x + nil", "add: b must be a tensor, not nil" },
      { "x:matmul(3)", "matmul: b must be a tensor, not the number 3" },
      { "x:matmul(randn { 4, 2 })", "matmul: a is 2x3 and b is 4x2: the last axis of a (3) must equal" },
      { "x = x + randn { 4 }", "add: shapes 2x3 and 4 do not fit together" },
      { "print(x[3])", "index is 3 but must be from 1 to 2" },
      { "print(x[0])", "index is 0 but must be from 1 to 2" },
      { "print(x[1.5])", "index must be an integer, not the number 1.5" },
      { "print(x[{ 1, 1, 1 }])", "index: 3 entries for a tensor with 2 axes" },
      { "print(x[{ { 2, 5 } }])", "index: 2 to 5 is outside axis 1, which has positions 1 to 2" },
      { "x[1] = 'a'", "assignment: the value must be a number, not the string 'a'" },
      { "x[1] = randn { 4 }", "assignment: a value of the shape 4 does not fit into the shape 3" },
      { "x:sum(3)", "sum: dim 3 is not an axis of a tensor with 2 (1 to 2, or -1 to -2)" },
      { "x:sum('a')", "sum: 'dim' must be an axis such as 1 or a list of axes such as { 1, 2 }, not a string" },
      { "x:item()", "item: a tensor of the shape 2x3 is no single number" },
      { "print(x > 0)", "x:gt(y)" },
      { "zeros { -1 }", "zeros: a size must not be negative: -1" },
      { "zeros { 1.5 }", "zeros: the shape: entry 1 must be an integer, not the number 1.5" },
      { "zeros { 1 << 40, 1 << 40 }", "zeros: a tensor 1099511627776x1099511627776 of float32 is too large" },
      { "tensor { { 1, 2 }, { 3 } }", "tensor: the table is ragged" },
      { "tensor { 'a' }", "tensor: entry {1} is a string where a number should be" },
      { "randn { 1, 1, 4, 4 }:conv2d(randn { 1, 1, 5, 5 })", "conv2d: the kernel of weight 1x1x5x5",
        "larger than input 1x1x4x4" },
      { "randn { 1, 1, 4, 4 }:conv2d(randn { 1, 1, 3, 3 }, nil, { stride = 0 })",
        "conv2d: 'stride' is 0 but must be from 1 to 1048576" },
      { "randn { 1, 1, 4, 4 }:max_pool2d(5)", "max_pool2d: the window 5x5 is larger than the plane 4x4" },
      { "randn { 0, 3 }:max()", "max: x is 0x3 and has no element" },
    })
  end)

  it("refuses a released tensor and gradients used wrongly", function()
    bad.all_fail("local x = randn { 2 }:requires_grad(true) local l = (x * x):sum()\n", {
      { "l:release() print(l + 1)", "add: a is a tensor that has been released" },
      { "l:backward() l:backward()", "backward: this graph has been used by backward already", "keep = true" },
      { "l:add_(1)", "add_: this tensor takes part in gradients; write inside no_grad" },
      { "x:add_(1)", "add_: this tensor takes part in gradients; write inside no_grad" },
      { "no_grad(function() x:mul_(2) end) l:backward()", "changed" },
      { "x:backward()", "backward: a tensor 2 needs a gradient to start from" },
      { "l:detach():backward()", "backward: this tensor depends on nothing that requires a gradient" },
      { "zeros { 2, dtype = 'int64' }:requires_grad(true)", "only float32 and float64 have gradients, not int64" },
    })
  end)

  -- ---- the script itself ----------------------------------------------------------------------------------------

  it("answers a syntax error at its line", function()
    fails("local a = 1\nlocal b = = 2", 2, { "unexpected symbol near '='", "    local b = = 2" })
    fails("print('a\n", 1, { "unfinished string near ''a'" })
    fails("for i = 1, 3 do\n  print(i)\n", 3, { "'end' expected (to close 'for' at line 1)" })
  end)

  it("runs nothing of a file that is no script", function()
    local function refused(content, part)
      command.write(bad.dir .. "/junk.lua", content)
      local result = command.run({ "junk.lua" }, { dir = bad.dir })
      bad.decent(result)
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
    fails("local f\nf = function(n) return 1 + f(n + 1) end f(1)", 2,
      { "stack overflow (does a function call itself" })
    fails("local co = coroutine.wrap(function()\n  zeros { -1 }\nend)\nco()", 2,
      { "zeros: a size must not be negative" })
    fails("coroutine.wrap(function()\n  error 'inside'\nend)()", 2, { "inside" })
    fails("local t = {}\nt.x.y = 1", 2, { "attempt to index a nil value (field 'x')" })
    fails("local t = ('x'):rep(1 << 40)", 1, { "resulting string too large" })
    local result = bad.run("local ok, err = try(error, { code = 3 }) print(ok, err.kind, err.message)")
    assert.equal("nil\tscript\tan error was raised whose value is { code = 3 }\n", result.out)
  end)

  -- ---- the command line -----------------------------------------------------------------------------------------

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
      { { "--sizes", "1,x" }, "--sizes must be a list of whole numbers with commas, got '1,x'" },
      { { "stray" }, "unexpected argument 'stray'" },
    }
    for _, case in ipairs(cases) do
      local result = bad.run(bad.EXPERIMENT, { args = case[1] })
      assert.equal(2, result.code, result.err)
      contains(result.err, "lamina: " .. case[2])
      assert.same({ "bad.lua" }, base.list(bad.dir))
    end
  end)

  it("refuses a script that cannot be read with exit code 2", function()
    for name, why in pairs { ["none.lua"] = "No such file or directory", ["."] = "Is a directory" } do
      local result = command.run({ name }, { dir = bad.dir })
      assert.equal(2, result.code)
      assert.equal(string.format("lamina: cannot read the script '%s': %s\n", name, why), result.err)
    end
  end)

  it("never writes over results", function()
    local first = bad.run(bad.EXPERIMENT .. "report { metric = 'x', value = 1 }", { args = { "--out", "kept" } })
    assert.equal(0, first.code, first.err)
    local results = command.read(bad.dir .. "/kept/results.json")
    local log = command.read(bad.dir .. "/kept/log.txt")
    local second = bad.run(bad.EXPERIMENT, { args = { "--out", "kept" } })
    assert.equal(2, second.code)
    contains(second.err, "--out: 'kept' holds results already, and they are never overwritten; name another folder")
    assert.equal(results, command.read(bad.dir .. "/kept/results.json"))
    assert.equal(log, command.read(bad.dir .. "/kept/log.txt"))
  end)

  it("refuses --out that is no folder or cannot be made", function()
    command.write(bad.dir .. "/file", "mine")
    local result = bad.run(bad.EXPERIMENT, { args = { "--out", "file" } })
    assert.equal(2, result.code)
    contains(result.err, "--out: 'file' is a file, expected a folder")
    result = bad.run(bad.EXPERIMENT, { args = { "--out", "file/sub" } })
    assert.equal(1, result.code)
    contains(result.err, "--out: file/sub: cannot make the folder file: a file of that name is there")
    result = bad.run(bad.EXPERIMENT, { args = { "--out", "/proc/none" } })
    assert.equal(1, result.code)
    contains(result.err, "--out: /proc/none: cannot make the folder")
    assert.equal("mine", command.read(bad.dir .. "/file"))
  end)

  it("tells a tensor from a number, and knows the names of other libraries", function()
    bad.all_fail("local t = randn { 3 } ", {
      { "print(string.format('%.2f', t:sum()))", "bad argument #2 to 'format' (number expected, got tensor)",
        "x:item()" },
      { "print('mean ' .. t:sum())", "attempt to concatenate a tensor value", "x:item()" },
      { "print(t[1]:item())", "is a Lua number already" },
      { "t:view(3, 1)", "no field or method 'view' (it is called reshape here)" },
      { "print(t[t])", "a tensor used as an index holds positions (int64) or a condition (bool), not float32" },
      { "t:add(1, 2)", "add: 'activation' must be a string, not the number 2" },
      { "t:sub(1, 2)", "sub: too many arguments (it is called sub(a, b))" },
    })
  end)

  it("refuses a set of kernels that does not exist", function()
    local result = bad.run("print(1)", { env = "LAMINA_ISA=sse2" })
    assert.equal(2, result.code)
    contains(result.err, "LAMINA_ISA=sse2: no such set of kernels; there are ")
    contains(result.err, "avx512, avx2, ")
    contains(result.err, " and generic\n")
  end)

  it("writes the results of an experiment that failed, with its error", function()
    local result = bad.run(bad.EXPERIMENT .. "report { metric = 'x' }", { args = { "--out", "o" } })
    assert.equal(1, result.code)
    contains(result.err, "bad.lua:2: report: option 'value' is missing, expected a value (a number, or a tensor")
    local document = core_io.json_decode(command.read(bad.dir .. "/o/results.json"))
    assert.equal("failed", document.status)
    contains(document.error, "bad.lua:2: report: option 'value' is missing")
  end)
end)
