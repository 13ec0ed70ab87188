-- Which items of a set an epoch visits: parts, splits by groups, samplers.
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"

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

describe("parts of a set", function()
  it("are taken, chosen and shuffled", function()
    local set = numbers(10, { columns = { kind = { "a", "b", "a", "b", "c", "a", "b", "c", "c", "a" } },
      groups = { 1, 1, 2, 2, 3, 3, 4, 4, 5, 5 } })
    assert.same({ 1, 2, 3 }, set:take(3).y:totable())
    assert.same({ 9, 10 }, set:take(2, 9).y:totable())
    assert.truthy(message(set.take, set, 3, 9):find("3 items from item 9 on, but the set has 10", 1, true))
    assert.same({ 1, 3, 6, 10 }, set:where({ kind = "a" }).y:totable())
    assert.same({ 8, 9, 10 }, set:where({ kind = { "c", "a" }, group = function(g) return g >= 4 end }).y:totable())
    assert.same({ 2, 5 }, set:where(function(row) return row.index == 5 or row.kind == "b" and row.group == 1 end)
      .y:totable())
    assert.same({ 2 }, set:where({ kind = "b", group = 1 }).y:totable())
    assert.same({ "b" }, set:where({ kind = "b", group = 1 }).columns.kind)
    local shuffled = set:shuffle(3)
    assert.are_not.same(set.y:totable(), shuffled.y:totable())
    assert.same(shuffled.y:totable(), set:shuffle(3).y:totable())
    assert.equal(set.columns.kind[shuffled.y[1]], shuffled.columns.kind[1])
    assert.truthy(message(set.where, set, { kin = "a" }):find("has no column 'kin' (did you mean 'kind'?)", 1, true))
    assert.truthy(message(set.where, set, { kind = "z" }):find("no item of data is left", 1, true))
  end)

  it("are split by a column, and with the same share of every class", function()
    local subject, y = {}, {}
    for i = 1, 90 do subject[i], y[i] = "s" .. (i - 1) // 6, i % 9 == 0 and 3 or i % 3 == 0 and 2 or 1 end
    local labels = core.tensor(y, { dtype = "int64" })
    local set = dataset.tensors { core.zeros { 90, 1 }, labels, columns = { subject = subject },
      classes = { "many", "some", "few" } }
    local a, b, c = set:split { 0.6, 0.2, 0.2, by = "subject", seed = 2 }
    local owner = {}
    for k, part in ipairs { a, b, c } do
      for _, s in ipairs(part.columns.subject) do
        assert.is_true(owner[s] == nil or owner[s] == k)
        owner[s] = k
      end
    end
    assert.equal(90, #a + #b + #c)
    local function count(part)
      local n = { 0, 0, 0 }
      for _, label in ipairs(part.y:totable()) do n[label] = n[label] + 1 end
      return n
    end
    a, b, c = set:split { 0.5, 0.3, 0.2, stratify = true, seed = 2 } -- 60, 20 and 10 items of the classes
    assert.same({ { 30, 10, 5 }, { 18, 6, 3 }, { 12, 4, 2 } }, { count(a), count(b), count(c) })
    assert.truthy(message(set.split, set, { 0.5, 0.5, by = "subject", stratify = true }):find("cannot both stay "
      .. "together", 1, true))
    -- groups and strata of any kind: true and false, NaN, numbers among texts
    local flag, holes, mixed = {}, {}, {}
    for i = 1, 12 do
      flag[i], holes[i], mixed[i] = i % 2 == 0, i % 3 == 0 and 0 / 0 or 2, i % 3 == 0 and "a" or i % 3
    end
    local odd = numbers(12, { columns = { flag = flag, holes = holes, mixed = mixed } })
    for name, column in pairs { flag = flag, holes = holes, mixed = mixed } do
      local half, rest = odd:split { 0.5, 0.5, stratify = name, seed = 1 }
      assert.same({ 6, 6 }, { #half, #rest })
      local of = {}
      for _, item in ipairs(half.y:totable()) do
        local value = tostring(column[item])
        of[value] = (of[value] or 0) + 1
      end
      local want = { ["true"] = 3, ["false"] = 3, a = 2, ["1"] = 2, nan = 2, ["2"] = name == "holes" and 4 or 2 }
      for value, n in pairs(of) do assert.equal(want[value], n) end
      local sides = {}
      for side, part in ipairs { odd:split { name == "holes" and 0.65 or 0.5, 0.35, by = name, seed = 1 } } do
        for _, item in ipairs(part.y:totable()) do
          local value = tostring(column[item])
          assert.equal(side, sides[value] or side)
          sides[value] = side
        end
      end
    end
    assert.truthy(message(set.split, set, { 0.5, 0.5, by = "subjects" }):find("did you mean 'subject'", 1, true))
  end)
end)

describe("samplers", function()
  local y = {}
  for i = 1, 100 do y[i] = i <= 80 and 1 or i <= 95 and 2 or 3 end
  local function uneven()
    return dataset.tensors { core.arange(1, 100):to "float32":reshape { 100, 1 }, core.tensor(y, { dtype = "int64" }),
      classes = { "a", "b", "c" } }
  end

  -- The items of an epoch in order, and how many of each class.
  local function visit(set, options)
    local items, counts = {}, { 0, 0, 0 }
    options.batch = options.batch or 7
    for b in set:batches(options) do
      for i, label in ipairs(b.y:totable()) do
        items[#items + 1] = math.tointeger(b.x[i][1])
        assert.equal(y[items[#items]], label)
        counts[label] = counts[label] + 1
      end
    end
    return items, counts
  end

  it("visit every class equally often, and within a class every item before one again", function()
    local set = uneven():balanced()
    assert.equal(100, #set)
    local items, counts = visit(set, { seed = 1, epoch = 1 })
    assert.same({ 34, 33, 33 }, counts)
    local times = {}
    for _, item in ipairs(items) do times[item] = (times[item] or 0) + 1 end
    for item = 81, 95 do assert.is_true(times[item] == 2 or times[item] == 3) end
    for item = 1, 80 do assert.is_true((times[item] or 0) <= 1) end
    assert.same(items, (visit(set, { seed = 1, epoch = 1, batch = 100 })))
    assert.are_not.same(items, (visit(set, { seed = 1, epoch = 2 })))
    assert.are_not.same(items, (visit(set, { seed = 2, epoch = 1 })))
    local _, few = visit(uneven():balanced { n = 6 }, { seed = 1 })
    assert.same({ 2, 2, 2 }, few)
    assert.truthy(tostring(set):find("balanced: 100 draws an epoch, 3 classes in turn", 1, true))
    assert.truthy(message(set.subset, set, { 1 }):find("drawn anew each epoch", 1, true))
  end)

  it("go by a column or by one of several targets where they are told to", function()
    local plain, names = uneven(), {}
    for i, label in ipairs(plain.y:totable()) do names[i] = string.char(96 + label) end
    local targets = { category = plain.y, position = plain.x }
    local several = dataset.tensors { plain.x, targets, columns = { kind = names } }
    for _, by in ipairs { "category", "kind" } do
      local counts = { 0, 0, 0 }
      for b in several:balanced { n = 30, by = by }:batches { batch = 7, seed = 1 } do
        for _, label in ipairs(b.y.category:totable()) do counts[label] = counts[label] + 1 end
      end
      assert.same({ 10, 10, 10 }, counts)
    end
    assert.truthy(message(several.balanced, several):find("balanced { by = \"NAME\" } goes by a column", 1, true))
    assert.matches("has no column 'kin' %(did you mean 'kind'", message(several.balanced, several, { by = "kin" }))
  end)

  it("draw items in proportion to their weights", function()
    local weights = {}
    for i = 1, 100 do weights[i] = i == 7 and 3 or i <= 50 and 1 or 0 end
    local items = visit(uneven():weighted { weights, n = 5200 }, { seed = 3, batch = 1000 })
    local times = {}
    for i = 1, 100 do times[i] = 0 end
    for _, item in ipairs(items) do times[item] = times[item] + 1 end
    for i = 51, 100 do assert.equal(0, times[i]) end
    assert.is_true(times[7] > 240 and times[7] < 360) -- 300, 3.5 standard deviations
    for i = 8, 50 do assert.is_true(times[i] > 60 and times[i] < 145) end
    assert.truthy(message(function() uneven():weighted { { 1, 2 } } end):find("2 weights for 100 items", 1, true))
    assert.truthy(message(function() numbers(2):weighted { { 1, -2 } } end):find("the weight of item 2 is "
      .. "-2", 1, true))
    assert.truthy(message(function() numbers(2):weighted { { 0, 0 } } end):find("all weights are 0", 1, true))
  end)

  it("take k items of each class", function()
    local set = uneven():per_class(5, 2)
    assert.equal(15, #set)
    local _, counts = visit(set, {})
    assert.same({ 5, 5, 5 }, counts)
    assert.same(set.y:totable(), uneven():per_class(5, 2).y:totable())
    assert.truthy(message(function() uneven():per_class(6) end):find("class c has 5 items, 6 are asked for", 1, true))
    assert.truthy(message(function()
      dataset.tensors({ core.zeros { 2, 1 }, core.zeros { 2, 1 } }):per_class(1)
    end):find("has no labels", 1, true))
  end)

  it("count for train as they stand", function()
    local models, train = require "lamina.model", require("lamina.train").train
    local dense = require "lamina.layers.dense"
    local net = models.model "tiny" { models.input { 1 }, models.area "V1" { dense { 2 } }, models.readout "class" {
      dense { 3 } } }
    local history = train { model = net, data = uneven():balanced { n = 30 }, epochs = 2, batch = 10, log = false }
    assert.equal(6, history[2].step)
  end)
end)
