-- What neural words say of ids, of what does not vary, of too few repeats and images, of NaN: each by the word that
-- was called, with the option and the value, and what to do.
local lamina = require "lamina"
local said = require "support.said"

local neural, predictivity, ridge, kfold = lamina.neural, lamina.predictivity, lamina.ridge, lamina.kfold
local randn, tensor, rdm, stimuli = lamina.randn, lamina.tensor, lamina.rdm, lamina.stimuli

local S = 12
local ids, kinds = {}, {}
for i = 1, S do ids[i], kinds[i] = "s" .. i, i % 2 + 1 end
local pictures = lamina.rand { S, 1, 6, 6 }
local signal = randn { S, 3, 1, dtype = "float64" }
local net = lamina.model "small" { lamina.input { 1, 6, 6 }, lamina.area "V1" { lamina.conv { 2, kernel = 3 },
  lamina.relu } }

local function recording(more, options)
  local arrays = { responses = signal + randn { S, 3, 4, dtype = "float64" } * 0.3, stimulus_id = ids,
    category = kinds, neuroid_region = { "V1", "V1", "IT" }, neuroid_neuroid_id = { "n1", "n2", "n3" } }
  for name, value in pairs(more or {}) do arrays[name] = value end
  local given = { arrays, name = "rec" }
  for name, value in pairs(options or {}) do given[name] = value end
  return neural.assembly(given)
end

local function changed(at, to)
  local list = table.move(ids, 1, S, 1, {})
  list[at] = to
  return list
end

-- Raises with the word that was called, and this after it.
local function refuses(word, text, f, ...)
  assert.matches(word .. ": " .. text, said.message(f, ...), 1, true)
end

local a = recording()

-- Words that take responses of images.
local calls = {
  predictivity = function(o)
    return predictivity { model = net, stimuli = o.stimuli, responses = o.responses or a, mapping = ridge(1),
      splits = o.splits or kfold { 3 }, reliability = -1, bootstrap = 100 }
  end,
  ["neural.commitment"] = function(o)
    return neural.commitment { model = net, stimuli = o.stimuli, responses = o.responses or a, mapping = ridge(1),
      splits = o.splits or kfold { 3 }, reliability = -1, bootstrap = 100 }
  end,
  ["criteria: area 'V1': predictivity"] = function(o)
    return lamina.criteria { model = net, domain = o.stimuli, areas = { { "V1", layers = "V1" } },
      data = { V1 = o.responses or a }, images = 10, mapping = ridge(1), splits = o.splits or kfold { 3 },
      reliability = -1 }
  end,
}
local images = stimuli.array { pictures, ids = ids }
local labelled = lamina.data.tensors { pictures, tensor(kinds):to "int64", classes = { "a", "b" } }

describe("stimulus ids", function()
  it("that do not meet are named on both sides", function()
    for word, call in pairs(calls) do
      refuses(word, "responses (rec) hold stimuli that stimuli (stimuli.array) lack: s5 (1 of 12); the ids there "
        .. "that match nothing: x5. Stimuli are matched by stimulus_id: mend the ids, or leave out what the others "
        .. "lack", call, { stimuli = stimuli.array { pictures, ids = changed(5, "x5") } })
      refuses(word, "stimuli (stimuli.array) came without stimulus ids, so 1 to 12 were made up; responses (rec) has "
        .. "ids of its own", call, { stimuli = stimuli.array { pictures } })
    end
    local b = rdm { a }
    for word, call in pairs { compare_rdms = function(r) return lamina.compare_rdms { r, b } end } do
      refuses(word, "the RDMs are of different stimuli: b hold s5, and a hold x5, which the others lack", call,
        rdm { randn { S, 4 }, id = changed(5, "x5") })
      refuses(word, "a is of 5 stimuli and b of 12: give both stimulus ids", call, rdm { randn { 5, 4 } })
    end
    refuses("rsa", "the RDMs are of different stimuli: data hold s5, and models hold x5", lamina.rsa,
      { models = rdm { randn { S, 4 }, id = changed(5, "x5") }, data = rdm.join { b, b, b } })
  end)

  it("that stand twice are named with their places", function()
    local twice = changed(7, "s3")
    refuses("neural.assembly", "stimuli 3 and 7 have the same stimulus_id, s3: every stimulus needs one of its own",
      recording, { stimulus_id = twice })
    refuses("stimuli.array", "images 3 and 7 have the same id, s3", stimuli.array, { pictures, ids = twice })
    refuses("rdm", "option 'id' holds s3 more than once (11 of 12 are different)", rdm,
      { randn { S, 4 }, id = twice })
    refuses("rdm.from", "stimulus ids that occur more than once: a; every stimulus needs one of its own", rdm.from,
      { tensor { { 1, 2, 3 } }, id = { "a", "b", "a" } })
  end)
end)

describe("what does not vary", function()
  local flat = signal:expand({ S, 3, 4 }):clone()
  flat[{ {}, 2 }]:copy(flat[{ {}, 2 }] * 0 + 0.1)

  it("of neuroids is told by print of an assembly, masked trials aside", function()
    local shown = tostring(recording { responses = flat })
    assert.matches("0 of 144 trials missing\n  1 of 3 neuroids does not vary over trials: n2\n", shown, 1, true)
    local holed, nan = flat:clone(), 0 / 0
    holed[{ 1, 1, 2 }], holed[{ 5, 2, 1 }] = nan, nan
    holed[{ {}, 3 }]:copy(holed[{ {}, 3 }] * nan) -- no trial, of which nothing is known
    assert.matches("\n  1 of 3 neuroids does not vary over trials: n2\n",
      tostring(recording({ responses = holed }, { missing = "nan" })), 1, true)
    assert.is_nil(tostring(a):find("vary", 1, true))
    local timed = neural.assembly { { responses = (flat * 0):reshape { S, 3, 1, 4 }, stimulus_id = ids,
      time_bin_start = { 0, 10, 20, 30 }, time_bin_end = { 10, 20, 30, 40 } } }
    assert.matches("3 of 3 neuroids do not vary over trials: 1, 2, 3", tostring(timed), 1, true)
  end)

  it("of neuroids is left out by name, and nothing is scored where none is left", function()
    local score = calls.predictivity { stimuli = images, responses = recording { responses = flat } }
    assert.matches("2 of 3 neuroids (left out: 0 with reliability below -1, 0 without a valid trial for some "
      .. "stimulus, 1 that does not vary: 2 (n2))", tostring(score), 1, true)
    for word, call in pairs(calls) do
      refuses(word, "no neuroid is left of 3: 3 do not vary over stimuli: 1 (n1), 2 (n2), 3 (n3)", call,
        { stimuli = images, responses = recording { responses = flat * 0 + 1 } })
    end
  end)

  it("of features is counted where classes are told apart", function()
    local some = randn { S, 4 }
    some[{ {}, 3 }]:copy(some[{ {}, 3 }] * 0 + 2)
    local features = { { "all", randn { S, 2 } }, { "some", some }, { "none", lamina.ones { S, 3 } } }
    local u = neural.untangling { features = features, stimuli = labelled, samples = 4 }
    assert.matches("\n  units that do not vary, and have no selectivity: some 1 of 4, none 3 of 3\n", tostring(u), 1,
      true)
    assert.same({ 0, 1, 3 }, { u.rows[1].constant or 0, u.rows[2].constant, u.rows[3].constant })
    local s = lamina.separability { features = features, stimuli = labelled, splits = kfold { 3 }, bootstrap = 100 }
    assert.matches("\n  features that do not vary, and tell nothing: some 1 of 4, none 3 of 3\n", tostring(s), 1,
      true)
    assert.is_nil(tostring(lamina.separability { features = { { "all", randn { S, 2 } } }, stimuli = labelled,
      splits = kfold { 3 }, bootstrap = 100 }):find("vary", 1, true))
  end)
end)

describe("too little", function()
  it("of repeats is no ceiling", function()
    local once = recording { responses = randn { S, 3, 1 } }
    for word, call in pairs(calls) do
      local asks = word:match "^criteria" and "criteria: area 'V1': split_half" or "split_half"
      refuses(asks, "rec has 1 repeat of each stimulus; a ceiling needs at least 2", call,
        { stimuli = images, responses = once })
    end
    refuses("rdm_ceiling", "data hold 1 RDM, expected at least 2 subjects", lamina.rdm_ceiling, rdm { a })
    refuses("rdm", "crossnobis weighs the noise, which cannot be estimated where every condition has one row", rdm,
      { once, method = "crossnobis" })
  end)

  it("of images for the folds says how many folds there could be, by the word that was called", function()
    for word, call in pairs(calls) do
      refuses(word, "option 'splits' is kfold { 40 }, and there are 12 images: " .. (word:match "^c" and "ev" or "r")
        .. " needs at least 3 in each fold, so take splits = kfold { 4 } or fewer", call,
        { stimuli = images, splits = kfold { 40 } })
      refuses(word, "option 'splits': grouped: 5 folds, but there are only 2 groups: take 2 folds or fewer", call,
        { stimuli = images, splits = lamina.grouped { 5, by = "category" } })
    end
    refuses("predictivity", "option 'splits' is kfold { 10 } where it is absent, and there are 5 images: r needs at "
      .. "least 3 in each fold, and two folds 6 images", predictivity, { features = { f = randn { 5, 3 } },
      responses = a:at { 1, 2, 3, 4, 5 }, reliability = -1 })
    refuses("neural.separability", "option 'splits': kfold: 40 folds, but there are only 12 images",
      lamina.separability, { features = { f = randn { S, 3 } }, stimuli = labelled, splits = kfold { 40 } })
    refuses("neural.untangling", "option 'samples' is 50, and class a has 6 images: take at most 5, so that one is "
      .. "left to test", neural.untangling, { features = { f = randn { S, 3 } }, stimuli = labelled })
  end)
end)

describe("NaN", function()
  local holed = signal:expand({ S, 3, 4 }):clone()
  for _, at in ipairs { { 3, 2, 1 }, { 4, 3, 1 }, { 4, 3, 2 }, { 4, 3, 3 }, { 4, 3, 4 } } do holed[at] = 0 / 0 end

  it("is counted where it is refused, and infinity is no missing trial", function()
    refuses("neural.assembly", "5 of 144 responses are NaN; where NaN means a missing trial, say missing = \"nan\"",
      recording, { responses = holed })
    local high = holed:clone()
    high[{ 1, 1, 1 }] = math.huge
    refuses("neural.assembly", "6 of 144 responses are NaN or infinite (1 are infinite); where NaN", recording,
      { responses = high })
    assert.matches("neural.assembly: 1 of 144 responses are infinite$", said.message(recording, { responses = high },
      { missing = "nan" }))
  end)

  it("is counted where it is taken", function()
    local r = recording({ responses = holed + randn { S, 3, 4, dtype = "float64" } * 0.3 }, { missing = "nan" })
    assert.matches("5 of 144 trials missing", tostring(r), 1, true)
    local score = predictivity { features = { f = randn { S, 4 }, g = randn { S, 4 } }, responses = r, by = "region",
      mapping = ridge(1), splits = kfold { 3 }, reliability = -1, bootstrap = 100 }
    local told = "1 without a valid trial for some stimulus: 3 (n3)); 5 of 144 trials missing, left out of means and "
      .. "ceilings"
    assert.matches(told, tostring(score), 1, true)
    assert.matches(told, tostring(neural.correspondence(score)), 1, true)
    local b = rdm { r, missing = "nan" }
    assert.same({ 5, 144, 1, 36 }, { b.gone, b.trials, b.holes, b.looked })
    local gap = b.vectors:clone()
    gap[{ 1, 3 }] = 0 / 0
    local _, info = lamina.compare_rdms { rdm.from { gap, id = ids, missing = "nan" }, b }
    assert.same({ 65, 1 }, { info.pairs, info.missing })
    refuses("decode", "5 of 144 responses of rec are missing; a:complete() leaves out", lamina.decode,
      { r, "category" })
  end)
end)
