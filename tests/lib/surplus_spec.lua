-- Words that take one table refuse what comes after it: all of these rooms whose options help lists are tried.
local lamina = require "lamina"
local repeatable = require "lamina.core.repeatable"
local said = require "support.said"
local schema = require "lamina.schema"
local words = require "lamina.words"

local ROOMS = { activations = true, attention = true, cells = true, data = true, evaluate = true, experiment = true,
  imprint = true, neural = true, optim = true, plot = true, rdm = true, rules = true, schedule = true, search = true,
  self_organise = true, significance = true, similarity = true, sparse = true, stimuli = true, tolerance = true,
  train = true, tuning = true }

-- The function of a word, "ridge" or "rdm.weighted"; nil for what is no word: methods, kinds of constraints.
local function find(name)
  local word, field = name:match "^([%w_]+)%.?([%w_]*)$"
  local value = word and words.list[word] and words.find(word)
  if value == nil or field == "" then return value end
  return type(value) == "table" and rawget(value, field) or nil
end

-- The room of lib that a function, or a module that is called, is written in.
local function room_of(f)
  if type(f) == "table" then f = (getmetatable(f) or {}).__call end
  return type(f) == "function" and debug.getinfo(f, "S").source:match "^=lib/([%w_]+)" or nil
end

describe("words of one table", function()
  for word in repeatable.stock_pairs(words.list) do words.find(word) end

  it("refuse a second, each with the form that was meant", function()
    local tried = 0
    for word in repeatable.stock_pairs(schema.words) do
      local f = find(word)
      local room = room_of(f)
      if room and ROOMS[room] and word ~= "range" and word ~= "experiment" then
        tried = tried + 1
        local message = select(2, pcall(f, nil, { seed = 1 }))
        assert.matches(word .. " takes one table, and a table came after it: " .. word .. " {", tostring(message), 1,
          true)
      end
    end
    assert.is_true(tried > 90, tried .. " words")
    for word, f in pairs { ["rdm.join"] = lamina.rdm.join, ["neural.leave_one_out"] = lamina.neural.leave_one_out,
      ["neural.oracle"] = lamina.neural.oracle, ["neural.explainable_variance"] = lamina.neural.explainable_variance,
      space = lamina.space } do
      assert.matches(word .. " takes one table, and 7 came after it: " .. word .. " {", said.message(f, nil, 7), 1,
        true)
    end
  end)

  it("take nil after it for nothing", function()
    assert.equal("non-negative least squares", tostring(lamina.nnls({}, nil)))
  end)

  it("have methods that take so much and no more", function()
    local x = lamina.randn { 4, 3, 2, dtype = "float64" }
    local a = lamina.neural.assembly { { responses = x, stimulus_id = { 1, 2, 3, 4 },
      neuroid_region = { "V4", "V4", "IT" } } }
    local r = lamina.rdm.from { lamina.rand { 3, 6 } }
    local y, labels = lamina.randn { 6, 2 }, { 1, 1, 1, 2, 2, 2 }
    for form, call in pairs {
      ["a:select { region = \"IT\", category"] = { a.select, a, { region = "V4" }, { region = "IT" } },
      ["a:complete(3)"] = { a.complete, a, 1, 2 },
      ["a:mean() is the mean over repeats"] = { a.mean, a, 1 },
      ["a:unroll() takes all time bins"] = { a.unroll, a, 70 },
      ["r:of { 1, 2 }"] = { r.of, r, 1, 2 },
      ["r:at { 1, 2, 4 }"] = { r.at, r, { 1, 2, 3 }, { 4 } },
      ["split_half { 10, seed = 1 }:estimate(a)"] = { lamina.split_half({ 3 }).estimate, lamina.split_half { 3 }, a,
        { seed = 2 } },
      ["svm(options):fit(x, labels)"] = { lamina.svm({}).fit, lamina.svm {}, y, labels, { C = 3 } },
      ["pca { 10, whiten = true }:fit(x)"] = { lamina.pca({ 1 }).fit, lamina.pca { 1 }, y, { whiten = true } },
      ["random_projection { 10, seed = 1 }:fit(x)"] = { lamina.random_projection({ 1 }).fit,
        lamina.random_projection { 1 }, y, { seed = 3 } } } do
      assert.matches(" is one value too many: " .. form, said.message(table.unpack(call)), 1, true)
    end
    assert.matches("complete: repeats is 'x', expected a whole number", said.message(a.complete, a, "x"), 1, true)
    local projection = lamina.random_projection { 1 }
    assert.matches("random_projection:fit: x is nil, expected rows of features",
      said.message(projection.fit, projection), 1, true)
  end)
end)
