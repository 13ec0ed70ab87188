-- What neural words say of what they were given, and the quantities that they name after a paper.
local lamina = require "lamina"
local said = require "support.said"

local neural, tensor, randn = lamina.neural, lamina.tensor, lamina.randn
local message_of = said.message

local folder = os.tmpname() .. ".words"
require("lamina.core.base").mkdir(folder)

local function ids(n)
  local list = {}
  for i = 1, n do list[i] = "s" .. i end
  return list
end

describe("cc_norm", function()
  local S, U, N = 12, 3, 4
  local signal = randn { S, U, 1, dtype = "float64" }
  local x = signal + randn { S, U, N, dtype = "float64" } * 0.5 + randn { 1, U, N, dtype = "float64" }
  local guess = signal:reshape { S, U } + randn { S, U, dtype = "float64" } * 0.3

  -- over stimuli, n - 1
  local function covariance(a, b)
    local ma, mb, sum = 0, 0, 0
    for i = 1, #a do ma, mb = ma + a[i] / #a, mb + b[i] / #b end
    for i = 1, #a do sum = sum + (a[i] - ma) * (b[i] - mb) end
    return sum / (#a - 1)
  end

  it("is that of Schoppe et al. 2016, by their equation", function()
    local found = neural.scores { guess, neural.assembly { { responses = x, stimulus_id = ids(S) } } }
    for u = 1, U do
      local total, mean, each = {}, {}, 0
      for s = 1, S do
        total[s] = x[{ s, u }]:sum():item()
        mean[s] = total[s] / N
      end
      for n = 1, N do
        local one = x[{ {}, u, n }]:totable()
        each = each + covariance(one, one)
      end
      local power = (covariance(total, total) - each) / (N * (N - 1))
      local p = guess[{ {}, u }]:totable()
      assert.near(covariance(p, mean) / math.sqrt(covariance(p, p) * power), found.cc_norm[u], 1e-12)
    end
  end)

  it("counts a pair of repeats by the stimuli that have both", function()
    local holed = x:clone()
    for _, at in ipairs { { 1, 1, 4 }, { 2, 1, 3 }, { 2, 1, 4 }, { 7, 1, 1 }, { 5, 2, 2 } } do holed[at] = 0 / 0 end
    local a = neural.assembly { { responses = holed, stimulus_id = ids(S) }, missing = "nan" }
    local power = require("lamina.neural.trials").signal_power(a)
    for u = 1, U do
      local products, freedom = 0, 0
      for n = 1, N do
        for m = n + 1, N do
          local one, other = {}, {}
          for s = 1, S do
            local v, w = holed[{ s, u, n }], holed[{ s, u, m }]
            if v == v and w == w then one[#one + 1], other[#other + 1] = v, w end
          end
          products = products + covariance(one, other) * (#one - 1)
          freedom = freedom + #one - 1
        end
      end
      assert.near(products / freedom, power[u], 1e-12)
    end
  end)
end)

describe("an assembly's file without responses", function()
  it("is told what the file holds, and what to do", function()
    local path = folder .. "/other.npz"
    lamina.data.save_npz(path, { spikes = tensor { { 1, 2, 3 }, { 4, 5, 6 } }, stim = { "a", "b" } })
    assert.matches("other.npz: there is no numeric array 'responses'; there are spikes %(2x3%), stim %(a list of 2%)"
      .. "%. An array of another name is read with data.mat, data.hdf5 or data.npz and given as neural.assembly { { "
      .. "responses = x, stimulus_id = ids } }", message_of(neural.assembly, path))
    assert.matches("there is responses %(a string%)", message_of(neural.assembly, { { responses = "x" } }))
    assert.matches("there is session %(a table of date, rate%)",
      message_of(neural.assembly, { { session = { rate = tensor { 1 }, date = "may" } } }))
    assert.matches("there are no arrays at all", message_of(neural.assembly, { {} }))
  end)
end)

describe("a tensor where something else belongs", function()
  local x = randn { 6, 2 }

  it("is called a tensor", function()
    local labels = { 1, 1, 1, 2, 2, 2 }
    local function decoding(o)
      return message_of(lamina.decode, { x, labels, splits = o.splits, classifier = o.by })
    end
    assert.matches("decode: classifier is a tensor, expected", decoding { by = x })
    assert.matches("decode: splits is a tensor, expected", decoding { splits = x })
    assert.matches("predictivity: model is a tensor, expected a model", message_of(lamina.predictivity,
      { model = x, stimuli = lamina.stimuli.array { lamina.rand { 6, 1, 2, 2 }, ids = ids(6) },
        responses = neural.assembly { { responses = randn { 6, 2, 3 }, stimulus_id = ids(6) } }, reliability = -1,
        splits = lamina.kfold { 2 } }))
    assert.matches("neural.compare: expected a list of scores, got a tensor", message_of(neural.compare, x))
    assert.matches("neural.compare: .*an entry is a tensor", message_of(neural.compare, { x, x }))
    assert.matches("estimate: expected an assembly %(neural.assembly%), got a tensor",
      message_of(function() lamina.split_half({ 2 }):estimate(x) end))
  end)
end)

describe("criteria", function()
  local set = lamina.stimuli.array { lamina.rand { 12, 1, 4, 4 } }
  local function said_of(given)
    given.domain, given.data = set, {}
    return message_of(lamina.criteria, given)
  end

  it("says what its areas must be", function()
    local model = { { "pixels", function(x) return x end } }
    assert.matches("criteria: areas has a name, 'V1', and a table of names has no order, expected a list: areas = { "
      .. "{ \"V1\", layers = { \"V1\" } }", said_of { model = model, areas = { V1 = "V1" } })
    assert.matches("criteria: areas is empty, expected a list", said_of { model = model, areas = {} })
    assert.matches("criteria: areas: entry 1 is a tensor, expected", said_of { model = model,
      areas = { tensor { 1 } } })
    assert.matches("criteria: model is a tensor, expected a model or a list",
      said_of { model = tensor { 1 }, areas = { { "V1" } } })
  end)
end)

describe("train", function()
  local x = randn { 40, 3 }

  it("says what a Poisson loss needs where the output is negative", function()
    local net = lamina.model "linear" { lamina.input { 3 }, lamina.readout "out" { lamina.dense { 2 } } }
    local set = lamina.data.tensors { x, lamina.rand { 40, 2 } }
    local message = message_of(lamina.train, { model = net, data = set, loss = "poisson", epochs = 1 })
    assert.matches("train: the loss is NaN at epoch 1, step 1", message)
    assert.matches("the loss takes the logarithm of outputs, and some are below 0: end the model in softplus or "
      .. "relu, or give poisson its option log_input = true", message)
    assert.not_matches("a smaller rate", message)
  end)
end)

describe("plot.layers", function()
  it("names the score's measure", function()
    local function label(measure, formula)
      local row = { layer = "V1", area = "V1", r = 0.4, low = 0.3, high = 0.5, ceiling = 0.8, ceiled = 0.5,
        ceiled_low = 0.4, ceiled_high = 0.6, n = 3 }
      local figure = lamina.plot.layers { rows = { row }, measure = measure, formula = formula }
      return figure.panels[1].ylabel, figure.panels[2] and figure.panels[2].ylabel
    end
    assert.same({ "median Pearson r", "median r / ceiling" }, { label("r", "r / c") })
    assert.same({ "median explained variance", "median ev / ceiling\u{b2}" }, { label("ev", "ev / c^2") })
    assert.same({ "median R\u{b2}", "median R\u{b2} / ceiling\u{b2}" }, { label("r2", "r2 / c^2") })
    assert.same({ "median bits per event" }, { label("poisson", "none") })
  end)

  local function score(rows)
    local all = {}
    for layer, r in pairs(rows) do
      all[#all + 1] = { layer = layer, area = layer, r = r, low = r - 0.1, high = r + 0.1, ceiling = 0.8,
        ceiled = r / 0.8, ceiled_low = r / 0.8 - 0.1, ceiled_high = r / 0.8 + 0.1, n = 3 }
    end
    table.sort(all, function(a, b) return a.layer < b.layer end)
    return { rows = all, measure = "r", formula = "r / c" }
  end

  local function bars(panel)
    local found = {}
    for _, mark in ipairs(panel.marks) do
      if mark.kind == "bars" then found[#found + 1] = mark end
    end
    return found
  end

  it("puts scores of one layer each side by side", function()
    local figure = lamina.plot.layers { score { IT = 0.4 }, score { V4 = 0.6 }, labels = { "deep", "shallow" } }
    assert.equal(1, #figure.panels)
    local one = bars(figure.panels[1])
    assert.equal(1, #one)
    assert.same({ 0.4, 0.6 }, one[1].values)
    assert.is_true(one[1].colors[1] ~= one[1].colors[2])
    assert.same({ "deep", "shallow" }, figure.panels[1].xcategories)
    local shown = lamina.plot.layers { score { IT = 0.4 }, score { V4 = 0.6 }, show = "both" }
    assert.equal(2, #shown.panels)
    assert.same({ "IT", "V4" }, shown.panels[2].xcategories)
    assert.near(0.75, bars(shown.panels[2])[1].values[2], 1e-12)
  end)

  it("puts scores of the same layers side by side, and others into panels", function()
    local a, b = score { V4 = 0.3, IT = 0.4 }, score { V4 = 0.5, IT = 0.6 }
    local figure = lamina.plot.layers { a, b, labels = { "A", "B" }, title = "both" }
    assert.equal(1, #figure.panels)
    local two = bars(figure.panels[1])
    assert.equal(2, #two)
    for k, mark in ipairs(two) do
      assert.same({ 2, k, ({ "A", "B" })[k] }, { mark.of, mark.at, mark.label })
      assert.same(({ { 0.4, 0.3 }, { 0.6, 0.5 } })[k], mark.values)
    end
    assert.same({ "IT", "V4" }, figure.panels[1].xcategories)
    assert.equal("both", figure.panels[1].title)
    assert.equal(5, #figure.table)
    assert.same({ "B", "V4", "V4", 0.5 }, table.move(figure.table[5], 1, 4, 1, {}))
    b.rows[1].ceiling = 0.7 -- other neurons
    assert.equal(2, #lamina.plot.layers({ a, b }).panels)
    assert.equal(1, #lamina.plot.layers({ a, b, show = "ceiled" }).panels)
    assert.equal(2, #lamina.plot.layers({ a, score { V1 = 0.1, IT = 0.2 } }).panels)
  end)
end)
