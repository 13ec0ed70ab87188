-- goals.lua: blocks are Lua functions; skips, branches and sharing are words; several goals, read out from two areas.
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
  local y = { category = set.y, position = position * 5, place = position * 5 }
  return data.tensors { (set.x - 0.5) * 4, y, name = "objects" }
end
local training, validation, test = objects(600, 1), objects(100, 2), objects(200, 3)

local twice = shared(conv { 8, kernel = 3, pad = 1, bias = false })
local net = model "several goals" {
  input { 1, 16, 16 },
  area "V1" { conv { 8, kernel = 3, pad = 1 }, relu, pool.max { 2 }, add { { identity }, { twice, relu, twice } } },
  area "IT" { block(12, 1), block(16, 2), concat { { identity }, { conv { 4, kernel = 1 } } } },
  readout "category" { from = "IT", pool.global "avg", dense { 4 } },
  readout "position" { from = "V1", pool.global "avg", dense { 2 } }, -- which an average tells little of
  readout "place" { from = "V1", dense { 2 } },
}
print(net)

local goals = { category = "cross_entropy", position = { "mse", weight = 0.1 }, place = { "mse", weight = 0.1 } }
local history = train {
  model = net, data = training, validate = validation, loss = goals, keep = "category", epochs = p.epochs, batch = 32,
  optimizer = adam { rate = p.rate, schedule = cosine { warmup = 10 } },
}
print(history)
local score = evaluate { model = net, data = test, loss = goals, top = 2 }
print(score)
report(score)
for name, guess in pairs(net(test.x)) do
  if name ~= "category" then
    report { metric = name .. "_r2", value = 1 - (guess - test.y.place):square():mean():item()
      / test.y.place:var { correction = 0 }:item() }
  end
end
local weights = 0
for _, w in ipairs(net:parameters()) do if w.name:find "^V1" then weights = weights + w.tensor:count() end end
report { metric = "V1_weights", value = weights }
