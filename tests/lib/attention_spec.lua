-- Layers over sequences: attention and blocks of the Transformer against PyTorch's outputs and all gradients, as
-- tests/peers/attention.py wrote them; embeddings and positions by their definition; what models of them show and
-- say.
local attention = require "lamina.attention"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local io_core = require "lamina.core.io"
local model = require "lamina.model"
local ops = require "lamina.core.ops"
local words = require "lamina.words"

local FOLDER = "tests/fixtures/models/"
local torch = io_core.safetensors_read(FOLDER .. "attention.safetensors")

local function word(name) return words.find(name) end

local function draw(shape) return core.draw { kind = "normal", shape = shape, seed = 3, purpose = "attention" } end

local function close(got, want, what, bound)
  local off, size = (got - want):abs():max():item(), want:abs():max():item()
  assert.is_true(off <= (bound or 1e-5) * math.max(size, 1), string.format("%s: %g of %g", what, off, size))
end

-- A model whose input is rows of 12 features, and whose area "memory" reads more rows where there is memory.
local function net_of(time, memory, layer)
  if not memory then return model.model "t" { model.input { time, 12 }, model.area "A" { layer } } end
  return model.model "t" {
    model.input { time + memory, 12 },
    model.area "memory" { word "take" { time + 1, -1 } },
    model.area "A" { from = "input", word "take" { 1, time }, layer },
  }
end

-- PyTorch's name of a parameter of ours, within a block or attention alone.
local WEIGHTS = { weight = "in_proj_weight", bias = "in_proj_bias", out_weight = "out_proj.weight",
  out_bias = "out_proj.bias" }

-- The tensor (weight or gradient) for a parameter, sliced where cross-attention has two of ours for one of theirs.
local function theirs(case, prefix, part, cross)
  local attends = prefix == "" or prefix:find "attn" or prefix == "grad."
  local t = torch[case .. "." .. prefix .. (attends and WEIGHTS[part] or part)]
  if not cross or part:find "^out" then return t end
  local whole = torch[case .. "." .. prefix .. (part:find "bias" and "in_proj_bias" or "in_proj_weight")]
  if part:find "^memory" then return whole[{ { 13, 36 } }] end
  return whole[{ { 1, 12 } }]
end

local BLOCK = { attention1 = "self_attn.", attention2 = "multihead_attn.", dense1 = "linear1.", dense2 = "linear2.",
  norm1 = "norm1.", norm2 = "norm2.", norm3 = "norm3." }

local function each_parameter(net, visit)
  for _, p in ipairs(net:parameters()) do
    local of, part = p.name:match "([%w_]+)%.([%w_]+)$"
    local block = p.name:find "transformer"
    local cross = of == "attention2" or not block and net.nodes_by_name["memory.take1"] ~= nil
    visit(p, block and BLOCK[of] or "", part, cross)
  end
end

local function run(case, net, gradient_prefix)
  each_parameter(net, function(p, prefix, part, cross)
    p.tensor:detach():copy(theirs(case, prefix, part, cross))
  end)
  local x = torch[case .. ".x"]
  if torch[case .. ".memory"] then x = ops.concat({ x, torch[case .. ".memory"] }, { dim = 2 }) end
  x = x:clone():requires_grad(true)
  local y = net:forward(x, { training = true })
  close(y:detach(), torch[case .. ".output"], case .. " output")
  y:backward(torch[case .. ".seed"])
  local time = torch[case .. ".x"].shape[2]
  close(x.grad[{ {}, { 1, time } }], torch[case .. ".grad.x"], case .. " dx")
  if torch[case .. ".memory"] then
    close(x.grad[{ {}, { time + 1, -1 } }], torch[case .. ".grad.memory"], case .. " dmemory")
  end
  each_parameter(net, function(p, prefix, part, cross)
    close(p.tensor.grad, theirs(case, gradient_prefix .. prefix, part, cross), case .. " " .. p.name)
  end)
  return net, x
end

describe("attention", function()
  for _, case in ipairs { "plain", "causal" } do
    it("is PyTorch's, " .. case, function()
      local net, x = run(case, net_of(5, nil, word "attention" { 3, causal = case == "causal" }), "grad.")
      local maps = attention.attention_maps { net, x:detach() }
      assert.equal("A.attention1", maps[1].name)
      close(maps[1].weights, torch[case .. ".weights"], "weights")
    end)
  end

  it("to another area's rows is PyTorch's", function()
    local net, x = run("cross", net_of(5, 7, word "attention" { 3, memory = "memory" }), "grad.")
    close(attention.attention_maps({ net, x:detach() })[1].weights, torch["cross.weights"], "weights")
  end)

  -- The tokens and the rows are one input here: the first column of thirteen.
  it("hides padding as PyTorch does", function()
    local shape = { 5, 12 }
    local tell = require("lamina.layer").layer
    local tokens = tell { word = "tokens_of", shape = function() return { 5 } end,
      apply = function(_, _, x) return ops.select(x, { dim = 3, index = 1 }) end }
    local rows = tell { word = "rows_of", shape = function() return shape end,
      apply = function(_, _, x) return ops.slice(x, { dim = 3, start = 2, stop = 13 }) end }
    local net = model.model "t" { model.input { 5, 13 }, model.area "T" { tokens },
      model.area "A" { from = "input", rows, word "attention" { 3, padding = 1, tokens = "T" } } }
    each_parameter(net, function(p, _, part) p.tensor:detach():copy(theirs("padded", "", part)) end)
    local x = ops.concat({ torch["padded.tokens"]:reshape { 2, 5, 1 }, torch["padded.x"] }, { dim = 3 })
    close(net(x):detach(), torch["padded.output"], "output")
    close(attention.attention_maps({ net, x })[1].weights, torch["padded.weights"], "weights")
  end)

  it("drops weights in training alone, by seed and step", function()
    local net = net_of(5, nil, word "attention" { 3, dropout = 0.5 })
    local x = draw { 2, 5, 12 }
    local function out(ctx) return net:forward(x, ctx):detach():totable() end
    assert.same(out {}, out { step = 4 })
    assert.same(out { training = true, step = 4 }, out { training = true, step = 4 })
    assert.is_false(pcall(assert.same, out { training = true, step = 4 }, out { training = true, step = 5 }))
    assert.is_false(pcall(assert.same, out {}, out { training = true, step = 4 }))
  end)
end)

describe("transformer", function()
  for _, norm in ipairs { "post", "pre" } do
    local given = { 3, 20, norm = norm, activation = word(norm == "pre" and "gelu" or "relu") }
    it("encodes as PyTorch's block, norm = " .. norm, function()
      run("encoder_" .. norm, net_of(5, nil, word "transformer"(given)), "grad.")
    end)
    it("decodes as PyTorch's block, norm = " .. norm, function()
      local own = { causal = true, memory = "memory" }
      for key, value in pairs(given) do own[key] = value end
      run("decoder_" .. norm, net_of(5, 7, word "transformer"(own)), "grad.")
    end)
  end

  it("makes a vision transformer with torchvision's weights and outputs", function()
    local net = collection.vit_mini { input = { 3, 16, 16 }, patch = 4, features = 8, heads = 2, hidden = 12,
      classes = 5, weights = FOLDER .. "vit.safetensors" }
    close(net(torch["vit.input"]):detach(), torch["vit.output"], "vit", 1e-4)
  end)

  it("keeps what comes later out of a causal decoder", function()
    local net = collection.transformer_decoder { classes = 9, input = 6, layers = 2, features = 8, heads = 2,
      hidden = 16 }
    local x = core.tensor { { 1, 2, 3, 4, 5, 6 } }
    local y = core.tensor { { 1, 2, 3, 9, 9, 9 } }
    assert.same(net(x)[{ {}, { 1, 3 } }]:detach():totable(), net(y)[{ {}, { 1, 3 } }]:detach():totable())
    assert.is_false(net(x)[1][4]:detach():totable()[1] == net(y)[1][4]:detach():totable()[1])
  end)

  it("trains", function()
    local net = collection.transformer { classes = 8, input = 3, layers = 1, features = 16, heads = 2, hidden = 32,
      dropout = 0 }
    local optimizer = words.find "adam" { rate = 1e-2 }
    optimizer:attach(net)
    local x = core.tensor({ { 2, 3, 4, 1, 2, 3 }, { 5, 6, 7, 1, 5, 6 } }, { dtype = "int64" })
    local want, first, last = core.tensor({ 2, 3, 4, 5, 6, 7 }, { dtype = "int64" }), nil, nil
    for step = 1, 40 do
      local y = net:forward(x, { training = true, step = step })
      local loss = ops.cross_entropy(ops.reshape(y, { -1, 8 }), want)
      optimizer:step(loss)
      first, last = first or loss:item(), loss:item()
    end
    assert.is_true(last < 0.05 * first)
  end)
end)

describe("embedding, position, take, tokens and class_token", function()
  it("look tokens up, and back", function()
    local shared, embed = words.find "shared", word "embedding" { 4, 3, scaled = true }
    local net = model.model "t" { model.input { 2 }, model.area "A" { shared(embed) },
      model.readout "r" { shared(embed, { inverse = true }) } }
    assert.equal(12, net:count())
    local w = net:parameters()[1].tensor:detach()
    local rows = net:activations(core.tensor({ { 3, 1 } }, { dtype = "int64" }), "A").A
    close(rows[1], ops.stack { w[3], w[1] } * math.sqrt(3), "rows")
    close(net(core.tensor { { 3, 1 } }):detach()[1], ops.matmul(rows[1], w:t()), "numbers")
    local ok, e = pcall(net, core.tensor { { 3, 5 } })
    assert.is_false(ok)
    assert.matches("5", tostring(e))
  end)

  it("add sines and cosines, or what is learned", function()
    local net = model.model "t" { model.input { 7, 5 }, model.area "A" { word "position" } }
    local code = net(core.zeros { 1, 7, 5 }):totable()[1]
    for t = 0, 6 do
      for i = 0, 4 do
        local angle = t / 10000 ^ (2 * (i // 2) / 5)
        assert.near(i % 2 == 0 and math.sin(angle) or math.cos(angle), code[t + 1][i + 1], 1e-6)
      end
    end
    local learned = model.model "t" { model.input { 7, 5 }, model.area "A" { word "position" { "learned" } } }
    assert.same({ 1, 7, 5 }, learned:parameters()[1].tensor.shape)
    local x = draw { 2, 7, 5 }
    close(learned(x):detach(), x + learned:parameters()[1].tensor:detach(), "learned")
  end)

  it("move rows", function()
    local x = draw { 2, 3, 2, 2 }
    local net = model.model "t" { model.input { 3, 2, 2 }, model.area "A" { word "tokens", word "class_token" {
      init = { "constant", value = 5 } } }, model.area "B" { word "take" { 2, -1 } },
      model.area "C" { word "take" { -2 } } }
    local out = net:activations(x, { "A", "B", "C" })
    assert.same({ 2, 5, 3 }, out.A.shape)
    assert.same({ 5, 5, 5 }, out.A[2][1]:totable())
    assert.same(x[{ {}, 2, 1, 2 }]:totable(), out.B[{ {}, 2, 2 }]:totable())
    assert.same(out.B[{ {}, 3 }]:totable(), out.C:totable())
  end)

  it("say what does not fit", function()
    for _, case in ipairs {
      { { 5 }, word "attention" { 2 }, "attention: needs an input of time x features, such as input { 100, 64 "
        .. "}, got 5" },
      { { 3, 4, 4 }, word "attention" { 2 }, "got 3x4x4; tokens makes a sequence of the pixels of maps" },
      { { 5, 6 }, word "attention" { 4 }, "attention: heads = 4 does not divide the 6 units; heads = 3" },
      { { 5, 6 }, word "attention" { 2, memory = "B" }, "attention: \"B\" names nothing that stands before it" },
      { { 5, 6 }, word "attention" { 2, padding = 1 }, "padding looks at input, which is 5x6; it must be the 5 "
        .. "tokens" },
      { { 5, 6 }, word "transformer" { 2 }, "transformer: option 'hidden' is missing" },
      { { 5, 6 }, word "transformer" { 2, 8, norm = "both" }, "expected one of 'post', 'pre'" },
      { { 5 }, word "transformer" { 2, 8 }, "transformer: needs an input of time x features" },
      { { 5, 6 }, word "embedding" { 8, 4 }, "embedding: needs an input of tokens such as input { 12 }, got 5x6" },
      { { 5, 6 }, word "take" { 6 }, "take: rows 6 to 6 of 5x6, which has rows 1 to 5" },
      { { 5 }, word "position", "position: needs an input of time x features" },
      { { 5 }, word "tokens", "tokens: needs an input of channels x height x width, got 5" },
    } do
      local ok, e = pcall(function()
        return model.model "t" { model.input(case[1]), model.area "A" { case[2] } }
      end)
      assert.is_false(ok, case[3])
      assert.matches(case[3], tostring(e), 1, true)
    end
  end)
end)

describe("attention_rollout", function()
  it("is the product of what passes through and around", function()
    local block = word "transformer"
    local net = model.model "t" { model.input { 4, 6 }, model.area "A" { block { 2, 8 } },
      model.area "B" { block { 3, 8 } } }
    local x = draw { 2, 4, 6 }
    local maps = attention.attention_maps { net, x }
    local product = core.eye(4)
    for _, map in ipairs(maps) do
      product = ops.matmul(ops.mean(map.weights, { dim = 2 }) * 0.7 + core.eye(4) * 0.3, product)
    end
    local rollout = attention.attention_rollout { net, x, own = 0.3 }
    close(rollout, product, "rollout")
    close(ops.sum(rollout, { 3 }), core.ones { 2, 4 }, "rows")
    local ok, e = pcall(attention.attention_maps, { net_of(5, nil, word "relu"), draw { 1, 5, 12 } })
    assert.is_false(ok)
    assert.matches("has no layer of attention", tostring(e), 1, true)
  end)
end)
