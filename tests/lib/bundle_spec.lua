-- Bundles: made, checked by other tools, verified, damaged, forged, hostile.
local bag = require "lamina.bundle.bag"
local bags = require "support.bag"
local base = require "lamina.core.base"
local command = require "support.command"
local compare = require "lamina.bundle.compare"
local core = require "lamina.core.bundle"
local core_io = require "lamina.core.io"
local lamina = require "lamina"
local process = require "lamina.core.process"
local trace = require "lamina.trace"
local zip = require "support.zip"

local SCRIPT = [[
local helper = require "parts.helper"
local p = experiment "small" { seed = 3, params = { rate = 0.1, steps = { 1, 2 }, deep = false, note = "a b" } }
local file = assert(io.open "in.txt")
local scale = tonumber(file:read "a")
file:close()
local x = randn { 32, 4 } * scale
local net = model "m" { input { 4 }, area "A" { dense { 3 }, relu }, readout "r" { dense { 2 } } }
local o, step, TWIST = sgd { rate = p.rate }, 0, false
o:attach(net)
loop { data = data.tensors { x }, batch = 4, epochs = 1, log = false, state = { net = net, o = o }, each = function(b)
  step = step + 1
  if TWIST and step == 3 then no_grad(function() net:parameters "A.dense1.weight"[1].tensor:mul_(1.5) end) end
  local loss = net(b.x):square():mean()
  o:step(loss)
  return loss
end }
report { metric = "size", value = net(x):abs():mean() }
report { metric = "three", value = helper.three }
data.save_npy("x.npy", x)
require("lamina.experiment").record_weights(net)
]]

local dir

local function write(name, text)
  local parent = name:match "^(.*)/"
  if parent then base.mkdir(dir .. "/" .. parent) end
  command.write(dir .. "/" .. name, text)
end

local function run(line, o)
  o = o or {}
  o.dir = o.dir or dir
  return command.run(line, o)
end

local function there(program) return os.execute("command -v " .. program .. " >/dev/null") end

local change, rebag = bags.change, bags.rebag

local function unpacked() return bags.unpack(dir .. "/small.lamina.zip", dir, "small") end

describe("a bundle", function()
  local made

  setup(function()
    dir = command.folder()
    write("exp/main.lua", SCRIPT)
    write("exp/parts/helper.lua", "return { three = 3 }")
    write("in.txt", "2")
    run("keygen lab")
    run("keygen other")
    made = run("pack exp/main.lua -o small.lamina.zip --sign lab.key --rate 0.2 --steps 4,5 --deep true --note 'c d'")
  end)

  teardown(function() command.drop(dir) end)

  it("is made of a run", function()
    assert.same({ 0, "" }, { made.code, made.err })
    assert.matches("^size = [%d.e-]+ %(exact%)\nthree = 3 %(exact%)\nsmall.lamina.zip: %d+ files, signed\n$",
      made.out)
    assert.matches("results: results.json\n$", command.read(unpacked() .. "/data/results/log.txt"))
    assert.matches("is there already, and is not overwritten", run("pack exp/main.lua -o small.lamina.zip").err)
  end)

  it("can be checked by unzip and sha256sum alone", function()
    if not there "unzip" or not there "sha256sum" then pending "no unzip" return end
    assert.is_true(os.execute(string.format("cd %s && rm -rf small && unzip -q small.lamina.zip && cd small && "
      .. "sha256sum --strict --quiet -c manifest-sha256.txt && sha256sum --strict --quiet -c tagmanifest-sha256.txt",
      dir)))
    assert.equal("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", command.read(dir .. "/small/bagit.txt"))
    local bytes, n = 0, 0
    for _, name in ipairs(bag.files(dir .. "/small/data")) do
      bytes, n = bytes + process.size(dir .. "/small/data/" .. name), n + 1
    end
    assert.truthy(command.read(dir .. "/small/bag-info.txt"):find(string.format("Payload-Oxum: %d.%d\n", bytes, n), 1,
      true))
  end)

  it("has a signature that OpenSSL checks", function()
    if not there "openssl" then pending "no openssl" return end
    local folder = unpacked()
    assert.is_true(os.execute(string.format("cd %s && openssl pkeyutl -verify -pubin -inkey %s/lab.pub -rawin "
      .. "-in tagmanifest-sha256.txt -sigfile tagmanifest-sha256.txt.sig >/dev/null", folder, dir)))
  end)

  it("describes itself as RO-Crate", function()
    local crate = core_io.json_read(unpacked() .. "/data/ro-crate-metadata.json")
    local by_id = {}
    for _, entity in ipairs(crate["@graph"]) do by_id[entity["@id"]] = entity end
    assert.equal("./", by_id["ro-crate-metadata.json"].about["@id"])
    assert.equal("CreateAction", by_id["#run"]["@type"])
    assert.equal(0.2, by_id["#param-rate"].value)
    assert.equal(base.sha256_file(dir .. "/in.txt"), by_id["work/in.txt"].sha256)
    assert.is_table(by_id["work/exp/parts/helper.lua"])
    for _, key in ipairs { "object", "result", "instrument" } do
      for _, reference in ipairs(by_id["#run"][key]) do assert.is_table(by_id[reference["@id"]], reference["@id"]) end
    end
    for _, part in ipairs(by_id["./"].hasPart) do
      assert.is_true(base.exists(dir .. "/small/data/" .. part["@id"]), part["@id"])
    end
  end)

  it("is verified exact, with other kernels and threads too", function()
    for _, line in ipairs { "verify small.lamina.zip", "verify small.lamina.zip --threads 3 --key lab.pub" } do
      for _, isa in ipairs { "generic", "" } do
        local result = run(line, { env = "LAMINA_ISA=" .. isa })
        if not result.err:find "no such kernels" then
          assert.same({ 0, "" }, { result.code, result.err })
          assert.matches("\nweights m +exact .*\nresult size +exact .*\nresult three +exact +3\nx.npy +exact\n"
            .. "exact: 4 exact\n$", result.out)
          assert.matches("\nsigned by the key %x+\n", result.out)
        end
      end
    end
    assert.same(0, run("verify small.lamina.zip --only-hashes").code)
  end)

  it("is refused where something was changed", function()
    local function refused(folder, message)
      local result = run("verify small")
      assert.equal(2, result.code)
      assert.truthy(result.err:find(message, 1, true), result.err)
      assert.equal("", result.out)
      return folder
    end
    change(unpacked() .. "/data/work/in.txt", "2", "3")
    refused(nil, "small: data/work/in.txt was changed or damaged")
    os.remove(unpacked() .. "/data/work/in.txt")
    refused(nil, "data/work/in.txt is missing, which manifest-sha256.txt lists")
    command.write(unpacked() .. "/data/work/more.lua", "x")
    refused(nil, "data/work/more.lua is in no manifest")
    change(unpacked() .. "/bag-info.txt", "lamina", "Lamina")
    refused(nil, "bag-info.txt was changed or damaged")
    change(unpacked() .. "/manifest-sha256.txt", "  data/", "  ../")
    refused(nil, "leads out of the bag")
    os.remove(unpacked() .. "/bagit.txt")
    refused(nil, "this is no bag: it has no bagit.txt")
    change(unpacked() .. "/data/work/in.txt", "2", "3")
    local signed = command.read(dir .. "/small/tagmanifest-sha256.txt.sig")
    rebag(dir .. "/small")
    command.write(dir .. "/small/tagmanifest-sha256.txt.sig", signed)
    refused(nil, "the signature is wrong")
    os.remove(dir .. "/small/tagmanifest-sha256.txt.sig")
    local result = run("verify small --key lab.pub")
    assert.same({ 2, "not signed" }, { result.code, result.err:match "not signed" })
    assert.matches("signed by another key", run("verify small.lamina.zip --key other.pub").err)
    os.execute(string.format("ln -s /etc/passwd %s/data/work/link", unpacked()))
    refused(nil, "a link, which no bag may hold")
  end)

  it("names the step, layer and tensor where runs part", function()
    local folder = unpacked()
    change(folder .. "/data/work/exp/main.lua", "TWIST = sgd { rate = p.rate }, 0, false",
      "TWIST = sgd { rate = p.rate }, 0, true")
    rebag(folder)
    local result = run("verify small")
    assert.equal(1, result.code)
    assert.matches("\nweights m +different\nresult size +different +[%d.e-]+ there, [%d.e-]+ here\n", result.out)
    assert.matches("\nresult three +exact +3\nx.npy +exact\n", result.out)
    assert.matches("\nthe runs part at step 3: layer net/A.dense1, tensor weight; the number 'loss': ", result.out)
    assert.matches("\ndifferent: 2 exact, 2 different\n$", result.out)
  end)

  it("tells close and missing results", function()
    local folder = unpacked()
    local path = folder .. "/data/results/results.json"
    local results = core_io.json_read(path)
    results.results[1].value = results.results[1].value * (1 + 1e-8)
    results.results[3] = { metric = "gone", value = 1 }
    command.write(path, core_io.json_encode(results))
    rebag(folder)
    local result = run("verify small")
    assert.equal(1, result.code)
    assert.matches("\nresult size +close +.-\nresult three +exact +3\nresult gone +missing +this run did not report "
      .. "it", result.out)
    assert.matches("\nmissing: 3 exact, 1 close %(within 1e%-06%), 1 missing\n$", result.out)
    assert.matches("\nresult size +different", run("verify small --tolerance 1e-12").out)
  end)

  it("runs behind the walls", function()
    local folder = unpacked()
    change(folder .. "/data/work/exp/main.lua", "local helper", "io.open('/etc/passwd') local helper")
    rebag(folder)
    local result = run("verify small")
    assert.equal(1, result.code)
    assert.matches("the run ended with exit code 1:\n.-  | lamina: ./exp/main.lua:1: /etc/passwd: not allowed",
      result.out)
    change(folder .. "/data/work/exp/main.lua", "io.open('/etc/passwd')", "while true do end")
    rebag(folder)
    assert.matches("it ran longer than 0.3 s", run("verify small --wall-time 0.3").out)
  end)

  it("holds nothing that its lists do not name", function()
    for _, name in ipairs { "fetch.txt", "READ_ME_FIRST.sh", "more/tags.txt" } do
      local folder = unpacked()
      base.mkdir(folder .. "/more")
      command.write(folder .. "/" .. name, "https://host/x 1 data/results/trace.tsv\n")
      local result = run("verify small --only-hashes")
      assert.equal(2, result.code)
      assert.truthy(result.err:find(name .. " is not in tagmanifest-sha256.txt: it was added", 1, true), result.err)
    end
  end)

  it("has no parameter that is an option of the command", function()
    for _, option in ipairs { '"read":"/"', '"untrusted":"kernel"', '"out":"/tmp"', '"wall_time":"9"' } do
      local folder = unpacked()
      local path = folder .. "/data/bundle.json"
      command.write(path, (command.read(path):gsub('"params":%s*{', '%0' .. option .. ",", 1)))
      rebag(folder)
      local result = run("verify small")
      assert.same({ 2, "" }, { result.code, result.out })
      local message = string.format("a parameter called '%s', which is an option", option:match '"(.-)"')
      assert.truthy(result.err:find(message, 1, true), result.err)
    end
  end)

  it("cannot call everything close, nor leave out what is asked, nor write to the terminal", function()
    local folder = unpacked()
    change(folder .. "/data/bundle.json", '"tolerance":', '"tolerance":1.0,"had":')
    rebag(folder)
    assert.matches("calls results close that differ by 1; more than 0.01 is for you to say", run("verify small").err)

    folder = unpacked()
    change(folder .. "/data/results/results.json", [["three"]], [["t\u001b[8m\r"]])
    rebag(folder)
    local result = run("verify small")
    assert.equal(1, result.code)
    assert.is_nil(result.out:find "[\27\r]")
    assert.matches("result 't\\x1b%[8m\\x0d'", result.out)
    assert.matches("result three +different  the bundle does not hold it, this run reported it", result.out)
    command.write(folder .. "/data/results/results.json", '{"results":"abc"}')
    rebag(folder)
    assert.matches("holds no proper data/results/results.json", run("verify small").err)
  end)

  it("leaves data sets out, by address or by hash", function()
    write("d.lua", "experiment 'd' {} local E = require 'lamina.experiment' "
      .. "local x = data.npy(E.data_root('toy') .. '/sub/x.npy') report { metric = 'sum', value = x:sum() }")
    base.mkdir(dir .. "/sets/toy/sub")
    data.save_npy(dir .. "/sets/toy/sub/x.npy", ones { 5 })
    assert.equal(0, run("pack d.lua -o held.zip --data sets").code)
    assert.matches("exact: 1 exact", run("verify held.zip").out)
    local fetched = run("pack d.lua -o f.zip --data sets --fetch toy=https://host/a")
    assert.matches("1 to be fetched", fetched.out)
    assert.equal(0, run("pack d.lua -o l.zip --data toy=sets/toy --leave toy").code)
    local lacking = run("verify f.zip")
    assert.equal(2, lacking.code)
    assert.matches("1 files of data are not in the bundle:\n  toy/sub/x.npy, SHA%-256 %x+, from "
      .. "https://host/a/sub/x.npy", lacking.err)
    for _, line in ipairs { "f.zip --data sets", "l.zip --data toy=sets/toy", "l.zip --data sets/toy" } do
      assert.matches("exact: 1 exact", run("verify " .. line).out, line)
    end
    data.save_npy(dir .. "/sets/toy/sub/x.npy", zeros { 5 })
    assert.matches("this is not what the bundle was made with", run("verify l.zip --data sets").err)
    assert.matches("read nothing of a data set of that name", run("pack d.lua -o g.zip --data sets --leave x").err)
  end)

  it("is not made of what another lab cannot run", function()
    write("a.lua", "experiment 'a' {} io.open('" .. dir .. "/in.txt')")
    assert.matches("which another lab will not have under that name", run("pack a.lua").err)
    write("b.lua", "print(1)")
    assert.matches("declares no experiment", run("pack b.lua").err)
    write("c.lua", "experiment 'c' {} error 'no'")
    assert.matches("did not end well %(exit code 1%): nothing was packed", run("pack c.lua").err)
    assert.matches("there is no script 'zz.lua'", run("pack zz.lua").err)
    assert.matches("unknown option '%-%-rat'", run("pack exp/main.lua -o n.zip --rat 1").err)
    assert.is_false(base.exists(dir .. "/n.zip"))
  end)

  it("packs a run that is finished", function()
    assert.equal(0, run("--trace --out done exp/main.lua --rate 0.3").code)
    assert.equal(0, run("pack exp/main.lua --run done -o r.zip").code)
    assert.matches("exact: 4 exact", run("verify r.zip").out)
    assert.matches("exact: 4 exact", run("verify r.zip --run done").out)
    assert.equal(0, run("--trace --out other exp/main.lua --rate 0.4").code)
    local other = run("verify r.zip --run other")
    assert.equal(1, other.code)
    assert.matches("\nthe runs part at step 1: layer net/A.dense1, tensor weight", other.out)
    assert.equal(2, run("verify r.zip --run exp").code)
    assert.equal(0, run("--out seeded --seed 4 exp/main.lua").code)
    assert.matches("this is no run of the bundle's script with seed 3", run("verify r.zip --run seeded").err)
    write("exp/main.lua", SCRIPT .. "\n")
    assert.matches("is not the script of that run", run("pack exp/main.lua --run done -o r2.zip").err)
    write("exp/main.lua", SCRIPT)
  end)
end)

describe("the command's options", function()
  it("are all names that no experiment's parameter may have", function()
    local params, n = require "lamina.experiment.params", 0
    local text = command.run("--help").out:match "\nWithout a script.-\nEngine options may"
    for line in text:gmatch "[^\n]+" do
      for name in (line:match "^  (%-%-.*)" or ""):gsub("   .*", ""):gmatch "%-%-(%l[%l%-]*)" do
        assert.is_true(params.is_reserved(name), name)
        n = n + 1
      end
    end
    assert.is_true(n >= 20, n)
  end)

  it("are arguments of the script behind --", function()
    local folder = command.folder()
    base.mkdir(folder .. "/lab")
    command.write(folder .. "/lab/s.lua", "print(arg[1], arg[2]) io.open '/etc/passwd'")
    local result = command.run("--untrusted --out ../out -- s.lua --read=/ --untrusted=kernel",
      { dir = folder .. "/lab" })
    assert.equal("--read=/\t--untrusted=kernel\n", result.out)
    assert.matches("/etc/passwd: not allowed", result.err)
    command.drop(folder)
  end)
end)

describe("an archive from elsewhere", function()
  local hostile = {
    { "a name with ..", { { name = "b/../../evil", text = "x" } }, "holds '..'" },
    { "an absolute name", { { name = "/tmp/evil", text = "x" } }, "its name is absolute" },
    { "a backslash", { { name = "b\\..\\evil", text = "x" } }, "a backslash" },
    { "a symbolic link", { { name = "b/link", text = "/etc", mode = 41471 } }, "a link or a device" },
    { "a name twice", { { name = "b/a", text = "x" }, { name = "b/a", text = "y" } }, "stands twice" },
    { "a file as a folder", { { name = "b/a", text = "x" }, { name = "b/a-b", text = "x" }, { name = "b/a/c" } },
      "lies in a member that is a file" },
    { "members that overlap", { { name = "b/a", text = "x" }, { name = "b/c", text = "x", at = 1 } }, "overlaps" },
    { "many files", {}, "more than the" },
    { "a name that is no UTF-8", { { name = "b/\xff", text = "x" } }, "not UTF-8" },
    { "an empty part", { { name = "b//a", text = "x" } }, "an empty part" },
    { "a bomb", false, "a zip bomb" },
    { "another method before the bytes", { { name = "b/a", text = "x", header = { method = 88 } } },
      "x.zip:b/a: damaged archive: the header before its bytes says compression method 88, the directory 0" },
    { "another name before the bytes", { { name = "b/a", text = "x", header = { name = "b/c" } } }, "another name" },
    { "a longer name before the bytes", { { name = "b/a", text = "x", header = { name = "b/a.sh" } } },
      "another name" },
    { "a folder's other name", { { name = "b/" }, { name = "b/a/", header = { name = "b/../" } } }, "another name" },
    { "another size before the bytes", { { name = "b/a", text = "x", header = { size = 2 } } },
      "says size 2, the directory 1" },
    { "another stored size before the bytes", { { name = "b/a", text = "x", header = { packed = 0 } } },
      "says stored size 0, the directory 1" },
    { "another wide size before the bytes", { { name = "b/a", text = "x", header = { size = 0xffffffff,
      packed = 0xffffffff, extra = string.pack("<I2I2I8I8", 1, 16, 1 << 40, 1) } } },
      "says size 1099511627776, the directory 1" },
    { "a wide size that is not there", { { name = "b/a", text = "x", header = { size = 0xffffffff } } },
      "a broken 64-bit size before a member's bytes" },
    { "another checksum before the bytes", { { name = "b/a", text = "x", header = { crc = 7 } } },
      "says checksum 7, the directory" },
    { "encrypted by the header alone", { { name = "b/a", text = "x", header = { flags = 1 } } }, "encrypted" },
    { "two folders", { { name = "b/a", text = "x" }, { name = "c/a", text = "x" } }, "expected one folder" },
    { "no archive", nil, "" },
  }
  for i = 1, 11 do hostile[8][2][i] = { name = "b/" .. i } end

  for _, case in ipairs(hostile) do
    local name, members, message = table.unpack(case, 1, 3)
    it("is refused: " .. name, function()
      local folder = command.folder()
      if members then
        command.write(folder .. "/x.zip", zip.archive(members))
      elseif members == false then
        core.zip_write(folder .. "/x.zip", { { name = "b/zeros", text = string.rep("\0", 20000000) } })
      else
        command.write(folder .. "/x.zip", "PK no archive")
      end
      local result = command.run("verify x.zip --unpacked 10M --unpacked-files 10", { dir = folder })
      assert.equal(2, result.code)
      assert.truthy(result.err:find(message, 1, true), result.err)
      assert.same({ "x.zip" }, base.list(folder))
      command.drop(folder)
    end)
  end

  it("may say its sizes behind the bytes, or in 64 bits", function()
    for _, header in ipairs { { flags = 8, size = 0, packed = 0, crc = 0 }, { size = 0xffffffff, packed = 0xffffffff,
      extra = string.pack("<I2I2I8I8", 1, 16, 1, 1) } } do
      local folder = command.folder()
      command.write(folder .. "/x.zip", zip.archive { { name = "b/a", text = "x", header = header } })
      base.mkdir(folder .. "/u")
      core.zip_unpack(folder .. "/x.zip", folder .. "/u", 100, 10)
      assert.equal("x", command.read(folder .. "/u/b/a"))
      command.drop(folder)
    end
  end)

  it("gets out where nobody looks at names", function() -- what is refused above
    if not there "unzip" then pending "no unzip" return end
    local folder = command.folder()
    base.mkdir(folder .. "/in/b")
    command.write(folder .. "/in/x.zip", zip.archive { { name = "b/../../evil", text = "x" } })
    os.execute("cd " .. folder .. "/in && unzip -q -: x.zip >/dev/null 2>&1")
    assert.is_true(base.exists(folder .. "/evil"))
    command.drop(folder)
  end)
end)

describe("comparing", function()
  it("tells exact, close and different numbers", function()
    assert.equal("exact", (compare.numbers(0.1, 0.1, 0)))
    assert.equal("exact", (compare.numbers(0 / 0, 0 / 0, 0)))
    assert.equal("close", (compare.numbers(1, 1 + 1e-7, 1e-6)))
    assert.equal("different", (compare.numbers(1, 1 + 1e-5, 1e-6)))
    assert.equal("different", (compare.numbers(1, 0 / 0, 1e-6)))
    assert.equal("missing", compare.worse("missing", "different"))
  end)

  it("looks into tables, tensors and texts", function()
    local folder = command.folder()
    local function pair(name, a, b, verdict, note)
      for i, text in ipairs { a, b } do
        local path = folder .. "/" .. i .. name
        if type(text) == "string" then command.write(path, text) else text(path) end
      end
      local found, said = compare.files(folder .. "/1" .. name, folder .. "/2" .. name, 1e-6)
      assert.equal(verdict, found, name)
      if note then assert.truthy((said or ""):find(note, 1, true), said) end
    end
    pair("a.csv", "x,seconds\n1,2\n", "x,seconds\n1,3\n", "exact", "equal but for times")
    pair("b.csv", "x,y\n1,2\n", "x,y\n1,2.0000001\n", "close", "line 2, column y")
    pair("c.csv", "x,y\n1,a\n", "x,y\n1,b\n", "different", "'a' there, 'b' here")
    pair("d.csv", "x\n1\n", "x\n1\n2\n", "different", "2 lines there, 3 here")
    pair("e.json", '{"a":[1,2]}', '{"a":[1,2.5]}', "different", "a.2: 2 there, 2.5 here")
    pair("f.txt", "a", "b", "different", "other bytes")
    pair("g.svg", "a", "b", "different", "a drawing")
    local function npz(t) return function(path) core_io.npz_write(path, { a = lamina.ones { 3 }, b = t }) end end
    local x = lamina.tensor { 1, 2, 3 }
    pair("h.npz", npz(x), npz(x * (1 + 4e-7)), "close", "tensor b, element")
    pair("i.npz", npz(x), npz(x + 1), "different", "tensor b, element 1: 1 there, 2 here")
    pair("j.npz", npz(x), npz(lamina.ones { 2 }), "different", "float32 3 there, float32 2 here")
    pair("k.npy", "no array", "none either", "different")
    assert.equal("missing", (compare.files(folder .. "/1f.txt", folder .. "/no", 0)))
    command.drop(folder)
  end)

  it("does not read what has grown without measure", function()
    local folder = command.folder()
    command.write(folder .. "/a.json", "[1]")
    command.write(folder .. "/b.json", "[1" .. string.rep(",1", 1 << 20) .. "]")
    assert.same({ "different", "3 bytes there, 2097155 here" },
      { compare.files(folder .. "/a.json", folder .. "/b.json", 0) })
    command.drop(folder)
  end)

  it("finds where two traces part", function()
    local a = "1.1\tloss=0x1p+0\t*A.w=aa\t*B.w=bb\n1.2\tloss=0x1p-1\t*A.w=cc\t*B.w=dd\n"
    assert.is_nil(trace.compare(a, a))
    assert.equal("step 2: layer B, tensor w", trace.compare(a, (a:gsub("dd", "ee"))).text)
    assert.equal("step 1: layer A, tensor w", trace.compare(a, (a:gsub("aa", "ee"))).text)
    assert.equal("step 2: the number 'loss': 0.5 there, 0.25 here", trace.compare(a, (a:gsub("1p%-1", "1p-2"))).text)
    assert.equal("step 2: the run here ended before it", trace.compare(a, a:match "[^\n]*\n").text)
    assert.equal("step 2: the run there ended before it", trace.compare(a:match "[^\n]*\n", a).text)
    assert.equal("step 2 of training 3: layer A, tensor w", trace.compare("3.2\t*A.w=1\n", "3.2\t*A.w=2\n").text)
  end)
end)
