-- S30: search spaces, random search, regularised evolution and Bayesian optimisation: counts and rules worked out by
-- hand, the Gaussian process against formulas written out, and which method is ahead on a table.
local bayesian = require "lamina.search.bayesian"
local command = require "support.command"
local io_ = require "lamina.core.io"
local linalg = require "lamina.linalg"
local spaces = require "lamina.search.space"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return tostring(err)
end

-- depth 1: 3 x 2; depth 2: 3 x 2 x 2; depth 3 without 32 filters: 2 x 2 x 2
local function small()
  return space { depth = range { 1, 3 }, filters = { 8, 16, 32 }, activation = { "relu", "tanh" },
    skip = { false, true, when = function(g) return g.depth > 1 end },
    valid = function(g) return not (g.depth == 3 and g.filters == 32), "too large" end }
end

local function value_of(g)
  return g.filters / 8 - (g.depth - 2) ^ 2 + (g.activation == "tanh" and 0.5 or 0) + (g.skip and 0.25 or 0)
end

describe("space", function()
  it("counts what is valid, each once", function()
    local s = small()
    assert.equal(6 + 12 + 8, s:size())
    local keys = {}
    for _, g in ipairs(s:all()) do
      assert.is_nil(keys[s:key(g)])
      keys[s:key(g)] = true
      assert.is_true(s:check(g))
      assert.equal(g.depth > 1, g.skip ~= nil)
    end
    local seen, n = {}, 0
    for _, g in ipairs(s:draw { 400, seed = 1 }) do
      assert.is_true(keys[s:key(g)])
      if not seen[s:key(g)] then n = n + 1 end
      seen[s:key(g)] = true
    end
    assert.equal(26, n)
  end)

  it("says why a genotype is none of it", function()
    local s = small()
    local function why(g) return select(2, s:check(g)) end
    assert.equal("too large", why { depth = 3, filters = 32, activation = "relu", skip = true })
    assert.equal("'skip' does not count in it", why { depth = 1, filters = 32, activation = "relu", skip = true })
    assert.equal("'skip' is missing", why { depth = 2, filters = 32, activation = "relu" })
    assert.equal("9 is no value of 'filters'", why { depth = 1, filters = 9, activation = "relu" })
    assert.equal("there is no parameter 'width'", why { width = 1 })
    assert.equal("it is a number, not a table", why(3))
  end)

  it("has conditions on conditions, and ranges of numbers", function()
    local s = space { a = { true, false }, b = { 1, 2, when = function(g) return g.a end },
      c = { "x", "y", when = function(g) return g.b == 2 end }, rate = range { 1e-4, 1, log = true } }
    assert.is_nil(s:size())
    local low, n = 0, 2000
    for _, g in ipairs(s:draw { n, seed = 2 }) do
      assert.equal(g.a, g.b ~= nil)
      assert.equal(g.b == 2, g.c ~= nil)
      assert.is_true(g.rate >= 1e-4 and g.rate <= 1)
      if g.rate < 1e-2 then low = low + 1 end
    end
    assert.is_true(math.abs(low / n - 0.5) < 0.045) -- four standard deviations
    assert.equal(5, space { x = range { 0, 1, step = 0.25 } }:size())
    assert.equal(math.type(space { x = range { 1, 1000000 } }:draw { 1 }[1].x), "integer")
  end)

  it("changes one parameter at a time, into something valid", function()
    local s = small()
    local all = {}
    for _, g in ipairs(s:all()) do all[s:key(g)] = true end
    for k = 1, 200 do
      local chance = spaces.chance(5, "test", k)
      local genes = spaces.draw(s, chance)
      local child, g = spaces.mutate(s, genes, chance)
      local changed = 0
      for name, value in pairs(child) do changed = changed + (genes[name] ~= value and 1 or 0) end
      assert.equal(1, changed)
      assert.is_true(all[s:key(g)])
    end
  end)

  it("refuses what is no space", function()
    assert.match("parameter 'a': it has no values", message(space, { a = {} }))
    assert.match("parameter 'a': the value 8 stands there twice", message(space, { a = { 8, 8 } }))
    assert.match("expected a list of values or range { low, high }, got a number", message(space, { a = 3 }))
    assert.match("'value' is a column of the history", message(space, { value = { 1, 2 } }))
    assert.match("there are no parameters", message(space, {}))
    assert.match("a loop over numbers is", message(range, 10))
    assert.match("the lower first", message(range, { 3, 1 }))
    assert.match("log = true needs numbers above 0", message(range, { 0, 1, log = true }))
    assert.match("depends on itself", message(function()
      return space { a = { 1, 2, when = function(g) return g.b end },
        b = { 1, 2, when = function(g) return g.a end } }
        :all()
    end))
    assert.match("reads 'dept', which is no parameter %(did you mean 'depth'", message(function()
      return space { depth = { 1, 2 }, a = { 1, 2, when = function(g) return g.dept end } }:all()
    end))
    assert.match("none of 10000 genotypes drawn at random is valid", message(function()
      space { a = { 1, 2 }, valid = function() return false end }:draw { 1 }
    end))
  end)
end)

describe("a search", function()
  local METHODS = { random = {}, evolution = { population = 6, sample = 3 }, bayesian = { first = 5 } }

  local function with(name, more)
    local o = { space = small(), score = value_of, evaluations = 15, seed = 1 }
    for _, part in ipairs { METHODS[name], more or {} } do
      for key, value in pairs(part) do o[key] = value end
    end
    return search[name](o)
  end

  local function keys_of(found)
    local list = {}
    for i, entry in ipairs(found.entries) do list[i] = found.space:key(entry.genotype) end
    return list
  end

  for name in pairs(METHODS) do
    it("proposes valid genotypes, none twice, the same every time: " .. name, function()
      local found = with(name, { evaluations = 100 })
      assert.equal(26, found.done)
      assert.equal("every genotype is known", found.stopped)
      local seen, best = {}, -math.huge
      for i, key in ipairs(keys_of(found)) do
        assert.is_nil(seen[key])
        seen[key] = true
        assert.is_true(found.space:check(found.entries[i].genotype))
        best = math.max(best, found.history[i].value)
        assert.equal(best, found.history[i].best)
      end
      assert.equal(4 + 0.5 + 0.25, found.value)
      assert.same({ depth = 2, filters = 32, activation = "tanh", skip = true }, found.best)
      assert.same(keys_of(found), keys_of(with(name, { evaluations = 100 })))
      assert.are_not.same(keys_of(found), keys_of(with(name, { evaluations = 100, seed = 2 })))
    end)

    it("does not depend on the order in which scores come back: " .. name, function()
      local lists = {}
      for turn = 1, 2 do
        local o = { space = small(), batch = 4, evaluations = 18, seed = 1 }
        for key, value in pairs(METHODS[name]) do o[key] = value end
        local s, out = search[name](o), {}
        while true do
          local p = s:ask()
          out[#out + 1] = p
          if #out == 4 or not p then
            for i = 1, #out do
              local one = out[turn == 1 and i or #out + 1 - i]
              s:tell(one.index, value_of(one.genotype))
            end
            out = {}
          end
          if not p then break end
        end
        assert.equal(18, s.done)
        lists[turn] = keys_of(s)
      end
      assert.same(lists[1], lists[2])
      assert.same(lists[1], keys_of(with(name, { batch = 4, evaluations = 18 })))
    end)

    it("goes on from its file as if it had not stopped: " .. name, function()
      local folder = command.folder()
      local file, calls = folder .. "/s.json", 0
      local function counted(g)
        calls = calls + 1
        return value_of(g)
      end
      with(name, { evaluations = 9, file = file, score = counted })
      local found = with(name, { evaluations = 20, file = file, score = counted })
      assert.equal(20, calls)
      assert.same(keys_of(with(name, { evaluations = 20 })), keys_of(found))
      assert.equal(20, #io_.json_read(file).evaluations)
      assert.match("holds another search: its seed is 1, not 2", message(with, name, { file = file, seed = 2 }))
      command.drop(folder)
    end)
  end

  it("minimises, ends at a target, and counts failures as worst", function()
    local function other(g) return g.filters == 8 and value_of(g) or nil, "too slow" end
    for name in pairs(METHODS) do
      local found = with(name, { goal = "min", evaluations = 26 })
      assert.equal(1 - 1, found.value)
      found = with(name, { target = 4.5, evaluations = 26 })
      assert.equal("target", found.stopped)
      assert.is_true(found.value >= 4.5 and found.history[found.done].value >= 4.5)
      found = with(name, { score = other, evaluations = 26 })
      assert.equal(1.75, found.value)
      local failed = 0
      for _, row in ipairs(found.history) do failed = failed + (row.note == "too slow" and 1 or 0) end
      assert.equal(26 - 2 - 4 - 4, failed)
    end
  end)

  it("keeps further columns, prints, and writes CSV", function()
    local folder = command.folder()
    local found = with("random", { evaluations = 3, score = function(g) return value_of(g), { cost = g.depth } end })
    found:csv(folder .. "/h.csv")
    assert.match("evaluation,value,best", command.read(folder .. "/h.csv"))
    assert.equal(found.history[2].depth, found.history[2].cost)
    assert.match("search.random: 3 evaluations, seed 1, at random\nbest ", tostring(found))
    command.drop(folder)
  end)

  it("answers mistakes", function()
    local s = small()
    assert.match("how long%? evaluations = 60", message(search.random, { space = s, score = value_of }))
    assert.match("option 'space' is a table, expected space", message(search.random, { space = {}, evaluations = 3 }))
    assert.match("unknown option 'popluation' %(did you mean 'population'", message(search.evolution, { space = s,
      evaluations = 3, popluation = 3 }))
    assert.match("sample = 9 is more than population = 4", message(search.evolution, { space = s, evaluations = 3,
      population = 4, sample = 9 }))
    assert.match("the score of evaluation 1 %(.*%) is a string", message(search.random, { space = s, evaluations = 3,
      score = function() return "good" end }))
    assert.match("is NaN", message(search.random, { space = s, evaluations = 3,
      score = function() return 0 / 0 end }))
    local open = search.random { space = s, evaluations = 3, batch = 2 }
    open:ask()
    open:ask()
    assert.match("proposal 3 needs the scores of the first 2, and 0 are told", message(open.ask, open))
    open:tell(1, 0.5)
    assert.match("was told before", message(open.tell, open, 1, 0.5))
    assert.match("there is no proposal 7", message(open.tell, open, 7, 0.5))
  end)
end)

describe("regularised evolution", function()
  it("changes one gene of one of the last `population`", function()
    local s = space { a = range { 1, 9 }, b = range { 1, 9 }, c = range { 1, 9 }, d = range { 1, 9 } }
    local found = search.evolution { space = s, score = function(g) return g.a + g.b + g.c + g.d end, seed = 4,
      evaluations = 120, population = 10, sample = 4 }
    for k = 11, 120 do
      local ok = false
      for j = k - 10, k - 1 do
        local different = 0
        for name, value in pairs(found.entries[k].genes) do
          different = different + (found.entries[j].genes[name] ~= value and 1 or 0)
        end
        ok = ok or different == 1
      end
      assert.is_true(ok, "evaluation " .. k)
    end
    assert.is_true(found.value >= 34) -- of 36; the mean of a random genotype is 20
  end)
end)

describe("the Gaussian process", function()
  local s = space { a = { 1, 2, 4 }, b = { "x", "y", "z" }, c = { 0, 1, when = function(g) return g.b == "x" end },
    r = range { 0.01, 100, log = true } }
  local theta, D = { 0.3, -0.5, 0.1, 1, math.log(0.05) }, nil

  -- Squared distances by their definition.
  local function distance(g, h)
    local at = { [1] = 0, [2] = 0.5, [4] = 1 }
    local sum = math.exp(theta[1]) * (at[g.a] - at[h.a]) ^ 2 + math.exp(theta[2]) * (g.b == h.b and 0 or 1)
    if (g.c == nil) ~= (h.c == nil) then sum = sum + math.exp(theta[3]) end
    if g.c and h.c then sum = sum + math.exp(theta[3]) * (g.c - h.c) ^ 2 end
    return sum + math.exp(theta[4]) * ((math.log(g.r) - math.log(h.r)) / math.log(1e4)) ^ 2
  end

  local FORMS = { gauss = function(r2) return math.exp(-r2 / 2) end, matern = function(r2)
    local r = math.sqrt(5 * r2)
    return (1 + r + r * r / 3) * math.exp(-r)
  end }

  for kernel, form in pairs(FORMS) do
    it("has mean and deviation as the formulas say: " .. kernel, function()
      local known, new = s:draw { 12, seed = 3 }, s:draw { 7, seed = 8 }
      local k, across, y = {}, {}, {}
      for i, g in ipairs(known) do
        k[i], y[i] = {}, math.sin(i)
        for j, h in ipairs(known) do k[i][j] = form(distance(g, h)) + (i == j and 0.05 or 0) end
      end
      for i, g in ipairs(new) do
        across[i] = {}
        for j, h in ipairs(known) do across[i][j] = form(distance(g, h)) end
      end
      k, across = tensor(k, { dtype = "float64" }), tensor(across, { dtype = "float64" })
      y = tensor(y, { dtype = "float64" })
      local inverse, one = linalg.inverse(k), ones({ 12 }, { dtype = "float64" })
      local mean = inverse:matmul(y):sum():item() / inverse:matmul(one):sum():item()
      local alpha = inverse:matmul(y - mean)
      local s2 = ((y - mean) * alpha):sum():item() / 12
      local want = across:matmul(alpha) + mean
      local variance = (1 - (across:matmul(inverse) * across):sum { dim = 2 }) * s2

      local own = bayesian.encoded(s, known)
      D = bayesian.distances(own, own)
      local gp = bayesian.process(kernel, D, y, theta)
      local got, deviation = bayesian.predict(kernel, gp, bayesian.distances(bayesian.encoded(s, new), own))
      assert.is_true((got - want):abs():max():item() < 1e-11)
      assert.is_true((deviation:square() - variance):abs():max():item() < 1e-11)
      local _, logdet = linalg.slogdet(k)
      local quality = -6 * math.log(s2) - logdet:item() / 2
      for i = 1, 4 do quality = quality - (theta[i] / 1.5) ^ 2 / 2 end
      quality = quality - ((theta[5] - math.log(1e-2)) / 2) ^ 2 / 2
      assert.is_true(math.abs(gp.quality - quality) < 1e-9)
      assert.is_true(bayesian.fit(kernel, D, y).quality >= bayesian.process(kernel, D, y, { 0, 0, 0, 0,
        math.log(1e-2) }).quality)
    end)
  end

  it("expects the improvement that an integral gives", function()
    for _, case in ipairs { { 0, 1, 0.5 }, { 2, 0.3, 1.5 }, { -1, 2, 1 } } do
      local mean, deviation, best = table.unpack(case)
      local sum, step = 0, deviation / 1000
      for i = -12000, 12000 do
        local y = mean + i * step
        sum = sum + math.max(y - best, 0) * math.exp(-((y - mean) / deviation) ^ 2 / 2) * step
      end
      local want = sum / (deviation * math.sqrt(2 * math.pi))
      local got = bayesian.improvement(tensor({ mean }, { dtype = "float64" }), tensor({ deviation },
        { dtype = "float64" }), best):item()
      assert.is_true(math.abs(got - want) < 1e-6 * want)
    end
  end)
end)

describe("on a table of 486 genotypes", function()
  local s = space { a = range { 1, 3 }, b = { 3, 5, 7 }, c = { "x", "y", "z" }, d = { "p", "q", "r" },
    e = { true, false }, f = { 8, 16, 32 } }

  -- Mostly a sum, with one interaction, and scatter that is a function of the genotype.
  local function score(g)
    local noise = spaces.chance(1, s:key(g), 1):number()
    return g.a * 0.5 - math.abs(g.b - 5) / 4 + (g.c == "y" and 0.8 or 0) + (g.d == "q" and g.e and 0.7 or 0)
      + math.log(g.f) / 3 + 0.4 * noise
  end

  it("evolution and Bayesian optimisation are ahead of random search", function()
    local mean = {}
    for name, more in pairs { random = {}, evolution = { population = 15, sample = 5 }, bayesian = {} } do
      local sum = 0
      for seed = 1, 8 do
        local o = { space = s, score = score, evaluations = 40, seed = seed }
        for key, value in pairs(more) do o[key] = value end
        sum = sum + search[name](o).value / 8
      end
      mean[name] = sum
    end
    assert.is_true(mean.evolution > mean.random + 0.1, mean.evolution .. " " .. mean.random)
    assert.is_true(mean.bayesian > mean.evolution, mean.bayesian .. " " .. mean.evolution)
  end)
end)
