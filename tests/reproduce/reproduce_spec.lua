-- ./run reproduce: rows found, run, collected, and the page rewritten around what people wrote.
local command = require "support.command"
local core_io = require "lamina.core.io"

local dir

local function script(place, text) command.write(dir .. "/scripts/networks/" .. place .. ".lua", text) end

local function reproduce(...)
  local line = { "--", "tests/reproduce/reproduce.lua", command.path, "--scripts", dir .. "/scripts", ... }
  return command.run(line, { dir = "." })
end

local function out(name) return dir .. "/" .. name end

local ONE = [[
-- s01_one.lua: SYSTEMS S01. One | line, of 2.5 points (Hubel 1962). More.
experiment "one" { seed = 1 }
report { id = "S01", metric = "alpha", value = 0.5, comparison = ">=", threshold = 0.25, published = 0.75 }
report { id = "S01", metric = "beta", value = 3, comparison = "+-", threshold = { 3, 1 } }
report { id = "S01", metric = "rate", value = 12.5, label = "close" }
plot.line({ x = { 1, 2 }, y = { 2, 1 } }):save "figure.svg"
]]

before_each(function()
  dir = command.folder()
  os.execute("mkdir -p '" .. dir .. "/scripts/networks'")
  script("s01_one", (ONE:gsub("plot[^\n]*\n", "")))
end)
after_each(function() command.drop(dir) end)

describe("reproduce", function()
  it("runs rows, collects their results and ends with 1 when a gate is missed", function()
    script("several", "experiment 'several' {}\nreport { id = 'S02', metric = 'm', value = 2, threshold = 1 }\n"
      .. "report { id = 'S03', metric = 'm', value = 1, threshold = 1 }\n")
    local r = reproduce("S01", "--out", out "a", "--json", out "a.json")
    assert.equal("", r.err)
    assert.equal(0, r.code)
    assert.matches("s01_one %(S01%): %d+%.%d s\n  S01 alpha = 0.5 %(exact%): passes, asked >= 0.25", r.out)
    assert.matches("1 of 1 scripts ran, 2 of 2 gates pass", r.out, 1, true)
    local results = core_io.json_decode(core_io.text_read(out "a.json")).results
    assert.equal(3, #results)
    assert.equal(0.75, results[1].published)
    assert.is_true(results[1].pass)
    assert.is_nil(command.read(out "scripts/README.md"))

    r = reproduce("3", "--out", out "b")
    assert.is_true(r.code == 2 and r.err:find("'3' is neither a row", 1, true) ~= nil)
    r = reproduce("S03", "--out", out "b")
    assert.equal(1, r.code)
    assert.matches("several (S02, S03)", r.out, 1, true)
    assert.matches("1 of 1 scripts ran, 1 of 2 gates pass", r.out, 1, true)
    r = reproduce("S03", "--out", out "b")
    assert.is_true(r.code == 2 and r.err:find("is not empty", 1, true) ~= nil)
  end)

  it("stops at the first failure, or keeps going", function()
    script("s02_two", "error 'broken'")
    script("s03_three", "print 'no experiment'")
    local r = reproduce("--all", "--out", out "a")
    assert.equal(1, r.code)
    assert.matches("s02_two: ended with status 1.*broken", r.out)
    assert.is_nil(r.out:find("s03_three", 1, true))
    assert.matches("1 of 3 scripts ran", r.out, 1, true)
    r = reproduce("--all", "--keep", "--jobs", "2", "--out", out "b")
    assert.equal(1, r.code)
    assert.matches("s03_three: wrote no results.json", r.out, 1, true)
  end)

  it("writes the page: new lines for what ran, old ones for the rest, and no word of people's", function()
    script("s01_one", ONE)
    command.write(out "scripts/README.md", "# Mine\n\nBefore.\n")
    assert.equal(0, reproduce("--all", "--out", out "a").code)
    local first = command.read(out "scripts/README.md")
    assert.matches("# Mine\n\nBefore.\n", first, 1, true)
    assert.matches("| [S01](networks/s01_one.lua) | alpha | 0.75 | 0.5 | ≥ 0.25 | yes | 1 |\n"
      .. "| [S01](networks/s01_one.lua) | beta |  | 3 | 3 ± 1 | yes |  |\n"
      .. "| [S01](networks/s01_one.lua) | rate |  | 12.5 (close) |  | reported |  |\n", first, 1, true)
    assert.matches("[s01_one](networks/s01_one.lua) | S01: One \\| line, of 2.5 points (Hubel 1962) | alpha 0.5; "
      .. "beta 3; rate 12.5 |", first, 1, true)
    assert.matches("<img src=\"pictures/s01_one.svg\"", first, 1, true)
    assert.is_truthy(command.read(out "scripts/pictures/s01_one.svg"):find("<svg", 1, true))

    command.write(out "scripts/README.md", first .. "\nAfter.\n")
    script("s02_two", "experiment 'two' {}\nreport { id = 'S02', metric = 'm', value = 2, threshold = 1 }")
    assert.equal(1, reproduce("S02", "--write", "--out", out "b").code)
    local second = command.read(out "scripts/README.md")
    assert.matches("| S02 | m", (second:gsub("%[(S%d%d)%]%b()", "%1")), 1, true)
    assert.matches("m 2 (**missed**)", second, 1, true)
    assert.matches("\nAfter.\n", second, 1, true)
    for line in first:gmatch "|[^\n]+" do assert.is_truthy(second:find(line, 1, true), line) end

    os.remove(out "scripts/networks/s01_one.lua")
    local r = reproduce "--list"
    assert.equal(string.format("S02  %-44s 0 of 1 pass, 1 s\n", out "scripts/networks/s02_two.lua"), r.out)
    assert.equal(1, reproduce("--all", "--out", out "c").code)
    assert.is_nil(command.read(out "scripts/README.md"):find("S01", 1, true))
  end)

  it("refuses what it does not know", function()
    for _, case in ipairs {
      { { "S77" }, "no script reproduces S77" }, { {}, "which rows?" }, { { "--jobs" }, "--jobs needs a value" },
      { { "--jobs", "0", "S01" }, "--jobs must be a whole number" }, { { "--al" }, "'--al' is neither" },
      { { "--all", "S01" }, "--all runs every row" },
    } do
      local r = reproduce(table.unpack(case[1]))
      assert.equal(2, r.code)
      assert.matches(case[2], r.err, 1, true)
    end
  end)

  it("says that a row has no quick form", function()
    local r = reproduce("S01", "--quick", "--out", out "a")
    assert.equal(1, r.code)
    assert.matches("s01_one: its quick form, tests/networks/s01_one_spec.lua, fails", r.out, 1, true)
  end)
end)
