-- lamina verify --fetch: data that a bundle names by address, from a server on this machine that cuts and lies.
local bags = require "support.bag"
local base = require "lamina.core.base"
local command = require "support.command"
local http = require "support.http"

local described = http.is_built and describe or pending

local dir, port

local function serve(requests) port = http.serve(dir, requests) end

local function run(line)
  return command.run(line, { dir = dir, env = string.format("LAMINA_DATA=%s/cache LAMINA_FETCH_STALL=1", dir) })
end

local function pack(how, name)
  local made = run(string.format("pack s.lua -o %s.zip --data sets --fetch toy=http://127.0.0.1:%d/%s", name or how,
    port, how))
  assert.equal("", made.err)
end

-- What lies in the cache, as find names it.
local function cached()
  local pipe = io.popen(string.format("cd %s && find cache -type f 2>/dev/null | sort", command.quote(dir)))
  local text = pipe:read "a"
  pipe:close()
  return text
end

described("lamina verify --fetch", function()
  before_each(function()
    dir = command.folder()
    base.mkdir(dir .. "/served")
    base.mkdir(dir .. "/sets/toy")
    data.save_npy(dir .. "/sets/toy/x.npy", arange(1, 500))
    data.save_npy(dir .. "/served/x.npy", arange(1, 500))
    command.write(dir .. "/s.lua", "experiment 's' {} io.open(require 'lamina.experiment'.path 'ran', 'w'):close() "
      .. "report { metric = 'sum', value = data.npy(require 'lamina.experiment'.data_root 'toy' .. '/x.npy'):sum() }")
  end)
  after_each(function() command.drop(dir) end)

  it("is told of where data is lacking; it brings them, checked, once, and the run finds them", function()
    serve(1)
    pack "ok"
    local lacking = run "verify ok.zip"
    assert.same({ 2, "" }, { lacking.code, lacking.out })
    assert.matches("1 files of data are not in the bundle:\n  toy/x.npy, SHA%-256 %x+, from http://127.0.0.1:%d+/ok/"
      .. "x.npy\n  lamina verify %-%-fetch 'ok.zip' brings them %(4.1 kB%) into [^\n]+/cache and checks them, or\n"
      .. "  put them into a folder DIR under these names and say %-%-data DIR\n$", lacking.err)
    assert.equal("", cached())
    local fetched = run "verify --fetch ok.zip"
    assert.same({ 0, "" }, { fetched.code, fetched.err })
    assert.matches("^  x.npy from http://127.0.0.1:%d+/ok/x.npy\ns: .*\nresult sum +exact +125250\nran +exact\n"
      .. "exact: 2 exact\n$", fetched.out)
    assert.matches("^cache/bundles/%x+/toy/x.npy\n$", cached())
    assert.matches("\nexact: 2 exact\n$", run("verify ok.zip").out) -- from now on without asking anybody
    assert.equal("ok x.npy 0\n", command.read(dir .. "/asked"))
  end)

  it("takes a data set that is there, and no other bytes under its name", function()
    serve(0)
    pack "ok"
    base.mkdir(dir .. "/cache/toy")
    os.execute(string.format("cp %s/served/x.npy %s/cache/toy/x.npy", dir, dir))
    assert.matches("\nexact: 2 exact\n$", run("verify ok.zip").out)
    data.save_npy(dir .. "/cache/toy/x.npy", arange(2, 501))
    assert.matches("1 files of data are not in the bundle:", run("verify ok.zip").err)
  end)

  it("goes on where a download was cut off", function()
    serve(4)
    pack "cut"
    local size = #command.read(dir .. "/served/x.npy")
    local half, left = size // 2, size - size // 2
    local cut = run "verify --fetch cut.zip"
    assert.equal(2, cut.code)
    assert.matches("x.npy could not be had\n  http://127.0.0.1:%d+/cut/x.npy: ", cut.err)
    assert.matches("^cache/bundles/%x+/toy/x.npy.part\n$", cached())
    run "verify --fetch cut.zip"
    local third = half + left // 2
    assert.truthy(command.read(dir .. "/asked"):find(string.format("^cut x.npy 0\ncut x.npy %d\ncut x.npy %d\n", half,
      third)), command.read(dir .. "/asked"))
  end)

  it("refuses what differs, is too long or not there, before the script runs", function()
    serve(3)
    for how, message in pairs { lie = "what came is another file: its SHA%-256 is %x+, not %x+",
      long = "more than the %d+ bytes that the file has", gone = "the server answers 404" } do
      pack(how)
      local result = run("verify --fetch " .. how .. ".zip")
      assert.same({ 2, how }, { result.code, how })
      assert.matches(how .. "/x.npy: " .. message, result.err)
      assert.is_nil(result.out:find "exact")
    end
    assert.equal("", cached())
  end)

  it("brings no more than it may, from http and https alone, and no file but a data set's", function()
    serve(0)
    pack "ok"
    local much = run "verify --fetch --fetch-size 1K ok.zip"
    assert.equal(2, much.code)
    assert.matches("toy/x.npy would be 4.1 kB, more than may come %(%-%-fetch%-size%)", much.err)
    assert.equal(0, run("pack s.lua -o f.zip --data sets --fetch toy=file://" .. dir .. "/served").code)
    local file = run "verify --fetch f.zip"
    assert.equal(2, file.code)
    assert.matches("they have no address that can be asked %(http or https%)", file.err)
    assert.is_nil(run("verify f.zip").err:find("--fetch", 1, true))

    local folder = bags.unpack(dir .. "/ok.zip", dir, "ok")
    local sum = base.sha256_file(folder .. "/data/results/ran")
    os.remove(folder .. "/data/results/ran")
    local given = base.sha256_file(dir .. "/sets/toy/x.npy")
    command.write(folder .. "/fetch.txt", command.read(folder .. "/fetch.txt") .. "http://127.0.0.1:1/ran 0 "
      .. "data/results/ran\n")
    bags.rebag(folder, { ["data/results/ran"] = sum, ["data/inputs/toy/x.npy"] = given })
    assert.matches("fetch.txt names data/results/ran, which is no file of a data set",
      run("verify --fetch ok").err)
  end)
end)
