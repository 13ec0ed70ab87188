-- Mistakes in choosing, joining and scoring neurons: each answered at its line, with what there is and what to do;
-- and that print says what was used, not what was asked for.
local lamina = require "lamina"
local said = require "support.said"

local neural, predictivity, ridge, kfold, grouped = lamina.neural, lamina.predictivity, lamina.ridge, lamina.kfold,
  lamina.grouped
local tensor, randn, rand, stimuli = lamina.tensor, lamina.randn, lamina.rand, lamina.stimuli

local message_of = said.message

local folder = os.tmpname() .. ".mistakes"
require("lamina.core.base").mkdir(folder)

local S, U = 30, 6
local ids, movie, kind = {}, {}, {}
for i = 1, S do ids[i], movie[i], kind[i] = "s" .. i, i % 3, i <= 20 and "natural" or "texture" end
local names, depth = { "a", "b", "c", "d", "e", "f" }, { 1, 2, 0 / 0, 4, 5, 6 }
local region = { "V4", "V4", "V4", "IT", "IT", "IT" }
local a = neural.assembly { { responses = randn { S, U, 4, dtype = "float64" } + randn { S, U, 1, dtype = "float64" },
  stimulus_id = ids, movie = movie, category = kind, neuroid_neuroid_id = names, neuroid_region = region,
  neuroid_depth = depth }, name = "recording" }

describe("a recording's file", function()
  local function message(arrays) return message_of(neural.assembly, { arrays, name = "rec" }) end

  it("has an id for every stimulus", function()
    local x = randn { 3, 2 }
    assert.matches("the stimulus_id of stimulus 2 %(after a%) is empty: every stimulus needs an id",
      message { responses = x, stimulus_id = { "a", "", "c" } })
    assert.matches("the stimulus_id of stimulus 1 is NaN: every stimulus needs an id",
      message { responses = x, stimulus_id = { 0 / 0, 2, 3 } })
  end)

  it("has its axes in their order, or is told which they seem to be", function()
    assert.matches("array 'kind' has 3 entries, expected 2 .*; responses are 2 x 3, as if transposed: presentation x "
      .. "neuroid is expected", message { responses = randn { 2, 3 }, kind = { "x", "y", "z" } })
    assert.matches("coordinate 'region' has 2 entries, expected 3 %(responses are 4x3x2: stimulus x neuroid x "
      .. "repeat%)", message { responses = randn { 4, 3, 2 }, stimulus_id = { 1, 2, 3, 4 },
        neuroid_region = { "V4", "IT" } })
  end)

  it("is answered where it is asked as xarray is", function()
    assert.matches("an assembly has no field 'coords': a.stimulus, a.presentation,", message_of(function()
      return a.coords
    end))
  end)

  it("is no table", function()
    assert.matches("neural.assembly: x.csv is a table; responses are in", message_of(neural.assembly, "x.csv"))
  end)

  it("has coordinates that are found by their beginning", function()
    local named = neural.assembly { { responses = randn { 3, 2 }, stimulus_id = { 1, 2, 3 },
      object_name = { 1, 1, 2 } } }
    assert.matches("group: there is no coordinate 'object' %(did you mean 'object_name'%?%)",
      message_of(named.group, named, "object"))
  end)
end)

describe("ids of digits", function()
  local common = require "lamina.neural.common"

  it("are the same with zeros before them, where that tells them apart", function()
    assert.same({ 2, 1, 3 }, common.align({ "001", "000", "012" }, { 0, 1, 12 }, "a", "b"))
    assert.same({ 2, 1 }, common.align({ 1, 10 }, { "010", "01" }, "a", "b"))
    assert.same({ 1, 2 }, common.align({ "1", "01" }, { "1", "01" }, "a", "b"))
    assert.matches("a hold stimuli that b lack: 001 %(1 of 1%); the ids there are 1, 01%. Stimuli are matched by",
      message_of(common.align, { "001" }, { "1", "01" }, "a", "b"))
    assert.matches("lack: x01 ", message_of(common.align, { "x01" }, { "x1" }, "a", "b"))
    assert.matches("lack: 2 ", message_of(common.align, { 2 }, { "001" }, "a", "b"))
  end)
end)

describe("options in a table of their own after the first value", function()
  it("are told, not left out", function()
    local cases = { { ridge, 10, "ridge { 10, inner = 5 }" }, { kfold, 10, "kfold { 10, seed = 1 }" },
      { grouped, 10, "grouped { 10" }, { lamina.shuffled, 10, "shuffled { 10" }, { lamina.pls, 5, "pls { 25" },
      { lamina.ols, {}, "ols {" }, { lamina.lasso, 1, "lasso {" }, { lamina.elastic_net, 1, "elastic_net {" },
      { lamina.pca, 3, "pca {" }, { lamina.random_projection, 3, "random_projection {" },
      { lamina.split_half, 5, "split_half { 10, seed = 1 }" }, { lamina.svm, 1, "svm { 1, standardise = false }" },
      { lamina.nearest_centroid, {}, "nearest_centroid { standardise = false }" },
      { neural.assembly, "x.npz", "neural.assembly { \"x.npz\", missing = \"nan\" }" },
      { stimuli.folder, "images", "stimuli.folder {" }, { lamina.rdm.load, "x.npy", "rdm.load {" },
      { lamina.data.csv, "x.csv", "data.csv { \"x.csv\", separator = \";\" }" } }
    for _, case in ipairs(cases) do
      assert.matches(" takes one table, and .* came after it: ", message_of(case[1], case[2], { seed = 1 }))
      assert.matches("came after it: " .. case[3], message_of(case[1], case[2], { seed = 1 }), 1, true)
    end
    assert.matches("average takes one table", message_of(a.average, a, "neuroid", { with = "median" }))
    assert.matches("group takes one table", message_of(a.group, a, "region", "category"))
    assert.matches("sort takes one table", message_of(a.sort, a, "depth", true))
  end)
end)

describe("at", function()
  it("takes positions in any form, and masks", function()
    local wanted = a:at(nil, { 1, 3 })
    assert.same({ "a", "c" }, wanted.neuroid.neuroid_id)
    local mask = tensor { 1, 0, 1, 0, 0, 0 }:gt(0)
    for _, same in ipairs { tensor { 1, 3 }, tensor({ 1, 3 }, { dtype = "int64" }), mask, mask:nonzero(),
      mask:totable(), lamina.arange(1, 3, 2) } do
      assert.is_true(wanted:equal(a:at(nil, same)))
    end
    assert.is_true(a:at(nil, { 3 }):equal(a:at(nil, 3)))
    assert.is_true(a:at({ 2, 1 }):equal(a:at(tensor { 2, 1 })))
    local reliability = lamina.split_half({ 10 }):estimate(a)
    local good, list = a:at(nil, reliability:gt(0.5)), {}
    for i, r in ipairs(reliability:totable()) do
      if r > 0.5 then list[#list + 1] = names[i] end
    end
    assert.is_true(#list > 0 and #list <= U)
    assert.same(list, good.neuroid.neuroid_id)
    a.neuroid.reliability = reliability
    assert.same(list, a:select({ reliability = function(r) return r > 0.5 end }).neuroid.neuroid_id)
    a.neuroid.reliability = nil
  end)

  it("says what is no position, and what would leave nothing", function()
    local function message(...) return message_of(a.at, a, ...) end
    assert.matches("at: neuroids is an empty list, and no neuroid would be left %(nil takes all%)", message(nil, {}))
    assert.matches("at: neuroids is a mask that is true nowhere", message(nil, tensor({ 0, 0, 0, 0, 0, 0 }):gt(0)))
    assert.matches("at: the mask of neuroids has 2 entries, expected 6, one for each neuroid",
      message(nil, { true, false }))
    assert.matches("at: neuroids holds 7, expected positions from 1 to 6", message(nil, { 7 }))
    assert.matches("at: neuroids holds 1.5, expected positions from 1 to 6", message(nil, { 1.5 }))
    assert.matches("at: stimuli holds a string, expected positions from 1 to 30", message { "s1" })
    assert.matches("at: stimuli is a tensor 2x2, expected positions from 1 to 30 %(a number, a list or a tensor with "
      .. "one axis%), or a mask", message(tensor { { 1, 2 }, { 3, 4 } }))
    assert.matches("at: neuroids is a string, expected positions", message(nil, "V4"))
    assert.matches("at: neuroids is a table without %[1%], expected positions", message(nil, { region = "V4" }))
    assert.matches("at: times holds 2, expected positions from 1 to 1", message(nil, nil, 2))
  end)
end)

describe("a selection that leaves nothing", function()
  it("names what is nowhere, what there is, and what was meant", function()
    local function message(given) return message_of(a.select, a, given) end
    assert.matches("select: no stimulus is left: no stimulus has category = 'naturl' %(did you mean 'natural'%?%); "
      .. "there are 'natural', 'texture'$", message { category = "naturl" })
    assert.matches("select: no neuroid is left: no neuroid has region = 'VT' %(did you mean '%w+'%?%); there are "
      .. "'IT', 'V4'$", message { region = "VT" })
    assert.matches("no neuroid has region = 'TE'; there are 'IT', 'V4'", message { region = { "TE", "TO" } })
    assert.matches("no stimulus has movie = 'x'; there are 0, 1, 2", message { movie = "x" })
    assert.matches("no neuroid has depth = 9; there are 1, 2, 4, 5, 6", message { depth = 9 })
    assert.matches("the test of depth holds for no neuroid", message { depth = function(d) return d > 9 end })
    assert.matches("each of depth, region fits some, but none fits them all", message { depth = 1, region = "IT" })
    assert.matches("no presentation has repetition = 9; there are 1, 2, 3, 4", message { repetition = 9 })
    assert.matches("region is an empty list", message { region = {} })
    assert.same({ "a", "b" }, a:select({ depth = tensor { 1, 2 } }).neuroid.neuroid_id)
  end)

  it("finds layers of activations by the names that they have there", function()
    local net = lamina.model "small" { lamina.input { 1, 4, 4 }, lamina.area "V1" { lamina.conv { 2, kernel = 3 },
      lamina.relu }, lamina.area "IT" { lamina.dense { 3 }, lamina.relu } }
    local acts = lamina.activations { model = net, stimuli = rand { 3, 1, 4, 4 }, cache = false, quiet = true }
    assert.matches("no neuroid has layer = 'IT.relu1'; there are 'IT', 'V1'",
      message_of(acts.select, acts, { layer = "IT.relu1" }))
  end)
end)

describe("a coordinate of one's own", function()
  it("has an entry for each", function()
    local function set(value) a.neuroid.mine = value end
    set(tensor { 1, 2, 3, 4, 5, 6 })
    assert.same({ 4, 5, 6 }, a:select({ region = "IT" }).neuroid.mine)
    set(nil)
    local wrong = "neural_mistakes_spec.lua:%d+: coordinate 'mine' is "
    assert.matches(wrong .. "a list of 3, expected a list or a tensor with 6 entries, one for each",
      message_of(set, { 1, 2, 3 }))
    assert.matches(wrong .. "a string, expected a list or a tensor with 6 entries", message_of(set, "V4"))
    a.neuroid.depth = { 1, 2, 3 } -- one that is there already
    assert.matches("save: coordinate 'depth' of neuroids has 3 entries, expected 6",
      message_of(a.save, a, folder .. "/a.npz"))
    a.neuroid.depth = depth
  end)
end)

describe("neuroids that cannot be told apart", function()
  it("are an error where they are read", function()
    local function read(more)
      local arrays = { responses = rand { 2, 3 }, stimulus_id = { 1, 2 }, neuroid_neuroid_id = { "x", "y", "x" } }
      for name, value in pairs(more or {}) do arrays[name] = value end
      return neural.assembly { arrays }
    end
    assert.matches("neuroid_id x stands for neuroids 1 and 3, and no other coordinate tells them apart: give each an "
      .. "id of its own, or leave neuroid_id out", message_of(read))
    assert.matches("neuroids 1 and 3", message_of(read, { neuroid_region = { "A", "B", "A" } }))
    assert.equal(3, #read({ neuroid_recording = { 1, 1, 2 } }).neuroid)
  end)

  it("are told apart by their recordings' names when they are joined", function()
    local set = stimuli.objects { 8, size = 8, classes = 2, seed = 1 }
    local function units(seed, name)
      return neural.simulate { set, simple = 2, repeats = 2, seed = seed, name = name }
    end
    assert.matches("neuroid_id 1 stands in simulated and in simulated: where these are different neuroids, the "
      .. "recordings need names of their own %(name = in neural.assembly and neural.simulate, or a.name = ",
      message_of(neural.join, { units(1), units(2) }))
    local both = neural.join { units(1, "one"), units(2, "two") }
    assert.same({ "one", "one", "two", "two" }, both.neuroid.recording)
    local second = units(2)
    second.name = "two"
    assert.is_true(both:select({ recording = "two" }).responses:equal(second.responses))
    assert.is_true(neural.join({ units(1), second }):select({ recording = "two" }).responses:equal(second.responses))
    assert.matches("neural.join: entry 2 is a tensor", message_of(neural.join, { second, rand { 2 } }))
  end)
end)

describe("predictivity says", function()
  local features = { pixels = randn { S, 20, dtype = "float64" } }
  local function score(more)
    local o = { features = features, responses = a, mapping = ridge { alphas = { 1, 10 } }, splits = kfold { 5 },
      reliability = -1, bootstrap = 100 }
    for name, value in pairs(more or {}) do o[name] = value end
    return predictivity(o)
  end

  it("how many inner folds and components there were, not how many were asked for", function()
    local text = tostring(score { splits = grouped { 3, by = "movie" } })
    assert.matches("2 penalties from 1 to 10, chosen per neuroid in 2 inner folds; reads a layer's features 9 times",
      text)
    assert.matches("in 5 inner folds; reads a layer's features 30 times", tostring(score()))
    assert.matches("one of 2 chosen per layer in 2 inner folds", tostring(score { mapping = lamina.pls { { 2, 3 } },
      splits = grouped { 3, by = "movie" } }))
    text = tostring(score { mapping = lamina.pls { 50 }, features = { few = features.pixels[{ {}, { 1, 4 } }],
      pixels = features.pixels } })
    assert.matches("map: PLS, 50 components; [^\n]*\n  components, where there are no more: few 4, pixels 20\n", text)
    assert.is_nil(tostring(score { mapping = lamina.pls { 20 } }):find("no more", 1, true))
    assert.equal(4, lamina.pls({ 50 }):fit(features.pixels[{ {}, { 1, 4 } }], (a:mean())).chosen[1])
    assert.matches("in 2 inner folds", tostring(neural.separability { stimuli = stimuli.objects { 24, size = 8,
      classes = 2, seed = 1 }, features = { pixels = function(x) return x end }, splits = kfold { 3 },
      mapping = ridge { alphas = { 1, 10 }, inner = 2 } }))
  end)

  it("which neuroids have no value of `by`", function()
    assert.matches("by = \"depth\": it is NaN for 1 of 6 neuroids kept (3), which belong to no group: leave them "
      .. "out, a:select { depth = function(v)", message_of(score, { by = "depth" }), 1, true)
    local known = a:select { depth = function(v) return v == v end }
    assert.equal(5, #score({ by = "depth", responses = known }).rows)
  end)

  it("what a model takes and what it is shown, in the images' own shape", function()
    local net = lamina.model "small" { lamina.input { 1, 6, 6 }, lamina.area "V1" { lamina.conv { 2, kernel = 3 },
      lamina.relu }, lamina.area "IT" { lamina.dense { 3 }, lamina.relu }, lamina.readout "class" {
        lamina.dense { 2 } } }
    local set = stimuli.array { rand { S, 1, 6, 6 }, ids = ids }
    local function with_model(stimuli_, more)
      local o = { model = net, stimuli = stimuli_, responses = a, mapping = ridge(1), splits = kfold { 5 },
        reliability = -1, bootstrap = 100 }
      for name, value in pairs(more or {}) do o[name] = value end
      return predictivity(o)
    end
    local large = stimuli.array { rand { S, 1, 20, 20 }, ids = ids }
    assert.matches("predictivity: small takes 1x6x6, the stimuli are 1x20x20; input = function%(x%) return "
      .. "stimuli.resize%(x, 6%) end shows them at its size", message_of(with_model, large))
    assert.matches("the stimuli are 1x5x5 after input; input = function", message_of(with_model, large,
      { input = function(x) return stimuli.resize(x, 5) end }))
    assert.equal(5, #with_model(large, { input = function(x) return stimuli.resize(x, 6) end }).rows)
    local areas, named = with_model(set, { layers = "areas" }), with_model(set, { layers = { "V1", "IT" } })
    assert.equal(2, #areas.rows)
    for i, row in ipairs(areas.rows) do
      assert.equal(named.rows[i].layer, row.layer)
      assert.equal(named.rows[i].area, row.area)
      assert.equal(named.rows[i].r, row.r)
    end
  end)

  it("what it was given, by its name", function()
    assert.matches("responses is a tensor, expected an assembly %(neural.assembly { { responses = x, stimulus_id = "
      .. "ids } } makes one of a tensor%)", message_of(score, { responses = rand { 2, 2 } }))
    assert.matches("predictivity: features is empty; expected { name = tensor }", message_of(score,
      { features = {} }))
    assert.matches("the stimuli have no coordinate 'mvi' %(there are category, movie, stimulus_id%)",
      message_of(score, { splits = grouped { 3, by = "mvi" } }))
    assert.matches("pca: fitted on features that hold NaN or infinite values %(1 of 4%)", message_of(function()
      lamina.pca({ 1 }):fit(tensor { { 1, 2 }, { 0 / 0, 4 } })
    end))
    local holes = rand { 3, 1, 2, 2 }
    holes[{ 2, 1, 1, 1 }] = 0 / 0
    assert.matches("stimuli.array: image 2 %(stimulus_id b%) holds NaN or infinite values",
      message_of(stimuli.array, { holes, ids = { "a", "b", "c" } }))
    assert.matches("stimuli.array: image 2 holds NaN", message_of(stimuli.array, { holes }))
  end)
end)

describe("a layer that the model lacks", function()
  local net = lamina.model "small" { lamina.input { 1, 6, 6 }, lamina.area "V1" { lamina.conv { 2, kernel = 3 },
    lamina.relu, lamina.residual { lamina.conv { 2, kernel = 3, pad = 1 } } }, lamina.area "IT" { lamina.dense { 3 },
    lamina.relu }, lamina.readout "class" { lamina.dense { 2 } } }
  local pictures, labels = rand { S, 1, 6, 6 }, {}
  for i = 1, S do labels[i] = i % 2 + 1 end
  local set = stimuli.array { pictures, ids = ids }
  local labelled = lamina.data.tensors { pictures, tensor(labels, { dtype = "int64" }),
    classes = { "even", "odd" } }

  local calls = {
    activations = function(layers)
      return lamina.activations { model = net, stimuli = set, layers = layers, cache = false, quiet = true }
    end,
    predictivity = function(layers)
      return predictivity { model = net, stimuli = set, responses = a, layers = layers }
    end,
    ["neural.separability"] = function(layers)
      return lamina.separability { model = net, stimuli = labelled, layers = layers }
    end,
    ["neural.untangling"] = function(layers)
      return neural.untangling { model = net, stimuli = labelled, layers = layers, samples = 5 }
    end,
    ["neural.commitment"] = function(layers)
      return neural.commitment { model = net, stimuli = set, responses = a, layers = layers, reliability = -1 }
    end,
    ["neural.gram"] = function(layers) return neural.gram { model = net, stimuli = set, layers = layers } end,
    tolerance = function(layers) return lamina.tolerance { net, set, layers = layers } end,
    imprint = function(layers) return lamina.imprint { net, set, layers = layers } end,
  }

  it("is told with word, option and name, and with the nearest there is", function()
    for word, call in pairs(calls) do
      local start = word .. ": option 'layers' "
      assert.matches(start .. "names 'V9', which is no layer or area of small (did you mean 'V1'?)",
        message_of(call, "V9"), 1, true)
      if word ~= "activations" then -- there it is a pattern that IT.dense1 fits
        assert.matches(start .. "names 'dense1', which is no layer or area of small (did you mean 'IT.dense1'?)",
          message_of(call, { "V1", "dense1" }), 1, true)
      end
      assert.matches(start .. "names 'hippocampus', which is no layer or area of small (there are V1, IT, class, "
        .. "V1.conv1, ", message_of(call, "hippocampus"), 1, true)
      assert.matches(start .. "is an empty list, expected names of layers or areas of small (there are V1, ",
        message_of(call, {}), 1, true)
      assert.matches("got 3$", (message_of(call, { 3 }):gsub("holds 3, expected .*", "got 3")))
      if word ~= "imprint" then
        assert.matches(word .. ": option 'layers'", message_of(call, "V1@7"), 1, true)
        assert.matches("runs 1", message_of(call, "V1@7"), 1, true)
      end
    end
    assert.matches("tuning.responses: option 'layer' names 'V9', which is no layer or area of small (did you mean "
      .. "'V1'?)", message_of(lamina.tuning.responses, { net, set, layer = "V9" }), 1, true)
  end)

  it("of a large model is told the areas alone", function()
    local large = lamina.models.resnet18 { classes = 2, input = 32, width = 0.1 }
    local message = message_of(lamina.tolerance, { large, rand { 2, 3, 32, 32 }, layers = "hippocampus" })
    assert.matches("which is no layer or area of ResNet%-18 %(there are [%w, ]+, and %d+ layers in them, which "
      .. "print%(net%) shows%)", message)
  end)

  it("given twice is taken once, as every other", function()
    for _, word in ipairs { "predictivity", "neural.separability", "neural.gram", "tolerance" } do
      local both, once = calls[word] { "V1", "IT", "V1" }, calls[word] { "V1", "IT" }
      assert.equal(#(once.rows or once.layers), #(both.rows or both.layers))
    end
    assert.matches("there is one layer, V1, and nothing to choose", message_of(calls["neural.commitment"],
      { "V1", "V1" }))
    assert.equal(2, #calls.predictivity({ "areas", "IT" }).rows)
  end)

  it("is a fault of criteria's map, and the rest of the map is checked", function()
    local function criteria(areas, brain)
      return lamina.criteria { model = net, domain = set, areas = areas, data = brain or { V1 = a }, images = 10,
        mapping = ridge(1), reliability = -1, seed = 1 }
    end
    assert.matches("V1 is mapped to 'V9', which is no layer or area of the model (did you mean 'V1'?)",
      criteria({ { "V1", layers = { "V9" } } }).mappable.text, 1, true)
    assert.same({}, criteria({ { "V1", layers = { "V1.residual1" } } }).mappable.faults) -- a word of layers
    assert.matches("criteria: areas: entry 1: unknown option 'layer' (did you mean 'layers'?)",
      message_of(criteria, { { "V1", layer = "V1" } }), 1, true)
    assert.matches("criteria: areas: 'V1' is there twice (entries 1 and 2)", message_of(criteria,
      { { "V1", layers = "V1" }, { "V1", layers = "IT" } }), 1, true)
    assert.matches("criteria: data is there for 'IT', which is none of the areas; leave it out, or add { \"IT\", "
      .. "layers = ... } to areas", message_of(criteria, { { "V1", layers = "V1" } }, { V1 = a, IT = a }), 1, true)
    assert.matches("criteria: data has no assembly for the area 'V1', but a tensor", message_of(criteria,
      { { "V1", layers = "V1" } }, { V1 = pictures }), 1, true)
    assert.matches("criteria: area 'V1': no neuroid", (message_of(function()
      return lamina.criteria { model = net, domain = set, areas = { { "V1", layers = "V1" } }, data = { V1 = a },
        images = 10, reliability = 1 }
    end):gsub("predictivity: ", "")), 1, true)
  end)
end)

describe("one neuroid", function()
  local good, bad = randn { S, 3, dtype = "float64" }, randn { S, 3, dtype = "float64" }
  local trials = good:reshape { S, 3, 1 } + randn { S, 3, 4, dtype = "float64" } * 0.3
  local recording = neural.assembly { { responses = trials,
    stimulus_id = ids, neuroid_region = { "V4", "V4", "IT" }, neuroid_neuroid_id = { "x", "y", "z" } } }
  local features = { { "good", good }, { "bad", bad } }
  local o = { features = features, responses = recording:at(nil, 3), mapping = ridge(1), splits = kfold { 5 },
    bootstrap = 100, reliability = -1 }

  local function none(row) return row.low ~= row.low and row.high ~= row.high end

  it("has no interval over neuroids, in comparison and commitment", function()
    local c = neural.compare { predictivity(o) }
    assert.is_true(none(c.rows[1]))
    assert.matches("bootstrap over neuroids (100, seed 0), of which there is none of one neuroid", tostring(c), 1,
      true)
    assert.matches("95 % CI none (over neuroids), n = 1", c:results()[1].what, 1, true)
    local m = neural.commitment(o)
    assert.is_true(none(m.rows[1]))
    assert.matches("of which there is none of one neuroid\n", tostring(m), 1, true)
    assert.matches("95 % CI none, n = 1", m:results()[1].what, 1, true)
    assert.equal(2, #lamina.plot.layers(predictivity(o)).panels) -- bars without intervals
  end)

  it("tells no layer from another in a correspondence, where two do", function()
    o.responses, o.by = recording, "region"
    local c = neural.correspondence { predictivity(o) }
    assert.same({ { 1 }, { 1, 2 } }, { c.rows[1].tied, c.rows[2].tied })
    assert.matches("one neuroid in IT, of which a bootstrap over neuroids says nothing: all layers stay tied",
      tostring(c), 1, true)
    local function message(areas) return message_of(neural.correspondence, { predictivity(o), areas = areas }) end
    assert.matches("neural.correspondence: option 'areas' names 'VT', and no neuroid kept has region = 'VT' (did you "
      .. "mean '", message { "VT" }, 1, true)
    assert.matches("region = 'cochlea' (there are V4, IT)", message { "cochlea" }, 1, true)
    assert.matches("option 'areas' is an empty list, expected values of region (there are V4, IT)", message {}, 1,
      true)
    assert.matches("option 'areas' names 'IT' twice, as 1 and as 2", message { "IT", "IT" }, 1, true)
  end)
end)
