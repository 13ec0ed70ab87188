-- A vanilla recurrent network of 128 units learns to add marked numbers of a sequence: what ./run exact compares.
local p = experiment "exact-rnn" { seed = 1, params = { steps = 20, units = 128, length = 100, batch = 64 } }

local function leaf(...) return (randn { ... } * 0.1):requires_grad(true) end
local inward, recurrent, bias, outward = leaf(2, p.units), leaf(p.units, p.units), leaf(p.units), leaf(p.units, 1)
local weights = { inward, recurrent, bias, outward }
local optimizer, loss_value = adam { rate = 1e-3 }, nil
optimizer:attach(weights)

for _ = 1, p.steps do
  local value, mark = rand { p.length, p.batch, 1 }, (rand { p.length, p.batch, 1 }:lt(0.02)):to "float32"
  local target = (value * mark):sum(1)
  local x, h = concat({ value, mark }, 3), zeros { p.batch, p.units }
  for t = 1, p.length do h = (x[t]:matmul(inward) + h:matmul(recurrent) + bias):tanh() end
  local loss = mse(h:matmul(outward), target)
  optimizer:step(loss)
  loss_value = loss:item()
end

for i, name in ipairs { "inward", "recurrent", "bias", "outward" } do
  require("lamina.experiment").record_weights(name, weights[i]:digest())
end
report { metric = "last_loss", value = loss_value }
