-- What ./run bench times. A workload is a table that both sides understand: peer_torch.py reads it as JSON.
--   kind = "matmul": m, k, n, optionally ta, tb (operands given transposed), batch, dtype
--   kind = "conv": n, c, h, w, o, kernel, stride, pad, groups; pass = "forward" or "both"
--   kind = "train" or "infer": net (a name in `nets`), batch
-- target, where there is one, is what it is to reach (targets.lua).
-- M.make(workload) gives a function that does it once, the number of multiply-adds counted twice (0 where nobody
-- counts), and the dtype of its peak.
local M = { list = {} }

local function add(w) M.list[#M.list + 1] = w end

for _, size in ipairs { 512, 1024, 2048 } do
  for _, dtype in ipairs { "float32", "float64" } do
    add { kind = "matmul", m = size, k = size, n = size, dtype = dtype, name = string.format("matmul %d %s", size,
      dtype), target = { peak = 0.85 } }
  end
end
for _, s in ipairs { { 64, 3136, 576 }, { 128, 784, 1152 }, { 512, 49, 4608 }, { 50, 64, 500 },
  { 64, 50176, 256 } } do
  local m, n, k = table.unpack(s)
  for _, form in ipairs { "", "ta", "tb" } do
    add { kind = "matmul", m = m, k = k, n = n, ta = form == "ta", tb = form == "tb", dtype = "float32",
      name = string.format("matmul %dx%dx%d %s", m, n, k, form), target = { peak = 0.7 } }
  end
end
add { kind = "matmul", batch = 256, m = 32, k = 32, n = 32, dtype = "float32", name = "matmul 256 of 32" }
add { kind = "matmul", m = 4096, k = 4096, n = 1, dtype = "float32", name = "matrix-vector 4096" }
add { kind = "matmul", m = 4096, k = 1, n = 4096, dtype = "float32", name = "outer product 4096" }

local convolutions = {
  { "LeNet c1", 64, 1, 28, 28, 20, 5, 1, 0, 1 }, { "LeNet c2", 64, 20, 12, 12, 50, 5, 1, 0, 1 },
  { "AlexNet c1", 16, 3, 224, 224, 64, 11, 4, 2, 1 }, { "AlexNet c2", 16, 64, 27, 27, 192, 5, 1, 2, 1 },
  { "AlexNet c3", 16, 192, 13, 13, 384, 3, 1, 1, 1 },
  { "ResNet 64 at 56", 16, 64, 56, 56, 64, 3, 1, 1, 1 }, { "ResNet 128 at 28", 16, 128, 28, 28, 128, 3, 1, 1, 1 },
  { "ResNet 256 at 14", 16, 256, 14, 14, 256, 3, 1, 1, 1 }, { "ResNet 512 at 7", 16, 512, 7, 7, 512, 3, 1, 1, 1 },
  { "ResNet 1x1 256-64", 16, 256, 56, 56, 64, 1, 1, 0, 1 },
  { "CIFAR 16 at 32", 128, 16, 32, 32, 16, 3, 1, 1, 1 }, { "CIFAR 64 at 8", 128, 64, 8, 8, 64, 3, 1, 1, 1 },
  { "depthwise 128 at 28", 16, 128, 28, 28, 128, 3, 1, 1, 128 },
  { "8 groups of 16 at 28", 16, 128, 28, 28, 128, 3, 1, 1, 8 },
}
for _, pass in ipairs { "forward", "both" } do
  for _, v in ipairs(convolutions) do
    add { kind = "conv", pass = pass, n = v[2], c = v[3], h = v[4], w = v[5], o = v[6], kernel = v[7], stride = v[8],
      pad = v[9], groups = v[10], name = string.format("conv %s %s", pass, v[1]), target = { ratio = 1 } }
  end
end

for _, kind in ipairs { "train", "infer" } do
  for _, v in ipairs { { "LeNet", 1 }, { "LeNet", 16 }, { "LeNet", 64 }, { "LeNet", 256 }, { "AlexNet", 32 },
    { "ResNet-18", 16 }, { "ResNet-20", 128 }, { "MLP", 128 }, { "RNN", 64, 32 }, { "RNN", 64, 128 },
    { "LSTM", 64, 32 }, { "LSTM", 64, 128 }, { "Transformer", 8, 0.1, target = 1.3 },
    { "Transformer", 8, 0, target = 1.3 }, { "ViT-mini", 64, target = 1.3 }, { "CORnet-S", 8, target = 1.3 } } do
    local dropout = v[1] == "Transformer" and v[3] or nil
    add { kind = kind, net = v[1], batch = v[2], units = not dropout and v[3] or nil, dropout = dropout,
      name = string.format("%s %s%s, batch %d", kind, v[1], dropout and string.format(" dropout %g", dropout)
        or v[3] and " " .. v[3] or "", v[2]),
      target = kind == "train" and { ratio = v.target or v[1] == "LeNet" and v[2] == 1 and 5 or 1.5 } or nil }
  end
end

-- ---- matrix products and convolutions --------------------------------------------------------------------------

local make = {}

function make.matmul(w)
  local function operand(rows, columns, turned)
    local shape = turned and { columns, rows } or { rows, columns }
    if w.batch then table.insert(shape, 1, w.batch) end
    local t = randn(shape):to(w.dtype)
    return turned and t:transpose(-2, -1) or t
  end
  local a, b = operand(w.m, w.k, w.ta), operand(w.k, w.n, w.tb)
  return function() a:matmul(b):release() end, 2.0 * (w.batch or 1) * w.m * w.k * w.n, w.dtype
end

function make.conv(w)
  local x, f = randn { w.n, w.c, w.h, w.w }, randn { w.o, w.c // w.groups, w.kernel, w.kernel }
  local options = { stride = w.stride, pad = w.pad, groups = w.groups }
  local y = ops.conv2d(x, f, options)
  local flops = 2.0 * y:count() * w.c // w.groups * w.kernel * w.kernel
  if w.pass == "forward" then return function() ops.conv2d(x, f, options):release() end, flops, "float32" end
  local dy = randn(y.shape)
  x:requires_grad(true)
  f:requires_grad(true)
  return function()
    local out = ops.conv2d(x, f, options)
    out:backward(dy)
    out:release()
    x:zero_grad()
    f:zero_grad()
  end, 3 * flops, "float32"
end

-- ---- networks --------------------------------------------------------------------------------------------------

local nets = {}

nets["LeNet"] = function() -- scripts/networks/lenet.lua
  return model "LeNet" {
    input { 1, 28, 28 },
    area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
    area "IT" { dense { 120 }, relu, dense { 84 }, relu },
    readout "digit" { dense { 10 } },
  }, { 1, 28, 28 }, 10
end

nets["AlexNet"] = function() -- torchvision's one-column form
  return model "AlexNet" {
    input { 3, 224, 224 },
    area "features" {
      conv { 64, kernel = 11, stride = 4, pad = 2 }, relu, pool.max { 3, stride = 2 },
      conv { 192, kernel = 5, pad = 2 }, relu, pool.max { 3, stride = 2 },
      conv { 384, kernel = 3, pad = 1 }, relu, conv { 256, kernel = 3, pad = 1 }, relu,
      conv { 256, kernel = 3, pad = 1 }, relu, pool.max { 3, stride = 2 } },
    area "classifier" { dropout { 0.5 }, dense { 4096 }, relu, dropout { 0.5 }, dense { 4096 }, relu },
    readout "category" { dense { 1000 } },
  }, { 3, 224, 224 }, 1000
end

local function block(width, stride, shortcut)
  return residual {
    conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
    conv { width, kernel = 3, pad = 1, bias = false }, norm.batch,
    shortcut = stride == 1 and "identity" or shortcut, after = relu }
end

nets["ResNet-18"] = function()
  return model "ResNet-18" {
    input { 3, 224, 224 },
    area "stem" { conv { 64, kernel = 7, stride = 2, pad = 3, bias = false }, norm.batch, relu,
      pool.max { 3, stride = 2, pad = 1 } },
    area "layer1" { block(64, 1), block(64, 1) },
    area "layer2" { block(128, 2, "project"), block(128, 1) },
    area "layer3" { block(256, 2, "project"), block(256, 1) },
    area "layer4" { block(512, 2, "project"), block(512, 1) },
    readout "category" { pool.global "avg", dense { 1000 } },
  }, { 3, 224, 224 }, 1000
end

nets["ResNet-20"] = function()
  return model "ResNet-20" {
    input { 3, 32, 32 },
    area "stem" { conv { 16, kernel = 3, pad = 1, bias = false }, norm.batch, relu },
    area "narrow" { block(16, 1), block(16, 1), block(16, 1) },
    area "middle" { block(32, 2, "pad"), block(32, 1), block(32, 1) },
    area "wide" { block(64, 2, "pad"), block(64, 1), block(64, 1) },
    readout "category" { pool.global "avg", dense { 10 } },
  }, { 3, 32, 32 }, 10
end

nets["MLP"] = function()
  return model "MLP" {
    input { 1024 },
    area "hidden" { dense { 1024 }, relu, dense { 1024 }, relu },
    readout "category" { dense { 1024 } },
  }, { 1024 }, 1024
end

-- A recurrent layer over 100 steps, and a readout of its last state.
local function recurrent(word)
  return function(w)
    return model "recurrent" {
      input { 100, w.units },
      area "A" { word { w.units } },
      readout "category" { dense { 10 } },
    }, { 100, w.units }, 10
  end
end

nets["RNN"], nets["LSTM"] = recurrent(rnn), recurrent(lstm)

-- The encoder of the base Transformer over 128 rows, and a readout of the first one.
nets["Transformer"] = function(w)
  local blocks = {}
  for i = 1, 6 do blocks[i] = transformer { 8, 2048, dropout = w.dropout } end
  return model "Transformer" {
    input { 128, 512 },
    area "encoder" (blocks),
    readout "category" { take { 1 }, dense { 10 } },
  }, { 128, 512 }, 10
end

nets["ViT-mini"] = function() return models.vit_mini {}, { 1, 28, 28 }, 10 end
nets["CORnet-S"] = function() return models.cornet_s {}, { 3, 224, 224 }, 1000 end

-- How many items a training draws its batches from: enough that a small network does not learn them by heart, after
-- which its gradients would be too small to be normal numbers; the batch itself where pictures or sequences
-- are large.
local function pool_of(w, shape)
  return (#shape == 2 or #shape == 3 and shape[2] > 32) and w.batch or math.max(2048, w.batch)
end

local function network(w)
  local net, shape, classes = nets[w.net](w)
  local n, step = w.kind == "train" and pool_of(w, shape) or w.batch, 0
  local x, y = randn { n, table.unpack(shape) }, randint(1, classes, { n })
  if w.kind == "infer" then return function() no_grad(function() net(x):release() end) end end
  local optimizer = sgd { rate = 0.01, momentum = 0.9 }
  optimizer:attach(net)
  return function()
    step = step + 1
    local pick = randint(1, n, { w.batch })
    local images, labels = x:index_select(pick), y:index_select(pick)
    local output = net:forward(images, { training = true, step = step })
    local loss = cross_entropy(output, labels)
    optimizer:step(loss)
    for _, t in ipairs { pick, images, labels, output, loss } do t:release() end
  end
end

function make.train(w) return network(w), 0, "float32" end
function make.infer(w) return network(w), 0, "float32" end

--- The work of a workload: function, operations, dtype.
function M.make(w) return make[w.kind](w) end

return M
