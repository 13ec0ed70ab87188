-- Ways out of `lamina --untrusted`: each is shown to work with the walls off and to be contained with them on.
--
-- breakout/lua.lua holds what scripts try against the interpreter's wall, breakout/native.lua what native code that
-- got past it tries against the kernel's; below are those that use up what there is, and hostile files.
local command = require "support.command"

local MODULE = command.path:match "^(.*)/[^/]*$" .. "/tests/breakout.so"
local PRIVILEGED = { userns = true, mount = true, userfault = true } -- what some systems refuse to everybody
-- at real-time priority, which the tests may run at, endless loops would keep what ends them from the processor
local ORDINARY = os.execute "chrt -o 0 true 2>/dev/null" and "chrt -o 0 " or ""
local DENIED = { [1] = true, [13] = true } -- EPERM, EACCES

-- What was said, but for this: a build with sanitizers says each time that it does not limit the size of the process,
-- and its programs behind the walls that they do not find their stack in /proc.
local function said_in(text)
  return (text:gsub("lamina: untrusted: not enforced here: the size of the process[^\n]*\n", "")
    :gsub("==%d+==WARNING: ASan is ignoring requested[^\n]*\nFalse positive[^\n]*\nFor details[^\n]*\n", ""))
end

local function run(...)
  local result = command.run(...)
  result.err = said_in(result.err)
  return result
end

-- A lab's folder with a script in it, an output folder, and somebody's home with secrets, to which links lead.
local function scene()
  local dir = command.folder()
  assert(os.execute(string.format([[
    cd %s && mkdir -p lab home/pictures out && cp %s/tests/interp/breakout/*.lua lab/ &&
    echo SECRET >home/secret.txt && echo x >home/spare.txt && echo 'return 1' >home/evil.lua &&
    printf 'a,b\n1,2\n' >home/table.csv && echo '{"a":1}' >home/x.json &&
    ln -s ../home/secret.txt lab/link.txt && ln -s ../home lab/linked]], command.quote(dir),
    command.quote(io.popen "pwd":read "l"))))
  data.save_npy(dir .. "/home/x.npy", zeros { 3 })
  require("lamina.core.io").png_write(dir .. "/home/pictures/a.png", zeros { 4, 4 })
  return dir
end

-- Runs a script of the scene; name -> what it printed, and the names in order.
local function try(script, options)
  local dir = scene()
  local words = {}
  table.move(options, 1, #options, 1, words)
  for _, word in ipairs { "--out", "../out", "--", script, dir .. "/out", dir .. "/home", MODULE } do
    words[#words + 1] = word
  end
  local result = run(words, { dir = dir .. "/lab" })
  local secret = command.read(dir .. "/home/secret.txt")
  command.drop(dir)
  local found, order = {}, {}
  for name, value in result.out:gmatch "([^\t\n]+)\t([^\n]*)\n" do
    found[name], order[#order + 1] = value, name
  end
  return found, order, result, secret
end

local function kernel_walls()
  local result = run { "--untrusted=kernel", "-e", "" }
  return result.err == "", result.err
end

describe("the interpreter's wall", function()
  it("stands where a script tries", function()
    local off, names, plain = try("lua.lua", {})
    assert.equal("", plain.err)
    for _, walls in ipairs { "--untrusted", "--untrusted=interpreter" } do
      local on, _, result, secret = try("lua.lua", { walls })
      assert.equal("SECRET\n", secret)
      assert.equal(0, result.code)
      assert.is_true(#names >= 60)
      for _, name in ipairs(names) do
        assert.equal("escaped", off[name], name)
        assert.not_equal("escaped", on[name], name)
        local said = on[name]:find("not allowed", 1, true) or on[name]:find("not found", 1, true)
          or on[name] == "nothing" or on[name] == "string" or on[name]:find("there is no", 1, true)
        assert.truthy(said, name .. ": " .. tostring(on[name]))
      end
    end
  end)

  it("keeps the library's environment from what a script puts in the place of functions", function()
    local _, _, result = try("environment.lua", { "--untrusted=interpreter" })
    assert.equal("", result.err)
    assert.equal("contained\n", result.out)
  end)

  it("leaves what a script needs", function()
    local dir = command.folder()
    command.write(dir .. "/helper.lua", "return { three = 3 }")
    command.write(dir .. "/in.txt", "text")
    command.write(dir .. "/s.lua", [[
      experiment "s" {}
      assert(require("helper").three == 3 and io.open("in.txt"):read "a" == "text" and io.lines("in.txt", "a")())
      local E = require "lamina.experiment"
      local file = assert(io.open(E.path "own.txt", "w")) file:write "x" file:close()
      assert(os.rename(E.path "own.txt", E.path "other.txt") and os.remove(E.path "other.txt"))
      data.save_npy("deep/x.npy", ones { 2 })
      assert(data.npy(E.path "deep/x.npy"):sum():item() == 2)
      assert(os.time() and os.clock() and os.date() and debug.traceback "x" and collectgarbage "count" > 0)
      assert(not pcall(load, string.rep("x", 10), "=x", "b") or load("return 1", "=x", "t")() == 1)
      local net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
      local set = data.tensors { randn { 8, 4 }, ones { 8 }:to "int64" }
      train { model = net, data = set, optimizer = sgd { rate = 0.1 }, loss = "cross_entropy", log = false }
      plot.images({ zeros { 1, 4, 4 } }):save "x.svg"
      if pcall(hdf5.write, E.path "x.h5", { a = ones { 2 } }) then assert(hdf5.open(E.path "x.h5")) end
      report { metric = "m", value = 1 }
    ]])
    for _, walls in ipairs { "--untrusted", "--untrusted=kernel", "--untrusted=interpreter" } do
      local result = run({ walls, "s.lua" }, { dir = dir })
      assert.equal("", result.err)
      assert.equal(0, result.code)
    end
    local plain = run({ "--digest", "s.lua" }, { dir = dir })
    assert.equal(plain.out:match "digest: (%x+)",
      run({ "--digest", "--untrusted", "s.lua" }, { dir = dir }).out:match "digest: (%x+)")
    command.drop(dir)
  end)
end)

describe("the kernel's wall", function()
  it("stands where native code tries", function()
    local whole, lacking = kernel_walls()
    if not whole then pending(lacking) return end
    local off, names = try("native.lua", {})
    local on, _, result, secret = try("native.lua", { "--untrusted=kernel", "--read", MODULE })
    assert.equal("SECRET\n", secret)
    assert.equal("", result.err)
    assert.is_true(#names >= 38)
    for _, name in ipairs(names) do
      if not PRIVILEGED[name] then
        assert.is_nil(DENIED[tonumber(off[name])], name .. " without walls: " .. off[name])
      end
      assert.is_true(DENIED[tonumber(on[name])], name .. " behind the wall: " .. tostring(on[name]))
    end
  end)
end)

describe("threads of native code", function()
  it("are counted", function()
    local dir = command.folder()
    command.write(dir .. "/s.lua", "print(package.loadlib(..., 'luaopen_breakout')().threads(60))")
    local function threads(most)
      return run({ "--threads", "1", "--untrusted=kernel", "--read", MODULE, "--out", "on", "--all-threads", most,
        "s.lua", MODULE }, { dir = dir })
    end
    assert.same({ code = 0, out = "60\n", err = "" }, threads "90")
    local on = threads "30"
    assert.same({ 1, "" }, { on.code, on.out })
    assert.matches("it ran more than 30 threads at once %(%-%-all%-threads%)", on.err)
    command.drop(dir)
  end)
end)

-- name, code, the options that limit it, what is said; `stuck`: without limits it goes on until `timeout` ends it.
local hungry = {
  { "an endless loop", "while true do end", { "--wall-time", "0.15" }, "ran longer than 0.15 s", stuck = true },
  { "an endless loop that catches all", "while true do pcall(function() while true do end end) end",
    { "--wall-time", "0.15" }, "ran longer than 0.15 s", stuck = true },
  { "an endless loop in a coroutine",
    "coroutine.wrap(function() while true do coroutine.wrap(function() end)() end end)()",
    { "--wall-time", "0.15" }, "ran longer than 0.15 s", stuck = true },
  { "a pattern's endless search", "string.find(string.rep('a', 40000), string.rep('a-', 40) .. 'b')",
    { "--wall-time", "0.15" }, "ran longer than 0.15 s", stuck = true },
  { "endless arithmetic in C", "local x = ones { 400, 400 } while true do x = x:matmul(x) end",
    { "--wall-time", "0.15", "--threads", "1" }, "ran longer than 0.15 s", stuck = true },
  { "processor time", "while true do end", { "--cpu-time", "0.5" }, "used more than 0.5 s of processor time",
    stuck = true },
  { "waiting for nothing", "require 'lamina.core.base'.interrupt_after(0) while true do os.clock() end",
    { "--wall-time", "0.15" }, "ran longer than 0.15 s", stuck = true },
  { "holding off Ctrl-C", "require 'lamina.core.base'.uninterrupted(function() while true do end end)",
    { "--wall-time", "0.15" }, "ran longer than 0.15 s", stuck = true },
  { "string.rep", "print(#string.rep('x', 300000000))", { "--lua-memory", "32M" }, "not enough memory" },
  { "a growing table", "local t = {} for i = 1, 3000000 do t[i] = i end print(#t)", { "--lua-memory", "16M" },
    "not enough memory" },
  { "growing text", "local s = 'x' for _ = 1, 27 do s = s .. s end print(#s)", { "--lua-memory", "32M" },
    "not enough memory" },
  { "a huge tensor", "print(ones { 5000, 10000 }:size(1))", { "--memory", "32M" }, "memory budget" },
  { "many tensors", "local t = {} for i = 1, 100 do t[i] = ones { 200000 } end print(#t)", { "--memory", "16M" },
    "memory budget" },
  { "open files", "local t = {} for i = 1, 60 do t[i] = assert(io.open 's.lua') end print(#t)",
    { "--open-files", "30" }, "Too many open files" },
  { "a large file", "local f = io.open(OUT .. '/f', 'wb') for _ = 1, 40 do assert(f:write(('x'):rep(100000))) end "
    .. "f:close() print 'done'", { "--file-size", "1M" }, "File too large" },
  { "many files", "for i = 1, 200 do io.open(OUT .. '/' .. i, 'wb'):close() end print 'done' WAIT()",
    { "--output-files", "50" }, "wrote more than 50 files" },
  { "much output", "for i = 1, 8 do local f = io.open(OUT .. '/' .. i, 'wb') f:write(('x'):rep(1000000)) "
    .. "f:close() end print 'done' WAIT()", { "--output-size", "4M" }, "wrote more than 4194304 bytes" },
  { "output in a file that was removed", "local f = io.open(OUT .. '/f', 'wb') os.remove(OUT .. '/f') "
    .. "for _ = 1, 8 do f:write(('x'):rep(1000000)) end f:flush() print 'done' WAIT() f:close()",
    { "--output-size", "4M" }, "wrote more than 4194304 bytes" },
  { "output below a folder whose name changes all the time", "local base = require 'lamina.core.base' "
    .. "local path = OUT .. '/a' base.mkdir(path .. '/b/c') for i = 1, 8 do local f = io.open(path .. '/b/c/' .. i, "
    .. "'wb') f:write(('x'):rep(1000000)) f:close() end print 'done' local t, x, y = os.clock(), path, OUT .. '/z' "
    .. "repeat os.rename(x, y) x, y = y, x until os.clock() - t > (OUT:find 'off' and 0 or 5)",
    { "--output-size", "4M" }, "wrote more than 4194304 bytes" },
  { "folders within folders",
    "for i = 1, 70 do OUT = OUT .. '/a' end require 'lamina.core.base'.mkdir(OUT) WAIT()", {},
    "it made folders that cannot be looked into, or more than 64 deep" },
  { "output in a mapped file that was removed", "local kept = {} for i = 1, 8 do local path = OUT .. '/f' .. i "
    .. "data.save_npy(path, ones { 250000 }) kept[i] = require 'lamina.core.io'.npy_read(path, { map = true }) "
    .. "os.remove(path) end print 'done' WAIT() print(#kept)",
    { "--output-size", "4M" }, "wrote more than 4194304 bytes" },
  { "printing", "for _ = 1, 30 do print(('x'):rep(100000)) io.stderr:write() end WAIT()", { "--print-size", "2M" },
    "printed more than 2097152 bytes" },
  { "programs", "if hdf5 then local t = {} for i = 1, 4 do t[i] = hdf5.open 'x.h5' end print(#t) WAIT() end",
    { "--processes", "3" }, "ran more than 3 programs at once", needs = "x.h5" },
  { "a zip bomb of arrays", "print(data.npz('bomb.npz').x:size(1))", { "--memory", "16M" }, "memory" },
  { "a picture's bomb", "print(#image.read('bomb.png').shape)", { "--memory", "16M" }, "memory" },
}

describe("limits", function()
  local dir

  setup(function()
    dir = command.folder()
    local core_io = require "lamina.core.io"
    core_io.npz_write(dir .. "/bomb.npz", { x = zeros { 10000000 } }, { compress = true })
    lamina.try(hdf5.write, dir .. "/x.h5", { a = ones { 2 } }) -- where this build can
    core_io.png_write(dir .. "/bomb.png", zeros({ 5000, 5000 }, { dtype = "uint8" }))
  end)

  teardown(function() command.drop(dir) end)

  for _, case in ipairs(hungry) do
    local name, code, options, said = table.unpack(case)
    it("hold " .. name, function()
      if case.needs and not io.open(dir .. "/" .. case.needs) then pending "no HDF5" return end
      command.write(dir .. "/s.lua", "local function WAIT() local t = os.clock() while os.clock() - t < 20 do end "
        .. "end local OUT = ... WAIT = (...):find 'off' and function() end or WAIT " .. code)
      require("lamina.core.base").mkdir(dir .. "/off")
      if case.stuck then
        local off = run("s.lua off", { dir = dir, env = ORDINARY .. "timeout 0.2" })
        assert.equal(124, off.code)
      else
        local off = run("s.lua off", { dir = dir })
        assert.same({ 0, "" }, { off.code, off.err })
      end
      local words = { "--untrusted", "--out", "on" }
      table.move(options, 1, #options, #words + 1, words)
      words[#words + 1] = "s.lua"
      words[#words + 1] = "on"
      local on = run(words, { dir = dir })
      assert.equal(1, on.code)
      assert.truthy(on.err:find(said, 1, true), on.err)
      os.execute("rm -rf " .. dir .. "/on " .. dir .. "/off")
    end)
  end
end)

describe("--untrusted", function()
  it("says what it does not run", function()
    local dir = command.folder()
    command.write(dir .. "/s.lua", "print(1)")
    for line, message in pairs {
      ["--untrusted"] = "--untrusted needs a script", ["--untrusted -i s.lua"] = "it opens no prompt: leave out -i",
      ["--untrusted=all s.lua"] = "takes nothing, =kernel or =interpreter, got 'all'",
      ["--untrusted --wall-time x s.lua"] = "--wall-time must be a number of seconds above 0, got 'x'",
      ["--untrusted --file-size 1Q s.lua"] = "--file-size must be a size such as 512M or 2G, got '1Q'",
      ["--untrusted --processes 0 s.lua"] = "--processes must be a whole number from 1 to 1000000, got '0'",
      ["--untrusted --read nothing s.lua"] = "--read: there is no 'nothing'",
      ["--untrusted-inside s.lua"] = "--untrusted-inside is for --untrusted itself",
    } do
      local result = run(line, { dir = dir })
      assert.equal(2, result.code, line)
      assert.truthy(result.err:find(message, 1, true), result.err)
      assert.equal("", result.out)
    end
    local home = run("--untrusted s.lua", { dir = dir, env = "HOME=" .. dir })
    assert.matches("all of which it could read: put it into a folder of its own", home.err)
    os.execute("mkdir " .. dir .. "/you")
    local above = run("--untrusted s.lua", { dir = dir, env = "HOME=" .. dir .. "/you" })
    assert.matches("all of which it could read: put it into a folder of its own", above.err)
    command.drop(dir)
  end)

  it("keeps the library's functions from scripts that replace the globals", function()
    local dir = command.folder()
    command.write(dir .. "/s.lua", [[
      local calls = 0
      local function replace(t, name)
        local f = t[name]
        rawset(t, name, function(...) calls = calls + 1 return f(...) end)
      end
      for _, name in ipairs { "match", "gsub", "find", "format", "rep" } do replace(string, name) end
      for _, name in ipairs { "concat", "sort", "move" } do replace(table, name) end
      for _, name in ipairs { "type", "getmetatable", "pairs", "ipairs", "next", "select", "pcall", "tostring" } do
        replace(_G, name)
      end
      calls = 0
      local net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 2, kernel = 3 }, relu },
        readout "r" { dense { 2 } } }
      try(conv, { 2, strid = 1 })
      try(function() error "lib/errors.lua:176: attempt to call a nil value (method 'x')" end)
      net(ones { 1, 1, 8, 8 }):sum():item()
      local mine = calls
      function string.shout(s) return s .. "!" end
      print(mine, ("a"):shout())
    ]])
    assert.equal("0\ta!\n", run("--untrusted s.lua", { dir = dir }).out)
    assert.matches("^[1-9]%d*\ta!\n$", run("s.lua", { dir = dir }).out)
    command.drop(dir)
  end)

  it("ends at the third Ctrl-C a script that holds it off", function()
    local dir = command.folder()
    command.write(dir .. "/s.lua", "require 'lamina.core.base'.uninterrupted(function() print 'holds' "
      .. "io.stdout:flush() while true do end end)")
    os.execute(string.format("cd %s && %s%s --untrusted s.lua >out 2>err & p=$!; cd %s; while [ ! -s out ]; do sleep "
      .. "0.02; done; for i in 1 2 3; do kill -INT $p; sleep 0.1; done; wait $p; echo $? >code", dir, ORDINARY,
      command.quote(command.path), dir))
    assert.same({ "130\n", "lamina: interrupted\n" },
      { command.read(dir .. "/code"), said_in(command.read(dir .. "/err")) })
    command.drop(dir)
  end)

  it("passes on exit codes, arguments and errors, and leaves no empty folder", function()
    local dir = command.folder()
    command.write(dir .. "/s.lua", "print(...) if ... == 'bad' then error 'no' end os.exit(tonumber((...)))")
    assert.same({ code = 7, out = "7\tb\n", err = "" }, run("--untrusted s.lua 7 b", { dir = dir }))
    local bad = run("--untrusted s.lua bad", { dir = dir })
    assert.equal(1, bad.code)
    assert.matches("^lamina: s.lua:1: no\n", bad.err)
    assert.same({}, require("lamina.core.base").list(dir .. "/runs"))
    assert.same({ code = 0, out = "5\n", err = "" }, run({ "--untrusted", "-" }, { input = "print(5)" }))
    command.drop(dir)
  end)
end)

-- breakout/reachable.txt is read by people: whoever adds a line has thought of what a hostile caller can do with it -
-- write or read elsewhere, hold off the limits, change another process, use memory that nobody counts.
describe("what an untrusted script can come to", function()
  it("is known, and nothing else", function()
    local here = io.popen "pwd":read "l" .. "/tests/interp/breakout/"
    local known = command.read(here .. "reachable.txt")
    for _, walls in ipairs { "--untrusted", "--untrusted=interpreter" } do
      local dir = command.folder()
      local result = run({ walls, "--out", dir, "reach.lua" }, { dir = here })
      assert.equal("", result.err)
      assert.equal(known, result.out)
      command.drop(dir)
    end
    local off = run({ "reach.lua" }, { dir = here })
    for _, name in ipairs { "_G.debug.sethook", "_G.package.loadlib" } do
      assert.truthy(off.out:find("FORBIDDEN " .. name .. "\n", 1, true), name)
    end
  end)
end)
