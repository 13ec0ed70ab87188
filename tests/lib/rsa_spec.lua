-- Inference on RDMs against rsatoolbox (tests/peers/rsa.py), closed forms, and what bad input is told.
local core = require "lamina.core.rdm"
local core_io = require "lamina.core.io"
local cross = require "lamina.rdm.cross"
local evaluate = require "lamina.rdm.evaluate"
local mds = require "lamina.rdm.mds"
local ops = require "lamina.core.ops"
local rdm = require "lamina.rdm"
local results = require "lamina.rdm.results"
local significance = require "lamina.significance"
local tensor = require "lamina.core.tensor"

local peer = core_io.json_read "tests/fixtures/rsa.json"

local function t(list) return tensor.tensor(list, { dtype = "float64" }) end

local function same(a, b, bound)
  a, b = tensor.is_tensor(a) and a or t(a), tensor.is_tensor(b) and b or t(b)
  local off = (a:reshape { -1 } - b:reshape { -1 }):abs():max():item() / b:abs():max():item()
  assert.is_true(off <= (bound or 1e-6), "off by " .. off)
end

local function raises(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, message)
  assert.matches(message, tostring(err), 1, true)
end

local models, subjects = rdm.from { t(peer.models) }, rdm.from { t(peer.subjects) }

describe("models with something to fit", function()
  for _, method in ipairs { "pearson", "cosine", "whitened_pearson", "whitened_cosine" } do
    it("have rsatoolbox's weights under " .. method, function()
      same(rdm.weighted(models):fit(subjects, method), peer.nnls[method])
      same(rdm.weighted { models, nonnegative = false }:fit(subjects, method), peer.regress[method])
      local line = rdm.interpolated(models)
      local reached = core.compare(line:predict(line:fit(subjects, method)).vectors, subjects.vectors, method):mean()
      assert.is_true(reached:item() > peer.interpolate[method] - 1e-9)
      assert.near(peer.interpolate[method], reached:item(), 1e-6)
    end)
  end

  it("shrink weights by a penalty as rsatoolbox does", function()
    same(rdm.weighted { models, ridge = 0.5 }:fit(subjects, "cosine"), peer.ridge)
  end)

  it("select the best RDM, and predict it", function()
    local best = rdm.selected(models)
    local like = core.compare(models.vectors, subjects.vectors, "tau_a"):mean(2)
    local theta = best:fit(subjects, "tau_a")
    assert.equal(like:max():item(), like[theta])
    same(best:predict(theta).vectors, models:of(theta).vectors)
  end)

  it("find planted weights", function()
    local planted = t { 0.2, 0, 0.7 }
    local data = rdm.from { planted:reshape({ 1, 3 }):matmul(models.vectors) }
    same(rdm.weighted(models):fit(data, "cosine"), planted / planted:square():sum():sqrt(), 1e-9)
    same(rdm.weighted(models):fit(data, "whitened_cosine"), planted / planted:square():sum():sqrt(), 1e-9)
  end)

  it("interpolate for measures of ranks by trying", function()
    local line = rdm.interpolated(models:of { 1, 2 })
    local theta = line:fit(subjects, "tau_a"):totable()
    assert.near(1, theta[1] + theta[2], 1e-12)
    local function at(w) return core.compare(models.vectors[{ { 1, 1 } }] * w + models.vectors[{ { 2,
      2 } }] * (1 - w),
      subjects.vectors, "tau_a"):mean():item() end
    for w = 0, 10 do assert.is_true(at(theta[1]) >= at(w / 10)) end
  end)
end)

describe("the dual bootstrap", function()
  for method, theirs in pairs(peer.bootstrap) do
    it("has rsatoolbox's variances and tests: " .. method, function()
      local boot = ops.concat({ t(theirs.evaluations), t(theirs.ceilings) }, { dim = 3 })
      local c, kept = evaluate.covariances(boot)
      assert.equal(25, kept)
      local own, difference, ceiling = evaluate.variances(c:totable(), "both", 4, 9)
      same(own, theirs.model_var)
      same({ difference[1][2], difference[1][3], difference[2][3] }, theirs.diff_var)
      same(ceiling, theirs.noise_var)
      local means = boot:mean { dim = { 1, 2 } }:totable() -- rsatoolbox's are over all three kinds of resamples
      for i = 1, 3 do
        assert.near(theirs.means[i], means[i], 1e-9)
        assert.near(theirs.p_zero[i], evaluate.t_test(means[i], own[i], theirs.dof, true), 1e-9)
        assert.near(theirs.p_noise[i], evaluate.t_test(means[i] - means[4], ceiling[i][1], theirs.dof), 1e-9)
        for j = 1, 3 do
          local p = i == j and 1 or evaluate.t_test(means[i] - means[j], difference[i][j], theirs.dof)
          assert.near(theirs.p_pair[i][j], p, 1e-9)
        end
      end
    end)
  end

  it("corrects as the formula says, within its bounds", function()
    assert.near(4 / 3 * 2 + 9 / 8 * 3 - 4 / 3 * 9 / 8 * (6 - 5), evaluate.corrected("both", 6, 2, 3, 4, 9), 1e-12)
    assert.equal(5, evaluate.corrected("both", 5, 3, 3, 4, 9))
    assert.near(4 / 3 * 2, evaluate.corrected("subjects", 6, 2, 3, 4, 9), 1e-12)
    assert.near(9 / 8 * 3, evaluate.corrected("stimuli", 6, 2, 3, 4, 9), 1e-12)
  end)
end)

describe("rsa", function()
  it("reports models, ceilings and corrected tests, the same for the same seed", function()
    local named = models:named { "A", "B", "C" }
    local score = evaluate.rsa { models = named, data = subjects, bootstrap = 100, seed = 3 }
    local again = evaluate.rsa { models = named, data = subjects, bootstrap = 100, seed = 3 }
    assert.equal(tostring(score), tostring(again))
    same(score.rows[1].value, core.compare(models.vectors, subjects.vectors, "tau_a"):mean(2)[1])
    same({ score.lower, score.upper }, peer.ceiling.tau_a)
    assert.is_true(score:find "B".low < score:find("B").value and score:find("B").q >= score:find("B").p)
    assert.equal(1, score.p_pair[2][2])
    assert.near(score.p_pair[1][3], score.p_pair[3][1], 1e-12)
    assert.matches("dual bootstrap over subjects and stimuli", tostring(score), 1, true)
  end)

  it("fits inside training stimuli: shuffled models gain nothing by being weighed", function()
    local function random(k, n, seed)
      return rdm.from { tensor.draw { kind = "uniform", shape = { k, n * (n - 1) // 2 }, seed = seed, purpose = "r",
        dtype = "float64" } }
    end
    local junk, brain = random(6, 24, 1), random(3, 24, 2)
    local score = evaluate.rsa { models = rdm.weighted { junk, nonnegative = false, name = "junk" }, data = brain,
      method = "pearson", bootstrap = 0, folds = 4 }
    local model = rdm.weighted { junk, nonnegative = false }
    local inside = core.compare(model:predict(model:fit(brain, "pearson")).vectors, brain.vectors,
      "pearson"):mean():item()
    assert.is_true(inside > 0.05 and score.rows[1].value < 0.5 * inside)
    local tested = evaluate.rsa { models = { junk, rdm.weighted { junk } }, data = brain, method = "pearson",
      bootstrap = 6, folds = 3, seed = 1 }
    assert.equal(7, #tested.rows)
    assert.is_true(tested.rows[7].se >= 0 and tested.rows[7].fitted)
  end)

  it("resamples groups whole", function()
    local score = evaluate.rsa { models = models, data = subjects, bootstrap = 50, over = "stimuli",
      groups = { 1, 1, 1, 2, 2, 3, 3, 4, 4 } }
    assert.equal(50, score.resamples + score.dropped)
    assert.equal(3, score.dof)
    assert.matches("over stimuli, these in 4 groups (", tostring(score), 1, true)
    -- the variance over stimuli is corrected for how many groups there are, as if each were one stimulus
    local boot = evaluate.covariances(score.draws):totable()
    assert.near(math.sqrt(4 / 3 * boot[3][1][1]), score.rows[1].se, 1e-12)
  end)

  it("holds out whole groups where a model is fitted", function()
    local n, groups = 20, {}
    for i = 1, n do groups[i] = i % 4 end
    local function random(k, seed)
      return rdm.from { tensor.draw { kind = "uniform", shape = { k, n * (n - 1) // 2 }, seed = seed, purpose = "r",
        dtype = "float64" } }
    end
    local parts, brain = random(3, 1), random(4, 2)
    local model = rdm.weighted { parts, nonnegative = false }
    local score = evaluate.rsa { models = model, data = brain, method = "pearson", groups = groups, folds = 4,
      bootstrap = 0 }
    local sum = 0 -- as many folds as groups: each is held out once, whatever the deal
    for g = 0, 3 do
      local inside, others = {}, {}
      for i = 1, n do table.insert(groups[i] == g and inside or others, i) end
      local fit = rdm.weighted({ parts:at(others), nonnegative = false }):fit(brain:at(others), "pearson")
      local held = rdm.weighted({ parts:at(inside) }):predict(fit)
      sum = sum + core.compare(held.vectors, brain:at(inside).vectors, "pearson"):mean():item() / 4
    end
    assert.near(sum, score.rows[1].value, 1e-12)
    assert.matches("4 folds of whole groups", tostring(score))
    local of = cross.deal({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 2, { seed = 1, step = 1 }, { 1, 1, 1, 2, 2, 3, 3, 4, 4 })
    for i = 2, 9 do
      assert.is_true(of[i] == of[i - 1] or i % 2 == 0 and i > 3)
    end
    raises("the stimuli are of 2 groups, expected at least 3, since each fold holds whole ones", evaluate.rsa,
      { models = rdm.weighted(models), data = subjects, folds = 3, groups = { 1, 1, 1, 1, 1, 2, 2, 2, 2 } })
    for over, bootstrap in pairs { both = 0, subjects = 100 } do -- one is enough where none is drawn
      local one = { models = models, data = subjects, over = over, bootstrap = bootstrap, seed = 1 }
      local without = evaluate.rsa(one)
      one.groups = { 1, 1, 1, 1, 1, 1, 1, 1, 1 }
      assert.equal(without.rows[1].low, evaluate.rsa(one).rows[1].low)
    end
    raises("the stimuli are of 1 group, expected at least 2, since whole ones are resampled", evaluate.rsa,
      { models = models, data = subjects, groups = { 1, 1, 1, 1, 1, 1, 1, 1, 1 } })
    raises("whole groups leave fewer than 3 stimuli in one of 3 folds: say folds = 2", evaluate.rsa,
      { models = rdm.weighted(models), data = subjects, folds = 3, groups = { 1, 1, 1, 1, 1, 1, 1, 2, 3 } })
  end)

  it("has no interval where too few resamples are whole, and none of a variance below 0", function()
    raises("of 300 resamples hold enough different stimuli: of 9 that are drawn with replacement some 6 "
      .. "differ, too few for 3 folds", evaluate.rsa, { models = rdm.weighted(models), data = subjects, folds = 3,
      bootstrap = 300 })
    local p = evaluate.t_test(0.5, -1e-3, 4)
    assert.is_true(p ~= p)
    assert.equal(1, evaluate.t_test(0, -1e-18, 4)) -- what rounding leaves of 0
    local one = rdm { tensor.draw { kind = "normal", shape = { 8, 10 }, seed = 1, purpose = "x", dtype = "float64" } }
    local same_all = evaluate.rsa { models = one, data = rdm.join { one, one, one }, bootstrap = 100, seed = 1 }
    assert.near(1, same_all.rows[1].p_ceiling, 1e-6)
    local row = { model = "A", value = 0.5, se = 0 / 0, low = 0 / 0, high = 0 / 0, p = 0 / 0, q = 0 / 0,
      label = "exact" }
    local text = tostring(results.make { rows = { row }, method = "tau_a", over = "both", subjects = 4, stimuli = 9,
      bootstrap = 10, resamples = 10, dropped = 0, dof = 3, seed = 0, pairs = 36, missing = 0 })
    assert.matches("A +0.500  unknown  unknown  unknown  unknown", text)
  end)

  it("says what is wrong", function()
    raises("there are no subjects to resample; say over = \"stimuli\"", evaluate.rsa,
      { models = models, data = subjects:of(1) })
    raises("model 1 is a string, expected a set of RDMs", evaluate.rsa, { models = { "x" }, data = subjects })
    raises("9 stimuli in 5 folds leave fewer than 3 in one: say folds = 3", evaluate.rsa,
      { models = rdm.weighted(models), data = subjects })
    raises("there are 2 groups for 9 stimuli", evaluate.rsa, { models = models, data = subjects, groups = { 1, 2 } })
    raises("the set holds 1 RDM, expected at least 2", rdm.selected, models:of(1))
  end)
end)

describe("significance", function()
  it("has Student's distribution", function()
    -- scipy.stats.t.cdf
    for _, case in ipairs { { 1, 1, 0.75 }, { 2, 3, 0.9303370157205785 }, { -1.5, 4, 0.104 }, { 2.5, 8,
      0.981528981143188 },
      { 0.3, 91, 0.6175693121960324 } } do
      assert.near(case[3], significance.student(case[1], case[2]), 1e-12)
    end
    -- below 1e-3, where the tail has a series of its own; 1 - p has few digits of the last four, or none
    for _, case in ipairs { { -400, 1, 7.9577305760170308e-4 }, { -12, 3, 6.2250790039466812e-4 }, { -30, 7,
      5.8942344403665719e-9 }, { -8, 46, 1.4787340580760021e-10 }, { -9.5, 94, 1.0627592501772017e-15 }, { -6, 1000,
      1.3776845866887376e-9 } } do
      assert.near(1, significance.student(case[1], case[2]) / case[3], 1e-11)
    end
    -- the tails of Cauchy's distribution; whole numbers are not squared as such
    assert.near(1, significance.student(-4294967296, 1) * math.pi * 4294967296, 1e-12)
    assert.near(1, significance.student_quantile(1e-30, 1) * -math.pi * 1e-30, 1e-12)
    assert.equal(significance.student(-3.1e9, 3), significance.student(-3100000000, 3))
    assert.equal(0, significance.student(-1e160, 3))
    for _, dof in ipairs { 1, 2, 3, 10, 91 } do
      assert.near(0.975, significance.student(significance.student_quantile(0.975, dof), dof), 1e-12)
    end
    assert.near(3.182446305, significance.student_quantile(0.975, 3), 1e-8)
  end)

  it("corrects for many tests", function()
    local p = { 0.01, 0.02, 0.03, 0.5, 0 / 0 }
    local believed, q = significance.fdr { p, rate = 0.05 }
    assert.same({ true, true, true, false, false }, believed)
    assert.near(0.04, q[1], 1e-12)
    assert.near(0.04, q[3], 1e-12)
    assert.near(0.5, q[4], 1e-12)
    assert.is_true(q[5] ~= q[5])
    local _, by = significance.fdr { p, method = "by" }
    assert.near(0.04 * (1 + 1 / 2 + 1 / 3 + 1 / 4), by[1], 1e-12)
    local strict = significance.fdr { p, method = "bonferroni" }
    assert.same({ true, false, false, false, false }, strict)
    raises("p-value 1 is 2, expected a number from 0 to 1", significance.fdr, { 2 })
  end)
end)

describe("mds", function()
  local points = tensor.draw { kind = "normal", shape = { 12, 3 }, seed = 1, purpose = "mds test", dtype = "float64" }
  local r = rdm { points, method = "euclidean", per_channel = false }

  it("finds points whose distances are given", function()
    for _, method in ipairs { "classical", "metric", "nonmetric" } do
      local x = mds.mds { r, dimensions = 3, method = method }
      same(rdm { x, method = "euclidean", per_channel = false }.vectors, r.vectors, 1e-6)
    end
  end)

  it("finds points whose distances have the same order", function()
    local bent = rdm.from { r.vectors ^ 3 }
    local _, plain = mds.mds { bent, dimensions = 3, seed = 1 }
    local x, free = mds.mds { bent, dimensions = 3, method = "nonmetric", seed = 1 }
    assert.is_true(free.stress < 0.01 and free.stress < 0.2 * plain.stress, free.stress .. " " .. plain.stress)
    assert.is_true(core.compare(rdm { x, method = "euclidean" }.vectors, bent.vectors, "spearman"):item() > 0.99)
  end)

  it("says what is wrong", function()
    raises("12 dimensions for 12 stimuli", mds.mds, { r, dimensions = 12 })
    raises("dissimilarities are missing", mds.mds, { rdm.from { t { 1, 2, 0 / 0 }, missing = "nan" } })
  end)
end)

describe("the figure of an rsa score", function()
  it("keeps the height of its axes under long names of models, unless a height is given", function()
    local function set(seed, n, names)
      local x = tensor.draw { kind = "uniform", shape = { n, 15 }, seed = seed, purpose = "rsa figure",
        dtype = "float64" }
      return rdm.from { x, names = names }
    end
    local score = require("lamina.rdm.evaluate").rsa { models = set(1, 2, { ("long "):rep(9) .. "a", "b" }),
      data = set(2, 3), method = "spearman", bootstrap = 0 }
    assert.equal(45, score:plot().panels[1].inner)
    assert.is_nil(score:plot({ height = 60 }).panels[1].inner)
  end)
end)
