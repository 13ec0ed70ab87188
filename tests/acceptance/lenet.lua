-- lenet.lua: a small network learns handwritten digits; with --drawn, objects that stand in for them.
local p = experiment "lenet-mnist" { seed = 1, params = { rate = 3e-3, epochs = 3, drawn = false, items = 55000 } }

local function drawn(n, seed)
  local set = stimuli.objects { n, size = 28, classes = 8, rotation = 0, scale = 0.6, position = 0.05, noise = 0.02,
    polarity = "bright", seed = seed }
  return set:map(function(x) return (x - 0.5) * 4 end)
end
local digits = p.drawn and { train = drawn(1000, 1), valid = drawn(100, 2), test = drawn(200, 3) } or data.mnist()
if p.items < #digits.train then digits.train = digits.train:split { p.items / #digits.train } end

local net = model "LeNet" {
  input { 1, 28, 28 },
  area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
  area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
  area "IT" { dense { 120 }, relu, dense { 84 }, relu },
  readout "digit" { dense { 10 } },
}
print(net)

local history = train {
  model = net, data = digits.train, validate = digits.valid,
  loss = "cross_entropy", optimizer = adam { rate = p.rate, schedule = cosine {} },
  epochs = p.epochs, batch = 64,
}
report { metric = "test_error", value = evaluate { model = net, data = digits.test }.error }
plot.curve(history):save "learning.svg"
