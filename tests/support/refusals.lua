-- Every allocation of one piece of work fails once, whoever makes it: the runtime, Lua, Cairo, fontconfig, libjpeg,
-- zlib, stdio, the loader of libraries, and libhdf5 in its own program.
--
--   LD_PRELOAD=.../refuse.so REFUSE=.../refuse.so lamina --threads 1 -- tests/support/refusals.lua WORK STEP
--
-- For each failure (or every STEP-th) a copy of this process does the work and must end in the right result or in a
-- clean error; then it does the work again, which must give the right result, and no more blocks may live than in a
-- copy in which nothing failed. Prints what went wrong and a summary.
local base = require "lamina.core.base"
local refuse = assert(package.loadlib(os.getenv "REFUSE", "luaopen_refuse"))()

local name, step, first = arg[1], tonumber(arg[2]), tonumber(arg[3] or 1)
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
    train { model = copy, data = set, loss = "cross_entropy", optimizer = sgd { rate = 0.1 }, epochs = 1, batch = 4,
      quiet = true }
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
  png = { function(p) image.write(p, rand { 3, 9, 7 }) end, function(p) return image.read(p) end },
  jpg = { function(p) image.write(p, rand { 3, 40, 30 }) end, function(p) return image.read(p) end },
  h5 = { function(p) hdf5.write(p, { x = eye(5), g = { t = { "a", "b" } } }, { compress = 4 }) end,
    function(p) return data.hdf5(p) end },
  nc = { false, function() return data.netcdf(here .. "/tests/fixtures/hdf5/assembly.nc") end },
  ["7.3"] = { false, function() return data.mat(here .. "/tests/fixtures/hdf5/matlab73.mat") end },
  mat = { false, function() return data.mat(here .. "/tests/fuzz/corpus/mat/compressed.mat") end },
  folder = { false, function() return table.concat(base.list(here .. "/tests/fixtures"), " ") end },
}
for kind, pair in pairs(files) do
  works["read " .. kind] = function()
    if pair[1] then pair[1](path("file." .. kind)) end
    return function() return digest(pair[2](path("file." .. kind))) end
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
  works["first figure " .. format] = function() return draw, true end
end

-- ---- the sweep --------------------------------------------------------------------------------------------------

local make = assert(works[name], "no such work")
local work, cold = make()
local wanted
if cold then
  local _, text = refuse.attempt(work)
  wanted = text
else
  wanted = work()
  assert(work() == wanted)
end
-- The blocks that live when everything that can go is gone.
local function settled()
  collectgarbage()
  collectgarbage()
  base.trim()
  return refuse.live()
end

-- The work with allocation k failing, then without: what the first said and how many blocks more live.
local function twice(k)
  local before = settled()
  refuse.at(k)
  local ok, result = pcall(work)
  local n = refuse.at(0)
  if ok and result ~= wanted then error("another result: " .. tostring(result), 0) end
  local text = ok and "ok" or tostring(type(result) == "table" and result.kind .. ": " .. result.message or result)
  result = nil -- luacheck: ignore
  if work() ~= wanted then error("another result afterwards, having said: " .. text, 0) end
  for _, file in ipairs(base.list(folder)) do
    if file:find "partial" then error("left " .. file .. ", having said: " .. text, 0) end
  end
  return string.format("%d %d %s", n, settled() - before, text)
end

local said, problems = {}, 0
local function problem(k, text)
  problems = problems + 1
  print(string.format("%s: allocation %d: %s", name, k, text))
end

local clean, base_text = refuse.attempt(function() return twice(0) end)
if not clean then
  problem(0, base_text)
  os.exit(1)
end
local n, before = base_text:match "^(%d+) (%-?%d+)"
n, before = tonumber(n), tonumber(before)
for k = first, n, step do
  local ok, text = refuse.attempt(function() return twice(k) end)
  local _, live, what = text:match "^(%d+) (%-?%d+) (.*)$"
  if not ok then
    problem(k, text)
  else
    what = what:gsub("%d+", "#")
    said[what] = (said[what] or 0) + 1
    if tonumber(live) > before then problem(k, string.format("%d blocks left, having said: %s", live - before, what)) end
  end
end
for text, count in pairs(said) do print(string.format("# %5d times: %s", count, text)) end
print(string.format("%s: %d allocations, %d problems", name, n, problems))
os.execute("rm -rf " .. folder)
os.exit(problems == 0 and 0 or 1)
