-- The subcommands: how one is found, its options, its help, its keys.
local command = require "support.command"
local keys = require "lamina.bundle.keys"
local lamina = require "lamina"
local subcommand = require "lamina.subcommand"

local function parsed(options, args, more)
  local def = { name = "test", usage = "test FILE [MORE...]", options = options, positional = { "file", "more..." } }
  for name, value in pairs(more or {}) do def[name] = value end
  local values, e = lamina.try(subcommand.parse, def, args)
  return values or tostring(e)
end

describe("subcommands", function()
  it("are listed, and each explains itself", function()
    local help = command.run({ "--help" }).out
    for _, module in ipairs(require("lamina.core.command").modules()) do
      local name = module:match "^commands%.(.+)$"
      if name then
        local own = command.run { name, "--help" }
        assert.matches("\n  " .. name .. " +%l", help)
        assert.same({ 0, "" }, { own.code, own.err })
        assert.equal("usage: lamina " .. name, own.out:match "^usage: lamina %l+")
        assert.matches("\nexit codes: 0 ", own.out)
        for line in own.out:gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= 118, line) end
      end
    end
  end)

  it("show their own options, defaults and examples, which are read as they stand; run does, too", function()
    local engine = command.run({ "--help" }).out
    for _, sub in ipairs(require("lamina.manual").subcommands()) do
      local def, text = sub.definition, command.run({ sub.name, "--help" }).out
      assert.is_nil(text:find("lamina [options] COMMAND", 1, true), text)
      assert.truthy(text:find("usage: lamina " .. def.usage .. "\n", 1, true), text)
      for _, option in ipairs(def.options or {}) do
        local row = text:match("\n  " .. (option.short and option.short .. ", " or "") .. option[1]:gsub("%-", "%%-")
          .. "( .-)\n  %-") or text:match("\n  [^\n]*" .. option[1]:gsub("%-", "%%-") .. "( .*)")
        assert.truthy(row, option[1])
        assert.is_true(option.default == nil or not option.value or row:find("%(default: ") ~= nil, row)
      end
      local examples = text:match "\nexamples:\n(.-)\n\n"
      assert.truthy(examples and examples:find("lamina " .. sub.name, 1, true), text)
      for line in examples:gmatch("lamina " .. sub.name .. "([^\n]*)") do
        local words = {}
        for word in line:gsub("%s+#.*", ""):gsub("'$", ""):gmatch "%S+" do words[#words + 1] = word end
        if def.engine then
          for _, word in ipairs(words) do
            assert.is_true(word:sub(1, 2) ~= "--" or engine:find("\n  " .. word .. " ", 1, true) ~= nil, word)
          end
        else
          local values, e = lamina.try(subcommand.parse, def, words)
          assert.truthy(values, line .. ": " .. tostring(e))
        end
      end
    end
  end)

  it("tell the limits of an untrusted run as lamina --help does", function()
    local engine, verify = command.run({ "--help" }).out, command.run({ "verify", "--help" }).out
    for option, default in pairs { ["wall-time"] = "3600", ["file-size"] = "4G", ["output-size"] = "16G",
      processes = "16", ["all-threads"] = "64", ["print-size"] = "64M" } do
      assert.matches("%-%-" .. option:gsub("%-", "%%-") .. " [^\n]*%(default: " .. default, verify)
      assert.matches("%(" .. default .. "[,)]", engine)
    end
  end)

  it("let run explain itself before a script, and the script's experiment behind one", function()
    local own = command.run { "run", "--help" }
    assert.same({ 0, "" }, { own.code, own.err })
    assert.matches("^usage: lamina run SCRIPT ", own.out)
    for _, option in ipairs { "--seed N", "--set NAME=VALUE", "--resume", "--untrusted", "--print-size BYTES" } do
      assert.truthy(own.out:find("\n  " .. option, 1, true), option)
    end
    assert.is_nil(own.out:find("\n  -e CODE", 1, true))
    for _, words in ipairs { { "run", "-h" }, { "run", "--help", "e.lua" }, { "--seed", "3", "run", "--help" },
      { "--untrusted", "run", "--help" } } do
      assert.equal(own.out, command.run(words).out)
    end
    local script = command.run({ "run", "e.lua", "--help" },
      { before = "echo 'experiment \"e\" { params = { rate = 0.5 } }' >e.lua" }).out
    assert.matches("^e %(e%.lua%)\n.*%-%-rate 0%.5 ", script)
    assert.matches("run: which script%?", command.run({ "run" }).err)
  end)

  it("are named where one is mistyped; run is one of them", function()
    assert.matches("\n  run +run a script;[^\n]+\n  runs ", command.run({ "--help" }).out)
    local wrong = command.run { "runn", "exp.lua" }
    assert.same({ 2, "lamina: there is no command and no script 'runn' (did you mean 'run'?)\n" },
      { wrong.code, wrong.err })
    assert.matches("did you mean 'sweep'", command.run({ "swep", "exp.lua" }).err)
    assert.matches("cannot read the script 'qqqqqqqqqqqq': No such file", command.run({ "qqqqqqqqqqqq" }).err)
  end)

  it("are words only where a script could stand", function()
    assert.equal("keygen\n", command.run({ "s.lua", "keygen" }, { before = "echo 'print(...)' >s.lua" }).out)
    assert.equal("own\n", command.run({ "--", "keygen" }, { before = "echo 'print \"own\"' >keygen" }).out)
  end)

  it("read options of every kind", function()
    local options = { { "--cpu-time", value = "SECONDS", type = "number", default = 5 }, { "--force", short = "-f" },
      { "--read", value = "PATH", many = true }, { "--most", value = "SIZE", type = "size" },
      { "--jobs", value = "N", type = "integer", min = 1, max = 8 } }
    local o = parsed(options, { "a", "--read", "x", "-f", "--read=y", "b", "--most", "3K", "c" })
    assert.same({ file = "a", more = { "b", "c" }, read = { "x", "y" }, force = true, most = 3072, cpu_time = 5,
      passed = {} }, o)
    assert.same("-x", parsed(options, { "--", "-x" }).file)
    assert.same({ "--rate", "0.1", "--deep", "--n=3" },
      parsed(options, { "a", "--rate", "0.1", "--deep", "--n=3" }, { passes = true }).passed)
    for args, message in pairs {
      ["--jobs 9 a"] = "test: --jobs must be from 1 to 8, got '9'", ["--jobs x a"] = "--jobs must be a whole number",
      ["--most 3Q a"] = "--most must be a size such as 512M or 2G, got '3Q'", ["--forc a"] = "did you mean '--force'",
      ["--read"] = "--read needs a value, --read PATH", [""] = "FILE is missing", ["--force=1 a"] = "takes no value",
    } do
      local list = {}
      for word in args:gmatch "%S+" do list[#list + 1] = word end
      assert.truthy(parsed(options, list):find(message, 1, true), args)
    end
    assert.equal(512 << 20, subcommand.size "512MiB")
    assert.is_nil(subcommand.size "99999999999999T")
  end)

  it("keygen makes keys and overwrites none", function()
    local dir = command.folder()
    local first = command.run({ "keygen", "lab" }, { dir = dir })
    assert.same({ 0, "" }, { first.code, first.err })
    local text = command.read(dir .. "/lab.key")
    local again = command.run({ "keygen", "lab" }, { dir = dir })
    assert.equal(2, again.code)
    assert.matches("lab.key is there already, and keys are never overwritten", again.err)
    assert.equal(text, command.read(dir .. "/lab.key"))
    assert.equal("600\n", io.popen("stat -c %a " .. dir .. "/lab.key"):read "a")
    local bundle = require "lamina.core.bundle"
    local secret, public = keys.read_secret(dir .. "/lab.key"), keys.read_public(dir .. "/lab.pub")
    local signature = bundle.sign(secret, "text")
    assert.is_true(bundle.sign_check(signature, public, "text"))
    assert.is_false(bundle.sign_check(signature, public, "texT"))
    local _, e = lamina.try(keys.read_public, dir .. "/lab.key")
    assert.matches("no Ed25519 public key in PEM, but the other half of a pair", e.message)
    command.drop(dir)
  end)

  it("warns of a secret key that others can read", function()
    local dir = command.folder()
    command.run({ "keygen", "lab" }, { dir = dir })
    command.write(dir .. "/e.lua", 'experiment "e" {}')
    local quiet = command.run({ "pack", "e.lua", "-o", "a.zip", "--sign", "lab.key" }, { dir = dir })
    assert.same({ 0, "" }, { quiet.code, quiet.err })
    os.execute("chmod 644 " .. dir .. "/lab.key")
    local warned = command.run({ "pack", "e.lua", "-o", "b.zip", "--sign", "lab.key" }, { dir = dir })
    assert.equal(0, warned.code)
    assert.matches("^lamina: warning: lab%.key is a secret key that others may read %(mode 0644%)", warned.err)
    assert.matches("; chmod 600 'lab%.key' keeps it yours\n$", warned.err)
    command.drop(dir)
  end)

  it("base64 is that of RFC 4648, section 10", function()
    local cases = { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
      foobar = "Zm9vYmFy" }
    for text, code in pairs(cases) do
      assert.equal(code, keys.base64(text))
      assert.equal(text, keys.unbase64(code))
    end
    for _, bad in ipairs { "Zg=", "Zh==", "Z===", "Zg==Zg==", "Z*==" } do assert.is_nil(keys.unbase64(bad)) end
  end)
end)
