-- Every public name has an example in its help, and every example runs and shows what it says.
local help = require "lamina.help"
local ops = require "lamina.core.ops"
local page = require "lamina.help.page"

local command = require "support.command"

-- Runs in a folder of its own, where examples may write; prints a line that begins with "wrong: " for each that is.
-- An experiment lasts as long as its process, so its example gets one of its own.
local DRIVER = [[
package.path = %q .. "/tests/?.lua;" .. package.path
local examples = require "support.examples"
local help, page = require "lamina.help", require "lamina.help.page"
local alone, seen, n = %s, {}, 0
for _, name in ipairs(help.public()) do
  for _, lines in ipairs((name == "experiment") == alone and page.examples(help.text(name)) or {}) do
    local code = table.concat(lines, "\n")
    if not seen[code] then
      seen[code], n = true, n + 1
      local clock = os.clock()
      local wrong = examples.run(lines)
      if wrong then print("wrong: " .. name .. ": " .. wrong) end
      if os.clock() - clock > 1 then print("wrong: " .. name .. " takes " .. os.clock() - clock .. " s") end
    end
  end
end
print("ran " .. n)
]]

-- How many ran, and what is wrong.
local function run(alone)
  local dir = command.folder()
  local here = io.popen("pwd"):read "l"
  command.write(dir .. "/driver.lua", string.format(DRIVER, here, alone))
  local result = command.run({ "driver.lua" }, { dir = dir, env = "LAMINA_CACHE=" .. dir .. "/cache" })
  command.drop(dir)
  assert.equal("", result.err)
  local wrong = {}
  for line in result.out:gmatch "wrong: ([^\n]*)" do wrong[#wrong + 1] = line end
  return tonumber(result.out:match "ran (%d+)\n"), wrong
end

describe("the examples of help", function()
  it("run, and show what they say", function()
    local n, wrong = run(false)
    assert.same({}, wrong)
    assert.is_true(n > 300)
    n, wrong = run(true)
    assert.same({}, wrong)
    assert.equal(1, n)
  end)

  it("are there for every op", function()
    for _, name in ipairs(ops.list()) do
      assert.is_string(ops.doc(name).example, name)
      assert.truthy(#page.examples(help.text("tensor:" .. name)) > 0, name)
    end
  end)

  it("are there for every public name", function()
    local without = {}
    for _, name in ipairs(help.public()) do
      if #page.examples(help.text(name)) == 0 then without[#without + 1] = name end
    end
    assert.same({}, without)
  end)

  it("stand behind the options, before the source", function()
    local text = help.text "tensor:quantile"
    assert.matches("\n  dim .*\n> rates = tensor.*%-%-> 3%. %[2%. 4%.%]\nsource: runtime/ops/quantile%.c$", text)
    assert.matches("\nsource: lib/plot/words%.lua:%d+$", help.text "plot.line")
    assert.matches("\nsource: interp/lua_method%.c$", help.text "tensor:to")
    assert.matches("\nsource: lib/layers/pool%.lua$", help.text "pool.max")
    assert.matches("\nsource: lib/model/weights%.lua:%d+$", help.text "net:save")
  end)
end)
