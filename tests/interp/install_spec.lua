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

  with_stock("takes the options of a script that it runs", function()
    local code = 'local p = lamina.experiment "e" { params = { rate = 1.0 } } print(p.rate, lamina.rand { 1 }:item())'
    lua(code, dir)
    local function run(words)
      os.execute(string.format("cd %s && lua5.4 m.lua %s >out 2>err", command.quote(dir), words))
      return command.read(dir .. "/out"), command.read(dir .. "/err")
    end
    local first = run "--seed 7 --rate 3 --out a"
    assert.matches("^3%.0\t[%d.]+\nresults: a/results%.json\n$", first)
    assert.equal(first:match "[^\n]*", run("--set rate=3 --seed=7"):match "[^\n]*")
    for words, message in pairs { ["--raet 3"] = "unknown option '--raet' (did you mean '--rate'?)",
      ["--rate x"] = "--rate must be a number, got 'x'", ["--seed x"] = "--seed must be a whole number from 0 on",
      ["--seed"] = "--seed needs a value", ["--threads 2"] = "--threads is an option of the command lamina" } do
      local _, err = run(words)
      assert.truthy(err:find(message, 1, true), err)
    end
    assert.matches("^e\n  %-%-seed 1 .*\n  %-%-rate 1%.0 ", (run "--help"))
  end)

  with_stock("raises errors that name the line", function()
    local _, err = lua("lamina.zeros { 2 }:reshape(3)", dir)
    assert.matches("m.lua:3: reshape: 2 with 2 elements cannot become 3", err)
  end)
end)

-- A program that takes every header, makes a tensor and prints its digest.
local PROGRAM = [[
#include <stdio.h>
int main(void) {
  lm_err e = {0};
  lm_tensor *x = NULL;
  char digest[65];
  const int64_t shape[] = {2, 3};
  if (lm_tensor_full(&x, LM_F32, 2, shape, 1.5, &e) != LM_OK || lm_tensor_digest(x, digest, &e) != LM_OK) return 1;
  puts(digest);
  lm_tensor_release(x);
  return 0;
}
]]

describe("what is installed", function()
  local tools = loads and os.execute "command -v cmake cc pkg-config >/dev/null 2>&1" and it or pending
  local dir
  before_each(function() dir = command.folder() end)
  after_each(function() command.drop(dir) end)

  local function output(line)
    local pipe = io.popen(string.format("cd %s && (%s) 2>&1", command.quote(dir), line))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  tools("is whole: the command, the library with its headers, the manual page, completions", function()
    local build = command.path:gsub("/[^/]*$", "")
    output(string.format("cmake --install %s --prefix %s/at", command.quote(build), dir))
    local digest = command.run({ "-e", "print(full({ 2, 3 }, 1.5):digest())" }).out
    assert.equal(digest, output "at/bin/lamina -e 'print(full({ 2, 3 }, 1.5):digest())'")
    for _, path in ipairs { "at/share/man/man1/lamina.1", "at/share/bash-completion/completions/lamina",
      "at/share/zsh/site-functions/_lamina", "at/lib/lua/5.4/lamina.so", "at/share/lamina/lib/model.lua" } do
      assert.is_true(base.exists(dir .. "/" .. path), path)
    end
    local includes = output "cd at/include/lamina && find . -name '*.h' | LC_ALL=C sort | sed 's/.*/#include \"&\"/'"
    assert.matches('"%./tensor/tensor%.h"', includes)
    command.write(dir .. "/t.c", includes .. PROGRAM)
    assert.equal("", output("export PKG_CONFIG_PATH=$PWD/at/lib/pkgconfig; "
      .. "cc -std=c11 -Wall -Werror t.c $(pkg-config --cflags --libs lamina) -o t"))
    assert.equal(digest, output "./t")
  end)
end)

describe("a build of one instruction set, as that of the fuzzers", function()
  local compiler = os.execute "command -v cc >/dev/null 2>&1" and it or pending
  for _, isa in ipairs(base.isas()) do
    compiler("compiles without a warning: " .. isa, function()
      local dir = command.folder()
      finally(function() command.drop(dir) end)
      local every = io.popen "for f in runtime/kernels/isa/*.h; do basename $f .h; done"
      local list = every:read("a"):gsub("(%w+)\n", " X(%1)")
      every:close()
      command.write(dir .. "/isa_list.h",
        string.format("#define LM_EACH_ISA(X)%s\n#define LM_EACH_BUILT_ISA(X) X(%s)\n", list, isa))
      command.write(dir .. "/isa_detect.h", string.format('#include "kernels/isa/%s.h"\n', isa))
      local pipe = io.popen(string.format("cc -std=gnu11 -Wall -Wextra -Werror -I runtime -I %s "
        .. "-c runtime/base/cpu.c -o %s/cpu.o 2>&1", command.quote(dir), dir))
      local said = pipe:read "a"
      pipe:close()
      assert.equal("", said)
    end)
  end
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

  it("has every variable of the environment that is read", function()
    local page = manual.man()
    local systems = { HOME = true, TERM = true, COLUMNS = true, LINES = true, TMPDIR = true, PATH = true,
      OPENBLAS_CORETYPE = true }
    local pipe = io.popen "cat $(find lib interp runtime -name '*.lua' -o -name '*.c')"
    local seen = 0
    for name in pipe:read("a"):gmatch 'getenv[%( ]+"([%u_]+)"' do
      seen = seen + 1
      assert.truthy(systems[name] or page:find(name .. "%f[^%w_]"), name)
    end
    pipe:close()
    assert.is_true(seen > 20)
  end)

  it("has no option of --help without its value and its text", function()
    local seen = {}
    for _, o in ipairs(manual.options()) do
      seen[o.names[1]] = o.value or "none"
      assert.matches("^[%w(]", o.doc, nil, o.names[1])
    end
    for name, value in pairs { ["-e"] = "CODE", ["-i"] = "none", ["--wall-time"] = "S", ["--cpu-time"] = "S",
      ["--output-size"] = "BYTES", ["--output-files"] = "N", ["--processes"] = "N", ["--set"] = "NAME=VALUE" } do
      assert.equal(value, seen[name], name)
    end
  end)
end)

describe("the completions of shells", function()
  local dir
  before_each(function()
    dir = command.folder()
    manual.write(dir)
    for _, name in ipairs { "my exp.lua", "lab.pub", "lab.key", "b.zip", "notes.txt" } do
      command.write(dir .. "/" .. name, "")
    end
    os.execute(string.format("mkdir %s/runs %s/tmp", dir, dir))
  end)
  after_each(function() command.drop(dir) end)

  local with_bash = os.execute "command -v bash >/dev/null" and it or pending
  local with_zsh = os.execute "command -v zsh >/dev/null" and it or pending

  -- What bash offers for a line, a word to a place, the last one half typed.
  local function offered(...)
    local words = { command.path, ... }
    for i, word in ipairs(words) do words[i] = command.quote(word) end
    command.write(dir .. "/ask", string.format("source %s/lamina.bash\nshopt -u extglob\nCOMP_WORDS=(%s)\n"
      .. "COMP_CWORD=%d\n_lamina\n(( ${#COMPREPLY[@]} )) && printf '%%s|' \"${COMPREPLY[@]}\"\ntrue\n", dir,
      table.concat(words, " "), #words - 1))
    assert.is_truthy(os.execute(string.format("cd %s && TMPDIR=%s/tmp bash --norc ask >out 2>&1", dir, dir)))
    return command.read(dir .. "/out")
  end

  with_bash("offers options, those of the engine too", function()
    assert.equal("--grid|", offered("sweep", "--gr"))
    assert.equal("-e|", offered("-e"))
    assert.equal("--cpu-time|", offered("--cpu"))
    assert.equal("--output-size|--output-files|", offered("run", "--output-"))
    assert.equal("--processes|", offered("exp.lua", "--proc"))
    assert.equal("-o|", offered("pack", "-o"))
  end)

  with_bash("offers scripts and commands without any setting of the shell, names with spaces whole", function()
    assert.equal("my exp.lua|", offered("my"))
    assert.equal("my exp.lua|", offered("run", "my\\ e"))
    assert.equal("my exp.lua|", offered("pack", '"my e'))
    assert.equal("runs|run|runs|", offered("run"))
    assert.equal("verify|", offered("veri"))
  end)

  with_bash("offers what an option or a command takes", function()
    assert.equal("lab.pub|", offered("verify", "--key", "l"))
    assert.equal("lab.key|", offered("pack", "my exp.lua", "--sign", "l"))
    assert.equal("b.zip|", offered("verify", "b"))
    assert.equal("runs|", offered("runs", "r"))
    assert.equal("runs|", offered("--out", "=", "r"))
    assert.equal("", offered("runs", "--sort", "n"))
    assert.equal("list|get|verify|", offered("data", ""))
    assert.equal("mnist|", offered("data", "get", "m"))
    assert.equal("conv_transpose|", offered("help", "conv_t"))
    assert.equal("tour|", offered("help", "guide", ":", "to"))
    assert.equal("notes.txt|", offered("exp.lua", "no"))
  end)

  -- A script that declares parameters, prints what a shell may not take, and leaves traces where it gets further.
  local DECLARES = [[
    print "  --$(touch traced) x\n  --`touch traced` x\n--a;touch traced"
    pcall(os.execute, "touch traced")
    pcall(function() io.open("traced", "w"):close() end)
    experiment "e" { about = "tries\n--not_one", params = { rate = 0.01, radius = { 3, min = 1 }, kind = "a" } }
    io.open("traced", "w"):close()
  ]]

  -- Whether a completion leaves everything as it was, temporary folders too.
  local function without_trace(f)
    local function seen()
      local pipe = io.popen(string.format("cd %s && ls -A . runs; ls -A %s/tmp", dir, dir))
      local text = pipe:read "a"
      pipe:close()
      return text
    end
    os.execute(string.format("touch %s/ask %s/out", dir, dir))
    local before = seen()
    f()
    assert.equal(before, seen())
  end

  with_bash("offers the parameters that the script on the line declares, and runs nothing else of it", function()
    command.write(dir .. "/my exp.lua", DECLARES)
    command.write(dir .. "/slow.lua", "while true do end")
    command.write(dir .. "/none.lua", "print 'no experiment'")
    without_trace(function()
      assert.equal("kind=|radius=|rate=|", offered("run", "my\\ exp.lua", "--set", ""))
      assert.equal("radius=|rate=|", offered("my\\ exp.lua", "--set", "ra"))
      assert.equal("rate=|", offered("run", '"my exp.lua"', "--seed", "3", "--set", "=", "rat"))
      assert.equal("radius=|rate=|", offered("sweep", "my\\ exp.lua", "--grid", "kind", "=", "a", "--random", "r"))
      for _, script in ipairs { "none.lua", "slow.lua", "absent.lua" } do
        local start = base.clock()
        assert.equal("", offered("run", script, "--set", ""))
        assert.is_true(base.clock() - start < 20)
      end
      assert.equal("", offered("run", "--set", ""))
    end)
  end)

  with_zsh("offers them in zsh, too", function()
    command.write(dir .. "/my exp.lua", DECLARES)
    command.write(dir .. "/ask", string.format("_arguments() {}\nfunction compadd { print -r -- \"$@\" $names }\n"
      .. "words=(%s run 'my\\ exp.lua' --set ra)\nCURRENT=5\nsource %s/_lamina\nwords=(run 'my\\ exp.lua' --set ra)\n"
      .. "command_line=%s _lamina_params\n", command.path, dir, command.path))
    without_trace(function()
      os.execute(string.format("cd %s && TMPDIR=%s/tmp zsh -f ask >out 2>&1", dir, dir))
      assert.equal("-S = -a names kind radius rate\n", command.read(dir .. "/out"))
    end)
    assert.truthy(command.read(dir .. "/_lamina"):find(":NAME=VALUE:_lamina_params'", 1, true))
    assert.truthy(command.read(dir .. "/_lamina"):find(":NAME=LOW..HIGH:_lamina_params'", 1, true))
  end)

  with_zsh("can be read by zsh", function()
    assert.is_truthy(os.execute("zsh -n " .. dir .. "/_lamina"))
    local text = command.read(dir .. "/_lamina")
    for _, part in ipairs { "'*-e[", "'*--cpu-time[", "'*--processes[", 'NAME.pub:_files -g "*.pub"',
      "'1:what:(list get verify)'", "conv_transpose" } do
      assert.truthy(text:find(part, 1, true), part)
    end
  end)
end)
