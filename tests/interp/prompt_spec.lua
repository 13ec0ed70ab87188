-- The prompt, at a terminal of its own that `script` (util-linux) gives it.
local base = require "lamina.core.base"
local command = require "support.command"

local dir, keys, output

-- Starts the prompt; what `send` writes is typed into it.
local function start()
  output = dir .. "/screen"
  os.remove(output)
  os.remove(dir .. "/code")
  -- `exec`: a shell that stayed between would die of the Ctrl-C meant for the prompt, as dash does.
  local program = command.quote("exec " .. command.quote(command.path))
  local line = string.format("cd %s && env HOME=%s XDG_STATE_HOME=%s/state TERM=xterm COLUMNS=200 "
    .. "script -qec %s /dev/null >%s; echo $? >%s/code", dir, dir, dir, program, output, dir)
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
      local names = require("lamina.prompt").complete
      print(table.concat(names "net:sa", " "), #names "net:__", #names "net.nodes", #names "net:snap",
        #names "net.see")
    ]] }
    assert.equal("net:save\t0\t0\t0\t1\n", result.out)
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

  it("takes a paste of several lines whole", function()
    start()
    local at = expect "\n> "
    send "\27[200~a = 1\na = a + 1\nprint('sum', a)\27[201~\n"
    at = expect("sum\t2", at)
    assert.equal(0, leave(at))
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
