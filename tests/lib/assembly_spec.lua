-- Recordings with time: read from every format, grouped, averaged, sorted, joined, written. The references are what
-- xarray makes of the same recording (tests/peers/assembly.py).
local lamina = require "lamina"
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local said = require "support.said"

local neural, data = lamina.neural, lamina.data
local tensor, kfold, grouped, shuffled = lamina.tensor, lamina.kfold, lamina.grouped, lamina.shuffled

local here = "tests/fixtures/neural/recording"
local reference = core_io.json_decode(core_io.text_read(here .. ".json"))
local folder = os.tmpname() .. ".assembly"
base.mkdir(folder)

local message_of, said_by = said.message, said.by

local function recording(ending) return neural.assembly { here .. (ending or ".npz"), missing = "nan" } end

-- JSON's null, or a tensor's NaN: missing.
local function near(expected, x, tolerance)
  local flat = x:contiguous():reshape({ -1 }):totable()
  assert.equal(#expected, #flat)
  for i, value in ipairs(flat) do
    if value ~= value then
      assert.is_true(type(expected[i]) ~= "number" or expected[i] ~= expected[i], "entry " .. i)
    else
      assert.near(expected[i], value, tolerance or 1e-12)
    end
  end
end

-- presentation x neuroid x time, NaN where missing
local function values(a) return (a:presentations()) end

describe("a recording", function()
  it("is the same from npz, HDF5, MATLAB 5 and 7.3, and netCDF", function()
    local first = recording()
    near(reference.values, values(first))
    assert.same({ 4, 4, 3, 3 }, first.responses.shape)
    assert.same({ "im3", "im1", "im2", "im4" }, first.stimulus.stimulus_id)
    assert.same({ "face", "face", "car", "car" }, first.stimulus.object_name)
    assert.same({ 11, 12, 13, 19, 18, 17, 16, 14, 15 }, first.presentation.trial)
    assert.same({ 70, 90, 110 }, first.time_bin.time_bin_start)
    for _, ending in ipairs { ".h5", ".mat", ".73.mat", ".nc" } do
      local same, why = first:equal(recording(ending))
      assert.is_true(same, ending .. ": " .. tostring(why))
    end
    assert.matches("4 stimuli, 4 neuroids, up to 3 repeats %(9 presentations%), 3 time bins from 70 to 130 ms",
      tostring(first))
    assert.matches("presentation: repetition, stimulus_id, trial", tostring(first))
  end)

  it("says what is wrong with its axes", function()
    local x = tensor({ { { 1, 2 }, { 3, 4 } } }, { dtype = "float64" })
    local function message(more)
      local arrays = { responses = x, stimulus_id = { "a" } }
      for key, value in pairs(more) do arrays[key] = value end
      return message_of(neural.assembly, { arrays })
    end
    assert.matches("there are 3 time bins, but responses are 1x2x2; their last axis is time",
      message { time_bin_start = { 0, 1, 2 } })
    assert.matches("time bin 2 begins at 30 ms and ends at 20 ms",
      message { time_bin_start = { 0, 30 }, time_bin_end = { 10, 20 } })
    assert.matches("time_bin_%a+ has %d entries and time_bin_%a+ %d",
      message { time_bin_start = { 0, 30 }, time_bin_end = { 10 } })
    assert.matches("time_bin_start of time bin 1 is a string, expected a time in ms",
      message { time_bin_start = { "a", "b" } })
    assert.matches("the mask 'valid' is 1x2, expected the shape", message { valid = tensor { { true, true } } })
    assert.matches("array 'hue' has 2 entries, expected 1 %(the rows", message { hue = { 1, 2 } })
  end)

  it("takes stimulus ids that are called otherwise", function()
    local x = tensor { { 1, 2 }, { 3, 4 } }
    assert.same({ "a", "b" }, neural.assembly({ { responses = x, image_id = { "a", "b" } } }).stimulus.stimulus_id)
    local a = neural.assembly { { responses = x, shown = { "a", "b" }, neuroid_id = { 1, 2 } }, id = "shown" }
    assert.same({ "a", "b" }, a.stimulus.stimulus_id)
    assert.same({ "a", "b" }, a.stimulus.shown)
    assert.matches("there is no array stimulus_id", message_of(neural.assembly, { { responses = x }, id = "shwon" }))
  end)

  it("takes what stands in an npy file, with tables beside it", function()
    core_io.npy_write(folder .. "/x.npy", tensor({ { -1, 2 }, { 3, 4 }, { 5, -6 } }, { dtype = "float64" }))
    core_io.csv_write(folder .. "/s.csv", { { "stimulus_id", "run" }, { "b", 1 }, { "a", 1 }, { "b", 2 } })
    core_io.csv_write(folder .. "/u.csv", { { "neuroid_id", "region" }, { "n1", "V1" }, { "n2", "V2" } })
    local a = neural.assembly { folder .. "/x.npy", stimuli = folder .. "/s.csv", neuroids = folder .. "/u.csv" }
    assert.same({ "b", "a" }, a.stimulus.stimulus_id)
    near({ 2, -2, 3, 4 }, (a:mean()))
    assert.same({ 1, 1, 2 }, a.presentation.run)
    assert.is_nil(rawget(a.stimulus, "run"))
    assert.same({ 1 }, a:at({ 2 }).stimulus.run) -- what all presentations of every stimulus share is the stimulus's
    assert.is_true(neural.assembly(a:at({ 2 }):save(folder .. "/one.npz")):equal(a:at { 2 }))
    assert.matches("there is no array stimulus_id .* stimuli = \"FILE.csv\" may say it",
      message_of(neural.assembly, folder .. "/x.npy"))
  end)

  it("takes time bins from a table beside the counts", function()
    core_io.csv_write(folder .. "/bins.csv", { { "time_bin_start", "time_bin_end" }, { 0, 10 }, { 10, 20 } })
    local counts = tensor({ { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { -1, 8 } } }, { dtype = "int64" })
    local a = neural.assembly { counts = counts, stimuli = { stimulus_id = { "a", "b" } }, times = folder
      .. "/bins.csv",
      missing = -1 }
    assert.same({ 2, 2, 1, 2 }, a.responses.shape)
    assert.same({ 10, 20 }, a.time_bin.time_bin_end)
    near({ 1, 2, 3, 4, 5, 6, 0 / 0, 8 }, values(a))
    near({ 1, 2, 3, 4, 5, 6, 0 / 0, 8 }, (a:mean()))
  end)
end)

describe("group and average", function()
  it("give what xarray gives, missing trials left out", function()
    local a = recording()
    for _, with in ipairs { "mean", "sum", "min", "max", "median" } do
      local g = a:group { "object_name", with = with }
      assert.same(reference["object_" .. with].order, g.stimulus.stimulus_id)
      near(reference["object_" .. with].values, values(g))
      g = a:group { "region", with = with }
      assert.same(reference["region_" .. with].order, g.neuroid.region)
      assert.same({ "V4", "IT" }, g.neuroid.neuroid_id)
      near(reference["region_" .. with].values, values(g))
    end
    near(reference.object_std.values, values(a:group { "object_name", with = "std" }))
    local g = a:average()
    assert.same(reference.stimulus_mean.order, g.stimulus.stimulus_id)
    near(reference.stimulus_mean.values, values(g))
    near(reference.stimulus_mean.values, (a:mean()))
    assert.same({ "face", "face", "car", "car" }, g.stimulus.object_name)
    local t = a:average "time_bin"
    near(reference.time_mean, values(t))
    assert.same({ 70 }, t.time_bin.time_bin_start)
    assert.same({ 130 }, t.time_bin.time_bin_end)
    assert.equal(3, t.responses.ndim)
    assert.equal(1, #a:average("neuroid").neuroid)
  end)

  it("keep the mask of what has nothing left, and count", function()
    local a = recording()
    local one = a:select { stimulus_id = "im1", repetition = 1 }
    assert.same({ { { false, false, false } } }, one:at(nil, { 2 }):average().valid:squeeze(3):totable())
    local n = a:group { "object_name", with = "count" }
    assert.same({ 5, 4, 5, 5 }, n.responses[{ 1, {}, 1, 1 }]:totable())
    assert.same({ 4, 4, 3, 4 }, n.responses[{ 2, {}, 1, 2 }]:totable())
  end)

  it("give no sum to what has nothing to sum, on any axis", function()
    local gone = 0 / 0
    local a = neural.assembly { { responses = tensor({ { { gone, gone }, { 3, 4 } }, { { 5, gone }, { 7, 8 } } },
      { dtype = "float64" }), stimulus_id = { "a", "b" }, neuroid_region = { "V1", "V1" },
      time_bin_start = { 0, 10 }, time_bin_end = { 10, 20 } }, missing = "nan" }
    local sums = { time = a:average { "time_bin", with = "sum" }, trials = a:average { with = "sum" },
      stimuli = a:group { "stimulus_id", with = "sum" } }
    near({ gone, 7, 5, 15 }, values(sums.time))
    assert.same({ { { false }, { true } }, { { true }, { true } } }, sums.time.valid:totable())
    assert.matches("; 1 of 4 trials missing", tostring(sums.time))
    for _, name in ipairs { "trials", "stimuli" } do near({ gone, gone, 3, 4, 5, gone, 7, 8 }, values(sums[name])) end
    near({ 3, 4, 12, 8 }, values(a:group { "region", with = "sum" }))
    near({ 3, 4, 12, 8 }, values(a:average { "neuroid", with = "sum" }))
    near({ 0, 2, 1, 2 }, values(a:average { "time_bin", with = "count" }))
    assert.matches("are missing; a:complete%(%)", message_of(lamina.decode, { sums.time, "stimulus_id" }))
  end)

  it("keep repeats where repetition is among the coordinates", function()
    local g = recording():group { { "object_name", "repetition" } }
    assert.same({ "face", "car" }, g.stimulus.stimulus_id)
    assert.same({ 0, 0, 1, 1, 2 }, (function()
      local list = { table.unpack(g.presentation.repetition) }
      table.sort(list)
      return list
    end)())
    local x = reference.values
    near({ (x[1] + x[13]) / 2 }, g.responses[{ { 1, 1 }, 1, 1, 1 }])
  end)

  it("refuse what is no coordinate, two axes, and time where there is none", function()
    local a = recording()
    assert.matches("group: there is no coordinate 'regoin' %(did you mean 'region'%?%)",
      message_of(a.group, a, "regoin"))
    assert.matches("'region' is a coordinate of neuroids and 'object_name' one of presentations",
      message_of(a.group, a, { { "region", "object_name" } }))
    assert.matches("option 'with' is 'meen', expected one of 'mean'", message_of(a.group, a, { "region",
      with = "meen" }))
    local still = neural.assembly { { responses = tensor { { 1, 2 } }, stimulus_id = { 1 } } }
    assert.matches("has no time bins", message_of(still.average, still, "time_bin"))
  end)
end)

describe("select, at and sort", function()
  it("choose along every axis as xarray does", function()
    local a = recording()
    local late = a:select { time_bin_start = function(t) return t >= 90 end }
    near(reference.late, values(late))
    assert.same({ 110, 130 }, late.time_bin.time_bin_end)
    local half = a:select { repetition = { 1, 2 } }
    near(reference.second_half, values(half))
    assert.same({ 19, 18, 17, 14, 15 }, half.presentation.trial)
    local one = a:select { time_bin_start = 90, region = "IT", object_name = "car" }
    assert.equal(3, one.responses.ndim)
    assert.same({ 2, 2, 2 }, one.responses.shape) -- cars were shown twice
    assert.same({ 90 }, one.time_bin.time_bin_start)
    assert.same({ "n2", "n3" }, a:select({ neuroid = { region = "IT" } }).neuroid.neuroid_id)
    assert.is_true(a:select({ stimulus = { stimulus_id = { "im3", "im1", "im2", "im4" } } }):equal(a))
    assert.matches("select: no time bin is left", message_of(a.select, a, { time_bin_start = 5 }))
    assert.matches("select: no presentation is left", message_of(a.select, a, { repetition = 9 }))
    assert.matches("select: neuroid has no coordinate 'regon' %(did you mean 'region'%?%)",
      message_of(a.select, a, { neuroid = { regon = 1 } }))
  end)

  it("sort stimuli, presentations, neuroids and times", function()
    local a = recording()
    local d = a:sort "depth"
    assert.same(reference.by_depth.order, d.neuroid.neuroid_id)
    near(reference.by_depth.values, values(d))
    local t = a:sort "trial"
    local x, columns = t:presentations()
    assert.same(reference.by_trial.order, columns.stimulus_id)
    near(reference.by_trial.values, x)
    assert.same({ "im1", "im2", "im3", "im4" }, a:sort("stimulus_id").stimulus.stimulus_id)
    assert.same({ 110, 90, 70 }, a:sort({ "time_bin_start", descending = true }).time_bin.time_bin_start)
    assert.same({ 2, 1.5, 0.5, 0.25 }, a:sort({ "depth", descending = true }).neuroid.depth)
    assert.is_true(a:sort("trial"):sort("repetition"):select({ stimulus_id = "im1" }):equal(
      a:select { stimulus_id = "im1" }))
  end)
end)

describe("save", function()
  it("writes npz, HDF5 and netCDF that read back equal", function()
    local a = recording()
    local parts = { a, a:average(), a:average "time_bin", a:select { region = "V4", repetition = { 0, 2 } },
      a:sort "trial", a:at({ 3, 1 }, { 2 }, { 1, 3 }),
      neural.assembly { { responses = tensor({ { 1.5, 2 } }), stimulus_id = { 7 }, neuroid_layer = { "a", "b" } } } }
    for i, one in ipairs(parts) do
      for _, ending in ipairs { ".npz", ".h5", ".nc" } do
        local path = one:save(folder .. "/saved" .. i .. ending)
        local same, why = neural.assembly(path):equal(one)
        assert.is_true(same, i .. ending .. ": " .. tostring(why))
      end
    end
    local same, why = a:equal(a:at(nil, { 1, 2 }))
    assert.is_false(same)
    assert.equal("4 and 2 along neuroid", why)
    same, why = a:equal(a:average())
    assert.is_false(same)
    assert.equal("9 and 4 along presentation", why)
  end)

  it("is what NumPy would read: NaN where a trial is missing", function()
    local arrays = data.npz(recording():save(folder .. "/plain.npz"))
    near(reference.values, arrays.responses)
    assert.same({ 9, 4, 3 }, arrays.valid.shape)
    assert.equal(140 - 36, arrays.valid:to("int64"):sum():item())
    assert.same({ "n1", "n2", "n3", "n4" }, arrays.neuroid_id)
    assert.same({ 90, 110, 130 }, arrays.time_bin_end:totable())
  end)

  it("is what xarray would read: variables of named dimensions", function()
    local a = recording()
    local nc = data.netcdf(a:save(folder .. "/plain.nc"))
    assert.same({ presentation = 9, neuroid = 4, time_bin = 3 }, nc.dims)
    assert.same({ "presentation", "neuroid", "time_bin" }, nc.variables.responses.dims)
    near(reference.values, nc.variables.responses.values)
    local written, names = data.netcdf(here .. ".nc"), {} -- by xarray, the same recording
    for name, coordinate in pairs(written.coords) do
      local own, known = nc.coords[name], coordinate.values
      names[#names + 1] = name
      assert.same(coordinate.dims, own.dims)
      if type(known) == "table" then
        assert.same(known, own.values)
      else
        assert.equal(known:to("float64"):digest(), own.values:to("float64"):digest())
      end
    end
    assert.equal(9, #names)
    for name in pairs(nc.coords) do assert.truthy(written.coords[name], name) end
    assert.equal(1, (function()
      local n = 0
      for _ in pairs(nc.variables) do n = n + 1 end
      return n
    end)())
    local path = a:save(folder .. "/twice.nc")
    assert.equal(core_io.text_read(folder .. "/plain.nc"), core_io.text_read(path))
  end)

  it("gives coordinates of all axes names of their own in a netCDF file", function()
    local a = neural.assembly { { responses = tensor { { 1, 2, 3 }, { 4, 5, 6 } }, stimulus_id = { "a", "b" },
      index = { 5, 6 }, presentation = { 0.5, 0 / 0 }, hard = { true, false }, neuroid_index = { 7, 8, 9 },
      neuroid_good = { true, false, true }, neuroid_neuroid = { "x", "y", "z" }, neuroid_responses = { 1, 2, 3 },
      neuroid_neuroid_kind = { "p", "q", "r" } } }
    local path = a:save(folder .. "/names.nc")
    local same, why = neural.assembly(path):equal(a)
    assert.is_true(same, why)
    local nc = data.netcdf(path)
    assert.same({ 5, 6 }, nc.coords.index.values:totable())
    assert.same({ 7, 8, 9 }, nc.coords.neuroid_index.values:totable())
    assert.same({ "neuroid" }, nc.coords.good.dims)
    assert.equal("bool", nc.coords.good.values.dtype)
    assert.same({ "x", "y", "z" }, nc.coords.neuroid.values) -- of its own dimension
    a.presentation["two words"] = { 1, 2 }
    assert.matches("coordinate of presentations is called 'two words', and names in a netCDF file have neither",
      message_of(a.save, a, path))
    a.presentation["two words"], a.presentation.neuroid = nil, { 1, 2 }
    assert.matches("coordinate of presentations is called 'neuroid', and a netCDF file has that name for something",
      message_of(a.save, a, path))
    assert.is_true(neural.assembly(path):equal(neural.assembly(path)))
  end)

  it("leaves the old file where it fails, and says why", function()
    local a = recording()
    assert.matches("ends in .npz, .h5 or .nc, got 'x.csv'", message_of(a.save, a, "x.csv"))
    core_io.text_write(folder .. "/old.npz", "old")
    local mixed = neural.assembly { { responses = tensor { { 1 }, { 2 } }, stimulus_id = { "a", "b" },
      note = { "x", 3 } } }
    assert.matches("coordinate 'note' of presentations holds a number at entry 2 after texts",
      message_of(mixed.save, mixed, folder .. "/old.npz"))
    assert.equal("old", core_io.text_read(folder .. "/old.npz"))
    local wrong = neural.assembly { here .. ".npz", missing = "nan" }
    wrong.presentation.time_of_day = wrong.presentation.trial
    assert.matches("called 'time_of_day', which a file keeps", message_of(wrong.save, wrong, folder .. "/w.npz"))
  end)
end)

describe("join", function()
  local function part(name, more)
    local o = { more.select or {}, name = name }
    local a = recording():select(o[1])
    a.name = name
    return a
  end

  it("puts presentations one after the other, and together again", function()
    local a = recording()
    local first, second = part("first", { select = { repetition = 0 } }), part("second", { select = {
      repetition = { 1, 2 } } })
    local both = neural.join { first, second, along = "presentation" }
    local same, why = both:sort("trial"):equal(a:sort "trial")
    assert.is_true(same, why)
    -- neuroids in another order are matched by their id
    same, why = neural.join({ first, second:sort "depth",
      along = "presentation" }):sort("trial"):equal(a:sort "trial")
    assert.is_true(same, why)
    assert.matches("repetition 0 of stimulus im3 stands in first and in first; renumber = true",
      message_of(neural.join, { first, first, along = "presentation" }))
    assert.same({ 4, 4, 2, 3 }, neural.join({ first, first, along = "presentation",
      renumber = true }).responses.shape)
  end)

  it("puts neuroids one after the other, with their time bins", function()
    local a = recording()
    local v4, it_ = part("V4", { select = { region = "V4" } }), part("IT", { select = { region = "IT" } })
    local both = neural.join { v4, it_ }
    local order = both:sort "neuroid_id"
    assert.same({ "V4", "IT", "IT", "V4" }, order.neuroid.recording)
    near(reference.by_trial.values, values(order:sort "trial"))
    assert.is_true(order.responses:equal(a.responses))
    assert.matches("neuroid_id n1 stands in V4 and in V4", message_of(neural.join, { v4, v4 }))
  end)

  it("names both offenders where they disagree", function()
    local a, b = part("first", {}), part("second", {})
    b.stimulus.object_name = { "face", "dog", "car", "car" }
    b.neuroid.neuroid_id = { "m1", "m2", "m3", "m4" }
    assert.matches("coordinate 'object_name' of stimulus im1 is face in first and dog in second",
      message_of(neural.join, { a, b }))
    assert.matches("coordinate 'object_name' of stimulus im1 is face in first and dog in second",
      message_of(neural.join, { a, b, along = "presentation" }))
    b = part("second", {})
    b.neuroid.neuroid_id = { "n1", "n2", "n3", "n9" }
    assert.matches("neuroid_id n4 stands in first and not in second",
      message_of(neural.join, { a, b, along = "presentation" }))
    b = part("second", { select = { time_bin_start = { 70, 90 } } })
    assert.matches("first has 3 time bins, second has 2 time bins", message_of(neural.join, { a, b }))
    b = part("second", { select = { stimulus_id = { "im1", "im2" } } })
    b.neuroid.neuroid_id = { "m1", "m2", "m3", "m4" }
    assert.matches("neural.join: first hold stimuli that second lack: im3, im4 %(2 of 4%)",
      message_of(neural.join, { a, b }))
    assert.matches("entry 2 is 3, expected an assembly", message_of(neural.join, { a, 3 }))
    assert.matches("neural.join { a, b, along", message_of(function() return neural.merge end), 1, true)
    assert.matches("a:select", message_of(function() return a:sel { region = "IT" } end), 1, true)
  end)
end)

describe("words that look at one time", function()
  it("say how to choose it", function()
    local a = recording()
    local images = lamina.stimuli.array { lamina.rand { 4, 1, 4, 4 }, ids = { "im1", "im2", "im3", "im4" } }
    for _, f in ipairs { function() lamina.predictivity { features = { x = lamina.rand { 4, 3 } },
      responses = a } end,
      function() lamina.split_half({ 2 }):estimate(a) end, function() a:paired(images) end,
      function() neural.scores { lamina.rand { 4, 4 }, a } end,
      function() neural.pseudopopulation { a, parts = { 1, 1 } } end } do
      assert.matches("has 3 time bins and this looks at one: choose one with a:select", message_of(f))
    end
  end)

  it("rdm gives one for each time bin", function()
    local a = recording():average()
    local r = lamina.rdm { a, method = "euclidean" }
    assert.equal(3, #r)
    assert.same({ "70 to 90 ms", "90 to 110 ms", "110 to 130 ms" }, r.names)
    local second = lamina.rdm { a:select { time_bin_start = 90 }, method = "euclidean" }
    near(second.vectors:reshape({ -1 }):totable(), r.vectors[2])
  end)
end)

describe("splits of an assembly", function()
  local frames, movie, object = {}, {}, {}
  for i = 1, 12 do frames[i], movie[i], object[i] = { i }, (i - 1) // 3, i % 2 end
  local a = neural.assembly { { responses = tensor(frames), stimulus_id = lamina.arange(1, 12), movie = movie,
    object_name = object } }

  it("keep the repeats of a stimulus together and warn of movies and objects", function()
    local text = said_by(function()
      local train, test = a:split { 0.5, 0.5, seed = 1 }
      assert.equal(12, #train.stimulus + #test.stimulus)
    end)
    assert.matches("warning: .*movie .* stands in training and test images at once, and frames of one movie are "
      .. "alike",
      text)
    assert.matches("object_name .* the map has met these objects before", text)
    assert.equal("", said_by(function() a:at(nil):select({ object_name = 1 }):split { 0.5, 0.5, by = "movie",
      stratify = "object_name", seed = 1 } end))
    local r = recording()
    for _, fold in ipairs(r:fold(kfold { 2, seed = 1 })) do
      for _, id in ipairs(fold.test.stimulus.stimulus_id) do
        for _, other in ipairs(fold.train.presentation.stimulus_id) do assert.not_equal(id, other) end
      end
    end
  end)

  it("do so for folds, unless the splits go by them", function()
    assert.matches("by = \"movie\"", said_by(function() kfold({ 4, seed = 1 }):folds(12, a.stimulus) end))
    assert.equal("", said_by(function()
      grouped({ 4, by = "movie", seed = 1 }):folds(12, { movie = movie, stimulus_id = frames })
      shuffled({ 2, stratify = "object_name", seed = 1 }):folds(12, { object_name = object })
      kfold({ 4, seed = 1 }):folds(12, { movie = a.stimulus.stimulus_id })
    end))
    assert.matches("fold: expected splits such as kfold", message_of(a.fold, a, 3))
  end)

  it("warn once for each line", function()
    local f = function() errors.warn({ file = "x.lua", line = 3 }, "once %d", 1) end
    assert.equal("warning: x.lua:3: once 1", said_by(f))
    assert.equal("", said_by(f))
  end)
end)
