-- gan.lua: anything else is a loop: a generator and a discriminator (Goodfellow et al. 2014) on points of a line.
local p = experiment "gan" { seed = 1, params = { epochs = 5 } }

local t = randn { 1024, 1 }
local digits = { train = data.tensors { concat({ t, t * 0.5 + 2 }, 2), name = "points" } }

local function net(name, inputs, outputs)
  return model(name) { input { inputs }, area "hidden" { dense { 32 }, leaky_relu { 0.2 } },
    readout "out" { dense { outputs } } }
end
local G, D = net("G", 64, 2), net("D", 2, 1)
local og, od = adam { rate = 2e-3, beta1 = 0.5 }:attach(G), adam { rate = 2e-3, beta1 = 0.5 }:attach(D)

local history = loop { data = digits.train, batch = 64, epochs = p.epochs, state = { G, D, og, od },
  checkpoint = true, resume = true, each = function(b)
  local fake = G(randn { #b, 64 })
  local ld = bce(D(b.x), 1) + bce(D(fake:detach()), 0); od:step(ld)     -- step(loss): zero, backward, update
  local lg = bce(D(fake), 1);                           og:step(lg)
  return { d = ld, g = lg }
end }

print(history)
local fake = G(randn { 2000, 64 }):detach()
local x, y = fake:select(2, 1), fake:select(2, 2)
report { metric = "epochs", value = #history }
report { metric = "steps", value = history[#history].step }
report { metric = "mean_x", value = x:mean():item() }
report { metric = "mean_y", value = y:mean():item() }
report { metric = "d", value = history[#history].d }
report { metric = "g", value = history[#history].g }
