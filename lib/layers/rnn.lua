--- rnn { units, nonlinearity = "tanh", steps = "last", layers =, bidirectional =, bias =, dropout =, stateful =,
-- init = }
return require("lamina.model.recurrent").define {
  word = "rnn", gates = 1, rows = "units",
  example = [[
net = model "m" { input { 20, 3 }, area "V1" { rnn { 8 } } }
net.V1.shape   --> { 8 }]],
  doc = "A plain recurrent network: h[t] = tanh(W x[t] + b + U h[t - 1] + c), or relu (Elman 1990).",
  options = {
    nonlinearity = { type = "string", default = "tanh", choices = { "tanh", "relu" },
      doc = "what is applied to the sums" },
  },
}
