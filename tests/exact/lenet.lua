-- LeNet on pictures made here, with Adam: what ./run exact compares. 64 steps are half an epoch.
--   lamina --digest tests/exact/lenet.lua --images 8192 --epochs 1
local p = experiment "exact-lenet" { seed = 1, params = { images = 8192, epochs = 1, batch = 64 } }

-- Noise, with a bright bar whose row is the class.
local x, y = randn { p.images, 1, 28, 28 } * 0.5, randint(1, 10, { p.images })
for i, label in ipairs(y:totable()) do x[{ i, 1, { 2 * label, 2 * label + 3 }, { 5, 24 } }] = 2 end

local net = model "LeNet" {
  input { 1, 28, 28 },
  area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
  area "IT" { dense { 120 }, relu, dense { 84 }, relu },
  readout "digit" { dense { 10 } },
}
local history = train { model = net, data = data.tensors { x, y }, epochs = p.epochs, batch = p.batch,
  optimizer = adam { rate = 3e-3, schedule = cosine {} }, log = false }
report { metric = "train_loss", value = history[#history].train_loss }
