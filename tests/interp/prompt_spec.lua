-- The prompt, at a terminal of its own that `script` (util-linux) gives it.
local base = require "lamina.core.base"
local command = require "support.command"

local dir, keys, output

-- Starts the prompt; what `send` writes is typed into it. settings: of its environment; without any there are no
-- colours, which would write each line anew with every key.
local function start(settings)
  output = dir .. "/screen"
  os.remove(output)
  os.remove(dir .. "/code")
  -- `exec`: a shell that stayed between would die of the Ctrl-C meant for the prompt, as dash does.
  local program = command.quote("exec " .. command.quote(command.path))
  local line = string.format("cd %s && env HOME=%s XDG_STATE_HOME=%s/state XDG_CONFIG_HOME=%s/config TERM=xterm "
    .. "COLUMNS=200 PAGER=cat %s timeout 100 script -qec %s /dev/null >%s; echo $? >%s/code", dir, dir, dir, dir,
    settings or "NO_COLOR=1", program, output, dir)
  keys = assert(io.popen(line, "w"))
  keys:setvbuf "no"
end

-- What the screen shows, without the terminal's control sequences.
local function screen()
  return ((command.read(output) or ""):gsub("\27%[[%d;?]*[%a]", ""):gsub("\r", ""):gsub("\a", ""))
end

-- Waits until the screen shows `text` after position `from`; raises after 20 s. Returns the position behind it.
local function expect(text, from)
  local last = base.clock() + 20
  repeat
    local _, stop = screen():find(text, from or 1, true)
    if stop then return stop + 1 end
    os.execute "sleep 0.02"
  until base.clock() > last
  error(string.format("%q does not come; the screen shows:\n%s", text, screen():sub(from or 1)), 2)
end

local function send(text) keys:write(text) end

local function leave(mark)
  expect("> ", mark)
  send "\4"
  local last = base.clock() + 20
  while not command.read(dir .. "/code") and base.clock() < last do os.execute "sleep 0.02" end
  keys:close()
  assert(base.clock() < last, "the prompt does not end at Ctrl-D")
  return math.tointeger(tonumber(command.read(dir .. "/code")))
end

-- Without `script`, or where the system gives no pseudo-terminal, these are pending.
local has_terminal = os.execute "script -qec true /dev/null </dev/null >/dev/null 2>&1"
local described = has_terminal and describe or pending

described("the prompt", function()
  before_each(function() dir = command.folder() end)
  after_each(function() command.drop(dir) end)

  it("shows results, several on lines of their own, and keeps quiet for nil and ';'", function()
    start()
    local at = expect "\n> "
    send "1 + 1\n"
    at = expect("1 + 1\n2\n> ", at)
    send "'a', 0.1, { 1, 2, x = { 3 } }\n"
    at = expect("\na\n0.1\n{ 1, 2, x = { 3 } }\n> ", at)
    send "7;\n"
    at = expect("7;\n> ", at)
    send "_\n"
    at = expect("_\n7\n> ", at)
    send "nil\n"
    at = expect("nil\n> ", at)
    assert.equal(0, leave(at - 2))
    assert.matches("\n$", screen())
  end)

  it("reads on until a chunk is whole", function()
    start()
    local at = expect "\n> "
    send "function twice(x)\n"
    at = expect("\n>> ", at)
    send "return 2 * x\nend\n"
    at = expect("end\n> ", at)
    send "twice(\n21)\n"
    at = expect("\n42\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("goes on after errors, without a traceback", function()
    start()
    local at = expect "\n> "
    send "relux\n"
    at = expect("error: undefined name 'relux' (did you mean 'relu'?)\n> ", at)
    send "x = = 1\n"
    at = expect("error: unexpected symbol near '='\n> ", at)
    send "zeros { 2, 3 }:reshape(7)\n"
    at = expect("error: reshape: ", at)
    at = expect("\n> ", at)
    send "1 + 2\n"
    at = expect("\n3\n> ", at)
    assert.falsy(screen():find "traceback")
    assert.equal(0, leave(at - 2))
  end)

  it("stops a computation at Ctrl-C and clears a line", function()
    start()
    local at = expect "\n> "
    send "kept = 5\n"
    at = expect("kept = 5\n> ", at)
    send "while true do end\n"
    at = expect("while true do end\n", at)
    os.execute "sleep 0.3"
    send "\3"
    at = expect("error: interrupted\n> ", at)
    send "local x = randn { 400, 400 } while true do x = x * 1 end\n"
    at = expect("while true do x = x * 1 end\n", at)
    os.execute "sleep 0.3"
    send "\3"
    at = expect("error: interrupted\n> ", at)
    send "this is nonsense"
    at = expect("nonsense", at)
    send "\3"
    at = expect("\n> ", at)
    send "kept\n"
    at = expect("\n5\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("takes Ctrl-C where nothing runs in silence: on an empty line, a half-typed one, within an entry", function()
    start()
    local at = expect "\n> "
    for _, typed in ipairs { "", "x = 1 +", "function f()\n", "f(\n1," } do
      send(typed)
      if typed ~= "" then at = expect(typed:gsub("\n", "\n>> "), at) end
      os.execute "sleep 0.1"
      send "\3"
      at = expect("\n> ", at)
    end
    send "20 + 22\n"
    at = expect("\n42\n> ", at)
    assert.falsy(screen():find("error", 1, true), screen())
    assert.equal(0, leave(at - 2))
  end)

  it("completes globals, words, fields and methods", function()
    start()
    local at = expect "\n> "
    send "collectg\t;\n"
    at = expect("collectgarbage;\n> ", at)
    send "math.ran\tseed\n"
    at = expect("math.randomseed\n", at)
    at = expect("\n> ", at)
    send "t = zeros { 2, 3 };\n"
    at = expect("};\n> ", at)
    send "t:requires_g\t(true);\n"
    at = expect("t:requires_grad(true);\n> ", at)
    send "plot.histog\t;\n"
    at = expect("plot.histogram;\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("completes what is documented of a model, and nothing internal", function()
    local result = command.run { "-e", [[
      net = model "N" { input { 2 }, readout "r" { dense { 2 } } }
      local function names(word) return require("lamina.prompt").complete(word, "") end
      print(table.concat(names "net:sa", " "), #names "net:__", #names "net.nodes", #names "net:snap",
        #names "net.see")
    ]] }
    assert.equal("net:save\t0\t0\t0\t1\n", result.out)
  end)

  it("completes by where the cursor is", function()
    local result = command.run { "-e", [[
      net = model "N" { input { 1, 8, 8 }, area "V1" { conv { 2, kernel = 3 }, relu }, readout "r" { dense { 2 } } }
      local function show(before, word)
        print(table.concat(require("lamina.prompt").complete(word, before), " "))
      end
      show("conv { kernel = ", "print_opt") -- a value
      show("train { model = net, ", "epoch")
      show("train { model = net, epochs = 3, ", "ep") -- given already
      show('x = net:layer "', "V1.")
      show('train { loss = "', "cross")
      show('train { rule = { V1 = "', "oj")
      show('predictivity { layers = { "', "V1.r")
      show('pool.global "', "a")
      show("", "?avg")
      show('help "', "cross_")
      show('io.open "', "x")
      show("x = { 1, 2 }, -- { ", "print_o")
      show("x:sum { ", "keep")
    ]] }
    local lines = {}
    for line in result.out:gmatch "(.-)\n" do lines[#lines + 1] = line end
    assert.equal("epochs = ", lines[2])
    assert.falsy(lines[3]:find "epochs")
    assert.equal("V1.conv1 V1.relu1", lines[4])
    assert.equal("cross_entropy", lines[5])
    assert.equal("V1.relu1", lines[7])
    assert.equal("avg", lines[8])
    assert.matches("cross_entropy", lines[10])
    assert.equal("", lines[11])
    assert.equal("print_options", lines[12])
    assert.equal("keepdim = ", lines[13])
  end)

  it("says how to leave", function()
    start()
    local at = expect "\n> "
    send "exit()\n"
    at = expect("undefined name 'exit' (Ctrl-D leaves the prompt)", at)
    at = expect("\n> ", at)
    send "quit\n"
    at = expect("undefined name 'quit' (Ctrl-D leaves the prompt)", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("runs a startup file, which makes globals, and says what is wrong with it", function()
    os.execute("mkdir -p " .. dir .. "/config/lamina")
    command.write(dir .. "/config/lamina/startup.lua", "mine = 41\nprint 'hello'\n")
    start()
    local at = expect("hello", 1)
    at = expect("\n> ", at)
    send "mine + 1\n"
    at = expect("\n42\n> ", at)
    send "%who\n"
    at = expect("no names of yours yet\n> ", at)
    assert.equal(0, leave(at - 2))
    command.write(dir .. "/config/lamina/startup.lua", "mine = = 41\n")
    start()
    at = expect("lamina: " .. dir .. "/config/lamina/startup.lua:1: unexpected symbol near '='", 1)
    at = expect("\n> ", at)
    assert.falsy(screen():find("mistake in Lamina", 1, true) or screen():find("traceback", 1, true), screen())
    send "%reset\n"
    at = expect("0 names are gone\n> ", at)
    send "1 + 1\n"
    at = expect("\n2\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("goes on after a startup file that raises, and where a folder has its name", function()
    os.execute("mkdir -p " .. dir .. "/config/lamina")
    command.write(dir .. "/config/lamina/startup.lua", "early = 1\nerror 'not today'\n")
    start()
    local at = expect("startup.lua:2: not today", 1)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
    os.execute(string.format("rm %s/config/lamina/startup.lua && mkdir %s/config/lamina/startup.lua", dir, dir))
    start()
    at = expect("lamina: cannot read the startup file: " .. dir .. "/config/lamina/startup.lua: this is a folder", 1)
    at = expect("\n> ", at)
    assert.falsy(screen():find("mistake in Lamina", 1, true), screen())
    assert.equal(0, leave(at - 2))
  end)

  it("begins an experiment anew with %load and after %reset", function()
    command.write(dir .. "/e.lua", "local p = experiment 'e' { params = { rate = 0.5 } }\nprint('rate', p.rate)\n")
    start()
    local at = expect "\n> "
    for i = 1, 2 do
      send "%load e.lua\n"
      at = expect("rate\t0.5", at)
      at = expect("\n> ", at)
      assert.equal(i - 1, select(2, screen():gsub("results: runs/e%-%d", "")))
    end
    send "experiment 'f' {}\n"
    at = expect("has already begun; %reset ends it", at)
    send "%reset x\n"
    at = expect("error: %reset takes nothing after it, not 'x'\n> ", at)
    send "%reset\n"
    at = expect("names are gone\n> ", at)
    send "experiment 'f' {};\n"
    at = expect("experiment 'f' {};\n> ", at)
    assert.equal(0, leave(at - 2))
    assert.falsy(screen():find("a script has one", 1, true), screen())
  end)

  it("keeps the last two results as _ and __", function()
    start()
    local at = expect "\n> "
    send "10\n"
    at = expect("\n10\n> ", at)
    send "20;\n"
    at = expect("20;\n> ", at)
    send "_ + 2 * __\n"
    at = expect("\n40\n> ", at)
    send "_ .. ' ' .. __\n"
    at = expect("\n40 20\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("explains with ? and searches with ??", function()
    start()
    local at = expect "\n> "
    send "?relu\n"
    at = expect("relu: ", at)
    at = expect("\n> ", at)
    send "relu?\n"
    at = expect("relu: ", at)
    at = expect("\n> ", at)
    send "??subsampling\n"
    at = expect("pool", at)
    at = expect("\n> ", at)
    send "??xyzzyplugh\n"
    at = expect("nothing in help has 'xyzzyplugh' in it\n> ", at)
    send "?reluu\n"
    at = expect("nothing is known of 'reluu' (did you mean 'relu'?)", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("shows help in lines as long as the terminal is wide", function()
    start("NO_COLOR=1 COLUMNS=50")
    local at = expect "\n> "
    send 'help "relu"\n'
    at = expect("source: ", at)
    at = expect("\n> ", at)
    local shown = screen():match("\nrelu: .-\nsource: ")
    for line in shown:gmatch "[^\n]+" do assert.is_true(#line <= 50 or line:find "^> " ~= nil, line) end
    assert.equal(0, leave(at - 2))
  end)

  it("times, profiles, lists and forgets", function()
    start()
    local at = expect "\n> "
    send "%time 6 * 7\n"
    at = expect("\n42\n", at)
    at = expect(" s (processor ", at)
    at = expect("\n> ", at)
    send "_\n"
    at = expect("\n42\n> ", at)
    send "x = randn { 300, 300 }; %time 1\n"
    at = expect("error: ", at)
    at = expect("\n> ", at)
    send "x, name = randn { 30, 30 }, 'V1';\n"
    at = expect("';\n> ", at)
    send "%profile x:matmul(x):relu()\n"
    at = expect("matmul ", at)
    at = expect("relu ", at)
    at = expect("(Lua, and what is no op)", at)
    at = expect("\n> ", at)
    send "%who\n"
    at = expect('name  string     "V1"\nx     tensor     30x30 float32\n> ', at)
    send "%reset\n"
    at = expect("2 names are gone\n> ", at)
    send "x\n"
    at = expect("undefined name 'x'", at)
    at = expect("\n> ", at)
    send "%tim 3\n"
    at = expect("there is no command %tim (did you mean 'time'?); %help lists them\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("saves the session as a script that runs, and loads one", function()
    start()
    local at = expect "\n> "
    send "a = 2\n"
    at = expect("a = 2\n> ", at)
    send "local b = 5 c = a * b\n"
    at = expect("a * b\n> ", at)
    send "oops(\n)\n"
    at = expect("error: ", at)
    at = expect("\n> ", at)
    send "c + 1\n"
    at = expect("\n11\n> ", at)
    send "_ * 2\n"
    at = expect("\n22\n> ", at)
    send "%save s.lua\n"
    at = expect("4 entries in s.lua; `lamina s.lua` runs it\n> ", at)
    send "%save s.lua\n"
    at = expect("'s.lua' is there already; %save -f s.lua writes over it\n> ", at)
    send "%load s.lua\n"
    at = expect("\n11\n22\n> ", at)
    send "%load no.lua\n"
    at = expect("cannot read the script: no.lua: No such file or directory", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
    local result = command.run { dir .. "/s.lua" }
    assert.equal("11\n22\n", result.out)
    assert.equal("", result.err)
  end)

  it("opens an editor on the last entry and runs what comes back", function()
    command.write(dir .. "/ed", "#!/bin/sh\necho '6 * 7' >\"$1\"\n")
    os.execute("chmod +x " .. dir .. "/ed")
    start("NO_COLOR=1 VISUAL=" .. dir .. "/ed")
    local at = expect "\n> "
    send "1 + 1\n"
    at = expect("\n2\n> ", at)
    send "%edit\n"
    at = expect("6 * 7\n42\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("completes options within braces, what strings may be, and commands", function()
    start()
    local at = expect "\n> "
    send "conv { 6, kern\t5 };\n"
    at = expect("conv { 6, kernel = 5 };\n> ", at)
    send 'conv { 6, kernel = 5, mode = "circ\t };\n'
    at = expect('mode = "circular" };\n> ', at)
    send "%hist\t\n"
    at = expect("%history\n", at)
    at = expect("\n> ", at)
    send 'area "Retina" {};\n'
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("colours what is typed and shown, but for NO_COLOR", function()
    start "LANG=C.UTF-8"
    local at = expect "> "
    send "local x = 'a' return #x"
    at = expect("return #x", at)
    send " "
    expect("return #x ", at)
    os.execute "sleep 0.2"
    send "\n"
    expect("\n1", at)
    local raw = command.read(output)
    assert.truthy(raw:find("\27[34;1mlocal\27[0m x = \27[32m'a'\27[0m \27[34;1mreturn\27[0m #x", 1, true))
    assert.truthy(raw:find("\27[36m1\27[0m", 1, true))
    send "\4"
    keys:close()
    start()
    at = expect "\n> "
    send "'a', 1\n"
    at = expect("\na\n1\n> ", at)
    assert.falsy(command.read(output):find("\27[3", 1, true))
    assert.equal(0, leave(at - 2))
  end)

  it("shows figures as pictures where the terminal can, as a path elsewhere", function()
    start()
    local at = expect "\n> "
    send "f = plot.line { x = { 1, 2 }, y = { 1, 4 } };\n"
    at = expect("};\n> ", at)
    send "f\n"
    at = expect("picture: ", at)
    local path = screen():match("picture: (%S+%.png)", at - 9)
    at = expect("\n> ", at)
    assert.equal("\137PNG", command.read(path):sub(1, 4))
    os.remove(path)
    send "require('lamina.prompt.picture').assume 'kitty'\n"
    at = expect("'kitty'\n> ", at)
    send "f\n"
    expect("\27_Gf=100,a=T,m=", at)
    at = expect("\27\\\n> ", at)
    send "require('lamina.prompt.picture').assume 'sixel'\n"
    at = expect("'sixel'\n> ", at)
    send "f\n"
    expect("\27Pq\"1;1;", at)
    at = expect("-\27\\\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("takes the prompts away from a pasted session", function()
    start()
    local at = expect "\n> "
    send "\27[200~> a = 3\n> a + 1\n4\n> function g()\n>> return 7\n>> end\n> g()\n7\27[201~\n"
    at = expect("\n4\n", at)
    at = expect("\n7\n", at)
    assert.equal(0, leave(at))
  end)

  it("takes a paste of several lines whole", function()
    start()
    local at = expect "\n> "
    send "\27[200~a = 1\na = a + 1\nprint('sum', a)\27[201~\n"
    at = expect("sum\t2", at)
    assert.equal(0, leave(at))
  end)

  it("takes a paste that ends in an expression as one chunk, and shows its value", function()
    start()
    local at = expect "\n> "
    send "\27[200~local s = 4\nlocal function f(x)\n  return x + s\nend\nf(38)\27[201~\n"
    at = expect("\n42\n> ", at)
    send "\27[200~local s = 4\n= s * 3\27[201~\n"
    at = expect("\n12\n> ", at)
    send "\27[200~local s = 5\ns * 5;\27[201~\n"
    at = expect("s * 5;\n> ", at)
    send "_\n"
    at = expect("_\n25\n> ", at)
    send "\27[200~more = function(x) return x + 1 end\nq = more\n(6)\27[201~\n" -- a call that goes on
    at = expect("(6)\n> ", at)
    send "= q\n"
    at = expect("\n7\n> ", at)
    send "%save s.lua\n"
    at = expect("6 entries in s.lua", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
    assert.falsy(screen():find("error", 1, true), screen())
    local result = command.run { dir .. "/s.lua" }
    assert.equal("42\n12\n25\n7\n", result.out .. result.err)
  end)

  it("remembers entries for the next session, of several lines, too", function()
    start()
    local at = expect "\n> "
    send "function f()\nreturn 'from history'\nend\n"
    at = expect("end\n> ", at)
    send "f()\n"
    at = expect("\nfrom history\n> ", at)
    assert.equal(0, leave(at - 2))
    local history = command.read(dir .. "/state/lamina/history")
    assert.matches("function f%(%)\nreturn 'from history'\nend\n#%d+\nf%(%)\n$", history)
    start()
    at = expect "\n> "
    send "\27[A\27[A\n"
    at = expect("\n> ", at)
    send "f()\n"
    at = expect("\nfrom history\n> ", at)
    assert.equal(0, leave(at - 2))
  end)
end)

describe("the prompt without a terminal", function()
  it("reads lines, after a script with -i", function()
    local result = command.run({ "-i", "-e", "x = 3" }, { input = "x + 1\nlocal y = 2\nerror 'no'\nx * 2\n" })
    assert.equal("4\n6\n", result.out)
    assert.equal("error: no\n", result.err)
    assert.equal(0, result.code)
  end)
end)
