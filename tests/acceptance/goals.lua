-- goals.lua: blocks are Lua functions; two goals, read out from two areas.
local p = experiment "goals" { seed = 1, params = { rate = 3e-3, epochs = 6 } }

local function block(width, stride)
  return residual {
    conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
    conv { width, kernel = 3, pad = 1, bias = false }, norm.batch,
    shortcut = "project", after = relu }
end

local function objects(n, seed)
  local set = stimuli.objects { n, size = 16, classes = 4, scale = 0.6, rotation = 0, noise = 0.02, position = 0.2,
    polarity = "bright", seed = seed }
  local position = tensor { set.latent.x:totable(), set.latent.y:totable() }:t():contiguous()
  return data.tensors { (set.x - 0.5) * 4, { category = set.y, position = position * 5 }, name = "objects" }
end
local training, validation, test = objects(600, 1), objects(100, 2), objects(200, 3)

local net = model "two goals" {
  input { 1, 16, 16 },
  area "V1" { conv { 8, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
  area "IT" { block(12, 1), block(16, 2) },
  readout "category" { from = "IT", pool.global "avg", dense { 4 } },
  readout "position" { from = "V1", dense { 2 } },
}
print(net)

local goals = { category = "cross_entropy", position = { "mse", weight = 0.1 } }
local history = train {
  model = net, data = training, validate = validation, loss = goals, keep = "category", epochs = p.epochs, batch = 32,
  optimizer = adam { rate = p.rate, schedule = cosine { warmup = 10 } },
}
print(history)
local score = evaluate { model = net, data = test, loss = goals, top = 2 }
print(score)
report(score)
local guess = net(test.x).position
report { metric = "position_r2", value = 1 - (guess - test.y.position):square():mean():item()
  / test.y.position:var { correction = 0 }:item() }
