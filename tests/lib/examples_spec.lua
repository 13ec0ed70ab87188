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

-- Public names that have no example yet: none may join them.
local WITHOUT = [[
  a:at a:average a:complete a:equal a:fold a:group a:mean a:paired a:presentations a:repeats a:save a:select
  a:sort a:split c:fit commitment:csv commitment:find commitment:results commitment:table compare_rdms
  comparison:find comparison:results
  criteria decode
  elastic_net fit:at g:cka g:pca g:rdm grouped lasso logistic m:fit m:predict m:scores mapping:inner_folds
  max_correlation mds nearest_centroid neural neural.assembly neural.commitment neural.compare
  neural.correspondence neural.criteria neural.elastic_net neural.explainable_variance neural.gabor_energy
  neural.gram neural.grouped neural.join neural.lasso neural.leave_one_out neural.nnls neural.noisy neural.ols
  neural.one_to_one neural.oracle neural.pca neural.pls neural.predictivity neural.pseudopopulation
  neural.random_projection neural.ridge neural.scores neural.separability neural.shuffled neural.simulate
  neural.space_feature neural.split_half neural.untangling nnls ols one_to_one pca
  pls predictivity procrustes pwcca r:aligned r:at r:averaged r:matrices r:matrix r:mean
  r:named r:of r:ranked r:save r:with_ids random_projection rdm.from rdm.interpolated rdm.join rdm.load
  rdm.selected rdm.weighted rdm_ceiling ridge ridge:held_out rsa score:csv score:find score:only score:plot
  score:results score:table separability shuffled space_feature
  split_half splits:folds splits:inner
  svcca svm
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

  it("are there for every public name but a few", function()
    local without = {}
    for name in WITHOUT:gmatch "%S+" do without[name] = true end
    for _, name in ipairs(help.public()) do
      assert.is_true(without[name] or #page.examples(help.text(name)) > 0, name .. " has no example")
    end
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
