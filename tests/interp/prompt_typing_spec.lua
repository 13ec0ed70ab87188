-- The prompt while a line is typed: completion, colours, pasted texts, what was typed before, help at hand.
local base = require "lamina.core.base"
local command = require "support.command"
local prompt = require "support.prompt"

local start, screen, expect, send, leave = prompt.start, prompt.screen, prompt.expect, prompt.send, prompt.leave
local described = prompt.has_terminal and describe or pending
local dir

described("the prompt", function()
  before_each(function() dir = prompt.folder() end)
  after_each(prompt.drop)

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

  it("offers options before names, alone until a letter is typed; bounds of parameters; names of files", function()
    for _, name in ipairs { "exp-1.lua", "exp-2.lua", "my run.lua" } do command.write(dir .. "/" .. name, "") end
    os.execute("mkdir " .. dir .. "/runs")
    local code = string.format([[
      local function show(before, word)
        print(table.concat(require("lamina.prompt").complete(word, before), "|"))
      end
      show("area \"V1\" { ", "")
      show("pool.max { 2, ", "p")
      show('experiment "e" { params = { rate = { 1e-2, ', "ab")
      show('experiment { seed = 1, params = { n = 3, rate = { 1e-2, above = 0, ', "")
      show("x = { rate = { 1e-2, ", "ab")
      show("%%load %s/exp-", "1")
      show("%%save -f %s/", "")
      show("%%edit %s/my ", "r")
    ]], dir, dir, dir)
    local result = command.run { "-e", code }
    local lines = {}
    for line in result.out:gmatch "(.-)\n" do lines[#lines + 1] = line end
    assert.equal("cells = |combine = |constraint = |delay = |from = |frozen = |rule = ", lines[1])
    assert.matches("^pad = |package|pad|pairs|", lines[2])
    assert.equal("above = ", lines[3])
    assert.equal("below = |choices = |default = |doc = |max = |min = |unit = ", lines[4])
    assert.equal("abs", lines[5])
    assert.equal("1.lua", lines[6])
    assert.equal("exp-1.lua|exp-2.lua|my run.lua|runs/", lines[7])
    assert.equal("run.lua", lines[8])
    start()
    local at = expect "\n> "
    send "%load exp-1\t\n"
    at = expect("%load exp-1.lua\n> ", at)
    assert.equal(0, leave(at - 2))
  end)

  it("completes what tables hold, types, rules by area, guides, data sets, areas and one's own names", function()
    os.execute("mkdir -p " .. dir .. "/data/session7")
    local code = [[
      require("lamina.strict").prompt = true
      require("lamina.prompt.session").begin()
      net = model "N" { input { 1, 8, 8 }, area "V1" { conv { 2, kernel = 3 } }, readout "r" { dense { 2 } } }
      local function show(before, word)
        print(table.concat(require("lamina.prompt").complete(word, before), "|"))
      end
      show('models["', "resnet1")
      show('net["', "V1")
      show("x = zeros { 2, ", "dt")
      show('zeros { 2, dtype = "', "float")
      show('x:to "', "int")
      show('train { rule = { V1 = "', "oj")
      show('train { loss = { r = "', "hu")
      show('conv { 3, init = "', "g")
      show('help "', "guide:to")
      show('data.folder "', "session")
      show('data.folder "', "mni")
      show("", "net.V")
      show("", "net:V")
      show("%who ", "n")
      show('experiment "a" { ', "par")
      show("stimuli.gratings { ", "orient")
      show("net:cost { ", "bat")
    ]]
    local result = command.run({ "-e", code }, { env = "LAMINA_DATA=" .. dir .. "/data" })
    assert.equal("", result.err)
    assert.equal(table.concat({ "resnet101|resnet110|resnet1202|resnet152|resnet18", "V1|V1.conv1", "dtype = ",
      "float32|float64", "int64", "oja", "huber", "glorot", "guide:tour", "session7", "mnist", "net.V1", "", "net",
      "params = ", "orientation = ", "batch = " }, "\n") .. "\n", result.out)
  end)

  it("prints what is long where there is no such pager, and leaves one that ends early in peace", function()
    start "NO_COLOR=1 PAGER=no-such-pager"
    local at = expect "\n> "
    send "?conv\n"
    at = expect("\nsource: lib/layers/conv.lua\n> ", at)
    assert.equal(0, leave(at - 2))
    start "NO_COLOR=1 PAGER='head -1'"
    at = expect "\n> "
    send "?conv\n"
    at = expect("\nconv: Convolution", at)
    at = expect("\n> ", at)
    assert.falsy(screen():find("source: ", 1, true))
    send "6 * 7\n"
    at = expect("\n42\n> ", at)
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
    local raw = prompt.raw()
    assert.truthy(raw:find("\27[34;1mlocal\27[0m x = \27[32m'a'\27[0m \27[34;1mreturn\27[0m #x", 1, true))
    assert.truthy(raw:find("\27[36m1\27[0m", 1, true))
    send "\4"
    prompt.close()
    start()
    at = expect "\n> "
    send "'a', 1\n"
    at = expect("\na\n1\n> ", at)
    assert.falsy(prompt.raw():find("\27[3", 1, true))
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
    send "\27[200~k = 3\n%history 1\nk * 2\27[201~\n" -- a command between, and no remainder
    at = expect("  k = 3\n6\n> ", at)
    send "\27[200~t = [[\n?conv\n]]\n#t\27[201~\n" -- a string that looks like one
    at = expect("\n6\n> ", at)
    send "%save s.lua\n"
    at = expect("9 entries in s.lua", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
    assert.falsy(screen():find("error", 1, true), screen())
    local result = command.run { dir .. "/s.lua" }
    assert.equal("42\n12\n25\n7\n6\n6\n", result.out .. result.err)
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

  it("keeps what was entered in a session that is killed, and keeps the history from growing without end", function()
    local old = {}
    for i = 1, 5600 do old[i] = string.format("#%d\nn = %d\n", 1700000000 + i, i) end
    os.execute("mkdir -p " .. dir .. "/state/lamina")
    local path = dir .. "/state/lamina/history"
    command.write(path, table.concat(old))
    start()
    local at = expect "\n> "
    assert.matches("^#1700000601\nn = 601\n", command.read(path))
    send "kept = 'as typed'\n"
    at = expect("typed'\n> ", at)
    send "\27[A\27[A\n" -- the last of the file
    expect("n = 5600\n> ", at)
    send "os.execute 'kill -9 $PPID'\n"
    prompt.close()
    assert.matches("\nkept = 'as typed'\n#%d+\nn = 5600\n#%d+\nos%.execute 'kill %-9 %$PPID'\n$",
      command.read(path))
  end)

  it("removes what killed sessions have left beside the history, and nothing else", function()
    os.execute("mkdir -p " .. dir .. "/state/lamina")
    local pipe = io.popen "sh -c 'echo $$'"
    local gone, here = pipe:read "n", base.pid()
    pipe:close()
    local names = { "history." .. gone, string.format("history.%d-99.tmp", gone), "history." .. here, "history.old",
      "history.12x" }
    for _, name in ipairs(names) do command.write(dir .. "/state/lamina/" .. name, "x\n") end
    os.execute("touch -d '2 minutes ago' " .. dir .. "/state/lamina/*")
    command.write(string.format("%s/state/lamina/history.%d-1.tmp", dir, gone), "now\n")
    start()
    assert.equal(0, leave(expect "\n> " - 2))
    local left = base.list(dir .. "/state/lamina")
    table.sort(left)
    local wanted = { "history." .. here, "history.old", "history.12x", string.format("history.%d-1.tmp", gone) }
    table.sort(wanted)
    assert.same(wanted, left)
  end)
end)
