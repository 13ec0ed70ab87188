-- What scripts declare: the reading of their text, and every threshold against the list of experiments where it lies
-- beside the repository.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

package.path = "tests/reproduce/?.lua;" .. package.path
local declared = require "declared"
local page = require "page"
local rows = require "rows"

describe("declared", function()
  it("reads what is asked of a metric in every form", function()
    local text = [==[
-- report { metric = "alpha", comparison = "<", threshold = 9 }
local note = [[ "alpha" ]] --[[ result("alpha", 1, "<", 8) ]]
report { id = "S01", metric = "alpha", value = f { 1, 2 }, comparison = ">=", threshold = 0.5, what = "a, \" b" }
report { threshold = { 1.571, 0.01 }, metric = 'beta', value = x }
result("gamma", most(a - b[1]), "<=", 1e-6)
result("delta", { 1, 2 }, "+-", { 0, 1e-5 }, "close")
local asked = { epsilon = { "<", -1 }, ["zeta"] = 4 }
if epsilon == nil then print("eta", 3) end
]==]
    assert.same({ { comparison = ">=", threshold = 0.5 } }, declared.asked(text, "alpha"))
    assert.same({ { comparison = "+-", threshold = { 1.571, 0.01 } } }, declared.asked(text, "beta"))
    assert.same({ { comparison = "<=", threshold = 1e-6 } }, declared.asked(text, "gamma"))
    assert.same({ { comparison = "+-", threshold = { 0, 1e-5 } } }, declared.asked(text, "delta"))
    assert.same({ { comparison = "<", threshold = -1 } }, declared.asked(text, "epsilon"))
    assert.same({ {} }, declared.asked(text, "eta"))
    assert.same({}, declared.asked(text, "theta"))
  end)

  it("reads names that are put together, where their parts are named", function()
    local text = [==[
for depth, wanted in pairs { [18] = 11689512, [34] = 21797672 } do
  result("resnet" .. depth .. "_parameters", count(models.resnet { depth = depth }), "==", wanted)
end
for _, row in ipairs { { "net.conv1", 34 } } do
  report { id = "S26", metric = row[1]:match "%.(.*)" .. "_side", value = 3, comparison = "==", threshold = row[2] }
end
]==]
    local function row(metric, threshold)
      return { id = "S27", metric = metric, comparison = "==", threshold = threshold, gate = true }
    end
    assert.is_true(declared.holds(text, row("resnet18_parameters", 11689512)))
    assert.is_true(declared.holds(text, row("conv1_side", 34)))
    assert.is_false(declared.holds(text, row("resnet50_parameters", 11689512)))
    assert.is_false(declared.holds(text, row("resnet18_parameters", 11689513)))
    assert.is_false(declared.holds(text, row("resnet18_layers", 18)))
  end)

  it("says what is wrong", function()
    local row = { id = "S01", metric = "alpha", comparison = "<=", threshold = 1, gate = true }
    local function why(text, changed)
      return select(2, declared.holds(text, setmetatable(changed or {}, { __index = row })))
    end
    assert.is_true(declared.holds("result('alpha', x, '<=', 1)", row))
    assert.is_true(declared.holds("print('alpha') result('alpha', x, '<=', 1)", row))
    assert.equal("S01 alpha: the script asks <= 2", why "result('alpha', x, '<=', 2)")
    assert.equal("S01 alpha: the script asks < 1", why "result('alpha', x, '<', 1)")
    assert.equal("S01 alpha: the script asks nothing ", why "result('alpha', x)")
    assert.equal("S01 alpha: its name stands nowhere in the script", why "result('alp' .. 'ha', x, '<=', 1)")
    assert.equal("S01 alpha: the script asks <= 1", why("result('alpha', x, '<=', 1)", { gate = false }))
    assert.is_true(declared.holds("result('alpha', x)", { id = "S01", metric = "alpha", gate = false }))
    assert.equal("S01 alpha: the script asks +- 0, 2", why("result('alpha', x, '+-', { 0, 2 })",
      { comparison = "+-", threshold = { 0, 1 } }))
  end)

  it("agrees with the list of experiments for every row that has a script", function()
    if not base.exists "../shared/rows.json" then return pending "there is no ../shared/rows.json" end
    local list = io_core.json_decode(io_core.text_read "../shared/rows.json")
    local by, wrong, compared = {}, {}, 0
    for _, script in ipairs(rows.scripts "scripts") do
      for _, id in ipairs(script.ids) do by[id] = (by[id] or "") .. script.text end
    end
    for _, row in ipairs(list) do
      if by[row.id] then
        local good, why = declared.holds(by[row.id], row)
        compared = compared + 1
        if not good then wrong[#wrong + 1] = why end
      end
    end
    assert.is_true(compared > 30)
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("agrees with what the scripts reported when they were run last", function()
    if not base.exists "../shared/rows.json" then return pending "there is no ../shared/rows.json" end
    local lines = page.lines(io_core.text_read "scripts/README.md", "results")
    local wrong, compared = {}, 0
    for _, row in ipairs(io_core.json_decode(io_core.text_read "../shared/rows.json")) do
      local found
      for _, line in ipairs(lines[row.id] or {}) do
        local cells = {}
        for cell in line:gmatch "|%s*([^|]-)%s*%f[|]" do cells[#cells + 1] = cell end
        if cells[2] == row.metric then found = cells[5] end
      end
      local asked = page.asked { comparison = row.gate and row.comparison or nil, threshold = row.threshold }
      if lines[row.id] then
        compared = compared + 1
        if found ~= asked then
          wrong[#wrong + 1] = string.format("%s %s: asked '%s', not '%s'", row.id, row.metric, tostring(found), asked)
        end
      end
    end
    assert.is_true(compared > 30)
    assert.equal("", table.concat(wrong, "\n"))
  end)
end)
