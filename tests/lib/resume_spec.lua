-- A run that is killed at any moment and gone on with ends with the digest of one that was not.
local base = require "lamina.core.base"
local command = require "support.command"

local dir

before_each(function() dir = command.folder() end)
after_each(function() command.drop(dir) end)

-- Two trainings with dropout, draws of the script between them, and a loop with two models.
local SCRIPT = [[
local p = experiment "killed" { seed = 3, params = { epochs = 6, rate = { 1e-2, above = 0, doc = "learning rate" } } }
local x = randn { 3000, 30 }
local set = data.tensors { x, x:sum { dim = 2, keepdim = true } * 0.1 + randn { 3000, 1 } * 0.1 }
local function net(name)
  return model(name) { input { 30 }, area "A" { dense { 60 }, relu, dropout { 0.2 } }, readout "y" { dense { 1 } } }
end
local first, second = net "first", net "second"
local h = train { model = first, data = set, loss = "mse", epochs = p.epochs, optimizer = adam { rate = p.rate } }
local noise = math.random() + randn { 1 }:item()
train { model = second, data = set, validate = set:take(100), loss = "mse", epochs = p.epochs, log = false }
local G, D = net "G", net "D"
local og, od = sgd { rate = 1e-3, momentum = 0.9 }, adam { rate = 1e-3 }
og:attach(G)
od:attach(D)
local rows = loop { data = set, epochs = p.epochs, batch = 100, state = { G, D, og, od }, log = false,
  each = function(b)
  local loss = (G:forward(b.x, { training = true, step = b.step }) - b.y):square():mean()
  og:step(loss)
  local other = (D:forward(b.x, { training = true, step = b.step }) - b.y * math.random() + randn { #b, 1 } * 0.01)
  local second_loss = other:square():mean()
  od:step(second_loss)
  return { g = loss, d = second_loss }
end }
report { metric = "noise", value = noise }
report { metric = "last", value = h[#h].train_loss + rows[#rows].g + 2 * rows[#rows].d }
report { metric = "weights", value = (G:parameters()[1].tensor:sum() + D:parameters()[1].tensor:sum()):item() }
]]

local function digest_of(text) return (text or ""):match "digest: (%x+)" end

describe("a run that is killed", function()
  it("ends with the same digest when it is gone on with, wherever it was cut", function()
    command.write(dir .. "/s.lua", SCRIPT)
    local whole = command.run({ "s.lua", "--digest", "--out", "whole", "--threads", "1" }, { dir = dir })
    assert.equal("", whole.err)
    local program = string.format("cd %s && timeout -s KILL %%s %s run s.lua --digest --threads 1 --resume --out cut "
      .. ">>out 2>>err", command.quote(dir), command.quote(command.path))
    for i = 1, 7 do os.execute(string.format(program, 0.04 * i * i)) end -- cut ever later
    assert.is_truthy(os.execute(string.format(program, 100))) -- to its end
    local out = command.read(dir .. "/out")
    assert.matches("resume: cut, which was killed", out)
    assert.equal(digest_of(whole.out), digest_of(out))
  end)

  it("goes on without --out with the last such run, and begins anew where there is none", function()
    command.write(dir .. "/s.lua", [[
local p = experiment "demo" { params = { fail = true, n = 1 } }
print(p.n)
if p.fail and not io.open("fixed") then error "not yet" end
report { metric = "n", value = p.n }
]])
    local first = command.run({ "run", "s.lua", "--set", "n=2" }, { dir = dir })
    assert.equal(1, first.code)
    local other = command.run({ "run", "s.lua", "--resume", "--set", "n=3" }, { dir = dir })
    assert.matches("there is no unfinished run of this kind; runs/demo%-2 begins", other.out)
    command.write(dir .. "/fixed", "")
    local again = command.run({ "run", "s.lua", "--resume", "--set", "n=2" }, { dir = dir })
    assert.matches("^resume: runs/demo%-1, which was failed\n2\n", again.out)
    assert.equal(0, again.code)
    local done = command.run({ "run", "s.lua", "--resume", "--set", "n=2", "--out", "runs/demo-1" }, { dir = dir })
    assert.equal("runs/demo-1 is done already\n", done.out)
    local otherwise = command.run({ "run", "s.lua", "--resume", "--set", "n=5", "--out", "runs/demo-1" },
      { dir = dir })
    assert.equal(2, otherwise.code)
    assert.matches("'runs/demo%-1' is done, with n = 2; name another folder with %-%-out", otherwise.err)
    local wrong = command.run({ "run", "s.lua", "--resume", "--set", "n=4", "--out", "runs/demo-2" }, { dir = dir })
    assert.equal(2, wrong.code)
    assert.matches("%-%-resume: 'runs/demo%-2' was begun with n = 3; name another folder with %-%-out", wrong.err)
  end)

  it("is told when the script has changed since", function()
    command.write(dir .. "/s.lua", 'experiment "demo" {}\nprint "begun"\nerror "no"\n')
    command.run({ "run", "s.lua" }, { dir = dir })
    command.write(dir .. "/s.lua", 'experiment "demo" {}\n')
    local again = command.run({ "run", "s.lua", "--resume" }, { dir = dir })
    assert.matches("the script has changed since", again.out)
    assert.equal(0, again.code)
    command.write(dir .. "/s.lua", 'experiment "demo" {} -- once more\n')
    local done = command.run({ "run", "s.lua", "--resume", "--out", "runs/demo-1" }, { dir = dir })
    assert.equal("runs/demo-1 is done already, by another version of the script\n", done.out)
  end)

  it("is not begun anew over its checkpoints without a word", function()
    command.write(dir .. "/s.lua", [[
      experiment "demo" {}
      local net = model "m" { input { 2 }, readout "r" { dense { 1 } } }
      local set = data.tensors { ones { 8, 2 }, ones { 8, 1 } }
      train { model = net, data = set, loss = "mse", optimizer = sgd {}, epochs = 1, log = false }
      if not io.open "fixed" then error "not yet" end
    ]])
    command.run({ "run", "s.lua", "--out", "a" }, { dir = dir })
    command.write(dir .. "/fixed", "")
    local again = command.run({ "run", "s.lua", "--out", "a" }, { dir = dir })
    assert.equal(0, again.code)
    assert.equal("lamina: warning: --out: 'a' holds a run that failed; it begins anew (--resume goes on with one)\n",
      again.err)
  end)

  it("is not begun twice at once", function()
    command.write(dir .. "/s.lua", 'experiment "demo" {}\nos.execute("touch begun; sleep 5")\n')
    os.execute(string.format("cd %s && (%s run s.lua --out a >/dev/null 2>&1 & echo $! >pid)", command.quote(dir),
      command.quote(command.path)))
    local last = base.clock() + 20
    while not base.exists(dir .. "/begun") and base.clock() < last do os.execute "sleep 0.02" end
    local second = command.run({ "run", "s.lua", "--out", "a", "--resume" }, { dir = dir })
    os.execute("kill -9 " .. command.read(dir .. "/pid"))
    assert.equal(2, second.code)
    assert.matches("a run is going on in 'a'", second.err)
  end)
end)

describe("declared parameters", function()
  local function run(declared, ...)
    command.write(dir .. "/s.lua", 'local p = experiment "demo" { params = ' .. declared .. " }\n"
      .. "for name, value in pairs(p) do print(name, value) end\n")
    return command.run({ "s.lua", ... }, { dir = dir })
  end

  it("have ranges, choices and units", function()
    local spec = '{ rate = { 1e-2, above = 0, max = 1 }, window = { 70, min = 1, unit = "ms", doc = "of counting" }, '
      .. 'loss = { choices = { "mse", "poisson" } } }'
    assert.matches("loss\tmse\nrate\t0.01\nwindow\t70\n", run(spec).out)
    assert.matches("window\t100\n", run(spec, "--window", "100ms").out)
    assert.matches("window\t30\n", run(spec, "--set", "window=30").out)
    assert.matches("loss\tpoisson", run(spec, "--loss=poisson").out)
    local wrong = run(spec, "--rate", "0")
    assert.equal(2, wrong.code)
    assert.matches("%-%-rate must be a number above 0, at most 1, got '0'", wrong.err)
    assert.matches("%-%-loss must be one of mse, poisson, got 'mes' %(did you mean 'mse'%?%)",
      run(spec, "--set", "loss=mes").err)
    local help = run(spec, "--help").out
    assert.matches("%-%-window 70 +of counting: a whole number of at least 1, in ms", help)
  end)

  it("are refused where the declaration is wrong", function()
    local function message(declared) return run(declared).err end
    assert.matches("param 'rate' has an unknown field 'mim' %(did you mean 'min'%?%)",
      message "{ rate = { 1, mim = 0 } }")
    assert.matches("the default of param 'rate' is 0, expected a whole number above 0",
      message "{ rate = { 0, above = 0 } }")
    assert.matches("param 'rate' needs a default", message "{ rate = { above = 0 } }")
    assert.matches("min of param 'rate' is a string, expected a number", message "{ rate = { 1, min = 'x' } }")
    assert.matches("param 'set' has the name of an option of the command", message "{ set = 1 }")
  end)
end)
