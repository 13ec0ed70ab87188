-- activations: what a model is shown of images, against sums over pixels; and the words of neural on what comes of
-- it.
local lamina = require "lamina"
local base = require "lamina.core.base"
local command = require "support.command"
local core_io = require "lamina.core.io"
local message_of = require("support.said").message

local activations, stimuli, neural = lamina.activations, lamina.stimuli, lamina.neural
local tensor, rand, arange = lamina.tensor, lamina.rand, lamina.arange
local model, input, area = lamina.model, lamina.input, lamina.area
local conv, relu, pool, dense = lamina.conv, lamina.relu, lamina.pool, lamina.dense

local folder = command.folder()
teardown(function() command.drop(folder) end)

local net = model "small" { seed = 3, input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
local images = rand { 10, 1, 8, 8 }
local set = stimuli.array { images, ids = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" } }

-- Options for a quiet recording without a cache, and more.
local function with(more)
  local o = { model = net, stimuli = set, cache = false, quiet = true }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

describe("what a model is shown", function()
  -- A model that passes on what it is shown.
  local function eye(channels, side)
    return model "eye" { input { channels, side, side }, area "V1" { lamina.identity } }
  end

  local function shown(x, channels, side, more)
    local o = with(more)
    o.model, o.stimuli = eye(channels, side), x
    return activations(o).responses:reshape { #x, channels, side, side }
  end

  -- The mean of pixels r..r+k-1, c..c+k-1 of an image.
  local function box(x, n, r, c, k)
    local sum = 0
    for i = r, r + k - 1 do
      for j = c, c + k - 1 do sum = sum + x[{ n, 1, i, j }] end
    end
    return sum / (k * k)
  end

  it("is placed in the field of view on grey", function()
    local x = rand { 2, 1, 8, 8 }
    local y = shown(x, 1, 16, { field = 8, degrees = 2, background = 0.25 }) -- 4 pixels in the middle of 16
    for r = 1, 16 do
      for c = 1, 16 do
        local inside = r > 6 and r <= 10 and c > 6 and c <= 10
        local want = inside and box(x, 2, 2 * (r - 7) + 1, 2 * (c - 7) + 1, 2) or 0.25
        assert.near(want, y[{ 2, 1, r, c }], 1e-6)
      end
    end
  end)

  it("is placed on what becomes of the background, as images become it", function()
    local x = rand { 2, 1, 8, 8 }
    local function view(b) return (b - 0.5) * 4 end
    local scaled = shown(x, 1, 16, { field = 8, degrees = 2, mean = 0.5, std = 0.25 })
    local own = shown(x, 1, 16, { field = 8, degrees = 2, input = view })
    assert.near(0, (own - scaled):abs():max():item(), 1e-6)
    assert.equal(0, own[{ {}, {}, { 1, 4 } }]:abs():max():item())
    assert.equal(4 * (0.25 - 0.5), shown(x, 1, 16, { field = 8, degrees = 2, input = view,
      background = 0.25 })[{ 1, 1, 1, 1 }])
    -- colours each by itself, and grey that becomes colour
    local colour = rand { 1, 3, 8, 8 }
    local opposed = shown(colour, 1, 16, { field = 8, degrees = 4, background = { 0.5, 0.25, 1 },
      input = function(b) return b[{ {}, { 1, 1 } }] - b[{ {}, { 2, 2 } }] end })
    assert.equal(0.25, opposed[{ 1, 1, 1, 1 }])
    local tinted = shown(x, 3, 16, { field = 8, degrees = 4, std = { 1, 2, 4 }, input = view, background = 1 })
    assert.same({ 2, 1, 0.5 }, tinted[{ 1, {}, 1, 1 }]:totable())
    local movie = rand { 2, 3, 1, 8, 8 }
    local frames = activations(with { model = eye(1, 16), stimuli = movie, field = 8, degrees = 4, input = view })
    assert.equal(0, frames.responses:reshape({ 2, 16, 16, 3 })[{ {}, { 1, 4 } }]:abs():max():item())
  end)

  it("is on no background where none can be told, and says so", function()
    local x = rand { 2, 1, 8, 8 }
    local vignette = lamina.linspace(0, 1, 8):reshape { 1, 1, 1, 8 }
    local o = { field = 8, degrees = 4, input = function(b) return b * vignette end }
    assert.matches("activations: field and degrees place the images on a background, of which `input` makes no plain "
      .. "one %(numbers from 0 to 0.5%): let input change numbers pixel by pixel %(mean and std are for that%)",
      message_of(shown, x, 1, 16, o))
    o.input = function(b) return (b - b:mean()) / b:std() end
    assert.matches("NaN or infinite ones among them", message_of(shown, x, 1, 16, o))
    o.degrees = 8 -- nothing surrounds them
    assert.equal(16, shown(x, 1, 16, o):size(3))
    o = { field = 8, degrees = 4, input = function(b) return b end, background = { 0, 1 } }
    assert.matches("background has 2 numbers, the images 1 channels", message_of(shown, x, 1, 16, o))
  end)

  it("is cut where it is larger than the field", function()
    local x = rand { 2, 1, 16, 16 }
    local y = shown(x, 1, 4, { field = 4, degrees = 8 }) -- the middle 8 pixels as 4
    for r = 1, 4 do
      for c = 1, 4 do assert.near(box(x, 1, 5 + 2 * (r - 1), 5 + 2 * (c - 1), 2), y[{ 1, 1, r, c }], 1e-6) end
    end
    assert.is_true(shown(x, 1, 16, { field = 4, degrees = 4 }):equal(x))
    local wide = rand { 1, 1, 4, 8 } -- not square: 8 pixels wide, 4 high
    y = shown(wide, 1, 8, { field = 5, degrees = 5 })
    assert.is_true(y[{ {}, {}, { 3, 6 } }]:equal(wide))
    assert.equal(0.5 * 32, y[{ {}, {}, { 1, 2 } }]:sum():item() + y[{ {}, {}, { 7, 8 } }]:sum():item())
  end)

  it("gets channels, size and scale", function()
    local x = rand { 2, 1, 8, 8 }
    local y = shown(x, 3, 8, { mean = { 0.1, 0.2, 0.3 }, std = { 1, 2, 4 } })
    for c = 1, 3 do
      assert.near((x[{ 1, 1, 2, 5 }] - 0.1 * c) / 2 ^ (c - 1), y[{ 1, c, 2, 5 }], 1e-6)
    end
    assert.near(box(x, 1, 3, 5, 2), shown(x, 1, 4)[{ 1, 1, 2, 3 }], 1e-6)
    local colour = rand { 1, 3, 2, 2 }
    assert.near(0.299 * colour[{ 1, 1, 1, 2 }] + 0.587 * colour[{ 1, 2, 1, 2 }] + 0.114 * colour[{ 1, 3, 1, 2 }],
      shown(colour, 1, 2)[{ 1, 1, 1, 2 }], 1e-6)
    assert.is_true(shown(x, 1, 4, { input = function(b) return b[{ {}, {}, { 1, 4 }, { 1, 4 } }]:contiguous() end })
      :equal(x[{ {}, {}, { 1, 4 }, { 1, 4 } }]:contiguous()))
    local wide = shown(x, 1, 4, { method = "antialias" })
    assert.is_true(wide:equal(lamina.image.resize { x, 4, method = "antialias" }))
  end)

  it("is refused where it cannot be", function()
    local function message(more)
      local o = with(more)
      if not more.model then o.model = eye(3, 8) end
      return message_of(activations, o)
    end
    assert.matches("field = 8 says nothing by itself", message { field = 8 })
    assert.matches("degrees = 8 says nothing by itself", message { degrees = 8 })
    assert.matches("mean has 2 numbers, the input 3 channels", message { model = eye(3, 8), mean = { 1, 2 } })
    assert.matches("std holds 0, expected a number above 0", message { std = 0 })
    assert.matches("images have 2 channels, the model takes 3", message { stimuli = rand { 1, 2, 8, 8 } })
    local vector = model "v" { input { 5 }, area "V1" { dense { 2 } } }
    assert.matches("v takes 5, the stimuli are 1x8x8", message { model = vector })
    assert.matches("mean is for images", message { model = vector, mean = 1 })
    assert.equal(2, #activations(with { model = vector, input = function(x) return x:reshape({ #x, -1 })[{ {},
      { 1, 5 } }]:contiguous() end }).neuroid)
  end)

  it("comes from folders a few pictures at a time", function()
    local dir = folder .. "/pictures"
    base.mkdir(dir)
    for i = 1, 5 do lamina.image.write { dir .. "/p" .. i .. ".png", images[i] } end
    core_io.csv_write(dir .. "/stimuli.csv", { { "stimulus_id", "kind" }, { "p4", "x" }, { "p2", "y" }, { "p1",
      "x" } })
    local a = activations(with { stimuli = dir })
    assert.same({ "p4", "p2", "p1" }, a.stimulus.stimulus_id)
    assert.same({ "x", "y", "x" }, a.stimulus.kind)
    assert.is_true(a.responses:equal(activations(with { stimuli = stimuli.folder(dir) }).responses))
    local eyes = model "colour" { seed = 1, input { 3, 8, 8 }, area "V1" { conv { 2, kernel = 3 } } }
    for i = 1, 5 do lamina.image.write { dir .. "/p" .. i .. ".png", rand { 3, 8, 8 } } end
    assert.is_true(activations(with { stimuli = dir, model = eyes }).responses:equal(activations(with { model = eyes,
      stimuli = stimuli.folder { dir, channels = 3 } }).responses))
    a = activations(with { stimuli = dir })
    assert.is_true(a.responses:equal(activations(with { stimuli = lamina.data.images { dir, table = "stimuli.csv" },
      batch = 2 }).responses))
  end)
end)

describe("the words of neural", function()
  local many = stimuli.objects { 60, size = 16, classes = 4, seed = 5 }
  local seeing = model "seeing" { seed = 1, input { 1, 16, 16 }, area "V1" { conv { 4, kernel = 5 }, relu,
    pool.max { 2 } }, area "IT" { dense { 12 }, relu } }
  local recorded = neural.simulate { many, simple = 6, repeats = 4, seed = 2 }
  local acts = activations { model = seeing, stimuli = many, layers = { "V1", "IT" }, cache = false, quiet = true }

  it("take them as features: the score is that of the model itself", function()
    local o = { responses = recorded, splits = lamina.kfold { 3, seed = 1 }, mapping = lamina.ridge { 1 },
      bootstrap = 100, reliability = -1, seed = 1 }
    local function score(more)
      local all = {}
      for _, t in ipairs { o, more } do
        for key, value in pairs(t) do all[key] = value end
      end
      return lamina.predictivity(all)
    end
    local direct = score { model = seeing, stimuli = many, layers = { "V1", "IT" } }
    local order = many.id and lamina.permutation(60, { seed = 3 }):totable()
    for _, given in ipairs { { features = acts }, { features = acts, stimuli = many },
      { features = acts:at(order) } } do
      local s = score(given)
      for i, row in ipairs(direct.rows) do
        assert.equal(row.layer, s.rows[i].layer)
        assert.equal(row.area, s.rows[i].area)
        assert.equal(row.r, s.rows[i].r)
        assert.equal(row.low, s.rows[i].low)
      end
    end
    local half = score { features = { both = acts, V1 = acts:select { layer = "V1" } } }
    assert.same({ "V1", "both" }, { half.rows[1].layer, half.rows[2].layer })
    assert.equal(direct.rows[1].r, half.rows[1].r)
    assert.equal(#acts.neuroid, half.rows[2].features)
    assert.matches("predictivity: %w+ hold stimuli that the activations seeing lack: %d+", message_of(score,
      { features = acts:at { 1, 2, 3 } }))
  end)

  it("refuse ids made up against ids of a recording", function()
    local named = neural.assembly { { responses = recorded.responses, stimulus_id = arange(1, 60) } }
    assert.matches("were made up by counting", message_of(lamina.predictivity, { features = acts,
      responses = named }))
  end)

  it("take them as populations", function()
    local it_ = acts:select { layer = "IT" }
    local x = it_.responses:reshape { 60, 12 }
    assert.is_true(lamina.rdm({ it_ }).vectors:equal(lamina.rdm({ x, id = many.id }).vectors))
    local splits = lamina.kfold { 3, seed = 1 }
    assert.equal(lamina.decode({ x, acts.stimulus.class, splits = splits }).accuracy,
      lamina.decode({ it_, "class", splits = splits }).accuracy)
    assert.matches("'channel' is a coordinate of neuroids; labels are one of presentations",
      message_of(lamina.decode, { it_, "channel" }))
    local v1 = acts:select { layer = "V1" }
    assert.equal(lamina.cka { x, v1.responses }, lamina.cka { it_, v1:at(lamina.permutation(60):totable()) })
    assert.matches("cka: x %(seeing%) hold stimuli that y %(seeing%) lack: 3 .*; the ids there that match nothing: 5",
      message_of(lamina.cka, { it_:at { 1, 2, 3, 4 }, v1:at { 1, 2, 4, 5 } }))
    local path = it_:save(folder .. "/it.h5")
    assert.is_true(neural.assembly(path):equal(it_))
    assert.same({ 60, 12, 1 }, it_:average().responses.shape)
    assert.equal(1, #it_:average("neuroid").neuroid)
  end)

  it("keep the mark of stimuli that served a choice", function()
    local chosen = many:subset(arange(1, 60))
    chosen.selected = true
    local marked = activations { model = seeing, stimuli = chosen, layers = "V1", cache = false, quiet = true }
    assert.is_true(marked.selected)
    assert.is_true(neural.join({ marked:at(nil, { 1, 2 }), marked:at(nil, { 3 }) }).selected)
    local score = lamina.predictivity { features = marked:select { channel = 1 }, responses = recorded,
      mapping = lamina.ridge { 1 }, splits = lamina.kfold { 3, seed = 1 }, bootstrap = 100, reliability = -1,
      seed = 1 }
    assert.is_true(score.rows[1].selected)
    assert.is_nil(acts.selected)
  end)

  it("say what is missing", function()
    local gaps = neural.assembly { { responses = tensor({ { 1, 0 / 0 }, { 2, 3 }, { 4, 5 }, { 4, 8 } }),
      stimulus_id = { 1, 2, 3, 4 } }, missing = "nan" }
    assert.matches("decode: 1 of 8 responses of .* are missing; a:complete%(%)", message_of(lamina.decode, { gaps,
      "stimulus_id" }))
    assert.matches("cka: 1 of 8 responses", message_of(lamina.cka, { gaps, gaps }))
  end)
end)

describe("three lines", function()
  it("take a model, a folder of pictures with a table and a recording, and print a predictivity", function()
    local dir = folder .. "/three"
    base.mkdir(dir .. "/images")
    local shown = stimuli.gratings { size = 32, orientation = arange(0, 175, 5), frequency = { 2, 4 } }
    local rows = { { "stimulus_id", "file", "orientation" } }
    for i = 1, #shown do
      lamina.image.write { string.format("%s/images/g%02d.png", dir, i), shown.x[i] }
      rows[i + 1] = { "grating " .. i, string.format("g%02d.png", i), shown.columns.orientation[i] }
    end
    rows[1][2] = "filename" -- as Brain-Score calls it
    core_io.csv_write(dir .. "/images/stimuli.csv", rows)
    local named = {}
    for i = 1, #shown do named[i] = "grating " .. i end
    neural.simulate({ shown:with_ids(named), simple = 8, repeats = 6, seed = 4 })
      :save(dir .. "/v1.npz")
    command.write(dir .. "/three.lua", [[
local net = models.lenet5 { seed = 1 }
local acts = activations { model = net, stimuli = stimuli.folder "images", layers = "areas" }
print(predictivity { features = acts, responses = neural.assembly "v1.npz" })
]])
    local done = command.run("three.lua", { dir = dir, env = "LAMINA_CACHE=" .. folder .. "/three-cache" })
    assert.equal(0, done.code, done.err)
    assert.matches("activations: LeNet%-5, 3 layers .* kept in ", done.out)
    assert.matches("predictivity: .*\nlayer +area", done.out)
    local r = tonumber(done.out:match "\nV1 +V1 .-([%d.]+) +[%d.]+ to")
    assert.is_true(r and r > 0.5, done.out) -- gratings tell simple cells apart
    local again = command.run("three.lua", { dir = dir, env = "LAMINA_CACHE=" .. folder .. "/three-cache" })
    assert.matches("from the cache", again.out)
    assert.equal(done.out:match "predictivity: .*", again.out:match "predictivity: .*")
  end)
end)
