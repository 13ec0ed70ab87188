-- A plain recurrent network of 128 units learns to add marked numbers of a sequence: what ./run exact compares.
local p = experiment "exact-rnn" { seed = 1, params = { steps = 20, units = 128, length = 100, batch = 64 } }

local net = model "adding" { input { p.length, 2 }, area "A" { rnn { p.units } }, readout "sum" { dense { 1 } } }
local optimizer, loss_value = adam { rate = 1e-3 }, nil
optimizer:attach(net)

for _ = 1, p.steps do
  local value, mark = rand { p.batch, p.length, 1 }, (rand { p.batch, p.length, 1 }:lt(0.02)):to "float32"
  local loss = mse(net(concat({ value, mark }, 3)), (value * mark):sum(2))
  optimizer:step(loss)
  loss_value = loss:item()
end

report { metric = "last_loss", value = loss_value }
