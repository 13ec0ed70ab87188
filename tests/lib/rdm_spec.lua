-- RDMs against rsatoolbox and SciPy (tests/peers/rsa.py), against loops, and what bad input is told.
local base = require "lamina.core.base"
local compare = require "lamina.rdm.compare"
local core = require "lamina.core.rdm"
local core_io = require "lamina.core.io"
local ops = require "lamina.core.ops"
local rdm = require "lamina.rdm"
local stats = require "lamina.core.stats"
local tensor = require "lamina.core.tensor"

local peer = core_io.json_read "tests/fixtures/rsa.json"

local function t(list) return tensor.tensor(list, { dtype = "float64" }) end

-- The largest difference over the largest value.
local function off(a, b)
  a, b = tensor.is_tensor(a) and a or t(a), tensor.is_tensor(b) and b or t(b)
  return (a:reshape { -1 } - b:reshape { -1 }):abs():max():item() / b:abs():max():item()
end

local function same(a, b) assert.is_true(off(a, b) <= 1e-9, "off by " .. off(a, b)) end

local function raises(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, message)
  assert.matches(message, tostring(err), 1, true)
end

local x, cond, fold = t(peer.x), peer.cond, peer.fold
local MEASURES = compare.methods

describe("rdm", function()
  it("is rsatoolbox's for condition means", function()
    same(rdm { x, method = "squared_euclidean", conditions = cond }.vectors, peer.rdm.euclidean)
    same(rdm { x, method = "euclidean", conditions = cond }.vectors:square(), peer.rdm.euclidean)
    same(rdm { x, method = "correlation", conditions = cond }.vectors, peer.rdm.correlation)
    same(rdm { x, method = "poisson", conditions = cond }.vectors, peer.rdm.poisson)
    same(rdm { x, method = "squared_euclidean", conditions = cond, per_channel = false }.vectors / 6,
      peer.rdm.euclidean)
  end)

  it("keeps small distances between large float32 responses, of few channels and of many", function()
    for _, channels in ipairs { 60, 4096, 9000 } do
      local function draw(rows, purpose)
        return tensor.draw { kind = "normal", shape = { rows, channels }, seed = 3, purpose = purpose }
      end
      local wide, n = draw(4, "wide") + 5, 9
      local near = wide[1]:reshape { 1, -1 } + draw(n - 4, "near") * 1e-3
      local y = ops.concat({ wide, near }, { dim = 1 })
      assert.equal("float32", y.dtype)
      local exact, rows = {}, y:to "float64"
      for i = 1, n do
        for j = i + 1, n do exact[#exact + 1] = (rows[i] - rows[j]):square():sum():item() end
      end
      exact = t(exact)
      local squared = rdm { y, method = "squared_euclidean", per_channel = false }.vectors:reshape { -1 }
      local root = rdm { y, method = "euclidean" }.vectors:reshape { -1 }
      assert.is_true(((squared - exact):abs() / exact):max():item() < 1e-8)
      assert.is_true(((root - (exact / channels):sqrt()):abs() / root):max():item() < 1e-8)
    end
  end)

  it("is rsatoolbox's in the metric of shrunk noise, cross-validated and not", function()
    for ours, theirs in pairs { shrinkage = "shrinkage_diag", ledoit_wolf = "shrinkage_eye", diagonal = "diag",
      full = "full" } do
      same(rdm { x, method = "mahalanobis", conditions = cond, noise = ours }.vectors, peer.mahalanobis[theirs])
      same(rdm { x, method = "mahalanobis", conditions = cond, noise = t(peer.noise[theirs]) }.vectors,
        peer.mahalanobis[theirs])
      same(rdm { x, method = "crossnobis", conditions = cond, folds = fold, noise = ours }.vectors,
        peer.crossnobis[theirs])
    end
    same(rdm { x, method = "crossnobis", conditions = cond, noise = "none" }.vectors, peer.crossnobis.none)
    same(rdm { x, method = "crossnobis", conditions = cond }.vectors, peer.crossnobis.shrinkage_diag)
  end)

  it("is the mean over folds of rsatoolbox's cross-validated Poisson divergences", function()
    local mean = t(peer.poisson_cv):mean { dim = 1 }
    same(rdm { x, method = "poisson", conditions = cond, folds = fold }.vectors:reshape { -1 }, mean:totable())
  end)

  it("estimates the noise as rsatoolbox does of measurements, with trials less conditions degrees of freedom",
    function()
      same(t(peer.measured), peer.noise.shrinkage_diag)
      same(rdm { x, method = "mahalanobis", conditions = cond, noise = "shrinkage" }.vectors,
        rdm { x, method = "mahalanobis", conditions = cond, noise = t(peer.measured) }.vectors:totable())
    end)

  it("is rsatoolbox's for unequal numbers of trials and missing channels", function()
    local keep, nan, rows = peer.keep, 0 / 0, {}
    local c, f = {}, {}
    for i, k in ipairs(keep) do
      c[i], f[i], rows[i] = cond[k], fold[k], {}
      for j = 1, 6 do rows[i][j] = type(peer.holes[i][j]) == "number" and peer.holes[i][j] or nan end
    end
    local holes, u = t(rows), peer.unbalanced
    local whole = x:index_select(tensor.tensor(keep, { dtype = "int64" }), { dim = 1 })
    local r = rdm { holes, method = "squared_euclidean", conditions = c, missing = "nan" }
    same(r.vectors, u.euclidean)
    assert.equal(3, r.holes)
    same(rdm { whole, method = "squared_euclidean", conditions = c, unbalanced = true, weighting = "equal" }.vectors,
      rdm { whole, method = "squared_euclidean", conditions = c }.vectors)
    same(rdm { holes, method = "poisson", conditions = c, missing = "nan" }.vectors, u.poisson)
    same(rdm { holes, method = "crossnobis", conditions = c, folds = f, noise = "none", missing = "nan" }.vectors,
      u.crossed)
    same(rdm { whole, method = "correlation", conditions = c, unbalanced = true }.vectors, u.correlation)
    local precision = t(peer.noise.shrinkage_diag)
    same(rdm { whole, method = "mahalanobis", conditions = c, unbalanced = true, noise = precision }.vectors,
      u.mahalanobis)
    same(rdm { whole, method = "crossnobis", conditions = c, folds = f, unbalanced = true,
      noise = precision }.vectors,
      u.crossnobis)
  end)

  it("is a loop over pairs, in several blocks", function()
    local y = tensor.draw { kind = "normal", shape = { 300, 5 }, seed = 3, purpose = "rdm", dtype = "float64" }
    local rows = y:totable()
    local r, c, e = rdm { y }:matrix(), rdm { y, method = "cosine" }:matrix(), rdm { y,
      method = "euclidean" }:matrix()
    assert.equal(0, (r - r:t()):abs():max():item())
    for _, at in ipairs { { 1, 2 }, { 1, 300 }, { 256, 257 }, { 40, 290 }, { 299, 300 } } do
      local a, b = t(rows[at[1]]), t(rows[at[2]])
      assert.near(1 - stats.pearson(a, b):item(), r[at[1]][at[2]], 1e-12)
      assert.near(1 - (a * b):sum():item() / math.sqrt(a:square():sum():item() * b:square():sum():item()),
        c[at[1]][at[2]], 1e-12)
      assert.near(math.sqrt((a - b):square():mean():item()), e[at[1]][at[2]], 1e-7)
    end
  end)

  it("makes an RDM of each subject, of each time and of each bin of times", function()
    local movie = tensor.draw { kind = "normal", shape = { 6, 4, 5 }, seed = 3, purpose = "movie", dtype = "float64" }
    local r = rdm { movie, time = 3 }
    assert.equal(5, #r)
    same(r:of(4).vectors, rdm { movie[{ {}, {}, 4 }] }.vectors)
    local binned = rdm { movie, time = 3, bins = { { 1, 2 }, { 3, 4, 5 } } }
    assert.same({ "t1 to t2", "t3 to t5" }, binned.names)
    same(binned:of(2).vectors, rdm { movie[{ {}, {}, { 3, 5 } }]:mean(3) }.vectors)
    local two = rdm { { movie[{ {}, {}, 1 }], movie[{ {}, {}, 2 }] }, names = { "A", "B" } }
    same(two:of("B").vectors, r:of(2).vectors)
  end)

  it("takes an assembly: means, and trials as folds", function()
    local neural = require "lamina.neural"
    local counts = tensor.draw { kind = "uniform", shape = { 5, 7, 3 }, seed = 1, purpose = "counts",
      dtype = "float64" }
    local a = neural.assembly { counts = counts, stimuli = { stimulus_id = { "a", "b", "c", "d", "e" } } }
    local r = rdm { a }
    assert.same({ "a", "b", "c", "d", "e" }, r.id)
    same(r.vectors, rdm { counts:mean(3) }.vectors)
    local flat = counts:permute { 1, 3, 2 }:reshape { 15, 7 }
    local ids = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5 }
    same(rdm { a, method = "crossnobis", noise = "none" }.vectors,
      rdm { flat, method = "crossnobis", conditions = ids, noise = "none" }.vectors)
  end)

  it("says what is wrong", function()
    local y = t { { 1, 1, 1 }, { 1, 2, 1 }, { 3, 2, 1 }, { 1, 2, 5 } }
    raises("the responses of a do not vary over channels", rdm, { y, id = { "a", "b", "c", "d" } })
    raises("rdm: 1 of 12 responses are NaN or infinite; where NaN means missing, say missing = \"nan\"", rdm,
      { t { { 1, 2, 3 }, { 3, 2, 0 / 0 }, { 4, 2, 2 }, { 4, 4, 1 } } })
    raises("option 'id' holds 2 more than once (3 of 4 are different)", rdm, { y, id = { 1, 2, 2, 3 } })
    raises("there are 3 ids for 4 rows of x", rdm, { y, id = { 1, 2, 3 } })
    raises("channel without noise variance (2)", rdm, { t { { 1, 5, 3 }, { 2, 5, 4 }, { 2, 5, 1 }, { 0, 5, 7 },
      { 1, 5, 1 }, { 8, 5, 2 } }, conditions = { 1, 1, 2, 2, 3, 3 }, method = "mahalanobis" })
    raises("needs at least 2 folds", rdm, { x, method = "crossnobis", noise = "none" })
    raises("did you mean 'method'", rdm, { x, metod = "cosine" })
    raises("option 'method' is 'pearson'", rdm, { x, method = "pearson" })
    raises("has no trial of 2", rdm, { x[{ { 1, 12 } }], conditions = { 1, 1, 2, 2, 3, 3, 1, 1, 1, 3, 3, 3 },
      folds = { 1, 2, 1, 1, 1, 2, 1, 2, 2, 2, 1, 2 }, method = "crossnobis", noise = "none" })
    raises("noise belongs to mahalanobis and crossnobis", rdm, { x, noise = "full" })
    raises("mahalanobis weighs the noise, which cannot be estimated where every condition has one row", rdm,
      { y, method = "mahalanobis" })
    same(rdm { y, method = "mahalanobis", noise = "none" }.vectors, rdm { y, method = "squared_euclidean" }.vectors)
  end)
end)

describe("sets of RDMs", function()
  local square = t { { 0, 1, 2, 3 }, { 1, 0, 4, 5 }, { 2, 4, 0, 6 }, { 3, 5, 6, 0 } }

  it("are the row-wise upper triangle", function()
    local r = rdm.from { square, id = { "a", "b", "c", "d" }, names = { "one" } }
    assert.same({ { 1, 2, 3, 4, 5, 6 } }, r.vectors:totable())
    assert.equal(0, (r:matrix() - square):abs():max():item())
    assert.equal(0, (rdm.from { t { 1, 2, 3, 4, 5, 6 } }:matrix() - square):abs():max():item())
    assert.same({ { 6, 3, 2 } }, r:at({ 4, 3, 1 }).vectors:totable())
    assert.same({ { 2, 3, 6 } }, r:at({ 4, 3, 1 }):aligned({ "a", "c", "d" }).vectors:totable())
    assert.equal("1 RDM of 4 stimuli\n  one", tostring(r))
    assert.same({ { 2, 1, 3.5, 3.5 } }, { rdm.ranks(t { 5, 1, 7, 7 }):totable() })
  end)

  it("are joined by stimulus id, and averaged by subject", function()
    local a = rdm.from { square, id = { "a", "b", "c", "d" }, names = { "A" } }
    local both = rdm.join { a, a:at({ 4, 1, 3, 2 }):named { "B" } }
    assert.equal(0, (both.vectors[1] - both.vectors[2]):abs():max():item())
    assert.same({ "A", "B" }, both.names)
    assert.same(a:at({ 4, 1, 3 }).vectors:totable(), a:at({ "d", "a", "c" }).vectors:totable())
    raises("at holds the id 'x', which no stimulus has: the ids are a, b, c, d", a.at, a, { "x", "a", "b" })
    raises("a set of RDMs has no field 'dissimilarities': r.vectors are", function() return a.dissimilarities end)
    local means = rdm.from { t { { 1, 2, 3, 0, 0, 0 }, { 3, 2, 1, 0, 0, 2 },
      { 5, 5, 5, 5, 5, 5 } } }:averaged { "s", "s", "u" }
    assert.same({ { 2, 2, 2, 0, 0, 1 }, { 5, 5, 5, 5, 5, 5 } }, means.vectors:totable())
    assert.same({ { 0, 1, 1 } }, rdm.categories { "x", "x", "y" }.vectors:totable())
  end)

  it("go to files and come back", function()
    local dir = base.temporary and base.temporary() or os.tmpname()
    os.remove(dir)
    local r = rdm.from { t { { 1, 2, 3 }, { 3, 2.5, 1 } }, id = { "a", "b", "c" }, names = { "A", "B" },
      measure = "correlation" }
    for _, ending in ipairs { ".npy", ".h5" } do
      r:save(dir .. ending)
      local back = rdm.load(dir .. ending)
      assert.same(r.vectors:totable(), back.vectors:totable())
      if ending == ".h5" then
        assert.same(r.id, back.id)
        assert.same(r.names, back.names)
        assert.equal(r.measure, back.measure)
        local file <close> = require("lamina.hdf5").open(dir .. ending)
        local all = { "descriptors", "dissimilarities", "pattern_descriptors/index",
          "pattern_descriptors/stimulus_id", "rdm_descriptors/index", "rdm_descriptors/name" } -- what load_rdm wants
        local held = {}
        for name in pairs(file:list()) do held[name] = true end
        for _, name in ipairs(all) do assert.is_true(held[name], name) end
        assert.equal("correlation", file:attributes("/").dissimilarity_measure)
      end
      os.remove(dir .. ending)
    end
    r:of("B"):save(dir .. ".csv")
    assert.same({ { 3, 2.5, 1 } }, rdm.load(dir .. ".csv").vectors:totable())
    os.remove(dir .. ".csv")
    raises("should end in .npy, .mat, .h5, .hdf5 or .csv", rdm.load, "x.txt")
  end)

  it("say what is wrong", function()
    local r = rdm.from { square, id = { "a", "b", "c", "d" } }
    raises("not symmetric", rdm.from, { t { { 0, 1, 2 }, { 3, 0, 1 }, { 2, 1, 0 } } })
    raises("the diagonal holds 1, expected 0", rdm.from, { tensor.eye(3, { dtype = "float64" }) })
    raises("ids that occur more than once: a", rdm.from, { square, id = { "a", "a", "c", "d" } })
    raises("are no RDM: expected n x n", rdm.from, { t { 1, 2, 3, 4 } })
    raises("1 of 3 dissimilarities are NaN", rdm.from, { t { 1, 0 / 0, 2 } })
    raises("different stimuli: a hold e, and these hold d, which the others lack", r.aligned, r,
      { "a", "b", "c", "e" }, "a")
    raises("there is no RDM EVA among the 1", r.of, r, "EVA")
  end)
end)

describe("compare_rdms", function()
  local a, b = rdm.from { t(peer.models) }, rdm.from { t(peer.subjects) }

  for _, method in ipairs(MEASURES) do
    it("is rsatoolbox's: " .. method, function()
      same(compare.compare_rdms { a, b, method = method }, peer.compare[method])
      local ceiling = compare.rdm_ceiling { b, method = method }
      same({ ceiling.lower, ceiling.upper }, peer.ceiling[method])
    end)

    it("leaves missing pairs out of all and counts them: " .. method, function()
      local function holes(list)
        local rows = t(list):totable()
        for _, row in ipairs(rows) do
          for _, p in ipairs(peer.gone) do row[p] = 0 / 0 end
        end
        return rdm.from { t(rows), missing = "nan" }
      end
      local value, info = compare.compare_rdms { holes(peer.models), holes(peer.subjects), method = method }
      same(value, peer.compare_missing[method])
      assert.same({ 34, 2 }, { info.pairs, info.missing })
      assert.equal(method .. " over 34 pairs of stimuli; 2 of 36 pairs, missing in some RDM, left out of all",
        tostring(info))
      local one_side = compare.compare_rdms { holes(peer.models), b, method = method }
      same(one_side, peer.compare_missing[method])
    end)
  end

  it("is SciPy's tau-b and Spearman's rho", function()
    same(compare.compare_rdms { a, b, method = "tau_b" }, peer.scipy.tau_b)
    same(compare.compare_rdms { a, b, method = "spearman" }, peer.scipy.spearman)
  end)

  it("weighs by a covariance of the stimuli", function()
    for method, value in pairs(peer.sigma_compare) do
      same(compare.compare_rdms { a, b, method = method, covariance = t(peer.sigma) }, value)
      local eye = tensor.ones({ 9 }, { dtype = "float64" })
      same(compare.compare_rdms { a, b, method = method, covariance = eye }, peer.compare[method])
    end
  end)

  it("aligns by stimulus id", function()
    local ids = { "a", "b", "c", "d", "e", "f", "g", "h", "i" }
    local order = { 3, 9, 1, 2, 8, 7, 4, 6, 5 }
    local left, right = a:with_ids(ids), b:with_ids(ids):at(order)
    same(compare.compare_rdms { left, right, method = "spearman" }, peer.compare.spearman)
    raises("compare_rdms: the RDMs are of different stimuli: b hold z, and a hold a, which", compare.compare_rdms,
      { left, b:with_ids { "z", "b", "c", "d", "e", "f", "g", "h", "i" } })
    raises("compare_rdms: a is of 9 stimuli and b of 3", compare.compare_rdms,
      { a, rdm.from { t { 1, 2, 3 } } })
  end)

  it("counts tau by its definition where values tie", function()
    local y = tensor.draw { kind = "uniform", shape = { 2, 190 }, seed = 4, purpose = "ties", dtype = "float64" }
    y = (y * 12):floor()
    local one, two = y[1]:totable(), y[2]:totable()
    local balance = 0
    for i = 1, 190 do
      for j = i + 1, 190 do
        local d = (one[i] - one[j]) * (two[i] - two[j])
        balance = balance + (d > 0 and 1 or d < 0 and -1 or 0)
      end
    end
    assert.equal(balance / (190 * 189 / 2), core.compare(y[{ { 1, 1 } }], y[{ { 2, 2 } }], "tau_a"):item())
  end)

  it("deals the stimuli anew for a null, whose values are those of dealt RDMs", function()
    for _, method in ipairs(MEASURES) do
      local value, info = compare.compare_rdms { a, b, method = method, permutations = 20, seed = 5 }
      assert.same({ 20, 3 }, info.null.shape)
      local orders = compare.orders(9, 20, 5, "compare_rdms.permutations"):totable()
      local dealt = compare.compare_rdms { a:at(orders[7]), b, method = method }:mean(2)
      assert.is_true((dealt - info.null[7]):abs():max():item() < 1e-12)
      local reached = 0
      for k = 1, 20 do reached = reached + (info.null[k][1] >= value[1]:mean():item() and 1 or 0) end
      assert.near((1 + reached) / 21, info.p[1], 1e-15)
    end
  end)

  it("says what is wrong", function()
    raises("all dissimilarities of RDM 2 are the same", compare.compare_rdms,
      { rdm.from { t { { 1, 2, 3 }, { 2, 2, 2 } } }, rdm.from { t { 1, 2, 3 } } })
    raises("'neg_riem_dist' (it is called 'tau_a' here)", compare.compare_rdms, { a, b, method = "kendall" })
    raises("'tau_b' (it is called 'whitened_cosine' here)", compare.rdm_ceiling, { b, method = "cosine_cov" })
    raises("expected at least 2 subjects", compare.rdm_ceiling, { b:of(1) })
    local ceiling = compare.rdm_ceiling { b, method = "spearman" }
    assert.equal(string.format("noise ceiling of %d RDMs (spearman): %.3f (lower, the others' pool) to %.3f (upper, "
      .. "everybody's)", #b, ceiling.lower, ceiling.upper), tostring(ceiling))
    raises("a covariance belongs to whitened_pearson, whitened_cosine and neg_riem_dist, not to cosine",
      compare.compare_rdms, { a, b, method = "cosine", covariance = t(peer.sigma) })
    raises("compare_rdms: a is a string, expected a set of RDMs", compare.compare_rdms, { "x", b })
  end)
end)

describe("compare_rdms by second moments", function()
  local moments, peers = require "lamina.rdm.moments", peer.moments
  local a, b = rdm.from { t(peers.a) }, rdm.from { t(peers.b) }

  for _, method in ipairs(moments.methods) do
    it("is rsatoolbox's: " .. method, function()
      assert.is_true(off(compare.compare_rdms { a, b, method = method }, peers.compare[method]) < 1e-7)
      local one = compare.compare_rdms { a:of(2), b:of(3), method = method }
      assert.near(peers.compare[method][2][3], one, 1e-7 * math.abs(one))
    end)

    it("is that of equal RDMs, whatever the order of the stimuli: " .. method, function()
      local value = compare.compare_rdms { a:of(1), a:of(1), method = method }
      assert.near(method == "bures" and 1 or 0, value, method == "neg_riem_dist" and 1e-4 or 1e-9)
      local order = { 7, 1, 3, 2, 6, 5, 4 }
      local again = compare.compare_rdms { a:at(order), b:at(order), method = method }
      assert.is_true(off(again, peers.compare[method]) < 1e-6)
    end)

    it("deals the stimuli anew: " .. method, function()
      local value, info = compare.compare_rdms { a, b, method = method, permutations = 5, seed = 5 }
      local orders = compare.orders(7, 5, 5, "compare_rdms.permutations"):totable()
      local reached = 0
      for k, order in ipairs(orders) do
        local dealt = compare.compare_rdms { a:at(order), b, method = method }:mean(2)
        assert.is_true(off(dealt, info.null[k]) < 1e-9)
        local difference = info.null[k][2] - value[2]:mean():item()
        if method == "bures_metric" then difference = -difference end
        reached = reached + (difference >= 0 and 1 or 0)
      end
      assert.near((1 + reached) / 6, info.p[2], 1e-15)
      assert.same({ 21, 0 }, { info.pairs, info.missing })
    end)
  end

  it("has the Bures distance of a shape from a larger one, and of points without a common axis, to the last digits",
    function()
      local spots = tensor.draw { kind = "normal", shape = { 9, 4 }, seed = 2, purpose = "spots", dtype = "float64" }
      spots = spots - spots:mean { dim = 1, keepdim = true }
      local function of(points) return rdm { points, method = "squared_euclidean", per_channel = false } end
      local size = spots:square():sum():item()
      local small, large = of(spots), of(spots * 3)
      assert.near(1, compare.compare_rdms { small, large, method = "bures" }, 1e-12)
      assert.near(4 * size, compare.compare_rdms { small, large, method = "bures_metric" }, 1e-10)
      -- centred columns that are at right angles share nothing
      local along, across = t { 1, -1, 0, 0 }:reshape { 4, 1 }, t { 1, 1, -1, -1 }:reshape { 4, 1 }
      assert.near(0, compare.compare_rdms { of(along), of(across), method = "bures" }, 1e-12)
      assert.near(6, compare.compare_rdms { of(along), of(across), method = "bures_metric" }, 1e-12)
    end)

  it("takes a covariance of the noise, or variances", function()
    same(compare.compare_rdms { a, b, method = "neg_riem_dist", covariance = t(peers.sigma) }, peers.covariance)
    local equal = tensor.ones({ 7 }, { dtype = "float64" })
    same(compare.compare_rdms { a, b, method = "neg_riem_dist", covariance = equal }, peers.compare.neg_riem_dist)
    raises("compare_rdms: covariance is 3x3, expected 7 x 7 (or 7 variances)", compare.compare_rdms,
      { a, b, method = "neg_riem_dist", covariance = t { 1, 2, 3 } })
    raises("a covariance belongs to whitened_pearson, whitened_cosine and neg_riem_dist, not to bures",
      compare.compare_rdms, { a, b, method = "bures", covariance = equal })
  end)

  it("is rsatoolbox's of RDMs that no points have", function()
    local models, subjects = rdm.from { t(peer.models) }, rdm.from { t(peer.subjects) }
    for _, method in ipairs { "bures", "bures_metric" } do
      assert.is_true(off(compare.compare_rdms { models, subjects, method = method }, peer.moments[method]) < 1e-7)
    end
    raises("compare_rdms: b: the second moment of RDM 1 is not positive definite", compare.compare_rdms,
      { models, subjects, method = "neg_riem_dist" })
    raises("compare_rdms: a: the second moment of RDM far is not positive definite", compare.compare_rdms,
      { rdm.from { t { 1000, 1, 1 }, names = { "far" } }, rdm.from { t { 1, 1, 1 } }, method = "neg_riem_dist" })
  end)

  it("finds the least distance, as a fine grid of scales and noise does", function()
    local theta, least = {}, math.huge
    for i = -40, 20 do
      for j = -40, 20 do
        theta[1], theta[2] = i / 10, j / 10
        least = math.min(least, (theta[1] + 1.3) ^ 2 + 3 * (theta[2] - 0.4 * theta[1]) ^ 2)
      end
    end
    local found = moments.downhill(function(at) return (at[1] + 1.3) ^ 2 + 3 * (at[2] - 0.4 * at[1]) ^ 2 end, 2)
    assert.near(least, found, 2e-3)
    assert.near(0, found, 1e-8)
    local asked = 0 -- where there is no end, it stops after 200 values for each number
    moments.downhill(function(at) asked = asked + 1 return at[1] + at[2] end, 2)
    assert.equal(400, asked)
  end)

  it("needs whole RDMs with something in them, and is compare_rdms' alone", function()
    local rows = t(peers.a):totable()
    rows[1][4] = 0 / 0
    raises("compare_rdms: 1 of 21 pairs are missing in some RDM, and bures needs whole RDMs", compare.compare_rdms,
      { rdm.from { t(rows), missing = "nan" }, b, method = "bures" })
    for _, method in ipairs { "bures", "bures_metric", "neg_riem_dist" } do
      raises("compare_rdms: b holds infinite dissimilarities, and " .. method, compare.compare_rdms,
        { rdm.from { t { 1, 2, 2 } }, rdm.from { t { 1, math.huge, 2 } }, method = method })
    end
    raises("compare_rdms: a: the dissimilarities of RDM 1 add up to 0", compare.compare_rdms,
      { rdm.from { t { 0, 0, 0 } }, rdm.from { t { 1, 2, 2 } }, method = "bures" })
    assert.near(1, compare.compare_rdms { rdm.from { t { 1, 1, 1 } }, rdm.from { t { 2, 2, 2 } }, method = "bures" },
      1e-12)
    raises("option 'method' is 'bures', expected one of", compare.rdm_ceiling, { b, method = "bures" })
  end)
end)

describe("resamples", function()
  local models, data = t(peer.models), t(peer.subjects)

  local function counts(draws, n)
    local rows = {}
    for r, draw in ipairs(draws) do
      rows[r] = {}
      for i = 1, n do rows[r][i] = 0 end
      for _, i in ipairs(draw) do rows[r][i] = rows[r][i] + 1 end
    end
    return tensor.tensor(rows, { dtype = "int64" })
  end

  for method, theirs in pairs(peer.bootstrap) do
    it("are rsatoolbox's for its draws: " .. method, function()
      local got = core.bootstrap(models, data, counts(theirs.stimuli, 9), counts(theirs.subjects, 4), method)
      same(got[{ {}, {}, { 1, 3 } }], theirs.evaluations)
      same(got[{ {}, {}, { 4, 5 } }], theirs.ceilings)
    end)
  end

  it("are the same bits with any number of threads", function()
    local before = base.threads()
    local theirs, digests = peer.bootstrap.tau_a, {}
    for i, threads in ipairs { 1, 2, 5 } do
      base.threads(threads)
      digests[i] = core.bootstrap(models, data, counts(theirs.stimuli, 9), counts(theirs.subjects, 4),
        "tau_a"):digest()
    end
    base.threads(before)
    assert.equal(digests[1], digests[2])
    assert.equal(digests[1], digests[3])
  end)
end)

describe("the 92 images of Kriegeskorte et al. 2008", function()
  local dir = (os.getenv "LAMINA_DATA" or "../shared/data") .. "/kriegeskorte92/"

  it("give the published numbers", function()
    if not base.exists(dir .. "hIT_rdm_fig1.npy") then return pending "no data (LAMINA_DATA)" end
    local human = rdm.load(dir .. "hIT_rdm_fig1.npy")
    for name, value in pairs { animacy = 0.3397, EVA = 0.2408, HMAX = 0.1494, HMAXnatImPatch = 0.0665,
      V1 = 0.0261 } do
      local tau = compare.compare_rdms { rdm.load(dir .. "model_rdm_" .. name .. ".npy"), human }
      assert.near(value, tau, 5e-5)
    end
    local sessions = rdm.load(dir .. "hIT_rdms_subject_session.npy")
    assert.is_true((sessions:mean().vectors - human.vectors):abs():max():item() < 1e-6)
    local ceiling = compare.rdm_ceiling { sessions:averaged { 1, 1, 2, 2, 3, 3, 4, 4 } }
    assert.near(0.2539, ceiling.lower, 5e-5)
    assert.near(0.4767, ceiling.upper, 5e-5)
    local mat = rdm.load(dir .. "92_brainRDMs.mat")
    assert.equal("hIT | BE | Session: 1", mat.names[1])
    assert.is_true((mat:mean().vectors - human.vectors):abs():max():item() < 1e-6)
    assert.is_true(ops.isfinite(mat.vectors):all():item())
  end)
end)
