-- Experiments: parameters, the output folder, results.json at every end.
local base = require "lamina.core.base"
local command = require "support.command"
local core_io = require "lamina.core.io"

local dir

local function script(text)
  command.write(dir .. "/s.lua", text)
end

local function run(...) return command.run({ "s.lua", ... }, { dir = dir }) end

local function results(folder)
  return core_io.json_decode(core_io.text_read(dir .. "/" .. (folder or "runs/demo-1") .. "/results.json"))
end

local PLAIN = [[
local p = experiment "demo" { seed = 4,
  params = { rate = 3e-3, epochs = 3, fast = false, name = "x", sizes = { 1, 2 } } }
print(p.rate, p.epochs, p.fast, p.name, table.concat(p.sizes, "+"))
report { metric = "error", value = 0.25, threshold = 0.5 }
]]

before_each(function() dir = command.folder() end)
after_each(function() command.drop(dir) end)

describe("files of an experiment", function()
  it("go into its folder, are found there, and are not listed as read", function()
    script [[
experiment "demo" {}
local net = model "m" { input { 2 }, readout "y" { dense { 1 } } }
print(net:save "net.safetensors")
net:load "net.safetensors"
data.save_npy("x.npy", tensor { 1, 2 })
data.save_csv("t.csv", { { "a" }, { 3 } })
data.save_npz("z.npz", { x = tensor { 1, 2 }, names = { "p", "q" } })
assert(data.npz "z.npz".x[2] == 2 and data.npz "z.npz".names[2] == "q")
print(data.npy "x.npy"[2], data.csv "t.csv".a[1], data.csv "given.csv".b[1])
local set = data.tensors { zeros { 4, 2 }, zeros { 4, 1 } }
train { model = net, data = set, loss = "mse", checkpoint = "ck", resume = true }:csv "h.csv"
assert(data.csv "h.csv".step[1] == 1)
]]
    command.write(dir .. "/given.csv", "b\n5\n")
    local out = run().out
    assert.matches("^runs/demo%-1/net.safetensors\n2.0\t3\t5\n", out)
    assert.matches("there is no runs/demo-1/ck yet", out, 1, true)
    for _, name in ipairs { "net.safetensors", "x.npy", "z.npz", "t.csv", "h.csv", "ck" } do
      assert.is_true(base.exists(dir .. "/runs/demo-1/" .. name), name)
      assert.is_false(base.exists(dir .. "/" .. name), name)
    end
    local files = results().files
    assert.equal(1, #files)
    assert.equal("given.csv", files[1].path)
  end)
end)

describe("the parameters of an experiment", function()
  it("have the script's values, or the command line's in the type of the default", function()
    script(PLAIN)
    assert.equal("0.003\t3\tfalse\tx\t1+2", run().out:match "^[^\n]*")
    assert.equal("0.1\t5\ttrue\ty z\t7+8+9",
      run("--rate", "0.1", "--epochs=5", "--fast", "--name", "y z", "--sizes", "7,8,9").out:match "^[^\n]*")
    assert.equal("2.0\t3\tfalse\tx\t1+2", run("--rate=2", "--fast", "false").out:match "^[^\n]*")
  end)

  it("refuse what is not declared or of another type, with exit code 2 and nothing made", function()
    script(PLAIN)
    local cases = {
      { { "--rat", "3" }, "unknown option '--rat' (did you mean '--rate'?)" },
      { { "--xyzzy" }, "unknown option '--xyzzy' (there are --epochs, --fast, --name, --rate, --sizes)" },
      { { "--epochs", "2.5" }, "--epochs must be a whole number, got '2.5'" },
      { { "--rate", "quick" }, "--rate must be a number, got 'quick'" },
      { { "--fast=maybe" }, "--fast must be true or false, got 'maybe'" },
      { { "--rate" }, "--rate needs a value, a number" },
      { { "--fast", "maybe" }, "--fast must be true or false, got 'maybe'" },
      { { "--sizes", "1,b" }, "--sizes must be a list of whole numbers with commas, got '1,b'" },
      { { "--rate", "1", "--set", "rate=2" }, "'rate' is given twice, by --set rate=2 and by --rate 1; leave one of "
        .. "them out" },
      { { "--rate=1", "--rate", "1" }, "'rate' is given twice, by --rate=1 and by --rate 1; leave one of them out" },
      { { "loose" }, "unexpected argument 'loose': an experiment takes its parameters as --NAME VALUE" },
    }
    for _, case in ipairs(cases) do
      local result = run(table.unpack(case[1]))
      assert.equal("lamina: " .. case[2] .. "\n", result.err)
      assert.equal(2, result.code)
    end
    assert.falsy(base.exists(dir .. "/runs"))
  end)

  it("are told by --help after the script", function()
    script(PLAIN)
    local result = run "--help"
    assert.equal(0, result.code)
    assert.matches("\n  %-%-rate 0%.003 +a number\n", result.out)
    assert.falsy(base.exists(dir .. "/runs"))
  end)

  it("raise for a name that was not declared, and cannot be changed", function()
    script 'local p = experiment "demo" { params = { rate = 1 } }\nprint(p.rat)'
    assert.matches("s%.lua:2: the experiment declares no param 'rat' %(did you mean 'rate'%?%)", run().err)
    script 'local p = experiment "demo" { params = { rate = 1 } }\np.rate = 2'
    assert.matches("s%.lua:2: params are fixed", run().err)
    script 'local p = experiment "demo" { params = { seed = 1 } }'
    assert.matches("s%.lua:1: experiment: param 'seed' has the name of an option of the command", run().err)
  end)
end)

describe("an experiment", function()
  it("writes results.json and log.txt into a new folder each time", function()
    script(PLAIN)
    assert.equal("results: runs/demo-1/results.json\n", run("--epochs", "7").out:match "[^\n]*\n$")
    assert.equal("results: runs/demo-2/results.json\n", run().out:match "[^\n]*\n$")
    local r = results()
    assert.equal("done", r.status)
    assert.equal("demo", r.experiment)
    assert.equal(4, r.seed)
    assert.same({ rate = 3e-3, epochs = 7, fast = false, name = "x", sizes = { 1, 2 } }, r.params)
    assert.equal("s.lua", r.script.path)
    assert.equal(base.sha256(PLAIN), r.script.sha256)
    assert.same({ { metric = "error", value = 0.25, threshold = 0.5, comparison = "<=", pass = true,
      label = "exact" } }, r.results)
    assert.equal(base.version, r.lamina)
    assert.equal(base.numerics, r.numerics)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", r.started)
    assert.truthy(r.ended >= r.started and r.seconds >= 0 and r.threads >= 1)
    local log = command.read(dir .. "/runs/demo-1/log.txt")
    assert.matches("\n%d+%-%d+%-%d+T%d+:%d+:%d+Z error = 0%.25 %(exact%): passes, asked <= 0%.5\n", log)
  end)

  it("sets the seed of tensors and of math.random; --seed replaces it", function()
    script 'experiment "demo" { seed = 4 }\nprint(math.random(), randn { 1 }:item())'
    local a, b = run().out:match "^[^\n]*", run().out:match "^[^\n]*"
    assert.equal(a, b)
    assert.not_equal(a, run("--seed", "5").out:match "^[^\n]*")
    assert.equal(5, results("runs/demo-3").seed)
    assert.equal(a, command.code("math.randomseed(4) require('lamina.core.tensor').seed(4) "
      .. "print(math.random(), randn { 1 }:item())").out:match "^[^\n]*")
  end)

  it("uses --out, never over finished results, again after a failure", function()
    script(PLAIN)
    assert.equal(0, run("--out", "here").code)
    local before = command.read(dir .. "/here/results.json")
    local again = run("--out", "here")
    assert.equal(2, again.code)
    assert.equal("lamina: --out: 'here' holds results already, and they are never overwritten; name another folder\n",
      again.err)
    assert.equal(before, command.read(dir .. "/here/results.json"))
    script 'experiment "demo" {}\nerror "stop"'
    assert.equal(1, run("--out", "there").code)
    assert.equal("failed", results("there").status)
    script(PLAIN)
    assert.equal(0, run("--out", "there").code)
    assert.equal("done", results("there").status)
    command.write(dir .. "/file", "")
    assert.matches("'file' is a file, expected a folder", run("--out", "file").err)
  end)

  it("tells how it failed", function()
    script 'experiment "demo" {}\nreport { metric = "m", value = 1 }\nlocal x = nil + 1'
    local result = run()
    assert.equal(1, result.code)
    assert.matches("^lamina: s%.lua:3: attempt to perform arithmetic on a nil value\n", result.err)
    assert.equal("failed", results().status)
    assert.equal("s.lua:3: attempt to perform arithmetic on a nil value", results().error)
    assert.equal(1, #results().results)
  end)

  it("leaves no folder where it failed before anything came of it", function()
    script 'experiment "demo" {}\nlocal net = model "n" { input { 2 }, readout "y" { dense { 2, unit = 3 } } }'
    local result = run()
    assert.equal(1, result.code)
    assert.matches("unknown option 'unit'", result.err)
    assert.same({}, base.list(dir .. "/runs"))
    script 'experiment "demo" {}\nprint "hello"\nerror "stop"'
    assert.equal(1, run().code)
    assert.equal("failed", results().status)
    script 'experiment "demo" {}\nlocal path = require("lamina.experiment").path "own.txt"\n'
    command.write(dir .. "/s.lua", command.read(dir .. "/s.lua") .. 'io.open(path, "w"):close()\nerror "stop"')
    assert.equal(1, run().code)
    assert.equal("failed", results("runs/demo-2").status)
  end)

  it("tells that it was interrupted", function()
    script 'experiment "demo" {}\nio.open("started", "w"):close()\nwhile true do end'
    local line = string.format("cd %s; %s s.lua & while ! [ -e started ]; do sleep 0.05; done; kill -INT $!; wait $!",
      dir, command.path)
    local _, _, code = os.execute("bash -mc " .. command.quote(line) .. " >/dev/null 2>&1")
    assert.equal(130, code)
    assert.equal("interrupted", results().status)
  end)

  it("ends with os.exit", function()
    script 'experiment "demo" {}\nos.exit(0)'
    assert.equal(0, run().code)
    assert.equal("done", results().status)
    script 'experiment "demo" {}\nos.exit(3)'
    assert.equal(3, run().code)
    assert.equal("failed", results("runs/demo-2").status)
  end)

  it("lists the files that were read, with their hashes, and the final weights", function()
    command.write(dir .. "/data.csv", "a,b\n1,2\n")
    command.write(dir .. "/part.lua", "return 3")
    script [[
experiment "demo" {}
require("lamina.core.io").csv_read "data.csv"
local part = require "part"
local net = model "net" { input { 4 }, readout "out" { dense { 2 } } }
require("lamina.core.io").text_write(require("lamina.experiment").path "own.txt", "x")
require("lamina.core.io").text_read(require("lamina.experiment").path "own.txt")
print(net:digest())]]
    local out = run().out
    assert.same({ { path = "./part.lua", sha256 = base.sha256 "return 3" },
      { path = "data.csv", sha256 = base.sha256 "a,b\n1,2\n" } }, results().files)
    assert.same({ { name = "net", sha256 = out:match "^%x+" } }, results().weights)
  end)

  it("is one for a script, with a proper name", function()
    script 'experiment "demo" {}\nexperiment "other" {}'
    assert.matches("s%.lua:2: experiment \"other\": the experiment \"demo\" has already begun", run().err)
    script 'experiment "../up" {}'
    assert.matches("s%.lua:1: experiment: expected a name", run().err)
    script 'experiment "demo" { sed = 1 }'
    assert.matches("s%.lua:1: experiment \"demo\": unknown option 'sed' %(did you mean 'seed'%?%)", run().err)
  end)
end)

describe("report", function()
  it("compares as it is asked to", function()
    script [[
experiment "demo" {}
local function r(value, comparison, threshold)
  report { id = "S01", metric = "m", value = value, comparison = comparison, threshold = threshold }
end
r(1, "<=", 1) r(1, "<", 1) r(1, ">=", 1) r(1, ">", 1) r(1, "==", 1) r(1.5, "+-", { 1, 0.5 }) r(1.6, "+-", { 1, 0.5 })
r(2, "in", { 2, 3 }) r(0 / 0, "<=", 1) r(3) r(tensor(2), "==", 2)]]
    local result = run()
    assert.equal("", result.err)
    local passes = {}
    for i, row in ipairs(results().results) do passes[i] = tostring(row.pass) end
    assert.equal("true false true false true true false true false nil true", table.concat(passes, " "))
    assert.equal("S01", results().results[1].id)
    assert.matches("S01 m = 1 %(exact%): FAILS, asked < 1\n", result.out)
  end)

  it("takes the rows of a score", function()
    script [[
experiment "demo" {}
report(setmetatable({}, { __index = { results = function()
  return { { metric = "a", value = 1, label = "close" }, { metric = "b", value = 2 } }
end } }))]]
    assert.equal("a = 1 (close)\nb = 2 (exact)\n", run().out:match "^(.-)results:")
    assert.equal("close", results().results[1].label)
  end)

  it("puts a name before the metrics of a score, and warns once of a metric that is reported again", function()
    script [[
experiment "demo" {}
local score = setmetatable({}, { __index = { results = function()
  return { { metric = "a", value = 1 }, { metric = "b", value = 2 } }
end } })
report(score)
report { score, name = "ridge" }]]
    local result = run()
    assert.equal("a = 1 (exact)\nb = 2 (exact)\nridge a = 1 (exact)\nridge b = 2 (exact)\n",
      result.out:match "^(.-)results:")
    script [[
experiment "demo" {}
for k = 1, 3 do
  report { metric = "a", value = k }
  report { metric = "b", value = k }
end]]
    result = run()
    local said = result.out .. result.err
    assert.matches("s%.lua:3: report: 'a' was reported before", said)
    assert.equal(1, select(2, said:gsub("was reported before", "")))
    script 'experiment "demo" {}\nreport { setmetatable({}, { __index = { results = print } }), nam = "x" }'
    assert.matches("s%.lua:2: report: unknown option 'nam' %(did you mean 'name'%?%)", run().err)
  end)

  it("refuses what is no result", function()
    local cases = {
      { "{ value = 1 }", "report: option 'metric' is missing" },
      { "{ metric = 'm' }", "report: option 'value' is missing" },
      { "{ metric = 'm', value = 'high' }", "report: option 'value' is a string, expected a number" },
      { "{ metric = 'm', value = 1, comparison = '<' }", "report: comparison '<' needs a threshold" },
      { "{ metric = 'm', value = 1, comparison = '=<', threshold = 1 }",
        "option 'comparison' is '=<', expected one of" },
      { "{ metric = 'm', value = 1, comparison = 'in', threshold = 1 }", "threshold for 'in' must be two numbers" },
      { "3", "report: expected { metric =, value = } or a score, got a number" },
    }
    for _, case in ipairs(cases) do
      local result = command.code("report(" .. case[1] .. ")")
      assert.equal(1, result.code)
      assert.truthy(result.err:find(case[2], 1, true), result.err)
    end
  end)
end)

describe("places", function()
  it("without an experiment are --out, else the working folder", function()
    script "print(require('lamina.experiment').path('a/b.txt'))"
    assert.equal("a/b.txt\n", run().out)
    assert.truthy(base.isdir(dir .. "/a"))
    assert.equal("out/a/b.txt\n", run("--out", "out").out)
    assert.truthy(base.isdir(dir .. "/out/a"))
    assert.falsy(base.exists(dir .. "/out/results.json"))
  end)

  it("of data are roots, folders of the set's name, and NAME=DIR", function()
    for _, name in ipairs { "root/birds", "birds", "elsewhere", "cache/lamina/data/birds" } do
      base.mkdir(dir .. "/" .. name)
    end
    script "print((require('lamina.experiment').data_root('birds')))"
    local clean = "LAMINA_DATA= XDG_CACHE_HOME=" .. dir
    local function place(arguments, env)
      local words = { "s.lua" }
      for word in arguments:gmatch "%S+" do words[#words + 1] = word end
      return command.run(words, { dir = dir, env = env or clean }).out
    end
    assert.equal("nil\n", place "")
    assert.equal("root/birds\n", place "--data root")
    assert.equal("root/birds\n", place "--data root/")
    assert.equal("birds\n", place "--data birds")
    assert.equal("elsewhere\n", place "--data birds=elsewhere")
    assert.equal("root/birds\n", place "--data fish=elsewhere --data root")
    assert.equal("nil\n", place "--data elsewhere")
    assert.equal("root/birds\n", place("", "XDG_CACHE_HOME=/none LAMINA_DATA=root"))
    assert.equal(dir .. "/cache/lamina/data/birds\n", place("", "LAMINA_DATA= XDG_CACHE_HOME=" .. dir .. "/cache"))
  end)

  it("of data that are nowhere are told, with what is needed", function()
    script "local d = data.mnist()"
    local result = command.run({ "s.lua", "--data", "." }, { dir = dir, env = "LAMINA_DATA= XDG_CACHE_HOME=/none" })
    assert.equal(1, result.code)
    assert.matches("^lamina: s%.lua:1: the data set 'mnist' was not found\n    local d = data%.mnist%(%)\n",
      result.err)
    assert.matches("\n  not there: %./mnist\n", result.err)
    assert.matches("%-%-data mnist=DIR", result.err)
  end)
end)

describe("a full disk", function()
  it("is an error, and results.json is not half written", function()
    if not io.open("/dev/full", "w") then return end
    script 'experiment "demo" {}\nprint "hello"'
    base.mkdir(dir .. "/out")
    os.execute("ln -s /dev/full '" .. dir .. "/out/log.txt'")
    local result = run("--out", "out")
    assert.equal(1, result.code)
    assert.matches("out/log%.txt: cannot write: No space left on device", result.err)
    assert.equal("failed", results("out").status)
  end)
end)
