-- Ctrl-C at any moment: a signal that a timer sends. LAMINA_INTERRUPTS is how often the training loop is interrupted
-- (./run test --interrupts: 10,000).
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local optim = require "lamina.core.optim"
local words = require "lamina.words"

local word = words.find
local COUNT = tonumber(base.getenv "LAMINA_INTERRUPTS" or "") or 300

-- Runs f, which would not end, and interrupts it; the error that comes out, and the seconds until then.
local function interrupted(f, ...)
  base.interrupt_after(0.02)
  local start = base.clock()
  local ok, e = pcall(f, ...)
  base.interrupt_after(0)
  assert.is_false(ok)
  return e, base.clock() - start
end

local function kind(e) return errors.is_error(e) and e.kind or tostring(e) end

describe("Ctrl-C", function()
  it("ends a loop, an op, and leaves the session alive", function()
    local e, seconds = interrupted(function() while true do end end) -- luacheck: ignore
    assert.equal("interrupt", kind(e))
    assert.is_true(seconds < 0.5)
    local x = core.randn { 300, 300 }
    e = interrupted(function() while true do x:matmul(x):release() end end)
    assert.equal("interrupt", kind(e))
    assert.equal(300, #x:matmul(x))
  end)

  it("is taken for no mistake by words that go on after mistakes", function()
    local function press() errors.raise("interrupt", 1, "interrupted") end
    local x, labels = core.randn { 12, 4 }, {}
    for i = 1, 12 do labels[i] = i % 2 end
    local classifier, fits = word "nearest_centroid" {}, 0
    local fit = classifier.fit
    function classifier.fit(...)
      fits = fits + 1
      return (fits == 7 and press or fit)(...) -- the second of the five folds of labels dealt anew
    end
    local set = word "rdm" { core.randn { 5, 9 }, id = { "a", "b", "c", "d", "e" } }
    local other = word "rdm" { core.randn { 5, 9 }, id = { "a", "b", "c", "d", "e" } }
    function other.aligned() press() end
    local images = word "stimuli".gratings { size = 8, orientation = { 0, 45, 90, 135 }, frequency = { 1, 2 } }
    local recorded = word "neural".simulate { images, simple = 3, repeats = 2, rate = 20 }
    local compare, io_core = require "lamina.bundle.compare", require "lamina.core.io"
    local stubs = { { ops, "cholesky" }, { io_core, "text_read" } }
    local names = { os.tmpname(), os.tmpname() }
    local files = { names[1] .. ".csv", names[2] .. ".csv" }
    for i, path in ipairs(files) do io_core.text_write(path, "a\n" .. i .. "\n") end
    for _, stub in ipairs(stubs) do stub.real, stub[1][stub[2]] = stub[1][stub[2]], press end
    local found = {}
    for i, case in ipairs {
      function() return word "decode" { x, labels, classifier = classifier, permutations = 3 } end,
      function() return word "compare_rdms" { set, set, method = "neg_riem_dist" } end,
      function() return word "compare_rdms" { other, set } end,
      function()
        return word "criteria" { model = { { "one", press } }, domain = images, images = 10,
          areas = { { "V1", layers = { "one" } } }, data = { V1 = recorded } }
      end,
      function() return compare.files(files[1], files[2], 0) end,
    } do
      local ok, e = pcall(case)
      found[i] = ok and tostring(e) or kind(e)
    end
    for _, stub in ipairs(stubs) do stub[1][stub[2]] = stub.real end
    for i, path in ipairs(files) do os.remove(path) os.remove(names[i]) end
    assert.same({ "interrupt", "interrupt", "interrupt", "interrupt", "interrupt" }, found)
  end)

  it("ends what runs in coroutines, however they are made, and what resumed them", function()
    local function endless() while true do end end -- luacheck: ignore
    local cases = {
      function()
        local co = coroutine.create(endless)
        error(select(2, coroutine.resume(co)), 0)
      end,
      function() coroutine.wrap(endless)() end,
      function() coroutine.wrap(function() coroutine.wrap(endless)() end)() end,
      function() -- between two coroutines all the time
        local co = coroutine.wrap(function() while true do coroutine.yield(1) end end)
        while true do co() end
      end,
      function() for _ = 1, math.huge do coroutine.wrap(function() coroutine.yield(1) end)() end end,
      function() -- what runs when a coroutine is closed
        local co = coroutine.create(function()
          local guard <close> = setmetatable({}, { __close = endless }) -- luacheck: ignore
          coroutine.yield(1)
        end)
        coroutine.resume(co)
        error(select(2, coroutine.close(co)), 0)
      end,
    }
    for _, case in ipairs(cases) do
      for _ = 1, 5 do
        assert.equal("interrupt", kind((interrupted(case))))
        collectgarbage() -- the coroutines that had the hook
        for _ = 1, 1000 do math.abs(1) end
      end
    end
  end)

  it("wins inside a message handler and a comparator, and leaves the table whole", function()
    local e = interrupted(function()
      local calls = 0
      local _, value = xpcall(error, function(e) -- Lua calls it again for what is raised in it
        calls = calls + 1
        while calls == 1 do end -- luacheck: ignore
        return e
      end, "first")
      error(value, 0)
    end)
    assert.equal("interrupt", kind(e))
    local list, sum = {}, 0
    for i = 1, 2000 do
      list[i] = (i * 7919) % 2003
      sum = sum + list[i]
    end
    for _ = 1, 5 do
      e = interrupted(function()
        while true do
          table.sort(list, function(a, b) return a < b end)
          table.sort(list, function(a, b) return a > b end)
        end
      end)
      assert.equal("interrupt", kind(e))
      local again = 0
      for i = 1, 2000 do again = again + list[i] end
      assert.equal(sum, again)
    end
  end)

  it("waits for the end of a finalizer, of its ops and of its coroutines", function()
    local a, stop = core.randn { 64, 64 }, 0
    local function multiply() while base.clock() < stop do a:matmul(a):release() end end
    for _, work in ipairs { multiply, function() coroutine.wrap(multiply)() end } do
      local begun, done = 0, 0
      local function finalizer()
        begun, stop = begun + 1, base.clock() + 0.02
        base.interrupt_after(0.002)
        work()
        done = done + 1
      end
      local ok, e = pcall(function()
        for _ = 1, 3 do
          setmetatable({}, { __gc = finalizer })
          collectgarbage()
        end
      end)
      assert.is_false(ok)
      assert.equal("interrupt", kind(e))
      assert.same({ 1, 1 }, { begun, done })
    end
  end)

  it("waits for what must not be interrupted", function()
    local done, after = false, false
    local e = interrupted(function()
      base.uninterrupted(function()
        local x, stop = core.randn { 50, 50 }, base.clock() + 0.05
        while base.clock() < stop do x:matmul(x):release() end
        done = true
      end)
      for _ = 1, 100 do math.abs(1) end
      after = true
    end)
    assert.equal("interrupt", kind(e))
    assert.is_true(done)
    assert.is_false(after)
    assert.has_error(function() base.uninterrupted(error, "mine", 0) end, "mine")
    assert.equal("interrupt", kind((interrupted(function() while true do end end)))) -- luacheck: ignore
  end)

  it("ends reading and writing files; the old file stays", function()
    local io_room = require "lamina.core.io"
    local path = os.tmpname()
    local t = core.randn { 200, 1000 }
    io_room.npy_write(path, t)
    for _ = 1, 10 do
      local e = interrupted(function()
        while true do
          io_room.npy_write(path, t)
          io_room.npy_read(path):release()
        end
      end)
      assert.equal("interrupt", kind(e))
      assert.equal(t:digest(), io_room.npy_read(path):digest())
    end
    os.remove(path)
  end)

  it("many times in a row is not three presses without an answer", function()
    local x = core.randn { 200, 200 }
    for _ = 1, 6 do
      assert.equal("interrupt", kind((interrupted(function() while true do x:matmul(x):release() end end))))
    end
  end)
end)

describe("a training loop that is interrupted", function()
  -- A model with what a layer keeps while it trains, an optimizer with momentum and clipping, and one step of it.
  local function make()
    local net = word "model" "m" { seed = 5, word "input" { 1, 8, 8 },
      word "area" "A" { word "conv" { 4, kernel = 3 }, word "norm".batch {}, word "relu", word "pool".max { 2 },
        word "dropout" { 0.3 } },
      word "readout" "r" { word "dense" { 10 }, word "relu", word "dense" { 3 } } }
    local opt = word "adam" { rate = 0.01, clip = 1 }
    opt:attach(net)
    local running = core.zeros { 3 }
    local x, y = core.rand { 16, 1, 8, 8 }, core.randint(1, 3, { 16 })
    local function step(i)
      local out = net:forward(x, { training = true, step = i })
      optim.note(running)
      core.no_grad(function() running:mul_(0.9):add_(out:detach():mean(1) * 0.1) end)
      opt:step(ops.cross_entropy(out, y))
    end
    local function digest()
      local parts = { net:digest(), running:digest(), tostring(opt.steps) }
      local state = opt:state()
      for _, name in ipairs { "first", "second" } do
        for _, p in ipairs(net:parameters()) do
          parts[#parts + 1] = state.tensors[name .. "." .. p.name]:digest()
        end
      end
      return base.sha256(table.concat(parts, "\n"))
    end
    return step, digest
  end

  it(string.format("%d times is before or after a whole step each time, bit for bit", COUNT), function()
    core.draws { 0, 0, 0, 0 }
    local LENGTH <const> = 40
    local known = {}
    local step, digest = make()
    known[0] = digest()
    for i = 1, LENGTH do
      step(i)
      known[i] = digest()
    end
    local start = base.clock()
    for i = 1, 20 do step(i) end
    local once = (base.clock() - start) / 20
    math.randomseed(1)
    local hits, inside, at = 0, 0, LENGTH
    while hits < COUNT do
      if at >= LENGTH then
        core.draws { 0, 0, 0, 0 }
        step, digest = make()
        at = 0
      end
      local wait = math.random() * once * 1.5
      local ok, e = pcall(function()
        base.interrupt_after(wait)
        for i = at + 1, LENGTH do step(i) end
        while true do end -- luacheck: ignore
      end)
      base.interrupt_after(0)
      assert.is_false(ok)
      assert.equal("interrupt", kind(e))
      assert.is_true(core.grad_enabled())
      hits = hits + 1
      local now, found = digest(), nil
      for i = at, LENGTH do
        if now == known[i] then found = i end
      end
      if not found then error(string.format("interrupt %d: after step %d the state is that of no step", hits, at)) end
      inside = inside + (found < LENGTH and 1 or 0)
      at = found
    end
    assert.is_true(inside > COUNT / 2)
  end)
end)
