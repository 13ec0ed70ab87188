-- lamina data, from a server on this machine that cuts, stalls, sends on and lies.
local base = require "lamina.core.base"
local command = require "support.command"
local core_io = require "lamina.core.io"
local http = require "support.http"

local described = http.is_built and describe or pending

local dir, port

-- Starts the server for so many requests.
local function serve(requests) port = http.serve(dir, requests) end

local CONTENT = {}
for i = 1, 20000 do CONTENT[i] = string.format("%06d ", i) end
CONTENT = table.concat(CONTENT)

-- A catalogue of one data set whose file is asked for in these ways, in turn.
local function catalogue(...)
  local from = {}
  for i, how in ipairs { ... } do from[i] = string.format("http://127.0.0.1:%d/%s/x.bin", port, how) end
  core_io.text_write(dir .. "/catalogue.json", core_io.json_encode { ours = { about = "a test", licence = "CC0",
    files = { { name = "x.bin", size = #CONTENT, sha256 = base.sha256(CONTENT), from = from } } } })
end

local function data(...)
  return command.run({ "data", ... }, { dir = dir, env = string.format(
    "LAMINA_CATALOGUE=%s/catalogue.json LAMINA_DATA=%s/data LAMINA_FETCH_STALL=1", dir, dir) })
end

local function asked() return command.read(dir .. "/asked") end

local function whole() return command.read(dir .. "/data/ours/x.bin") == CONTENT end

described("lamina data", function()
  before_each(function()
    dir = command.folder()
    base.mkdir(dir .. "/served")
    core_io.text_write(dir .. "/served/x.bin", CONTENT)
  end)
  after_each(function() command.drop(dir) end)

  it("brings a file, once, and says so", function()
    serve(1)
    catalogue "ok"
    local got = data("get", "ours")
    assert.equal("", got.err)
    assert.equal(0, got.code)
    assert.matches("ours: licence: CC0\n  x.bin from http://127.0.0.1:%d+/ok/x.bin\n  in [^\n]+/data/ours\n", got.out)
    assert.is_true(whole())
    assert.matches("here already: x.bin", data("get", "ours").out)
    assert.equal("whole    ours/x.bin\n", data("verify", "ours").out)
    assert.matches("ours  140.0 kB, 1 file, here", data("list").out)
    assert.equal("ok x.bin 0\n", asked())
  end)

  it("goes on where a download was cut off, from the next address", function()
    serve(2)
    catalogue("cut", "ok")
    assert.equal(0, data("get", "ours").code)
    assert.is_true(whole())
    assert.equal(string.format("cut x.bin 0\nok x.bin %d\n", #CONTENT // 2), asked())
  end)

  it("begins anew where the server knows no ranges", function()
    serve(2)
    catalogue("cut", "norange")
    assert.equal(0, data("get", "ours").code)
    assert.is_true(whole())
  end)

  it("gives up a server from which nothing comes", function()
    serve(2)
    catalogue("stall", "ok")
    local got = data("get", "ours")
    assert.equal(0, got.code)
    assert.is_true(whole())
  end)

  it("follows to another address, but not in circles and not to files", function()
    serve(2)
    catalogue "again"
    assert.equal(0, data("get", "ours").code)
    assert.is_true(whole())
    os.remove(dir .. "/data/ours/x.bin")
    serve(7)
    catalogue("loop", "other")
    local got = data("get", "ours")
    assert.equal(1, got.code)
    assert.matches("x.bin could not be had", got.err)
    assert.matches("/loop/x.bin: Maximum %(5%) redirects followed", got.err)
    assert.matches("/other/x.bin: [^\n]*[Pp]rotocol", got.err)
  end)

  it("refuses what does not match, what is too long and what is not there", function()
    serve(3)
    catalogue("lie", "long", "gone")
    local got = data("get", "ours")
    assert.equal(1, got.code)
    assert.matches("/lie/x.bin: what came is another file: its SHA%-256 is %x+, not %x+", got.err)
    assert.matches("/long/x.bin: more than the 140000 bytes that the file has", got.err)
    assert.matches("/gone/x.bin: the server answers 404", got.err)
    assert.same({}, base.list(dir .. "/data/ours"))
    assert.matches("missing  ours/x.bin", data("verify", "ours").out)
  end)

  it("finds damage, and mends it", function()
    serve(1)
    catalogue "ok"
    base.mkdir(dir .. "/data/ours")
    core_io.text_write(dir .. "/data/ours/x.bin", "x" .. CONTENT:sub(2))
    local damaged = data("verify", "ours")
    assert.equal(1, damaged.code)
    assert.matches("damaged  ours/x.bin: its SHA%-256 is ", damaged.out)
    assert.matches("x.bin is damaged", data("get", "ours").out)
    assert.is_true(whole())
  end)

  it("says what is wrong with a call or a catalogue", function()
    serve(1)
    catalogue "ok"
    assert.matches("there is no data set 'our' %(did you mean 'ours'%?%)", data("get", "our").err)
    assert.matches("which data set%? there are mnist, ours", data("get").err)
    core_io.text_write(dir .. "/catalogue.json", '{ "ours": { "files": [ { "name": "../x", "size": 1, "sha256": "'
      .. ("0"):rep(64) .. '", "from": ["http://x/"] } ] } }')
    assert.matches("'../x' is no name for a file of 'ours'", data("list").err)
    core_io.text_write(dir .. "/catalogue.json", '{ "ours": { "files": [ { "name": "x", "size": 1, "sha256": "'
      .. ("0"):rep(64) .. '", "from": ["ftp://x/"] } ] } }')
    assert.matches("'ftp://x/': an address must begin with https:// or http://", data("list").err)
  end)
end)
