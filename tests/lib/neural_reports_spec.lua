-- What results say of what they are made of: missing trials, responses and pairs are counted, neuroids that are left
-- out are named, and the table of a score names splits and seed. Numbers are compared with counts and with naive
-- loops over what is there.
local lamina = require "lamina"

local neural, predictivity, rdm, kfold = lamina.neural, lamina.predictivity, lamina.rdm, lamina.kfold
local randn, nan = lamina.randn, 0 / 0

local S, U, R = 36, 4, 5
local x = randn { S, 6, dtype = "float64" }
local rates = x:matmul(randn { 6, U, dtype = "float64" })
local trials = rates:unsqueeze(3) + randn { S, U, R, dtype = "float64" } * 0.5
local names = { "a", "b", "c", "d" }

-- 3 trials of neuroid 1 are missing, and all of neuroid 3 for stimulus 9.
local function holes()
  local t = trials:clone()
  t[{ 2, 1, 1 }], t[{ 2, 1, 4 }], t[{ 30, 1, 5 }], t[{ 9, 3 }] = nan, nan, nan, nan
  return neural.assembly { { responses = t, stimulus_id = lamina.arange(1, S), neuroid_id = names }, missing = "nan" }
end

local function options(more)
  local o = { features = { layer = x }, responses = holes(), splits = kfold { 4, seed = 1 }, bootstrap = 100,
    seed = 2 }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

describe("a score of responses with missing trials", function()
  it("counts them and names the neuroids that lack a stimulus", function()
    local score = predictivity(options())
    assert.same({ 3 + R, S * U * R }, { score.missing, score.trials })
    local text = tostring(score)
    assert.matches("3 of 4 neuroids %(left out: 0 with reliability below 0.3, 1 without a valid trial for some "
      .. "stimulus: 3 %(c%)%); 8 of 720 trials missing, left out of means and ceilings", text)
    assert.same({ 1, 2, 4 }, score.neuroids.index)
    local c = neural.commitment(options { features = { layer = x, noise = randn { S, 5 } } })
    assert.matches("\n  36 stimuli; 3 of 4 neuroids %(left out: .-%); 8 of 720 trials missing", tostring(c))
    -- 4 folds of (1 + 5 inner), and in each 3 parts of (1 + 5)
    assert.matches("; reads a layer's features " .. 4 * 6 + 4 * 3 * 6 .. " times\n", tostring(c))
  end)

  it("says how many stimuli of the features have no responses", function()
    local ids = lamina.arange(1, S)
    local whole = neural.assembly { { responses = trials, stimulus_id = ids, neuroid_id = names } }
    local wide = neural.assembly { { responses = x, stimulus_id = ids } }
    local part = options { features = wide, responses = whole:at(lamina.arange(1, 30)) }
    assert.matches("predictivity: 30 stimuli %(6 more have no responses%)", tostring(predictivity(part)))
    part.features = wide:at(lamina.arange(1, 30))
    assert.matches("predictivity: 30 stimuli; ", tostring(predictivity(part)))
  end)

  it("says nothing of it where none is, and says which neuroid is alone", function()
    local whole = neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, S), neuroid_id = names } }
    assert.not_matches("missing", tostring(predictivity(options { responses = whole })))
    local alone = options { responses = whole:at(nil, 2) }
    assert.matches("one neuroid, of which there is no interval over neuroids: layer",
      tostring(predictivity(alone)))
    local one = predictivity(alone).rows[1]
    assert.is_true(one.low ~= one.low and one.high ~= one.high and one.ceiled_low ~= one.ceiled_low)
    alone.over = "stimuli"
    local row = predictivity(alone).rows[1]
    assert.is_true(row.low < row.r and row.r < row.high)
  end)

  it("says how many neuroids have a ceiling of 0", function()
    local noise = neural.assembly { { responses = randn { S, 12, R, dtype = "float64" },
      stimulus_id = lamina.arange(1, S) } }
    local below = 0
    for _, c in ipairs(select(2, lamina.split_half({ 10 }):estimate(noise)):totable()) do
      below = below + (c == 0 and 1 or 0)
    end
    assert.is_true(below > 0 and below < 12)
    local score = predictivity(options { responses = noise, reliability = -1, ceiling = lamina.split_half { 10 } })
    assert.equal(below, score.bottom)
    assert.matches(below .. " of 12 neuroids with a reliability of 0 or less: their ceiling c is 0, and what is "
      .. "divided by it has no finite value", tostring(score))
    assert.not_matches("reliability of 0 or less", tostring(predictivity(options())))
  end)

  it("names a neuroid's stimulus in the error where none is left", function()
    local only = options { responses = holes():at(nil, 3) }
    local _, err = lamina.try(predictivity, only)
    assert.matches("no neuroid is left of 1: 1 has no valid trial for some stimulus: 1 %(c%)", err.message)
  end)

  it("is of the trials that are there under brain-score's recipe, which leaves nobody out as unreliable", function()
    local score = predictivity { features = { layer = x }, responses = holes(), style = "brain-score" }
    assert.matches("3 of 4 neuroids %(left out: 1 without a valid trial for some stimulus: 3 %(c%)%); 8 of 720 "
      .. "trials", tostring(score))
  end)
end)

describe("the table of a score", function()
  it("says how its rows were made", function()
    local score = predictivity(options { measure = "ev" })
    local rows = score:table()
    local at = {}
    for i, name in ipairs(rows[1]) do at[name] = i end
    local row = rows[2]
    assert.same({ "ev", S, "kfold: 4 folds of images, seed 1", 2, "" }, { row[at.measure], row[at.stimuli],
      row[at.splits], row[at.seed], row[at.error] })
    local styled = predictivity { features = { layer = x }, responses = holes(), style = "brain-score" }
    assert.equal(styled.rows[1].error, styled:table()[2][at.error])
  end)
end)

describe("what else is not there", function()
  it("is counted in what a:paired gives to learn from", function()
    local ids = {}
    for i = 1, S do ids[i] = "s" .. i end
    local set = lamina.stimuli.gratings { size = 8, orientation = lamina.arange(0, 175, 5), frequency = 1 }
      :with_ids(ids)
    local t = trials:clone()
    t[{ 1, 1 }], t[{ 2, 2, 1 }], t[{ 5, 3 }] = nan, nan, nan
    local a = neural.assembly { { responses = t, stimulus_id = ids }, missing = "nan" }
    assert.matches("; 2 of 144 targets missing %(NaN%)$", tostring(a:paired(set)))
    assert.matches("; 11 of 720 targets missing %(NaN%)$", tostring(a:paired { set, trials = true }))
    assert.not_matches("missing", tostring(neural.assembly { { responses = trials, stimulus_id = ids } }:paired(set)))
    local made = lamina.data.tensors { x, t[{ {}, {}, 1 }], missing = true }
    assert.matches("\n  3 of 144 targets missing %(NaN%)", tostring(made))
  end)

  it("is an error of predictions and of features, with how many", function()
    local a = neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, S) } }
    local p = a:mean():clone()
    p[{ 4, 2 }] = nan
    local _, err = lamina.try(neural.scores, { p, a })
    assert.matches("the prediction holds NaN or infinite values %(1 of 144%): leave those stimuli or neuroids out",
      err.message)
    local y = x:clone()
    y[{ 1, 2 }], y[{ 7, 3 }] = nan, 1 / 0
    _, err = lamina.try(neural.gram, { features = { layer = y } })
    assert.matches("layer layer holds NaN or infinite features %(2 of 216%)", err.message)
    _, err = lamina.try(lamina.predictivity, { features = { layer = y }, responses = a, ceiling = false })
    assert.equal("predictivity: layer layer holds NaN or infinite features (2 of 216, those of stimulus 1, 7)",
      err.message)
    _, err = lamina.try(lamina.cka, { x, y })
    assert.matches("y holds NaN or infinite values %(2 of 216%)", err.message)
  end)
end)

describe("RDMs of responses with missing trials", function()
  it("count the trials that means leave out, and the responses that dissimilarities do", function()
    local a = holes():at(nil, { 1, 2, 4 })
    assert.matches("\n  3 of 540 trials missing, left out of the means", tostring(rdm { a }))
    local r = rdm { holes(), missing = "nan" }
    assert.same({ 1, S * U, 8, S * U * R }, { r.holes, r.looked, r.gone, r.trials })
    assert.matches("\n  8 of 720 trials missing, left out of the means\n  1 of 144 responses missing: each "
      .. "dissimilarity is over the channels that both have", tostring(r))
    assert.equal(1, r:at({ 1, 9, 12 }).holes)
    local folded = rdm { holes(), method = "crossnobis", noise = "none", missing = "nan" }
    assert.matches("8 of 720 responses missing", tostring(folded))
    assert.not_matches("missing", tostring(rdm { x }))
    assert.matches("noise estimated from the trials, shrunk by 0%.%d+", tostring(rdm { holes():at(nil, { 2, 4 }),
      method = "mahalanobis" }))
  end)
end)

-- Pearson's r of two lists at some places.
local function pearson(a, b, places)
  local n, ma, mb = #places, 0, 0
  for _, i in ipairs(places) do ma, mb = ma + a[i] / n, mb + b[i] / n end
  local aa, bb, ab = 0, 0, 0
  for _, i in ipairs(places) do
    aa, bb, ab = aa + (a[i] - ma) ^ 2, bb + (b[i] - mb) ^ 2, ab + (a[i] - ma) * (b[i] - mb)
  end
  return ab / math.sqrt(aa * bb)
end

-- The standard scores of a list at some places.
local function scored(a, places)
  local n, mean, square, z = #places, 0, 0, {}
  for _, i in ipairs(places) do mean = mean + a[i] / n end
  for _, i in ipairs(places) do square = square + (a[i] - mean) ^ 2 / n end
  for _, i in ipairs(places) do z[i] = (a[i] - mean) / math.sqrt(square) end
  return z
end

describe("pairs that are missing in some RDM", function()
  local vectors = lamina.rand { 4, 45, dtype = "float64" }
  vectors[{ 1, 3 }], vectors[{ 3, 17 }] = nan, nan
  local subjects = rdm.from { vectors, missing = "nan" }
  local places = {}
  for i = 1, 45 do
    if i ~= 3 and i ~= 17 then places[#places + 1] = i end
  end

  it("are left out of all and counted by a ceiling", function()
    local ceiling, list = lamina.rdm_ceiling { subjects, method = "pearson" }, vectors:totable()
    local lower, upper = 0, 0
    for s = 1, 4 do
      local all, others = {}, {}
      for _, i in ipairs(places) do all[i], others[i] = 0, 0 end
      for k = 1, 4 do
        local z = scored(list[k], places)
        for _, i in ipairs(places) do
          all[i], others[i] = all[i] + z[i], others[i] + (k == s and 0 or z[i])
        end
      end
      lower, upper = lower + pearson(list[s], others, places) / 4, upper + pearson(list[s], all, places) / 4
    end
    assert.near(lower, ceiling.lower, 1e-12)
    assert.near(upper, ceiling.upper, 1e-12)
    assert.same({ 43, 2 }, { ceiling.pairs, ceiling.missing })
    assert.matches("; 2 of 45 pairs, missing in some RDM, left out of all$", tostring(ceiling))
  end)

  it("are left out of all and counted by rsa", function()
    local model = lamina.rand { 2, 45, dtype = "float64" }
    model[{ 2, 40 }] = nan
    local kept = {}
    for i = 1, 45 do
      if i ~= 3 and i ~= 17 and i ~= 40 then kept[#kept + 1] = i end
    end
    local score = lamina.rsa { models = rdm.from { model, missing = "nan" }, data = subjects, method = "pearson",
      bootstrap = 0 }
    local value, list, own = 0, vectors:totable(), model:totable()
    for s = 1, 4 do value = value + pearson(own[1], list[s], kept) / 4 end
    assert.near(value, score.rows[1].value, 1e-12)
    assert.same({ 42, 3 }, { score.pairs, score.missing })
    local same = vectors:clone()
    same[{ {}, 40 }] = nan
    local ceiling = lamina.rdm_ceiling { rdm.from { same, missing = "nan" }, method = "pearson" }
    assert.same({ ceiling.lower, ceiling.upper }, { score.lower, score.upper })
    assert.matches("; 3 of 45 pairs, missing in some RDM, left out of all\n", tostring(score))
  end)
end)

describe("divisions that cannot be", function()
  local function message(splits, n)
    local few = neural.assembly { { responses = trials, stimulus_id = lamina.arange(1, S) } }:at(lamina.arange(1, n))
    local _, err = lamina.try(predictivity, { features = { layer = x[{ { 1, n } }] }, responses = few,
      splits = splits, bootstrap = 100 })
    return err.message
  end

  it("say what could be", function()
    assert.matches("predictivity: option 'splits' is kfold { 10 } where it is absent, and there are 6 images: r "
      .. "needs at least 3 in each fold, so take splits = kfold { 2 } or fewer", message(nil, 6))
    assert.matches("fold 1 of 10 tests 2 images; r needs at least 3: 20 images make at most 6 folds of 3, as in "
      .. "splits = kfold { 6 }", message(nil, 20))
    assert.is_true(pcall(predictivity, { features = { layer = x[{ { 1, 20 } }] }, splits = kfold { 6 },
      bootstrap = 100, responses = neural.assembly { { responses = trials[{ { 1, 20 } }],
        stimulus_id = lamina.arange(1, 20) } } }))
    assert.matches("holds 0, expected positions from 1 to 20 %(indices of NumPy or scikit%-learn count from 0: "
      .. "add 1%)", message({ { train = { 0, 1, 2, 3 }, test = { 4, 5, 6 } } }, 20))
  end)
end)

describe("decoding of presentations", function()
  local said = require "support.said"
  local lone = { ids = {}, labels = {}, rows = {} }
  for i = 1, 80 do
    lone.rows[i], lone.ids[i] = (i - 1) // 4 + 1, "s" .. (i - 1) // 4
    lone.labels[i] = ((i - 1) // 4) % 2 == 0 and "a" or "b"
  end
  -- a pattern for each stimulus, which says nothing of its label, and a little noise
  local patterns = randn { 20, 30, dtype = "float64" }
  local responses = patterns:index_select(lamina.tensor(lone.rows, { dtype = "int64" }), { dim = 1 })
    + randn { 80, 30, dtype = "float64" } * 0.1
  local function assembly(labels)
    return neural.assembly { { responses = responses, stimulus_id = lone.ids, kind = labels or lone.labels } }
  end

  it("holds stimuli out whole, so that their repeats tell nothing", function()
    local score, score2
    local quiet = said.by(function() score = lamina.decode { assembly(), "kind", bootstrap = 100 } end)
    assert.equal("", quiet)
    assert.equal("grouped by stimulus_id: 5 folds of whole groups, every kind spread evenly, seed 0", score.splits)
    local text = said.by(function()
      score2 = lamina.decode { assembly(), "kind", bootstrap = 100, splits = kfold { 5 } }
    end)
    assert.matches("stimulus_id .* stands in training and test images at once, and repeats of one stimulus are "
      .. "alike: by = \"stimulus_id\" %(as in grouped { 5, by = \"stimulus_id\" }%)", text)
    assert.is_true(score2.accuracy > 0.95 and score.accuracy < 0.8, score2.accuracy .. " " .. score.accuracy)
  end)

  it("goes by presentations where a class is one stimulus, or a stimulus has no class of its own", function()
    local identity = lamina.decode { assembly(), "stimulus_id", bootstrap = 100,
      classifier = lamina.nearest_centroid {} }
    assert.equal("kfold: 5 folds of images, seed 0", identity.splits)
    assert.equal(1, identity.accuracy)
    local state = {}
    for i = 1, 80 do state[i] = i % 2 end
    assert.equal("grouped by stimulus_id: 5 folds of whole groups, seed 0", lamina.decode { assembly(state), "kind",
      bootstrap = 100 }.splits)
  end)
end)

describe("RDMs of several subjects", function()
  it("are of the same stimuli, or say which differ", function()
    local function message(...)
      local _, err = lamina.try(...)
      return err.message
    end
    local y = randn { 6, 4 }
    assert.equal("rdm: entry 2 of x is of 5 stimuli, the first of 6", message(rdm, { { y, y[{ { 1, 5 } }] } }))
    assert.equal(2, #rdm { { y, y + 1 } })
    local a = neural.assembly { { responses = y, stimulus_id = { "a", "b", "c", "d", "e", "f" } } }
    assert.matches("entry 1 of x is an assembly, expected a tensor: rdm.join { rdm { a }, rdm { b } } holds",
      message(rdm, { { a, a } }), 1, true)
    local turned = a:at { 6, 5, 4, 3, 2, 1 }
    local both = rdm.join { rdm { a }, rdm { turned } }
    assert.is_true(both.vectors[1]:allclose(both.vectors[2]))
    assert.equal("2 RDMs of 6 stimuli: correlation, 4 channels", tostring(both))
    assert.equal("2 RDMs of 6 stimuli", tostring(rdm.join { rdm { a }, rdm { y[{ {}, { 1, 3 } }],
      id = { "a", "b", "c", "d", "e", "f" }, method = "cosine" } }))
    local set = rdm.from { lamina.rand { 3, 45 } }
    assert.matches("only %d+ of 30 resamples hold enough different stimuli: of 10 that are drawn with replacement "
      .. "some 7 differ, too few for 3 folds of at least 3 %(folds = 2 takes fewest%); bootstrap = 0",
      message(lamina.rsa, { models = rdm.weighted { set }, data = set, bootstrap = 30, folds = 3 }))
  end)

  it("say what to do about missing trials, keep their count, and how many resamples were enough", function()
    local y = randn { 6, 4, 3, dtype = "float64" }
    y[{ 2, 3, 1 }] = nan
    local a = neural.assembly { { responses = y, stimulus_id = { "a", "b", "c", "d", "e", "f" } },
      missing = "nan" }
    local function message(given) return select(2, lamina.try(rdm, given)).message end
    assert.equal("rdm: 1 of 72 trials are missing, and crossnobis takes them one by one: a:complete(3) leaves out "
      .. "the neuroids that miss any; missing = \"nan\" compares stimuli over the neuroids that both have, with "
      .. "noise = \"none\" or a precision", message { a, method = "crossnobis" })
    assert.equal("rdm: the noise cannot be estimated from trials with missing values; leave out the neuroids that "
      .. "have them (a:complete(3)), or give noise = a precision, or noise = \"none\"",
      message { a, method = "crossnobis", missing = "nan" })
    assert.equal(3, rdm({ a:complete(3), method = "crossnobis" }).channels)
    local dead = y:clone()
    dead[{ {}, { 3, 3 } }] = 0
    local b = neural.assembly { { responses = dead, stimulus_id = { "a", "b", "c", "d", "e", "f" },
      neuroid_id = { "n1", "n2", "n3", "n4" } }, missing = "nan" }
    assert.equal("rdm: 1 channel without noise variance (3: n3), which method = \"mahalanobis\" and \"crossnobis\" "
      .. "cannot weigh: leave such channels out, as in a:select { neuroid_id = function(id) return ... end }, or say "
      .. "noise = \"none\", which weighs all alike", message { b, method = "crossnobis" })
    assert.equal("2 RDMs of 6 stimuli: correlation, 4 channels\n  2 of 144 trials missing, left out of the means",
      tostring(rdm.join { rdm { a }, rdm { a } }))
    local set = rdm.from { lamina.rand { 3, 45 } }
    local score = lamina.rsa { models = rdm.weighted { set }, data = set, bootstrap = 200, folds = 2 }
    assert.equal(200, score.resamples + score.dropped)
    assert.matches(string.format("over subjects and stimuli (%d resamples of 200; the others drew too few different "
      .. "stimuli for 2 folds), Student's t", score.resamples), tostring(score), 1, true)
  end)
end)
