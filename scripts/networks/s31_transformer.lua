-- s31_transformer.lua: SYSTEMS S31. Attention is what its definition says, a causal mask lets nothing of later rows
-- through, an encoder without positions does not know the order of its input, and a small Transformer learns to copy
-- and to reverse sequences of 12 tokens (Vaswani et al. 2017).
--
-- The Transformer of the tasks reads 12 symbols and writes them, or the same backwards, one after another: each token
-- it gives is the next input of its decoder. Adam with the paper's betas and warm-up, label smoothing 0.1. The
-- figure: where the decoder's last layer looks in the source while it writes, the mean over heads and sequences.
local p = experiment "s31-transformer" { seed = 1,
  params = { length = 12, symbols = 10, layers = 2, features = 64, heads = 4, hidden = 128, batch = 64, steps = 600,
    rate = 2e-3, warmup = 200, tested = 500 } }

local function result(metric, value, comparison, threshold)
  report { id = "S31", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

-- ---- attention -------------------------------------------------------------------------------------------------

-- Row i of item b and head h by its definition, in Lua's own numbers.
local function naive_row(q, k, v, b, h, i, width, causal)
  local first, scores, top, total, out = (h - 1) * width, {}, -math.huge, 0, {}
  for j = 1, causal and i or #k[b] do
    local sum = 0
    for f = 1, width do sum = sum + q[b][i][first + f] * k[b][j][first + f] end
    scores[j] = sum / math.sqrt(width)
    top = math.max(top, scores[j])
  end
  for j, s in ipairs(scores) do
    scores[j] = math.exp(s - top)
    total = total + scores[j]
  end
  for f = 1, width do
    out[f] = 0
    for j, s in ipairs(scores) do out[f] = out[f] + s / total * v[b][j][first + f] end
  end
  return out
end

local function naive_error(causal)
  local heads, width, batch, time = 4, 16, 2, 20
  local q, k, v = randn { batch, time, heads * width }, randn { batch, time, heads * width },
    randn { batch, time, heads * width }
  local y = ops.attention(q, k, v, { heads = heads, causal = causal }):totable()
  local lq, lk, lv, most = q:totable(), k:totable(), v:totable(), 0
  for b = 1, batch do
    for h = 1, heads do
      for i = 1, time do
        for f, want in ipairs(naive_row(lq, lk, lv, b, h, i, width, causal)) do
          most = math.max(most, math.abs(want - y[b][i][(h - 1) * width + f]))
        end
      end
    end
  end
  return most
end

result("attention_naive_error", math.max(naive_error(false), naive_error(true)), "<=", 1e-5)

-- How much the outputs for the first 11 of 24 tokens change when the others do.
local decoder = models.transformer_decoder { classes = 20, input = 24, layers = 3, features = 32, heads = 4,
  hidden = 64, seed = 2 }
local first = randint(1, 20, { 8, 24 })
local other = ops.concat({ first[{ {}, { 1, 11 } }], randint(1, 20, { 8, 13 }) }, { dim = 2 })
local leakage = (decoder(first) - decoder(other))[{ {}, { 1, 11 } }]:abs():max():item()
result("causal_leakage", leakage, "==", 0)

-- Tokens in another order give the same rows in that order, unless positions are added.
local function order_error(position)
  local net = models.transformer_encoder { classes = 20, input = 16, layers = 3, features = 32, heads = 4,
    hidden = 64, position = position, seed = 3 }
  local x, order = randint(1, 20, { 8, 16 }), permutation(16)
  local moved = net(x:index_select(order, { dim = 2 }))
  local y = net(x)
  return ((moved - y:index_select(order, { dim = 2 })):abs():max() / y:abs():max()):item()
end

local without, with = order_error "none", order_error "sincos"
print(string.format("rows of tokens in another order differ by %.1g without positions, by %.2f with them", without,
  with))
result("permutation_equivariant_without_positions", without <= 1e-5 and with > 1e-2 and 1 or 0, "==", 1)

-- ---- copying and reversing --------------------------------------------------------------------------------------

local START = p.symbols + 1

-- Sources, and what is to be written.
local function drawn(n, reverse)
  local source = randint(1, p.symbols, { n, p.length })
  return source, reverse and ops.flip(source, { dims = { 2 } }) or source
end

-- The share of right tokens, each of which the decoder is given once it has written it.
local function accuracy(net, reverse)
  local source, target = drawn(p.tested, reverse)
  local starts = full({ p.tested, p.length }, START):to "int64"
  local known = starts
  for t = 1, p.length do
    local y = no_grad(function() return net(ops.concat({ source, known }, { dim = 2 })) end)
    local token = ops.argmax(y[{ {}, t }], { dim = 2 }):reshape { p.tested, 1 }
    known = ops.concat({ known[{ {}, { 1, t } }], token, starts }, { dim = 2 })
    if t < p.length then known = known[{ {}, { 1, p.length } }] end
  end
  local right = known[{ {}, { 2, p.length + 1 } }]:eq(target):to "float32"
  print(string.format("  %.1f %% of the sequences are right from the first token to the last",
    100 * ops.min(right, { dim = 2 }):mean():item()))
  return 100 * right:mean():item()
end

local function learned(task)
  local net = models.transformer { name = task, classes = p.symbols + 1, input = p.length, layers = p.layers,
    features = p.features, heads = p.heads, hidden = p.hidden, dropout = 0, seed = 4 }
  local optimizer = adam { rate = p.rate, beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9,
    schedule = inverse_root { warmup = p.warmup } }
  optimizer:attach(net)
  optimizer:plan { steps = p.steps }
  for step = 1, p.steps do
    local source, target = drawn(p.batch, task == "reverse")
    local input = ops.concat({ source, full({ p.batch, 1 }, START):to "int64", target[{ {}, { 1, -2 } }] },
      { dim = 2 })
    local y = net:forward(input, { training = true, step = step })
    local loss = cross_entropy(y:reshape { -1, p.symbols + 1 }, target:reshape { -1 }, { label_smoothing = 0.1 })
    optimizer:step(loss)
    if step % 250 == 0 then print(string.format("%s: step %d, loss %.4f", task, step, loss:item())) end
  end
  return accuracy(net, task == "reverse"), net
end

-- ---- where it looks ----------------------------------------------------------------------------------------------

-- The weights of the decoder's last layer for the source, written x read.
local function looked(net, reverse)
  local source, target = drawn(64, reverse)
  local input = ops.concat({ source, full({ 64, 1 }, START):to "int64", target[{ {}, { 1, -2 } }] }, { dim = 2 })
  local last
  for _, map in ipairs(attention_maps { net, input }) do
    if map.memory then last = map.weights end
  end
  return last:mean { dim = { 1, 2 } }
end

local function panel(map, title)
  return plot.heatmap { map, label = "share of attention", low = 0, high = 1, aspect = 1, title = title,
    xlabel = "token read", ylabel = "token written" }
end

local copied, copier = learned "copy"
result("copy_accuracy_percent", copied, ">=", 99)
local reversed, reverser = learned "reverse"
result("reverse_accuracy_percent", reversed, ">=", 99)
plot.panels { panel(looked(copier, false), "Copy"), panel(looked(reverser, true), "Reverse"), width = 110 }
  :save "figure.svg"
