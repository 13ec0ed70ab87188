-- The command: arguments, exit codes, what errors look like.
local command = require "support.command"

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

describe("the command", function()
  local dir

  before_each(function() dir = command.folder() end)
  after_each(function() command.drop(dir) end)

  local function script(name, text)
    command.write(dir .. "/" .. name, text)
    return name
  end

  it("runs code, files and standard input", function()
    assert.same({ code = 0, out = "1\n", err = "" }, command.code "print(1)")
    assert.equal("1\n2\n", command.run({ "-e", "x = 1 print(x)", "-e", "print(x + 1)" }).out)
    script("a.lua", "#!/usr/bin/env lamina\nprint(arg[0], #arg, ...)")
    assert.equal("a.lua\t2\tone\ttwo words\n", command.run({ "a.lua", "one", "two words" }, { dir = dir }).out)
    assert.equal("7\n", command.run({ "-" }, { input = "print(7)" }).out)
    assert.equal("8\n", command.run({}, { input = "print(8)" }).out)
    assert.equal("5\n", command.run({ "-e", "y = 5", "b.lua" }, { dir = dir, before = "echo 'print(y)' >b.lua" }).out)
  end)

  it("finds modules beside the script", function()
    require("lamina.core.base").mkdir(dir .. "/sub")
    script("sub/helper.lua", "return { three = 3 }")
    script("sub/main.lua", "print(require('helper').three)")
    assert.same({ code = 0, out = "3\n", err = "" }, command.run({ "sub/main.lua" }, { dir = dir }))
  end)

  it("takes engine options before and after the script", function()
    script("s.lua", "print(require('lamina.core.base').threads(), "
      .. "require('lamina.core.tensor').seed(), table.concat(arg, ' '))")
    local expected = "3\t17\t--own x\n"
    assert.equal(expected, command.run({ "--threads", "3", "--seed=17", "s.lua", "--own", "x" }, { dir = dir }).out)
    assert.equal(expected, command.run({ "s.lua", "--own", "--threads=3", "x", "--seed", "17" }, { dir = dir }).out)
    assert.equal("--seed 4\n", command.run({ "-e", "", "t.lua", "--", "--seed", "4" },
      { dir = dir, before = "echo 'print(table.concat(arg, \" \"))' >t.lua" }).out)
  end)

  it("sets the memory budget", function()
    local result = command.run { "--memory", "1M", "-e",
      "print(require('lamina.core.base').memory().budget) zeros { 1000, 1000 }" }
    assert.equal("1048576\n", result.out)
    assert.equal(1, result.code)
    assert.matches("zeros", result.err)
    assert.matches("4000000", (result.err:gsub("[, ]", "")))
  end)

  it("tells its version and its usage", function()
    local version = command.run { "--version" }
    assert.matches("^lamina %d+%.%d+%.%d+ %(numerics %d+, Lua 5%.4%)\n$", version.out)
    assert.equal(0, version.code)
    local help = command.run { "--help" }
    assert.equal(0, help.code)
    for _, option in ipairs { "-e", "-i", "--seed", "--threads", "--memory", "--out", "--data", "--digest",
      "--version" } do
      assert.truthy(help.out:find(option, 1, true), option)
    end
  end)

  it("refuses wrong usage with exit code 2 and runs nothing", function()
    local cases = {
      { { "--sed", "3", "-e", "print(1)" }, "unknown option '--sed' (did you mean '--seed'?)" },
      { { "--sed=3", "-e", "print(1)" }, "unknown option '--sed=3' (did you mean '--seed'?)" },
      { { "--seed" }, "--seed needs a value" },
      { { "--seed", "-1" }, "--seed must be a whole number from 0 on, got '-1'" },
      { { "--threads", "0" }, "--threads must be a whole number from 1 to 1024, got '0'" },
      { { "--memory", "lots" }, "--memory must be a size such as 512M or 2G, got 'lots'" },
      { { "--data", "/no/such/folder", "-e", "print(1)" }, "--data: there is no folder '/no/such/folder'" },
      { { "nofile.lua" }, "cannot read the script 'nofile.lua': No such file or directory" },
    }
    for _, case in ipairs(cases) do
      local result = command.run(case[1])
      assert.equal(2, result.code, case[2])
      assert.equal("", result.out)
      assert.equal("lamina: " .. case[2], (lines(result.err)[1]:gsub(" %(lamina %-%-help.*$", "")))
      assert.equal(1, #lines(result.err))
    end
  end)

  it("answers a mistake at its line, with the line, and without a traceback", function()
    script("m.lua", "local a = 1\n\n  local b = a + nil -- here\n")
    local result = command.run({ "m.lua" }, { dir = dir })
    assert.same({ code = 1, out = "", err = "lamina: m.lua:3: attempt to perform arithmetic on a nil value\n"
      .. "    local b = a + nil -- here\n" }, result)
    assert.matches("stack traceback", command.run({ "--traceback", "m.lua" }, { dir = dir }).err)
  end)

  it("answers a syntax error in one line and the line", function()
    script("s.lua", "print('never')\nlocal x = = 1\n")
    assert.same({ code = 1, out = "", err = "lamina: s.lua:2: unexpected symbol near '='\n    local x = = 1\n" },
      command.run({ "s.lua" }, { dir = dir }))
  end)

  it("answers an undefined name, with the nearest", function()
    script("u.lua", "local n = model\nprint(relux)\n")
    assert.same({ code = 1, out = "", err = "lamina: u.lua:2: undefined name 'relux' (did you mean 'relu'?)\n"
      .. "    print(relux)\n" }, command.run({ "u.lua" }, { dir = dir }))
  end)

  it("answers an unknown option of a layer at the line of the layer, with the shapes so far", function()
    script("lenet.lua", [[
local net = model "LeNet" {
  input { 1, 28, 28 },
  area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5, strid = 2 }, relu, pool.max { 2 } },
}
]])
    local result = command.run({ "lenet.lua" }, { dir = dir })
    local told = lines(result.err)
    assert.equal(1, result.code)
    assert.equal("lamina: lenet.lua:4: conv: unknown option 'strid' (did you mean 'stride'?)", told[1])
    assert.equal("    area \"V2\" { conv { 16, kernel = 5, strid = 2 }, relu, pool.max { 2 } },", told[2])
    assert.matches("^  shapes so far: input 1x28x28 %-> V1", told[3])
    assert.equal(3, #told)
  end)

  it("answers a runtime error at the line that called the op", function()
    script("r.lua", "local x = zeros { 2, 3 }\nlocal y = x:reshape(7)\n")
    local result = command.run({ "r.lua" }, { dir = dir })
    assert.equal(1, result.code)
    assert.matches("^lamina: r%.lua:2: reshape: ", result.err)
    assert.matches("\n    local y = x:reshape%(7%)\n$", result.err)
  end)

  it("shows values raised by error as they are", function()
    assert.matches("^lamina: %(command line%):1: boom\n", command.code("error 'boom'").err)
    assert.matches("an error was raised whose value is 7", command.code("error(7, 0)").err)
    assert.matches("an error was raised whose value is nil", command.code("error()").err)
    assert.equal("lamina: no place\n", command.code("error('no place', 0)").err)
  end)

  it("survives a stack that overflows and errors inside error handling", function()
    local result = command.code "local function f() return f() + 1 end f()"
    assert.equal(1, result.code)
    assert.matches("stack overflow", result.err)
    local object = command.code "error(setmetatable({}, { __tostring = function() error 'inner' end }))"
    assert.equal(1, object.code)
    assert.matches("inner", object.err)
  end)

  it("takes no bytecode", function()
    local result = command.code "print(load(string.dump(function() end)))"
    assert.equal("nil\tattempt to load a binary chunk (mode is 't')\n", result.out)
    script("b.lua", "io.open('c.luac', 'wb'):write(string.dump(function() end)):close() dofile 'c.luac'")
    assert.matches("attempt to load a binary chunk", command.run({ "b.lua" }, { dir = dir }).err)
    assert.matches("attempt to load a binary chunk", command.run({ "c.luac" }, { dir = dir }).err)
  end)

  it("stops at Ctrl-C with exit code 130, in Lua code and in coroutines", function()
    for _, text in ipairs { "while true do end", "coroutine.wrap(function() while true do end end)()",
      "local x = randn { 300, 300 } while true do x = x * 1 end" } do
      local line = string.format("%s -e %s & sleep 0.3; kill -INT $!; wait $!", command.quote(command.path),
        command.quote(text))
      -- a shell starts background jobs with SIGINT ignored; `bash -m` gives each its own group and leaves it alone
      local _, _, code = os.execute("bash -mc " .. command.quote(line) .. " 2>/dev/null")
      assert.equal(130, code, text)
    end
  end)

  it("ends at Ctrl-C when the state is closed and the last of the output waits for its reader", function()
    for _, last in ipairs { "", "os.exit(0, true)" } do
      local where = command.folder()
      local line = string.format("cd %s; mkfifo f; (exec 3<f; touch open; sleep 1.2; cat <&3 >/dev/null) & "
        .. "%s -e 'io.write((\"x\"):rep(65536), (\"y\"):rep(1000)) %s' >f & last=$!; "
        .. "while [[ ! -e open ]]; do sleep 0.02; done; sleep 0.6; kill -INT $last; wait $last",
        command.quote(where), command.quote(command.path), last)
      local _, _, code = os.execute("bash -mc " .. command.quote(line) .. " 2>/dev/null")
      command.drop(where)
      assert.equal(130, code, last)
    end
  end)

  it("starts in milliseconds", function()
    local base = require "lamina.core.base"
    local start = base.clock()
    for _ = 1, 10 do command.code "" end
    assert.truthy((base.clock() - start) / 10 < 0.5)
  end)

  it("reports a full disk at the end of the output", function()
    if not io.open("/dev/full", "w") then return end
    for _, text in ipairs { "io.write(1)", "print(1)" } do
      local line = string.format("%s -e '%s' >/dev/full 2>/dev/null", command.quote(command.path), text)
      assert.equal(1, select(3, os.execute(line)), text)
    end
    local where = command.folder() -- what the library prints for the script: an error at the script's line
    command.write(where .. "/r.lua", 'experiment "e" {}\nreport { metric = "m", value = 1 }\n')
    os.execute(string.format("cd %s && %s r.lua >/dev/full 2>err", where, command.quote(command.path)))
    assert.equal("lamina: r.lua:2: print: cannot write to standard output: No space left on device\n"
      .. '    report { metric = "m", value = 1 }\n', command.read(where .. "/err"))
    command.drop(where)
  end)
end)

describe("lamina --digest", function()
  local dir
  before_each(function() dir = command.folder() end)
  after_each(function() command.drop(dir) end)

  local function digest(text, ...)
    command.write(dir .. "/d.lua", text)
    local result = command.run({ "--digest", "d.lua", ... }, { dir = dir })
    assert.equal("", result.err)
    return (assert(result.out:match "\ndigest: (%x+)\n$", result.out))
  end

  local SCRIPT = [[
    local p = experiment "d" { seed = 1, params = { width = 3 } }
    local net = model "N" { input { 4 }, readout "r" { dense { p.width } } }
    report { metric = "sum", value = net(ones { 2, 4 }):sum() }
  ]]

  it("prints one SHA-256 of weights and results as the last line", function()
    local first = digest(SCRIPT)
    assert.equal(64, #first)
    assert.equal(first, digest(SCRIPT, "--threads", "3"))
    assert.not_equal(first, digest(SCRIPT, "--seed", "2"))
    assert.not_equal(first, digest(SCRIPT, "--width", "5"))
  end)

  it("counts an exact result by its value and a close one by its name", function()
    local function with(rows) return digest("experiment 'd' { seed = 1 }\n" .. rows) end
    assert.not_equal(with "report { metric = 'm', value = 1 }", with "report { metric = 'm', value = 2 }")
    assert.equal(with "report { metric = 'm', value = 1, label = 'close' }",
      with "report { metric = 'm', value = 2, label = 'close' }")
    assert.not_equal(with "report { metric = 'm', value = 1, label = 'close' }",
      with "report { metric = 'other', value = 1, label = 'close' }")
  end)

  it("says so where there is no experiment, and prints none after an error", function()
    local result = command.run { "--digest", "-e", "print(1)" }
    assert.equal("1\n", result.out)
    assert.equal("lamina: --digest: the script declares no experiment, whose weights and results it would be of\n",
      result.err)
    assert.equal(2, result.code)
    command.write(dir .. "/d.lua", "experiment 'd' { seed = 1 }\nerror 'no'\n")
    result = command.run({ "--digest", "d.lua" }, { dir = dir })
    assert.falsy(result.out:find "digest")
    assert.equal(1, result.code)
  end)
end)
