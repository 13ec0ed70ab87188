-- lamina sweep and lamina runs: which runs there are, that each is run once, what they gave.
local base = require "lamina.core.base"
local command = require "support.command"
local elements = require "lamina.runs.elements"

local dir

local SCRIPT = [[
local p = experiment "e" { params = { rate = { 1e-2, above = 0 }, width = 4, fail = false } }
if p.fail and not io.open("fixed") then error "not yet" end
report { metric = "loss", value = p.rate * p.width + math.random() * 1e-3 }
]]

before_each(function()
  dir = command.folder()
  command.write(dir .. "/e.lua", SCRIPT)
end)
after_each(function() command.drop(dir) end)

local function run(...) return command.run({ ... }, { dir = dir }) end

local function texts(list)
  local lines = {}
  for i, e in ipairs(list) do lines[i] = table.concat(e.sets, " ") .. " " .. e.seed end
  return lines
end

describe("the elements of a sweep", function()
  it("are all combinations with all seeds, the last name fastest", function()
    local list = elements.of { grid = { "a=1,2", "b=x,y" }, repeat_seeds = 2, seed = 5 }
    assert.same({ "a=1 b=x 5", "a=1 b=x 6", "a=1 b=y 5", "a=1 b=y 6", "a=2 b=x 5", "a=2 b=x 6", "a=2 b=y 5",
      "a=2 b=y 6" }, texts(list))
    assert.same({ "s=1,2 1", "s=3 1" }, texts(elements.of { grid = { "s=1,2;3" }, repeat_seeds = 1, seed = 1 }))
  end)

  it("draw within ranges, on a logarithmic scale, whole numbers and words, the same at every call", function()
    local o = { random = { "r=1e-4..1e-1:log", "n=2..5", "u=-1.5..1.5", "w=p,q" }, samples = 400, repeat_seeds = 1,
      seed = 1 }
    local list, below, counts = elements.of(o), 0, {}
    for _, e in ipairs(list) do
      local r, n, u = tonumber(e.sets[1]:sub(3)), e.sets[2]:sub(3), tonumber(e.sets[3]:sub(3))
      assert.is_true(r >= 1e-4 and r <= 1e-1 and u >= -1.5 and u <= 1.5)
      if r < 10 ^ -2.5 then below = below + 1 end
      counts[n] = (counts[n] or 0) + 1
      counts[e.sets[4]] = (counts[e.sets[4]] or 0) + 1
    end
    assert.is_true(math.abs(below - 200) < 60) -- three standard deviations of a fair coin, doubled
    for n = 2, 5 do assert.is_true(math.abs(counts[tostring(n)] - 100) < 52) end
    assert.is_true(math.abs(counts["w=p"] - 200) < 60)
    assert.same(texts(list), texts(elements.of(o)))
    for _, e in ipairs(elements.of { random = { "n=2..1024:log" }, samples = 300, repeat_seeds = 1, seed = 1 }) do
      local n = e.sets[1]:sub(3)
      assert.equal("integer", math.type(tonumber(n)))
      assert.is_true(tonumber(n) >= 2 and tonumber(n) <= 1024)
      counts[tonumber(n) <= 45] = (counts[tonumber(n) <= 45] or 0) + 1 -- half of the scale from 1.5 to 1024.5
    end
    assert.is_true(math.abs(counts[true] - 156) < 52)
    o.seed = 2
    assert.are_not.same(texts(list), texts(elements.of(o)))
  end)
end)

describe("lamina sweep", function()
  it("runs each once, in parallel, and again only what is not done", function()
    local function again(...)
      return run("sweep", "e.lua", "--grid", "rate=1e-2,1e-3", "--repeat-seeds", "3", "--out", "s", "--set",
        "fail=true", ...)
    end
    local first = again("--jobs", "2")
    assert.equal(1, first.code)
    assert.matches("failed %(exit code 1%): lamina: e.lua:2: not yet", first.out)
    local _, tried = first.out:gsub("failed", "")
    assert.equal(6, tried)
    assert.matches("0 of 6 runs are done", first.out)
    command.write(dir .. "/fixed", "")
    local second = again("--jobs", "2")
    assert.equal(0, second.code)
    local _, n = second.out:gsub("  done  ", "")
    assert.equal(6, n)
    assert.equal("6 of 6 runs are done: s/summary.csv\n", again().out)
    local rows = require("lamina.data").csv(dir .. "/s/summary.csv")
    assert.equal(6, #rows.run)
    local other = run("sweep", "e.lua", "--grid", "rate=1e-2", "--out", "s")
    assert.equal(2, other.code)
    assert.matches("'s' holds another sweep %(its plan.txt differs%); name another folder with %-%-out", other.err)
  end)

  it("gives a run the bits that it has by itself", function()
    run("sweep", "e.lua", "--grid", "rate=1e-2,1e-3", "--seed", "7", "--out", "s")
    run("e.lua", "--seed", "7", "--rate", "1e-3", "--out", "alone")
    local runs = require("lamina.runs.table").read { dir .. "/s/0002", dir .. "/alone" }
    assert.equal(runs[1].metrics.loss, runs[2].metrics.loss)
  end)

  it("takes an element of an array", function()
    local got = command.run({ "sweep", "e.lua", "--grid", "width=1,2,3", "--array", "--out", "s" },
      { dir = dir, env = "SLURM_ARRAY_TASK_ID=2" })
    assert.equal(0, got.code)
    assert.is_true(base.exists(dir .. "/s/0002/results.json"))
    assert.is_false(base.exists(dir .. "/s/0001/results.json"))
    assert.equal(0, run("sweep", "e.lua", "--grid", "width=1,2,3", "--array", "--element", "3", "--out", "s").code)
    local wrong = run("sweep", "e.lua", "--grid", "width=1,2,3", "--array", "--element", "4", "--out", "s")
    assert.matches("sweep: element 4: there are 3, counted from 1", wrong.err)
    local none = run("sweep", "e.lua", "--grid", "width=1,2,3", "--array", "--out", "s")
    assert.matches("SLURM_ARRAY_TASK_ID %(sbatch %-%-array=1%-3%) or %-%-element N says which", none.err)
  end)

  it("writes the summary after the last element of an array, in whatever order they end, two at once", function()
    local function element(n)
      return run("sweep", "e.lua", "--grid", "width=1,2,3,4", "--array", "--element", n, "--out", "s")
    end
    for _, n in ipairs { "4", "1" } do
      local said = "not all of the 4 runs are done; what they gave, at any time: lamina runs 's' --csv "
      assert.truthy(element(n).out:find(said .. "'s/summary.csv'\n", 1, true))
      assert.is_false(base.exists(dir .. "/s/summary.csv"))
    end
    assert.equal(0, run("runs", "s", "--csv", "s/so-far.csv").code) -- as it says
    assert.equal(2, #require("lamina.data").csv(dir .. "/s/so-far.csv").run)
    local lane = "%s sweep e.lua --grid width=1,2,3,4 --array --element %d --out s >out%d 2>&1"
    local path = command.quote(command.path)
    os.execute(string.format("cd %s && { " .. lane .. " & " .. lane .. "; wait; }", command.quote(dir), path, 2, 2,
      path, 3, 3))
    local both = command.read(dir .. "/out2") .. command.read(dir .. "/out3")
    assert.matches("4 of 4 runs are done: s/summary%.csv", both)
    local array = command.read(dir .. "/s/summary.csv")
    assert.equal(4, #require("lamina.data").csv(dir .. "/s/summary.csv").run)
    assert.equal(0, run("runs", "s", "--csv", "s/by-hand.csv").code)
    assert.equal(command.read(dir .. "/s/by-hand.csv"), array)
    assert.equal("4 of 4 runs are done: s/summary.csv\n", element("2").out) -- again: nothing is run
    run("sweep", "e.lua", "--grid", "width=1,2,3,4", "--out", "s")
    assert.equal(array, command.read(dir .. "/s/summary.csv"))
  end)

  it("says what is wrong with a plan", function()
    local function message(...) return run("sweep", "e.lua", ...).err end
    assert.matches("nothing varies", message())
    assert.matches("%-%-grid must be NAME=VALUE,VALUE,..., got 'rate'", message("--grid", "rate"))
    assert.matches("%-%-random needs %-%-samples N", message("--random", "rate=1..2"))
    assert.matches("needs numbers above 0", message("--random", "rate=0..2:log", "--samples", "2"))
    assert.matches("'rate' is given twice", message("--grid", "rate=1", "--random", "rate=1..2", "--samples", "1"))
    assert.matches("there is no script 'x.lua'", run("sweep", "x.lua", "--grid", "a=1").err)
  end)
end)

describe("a sweep's values", function()
  it("are checked by the script before anything runs", function()
    local bad = run("sweep", "e.lua", "--grid", "rate=1e-2,-1", "--out", "s")
    assert.equal("lamina: sweep: --rate must be a number above 0, got '-1'; nothing was run\n", bad.err)
    assert.equal(2, bad.code)
    local unknown = run("sweep", "e.lua", "--grid", "widht=1,2", "--out", "s")
    assert.matches("unknown option '%-%-widht' %(did you mean '%-%-width'%?%); nothing was run", unknown.err)
    for _, words in ipairs { { "--raet", "3" }, { "--width=3", "--gird=rate=1" }, { "--", "--width=x" } } do
      local passed = run("sweep", "e.lua", "--grid", "rate=1", "--out", "s", table.unpack(words))
      assert.equal(2, passed.code)
      assert.matches("nothing was run", passed.err)
    end
    assert.matches("'%-%-gird' is no option of sweep %(did you mean '%-%-grid'%?%)",
      run("sweep", "e.lua", "--gird", "rate=1").err)
    assert.matches("did you mean '%-%-grid'", run("sweep", "--gird", "rate=1").err)
    local seed = run("sweep", "e.lua", "--grid", "seed=1,2", "--out", "s")
    assert.matches("'seed' is no parameter of the script but an option of the command, %-%-seed", seed.err)
    command.write(dir .. "/w.lua", 'experiment "w" { params = { window = { 70, unit = "ms" } } }')
    local whole = run("w.lua", "--window", "70.5ms")
    assert.matches("a whole number, in ms, got '70.5'; its default 70 is whole: written 70.0 in", whole.err)
    command.write(dir .. "/w.lua", 'local p = experiment "w" { params = { window = { 70.0, unit = "ms" } } }\n'
      .. "print(p.window)")
    assert.matches("^70.5\n", run("w.lua", "--window", "70.5ms").out)
    assert.is_false(base.exists(dir .. "/s"))
  end)
end)

describe("lamina runs", function()
  before_each(function() run("sweep", "e.lua", "--grid", "rate=1e-2,1e-3", "--grid", "width=8,4", "--out", "s") end)

  it("lists what differs, sorted and chosen", function()
    local list = run("runs", "s", "--sort", "loss", "--where", "width=4").out
    assert.matches("^run +status +rate +seed +loss +seconds\ns/0004 +done +0.001 +1 +0.00%d+ ", list)
    assert.matches("\ns/0002 +done +0.01 +1 +0.04%d+ [^\n]*\n$", list)
    assert.matches("^run +status +fail +rate +width +seed ", run("runs", "s", "--all").out)
    local down = run("runs", "s", "--sort", "loss", "--descending").out
    assert.matches("\ns/0001 [^\n]*\ns/0002 [^\n]*\ns/0003 ", down)
  end)

  it("shows the units of parameters", function()
    command.write(dir .. "/u.lua", 'local p = experiment "u" { params = { window = { 70.0, unit = "ms" }, n = 2 } }\n'
      .. 'report { metric = "m", value = p.window }')
    run("u.lua", "--out", "u/1")
    run("u.lua", "--out", "u/2", "--window", "80ms")
    assert.matches("^run +status +window %(ms%) +seed +m +seconds\nu/1 +done +70 +1 ", run("runs", "u").out)
    assert.matches("\nwindow %(ms%) +70 +80 +differs\n", run("runs", "u", "--compare").out)
    assert.matches("\nu/2 [^\n]*\nu/1 ", run("runs", "u", "--sort", "window", "--descending").out)
    command.write(dir .. "/u.lua", (command.read(dir .. "/u.lua"):gsub('"ms"', '"s"')))
    run("u.lua", "--out", "u/3")
    assert.matches("^run +status +window +seed +m +seconds\nu/1 +done +70 ms +1 ", run("runs", "u").out)
    assert.matches("\nu/3 +done +70 s +1 ", run("runs", "u").out)
  end)

  it("shows one or all of what was reported several times", function()
    command.write(dir .. "/several.lua", [[
local p = experiment "several" { params = { shift = 0.0 } }
for step, value in ipairs { 8, 2, 5 } do report { metric = "loss", value = value + (step == 2 and p.shift or 0) } end
report { metric = "test", value = 7 }]])
    run("several.lua", "--out", "m/1")
    run("several.lua", "--out", "m/2", "--shift", "3")
    local function column(way) return run("runs", "m/2", "--several", way).out:match "\nm/2 +done +1 +(%S+) +7 " end
    assert.same({ "5", "8", "6", "5", "8" }, { column "last", column "first", column "mean", column "min",
      column "max" })
    local plainly = run("runs", "m")
    assert.matches("\nm/1 +done +0 +1 +5 +7 ", plainly.out)
    assert.equal("lamina: runs: 'loss' was reported 3 times in m/1: the last value is shown (--several mean, min, "
      .. "max or all)\n", plainly.err)
    local all = run("runs", "m", "--several", "all", "--sort", "loss")
    assert.equal("", all.err)
    assert.matches("^run +status +shift +seed +nth +loss +test +seconds\nm/1 +done +0 +1 +2 +2  ", all.out)
    assert.matches("\nm/1 +done +0 +1 +1 +8 +7 [^\n]+\nm/2 +done +3 +1 +1 +8 +7 [^\n]+\n$", all.out)
    assert.equal("m.csv\n", run("runs", "m", "--several", "all", "--where", "shift=3", "--csv", "m.csv").out)
    assert.same({ 8, 5, 5 }, require("lamina.data").csv(dir .. "/m.csv").loss)
    local drawn = run("runs", "m", "--several", "all", "--plot", "loss", "--over", "nth", "-o", "m.svg")
    assert.equal("m.svg\n", drawn.out)
    local curve = require("lamina.data").csv(dir .. "/m.csv")
    assert.same({ 1, 2, 3 }, curve.x)
    assert.same({ 8, 3.5, 5 }, curve.y)
    local table_of = require "lamina.runs.table"
    local lines = table_of.take(table_of.read { dir .. "/m" }, "all")
    assert.same({ 6, 2, 2 }, { #lines, table_of.count(lines), table_of.count { lines[2], lines[3], lines[6] } })
    assert.matches("\nloss +5 +5 +differs\ntest +7 +7\n", run("runs", "m", "--compare").out)
    assert.matches("\nloss +8 +8\nloss #2 +2 +5 +differs\nloss #3 +5 +5\n",
      run("runs", "m", "--compare", "--several", "all").out)
    assert.matches("%-%-several must be one of last, first, mean, min, max, all, got 'men' %(did you mean 'mean'%?%)",
      run("runs", "m", "--several", "men").err)
  end)

  it("compares side by side", function()
    local text = run("runs", "s/0001", "s/0002", "--compare").out
    assert.matches("width +8 +4 +differs\n", text)
    assert.matches("rate +0.01 +0.01\n", text)
  end)

  it("writes the table and draws a curve with the means", function()
    assert.equal("t.csv\n", run("runs", "s", "--csv", "t.csv").out)
    local rows = require("lamina.data").csv(dir .. "/t.csv")
    assert.equal(4, #rows.loss)
    assert.equal("p.svg\n", run("runs", "s", "--plot", "loss", "--over", "width", "--file", "p.svg").out)
    assert.equal("q.svg\n", run("runs", "s", "--plot", "loss", "--over", "width", "--xlog", "-o", "q.svg").out)
    local curve = require("lamina.data").csv(dir .. "/p.csv")
    local sum = 0
    for i = 1, 4 do
      if rows.width[i] == 4 then sum = sum + rows.loss[i] end
    end
    assert.is_true(math.abs(curve.y[1] - sum / 2) < 1e-6)
  end)

  it("names a file that holds no run's results, and goes on with the rest", function()
    local path = dir .. "/s/0002/results.json"
    for text, problem in pairs {
      ['{"status":"done","seconds":"x"}'] = "'seconds' of the file is a string, expected a number",
      ['{"status":7}'] = "'status' of the file is a number, expected a string",
      ['{"status":"done","results":[{"metric":{}}]}'] = "'metric' of result 1 is a table, expected a string",
      ['{"status":"done","params":"x"}'] = "'params' of the file is a string, expected a table",
      ['[1'] = "",
    } do
      command.write(path, text)
      local got = run("runs", "s", "--sort", "seconds")
      assert.equal(0, got.code)
      assert.truthy(got.err:find("lamina: runs: s/0002/results.json", 1, true), got.err)
      assert.truthy(got.err:find(problem, 1, true), got.err)
      assert.matches("s/0002 +unreadable", got.out)
      assert.matches("s/0003 +done", got.out)
      assert.equal(0, run("runs", "s", "--compare").code)
    end
  end)

  it("shows runs that were killed, and says what is not there", function()
    os.execute("rm " .. dir .. "/s/0001/results.json")
    assert.matches("s/0001 +killed", run("runs", "s").out)
    assert.equal(1, run("runs", "s", "--where", "width=5").code)
    assert.matches("no run has 'los' %(did you mean 'loss'%?%)", run("runs", "s", "--sort", "los").err)
    assert.matches("there is no folder 'nowhere'", run("runs", "nowhere").err)
  end)
end)
