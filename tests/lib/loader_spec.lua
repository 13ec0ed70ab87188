-- Sets that are read as they are asked for: pictures, mapped arrays, functions, tables; the same batches with any
-- number of loader threads; augmentation, samplers, splits, choices.
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
