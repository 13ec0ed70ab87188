-- lenet.lua: one training step of the LeNet of scripts/networks/lenet.lua: median milliseconds.
--
-- The counterpart of lenet_torch.py beside this file: same network, batch, optimiser and number of steps, on random
-- images.   lamina --threads 2 tests/bench/lenet.lua [BATCH] [STEPS]
local base = require "lamina.core.base"

local batch, steps = tonumber(arg[1] or 64), tonumber(arg[2] or 200)
local net = model "LeNet" {
  input { 1, 28, 28 }, seed = 1,
  area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
  area "IT" { dense { 120 }, relu, dense { 84 }, relu },
  readout "digit" { dense { 10 } },
}
local x, y = randn { 2048, 1, 28, 28 }, randint(1, 10, { 2048 })
local optimizer = adam { rate = 3e-3 }
optimizer:attach(net)
local times = {}
for step = 1, steps + 20 do
  local start = base.clock()
  local pick = randint(1, 2048, { batch })
  local images, labels = x:index_select(pick), y:index_select(pick)
  local output = net:forward(images, { training = true, step = step })
  local loss = output:cross_entropy(labels)
  optimizer:step(loss)
  for _, t in ipairs { pick, images, labels, output, loss } do t:release() end
  if step > 20 then times[#times + 1] = base.clock() - start end
end
table.sort(times)
print(string.format("lamina %s %s, %d threads, batch %d: %.3f ms a step (median of %d)", base.version, base.isa(),
  base.threads(), batch, 1e3 * times[#times // 2 + 1], steps))
