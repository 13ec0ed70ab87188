-- Stimuli: what the formulas say, keyed draws, files with their tables, and messages.
local core_io = require "lamina.core.io"
local base = require "lamina.core.base"
local lamina = require "lamina"

local stimuli, tensor, zeros = lamina.stimuli, lamina.tensor, lamina.zeros

local folder = os.tmpname() .. ".stimuli"

local message_of = require("support.said").message

describe("stimuli.gratings", function()
  it("holds every combination, the last option varying fastest", function()
    local set = stimuli.gratings { size = 16, orientation = { 0, 90 }, phase = { 0, 90, 180 } }
    assert.equal(6, #set)
    assert.same({ 0, 0, 0, 90, 90, 90 }, set.columns.orientation)
    assert.same({ 0, 90, 180, 0, 90, 180 }, set.columns.phase)
    assert.same({ 6, 1, 16, 16 }, set.x.shape)
  end)

  it("has vertical bars at 90 degrees and horizontal ones at 0", function()
    local set = stimuli.gratings { size = 16, orientation = { 0, 90 }, frequency = 3 }
    local across, along = set.x[1]:std { dim = 3 }:max():item(), set.x[1]:std { dim = 2 }:min():item()
    assert.near(0, across, 1e-6) -- a row is even
    assert.truthy(along > 0.3)
    assert.near(0, set.x[2]:std { dim = 2 }:max():item(), 1e-6) -- a column is even
  end)

  it("has the contrast and mean it was asked for", function()
    local x = stimuli.gratings { size = 64, orientation = 90, frequency = 4, contrast = 0.5, mean = 0.4 }.x
    assert.near(0.4, x:mean():item(), 1e-6)
    assert.near(0.5, (x:max():item() - x:min():item()) / (x:max():item() + x:min():item()), 0.02)
  end)
end)

describe("stimuli.gabors", function()
  it("gives filters that do not see luminance, and the table of their parameters", function()
    local filters, columns = stimuli.gabors { size = 13, orientations = 4, wavelength = { 4, 6 } }
    assert.same({ 16, 1, 13, 13 }, filters.shape)
    assert.near(0, filters:sum { dim = { 2, 3, 4 } }:abs():max():item(), 1e-5)
    assert.near(1, filters:square():sum { dim = { 2, 3, 4 } }:min():item(), 1e-5)
    assert.same({ 2, 2, 3, 3 }, table.move(columns.sigma, 1, 4, 1, {}))
    assert.equal(45, columns.orientation[5])
  end)
end)

describe("stimuli.objects", function()
  it("draws item i the same whatever the number of items", function()
    local few, many = stimuli.objects { 5, seed = 4 }, stimuli.objects { 20, seed = 4 }
    assert.equal(few.x:digest(), many.x[{ { 1, 5 } }]:digest())
    assert.equal(few.latent.rotation:digest(), many.latent.rotation[{ { 1, 5 } }]:digest())
    assert.not_equal(few.x:digest(), stimuli.objects { 5, seed = 5 }.x:digest())
  end)

  it("is balanced, labelled and within its ranges", function()
    local set = stimuli.objects { 80, size = 24, classes = { "star", "disc" }, position = 0.1, scale = { 0.4, 0.5 },
      contrast = { 0.5, 0.9 }, seed = 1 }
    assert.same({ "star", "disc" }, set.classes)
    assert.equal(120, set.y:sum():item())
    assert.truthy(set.latent.x:abs():max():item() <= 0.1)
    assert.truthy(set.latent.scale:min():item() >= 0.4 and set.latent.scale:max():item() <= 0.5)
    local contrast = set.latent.contrast:abs()
    assert.truthy(contrast:min():item() >= 0.5 and contrast:max():item() <= 0.9)
    assert.truthy(set.x:min():item() >= 0 and set.x:max():item() <= 1)
  end)

  it("stands in for a data set", function()
    local set = stimuli.objects { 40, classes = 4, size = 16, seed = 1 }
    local train, rest = set:split { 0.75, 0.25, seed = 1 }
    assert.equal(30, #train)
    assert.equal(10, #rest)
    assert.equal(10, #rest.latent.x)
    assert.equal(4, #rest.classes)
    local b = set:batch { 3, 7 }
    assert.equal(2, #b)
    assert.equal(set.x[7]:digest(), b.x[2]:digest())
    assert.equal(7, set:subset({ 3, 7 }).id[2])
  end)

  it("names the nearest class and option", function()
    assert.matches("unknown class 'elipse' %(did you mean 'ellipse'%?%)",
      message_of(stimuli.objects, { 4, classes = { "disc", "elipse" } }))
    assert.matches("unknown option 'nois' %(did you mean 'noise'%?%)", message_of(stimuli.objects, { 4, nois = 1 }))
  end)
end)

describe("stimuli from files", function()
  base.mkdir(folder)
  local pictures = tensor({ { { 0, 51 }, { 102, 255 } }, { { 255, 0 }, { 0, 255 } } }, { dtype = "uint8" })

  it("reads the PNG files of a folder by name, or as a table says", function()
    core_io.png_write(folder .. "/b.png", pictures[1])
    core_io.png_write(folder .. "/a.png", pictures[2])
    local set = stimuli.folder(folder)
    assert.same({ "a", "b" }, set.id)
    assert.same({ 2, 1, 2, 2 }, set.x.shape)
    assert.near(0.2, set.x[{ 2, 1, 1, 2 }], 1e-6)
    core_io.csv_write(folder .. "/stimuli.csv", { { "stimulus_id", "file", "kind" }, { 17, "b.png", "x" },
      { 4, "a.png", "y" } })
    set = stimuli.folder(folder)
    assert.same({ 17, 4 }, set.id)
    assert.same({ "x", "y" }, set.columns.kind)
    assert.near(0.2, set.x[{ 1, 1, 1, 2 }], 1e-6)
    core_io.csv_write(folder .. "/gone.csv", { { "stimulus_id", "file" }, { 17, "b.png" }, { 4, "c.png" } })
    assert.matches("stimuli.folder: .*/c.png is not there; row 2 of .*/gone.csv names it %(stimulus_id = 4%)$",
      message_of(stimuli.folder, { folder, table = folder .. "/gone.csv" }))
    core_io.csv_write(folder .. "/gone.csv", { { "stimulus_id", "picture" }, { "x7", "b.png" } })
    assert.matches("x7.png is not there; row 1 of .* %(stimulus_id = x7%), whose id is taken for the file's name: "
      .. "file = \"NAME\" says", message_of(stimuli.folder, { folder, table = folder .. "/gone.csv" }))
    core_io.png_write(folder .. "/007.png", pictures[1])
    core_io.csv_write(folder .. "/gone.csv", { { "stimulus_id" }, { "007" } })
    assert.near(0.2, stimuli.folder({ folder, table = folder .. "/gone.csv" }).x[{ 1, 1, 1, 2 }], 1e-6)
    base.remove(folder .. "/007.png")
    base.remove(folder .. "/gone.csv")
  end)

  it("reads an array with its table", function()
    core_io.npy_write(folder .. "/x.npy", pictures)
    local set = stimuli.array { folder .. "/x.npy", table = folder .. "/stimuli.csv", size = 1 }
    assert.same({ 17, 4 }, set.id)
    assert.near((0 + 51 + 102 + 255) / 4 / 255, set.x[{ 1, 1, 1, 1 }], 1e-6)
    assert.matches("has no column 'name'", message_of(stimuli.array,
      { folder .. "/x.npy", table = folder .. "/stimuli.csv", id = "name" }))
    core_io.csv_write(folder .. "/short.csv", { { "stimulus_id" }, { 1 } })
    assert.matches("2 images, but .* has 1 rows", message_of(stimuli.array,
      { folder .. "/x.npy", table = folder .. "/short.csv" }))
  end)

  it("resizes by a known method only", function()
    assert.same({ 2, 1, 1 }, stimuli.resize(pictures:to "float32", 1).shape)
    assert.matches("'nearest', expected one of 'box', 'bilinear'",
      message_of(stimuli.resize, pictures:to "float32", 4, "nearest"))
    assert.matches("x is a string", message_of(stimuli.resize, "x", 4))
    local set = stimuli.array { pictures }
    assert.matches("expected one of 'box'", message_of(function() return set:resize(4, "nearest") end))
    assert.matches("did you mean 'resize'", message_of(function() return set:resise(4) end))
  end)

  it("reads JPEG beside PNG, and loads pictures of a data set", function()
    local inner = folder .. "/more ü"
    base.mkdir(inner)
    local ok, err = pcall(core_io.jpeg_write, inner .. "/q.JPG", zeros { 3, 2, 2 })
    if ok then
      core_io.png_write(inner .. "/p.png", zeros({ 3, 2, 2 }) + 1)
      local set = stimuli.folder { inner, channels = 3 }
      assert.same({ "p", "q" }, set.id)
      assert.same({ 1, 0 }, { set.x[1]:min():item(), set.x[2]:max():item() })
      core_io.csv_write(inner .. "/ids.csv", { { "stimulus_id" }, { "q" } })
      assert.same({ 1, 3, 2, 2 }, stimuli.folder({ inner, table = inner .. "/ids.csv", channels = 3 }).x.shape)
      local lazy = lamina.data.images { inner, channels = 3 }
      assert.equal(set.x:digest(), stimuli.of(lazy).x:digest())
      assert.same({ "p.png", "q.JPG" }, stimuli.of(lazy).id)
    end
    for _, name in ipairs(base.list(inner)) do base.remove(inner .. "/" .. name) end
    base.remove(inner)
    if not ok then
      assert.equal("missing", err.kind)
      pending(err.message)
    end
  end)

  it("refuses images of different sizes, with the way out", function()
    core_io.png_write(folder .. "/a.png", zeros({ 3, 3 }, { dtype = "uint8" }))
    assert.matches("a.png is 1x3x3, the images before it are 1x2x2; say size", message_of(stimuli.folder, folder))
    assert.same({ 2, 1, 2, 2 }, stimuli.folder({ folder, size = 2 }).x.shape)
  end)
end)
