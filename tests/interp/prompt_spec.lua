-- The prompt: entries, errors, results, commands.
local command = require "support.command"
local prompt = require "support.prompt"

local start, screen, expect, send, leave = prompt.start, prompt.screen, prompt.expect, prompt.send, prompt.leave
local described = prompt.has_terminal and describe or pending
local dir

described("the prompt", function()
  before_each(function() dir = prompt.folder() end)
  after_each(prompt.drop)

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
    send "a = 4; b = a + 1; a * b\n"
    at = expect("a * b\n20\n> ", at)
    send "a = 5; a;\n"
    at = expect("a;\n> ", at)
    send "s = 'x;y'; function g() local z = 1; return z end; g(), s\n"
    at = expect("g(), s\n1\nx;y\n> ", at)
    send "a +\n"
    at = expect("\n>> ", at)
    send "2 *\n"
    at = expect("\n>> ", at)
    send "3\n"
    at = expect("3\n11\n> ", at)
    send "a + 2) *\n"
    at = expect("error: ", at)
    at = expect("\n> ", at)
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

  it("times, profiles, lists and forgets", function()
    start()
    local at = expect "\n> "
    send "%time 6 * 7\n"
    at = expect(" s (processor ", at)
    at = expect("at most\n42\n> ", at)
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
    send "%who [\n"
    at = expect("error: '[' is no Lua pattern: a % before a mark, as in %[, stands for the mark itself\n> ", at)
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
    send "%save \"a session.lua\"\n"
    at = expect("4 entries in a session.lua; `lamina 'a session.lua'` runs it\n> ", at)
    send "%load 'a session.lua'\n"
    at = expect("\n11\n22\n> ", at)
    send "%load ~/a session.lua\n"
    at = expect("\n11\n22\n> ", at)
    send "%load s.lua\n"
    at = expect("\n11\n22\n> ", at)
    send "%load .\n"
    at = expect("error: cannot read the script: .: Is a directory\n> ", at)
    send "%load no.lua\n"
    at = expect("cannot read the script: no.lua: No such file or directory", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
    local result = command.run { dir .. "/s.lua" }
    assert.equal("11\n22\n", result.out)
    assert.equal("", result.err)
  end)

  it("saves a script that draws the random numbers of the session and shows its results", function()
    start()
    local at = expect "\n> "
    for _, line in ipairs { "x = rand { 1 }", "rand({ 1 }):foo()", "y = randn { 2 }; 'y', rand({ 1 }):item()",
      "nil", "_, __, 3" } do
      send(line .. "\n")
      at = expect("\n> ", expect(line, at))
    end
    local from = screen():find "y\n0%.%d+\n"
    local shown = screen():match("y\n0%.%d+\n", from) .. screen():match("\n(y\nnil\n3\n)> ", from)
    send "%save s.lua\n"
    at = expect("4 entries in s.lua", at)
    at = expect("\n> ", at)
    assert.equal(0, leave(at - 2))
    assert.equal(shown, command.run { dir .. "/s.lua" }.out)
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

  it("shows figures as pictures where the terminal can, as a path elsewhere", function()
    start()
    local at = expect "\n> "
    send "f = plot.line { x = { 1, 2 }, y = { 1, 4 } };\n"
    at = expect("};\n> ", at)
    send "f\n"
    at = expect("_Gi=31", at) -- the terminal is asked, and answers that it shows no pictures
    send "\27[?62;22c"
    at = expect("picture: ", at)
    local path = screen():match("picture: (%S+%.png)", at - 9)
    at = expect("\n> ", at)
    assert.equal("\137PNG", command.read(path):sub(1, 4))
    send "f:save 'a.svg'\n"
    at = expect("picture: a.svg\n> ", at)
    send "os.remove 'a.svg';\n"
    at = expect("';\n> ", at)
    send "f\n"
    at = expect(".png (until the prompt ends", at)
    at = expect("\n> ", at)
    send "f:save 'b.pdf';\n"
    at = expect("';\n> ", at)
    send "require('lamina.prompt.picture').assume 'kitty'\n"
    at = expect("'kitty'\n> ", at)
    send "f\n"
    expect("\27_Gf=100,a=T,m=", at)
    at = expect("\27\\\npicture: b.pdf\n> ", at)
    send "require('lamina.prompt.picture').assume 'sixel'\n"
    at = expect("'sixel'\n> ", at)
    send "f\n"
    expect("\27Pq\"1;1;", at)
    at = expect("-\27\\\npicture: b.pdf\n> ", at)
    assert.equal(0, leave(at - 2))
    local left = 0
    for file in screen():gmatch "picture: (%S+%.png)" do left = left + (command.read(file) and 1 or 0) end
    assert.equal(0, left)
  end)

  it("waits for a terminal at the end of a slow line to say what it can", function()
    start()
    local at = expect "\n> "
    send "plot.line { x = { 1, 2 }, y = { 1, 4 } }\n"
    at = expect("_Gi=31", at)
    os.execute "sleep 0.7"
    send "\27[?62;4;22c"
    at = expect("\27Pq", at)
    at = expect("\n> ", at)
    send "6 * 7\n"
    at = expect("\n42\n> ", at)
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
