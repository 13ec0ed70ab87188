-- Lamina as a module of a stock Lua, and what is made for installing: the manual page, completions.
local base = require "lamina.core.base"
local command = require "support.command"
local manual = require "lamina.manual"

local module = command.path:gsub("[^/]*$", "lua/lamina.so")
-- A module that is built with sanitizers cannot be loaded by a Lua that is not: these are pending then.
local loads = base.exists(module) and os.execute(string.format("lua5.4 -e %s >/dev/null 2>&1",
  command.quote(string.format("assert(package.loadlib(%q, 'luaopen_lamina'))", module))))
local with_stock = loads and it or pending

-- Runs code under the stock lua5.4; returns what it prints, both ways.
local function lua(code, dir)
  command.write(dir .. "/m.lua", string.format("package.cpath = %q\nlocal lamina = require 'lamina'\n%s",
    module:gsub("lamina%.so$", "?.so"), code))
  os.execute(string.format("cd %s && lua5.4 m.lua >out 2>err", command.quote(dir)))
  return command.read(dir .. "/out"), command.read(dir .. "/err")
end

describe("the module for a stock Lua", function()
  local dir
  before_each(function() dir = command.folder() end)
  after_each(function() command.drop(dir) end)

  with_stock("gives every word as a field, and leaves the host's globals alone", function()
    local out, err = lua([[
      local pairs_before, exp = pairs, math.exp
      print(lamina, lamina.tensor { 3, 4 }:norm():item())
      local net = lamina.model "N" { lamina.input { 4 }, lamina.readout "y" { lamina.dense { 2 } } }
      print(net(lamina.ones { 3, 4 }).shape[2], rawequal(pairs, pairs_before), rawequal(math.exp, exp), conv)
    ]], dir)
    assert.equal("", err)
    assert.equal(string.format("lamina %s\t5.0\n2\ttrue\ttrue\tnil\n", base.version), out)
  end)

  with_stock("gives the values that the command gives, labelled close", function()
    local code = [[
      local net = lamina.model "N" { seed = 3, lamina.input { 4 }, lamina.readout "y" { lamina.dense { 2 } } }
      print(net:digest())
    ]]
    local out = lua(code .. "print(lamina.ones { 2 }.close)", dir)
    assert.equal(command.run({ "-e", code }).out .. "true\n", out)
  end)

  with_stock("ends an experiment when the state is closed", function()
    local out, err = lua('lamina.experiment "e" {} lamina.report { metric = "m", value = 3 }', dir)
    assert.equal("", err)
    assert.equal("m = 3 (close)\nresults: runs/e-1/results.json\n", out)
    local core_io = require "lamina.core.io"
    local results = core_io.json_decode(core_io.text_read(dir .. "/runs/e-1/results.json"))
    assert.equal("ended", results.status)
    assert.equal("close", results.results[1].label)
  end)

  with_stock("raises errors that name the line", function()
    local _, err = lua("lamina.zeros { 2 }:reshape(3)", dir)
    assert.matches("m.lua:3: reshape: 2 with 2 elements cannot become 3", err)
  end)
end)

describe("the manual page", function()
  it("has every option of --help and every subcommand with its options", function()
    local page = manual.man()
    local help = command.run({ "--help" }).out
    for name in help:gmatch "\n  (%-%-%w[%w%-]*)" do
      assert.truthy(page:find("\\fB" .. name:gsub("%-", "\\-") .. "\\fR", 1, true), name)
    end
    for _, sub in ipairs(manual.subcommands()) do
      assert.truthy(page:find(".SS lamina " .. sub.name, 1, true), sub.name)
      for _, option in ipairs(sub.definition.options or {}) do
        assert.truthy(page:find("\\fB" .. option[1]:gsub("%-", "\\-") .. "\\fR", 1, true), option[1])
      end
    end
    assert.falsy(page:find("\n'", 1, true))
  end)

  it("comes with completions that their shells can read", function()
    local dir = command.folder()
    manual.write(dir)
    if os.execute "command -v bash >/dev/null" then
      local line = string.format("bash -c 'shopt -s extglob; source %s/lamina.bash; COMP_WORDS=(lamina sweep --gr); "
        .. "COMP_CWORD=2; _lamina; echo ${COMPREPLY[@]}' >%s/out 2>&1", dir, dir)
      assert.is_truthy(os.execute(line))
      assert.equal("--grid\n", command.read(dir .. "/out"))
    end
    if os.execute "command -v zsh >/dev/null" then
      assert.is_truthy(os.execute("zsh -n " .. dir .. "/_lamina"))
    end
    command.drop(dir)
  end)
end)
