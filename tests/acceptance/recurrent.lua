-- recurrent.lua: feedback, Dale's law and a local learning rule are declarations.
local p = experiment "recurrent" { seed = 1, params = { epochs = 2 } }

local function drawn(n, seed)
  local set = stimuli.objects { n, size = 28, classes = 4, rotation = 0, scale = 0.6, position = 0.05, noise = 0.02,
    polarity = "bright", seed = seed }
  return set:map(function(x) return (x - 0.5) * 2 end)
end
local digits = { train = drawn(48, 1), test = drawn(16, 2) }

local net = model "recurrent" {
  input { 1, 28, 28 }, steps = 5,
  area "V1" { cells = dale { excitatory = 0.8 }, conv { 32, kernel = 5, pad = 2 }, relu },   -- governs what leaves
  area "V2" { pool.max { 2 }, conv { 64, kernel = 3, pad = 1 }, relu },
  feedback { from = "V2", to = "V1", delay = 1, resize = "nearest", conv { 32, kernel = 3, pad = 1 } },
  readout "digit" { pool.global "avg", dense { 10 } },
}
local bcm = local_rule { "bcm", rate = 1e-3, state = { theta = 1 }, update = function(_, x, y, s, o)
  s.theta = 0.99 * s.theta + 0.01 * y:square():mean(1)
  return o.rate * (y * (y - s.theta)):t():matmul(x) / x:size(1)      -- for a conv, x is its unfolded patches
end }
local before = {}
for _, w in ipairs(net:parameters()) do before[w.name] = w.tensor:digest() end
train { model = net, data = digits.train, rule = { V1 = bcm, digit = "backprop" }, epochs = p.epochs,
  optimizer = adam { rate = 3e-2 }, batch = 8, checkpoint = true, resume = true }

local changed = 0
for _, w in ipairs(net:parameters()) do
  local learns = w.name:find "^digit" ~= nil or w.name == "V1.conv1.weight"
  if (before[w.name] ~= w.tensor:digest()) ~= learns then error(w.name) end
  changed = changed + (learns and 1 or 0)
end
report { metric = "changed", value = changed }
report { metric = "holds", value = net:holds() and 1 or 0 }

-- What leaves an excitatory cell of V1 is never below 0, what leaves an inhibitory one never above.
local signs, leaving = nil, nil
for _, b in ipairs(net:buffers()) do if b.name == "V1.cells" then signs = b.tensor end end
for _, w in ipairs(net:parameters()) do if w.name == "V2.conv1.weight" then leaving = w.tensor:detach() end end
report { metric = "excitatory", value = signs:gt(0):to "int64":sum():item() }
report { metric = "against_dale", value = (leaving * signs:reshape { 1, 32, 1, 1 }):lt(0):to "int64":sum():item() }
report(evaluate { model = net, data = digits.test, batch = 48 })
