-- How sure scores are: bootstraps over neuroids, stimuli and subjects, permutations, comparisons of models, and
-- neuroids that do not vary; against resamples written out, closed forms and all sign flips.
local intervals = require "lamina.neural.intervals"
local lamina = require "lamina"
local measures = require "lamina.neural.measures"
local ops = require "lamina.core.ops"
local significance = require "lamina.significance"

local neural, predictivity, kfold = lamina.neural, lamina.predictivity, lamina.kfold
local tensor, randn, arange = lamina.tensor, lamina.randn, lamina.arange

local message_of = require("support.said").message

local function f64(list) return tensor(list, { dtype = "float64" }) end

local function close_to(a, b, bound)
  assert.near(0, (a - b):abs():max():item(), bound or 1e-10)
end

local N, U = 60, 12
local x = randn { N, 8, dtype = "float64" }
local weights = randn { 8, U, dtype = "float64" }
local trials = x:matmul(weights):unsqueeze(3) + randn { N, U, 6, dtype = "float64" } * 2
local animals, groups = {}, {}
for u = 1, U do animals[u] = u <= 5 and "a" or u <= 8 and "b" or "c" end
for i = 1, N do groups[i] = (i - 1) // 6 end
local noise = randn { N, 8, dtype = "float64" }

local function recorded(t)
  return neural.assembly { { responses = t or trials, stimulus_id = arange(1, N), movie = groups,
    neuroid_subject = animals } }
end

local function score(given)
  local o = { features = { { "x", x }, { "noise", noise } }, responses = recorded(), mapping = lamina.ols {},
    splits = kfold { 5, seed = 1 }, reliability = -1, bootstrap = 200, seed = 3 }
  for name, value in pairs(given or {}) do o[name] = value end
  return predictivity(o)
end

describe("resampled stimuli", function()
  local held = {}
  for f, fold in ipairs(kfold({ 5, seed = 1 }):folds(N)) do
    local index = tensor(fold.test, { dtype = "int64" })
    held[f] = { test = fold.test, y = (x:matmul(weights) + 3):abs():index_select(index, { dim = 1 }),
      guess = (x:matmul(weights) + 2.5 + noise:matmul(weights) * 0.3):abs():index_select(index, { dim = 1 }) }
  end

  it("give every measure of the rows written out as often as they were drawn", function()
    local counts = intervals.stimulus_weights({ bootstrap = 7, seed = 5 }, N)
    assert.same({ 7, N }, counts.shape)
    assert.near(0, (counts:sum(2) - N):abs():max():item(), 0)
    for _, name in ipairs(measures.names) do
      local found = intervals.over_stimuli(held, counts, name)
      for b = 1, 7 do
        local row, sum, total = counts[b]:totable(), 0, 0
        for _, fold in ipairs(held) do
          local rows = {}
          for at, i in ipairs(fold.test) do
            for _ = 1, row[i] do rows[#rows + 1] = at end
          end
          local index = tensor(rows, { dtype = "int64" })
          local value = measures.plain[name](fold.guess:index_select(index, { dim = 1 }), fold.y:index_select(index,
            { dim = 1 }))
          sum, total = sum + value * #rows / #fold.test, total + #rows / #fold.test
        end
        close_to(found[b], sum / total, 1e-9)
      end
    end
  end)

  it("are the score itself where every stimulus is drawn once", function()
    for _, name in ipairs(measures.names) do
      local each = {}
      for f, fold in ipairs(held) do each[f] = measures.plain[name](fold.guess, fold.y) end
      close_to(intervals.over_stimuli(held, lamina.ones({ 1, N }, { dtype = "float64" }), name)[1],
        ops.stack(each, { dim = 1 }):mean(1))
    end
  end)

  it("leave out a fold none of whose images were drawn, and draw groups whole", function()
    local ones = lamina.ones({ 1, N }, { dtype = "float64" })
    for _, i in ipairs(held[2].test) do ones[{ 1, i }] = 0 end
    local sum = 0
    for f, fold in ipairs(held) do
      if f ~= 2 then sum = sum + measures.plain.r(fold.guess, fold.y) / 4 end
    end
    close_to(intervals.over_stimuli(held, ones, "r")[1], sum)
    local counts = intervals.stimulus_weights({ bootstrap = 20, seed = 5 }, N, groups):totable()
    for b = 1, 20 do
      for i = 2, N do assert.is_true(groups[i] ~= groups[i - 1] or counts[b][i] == counts[b][i - 1]) end
    end
  end)
end)

describe("resampled subjects", function()
  local members = { { 1, 2, 3, 4, 5 }, { 6, 7, 8 }, { 9, 10, 11, 12 } }

  it("come with all their neuroids, or with draws among these", function()
    for _, within in ipairs { false, true } do
      local o = { bootstrap = 50, seed = 2, over_set = { subjects = true, neuroids = within or nil } }
      local differ = false
      for _, index in ipairs(intervals.columns(o, U, members, "test")) do
        local list, at = index:totable(), 1
        while at <= #list do
          local own = list[at] <= 5 and members[1] or list[at] <= 8 and members[2] or members[3]
          for k = 1, #own do
            local value = list[at + k - 1]
            assert.is_true(value >= own[1] and value <= own[#own])
            differ = differ or value ~= own[k]
          end
          at = at + #own
        end
      end
      assert.equal(within, differ)
    end
  end)

  it("are medians of what was drawn", function()
    local values = randn { U, dtype = "float64" }
    local columns = { tensor({ 1, 2, 3 }, { dtype = "int64" }), tensor({ 4, 5, 4, 5 }, { dtype = "int64" }) }
    close_to(intervals.resampled(values, columns, 2), f64 { values[{ { 1, 3 } }]:quantile(0.5):item(),
      (values[4] + values[5]) / 2 })
    local two = ops.stack({ values, values * 2 }, { dim = 1 })
    close_to(intervals.resampled(two, columns, 2), f64 { values[{ { 1, 3 } }]:quantile(0.5):item(), values[4]
      + values[5] })
  end)
end)

describe("predictivity", function()
  it("has intervals over each dimension, and says which", function()
    local before = score {}
    for _, over in ipairs { "stimuli", "subjects", { "neuroids", "stimuli" }, { "neuroids", "stimuli",
      "subjects" } } do
      local s = score { over = over }
      for i, row in ipairs(s.rows) do
        assert.equal(before.rows[i].r, row.r)
        assert.is_true(row.low < row.high and row.low <= row.r + 0.05 and row.r <= row.high + 0.05)
      end
      local text = type(over) == "table" and table.concat(over, " and ") or over
      assert.matches("bootstrap over " .. text .. " %(200, seed 3%)", tostring(s))
    end
    -- Fisher's interval for r of n stimuli; the median over neuroids that share stimuli is not much surer
    local row = score({ over = "stimuli", features = { { "noise", noise } }, bootstrap = 1000 }).rows[1]
    assert.is_true(row.high - row.low > 0.1 and row.high - row.low < 4 / math.sqrt(N))
    assert.matches("no 'subject'", message_of(score, { over = "subjects", responses = neural.assembly { {
      responses = trials, stimulus_id = arange(1, N) } } }))
    assert.matches("over = 'stimulus', expected .*did you mean 'stimuli'", message_of(score, { over = "stimulus" }))
    local one = recorded():select { subject = "a" }
    assert.matches("all neuroids kept are of one subject", message_of(score, { over = "subjects", responses = one }))
  end)

  it("has a null of the theoretical spread, small p for what predicts and large for noise", function()
    local s = score { permutations = 400 }
    local found, chance = s:find "x", s:find "noise"
    assert.near(1 / 401, found.p, 1e-12)
    assert.near(2 / 401, found.q, 1e-12)
    assert.is_true(chance.p > 0.02 and chance.q >= chance.p)
    assert.is_true(s.neuroids.p.x:max():item() < 0.05)
    assert.matches("p +q +bits", tostring(s))
    assert.matches("dealt anew among its predictions, 400 times; q: corrected for 2 rows %(Holm%)", tostring(s))
    local held = { { test = arange(1, 40):totable(), guess = randn { 40, 3, dtype = "float64" },
      y = randn { 40, 3, dtype = "float64" } } }
    local null = intervals.permuted({ permutations = 2000, seed = 1 }, held, measures.plain.r)
    assert.near(0, null:mean():item(), 0.01)
    assert.near(1 / math.sqrt(39), null:std():item(), 0.008)
  end)

  it("lets whole groups change places in its null, so that p is right where a group's images are alike", function()
    local y = arange(1, 7):to "float64":reshape { 7, 1 }
    local seen, count = {}, 0
    intervals.permuted({ permutations = 300, seed = 1 }, { { test = { 1, 2, 3, 4, 5, 6, 7 }, guess = y, y = y } },
      function(_, dealt)
        local text = table.concat(dealt:reshape({ -1 }):to "int64":totable(), " ")
        if not seen[text] then seen[text], count = true, count + 1 end
        return f64 { 0 }
      end, { "b", "a", "b", "a", "c", "c", "d" })
    assert.equal(24, count) -- all orders of four groups
    assert.is_true(seen["2 1 4 3 5 6 7"] and seen["5 2 6 4 1 3 7"])
    local group, all, low = {}, {}, 0
    for i = 1, 48 do group[i], all[i] = (i - 1) // 4 + 1, i end
    local index = tensor(group, { dtype = "int64" })
    local function alike() -- twelve groups of four
      return randn({ 12, 1, dtype = "float64" }):index_select(index, { dim = 1 })
        + randn { 48, 1, dtype = "float64" } * 0.2
    end
    for r = 1, 400 do
      local held = { { test = all, guess = alike(), y = alike() } }
      local null = intervals.permuted({ permutations = 39, seed = r }, held, measures.plain.r, group)
      local p = intervals.p_value(measures.plain.r(held[1].guess, held[1].y):item(), null)
      low = low + (p <= 0.05 and 1 or 0)
    end
    assert.is_true(low >= 7 and low <= 33, low .. " of 400") -- 20 are expected, with a deviation of 4.4
  end)

  it("shifts one group around in its null", function()
    local y = arange(1, 6):to "float64":reshape { 6, 1 }
    local seen = {}
    intervals.permuted({ permutations = 60, seed = 1 }, { { test = { 1, 2, 3, 4, 5, 6 }, guess = y, y = y } },
      function(_, dealt)
        local list = dealt:reshape({ -1 }):totable()
        for i = 2, 6 do assert.equal(list[i - 1] % 6 + 1, list[i]) end
        seen[list[1]] = true
        return f64 { 0 }
      end, { 1, 1, 1, 1, 1, 1 })
    assert.equal(6, #seen)
    local s = score { permutations = 10, splits = lamina.grouped { 5, by = "movie" } }
    assert.matches("by whole groups (of one group, shifted around), 10 times", tostring(s), 1, true)
  end)

  it("names neuroids that do not vary, and folds over which they do not", function()
    local t = trials + 0
    t[{ {}, 4, {} }] = 7
    local s = score { responses = recorded(t) }
    assert.equal(U - 1, s.rows[1].n)
    assert.matches("1 that does not vary: 4%)", tostring(s))
    assert.same({ "4" }, s.constant)
    -- neuroid 2 answers one image alone: it varies over the images of one fold
    local folds = kfold({ 5, seed = 1 }):folds(N)
    t = trials + 0
    t[{ {}, 2, {} }] = 0
    t[{ folds[3].test[1], 2, {} }] = 5
    s = score { responses = recorded(t) }
    assert.matches("4 pairs of a neuroid and a fold left out", tostring(s))
    local y = (recorded(t):mean())
    local train = tensor(folds[3].train, { dtype = "int64" })
    local test = tensor(folds[3].test, { dtype = "int64" })
    local guess = lamina.ols({}):fit(x:index_select(train, { dim = 1 }), y:index_select(train, { dim = 1 }))
      :predict(x:index_select(test, { dim = 1 }))
    close_to(s.neuroids.r.x[{ { 2, 2 } }], measures.plain.r(guess, y:index_select(test, { dim = 1 }))[{ { 2, 2 } }])
    assert.matches("neuroid 2 do not vary over the tested images of any fold", message_of(score, {
      responses = recorded(t), splits = { { train = folds[2].train, test = folds[2].test } } }))
    t[{ {}, 2, {} }] = 1
    assert.matches("neuroid 2 do not vary over the stimuli", message_of(neural.scores, { recorded(t):mean(),
      recorded(t) }))
  end)

  it("says how many neuroids lie above their ceiling", function()
    local s = score { features = { { "seen", (recorded():mean()) } } }
    assert.equal(U, s.rows[1].above)
    assert.matches("neuroids above their ceiling, not cut off: seen 12 of 12", tostring(s))
  end)
end)

describe("fits of targets that do not vary", function()
  it("predict their mean with weights of 0, and name them", function()
    local y = x:matmul(weights)
    y[{ {}, 3 }] = 0.1
    y[{ {}, 9 }] = -2.7
    for _, map in ipairs { lamina.ridge(1), lamina.ridge {}, lamina.ols {}, lamina.pls(3), lamina.lasso(0.1),
      lamina.nnls {}, lamina.one_to_one {} } do
      local m = map:fit(x, y)
      assert.same({ 3, 9 }, m.constant:totable())
      assert.equal(0, m.weights[{ {}, 3 }]:abs():max():item())
      assert.equal(-2.7, m.intercept[9])
      assert.equal(0.1, m:predict(x)[{ 5, 3 }])
      assert.matches("2 of them do not vary, and are predicted by their mean alone: 3, 9", tostring(m))
    end
    assert.same({ 0 }, lamina.ols({}):fit(x, x).constant.shape)
  end)
end)

describe("neural.compare", function()
  it("flips all signs of few neuroids", function()
    local few = recorded():at(nil, { 1, 2, 3, 4, 5, 6 })
    local s = score { responses = few }
    local c = neural.compare { s, seed = 1 }
    local d = s.neuroids.r.x - s.neuroids.r.noise
    assert.is_true(d:min():item() > 0)
    assert.near(d:mean():item(), c.rows[1].difference, 1e-12)
    assert.near(2 / 64, c.rows[1].p, 1e-12) -- none flipped, and all
    assert.matches("all 64 sign flips of neuroids", tostring(c))
    assert.same(c.rows[1], c:find("noise", "x"))
    assert.equal(1, #c:results())
  end)

  it("has the interval of the mean difference", function()
    local s = score {}
    local c = neural.compare { s, bootstrap = 4000 }
    local d = s.neuroids.r.x - s.neuroids.r.noise
    local se = d:std():item() / math.sqrt(U)
    assert.near(1, (c.rows[1].high - c.rows[1].low) / (2 * 1.96 * se * math.sqrt((U - 1) / U)), 0.1)
    local ceiled = neural.compare { s, of = "ceiled" }
    assert.near((d / s.neuroids.ceiling):mean():item(), ceiled.rows[1].difference, 1e-12)
  end)

  it("pairs resampled stimuli, and subjects", function()
    local s = score { over = { "neuroids", "stimuli" } }
    local same = score { over = { "neuroids", "stimuli" }, features = { { "again", x } } }
    local c = neural.compare { { "one", s, layer = "x" }, { "two", same }, { "three", s, layer = "noise" },
      over = "stimuli" }
    assert.same({ "one", "two", "three" }, c.names)
    local row = c:find("one", "two")
    assert.equal(0, row.difference)
    assert.equal(0, row.high - row.low) -- the same draws on both sides
    assert.equal(1, row.p)
    assert.is_true(c:find("one", "three").p < 0.02 and c:find("one", "three").q <= 3 * c:find("one", "three").p)
    local by = neural.compare { s, over = "subjects" }
    assert.near(2 / 8, by.rows[1].p, 1e-12) -- three subjects: eight flips
    assert.matches("all 8 sign flips of subjects", tostring(by))
  end)

  it("and intervals leave a neuroid out of the resamples of stimuli over which it does not vary", function()
    local nan, t = 0 / 0, tensor
    local rows = t({ { 1, nan, 3 }, { 4, 2, 9 }, { nan, nan, nan } }, { dtype = "float64" })
    local means, medians = intervals.means(rows):totable(), intervals.medians(rows):totable()
    assert.same({ 2, 5, 2, 4 }, { means[1], means[2], medians[1], medians[2] })
    assert.is_true(means[3] ~= means[3] and medians[3] ~= medians[3])
    local low, high = intervals.interval(t({ 1, nan, 3, 2 }, { dtype = "float64" }))
    assert.near(1.05, low, 1e-12)
    assert.near(2.95, high, 1e-12)
    assert.equal(2 / 3, intervals.p_value(3, t({ 4, nan, 1 }, { dtype = "float64" })))
    local rare = trials:clone()
    rare[{ {}, 1, {} }] = rare[{ {}, 1, {} }] * 0
    for _, i in ipairs { 3, 20, 41 } do rare[{ i, 1, {} }] = lamina.rand { rare:size(3), dtype = "float64" } + 1 end
    local s = score { responses = recorded(rare), over = { "neuroids", "stimuli" } }
    local holes = s.neuroids.drawn.x:isnan():to "int64":sum { dim = 1 }:totable()
    assert.is_true(holes[1] > 0 and holes[1] < 200 and holes[2] == 0)
    assert.is_true(s.rows[1].low < s.rows[1].r and s.rows[1].r < s.rows[1].high)
    assert.matches("\n  1 neuroid left out of the resamples of stimuli over which its responses do not vary",
      tostring(s))
    local c, d = neural.compare { s, over = "stimuli" }, (s.neuroids.drawn.x - s.neuroids.drawn.noise):totable()
    local below = 0
    for _, row in ipairs(d) do
      local sum, count = 0, 0
      for _, value in ipairs(row) do
        if value == value then sum, count = sum + value, count + 1 end
      end
      below = below + (sum / count <= 0 and 1 or 0)
    end
    assert.near(2 * (1 + below) / 201, c.rows[1].p, 1e-12)
    assert.is_true(c.rows[1].low == c.rows[1].low)
  end)

  it("tests nothing that is divided by a ceiling of 0", function()
    local noisy = trials:clone()
    local function signs(n) return arange(1, n):to "float64" % 2 * 2 - 1 end
    -- repeats of 1 and -1, means of 0.36 and -0.36: a reliability of 1 - 1.2 / 6 / 0.132
    noisy[{ {}, 2, {} }] = signs(6):reshape { 1, 6 } + signs(N):reshape { N, 1 } * 0.36
    local s = score { responses = recorded(noisy), ceiling = neural.explainable_variance {} }
    assert.near(1 - 0.2 / (0.1296 * 60 / 59), s.neuroids.reliability[2], 1e-9)
    assert.equal(0, s.neuroids.ceiling[2])
    assert.matches("of = \"ceiled\": 1 of 12 neuroids have a reliability of 0 or less, and with it a ceiling of 0, "
      .. "by which nothing can be divided: neuroid 2", message_of(neural.compare, { s, of = "ceiled" }), 1, true)
    assert.is_true(neural.compare({ s }).rows[1].p < 0.2)
    for _, row in ipairs(s.rows) do assert.is_true(row.above < 12) end
    local finite = (s.neuroids.r.x / s.neuroids.ceiling):totable()
    local above = 0
    for _, value in ipairs(finite) do above = above + (value > 1 and value < math.huge and 1 or 0) end
    assert.equal(above, s.rows[1].above)
  end)

  it("refuses what does not belong together", function()
    local s = score {}
    assert.matches("there is 1 to compare", message_of(neural.compare, { { "x", s, layer = "x" } }))
    assert.matches("differ in splits", message_of(neural.compare, { { "a", s, layer = "x" }, { "b",
      score { splits = kfold { 4 } }, layer = "x" } }))
    assert.matches("kept different neuroids", message_of(neural.compare, { { "a", s, layer = "x" }, { "b",
      score { reliability = s.neuroids.reliability:quantile(0.5):item() }, layer = "x" } }))
    assert.matches("option 'layer' is 'nose', which is no layer of the score %(did you mean 'noise'%?%)",
      message_of(neural.compare, { { "a", s, layer = "nose" } }))
    assert.matches("over stimuli needs scores made with", message_of(neural.compare, { s, over = "stimuli" }))
    assert.matches("two entries are called 'x'", message_of(neural.compare, { s, s }))
    assert.matches("an entry is a number", message_of(neural.compare, { 3 }))
  end)
end)

describe("corrections for many tests", function()
  it("are Holm's, step by step", function()
    local _, q = significance.fdr { p = { 0.01, 0.04, 0.03, 0.5, 0 / 0 }, method = "holm" }
    for i, value in ipairs { 0.04, 0.09, 0.09, 0.5 } do assert.near(value, q[i], 1e-12) end
    assert.is_true(q[5] ~= q[5])
    local believed = significance.fdr { p = { 0.01, 0.04, 0.03 }, method = "holm" }
    assert.same({ true, false, false }, believed)
  end)
end)
