-- Sets that are read as they are asked for: pictures, mapped arrays, functions, tables; the same batches with any
-- number of loader threads; augmentation. Samplers and splits are in sampler_spec.lua.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local io = require "lamina.core.io"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local folder = os.tmpname() .. " ü"
local shades = {}

-- Twelve pictures of 10 x 12 pixels, noise around a shade: six in each of two folders, every third a JPEG.
local function write_pictures()
  base.mkdir(folder .. "/cat")
  base.mkdir(folder .. "/dog")
  local rows = { { "file", "class", "x", "subject", "weight" } }
  for i = 1, 12 do
    local class = i % 2 == 0 and "cat" or "dog"
    local name = string.format("%s/%02d.%s", class, i, i % 3 == 0 and "jpg" or "png")
    local x = core.draw { kind = "uniform", low = 0.2, high = 0.8, shape = { 3, 10, 12 }, seed = i,
      purpose = "pictures" }
    shades[i] = x
    if i % 3 == 0 then
      local ok = pcall(io.jpeg_write, folder .. "/" .. name, x)
      if not ok then name = name:gsub("jpg$", "png") end
    end
    if name:match "png$" then io.png_write(folder .. "/" .. name, x) end
    rows[i + 1] = { name, class, i / 2, "s" .. (i - 1) // 3, i == 5 and 0 or 1 }
  end
  io.csv_write(folder .. "/table.csv", rows)
end

local function remove(path)
  for _, name in ipairs(base.list(path)) do
    if base.isdir(path .. "/" .. name) then remove(path .. "/" .. name) else base.remove(path .. "/" .. name) end
  end
  base.remove(path)
end

local AUGMENT = { random_crop = { 8, pad = 1 }, flip = true, affine = { rotate = 20, translate = 0.1, scale = { 0.9,
  1.1 },
  shear = 5 }, blur = { 0, 1 }, brightness = 0.2, contrast = { 0.8, 1.2 }, noise = 0.01, clip = true,
  cutout = 3, standardise = { mean = { 0.5, 0.4, 0.3 }, std = 0.25 } }
AUGMENT.standardise.std = { 0.25, 0.25, 0.25 }

-- The digests of an epoch's batches, inputs and targets.
local function stream(set, options)
  local list = {}
  options.batch, options.seed = 5, options.seed or 3
  for b in set:batches(options) do
    list[#list + 1] = b.x:digest() .. (b.y and b.y:digest() or "")
  end
  return list
end

describe("pictures in files", function()
  setup(write_pictures)
  teardown(function() remove(folder) end)

  local function labelled(more)
    local o = { folder, table = "table.csv", labels = "class", groups = "subject", channels = 3 }
    for key, value in pairs(more or {}) do o[key] = value end
    return dataset.images(o)
  end

  it("are read in the table's order, with labels, columns and groups", function()
    local set = labelled()
    assert.equal(12, #set)
    assert.same({ "cat", "dog" }, set.classes)
    assert.same({ 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1 }, set.y:totable())
    assert.same({ 3, 10, 12 }, set:shape())
    local b = set:batch { 2, 5 }
    assert.same({ 2, 3, 10, 12 }, b.x.shape)
    assert.is_true((b.x[1] - shades[2]):abs():max():item() <= 0.5 / 255 + 1e-6)
    assert.equal(0.5, set.columns.x[1])
    assert.equal("s3", set.groups[12])
    assert.equal("dog/01.png", set.id[1])
    local text = tostring(set)
    assert.truthy(text:find("12 items, x 3x10x12 each, PNG and JPEG files, y 12 int64, 2 classes", 1, true), text)
    assert.truthy(text:find("columns: class, file, subject, weight, x", 1, true), text)
  end)

  it("are classed by their folders where there is no table", function()
    local set = dataset.images { folder, size = { 4, 5 }, channels = 1 }
    assert.same({ "cat", "dog" }, set.classes)
    assert.same({ 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2 }, set.y:totable())
    assert.same({ 1, 4, 5 }, set:shape())
    assert.same({ 3, 1, 4, 5 }, set:batch({ 1, 7, 12 }).x.shape)
  end)

  it("are found beside their table, too", function()
    local set = dataset.images { folder .. "/cat", table = folder .. "/table.csv", labels = "class", channels = 3 }
    assert.equal(labelled():batch({ 3 }).x:digest(), set:batch({ 3 }).x:digest())
  end)

  it("have several targets by name", function()
    local set = dataset.images { folder, table = "table.csv", y = { category = "class", place = { "x", "weight" },
      x = "x" } }
    local b = set:batch { 1, 4 }
    assert.same({ 2, 1 }, b.y.category:totable())
    assert.same({ { 0.5, 1 }, { 2, 1 } }, b.y.place:totable())
    assert.same({ 2, 1 }, b.y.x.shape)
  end)

  it("give the same batches with any number of loader threads, and one by one", function()
    local set = labelled():augment(AUGMENT):map(function(x) return x * 2 end)
    local first = stream(set, { shuffle = true, epoch = 2, threads = 0 })
    assert.equal(3, #first)
    for _, threads in ipairs { 1, 2, 4 } do
      assert.same(first, stream(set, { shuffle = true, epoch = 2, threads = threads }))
    end
    assert.same(first, stream(set:loading(3), { shuffle = true, epoch = 2 }))
    local order = dataset.order(12, 3, 2)
    local b = set:batch(order[{ { 6, 10 } }], { epoch = 2, seed = 3 })
    assert.equal(first[2], b.x:digest() .. b.y:digest())
    assert.are_not.same(first, stream(set, { shuffle = true, epoch = 3, threads = 2 }))
    assert.are_not.same(first, stream(set, { shuffle = true, epoch = 2, threads = 2, seed = 4 }))
  end)

  it("draw for the item, wherever it stands in a subset", function()
    local set = labelled():augment(AUGMENT)
    local part = set:subset { 7, 3 }
    assert.equal(set:batch({ 3 }).x:digest(), part:batch({ 2 }).x:digest())
    assert.equal(set:batch({ 3, 7 }).x[2]:contiguous():digest(), part:batch({ 1 }).x[1]:contiguous():digest())
  end)

  it("stop their threads where a loop is left early", function()
    local set, seen = labelled():augment(AUGMENT), 0
    for _ = 1, 20 do
      for b in set:batches { batch = 1, threads = 4, ahead = 8 } do
        seen = seen + #b
        if #b == 1 then break end
      end
    end
    local ok = pcall(function()
      for _ in set:batches { batch = 2, threads = 2 } do error "enough" end
    end)
    assert.is_false(ok)
    assert.equal(20, seen)
  end)

  it("are loaded into memory", function()
    local set = labelled { size = 6 }
    local loaded = set:load(5)
    assert.same({ 12, 3, 6, 6 }, loaded.x.shape)
    assert.equal(set:batch({ 11 }).x:digest(), loaded:batch({ 11 }).x:digest())
    assert.same(set.y:totable(), loaded.y:totable())
  end)

  it("say which file is wrong, and what columns there are", function()
    assert.truthy(message(labelled, { labels = "clas" }):find("no column 'clas' (did you mean 'class'?); there are "
      .. "class, file, subject, weight, x", 1, true))
    assert.truthy(message(dataset.images, { "/nowhere" }):find("there is no folder /nowhere", 1, true))
    assert.truthy(message(dataset.images, { folder, table = "none.csv" }):find("none.csv", 1, true))
    io.png_write(folder .. "/cat/99.png", core.zeros { 4, 4 })
    local set = dataset.images { folder }
    local text = message(function()
      for _ in set:batches { batch = 20, threads = 2 } do end -- luacheck: ignore
    end)
    assert.truthy(text:find("cat/99.png is 1x4x4, other items of its batch are 1x10x12; say size = "
      .. "PIXELS", 1, true), text)
    io.text_write(folder .. "/cat/99.png", "no picture")
    text = message(function() set:load() end)
    assert.truthy(text:find("cat/99.png: neither PNG nor JPEG", 1, true), text)
    base.remove(folder .. "/cat/99.png")
    assert.truthy(message(function() set:batch { 7 } end):find("cat/99.png", 1, true))
    io.csv_write(folder .. "/bad.csv", { { "file" }, { "cat/98.png" } })
    assert.truthy(message(dataset.images, { folder, table = "bad.csv" }):find("row 1 of .*/bad.csv names "
      .. ".*/cat/98.png"))
  end)

  it("train a model", function()
    local models, train = require "lamina.model", require("lamina.train").train
    local dense, flatten = require "lamina.layers.dense", require "lamina.layers.flatten"
    local digests = {}
    for _, threads in ipairs { 0, 2 } do
      local net = models.model "tiny" { models.input { 3, 8, 8 }, seed = 1, models.area "V1" { flatten },
        models.readout "class" { dense { 2 } } }
      local set = labelled():augment(AUGMENT):loading(threads)
      local history = train { model = net, data = set, epochs = 3, batch = 4, seed = 2, log = false }
      assert.equal(9, history[3].step)
      digests[#digests + 1] = net:digest()
    end
    assert.equal(digests[1], digests[2])
    local wrong = models.model "tiny" { models.input { 3, 9, 9 }, models.area "V1" { flatten },
      models.readout "class" { dense { 2 } } }
    assert.truthy(message(train, { model = wrong, data = labelled():augment(AUGMENT), log = false })
      :find("3x8x8, but tiny takes 3x9x9", 1, true))
  end)
end)

describe("sets from files and functions", function()
  setup(function() base.mkdir(folder) end)
  teardown(function() remove(folder) end)

  it("map arrays that may be larger than memory", function()
    local x = core.draw { kind = "int", low = 0, high = 255, shape = { 20, 1, 6, 7 }, seed = 1, purpose = "arrays" }
      :to "uint8"
    local labels = core.arange(0, 19):mod(4)
    io.npy_write(folder .. "/x.npy", x)
    io.npy_write(folder .. "/y.npy", labels)
    io.idx_write(folder .. "/x.idx", x)
    io.safetensors_write(folder .. "/all.safetensors", { pictures = x, labels = labels })
    io.npz_write(folder .. "/all.npz", { pictures = x, names = { "a", "b", "a", "b", "a", "b", "a", "b", "a", "b",
      "a",
      "b", "a", "b", "a", "b", "a", "b", "a", "b" } })
    for _, given in ipairs { { x = folder .. "/x.npy", y = folder .. "/y.npy" }, { x = folder .. "/x.idx",
      y = folder .. "/y.npy", map = false }, { folder .. "/all.safetensors", x = "pictures", y = "labels" } } do
      given.first, given.classes = 0, { "p", "q", "r", "s" }
      local set = dataset.arrays(given)
      assert.equal(20, #set)
      assert.same({ 1, 6, 7 }, set:shape())
      local b = set:batch { 3, 20 }
      assert.equal(x:index_select(core.tensor({ 3, 20 }, { dtype = "int64" }), { dim = 1 }):digest(), b.x:digest())
      assert.same({ 3, 4 }, b.y:totable())
      local aug = set:augment { crop = 5, standardise = { mean = 0.5, std = 0.5 } }
      assert.is_true(math.abs(aug:batch({ 2 }).x[1][1][1][1] - (x[2][1][1][2] / 255 - 0.5) / 0.5) < 1e-6)
      assert.same(stream(aug, { threads = 0 }), stream(aug, { threads = 2 }))
      assert.same(set:subset({ 4, 2 }):batch({ 2 }).x:totable(), set:batch({ 2 }).x:totable())
    end
    local named = dataset.arrays { folder .. "/all.npz", x = "pictures", y = "names" }
    assert.same({ "a", "b" }, named.classes)
    assert.truthy(message(dataset.arrays, { folder .. "/all.npz", x = "picture" }):find("holds no 'picture' for x "
      .. "(did "
      .. "you mean 'pictures'?); there are names, pictures", 1, true))
    assert.truthy(message(dataset.arrays, { x = folder .. "/x.npy", y = core.arange(1, 3) }):find("x is 20x1x6x7 "
      .. "and y "
      .. "is 3", 1, true))
    assert.truthy(message(dataset.arrays, { x = folder .. "/x.npy", y = folder .. "/y.npy", classes = { "p", "q" } })
      :find("label 0 of item 1 is out of range", 1, true))
    assert.truthy(message(dataset.arrays, { x = folder .. "/x.doc" }):find("expected an .npy file", 1, true))
  end)

  it("read HDF5 in parts", function()
    local hdf5 = require "lamina.hdf5"
    local x = core.draw { kind = "uniform", shape = { 15, 2, 3 }, seed = 2, purpose = "hdf5" }
    local path = folder .. "/all.h5"
    local ok, err = pcall(hdf5.write, path, { session = { x = x, y = core.arange(1, 15):mod(3) + 1,
      subject = { "a", "a", "a", "a", "a", "b", "b", "b", "b", "b", "c", "c", "c", "c", "c" } } })
    if not ok and err.kind == "missing" then return pending(err.message) end
    local set = dataset.arrays { path, x = "session/x", y = "session/y", groups = "session/subject" }
    assert.same({ 2, 3 }, set:shape())
    assert.truthy(tostring(set):find("HDF5, read in parts", 1, true))
    local index = core.tensor({ 14, 2, 3, 9, 2, 15 }, { dtype = "int64" })
    assert.equal(x:index_select(index, { dim = 1 }):digest(), set:batch(index).x:digest())
    assert.equal(x:digest(), set:load(4).x:digest())
    local a, b = set:split { 0.6, 0.4, by = true, seed = 1 }
    assert.equal(15, #a + #b)
    assert.equal(x:digest(), dataset.arrays({ path, x = "session/x", map = false }):load().x:digest())
    assert.truthy(message(dataset.arrays, { path, x = "session/z" }):find("holds no 'session/z' for x", 1, true))
  end)

  it("ask a function for each item", function()
    local asked = {}
    local set = dataset.from { 6, function(i)
      asked[#asked + 1] = i
      return core.full({ 2, 2 }, i), { class = i, size = i / 2 }
    end }
    assert.equal(0, #asked)
    local b = set:batch { 5, 2 }
    assert.same({ 5, 2 }, asked)
    assert.same({ { { 5, 5 }, { 5, 5 } }, { { 2, 2 }, { 2, 2 } } }, b.x:totable())
    assert.same({ 5, 2 }, b.y.class:totable())
    assert.equal("int64", b.y.class.dtype)
    assert.same({ 2.5, 1 }, b.y.size:totable())
    local twice = set:map(function(x, where) return x * where.epoch end)
    assert.equal(15, twice:batch({ 5 }, { epoch = 3 }).x[1][1][1])
    local total = 0
    for one in set:take(3, 2):batches { batch = 2 } do total = total + one.x:sum():item() end
    assert.equal(4 * (2 + 3 + 4), total)
    local loaded = set:load()
    assert.same({ 6, 2, 2 }, loaded.x.shape)
    assert.same({ 1, 2, 3, 4, 5, 6 }, loaded.y.class:totable())
    local odd = dataset.from { 3, function(i) return core.zeros { i } end }
    assert.truthy(message(odd.batch, odd, { 1, 3 }):find("x of item 3 is 3 float32, that of item 1 is 1 float32", 1,
      true))
    local wrong = set:map(function() return 7 end)
    assert.truthy(message(wrong.batch, wrong, { 1 }):find("map: the function must give a tensor with one entry for "
      .. "each "
      .. "of the 1 items, not a number", 1, true))
  end)

  it("read the columns of a table", function()
    local path = folder .. "/trials.csv"
    io.text_write(path, "size,contrast,choice,rt,subject\n1,0.5,left,0.3,a\n2,NA,right,NA,a\n3,0.25,left,0.5,b\n")
    local o = { path, x = { "size" }, labels = "choice", groups = "subject", gaps = { "NA" } }
    local set = dataset.table(o)
    assert.same({ { 1 }, { 2 }, { 3 } }, set.x:totable())
    assert.same({ "left", "right" }, set.classes)
    assert.same({ 1, 2, 1 }, set.y:totable())
    assert.same({ "a", "a", "b" }, set.groups)
    o.labels, o.y = nil, { choice = "choice", rt = "rt" }
    assert.truthy(message(dataset.table, o):find("row 2 of column 'rt' is missing, expected a number; missing = true "
      .. "allows gaps", 1, true))
    o.missing = true
    local rt = dataset.table(o).y.rt
    assert.is_true(rt[2][1] ~= rt[2][1] and math.abs(rt[3][1] - 0.5) < 1e-7)
    o.x = { "size", "contrast" }
    assert.truthy(message(dataset.table, o):find("row 2 of column 'contrast' is missing, expected a number", 1, true))
    o.x = "choice"
    assert.truthy(message(dataset.table, o):find("row 1 of column 'choice' is 'left', expected a number", 1, true))
    o.x, o.labels = "size", "choice"
    assert.truthy(message(dataset.table, o):find("labels and y both say", 1, true))
  end)
end)

describe("augment", function()
  local augment = require("lamina.data.augment").augment

  it("takes its options in one order and says what it does", function()
    assert.equal("augment: crop = 5, flip = true, noise = 0.5", tostring(augment { noise = 0.5, flip = true,
      crop = 5 }))
    local x = core.draw { kind = "uniform", shape = { 3, 2, 8, 8 }, seed = 1, purpose = "augment" }
    local aug = augment { random_crop = 6, noise = 0.1 }
    assert.same({ 3, 2, 6, 6 }, aug(x).shape)
    local all = aug(x, { epoch = 2, seed = 5, items = { 4, 5, 6 } })
    local one = aug(x[{ { 2, 2 } }], { epoch = 2, seed = 5, items = { 5 } })
    assert.equal(all[{ { 2, 2 } }]:contiguous():digest(), one:digest())
    local flipped = augment { flip = 1 }(x)
    assert.equal(x:flip(4):contiguous():digest(), flipped:digest())
    local twice = dataset.tensors({ x, core.arange(1, 3) }):augment { noise = 0.1 }:augment { noise = 0.1 }
    local first = augment { noise = 0.1 }(x, { seed = 1 })
    assert.are_not.equal(augment { noise = 0.1 }(first, { seed = 1 }):digest(),
      twice:batch({ 1, 2, 3 }, { epoch = 1, seed = 1 }).x:digest()) -- each augmentation draws anew
  end)

  it("answers mistakes", function()
    local function says(given, text) assert.truthy(message(augment, given):find(text, 1, true), message(augment,
      given)) end
    says({ flips = true }, "unknown option 'flips' (did you mean 'flip'?)")
    says({}, "no step is given (there are resize, crop")
    says({ affine = { rotat = 5 } }, "augment: affine: unknown option 'rotat' (did you mean 'rotate'?)")
    says({ brightness = { 1, 0.5 } }, "augment: brightness: expected { low, high } with low <= high")
    says({ random_crop = { pad = 2 } }, "augment: random_crop: the size is missing")
    local aug = augment { random_crop = 9 }
    assert.truthy(message(aug, core.zeros { 1, 1, 8, 8 }):find("item 1: random_crop: the picture is 8x8, smaller "
      .. "than the "
      .. "9x9 to cut out (pad adds to it)", 1, true))
    assert.truthy(message(aug, core.zeros { 8 }):find("expected pictures N x C x H x W, got a tensor 8", 1, true))
    aug = augment { noise = 0.1, contrast = { -1, 1 } }
    assert.truthy(message(aug, core.zeros { 1, 1, 8, 8 }):find("contrast: factors are { low, high }", 1, true))
  end)
end)

describe("image", function()
  local image = require "lamina.image"
  setup(function() base.mkdir(folder) end)
  teardown(function() remove(folder) end)

  it("reads, writes and resizes pictures", function()
    local x = core.arange(0, 23):to("float32"):reshape { 1, 4, 6 } * (1 / 255)
    assert.equal(folder .. "/a.png", image.write { folder .. "/a.png", x })
    local back = image.read(folder .. "/a.png")
    assert.is_true((back - x):abs():max():item() < 1e-6)
    assert.same({ 3, 4, 6 }, image.read({ folder .. "/a.png", channels = 3 }).shape)
    assert.same({ 1, 2, 3 }, image.resize({ x, { 2, 3 } }).shape)
    assert.truthy(message(image.write, { folder .. "/a.gif", x }):find("must end in .png, .jpg or .jpeg", 1, true))
    assert.truthy(message(image.read, { folder .. "/a.png", channels = 2 }):find("channels is 2", 1, true))
  end)
end)
