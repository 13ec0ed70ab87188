-- Every allocation of one piece of work fails once, whoever makes it: the runtime, Lua, Cairo, fontconfig, libjpeg,
-- zlib, stdio, the loader of libraries, and libhdf5 in its own program.
--
--   LD_PRELOAD=.../refuse.so REFUSE=.../refuse.so lamina --threads 1 -- tests/support/refusals.lua WORK STEP [child]
--
-- For each failure (or every STEP-th) a copy of this process does the work and must end in the right result or in a
-- clean error; then it does the work again, which must give the right result, and no more blocks may live than in a
-- copy in which nothing failed. With `child`, the allocations are those of the program that the work starts. Prints
-- what went wrong and a summary.
local base = require "lamina.core.base"
local refuse = assert(package.loadlib(os.getenv "REFUSE", "luaopen_refuse"))()

local name, step = arg[1], tonumber(arg[2])
local here = arg[0]:match "^(.*)/tests/support/" or "."
local folder = os.tmpname()
os.remove(folder)
base.mkdir(folder)
local function path(file) return folder .. "/" .. file end

-- ---- the work ---------------------------------------------------------------------------------------------------

local function digest(value)
  if type(value) ~= "table" then return type(value) == "userdata" and value:digest() or tostring(value) end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do parts[#parts + 1] = tostring(key) .. "=" .. digest(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local works = {}

works.training = function()
  local net = model "LeNet" { seed = 1, input { 1, 12, 12 },
    area "V1" { conv { 3, kernel = 5, pad = 2 }, norm.batch {}, relu, pool.max { 2 } },
    area "V2" { conv { 4, kernel = 3 }, relu, dropout { 0.2 } },
    readout "digit" { dense { 12 }, relu, dense { 5 } } }
  local opt = adam { rate = 1e-2, clip = 1 }
  opt:attach(net)
  local x, y = rand { 6, 1, 12, 12 }, randint(1, 5, { 6 })
  local weights, state = net:snapshot(), opt:state()
  for key, t in pairs(state.tensors) do state.tensors[key] = t:clone() end
  return function()
    opt:zero()
    net:take(weights, "the snapshot", 1)
    opt:restore(state)
    local out = net:forward(x, { training = true, step = 1 })
    opt:step(ops.cross_entropy(out, y))
    return net:digest()
  end
end

works.train = function()
  local net = model "small" { seed = 1, input { 6 }, area "A" { dense { 5 }, relu }, readout "out" { dense { 3 } } }
  local set = data.tensors { randn { 8, 6 }, randint(1, 3, { 8 }) }
  return function()
    local copy = net:clone()
    train { model = copy, data = set, loss = "cross_entropy", optimizer = sgd { rate = 0.1 }, epochs = 1, batch = 4 }
    return copy:digest()
  end
end

-- Writers and readers by kind: write(path), read(path).
local io_room = require "lamina.core.io"
local files = {
  npy = { function(p) data.save_npy(p, arange(1, 60):reshape { 3, 20 }) end, function(p) return data.npy(p) end },
  npz = { function(p) data.save_npz(p, { a = arange(1, 9), b = eye(4) }) end, function(p) return data.npz(p) end },
  csv = { function(p) data.save_csv(p, { { "a", "b" }, { 1.5, "x, y" } }) end, function(p) return data.csv(p) end },
  safetensors = { function(p) io_room.safetensors_write(p, { w = eye(3) }, { note = "text" }) end,
    function(p) return (io_room.safetensors_read(p)) end },
  idx = { function(p) io_room.idx_write(p, arange(1, 24):to "uint8":reshape { 2, 3, 4 }) end,
    function(p) return io_room.idx_read(p) end },
  ["idx.gz"] = { function(p) io_room.idx_write(p, arange(1, 24):to "uint8":reshape { 2, 3, 4 }) end,
    function(p) return io_room.idx_read(p) end },
  json = { function(p) io_room.text_write(p, io_room.json_encode { a = { 1, 2, { b = "text" } } }) end,
    function(p) return io_room.json_decode(io_room.text_read(p)) end },
  png = { function(p) image.write { p, rand { 3, 9, 7 } } end, function(p) return image.read(p) end },
  jpg = { function(p) image.write { p, rand { 3, 40, 30 } } end, function(p) return image.read(p) end },
  h5 = { function(p) hdf5.write(p, { x = eye(5), g = { t = { "a", "b" } } }, { compress = 4 }) end,
    function(p) return data.hdf5(p) end },
  nc = { false, function() return data.netcdf(here .. "/tests/fixtures/hdf5/assembly.nc") end },
  ["7.3"] = { false, function() return data.mat(here .. "/tests/fixtures/hdf5/matlab73.mat", "x") end },
  mat = { false, function() return data.mat(here .. "/tests/fuzz/corpus/mat/compressed.mat") end },
  folder = { false, function() return table.concat(base.list(here .. "/tests/fixtures"), " ") end },
}
for kind, pair in pairs(files) do
  works["read " .. kind] = function()
    if pair[1] then pair[1](path("file." .. kind)) end
    return function()
      io_room.files_forget()
      return digest(pair[2](path("file." .. kind)))
    end
  end
  if pair[1] then
    works["write " .. kind] = function()
      local p = path("file." .. kind)
      return function()
        require("lamina.core.tensor").draws { 0, 0, 0, 0 }
        pair[1](p)
        return base.sha256_file(p)
      end
    end
  end
end

for _, format in ipairs { "svg", "pdf", "png" } do
  local function draw()
    local p = path("figure." .. format)
    plot.line { x = { 1, 2, 3 }, y = { 2, 1, 3 }, label = "line", title = "A figure" }:save(p)
    return base.sha256_file(p)
  end
  works["figure " .. format] = function() return draw end
end

-- ---- what is checked ---------------------------------------------------------------------------------------------

local work, cold = assert(works[name], "no such work")()
local said, problems = {}, 0

local function problem(k, text)
  problems = problems + 1
  print(string.format("%s: allocation %d: %s", name, k, text))
end

-- The blocks that live when everything that can go is gone.
local function settled()
  collectgarbage()
  collectgarbage()
  base.trim()
  return refuse.live()
end

-- "ok", or what an error says with its kind; raises where it is not one of full memory, or the result is another.
local function outcome(ok, result, wanted)
  if ok and result ~= wanted then error("another result: " .. tostring(result), 0) end
  if ok then return "ok" end
  if type(result) ~= "table" or result.kind ~= "memory" then
    local kind = type(result) == "table" and result.kind .. ": " or ""
    error("not an error of memory: " .. kind .. tostring(result), 0)
  end
  return result.message
end

local function check_again(wanted, text)
  if work() ~= wanted then error("another result afterwards, having said: " .. text, 0) end
  for _, file in ipairs(base.list(folder)) do
    if file:find "partial" then error("left " .. file .. ", having said: " .. text, 0) end
  end
end

local function count_said(text)
  text = text:gsub("%d+", "#"):gsub("/[^ :]*/", "")
  said[text] = (said[text] or 0) + 1
end

-- ---- the sweep of this process -----------------------------------------------------------------------------------

-- In a copy: the work with allocation k failing, then without: what the first said and how many blocks more live.
local function twice(k, wanted)
  local before = settled()
  refuse.at(k)
  local ok, result = pcall(work)
  local n = refuse.at(0)
  local text = outcome(ok, result, wanted)
  result = nil -- luacheck: ignore
  check_again(wanted, text)
  return string.format("%d %d %s", n, settled() - before, text)
end

local function sweep_here()
  local _, wanted = refuse.attempt(work)
  if not cold then assert(work() == wanted and work() == wanted) end
  local _, plain = refuse.attempt(function() return twice(0, wanted) end)
  local n, usual = plain:match "^(%d+) (%-?%d+) ok"
  assert(n, plain)
  n, usual = tonumber(n), tonumber(usual)
  for k = 1, n, step do
    local ok, text = refuse.attempt(function() return twice(k, wanted) end)
    local _, more, what = text:match "^(%d+) (%-?%d+) (.*)$"
    if not ok then
      problem(k, text)
    else
      count_said(what)
      more = tonumber(more) - usual
      if more > 0 then problem(k, string.format("%d blocks left, having said: %s", more, what)) end
    end
  end
  return n
end

-- ---- the sweep of the program that this one starts ----------------------------------------------------------------

local function sweep_child()
  local wanted, marker = work(), folder .. "/marker"
  assert(work() == wanted)
  refuse.child ""
  local before, k, reached = settled(), 1, true
  while reached do
    io.open(marker, "w"):close()
    refuse.child(k .. " " .. marker)
    local ok, result = pcall(work)
    refuse.child ""
    reached = not base.exists(marker)
    local good, text = pcall(outcome, ok, result, wanted)
    if good and (k % 25 == 1 or not reached) then good, text = pcall(check_again, wanted, text) end
    if good and text then count_said(text) elseif not good then problem(k, text) end
    k = k + step
  end
  if settled() > before then problem(0, settled() - before .. " blocks left") end
  return k - step
end

local n = arg[3] == "child" and sweep_child() or sweep_here()
for text, count in pairs(said) do print(string.format("# %5d times: %s", count, text)) end
print(string.format("%s: %d allocations, %d problems", name, n, problems))
os.execute("rm -rf " .. folder)
os.exit(problems == 0 and 0 or 1)
