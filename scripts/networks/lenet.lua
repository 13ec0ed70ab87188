-- lenet.lua: a small network learns handwritten digits (after LeCun, Bottou, Bengio & Haffner 1998).
local p = experiment "lenet-mnist" { seed = 1, params = { rate = 3e-3, epochs = 3 } }

local digits = data.mnist()          -- train 55k, valid 5k, test 10k, standardised; --data DIR, else how to get it

local net = model "LeNet" {
  input { 1, 28, 28 },
  area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
  area "IT" { dense { 120 }, relu, dense { 84 }, relu },
  readout "digit" { dense { 10 } },
}
print(net)                            -- area, layer, output shape, parameters, multiply-adds

local history = train {
  model = net, data = digits.train, validate = digits.valid,
  loss = "cross_entropy", optimizer = adam { rate = p.rate, schedule = cosine {} },
  epochs = p.epochs, batch = 64,
}
report { metric = "test_error", value = evaluate { model = net, data = digits.test }.error }
plot.curve(history):save "learning.svg"
