-- Every result of the neural words can be noted with report and written as CSV; what a file says is what the result
-- holds, read back by data.csv.
local lamina = require "lamina"

local neural, predictivity, kfold, randn = lamina.neural, lamina.predictivity, lamina.kfold, lamina.randn

local folder = os.tmpname() .. ".tables"
require("lamina.core.base").mkdir(folder)

local S = 48
local early, late = randn { S, 4, dtype = "float64" }, randn { S, 4, dtype = "float64" }
local rates = lamina.concat({ early:matmul(randn { 4, 3, dtype = "float64" }),
  late:matmul(randn { 4, 3, dtype = "float64" }) }, { dim = 2 })
local a = neural.assembly { { responses = rates:unsqueeze(3) + randn { S, 6, 5, dtype = "float64" } * 0.3,
  stimulus_id = lamina.arange(1, S), neuroid_region = { "V4", "V4", "V4", "IT", "IT", "IT" },
  neuroid_depth = { 3, 1, 2, 6, 5, 4 } } }
local function scored(more)
  local o = { features = { { "early", early }, { "late", late } }, responses = a, splits = kfold { 4 },
    bootstrap = 100, seed = 7 }
  for name, value in pairs(more or {}) do o[name] = value end
  return predictivity(o)
end

-- The file that a result writes, as columns.
local function written(result, ...)
  local path = folder .. "/table.csv"
  assert.equal(result, result:csv(path, ...))
  return lamina.data.csv(path)
end

-- What report would note.
local function noted(result)
  for _, row in ipairs(result:results()) do
    assert.equal("number", type(row.value))
    assert.is_true(row.label == nil or row.label == "exact" or row.label == "close")
    assert.equal("string", type(row.what))
  end
  return result:results()
end

describe("results of the neural words, as tables", function()
  it("of pairs of models", function()
    local c = neural.compare { scored() }
    local t = written(c)
    local row = c.rows[1]
    assert.same({ row.first, row.second, c.n, c.seed }, { t.first[1], t.second[1], t.n[1], t.seed[1] })
    assert.near(row.difference, t.difference[1], 1e-15)
    assert.near(row.q, t.q[1], 1e-15)
    assert.equal(#c.rows, #noted(c))
  end)

  it("of areas and layers", function()
    local c = neural.correspondence { scored { by = "region" }, areas = { "V4", "IT" } }
    local t = written(c)
    assert.same({ "V4", "IT" }, { t.area[1], t.area[2] })
    assert.same({ "early", "late", 1, 2 }, { t.layer[1], t.layer[2], t.place[1], t.place[2] })
    assert.near(c.rows[2].score, t.score[2], 1e-15)
    local list = noted(c)
    assert.equal("correspondence (IT)", list[2].metric)
    assert.near(c.rows[2].score, list[2].value, 0)
    local one = neural.correspondence(scored { by = "region", features = { early = early } })
    assert.matches("Spearman's rho has no value, one layer is best for all", tostring(one))
    assert.matches("bootstrap over neuroids, 100, seed 0", tostring(one))
  end)

  it("of decoding, with what was taken for what", function()
    local labels = {}
    for i = 1, S do labels[i] = i % 3 == 0 and "face" or i % 3 == 1 and "hand" or "car" end
    local d = lamina.decode { late, labels, splits = kfold { 4 }, bootstrap = 100, seed = 2, permutations = 20 }
    local t = written(d)
    assert.same({ d.n, 4, 2, 20, d.splits }, { t.n[1], t.features[1], t.seed[1], t.permutations[1], t.splits[1] })
    assert.near(d.accuracy, t.accuracy[1], 1e-15)
    local c = written(d, "confusion")
    for i, class in ipairs(d.classes) do
      assert.equal(class, c.class[i])
      for j, given in ipairs(d.classes) do assert.equal(d.confusion[i][j], c[given][i]) end
    end
    assert.matches("bootstrap over items, 100, seed 2", tostring(d))
    local _, err = lamina.try(d.table, d, "p")
    assert.matches("there is no table of 'p' %(there are rows, confusion%)", err.message)
  end)

  it("of the three criteria", function()
    local set = lamina.stimuli.gratings { size = 12, orientation = lamina.arange(0, 170, 10), frequency = { 2, 3 } }
    local net = lamina.model "m" { lamina.input { 1, 12, 12 }, lamina.area "V1" { lamina.conv { 4, kernel = 5 },
      lamina.relu } }
    local c = lamina.criteria { model = net, domain = set, areas = { { "V1", layers = { "V1.conv1", "V1" } } },
      data = { V1 = neural.simulate { set, simple = 6, repeats = 4, rate = 20 } }, images = 10, seed = 3 }
    local t, row = written(c), c.predictive.areas[1]
    assert.same({ "V1", row.layer, row.n, 0.5 }, { t.area[1], t.layer[1], t.n[1], t.least[1] })
    assert.near(row.ev, t.ev[1], 1e-15)
    local list = noted(c)
    assert.same({ "computable", "mappable", "predictive", "predictive (V1)" }, { list[1].metric, list[2].metric,
      list[3].metric, list[4].metric })
    assert.same({ 1, c.predictive.pass and 1 or 0 }, { list[1].value, list[3].value })
    local text = tostring(c)
    assert.matches("\n  V1: best of 2 layers, selected on these images; 36 stimuli; %d of 6 neuroids", text)
    assert.matches("\n  map: ridge.-\n  splits: kfold: 5 folds of images, seed 3\n  ceiling c: square root of split",
      text)
    assert.matches("\n  interval: bootstrap over neuroids %(1000, seed 3%)$", text)
  end)

  it("of all measures, neuroid by neuroid", function()
    local s = neural.scores { a:mean(), a }
    local t = written(s)
    assert.same({ 3, 1, 2, 6, 5, 4 }, { t.depth[1], t.depth[2], t.depth[3], t.depth[4], t.depth[5], t.depth[6] })
    assert.equal("IT", t.region[4])
    for _, name in ipairs { "r", "ev", "noise", "feve", "cc_norm" } do
      for i = 1, 6 do assert.near(s[name]:reshape({ -1 })[i], t[name][i], 1e-12) end
    end
    local text = tostring(s)
    assert.matches("^scores of predictions: %d+ stimuli, 6 neuroids, up to %d+ repeats of each; 0 of %d+ trials "
      .. "missing\n  over neuroids that have a value, nothing cut off[^\n]*\n", text)
    for _, line in ipairs { "ev%s+1.000  1.000    1.000         6  1 %- var%(m %- p%) / var%(m%)\n",
      "\nfeve .-  6  1 %- %(mean %(y %- p%)%^2 %- noise%) / %(var%(y%) %- noise%)\n" } do
      assert.matches(line, text)
    end
  end)

  it("of untangling and of ceilings of RDMs", function()
    local set = lamina.stimuli.objects { 60, size = 16, classes = 2, seed = 1 }
    local u = neural.untangling { stimuli = set, features = { { "pixels", set.x } }, samples = 20, draws = 2 }
    assert.near(u.rows[1].accuracy, noted(u)[1].value, 0)
    local ceiling = lamina.rdm_ceiling { lamina.rdm.from { lamina.rand { 3, 45 } } }
    local list = noted(ceiling)
    assert.same({ ceiling.lower, ceiling.upper }, { list[1].value, list[2].value })
  end)

  it("and as the figure that plot.layers draws", function()
    local score = scored()
    local one, other = folder .. "/one.svg", folder .. "/other.svg"
    score:plot({ title = "layers" }):save(one)
    lamina.plot.layers({ score, title = "layers" }):save(other)
    local function text(path)
      local file <close> = assert(io.open(path))
      return file:read "a"
    end
    assert.equal(text(other), text(one))
  end)
end)

describe("a folder of stimuli", function()
  local dir = folder .. "/pictures"
  require("lamina.core.base").mkdir(dir)
  local function text(lines)
    local file <close> = assert(io.open(dir .. "/stimuli.csv", "w"))
    file:write(lines)
  end
  local function message()
    local _, err = lamina.try(lamina.stimuli.folder, dir)
    return err and err.message
  end

  it("names each image once", function()
    for _, name in ipairs { "face.png", "hand.png" } do
      lamina.image.write { dir .. "/" .. name, lamina.rand { 1, 8, 8 } }
    end
    text "stimulus_id,filename\nface,face.png\nhand,hand.png\nface,hand.png\n"
    assert.equal("stimuli.folder: stimulus_id face stands for face.png and hand.png (rows 1 and 3 of the table): "
      .. "every image needs an id of its own", message())
    text "stimulus_id,filename\nface,face.png\nhand,hand.png\n"
    assert.same({ "face", "hand" }, lamina.stimuli.folder(dir).id)
    os.remove(dir .. "/stimuli.csv")
    os.rename(dir .. "/hand.png", dir .. "/face.PNG")
    assert.equal("stimuli.folder: stimulus_id face stands for face.PNG and face.png: every image needs an id of its "
      .. "own", message())
  end)
end)
