-- Words that take one table refuse what comes after it: all of these rooms whose options help lists are tried.
local lamina = require "lamina"
local repeatable = require "lamina.core.repeatable"
local said = require "support.said"
local schema = require "lamina.schema"
local words = require "lamina.words"

local ROOMS = { activations = true, data = true, evaluate = true, experiment = true, neural = true, plot = true,
  rdm = true, search = true, significance = true, similarity = true, stimuli = true, tolerance = true, train = true,
  tuning = true }

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
end)
