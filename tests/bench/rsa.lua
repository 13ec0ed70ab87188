-- rsa.lua: seconds for an RDM of 2560 x 9216 and for 1000 dual bootstraps of 10 models against 8 RDMs of 92 images,
-- on two threads; medians of five, after two calls that find no memory yet, and of three. tests/bench/peer_rsa.py
-- times NumPy and rsatoolbox at the same; run both in turns. What half of the products takes at the peak of two
-- threads bounds what any program can do.
local base = require "lamina.core.base"

base.threads(2)

local function seconds(f, count)
  local times = {}
  for i = 1, count do
    local start = base.clock()
    f()
    times[i] = base.clock() - start
  end
  table.sort(times)
  return times[(count + 1) // 2]
end

for _, dtype in ipairs { "float32", "float64" } do
  local peak = 0
  for _ = 1, 20 do peak = math.max(peak, base.flops(dtype)) end
  print(string.format("its products at the peak of two threads, %s: %.3f s", dtype, 2560 ^ 2 * 9216 / peak))
end
local noise = randn { 2560, 9216 }
for _, dtype in ipairs { "float32", "float64" } do
  local x = noise:to(dtype)
  local function matrix() rdm { x } end
  seconds(matrix, 2)
  print(string.format("rdm 2560 x 9216 %s    %.3f s", dtype, seconds(matrix, 5)))
end
local brain, models = rdm.from { rand { 8, 4186 } }, rdm.from { rand { 10, 4186 } }
for _, method in ipairs { "cosine", "pearson", "tau_a" } do
  print(string.format("1000 dual bootstraps, %-8s %.3f s", method, seconds(function()
    rsa { models = models, data = brain, method = method, bootstrap = 1000 }
  end, 3)))
end
