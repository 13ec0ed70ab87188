--- gru { units, steps = "last", layers =, bidirectional =, bias =, dropout =, stateful =, init = }
return require("lamina.model.recurrent").define {
  word = "gru", gates = 3, rows = "3 units",
  example = [[
net = model "m" { input { 20, 3 }, area "V1" { gru { 8 } } }   -- 20 steps of 3 features
net.V1.shape   --> { 8 }]],
  doc = "Gated recurrent units (Cho et al. 2014), the reset after the product, as PyTorch has them: r, z = sigmoid "
    .. "of W x[t] + b + U h[t - 1] + c, n = tanh(W x[t] + b + r (U h[t - 1] + c)), gates in the order r, z, n; "
    .. "h = (1 - z) n + z h.",
}
