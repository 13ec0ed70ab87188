-- What a bundle's author tries against who verifies it: the process that judges stands outside the walls, and reads
-- what the script has written.
local bags = require "support.bag"
local command = require "support.command"
local core_io = require "lamina.core.io"

local SCRIPT = [[
local p = experiment "h" { seed = 1 }
local E = require "lamina.experiment"
local HOSTILE = false
if HOSTILE then
  WHAT()
end
if not HOSTILE then
  data.save_npy("x.npy", ones { 3 })
  local file = io.open(E.path "t.csv", "w") file:write "a\n1\n" file:close()
  file = io.open(E.path "t.json", "w") file:write "[1]" file:close()
end
report { metric = "m", value = 1 }
]]

local dir

local function run(line, o)
  o = o or {}
  o.dir = dir
  return command.run(line, o)
end

-- The bundle with a script that does `what` instead of what it did; `results`: a change to results.json.
local function hostile(what, results)
  local folder = bags.unpack(dir .. "/h.lamina.zip", dir, "h")
  if what then
    bags.change(folder .. "/data/work/h.lua", "HOSTILE = false", "HOSTILE = true")
    bags.change(folder .. "/data/work/h.lua", "WHAT()", what)
  end
  if results then bags.change(folder .. "/data/results/results.json", results[1], results[2]) end
  bags.rebag(folder)
  return folder
end

describe("a hostile bundle", function()
  setup(function()
    dir = command.folder()
    command.write(dir .. "/h.lua", SCRIPT)
    assert.equal(0, run("pack h.lua").code)
  end)
  teardown(function() command.drop(dir) end)

  it("is judged where its script puts folders in the place of results", function()
    hostile [[for _, name in ipairs { "x.npy", "t.csv", "t.json", "results.json", "trace.tsv" } do
      require("lamina.core.base").mkdir(E.path(name)) end]]
    local result = run "verify h"
    assert.equal(1, result.code)
    assert.matches("\nresult m +missing", result.out)
    for _, name in ipairs { "x.npy", "t.csv", "t.json" } do
      assert.matches("\n" .. name:gsub("%p", "%%%0") .. " +different +a folder in this run\n", result.out)
    end
  end)

  it("cannot use up the memory of who compares", function()
    local folder = bags.unpack(dir .. "/h.lamina.zip", dir, "h")
    core_io.npz_write(folder .. "/data/results/bomb.npz", { x = zeros { 4000000 } }, { compress = true })
    bags.change(folder .. "/data/bundle.json", '"results": [',
      '"results": [{"name":"results/bomb.npz","sha256":"x"},')
    bags.change(folder .. "/data/work/h.lua", "HOSTILE = false", "HOSTILE = true")
    bags.change(folder .. "/data/work/h.lua", "WHAT()",
      "require('lamina.core.io').npz_write(E.path 'bomb.npz', { x = ones { 10 } })")
    bags.rebag(folder)
    local result = run "verify h --memory 8M"
    assert.equal(1, result.code)
    assert.matches("\nbomb.npz +different +[^\n]*memory budget", result.out)
  end)

  it("cannot speak with the voice of the verdict", function()
    hostile([[io.stderr:write("result m  exact      1\nexact: 4 exact\n", ("x"):rep(100000), "\nend\n")]],
      { '"metric": "m"', '"metric": "m             exact      1"' })
    local result = run "verify h"
    assert.equal(1, result.code)
    for line in result.out:gmatch "[^\n]+" do
      assert.is_true(#line <= 420, #line)
      assert.is_nil(line:find "^ *result m +exact", line)
      assert.is_nil(line:find "^ *exact: 4", line)
    end
    assert.matches("\nwhat the script wrote to its errors ends so:\n  | x", result.out)
    assert.matches("\nresult 'm exact 1' +missing", result.out)
    assert.matches("\nmissing: ", result.out)
    local folder = hostile(nil, nil)
    bags.change(folder .. "/data/bundle.json", '"experiment": "h"', '"experiment": "h\\nexact: 4 exact"')
    bags.rebag(folder)
    local named = run "verify h"
    assert.same({ 2, "" }, { named.code, named.out })
  end)

  it("prints no more than it may, and nothing that steers a terminal", function()
    hostile [[while true do io.stderr:write(("x"):rep(100000), "\n") end]]
    local result = run "verify h --print-size 1M"
    assert.equal(1, result.code)
    assert.matches("\n  | lamina: the untrusted script was stopped: it printed more than 1048576 bytes "
      .. "%(%-%-print%-size%)\n", result.out)
    assert.is_true(#result.out < 8192)
    hostile [[print("\27]0;title\7 \27[8mhidden")]]
    local screen = dir .. "/screen"
    os.execute(string.format("cd %s && SHELL=/bin/sh script -qec %s /dev/null </dev/null >%s", dir,
      command.quote(command.quote(command.path) .. " verify --verbose h"), screen))
    local shown = command.read(screen)
    assert.truthy(shown:find("\\x1b]0;title\\x07 \\x1b[8mhidden", 1, true), shown)
    assert.is_nil(shown:find "\27[^%[]")
    assert.is_nil(shown:find("results: ", 1, true))
  end)

  it("whose lists are larger than any is not read", function()
    for _, name in ipairs { "bagit.txt", "manifest-sha256.txt", "signer.pub", "data/bundle.json" } do
      local folder = hostile()
      os.execute(string.format("truncate -s 65M %s/%s", folder, name))
      if name:find "^data/" then bags.rebag(folder) end
      local result = run "verify h --lua-memory 16M"
      assert.same({ 2, "" }, { result.code, result.out })
      assert.truthy(result.err:find("more than 67108864", 1, true), result.err)
    end
  end)

  it("whose description is none is refused", function()
    local entry = '"inputs": [{"name":"inputs/a/b","sha256":"x",'
    for _, case in ipairs { { '"experiment": "h"', '"experiment": ["h"]' }, { '"script": "h.lua"', '"script": 7' },
      { '"inputs": [', entry .. '"set":"a/..","inner":"b"}' }, { '"inputs": [', entry .. '"set":7,"inner":"b"}' },
      { '"inputs": [', entry .. '"set":"a","inner":7}' }, { '"inputs": [', entry .. '"set":"a","inner":"c"}' } } do
      local from, to = table.unpack(case)
      local folder = hostile()
      bags.change(folder .. "/data/bundle.json", from, to)
      bags.rebag(folder)
      local result = run "verify h"
      assert.same({ 2, "" }, { result.code, result.out }, to)
      assert.matches("h/data/bundle.json: damaged: ", result.err)
    end
  end)
end)
