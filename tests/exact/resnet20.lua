-- ResNet-20 for pictures of 32 x 32 (He et al. 2016, shortcuts padded with zeros), SGD with momentum on pictures made
-- here: what ./run exact compares.
local p = experiment "exact-resnet20" { seed = 1, params = { steps = 20, batch = 128 } }

local function block(width, stride)
  return residual {
    conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
    conv { width, kernel = 3, pad = 1, bias = false }, norm.batch,
    shortcut = stride == 1 and "identity" or "pad", after = relu }
end

local net = model "ResNet-20" {
  input { 3, 32, 32 },
  area "stem" { conv { 16, kernel = 3, pad = 1, bias = false }, norm.batch, relu },
  area "narrow" { block(16, 1), block(16, 1), block(16, 1) },
  area "middle" { block(32, 2), block(32, 1), block(32, 1) },
  area "wide" { block(64, 2), block(64, 1), block(64, 1) },
  readout "category" { pool.global "avg", dense { 10 } },
}

local n = p.steps * p.batch
local y = randint(1, 10, { n })
local x = randn { n, 3, 32, 32 } + y:to "float32":reshape { n, 1, 1, 1 } * 0.1
local history = train { model = net, data = data.tensors { x, y }, batch = p.batch, log = false,
  optimizer = sgd { rate = 0.05, momentum = 0.9, decay = 1e-4 } }
report { metric = "train_loss", value = history[#history].train_loss }
