-- activations: what is recorded of a model against its own layers taken one by one, within any memory, from the cache
-- and from damaged caches.
local lamina = require "lamina"
local base = require "lamina.core.base"
local command = require "support.command"
local core_io = require "lamina.core.io"
local said = require "support.said"

local activations, stimuli = lamina.activations, lamina.stimuli
local tensor, rand, arange = lamina.tensor, lamina.rand, lamina.arange
local model, input, area, readout = lamina.model, lamina.input, lamina.area, lamina.readout
local conv, relu, pool, dense = lamina.conv, lamina.relu, lamina.pool, lamina.dense
local message_of = said.message

local folder = command.folder()
local cache = folder .. "/cache"
teardown(function() command.drop(folder) end)

local function small(seed)
  return model "small" { seed = seed or 3, input { 1, 8, 8 },
    area "V1" { conv { 4, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "IT" { conv { 6, kernel = 3 }, relu, dense { 5 } },
    readout "class" { dense { 3 } } }
end

local net = small()
local images = rand { 10, 1, 8, 8 }
local ids = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" }
local set = stimuli.array { images, ids = ids }

-- Options for a quiet recording without a cache, and more.
local function with(more)
  local o = { model = net, stimuli = set, cache = false, quiet = true }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

-- The images, a number of one of which has become none.
local function with_hole(i)
  local other = stimuli.array { images:clone(), ids = ids }
  other.x[{ i, 1, 2, 2 }] = 0 / 0
  return other
end

describe("activations", function()
  it("are the layers' own, with the coordinates of every neuroid", function()
    local a = activations(with { layers = "all" })
    local each = net:activations(images)
    local at = 1
    for _, layer in ipairs(net:layers()) do
      local y = each[layer.name]:reshape { 10, -1 }
      assert.is_true(a.responses[{ {}, { at, at + y:size(2) - 1 } }]:reshape({ 10, -1 }):equal(y), layer.name)
      assert.equal(layer.name, a.neuroid.layer[at])
      assert.equal(layer.area, a.neuroid.area[at])
      at = at + y:size(2)
    end
    assert.equal(at - 1, #a.neuroid)
    local conv1 = each["V1.conv1"]
    for i = 1, 256, 37 do -- channel, row and column of a neuroid are its indices
      local c, r, k = a.neuroid.channel[i], a.neuroid.row[i], a.neuroid.column[i]
      assert.equal(conv1[{ 2, c, r, k }], a.responses[{ 2, i, 1 }])
    end
    assert.equal("V1.conv1.38", a.neuroid.neuroid_id[38])
    assert.same(ids, a.stimulus.stimulus_id)
    assert.equal("float32", a.responses.dtype)
    local it_ = a:select { layer = "IT.dense1" }
    for i, channel in ipairs(it_.neuroid.channel) do assert.equal(i, channel) end
    assert.equal(5, #it_.neuroid.channel)
  end)

  it("of areas, names and patterns", function()
    local function layers(given)
      local list, last = {}, nil
      for _, name in ipairs(activations(with { layers = given }).neuroid.layer) do
        if name ~= last then list[#list + 1] = name end
        last = name
      end
      return list
    end
    assert.same({ "V1", "IT" }, layers "areas")
    assert.same({ "V1", "IT" }, layers(nil))
    assert.same({ "V1.relu1", "IT.relu1" }, layers "relu")
    assert.same({ "V1.relu1", "IT.relu1", "class" }, layers { "relu", "V1.relu1", "class" })
    assert.same({ "V1.conv1", "V1.relu1", "V1.pool1" }, layers "^V1%.")
    assert.matches("activations: option 'layers' names 'V1.conv9', which is no layer or area of small %(did you mean "
      .. "'V1.conv1'%?%); no layer's name fits",
      message_of(activations, with { layers = "V1.conv9" }))
    for _, bad in ipairs { "[", "V[1", "V%", "(V", "V)", "%f", "%b(", "%1" } do
      local message = message_of(activations, with { layers = bad })
      local wanted = "names '" .. bad .. "', which is no layer or area of small, nor a Lua pattern"
      assert.truthy(message:find(wanted, 1, true), bad)
    end
    for _, good in ipairs { "[%]x]", "[]]", "(V)%1", "%f[%w]V", "%bxy", "^V.-$" } do
      assert.is_true(require("lamina.pattern").is_whole(good), good)
    end
    assert.matches("option 'layers' is an empty list", message_of(activations, with { layers = {} }))
    assert.matches("option 'layers' holds 1, expected", message_of(activations, with { layers = { 1 } }))
  end)

  it("have the same bits whatever the batch and the memory, which is not passed", function()
    local whole = activations(with { layers = "all" })
    for _, batch in ipairs { 1, 3, 7 } do
      assert.is_true(whole:equal(activations(with { layers = "all", batch = batch })))
    end
    local many = stimuli.array { rand { 600, 1, 8, 8 } }
    collectgarbage()
    base.reset_peak()
    local before = base.memory().live
    local text = said.by(function()
      local a = activations { model = net, stimuli = many, layers = "all", cache = cache, memory = "300 kB" }
      assert.equal(600, #a.stimulus)
      assert.is_true(base.memory().peak - before < 300e3, base.memory().peak - before)
      assert.is_true(activations(with { stimuli = many, layers = "all" }):equal(a))
    end)
    assert.matches("small, 7 layers %(V1.conv1, V1.relu1, V1.pool1, IT.conv1 and 3 more%): %d+ neuroids x 600 "
      .. "stimuli = "
      .. "[%d.]+ MB; %d+ images at a time, about [%d.]+ kB of 300 kB; kept in ", text)
  end)

  it("say what would fit where the memory is too small", function()
    local function message(more) return message_of(activations, with(more)) end
    local text = message { memory = "20 kB", layers = "all" }
    assert.matches("neuroids x 10 stimuli are [%d.]+ kB, and one image's pass takes [%d.]+ kB; together that is more "
      .. "than memory = 20 kB. What fits: ", text)
    local fits = text:match 'memory = "([%d.]+ kB)"'
    assert.equal(10, #activations(with { memory = fits, layers = "all" }).stimulus)
    local fewer = tonumber(text:match "What fits: (%d+) stimuli")
    if fewer then
      assert.equal(fewer, #activations(with { memory = "20 kB", layers = "all",
        stimuli = set:subset(arange(1, fewer)) }).stimulus)
    end
    assert.matches("with cache = true, which keeps them in a file", text)
    assert.matches("a single one does not fit into memory = 500 bytes", message { memory = 500, cache = cache })
    assert.matches("for stimulus i", message_of(activations, with { stimuli = with_hole(9), cache = cache,
      batch = 2 })) -- in the last batch
    for _, name in ipairs(base.list(cache)) do assert.is_nil(name:find "partial", name) end
    for _, memory in ipairs { "lots", "2 XB", -1, "0 MB" } do
      assert.matches("expected bytes or a text such as \"2 GB\"", message { memory = memory })
    end
  end)

  it("refuse what is no model, no stimulus, and numbers that are none", function()
    assert.matches("model is a table, expected a model", message_of(activations, { model = {}, stimuli = set }))
    assert.matches("expected stimuli", message_of(activations, with { stimuli = 3 }))
    assert.matches("V1 of small holds NaN or infinite values for stimulus d", message_of(activations, with {
      stimuli = with_hole(4) }))
    assert.matches("images are 4x8, the input 8x8; to place them in it without distortion say field",
      message_of(activations, with { stimuli = rand { 2, 1, 4, 8 } }))
    assert.matches("steps = all is for models with steps", message_of(activations, with { steps = "all" }))
    assert.matches("input must give a tensor with an entry for each image", message_of(activations, with {
      input = function() return 3 end }))
  end)
end)

describe("the cache of activations", function()
  local function cached(more)
    local o = with(more)
    if o.cache == false then o.cache = cache end
    o.quiet = false
    local a
    local text = said.by(function() a = activations(o) end)
    return a, text
  end

  it("gives the same bits, by content alone", function()
    local first, text = cached()
    assert.matches("kept in " .. cache:gsub("%p", "%%%0") .. "/%x+%.npy", text)
    local again
    again, text = cached { model = small(), stimuli = stimuli.array { images:clone(), ids = ids } }
    assert.matches("from the cache: ", text)
    assert.is_true(first:equal(again))
    assert.is_true(first:equal(activations(with())))
    local mapped
    mapped, text = cached { memory = "40 kB", batch = 2 }
    assert.matches("from the cache: ", text)
    assert.is_true(first:equal(mapped))
    -- ids are no part of what is computed
    again, text = cached { stimuli = images }
    assert.matches("from the cache: ", text)
    assert.same({ 1, 2, 3 }, { table.unpack(again.stimulus.stimulus_id, 1, 3) })
  end)

  it("computes anew for other weights, layers, images and preparations", function()
    local other = images:clone()
    other[{ 3, 1, 1, 1 }] = other[{ 3, 1, 1, 1 }] + 1e-6
    local changed = model "small" { seed = 3, input { 1, 8, 8 },
      area "V1" { conv { 4, kernel = 3, pad = 1 }, relu, pool.avg { 2 } },
      area "IT" { conv { 6, kernel = 3 }, relu, dense { 5 } },
      readout "class" { dense { 3 } } } -- the same weights, another pooling
    assert.equal(net:digest(), changed:digest())
    for what, more in pairs { weights = { model = small(4) }, layers = { layers = "IT" },
      images = { stimuli = other }, scale = { mean = 0.5 }, place = { field = 8, degrees = 4 },
      graph = { model = changed }, own = { input = function(x) return x * 0.5 end } } do
      local _, text = cached(more)
      assert.matches("kept in ", text, nil, what)
      _, text = cached(more)
      assert.matches("from the cache", text, nil, what)
    end
  end)

  it("finds damage and computes anew", function()
    local first, text = cached { layers = "V1.conv1" }
    local path = text:match "kept in (%S+%.npy)"
    local good, about = command.read(path), path:gsub("%.npy$", ".json")
    local notes = command.read(about)
    local function damaged(what, name, bytes)
      if bytes then command.write(name, bytes) else os.remove(name) end
      local a
      a, text = cached { layers = "V1.conv1" }
      assert.matches("it is computed anew", text, nil, what)
      assert.is_true(first:equal(a), what)
      assert.equal(good, command.read(path), what)
    end
    damaged("a bit", path, good:sub(1, 500) .. string.char(good:byte(501) ~ 1) .. good:sub(502))
    damaged("the end", path, good:sub(1, -5))
    damaged("more", path, good .. "x")
    damaged("empty", path, "")
    damaged("no notes", about, nil)
    damaged("no json", about, notes:sub(1, 40))
    damaged("another checksum", about, (notes:gsub('"checksum": "%x%x%x%x', '"checksum": "beef')))
    damaged("another shape", about, (notes:gsub('"shape": %[10', '"shape": [11')))
    _, text = cached { layers = "V1.conv1" }
    assert.matches("from the cache", text)
    for _, name in ipairs(base.list(cache)) do assert.is_nil(name:find "partial", name) end
  end)

  it("lies where LAMINA_CACHE says, and survives two writers at once", function()
    local script = folder .. "/record.lua"
    command.write(script, [[
      local net = model "two" { seed = 1, input { 1, 16, 16 }, area "V1" { conv { 8, kernel = 3 }, relu } }
      local x = linspace(0, 1, 200 * 256):reshape { 200, 1, 16, 16 }
      local a = activations { model = net, stimuli = x, batch = 5 }
      print("digest " .. a.responses:digest())
    ]])
    local line = string.format("env LAMINA_CACHE=%s/own %s %s", folder, command.path, script)
    local pipe = io.popen(string.format("%s & %s & %s & wait", line, line, line))
    local text = pipe:read "a"
    pipe:close()
    local digests, n = {}, 0
    for digest in text:gmatch "digest (%x+)" do digests[digest], n = true, n + 1 end
    assert.equal(3, n, text)
    assert.is_nil(next(digests, next(digests)))
    local files = base.list(folder .. "/own/activations")
    assert.equal(2, #files)
    pipe = io.popen(line)
    text = pipe:read "a"
    pipe:close()
    assert.matches("from the cache", text)
    assert.equal(next(digests), text:match "digest (%x+)")
  end)

  it("does without where nothing can be written", function()
    command.write(folder .. "/file", "no folder")
    local a, text = cached { cache = folder .. "/file" }
    assert.matches("not kept: .*file", text)
    assert.is_true(a:equal(activations(with())))
  end)

  it("is no input of an experiment", function()
    local dir = folder .. "/experiment"
    base.mkdir(dir)
    core_io.npy_write(dir .. "/x.npy", images)
    command.write(dir .. "/e.lua", [[
      experiment "cached" { seed = 1 }
      local net = model "two" { input { 1, 8, 8 }, area "V1" { conv { 2, kernel = 3 }, relu } }
      activations { model = net, stimuli = data.npy "x.npy" }
    ]])
    for run = 1, 2 do
      local done = command.run({ "--out", "out" .. run, "e.lua" }, { dir = dir, env = "LAMINA_CACHE=" .. dir
        .. "/c" })
      assert.equal(0, done.code, done.err)
      assert.matches(run == 1 and "kept in" or "from the cache", done.out)
      local results = core_io.json_decode(command.read(dir .. "/out" .. run .. "/results.json"))
      assert.equal(1, #results.files)
      assert.matches("x.npy$", results.files[1].path)
    end
  end)

  it("keeps nothing of layers that are the script's own", function()
    local gain = lamina.layer { word = "gain", shape = function(_, shape) return shape end,
      apply = function(_, _, x) return x * 2 end }
    local own = model "own" { input { 1, 8, 8 }, area "V1" { conv { 2, kernel = 3 }, gain } }
    local a, text = cached { model = own }
    assert.matches("not kept: V1.gain1 is a layer of the script's own", text)
    assert.is_true(a.responses:reshape({ -1 }):equal(own:activations(images, "V1").V1:reshape { -1 }))
  end)
end)

describe("activations of models over time", function()
  local recurrent = model "recurrent" { seed = 2, input { 1, 8, 8 }, steps = 3,
    area "V1" { conv { 3, kernel = 3, pad = 1 }, relu },
    area "V2" { pool.max { 2 }, conv { 4, kernel = 3, pad = 1 }, relu },
    lamina.feedback { from = "V2", to = "V1", delay = 1, resize = "nearest", conv { 3, kernel = 3, pad = 1 } },
    readout "class" { dense { 2 } } }

  it("label their steps, and mask what feedback has not brought yet", function()
    local a = activations(with { model = recurrent, layers = "all", steps = "all", step_ms = 20 })
    local every = recurrent:activations(images, "all", { steps = "all" })
    assert.same({ 1, 2, 3 }, a.time_bin.time_step)
    assert.same({ 0, 20, 40 }, a.time_bin.time_bin_start)
    assert.same({ 20, 40, 60 }, a.time_bin.time_bin_end)
    local masked = 0
    for _, layer in ipairs(recurrent:layers()) do
      local part = a:select { layer = layer.name }
      for t = 1, 3 do
        local at, own = part:select { time_step = t }, every[layer.name .. "@" .. t]
        if own then
          assert.is_true(at.whole, layer.name)
          assert.is_true(at.responses:reshape({ -1 }):equal(own:reshape { -1 }), layer.name)
        else
          assert.is_false(at.valid:any():item())
          assert.equal(0, at.responses:abs():sum():item())
          masked = masked + 1
        end
      end
    end
    assert.is_true(masked > 0)
    local kept = activations(with { model = recurrent, layers = "all", steps = "all", step_ms = 20, cache = cache })
    assert.is_true(kept:equal(a))
    assert.is_true(activations(with { model = recurrent, layers = "all", steps = "all", step_ms = 20,
      cache = cache }):equal(a))
  end)

  it("of one step, of the last, and by name", function()
    local second = activations(with { model = recurrent, layers = "V1", steps = 2 })
    assert.same({ 2 }, second.time_bin.time_step)
    local every = recurrent:activations(images, "V1", { steps = "all" })
    assert.is_true(second.responses:reshape({ -1 }):equal(every["V1@2"]:reshape { -1 }))
    local last = activations(with { model = recurrent, layers = "V1" })
    assert.same({ 3 }, last.time_bin.time_step)
    assert.is_true(last.responses:reshape({ -1 }):equal(every["V1@3"]:reshape { -1 }))
    local named = activations(with { model = recurrent, layers = { "V1@1", "V1@2" } })
    assert.is_true(named:select({ layer = "V1@2" }).responses:equal(second.responses))
    assert.matches("'V1@2' is one step, and steps = \"all\"", message_of(activations, with { model = recurrent,
      layers = "V1@2", steps = "all" }))
    assert.matches("steps = 4; expected \"last\", \"all\" or a step from 1 to 3", message_of(activations, with {
      model = recurrent, steps = 4 }))
  end)

  it("of sequences, frame by frame", function()
    local movie = model "movie" { seed = 5, input { 1, 4, 4 }, steps = "input", area "V1" { conv { 2, kernel = 3 } } }
    local x = rand { 3, 2, 1, 8, 8 }
    local a = activations(with { model = movie, stimuli = lamina.data.arrays { x = x }, layers = "V1",
      steps = "all" })
    local halved = stimuli.resize(x:reshape { 6, 1, 8, 8 }, 4):reshape { 3, 2, 1, 4, 4 }
    local every = movie:activations(halved, "V1", { steps = "all" })
    assert.is_true(a:select({ time_step = 2 }).responses:reshape({ -1 }):equal(every["V1@2"]:reshape { -1 }))
  end)

  it("draw their noise for each image, whatever the batch", function()
    local noisy = model "noisy" { seed = 1, input { 3, 32, 32 }, area "V1" { lamina.vone { simple = 4, complex = 4,
      kernel = 7, stride = 4, noise = "neuronal" } } }
    local x = rand { 4, 3, 32, 32 }
    local a = activations(with { model = noisy, stimuli = x })
    assert.is_true(a:equal(activations(with { model = noisy, stimuli = x, batch = 3 })))
    assert.is_true(a:equal(activations(with { model = noisy, stimuli = x, cache = cache })))
    assert.is_false(a:at({ 1 }).responses:equal(activations(with { model = noisy, stimuli = x:index_select(
      tensor({ 2, 1 }, { dtype = "int64" }), { dim = 1 }) }):at({ 2 }).responses))
  end)
end)
