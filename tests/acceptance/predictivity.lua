-- predictivity.lua: how well does each layer predict recorded V1 neurons? Then a fit of the responses end to end,
-- through a factorised readout. v1.npz and the folder images stand where the command runs.
local p = experiment "predictivity" { seed = 1, params = { epochs = 30 } }

local net = model "small" {
  input { 1, 16, 16 },
  area "V1" { conv { 12, kernel = 7, pad = 3 }, relu, pool.max { 2 } },
  area "V2" { conv { 12, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
  readout "object" { dense { 4 } },
}
local v1 = neural.assembly { "v1.npz", missing = -1 }  -- presentation x neuroid, with stimulus_id, repetition, movie
local score = predictivity {
  model = net, layers = "all", stimuli = stimuli.folder "images", responses = v1,
  mapping = ridge { alphas = logspace(-2, 7, 30) }, splits = grouped { 10, by = "movie" },
  ceiling = split_half { 10 },
}
print(score)        -- layer, area, r, ceiling, ceiled (its formula named), 95 % CI, n, exact or close
plot.layers(score):save "layers.pdf"
report(score)

local enc = model "encoding" { core = net:upto "V2", frozen = true,
  readout "neurons" { factorized { #v1.neuroid }, softplus } }
local frozen = enc.nodes_by_name["V1.conv1"].params.weight:digest()
local pairs_ = v1:paired(stimuli.folder "images")
local history = train { model = enc, data = pairs_, loss = "poisson", penalty = { l1 = 1e-3, of = "neurons" },
  epochs = p.epochs, optimizer = adam { rate = 0.02, schedule = cosine {} } }
report { metric = "missing", value = pairs_.y:isnan():to "int64":sum():item() }
report { metric = "core_kept", value = frozen == enc.nodes_by_name["V1.conv1"].params.weight:digest() and 1 or 0 }
report { metric = "first_loss", value = history[1].train_loss }
report { metric = "last_loss", value = history[#history].train_loss }
report { metric = "penalty", value = history[#history].penalty }
report { metric = "evaluated_loss", value = evaluate { model = enc, data = pairs_, loss = "poisson" }.loss }
