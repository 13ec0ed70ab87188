-- Data sets: batches, orders, splits, and MNIST's files good and bad.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local io = require "lamina.core.io"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err), err
end

local function numbers(n, more)
  local o = { core.arange(1, n):to "float32":reshape { n, 1 }, core.arange(1, n) }
  for key, value in pairs(more or {}) do o[key] = value end
  return dataset.tensors(o)
end

describe("a data set", function()
  it("gives the items that are asked for", function()
    local set = numbers(10)
    assert.equal(10, #set)
    local b = set:batch { 3, 1, 10 }
    assert.equal(3, #b)
    assert.same({ { 3 }, { 1 }, { 10 } }, b.x:totable())
    assert.same({ 3, 1, 10 }, b.y:totable())
    assert.same({ 2, 5 }, set:subset({ 2, 5 }).y:totable())
  end)

  it("gives every item once in an epoch, in an order that epoch and seed decide", function()
    local set = numbers(23)
    local function visit(epoch, seed)
      local list, sizes = {}, {}
      for b in set:batches { batch = 5, shuffle = true, epoch = epoch, seed = seed } do
        sizes[#sizes + 1] = #b
        for _, y in ipairs(b.y:totable()) do list[#list + 1] = y end
      end
      assert.same({ 5, 5, 5, 5, 3 }, sizes)
      return list
    end
    local first = visit(1, 1)
    assert.same(first, visit(1, 1))
    assert.are_not.same(first, visit(2, 1))
    assert.are_not.same(first, visit(1, 2))
    table.sort(first)
    for i = 1, 23 do assert.equal(i, first[i]) end
  end)

  it("splits into parts that share nothing", function()
    local a, b = numbers(100):split { 0.8, 0.2, seed = 3 }
    assert.equal(80, #a)
    assert.equal(20, #b)
    local seen = {}
    for _, set in ipairs { a, b } do
      for _, y in ipairs(set.y:totable()) do
        assert.is_nil(seen[y])
        seen[y] = true
      end
    end
  end)

  it("keeps groups together in a split", function()
    local groups = {}
    for i = 1, 60 do groups[i] = "movie" .. (i - 1) // 7 end
    local a, b = numbers(60, { groups = groups }):split { 0.5, 0.5, by = true }
    assert.equal(60, #a + #b)
    local inside = {}
    for _, name in ipairs(a.groups) do inside[name] = true end
    for _, name in ipairs(b.groups) do assert.is_nil(inside[name]) end
    assert.is_true(math.abs(#a - 30) <= 7)
  end)

  it("refuses what does not fit together", function()
    local x = core.zeros { 3, 2 }
    assert.matches("x is 3x2 and y is 2", message(dataset.tensors, { x, core.arange(1, 2) }), 1, true)
    assert.matches("label 4 of item 2 is out of range, expected 1 to 3", message(dataset.tensors,
      { x, core.tensor({ 1, 4, 2 }, { dtype = "int64" }), classes = { "a", "b", "c" } }), 1, true)
    assert.matches("did you mean 'classes'", message(dataset.tensors, { x, core.arange(1, 3), clases = {} }), 1, true)
  end)
end)

-- A folder with four small files in MNIST's format.
local folder = os.tmpname()
os.remove(folder)

local function images(n, seed)
  return core.draw { kind = "int", low = 0, high = 255, shape = { n, 28, 28 }, seed = seed, purpose = "data_spec" }
    :to "uint8"
end

local function write(change)
  local files = {
    ["train-images-idx3-ubyte"] = images(40, 1),
    ["train-labels-idx1-ubyte"] = core.tensor({ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2,
      3,
      4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { dtype = "uint8" }),
    ["t10k-images-idx3-ubyte"] = images(10, 2),
    ["t10k-labels-idx1-ubyte"] = core.tensor({ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { dtype = "uint8" }),
  }
  if change then change(files) end
  for name, content in pairs(files) do
    local path = folder .. "/" .. name
    if type(content) == "string" then io.text_write(path, content) else io.idx_write(path, content) end
  end
end

local function clear()
  for _, name in ipairs(base.list(folder)) do base.remove(folder .. "/" .. name) end
end

describe("data.mnist", function()
  setup(function() base.mkdir(folder) end)
  teardown(function()
    clear()
    base.remove(folder)
  end)

  it("cuts off the validation items and standardises by the training pixels", function()
    write()
    local digits = dataset.mnist { dir = folder, validation = 8 }
    assert.equal(32, #digits.train)
    assert.equal(8, #digits.valid)
    assert.equal(10, #digits.test)
    assert.same({ 32, 1, 28, 28 }, digits.train.x.shape)
    assert.equal("float32", digits.train.x.dtype)
    assert.is_true(math.abs(digits.train.x:mean():item()) < 1e-5)
    assert.is_true(math.abs(digits.train.x:std({ correction = 0 }):item() - 1) < 1e-5)
    assert.same({ 3, 4, 5, 6, 7, 8, 9, 10 }, digits.valid.y:totable()) -- digit 2 is class 3
    assert.equal("2", digits.train.classes[3])
    local raw = images(10, 2):to "float64"
    local expected = (raw[4][5][6] / 255 - digits.mean) / digits.std
    assert.is_true(math.abs(digits.test.x[4][1][5][6] - expected) < 1e-5)
  end)

  it("standardises a batch, a part or all of it when asked, to the same bits", function()
    write()
    local function set() return dataset.mnist { dir = folder, validation = 8 }.train end
    local index, whole = core.tensor({ 5, 1, 32 }, { dtype = "int64" }), set().x
    local want = whole:index_select(index, { dim = 1 }):digest()
    local lazy = set()
    assert.same({ 1, 28, 28 }, lazy:shape())
    assert.matches("32 items, x 32x1x28x28 float32", tostring(lazy))
    assert.equal(want, lazy:batch { 5, 1, 32 }.x:digest())
    assert.equal(want, lazy:subset({ 5, 1, 32 }):batch({ 1, 2, 3 }).x:digest())
    assert.equal(want, lazy:subset({ 5, 1, 32 }):load().x:digest())
    assert.equal(want, lazy:map(function(x) return x end):batch({ 5, 1, 32 }).x:digest())
    assert.equal(want, lazy:loading(0):batch({ 5, 1, 32 }).x:digest())
    assert.equal(want, lazy:subset({ 5, 1, 32 }):loading(1):batch({ 1, 2, 3 }).x:digest())
    assert.same({ 6, 1, 28, 28 }, lazy:balanced():batch({ 1, 2, 3, 4, 5, 6 }).x.shape)
    assert.equal(whole:digest(), lazy.x:digest())
    assert.equal(want, lazy:batch { 5, 1, 32 }.x:digest())
    local doubled, replaced = set():map(function(x) return x * 2 end), set()
    assert.equal((whole * 2):digest(), doubled:batch(core.arange(1, 32)).x:digest())
    assert.is_nil(doubled.x)
    replaced.x = whole * 3
    assert.equal((whole * 3):digest(), replaced:batch(core.arange(1, 32)).x:digest())
  end)

  it("leaves pixels from 0 to 1 where asked", function()
    write()
    local x = dataset.mnist { dir = folder, validation = 8, standardise = false }.test.x
    assert.is_true(x:min():item() >= 0 and x:max():item() <= 1)
    assert.is_true(math.abs(x[1][1][1][1] - images(10, 2)[1][1][1] / 255) < 1e-6)
  end)

  local bad = {
    { "a missing file", function(files) files["train-labels-idx1-ubyte"] = nil end, "train-labels-idx1-ubyte" },
    { "a wrong magic number", function(files) files["train-images-idx3-ubyte"] = "not an idx file at all" end,
      "train-images-idx3-ubyte" },
    { "a truncated file", function(files)
      files["t10k-images-idx3-ubyte"] = "\0\0\8\3\0\0\0\10\0\0\0\28\0\0\0\28abc"
    end, "t10k-images-idx3-ubyte" },
    { "a label out of range", function(files)
      files["t10k-labels-idx1-ubyte"] = core.tensor({ 0, 1, 2, 3, 14, 5, 6, 7, 8, 9 }, { dtype = "uint8" })
    end, "label 14 of item 5 is out of range, expected 0 to 9" },
    { "labels for other images", function(files)
      files["t10k-labels-idx1-ubyte"] = core.tensor({ 0, 1, 2 }, { dtype = "uint8" })
    end, "3 labels for 10 images" },
  }
  for _, case in ipairs(bad) do
    it("names the file: " .. case[1], function()
      clear()
      write(case[2])
      assert.matches(case[3], message(dataset.mnist, { dir = folder, validation = 8 }), 1, true)
    end)
  end

  it("reads the real digits where they are", function()
    local root = os.getenv "LAMINA_DATA" or "../shared/data"
    if not base.isdir(root .. "/mnist") then
      pending "no data (LAMINA_DATA)"
      return
    end
    local digits = dataset.mnist { dir = root .. "/mnist" }
    assert.same({ 55000, 5000, 10000 }, { #digits.train, #digits.valid, #digits.test })
    -- counted from the training file's bytes, item 1 to 55000
    assert.is_true(math.abs(digits.mean - 0.13071675060933466) < 1e-7)
    assert.is_true(math.abs(digits.std - 0.30819664165272775) < 1e-7)
    assert.equal("5", digits.train.classes[digits.train.y[1]]) -- the first digits of both files
    assert.equal("7", digits.test.classes[digits.test.y[1]])
  end)

  it("says where to put the files", function()
    clear()
    local text = message(dataset.mnist, { dir = folder })
    assert.matches("train-images-idx3-ubyte", text, 1, true)
    assert.matches("t10k-labels-idx1-ubyte", text, 1, true)
  end)
end)
