--- lstm { units, forget_bias = 0, steps = "last", layers =, bidirectional =, bias =, dropout =, stateful =, init = }
return require("lamina.model.recurrent").define {
  word = "lstm", gates = 4, rows = "4 units",
  example = [[
net = model "m" { input { 20, 3 }, area "V1" { lstm { 8 } } }
net.V1.shape, net:count()   --> { 8 } 416]],
  doc = "Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000): i, f, o = sigmoid "
    .. "and g = tanh of W x[t] + b + U h[t - 1] + c, gates in the order i, f, g, o; cell = f cell + i g; h = o "
    .. "tanh(cell).",
  options = {
    forget_bias = { type = "number", default = 0, doc = "added to the first bias of the forget gate; 1 makes cells "
      .. "keep what they hold at first (Jozefowicz et al. 2015)" },
  },
}
