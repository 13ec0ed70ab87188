-- The neural words: splits without leaks, assemblies with their masks, ceilings, predictivity of units whose tuning
-- is known, and messages.
local lamina = require "lamina"
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local near = require "support.near"
local stats = require "lamina.core.stats"

local neural, stimuli, predictivity, ridge = lamina.neural, lamina.stimuli, lamina.predictivity, lamina.ridge
local kfold, grouped, split_half = lamina.kfold, lamina.grouped, lamina.split_half
local tensor, arange, linspace, rand = lamina.tensor, lamina.arange, lamina.linspace, lamina.rand

local folder = os.tmpname() .. ".neural"
base.mkdir(folder)

local message_of = require("support.said").message

describe("splits", function()
  local movies = {}
  for i = 1, 60 do movies[i] = "m" .. (i * i % 7) end

  it("test every image once", function()
    for _, folds in ipairs { kfold({ 7, seed = 3 }):folds(60), grouped({ 3, by = "movie" }):folds(60,
      { movie = movies }) } do
      local times = {}
      for _, fold in ipairs(folds) do
        assert.equal(60, #fold.train + #fold.test)
        for _, i in ipairs(fold.test) do times[i] = (times[i] or 0) + 1 end
      end
      for i = 1, 60 do assert.equal(1, times[i]) end
    end
  end)

  it("hold whole groups out, also in the inner folds", function()
    local splits = grouped { 4, by = "movie", seed = 1 } -- squares mod 7 are 0, 1, 2, 4
    local folds = splits:folds(60, { movie = movies })
    for f, fold in ipairs(folds) do
      local inner = splits:inner(5, fold.train, 60, { movie = movies }, f)
      assert.equal(3, #inner) -- no more groups than that remain
      inner[#inner + 1] = fold
      for _, one in ipairs(inner) do
        local seen = {}
        for _, i in ipairs(one.train) do seen[movies[i]] = true end
        for _, i in ipairs(one.test) do assert.is_nil(seen[movies[i]]) end
      end
      for _, one in ipairs { table.unpack(inner, 1, 3) } do
        for _, i in ipairs(one.test) do
          for _, held in ipairs(fold.test) do assert.not_equal(i, held) end
        end
      end
    end
  end)

  it("spread strata evenly, in the inner folds as well, whole groups where there are groups", function()
    local kind, group = {}, {}
    for i = 1, 60 do kind[i], group[i] = i <= 15 and "rare" or "common", (i - 1) // 5 end
    for _, splits in ipairs { kfold { 5, stratify = "kind", seed = 1 }, grouped { 3, by = "group", stratify = "kind",
      seed = 1 }, lamina.shuffled { 3, test = 0.2, stratify = "kind", seed = 1 } } do
      for f, fold in ipairs(splits:folds(60, { kind = kind, group = group })) do
        local all = { { fold.test, 15 * #fold.test / 60 } }
        local total = 0
        for _, i in ipairs(fold.train) do total = total + (kind[i] == "rare" and 1 or 0) end
        for _, part in ipairs(splits:inner(2, fold.train, 60, { kind = kind, group = group }, f)) do
          all[#all + 1] = { part.test, total / 2 }
        end
        for k, one in ipairs(all) do
          local rare, groups = 0, {}
          for _, i in ipairs(one[1]) do
            rare = rare + (kind[i] == "rare" and 1 or 0)
            groups[group[i]] = (groups[group[i]] or 0) + 1
          end
          assert.is_true(math.abs(rare - one[2]) <= (splits.by and 2.5 or 1), k .. ": " .. rare .. ", " .. one[2])
          for _, count in pairs(splits.by and groups or {}) do assert.equal(5, count) end
        end
      end
    end
    assert.equal("kfold: 5 folds of images, every kind spread evenly, seed 1", tostring(kfold { 5, stratify = "kind",
      seed = 1 }))
    assert.matches("kfold: the stimuli have no coordinate 'knd' %(did you mean 'kind'%?%)", message_of(function()
      kfold({ 3, stratify = "knd" }):folds(60, { kind = kind })
    end))
  end)

  it("spread values of any kind: true and false, numbers among texts, NaN", function()
    local nan = 0 / 0
    for _, values in ipairs { { true, false, false }, { "a", 1, "a" }, { nan, 2, 1 } } do
      local kind, group, mixed = {}, {}, {}
      for i = 1, 27 do
        group[i] = (i - 1) // 3
        kind[i], mixed[i] = values[group[i] % 3 + 1], values[i % 3 + 1]
      end
      for _, case in ipairs { { kfold { 3, stratify = "kind", seed = 1 }, kind },
        { grouped { 3, by = "group", stratify = "kind", seed = 1 }, kind },
        { grouped { 3, by = "group", stratify = "mixed", seed = 1 }, mixed } } do
        for _, fold in ipairs(case[1]:folds(27, { kind = kind, group = group, mixed = mixed })) do
          local count = 0
          for _, i in ipairs(fold.test) do
            count = count + (tostring(case[2][i]) == tostring(values[1]) and 1 or 0)
          end
          assert.equal(values[3] == values[1] and 6 or 3, count)
        end
      end
    end
  end)

  it("of the script's own know the values that their inner folds spread, before these are made", function()
    local given = require("lamina.neural.splits").of({ { train = { 1, 2 }, test = { 3 } }, stratify = "knd" }, "x")
    assert.matches("splits: the stimuli have no coordinate 'knd' %(did you mean 'kind'%?%)",
      message_of(given.folds, given, 3, { kind = { 1, 1, 2 } }))
  end)

  it("are keyed by their seed", function()
    assert.same(kfold({ 5, seed = 3 }):folds(20), kfold({ 5, seed = 3 }):folds(20))
    assert.is_false(pcall(assert.same, kfold({ 5, seed = 3 }):folds(20), kfold({ 5, seed = 4 }):folds(20)))
  end)

  it("print themselves and name what is wrong", function()
    assert.equal("grouped by movie: 4 folds of whole groups, seed 9", tostring(grouped { 4, by = "movie", seed = 9 }))
    assert.equal("kfold: 10 folds of images, seed 2", tostring(kfold { seed = 2 }))
    assert.matches("5 folds, but there are only 4 groups: take 4 folds or fewer", message_of(function()
      grouped({ 5, by = "movie" }):folds(60, { movie = movies })
    end))
    assert.matches("no coordinate 'movi' %(did you mean 'movie'%?%)", message_of(function()
      grouped({ 5, by = "movi" }):folds(60, { movie = movies })
    end))
  end)
end)

describe("neural.assembly", function()
  -- two stimuli, b shown twice and a three times, of which one is missing for neuroid 2
  local responses = { { 1, 10 }, { 2, 20 }, { 3, -1 }, { 4, 40 }, { 5, 50 } }
  local arrays = { responses = tensor(responses, { dtype = "float64" }),
    stimulus_id = { "b", "a", "a", "b", "a" }, repetition = tensor({ 1, 1, 2, 2, 3 }, { dtype = "int64" }),
    movie = tensor({ 7, 8, 8, 7, 8 }, { dtype = "int64" }),
    neuroid_depth = tensor({ 100, 200 }, { dtype = "int64" }) }

  it("gathers presentations by stimulus and masks what is missing", function()
    core_io.npz_write(folder .. "/a.npz", arrays)
    local a = neural.assembly { folder .. "/a.npz", missing = -1 }
    assert.same({ 2, 2, 3 }, a.responses.shape)
    assert.same({ "b", "a" }, a.stimulus.stimulus_id)
    assert.same({ 7, 8 }, a.stimulus.movie)
    assert.is_nil(a.stimulus.repetition) -- it varies within a stimulus
    assert.same({ 100, 200 }, a.neuroid.depth)
    assert.equal(2, #a.neuroid)
    assert.equal(2, #a.stimulus)
    local mean, count = a:mean()
    near({ 2.5, 25, 10 / 3, 35 }, mean, 1e-12)
    assert.same({ { 2, 2 }, { 3, 2 } }, count:totable())
    assert.matches("2 stimuli, 2 neuroids, up to 3 repeats %(5 presentations%); 1 of 10 trials missing", tostring(a))
  end)

  it("selects by coordinates of stimuli and of neuroids", function()
    local a = neural.assembly { arrays, missing = -1 }
    local b = a:select { movie = 8, depth = function(v) return v > 150 end }
    assert.same({ "a" }, b.stimulus.stimulus_id)
    assert.same({ 200 }, b.neuroid.depth)
    near({ 35 }, (b:mean()))
    assert.matches("no coordinate 'move' %(did you mean 'movie'%?%)", message_of(a.select, a, { move = 8 }))
    assert.matches("no stimulus is left", message_of(a.select, a, { movie = 9 }))
  end)

  it("reads counts with tables, and says where they do not fit", function()
    core_io.npy_write(folder .. "/c.npy", tensor({ { { 1, 2 } }, { { 3, -1 } }, { { 5, 6 } } }, { dtype = "int64" }))
    core_io.csv_write(folder .. "/s.csv", { { "index", "movie" }, { 0, 1 }, { 1, 1 }, { 2, 2 } })
    core_io.csv_write(folder .. "/u.csv", { { "recording", "unit" }, { "x", 0 }, { "y", 0 }, { "z", 0 }, { "z", 1 } })
    local files = { counts = folder .. "/c.npy", stimuli = folder .. "/s.csv", neuroids = folder .. "/u.csv" }
    local function with(more)
      local o = {}
      for _, t in ipairs { files, more } do
        for key, value in pairs(t) do o[key] = value end
      end
      return o
    end
    local a = neural.assembly(with { where = { recording = "y" }, id = "index", missing = -1 })
    near({ 1.5, 3, 5.5 }, (a:mean()))
    assert.same({ 0, 1, 2 }, a.stimulus.stimulus_id)
    assert.matches("1 neuroids have responses, but .* has 2 rows that fit",
      message_of(neural.assembly, with { where = { recording = "z" }, id = "index" }))
    assert.matches("no column 'stimulus_id'", message_of(neural.assembly, with { where = { recording = "y" } }))
    assert.matches("the least is %-1%); .* say missing = %-1",
      message_of(neural.assembly, with { where = { recording = "y" }, id = "index" }))
  end)

  it("takes coordinates from tables beside a file", function()
    local path = folder .. "/trials.npz"
    local shown = tensor({ { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } }, { dtype = "float64" })
    local units = { depth = { 10, 20, 30 }, probe = { "a", "a", "b" } }
    core_io.npz_write(path, { responses = shown, stimulus_id = { "s2", "s1", "s2", "s1" } })
    core_io.csv_write(folder .. "/ids.csv", { { "stimulus_id", "class" }, { "s1", "face" }, { "s2", "house" } })
    local a = neural.assembly { path, stimuli = folder .. "/ids.csv", neuroids = units, where = { probe = "a" } }
    assert.same({ "house", "face" }, a.stimulus.class)
    assert.same({ 10, 20 }, a.neuroid.depth)
    near({ 3, 4, 5, 6 }, (a:mean()))
    local counts = neural.assembly { counts = shown,
      stimuli = { stimulus_id = { 2, 1, 2, 1 }, hue = { 5, 6, 5, 6 } } }
    near({ 3, 4, 5, 6 }, (counts:mean()))
    assert.same({ 5, 6 }, counts.stimulus.hue)
    assert.matches("2 neuroids have responses, but .* has 3 rows$", message_of(neural.assembly, { path,
      neuroids = units }))
    assert.matches("where chooses rows of neuroids, and there is no neuroids", message_of(neural.assembly, { path,
      where = { probe = "a" } }))
    assert.matches("neural.assembly: .* hold stimuli that .* lack: s2 %(1 of 2%)", message_of(neural.assembly, { path,
      stimuli = { stimulus_id = { "s1" } } }))
    assert.matches("the responses have 4 rows and no stimulus_id, but .* has 1 rows", message_of(neural.assembly, {
      counts = shown, stimuli = { stimulus_id = { 1 } } }))
  end)

  it("does not pair ids that were made up for images with ids of its own", function()
    local images = rand { 3, 1, 2, 2 }
    local counts = tensor({ { { 1 } }, { { 2 } }, { { 3 } } }, { dtype = "float64" })
    local recorded = neural.assembly { counts = counts, stimuli = { stimulus_id = { 0, 1, 2 } } }
    local later = neural.assembly { counts = counts, stimuli = { stimulus_id = { 3, 1, 2 } } }
    for _, set in ipairs { stimuli.array { images }, images, stimuli.array({ images }):subset { 1, 2, 3 } } do
      assert.matches("1 to 3 were made up", message_of(function() recorded:paired(set) end))
      assert.matches("1 to 3 were made up", message_of(function() later:paired(set) end))
    end
    local set = later:paired(stimuli.array { images, ids = { 1, 2, 3 } })
    near({ 1, 2, 3 }, set.y)
    near(images[{ { 3, 3 } }]:reshape { -1 }:totable(), set.x[{ { 1, 1 } }])
    assert.equal(3, #recorded:paired(stimuli.array({ images }):with_ids { 2, 1, 0 }))
    local made = stimuli.gratings { size = 8, orientation = { 0, 45, 90 } }
    assert.equal(3, #neural.simulate({ made, simple = 2 }):select({ stimulus_id = { 1, 2, 3 } }):paired(made))
    assert.matches("2 ids", message_of(stimuli.array, { images, ids = { 1, 2 } }))
    assert.matches("images 1 and 3 have the same id, 1: every image needs one of its own",
      message_of(stimuli.array, { images, ids = { 1, 2, 1 } }))
  end)

  it("refuses NaN unless it means a missing trial", function()
    local gaps = { responses = tensor({ { { 1, 0 / 0 } } }, { dtype = "float64" }), stimulus_id = { "a" } }
    assert.matches("missing = \"nan\"", message_of(neural.assembly, { gaps }))
    assert.same({ { 1 } }, neural.assembly({ gaps, missing = "nan" }):repeats():totable())
  end)

  it("keeps the neuroids that have trials of every stimulus", function()
    local nan = 0 / 0
    local r = tensor({ { { 1, 2 }, { 3, nan } }, { { 4, 5 }, { nan, nan } } }, { dtype = "float64" })
    local a = neural.assembly { { responses = r, stimulus_id = { 1, 2 } }, missing = "nan" }
    assert.same({ { { 1, 2 } }, { { 4, 5 } } }, a:complete().responses:totable())
    assert.equal(1, #a:complete(2).neuroid)
    local ok, e = pcall(a.complete, a, 3)
    assert.is_false(ok)
    assert.matches("no neuroid has 3 valid repeats of all 2 stimuli", tostring(e))
  end)

  it("joins recordings of the same stimuli and pads their repeats", function()
    local a = neural.assembly { arrays, missing = -1, name = "first" }
    local b = neural.assembly { { responses = tensor({ { { 7 } }, { { 9 } } }, { dtype = "float64" }),
      stimulus_id = { "a", "b" } }, name = "second" }
    local both = neural.join { a, b }
    assert.same({ "first", "first", "second" }, both.neuroid.recording)
    near({ 2.5, 25, 9, 10 / 3, 35, 7 }, (both:mean()), 1e-12)
    local c = neural.assembly { { responses = tensor({ { { 7 } }, { { 9 } } }, { dtype = "float64" }),
      stimulus_id = { "a", "q" } }, name = "third" }
    assert.matches("stimuli that third lack: b", message_of(neural.join, { a, c }))
  end)

  it("pairs responses with their images", function()
    local a = neural.assembly { arrays, missing = -1 }
    local set = stimuli.of { x = rand { 3, 1, 2, 2 }, id = { "a", "c", "b" } }
    local paired = a:paired(set)
    assert.equal(set.x[3]:digest(), paired.x[1]:digest())
    near({ 2.5, 25, 10 / 3, 35 }, paired.y, 1e-5)
    assert.matches("lack: b %(1 of 2%)",
      message_of(a.paired, a, stimuli.of { x = rand { 1, 1, 2, 2 }, id = { "a" } }))
  end)
end)

describe("split_half", function()
  it("recovers the reliability of simulated units", function()
    local set = stimuli.gratings { size = 16, orientation = linspace(0, 175, 36), frequency = { 2, 3 },
      phase = { 0, 60, 120, 180 } }
    local a = neural.simulate { set, simple = 12, repeats = 20, rate = 4, seed = 3 }
    local estimate, ceiling = split_half({ 20, seed = 1 }):estimate(a)
    -- of a Poisson unit's means over n repeats: var(rate) / (var(rate) + mean(rate) / n)
    local signal, noise = a.rates:var { dim = 1 }, a.rates:mean { dim = 1 } / 20
    local truth = signal / (signal + noise)
    assert.near(0, (estimate - truth):abs():mean():item(), 0.02)
    assert.near(0, (ceiling - truth:sqrt()):abs():mean():item(), 0.02)
  end)

  it("is the mean of the divisions that can be computed, and says how many", function()
    -- six stimuli with two repeats and junk elsewhere, each unit's in slots of its own
    local n, slots, halves = 6, 4, 20
    local x = lamina.randn { n, 3, slots, dtype = "float64" } + lamina.randn { n, 3, 1, dtype = "float64" } * 3
    local there = lamina.zeros { n, 3, slots }
    for i = 1, n do
      for s = 1, slots do
        there[{ i, 1, s }] = 1
        there[{ i, 2, s }] = s <= 2 and 1 or 0
        there[{ i, 3, s }] = s == 1 and 1 or 0
      end
    end
    local valid = there:gt(0)
    local a = neural.assembly { { responses = lamina.ops.where(valid, x, tensor({ 0 / 0 }, { dtype = "float64" })),
      stimulus_id = { 1, 2, 3, 4, 5, 6 } }, missing = "nan" }
    local reliability, ceiling, count = split_half({ halves, seed = 1 }):estimate(a)
    local r, used = reliability:totable(), count:totable()
    assert.equal(halves, used[1])
    assert.is_true(used[2] > 0 and used[2] < halves) -- both repeats on one side: nothing to correlate
    assert.equal(0, used[3])
    assert.is_true(r[1] == r[1] and r[3] ~= r[3])
    -- wherever the two repeats are apart, the halves are they
    local first, second = x[{ {}, 2, 1 }], x[{ {}, 2, 2 }]
    local pearson = require "lamina.core.stats".pearson(first, second):item()
    assert.near(2 * pearson / (1 + pearson), r[2], 1e-12)
    assert.near(math.sqrt(r[2]), ceiling[2], 1e-12)
  end)
end)

describe("predictivity", function()
  local set = stimuli.objects { 240, size = 16, classes = 6, seed = 2 }
  local units = neural.simulate { set, simple = 10, complex = 10, repeats = 12, seed = 5 }
  local pixels = { pixels = function(x) return x end }

  it("finds what the features hold, and nothing in shuffled responses", function()
    -- features that are the noise-free rates: r reaches the ceiling
    local score = predictivity { features = { { "rates", units.rates }, { "pixels", function(x) return x end } },
      stimuli = set, responses = units, splits = kfold { 5, seed = 1 }, by = "kind", shuffle = 10, seed = 1 }
    for _, kind in ipairs { "simple", "complex" } do
      local row = score:find("rates", kind)
      assert.truthy(row.ceiled > 0.93 and row.ceiled < 1.05, kind .. " " .. row.ceiled)
      assert.truthy(math.abs(row.shuffled) < 0.05)
      assert.truthy(row.low <= row.r and row.r <= row.high)
      assert.equal("exact", row.label)
    end
    assert.truthy(score:find("pixels", "simple").r > score:find("pixels", "complex").r)
    assert.matches("layer +area +kind +features +n +r +95 %% CI +ceiling +r / c +shuffled", tostring(score))
    assert.equal(4, #score:results())
    score:csv(folder .. "/score.csv")
    local columns = core_io.csv_read(folder .. "/score.csv", { header = true })
    assert.same({ "rates", "rates", "pixels", "pixels" }, columns.layer)
    assert.near(score.rows[1].r, columns.r[1], 1e-15)
  end)

  it("gives r as its definition says", function()
    local splits = kfold { 4, seed = 3 }
    local score = predictivity { features = pixels, stimuli = set, responses = units, splits = splits,
      mapping = ridge(30), reliability = -1 }
    local x, y, sums = set.x:reshape { 240, -1 }:to "float64", units:mean(), nil
    for _, fold in ipairs(splits:folds(240)) do
      local train, test = tensor(fold.train, { dtype = "int64" }), tensor(fold.test, { dtype = "int64" })
      local fit = ridge(30):fit(x:index_select(train, { dim = 1 }), y:index_select(train, { dim = 1 }))
      local r = stats.pearson(fit:predict(x:index_select(test, { dim = 1 })), y:index_select(test, { dim = 1 }))
      sums = sums and sums + r or r
    end
    assert.near(0, (score.neuroids.r.pixels - sums / 4):abs():max():item(), 1e-9)
    assert.near(stats.quantile(sums / 4, { 0.5 }):item(), score.rows[1].r, 1e-9)
  end)

  it("does not depend on the order of the stimuli, nor on the number of threads", function()
    local order = {}
    for i = 1, 240 do order[i] = (i * 7) % 240 + 1 end
    local function run(shown)
      return predictivity { features = pixels, stimuli = shown, responses = units, splits = kfold { 3, seed = 1 },
        mapping = ridge { alphas = { 1, 10 } } }
    end
    local before, one = base.threads(), run(set)
    base.threads(3)
    local other = run(set:subset(order))
    base.threads(before)
    assert.equal(one.neuroids.r.pixels:digest(), other.neuroids.r.pixels:digest())
    assert.equal(tostring(one), tostring(other))
  end)

  it("pairs the rows of features with the stimuli, in whatever order those stand", function()
    local order, flat = {}, set.x:reshape { 240, -1 }
    for i = 1, 240 do order[i] = (i * 7) % 240 + 1 end
    local other = set:subset(order)
    local function run(front_ends, shown)
      return predictivity { features = front_ends, stimuli = shown, responses = units, splits = kfold { 3, seed = 1 },
        mapping = ridge { alphas = 1 } }.neuroids.r.pixels:digest()
    end
    local expected = run(pixels, set)
    assert.equal(expected, run({ pixels = flat }, set))
    assert.equal(expected, run({ pixels = other.x:reshape { 240, -1 } }, other))
    assert.equal(expected, run { pixels = flat }) -- without images: in the order of the responses' own stimuli
    assert.matches("the features 'pixels' have 239 rows for 240 stimuli",
      message_of(run, { pixels = flat[{ { 1, 239 } }] }))
    for _, given in ipairs { pixels, { { "pixels", pixels.pixels } } } do
      assert.matches("option 'stimuli' is missing", message_of(run, given))
    end
    assert.matches("option 'stimuli' is missing", message_of(predictivity, { responses = units }))
  end)

  it("takes every layer of a model in one pass", function()
    local net = lamina.model "small" { lamina.input { 1, 16, 16 },
      lamina.area "V1" { lamina.conv { 4, kernel = 5 }, lamina.relu, lamina.pool.max { 2 } },
      lamina.readout "class" { lamina.dense { 6 } } }
    local score = predictivity { model = net, stimuli = set, responses = units, splits = kfold { 3, seed = 1 },
      mapping = ridge { alphas = { 1, 100 } }, batch = 50 }
    local names = {}
    for i, row in ipairs(score.rows) do names[i] = row.layer end
    assert.same({ "V1.conv1", "V1.relu1", "V1.pool1", "class.dense1" }, names)
    assert.equal("V1", score.rows[1].area)
    local chosen = predictivity { model = net, layers = { "V1" }, stimuli = set, responses = units,
      splits = kfold { 3, seed = 1 }, mapping = ridge { alphas = { 1, 100 } } }
    assert.equal(score.neuroids.r["V1.pool1"]:digest(), chosen.neuroids.r.V1:digest())
  end)

  it("takes the layers in several passes where memory is small, with the same bits", function()
    local net = lamina.model "small" { lamina.input { 1, 16, 16 },
      lamina.area "V1" { lamina.conv { 4, kernel = 5 }, lamina.relu, lamina.pool.max { 2 } },
      lamina.readout "class" { lamina.dense { 6 } } }
    local function run(memory)
      local shown = 0
      local score = predictivity { model = net, stimuli = set, responses = units, splits = kfold { 3, seed = 1 },
        mapping = ridge { 10 }, batch = 60, memory = memory, input = function(x)
          shown = shown + #x
          return x
        end }
      return score, shown
    end
    local whole, once = run "2 GB"
    local parts, often = run(2 * 240 * 4 * 576 + 10) -- half of it holds one layer of 4 x 12 x 12
    assert.equal(240 + 2, once)
    assert.equal(3 * 240 + 2, often) -- the last two layers fit side by side
    for i, row in ipairs(whole.rows) do
      assert.equal(whole.neuroids.r[row.layer]:digest(), parts.neuroids.r[row.layer]:digest())
      assert.equal(row.layer, parts.rows[i].layer)
    end
    assert.matches("predictivity: memory = \"much\", expected bytes", message_of(run, "much"))
  end)

  it("leaves out neuroids by the stated rule and says so", function()
    local noisy = neural.simulate { set, simple = 10, complex = 10, repeats = 2, rate = 0.3, seed = 5 }
    local score = predictivity { features = pixels, stimuli = set, responses = noisy, splits = kfold { 3 },
      mapping = ridge(10), reliability = 0.1 }
    assert.equal(20, score.kept + score.unreliable)
    assert.truthy(score.unreliable > 0)
    assert.matches(string.format("%d with reliability below 0.1", score.unreliable), tostring(score))
    assert.matches("no neuroid is left of 20", message_of(predictivity,
      { features = pixels, stimuli = set, responses = noisy, reliability = 1 }))
  end)

  it("names the stimuli that are missing", function()
    local few = set:subset(arange(11, 240):totable())
    assert.matches("predictivity: responses %(simulated%) hold stimuli that stimuli %(objects%) lack: 1, 2, 3, 4, "
      .. "5 and 5 more %(10 of 240%); the ids there are 11, 12, 13 and 227 more",
      message_of(predictivity, { features = pixels, stimuli = few, responses = units }))
    assert.matches("responses is a stimulus set, expected an assembly",
      message_of(predictivity, { features = pixels, stimuli = set, responses = set }))
  end)
end)
