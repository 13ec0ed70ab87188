-- What the neural words answer to data that labs really have: averages without repeats, numbers that are no counts,
-- labels that look like groups, names misspelt. Values are compared with the same data scored another way.
local lamina = require "lamina"
local ops = require "lamina.core.ops"
local said = require "support.said"

local neural, predictivity, ridge, kfold = lamina.neural, lamina.predictivity, lamina.ridge, lamina.kfold
local randn = lamina.randn

local message_of = said.message

local S, U = 30, 6
local ids, region = {}, {}
for i = 1, S do ids[i] = "s" .. i end
for u = 1, U do region[u] = u <= 3 and "V4" or "IT" end
local good, poor = randn { S, 5, dtype = "float64" }, randn { S, 5, dtype = "float64" }
local rates = good:matmul(randn { 5, U, dtype = "float64" })

local function assembly(responses, more)
  local arrays = { responses = responses, stimulus_id = ids, neuroid_region = region }
  for name, value in pairs(more or {}) do arrays[name] = value end
  return neural.assembly { arrays }
end

local repeated = assembly(rates:unsqueeze(3) + randn { S, U, 4, dtype = "float64" } * 2)

local function options(more)
  local o = { features = { { "good", good }, { "poor", poor } }, responses = repeated, mapping = ridge(1),
    splits = kfold { 5, seed = 1 }, bootstrap = 100, seed = 3 }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

describe("warnings of groups on both sides of a fold", function()
  local object, category, pose = {}, {}, {}
  for i = 1, 40 do
    object[i], pose[i] = "o" .. i % 4, i % 3
    category[i] = i % 4 < 2 and "animal" or "tool"
  end
  local x = randn { 40, 6, dtype = "float64" }
  local function said_of(labels, splits, columns)
    local made = neural.assembly { { responses = x, stimulus_id = lamina.arange(1, 40), object_name = object,
      category = category, movie = columns and columns.movie or pose } }
    return said.by(function()
      lamina.decode { made, labels, splits = splits or kfold { 5 }, classifier = lamina.nearest_centroid {},
        bootstrap = 100 }
    end)
  end

  it("are none of what is to be told apart, and none of what is within it", function()
    local text = said_of "object_name"
    assert.is_nil(text:find("object_name", 1, true))
    assert.matches("movie .* frames of one movie are alike: by = \"movie\" %(as in grouped { 3, by = \"movie\" }%) "
      .. "holds whole ones out$", text)
    local finer = {} -- two poses of each object: no class has two objects
    for i = 1, 40 do finer[i] = object[i] .. (i <= 20 and "a" or "b") end
    text = said_of(finer)
    assert.is_nil(text:find("object_name", 1, true))
  end)

  it("say what can be done, and doing it works", function()
    local text = said_of "category"
    assert.matches("object_name .* the map has met these objects before: by = \"object_name\" %(as in grouped { 4, "
      .. "by = \"object_name\" }%) holds whole ones out", text)
    assert.is_nil(said_of("category", lamina.grouped { 4, by = "object_name" }):find("object_name", 1, true))
  end)

  it("name the classes that would have to go, and where there is nothing to hold out", function()
    local kept = { table.unpack(category) }
    for i = 1, 40 do
      if object[i] == "o3" then kept[i] = "rare" end
    end
    assert.matches("holds whole ones out, for which the items of tool, rare, each of one object_name alone, would "
      .. "have to go", said_of(kept))
    local one = {}
    for i = 1, 40 do one[i] = 7 end
    assert.matches("movie 7 stands in training and test images at once, and frames of one movie are alike: there is "
      .. "no other to hold out", said_of("category", nil, { movie = one }))
    assert.matches("tests class o%d, of which it trains on no item: the splits hold every object_name out whole, and "
      .. "all items of that class are of one", message_of(said_of, "object_name", lamina.grouped { 4,
      by = "object_name" }))
  end)
end)

describe("the Poisson measure", function()
  local counts = assembly(rates:exp():clamp(0, 20):unsqueeze(3):expand({ S, U, 2 }):floor(),
    { neuroid_neuroid_id = { "a", "b", "c", "d", "e", "f" } })

  it("is of counts, and says so of responses below 0", function()
    assert.equal(U, predictivity(options { responses = counts, measure = "poisson", ceiling = false }).kept)
    local x = counts.responses:clone()
    x[{ 3, 6, 1 }] = -2.5
    local wrong = assembly(x, { neuroid_neuroid_id = counts.neuroid.neuroid_id })
    assert.matches("measure = \"poisson\" is the likelihood of counts, and responses below 0 are no counts: "
      .. "neural.assembly has some in neuroid 6 %(f%) %(the least is %-2.5%)%. Take \"r\", \"ev\" or \"r2\"; where a "
      .. "negative number stands for a missing trial, neural.assembly { %.%.%., missing = %-2.5 } says so",
      message_of(predictivity, options { responses = wrong, measure = "poisson" }))
    -- masked, it is no response
    local masked = neural.assembly { { responses = x, stimulus_id = ids }, missing = -2.5 }
    assert.truthy(predictivity(options { responses = masked, measure = "poisson", reliability = -1 }))
    assert.truthy(predictivity(options { responses = wrong, measure = "r", ceiling = false }))
  end)

  it("is no number among neural.scores of responses that are no counts", function()
    local y = counts:mean():clone()
    local noisy = counts.responses + randn { S, U, 2, dtype = "float64" }
    noisy[{ {}, 2 }]:sub_(30)
    noisy[{ {}, 1 }]:abs_()
    local found = neural.scores { y, assembly(noisy) }
    assert.is_true(found.poisson[2] ~= found.poisson[2])
    assert.is_true(found.poisson[1] == found.poisson[1] and found.r[2] > 0)
    local r, shown = found.r:totable(), tostring(found)
    table.sort(r)
    local middle = (r[(#r + 1) // 2] + r[#r // 2 + 1]) / 2
    assert.matches((string.format("\nr +%.3f +%.3f +%.3f +%d  ", middle, r[1], r[#r], #r):gsub("%-", "%%-")), shown)
    assert.matches("cc_norm", shown, 1, true)
  end)
end)

describe("responses without repeats", function()
  local averaged = repeated:average()

  it("are scored as they are with ceiling = false: the r of the same means with their repeats", function()
    local raw = predictivity(options { responses = averaged, ceiling = false })
    local known = predictivity(options { reliability = -1, ceiled = "none" })
    for i, row in ipairs(raw.rows) do
      for _, name in ipairs { "r", "low", "high", "n" } do assert.equal(known.rows[i][name], row[name]) end
      for _, name in ipairs { "ceiling", "ceiled", "ceiled_low", "above" } do assert.is_nil(row[name]) end
      assert.equal(known.neuroids.r[row.layer]:digest(), raw.neuroids.r[row.layer]:digest())
      assert.matches("%(over neuroids%), no ceiling, 5 folds", raw:results()[i].what)
    end
    assert.matches("\n  ceiling: none %(ceiling = false%): how much of the responses can be predicted at all is not "
      .. "known, and no neuroid is left out as unreliable\n  formula: none, for want of a ceiling\n"
      .. "layer +area +features +n +r +95 %% CI +bits\n",
      tostring(raw))
    assert.matches("6 of 6 neuroids %(left out: 0 without a valid trial for some stimulus%)", tostring(raw))
    assert.same({ "layer", "position", "region", "r" }, raw:table("neuroids")[1])
    assert.equal("", raw:table()[2][9])
    lamina.plot.layers(raw)
  end)

  it("keep neuroids that repeats would show to be noise", function()
    local noise = assembly(randn { S, U, 4, dtype = "float64" })
    local left = predictivity(options { responses = noise, reliability = -1, ceiled = "none" })
    assert.equal(U, predictivity(options { responses = noise, ceiling = false }).kept)
    assert.equal(U, left.kept)
    assert.truthy(not lamina.try(predictivity, options { responses = noise, reliability = 0.9 }))
  end)

  it("name the way out, and the ways that are none", function()
    assert.matches("has 1 repeat of each stimulus; a ceiling needs at least 2, since it is how well repeats agree%. "
      .. "predictivity { ceiling = false, %.%.%. } scores averages and single trials as they are",
      message_of(predictivity, options { responses = averaged }))
    assert.matches("noise is not known %(predictivity { ceiling = false, %.%.%. } scores averages",
      message_of(neural.scores, { averaged:mean(), averaged }))
    for _, wrong in ipairs { "none", 1, {}, true } do
      assert.matches("ceiling is .+, expected something like split_half { 10 }, or false for none",
        message_of(predictivity, options { responses = averaged, ceiling = wrong }))
    end
    assert.matches("reliability = 0.5 goes by how well repeats agree, and ceiling = false",
      message_of(predictivity, options { ceiling = false, reliability = 0.5 }))
    assert.matches("ceiled = \"r / c\" goes by how well repeats agree, and ceiling = false",
      message_of(predictivity, options { ceiling = false, ceiled = "r / c" }))
    assert.truthy(predictivity(options { ceiling = false, ceiled = "none", reliability = -1 }))
  end)

  it("are chosen layers for, compared, and judged without a ceiling", function()
    local o = options { responses = averaged, ceiling = false, reliability = nil }
    local c = neural.commitment(o)
    assert.equal("good", c.rows[1].layer)
    assert.is_nil(c.rows[1].ceiled)
    assert.matches("ceiling: none", tostring(c))
    assert.matches("n = 6, no ceiling; argmax good", c:results()[1].what)
    local score = predictivity(o)
    local pair = { { "a", score, layer = "good" }, { "b", score, layer = "poor" } }
    assert.truthy(neural.compare(pair).rows[1].difference > 0)
    pair.of = "ceiled"
    assert.matches("of = \"ceiled\", but 'a' was scored with ceiling = false", message_of(neural.compare, pair))
    local seen = lamina.stimuli.array { lamina.rand { S, 1, 6, 6 }, ids = ids }
    local function pixels(x) return x:reshape { #x, -1 } end
    local y = pixels(seen.x):to("float64"):matmul(randn { 36, U, dtype = "float64" })
    local judged = { model = { { "pixels", pixels } }, domain = seen, areas = { { "V1", layers = { "pixels" } } },
      data = { V1 = assembly(y) }, images = 10, ceiling = false, mapping = ridge(1e-3), least = 0.1 }
    local found = lamina.criteria(judged)
    local direct = predictivity { features = { pixels = pixels }, stimuli = seen, responses = judged.data.V1,
      mapping = ridge(1e-3), splits = kfold { 5, seed = found.predictive.areas[1].score.seed },
      measure = "ev", ceiling = false }
    assert.equal(direct.rows[1].r, found.predictive.areas[1].ev)
    assert.matches("held%-out explained variance %(of all variance, noise included: ceiling = false%)",
      tostring(found))
    assert.matches("best layer +n +EV +95 %% CI", tostring(found))
  end)

  it("have a reliability that cannot be computed, not a low one", function()
    local twice = { table.unpack(ids) }
    twice[2] = "s1"
    local a
    local text = said.by(function() a = assembly(averaged.responses:squeeze(3), { stimulus_id = twice }) end)
    assert.matches("neural.assembly: of 29 stimuli 1 occurs more than once %(s1%), the others once: these rows were "
      .. "taken for repeats of one stimulus", text)
    for _, more in ipairs { { stimulus_id = ids }, { stimulus_id = twice, repetition = { 1, 2,
      table.unpack(a.presentation.repetition, 3) } } } do
      assert.equal("", said.by(function() assembly(averaged.responses:squeeze(3), more) end))
    end
    local few = { good = good[{ { 1, S - 1 } }] }
    assert.matches("no neuroid is left of 6: 6 have no reliability that could be computed: 1 of 29 stimuli have 2 or "
      .. "more valid repeats, and how well repeats agree is a correlation over stimuli %(ceiling = false",
      message_of(predictivity, options { responses = a, features = few }))
    assert.equal(U, predictivity(options { responses = a, features = few, ceiling = false }).kept)
    -- some neuroids only: the print counts them by themselves
    local valid = repeated.valid:clone()
    valid[{ {}, { 1, 2 }, { 2, 4 } }]:fill(false)
    local gaps = neural.assembly { { responses = repeated.responses, valid = valid, stimulus_id = ids } }
    local score = predictivity(options { responses = gaps, reliability = -1 })
    assert.equal(2, score.unknown)
    assert.matches("4 of 6 neuroids %(left out: 0 with reliability below %-1, "
      .. "2 whose reliability cannot be computed: 1, 2", tostring(score))
    assert.equal(0, ops.isnan(score.neuroids.reliability):to("int64"):sum():item())
  end)
end)

describe("responses over time", function()
  local trials = randn { S, U, 4, 3, dtype = "float64" } * 2
  for t = 2, 3 do trials[{ {}, {}, {}, t }] = trials[{ {}, {}, {}, t }] + (rates * (t - 1)):unsqueeze(3) end
  trials[{ 4, 2, 1, 2 }] = 0 / 0
  local a = neural.assembly { { responses = trials, stimulus_id = ids, neuroid_region = region,
    time_bin_start = { 50, 70, 90 }, time_bin_end = { 70, 90, 110 } }, missing = "nan" }

  it("unrolled are each bin's neuroids, one bin after another", function()
    local u = a:unroll()
    assert.same({ S, 3 * U, 4 }, u.responses.shape)
    local x, valid = u.responses:totable(), u.valid:totable()
    for _, at in ipairs { { 1, 1, 1, 1 }, { 4, 2, 1, 2 }, { 4, 2, 2, 2 }, { S, U, 4, 3 }, { 7, 3, 2, 2 } } do
      local s, n, r, t = table.unpack(at)
      local place = (t - 1) * U + n
      local value = trials[at]
      assert.equal(value == value, valid[s][place][r])
      if value == value then assert.equal(value, x[s][place][r]) end
      assert.equal(region[n], u.neuroid.region[place])
      assert.equal(30 + 20 * t, u.neuroid.time_bin_start[place])
      assert.equal(50 + 20 * t, u.neuroid.time_bin_end[place])
    end
    assert.matches("up to 4 repeats; 1 of 2160 trials missing", tostring(u))
    assert.same({ S, U, 4 }, a:at(nil, nil, 2):unroll().responses.shape)
    assert.matches("unroll: neural.assembly has no time bins$", message_of(u.unroll, u))
    local both = neural.assembly { { responses = trials, stimulus_id = ids, neuroid_shift = region,
      time_bin_start = { 50, 70, 90 }, time_bin_end = { 70, 90, 110 }, time_bin_shift = { 1, 2, 3 } },
      missing = "nan" }
    assert.matches("unroll: neuroids and time bins of neural.assembly both have a coordinate 'shift'$",
      message_of(both.unroll, both))
  end)

  it("are scored bin by bin, with each bin's ceiling, as each is by itself", function()
    local score = predictivity(options { responses = a:unroll(), by = "time_bin_start", reliability = -1 })
    assert.equal(6, #score.rows)
    for t = 1, 3 do
      local alone = predictivity(options { responses = a:at(nil, nil, t), reliability = -1 })
      for i, name in ipairs { "good", "poor" } do
        local row, own = score.rows[(i - 1) * 3 + t], alone:find(name)
        assert.equal(30 + 20 * t, row.group)
        for _, field in ipairs { "r", "low", "high", "ceiling", "n" } do assert.equal(own[field], row[field]) end
      end
    end
    assert.matches("has 3 time bins and this looks at one: .*; responses = a:unroll%(%) with by = \"time_bin_start\"",
      message_of(predictivity, options { responses = a }))
  end)

  it("that are twice the same are compared as once, where each neuroid is drawn with its bins", function()
    local one = trials[{ {}, {}, {}, { 3, 3 } }]
    local names = {}
    for i = 1, U do names[i] = "n" .. i end
    local function compared(x, starts)
      local twice = neural.assembly { { responses = x, stimulus_id = ids, neuroid_neuroid_id = names,
        time_bin_start = starts } }
      local o = { over = "subjects", subject = "neuroid_id", seed = 3, bootstrap = 100 }
      o[1] = predictivity(options { responses = twice:unroll(), reliability = -1, over = "subjects",
        subject = "neuroid_id" })
      return neural.compare(o).rows[1]
    end
    local once, both = compared(one, { 90 }), compared(lamina.concat({ one, one }, { dim = 4 }), { 90, 110 })
    for _, field in ipairs { "difference", "low", "high", "p" } do assert.near(once[field], both[field], 1e-12) end
  end)
end)

describe("predicted rates that are none", function()
  it("are counted where a Poisson likelihood takes them for the least rate", function()
    local y = lamina.rand({ S, U, 4, dtype = "float64" }) * 3
    y = y:floor()
    local a = assembly(y)
    local guess = a:mean() + 0.1
    guess[{ 1, 1 }], guess[{ 2, 3 }], guess[{ 5, 2 }] = -1, 0, 1e-9
    local found = neural.scores { guess, a }
    assert.equal("3 of 180", found.low)
    assert.matches("nothing cut off; poisson: 3 of 180 predicted rates below 1e%-08, taken as that\n",
      tostring(found))
    assert.is_nil(neural.scores({ a:mean() + 1, a }).low)
    local given = options { features = { { "good", good } }, responses = a, measure = "poisson", reliability = -1,
      predictions = true }
    local score = predictivity(given)
    local low = score.predictions.good:lt(1e-8):to "int64":sum():item()
    assert.is_true(low > 0)
    assert.matches(string.format("\n  poisson, predicted rates below 1e%%-08, taken as that: good %d of 180\n", low),
      tostring(score))
    given.measure = "r"
    assert.is_nil(predictivity(given).low)
  end)
end)
