-- Every allocation fails once, in turn: of the runtime, of Lua, of jansson, zlib and libpng (base.fail_allocation).
-- Each failure is a clean error or of no consequence, leaves no memory behind, and the same work done afterwards
-- gives the same bits. All of them under LAMINA_OOM (./run test --oom), else a sample. The allocations of everybody
-- else, which use the system's malloc, fail in system_oom_spec.lua.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local io_room = require "lamina.core.io"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local word = words.find
local ALL = base.getenv "LAMINA_OOM"
local SAMPLE <const> = 25 -- failures of each kind of work, where not all are tried

local function live()
  collectgarbage()
  collectgarbage()
  return base.memory().live
end

-- Runs work() -> text with allocation k failing: whether all went well, and the result or the error.
local function failing(k, work)
  return pcall(function()
    base.fail_allocation(k, true)
    local result = work()
    base.fail_allocation(0)
    return result
  end)
end

local function is_memory(e)
  if errors.is_error(e) then return e.kind == "memory" end
  return type(e) == "string" and e:find("not enough memory", 1, true) ~= nil
end

local function count_of(work)
  local far <const> = 1 << 40
  base.fail_allocation(far, true)
  work()
  return far - base.fail_allocation(0)
end

-- Sweeps over the allocations of work(). reset(), where given, comes before each.
local function sweep(name, work, reset)
  reset = reset or function() end
  local wanted
  for _ = 1, 3 do
    reset()
    wanted = work()
  end
  local before = live()
  reset()
  local n = count_of(work)
  local stride, failures = ALL and 1 or math.max(1, n // SAMPLE), 0
  for k = 1, n, stride do
    reset()
    local ok, result = failing(k, work)
    failures = failures + (ok and 0 or 1)
    if ok and result ~= wanted then
      error(string.format("%s: allocation %d of %d failed, nothing was said, and the result is %s", name, k, n,
        result))
    elseif not ok and not is_memory(result) then
      error(string.format("%s: allocation %d of %d failed as %s", name, k, n, tostring(result)))
    end
    result = nil -- luacheck: ignore
    assert.is_true(core.grad_enabled())
    reset()
    if work() ~= wanted then error(string.format("%s: after allocation %d the result is another", name, k)) end
    local now = live()
    if now ~= before then
      error(string.format("%s: allocation %d of %d left %d bytes", name, k, n, now - before))
    end
  end
  assert.is_true(failures > 0, name .. ": no allocation failed")
end

describe("out of memory", function()
  it("in a step of training", function()
    local net = word "model" "LeNet" { seed = 1, word "input" { 1, 12, 12 },
      word "area" "V1" { word "conv" { 3, kernel = 5, pad = 2 }, word "norm".batch {}, word "relu",
        word "pool".max { 2 } },
      word "area" "V2" { word "conv" { 4, kernel = 3 }, word "relu", word "dropout" { 0.2 } },
      word "readout" "digit" { word "dense" { 12 }, word "relu", word "dense" { 5 } } }
    local opt = word "adam" { rate = 1e-2, clip = 1 }
    opt:attach(net)
    local x, y = core.rand { 6, 1, 12, 12 }, core.randint(1, 5, { 6 })
    local weights, state = net:snapshot(), opt:state()
    for name, t in pairs(state.tensors) do state.tensors[name] = t:clone() end
    sweep("training step", function()
      local out = net:forward(x, { training = true, step = 1 })
      local loss = ops.cross_entropy(out, y)
      opt:step(loss)
      out:release()
      loss:release()
      return net:digest()
    end, function()
      opt:zero()
      net:take(weights, "the snapshot", 1)
      opt:restore(state)
    end)
  end)

  local folder = os.tmpname()
  os.remove(folder)
  base.mkdir(folder)
  local function path(name) return folder .. "/" .. name end

  local readers = {
    npy = { function(p) io_room.npy_write(p, core.arange(1, 60):reshape { 3, 20 }) end,
      function(p) return io_room.npy_read(p):digest() end },
    npz = { function(p) io_room.npz_write(p, { a = core.arange(1, 9), b = core.eye(4) }) end,
      function(p)
        local t = io_room.npz_read(p)
        return t.a:digest() .. t.b:digest()
      end },
    safetensors = { function(p)
        io_room.safetensors_write(p, { w = core.eye(3), v = core.arange(1, 5) }, { note = "text" })
      end,
      function(p)
        local t, notes = io_room.safetensors_read(p)
        return t.w:digest() .. t.v:digest() .. tostring(notes and notes.note)
      end },
    png = { function(p) io_room.png_write(p, core.rand { 3, 9, 7 }) end,
      function(p) return io_room.png_read(p):digest() end },
    csv = { function(p) io_room.csv_write(p, { { "a", 1.5 }, { "b, c", 2 } }) end,
      function(p)
        local rows = io_room.csv_read(p)
        return #rows .. rows[1][1] .. rows[2][1] .. rows[2][2]
      end },
    idx = { function(p) io_room.idx_write(p, core.arange(1, 24):to "uint8":reshape { 2, 3, 4 }) end,
      function(p) return io_room.idx_read(p):digest() end },
    json = { function(p) io_room.text_write(p, io_room.json_encode { a = { 1, 2, { b = "text" } }, c = true }) end,
      function(p) return io_room.json_encode(io_room.json_decode(io_room.text_read(p))) end },
  }
  for kind, pair in pairs(readers) do
    it("in writing and reading " .. kind, function()
      local p = path("file." .. kind)
      core.draws { 0, 0, 0, 0 }
      pair[1](p)
      sweep("reading " .. kind, function() return pair[2](p) end)
      sweep("writing " .. kind, function()
        core.draws { 0, 0, 0, 0 }
        pair[1](p)
        return base.sha256_file(p)
      end)
      assert.same({ "file." .. kind }, base.list(folder)) -- no half-written file stays
      base.remove(p)
    end)
  end

  it("in a figure", function()
    local plot, p = require "lamina.plot", path "figure.svg"
    if not pcall(plot.line, { x = { 1, 2 }, y = { 1, 2 } }) then return pending "no Cairo in this build" end
    sweep("figure", function()
      plot.line { x = { 1, 2, 3 }, y = { 2, 1, 3 }, label = "line", title = "A figure" }:save(p)
      return base.sha256_file(p)
    end)
    for _, name in ipairs(base.list(folder)) do base.remove(path(name)) end
  end)

  it("leaves no file behind", function()
    assert.same({}, base.list(folder))
    base.remove(folder)
  end)
end)
